"""A log's key signs where it was made: not on another host, not on another volume, not from a copy."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import LogError, MalformedError, StoreError, VerificationError
from doorward.notes.note import Signer, sign_note
from doorward.record.binding import (
    BOUND,
    Binding,
    bind,
    differences,
    format_binding,
    look_at,
    parse_binding,
    verify_bound,
)

SIGNER = Signer.make("doorward.example/bound", bytes(range(32)))
OTHER = Signer.make("doorward.example/other", bytes(range(1, 33)))
words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


@given(st.builds(Binding, words, words, words))
def test_what_was_bound_is_read_back(binding: Binding) -> None:
    assert parse_binding(format_binding(binding, SIGNER), SIGNER.verifier) == binding


@pytest.mark.parametrize(
    "text",
    ["doorward binding 1\n", "a\nb\nc\nd\ne\n", "doorward binding 1\ndoorward.example/bound\na\n\nc\n"],
)
def test_another_note_of_the_same_key_is_no_binding(text: str) -> None:
    with pytest.raises(MalformedError, match="expected a binding of"):
        parse_binding(sign_note(text.encode(), SIGNER), SIGNER.verifier)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_words(raw: bytes) -> None:
    with pytest.raises(LogError):
        parse_binding(raw, SIGNER.verifier)


def test_each_difference_is_named() -> None:
    bound = Binding("host", "volume", "1.2")
    assert differences(bound, bound) == []
    assert differences(bound, Binding("h", "v", "1.3")) == [
        "another host",
        "another volume",
        "a copy of the folder",
    ]


def test_a_key_that_was_never_bound_says_so_and_one_that_is_bound_here_signs(tmp_path: Path) -> None:
    file = tmp_path / BOUND
    assert verify_bound(file, SIGNER.verifier) is None
    made = bind(file, SIGNER)
    assert verify_bound(file, SIGNER.verifier) == made == look_at(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [BOUND]
    again = bind(file, SIGNER)
    assert again != made, "another file"
    assert verify_bound(file, SIGNER.verifier) == again


def test_a_copy_does_not_sign_not_even_in_the_place_of_the_first(tmp_path: Path) -> None:
    first, copy = tmp_path / "first", tmp_path / "copy"
    first.mkdir()
    bind(first / BOUND, SIGNER)
    shutil.copytree(first, copy)
    with pytest.raises(VerificationError, match="this is a copy of the folder; nothing was signed"):
        verify_bound(copy / BOUND, SIGNER.verifier)
    for _ in range(20):  # a freed inode is soon given again
        shutil.rmtree(first)
        shutil.copytree(copy, first)
        with pytest.raises(VerificationError, match="a copy of the folder"):
            verify_bound(first / BOUND, SIGNER.verifier)


def test_a_folder_that_got_another_name_or_owner_signs(tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.mkdir()
    bind(first / BOUND, SIGNER)
    first.rename(tmp_path / "renamed")
    (tmp_path / "renamed" / BOUND).chmod(0o400)
    assert verify_bound(tmp_path / "renamed" / BOUND, SIGNER.verifier) is not None


def test_another_host_and_another_volume_are_named(tmp_path: Path) -> None:
    machine, disks = tmp_path / "machine-id", tmp_path / "disks"
    machine.write_text("0123\n")
    disks.mkdir()
    file = tmp_path / BOUND
    bound = bind(file, SIGNER, machine_id=machine, disks=disks)
    assert "0123" not in bound.machine
    machine.write_text("4567\n")
    with pytest.raises(VerificationError, match="this is another host"):
        verify_bound(file, SIGNER.verifier, machine_id=machine, disks=disks)
    machine.unlink()
    assert look_at(file, machine_id=machine, disks=disks).machine == "unknown"


def test_a_binding_of_another_key_or_a_changed_one_is_none(tmp_path: Path) -> None:
    file = tmp_path / BOUND
    bind(file, OTHER)
    with pytest.raises(VerificationError, match=r"is no binding of `doorward\.example/bound`"):
        verify_bound(file, SIGNER.verifier)
    bind(file, SIGNER)
    raw = file.read_bytes()
    file.write_bytes(raw.replace(look_at(file).file.encode(), b"1.1"))
    with pytest.raises(VerificationError, match="is no binding"):
        verify_bound(file, SIGNER.verifier)


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        bind(tmp_path / "nowhere" / BOUND, SIGNER)
    (tmp_path / BOUND).mkdir()
    with pytest.raises(StoreError, match="cannot be read"):
        verify_bound(tmp_path / BOUND, SIGNER.verifier)
