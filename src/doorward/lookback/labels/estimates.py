"""How often the patterns are right, and how much they miss, estimated from a random sample that people labelled. Pure.

For each tier that the patterns gave and each that reviewers gave: about how many accesses are both. The estimate is
Horvitz and Thompson's with the finite population correction; the interval inverts the hypergeometric distribution in
each stratum, so it holds for whatever the truth is, also where a sample of a large stratum holds none.

Precision of a tier is the share of its accesses that reviewers give the same tier; recall is the share of the accesses
that reviewers give a tier which the patterns gave it too. The interval of a sum takes the ends of its parts, each at
the confidence that makes all of them hold together (Bonferroni): wide, and never too narrow.

Tiers are never added up: each has its own row and its own sentence.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

from doorward.lookback.labels.draws import Sample, Stratum
from doorward.lookback.labels.intervals import CONFIDENCE, Interval, exact, rounded
from doorward.lookback.labels.labels import TIERS, Settled

CANNOT_TELL: Final = "cannot-tell"
COLUMNS: Final = (*TIERS, CANNOT_TELL)


@dataclass(frozen=True, slots=True)
class Total:
    """An estimated number of accesses.

    Args:
        error: Its standard error.
        low, high: The ends of its interval; both are the number itself where everything was read.
    """

    accesses: float
    error: float
    low: int
    high: int

    def as_json(self) -> dict[str, Any]:
        """Return what a report reads; whole accesses."""
        return {
            "accesses": round(self.accesses),
            "error": rounded(self.error),
            "low": self.low,
            "high": self.high,
        }


def estimate_total(
    strata: Sequence[Stratum], said: Callable[[str], bool], *, confidence: float = CONFIDENCE
) -> Total:
    """Return about how many accesses of some strata have a wording of which something holds.

    Args:
        strata: None twice; all of their wordings that were drawn are labelled.
        said: Whether it holds of a wording.
        confidence: For all strata together.
    """
    accesses = variance = 0.0
    low = high = 0
    uncertain = sum(1 for stratum in strata if stratum.size < stratum.accesses)
    each = 1 - (1 - confidence) / max(1, uncertain)
    for stratum in strata:
        yes = sum(n for wording, n in stratum.drawn.items() if said(wording))
        drawn, of = stratum.size, stratum.accesses
        share = yes / drawn
        accesses += of * share
        if drawn > 1:
            variance += of**2 * (1 - drawn / of) * share * (1 - share) / (drawn - 1)
        least, greatest = exact(yes, drawn, of, each)
        low, high = low + least, high + greatest
    return Total(accesses, sqrt(variance), low, high)


@dataclass(frozen=True, slots=True)
class Estimates:
    """What a labelled sample says of the patterns.

    Args:
        sighted: How many wordings were labelled by somebody who saw what the patterns said of them.
        unfinished: Why there is no estimate, or the empty text.
        cells: About how many accesses have (a tier by the patterns, a tier by the reviewers).
    """

    sample: Sample
    wordings: int
    sighted: int
    unfinished: str
    cells: Mapping[tuple[str, str], Total]
    precision: Mapping[str, Interval]
    recall: Mapping[str, Interval]
    untold: Mapping[str, Interval]

    def as_json(self) -> dict[str, Any]:
        """Return `estimates.json`."""
        sample = self.sample.as_json()
        strata = [
            {**{k: v for k, v in one.items() if k != "drawn"}, "drawn": sum(one["drawn"].values()),
             "labels": len(one["drawn"])}
            for one in sample["strata"]
        ]  # fmt: skip
        return {
            "sample": {**sample, "strata": strata, "labels": self.wordings, "sighted": self.sighted},
            "confidence": CONFIDENCE,
            "unfinished": self.unfinished or None,
            "cells": [
                {"patterns": by_patterns, "reviewers": by_reviewers, **total.as_json()}
                for (by_patterns, by_reviewers), total in self.cells.items()
            ],
            "precision": {tier: found.as_json() for tier, found in self.precision.items()},
            "recall": {tier: found.as_json() for tier, found in self.recall.items()},
            "cannot_tell": {tier: found.as_json() for tier, found in self.untold.items()},
            "says": say_estimates(self),
        }


def estimate(sample: Sample, settled: Mapping[str, Settled]) -> Estimates:
    """Return what a labelled sample says of the patterns; nothing but why, where a wording of it is not settled yet.

    A sample of which the hard ones are left out is no random sample, so all of it must be labelled; that a reviewer
    cannot tell is a label too.
    """
    drawn = {wording for stratum in sample.strata for wording in stratum.drawn}
    missing = sum(wording not in settled for wording in drawn)
    disputed = sum(wording in settled and not settled[wording].decided for wording in drawn)
    if not drawn or missing or disputed:
        return Estimates(sample, len(drawn), 0, _unfinished(len(drawn), missing, disputed), {}, {}, {}, {})
    sighted = sum(not all(via.startswith("sample:") for via in settled[wording].via) for wording in drawn)

    def gave(tier: str) -> Callable[[str], bool]:
        return lambda wording: (settled[wording].tier or CANNOT_TELL) == tier

    by_tier = {tier: [one for one in sample.strata if one.tier == tier] for tier in TIERS}
    present = {tier: strata for tier, strata in by_tier.items() if strata}
    cells = {
        (tier, said): estimate_total(strata, gave(said))
        for tier, strata in present.items()
        for said in COLUMNS
    }
    precision = {tier: share_of(cells[tier, tier], strata) for tier, strata in present.items()}
    untold = {tier: share_of(cells[tier, CANNOT_TELL], strata) for tier, strata in present.items()}
    recall = {tier: estimate_recall(sample.strata, tier, gave(tier)) for tier in TIERS}
    return Estimates(sample, len(drawn), sighted, "", cells, precision, recall, untold)


def share_of(total: Total, strata: Sequence[Stratum]) -> Interval:
    """Return an estimated number as a share of all accesses of some strata, which are counted and not estimated."""
    whole = sum(stratum.accesses for stratum in strata)
    return Interval(total.accesses / whole, total.low / whole, total.high / whole)


def estimate_recall(strata: Sequence[Stratum], tier: str, said: Callable[[str], bool]) -> Interval:
    """Return which share of what reviewers give a tier the patterns gave it too.

    Args:
        said: Whether the reviewers gave a wording this tier.
    """
    half = 1 - (1 - CONFIDENCE) / 2  # the caught and the missed hold together
    caught = estimate_total([one for one in strata if one.tier == tier], said, confidence=half)
    missed = estimate_total([one for one in strata if one.tier != tier], said, confidence=half)
    whole = caught.accesses + missed.accesses
    return Interval(
        caught.accesses / whole if whole else None,
        caught.low / (caught.low + missed.high) if caught.low + missed.high else None,
        caught.high / (caught.high + missed.low) if caught.high + missed.low else None,
    )


def _unfinished(drawn: int, missing: int, disputed: int) -> str:
    if not drawn:
        return "the logs hold no access that could be drawn"
    parts = [f"{missing} of {drawn} wordings of the sample are still to be labelled"] * bool(missing)
    parts += [f"{disputed} are in dispute and to be adjudicated"] * bool(disputed)
    return "; ".join(parts)


def say_estimates(found: Estimates) -> list[str]:
    """Return the estimates in sentences, a tier each."""
    sample = found.sample
    size = sum(stratum.size for stratum in sample.strata)
    whole = sum(stratum.accesses for stratum in sample.strata)
    head = (
        f"{size:,} of {whole:,} accesses were drawn at random (seed `{sample.seed}`), with {found.wordings:,} wordings "
        "to be read by a person. What says nothing, or is masked or withheld, was not drawn from."
    )
    if found.unfinished:
        return [head, f"There is no estimate yet: {found.unfinished}."]
    said = [head]
    for tier, precision in found.precision.items():
        told, recall = found.cells[tier, tier], found.recall[tier]
        line = (
            f"Of the accesses that the patterns call {tier}, reviewers call {_percent(precision)} so as well "
            f"(about {round(told.accesses):,} accesses)."
        )
        if recall.share is not None:
            line += f" Of all that reviewers call {tier}, the patterns found {_percent(recall)}."
        said.append(line)
    if found.sighted:
        said.append(
            f"{found.sighted} of these wordings were labelled by somebody who saw what the patterns said of them, "
            "which may have led them."
        )
    said.append(
        "In brackets: whatever the true share is, at most one sample in twenty would lead to a bracket without it."
    )
    return said


def _percent(share: Interval) -> str:
    if share.share is None or share.low is None or share.high is None:
        return "a share that cannot be told"
    return f"{share.share:.1%} ({share.low:.1%} to {share.high:.1%})"
