"""Every call of a publisher's passes that changes a disk made to fail: not done, done, or done by half. Then fsck."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from doorward.errors import StoreError, UnsyncedError
from doorward.notes.note import Signer
from doorward.record import log as log_module
from doorward.record.openings import MemoryDisclosures
from doorward.record.spool import Spool, SpoolLimits
from doorward.record.workers import worker_folder
from record.samples import NOW, World, conversation, log_files, seeded, session_id

CHANGING: Final = ("open", "write", "pwrite", "fsync", "fdatasync", "ftruncate", "rename", "unlink", "mkdir")
SMALL: Final = SpoolLimits(segment_bytes=1_500)
PUBLISHERS: Final = 60


class Disk:
    """The calls of `os` that change a disk, counted; one of them fails.

    Attributes:
        failed: The name of the one that did.
    """

    def __init__(self, fail_at: int, how: str) -> None:
        self.calls = 0
        self.failed = ""
        self._fail_at = fail_at
        self._how = how

    def _call(self, name: str, real: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        self.calls += 1
        if self.calls != self._fail_at:
            return real(*arguments, **named)
        self.failed = name
        if self._how == "by half" and name in {"write", "pwrite"}:
            file, data, *rest = arguments
            return real(file, bytes(data)[: len(data) // 2], *rest)
        if self._how == "done":
            done = real(*arguments, **named)
            if name == "open":
                os.close(done)
        code = errno.ENOSPC if name in {"write", "pwrite", "open", "mkdir"} else errno.EIO
        raise OSError(code, os.strerror(code))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name in CHANGING:
                real = getattr(os, name)
                patch.setattr(os, name, lambda *a, name=name, real=real, **k: self._call(name, real, *a, **k))
            yield


def record(folder: Path) -> None:
    for worker in (0, 1):
        spool = Spool.open(
            worker_folder(folder, worker), now=NOW, random=seeded(worker), limits=SMALL, worker=worker
        )
        for number in range(4):
            spool.append(conversation(session_id(10 * worker + number), 2), now=NOW)
        spool.close(now=NOW)


def publish_through(world: World, disk: Disk) -> int:
    """Publish everything, beginning again after each failure; return how often a publisher was opened."""
    opened = 0
    with disk.in_place():
        for opened in range(1, PUBLISHERS):
            try:
                with closing(world.publisher()) as publisher:
                    while True:
                        try:
                            if not publisher.publish_once():
                                return opened
                        except UnsyncedError:
                            raise
                        except StoreError:
                            continue
            except StoreError:
                continue
    pytest.fail("it never came to an end")


def run_with(tmp_path: Path, signer: Signer, *, fail_at: int, how: str) -> tuple[World, Disk]:
    world = World(tmp_path / f"{how}-{fail_at}", signer, MemoryDisclosures())
    shutil.copytree(tmp_path / "kept", world.spool_dir)
    disk = Disk(fail_at, how)
    opened = publish_through(world, disk)
    assert opened == 1 or disk.failed in {"fsync", "fdatasync"} or disk.calls > fail_at
    return world, disk


def check_all(tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch, step: int) -> set[str]:
    monkeypatch.setattr(log_module, "MAX_PASS_BLOCKS", 20)
    record(tmp_path / "kept")
    undisturbed, disk = run_with(tmp_path, signer, fail_at=0, how="not done")
    wanted, failed = log_files(undisturbed.log_dir), set()
    wanted.pop(".new", None)
    for how in ("not done", "done", "by half"):
        for fail_at in range(1, disk.calls + 1, step):
            world, broken = run_with(tmp_path, signer, fail_at=fail_at, how=how)
            assert world.found() == [], (how, fail_at, broken.failed)
            made = log_files(world.log_dir)
            made.pop(".new", None)
            assert made == wanted, (how, fail_at, broken.failed)
            failed.add(broken.failed)
            shutil.rmtree(world.folder)
    return failed


def test_a_call_that_fails_leaves_a_record_that_holds_and_the_same_log(
    tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check_all(tmp_path, signer, monkeypatch, 5) >= {"open", "write", "fsync", "rename"}


@pytest.mark.long
def test_every_call_that_fails_leaves_a_record_that_holds_and_the_same_log(
    tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check_all(tmp_path, signer, monkeypatch, 1) >= set(CHANGING) - {"mkdir"}
