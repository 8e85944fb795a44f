"""Readers of logs that are no CSV: rows a second and the most memory that each took, parent and child.

    python bench/bench_lookback_formats.py [--rows 100000] [--full-sheet]

Each case runs in a process of its own, on synthetic rows. `--full-sheet` reads a sheet of 1,048,576 rows as well, which
takes minutes to write.
"""

import argparse
import csv
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tests_support.prints import draw
from tests_support.workbooks import MAIN, PACKAGE, RELATIONS, column

HEADER = ["ID", "Name", "Org Name", "Total Networks Searched", "Time Frame", "License Plate", "Reason", "Case #",
          "Filters", "Search Time", "Search Type", "Text Prompt", "Moderation"]  # fmt: skip
CHANCE = random.Random(5)  # noqa: S311  # reasons of nobody
REASONS = [
    "stolen vehicle",
    "26-01234 theft",
    "burglary follow-up, blue sedan",
    "welfare check",
    "hit and run",
]


def record(number: int) -> list[str]:
    return [
        f"{number:08x}-0000-4000-8000-{number * 7919:012x}", "***", f"Sampleton {number % 900} PD", str(number % 1400),
        "04/01/2026, 12:00:00 AM UTC\n04/10/2026, 12:00:00 AM UTC", "***", CHANCE.choice(REASONS),
        f"26-{number % 9999:04d}", "", "04/10/2026, 05:01:33 AM UTC", "lookup", "", "",
    ]  # fmt: skip


def write_book(file: Path, rows: int) -> None:
    """Write a sheet as its programs do: texts in one shared table."""
    shared: dict[str, int] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        book.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r" Type="{RELATIONS}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets><sheet name="A" sheetId="1" r:id="s"/></sheets>'
            "</workbook>",
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="s" Type="{RELATIONS}/worksheet" '
            f'Target="worksheets/sheet1.xml"/><Relationship Id="t" Type="{RELATIONS}/sharedStrings" '
            'Target="sharedStrings.xml"/></Relationships>',
        )
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(f'<worksheet xmlns="{MAIN}"><sheetData>'.encode())
            for number in range(1, rows + 2):
                texts = HEADER if number == 1 else record(number)
                cells = "".join(
                    f'<c r="{column(place)}{number}" t="s"><v>{shared.setdefault(text, len(shared))}</v></c>'
                    for place, text in enumerate(texts)
                    if text
                )
                sheet.write(f'<row r="{number}">{cells}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")
        with book.open("xl/sharedStrings.xml", "w", force_zip64=True) as table:
            table.write(f'<sst xmlns="{MAIN}">'.encode())
            table.writelines(f"<si><t>{text}</t></si>".encode() for text in shared)
            table.write(b"</sst>")


def write_print(file: Path, rows: int) -> None:
    pages, at = [], (30.0, 215.0, 265.0, 335.0, 520.0)
    for begin in range(0, rows, 38):
        lines = [["ID", "userID", "networkCount", "Search Time", "Reason"]]
        for number in range(begin, min(begin + 38, rows)):
            told = record(number)
            lines.append([told[0], told[1], told[3], told[9], told[6]])
        pages.append(
            [
                (x, 580.0 - 14 * y, text)
                for y, line in enumerate(lines)
                for x, text in zip(at, line, strict=True)
            ]
        )
    draw(file, pages)


def server_lines(rows: int) -> Iterator[list[str]]:
    for number in range(rows):
        cells = [""] * 26
        cells[0], cells[1], cells[5], cells[11] = (
            "2026-04-10 05:01:33.123 UTC",
            "clerk",
            "6b0756f8.79b2",
            "LOG",
        )
        cells[13] = (
            f'AUDIT: SESSION,{number},1,READ,SELECT,TABLE,public.persons,"select * from persons where n = 1",<none>'
        )
        yield cells


def write_server_log(file: Path, rows: int) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows(server_lines(rows))


def write_trail(file: Path, rows: int) -> None:
    names = ["AUDIT_TYPE", "SESSIONID", "DBUSERNAME", "EVENT_TIMESTAMP_UTC", "ACTION_NAME", "RETURN_CODE",
             "OBJECT_SCHEMA", "OBJECT_NAME", "SQL_TEXT"]  # fmt: skip
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerow(names)
        csv.writer(out, lineterminator="\n").writerows(
            [
                "Standard",
                str(number),
                "APP",
                "27-NOV-25 01.02.03.123456 PM",
                "SELECT",
                "0",
                "RMS",
                "PERSONS",
                "select 1",
            ]
            for number in range(rows)
        )


CASES = {
    "xlsx": write_book, "pdf": write_print, "pgaudit": write_server_log, "oracle": write_trail,
}  # fmt: skip


def measure(form: str, file: Path) -> dict[str, float]:
    """Read one file in this process, and return what it took."""
    from doorward.lookback.engine import open_engine
    from doorward.lookback.reading.readers import make_readers

    with tempfile.TemporaryDirectory() as name, open_engine(Path(name, "spill"), threads=1) as engine:
        scratch = Path(name, "scratch")
        scratch.mkdir()
        wall, cpu = time.perf_counter(), cpu_seconds()
        tables = list(make_readers(engine)[form](file, scratch))
        wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
        rows = sum(
            engine.execute("SELECT count(*) FROM read_parquet(?)", [str(table.path)]).fetchall()[0][0]
            for table in tables
        )
    own, child = (
        resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {"rows": rows, "wall": wall, "cpu": cpu, "own": own / 1024, "child": child / 1024}


def cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--full-sheet", action="store_true")
    parser.add_argument("--one", nargs=2, metavar=("FORM", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one[0], Path(options.one[1]))))
        return
    cases = [(form, options.rows) for form in CASES] + [("xlsx", 1_048_575)] * options.full_sheet
    print(
        f"{'form':<8} {'rows':>9} {'file MiB':>9} {'rows/s':>9} {'rows/CPU s':>10} {'MiB own':>8} {'MiB child':>9}"
    )
    with tempfile.TemporaryDirectory() as name:
        for form, rows in cases:
            file = Path(name, f"log.{form}")
            CASES[form](file, rows)
            told = subprocess.run(
                [sys.executable, __file__, "--one", form, str(file)],
                check=True,
                capture_output=True,
                text=True,
            )
            found = json.loads(told.stdout)
            assert found["rows"] == rows, (form, found)
            print(
                f"{form:<8} {rows:>9,} {file.stat().st_size / 2**20:>9.1f} {rows / found['wall']:>9,.0f} "
                f"{rows / found['cpu']:>10,.0f} {found['own']:>8,.0f} {found['child']:>9,.0f}",
                flush=True,
            )
            file.unlink()


if __name__ == "__main__":
    main()
