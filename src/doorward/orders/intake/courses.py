"""Every course that the questions of a kind can take: which are asked, and what the answers so far have set. Pure.

A course branches only where an answer decides about a later question, or what is asked for. Of a question that takes
several answers each one alone, none and all are tried: a condition only ever asks whether one of some was given.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from doorward.orders.intake.questions import ACTION, RESOURCE, Kind, Option, Question
from doorward.policy.request import Fact

MAX_COURSES: Final = 5_000  # a form with more cannot be read by a person either


@dataclass(frozen=True, slots=True)
class Course:
    """One course.

    Args:
        given: Answers to the questions that decide about others, by question.
        asked: Every question that is asked.
        sets: What the kind and those answers set.
        deciding: The questions that decide about others.
    """

    given: Mapping[str, tuple[str, ...]]
    asked: tuple[Question, ...]
    sets: Mapping[str, Fact]
    deciding: frozenset[str]

    @property
    def resource(self) -> str:
        """The type of what is asked for, or the empty text."""
        return str(self.sets.get(RESOURCE, "")).partition(":")[0]

    def options(self, question: Question) -> tuple[Option, ...]:
        """Return the answers that a question may have in this course."""
        if question.id in self.deciding:
            return tuple(question.options[word] for word in self.given.get(question.id, ()))
        return tuple(question.options.values())


def deciding_questions(kind: Kind) -> frozenset[str]:
    """Return the questions that later ones depend on, or that say what is asked for."""
    named = {name for question in kind.questions for name in question.when}
    return frozenset(
        question.id
        for question in kind.questions
        if question.id in named
        or any({ACTION, RESOURCE} & option.sets.keys() for option in question.options.values())
    )


def find_courses(kind: Kind) -> Iterator[Course]:
    """Yield every course of a kind; at most `MAX_COURSES` and one, by which a caller sees that there are too many."""
    deciding = deciding_questions(kind)
    left = MAX_COURSES + 1
    stack: list[tuple[int, dict[str, tuple[str, ...]], tuple[Question, ...], dict[str, Fact]]]
    stack = [(0, {}, (), dict(kind.sets))]
    while stack and left:
        at, given, asked, sets = stack.pop()
        if at == len(kind.questions):
            left -= 1
            yield Course(given, asked, sets, deciding)
            continue
        question = kind.questions[at]
        if not question.is_asked(given):
            stack.append((at + 1, given, asked, sets))
            continue
        for words in _branches(question) if question.id in deciding else ((),):
            more = {path: value for word in words for path, value in question.options[word].sets.items()}
            answered = {**given, question.id: words} if words else given
            stack.append((at + 1, answered, (*asked, question), {**sets, **more}))


def _branches(question: Question) -> Sequence[tuple[str, ...]]:
    alone = [(word,) for word in question.options]
    every = [tuple(question.options)] if question.takes_several and len(alone) > 1 else []
    none: list[tuple[str, ...]] = [] if question.needed else [()]
    return [*none, *alone, *every]
