import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.errors import MalformedError
from doorward.notes.note import NoteSignature, Signer, append_signature, format_verifier, sign_note
from doorward.record.checkpoint import parse_checkpoint
from doorward.record.cosignature import Cosigner, parse_key
from doorward.record.witness import (
    MAX_REQUEST_BYTES,
    SIZE,
    Consent,
    Refusal,
    Remembered,
    Suspicion,
    find_log,
    format_request,
    judge,
    parse_logs,
    parse_request,
)
from record.logs import SIGNER, SmallLog
from tests_support.examples import examples

LOG, OTHER = SmallLog(), SmallLog(forked_at=5)
LOGS = parse_logs(format_verifier(SIGNER.verifier) + "\n")
OWN = Cosigner.make("witness.example", b"\5" * 32)
ROOT_LINE = b"A" * 43 + b"=\n"


def remembered(size: int, log: SmallLog = LOG) -> Remembered:
    return Remembered(size, log.root(size), 100, log.checkpoint(size))


def put(body: bytes, last: Remembered | None) -> Consent | Refusal:
    found = find_log(body, LOGS)
    return found if isinstance(found, Refusal) else judge(*found, last, [OWN.key])


def refused(body: bytes, last: Remembered | None) -> tuple[int, str, Suspicion | None]:
    judged = put(body, last)
    assert isinstance(judged, Refusal)
    assert (judged.content_type == SIZE) is (judged.status == 409)
    return judged.status, judged.body, judged.suspicion


@given(st.integers(0, 150), st.data())
@settings(max_examples=examples(20, deep=300))
def test_a_log_that_only_grows_is_cosigned_at_every_size(old: int, data: st.DataObject) -> None:
    size = data.draw(st.integers(max(old, 1), 160))
    judged = put(LOG.request(old, size), remembered(old) if old else None)
    assert isinstance(judged, Consent)
    assert judged.checkpoint.tree_size == size


@given(st.integers(1, 150), st.data())
@settings(max_examples=examples(20, deep=300))
def test_a_fork_is_never_cosigned(old: int, data: st.DataObject) -> None:
    fork = SmallLog(forked_at=data.draw(st.integers(0, old - 1)))
    size = data.draw(st.integers(old, 160))
    for body in (fork.request(old, size), format_request(old, LOG.proof(old, size), fork.checkpoint(size))):
        status, text, suspicion = refused(body, remembered(old))
        if size == old:
            assert (status, text, suspicion) == (409, f"{old}\n", Suspicion.FORK)
        else:
            assert (status, suspicion) == (422, Suspicion.UNEXPLAINED)


def test_the_same_checkpoint_again_is_cosigned_again() -> None:
    assert isinstance(put(LOG.request(7, 7), remembered(7)), Consent)
    with_proof = format_request(7, [bytes(32)], LOG.checkpoint(7))
    assert refused(with_proof, remembered(7))[0] == 422


@pytest.mark.parametrize("old", [0, 6, 8])
def test_an_old_size_that_is_not_the_witness_s_is_answered_with_its_own(old: int) -> None:
    assert refused(LOG.request(old, 12), remembered(7)) == (409, "7\n", None)
    assert refused(LOG.request(old, 12), remembered(9)) == (409, "9\n", None)
    if old:
        assert refused(LOG.request(old, 12), None) == (409, "0\n", None)


def test_who_is_unknown_gets_404_and_who_did_not_sign_403() -> None:
    stranger = SmallLog(Signer.make("stranger.example", bytes(32)))
    assert refused(stranger.request(0, 3), None)[0] == 404
    forger = SmallLog(Signer.make(SIGNER.name, bytes(32)))
    assert refused(forger.request(0, 3), None)[0] == 403
    text = parse_checkpoint(LOG.checkpoint(3)).note.text
    false = append_signature(text, b"", NoteSignature(SIGNER.name, SIGNER.verifier.id, bytes(64)))
    assert refused(format_request(0, [], false), None)[0] == 403


def test_the_order_of_the_answers_is_the_specification_s() -> None:
    # A stranger learns neither a size nor whether a proof holds.
    forger = SmallLog(Signer.make(SIGNER.name, bytes(32)))
    assert refused(forger.request(2, 3), remembered(7))[0] == 403
    assert refused(format_request(9, [], LOG.checkpoint(3)), remembered(7))[0] == 400
    assert refused(format_request(5, [bytes(32)], LOG.checkpoint(7)), remembered(7)) == (409, "7\n", None)


def test_an_empty_tree_has_one_root_and_no_proof() -> None:
    assert isinstance(put(LOG.request(0, 0), None), Consent)
    assert refused(format_request(0, [bytes(32)], LOG.checkpoint(3)), None)[0] == 422
    false = sign_note(SIGNER.name.encode() + b"\n0\n" + ROOT_LINE, SIGNER)
    assert refused(format_request(0, [], false), None)[0] == 422


