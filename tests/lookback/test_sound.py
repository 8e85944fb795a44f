"""Whatever a log leaves open, an audit says of a row only what the order says of every request that the row may be.

Orders, forms of logs and rows are drawn: each fact of the order is told by a cell as its own `reasons.toml` has it, or
stands for all rows, or is open; cells are open or say one of several. The whole of an order's tally runs on them, from
Parquet to findings, and every completion is decided one at a time by the Python of the order.
"""

import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.cedar.types import BOOL, DATETIME, LONG
from doorward.lookback.decide import Decided, Decider
from doorward.lookback.request import Asked, make_asked
from doorward.lookback.tally import Relation, Sources, Tally
from doorward.lookback.verdict import KEPT_CLOSED, OPENED, Result, make_result
from doorward.orders.lexicon import Log, Told
from doorward.orders.load import load_lexicon, load_pack
from doorward.orders.pack import Pack
from doorward.orders.scenarios import run_cases
from doorward.policy.decision import Decision, Outcome
from doorward.policy.request import Fact, FactSpec
from tests_support.order_cases import NOON

LOGS = (
    ("chicago", "plate-reader"), ("chicago", "database"), ("chicago", "door"), ("oregon", "plate-reader"),
    ("hospital-records", "door"),
)  # fmt: skip
MAX_TRIED = 400  # completions of a row; where there are more, so many of them are drawn
ALWAYS_OPEN = {
    "principal",
    "resource",
    "context.now",
}  # who it was in person, and when: no fact that a log's form has


@dataclass(frozen=True)
class Row:
    """What stands in a row, as the tables of an audit have it; None is open.

    Args:
        agency: Of the searcher; none, where nobody knows which of `may_be` it is.
        declared_agency: The agency that it counts as while its declaration is in force.
        purposes: Each that the words may mean.
    """

    agency: str | None
    declared_agency: str | None
    may_be: tuple[str, ...]
    declared: bool | None
    purposes: tuple[str, ...] | None
    for_agencies: tuple[str, ...] | None
    case_said: str | None
    kind: str | None

    @property
    def agencies(self) -> tuple[str | None, ...]:
        """Each that may have searched."""
        one = {True: [self.declared_agency], False: [self.agency], None: [self.agency, self.declared_agency]}
        found = one[self.declared]
        return tuple(dict.fromkeys(found)) if None not in found else self.may_be or (None,)

    def requests(self) -> Iterator[dict[str, Any]]:
        """Yield what the cells tell, once for each request that they may be."""
        choices = (self.agencies, self.purposes or (None,), self.for_agencies or (None,))
        for agency, purpose, beneficiary in product(*choices):
            yield {
                "searcher": agency, "purpose": purpose, "for-agency": beneficiary, "case": self.case_said,
                "declaration": self.declared, "kind": self.kind,
            }  # fmt: skip


@dataclass(frozen=True)
class Case:
    """An order, a kind of log with facts that stand for all rows or are open, and rows of it."""

    pack: Pack
    log: Log
    rows: tuple[Row, ...]
    seed: int


@cache
def shipped(order: str) -> Pack:
    return load_pack(order)


@cache
def logs(order: str) -> Mapping[str, Log]:
    return load_lexicon(shipped(order)).logs


def values(spec: FactSpec) -> tuple[Fact, ...]:
    """Return every value of a fact, or where that is any text or number, some that an order could tell apart."""
    if spec.type == BOOL:
        return (False, True)
    if spec.words is not None:
        return spec.words
    return (0, 30, 31, 100_000) if spec.type == LONG else ("", "SMP-1")


def specs_of(pack: Pack, log: Log) -> dict[str, FactSpec]:
    """Return the facts that a log could tell."""
    found = pack.requests.specs(log.resource.type)
    return {
        path: spec for path, spec in found.items()
        if spec.definition is None and spec.type != DATETIME and path not in ALWAYS_OPEN
    }  # fmt: skip


@cache
def starts(order: str, name: str) -> Mapping[Outcome, tuple[Mapping[str, Fact], ...]]:
    """Return the facts of the order's own worked cases by what they come to in a log, so that each outcome is there."""
    pack, log = shipped(order), logs(order)[name]
    specs = specs_of(pack, log)
    found: dict[Outcome, list[Mapping[str, Fact]]] = {}
    for case in run_cases(pack, file="scenarios.csv", text=pack.files["scenarios.csv"], now=NOON).decided:
        facts = {path: case.request.facts.get(path, spec.unknown) for path, spec in specs.items()}
        found.setdefault(decide_one(pack, log, facts).outcome, []).append(facts)
    return {outcome: tuple(held) for outcome, held in sorted(found.items())}


def decide_one(pack: Pack, log: Log, facts: Mapping[str, Fact]) -> Decision:
    return pack.decide(pack.request(facts, resource=log.resource, action=log.action, now=NOON))


