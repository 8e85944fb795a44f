"""Clocks of a matter as they run: begun, paused, extended, met, missed; counted from what happened each time."""

import json
import re
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from doorward.record.entry import Entry, Field
from tests_support.desk_year import empty_desk

Recording = Callable[[], list[Entry]]


@pytest.fixture(scope="module", autouse=True)
def nothing_left(desk: Any) -> Iterator[None]:
    """Leave no matter to the tests of other files, whose queues are a page long."""
    assert desk
    yield
    empty_desk()


WARRANT = {
    "of-court": "enter", "who-asks": "FBI", "for-whom": "FBI", "purpose": "criminal-investigation",
    "papers": ["court_criminal"], "papers-seen": ["court_criminal"],
}  # fmt: skip
SUBPOENA = {"of-subpoena": "disclose", "who-asks": "ICE-ERO", "papers": ["agency_subpoena"]}


@pytest.fixture
def at(desk: Any) -> dict[str, Any]:
    """Browsers of an officer, counsel, a custodian and a certifying official."""
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    roles = {
        "omar": (Role.OFFICER, "unit-clock"), "finn": (Role.LAW, ""), "rita": (Role.CUSTODIAN, "unit-clock"),
        "cora": (Role.CERTIFIER, ""),
    }  # fmt: skip
    made = {}
    for name, (role, unit) in roles.items():
        login = f"clock.{name}.example"
        account = Account.objects.filter(login=login).first() or desk.account(login, role, unit=unit)
        made[name] = desk.client(account)
    return made


def file(client: Any, kind: str, answers: dict[str, Any]) -> Any:
    from doorward.desk.models import Matter

    sent = {**answers, "token": str(uuid.uuid4()), "file": "1"}  # noqa: TID251  # a form's
    done = client.post(f"/new/{kind}/", sent)
    assert done.status_code == 302, done.content.decode()[:3000]
    return Matter.objects.get(pk=done.headers["location"].split("/")[2])


def kinds(matter: Any) -> dict[str, list[str]]:
    """What happened to each clock of a matter."""
    return {one.rule: [event.kind for event in one.events.all()] for one in matter.clocks.all()}


def act(client: Any, matter: Any, what: str, sent: dict[str, Any], *, do: bool = True, of: Any = None) -> str:
    """Send a form of a clock."""
    row = of or matter.clocks.first()
    form = {"act": what, "clock": row.pk, "seen": row.events.count(), **sent} | ({"do": "1"} if do else {})
    return str(client.post(f"/matters/{matter.pk}/clock/", form, follow=True).content.decode())


def test_what_is_referred_begins_the_clock_of_the_law_department(at: Any, recording: Recording) -> None:
    matter = file(at["omar"], "court-paper", WARRANT)
    assert recording()[-1].sequence == matter.entry
    assert kinds(matter) == {"counsel-2": ["started"]}
    assert matter.due == matter.clocks.get().due
    page = at["finn"].get(f"/matters/{matter.pk}/").content.decode()
    assert "The law department answers what the order refers to it within 2 business days" in page
    assert "Day by day" in page
    assert "needs-counsel" in page
    assert "Let it stand still" in page
    assert "Let it stand still" not in at["omar"].get(f"/matters/{matter.pk}/").content.decode()


def test_a_pause_is_shown_before_it_is_done_and_done_once(at: Any, recording: Recording) -> None:
    matter = file(at["omar"], "court-paper", WARRANT)
    count = len(recording())
    shown = act(at["finn"], matter, "pause", {"reason": "waiting-for-requester"}, do=False)
    assert "Nothing has happened yet" in shown
    assert "it stands still" in shown
    assert len(recording()) == count
    sent = {"reason": "waiting-for-requester", "seen": 1}
    assert "counted again" in act(at["finn"], matter, "pause", sent)
    assert "since the page was made" in act(at["finn"], matter, "pause", sent)
    matter.refresh_from_db()
    assert (kinds(matter), matter.due) == ({"counsel-2": ["started", "paused"]}, None)
    (entry,) = recording()[count:]
    assert entry.get(Field.ACT) == b"pause"
    assert (entry.get(Field.WHAT), entry.get(Field.REASON)) == (b"counsel-2", b"waiting-for-requester")
    assert "counted again" in act(at["finn"], matter, "resume", {})
    assert kinds(matter)["counsel-2"][-1] == "resumed"
    matter.refresh_from_db()
    assert matter.due is not None


