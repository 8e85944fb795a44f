"""Loads real rows of Chicago's police into the sample database: use-of-force reports and complaints.

    python examples/chicago-trr/load.py --source ../shared/data/chicago-police

Reads three files that the City of Chicago released, types every column, and puts them into schema `trr` of database
`clear` on the running embedded server, all in one transaction. A row that does not fit its table is named by file,
line and column, never by its value, and is not loaded; then the exit status is 1. A second run finds the digest of
each file at its table and does nothing.

Whether a subject was a juvenile is not in the files. It follows from the year of birth and the report's date, and
where these leave it open (no year, or the eighteenth birthday in the year of the report) it is NULL: unknown.
"""

import argparse
import csv
import gzip
import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from doorward.embedded.launcher import running_dsn
from doorward.errors import ClusterError, ConfigError, DoorwardError

CHECKOUT = Path(__file__).resolve().parent.parent.parent
DEFAULT_SOURCE = CHECKOUT.parent / "shared" / "data" / "chicago-police"
DEFAULT_DATA = Path(".doorward")
SCHEMA = "trr"
OWNER = "clear_owner"
READERS = ("records_app", "analyst_ro")
REJECTS_SHOWN = 20
FLAGS = {"Y": True, "N": False, "YES": True, "NO": False}

Cell = str | int | bool | date | time | None
Read = Callable[[str], Cell]
Connection = psycopg.Connection[Any]


def text(given: str) -> str:
    """Return the cell as it is."""
    return given


def code(given: str) -> str:
    """Return a number that is a name, as a beat: without the `.0` that a spreadsheet gave it."""
    return given.removesuffix(".0")


def whole(given: str) -> int:
    """Return a whole number, which a spreadsheet may have given a `.0`."""
    return int(given.removesuffix(".0"))


def flag(given: str) -> bool:
    """Return yes or no, in either of the files' spellings."""
    return FLAGS[given.upper()]


def day(given: str) -> date:
    """Return a date, written year-month-day."""
    return date.fromisoformat(given)


def clock(given: str) -> time:
    """Return a time of day."""
    return time.fromisoformat(given)


