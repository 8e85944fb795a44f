"""The registers at the desk: what an official signed is recorded, on file, and what every door reads."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from doorward.errors import StoreError
from doorward.grants.records import Record, RecordKind, format_record
from doorward.notes.note import format_verifier, sign_note
from doorward.record.entry import Entry, Field, Kind
from doorward.record.keys import make_log_key

Recording = Callable[[], list[Entry]]
ORIGIN = "law/finn.example"


@pytest.fixture
def signer(desk: Any) -> Any:
    key = desk.folder / f"finn-{len(list(desk.folder.glob('finn-*')))}.key"
    made = make_log_key(key, origin=ORIGIN)
    (desk.folder / "officials.keys").write_text(format_verifier(made.verifier) + "\n", encoding="utf-8")
    (desk.folder / "records.json").unlink(missing_ok=True)
    return made


def declaration(signer: Any, about: str = "IN-PD", *, days: int = 300) -> str:
    begins = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251  # a record begins now
    record = Record(
        RecordKind.DECLARATION,
        about,
        begins,
        begins + timedelta(days=days),
        "letter 2026-117",
        "read by counsel",
    )
    return sign_note(format_record(record), signer).decode()


@pytest.fixture
def law(desk: Any) -> Any:
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    login = "registers.law.example"
    return desk.client(Account.objects.filter(login=login).first() or desk.account(login, Role.LAW))


def test_a_signed_record_is_recorded_and_on_file(law: Any, signer: Any, recording: Recording) -> None:
    note = declaration(signer)
    page = law.post("/registers/", {"note": note.replace("\n", "\r\n")}, follow=True).content.decode()
    assert "on file: declaration about IN-PD, by law/finn.example" in page
    assert "letter 2026-117" in page
    entry = recording()[-1]
    assert (entry.kind, entry.get(Field.WHAT)) == (Kind.ACT, b"declaration")
    assert entry.get(Field.DIGEST) == sha256(note.encode()).hexdigest().encode()
    count = len(recording())
    assert "kept already" in law.post("/registers/", {"note": note}, follow=True).content.decode()
    assert len(recording()) == count


@pytest.mark.parametrize(
    "note", ["", "nothing", "x" * 9000, "doorward record v1\nkind: declaration\n\n\u2014 a b\n"]
)
def test_what_nobody_signed_is_refused_and_not_recorded(
    law: Any, signer: Any, recording: Recording, note: str
) -> None:
    assert signer
    count = len(recording())
    page = law.post("/registers/", {"note": note}, follow=True).content.decode()
    assert "usa-alert--error" in page
    assert "Nothing is on file" in page
    assert len(recording()) == count


def test_a_signature_of_another_key_is_refused(
    desk: Any, law: Any, signer: Any, recording: Recording
) -> None:
    assert recording() is not None
    assert signer
    other = make_log_key(desk.folder / f"other-{id(signer)}.key", origin=ORIGIN)
    page = law.post("/registers/", {"note": declaration(other)}, follow=True).content.decode()
    assert "usa-alert--error" in page
    assert "Nothing is on file" in page


def test_what_cannot_be_recorded_is_not_in_force(
    desk: Any, law: Any, signer: Any, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    from doorward.desk.recorder import recorder

    assert recording() is not None

    def refuse(*_: object, **__: object) -> int:
        raise StoreError("the disk is full")

    monkeypatch.setattr(recorder(), "record", refuse)
    law.post("/registers/", {"note": declaration(signer)})
    assert not (desk.folder / "records.json").exists()


def test_an_auditor_sees_and_adds_nothing(desk: Any, signer: Any, recording: Recording) -> None:
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    assert recording() is not None
    login = "registers.auditor.example"
    auditor = desk.client(Account.objects.filter(login=login).first() or desk.account(login, Role.AUDITOR))
    page = auditor.post("/registers/", {"note": declaration(signer)}, follow=True).content.decode()
    assert "not yours to do" in page
    assert "Put a signed record on file" not in page


def test_a_record_that_ends_within_a_month_says_so(law: Any, signer: Any, recording: Recording) -> None:
    assert recording() is not None
    law.post("/registers/", {"note": declaration(signer, days=20)})
    assert "ends soon" in law.get("/registers/").content.decode()


@pytest.mark.parametrize("who", ["supervisor", "custodian", "officer"])
def test_who_does_not_see_the_registers_puts_nothing_on_file(
    desk: Any, signer: Any, recording: Recording, who: str
) -> None:
    from doorward.desk.models import Account
    from doorward.desk.roles import MAY, OVERSEES, Act, Role

    assert MAY[Act.REGISTER] <= OVERSEES
    roles = {"supervisor": Role.SUPERVISOR, "custodian": Role.CUSTODIAN, "officer": Role.OFFICER}
    login = f"registers.{who}.example"
    client = desk.client(Account.objects.filter(login=login).first() or desk.account(login, roles[who]))
    count = len(recording())
    client.post("/registers/", {"note": declaration(signer)})
    assert client.get("/registers/").status_code == 403
    assert len(recording()) == count
    assert not (desk.folder / "records.json").exists()
