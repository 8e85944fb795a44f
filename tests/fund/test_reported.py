"""Where accepted reports come from: a list, and the fund's database; what one says the other says."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from doorward.fund.filings import acts
from doorward.fund.filings import store as filings
from doorward.fund.grantee.report import Report, read_report
from doorward.fund.ledger.operations import Appropriate, Part, Post
from doorward.fund.published.counted import Accepted, Reports, count_reports, take_report
from doorward.fund.reported import read_accepted
from doorward.fund.store import Receipt
from fund.conftest import NOW, Fund
from fund_reports import CLEAN, UNITS, sheet_of
from tests_support.fund import agree, open_year, submission
from tests_support.fund_published import words

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


def test_what_is_stored_is_what_a_list_says(fund: Fund) -> None:
    store = fund.store()
    parts = (Part(2026, "general", 1_000_000), Part(2026, "courtroom", 1_000_000))
    for operation, by in (
        (open_year(2026), "manager"), (Appropriate(2026, "general", 5_000_000, "ordinance", "SO-1"), "manager"),
        (Appropriate(2026, "courtroom", 5_000_000, "ordinance", "SO-1"), "manager"),
        (agree("north", *parts), "manager"), (agree("south", *parts), "manager"),
        (Post("north"), "director"), (Post("south"), "director"),
    ):  # fmt: skip
        assert isinstance(store.submit(submission(operation, by, DAY), now=NOW), Receipt)
    office = filings.Filings(store, UNITS)
    keys = iter(range(1, 100))

    def take(act: acts.Act, by: str, day: date) -> int:
        from uuid import UUID  # one use

        answer = office.file(acts.Filing(UUID(int=next(keys) << 70, version=4), by, day, act), now=NOW)
        assert isinstance(answer, filings.Filed), answer
        return int(answer.number)

    for agreement in ("north", "south"):
        terms = acts.SetTerms(
            agreement,
            (acts.Bought("kyr-session", 200, 5_000), acts.Bought("screening", 2_000, 9_000), acts.Bought("full-representation", 100, 150_000)),
            (acts.Budgeted("units", 900_000), acts.Budgeted("interpretation", 50_000)),
            (acts.Charged("kyr-session", "general", "know-your-rights"), acts.Charged("screening", "general", "screening"),
             acts.Charged("full-representation", "courtroom", "representation"), acts.Charged("interpretation", "general", "screening")),
        )  # fmt: skip
        take(acts.AcceptTerms(take(terms, "manager", DAY)), "director", DAY)
    north, south = report_of("north"), report_of("south")
    first = take(acts.FileReport(north), "grantee.ana", date(2026, 11, 4))
    take(acts.ReturnReport(first), "manager", date(2026, 11, 6))
    take(acts.FileReport(north), "grantee.ana", date(2026, 11, 9))
    stopped = replace(
        south, costs=(replace(south.costs[0], price_cents=160_000, amount_cents=480_000), *south.costs[1:])
    )
    sent = acts.Filing(
        UUID(int=99 << 70, version=4), "grantee.bo", date(2026, 11, 5), acts.FileReport(stopped)
    )
    filed = office.file(sent, now=NOW)
    assert isinstance(filed, filings.Filed), filed
    stored: Reports = Stored(fund)
    assert "south" not in {one.of[0] for one in stored.accepted() if one.of is not None}  # its price stops it
    for finding in filed.findings:
        asked = acts.AskException(filed.number, finding.row, finding.column, finding.rule, "rate-approved")
        number = take(asked, "grantee.bo", date(2026, 11, 6))
        take(acts.GrantException(number), "manager", date(2026, 11, 12))
    expected = [
        take_report(north, date(2026, 11, 4), date(2026, 11, 6)),
        take_report(north, date(2026, 11, 9)),
        take_report(stopped, date(2026, 11, 12)),
    ]
    listed: Reports = Listed(expected)
    assert [clean(one) for one in stored.accepted()] == [clean(one) for one in listed.accepted()]
    assert count_reports(stored.accepted(), words()) == count_reports(listed.accepted(), words())
    assert sum(sum(counts) for counts in count_reports(stored.accepted(), words()).served.values()) > 0


def clean(report: Accepted) -> Accepted:
    """Return a report without the counts that are nought, which a sum of no rows does not have."""

    def held(counts: Mapping[str, int]) -> dict[str, int]:
        return {word: count for word, count in counts.items() if count}

    return replace(
        report, units=held(report.units), opened=held(report.opened), outcomes=held(report.outcomes)
    )
