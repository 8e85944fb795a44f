"""Nothing that could be a client enters: every leak, in every column, with the cell named and the text kept nowhere."""

import gc
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from doorward.fund.grantee.cells import REPORT, Cell, Place, Sheet, column_name
from doorward.fund.grantee.report import COLUMNS, read_report
from doorward.fund.grantee.separated import read_separated
from doorward.fund.grantee.template import format_csv
from doorward.fund.grantee.traces import find_trace
from doorward.fund.grantee.workbook import read_workbook
from fund_leaks import by_kind
from fund_reports import AGREEMENT, CLEAN, UNITS, changed, packed, parts_of, rows_of, sheet_of, workbook

LEAKS = by_kind()
# What the patterns alone do not see, measured, in whole percent; docs/concepts/fund-privacy.md bears the same numbers.
MISSED_BY_PATTERNS = {"free text": 43, "name, en": 39, "name, es": 11, "name, pl": 2}
SECRET = "Testa Samplesworth"


def test_the_clean_report_enters() -> None:
    assert read_report((sheet_of(CLEAN),), UNITS, {AGREEMENT})[1] == ()


def test_there_are_more_than_a_thousand_leaks_and_each_kind_has_some() -> None:
    assert sum(map(len, LEAKS.values())) > 2_000
    assert all(len(texts) >= 14 for texts in LEAKS.values())


HOMES = {name: at for at, record in enumerate(CLEAN) for name in record}


@pytest.mark.parametrize("kind", LEAKS)
def test_no_leak_enters_and_the_cell_is_named(kind: str) -> None:
    """Every text in one of the columns in turn, and every eighth in each of them."""
    names = list(HOMES)
    for number, text in enumerate(LEAKS[kind]):
        refuse_in(kind, text, names if number % 8 == 0 else [names[number % len(names)]])


@pytest.mark.long
@pytest.mark.parametrize("kind", LEAKS)
def test_no_leak_enters_in_any_column_and_the_cell_is_named(kind: str) -> None:
    for text in LEAKS[kind]:
        refuse_in(kind, text, HOMES)


def refuse_in(kind: str, text: str, names: Iterable[str]) -> None:
    for name in names:
        if text == "1987" and name in ("price", "amount"):  # named below
            continue
        at = HOMES[name]
        records = [dict(record) for record in CLEAN]
        records[at][name] = text
        report, refusals = read_report((sheet_of(records),), UNITS, {AGREEMENT})
        assert report is None, (kind, name)
        assert Place(REPORT, at + 2, column_name(COLUMNS.index(name))) in [one.place for one in refusals]
        assert text not in "".join(f"{one} {one.hint} {one!r}" for one in refusals)


@pytest.mark.parametrize("kind", LEAKS)
def test_no_leak_enters_outside_the_table_or_in_a_heading(kind: str) -> None:
    clean = sheet_of(CLEAN)
    for text in LEAKS[kind]:
        for row, column in ((1, 0), (1, 40), (3, 17), (3, 16_000), (900, 0)):
            rows = dict(clean.rows)
            rows[row] = {**rows.get(row, {}), column: Cell(text)}
            report, refusals = read_report((Sheet(REPORT, tuple(sorted(rows.items()))),), UNITS, {AGREEMENT})
            assert report is None
            assert any(one.place == Place(REPORT, row, column_name(column)) for one in refusals)


