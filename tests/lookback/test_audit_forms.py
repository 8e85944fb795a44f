"""The same log in other forms, another order and a second run: the same counts and findings, and the same bytes."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests_support.access_logs import PORTAL, portal_row, write
from tests_support.audits import Given, counts, findings, page, run_audit, write_pages
from tests_support.prints import print_table
from tests_support.workbooks import Sheet, save_workbook

REASONS = (
    "burglary", "traffic infraction", "immigration enforcement", "investigation", "assist HSI", "", "stolen vehicle",
    "traffic investigation", "abandoned vehicle", "robbery, suspect fled", 'said "no"', "line one\nline two",
)  # fmt: skip
NAME = "stone-county-ca-so__2026-04-30"
WORDS = {
    "prohibited_uses": "Immigration enforcement, traffic enforcement, Personal use.",
    "acceptable_use_policy": "Data is used for law enforcement purposes only.",
    "access_policy": "All system access requires a valid reason and is stored indefinitely.",
    "crawled_name": "Stone County CA SO",
}
ROWS = [portal_row(n, reason=REASONS[n % len(REASONS)]) for n in range(1, 61)]
NO_MATTER = {"reason", "sheet", "row", "file"}  # a print has no newlines, a book has sheets


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pages(tmp_path_factory.mktemp("pages") / "policies.csv", page("stone-county-ca-so", **WORDS))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, pages: Path) -> Path:
    folder = tmp_path_factory.mktemp("plain")
    run_audit(folder / "out", [write(folder / f"{NAME}.csv", [PORTAL, *ROWS])], Given(policies=pages))
    return folder / "out"


def as_gzip(path: Path) -> Path:
    made = write(path.with_suffix(".csv"), [PORTAL, *ROWS])
    target = path.with_suffix(".csv.gz")
    target.write_bytes(gzip.compress(made.read_bytes(), mtime=0))
    return target


def as_lines(path: Path) -> Path:
    target = path.with_suffix(".jsonl")
    lines = (json.dumps(dict(zip(PORTAL, row, strict=True))) for row in ROWS)
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target


def by_duckdb(path: Path, kind: str) -> Path:
    made = write(path.with_name("between.csv"), [PORTAL, *ROWS])
    target = path.with_suffix(kind)
    options = "FORMAT parquet" if kind == ".parquet" else "HEADER, COMPRESSION zstd"
    with duckdb.connect() as connection:
        table = f"read_csv('{made}', all_varchar = true, header = true)"
        connection.execute(f"COPY (SELECT * FROM {table}) TO '{target}' ({options})")
    return target


def as_workbook(path: Path) -> Path:
    pytest.importorskip("python_calamine")
    half = len(ROWS) // 2
    sheets = [Sheet("April", [PORTAL, *ROWS[:half]]), Sheet("More", [PORTAL, *ROWS[half:]])]
    return save_workbook(path.with_suffix(".xlsx"), sheets)


def as_print(path: Path) -> Path:
    pytest.importorskip("pypdfium2")
    rows = [[row[0], row[1], row[3], row[2], " ".join(row[4].split())] for row in ROWS]
    times = [f"03/20/2026, 12:{n // 60 % 60:02d}:{n % 60:02d} AM UTC" for n in range(1, len(ROWS) + 1)]
    return print_table(
        path.with_suffix(".pdf"), [[*row[:3], at, row[4]] for row, at in zip(rows, times, strict=True)]
    )


FORMS: dict[str, Callable[[Path], Path]] = {
    "gz": as_gzip,
    "zst": lambda path: by_duckdb(path, ".csv.zst"),
    "jsonl": as_lines,
    "parquet": lambda path: by_duckdb(path, ".parquet"),
    "xlsx": as_workbook,
    "pdf": as_print,
}


def essence(rows: list[dict[str, Any]], form: str) -> list[dict[str, Any]]:
    kept = [
        {name: value for name, value in row.items() if name not in NO_MATTER | {"finding"}} for row in rows
    ]
    for row in kept:
        if form == "pdf" and "at" in row:
            row["at"] = row["at"].replace(microsecond=0)  # a print has seconds
        row["evidence"] = [" ".join(text.split()) for text in row.get("evidence", ())]
    return sorted(kept, key=lambda row: str(row.get("id")) + json.dumps(row, default=str, sort_keys=True))


@pytest.mark.parametrize("form", FORMS)
def test_a_log_in_another_form_comes_to_the_same(form: str, tmp_path: Path, plain: Path, pages: Path) -> None:
    file = FORMS[form](tmp_path / NAME)
    told = run_audit(tmp_path / "out", [file], Given(policies=pages))
    assert told["totals"]["kept"] == len(ROWS)
    assert counts(tmp_path / "out") == counts(plain)
    expected = findings(plain)
    for one in expected:
        if form == "pdf":
            one["at"] = one["at"].replace(microsecond=0)
    assert essence(findings(tmp_path / "out"), form) == essence(expected, form)
    assert len(expected) == sum(n % len(REASONS) in {1, 2, 3, 4, 7} for n in range(1, 61))


TABLES = ("findings.parquet", "data/counts.parquet", "leads.parquet", "audit.json")


def bytes_of(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in TABLES}


@pytest.fixture(name="three")
def three_fixture(tmp_path: Path) -> list[Path]:
    parts = (ROWS[:25], ROWS[20:45], ROWS[40:])
    days = ("2026-04-10", "2026-04-20", "2026-04-30")
    return [
        write(tmp_path / f"stone-county-ca-so__{day}.csv", [PORTAL, *rows])
        for day, rows in zip(days, parts, strict=True)
    ]


def test_another_run_has_the_same_bytes(tmp_path: Path, three: list[Path], pages: Path) -> None:
    run_audit(tmp_path / "one", three, Given(policies=pages, threads=1))
    first = bytes_of(tmp_path / "one")
    run_audit(tmp_path / "one", three, Given(policies=pages, threads=1))  # goes on in it
    assert bytes_of(tmp_path / "one") == first
    other = Given(policies=pages, threads=4, memory="300MB", resume=False)
    run_audit(tmp_path / "other", [three[2], three[0], three[1], three[0]], other)
    found = bytes_of(tmp_path / "other")
    assert {name: found[name] for name in TABLES[:3]} == {name: first[name] for name in TABLES[:3]}
    told, before = json.loads(found["audit.json"]), json.loads(first["audit.json"])
    assert told["files"][0]["notes"].pop(-2) or True  # that a file was named twice
    assert [one["accounting"] for one in told["files"]] == [one["accounting"] for one in before["files"]]
    assert (told["results"], told["tiers"], told["totals"]) == (
        before["results"], before["tiers"], before["totals"],
    )  # fmt: skip


def test_a_file_that_changed_is_read_again_and_one_that_is_gone_is_forgotten(
    tmp_path: Path, three: list[Path], pages: Path
) -> None:
    out = tmp_path / "out"
    assert run_audit(out, three, Given(policies=pages))["totals"]["kept"] == 60
    write(three[2], [PORTAL, *ROWS[40:], portal_row(99, reason="traffic infraction")])
    assert run_audit(out, three, Given(policies=pages))["totals"]["kept"] == 61
    assert findings(out)[-1]["reason"] == "traffic infraction"
    assert run_audit(out, three[:1], Given(policies=pages))["totals"]["kept"] == 25
    assert [file.name for file in sorted((out / "data/accesses").iterdir())] == ["0000.parquet"]
    assert {one["file"] for one in findings(out)} == {0}


@pytest.mark.long
@pytest.mark.parametrize("after", [0.2, 1.0, 2.5, 4.0, 6.0])
def test_after_a_kill_the_same_command_goes_on(
    tmp_path: Path, three: list[Path], pages: Path, after: float
) -> None:
    out = tmp_path / "out"
    words = [
        sys.executable,
        "-m",
        "doorward",
        "audit",
        *map(str, three),
        "--policies",
        str(pages),
        "--no-report",
    ]
    running = subprocess.Popen([*words, "--out", str(out)], stdout=subprocess.DEVNULL, start_new_session=True)
    time.sleep(after)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    if (out / "audit.json").exists():
        assert json.loads((out / "audit.json").read_text("utf-8"))["totals"]["kept"] == 60
    subprocess.run([*words, "--out", str(out)], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*words, "--out", str(tmp_path / "whole")], check=True, stdout=subprocess.DEVNULL)
    assert bytes_of(out) == bytes_of(tmp_path / "whole")
    assert not list(out.rglob("*.part"))
