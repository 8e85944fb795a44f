"""Sessions that share syncs, watched from outside: by strace for the order of calls, and killed at any moment.

The child records for several sessions at once and says on a pipe what each was told. Each entry has its session and
number in plain text, so that the write of it is found in the trace.
"""

import asyncio
import ctypes
import os
import random
import re
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from doorward.errors import StoreError
from doorward.gateway.syncing import Syncing
from doorward.record.entry import Field, Kind
from doorward.record.spool import Spool, SpoolLimits
from record.samples import NOW, entries_of, open_spool, query, seeded, session_id

STRACE: Final = shutil.which("strace")
SESSIONS: Final = 5
TIMEOUT: Final = 60
SET_PTRACER: Final = 0x59616D61  # PR_SET_PTRACER: a tracer that is no ancestor, where the system asks for it
SEGMENTS: Final = SpoolLimits(segment_bytes=10_000)
WRITE: Final = re.compile(r'(\d+) +write\((\d+), "(.*)"(?:\.\.\.)?, \d+(?:\) += (\d+)| <unfinished \.\.\.>)')
RESUMED: Final = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>.*\) += (-?\d+)")
SYNC: Final = re.compile(r"(\d+) +fdatasync\((\d+)(?:\) += (-?\d+)| <unfinished \.\.\.>)")
TEXT: Final = re.compile(r"session (\d+) number (\d+)!")
TOLD: Final = re.compile(r"told (\d+) (\d+)\\n")


class Session:
    """Records its next request as soon as it was told of the last one."""

    def __init__(self, spool: Spool, syncing: Syncing, number: int, rounds: int, out: int) -> None:
        self.spool, self.syncing, self.number, self.left, self.out = spool, syncing, number, rounds, out
        self.at = 0
        self.tasks: list[asyncio.Task[None]] = []
        self.is_done = asyncio.Event()

    def go(self) -> None:
        while self.at < self.left:
            self.at += 1
            text = b"session %d number %d!" % (self.number, self.at)
            waits = self.spool.write([query(session_id(self.number), self.at, text)], now=NOW, durable=True)
            if not self.syncing.wrote(self, waits=waits):
                if self.syncing.join(self):
                    self.tasks.append(asyncio.get_running_loop().create_task(self.syncing.run()))
                return
            self.tell()

    def tell(self) -> None:
        os.write(self.out, b"told %d %d\n" % (self.number, self.at))
        if self.at == self.left:
            self.is_done.set()

    def confirmed(self) -> None:
        self.tell()
        asyncio.get_running_loop().call_later(self.number % 3 * 0.0005, self.go)

    def lost(self) -> None:
        os._exit(8)

    def abort(self) -> None:
        raise AssertionError("a session could not be told")


def record_for_all(folder: Path, out: int, rounds: int) -> None:
    def fail(_error: StoreError) -> None:
        os._exit(7)

    async def work(spool: Spool) -> None:
        syncing = Syncing(spool, fail)
        # The last one has more to say, so that it is alone at the end.
        counts = [rounds] * (SESSIONS - 1) + [rounds * 2]
        sessions = [Session(spool, syncing, number, count, out) for number, count in enumerate(counts)]
        for session in sessions:
            session.go()
        await asyncio.gather(*[session.is_done.wait() for session in sessions])
        await asyncio.gather(*[task for session in sessions for task in session.tasks])

    try:
        spool = Spool.open(folder, now=NOW, random=seeded(), limits=SEGMENTS, durable=frozenset())
        asyncio.run(work(spool))
    except BaseException:  # the child must not go on as pytest
        os._exit(9)
    os._exit(0)


def start(folder: Path, rounds: int) -> tuple[int, int, int]:
    """Return the child, the pipe of what it was told, and a descriptor whose end lets it begin."""
    told, out = os.pipe()
    ready, go = os.pipe()
    pid = os.fork()
    if pid == 0:  # pragma: no cover  # ended by os._exit
        ctypes.CDLL(None).prctl(SET_PTRACER, ctypes.c_ulong(2**64 - 1), 0, 0, 0)
        os.close(go)
        os.read(ready, 1)
        record_for_all(folder, out, rounds)
    os.close(ready)
    os.close(out)
    return pid, told, go


def read_all(pipe: int, data: bytes = b"") -> list[tuple[int, int]]:
    while chunk := os.read(pipe, 65536):
        data += chunk
    os.close(pipe)
    lines = data.decode().split("\n")[:-1]  # what was not said to its end was not said
    return [(int(line.split()[1]), int(line.split()[2])) for line in lines]


