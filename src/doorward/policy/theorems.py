"""Theorems about an order: what they say of every request that meets their condition.

A theorem names outcomes, and z3 looks for a request that has another one (`doorward.policy.prover`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from doorward.cedar.ir import Expr
from doorward.cedar.terms import TRUE
from doorward.policy.decision import Outcome
from doorward.policy.symbolic import SymbolicOrder


class Kind(StrEnum):
    """What a theorem says of every request that meets its condition."""

    NEVER_OPENS = "never-opens"
    NEVER_DENIED = "never-denied"
    ALWAYS_PERMITS = "always-permits"
    PERMITS_OR_REFERS = "permits-or-refers"
    ONLY_REFERS = "only-refers"


@dataclass(frozen=True, slots=True)
class Theorem:
    """One theorem.

    Args:
        says: In a sentence, for a council.
        actions: Of which it speaks; every action of the order where empty.
        when: The condition, or None for every request.
        obliges: Of ``permits-or-refers``: what a referral has to carry.
    """

    name: str
    kind: Kind
    says: str
    actions: tuple[str, ...]
    when: Expr | None
    obliges: str | None = None


def violation(theorem: Theorem, order: SymbolicOrder) -> int:
    """Return when a theorem is broken; raises Untranslatable where its condition has no terms."""
    return order.terms.conjoin((condition(theorem, order), _wrong(theorem, order)))


def condition(theorem: Theorem, order: SymbolicOrder) -> int:
    """Return when a theorem speaks of a request; raises Untranslatable where its condition has no terms."""
    return TRUE if theorem.when is None else order.condition(theorem.when)


def _wrong(theorem: Theorem, order: SymbolicOrder) -> int:
    """Return when an outcome is none of those that a theorem allows."""
    terms = order.terms
    match theorem.kind:
        case Kind.NEVER_OPENS:
            return order.opens
        case Kind.NEVER_DENIED:
            return order.outcomes[Outcome.DENY]
        case Kind.ALWAYS_PERMITS:
            return terms.negate(order.opens)
        case Kind.ONLY_REFERS:
            return terms.negate(order.outcomes[Outcome.REFER])
        case Kind.PERMITS_OR_REFERS:
            right = terms.conjoin((order.outcomes[Outcome.REFER], order.obliges(theorem.obliges or "")))
            return terms.negate(terms.disjoin((order.opens, right)))


def breaks(theorem: Theorem, outcome: Outcome, obligations: Sequence[str]) -> bool:
    """Return whether an answer to a request that meets the condition breaks a theorem: the rule over lists."""
    opened = outcome in {Outcome.PERMIT, Outcome.OUTSIDE}
    match theorem.kind:
        case Kind.NEVER_OPENS:
            return opened
        case Kind.NEVER_DENIED:
            return outcome is Outcome.DENY
        case Kind.ALWAYS_PERMITS:
            return not opened
        case Kind.ONLY_REFERS:
            return outcome is not Outcome.REFER
        case Kind.PERMITS_OR_REFERS:
            carries = any(o == theorem.obliges or o.startswith(f"{theorem.obliges}(") for o in obligations)
            return not opened and not (outcome is Outcome.REFER and carries)
