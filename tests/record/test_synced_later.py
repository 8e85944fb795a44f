"""A spool whose syncs run beside its writes: what each of them covers, and what a loss of power may take."""

import errno
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from doorward.errors import MalformedError, StoreError, UnsyncedError
from doorward.record.entry import Draft, Kind
from doorward.record.frame import Synced, decode_record, encode_synced, frame_payload
from doorward.record.segments import SpoolReader, list_segments, read_spool
from doorward.record.spool import Spool, SpoolLimits
from record.samples import (
    NOW,
    World,
    completion,
    connect,
    conversation,
    end,
    entries_of,
    open_spool,
    query,
    seeded,
    session_id,
)

ONE, TWO = session_id(1), session_id(2)


class Disk:
    """A disk that notes what it did, with the bytes that were written before each sync began."""

    def __init__(self) -> None:
        self.written = 0
        self.synced: list[int] = []
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.has_begun = threading.Event()
        self.fails = False

    def write(self, file: int, data: bytes) -> int:
        self.written += len(data)
        return os.write(file, data)

    def sync(self, file: int) -> None:
        covered = self.written
        self.has_begun.set()
        assert self.goes_on.wait(30)
        if self.fails:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.fdatasync(file)
        self.synced.append(covered)


def open_with(folder: Path, disk: Disk, *, preallocated: bool = True, segment_bytes: int = 2**24) -> Spool:
    limits = SpoolLimits(segment_bytes=segment_bytes)
    durable: frozenset[Kind] | None = frozenset() if preallocated else None
    return Spool.open(
        folder, now=NOW, random=seeded(), limits=limits, write=disk.write, sync=disk.sync, durable=durable
    )


def marks_of(folder: Path) -> list[Synced]:
    return [record for record in read_spool(folder) if isinstance(record, Synced)]


def write(spool: Spool, *drafts: Draft) -> None:
    assert spool.write(drafts, now=NOW, durable=True), "it says that it is to be waited for"


def test_a_sync_covers_what_was_written_before_it_began_and_says_how_much(spool_dir: Path) -> None:
    spool = open_with(spool_dir, disk := Disk())
    write(spool, connect(ONE), query(ONE, 1))
    covered = disk.written
    sync = spool.begin_sync()
    write(spool, query(ONE, 2), query(ONE, 3))
    sync.run()
    spool.end_sync(sync)
    spool.sync()
    spool.close(now=NOW)
    assert marks_of(spool_dir) == [Synced(2, covered), Synced(4)], "the second one had nothing behind it"
    assert len(entries_of(spool_dir)) == 4


def test_what_is_not_waited_for_says_so(spool_dir: Path) -> None:
    spool = Spool.open(spool_dir, now=NOW, durable=frozenset({Kind.END}))
    assert not spool.write([connect(ONE)], now=NOW)
    assert not spool.write([], now=NOW, durable=True)
    assert spool.write([query(ONE, 1), end(ONE)], now=NOW)
    spool.close(now=NOW)


def test_a_sync_that_was_not_run_or_ended_confirms_nothing(spool_dir: Path) -> None:
    spool = open_with(spool_dir, Disk())
    write(spool, connect(ONE))
    sync = spool.begin_sync()
    with pytest.raises(RuntimeError, match="runs already"):
        spool.begin_sync()
    with pytest.raises(StoreError, match="was never run to its end"):
        spool.end_sync(sync)
    spool.close(now=NOW)


def test_a_sync_that_nobody_ran_yet_is_run_by_whoever_needs_the_file_and_only_once(spool_dir: Path) -> None:
    spool = open_with(spool_dir, disk := Disk())
    write(spool, connect(ONE))
    sync = spool.begin_sync()
    spool.sync()
    assert len(disk.synced) == 2
    sync.run()
    spool.end_sync(sync)
    assert len(disk.synced) == 2
    spool.close(now=NOW)
    assert len(marks_of(spool_dir)) == 2


def run_in_thread(run: Callable[[], None], disk: Disk) -> threading.Thread:
    disk.goes_on.clear()
    disk.has_begun.clear()
    thread = threading.Thread(target=run)
    thread.start()
    assert disk.has_begun.wait(30)
    return thread


