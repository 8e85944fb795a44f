"""The letters of an order: which one answers what, what each needs, who releases it. Values and their rules; pure.

1. Rules stand in an order; the first that holds decides. A rule names a letter, or says why none is written.
2. Every combination that a kind of request can come to has a rule; `uncovered` lists those that have none.
3. A letter is sent in a language only where a person has reviewed its translation.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from doorward.policy.decision import Outcome, Posture


class Act(StrEnum):
    """What the desk did, so that a letter goes out."""

    ANSWERED = "answered"
    EXTENDED = "extended"
    GIVEN = "given"
    NOT_GIVEN = "not-given"
    PERSON_TOLD = "person-told"


class FieldType(StrEnum):
    """What a field holds: one line, paragraphs, a day, a number, one word of a list, lines, rows of a table."""

    LINE = "line"
    TEXT = "text"
    DATE = "date"
    COUNT = "count"
    CHOICE = "choice"
    LINES = "lines"
    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class Field:
    """One value that a person writes into a letter.

    Args:
        says: What it is, for whoever fills it in.
        most: Characters of a line, a text or a cell; the highest number of a count.
        items: How many lines or rows at most.
        choices: Words and what the letter says for each; of a choice.
        columns: Heads of a table; of rows.
        sample: What `doorward letter show` writes.
    """

    name: str
    type: FieldType
    says: str
    required: bool
    most: int
    items: int
    choices: Mapping[str, str]
    columns: tuple[str, ...]
    sample: object


@dataclass(frozen=True, slots=True)
class Translation:
    """A template in another language, and who read it; without a reviewer it is never sent.

    Args:
        choices: What the letter says for each word of a choice, by field.
    """

    language: str
    title: str
    template: str
    choices: Mapping[str, Mapping[str, str]]
    reviewed_by: str | None
    reviewed_on: date | None

    @property
    def is_reviewed(self) -> bool:
        """True where a person has reviewed it."""
        return self.reviewed_by is not None and self.reviewed_on is not None


@dataclass(frozen=True, slots=True)
class LetterForm:
    """One letter as letters.toml describes it.

    Args:
        says: When it is sent.
        cites: Whether it must rest on a clause: no answer without its ground.
        may_remedy: Whether counsel may let it say what would change the answer.
        people: Who releases it: one person, or two.
        office: Which office they hold.
        sample_clauses: On which clauses the sample rests.
    """

    name: str
    title: str
    says: str
    template: str
    cites: bool
    may_remedy: bool
    people: int
    office: str
    fields: tuple[Field, ...]
    translations: Mapping[str, Translation]
    sample_clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request, and which requests are of it.

    Args:
        actions: The order's actions, or empty for all.
        papers: Classes of paper of which one was shown, or empty for all.
        acts: What the desk may do on it.
        chosen: Whether only a person says that a request is of this kind.
    """

    name: str
    says: str
    actions: frozenset[str]
    papers: frozenset[str]
    acts: tuple[Act, ...]
    chosen: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides which letter is written."""

    kind: str
    outcome: Outcome
    posture: Posture
    act: Act = Act.ANSWERED
    is_sealed: bool = False

    def __str__(self) -> str:
        sealed = ", sealed" if self.is_sealed else ""
        return f"{self.kind}, {self.act}, {self.outcome}, {self.posture}{sealed}"


@dataclass(frozen=True, slots=True)
class Rule:
    """Which letter where these hold; an empty set holds always.

    Args:
        letter: A letter's name, or None.
        why: Why no letter is written, where ``letter`` is None.
        number: Its place in letters.toml, from 0.
    """

    kinds: frozenset[str]
    acts: frozenset[Act]
    outcomes: frozenset[Outcome]
    postures: frozenset[Posture]
    sealed: bool | None
    letter: str | None
    why: str
    number: int

    def holds(self, facts: Facts) -> bool:
        """Return True where the facts are this rule's."""
        return (
            (not self.kinds or facts.kind in self.kinds)
            and (not self.acts or facts.act in self.acts)
            and (not self.outcomes or facts.outcome in self.outcomes)
            and (not self.postures or facts.posture in self.postures)
            and self.sealed in {None, facts.is_sealed}
        )


@dataclass(frozen=True, slots=True)
class NeverSent:
    """What no letter holds, whoever wrote it into a field."""

    pattern: re.Pattern[str]
    says: str


@dataclass(frozen=True, slots=True)
class Words:
    """What the layout says in one language, by key, and how it writes a day.

    Args:
        closings: What stands where a name would stand, by the office that releases.
        says: Clauses and outcomes in this language, by id; what is missing is said as the order says it.
    """

    labels: Mapping[str, str]
    months: tuple[str, ...]
    day: str
    closings: Mapping[str, str]
    says: Mapping[str, str]

    def format_day(self, day: date) -> str:
        """Return a day in words."""
        return self.day.format(day=day.day, month=self.months[day.month - 1], year=day.year)


@dataclass(frozen=True)
class LetterBook:
    """The letters of one order.

    Args:
        digest: SHA-256 over letters.toml and the templates, hexadecimal.
        inherited: Whether the order has none of its own and these are the plain ones that come with doorward.
        body: Whose letters they are.
        office: Which office answers.
        sources: Text of each template by its name.
    """

    digest: str
    inherited: bool
    body: str
    office: str
    words: Mapping[str, Words]
    kinds: Mapping[str, Kind]
    forms: Mapping[str, LetterForm]
    rules: tuple[Rule, ...]
    never: tuple[NeverSent, ...]
    sources: Mapping[str, str]

    def find_kind(self, action: str, papers: frozenset[str]) -> Kind | None:
        """Return the first kind that a request is of; None where a person has to say."""
        return next(
            (
                kind
                for kind in self.kinds.values()
                if not kind.chosen
                and (not kind.actions or action in kind.actions)
                and (not kind.papers or papers & kind.papers)
            ),
            None,
        )

    def find_rule(self, facts: Facts) -> Rule | None:
        """Return the first rule that holds."""
        return next((rule for rule in self.rules if rule.holds(facts)), None)

    def combinations(self) -> Iterator[Facts]:
        """Yield everything that a request of each kind can come to."""
        for kind in self.kinds.values():
            for act, outcome, posture, sealed in itertools.product(
                kind.acts, Outcome, Posture, (False, True)
            ):
                yield Facts(kind.name, outcome, posture, act, sealed)

    def uncovered(self) -> Iterator[Facts]:
        """Yield each combination without a rule."""
        return (facts for facts in self.combinations() if self.find_rule(facts) is None)

    def unreached(self) -> Iterator[Rule]:
        """Yield each rule that decides no combination."""
        reached = {rule.number for facts in self.combinations() if (rule := self.find_rule(facts))}
        return (rule for rule in self.rules if rule.number not in reached)
