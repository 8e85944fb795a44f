"""Filing a matter, what the order answers, the acts of officials, and the record of each."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from doorward.errors import StoreError
from doorward.record.entry import Entry, Field, Kind

Recording = Callable[[], list[Entry]]
DETAINER = {"of-custody": "hold", "who-asks": "ICE-ERO", "papers": ["detainer"], "custody-origin": "arrest"}
WARRANT = {
    "of-court": "enter", "who-asks": "FBI", "for-whom": "FBI", "purpose": "criminal-investigation",
    "papers": ["court_criminal"], "papers-seen": ["court_criminal"],
}  # fmt: skip


@pytest.fixture
def people(desk: Any) -> dict[str, Any]:
    """Those who come to the desk: a filer, a colleague of the unit, a stranger, counsel, an auditor."""
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    if not Account.objects.filter(login="filer.example").exists():
        desk.account("filer.example", Role.OFFICER, unit="lock-up-1", order_role="lockup-keeper")
        desk.account("colleague.example", Role.OFFICER, unit="lock-up-1", order_role="lockup-keeper")
        desk.account("stranger.example", Role.OFFICER, unit="lock-up-2", order_role="lockup-keeper")
        desk.account("counsel.example", Role.LAW, order_role="law-department", agency="CHICAGO-LAW")
        desk.account("other.counsel.example", Role.LAW, order_role="law-department", agency="CHICAGO-LAW")
        desk.account("auditor.example", Role.AUDITOR, order_role="city-employee", agency="CHICAGO-OIG")
        desk.account("security.example", Role.SECURITY, order_role="officer")
    return {one.login.removesuffix(".example"): one for one in Account.objects.all()}


def file(desk: Any, account: Any, kind: str, answers: dict[str, Any], token: str = "") -> Any:
    """File by the form, as a browser does: the answers, then the act."""
    sent = {**answers, "token": token or str(uuid.uuid4()), "file": "1"}  # noqa: TID251  # as a browser's form has it
    return desk.client(account).post(f"/new/{kind}/", sent)


def without_token(answer: Any) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", answer.content.decode())


def is_listed(client: Any, address: str, number: str) -> bool:
    """Whether a number is on any page of a list: other tests of this process have filed too."""
    last, page = "", 1
    while True:
        text = client.get(f"{address}?page={page}").content.decode()
        if number in text:
            return True
        if text == last or f"?page={page + 1}" not in text:
            return False
        last, page = text, page + 1


def matter_at(answer: Any) -> Any:
    from doorward.desk.models import Matter

    assert answer.status_code == 302, answer.content.decode()[:2000]
    return Matter.objects.get(pk=answer.headers["location"].split("/")[2])


def test_a_detainer_is_declined_with_its_clauses_and_stands_in_the_record(
    desk: Any, people: dict[str, Any], recording: Recording
) -> None:
    before = len(recording())
    shown = desk.client(people["filer"]).post("/new/detainer/", {**DETAINER, "token": "x"})
    assert "Nothing is filed yet" in shown.content.decode()
    (asked,) = recording()[before:]  # that it was asked stands in the record before the answer is shown
    assert (asked.kind, asked.get(Field.ACT), asked.get(Field.OUTCOME)) == (Kind.ACT, b"preview", b"deny")
    matter = matter_at(file(desk, people["filer"], "detainer", DETAINER))
    assert (matter.outcome, matter.posture, matter.state) == ("deny", "decline", "decided")
    assert {"C20a1C", "T15a"} <= set(matter.clauses)
    entry = recording()[-1]
    assert (entry.kind, entry.sequence) == (Kind.MATTER, matter.entry)
    assert entry.get(Field.MATTER) == matter.pk.hex.encode()
    assert entry.get(Field.OUTCOME) == b"deny"
    assert entry.get(Field.WHAT) == b"detainer"
    page = desk.client(people["filer"]).get(f"/matters/{matter.pk}/").content.decode()
    assert "nobody is held on an immigration detainer" in page
    assert "C20a1C" in page


def test_a_form_that_is_sent_twice_files_once(
    desk: Any, people: dict[str, Any], recording: Recording
) -> None:
    token = "6a6f7572-6e65-4f79-8000-000000000001"
    first = matter_at(file(desk, people["filer"], "detainer", DETAINER, token))
    count = len(recording())
    assert matter_at(file(desk, people["filer"], "detainer", DETAINER, token)) == first
    assert len(recording()) == count


def test_the_token_of_another_files_ones_own(desk: Any, people: dict[str, Any], recording: Recording) -> None:
    del recording
    token = "6a6f7572-6e65-4f79-8000-000000000002"
    matter_at(file(desk, people["filer"], "detainer", DETAINER, token))
    matter = matter_at(file(desk, people["stranger"], "detainer", DETAINER, token))
    assert matter.filed_by == people["stranger"]


def test_what_cannot_be_recorded_is_not_filed(
    desk: Any, people: dict[str, Any], recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    from doorward.desk.models import Matter
    from doorward.desk.recorder import recorder

    del recording
    count = Matter.objects.count()

    def refuse(*_: object, **__: object) -> int:
        raise StoreError("the disk is full")

    monkeypatch.setattr(recorder(), "record", refuse)
    answer = file(desk, people["filer"], "detainer", DETAINER)
    assert answer.status_code == 503
    assert "nothing was filed" in answer.content.decode()
    assert Matter.objects.count() == count


def test_numbers_follow_each_other(desk: Any, people: dict[str, Any], recording: Recording) -> None:
    del recording
    numbers = [
        int(matter_at(file(desk, people["filer"], "detainer", DETAINER)).number.partition("-")[2])
        for _ in range(3)
    ]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


def test_who_sees_a_matter(desk: Any, people: dict[str, Any], recording: Recording) -> None:
    del recording
    matter = matter_at(file(desk, people["filer"], "detainer", DETAINER))
    codes = {
        name: desk.client(people[name]).get(f"/matters/{matter.pk}/").status_code
        for name in ("filer", "colleague", "stranger", "counsel", "auditor", "security")
    }
    assert codes == {
        "filer": 200, "colleague": 200, "stranger": 404, "counsel": 200, "auditor": 200, "security": 404,
    }  # fmt: skip
    missing = desk.client(people["stranger"]).get("/matters/00000000-0000-4000-8000-000000000000/")
    theirs = desk.client(people["stranger"]).get(f"/matters/{matter.pk}/")
    assert without_token(missing) == without_token(theirs)


def test_a_court_paper_is_referred_and_verified_by_a_named_act_then_goes_through(
    desk: Any, people: dict[str, Any], recording: Recording
) -> None:
    matter = matter_at(file(desk, people["filer"], "court-paper", WARRANT))
    assert (matter.outcome, matter.addressee, matter.state) == ("refer", "law", "waiting")
    assert matter.due is not None
    assert matter.due > matter.received
    assert is_listed(desk.client(people["counsel"]), "/queue/", matter.number)
    said = {
        "paper": "court_criminal", "verified": "yes", "scope": "in", "current": "yes", "evidence": "clerk, 26 CR 1",
    }  # fmt: skip
    refused = desk.client(people["filer"]).post(f"/matters/{matter.pk}/verify/", said, follow=True)
    assert "not yours to do" in refused.content.decode()
    done = desk.client(people["counsel"]).post(f"/matters/{matter.pk}/verify/", said, follow=True)
    assert "the order was asked again" in done.content.decode(), re.findall(
        r"alert__text\">([^<]+)", done.content.decode()
    )
    matter.refresh_from_db()
    assert (matter.outcome, matter.state) == ("permit", "decided")
    entry = recording()[-1]
    assert (entry.kind, entry.get(Field.ACT), entry.get(Field.OUTCOME)) == (Kind.ACT, b"verify", b"permit")
    assert b"26 CR 1" not in b" ".join(value for _, value in entry.fields)


def test_an_event_is_never_changed(desk: Any, people: dict[str, Any], recording: Recording) -> None:
    from django.db import DatabaseError, connection

    del recording
    matter = matter_at(file(desk, people["filer"], "court-paper", WARRANT))
    desk.client(people["counsel"]).post(f"/matters/{matter.pk}/answer/")
    assert matter.events.count() == 1
    for statement in ("UPDATE event SET act = 'x'", "DELETE FROM event", "TRUNCATE event"):
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_sealed_matter_is_there_for_its_counsel_alone(
    desk: Any, people: dict[str, Any], recording: Recording
) -> None:
    from doorward.desk.models import Matter

    del recording
    matter = matter_at(file(desk, people["filer"], "court-paper", WARRANT))
    until = (matter.filed + timedelta(days=30)).date().isoformat()
    desk.client(people["counsel"]).post(f"/matters/{matter.pk}/seal/", {"until": until, "counsel": ""})
    sees = {
        name: (
            desk.client(people[name]).get(f"/matters/{matter.pk}/").status_code,
            is_listed(desk.client(people[name]), "/matters/", matter.number),
            is_listed(desk.client(people[name]), "/queue/", matter.number),
        )
        for name in ("filer", "colleague", "counsel", "other.counsel", "auditor")
    }
    nothing = (404, False, False)
    assert sees == {
        "filer": nothing, "colleague": nothing, "counsel": (200, True, True), "other.counsel": nothing,
        "auditor": nothing,
    }  # fmt: skip
    Matter.objects.filter(pk=matter.pk).update(sealed_until=matter.filed)
    assert desk.client(people["filer"]).get(f"/matters/{matter.pk}/").status_code == 200


def test_an_assignment_that_ended_gives_nothing(desk: Any, people: dict[str, Any]) -> None:
    from doorward.desk.models import Assignment
    from doorward.desk.roles import Role

    account = desk.account("former.example", Role.LAW)
    assert desk.client(account).get("/queue/").status_code == 200
    held = Assignment.objects.get(account=account)
    Assignment.objects.filter(pk=held.pk).update(until=held.begins + timedelta(hours=1))
    assert desk.client(account).get("/new/").status_code == 403
    assert people


def test_when_it_came_is_said_in_the_citys_time_and_begins_its_clock(
    desk: Any, people: dict[str, Any], recording: Recording
) -> None:
    assert recording() is not None
    matter = matter_at(
        file(desk, people["filer"], "court-paper", {**WARRANT, "received": "2026-01-05T09:30"})
    )
    assert matter.received.isoformat() == "2026-01-05T15:30:00+00:00"
    assert matter.due.isoformat().startswith("2026-01-0")
    late = file(desk, people["filer"], "court-paper", {**WARRANT, "received": "2999-01-05T09:30"})
    assert late.status_code == 422
    assert "in the future" in late.content.decode()


def test_counsel_sees_the_letter_that_answers_a_detainer(
    desk: Any, people: dict[str, Any], recording: Recording
) -> None:
    assert recording() is not None
    matter = matter_at(file(desk, people["filer"], "detainer", DETAINER))
    counsel = desk.client(people["counsel"])
    page = counsel.get(f"/matters/{matter.pk}/letter/").content.decode()
    assert "A draft to read is kept nowhere" in page
    empty = counsel.post(f"/matters/{matter.pk}/letter/", {})
    assert empty.status_code == 422
    sent = {
        "to": "Field Office (sample)\nImmigration and Customs Enforcement",
        "paper": "detainer",
        "paper-day": "2026-01-04",
    }
    made = counsel.post(f"/matters/{matter.pk}/letter/", sent)
    assert (made.status_code, made.headers["content-type"]) == (200, "application/pdf"), (
        made.content.decode()[-3000:]
    )
    assert made.content.startswith(b"%PDF-")
    assert desk.client(people["filer"]).get(f"/matters/{matter.pk}/letter/").status_code == 403


def test_a_verification_that_is_taken_back_opens_nothing_any_more(
    desk: Any, people: dict[str, Any], recording: Recording
) -> None:
    assert recording() is not None
    matter = matter_at(file(desk, people["filer"], "court-paper", WARRANT))
    said = {
        "paper": "court_criminal",
        "verified": "yes",
        "scope": "in",
        "current": "yes",
        "evidence": "clerk",
    }
    outcomes = []
    for verified in ("yes", "no", "yes"):
        desk.client(people["counsel"]).post(f"/matters/{matter.pk}/verify/", {**said, "verified": verified})
        matter.refresh_from_db()
        outcomes.append(matter.outcome)
    assert outcomes == ["permit", "refer", "permit"]


def test_only_the_office_that_it_waits_for_answers_and_nobody_their_own(
    desk: Any, people: dict[str, Any], recording: Recording
) -> None:
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    assert recording() is not None
    login = "answers.supervisor.example"
    supervisor = Account.objects.filter(login=login).first() or desk.account(
        login, Role.SUPERVISOR, unit="lock-up-1"
    )
    matter = matter_at(file(desk, people["filer"], "court-paper", WARRANT))
    own = matter_at(file(desk, people["counsel"], "court-paper", WARRANT))
    decided = matter_at(file(desk, people["filer"], "detainer", DETAINER))
    assert (matter.addressee, own.addressee, decided.state) == ("law", "law", "decided")
    for who, which in ((supervisor, matter), (people["counsel"], own), (people["counsel"], decided)):
        state = which.state
        desk.client(who).post(f"/matters/{which.pk}/answer/")
        which.refresh_from_db()
        assert which.state == state
    desk.client(people["other.counsel"]).post(f"/matters/{own.pk}/answer/")
    own.refresh_from_db()
    assert own.state == "answered"
