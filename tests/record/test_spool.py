"""The spool as its writer and readers see it, while nothing fails."""

import os
import tempfile
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from doorward.errors import MalformedError, StoreError
from doorward.record.entry import MAX_BODY_BYTES, Draft, Field, Kind
from doorward.record.frame import SegmentHead, encode_segment_head, frame_payload
from doorward.record.segments import SpoolReader, list_segments, read_spool
from doorward.record.spool import Recovered, Spool, SpoolLimits
from record.samples import (
    NOW,
    SECOND,
    blocks_of,
    completion,
    connect,
    conversation,
    cut,
    decision,
    end,
    entries_of,
    fill,
    open_spool,
    parse,
    query,
    session_id,
)

ONE = session_id(1)


def as_draft(entry: object) -> Draft:
    return Draft(entry.kind, entry.session, entry.request, entry.fields)  # type: ignore[attr-defined]  # an entry


def test_what_was_appended_is_read_back_in_order(spool_dir: Path) -> None:
    drafts = conversation(ONE, 5)
    spool = open_spool(spool_dir)
    spool.append(drafts[:4], now=NOW)
    spool.append(drafts[4:], now=NOW + SECOND)
    spool.close(now=NOW)
    entries = entries_of(spool_dir)
    assert [as_draft(entry) for entry in entries] == drafts
    assert [entry.sequence for entry in entries] == list(range(len(drafts)))
    assert len({entry.salt for entry in entries}) == len(drafts)
    assert entries[0].time_us == 1_935_817_689_123_456
    assert entries[-1].time_us == entries[0].time_us + 1_000_000


def test_an_append_is_one_write_and_is_readable_when_it_returns(spool_dir: Path) -> None:
    writes: list[int] = []

    def write(file: int, data: bytes) -> int:
        writes.append(len(data))
        return os.write(file, data)

    spool = Spool.open(spool_dir, now=NOW, write=write)
    writes.clear()
    spool.append(conversation(ONE, 50), now=NOW)
    assert len(writes) == 1
    assert len(entries_of(spool_dir)) == 103


def test_nothing_is_written_for_no_draft(spool_dir: Path) -> None:
    spool = open_spool(spool_dir)
    before = list_segments(spool_dir)[0].path.stat().st_size
    spool.append([], now=NOW)
    assert list_segments(spool_dir)[0].path.stat().st_size == before


def test_requests_and_completions_share_a_block_and_all_others_are_alone(spool_dir: Path) -> None:
    spool = open_spool(spool_dir)
    spool.append(
        [
            connect(ONE),
            decision(ONE),
            query(ONE, 1),
            completion(ONE, 1),
            query(ONE, 2),
            cut(ONE, 2),
            end(ONE),
        ],
        now=NOW,
    )
    spool.close(now=NOW)
    assert [[entry.kind for entry in block.entries] for block in blocks_of(spool_dir)] == [
        [Kind.CONNECT],
        [Kind.DECISION],
        [Kind.REQUEST, Kind.COMPLETION, Kind.REQUEST],
        [Kind.CUT],
        [Kind.END],
    ]


def test_blocks_follow_each_other_without_a_gap_and_are_numbered(spool_dir: Path) -> None:
    fill(spool_dir, range(20))
    blocks = blocks_of(spool_dir)
    assert [block.leaf_index for block in blocks] == list(range(len(blocks)))
    assert blocks[0].first == 0
    assert all(one.last + 1 == other.first for one, other in pairwise(blocks))
    assert len({block.salt for block in blocks}) == len(blocks)


def test_a_block_closes_at_its_number_of_requests(spool_dir: Path) -> None:
    spool = open_spool(spool_dir, limits=SpoolLimits(block_requests=3))
    spool.append([query(ONE, number) for number in range(1, 8)], now=NOW)
    assert [len(block.entries) for block in blocks_of(spool_dir)] == [3, 3]


def test_a_block_closes_at_its_number_of_entries(spool_dir: Path) -> None:
    spool = open_spool(spool_dir, limits=SpoolLimits(block_entries=4))
    spool.append([query(ONE, 1), *(completion(ONE, 1, last=False) for _ in range(8))], now=NOW)
    assert [len(block.entries) for block in blocks_of(spool_dir)] == [4, 4]


