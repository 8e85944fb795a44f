"""The asyncio shell around `gateway.session`: sockets, clock and threads, and no branch on message types.

It feeds bytes to the session and performs the actions that come back, in their order. An `Append` comes before
the bytes that it releases (law 4); where the spool fails, every connection is cut and the server ends, because
nothing may be answered that cannot be recorded.
"""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakSet

from doorward.errors import DoorwardError, MalformedError, StoreError, UpstreamError
from doorward.gateway.accounting import Accounting
from doorward.gateway.addresses import InUse, OnTwoAddresses, find_elsewhere
from doorward.gateway.allowances import Allowances
from doorward.gateway.attempts import Attempts
from doorward.gateway.cancelling import Cancelling
from doorward.gateway.control import serve_control, socket_path
from doorward.gateway.cutting import Cutting
from doorward.gateway.dial import Place
from doorward.gateway.door import Door
from doorward.gateway.figures import Figures
from doorward.gateway.floor import Floor
from doorward.gateway.health import Health
from doorward.gateway.health_address import HealthAddress
from doorward.gateway.limits import IDLE_SECONDS
from doorward.gateway.listen import Listener, Listening, listening_socket
from doorward.gateway.logbook import Event, Logbook
from doorward.gateway.observing import ENDED
from doorward.gateway.questions import Questions
from doorward.gateway.recheck import Recheck
from doorward.gateway.room import look_at_room
from doorward.gateway.siblings import Siblings
from doorward.gateway.sides import ClientSide
from doorward.gateway.syncing import Recorded, Syncing
from doorward.gateway.upkeep import Upkeep, Watched
from doorward.grants.cuts import Cut
from doorward.grants.identity_files import ProviderWatch
from doorward.record.entry import Draft
from doorward.record.reserve import Reserve
from doorward.record.spool import Spool

THREADS = 4  # for the door's blocking work: the register, the decision, the login role
MAX_CLIENTS = 400  # more than the sample server's max_connections; a flood is refused by closing
FLOOR_THREADS = 2  # for emergencies alone: whatever else hangs takes none of them
TICK_SECONDS = 0.25  # how late a block may close and a grant may end


@dataclass(frozen=True, slots=True)
class ServerParts:
    """What a server is made of; see `cli.assembly`.

    Args:
        worker: Its number among those that share the port.
        workers: How many they are.
        health: Where this process serves health itself, or None: its parent does, or nobody.
    """

    door: Door
    spool: Spool
    server_secret: bytes
    place: Place
    database: str
    load_cuts: Callable[[], Sequence[Cut]] = tuple
    run_folder: Path | None = None
    provider: ProviderWatch | None = None
    cards: bool = False  # whether people's certificates are on cards that ask for a PIN
    idle: timedelta = timedelta(seconds=IDLE_SECONDS)
    on_two_addresses: OnTwoAddresses = OnTwoAddresses.LEAD
    watched: Watched = Watched()  # noqa: RUF009  # a value that never changes
    worker: int = 0
    workers: int = 1
    health: HealthAddress | None = None
    logbook: Logbook = Logbook("gateway")  # noqa: RUF009  # as above
    allowances: Allowances | None = None  # what each grant may take; None without limits
    sign_export: Callable[[bytes], bytes] | None = None
    floor: Floor | None = None
    accounting: Accounting | None = None
    reserve: Reserve | None = None
    durable_purposes: frozenset[str] = frozenset()  # whose entries are on the disk before anything follows


