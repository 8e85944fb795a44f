"""Cancel keys: which session a cancel request is about, also where it reaches another worker than the session's.

The process id that a client is given carries the worker's number in the four bits below its sign. A request that
reaches another worker is passed on over that worker's control socket, with its secret; only the session's own worker
compares the secret, in constant time. As with PostgreSQL, who asks for a cancel is told nothing.
"""

import asyncio
import hmac
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from doorward.errors import ConfigError, DoorwardError
from doorward.gateway.control import fetch_control, socket_path
from doorward.gateway.dial import send_cancel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from doorward.gateway.dial import Place
    from doorward.gateway.sides import ClientSide

CANCEL_SECONDS: Final = 10
MAX_PASSED_ON: Final = 16  # at once; a flood of cancel requests waits here and not at the other worker
WORKER_SHIFT: Final = 27
_NUMBER_MASK: Final = (1 << WORKER_SHIFT) - 1


class Cancelling:
    """The cancel keys of one worker's sessions.

    Args:
        worker: This worker's number.
        place: Where PostgreSQL is.
        run: The folder of the control sockets, or None where there are no other workers.
    """

    def __init__(self, worker: int, place: "Place", run: Path | None) -> None:
        self._worker = worker
        self._place = place
        self._run = run
        self._sides: dict[int, ClientSide] = {}
        self._passing = asyncio.Semaphore(MAX_PASSED_ON)

    def give(self, side: "ClientSide") -> tuple[int, bytes]:
        """Return a key that no other session has: process id and secret."""
        while True:
            number = int.from_bytes(os.urandom(4)) & _NUMBER_MASK
            process_id = self._worker << WORKER_SHIFT | number
            if number and process_id not in self._sides:
                self._sides[process_id] = side
                return process_id, os.urandom(4)

    def take_back(self, key: tuple[int, bytes]) -> None:
        """Forget a key; a second call does nothing."""
        self._sides.pop(key[0], None)

    async def cancel(self, process_id: int, secret: bytes) -> None:
        """Cancel what the session with this key does, here or at the worker that has it."""
        owner = (process_id & 0x7FFFFFFF) >> WORKER_SHIFT
        if owner == self._worker:
            await self.cancel_own(process_id, secret)
            return
        if self._run is None:
            return
        async with self._passing:
            asked = {"ask": "cancel", "process_id": process_id, "secret": secret.hex()}
            with suppress(OSError, ConfigError):
                await fetch_control(socket_path(self._run, owner), asked, seconds=CANCEL_SECONDS)

    async def cancel_asked(self, asked: "Mapping[str, Any]") -> None:
        """Do what another worker passed on; what is no request is dropped."""
        match asked:
            case {"process_id": int(process_id), "secret": str(text)}:
                with suppress(ValueError):
                    await self.cancel_own(process_id, bytes.fromhex(text))

    async def cancel_own(self, process_id: int, secret: bytes) -> None:
        """Cancel what a session of this worker does, where the secret is its own."""
        side = self._sides.get(process_id)
        if side is None or not hmac.compare_digest(side.cancel_key[1], secret):
            return
        try:
            async with asyncio.timeout(CANCEL_SECONDS):
                await side.sent()
        except TimeoutError:
            return
        await self.send(side)

    async def send(self, side: "ClientSide") -> None:
        """Cancel what PostgreSQL does for a session; what fails is not told, as with any cancel."""
        if side.upstream is None:
            return
        with suppress(OSError, TimeoutError, DoorwardError):
            async with asyncio.timeout(CANCEL_SECONDS):
                await send_cancel(self._place, side.upstream.key)
