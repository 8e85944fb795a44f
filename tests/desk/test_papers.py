"""Papers at the desk: taken in sealed, read by an act, never shown by a browser; hostile files and broken lines."""

import os
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from doorward.errors import StoreError
from doorward.record.entry import Entry, Field, Kind

Recording = Callable[[], list[Entry]]
PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
ZIP = b"PK\x03\x04" + bytes(30) + b"PK\x01\x02" + bytes(42) + b"PK\x05\x06" + bytes(18)
FILE = b'--x\r\nContent-Disposition: form-data; name="file'
FIELDS = (
    b'--x\r\nContent-Disposition: form-data; name="paper_class"\r\n\r\ndetainer\r\n'
    b'--x\r\nContent-Disposition: form-data; name="standing"\r\n\r\nevidence\r\n'
)
DETAINER = {"of-custody": "hold", "who-asks": "ICE-ERO", "papers": ["detainer"], "custody-origin": "arrest"}


@pytest.fixture
def people(desk: Any) -> dict[str, Any]:
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    if not Account.objects.filter(login="p.filer.example").exists():
        desk.account("p.filer.example", Role.OFFICER, unit="p-1")
        desk.account("p.colleague.example", Role.OFFICER, unit="p-1")
        desk.account("p.stranger.example", Role.OFFICER, unit="p-2")
        desk.account("p.counsel.example", Role.LAW)
        desk.account("p.auditor.example", Role.AUDITOR)
    found = Account.objects.filter(login__startswith="p.")
    return {one.login.removeprefix("p.").removesuffix(".example"): one for one in found}


@pytest.fixture
def matter(desk: Any, people: dict[str, Any], recording: Recording) -> Any:
    from doorward.desk.models import Matter

    del recording
    sent = {**DETAINER, "token": str(uuid.uuid4()), "file": "1"}  # noqa: TID251  # a form's
    answer = desk.client(people["filer"]).post("/new/detainer/", sent)
    return Matter.objects.get(pk=answer.headers["location"].split("/")[2])


def send(client: Any, matter: Any, raw: bytes, name: str = "scan.pdf", **more: str) -> Any:
    form = {"paper_class": "detainer", "standing": "evidence", **more}
    return client.post(
        f"/matters/{matter.pk}/papers/", {**form, "file": SimpleUploadedFile(name, raw), "whole": "1"}
    )


def files(desk: Any) -> list[Path]:
    found = [desk.folder / "papers", desk.folder / "run" / "papers"]
    return sorted(file for folder in found if folder.is_dir() for file in folder.iterdir())


def said(answer: Any) -> str:
    text = answer.content.decode()
    return " ".join(re.findall(r'usa-alert__text">([^<]*)<', text))


def only_paper(matter: Any) -> Any:
    (found,) = matter.papers.all()
    return found


def test_a_paper_is_sealed_on_the_disk_and_comes_back_as_it_was(
    desk: Any, people: dict[str, Any], matter: Any, recording: Recording
) -> None:
    raw = PDF + os.urandom(300_000)
    answer = send(desk.client(people["filer"]), matter, raw)
    assert answer.status_code == 302, said(answer)
    paper = only_paper(matter)
    digest = sha256(raw).hexdigest()
    assert (paper.file_sha256, paper.file_bytes, paper.file_type) == (digest, len(raw), "application/pdf")
    file = desk.folder / "papers" / f"{paper.pk.hex}.paper"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert raw[:200] not in file.read_bytes()
    entry = recording()[-1]
    assert (entry.kind, entry.get(Field.ACT), entry.sequence) == (Kind.ACT, b"add-paper", paper.entry)
    assert (entry.get(Field.DIGEST), entry.get(Field.WHAT)) == (digest.encode(), b"detainer")
    got = desk.client(people["colleague"]).get(f"/papers/{paper.pk}/")
    assert b"".join(got.streaming_content) == raw
    read = recording()[-1]
    assert (read.get(Field.ACT), read.get(Field.LOGIN), read.get(Field.DIGEST)) == (
        b"read-paper", b"p.colleague.example", digest.encode(),
    )  # fmt: skip
    page = desk.client(people["filer"]).get(f"/matters/{matter.pk}/").content.decode()
    assert digest[:8] in page
    assert "read-paper" in page