def wait_until_traced(pid: int, tracer: "subprocess.Popen[str]") -> None:
    status = Path(f"/proc/{pid}/status")
    while not re.search(r"^TracerPid:\t[1-9]", status.read_text(), re.MULTILINE):
        if tracer.poll() is not None:
            os.kill(pid, signal.SIGKILL)
            pytest.skip("nothing may be traced here")
        time.sleep(0.001)


@pytest.mark.skipif(STRACE is None, reason="strace is not installed; .ci/run installs it")
def test_each_is_told_only_after_a_sync_that_began_behind_its_write_has_returned(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    pid, told, go = start(tmp_path / "spool", 12)
    tracer = subprocess.Popen(
        [
            STRACE or "",
            "-f",
            "-q",
            "-s",
            "4000",
            "-p",
            str(pid),
            "-e",
            "trace=write,fdatasync",
            "-o",
            str(trace),
        ],
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        wait_until_traced(pid, tracer)
        os.close(go)
        found = read_all(told)
        tracer.wait(TIMEOUT)
    finally:
        tracer.kill()
        tracer.wait()
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    told_in_trace, syncs, shared = check_trace(trace.read_text())
    assert told_in_trace == len(found) == 12 * (SESSIONS + 1)
    assert syncs < told_in_trace
    assert shared > SESSIONS, "groups there were"


def check_trace(trace: str) -> tuple[int, int, int]:
    """Return how many were told, how many syncs ended well, and how many of the told shared theirs."""
    written: dict[tuple[str, str], int] = {}  # each entry, and the line at which its write had returned
    begun: dict[str, int] = {}  # the line at which each thread's sync began
    pending: dict[str, list[tuple[str, str]]] = {}  # entries in a write that has not returned
    syncs: list[tuple[int, int]] = []
    by_sync: dict[tuple[int, int], int] = {}
    told = 0
    for at, line in enumerate(trace.split("\n")):
        if match := SYNC.match(line):
            if match[3] is None:
                begun[match[1]] = at
            elif match[3] == "0":
                syncs.append((at, at))
        elif match := RESUMED.match(line):
            if match[2] == "fdatasync" and match[3] == "0":
                syncs.append((begun.pop(match[1]), at))
            elif match[2] == "write":
                written |= dict.fromkeys(pending.pop(match[1], []), at)
        elif match := WRITE.match(line):
            if match[4] is None:
                pending[match[1]] = TEXT.findall(match[3])
            else:
                written |= dict.fromkeys(TEXT.findall(match[3]), at)
            for who in TOLD.findall(match[3]):
                told += 1
                covering = [sync for sync in syncs if sync[0] > written[who]]
                assert covering, f"{who} was told before it was on the disk: line {at}"
                by_sync[covering[0]] = by_sync.get(covering[0], 0) + 1
    return told, len(syncs), sum(count for count in by_sync.values() if count > 1)


def test_a_trace_in_which_somebody_is_told_too_early_is_found() -> None:
    early = """7 write(5, "session 1 number 1!", 19) = 19
8 fdatasync(5 <unfinished ...>
7 write(5, "session 2 number 1!", 19) = 19
8 <... fdatasync resumed>)                 = 0
7 write(4, "told 1 1\\n", 9) = 9
"""
    assert check_trace(early) == (1, 1, 0)
    with pytest.raises(AssertionError, match="was told before"):
        check_trace(early + '7 write(4, "told 2 1\\n", 9) = 9\n')


def kill_once(folder: Path, source: random.Random) -> int:
    pid, told, go = start(folder, 100)  # some six segments
    os.close(go)
    first = os.read(told, 1) if source.random() < 0.8 else b""  # a slow disk takes its time to the first one
    time.sleep(source.random() * 0.1)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    found = read_all(told, first)
    if not folder.exists():
        return 0
    with suppress(StoreError):
        spool = open_spool(folder, seed=1)
        spool.close(now=NOW)
    texts = {
        dict(entry.fields)[Field.TEXT].decode() for entry in entries_of(folder) if entry.kind is Kind.REQUEST
    }
    assert {f"session {session} number {number}!" for session, number in found} <= texts
    return len(found)


def test_killed_at_any_moment_nobody_was_told_of_what_is_lost(tmp_path: Path) -> None:
    source = random.Random(7)  # noqa: S311  # moments, not secrets
    assert sum(kill_once(tmp_path / f"{number}", source) for number in range(6)) > 0


@pytest.mark.long
def test_killed_very_often_nobody_was_told_of_what_is_lost(tmp_path: Path) -> None:
    source = random.Random(8)  # noqa: S311  # as above
    assert sum(kill_once(tmp_path / f"{number}", source) for number in range(150)) > 0
