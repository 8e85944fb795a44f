import random
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import MalformedError
from doorward.record.entry import Entry, Kind, encode_entry
from doorward.record.frame import (
    BlockClose,
    SegmentHead,
    decode_record,
    encode_block_close,
    encode_segment_head,
    frame_payload,
    has_frame_behind,
    iterate_payloads,
)

ENTRY = Entry(Kind.END, 5, 9, bytes(16), 0, bytes(16), ())
CLOSE = BlockClose(3, 6, 9, 2, b"s" * 16)

heads = st.builds(
    SegmentHead,
    next_sequence=st.integers(0, 2**64 - 1),
    time_us=st.integers(-(2**63), 2**63 - 1),
    next_leaf=st.integers(0, 2**64 - 1),
    sessions=st.lists(st.binary(min_size=16, max_size=16), max_size=4).map(tuple),
    requests=st.lists(
        st.tuples(st.binary(min_size=16, max_size=16), st.integers(0, 2**64 - 1)), max_size=4
    ).map(tuple),
)
closes = st.builds(
    lambda first, more, time_us, leaf, salt: BlockClose(first, first + more, time_us, leaf, salt),
    st.integers(0, 2**63),
    st.integers(1, 2**62),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 2**64 - 1),
    st.binary(min_size=16, max_size=16),
)


@given(heads)
def test_a_segments_head_survives_its_bytes(head: SegmentHead) -> None:
    assert decode_record(encode_segment_head(head)) == head


@given(closes)
def test_a_blocks_close_survives_its_bytes(close: BlockClose) -> None:
    assert decode_record(encode_block_close(close)) == close


@given(
    st.one_of(
        st.binary(max_size=120),
        heads.map(encode_segment_head),
        closes.map(encode_block_close),
        st.binary(max_size=60).map(lambda rest: b"\x40" + rest),
        st.binary(max_size=60).map(lambda rest: b"\x41" + rest),
    ),
    st.data(),
)
def test_any_payload_is_a_record_or_malformed(raw: bytes, data: st.DataObject) -> None:
    if raw and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw = raw[:at] + data.draw(st.binary(max_size=2)) + raw[at + 1 :]
    try:
        record = decode_record(raw)
    except MalformedError:
        return
    encoders = {SegmentHead: encode_segment_head, BlockClose: encode_block_close, Entry: encode_entry}
    assert encoders[type(record)](record) == raw  # type: ignore[operator]  # one encoder a type


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "at least"),
        (b"\x41" + bytes(3), "a block close has 49 bytes, got 4"),
        (encode_block_close(BlockClose(4, 4, 0, 0, bytes(16))), "holds nothing"),
        (b"\x40" + bytes(3), "cut short"),
        (b"\x40" + bytes(16) + b"\x02" + bytes(8), "expected spool version 1, got 2"),
        (b"\x40" + bytes(16) + b"\x01" + bytes(8), "cut short"),
        (b"\x40" + bytes(16) + b"\x01" + bytes(8) + b"\xff" * 4, "cannot hold 4294967295 items"),
        (b"\x40" + bytes(16) + b"\x01" + bytes(8) + bytes(9), "bytes behind its end"),
    ],
)
def test_each_fault_of_a_payload_is_named(raw: bytes, message: str) -> None:
    with pytest.raises(MalformedError, match=message):
        decode_record(raw)


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=6))
def test_payloads_come_back_whole_from_any_cut(payloads: list[bytes]) -> None:
    data = b"".join(map(frame_payload, payloads))
    ends = [0]
    for payload in payloads:
        ends.append(ends[-1] + 8 + len(payload))
    for cut in range(len(data) + 1):
        whole = sum(end <= cut for end in ends) - 1
        assert list(iterate_payloads(data[:cut])) == list(zip(ends[1:], payloads, strict=True))[:whole]


def test_a_frame_is_length_checksum_payload() -> None:
    assert frame_payload(b"abc") == b"\0\0\0\x03" + zlib.crc32(b"abc").to_bytes(4, "big") + b"abc"


@pytest.mark.parametrize("length", [0, 2**31])
def test_a_frame_of_an_impossible_length_is_not_whole(length: int) -> None:
    raw = length.to_bytes(4, "big") + zlib.crc32(b"").to_bytes(4, "big")
    assert list(iterate_payloads(raw + bytes(100))) == []


@pytest.mark.parametrize("behind", [encode_entry(ENTRY), encode_block_close(CLOSE)])
@pytest.mark.parametrize("next_sequence", [7, 6, 5, 4, 1, 0])
def test_a_whole_frame_behind_a_broken_one_is_seen(behind: bytes, next_sequence: int) -> None:
    sequence = 5 if behind == encode_entry(ENTRY) else 6
    broken = b"\xff" * 30
    data = b"before" + broken + frame_payload(behind)
    assert has_frame_behind(data, 6, next_sequence) is (sequence >= next_sequence)


def test_a_frame_behind_is_seen_where_the_high_bytes_of_its_sequence_are_others() -> None:
    later = replace(ENTRY, sequence=2**24 + 3)
    data = b"\xff" * 30 + frame_payload(encode_entry(later))
    assert has_frame_behind(data, 0, 2**24 - 2)
    assert not has_frame_behind(data, 0, 2**24 + 4)


def test_zeros_and_random_bytes_hold_no_frame() -> None:
    assert not has_frame_behind(bytes(1_000_000), 0, 5)
    assert not has_frame_behind(random.Random(3).randbytes(1_000_000), 0, 5)  # noqa: S311  # not secrets


def test_bytes_made_to_look_like_very_many_frames_are_refused_and_do_not_stop_the_reader() -> None:
    # Each claims 16 MiB with a wrong checksum: to try all of them would take hours.
    fake = (2**24).to_bytes(4, "big") + b"\xde\xad\xbe\xef" + b"\x04" + (6).to_bytes(8, "big")
    assert has_frame_behind(fake * 2_000 + bytes(2**24), 0, 5)


def test_a_torn_frame_has_none_behind_it() -> None:
    whole = frame_payload(encode_entry(ENTRY))
    for cut in range(len(whole)):
        assert not has_frame_behind(whole[:cut], 0, 5)


def test_a_number_that_only_looks_like_a_sequence_is_no_frame() -> None:
    assert not has_frame_behind(bytes(20) + (5).to_bytes(8, "big") * 3 + bytes(9), 0, 5)
