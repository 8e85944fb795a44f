"""What an order says of every distinct set of facts that the accesses of an audit have, in one query and then by trial.

The order's SQL answers all of them at once, over facts that may be open; what it leaves open is decided again by trying
the completions, most frequent sets first and at most `MAX_NARROWED` of them: what stays is counted, not guessed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby, product
from typing import TYPE_CHECKING, Any, Final, Protocol

from doorward.cedar.dialects import DUCKDB, Dialect
from doorward.cedar.hierarchy import Hierarchy
from doorward.cedar.terms import Term
from doorward.cedar.values import Datetime, Uid
from doorward.lookback.request import Asked
from doorward.lookback.verdict import Answer, Result, Verdict, combine, make_result, make_verdict
from doorward.orders.pack import Pack
from doorward.policy.bulk import Sources, write_unsure_query
from doorward.policy.completions import find_possible
from doorward.policy.decision import Outcome
from doorward.policy.request import Fact, Resource
from doorward.policy.symbolic import Symbolic, SymbolicOrder

if TYPE_CHECKING:
    import duckdb

MAX_NARROWED: Final = 5_000
# Every column that the facts of an access have, with its type; a set of facts is a distinct row of them.
FACTS: Final = (
    ("agencies", "VARCHAR[]"),
    ("purposes", "VARCHAR[]"),
    ("for_agencies", "VARCHAR[]"),
    ("said", "VARCHAR"),
    ("case_said", "VARCHAR"),
    ("reach_back_days", "BIGINT"),
    ("declared", "BOOLEAN"),
    ("participating", "BOOLEAN"),
    ("kind", "VARCHAR"),
    ("accessed_at", "TIMESTAMP"),
    ("offense_given", "BOOLEAN"),
    ("tags", "VARCHAR[]"),
)
_LISTS: Final = {"agency": "agencies", "purpose": "purposes", "for_agency": "for_agencies"}


class Progress(Protocol):
    """Told how far a stage is."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note of it."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What an order said of the facts of an audit.

    Args:
        sets: How many distinct sets of facts it was asked about.
        narrowed: How many of those were decided again by trial.
        untried: How many were left open without a trial, because there were too many of them or of completions.
        accesses_untried: How many accesses have one of those.
    """

    sets: int
    narrowed: int
    untried: int
    accesses_untried: int


class Decider:
    """An order, ready for accesses of one kind of log.

    Args:
        pack: The order.
        asked: How such an access is put to it.
    """

    def __init__(self, pack: Pack, asked: Asked) -> None:
        model = pack.requests
        hierarchy = Hierarchy({uid: found.above | {uid} for uid, found in model.entities.items()})
        self.pack = pack
        self.asked = asked
        order = Symbolic(pack.policies, model, hierarchy).order(asked.action, asked.resource.type)
        self._order = _linked(order, asked.same)
        self._known = _about(self._order, asked)
        self._queries: dict[tuple[str, Dialect], str] = {}

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns of the table of facts that its answer depends on."""
        return tuple(sorted(_LISTS.get(column, column) for column in self.asked.reads))

    def alternatives(self, table: str) -> str:
        """Return the SQL of every request that each row of a table may be: one agency, purpose, beneficiary."""
        for name, held in _LISTS.items():
            # One list at a time: two in one SELECT would be walked side by side.
            table = f"(SELECT *, unnest(coalesce({held}, [CAST(NULL AS VARCHAR)])) AS {name} FROM {table})"  # noqa: S608  # names of our own
        return table

    def query(self, source: str, dialect: Dialect = DUCKDB) -> str:
        """Return the SQL that answers each row of a source: `set_no`, `outcome`, `possible`, `policies`, `perhaps`."""
        found = self._queries.get((source, dialect))
        if found is None:
            sources = Sources(source, self.asked.columns, self.asked.constants, ["set_no"])
            found = write_unsure_query(self._order, self.pack.requests, dialect, sources, policies=True)
            self._queries[source, dialect] = found
        return found

    def verdict(self, answer: Answer) -> Verdict:
        """Return what an audit says."""
        return make_verdict(answer, self.pack.policies, self.pack.clause_order)

    def narrow(self, requests: Iterable[Mapping[str, Fact]]) -> frozenset[Outcome] | None:
        """Return exactly the outcomes that an access may have, or None where too many would have to be tried.

        Args:
            requests: Each that it may be: the facts that are known, by path.
        """
        found: frozenset[Outcome] = frozenset()
        for known in requests:
            possible = find_possible(self._known, self.pack.requests, {**self.asked.constants, **known})
            if not possible.exact:
                return None
            found |= frozenset(possible.outcomes)
        return found


