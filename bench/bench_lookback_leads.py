"""Leads over a synthetic audit: seconds a kind, peak memory, and what was planted beside what was found.

    python bench/bench_lookback_leads.py --rows 10000000 --memory 1GB

The log is drawn with hashes, so that it is the same every time: 4,000 units of uneven size, 40 accounts a unit and
more, one unit in two hundred federal, a year. Planted: 40 bursts of 35, 300 local searches after a federal one, 25
accounts in three units, 30 plates that one account searched five times over four weeks, three units with a vague month.
"""

import argparse
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import duckdb

from doorward.lookback.engine import open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.leads.find_leads import find_leads
from doorward.lookback.leads.tables import LeadInputs, Mark, Source

UNITS = 4_000
SEARCHERS = f"""
SELECT CAST(n AS INTEGER) AS searcher_no, 'Unit ' || n AS searcher, 'value' AS searcher_state, NULL::VARCHAR AS ori,
  'Unit ' || n AS name, ['IL', 'CA', 'GA', 'OH', 'NJ'][n % 5 + 1] AS state,
  ['city', 'county', 'state'][n % 3 + 1] AS level,
  CASE WHEN n % 200 = 7 THEN ['federal'] ELSE []::VARCHAR[] END AS flags, n % 20 = 1 AS participating,
  CASE WHEN n % 20 = 1 THEN DATE '2025-03-01' END AS participating_since
FROM range({UNITS}) t(n)"""
PHRASES = """
SELECT phrase, CASE WHEN phrase % 100 = 0 THEN 'explicit' WHEN phrase % 9 = 0 THEN 'vague' ELSE 'other' END AS tier,
  CASE WHEN phrase % 9 = 0 THEN 'vague' ELSE 'stated' END AS said, NULL::VARCHAR AS case_in_reason
FROM range(1, 100001) t(phrase)"""
# Powers of a uniform number make units, plates and accounts uneven.
ROWS = """
SELECT 0 AS file, '' AS sheet, n + 2 AS "row", 'id' || n AS id,
  TIMESTAMP '2025-01-01' + to_microseconds(CAST(u1 * 365 AS BIGINT) * 86400000000
    + CAST((8 + 14 * sqrt(u2 * u3)) * 3600000000 AS BIGINT)) AS "at",
  CAST(1 + 99999 * u4 AS BIGINT) AS phrase,
  CAST({units} * pow(u5, 2.5) AS INTEGER) AS searcher_no,
  CASE WHEN u6 < 0.3 THEN 'value' ELSE 'blank' END AS case_state,
  'acct-' || CAST({units} * pow(u5, 2.5) AS INTEGER) || '-' || CAST(40 * u7 * (1 + 3 * (1 - u5)) AS INTEGER) AS account,
  'value' AS account_state, 'P' || CAST(5000000 * pow(u8, 1.5) AS BIGINT) AS plate, 'value' AS plate_state,
  CASE WHEN u9 < 0.4 THEN 'lookup' ELSE 'convoy' END AS kind, false AS elsewhere
FROM (SELECT n, {uniforms} FROM range({first}, {last}) t(n))"""
PLANTS = """
SELECT 0 AS file, 'p' AS sheet, row_number() OVER () + 1 AS "row", 'plant' AS id, "at", phrase, searcher_no, case_state,
  account, 'value' AS account_state, plate, 'value' AS plate_state, 'convoy' AS kind,
  false AS elsewhere
FROM (
  SELECT TIMESTAMP '2025-05-05 14:00:00' + to_seconds(b * 86400 + i * 17) AS "at", 1 AS phrase,
    CAST(3000 + b AS INTEGER) AS searcher_no, 'value' AS case_state, 'burst-' || b AS account, 'B' || b || i AS plate
  FROM range(40) t(b), range(35) s(i)
  UNION ALL
  SELECT TIMESTAMP '2025-06-06 15:00:00' + to_seconds(f * 3000 + i * 1200), 1,
    CAST(CASE WHEN i = 0 THEN 207 ELSE 2500 + f % 100 END AS INTEGER), 'value', 'follow-' || f || i, 'FOLLOW' || f
  FROM range(300) t(f), range(2) s(i)
  UNION ALL
  SELECT TIMESTAMP '2025-07-07 15:00:00' + to_seconds(a * 90000 + i * 600), 1, CAST(2010 + 5 * (3 * a + i) AS INTEGER),
    'value', 'shared-' || a, 'S' || a || i
  FROM range(25) t(a), range(3) s(i)
  UNION ALL
  SELECT TIMESTAMP '2025-08-08 15:00:00' + to_seconds(p * 500 + i * 604800), 1, CAST(2400 + p AS INTEGER), 'blank',
    'tracker-' || p, 'TRACK' || p
  FROM range(30) t(p), range(5) s(i)
  UNION ALL
  SELECT TIMESTAMP '2025-09-01 15:00:00' + to_seconds(v * 7 + i * 2000), 9, CAST(3501 + v AS INTEGER), 'value',
    'vague-' || v || i % 50, 'V' || v || i
  FROM range(3) t(v), range(1000) s(i)
)"""


