import os
from pathlib import Path

import pytest

from doorward.errors import ConfigError, MalformedError, StoreError
from doorward.notes.key_files import load_key
from doorward.record.keys import make_log_key


def test_a_key_that_was_made_is_loaded_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    signer = make_log_key(tmp_path / "log.key", origin="doorward.example/one")
    assert load_key(tmp_path / "log.key") == signer
    assert signer.name == "doorward.example/one"
    assert (tmp_path / "log.key").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["log.key"]


def test_without_an_origin_each_key_names_a_log_of_its_own(tmp_path: Path) -> None:
    one, other = make_log_key(tmp_path / "1"), make_log_key(tmp_path / "2")
    assert one.name.startswith("doorward.example/")
    assert one.name != other.name
    assert one.seed != other.seed


def test_a_key_is_made_once(tmp_path: Path) -> None:
    signer = make_log_key(tmp_path / "log.key")
    with pytest.raises(ConfigError, match="a key at"):
        make_log_key(tmp_path / "log.key")
    assert load_key(tmp_path / "log.key") == signer


def test_a_crash_while_a_key_is_made_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "log.key.new").write_text("half a key")
    signer = make_log_key(tmp_path / "log.key")
    assert load_key(tmp_path / "log.key") == signer


def test_an_origin_that_cannot_name_a_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedError):
        make_log_key(tmp_path / "log.key", origin="two words")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written: No such file"):
        make_log_key(tmp_path / "missing" / "log.key")
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_key(tmp_path / "log.key")


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    make_log_key(tmp_path / "log.key")
    (tmp_path / "log.key").chmod(0o640)
    with pytest.raises(ConfigError, match="open to other users"):
        load_key(tmp_path / "log.key")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"PRIVATE+KEY+name+00000000+AAAA"])
def test_a_file_without_a_key_is_refused_and_not_shown(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "log.key"
    file.write_bytes(content)
    os.chmod(file, 0o600)  # noqa: PTH101  # as an operator would
    with pytest.raises(ConfigError, match="is none that this version reads") as caught:
        load_key(file)
    assert "AAAA" not in str(caught.value)
