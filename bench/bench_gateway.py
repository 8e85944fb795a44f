"""The database door beside direct access: connects, point reads, CPU a statement, and the three refusals.

Starts a doorward of its own in a temporary folder. Every figure is paired with direct access as the city's own
application in the same run, alternating, so that a busy machine touches both. Nothing here is asserted.

    .venv/bin/python bench/bench_gateway.py [--seconds 5] [--connects 500] [--workers 2] [--json]

With `--workers N` only the reads are measured: before the same sample's server, through `doorward gateway --config`
with one worker and with N, each beside direct access. On a machine with fewer cores than workers, clients and server
need, the figure is what is left of the cores.
"""

import argparse
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from doorward.cli.folders import Folders
from doorward.cli.running import read_run
from doorward.cli.sample import PEOPLE, SamplePerson
from doorward.embedded.launcher import find_binaries

CLIENTS = (1, 8, 32)
ROUNDS = 3
POINT_READ = "\\set id random(1, 40000)\nSELECT last_name FROM persons WHERE person_id = :id;\n"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def doorward_up() -> Iterator[tuple[Folders, int, int, float, float]]:
    """Yield a running doorward with the seconds that its cold and its warm start took."""
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as name:
        Path(name).chmod(0o755)
        data, port, city_port = Path(name) / "data", free_port(), free_port()
        cold, process = _start(data, port, city_port)
        process.send_signal(signal.SIGINT)
        process.wait(60)
        warm, process = _start(data, port, city_port)
        try:
            yield Folders(data), port, city_port, cold, warm
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _start(data: Path, port: int, city_port: int) -> tuple[float, "subprocess.Popen[str]"]:
    begun = time.monotonic()
    arguments = ["--data", str(data), "--port", str(port), "--city-port", str(city_port), "--desk-port", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "doorward", "up", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "stop everything" in line:
            return time.monotonic() - begun, process
    raise SystemExit("doorward up did not come up")


def connect(person: SamplePerson, port: int, **changed: Any) -> psycopg.Connection[Any]:
    parameters: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "user": person.login,
        "password": person.password,
        "dbname": "clear",
        "options": person.options(),
        "sslmode": "disable",
    }
    return psycopg.connect(**(parameters | changed))


def direct(folders: Folders, city_port: int) -> dict[str, Any]:
    password = (folders.keys / "records_app.password").read_text()
    return {"user": "records_app", "password": password, "options": "", "port": city_port}


def median_milliseconds(work: Callable[[], None], times: int) -> float:
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def measure_connects(folders: Folders, port: int, city_port: int) -> dict[str, float]:
    through: list[float] = []
    around: list[float] = []
    straight = direct(folders, city_port)
    for _ in range(ROUNDS):
        through.append(median_milliseconds(lambda: connect(PEOPLE[0], port).close(), 40))
        around.append(median_milliseconds(lambda: connect(PEOPLE[0], **straight).close(), 40))
    return {"gateway p50 ms": statistics.median(through), "direct p50 ms": statistics.median(around)}


def measure_refusals(port: int, times: int) -> dict[str, float]:
    """Medians of the three refusals that must not be told apart, each measured twice, interleaved."""
    cases = {"unknown": "JH999999", "closed": "JH200002", "of another": "JH300003"}
    taken: dict[str, list[float]] = {f"{name} {run}": [] for name in cases for run in (1, 2)}
    for _ in range(times):
        for run in (1, 2):
            for name, case_no in cases.items():
                options = f"-c doorward.purpose=criminal-investigation -c doorward.case={case_no} -c doorward.for=CPD"
                begun = time.perf_counter()
                try:
                    connect(PEOPLE[0], port, options=options).close()
                except psycopg.OperationalError:
                    taken[f"{name} {run}"].append((time.perf_counter() - begun) * 1000)
    medians = {f"{name} p50 ms": statistics.median(values) for name, values in taken.items()}
    spread_within = max(abs(medians[f"{name} 1 p50 ms"] - medians[f"{name} 2 p50 ms"]) for name in cases)
    both = [statistics.median(taken[f"{name} 1"] + taken[f"{name} 2"]) for name in cases]
    return {
        **medians,
        "between the three ms": max(both) - min(both),
        "between two runs of one ms": spread_within,
    }


