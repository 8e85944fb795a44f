"""Reports on file in a real PostgreSQL: terms by two, findings that stop, exceptions by two, claims, reviews, tables."""

import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from importlib import resources
from itertools import count
from typing import Any

import psycopg
import pytest

from doorward.fund.database import install
from doorward.fund.filings import rows
from doorward.fund.filings.acts import (
    AcceptTerms,
    Act,
    AskException,
    Bought,
    Budgeted,
    Charged,
    CloseQuarter,
    DeliverTable,
    DrawSample,
    EnterReview,
    FileReport,
    Filing,
    GrantException,
    ReturnReport,
    SetTerms,
    format_filing,
    note_refusal,
    parse_filing,
)
from doorward.fund.filings.bill import Bill
from doorward.fund.filings.compare import compare_filings
from doorward.fund.filings.store import Filed, Filings
from doorward.fund.grantee.cells import Place, Refusal
from doorward.fund.grantee.report import Report, read_report
from doorward.fund.ledger.operations import Appropriate, Approve, Part, Pay, Post, Withdraw
from doorward.fund.ledger.refusal import Refusal as Refused
from doorward.fund.store import Receipt, Store
from fund.conftest import NOW, Fund
from fund_reports import CLEAN, UNITS, sheet_of
from tests_support.fund import RULES, agree, invoice, open_year, submission

pytestmark = pytest.mark.pg
DAY = date(2026, 11, 3)
_KEYS = count(1 << 64)
TERMS = SetTerms(
    "north",
    (Bought("kyr-session", 20, 5_000), Bought("screening", 200, 9_000), Bought("full-representation", 10, 150_000)),
    (Budgeted("units", 900_000), Budgeted("interpretation", 50_000)),
    (
        Charged("kyr-session", "general", "know-your-rights"),
        Charged("screening", "general", "screening"),
        Charged("full-representation", "courtroom", "representation"),
        Charged("interpretation", "general", "screening"),
    ),
)  # fmt: skip


Change = tuple[int, dict[str, str | int]]


def report_of(*changes: Change, drop: Sequence[int] = ()) -> Report:
    """Return the clean report with some cells of some rows replaced, and some rows left out."""
    records = [{**record, **dict(changes).get(at, {})} for at, record in enumerate(CLEAN) if at not in drop]
    records[0] = {**records[0], "agreement": "north"}
    report, refusals = read_report((sheet_of(records),), UNITS, {"north"})
    assert report is not None, refusals
    return report


def next_key() -> uuid.UUID:
    return uuid.UUID(int=next(_KEYS), version=4)


def filing(act: Act, by: str = "grantee.ana", key: uuid.UUID | None = None) -> Filing:
    return Filing(key or next_key(), by, DAY, act)


class Office:
    """The filings of a fund, with a run of them that must be taken or refused."""

    def __init__(self, fund: Fund) -> None:
        self.fund = fund
        self.store = fund.store()
        self.filings = Filings(self.store, UNITS)

    def take(self, act: Act, by: str = "grantee.ana", **more: Any) -> Filed:
        answer = self.filings.file(filing(act, by), now=NOW, **more)
        assert isinstance(answer, Filed), answer
        return answer

    def refuse(self, act: Act, by: str = "grantee.ana", **more: Any) -> str:
        answer = self.filings.file(filing(act, by), now=NOW, **more)
        assert isinstance(answer, Refused), answer
        return answer.code

    def bill(self, report: int, by: str = "grantee.ana", key: uuid.UUID | None = None) -> Receipt | Refused:
        return self.filings.bill(Bill(key or next_key(), by, DAY, report, 7, 2026), now=NOW)


def open_agreement(store: Store) -> None:
    parts = (Part(2026, "general", 1_000_000), Part(2026, "courtroom", 1_000_000))
    for operation, by in (
        (open_year(2026), "manager"),
        (Appropriate(2026, "general", 2_000_100, "ordinance", "SO-1"), "manager"),
        (Appropriate(2026, "courtroom", 2_000_000, "ordinance", "SO-1"), "manager"),
        (agree("north", *parts), "manager"),
        (agree("south", *parts), "manager"),
        (agree("west", Part(2026, "general", 100)), "manager"),
        (Post("north"), "director"),
    ):
        answer = store.submit(submission(operation, by, DAY), now=NOW)
        assert isinstance(answer, Receipt), answer


