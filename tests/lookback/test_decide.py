"""What an audit says of sets of facts: the order's SQL, the completions, and a decision row by row agree."""

import random
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from typing import Any

import duckdb
import pytest

from doorward.cedar.types import BOOL
from doorward.errors import ConfigError
from doorward.lookback.decide import FACTS, Decider, decide, each_request
from doorward.lookback.reading.accounting import SourceReport
from doorward.lookback.request import TOLD, make_asked
from doorward.lookback.rules import NO_PAPER, choose_rules
from doorward.lookback.verdict import Answer, Result, combine, make_result
from doorward.orders.lexicon import Log, Told
from doorward.orders.load import load_pack
from doorward.orders.pack import Pack
from doorward.policy.decision import Outcome
from doorward.policy.request import Fact, Resource
from tests_support.order_cases import NOON

PLATES = Resource("Collection", "alpr")
TOLD_FACTS = {
    "principal.agency": Told("searcher"),
    "context.requester.agency": Told("searcher"),
    "context.purpose": Told("purpose"),
    "context.for_agency": Told("for-agency"),
    "context.declaration": Told("declaration"),
    "context.register.standing": Told("case", words={"none": "unverified"}),
    "context.register.kind": Told(value="criminal"),
    "context.channel": Told(value="vendor"),
    "context.emergency": Told(value=False),
    "context.task_force.member": Told(value=False),
    "context.task_force.civil_excluded": Told(value=False),
    "context.task_force.attested": Told(value=False),
    "context.requester.identified": Told(value="claimed"),
    "context.initiative": Told(value="asked"),
}
AGENCIES = (
    ["CPD"], ["ICE"], ["HSI"], ["FBI"], ["IL-PD"], ["WI-PD"], ["IN-PD"], ["OUT-OF-STATE", "OUT-OF-STATE-DECLARED"],
    None,
)  # fmt: skip
PURPOSES = (
    ["unknown"], ["civil-immigration-enforcement"], ["criminal-investigation"], ["traffic-safety"],
    ["criminal-investigation", "civil-immigration-enforcement"], None,
)  # fmt: skip
FOR = (["unknown"], ["CPD"], ["HSI"], ["ICE"], ["CPD", "ICE"], None)
SETS = tuple(product(AGENCIES, PURPOSES, FOR, ("given", "none", None), (True, False, None)))


@cache
def chicago() -> Pack:
    return load_pack("chicago")


@cache
def decider() -> Decider:
    return Decider(chicago(), make_asked(chicago(), Log("query", PLATES, TOLD_FACTS)))


def silent(stage: str, done: int, total: int) -> None:
    del stage, done, total


@pytest.fixture(name="duck")
def duck_fixture() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        columns = ", ".join(f"{name} {kind}" for name, kind in FACTS)
        connection.execute(f"CREATE TABLE facts (facts UBIGINT, n BIGINT, {columns})")
        yield connection


