"""The targets that decide a corpus: Cedar's engine through cedarpy, Python, SQL, z3.

SQL is written here and run by whoever passes ``execute``, since a database is no part of the pure core.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cedarpy
import z3

from doorward.cedar.conformance import Answer, Refusal, answer
from doorward.cedar.corpus import Case, Question
from doorward.cedar.dialects import Dialect
from doorward.cedar.entities import Entities, read_entities, read_record, read_uid
from doorward.cedar.hierarchy import Hierarchy
from doorward.cedar.ir import Rule, whole_condition
from doorward.cedar.lower import Lowering
from doorward.cedar.python import Applies, bits, compile_rules
from doorward.cedar.resolve import Resolver
from doorward.cedar.schema import Environment, Schema
from doorward.cedar.schema_text import parse_schema
from doorward.cedar.shapes import Untranslatable
from doorward.cedar.smt import Formulas
from doorward.cedar.sql import SqlWriter
from doorward.cedar.terms import Terms, needed
from doorward.cedar.types import Type, stand_in
from doorward.cedar.values import Uid, Value, dig
from doorward.errors import PolicyError

OUTSIDE = "the request is of no environment of the schema"
_BLAMED = re.compile(r"error while evaluating policy `(policy\d+)`")
MAX_MS = 10_000  # for one question to z3


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, read."""

    principal: Uid
    action: Uid
    resource: Uid
    context: Mapping[str, Value]
    environment: Environment | None

    def fact(self, path: str, kind: Type) -> Value:
        """Return the value of a fact; a harmless one where an optional field is absent."""
        name, _, inner = path.partition(".")
        if not inner:
            return self.principal if name == "principal" else self.resource
        if inner.endswith("?"):
            return dig(self.context, inner[:-1]) is not None
        found = dig(self.context, inner)
        return stand_in(kind) if found is None else found


class Engine:
    """Cedar's own engine."""

    name = "cedarpy"

    def decide(self, case: Case, rules: Sequence[Rule]) -> Sequence[Answer | Refusal]:
        """As in `Target`."""
        del rules
        try:
            schema = cedarpy.Schema.from_str(case.schema)
            policies = cedarpy.PolicySet.from_str(case.policies)
            entities = cedarpy.Entities.from_json_str(json.dumps(case.entities), schema)
        except ValueError as error:
            return [Refusal(f"cedarpy does not take the case: {error}")] * len(case.questions)
        return [self._one(question, policies, entities, schema) for question in case.questions]

    def validates(self, case: Case) -> bool:
        """Return whether a case passes strict validation."""
        return bool(cedarpy.validate_policies(case.policies, case.schema).validation_passed)

    def _one(self, question: Question, policies: Any, entities: Any, schema: Any) -> Answer | Refusal:  # noqa: ANN401  # cedarpy's handles are untyped
        given = cedarpy.is_authorized(dict(question.raw), policies, entities, schema)
        if given.decision is cedarpy.Decision.NoDecision:
            return Refusal("cedarpy gave no decision")
        decision = "allow" if given.decision is cedarpy.Decision.Allow else "deny"
        failed = sorted(_BLAMED.findall(" ".join(given.diagnostics.errors)))
        return Answer(decision, tuple(sorted(given.diagnostics.reasons)), tuple(failed))


class Python:
    """Compiled Python: typed for the request's environment, and once more as written; both have to agree."""

    name = "python"

    def decide(self, case: Case, rules: Sequence[Rule]) -> Sequence[Answer | Refusal]:
        """As in `Target`."""
        schema = parse_schema(case.schema, file=case.name)
        entities = read_entities(case.entities, schema)
        plain = compile_rules([whole_condition(rule) for rule in rules])
        typed: dict[Environment, Applies] = {}
        answers: list[Answer | Refusal] = []
        for question in case.questions:
            asked = _read(schema, question)
            given = _ask(plain, rules, asked, entities)
            if asked.environment is not None:
                if asked.environment not in typed:
                    resolver = Resolver(schema, asked.environment)
                    typed[asked.environment] = compile_rules([resolver.rule(rule) for rule in rules])
                resolved = _ask(typed[asked.environment], rules, asked, entities)
                given = given if resolved == given else Answer("typed and plain differ", (), ())
            answers.append(given)
        return answers


def _ask(question: Applies, rules: Sequence[Rule], asked: Asked, entities: Entities) -> Answer:
    applies, failed = question(asked.principal, asked.action, asked.resource, asked.context, entities)
    return answer(rules, bits(applies), bits(failed))


@dataclass(slots=True)
class _Lowered:
    """The rules of a case as terms, for one environment."""

    terms: Terms
    pairs: list[tuple[int, int]]

    @property
    def roots(self) -> list[int]:
        return [term for pair in self.pairs for term in pair]


def _lower(schema: Schema, environment: Environment, rules: Sequence[Rule], entities: Entities) -> _Lowered:
    hierarchy = Hierarchy({uid: entity.above | {uid} for uid, entity in entities.items()})
    terms, resolver = Terms(hierarchy), Resolver(schema, environment)
    lowering = Lowering(terms, schema)
    return _Lowered(terms, [lowering.condition(resolver.rule(rule)) for rule in rules])


