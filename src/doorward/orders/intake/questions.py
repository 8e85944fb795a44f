"""What a desk asks: kinds of request, their questions, and the facts that each answer sets. Values only."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from doorward.policy.request import Fact

INTAKE: Final = "intake.toml"
ACTION: Final = "action"
RESOURCE: Final = "resource"
OF_PRINCIPAL: Final = (
    "@principal.agency"  # the agency of the person who is signed in, as a value of an answer
)
YES, NO = "yes", "no"


class QuestionType(StrEnum):
    """What kind of answer a question takes."""

    CHOICE = "choice"  # one of its options
    SEVERAL = "several"  # any of its options
    YES_NO = "yes-no"
    AGENCY = "agency"  # an agency of the order
    PURPOSE = "purpose"  # a purpose of the order
    TEXT = "text"  # short text; kept, and never a fact
    CASE_NUMBER = "case-number"  # kept; what the case is, a register says
    DATE_TIME = "date-time"  # with its offset; kept


KEPT: Final = (QuestionType.TEXT, QuestionType.CASE_NUMBER, QuestionType.DATE_TIME)


@dataclass(frozen=True, slots=True)
class Option:
    """One answer.

    Args:
        sets: Facts by path; ``action`` and ``resource`` (``Type`` or ``Type:id``) among them.
        kept: It is on the list for the reader and for the file, and sets no fact.
        mail: Words of a message by which it is filled in before, for a person to look at. Only of an answer that says
            no more than that a paper was shown, or that is kept: that never opens anything.
    """

    word: str
    label: str
    sets: Mapping[str, Fact] = field(default_factory=dict)
    kept: bool = False
    mail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Args:
        options: By word; of an agency or purpose question every word of the order that it offers; of a kept one none.
        when: It is asked where, for each of these questions, one of these answers was given.
        needed: Without an answer there is no request; every other one may stay open, and its facts stay unknown.
        longest: Characters of a text or a case number.
        register: The resolver whose entries a text names, so that a form offers them; the desk asks it, and its answer
            is an act.
        mail: Of a case number the words of a message that stand before it, such as `docket no.`.
    """

    id: str
    type: QuestionType
    label: str
    help: str
    options: Mapping[str, Option]
    when: Mapping[str, tuple[str, ...]]
    needed: bool = False
    longest: int = 0
    register: str | None = None
    mail: tuple[str, ...] = ()

    @property
    def is_kept(self) -> bool:
        """Whether its answer is written down and never a fact."""
        return self.type in KEPT

    @property
    def takes_several(self) -> bool:
        """Whether it takes more than one answer."""
        return self.type is QuestionType.SEVERAL

    def is_asked(self, given: Mapping[str, Collection[str]]) -> bool:
        """Return whether it is asked after these answers to the questions before it."""
        return all(not set(words).isdisjoint(given.get(name, ())) for name, words in self.when.items())


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of request that a desk takes.

    Args:
        offered_to: Roles whose people meet it first; everybody else may take it as well.
        sets: Facts that every request of this kind has.
        questions: In the order in which they are asked.
        mail: Words of a message that speak for this kind; a hint for a person, and nothing else.
    """

    id: str
    label: str
    says: str
    offered_to: tuple[str, ...]
    sets: Mapping[str, Fact]
    questions: tuple[Question, ...]
    mail: tuple[str, ...] = ()

    def question(self, name: str) -> Question | None:
        """Return a question of this kind by its id, or None."""
        return next((one for one in self.questions if one.id == name), None)
