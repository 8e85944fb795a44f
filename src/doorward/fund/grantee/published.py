"""Which numbers of the fund's public tables stand, month after month, so that no small one can be had from them. Pure.

A table of a year has months and categories, a total of each month (not where the categories are of different units),
and after the twelfth a total of each category.
`doorward.suppression` withholds the small numbers and as many others as it takes. Published numbers stand for ever, so
each month is settled with all that stands; and then the bounds of each small number are asked: what else could it be,
given every published number? Months by categories is a transport problem, so the answer is a flow, exact in integers
(Ford and Fulkerson; for cell suppression Gusfield, 1988). If it can be pinned down to fewer values than the threshold
has, more is withheld. A small total is asked for as a small cell is: two columns and a row can give it away.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from doorward.suppression import Form, withhold

MONTHS: Final = 12
TOTAL: Final = "*"
FREE: Final = "free"
_UNBOUNDED: Final = 1 << 40
Residual = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Year:
    """The true numbers of a year so far.

    Args:
        months: A list of counts by category for each month that has ended.
        totals: Whether each month has a total; sessions and cases add up to nothing.
    """

    categories: tuple[str, ...]
    months: tuple[tuple[int, ...], ...]
    totals: bool = True

    def values(self) -> dict[str, int]:
        """Return every number that may be published, by id: ``3/screening``, ``3/*`` and ``year/screening``."""
        found: dict[str, int] = {}
        for month, counts in enumerate(self.months, start=1):
            found |= {f"{month}/{word}": count for word, count in zip(self.categories, counts, strict=True)}
            if self.totals:
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
        if year.totals:
            terms = dict.fromkeys(own.values(), 1)
            forms.append(Form(total, sum(counts), terms, (tuple(own),), fixed=total in standing))
    if len(year.months) == MONTHS:
        for at, word in enumerate(year.categories):
            terms = {month * width + at: 1 for month in range(MONTHS)}
            parts = tuple(f"{month + 1}/{word}" for month in range(MONTHS))
            forms.append(Form(f"year/{word}", year.values()[f"year/{word}"], terms, (parts,)))
    return forms


def _narrow(year: Year, published: frozenset[str], threshold: int) -> str | None:
    """Return the first small number that can be pinned down to fewer values than the threshold has, or None."""
    for one, value in year.values().items():
        if 0 < value < threshold:
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
    """Return the least and the greatest that a number can be, given all published numbers.

    Exact: numbers are whole and not below nought, and nothing else is known. `_UNBOUNDED` stands for no bound.

    Args:
        year: The true numbers.
        published: Ids that stand.
        one: Such as ``3/screening``, ``3/*`` or ``year/screening``.
    """
    month, _, word = one.partition("/")
    value = year.values()[one]
    if one in published:
        return value, value
    arc = (f"r{month}", f"c{word}")
    if word == TOTAL:
        arc = (FREE, f"r{month}")
    elif month == "year":
        arc = (f"c{word}", FREE)
    more = _flow(_residual(year, published, arc), arc[1], arc[0])
    less = _flow(_residual(year, published, arc), *arc)
    return max(0, value - less), min(_UNBOUNDED, value + more)


def _residual(year: Year, published: frozenset[str], without: tuple[str, str]) -> Residual:
    """Return how far withheld numbers can move: up without bound, down to nought, and totals that nobody knows.

    A number is an arc from its row to its column; a row's total one from `FREE` to the row, a column's one from the
    column to `FREE`. The arc that is asked for, and its reverse, are left out.
    """
    graph: Residual = {FREE: {}}

    def may_move(start: str, end: str, down: int) -> None:
        if (start, end) != without:
            graph.setdefault(start, {})[end] = _UNBOUNDED
            graph.setdefault(end, {})[start] = down

    for month, counts in enumerate(year.months, start=1):
        graph.setdefault(f"r{month}", {})
        if f"{month}/{TOTAL}" not in published:
            may_move(FREE, f"r{month}", _UNBOUNDED)
        for word, count in zip(year.categories, counts, strict=True):
            if f"{month}/{word}" not in published:
                may_move(f"r{month}", f"c{word}", count)
    for word in year.categories:
        graph.setdefault(f"c{word}", {})
        if f"year/{word}" not in published:
            may_move(f"c{word}", FREE, _UNBOUNDED)
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