@pytest.mark.parametrize(
    ("what", "sent", "says"),
    [
        ("pause", {"reason": "holiday"}, "is paused for waiting-for-requester"),
        ("pause", {}, "is paused for waiting-for-requester"),
        ("resume", {}, "a clock that is running is not resumed"),
        ("extend", {"clause": "5 ILCS 140/3(e)", "by": "5"}, "is never extended"),
        ("extend", {"clause": "", "by": "x"}, "expected a number"),
        ("extend", {"clause": "", "by": "9" * 30}, "expected a number"),
        ("stop", {}, "expected one of pause, resume, extend"),
        ("pause", {"clock": 0, "reason": "waiting-for-requester"}, "no such clock"),
        ("pause", {"seen": "many", "reason": "waiting-for-requester"}, "expected a number"),
    ],
)
def test_what_the_rule_does_not_allow_is_refused_with_the_reason(
    at: Any, recording: Recording, what: str, sent: dict[str, Any], says: str
) -> None:
    matter = file(at["omar"], "court-paper", WARRANT)
    count = len(recording())
    for do in (True, False):
        if "seen" not in sent or do:
            assert says in act(at["finn"], matter, what, sent, do=do).replace("&#x27;", "'")
    assert (len(recording()), kinds(matter)) == (count, {"counsel-2": ["started"]})


def test_a_clock_of_another_matter_is_not_reached_through_ones_own(at: Any, recording: Recording) -> None:
    assert recording() is not None
    matter, other = (file(at["omar"], "court-paper", WARRANT) for _ in range(2))
    page = act(at["finn"], matter, "pause", {"reason": "waiting-for-requester"}, of=other.clocks.get())
    assert "no such clock" in page
    assert kinds(other) == {"counsel-2": ["started"]}


def test_the_date_that_a_paper_names_is_set_later_and_moved_under_a_clause(
    at: Any, recording: Recording
) -> None:
    matter = file(at["omar"], "subpoena", SUBPOENA)
    assert kinds(matter) == {"counsel-2": ["started"]}
    count = len(recording())
    day = (datetime.now(UTC) + timedelta(days=40)).date()  # noqa: TID251  # a date to come
    form = {"day": day.isoformat(), "seen": "1"}
    assert (
        "not yours to do"
        in at["omar"].post(f"/matters/{matter.pk}/date/", form, follow=True).content.decode()
    )
    page = at["finn"].post(f"/matters/{matter.pk}/date/", form, follow=True).content.decode()
    assert "the date is kept" in page
    again = at["finn"].post(f"/matters/{matter.pk}/date/", form, follow=True).content.decode()
    assert "a clock began since the page was made" in again
    assert kinds(matter) == {"counsel-2": ["started", "met"], "court-return": ["started"]}
    assert [one.get(Field.ACT) for one in recording()[count:]] == [b"set-date"]
    matter.refresh_from_db()
    court = matter.clocks.get(rule="court-return")
    assert matter.due == court.due
    later, earlier = day + timedelta(days=10), day - timedelta(days=10)
    moved = {"clause": "order of the court"}
    assert "ends later than what it extends" in act(
        at["finn"], matter, "extend", {"day": earlier.isoformat(), **moved}, of=court
    )
    shown = act(at["finn"], matter, "extend", {"day": later.isoformat(), **moved}, do=False, of=court)
    assert "Due, afterwards" in shown
    act(at["finn"], matter, "extend", {"day": later.isoformat(), "hour": "09:30", **moved}, of=court)
    matter.refresh_from_db()
    assert matter.due.date() == later
    for bad in (
        {"day": "2020-01-01", "seen": "2"},
        {"day": "soon", "seen": "2"},
        {"day": "9999-12-31", "seen": "2"},
        {},
    ):
        page = at["finn"].post(f"/matters/{matter.pk}/date/", bad, follow=True).content.decode()
        assert "usa-alert--error" in page


