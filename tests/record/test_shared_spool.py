"""A spool of several threads: whoever waits for the disk waits with the others."""

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from doorward.errors import MalformedError, StoreError, UnsyncedError
from doorward.record.entry import Draft, Kind
from doorward.record.shared_spool import SharedSpool
from doorward.record.spool import Spool, SpoolLimits
from record.samples import NOW, end, entries_of, query, seeded, session_id

ONE = session_id(1)


class Disk:
    """A disk that stands still until it is told to go on, and fails at one sync."""

    def __init__(self, fail_at: int = 0, what: type[BaseException] = OSError) -> None:
        self.fail_at, self.what, self.syncs, self.writes, self.covered = fail_at, what, 0, 0, 0
        self.has_begun, self.goes_on = threading.Event(), threading.Event()

    def write(self, file: int, data: bytes) -> int:
        self.writes += 1
        return os.write(file, data)

    def sync(self, file: int) -> None:
        self.syncs += 1
        covers = self.writes
        self.has_begun.set()
        assert self.goes_on.wait(30)
        if self.syncs == self.fail_at:
            raise self.what(errno.EIO, os.strerror(errno.EIO))
        os.fdatasync(file)
        self.covered = covers


def open_shared(folder: Path, disk: Disk) -> tuple[SharedSpool, Spool]:
    durable = frozenset({Kind.END})
    spool = Spool.open(folder, now=NOW, random=seeded(), write=disk.write, sync=disk.sync, durable=durable)
    return SharedSpool(spool), spool


def wait_for_entries(spool: Spool, count: int) -> None:
    while spool.last_sequence + 1 < count:
        threading.Event().wait(0.001)


def test_threads_that_wait_share_a_sync_and_others_do_not_wait(spool_dir: Path) -> None:
    disk = Disk()
    shared, spool = open_shared(spool_dir, disk)
    with ThreadPoolExecutor(9) as threads:
        first = threads.submit(shared.append, [end(session_id(1))], now=NOW)
        assert disk.has_begun.wait(30)
        assert shared.append([query(ONE, 1)], now=NOW) == 1, "which waits for no disk"
        others = [threads.submit(shared.append, [end(session_id(n))], now=NOW) for n in range(2, 9)]
        wait_for_entries(spool, 9)
        assert not any(each.done() for each in (first, *others))
        disk.goes_on.set()
        assert first.result(30) == 0
        assert sorted(each.result(30) for each in others) == list(range(2, 9))
    assert disk.syncs == 2, "one for the first, one for seven"
    shared.close(now=NOW)
    assert len(entries_of(spool_dir)) == 9


@pytest.mark.parametrize("fail_at", [1, 2])
def test_a_sync_that_fails_is_told_to_everybody_who_waits_and_to_all_that_come(
    spool_dir: Path, fail_at: int
) -> None:
    disk = Disk(fail_at)
    shared, spool = open_shared(spool_dir, disk)
    with ThreadPoolExecutor(5) as threads:
        first = threads.submit(shared.append, [end(session_id(1))], now=NOW)
        assert disk.has_begun.wait(30)
        others = [threads.submit(shared.append, [end(session_id(n))], now=NOW) for n in range(2, 6)]
        wait_for_entries(spool, 5)
        disk.goes_on.set()
        lost = [first, *others] if fail_at == 1 else others
        for each in lost:
            with pytest.raises(UnsyncedError, match="could not be synced"):
                each.result(30)
        assert fail_at == 1 or first.result(30) == 0
    with pytest.raises(StoreError, match="a write to it failed"):
        shared.append([query(ONE, 1)], now=NOW)
    shared.close(now=NOW)
    assert disk.syncs == fail_at, "and the disk is not asked again"


def test_a_close_waits_for_those_who_wait(spool_dir: Path) -> None:
    disk = Disk()
    shared, _ = open_shared(spool_dir, disk)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(shared.append, [end(ONE)], now=NOW)
        assert disk.has_begun.wait(30)
        closing = threads.submit(shared.close, now=NOW)
        threading.Event().wait(0.02)
        assert not closing.done()
        disk.goes_on.set()
        assert first.result(30) == 0
        closing.result(30)
    with pytest.raises(StoreError, match="the spool is closed"):
        shared.append([end(ONE)], now=NOW)


def test_what_is_no_entry_is_refused_and_holds_nobody_up(spool_dir: Path) -> None:
    disk = Disk()
    disk.goes_on.set()
    shared, _ = open_shared(spool_dir, disk)
    with pytest.raises(MalformedError):
        shared.append([Draft(Kind.END, b"short", 0, ())], now=NOW)
    assert shared.append([end(ONE)], now=NOW) == 0
    shared.close(now=NOW)


def test_many_threads_at_once_lose_nothing_and_keep_their_own_order(spool_dir: Path) -> None:
    disk = Disk()
    disk.goes_on.set()
    shared, _ = open_shared(spool_dir, disk)

    def work(number: int) -> list[int]:
        one, told = session_id(number), []
        for request in range(1, 16):
            told.append(shared.append([query(one, request)], now=NOW, durable=True))
            assert disk.covered >= 1
        return told

    with ThreadPoolExecutor(6) as threads:
        told = [each.result(60) for each in [threads.submit(work, number) for number in range(6)]]
    shared.close(now=NOW)
    entries = entries_of(spool_dir)
    assert sorted(sum(told, [])) == [entry.sequence for entry in entries] == list(range(90))  # noqa: RUF017  # few
    for number in range(6):
        mine = [entry for entry in entries if entry.session == session_id(number)]
        assert [entry.request for entry in mine] == list(range(1, 16))
        assert [entry.sequence for entry in mine] == told[number]


