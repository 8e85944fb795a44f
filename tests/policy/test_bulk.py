"""One meaning in bulk: the order as SQL on DuckDB and PostgreSQL gives each row the answer that the order gives it.

And with facts missing: what is called certain is so for every completion, what is possible may come about.
"""

import json
import random
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from doorward.cedar.dialects import DIALECTS, DUCKDB, POSTGRESQL, SPARK, Dialect
from doorward.cedar.hierarchy import Hierarchy
from doorward.cedar.types import BOOL, DATETIME
from doorward.cedar.values import Datetime
from doorward.errors import PolicyError
from doorward.orders.load import Pack, load_pack, shipped_orders
from doorward.policy.bulk import Sources, write_query, write_unsure_query
from doorward.policy.completions import MAX_COMPLETIONS, find_possible
from doorward.policy.decision import Outcome
from doorward.policy.request import NOW, Fact, FactSpec, Request, Resource
from doorward.policy.symbolic import Symbolic, SymbolicOrder
from tests_support.order_cases import NOON

TEXTS = ("", "JH123456", "FBI-2026-0042", "é", "%", "_'", "a\\b", "😀")
Execute = Callable[[str], Sequence[tuple[Any, ...]]]
ENVIRONMENTS = [
    (name, action, kind)
    for name in shipped_orders()
    for action, kinds in load_pack(name).requests.actions.items()
    for kind in kinds
]


@cache
def pack_of(order: str) -> Pack:
    return load_pack(order)


@cache
def symbolic(order: str, action: str, kind: str) -> SymbolicOrder:
    pack = pack_of(order)
    hierarchy = Hierarchy({uid: found.above | {uid} for uid, found in pack.requests.entities.items()})
    return Symbolic(pack.policies, pack.requests, hierarchy).order(action, kind)


def seeded(seed: object) -> random.Random:
    return random.Random(str(seed))  # noqa: S311  # cases, and the same ones in each run


def draw(spec: FactSpec, rng: random.Random) -> Fact:
    if spec.words is not None:
        return rng.choice(spec.words)
    if spec.type == BOOL:
        return rng.random() < 0.5
    if spec.type == DATETIME:
        return Datetime(rng.randint(-(10**13), 10**13))
    return rng.choice(TEXTS)


def stated(pack: Pack, kind: str) -> dict[str, FactSpec]:
    """The facts that a row has a column for: those that are not computed."""
    return {path: spec for path, spec in pack.requests.specs(kind).items() if spec.definition is None}


def make_requests(pack: Pack, action: str, kind: str, count: int, rng: random.Random) -> list[Request]:
    """Random requests; half of them with only a few facts away from what is not known, so that something opens."""
    model, specs = pack.requests, stated(pack, kind)
    ids = model.ids(kind) if model.resources[kind].in_file else ("",)
    made = []
    for _ in range(count):
        paths = [path for path in specs if path != NOW]
        chosen = paths if rng.random() < 0.5 else rng.sample(paths, min(len(paths), 10))
        given = {path: draw(specs[path], rng) for path in chosen}
        request = pack.request(given, resource=Resource(kind, rng.choice(ids)), now=NOON, action=action)
        made.append(request)
    return made


def rows_of(
    pack: Pack, kind: str, requests: Iterable[Request], hidden: Sequence[set[str]] = ()
) -> Iterator[list[Any]]:
    """The requests as rows: their number, their resource, and each fact; hidden ones are None."""
    specs = stated(pack, kind)
    for number, request in enumerate(requests):
        gone = hidden[number] if hidden else set()
        facts = (None if path in gone else request.facts[path] for path in specs)
        plain = (value.ms if isinstance(value, Datetime) else value for value in facts)
        yield [number, request.resource.id, *plain]


def layout(pack: Pack, kind: str, dialect: Dialect) -> dict[str, str]:
    """The columns of such a table with their types."""
    facts = {f"f{n}": dialect.type_name(spec.type) for n, spec in enumerate(stated(pack, kind).values())}
    return {"n": "BIGINT", "res": dialect.text} | facts


def sources(pack: Pack, kind: str, table: str = "requests") -> Sources:
    columns = {path: f"f{place}" for place, path in enumerate(stated(pack, kind))}
    if pack.requests.resources[kind].in_file:
        columns["resource"] = "res"
    return Sources(table, columns, {}, keep=["n"])