@pytest.fixture
def office(fund: Fund) -> Office:
    found = Office(fund)
    open_agreement(found.store)
    terms = found.take(TERMS, "manager")
    found.take(AcceptTerms(terms.number), "director")
    return found


def compared(office: Office) -> tuple[str, ...]:
    with office.store.reading() as connection:
        told = [(one.number, one.entry, one.text) for one in rows.read_filings(connection)]
        found = compare_filings(told, rows.read_reports(connection), office.fund.record.entries)
    return (*found.wrong, *found.open)


def test_a_text_of_a_filing_comes_back_whole() -> None:
    for act in (
        TERMS,
        FileReport(report_of()),
        DrawSample(3, 17, "ab" * 32, 10),
        EnterReview(3, ("pass", "fail")),
    ):
        one = filing(act)
        assert parse_filing(format_filing(one)) == one


def test_from_terms_to_a_paid_claim_and_a_review(office: Office) -> None:
    number = office.take(FileReport(report_of())).number
    receipt = office.bill(number)
    assert isinstance(receipt, Receipt)
    state = office.store.state()
    (claim,) = state.claims.values()
    assert (claim.id, claim.number, claim.author) == (f"report-{number}-7", "7", "grantee.ana")
    assert {(part.line, part.service, part.cents) for part in claim.parts} == {
        ("courtroom", "representation", 450_000), ("general", "screening", 31_025),
    }  # fmt: skip
    for operation, by in (
        (Approve(claim.id), "manager"), (Approve(claim.id), "director"), (Pay(claim.id, "PV-1"), "manager"),
    ):  # fmt: skip
        assert isinstance(office.store.submit(submission(operation, by, DAY), now=NOW), Receipt)
    assert office.refuse(ReturnReport(number), "manager") == "claimed"
    office.take(DrawSample(number, 5, "ab" * 32, 3), "manager")
    assert office.refuse(DrawSample(number, 6, "cd" * 32, 3), "manager") == "drawn"
    for by in ("manager", "grantee.ana", "director"):
        assert office.refuse(EnterReview(number, ("pass",) * 3), by) == "independent"
    assert office.refuse(EnterReview(number, ("pass",) * 2), "reviewer") == "form"
    office.take(EnterReview(number, ("pass", "fail", "pass")), "reviewer")
    assert office.refuse(EnterReview(number, ("pass",) * 3), "reviewer.two") == "reviewed"
    assert office.refuse(FileReport(report_of()), "reviewer") == "independent"
    answer = office.store.submit(submission(Withdraw(claim.id), "reviewer", DAY), now=NOW)
    assert isinstance(answer, Refused)
    kept = office.filings.on_file("north").reports[number]
    assert (kept.status, kept.review and kept.review.answers) == ("clear", ("pass", "fail", "pass"))
    assert compared(office) == ()


def test_who_reviewed_approves_nothing(office: Office) -> None:
    number = office.take(FileReport(report_of())).number
    office.take(DrawSample(number, 5, "ab" * 32, 1), "manager")
    office.take(EnterReview(number, ("pass",)), "reviewer")
    assert isinstance(office.bill(number), Receipt)
    answer = office.store.submit(submission(Approve(f"report-{number}-7"), "reviewer", DAY), now=NOW)
    assert isinstance(answer, Refused)
    assert answer.code == "independent"


def test_terms_count_once_another_person_accepted_them(fund: Fund) -> None:
    office = Office(fund)
    open_agreement(office.store)
    assert office.refuse(FileReport(report_of())) == "terms"
    number = office.take(TERMS, "manager").number
    assert office.refuse(FileReport(report_of())) == "terms"
    assert office.refuse(AcceptTerms(number), "manager") == "second-person"
    office.take(AcceptTerms(number), "director")
    assert office.refuse(AcceptTerms(number), "third") == "terms"
    assert office.refuse(replace(TERMS, charged=TERMS.charged[:2]), "manager") == "charged"
    wrong = replace(TERMS, charged=(*TERMS.charged[:3], Charged("interpretation", "bond", "bond-payment")))
    assert office.refuse(wrong, "manager") == "charged"


