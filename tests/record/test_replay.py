import pytest

from doorward.errors import MalformedError
from doorward.record.entry import Entry, Kind
from doorward.record.frame import BlockClose, SegmentHead, SpoolRecord
from doorward.record.replay import Replay
from record.samples import session_id

ONE = session_id(1)
HEAD = SegmentHead(5, 100, 2, (), ())


def entry(sequence: int, kind: Kind = Kind.REQUEST, time_us: int = 100) -> Entry:
    return Entry(kind, sequence, time_us, ONE, sequence, bytes(16), ())


def close(first: int, next_sequence: int, leaf_index: int) -> BlockClose:
    return BlockClose(first, next_sequence, 100, leaf_index, b"s" * 16)


def test_a_block_comes_out_with_its_entries() -> None:
    replay = Replay()
    assert [replay.note(record) for record in (HEAD, entry(5), entry(6))] == [None] * 3
    block = replay.note(close(5, 7, 2))
    assert block is not None
    assert (block.leaf_index, block.first, block.last) == (2, 5, 6)
    assert (replay.next_sequence, replay.next_leaf, replay.open_entries) == (7, 3, [])


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([entry(0)], "before the segment's head"),
        ([close(0, 1, 0)], "a block closes, and none is open"),
        ([HEAD, entry(6)], "expected entry 5, got entry 6"),
        ([HEAD, entry(5, time_us=99)], "entry 5 is older than the entry before it"),
        ([HEAD, entry(5), entry(6, Kind.END)], "shares a block that it cannot share"),
        ([HEAD, entry(5, Kind.END), entry(6)], "shares a block that it cannot share"),
        ([HEAD, entry(5, Kind.END), entry(6, Kind.END)], "shares a block that it cannot share"),
        (
            [HEAD, entry(5), entry(6), close(6, 7, 2)],
            "expected the close of entries 5 up to 7, got 6 up to 7",
        ),
        ([HEAD, entry(5), close(5, 6, 3)], "expected leaf 2, got leaf 3"),
        ([HEAD, entry(5), HEAD], "a segment begins inside a block"),
        ([HEAD, SegmentHead(6, 100, 2, (), ())], "expected a segment from entry 5, leaf 2"),
        ([HEAD, SegmentHead(5, 100, 3, (), ())], "got one from entry 5, leaf 3"),
        ([HEAD, SegmentHead(5, 100, 2, (ONE,), ())], "names other open sessions"),
        ([HEAD, SegmentHead(5, 100, 2, (), ((ONE, 1),))], "names other open sessions or requests"),
    ],
)
def test_a_record_that_cannot_follow_is_refused(records: list[SpoolRecord], message: str) -> None:
    replay = Replay()
    for record in records[:-1]:
        replay.note(record)
    with pytest.raises(MalformedError, match=message):
        replay.note(records[-1])
