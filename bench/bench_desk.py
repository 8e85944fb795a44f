"""How long the desk's server takes for a page, beside an empty page of the same Django and the same server.

A real PostgreSQL, a desk in a process of its own, as `doorward desk` serves it, and one browser without scripts on one
connection. Matters are filed first, by the form, each recorded. Then every page is fetched in turn, round by round, so
that what else the machine does falls on all alike. Wall is what the browser waits; CPU that of the desk's process and
of its database's backends, over all rounds of a page. The empty page is `/favicon.ico`: middleware, no session read, no
row. Nothing is asserted but that each page answers 200 (204 the empty one).

    .venv/bin/python bench/bench_desk.py [--matters 2000] [--rounds 200] [--json]
"""

import argparse
import http.client
import json
import os
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from psycopg.conninfo import make_conninfo

from doorward.desk.configuration import VARIABLE, DeskConfiguration
from doorward.desk.database import DATABASE, ROLE, make_database
from doorward.embedded.clusters import record_spec
from doorward.embedded.launcher import Cluster

PORT = 8093
TICK = os.sysconf("SC_CLK_TCK")
SERVE = f"""
from doorward.desk.configuration import current
from doorward.desk.serve import prepare, serve
from doorward.desk import limits
limits.wait_for = lambda *_, **__: 0  # a bench files more than a person may
prepare()
serve(current(), addresses=["127.0.0.1:{PORT}"])
"""
EMPTY = "an empty page"
FILES = {"of-custody": "hold", "who-asks": "ICE-ERO", "papers": "detainer", "file": "1"}


class Browser:
    """A browser without scripts that keeps its connection and its cookies."""

    def __init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
        self.cookies: SimpleCookie = SimpleCookie()

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str, str]:
        origin = f"http://127.0.0.1:{PORT}"
        sent = {"Cookie": "; ".join(f"{one.key}={one.value}" for one in self.cookies.values())}
        if body is not None:
            sent |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin, "Referer": origin}
        self.connection.request(method, path, body, sent)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                self.cookies.load(value)
        return answer.status, answer.getheader("Location") or "", text

    def post(self, path: str, csrf: str, **fields: str) -> str:
        status, where, text = self.ask("POST", path, urlencode({**fields, "csrfmiddlewaretoken": csrf}))
        if status != 302:
            raise SystemExit(f"{path}: expected 302, got {status}: {text[:200]}")
        return where

    def wake(self) -> None:
        """Open the connection anew: the server lets go of one that rests for five seconds."""
        self.connection.close()

    def token(self, path: str) -> str:
        found = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', self.ask("GET", path)[2])
        if found is None:
            raise SystemExit(f"{path} has no form")
        return found[1]

    def play(self, login: str) -> None:
        self.post("/play/", self.token("/play/"), login=login)


@contextmanager
def served() -> Iterator[tuple[int, int]]:
    """Yield the processes that serve: the desk and its database."""
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        cluster = Cluster(record_spec(folder))
        cluster.start()
        try:
            make_database(cluster.dsn(user="postgres", dbname="postgres"))
            spec = cluster.spec
            conninfo = make_conninfo(host=str(spec.socket_dir), port=spec.port, user=ROLE, dbname=DATABASE)
            origins = (f"http://127.0.0.1:{PORT}",)
            made = DeskConfiguration(
                conninfo, "chicago", folder, secrets.token_urlsafe(48), origins, sample=True
            )
            (folder / "desk.json").write_text(made.format(), encoding="utf-8")
            environment = {**os.environ, VARIABLE: str(folder / "desk.json")}
            server = subprocess.Popen(
                [sys.executable, "-c", SERVE], env=environment, stdout=subprocess.PIPE, text=True
            )
            assert server.stdout is not None
            postmaster = next(folder.rglob("postmaster.pid"))
            server.stdout.readline()
            time.sleep(0.5)
            try:
                yield server.pid, int(postmaster.read_text().splitlines()[0])
            finally:
                server.terminate()
                server.wait(20)
        finally:
            cluster.stop()


def spent(pids: tuple[int, int]) -> float:
    """Return CPU seconds so far of two processes and their children, those that have ended too."""
    ticks = 0
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(status.parent.name) in pids:
            ticks += sum(int(one) for one in fields[11:15])
        elif int(fields[1]) in pids:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICK


def main() -> None:
    """Print a line a page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--matters", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with served() as pids:
        officer, counsel = Browser(), Browser()
        officer.play("omar.example")
        counsel.play("finn.example")
        token = officer.token("/new/detainer/")
        walls, where = [], ""
        cpu = spent(pids)
        for number in range(asked.matters):
            begun = time.perf_counter()
            where = officer.post("/new/detainer/", token, **FILES, token=str(uuid.uuid4()))
            walls.append(time.perf_counter() - begun)
            if not asked.json and number % 500 == 499:
                print(f"{number + 1} filed", file=sys.stderr)
        rows = [row("file a matter (POST)", walls, spent(pids) - cpu)]
        pages = {
            EMPTY: (officer, "/favicon.ico"), "first page, officer": (officer, "/"), "first page, law": (counsel, "/"),
            "choose a kind": (officer, "/new/"), "a form": (officer, "/new/detainer/"),
            "matters": (officer, "/matters/"), "a matter": (officer, where), "queue": (counsel, "/queue/"),
            "visits": (counsel, "/visits/"), "registers": (counsel, "/registers/"),
            "the whole": (counsel, "/overview/"),
        }  # fmt: skip
        for name, (browser, path) in pages.items():
            browser.wake()
            walls, cpu = [], spent(pids)
            for _ in range(asked.rounds):
                begun = time.perf_counter()
                status, _, _ = browser.ask("GET", path)
                walls.append(time.perf_counter() - begun)
                if status not in {200, 204}:
                    raise SystemExit(f"{path}: expected 200, got {status}")
            rows.append(row(name, walls, spent(pids) - cpu))
    if asked.json:
        print(json.dumps(rows))
        return
    for one in rows:
        print(
            f"{one['page']:24} wall p50 {one['p50']:6.1f} ms, p95 {one['p95']:6.1f} ms; CPU {one['cpu']:6.1f} ms"
        )


def row(name: str, walls: list[float], cpu: float) -> dict[str, float | str]:
    """Return a page's figures in milliseconds."""
    walls = sorted(one * 1e3 for one in walls)
    return {
        "page": name, "p50": round(statistics.median(walls), 2), "p95": round(walls[int(len(walls) * 0.95)], 2),
        "cpu": round(cpu * 1e3 / len(walls), 2),
    }  # fmt: skip


if __name__ == "__main__":
    main()
