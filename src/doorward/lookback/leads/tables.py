"""The tables that the leads are found in, made from those of an audit; and what of them is looked at, counted.

Everything that the leads need of an audit is named in `NEEDS`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, Final

from doorward.errors import ConfigError
from doorward.lookback.folder import AuditFolder
from doorward.lookback.leads.kinds import LeadNumbers
from doorward.lookback.leads.zones import find_zone, split_states, whole_zones
from doorward.lookback.queries import read_sql

if TYPE_CHECKING:
    import duckdb

NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "accesses": (
        "file", "sheet", "row", "at", "phrase", "searcher_no", "case_state", "account", "account_state", "plate",
        "plate_state", "kind", "elsewhere",
    ),
    "phrases": ("phrase", "tier", "said", "case_in_reason"),
    "searchers": (
        "searcher_no", "searcher", "searcher_state", "ori", "name", "state", "level", "flags", "participating",
        "participating_since",
    ),
}  # fmt: skip
ID: Final = "id"  # accounts are ids; anything else is a display name


@dataclass(frozen=True, slots=True)
class Source:
    """One file of an audit, as its manifest has it.

    Args:
        file: Its number.
        owner: Whose data was searched.
        account_kind: `id` where its layout has ids of accounts; otherwise no account of it is looked at.
    """

    file: int
    owner: str
    account_kind: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment at which something changed: the columns of an export, a list of reasons, a policy.

    Args:
        at: UTC, naive or aware.
        says: What changed.
        owner: In whose exports; empty is everybody's.
    """

    at: datetime
    says: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class LeadInputs:
    """What the leads need beside the tables.

    Args:
        counties: County by ORI, as the list of agencies has it: tells the zone of a state of two.
        zones: Zone by ORI or by state (two letters), as whoever audits says it; goes before the others by ORI, and
            before the state's by state.
    """

    sources: Sequence[Source]
    marks: Sequence[Mark] = ()
    counties: Mapping[str, str] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)


def fill_sql(name: str, **values: float | str) -> str:
    """Return a statement of `sql/` with its numbers and the names of its tables.

    Args:
        name: Of the file, without `.sql`.
        values: Numbers, and names of our own tables: never a text of anybody.
    """
    for value in values.values():
        if isinstance(value, str) and not value.isidentifier():
            raise ValueError(f"`{value[:40]}` is no name of a table")
    text = read_sql(name)
    return Template(text).substitute({key: str(value) for key, value in values.items()})


def quote_path(path: Path) -> str:
    """Return a path as a text of SQL that names this one file, whatever stands in it."""
    escaped = "".join(f"[{sign}]" if sign in "[*?" else sign for sign in str(path))
    return "'" + escaped.replace("'", "''") + "'"


def make_table(
    connection: "duckdb.DuckDBPyConnection",
    name: str,
    columns: Sequence[tuple[str, str]],
    rows: Iterable[Sequence[Any]],
) -> None:
    """Make a small table of values; the names and types are our own."""
    made = ", ".join(f"{column} {kind}" for column, kind in columns)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({made})")
    turned = list(zip(*rows, strict=True))
    if turned:
        lists = ", ".join(f"unnest(?::{kind}[])" for _, kind in columns)
        connection.execute(
            f"INSERT INTO {name} SELECT {lists}", [list(column) for column in turned]
        )  # as above


def make_tables(
    connection: "duckdb.DuckDBPyConnection", folder: AuditFolder, inputs: LeadInputs, numbers: LeadNumbers
) -> None:
    """Make `units` and `searches`, and the views behind them.

    Raises:
        ConfigError: The audit has not read its accesses, or a zone is none.
    """
    _check_zones(connection, inputs.zones)
    _make_small(connection, inputs)
    accesses = sorted(folder.accesses.glob("*.parquet"))
    if not accesses:
        raise ConfigError(
            f"no accesses in `{folder.root}`", hint="doorward audit reads them before it looks for leads"
        )
    for view, paths in (
        ("accesses", accesses),
        ("phrases", [folder.phrases]),
        ("searchers", [folder.searchers]),
    ):
        wanted = ", ".join(f'"{column}"' for column in NEEDS[view])
        named = ", ".join(map(quote_path, paths))
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT {wanted} FROM read_parquet([{named}], union_by_name = true)"  # noqa: S608  # names of our own, quoted paths
        )
    for table in ("lead_searchers", "units"):
        name = {"units": "lead_units"}.get(table, table)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {fill_sql(name)}")
    connection.execute(f"CREATE OR REPLACE TEMP VIEW lead_read AS {fill_sql('lead_read')}")
    kept = folder.scratch / "lead-searches.parquet"
    folder.scratch.mkdir(parents=True, exist_ok=True)
    ((lookups,),) = connection.execute(fill_sql("lead_lookups")).fetchall()
    statement = fill_sql("lead_searches" if lookups else "lead_searches_alone", repeat_us=numbers.repeat_us)
    escaped = str(kept).replace("'", "''")
    connection.execute(
        f"COPY ({statement}) TO '{escaped}' (FORMAT parquet, COMPRESSION snappy, DICTIONARY_SIZE_LIMIT 1000)"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW all_searches AS SELECT * FROM read_parquet({quote_path(kept)})"  # noqa: S608  # as above
    )
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW searches AS SELECT * EXCLUDE (repeat) FROM all_searches WHERE repeat = 0"
    )