@pytest.mark.parametrize("what", ["append", "segment", "close"])
def test_whatever_needs_the_file_for_itself_waits_for_the_sync_that_runs(spool_dir: Path, what: str) -> None:
    disk = Disk()
    spool = open_with(spool_dir, disk, segment_bytes=300)
    write(spool, connect(ONE))
    sync = spool.begin_sync()
    thread = run_in_thread(sync.run, disk)
    spool.write([query(ONE, 1, b"x" * 300)], now=NOW)  # may go on: it fits
    said: list[str] = []

    def need() -> None:
        if what == "close":
            spool.close(now=NOW)
        else:
            spool.append([query(ONE, 2)], now=NOW, durable=what == "append")
        said.append(what)

    other = threading.Thread(target=need)
    other.start()
    other.join(0.05)
    assert said == []
    disk.goes_on.set()
    for each in (thread, other):
        each.join(30)
    assert said == [what]
    if what != "close":
        spool.end_sync(sync)
        spool.close(now=NOW)
    assert len(entries_of(spool_dir)) == (2 if what == "close" else 3)


@pytest.mark.parametrize("preallocated", [True, False])
def test_a_segment_that_is_left_is_synced_with_everything_that_is_waited_for(
    spool_dir: Path,
    preallocated: bool,  # noqa: FBT001  # a parameter of the case
) -> None:
    disk = Disk()
    spool = open_with(spool_dir, disk, preallocated=preallocated, segment_bytes=400)
    write(spool, connect(ONE), query(ONE, 1, b"x" * 400))
    before = disk.written
    spool.write([query(ONE, 2)], now=NOW)  # begins the next segment
    assert len(list_segments(spool_dir)) == 2
    assert disk.synced[0] >= before, "the sync of the next file would not cover them"
    count = len(disk.synced)
    spool.write([query(ONE, 3, b"x" * 400)], now=NOW)
    spool.write([query(ONE, 4)], now=NOW)
    assert len(disk.synced) == count + preallocated, "and nobody waits for these"
    spool.close(now=NOW)
    assert len(entries_of(spool_dir)) == 5


def test_a_sync_whose_file_was_left_meanwhile_is_confirmed_and_marks_nothing(spool_dir: Path) -> None:
    spool = open_with(spool_dir, Disk(), segment_bytes=300)
    write(spool, connect(ONE), query(ONE, 1, b"x" * 300))
    sync = spool.begin_sync()
    sync.run()
    write(spool, query(ONE, 2))
    spool.end_sync(sync)
    spool.close(now=NOW)
    assert marks_of(spool_dir) == []
    assert len(list_segments(spool_dir)) == 2


def test_a_sync_that_fails_ends_the_spool_at_once_and_for_good(spool_dir: Path) -> None:
    spool = open_with(spool_dir, disk := Disk())
    write(spool, connect(ONE))
    disk.fails = True
    sync = spool.begin_sync()
    sync.run()
    with pytest.raises(UnsyncedError, match=r"a write to it failed: .* could not be synced"):
        spool.write([query(ONE, 1)], now=NOW)  # before anybody was told of it
    for _ in range(2):
        with pytest.raises(UnsyncedError, match="could not be synced"):
            spool.end_sync(sync)
    disk.fails = False
    with pytest.raises(StoreError, match="a write to it failed"):
        spool.begin_sync()
    spool.close(now=NOW)
    assert disk.synced == []