@pytest.mark.parametrize("kind", LEAKS)
def test_the_patterns_alone_miss_what_the_documents_say(kind: str) -> None:
    missed = sum(find_trace(text) is None for text in LEAKS[kind])
    assert -(-missed * 100 // len(LEAKS[kind])) == MISSED_BY_PATTERNS.get(kind, 0)


@pytest.mark.parametrize("kind", LEAKS)
def test_no_leak_enters_by_csv(kind: str) -> None:
    for text in LEAKS[kind][::7]:
        records = [{**record, "note": text} if record.get("note") else record for record in CLEAN]
        raw = format_csv([[str(cell) for cell in row] for row in rows_of(records)])
        sheets, refusals = read_separated(raw)
        assert refusals or read_report(sheets, UNITS, {AGREEMENT})[0] is None


@pytest.mark.parametrize("kind", LEAKS)
def test_no_leak_enters_by_a_cell_of_a_workbook(kind: str) -> None:
    for text in LEAKS[kind][::29]:
        records = [{**record, "note": text} if record.get("note") else record for record in CLEAN]
        sheets, refusals = read_workbook(workbook(records))
        assert refusals or read_report(sheets, UNITS, {AGREEMENT})[0] is None


def test_clean_reports_enter_but_for_notes_that_read_like_an_address() -> None:
    draw = random.Random(20261126)  # noqa: S311  # the same notes in every run
    words = sorted(UNITS.words)
    refused = 0
    for _ in range(5_000):
        note = " ".join(draw.sample(words, draw.randint(1, 5)))
        records = [{**record, "note": note} if record.get("note") else record for record in CLEAN]
        refused += read_report((sheet_of(records),), UNITS, {AGREEMENT})[0] is None
    assert refused == 0
    for _ in range(5_000):
        note = " ".join(
            [*draw.sample(words, draw.randint(1, 3)), str(draw.randint(1, 99)), draw.choice(words)]
        )
        records = [{**record, "note": note} if record.get("note") else record for record in CLEAN]
        refused += read_report((sheet_of(records),), UNITS, {AGREEMENT})[0] is None
    assert refused <= 5_000 * 0.07  # docs/concepts/fund-privacy.md


def test_no_listed_word_is_a_name_of_the_leaks() -> None:
    said = {part.lower() for kind, texts in LEAKS.items() if kind.startswith("name") for text in texts for part in text.split()}  # fmt: skip
    assert not said & UNITS.words


def test_what_does_not_look_like_a_client_may_still_be_one() -> None:
    """Named in the documents: the City's lists cannot see this. The note says nothing of anybody; the numbers may."""
    one = {**CLEAN[3], "opened": 1, "carried": 0, "closed": 0, "units": 1}
    report, _ = read_report((sheet_of([CLEAN[0], one]),), UNITS, {AGREEMENT})
    assert report is not None
    dollars: dict[str, str | int] = {"record": "cost", "line": "personnel", "invoice": 4, "amount": "1987"}
    report, _ = read_report((sheet_of([CLEAN[0], dollars]),), UNITS, {AGREEMENT})
    assert report is not None


def test_no_count_can_be_a_year_of_birth() -> None:
    assert max(UNITS.max_count, UNITS.max_units) < 1900


def audited(code: str, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run code in a process that prints what it opens for writing, makes, sends or starts."""
    hook = """
import sys
seen = []
def hook(event, arguments):
    if event == "open" and (arguments[1] and any(one in arguments[1] for one in "wax+") or arguments[2] & 3):
        seen.append(f"open {arguments[0]}")
    elif event in ("os.mkdir", "os.rename", "os.link", "os.symlink", "socket.connect", "socket.sendto", "subprocess.Popen",
        "tempfile.mkstemp", "tempfile.mkdtemp", "os.truncate", "syslog.syslog", "mmap.__new__", "os.exec", "os.fork"):
        seen.append(event)
sys.dont_write_bytecode = True
sys.addaudithook(hook)
import logging
logging.basicConfig(level=1, stream=sys.stderr)
"""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-c", hook + code, *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        env=environment,
    )


RUN = """
from doorward.cli.main import main
sys.argv = ["doorward", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    print("exit", end.code)
print("wrote", seen)
"""
PLACES = {
    "note.csv": format_csv(
        [[str(cell) for cell in row] for row in rows_of([*CLEAN[:6], {**CLEAN[6], "note": SECRET}])]
    ),
    "head.csv": SECRET.encode() + b",record\r\n",
    "latin.csv": SECRET.encode() + b"\xe9\xff\r\n",
    "note.xlsx": workbook([*CLEAN[:6], {**CLEAN[6], "note": SECRET}]),
    "sheet.xlsx": changed("xl/workbook.xml", 'name="Words"', f'name="{SECRET}"'),
    "broken.xlsx": changed("xl/worksheets/sheet1.xml", "</sheetData>", f"</sheet{SECRET}>"),
    "part.xlsx": packed({**parts_of(workbook()), f"xl/media/{SECRET}.png": SECRET}),
    "cut.xlsx": workbook([{**CLEAN[0], "agreement": SECRET}])[:-40],
    f"{SECRET}.csv": b"record\r\n",
}


# In words each; as JSON one workbook and one CSV file, and all of them in the long run.
OFTEN = {next(name for name in PLACES if name.endswith(end)) for end in ("xlsx", "csv")}
FORMS = [
    pytest.param(name, form, marks=pytest.mark.long if form and name not in OFTEN else ())
    for name in PLACES
    for form in ([], ["--json"])
]


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_a_refused_file_is_in_no_output_log_error_or_file(name: str, form: list[str], tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(PLACES[name])
    said = audited(RUN, "fund", "report", "check", str(file), "--agreement", AGREEMENT, *form)
    out = said.stdout + said.stderr
    assert b"exit 1" in out
    assert b"wrote []" in out
    assert not [word for word in SECRET.encode().split() if word.lower() in out.lower()]
    if form:
        told = json.loads(said.stdout.partition(b"\nexit")[0])
        assert told["refused"]
        assert told["report"] is None


def test_the_audit_of_writes_can_see_one(tmp_path: Path) -> None:
    said = audited(RUN, "fund", "report", "template", str(tmp_path / "out.csv"), "--csv")
    assert b"wrote ['open " in said.stdout


def test_a_file_that_is_not_there_is_not_named(tmp_path: Path) -> None:
    said = audited(RUN, "fund", "report", "check", str(tmp_path / f"{SECRET}.csv"), "--agreement", AGREEMENT)
    assert b"exit 3" in said.stdout
    assert SECRET.encode() not in said.stdout + said.stderr


@pytest.mark.parametrize("name", [name for name in PLACES if SECRET not in name])
def test_nothing_that_is_returned_holds_the_text(name: str) -> None:
    raw = PLACES[name]
    sheets, refusals = (read_workbook if name.endswith("xlsx") else read_separated)(raw)
    report = None
    if not refusals:
        report, refusals = read_report(sheets, UNITS, {AGREEMENT})
    assert report is None
    del sheets, raw
    reached: list[object] = [refusals]
    seen: set[int] = set()
    while reached:
        one = reached.pop()
        if id(one) in seen or isinstance(one, type):
            continue
        seen.add(id(one))
        assert not (isinstance(one, str) and "Samplesworth" in one)
        reached += gc.get_referents(one) if not callable(one) else []
