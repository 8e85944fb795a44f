"""Notices: what they say, that there is exactly one, and what relays and webhooks may do wrong."""

import hmac
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError
from doorward.grants.mail_relay import Relay
from doorward.grants.notice_settings import NoticeSettings, decode_settings, encode_settings
from doorward.grants.notices import OnCall, Stage, Webhook
from doorward.record.entry import Entry, Field
from tests_support.certificates import Authority
from tests_support.desk_forms import file, matter_at
from tests_support.front_sample import make_body, make_compiled, to_bytes
from tests_support.front_store import LIBRARY
from tests_support.https_server import HttpsServer, answer, drips, https_server, is_silent, says
from tests_support.mailbox import Mailbox, mailbox

pytestmark = pytest.mark.pg
Recording = Callable[[], list[Entry]]
SECRET = "s" * 40
WARRANT = {"of-court": "enter", "who-asks": "FBI", "for-whom": "FBI", "purpose": "criminal-investigation",
           "papers": ["court_criminal"], "note": "a line that nobody is told"}  # fmt: skip
OK = says(answer(b""))


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  # notices leave by the real clock


@dataclass
class Ways:
    """A relay and a webhook that listen, and the settings that lead to them."""

    box: Mailbox
    hook: HttpsServer
    settings: NoticeSettings

    def posted(self) -> list[dict[str, Any]]:
        return [json.loads(one.partition(b"\r\n\r\n")[2]) for one in self.hook.asked]


@pytest.fixture
def ways(desk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ways]:
    from django.conf import settings

    from doorward.desk.models import OutgoingNotice

    assert desk
    authority = Authority(tmp_path / "authority", "city")
    secret = tmp_path / "hook.secret"
    secret.touch(mode=0o600)
    secret.write_text(SECRET)
    pair = authority.issue("hook", hosts=("localhost",))
    OutgoingNotice.objects.all().delete()
    with mailbox(authority) as box, https_server(pair, OK) as hook:
        webhook = Webhook(f"https://localhost:{hook.port}/in", secret, authority.root, private=True)
        relay = Relay("localhost", box.port, "desk@city.example", authority.root)
        law = OnCall(mail=("oncall@law.example",), webhook=webhook)
        known = NoticeSettings(
            {"law": law}, relay, 2.0, {"notices.counsel.example": OnCall(mail=("counsel@law.example",))}
        )
        made = replace(settings.DESK, notices=known)
        monkeypatch.setattr(settings, "DESK", made)
        yield Ways(box, hook, known)
    OutgoingNotice.objects.all().delete()


@pytest.fixture
def filer(desk: Any) -> Any:
    return _account(desk, "notices.filer.example", "OFFICER", unit="lock-up-5", order_role="lockup-keeper")


@pytest.fixture
def counsel(desk: Any) -> Any:
    return _account(desk, "notices.counsel.example", "LAW", order_role="law-department", agency="CHICAGO-LAW")


def _account(desk: Any, login: str, role: str, **more: str) -> Any:
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    return Account.objects.filter(login=login).first() or desk.account(login, Role[role], **more)


def rows() -> list[Any]:
    from doorward.desk.models import OutgoingNotice

    return list(OutgoingNotice.objects.order_by("made", "channel"))


def send_all(at: datetime | None = None) -> int:
    from doorward.desk.notices.worker import send_due

    def clock() -> datetime:
        return at or now()

    return send_due("mail", clock) + send_due("webhook", clock)


def put_visit(*, drill: bool = False) -> Any:
    from doorward.desk.front.visits import Visit, read_visit
    from doorward.desk.models import Place
    from doorward.desk.models import Visit as Kept
    from doorward.desk.visit_store import VisitStore

    Place.objects.get_or_create(
        slug=LIBRARY.id, defaults={"kind": LIBRARY.kind, "name": LIBRARY.name, "unit": "front-1"}
    )
    moment = now()
    body = make_body(make_compiled(), id=str(uuid.uuid4()), drill=drill)  # noqa: TID251  # a phone's
    body |= {name: moment.isoformat(timespec="seconds") for name in ("opened", "filed")}
    for name, value in body["values"].items():
        if isinstance(value, str) and value[:4].isdigit() and "T" in value:
            body["values"][name] = moment.isoformat(timespec="seconds")
    raw = to_bytes(body)
    visit = read_visit(raw, make_compiled(), now=moment)
    assert isinstance(visit, Visit), visit
    VisitStore().put_once(visit, raw, LIBRARY, moment)
    VisitStore().put_once(visit, raw, LIBRARY, moment)
    return Kept.objects.get(pk=visit.id)


