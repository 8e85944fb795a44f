"""From each distinct organisation of a log to an agency of the order: `data/searchers.parquet`.

In this order: what a person has decided (matches.csv), the order's entity file, the list of agencies, and the order's
generic entities by level, state and kind. Each says how it was found; where nothing is sure, `agency` is NULL and
`may_be` names what it can be, empty for anything.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from doorward.lookback.agencies.agency_words import STATE_OF_LIST, Kind
from doorward.lookback.agencies.declarations import Declarations
from doorward.lookback.agencies.entity_match import FEDERAL, EntityMatcher
from doorward.lookback.agencies.listed import Listed
from doorward.lookback.agencies.match import NOTHING, Found, ListMatcher
from doorward.lookback.agencies.match_file import MatchRow
from doorward.lookback.agencies.names import AgencyName, parse_agency_name
from doorward.lookback.agencies.participation import Participation, Standing
from doorward.lookback.cells import State
from doorward.orders.generic_agencies import GenericAgencies, Traits, read_generic_agencies
from doorward.orders.pack import Pack

if TYPE_CHECKING:
    import duckdb

PENDING: Final = "287g-pending"
COLUMNS: Final = (
    ("searcher_no", "INTEGER"), ("searcher", "VARCHAR"), ("searcher_state", "VARCHAR"), ("agency", "VARCHAR"),
    ("ori", "VARCHAR"), ("name", "VARCHAR"), ("state", "VARCHAR"), ("level", "VARCHAR"), ("component", "VARCHAR"),
    ("how", "VARCHAR"), ("score", "DOUBLE"), ("flags", "VARCHAR[]"), ("participating", "BOOLEAN"),
    ("participating_since", "DATE"), ("participating_as_of", "DATE"), ("agency_declared", "VARCHAR"),
    ("may_be", "VARCHAR[]"), ("kind", "VARCHAR"), ("note", "VARCHAR"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Searcher:
    """A distinct organisation, and what is known of it.

    Args:
        agency: The order's entity on a day without a declaration on file; None where nobody can tell.
        agency_declared: The order's entity on a day with one.
        may_be: Where `agency` is None, the entities that it can be; empty for any.
        candidates: Of the list, where several fit.
        note: For the person who reviews it.
    """

    searcher: str | None
    searcher_state: str
    agency: str | None = None
    ori: str = ""
    name: str = ""
    state: str = ""
    level: str = ""
    component: str = ""
    how: str = "none"
    score: float = 0.0
    flags: tuple[str, ...] = ()
    standing: Standing = field(default_factory=Standing)
    agency_declared: str | None = None
    may_be: tuple[str, ...] = ()
    kind: str = ""
    candidates: tuple[Listed, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What the order says of agencies.

    Args:
        entities: Of its entity file.
        own: ORIs of the order's own agencies.
        own_names: Their places and kinds, for names without an ORI; with the state, or empty.
    """

    entities: EntityMatcher
    generic: GenericAgencies
    own: frozenset[str]
    own_names: Mapping[tuple[str, Kind], str]

    def is_own(self, name: AgencyName, ori: str) -> bool | None:
        """Return whether an agency is the order's own; None where that cannot be told."""
        if ori:
            return ori in self.own
        state = self.own_names.get((name.key, name.kind))
        if state is None:
            return False
        return state == name.state if state and name.state else None


def make_order(pack: Pack) -> Order:
    """Return what a pack says of agencies.

    Raises:
        PolicyCheckError: As `read_generic_agencies`.
    """
    generic = read_generic_agencies(pack)
    own = [agency for agency in pack.agencies.values() if agency.party == pack.own_party]
    names = {}
    for agency in own:
        name, ori = parse_agency_name(agency.name), str(agency.attributes.get("ori", ""))
        names[name.key, name.kind] = STATE_OF_LIST.get(ori[:2], ori[:2])
    oris = frozenset(str(agency.attributes.get("ori", "")) for agency in own) - {""}
    return Order(EntityMatcher(pack.agencies, generic), generic, oris, names)