def test_a_sync_that_went_well_confirms_what_it_covered_where_a_write_failed_since_and_nothing_more(
    spool_dir: Path,
) -> None:
    """What a failed write left is cut behind what was covered, which is on the disk and will be published."""
    spool = open_with(spool_dir, disk := Disk())
    write(spool, connect(ONE))
    sync = spool.begin_sync()
    sync.run()

    def refuse(_file: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write(spool, query(ONE, 1))
    spool._file._write_once = refuse
    with pytest.raises(StoreError, match="could not be written"):
        spool.write([query(ONE, 2)], now=NOW)
    spool.end_sync(sync)
    for ask in (spool.sync, spool.begin_sync):
        with pytest.raises(StoreError, match="a write to it failed") as caught:
            ask()
        assert caught.value.may_have_been_stored is True, "it is written"
    spool.close(now=NOW)
    assert len(disk.synced) == 1
    assert marks_of(spool_dir) == []
    assert len(entries_of(spool_dir)) == 2


@pytest.mark.parametrize("seed", range(12))
def test_a_loss_of_power_takes_nothing_that_a_sync_covered_and_damage_there_is_refused(
    spool_dir: Path, seed: int
) -> None:
    source = random.Random(seed)  # noqa: S311  # pages, not secrets
    spool = open_with(spool_dir, disk := Disk())
    file = list_segments(spool_dir)[0].path
    write(spool, connect(ONE), *(query(ONE, number, b"y" * 200) for number in range(1, 40)))
    covered = spool._file.size
    sync = spool.begin_sync()
    sync.run()
    on_disk = file.read_bytes()
    for number in range(40, 60):
        spool.write([query(ONE, number, b"z" * source.randrange(600))], now=NOW)
    spool.end_sync(sync)  # its mark is behind what it does not cover
    for number in range(60, 70):
        spool.write([query(ONE, number, b"z" * source.randrange(600))], now=NOW)
    assert disk.synced
    whole = file.read_bytes()
    spool._release()

    kept = bytearray(whole)
    for at in range(covered // 512 * 512, len(kept), 512):
        if source.random() < 0.5:  # as a coin falls
            kept[at : at + 512] = on_disk[at : at + 512]
    file.write_bytes(kept)
    again = open_with(spool_dir, Disk())
    again.append(conversation(TWO), now=NOW)
    again.close(now=NOW)
    requests = [
        entry.request
        for entry in entries_of(spool_dir)
        if entry.session == ONE and entry.kind is Kind.REQUEST
    ]
    assert requests == list(range(1, len(requests) + 1))
    assert len(requests) >= 39

    at = source.randrange(0, covered - 200)
    damaged = whole[:at] + bytes(byte ^ 0xFF for byte in whole[at : at + 150]) + whole[at + 150 :]
    for segment in list_segments(spool_dir):
        segment.path.unlink()
    file.write_bytes(damaged)
    with pytest.raises(MalformedError, match=r"at offset \d+"):
        open_with(spool_dir, Disk())


def test_each_byte_that_a_sync_covered_is_damage_where_it_is_broken_and_each_behind_it_is_a_torn_end(
    spool_dir: Path,
) -> None:
    """The close of a block behind the last entry that was covered is where the sequence alone tells nothing."""
    spool = open_with(spool_dir, Disk())
    file = list_segments(spool_dir)[0].path
    write(spool, connect(ONE), query(ONE, 1))
    covered = spool._file.size
    sync = spool.begin_sync()
    sync.run()
    out: list[bytes] = []
    spool._close_block(out)
    spool._file.write(out)
    behind = spool._file.size
    spool.write([end(ONE)], now=NOW)
    spool.end_sync(sync)
    whole = file.read_bytes()
    spool._release()
    head = len(frame_payload(b"")) + 1
    for at in range(head, behind, 7):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        reader = SpoolReader(spool_dir)
        if at < covered:
            with pytest.raises(MalformedError, match=r"at offset \d+"):
                list(reader.read())
        else:
            list(reader.read())
            assert reader.torn is not None
            assert reader.torn.offset == covered


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        (Synced(2), "synced at the wrong place"),
        (Synced(4), "synced at the wrong place"),
        (Synced(4, 10), "synced at the wrong place"),
        (Synced(2, 10_000), "10000 bytes are called synced before they are there"),
    ],
)
def test_a_mark_that_says_more_than_can_be_true_is_refused(
    spool_dir: Path, mark: Synced, message: str
) -> None:
    spool = open_spool(spool_dir)
    spool.append([connect(ONE), query(ONE, 1), completion(ONE, 1)], now=NOW)
    spool._file.write([frame_payload(encode_synced(mark))])
    spool._release()
    with pytest.raises(MalformedError, match=message):
        list(read_spool(spool_dir))


def test_a_mark_goes_both_ways_and_no_other_length_is_one() -> None:
    for mark in (Synced(7), Synced(7, 0), Synced(2**64 - 1, 2**64 - 1)):
        assert decode_record(encode_synced(mark)) == mark
    for length in (8, 10, 16, 18):
        with pytest.raises(MalformedError, match="9 or 17 bytes"):
            decode_record(encode_synced(Synced(7, 8))[:1].ljust(length, b"\0"))


def test_such_a_spool_is_published_and_checked_as_any_other(world: World) -> None:
    spool = open_with(world.spool_dir, Disk(), segment_bytes=2_000)
    for number in range(20):
        write(spool, *conversation(session_id(number)))
        sync = spool.begin_sync()
        spool.write([connect(session_id(number + 100)), end(session_id(number + 100))], now=NOW)
        sync.run()
        spool.end_sync(sync)
        if number == 10:
            world.publish()
    spool.close(now=NOW)
    world.publish()
    assert world.found() == []
