"""CPU time of one decision, and of a million: compiled Python and SQL beside cedarpy and vakt, in one run.

The same policies for all: conjunctions over the facts of a query about a row, drawn from a seed, at 10, 50 and 200.
Python and cedarpy give the applying policies; vakt gives allow or deny and stops at the first that decides.

Run: .venv/bin/python bench/bench_decide.py [repetitions]. CPU microseconds of this process; minimum and median. vakt is
paired where it is installed.
"""

import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import cedarpy
import duckdb

from doorward.cedar.dialects import DUCKDB
from doorward.cedar.hierarchy import Hierarchy
from doorward.cedar.types import BOOL, DATETIME, EntityType
from doorward.cedar.values import Datetime
from doorward.orders.load import load_pack
from doorward.orders.pack import Pack
from doorward.policy.bulk import Sources, write_query
from doorward.policy.evaluate import Evaluator
from doorward.policy.parse import parse_policies
from doorward.policy.request import NOW, Fact, FactSpec, Resource
from doorward.policy.symbolic import Symbolic

try:
    import vakt
    from vakt.rules import Eq, In, NotEq, NotIn
except ImportError:
    vakt = None

SIZES = (10, 50, 200)
ROWS = 1_000_000
WHEN = datetime(2026, 3, 1, tzinfo=UTC)
TEXTS = ("", "JH123456", "JH123457", "FBI-2026-0042")


@dataclass(frozen=True)
class Test:
    """One part of a condition: a fact, whether it is one of some values, and how Cedar writes that."""

    path: str
    values: tuple[Fact, ...]
    cedar: str
    wanted: bool = True


def make_tests(pack: Pack) -> list[Test]:
    """Return the parts that conditions are drawn from."""
    tests = []
    for path, spec in pack.requests.specs("Record").items():
        if spec.definition is not None or path in {NOW, "resource.collection"}:
            continue
        if spec.type == BOOL:
            tests.append(Test(path, (True,), path))
            tests.append(Test(path, (True,), f"!{path}", wanted=False))
        elif spec.words is not None and not isinstance(spec.type, EntityType):
            for word in spec.words[:6]:
                tests.append(Test(path, (word,), f'{path} == "{word}"'))
                tests.append(Test(path, (word,), f'{path} != "{word}"', wanted=False))
    entities = pack.requests.entities
    groups = [uid for uid in entities if uid.type == "Group"]
    for path in ("context.requester.agency", "context.for_agency"):
        for group in groups:
            inside = tuple(u.id for u, e in entities.items() if u.type == "Agency" and group in e.above)
            tests.append(Test(path, inside, f"{path} in {group}"))
            tests.append(Test(path, inside, f"!({path} in {group})", wanted=False))
    return tests


def make_policies(pack: Pack, count: int, rng: random.Random) -> tuple[Pack, list[tuple[str, list[Test]]]]:
    """Return the pack with drawn policies in place of its own, and what each asks."""
    tests, drawn, text = make_tests(pack), [], []
    clause = next(iter(clause.id for clause in pack.clauses.values() if clause.decides))
    for number in range(count):
        effect = "permit" if number % 3 == 0 else "forbid"
        parts = rng.sample(tests, rng.randint(2, 4))
        drawn.append((effect, parts))
        condition = " && ".join(part.cedar for part in parts)
        text.append(
            f'@id("p{number}") @clauses("{clause}") @says("x")\n'
            f'{effect} (principal, action == Action::"query", resource is Record) when {{ {condition} }};'
        )
    clauses = {clause.id: clause.decides for clause in pack.clauses.values()}
    policies, findings = parse_policies({"drawn.cedar": "\n".join(text)}, clauses=clauses)
    assert not findings
    schema = next(text for name, text in pack.files.items() if name.endswith(".cedarschema"))
    entities = [
        e for name, text in pack.files.items() if name.startswith("entities/") for e in json.loads(text)
    ]
    known = {(e["uid"]["type"], e["uid"]["id"]) for e in entities}
    for uid, entity in pack.requests.entities.items():
        if (uid.type, uid.id) not in known:
            parents = [{"type": up.type, "id": up.id} for up in entity.above if up != uid]
            entities.append({"uid": {"type": uid.type, "id": uid.id}, "attrs": {}, "parents": parents})
    evaluator = Evaluator(policies, schema=schema, entities=entities, model=pack.requests)
    return replace(pack, policies=policies, evaluator=evaluator), drawn


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  # the same cases in each run


def draw(spec: FactSpec, rng: random.Random) -> Fact:
    if spec.words is not None:
        return rng.choice(spec.words)
    if spec.type == BOOL:
        return rng.random() < 0.5
    return Datetime(0) if spec.type == DATETIME else rng.choice(TEXTS)


def make_rows(pack: Pack, count: int, rng: random.Random) -> list[dict[str, Fact]]:
    specs = {
        path: spec
        for path, spec in pack.requests.specs("Record").items()
        if spec.definition is None and path != NOW
    }
    return [{path: draw(spec, rng) for path, spec in specs.items()} for _ in range(count)]


def cpu(work: Callable[[int], object], count: int, repetitions: int) -> tuple[float, float]:
    """Return minimum and median CPU microseconds of one call, over batches that go through all inputs."""
    seconds = []
    for _ in range(repetitions):
        started = time.process_time()
        for number in range(count):
            work(number)
        seconds.append((time.process_time() - started) / count)
    return min(seconds) * 1e6, statistics.median(seconds) * 1e6


