import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import MalformedError, VerificationError
from doorward.notes.note import Signer, sign_note
from doorward.record.checkpoint import (
    MAX_TREE_SIZE,
    Checkpoint,
    format_checkpoint,
    parse_checkpoint,
    verify_checkpoint,
)
from doorward.record.hashes import EMPTY_ROOT

SIGNER = Signer.make("doorward.example/test", bytes(range(32)))
ROOT = "A" * 43 + "="


@given(st.integers(1, MAX_TREE_SIZE), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_survives_its_bytes(tree_size: int, root: bytes) -> None:
    checkpoint = Checkpoint(SIGNER.name, tree_size, root)
    raw = format_checkpoint(checkpoint, SIGNER)
    assert verify_checkpoint(parse_checkpoint(raw), SIGNER.verifier) == checkpoint


@given(st.one_of(st.binary(), st.text().map(lambda text: sign_text(text) if text else b"")))
def test_any_bytes_are_a_checkpoint_or_malformed(raw: bytes) -> None:
    try:
        unverified = parse_checkpoint(raw)
    except MalformedError:
        return
    assert 0 <= unverified.tree_size <= MAX_TREE_SIZE


def sign_text(text: str) -> bytes:
    try:
        return sign_note(text.encode("utf-8", "replace"), SIGNER)
    except MalformedError:
        return b""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("origin\n5\n", "got 2 lines"),
        (f"origin\n5\n{ROOT}\nan extension\n", "got 4 lines"),
        (f"\n5\n{ROOT}\n", "names its log"),
        (f"origin\n05\n{ROOT}\n", "without leading zeros"),
        (f"origin\n-5\n{ROOT}\n", "without leading zeros"),
        (f"origin\n+5\n{ROOT}\n", "without leading zeros"),
        (f"origin\n\u0665\n{ROOT}\n", "without leading zeros"),
        (f"origin\n\n{ROOT}\n", "without leading zeros"),
        (f"origin\n{2**63}\n{ROOT}\n", "at most"),
        (f"origin\n{10**30}\n{ROOT}\n", "without leading zeros"),
        ("origin\n5\nAAAA\n", "expected a hash"),
    ],
)
def test_each_fault_of_a_checkpoint_is_named(text: str, message: str) -> None:
    with pytest.raises(MalformedError, match=message):
        parse_checkpoint(sign_note(text.encode(), SIGNER))


def test_a_checkpoint_of_another_log_is_not_believed() -> None:
    raw = sign_note(f"doorward.example/other\n5\n{ROOT}\n".encode(), SIGNER)
    with pytest.raises(VerificationError, match="expected a checkpoint of"):
        verify_checkpoint(parse_checkpoint(raw), SIGNER.verifier)


def test_a_checkpoint_that_another_key_signed_is_not_believed() -> None:
    forger = Signer.make(SIGNER.name, bytes(32))
    raw = format_checkpoint(Checkpoint(SIGNER.name, 5, bytes(32)), forger)
    with pytest.raises(VerificationError, match="expected a signature"):
        verify_checkpoint(parse_checkpoint(raw), SIGNER.verifier)


def test_an_empty_tree_has_one_root() -> None:
    right = format_checkpoint(Checkpoint(SIGNER.name, 0, EMPTY_ROOT), SIGNER)
    assert verify_checkpoint(parse_checkpoint(right), SIGNER.verifier).tree_size == 0
    wrong = format_checkpoint(Checkpoint(SIGNER.name, 0, bytes(32)), SIGNER)
    with pytest.raises(VerificationError, match="empty root"):
        verify_checkpoint(parse_checkpoint(wrong), SIGNER.verifier)


def test_a_key_signs_only_for_its_own_log() -> None:
    with pytest.raises(MalformedError, match="does not sign for"):
        format_checkpoint(Checkpoint("doorward.example/other", 5, bytes(32)), SIGNER)
