"""How long a whole audit takes, stage by stage: from a CSV log to findings and leads, beside `grep`, polars and pandas.

The log is that of `bench_lookback_read.py`: synthetic, the same in every run. `grep -E -i -w -c`, polars and pandas
only count the records whose text says one of seven words; the audit gives every access a state, an agency, a verdict
and its clauses. All run one after the other in one batch, so that the ratio says more than the seconds. CPU seconds
and peak memory are those of a process that does only this. Hits are counted over the reasons by all but grep, which
looks at every column. Reports are not written here. Nothing is asserted but that hits are the same.

    .venv/bin/python bench/bench_audit.py [--rows 1000000] [--memory 1GB] [--threads 2] [--again] [--json]

`--again` runs the audit a second time over its own folder. polars and pandas run in `.engines`, where it is there.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench_lookback_read import PATTERN, measure, write_log

from doorward.cli.audit_agencies import load_matcher
from doorward.lookback.audit import Audit, Plan, find_alarms
from doorward.lookback.engine import open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.reading.read import Progress
from doorward.lookback.rules import choose_rules
from doorward.orders.load import load_pack

ENGINES = Path(__file__).parents[1] / ".engines/bin/python"
WORDS = rf"(?i)\b(?:{PATTERN})\b"
POLARS = """
import polars, sys
print(polars.scan_csv(sys.argv[1], infer_schema=False).filter(polars.col("Reason").str.contains(sys.argv[2]))
    .select(polars.len()).collect(engine="streaming").item())
"""
PANDAS = """
import pandas, sys
print(sum(int(chunk["Reason"].fillna("").str.contains(sys.argv[2]).sum())
    for chunk in pandas.read_csv(sys.argv[1], dtype=str, chunksize=500_000)))