OVER: Change = (1, {"units": 21})


def test_a_finding_stops_a_report_until_two_people_let_it_pass(office: Office) -> None:
    filed = office.take(FileReport(report_of(OVER)))
    (finding,) = filed.findings
    assert (finding.rule, finding.row) == ("units-over", 3)
    answer = office.bill(filed.number)
    assert isinstance(answer, Refused)
    assert answer.code == "finding"
    asked = AskException(filed.number, 3, "units", "units-over", "agreement-amended")
    assert office.refuse(replace(asked, reason="because")) == "reason"
    assert office.refuse(replace(asked, rule="overlap")) == "finding"
    exception = office.take(asked, "manager").number
    for by in ("manager", "grantee.ana"):
        assert office.refuse(GrantException(exception), by) == "second-person"
    office.take(GrantException(exception), "director")
    assert office.refuse(GrantException(exception), "third") == "exception"
    assert isinstance(office.bill(filed.number), Receipt)
    assert compared(office) == ()


@pytest.mark.parametrize(
    "change",
    [(5, {"amount": "4500.01"}), (3, {"units": 14}), (5, {"units": 14, "amount": "21000"}), (6, {"line": "court-cost"})],
)  # fmt: skip
def test_what_no_exception_may_pass_is_not_put_on_file(office: Office, change: Any) -> None:
    assert office.refuse(FileReport(report_of(change))) == "finding"
    assert office.filings.on_file("north").reports == {}


def test_a_corrected_report_takes_the_place_of_one_that_was_returned(office: Office) -> None:
    first = office.take(FileReport(report_of(OVER))).number
    assert office.refuse(FileReport(report_of())) == "finding"  # its invoice was handed in
    office.take(ReturnReport(first))
    assert office.refuse(AskException(first, 3, "units", "units-over", "corrected-later")) == "report-status"
    second = office.take(FileReport(report_of()))
    assert second.findings == ()
    assert isinstance(office.bill(second.number), Receipt)
    assert office.refuse(ReturnReport(second.number)) == "claimed"


def test_an_invoice_that_was_withdrawn_is_filed_again_under_another_id(office: Office) -> None:
    number = office.take(FileReport(report_of())).number
    key = next_key()
    first, again = office.bill(number, key=key), office.bill(number, key=key)
    assert isinstance(first, Receipt)
    assert isinstance(again, Receipt)
    assert (again.number, again.again) == (first.number, True)
    answer = office.bill(number)
    assert isinstance(answer, Refused)
    assert answer.code == "duplicate"
    store = office.store
    store.submit(submission(Withdraw(f"report-{number}-7"), "grantee.ana", DAY), now=NOW)
    assert isinstance(office.bill(number), Receipt)
    assert f"report-{number}-7-2" in store.state().claims


def test_the_report_after_counts_what_the_one_before_used(office: Office) -> None:
    office.take(FileReport(report_of()))
    later: Change = (
        0,
        {"agreement": "north", "from": "2026-11-01", "to": "2026-11-30"},
    )
    cost: Change = (5, {"invoice": 8})
    carried: Change = (3, {"carried": 11, "units": 14})
    found = office.take(FileReport(report_of(later, cost, carried, drop=(6,)))).findings
    assert {one.rule for one in found} == {"units-over"}  # 12 sessions and 12 more, of 20
    again: Change = (
        0,
        {"agreement": "north", "from": "2026-10-15", "to": "2026-11-14"},
    )
    found = office.take(FileReport(report_of(again, drop=(1, 3, 4, 5, 6)))).findings
    assert "overlap" in {one.rule for one in found}


def test_the_same_report_twice_at_once_is_on_file_once(office: Office) -> None:
    answers = at_once(office, [FileReport(report_of()) for _ in range(4)])
    assert sorted(type(one).__name__ for one in answers) == ["Filed", "Refusal", "Refusal", "Refusal"]
    assert {one.code for one in answers if isinstance(one, Refused)} == {"finding"}
    assert len(office.filings.on_file("north").reports) == 1
    assert compared(office) == ()