def test_a_block_closes_at_its_number_of_bytes(spool_dir: Path) -> None:
    spool = open_spool(spool_dir, limits=SpoolLimits(block_bytes=1_000))
    spool.append([query(ONE, 1, b"x" * 600), query(ONE, 2, b"x" * 600), query(ONE, 3)], now=NOW)
    assert [len(block.entries) for block in blocks_of(spool_dir)] == [2]


def test_a_tick_closes_a_block_of_a_second_and_not_before(spool_dir: Path) -> None:
    spool = open_spool(spool_dir)
    spool.append([query(ONE, 1)], now=NOW)
    spool.tick(now=NOW + timedelta(milliseconds=999))
    assert blocks_of(spool_dir) == []
    spool.tick(now=NOW + SECOND)
    assert len(blocks_of(spool_dir)) == 1
    spool.tick(now=NOW + 2 * SECOND)
    assert len(blocks_of(spool_dir)) == 1


def test_an_append_closes_an_old_block_first(spool_dir: Path) -> None:
    spool = open_spool(spool_dir)
    spool.append([query(ONE, 1)], now=NOW)
    spool.append([query(ONE, 2)], now=NOW + SECOND)
    spool.close(now=NOW)
    assert [len(block.entries) for block in blocks_of(spool_dir)] == [1, 1]


class TestClockGoingBackwards:
    def test_times_do_not_fall_and_the_step_is_said_once(self, spool_dir: Path) -> None:
        spool = open_spool(spool_dir)
        spool.append([connect(ONE)], now=NOW)
        spool.append([query(ONE, 1), query(ONE, 2)], now=NOW - timedelta(hours=1))
        spool.append([query(ONE, 3)], now=NOW - timedelta(minutes=59))
        spool.append([query(ONE, 4)], now=NOW + SECOND)
        spool.append([query(ONE, 5)], now=NOW)
        spool.close(now=NOW)
        entries = entries_of(spool_dir)
        offsets = [entry.time_us - entries[0].time_us for entry in entries]
        assert offsets == [0, 0, 0, 0, 1_000_000, 1_000_000]
        steps = [entry.get(Field.CLOCK_STEPPED_BACK) for entry in entries]
        assert steps == [None, b"3600000000", None, None, None, b"1000000"]

    def test_blocks_still_close_after_a_second_and_not_at_each_append(self, spool_dir: Path) -> None:
        spool = open_spool(spool_dir)
        spool.append([query(ONE, 1)], now=NOW)
        behind = NOW - timedelta(hours=1)
        spool.append([query(ONE, 2)], now=behind)  # an open block of unknown age closes
        for number in range(3, 6):
            spool.append([query(ONE, number)], now=behind + timedelta(milliseconds=10 * number))
        spool.tick(now=behind + SECOND)
        assert [len(block.entries) for block in blocks_of(spool_dir)] == [1, 4]


