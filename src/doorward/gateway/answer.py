"""What the door answers to one connection, as values shared by the session and the shell."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from doorward.grants.ends import End
from doorward.grants.people import Agreement
from doorward.grants.referrals import Answered
from doorward.policy.decision import Decision
from doorward.policy.scopes import Scope

REFUSED = "28000"  # invalid_authorization_specification: the code of every refusal after authentication


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal as the client will read it; ``reason`` is for the record only."""

    message: str
    detail: str | None
    hint: str | None
    reason: str
    sqlstate: str = REFUSED


@dataclass(frozen=True, slots=True)
class GrantBinding:
    """What a login role stands for while it is bound."""

    scope_id: str
    case_no: str
    unit: str
    place: str
    end: End

    @property
    def until(self) -> datetime:
        """The moment at which it is over."""
        return self.end.at


@dataclass(frozen=True, slots=True)
class OnBehalf:
    """For whom an application asked, as its token says.

    Args:
        login: Of the person.
        presenter: The application.
        token: The token's id.
        options: What the person states.
    """

    login: str
    presenter: str
    token: str
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """A scope with what its grant is bound to, or a refusal."""

    order_digest: str
    refusal: Refusal | None = None
    decision: Decision | None = None
    scope: Scope | None = None
    binding: GrantBinding | None = None
    approval: Answered | None = None  # of an official, which this access rests on
    is_protected: bool = False  # it rests on a verified court paper or an emergency, which a wide cut leaves
    on_behalf: OnBehalf | None = None  # where an application presented a token
    emergency: str = ""  # the words of the City person on which it rests, or nothing
    agreement: Agreement | None = None  # by which the case number counts
