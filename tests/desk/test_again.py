"""The order asked again, an answer put right, a determination, and the end of a matter."""

import re
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from doorward.errors import StoreError
from doorward.grants.records import Record, RecordKind, format_record, parse_record
from doorward.notes.note import Signer, format_verifier, sign_note
from doorward.record.entry import Entry, Field
from tests_support.desk_year import empty_desk

Recording = Callable[[], list[Entry]]


@pytest.fixture(scope="module", autouse=True)
def nothing_left(desk: Any) -> Iterator[None]:
    """Leave no matter to the tests of other files, whose queues are a page long."""
    assert desk
    yield
    empty_desk()


FINN, OTHER = (
    Signer.make(name, bytes([number]) * 32)
    for number, name in enumerate(("law/again.finn.example", "supervisor/again.walt.example"), 1)
)
WARRANT = {
    "of-court": "enter", "who-asks": "FBI", "for-whom": "FBI", "purpose": "criminal-investigation",
    "papers": ["court_criminal"], "papers-seen": ["court_criminal"],
}  # fmt: skip
STATUS = {"of-status": "share", "who-begins": "asked", "who-asks": "ICE-ERO"}
VERIFIED = {
    "paper": "court_criminal",
    "verified": "yes",
    "scope": "in",
    "current": "yes",
    "evidence": "clerk",
}


@pytest.fixture
def at(desk: Any) -> dict[str, Any]:
    """Browsers of an officer, a colleague of the unit, counsel and an auditor; the desk knows two officials."""
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    roles = {
        "omar": (Role.OFFICER, "unit-again"), "carl": (Role.OFFICER, "unit-again"), "finn": (Role.LAW, ""),
        "irma": (Role.AUDITOR, ""), "walt": (Role.SUPERVISOR, "unit-again"),
    }  # fmt: skip
    made = {}
    for name, (role, unit) in roles.items():
        login = f"again.{name}.example"
        account = Account.objects.filter(login=login).first() or desk.account(login, role, unit=unit)
        made[name] = desk.client(account)
    keys = "\n".join(format_verifier(one.verifier) for one in (FINN, OTHER))
    (desk.folder / "officials.keys").write_text(keys + "\n", encoding="utf-8")
    (desk.folder / "records.json").unlink(missing_ok=True)
    return made


def file(client: Any, kind: str, answers: dict[str, Any]) -> Any:
    from doorward.desk.models import Matter

    sent = {**answers, "token": str(uuid.uuid4()), "file": "1"}  # noqa: TID251  # a form's
    done = client.post(f"/new/{kind}/", sent)
    assert done.status_code == 302, done.content.decode()[:3000]
    return Matter.objects.get(pk=done.headers["location"].split("/")[2])


def post(client: Any, matter: Any, what: str, sent: dict[str, Any] | None = None) -> str:
    answer = client.post(f"/matters/{matter.pk}/{what}/", sent or {}, follow=True)
    return unescape(str(answer.content.decode()))


def correct(client: Any, matter: Any, answers: dict[str, Any], seen: int) -> str:
    return post(client, matter, "correct", {**answers, "seen": seen, "do": "1"})


def last(matter: Any) -> int:
    from doorward.desk.again import last_entry

    return last_entry(matter)


# ------------------------------------------------------------ asked again


def test_the_order_is_asked_again_and_what_it_answered_before_stays(at: Any, recording: Recording) -> None:
    from doorward.desk.models import Matter
    from doorward.desk.order import order

    matter = file(at["omar"], "court-paper", WARRANT)
    Matter.objects.filter(pk=matter.pk).update(order_digest="0" * 64, outcome="deny", posture="decline")
    assert (
        "the order changed since it answered this"
        in at["finn"].get(f"/matters/{matter.pk}/letter/").content.decode()
    )
    count = len(recording())
    assert "asked again" in post(at["finn"], matter, "again")
    matter.refresh_from_db()
    assert (matter.outcome, matter.order_digest) == ("refer", order().pack.digest)
    event = matter.events.last()
    assert event.says["was"]["order"] == "0" * 64
    assert event.says["was"]["outcome"] == "deny"
    (entry,) = recording()[count:]
    assert (entry.get(Field.ACT), entry.get(Field.OUTCOME)) == (b"ask-again", b"refer")
    assert entry.get(Field.ORDER_DIGEST) == order().pack.digest.encode()


