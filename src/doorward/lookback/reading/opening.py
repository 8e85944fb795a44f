"""A file opened as tables of texts, whatever its form: what is then mapped, or only looked at.

Names of files never reach SQL: each source is linked into the scratch folder under a name of our own.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Final

from doorward.errors import ConfigError
from doorward.lookback.reading.json_lines import read_json_lines
from doorward.lookback.reading.layouts import DETECT_HINT, SAMPLE, Layout
from doorward.lookback.reading.oracle import is_oracle
from doorward.lookback.reading.raw import RawTable, quote_path
from doorward.lookback.reading.separated import (
    Head,
    find_head,
    guess_head,
    read_carefully,
    sample_rows,
    write_fast_table,
)
from doorward.lookback.reading.survey import GZIP, PARQUET, ZSTD, Limits, Survey, Tick, survey

if TYPE_CHECKING:
    import duckdb

Reader = Callable[[Path, Path], Iterable[RawTable]]
OWN_FORMS: Final = frozenset({"csv", "jsonl", "json", "parquet"})
PACKED: Final = (GZIP, ZSTD)
_ARRAY = re.compile(rb"\[\s*[{\]]")
_PGAUDIT = re.compile(rb"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{3} [A-Z]{1,5},")


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How sources are read.

    Args:
        layout: Of a map file, for every source; None takes the shipped ones.
        timezone: Of times that name none; empty for the layout's.
        owners: Whose log a file is, by its name; a file `OWNER__2026-04-19.csv` needs none.
        form: The form of every source, where its bytes do not tell: a key of `readers`, or csv, jsonl, json, parquet.
        resume: Whether a finished source is not read again.
    """

    layout: Layout | None = None
    timezone: str = ""
    owners: Mapping[str, str] = field(default_factory=dict)
    form: str = ""
    limits: Limits = field(default_factory=Limits)
    resume: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """One table to map. `records` is what must come out of it; -1 is not known before it is counted."""

    table: str
    raw: RawTable
    row: str
    records: int
    samples: Sequence[Sequence[str | None]]


def find_sources(paths: Sequence[Path]) -> tuple[list[Path], dict[Path, int]]:
    """Return each file once, in the order of the paths, and how often those were named that came twice."""
    found: dict[tuple[int, int], Path] = {}
    counts: dict[Path, int] = {}
    for path in paths:
        try:
            stat = path.stat()
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path.name[:200]}: there is no such file, or it may not be read") from error
        if not S_ISREG(stat.st_mode):
            raise ConfigError(
                f"{path.name[:200]}: expected a file, got a folder or a device", hint="name its files"
            )
        first = found.setdefault((stat.st_dev, stat.st_ino), path)
        counts[first] = counts.get(first, 0) + 1
    return list(found.values()), {path: count for path, count in counts.items() if count > 1}


def find_form(head: bytes) -> str:
    """Return the form of a file by its first bytes: parquet, xlsx, xls, pdf, pgaudit, jsonl, json or csv.

    `xlsx` is any ZIP; whether it is a workbook its reader finds out.
    """
    if head.startswith(PARQUET):
        return "parquet"
    if head.startswith(b"PK\x03\x04"):
        return "xlsx"
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return "xls"
    if b"%PDF-" in head[:1024]:
        return "pdf"
    bare = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if bare.startswith(b"{"):
        return "jsonl"
    if _ARRAY.match(bare):
        return "json"
    return "pgaudit" if _PGAUDIT.match(bare) else "csv"


def find_digest(source: Path, tick: Tick) -> tuple[str, int]:
    """Return the SHA-256 of a file and its number of bytes."""
    digest, read = hashlib.sha256(), 0
    with source.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            read += len(chunk)
            tick(len(chunk))
    return digest.hexdigest(), read


