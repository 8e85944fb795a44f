"""How far two reviewers agree: the raw share, and Cohen's kappa, which takes out what chance alone would give. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from typing import Any

from doorward.lookback.labels.intervals import Interval, quantile, wilson
from doorward.lookback.labels.labels import Label, LabelSet, settle_one

CANNOT_TELL = "cannot-tell"


@dataclass(frozen=True, slots=True)
class Agreement:
    """What two reviewers said of the wordings that both labelled.

    Args:
        first: The reviewer whose id sorts first.
        kappa: None where it is not defined: nothing in common, or one word for everything.
        table: How often (first's word, second's word).
    """

    first: str
    second: str
    wordings: int
    raw: Interval
    kappa: Interval
    table: Mapping[tuple[str, str], int]

    def as_json(self) -> dict[str, Any]:
        """Return what a report reads."""
        return {
            "first": self.first,
            "second": self.second,
            "wordings": self.wordings,
            "raw": self.raw.as_json(),
            "kappa": self.kappa.as_json(),
            "table": [{"first": one, "second": two, "n": n} for (one, two), n in sorted(self.table.items())],
        }


def measure_kappa(pairs: Sequence[tuple[str, str]]) -> Interval:
    """Return Cohen's kappa of paired words, with an interval from its standard error in large samples.

    Raises nothing; each is None where kappa is not defined.

    Source: Cohen, Educational and Psychological Measurement 20 (1960), 37-46; the standard error is formula 13 of
    Fleiss, Cohen and Everitt, Psychological Bulletin 72 (1969), 323-327.
    """
    total = len(pairs)
    rows, columns = Counter(one for one, _ in pairs), Counter(two for _, two in pairs)
    if not total:
        return Interval(None, None, None)
    cells = {pair: n / total for pair, n in Counter(pairs).items()}
    row = {word: n / total for word, n in rows.items()}
    column = {word: n / total for word, n in columns.items()}
    seen = sum(n for (one, two), n in cells.items() if one == two)
    chance = sum(share * column.get(word, 0.0) for word, share in row.items())
    if chance >= 1:
        return Interval(None, None, None)
    kappa = (seen - chance) / (1 - chance)
    diagonal = sum(
        share * (1 - (row[one] + column[one]) * (1 - kappa)) ** 2
        for (one, two), share in cells.items()
        if one == two
    )
    others = (1 - kappa) ** 2 * sum(
        share * (column.get(one, 0.0) + row.get(two, 0.0)) ** 2
        for (one, two), share in cells.items()
        if one != two
    )
    variance = max(0.0, diagonal + others - (kappa - chance * (1 - kappa)) ** 2)
    half = quantile(0.95) * sqrt(variance / total) / (1 - chance)
    return Interval(kappa, max(-1.0, kappa - half), min(1.0, kappa + half))


def measure_agreement(labels: LabelSet, *, tiers: bool = False) -> list[Agreement]:
    """Return the agreement of every two reviewers who labelled a wording both; adjudications are left out.

    Args:
        labels: Everything that was said.
        tiers: Compare what the words mean and not the words.
    """
    pairs: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for given in labels.by_wording().values():
        reviews = sorted((one for one in given if not one.adjudicates), key=lambda one: one.reviewer)
        for one, two in combinations(reviews, 2):
            words = (_word(one, tiers=tiers), _word(two, tiers=tiers))
            pairs.setdefault((one.reviewer, two.reviewer), []).append(words)
    return [
        Agreement(
            first,
            second,
            len(words),
            wilson(sum(one == two for one, two in words), len(words)),
            measure_kappa(words),
            dict(Counter(words)),
        )
        for (first, second), words in sorted(pairs.items())
    ]


def disagreements(labels: LabelSet) -> list[list[Label]]:
    """Return the standing labels of each wording whose reviewers differ in the tier and that nobody settled."""
    return [given for given in labels.by_wording().values() if not settle_one(given).decided]


def _word(label: Label, *, tiers: bool) -> str:
    return (label.tier or CANNOT_TELL) if tiers else label.label
