"""When the public log grows and by how much: a function of the clock alone, so that growing tells nothing. Pure.

The publisher's own log grows as things happen, and whoever could read it twice a second would see when. So what the
public is served is a copy, released on a schedule:

1. Time is cut into slots of one length. At the end of each slot the public log has a fixed number of leaves more.
2. INVARIANT (clock-alone): its size is `leaves` times the slots since its start, whatever happened.
3. Where fewer leaves than that were made, leaves of entries that say nothing (`keeping`, act `pad`) fill it up. They
   are entries like any other: an auditor with the disclosures sees which they are, the public does not.
4. Where more were made, they wait for the next slots. The publisher's own log, the disclosures and the auditors have
   them at once; `backlog` is to be watched by the operator and is not public.

The schedule is public, stands beside the log and is never changed: another one is another log.
"""

import re
from dataclasses import dataclass
from typing import Final

from doorward.errors import ConfigError, MalformedError
from doorward.notes.lines import format_lines, parse_lines

HEADER: Final = "doorward schedule v1"
FIELDS: Final = ("every", "leaves", "start")
LEAST_SECONDS: Final = 60
MOST_SECONDS: Final = 31 * 86_400
MOST_LEAVES: Final = 10_000_000
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,15}")


@dataclass(frozen=True, slots=True)
class Schedule:
    """One log's schedule.

    Args:
        every: Length of a slot, in seconds.
        leaves: By which the log grows in each.
        start: Seconds since 1970, a multiple of ``every``; at that moment the public log is empty.
    """

    every: int
    leaves: int
    start: int

    def check(self) -> "Schedule":
        """Return the schedule itself.

        Raises:
            ConfigError: It is none.
        """
        if not LEAST_SECONDS <= self.every <= MOST_SECONDS:
            raise ConfigError(f"a slot has {LEAST_SECONDS} to {MOST_SECONDS} seconds, got {self.every}")
        if not 0 < self.leaves <= MOST_LEAVES:
            raise ConfigError(f"a slot has 1 to {MOST_LEAVES} leaves, got {self.leaves}")
        if self.start <= 0 or self.start % self.every:
            raise ConfigError("a schedule starts where a slot does")
        return self

    def slot_end(self, now: int) -> int:
        """Return the end of the last slot that is over, in seconds since 1970; the start where none is."""
        return max(self.start, now - (now - self.start) % self.every)

    def size_at(self, now: int) -> int:
        """Return how many leaves the public log has at a moment."""
        return (self.slot_end(now) - self.start) // self.every * self.leaves

    def format(self) -> bytes:
        """Return the schedule as its public file."""
        return format_lines(HEADER, [(name, str(getattr(self, name))) for name in FIELDS])


def first_schedule(every: int, leaves: int, now: int) -> Schedule:
    """Return the schedule of a new public log, which starts with the slot that runs.

    Raises:
        ConfigError: It is none.
    """
    if every < 1:
        raise ConfigError(f"a slot has {LEAST_SECONDS} to {MOST_SECONDS} seconds, got {every}")
    return Schedule(every, leaves, now - now % every).check()


def parse_schedule(raw: bytes) -> Schedule:
    """Return the schedule of a public file.

    Raises:
        MalformedError: It is none.
    """
    values = parse_lines(raw, HEADER, FIELDS)
    if not all(map(_NUMBER.fullmatch, values)):
        raise MalformedError("a schedule has whole numbers")
    try:
        return Schedule(*map(int, values)).check()
    except ConfigError as error:
        raise MalformedError(str(error)) from error