def test_what_is_answered_or_closed_is_not_asked_again(at: Any, recording: Recording) -> None:
    assert recording() is not None
    matter = file(at["omar"], "court-paper", WARRANT)
    post(at["finn"], matter, "answer")
    for what in ("again", "correct", "determine"):
        form = {**WARRANT, "seen": last(matter), "do": "1", "note": "x"}
        page = post(at["finn"], matter, what, form)
        assert "it is answered" in page, what
    assert matter.events.count() == 1
    assert "closed" in post(at["finn"], matter, "close", {"why": "answered"})
    for what, sent in (("again", {}), ("close", {"why": "answered"}), ("answer", {}), ("verify", VERIFIED)):
        assert "it is closed" in post(at["finn"], matter, what, sent), what
    page = at["omar"].get(f"/matters/{matter.pk}/").content.decode()
    assert "is never opened again" in page
    assert matter.events.count() == 2


# ------------------------------------------------------------ an answer put right


def test_an_answer_is_shown_then_put_right_and_the_old_ones_stay(at: Any, recording: Recording) -> None:
    matter = file(at["omar"], "court-paper", WARRANT)
    form = at["omar"].get(f"/matters/{matter.pk}/correct/").content.decode()
    assert re.search(r'value="enter" checked', form)
    count = len(recording())
    changed = {**WARRANT, "of-court": "disclose", "holding": "police"}
    seen = last(matter)
    shown = post(at["omar"], matter, "correct", {**changed, "seen": seen})
    assert "Nothing is changed yet" in shown
    assert [one.get(Field.ACT) for one in recording()[count:]] == [b"preview"]
    assert "put right" in correct(at["omar"], matter, changed, seen)
    before = matter.answers
    matter.refresh_from_db()
    assert matter.answers["of-court"] == ["disclose"]
    event = matter.events.last()
    assert event.says["before"] == before
    assert event.says["after"] == matter.answers
    assert [one.get(Field.ACT) for one in recording()[count:]] == [b"preview", b"correct"]
    page = at["finn"].get(f"/matters/{matter.pk}/").content.decode()
    assert "Let somebody into a place, now Give records that it names" in page
    assert "something happened to it since" in correct(at["omar"], matter, WARRANT, seen)
    assert "no answer is another one" in correct(at["omar"], matter, changed, last(matter))
    assert matter.events.count() == 1


def test_what_was_said_of_a_paper_is_said_anew_after_a_correction(at: Any, recording: Recording) -> None:
    assert recording() is not None
    matter = file(at["omar"], "court-paper", WARRANT)
    post(at["finn"], matter, "verify", VERIFIED)
    matter.refresh_from_db()
    assert matter.outcome == "permit"
    changed = {**WARRANT, "of-court": "transfer"}
    assert "put right" in correct(at["omar"], matter, changed, last(matter))
    matter.refresh_from_db()
    assert matter.outcome != "permit"
    assert "asked again" in post(at["finn"], matter, "again")
    matter.refresh_from_db()
    assert matter.outcome != "permit"
    post(at["finn"], matter, "verify", VERIFIED)
    matter.refresh_from_db()
    assert matter.outcome == "permit"


def test_who_puts_right_what(at: Any, recording: Recording) -> None:
    assert recording() is not None
    matter = file(at["omar"], "court-paper", WARRANT)
    codes = {name: client.get(f"/matters/{matter.pk}/correct/").status_code for name, client in at.items()}
    assert codes == {"omar": 200, "carl": 403, "finn": 200, "irma": 403, "walt": 403}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"received": "2026-11-01T10:00"}, "its clocks began then"),
        ({"of-court": "fly"}, "Something is missing"),
        ({"of-court": ""}, "Something is missing"),
        ({"who-asks": "KGB"}, "Something is missing"),
    ],
)
def test_what_is_not_put_right_here_changes_nothing(
    at: Any, recording: Recording, changed: dict[str, str], says: str
) -> None:
    matter = file(at["omar"], "court-paper", WARRANT)
    count = len(recording())
    assert says in correct(at["omar"], matter, {**WARRANT, **changed}, last(matter))
    assert (len(recording()), matter.events.count()) == (count, 0)


