"""The database door beside direct access, PgBouncer and pgpool-II, in one run: reads, copies, connects, memory.

Starts a doorward of its own, PgBouncer in session mode and pgpool-II in raw mode before the same embedded PostgreSQL.
Slices alternate, so that a busy machine touches all of them; PGSSLMODE is explicit. CPU a statement is that of the
proxy's processes. pgaudit is measured against the same server without it, on Debian's PostgreSQL 15. What is not
installed is left out. Nothing here is asserted.

    .venv/bin/python bench/bench_peers.py [--seconds 3] [--rounds 3] [--clients 1,8,32,120] [--json]
"""

import argparse
import json
import os
import pwd
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from bench_gateway import doorward_up, free_port, gateway_pid

from doorward.cli.folders import Folders
from doorward.cli.sample import PEOPLE
from doorward.embedded.launcher import find_binaries

READ = "\\set id random(1, 40000)\nSELECT last_name FROM persons WHERE person_id = :id;\n"
MODES = ("simple", "extended", "prepared")
WIDE = "SELECT i, repeat('x', 150) AS text FROM generate_series(1, 1000000) AS i"  # 157 MB, the same for all
DEBIAN = Path("/usr/lib/postgresql/15/bin")


@dataclass
class Peer:
    """A way to the same tables.

    Args:
        pids: Of the proxy's processes; empty for direct access, whose server is not counted.
    """

    name: str
    port: int
    user: str
    password: str
    options: str = ""
    pids: Sequence[int] = ()
    figures: dict[str, list[float]] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """Return the environment of libpq's clients."""
        return {**os.environ, "PGPASSWORD": self.password, "PGOPTIONS": self.options, "PGSSLMODE": "disable"}

    def connect(self) -> psycopg.Connection[Any]:
        """Return a connection."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=self.user, password=self.password, dbname="clear",
            options=self.options, sslmode="disable", autocommit=True,
        )  # fmt: skip

    def note(self, name: str, value: float) -> None:
        """Keep one slice's figure."""
        self.figures.setdefault(name, []).append(value)


def ticks(pids: Sequence[int]) -> float:
    """Return CPU seconds of processes and their children that were reaped or run."""
    total = 0.0
    for pid in pids:
        for one in [pid, *children(pid)]:
            try:
                fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def children(pid: int) -> list[int]:
    """Return the direct children of a process."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def memory_kib(pids: Sequence[int]) -> float:
    """Return the private memory of processes and their children."""
    total = 0
    for pid in pids:
        for one in [pid, *children(pid)]:
            try:
                text = Path(f"/proc/{one}/smaps_rollup").read_text()
            except OSError:
                continue
            total += sum(int(found) for found in re.findall(r"Private_\w+:\s+(\d+)", text))
    return float(total)


@contextmanager
def pgbouncer(city_port: int, user: str, password: str) -> Iterator[Peer | None]:
    """Yield PgBouncer in session mode, or None where it is not installed."""
    binary = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
    if binary is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as name:
        folder, port = Path(name), free_port()
        folder.chmod(0o755)
        (folder / "users.txt").write_text(f'"{user}" "{password}"\n')
        (folder / "pgbouncer.ini").write_text(
            f"""[databases]
clear = host=127.0.0.1 port={city_port} dbname=clear user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users.txt
pool_mode = session
max_client_conn = 400
default_pool_size = 150
ignore_startup_parameters = options,extra_float_digits
server_idle_timeout = 1
server_check_delay = 0
log_connections = 0
log_disconnections = 0
"""
        )
        with daemon([binary, "-q", str(folder / "pgbouncer.ini")], port) as pid:
            yield Peer("PgBouncer", port, user, password, pids=(pid,))


@contextmanager
def pgpool(city_port: int, user: str, password: str) -> Iterator[Peer | None]:
    """Yield pgpool-II in raw mode, or None where it is not installed."""
    binary = shutil.which("pgpool") or shutil.which("/usr/sbin/pgpool")
    if binary is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as name:
        folder, port = Path(name), free_port()
        folder.chmod(0o777)
        (folder / "pool_passwd").write_text(f"{user}:TEXT{password}\n")
        (folder / "pgpool.conf").write_text(
            f"""backend_clustering_mode = 'raw'
