"""Writes that fail: nothing, a part, or all of it stored; and disks that are full. Then recovery."""

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from doorward.errors import StoreError
from doorward.record.entry import Kind
from doorward.record.segments import list_segments
from doorward.record.spool import Spool, SpoolLimits
from record.samples import NOW, completion, connect, entries_of, open_spool, query, seeded, session_id

ONE = session_id(1)
LIMITS = SpoolLimits(segment_bytes=600)


class FailingWrite:
    """`os.write` that fails at one call: after storing nothing, so many bytes, or everything."""

    def __init__(self, fail_at: int, stored: int | None, *, says_short: bool = False) -> None:
        self.calls = 0
        self._fail_at = fail_at
        self._stored = stored
        self._says_short = says_short

    def __call__(self, file: int, data: bytes) -> int:
        self.calls += 1
        if self.calls != self._fail_at:
            return os.write(file, data)
        stored = len(data) if self._stored is None else min(self._stored, len(data) - 1)
        if stored:
            assert os.write(file, data[:stored]) == stored
        if self._says_short:
            return stored
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def load(spool: Spool) -> Iterator[int]:
    """Append query after query; yields what was acknowledged."""
    spool.append([connect(ONE)], now=NOW)
    for number in range(1, 12):
        spool.append([query(ONE, number), completion(ONE, number)], now=NOW)
        yield number


@pytest.mark.parametrize(
    ("stored", "says_short"),
    [(0, False), (1, False), (60, False), (150, False), (None, False), (0, True), (60, True), (150, True)],
)
@pytest.mark.parametrize("fail_at", range(1, 20))
@pytest.mark.parametrize("durable", [None, frozenset({Kind.COMPLETION})], ids=["", "synced"])
def test_after_a_failed_write_nothing_more_is_written_and_nothing_acknowledged_is_lost(
    spool_dir: Path, fail_at: int, stored: int | None, durable: frozenset[Kind] | None, *, says_short: bool
) -> None:
    write = FailingWrite(fail_at, stored, says_short=says_short)
    acknowledged: list[int] = []
    spool = None
    try:
        spool = Spool.open(spool_dir, now=NOW, random=seeded(), limits=LIMITS, write=write, durable=durable)
        for number in load(spool):
            acknowledged.append(number)  # noqa: PERF402  # kept where the next one fails
    except StoreError as error:
        assert error.hint is not None  # noqa: PT017  # where it fails depends on the parameters
        if spool is not None:
            calls = write.calls
            with pytest.raises(StoreError, match="a write to it failed"):
                spool.append([connect(ONE)], now=NOW)
            with pytest.raises(StoreError, match="a write to it failed"):
                spool.tick(now=NOW)
            spool.close(now=NOW)
            assert write.calls == calls
    else:
        assert write.calls < fail_at
        spool._release()
    again = open_spool(spool_dir, seed=1, limits=LIMITS)
    assert again.recovered.cut_bytes == 0, "a torn end was cut when the write failed"
    again.close(now=NOW)
    recorded = [entry.request for entry in entries_of(spool_dir) if entry.kind.name == "REQUEST"]
    assert recorded[: len(acknowledged)] == acknowledged
    assert len(recorded) <= len(acknowledged) + 1


@pytest.mark.parametrize(("stored", "may_have_been"), [(0, False), (20, False), (400, True), (None, True)])
def test_the_error_says_whether_something_may_have_been_stored(
    spool_dir: Path,
    stored: int | None,
    may_have_been: bool,  # noqa: FBT001  # a parameter of the case
) -> None:
    spool = Spool.open(spool_dir, now=NOW, write=FailingWrite(2, stored))
    with pytest.raises(StoreError, match="could not be written: input/output error") as caught:
        spool.append([connect(ONE), query(ONE, 1), query(ONE, 2), query(ONE, 3)], now=NOW)
    assert caught.value.may_have_been_stored is may_have_been


def test_where_not_even_the_size_is_known_the_error_says_nobody_knows(spool_dir: Path) -> None:
    def write(file: int, _data: bytes) -> int:
        if list_segments(spool_dir):
            os.close(file)
        return os.write(file, _data)

    spool = Spool.open(spool_dir, now=NOW, write=write)
    with pytest.raises(StoreError) as caught:
        spool.append([connect(ONE)], now=NOW)
    assert caught.value.may_have_been_stored is None
    spool._file._file = -1  # closed above


