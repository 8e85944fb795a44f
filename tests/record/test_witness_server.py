"""A witness on disk and over HTTP: what it remembers, what it survives, and what it does not sign."""

import asyncio
import os
import re
import signal
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from doorward.errors import ConfigError, StoreError, VerificationError
from doorward.notes.note import (
    MAX_NOTE_BYTES,
    Signer,
    append_signature,
    format_verifier,
    parse_note,
    sign_note,
)
from doorward.record import witness_server, witness_state
from doorward.record.checkpoint import parse_checkpoint
from doorward.record.cosignature import find_cosignatures
from doorward.record.witness import format_request, log_id, parse_logs
from doorward.record.witness_server import (
    MAX_CONNECTIONS,
    MAX_HEAD_BYTES,
    Answer,
    Witness,
    WitnessServer,
    parse_head,
)
from doorward.record.witness_state import WitnessState, make_witness
from record.logs import SIGNER, SmallLog
from record.samples import flip

LOG, FORK = SmallLog(), SmallLog(forked_at=5)
LOGS = parse_logs(format_verifier(SIGNER.verifier))
ID = log_id(SIGNER.name)
NAME = "witness.example/w"


@pytest.fixture(name="folder")
def folder_fixture(tmp_path: Path) -> Path:
    make_witness(tmp_path / "w", NAME, ml_dsa=True, random=bytes(range(64)))
    return tmp_path / "w"


def open_witness(
    folder: Path, step: Callable[[str], None] = lambda _name: None, clock: Callable[[], int] = lambda: 1_000
) -> Witness:
    return Witness(WitnessState.open(folder), LOGS, clock, step)


def put(folder: Path, old: int, size: int, log: SmallLog = LOG) -> Answer:
    """One request to a witness that is started for it and ended behind it."""
    witness = open_witness(folder)
    try:
        return witness.add_checkpoint(log.request(old, size))
    finally:
        witness.state.close()


def test_what_is_cosigned_holds_under_both_keys_and_is_remembered(folder: Path) -> None:
    witness = open_witness(folder)
    keys = [cosigner.key for cosigner in witness.state.cosigners]
    answer = witness.add_checkpoint(LOG.request(0, 7))
    assert (answer.status, answer.tree_size) == (200, 7)
    note = LOG.checkpoint(7) + answer.body
    assert find_cosignatures(parse_checkpoint(note), keys) == dict.fromkeys(keys, 1_000)
    assert witness.last_checkpoint(ID).body == note
    assert witness.last_checkpoint("0" * 64).status == 404
    witness.state.close()
    assert put(folder, 7, 7).status == 200
    assert put(folder, 0, 9).body == b"7\n"
    assert put(folder, 7, 12).status == 200
    assert open_witness(folder).last_checkpoint(ID).tree_size == 12


def test_a_fork_is_refused_and_both_sides_are_kept(folder: Path) -> None:
    put(folder, 0, 7)
    answer = put(folder, 7, 7, FORK)
    assert (answer.status, answer.body) == (409, b"7\n")
    evidence = (folder / "evidence" / answer.evidence).read_bytes()
    assert FORK.checkpoint(7) in evidence
    assert LOG.checkpoint(7) in evidence
    assert put(folder, 7, 7, FORK).evidence == answer.evidence, "once for each tree"
    assert put(folder, 7, 12, FORK).status == 422
    assert len(list((folder / "evidence").iterdir())) == 2
    assert put(folder, 7, 12).status == 200, "the honest side goes on"


def test_evidence_does_not_fill_the_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness_state, "MAX_EVIDENCE", 4)
    put(folder, 0, 7)
    for size in range(8, 16):
        assert put(folder, 7, size, FORK).status == 422
    assert len(list((folder / "evidence").iterdir())) == 2
    assert put(folder, 7, 7, FORK).evidence, "a proven fork still finds room"


def test_nothing_leaves_before_it_is_on_the_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    witness = open_witness(folder, done.append)
    assert witness.add_checkpoint(LOG.request(0, 7)).status == 200
    assert done == ["file", "folder", "file", "folder", "remembered"], (
        "the checkpoint, the list of logs, the answer"
    )