class Opener:
    """Opens files by their form.

    Args:
        connection: Of `open_engine`.
        options: How sources are read.
        readers: Of other forms than our own.
    """

    def __init__(
        self, connection: "duckdb.DuckDBPyConnection", options: ReadOptions, readers: Mapping[str, Reader]
    ) -> None:
        self.connection, self.options, self.readers = connection, options, readers

    def look(self, source: Path, scratch: Path, tick: Tick) -> tuple[str, Survey]:
        """Return the form of a file, and the walk over it."""
        with source.open("rb") as file:
            head = file.read(4096)
        form = self.options.form or find_form(head)
        self._check(form)
        looked = self._look(source, scratch, form, tick, packed=head.startswith(PACKED))
        if form == "csv" and not self.options.form:
            form = self._form_of_text(looked, source)
            self._check(form)
        return form, looked

    def _check(self, form: str) -> None:
        if form not in OWN_FORMS and form not in self.readers:
            raise ConfigError(f"no reader for `{form[:20]}`", hint=DETECT_HINT)

    def _form_of_text(self, looked: Survey, source: Path) -> str:
        """Return the form of a text, unpacked and in UTF-8; a map file says itself what its columns are."""
        if looked.text != source:
            with looked.text.open("rb") as file:
                form = find_form(file.read(4096))
            if form in {"parquet", "xlsx", "xls", "pdf"}:
                raise ConfigError(f"it is a packed `{form}`", hint="unpack it first")
            if form != "csv":
                return form
        if "oracle" not in self.readers or self.options.layout is not None:
            return "csv"
        try:
            return "oracle" if is_oracle(find_head(looked.text, None).header) else "csv"
        except ConfigError:
            return "csv"

    def _look(self, source: Path, scratch: Path, form: str, tick: Tick, *, packed: bool) -> Survey:
        """Return the walk over a text, or no more than the digest of another form."""
        if form in {"csv", "jsonl", "json"} or (packed and form in {"pgaudit", "oracle"}):
            return survey(source, scratch, self.options.limits, self.connection, tick)
        digest, read = find_digest(source, tick)
        if not read:
            raise ConfigError("the file is empty: 0 bytes")
        return Survey(digest, read, "", "", source)

    def is_form(self, source: Path, form: str) -> bool:
        """Return whether `look` would give a form, as far as that can be said without a walk over the file.

        Args:
            source: The file, if it is text in UTF-8.
            form: As `look` gave it for a file with the same bytes, which may have been looked at with other options.
        """
        with source.open("rb") as file:
            head = file.read(4096)
        if head.startswith(PACKED):
            return False
        found = self.options.form or find_form(head)
        if found == "csv" and not self.options.form:
            found = self._form_of_text(Survey("", 0, "", "utf-8", source), source)
        return found == form and (form in OWN_FORMS or form in self.readers)

    def parts(
        self, form: str, source: Path, looked: Survey, scratch: Path, *, guess: bool = False
    ) -> list[Part]:
        """Return the tables of a file; they live in `scratch`.

        Args:
            form: As `look` gave it.
            source: The file.
            looked: As `look` gave it.
            scratch: A folder of its own.
            guess: Whether an unknown first record may be taken for the header: only to look at it.

        Raises:
            ConfigError: It is no such file, or has no header.
        """
        if form in self.readers:
            link = (
                scratch
                / f"source{source.suffix if source.suffix.isascii() and source.suffix[1:].isalnum() else ''}"
            )
            link.symlink_to(looked.text.resolve())
            own = scratch / "reader"
            own.mkdir()
            return [self.part(table) for table in self.readers[form](link, own)]
        if form == "parquet":
            return [self._parquet(source, scratch)]
        if form in {"jsonl", "json"}:
            table = read_json_lines(self.connection, looked.text, scratch, array=form == "json")
            return [self.part(table)]
        try:
            head = find_head(looked.text, self.options.layout)
        except ConfigError:
            if not guess:
                raise
            head = guess_head(looked.text)
            raw = RawTable(looked.text, head.header, "")
            return [Part("", raw, "row", 0, sample_rows(looked.text, head))]
        if not (looked.regular and head.first):
            tables = read_carefully(self.connection, looked.text, head, scratch, self.options.layout)
            return [self.part(table) for table in tables]
        return [self._fast(looked, head, scratch)]

    def _fast(self, looked: Survey, head: Head, scratch: Path) -> Part:
        link = scratch / "fast.csv"
        link.symlink_to(looked.text.resolve())
        raw = RawTable(link, head.header, "", blank=looked.trailing_blank)
        records = looked.records - 1 - looked.trailing_blank
        return Part(write_fast_table(link, head), raw, "nth + 1", records, sample_rows(looked.text, head))

    def part(self, raw: RawTable) -> Part:
        """Return a table of a reader, with a sample of its rows."""
        table = f"read_parquet('{quote_path(raw.path)}')"
        columns = ", ".join(f"c{number}" for number in range(len(raw.header)))
        samples = self.connection.execute(f"SELECT {columns} FROM {table} LIMIT {SAMPLE}").fetchall()  # noqa: S608  # names of our own
        return Part(f"(SELECT * FROM {table})", raw, "row", -1, samples)  # noqa: S608  # as above

    def _parquet(self, source: Path, scratch: Path) -> Part:
        import duckdb

        link = scratch / "source.parquet"
        link.symlink_to(source.resolve())
        try:
            rows = self.connection.execute(f"DESCRIBE SELECT * FROM read_parquet('{link}')").fetchall()  # noqa: S608  # as above
            chosen = ", ".join(f"{_as_text(name, kind)} AS c{at}" for at, (name, kind, *_) in enumerate(rows))
            source_sql = f"read_parquet('{link}', file_row_number = true)"
            table = f"(SELECT {chosen}, '' AS sheet, file_row_number + 2 AS row FROM {source_sql})"  # noqa: S608  # as above
            texts = ", ".join(f"c{number}" for number in range(len(rows)))
            samples = self.connection.execute(f"SELECT {texts} FROM {table} LIMIT {SAMPLE}").fetchall()  # noqa: S608  # as above
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise ConfigError("it is no Parquet file that can be read, or it is damaged") from error
        return Part(table, RawTable(link, tuple(name for name, *_ in rows), ""), "row", -1, samples)


def _as_text(name: str, kind: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"strftime(timezone('UTC', {quoted}), '%Y-%m-%d %H:%M:%S.%fZ')"
    return f"CAST({quoted} AS VARCHAR)"
