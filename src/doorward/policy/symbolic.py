"""The order as terms: when each policy applies, and when each outcome follows, for every request at once.

Computed facts stand as their definitions, so nothing is free that a request could not have. The outcome rule is the one
of `doorward.policy.outcome`, over terms in place of lists; tests compare the two.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from doorward.cedar.hierarchy import Hierarchy
from doorward.cedar.ir import Expr
from doorward.cedar.lower import Lowering
from doorward.cedar.resolve import Resolver
from doorward.cedar.shapes import Scalar, Untranslatable
from doorward.cedar.terms import FALSE, Term, Terms
from doorward.cedar.types import EntityType
from doorward.cedar.values import Uid
from doorward.errors import UnsupportedPolicyError
from doorward.policy.decision import Outcome
from doorward.policy.outcome import is_deny
from doorward.policy.parse import Policy
from doorward.policy.request import Fact, RequestModel, Resource


@dataclass(frozen=True, slots=True)
class SymbolicOrder:
    """An order for one action and one type of resource.

    Args:
        terms: The table of everything here.
        policies: Those that can apply, in the order of the text.
        applies: When each applies, by id.
        fails: When evaluating each fails, by id.
        suspended: When each denying forbid is suspended, by id.
        outcomes: When each outcome follows; exactly one of them holds.
        nothing: When no policy decides, so that the request is referred.
        facts: Of this environment, by path.
    """

    action: str
    resource: str
    terms: Terms
    policies: tuple[Policy, ...]
    applies: Mapping[str, int]
    fails: Mapping[str, int]
    suspended: Mapping[str, int]
    outcomes: Mapping[Outcome, int]
    nothing: int
    define: Callable[[int], int]
    lowering: Lowering
    resolver: Resolver

    @property
    def opens(self) -> int:
        """When the request is permitted or outside: opened, for every theorem."""
        return self.terms.disjoin((self.outcomes[Outcome.PERMIT], self.outcomes[Outcome.OUTSIDE]))

    def decides(self, policy: Policy) -> int:
        """Return when a policy is in the deciding set."""
        outcome = self.outcomes[policy.outcome if policy.decides else Outcome.REFER]
        applies = self.applies[policy.id]
        if policy.effect == "permit":
            return self.terms.conjoin((applies, outcome)) if policy.decides else FALSE
        if is_deny(policy):
            hangs = self.suspended[policy.id]
            denies = self.terms.conjoin((applies, self.terms.negate(hangs), self.outcomes[Outcome.DENY]))
            refers = self.terms.conjoin((applies, hangs, self.outcomes[Outcome.REFER]))
            return self.terms.disjoin((denies, refers))
        return self.terms.conjoin((applies, self.outcomes[Outcome.REFER]))

    def obliges(self, obligation: str) -> int:
        """Return when the decision carries an obligation, with a number in parentheses or without."""
        found = []
        for policy in self.policies:
            if any(
                stated == obligation or stated.startswith(f"{obligation}(") for stated in policy.obligations
            ):
                decides = self.decides(policy)
                hangs = self.suspended.get(policy.id, FALSE)
                found.append(self.terms.conjoin((decides, self.terms.negate(hangs))))
        return self.terms.disjoin(found)

    def condition(self, expression: Expr) -> int:
        """Return a condition over this environment's requests; raises Untranslatable."""
        holds, _ = self.lowering.condition(self.resolver.expression(expression))
        return self.define(holds)


