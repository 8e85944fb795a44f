"""When a session ends: by rest, by age, with its account, with its factor; the rules are pure, `middleware` asks them.

What a session knows of itself stands in it: when it began, and when it was last used. One that says neither is over.
"""

from collections.abc import Mapping, MutableMapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

BEGUN: Final = "begun"
SEEN: Final = "seen"
# NIST SP 800-63B, 4.2.3, for two factors: again after thirty minutes of rest, and after twelve hours in any case.
IDLE: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(hours=12)
OVER: Final = "over"  # of the page for signing in: why a session ended
SEEN_EVERY: Final = timedelta(minutes=1)
FRESH: Final = timedelta(minutes=5)


class Over(Enum):
    """Why a session ended, in words for whoever was in it."""

    IDLE = "you were signed out after thirty minutes without a page"
    LONGEST = "you were signed out after twelve hours"
    FACTOR = (
        "you were signed out: your account has a second factor now, and this session was begun without it"
    )


def begin(session: MutableMapping[str, Any], now: datetime) -> None:
    """Note that a session begins now."""
    session[BEGUN] = session[SEEN] = now.timestamp()


def find_end(session: Mapping[str, Any], now: datetime) -> Over | None:
    """Return why a session is over, or None where it goes on.

    Args:
        session: What it says of itself; a moment of the future, or none, is no reason to go on.
    """
    begun, seen = session.get(BEGUN), session.get(SEEN)
    if not isinstance(begun, float) or not isinstance(seen, float):
        return Over.IDLE
    if not 0 <= now.timestamp() - begun < LONGEST.total_seconds():
        return Over.LONGEST
    return None if 0 <= now.timestamp() - seen < IDLE.total_seconds() else Over.IDLE


def touch(session: MutableMapping[str, Any], now: datetime) -> None:
    """Note that a session is used, at most once a minute: each time is a row that is written."""
    if now.timestamp() - session[SEEN] >= SEEN_EVERY.total_seconds():
        session[SEEN] = now.timestamp()


def is_fresh(records: list[dict[str, Any]], now: datetime) -> bool:
    """Return whether somebody proved who they are within the last minutes, so that factors may be changed."""
    return any(0 <= now.timestamp() - float(one.get("at", 0)) < FRESH.total_seconds() for one in records)
