"""The calendars and clocks of the shipped order."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from doorward.desk.deadlines.calendar import Calendar, make_calendar
from doorward.desk.deadlines.clock import Clock, start_clock
from doorward.desk.deadlines.count import Span
from doorward.orders.deadlines import Deadlines
from doorward.orders.load import load_deadlines, load_pack
from doorward.orders.pack import Pack

CHICAGO = ZoneInfo("America/Chicago")


@pytest.fixture(scope="session")
def pack() -> Pack:
    return load_pack("chicago")


@pytest.fixture(scope="session")
def deadlines(pack: Pack) -> Deadlines:
    return load_deadlines(pack)


@pytest.fixture(scope="session")
def city(deadlines: Deadlines) -> Calendar:
    return make_calendar(deadlines.calendars["city"])


@pytest.fixture(scope="session")
def start(deadlines: Deadlines, city: Calendar) -> Callable[..., Clock]:
    def begin(rule: str, at: str, until: str = "") -> Clock:
        span = Span(datetime.fromisoformat(at).replace(tzinfo=CHICAGO), CHICAGO)
        moment = datetime.fromisoformat(until).replace(tzinfo=CHICAGO) if until else None
        clock = start_clock(deadlines.clocks[rule], city, span, until=moment)
        assert isinstance(clock, Clock)
        return clock

    return begin