def test_no_browser_shows_a_paper_or_guesses_what_it_is(
    desk: Any, people: dict[str, Any], matter: Any
) -> None:
    send(desk.client(people["filer"]), matter, PDF)
    got = desk.client(people["filer"]).get(f"/papers/{only_paper(matter).pk}/")
    assert got["Content-Type"] == "application/octet-stream"
    assert got["X-Content-Type-Options"] == "nosniff"
    assert got["Content-Disposition"].startswith("attachment; ")
    assert got["Content-Security-Policy"].startswith("sandbox;")
    assert got["Cache-Control"] == "no-store"
    assert got["Content-Length"] == str(len(PDF))
    assert re.search(r'filename="20\d\d-\d{6}-detainer-[0-9a-f]{8}\.pdf"', got["Content-Disposition"])
    got.close()
    assert desk.client(people["filer"]).head(f"/papers/{only_paper(matter).pk}/").status_code == 405


@pytest.mark.parametrize(
    "raw",
    [
        PDF + ZIP,
        PDF + b"<script>alert(1)</script>",
        ZIP + PDF,
        PDF + b"/JavaScript",
        b"\xff\xd8\xff\xe0" + PDF,
    ],
)
def test_two_things_at_once_are_kept_flagged_and_leave_as_bytes(
    desk: Any, people: dict[str, Any], matter: Any, raw: bytes
) -> None:
    assert send(desk.client(people["filer"]), matter, raw).status_code == 302
    got = desk.client(people["filer"]).get(f"/papers/{only_paper(matter).pk}/")
    assert got["Content-Disposition"].endswith('.bin"')
    assert b"".join(got.streaming_content) == raw
    assert "look out" in desk.client(people["filer"]).get(f"/matters/{matter.pk}/").content.decode()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"), ("..\\..\\boot.pdf", "boot.pdf"), ("a\x00b.pdf", "ab.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe.pdf"), ("x" * 300 + ".pdf", "x" * 96 + ".pdf"),
        ("con.pdf", "attachment-1.pdf"),
        ('a"; filename="b.html', "a_ filename=_b.html.pdf"),
        ("<script>.pdf", "script_.pdf"), ("\u200b.pdf", "pdf.pdf"),
    ],
)  # fmt: skip
def test_names_are_no_paths_and_hide_nothing(
    desk: Any, people: dict[str, Any], matter: Any, name: str, kept: str
) -> None:
    boundary = "b0undary"
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
             for key, value in (("paper_class", "detainer"), ("standing", "evidence"))]  # fmt: skip
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{quoted}"\r\n\r\n'
    end = f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="whole"\r\n\r\n1\r\n--{boundary}--\r\n'
    body = ("".join(parts) + head).encode() + PDF + end.encode()
    client = desk.client(people["filer"])
    answer = client.generic(
        "POST", f"/matters/{matter.pk}/papers/", body, f"multipart/form-data; boundary={boundary}"
    )
    assert answer.status_code in {302, 408, 422}, answer.status_code
    if answer.status_code == 302:
        found = only_paper(matter).file_name
        assert found == kept
        assert not any(ord(char) < 32 or char in '/\\\u202e\x00"' for char in found)
    else:
        assert matter.papers.count() == 0


@pytest.mark.parametrize(
    "raw",
    [ZIP, b"", b"MZ" + bytes(99), b"<html>", b"plain", b"\x1f\x8b\x08" + bytes(99), b"GIF89a" + bytes(20)],
)
def test_what_is_no_paper_is_refused_by_what_it_is_and_nothing_is_kept(
    desk: Any, people: dict[str, Any], matter: Any, recording: Recording, raw: bytes
) -> None:
    before, count = files(desk), len(recording())
    answer = send(desk.client(people["filer"]), matter, raw, name="court-order.pdf")
    assert answer.status_code == 422
    assert "nothing was kept" in said(answer)
    assert (files(desk), matter.papers.count(), len(recording())) == (before, 0, count)


