from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import MalformedError, VerificationError
from doorward.notes.note import (
    MAX_NOTE_BYTES,
    Signer,
    check_name,
    format_signer,
    format_verifier,
    parse_note,
    parse_signer,
    parse_verifier_key,
    sign_note,
    verify_note,
)
from doorward.record.hashes import format_hash

TEXT = b"doorward.example/test\n7\nsome text\n"
SIGNER = Signer.make("doorward.example/test", bytes(range(32)))
OTHER = Signer.make("doorward.example/other", bytes(32))
SIGNED = sign_note(TEXT, SIGNER)

# The example of golang.org/x/mod/sumdb/note, whose package documentation has the keys and the signed note.
GO_SIGNER = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = (
    b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
GO_SIGNATURE = (
    "— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_the_note_of_gos_own_documentation_is_made_and_verified() -> None:
    signed = GO_TEXT + b"\n" + GO_SIGNATURE.encode()
    assert sign_note(GO_TEXT, parse_signer(GO_SIGNER)) == signed
    assert verify_note(parse_note(signed), [parse_verifier_key(GO_VERIFIER)]) == GO_TEXT
    assert format_verifier(parse_signer(GO_SIGNER).verifier) == GO_VERIFIER


def test_the_key_of_gos_checksum_database_is_read() -> None:
    text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    assert format_verifier(parse_verifier_key(text)) == text


@given(st.text("abcXYZ./-é", min_size=1), st.binary(min_size=32, max_size=32))
def test_keys_survive_their_lines(name: str, seed: bytes) -> None:
    signer = Signer.make(name, seed)
    assert parse_signer(format_signer(signer)) == signer
    assert parse_verifier_key(format_verifier(signer.verifier)) == signer.verifier


def test_a_signer_does_not_show_its_seed() -> None:
    signer = Signer.make("name", b"\x5a" * 32)
    assert "Z" * 4 not in repr(signer)
    assert "5a5a" not in repr(signer)


@given(st.one_of(st.text(), st.text("a+0123456789abcdef/=", max_size=80)))
def test_any_text_is_a_key_in_its_one_spelling_or_malformed(text: str) -> None:
    with suppress(MalformedError):
        assert format_verifier(parse_verifier_key(text)) == text
    with suppress(MalformedError):
        assert format_signer(parse_signer(text)) == text


GOOD_ID = SIGNER.verifier.id.hex()
MLDSA_KEY = format_hash(b"\x06" + SIGNER.verifier.public_key)
SHORT_KEY = format_hash(b"\x01" + bytes(31))
GOOD_KEY = format_hash(b"\x01" + SIGNER.verifier.public_key)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        f"doorward.example/test+{GOOD_ID}",
        f"doorward.example/test+00000000+{GOOD_KEY}",
        f"doorward.example/tesT+{GOOD_ID}+{GOOD_KEY}",
        f"doorward.example/test+{GOOD_ID.upper()}+{GOOD_KEY}",
        f"doorward.example/test+{GOOD_ID}+{MLDSA_KEY}",
        f"doorward.example/test+{GOOD_ID}+{SHORT_KEY}",
        f"doorward example+{GOOD_ID}+{GOOD_KEY}",
        f"doorward.example/test+{GOOD_ID}+{GOOD_KEY}\n",
    ],
)
def test_a_verifier_key_with_a_fault_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_verifier_key(text)


@pytest.mark.parametrize(
    "text",
    [
        format_verifier(SIGNER.verifier),
        format_signer(SIGNER)[:-4],
        format_signer(SIGNER).replace(GOOD_ID, "00000000"),
        "PRIVATE+KEY+",
    ],
)
def test_a_signing_key_with_a_fault_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_signer(text)
    assert format_hash(b"\x01" + SIGNER.seed)[:20] not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\tb", "a\x00b", "a\xa0b", "a\ud800"])
def test_a_name_that_a_line_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(MalformedError):
        check_name(name)


