"""The fund's pages, used as those who keep it would: an ordinance, an agreement, an invoice, a payment."""

import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from doorward.errors import StoreError
from doorward.fund.ledger.accounts import Account
from doorward.record.entry import Entry, Field, Kind

pytestmark = [pytest.mark.pg, pytest.mark.usefixtures("ledger")]
Recording = Callable[[], list[Entry]]


@pytest.fixture(name="people")
def people_fixture(desk: Any, recording: Recording) -> dict[str, Any]:
    """Browsers of those who keep the fund, of an auditor, and of somebody who has no business there."""
    assert recording() is not None
    from doorward.desk.models import Account as DeskAccount
    from doorward.desk.roles import Role

    roles = {
        "manager": Role.FUND, "clerk": Role.FUND, "director": Role.DIRECTOR, "auditor": Role.AUDITOR,
        "counsel": Role.LAW, "officer": Role.OFFICER,
    }  # fmt: skip
    made = {}
    for name, role in roles.items():
        login = f"pages.{name}.example"
        made[name] = desk.client(DeskAccount.objects.filter(login=login).first() or desk.account(login, role))
    return made


def send(client: Any, path: str, **typed: str) -> Any:
    """Open a form and send it as a browser without script does."""
    page = client.get(f"/fund/do/{path}/")
    assert page.status_code == 200, page.status_code
    key = re.search(r'name="key" value="([^"]+)"', page.content.decode())
    assert key is not None
    return client.post(f"/fund/do/{path}/", {"key": key[1], **typed}, follow=True)


