"""Files of logs to `data/rows/NNNN.parquet` and their accounts: in their order, each whole or not at all.

A table is written as `NNNN.parquet.part` and renamed when it is whole, then its account is written likewise: a process
that is killed leaves a part that nobody reads, and the next run reads that file again.
"""

import errno
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingOf
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from time import monotonic
from typing import TYPE_CHECKING, Final

from doorward.errors import ConfigError, DoorwardError
from doorward.lookback.cells import CELLS, State
from doorward.lookback.folder import AuditFolder
from doorward.lookback.reading import mapping as sql
from doorward.lookback.reading.accounting import SourceReport, format_report, parse_report
from doorward.lookback.reading.forms import check_zone
from doorward.lookback.reading.lanes import Steps, count_lanes, read_in_order, run_alone
from doorward.lookback.reading.layouts import DETECT_HINT, Mapping, find_mapping, load_layouts
from doorward.lookback.reading.opening import Opener, Part, Reader, ReadOptions, find_digest, find_sources
from doorward.lookback.reading.raw import MAX_LISTED, RawTable, Reject, quote_path
from doorward.lookback.reading.separated import find_head, is_header, labels_of, read_carefully
from doorward.lookback.reading.supplied import Supplied, digest_table
from doorward.lookback.reading.survey import Tick

if TYPE_CHECKING:
    import duckdb

MIN_CONSTANT: Final = 20
FIRST_ROWS: Final = 2000  # in nearly every log two of them differ, and no more are read for it
MAX_SHIFTED: Final = 1000  # rows that are looked at for another header; with more the careful reader is asked
_OWNER = re.compile(r"(?P<owner>.+?)__\d{4}-\d{2}-\d{2}")
_GLOB = re.compile(r"[*?\[\]]")
_COPY = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 122880)"


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that could not be read, and why, in one line."""

    name: str
    says: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the reading is.

    Args:
        done_bytes: Of all sources.
        rows: Read so far.
        seconds: Since the begin.
    """

    file: int
    name: str
    done_bytes: int
    all_bytes: int
    rows: int
    seconds: float

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """As the bytes go; None before the first."""
        if not self.done_bytes:
            return None
        return self.seconds * (self.all_bytes - self.done_bytes) / self.done_bytes


