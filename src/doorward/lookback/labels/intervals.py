"""How sure a counted share is: intervals that a statistician can check by hand. Pure.

`wilson` is for a share of things that were drawn from many; `exact` for a draw without replacement from a known
number, where what is claimed must hold whatever the truth is.
"""

from dataclasses import dataclass
from math import exp, lgamma, sqrt
from statistics import NormalDist
from typing import Any, Final

CONFIDENCE: Final = 0.95
NEGLIGIBLE: Final = 1e-12  # of a sum: what comes after it is smaller still
DECIMALS: Final = 4  # of a share in a report: a hundredth of a percent


@dataclass(frozen=True, slots=True)
class Interval:
    """A share and the interval around it; all three are None where nothing was counted."""

    share: float | None
    low: float | None
    high: float | None

    def as_json(self) -> dict[str, Any]:
        """Return what a report reads."""
        return {name: rounded(getattr(self, name)) for name in ("share", "low", "high")}


def rounded(value: float | None) -> float | None:
    """Return a number as reports print it, so that the same input gives the same bytes."""
    return None if value is None else round(value, DECIMALS)


def quantile(confidence: float) -> float:
    """Return how many standard deviations hold so much of a normal distribution around its middle."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(yes: float, of: float, confidence: float = CONFIDENCE) -> Interval:
    """Return a share and Wilson's score interval.

    Args:
        yes: How many; at most `of`.
        of: Out of how many; 0 gives an interval that says nothing.
        confidence: Of the interval, both sides together.

    Source: Wilson, Journal of the American Statistical Association 22 (1927), 209-212.
    """
    if of <= 0:
        return Interval(None, None, None)
    z, share = quantile(confidence), yes / of
    middle = share + z * z / (2 * of)
    half = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    low, high = (middle - half) / (1 + z * z / of), (middle + half) / (1 + z * z / of)
    # At the two ends the formula gives 0 and 1 but for the last bits of a float.
    return Interval(share, 0.0 if yes == 0 else max(0.0, low), 1.0 if yes == of else min(1.0, high))


def exact(yes: int, drawn: int, of: int, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """Return the least and the greatest number in the whole that the draw does not speak against.

    Whatever the true number is, a draw leads to an interval without it in at most `1 - confidence` of all cases, half
    of them on either side: the tails of the hypergeometric distribution, inverted.

    Args:
        yes: How many of those drawn.
        drawn: How many were drawn, without replacement; all of them gives the true number.
        of: How many there are.
        confidence: Of the interval, both sides together.

    Source: Buonaccorsi, The American Statistician 41 (1987), 215-218.
    """
    tail = (1 - confidence) / 2
    least, greatest = yes, of - (drawn - yes)
    if drawn == 0:
        return least, greatest
    low, high = least, greatest
    while low < high:  # the least number for which so many or more are no surprise
        middle = (low + high) // 2
        if _at_least(yes, middle, drawn, of) > tail:
            high = middle
        else:
            low = middle + 1
    lower, low, high = low, least, greatest
    while low < high:  # the greatest number for which so few or fewer are no surprise
        middle = (low + high + 1) // 2
        if _at_least(drawn - yes, of - middle, drawn, of) > tail:
            low = middle
        else:
            high = middle - 1
    return lower, low


def _at_least(yes: int, marked: int, drawn: int, of: int) -> float:
    """Return the chance that a draw holds so many marked ones or more.

    Summed away from the middle on whichever side is the tail, so that terms only get smaller: one that is too small
    for a float is then as good as nothing.
    """
    first, last = max(0, drawn - (of - marked)), min(drawn, marked)
    middle = (drawn + 1) * (marked + 1) // (of + 2)
    total = 0.0
    if yes > middle:
        for number in range(max(yes, first), last + 1):
            term = _chance(number, marked, drawn, of)
            total += term
            if term <= total * NEGLIGIBLE:
                break
        return min(1.0, total)
    for number in range(min(yes - 1, last), first - 1, -1):
        term = _chance(number, marked, drawn, of)
        total += term
        if term <= total * NEGLIGIBLE:
            break
    return max(0.0, 1.0 - total)


def _chance(number: int, marked: int, drawn: int, of: int) -> float:
    return exp(
        _log_choose(marked, number) + _log_choose(of - marked, drawn - number) - _log_choose(of, drawn)
    )


def _log_choose(of: int, some: int) -> float:
    return lgamma(of + 1) - lgamma(some + 1) - lgamma(of - some + 1)