@pytest.mark.parametrize(
    "more", [{"paper_class": "no-such"}, {"standing": "trash"}, {"standing": ""}, {"paper_class": ""}]
)
def test_what_nobody_said_is_refused_and_nothing_is_kept(
    desk: Any, people: dict[str, Any], matter: Any, more: dict[str, str]
) -> None:
    before = files(desk)
    assert send(desk.client(people["filer"]), matter, PDF, **more).status_code == 409
    assert files(desk) == before


def test_a_length_of_ten_gigabytes_is_refused_before_a_byte_is_read(
    desk: Any, people: dict[str, Any], matter: Any
) -> None:
    class Untouched:
        def read(self, *_: object) -> bytes:
            raise AssertionError

        readline = read

    address = f"/matters/{matter.pk}/papers/"
    client = desk.client(people["filer"])
    for length, status in (
        ("10737418240", 413),
        ("9" * 400, 413),
        ("", 411),
        ("-1", 411),
        ("1e3", 411),
        ("\u0664", 411),
    ):
        more = {"CONTENT_LENGTH": length, "wsgi.input": Untouched()}
        answer = client.generic("POST", address, b"", "multipart/form-data; boundary=x", **more)
        assert answer.status_code == status, length
    assert matter.papers.count() == 0


def test_a_file_that_is_longer_than_the_bound_is_cut_off(
    desk: Any, people: dict[str, Any], matter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doorward.desk.upload.MAX_PAPER_BYTES", 200_000)
    before = files(desk)
    answer = send(desk.client(people["filer"]), matter, PDF + bytes(200_000))
    assert answer.status_code == 413
    assert "at most" in said(answer)
    assert files(desk) == before


def test_a_line_that_breaks_off_or_stalls_leaves_nothing(
    desk: Any, people: dict[str, Any], matter: Any
) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n' + PDF

    class Stalls:
        def __init__(self) -> None:
            self.left = [head]

        def read(self, *_: object) -> bytes:
            if not self.left:
                raise TimeoutError("timed out")
            return self.left.pop()

        readline = read

    before = files(desk)
    more = {
        "CONTENT_LENGTH": "60000",
        "CONTENT_TYPE": "multipart/form-data; boundary=x",
        "wsgi.input": Stalls(),
    }
    address = f"/matters/{matter.pk}/papers/"
    client = desk.client(people["filer"])
    client.handler.enforce_csrf_checks = (
        True  # what looks for the token reads the form, and hears of no stall
    )
    answer = client.generic("POST", address, b"", "multipart/form-data; boundary=x", **more)
    assert answer.status_code == 408, said(answer)
    assert "nothing was kept" in said(answer)
    fields = FIELDS + head
    for at in (len(fields), len(fields) - 9):  # the server saw the line end, and not the file
        cut = desk.client(people["filer"]).generic(
            "POST", address, fields[:at], "multipart/form-data; boundary=x"
        )
        assert cut.status_code == 408
    assert (files(desk), matter.papers.count()) == (before, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"--x--\r\n", b"--x\r\n\r\n",
        FILE + b'"\r\n\r\n%PDF-\r\n--x--\r\n',
        FILE + b'"; filename=""\r\n\r\n%PDF-\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="other"; filename="a.pdf"\r\n\r\n%PDF-\r\n--x--\r\n',
        FILE + b'"; filename="a.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\n!\r\n--x--\r\n',
        (FILE + b'"; filename="a.pdf"\r\n\r\n' + PDF + b"\r\n") * 2 + b"--x--\r\n",
    ],
)  # fmt: skip
def test_broken_forms_keep_nothing(desk: Any, people: dict[str, Any], matter: Any, body: bytes) -> None:
    before = files(desk)
    address = f"/matters/{matter.pk}/papers/"
    answer = desk.client(people["filer"]).generic("POST", address, body, "multipart/form-data; boundary=x")
    assert answer.status_code in {400, 408, 409, 411, 422}
    assert (files(desk), matter.papers.count()) == (before, 0)


