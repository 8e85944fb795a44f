"""Proofs: z3 looks for a request of which something holds, among all that the order can be asked.

Where there is none the theorem is proved; what is found is put to Cedar's own engine before anybody is told.

INVARIANT (unknown fails): a question that z3 does not answer in time is a failure, never a proof.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import z3

from doorward.cedar.smt import Formulas
from doorward.cedar.terms import FALSE
from doorward.cedar.types import EntityType
from doorward.cedar.values import Datetime, Uid
from doorward.policy.decision import Outcome
from doorward.policy.request import Fact, Request, RequestModel, Resource
from doorward.policy.symbolic import SymbolicOrder, words_hold
from doorward.policy.theorems import Theorem

MAX_MS = 20_000  # for one question to z3; those of the shipped orders take a few milliseconds
TRUST = (
    "Cedar's parser and strict validation (cedarpy)",
    (
        "the lowering of Cedar to terms (doorward.cedar: est, resolve, lower, sets, shapes, terms), "
        "which is compared with Cedar's engine on the public corpus and on generated cases"
    ),
    "the outcome rule over terms (doorward.policy.symbolic), compared with the rule over lists",
    "the printing of terms as formulas (doorward.cedar.smt), and z3",
    "that the facts of a request are what the named resolvers say; a theorem speaks of decisions, not of the world",
)


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A request that breaks a theorem.

    Args:
        replayed: Whether Cedar's own engine gives it the same outcome.
    """

    request: Request
    outcome: Outcome
    replayed: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of one theorem.

    Args:
        seconds: CPU time, filled in by the caller.
        environments: How many pairs of action and type of resource it was asked for.
        unknown: Those for which z3 gave no answer.
        vacuous: True where no request at all meets its condition, so that it says nothing.
    """

    theorem: Theorem
    environments: int
    counterexample: Counterexample | None
    unknown: tuple[str, ...] = ()
    seconds: float = 0.0
    vacuous: bool = False

    @property
    def holds(self) -> bool:
        """True where z3 showed that there is no counterexample, and that it speaks of some request."""
        return self.counterexample is None and not self.unknown and not self.vacuous


@dataclass(slots=True)
class Prover:
    """z3 over one symbolic order; the formulas of all questions are made once.

    Args:
        order: For one action and type of resource.
        model: What can be asked.
        roots: Every term that will be asked about.
    """

    order: SymbolicOrder
    model: RequestModel
    formulas: Formulas = field(init=False)
    solver: Any = field(init=False)
    _roots: Iterable[int] = ()

    def __post_init__(self) -> None:
        self.formulas = Formulas(
            self.order.terms, self.model.entities, [*possible(self.order, self.model), *self._roots]
        )
        self.solver = z3.Solver()
        self.solver.set("timeout", MAX_MS)
        self.solver.add(*constrain(self.order, self.model, self.formulas))

    def find(self, term: int) -> Request | str | None:
        """Return a request for which a term holds, None where there is none, or ``unknown``."""
        if term == FALSE:
            return None
        self.solver.push()
        try:
            self.solver.add(self.formulas.formula(term))
            answer = self.solver.check()
            if answer == z3.unknown:
                return "unknown"
            return self._request() if answer == z3.sat else None
        finally:
            self.solver.pop()

    def holds_somewhere(self, term: int) -> bool:
        """Return whether there is a request for which a term holds; True where z3 does not tell."""
        if term == FALSE:
            return False
        return bool(self.solver.check(self.formulas.formula(term)) != z3.unsat)

    def _request(self) -> Request:
        found = find_plainest(self.solver, [(self.formulas, self.model)], self.order.resource)
        return read_request(found, self.formulas, self.model, self.order)


def possible(order: SymbolicOrder, model: RequestModel) -> list[int]:
    """Return the terms that `constrain` reads: the words of each fact first, then each fact that is not computed."""
    facts = [
        order.terms.fact(path, spec.type)
        for path, spec in model.specs(order.resource).items()
        if spec.definition is None
    ]
    return [words_hold(order, model), *facts, order.terms.fact("resource", EntityType(order.resource))]


def constrain(order: SymbolicOrder, model: RequestModel, formulas: Formulas) -> list[Any]:
    """Return what z3 is told: facts have words of theirs, and entities that a request names stand in the file."""
    told = [formulas.formula(possible(order, model)[0]), *formulas.assumptions]
    for path, (_, kind) in formulas.facts.items():
        comes = path == "resource" and not model.resources[order.resource].in_file
        if isinstance(kind, EntityType) and path != "principal" and not comes:
            told.append(formulas.stands_in_file(path))
    return told


def find_plainest(solver: Any, sides: Iterable[tuple[Formulas, RequestModel]], resource: str) -> Any:  # noqa: ANN401  # z3 is untyped
    """Return a model of a solver that has one, with as many facts unknown as can be; the solver is left as it was."""
    depth = solver.num_scopes()
    for formulas, model in sides:
        specs = model.specs(resource)
        for path, (constant, kind) in list(formulas.facts.items()):
            if path in specs:
                unknown = specs[path].unknown
                held = Uid(kind.name, str(unknown)) if isinstance(kind, EntityType) else unknown
                solver.push()
                solver.add(constant == formulas.constant(held, kind))
                if solver.check() != z3.sat:
                    solver.pop()
    solver.check()
    found = solver.model()
    solver.pop(solver.num_scopes() - depth)
    return found


def read_request(found: Any, formulas: Formulas, model: RequestModel, order: SymbolicOrder) -> Request:  # noqa: ANN401  # as above
    """Return the request of a model of z3."""
    specs = model.specs(order.resource)
    facts: dict[str, Fact] = {path: spec.unknown for path, spec in specs.items()}
    login, resource = "somebody", ""
    for path, (constant, kind) in formulas.facts.items():
        value: Any = formulas.value(found.eval(constant, model_completion=True), kind)
        value = value.id if isinstance(value, Uid) else value
        if path == "resource":
            resource = str(value) if model.resources[order.resource].in_file else ""
        elif path == "principal":
            login = str(value)
        elif path in specs and isinstance(value, bool | int | str | Datetime):
            facts[path] = value
    return model.complete(Request(order.action, Resource(order.resource, resource), facts, login))


def describe_request(request: Request, model: RequestModel) -> list[str]:
    """Return a request in lines for a person: what is asked, and every fact that is not simply unknown."""
    specs = model.specs(request.resource.type)
    asked = request.resource.id or f"a {request.resource.type.lower()}"
    lines = [f"asked: {request.action} of {asked}"]
    if request.login != "somebody":
        lines.append(f"who would act: {request.login}")
    lines += [
        f"{path} = {_show(value)}"
        for path, value in request.facts.items()
        if value != specs[path].unknown and specs[path].definition is None
    ]
    return lines


def _show(value: Fact) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value.ms} ms after 1970" if isinstance(value, Datetime) else str(value)
