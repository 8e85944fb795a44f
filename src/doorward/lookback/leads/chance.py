"""What chance alone gives: pure, and the same for the same seed.

The draws are fixed by a seed, because a number in a report must come out again when somebody runs it again.

Source: Abramowitz and Stegun 26.5.8 and 26.7.1 (incomplete beta, Student's t); Kleinman 1973 (beta-binomial by
moments).
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

MAX_RHO: Final = 0.99
_TINY: Final = 1e-300
_STEPS: Final = 500
_EXACT: Final = 25.0  # below this mean a binomial is drawn by inversion, above by its normal form


@dataclass(frozen=True, slots=True)
class Rated:
    """One unit in one month: how many searches, and how many of them have the mark that is counted."""

    unit_no: int
    peers: str
    month: int
    n: int
    x: int


@dataclass(frozen=True, slots=True)
class Spread:
    """How the rate of peers is spread: a beta-binomial by its mean and by how much peers differ beyond chance."""

    mean: float
    rho: float


def tail_of_t(t: float, df: float) -> float:
    """Return the chance that Student's t is at least so far from zero, on either side."""
    if not math.isfinite(t):
        return 0.0
    return incomplete_beta(df / (df + t * t), df / 2, 0.5)


def incomplete_beta(x: float, a: float, b: float) -> float:
    """Return the regularized incomplete beta function; x from 0 to 1, a and b above 0."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction of the incomplete beta function, by Lentz's method."""
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    value = d
    for step in range(1, _STEPS):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        for part in (even, odd):
            d = 1 / _away(1 + part * d)
            c = _away(1 + part / c)
            value *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return value


def _away(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def fit_spread(rated: Sequence[Rated]) -> Spread:
    """Return how the rates of peers are spread, by moments; two peers or more."""
    rates = [one.x / one.n for one in rated]
    mean = math.fsum(rates) / len(rates)
    if not 0 < mean < 1:
        return Spread(mean, 0.0)
    variance = math.fsum((rate - mean) ** 2 for rate in rates) / (len(rates) - 1)
    chance = math.fsum(1 / one.n for one in rated) / len(rated)
    rho = (variance / (mean * (1 - mean)) - chance) / (1 - chance) if chance < 1 else 0.0
    return Spread(mean, min(MAX_RHO, max(0.0, rho)))


def draw_months(rated: Iterable[Rated], *, draws: int, seed: int) -> Iterator[Rated]:
    """Yield every unit and month so many times, with a rate drawn from the spread of its peers of that month.

    A draw is told from another by its peers, which bear its number: no unit has a peer in another draw.

    Args:
        rated: Those that are looked at; each group of peers and month has two or more.
    """
    random = Random(seed)  # noqa: S311  # a simulation that must come out again, no secret
    groups: dict[tuple[str, int], list[Rated]] = {}
    for one in rated:
        groups.setdefault((one.peers, one.month), []).append(one)
    for (peers, month), members in sorted(groups.items()):
        spread = fit_spread(members)
        for draw in range(draws):
            for one in members:
                rate = _draw_rate(random, spread)
                yield Rated(one.unit_no, f"{peers}#{draw}", month, one.n, _draw_binomial(random, one.n, rate))


def _draw_rate(random: Random, spread: Spread) -> float:
    if spread.rho <= 0 or not 0 < spread.mean < 1:
        return spread.mean
    size = 1 / spread.rho - 1
    return random.betavariate(spread.mean * size, (1 - spread.mean) * size)


def _draw_binomial(random: Random, n: int, rate: float) -> int:
    if rate > 0.5:
        return n - _draw_binomial(random, n, 1 - rate)
    if rate <= 0:
        return 0
    mean = n * rate
    if mean > _EXACT:
        drawn = round(random.gauss(mean, math.sqrt(mean * (1 - rate))))
        return min(n, max(0, drawn))
    # By inversion: the chance of k follows from that of k - 1.
    left, k, chance = random.random(), 0, (1 - rate) ** n
    while left > chance and k < n:
        left -= chance
        chance *= (n - k) / (k + 1) * rate / (1 - rate)
        k += 1
    return k
