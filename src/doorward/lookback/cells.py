"""What one recorded access is made of: its cells, the state of each, and the tables of an audit. Pure.

Every reader, whatever the file, ends in a table of these columns; every later stage reads only these. A cell is a
pair: its value, and a state that says why there is none. Which states leave a value open is `OPEN`: the order is then
asked for every value that the cell may have had.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Why a cell has a value, or has none."""

    VALUE = "value"
    BLANK = "blank"  # the exporter's form had the field, and nothing stands in it
    MASKED = "masked"  # a mask stands in its place: ***, REDACTED, ###
    WITHHELD = "withheld"  # an exemption is cited in its place
    NOT_EXPORTED = "not-exported"  # the file has no such column
    UNREADABLE = "unreadable"  # something stands there that is not of the column's type


OPEN: Final = frozenset({State.MASKED, State.WITHHELD, State.NOT_EXPORTED, State.UNREADABLE})


@dataclass(frozen=True, slots=True)
class Cell:
    """A column of the table of accesses.

    Args:
        type: Of DuckDB.
        says: What it holds.
        personal: Whether it may hold personal data, and is masked in what is published.
    """

    name: str
    type: str
    says: str
    personal: bool = False

    @property
    def state(self) -> str:
        """The name of the column that holds its state."""
        return f"{self.name}_state"


CELLS: Final = (
    Cell("id", "VARCHAR", "the vendor's id of the access", personal=True),
    Cell("searcher", "VARCHAR", "the organisation that searched, as written"),
    Cell("owner", "VARCHAR", "the organisation whose data was searched, where a row names it"),
    Cell(
        "account",
        "VARCHAR",
        "the account that searched: an id or a display name, as the layout has it",
        personal=True,
    ),
    Cell("at", "TIMESTAMP", "when, in UTC"),
    Cell("networks", "BIGINT", "how many networks of cameras were searched"),
    Cell("devices", "BIGINT", "how many devices were searched"),
    Cell("since", "TIMESTAMP", "the begin of the time that the search looked at, in UTC"),
    Cell("until", "TIMESTAMP", "its end, in UTC"),
    Cell("plate", "VARCHAR", "the plate or other key that was looked for", personal=True),
    Cell("reason", "VARCHAR", "the reason, verbatim", personal=True),
    Cell("case_no", "VARCHAR", "the case number, verbatim", personal=True),
    Cell("offense", "VARCHAR", "the type of offense that was chosen"),
    Cell("filters", "VARCHAR", "the filters of the search, verbatim", personal=True),
    Cell("kind", "VARCHAR", "the type of search, as written"),
    Cell("prompt", "VARCHAR", "the free text that was searched for, verbatim", personal=True),
    Cell("moderation", "VARCHAR", "what the vendor's own filter said"),
    Cell("object", "VARCHAR", "the table or object, in the log of a database"),
    Cell("command", "VARCHAR", "the command, in the log of a database: SELECT"),
)
BY_NAME: Final = {cell.name: cell for cell in CELLS}


def row_columns() -> tuple[tuple[str, str], ...]:
    """Return name and type of every column of `rows/*.parquet`, in order.

    `file` is the number of the source in the manifest, `sheet` the sheet or page (or the empty text), `row` the number
    of the record as a spreadsheet counts: the header is 1.
    """
    places = (("file", "INTEGER"), ("sheet", "VARCHAR"), ("row", "BIGINT"))
    cells = (
        (column, kind) for cell in CELLS for column, kind in ((cell.name, cell.type), (cell.state, "VARCHAR"))
    )
    return (*places, *cells)
