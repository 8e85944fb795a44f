"""A random sample of accesses that anybody can draw again: the seed is a text, the draw is SHA-256. Pure.

The units are accesses, the strata say where they stand (the tier that the patterns gave them, and a band of the
ranking where there is one). All accesses with one wording are read by labelling it once, so a sample of 400 accesses
costs at most 400 labels, and every access had the same chance within its stratum.

How many are drawn in each stratum goes by the square root of its accesses: between the same number in each, which
would measure the large ones badly, and the same share of each, which would measure the small ones badly.
Source: Bankier, The American Statistician 42 (1988), 174-177, with the power one half.
"""

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from math import sqrt
from typing import Any, Final

LEAST: Final = 10  # in a stratum, or all of it: with fewer even a share of one half could be anything
MAX_DRAWN: Final = 100_000
MAX_SEED: Final = 200  # characters


@dataclass(frozen=True, slots=True)
class Unit:
    """A wording of the population.

    Args:
        wording: Its digest.
        tier: What the patterns say of it.
        band: Of the ranking: `first` or `rest`, or the empty text.
        accesses: How many accesses say so; at least 1.
    """

    wording: str
    tier: str
    band: str
    accesses: int


@dataclass(frozen=True, slots=True)
class Stratum:
    """Accesses that are drawn from together.

    Args:
        drawn: How many accesses were drawn of each wording, by digest.
    """

    tier: str
    band: str
    accesses: int
    wordings: int
    drawn: Mapping[str, int]

    @property
    def size(self) -> int:
        """How many accesses were drawn."""
        return sum(self.drawn.values())


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample, and what it was drawn from.

    Args:
        population: Digest over every unit: estimates are for this population and no other.
    """

    seed: str
    asked: int
    population: str
    strata: tuple[Stratum, ...]

    @property
    def digest(self) -> str:
        """What labels cite: over everything else that is kept of the sample."""
        kept = json.dumps(self._kept(), sort_keys=True)
        return sha256(kept.encode()).hexdigest()[:16]

    def as_json(self) -> dict[str, Any]:
        """Return what is kept of it."""
        return {**self._kept(), "digest": self.digest}

    def _kept(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "asked": self.asked,
            "population": self.population,
            "strata": [
                {
                    "tier": one.tier,
                    "band": one.band,
                    "accesses": one.accesses,
                    "wordings": one.wordings,
                    "drawn": dict(sorted(one.drawn.items())),
                }
                for one in self.strata
            ],
        }


def parse_sample(read: Mapping[str, Any]) -> Sample:
    """Return a sample from what was kept of it.

    Raises:
        KeyError, TypeError, ValueError: It is no such thing; whoever reads the file says which.
    """
    strata = tuple(
        Stratum(
            str(one["tier"]), str(one["band"]), int(one["accesses"]), int(one["wordings"]),
            {str(wording): int(n) for wording, n in one["drawn"].items()},
        )
        for one in read["strata"]
    )  # fmt: skip
    return Sample(str(read["seed"]), int(read["asked"]), str(read["population"]), strata)


def population_of(units: Sequence[Unit]) -> str:
    """Return the digest of a population; the order of its units does not matter, and no band, which labels move."""
    digest = sha256()
    for unit in sorted(units, key=lambda unit: unit.wording):
        digest.update(f"{unit.wording} {unit.tier} {unit.accesses}\n".encode())
    return digest.hexdigest()


def draw_sample(units: Sequence[Unit], *, size: int, seed: str) -> Sample:
    """Return a sample of at least `size` accesses, or all there are.

    Args:
        units: Every wording once.
        size: From 1 to `MAX_DRAWN`; a stratum has at least `LEAST`, so a small sample of many strata becomes larger.
        seed: Any text; publish it beforehand, and nobody can choose the sample.
    """
    strata: dict[tuple[str, str], list[Unit]] = {}
    for unit in sorted(units, key=lambda unit: unit.wording):
        strata.setdefault((unit.tier, unit.band), []).append(unit)
    sizes = allocate({key: sum(unit.accesses for unit in of) for key, of in strata.items()}, size)
    population = population_of(units)
    drawn = []
    for (tier, band), of in sorted(strata.items()):
        ends = list(accumulate(unit.accesses for unit in of))
        counts: dict[str, int] = {}
        for number in draw_numbers(sizes[tier, band], ends[-1], f"{seed}\0{population}\0{tier}\0{band}"):
            wording = of[bisect_right(ends, number)].wording
            counts[wording] = counts.get(wording, 0) + 1
        drawn.append(Stratum(tier, band, ends[-1], len(of), counts))
    return Sample(seed, size, population, tuple(drawn))


def allocate(accesses: Mapping[tuple[str, str], int], size: int) -> dict[tuple[str, str], int]:
    """Return how many accesses are drawn in each stratum: by square root, at least `LEAST`, never more than all."""
    sizes = {key: min(LEAST, total) for key, total in accesses.items()}
    while (rest := size - sum(sizes.values())) > 0:
        open_ones = {key: sqrt(total) for key, total in accesses.items() if sizes[key] < total}
        if not open_ones:
            break
        whole = sum(open_ones.values())
        for key, root in sorted(open_ones.items(), key=lambda pair: (-pair[1], pair[0])):
            more = min(max(1, int(rest * root / whole)), accesses[key] - sizes[key])
            more = min(more, size - sum(sizes.values()))
            sizes[key] += max(0, more)
    return sizes


def draw_numbers(size: int, of: int, seed: str) -> set[int]:
    """Return `size` different numbers below `of`, every such set as likely as any other.

    Source: Floyd's algorithm, in Bentley, Communications of the ACM 30 (1987), 754-757.
    """
    chosen: set[int] = set()
    numbers = _uniform(seed)
    for last in range(of - size, of):
        number = _below(last + 1, numbers)
        chosen.add(last if number in chosen else number)
    return chosen


def _uniform(seed: str) -> Iterator[int]:
    """Yield numbers of 64 bits: SHA-256 over the seed and a counter."""
    counter = 0
    while True:
        block = sha256(f"{seed}\0{counter}".encode("utf-8", "surrogatepass")).digest()
        yield from (int.from_bytes(block[at : at + 8], "big") for at in range(0, 32, 8))
        counter += 1


def _below(bound: int, numbers: Iterator[int]) -> int:
    """Return a number below a bound without the bias of a remainder."""
    limit = (1 << 64) - (1 << 64) % bound
    return next(number for number in numbers if number < limit) % bound
