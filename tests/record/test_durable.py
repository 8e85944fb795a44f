"""A spool that is synced: what is on the disk when `append` returns, and what a loss of power may take."""

import errno
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from doorward.errors import MalformedError, StoreError, UnsyncedError
from doorward.record.entry import Entry, Kind
from doorward.record.segments import PREALLOCATED_BYTES, SpoolReader, list_segments, read_spool
from doorward.record.spool import Recovered, Spool, SpoolLimits
from record.samples import (
    NOW,
    World,
    completion,
    connect,
    conversation,
    decision,
    end,
    entries_of,
    open_spool,
    query,
    seeded,
    session_id,
)

ONE, TWO = session_id(1), session_id(2)
DURABLE = frozenset({Kind.DECISION, Kind.END})


@dataclass
class Disk:
    """Writes and syncs in their order; the sync at `fail_at` fails."""

    fail_at: int = 0
    calls: list[str] = field(default_factory=list)

    def write(self, file: int, data: bytes) -> int:
        self.calls.append("write")
        return os.write(file, data)

    def sync(self, file: int) -> None:
        self.calls.append("sync")
        if self.calls.count("sync") == self.fail_at:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.fdatasync(file)

    def take(self) -> list[str]:
        taken, self.calls = self.calls, []
        return taken


def open_durable(
    folder: Path, disk: Disk | None = None, *, durable: frozenset[Kind] = DURABLE, segment_bytes: int = 2**24
) -> Spool:
    disk = disk or Disk()
    limits = SpoolLimits(segment_bytes=segment_bytes)
    return Spool.open(
        folder, now=NOW, random=seeded(), limits=limits, write=disk.write, sync=disk.sync, durable=durable
    )


def test_a_durable_kind_is_synced_before_the_append_returns_and_no_other_is(spool_dir: Path) -> None:
    disk = Disk()
    spool = open_durable(spool_dir, disk)
    disk.take()
    spool.append([connect(ONE)], now=NOW)
    assert disk.take() == ["write"]
    spool.append([query(ONE, 1), completion(ONE, 1), decision(ONE), query(ONE, 2)], now=NOW)
    assert disk.take() == ["write", "sync", "write"], "one sync for all of them, then the mark"
    spool.append([query(ONE, 3)], now=NOW, durable=True)
    assert disk.take() == ["write", "sync", "write"]
    spool.close(now=NOW)
    assert [entry.kind.name for entry in entries_of(spool_dir)] == [
        "CONNECT", "REQUEST", "COMPLETION", "DECISION", "REQUEST", "REQUEST",
    ]  # fmt: skip


def test_a_spool_that_was_opened_without_kinds_syncs_where_an_append_asks_for_it(spool_dir: Path) -> None:
    disk = Disk()
    spool = Spool.open(spool_dir, now=NOW, write=disk.write, sync=disk.sync)
    disk.take()
    spool.append([query(ONE, 1)], now=NOW, durable=True)
    assert disk.take() == ["write", "sync", "write"]
    spool.append([query(ONE, 2)], now=NOW)
    assert disk.take() == ["write"]
    assert list_segments(spool_dir)[0].path.stat().st_size < 1000, "and allocates nothing"
    spool.close(now=NOW)


def test_blocks_are_there_before_they_are_written_to_and_go_when_the_spool_is_closed(spool_dir: Path) -> None:
    spool = open_durable(spool_dir)
    file = list_segments(spool_dir)[0].path
    spool.append([connect(ONE), query(ONE, 1)], now=NOW)
    assert file.stat().st_size == PREALLOCATED_BYTES
    assert file.stat().st_blocks * 512 >= PREALLOCATED_BYTES, "real ones, no hole"
    spool.append([query(ONE, 2, b"x" * PREALLOCATED_BYTES)], now=NOW)
    assert file.stat().st_size == 2 * PREALLOCATED_BYTES
    reader = SpoolReader(spool_dir)
    assert sum(isinstance(record, Entry) for record in reader.read()) == 3
    assert reader.torn is None
    spool.close(now=NOW)
    list(reader.read())
    assert file.stat().st_size == reader.offset


