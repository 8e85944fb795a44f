from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tlog_scales.signing import MLDSA44CosignatureSigner, NoteSignature, Vkey
from tlog_scales.tlog import Checkpoint as TheirCheckpoint

from doorward.errors import ConfigError, MalformedError, VerificationError
from doorward.notes.base64 import format_base64, parse_base64
from doorward.notes.note import NoteSignature as Line
from doorward.notes.note import Signer, append_signature, format_verifier, sign_note
from doorward.record import cosignature
from doorward.record.checkpoint import Checkpoint, UnverifiedCheckpoint, format_checkpoint, parse_checkpoint
from doorward.record.cosignature import (
    Algorithm,
    CheckpointKey,
    Cosigner,
    find_cosignatures,
    format_cosigner,
    format_key,
    parse_cosigner,
    parse_key,
)

LOG = Signer.make("city.example/log", bytes(range(32)))
ROOT = bytes(range(32, 64))
RAW = format_checkpoint(Checkpoint(LOG.name, 20_852_163, ROOT), LOG)
CHECKPOINT = parse_checkpoint(RAW)
ED = Cosigner.make("witness.example/w1", b"\1" * 32)
ML = Cosigner.make("witness.example/w2", b"\2" * 32, Algorithm.COSIGNATURE_ML_DSA_44)
TIME = 1_679_315_147


def cosigned(raw: bytes, *cosigners: Cosigner, time: int = TIME) -> UnverifiedCheckpoint:
    text = parse_checkpoint(raw, with_extensions=True).note.text
    for cosigner in cosigners:
        raw = append_signature(text, raw, cosigner.cosign(parse_checkpoint(raw, with_extensions=True), time))
    return parse_checkpoint(raw, with_extensions=True)


def test_the_message_of_an_ed25519_cosignature_is_that_of_the_specification() -> None:
    text = b"example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    checkpoint = parse_checkpoint(sign_note(text, Signer.make("example.com/behind-the-sofa", bytes(32))))
    message = cosignature._message(ED.key, checkpoint, TIME)  # the bytes themselves
    assert message == b"cosignature/v1\ntime 1679315147\n" + text


def test_the_message_of_an_ml_dsa_cosignature_is_counted_by_hand() -> None:
    message = cosignature._message(ML.key, CHECKPOINT, TIME)  # the bytes themselves
    assert message == (
        b"subtree/v1\n\0" + b"\x12witness.example/w2" + TIME.to_bytes(8, "big") + b"\x10city.example/log"
        + bytes(8) + (20_852_163).to_bytes(8, "big") + ROOT
    )  # fmt: skip


# Lines that the specification prints: the key ids are the first four bytes, then comes the time.
SPEC_LINE = (
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
)
SPEC_NOTE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE"
    "+xeMcTOAYQ8=\n"
    f"— witness.example.com/w1 {SPEC_LINE}\n"
)


def test_the_specifications_example_is_read() -> None:
    checkpoint = parse_checkpoint(SPEC_NOTE.encode())
    assert (checkpoint.origin, checkpoint.tree_size) == ("example.com/behind-the-sofa", 20_852_163)
    line = checkpoint.note.signatures[1]
    assert line.id.hex() == "8d66cf3f"
    assert (
        int.from_bytes(line.signature[:8], "big") == 1_679_315_147
    )  # as the specification's own message has it
    assert len(line.signature) == 8 + 64


@pytest.mark.parametrize("cosigner", [ED, ML])
def test_a_cosignature_holds_for_its_checkpoint_and_time_and_nothing_else(cosigner: Cosigner) -> None:
    line = cosigner.cosign(CHECKPOINT, TIME)
    assert cosigner.key.verify(CHECKPOINT, line.signature) == TIME
    later = (TIME + 1).to_bytes(8, "big") + line.signature[8:]
    flipped = line.signature[:-1] + bytes([line.signature[-1] ^ 1])
    for wrong in (later, flipped, line.signature[:-1], line.signature[:8], b"", line.signature + b"\0"):
        with pytest.raises(VerificationError):
            cosigner.key.verify(CHECKPOINT, wrong)
    other = parse_checkpoint(format_checkpoint(Checkpoint(LOG.name, 20_852_164, ROOT), LOG))
    with pytest.raises(VerificationError):
        cosigner.key.verify(other, line.signature)
    past_the_end = b"\xff" * 8 + line.signature[8:]
    with pytest.raises(VerificationError, match="impossible time"):
        cosigner.key.verify(CHECKPOINT, past_the_end)


def test_ml_dsa_commits_to_the_cosigners_name_and_ed25519_does_not() -> None:
    for cosigner, holds in ((ED, True), (ML, False)):
        renamed = CheckpointKey("other.example/w", cosigner.algorithm, cosigner.key.public_key)
        signature = cosigner.cosign(CHECKPOINT, TIME).signature
        if holds:
            assert renamed.verify(CHECKPOINT, signature) == TIME
        else:
            with pytest.raises(VerificationError):
                renamed.verify(CHECKPOINT, signature)


def test_extension_lines_are_in_the_ed25519_cosignature_and_not_in_the_other() -> None:
    text = CHECKPOINT.note.text
    one = parse_checkpoint(sign_note(text + b"extension 1\n", LOG), with_extensions=True)
    two = parse_checkpoint(sign_note(text + b"extension 2\n", LOG), with_extensions=True)
    assert one.extensions == ("extension 1",)
    with pytest.raises(VerificationError):
        ED.key.verify(two, ED.cosign(one, TIME).signature)
    assert ML.key.verify(two, ML.cosign(one, TIME).signature) == TIME


