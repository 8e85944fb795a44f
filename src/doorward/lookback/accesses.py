"""From rows to accesses: what counts, once each, as the orders are asked about it. One table a source, streamed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from doorward.lookback.agencies.declarations import Declarations
from doorward.lookback.agencies.listed import name_key
from doorward.lookback.agencies.names import parse_agency_name
from doorward.lookback.agencies.searchers import Searcher, declared_intervals
from doorward.lookback.cells import State
from doorward.lookback.folder import AuditFolder
from doorward.lookback.queries import fill_query, quote_text
from doorward.lookback.reading.duplicates import duplicates_path

if TYPE_CHECKING:
    import duckdb

LAST_DAY: Final = date(9999, 12, 31)  # of a declaration without an end
_CELLS: Final = tuple(
    name for cell in ("reason", "offense", "filters", "prompt") for name in (cell, f"{cell}_state")
)
KEY: Final = f"hash({', '.join(f'{{0}}.{name}' for name in _CELLS)})"
_SAME: Final = (
    "(NOT EXISTS (SELECT 1 FROM shared_keys x WHERE x.key = k.key) OR EXISTS (SELECT 1 FROM shared_keys x "  # noqa: S608  # names of our own
    "WHERE x.key = k.key AND x.phrase = k.phrase AND "
    + " AND ".join(f"x.{name} IS NOT DISTINCT FROM r.{name}" for name in _CELLS)
    + "))"
)


@dataclass(frozen=True, slots=True)
class Declared:
    """What the register of declarations says of the searchers of an audit.

    Args:
        intervals: Searcher, first day, the day after the last or None. Without a searcher nobody can tell whose it is.
        known: Searchers of which the register tells; whether another had declared is open.
    """

    intervals: Sequence[tuple[int | None, date, date | None]]
    known: frozenset[int]


def find_declared(searchers: Sequence[Searcher], declarations: Declarations) -> Declared:
    """Return what a register says of searchers, as `declarations.declared_on` does: by their ORIs and names."""
    names = {
        number: parse_agency_name(one.searcher)
        for number, one in enumerate(searchers)
        if one.searcher is not None and one.searcher_state == State.VALUE
    }
    known = frozenset(number for number, name in names.items() if searchers[number].ori or name_key(name))
    own: list[tuple[int | None, date, date | None]] = [
        (number, since, until) for number, since, until, *_ in declared_intervals(searchers, declarations)
    ]
    nobodys = [
        (None, one.since, None if one.until in {None, date.max} else one.until + timedelta(days=1))
        for one in declarations.unmatched
    ]
    return Declared([*own, *nobodys], known)


def prepare_accesses(
    connection: "duckdb.DuckDBPyConnection",
    folder: AuditFolder,
    searchers: Sequence[tuple[int, str | None, str, int]],
    declared: Declared | None,
) -> None:
    """Make the small tables that `accesses.sql` joins: the numbers of phrases and searchers, declarations, duplicates.

    Args:
        searchers: Source, searcher and state as they stand there, and the number of the searcher that counts.
        declared: None where no register of declarations was given: whether one was on file is then open.

    """
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE phrase_keys AS SELECT {KEY.format('p')} AS key, p.phrase, "  # noqa: S608  # names of our own
        f"p.case_in_reason IS NOT NULL AS case_in_reason FROM read_parquet({quote_text(folder.phrases)}) p"
    )
    # A number for each wording makes the join cheap. Where two have one number, they are compared cell by cell.
    key = KEY.format("p")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE shared_keys AS SELECT {key} AS key, p.phrase, {', '.join(_CELLS)} "  # noqa: S608  # as above
        f"FROM read_parquet({quote_text(folder.phrases)}) p WHERE {key} IN "
        "(SELECT key FROM phrase_keys GROUP BY key HAVING count(*) > 1)"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE stood "
        "(file INTEGER, searcher VARCHAR, searcher_state VARCHAR, searcher_no INTEGER)"
    )
    if searchers:
        columns = [list(column) for column in zip(*searchers, strict=True)]
        connection.execute(
            "INSERT INTO stood SELECT unnest(?), unnest(?::VARCHAR[]), unnest(?), unnest(?)", columns
        )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE declared (searcher_no INTEGER, since TIMESTAMP, until TIMESTAMP)"
    )
    for interval in _joined(declared.intervals) if declared is not None else ():
        connection.execute("INSERT INTO declared VALUES (?, ?, ?)", interval)
    connection.execute("CREATE OR REPLACE TEMP TABLE known_to_declare (searcher_no INTEGER)")
    if declared is not None:
        connection.execute(
            "INSERT INTO known_to_declare SELECT unnest(?::INTEGER[])", [sorted(declared.known)]
        )
    intervals = (
        "(SELECT list({{'since': d.since, 'until': d.until}}) FROM declared d WHERE d.searcher_no {0})"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE searcher_keys AS SELECT t.file, t.searcher, t.searcher_state, t.searcher_no, "  # noqa: S608  # as above
        "s.participating, CAST(s.participating_since AS TIMESTAMP) AS participating_since, "
        "CAST(s.participating_as_of AS TIMESTAMP) AS participating_as_of, "
        "t.searcher_no IN (SELECT k.searcher_no FROM known_to_declare k) AS known_to_declare, "
        f"{intervals.format('= t.searcher_no')} AS declared, {intervals.format('IS NULL')} AS perhaps_declared "
        f"FROM stood t JOIN read_parquet({quote_text(folder.searchers)}) s ON s.searcher_no = t.searcher_no"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE dropped AS SELECT file, sheet, row, kind "  # noqa: S608  # as above
        f"FROM read_parquet({quote_text(duplicates_path(folder))})"
    )


def _joined(
    intervals: Sequence[tuple[int | None, date, date | None]],
) -> Iterator[tuple[int | None, date, date]]:
    """Yield the same days in as few intervals as they take: each access is compared with every one."""
    by_searcher: dict[int | None, list[tuple[date, date]]] = {}
    for number, since, until in intervals:
        by_searcher.setdefault(number, []).append((since, until or LAST_DAY))
    for number, held in by_searcher.items():
        begin = end = date.min
        for since, until in sorted(held):
            if since > end and begin < end:
                yield number, begin, end
            begin, end = (since, until) if since > end else (begin, max(end, until))
        if begin < end:
            yield number, begin, end


def write_accesses(connection: "duckdb.DuckDBPyConnection", rows: Path, target: Path) -> None:
    """Write the accesses of one source; `prepare_accesses` and the table `dropped` come first.

    Args:
        rows: `data/rows/NNNN.parquet` of the source.
        target: What is written; it is there whole or not at all.
    """
    (shared,) = connection.execute("SELECT count(*) FROM shared_keys").fetchone() or (0,)
    same = _SAME if shared else "true"
    query = fill_query("accesses", rows=quote_text(rows), key=KEY.format("r"), same=same)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    # Ids, plates and times hardly repeat: a dictionary costs a quarter of the writing and saves a tenth of the file.
    connection.execute(
        f"COPY ({query}) TO {quote_text(part)} "
        "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, DICTIONARY_SIZE_LIMIT 1000)"
    )
    part.replace(target)
