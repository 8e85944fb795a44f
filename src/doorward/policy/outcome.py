"""The outcome rule: from the policies that apply to one answer.

::

    D = forbids that decide, not @outcome("refer"), and named by no applying @suspends
    R = forbids with @outcome("refer"); needs-counsel forbids; suspended forbids, listed with what suspends them
    P = permits that decide;   O = those of them with @outcome("outside")
    deny if D, else refer if R, else permit if P without O, else outside if O, else refer

INVARIANT (a permit never closes, a forbid never opens): by the order of the questions.
INVARIANT (an error denies): whoever could not evaluate passes the error, and nothing that applies outweighs it.

Source: DESIGN.md, The decision.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from doorward.policy.decision import Addressee, Outcome, Posture, Suspension
from doorward.policy.parse import Policy

W = TypeVar("W", bound=StrEnum)

DEFAULT_POSTURE = {
    Outcome.DENY: Posture.DECLINE,
    Outcome.REFER: Posture.HOLD,
    Outcome.PERMIT: Posture.PERFORM_IN_SCOPE,
    Outcome.OUTSIDE: Posture.TOLERATE,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rule gives, before it is put into words.

    Args:
        deciding: The policies whose set decided, in the order in which they were given.
        posture: The first present of the set, or the outcome's own where no policy states one.
        addressee: The first present of the set; the law department where nothing applied.
    """

    outcome: Outcome
    deciding: tuple[Policy, ...]
    posture: Posture
    addressee: Addressee | None
    obligations: tuple[str, ...]
    clauses: tuple[str, ...]
    suspended: tuple[Suspension, ...]


def apply_outcome_rule(applying: Sequence[Policy], *, clause_order: Sequence[str]) -> Verdict:
    """Return the outcome that follows from the policies that apply; total.

    Args:
        applying: Those whose conditions hold, in the order of the pack's text.
        clause_order: The order in which clauses are cited.
    """
    suspensions = find_suspensions(applying)
    suspended = {suspension.policy for suspension in suspensions}
    deny = [p for p in applying if is_deny(p) and p.id not in suspended]
    refer = [p for p in applying if p.effect == "forbid" and p not in deny]
    permit = [p for p in applying if p.effect == "permit" and p.decides]
    outside = [p for p in permit if p.outcome is Outcome.OUTSIDE]
    inside = [p for p in permit if p.outcome is Outcome.PERMIT]
    if deny:
        outcome, deciding = Outcome.DENY, deny
    elif refer:
        outcome, deciding = Outcome.REFER, refer
    elif inside:
        # Where both apply the permit decides; what is outside adds nothing to it.
        outcome, deciding = Outcome.PERMIT, inside
    elif outside:
        outcome, deciding = Outcome.OUTSIDE, outside
    else:
        outcome, deciding = Outcome.REFER, []
    return Verdict(
        outcome=outcome,
        deciding=tuple(deciding),
        posture=_first(Posture, (p.posture for p in deciding)) or DEFAULT_POSTURE[outcome],
        addressee=_first(Addressee, (p.addressee for p in deciding)) if deciding else Addressee.LAW,
        # A suspended forbid gives its clauses, not its obligations.
        obligations=_union(p.obligations for p in deciding if p.id not in suspended),
        clauses=in_order({clause for p in deciding for clause in p.clauses}, clause_order),
        suspended=suspensions,
    )


def is_deny(policy: Policy) -> bool:
    """Return whether a policy denies where it applies and nothing suspends it."""
    return policy.effect == "forbid" and policy.outcome is Outcome.DENY and policy.decides


def find_suspensions(applying: Sequence[Policy]) -> tuple[Suspension, ...]:
    """Return the denying forbids that applying open questions suspend, each with what suspends it."""
    found = []
    for policy in applying:
        by = tuple(other.id for other in applying if policy.id in other.suspends)
        if by and is_deny(policy):
            found.append(Suspension(policy.id, by))
    return tuple(found)


def in_order(clauses: Collection[str], clause_order: Sequence[str]) -> tuple[str, ...]:
    """Return clause ids in the order in which the order cites them."""
    return tuple(clause for clause in clause_order if clause in clauses)


def _first(words: type[W], stated: Iterable[W | None]) -> W | None:
    present = set(stated)
    return next((word for word in words if word in present), None)


def _union(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for items in lists for item in items))