def put(duck: duckdb.DuckDBPyConnection, sets: list[tuple[Any, ...]]) -> None:
    rows = [[number, 1 + number % 3, *one] for number, one in enumerate(sets)]
    duck.executemany(
        "INSERT INTO facts (facts, n, agencies, purposes, for_agencies, case_said, declared) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def open_values(path: str) -> tuple[Fact, ...]:
    spec = chicago().requests.specs("Collection")[path]
    if spec.words is not None:
        return spec.words
    return (False, True) if spec.type == BOOL else ("",)


def row_by_row(one: tuple[Any, ...]) -> tuple[frozenset[Outcome], frozenset[str], frozenset[str]] | None:
    """Outcomes, policies in every completion, policies in some, by trying each; None where there are too many."""
    found: list[tuple[Outcome, frozenset[str]]] = []
    facts = dict(zip(("agencies", "purposes", "for_agencies", "case_said", "declared"), one, strict=True))
    for request in each_request(facts, decider().asked.reads):
        known = told(request)
        missing = [path for path in TOLD_FACTS if path not in known] + ["principal.role"]
        choices = [open_values(path) for path in missing]
        size = 1
        for choice in choices:
            size *= len(choice)
        if size > 3000:
            return None
        for chosen in product(*choices):
            given = known | dict(zip(missing, chosen, strict=True))
            if given["context.requester.agency"] != given["principal.agency"]:
                continue  # one cell tells both
            decision = chicago().decide(chicago().request(given, resource=PLATES, now=NOON))
            found.append((decision.outcome, frozenset(decision.policies)))
    each = [policies for _, policies in found]
    return frozenset(o for o, _ in found), frozenset.intersection(*each), frozenset().union(*each)


def told(request: Mapping[str, Any]) -> dict[str, Fact]:
    known: dict[str, Fact] = {}
    for path, said in TOLD_FACTS.items():
        if said.value is not None:
            known[path] = said.value
            continue
        assert said.source is not None
        value = request[TOLD[said.source]]
        value = said.words.get(value) if said.words else value
        if value is not None:
            known[path] = value
    return known


def test_the_query_and_a_decision_row_by_row_agree(duck: duckdb.DuckDBPyConnection) -> None:
    rng = random.Random(7)  # noqa: S311  # the same cases in each run
    sets = [one for one in rng.sample(SETS, 400) if sum(part is None for part in one) <= 1]
    put(duck, sets)
    done = decide(duck, decider(), "facts", "verdicts", silent)
    assert (done.sets, done.untried) == (len(sets), 0)
    rows = duck.execute(
        "SELECT facts, result, outcome, possible, policies, perhaps FROM verdicts ORDER BY facts"
    ).fetchall()
    assert [row[0] for row in rows] == list(range(len(sets)))
    compared = 0
    results = set()
    for number, result, outcome, possible, policies, perhaps in rows:
        expected = row_by_row(sets[number])
        if expected is None:
            continue
        compared += 1
        outcomes, always, sometimes = expected
        assert frozenset(map(Outcome, possible)) >= outcomes
        if Result(result) is not make_result(
            outcomes
        ):  # only where one open cell stands in several conditions
            assert Result(result) is not Result.INCONSISTENT
            assert Result(result) is not Result.CONSISTENT
        assert outcome is None or {Outcome(outcome)} == outcomes
        assert set(policies) <= always
        assert sometimes <= set(policies) | set(perhaps) | {
            policy for policy in sometimes if not outcomes & {Outcome.DENY, Outcome.REFER}
        }
        results.add(result)
    assert compared >= 150
    assert results >= {"inconsistent", "referred", "cannot-tell"}


def test_nothing_open_is_decided_as_the_order_decides(duck: duckdb.DuckDBPyConnection) -> None:
    put(
        duck,
        [
            (["CPD"], ["criminal-investigation"], ["CPD"], "none", False),
            (["ICE"], ["unknown"], ["ICE"], "given", None),
        ],
    )
    decide(duck, decider(), "facts", "verdicts", silent)
    found = duck.execute("SELECT result, outcome, clauses FROM verdicts ORDER BY facts").fetchall()
    assert found[0][:2] == ("referred", "refer")
    assert found[1][1] == "refer"


def test_an_empty_log_has_no_verdicts(duck: duckdb.DuckDBPyConnection) -> None:
    done = decide(duck, decider(), "facts", "verdicts", silent)
    assert (done.sets, done.narrowed, done.untried, done.accesses_untried) == (0, 0, 0, 0)
    assert duck.execute("SELECT count(*) FROM verdicts").fetchone() == (0,)


def test_sets_that_differ_only_in_what_the_order_does_not_read_are_one(
    duck: duckdb.DuckDBPyConnection,
) -> None:
    put(duck, [(["CPD"], ["unknown"], ["CPD"], "none", False)] * 5)
    duck.execute("UPDATE facts SET kind = 'lookup' WHERE facts < 2")
    assert decide(duck, decider(), "facts", "verdicts", silent).sets == 1
    assert duck.execute("SELECT count(*) FROM verdicts").fetchone() == (5,)


@pytest.mark.parametrize(
    ("possible", "result"),
    [
        ({Outcome.DENY}, Result.INCONSISTENT),
        ({Outcome.DENY, Outcome.REFER}, Result.REFERRED),
        ({Outcome.REFER}, Result.REFERRED),
        ({Outcome.PERMIT, Outcome.OUTSIDE}, Result.CONSISTENT),
        ({Outcome.DENY, Outcome.PERMIT}, Result.CANNOT_TELL),
        (set(Outcome), Result.CANNOT_TELL),
    ],
)
def test_what_can_be_said_of_outcomes(possible: set[Outcome], result: Result) -> None:
    assert make_result(frozenset(possible)) is result


def test_an_access_that_is_one_of_two_requests_has_the_policies_of_both() -> None:
    one = Answer(frozenset({Outcome.DENY}), frozenset({"a", "b"}), frozenset({"a", "b", "c"}))
    two = Answer(frozenset({Outcome.PERMIT}), frozenset({"b"}), frozenset({"b", "d"}))
    assert combine([one, two]) == Answer(
        frozenset({Outcome.DENY, Outcome.PERMIT}), frozenset({"b"}), frozenset({"a", "b", "c", "d"})
    )


def test_a_fact_of_another_type_is_refused() -> None:
    facts = {**TOLD_FACTS, "context.declaration": Told("searcher")}
    with pytest.raises(ConfigError, match=r"`context.declaration` cannot be told by `searcher`"):
        make_asked(chicago(), Log("query", PLATES, facts))


@pytest.mark.parametrize(
    ("order", "log", "notes"),
    [
        ("chicago", "plate-reader", (NO_PAPER,)),
        ("hospital-records", "door", (NO_PAPER,)),
        ("oregon", "plate-reader", ()),  # there a paper is open: it may have been shown
        ("chicago", "other", ()),  # no access is put to it
    ],
)
def test_an_order_says_where_no_paper_was_taken_as_shown(
    order: str, log: str, notes: tuple[str, ...]
) -> None:
    report = SourceReport(0, "log.csv", "log.csv", "", 0, "csv", "", log=log)
    (rules,) = choose_rules([load_pack(order)], (), [report]).rules
    assert rules.notes == notes