def test_a_form_of_another_site_keeps_nothing(desk: Any, people: dict[str, Any], matter: Any) -> None:
    from django.test import Client

    client = Client(enforce_csrf_checks=True, headers={"host": "127.0.0.1"})
    client.force_login(people["filer"])
    session = client.session
    session["played"] = True
    session.save()
    before = files(desk)
    assert send(client, matter, PDF).status_code == 403
    assert (files(desk), matter.papers.count()) == (before, 0)


def test_a_full_disk_keeps_nothing_and_says_so(
    desk: Any, people: dict[str, Any], matter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from doorward.desk import paper_store

    def full(_handle: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = files(desk)
    monkeypatch.setattr(paper_store.Draft, "write", staticmethod(full))
    monkeypatch.setattr(
        "doorward.desk.filed_papers.Draft",
        lambda folder, binding: paper_store.Draft(folder, binding, write=full),
    )
    answer = send(desk.client(people["filer"]), matter, PDF)
    assert answer.status_code == 507
    assert "no space left on device; nothing was kept" in said(answer)
    assert (files(desk), matter.papers.count()) == (before, 0)


def test_what_cannot_be_recorded_is_neither_kept_nor_read(
    desk: Any, people: dict[str, Any], matter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from doorward.desk.recorder import recorder

    send(desk.client(people["filer"]), matter, PDF)
    paper = only_paper(matter)
    before = files(desk)

    def refuse(*_: object, **__: object) -> int:
        raise StoreError("the disk is full")

    monkeypatch.setattr(recorder(), "record", refuse)
    assert send(desk.client(people["filer"]), matter, PDF).status_code == 507
    assert (files(desk), matter.papers.count()) == (before, 1)
    got = desk.client(people["filer"]).get(f"/papers/{paper.pk}/")
    assert got.status_code == 503
    assert PDF not in got.content


def test_a_file_that_was_changed_or_swapped_or_cut_is_not_handed_out(
    desk: Any, people: dict[str, Any], matter: Any, recording: Recording
) -> None:
    client = desk.client(people["filer"])
    for mark in (b"one", b"two"):
        send(client, matter, PDF + mark * 50_000)
    first, second = matter.papers.order_by("entry")
    one, two = (desk.folder / "papers" / f"{paper.pk.hex}.paper" for paper in (first, second))
    whole, other = one.read_bytes(), two.read_bytes()
    count = len(recording())
    for raw in (
        whole[:-1],
        whole[: 16 + 65_552],
        other,
        whole[:100] + bytes((whole[100] ^ 1,)) + whole[101:],
        b"",
        whole + b"x",
    ):
        one.write_bytes(raw)
        got = client.get(f"/papers/{first.pk}/")
        assert got.status_code == 503
        assert not got.streaming
    one.unlink()
    assert client.get(f"/papers/{first.pk}/").status_code == 503
    one.symlink_to(two)
    assert client.get(f"/papers/{first.pk}/").status_code == 503
    assert len(recording()) == count
    one.unlink()
    one.write_bytes(whole)
    got = client.get(f"/papers/{first.pk}/")
    assert sha256(b"".join(got.streaming_content)).hexdigest() == first.file_sha256


def test_what_is_said_of_a_paper_is_never_changed(desk: Any, people: dict[str, Any], matter: Any) -> None:
    from django.db import DatabaseError, transaction

    from doorward.desk.models import Paper, PaperKey

    send(desk.client(people["filer"]), matter, PDF)
    paper = Paper.objects.filter(matter=matter)
    changes: tuple[Callable[[], object], ...] = (
        lambda: paper.update(file_sha256="0" * 64), lambda: paper.update(standing="scratch"),
        lambda: paper.update(file_name="x"), lambda: paper.update(erased=datetime.now(UTC)),  # noqa: TID251  # any time
        paper.delete, PaperKey.objects.filter(paper__in=paper).delete,
    )  # fmt: skip
    for change in changes:
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_a_copy_is_deleted_by_whoever_added_it_and_its_row_stays(
    desk: Any, people: dict[str, Any], matter: Any, recording: Recording
) -> None:
    send(desk.client(people["filer"]), matter, PDF, standing="retake")
    paper = only_paper(matter)
    address, file = f"/papers/{paper.pk}/delete/", desk.folder / "papers" / f"{paper.pk.hex}.paper"
    assert desk.client(people["stranger"]).post(address).status_code == 404
    for who in ("colleague", "counsel", "auditor"):
        answer = desk.client(people[who]).post(address)
        assert answer.status_code == 409
        assert "whoever added it" in said(answer)
    assert file.exists()
    assert desk.client(people["filer"]).post(address).status_code == 302
    assert not file.exists()
    paper.refresh_from_db()
    assert (paper.file_sha256, paper.file_name) == (sha256(PDF).hexdigest(), "")
    assert paper.erased is not None
    assert recording()[-1].get(Field.ACT) == b"delete-copy"
    assert desk.client(people["filer"]).get(f"/papers/{paper.pk}/").status_code == 403
    assert desk.client(people["filer"]).post(address).status_code == 409


def test_evidence_is_deleted_by_nobody(desk: Any, people: dict[str, Any], matter: Any) -> None:
    send(desk.client(people["filer"]), matter, PDF)
    paper = only_paper(matter)
    answer = desk.client(people["filer"]).post(f"/papers/{paper.pk}/delete/")
    assert answer.status_code == 409
    assert "retention schedule" in said(answer) or "evidence" in said(answer)
    assert (desk.folder / "papers" / f"{paper.pk.hex}.paper").exists()


def test_a_sealed_paper_is_there_for_named_counsel_alone(
    desk: Any, people: dict[str, Any], matter: Any, recording: Recording
) -> None:
    send(desk.client(people["filer"]), matter, PDF)
    paper = only_paper(matter)
    answer = desk.client(people["counsel"]).post(
        f"/matters/{matter.pk}/seal/", {"until": "2999-01-01", "counsel": ""}
    )
    assert answer.status_code == 302
    count = len(recording())
    for who in ("filer", "colleague", "stranger", "auditor"):
        client = desk.client(people[who])
        assert client.get(f"/papers/{paper.pk}/").status_code == 404
        assert client.get(f"/matters/{matter.pk}/papers/").status_code == 404
        assert client.post(f"/papers/{paper.pk}/delete/").status_code == 404
        assert client.post(f"/papers/{paper.pk}/disposal/", {"step": "dispose"}).status_code == 404
        assert send(client, matter, PDF).status_code == 404
    assert len(recording()) == count
    got = desk.client(people["counsel"]).get(f"/papers/{paper.pk}/")
    assert b"".join(got.streaming_content) == PDF


def test_a_matter_holds_so_many_papers(
    desk: Any, people: dict[str, Any], matter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("doorward.desk.filed_papers.MAX_MATTER_PAPERS", 2)
    client = desk.client(people["filer"])
    assert [send(client, matter, PDF).status_code for _ in range(3)] == [302, 302, 409]
    monkeypatch.setattr("doorward.desk.filed_papers.MAX_MATTER_PAPERS", 9)
    monkeypatch.setattr("doorward.desk.filed_papers.MAX_MATTER_BYTES", 3 * len(PDF) - 1)
    before = files(desk)
    assert send(client, matter, PDF).status_code == 409
    assert files(desk) == before


def test_so_many_upload_at_once(desk: Any, people: dict[str, Any], matter: Any) -> None:
    from doorward.desk import upload

    for _ in range(upload.AT_ONCE):
        assert upload._room.acquire(blocking=False)
    try:
        assert send(desk.client(people["filer"]), matter, PDF).status_code == 503
    finally:
        for _ in range(upload.AT_ONCE):
            upload._room.release()
    assert send(desk.client(people["filer"]), matter, PDF).status_code == 302
