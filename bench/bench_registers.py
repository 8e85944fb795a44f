"""What a register costs at connect: the three refusals, a register that is dead, and sessions asked about again.

A gateway with a register over HTTPS (`examples/case-register/serve.py`) before the sample city's server, as a client
sees it. Nothing here is asserted.

    .venv/bin/python bench/bench_registers.py [--times 100] [--json]
"""

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from bench_gateway import connect, free_port, measure_refusals

from doorward.cli.folders import Folders
from doorward.cli.sample import AGREEMENTS, OTHERS, PEOPLE, as_people
from doorward.embedded.clusters import city_spec
from doorward.embedded.launcher import Cluster
from doorward.embedded.sample import SampleSizes, create_sample
from doorward.gateway.control import ask_control
from doorward.grants.people import save_agreements, save_people
from doorward.pgwire.scram import make_verifier

CHECKOUT = Path(__file__).resolve().parents[1]
SESSIONS = (1, 10, 60)
TODAY = time.strftime("%Y-%m-%d")
CASES = "case,status,kind,assigned_to\nJH123456,open,criminal,detective\nJH200002,closed,criminal,detective\n"
SETTINGS = """
order = "chicago"
production = false
data = "data"
[database]
conninfo = "host={host} port={port} dbname=clear"
[listen]
host = "127.0.0.1"
port = {own}
plain = true
[record]
conninfo = "host=localhost dbname=disclosures"
[register]
source = "https"
url = "https://127.0.0.1:{service}/cases"
authority = "{authority}"
token_file = "token"
cache_seconds = 0
"""


@contextmanager
def city(folder: Path) -> Iterator[Cluster]:
    cluster = Cluster(city_spec(folder / "city", free_port()))
    cluster.start()
    create_sample(
        cluster.dsn(user="postgres", dbname="postgres"), app_password="app",
        rows=SampleSizes(400, 400, 400, 400, 400, 200),
    )  # fmt: skip
    dsn = cluster.dsn(user="postgres", dbname="clear")
    command = [sys.executable, "-m", "doorward", "order", "install", "--neither", "records_app", "--dsn", dsn]
    subprocess.run(command, check=True, capture_output=True)
    yield cluster
    cluster.stop()


@contextmanager
def register(folder: Path) -> Iterator[tuple[int, Path, "subprocess.Popen[bytes]"]]:
    sys.path.append(str(CHECKOUT / "tests"))
    from tests_support.certificates import Authority

    authority = Authority(folder / "authority", "bench")
    pair = authority.issue("register", hosts=("127.0.0.1",))
    (folder / "cases.csv").write_text(CASES + "JH300003,open,criminal,other.detective\n")
    port = free_port()
    token, cases = folder / "token", folder / "cases.csv"
    token.touch(mode=0o600)
    token.write_text("measured")
    arguments = [str(port), str(pair.certificate), str(pair.key), str(token), str(cases)]
    with subprocess.Popen(
        [sys.executable, str(CHECKOUT / "examples/case-register/serve.py"), *arguments],
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield port, authority.root, process
        process.send_signal(signal.SIGCONT)
        process.terminate()


@contextmanager
def gateway(folder: Path, cluster: Cluster, service: int, authority: Path) -> Iterator[tuple[int, Path]]:
    data, port = folder / "data", free_port()
    Folders(data).make()
    sample = (*PEOPLE, *OTHERS)
    salt = b"0123456789abcdef"
    verifiers = {one.login: str(make_verifier(one.password, salt=salt, iterations=4096)) for one in sample}
    save_people([replace(one, attested_on=TODAY) for one in as_people(verifiers)], data / "people.json")
    save_agreements(AGREEMENTS, data / "agencies.json")
    at: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(cluster.dsn(user="postgres", dbname="clear"))
    settings = SETTINGS.format(
        host=at["host"], port=at["port"], own=port, service=service, authority=authority
    )
    (folder / "doorward.toml").write_text(settings)
    command = [sys.executable, "-m", "doorward", "gateway", "--config", str(folder / "doorward.toml")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield port, next((data / "run").glob("control-*.sock"))
        process.terminate()


def milliseconds(port: int, times: int) -> list[float]:
    """How long a clerk, whose access rests on no case, takes to come in."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        connect(PEOPLE[1], port).close()
        taken.append((time.perf_counter() - begun) * 1000)
    return taken


def measure_recheck(port: int, control: Path) -> dict[str, float]:
    found = {}
    for count in SESSIONS:
        sessions = [connect(PEOPLE[0], port) for _ in range(count)]
        begun = time.perf_counter()
        ask_control(control, {"ask": "register"})
        found[f"recheck of {count} sessions on one case ms"] = (time.perf_counter() - begun) * 1000
        for session in sessions:
            session.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with (
            city(folder) as cluster,
            register(folder) as (service, authority, process),
            gateway(folder, cluster, service, authority) as (port, control),
        ):
            found = {f"refusal, {key}": value for key, value in measure_refusals(port, given.times).items()}
            found |= measure_recheck(port, control)
            found["register alive, clerk in p50 ms"] = statistics.median(milliseconds(port, 20))
            process.send_signal(signal.SIGSTOP)
            dead = milliseconds(port, 23)
            found["register dead, the first three ms"] = max(dead[:3])
            found["register dead, then p50 ms"] = statistics.median(dead[3:])
            process.send_signal(signal.SIGCONT)
    if given.json:
        print(json.dumps(found, indent=1))
        return
    for key, value in found.items():
        print(f"{key:<60} {value:8.2f}")


if __name__ == "__main__":
    main()
