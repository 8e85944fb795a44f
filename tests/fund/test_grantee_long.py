"""A text of any length in a cell costs no more than a short one: it is refused before a pattern looks at it."""

from collections.abc import Iterator

import pytest

from doorward.desk.fund.grantee_form import SECTIONS, field_of, read_form
from doorward.fund.grantee import traces, values
from doorward.fund.grantee.cells import MAX_CELL, Cell
from doorward.fund.grantee.report import read_report
from doorward.fund.grantee.separated import read_separated
from doorward.fund.grantee.template import format_csv
from doorward.fund.grantee.workbook import read_workbook
from fund_reports import AGREEMENT, CLEAN, UNITS, rows_of, workbook

LONG = ("1" * 400_000, "12" + " " * 400_000 + "Wiktoria Przykladowska", "é" * 300_000)


@pytest.fixture(autouse=True)
def looked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The lengths of the texts that patterns looked at; a long one is not looked at, so that red is quick too."""
    lengths: list[int] = []

    def look(text: str) -> str | None:
        lengths.append(len(text))
        return traces.find_trace(text) if len(text) <= MAX_CELL + 1 else None

    monkeypatch.setattr(values, "find_trace", look)
    yield lengths
    assert max(lengths, default=0) <= MAX_CELL + 1


@pytest.mark.parametrize("text", LONG)
def test_a_long_text_of_the_form_is_refused_at_its_field(text: str) -> None:
    for record, (_, _, names) in SECTIONS.items():
        for name in names:
            typed = read_form({f"{record}-0-{name}": text}, AGREEMENT)
            report, refusals = read_report((typed.sheet,), UNITS, {AGREEMENT})
            assert report is None
            at = [one.kind for one in refusals if field_of(typed, one.place) == f"{record}-0-{name}"]
            assert at == ["day" if record == "period" else "long"], (record, name)


@pytest.mark.parametrize("text", LONG)
@pytest.mark.parametrize("column", ["note", "units", "service", "jane"])
def test_a_long_cell_of_a_file_is_refused_at_its_place(text: str, column: str) -> None:
    records = [dict(one) for one in CLEAN]
    if column != "jane":
        records[2][column] = text
    rows = [[str(cell) for cell in row] for row in rows_of(records)]
    if column == "jane":
        rows[2].append(text)
    found = [read_separated(format_csv(rows))]
    if column != "jane":
        found.append(read_workbook(workbook(records)))
    for sheets, wrong in found:
        assert not wrong
        report, refusals = read_report(sheets, UNITS, {AGREEMENT})
        assert report is None
        assert "long" in {one.kind for one in refusals}


def test_as_long_as_is_allowed_is_still_told_for_what_it_looks_like() -> None:
    assert values.kind_of("1" * MAX_CELL, "count") != "long"
    assert values.read_count(Cell("1" * (MAX_CELL + 1)), 10) == values.Refused("long")
