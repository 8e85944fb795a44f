"""Who sits before the application now, and why they ask: set where a request comes, read where a connection opens."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypedDict


class Asked(TypedDict, total=False):
    """What a token says."""

    person: str
    purpose: str
    case: str
    for_agency: str


_asked: ContextVar[Asked | None] = ContextVar("asked", default=None)


@contextmanager
def asking(asked: Asked) -> Iterator[None]:
    """Let every connection that opens inside of the block be this person's."""
    mark = _asked.set(asked)
    try:
        yield
    finally:
        _asked.reset(mark)


def who_asks() -> dict[str, Any]:
    """Return who asks; outside of `asking` nobody does, and no connection opens.

    Raises:
        LookupError: Nobody asks.
    """
    asked = _asked.get()
    if asked is None:
        raise LookupError("nobody asks: open connections inside of `asking`")
    return dict(asked)