def make_decider(pack: Pack, asked: Asked) -> Decider:
    """Return the order, ready for accesses of one kind of log; the same one where it was asked for shortly before."""
    return _decider(
        pack, (asked.action, asked.resource, asked.reads),
        tuple(asked.columns.items()), tuple(asked.constants.items()), tuple(asked.same.items()),
    )  # fmt: skip


@lru_cache(maxsize=8)
def _decider(
    pack: Pack,
    about: tuple[str, Resource, tuple[str, ...]],
    columns: tuple[tuple[str, str], ...],
    constants: tuple[tuple[str, Fact], ...],
    same: tuple[tuple[str, str], ...],
) -> Decider:
    action, resource, reads = about
    return Decider(pack, Asked(action, resource, dict(columns), dict(constants), reads, dict(same)))


def _linked(order: SymbolicOrder, same: Mapping[str, str]) -> SymbolicOrder:
    """Return the order where facts that one cell tells are one fact, so that they never differ while it is open."""
    terms = order.terms

    def swap(node: Term) -> int | None:
        leader = same.get(node.name) if node.kind == "fact" else None
        return None if leader is None else terms.fact(leader, node.type)

    return replace(
        order,
        applies={name: terms.rebuild(term, swap) for name, term in order.applies.items()},
        suspended={name: terms.rebuild(term, swap) for name, term in order.suspended.items()},
        outcomes={name: terms.rebuild(term, swap) for name, term in order.outcomes.items()},
    )


def _about(order: SymbolicOrder, asked: Asked) -> SymbolicOrder:
    """Return the order about one entity of the file, where that is what is asked for."""
    if not asked.resource.id:
        return order
    held = Uid(asked.resource.type, asked.resource.id)
    outcomes = {name: order.terms.replace(term, "resource", held) for name, term in order.outcomes.items()}
    return replace(order, outcomes=outcomes)


def decide(
    connection: "duckdb.DuckDBPyConnection", decider: Decider, facts: str, target: str, progress: Progress
) -> Decided:
    """Make a table of what an order says of each row of a table of facts; return what it took.

    Args:
        facts: A table with the columns of `FACTS`, `facts UBIGINT` for the number of the row, and `n BIGINT`, how many
            accesses have it.
        target: The table to make: `facts`, then `result`, `outcome`, `possible`, `policies`, `perhaps`, `clauses`,
            `clauses_certain`.
        progress: Told how many sets were decided.

    Raises:
        PolicyError: A condition of the order has no form over facts that are open.
    """
    read = ", ".join(decider.reads) or "1 AS one"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE fact_sets AS "  # noqa: S608  # names of our own
        f"SELECT row_number() OVER (ORDER BY n DESC, {_ordered(decider)}) AS set_no, * "
        f"FROM (SELECT {read}, CAST(sum(n) AS BIGINT) AS n FROM {facts} GROUP BY ALL)"
    )
    whole = _padded(decider, "fact_sets")
    alternatives = decider.alternatives(whole)
    answers = connection.execute(
        f"SELECT set_no, possible, policies, perhaps FROM ({decider.query(alternatives)}) ORDER BY ALL"  # noqa: S608  # as above
    ).fetchall()
    sizes = dict(connection.execute("SELECT set_no, n FROM fact_sets").fetchall())
    combined = {
        set_no: combine(map(_answer, rows)) for set_no, rows in groupby(answers, key=lambda row: row[0])
    }
    open_sets = [
        set_no for set_no, answer in combined.items() if make_result(answer.possible) is Result.CANNOT_TELL
    ]
    requests = _requests(connection, decider, alternatives, open_sets[:MAX_NARROWED])
    untried = set(open_sets[MAX_NARROWED:])
    for done, set_no in enumerate(open_sets[:MAX_NARROWED], start=1):
        found = decider.narrow(requests[set_no])
        if found is None:
            untried.add(set_no)
        else:
            combined[set_no] = replace(combined[set_no], possible=found)
        progress("trying what is open", done, min(len(open_sets), MAX_NARROWED))
    _store(connection, decider, facts, target, combined)
    left = sum(sizes[set_no] for set_no in untried)
    return Decided(len(sizes), len(open_sets) - len(untried), len(untried), left)


def _ordered(decider: Decider) -> str:
    return ", ".join(f"{column} NULLS FIRST" for column in decider.reads) or "1"


