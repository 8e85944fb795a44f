"""A report as tables: what leaves, the rows behind each of its lines, and the gate between. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from doorward.desk.csv_text import format_csv
from doorward.desk.deadlines.periods import Period
from doorward.desk.statutory.redaction import Form, Gate, Hit
from doorward.errors import ConfigError, VerificationError
from doorward.notes.lines import format_lines, parse_pairs
from doorward.notes.note import UnverifiedNote, Verifier, verify_note

HEADER: Final = "doorward statutory report v1"
STATEMENT: Final = "statement.txt"  # what is signed, beside the files that it names


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table.

    Args:
        cells: As they leave.
        behind: Ids of what the desk holds; they stay.
    """

    cells: tuple[str, ...]
    behind: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Args:
        id: Of the pack.
        forms: What each column holds.
        none: What is certified where it has no row.
    """

    id: str
    caption: str
    head: tuple[str, ...]
    forms: tuple[Form, ...]
    rows: tuple[Row, ...]
    none: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that a report lacks and a person has to look at.

    Args:
        says: What; no content.
        behind: Ids of the rows.
        blocks: Whether the report cannot leave before it is settled.
    """

    says: str
    behind: tuple[str, ...]
    blocks: bool


@dataclass(frozen=True, slots=True)
class Report:
    """A report before it leaves.

    Args:
        id: ``quarterly``, ``trust`` or ``voices``.
        clauses: Of the order.
    """

    id: str
    title: str
    to: str
    clauses: tuple[str, ...]
    period: Period
    tables: tuple[Table, ...]
    gaps: tuple[Gap, ...]
    gate: Gate

    def hits(self) -> tuple[Hit, ...]:
        """Return every cell that the gate refuses, heads and captions too."""
        return tuple(_look(self))

    def certifies(self) -> tuple[str, ...]:
        """Return what is certified of the tables that have no row."""
        return tuple(table.none for table in self.tables if not table.rows)


def carry_lines(report: Report, lines: Iterable[tuple[str, tuple[str, ...], tuple[str, ...]]]) -> Report:
    """Return a report that has these lines too, as they were filed; in their order by day, numbered anew.

    A matter that was sealed after it was reported stays in the next version as it stood: that it went would tell.

    Args:
        lines: Table, cells and rows behind, of an earlier version.
    """
    more: dict[str, list[Row]] = {}
    for name, cells, behind in lines:
        more.setdefault(name, []).append(Row(cells, behind))
    return replace(report, tables=tuple(_with(table, more.get(table.id, [])) for table in report.tables))


def _with(table: Table, more: list[Row]) -> Table:
    day = table.forms.index(Form.DAY)
    rows = sorted((*table.rows, *more), key=lambda row: (row.cells[day], row.behind[:1]))
    numbered = (Row((str(at), *row.cells[1:]), row.behind) for at, row in enumerate(rows, start=1))
    return replace(table, rows=tuple(numbered))


def preview(report: Report) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield for each figure and each line the table, what it says, and the ids of the rows behind it."""
    for table in report.tables:
        behind = tuple(name for row in table.rows for name in row.behind)
        yield table.id, f"{len(table.rows)} rows" if table.rows else table.none, behind
        for row in table.rows:
            yield table.id, ", ".join(cell or "-" for cell in row.cells), row.behind


def format_table(table: Table) -> bytes:
    """Return a table as CSV (RFC 4180, UTF-8) that a spreadsheet cannot run; the ids behind it are not in it."""
    return format_csv(table.head, (row.cells for row in table.rows))


def files_of(report: Report) -> dict[str, bytes]:
    """Return the files of a report by name, without its document and signature.

    Raises:
        ConfigError: A cell is refused, or a gap blocks; says the first and how many.
    """
    hits = report.hits()
    if hits:
        more = f", and {len(hits) - 1} more cells" if len(hits) > 1 else ""
        raise ConfigError(
            f"the report does not leave: {hits[0]}{more}",
            hint="only texts of `statutory.toml`, agencies of the order, days, hours and counts leave",
        )
    blocks = [gap for gap in report.gaps if gap.blocks]
    if blocks:
        raise ConfigError(
            f"the report does not leave: {blocks[0].says} ({len(blocks[0].behind)} rows)",
            hint="--preview lists them",
        )
    name = f"{report.id}-{report.period}"
    found = {f"{name}-{table.id}.csv": format_table(table) for table in report.tables}
    certified = report.certifies()
    if certified:
        found[f"{name}-none.txt"] = ("\n".join(certified) + "\n").encode()
    return found


def format_release(
    report: Report, files: Mapping[str, bytes], order: str, *, version: int = 1, replaces: str = ""
) -> bytes:
    """Return what an official signs: the report, its period, the order's digest, and the digest of each file.

    Args:
        version: Of a correction 2 or more.
        replaces: The digest of the statement that a correction takes the place of.
    """
    pairs = [("report", report.id), ("period", str(report.period)), ("order", order)]
    if replaces:
        pairs += [("version", str(version)), ("replaces", replaces)]
    pairs += [("file", f"{sha256(files[name]).hexdigest()} {name}") for name in sorted(files)]
    return format_lines(HEADER, pairs)


def verify_release(note: UnverifiedNote, verifiers: tuple[Verifier, ...], files: Mapping[str, bytes]) -> str:
    """Return the id and period of a signed report, where a known key signed it and these are its files.

    Args:
        files: Everything that came with it, by name; the statement itself may be among them.

    Raises:
        VerificationError: No known key signed it, a file is missing, changed or not of it.
        MalformedError: The note is about something else.
    """
    text = verify_note(note, verifiers)
    if files.get(STATEMENT, text) != text:
        raise VerificationError(f"`{STATEMENT}` is not what was signed")
    return check_files(text, {name: raw for name, raw in files.items() if name != STATEMENT})


def check_files(statement: bytes, files: Mapping[str, bytes]) -> str:
    """Return the id and period of a report, where these are the files that its statement names.

    Args:
        statement: Of anybody.

    Raises:
        VerificationError: A file is missing, changed or not of it.
        MalformedError: It is a statement about something else.
    """
    pairs = parse_pairs(statement, HEADER)
    said = {value.partition(" ")[2]: value.partition(" ")[0] for name, value in pairs if name == "file"}
    if set(said) != set(files):
        raise VerificationError(f"the note is about {len(said)} files, and {len(files)} are here")
    for name, digest in said.items():
        if sha256(files[name]).hexdigest() != digest:
            raise VerificationError(f"`{name}` is not the file that was signed")
    held = dict(pairs)
    return f"{held.get('report', '')} {held.get('period', '')}"


def _look(report: Report) -> Iterator[Hit]:
    for table in report.tables:
        for where, text in _fixed(table):
            looks = report.gate.look(text, Form.WORDS)
            if looks is not None:
                yield Hit(where, looks)
        for number, row in enumerate(table.rows, start=1):
            for at, (cell, form) in enumerate(zip(row.cells, table.forms, strict=True)):
                looks = report.gate.look(cell, form)
                if looks is not None:
                    yield Hit(f"table {table.id}, row {number}, column `{table.head[at]}`", looks)


def _fixed(table: Table) -> Iterator[tuple[str, str]]:
    yield f"table {table.id}, caption", table.caption
    yield f"table {table.id}, certification", table.none
    for at, text in enumerate(table.head, start=1):
        yield f"table {table.id}, head {at}", text
