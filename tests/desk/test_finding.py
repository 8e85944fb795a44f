"""Finding a request: what is asked for narrows what somebody may see, and never widens it."""

import re
import uuid
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.desk.told import tell

CHICAGO = ZoneInfo("America/Chicago")
DETAINER = {"of-custody": "hold", "who-asks": "ICE-ERO", "papers": "detainer", "file": "1"}


@pytest.fixture
def found(desk: Any, recording: Any) -> Any:
    """Two matters of one officer and one of a stranger, and a way to ask as the officer."""
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    assert recording() is not None

    def client(login: str, unit: str) -> Any:
        account = Account.objects.filter(login=login).first() or desk.account(login, Role.OFFICER, unit=unit)
        return desk.client(account)

    mine, other = client("find.officer.example", "find-1"), client("find.stranger.example", "find-2")

    def file(browser: Any, kind: str, **answers: Any) -> str:
        sent = {**answers, "token": str(uuid.uuid4()), "file": "1"}  # noqa: TID251  # a form's
        page = browser.post(f"/new/{kind}/", sent, follow=True)
        (number,) = re.findall(r"<title>([0-9-]+) ", page.content.decode())
        return str(number)

    court = {"of-court": "enter", "who-asks": "FBI", "papers": ["court_criminal"]}
    numbers = (
        file(mine, "detainer", **DETAINER),
        file(mine, "court-paper", **court),
        file(other, "detainer", **DETAINER),
    )
    return mine, numbers


def listed(browser: Any, **asked: str) -> set[str]:
    page = browser.get("/matters/", asked)
    assert page.status_code == 200
    return numbers_of(page)


def numbers_of(page: Any) -> set[str]:
    return set(re.findall(r'scope="row"><a [^>]+>([0-9-]+)<', page.content.decode()))


def test_each_word_narrows(found: Any) -> None:
    mine, (detainer, court, strange) = found
    assert {detainer, court} <= listed(mine)
    assert court in listed(mine, kind="court-paper")
    assert detainer not in listed(mine, kind="court-paper")
    assert listed(mine, number=detainer) == {detainer}
    assert listed(mine, number=strange) == set()
    today = datetime.now(CHICAGO).date().isoformat()  # noqa: TID251  # filed now
    assert {detainer, court} <= listed(mine, since=today, until=today)
    assert listed(mine, until="2019-07-01") == set()
    assert listed(mine, since="2199-01-01") == set()
    assert detainer in listed(mine, state="decided")
    assert listed(mine, office="no-such-office") == set()


def test_what_cannot_be_read_is_said_and_narrows_nothing(found: Any) -> None:
    mine, (detainer, *_) = found
    page = mine.get("/matters/", {"since": "soon", "state": "lost", "page": "x"})
    text = page.content.decode()
    assert "expected a day such as 2026-11-26, got `soon`" in text
    assert "there is no state `lost`" in text
    assert detainer in numbers_of(page)


def test_hostile_words_are_text(found: Any) -> None:
    mine, _ = found
    for word in ("%", "_", "'; DROP TABLE matter; --", "\x00", "<script>", "9" * 5000, "٢٠٢٦"):
        page = mine.get("/matters/", dict.fromkeys(("number", "kind", "office"), word))
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()
        assert numbers_of(page) == set()


def test_the_next_page_keeps_what_was_asked(desk: Any, found: Any) -> None:
    from doorward.desk.finding import read_wanted

    assert desk
    assert found
    wanted = read_wanted(
        {"number": " 2026-", "kind": "detainer", "since": "2026-11-01", "until": "", "x": "y"}
    )
    assert wanted.query == "number=2026-&kind=detainer&since=2026-11-01"
    assert read_wanted({}).is_all


@given(
    st.dictionaries(
        st.sampled_from(["number", "kind", "state", "office", "since", "until"]), st.text(max_size=99)
    )
)
def test_any_words_are_read(desk: Any, sent: dict[str, str]) -> None:
    from doorward.desk.finding import read_wanted

    assert desk
    wanted = read_wanted(sent)
    assert wanted.since is None or date(2000, 1, 1) <= wanted.since <= date(9998, 12, 31)


def test_a_page_says_what_was_said(found: Any) -> None:
    from doorward.desk.models import Matter

    mine, (detainer, *_) = found
    matter = Matter.objects.get(number=detainer)
    text = mine.get(f"/matters/{matter.pk}/").content.decode()
    assert "What was said" in text
    assert "<dt>Which agency asks?</dt><dd>Immigration and Customs Enforcement, Enforcement" in text
    Matter.objects.filter(pk=matter.pk).update(answers={**matter.answers, "a-question-of-old": ["x", "y"]})
    text = mine.get(f"/matters/{matter.pk}/").content.decode()
    assert "<dt>a-question-of-old</dt><dd>x, y</dd>" in text


def test_an_event_is_told_in_a_line() -> None:
    says = {
        "paper": "court_criminal",
        "verified": True,
        "current": False,
        "evidence": "",
        "document": "ab" * 32,
        "by": ["a", "b"],
    }
    assert (
        tell(says) == "paper: court_criminal; verified: yes; current: no; document: abababababab...; by: a, b"
    )
    assert tell({}) == ""


def test_days_are_those_of_the_city(desk: Any, found: Any) -> None:
    from doorward.desk.finding import find, read_wanted
    from doorward.desk.models import Matter

    assert desk
    _, (detainer, *_) = found
    late = datetime(2026, 3, 9, 4, 30, tzinfo=UTC)  # the evening of the 8th, the day the clocks went forward
    Matter.objects.filter(number=detainer).update(filed=late)
    for day, there in (("2026-03-08", True), ("2026-03-09", False), ("2026-03-07", False)):
        wanted = read_wanted({"number": detainer, "since": day, "until": day})
        assert find(Matter.objects.all(), wanted, zone=CHICAGO).exists() is there