def check_rows(
    pack: Pack, order: SymbolicOrder, requests: Sequence[Request], dialect: Dialect, execute: Execute
) -> int:
    """Compare every row's answer; gives how many rows a policy answers."""
    informative = 0
    rows = sources(pack, order.resource)
    found = execute(write_query(order, pack.requests, dialect, rows))
    quick = execute(write_query(order, pack.requests, dialect, rows, policies=False))
    assert sorted(quick) == sorted((n, outcome) for n, outcome, _ in found)
    assert len(found) == len(requests)
    for number, outcome, policies in found:
        decision = pack.decide(requests[number])
        assert (outcome, policies.split()) == (decision.outcome.value, list(decision.policies))
        informative += bool(policies)
    return informative


class Duck:
    """DuckDB in memory, with the requests of a test in a table."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(config={"threads": 1})

    def load(
        self, pack: Pack, kind: str, requests: Sequence[Request], hidden: Sequence[set[str]] = ()
    ) -> None:
        columns = layout(pack, kind, DUCKDB)
        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            for row in rows_of(pack, kind, requests, hidden):
                file.write(json.dumps(dict(zip(columns, row, strict=True))) + "\n")
            file.flush()
            types = ", ".join(f"{name}: '{kind}'" for name, kind in columns.items())
            self._connection.execute(
                f"CREATE OR REPLACE TABLE requests AS SELECT * FROM read_json('{file.name}', columns = {{{types}}})"
            )

    def __call__(self, query: str) -> Sequence[tuple[Any, ...]]:
        return self._connection.execute(query).fetchall()


@pytest.fixture(name="duck", scope="module")
def duck_fixture() -> Duck:
    return Duck()


@pytest.mark.parametrize(("order", "action", "kind"), ENVIRONMENTS)
def test_duckdb_gives_each_row_the_orders_answer(order: str, action: str, kind: str, duck: Duck) -> None:
    pack, rng = pack_of(order), seeded(f"{order}{action}{kind}")
    requests = make_requests(pack, action, kind, 250, rng)
    duck.load(pack, kind, requests)
    check_rows(pack, symbolic(order, action, kind), requests, DUCKDB, duck)


def test_ten_thousand_informative_rows_on_postgresql_and_the_same_in_duckdb(
    postgres: psycopg.Connection[Any], duck: Duck
) -> None:
    def execute(query: str) -> Sequence[tuple[Any, ...]]:
        return postgres.execute(query.encode()).fetchall()

    pack, rng = pack_of("chicago"), seeded(3)
    requests = make_requests(pack, "query", "Record", 12_500, rng)
    order = symbolic("chicago", "query", "Record")
    columns = ", ".join(f"{name} {kind}" for name, kind in layout(pack, "Record", POSTGRESQL).items())
    postgres.execute(f"CREATE TEMP TABLE requests ({columns})".encode())
    with postgres.cursor().copy("COPY requests FROM STDIN") as copy:
        for row in rows_of(pack, "Record", requests):
            copy.write_row(row)
    duck.load(pack, "Record", requests)
    informative = check_rows(pack, order, requests, POSTGRESQL, execute)
    assert informative >= 10_000
    assert check_rows(pack, order, requests, DUCKDB, duck) == informative


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("order", shipped_orders())
def test_a_query_is_one_text_for_one_order(order: str, dialect: str) -> None:
    pack = pack_of(order)
    for _, action, kind in (found for found in ENVIRONMENTS if found[0] == order):
        rows = sources(pack, kind)
        one, two = (
            write_query(symbolic(order, action, kind), pack.requests, DIALECTS[dialect], rows)
            for _ in range(2)
        )
        assert one == two


def hide(pack: Pack, count: int, rng: random.Random) -> set[str]:
    paths = [path for path, spec in stated(pack, "Record").items() if spec.type != DATETIME]
    return set(rng.sample(paths, count))


def completions(pack: Pack, request: Request, hidden: set[str]) -> set[tuple[Outcome, frozenset[str]]] | None:
    """Outcome and policies of every completion, tried one by one; None where there are too many."""
    specs = stated(pack, request.resource.type)
    texts = {value for value in request.facts.values() if isinstance(value, str)} | {"", "other", "another"}
    values = [
        specs[path].words or ((False, True) if specs[path].type == BOOL else tuple(texts)) for path in hidden
    ]
    size = 1
    for choice in values:
        size *= len(choice)
    if size > MAX_COMPLETIONS:
        return None
    changed = (
        pack.requests.change(request, dict(zip(hidden, choice, strict=True))) for choice in product(*values)
    )
    return {(found.outcome, frozenset(found.policies)) for found in map(pack.decide, changed)}


@pytest.mark.parametrize("order", ["chicago", "hospital-records"])
def test_what_is_certain_or_possible_with_facts_missing(order: str, duck: Duck) -> None:
    pack, rng = pack_of(order), seeded(5)
    action = "query"
    requests = make_requests(pack, action, "Record", 400, rng)
    hidden = [hide(pack, rng.randint(1, 4), rng) for _ in requests]
    made = symbolic(order, action, "Record")
    duck.load(pack, "Record", requests, hidden)
    rows = sources(pack, "Record")
    found = duck(write_unsure_query(made, pack.requests, DUCKDB, rows, policies=True))
    assert len(found) == len(requests)
    assert duck(write_unsure_query(made, pack.requests, DUCKDB, rows)) == [row[:3] for row in found]
    compared = certain = narrowed = by_name = 0
    for number, outcome, possible, policies, perhaps in found:
        request, gone = requests[number], hidden[number]
        known = {path: request.facts[path] for path in stated(pack, "Record") if path not in gone}
        second = find_possible(made, pack.requests, known)
        tried = completions(pack, request, gone)
        claimed = {Outcome(word) for word in possible.split()}
        if tried is None:
            assert pack.decide(request).outcome in claimed
            continue
        compared += 1
        outcomes = {found_outcome for found_outcome, _ in tried}
        assert outcomes <= claimed
        assert outcome is None or outcomes == {Outcome(outcome)}
        assert second.exact
        assert set(second.outcomes) == outcomes
        for _, deciding in tried:
            assert set(policies.split()) <= deciding <= set(perhaps.split())
        by_name += bool(policies)
        certain += outcome is not None
        narrowed += outcome is None and second.certain is not None
    assert compared >= 200
    assert certain >= 50
    assert by_name >= 50


def test_a_row_with_everything_known_is_certain(duck: Duck) -> None:
    pack = pack_of("chicago")
    requests = make_requests(pack, "query", "Record", 200, seeded(9))
    duck.load(pack, "Record", requests)
    rows = sources(pack, "Record")
    query = write_unsure_query(symbolic("chicago", "query", "Record"), pack.requests, DUCKDB, rows)
    for number, outcome, possible in duck(query):
        assert outcome == possible == pack.decide(requests[number]).outcome.value


def test_what_has_no_source_is_refused() -> None:
    pack = pack_of("chicago")
    order = symbolic("chicago", "query", "Record")
    with pytest.raises(PolicyError, match="and no column or constant has it"):
        write_query(order, pack.requests, DUCKDB, Sources("rows", {}, {}))
    with pytest.raises(PolicyError, match=r"`context.nothing` is no fact"):
        write_query(order, pack.requests, DUCKDB, Sources("rows", {"context.nothing": "x"}, {}))


def test_facts_that_are_the_same_in_every_row_need_no_column(duck: Duck) -> None:
    pack = pack_of("chicago")
    (request,) = make_requests(pack, "query", "Record", 1, seeded(1))
    facts = {path: request.facts[path] for path in stated(pack, "Record")}
    query = write_query(
        symbolic("chicago", "query", "Record"),
        pack.requests,
        DUCKDB,
        Sources("(SELECT 1 AS n)", {}, facts, ["n"]),
    )
    decision = pack.decide(request)
    assert duck(query) == [(1, decision.outcome.value, " ".join(decision.policies))]


@pytest.mark.long
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # Spark's bridge leaves its sockets open
def test_spark_gives_each_row_the_orders_answer(tmp_path: Path) -> None:
    """Where Spark is installed; it is no part of what a new machine has."""
    sql = pytest.importorskip("pyspark.sql", reason="Spark is not installed")
    spark = sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    for order, action, kind in ENVIRONMENTS:
        pack = pack_of(order)
        requests = make_requests(pack, action, kind, 200, seeded((order, action, kind)))
        columns, file = layout(pack, kind, SPARK), tmp_path / f"{order}-{action}-{kind}.json"
        rows = (json.dumps(dict(zip(columns, row, strict=True))) for row in rows_of(pack, kind, requests))
        file.write_text("\n".join(rows), encoding="utf-8")
        schema = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        spark.read.schema(schema).json(str(file)).createOrReplaceTempView("requests")
        check_rows(
            pack,
            symbolic(order, action, kind),
            requests,
            SPARK,
            lambda query: [tuple(row) for row in spark.sql(query).collect()],
        )
    spark.stop()
