"""A clock's history as a file: a JSON list of events, read strictly. Pure."""

import json
from datetime import datetime
from typing import Any, Final

from doorward.desk.deadlines.clock import Clock, Event, Happened
from doorward.errors import MalformedError

MAX_BYTES: Final = 256 * 1024
_KEYS: Final = ("event", "at", "reason", "clause", "by", "until")


def parse_history(text: str) -> tuple[Event, ...]:
    """Return the events of a history, in their order; whether they are lawful is judged by `replay_clock`.

    Args:
        text: Of anybody.

    Raises:
        MalformedError: It is no such list; says which entry, by its number.
    """
    if len(text) > MAX_BYTES:
        raise MalformedError(f"a history has at most {MAX_BYTES} characters")
    try:
        held = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedError("a history is a JSON list of events") from error
    if not isinstance(held, list):
        raise MalformedError("a history is a JSON list of events")
    return tuple(_read_event(one, number) for number, one in enumerate(held, start=1))


def format_history(clock: Clock) -> str:
    """Return the history of a clock; `parse_history` reads it back."""
    return json.dumps([_as_json(event) for event in clock.events], indent=1) + "\n"


def _as_json(event: Event) -> dict[str, Any]:
    held: dict[str, Any] = {"event": event.kind.value, "at": event.at.isoformat()}
    held |= {name: value for name in ("reason", "clause", "by") if (value := getattr(event, name))}
    return held | ({"until": event.until.isoformat()} if event.until else {})


def _read_event(held: Any, number: int) -> Event:  # noqa: ANN401  # JSON
    if not isinstance(held, dict) or not set(held) <= set(_KEYS) or held.get("event") not in list(Happened):
        raise MalformedError(f"event {number} is none: expected `event`, `at` and what belongs to it")
    reason, clause, by = held.get("reason", ""), held.get("clause", ""), held.get("by", 0)
    if not isinstance(reason, str) or not isinstance(clause, str) or type(by) is not int:
        raise MalformedError(f"event {number}: `reason` and `clause` are texts, `by` is a number")
    until = _read_time(held["until"], number) if "until" in held else None
    return Event(Happened(held["event"]), _read_time(held.get("at"), number), reason, clause, by, until)


def _read_time(value: Any, number: int) -> datetime:  # noqa: ANN401  # JSON
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise MalformedError(f"event {number}: expected a time with its offset, as 2026-11-24T10:00:00-06:00")
    return found