"""


class Marks:
    """What each stage took."""

    def __init__(self) -> None:
        self.stages: list[dict[str, Any]] = []
        self.cpu, self.wall = time.process_time(), time.perf_counter()
        self.stage = "opening"

    def begin(self, stage: str) -> None:
        """Close the stage at hand, and begin another one."""
        if stage == self.stage:
            return
        cpu, wall = time.process_time(), time.perf_counter()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        held = {"stage": self.stage, "cpu": cpu - self.cpu, "wall": wall - self.wall, "peak_megabytes": peak}
        self.stages.append(held)
        self.stage, self.cpu, self.wall = stage, cpu, wall

    def reading(self, at: Progress) -> None:
        """Take note of the end of the reading."""
        if at.done_bytes == at.all_bytes:
            self.begin("duplicates, searchers")

    def __call__(self, stage: str, done: int, total: int) -> None:  # noqa: ARG002  # as `Progress` of decide.py
        """Take note of a stage."""
        self.begin("leads" if stage.startswith("leads") else stage)


def run(log: Path, out: Path, memory: str, threads: int) -> None:
    """Audit a log, and print what each stage took."""
    marks, folder = Marks(), AuditFolder(out)
    with ExitStack() as stack:
        connection = stack.enter_context(open_engine(folder.scratch, memory=memory, threads=threads))
        matcher = load_matcher(None, None, "", None, None, None)
        plan = Plan(orders=[load_pack("chicago")], matcher=matcher, owner="Sample City PD")
        running = Audit(connection, folder, plan, marks)
        marks.begin("reading")
        running.read([log], marks.reading)
        marks.begin("order")
        chosen = choose_rules(plan.orders, (), running.reports)
        running.decide(chosen)
        marks.begin("alarms")
        alarms = find_alarms(running)
        running.find_leads(alarms)
        marks.begin("scan of Parquet")
        accesses = folder.accesses / "*.parquet"
        began = time.process_time(), time.perf_counter()
        connection.execute(
            "SELECT phrase, searcher_no, case_said, reach_back_days, declared, participating, count(*) "
            f"FROM read_parquet('{accesses}') GROUP BY ALL"
        ).fetchone()
        scan = time.process_time() - began[0], time.perf_counter() - began[1]
        marks.begin("hits")
        found = connection.execute(
            f"SELECT count(*) FROM read_parquet('{folder.rows}/*.parquet') WHERE regexp_matches(reason, $1)",
            [WORDS],
        ).fetchone()
        marks.begin("end")
        findings = connection.execute(f"SELECT count(*) FROM read_parquet('{folder.findings}')").fetchone()
    told = {"stages": marks.stages, "hits": found, "findings": findings, "scan": scan}
    Path(sys.argv[-1]).write_text(json.dumps(told), encoding="utf-8")


def _ways(log: Path, folder: Path) -> dict[str, list[str]]:
    ways = {"grep": ["grep", "-E", "-i", "-w", "-c", PATTERN, str(log)]}
    if ENGINES.exists():
        for tool, code in (("polars", POLARS), ("pandas", PANDAS)):
            # the last argument names where `measure` puts what is printed
            ways[tool] = [str(ENGINES), "-c", code, str(log), WORDS, str(folder / tool)]
    return ways


def compare(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Return what each way took over one log."""
    log = folder / "log.csv"
    write_log(log, asked.rows)
    told: dict[str, Any] = {"rows": asked.rows, "bytes": log.stat().st_size, "ways": {}}
    audit = [sys.executable, __file__, "--memory", asked.memory, "--threads", str(asked.threads)]
    audit += ["--run", str(log), str(folder / "out"), str(folder / "audit")]
    for name in ["audit", "audit again"][: 1 + asked.again]:
        told["ways"][name] = measure(audit)
        told[name] = json.loads((folder / "audit").read_text(encoding="utf-8"))
    for way, command in _ways(log, folder).items():
        told["ways"][way] = measure(command)
        said = Path(command[-1] + ".out").read_text(encoding="utf-8").strip()
        told["ways"][way]["hits"] = int(said)
        if way != "grep" and int(said) != told["audit"]["hits"][0]:
            raise SystemExit(f"{way} found {said}, the audit {told['audit']['hits'][0]}")
    sizes = {
        part: sum(one.stat().st_size for one in (folder / "out").rglob(part))
        for part in ("data/rows/*.parquet", "data/accesses/*.parquet", "findings.parquet")
    }
    return {**told, "sizes": sizes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--memory", default="1GB")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.run:
        run(Path(asked.run[0]), Path(asked.run[1]), asked.memory, asked.threads)
        return
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as name:
        told = compare(Path(name), asked)
    if asked.json:
        print(json.dumps(told))
        return
    million, grep = asked.rows / 1e6, told["ways"]["grep"]["cpu"]
    print(f"{asked.rows:,} rows, {told['bytes'] / 1e6:,.0f} MB, {asked.threads} threads, {asked.memory}")
    for way, took in told["ways"].items():
        print(
            f"  {way:<12} {took['wall']:8.2f} s wall {took['cpu']:8.2f} CPU s {took['cpu'] / million:6.2f} CPU s/M rows"
            f" {grep / took['cpu']:5.2f} x grep {took['megabytes']:6.0f} MB {took.get('hits', ''):>9}"
        )
    for name in ("audit", "audit again")[: 1 + asked.again]:
        for stage in told[name]["stages"]:
            print(
                f"  {name}: {stage['stage']:<32} {stage['cpu'] / million:6.2f} CPU s/M rows {stage['wall']:8.2f} s"
                f" {stage['peak_megabytes']:6.0f} MB"
            )
        cpu, wall = told[name]["scan"]
        print(f"  {name}: facts of Parquet: {million / wall:.1f} M rows/s, {million / cpu:.1f} M rows/CPU s")
    print(f"  findings {told['audit']['findings'][0]:,}; bytes: {told['sizes']}")


if __name__ == "__main__":
    main()