def test_after_a_kill_the_zeros_are_no_torn_write(spool_dir: Path) -> None:
    spool = open_durable(spool_dir)
    spool.append([*conversation(ONE), connect(TWO)], now=NOW)
    spool._release()
    file = list_segments(spool_dir)[0].path
    with file.open("ab") as grown:  # as `close` was never reached
        grown.write(bytes(PREALLOCATED_BYTES - file.stat().st_size))
    again = open_durable(spool_dir)
    assert again.recovered == Recovered(sessions=(TWO,))
    again.append(conversation(session_id(3)), now=NOW)
    again.close(now=NOW)
    entries = entries_of(spool_dir)
    assert [entry.sequence for entry in entries] == list(range(len(entries)))


def test_a_torn_write_in_front_of_zeros_is_cut_at_every_byte(spool_dir: Path) -> None:
    spool = open_durable(spool_dir)
    spool.append([connect(ONE), query(ONE, 1)], now=NOW)
    file = list_segments(spool_dir)[0].path
    reader = SpoolReader(spool_dir)
    list(reader.read())
    start = reader.offset
    spool.append([query(ONE, 2, b"the last one")], now=NOW)
    list(reader.read())
    whole = file.read_bytes()
    spool._release()
    for cut in range(start, reader.offset, 3):
        kept = whole[:cut].ljust(PREALLOCATED_BYTES, b"\0")
        file.write_bytes(kept)
        again = open_durable(spool_dir)
        assert again.recovered.cut_bytes == len(kept[start:].rstrip(b"\0"))
        assert again.recovered.requests == ((ONE, 1),)
        again.close(now=NOW)


