"""Clocks against days that were counted by hand on a wall calendar, and what no clock may do."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.desk.deadlines.calendar import Calendar, make_calendar
from doorward.desk.deadlines.clock import Clock, Event, Happened, Refused, State, replay_clock, start_clock
from doorward.desk.deadlines.count import Span
from doorward.desk.deadlines.history import format_history, parse_history
from doorward.desk.deadlines.periods import Period, last_ended, parse_period, report_due
from doorward.errors import ConfigError, MalformedError
from doorward.orders.deadlines import (
    Basis,
    CalendarRule,
    ClockRule,
    Deadlines,
    ExtensionRule,
    OnClosedDay,
    PauseRule,
    PeriodKind,
    Unit,
)

CHICAGO = ZoneInfo("America/Chicago")
Start = Callable[..., Clock]
BASIS = Basis("a rule of this test", "", "none", "background", "needs-counsel")
PLAIN = make_calendar(CalendarRule("plain", "", (), (5, 6), ((date(2026, 11, 25), "council"),)))
RULE = ClockRule(
    "five", BASIS, Unit.BUSINESS_DAYS, 5, "plain", None, None, OnClosedDay.KEEP,
    (PauseRule("asked", "the requester was asked", 2),), (ExtensionRule("3(e)", "once", 5, 1),),
)  # fmt: skip


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO)


def local(moment: datetime) -> str:
    return moment.astimezone(CHICAGO).isoformat()


def make(rule: ClockRule, begins: str, calendar: Calendar = PLAIN) -> Clock:
    clock = start_clock(rule, calendar, Span(at(begins), CHICAGO))
    assert isinstance(clock, Clock)
    return clock


def must(found: Clock | Refused) -> Clock:
    assert isinstance(found, Clock), found
    return found


# --- counted by hand


@pytest.mark.parametrize(
    ("rule", "begins", "last"),
    [
        ("records-5", "2026-11-24T10:00", "2026-12-02"),  # 25, Thanksgiving out, 27, 30, 1, 2
        ("records-5", "2026-11-24T23:59:59", "2026-12-02"),  # the hour of the day does not matter
        ("records-5", "2026-11-21T10:00", "2026-11-30"),  # a Saturday: 23, 24, 25, 27, 30
        ("records-5", "2026-12-30T10:00", "2027-01-07"),  # 31, New Year out, 4, 5, 6, 7
        ("records-5", "2027-12-30T10:00", "2028-01-07"),  # New Year is a Saturday: Friday 31 is out too
        ("records-5", "2027-06-11T10:00", "2027-06-21"),  # Juneteenth is a Saturday: 14 to 17, 18 is out, 21
        ("records-5", "2026-06-29T10:00", "2026-07-07"),  # 4 July is a Saturday: 30, 1, 2, 3 is out, 6, 7
        ("voices-5", "2026-11-24T10:00", "2026-12-02"),
        ("voices-21", "2026-06-01T09:00", "2026-07-01"),
        ("voices-90", "2026-01-02T09:00", "2026-05-13"),
        ("records-commercial-21", "2026-06-01T09:00", "2026-07-01"),
        ("sos-notice-3", "2026-03-05T09:00", "2026-03-10"),  # over the night that summer time begins
    ],
)
def test_a_last_day_is_the_one_that_was_counted_by_hand(
    start: Start, rule: str, begins: str, last: str
) -> None:
    clock = start(rule, begins)
    due = clock.standing(at(begins))
    assert due.due_day.isoformat() == last
    assert local(due.due)[:19] == (due.due_day + timedelta(days=1)).isoformat() + "T00:00:00"


def test_a_day_that_only_some_offices_keep_counts_so_that_a_clock_is_never_late(city: Calendar) -> None:
    assert city.closed(date(2026, 3, 2)) is None  # Pulaski
    assert city.closed(date(2026, 11, 3)) is None  # election
    assert city.closed(date(2026, 11, 26)) == "Thanksgiving Day"
    assert city.closed(date(2026, 11, 28)) == "weekend"


def test_each_day_says_whether_it_counts_and_why_not(start: Start) -> None:
    clock = start("records-5", "2026-11-24T10:00")
    said = [(day.day.day, day.number, day.why) for day in clock.days(at("2026-11-24T10:00"))]
    assert said == [
        (25, 1, ""), (26, 0, "Thanksgiving Day"), (27, 2, ""), (28, 0, "weekend"), (29, 0, "weekend"), (30, 3, ""),
        (1, 4, ""), (2, 5, ""),
    ]  # fmt: skip


def test_a_closure_of_the_pack_is_no_business_day() -> None:
    assert make(RULE, "2026-11-24T10:00").standing(at("2026-11-24T10:00")).due_day == date(2026, 12, 2)
    assert make(RULE, "2026-11-24T10:00").days(at("2026-11-24T10:00"))[0].why == "council"


@pytest.mark.parametrize(
    ("begins", "due"),
    [
        ("2026-03-07T12:00", "2026-03-08T13:00:00-05:00"),  # an hour is taken away
        ("2026-10-31T12:00", "2026-11-01T11:00:00-06:00"),  # an hour comes twice
        ("2026-12-31T18:30", "2027-01-01T18:30:00-06:00"),
    ],
)
def test_twenty_four_hours_are_twenty_four_hours(start: Start, begins: str, due: str) -> None:
    assert local(start("second-signature-24h", begins).due(at(begins))) == due


def test_thirty_minutes_run_through_the_hour_that_comes_twice(start: Start) -> None:
    first = datetime(2026, 11, 1, 1, 45, tzinfo=CHICAGO)  # the first 01:45
    assert local(start("urgent-30m", "2026-11-01T01:45").due(first)) == "2026-11-01T01:15:00-06:00"


def test_what_comes_after_hours_came_on_the_next_open_day(start: Start) -> None:
    early, late = (start("counsel-2", f"2026-11-25T{hour}") for hour in ("16:59:59", "17:00"))
    assert early.standing(at("2026-11-25T17:00")).due_day == date(2026, 11, 30)  # 27, 30
    assert late.standing(at("2026-11-25T17:00")).due_day == date(2026, 12, 1)  # came on 27: 30, 1
    saturday = start("counsel-2", "2026-11-28T09:00")
    assert saturday.standing(at("2026-11-28T09:00")).due_day == date(2026, 12, 2)  # came on 30


def test_a_day_may_end_at_an_hour() -> None:
    clock = make(replace(RULE, day_ends=time(17)), "2026-11-30T10:00")
    assert local(clock.due(at("2026-11-30T10:00"))) == "2026-12-07T17:00:00-06:00"


def test_calendar_days_may_end_on_the_next_open_day() -> None:
    rule = replace(RULE, unit=Unit.CALENDAR_DAYS, on_closed_day=OnClosedDay.KEEP)
    assert make(rule, "2026-11-24T10:00").standing(at("2026-11-24T10:00")).due_day == date(2026, 11, 29)
    rolled = make(replace(rule, on_closed_day=OnClosedDay.NEXT_OPEN), "2026-11-24T10:00")
    assert rolled.standing(at("2026-11-24T10:00")).due_day == date(2026, 11, 30)


# --- pause and extension


def test_a_day_on_whose_end_the_clock_stood_still_is_not_counted() -> None:
    clock = make(RULE, "2026-11-30T10:00")  # 1, 2, 3, 4, 7
    clock = must(clock.after(Event(Happened.PAUSED, at("2026-12-01T15:00"), reason="asked")))
    assert clock.standing(at("2026-12-02T09:00")).state == State.PAUSED
    clock = must(clock.after(Event(Happened.RESUMED, at("2026-12-03T09:00"))))
    assert clock.standing(at("2026-12-03T09:00")).due_day == date(2026, 12, 9)  # without 1 and 2
    same_day = make(RULE, "2026-11-30T10:00")
    same_day = must(same_day.after(Event(Happened.PAUSED, at("2026-12-01T09:00"), reason="asked")))
    same_day = must(same_day.after(Event(Happened.RESUMED, at("2026-12-01T15:00"))))
    assert same_day.standing(at("2026-12-01T15:00")).due_day == date(2026, 12, 7)


def test_a_pause_takes_as_long_from_hours_as_it_lasts() -> None:
    rule = replace(RULE, unit=Unit.HOURS, length=24)
    clock = make(rule, "2026-11-30T10:00")
    clock = must(clock.after(Event(Happened.PAUSED, at("2026-11-30T12:00"), reason="asked")))
    assert local(clock.due(at("2026-11-30T15:00"))) == "2026-12-01T13:00:00-06:00"
    clock = must(clock.after(Event(Happened.RESUMED, at("2026-11-30T14:30"))))
    assert local(clock.due(at("2026-12-01T09:00"))) == "2026-12-01T12:30:00-06:00"


def test_an_extension_is_once_and_no_longer_than_the_statute_says(start: Start) -> None:
    clock = start("records-5", "2026-11-24T10:00")
    clause = "5 ILCS 140/3(e)"
    long = clock.after(Event(Happened.EXTENDED, at("2026-11-25T09:00"), clause=clause, by=6))
    assert long == Refused("an extension under 5 ILCS 140/3(e) adds from 1 to 5 business-days")
    clock = must(clock.after(Event(Happened.EXTENDED, at("2026-11-25T09:00"), clause=clause, by=5)))
    assert clock.standing(at("2026-11-25T09:00")).due_day == date(2026, 12, 9)
    again = clock.after(Event(Happened.EXTENDED, at("2026-11-25T10:00"), clause=clause, by=1))
    assert again == Refused("`records-5` is extended under 5 ILCS 140/3(e) at most once")


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (Event(Happened.PAUSED, at("2026-11-25T09:00"), reason="asked"), "never paused"),
        (Event(Happened.EXTENDED, at("2026-11-25T09:00"), clause="none", by=1), "is extended under"),
        (Event(Happened.RESUMED, at("2026-11-25T09:00")), "that is running is not resumed"),
        (Event(Happened.MISSED, at("2026-12-02T23:59:59")), "when its time is over, and not before"),
        (Event(Happened.MET, at("2026-11-24T09:59")), "not earlier"),
        (Event(Happened.STARTED, at("2026-11-25T09:00")), "is not started"),
        (Event(Happened.EXTENDED, at("2026-12-03T00:00"), clause="5 ILCS 140/3(e)", by=5), "over"),
        (Event(Happened.MET, datetime(2026, 11, 25)), "offset"),
    ],
)
def test_what_a_rule_does_not_allow_is_refused_with_its_reason(start: Start, event: Event, says: str) -> None:
    found = start("records-5", "2026-11-24T10:00").after(event)
    assert isinstance(found, Refused)
    assert says in found.sentence


def test_a_pause_is_taken_as_often_as_the_rule_says_and_no_further() -> None:
    clock = make(RULE, "2026-11-30T10:00")
    for day in (1, 2):
        clock = must(clock.after(Event(Happened.PAUSED, at(f"2026-12-0{day}T09:00"), reason="asked")))
        clock = must(clock.after(Event(Happened.RESUMED, at(f"2026-12-0{day}T10:00"))))
    third = clock.after(Event(Happened.PAUSED, at("2026-12-03T09:00"), reason="asked"))
    assert third == Refused("`five` is paused for asked at most 2 times")


# --- standing


def test_a_clock_is_over_at_midnight_and_not_a_second_before(start: Start) -> None:
    clock = start("records-5", "2026-11-24T10:00")
    before, after = (clock.standing(at(text)) for text in ("2026-12-02T23:59:59", "2026-12-03T00:00"))
    assert (before.state, before.days_left, before.seconds_left) == (State.RUNNING, 0, 1)
    assert (after.state, after.days_left, after.seconds_left) == (State.OVERDUE, 0, 0)
    met = must(clock.after(Event(Happened.MET, at("2026-12-02T23:59:59"))))
    late = must(clock.after(Event(Happened.MET, at("2026-12-03T00:00"))))
    assert met.standing(at("2027-01-01T00:00")).state == State.MET
    assert late.standing(at("2027-01-01T00:00")).state == State.MET_LATE
    assert met.standing(at("2027-01-01T00:00")).seconds_left is None


def test_a_missed_clock_may_still_be_met_and_stays_late(start: Start) -> None:
    clock = must(start("records-5", "2026-11-24T10:00").after(Event(Happened.MISSED, at("2026-12-03T06:00"))))
    assert clock.standing(at("2026-12-03T06:00")).state == State.OVERDUE
    clock = must(clock.after(Event(Happened.MET, at("2026-12-04T06:00"))))
    assert clock.standing(at("2026-12-04T06:00")).state == State.MET_LATE
    assert isinstance(clock.after(Event(Happened.MET, at("2026-12-05T06:00"))), Refused)


def test_days_left_are_counted_days_after_today(start: Start) -> None:
    clock = start("records-5", "2026-11-24T10:00")
    assert [clock.standing(at(f"2026-11-{day}T12:00")).days_left for day in (24, 25, 26, 27, 30)] == [
        5,
        4,
        4,
        3,
        2,
    ]


def test_a_court_date_is_the_papers_and_moves_only_later(start: Start) -> None:
    clock = start("court-return", "2026-11-24T10:00", "2026-12-10T09:30")
    assert clock.due(at("2026-11-24T10:00")) == at("2026-12-10T09:30")
    order = Event(
        Happened.EXTENDED, at("2026-12-01T10:00"), clause="order of the court", until=at("2026-12-20T09:30")
    )
    moved = must(clock.after(order))
    assert moved.due(at("2026-12-02T10:00")) == at("2026-12-20T09:30")
    assert isinstance(
        moved.after(replace(order, at=at("2026-12-02T10:00"), until=at("2026-12-11T09:30"))), Refused
    )


def test_a_fixed_clock_needs_its_moment_and_no_other_has_one(deadlines: Deadlines, city: Calendar) -> None:
    span = Span(at("2026-11-24T10:00"), CHICAGO)
    assert isinstance(start_clock(deadlines.clocks["court-return"], city, span), Refused)
    assert isinstance(
        start_clock(deadlines.clocks["records-5"], city, span, until=at("2027-01-01T09:00")), Refused
    )


# --- which clock


@pytest.mark.parametrize(
    ("kind", "words", "clock"),
    [
        ("certification", (), "voices-90"),
        ("certification", ("in-removal-proceedings",), "voices-21"),
        ("certification", ("ages-out-before-day-90",), "voices-21"),
        ("certification", ("in-removal-proceedings", "ages-out-before-day-21"), "voices-5"),
        ("public-records", ("commercial", "else"), "records-commercial-21"),
        ("state-data-released", (), "sos-notice-3"),
        ("criminal-request", (), None),
    ],
)
def test_a_request_has_the_first_clock_that_fits(
    deadlines: Deadlines, kind: str, words: tuple[str, ...], clock: str | None
) -> None:
    found = deadlines.choose(kind, words)
    assert (found and found.id) == clock


def test_no_count_that_was_not_read_in_a_text_is_confirmed(deadlines: Deadlines) -> None:
    rules = [*deadlines.clocks.values()], [*deadlines.reports.values()]
    for basis in [one.basis for one in rules[0]] + [one.basis for one in rules[1]]:
        assert basis.needs_counsel or basis.evidence == "text", basis


# --- reports


@pytest.mark.parametrize(
    ("report", "period", "due"),
    [
        ("trust", "2025", "2026-02-27"),  # 1 March 2026 is a Sunday: the open day before
        ("trust", "2026", "2027-03-01"),
        ("quarterly", "2026-Q3", "2026-10-30"),
        ("quarterly", "2026-Q4", "2027-01-29"),  # 30 January is a Saturday
    ],
)
def test_a_report_is_due_on_its_day_or_the_open_day_before(
    deadlines: Deadlines, city: Calendar, report: str, period: str, due: str
) -> None:
    assert report_due(deadlines.reports[report], parse_period(period), city).isoformat() == due


def test_a_report_on_a_year_is_not_due_on_a_quarter(deadlines: Deadlines, city: Calendar) -> None:
    with pytest.raises(ConfigError, match="is on a year"):
        report_due(deadlines.reports["trust"], Period(2026, 1), city)


@pytest.mark.parametrize(
    "text", ["", "26", "2026-Q5", "2026-Q0", "2026-01", "\u0661\u0669\u0669\u0669", "1989", "2200", "2026\n"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_period(text)


def test_periods_follow_each_other_without_a_gap() -> None:
    period = Period(2025, 1)
    for _ in range(12):
        assert period.last + timedelta(days=1) == period.after.first
        assert parse_period(str(period)) == period
        assert last_ended(PeriodKind.QUARTER, period.after.first) == period
        period = period.after
    assert last_ended(PeriodKind.YEAR, date(2026, 1, 1)) == Period(2025)


# --- properties

MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1), timezones=st.just(CHICAGO))


@st.composite
def histories(draw: st.DrawFn) -> Clock:
    unit = draw(st.sampled_from([Unit.BUSINESS_DAYS, Unit.CALENDAR_DAYS, Unit.HOURS, Unit.MINUTES]))
    rolls = OnClosedDay.NEXT_OPEN if unit == Unit.CALENDAR_DAYS and draw(st.booleans()) else OnClosedDay.KEEP
    hour = (
        st.sampled_from([None, time(17)]) if unit in {Unit.BUSINESS_DAYS, Unit.CALENDAR_DAYS} else st.none()
    )
    rule = replace(
        RULE, unit=unit, length=draw(st.integers(1, 40)), on_closed_day=rolls, day_ends=draw(hour),
        received_until=draw(hour),
    )  # fmt: skip
    clock = start_clock(rule, PLAIN, Span(draw(MOMENTS), CHICAGO))
    assert isinstance(clock, Clock)
    for kind, minutes in draw(
        st.lists(st.tuples(st.sampled_from(Happened), st.integers(0, 20_000)), max_size=8)
    ):
        moment = clock.events[-1].at.astimezone(UTC) + timedelta(minutes=minutes)
        clause, by = ("3(e)", draw(st.integers(1, 5))) if kind == Happened.EXTENDED else ("", 0)
        found = clock.after(Event(kind, moment, "asked" if kind == Happened.PAUSED else "", clause, by))
        clock = found if isinstance(found, Clock) else clock
    return clock


@given(histories())
def test_no_event_brings_a_due_time_forward(clock: Clock) -> None:
    shorter = [replace(clock, events=clock.events[:length]) for length in range(1, len(clock.events) + 1)]
    now = clock.events[-1].at
    for before, after in pairwise(shorter):
        moment = after.events[-1].at
        # A clock that was running had the same due time at every moment; a paused one moves with the moment.
        assert after.due(moment) >= before.due(moment)
        assert after.due(now) >= before.due(before.events[-1].at)


@given(histories())
def test_time_alone_changes_no_due_time_but_that_of_a_paused_clock(clock: Clock) -> None:
    now = clock.events[-1].at.astimezone(UTC)
    later = now + timedelta(days=30)
    if clock.standing(now).state == State.PAUSED:
        assert clock.due(later) >= clock.due(now)
    else:
        assert clock.due(later) == clock.due(now)


@given(histories())
def test_an_extension_is_taken_once_and_a_pause_twice(clock: Clock) -> None:
    kinds = [event.kind for event in clock.events]
    assert kinds.count(Happened.EXTENDED) <= 1
    assert kinds.count(Happened.PAUSED) <= 2
    assert kinds.count(Happened.STARTED) == 1


@given(histories())
def test_a_history_is_read_back_as_the_same_clock(clock: Clock) -> None:
    again = replay_clock(clock.rule, clock.calendar, CHICAGO, parse_history(format_history(clock)))
    now = clock.events[-1].at
    assert again.standing(now) == clock.standing(now)
    assert format_history(again) == format_history(clock)


@given(MOMENTS, st.integers(1, 60), st.integers(1, 60))
def test_a_longer_clock_ends_later_and_an_earlier_one_no_later(begins: datetime, one: int, more: int) -> None:
    clocks = [
        start_clock(replace(RULE, length=length), PLAIN, Span(moment, CHICAGO))
        for length, moment in ((one, begins), (one + more, begins), (one, begins - timedelta(days=more)))
    ]
    dues = [clock.due(begins) for clock in clocks if isinstance(clock, Clock)]
    assert dues[0] < dues[1]
    assert dues[2] <= dues[0]


# --- what is no history


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", "[1]", '[{"event":"started"}]', '[{"event":"begun","at":"2026-11-24T10:00:00-06:00"}]',
        '[{"event":"started","at":"2026-11-24T10:00:00"}]',
        '[{"event":"started","at":"2026-11-24T10:00:00-06:00","x":1}]',
        '[{"event":"started","at":"2026-11-24T10:00:00-06:00","by":true}]', "[" * 100_000,
        '[{"event":["started"],"at":"2026-11-24T10:00:00-06:00"}]',
    ],
)  # fmt: skip
def test_what_is_no_history_is_refused_by_one_error(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_history(text)


def test_a_history_that_the_rule_does_not_allow_is_refused_by_number() -> None:
    events = (
        Event(Happened.STARTED, at("2026-11-24T10:00")),
        Event(Happened.RESUMED, at("2026-11-24T11:00")),
    )
    with pytest.raises(MalformedError, match="event 2"):
        replay_clock(RULE, PLAIN, CHICAGO, events)
    with pytest.raises(MalformedError, match="at least its start"):
        replay_clock(RULE, PLAIN, CHICAGO, ())


def test_a_calendar_knows_its_region_and_its_holidays_by_name() -> None:
    with pytest.raises(ConfigError, match="no region"):
        make_calendar(CalendarRule("x", "XX-YY", (), (), ()))
    with pytest.raises(ConfigError, match="no holiday"):
        make_calendar(CalendarRule("x", "US-IL", ("Pulasky Day",), (), ()))
    with pytest.raises(ConfigError, match="1990 to 2200"):
        PLAIN.closed(date(2620, 1, 1))


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2191-01-01T00:00:00Z"]
)
def test_a_time_at_the_end_of_the_calendar_is_refused_and_no_crash(text: str) -> None:
    moment = datetime.fromisoformat(text)
    for unit in (Unit.HOURS, Unit.BUSINESS_DAYS):
        assert isinstance(start_clock(replace(RULE, unit=unit), PLAIN, Span(moment, CHICAGO)), Refused)
    fixed = replace(RULE, unit=Unit.FIXED, length=0)
    assert isinstance(start_clock(fixed, PLAIN, Span(at("2026-01-01T00:00"), CHICAGO), until=moment), Refused)
    assert isinstance(make(RULE, "2026-11-30T10:00").after(Event(Happened.MET, moment)), Refused)
