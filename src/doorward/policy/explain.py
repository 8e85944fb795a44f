"""Why an answer is what it is, and what would change it, for the order's own people.

A policy that decides is shown with the facts that its condition reads. Where nothing decides, the permits that came
nearest are shown with the conditions that were not met. A remedy is shown only where it helps: what it changes is
changed in the request and the order is asked again. Outsiders read none of this (`doorward.gateway.verdict`).

INVARIANT (no coaching): a remedy changes a paper, a register or an approval, never a purpose or a beneficiary; the
pack's check refuses any other (`doorward.policy.check`, law 8). Nor is it said which other claim would have met a
condition: of a part that reads a claim, only the claim as it was stated is shown.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from doorward.cedar.flat import FlatRules
from doorward.cedar.ir import And, Expr, Not, Or, Var, path_of, walk, whole_condition
from doorward.cedar.text import format_expression
from doorward.errors import ConfigError
from doorward.policy.decider import Applied, Decider
from doorward.policy.decision import Decision, Outcome
from doorward.policy.parse import Policy
from doorward.policy.request import Fact, Request

MAX_NEAR = 3  # permits that are shown where nothing decides
_OPENNESS = {Outcome.DENY: 0, Outcome.REFER: 1, Outcome.OUTSIDE: 2, Outcome.PERMIT: 2}


@dataclass(frozen=True, slots=True)
class Condition:
    """One part of a policy's condition, as Cedar text, and what it read.

    Args:
        text: Empty where it was not met and reads a claim.
        facts: Each with its value in the request.
    """

    text: str
    facts: tuple[tuple[str, Fact], ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """A policy that decided, with the parts of its condition, all of which were met."""

    policy: Policy
    met: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A permit that did not apply, and the parts of its condition that were not met."""

    policy: Policy
    unmet: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with its reasons.

    Args:
        reasons: The deciding policies in the order of the text.
        near: Where nothing decided, the permits with the fewest unmet conditions.
        remedies: What would change the answer, each checked; empty where nothing that may be named would.
    """

    decision: Decision
    reasons: tuple[Reason, ...]
    near: tuple[NearMiss, ...]
    remedies: tuple[str, ...]


@dataclass
class Explainer:
    """Explains the answers of one order.

    Args:
        decider: Of the order.
        answer: From what applies to a decision, as the order does it.
    """

    decider: Decider
    answer: Callable[[Applied], Decision]
    _tests: dict[tuple[str, str, str, str], tuple[tuple[Expr, ...], FlatRules]] = field(default_factory=dict)

    def explain(self, request: Request) -> Explanation:
        """Return the answer to a request with its reasons; total, as the decision is."""
        decision = self.decider.decide(request, self.answer)
        if decision.errors:
            return Explanation(decision, (), (), ())
        deciding = [policy for policy in self.decider.policies if policy.id in decision.policies]
        reasons = tuple(Reason(policy, self._parts(policy, request, met=True)) for policy in deciding)
        near = () if deciding else self._nearest(request)
        return Explanation(decision, reasons, near, self.find_remedies(request, decision))

    def find_remedies(self, request: Request, decision: Decision) -> tuple[str, ...]:
        """Return the remedies of the deciding policies that, applied, give a less closed answer.

        Each is tried alone; where none helps alone, all of them together. An approval answers a referral.
        """
        closed = [policy for policy in self.decider.policies if policy.id in decision.policies]
        remedies = [policy.remedy for policy in closed if policy.remedy is not None]
        if not remedies or decision.outcome in {Outcome.PERMIT, Outcome.OUTSIDE}:
            return ()
        cures = [remedy for remedy in remedies if remedy.cure]
        helping = [remedy for remedy in cures if self._helps(request, decision, remedy.cure)]
        if not helping and len(cures) > 1:
            together: dict[str, Fact] = {path: value for r in cures for path, value in r.cure.items()}
            helping = cures if self._helps(request, decision, together) else []
        approvals = [r for r in remedies if not r.cure and decision.outcome is Outcome.REFER]
        return tuple(dict.fromkeys(r.text for r in remedies if r in helping or r in approvals))

    def _helps(self, request: Request, decision: Decision, cure: Mapping[str, Fact]) -> bool:
        try:
            changed = self.decider.model.change(request, cure)
        except ConfigError:  # a fact of another type of resource
            return False
        after = self.decider.decide(changed, self.answer)
        return _OPENNESS[after.outcome] > _OPENNESS[decision.outcome] and not after.errors

    def _nearest(self, request: Request) -> tuple[NearMiss, ...]:
        question = self.decider.question(request.action, request.resource)
        permits = [policy for policy in question.policies if policy.effect == "permit"]
        missed = [NearMiss(policy, self._parts(policy, request, met=False)) for policy in permits]
        found = sorted((miss for miss in missed if miss.unmet), key=lambda miss: len(miss.unmet))
        return tuple(found[:MAX_NEAR])

    def _parts(self, policy: Policy, request: Request, *, met: bool) -> tuple[Condition, ...]:
        """Return the parts of a policy's condition that are met, or that are not."""
        parts, ask = self._test(policy, request)
        applies, _ = ask(request.facts, request.login, request.resource.id)
        chosen = (part for number, part in enumerate(parts) if bool(applies >> number & 1) is met)
        return tuple(self._condition(part, request, met=met) for part in chosen)

    def _condition(self, part: Expr, request: Request, *, met: bool) -> Condition:
        facts, specs = self._read(part, request), self.decider.model.form(request.resource.type).specs
        coaches = not met and any(specs[path].is_claim for path, _ in facts)
        return Condition("" if coaches else format_expression(part), facts)

    def _test(self, policy: Policy, request: Request) -> tuple[tuple[Expr, ...], FlatRules]:
        action, resource = request.action, request.resource
        key = (policy.id, action, resource.type, resource.id)
        if key not in self._tests:
            parts = tuple(_conjuncts(whole_condition(policy.rule)))
            resolver = self.decider.model.resolver(action, resource.type)
            ask = self.decider.compile_conditions([resolver.expression(p) for p in parts], action, resource)
            self._tests[key] = parts, ask
        return self._tests[key]

    def _read(self, part: Expr, request: Request) -> tuple[tuple[str, Fact], ...]:
        """Return the facts that a part reads; of a principal or a resource the facts that say what it is in."""
        model, found = self.decider.model, dict[str, Fact]()
        for node in walk(part):
            path = path_of(node)
            if path is not None and path in request.facts:
                found[path] = request.facts[path]
            elif isinstance(node, Var) and node.name in {"principal", "resource"}:
                kind = model.principal if node.name == "principal" else request.resource.type
                own = (f"{node.name}.{name}" for name in model.parents(kind))
                found |= {name: request.facts[name] for name in own if name in request.facts}
        return tuple(found.items())


def _conjuncts(node: Expr) -> Iterator[Expr]:
    """Yield the parts that must all hold, in the order of the text; `!(a || b)` is `!a` and `!b`."""
    match node:
        case And(left=left, right=right):
            yield from _conjuncts(left)
            yield from _conjuncts(right)
        case Not(operand=Or(left=left, right=right)):
            yield from _conjuncts(Not(left, at=node.at))
            yield from _conjuncts(Not(right, at=node.at))
        case _:
            yield node


def format_facts(facts: Sequence[tuple[str, Fact]]) -> str:
    """Return facts with their values in one line, for a person."""
    words = {True: "yes", False: "no"}
    shown = (
        f"{path} is {words[value] if isinstance(value, bool) else value if value != '' else 'empty'}"
        for path, value in facts
    )
    return ", ".join(shown)
