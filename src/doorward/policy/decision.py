"""What the order answers: a value, never an exception.

The words are DESIGN.md's. Their order in each enumeration is the order of precedence that the outcome rule uses.
"""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """Closed until decided: deny, then refer, then permit, then outside."""

    DENY = "deny"
    REFER = "refer"
    PERMIT = "permit"
    OUTSIDE = "outside"


class Posture(StrEnum):
    """What the City person does; the first present of a deciding set holds."""

    STAND_ASIDE = "stand-aside"
    DECLINE = "decline"
    HOLD = "hold"
    TOLERATE = "tolerate"
    PERFORM_IN_SCOPE = "perform-in-scope"
    PERFORM = "perform"


class Addressee(StrEnum):
    """Who is asked; the first present of a deciding set holds."""

    LAW = "law"
    ADMINISTRATOR = "administrator"
    CERTIFYING_OFFICIAL = "certifying-official"
    FUND_MANAGER = "fund-manager"
    SUPERVISOR = "supervisor"


@dataclass(frozen=True, slots=True)
class Suspension:
    """A forbid that applied and did not decide alone, and the open questions that suspend it."""

    policy: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """The order's answer to one request.

    Args:
        outcome: Deny, refer, permit or outside.
        posture: What the City person does.
        addressee: Who is asked, or None.
        obligations: In the order in which the deciding policies name them.
        clauses: Of the deciding policies, in the order of order.toml.
        policies: Ids of the deciding policies, in the order of the pack's text.
        suspended: Forbids that applied and were suspended.
        sentence: For City staff.
        public_sentence: For everybody; names no register, no policy.
        errors: What went wrong while deciding; never empty on any outcome but deny.
    """

    outcome: Outcome
    posture: Posture
    addressee: Addressee | None
    obligations: tuple[str, ...]
    clauses: tuple[str, ...]
    policies: tuple[str, ...]
    suspended: tuple[Suspension, ...]
    sentence: str
    public_sentence: str
    errors: tuple[str, ...] = ()