def _padded(decider: Decider, table: str) -> str:
    """Return the SQL of a table of sets with every column of `FACTS`; what the order does not read is NULL."""
    columns = ", ".join(
        name if name in decider.reads else f"CAST(NULL AS {kind}) AS {name}" for name, kind in FACTS
    )
    return f"(SELECT set_no, {columns} FROM {table})"  # noqa: S608  # names of our own


def _answer(row: tuple[int, str, str, str]) -> Answer:
    _, possible, policies, perhaps = row
    return Answer(
        frozenset(Outcome(word) for word in possible.split()),
        frozenset(policies.split()),
        frozenset(perhaps.split()),
    )


def _requests(
    connection: "duckdb.DuckDBPyConnection", decider: Decider, alternatives: str, sets: list[int]
) -> dict[int, list[dict[str, Fact]]]:
    """Return every request that each of these sets may be: the facts that are known, by path."""
    paths = [path for path in decider.asked.columns if path not in {"principal", "resource"}]
    if not sets or not paths:
        return {set_no: [{}] for set_no in sets}
    columns = ", ".join(decider.asked.columns[path] for path in paths)
    rows = connection.execute(
        f"SELECT set_no, {columns} FROM {alternatives} WHERE set_no IN (SELECT unnest(?)) ORDER BY ALL",  # noqa: S608  # as above
        [sets],
    ).fetchall()
    kinds = {path: decider.pack.requests.specs(decider.asked.resource.type)[path].type for path in paths}
    found: dict[int, list[dict[str, Fact]]] = {set_no: [] for set_no in sets}
    for set_no, *values in rows:
        known = {path: value for path, value in zip(paths, values, strict=True) if value is not None}
        found[set_no].append(
            {
                path: Datetime(value) if str(kinds[path]) == "datetime" else value
                for path, value in known.items()
            }
        )
    return found


def _store(
    connection: "duckdb.DuckDBPyConnection",
    decider: Decider,
    facts: str,
    target: str,
    combined: Mapping[int, Answer],
) -> None:
    """Make the table of verdicts, of each row of the facts."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE set_verdicts (set_no BIGINT, result VARCHAR, outcome VARCHAR, possible VARCHAR[],"
        " policies VARCHAR[], perhaps VARCHAR[], clauses VARCHAR[], clauses_certain BOOLEAN)"
    )
    for batch in _batches(_rows(decider, combined)):
        # One statement a batch, a list a column: a statement a row takes a hundred times as long.
        connection.execute(
            "INSERT INTO set_verdicts SELECT unnest(?), unnest(?), unnest(?), unnest(?::VARCHAR[][]), "
            "unnest(?::VARCHAR[][]), unnest(?::VARCHAR[][]), unnest(?::VARCHAR[][]), unnest(?)",
            [list(column) for column in zip(*batch, strict=True)],
        )
    same = " AND ".join(f"f.{column} IS NOT DISTINCT FROM s.{column}" for column in decider.reads) or "true"
    connection.execute(
        f"CREATE OR REPLACE TABLE {target} AS SELECT f.facts, v.* EXCLUDE (set_no) "  # noqa: S608  # as above
        f"FROM {facts} f JOIN fact_sets s ON {same} JOIN set_verdicts v USING (set_no)"
    )


def _rows(decider: Decider, combined: Mapping[int, Answer]) -> Iterator[list[Any]]:
    for set_no, answer in sorted(combined.items()):
        verdict = decider.verdict(answer)
        yield [
            set_no, str(verdict.result), None if verdict.outcome is None else str(verdict.outcome),
            list(map(str, verdict.possible)), list(verdict.policies), list(verdict.perhaps),
            list(verdict.clauses), verdict.certain,
        ]  # fmt: skip


def _batches(rows: Iterable[list[Any]], size: int = 10_000) -> Iterator[list[list[Any]]]:
    batch: list[list[Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def each_request(facts: Mapping[str, Any], columns: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield every request that one set of facts may be, row by row: the twin of `Decider.alternatives`.

    Args:
        facts: By column of `FACTS`.
        columns: Those to keep, as `Asked.reads` names them.
    """
    kept = tuple(columns)
    lists = [name for name in kept if name in _LISTS]
    choices = [facts[_LISTS[name]] or [None] for name in lists]
    for chosen in product(*choices):
        picked = dict(zip(lists, chosen, strict=True))
        yield {name: picked[name] if name in picked else facts[name] for name in kept}