def text(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def appropriated(people: dict[str, Any]) -> None:
    assert "Done: open-year" in text(send(people["manager"], "open-year", year="2026"))
    given = {
        "year": "2026",
        "line": "legal",
        "cents": "$1,300,000",
        "source": "ordinance",
        "reference": "SO2016-1",
    }
    assert "1,300,000.00" in text(send(people["manager"], "appropriate", **given))


def agreed(people: dict[str, Any]) -> None:
    appropriated(people)
    days = {"begins": "2026-01-01", "ends": "2026-12-31", "year": "2026"}
    made = {
        "agreement": "a-1",
        "grantee": "north-legal",
        "cents-legal": "1000000",
        "cents-outreach": "",
        **days,
    }
    assert "Post what is pending" in text(send(people["manager"], "agree", **made))


def billed(people: dict[str, Any], claim: str = "c-1", dollars: str = "250000.50") -> Any:
    what = {
        "claim": claim,
        "number": f"N-{claim}",
        "begins": "2026-01-01",
        "ends": "2026-01-31",
        "year": "2026",
    }
    return send(people["clerk"], "invoice/a-1", **what, **{"cents-legal:screening": dollars})


def test_from_the_ordinance_to_a_payment_every_act_as_who_is_signed_in(
    people: dict[str, Any], recording: Recording
) -> None:
    from doorward.desk.fund.figures import look
    from doorward.desk.fund.link import read, read_state
    from doorward.fund.rows import read_open

    agreed(people)
    assert "Another person has to do this" in text(send(people["manager"], "post/a-1"))
    assert "Done: post" in text(send(people["director"], "post/a-1"))
    assert "waits for 2 approvals" in text(billed(people))
    assert "(second-person): who filed a claim does not approve it" in text(
        send(people["clerk"], "approve/c-1")
    ).replace("( ", "(").replace(" )", ")")
    assert "waits for 1 approval" in text(send(people["manager"], "approve/c-1"))
    assert "approved, to be paid" in text(send(people["director"], "approve/c-1"))
    assert "claim does not pay it" in text(send(people["clerk"], "pay/c-1", reference="PV-1"))
    assert "Done: pay" in text(send(people["manager"], "pay/c-1", reference="PV-1"))
    state = read_state()
    assert state.at(Account.TREASURY, 2026, "legal") == -250_000_50
    assert "waits for 2 approvals" in text(billed(people, "c-2", "1"))
    assert [(place, sum(each.values())) for place, each in read(look).spent.items()] == [
        ((2026, "legal"), 250_000_50)
    ]
    assert list(read(read_open).claims) == ["c-2"]
    assert read(lambda connection: read_open(connection, claim="c-1")) == read_state()
    assert read(lambda connection: read_open(connection, agreement="a-1")) == read_state()
    posts = [one for one in recording() if one.kind is Kind.FUND and one.get(Field.ACT) == b"post"]
    assert [
        (one.get(Field.WHAT), one.get(Field.LOGIN), one.get(Field.AUTHENTICATION)) for one in posts[-5:-1]
    ] == [
        (b"file", b"pages.clerk.example", b"desk fund-manager"),
        (b"approve", b"pages.manager.example", b"desk fund-manager"),
        (b"approve", b"pages.director.example", b"desk fund-director"),
        (b"pay", b"pages.manager.example", b"desk fund-manager"),
    ]
    page = text(people["auditor"].get("/fund/2026/"))
    assert "250,000.50" in page
    assert "No forecast: too little data: " in page
    assert "Appropriation ordinance SO2016-1 pages.manager.example" in page


def test_the_rest_amend_void_withdraw_refund_close_out(people: dict[str, Any]) -> None:
    from doorward.desk.fund.link import read_state

    agreed(people)
    send(people["director"], "post/a-1")
    more = {"year": "2026", "line": "legal"}
    assert "Done: amend" in text(send(people["manager"], "amend/a-1", cents="5000", **more))
    assert "Done: post" in text(send(people["director"], "post/a-1"))
    assert "Done: amend" in text(send(people["manager"], "amend/a-1", cents="-5000.00", **more))
    billed(people, "c-1", "10")
    assert "withdrawn" in text(send(people["manager"], "withdraw/c-1"))
    advance = {"claim": "c-2", "number": "V-1", "begins": "2026-01-01", "ends": "2026-06-30", "cents": "900"}
    send(people["clerk"], "advance/a-1", **advance, **more)
    for who in ("manager", "director"):
        send(people[who], "approve/c-2")
    send(people["manager"], "pay/c-2", reference="PV-2")
    billed(people, "c-3", "10")
    for path in ("/fund/claims/c-3/", "/fund/do/approve/c-3/"):  # who approves sees what was advanced before
        assert "Advanced before 900.00 that no invoice has taken off yet" in text(
            people["director"].get(path)
        )
    send(people["manager"], "withdraw/c-3")
    back = {"cents": "900", "of_year": "2026", "what": "advance", "reference": "R-1", **more}
    assert "neither recouped nor returned" in text(send(people["manager"], "close-out/a-1"))
    assert "Done: refund" in text(send(people["manager"], "refund/a-1", **back))
    assert "Done: void" in text(send(people["manager"], "void/a-1"))
    assert "closed out" in text(send(people["manager"], "close-out/a-1"))
    assert read_state().at(Account.AVAILABLE, 2026, "legal") == 1_300_000_00
    assert "the year 2026 ends on 2026-12-31" in text(send(people["manager"], "close-year/2026"))


def test_a_form_that_is_sent_twice_posts_once(people: dict[str, Any]) -> None:
    from doorward.desk.fund.link import read_state

    appropriated(people)
    given = {"year": "2026", "line": "legal", "cents": "10", "source": "ordinance", "reference": "SO-2"}
    key = str(uuid.UUID(int=4242))
    people["manager"].post("/fund/do/appropriate/", {"key": key, **given})
    done = people["manager"].post("/fund/do/appropriate/", {"key": key, **given}, follow=True)
    assert "it was not posted twice" in text(done)
    assert read_state().at(Account.APPROPRIATED, 2026, "legal") == -1_300_010_00
    done = people["manager"].post("/fund/do/appropriate/", {"key": key, **given, "cents": "11"})
    assert done.status_code == 409
    assert "said something else then" in text(done)
    assert key not in done.content.decode()  # sent again, it is another form


def test_a_refusal_keeps_what_was_typed_and_names_the_rule(people: dict[str, Any]) -> None:
    agreed(people)
    send(people["director"], "post/a-1")
    assert "must be an id" in text(billed(people, "c\x001"))
    done = billed(people, "c-1", "1000000.01")
    assert done.status_code == 409
    page = done.content.decode()
    assert "encumbrance" in page
    assert "The agreement does not have so much left" in page
    assert 'value="1000000.01"' in page
    assert 'value="N-c-1"' in page


WRONG: tuple[tuple[dict[str, str], str], ...] = (
    ({"cents": "1,30"}, "is no amount"),
    ({"cents": "1.5"}, "is no amount"),
    ({"cents": "NaN"}, "is no amount"),
    ({"year": "20266"}, "is no fiscal year"),
    ({"year": "²⁰²⁶"}, "is no fiscal year"),
    ({"reference": "for Maria Lopez"}, "must be a number of a document"),
    ({"reference": "A-123-456-789"}, "looks like an alien registration number"),
    ({"line": "bond"}, "switched off by the order"),
    ({"line": "x' OR 1=1"}, "must be an id"),
    ({"source": "elsewhere"}, "knows no such source"),
    ({"key": "1"}, "was not whole"),
    ({"line": "\x00"}, "must be an id"),
    ({"reference": "a\x00b"}, "must be a number of a document"),
    ({"reference": "\u202e<b>"}, "must be a number of a document"),
    ({"cents": "1" * 5000}, "is no amount"),
    ({"reference": "<script>alert(1)</script>"}, "must be a number of a document"),
)


def test_what_is_not_as_it_must_be_is_said_and_nothing_posted(
    people: dict[str, Any], recording: Recording
) -> None:
    send(people["manager"], "open-year", year="2026")
    before = len(recording())
    given = {"year": "2026", "line": "legal", "cents": "10", "source": "ordinance", "reference": "SO-2"}
    for typed, says in WRONG:
        done = send(people["manager"], "appropriate", **{**given, **typed})
        assert (done.status_code, says in text(done)) == (409, True), typed
        assert "<script>alert" not in done.content.decode()
    assert len(recording()) == before


SEES = {"manager": 200, "director": 200, "auditor": 200, "counsel": 404, "officer": 404}
BOOKS = {"manager": 200, "director": 403, "auditor": 403, "counsel": 404, "officer": 404}
SECONDS = {**BOOKS, "director": 200}
PAGES = {
    "/fund/": SEES, "/fund/2026/": SEES, "/fund/agreements/a-1/": SEES, "/fund/claims/c-1/": SEES,
    **{f"/fund/do/{word}/": BOOKS for word in (
        "open-year", "appropriate", "agree", "close-year/2026", "amend/a-1", "void/a-1", "close-out/a-1",
        "invoice/a-1", "advance/a-1", "refund/a-1", "withdraw/c-1", "pay/c-1",
    )},
    "/fund/do/post/a-1/": SECONDS, "/fund/do/approve/c-1/": SECONDS,
    **{path: dict.fromkeys(SEES, 404) for path in (
        "/fund/2031/", "/fund/agreements/a-2/", "/fund/claims/c-2/", "/fund/do/nothing/", "/fund/do/post/a-2/",
        "/fund/do/agree/a-1/", "/fund/do/post/", "/fund/do/approve/a-1/",
    )},
}  # fmt: skip


def test_who_gets_what(desk: Any, people: dict[str, Any], recording: Recording) -> None:
    from doorward.desk.models import Account as DeskAccount

    agreed(people)
    send(people["director"], "post/a-1")
    billed(people)
    before = len(recording())
    for path, expected in PAGES.items():
        got = {who: people[who].get(path).status_code for who in SEES}
        assert got == expected, path
        for who in SEES if "/do/" in path else ():
            if expected[who] != 200:
                assert people[who].post(path, {"key": str(uuid.UUID(int=1))}).status_code == expected[who], (
                    path
                )
    assert desk.client().get("/fund/").status_code == 302
    weak = desk.client(DeskAccount.objects.get(login="pages.manager.example"), strong=False)
    assert weak.get("/fund/").status_code == 302  # to the second factor
    assert len(recording()) == before


def test_every_rule_of_the_ledger_has_a_clerks_words() -> None:
    from pathlib import Path

    import doorward.fund
    from doorward.desk.fund.refusals import WORDS

    folder = Path(doorward.fund.__file__).parent
    sources = [(folder / "store.py").read_text(), *(one.read_text() for one in folder.glob("ledger/*.py"))]
    found = {
        code for text in sources for code in re.findall(r'(?:refused?|return refuse)\(\s*"([a-z-]+)"', text)
    }
    found |= {"appropriation", "encumbrance"}
    for one in folder.glob("*.sql"):  # what a rule of the database refuses has its word before the colon
        found |= set(re.findall(r"'DW001',\s*MESSAGE =\s+(?:format\(\s*)?'([a-z-]+): ", one.read_text()))
    assert {"report", "independent"} <= found
    assert found == set(WORDS)


def test_a_refusal_that_nobody_has_words_for_is_shown_as_the_ledger_says_it() -> None:
    from doorward.desk.fund.refusals import explain
    from doorward.fund.ledger.refusal import refuse

    assert explain(refuse("no-such-code", "of a test")) == ""


def test_the_query_fills_a_form_and_runs_nothing(people: dict[str, Any]) -> None:
    send(people["manager"], "open-year", year="2026")
    page = people["manager"].get(
        "/fund/do/appropriate/?" + urlencode({"reference": '"><b>x', "year": "2026"})
    )
    assert "&quot;&gt;&lt;b&gt;x" in page.content.decode()


class Failing:
    """A recorder whose disk refuses from a number of records on."""

    def __init__(self, held: Any, after: int) -> None:
        self.held, self.left = held, after

    def record(self, drafts: Any, *, now: Any) -> int:
        if not self.left:
            raise StoreError("the disk refused")
        self.left -= 1
        return int(self.held.record(drafts, now=now))


@pytest.mark.parametrize(("after", "again"), [(0, False), (1, True)], ids=["before the commit", "behind it"])
def test_where_nothing_can_be_recorded_the_same_form_is_sent_again_and_posts_once(
    people: dict[str, Any], recording: Recording, *, after: int, again: bool
) -> None:
    from doorward.desk.fund.link import read_state
    from doorward.desk.recorder import hold, recorder

    assert recording() is not None
    send(people["manager"], "open-year", year="2026")
    given = {"year": "2026", "line": "legal", "cents": "10", "source": "ordinance", "reference": "SO-2"}
    given["key"] = str(uuid.UUID(int=77 + after))
    held = recorder()
    try:
        hold(Failing(held, after))  # type: ignore[arg-type]  # a recorder to whoever records
        done = people["manager"].post("/fund/do/appropriate/", given)
    finally:
        hold(held)
    assert done.status_code == 503
    assert "Send this same form again" in text(done)
    assert given["key"] in done.content.decode()
    done = people["manager"].post("/fund/do/appropriate/", given, follow=True)
    assert ("it was not posted twice" in text(done)) is again
    assert read_state().at(Account.APPROPRIATED, 2026, "legal") == -10_00


def test_a_ledger_that_is_away_has_a_page_that_says_so(desk: Any, people: dict[str, Any]) -> None:
    import psycopg

    with psycopg.connect(desk.cluster.dsn(user="postgres", dbname="postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE doorward_fund WITH (FORCE)")
    done = people["manager"].get("/fund/")
    assert done.status_code == 503
    assert "ledger does not answer" in text(done)
    assert people["manager"].get("/").status_code == 200