@st.composite
def forms(draw: st.DrawFn, pack: Pack, log: Log, start: Mapping[str, Fact]) -> Log:
    """Draw a form of log: facts that no cell tells stand for all rows, near a start, but a few that stay open."""
    chance = draw(st.randoms(use_true_random=False))
    specs = specs_of(pack, log)
    told = {
        path: said for path, said in log.facts.items() if said.source is not None and chance.random() < 0.8
    }
    silent = sorted(specs.keys() - told.keys())
    chance.shuffle(silent)
    size = 1
    for path in silent:
        choices = values(specs[path])
        if size * len(choices) <= 40 and chance.random() < 0.2:
            told[path] = Told()
            size *= len(choices)
        else:
            told[path] = Told(value=start[path] if chance.random() < 0.95 else chance.choice(choices))
    return replace(log, facts=told)


def near(start: Fact | None, words: Iterable[str]) -> st.SearchStrategy[str]:
    """A word, half of them the one to start at where it is one."""
    known = tuple(sorted(words))
    anywhere = st.sampled_from(known)
    return st.one_of(st.just(str(start)), anywhere) if start in known else anywhere


def some(one: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...] | None]:
    alone = one.map(lambda word: (word,))
    two = st.tuples(one, one).map(lambda both: tuple(dict.fromkeys(both)))
    return st.one_of(alone, alone, alone, two, st.none())


@st.composite
def rows(draw: st.DrawFn, pack: Pack, start: Mapping[str, Fact]) -> Row:
    searchers = near(start.get("context.requester.agency"), pack.agencies)
    agency = draw(st.one_of(*[searchers] * 4, st.none()))
    maybe = draw(some(searchers)) if agency is None else None
    declared_agency = agency if agency is None or draw(st.booleans()) else draw(searchers)
    return Row(
        agency, declared_agency, maybe or (), draw(st.sampled_from([True, False, None])),
        draw(some(near(start.get("context.purpose"), pack.purposes))),
        draw(some(st.one_of(near(start.get("context.for_agency"), pack.agencies), st.just("unknown")))),
        draw(st.sampled_from(["given", "none", None])), draw(st.sampled_from(["connect", "emergency", "lookup", None])),
    )  # fmt: skip


@st.composite
def cases(draw: st.DrawFn, order: str, name: str) -> Case:
    pack, log = shipped(order), logs(order)[name]
    known = starts(order, name)
    start = draw(st.sampled_from(list(known)).flatmap(lambda outcome: st.sampled_from(known[outcome])))
    form = draw(st.one_of(st.just(log), forms(pack, log, start), forms(pack, log, start)))
    drawn = draw(st.lists(rows(pack, start), min_size=1, max_size=12))
    return Case(pack, form, tuple(drawn), draw(st.integers(0, 2**32)))


ACCESSES = (
    "SELECT CAST(0 AS INTEGER) AS file, '' AS sheet, i AS row, CAST(i AS VARCHAR) AS id, "
    "TIMESTAMP '2026-03-01 12:00:00' AS \"at\", 'value' AS at_state, i AS phrase, CAST(i AS INTEGER) AS searcher_no, "
    "case_said, NULL::VARCHAR AS case_no, 'not-exported' AS case_state, kind, 1::BIGINT AS networks, "
    "NULL::BIGINT AS reach_back_days, declared, NULL::BOOLEAN AS participating, false AS elsewhere FROM given"
)
PHRASES = (
    "SELECT i AS phrase, CAST(i AS VARCHAR) AS reason, 'value' AS reason_state, NULL::VARCHAR AS offense, "
    "'not-exported' AS offense_state, 'explicit' AS tier, []::VARCHAR[] AS patterns, []::VARCHAR[] AS evidence, "
    "'stated' AS said, purposes, for_agencies, []::VARCHAR[] AS tags FROM given"
)
SEARCHERS = (
    "SELECT CAST(i AS INTEGER) AS searcher_no, CAST(i AS VARCHAR) AS searcher, 'value' AS searcher_state, '' AS ori, "
    "'' AS state, agency, declared_agency AS agency_declared, may_be FROM given"
)


