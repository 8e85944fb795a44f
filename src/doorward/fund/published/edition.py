"""One edition: everything that everybody may see of the fund after a month, and its one text as JSON. Pure.

INVARIANT (one text): `format_edition(parse_edition(raw)) == raw` for every text that parses. The CSV files are made
from the same edition, so that whoever holds the JSON can check each of them.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any, Final, TypeVar

from doorward.errors import MalformedError
from doorward.fund.ledger.export import LineStatement, Written
from doorward.fund.published.counted import Accepted, Known, count_reports, publish_on
from doorward.fund.published.money import Cost, Holding, Payment, make_costs, take_money
from doorward.fund.published.month import Month, months_until, parse_month
from doorward.fund.published.settled import Count, Table, settle
from doorward.orders.fund import FundWords
from doorward.orders.fund_published import PublishedWords

VERSION: Final = 1
MAX_BYTES: Final = 16 * 1024 * 1024
MAX_WORD: Final = 80
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Came:
    """How many reports count in a month: where it is none, the counts are nought because nobody reported."""

    period: str
    reports: int


@dataclass(frozen=True, slots=True)
class Edition:
    """What stands after a month.

    Args:
        on: The day on which it may be published.
        scheme: Digest of what is counted.
        served: Services by month and year; None where no reports are kept here, which is not the same as nought.
        ended: Outcomes by month and year; None as `served`.
        came: Reports by month; None as `served`.
    """

    month: Month
    on: date
    threshold: int
    scheme: str
    through: int
    through_filing: int
    lines: tuple[LineStatement, ...]
    payments: tuple[Payment, ...]
    holdings: tuple[Holding, ...]
    served: tuple[Count, ...] | None
    ended: tuple[Count, ...] | None
    came: tuple[Came, ...] | None
    costs: tuple[Cost, ...]

    @property
    def withheld(self) -> int:
        """How many counts are withheld."""
        return sum(one.value is None for one in (*(self.served or ()), *(self.ended or ())))


def make_edition(  # everything that an edition is a function of
    month: Month,
    *,
    written: Sequence[Written],
    through: int,
    reports: Sequence[Accepted] | None,
    known: Known,
    words: PublishedWords,
    fund: FundWords,
    threshold: int,
) -> Edition:
    """Return the edition of a month; the same arguments give the same one, whoever makes it and whenever.

    Args:
        written: The ledger's transactions in the order of their numbers.
        through: The number of the last transaction that counts.
        reports: Every accepted report, or None where none are kept here.
        known: The number of the last filing that counts, by month: of those before, and of this one.

    Raises:
        ConfigError: Fiscal years begin within a month.
        MalformedError: A report has a word that the public tables do not count.
    """
    money = take_money(written, month.last, through)
    served, ended, came = None, None, None
    totals: dict[tuple[int, str], int | None] = {}
    if reports is not None:
        counts = count_reports(reports, words, known)
        first = parse_month(words.first)
        settled = settle(counts, words, fund, threshold, until=month, first=first)
        served, ended = (table.counts() for table in settled)
        totals = _totals(settled[0])
        came = tuple(Came(str(one), counts.reports.get(one, 0)) for one in months_until(first, month))
    return Edition(
        month, publish_on(month, words), threshold, words.digest, money.through, known[month], money.lines,
        money.payments, money.holdings, served, ended, came, make_costs(money, totals, words),
    )  # fmt: skip


def _totals(table: Table) -> dict[tuple[int, str], int | None]:
    return {
        (int(one.period), one.code): one.value for one in table.counts() if len(one.period) == len("2026")
    }


def format_edition(edition: Edition) -> bytes:
    """Return an edition as JSON: keys sorted, one line a row of a table."""
    document = {
        "version": VERSION,
        "month": str(edition.month),
        "published_on": edition.on.isoformat(),
        "threshold": edition.threshold,
        "scheme": edition.scheme,
        "through": edition.through,
        "through_filing": edition.through_filing,
    }
    tables: dict[str, Sequence[Any] | None] = {
        "lines": edition.lines, "payments": edition.payments, "agreements": edition.holdings,
        "served": edition.served, "outcomes": edition.ended, "reports": edition.came, "costs": edition.costs,
    }  # fmt: skip
    parts = [f" {json.dumps(name)}: {_dump(value)}" for name, value in sorted(document.items())]
    for name, rows in tables.items():
        if rows is None:
            parts.append(f' "{name}": null')
        else:
            held = ",\n  ".join(_dump(asdict(row)) for row in rows)
            parts.append(f' "{name}": [\n  {held}\n ]' if rows else f' "{name}": []')
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode("ascii")


def _dump(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=date.isoformat, ensure_ascii=True)


def parse_edition(raw: bytes) -> Edition:
    """Return the edition that a JSON text of `format_edition` is of.

    Args:
        raw: Of anybody.

    Raises:
        MalformedError: It is none, or is not written as `format_edition` writes it.
    """
    if len(raw) > MAX_BYTES:
        raise MalformedError(f"an edition has at most {MAX_BYTES} bytes, got {len(raw)}")
    try:
        read = json.loads(raw)
        if read["version"] != VERSION:
            raise MalformedError("this edition is of another version of doorward")
        made = Edition(
            parse_month(str(read["month"])),
            date.fromisoformat(read["published_on"]),
            _number(read["threshold"]),
            _word(read["scheme"]),
            _number(read["through"]),
            _number(read["through_filing"]),
            _rows(LineStatement, read["lines"]),
            _rows(Payment, read["payments"]),
            _rows(Holding, read["agreements"]),
            None if read["served"] is None else _rows(Count, read["served"]),
            None if read["outcomes"] is None else _rows(Count, read["outcomes"]),
            None if read["reports"] is None else _rows(Came, read["reports"]),
            _rows(Cost, read["costs"]),
        )
        again = format_edition(made)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedError("expected an edition of the fund's public tables") from error
    if again != raw:
        raise MalformedError("the edition is not written as it is written here")
    return made


def _row(kind: type[T], row: object) -> T:
    """Return a row of a table, each field of the very type that it has here; raises TypeError or ValueError."""
    if not isinstance(row, dict) or row.keys() != {one.name for one in fields(kind)}:  # type: ignore[arg-type]  # all are dataclasses
        raise TypeError
    made: dict[str, Any] = {}
    for one in fields(kind):  # type: ignore[arg-type]  # as above
        value = row[one.name]
        if one.type is date:
            made[one.name] = date.fromisoformat(value)
        elif one.type is str:
            made[one.name] = _word(value)
        else:
            made[one.name] = None if value is None and one.type is not int else _number(value)
    return kind(**made)


def _rows(kind: type[T], rows: object) -> tuple[T, ...]:
    if not isinstance(rows, list):
        raise TypeError
    return tuple(_row(kind, row) for row in rows)


def _number(value: object) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _word(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or len(value) > MAX_WORD:
        raise TypeError
    return value