def read_sources(
    connection: "duckdb.DuckDBPyConnection",
    paths: Sequence[Path],
    folder: AuditFolder,
    options: ReadOptions | None = None,
    *,
    readers: MappingOf[str, Reader] | None = None,
    supplied: Sequence[Supplied] = (),
    refused: list[Refused] | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> list[SourceReport]:
    """Return the accounts of sources, each with its table in `folder.rows`.

    Args:
        connection: Of `open_engine`, in UTC.
        paths: Files, of any names; a file named twice is one source.
        folder: Where the tables go; tables of sources that are not named now are removed.
        options: How.
        readers: Of other forms, by the form that `find_form` gives or `options.form` names.
        supplied: Sources that are no files, behind those that are; always read again.
        refused: Where given, a file that cannot be read is noted in it, and the others are read.
        progress: Called after each source, and during a walk over a long one.

    Raises:
        ConfigError: A file cannot be read, has no layout, changed meanwhile, or is no file; the message names it.
    """
    options = options or ReadOptions()
    if options.timezone:
        check_zone(options.timezone, "`--timezone`")
    if _GLOB.search(str(folder.root.resolve())):
        raise ConfigError("the path of `--out` has one of `* ? [ ]` in it", hint="take another folder")
    sources, twice = find_sources(paths)
    folder.rows.mkdir(parents=True, exist_ok=True)
    all_bytes = sum(source.stat().st_size for source in sources)
    work = _Work(connection, folder, options, readers or {}, progress=progress, all_bytes=all_bytes)
    reports: list[SourceReport] = []
    with closing(read_in_order(connection, sources, work.read, count_lanes(connection))) as found:
        for source, outcome in found:
            if isinstance(outcome, SourceReport):
                if source in twice:
                    outcome.notes = [*outcome.notes, f"named {twice[source]} times; it is one source"]
                reports.append(outcome)
                work.settle(outcome, outcome.bytes)
                continue
            if isinstance(outcome, OSError) and outcome.errno == errno.ENOSPC:
                raise outcome  # not of this file
            named = _named(source, outcome)
            if refused is None:
                raise named from outcome
            refused.append(Refused(source.name, str(named)))
    reports += [work.supply(number, one) for number, one in enumerate(supplied, start=len(reports))]
    if not reports:
        raise ConfigError("none of the files can be read", hint="without --keep-going the first one says why")
    _remove_others(folder.rows, len(reports))
    return reports


def _named(source: Path, error: DoorwardError | OSError) -> ConfigError:
    """Return an error that names the file."""
    if isinstance(error, OSError):
        return ConfigError(f"{source.name}: {error.strerror or 'it cannot be read'}")
    text = str(error)
    return ConfigError(text if text.startswith(source.name) else f"{source.name}: {text}", hint=error.hint)


def _stamp(source: Path) -> tuple[int, int, int]:
    stat = source.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ino


def _check_same(source: Path, before: tuple[int, int, int], account: Path) -> None:
    """Remove the account of a file that changed while it was read.

    Raises:
        ConfigError: It did.
    """
    if _stamp(source) != before:
        account.unlink(missing_ok=True)
        raise ConfigError("it changed while it was read", hint="copy it, and audit the copy")


def _remove_others(rows: Path, count: int) -> None:
    for file in rows.iterdir():
        known = file.suffix in {".parquet", ".json"} and file.stem.isdigit() and int(file.stem) < count
        if not known and re.fullmatch(r"\d{4,}\.(?:parquet|json)(?:\.part\d*)?", file.name):
            file.unlink()


class _Work:
    def __init__(
        self,
        connection: "duckdb.DuckDBPyConnection",
        folder: AuditFolder,
        options: ReadOptions,
        readers: MappingOf[str, Reader],
        *,
        progress: Callable[[Progress], None] | None,
        all_bytes: int,
    ) -> None:
        self.connection, self.folder, self.options, self.readers = connection, folder, options, readers
        self.progress, self.all_bytes = progress, all_bytes
        self.begun, self.done, self.rows = monotonic(), 0, 0
        self.walks: dict[int, int] = {}  # bytes walked over, of each source that is under way

    def settle(self, report: SourceReport, count: int) -> None:
        """Tell that a source is done, and that it had so many bytes."""
        self.walks.pop(report.file, None)
        self.done += count
        self.rows += report.read
        if self.progress:
            seconds = monotonic() - self.begun
            self.progress(Progress(report.file, report.name, self.done, self.all_bytes, self.rows, seconds))

    def walked(self, number: int, name: str, count: int) -> None:
        """Tell of a walk over bytes: half of the work on a file."""
        before = sum(self.walks.values())
        self.walks[number] = self.walks.get(number, 0) + count
        if before >> 26 != (before + count) >> 26 and self.progress:
            seconds, done = monotonic() - self.begun, self.done + (before + count) // 2
            self.progress(Progress(number, name, done, self.all_bytes, self.rows, seconds))

    def read(self, number: int, source: Path) -> Steps[SourceReport]:
        scratch = self.folder.scratch / f"source{number:04d}"
        rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        try:
            before = _stamp(source)
            report = yield from self._read(number, source, scratch)
            _check_same(source, before, self._path(number, "json"))
        except BaseException:
            self.walks.pop(number, None)
            raise
        finally:
            rmtree(scratch, ignore_errors=True)
        return report

    def supply(self, number: int, source: Supplied) -> SourceReport:
        scratch = self.folder.scratch / f"source{number:04d}"
        rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        try:
            table = source.make(scratch)
            digest, size = digest_table(self.connection, table)
            key = self._key(source.form, "")
            report = SourceReport(number, source.name, "", digest, size, source.form, key)
            opener = Opener(self.connection, self.options, self.readers)
            run_alone(self.connection, self._map(report, [opener.part(table)], scratch))
            self._finish(report)
        finally:
            rmtree(scratch, ignore_errors=True)
        self.settle(report, 0)
        return report

    def _path(self, number: int, kind: str) -> Path:
        return self.folder.rows / f"{number:04d}.{kind}"

    def _read(self, number: int, source: Path, scratch: Path) -> Steps[SourceReport]:
        opener = Opener(self.connection, self.options, self.readers)
        owner = self._owner(source)

        def tick(count: int) -> None:
            self.walked(number, source.name, count)

        unchanged = self._unchanged(number, source, opener, owner, tick)
        if unchanged is not None:
            return unchanged
        self.walks.pop(number, None)
        form, looked = opener.look(source, scratch, tick)
        report = SourceReport(
            number, source.name, str(source), looked.sha256, looked.bytes, form, self._key(form, owner),
            owner=owner, encoding=looked.encoding, notes=list(looked.notes),
        )  # fmt: skip
        finished = self._finished(report)
        if finished is not None:
            return finished
        parts = opener.parts(form, source, looked, scratch)
        try:
            yield from self._map(report, parts, scratch)
        except _Disagree:
            head_of = find_head(looked.text, self.options.layout)
            again = read_carefully(self.connection, looked.text, head_of, scratch, self.options.layout)
            yield from self._map(report, [opener.part(table) for table in again], scratch)
        self._finish(report)
        return report

    def _owner(self, source: Path) -> str:
        if self.options.layout is not None and self.options.layout.owner:
            return self.options.layout.owner
        named = self.options.owners.get(source.name)
        if named is not None:
            return named
        found = _OWNER.match(source.name)
        return found["owner"] if found else ""

    def _key(self, form: str, owner: str) -> str:
        told = [load_layouts()[0], form, owner, self.options.timezone, repr(self.options.layout)]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def _unchanged(
        self, number: int, source: Path, opener: Opener, owner: str, tick: Tick
    ) -> SourceReport | None:
        """Return the account of a file of which digest, size and form say that it was read; None if there is doubt.

        A digest is a third of a walk, and all that a second run needs of a file that lies as plain text.
        """
        account = self._path(number, "json")
        if not (self.options.resume and account.exists()):
            return None
        found = parse_report(account.read_text(encoding="utf-8"), str(source))
        if (
            found is None
            or found.encoding not in {"", "utf-8"}
            or (found.bytes, found.key) != (source.stat().st_size, self._key(found.form, owner))
            or not opener.is_form(source, found.form)
        ):
            return None
        digest, size = find_digest(source, tick)
        return self._finished(
            SourceReport(number, source.name, str(source), digest, size, found.form, found.key)
        )

    def _finished(self, report: SourceReport) -> SourceReport | None:
        table, account = self._path(report.file, "parquet"), self._path(report.file, "json")
        if not (self.options.resume and table.exists() and account.exists()):
            return None
        found = parse_report(account.read_text(encoding="utf-8"), report.path)
        if found is None or (found.sha256, found.key, found.parquet_bytes) != (
            report.sha256, report.key, table.stat().st_size,
        ):  # fmt: skip
            return None
        found.name = report.name
        return found

    def _map(self, report: SourceReport, parts: Sequence[Part], scratch: Path) -> Steps[None]:
        if not parts:
            raise ConfigError("there is no table in it", hint=DETECT_HINT)
        written = []
        fresh = replace(report, notes=list(report.notes))
        for number, part in enumerate(parts):
            written.append(
                scratch / f"rows{number}.parquet" if len(parts) > 1 else self._temporary(report.file)
            )
            yield from self._map_part(fresh, part, written[-1])
        if len(parts) > 1:
            listed = ", ".join(f"'{quote_path(path)}'" for path in written)
            joined = f"SELECT * FROM read_parquet([{listed}])"  # noqa: S608  # as above
            yield f"COPY ({joined}) TO '{quote_path(self._temporary(report.file))}' {_COPY}"
        for name in vars(fresh):
            setattr(report, name, getattr(fresh, name))

    def _temporary(self, number: int) -> Path:
        return self.folder.rows / f"{number:04d}.parquet.part"

    def _map_part(self, report: SourceReport, part: Part, target: Path) -> Steps[None]:
        import duckdb

        raw = part.raw
        bound = find_mapping(
            raw.header, part.samples, report.name if not raw.sheet else f"{report.name}, {raw.sheet}",
            own=self.options.layout, only=raw.layout, timezone=self.options.timezone,
        )  # fmt: skip
        query = sql.write_accesses(bound, raw.header, part.table, report.file, part.row)
        try:
            read = yield f"COPY ({query}) TO '{quote_path(target)}' {_COPY}"
        except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
            if part.records < 0:
                raise ConfigError("it cannot be read as a table of texts") from error
            raise _Disagree from error
        records = part.records
        if records < 0:
            counted = self.connection.execute(f"SELECT count(*) FROM {part.table} AS texts").fetchone()  # noqa: S608  # as above
            records = int(counted[0]) if counted else 0
        if read != records:
            self._faults(report, bound, part, records - read)
        report.read += read
        report.blank += raw.blank
        report.repeated_headers += raw.repeated_headers
        report.reject(raw.rejected_by, list(raw.rejects))
        report.pass_over(raw.other_by)
        if read:
            _describe(report, raw, bound)
            self._measure(report, bound, target)
        elif not report.layout:
            _describe(report, raw, bound)

    def _faults(self, report: SourceReport, bound: Mapping, part: Part, expected: int) -> None:
        """Count the rows that the mapping left out; where two readers see different files, the careful one is asked."""
        import duckdb

        query = sql.write_faults(bound, part.raw.header, part.table, part.row)
        try:
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE faults AS {query}")
        except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
            raise _Disagree from error
        counts = dict(self.connection.execute("SELECT fault, count(*) FROM faults GROUP BY fault").fetchall())
        stacked = part.records >= 0 and sql.SHIFTED in counts and self._is_stacked(bound, part)
        if sum(counts.values()) != expected or stacked:
            raise _Disagree
        listed = self.connection.execute(
            f"SELECT sheet, row FROM faults WHERE fault = '{sql.SHIFTED}' ORDER BY sheet, row LIMIT {MAX_LISTED}"  # noqa: S608  # as above
        ).fetchall()
        report.blank += counts.get(sql.BLANK, 0)
        report.repeated_headers += counts.get(sql.HEADER, 0)
        if sql.SHIFTED in counts:
            rejects = [Reject(sheet, row, sql.SHIFTED_SAYS) for sheet, row in listed]
            report.reject({sql.SHIFTED_SAYS: counts[sql.SHIFTED]}, rejects)
        self.connection.execute("DROP TABLE faults")

    def _is_stacked(self, bound: Mapping, part: Part) -> bool:
        """Return whether a shifted row is the header of another export, which the careful reader takes apart."""
        query = sql.write_shifted(bound, part.raw.header, part.table, MAX_SHIFTED)
        labels = labels_of(self.options.layout)
        rows = self.connection.execute(query).fetchall()
        return len(rows) == MAX_SHIFTED or any(
            is_header([text or "" for text in row], labels) for row in rows
        )

    def _measure(self, report: SourceReport, bound: Mapping, table: Path) -> None:
        """Add states, period and constant columns, from what was written."""
        source = f"read_parquet('{quote_path(table)}')"
        fed = [cell for cell in CELLS if cell.name in report.used or cell.name in bound.layout.constants]
        names = ", ".join(cell.state for cell in fed)
        rows = self.connection.execute(
            f'SELECT count(*), min("at"), max("at"), {names} FROM {source} GROUP BY {names}'  # noqa: S608  # as above
        ).fetchall()
        total = sum(row[0] for row in rows)
        for cell in CELLS:
            counts = report.states.setdefault(cell.name, {})
            if cell not in fed:
                counts[State.NOT_EXPORTED] = counts.get(State.NOT_EXPORTED, 0) + total
        for count, _first, _last, *states in rows:
            for cell, state in zip(fed, states, strict=True):
                counts = report.states[cell.name]
                counts[state] = counts.get(state, 0) + count
        begins = [str(row[1]) for row in rows if row[1]] + ([report.period[0]] if report.period else [])
        ends = [str(row[2]) for row in rows if row[2]] + ([report.period[1]] if report.period else [])
        report.period = (min(begins), max(ends)) if begins else None
        # A cell that is open in a row is not the same in every row.
        known = [number for number, cell in enumerate(fed) if cell.name in _MAY_BE_CONSTANT]
        filled = [fed[at].name for at in known if all(row[3 + at] == State.VALUE for row in rows)]
        if total >= MIN_CONSTANT:
            report.constant = sorted({*report.constant, *self._find_constant(filled, source)})

    def _find_constant(self, names: Sequence[str], source: str) -> Sequence[str]:
        """Return which columns have one value; none of their cells is open."""
        for rows in (f"(SELECT * FROM {source} LIMIT {FIRST_ROWS})", source):  # noqa: S608  # names of our own
            if names:
                tests = ", ".join(f"min({name}) = max({name})" for name in names)
                same = self.connection.execute(f"SELECT {tests} FROM {rows}").fetchone() or ()  # noqa: S608  # as above
                names = [name for name, yes in zip(names, same, strict=True) if yes]
        return names

    def _finish(self, report: SourceReport) -> None:
        part, table = self._temporary(report.file), self._path(report.file, "parquet")
        account = self._path(report.file, "json")
        account.unlink(missing_ok=True)
        report.parquet_bytes = part.stat().st_size
        part.replace(table)
        between = account.with_name(account.name + ".part")
        between.write_text(format_report(report), encoding="utf-8")
        between.replace(account)


_MAY_BE_CONSTANT: Final = frozenset(
    {"reason", "case_no", "offense", "filters", "prompt", "plate", "moderation"}
)


class _Disagree(Exception):  # noqa: N818  # no error: the careful reader is asked
    """The fast reader refused a file, or saw another number of records than the walk over its bytes."""


def _describe(report: SourceReport, raw: RawTable, bound: Mapping) -> None:
    layout = bound.layout
    names = [name for name in report.layout.split(", ") if name]
    if layout.name not in names:
        names.append(layout.name)
    report.layout = ", ".join(names)
    report.log, report.account_kind = layout.log, layout.account_kind
    times = [column.use.timezone for column in bound.columns if column.use.cell == "at"]
    report.timezone = times[0] if times else ""
    if raw.sheet not in report.sheets:
        report.sheets.append(raw.sheet)
    for column in bound.columns:
        report.used.setdefault(column.use.cell, column.name)
        if column.use.parser == "time-frame":
            report.used.setdefault("until", column.name)
    report.unused = [*report.unused, *(name for name in bound.unused if name not in report.unused)]
    report.notes = [*report.notes, *(note for note in (*raw.notes, *bound.notes) if note not in report.notes)]
