"""How long the check of a grantee's report takes: an XLSX of 10,000 rows, read whole, refused or not, with its rules.

CPU seconds and peak memory are those of a process that does only this. Nothing is asserted.

    .venv/bin/python bench/bench_fund_report.py [--rows 10000]
"""

import argparse
import resource
import time

from doorward.fund.grantee.checks import check_report
from doorward.fund.grantee.report import COLUMNS, read_report
from doorward.fund.grantee.separated import read_separated
from doorward.fund.grantee.template import format_csv, format_workbook
from doorward.fund.grantee.workbook import read_workbook
from doorward.orders.load import load_fund_units, load_pack


def main() -> None:
    parser = argparse.ArgumentParser(description="the check of a grantee's report")
    parser.add_argument("--rows", type=int, default=10_000)
    asked = parser.parse_args()
    units = load_fund_units(load_pack("chicago"))
    period: dict[str, str | int] = {
        "record": "period",
        "agreement": "a",
        "from": "2026-10-01",
        "to": "2026-10-31",
    }
    cost: dict[str, str | int] = {
        "record": "cost",
        "line": "interpretation",
        "invoice": 7,
        "amount": "310.25",
        "note": "interpreters 12 hours",
    }
    rows = [[one.get(name, "") for name in COLUMNS] for one in [period, *[cost] * (asked.rows - 1)]]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for form, raw, read in (
        ("CSV", format_csv([[str(cell) for cell in row] for row in rows]), read_separated),
        ("XLSX", format_workbook(units, rows), read_workbook),
    ):
        began, cpu = time.perf_counter(), time.process_time()
        sheets, refusals = read(raw)
        report, more = read_report(sheets, units, {"a"})
        findings = check_report(report, units) if report else ()
        took = time.perf_counter() - began, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(
            f"{form}: {asked.rows:,} rows, {len(raw) / 1e6:.2f} MB, {took[0]:.2f} s, {took[1]:.2f} CPU s,"
            f" peak"
            f" {peak / 1024:.0f} MB ({before / 1024:.0f} before);"
            f" {len(refusals) + len(more)} refused, {len(findings)} found"
        )


if __name__ == "__main__":
    main()