SQL_TYPES: Mapping[Read, str] = {
    text: "text",
    code: "text",
    whole: "bigint",
    flag: "boolean",
    day: "date",
    clock: "time",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name in the file, and how a cell that is not empty is read."""

    header: str
    read: Read = text
    required: bool = False

    @property
    def name(self) -> str:
        """The column's name in the table."""
        return self.header.lower()


@dataclass(frozen=True, slots=True)
class Source:
    """One file and its table; the first column is the key."""

    table: str
    pattern: str
    columns: tuple[Column, ...]
    derived: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Loaded:
    """What became of one file."""

    table: str
    read: int = 0
    loaded: int = 0
    unchanged: bool = False
    rejects: list[str] = field(default_factory=list)


REPORTS = Source(
    "trr_reports",
    "TRR-main_*.csv.gz",
    (
        Column("row_id", whole, required=True),
        Column("trr_id", required=True),
        Column("trr_status", required=True),
        Column("trr_date", day, required=True),
        Column("rd_no", required=True),
        Column("event_no", whole),
        Column("indoor_or_outdoor"),
        Column("lighting_condition"),
        Column("weather_condition"),
        Column("notify_district_sergeant", flag),
        Column("notify_OP_command", flag),
        Column("notify_OEMC", flag),
        Column("beat", code),
        Column("location"),
        Column("direction"),
        Column("street"),
        Column("block", required=True),
    ),
)
SUBJECTS = Source(
    "trr_subjects",
    "TRR-subjects_*.csv.gz",
    (
        Column("row_id", whole, required=True),
        Column("trr_id", required=True),
        Column("subject_cb_no", required=True),
        Column("gender"),
        Column("race"),
        Column("birth_year", whole),
        Column("height", whole),
        Column("weight", whole),
        Column("zip_code"),
        Column("condition_new_trr"),
        Column("injured", flag, required=True),
        Column("alleged_injury", flag, required=True),
        Column("med_treatment_new_trr"),
        Column("inj_mem_uoff_new_trr"),
        Column("hospitalized", flag, required=True),
        Column("armed", flag),
        Column("armed_with"),
        Column("weapon_use"),
        Column("drug_related", flag),
        Column("gang_related", flag),
        Column("veh_used_weapon", required=True),
        Column("weapcontribute_subinjry", flag),
        Column("weapon_dischrg_selfinjur_sub_i", flag),
    ),
    derived=(("juvenile", "boolean"),),
)
COMPLAINTS = Source(
    "complaints",
    "complaints-*.csv.gz",
    (
        Column("cr_id", required=True),
        Column("address"),
        Column("case_type", required=True),
        Column("incident_date", day),
        Column("incident_time", clock),
        Column("complaint_date", day, required=True),
        Column("closed_date", day, required=True),
        Column("days_to_closure", whole),
        Column("beat", code),
        Column("location_code"),
        Column("investigating_agency", required=True),
        Column("complainant_type", required=True),
    ),
)


def load_all(dsn: str, source: Path) -> list[Loaded]:
    """Load the three files into schema `trr` and return what became of each.

    Args:
        dsn: A superuser's conninfo for database `clear`.
        source: The folder of the files.

    Raises:
        ConfigError: A file is absent, is no gzip, or has other columns.
        ClusterError: The server refused a step; nothing was loaded.
    """
    try:
        with psycopg.connect(dsn) as connection:
            _make_schema(connection)
            reports, dated = _load_file(connection, source, REPORTS, lambda _: ())
            subjects, _ = _load_file(connection, source, SUBJECTS, lambda row: (_juvenile(row, dated),))
            complaints, _ = _load_file(connection, source, COMPLAINTS, lambda _: ())
    except psycopg.Error as error:
        raise ClusterError(
            f"the rows could not be loaded: PostgreSQL said {error.sqlstate or 'nothing'}"
        ) from error
    return [reports, subjects, complaints]


def _juvenile(row: Mapping[str, Cell], dated: Mapping[Cell, Cell]) -> bool | None:
    born, reported = row["birth_year"], dated.get(row["row_id"])
    if not isinstance(born, int) or not isinstance(reported, date):
        return None
    years = reported.year - born
    return None if years == 18 else years < 18


def _make_schema(connection: Connection) -> None:
    connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(OWNER)))
    schema, readers = sql.Identifier(SCHEMA), sql.SQL(", ").join(map(sql.Identifier, READERS))
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, readers))
    for source in (REPORTS, SUBJECTS, COMPLAINTS):
        columns = [
            sql.SQL("{} {}{}").format(
                sql.Identifier(column.name),
                sql.SQL(SQL_TYPES[column.read]),
                sql.SQL(" PRIMARY KEY" if number == 0 else " NOT NULL" if column.required else ""),
            )
            for number, column in enumerate(source.columns)
        ]
        columns += [
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in source.derived
        ]
        connection.execute(
            sql.SQL("CREATE TABLE IF NOT EXISTS {} ({})").format(_table(source), sql.SQL(", ").join(columns))
        )
        connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(_table(source), readers))


def _load_file(
    connection: Connection,
    folder: Path,
    source: Source,
    derive: Callable[[Mapping[str, Cell]], tuple[Cell, ...]],
) -> tuple[Loaded, dict[Cell, Cell]]:
    path = _find(folder, source.pattern)
    result = Loaded(source.table)
    rows = []
    dated: dict[Cell, Cell] = {}
    for row in _read_rows(path, source, result):
        rows.append((*row.values(), *derive(row)))
        dated[row[source.columns[0].name]] = row.get("trr_date")
    result.loaded = len(rows)
    digest = f"sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}"
    if _state(connection, source) == (digest, len(rows)):
        result.unchanged = True
        return result, dated
    connection.execute(sql.SQL("TRUNCATE {}").format(_table(source)))
    names = [column.name for column in source.columns] + [name for name, _ in source.derived]
    listed = sql.SQL(", ").join(map(sql.Identifier, names))
    with connection.cursor().copy(sql.SQL("COPY {} ({}) FROM STDIN").format(_table(source), listed)) as copy:
        for values in rows:
            copy.write_row(values)
    connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(_table(source), sql.Literal(digest)))
    if _state(connection, source) != (digest, len(rows)):
        raise ClusterError(
            f"table `{SCHEMA}.{source.table}` does not have the {len(rows)} rows that were sent"
        )
    connection.execute(sql.SQL("ANALYZE {}").format(_table(source)))
    return result, dated


