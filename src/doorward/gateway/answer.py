"""What the door answers to one connection, as values shared by the session and the shell."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from doorward.grants.claims import Claims
from doorward.grants.ends import End
from doorward.grants.on_file import OnFile
from doorward.grants.people import Agreement
from doorward.grants.referrals import Answered
from doorward.grants.registers import Question
from doorward.orders.observed import Mode
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
class Sources:
    """What the facts of an answer came from, as far as it can change while a session lives.

    Args:
        question: What the register found, or None where no fact is its word.
        heard: When the register said so.
        on_file: What is on file that set a fact.
        silences: Which sources were asked and said nothing, for the record; without a value.
    """

    question: Question | None = None
    heard: datetime | None = None
    on_file: tuple[OnFile, ...] = ()
    silences: tuple[str, ...] = ()


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
    sources: Sources = Sources()
    on_behalf: OnBehalf | None = None  # where an application presented a token
    mode: Mode | None = None  # while clauses are observed: what the order in full would have done
    observed_until: datetime | None = (
        None  # the end of the observation, where the answer would be another without it
    )
    notices: tuple[str, ...] = ()  # lines that the client is told once it is in
    claims: Claims | None = None  # what was stated, as the door has read it
    export: Decision | None = None  # on the action `export`; None where the order has no word for it
    no_export: Refusal | None = None  # what an export is answered with, where that decision does not open it
    emergency: str = ""  # the words of the City person on which it rests, or nothing
    agreement: Agreement | None = None  # by which the case number counts
