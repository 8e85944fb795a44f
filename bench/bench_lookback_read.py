"""How long it takes from a CSV log to typed rows with an account of each: beside `grep`, polars and pandas if there.

The log is synthetic and the same in every run: 13 columns, a line break inside each `Time Frame`, 3,000 agencies by
Zipf, about 11 % distinct reasons. `grep -E -i -w -c` reads the same bytes and does less: it counts physical lines, two
to a record, and knows no columns. Everything runs in one batch, rounds alternating; CPU seconds are of the process and
its children. Peak memory is that of a process that does only this. Nothing here is asserted.

    .venv/bin/python bench/bench_lookback_read.py [--rows 1000000] [--rounds 3] [--threads 2] [--json]
"""

import argparse
import importlib.util
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import accumulate
from pathlib import Path

AGENCIES, SEED = 3_000, 20_260_101
WORDS = (
    "stolen",
    "vehicle",
    "theft",
    "burglary",
    "warrant",
    "suspect",
    "welfare",
    "check",
    "missing",
    "person",
)
PATTERN = "immigration|ICE|HSI|ERO|CBP|deportation|287g"
READ = """
import sys
from pathlib import Path
from doorward.lookback.engine import open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.reading.read import read_sources
folder = AuditFolder(Path(sys.argv[2]))
with open_engine(folder.scratch, threads=int(sys.argv[3])) as connection:
    [report] = read_sources(connection, [Path(sys.argv[1])], folder)
assert report.read == int(sys.argv[4]), report.as_json()
"""
POLARS = "import polars, sys; polars.scan_csv(sys.argv[1], infer_schema=False).sink_parquet(sys.argv[2])"
PANDAS = "import pandas, sys; pandas.read_csv(sys.argv[1], dtype=str).to_parquet(sys.argv[2])"
HEADER = (
    "ID,Name,Org Name,Total Networks Searched,Time Frame,License Plate,Reason,Case #,Filters,Search Time,Search Type,"
    "Text Prompt,Moderation"
)


def write_log(path: Path, rows: int) -> None:
    chance = random.Random(SEED)  # noqa: S311  # the same log in every run
    weights = list(accumulate(1 / rank for rank in range(1, AGENCIES + 1)))
    reasons = [
        f"{chance.choice(WORDS)} {chance.choice(WORDS)} {chance.randrange(10**6)}"
        for _ in range(max(1, rows // 9))
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER + "\r\n")
        for number in range(rows):
            agency = chance.choices(range(AGENCIES), cum_weights=weights)[0]
            reason = "HSI sample" if number % 150 == 0 else chance.choice(reasons)
            case = f"26-{chance.randrange(10**5):05d}" if number % 3 else ""
            day, hour, minute = chance.randrange(1, 29), chance.randrange(1, 13), chance.randrange(60)
            file.write(
                f"{chance.getrandbits(32):08x}-0000-4000-8000-{number:012x},s. sample {agency % 40},Sample {agency} PD,"
                f'{chance.randrange(5000)},"04/01/2026, 12:00:00 AM UTC -\n04/10/2026, 11:59:59 PM UTC",'
                f"SMP{chance.randrange(10**4):04d},{reason},{case},,"
                f'"04/{day:02d}/2026, {hour:02d}:{minute:02d}:33 AM UTC",lookup,,\r\n'
            )


def measure(command: list[str]) -> dict[str, float]:
    """Run one process, and return its wall and CPU seconds and its peak memory in MB."""
    begin = time.perf_counter()
    output = Path(command[-1] + ".out")  # with /dev/null grep stops at its first match
    with output.open("wb") as file:
        process = subprocess.Popen(command, stdout=file)
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if os.waitstatus_to_exitcode(status) not in {0, 1}:  # grep says 1 where nothing matched
        raise SystemExit(f"{command[0]} failed")
    spent: resource.struct_rusage = usage
    return {
        "wall": time.perf_counter() - begin,
        "cpu": spent.ru_utime + spent.ru_stime,
        "megabytes": spent.ru_maxrss / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as name:
        folder = Path(name)
        log = folder / "log.csv"
        write_log(log, asked.rows)
        ways = {
            "doorward": [
                sys.executable,
                "-c",
                READ,
                str(log),
                str(folder / "out"),
                str(asked.threads),
                str(asked.rows),
            ],
            "grep": ["grep", "-E", "-i", "-w", "-c", PATTERN, str(log)],
        }
        for tool, code in (("polars", POLARS), ("pandas", PANDAS)):
            if importlib.util.find_spec(tool):
                ways[tool] = [sys.executable, "-c", code, str(log), str(folder / f"{tool}.parquet")]
        found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
        for _ in range(asked.rounds):
            for way, command in ways.items():
                subprocess.run(["rm", "-rf", str(folder / "out")], check=True)
                found[way].append(measure(command))
        size = log.stat().st_size
    told = {
        way: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        for way, runs in found.items()
    }
    if asked.json:
        print(json.dumps({"rows": asked.rows, "bytes": size, "rounds": asked.rounds, "median": told}))
        return
    print(f"{asked.rows:,} rows, {size / 1e6:,.0f} MB, median of {asked.rounds}")
    for way, run in told.items():
        print(
            f"  {way:<9} {run['wall']:6.2f} s  {asked.rows / run['wall'] / 1e6:5.2f} M rows/s"
            f"  {run['cpu'] * 1e6 / asked.rows:5.2f} CPU s/M rows  {run['megabytes']:5.0f} MB"
        )


if __name__ == "__main__":
    main()