@pytest.mark.parametrize("seed", range(12))
def test_a_loss_of_power_takes_nothing_that_was_synced_whatever_pages_it_kept(
    spool_dir: Path, seed: int
) -> None:
    source = random.Random(seed)  # noqa: S311  # pages, not secrets
    spool = open_durable(spool_dir)
    file = list_segments(spool_dir)[0].path
    spool.append([connect(ONE), *(query(ONE, number, b"y" * 200) for number in range(1, 40))], now=NOW)
    spool.append([decision(ONE)], now=NOW)
    synced = file.read_bytes()
    on_disk = len(synced.rstrip(b"\0"))  # the mark may or may not be
    for number in range(40, 90):
        spool.append([query(ONE, number, b"z" * source.randrange(600))], now=NOW)
    data = bytearray(file.read_bytes())
    spool._release()
    for at in range(on_disk // 512 * 512, len(data), 512):
        if source.random() < 0.5:  # as a coin falls
            data[at : at + 512] = synced[at : at + 512]  # as it was at the sync: what came later is lost
    file.write_bytes(data)
    again = open_durable(spool_dir)
    again.append(conversation(TWO), now=NOW)
    again.close(now=NOW)
    entries = entries_of(spool_dir)
    assert [entry.sequence for entry in entries] == list(range(len(entries)))
    requests = [entry.request for entry in entries if entry.session == ONE and entry.kind is Kind.REQUEST]
    assert requests == list(range(1, len(requests) + 1))
    assert len(requests) >= 39
    assert any(entry.kind is Kind.DECISION for entry in entries)


def test_damage_before_what_was_synced_is_refused(spool_dir: Path) -> None:
    spool = open_durable(spool_dir)
    spool.append([connect(ONE), *(query(ONE, number, b"y" * 200) for number in range(1, 20))], now=NOW)
    spool.append([end(ONE)], now=NOW)
    file = list_segments(spool_dir)[0].path
    whole = file.read_bytes()
    spool._release()
    length = len(whole.rstrip(b"\0"))
    for at in range(0, length - 700, 211):
        file.write_bytes(whole[:at] + bytes(512) + whole[at + 512 :])
        with pytest.raises(MalformedError, match=r"at offset \d+"):
            open_durable(spool_dir)


def test_after_a_sync_that_failed_nothing_is_tried_again(spool_dir: Path) -> None:
    disk = Disk(fail_at=2)
    spool = open_durable(spool_dir, disk)
    spool.append([decision(ONE)], now=NOW)
    with pytest.raises(StoreError, match="could not be synced: Input/output error") as caught:
        spool.append([decision(TWO)], now=NOW)
    assert caught.value.may_have_been_stored is None
    disk.take()
    with pytest.raises(StoreError, match="a write to it failed"):
        spool.append([decision(TWO)], now=NOW)
    with pytest.raises(StoreError, match="a write to it failed"):
        spool.tick(now=NOW)
    spool.close(now=NOW)
    assert disk.take() == []


def test_a_folder_that_cannot_be_synced_ends_the_spool_too(
    spool_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_file: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    spool = open_durable(spool_dir)
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StoreError, match="could not be synced"):
        spool.append([decision(ONE)], now=NOW)
    with pytest.raises(StoreError, match="a write to it failed"):
        spool.append([connect(ONE)], now=NOW)
    spool.close(now=NOW)


def test_a_segment_that_is_left_is_synced_and_cut_first(spool_dir: Path) -> None:
    disk = Disk()
    spool = open_durable(spool_dir, disk, durable=frozenset(), segment_bytes=700)
    disk.take()
    for number in range(1, 30):
        spool.append([query(ONE, number, b"z" * 50)], now=NOW)
    assert disk.take().count("sync") == len(list_segments(spool_dir)) - 1 > 2
    sizes = [segment.path.stat().st_size for segment in list_segments(spool_dir)]
    assert sizes[-1] == PREALLOCATED_BYTES
    assert max(sizes[:-1]) < 2_000
    spool.close(now=NOW)
    assert len(entries_of(spool_dir)) == 29


def test_it_is_published_and_checked_as_any_other_and_goes_on_without_syncs(world: World) -> None:
    spool = open_durable(world.spool_dir, segment_bytes=2_000)
    for number in range(30):
        spool.append(conversation(session_id(number)), now=NOW)
        if number == 15:  # in the middle, while it is open
            world.publish()
    spool.close(now=NOW)
    spool = open_spool(world.spool_dir, seed=3)
    spool.append(conversation(session_id(31)), now=NOW)
    spool.close(now=NOW)
    assert world.publish() == 31 * 4
    assert world.found() == []
    assert len(list(read_spool(world.spool_dir))) > 0


def lose_page(file: Path, synced: bytes, page: int = 2) -> None:
    """Take what one page got since the last sync from a file, as a loss of power may that kept later pages."""
    data = bytearray(file.read_bytes())
    at = page * 4096
    assert len(data) > at + 2 * 4096, "pages behind it stay"
    kept = synced[at : at + 4096]
    data[at : at + 4096] = kept.ljust(4096, b"\0")
    file.write_bytes(data)


def cut_file(spool: Spool, folder: Path, cut: str, sync: Callable[[int], None]) -> None:
    """Do what cuts a spool's file to what is in it."""
    if cut == "closing":
        spool.close(now=NOW)
    elif cut == "leaving":
        spool.append([query(ONE, 2)], now=NOW)
    else:
        os.close(spool._lock)  # as a kill does
        spool._lock = -1
        Spool.open(folder, now=NOW, random=seeded(), sync=sync, durable=DURABLE)


@pytest.mark.parametrize("cut", ["closing", "leaving", "opening"])
def test_where_the_power_goes_as_a_file_is_cut_what_was_not_on_the_disk_is_a_torn_end(
    spool_dir: Path, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    spool = open_durable(spool_dir, segment_bytes=40_000)
    file = list_segments(spool_dir)[0].path
    on_disk: dict[int, bytes] = {}

    def sync(handle: int) -> None:
        os.fdatasync(handle)
        if os.fstat(handle).st_ino == file.stat().st_ino:
            on_disk[0] = file.read_bytes()

    def power_goes(handle: int, size: int) -> None:
        if os.fstat(handle).st_ino == file.stat().st_ino:
            truncate(handle, size)
            raise RuntimeError("the power goes")

    truncate = os.ftruncate
    spool._file._sync_once = sync
    spool.append([decision(ONE)], now=NOW)
    for number in range(1, 120):
        spool.append([query(ONE, number, b"x" * 200)], now=NOW)
    if cut == "leaving":
        spool.append([query(ONE, 1, b"x" * 20_000)], now=NOW)
    with monkeypatch.context() as patched:
        patched.setattr(os, "ftruncate", power_goes)
        with pytest.raises(RuntimeError, match="the power goes"):
            cut_file(spool, spool_dir, cut, sync)
    spool.fail()
    spool._release()
    lose_page(file, on_disk[0])
    again = open_durable(spool_dir)
    again.append(conversation(TWO), now=NOW)
    again.close(now=NOW)
    entries = entries_of(spool_dir)
    assert [entry.sequence for entry in entries] == list(range(len(entries)))
    assert any(entry.kind is Kind.DECISION for entry in entries)


@pytest.mark.parametrize("cut", ["closing", "leaving", "opening"])
def test_where_a_sync_before_a_cut_fails_nothing_is_cut_and_it_is_said(spool_dir: Path, cut: str) -> None:
    disk = Disk(fail_at=1)
    spool = open_durable(spool_dir, disk, segment_bytes=400)
    file = list_segments(spool_dir)[0].path
    spool.append([query(ONE, 1, b"x" * 400)], now=NOW)
    with pytest.raises(UnsyncedError):
        cut_file(spool, spool_dir, cut, disk.sync)
    assert file.stat().st_size == PREALLOCATED_BYTES
    if cut == "leaving":
        spool.close(now=NOW)
    assert disk.calls.count("sync") == 1, "and the disk is not asked again"
    open_durable(spool_dir).close(now=NOW)
    assert len(entries_of(spool_dir)) >= 1


def test_a_new_segment_is_on_the_disk_before_it_has_its_name(
    spool_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a loss of power may leave the name of a file with nothing in it, which no spool opens."""
    spool = open_durable(spool_dir, segment_bytes=400)
    synced: dict[int, int] = {}
    fsync = os.fsync

    def sync(handle: int) -> None:
        fsync(handle)
        synced[os.fstat(handle).st_ino] = os.fstat(handle).st_size

    monkeypatch.setattr(os, "fsync", sync)
    spool.append([query(ONE, 1, b"x" * 400)], now=NOW)
    spool.append([query(ONE, 2)], now=NOW)
    new = list_segments(spool_dir)[1].path
    assert synced[new.stat().st_ino] > 0
    spool.close(now=NOW)


def test_a_file_has_its_whole_size_before_a_page_of_it_is_written(
    spool_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its size a reader tells pages that may be missing from damage, so no loss of power may leave another."""
    spool = open_durable(spool_dir)
    sizes: list[int] = []
    pwrite = os.pwrite

    def write(handle: int, data: bytes, at: int) -> int:
        sizes.append(os.fstat(handle).st_size)
        return pwrite(handle, data, at)

    monkeypatch.setattr(os, "pwrite", write)
    spool.append([query(ONE, 1)], now=NOW)
    spool.append([query(ONE, 2, b"x" * PREALLOCATED_BYTES)], now=NOW)
    assert sizes == [PREALLOCATED_BYTES, 2 * PREALLOCATED_BYTES]
    spool.close(now=NOW)


def fill_to(spool: Spool, size: int) -> None:
    """Append until a spool's file holds so many bytes, which no block's close follows."""
    number = 1
    while spool._file.size < size - 70_000:
        spool.append([query(ONE, number, b"x" * 60_000)], now=NOW)
        number += 1
    before = spool._file.size
    spool.append([query(ONE, number)], now=NOW)
    empty = spool._file.size - before - len(b"SELECT 1")
    spool.append([query(ONE, number + 1, b"y" * (size - spool._file.size - empty))], now=NOW)
    assert spool._file.size == size


@pytest.mark.parametrize("blocks", [1, 2])
def test_a_file_that_holds_whole_blocks_by_chance_is_not_taken_for_one_that_syncs(
    spool_dir: Path, blocks: int
) -> None:
    """Its size alone tells nothing: clients choose lengths, and damage in its middle is no torn end."""
    spool = Spool.open(spool_dir, now=NOW, random=seeded())
    spool.append([connect(ONE), *(query(ONE, number) for number in range(900, 940))], now=NOW)
    fill_to(spool, blocks * PREALLOCATED_BYTES)
    file = list_segments(spool_dir)[0].path
    os.close(spool._lock)  # as a kill does
    whole = file.read_bytes()
    assert len(whole) == blocks * PREALLOCATED_BYTES
    assert len(entries_of(spool_dir)) > 40
    file.write_bytes(whole[:2_000] + bytes(100) + whole[2_100:])
    with pytest.raises(MalformedError, match=r"at offset \d+: expected a whole record"):
        open_spool(spool_dir)
    assert file.stat().st_size == len(whole), "nothing is cut"
    file.write_bytes(whole[:-50] + bytes(50))
    assert open_spool(spool_dir).recovered.cut_bytes > 50, "and the end may be torn, as ever"


@pytest.mark.parametrize("left", [0, 1, 63, 64, 65])
def test_a_file_that_syncs_ends_in_zeros_however_full_it_is(spool_dir: Path, left: int) -> None:
    spool = open_durable(spool_dir)
    file = list_segments(spool_dir)[0].path
    spool.append([decision(ONE)], now=NOW)
    synced = file.read_bytes()
    fill_to(spool, PREALLOCATED_BYTES - left)
    assert file.read_bytes().endswith(bytes(64))
    assert file.stat().st_size == PREALLOCATED_BYTES * (1 if left >= 64 else 2)
    os.close(spool._lock)
    lose_page(file, synced)
    again = open_durable(spool_dir)
    assert again.recovered.cut_bytes > 900_000, "pages that a loss of power kept out of order"
    again.close(now=NOW)


@pytest.mark.parametrize("stored", [0, 150, 400])
def test_where_the_power_goes_after_a_write_failed_what_was_not_on_the_disk_is_a_torn_end(
    spool_dir: Path, stored: int
) -> None:
    """No sync may be asked of it then, since one may run; so it keeps the size by which it is known."""

    def fail(handle: int, data: bytes) -> int:
        os.write(handle, data[:stored])
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    spool = open_durable(spool_dir)
    file = list_segments(spool_dir)[0].path
    spool.append([decision(ONE)], now=NOW)
    synced = file.read_bytes()
    for number in range(1, 120):
        spool.append([query(ONE, number, b"x" * 200)], now=NOW)
    spool._file._write_once = fail
    with pytest.raises(StoreError, match="could not be written") as caught:
        spool.append([query(ONE, 120, b"x" * 200), query(ONE, 121, b"x" * 200)], now=NOW)
    assert caught.value.may_have_been_stored is (stored == 400)
    spool.close(now=NOW)
    reader = SpoolReader(spool_dir)
    list(reader.read())
    assert reader.torn is None, "what is no whole record is gone"
    lose_page(file, synced)
    again = open_durable(spool_dir)
    assert again.recovered.cut_bytes > 0
    again.close(now=NOW)
    assert any(entry.kind is Kind.DECISION for entry in entries_of(spool_dir))