@pytest.mark.parametrize("what", [MemoryError, KeyboardInterrupt, SystemExit])
def test_a_sync_that_ends_by_anything_ends_the_spool_for_good_and_nobody_hangs(
    spool_dir: Path, what: type[BaseException]
) -> None:
    disk = Disk(1, what)
    shared, spool = open_shared(spool_dir, disk)
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(shared.append, [end(session_id(1))], now=NOW)
        assert disk.has_begun.wait(30)
        others = [threads.submit(shared.append, [end(session_id(n))], now=NOW) for n in range(2, 4)]
        wait_for_entries(spool, 3)
        disk.goes_on.set()
        with pytest.raises(what):
            first.result(30)
        for each in others:
            with pytest.raises(StoreError, match="was interrupted"):
                each.result(30)
        for draft in (end(session_id(4)), query(ONE, 1)):
            with pytest.raises(StoreError, match="a write to it failed"):
                threads.submit(shared.append, [draft], now=NOW).result(30)
        threads.submit(shared.close, now=NOW).result(30)
    assert disk.syncs == 1, "and the disk is not asked again"


@pytest.mark.parametrize("where", ["begin_sync", "end_sync"])
def test_what_fails_around_a_sync_ends_the_spool_too(
    spool_dir: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def refuse(*_arguments: object) -> None:
        raise MemoryError

    disk = Disk()
    disk.goes_on.set()
    shared, spool = open_shared(spool_dir, disk)
    monkeypatch.setattr(spool, where, refuse)
    with pytest.raises(MemoryError):
        shared.append([end(ONE)], now=NOW)
    monkeypatch.undo()
    with pytest.raises(StoreError, match="a write to it failed"):
        shared.append([query(ONE, 1)], now=NOW)
    shared.close(now=NOW)


def test_who_is_interrupted_while_others_sync_holds_up_no_close(
    spool_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk()
    shared, spool = open_shared(spool_dir, disk)

    def interrupt() -> None:
        raise KeyboardInterrupt

    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(shared.append, [end(session_id(1))], now=NOW)
        assert disk.has_begun.wait(30)
        monkeypatch.setattr(shared._turn, "wait", interrupt)
        with pytest.raises(KeyboardInterrupt):
            shared.append([end(session_id(2))], now=NOW)
        monkeypatch.undo()
        closing = threads.submit(shared.close, now=NOW)
        disk.goes_on.set()
        assert first.result(30) == 0
        closing.result(30)
    assert spool.last_sequence == 1, "what it wrote stays"


def refuse_write(_file: int, _data: bytes) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_who_is_covered_is_released_where_only_the_mark_of_it_cannot_be_written(spool_dir: Path) -> None:
    """It is on the disk, and will be published: to be told that nothing was recorded would be untrue."""
    disk = Disk()
    shared, spool = open_shared(spool_dir, disk)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(shared.append, [end(ONE)], now=NOW)
        assert disk.has_begun.wait(30)
        spool._file._write_once = refuse_write
        disk.goes_on.set()
        assert first.result(30) == 0
    with pytest.raises(StoreError, match="a write to it failed: the spool could not be written") as caught:
        shared.append([query(ONE, 1)], now=NOW)
    assert caught.value.may_have_been_stored is False, "of this one"
    assert caught.value.hint is not None
    assert "make room on the disk" in caught.value.hint
    shared.close(now=NOW)
    assert len(entries_of(spool_dir)) == 1


def test_at_the_bound_who_is_on_the_disk_is_told_so_and_the_next_is_told_why_it_is_refused(
    spool_dir: Path, tmp_path: Path
) -> None:
    probe = Spool.open(tmp_path / "probe", now=NOW, random=seeded(), durable=frozenset())
    probe.append([end(ONE)], now=NOW)
    limits = SpoolLimits(total_bytes=probe._file.size + 5)
    probe.close(now=NOW)
    kinds = frozenset({Kind.END})
    shared = SharedSpool(Spool.open(spool_dir, now=NOW, random=seeded(), limits=limits, durable=kinds))
    assert shared.append([end(ONE)], now=NOW) == 0
    with pytest.raises(StoreError, match="a write to it failed: the spool has reached its bound") as caught:
        shared.append([end(ONE)], now=NOW)
    assert caught.value.may_have_been_stored is False
    assert "the publisher takes no entries out" in str(caught.value.hint)
    shared.close(now=NOW)
    assert len(entries_of(spool_dir)) == 1


def test_where_somebody_elses_write_fails_each_is_told_what_became_of_theirs(spool_dir: Path) -> None:
    disk = Disk()
    shared, spool = open_shared(spool_dir, disk)
    with ThreadPoolExecutor(3) as threads:
        covered = threads.submit(shared.append, [end(session_id(1))], now=NOW)
        assert disk.has_begun.wait(30)
        joined = threads.submit(shared.append, [end(session_id(2))], now=NOW)
        wait_for_entries(spool, 2)
        spool._file._write_once = refuse_write
        with pytest.raises(StoreError, match="could not be written: no space left") as caught:
            shared.append([end(session_id(3))], now=NOW)
        assert caught.value.may_have_been_stored is False
        disk.goes_on.set()
        assert covered.result(30) == 0, "which the sync covered, and nothing takes it back"
        with pytest.raises(StoreError, match="a write to it failed") as caught:
            joined.result(30)
        assert caught.value.may_have_been_stored is True, "it was written, and no sync of it begins any more"
    assert disk.syncs == 1
    shared.close(now=NOW)
    assert [entry.session for entry in entries_of(spool_dir)] == [session_id(1), session_id(2)]
