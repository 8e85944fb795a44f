"""Which numbers of the fund's public tables stand, month after month, so that no small one can be had from them. Pure.

A table of a year has months and categories, a total of each month, and after the twelfth a total of each category.
`doorward.suppression` withholds the small numbers and as many others as it takes. Published numbers stand for ever, so
each month is settled with all that stands; and then the bounds of each small number are asked: what else could it be,
given every published number? Months by categories is a transport problem, so the answer is a flow, exact in integers
(Ford and Fulkerson; for cell suppression Gusfield, 1988). If it can be pinned down to fewer values than the threshold
has, more is withheld.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from doorward.suppression import Form, withhold

MONTHS: Final = 12
TOTAL: Final = "*"
_UNBOUNDED: Final = 1 << 40
Residual = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Year:
    """The true numbers of a year so far: a list of counts by category for each month that has ended."""

    categories: tuple[str, ...]
    months: tuple[tuple[int, ...], ...]

    def values(self) -> dict[str, int]:
        """Return every number that may be published, by id: ``3/screening``, ``3/*`` and ``year/screening``."""
        found: dict[str, int] = {}
        for month, counts in enumerate(self.months, start=1):
            found |= {f"{month}/{word}": count for word, count in zip(self.categories, counts, strict=True)}
            found[f"{month}/{TOTAL}"] = sum(counts)
        if len(self.months) == MONTHS:
            for at, word in enumerate(self.categories):
                found[f"year/{word}"] = sum(counts[at] for counts in self.months)
        return found


def publish(year: Year, standing: frozenset[str], threshold: int) -> frozenset[str]:
    """Return the ids that stand after the newest month: all that stood, and what may be published now.

    Args:
        year: With the newest month last.
        standing: Ids that were published in the months before.
        threshold: The smallest count that is published; nought is too.
    """
    newest = f"{len(year.months)}/"
    found = year.values()
    forms = _forms(year, standing)
    withheld = withhold(forms, threshold)
    fresh = {
        one
        for one in found
        if one.startswith((newest, "year/")) and one not in withheld and one not in standing
    }
    while fresh and (narrow := _narrow(year, standing | fresh, threshold)):
        fresh.remove(_to_drop(fresh, narrow, found))
    return standing | fresh


def _forms(year: Year, standing: frozenset[str]) -> list[Form]:
    width = len(year.categories)
    forms = []
    for month, counts in enumerate(year.months):
        own = {f"{month + 1}/{word}": month * width + at for at, word in enumerate(year.categories)}
        values = dict(zip(own, counts, strict=True))
        forms += [Form(one, values[one], {column: 1}, fixed=one in standing) for one, column in own.items()]
        total = f"{month + 1}/{TOTAL}"
        forms.append(
            Form(total, sum(counts), dict.fromkeys(own.values(), 1), (tuple(own),), fixed=total in standing)
        )
    if len(year.months) == MONTHS:
        for at, word in enumerate(year.categories):
            terms = {month * width + at: 1 for month in range(MONTHS)}
            parts = tuple(f"{month + 1}/{word}" for month in range(MONTHS))
            forms.append(Form(f"year/{word}", year.values()[f"year/{word}"], terms, (parts,)))
    return forms


def _narrow(year: Year, published: frozenset[str], threshold: int) -> str | None:
    """Return the first small number that can be pinned down to fewer values than the threshold has, or None."""
    for one, value in year.values().items():
        month, _, word = one.partition("/")
        if month != "year" and word != TOTAL and 0 < value < threshold:
            low, high = bounds(year, published, one)
            if high - low < threshold - 1:
                return one
    return None


def _to_drop(fresh: set[str], narrow: str, values: Mapping[str, int]) -> str:
    """Return what to withhold next: a total that the small number is in, then any total, then the smallest number."""
    month, _, word = narrow.partition("/")
    for one in (f"year/{word}", f"{month}/{TOTAL}"):
        if one in fresh:
            return one
    totals = [one for one in fresh if one.startswith("year/") or one.endswith(TOTAL)]
    return min(totals or fresh, key=lambda one: (values[one], one))


def bounds(year: Year, published: frozenset[str], one: str) -> tuple[int, int]:
    """Return the least and the greatest that a month's number of a category can be, given all published numbers.

    Exact: numbers are whole and not below nought, and nothing else is known. `_UNBOUNDED` stands for no bound.

    Args:
        year: The true numbers.
        published: Ids that stand.
        one: Such as ``3/screening``.
    """
    month, _, word = one.partition("/")
    value = year.values()[one]
    if one in published:
        return value, value
    row, column = f"r{month}", f"c{word}"
    more = _flow(_residual(year, published, one), column, row)
    less = _flow(_residual(year, published, one), row, column)
    return max(0, value - less), min(_UNBOUNDED, value + more)


def _residual(year: Year, published: frozenset[str], without: str) -> Residual:
    """Return how far withheld numbers can move: up without bound, down to nought, and totals that nobody knows."""
    graph: Residual = {"free": {}}
    for month, counts in enumerate(year.months, start=1):
        row = graph.setdefault(f"r{month}", {})
        if f"{month}/{TOTAL}" not in published:
            row["free"] = _UNBOUNDED
            graph["free"][f"r{month}"] = _UNBOUNDED
        for word, count in zip(year.categories, counts, strict=True):
            if f"{month}/{word}" not in published and f"{month}/{word}" != without:
                row[f"c{word}"] = _UNBOUNDED
                graph.setdefault(f"c{word}", {})[f"r{month}"] = count
    for word in year.categories:
        column = graph.setdefault(f"c{word}", {})
        if f"year/{word}" not in published:
            column["free"] = _UNBOUNDED
            graph["free"][f"c{word}"] = _UNBOUNDED
    return graph


def _flow(graph: Residual, source: str, sink: str) -> int:
    """Return the greatest flow, by shortest paths (Edmonds and Karp); no more than `_UNBOUNDED`."""
    total = 0
    while total < _UNBOUNDED and (path := _path(graph, source, sink)):
        least = min(graph[start][end] for start, end in path)
        for start, end in path:
            graph[start][end] -= least
            graph[end][start] = graph[end].get(start, 0) + least
        total += least
    return min(total, _UNBOUNDED)


def _path(graph: Residual, source: str, sink: str) -> Sequence[tuple[str, str]]:
    came: dict[str, str] = {source: source}
    waiting = deque([source])
    while waiting:
        at = waiting.popleft()
        for following, left in graph[at].items():
            if left > 0 and following not in came:
                came[following] = at
                if following == sink:
                    return _back(came, source, sink)
                waiting.append(following)
    return ()


def _back(came: Mapping[str, str], source: str, sink: str) -> list[tuple[str, str]]:
    path = []
    at = sink
    while at != source:
        path.append((came[at], at))
        at = came[at]
    return path
