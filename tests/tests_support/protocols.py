"""A way through a protocol by the answers on it, and the facts of its first visitor."""

from datetime import UTC, datetime

from doorward.orders.protocols.model import Protocols, Showing
from doorward.orders.protocols.ways import Way, find_ways

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def showing_of(protocols: Protocols, place: str) -> Showing:
    """Return what the staff of the one place of this name see."""
    (found,) = (showing for showing in protocols.every_showing() if showing.place.id == place)
    return found


def way_of(showing: Showing, *answers: str) -> Way:
    """Return the one way on which exactly these answers are given."""
    ways = [
        way
        for way in find_ways(showing.protocol)
        if tuple(option.label.text for option in way.options) == answers
    ]
    assert len(ways) == 1, answers
    return ways[0]