def test_periods_that_overlap_at_once_are_clear_once(office: Office) -> None:
    acts: list[Act] = []
    for day in range(10, 14):
        period: Change = (0, {"agreement": "north", "from": f"2026-10-{day}"})
        acts.append(FileReport(report_of(period, drop=(3, 4, 5, 6))))
    answers = at_once(office, acts)
    assert all(isinstance(one, Filed) for one in answers)
    stopped = [
        one for one in answers if isinstance(one, Filed) and any(f.rule == "overlap" for f in one.findings)
    ]
    assert len(stopped) == 3
    statuses = sorted(one.status for one in office.filings.on_file("north").reports.values())
    assert statuses == ["clear", "stopped", "stopped", "stopped"]


def test_the_same_invoice_billed_at_once_is_one_claim(office: Office) -> None:
    number = office.take(FileReport(report_of())).number
    answers: list[object] = []

    def bill() -> None:
        answers.append(Office(office.fund).bill(number))

    run_all([bill] * 4)
    assert sorted(type(one).__name__ for one in answers) == ["Receipt", "Refusal", "Refusal", "Refusal"]
    assert len(office.store.state().claims) == 1


def at_once(office: Office, acts: Sequence[Act]) -> list[Filed | Refused]:
    answers: list[Filed | Refused] = []
    threads = []
    for act in acts:
        other = Office(office.fund)
        one = filing(act)
        threads.append(lambda other=other, one=one: answers.append(other.filings.file(one, now=NOW)))
    run_all(threads)
    return answers