def test_a_disk_that_refuses_signs_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    witness = open_witness(folder)
    assert witness.add_checkpoint(LOG.request(0, 7)).status == 200
    for name in ("fsync", "open"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, refuse)
            answer = witness.add_checkpoint(LOG.request(7, 9))
        assert (answer.status, b"\xe2\x80\x94" in answer.body) == (503, False)
    assert witness.add_checkpoint(LOG.request(7, 9)).status == 200


def refuse(*_args: object, **_more: object) -> int:
    raise OSError(28, "No space left on device")


def test_killed_between_memory_and_answer_it_knows_what_it_may_have_signed(folder: Path) -> None:
    put(folder, 0, 7)
    child = os.fork()
    if child == 0:  # pragma: no cover  # the process that is killed
        open_witness(folder, lambda _name: os.kill(os.getpid(), signal.SIGKILL)).add_checkpoint(
            LOG.request(7, 9)
        )
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert put(folder, 7, 9, FORK).body == b"9\n"
    assert put(folder, 9, 9, FORK).status == 409
    assert put(folder, 9, 9).status == 200


@pytest.mark.parametrize("at", range(1, 9))
def test_killed_at_any_write_it_remembers_the_old_or_the_new(folder: Path, at: int) -> None:
    child = os.fork()
    if child == 0:  # pragma: no cover  # the process that is killed
        calls = iter(range(1, 100))
        for name in ("fsync", "rename"):
            setattr(os, name, killing(getattr(os, name), calls, at))
        answer = open_witness(folder).add_checkpoint(LOG.request(0, 7))
        os._exit(0 if answer.status == 200 else 1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {0, -signal.SIGKILL}
    state = WitnessState.open(folder)
    state.close()
    if code == 0:
        assert SIGNER.name in state.remembered
    again = put(folder, 0, 7)
    assert again.status == 200 or (again.body == b"7\n" and put(folder, 7, 7, FORK).status == 409)


def killing(real: Callable[..., object], calls: Iterator[int], at: int) -> Callable[..., object]:
    def call(*args: object) -> object:
        if next(calls) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args)

    return call


def test_a_torn_or_changed_memory_refuses_to_sign(folder: Path) -> None:
    put(folder, 0, 7)
    file = folder / f"{ID}.last"
    whole = file.read_bytes()
    for broken in (whole[:-10], whole[:40], b"", whole + b"x", whole.replace(b"time 1000", b"time 1001")):
        file.write_bytes(broken)
        with pytest.raises(VerificationError, match="is not what it wrote"):
            WitnessState.open(folder)
    file.write_bytes(whole)
    for offset in range(0, len(whole), 37):
        flip(file, offset)
        with pytest.raises(VerificationError):
            WitnessState.open(folder)
        flip(file, offset)
    file.rename(folder / f"{'0' * 64}.last")
    with pytest.raises(VerificationError):
        WitnessState.open(folder)


def test_a_memory_that_was_lost_refuses_to_sign(folder: Path) -> None:
    put(folder, 0, 7)
    (folder / f"{ID}.last").unlink()
    with pytest.raises(VerificationError, match="has lost"):
        WitnessState.open(folder)
    (folder / "origins").unlink()
    with pytest.raises(ConfigError, match="no witness"):
        WitnessState.open(folder)


def test_a_memory_that_was_put_back_is_noticed_by_its_own_cosignature_and_stays_noticed(folder: Path) -> None:
    put(folder, 0, 7)
    old = (folder / f"{ID}.last").read_bytes()
    cosigned = LOG.checkpoint(12) + put(folder, 7, 12).body
    (folder / f"{ID}.last").write_bytes(old)
    # Shown only the fork it cannot know better: this is the limit that the page says.
    witness = open_witness(folder)
    answer = witness.add_checkpoint(format_request(7, LOG.proof(7, 12), cosigned))
    assert (answer.status, answer.evidence) == (503, f"{ID}.rolled-back")
    assert witness.add_checkpoint(FORK.request(7, 12)).status == 503
    witness.state.close()
    assert put(folder, 7, 12).status == 503, "a restart does not forget it"
    kept = parse_note((folder / f"{ID}.rolled-back").read_bytes())
    assert len(kept.signatures) == 3


def test_its_clock_does_not_go_back(folder: Path) -> None:
    clock = iter([1_000, 999, 1_000])
    witness = open_witness(folder, clock=lambda: next(clock))
    statuses = [witness.add_checkpoint(LOG.request(*sizes)).status for sizes in ((0, 7), (7, 9), (7, 9))]
    assert statuses == [200, 503, 200]


