"""What a gateway worker answers on its control socket: to the officer on its host, its parent and its siblings."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from doorward.gateway.server import Server
    from doorward.gateway.sides import ClientSide


class Questions:
    """The answers of one worker."""

    def __init__(self, server: "Server") -> None:
        self._server = server

    async def answer(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a question; one that nobody knows is told as such."""
        server = self._server
        match asked.get("ask"):
            case "cuts":
                return await server.cutting.look()
            case "grants":
                return await server.cutting.look_at_grants()
            case "reviews":
                accounting = server.parts.accounting
                return await accounting.look(server) if accounting is not None else {"recorded": 0}
            case "register":
                return await server.recheck.look_at_all()
            case "register figures":
                return server.parts.door.register.figures()
            case "sessions":
                found = (_describe(side) for side in server.sessions)
                return {"sessions": [session for session in found if session is not None]}
            case "state":
                return self.state()
            case "cancel":
                await server.cancelling.cancel_asked(asked)
                return {}
            case "two addresses":
                server.end_login(str(asked.get("login", "")))
                return {}
        return {"failed": "no such question"}

    def state(self) -> dict[str, Any]:
        """Return what this worker tells those who watch: numbers and words of its own, nothing of anybody."""
        server = self._server
        server.figures.failed_handshakes = sum(listener.failed for listener in server.listeners)
        return {
            "worker": server.parts.worker,
            "sessions": len(server.sessions),
            **server.upkeep.state(),
            "figures": server.figures.as_json(),
        }


def _describe(side: "ClientSide") -> dict[str, Any] | None:
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
        "observed": answer is not None and answer.observed_until is not None,
    }