def make(folder: AuditFolder, rows: int) -> None:
    """Write the tables of an audit."""
    folder.accesses.mkdir(parents=True)
    with duckdb.connect(config={"memory_limit": "1GB", "preserve_insertion_order": "false"}) as connection:
        for statement, path in ((SEARCHERS, folder.searchers), (PHRASES, folder.phrases)):
            connection.execute(f"COPY ({statement}) TO '{path}' (FORMAT parquet)")
        uniforms = ", ".join(
            f"hash(hash(n, {seed})) / 18446744073709551616.0 AS u{seed}" for seed in range(1, 10)
        )
        for number, first in enumerate(range(0, rows, 1_000_000)):
            made = ROWS.format(
                units=UNITS - 1, uniforms=uniforms, first=first, last=min(rows, first + 1_000_000)
            )
            connection.execute(f"COPY ({made}) TO '{folder.accesses}/{number:04}.parquet' (FORMAT parquet)")
        connection.execute(f"COPY ({PLANTS}) TO '{folder.accesses}/9999.parquet' (FORMAT parquet)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--memory", default="1GB")
    parser.add_argument("--folder", type=Path, default=None, help="keep the log here, and use what is there")
    options = parser.parse_args()
    root = options.folder or Path(tempfile.mkdtemp(prefix="leads-"))
    folder = AuditFolder(root)
    if not folder.searchers.exists():
        make(folder, options.rows)
        print(f"made {options.rows:,} rows; run again with --folder {root} for the memory of the leads alone")
    marks: list[tuple[str, float, float]] = []

    def tell(stage: str) -> None:
        marks.append((stage, time.perf_counter(), time.process_time()))

    inputs = LeadInputs(
        [Source(0, "Sample City PD", "id")],
        marks=[Mark(datetime(2025, 7, 1, tzinfo=UTC), "a list of reasons")],
    )
    with open_engine(folder.scratch, memory=options.memory) as connection:
        report = find_leads(connection, folder, inputs, tell=tell)
        tell("writing")
    found = {kind["kind"]: kind for kind in report.summary["kinds"]}
    print(f"{'':<16}{'wall s':>8}{'CPU s':>8}{'found':>12}{'expected':>12}{'leads':>8}")
    for (stage, wall, cpu), (_, wall_after, cpu_after) in pairwise(marks):
        kind = found.get(stage, {"found": 0, "expected": 0, "leads": 0})
        print(
            f"{stage:<16}{wall_after - wall:>8.1f}{cpu_after - cpu:>8.1f}{kind['found']:>12,}{kind['expected']:>12,.4g}"
            f"{kind['leads']:>8,}"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    total = marks[-1][1] - marks[0][1]
    print(f"{report.summary['accesses']:,} accesses in {total:.1f} s, peak {peak / 1e6:,.0f} MB")


if __name__ == "__main__":
    main()