def test_a_seed_of_another_length_is_refused() -> None:
    with pytest.raises(MalformedError, match="32 bytes"):
        Signer.make("name", bytes(31))


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"])), min_size=1).map("\n".join))
def test_a_text_survives_being_signed(text: str) -> None:
    raw = f"{text}\n".encode()
    if b"\x7f" in raw:
        return
    signed = sign_note(raw, SIGNER)
    assert verify_note(parse_note(signed), [SIGNER.verifier]) == raw


@given(st.binary(), st.integers(0, len(SIGNED) - 1), st.binary(max_size=3))
def test_any_bytes_are_a_note_or_malformed(raw: bytes, at: int, put: bytes) -> None:
    for candidate in (raw, SIGNED[:at] + put + SIGNED[at + 1 :]):
        try:
            note = parse_note(candidate)
        except MalformedError:
            continue
        with suppress(VerificationError):
            assert verify_note(note, [SIGNER.verifier]) == TEXT


def test_no_changed_bit_of_a_text_or_signature_is_believed() -> None:
    for at in range(len(SIGNED)):
        for bit in range(8):
            changed = bytearray(SIGNED)
            changed[at] ^= 1 << bit
            with pytest.raises((MalformedError, VerificationError)):
                verify_note(parse_note(bytes(changed)), [SIGNER.verifier])


def test_sixteen_and_more_signatures_are_read_and_unknown_keys_ignored() -> None:
    lines = b"".join(
        sign_note(TEXT, Signer.make(f"witness-{number}", bytes([number]) * 32)).rpartition(b"\n\n")[2]
        for number in range(40)
    )
    note = parse_note(SIGNED + lines)
    assert len(note.signatures) == 41
    assert verify_note(note, [SIGNER.verifier, OTHER.verifier]) == TEXT


def test_too_many_signatures_are_refused() -> None:
    line = SIGNED.rpartition(b"\n\n")[2]
    with pytest.raises(MalformedError, match="at most 64 signatures, got 65"):
        parse_note(SIGNED + line * 64)


def test_a_bad_signature_of_a_known_key_refuses_a_note_that_another_key_signed() -> None:
    other = sign_note(b"another text\n", OTHER).rpartition(b"\n\n")[2]
    with pytest.raises(VerificationError, match="other` does not hold"):
        verify_note(parse_note(SIGNED + other), [SIGNER.verifier, OTHER.verifier])


@pytest.mark.parametrize("verifiers", [[], [OTHER.verifier]])
def test_a_note_that_no_known_key_signed_is_not_believed(verifiers: list[object]) -> None:
    with pytest.raises(VerificationError, match="expected a signature of"):
        verify_note(parse_note(SIGNED), verifiers)  # type: ignore[arg-type]  # a list of verifiers


def test_a_key_of_the_same_name_and_another_id_is_unknown() -> None:
    impostor = Signer.make(SIGNER.name, bytes(32))
    with pytest.raises(VerificationError):
        verify_note(parse_note(sign_note(TEXT, impostor)), [SIGNER.verifier])


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\nno dash\n",
        "text\n\n— name\n".encode(),
        "text\n\n— name AAAA\n".encode(),
        "text\n\n— na+me AAAAAAAA\n".encode(),
        "text\n\n— name AAAAAAAA extra\n".encode(),
        "text\n\n— name AAAAAAAA".encode(),
        "text\n\n— name AAAAAAAB=\n".encode(),
        SIGNED.replace(b"7", b"\r"),
        SIGNED.replace(b"7", b"\xff"),
        SIGNED + b" " * MAX_NOTE_BYTES,
    ],
)
def test_a_note_with_a_fault_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_note(raw)


@pytest.mark.parametrize("text", [b"no newline at the end", b"a\tb\n", b"\xff\n"])
def test_a_text_that_cannot_be_a_notes_is_not_signed(text: bytes) -> None:
    with pytest.raises(MalformedError):
        sign_note(text, SIGNER)
