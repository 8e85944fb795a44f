"""The asyncio shell around `gateway.session`: sockets, clock and threads, and no branch on message types.

It feeds bytes to the session and performs the actions that come back, in their order. An `Append` comes before
the bytes that it releases (law 4); where the spool fails, every connection is cut and the server ends, because
nothing may be answered that cannot be recorded.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from doorward.errors import ConfigError, MalformedError, StoreError, UpstreamError
from doorward.gateway.addresses import OnTwoAddresses, find_elsewhere
from doorward.gateway.control import serve_control, socket_path
from doorward.gateway.cutting import Cutting
from doorward.gateway.dial import Place
from doorward.gateway.door import Door
from doorward.gateway.listen import Listener, Listening, listening_socket
from doorward.gateway.presenting import IDLE_SECONDS
from doorward.gateway.sides import ClientSide
from doorward.grants.cuts import Cut
from doorward.grants.identity_files import ProviderWatch
from doorward.grants.people import Directory, DirectoryWatch, who_is
from doorward.record.entry import Draft
from doorward.record.spool import Spool

THREADS = 4  # for the door's blocking work: the register, the decision, the login role
MAX_CLIENTS = 400  # more than the sample server's max_connections; a flood is refused by closing
TICK_SECONDS = 0.25  # how late a block may close and a grant may end


@dataclass(frozen=True, slots=True)
class ServerParts:
    """What a server is made of; see `cli.assembly`."""

    door: Door
    spool: Spool
    server_secret: bytes
    place: Place
    database: str
    load_cuts: Callable[[], Sequence[Cut]] = tuple
    run_folder: Path | None = None
    watch: DirectoryWatch | None = None
    provider: ProviderWatch | None = None
    cards: bool = False  # whether people's certificates are on cards that ask for a PIN
    idle: timedelta = timedelta(seconds=IDLE_SECONDS)
    on_two_addresses: OnTwoAddresses = OnTwoAddresses.LEAD


@dataclass
class Server:
    """One listener, its sessions and their upstream connections."""

    parts: ServerParts
    sessions: set[ClientSide] = field(default_factory=set)
    cancel_keys: dict[int, ClientSide] = field(default_factory=dict)
    failed: StoreError | None = None

    def __post_init__(self) -> None:
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="door")
        self.tasks: set[asyncio.Task[None]] = set()
        self.stopped: asyncio.Event = asyncio.Event()
        self.cutting = Cutting(self, self.parts.load_cuts)

    async def run(self, *places: Listening, ready: Callable[[], None]) -> None:
        """Serve until SIGTERM or SIGINT, or until the spool fails.

        Raises:
            OSError: The port cannot be listened on.
            StoreError: The record could not be written; every connection was cut first.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopped.set)
        self.cutting.read()
        control = await self._serve_control()
        listeners = [Listener(place, partial(ClientSide, self), self._has_room) for place in places]
        with ExitStack() as sockets:
            open_ones = [(one, sockets.enter_context(listening_socket(one))) for one in listeners]
            running = [loop.create_task(listener.accept(sock)) for listener, sock in open_ones]
            ready()
            running.append(loop.create_task(self._tick()))
            try:
                await self.stopped.wait()
            finally:
                for task in running:
                    task.cancel()
                await self._end()
                await self._end_control(control)
        if self.failed is not None:
            raise self.failed

    async def _serve_control(self) -> asyncio.Server | None:
        folder = self.parts.run_folder
        return (
            None
            if folder is None
            else await serve_control(socket_path(folder, os.getpid()), self._answer_control)
        )

    async def _end_control(self, control: asyncio.Server | None) -> None:
        if control is not None and self.parts.run_folder is not None:
            control.close()
            socket_path(self.parts.run_folder, os.getpid()).unlink(missing_ok=True)

    async def _answer_control(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        if asked.get("ask") == "cuts":
            return await self.cutting.look()
        if asked.get("ask") == "grants":
            return await self.cutting.look_at_grants()
        if asked.get("ask") == "sessions":
            return {"sessions": [found for side in self.sessions if (found := _describe(side)) is not None]}
        return {"failed": "no such question"}

    def _has_room(self, opening: int) -> bool:
        return len(self.sessions) + opening < MAX_CLIENTS

    async def _end(self) -> None:
        for session in list(self.sessions):
            session.stop("the gateway stops")
        while self.tasks:
            await asyncio.wait(self.tasks)
        self.threads.shutdown()

    def now(self) -> datetime:
        """Return the time; the shell is where the clock is read."""
        return datetime.now(UTC)  # noqa: TID251  # see above

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = self.now()
            try:
                self.parts.spool.tick(now=now)
            except StoreError as error:
                self.fail(error)
            self._look_at_people()
            self._look_at_provider()
            for session in list(self.sessions):
                session.wake(now)

    def _look_at_provider(self) -> None:
        try:
            if self.parts.provider is not None:
                self.parts.provider.poll()
        except ConfigError as error:
            sys.stderr.write(f"doorward gateway: the identity provider's keys stay as they were: {error}\n")
            sys.stderr.flush()

    def _look_at_people(self) -> None:
        if self.parts.door.cuts is None:
            self.spawn(self._look_at_cuts())
        # Who left or moved is out at once: a grant rests on what the person was when it was given.
        try:
            directory = self.parts.watch.poll() if self.parts.watch is not None else None
        except ConfigError as error:
            sys.stderr.write(f"doorward gateway: the people stay as they were: {error}\n")
            sys.stderr.flush()
            return
        if directory is None:
            return
        before, self.parts.door.directory = self.parts.door.directory, directory
        changed = [side for side in self.sessions if _has_changed(side, before, directory)]
        self.spawn(self._end_changed(changed, "your access was changed; connect again"))

    async def _look_at_cuts(self) -> None:
        # They could not be read, and nobody is let in: look until somebody has put the file right.
        await self.cutting.look()

    async def _end_changed(self, changed: Sequence[ClientSide], told: str) -> None:
        with suppress(UpstreamError):  # the clients are closed; their backends end with them
            await self.cutting.end(changed, told)

    def look_elsewhere(self, new: ClientSide) -> None:
        """Put on record that a login is in use at two addresses, and end its sessions where the city wants that."""
        found = find_elsewhere(new, self.sessions)
        if found is None or not self.append(found.drafts, self.now()):
            return
        if self.parts.on_two_addresses is OnTwoAddresses.CUT:
            chosen = [side for side in self.sessions if side in found.sessions]
            self.spawn(self._end_changed(chosen, "this login is in use at two addresses"))

    def append(self, drafts: Sequence[Draft], now: datetime) -> bool:
        """Put drafts into the spool; False means that nothing may follow."""
        if self.failed is not None:
            return False
        try:
            self.parts.spool.append(drafts, now=now)
        except MalformedError:
            return False  # this one session's entry cannot be recorded, so this session ends
        except StoreError as error:
            self.fail(error)
            return False
        return True

    def fail(self, error: StoreError) -> None:
        """Cut everybody without an answer and stop: what cannot be recorded is not released."""
        if self.failed is None:
            self.failed = error
            for session in list(self.sessions):
                session.abort()
            self.stopped.set()

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run a coroutine that the server waits for before it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


def _has_changed(side: ClientSide, before: Directory, after: Directory) -> bool:
    subject = side.subject()
    if subject is None:
        return False
    was, now = before.find(subject.login), after.find(subject.login)
    if subject.presenter:
        speaks = after.find_application(subject.presenter)
        if speaks is None or speaks != before.find_application(subject.presenter):
            return True
    return was is not None and (now is None or who_is(was) != who_is(now))


def _describe(side: ClientSide) -> dict[str, Any] | None:
    subject, answer = side.subject(), side.answer
    if subject is None:
        return None
    binding = answer.binding if answer is not None else None
    return {
        "grant": subject.grant,
        "login": subject.login,
        "agency": subject.agency,
        "for": subject.for_agency,
        "purpose": subject.purpose,
        "address": side.address,
        "application": subject.presenter,
        "scope": binding.scope_id if binding else "",
        "until": binding.until.isoformat() if binding else "",
        "protected": subject.is_protected,
    }