def test_a_visit_is_told_once_by_each_way_and_names_nothing_but_its_number(
    ways: Ways, recording: Recording
) -> None:
    assert recording() is not None
    visit = put_visit()
    assert [(one.channel, one.addressee, one.state) for one in rows()] == [
        ("mail", "law", "waiting"), ("webhook", "law", "waiting"),
    ]  # fmt: skip
    assert send_all() == 2
    assert send_all() == 0
    (mail,), (posted,) = ways.box.got, ways.posted()
    text = f"{visit.number} waits. Sign in at http://127.0.0.1:8000/"
    assert text in mail
    assert posted["text"] == text
    told = (mail + json.dumps(posted)).lower()
    for word in (LIBRARY.name, LIBRARY.kind, LIBRARY.id, "agent", "ice", "warrant", str(visit.pk)):
        assert word.lower() not in told.replace("outgoing", "").replace("notice", "").replace("office", "")
    assert f"<{rows()[0].pk}@city.example>" in mail


def test_a_webhook_is_signed_over_its_body_and_time(ways: Ways, recording: Recording) -> None:
    assert recording() is not None
    put_visit()
    send_all()
    (raw,) = ways.hook.asked
    head, _, body = raw.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    stamp = headers["Doorward-Timestamp"]
    assert abs(int(stamp) - now().timestamp()) < 60
    code = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, sha256).hexdigest()
    assert headers["Doorward-Signature"] == f"v1={code}"
    assert headers["Idempotency-Key"] == json.loads(body)["id"]


def test_a_drill_tells_nobody(ways: Ways, recording: Recording) -> None:
    assert recording() is not None
    put_visit(drill=True)
    assert (rows(), ways.box.got) == ([], [])


def test_a_referral_is_told_and_what_is_decided_at_once_is_not(
    desk: Any, ways: Ways, filer: Any, recording: Recording
) -> None:
    assert recording() is not None
    detainer = {
        "of-custody": "hold",
        "who-asks": "ICE-ERO",
        "papers": ["detainer"],
        "custody-origin": "arrest",
    }
    matter_at(file(desk, filer, "detainer", detainer))
    assert rows() == []
    token = "9a6f7572-6e65-4f79-8000-00000000000a"
    matter = matter_at(file(desk, filer, "court-paper", WARRANT, token))
    file(desk, filer, "court-paper", WARRANT, token)
    assert [(one.number, one.stage) for one in rows()] == [(matter.number, "asked")] * 2
    send_all()
    told = ways.box.got[0] + json.dumps(ways.posted())
    for word in ("FBI", "court", "nobody is told", "enter", "criminal", filer.login, "lock-up"):
        assert word not in told


def test_a_matter_that_waits_again_is_told_again(
    desk: Any, ways: Ways, filer: Any, counsel: Any, recording: Recording
) -> None:
    assert recording() is not None
    matter = matter_at(file(desk, filer, "court-paper", {**WARRANT, "papers-seen": ["court_criminal"]}))
    said = {"paper": "court_criminal", "scope": "in", "current": "yes", "evidence": "clerk"}
    desk.client(counsel).post(f"/matters/{matter.pk}/verify/", {**said, "verified": "yes"})
    matter.refresh_from_db()
    assert matter.state == "decided"
    desk.client(counsel).post(f"/matters/{matter.pk}/verify/", {**said, "verified": "no"})
    assert len({one.occasion for one in rows()}) == 2
    desk.client(counsel).post(f"/matters/{matter.pk}/verify/", {**said, "verified": "no", "scope": "unknown"})
    assert len({one.occasion for one in rows()}) == 2  # it waited already
    assert send_all() == 4
    assert ways.box.got


