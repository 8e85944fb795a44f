"""Answers to a kind's questions as a page shows them: which are asked now, what was said, what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import QueryDict

from doorward.orders.intake import Asked, Faults, Intake, Kind, Question, QuestionType, read_form

_INPUTS: Final = {QuestionType.DATE_TIME: "datetime-local"}
_DATE_TIME_LENGTH: Final = 32


@dataclass(frozen=True, slots=True)
class Choice:
    """One option as a page shows it."""

    id: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """One question as a page shows it.

    Args:
        anchor: The id of the element that an error leads to.
        register: Whose entries it names, or empty.
        read: It was read from a message, and nobody has changed it.
        input: The type of an input element, where there are no options.
    """

    id: str
    type: str
    label: str
    help: str
    options: tuple[Choice, ...]
    value: str
    fault: str
    many: bool
    anchor: str
    input: str
    length: int
    register: str = ""
    read: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """What was sent.

    Args:
        fields: The questions that are asked now.
        asked: The request, where every answer can be read.
        faults: What is wrong, by question.
        form: What is wrong with the whole.
    """

    fields: tuple[Shown, ...]
    asked: Asked | None
    faults: Mapping[str, tuple[str, ...]]
    form: tuple[str, ...] = ()

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Names and values, as a form sends them again."""
        found = []
        for field in self.fields:
            found += [(field.id, option.id) for option in field.options if option.chosen]
            if not field.options and field.value:
                found.append((field.id, field.value))
        return found

    @property
    def said(self) -> list[tuple[str, str, bool]]:
        """Labels of questions and of what was said to them, and whether a message says it, and nobody else."""
        found = []
        for field in self.fields:
            chosen = ", ".join(option.label for option in field.options if option.chosen)
            if chosen or field.value:
                found.append((field.label, chosen or field.value, field.read))
        return found


def read_answers(
    intake: Intake, kind: str, sent: QueryDict, *, read: Mapping[str, tuple[str, ...]] | None = None
) -> Answers:
    """Return what a form says, read by the order's intake.

    Args:
        kind: Of the intake.
        sent: Untrusted. What is no question of the kind is the form's own, such as its token; an answer to a question
            that is not put after the answers before it is left out, as when somebody goes back and changes one.
        read: Answers that were read from a message; they are marked as long as they stand so.
    """
    found = intake.kinds[kind]
    moments = {question.id for question in found.questions if question.type is QuestionType.DATE_TIME}
    names = {question.id for question in found.questions}
    fields = {
        name: [with_offset(value) for value in values] if name in moments else values
        for name, values in sent.lists()
        if name in names
    }
    answers = read_form(found, fields)
    given: dict[str, tuple[str, ...]] = {}
    for question in found.questions:
        said = answers.get(question.id)
        if said and question.is_asked(given):
            given[question.id] = tuple(map(str, said)) if isinstance(said, list) else (str(said),)
    kept = {name: value for name, value in answers.items() if name in given}
    found_read = {} if read is None else read
    asked = intake.read(kind, kept)
    faults = asked if isinstance(asked, Faults) and sent else Faults()
    shown = tuple(
        replace(
            show(question, given.get(question.id, ()), " ".join(faults.by_question.get(question.id, ()))),
            read=question.id in given and given[question.id] == found_read.get(question.id),
        )
        for question in found.questions
        if question.is_asked(given)
    )
    return Answers(shown, None if isinstance(asked, Faults) else asked, faults.by_question, faults.form)


def without_faults(answers: Answers) -> Answers:
    """Return the answers of a form that nobody has seen yet: what is still open there is no fault."""
    fields = tuple(replace(field, fault="") for field in answers.fields)
    return replace(answers, fields=fields, faults={}, form=())


def stated(kind: Kind | None, answers: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return labels of questions and of what was said to them, of a matter that was filed.

    Args:
        kind: As the order in force asks it, or None; a word that it does not know any more stays the word.
        answers: As they were kept.
    """
    found = []
    for name, kept in answers.items():
        said = tuple(map(str, kept)) if isinstance(kept, list) else (str(kept),)
        question = None if kind is None else kind.question(name)
        if question is None:
            found.append((name, ", ".join(said)))
            continue
        options = question.options
        words = (options[word].label if word in options else _value(question, word) for word in said)
        found.append((question.label, ", ".join(words)))
    return found


def with_offset(text: str) -> str:
    """Return a time as a browser's field gives it, in the city's zone; what is no such time is returned as it came."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (
        text
        if found.tzinfo is not None
        else found.replace(tzinfo=ZoneInfo(settings.DESK.time_zone)).isoformat()
    )


def show(question: Question, said: tuple[str, ...], fault: str) -> Shown:
    """Return a question as a page shows it."""
    options = tuple(Choice(word, option.label, word in said) for word, option in question.options.items())
    listed = question.type in {QuestionType.AGENCY, QuestionType.PURPOSE}
    return Shown(
        id=question.id,
        type=question.type.value,
        label=question.label,
        help=question.help,
        options=options,
        value=_value(question, said[0]) if said and not options else "",
        fault=fault,
        many=question.takes_several,
        anchor=question.id if listed or not options else f"{question.id}-{options[0].id}",
        input=_INPUTS.get(question.type, "text"),
        length=question.longest or _DATE_TIME_LENGTH,
        register=question.register or "",
    )


def _value(question: Question, said: str) -> str:
    """Return an answer as its field takes it: browsers' fields for times know no offset."""
    if question.type is not QuestionType.DATE_TIME:
        return said
    try:
        return (
            datetime.fromisoformat(said)
            .astimezone(ZoneInfo(settings.DESK.time_zone))
            .strftime("%Y-%m-%dT%H:%M")
        )
    except ValueError:
        return said
