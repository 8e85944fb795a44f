"""What doorward's processes tell whoever runs them: one line an event, as JSON or as text, on standard error.

The one place that writes them. Events are named here and nowhere else, and what a line may say beside its event is a
number or a word of doorward's own: never a login, a case, a statement or a value of a row. What people do at the door
is in the record, and only there.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from doorward.errors import DoorwardError


class Event(StrEnum):
    """Everything that is ever said."""

    STARTED = "started"
    STOPPED = "stopped"
    WORKER_DIED = "worker died"
    SPOOL_FAILED = "spool failed"
    DISK_WAITS = "the record's disk does not answer"
    DISK_BACK = "the record's disk answers"
    RECOVERED = "the spool was not closed, and is whole again"
    OTHER_ORDER = "another order is in force"
    ORDER_BACK = "the order is in force again"
    UPSTREAM_LOST = "upstream unreachable"
    UPSTREAM_BACK = "upstream reached"
    PUBLISHER_STALLED = "publisher stalled"
    PUBLISHER_BACK = "publisher caught up"
    UNPUBLISHED = "closed until the record is published"
    NO_LOG = "closed: no log runs here"
    PEOPLE_RELOADED = "people reloaded"
    PEOPLE_REFUSED = "people refused"
    PROVIDER_REFUSED = "identity provider's keys refused"
    PUBLISHING_FAILED = "publishing failed"
    NEIGHBOUR_UNREAD = "a neighbour's checkpoint cannot be read"
    NEIGHBOUR_BEHIND = "a neighbour shows an older checkpoint than was kept of it"
    NEIGHBOUR_FALSE = "a neighbour's log has two histories"
    BOUND = "the log's key is bound to this place"
    WITNESSES_MISSING = "witnesses missing"
    WITNESSES_BACK = "witnesses cosign"
    NO_ROOM = "the record has no room"
    ROOM_BACK = "the record has room again"
    REVIEWS_WAIT = "reviews wait to be recorded"


class Form(StrEnum):
    """How a line is written."""

    JSON = "json"
    TEXT = "text"


_BAD: Final = frozenset(
    {
        Event.WORKER_DIED, Event.SPOOL_FAILED, Event.OTHER_ORDER, Event.UPSTREAM_LOST, Event.PUBLISHER_STALLED,
        Event.NO_ROOM, Event.REVIEWS_WAIT, Event.PEOPLE_REFUSED, Event.PROVIDER_REFUSED, Event.PUBLISHING_FAILED,
        Event.UNPUBLISHED, Event.NO_LOG, Event.NEIGHBOUR_UNREAD, Event.NEIGHBOUR_BEHIND, Event.NEIGHBOUR_FALSE,
        Event.WITNESSES_MISSING, Event.DISK_WAITS,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Logbook:
    """Where one process says what happened.

    Args:
        process: ``gateway`` or ``publisher``.
        worker: The worker's number, or None for a process that is none.
    """

    process: str
    form: Form = Form.TEXT
    worker: int | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: TID251  # a line says when

    def say(self, event: Event, **facts: str | int) -> None:
        """Write one event; a standard error that nobody reads any more is no fault."""
        who = {} if self.worker is None else {"worker": self.worker}
        said = {**who, **facts}
        if self.form is Form.JSON:
            level = "error" if event in _BAD else "info"
            moment = self.now().isoformat(timespec="milliseconds")
            line = json.dumps(
                {"time": moment, "level": level, "process": self.process, "event": event.value, **said}
            )
        else:
            rest = "".join(f" {name}={value}" for name, value in said.items())
            line = f"doorward {self.process}: {event}{rest}"
        try:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
        except OSError:
            return

    def fail(self, event: Event, error: DoorwardError) -> None:
        """Write an event with the failure behind it, which is in doorward's own words."""
        self.say(event, code=error.code, error=str(error))
