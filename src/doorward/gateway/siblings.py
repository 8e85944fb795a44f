"""The other workers of the same gateway: asked over their control sockets, by those who know them by number alone."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from doorward.errors import ConfigError
from doorward.gateway.control import fetch_control, socket_path

ASK_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class ElsewhereInUse:
    """A session at another worker, as far as `addresses.InUse` looks at it."""

    person: str
    address: str
    session_id: bytes


@dataclass(frozen=True, slots=True)
class Siblings:
    """The workers of this gateway beside this one.

    Args:
        run: The folder of the control sockets, or None: then there are no siblings.
    """

    run: Path | None
    numbers: Sequence[int]

    async def ask(self, question: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the answers of those who answer; one that is being started knows nothing yet."""
        found = await asyncio.gather(*(self._ask(number, question) for number in self.numbers))
        return [answer for answer in found if answer is not None]

    async def in_use(self, login: str) -> list[ElsewhereInUse]:
        """Return the sessions of a person at the other workers, without those that an application asks for."""
        return [
            ElsewhereInUse(login, str(session["address"]), bytes.fromhex(session["grant"]))
            for answer in await self.ask({"ask": "sessions"})
            for session in answer.get("sessions", [])
            if session["login"] == login and not session["application"]
        ]

    async def _ask(self, number: int, question: Mapping[str, Any]) -> dict[str, Any] | None:
        if self.run is None:
            return None
        with suppress(OSError, ConfigError):
            return await fetch_control(socket_path(self.run, number), question, seconds=ASK_SECONDS)
        return None
