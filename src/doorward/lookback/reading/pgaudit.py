"""pgaudit's lines in PostgreSQL's csvlog: who ran what on which table, around the door or through it.

Every line is accounted for: it is an audit line, another line of the server, or rejected with its place and the reason.
The user is the one who logged in: PostgreSQL writes that one also behind SET ROLE. Texts of statements and their
parameters are passed over, because they hold residents' data; nothing here keeps them.

Source: PostgreSQL 17, table of csvlog columns in 19.8.4; pgaudit 17, "Format" in its README.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

PREFIX: Final = "AUDIT: "
COLUMNS: Final = range(23, 41)  # 13 has 24, 14 and later 26; later versions append
MAX_FIELD_CHARACTERS: Final = 1 << 30  # a statement of PostgreSQL; the csv module's own bound is 128 KiB
CLASSES: Final = frozenset({"READ", "WRITE", "FUNCTION", "ROLE", "DDL", "MISC", "MISC_SET"})
RELATIONS: Final = frozenset(
    {"TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "PARTITIONED TABLE", "SEQUENCE"}
)
ANOTHER_ZONE: Final = "expected a time in UTC; set log_timezone = 'UTC' on the server"
_ZONES: Final = (" UTC", " GMT", " Z")
_PARTS: Final = re.compile(r'"(?:[^"]|"")*"|[^"]+')
_TIME, _USER, _DATABASE, _FROM, _SESSION, _MESSAGE, _APPLICATION = 0, 1, 2, 4, 5, 13, 22


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One audit line.

    Args:
        time: Aware.
        session: PostgreSQL's id of the session.
        statement: The number of the statement in its session.
        object_name: ``schema.name`` without quotes, or empty where the statement names no relation.
    """

    time: datetime
    user: str
    database: str
    address: str
    application: str
    session: str
    statement: int
    audit_class: str
    command: str
    object_type: str
    object_name: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that could not be read; never what stood in it."""

    line: int
    reason: str


@dataclass
class Read:
    """How many lines were what; their sum is the number of lines of the files."""

    audit: int = 0
    other: int = 0
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def lines(self) -> int:
        """All that was read."""
        return self.audit + self.other + len(self.rejected)


def read_pgaudit(lines: Iterable[str], read: Read) -> Iterator[AuditLine]:
    """Yield the audit lines of a csvlog, and count everything in `read`.

    Args:
        lines: Of the file, with their ends: a field may hold some.
        read: The account; rejected lines are named in it.
    """
    before = csv.field_size_limit(MAX_FIELD_CHARACTERS)
    reader = csv.reader(lines, strict=True)
    try:
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                read.rejected.append(Rejected(reader.line_num, f"no CSV: {error}"))
                continue
            made = _make(row)
            if made is None:
                read.other += 1
            elif isinstance(made, str):
                read.rejected.append(Rejected(reader.line_num, made))
            else:
                read.audit += 1
                yield made
    finally:
        csv.field_size_limit(before)


def _make(row: list[str]) -> AuditLine | str | None:
    if len(row) not in COLUMNS:
        return f"expected a line of csvlog, got {len(row)} columns"
    if not row[_MESSAGE].startswith(PREFIX):
        return None
    try:
        parts = next(csv.reader(io.StringIO(row[_MESSAGE].removeprefix(PREFIX), newline=""), strict=True))
        _kind, statement, _sub, audit_class, command, object_type, object_name = parts[:7]
        if not row[_TIME].endswith(_ZONES):
            return ANOTHER_ZONE
        time = _parse_time(row[_TIME])
        number = int(statement)
    except (csv.Error, StopIteration, ValueError):
        return "expected pgaudit's fields in the message"
    if audit_class not in CLASSES:
        return "a class of statements that pgaudit does not have"
    return AuditLine(
        time, row[_USER], row[_DATABASE], row[_FROM].partition(":")[0], row[_APPLICATION], row[_SESSION], number,
        audit_class, command, object_type, _unquote(object_name),
    )  # fmt: skip


def _unquote(name: str) -> str:
    """Return a qualified name without the quotes that quote_identifier put around what needs them."""
    return "".join(
        part[1:-1].replace('""', '"') if part[:1] == '"' else part for part in _PARTS.findall(name)
    )


def _parse_time(text: str) -> datetime:
    # `log_timezone` is the server's; a zone other than UTC is written by its letters, which name no offset surely.
    moment, _, _zone = text.rpartition(" ")
    return datetime.strptime(moment, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
