"""The day on which a command books is the city's, as at the desk: in the evening it is tomorrow in UTC already."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from doorward.cli import fund_booking, fund_exchange, fund_filing, fund_report_file
from doorward.cli.fund_booking import Who
from doorward.cli.fund_link import Link
from doorward.fund.filings.acts import ReturnReport
from doorward.fund.ledger.operations import OpenYear
from doorward.fund.store import Receipt

EVENING = datetime(2026, 7, 1, 3, 30, tzinfo=UTC)  # 22:30 in Chicago, the day before
YEAR = OpenYear(2026, date(2026, 1, 1), date(2026, 12, 31))
Book = Callable[[datetime | None, Path], None]


def _do(on: datetime | None, data: Path) -> None:
    fund_booking.do(YEAR, Who("clerk", None), on, None, Link(None, data, "here"), as_json=False)


def _take(on: datetime | None, data: Path) -> None:
    fund_filing.take(ReturnReport(1), Who("clerk", None), on, None, Link(None, data, "here"))


def _invoice(on: datetime | None, data: Path) -> None:
    fund_report_file.invoice(1, 1, 2026, "clerk", on=on, data=data, database="here")


def _openings(on: datetime | None, data: Path) -> None:
    fund_exchange.post(data, data, data, by="clerk", on=on, data=data, database="here")


@pytest.mark.parametrize("book", [_do, _take, _invoice, _openings])
def test_a_command_books_the_citys_day(book: Book, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    days: list[date] = []

    class Taken:
        """Stands where things are submitted, filed and billed."""

        def take(self, one: Any, **_: Any) -> Receipt:
            days.append(one.day)
            return Receipt(1, 1, (), again=False)

        submit = file = bill = take

    @contextmanager
    def opened(*_: Any) -> Iterator[Taken]:
        yield Taken()

    def submissions(_: str, day: date) -> tuple[Any, ...]:
        days.append(day)
        return ()

    monkeypatch.setattr(Link, "open", opened)
    for module in (fund_booking, fund_filing, fund_report_file, fund_exchange):
        monkeypatch.setattr(module, "read_clock", lambda: EVENING)
    for module in (fund_filing, fund_report_file):
        monkeypatch.setattr(module, "open_filings", opened)
    monkeypatch.setattr(fund_exchange, "_signed", lambda *_: SimpleNamespace(submissions=submissions))
    monkeypatch.setattr(fund_exchange, "_prove", lambda *_, **__: None)
    book(None, tmp_path)
    book(datetime(2026, 5, 4), tmp_path)  # as typer reads a day
    assert days == [date(2026, 6, 30), date(2026, 5, 4)]


def test_the_zone_is_that_of_the_desk(tmp_path: Path) -> None:
    link: Any = Link(None, tmp_path, "here")
    link.settings = SimpleNamespace(desk=SimpleNamespace(time_zone="Pacific/Auckland"))
    assert link.day(None, EVENING) == date(2026, 7, 1)
    link.settings = SimpleNamespace(desk=None)
    assert link.day(None, EVENING) == date(2026, 6, 30)