def _make_small(connection: "duckdb.DuckDBPyConnection", inputs: LeadInputs) -> None:
    owners = sorted({source.owner for source in inputs.sources})
    numbered = {owner: number for number, owner in enumerate(owners, start=1)}
    make_table(
        connection,
        "sources",
        (("file", "INTEGER"), ("owner", "VARCHAR"), ("owner_no", "INTEGER"), ("account_kind", "VARCHAR")),
        ((one.file, one.owner, numbered[one.owner], one.account_kind) for one in inputs.sources),
    )
    make_table(
        connection,
        "marks",
        (("mark", "INTEGER"), ("at_us", "BIGINT"), ("owner_no", "INTEGER")),
        # A mark of an owner whose data is not here is about nobody.
        (
            (number, _microseconds(mark.at), numbered.get(mark.owner, -1) if mark.owner else 0)
            for number, mark in enumerate(inputs.marks)
        ),
    )
    make_table(connection, "zone_options", (("name", "VARCHAR"), ("zone", "VARCHAR")), inputs.zones.items())
    make_table(connection, "counties", (("ori", "VARCHAR"), ("county", "VARCHAR")), inputs.counties.items())
    whole = [(state, "", zone) for state, zone in whole_zones()]
    split = [
        (state, county, zone)
        for state in split_states()
        for county in sorted(set(inputs.counties.values()))
        if (zone := find_zone(state, county)) is not None
    ]
    make_table(
        connection,
        "zones",
        (("state", "VARCHAR"), ("county", "VARCHAR"), ("zone", "VARCHAR")),
        [*whole, *split],
    )


def _check_zones(connection: "duckdb.DuckDBPyConnection", zones: Mapping[str, str]) -> None:
    known = {name for (name,) in connection.execute("SELECT name FROM pg_timezone_names()").fetchall()}
    wrong = sorted(f"{key}={zone}" for key, zone in zones.items() if zone not in known)
    if wrong:
        raise ConfigError(
            f"`{wrong[0][:60]}` names no time zone", hint="write IN=America/Chicago, or an ORI and its zone"
        )


def _microseconds(moment: datetime) -> int:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Looked:
    """How many accesses have what a kind of lead needs, by name; see `COUNTS`."""

    counts: Mapping[str, int]

    def __getitem__(self, name: str) -> int:
        return self.counts[name]


READ_COUNTS: Final = {
    "accesses": "COUNT(*)",
    "no_time": "COUNT(*) FILTER (WHERE at_us IS NULL)",
    "no_unit": "COUNT(*) FILTER (WHERE at_us IS NOT NULL AND unit_no IS NULL)",
    "test": "COUNT(*) FILTER (WHERE at_us IS NOT NULL AND test = 1)",
}
SEARCH_COUNTS: Final = {
    "searches": "COUNT(*) FILTER (WHERE repeat = 0)",
    "repeats": "COUNT(*) FILTER (WHERE repeat = 1)",
    "account": "COUNT(account) FILTER (WHERE repeat = 0)",
    "display_name": "COUNT(*) FILTER (WHERE repeat = 0 AND display_name = 1)",
    "no_account": "COUNT(*) FILTER (WHERE repeat = 0 AND account IS NULL AND display_name = 0)",
    "plate": "COUNT(plate) FILTER (WHERE repeat = 0)",
    "no_plate": "COUNT(*) FILTER (WHERE repeat = 0 AND plate IS NULL)",
    "reason": "COUNT(vague) FILTER (WHERE repeat = 0)",
    "blank_reason": "COUNT(*) FILTER (WHERE repeat = 0 AND blank = 1)",
    "no_reason": "COUNT(*) FILTER (WHERE repeat = 0 AND vague IS NULL AND blank = 0)",
    "zone": "COUNT(night) FILTER (WHERE repeat = 0)",
    "no_zone": "COUNT(*) FILTER (WHERE repeat = 0 AND night IS NULL)",
    "trackable": "COUNT(*) FILTER (WHERE repeat = 0 AND account IS NOT NULL AND plate IS NOT NULL AND caseless = 1)",
    "with_case": "COUNT(*) FILTER (WHERE repeat = 0 AND account IS NOT NULL AND plate IS NOT NULL AND caseless = 0)",
    "no_case": "COUNT(*) FILTER (WHERE repeat = 0 AND account IS NOT NULL AND plate IS NOT NULL AND caseless IS NULL)",
    "local": "COUNT(*) FILTER (WHERE repeat = 0 AND federal = 0)",
    "federal": "COUNT(*) FILTER (WHERE repeat = 0 AND federal = 1)",
    "units": "COUNT(DISTINCT unit_no)",
}


def count_looked(connection: "duckdb.DuckDBPyConnection") -> Looked:
    """Return how many accesses there are, and how many have what each kind of lead needs."""
    found: dict[str, int] = {}
    for table, counts in (("lead_read", READ_COUNTS), ("all_searches", SEARCH_COUNTS)):
        row = connection.execute(f"SELECT {', '.join(counts.values())} FROM {table}").fetchone()  # noqa: S608  # our own
        assert row is not None
        found |= dict(zip(counts, row, strict=True))
    return Looked(found)
