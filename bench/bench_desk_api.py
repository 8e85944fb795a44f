"""How long a program waits for what it files: POST /api/v1/matters on a served desk with its database and its spool.

One program after another, then four at once, each with a connection that stays; CPU of the desk's process beside wall,
since other jobs run on the same machine. Nothing here is asserted.

    .venv/bin/python bench/bench_desk_api.py [--times 400]
"""

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from bench_gateway import free_port
from psycopg.conninfo import make_conninfo

from doorward.desk.configuration import VARIABLE, DeskConfiguration
from doorward.desk.database import DATABASE, ROLE, make_database
from doorward.embedded.clusters import record_spec
from doorward.embedded.launcher import Cluster

SERVE = (
    "import sys\nfrom doorward.desk.configuration import current\nfrom doorward.desk.serve import prepare, serve\n"
    "prepare()\nserve(current(), addresses=[sys.argv[1]])\n"
)
DETAINER = {"of-custody": "hold", "who-asks": "ICE-ERO", "papers": ["detainer"], "custody-origin": "arrest"}
OF_ONE_CLIENT = 100  # below its limit of 120 at once
TICKS = os.sysconf("SC_CLK_TCK")


def make_tokens(count: int) -> list[str]:
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "doorward.desk.settings"
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    from doorward.desk.api.clients import FilesAs, add_client

    as_what, now = FilesAs("lockup-keeper", "CPD", "city", "lock-up-1"), datetime.now(UTC)
    return [
        add_client(f"bench-{number}", as_what, ["detainer"], days=1, by="bench", now=now)
        for number in range(count)
    ]


def cpu_of(pid: int) -> float:
    """Seconds of a process and of its children that run."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat.parent.name) == pid or int(fields[1]) == pid:
            total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


def call(
    connection: HTTPConnection, token: str, method: str, path: str, *, body: object = None, key: str = ""
) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    headers["Idempotency-Key"] = key or str(uuid.uuid4())
    begin = time.perf_counter()
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    read = json.loads(answer.read())
    assert answer.status < 300, read
    return (time.perf_counter() - begin) * 1e3, read


def say(name: str, walls: list[float], cpu: float) -> None:
    walls.sort()
    print(
        f"{name:34} n {len(walls):4}, wall p50 {statistics.median(walls):6.1f} ms, "
        f"p95 {walls[int(len(walls) * 0.95)]:6.1f} ms; CPU of the desk {cpu / len(walls) * 1e3:5.1f} ms each"
    )


def measure(address: str, pid: int, tokens: list[str]) -> None:
    body = {"kind": "detainer", "answers": DETAINER}

    def file(token: str) -> list[float]:
        connection = HTTPConnection(address)
        return [
            call(connection, token, "POST", "/api/v1/matters", body=body)[0] for _ in range(OF_ONE_CLIENT)
        ]

    def one_by_one(name: str, token: str, method: str, path: str, *, key: str = "", times: int = 100) -> None:
        connection, before = HTTPConnection(address), cpu_of(pid)
        sent = body if method == "POST" else None
        say(
            name,
            [call(connection, token, method, path, body=sent, key=key)[0] for _ in range(times)],
            cpu_of(pid) - before,
        )

    warm = HTTPConnection(address)
    (_, filed) = call(warm, tokens[0], "POST", "/api/v1/matters", body=body, key="again")
    before = cpu_of(pid)
    say(
        "file, one after another",
        [wall for token in tokens[1:-5] for wall in file(token)],
        cpu_of(pid) - before,
    )
    one_by_one("preview", tokens[-5], "POST", "/api/v1/matters?preview=1")
    one_by_one("the same again", tokens[0], "POST", "/api/v1/matters", key="again")
    one_by_one("a matter", tokens[0], "GET", f"/api/v1/matters/{filed['id']}")
    before = cpu_of(pid)
    with ThreadPoolExecutor(4) as pool:
        walls = [wall for walls in pool.map(file, tokens[-4:]) for wall in walls]
    say("file, four at once", walls, cpu_of(pid) - before)


def main() -> None:
    parser = argparse.ArgumentParser(description="how long a program waits")
    parser.add_argument("--times", type=int, default=400)
    clients = parser.parse_args().times // OF_ONE_CLIENT + 6
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        cluster = Cluster(record_spec(folder))
        cluster.start()
        try:
            make_database(cluster.dsn(user="postgres", dbname="postgres"))
            spec = cluster.spec
            conninfo = make_conninfo(host=str(spec.socket_dir), port=spec.port, user=ROLE, dbname=DATABASE)
            address = f"127.0.0.1:{free_port()}"
            desk = DeskConfiguration(
                conninfo, "chicago", folder, secrets.token_urlsafe(48), (f"http://{address}",), sample=True
            )
            file = folder / "desk.json"
            file.write_text(desk.format(), encoding="utf-8")
            os.environ[VARIABLE] = str(file)
            tokens = make_tokens(clients)
            with subprocess.Popen([sys.executable, "-c", SERVE, address], stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                assert process.stdout.readline() == b"ready\n"
                measure(address, process.pid, tokens)
                process.terminate()
        finally:
            cluster.stop()


if __name__ == "__main__":
    main()
