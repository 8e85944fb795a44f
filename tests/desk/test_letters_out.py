"""A letter on its way out: written, signed elsewhere by two, sent, and found in the record."""

import re
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from doorward.desk.letters.release import verify_letter
from doorward.errors import StoreError
from doorward.grants.notice_settings import NoticeSettings
from doorward.grants.notices import OnCall
from doorward.notes.note import Signer, cosign_note, format_verifier, parse_note, sign_note
from doorward.record.entry import Entry, Field, Kind
from tests_support.desk_year import empty_desk

Recording = Callable[[], list[Entry]]


@pytest.fixture(scope="module", autouse=True)
def nothing_left(desk: Any) -> Iterator[None]:
    """Leave no matter to the tests of other files, whose queues are a page long."""
    assert desk
    yield
    empty_desk()


DETAINER = {"of-custody": "hold", "who-asks": "ICE-ERO", "papers": ["detainer"], "custody-origin": "arrest"}
TYPED = {"to": "Sample Agency\nSample field office", "paper": "detainer", "paper-day": "2026-11-20"}
ANN, BEN, EVE, MALLORY = (
    Signer.make(name, bytes([number]) * 32)
    for number, name in enumerate(
        ("law/out.ann.example", "law/out.ben.example", "supervisor/out.eve.example", "law/out.cid.example"), 1
    )
)


class Office:
    """The law department and an officer, each at a browser; the desk has the keys of the first three."""

    def __init__(self, desk: Any) -> None:
        from doorward.desk.models import Account
        from doorward.desk.roles import Role

        roles = {
            "ann": (Role.LAW, ""), "ben": (Role.LAW, ""), "cid": (Role.LAW, ""),
            "eve": (Role.SUPERVISOR, "lock-up-out"),
            "omar": (Role.OFFICER, "lock-up-out"), "irma": (Role.AUDITOR, ""),
        }  # fmt: skip
        self.at: dict[str, Any] = {}
        for name, (role, unit) in roles.items():
            login = f"out.{name}.example"
            account = Account.objects.filter(login=login).first() or desk.account(login, role, unit=unit)
            self.at[name] = desk.client(account)
        keys = "\n".join(format_verifier(one.verifier) for one in (ANN, BEN, EVE))
        (desk.folder / "officials.keys").write_text(keys + "\n", encoding="utf-8")

    def file(self, kind: str = "detainer", answers: dict[str, Any] | None = None, by: str = "omar") -> str:
        """File a matter; return where it is."""
        sent = {**(answers or DETAINER), "token": str(uuid.uuid4()), "file": "1"}  # noqa: TID251  # a form's
        done = self.at[by].post(f"/new/{kind}/", sent)
        assert done.status_code == 302, done.content.decode()[:3000]
        return str(done.headers["location"])

    def keep(self, matter: str, who: str = "ann", **typed: str) -> str:
        """Write a letter; return where it is."""
        done = self.at[who].post(f"{matter}letter/", {**TYPED, **typed, "keep": "1"})
        assert done.status_code == 302, done.content.decode()[:3000]
        return str(done.headers["location"])

    def note(self, letter: str, who: str = "ann") -> bytes:
        """Download the statement, or the note so far."""
        return bytes(self.at[who].get(f"{letter}note/").content)

    def hand_in(self, letter: str, who: str, note: bytes) -> str:
        """Paste a note; return the page."""
        return str(self.at[who].post(f"{letter}sign/", {"note": note.decode()}, follow=True).content.decode())

    def release(self, letter: str) -> str:
        """Have two people sign it, each on their own."""
        text = self.note(letter)
        self.hand_in(letter, "ann", sign_note(text, ANN))
        return self.hand_in(letter, "ben", sign_note(text, BEN))

    def send(self, letter: str, who: str = "ann", how: str = "post") -> str:
        return str(self.at[who].post(f"{letter}send/", {"how": how}, follow=True).content.decode())


@pytest.fixture
def office(desk: Any) -> Office:
    return Office(desk)


@pytest.fixture
def small_office(desk: Any) -> Iterator[None]:
    """A desk whose letters may go with one signature."""
    assert desk
    from django.conf import settings

    before = settings.DESK
    settings.DESK = replace(before, has_later_second=True)
    yield
    settings.DESK = before


def matter_of(address: str) -> Any:
    from doorward.desk.models import Matter

    return Matter.objects.get(pk=address.split("/")[2])


