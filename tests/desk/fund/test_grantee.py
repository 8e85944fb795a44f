"""A grantee at the desk: its own and nothing else; a planted name is refused and kept nowhere; report to payment."""

import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from doorward.fund.grantee.template import format_csv
from doorward.record.entry import Entry, Field, Kind
from fund_reports import UNITS, workbook
from tests_support.desk_fund import FORM, fill_fund, key, records, texts_of

pytestmark = [pytest.mark.pg, pytest.mark.usefixtures("ledger")]
Recording = Callable[[], list[Entry]]
NOW = datetime.now(UTC)  # noqa: TID251  # assignments end by the real clock
NAME = "Wiktoria Przykladowska"
WORD = "przykladowska"
PEOPLE = {
    "north": ("grantee", "north-legal"), "south": ("grantee", "south-legal"), "manager": ("fund-manager", ""),
    "director": ("fund-director", ""), "reviewer": ("fund-reviewer", ""), "auditor": ("auditor", ""),
    "officer": ("officer", "lock-up-7"),
}  # fmt: skip
REPORT = "/fund/own/north-1/report/"


@pytest.fixture
def people(desk: Any, recording: Recording) -> Iterator[dict[str, Any]]:
    """A browser for each person, and the fund filled."""
    from django.core.cache import cache

    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    assert recording() is not None
    cache.clear()
    fill_fund()
    made = {}
    for name, (role, unit) in PEOPLE.items():
        login = f"grants.{name}.example"
        account = Account.objects.filter(login=login).first() or desk.account(login, Role(role), unit=unit)
        made[name] = desk.client(account)
    yield made
    cache.clear()


def upload(browser: Any, raw: bytes, name: str = "report.xlsx", to: str = REPORT, **more: str) -> Any:
    file = SimpleUploadedFile(name, raw)
    return browser.post(to, {"upload": "1", "key": str(key()), "file": file, **more})


def text(answer: Any) -> str:
    return str(answer.content.decode())


def page_of(answer: Any) -> str:
    """Return a page without the token of its form, which differs each time."""
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", text(answer))


def filed(people: dict[str, Any]) -> str:
    """File the clean report of the first grantee, and return its page."""
    answer = upload(people["north"], workbook(records()))
    assert answer.status_code == 302, text(answer)
    return str(answer.headers["location"])


def act(browser: Any, page: str, **what: str) -> str:
    answer = browser.post(
        f"{page}act/" if "/own/" in page else page, {"key": str(key()), **what}, follow=True
    )
    assert answer.status_code == 200
    return text(answer)


def test_from_a_file_to_a_paid_invoice(people: dict[str, Any], recording: Recording) -> None:
    from doorward.desk.access import find_actor
    from doorward.desk.fund import link
    from doorward.desk.fund.filed import invoices_of, seen_report
    from doorward.desk.models import Account
    from doorward.desk.roles import Act
    from doorward.fund.ledger.operations import Approve, Pay

    assert "File a report" in text(people["north"].get("/fund/own/"))
    page = filed(people)
    assert "clear" in text(people["north"].get(page))
    assert "Filed, waits for approval: 0 of 2 approvals" in act(
        people["north"], page, do="invoice", invoice="7"
    )
    (claim,) = link.read_state().claims
    actors = {}
    for name in ("manager", "director"):
        account = Account.objects.get(login=f"grants.{name}.example")
        actors[name] = find_actor(account, is_strong=True, now=NOW)
        link.submit(actors[name], Approve(claim), key=key(), act=Act.FUND_SECOND)
    own = text(people["north"].get("/fund/own/"))
    assert "approved, due" in own
    assert "$4,810.25" in own
    link.submit(actors["manager"], Pay(claim, "PV-1"), key=key(), act=Act.FUND_BOOK)
    assert "Paid" in text(people["north"].get(page))
    assert "<dt>Paid, before refunds</dt><dd>$4,810.25</dd>" in text(people["north"].get("/fund/own/"))
    state = link.read_state()
    found = seen_report(actors["manager"], int(page.rstrip("/").rsplit("/", 1)[1]))
    assert found is not None
    assert invoices_of(*found, state)[0].standing == state.claims[claim]
    others = replace(state, claims={claim: replace(state.claims[claim], agreement="south-1")})
    assert invoices_of(*found, others)[0].claims == ()
    assert "invoice of the report is filed" in act(people["north"], page, do="return")
    proofs = {
        one.get(Field.AUTHENTICATION) for one in recording() if one.kind is Kind.FUND and one.get(Field.LOGIN)
    }
    assert b"desk grantee" in proofs


