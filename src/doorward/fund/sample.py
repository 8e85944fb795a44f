"""The invented fund of a sample: a year, an appropriation, an agreement in force, an invoice a month. Pure.

Everybody here is invented, and so is every sum. What it submits passes every rule of the ledger, as anybody's would:
who files does not approve, who sets aside does not post.
"""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import count
from typing import Final

from doorward.fund.filings.acts import AcceptTerms, Bought, Budgeted, Charged, Filing, SetTerms
from doorward.fund.ledger.operations import (
    Agree,
    Appropriate,
    Approve,
    File,
    OpenYear,
    Operation,
    Part,
    Pay,
    Post,
    Submission,
)

SAMPLE: Final = "sample"
"""How the logins below are proven: by nothing, since they are nobody's."""
MANAGER: Final = "fay.example"
CLERK: Final = "gus.example"
DIRECTOR: Final = "dora.example"
GRANTEE: Final = "river-legal-example"
AGREEMENT: Final = "river-1"
REPORTED: Final = "river-2"
"""An agreement with terms, whose invoices are filed from reports; the other's come on paper."""
_SPACE: Final = uuid.UUID("8f6f2f52-7c55-5e0e-9d0b-4d7f0f4a1e01")
_BASE: Final = 3_180_000  # cents of a month's invoice; the months below differ from it by so many hundredths
_MONTHS: Final = (91, 84, 102, 97, 108, 95, 113, 104, 99, 110, 106, 101)


def sample_submissions(
    today: date, days: tuple[date, date], *, year: int, line: str, services: tuple[str, str], source: str
) -> list[Submission]:
    """Return what a fund of this year has had by a day: the last month's invoice waits, the earlier ones are paid.

    Args:
        days: The first and the last of the fiscal year; `today` is in it.
        line: A line that is on, with the `services` that it buys.
        source: Where its authority came from.
    """
    first, last = days
    numbers = count(1)

    def by(login: str, day: date, operation: Operation) -> Submission:
        return Submission(uuid.uuid5(_SPACE, f"{year} {next(numbers)}"), login, day, operation)

    found = [
        by(MANAGER, first, OpenYear(year, first, last)),
        by(MANAGER, first, Appropriate(year, line, 69_000_000, source, f"SAMPLE-{year}-1")),
        by(MANAGER, first, Agree(AGREEMENT, GRANTEE, first, last, (Part(year, line, 48_000_000),))),
        by(DIRECTOR, first, Post(AGREEMENT)),
        by(MANAGER, first, Agree(REPORTED, GRANTEE, first, last, (Part(year, line, 9_000_000),))),
        by(DIRECTOR, first, Post(REPORTED)),
    ]
    months = list(_whole_months(first, today))
    for place, (begins, ends) in enumerate(months):
        claim, filed = f"river-{year}-{place + 1:02}", ends + timedelta(days=1)
        cents = _BASE * _MONTHS[place % len(_MONTHS)] // 100
        parts = (Part(year, line, cents // 4, services[0]), Part(year, line, cents - cents // 4, services[1]))
        number = f"SAMPLE-{begins:%Y-%m}"
        found.append(by(CLERK, filed, File(claim, AGREEMENT, "invoice", number, begins, ends, parts)))
        found.append(by(MANAGER, filed, Approve(claim)))
        if place + 1 < len(months):
            found.append(by(DIRECTOR, filed, Approve(claim)))
            found.append(by(MANAGER, filed, Pay(claim, f"SAMPLE-PV-{begins:%Y-%m}")))
    return found


def sample_terms(
    day: date, units: Iterable[str], lines: Mapping[str, bool], *, line: str, services: Collection[str]
) -> tuple[Filing, Filing]:
    """Return terms of the agreement that reports, and that another person accepts them, who is yet to say which.

    Args:
        units: Services of fund_units.toml.
        lines: Lines of fund_units.toml that are on, and whether each is at the agreed price.
        line: Of the ledger, which the agreement has money in; it buys `services`.
    """
    words, bought = tuple(units), tuple(services)
    others = [word for word, at_price in lines.items() if not at_price]
    places = {word: word if word in bought else bought[-1] for word in words}
    terms = SetTerms(
        REPORTED,
        tuple(Bought(word, 200, 10_000) for word in words),
        tuple(Budgeted(word, 8_000_000 if at_price else 200_000) for word, at_price in lines.items()),
        tuple(Charged(word, line, places.get(word, bought[0])) for word in (*words, *others)),
    )
    return (
        Filing(uuid.uuid5(_SPACE, "terms"), MANAGER, day, terms),
        Filing(uuid.uuid5(_SPACE, "accept"), DIRECTOR, day, AcceptTerms(0)),
    )


def _whole_months(first: date, today: date) -> Iterator[tuple[date, date]]:
    """Yield the first and last day of each month that is over by a day, from the one in which the year begins."""
    begins = first.replace(day=1)
    while True:
        after = (begins + timedelta(days=32)).replace(day=1)
        if after > today:
            return
        yield max(begins, first), after - timedelta(days=1)
        begins = after
