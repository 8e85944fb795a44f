"""Released PDFs as tables of texts: machine-printed search audits, a record for each id.

The pages are read in a child of its own bounds (`confined`, `pdf_job`), the table is found by `printed`.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from doorward.errors import MalformedError
from doorward.lookback.reading.confined import MIB, Limits, run_confined
from doorward.lookback.reading.headings import KNOWN
from doorward.lookback.reading.printed import (
    NOT_ANCHORED,
    Account,
    Page,
    Record,
    Run,
    Shape,
    find_shape,
    is_id,
    read_rows,
)
from doorward.lookback.reading.raw import MAX_LISTED, RawTable, Reject, write_raw

if TYPE_CHECKING:
    import duckdb

LIMITS: Final = Limits(memory_bytes=1024 * MIB, cpu_seconds=900, output_bytes=4096 * MIB)
MAX_SHOWN: Final = 20
NO_TEXT: Final = "a page without text: a picture of one"
NOT_READ: Final = "a page that is damaged"
BAD_ID: Final = "an id that is cut short"


def read_pdf(
    connection: "duckdb.DuckDBPyConnection",
    file: Path,
    scratch: Path,
    *,
    limits: Limits = LIMITS,
    known: Collection[str] = KNOWN,
) -> tuple[RawTable, ...]:
    """Return the table that was printed to a PDF.

    `sheet` of a record is `page N`, and `row` its number on that page, the header being 1. Words of a cell that
    stand in two lines are joined by a blank, except where the file has one or a hyphen ends the line.

    Args:
        connection: Of the engine; nothing is left in it.
        file: Whatever its bytes.
        scratch: A folder of this call's own; the table stays there.
        known: Labels that make a header, as `normalise_label` writes them.

    Raises:
        ConfigError: pypdfium2 is not installed.
        MalformedError: It is broken, encrypted, a scan, needs more than the limits, or holds no table with ids.
        StoreError: It cannot be read, or the folder is full.
    """
    answer = _checked(run_confined("pdf", file, scratch, limits, {}))
    between = scratch / "pages.jsonl"
    shape = find_shape(_pages(between), known)
    if shape is None:
        raise MalformedError(
            f"it holds no log: no line of its {answer['pages']:,} pages is a header of one",
            hint="a print of a search audit has a line such as `ID userID networkCount Search Time Reason`",
        )
    account = Account()
    path = scratch / "table-0.parquet"
    counts = _Counts()
    write_raw(connection, path, len(shape.header), counts.records(between, shape, account, known))
    between.unlink()
    if not counts.rows:
        raise MalformedError(
            "it holds no log: a header stands in it, and no record with an id",
            hint="ids are UUIDs such as 403c3a8b-bd5a-4f5c-bbb3-dc130f2e23c8",
        )
    return (_as_table(path, shape, account, counts, answer),)


def _as_table(
    path: Path, shape: Shape, account: Account, counts: "_Counts", answer: Mapping[str, Any]
) -> RawTable:
    without, broken = list(answer["without"]), list(answer["broken"])
    rejects = [
        *counts.rejects,
        *(Reject(f"page {page}", line, NOT_ANCHORED) for page, line in account.loose),
        *(Reject(f"page {page}", 0, NO_TEXT) for page in without),
        *(Reject(f"page {page}", 0, NOT_READ) for page in broken),
    ]
    rejected = {
        BAD_ID: counts.bad, NOT_ANCHORED: account.loose_lines, NO_TEXT: len(without), NOT_READ: len(broken),
    }  # fmt: skip
    return RawTable(
        path=path,
        header=shape.header,
        sheet="",
        rejects=tuple(rejects[:MAX_LISTED]),
        rejected_by={why: count for why, count in rejected.items() if count},
        repeated_headers=max(account.headers - 1, 0),
        notes=tuple(_notes(account, without, int(answer["outside"]))),
    )


def _checked(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the child told, in the types that it must have; only one that was taken over tells otherwise."""
    try:
        lists = {name: [int(page) for page in answer[name]] for name in ("without", "broken")}
        return {"pages": int(answer["pages"]), "outside": int(answer["outside"]), **lists}
    except (LookupError, TypeError, ValueError) as error:
        raise MalformedError(
            "the reader of the pages gave no account of them: the file is hostile"
        ) from error


class _Counts:
    """What goes into the table, counted on the way."""

    def __init__(self) -> None:
        self.rows = 0
        self.bad = 0
        self.rejects: list[Reject] = []

    def records(
        self, between: Path, shape: Shape, account: Account, known: Collection[str]
    ) -> Iterator[tuple[str, int, Sequence[str | None]]]:
        for record in read_rows(_pages(between), shape, account, known):
            if self._is_whole(record, shape):
                self.rows += 1
                yield f"page {record.page}", record.number + 1, record.cells

    def _is_whole(self, record: Record, shape: Shape) -> bool:
        if is_id(record.cells[shape.id_column]):
            return True
        self.bad += 1
        if self.bad <= MAX_LISTED:
            self.rejects.append(Reject(f"page {record.page}", record.number + 1, BAD_ID))
        return False


def _notes(account: Account, without: Sequence[int], outside: int) -> Iterator[str]:
    if outside:
        yield f"{outside:,} pieces of text stand beyond the paper, where nobody sees them, and were not read"
    if account.furniture:
        yield f"{account.furniture:,} lines are titles, page numbers and the like"
    if account.carried:
        yield f"{account.carried:,} lines go on with a record of the page before"
    if account.loose_lines:
        yield f"{account.loose_lines:,} lines stand beside no id, and were given to no record"
    if without:
        shown = ", ".join(map(str, without[:MAX_SHOWN]))
        yield f"pages without text: {shown}{' and more' * (len(without) > MAX_SHOWN)}"


def _pages(between: Path) -> Iterator[Page]:
    with between.open(encoding="utf-8") as stream:
        for line in stream:
            try:
                told = json.loads(line)
                runs = (
                    Run(float(a), float(b), float(c), float(d), str(text))
                    for a, b, c, d, text in told["runs"]
                )
                page = Page(int(told["page"]), tuple(runs))
            except (
                ValueError,
                TypeError,
                LookupError,
            ) as error:
                raise MalformedError("the reader of the pages gave no pages: the file is hostile") from error
            yield page