def test_what_is_rolled_back_tells_nobody(
    desk: Any, ways: Ways, filer: Any, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    from doorward.desk.notices.outbox import tell_matter

    assert recording() is not None
    assert ways.settings.offices

    def tell_and_fail(*given: Any, **more: Any) -> None:
        tell_matter(*given, **more)
        raise ConfigError("the database went away")

    monkeypatch.setattr("doorward.desk.filing.tell_matter", tell_and_fail)
    assert file(desk, filer, "court-paper", WARRANT).status_code == 422
    assert rows() == []


def test_a_clock_is_told_when_it_is_about_to_end_and_when_it_is_over_once_each(
    desk: Any, ways: Ways, filer: Any, recording: Recording
) -> None:
    from doorward.desk.models import Matter, OutgoingNotice
    from doorward.desk.notices.outbox import tell_clocks

    assert recording() is not None
    assert ways.settings.offices
    Matter.objects.update(state="closed")
    matter = matter_at(file(desk, filer, "court-paper", WARRANT))
    OutgoingNotice.objects.all().delete()
    due = matter.filed + timedelta(days=10)
    Matter.objects.filter(pk=matter.pk).update(due=due)
    assert tell_clocks(due - timedelta(hours=25)) == 0
    assert tell_clocks(due - timedelta(hours=23)) == 2
    assert tell_clocks(due - timedelta(hours=22)) == 0
    assert tell_clocks(due) == 2
    assert tell_clocks(due + timedelta(days=8)) == 0
    assert sorted({one.stage for one in rows()}) == ["due", "half"]
    Matter.objects.filter(pk=matter.pk).update(due=due + timedelta(days=3))  # it was extended: a new end
    assert tell_clocks(due + timedelta(days=2, hours=1)) == 2
    Matter.objects.filter(pk=matter.pk).update(state="answered")
    assert send_all(due + timedelta(days=9)) == 0
    assert {one.state for one in rows()} == {"moot"}


def test_a_clock_of_what_the_order_decided_is_told_while_it_runs(
    desk: Any, ways: Ways, filer: Any, recording: Recording
) -> None:
    from doorward.desk.models import Matter, MatterClock, OutgoingNotice
    from doorward.desk.notices.outbox import tell_clocks

    assert recording() is not None
    assert ways.settings.offices
    Matter.objects.update(state="closed")
    matter = matter_at(file(desk, filer, "court-paper", WARRANT))
    OutgoingNotice.objects.all().delete()
    due = matter.filed + timedelta(days=10)
    Matter.objects.filter(pk=matter.pk).update(due=due, state="decided")
    MatterClock.objects.filter(matter=matter).update(due=due, runs=False)
    assert tell_clocks(due) == 0  # decided, and nothing runs
    MatterClock.objects.filter(matter=matter).update(runs=True)
    assert tell_clocks(due) == 2
    assert send_all(due) == 2
    MatterClock.objects.filter(matter=matter).update(runs=False)
    OutgoingNotice.objects.all().update(state="waiting", again=due)
    assert send_all(due) == 0
    assert {one.state for one in rows()} == {"moot"}


def test_a_desk_that_tells_nobody_still_notes_what_is_over(
    desk: Any, filer: Any, recording: Recording
) -> None:
    from doorward.desk.models import Matter, MatterClock
    from doorward.desk.notices.worker import Sender

    Matter.objects.update(state="closed")
    MatterClock.objects.update(runs=False)
    matter = matter_at(file(desk, filer, "court-paper", WARRANT))
    late = (matter.filed + timedelta(days=400)).astimezone(UTC)
    before = len(recording())
    sender = Sender(lambda: late)
    sender.start()
    give_up = time.monotonic() + 20
    while not MatterClock.objects.filter(matter=matter, missed=True).exists():
        assert time.monotonic() < give_up, "nothing was noted"
        time.sleep(0.02)
    sender.stop()
    assert [one.get(Field.ACT) for one in recording()[before:]] == [b"miss"]


def test_a_sealed_matter_tells_its_named_counsel_and_nobody_else(
    desk: Any, ways: Ways, filer: Any, counsel: Any, recording: Recording
) -> None:
    from doorward.desk.models import Matter
    from doorward.desk.notices.outbox import tell_clocks

    assert recording() is not None
    Matter.objects.update(state="closed")
    matter = matter_at(file(desk, filer, "court-paper", WARRANT))
    until = (matter.filed + timedelta(days=90)).date().isoformat()
    desk.client(counsel).post(f"/matters/{matter.pk}/seal/", {"until": until, "counsel": ""})
    assert send_all() == 0  # what was put before the seal goes to nobody
    assert {one.state for one in rows()} == {"moot"}
    Matter.objects.filter(pk=matter.pk).update(due=matter.filed + timedelta(hours=1))
    assert tell_clocks(matter.filed + timedelta(hours=2)) == 1
    assert [one.addressee for one in rows() if one.state == "waiting"] == ["@notices.counsel.example"]
    send_all(matter.filed + timedelta(hours=3))
    (mail,) = ways.box.got
    assert "To: counsel@law.example" in mail
    assert ways.hook.asked == []


def test_what_does_not_leave_is_tried_again_ever_more_slowly_and_then_given_up_for_all_to_see(
    desk: Any, ways: Ways, counsel: Any, recording: Recording
) -> None:
    from doorward.desk.notices.worker import send_due

    assert recording() is not None
    ways.box.refuses = True
    visit = put_visit()
    waits = []
    at = now()
    for _ in range(4):
        assert send_due("mail", lambda at=at: at) == 0  # type: ignore[misc]  # the time of this pass
        again = next(one.again for one in rows() if one.channel == "mail")
        waits.append((again - at).total_seconds())
        assert send_due("mail", lambda at=at: at) == 0  # type: ignore[misc]  # as above
        at = again
    assert waits == [5, 10, 20, 40]
    late = now() + timedelta(days=2)
    send_due("mail", lambda: late)
    (mail,) = [one for one in rows() if one.channel == "mail"]
    assert (mail.state, mail.failed) == ("dead", "the mail relay did not take it: SMTPRecipientsRefused")
    page = desk.client(counsel).get("/overview/").content.decode()
    assert visit.number in page
    assert "SMTPRecipientsRefused" in page
    assert "Try again what was given up" in page
    ways.box.refuses = False
    desk.client(counsel).post("/notices/again/")
    assert send_all() >= 1
    assert len(ways.box.got) == 1


def test_a_relay_that_hangs_ends_in_its_time_and_holds_up_no_webhook(
    ways: Ways, recording: Recording
) -> None:
    from doorward.desk.notices.worker import Sender

    assert recording() is not None
    ways.box.hangs = True
    sender = Sender(now)
    sender.start()
    put_visit()
    for _ in range(200):
        if ways.hook.asked and any("in time" in one.failed for one in rows()):
            break
        time.sleep(0.05)
    sender.stop()
    assert len(ways.hook.asked) == 1
    states = {one.channel: (one.state, one.failed) for one in rows()}
    assert states["webhook"] == ("sent", "")
    assert states["mail"] == ("waiting", "the mail relay did not take it: it did not end in time")


@pytest.mark.parametrize(("behaviour", "said"), [
    (says(answer(b"", status="302 Found", more="Location: https://127.0.0.1/other\r\n")), "the webhook answered 302"),
    (says(answer(b"", status="500 Error")), "the webhook answered 500"),
    (says(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"), ""),
    (says(b"\x00\xff nothing of HTTP\r\n\r\n"), "the webhook did not take it"),
    (says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n"), "the webhook did not take it"),
    (drips(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 500), "it did not end in time"),
    (is_silent, "it did not end in time"),
], ids=["redirect", "error", "long", "bytes", "headers", "drips", "silent"])  # fmt: skip
def test_a_webhook_that_lies_or_hangs_is_believed_in_nothing_but_its_status(
    ways: Ways, recording: Recording, behaviour: Any, said: str
) -> None:
    from doorward.desk.notices.worker import send_due

    assert recording() is not None
    ways.hook.behaviour = behaviour
    put_visit()
    send_due("webhook", now)
    (posted,) = [one for one in rows() if one.channel == "webhook"]
    assert posted.state == ("waiting" if said else "sent")
    assert said in posted.failed
    assert len(ways.hook.asked) == 1  # no redirect was followed


def test_a_webhook_of_another_authority_or_in_a_private_range_is_asked_nothing(
    ways: Ways, recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.conf import settings

    from doorward.desk.notices.worker import send_due

    assert recording() is not None
    good = ways.settings.offices["law"].webhook
    assert good is not None
    other = Authority(tmp_path / "other", "other").root
    for changed in (replace(good, authority=other), replace(good, private=False)):
        known = replace(ways.settings, offices={"law": OnCall(webhook=changed)})
        monkeypatch.setattr(settings, "DESK", replace(settings.DESK, notices=known))
        put_visit()
        assert send_due("webhook", now) == 0
    assert ways.hook.asked == []
    assert any("not public" in one.failed for one in rows())


def test_an_office_without_a_way_is_told_by_the_law_departments_and_nobody_there_is_said(
    ways: Ways, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.conf import settings

    from doorward.desk.notices.telling import find_addressees

    assert recording() is not None
    assert find_addressees(("supervisor", "law"), Stage.ASKED, ways.settings) == (
        ("law", "mail"),
        ("law", "webhook"),
    )
    chain = NoticeSettings(
        {"law": OnCall(mail=("a@law.example",), then="chief"), "chief": OnCall(mail=("c@law.example",))}
    )
    assert [find_addressees(("law",), stage, chain)[0][0] for stage in Stage] == ["law", "chief", "chief"]
    nobody = NoticeSettings({"law": OnCall(command=("/bin/page",))})
    monkeypatch.setattr(settings, "DESK", replace(settings.DESK, notices=nobody))
    put_visit()
    (one,) = rows()
    assert (one.state, one.failed) == ("dead", "the office has neither a mail address nor a webhook")


@given(number=st.text(max_size=30), stage=st.sampled_from(Stage))
def test_a_text_is_a_number_of_the_desk_and_words_of_ours_or_none(number: str, stage: Stage) -> None:
    from doorward.desk.notices.telling import body_of, subject_of, text_of

    try:
        subject = subject_of(number, stage)
    except ConfigError:
        return
    assert subject.isascii()
    assert subject.isprintable()
    assert number in text_of(number, stage, "https://desk.example")
    assert json.loads(body_of("k", number, stage, "https://desk.example"))["number"] == number


@given(hours=st.integers(0, 2000), at=st.integers(-10, 3000))
def test_the_stage_of_a_clock_only_goes_on(hours: int, at: int) -> None:
    from doorward.desk.notices.telling import soon_at, stage_at

    filed = datetime(2026, 1, 1, tzinfo=UTC)
    due = filed + timedelta(hours=hours)
    order = [None, Stage.HALF, Stage.DUE]
    first, later = (stage_at(filed, due, filed + timedelta(hours=one)) for one in (at, at + 1))
    assert order.index(first) <= order.index(later)
    assert due - timedelta(hours=24) <= soon_at(filed, due) <= due


@given(st.lists(st.sampled_from(["10.0.0.1", "127.0.0.1", "::1", "fe80::1%eth0", "169.254.169.254", "::ffff:10.0.0.1",
                                  "64:ff9b::a00:1", "2002:a00:1::", "100.64.0.1", "0.1.2.3", "224.0.0.1", "fd00::1"]),
                min_size=1), st.booleans())  # fmt: skip
def test_no_address_that_is_not_public_is_chosen_unless_allowed(bad: list[str], first: bool) -> None:  # noqa: FBT001  # drawn
    from doorward.grants.webhook import choose_address

    assert choose_address(bad, private=False) is None
    mixed = [*bad, "1.1.1.1"] if first else ["1.1.1.1", *bad]
    assert choose_address(mixed, private=False) is None
    assert choose_address(["1.1.1.1", "2606:4700:4700::1111"], private=False) == "1.1.1.1"
    assert choose_address(bad, private=True) == bad[0]
    assert choose_address([], private=True) is None


def test_settings_come_back_as_they_were_written(ways: Ways) -> None:
    assert decode_settings(json.loads(json.dumps(encode_settings(ways.settings)))) == ways.settings
    assert decode_settings(encode_settings(NoticeSettings())) == NoticeSettings()


def test_the_open_queue_asks_and_is_told_only_of_what_is_there_for_it(
    desk: Any, filer: Any, counsel: Any, recording: Recording
) -> None:
    assert recording() is not None
    browser = desk.client(counsel)
    page = browser.get("/queue/").content.decode()
    mark = page.partition("?seen=")[2][:16]
    same = browser.get(f"/queue/live/?seen={mark}")
    assert (same.status_code, same.content) == (204, b"")
    assert browser.get("/queue/live/", headers={"if-none-match": same.headers["ETag"]}).status_code == 304
    other = desk.client(filer).get("/queue/").content.decode().partition("?seen=")[2][:16]
    assert other != mark
    matter = matter_at(file(desk, filer, "court-paper", WARRANT))
    told = browser.get(f"/queue/live/?seen={mark}")
    assert told.status_code == 200
    assert "Something is new" in told.content.decode()
    assert matter.number not in told.content.decode()
    other_counsel = _account(
        desk, "notices.other.example", "LAW", order_role="law-department", agency="CHICAGO-LAW"
    )
    before = desk.client(other_counsel).get("/queue/").content.decode().partition("?seen=")[2][:16]
    until = (matter.filed + timedelta(days=30)).date().isoformat()
    browser.post(f"/matters/{matter.pk}/seal/", {"until": until, "counsel": ""})
    after = desk.client(other_counsel).get("/queue/").content.decode().partition("?seen=")[2][:16]
    assert before != after  # it is gone for them, from their count too


def test_many_threads_send_each_notice_once(ways: Ways, recording: Recording) -> None:
    from django.db import connection

    from doorward.desk.notices.worker import send_due

    assert recording() is not None
    for _ in range(6):
        put_visit()

    def work() -> None:
        send_due("mail", now)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(ways.box.got) == len(set(ways.box.got)) == 6
