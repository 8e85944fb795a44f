"""Frames out of bytes: whole, byte by byte, with more behind, broken; and that chunking says nothing."""

import contextlib
import struct
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import LocalProtocolError, RemoteProtocolError
from doorward.pgwire.frames import Frame, FrameHop, FrameReader, Rows, StartupReader
from doorward.pgwire.limits import (
    MAX_ROW_BYTES,
    MAX_SERVER_FRAME_BYTES,
    MAX_STARTUP_BYTES,
    MAX_UNREAD_BYTES,
)
from doorward.pgwire.messages import SYNC, format_frame, format_query

LIMIT = 1000
ROW, COPY = ord("D"), ord("d")
KINDS = st.sampled_from([b"D", b"D", b"d", b"C", b"Z", b"T", b"E"])
FRAMES = st.builds(format_frame, KINDS, st.binary(max_size=40))


def chunks(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """Cut bytes at these places; an empty chunk may be among them."""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


def read_all(reader: FrameReader, pieces: Sequence[bytes]) -> list[Frame]:
    found = []
    for piece in pieces:
        reader.feed(piece)
        while (frame := reader.next_frame()) is not None:
            found.append(frame)
    return found


def summary(pieces: Sequence[bytes]) -> tuple[list[object], bytes]:
    """What a hop found, with neighbouring runs of one kind joined, and the bytes that it would forward."""
    hop = FrameHop()
    found: list[object] = []
    forwarded = b""
    for piece in pieces:
        for item in hop.hop(piece):
            if isinstance(item, Frame):
                found.append(item)
                forwarded += item.raw
                continue
            forwarded += item.data
            last = found[-1] if found else None
            if isinstance(last, Rows) and last.kind == item.kind:
                found[-1] = Rows(
                    last.data + item.data, last.ended + item.ended, last.size + item.size, item.kind
                )
            else:
                found.append(item)
    return found, forwarded


def test_a_frame_is_read_whole_byte_by_byte_and_with_more_behind() -> None:
    query = format_query(b"select 1")
    expected = Frame(ord("Q"), b"select 1\0", query)
    for pieces in ([query], [bytes([byte]) for byte in query], [query + SYNC]):
        assert read_all(FrameReader(LIMIT), pieces)[0] == expected
    reader = FrameReader(LIMIT)
    reader.feed(query + SYNC[:2])
    assert reader.next_frame() == expected
    assert reader.next_frame() is None
    assert reader.trailing_data == SYNC[:2]


def test_a_frame_of_the_longest_length_is_taken_and_one_byte_more_is_refused_from_its_head() -> None:
    longest = format_frame(b"Q", bytes(LIMIT))
    assert len(read_all(FrameReader(LIMIT), [longest])) == 1
    reader = FrameReader(LIMIT)
    reader.feed(b"Q" + struct.pack(">I", LIMIT + 5))
    for _ in range(2):
        with pytest.raises(RemoteProtocolError, match="at most 1000 bytes was expected and one of 1001"):
            reader.next_frame()


@pytest.mark.parametrize("length", [0, 3, 2**31, 2**32 - 1])
def test_an_impossible_length_is_refused_by_both_directions_and_for_good(length: int) -> None:
    head = struct.pack(">BI", ord("C"), length)
    reader, hop = FrameReader(LIMIT), FrameHop()
    reader.feed(head)
    for _ in range(2):
        with pytest.raises(RemoteProtocolError):
            reader.next_frame()
        with pytest.raises(RemoteProtocolError):
            hop.hop(head)
    with pytest.raises(RemoteProtocolError):
        hop.hop(b"")


def test_a_client_that_is_not_read_is_not_buffered_without_end() -> None:
    reader = FrameReader(LIMIT)
    reader.feed(bytes(LIMIT + MAX_UNREAD_BYTES))
    with pytest.raises(LocalProtocolError):
        reader.feed(b"x")


@given(frames=st.lists(FRAMES, max_size=8), tail=st.binary(max_size=4), cuts=st.lists(st.integers(0)))
def test_any_chunking_of_a_clients_bytes_gives_the_same_frames(
    frames: list[bytes], tail: bytes, cuts: list[int]
) -> None:
    data = b"".join(frames) + tail
    reader = FrameReader(LIMIT)
    found = read_all(reader, chunks(data, cuts))
    assert [frame.raw for frame in found] == frames
    assert all(format_frame(bytes([frame.kind]), frame.payload) == frame.raw for frame in found)
    assert reader.trailing_data == tail


@given(data=st.binary(max_size=60), cuts=st.lists(st.integers(0)))
def test_random_bytes_give_frames_or_the_one_error(data: bytes, cuts: list[int]) -> None:
    with contextlib.suppress(RemoteProtocolError):
        read_all(FrameReader(LIMIT), chunks(data, cuts))
    with contextlib.suppress(RemoteProtocolError):
        summary(chunks(data, cuts))


def packet(body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 4) + body


def test_startup_packets_come_one_after_the_other_and_leave_what_is_behind() -> None:
    reader = StartupReader()
    for byte in packet(b"abcd"):
        assert reader.next_packet() is None
        reader.feed(bytes([byte]))
    assert reader.next_packet() == b"abcd"
    reader.feed(packet(b"efghi") + b"\x16\x03")
    assert reader.next_packet() == b"efghi"
    assert reader.trailing_data == b"\x16\x03"


def test_a_startup_packet_has_postgresqls_own_bounds() -> None:
    reader = StartupReader()
    reader.feed(packet(bytes(MAX_STARTUP_BYTES)))
    assert reader.next_packet() == bytes(MAX_STARTUP_BYTES)
    for length in (0, 7, MAX_STARTUP_BYTES + 5, 2**31, 2**32 - 1):
        reader = StartupReader()
        reader.feed(struct.pack(">I", length))
        for _ in range(2):
            with pytest.raises(RemoteProtocolError):
                reader.next_packet()


@pytest.mark.parametrize("opening", [b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n", b"SSH-2.0-"])
def test_other_protocols_are_refused_from_their_first_four_bytes(opening: bytes) -> None:
    reader = StartupReader()
    reader.feed(opening)
    with pytest.raises(RemoteProtocolError, match="a startup packet of 4 to 10000 bytes was expected"):
        reader.next_packet()


def test_a_client_that_stuffs_bytes_behind_its_startup_is_not_buffered_without_end() -> None:
    reader = StartupReader()
    with pytest.raises(LocalProtocolError):
        reader.feed(bytes(MAX_STARTUP_BYTES + MAX_UNREAD_BYTES + 1))


def test_rows_come_in_runs_and_everything_else_whole() -> None:
    rows = format_frame(b"D", b"one") + format_frame(b"D", b"four")
    complete = format_frame(b"C", b"SELECT 2\0")
    copy = format_frame(b"d", b"1\n")
    found = FrameHop().hop(rows + complete + copy)
    assert found == [Rows(rows, 2, 7, ROW), Frame(ord("C"), b"SELECT 2\0", complete), Rows(copy, 1, 2, COPY)]


def test_runs_of_two_kinds_are_two_runs() -> None:
    row, copy = format_frame(b"D", b"1"), format_frame(b"d", b"2")
    assert FrameHop().hop(row + copy) == [Rows(row, 1, 1, ROW), Rows(copy, 1, 1, COPY)]


def test_a_row_larger_than_a_chunk_streams_and_is_counted_where_it_ends() -> None:
    row = format_frame(b"D", bytes(10))
    hop = FrameHop()
    assert hop.hop(row[:5]) == [Rows(row[:5], 0, 0, ROW)]
    assert hop.hop(row[5:9]) == [Rows(row[5:9], 0, 4, ROW)]
    assert hop.hop(b"") == []
    assert hop.hop(row[9:] + row) == [Rows(row[9:], 1, 6, ROW), Rows(row, 1, 10, ROW)]


def test_a_frame_in_a_thousand_pieces_is_joined_once() -> None:
    error = format_frame(b"E", bytes(1_000_000))
    hop = FrameHop()
    pieces = chunks(error, range(0, len(error), 1000))
    found = [item for piece in pieces[:-1] for item in hop.hop(piece)]
    assert found == []
    assert hop.hop(pieces[-1]) == [Frame(ord("E"), bytes(1_000_000), error)]


def test_only_rows_may_be_longer_than_what_is_held() -> None:
    head = struct.pack(">I", MAX_SERVER_FRAME_BYTES + 1)
    assert FrameHop().hop(b"D" + head) == [Rows(b"D" + head, 0, 0, ROW)]
    with pytest.raises(RemoteProtocolError, match="was announced by the server"):
        FrameHop().hop(b"E" + head)
    with pytest.raises(RemoteProtocolError, match="a row of 1073741824 bytes"):
        FrameHop().hop(b"D" + struct.pack(">I", MAX_ROW_BYTES + 1))


@given(frames=st.lists(FRAMES, max_size=10), tail=st.binary(max_size=4), cuts=st.lists(st.integers(0)))
def test_any_chunking_of_a_servers_bytes_gives_the_same_frames_and_totals(
    frames: list[bytes], tail: bytes, cuts: list[int]
) -> None:
    whole = b"".join(frames)
    found, forwarded = summary(chunks(whole + tail, cuts))
    assert (found, forwarded) == summary([whole])
    assert forwarded == whole
    rows = [frame for frame in frames if frame[0] in (ROW, COPY)]
    runs = [item for item in found if isinstance(item, Rows)]
    assert sum(run.ended for run in runs) == len(rows)
    assert sum(run.size for run in runs) == sum(len(row) - 5 for row in rows)
