"""Ending sessions at once: clients told and closed, statements cancelled, backends gone, grants taken.

One statement takes all the grants and ends all the backends, so that sixty sessions cost what one does. Then each
client gets one line and is closed; closing appends what was cut to the record first. A client that does not read is cut
off a moment later.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from doorward.errors import ConfigError, UpstreamError
from doorward.grants.cuts import Cut, find_cut
from doorward.record.entry import NO_SESSION, Draft, Field, Kind

if TYPE_CHECKING:
    from doorward.gateway.server import Server
    from doorward.gateway.sides import ClientSide

GRACE_SECONDS: Final = 0.05  # for the line that says why; then the client is cut off
TOLD: Final = "this access was ended by the security officer"


class Cutting:
    """The cuts that one gateway process knows, and how it carries them out.

    Args:
        server: Whose sessions they end.
        load: Reads the cuts from disk; a ConfigError closes the door to everybody who is not in.
    """

    def __init__(self, server: "Server", load: Callable[[], Sequence[Cut]]) -> None:
        self._server = server
        self._load = load
        self._known: set[str] = set()

    def read(self) -> None:
        """Read the cuts for the first time, and record those in force.

        Raises:
            ConfigError: They cannot be read.
        """
        self._take(self._load())

    async def look(self) -> dict[str, Any]:
        """Read the cuts again, end every session that one of them ends, and return how many and how long it took."""
        started = time.perf_counter()
        door = self._server.parts.door
        try:
            self._take(self._load())
        except ConfigError as error:
            door.cuts = None  # unknown: nobody comes in until they can be read
            return {"failed": str(error)}
        now = self._server.now()
        chosen = [side for side in self._server.sessions if self._is_cut(side, now)]
        try:
            await self.end(chosen, TOLD)
        except UpstreamError as error:
            return {"ended": len(chosen), "failed": f"{error}: backends may still run"}
        return {"ended": len(chosen), "milliseconds": round((time.perf_counter() - started) * 1000, 1)}

    async def look_at_grants(self) -> dict[str, Any]:
        """End every session that rests on an approval which no longer stands, and return how many."""
        door, now = self._server.parts.door, self._server.now()
        resting = [(side, side.answer.approval) for side in self._server.sessions if side.answer is not None]
        try:
            gone = [side for side, approval in resting if approval and not door.approves_still(approval, now)]
            await self.end(gone, "the approval of this access was taken back")
        except (ConfigError, UpstreamError) as error:
            return {"failed": str(error)}
        return {"ended": len(gone)}

    async def end(self, chosen: Sequence["ClientSide"], told: str) -> None:
        """End these sessions and tell each client this line.

        Raises:
            UpstreamError: PostgreSQL does not answer; the clients are closed all the same.
        """
        logins = [side.login for side in chosen if side.login is not None]
        loop = asyncio.get_running_loop()
        for side in chosen:
            side.announce(told)
        try:
            # First, and all at once: on a busy server everything else waits for what these backends take.
            await loop.run_in_executor(self._server.threads, self._server.parts.door.logins.end, logins)
        finally:
            for side in chosen:
                side.stop(told)
                loop.call_later(GRACE_SECONDS, side.abort)

    def _take(self, cuts: Sequence[Cut]) -> None:
        self._server.parts.door.cuts = self._server.parts.door.last_cuts = tuple(cuts)
        now = self._server.now()
        fresh = [cut for cut in cuts if cut.id not in self._known and cut.is_in_force(now)]
        self._known |= {cut.id for cut in fresh}
        drafts = [_draft(cut) for cut in fresh]
        if drafts:
            self._server.append(drafts, now)

    def _is_cut(self, side: "ClientSide", now: datetime) -> bool:
        subject = side.subject()
        cuts = self._server.parts.door.cuts or ()
        return subject is not None and find_cut(cuts, subject, now=now) is not None


def _draft(cut: Cut) -> Draft:
    fields = (
        (Field.LOGIN, ", ".join(cut.by)[:200].encode()),
        (Field.OUTCOME, f"{cut.what} {cut.target}".encode()),
        (Field.UNTIL, cut.until.isoformat().encode() if cut.until else b""),
        (Field.REASON, f"{cut.id} {cut.reason}".encode()),
    )
    return Draft(Kind.CUT, NO_SESSION, 0, fields)