def test_a_close_that_fails_says_so_and_lets_go(spool_dir: Path) -> None:
    spool = Spool.open(spool_dir, now=NOW, write=FailingWrite(3, 0))
    spool.append([query(ONE, 1)], now=NOW)
    with pytest.raises(StoreError):
        spool.close(now=NOW)
    open_spool(spool_dir).close(now=NOW)


def test_a_folder_that_cannot_be_written_is_said(spool_dir: Path, tmp_path: Path) -> None:
    def refuse(_file: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(StoreError, match="could not be made: no space left on device"):
        Spool.open(spool_dir, now=NOW, write=refuse)
    (spool_dir / "segment.new").unlink()
    (spool_dir / "segment.new").mkdir()
    with pytest.raises(StoreError, match="could not be made: is a directory"):
        Spool.open(spool_dir, now=NOW)
    assert tmp_path.exists()


FULL = """
import sys
from pathlib import Path
from doorward.errors import StoreError
from doorward.record.spool import Spool
from record.samples import NOW, completion, connect, query, session_id

spool = Spool.open(Path(sys.argv[1]), now=NOW)
number = 0
try:
    while True:
        number += 1
        one = session_id(1)
        spool.append([query(one, number, b"x" * 900), completion(one, number)], now=NOW)
        print(number, flush=True)
except StoreError as error:
    print(error, error.may_have_been_stored, flush=True)
"""


def run_until_full(spool_dir: Path, limit_file_size: Callable[[], None] | None = None) -> tuple[int, str]:
    tests = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(spool_dir)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        preexec_fn=limit_file_size,
        env={**os.environ, "PYTHONPATH": str(tests)},
    )
    *acknowledged, error = done.stdout.strip().split("\n")
    return int(acknowledged[-1]), error


def check_recovered(spool_dir: Path, acknowledged: int) -> None:
    spool = open_spool(spool_dir, seed=1)
    spool.close(now=NOW)
    recorded = [entry.request for entry in entries_of(spool_dir) if entry.kind.name == "REQUEST"]
    assert recorded == list(range(1, len(recorded) + 1))
    assert acknowledged <= len(recorded) <= acknowledged + 1


def test_a_full_disk_ends_the_spool_and_loses_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting needs root; the next test makes a disk full in another way")
    try:
        acknowledged, error = run_until_full(disk / "spool")
        assert acknowledged > 50
        assert error.startswith("the spool could not be written: ")
        spare = tmp_path / "spare"
        subprocess.run(["cp", "-a", str(disk / "spool"), str(spare)], check=True)
        check_recovered(spare, acknowledged)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_file_that_may_not_grow_ends_the_spool_and_loses_nothing(spool_dir: Path) -> None:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    acknowledged, error = run_until_full(spool_dir, limit)
    assert acknowledged > 50
    assert error.startswith("the spool could not be written: ")
    check_recovered(spool_dir, acknowledged)


@pytest.mark.parametrize("durable", [None, frozenset({Kind.COMPLETION})], ids=["", "synced"])
@pytest.mark.parametrize("where", ["_check_bound", "_write_once"])
def test_a_write_that_ends_by_anything_ends_the_spool_for_good(
    spool_dir: Path, monkeypatch: pytest.MonkeyPatch, where: str, durable: frozenset[Kind] | None
) -> None:
    """Entries are counted before they are written, so one more append would leave a gap that no spool opens."""

    def refuse(*_arguments: object) -> int:
        raise MemoryError

    spool = Spool.open(spool_dir, now=NOW, random=seeded(), durable=durable)
    spool.append([connect(ONE), query(ONE, 1)], now=NOW)
    with monkeypatch.context() as patched:
        patched.setattr(spool._file, where, refuse)
        with pytest.raises(MemoryError):
            spool.append([query(ONE, 2)], now=NOW)
    with pytest.raises(StoreError, match="a write to it failed"):
        spool.append([query(ONE, 3)], now=NOW)
    spool.close(now=NOW)
    open_spool(spool_dir, seed=1).close(now=NOW)
    assert [entry.request for entry in entries_of(spool_dir) if entry.kind is Kind.REQUEST] == [1]