@dataclass(frozen=True)
class SearcherMatcher:
    """Matches organisations, one at a time; pure.

    Args:
        lists: The list of agencies; None where none is given.
        order: None where no order is given: no entity is then found.
        decided: What people have decided, by the name as written.
        participation: ICE's lists; None where none is given.
        declarations: None where no file is given.
        at_door: Entity ids of the order, by the name under which our own record's searchers stand (`name_at_door`).
    """

    lists: ListMatcher | None = None
    order: Order | None = None
    decided: Mapping[str, MatchRow] = field(default_factory=dict)
    participation: Participation | None = None
    declarations: Declarations | None = None
    at_door: Mapping[str, str] = field(default_factory=dict)

    def match(self, searcher: str | None, state: str = State.VALUE) -> Searcher:
        """Return what is known of an organisation; total."""
        if searcher is None or state != State.VALUE:
            return Searcher(searcher, state, flags=(), note=_NO_NAME.get(state, ""))
        name = parse_agency_name(searcher)
        decided = self.decided.get(searcher)
        if decided is not None:
            return self._finish(self._take(decided, name), name, entity=decided.entity or None)
        if searcher in self.at_door:
            return self._of_entity(searcher)
        entity, how, named = (None, "none", ()) if self.order is None else self.order.entities.find(name, "")
        federal = name.kind is Kind.FEDERAL or (
            self.order is not None and self.order.entities.is_federal(name)
        )
        found = NOTHING if self.lists is None or federal or entity else self.lists.find(name)
        made = _from_list(Searcher(searcher, state), name, found)
        if federal:
            made = replace(
                made, level=FEDERAL, kind=Kind.FEDERAL, flags=tuple(sorted({*made.flags, FEDERAL})), state=""
            )
        if entity:
            made = replace(made, how=how, score=1.0)
        return self._finish(made, name, entity=entity, named=named)

    def notes(self) -> list[str]:
        """Return what the files given could not say, for the report: rows that were read and could not be used."""
        agreements = () if self.participation is None else self.participation.unreadable
        papers = () if self.declarations is None else self.declarations.unmatched
        return [
            *(
                f"287(g): row {one.row}, {one.agency}, {one.state}: the day of signing is no date"
                for one in agreements
            ),
            *(
                f"declaration {one.evidence} of {one.agency}: nobody can tell which agency that is"
                for one in papers
            ),
        ]

    def _of_entity(self, searcher: str) -> Searcher:
        """Return what is known of one whom the door itself knew by an entity of the order that it had."""
        entity, made = self.at_door[searcher], Searcher(searcher, State.VALUE)
        if self.order is None or entity not in self.order.entities.agencies:
            return replace(made, note="no agency of this order")
        return self._with_entity(replace(made, how="entity", score=1.0), entity, entity, ())

    def _take(self, row: MatchRow, name: AgencyName) -> Searcher:
        made = _from_list(Searcher(row.searcher, State.VALUE), name, NOTHING)
        listed = None if self.lists is None else self.lists.agencies.by_ori.get(row.ori)
        if listed is not None:
            made = _from_list(made, name, Found(listed, "alias", 1.0))
        elif row.ori:
            made = replace(made, ori=row.ori, state=STATE_OF_LIST.get(row.ori[:2], row.ori[:2]))
        how = "alias" if row.ori or row.entity else "none"
        return replace(
            made,
            how=how,
            score=1.0 if how == "alias" else 0.0,
            note=f"decided by {row.decided_by} on {row.on}",
        )

    def _finish(
        self, made: Searcher, name: AgencyName, *, entity: str | None, named: tuple[str, ...] = ()
    ) -> Searcher:
        """Return it with the order's entity and what the lists of agreements say."""
        standing = Standing() if self.participation is None else self.participation.of(name, made.ori)
        flags = {*made.flags, *((PENDING,) if standing.pending else ())}
        made = replace(made, standing=standing, flags=tuple(sorted(flags)))
        if self.order is None:
            return made
        if entity is None and made.ori:
            entity = self.order.entities.by_ori.get(made.ori)
            made = replace(made, how="entity") if entity and made.how == "exact" else made
        if entity is not None:
            return self._with_entity(made, entity, entity, ())
        if len(named) > 1:
            return replace(made, may_be=named, note="names several agencies of the order")
        if made.how == "none" and made.note.startswith("decided"):
            return made  # a person has said that this is no agency
        own = False if made.level == FEDERAL else self.order.is_own(name, made.ori)
        declared = None if self.declarations is None else self.declarations.known(made.ori, name)
        traits = Traits(made.level, made.state, made.kind, own, declared=False)
        without, _ = self.order.generic.find(traits)
        with_one, _ = self.order.generic.find(replace(traits, declared=True))
        _, may_be = self.order.generic.find(
            replace(traits, declared=None if declared is None or declared else False)
        )
        if declared is None and without != with_one:
            without = with_one = None
        how = "rule" if made.how == "none" and (without or with_one) else made.how
        return self._with_entity(replace(made, how=how), without, with_one, may_be)

    def _with_entity(
        self, made: Searcher, without: str | None, with_one: str | None, may_be: tuple[str, ...]
    ) -> Searcher:
        assert self.order is not None
        made = replace(
            made,
            agency=without,
            agency_declared=with_one,
            may_be=() if without and without == with_one else may_be,
        )
        agency = self.order.entities.agencies.get(without or "")
        if agency is None:
            return made
        attributes = agency.attributes
        return replace(
            made,
            level=made.level or str(attributes.get("level", "")),
            component=str(attributes.get("component", "")),
            name=made.name or ("" if made.how == "rule" else agency.name),
            ori=made.ori or ("" if made.how == "rule" else str(attributes.get("ori", ""))),
        )


