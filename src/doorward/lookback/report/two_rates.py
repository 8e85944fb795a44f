"""Whether two rates differ by more than their numbers of accesses explain. Pure.

Interval: Newcombe's hybrid of two Wilson intervals (Newcombe 1998, method 10). Test: Fisher's exact test, two-sided by
the probability of the table, up to `EXACT` cases; beyond, the pooled z test. Many comparisons: Holm's step-down. All of
them take accesses as independent, which searches of one case are not: a difference may look surer than it is.
"""

import math
from collections.abc import Sequence
from typing import Final

from doorward.lookback.labels.intervals import wilson

EXACT: Final = 5_000
_EQUAL: Final = 1e-7  # tables as likely as the one seen, up to rounding


def difference(old: tuple[int, int], new: tuple[int, int]) -> tuple[float, float, float]:
    """Return new minus old as a proportion, with the lower and upper end of its interval of 95 per cent.

    Args:
        old: How many of how many; of more than nothing.
        new: As `old`.
    """
    p, q = old[0] / old[1], new[0] / new[1]
    (low_p, high_p), (low_q, high_q) = _ends(old), _ends(new)
    d = q - p
    return d, d - math.hypot(q - low_q, high_p - p), d + math.hypot(high_q - q, p - low_p)


def _ends(counted: tuple[int, int]) -> tuple[float, float]:
    found = wilson(*counted)
    assert found.low is not None, "of more than nothing"
    assert found.high is not None, "as the lower end"
    return found.low, found.high


def p_value(old: tuple[int, int], new: tuple[int, int]) -> float:
    """Return how likely a difference at least as odd is where the rates are the same; 1 of nothing."""
    (a, n), (b, m) = old, new
    cases = a + b
    if not n or not m or cases in {0, n + m}:
        return 1.0
    if cases > EXACT:
        pooled = cases / (n + m)
        z = (b / m - a / n) / math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
        return math.erfc(abs(z) / math.sqrt(2))
    whole = _log_choose(n + m, cases)

    def log_of(k: int) -> float:
        return _log_choose(n, k) + _log_choose(m, cases - k) - whole

    seen = log_of(a) + _EQUAL
    tables = (log_of(k) for k in range(max(0, cases - m), min(n, cases) + 1))
    return min(1.0, math.fsum(math.exp(one) for one in tables if one <= seen))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def holm(values: Sequence[float]) -> list[float]:
    """Return the values adjusted for how many they are, in their order."""
    adjusted, least = [0.0] * len(values), 0.0
    for rank, at in enumerate(sorted(range(len(values)), key=lambda one: (values[one], one))):
        least = max(least, min(1.0, (len(values) - rank) * values[at]))
        adjusted[at] = least
    return adjusted