def _by_environment(
    case: Case, function: Callable[[Schema, Environment, list[Asked]], list[Answer] | Refusal]
) -> list[Answer | Refusal]:
    """Return the answers of a case, its requests put to a function once for each environment."""
    schema = parse_schema(case.schema, file=case.name)
    asked = [_read(schema, question) for question in case.questions]
    answers: list[Answer | Refusal] = [Refusal(OUTSIDE)] * len(asked)
    for environment in dict.fromkeys(one.environment for one in asked if one.environment is not None):
        numbers = [number for number, one in enumerate(asked) if one.environment == environment]
        try:
            found = function(schema, environment, [asked[number] for number in numbers])
        except (Untranslatable, PolicyError) as error:
            found = Refusal(str(error))
        for place, number in enumerate(numbers):
            answers[number] = found if isinstance(found, Refusal) else found[place]
    return answers


@dataclass(slots=True)
class Sql:
    """SQL: the requests of a case as rows, each rule as two columns.

    Args:
        dialect: What is written.
        execute: Runs a query and gives its rows.
    """

    dialect: Dialect
    execute: Callable[[str], Sequence[tuple[Any, ...]]]
    name: str = "sql"

    def decide(self, case: Case, rules: Sequence[Rule]) -> Sequence[Answer | Refusal]:
        """As in `Target`."""
        return _by_environment(
            case, lambda schema, environment, asked: self._decide(schema, environment, asked, case, rules)
        )

    def _decide(
        self, schema: Schema, environment: Environment, asked: list[Asked], case: Case, rules: Sequence[Rule]
    ) -> list[Answer]:
        entities = read_entities(case.entities, schema)
        lowered = _lower(schema, environment, rules, entities)
        nodes = [lowered.terms.nodes[number] for number in needed(lowered.terms, lowered.roots, {})]
        facts = [(node.name, node.type) for node in nodes if node.kind == "fact"]
        names = {path: self.dialect.identifier(f"f{number}") for number, (path, _) in enumerate(facts)}
        writer = SqlWriter(lowered.terms, self.dialect, lambda path, _: names[path], entities)
        rows = [self._row(writer, number, one, facts) for number, one in enumerate(asked)]
        outputs = {f"r{number}": term for number, term in enumerate(lowered.roots)}
        found = self.execute(writer.query(f"({' UNION ALL '.join(rows)})", outputs, keep=["n"]))
        by_number = {row[0]: row[1:] for row in found}
        return [_from_bits(rules, by_number[number]) for number in range(len(asked))]

    def _row(self, writer: SqlWriter, number: int, asked: Asked, facts: Sequence[tuple[str, Type]]) -> str:
        values = [f"{number} AS n"]
        for place, (path, kind) in enumerate(facts):
            value = writer.constant(asked.fact(path, kind), kind)
            name = self.dialect.identifier(f"f{place}")
            values.append(f"CAST({value} AS {self.dialect.type_name(kind)}) AS {name}")
        return f"SELECT {', '.join(values)}"


def _from_bits(rules: Sequence[Rule], row: Sequence[Any]) -> Answer:
    holds, failed = row[0::2], row[1::2]
    return answer(
        rules, [n for n, value in enumerate(holds) if value], [n for n, value in enumerate(failed) if value]
    )


@dataclass(slots=True)
class Smt:
    """z3: each rule's formula has to be forced by the facts of the request, one way or the other."""

    name: str = "smt"
    _known: dict[str, list[bool]] = field(default_factory=dict)

    def decide(self, case: Case, rules: Sequence[Rule]) -> Sequence[Answer | Refusal]:
        """As in `Target`."""
        return _by_environment(
            case, lambda schema, environment, asked: self._decide(schema, environment, asked, case, rules)
        )

    def _decide(
        self, schema: Schema, environment: Environment, asked: list[Asked], case: Case, rules: Sequence[Rule]
    ) -> list[Answer] | Refusal:
        entities = read_entities(case.entities, schema)
        lowered = _lower(schema, environment, rules, entities)
        formulas = Formulas(lowered.terms, entities, lowered.roots)
        solver = z3.Solver()
        solver.set("timeout", MAX_MS)
        answers = []
        self._known.clear()  # many requests of a case are alike
        for one in asked:
            key = repr(one)
            if key not in self._known:
                forced = _forced(solver, formulas, lowered.roots, one)
                if forced is None:
                    return Refusal("z3 does not tell")
                self._known[key] = forced
            answers.append(_from_bits(rules, self._known[key]))
        return answers


def _forced(solver: Any, formulas: Formulas, roots: Sequence[int], asked: Asked) -> list[bool] | None:  # noqa: ANN401  # z3 is untyped
    solver.push()
    solver.add(
        *(formulas.fact_is(path, asked.fact(path, kind)) for path, (_, kind) in list(formulas.facts.items()))
    )
    solver.add(*formulas.assumptions)
    found: list[bool] | None = []
    for root in roots:
        formula = formulas.formula(root)
        can_hold, can_fail = solver.check(formula), solver.check(z3.Not(formula))
        if z3.unknown in (can_hold, can_fail) or can_hold == can_fail:
            found = None
            break
        assert found is not None
        found.append(bool(can_hold == z3.sat))
    solver.pop()
    return found


def _read(schema: Schema, question: Question) -> Asked:
    raw = question.raw
    principal, action, resource = (read_uid(raw[name]) for name in ("principal", "action", "resource"))
    environment = schema.environment(principal.type, action, resource.type)
    known = schema.actions.get(action)
    context = read_record(raw["context"], known.context if known else None)
    return Asked(principal, action, resource, context, environment)