_NO_NAME: Final[Mapping[str, str]] = {
    State.BLANK: "the row names no organisation",
    State.MASKED: "the organisation is masked",
    State.WITHHELD: "the organisation is withheld",
    State.NOT_EXPORTED: "the export has no column for the organisation",
    State.UNREADABLE: "the organisation cannot be read",
}


def _from_list(made: Searcher, name: AgencyName, found: Found) -> Searcher:
    listed = found.listed
    return replace(
        made,
        ori=listed.ori if listed else "",
        name=listed.name if listed else "",
        state=listed.state if listed else name.state,
        level=(listed.level if listed else "") or name.level,
        kind=listed.parsed.kind if listed else name.kind,
        how=found.how,
        score=found.score,
        flags=name.flags,
        candidates=found.candidates,
        note=found.note,
    )


def name_at_door(entity: str) -> str:
    """Return the name of a searcher whom the door knew: an id alone, such as CPD, may be a name in another log."""
    return f"{entity} (at the door)"


def distinct_searchers(
    connection: "duckdb.DuckDBPyConnection", rows: Sequence[Path]
) -> list[tuple[str | None, str]]:
    """Return the distinct pairs of name and state in tables of rows; those files are the audit's own."""
    if not rows:
        return []
    found = connection.execute(
        "SELECT DISTINCT searcher, searcher_state FROM read_parquet(?)", [[str(file) for file in rows]]
    ).fetchall()
    return [(name, str(state)) for name, state in found]


def match_all(matcher: SearcherMatcher, pairs: Iterable[tuple[str | None, str]]) -> list[Searcher]:
    """Return the searchers of distinct pairs of name and state, sorted, so that their numbers are always the same."""
    distinct = sorted(set(pairs), key=lambda pair: (pair[0] is None, pair[0] or "", pair[1]))
    return [matcher.match(name, state) for name, state in distinct]


def write_searchers(
    connection: "duckdb.DuckDBPyConnection",
    searchers: Sequence[Searcher],
    target: Path,
    *,
    as_of: date | None = None,
) -> None:
    """Write `data/searchers.parquet`; the number of a searcher is its place in the list.

    Args:
        as_of: The day of ICE's list: after it, an agency that is not on it may have signed.
    """
    rows = [_row(number, one, as_of) for number, one in enumerate(searchers)]
    _write(connection, COLUMNS, rows, target)


def _row(number: int, one: Searcher, as_of: date | None) -> tuple[object, ...]:
    standing = one.standing
    return (
        number, one.searcher, one.searcher_state, one.agency, one.ori or None, one.name or None, one.state or None,
        one.level or None, one.component or None, one.how, one.score, list(one.flags), standing.participating,
        standing.since, as_of if standing.participating is not None else None, one.agency_declared, list(one.may_be),
        one.kind or None, one.note or None,
    )  # fmt: skip


DECLARATION_COLUMNS: Final = (
    ("searcher_no", "INTEGER"), ("since", "DATE"), ("until", "DATE"), ("evidence", "VARCHAR"), ("agency", "VARCHAR"),
)  # fmt: skip


def declared_intervals(
    searchers: Sequence[Searcher], declarations: Declarations
) -> list[tuple[int, date, date | None, str, str | None]]:
    """Return searcher, first day, the day after the last, paper and entity of each declaration; None has no end."""
    found = []
    for number, one in enumerate(searchers):
        if one.searcher is None or one.searcher_state != State.VALUE:
            continue
        for paper in declarations.of(one.ori, parse_agency_name(one.searcher)):
            until = (
                None if paper.until is None or paper.until == date.max else paper.until + timedelta(days=1)
            )
            found.append((number, paper.since, until, paper.evidence, one.agency_declared))
    return found


def write_declarations(
    connection: "duckdb.DuckDBPyConnection",
    searchers: Sequence[Searcher],
    declarations: Declarations,
    target: Path,
) -> None:
    """Write the days on which searchers had a declaration on file, as `declared_intervals` has them."""
    _write(connection, DECLARATION_COLUMNS, declared_intervals(searchers, declarations), target)


def _write(
    connection: "duckdb.DuckDBPyConnection", columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[object]],
    target: Path,
) -> None:  # fmt: skip
    # Values go in as parameters, a list a column.
    lists = [[row[at] for row in rows] for at in range(len(columns))]
    shown = ", ".join(f'unnest(CAST(? AS {kind}[])) AS "{name}"' for name, kind in columns)
    target.parent.mkdir(parents=True, exist_ok=True)
    connection.sql(f"SELECT {shown}", params=lists).write_parquet(str(target), compression="zstd")
