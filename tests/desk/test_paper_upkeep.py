"""What the host's keeper does: every paper looked through, strays named, keys wrapped anew so that copies are dead."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from doorward.errors import ConfigError, VerificationError
from doorward.record.entry import Entry

Recording = Callable[[], list[Entry]]
PDF = b"%PDF-1.7\n%%EOF\n"


@pytest.fixture
def paper(desk: Any, recording: Recording) -> Any:
    """A paper on file, added by the page."""
    from doorward.desk.models import Account, Matter, Paper
    from doorward.desk.roles import Role

    del recording
    login = "upkeep.example"
    account = Account.objects.filter(login=login).first() or desk.account(login, Role.OFFICER, unit="upkeep")
    client = desk.client(account)
    form = {"of-custody": "hold", "who-asks": "ICE-ERO", "papers": ["detainer"], "custody-origin": "arrest"}
    sent = {**form, "token": str(uuid.uuid4()), "file": "1"}  # noqa: TID251  # a form's
    matter = Matter.objects.get(pk=client.post("/new/detainer/", sent).headers["location"].split("/")[2])
    form = {"paper_class": "detainer", "standing": "evidence", "whole": "1"}
    file = SimpleUploadedFile("scan.pdf", PDF)
    assert client.post(f"/matters/{matter.pk}/papers/", {**form, "file": file}).status_code == 302
    return Paper.objects.get(matter=matter)


def command(desk: Any, *words: str) -> Any:
    (desk.folder / "run").mkdir(exist_ok=True)
    shutil.copy(desk.folder / "desk.json", desk.folder / "run" / "desk.json")
    return subprocess.run(
        [sys.executable, "-m", "doorward", "paper", *words, "--data", str(desk.folder)], env=dict(os.environ),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_papers_are_listed_and_looked_through(desk: Any, paper: Any) -> None:
    listed = command(desk, "list", "--json")
    assert listed.returncode == 0, listed.stderr
    (row,) = [one for one in json.loads(listed.stdout) if one["id"] == str(paper.pk)]
    assert (row["sha256"], row["bytes"], row["standing"]) == (paper.file_sha256, len(PDF), "evidence")
    type(paper.matter).objects.filter(pk=paper.matter_id).update(
        sealed_until=datetime(2999, 1, 1, tzinfo=UTC)
    )
    assert str(paper.pk) not in command(desk, "list", "--json").stdout
    assert paper.matter.number not in command(desk, "list").stdout
    assert command(desk, "check").returncode == 0
    file = desk.folder / "papers" / f"{paper.pk.hex}.paper"
    raw = file.read_bytes()
    file.write_bytes(raw[:-1] + bytes((raw[-1] ^ 1,)))
    checked = command(desk, "check", "--json")
    assert checked.returncode == 1
    assert [one["id"] for one in json.loads(checked.stdout)["wrong"]] == [str(paper.pk)]
    file.write_bytes(raw)


def test_a_sweep_names_strays_and_missing_files_and_removes_what_is_dead(desk: Any, paper: Any) -> None:
    papers = desk.folder / "papers"
    stray, young, draft = (
        papers / f"{uuid.UUID(int=3).hex}.paper",
        papers / f"{uuid.UUID(int=4).hex}.paper",
        None,
    )
    draft = desk.folder / "run" / "papers" / "x.draft"
    for file in (stray, young, draft):
        file.write_bytes(b"x")
    for file in (stray, draft):
        os.utime(file, (1, 1))
    swept = command(desk, "sweep", "--json")
    assert swept.returncode == 1
    said = json.loads(swept.stdout)
    assert (said["drafts"], said["strays"]) == (1, [str(uuid.UUID(int=3))])
    assert stray.exists()
    assert command(desk, "sweep", "--remove-strays").returncode == 0
    assert (stray.exists(), young.exists(), draft.exists()) == (False, True, False)
    young.unlink()
    file = papers / f"{paper.pk.hex}.paper"
    raw = file.read_bytes()
    file.unlink()
    swept = command(desk, "sweep")
    assert swept.returncode == 1
    assert str(paper.pk) in swept.stdout
    file.write_bytes(raw)


def test_after_a_new_key_an_old_copy_of_the_database_opens_nothing(desk: Any, paper: Any) -> None:
    from doorward.desk.filed_papers import open_file
    from doorward.desk.models import PaperKey
    from doorward.desk.paper_keys import load_keys

    file = desk.folder / "papers.key"
    old_keys, before = load_keys(file), PaperKey.objects.get(paper=paper)
    copied = (bytes(before.wrapped), before.wrapped_by)
    done = command(desk, "rekey")
    assert done.returncode == 0, done.stderr
    keys = load_keys(file)
    assert len(keys) == 1
    assert keys[0] not in old_keys
    assert b"".join(open_file(paper, keys)) == PDF
    row = PaperKey.objects.get(paper=paper)
    row.wrapped, row.wrapped_by = copied[0], keys[0].name
    row.save()
    with pytest.raises(VerificationError):
        open_file(paper, keys)
    row.wrapped_by = copied[1]
    row.wrapped = copied[0]
    row.save()
    assert b"".join(open_file(paper, old_keys)) == PDF  # the old key alone opens it, and it is gone
    assert "nothing was changed" not in command(desk, "rekey").stdout
    from doorward.desk.paper_keys import save_keys

    save_keys(file, (*load_keys(file), *old_keys))
    assert command(desk, "rekey").returncode == 0
    assert b"".join(open_file(paper, load_keys(file))) == PDF


def test_a_key_file_that_is_gone_is_never_replaced(desk: Any, paper: Any) -> None:
    from doorward.desk.filed_papers import ensure_keys, look_after

    assert paper
    file: Path = desk.folder / "papers.key"
    raw = file.read_bytes()
    file.unlink()
    try:
        with pytest.raises(ConfigError, match="papers are sealed with it"):
            ensure_keys()
        assert "is gone" in look_after(datetime.now(UTC))[0]  # noqa: TID251  # as a start does
        assert not file.exists()
    finally:
        file.write_bytes(raw)
        file.chmod(0o600)


def test_where_no_desk_has_run_a_command_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "doorward", "paper", "list", "--data", str(tmp_path / "none")], env=dict(os.environ),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "no desk has run here" in done.stderr