def holds(folder: Path, word: str) -> list[str]:
    """Return the files below a folder that hold a word: the spool, and the server's own files with its log."""
    files = [one for one in folder.rglob("*") if one.is_file() and not one.is_symlink()]
    return [str(one) for one in files if word.encode() in one.read_bytes().lower()]


def planted_csv(**cells: str) -> bytes:
    told = records()
    told[2] = {**told[2], **cells}
    return format_csv(texts_of(told))


def test_a_planted_name_is_refused_by_its_cell_and_kept_nowhere(
    desk: Any, people: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    from doorward.fund.filings.acts import NoteRefusal, parse_filing
    from doorward.fund.filings.rows import read_filings

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    workbook_with = workbook([*records()[:2], {**records()[2], "note": NAME}, *records()[3:]])
    padded = planted_csv(note=NAME) + b"\r\n" * 2_000_000  # over 2.5 MB, where Django would write a file
    for raw, name in (
        (planted_csv(note=NAME), f"{NAME}.csv"), (workbook_with, f"{NAME}.xlsx"), (padded, "large.csv"),
    ):  # fmt: skip
        answer = upload(people["north"], raw, name)
        assert answer.status_code == 422
        told = text(answer)
        assert "row 4, column Q" in told
        assert "it may hold a name" in told
        assert "nothing of it is kept" in told
        assert WORD not in told.lower()
    answer = people["north"].post(REPORT, {**FORM, "service-0-units": NAME, "key": str(key())})
    assert answer.status_code == 422
    assert "Services, row 1, Units" in text(answer)
    assert WORD not in text(answer).lower()
    assert "1500.00" in text(answer)  # what was not refused stands in the form again
    with psycopg.connect(desk.cluster.dsn(user="postgres", dbname="doorward_fund")) as connection:
        acts = [parse_filing(one.text).act for one in read_filings(connection, "north-1")]
        connection.execute("CHECKPOINT")
    noted = [one for one in acts if isinstance(one, NoteRefusal)]
    assert len(noted) == 4
    assert noted[0].places == ("Report 4 Q name",)
    assert holds(desk.folder, WORD) == []
    assert list(tmp_path.rglob("*")) == []
    assert holds(desk.folder, "grants.north.example")  # the search finds what is kept
    heard = capfd.readouterr()
    assert WORD not in (heard.out + heard.err).lower()
    assert "clear" in text(people["north"].get(filed(people)))  # the corrected file goes through


def test_a_form_is_read_as_a_file_is(people: dict[str, Any]) -> None:
    answer = people["north"].post(REPORT, {**FORM, "key": str(key())})
    assert answer.status_code == 302, text(answer)
    page = text(people["north"].get(answer.headers["location"]))
    assert "clear" in page
    assert "$4,500.00" in page
    wrong = {**FORM, "period-0-from": "2026-02-01", "period-0-to": "2026-02-28", "cost-0-amount": "4500.01"}
    answer = people["north"].post(REPORT, {**wrong, "cost-0-invoice": "8", "key": str(key())})
    assert answer.status_code == 422
    assert "Costs, row 1, Amount" in text(answer)


def test_a_form_that_is_sent_twice_files_once(people: dict[str, Any]) -> None:
    sent = {**FORM, "key": str(key())}
    first, second = (people["north"].post(REPORT, sent).headers["location"] for _ in range(2))
    assert first == second
    page = str(first)
    pressed = {"key": str(key()), "do": "invoice", "invoice": "7"}
    for _ in range(2):
        assert "done, and recorded" in text(people["north"].post(f"{page}act/", pressed, follow=True))
    before = "This page was sent before. Look at what is on file, then send it again"
    assert before in text(people["north"].post(f"{page}act/", {**pressed, "do": "withdraw"}, follow=True))
    again = people["north"].post(REPORT, {**sent, "cost-0-amount": "90.00", "cost-0-units": "1"})
    assert (again.status_code, before in text(again)) == (422, True)


def test_each_form_of_a_page_has_a_key_of_its_own(people: dict[str, Any]) -> None:
    answer = people["north"].post(REPORT, {**FORM, "service-0-units": "201", "key": str(key())})
    number = str(answer.headers["location"]).rstrip("/").rsplit("/", 1)[1]
    pages = {"north": (REPORT, answer.headers["location"]), "manager": (f"/fund/reports/{number}/",)}
    for who, path in ((who, path) for who, paths in pages.items() for path in paths):
        keys = re.findall(r'name="key" value="([^"]*)"', text(people[who].get(path)))
        assert len(keys) > 1, path
        assert len(set(keys)) == len(keys), path


def test_nothing_is_read_for_an_agreement_that_is_closed_out(
    people: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from doorward.desk.access import find_actor
    from doorward.desk.fund import link
    from doorward.desk.models import Account
    from doorward.desk.roles import Act
    from doorward.desk.views import grantee
    from doorward.fund.ledger.operations import CloseOut
    from doorward.fund.store import Receipt

    monkeypatch.setattr(grantee, "_is_closed", lambda _: False, raising=False)
    manager = Account.objects.get(login="grants.manager.example")
    actor = find_actor(manager, is_strong=True, now=NOW)
    assert "north-1, north-legal" in text(people["auditor"].get("/fund/reports/"))
    assert isinstance(link.submit(actor, CloseOut("north-1"), key=key(), act=Act.FUND_BOOK), Receipt)
    here, closed = (text(people["auditor"].get(f"/fund/reports/{more}")) for more in ("", "?closed=yes"))
    assert [("north-1" in page, "south-1" in page) for page in (here, closed)] == [
        (False, True),
        (True, False),
    ]
    table = "/fund/own/north-1/table/"
    sent = (
        upload(people["north"], planted_csv(note=NAME), "r.csv"),
        upload(people["north"], b"x", to=table, way="language"),
    )
    for answer in sent:  # closed out while the file is read: nothing was noted, so nothing says it was
        assert answer.status_code == 422
        assert "is kept" not in text(answer)
        assert "closed out" in text(answer)
    monkeypatch.undo()
    monkeypatch.setattr(grantee, "read_confined", None)
    for path in (REPORT, table):
        answer = upload(people["north"], planted_csv(note=NAME), to=path, way="language")
        assert answer.status_code == 422
        assert "is closed out" in text(answer)


def test_numbers_of_any_length_are_no_number_of_terms(people: dict[str, Any]) -> None:
    for number in ("9" * 5_000, "9" * 19, "0"):
        answer = people["manager"].post("/fund/reports/", {"terms": number, "key": str(key())}, follow=True)
        assert answer.status_code == 200


def test_an_exception_takes_two_and_neither_filed_the_report(people: dict[str, Any]) -> None:
    from doorward.desk.fund.link import read_state

    answer = people["north"].post(REPORT, {**FORM, "service-0-units": "201", "key": str(key())})
    page = str(answer.headers["location"])
    number = page.rstrip("/").rsplit("/", 1)[1]
    city = f"/fund/reports/{number}/"
    assert "stopped" in text(people["north"].get(page))
    assert "more units than the agreement has left" in act(people["north"], page, do="invoice", invoice="7")
    assert not read_state().claims
    finding = "3 units units-over"
    assert "not on the order" in act(people["north"], page, do="ask", finding=finding, reason="because")
    act(people["north"], page, do="ask", finding=finding, reason="agreement-amended")
    shown = text(people["manager"].get(city))
    assert "waits for another person" in shown
    reason = UNITS.reasons["agreement-amended"]
    assert f"an exception was asked ({reason})" in shown
    assert "It is <strong>stopped by 1 finding</strong>" in shown
    listed = text(people["manager"].get("/fund/reports/"))
    assert "<td>stopped by 1 finding</td>" in listed
    exception = shown.split('name="exception" value="')[1].split('"')[0]
    assert people["auditor"].post(city, {"do": "grant", "exception": exception}).status_code == 403
    assert "done, and recorded" in act(people["manager"], city, do="grant", exception=exception)
    assert "clear" in text(people["north"].get(page))
    assert f"excused: {reason}" in text(people["north"].get(page))
    assert "<td>clear, can be billed</td>" in text(people["manager"].get("/fund/reports/"))
    assert "done, and recorded" in act(people["north"], page, do="invoice", invoice="7")


def test_who_asked_is_not_shown_the_button_and_cannot_grant(people: dict[str, Any]) -> None:
    answer = people["north"].post(REPORT, {**FORM, "service-0-units": "201", "key": str(key())})
    number = str(answer.headers["location"]).rstrip("/").rsplit("/", 1)[1]
    city = f"/fund/reports/{number}/"
    act(people["manager"], city, do="ask", finding="3 units units-over", reason="agreement-amended")
    shown = text(people["manager"].get(city))
    assert "Grant exception" not in shown
    exception = text(people["director"].get(city)).split('name="exception" value="')[1].split('"')[0]
    assert "does not grant it" in act(people["manager"], city, do="grant", exception=exception)
    assert "done, and recorded" in act(people["director"], city, do="grant", exception=exception)


def test_one_grantee_never_reaches_another(people: dict[str, Any]) -> None:
    page = filed(people)
    unknown = people["south"].get("/fund/own/no-such/report/")
    for path in (REPORT, page, "/fund/own/north-1/table/", "/fund/own/north-1/template/report.csv"):
        answer = people["south"].get(path)
        assert answer.status_code == 404
        assert page_of(answer) == page_of(unknown)
    assert people["south"].get(page.replace("north-1", "south-1")).status_code == 404
    for path in (REPORT, "/fund/own/north-1/table/"):
        assert upload(people["south"], workbook(records()), to=path).status_code == 404
    assert people["south"].post(f"{page}act/", {"do": "return"}).status_code == 404
    own = text(people["south"].get("/fund/own/"))
    assert "north" not in own
    assert "south-1" in own
    # a report that names another grantee's agreement is refused like any unknown number
    answer = upload(people["south"], workbook(records()), to="/fund/own/south-1/report/")
    assert answer.status_code == 422
    assert "it is not the number of the agreement" in text(answer)


OUT_OF_REACH = (
    "/new/", "/matters/", "/queue/", "/visits/", "/training/", "/reports/", "/registers/", "/overview/", "/holds/",
    "/fund/reports/", "/fund/reports/1/", "/phones/", "/paper/", "/custody/", "/records/", "/public/",
)  # fmt: skip


def test_nothing_else_of_the_desk_exists_for_grantees_and_reviewers(people: dict[str, Any]) -> None:
    filed(people)
    for who, home, others in (
        ("north", "/fund/own/", "/fund/review/"), ("reviewer", "/fund/review/", "/fund/own/"),
    ):  # fmt: skip
        never = people[who].get("/no/such/page/")
        for path in (*OUT_OF_REACH, others):
            answer = people[who].get(path)
            assert (path, answer.status_code) == (path, 404)
            assert page_of(answer) == page_of(never)
            assert people[who].post(path).status_code == 404
        assert people[who].get("/").headers["location"] == home
        page = text(people[who].get(home))
        for word in ("File a request", ">Waiting for you</a>", ">Registers", ">Requests"):
            assert word not in page


def test_who_else_gets_what(people: dict[str, Any]) -> None:
    page = filed(people)
    number = page.rstrip("/").rsplit("/", 1)[1]
    expected = {
        "/fund/own/": (404, 404, 404, 404),
        REPORT: (404, 404, 404, 404),
        page: (404, 404, 404, 404),
        "/fund/reports/": (200, 200, 200, 404),
        f"/fund/reports/{number}/": (200, 200, 200, 404),
        "/fund/review/": (404, 404, 404, 404),
        f"/fund/review/{number}/": (404, 404, 404, 404),
    }
    for path, codes in expected.items():
        got = tuple(
            people[who].get(path).status_code for who in ("manager", "director", "auditor", "officer")
        )
        assert (path, got) == (path, codes)


def test_a_second_role_does_not_widen_a_grantee(desk: Any, people: dict[str, Any]) -> None:
    from doorward.desk.models import Account, Assignment
    from doorward.desk.roles import Role

    assert people
    both = Account.objects.filter(login="grants.both.example").first() or desk.account(
        "grants.both.example", Role.FUND
    )
    Assignment.objects.create(
        account=both, role="grantee", order_role="unknown", agency="VENDOR", unit="north-legal",
        begins=NOW - timedelta(hours=1), until=NOW + timedelta(days=1), given_by="test",
    )  # fmt: skip
    browser = desk.client(both)
    assert browser.get("/fund/reports/").status_code == 404
    assert browser.get("/fund/own/").status_code == 200
    Assignment.objects.create(
        account=both, role="grantee", order_role="unknown", agency="VENDOR", unit="south-legal",
        begins=NOW - timedelta(hours=1), until=NOW + timedelta(days=1), given_by="test",
    )  # fmt: skip
    assert desk.client(both).get("/fund/own/").status_code == 404
    Assignment.objects.filter(account=both).delete()


def test_the_reviewer_answers_once_and_no_party_does(people: dict[str, Any]) -> None:
    from contextlib import closing

    from doorward.desk.configuration import current
    from doorward.fund.filings.acts import DrawSample, Filing
    from doorward.fund.filings.store import Filings
    from doorward.fund.store import Store
    from fund_reports import UNITS
    from tests_support.desk_fund import DAY

    number = int(filed(people).rstrip("/").rsplit("/", 1)[1])
    page, place = f"/fund/review/{number}/", current().fund
    assert place is not None
    assert people["reviewer"].get(page).status_code == 404  # nothing is drawn
    with closing(Store(place.conninfo, NumberedRecord(10_000))) as store:
        Filings(store, UNITS).file(
            Filing(key(), "grants.manager.example", DAY, DrawSample(number, 4, "ab" * 32, 3)), now=NOW
        )
    assert "Report" in text(people["reviewer"].get("/fund/review/"))
    assert text(people["reviewer"].get(page)).count("of the grantee's list") == 3
    answer = people["reviewer"].post(page, {"unit-0": "pass", "unit-1": "fail", "key": str(key())})
    assert answer.status_code == 422
    assert "say pass or fail of each unit" in text(answer)
    noted = {"unit-0": "pass", "unit-1": "fail", "unit-2": NAME, "key": str(key())}
    answer = people["reviewer"].post(page, noted)
    assert WORD not in text(answer).lower()
    for who in ("manager", "north", "auditor"):
        assert people[who].post(page, {**noted, "unit-2": "pass"}).status_code == 404
    done = act(people["reviewer"], page, **{"unit-0": "pass", "unit-1": "fail", "unit-2": "pass"})
    assert "What was found" in done
    again = people["reviewer"].post(page, {**noted, "unit-2": "pass"})
    assert "was reviewed before" in text(again)
    assert "2 passed" in text(people["manager"].get(f"/fund/reports/{number}/"))


class NumberedRecord:
    """A recorder whose entries begin at a number, so that none is one of the desk's."""

    def __init__(self, first: int) -> None:
        self.next = first

    def record(self, drafts: Any, *, now: Any) -> int:
        del now
        self.next += len(drafts)
        return self.next


def test_a_table_of_people_is_added_and_its_template_is_there(people: dict[str, Any]) -> None:
    from doorward.fund.grantee.banded import band_words, categories
    from fund_reports import UNITS

    page = "/fund/own/north-1/table/"
    empty = text(people["north"].get("/fund/own/north-1/template/language.csv"))
    assert empty.startswith("quarter,people,category,band")
    band = next(iter(band_words(UNITS)))
    rows = [
        f"{'2025-Q4,50+' if at == 0 else ','},{word},{band}"
        for at, word in enumerate(categories("language", UNITS))
    ]
    raw = "\r\n".join(["quarter,people,category,band", *rows, ""]).encode()
    answer = upload(people["north"], raw.replace(b"spanish", NAME.encode()), "t.csv", page, way="language")
    assert answer.status_code == 422
    assert WORD not in text(answer).lower()
    assert upload(people["north"], raw, "t.csv", page, way="language").status_code == 302
    assert "2025-q4: language" in text(people["north"].get(page))
    assert "came before" in text(upload(people["north"], raw, "t.csv", page, way="language"))


@pytest.mark.parametrize(
    "raw", [b"", b"PK\x03\x04" + b"\xff" * 4000, b"\xd0\xcf\x11\xe0" * 200, b"\x00" * 10]
)
def test_a_hostile_file_is_refused_and_the_desk_goes_on(people: dict[str, Any], raw: bytes) -> None:
    assert upload(people["north"], raw).status_code == 422
    assert people["north"].get(REPORT).status_code == 200
