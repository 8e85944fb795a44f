"""Recorded streams of a real server, replayed in chunks of every size: the same endings, the same frames given."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from doorward.pgwire.frames import Frame, FrameHop, Rows
from doorward.pgwire.messages import PROTOCOL_3_0, StartupMessage, format_error, format_startup
from doorward.pgwire.replies import Ending, LostPortal, ReplyQueue, Sent

VECTORS = sorted((Path(__file__).parent / "vectors").glob("*.txt"))
REFUSAL = format_error("ERROR", "42501", "a plan")


@dataclass
class Batch:
    """What went to the server at once, what came back, and what that means."""

    client: list[bytes] = field(default_factory=list)
    sent: list[list[str]] = field(default_factory=list)
    server: bytes = b""
    meaning: list[str] = field(default_factory=list)
    closes: bytes = b""


def read_vector(path: Path) -> list[Batch]:
    batches: list[Batch] = []
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        word, _, rest = line.partition(" ")
        if word == "client" and (not batches or batches[-1].server):
            batches.append(Batch())
        batch = batches[-1]
        if word == "client":
            batch.client.append(bytes.fromhex(rest))
        elif word == "sent":
            batch.sent.append(["" if part == "-" else part for part in rest.split(" ")])
        elif word == "server":
            batch.server = bytes.fromhex(rest)
        elif word == "closes":
            batch.closes = bytes.fromhex(rest)
        else:
            batch.meaning.append(line)
    return batches


def replay(batch: Batch, hop: FrameHop, queue: ReplyQueue, size: int) -> list[str]:
    """Feed a batch to an account in chunks, and return what it meant in the vectors' words."""
    for sent, request, name, portal in batch.sent:
        queue.push(Sent[sent], int(request), name=name.encode(), portal=portal.encode())
    ended: list[Ending] = []
    lost: list[LostPortal] = []
    given = b""
    for start in range(0, len(batch.server), size):
        for item in hop.hop(batch.server[start : start + size]):
            if isinstance(item, Rows):
                given += item.data if queue.rows(item) else b""
                continue
            reply = queue.frame(item)
            ended += reply.endings
            lost += reply.lost
            given += REFUSAL if reply.refused else item.raw if reply.forward else b""
    return [
        *(
            f"ended {end.request} {end.outcome.name} rows={end.rows} bytes={end.size} {end.tag.decode() or '-'}"
            for end in ended
        ),
        *(
            f"lost {end.portal.decode() or '-'} {end.request} rows={end.rows} bytes={end.size}"
            for end in lost
        ),
        " ".join(["given", *shown(given)]),
    ]


def shown(given: bytes) -> list[str]:
    items = FrameHop().hop(given)
    return [f"{chr(item.kind)}*{item.ended}" if isinstance(item, Rows) else chr(item.kind) for item in items]


def play_all(batches: Sequence[Batch], size: int) -> None:
    hop, queue = FrameHop(), ReplyQueue()
    for batch in batches:
        assert replay(batch, hop, queue, size) == batch.meaning
        assert queue.is_idle
        assert queue.own_closes() == batch.closes


every_vector = pytest.mark.parametrize("path", VECTORS, ids=[path.stem for path in VECTORS])


def test_there_are_vectors() -> None:
    assert len(VECTORS) == 7


@every_vector
def test_a_recorded_stream_means_the_same_in_chunks_of_every_size(path: Path) -> None:
    batches = read_vector(path)
    longest = max(len(batch.server) for batch in batches)
    for size in range(1, longest + 1):
        play_all(batches, size)


@pytest.mark.pg
@every_vector
def test_a_server_of_today_sends_the_same_frames_for_the_same_messages(
    path: Path, server_socket: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(20)
        line.connect(str(server_socket))
        line.sendall(format_startup(StartupMessage(PROTOCOL_3_0, (("user", "postgres"),))))
        hop = FrameHop()
        while not any(
            isinstance(item, Frame) and item.kind == ord("Z") for item in hop.hop(line.recv(65536))
        ):
            pass
        for batch in read_vector(path):
            line.sendall(b"".join(batch.client))
            expected = shown(batch.server)
            given, received = list[str](), b""
            while given.count("Z") < expected.count("Z"):
                received += line.recv(65536)
                given = shown(received)
            assert given == expected
            line.sendall(batch.closes)
