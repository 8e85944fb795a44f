"""What a gateway worker looks at by itself while it serves: people, cuts, the order in force, the publisher.

- Who left or moved is out at once.
- The order in the database is asked for every few seconds. Where it is no longer the one that this worker decides by,
  nobody is let in and everybody who is in is ended: rows of one order are not read by the decisions of another.
- A publisher that does not get on is an alarm, long before the spool is full. Where it does not get on for much longer
  the door closes as it does on a full disk: emergencies and what rests on a verified court paper go on. It opens by
  itself once everything that waited is published.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from doorward.errors import ConfigError, DoorwardError, UpstreamError
from doorward.gateway.logbook import Event, Logbook
from doorward.gateway.room import end_ordinary
from doorward.gateway.verdict import UNPUBLISHED
from doorward.grants.people import Directory, DirectoryWatch, who_is
from doorward.record.waiting import Backlog, SpoolLook

if TYPE_CHECKING:
    from doorward.gateway.server import Server
    from doorward.gateway.sides import ClientSide

LOOK_SECONDS: Final = 2.0  # between two looks at the database and at the log
STALLED_SECONDS: Final = 60.0  # twice the publisher's longest pause between two tries
CLOSES_SECONDS: Final = (
    14_400.0  # a record nobody outside has seen for half a shift is one that nobody checks
)
DISK_SECONDS: Final = (
    10.0  # a sync that takes so long is no slow one: sessions stand still and nobody is told
)
TOLD: Final = "another order is in force now; connect again"


@dataclass(frozen=True, slots=True)
class Watched:
    """What a worker looks at; see `cli.assembly`.

    Args:
        holds_order: Asks the database whether it holds the worker's order; blocking.
        spool: Looks how far the publisher is with the worker's spool; blocking.
        people: The files of the people, or None where nobody changes them.
        stalled_seconds: For how long a leaf may wait for the publisher before that is an alarm.
        closes_seconds: And for how long before nobody but emergencies is let in.
    """

    holds_order: Callable[[], bool] | None = None
    spool: Callable[[], SpoolLook] | None = None
    people: DirectoryWatch | None = None
    stalled_seconds: float = STALLED_SECONDS
    closes_seconds: float = CLOSES_SECONDS


class Upkeep:
    """One worker's looking; `checks` is one word a check, ``ok`` or what is wrong."""

    def __init__(self, server: "Server", watched: Watched, logbook: Logbook) -> None:
        self._server = server
        self._watched = watched
        self._logbook = logbook
        self._backlog = Backlog()
        self.checks = {"order": "ok", "spool": "ok", "publisher": "ok", "database": "ok"}
        self.waiting_seconds = 0.0
        self.waiting_leaves = 0
        self.spool_bytes = 0

    async def run(self) -> None:
        """Look at the database and the log until cancelled."""
        while True:
            await self._look_at_order()
            await self._look_at_log()
            await asyncio.sleep(LOOK_SECONDS)

    def look_at_people(self) -> None:
        """Take over people who changed, and end the sessions of those who are others now."""
        try:
            directory = self._watched.people.poll() if self._watched.people is not None else None
        except ConfigError as error:
            # Its words may name a login, which has no place in a log.
            self._logbook.say(Event.PEOPLE_REFUSED, code=error.code, hint="doorward people list says why")
            return
        if directory is None:
            return
        door = self._server.parts.door
        before, door.directory = door.directory, directory
        changed = [side for side in self._server.sessions if _has_changed(side, before, directory)]
        self._logbook.say(Event.PEOPLE_RELOADED, logins=len(directory.people), ended=len(changed))
        self._server.spawn(self._end(changed, "your access was changed; connect again"))

    def look_at_provider(self) -> None:
        """Take over the identity provider's keys where they were replaced."""
        try:
            if self._server.parts.provider is not None:
                self._server.parts.provider.poll()
        except ConfigError as error:
            self._logbook.fail(Event.PROVIDER_REFUSED, error)

    def look_at_disk(self, standing: float) -> None:
        """Say where a sync does not end, and where it has ended after all; what the disk refused stays said.

        Args:
            standing: The seconds for which one has been running.
        """
        if self.checks["spool"] == "failed":
            return
        if standing >= DISK_SECONDS:
            self._change("spool", "waits", Event.DISK_WAITS, seconds=round(standing))
        else:
            self._change("spool", "ok", Event.DISK_BACK)

    def state(self) -> dict[str, Any]:
        """Return the checks and how far the publisher is behind."""
        return {
            "checks": dict(self.checks),
            "waiting_seconds": round(self.waiting_seconds, 1),
            "waiting_leaves": self.waiting_leaves,
            "spool_bytes": self.spool_bytes,
        }

    @property
    def is_unpublished(self) -> bool:
        """True while nothing was published for so long that only emergencies may be let in."""
        return self.checks["publisher"] == "closed"

    async def _look_at_order(self) -> None:
        if self._watched.holds_order is None:
            return
        loop = asyncio.get_running_loop()
        try:
            holds = await loop.run_in_executor(self._server.watchers, self._watched.holds_order)
        except DoorwardError as error:
            self._change("database", "unreachable", Event.UPSTREAM_LOST, code=error.code)
            return
        self._change("database", "ok", Event.UPSTREAM_BACK)
        door = self._server.parts.door
        door.is_in_force = holds
        digest = door.pack.digest
        if holds:
            self._change("order", "ok", Event.ORDER_BACK, order=digest)
            return
        self._change("order", "other", Event.OTHER_ORDER, order=digest, ended=len(self._server.sessions))
        await self._end(list(self._server.sessions), TOLD)

    async def _look_at_log(self) -> None:
        if self._watched.spool is None:
            return
        loop = asyncio.get_running_loop()
        look = await loop.run_in_executor(self._server.watchers, self._watched.spool)
        self.spool_bytes, published = look.spool_bytes, look.published
        closed = self._server.parts.spool.closed_leaves
        self.waiting_leaves = max(0, closed - (published or 0))
        waits = self._backlog.look(closed=closed, published=published, now=time.monotonic())
        self.waiting_seconds = waits
        if waits >= self._watched.closes_seconds or not look.runs:
            if not self.is_unpublished:
                end_ordinary(self._server, UNPUBLISHED)
            event = Event.UNPUBLISHED if look.runs else Event.NO_LOG
            self._change("publisher", "closed", event, seconds=round(waits))
        elif waits >= self._watched.stalled_seconds:
            self._change("publisher", "stalled", Event.PUBLISHER_STALLED, seconds=round(waits))
        else:
            self._change("publisher", "ok", Event.PUBLISHER_BACK)

    def _change(self, check: str, word: str, event: Event, **facts: str | int) -> None:
        before, self.checks[check] = self.checks[check], word
        if before != word:
            self._logbook.say(event, **facts)

    async def _end(self, sides: "Sequence[ClientSide]", told: str) -> None:
        with suppress(UpstreamError):  # the clients are closed; their backends end with them
            await self._server.cutting.end(sides, told)


def _has_changed(side: "ClientSide", before: Directory, after: Directory) -> bool:
    subject = side.subject()
    if subject is None:
        return False
    was, now = before.find(subject.login), after.find(subject.login)
    if subject.presenter:
        speaks = after.find_application(subject.presenter)
        if speaks is None or speaks != before.find_application(subject.presenter):
            return True
    return was is not None and (now is None or who_is(was) != who_is(now))
