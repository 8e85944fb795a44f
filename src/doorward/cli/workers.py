"""The parent of several gateway workers: starts them, puts a successor in a dead one's place, stops them all.

It decides nothing and holds no key, no session and no spool. A worker that was killed takes its own sessions with it,
and nobody else's. One that ends again and again at once is not started for ever: its words become the parent's, and
all end, because a door that keeps failing is for people to look at.
"""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from doorward.cli.children import READY, STOP_SECONDS
from doorward.errors import ConfigError, DoorwardError
from doorward.gateway.control import fetch_control, socket_path
from doorward.gateway.health import Health
from doorward.gateway.health_address import HealthAddress
from doorward.gateway.logbook import Event, Logbook

AT_ONCE_SECONDS: Final = 5.0  # a worker that lived for less has failed at once
MAX_FAILURES: Final = 5
FIRST_PAUSE_SECONDS: Final = 0.25
MAX_PAUSE_SECONDS: Final = 8.0
STATE_SECONDS: Final = 2.0  # within which a worker tells its state, or counts as not answering
MAX_WORDS_BYTES: Final = 64 * 1024
CONFIG_EXIT: Final = 2


@dataclass
class _Child:
    """One worker's process, with the last line that it wrote."""

    process: Process
    words: bytes = b""

    async def relay(self) -> None:
        """Pass on what it writes to its standard error, whole lines at a time, until it ends."""
        assert self.process.stderr is not None
        rest = b""
        while chunk := await self.process.stderr.read(MAX_WORDS_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > MAX_WORDS_BYTES:
                lines, rest = [*lines, rest], b""
            for line in lines:
                if line.startswith(b"doorward: "):
                    self.words = line.removeprefix(b"doorward: ")
                _write(line + b"\n")
        if rest:
            _write(rest + b"\n")

    async def is_ready(self) -> bool:
        """Return True once it says that it is ready, False where it ends before."""
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).strip() == READY.encode()

    def stop(self) -> None:
        """Ask it to stop; a second call asks again."""
        if self.process.returncode is None:
            self.process.terminate()


