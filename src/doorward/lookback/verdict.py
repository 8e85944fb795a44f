"""What an audit says of an access, from what the order says of every request that it may have been. Pure.

One access may be several requests: two purposes stand in its reason, or cells are open. `combine` takes the answers of
all of them together; `narrow` tries every completion of one where that is few (`doorward.policy.completions`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from doorward.policy.decision import Outcome
from doorward.policy.parse import Policy

OPENED: Final = frozenset({Outcome.PERMIT, Outcome.OUTSIDE})
KEPT_CLOSED: Final = frozenset({Outcome.DENY, Outcome.REFER})


class Result(StrEnum):
    """What an audit says of an access."""

    INCONSISTENT = "inconsistent"  # the order denies it, whatever the open cells held
    REFERRED = "referred"  # the order does not open it by itself: somebody has to have decided
    CONSISTENT = "consistent"  # the order opens it, whatever the open cells held
    CANNOT_TELL = "cannot-tell"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the order says of one request whose facts may be open.

    Args:
        possible: Its outcomes; never too few.
        policies: Those that decide whatever the open facts are.
        perhaps: Those that may decide; `policies` among them.
    """

    possible: frozenset[Outcome]
    policies: frozenset[str]
    perhaps: frozenset[str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an audit says of an access, and by which words of the order.

    Args:
        outcome: Where there is one only.
        possible: In the order of precedence.
        policies: Those that decide in any case, in the order of the text.
        perhaps: Those that may decide and need not.
        clauses: Of `policies`; where none of them decides in any case, of `perhaps`.
        certain: Whether `clauses` are those of `policies`.
    """

    result: Result
    outcome: Outcome | None
    possible: tuple[Outcome, ...]
    policies: tuple[str, ...]
    perhaps: tuple[str, ...]
    clauses: tuple[str, ...]
    certain: bool


def make_result(possible: frozenset[Outcome]) -> Result:
    """Return what can be said where these outcomes are possible."""
    if possible == {Outcome.DENY}:
        return Result.INCONSISTENT
    if possible <= KEPT_CLOSED:
        return Result.REFERRED
    if possible <= OPENED:
        return Result.CONSISTENT
    return Result.CANNOT_TELL


def combine(answers: Iterable[Answer]) -> Answer:
    """Return what holds of an access that is one of several requests, it is not known which; at least one is given."""
    held = tuple(answers)
    return Answer(
        frozenset().union(*(answer.possible for answer in held)),
        frozenset.intersection(*(answer.policies for answer in held)),
        frozenset().union(*(answer.perhaps for answer in held)),
    )


def make_verdict(answer: Answer, order: Sequence[Policy], cited: Sequence[str]) -> Verdict:
    """Return the verdict that an answer gives.

    Args:
        order: The order's policies, in the order of the text.
        cited: Every clause, in the order in which the order cites them.
    """
    policies = tuple(policy.id for policy in order if policy.id in answer.policies)
    perhaps = tuple(
        policy.id
        for policy in order
        if policy.id in answer.perhaps - answer.policies and _leads_to(policy) & answer.possible
    )
    named = {clause for policy in order if policy.id in (policies or perhaps) for clause in policy.clauses}
    possible = tuple(outcome for outcome in Outcome if outcome in answer.possible)
    return Verdict(
        make_result(answer.possible),
        possible[0] if len(possible) == 1 else None,
        possible,
        policies,
        perhaps,
        tuple(clause for clause in cited if clause in named),
        bool(policies) or not perhaps,
    )


def _leads_to(policy: Policy) -> frozenset[Outcome]:
    """Return the outcomes that a policy can be a reason for: a forbid that is suspended refers."""
    own = policy.outcome if policy.decides else Outcome.REFER
    return frozenset({own, Outcome.REFER} if policy.effect == "forbid" else {own})
