"""Every system call of a spool's appends interrupted from outside, by strace: an error, a kill, a lie about the length.

The child waits, strace takes hold of it, then it appends, over the end of a segment and to the close. What it was told
to be recorded it counts in memory that it shares with the test. Afterwards the spool is opened, published and checked.
"""

import ctypes
import mmap
import os
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from doorward.errors import DoorwardError
from doorward.notes.note import Signer
from doorward.record.entry import Kind
from doorward.record.openings import MemoryDisclosures
from doorward.record.spool import Spool, SpoolLimits
from record.samples import NOW, World, completion, connect, end, entries_of, query, seeded, session_id

STRACE: Final = shutil.which("strace")
pytestmark = pytest.mark.skipif(STRACE is None, reason="strace is not installed; .ci/run installs it")

ONE, EARLIER = session_id(1), session_id(3)
BATCHES: Final = 5
TIMEOUT: Final = 60
WRITING: Final = ("write", "pwrite64", "fdatasync", "fsync", "rename", "ftruncate")
OTHERS: Final = (
    "openat",
    "close",
    "lseek",
    "mkdir",
    "flock",
    "fstat",
    "newfstatat",
    "getdents64",
    "read",
    "getrandom",
)
SET_PTRACER: Final = 0x59616D61  # PR_SET_PTRACER: a tracer that is no ancestor, where the system asks for it
DURABLE: Final = frozenset({Kind.COMPLETION})


@pytest.fixture(scope="module", autouse=True)
def no_wait() -> None:
    """Syncs are made here: they are among the calls that are interrupted."""


@dataclass
class Run:
    """What became of one child.

    Args:
        told: Up to which request it was told that everything is recorded.
        was_hit: Whether strace found such a call.
    """

    told: int
    was_hit: bool


def append_all(folder: Path, told: mmap.mmap, durable: frozenset[Kind] | None) -> None:
    try:
        limits = SpoolLimits(segment_bytes=700)
        spool = Spool.open(folder, now=NOW, random=seeded(), limits=limits, durable=durable)
        spool.append([connect(EARLIER), end(EARLIER)], now=NOW)
        spool.close(now=NOW)
        spool = Spool.open(folder, now=NOW, random=seeded(2), limits=limits, durable=durable)
        spool.append([connect(ONE)], now=NOW)
        for number in range(1, BATCHES + 1):
            spool.append([query(ONE, number, b"x" * 150), completion(ONE, number)], now=NOW)
            told[0] = number
        spool.append([end(ONE)], now=NOW)
        spool.close(now=NOW)
    except DoorwardError:
        os._exit(7)
    except BaseException:  # a failure that is not said in words, and the child must not go on as pytest
        os._exit(9)
    os._exit(0)


def run_interrupted(folder: Path, inject: str, durable: frozenset[Kind] | None) -> Run:
    told = mmap.mmap(-1, 1)
    ready, go = os.pipe()
    pid = os.fork()
    if pid == 0:  # pragma: no cover  # under strace
        ctypes.CDLL(None).prctl(SET_PTRACER, ctypes.c_ulong(2**64 - 1), 0, 0, 0)
        os.close(go)
        with suppress(OSError):  # it may be the one that is interrupted
            os.read(ready, 1)
        append_all(folder, told, durable)
    os.close(ready)
    names = inject.partition(":")[0]
    tracer = subprocess.Popen(
        [STRACE or "", "-f", "-q", "-p", str(pid), "-e", f"trace={names}", "-e", f"inject={inject}"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert tracer.stderr is not None
    try:
        wait_until_traced(pid, tracer)
        os.close(go)  # the child's read ends
        said = tracer.stderr.read()
        tracer.wait(TIMEOUT)
    finally:
        tracer.kill()
        tracer.wait()
        tracer.stderr.close()
        ended = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert ended in {0, 7, -signal.SIGKILL}, (inject, ended, said[-2000:])
    return Run(told[0], "INJECTED" in said or ended == -signal.SIGKILL)


def wait_until_traced(pid: int, tracer: subprocess.Popen[str]) -> None:
    status = Path(f"/proc/{pid}/status")
    while not re.search(r"^TracerPid:\t[1-9]", status.read_text(), re.MULTILINE):
        has_ended = tracer.poll() is not None
        if "State:\tZ" in status.read_text():
            return  # killed in the call in which it waits
        if has_ended:
            os.kill(pid, signal.SIGKILL)
            pytest.skip("nothing may be traced here")


def check(folder: Path, signer: Signer, run: Run) -> None:
    """Recover, publish, check: nothing that was told is missing, and nothing is there twice."""
    world = World(folder, signer, MemoryDisclosures())
    spool = Spool.open(world.spool_dir, now=NOW, random=seeded(1))
    spool.append([connect(session_id(2)), end(session_id(2))], now=NOW)
    spool.close(now=NOW)
    entries = entries_of(world.spool_dir)
    assert [entry.sequence for entry in entries] == list(range(len(entries)))
    requests = [entry.request for entry in entries if entry.kind is Kind.REQUEST]
    assert requests == list(range(1, len(requests) + 1))
    assert len(requests) >= run.told
    world.publish()
    assert world.found() == []


def interrupt_all(
    tmp_path: Path, signer: Signer, calls: tuple[str, ...], faults: tuple[str, ...], step: int
) -> dict[str, int]:
    hit: dict[str, int] = {}
    for durable in (None, DURABLE):
        for call in calls:
            for fault in faults:
                if fault.startswith("retval") and call not in {"write", "pwrite64"}:
                    continue
                for number in range(1, 100, step):
                    folder = tmp_path / "one"
                    run = run_interrupted(folder / "spool", f"{call}:{fault}:when={number}", durable)
                    try:
                        check(folder, signer, run)
                    except BaseException:
                        print(durable, call, fault, number)  # which one it was
                        raise
                    shutil.rmtree(folder)
                    if not run.was_hit:
                        break
                    hit[call] = hit.get(call, 0) + 1
    return hit


def test_a_call_that_fails_or_a_kill_in_it_loses_nothing_that_was_told(
    tmp_path: Path, signer: Signer
) -> None:
    hit = interrupt_all(tmp_path, signer, WRITING, ("error=EIO", "signal=SIGKILL"), 3)
    assert set(hit) == set(WRITING)


@pytest.mark.long
@pytest.mark.parametrize("call", WRITING + OTHERS)
def test_every_call_that_fails_is_interrupted_or_lies_loses_nothing_that_was_told(
    tmp_path: Path, signer: Signer, call: str
) -> None:
    faults = ("error=EIO", "error=ENOSPC", "error=EINTR", "signal=SIGKILL", "retval=1", "retval=0")
    hit = interrupt_all(tmp_path, signer, (call,), faults, 1)
    assert hit or call in {"mkdir", "fstat", "getrandom"}, "which calls there are is the system's to say"