def run_all(calls: Sequence[Any]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_key_twice_is_on_file_once(office: Office) -> None:
    one = filing(FileReport(report_of(OVER)))
    first, again = (office.filings.file(one, now=NOW) for _ in range(2))
    assert isinstance(first, Filed)
    assert isinstance(again, Filed)
    assert (again.number, again.findings, again.again) == (first.number, first.findings, True)
    other = office.filings.file(replace(one, act=ReturnReport(first.number)), now=NOW)
    assert isinstance(other, Refused)
    assert other.code == "key"


def test_a_refusal_leaves_where_and_what_kind(office: Office) -> None:
    found = (
        Refusal(Place("Report", 4, "D"), "name"),
        Refusal(Place("sheet A123456789", 1_048_576, "Q"), "part"),
    )
    office.take(note_refusal("north", found))
    with office.store.reading() as connection:
        (*_, kept) = rows.read_filings(connection, "north")
    act = parse_filing(kept.text).act
    assert act == note_refusal("north", found)
    assert "Report 4 D name" in kept.text
    assert "file 0 Q part" in kept.text


PEOPLE = {"spanish": 50, "english": 25, "polish": 0}


def test_a_table_of_people_is_added_up_and_read_after_its_quarter_is_closed(office: Office) -> None:
    office.store.submit(submission(Post("south"), "director", DAY), now=NOW)
    for agreement in ("north", "south", "west"):
        office.take(DeliverTable(agreement, "language", "2026-q3"), people=PEOPLE)
    assert office.refuse(DeliverTable("north", "language", "2026-q3"), people=PEOPLE) == "quarter"
    assert office.refuse(DeliverTable("north", "language", "2026-q4"), people=PEOPLE) == "quarter"
    with office.store.reading() as connection:
        assert rows.read_banded(connection, "2026-q3") == {}
    with office.fund.connect() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT xmin, * FROM fund.banded")
    office.take(CloseQuarter("2026-q3"), "manager")
    assert office.refuse(DeliverTable("south", "ward", "2026-q3"), people={"1": 0}) == "quarter"
    with office.store.reading() as connection:
        assert rows.read_banded(connection, "2026-q3") == {
            "language": {"spanish": {50: 3}, "english": {25: 3}, "polish": {0: 3}}
        }
        texts = " ".join(one.text for one in rows.read_filings(connection))
    assert "spanish" not in texts
    assert not any(
        b"spanish" in (value or b"") for entry in office.fund.record.entries for _, value in entry.fields
    )
    assert compared(office) == ()


def test_a_quarter_that_is_not_over_by_the_servers_clock_is_neither_closed_nor_delivered(
    office: Office,
) -> None:
    for act, people in (
        (CloseQuarter("2099-q4"), None),
        (DeliverTable("north", "ward", "2099-q4"), {"1": 0}),
    ):
        early = Filing(next_key(), "manager", date(2100, 1, 1), act)
        answer = office.filings.file(early, now=NOW, people=people)
        assert isinstance(answer, Refused), answer
        assert answer.code == "quarter"


def test_a_table_of_two_grantees_is_not_read_since_each_could_take_its_own_off(office: Office) -> None:
    for agreement in ("north", "south"):
        office.take(DeliverTable(agreement, "language", "2026-q3"), people=PEOPLE)
    for agreement in ("north", "south", "west"):
        office.take(DeliverTable(agreement, "ward", "2026-q3"), people={"1": 25})
    office.take(CloseQuarter("2026-q3"), "manager")
    assert office.filings.banded("2026-q3") == {"ward": {"1": {25: 3}}}


def test_who_closes_a_quarter_reads_it_after_that_is_recorded(office: Office) -> None:
    for agreement in ("north", "south"):
        office.take(DeliverTable(agreement, "ward", "2026-q3"), people={"1": 25})
    with office.fund.connect() as connection:
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        with connection.transaction(force_rollback=True):
            row = connection.execute(
                PUT.replace("'north'", "NULL"), ["close-quarter", "manager", None]
            ).fetchone()
            assert row is not None
            connection.execute("INSERT INTO fund.closed_quarter VALUES ('2026-q3', %s)", [row[0]])
            assert rows.read_banded(connection, "2026-q3") == {}


PUT = (
    "INSERT INTO fund.filing (key, act, login, day, agreement, about, text) "
    "VALUES (gen_random_uuid(), %s, %s, '2026-11-03', 'north', %s, '') RETURNING number"
)
REPORT = "INSERT INTO fund.report VALUES (%s, 'north', %s, %s, repeat('a', 64))"


class Attack:
    """Statements of the application's role, in one transaction."""

    def __init__(self, connection: psycopg.Connection[Any], number: int, asked: int) -> None:
        self.connection, self.number, self.asked = connection, number, asked

    def put(self, act: str, by: str, about: int | None = None) -> int:
        row = self.connection.execute(PUT, [act, by, about]).fetchone()
        assert row is not None
        return int(row[0])

    def grant(self) -> None:
        self.put("grant-exception", "manager", self.asked)

    def grant_own_report(self) -> None:
        self.put("grant-exception", "grantee.ana", self.asked)

    def review(self) -> None:
        answers = "INSERT INTO fund.reviewed VALUES (%s, '{pass,pass,pass}')"
        self.connection.execute(answers, [self.put("review", "manager", self.number)])

    def review_less(self) -> None:
        answers = "INSERT INTO fund.reviewed VALUES (%s, '{pass}')"
        self.connection.execute(answers, [self.put("review", "reviewer", self.number)])

    def invoice(self) -> None:
        number = self.put("report", "grantee.ben")
        self.connection.execute(REPORT, [number, "2026-12-01", "2026-12-31"])
        cost = "INSERT INTO fund.report_cost VALUES (%s, 2, 'units', 7, '', 1, 1, 1, '')"
        self.connection.execute(cost, [number])

    def overlap(self) -> None:
        self.connection.execute(REPORT, [self.put("report", "grantee.ben"), "2026-10-05", "2026-10-09"])

    def units(self) -> None:
        number = self.put("report", "grantee.ben")
        self.connection.execute(REPORT, [number, "2026-12-01", "2026-12-31"])
        row = "INSERT INTO fund.report_units VALUES (%s, 2, 'kyr-session', '', '', 0, 0, 0, 5)"
        self.connection.execute(row, [number])

    def terms(self) -> None:
        number = self.put("terms", "manager")
        self.connection.execute("INSERT INTO fund.bought VALUES (%s, 'screening', 1, 1)", [number])
        self.connection.execute("INSERT INTO fund.budgeted VALUES (%s, 'units', 1)", [number])
        self.put("accept-terms", "manager", number)

    def finding(self) -> None:
        self.connection.execute("INSERT INTO fund.finding VALUES (%s, 4, 'units', 'overlap')", [self.number])

    def change(self) -> None:
        self.connection.execute("UPDATE fund.report_units SET units = 1")

    def word(self) -> None:
        number = self.put("report", "grantee.ben")
        self.connection.execute(REPORT, [number, "2026-12-01", "2026-12-31"])
        row = "INSERT INTO fund.report_outcome VALUES (%s, 2, 'screening', 'Jan Kowalski', 1)"
        self.connection.execute(row, [number])

    def band(self) -> None:
        self.connection.execute("INSERT INTO fund.banded VALUES ('ward', '2026-q3', '1', 0, 1)")

    def unrecorded(self) -> None:
        self.put("refused", "grantee.ben")
        self.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")


ATTACKS = {
    Attack.grant: "does not grant it",
    Attack.grant_own_report: "does not grant it",
    Attack.review: "does not review its reports",
    Attack.review_less: "not one answer for each unit",
    Attack.invoice: "an invoice was handed in before",
    Attack.overlap: "overlaps one that was reported",
    Attack.units: "more units than the agreement has left",
    Attack.terms: "does not accept them",
    Attack.finding: "is of a filing that makes it",
    Attack.change: "permission denied",
    Attack.word: "value for domain",
    Attack.band: "permission denied",
    Attack.unrecorded: "filing_is_recorded",
}


def try_attack(
    connection: psycopg.Connection[Any], attack: Callable[[Attack], None], number: int, asked: int
) -> None:
    with connection.transaction():
        attack(Attack(connection, number, asked))
        connection.execute("SET CONSTRAINTS fund.filing_is_whole IMMEDIATE")


def test_the_application_role_cannot_go_around_a_rule(office: Office) -> None:
    number = office.take(FileReport(report_of(OVER))).number
    asked = office.take(AskException(number, 3, "units", "units-over", "agreement-amended"), "manager").number
    office.take(DrawSample(number, 5, "ab" * 32, 3), "manager")
    aside = invoice("aside", "north", Part(2026, "general", 100, "screening"))
    answer = office.store.submit(submission(aside, "clerk", DAY), now=NOW)
    assert isinstance(answer, Refused)
    assert answer.code == "report"
    with office.fund.connect() as connection:
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        for attack, says in ATTACKS.items():
            with pytest.raises(psycopg.Error, match=says):
                try_attack(connection, attack, number, asked)
    assert compared(office) == ()


BILLED = (("courtroom", "representation", 450_000), ("general", "screening", 31_025))
OCTOBER, DECEMBER = ("2026-10-01", "2026-10-31"), ("2026-12-01", "2026-12-31")


def bill_raw(
    connection: psycopg.Connection[Any],
    claim: str,
    number: str,
    parts: Sequence[tuple[str, str, int]] = BILLED,
    period: tuple[str, str] = OCTOBER,
) -> None:
    """File an invoice as the application's role can."""
    row = connection.execute(
        "INSERT INTO fund.transaction (key, operation, login, day, agreement, claim, text) "
        "VALUES (gen_random_uuid(), 'file', 'grantee.ana', '2026-11-03', 'north', %s, '{}') RETURNING number",
        [claim],
    ).fetchone()
    assert row is not None
    claimed = (
        "INSERT INTO fund.claim (id, agreement, kind, number, begins, ends, transaction, author) "
        "VALUES (%s, 'north', 'invoice', %s, %s, %s, %s, 'grantee.ana')"
    )
    connection.execute(claimed, [claim, number, *period, row[0]])
    for place, (line, service, cents) in enumerate(parts, 1):
        connection.execute(PART, [claim, place, line, service, cents])
    connection.execute("INSERT INTO fund.recorded VALUES (%s, %s)", [row[0], 10_000 + row[0]])


PART = "INSERT INTO fund.claim_part VALUES (%s, %s, 2026, %s, %s, %s, 0)"
COST = "INSERT INTO fund.report_cost VALUES (%s, %s, 'units', %s, 'screening', 1, 9000, 9000, '')"
UNIT = "INSERT INTO fund.report_units VALUES (%s, 3, 'screening', '', '', 0, 0, 0, 99999)"


@contextmanager
def raw(fund: Fund) -> Iterator[psycopg.Connection[Any]]:
    """The application's role in one transaction, which is taken back where the server takes everything in it."""
    with fund.connect() as connection:
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        with connection.transaction(force_rollback=True):
            yield connection
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")


@contextmanager
def raw_refused(fund: Fund, says: str) -> Iterator[psycopg.Connection[Any]]:
    """As `raw`, of what the server refuses."""
    with pytest.raises(psycopg.Error, match=says), raw(fund) as connection:
        yield connection


def test_an_invoice_of_a_report_has_one_id_and_number(office: Office) -> None:
    number = office.take(FileReport(report_of())).number
    with raw(office.fund) as connection:
        bill_raw(connection, f"report-{number}-7", "7")
    for claim, said in (
        (f"report-{number}-07", "07"),
        (f"report-0{number}-7", "7"),
        (f"report-{number}-007", "007"),
    ):
        with raw_refused(office.fund, "not the invoice of the report") as connection:
            bill_raw(connection, claim, said)


def report_raw(connection: psycopg.Connection[Any]) -> int:
    """File a report of December as the application's role can, which bills a screening on an invoice 9."""
    number = Attack(connection, 0, 0).put("report", "grantee.ana")
    connection.execute(REPORT, [number, *DECEMBER])
    connection.execute(COST, [number, 2, 9])
    connection.execute("INSERT INTO fund.filing_recorded VALUES (%s, %s)", [number, 10_000 + number])
    return number


@pytest.mark.parametrize("row", [COST.replace("%s, %s, 'units', %s", "%s, 3, 'units', 7"), UNIT])
def test_no_row_of_a_filing_comes_after_its_check(office: Office, row: str) -> None:
    office.take(FileReport(report_of()))
    with raw(office.fund) as connection:
        report_raw(connection)
    with raw_refused(office.fund, "before it is checked") as connection:
        number = report_raw(connection)
        connection.execute("SET CONSTRAINTS fund.filing_is_whole IMMEDIATE")
        connection.execute(row, [number])


def test_no_part_of_a_claim_comes_after_its_check(office: Office) -> None:
    number = office.take(FileReport(report_of())).number
    with raw_refused(office.fund, "not what the report bills") as connection:
        bill_raw(connection, f"report-{number}-7", "7")
        connection.execute("SET CONSTRAINTS fund.claim_is_billed, fund.transaction_is_whole IMMEDIATE")
        connection.execute(PART, [f"report-{number}-7", 3, "general", "know-your-rights", 100_000])


def test_a_claim_is_of_a_report_that_was_checked(office: Office) -> None:
    with raw_refused(office.fund, "same database transaction") as connection:
        number = report_raw(connection)
        bill_raw(connection, f"report-{number}-9", "9", [("general", "screening", 9_000)], DECEMBER)
        connection.execute("SET CONSTRAINTS fund.claim_is_billed IMMEDIATE")
        connection.execute(COST, [number, 3, 9])


def test_a_superusers_change_is_found(office: Office) -> None:
    number = office.take(FileReport(report_of())).number
    with office.fund.connect("postgres") as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE fund.report_units SET units = 99 WHERE place = 3")
        connection.execute("DELETE FROM fund.filing WHERE act = 'accept-terms'")
    assert any(f"report {number}: its rows" in one for one in compared(office))
    assert any("was filed, and the database does not have it" in one for one in compared(office))


def test_an_older_fund_gets_the_tables_of_reports_by_a_second_install(fund: Fund) -> None:
    with fund.connect("postgres") as connection:
        connection.execute("DROP SCHEMA fund CASCADE")
        connection.execute("CREATE SCHEMA fund AUTHORIZATION doorward_fund_owner")
        with connection.transaction():
            connection.execute("SET LOCAL ROLE doorward_fund_owner")
            connection.execute(resources.files("doorward.fund").joinpath("ledger.sql").read_bytes())
            connection.execute("INSERT INTO fund.rule (approvals) VALUES (2)")
        install(connection, RULES, reasons=UNITS.reasons)
        assert connection.execute("SELECT count(*) FROM fund.reason").fetchone() == (len(UNITS.reasons),)
        assert not install(connection, RULES, reasons=UNITS.reasons).changed


EARLIER = """
CREATE OR REPLACE FUNCTION fund.check_billed(c fund.claim) RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
CREATE OR REPLACE FUNCTION fund.check_whole(t fund.transaction) RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
CREATE OR REPLACE VIEW fund.banded_closed AS
    SELECT b.way, b.quarter, b.category, b.band, b.tables FROM fund.banded b JOIN fund.closed_quarter c USING (quarter);
DROP TABLE fund.checked;
DROP FUNCTION fund.check_part_end CASCADE;
"""
CATALOG = """
SELECT pg_get_functiondef(oid), proacl::text FROM pg_proc WHERE pronamespace = 'fund'::regnamespace
UNION ALL SELECT pg_get_triggerdef(t.oid), '' FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = 'fund'::regnamespace AND NOT t.tgisinternal
UNION ALL SELECT viewname || definition, '' FROM pg_views WHERE schemaname = 'fund'
UNION ALL SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'fund'::regnamespace
"""


def test_an_older_fund_gets_the_rules_of_today_by_a_second_install(fund: Fund) -> None:
    with fund.connect("postgres") as connection:
        fresh = sorted(connection.execute(CATALOG).fetchall())
        connection.execute(EARLIER)
        assert sorted(connection.execute(CATALOG).fetchall()) != fresh
        assert not install(connection, RULES, reasons=UNITS.reasons).changed
        assert sorted(connection.execute(CATALOG).fetchall()) == fresh


def test_a_report_that_comes_late_carries_what_the_one_before_its_period_left(office: Office) -> None:
    later: Change = (0, {"agreement": "north", "from": "2026-12-01", "to": "2026-12-31"})
    office.take(FileReport(report_of(later, (5, {"invoice": 9}), drop=(6,))))
    assert office.take(FileReport(report_of(drop=(1,)))).findings == ()


def test_a_key_of_one_invoice_files_no_other_and_says_so(office: Office) -> None:
    report = office.take(FileReport(report_of((6, {"invoice": 8})))).number
    first, other = (Bill(next_key(), "grantee.ana", DAY, report, invoice, 2026) for invoice in (7, 8))
    assert isinstance(office.filings.bill(first, now=NOW), Receipt)
    for wrong in (replace(other, key=first.key), replace(first, by="grantee.bo"), replace(first, invoice=77)):
        answer = office.filings.bill(wrong, now=NOW)
        assert isinstance(answer, Refused), wrong
        assert answer.code == "key"
    again = office.filings.bill(replace(first, year=2027), now=NOW)
    assert isinstance(again, Receipt)
    assert again.again
    assert isinstance(office.filings.bill(other, now=NOW), Receipt)
    withdrawn = submission(Withdraw(f"report-{report}-8"), "grantee.ana", DAY)
    assert isinstance(office.store.submit(withdrawn, now=NOW), Receipt)
    answer = office.filings.bill(replace(other, key=withdrawn.key), now=NOW)
    assert isinstance(answer, Refused)
    assert answer.code == "key"


def test_what_was_refused_is_not_read_again_and_its_sender_stays_a_party(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        office.take(note_refusal("north", (Refusal(Place("Report", 4, "Q"), "name"),)), "grantee.bo")
    read: list[Filing] = []

    def parse(text: str) -> Filing:
        read.append(parse_filing(text))
        return read[-1]

    monkeypatch.setattr(rows, "parse_filing", parse)
    assert "grantee.bo" in office.filings.on_file("north").parties
    assert {type(one.act) for one in read} == {SetTerms, AcceptTerms}
    with office.store.reading() as connection:
        assert len(rows.read_filings(connection, "north")) == 5  # whoever compares has all of them