def pgbench(person: SamplePerson, clients: int, seconds: int, **changed: Any) -> float:
    script = Path(tempfile.gettempdir()) / f"doorward-bench-{os.getpid()}.sql"
    script.write_text(POINT_READ)
    user, password = changed.get("user", person.login), changed.get("password", person.password)
    environment = {
        "PGPASSWORD": password,
        "PGOPTIONS": changed.get("options", person.options()),
        "PGSSLMODE": "disable",
    }
    done = subprocess.run(
        [str(find_binaries() / "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(seconds),
         "-h", "127.0.0.1", "-p", str(changed["port"]), "-U", user, "-f", str(script), "clear"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    script.unlink(missing_ok=True)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if found is None:
        faults = [line for line in done.stderr.splitlines() if not line.startswith("NOTICE")]
        raise SystemExit(f"pgbench failed: {' '.join(faults)[-1000:]}")
    return float(found[1])


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def gateway_pid(folders: Folders) -> int:
    return int(read_run(folders, "gateway")["pid"])


@contextmanager
def gateway_of(workers: int, folders: Folders, keeping: str = "") -> Iterator[tuple[int, list[int]]]:
    """Yield the port of a gateway of so many workers before the sample's server, and its processes.

    Args:
        keeping: Lines of the settings' `[record]`.
    """
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as name:
        data, config, port = Path(name) / "data", Path(name) / "doorward.toml", free_port()
        city, record = read_run(folders, "city"), read_run(folders, "record")
        config.write_text(
            f"""
order = "chicago"
production = false
data = "{data}"
[database]
conninfo = "host={city["socket_dir"]} port={city["port"]} dbname=clear"
[listen]
host = "127.0.0.1"
port = {port}
plain = true
workers = {workers}
[record]
conninfo = "host={record["socket_dir"]} port={record["port"]}"
{keeping}
[register]
table = "public.cases"
case = "case_no"
status = "status"
kind = "kind"
assigned_to = "assigned_to"
[limits]
rows = 0
bytes = 0
statements_a_minute = 0
"""
        )
        Folders(data).make()
        people = json.loads(folders.people.read_text())
        today = datetime.now(UTC).date().isoformat()
        Folders(data).people.write_text(json.dumps([person | {"attested_on": today} for person in people]))
        Folders(data).agreements.write_bytes(folders.agreements.read_bytes())
        process = subprocess.Popen(
            [sys.executable, "-m", "doorward", "gateway", "--config", str(config)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise SystemExit("the gateway did not start")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        try:
            yield port, [process.pid, *map(int, children)]
        finally:
            process.terminate()
            process.wait(60)


def measure_workers(folders: Folders, city_port: int, seconds: int, workers: int) -> list[dict[str, float]]:
    results = []
    for count in (1, workers):
        with gateway_of(count, folders) as (port, pids):
            reads = measure_reads(folders, port, city_port, seconds, pids)
        results += [{"workers": count, **row} for row in reads]
    return results


def measure_reads(
    folders: Folders, port: int, city_port: int, seconds: int, pids: list[int]
) -> list[dict[str, float]]:
    straight, results = direct(folders, city_port), []
    for clients in CLIENTS:
        through, around, cpu = [], [], []
        for _ in range(ROUNDS):
            before = sum(map(cpu_seconds, pids))
            tps = pgbench(PEOPLE[0], clients, seconds, port=port)
            through.append(tps)
            cpu.append((sum(map(cpu_seconds, pids)) - before) / (tps * seconds) * 1e6)
            around.append(pgbench(PEOPLE[0], clients, seconds, **straight))
        results.append(
            {
                "clients": clients,
                "gateway tps": statistics.median(through),
                "direct tps": statistics.median(around),
                "ratio": statistics.median(t / a for t, a in zip(through, around, strict=True)),
                "gateway CPU us a statement": statistics.median(cpu),
            }
        )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connects", type=int, default=500)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with doorward_up() as (folders, port, city_port, cold, warm):
        figures: dict[str, dict[str, float] | list[dict[str, float]]] = {}
        seconds = arguments.seconds
        if arguments.workers > 1:
            figures["workers"] = measure_workers(folders, city_port, seconds, arguments.workers)
        else:
            figures = {
                "start": {"cold s": cold, "warm s": warm},
                "connect": measure_connects(folders, port, city_port),
                "reads": measure_reads(folders, port, city_port, seconds, [gateway_pid(folders)]),
                "refusals": measure_refusals(port, arguments.connects),
            }
    if arguments.json:
        print(json.dumps(figures, indent=1))
        return
    for name, value in figures.items():
        rows: list[dict[str, float]] = value if isinstance(value, list) else [value]
        for row in rows:
            print(f"{name:<10}", "  ".join(f"{key} {number:.3f}" for key, number in row.items()))


if __name__ == "__main__":
    main()
