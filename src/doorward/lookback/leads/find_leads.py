"""Leads: what is no finding and may be worth a look, by unit, each with the number that chance alone would give.

Every rule is a statement of `sql/`; what chance gives is computed beside it, by a formula or by running the same
statement over searches whose times were drawn again. What is written names units and rows, never an account or a plate.
"""

import csv
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from doorward.lookback.folder import AuditFolder
from doorward.lookback.leads.chance import Rated, draw_months, tail_of_t
from doorward.lookback.leads.kinds import (
    BURST,
    DRIFT,
    FOLLOW,
    KINDS,
    NIGHT,
    PARTICIPATING,
    REPEATED,
    SHARED,
    UNIT_BURST,
    VAGUE,
    Kind,
    LeadNumbers,
)
from doorward.lookback.leads.says import Found, Lead, round_expected, say_kind, say_lead
from doorward.lookback.leads.tables import (
    LeadInputs,
    Looked,
    count_looked,
    fill_sql,
    make_table,
    make_tables,
    quote_path,
)

if TYPE_CHECKING:
    import duckdb

SUMMARY: Final = "leads.json"
ROWS: Final = "data/lead_rows.parquet"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MIN_DRAWS: Final = 2
MAX_DRAWN_MONTHS: Final = 400_000
_HITS: Final = (
    ("kind_no", "INTEGER"), ("unit_no", "INTEGER"), ("part", "INTEGER"), ("item", "UBIGINT"), ("file", "INTEGER"),
    ("sheet", "VARCHAR"), ("line", "BIGINT"), ("at_us", "BIGINT"),
)  # fmt: skip
_LEADS: Final = (
    ("lead", "BIGINT"), ("kind", "VARCHAR"), ("unit", "VARCHAR"), ("owner", "VARCHAR"), ("first", "TIMESTAMP"),
    ("last", "TIMESTAMP"), ("n", "BIGINT"), ("expected", "DOUBLE"), ("says", "VARCHAR"), ("rows", "VARCHAR"),
    ("rows_n", "BIGINT"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LeadsReport:
    """What was found: the leads in their order, and the summary that `leads.json` has."""

    leads: tuple[Lead, ...]
    summary: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Search:
    """One look for leads, while it goes on."""

    connection: "duckdb.DuckDBPyConnection"
    folder: AuditFolder
    inputs: LeadInputs
    numbers: LeadNumbers

    def run(self, name: str, **values: float | str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        return self.connection.execute(fill_sql(name, **values)).fetchall()

    def table(self, target: str, name: str, **values: float | str) -> None:
        """Make a table of a statement."""
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {target} AS {fill_sql(name, **values)}")

    def keep(self, kind: Kind, name: str, **values: float | str) -> None:
        """Keep the searches that a rule's statement names."""
        self.connection.execute(
            f"INSERT INTO hits SELECT {KINDS.index(kind)}, unit_no, part, item, file, sheet, line, at_us FROM "  # noqa: S608  # our own statements
            f"({fill_sql(name, **values)})"
        )


def find_leads(
    connection: "duckdb.DuckDBPyConnection",
    folder: AuditFolder,
    inputs: LeadInputs,
    numbers: LeadNumbers | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> LeadsReport:
    """Return the leads of an audit, and write `leads.parquet`, `leads.json` and the table of their rows.

    Args:
        connection: Of `open_engine`; tables of this name are replaced.
        folder: With accesses, phrases and searchers.
        inputs: Every file that the accesses name.
        numbers: Of the rules.
        tell: Told the name of each kind before it is looked for.

    Raises:
        ConfigError: There are no accesses, or a zone is none.
    """
    search = _Search(connection, folder, inputs, numbers or LeadNumbers())
    # The order of rows is said wherever it matters, and keeping it costs memory.
    connection.execute("SET preserve_insertion_order = false")
    try:
        tell("reading")
        make_tables(connection, folder, inputs, search.numbers)
        looked = count_looked(connection)
        make_table(connection, "hits", _HITS, ())
        found: dict[Kind, Found] = {}
        for kind in KINDS:
            tell(kind.name)
            found[kind] = _FINDERS[kind](search)
        leads = tuple(_gather(search, found))
        summary = _summarise(search, looked, found, leads)
        _write(search, leads, summary)
    finally:
        connection.execute("SET preserve_insertion_order = true")
    return LeadsReport(leads, summary)


def _find_bursts(search: _Search) -> Found:
    least = search.numbers.burst_searches
    search.connection.execute(
        "CREATE OR REPLACE TEMP VIEW by_account AS SELECT * FROM searches WHERE account IS NOT NULL"
    )
    units = search.connection.execute("SELECT unit_no FROM units").fetchall()
    _make_limits(search, ((unit, least) for (unit,) in units))
    return _count_bursts(search, BURST, "by_account")


def _find_unit_bursts(search: _Search) -> Found:
    numbers = search.numbers
    search.connection.execute(
        "CREATE OR REPLACE TEMP VIEW by_unit AS SELECT * REPLACE (0 AS account) FROM searches WHERE account IS NULL"
    )
    rates = search.run("lead_unit_rates", searches="by_unit", window_us=numbers.burst_us)
    _make_limits(
        search,
        ((unit, max(numbers.burst_searches, math.ceil(numbers.burst_times * rate))) for unit, rate in rates),
    )
    return _count_bursts(search, UNIT_BURST, "by_unit")


def _make_limits(search: _Search, limits: Iterable[tuple[int, int]]) -> None:
    make_table(
        search.connection,
        "limits",
        (("unit_no", "INTEGER"), ("least", "INTEGER"), ("ln_factorial", "DOUBLE")),
        ((unit, least, math.lgamma(least)) for unit, least in limits),
    )


def _count_bursts(search: _Search, kind: Kind, searches: str) -> Found:
    window = search.numbers.burst_us
    search.keep(kind, "lead_burst", searches=searches, window_us=window)
    rows = search.run("lead_burst_expected", searches=searches, window_us=window)
    return Found({(unit, 0): expected for unit, expected in rows})


def _find_following(search: _Search) -> Found:
    values = {"window_us": search.numbers.follow_us}
    search.keep(FOLLOW, "lead_follow", searches="searches", **values)
    return _draw_again(search, "lead_follow", "lead_follow_candidates", values)


def _find_shared(search: _Search) -> Found:
    values = {"window_us": search.numbers.shared_us, "units": search.numbers.shared_units}
    search.keep(SHARED, "lead_shared", searches="searches", **values)
    return _draw_again(search, "lead_shared", "lead_shared_candidates", values)


def _draw_again(search: _Search, rule: str, candidates: str, values: Mapping[str, int]) -> Found:
    """Return what a rule finds where the times of its candidates are drawn again, on average."""
    search.table("candidates", candidates)
    ((rows,),) = search.connection.execute("SELECT COUNT(*) FROM candidates").fetchall()
    draws = max(MIN_DRAWS, min(search.numbers.draws, search.numbers.max_draws // max(1, rows)))
    search.table("drawn", "lead_drawn", draws=draws, seed=search.numbers.seed)
    statement = fill_sql(rule, searches="drawn", **values)
    found = search.connection.execute(
        "SELECT unit_no, CASE WHEN COUNT(item) = 0 THEN COUNT(*) ELSE COUNT(DISTINCT item) END "  # noqa: S608  # our own statement
        f"FROM ({statement}) GROUP BY unit_no"
    ).fetchall()
    search.connection.execute("DROP TABLE drawn; DROP TABLE candidates")
    return Found({(unit, 0): n / draws for unit, n in found}, draws=draws)


def _find_participating(search: _Search) -> Found:
    search.keep(PARTICIPATING, "lead_participating")
    return Found({(unit, 0): expected for unit, expected in search.run("lead_participating_expected")})


def _find_repeated(search: _Search) -> Found:
    span = search.numbers.repeated_us
    search.keep(REPEATED, "lead_repeated", span_us=span)
    return Found(
        {(unit, 0): expected for unit, expected in search.run("lead_repeated_expected", span_us=span)}
    )


def _find_nights(search: _Search) -> Found:
    return _find_rates(search, NIGHT, "night")


def _find_vague(search: _Search) -> Found:
    return _find_rates(search, VAGUE, "vague")


def _find_rates(search: _Search, kind: Kind, mark: str) -> Found:
    numbers = search.numbers
    values = {"least": numbers.least, "peers": numbers.peers, "z": numbers.z}
    search.table("unit_months", "lead_months", mark=mark)
    rows = search.run("lead_rates", months="unit_months", **values)
    flagged = {
        (unit, month): (n, x, mean, others) for unit, _, month, n, x, mean, _, others, _, out in rows if out
    }
    rated = [Rated(unit, peers, month, n, x) for unit, peers, month, n, x, *_ in rows]
    draws = max(MIN_DRAWS, min(numbers.draws, MAX_DRAWN_MONTHS // max(1, len(rated))))
    chance = _draw_rates(search, rated, draws, values) if rated else 0.0
    make_table(search.connection, "flagged", (("unit_no", "INTEGER"), ("month", "INTEGER")), flagged)
    search.connection.execute(
        f"INSERT INTO hits SELECT {KINDS.index(kind)}, s.unit_no, s.month, NULL, s.file, s.sheet, s.line, s.at_us "  # noqa: S608  # names of our own
        f"FROM searches s JOIN flagged f ON f.unit_no = s.unit_no AND f.month = s.month WHERE s.{mark} = 1"
    )
    own = dict(_own_rates(search, flagged))
    return Found(
        {key: n * mean for key, (n, _, mean, _) in flagged.items()},
        draws=draws,
        facts={key: (n, x, mean, others, own.get(key)) for key, (n, x, mean, others) in flagged.items()},
        counted=len(flagged),
        chance=chance,
        looked=sum(one.n for one in rated),
        cells=len(rated),
    )


def _own_rates(
    search: _Search, flagged: Iterable[tuple[int, int]]
) -> Iterable[tuple[tuple[int, int], float]]:
    """Yield the rate of the same unit in its other months, where it has any."""
    wanted = set(flagged)
    totals: dict[int, tuple[int, int]] = {}
    months = search.connection.execute(
        "SELECT unit_no, month, n, x FROM unit_months WHERE unit_no IN (SELECT unit_no FROM flagged)"
    ).fetchall()
    for unit, _, n, x in months:
        before = totals.get(unit, (0, 0))
        totals[unit] = (before[0] + n, before[1] + x)
    for unit, month, n, x in months:
        others = totals[unit][0] - n
        if (unit, month) in wanted and others:
            yield (unit, month), (totals[unit][1] - x) / others


def _draw_rates(search: _Search, rated: list[Rated], draws: int, values: Mapping[str, float]) -> float:
    """Return how many months of units the rule finds on average where every rate is drawn from its peers'."""
    drawn = search.folder.scratch / "drawn-months.csv"
    ordered = sorted(rated, key=lambda one: (one.peers, one.month, one.unit_no))
    with drawn.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.writer(sink, lineterminator="\n")
        for one in draw_months(ordered, draws=draws, seed=search.numbers.seed):
            writer.writerow((one.unit_no, one.peers, one.month, one.n, one.x))
    columns = "{'unit_no': 'INTEGER', 'peers': 'VARCHAR', 'month': 'INTEGER', 'n': 'BIGINT', 'x': 'BIGINT'}"
    search.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE drawn_months AS SELECT * FROM read_csv({quote_path(drawn)}, header = false, "  # noqa: S608  # quoted
        f"columns = {columns})"
    )
    drawn.unlink()
    found = search.connection.execute(
        f"SELECT SUM(stands_out) FROM ({fill_sql('lead_rates', months='drawn_months', **values)})"  # noqa: S608  # as above
    ).fetchone()
    search.connection.execute("DROP TABLE drawn_months")
    assert found is not None
    return int(found[0] or 0) / draws


def _find_drift(search: _Search) -> Found:
    numbers = search.numbers
    rows = search.run(
        "lead_drift", weeks=numbers.drift_weeks, least=numbers.least, least_weeks=numbers.drift_least_weeks
    )
    flagged = {
        (unit, mark): (n_before, x_before, n_after, x_after)
        for mark, unit, n_before, x_before, n_after, x_after, _, _, _, t in rows
        if abs(t) >= numbers.drift_t
    }
    make_table(search.connection, "flagged", (("unit_no", "INTEGER"), ("mark", "INTEGER")), flagged)
    search.connection.execute(
        f"INSERT INTO hits SELECT {KINDS.index(DRIFT)}, s.unit_no, m.mark, NULL, s.file, s.sheet, s.line, s.at_us "  # noqa: S608  # names of our own
        "FROM searches s JOIN flagged f ON f.unit_no = s.unit_no JOIN marks m ON m.mark = f.mark "
        "AND (m.owner_no = 0 OR m.owner_no = s.owner_no) WHERE s.vague = 1 AND s.at_us >= m.at_us "
        f"AND s.at_us < m.at_us + {numbers.drift_weeks} * 604800000000"
    )
    return Found(
        {key: n_after * x_before / n_before for key, (n_before, x_before, n_after, _) in flagged.items()},
        facts={key: (*value, search.inputs.marks[key[1]]) for key, value in flagged.items()},
        counted=len(flagged),
        chance=math.fsum(sorted(tail_of_t(numbers.drift_t, row[8]) for row in rows)),
        looked=sum(row[2] + row[4] for row in rows),
        cells=len(rows),
    )


_FINDERS: Final[Mapping[Kind, Callable[[_Search], Found]]] = {
    BURST: _find_bursts, UNIT_BURST: _find_unit_bursts, FOLLOW: _find_following, PARTICIPATING: _find_participating,
    NIGHT: _find_nights, SHARED: _find_shared, VAGUE: _find_vague, REPEATED: _find_repeated, DRIFT: _find_drift,
}  # fmt: skip


def _gather(search: _Search, found: Mapping[Kind, Found]) -> Iterable[Lead]:
    """Yield the leads in their order: by kind, unit, and month or mark."""
    units = dict(search.connection.execute("SELECT unit_no, unit FROM units").fetchall())
    rows = {(row[0], row[1], row[2]): row[3:] for row in search.run("lead_found", rows=search.numbers.rows)}
    # A rate that fell to nothing is a change without one row of its own.
    nothing = {(KINDS.index(kind), *key) for kind, one in found.items() for key in one.facts} - rows.keys()
    for key in nothing:
        mark = search.inputs.marks[key[2]]
        rows[key] = (0, 0, None, None, mark.owner, 1, "")
    order = sorted(rows, key=lambda key: (key[0], units[key[1]], key[1], key[2]))
    for number, (kind_no, unit_no, part) in enumerate(order, start=1):
        n, rows_n, first, last, owner, owners, named = rows[kind_no, unit_no, part]
        kind, one = KINDS[kind_no], found[KINDS[kind_no]]
        lead = Lead(
            number=number,
            kind=kind.name,
            unit=units[unit_no],
            owner=owner if owners == 1 else f"{owners} owners",
            first=_moment(first),
            last=_moment(last),
            n=n,
            expected=round_expected(one.expected.get((unit_no, part), 0.0)),
            rows=named,
            rows_n=rows_n,
            key=(kind_no, unit_no, part),
        )
        yield replace(
            lead, says=say_lead(kind, lead, one.facts.get((unit_no, part)), search.numbers, one.draws)
        )


def _moment(microseconds: int | None) -> datetime | None:
    return (
        None if microseconds is None else (EPOCH + timedelta(microseconds=microseconds)).replace(tzinfo=None)
    )


def _summarise(
    search: _Search, looked: Looked, found: Mapping[Kind, Found], leads: Iterable[Lead]
) -> dict[str, Any]:
    by_kind: dict[str, list[Lead]] = {kind.name: [] for kind in KINDS}
    for lead in leads:
        by_kind[lead.kind].append(lead)
    undated = search.connection.execute(
        "SELECT COUNT(*) FROM searches s JOIN units u ON u.unit_no = s.unit_no "
        "WHERE u.federal = 0 AND u.participating = 1 AND u.participating_since IS NULL"
    ).fetchone()
    assert undated is not None
    counts = {**looked.counts, "undated": undated[0], "marks": len(search.inputs.marks)}
    return {
        "accesses": counts["accesses"],
        "searches": counts["searches"],
        "units": counts["units"],
        "left_out": {
            "without a time": counts["no_time"],
            "searcher not known, so no unit that a lead could name": counts["no_unit"],
            "searchers of the vendor's own tests": counts["test"],
            "lookups that repeat the one before": counts["repeats"],
        },
        "seed": search.numbers.seed,
        "kinds": [say_kind(kind, found[kind], by_kind[kind.name], counts, search.numbers) for kind in KINDS],
    }


def _write(search: _Search, leads: tuple[Lead, ...], summary: Mapping[str, Any]) -> None:
    """Write what was found; each file is there whole or as it was before."""
    folder, connection = search.folder, search.connection
    make_table(connection, "leads", _LEADS, (lead.row() for lead in leads))
    _copy(connection, "SELECT * FROM leads ORDER BY lead", folder.leads)
    make_table(
        connection,
        "lead_keys",
        (("lead", "BIGINT"), ("kind_no", "INTEGER"), ("unit_no", "INTEGER"), ("part", "INTEGER")),
        ((lead.number, *lead.key) for lead in leads),
    )
    _copy(
        connection,
        'SELECT k.lead, h.file, h.sheet, h.line AS "row" FROM hits h JOIN lead_keys k ON k.kind_no = h.kind_no '
        "AND k.unit_no = h.unit_no AND k.part = h.part ORDER BY k.lead, h.at_us, h.file, h.sheet, h.line",
        folder.root / ROWS,
    )
    text = json.dumps(summary, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    draft = folder.root / f"{SUMMARY}.new"
    draft.write_text(text, encoding="utf-8")
    draft.replace(folder.root / SUMMARY)


def _copy(connection: "duckdb.DuckDBPyConnection", statement: str, target: Path) -> None:
    draft = target.with_name(f"{target.name}.new")
    escaped = str(draft).replace("'", "''")
    # One thread writes the row groups in their order: same input, same bytes.
    connection.execute("SET preserve_insertion_order = true")
    connection.execute(f"COPY ({statement}) TO '{escaped}' (FORMAT parquet, COMPRESSION zstd)")
    connection.execute("SET preserve_insertion_order = false")
    draft.replace(target)
