"""A fund behind the desk: two grantees, each with an agreement in force and terms that two people said."""

import uuid
from contextlib import closing
from dataclasses import replace
from datetime import date
from itertools import count
from typing import Any

from doorward.fund.filings.acts import AcceptTerms, Bought, Budgeted, Charged, Filing, SetTerms
from doorward.fund.filings.store import Filed, Filings
from doorward.fund.ledger.operations import Agree, Appropriate, OpenYear, Part, Post, Submission
from doorward.fund.store import Receipt, Store
from fund.conftest import NOW, MemoryRecord
from fund_reports import CLEAN, UNITS, rows_of

DAY = date(2026, 2, 1)
_KEYS = count(1 << 70)
TERMS = SetTerms(
    "north-1",
    (Bought("kyr-session", 20, 5_000), Bought("screening", 200, 9_000), Bought("full-representation", 10, 150_000)),
    (Budgeted("units", 900_000), Budgeted("interpretation", 50_000)),
    (
        Charged("kyr-session", "outreach", "know-your-rights"),
        Charged("screening", "legal", "screening"),
        Charged("full-representation", "legal", "representation"),
        Charged("interpretation", "legal", "screening"),
    ),
)  # fmt: skip


def key() -> uuid.UUID:
    return uuid.UUID(int=next(_KEYS), version=4)


def fill_fund(north: str = "north-legal", south: str = "south-legal") -> MemoryRecord:
    """Fill the ledger that the desk reaches, which has no year, and return its record."""
    from doorward.desk.configuration import current

    place = current().fund
    assert place is not None
    record = MemoryRecord()
    with closing(Store(place.conninfo, record)) as store:
        year = OpenYear(2026, date(2026, 1, 1), date(2026, 12, 31))
        parts = (Part(2026, "legal", 2_000_000), Part(2026, "outreach", 200_000))
        steps: list[tuple[Any, str]] = [
            (year, "fund.manager"),
            (Appropriate(2026, "legal", 9_000_000, "ordinance", "SO-1"), "fund.manager"),
            (Appropriate(2026, "outreach", 900_000, "ordinance", "SO-1"), "fund.manager"),
        ]
        for name, grantee in (("north", north), ("south", south)):
            agree = Agree(f"{name}-1", grantee, year.begins, year.ends, parts)
            steps += [(agree, "fund.manager"), (Post(f"{name}-1"), "fund.director")]
        for operation, by in steps:
            answer = store.submit(Submission(key(), by, DAY, operation), now=NOW)
            assert isinstance(answer, Receipt), answer
        filings = Filings(store, UNITS)
        for name in ("north", "south"):
            terms = filings.file(
                Filing(key(), "fund.manager", DAY, replace(TERMS, agreement=f"{name}-1")), now=NOW
            )
            assert isinstance(terms, Filed), terms
            accepted = filings.file(Filing(key(), "fund.director", DAY, AcceptTerms(terms.number)), now=NOW)
            assert isinstance(accepted, Filed)
    return record


def records(
    agreement: str = "north-1", first: str = "2026-01-01", last: str = "2026-01-31"
) -> list[dict[str, str | int]]:
    """Return the records of a clean report of an agreement."""
    return [{**CLEAN[0], "agreement": agreement, "from": first, "to": last}, *CLEAN[1:]]


def texts_of(told: list[dict[str, str | int]]) -> list[list[str]]:
    """Return the cells of records as texts."""
    return [[str(cell) for cell in row] for row in rows_of(told)]


FORM = {
    "period-0-from": "2026-01-01", "period-0-to": "2026-01-31",
    "service-0-service": "screening", "service-0-detained": "no", "service-0-units": "85",
    "service-1-service": "full-representation", "service-1-detained": "yes", "service-1-stage": "trial",
    "service-1-opened": "3", "service-1-carried": "0", "service-1-closed": "0", "service-1-units": "3",
    "cost-0-line": "units", "cost-0-invoice": "7", "cost-0-service": "full-representation", "cost-0-units": "3",
    "cost-0-price": "1500.00", "cost-0-amount": "4500.00",
}  # fmt: skip