def test_one_process_holds_a_folder_and_one_witness_is_in_it(folder: Path) -> None:
    state = WitnessState.open(folder)
    with pytest.raises(StoreError, match="another witness runs"):
        WitnessState.open(folder)
    state.close()
    state.close()
    with pytest.raises(ConfigError, match="holds a witness already"):
        make_witness(folder, NAME, ml_dsa=False, random=bytes(64))
    assert all((folder / name).stat().st_mode & 0o077 == 0 for name in ("witness.key", "origins", "lock"))
    (folder / "witness.key").chmod(0o644)
    with pytest.raises(ConfigError, match="open to other users"):
        WitnessState.open(folder)


# over HTTP


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[int]:
    witness = open_witness(folder)
    server_of = WitnessServer(witness, lambda _answer: None)
    server = await server_of.serve("127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        while server_of.open:  # noqa: ASYNC110  # what it counts is no event
            await asyncio.sleep(0)
        witness.state.close()


def post(body: bytes, path: str = "/add-checkpoint", *more: str) -> bytes:
    head = "".join(
        f"{line}\r\n" for line in (f"POST {path} HTTP/1.1", "Host: w", f"Content-Length: {len(body)}", *more)
    )
    return head.encode() + b"\r\n" + body


async def ask(port: int, raw: bytes, *, chunk: int = 0) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for at in range(0, len(raw), chunk or len(raw)):
        writer.write(raw[at : at + (chunk or len(raw))])
        await writer.drain()
    writer.write_eof()
    found = await reader.read()
    writer.close()
    await writer.wait_closed()
    return found


def statuses(raw: bytes) -> list[int]:
    return [int(one) for one in re.findall(rb"HTTP/1\.1 (\d{3}) ", raw)]


def test_many_requests_of_one_connection_are_answered_in_order_and_byte_by_byte(folder: Path) -> None:
    async def run() -> None:
        async with serving(folder) as port:
            raw = post(LOG.request(0, 7)) + post(LOG.request(7, 9)) + post(LOG.request(7, 12))
            raw += f"GET /{ID}/checkpoint HTTP/1.1\r\nHost: w\r\n\r\n".encode()
            found = await ask(port, raw, chunk=97)
            assert statuses(found) == [200, 200, 409, 200]
            assert b"Content-Type: text/x.tlog.size\r\nContent-Length: 2\r\n" in found
            assert found.count(b"city.example/log\n9\n") == 1

    asyncio.run(run())


def test_of_two_forks_at_once_one_is_cosigned(folder: Path) -> None:
    async def run() -> None:
        async with serving(folder) as port:
            asked = [ask(port, post(log.request(0, 7))) for log in (LOG, FORK) * 8]
            found = [statuses(raw)[0] for raw in await asyncio.gather(*asked)]
            assert found.count(200) == 1, "and every other old size 0 is a conflict"
            assert set(found) == {200, 409}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n\r\n", 411),
        (post(b"", "/add-checkpoint", "Transfer-Encoding: chunked"), 411),
        (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 999999999\r\n\r\n", 413),
        (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", 400),
        (b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\n folded\r\nContent-Length: 1\r\n\r\nx", 400),
        (b"GET /" + b"x" * MAX_HEAD_BYTES + b" HTTP/1.1\r\nHost: w\r\n\r\n", 431),
        (b"GET /add-checkpoint HTTP/1.1\r\nHost: w\r\n\r\n", 405),
        (post(b"x", f"/{ID}/checkpoint"), 405),
        (b"GET / HTTP/1.1\r\nHost: w\r\n\r\n", 404),
        (b"GET /" + ID.encode() + b"/checkpoint HTTP/1.1\r\nHost: w\r\n\r\n", 404),
        (post(b"nonsense"), 400),
    ],
)
def test_what_is_asked_wrongly_is_answered_and_changes_nothing(folder: Path, raw: bytes, status: int) -> None:
    async def run() -> None:
        async with serving(folder) as port:
            assert statuses(await ask(port, raw)) == [status]
            assert statuses(await ask(port, post(LOG.request(0, 7)))) == [200]

    asyncio.run(run())


def test_a_head_is_read_or_answered_whatever_it_is() -> None:
    assert parse_head(b"GET / HTTP/1.1\r\nHost: w\nX: y\r\n\r\n") == 400
    head = parse_head(b"POST /a HTTP/1.0\r\nContent-Length: 5\r\n\r\n")
    assert not isinstance(head, int)
    assert (head.method, head.length, head.is_last) == ("POST", 5, True)


def test_more_connections_than_it_serves_are_turned_away(folder: Path) -> None:
    async def run() -> None:
        async with serving(folder) as port:
            held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MAX_CONNECTIONS)]
            with suppress(ConnectionError):
                assert await ask(port, post(LOG.request(0, 7))) == b""
            for _, writer in held:
                writer.close()
                await writer.wait_closed()
            for _ in range(1_000):  # until the server has seen them go
                with suppress(ConnectionError):
                    if statuses(await ask(port, post(LOG.request(0, 7)))) == [200]:
                        break
            assert statuses(await ask(port, post(LOG.request(7, 7)))) == [200]

    asyncio.run(run())


