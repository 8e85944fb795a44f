"""What the gateway does where its record has little room left: everybody goes but emergencies, nobody else comes."""

from typing import TYPE_CHECKING

from doorward.gateway.logbook import Event
from doorward.gateway.verdict import NO_ROOM
from doorward.record.reserve import LOW_BYTES

if TYPE_CHECKING:
    from doorward.gateway.server import Server


def look_at_room(server: "Server") -> None:
    """Look whether there is room, and end ordinary sessions at the moment when there is none.

    Sessions that rest on a verified court paper or an emergency stay, as with a wide cut.
    """
    reserve, was = server.parts.reserve, server.is_low
    if reserve is None or reserve.look(server.parts.spool.room(2 * LOW_BYTES)) == was:
        return
    server.parts.logbook.say(Event.ROOM_BACK if was else Event.NO_ROOM)
    if not was:
        end_ordinary(server, NO_ROOM)


def end_ordinary(server: "Server", told: str) -> None:
    """End every session but those that rest on a verified court paper or an emergency."""
    ordinary = [side for side in server.sessions if side.answer is None or not side.answer.is_protected]
    server.spawn(server.end_quietly(ordinary, told))
