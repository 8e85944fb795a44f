"""How long the fund's public pages take at ten years and fifty grantees, and how long its months take to make.

The desk is served as in a city; one reader on a connection that stays. Times are the server's as a reader sees them,
CPU is that of the desk's process. Nothing is asserted.

    PYTHONPATH=src:tests .venv/bin/python bench/bench_fund_public.py [--times 40]
"""

import argparse
import gzip
import os
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from http.client import HTTPConnection
from pathlib import Path

from bench_gateway import free_port
from psycopg.conninfo import make_conninfo

from doorward.desk.configuration import VARIABLE, DeskConfiguration
from doorward.desk.database import DATABASE, ROLE, make_database
from doorward.embedded.clusters import record_spec
from doorward.embedded.launcher import Cluster
from doorward.fund.archive import Archive
from doorward.fund.published.check import check_editions
from doorward.fund.published.counted import Accepted
from doorward.fund.published.edition import Edition
from tests_support.fund_published import Ledger, edition, month_at, put_months, report

SERVE = (
    "import sys\nfrom doorward.desk.configuration import current\nfrom doorward.desk.serve import prepare, serve\n"
    "prepare()\nserve(current(), addresses=[sys.argv[1]])\n"
)
YEARS, GRANTEES = 10, 50
TICKS = os.sysconf("SC_CLK_TCK")
PAGES = (
    "/open/fund/",
    "/open/fund/lines/",
    "/open/fund/feed.atom",
    "/open/fund/history.csv",
    "/open/fund/{}/served.csv",
)


def make_ledger() -> Ledger:
    """Return ten years of fifty grantees, each with an agreement a year and an invoice of two services in each."""
    ledger = Ledger()
    for year in range(2026, 2026 + YEARS):
        names = [f"g{at:02d}-{year}" for at in range(GRANTEES)]
        ledger.begin(year, *names, cents=5_000_000)
        for at, name in enumerate(names):
            day = date(year, at % 12 + 1, 25)
            ledger.buy(
                f"c-{name}",
                name,
                day,
                ("legal", "screening", 5_000 + at),
                ("outreach", "know-your-rights", 900 + at),
            )
    return ledger


def make_reports(rng: random.Random) -> list[Accepted]:
    return [
        report(at, [rng.randint(0, 60) for _ in range(4)], [rng.randint(0, 25) for _ in range(3)])
        for at in range(YEARS * 12)
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


def measure(where: str, pid: int, times: int, month: str) -> None:
    connection = HTTPConnection(where)
    for page in PAGES:
        path = page.format(month)
        took, size, packed = [], 0, 0
        before = cpu_of(pid)
        for _ in range(times):
            began = time.perf_counter()
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            took.append((time.perf_counter() - began) * 1_000)
            assert answer.status == 200, (path, answer.status)
            size, packed = len(body), len(gzip.compress(body))
        cpu = (cpu_of(pid) - before) / times * 1_000
        ordered = sorted(took)
        print(
            f"{page:28} p50 {statistics.median(took):6.1f} ms, p95 {ordered[int(0.95 * times)]:6.1f} ms, "
            f"{cpu:5.1f} CPU ms; {size / 1_000:,.1f} kB, {packed / 1_000:,.1f} kB packed"
        )
    tag = connection_tag(connection)
    began = time.perf_counter()
    connection.request("GET", "/open/fund/", headers={"If-None-Match": tag})
    answer = connection.getresponse()
    answer.read()
    print(f"the page again, unchanged: {answer.status}, {(time.perf_counter() - began) * 1_000:.1f} ms")


def connection_tag(connection: HTTPConnection) -> str:
    connection.request("GET", "/open/fund/")
    answer = connection.getresponse()
    answer.read()
    return str(answer.headers["ETag"])


def make(folder: Path) -> list[Edition]:
    began, cpu = time.perf_counter(), time.process_time()
    ledger = make_ledger()
    print(f"ledger in memory: {len(ledger.written):,} transactions, {time.perf_counter() - began:.1f} s")
    reports = make_reports(random.Random(7))  # noqa: S311  # made-up counts
    began, cpu = time.perf_counter(), time.process_time()
    made = [edition(at, reports, ledger) for at in range(YEARS * 12)]
    print(
        f"120 editions: {time.perf_counter() - began:.1f} s, {time.process_time() - cpu:.1f} CPU s; the last one "
        f"withholds {made[-1].withheld} of {len(made[-1].served or ()) + len(made[-1].ended or ())} counts"
    )
    began = time.process_time()
    edition(YEARS * 12 - 1, reports, ledger)
    print(f"the last edition alone: {time.process_time() - began:.2f} CPU s")
    put_months(folder, made)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    began = time.process_time()
    wrong = check_editions(Archive(folder).read_all())
    print(
        f"checked by their files: {time.process_time() - began:.2f} CPU s, {len(wrong)} wrong; "
        f"{size / 1e6:.1f} MB on disk"
    )
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description="the fund's public pages")
    parser.add_argument("--times", type=int, default=40)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        made = make(folder / "fund-public")
        cluster = Cluster(record_spec(folder))
        cluster.start()
        try:
            make_database(cluster.dsn(user="postgres", dbname="postgres"))
            spec = cluster.spec
            conninfo = make_conninfo(host=str(spec.socket_dir), port=spec.port, user=ROLE, dbname=DATABASE)
            where = f"127.0.0.1:{free_port()}"
            desk = DeskConfiguration(
                conninfo, "chicago", folder, secrets.token_urlsafe(48), (f"http://{where}",), sample=True
            )
            file = folder / "desk.json"
            file.write_text(desk.format(), encoding="utf-8")
            env = {**os.environ, VARIABLE: str(file), "DJANGO_SETTINGS_MODULE": "doorward.desk.settings"}
            with subprocess.Popen(
                [sys.executable, "-c", SERVE, where], stdout=subprocess.PIPE, env=env
            ) as process:
                assert process.stdout is not None
                assert process.stdout.readline() == b"ready\n"
                measure(where, process.pid, asked.times, str(month_at(len(made) - 1)))
                process.terminate()
                process.wait(30)
        finally:
            cluster.stop()


if __name__ == "__main__":
    main()