def test_a_line_in_the_witness_s_name_that_it_did_not_make_is_no_sign(folder: Path) -> None:
    witness = open_witness(folder)
    raw = LOG.checkpoint(7)
    line = witness.state.cosigners[0].cosign(parse_checkpoint(LOG.checkpoint(9)), 5)
    pretended = append_signature(parse_checkpoint(raw).note.text, raw, line)
    assert witness.add_checkpoint(format_request(0, [], pretended)).status == 200


class Talkative(Witness):
    """Says more than a connection holds for whoever does not read it."""

    def last_checkpoint(self, name: str) -> Answer:  # noqa: ARG002  # the witness's own
        return Answer(200, bytes(1 << 25))


@pytest.mark.parametrize("bound", ["REQUEST_SECONDS", "CLOSE_SECONDS"])
def test_whoever_asks_and_does_not_read_holds_no_place(
    folder: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(witness_server, bound, 0.05)
    if bound == "CLOSE_SECONDS":  # all of it went out, as far as the server knows
        monkeypatch.setattr(asyncio.StreamWriter, "drain", lambda _self: asyncio.sleep(0))

    async def run() -> None:
        witness = open_witness(folder)
        talkative = Talkative(witness.state, LOGS, witness.clock)
        server_of = WitnessServer(talkative, lambda _answer: None)
        server = await server_of.serve("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's transport has it
        writer.write(f"GET /{ID}/checkpoint HTTP/1.0\r\nHost: w\r\n\r\n".encode())
        await asyncio.sleep(0.01)
        try:
            async with asyncio.timeout(3):
                while server_of.open:  # noqa: ASYNC110  # what it counts is no event
                    await asyncio.sleep(0.01)
        finally:
            writer.transport.abort()
            server.close()
            witness.state.close()
        assert reader.at_eof() is False

    asyncio.run(run())


def test_a_checkpoint_without_room_for_the_cosignature_is_refused(folder: Path) -> None:
    text = parse_checkpoint(LOG.checkpoint(7)).note.text
    note = sign_note(text + b"x" * (MAX_NOTE_BYTES - 300 - len(text)) + b"\n", SIGNER)
    witness = open_witness(folder)
    answer = witness.add_checkpoint(format_request(0, [], note))
    assert (answer.status, answer.origin) == (422, SIGNER.name)
    assert b"no room" in answer.body
    assert witness.last_checkpoint(ID).status == 404, "nothing was remembered"
    assert witness.add_checkpoint(LOG.request(0, 9)).status == 200


def test_one_log_does_not_fill_the_room_for_the_evidence_of_another(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness_state, "MAX_EVIDENCE", 2)
    other = Signer.make("other.example/log", bytes(range(1, 33)))
    honest, forked = SmallLog(other), SmallLog(other, forked_at=5)
    both = parse_logs(f"{format_verifier(SIGNER.verifier)}\n{format_verifier(other.verifier)}\n")
    witness = Witness(WitnessState.open(folder), both, lambda: 1_000)
    for log in (LOG, honest):
        assert witness.add_checkpoint(log.request(0, 7)).status == 200
    for size in (8, 9, 7):
        witness.add_checkpoint(FORK.request(7, size))
    assert len(list((folder / "evidence").iterdir())) == 2
    assert witness.add_checkpoint(forked.request(7, 7)).evidence
    witness.state.close()
