"""How far each target says of a corpus what Cedar's engine said: decision, deciding policies, failing policies."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from doorward.cedar.corpus import Case, Question
from doorward.cedar.est import read_rules
from doorward.cedar.ir import Rule
from doorward.cedar.scan import scan

MAX_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What a target says of a request: as in `Question`."""

    decision: str
    reasons: tuple[str, ...]
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that a target does not decide, found before it was put; ``reason`` names the construct."""

    reason: str


class Target(Protocol):
    """Something that decides requests."""

    name: str

    def decide(self, case: Case, rules: Sequence[Rule]) -> Sequence[Answer | Refusal]:
        """Return one answer a question of the case."""
        ...


@dataclass(slots=True)
class Tally:
    """What came of one target.

    Args:
        refused: How often each reason.
        shown: The first differences, in words.
    """

    target: str
    requests: int = 0
    decisions: int = 0
    reasons: int = 0
    errors: int = 0
    validations: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    shown: list[str] = field(default_factory=list)

    @property
    def differences(self) -> int:
        """All differences together."""
        return self.decisions + self.reasons + self.errors + self.validations

    def count(self, case: Case, number: int, question: Question, given: Answer | Refusal) -> None:
        """Count one answer."""
        self.requests += 1
        if isinstance(given, Refusal):
            self.refused[given.reason] += 1
            return
        self.decisions += given.decision != question.decision
        self.reasons += given.reasons != question.reasons
        self.errors += given.errors != question.errors
        if (given.decision, given.reasons, given.errors) != (
            question.decision,
            question.reasons,
            question.errors,
        ):
            expected = (
                f"{question.decision}, reasons {list(question.reasons)}, errors {list(question.errors)}"
            )
            got = f"{given.decision}, reasons {list(given.reasons)}, errors {list(given.errors)}"
            self.note(f"{case.name}, request {number}: expected {expected}, got {got}")

    def note(self, difference: str) -> None:
        """Keep a difference to be shown, as long as there are few."""
        if len(self.shown) < MAX_SHOWN:
            self.shown.append(difference)


def run(
    cases: Iterable[Case],
    targets: Sequence[Target],
    *,
    validate: Callable[[Case], bool] | None = None,
    progress: Callable[[], None] = lambda: None,
) -> list[Tally]:
    """Return what each target made of the cases.

    Args:
        cases: Of one or more corpora.
        targets: Each is asked every request.
        validate: Says whether a case validates; its differences are counted for the first target.
        progress: Called after each case.
    """
    tallies = [Tally(target.name) for target in targets]
    for case in cases:
        rules = read_rules(scan(case.name, case.policies))
        if validate is not None and tallies and validate(case) != case.validates:
            tallies[0].validations += 1
            tallies[0].note(f"{case.name}: validation differs, expected {case.validates}")
        for target, tally in zip(targets, tallies, strict=True):
            for number, (question, given) in enumerate(
                zip(case.questions, target.decide(case, rules), strict=True)
            ):
                tally.count(case, number, question, given)
        progress()
    return tallies


def answer(rules: Sequence[Rule], applying: Iterable[int], failed: Iterable[int]) -> Answer:
    """Return Cedar's answer where these rules, by number, apply and those fail: a forbid outweighs every permit."""
    applies = [rules[number] for number in applying]
    forbids = tuple(sorted(rule.id for rule in applies if rule.effect == "forbid"))
    permits = tuple(sorted(rule.id for rule in applies if rule.effect == "permit"))
    errors = tuple(sorted(rules[number].id for number in failed))
    return Answer("deny" if forbids or not permits else "allow", forbids or permits, errors)


def lines(tallies: Sequence[Tally]) -> Iterator[str]:
    """Yield the report: a line a target, its refusals and differences, and one summary at the end."""
    for tally in tallies:
        validations = f", {tally.validations} in validation" if tally.validations else ""
        yield (
            f"{tally.target}: {tally.requests} requests, differences: {tally.decisions} in decision, "
            f"{tally.reasons} in reasons, {tally.errors} in errors{validations}; "
            f"{tally.refused.total()} refused at compile time"
        )
        for reason, times in sorted(tally.refused.items(), key=lambda item: (-item[1], item[0])):
            yield f"  refused {times}: {reason}"
        yield from (f"  {shown}" for shown in tally.shown)
    total = sum(tally.differences for tally in tallies)
    refused = sum(tally.refused.total() for tally in tallies)
    requests = max((tally.requests for tally in tallies), default=0)
    yield f"conformance: {requests} requests on {len(tallies)} targets, {total} differences, {refused} refused"
