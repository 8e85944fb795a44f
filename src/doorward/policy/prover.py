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
        words = words_hold(self.order, self.model)
        facts = [
            self.order.terms.fact(path, spec.type)
            for path, spec in self.model.specs(self.order.resource).items()
            if spec.definition is None
        ]
        subjects = [self.order.terms.fact("resource", EntityType(self.order.resource))]
        self.formulas = Formulas(
            self.order.terms, self.model.entities, [words, *facts, *subjects, *self._roots]
        )
        self.solver = z3.Solver()
        self.solver.set("timeout", MAX_MS)
        self.solver.add(self.formulas.formula(words), *self.formulas.assumptions)
        for path, (_, kind) in self.formulas.facts.items():
            comes = path == "resource" and not self.model.resources[self.order.resource].in_file
            if isinstance(kind, EntityType) and path != "principal" and not comes:
                self.solver.add(self.formulas.stands_in_file(path))

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
        """Return the request of the solver's model, with as many facts unknown as can be."""
        specs = self.model.specs(self.order.resource)
        for path, (constant, kind) in list(self.formulas.facts.items()):
            if path in specs:
                unknown = specs[path].unknown
                held = Uid(kind.name, str(unknown)) if isinstance(kind, EntityType) else unknown
                self.solver.push()
                self.solver.add(constant == self.formulas.constant(held, kind))
                if self.solver.check() != z3.sat:
                    self.solver.pop()
        self.solver.check()
        found = self.solver.model()
        facts: dict[str, Fact] = {path: spec.unknown for path, spec in specs.items()}
        login, resource = "somebody", ""
        for path, (constant, kind) in self.formulas.facts.items():
            value: Any = self.formulas.value(found.eval(constant, model_completion=True), kind)
            value = value.id if isinstance(value, Uid) else value
            if path == "resource":
                resource = str(value) if self.model.resources[self.order.resource].in_file else ""
            elif path == "principal":
                login = str(value)
            elif path in specs and isinstance(value, bool | int | str | Datetime):
                facts[path] = value
        asked = Request(self.order.action, Resource(self.order.resource, resource), facts, login)
        while self.solver.num_scopes() > 1:
            self.solver.pop()
        return self.model.complete(asked)


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
