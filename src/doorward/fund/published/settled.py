"""Which counts of the months stand, and which are withheld. Pure.

Two tables: services by month, with a total of each service after a whole fiscal year, and outcomes by month, with a
total of each month besides. Sessions and cases add up to nothing, so months of services have no total. Each table is
settled month after month by `doorward.fund.grantee.published` (ADR 68); what stood is an input, and stands for ever.

INVARIANT (replayed): what stands after a month is a function of the reports that count in it and before it, so that it
is made again from the first month on, and no file has to be believed.

INVARIANT (apart): nothing of one table can be had from the other. The one thing that joins them is that no more cases
end than were opened, where the fund began without cases. It says nothing as long as the new cases that stand are as
many as the ended ones that stand and the threshold less one: whatever the withheld numbers of one table may be, the
other table can be completed to fit (ADR 73).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from doorward.fund.grantee.published import MONTHS, TOTAL, Year, publish
from doorward.fund.published.counted import Counts
from doorward.fund.published.month import Month, fiscal_year_of, months_until
from doorward.orders.fund import FundWords
from doorward.orders.fund_published import OPENED, PublishedWords


@dataclass(frozen=True, slots=True)
class Count:
    """One number of a table.

    Args:
        period: A month such as ``2026-03``, or a fiscal year such as ``2026``.
        code: A word of fund_published.toml, or ``all``.
        value: None where it is withheld.
    """

    period: str
    code: str
    value: int | None


ALL: Final = "all"


@dataclass(slots=True)
class Table:
    """A table while it is settled: the true numbers of each fiscal year, and what of them stands.

    Args:
        has_totals: Whether its months have totals.
    """

    categories: tuple[str, ...]
    has_totals: bool
    years: dict[int, Year]
    stands: dict[int, frozenset[str]]
    months: dict[int, list[Month]]

    @classmethod
    def empty(cls, categories: Iterable[str], *, has_totals: bool) -> "Table":
        """Return a table without a month."""
        return cls(tuple(categories), has_totals, {}, {}, {})

    def add(self, month: Month, fiscal: int, counts: Sequence[int]) -> None:
        """Add a month; nothing of it stands yet."""
        year = self.years.get(fiscal, Year(self.categories, (), self.has_totals))
        self.years[fiscal] = Year(self.categories, (*year.months, tuple(counts)), self.has_totals)
        self.stands.setdefault(fiscal, frozenset())
        self.months.setdefault(fiscal, []).append(month)

    def counts(self) -> tuple[Count, ...]:
        """Return every number in its order, those that are withheld as None."""
        found = []
        for fiscal, year in sorted(self.years.items()):
            values = year.values()
            for one, value in values.items():
                at, _, word = one.partition("/")
                period = str(fiscal) if at == "year" else str(self.months[fiscal][int(at) - 1])
                code = ALL if word == TOTAL else word
                found.append(Count(period, code, value if one in self.stands[fiscal] else None))
        return tuple(found)


def settle(
    counts: Counts, words: PublishedWords, fund: FundWords, threshold: int, *, until: Month, first: Month
) -> tuple[Table, Table]:
    """Return the tables of services and of outcomes after a month.

    Args:
        threshold: The smallest count that is published; nought is too.
        until: The last month.
        first: The first one; every month between has numbers, nought where nothing was reported.

    Raises:
        ConfigError: Fiscal years begin within a month.
    """
    services = [one.code for one in words.counted]
    served = Table.empty(services, has_totals=False)
    ended = Table.empty(words.outcomes, has_totals=True)
    cases = [at for at, one in enumerate(words.counted) if one.counts == OPENED]
    for month in months_until(first, until):
        fiscal = fiscal_year_of(month, fund)
        _publish(served, month, fiscal, counts.served, threshold)
        before = _publish(ended, month, fiscal, counts.ended, threshold)
        if not words.cases_before:
            _keep_apart(served, ended, cases, fiscal, threshold, before=before)
    return served, ended


def _publish(
    table: Table, month: Month, fiscal: int, counts: Mapping[Month, tuple[int, ...]], threshold: int
) -> frozenset[str]:
    """Add a month and settle it; return what stood before."""
    table.add(month, fiscal, counts.get(month, (0,) * len(table.categories)))
    before = table.stands[fiscal]
    table.stands[fiscal] = publish(table.years[fiscal], before, threshold)
    return before


def _keep_apart(  # what the rule needs, each by its name
    served: Table, ended: Table, cases: Sequence[int], fiscal: int, threshold: int, *, before: frozenset[str]
) -> None:
    """Withhold ended cases of the newest month until the new ones that stand outnumber them; see (apart)."""
    opened = sum(
        year.months[at][case]
        for number, year in served.years.items()
        for at in range(len(year.months))
        for case in cases
        if f"{at + 1}/{served.categories[case]}" in served.stands[number]
    )
    values = ended.years[fiscal].values()
    while _least_ended(ended) and opened < _least_ended(ended) + threshold - 1:
        fresh = [one for one in ended.stands[fiscal] - before if values[one]]
        if not fresh:
            return
        totals = [one for one in fresh if one.endswith(TOTAL) or one.startswith("year/")]
        drop = max(totals or fresh, key=lambda one: (values[one], one))
        ended.stands[fiscal] -= {drop}


def _least_ended(ended: Table) -> int:
    """Return no less than what everybody knows that ended: totals where they stand, else the parts that do."""
    found = 0
    for number, year in ended.years.items():
        stands, values = ended.stands[number], year.values()
        is_summed = len(year.months) == MONTHS and any(one.startswith("year/") for one in stands)
        for at in range(1, len(year.months) + 1):
            total = f"{at}/{TOTAL}"
            if total in stands or is_summed:
                found += values[total]
            else:
                found += sum(values[f"{at}/{word}"] for word in ended.categories if f"{at}/{word}" in stands)
    return found