@dataclass
class Workers:
    """The workers of one gateway.

    Args:
        arguments: The command that starts a worker, without its number.
        run: The folder of the control sockets.
    """

    arguments: Sequence[str]
    count: int
    run: Path
    health: HealthAddress | None
    logbook: Logbook
    children: dict[int, _Child] = field(default_factory=dict)
    failure: DoorwardError | None = None
    is_ready: bool = False

    def __post_init__(self) -> None:
        self.stopped = asyncio.Event()

    async def run_until_stopped(self) -> None:
        """Keep the workers running until SIGTERM or SIGINT; returns when all have ended.

        Raises:
            DoorwardError: A worker did not start, or failed again and again; all others were stopped.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopped.set)
        server = await Health(self._gather).serve(self.health) if self.health is not None else None
        keepers: list[asyncio.Task[None]] = []
        try:
            # The first one alone: it makes what all of them read, such as the compiled scopes.
            for workers in ([0], range(1, self.count)):
                ready = [loop.create_future() for _ in workers]
                for worker, future in zip(workers, ready, strict=True):
                    keepers.append(loop.create_task(self._keep(worker, future)))
                    keepers[-1].add_done_callback(self._note_crash)
                await self._wait_for(ready)
            if not self.stopped.is_set():
                self.is_ready = True
                _say_ready()
            await self.stopped.wait()
        finally:
            self.stopped.set()
            await self._stop(keepers)
            if server is not None:
                server.close()
        if self.failure is not None:
            raise self.failure

    async def _wait_for(self, ready: Sequence[asyncio.Future[None]]) -> None:
        stopped = asyncio.create_task(self.stopped.wait())
        waiting: set[asyncio.Future[Any]] = {stopped, *ready}
        while not stopped.done() and len(waiting) > 1:
            _done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()

    async def _stop(self, keepers: Sequence[asyncio.Task[None]]) -> None:
        for child in self.children.values():
            child.stop()
        if keepers:
            _done, left = await asyncio.wait(keepers, timeout=STOP_SECONDS)
            if left:
                for child in self.children.values():
                    if child.process.returncode is None:
                        child.process.kill()
                await asyncio.wait(left)

    async def _keep(self, worker: int, ready: asyncio.Future[None]) -> None:
        failures = 0
        while not self.stopped.is_set():
            began = time.monotonic()
            child = await self._start(worker)
            relay = asyncio.ensure_future(child.relay())
            came = await child.is_ready()
            if came and not ready.done():
                ready.set_result(None)
            code = await child.process.wait()
            await relay
            if self.stopped.is_set():
                self._note_end(worker, child, code)
                return
            self.logbook.say(Event.WORKER_DIED, worker=worker, code=code)
            failures = failures + 1 if time.monotonic() - began < AT_ONCE_SECONDS else 1
            if not ready.done() or failures >= MAX_FAILURES:
                self._fail(worker, child, code, failures)
                return
            await self._pause(min(FIRST_PAUSE_SECONDS * 2 ** (failures - 1), MAX_PAUSE_SECONDS))

    async def _start(self, worker: int) -> _Child:
        process = await asyncio.create_subprocess_exec(
            *self.arguments,
            "--worker",
            str(worker),
            stdin=PIPE,  # stays open as long as we live; see children.stop_with_parent
            stdout=PIPE,
            stderr=PIPE,
            # Its own session: Ctrl-C in the terminal reaches the parent alone, which stops all in order.
            start_new_session=True,
        )
        child = self.children[worker] = _Child(process)
        if self.stopped.is_set():
            child.stop()
        return child

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.stopped.wait()
        except TimeoutError:
            return

    def _note_end(self, worker: int, child: _Child, code: int) -> None:
        # One that was told to stop and ended otherwise, such as by a spool that failed at the end.
        if code not in {0, -signal.SIGTERM} and self.failure is None:
            self._fail(worker, child, code, 1)

    def _fail(self, worker: int, child: _Child, code: int, failures: int) -> None:
        words = child.words.decode(errors="replace")[:300] or f"it ended with code {code}"
        often = f" {failures} times at once" if failures > 1 else ""
        kind = ConfigError if code == CONFIG_EXIT else DoorwardError
        if self.failure is None:
            self.failure = kind(f"gateway worker {worker} ended{often}: {words}")
        self.stopped.set()

    def _note_crash(self, keeper: asyncio.Task[None]) -> None:
        error = None if keeper.cancelled() else keeper.exception()
        if error is not None and self.failure is None:
            self.failure = DoorwardError("a gateway worker could not be started or watched")
            self.failure.__cause__ = error
        if error is not None:
            self.stopped.set()

    async def _gather(self) -> list[dict[str, Any] | None]:
        return list(await asyncio.gather(*(self._ask(worker) for worker in range(self.count))))

    async def _ask(self, worker: int) -> dict[str, Any] | None:
        try:
            return await fetch_control(socket_path(self.run, worker), {"ask": "state"}, seconds=STATE_SECONDS)
        except OSError:
            return None


def run_workers(
    config: Path, *, count: int, run: Path, health: HealthAddress | None, logbook: Logbook
) -> None:
    """Run so many gateway workers until told to stop.

    Raises:
        DoorwardError: A worker did not start, or failed again and again.
    """

    async def main() -> None:
        arguments = (sys.executable, "-m", "doorward", "gateway", "--config", os.fspath(config))
        await Workers(arguments, count, run, health, logbook).run_until_stopped()

    asyncio.run(main())


def _say_ready() -> None:
    sys.stdout.write(READY + "\n")
    sys.stdout.flush()


def _write(line: bytes) -> None:
    try:
        sys.stderr.buffer.write(line)
        sys.stderr.flush()
    except OSError:
        return