def test_sixteen_signatures_and_more_are_read_and_unknown_ones_are_ignored() -> None:
    witnesses = [
        Cosigner.make(f"witness.example/{number}", bytes([number] * 32), algorithm)
        for number in range(16)
        for algorithm in (Algorithm.COSIGNATURE_ML_DSA_44, Algorithm.COSIGNATURE_ED25519)
    ]
    checkpoint = cosigned(RAW, *witnesses)
    assert len(checkpoint.note.signatures) == 33
    known = [witness.key for witness in witnesses[::2]]
    assert find_cosignatures(checkpoint, known) == dict.fromkeys(known, TIME)
    assert find_cosignatures(checkpoint, [Cosigner.make("elsewhere.example", bytes(32)).key]) == {}


def test_a_known_keys_false_signature_refuses_the_whole_note() -> None:
    false = Line(ED.name, ED.key.id, bytes(72))
    raw = append_signature(CHECKPOINT.note.text, RAW, false)
    with pytest.raises(VerificationError, match="does not hold"):
        find_cosignatures(cosigned(raw, ML), [ED.key, ML.key])
    assert find_cosignatures(cosigned(raw, ML), [ML.key]) == {ML.key: TIME}


def test_the_later_of_two_cosignatures_of_one_key_counts() -> None:
    raw = append_signature(CHECKPOINT.note.text, RAW, ED.cosign(CHECKPOINT, 9))
    assert find_cosignatures(cosigned(raw, ED, time=7), [ED.key]) == {ED.key: 9}


def test_a_key_of_a_log_is_the_same_in_both_readers() -> None:
    line = format_verifier(LOG.verifier)
    key = parse_key(line)
    assert format_key(key) == line
    assert (key.algorithm, key.verify(CHECKPOINT, CHECKPOINT.note.signatures[0].signature)) == (1, 0)


@given(st.text("abcXYZ./-é", min_size=1), st.binary(min_size=32, max_size=32), st.sampled_from([4, 6]))
@settings(max_examples=20)
def test_keys_survive_their_lines(name: str, seed: bytes, kind: int) -> None:
    cosigner = Cosigner.make(name, seed, Algorithm(kind))
    assert parse_cosigner(format_cosigner(cosigner)) == cosigner
    assert parse_key(format_key(cosigner.key)) == cosigner.key
    assert repr(seed)[2:-1] not in repr(cosigner)


@given(st.one_of(st.text(), st.text("a+0123456789abcdef/=", max_size=80)))
@settings(max_examples=50)
def test_any_text_is_a_key_in_its_one_spelling_or_malformed(text: str) -> None:
    with suppress(MalformedError):
        assert format_key(parse_key(text)) == text
    with suppress(MalformedError):
        assert format_cosigner(parse_cosigner(text)) == text


def test_keys_with_a_fault_are_refused() -> None:
    good = format_key(ED.key)
    name, key_id, key = good.split("+", 2)
    two = format_base64(b"\2" + parse_base64(key)[1:])
    for wrong in (
        f"{name}+00000000+{key}", f"{name}+{key_id}+{key[:-4]}", f"x+{key_id}+{key}", f"{name}+{key_id}+{two}", ""
    ):  # fmt: skip
        with pytest.raises(MalformedError):
            parse_key(wrong)
    secret = format_cosigner(ED)
    for wrong in (good, secret[:-4], secret.replace(key_id, "00000000")):
        with pytest.raises(MalformedError) as caught:
            parse_cosigner(wrong)
        assert secret.split("+")[-1][:20] not in str(caught.value)
    with pytest.raises(MalformedError):
        Cosigner.make("w.example", bytes(32), Algorithm.ED25519)
    with pytest.raises(MalformedError):
        Cosigner.make("w" * 256, bytes(32))


def test_without_ml_dsa_at_hand_such_a_key_counts_as_unsigned(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = cosigned(RAW, ED, ML)
    monkeypatch.setattr(cosignature, "has_ml_dsa", lambda: False)
    assert find_cosignatures(checkpoint, [ED.key, ML.key]) == {ED.key: TIME}
    with pytest.raises(ConfigError, match="no ML-DSA-44"):
        Cosigner.make("w.example", bytes(32), Algorithm.COSIGNATURE_ML_DSA_44)


def test_another_implementation_cosigns_for_us_and_reads_ours() -> None:
    theirs = MLDSA44CosignatureSigner("oracle.example/w", b"\3" * 32)
    their_checkpoint = TheirCheckpoint(LOG.name, CHECKPOINT.tree_size, ROOT, [])
    line = theirs.sign(their_checkpoint)
    key = parse_key(str(theirs.vkey.serialize()))  # type: ignore[no-untyped-call]  # theirs
    assert key.verify(CHECKPOINT, line.payload) > TIME
    for cosigner in (ED, ML):
        vkey = Vkey.from_string(format_key(cosigner.key))
        ours = cosigner.cosign(CHECKPOINT, TIME)
        note = NoteSignature(ours.name, int.from_bytes(ours.id, "big"), ours.signature)
        vkey.get_verifier().verify_note(note, their_checkpoint)