@contextmanager
def tallied(case: Case) -> Iterator[tuple[list[dict[str, Any]], Decided]]:
    """Yield the findings of a case, in the order of its rows."""
    with TemporaryDirectory() as name, duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        engine.execute(
            "CREATE TABLE given (i BIGINT, agency VARCHAR, declared_agency VARCHAR, may_be VARCHAR[], "
            "declared BOOLEAN, purposes VARCHAR[], for_agencies VARCHAR[], case_said VARCHAR, kind VARCHAR)"
        )
        for number, row in enumerate(case.rows):
            held = [
                row.agency, row.declared_agency, list(row.may_be), row.declared,
                None if row.purposes is None else list(row.purposes),
                None if row.for_agencies is None else list(row.for_agencies), row.case_said, row.kind,
            ]  # fmt: skip
            engine.execute("INSERT INTO given VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [number, *held])
        paths = {
            kind: Path(name, f"{kind}.parquet") for kind in ("accesses", "phrases", "searchers", "findings")
        }
        for kind, query in (("accesses", ACCESSES), ("phrases", PHRASES), ("searchers", SEARCHERS)):
            engine.execute(f"COPY ({query}) TO '{paths[kind]}' (FORMAT parquet)")
        relations = [Relation(0, number, own=False) for number in range(len(case.rows))]
        sources = Sources(
            [paths["accesses"]], paths["phrases"], paths["searchers"], {0: "Sample"}, relations, ()
        )
        tally = Tally(
            engine, Decider(case.pack, make_asked(case.pack, case.log)), sources, scratch=Path(name)
        )
        decided = tally.decide(lambda *_: None)
        tally.write("findings", "sample", paths["findings"])
        found = engine.execute(f"SELECT * FROM read_parquet('{paths['findings']}') ORDER BY row")
        names = [column[0] for column in found.description or ()]
        yield [dict(zip(names, one, strict=True)) for one in found.fetchall()], decided


@dataclass(frozen=True)
class Tried:
    """What the order says of one completion."""

    outcome: Outcome
    policies: frozenset[str]
    clauses: frozenset[str]


def known_of(request: Mapping[str, Any], case: Case, asked: Asked) -> dict[str, Fact]:
    """Return the facts that a row tells: of what the cells say, and of what stands for all rows."""
    known = dict(asked.constants)
    for path, said in case.log.facts.items():
        if said.source is not None:
            value = request[said.source]
            value = said.words.get(value) if said.words else value
            if value is not None and value not in said.open_where:
                known[path] = value
    return known


def try_all(row: Row, case: Case, asked: Asked) -> tuple[list[Tried], bool]:
    """Return what the order says of every completion of a row, or of some that are drawn, and whether it is every."""
    specs = specs_of(case.pack, case.log)
    chance = random.Random(case.seed)  # noqa: S311  # the same in each run of an example
    found: dict[tuple[tuple[str, Fact], ...], Tried] = {}
    whole = True
    requests = list(row.requests())
    for request in requests:
        known = known_of(request, case, asked)
        missing = [path for path in specs if path not in known]
        leaders = [path for path in missing if asked.same.get(path) not in missing]
        choices = [values(specs[path]) for path in leaders]
        size = 1
        for choice in choices:
            size *= len(choice)
        every = product(*choices)
        drawn = (tuple(map(chance.choice, choices)) for _ in range(MAX_TRIED // len(requests)))
        whole = whole and size <= MAX_TRIED
        for chosen in every if size <= MAX_TRIED else drawn:
            given = known | dict(zip(leaders, chosen, strict=True))
            given |= {path: given[asked.same[path]] for path in missing if path not in given}
            said = decide_one(case.pack, case.log, given)
            found[tuple(sorted(given.items()))] = Tried(
                said.outcome, frozenset(said.policies), frozenset(said.clauses)
            )
    return list(found.values()), whole


def check_outcomes(one: Mapping[str, Any], tried: list[Tried], *, whole: bool) -> None:
    """Hold a finding's result against every completion."""
    outcomes = frozenset(each.outcome for each in tried)
    possible = frozenset(map(Outcome, one["possible"]))
    assert outcomes <= possible
    result = Result(one["result"])
    assert result is make_result(possible)
    if result is Result.INCONSISTENT:
        assert outcomes == {Outcome.DENY}
    elif result is Result.CONSISTENT:
        assert outcomes <= OPENED
    elif result is Result.REFERRED:
        assert outcomes <= KEPT_CLOSED
    elif whole:
        assert outcomes == possible  # what the query left open was tried, and nothing else is named
    assert (one["outcome"] is None) == (len(possible) > 1)


def check_clauses(one: Mapping[str, Any], tried: list[Tried]) -> None:
    """Hold what a finding is said to fall under against every completion."""
    always = frozenset.intersection(*(each.policies for each in tried))
    named = frozenset(one["clauses"])
    assert frozenset(one["policies"]) <= always
    if one["clauses_certain"]:
        assert all(named <= each.clauses for each in tried)
    elif one["result"] == "inconsistent":
        assert all(named & each.clauses for each in tried)
    else:
        assert not named
        # What may decide is told whole: no completion falls under anything else.
        assert all(each.clauses <= frozenset(one["clauses_perhaps"]) for each in tried)
        return
    assert not one["clauses_perhaps"]


def check(case: Case) -> set[str]:
    """Return the results that a case has, each held against the completions of its row."""
    asked = make_asked(case.pack, case.log)
    with tallied(case) as (found, decided):
        assert [one["row"] for one in found] == list(range(len(case.rows)))
        for row, one in zip(case.rows, found, strict=True):
            tried, whole = try_all(row, case, asked)
            check_outcomes(one, tried, whole=whole and not decided.untried)
            check_clauses(one, tried)
        return {one["result"] for one in found}


QUIET = settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize(("order", "log"), LOGS)
@QUIET
@given(st.data())
def test_a_result_holds_for_every_completion(order: str, log: str, data: st.DataObject) -> None:
    check(data.draw(cases(order, log)))


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("order", "log"), LOGS)
@settings(QUIET, max_examples=200)
@given(st.data())
def test_a_result_holds_for_every_completion_of_many(order: str, log: str, data: st.DataObject) -> None:
    check(data.draw(cases(order, log)))
