"""What hosts say of themselves: what is old, odd or unreadable is never read as well."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.desk.hosts import MAX_BYTES, STALE, Look, Unread, parse_look, read_looks
from doorward.errors import MalformedError

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def document(**changes: Any) -> dict[str, Any]:
    lines = [
        {"check": "order", "state": "ok", "found": "chicago", "expected": "", "do": ""},
        {"check": "drift", "state": "ok", "found": "as the install left them", "expected": "", "do": ""},
        {"check": "backup", "state": "look", "found": "never", "expected": "daily", "do": "doorward backup"},
    ]
    return {
        "looked_at": NOW.isoformat(),
        "exit_code": 1,
        "coverage": "3 of 4 stores",
        "lines": lines,
        **changes,
    }


def raw(**changes: Any) -> bytes:
    return json.dumps(document(**changes)).encode()


def test_what_is_to_be_looked_at_and_drift_are_shown() -> None:
    look = parse_look("gate-1", raw())
    assert [one.name for one in look.shown] == ["drift", "backup"]
    assert not look.is_well(NOW)
    assert parse_look("gate-1", raw(lines=document()["lines"][:2])).is_well(NOW)


@pytest.mark.parametrize(
    ("at", "is_stale"),
    [
        (NOW, False),
        (NOW - STALE, False),
        (NOW - STALE - timedelta(seconds=1), True),
        (NOW + timedelta(hours=1), True),
    ],
)
def test_a_look_that_is_old_or_of_tomorrow_is_not_gone_by(at: datetime, is_stale: bool) -> None:  # noqa: FBT001  # parametrized
    look = parse_look("gate-1", raw(looked_at=at.isoformat(), lines=[]))
    assert (look.is_stale(NOW), look.is_well(NOW)) == (is_stale, not is_stale)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{}", b"null", b"\xff", b"[" * 100_000, raw(looked_at="today"),
        raw(looked_at="2026-11-26T12:00:00"),
        raw(lines=[{"check": "x"}]), raw(lines="x"), raw(lines=[{**document()["lines"][0], "state": "fine"}]),
        raw(lines=[document()["lines"][0]] * 501), raw(coverage=None), b" " * (MAX_BYTES + 1),
    ],
)  # fmt: skip
def test_what_is_no_look_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_look("gate-1", data)


@given(st.binary(max_size=300))
def test_no_bytes_do_worse_than_be_refused(data: bytes) -> None:
    with suppress(MalformedError):
        parse_look("gate-1", data)


def test_a_file_that_says_nothing_stands_beside_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(raw())
    (tmp_path / "b.json").write_text("<html>")
    (tmp_path / ".c.json.77").write_text("half")
    (tmp_path / "notes.txt").write_text("")
    first, second = read_looks(tmp_path)
    assert isinstance(first, Look)
    assert second == Unread("b", "it is no look of `doorward doctor --write`")
    assert read_looks(tmp_path / "none") == ()


def test_names_and_words_of_a_host_stay_in_their_line(tmp_path: Path) -> None:
    lines = [{"check": "drift\n", "state": "look", "found": "role \u202e\x1b[2J " + "x" * 999, "do": ""}]
    (tmp_path / "gate\n1.json").write_bytes(raw(lines=lines))
    (look,) = read_looks(tmp_path)
    assert isinstance(look, Look)
    assert look.host == "gate?1"
    assert look.shown[0].found.startswith("role ??[2J xxx")
    assert len(look.shown[0].found) == 400


def test_many_files_are_said_and_not_read(tmp_path: Path) -> None:
    for number in range(103):
        (tmp_path / f"{number:03}.json").write_bytes(raw())
    *_, last = read_looks(tmp_path)
    assert last == Unread("others", "3 files more than the 100 that are read")