def test_an_own_cosignature_of_what_it_does_not_remember_says_that_its_memory_was_put_back() -> None:
    raw = LOG.checkpoint(12)
    parsed = parse_checkpoint(raw)
    own = append_signature(parsed.note.text, raw, OWN.cosign(parsed, 99))
    assert refused(format_request(0, [], own), None)[::2] == (503, Suspicion.ROLLED_BACK)
    assert refused(format_request(7, LOG.proof(7, 12), own), remembered(7))[::2] == (
        503,
        Suspicion.ROLLED_BACK,
    )
    assert refused(format_request(12, [], own), remembered(12, OTHER))[::2] == (503, Suspicion.ROLLED_BACK)
    # What it does remember is no sign, and a line in its name that it did not make is none either.
    assert isinstance(put(format_request(12, [], own), remembered(12)), Consent)
    assert refused(format_request(0, [], own), remembered(13)) == (409, "13\n", None)
    pretended = append_signature(parsed.note.text, raw, NoteSignature(OWN.name, OWN.key.id, bytes(72)))
    assert isinstance(put(format_request(0, [], pretended), None), Consent)


def test_of_what_strangers_sign_nothing_is_kept() -> None:
    raw, stranger = LOG.checkpoint(3), NoteSignature("stranger.example", b"\0\1\2\3", b"x" * 500)
    raw = append_signature(parse_checkpoint(raw).note.text, raw, stranger)
    judged = put(format_request(0, [], raw), None)
    assert isinstance(judged, Consent)
    assert judged.note == LOG.checkpoint(3)


def test_a_log_with_extension_lines_is_cosigned() -> None:
    text = parse_checkpoint(LOG.checkpoint(3)).note.text + b"an extension\n"
    assert isinstance(put(format_request(0, [], sign_note(text, SIGNER)), None), Consent)


CHECKPOINT = LOG.checkpoint(3)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"old 0\n", b"old 0\n\n", b"old 00\n\n" + CHECKPOINT, b"old -1\n\n" + CHECKPOINT,
        b"old  1\n\n" + CHECKPOINT, b"1\n\n" + CHECKPOINT, b"old 1\r\n\r\n" + CHECKPOINT,
        b"old \xc2\xb2\n\n" + CHECKPOINT, b"old 9223372036854775808\n\n" + CHECKPOINT,
        b"old 0\nAAAA\n\n" + CHECKPOINT, b"old 0\n" + ROOT_LINE * 64 + b"\n" + CHECKPOINT,
        b"old 0\n\n" + CHECKPOINT + b"x" * MAX_REQUEST_BYTES,
    ],
)  # fmt: skip
def test_what_is_no_request_is_answered_400(body: bytes) -> None:
    assert refused(body, None)[0] == 400


def test_sixty_three_hashes_are_read() -> None:
    assert len(parse_request(b"old 1\n" + ROOT_LINE * 63 + b"\n" + CHECKPOINT).proof) == 63


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
@settings(max_examples=30)
def test_a_request_survives_its_bytes(old: int, proof: list[bytes]) -> None:
    request = parse_request(format_request(old, proof, CHECKPOINT))
    assert (request.old_size, list(request.proof)) == (old, proof)
    assert request.checkpoint == parse_checkpoint(CHECKPOINT)


@given(st.one_of(st.binary(), st.binary().map(lambda rest: b"old 1\n" + rest)))
@settings(max_examples=examples(25, deep=300))
def test_any_bytes_are_answered(body: bytes) -> None:
    assert refused(body, remembered(7))[0] in {400, 403, 404}


def test_logs_are_keys_line_by_line_with_an_origin_where_it_is_another() -> None:
    second = Cosigner.make("rekor.example", b"\6" * 32)
    line = format_verifier(SIGNER.verifier)
    logs = parse_logs(f"# cities\n\n  {line}\n{_key(second)} rekor.example - 1234\n")
    assert list(logs) == [SIGNER.name, "rekor.example - 1234"]
    assert logs["rekor.example - 1234"].keys == (second.key,)
    assert logs[SIGNER.name].keys == (parse_key(line),)
    assert parse_logs("") == {}


def test_a_log_may_have_two_keys_and_a_key_one_log() -> None:
    new = Signer.make(SIGNER.name, b"\7" * 32)
    text = f"{format_verifier(SIGNER.verifier)}\n{format_verifier(new.verifier)}\n"
    assert len(parse_logs(text)[SIGNER.name].keys) == 2
    with pytest.raises(MalformedError, match="line 3 of the logs: its key stands there already"):
        parse_logs(text + f"{format_verifier(new.verifier)} another\n")
    with pytest.raises(MalformedError, match="line 1 of the logs"):
        parse_logs("nonsense\n")


def _key(cosigner: Cosigner) -> str:
    from doorward.record.cosignature import format_key

    return format_key(cosigner.key)
