"""Front, back and side door: the way by which immigration enforcement reached an owner's data. Pure.

Source: University of Washington Center for Human Rights, "Leaving the Door Wide Open", 21 October 2025, which names
three ways into a city's plate readers. As they are read here:

- *front*: a federal immigration agency searched itself, and the owner shares with it in particular (1:1);
- *back*: it searched itself by a statewide or nationwide lookup, and the owner does not share with it in particular;
- *side*: a user of another agency, or of the owner, searched for it;
- *own*: a user of the owner searched, and not for it;
- *other*: a user of another agency searched, and not for it.

A way is the way of a search, and says nothing of whether it was allowed: the order says that. Where a cell that decides
is open the way is `cannot-tell`. `sql/path.sql` says the same in SQL, and a test compares the two on every case.
"""

from dataclasses import dataclass
from enum import StrEnum


class Path(StrEnum):
    """The way that a search came."""

    OWN = "own"
    FRONT = "front"
    BACK = "back"
    SIDE = "side"
    OTHER = "other"
    CANNOT_TELL = "cannot-tell"


@dataclass(frozen=True, slots=True)
class Way:
    """What decides the way; None is open each time.

    Args:
        own: The searcher is the owner.
        immigration: The searcher is a federal agency of immigration enforcement, by the order's groups.
        for_immigration: The row says that it was done for one. A row that says nothing is False; a masked one None.
        one_to_one: The owner's list of partners has the searcher; None where no list is given.
        networks: How many networks were searched.
    """

    own: bool | None
    immigration: bool | None
    for_immigration: bool | None
    one_to_one: bool | None = None
    networks: int | None = None


def find_path(way: Way) -> Path:
    """Return the way that a search came."""
    if way.own is None or (way.immigration is None and not way.own):
        return Path.CANNOT_TELL
    if way.immigration and not way.own:
        if way.one_to_one is None:
            return Path.CANNOT_TELL
        if way.one_to_one:
            return Path.FRONT
        # One network that the list does not have: the list and the log do not agree.
        return Path.BACK if way.networks is not None and way.networks > 1 else Path.CANNOT_TELL
    if way.for_immigration is None:
        return Path.CANNOT_TELL
    if way.for_immigration:
        return Path.SIDE
    return Path.OWN if way.own else Path.OTHER
