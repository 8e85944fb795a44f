"""A report of figures on paper, in the style of the letters: a statute's report, a register's account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from doorward.desk.letters.typeset import typeset
from doorward.errors import ConfigError

MAX_ROWS: Final = 20_000
MAX_COLUMNS: Final = 8
MAX_TEXT: Final = 4_000


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a report.

    Args:
        caption: What it shows; read aloud before it.
        columns: Heads.
        rows: One text for each column.
        numbers: Columns that are set to the right.
        widths: Shares of the line for each column; without them as wide as the content asks.
        empty: What stands in its place where it has no rows: a report says that there was nothing.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    numbers: frozenset[int] = frozenset()
    widths: tuple[int, ...] | None = None
    empty: str = "None."


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a report: a title, its paragraphs, its tables."""

    title: str
    lines: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


def render_table_report(
    title: str,
    sections: Sequence[Section],
    tables: Sequence[Table] = (),
    notes: Sequence[str] = (),
    *,
    day: date,
    office: str,
    facts: Sequence[tuple[str, str]] = (),
    is_sample: bool = False,
) -> bytes:
    """Return a report as PDF/UA-1 and PDF/A-2a; the same arguments give the same bytes.

    Args:
        title: Of the document, in one line.
        sections: In their order, each with its tables.
        tables: That belong to no section; they follow the sections.
        notes: Listed at the end.
        day: Of the document.
        office: Whose report it is; a role, no person.
        facts: Name and value, below the title: the period, the statute, the digest of the rows.
        is_sample: Whether it rests on an order that no office adopted; the page then says so.

    Raises:
        ConfigError: A table has a row of another length, or there is more than a report holds.
    """
    every = [*tables, *(table for section in sections for table in section.tables)]
    for table in every:
        _check(table)
    texts = [title, office, *notes, *(line for one in sections for line in (one.title, *one.lines))]
    texts += [text for pair in facts for text in pair]
    if any(len(text) > MAX_TEXT for text in texts):
        raise ConfigError(f"a paragraph of a report has at most {MAX_TEXT} characters")
    if not title.strip() or not office.strip():
        raise ConfigError("a report has a title and an office")
    given = {
        "title": title, "language": "en", "office": office, "sample": is_sample, "notes": list(notes),
        "facts": [list(pair) for pair in facts],
        "sections": [
            {"title": one.title, **_split(one.tables, one.lines)} for one in sections
        ],
        "tables": [_table(table) for table in tables],
    }  # fmt: skip
    return typeset("report.typ", {}, given, day=day)


def _split(tables: Sequence[Table], lines: Sequence[str]) -> dict[str, Any]:
    return {"lines": list(lines), "tables": [_table(table) for table in tables]}


def _check(table: Table) -> None:
    if not 1 <= len(table.columns) <= MAX_COLUMNS:
        raise ConfigError(
            f"a table has 1 to {MAX_COLUMNS} columns, `{table.caption}` has {len(table.columns)}"
        )
    if len(table.rows) > MAX_ROWS:
        raise ConfigError(
            f"a table on paper has at most {MAX_ROWS} rows, `{table.caption}` has {len(table.rows)}",
            hint="publish the rows as CSV beside it",
        )
    if any(len(row) != len(table.columns) for row in table.rows):
        raise ConfigError(f"a row of `{table.caption}` has not one text for each column")
    if any(len(text) > MAX_TEXT for row in table.rows for text in row):
        raise ConfigError(f"a cell of `{table.caption}` has more than {MAX_TEXT} characters")
    if table.widths is not None and len(table.widths) != len(table.columns):
        raise ConfigError(f"`{table.caption}` has not one width for each column")


def _table(table: Table) -> dict[str, Any]:
    # A table without rows says so in its first cell, so that the statute's columns stand there all the same.
    rows = [list(row) for row in table.rows] or [[table.empty, *[""] * (len(table.columns) - 1)]]
    numbers = sorted(table.numbers) if table.rows else []
    found = {"caption": table.caption, "columns": list(table.columns), "rows": rows, "numbers": numbers}
    return found | ({"widths": list(table.widths)} if table.widths else {})
