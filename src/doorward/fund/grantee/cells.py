"""A handed-in file as cells, and what refuses it. Pure.

A refusal names the place and the kind. It never holds a text of the file: not in a message, not in a hint, and it is a
value, so that no traceback keeps the text alive.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

MAX_BYTES: Final = 8 << 20
MAX_ROWS: Final = 20_000
MAX_REFUSALS: Final = 200
MAX_CELL: Final = 200  # characters; no value of any column has as many
REPORT: Final = "Report"
WORDS: Final = "Words"
AS_CSV: Final = "save the sheet `Report` as CSV UTF-8 and hand that in: a CSV holds cells and nothing else"
KINDS: Final[Mapping[str, tuple[str, str | None]]] = {
    "a-number": ("it may hold an A-number", "take it out; the City counts, it does not know anybody"),
    "receipt": ("it may hold a receipt number", "take it out"),
    "passport": ("it may hold the number of a passport or a card", "take it out"),
    "long-number": ("it has a number as long as that of a person or a case", "counts have at most five digits"),
    "phone": ("it may hold a telephone number", "take it out"),
    "e-mail": ("it may hold an e-mail address or a handle", "take it out"),
    "address": ("it may hold an address", "take it out"),
    "date": ("it may hold a date, as of a birth", "dates stand in `from` and `to` only"),
    "caption": ("it may hold the caption of a case", "take it out"),
    "docket": ("it may hold a docket number", "take it out"),
    "name": ("it may hold a name", "take it out"),
    "script": ("it has letters or marks outside a to z", "use the words of the list"),
    "word": ("it is not on the list of words", "doorward fund report words"),
    "long": ("it is longer than any value of the template", "use a word of the list, or a number"),
    "too-many-words": ("the note has more words than the order allows", "shorten it"),
    "empty": ("it must not be empty", None),
    "filled": ("it must be empty in a row of this record", None),
    "count": ("it must be a whole number within the bounds", "digits alone, such as 12"),
    "amount": ("it must be an amount in dollars with at most two decimals, within the bounds", "such as 1080.00"),
    "day": ("it must be a day such as 2026-10-01", None),
    "period": ("the period does not end after it begins, is longer than a quarter, or leaves its year", None),
    "agreement": ("it is not the number of the agreement", "ask the fund manager"),
    "header": ("it is not a heading of the template", "begin with a fresh template"),
    "twice": ("it stands there twice", None),
    "missing": ("a part of the report is missing", "begin with a fresh template"),
    "outside": ("it stands outside the table", "clear the whole row or column, then save"),
    "record": ("it must be one of period, service, outcome, cost", None),
    "rows": ("the report has too many rows", "hand it in by month"),
    "size": ("the file is too large", AS_CSV),
    "bytes": ("it is no text in UTF-8", "save it as CSV UTF-8"),
    "control": ("it has a character that does not show, or a line break in a cell", "type the cell anew"),
    "quotes": ("its quotation marks do not close", "save it as CSV UTF-8"),
    "formula": ("it is a formula", "paste the values only"),
    "comment": ("it has a comment or note", "remove all comments"),
    "hidden": ("a sheet, row or column is hidden", "show it, or delete it"),
    "sheet": ("it is a sheet that the template has not", "delete the sheet"),
    "merged": ("cells are merged", "unmerge them"),
    "defined-name": ("it defines a name", "delete it in the name manager"),
    "link": ("it has a link", "remove the link"),
    "external": ("it refers to another file", "break the links"),
    "embedded": ("it has an embedded object, a picture or a drawing", "delete it"),
    "macro": ("it has a macro", AS_CSV),
    "header-footer": ("it has a header or footer for print", "clear it in the page setup"),
    "property": ("its properties hold a text, such as title or company", "clear them with the document inspector"),
    "author": ("its properties name a person", "remove personal information with the document inspector"),
    "path": ("it says in which folder it lay", "remove personal information with the document inspector"),
    "validation": ("it has a rule or list for cells", "remove data validation and conditional formats"),
    "format": ("a number format or style has words of its own or hides", "use a fresh template"),
    "printer": ("it has settings of a printer", AS_CSV),
    "custom-xml": ("it has custom XML or a label of an organisation", AS_CSV),
    "text": ("it has a text that no cell shows", AS_CSV),
    "part": ("it has a part that a workbook of the template has not", AS_CSV),
    "damaged": ("it is no workbook that can be read", AS_CSV),
    "packing": ("bytes lie between, before or behind its parts", AS_CSV),
    "encrypted": ("it is encrypted", "save it without a password"),
    "setting": ("a part of it has a word that is not known there", AS_CSV),
    "too-few-people": ("fewer people than a table may be made of", "hand in nothing for this quarter; say so by mail"),
    "band": ("it must be a band such as 10-24", None),
    "mapping": ("the map does not fit: a column is missing, or a word has no counterpart", "correct the map"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where it is; never by words of the file.

    Args:
        sheet: A name of the template, or ``sheet 3``; empty where it is the whole file.
        row: From 1, or 0 for the whole sheet.
        column: Letters, or empty for the whole row.
    """

    sheet: str
    row: int = 0
    column: str = ""

    def __str__(self) -> str:
        where = [self.sheet] if self.sheet else ["the file"]
        if self.row:
            where.append(f"row {self.row}")
        if self.column:
            where.append(f"column {self.column}")
        return ", ".join(where)


@dataclass(frozen=True, slots=True, order=True)
class Refusal:
    """Why a file does not enter.

    Args:
        place: Where.
        kind: A key of `KINDS`; the words are there, so that none can come from the file.
    """

    place: Place
    kind: str

    @property
    def says(self) -> str:
        """The reason, without a word of the file."""
        return KINDS[self.kind][0]

    @property
    def hint(self) -> str | None:
        """What the grantee can do."""
        return KINDS[self.kind][1]

    def __str__(self) -> str:
        return f"{self.place}: {self.says}"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's text; ``is_number`` says that the program that wrote it held it as a number."""

    text: str
    is_number: bool = False


def cell_of(text: str, *, is_number: bool = False) -> Cell:
    """Return a cell of a text; in place of one longer than `MAX_CELL`, a text of one mark that no column takes.

    The time that `traces` takes grows with the square of a text's length, so nothing longer reaches a pattern. Cut it
    is not: what is left of a text could be a value.

    Args:
        text: Of a stranger, of any length.
        is_number: As in `Cell`.
    """
    return Cell(text if len(text) <= MAX_CELL else "?" * (MAX_CELL + 1), is_number)


Row = tuple[int, dict[int, Cell]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows that hold something, with their numbers from 1; columns count from 0."""

    name: str
    rows: tuple[Row, ...]


def column_name(column: int) -> str:
    """Return the letters of a column that counts from 0."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def bounded(refusals: Iterable[Refusal]) -> tuple[Refusal, ...]:
    """Return the refusals in order, each once, no more than anybody reads."""
    return tuple(sorted(set(refusals))[:MAX_REFUSALS])
