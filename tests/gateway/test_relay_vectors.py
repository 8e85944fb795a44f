"""Recorded streams of a real server through a relay, both directions cut anywhere: the outcome is the same."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from doorward.gateway.actions import Action, Append, ToClient, ToServer
from doorward.gateway.relay import Relay
from doorward.pgwire.frames import FrameReader
from doorward.record.entry import Draft

VECTORS = sorted((Path(__file__).parents[1] / "pgwire" / "vectors").glob("*.txt"))
TRAILING = b"Q\0\0\0\x20SELECT"  # a Query that is not whole
every_vector = pytest.mark.parametrize("path", VECTORS, ids=[path.stem for path in VECTORS])


@dataclass
class Heard:
    """What came of a conversation."""

    drafts: list[Draft] = field(default_factory=list)
    to_server: bytes = b""
    to_client: bytes = b""

    def add(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Append):
                self.drafts += action.drafts
            elif isinstance(action, ToServer):
                self.to_server += action.data
            elif isinstance(action, ToClient):
                self.to_client += action.data


def read_turns(path: Path) -> list[tuple[str, bytes]]:
    """Return who spoke and what, in order; a client's messages up to the server's next are one turn.

    The vectors hold the door's own Describe and Close among a client's messages; a relay adds them itself.
    """
    turns: list[tuple[str, bytes]] = []
    own = False
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    for number, line in enumerate(lines):
        word, _, rest = line.partition(" ")
        if word == "client":
            own = any("OWN_" in said for said in sent_with(lines, number))
            if not own:
                turns.append((word, bytes.fromhex(rest)))
        elif word == "server":
            turns.append((word, bytes.fromhex(rest)))
    return turns


def sent_with(lines: list[str], number: int) -> list[str]:
    found = []
    for line in lines[number + 1 :]:
        if not line.startswith("sent "):
            break
        found.append(line)
    return found if len(found) == 1 else []


def play(turns: list[tuple[str, bytes]], size: int) -> Heard:
    relay, heard = Relay(b"s" * 16), Heard()
    for word, data in turns:
        feed = relay.from_client if word == "client" else relay.from_server
        for start in range(0, len(data), size):
            heard.add(feed(data[start : start + size]))
        assert relay.broken is None
    return heard


@every_vector
def test_a_relay_records_and_sends_the_same_whole_and_byte_by_byte(path: Path) -> None:
    turns = read_turns(path)
    whole = play(turns, 1 << 20)
    assert whole.drafts
    for size in (1, 2, 5, 17):
        assert play(turns, size) == whole


@every_vector
def test_a_reader_gives_the_same_frames_whole_byte_by_byte_and_with_trailing_bytes(path: Path) -> None:
    stream = b"".join(data for word, data in read_turns(path) if word == "client")

    def frames(data: bytes, size: int) -> tuple[list[bytes], bytes]:
        reader, found = FrameReader(1 << 16), []
        for start in range(0, len(data), size):
            reader.feed(data[start : start + size])
            while (frame := reader.next_frame()) is not None:
                found.append(frame.raw)
        return found, reader.trailing_data

    whole, left = frames(stream, len(stream))
    assert (b"".join(whole), left) == (stream, b"")
    for size in (1, len(stream) + len(TRAILING)):
        assert frames(stream + TRAILING, size) == (whole, TRAILING)