@dataclass
class Server:
    """One listener, its sessions and their upstream connections."""

    parts: ServerParts
    sessions: set[ClientSide] = field(default_factory=set)
    figures: Figures = field(default_factory=Figures)
    failed: StoreError | None = None
    crashed: BaseException | None = None

    def __post_init__(self) -> None:
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="door")
        # Apart from the door's, so that a database that hangs while it is looked at holds nobody up.
        self.watchers = ThreadPoolExecutor(1, thread_name_prefix="watch")
        self.floor_threads = ThreadPoolExecutor(FLOOR_THREADS, thread_name_prefix="floor")
        self.tasks: set[asyncio.Task[None]] = set()
        self.stopped: asyncio.Event = asyncio.Event()
        parts = self.parts
        self.cutting = Cutting(self, parts.load_cuts)
        others = [number for number in range(parts.workers) if number != parts.worker]
        self.siblings = Siblings(parts.run_folder, others)
        self.cancelling = Cancelling(parts.worker, parts.place, parts.run_folder)
        self.questions = Questions(self)
        self.attempts = Attempts()
        self.upkeep = Upkeep(self, parts.watched, parts.logbook)
        self.listeners: list[Listener] = []
        self.observed_ended: WeakSet[ClientSide] = WeakSet()
        self.recheck = Recheck(self)
        self.syncing = Syncing(parts.spool, self.fail)

    async def run(self, *places: Listening, ready: Callable[[], None]) -> None:
        """Serve until SIGTERM or SIGINT, or until the spool fails.

        Raises:
            OSError: The port cannot be listened on.
            StoreError: The record could not be written; every connection was cut first.
            DoorwardError: Something that runs beside the sessions has failed, so that nobody looks any more.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopped.set)
        # The socket before the cuts are read: one that is made in between is told, and one before is read.
        control = await self._serve_control()
        self.cutting.read()
        self._begin_observation()
        health = await self._serve_health()
        self.listeners = [Listener(place, partial(ClientSide, self), self._has_room) for place in places]
        with ExitStack() as sockets:
            open_ones = [(one, sockets.enter_context(listening_socket(one))) for one in self.listeners]
            running = [loop.create_task(listener.accept(sock)) for listener, sock in open_ones]
            ready()
            door = self.parts.door
            self.parts.logbook.say(Event.STARTED, order=door.pack.digest, logins=len(door.directory.people))
            running += [loop.create_task(work) for work in (self._tick(), self.upkeep.run())]
            if self.parts.accounting is not None:
                running.append(loop.create_task(self.parts.accounting.run(self)))
            for task in running:
                task.add_done_callback(self._note_crash)
            try:
                await self.stopped.wait()
            finally:
                for task in running:
                    task.cancel()
                await self._end()
                for server in (control, health):
                    if server is not None:
                        server.close()
        self.parts.logbook.say(Event.STOPPED)
        if self.failed is not None:
            raise self.failed
        if self.crashed is not None:
            raise DoorwardError("the gateway failed in a way that it does not know") from self.crashed

    def _note_crash(self, task: asyncio.Task[None]) -> None:
        # Without its ticker or its look at the order a door would go on for ever: it ends, and is started again.
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.crashed = error
            self.stopped.set()

    async def _serve_control(self) -> asyncio.Server | None:
        folder = self.parts.run_folder
        if folder is None:
            return None
        return await serve_control(socket_path(folder, self.parts.worker), self.questions.answer)

    async def _serve_health(self) -> asyncio.Server | None:
        async def gather() -> list[dict[str, Any]]:
            return [self.questions.state()]

        return await Health(gather).serve(self.parts.health) if self.parts.health is not None else None

    def _has_room(self, opening: int) -> bool:
        return len(self.sessions) + opening < MAX_CLIENTS

    async def _end(self) -> None:
        for session in list(self.sessions):
            session.stop("the gateway stops")
        while self.tasks:
            await asyncio.wait(self.tasks)
        self.threads.shutdown()
        self.watchers.shutdown(cancel_futures=True)
        self.floor_threads.shutdown()
        self.syncing.close()

    def now(self) -> datetime:
        """Return the time; the shell is where the clock is read."""
        return datetime.now(UTC)  # noqa: TID251  # see above

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = self.now()
            try:
                self.parts.spool.tick(now=now)
                if self.parts.allowances is not None:
                    self.parts.allowances.tick(now)
            except StoreError as error:
                self.fail(error)
            look_at_room(self)
            if self.parts.door.cuts is None:
                self.spawn(self._look_at_cuts())
            self.upkeep.look_at_disk(self.syncing.standing())
            self.upkeep.look_at_people()
            self.upkeep.look_at_provider()
            self._look_at_observation(now)
            self.recheck.look(now)
            for session in list(self.sessions):
                session.wake(now)

    @property
    def is_low(self) -> bool:
        """True while the record has so little room that only emergencies are let in."""
        return self.parts.reserve is not None and self.parts.reserve.is_low

    async def _look_at_cuts(self) -> None:
        # They could not be read, and nobody is let in: look until somebody has put the file right.
        await self.cutting.look()

    async def end_quietly(self, changed: Sequence[ClientSide], told: str) -> None:
        """End these sessions; where PostgreSQL does not answer, their clients are closed all the same."""
        with suppress(UpstreamError):  # the clients are closed; their backends end with them
            await self.cutting.end(changed, told)

    def look_elsewhere(self, new: ClientSide) -> None:
        """Put on record that a login is in use at two addresses, and end its sessions where the city wants that."""
        if self.siblings.numbers:
            self.spawn(self._look_elsewhere(new))
        else:
            self._note_elsewhere(new, [])

    async def _look_elsewhere(self, new: ClientSide) -> None:
        at_others = await self.siblings.in_use(new.person) if new.person else []
        if self._note_elsewhere(new, at_others) and at_others:
            await self.siblings.ask({"ask": "two addresses", "login": new.person})

    def _note_elsewhere(self, new: ClientSide, at_others: Sequence[InUse]) -> bool:
        found = find_elsewhere(new, [*self.sessions, *at_others])
        if found is None or not self.append(found.drafts, self.now()):
            return False
        if self.parts.on_two_addresses is not OnTwoAddresses.CUT:
            return False
        self.end_login(new.person)
        return True

    def end_login(self, login: str) -> None:
        """End the sessions of a login that is in use at two addresses."""
        chosen = [side for side in self.sessions if login and side.person == login]
        self.spawn(self.end_quietly(chosen, "this login is in use at two addresses"))

    def _begin_observation(self) -> None:
        # Before the first answer: the record says what is not enforced, before anybody is let in on it.
        observing = self.parts.door.observing
        if observing is not None and not self.append([observing.draft_beginning()], self.now()):
            raise self.failed or StoreError("what is observed and not enforced could not be recorded")

    def _look_at_observation(self, now: datetime) -> None:
        observing = self.parts.door.observing
        if observing is None:
            return
        if observing.find_end(now):
            self.append([observing.draft_end()], now)
        if observing.why_over:
            # Asked at each look: a session may have been answered just before the end and have come in behind it.
            resting = [
                side for side in self.sessions if side.answer and side.answer.observed_until is not None
            ]
            fresh = [side for side in resting if side not in self.observed_ended]
            self.observed_ended.update(fresh)
            if fresh:
                self.spawn(self.end_quietly(fresh, ENDED))

    def append(self, drafts: Sequence[Draft], now: datetime) -> bool:
        """Put drafts that are no session's into the spool; False means that nothing may follow.

        Where they are of a durable kind the disk is waited for, and every session of this worker waits with it.
        """
        if self.failed is not None:
            return False
        try:
            self.parts.spool.append(drafts, now=now)
        except MalformedError:
            return False
        except StoreError as error:
            self.fail(error)
            return False
        self.figures.note(drafts)
        return True

    def record(self, side: ClientSide, drafts: Sequence[Draft], now: datetime, *, purpose: str) -> Recorded:
        """Put a session's drafts into the spool; where the disk is waited for, the session is told by its own methods.

        Args:
            purpose: Of the session; for some, all its entries are waited for.
        """
        if self.failed is not None:
            return Recorded.FAILED
        durable = purpose in self.parts.durable_purposes
        try:
            waits = self.parts.spool.write(drafts, now=now, durable=durable)
            may_follow = self.syncing.wrote(side, waits=waits)
        except MalformedError:
            return Recorded.FAILED  # this one session's entry cannot be recorded, so this session ends
        except StoreError as error:
            self.fail(error)
            return Recorded.FAILED
        self.figures.note(drafts)
        if may_follow:
            return Recorded.DONE
        if self.syncing.join(side):
            self.spawn(self.syncing.run()).add_done_callback(self._note_crash)
        return Recorded.WAITS

    def fail(self, error: StoreError) -> None:
        """Cut everybody without an answer and stop: what cannot be recorded is not released."""
        if self.failed is None:
            self.failed = error
            self.upkeep.checks["spool"] = "failed"
            self.parts.logbook.fail(Event.SPOOL_FAILED, error)
            for session in list(self.sessions):
                session.abort()
            self.stopped.set()

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Return the task of a coroutine that the server waits for before it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task
