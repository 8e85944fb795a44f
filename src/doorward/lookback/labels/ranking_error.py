"""How often a ranking is wrong, counted on wordings that it had not seen, with intervals, in words. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

from doorward.lookback.labels.intervals import Interval, quantile, rounded, wilson

CUTS: Final = (10, 25, 50, 100, 250, 500, 1_000)
BINS: Final = 10
HALF: Final = 0.5
LEAST_RANDOM: Final = 30  # labels drawn at random, before an expected number is stated


@dataclass(frozen=True, slots=True)
class Errors:
    """How scores and people's answers go together.

    Args:
        precision: Of those with a score of one half or more, how many people say yes to.
        recall: Of those that people say yes to, how many have such a score.
        area: The chance that of a yes and a no the yes has the higher score.
        brier: The mean square of score minus answer.
    """

    yes: int
    no: int
    precision: Interval
    recall: Interval
    area: Interval
    brier: float | None

    def as_json(self) -> dict[str, Any]:
        """Return what a report reads."""
        return {
            "yes": self.yes,
            "no": self.no,
            "precision": self.precision.as_json(),
            "recall": self.recall.as_json(),
            "area": self.area.as_json(),
            "brier": rounded(self.brier),
        }


def measure_errors(scores: Sequence[float], answers: Sequence[bool]) -> Errors:
    """Return the errors of scores of wordings that the model had not seen."""
    yes = sum(answers)
    high = [answer for score, answer in zip(scores, answers, strict=True) if score >= HALF]
    squares = [(score - answer) ** 2 for score, answer in zip(scores, answers, strict=True)]
    return Errors(
        yes,
        len(answers) - yes,
        wilson(sum(high), len(high)),
        wilson(sum(high), yes),
        measure_area(scores, answers),
        sum(squares) / len(squares) if squares else None,
    )


def measure_area(scores: Sequence[float], answers: Sequence[bool]) -> Interval:
    """Return the area under the curve of true against false alarms, with an interval.

    At 0 and 1 the formula's error is 0; then the interval is Wilson's for as many trials as there are of the rarer
    answer.

    Source: DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988), 837-845.
    """
    yes = sorted(score for score, answer in zip(scores, answers, strict=True) if answer)
    no = sorted(score for score, answer in zip(scores, answers, strict=True) if not answer)
    if not yes or not no:
        return Interval(None, None, None)
    above = _placed(yes, no)
    below = [1 - share for share in _placed(no, yes)]
    area = sum(above) / len(above)
    if area in {0.0, 1.0} or min(len(yes), len(no)) < 2:
        trials = min(len(yes), len(no))
        return Interval(area, *_ends(wilson(area * trials, trials)))
    error = sqrt(_variance(above) / len(above) + _variance(below) / len(below))
    half = quantile(0.95) * error
    return Interval(area, max(0.0, area - half), min(1.0, area + half))


def _ends(interval: Interval) -> tuple[float | None, float | None]:
    return interval.low, interval.high


def _placed(of: Sequence[float], among: Sequence[float]) -> list[float]:
    """Return for each number of a sorted list the share of another sorted list that is below it; equal counts half."""
    placed, below, equal = [], 0, 0
    for number in of:
        while below < len(among) and among[below] < number:
            below += 1
        equal = max(equal, below)
        while equal < len(among) and among[equal] == number:
            equal += 1
        placed.append((below + equal) / 2 / len(among))
    return placed


def _variance(numbers: Sequence[float]) -> float:
    middle = sum(numbers) / len(numbers)
    return sum((number - middle) ** 2 for number in numbers) / (len(numbers) - 1)


def calibrate(scores: Sequence[float], answers: Sequence[bool]) -> list[dict[str, Any]]:
    """Return for each tenth of the scale how many were in it, their mean score, and how many people said yes to."""
    table = []
    for number in range(BINS):
        inside = [
            (score, answer)
            for score, answer in zip(scores, answers, strict=True)
            if number == min(BINS - 1, int(score * BINS))
        ]
        table.append(
            {
                "from": number / BINS,
                "to": (number + 1) / BINS,
                "wordings": len(inside),
                "score": rounded(sum(score for score, _ in inside) / len(inside)) if inside else None,
                "yes": wilson(sum(answer for _, answer in inside), len(inside)).as_json(),
            }
        )
    return table


def precision_at(scores: Sequence[float], answers: Sequence[bool]) -> list[dict[str, Any]]:
    """Return how many among the first so many people said yes to; ties stand in the worst order."""
    ordered = [answer for _, answer in sorted(zip(scores, answers, strict=True), key=lambda p: (-p[0], p[1]))]
    cuts = [cut for cut in CUTS if cut <= len(ordered)]
    return [
        {"first": cut, "yes": sum(ordered[:cut]), **wilson(sum(ordered[:cut]), cut).as_json()} for cut in cuts
    ]


def shift(score: float, *, learnt: float, real: float) -> float:
    """Return a score for a queue in which yes is as frequent as `real`, by a model that learnt from `learnt`.

    Source: Saerens, Latinne and Decaestecker, Neural Computation 14 (2002), 21-41, formula 4.
    """
    yes = score * real / learnt
    no = (1 - score) * (1 - real) / (1 - learnt)
    return yes / (yes + no) if yes + no else 0.0


def expect(scores: Sequence[float], *, learnt: float, drawn: int, yes: int) -> list[dict[str, Any]]:
    """Return how many are to be expected among the first so many of the queue.

    Args:
        scores: Of the queue's unread wordings, the highest first.
        learnt: Which share of the examples is yes.
        drawn: How many wordings of the queue were labelled after a random draw.
        yes: How many of them people said yes to.
    """
    real = wilson(yes, drawn)
    assert real.share is not None
    table = []
    for cut in (cut for cut in CUTS if cut <= len(scores)):
        row: dict[str, Any] = {"first": cut}
        for name, share in (("expected", real.share), ("low", real.low), ("high", real.high)):
            row[name] = round(sum(shift(one, learnt=learnt, real=share or 0.0) for one in scores[:cut]), 1)
        table.append(row)
    return table


def say_errors(said: Mapping[str, Any]) -> list[str]:
    """Return a ranking's account in sentences that need no statistics.

    Args:
        said: What `ranking.json` holds.
    """
    queue, labels = said["queue"], said["labels"]
    head = (
        f"{queue['wordings']:,} wordings with {queue['accesses']:,} accesses were caught by no pattern that names "
        "civil immigration enforcement or its agencies. They are put in an order for people to read. The order is no "
        "finding: it accuses nobody, and a wording low in it is not cleared."
    )
    if said["refused"]:
        return [head, f"The order is by how rare the words are: {said['refused']}."]
    test = said["held_out"]
    tested = (
        f"The order was learnt from {labels['yes']} forms of wording that reviewers call {said['target']} and "
        f"{labels['no']} that they call something else. It was tested on a quarter of them that it had not seen: of "
        f"what it scores one half or more, reviewers say yes to {_percent(test['precision'])}; of what reviewers say "
        f"yes to, it scores {_percent(test['recall'])} so."
    )
    caution = (
        "These wordings were picked by people and are not a random part of the logs: in the queue, where such "
        "wordings are rarer, the share of right ones is lower."
    )
    if said["expected"]:
        last = said["expected"][-1]
        outlook = (
            f"Among the first {last['first']:,} unread forms of wording about {last['expected']:g} are to be expected "
            f"({last['low']:g} to {last['high']:g})."
        )
    else:
        outlook = (
            "How many are to be expected among the first is not stated: that takes "
            f"{LEAST_RANDOM} wordings of this queue, labelled in a random order, and there are "
            f"{labels['random in the queue']}."
        )
    return [head, tested, caution, outlook]


def _percent(share: Mapping[str, float | None]) -> str:
    if share["share"] is None:
        return "a share that cannot be told"
    return f"{share['share']:.0%} ({share['low']:.0%} to {share['high']:.0%})"
