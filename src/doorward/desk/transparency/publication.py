"""The public table: one for each quarter, on a schedule, never changed. Law 9 of the design is kept here. Pure.

1. The unit of time is a quarter, and an event counts in the quarter in which it was *recorded*. So a number that
   stands is never changed by what is recorded later, and every window that a reader can find has 90 days or more.
2. A quarter is published on one day, `delay_days` (30 at least) after its last day, whether anything happened or not:
   that there is a publication tells nothing.
3. A number from 1 to the threshold less one is withheld, with as many others as keep it from being worked out, over
   this publication and all before it together: what was published is known and cannot be taken back.
4. Totals over several quarters are of whole calendar years alone, and stand only where no withheld number of any
   quarter can be worked out with them.
5. INVARIANT (replayed): a publication is a pure function of the events recorded in its quarter and of the publications
   before it, so that an auditor makes it again.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from typing import Final

from doorward.desk.deadlines.periods import Period
from doorward.errors import ConfigError
from doorward.suppression import Form, withhold

LEAST_DELAY: Final = 30  # law 9
LEAST_THRESHOLD: Final = 5
TOTAL: Final = "all"


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that the table counts; no id, no person, no place.

    Args:
        recorded: The day on which it was recorded, in the city.
        kind: A word of the scheme, such as ``detainer``.
        outcome: A word of the scheme, such as ``deny``.
    """

    recorded: date
    kind: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Scheme:
    """What is counted; fixed before the first publication, since a new cell would be a difference.

    Args:
        threshold: The smallest count that is published; nought is too.
    """

    kinds: tuple[str, ...]
    outcomes: tuple[str, ...]
    first: Period
    threshold: int = 10
    delay_days: int = LEAST_DELAY

    def check(self) -> "Scheme":
        """Return the scheme itself.

        Raises:
            ConfigError: It publishes too early, too small, or has a word twice.
        """
        if self.delay_days < LEAST_DELAY:
            raise ConfigError(f"a publication comes at least {LEAST_DELAY} days after its quarter")
        if self.threshold < LEAST_THRESHOLD:
            raise ConfigError(f"the smallest count that is published is at least {LEAST_THRESHOLD}")
        for words in (self.kinds, self.outcomes):
            if not words or len(set(words)) != len(words) or not all(map(_is_word, words)):
                raise ConfigError(f"kinds and outcomes are words, each once, and none is `{TOTAL}`")
        if not self.first.quarter:
            raise ConfigError("the first publication is of a quarter")
        return self


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the table.

    Args:
        period: A quarter, or a year after its last quarter.
        kind: A word, or ``all``.
        outcome: A word, or ``all``.
        value: None where it is withheld.
    """

    period: str
    kind: str
    outcome: str
    value: int | None

    @property
    def id(self) -> str:
        """What it counts."""
        return f"{self.period} {self.kind} {self.outcome}"


@dataclass(frozen=True, slots=True)
class Publication:
    """What stands of one quarter, for ever.

    Args:
        on: The day of the schedule.
        figures: In the order of the scheme; the year's after them in the fourth quarter.
    """

    quarter: Period
    on: date
    threshold: int
    figures: tuple[Figure, ...]


def publish_on(scheme: Scheme, quarter: Period) -> date:
    """Return the day on which a quarter is published."""
    return quarter.last + timedelta(days=scheme.delay_days)


def due_quarters(scheme: Scheme, today: date) -> tuple[Period, ...]:
    """Return every quarter that is published by this day, from the first one."""
    found = []
    quarter = scheme.first
    while publish_on(scheme, quarter) <= today:
        found.append(quarter)
        quarter = quarter.after
    return tuple(found)


def make_publications(events: Iterable[Happening], scheme: Scheme, today: date) -> tuple[Publication, ...]:
    """Return every publication that is due by a day, from the first quarter on.

    Args:
        events: All of them; those of later quarters are not looked at.

    Raises:
        ConfigError: The scheme is none, or an event has a word that is not in it.
    """
    scheme.check()
    known = set(product(scheme.kinds, scheme.outcomes))
    counts: Counter[tuple[str, str, str]] = Counter()
    for event in events:
        if (event.kind, event.outcome) not in known:
            raise ConfigError("an event has a kind or outcome that the scheme does not count")
        counts[str(_quarter_of(event.recorded)), event.kind, event.outcome] += 1
    book = _Book(scheme, counts)
    return tuple(book.publish(quarter) for quarter in due_quarters(scheme, today))


def _figure(form: Form, *, is_withheld: bool) -> Figure:
    period, kind, outcome = form.id.split(" ")
    return Figure(period, kind, outcome, None if is_withheld else form.value)


def _is_word(word: str) -> bool:
    return word != TOTAL and word.isascii() and word.replace("-", "").isalnum()


def _quarter_of(day: date) -> Period:
    return Period(day.year, (day.month - 1) // 3 + 1)


class _Book:
    """All that was published so far, as sums over the cells of all quarters."""

    def __init__(self, scheme: Scheme, counts: Mapping[tuple[str, str, str], int]) -> None:
        self.scheme = scheme
        self.counts = counts
        self.columns: dict[tuple[str, str, str], int] = {}
        self.settled: list[Form] = []  # what stands: known to everybody
        self.hidden: list[Form] = []  # what was withheld: nothing later may tell it

    def publish(self, quarter: Period) -> Publication:
        figures = self._settle(self._forms([quarter]))
        if quarter.quarter == 4 and Period(quarter.year, 1) >= self.scheme.first:
            # After the quarter: a year that stood first would be paid for with the quarter's own numbers.
            figures += self._settle(self._forms([Period(quarter.year, at) for at in range(1, 5)]))
        return Publication(quarter, publish_on(self.scheme, quarter), self.scheme.threshold, figures)

    def _settle(self, forms: list[Form]) -> tuple[Figure, ...]:
        withheld = self._withhold(forms)
        self.settled += [
            Form(form.id, form.value, form.terms, fixed=True) for form in forms if form.id not in withheld
        ]
        self.hidden += [form for form in forms if form.id in withheld]
        return tuple(_figure(form, is_withheld=form.id in withheld) for form in forms)

    def _withhold(self, forms: list[Form]) -> frozenset[str]:
        """Return the ids of these numbers that are withheld."""
        small = [form for form in self.hidden if 0 < form.value < self.scheme.threshold]
        every = [*self.settled, *small, *self._rests(), *forms]
        mine = {form.id for form in forms}
        return frozenset(name for name in withhold(every, self.scheme.threshold) if name in mine)

    def _rests(self) -> list[Form]:
        """Return what is left of a year where its published quarters are taken away, if that is small.

        Two withheld numbers of four and five are none below a threshold of ten alone; their sum would be one.
        """
        years: dict[str, list[Form]] = {}
        for form in self.hidden:
            quarter, _, cell = form.id.partition(" ")
            if "-" in quarter:
                years.setdefault(f"rest {quarter[:4]} {cell}", []).append(form)
        return [
            Form(name, value, {at: 1 for form in forms for at in form.terms})
            for name, forms in years.items()
            if 0 < (value := sum(form.value for form in forms)) < self.scheme.threshold
        ]

    def _forms(self, quarters: Sequence[Period]) -> list[Form]:
        name = str(quarters[0]) if len(quarters) == 1 else str(quarters[0].year)
        found = []
        for kind, outcome in product((*self.scheme.kinds, TOTAL), (*self.scheme.outcomes, TOTAL)):
            cells = [
                (str(quarter), one, other)
                for quarter in quarters
                for one in (self.scheme.kinds if kind == TOTAL else (kind,))
                for other in (self.scheme.outcomes if outcome == TOTAL else (outcome,))
            ]
            terms = {self.columns.setdefault(cell, len(self.columns)): 1 for cell in cells}
            value = sum(self.counts.get(cell, 0) for cell in cells)
            found.append(Form(f"{name} {kind} {outcome}", value, terms, self._parts(name, kind, outcome)))
        return found

    def _parts(self, name: str, kind: str, outcome: str) -> tuple[tuple[str, ...], ...]:
        parts = []
        if kind == TOTAL:
            parts.append(tuple(f"{name} {one} {outcome}" for one in self.scheme.kinds))
        if outcome == TOTAL:
            parts.append(tuple(f"{name} {kind} {one}" for one in self.scheme.outcomes))
        return tuple(parts)