listen_addresses = '127.0.0.1'
port = {port}
pcp_port = {free_port()}
socket_dir = '{folder}'
pcp_socket_dir = '{folder}'
work_dir = '{folder}'
pid_file_name = '{folder}/pgpool.pid'
logdir = '{folder}'
backend_hostname0 = '127.0.0.1'
backend_port0 = {city_port}
num_init_children = 130
max_pool = 1
connection_cache = off
load_balance_mode = off
enable_pool_hba = off
pool_passwd = '{folder}/pool_passwd'
allow_clear_text_frontend_auth = on
health_check_period = 0
"""
        )
        for file in folder.iterdir():
            file.chmod(0o644)
        command = [binary, "-n", "-f", str(folder / "pgpool.conf"), "-F", str(folder / "pcp.conf")]
        (folder / "pcp.conf").touch()
        with daemon(command, port) as pid:
            yield Peer("pgpool-II", port, user, password, pids=(pid,))


@contextmanager
def daemon(command: Sequence[str], port: int) -> Iterator[int]:
    """Yield the pid of a server that runs as nobody and listens."""
    nobody = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        user=nobody.pw_uid if nobody else None, group=nobody.pw_gid if nobody else None,
        extra_groups=[] if nobody else None,
    )  # fmt: skip
    try:
        for _ in range(200):
            if process.poll() is not None:
                raise SystemExit(f"{command[0]} did not start")
            if listens(port):
                break
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def listens(port: int) -> bool:
    """Return True where a port of this host takes connections."""
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def pgbench(peer: Peer, mode: str, clients: int, seconds: int, *, script: str = READ, binaries: Path) -> None:
    """Note transactions a second, latencies and the proxy's CPU of one slice."""
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as name:
        (Path(name) / "read.sql").write_text(script)
        before = ticks(peer.pids)
        done = subprocess.run(
            [str(binaries / "pgbench"), "-n", "-M", mode, "-c", str(clients), "-j", "1", "-l",
             "-T", str(seconds + clients // 15),
             "--log-prefix", f"{name}/log", "-h", "127.0.0.1", "-p", str(peer.port), "-U", peer.user,
             "-f", f"{name}/read.sql", "clear"],
            env=peer.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        found = re.search(r"tps = ([\d.]+)", done.stdout)
        if found is None:
            raise SystemExit(f"pgbench by {peer.name} failed: {done.stdout[-300:]} {done.stderr[-500:]}")
        taken = sorted(
            int(line.split()[2]) for log in Path(name).glob("log.*") for line in log.read_text().splitlines()
        )
    label = f"{mode} c={clients}"
    peer.note(f"{label} tps", float(found[1]))
    for share in (50, 95, 99):
        peer.note(f"{label} p{share} us", float(taken[min(len(taken) - 1, len(taken) * share // 100)]))
    if peer.pids:
        peer.note(f"{label} CPU us", (ticks(peer.pids) - before) / max(len(taken), 1) * 1e6)


def bulk(peer: Peer) -> None:
    """Note MB/s of COPY and SELECT through psql, and the proxy's CPU seconds a GB."""
    for name, arguments in (
        ("COPY", ["-c", f"COPY ({WIDE}) TO STDOUT"]),
        ("SELECT", ["-At", "-c", WIDE]),
    ):
        before, begun = ticks(peer.pids), time.monotonic()
        with subprocess.Popen(
            ["psql", "-X", "-h", "127.0.0.1", "-p", str(peer.port), "-U", peer.user, "-d", "clear", *arguments],
            env=peer.environment(), stdout=subprocess.PIPE,
        ) as client:  # fmt: skip
            assert client.stdout is not None
            size = 0
            while chunk := client.stdout.read(1 << 20):
                size += len(chunk)
        seconds = time.monotonic() - begun
        peer.note(f"{name} MB/s", size / seconds / 1e6)
        if peer.pids:
            peer.note(f"{name} CPU s/GB", (ticks(peer.pids) - before) / size * 1e9)


def connects(peer: Peer, times: int = 40) -> None:
    """Note the median milliseconds of a connect, and the proxy's CPU of one."""
    taken, before = [], ticks(peer.pids)
    for _ in range(times):
        begun = time.perf_counter()
        peer.connect().close()
        taken.append((time.perf_counter() - begun) * 1000)
    peer.note("connect p50 ms", statistics.median(taken))
    if peer.pids:
        peer.note("connect CPU ms", (ticks(peer.pids) - before) / times * 1000)


def sessions(peer: Peer, count: int = 100) -> None:
    """Note the proxy's private memory for each of many idle sessions."""
    if not peer.pids:
        return
    with ExitStack() as open_ones:
        before = memory_kib(peer.pids)
        for _ in range(count):
            open_ones.enter_context(peer.connect()).execute("SELECT 1")
        peer.note("KiB a session", (memory_kib(peer.pids) - before) / count)


@contextmanager
def audited(*, audit: bool) -> Iterator[Peer]:
    """Yield Debian's PostgreSQL 15 with the read table, with pgaudit or without."""
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as name:
        folder, port = Path(name), free_port()
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        demote: dict[str, Any] = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        subprocess.run(
            [DEBIAN / "initdb", "-D", folder / "d", "-A", "trust", "-U", "postgres"],
            check=True, stdout=subprocess.DEVNULL, **demote,
        )  # fmt: skip
        settings = {
            "port": port, "unix_socket_directories": "", "max_connections": 200, "logging_collector": "on",
            **({"shared_preload_libraries": "pgaudit", "pgaudit.log": "read"} if audit else {}),
        }  # fmt: skip
        flags = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        with subprocess.Popen(
            [DEBIAN / "postgres", "-D", folder / "d", *flags], stderr=subprocess.DEVNULL, **demote
        ) as server:
            while not listens(port):
                time.sleep(0.05)
            peer = Peer("PostgreSQL 15 with pgaudit" if audit else "PostgreSQL 15", port, "postgres", "")
            with psycopg.connect(host="127.0.0.1", port=port, user="postgres", autocommit=True) as connection:
                connection.execute("CREATE DATABASE clear")
            with peer.connect() as connection:
                connection.execute(
                    "CREATE TABLE persons AS SELECT i AS person_id, md5(i::text) AS last_name"
                    " FROM generate_series(1, 40000) AS i"
                )
                connection.execute("ALTER TABLE persons ADD PRIMARY KEY (person_id)")
            try:
                yield peer
            finally:
                server.terminate()


def measure_peers(arguments: argparse.Namespace) -> list[Peer]:
    """Return every way with its figures."""
    with doorward_up() as (folders, port, city_port, _cold, _warm), ExitStack() as stack:
        user, password = "records_app", (Folders(folders.data).keys / "records_app.password").read_text()
        detective = PEOPLE[0]
        door = Peer(
            "doorward",
            port,
            detective.login,
            detective.password,
            detective.options(),
            (gateway_pid(folders),),
        )
        found = [
            Peer("direct", city_port, user, password),
            door,
            stack.enter_context(pgbouncer(city_port, user, password)),
            stack.enter_context(pgpool(city_port, user, password)),
        ]
        peers = [peer for peer in found if peer is not None]
        for _ in range(arguments.rounds):
            for mode in MODES:
                for clients in arguments.clients:
                    for peer in peers:
                        pgbench(peer, mode, clients, arguments.seconds, binaries=find_binaries())
            for peer in peers:
                bulk(peer)
                connects(peer)
        for peer in peers:
            time.sleep(3)  # PgBouncer gives the connections of the slice before back to the server
            sessions(peer)
        return peers


def measure_audit(arguments: argparse.Namespace) -> list[Peer]:
    """Return PostgreSQL 15 with and without pgaudit."""
    if not (DEBIAN.parent / "lib" / "pgaudit.so").exists() or os.geteuid() != 0:
        return []
    with audited(audit=False) as plain, audited(audit=True) as log:
        for _ in range(arguments.rounds):
            for mode in MODES:
                for peer in (plain, log):
                    pgbench(peer, mode, 8, arguments.seconds, binaries=DEBIAN)
    return [plain, log]


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--clients", type=lambda text: [int(one) for one in text.split(",")], default=[1, 8, 32, 120]
    )
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    peers = [*measure_peers(arguments), *measure_audit(arguments)]
    medians = {
        peer.name: {name: statistics.median(values) for name, values in peer.figures.items()}
        for peer in peers
    }
    if arguments.json:
        json.dump(medians, sys.stdout, indent=1)
        return
    names = list(dict.fromkeys(name for figures in medians.values() for name in figures))
    print(f"{'':28}" + "".join(f"{name:>28}" for name in medians))
    for name in names:
        cells = [figures.get(name) for figures in medians.values()]
        print(f"{name:28}" + "".join(f"{'' if cell is None else format(cell, ',.1f'):>28}" for cell in cells))


if __name__ == "__main__":
    main()
