"""Where accepted reports come from: a list, and the fund's database; what one says the other says."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from doorward.fund.archive import Archive
from doorward.fund.filings import acts
from doorward.fund.filings import store as filings
from doorward.fund.grantee.report import Report, read_report
from doorward.fund.ledger.operations import Appropriate, Part, Post
from doorward.fund.published.check import check_remade
from doorward.fund.published.counted import Accepted, Reports, count_reports, take_report
from doorward.fund.published.files import TOTALS, parse_totals
from doorward.fund.publishing import Holdings, publish_due, remake
from doorward.fund.reported import read_accepted, read_last_filing
from doorward.fund.store import Receipt
from fund.conftest import NOW, Fund, MemoryRecord
from fund_reports import CLEAN, UNITS, sheet_of
from tests_support.fund import agree, open_year, submission
from tests_support.fund_published import fund_words, words

pytestmark = pytest.mark.pg
DAY = date(2026, 11, 3)


class Listed:
    """Reports in a list."""

    def __init__(self, held: Sequence[Accepted]) -> None:
        self.held = held

    def accepted(self) -> Sequence[Accepted]:
        return self.held


class Stored:
    """Reports in the fund's database."""

    def __init__(self, fund: Fund) -> None:
        self.fund = fund

    def accepted(self) -> Sequence[Accepted]:
        with self.fund.store().reading() as connection:
            found = read_accepted(connection)
        assert found is not None
        return found


def report_of(agreement: str) -> Report:
    records = [dict(record) for record in CLEAN]
    records[0]["agreement"] = agreement
    report, refusals = read_report((sheet_of(records),), UNITS, {agreement})
    assert report is not None, refusals
    return report


def test_a_fund_without_a_place_for_reports_has_none_which_is_not_nought(fund: Fund) -> None:
    with fund.connect("postgres") as connection:
        connection.execute("DROP TABLE IF EXISTS fund.report CASCADE")
    with fund.store().reading() as connection:
        assert read_accepted(connection) is None


class Office:
    """An office that takes what is filed of two agreements, `north` and `south`, whose terms stand."""

    def __init__(self, fund: Fund) -> None:
        self.store = fund.store()
        self.filings = filings.Filings(self.store, UNITS)
        self.keys = iter(range(1, 100))
        parts = (Part(2026, "general", 1_000_000), Part(2026, "courtroom", 1_000_000))
        for operation, by in (
            (open_year(2026), "manager"), (Appropriate(2026, "general", 5_000_000, "ordinance", "SO-1"), "manager"),
            (Appropriate(2026, "courtroom", 5_000_000, "ordinance", "SO-1"), "manager"),
            (agree("north", *parts), "manager"), (agree("south", *parts), "manager"),
            (Post("north"), "director"), (Post("south"), "director"),
        ):  # fmt: skip
            assert isinstance(self.store.submit(submission(operation, by, DAY), now=NOW), Receipt)
        for agreement in ("north", "south"):
            terms = acts.SetTerms(
                agreement,
                (acts.Bought("kyr-session", 200, 5_000), acts.Bought("screening", 2_000, 9_000), acts.Bought("full-representation", 100, 150_000)),
                (acts.Budgeted("units", 900_000), acts.Budgeted("interpretation", 50_000)),
                (acts.Charged("kyr-session", "general", "know-your-rights"), acts.Charged("screening", "general", "screening"),
                 acts.Charged("full-representation", "courtroom", "representation"), acts.Charged("interpretation", "general", "screening")),
            )  # fmt: skip
            self.take(acts.AcceptTerms(self.take(terms, "manager", DAY).number), "director", DAY)

    def take(self, act: acts.Act, by: str, day: date) -> filings.Filed:
        filing = acts.Filing(UUID(int=next(self.keys) << 70, version=4), by, day, act)
        answer = self.filings.file(filing, now=NOW)
        assert isinstance(answer, filings.Filed), answer
        return answer


def test_what_is_stored_is_what_a_list_says(fund: Fund) -> None:
    office = Office(fund)
    north, south = report_of("north"), report_of("south")
    first = office.take(acts.FileReport(north), "grantee.ana", date(2026, 11, 4)).number
    back = office.take(acts.ReturnReport(first), "manager", date(2026, 11, 6)).number
    second = office.take(acts.FileReport(north), "grantee.ana", date(2026, 11, 9)).number
    stopped = replace(
        south, costs=(replace(south.costs[0], price_cents=160_000, amount_cents=480_000), *south.costs[1:])
    )
    filed = office.take(acts.FileReport(stopped), "grantee.bo", date(2026, 11, 5))
    stored: Reports = Stored(fund)
    assert "south" not in {one.of[0] for one in stored.accepted() if one.of is not None}  # its price stops it
    excused = 0
    for finding in filed.findings:
        asked = acts.AskException(filed.number, finding.row, finding.column, finding.rule, "rate-approved")
        number = office.take(asked, "grantee.bo", date(2026, 11, 6)).number
        excused = office.take(acts.GrantException(number), "manager", date(2026, 11, 12)).number
    expected = [
        replace(take_report(north, date(2026, 11, 4), date(2026, 11, 6)), filing=first, returned_by=back),
        replace(take_report(north, date(2026, 11, 9)), filing=second),
        replace(take_report(stopped, date(2026, 11, 12)), filing=excused),
    ]
    with office.store.reading() as connection:
        assert read_last_filing(connection) == excused
    listed: Reports = Listed(expected)
    assert [clean(one) for one in stored.accepted()] == [clean(one) for one in listed.accepted()]
    assert count_reports(stored.accepted(), words()) == count_reports(listed.accepted(), words())
    assert sum(sum(counts) for counts in count_reports(stored.accepted(), words()).served.values()) > 0


def test_what_is_filed_with_a_day_before_a_publication_is_published_after_it(
    fund: Fund, tmp_path: Path
) -> None:
    office, archive, record = Office(fund), Archive(tmp_path), MemoryRecord()

    def holdings() -> Holdings:
        with office.store.reading() as connection:
            accepted, filing = read_accepted(connection), read_last_filing(connection)
        return Holdings((), accepted, words(), fund_words(), UNITS, filing)

    def publish(today: date) -> list[str]:
        done = publish_due(archive, holdings, words(), record, by="manager", today=today, now=NOW)
        return [str(month) for month in done]

    first = office.take(acts.FileReport(report_of("north")), "grantee.ana", date(2026, 11, 4))
    assert publish(date(2027, 1, 20))[-1] == "2026-11"
    before = archive.read_all()
    # The days are typed, and long before the publication.
    office.take(acts.ReturnReport(first.number), "manager", date(2026, 11, 20))
    office.take(acts.FileReport(report_of("south")), "grantee.bo", date(2026, 11, 20))
    assert publish(date(2027, 2, 20)) == ["2026-12"]
    made = archive.read_all()
    assert made[: len(before)] == before
    assert check_remade(made, remake(made, holdings())) == ()
    assert parse_totals(made[-1].files[TOTALS])["through-filing"] == str(holdings().through_filing)


def clean(report: Accepted) -> Accepted:
    """Return a report without the counts that are nought, which a sum of no rows does not have."""

    def held(counts: Mapping[str, int]) -> dict[str, int]:
        return {word: count for word, count in counts.items() if count}

    return replace(
        report, units=held(report.units), opened=held(report.opened), outcomes=held(report.outcomes)
    )