def _read_rows(path: Path, source: Source, result: Loaded) -> Iterator[dict[str, Cell]]:
    """Yield the rows that fit; count all of them and name the others in ``result``."""
    seen: set[Cell] = set()
    headers = [column.header for column in source.columns]
    with _named_faults(path), gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        reader = csv.reader(file, strict=True)
        if next(reader, None) != headers:
            raise ConfigError(f"`{path.name}` does not begin with the columns of `{SCHEMA}.{source.table}`")
        for cells in reader:
            result.read += 1
            row, fault = _read_row(cells, source)
            key = row.get(source.columns[0].name)
            if not fault and key in seen:
                fault = f"`{source.columns[0].name}` stood in an earlier row"
            if fault:
                result.rejects.append(f"{path.name}:{reader.line_num}: {fault}")
                continue
            seen.add(key)
            yield row


def _read_row(cells: list[str], source: Source) -> tuple[dict[str, Cell], str]:
    """Return the typed row and no fault, or what of it fits and the first fault."""
    row: dict[str, Cell] = {}
    if len(cells) != len(source.columns):
        return row, f"expected {len(source.columns)} cells, got {len(cells)}"
    for column, cell in zip(source.columns, cells, strict=True):
        given = cell.strip()
        if not given and column.required:
            return row, f"`{column.name}` is empty"
        try:
            row[column.name] = column.read(given) if given else None
        except (ValueError, KeyError):
            return row, f"`{column.name}` is no {SQL_TYPES[column.read]}"
    return row, ""


@contextmanager
def _named_faults(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"`{path.name}` could not be read as gzipped CSV") from error


def _find(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise ConfigError(
            f"expected one file `{pattern}` in `{folder}`, found {len(found)}", hint="give --source"
        )
    return found[0]


def _state(connection: Connection, source: Source) -> tuple[str, int]:
    row = connection.execute(
        sql.SQL("SELECT coalesce(obj_description({}::regclass), ''), (SELECT count(*) FROM {})").format(
            sql.Literal(f"{SCHEMA}.{source.table}"), _table(source)
        )
    ).fetchone()
    return (row[0], row[1]) if row else ("", 0)


def _table(source: Source) -> sql.Composable:
    return sql.Identifier(SCHEMA, source.table)


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; return 0 when every row was loaded, 1 when some did not fit, 3 on a failure."""
    parser = argparse.ArgumentParser(description="Load real Chicago police rows into the sample database.")
    parser.add_argument(
        "--source", type=Path, default=DEFAULT_SOURCE, help="folder of the three .csv.gz files"
    )
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="doorward's data folder")
    options = parser.parse_args(arguments)
    try:
        dsn = running_dsn(options.data.absolute() / "city", user="postgres", dbname="clear")
        results = load_all(dsn, options.source)
    except DoorwardError as error:
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 3
    for result in results:
        state = "unchanged" if result.unchanged else "loaded"
        print(
            f"{SCHEMA}.{result.table}: {result.read} read, {result.loaded} {state}, {len(result.rejects)} rejected"
        )
        for reject in result.rejects[:REJECTS_SHOWN]:
            print(f"  {reject}")
        if len(result.rejects) > REJECTS_SHOWN:
            print(f"  and {len(result.rejects) - REJECTS_SHOWN} more")
    return 1 if any(result.rejects for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