def test_a_certification_waits_for_its_official_by_the_clock_that_was_said(
    at: Any, recording: Recording
) -> None:
    assert recording() is not None
    matter = file(at["omar"], "victim-certification", {"clock": "days-21"})
    assert (matter.outcome, matter.state) == ("permit", "decided")
    assert kinds(matter) == {"voices-21": ["started"]}
    assert matter.number in at["cora"].get("/queue/").content.decode()
    at["cora"].post(f"/matters/{matter.pk}/answer/")
    matter.refresh_from_db()
    assert (matter.state, matter.due, kinds(matter)) == ("answered", None, {"voices-21": ["started", "met"]})
    assert matter.number not in at["cora"].get("/queue/").content.decode()


def test_where_nobody_said_which_the_shortest_runs_until_the_answer_is_put_right(
    at: Any, recording: Recording
) -> None:
    assert recording() is not None
    matter = file(at["omar"], "victim-certification", {})
    assert kinds(matter) == {"voices-5": ["started"]}
    short = matter.due
    seen = matter.entry
    sent = {"clock": "days-90", "seen": seen, "do": "1"}
    page = at["cora"].post(f"/matters/{matter.pk}/correct/", sent, follow=True).content.decode()
    assert "put right" in page
    assert kinds(matter) == {"voices-5": ["started", "set-aside"], "voices-90": ["started"]}
    matter.refresh_from_db()
    assert matter.due > short + timedelta(days=100)
    page = at["cora"].get(f"/matters/{matter.pk}/").content.decode()
    assert "no longer the matter's: corrected" in page


def test_what_is_over_is_noted_once_by_a_look_at_the_queue(at: Any, recording: Recording) -> None:
    from doorward.desk.clocks import note_missed
    from doorward.desk.models import MatterClock

    long_ago = (datetime.now(UTC) - timedelta(days=30)).isoformat(timespec="minutes")  # noqa: TID251  # a request that lay
    matter = file(at["omar"], "court-paper", {**WARRANT, "received": long_ago})
    count = len(recording())
    assert matter.due < matter.filed
    page = at["finn"].get("/queue/").content.decode()
    assert matter.number in page
    assert kinds(matter) == {"counsel-2": ["started", "missed"]}
    noted = [one for one in recording()[count:] if one.get(Field.MATTER) == matter.pk.hex.encode()]
    assert [(one.get(Field.ACT), one.get(Field.LOGIN)) for one in noted] == [(b"miss", None)]
    assert MatterClock.objects.get(matter=matter).missed
    at["finn"].get("/queue/")
    assert note_missed(datetime.now(UTC)) == 0  # noqa: TID251  # a look now
    assert "noted as missed" in at["finn"].get(f"/matters/{matter.pk}/").content.decode()
    late = act(at["finn"], matter, "pause", {"reason": "waiting-for-requester"})
    assert "a clock that is overdue is not paused" in late
    at["finn"].post(f"/matters/{matter.pk}/answer/")
    assert kinds(matter) == {"counsel-2": ["started", "missed", "met"]}
    assert "met, late" in at["finn"].get(f"/matters/{matter.pk}/").content.decode()


def test_the_queue_is_sorted_by_what_runs(at: Any, recording: Recording) -> None:
    assert recording() is not None
    days = [12, 15, 10]
    made = {}
    for back in days:
        received = (datetime.now(UTC) - timedelta(days=back)).isoformat(timespec="minutes")  # noqa: TID251  # requests that lay
        made[back] = file(at["omar"], "court-paper", {**WARRANT, "received": received})
    fresh = [file(at["omar"], "court-paper", WARRANT) for _ in range(2)]
    act(at["finn"], fresh[0], "pause", {"reason": "waiting-for-requester"})
    from doorward.desk.access import find_actor, waiting_for
    from doorward.desk.models import Account

    now = datetime.now(UTC)  # noqa: TID251  # who waits now
    counsel = find_actor(Account.objects.get(login="clock.finn.example"), is_strong=True, now=now)
    numbers = [one.number for one in waiting_for(counsel)]
    wanted = [made[15], made[12], made[10], fresh[1], fresh[0]]
    places = [numbers.index(one.number) for one in wanted]
    assert places == sorted(places)