def test_the_date_of_a_paper_is_given_by_a_correction_once_and_moved_under_its_clock(
    at: Any, recording: Recording
) -> None:
    assert recording() is not None
    asked = {"of-subpoena": "disclose", "who-asks": "ICE-ERO", "papers": ["agency_subpoena"]}
    matter = file(at["omar"], "subpoena", asked)
    day = datetime.now(UTC) + timedelta(days=30)  # noqa: TID251  # a date to come
    dated = {**asked, "answer-by": day.strftime("%Y-%m-%dT%H:%M")}
    assert "put right" in correct(at["omar"], matter, dated, last(matter))
    assert {one.rule for one in matter.clocks.filter(runs=True)} == {"counsel-2", "court-return"}
    later = {**asked, "answer-by": (day + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M")}
    assert "moved under its clock" in correct(at["omar"], matter, later, last(matter))


def test_two_who_put_right_at_once_are_one(at: Any, recording: Recording) -> None:
    from django.db import connections

    matter = file(at["omar"], "court-paper", WARRANT)
    seen, count, begin = last(matter), len(recording()), threading.Barrier(3)

    def press(who: str, action: str) -> None:
        begin.wait()
        correct(at[who], matter, {**WARRANT, "of-court": action}, seen)
        connections.close_all()

    each = [("omar", "transfer"), ("finn", "hold"), ("omar", "notify-release")]
    people = [threading.Thread(target=press, args=one) for one in each]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert matter.events.count() == 1
    assert len(recording()) == count + 1


# ------------------------------------------------------------ determined


def statement(at: Any, matter: Any, **changed: str) -> bytes:
    """Word a determination at the desk, as a browser does, and download it."""
    until = (datetime.now(UTC) + timedelta(days=100)).date().isoformat()  # noqa: TID251  # it ends later
    form = {
        "clause": "C30a1", "says": "the writing of the person is on file", "until": until, "evidence": "memo 2026-9",
        "reason": "read by counsel", "download": "1", **changed,
    }  # fmt: skip
    answer = at["finn"].post(f"/matters/{matter.pk}/determine/", form)
    return bytes(answer.content)


def test_a_determination_is_worded_signed_elsewhere_on_file_and_linked(
    desk: Any, at: Any, recording: Recording
) -> None:
    matter = file(at["omar"], "status", STATUS)
    assert matter.outcome == "refer"
    text = statement(at, matter)
    record = parse_record(text)
    assert (record.kind, record.about, dict(record.more)["matter"]) == (
        RecordKind.DETERMINATION, "C30a1", matter.number,
    )  # fmt: skip
    count = len(recording())
    note = sign_note(text, FINN).decode()
    page = post(at["finn"], matter, "determine", {"note": note.replace("\n", "\r\n")})
    assert "on file and linked" in page
    assert "the writing of the person is on file" in page
    assert "by law. read by counsel" in page
    assert (desk.folder / "records.json").exists()
    assert [one.get(Field.ACT) for one in recording()[count:]] == [b"register", b"determine"]
    assert "linked to it already" in post(at["finn"], matter, "determine", {"note": note})
    assert matter.determined.count() == 1
    letters = at["finn"].get(f"/matters/{matter.pk}/letter/").content.decode()
    assert 'value="referred"' in letters
    assert 'value="declined-records"' in letters
    assert "taken back" not in page
    revoke = replace(
        record, kind=RecordKind.REVOCATION, about=record.id, until=record.begins, reason="withdrawn", more=()
    )
    at["finn"].post("/registers/", {"note": sign_note(format_record(revoke), FINN).decode()})
    assert "taken back" in at["finn"].get(f"/matters/{matter.pk}/").content.decode()
    assert 'value="declined-records"' not in at["finn"].get(f"/matters/{matter.pk}/letter/").content.decode()


def test_a_determined_purpose_closes_and_has_the_letter_of_what_the_order_answers(
    at: Any, recording: Recording
) -> None:
    assert recording() is not None
    asked = {
        "who-asks": "HSI", "for-whom": "HSI", "purpose": "criminal-investigation", "direct-access": "yes",
        "passed-on": "no",
    }  # fmt: skip
    matter = file(at["omar"], "agreement", asked)
    assert matter.outcome == "refer"
    says = "context.purpose = civil-immigration-enforcement"
    text = statement(at, matter, clause="C30b", says=says)
    assert "on file and linked" in post(
        at["finn"], matter, "determine", {"note": sign_note(text, FINN).decode()}
    )
    matter.refresh_from_db()
    assert (matter.outcome, matter.state) == ("deny", "decided")
    assert [one.kind for one in matter.clocks.get().events.all()] == ["started", "met"]
    assert matter.events.last().says["was"]["outcome"] == "refer"
    letters = at["finn"].get(f"/matters/{matter.pk}/letter/").content.decode()
    assert 'value="declined-agreement"' in letters
    assert 'value="allowed"' not in letters


def test_a_signed_paper_of_before_a_correction_counts_no_more(at: Any, recording: Recording) -> None:
    assert recording() is not None
    matter = file(at["omar"], "court-paper", WARRANT)
    begins = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1)  # noqa: TID251  # it begins now
    more = (("matter", matter.number), ("verified-with", "clerk"), ("scope", "in"), ("sealed", "no"))
    paper = Record(
        RecordKind.PAPER, "court_criminal", begins, begins + timedelta(days=9), "26 CR 1", "read", more
    )
    at["finn"].post("/registers/", {"note": sign_note(format_record(paper), FINN).decode()})
    post(at["finn"], matter, "again")
    matter.refresh_from_db()
    assert matter.outcome == "permit"
    correct(at["omar"], matter, {**WARRANT, "of-court": "transfer"}, last(matter))
    matter.refresh_from_db()
    assert matter.outcome != "permit"
    post(at["finn"], matter, "again")
    matter.refresh_from_db()
    assert matter.outcome != "permit"


def test_what_is_no_determination_about_this_matter_is_refused(at: Any, recording: Recording) -> None:
    matter, other = (file(at["omar"], "status", STATUS) for _ in range(2))
    begins = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251  # a record begins now
    declaration = Record(
        RecordKind.DECLARATION, "IN-PD", begins, begins + timedelta(days=9), "letter", "read"
    )
    foreign = parse_record(statement(at, matter)).more
    unknown = Record(
        RecordKind.DETERMINATION, "NOPE", begins, begins + timedelta(days=9), "memo", "read", foreign
    )
    count = len(recording())
    for note in (
        sign_note(statement(at, other), FINN),
        sign_note(statement(at, matter), OTHER),
        sign_note(format_record(declaration), FINN),
        sign_note(format_record(unknown), FINN),
        statement(at, matter),
        b"hello",
        b"x" * 9000,
    ):
        assert "usa-alert--error" in post(at["finn"], matter, "determine", {"note": note.decode()})
    assert (len(recording()), matter.determined.count()) == (count, 0)


@pytest.mark.parametrize(
    "changed",
    [
        {"clause": "NOPE"},
        {"until": "soon"},
        {"until": "2020-01-01"},
        {"until": "2099-01-01"},
        {"says": ""},
        {"reason": "a\nb"},
    ],
)
def test_what_makes_no_statement_is_told_in_a_line(
    at: Any, recording: Recording, changed: dict[str, str]
) -> None:
    assert recording() is not None
    matter = file(at["omar"], "status", STATUS)
    assert b"usa-alert--error" in statement(at, matter, **changed)


def test_an_end_between_the_register_and_the_link_is_made_good_by_the_same_note(
    at: Any, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    from doorward.desk import again

    matter = file(at["omar"], "status", STATUS)
    note = sign_note(statement(at, matter), FINN).decode()
    count = len(recording())

    def end(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(again, "_take", end)
        with pytest.raises(KeyboardInterrupt):
            post(at["finn"], matter, "determine", {"note": note})
    assert [one.get(Field.ACT) for one in recording()[count:]] == [b"register"]
    assert matter.determined.count() == 0
    assert "on file and linked" in post(at["finn"], matter, "determine", {"note": note})
    assert [one.get(Field.ACT) for one in recording()[count:]] == [b"register", b"determine"]


# ------------------------------------------------------------ closed


@pytest.mark.parametrize("why", ["", "answered", "done", "because"])
def test_a_word_that_does_not_fit_closes_nothing(at: Any, recording: Recording, why: str) -> None:
    matter = file(at["omar"], "court-paper", WARRANT)
    count = len(recording())
    assert "expected a word of why" in post(at["finn"], matter, "close", {"why": why})
    assert len(recording()) == count


def test_a_matter_that_is_closed_has_no_clock_that_runs_and_none_that_is_met(
    at: Any, recording: Recording
) -> None:
    matter = file(at["omar"], "court-paper", WARRANT)
    assert "closed" in post(at["finn"], matter, "close", {"why": "withdrawn"})
    matter.refresh_from_db()
    assert (matter.state, matter.due) == ("closed", None)
    assert [one.kind for one in matter.clocks.get().events.all()] == ["started", "set-aside"]
    entry = recording()[-1]
    assert (entry.get(Field.ACT), entry.get(Field.REASON)) == (b"close", b"withdrawn")
    assert matter.number not in at["finn"].get("/queue/").content.decode()


@pytest.mark.parametrize("what", ["again", "correct", "close"])
def test_what_cannot_be_recorded_is_not_done(
    at: Any, recording: Recording, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    from doorward.desk.models import Matter
    from doorward.desk.recorder import recorder

    assert recording() is not None
    matter = file(at["omar"], "court-paper", WARRANT)
    before = Matter.objects.filter(pk=matter.pk).values().get()

    def refuse(*_: object, **__: object) -> int:
        raise StoreError("the disk is full")

    monkeypatch.setattr(recorder(), "record", refuse)
    form = {**WARRANT, "of-court": "hold", "seen": last(matter), "do": "1", "why": "withdrawn"}
    assert "nothing was done" in post(at["finn"], matter, what, form)
    assert Matter.objects.filter(pk=matter.pk).values().get() == before
    assert matter.events.count() == 0