class TestSegments:
    def test_a_full_segment_is_followed_by_another_that_says_what_was_open(self, spool_dir: Path) -> None:
        spool = open_spool(spool_dir, limits=SpoolLimits(segment_bytes=2_000))
        spool.append([connect(ONE), query(ONE, 1)], now=NOW)
        for number in range(2, 60):
            spool.append([query(ONE, number), completion(ONE, number)], now=NOW)
        spool.close(now=NOW)
        segments = list_segments(spool_dir)
        heads = [record for record in read_spool(spool_dir) if isinstance(record, SegmentHead)]
        assert len(heads) == len(segments) > 3
        assert [head.next_sequence for head in heads] == [segment.first for segment in segments]
        assert heads[0].sessions == ()
        assert all(head.sessions == (ONE,) for head in heads[1:])
        assert all(head.requests == ((ONE, 1),) for head in heads[1:])

    def test_a_segment_can_be_read_without_those_before_it(self, spool_dir: Path) -> None:
        fill(spool_dir, range(30), limits=SpoolLimits(segment_bytes=2_000))
        whole = entries_of(spool_dir)
        first, second = list_segments(spool_dir)[:2]
        first.path.unlink()
        assert entries_of(spool_dir) == whole[second.first :]

    def test_what_is_open_is_known_after_older_segments_are_gone(self, spool_dir: Path) -> None:
        spool = open_spool(spool_dir, limits=SpoolLimits(segment_bytes=1_000))
        spool.append([connect(ONE), query(ONE, 1)], now=NOW)
        spool.append([query(ONE, number) for number in range(2, 20)], now=NOW)
        spool.append([completion(ONE, number) for number in range(2, 20)], now=NOW)
        spool.close(now=NOW)
        for segment in list_segments(spool_dir)[:-1]:
            segment.path.unlink()
        with_recovery = open_spool(spool_dir, seed=1)
        assert with_recovery.recovered == Recovered(((ONE, 1),), (ONE,), 0)

    def test_a_reader_goes_on_where_it_stopped(self, spool_dir: Path) -> None:
        spool = open_spool(spool_dir, limits=SpoolLimits(segment_bytes=1_000))
        reader = SpoolReader(spool_dir)
        seen = list(reader.read())
        for number in range(20):
            spool.append(conversation(session_id(number)), now=NOW)
            seen += reader.read()
        spool.close(now=NOW)
        assert seen + list(reader.read()) == list(read_spool(spool_dir))

    def test_a_reader_that_is_left_in_the_middle_loses_nothing(self, spool_dir: Path) -> None:
        fill(spool_dir, range(5), limits=SpoolLimits(segment_bytes=1_000))
        reader, seen = SpoolReader(spool_dir), []
        while True:
            try:
                seen.append(next(iter(reader.read())))
            except StopIteration:
                break
        whole = [record for record in read_spool(spool_dir) if type(record).__name__ != "Block"]
        assert seen == whole

    def test_an_empty_folder_has_nothing_to_read(self, spool_dir: Path) -> None:
        spool_dir.mkdir()
        reader = SpoolReader(spool_dir)
        assert list(reader.read()) == []
        assert reader.file is None

    def test_a_missing_folder_cannot_be_read(self, spool_dir: Path) -> None:
        with pytest.raises(StoreError, match="cannot be read: No such file"):
            list(read_spool(spool_dir))


class TestAfterReopening:
    def test_a_spool_that_was_closed_goes_on_without_a_word(self, spool_dir: Path) -> None:
        fill(spool_dir, [1])
        before = entries_of(spool_dir)
        spool = open_spool(spool_dir, seed=1)
        assert spool.recovered == Recovered()
        spool.append(conversation(session_id(2)), now=NOW + SECOND)
        spool.close(now=NOW)
        after = entries_of(spool_dir)
        assert after[: len(before)] == before
        assert [entry.sequence for entry in after] == list(range(2 * len(before)))
        assert len(list_segments(spool_dir)) == 1

    def test_times_do_not_fall_over_a_restart(self, spool_dir: Path) -> None:
        fill(spool_dir, [1])
        spool = open_spool(spool_dir, now=NOW - SECOND)
        spool.append([connect(ONE)], now=NOW - SECOND)
        entries = entries_of(spool_dir)
        assert entries[-1].time_us == entries[-2].time_us
        assert entries[-1].get(Field.CLOCK_STEPPED_BACK) is not None

    def test_an_ended_session_and_an_answered_request_need_no_recovery(self, spool_dir: Path) -> None:
        spool = open_spool(spool_dir)
        spool.append([connect(session_id(9), b"authentication failed")], now=NOW)
        spool.append([connect(ONE), parse(ONE, 1), query(ONE, 2)], now=NOW)
        assert spool.open_sessions == (ONE,)
        assert spool.open_requests == ((ONE, 2),)
        spool.append([completion(ONE, 2, last=False)], now=NOW)
        assert spool.open_requests == ((ONE, 2),)
        spool.append([completion(ONE, 2), end(ONE)], now=NOW)
        assert not spool.open_sessions
        assert not spool.open_requests