@dataclass
class Symbolic:
    """Makes the order symbolic, one action and type of resource at a time.

    Args:
        policies: In the order of the text.
        model: What can be asked.
        hierarchy: The entity file.
    """

    policies: Sequence[Policy]
    model: RequestModel
    hierarchy: Hierarchy
    terms: Terms = field(init=False)

    def __post_init__(self) -> None:
        self.terms = Terms(self.hierarchy, thorough=False)

    def orders(self) -> Iterable[SymbolicOrder]:
        """Yield the order for each action and each type of resource that it is asked of."""
        for action, resources in self.model.actions.items():
            for resource in resources:
                yield self.order(action, resource)

    def order(self, action: str, resource: str) -> SymbolicOrder:
        """Return the order for an action and a type of resource.

        Raises:
            UnsupportedPolicyError: A policy has no terms; names it and its place.
        """
        model, terms = self.model, self.terms
        resolver = model.resolver(action, resource)
        lowering = Lowering(terms, model.schema, model.subjects(Resource(resource)), facts_in_file=True)
        define = self._definitions(resolver, lowering)
        applies: dict[str, int] = {}
        fails: dict[str, int] = {}
        for policy in self.policies:
            try:
                holds, failing = lowering.condition(model.condition(policy.rule, action, resource))
            except Untranslatable as error:
                span = policy.span if error.at < 0 else policy.source.span(error.at)
                raise UnsupportedPolicyError(
                    f"policy `{policy.id}` cannot be proved about: {error.reason}", span=span
                ) from error
            if (holds, failing) != (FALSE, FALSE):
                applies[policy.id], fails[policy.id] = define(holds), define(failing)
        kept = tuple(policy for policy in self.policies if policy.id in applies)
        suspended = _suspensions(terms, kept, applies)
        outcomes, nothing = _outcomes(terms, kept, applies, suspended)
        return SymbolicOrder(
            action, resource, terms, kept, applies, fails, suspended, outcomes, nothing, define, lowering, resolver
        )  # fmt: skip

    def _definitions(self, resolver: Resolver, lowering: Lowering) -> Callable[[int], int]:
        """Return what puts the definition of each computed fact in its place."""
        known: dict[str, int] = {}
        for path, spec in self.model.facts.items():
            if spec.definition is not None:
                shape = lowering.lower(resolver.expression(spec.definition)).shape
                assert isinstance(shape, Scalar), "a computed fact is one value"
                known[path] = shape.term
        memo: dict[int, int] = {}

        def swap(node: Term) -> int | None:
            return known.get(node.name) if node.kind == "fact" else None

        def define(term: int) -> int:
            if self.terms.facts(term).isdisjoint(known):
                return term
            if term not in memo:
                memo[term] = self.terms.rebuild(term, swap)
            return memo[term]

        return define


def words_hold(order: SymbolicOrder, model: RequestModel) -> int:
    """Return when every text of a request is one of its words; entities are constrained apart."""
    terms = order.terms
    found = []
    for path, spec in model.specs(order.resource).items():
        if spec.words is not None and not isinstance(spec.type, EntityType) and spec.definition is None:
            fact = terms.fact(path, spec.type)
            found.append(terms.member(fact, [terms.value(word) for word in spec.words]))
    return terms.conjoin(found)


def change(order: SymbolicOrder, changes: Mapping[str, Fact], model: RequestModel) -> SymbolicOrder:
    """Return the order as it answers once some facts are changed, whatever they were before."""
    terms, specs = order.terms, model.specs(order.resource)
    known = {
        path: Uid(kind.name, str(value)) if isinstance(kind := specs[path].type, EntityType) else value
        for path, value in changes.items()
        if path in specs
    }

    def changed(term: int) -> int:
        return terms.replace_all(term, known)

    return replace(
        order,
        applies={name: changed(term) for name, term in order.applies.items()},
        fails={name: changed(term) for name, term in order.fails.items()},
        suspended={name: changed(term) for name, term in order.suspended.items()},
        outcomes={outcome: changed(term) for outcome, term in order.outcomes.items()},
        nothing=changed(order.nothing),
    )


def _suspensions(terms: Terms, policies: Sequence[Policy], applies: Mapping[str, int]) -> dict[str, int]:
    return {
        policy.id: terms.disjoin(applies[other.id] for other in policies if policy.id in other.suspends)
        for policy in policies
        if is_deny(policy)
    }


def _outcomes(
    terms: Terms, policies: Sequence[Policy], applies: Mapping[str, int], suspended: Mapping[str, int]
) -> tuple[dict[Outcome, int], int]:
    """Return when each outcome follows, and when nothing decides.

    Source: DESIGN.md, The decision: deny if D, else refer if R, else permit if P without O, else outside if O, else
    refer.
    """
    denies: list[int] = []
    refers: list[int] = []
    permits: list[int] = []
    outsides: list[int] = []
    for policy in policies:
        term = applies[policy.id]
        if is_deny(policy):
            denies.append(terms.conjoin((term, terms.negate(suspended[policy.id]))))
            refers.append(terms.conjoin((term, suspended[policy.id])))
        elif policy.effect == "forbid":
            refers.append(term)
        elif policy.decides:
            (outsides if policy.outcome is Outcome.OUTSIDE else permits).append(term)
    deny, refer, permit, outside = map(terms.disjoin, (denies, refers, permits, outsides))
    left = terms.conjoin((terms.negate(deny), terms.negate(refer)))
    nothing = terms.conjoin((left, terms.negate(permit), terms.negate(outside)))
    return {
        Outcome.DENY: deny,
        Outcome.REFER: terms.disjoin((terms.conjoin((terms.negate(deny), refer)), nothing)),
        Outcome.PERMIT: terms.conjoin((left, permit)),
        Outcome.OUTSIDE: terms.conjoin((left, terms.negate(permit), outside)),
    }, nothing
