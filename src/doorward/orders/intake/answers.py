"""Answers that came over a wire, as what was asked, or as faults for the form to show. Pure; total over any input.

INVARIANT (no echo): a fault says what was expected and never repeats what came.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from doorward.errors import ConfigError
from doorward.orders.intake.acts import Act, with_acts
from doorward.orders.intake.questions import (
    ACTION,
    OF_PRINCIPAL,
    RESOURCE,
    Kind,
    Question,
    QuestionType,
)
from doorward.orders.intake.wording import CASE_NUMBER, DATE_TIME
from doorward.orders.pack import Pack
from doorward.policy.request import Fact, Request, Resource

MAX_ANSWERS: Final = 100  # four times the questions that a kind may have
BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
REFUSED: Final = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Faults:
    """Why answers are no request.

    Args:
        by_question: What a form shows beside each question.
        form: What it shows at its head.
    """

    by_question: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    form: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked at a desk.

    Args:
        given: Every answer, by question, in the order of the form; as it is kept.
        facts: What the answers set; a question that stayed open sets nothing.
    """

    kind: str
    action: str
    resource: Resource
    given: Mapping[str, tuple[str, ...]]
    facts: Mapping[str, Fact]
    kept: Mapping[str, str]

    def request(  # the parts of a request, each by its name
        self,
        pack: Pack,
        *,
        principal_role: str,
        principal_agency: str,
        acts: Sequence[Act] = (),
        now: datetime,
        login: str = "somebody",
    ) -> Request:
        """Return the request that the order decides; what nobody said is the fact's `unknown`.

        Args:
            pack: The order that the answers were read under.
            principal_role: Of the person who is signed in.
            principal_agency: That person's agency.
            acts: Answers of registers and recorded acts of named persons.

        Raises:
            ConfigError: An act says what is not its to say, or role or agency are none of the order.
        """
        facts = {
            path: principal_agency if value == OF_PRINCIPAL else value for path, value in self.facts.items()
        }
        told = with_acts(facts, acts, specs=pack.requests.specs(self.resource.type))
        told |= {"principal.role": principal_role, "principal.agency": principal_agency}
        return pack.request(told, resource=self.resource, action=self.action, now=now, login=login)


def read_answers(kind: Kind, answers: object) -> Asked | Faults:
    """Return what was asked, or every fault that could be found.

    Args:
        kind: Of an intake that was checked.
        answers: Untrusted: whatever a JSON text may hold.
    """
    if not isinstance(answers, Mapping) or len(answers) > MAX_ANSWERS:
        return Faults(form=(f"expected at most {MAX_ANSWERS} answers by question",))
    known = {question.id for question in kind.questions}
    form = ("an answer is to no question of this form",) if any(key not in known for key in answers) else ()
    faults: dict[str, tuple[str, ...]] = {}
    given: dict[str, tuple[str, ...]] = {}
    for question in kind.questions:
        if not faults.keys().isdisjoint(question.when):
            continue  # whether it is asked shows when the answer above is right
        asked = question.is_asked(given)
        if question.id not in answers:
            if asked and question.needed:
                faults[question.id] = ("this needs an answer",)
            continue
        if not asked:
            faults[question.id] = ("this is not asked after the answers above: clear it, or change them",)
            continue
        words = _read_answer(question, answers[question.id])
        if isinstance(words, str):
            faults[question.id] = (words,)
        elif words:
            given[question.id] = words
        elif question.needed:
            faults[question.id] = ("this needs an answer",)
    if faults or form:
        return Faults(faults, form)
    return _ask(kind, given)


def read_form(kind: Kind, fields: Mapping[str, Sequence[object]]) -> dict[str, object]:
    """Return the fields of a submitted form as answers: what was left blank is no answer.

    Args:
        fields: Every value of each field, as browsers send them; fields of the page itself are taken out before.
    """
    answers: dict[str, object] = {}
    for name, values in fields.items():
        filled = [value for value in values if not isinstance(value, str) or value.strip()]
        question = kind.question(name)
        several = question is not None and question.takes_several
        if filled:
            answers[name] = filled[0] if len(filled) == 1 and not several else filled
    return answers


def _read_answer(question: Question, answer: object) -> tuple[str, ...] | str:
    """Return the words of one answer, none where it is blank, or what is wrong with it."""
    if question.takes_several:
        if not isinstance(answer, (list, tuple)) or len(answer) > len(question.options):
            return "choose any of the answers listed, each once"
        if any(not isinstance(word, str) or word not in question.options for word in answer):
            return "choose any of the answers listed, each once"
        return tuple(word for word in question.options if word in answer)
    if not isinstance(answer, str):
        return "give one answer"
    if question.is_kept:
        return _read_text(question, answer)
    if answer not in question.options:
        return "choose one of the answers listed"
    return (answer,)


def _read_text(question: Question, answer: str) -> tuple[str, ...] | str:
    longest = question.longest or DATE_TIME.longest
    if len(answer) > 4 * longest:  # before any work is done on it; a composed character may be four
        return f"at most {longest} characters"
    if any(unicodedata.category(char) in REFUSED or char in BIDI for char in answer):
        return "one line of plain text: no line breaks, no control characters"
    text = unicodedata.normalize("NFC", answer).strip()
    if not text:
        return ()
    if len(text) > longest:
        return f"at most {longest} characters"
    wording = {QuestionType.CASE_NUMBER: CASE_NUMBER, QuestionType.DATE_TIME: DATE_TIME}.get(question.type)
    if wording is not None and not wording.fits(text):
        return wording.says
    return (text,)


def _ask(kind: Kind, given: Mapping[str, tuple[str, ...]]) -> Asked | Faults:
    facts: dict[str, Fact] = dict(kind.sets)
    kept: dict[str, str] = {}
    for question in kind.questions:
        for word in given.get(question.id, ()):
            if question.is_kept:
                kept[question.id] = word
            else:
                facts |= question.options[word].sets
    action, resource = facts.pop(ACTION, None), facts.pop(RESOURCE, None)
    if action is None or resource is None:
        raise ConfigError("the kind gives no request", hint="`doorward order check` says where")
    name, _, entity = str(resource).partition(":")
    return Asked(kind.id, str(action), Resource(name, entity), given, facts, kept)
