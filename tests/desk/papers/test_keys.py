"""The file of the desk's keys for papers: whole or not at all, for one user, never repeated in a message."""

import os
from pathlib import Path

import pytest

from doorward.desk.paper_keys import DeskKey, load_keys, make_keys, save_keys
from doorward.errors import ConfigError, StoreError


def test_keys_are_read_as_they_were_written_and_the_first_is_in_use(tmp_path: Path) -> None:
    keys = (DeskKey.make(), DeskKey.make())
    save_keys(tmp_path / "papers.key", keys)
    assert load_keys(tmp_path / "papers.key") == keys
    assert (tmp_path / "papers.key").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["papers.key"]


def test_a_first_key_is_made_once(tmp_path: Path) -> None:
    make_keys(tmp_path / "papers.key")
    first = load_keys(tmp_path / "papers.key")
    make_keys(tmp_path / "papers.key")
    assert load_keys(tmp_path / "papers.key") == first
    assert [file.name for file in tmp_path.iterdir()] == ["papers.key"]


@pytest.mark.parametrize(
    "raw", [b"", b"\n", b"key", b"doorward-paper-key a1 x", b"doorward-paper-key a1 QUJD", b"\xff" * 99]
)
def test_what_is_no_key_is_refused_and_not_repeated(tmp_path: Path, raw: bytes) -> None:
    file = tmp_path / "papers.key"
    file.write_bytes(raw)
    file.chmod(0o600)
    with pytest.raises(ConfigError) as raised:
        load_keys(file)
    assert "QUJD" not in str(raised.value)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    make_keys(tmp_path / "papers.key")
    (tmp_path / "papers.key").chmod(0o640)
    with pytest.raises(ConfigError, match="open to other users"):
        load_keys(tmp_path / "papers.key")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_keys(tmp_path / "none.key")


def test_a_key_is_in_no_text_of_it() -> None:
    key = DeskKey.make()
    assert key.key.hex() not in repr(key)
    assert repr(key.key) not in repr(key)


def test_a_file_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "papers.key"
    make_keys(file)
    before = file.read_bytes()

    def refuse(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StoreError):
        save_keys(file, [DeskKey.make()])
    assert file.read_bytes() == before