def test_two_who_act_at_once_on_a_clock_are_one_event(at: Any, recording: Recording) -> None:
    from django.db import connections

    matter = file(at["omar"], "court-paper", WARRANT)
    row = matter.clocks.get()
    form = {"act": "pause", "clock": row.pk, "seen": 1, "reason": "waiting-for-requester", "do": "1"}
    count, begin = len(recording()), threading.Barrier(4)

    def press() -> None:
        begin.wait()
        at["finn"].post(f"/matters/{matter.pk}/clock/", form)
        connections.close_all()

    people = [threading.Thread(target=press) for _ in range(4)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert kinds(matter) == {"counsel-2": ["started", "paused"]}
    assert len(recording()) == count + 1


def test_history_is_only_added_to(at: Any, recording: Recording) -> None:
    from django.db import InternalError, ProgrammingError, connection, transaction

    from doorward.desk.models import ClockEvent

    assert recording() is not None
    matter = file(at["omar"], "court-paper", WARRANT)
    held = file(at["omar"], "detainer", {"of-custody": "hold", "who-asks": "ICE-ERO", "papers": "detainer"})
    typed = {"to": "Sample Agency", "paper": "detainer", "paper-day": "2026-11-20", "keep": "1"}
    assert at["finn"].post(f"/matters/{held.pk}/letter/", typed).status_code == 302
    deleted = ("DELETE FROM clock_event", "DELETE FROM letter")  # a row that is deleted, of what is no drill
    for table in ("clock_event", "letter", "letter_step", "determined"):
        for change in (*deleted, f"UPDATE {table} SET entry = 0", f"TRUNCATE {table} CASCADE"):
            with (
                pytest.raises((InternalError, ProgrammingError), match="only added to"),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(change)
    assert ClockEvent.objects.filter(clock__matter=matter).count() == 1


def test_the_day_by_day_text_is_what_the_due_date_comes_from(at: Any, recording: Recording) -> None:
    assert recording() is not None
    matter = file(at["omar"], "court-paper", {**WARRANT, "received": "2026-11-20T10:00:00-06:00"})
    page = at["finn"].get(f"/matters/{matter.pk}/").content.decode()
    rows = re.findall(r'<th scope="row">\w+ (2026-11-\d\d)</th><td>([^<]+)</td>', page)
    assert rows == [
        ("2026-11-21", "not counted: weekend"), ("2026-11-22", "not counted: weekend"), ("2026-11-23", "day 1"),
        ("2026-11-24", "day 2"),
    ]  # fmt: skip
    assert matter.due == datetime(2026, 11, 25, 6, tzinfo=UTC)
    assert "end of 2026-11-24" in page
    assert "2026-11-25 00:00" not in page


def test_a_timer_is_told_what_is_late_and_nothing_that_is_sealed(
    desk: Any, at: Any, recording: Recording
) -> None:
    received = (datetime.now(UTC) - timedelta(days=20)).isoformat(timespec="minutes")  # noqa: TID251  # it lay
    matter, sealed = (file(at["omar"], "court-paper", {**WARRANT, "received": received}) for _ in range(2))
    at["finn"].post(f"/matters/{sealed.pk}/seal/", {"until": "2099-01-01", "counsel": ""})
    (desk.folder / "run").mkdir(exist_ok=True)
    shutil.copy(desk.folder / "desk.json", desk.folder / "run" / "desk.json")
    count = len(recording())
    command = [sys.executable, "-m", "doorward", "deadlines", "desk", "--data", str(desk.folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert re.search(rf"{matter.number}  late  counsel-2  law", done.stdout)
    assert sealed.number not in done.stdout
    rows = json.loads(
        subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=120, check=False).stdout
    )
    assert {one["matter"] for one in rows if one["is_late"]} >= {matter.number}
    assert len(recording()) == count
    command[-1] = str(desk.folder / "nothing")
    assert subprocess.run(command, capture_output=True, timeout=120, check=False).returncode == 2
