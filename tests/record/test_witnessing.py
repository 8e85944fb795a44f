"""A log and its witnesses, honest, forked, put back, silent and lying; the witnesses are real, only the wire is not."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.errors import VerificationError
from doorward.notes.note import format_verifier
from doorward.record.checkpoint import parse_checkpoint
from doorward.record.cosignature import Cosigner, find_cosignatures, format_key
from doorward.record.trust_policy import TrustPolicy, parse_policy
from doorward.record.witness import Refusal, Remembered, find_log, judge, parse_logs
from doorward.record.witness_server import Witness
from doorward.record.witness_state import WitnessState, make_witness
from doorward.record.witnessing import (
    MAX_TRIES,
    Heard,
    Reply,
    Shown,
    Standing,
    add_lines,
    ask_witness,
    check_heard,
)
from record.logs import SIGNER, SmallLog, reader

LOG, FORK = SmallLog(), SmallLog(forked_at=5)
LOGS = parse_logs(format_verifier(SIGNER.verifier))
KEY = Cosigner.make("witness.example/w", bytes(32)).key


@pytest.fixture(name="witness")
def witness_fixture(tmp_path: Path) -> Witness:
    make_witness(tmp_path / "w", "witness.example/w", ml_dsa=False, random=bytes(64))
    return Witness(WitnessState.open(tmp_path / "w"), LOGS, lambda: 1_000)


def shown(size: int, log: SmallLog = LOG) -> Shown:
    return Shown(log.checkpoint(size), reader(log.hashes[:size]))


def wire(witness: Witness, asked: list[int] | None = None) -> Callable[[bytes], Reply]:
    def post(body: bytes) -> Reply:
        answer = witness.add_checkpoint(body)
        if asked is not None:
            asked.append(answer.status)
        return Reply(answer.status, answer.body)

    return post


def ask(
    witness: Witness,
    size: int,
    log: SmallLog = LOG,
    *,
    witnessed: bytes | None = None,
    asked: list[int] | None = None,
) -> Heard:
    return ask_witness(shown(size, log), KEY, wire(witness, asked), witnessed)


def test_a_witness_that_is_behind_is_led_on_by_a_proof(witness: Witness) -> None:
    asked: list[int] = []
    for size in (0, 1, 7, 7, 150):
        heard = ask(witness, size, asked=asked)
        assert heard.standing is Standing.COSIGNED
        assert heard.line is not None
        raw = add_lines(LOG.checkpoint(size), [heard.line])
        assert set(find_cosignatures(parse_checkpoint(raw), [KEY])) == {KEY}
        assert add_lines(raw, [heard.line]) == raw
    # Size 0 is known to nobody; then it is asked with the whole size first, and led on from what it answers.
    assert asked == [200, 409, 200, 409, 200, 200, 409, 200]


def test_with_its_own_last_cosignature_at_hand_it_is_asked_once(witness: Witness) -> None:
    line = ask(witness, 7).line
    assert line is not None
    asked: list[int] = []
    assert ask(witness, 9, witnessed=add_lines(LOG.checkpoint(7), [line]), asked=asked).line is not None
    assert asked == [200]


@given(st.integers(1, 150), st.integers(1, 150), st.integers(0, 149))
@settings(max_examples=25)
def test_an_older_copy_or_a_fork_is_never_said_to_be_well(seen: int, now: int, forked_at: int) -> None:
    def post(body: bytes) -> Reply:
        found = find_log(body, LOGS)
        assert not isinstance(found, Refusal)
        judged = judge(*found, Remembered(seen, LOG.root(seen), 1, LOG.checkpoint(seen)), ())
        return Reply(judged.status, judged.body.encode()) if isinstance(judged, Refusal) else Reply(200, b"")

    here = SmallLog(forked_at=forked_at)
    heard = ask_witness(shown(now, here), KEY, post)
    is_extension = now >= seen and forked_at >= seen
    if now < seen:
        assert (heard.standing, heard.size) == (Standing.AHEAD, seen)
    elif not is_extension:
        assert heard.standing is (Standing.FORKED)
        assert heard.size == seen
    else:  # consent; the empty answer of this stand-in is no cosignature
        assert (heard.standing, heard.status) == (Standing.REFUSED, 200)


def test_a_fork_of_the_same_size_is_told_from_an_older_copy(witness: Witness) -> None:
    ask(witness, 9)
    assert ask(witness, 7).standing is Standing.AHEAD
    assert ask(witness, 9, FORK).standing is Standing.FORKED
    forked = ask(witness, 12, FORK)
    assert (forked.standing, forked.size, forked.status) == (Standing.FORKED, 9, 422)
    assert ask(witness, 12).standing is Standing.COSIGNED


def test_a_witness_whose_memory_was_put_back_is_shown_what_it_signed(witness: Witness) -> None:
    old = dict(witness.state.remembered)
    line = ask(witness, 9).line
    assert line is not None
    witnessed = add_lines(LOG.checkpoint(9), [line])
    witness.state.remembered = old
    heard = ask(witness, 12, witnessed=witnessed)
    assert (heard.was_put_back, heard.status) == (True, 503)
    assert witness.state.rolled_back
    assert ask(witness, 12, FORK).status == 503


@pytest.mark.parametrize(
    "replies",
    [
        [Reply(0, b"")], [Reply(500, b"")], [Reply(404, b"")], [Reply(200, b"")], [Reply(200, b"\xff" * 100)],
        [Reply(409, b"")], [Reply(409, b"-1\n")], [Reply(409, b"07\n")], [Reply(409, b"\xc2\xb2\n")],
        [Reply(409, b"9" * 30)], [Reply(409, b"3\n"), Reply(409, b"2\n"), Reply(409, b"3\n"), Reply(409, b"2\n")],
        [Reply(200, b"\n\nnonsense\n")],
    ],
)  # fmt: skip
def test_whatever_a_witness_answers_is_no_cosignature(replies: Sequence[Reply]) -> None:
    left = list(replies)

    def post(_body: bytes) -> Reply:
        return left.pop(0) if len(left) > 1 else left[0]

    heard = ask_witness(shown(7), KEY, post)
    assert heard.standing in {Standing.SILENT, Standing.REFUSED}
    assert heard.line is None


def test_a_witness_that_leads_in_circles_is_asked_a_bounded_number_of_times() -> None:
    asked: list[int] = []

    def post(_body: bytes) -> Reply:
        asked.append(1)
        return Reply(409, b"%d\n" % (len(asked) % 3))

    assert ask_witness(shown(7), KEY, post).standing is Standing.REFUSED
    assert len(asked) == MAX_TRIES


def test_a_cosignature_of_another_checkpoint_or_key_is_none(witness: Witness, tmp_path: Path) -> None:
    body = witness.add_checkpoint(LOG.request(0, 9)).body
    key = KEY
    assert ask_witness(shown(7), key, lambda _body: Reply(200, body)).line is None
    other = make_witness(tmp_path / "o", "other.example", ml_dsa=False, random=b"\1" * 64)[0].key
    assert ask_witness(shown(9), other, lambda _body: Reply(200, body)).line is None
    assert ask_witness(shown(9), key, lambda _body: Reply(200, body)).line is not None


def policy_of(tmp_path: Path, quorum: str) -> TrustPolicy:
    lines = []
    for number in (1, 2, 3):
        key = make_witness(
            tmp_path / f"{number}", f"w{number}.example", ml_dsa=False, random=bytes([number]) * 64
        )[0].key
        lines.append(f"witness w{number} {format_key(key)}\n")
    return parse_policy(("".join(lines) + f"group two 2 w1 w2 w3\nquorum {quorum}\n").encode())


def test_the_quorum_must_know_nothing_newer_and_one_that_does_is_enough_to_stop(tmp_path: Path) -> None:
    policy, none = policy_of(tmp_path, "two"), policy_of(tmp_path / "none", "none")
    well, silent = Heard(Standing.COSIGNED, 7), Heard(Standing.SILENT)
    assert check_heard({"w1": well, "w2": silent, "w3": well}, policy, 7) == ""
    said = check_heard({"w1": well, "w2": silent, "w3": Heard(Standing.REFUSED, status=404)}, policy, 7)
    assert said == "the quorum `two` has not said that it knows nothing newer: `w2` silent, `w3` answered 404"
    assert check_heard({"w1": silent}, none, 7) == ""
    put_back = Heard(Standing.COSIGNED, 7, was_put_back=True)
    assert "`w2` holds less than it cosigned" in check_heard({"w1": well, "w2": put_back}, policy, 7)
    for worst in (Heard(Standing.AHEAD, 9), Heard(Standing.FORKED, 7)):
        for one in (policy, none):
            with pytest.raises(VerificationError, match="`w2` cosigned"):
                check_heard({"w1": well, "w2": worst, "w3": well}, one, 7)