def make_vakt(drawn: Sequence[tuple[str, list[Test]]]) -> "vakt.Guard":
    storage = vakt.MemoryStorage()
    for number, (effect, parts) in enumerate(drawn):
        context = {}
        for part in parts:
            one, many = (Eq, In) if part.wanted else (NotEq, NotIn)
            context[part.path] = one(part.values[0]) if len(part.values) == 1 else many(*part.values)
        storage.add(
            vakt.Policy(
                number,
                effect=vakt.ALLOW_ACCESS if effect == "permit" else vakt.DENY_ACCESS,
                subjects=[vakt.rules.Any()],
                actions=[Eq("query")],
                resources=[Eq("Record")],
                context=context,
            )
        )
    return vakt.Guard(storage, vakt.RulesChecker())


def bench_python(pack: Pack, drawn: Sequence[tuple[str, list[Test]]], repetitions: int) -> None:
    rng = seeded(2)
    rows = make_rows(pack, 300, rng)
    requests = [pack.request(row, resource=Resource("Record"), now=WHEN) for row in rows]
    question = pack.decider.question("query", Resource("Record"))
    for request in requests:
        assert pack.decider.apply(request) == pack.evaluator.apply(request)

    def decide_row(number: int) -> object:
        return pack.decide(pack.request(rows[number], resource=Resource("Record"), now=WHEN))

    ready = [(r.facts, r.login, r.resource.id) for r in requests]
    engine = [pack.evaluator.prepare(request) for request in requests]
    sides: dict[str, Callable[[int], object]] = {
        "which policies apply, facts ready": lambda n: question.ask(*ready[n]),
        "decision with reasons, request ready": lambda n: pack.decide(requests[n]),
        "decision with reasons, from a row": decide_row,
        "cedarpy, handles and request ready": lambda n: cedarpy.is_authorized(*engine[n]),
        "cedarpy, handles, from a row": lambda n: pack.evaluator.apply(
            pack.request(rows[n], resource=Resource("Record"), now=WHEN)
        ),
    }
    if vakt is not None:
        guard = make_vakt(drawn)
        inquiries = [
            vakt.Inquiry(subject="x", action="query", resource="Record", context=dict(request.facts))
            for request in requests
        ]
        sides["vakt, inquiry ready"] = lambda n: guard.is_allowed(inquiries[n])
    for name, work in sides.items():
        work(0)
        least, middle = cpu(work, len(rows), repetitions)
        print(f"  {name:<40} min {least:>10.2f} us   median {middle:>10.2f} us CPU")


def bench_sql(pack: Pack, repetitions: int) -> None:
    rng = seeded(3)
    connection = duckdb.connect(config={"threads": 1})
    specs = [p for p, s in pack.requests.specs("Record").items() if s.definition is None and p != NOW]
    rows = make_rows(pack, 20_000, rng)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        for row in rows:
            file.write(json.dumps({f"f{n}": row[path] for n, path in enumerate(specs)}) + "\n")
        file.flush()
        types = ", ".join(
            f"f{n}: '{DUCKDB.type_name(pack.requests.specs('Record')[path].type)}'"
            for n, path in enumerate(specs)
        )
        connection.execute(
            f"CREATE TABLE few AS SELECT * FROM read_json('{file.name}', columns = {{{types}}})"
        )
    connection.execute(f"CREATE TABLE plain AS SELECT few.* FROM few, range({ROWS // len(rows)})")
    texts = [n for n, path in enumerate(specs) if pack.requests.specs("Record")[path].type != BOOL]
    for n in texts:
        connection.execute(f"CREATE TYPE e{n} AS ENUM (SELECT DISTINCT f{n} FROM few ORDER BY 1)")
    coded = ", ".join(f"f{n}::e{n} AS f{n}" if n in texts else f"f{n}" for n in range(len(specs)))
    connection.execute(f"CREATE TABLE coded AS SELECT {coded} FROM plain")
    hierarchy = Hierarchy({uid: found.above | {uid} for uid, found in pack.requests.entities.items()})
    order = Symbolic(pack.policies, pack.requests, hierarchy).order("query", "Record")
    columns = {path: f"f{n}" for n, path in enumerate(specs)}
    for table in ("plain", "coded"):
        for policies in (False, True):
            text = write_query(
                order, pack.requests, DUCKDB, Sources(table, columns, {NOW: Datetime(0)}), policies=policies
            )
            counted = f"SELECT outcome, count(*) FROM ({text}) GROUP BY 1"
            if policies:
                counted = f"SELECT outcome, sum(length(policies)) FROM ({text}) GROUP BY 1"
            seconds = []
            for _ in range(max(3, repetitions // 2)):
                started = time.process_time()
                connection.execute(counted).fetchall()
                seconds.append(time.process_time() - started)
            what = "outcome and policies" if policies else "outcome"
            print(
                f"  SQL, {table} columns, {what:<22} {ROWS / min(seconds) / 1e6:>6.2f} M rows/s/core "
                f"({min(seconds) / ROWS * 1e9:.0f} ns CPU a row)"
            )


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    base = load_pack("chicago")
    for size in SIZES:
        pack, drawn = make_policies(base, size, seeded(size))
        print(f"{size} policies")
        bench_python(pack, drawn, repetitions)
        bench_sql(pack, repetitions)


if __name__ == "__main__":
    main()
