"""The page of the whole: what it counts, what it cannot read, and that a seal holds there too."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def counsel(desk: Any) -> Any:
    from doorward.desk.access import find_actor
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    login = "overview.counsel.example"
    account = Account.objects.filter(login=login).first() or desk.account(login, Role.LAW)
    now = datetime.now(UTC)  # noqa: TID251  # assignments end by the real clock
    return find_actor(account, is_strong=True, now=now)


def test_what_cannot_be_read_is_never_nothing(counsel: Any, tmp_path: Path) -> None:
    from doorward.desk.overview import look

    seen = look(counsel, tmp_path, time_zone="America/Chicago")
    (checkpoint,) = seen.record
    assert (checkpoint.says, checkpoint.is_well) == ("cannot be read here", False)
    doors = {line.name: line for line in seen.doors}
    assert not doors["database"].is_well
    assert "no inventory" in doors["database"].says
    assert doors["front desks"].says.endswith(" visits filed today")


def test_a_checkpoint_that_another_key_signed_is_said(counsel: Any, tmp_path: Path) -> None:
    from doorward.desk.overview import look
    from doorward.notes.note import format_verifier
    from doorward.record.checkpoint import Checkpoint, format_checkpoint
    from doorward.record.hashes import EMPTY_ROOT
    from doorward.record.keys import make_log_key

    origin = "log.example/a"
    ours, other = (make_log_key(tmp_path / name, origin=origin) for name in ("ours", "other"))
    log = tmp_path / "log"
    log.mkdir()
    (log / "checkpoint").write_bytes(format_checkpoint(Checkpoint(origin, 0, EMPTY_ROOT), ours))
    (log / "vkey").write_text(format_verifier(other.verifier) + "\n")
    (line,) = look(counsel, tmp_path, time_zone="UTC").record
    assert not line.is_well
    (log / "vkey").write_text(format_verifier(ours.verifier) + "\n")
    lines = look(counsel, tmp_path, time_zone="UTC").record
    assert lines[0].is_well
    assert lines[0].says.startswith("0 leaves, signed 0 minutes ago")


def test_hosts_say_how_they_stand_and_silence_is_not_well(counsel: Any, tmp_path: Path) -> None:
    from doorward.desk.overview import look

    assert look(counsel, tmp_path, time_zone="UTC").hosts == ()
    hosts = tmp_path / "hosts"
    hosts.mkdir()
    lines = [
        {"check": "drift", "state": "broken", "found": "a policy is gone", "do": "doorward order install"}
    ]
    said = {"looked_at": counsel.now.isoformat(), "coverage": "3 of 4 stores", "lines": lines}
    (hosts / "gate-1.json").write_text(json.dumps(said))
    (hosts / "gate-2.json").write_text("")
    one, two = look(counsel, tmp_path, time_zone="UTC").hosts
    assert (one.name, one.is_well) == ("gate-1", False)
    assert one.says == "looked 0 min ago; 0 of 1 checks are well; 3 of 4 stores"
    assert [line.says for line in one.lines] == ["a policy is gone; doorward order install"]
    assert (two.is_well, two.says) == (
        False,
        "its look cannot be read here: it is no look of `doorward doctor --write`",
    )