class TestRefusals:
    def test_only_one_process_writes(self, spool_dir: Path) -> None:
        spool = open_spool(spool_dir)
        with pytest.raises(StoreError, match="another process writes"):
            open_spool(spool_dir)
        spool.close(now=NOW)
        open_spool(spool_dir).close(now=NOW)

    def test_a_closed_spool_takes_nothing(self, spool_dir: Path) -> None:
        spool = open_spool(spool_dir)
        spool.close(now=NOW)
        spool.close(now=NOW)
        with pytest.raises(StoreError, match="the spool is closed"):
            spool.append([connect(ONE)], now=NOW)
        with pytest.raises(StoreError, match="the spool is closed"):
            spool.tick(now=NOW)

    @pytest.mark.parametrize(
        "draft",
        [
            Draft(Kind.CONNECT, ONE, 0, ((Field.TEXT, b"a"), (Field.TEXT, b"b"))),
            Draft(Kind.CONNECT, b"short", 0, ()),
            Draft(Kind.CONNECT, ONE, 0, ((Field.TEXT, bytes(MAX_BODY_BYTES)),)),
            Draft(Kind.REQUEST, ONE, -1, ()),
            Draft(Kind.REQUEST, ONE, 2**63, ()),
        ],
        ids=["a field twice", "a short session", "too long", "below zero", "too large"],
    )
    def test_a_draft_that_is_none_changes_nothing_and_breaks_nothing(
        self, spool_dir: Path, draft: Draft
    ) -> None:
        spool = open_spool(spool_dir)
        with pytest.raises(MalformedError):
            spool.append([connect(ONE), draft], now=NOW)
        assert entries_of(spool_dir) == []
        spool.append([connect(ONE)], now=NOW)
        assert len(entries_of(spool_dir)) == 1

    def test_a_file_in_the_folders_place_is_refused(self, spool_dir: Path) -> None:
        spool_dir.write_text("in the way")
        with pytest.raises(StoreError, match="cannot be opened"):
            open_spool(spool_dir)

    def test_a_file_that_cannot_be_opened_is_refused(self, spool_dir: Path) -> None:
        fill(spool_dir)
        segment = list_segments(spool_dir)[0].path
        segment.unlink()
        segment.mkdir()
        with pytest.raises(StoreError, match="cannot be read: Is a directory"):
            open_spool(spool_dir)

    def test_a_segment_that_may_not_be_written_is_refused(
        self, spool_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill(spool_dir)

        def refuse(*_arguments: object) -> None:
            raise OSError(30, os.strerror(30))

        monkeypatch.setattr("os.ftruncate", refuse)
        with pytest.raises(StoreError, match="cannot be opened: Read-only file system"):
            open_spool(spool_dir)
        monkeypatch.undo()
        open_spool(spool_dir).close(now=NOW)

    def test_a_head_in_the_middle_of_a_segment_is_refused(self, spool_dir: Path) -> None:
        fill(spool_dir)
        file = list_segments(spool_dir)[0].path
        head = frame_payload(encode_segment_head(SegmentHead(27, 0, 12, (), ())))
        with file.open("ab") as sink:
            sink.write(head)
        with pytest.raises(MalformedError, match="the first record of its file, and only that"):
            open_spool(spool_dir)

    def test_the_bound_of_the_whole_spool_holds_and_says_what_to_do(self, spool_dir: Path) -> None:
        spool = open_spool(spool_dir, limits=SpoolLimits(segment_bytes=2_000, total_bytes=10_000))

        def append_for_ever() -> None:
            for number in range(1_000):
                spool.append([query(ONE, number)], now=NOW)

        with pytest.raises(StoreError, match="its bound of 10000 bytes") as caught:
            append_for_ever()
        assert caught.value.hint is not None
        assert caught.value.may_have_been_stored is False
        assert sum(segment.path.stat().st_size for segment in list_segments(spool_dir)) <= 10_000
        with pytest.raises(StoreError, match="because a write to it failed"):
            spool.append([query(ONE, 0)], now=NOW)

    def test_removed_segments_make_room_below_the_bound(self, spool_dir: Path) -> None:
        spool = open_spool(spool_dir, limits=SpoolLimits(segment_bytes=2_000, total_bytes=6_000))
        for number in range(200):
            spool.append([query(ONE, number), completion(ONE, number)], now=NOW)
            segments = list_segments(spool_dir)
            if len(segments) == 3:  # the spool has counted these, and learns of their end at its bound
                for segment in segments[:-1]:
                    segment.path.unlink()
        spool.close(now=NOW)


drafts = st.one_of(
    st.builds(connect, st.sampled_from([session_id(number) for number in range(3)])),
    st.builds(
        query, st.sampled_from([session_id(number) for number in range(3)]), st.integers(1, 4), st.binary()
    ),
    st.builds(
        completion,
        st.sampled_from([session_id(number) for number in range(3)]),
        st.integers(1, 4),
        last=st.booleans(),
    ),
    st.builds(end, st.sampled_from([session_id(number) for number in range(3)])),
)


class SpoolModel(RuleBasedStateMachine):
    """A spool against a list: whatever is done in whatever order, the list is what is read back."""

    @initialize(
        segment_bytes=st.integers(1, 3_000), block_requests=st.integers(1, 5), block_entries=st.integers(1, 9)
    )
    def begin(self, segment_bytes: int, block_requests: int, block_entries: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.spool_dir = Path(self.folder.name) / "spool"
        self.limits = SpoolLimits(
            segment_bytes=segment_bytes, block_requests=block_requests, block_entries=block_entries
        )
        self.now = NOW
        self.expected: list[Draft] = []
        self.sessions: dict[bytes, None] = {}
        self.requests: dict[tuple[bytes, int], None] = {}
        self.spool = open_spool(self.spool_dir, limits=self.limits)

    def teardown(self) -> None:
        self.spool.close(now=self.now)
        self.folder.cleanup()

    @rule(batch=st.lists(drafts, max_size=6))
    def append(self, batch: list[Draft]) -> None:
        self.spool.append(batch, now=self.now)
        self.expected += batch
        for draft in batch:
            if draft.kind is Kind.CONNECT:
                self.sessions[draft.session] = None
            elif draft.kind is Kind.REQUEST:
                self.requests[draft.session, draft.request] = None
            elif draft.kind is Kind.END:
                self.sessions.pop(draft.session, None)
            elif (Field.LAST, b"1") in draft.fields:
                self.requests.pop((draft.session, draft.request), None)

    @rule(milliseconds=st.integers(0, 1_500))
    def time_passes(self, milliseconds: int) -> None:
        self.now += timedelta(milliseconds=milliseconds)
        self.spool.tick(now=self.now)

    @rule(is_clean=st.booleans())
    def start_again(self, is_clean: bool) -> None:  # noqa: FBT001  # drawn by hypothesis
        if is_clean:
            self.spool.close(now=self.now)
        else:
            self.spool._release()
        self.spool = open_spool(self.spool_dir, seed=len(self.expected), now=self.now, limits=self.limits)
        found = self.spool.recovered
        assert found.requests == tuple(self.requests)
        assert found.sessions == tuple(self.sessions)
        if found != Recovered():
            added = entries_of(self.spool_dir)[len(self.expected) :]
            assert [entry.kind for entry in added] == [
                Kind.RECOVERY,
                *([Kind.COMPLETION] * len(self.requests)),
                *([Kind.END] * len(self.sessions)),
            ]
            self.expected += [as_draft(entry) for entry in added]
        self.sessions, self.requests = {}, {}

    @invariant()
    def reads_back(self) -> None:
        if not hasattr(self, "spool"):
            return
        entries = entries_of(self.spool_dir)
        assert [as_draft(entry) for entry in entries] == self.expected
        assert [entry.sequence for entry in entries] == list(range(len(entries)))
        blocks = blocks_of(self.spool_dir)
        assert [block.leaf_index for block in blocks] == list(range(len(blocks)))
        in_blocks = [entry for block in blocks for entry in block.entries]
        assert in_blocks == entries[: len(in_blocks)]
        assert len(entries) - len(in_blocks) < self.limits.block_entries


TestSpoolModel = SpoolModel.TestCase
TestSpoolModel.settings = settings(stateful_step_count=20)