def owed(office: Office) -> tuple[int, int]:
    """What the page of the whole says: second signatures that are owed, letters objected to after they left."""
    page = office.at["ben"].get("/overview/").content.decode()
    found = re.search(r"(\d+) owed, \d+ overdue; (\d+) letters objected to after they left", page)
    assert found is not None
    return int(found[1]), int(found[2])


def test_a_detainer_is_answered_by_a_letter_that_two_signed_and_an_outsider_verifies(
    office: Office, recording: Recording
) -> None:
    from doorward.desk.order import order
    from doorward.orders.load import load_letters

    where = office.file()
    letter = office.keep(where)
    assert "0 of 2 signed" in office.at["ann"].get(letter).content.decode()
    page = office.hand_in(letter, "ann", sign_note(office.note(letter), ANN))
    assert "1 of 2 signed" in page
    assert "It is sent" not in page
    number = matter_of(where).number
    row = office.at["ben"].get("/queue/").content.decode().split(f">{number}<")[1].split("</tr>")[0]
    assert "1 of 2 signed" in row
    page = office.hand_in(letter, "ben", cosign_note(office.note(letter), BEN))
    assert "released: 2 of 2 signed" in page
    page = office.send(letter)
    assert "sent by post" in page
    pdf, note = bytes(office.at["omar"].get(f"{letter}pdf/").content), office.note(letter, "omar")
    found = verify_letter(pdf, note, [ANN.verifier, BEN.verifier], load_letters(order().pack))
    assert found.signers == (ANN.name, BEN.name)
    matter = matter_of(where)
    assert (matter.state, matter.due) == ("answered", None)
    acts = [one.act for one in matter.events.all()]
    assert acts == ["write-letter", "release", "release", "send-letter", "answer"]
    digest = found.statement.pdf.encode()
    last = recording()[-5:]
    assert [one.get(Field.ACT) for one in last] == [act.encode() for act in acts]
    assert {(one.kind, one.get(Field.DIGEST), one.get(Field.MATTER)) for one in last} == {
        (Kind.ACT, digest, matter.pk.hex.encode())
    }
    assert [one.get(Field.LOGIN) for one in last[1:3]] == [b"out.ann.example", b"out.ben.example"]


def test_what_is_handed_in_is_ones_own_word_of_the_office(office: Office, recording: Recording) -> None:
    letter = office.keep(office.file())
    text = office.note(letter)
    count = len(recording())
    refused = {
        "another's signature": ("ben", sign_note(text, ANN)),
        "another office": ("eve", sign_note(text, EVE)),
        "a key that the desk does not know": ("cid", sign_note(text, MALLORY)),
        "a key of another under one's own name": ("ann", sign_note(text, Signer.make(ANN.name, b"9" * 32))),
        "another text": ("ann", sign_note(text.replace(b"people: 2", b"people: 1"), ANN)),
        "no note": ("ann", b"hello"),
        "nothing": ("ann", b""),
        "a bomb": ("ann", b"x" * 20_000),
    }
    for what, (who, note) in refused.items():
        page = office.hand_in(letter, who, note)
        assert "usa-alert--error" in page, what
        assert "0 of 2 signed" in page, what
    assert len(recording()) == count
    assert office.hand_in(letter, "ann", sign_note(text, ANN).replace(b"\n", b"\r\n"))
    page = office.hand_in(letter, "ann", sign_note(text, ANN))
    assert "another person does" in page
    assert "1 of 2 signed" in page


def test_an_auditor_reads_a_draft_and_does_nothing_with_it(office: Office, recording: Recording) -> None:
    letter = office.keep(office.file())
    count = len(recording())
    page = office.at["irma"].get(letter).content.decode()
    assert "Hand in my signature" not in page
    for act in ("sign", "object", "send"):
        done = office.at["irma"].post(
            f"{letter}{act}/", {"why": "x", "how": "post", "note": "x"}, follow=True
        )
        assert "not yours to do" in done.content.decode()
    assert office.at["omar"].get(letter).status_code == 404
    assert len(recording()) == count


