"""A report of figures on paper."""

from datetime import date

import pytest

from desk.letters.tagged import assert_well_told, read_text
from doorward.desk.letters.tables import Section, Table, render_table_report
from doorward.errors import ConfigError

DAY = date(2027, 1, 5)
TOTALS = Table("Totals", ("What", "Number"), (("detainers", "12"), ("warrants", "1,204")), frozenset({1}))


def made(*tables: Table, title: str = "Annual report", lines: tuple[str, ...] = ("None came.",)) -> bytes:
    return render_table_report(
        title,
        [Section("Requests", lines)],
        tables,
        ["Times are local."],
        day=DAY,
        office="Sample records office",
    )


def test_a_report_is_tagged_and_holds_what_it_was_given() -> None:
    pdf = made(TOTALS)
    told = assert_well_told(pdf)
    assert (told.language, told.title, told.headings) == ("en", "Annual report", (1, 1))
    assert {"Table", "THead", "TH", "TD", "Caption", "L"} <= set(told.tags)
    text = read_text(pdf)
    for piece in (
        "Annual report",
        "Sample records office",
        "None came.",
        "Totals",
        "warrants 1,204",
        "Times are local.",
    ):
        assert piece in text


def test_the_same_report_has_the_same_bytes_and_another_day_others() -> None:
    assert made(TOTALS) == made(TOTALS)
    other = render_table_report(
        "Annual report", [], [TOTALS], day=date(2027, 1, 6), office="Sample records office"
    )
    assert other != render_table_report(
        "Annual report", [], [TOTALS], day=DAY, office="Sample records office"
    )


def test_a_table_without_rows_says_so_under_the_columns_of_the_statute() -> None:
    text = read_text(made(Table("Warrants", ("Received", "Released"), empty="None was received.")))
    assert "Warrants Received Released None was received." in text


def test_text_is_shown_and_never_read_as_markup() -> None:
    hostile = '#panic("x") *bold* $x$ @ref <label> \\ "); #read("report.typ")'
    pdf = made(Table("#eval", ("#a",), ((hostile,),)), title="#title", lines=(hostile,))
    assert assert_well_told(pdf).title == "#title"
    assert read_text(pdf).count(hostile) == 2


def test_a_report_over_many_pages_repeats_the_heads_of_its_table() -> None:
    rows = tuple((f"row {number}", str(number)) for number in range(500))
    pdf = made(Table("Long", ("What", "Number"), rows))
    assert read_text(pdf).count("What Number") > 5
    assert assert_well_told(pdf).tags.count("Table") == 1


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (Table("T", ()), "1 to 8 columns"),
        (Table("T", ("A",) * 9), "1 to 8 columns"),
        (Table("T", ("A", "B"), (("1",),)), "not one text for each column"),
        (Table("T", ("A",), (("x" * 4001,),)), "4000 characters"),
        (Table("T", ("A",), (("x",),) * 20_001), "20000 rows"),
        (Table("T", ("A",), (), widths=(1, 2)), "not one width"),
    ],
)
def test_a_table_that_paper_does_not_hold_is_refused(table: Table, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        made(table)


def test_a_report_has_a_title_and_an_office() -> None:
    with pytest.raises(ConfigError, match="a title and an office"):
        render_table_report(" ", [], day=DAY, office="x")
