"""Filing by message: what is read is shown as text, a person chooses and answers, nothing of it is kept but digests."""

import html
import re
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from doorward.errors import StoreError
from doorward.record.entry import Entry

Recording = Callable[[], list[Entry]]
PDF = b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\n%%EOF\n"
SECRET = "words that stand in the message alone"


def write(
    *files: tuple[str, str, bytes],
    text: str = "Form I-247A is attached.",
    message_id: str = "<1@field.example>",
) -> bytes:
    message = EmailMessage()
    message["From"] = "An officer <officer@field-office.example>"
    message["To"] = "desk@city.invalid"
    message["Subject"] = "Immigration detainer"
    message["Date"] = "Sun, 01 Mar 2026 09:30:00 -0600"
    message["Message-ID"] = message_id
    message.set_content(f"{text}\n{SECRET}\n")
    for name, declared, content in files:
        main, _, sub = declared.partition("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return message.as_bytes()


def fresh(**more: Any) -> bytes:
    return write(message_id=f"<{uuid.uuid4()}@field.example>", **more)  # noqa: TID251  # a fresh message


@pytest.fixture
def people(desk: Any, recording: Recording) -> dict[str, Any]:
    from doorward.desk.message_waiting import sweep
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    assert recording() is not None
    sweep(datetime.now(UTC), older=timedelta(0))  # noqa: TID251  # what waits of the test before
    held = {
        "custodian": (Role.CUSTODIAN, "records-1"), "colleague": (Role.OFFICER, "records-1"),
        "stranger": (Role.OFFICER, "elsewhere"), "counsel": (Role.LAW, ""), "auditor": (Role.AUDITOR, ""),
    }  # fmt: skip
    found = {}
    for name, (role, unit) in held.items():
        login = f"mail.{name}.example"
        account = Account.objects.filter(login=login).first()
        found[name] = account or desk.account(login, role, unit=unit, order_role="lockup-keeper")
    return found


def drop(client: Any, raw: bytes) -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return client.post("/message/", {"message": SimpleUploadedFile("a.eml", raw)})


def hidden(answer: Any) -> dict[str, Any]:
    """What a form of a page sends, all but the token of the session."""
    found: dict[str, Any] = {}
    text = answer.content.decode()
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', text):
        if name != "csrfmiddlewaretoken":
            found.setdefault(name, []).append(html.unescape(value))
    return found


def file(client: Any, answer: Any, kind: str = "detainer", **answers: Any) -> Any:
    """Go on from a page that shows a message: choose the kind, answer, file."""
    form = client.post(f"/new/{kind}/", hidden(answer))
    sent = {**hidden(answer), **hidden(form), **answers}
    for name in ("change", "begin"):
        sent.pop(name, None)
    shown = client.post(f"/new/{kind}/", sent)
    assert "Nothing is filed yet" in shown.content.decode(), shown.content.decode()[:3000]
    return client.post(f"/new/{kind}/", {**hidden(shown), "file": "1"})


def matter_at(answer: Any) -> Any:
    from doorward.desk.models import Matter

    assert answer.status_code == 302, answer.content.decode()[:2000]
    return Matter.objects.get(pk=answer.headers["location"].split("/")[2])


def waiting(desk: Any) -> list[Path]:
    folder = desk.folder / "run" / "messages"
    return list(folder.iterdir()) if folder.exists() else []


# ---------------------------------------------------------------- a message


def test_a_message_is_shown_and_a_person_files_what_they_answer(desk: Any, people: dict[str, Any]) -> None:
    client = desk.client(people["custodian"])
    raw = fresh(text="Form I-247A is attached. Case No. 26-117.")
    shown = drop(client, raw)
    page = shown.content.decode()
    assert shown.status_code == 200
    for words in (
        "officer@field-office.example",
        "Immigration detainer",
        SECRET,
        sha256(raw).hexdigest()[:16],
    ):
        assert words in page
    assert "it says: detainer, I-247A" in page
    form = client.post("/new/detainer/", hidden(shown)).content.decode()
    assert "Something is missing" not in form  # nobody has seen its questions yet
    assert form.count("read from the message") == 3  # papers, number, when it came
    assert 'value="26-117"' in form
    assert 'value="2026-03-01T09:30"' in form
    matter = matter_at(file(client, shown, **{"of-custody": "hold", "who-asks": "ICE-ERO"}))
    assert (matter.channel, matter.outcome) == ("message", "deny")
    assert matter.received == datetime(2026, 3, 1, 15, 30, tzinfo=UTC)
    assert matter.message_filing.sha256 == sha256(raw).hexdigest()
    assert sha256(raw).hexdigest()[:16] in client.get(f"/matters/{matter.pk}/").content.decode()


def test_nothing_is_decided_or_asked_of_the_order_by_the_message_alone(
    desk: Any, people: dict[str, Any], recording: Recording
) -> None:
    from doorward.desk.models import Matter

    client, count, entries = desk.client(people["custodian"]), Matter.objects.count(), len(recording())
    shown = drop(client, fresh())
    form = client.post("/new/detainer/", hidden(shown))
    assert (shown.status_code, form.status_code) == (200, 200)
    refused = client.post("/new/detainer/", {**hidden(form), "file": "1"})
    assert refused.status_code == 422  # what is wanted, a person says
    assert (Matter.objects.count(), len(recording())) == (count, entries)


def test_nothing_of_the_message_is_kept_but_digests_and_what_was_filed(
    desk: Any, people: dict[str, Any], recording: Recording
) -> None:
    from django.db import connection

    client = desk.client(people["custodian"])
    raw = fresh()
    matter = matter_at(file(client, drop(client, raw), **{"of-custody": "hold"}))
    assert waiting(desk) == []
    with connection.cursor() as cursor:
        for table in ("matter", "message_filing", "event", "django_session"):
            cursor.execute(f"SELECT t::text FROM {table} t")
            assert not [row for (row,) in cursor.fetchall() if SECRET in row or "@field" in row]
    assert SECRET.encode() not in b" ".join(value for entry in recording() for _, value in entry.fields)
    assert matter.message_filing.id_sha256 != ""


def test_what_somebody_changes_is_not_marked_any_more(desk: Any, people: dict[str, Any]) -> None:
    client = desk.client(people["custodian"])
    shown = drop(client, fresh(text="I-247A, case no. 26-117"))
    sent = hidden(shown) | {"of-custody": "hold"}
    sent.pop("change")
    preview = client.post("/new/detainer/", sent).content.decode()
    assert preview.count("read from the message") == 3
    changed = client.post("/new/detainer/", {**sent, "paper-number": "26-118"}).content.decode()
    assert changed.count("read from the message") == 2


# ---------------------------------------------------------------- twice


def test_a_message_that_was_filed_is_found_and_linked_for_those_who_may_see_it(
    desk: Any, people: dict[str, Any]
) -> None:
    raw = fresh()
    client = desk.client(people["custodian"])
    first = matter_at(file(client, drop(client, raw), **{"of-custody": "hold"}))
    again = drop(client, raw)
    assert "was filed before" in again.content.decode()
    assert first.number in again.content.decode()
    second = matter_at(file(client, again, **{"of-custody": "transfer"}))
    assert first.number in client.get(f"/matters/{second.pk}/").content.decode()
    assert second.number in client.get(f"/matters/{first.pk}/").content.decode()
    assert first.number in drop(desk.client(people["colleague"]), raw).content.decode()
    stranger = drop(desk.client(people["stranger"]), raw).content.decode()
    assert "was filed before" not in stranger
    assert first.number not in stranger


def test_a_sealed_matter_is_not_found_by_its_message(desk: Any, people: dict[str, Any]) -> None:
    from doorward.desk.models import Matter

    raw = fresh()
    client = desk.client(people["custodian"])
    matter = matter_at(file(client, drop(client, raw), **{"of-custody": "hold"}))
    later = datetime.now(UTC) + timedelta(days=9)  # noqa: TID251  # a seal ends by the real clock
    Matter.objects.filter(pk=matter.pk).update(sealed_until=later)
    assert "was filed before" not in drop(client, raw).content.decode()


def test_the_same_message_id_with_other_bytes_is_said_to_be_another(
    desk: Any, people: dict[str, Any]
) -> None:
    client = desk.client(people["custodian"])
    one = f"<{uuid.uuid4()}@field.example>"  # noqa: TID251  # a fresh message
    first = matter_at(file(client, drop(client, write(message_id=one)), **{"of-custody": "hold"}))
    other = drop(client, write(message_id=one, text="Other words.")).content.decode()
    assert "other bytes" in other
    assert first.number in other
    assert "This message was filed before" not in other
    without = drop(client, b"From: a@b.example\nSubject: s\n\nx").content.decode()
    assert "was filed" not in without


def test_a_form_that_is_sent_twice_files_once_and_is_history(desk: Any, people: dict[str, Any]) -> None:
    from django.db import DatabaseError, connection

    client = desk.client(people["custodian"])
    shown = drop(client, fresh())
    sent = {**hidden(shown), "of-custody": "hold", "file": "1"}
    sent.pop("change")
    assert matter_at(client.post("/new/detainer/", sent)) == matter_at(client.post("/new/detainer/", sent))
    for statement in ("UPDATE message_filing SET bytes = 1", "DELETE FROM message_filing"):
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute(statement)


# ---------------------------------------------------------------- slips


def test_a_slip_is_signed_holds_for_one_account_and_ends(
    desk: Any, people: dict[str, Any], recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, other = desk.client(people["custodian"]), desk.client(people["colleague"])
    sent = hidden(drop(client, fresh())) | {"of-custody": "hold", "file": "1"}
    sent.pop("change")
    count = len(recording())
    forged = {**sent, "slip": [sent["slip"][0][:-2] + "xx"]}
    for who, form in ((client, forged), (client, {**sent, "slip": ["x"]}), (other, sent)):
        answer = who.post("/new/detainer/", form)
        assert answer.status_code == 422
        assert "drop it again" in answer.content.decode()
        assert "slip" not in hidden(answer)
    monkeypatch.setattr("doorward.desk.message_filing.HOLDS", timedelta(seconds=-1))
    assert client.post("/new/detainer/", sent).status_code == 422
    assert len(recording()) == count


# ---------------------------------------------------------------- evidence


def test_the_message_is_a_sealed_paper_of_what_was_filed_out_of_it(desk: Any, people: dict[str, Any]) -> None:
    from doorward.desk.access import find_actor
    from doorward.desk.filed_papers import read

    client, raw = desk.client(people["custodian"]), fresh()
    matter = matter_at(file(client, drop(client, raw), **{"of-custody": "hold"}))
    (paper,) = matter.papers.all()
    assert (paper.paper_class, paper.file_sha256) == ("message", sha256(raw).hexdigest())
    assert waiting(desk) == []
    now = datetime.now(UTC)  # noqa: TID251  # assignments end by the real clock
    found = read(find_actor(people["custodian"], is_strong=True, now=now), paper.pk)
    assert found is not None
    assert b"".join(found[1]) == raw
    page = client.get(f"/matters/{matter.pk}/").content.decode()
    assert "message.eml" in page


def test_what_cannot_be_kept_is_not_filed_and_still_waits(
    desk: Any, people: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from doorward.desk.models import Matter

    def refuse(*_: object) -> None:
        raise StoreError("the disk is full")

    client, count = desk.client(people["custodian"]), Matter.objects.count()
    sent = hidden(drop(client, fresh())) | {"of-custody": "hold", "file": "1"}
    sent.pop("change")
    with monkeypatch.context() as patched:
        patched.setattr("doorward.desk.message_filing.keep_message", refuse)
        assert client.post("/new/detainer/", sent).status_code == 503
    assert Matter.objects.count() == count
    assert len(waiting(desk)) > 0
    assert client.post("/new/detainer/", sent).status_code == 302


def test_a_message_waits_an_hour_at_most_and_is_filed_by_its_digest_then(
    desk: Any, people: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from doorward.desk import message_waiting

    client = desk.client(people["custodian"])
    shown = drop(client, fresh())
    (path,) = waiting(desk)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    message_waiting.sweep(datetime.now(UTC) + timedelta(hours=1, seconds=1))  # noqa: TID251  # files have the real time
    assert waiting(desk) == []
    matter = matter_at(file(client, shown, **{"of-custody": "hold"}))
    assert matter.message_filing.bytes > 0
    monkeypatch.setattr(message_waiting, "MAX_BYTES", 10)
    assert drop(client, fresh()).status_code == 200
    assert waiting(desk) == []
    assert message_waiting.held_path("../../../etc/passwd") is None


def test_what_waits_too_long_is_removed_where_nobody_comes_any_more(
    desk: Any, people: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from doorward.desk import message_waiting

    waits: list[Any] = []

    class Timer:
        daemon = False

        def __init__(self, seconds: float, work: Any) -> None:
            assert seconds == message_waiting.SWEPT_SECONDS
            waits.append(work)

        def start(self) -> None:
            assert self.daemon

    monkeypatch.setattr(threading, "Timer", Timer)
    monkeypatch.setattr(message_waiting, "_sweeper", threading.Semaphore(1))
    client = desk.client(people["custodian"])
    for _ in range(3):
        drop(client, fresh())
    assert len(waits) == 1
    waits.pop()()
    assert (len(waits), len(waiting(desk))) == (1, 3)  # it looks again as long as one waits
    monkeypatch.setattr(message_waiting.sweep, "__kwdefaults__", {"older": timedelta(0)})
    waits.pop()()
    assert (waits, waiting(desk)) == ([], [])


# ---------------------------------------------------------------- hostile


def parts(count: int) -> bytes:
    inner = b"--b\nContent-Type: text/plain\n\nx\n" * count
    return b"Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n" + inner + b"--b--\n"


HOSTILE: dict[str, bytes] = {
    "empty": b"",
    "no message": PDF,
    "100 000 parts": parts(100_000),
    "a thousand deep": b"Subject: s\n"
    + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(1000)),
    "4 000 headers": b"Subject: s\n" + b"A: b\n" * 4000 + b"\nx",
    "a header of a megabyte": b"Subject: s\nX-A: " + b"a" * 1_000_000 + b"\n\nx",
    "a subject of a megabyte": b"Subject: " + b"=?utf-8?q?a?= " * 80_000 + b"\n\nx",
    "coded words in coded words": b"Subject: =?utf-8?q?=3D=3Futf-8=3Fq=3F=3Cscript=3E=3F=3D?=\n\nx",
    "a line in a header": b"Subject: =?utf-8?q?a=0D=0ABcc:_x=40y.example?=\nFrom: =?utf-8?b?DQpYOiB5?=\n\nx",
    "html alone": b"Subject: s\nContent-Type: text/html\n\n<script>alert(1)</script><p>words"
    b"<img src=x onerror=alert(1)>",
    "no charset": b"Subject: s\nContent-Type: text/plain\nContent-Transfer-Encoding: 8bit\n\n\xe9\xe8",
    "a charset that is none": b"Subject: s\nContent-Type: text/plain; charset=zebra\n\nx",
    "winmail.dat": b"Subject: s\nContent-Type: application/ms-tnef; name=winmail.dat\n\n\x78\x9f\x3e\x22",
    "a report of delivery": b"Subject: Undelivered\n"
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nnot delivered\n"
    b"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a.example\n\nAction: failed\n\n"
    b"--b\nContent-Type: message/rfc822\n\nSubject: inner\n\ninner words\n--b--\n",
    "a message inside": b"Subject: s\nContent-Type: message/rfc822\n\nSubject: inner\n\ninner words",
    "nul": b"Subject: a\x00b\nFrom: \x00\n\n\x00\x01\x1b[31mred",
    "right to left": "Subject: \u202egnp.exe\u202c\nFrom: \u2066a@b.example\n\n\u202ex".encode(),
    "a name that plays another": b"Subject: s\nContent-Type: application/pdf\n"
    b"Content-Disposition: attachment; filename*=utf-8''w%D0%B0rrant.pdf\n\n" + PDF,
    "a name with a path and quotes": b'Subject: s\nContent-Type: application/pdf\nContent-Disposition: attachment; '
    b'filename="../../\\"><script>alert(1)</script>.pdf"\n\n' + PDF,
    "no calendar": b"Subject: s\nDate: Sun, 99 Foo 99999 99:99:99 +9999\nReceived: ;;;; (((\n\nx",
    "only carriage returns": b"Subject: s\r\rx" * 1000,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_message_is_shown_as_text_or_refused_in_a_line(
    desk: Any, people: dict[str, Any], name: str
) -> None:
    answer = drop(desk.client(people["custodian"]), HOSTILE[name])
    page = answer.content.decode()
    assert answer.status_code in {200, 422}
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    for char in ("\u202e", "\u2066", "\x00", "\x1b"):
        assert char not in page
    assert len(answer.content) < 400_000
    if answer.status_code == 422:
        assert "usa-alert--error" in page


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a name that plays another", "two alphabets that look alike"),
        ("winmail.dat", "only Outlook opens"),
        ("a message inside", "it is a message inside of the message"),
        ("a report of delivery", "not delivered"),
        ("html alone", "read out of HTML"),
        ("100 000 parts", "at most 60 parts"),
    ],
)
def test_what_a_person_has_to_know_of_it_is_said(
    desk: Any, people: dict[str, Any], name: str, says: str
) -> None:
    assert says in drop(desk.client(people["custodian"]), HOSTILE[name]).content.decode()


def test_attachments_are_named_and_never_given_out(desk: Any, people: dict[str, Any]) -> None:
    raw = write(("order.pdf", "application/pdf", PDF), ("run.pdf", "application/pdf", b"MZ\x90"))
    page = drop(desk.client(people["custodian"]), raw).content.decode()
    assert sha256(PDF).hexdigest()[:16] in page
    assert "none of: PDF" in page
    assert "%PDF" not in page


# ---------------------------------------------------------------- uploads


def test_a_file_that_is_too_long_is_let_go_piece_by_piece(
    desk: Any, people: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doorward.desk.views.message.MAX_BYTES", 200_000)
    client = desk.client(people["custodian"])
    assert drop(client, b"Subject: s\n\n" + b"x" * 190_000).status_code == 200
    for size in (200_001, 700_000, 5_000_000):
        answer = drop(client, b"Subject: s\n\n" + b"x" * size)
        assert answer.status_code == 413
        assert "one by one" in answer.content.decode()
    assert client.post("/message/", {}).status_code == 422
    assert client.post("/message/", {"message": "a text and no file"}).status_code == 422
    odd = client.post("/message/", b"x", content_type="application/json", CONTENT_LENGTH="9" * 30)
    assert odd.status_code == 413


def test_the_first_of_several_files_counts_and_none_under_another_name(
    desk: Any, people: dict[str, Any]
) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    client = desk.client(people["custodian"])
    files = [SimpleUploadedFile("a.eml", fresh()), SimpleUploadedFile("b.eml", b"Subject: second\n\nx")]
    assert "Immigration detainer" in client.post("/message/", {"message": files}).content.decode()
    other = SimpleUploadedFile("a.eml", fresh())
    assert client.post("/message/", {"paper": other}).status_code == 422


def test_a_message_of_another_site_is_not_taken(desk: Any, people: dict[str, Any]) -> None:
    from django.test import Client

    strict = Client(enforce_csrf_checks=True, headers={"host": "127.0.0.1"})
    strict.cookies = desk.client(people["custodian"]).cookies
    assert drop(strict, fresh()).status_code == 403


def test_nobody_reads_files_without_end(
    desk: Any, people: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from doorward.desk.limits import Rate

    monkeypatch.setattr("doorward.desk.views.message.UPLOADS", Rate("uploads", 2, 86_400))
    client = desk.client(people["custodian"])
    answers = [drop(client, fresh()) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert drop(desk.client(people["colleague"]), fresh()).status_code == 200


@pytest.mark.parametrize(("who", "status"), [("auditor", 403), (None, 302)])
def test_who_files_nothing_has_no_message_read(
    desk: Any, people: dict[str, Any], who: str | None, status: int
) -> None:
    client = desk.client(people[who]) if who else desk.client()
    before = len(waiting(desk))
    assert drop(client, fresh()).status_code == status
    assert len(waiting(desk)) == before