def test_an_edit_voids_the_signatures_and_a_second_submit_keeps_one(
    office: Office, recording: Recording
) -> None:
    from doorward.desk.models import Letter

    where = office.file()
    letter = office.keep(where)
    office.hand_in(letter, "ann", sign_note(office.note(letter), ANN))
    count = len(recording())
    assert office.keep(where) == letter
    assert len(recording()) == count
    edited = office.keep(where, to="Another Agency")
    assert edited != letter
    assert "0 of 2 signed" in office.at["ann"].get(edited).content.decode()
    page = office.hand_in(letter, "ben", cosign_note(office.note(letter), BEN))
    assert "it was written anew" in page
    assert "recorded as sent" not in office.send(letter)
    assert Letter.objects.get(pk=edited.split("/")[4]).replaces_id == uuid.UUID(letter.split("/")[4])
    form = office.at["ann"].get(f"{where}letter/?from={edited.split('/')[4]}").content.decode()
    assert "Another Agency" in form


def test_what_was_released_is_not_edited_until_somebody_objects(office: Office, recording: Recording) -> None:
    assert recording() is not None
    where = office.file()
    letter = office.keep(where)
    office.release(letter)
    page = office.at["cid"].post(f"{where}letter/", {**TYPED, "to": "X", "keep": "1"}).content.decode()
    assert "was released and is not edited" in page
    page = (
        office.at["cid"].post(f"{letter}object/", {"why": "the day is wrong"}, follow=True).content.decode()
    )
    assert "the day is wrong" in page
    assert "somebody objected to it" in office.send(letter)
    assert office.keep(where, to="X") != letter


def test_a_letter_without_its_signatures_is_not_sent(office: Office, recording: Recording) -> None:
    where = office.file()
    letter = office.keep(where)
    office.hand_in(letter, "ann", sign_note(office.note(letter), ANN))
    count = len(recording())
    assert "1 of 2 people of the office have signed it" in office.send(letter)
    assert "expected one of" in office.send(letter, how="pigeon")
    assert (len(recording()), matter_of(where).state) == (count, "decided")


def test_a_key_that_is_taken_away_counts_no_more(desk: Any, office: Office, recording: Recording) -> None:
    assert recording() is not None
    letter = office.keep(office.file())
    office.release(letter)
    (desk.folder / "officials.keys").write_text(format_verifier(ANN.verifier) + "\n", encoding="utf-8")
    assert "1 of 2 people of the office have signed it" in office.send(letter)


def test_keys_that_cannot_be_read_are_told_and_release_nothing(
    desk: Any, office: Office, recording: Recording
) -> None:
    where = office.file()
    letter = office.keep(where)
    office.release(letter)
    (desk.folder / "officials.keys").write_text("no key\n", encoding="utf-8")
    count = len(recording())
    for address in (where, letter, f"{letter}note/", "/queue/"):
        page = office.at["ann"].get(address, follow=True)
        assert (page.status_code, "cannot be told now" in page.content.decode()) == (200, True), address
    assert "must hold the officers" in office.send(letter)
    assert len(recording()) == count


def test_nobody_releases_an_answer_to_what_they_filed(office: Office, recording: Recording) -> None:
    assert recording() is not None
    where = office.file(by="ann")
    letter = office.keep(where, who="ben")
    page = office.hand_in(letter, "ann", sign_note(office.note(letter, "ben"), ANN))
    assert "you filed it yourself" in page
    assert "you filed it yourself" in office.send(letter)


def test_a_letter_does_not_outlive_the_answer_that_it_rests_on(office: Office, recording: Recording) -> None:
    assert recording() is not None
    where = office.file()
    letter = office.keep(where)
    office.release(letter)
    form = {"until": "2099-01-01", "counsel": ""}
    office.at["ann"].post(f"{where}seal/", form)
    assert "the answer that it rests on changed" in office.send(letter)
    assert matter_of(where).state == "decided"
    assert office.at["ben"].get(letter).status_code == 404


def test_two_who_send_at_once_send_once(desk: Any, office: Office, recording: Recording) -> None:
    from django.db import connections

    assert desk
    where = office.file()
    letter = office.keep(where)
    office.release(letter)
    count = len(recording())
    begin, pages = threading.Barrier(4), []

    def press(who: str) -> None:
        begin.wait()
        pages.append(office.send(letter, who))
        connections.close_all()

    people = [threading.Thread(target=press, args=(who,)) for who in ("ann", "ben", "cid", "ann")]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert sum("recorded as sent" in page for page in pages) == 1
    assert sum("marked as sent already" in page for page in pages) == 3
    assert [one.get(Field.ACT) for one in recording()[count:]] == [b"send-letter", b"answer"]


def test_two_who_sign_at_once_are_two(office: Office, recording: Recording) -> None:
    from django.db import connections

    letter = office.keep(office.file())
    text = office.note(letter)
    count = len(recording())
    begin = threading.Barrier(4)

    def press(who: str, key: Signer) -> None:
        begin.wait()
        office.hand_in(letter, who, sign_note(text, key))
        connections.close_all()

    each = [("ann", ANN), ("ben", BEN), ("ann", ANN), ("ben", BEN)]
    people = [threading.Thread(target=press, args=one) for one in each]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert len(recording()) == count + 2
    assert "released: 2 of 2 signed" in office.at["ann"].get(letter).content.decode()
    assert sorted(one.name for one in parse_note(office.note(letter)).signatures) == [ANN.name, BEN.name]


@pytest.mark.parametrize("step", ["keep", "sign", "send"])
def test_what_cannot_be_recorded_is_not_done(
    office: Office, recording: Recording, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    from doorward.desk.models import Letter, LetterStep
    from doorward.desk.recorder import recorder

    where = office.file()
    letter = office.keep(where) if step != "keep" else ""
    if step == "send":
        office.release(letter)
    rows = (Letter.objects.count(), LetterStep.objects.count(), len(recording()), matter_of(where).state)

    def refuse(*_: object, **__: object) -> int:
        raise StoreError("the disk is full")

    monkeypatch.setattr(recorder(), "record", refuse)
    if step == "keep":
        page = office.at["ann"].post(f"{where}letter/", {**TYPED, "keep": "1"}).content.decode()
    elif step == "sign":
        page = office.hand_in(letter, "ann", sign_note(office.note(letter), ANN))
    else:
        page = office.send(letter)
    assert "nothing was done" in page
    after = (Letter.objects.count(), LetterStep.objects.count(), len(recording()), matter_of(where).state)
    assert after == rows


def test_an_end_between_record_and_commit_leaves_an_entry_and_nothing_else(
    office: Office, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    from doorward.desk import releasing

    where = office.file()
    letter = office.keep(where)
    office.release(letter)
    count = len(recording())

    def end(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(releasing, "answer_locked", end)
        with pytest.raises(KeyboardInterrupt):
            office.send(letter)
    assert [one.get(Field.ACT) for one in recording()[count:]] == [b"send-letter"]
    assert matter_of(where).state == "decided"
    assert "recorded as sent" in office.send(letter)
    assert [one.get(Field.ACT) for one in recording()[count:]] == [b"send-letter", b"send-letter", b"answer"]


@pytest.mark.usefixtures("small_office")
def test_one_now_and_the_second_is_owed_shown_and_given(office: Office, recording: Recording) -> None:
    from doorward.desk.models import MatterClock

    before = owed(office)
    where = office.file()
    letter = office.keep(where)
    assert "have signed it" in office.send(letter)
    office.hand_in(letter, "ann", sign_note(office.note(letter), ANN))
    page = office.send(letter)
    assert "The second is owed" in page
    matter = matter_of(where)
    assert matter.state == "answered"
    clock = MatterClock.objects.get(letter__matter=matter)
    sent = matter.events.filter(act="send-letter").get().at
    assert clock.due == sent + timedelta(hours=24)
    assert "the second is owed" in office.at["ben"].get("/queue/").content.decode()
    assert owed(office) == (before[0] + 1, before[1])
    refused = office.at["ben"].post(f"{where}close/", {"why": "answered"}, follow=True).content.decode()
    assert "second signature on a letter of it is owed" in refused
    assert "another person does" in office.hand_in(letter, "ann", office.note(letter))
    page = office.hand_in(letter, "ben", cosign_note(office.note(letter), BEN))
    assert "The second is owed" not in page
    clock.refresh_from_db()
    assert (clock.runs, matter_of(where).due) == (False, None)
    assert recording()[-1].get(Field.LOGIN) == b"out.ben.example"
    assert owed(office) == before


@pytest.mark.usefixtures("small_office")
def test_the_second_may_object_and_what_has_left_has_left(office: Office, recording: Recording) -> None:
    before = owed(office)
    where = office.file()
    letter = office.keep(where)
    office.hand_in(letter, "ann", sign_note(office.note(letter), ANN))
    office.send(letter)
    own = office.at["ann"].post(f"{letter}object/", {"why": "x"}, follow=True).content.decode()
    assert "with your word for it" in own
    page = office.at["ben"].post(f"{letter}object/", {"why": "wrong clause"}, follow=True).content.decode()
    assert "wrong clause" in page
    assert "The letter had left" in page
    assert recording()[-1].get(Field.ACT) == b"object"
    assert matter_of(where).state == "answered"
    assert owed(office)[1] == before[1] + 1
    assert "somebody objected to it" in office.hand_in(letter, "ben", cosign_note(office.note(letter), BEN))


@pytest.mark.usefixtures("small_office")
def test_an_owed_signature_that_does_not_come_is_noted_and_shown(
    office: Office, recording: Recording
) -> None:
    from datetime import UTC, datetime

    from doorward.desk.clocks import note_missed

    letter = office.keep(office.file())
    office.hand_in(letter, "ann", sign_note(office.note(letter), ANN))
    office.send(letter)
    count = len(recording())
    later = datetime.now(UTC) + timedelta(hours=25)  # noqa: TID251  # the desk's own look, a day on
    assert note_missed(later) >= 1
    assert note_missed(later) == 0
    assert {one.get(Field.ACT) for one in recording()[count:]} == {b"miss"}
    assert "The second is owed" not in office.hand_in(letter, "ben", cosign_note(office.note(letter), BEN))


@pytest.mark.usefixtures("small_office")
def test_an_owed_signature_is_told_at_once_before_it_is_over_and_after_and_no_more_when_it_is_given(
    office: Office, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.conf import settings

    from doorward.desk.models import MatterClock, OutgoingNotice
    from doorward.desk.notices.outbox import is_moot, tell_clocks

    assert recording() is not None
    told = NoticeSettings({"law": OnCall(mail=("oncall@law.example",))}, None, 2.0, {})
    monkeypatch.setattr(settings, "DESK", replace(settings.DESK, notices=told))
    where = office.file()
    letter = office.keep(where)
    office.hand_in(letter, "ann", sign_note(office.note(letter), ANN))
    office.send(letter)
    matter = matter_of(where)

    def rows() -> list[tuple[str, str, str]]:
        kept = OutgoingNotice.objects.filter(subject=matter.pk, about="letter").order_by("made")
        return [(one.stage, one.addressee, one.number) for one in kept]

    assert rows() == [("asked", "law", matter.number)]
    due = MatterClock.objects.get(letter__matter=matter).due
    assert due is not None
    tell_clocks(due - timedelta(hours=13))
    assert len(rows()) == 1
    for _ in range(2):
        tell_clocks(due - timedelta(hours=11))
        tell_clocks(due + timedelta(minutes=1))
    assert [one[0] for one in rows()] == ["asked", "half", "due"]
    kept = OutgoingNotice.objects.filter(subject=matter.pk, about="letter")
    assert not any(is_moot(one, due) for one in kept)
    office.hand_in(letter, "ben", cosign_note(office.note(letter), BEN))
    assert all(is_moot(one, due) for one in kept)
    OutgoingNotice.objects.all().delete()


def test_remedy_words_are_counsels_to_switch_on(office: Office, recording: Recording) -> None:
    from doorward.desk.models import Letter

    assert recording() is not None
    where = office.file(
        "records-request", {"who-asks": "ICE-ERO", "for-whom": "ICE-ERO", "holding": "library"}
    )

    def said(who: str, **more: str) -> str:
        letter = office.keep(where, who=who, asked="who borrowed a book", **more)
        return str(Letter.objects.get(pk=letter.split("/")[4]).statement)

    page = office.at["ann"].get(f"{where}letter/").content.decode()
    assert "Say what would change this answer" in page
    assert "a court&#x27;s order that names the record" in page
    assert "remedy: no" in said("ann")
    assert "remedy: yes" in said("ann", remedy="yes")
    assert "Say what would change" not in office.at["eve"].get(f"{where}letter/").content.decode()
    assert "remedy: no" in said("eve", remedy="yes")
    plain = office.file()
    assert "Say what would change" not in office.at["ann"].get(f"{plain}letter/").content.decode()


def test_what_a_letter_never_holds_is_refused_and_nothing_is_kept(
    office: Office, recording: Recording
) -> None:
    count = len(recording())
    where = office.file()
    for to in ("A 123 456 789", "", "x\n" * 9, "y" * 200):
        done = office.at["ann"].post(f"{where}letter/", {**TYPED, "to": to, "keep": "1"})
        assert done.status_code == 422
    assert len(recording()) == count + 1
