"""The report on observed clauses: what it counts, what it begins with, and that it stays small over a long record."""

import itertools
import tracemalloc
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.grants import observed_report
from doorward.grants.observed_report import (
    UNKNOWN,
    WHAT,
    Group,
    ObservedReport,
    as_rows,
    clause_lines,
    headline,
    read_observed,
)
from doorward.grants.people import Person
from doorward.orders.observed import Mode, Would, format_mode
from doorward.record.entry import NO_SESSION, Entry, Field, Kind

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=28)
ID = "0123456789ab"
PEOPLE = {
    "dana": Person("dana", "", "detective", "CPD", "area-1"),
    "cleo": Person("cleo", "", "records-clerk", "CPD", "records"),
    "fred": Person("fred", "", "outside-agent", "FBI", ""),
}


def at(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def read(entries: Iterable[Entry], *, with_logins: bool = False) -> ObservedReport:
    """Return the report over the whole time."""
    return read_observed(entries, PEOPLE, begins_us=0, ends_us=at(END), with_logins=with_logins)


class Record:
    """Entries as a gateway writes them, one after the other."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.now = START

    def add(self, kind: Kind, session: bytes, *fields: tuple[Field, bytes]) -> None:
        number = len(self.entries)
        self.entries.append(Entry(kind, number, at(self.now), session, 0, b"s" * 16, tuple(sorted(fields))))
        self.now += timedelta(seconds=1)

    def observe(self, would: Would, *clauses: str, observation: str = ID) -> None:
        mode = format_mode(Mode(observation, would, clauses, ("some-policy",)))
        said = (
            (Field.LOGIN, b"law/a, law/b"),
            (Field.UNTIL, END.isoformat().encode()),
            (Field.REASON, b"why"),
        )
        self.add(Kind.DECISION, NO_SESSION, *said, (Field.MODE, mode))

    def decide(self, login: str, mode: Mode | None, *, let_in: bool = True) -> None:
        session = (len(self.entries) + 1).to_bytes(16)
        self.add(Kind.CONNECT, session, (Field.LOGIN, login.encode()), (Field.OUTCOME, b"authenticated"))
        scope = ((Field.SCOPE, b"0123"),) if let_in else ()
        marked = ((Field.MODE, format_mode(mode)),) if mode is not None else ()
        self.add(Kind.DECISION, session, (Field.OUTCOME, b"permit"), *scope, *marked)


def would(word: Would, *clauses: str) -> Mode:
    return Mode(ID, word, clauses, ("some-policy",) if clauses else ())


def test_it_counts_by_clause_agency_role_and_unit() -> None:
    record = Record()
    record.observe(Would.BEGINS, "B6", "B2", "C30b")
    record.decide("dana", would(Would.REFER, "B6"))
    record.decide("dana", would(Would.REFER, "B6"))
    record.decide("cleo", would(Would.WITHHOLD, "B2"))
    record.decide("fred", would(Would.SAME))
    record.decide("left.long.ago", would(Would.DENY, "B6", "B2"), let_in=False)
    report = read(record.entries)
    assert (report.decisions, report.under_observation) == (5, 5)
    assert report.totals == {"let in": 2, "shown more": 1, "closed anyway": 1}
    assert report.groups[Group("B6", "CPD", "detective", "area-1")].counts["let in"] == 2
    assert report.groups[Group("B2", "CPD", "records-clerk", "records")].counts["shown more"] == 1
    assert report.groups[Group("B6", UNKNOWN)].counts["closed anyway"] == 1
    assert not any(group.login for group in report.groups)


def test_a_clause_that_would_have_refused_nothing_has_a_line_of_zeros() -> None:
    record = Record()
    record.observe(Would.BEGINS, "B6", "C30b")
    record.decide("dana", would(Would.REFER, "B6"))
    report = read(record.entries)
    assert clause_lines(report)["C30b"].counts == dict.fromkeys(WHAT, 0)
    (zeros,) = [row for row in as_rows(report) if row["clause"] == "C30b"]
    assert (zeros["let_in"], zeros["first"], zeros["agency"]) == (0, "", "")


def test_a_person_has_a_line_only_where_people_are_asked_for() -> None:
    record = Record()
    record.observe(Would.BEGINS, "B6")
    record.decide("dana", would(Would.REFER, "B6"))
    report = read(record.entries, with_logins=True)
    assert [group.login for group in report.groups] == ["dana"]


def test_it_begins_with_what_is_enforced_and_what_is_not() -> None:
    record = Record()
    assert "every clause was enforced" in next(headline(read(record.entries)))
    record.observe(Would.BEGINS, "B6")
    first, second = headline(read(record.entries))
    assert first.startswith("enforced: every clause of the order but those")
    assert "observed and NOT ENFORCED: B6, from 2026-03-01 00:00 until 2026-03-29 00:00 UTC" in second
    assert "law/a, law/b: why" in second
    record.observe(Would.OVER, "B6")
    _, second = headline(read(record.entries))
    assert ", over since 2026-03-01 00:00" in second


def test_a_gateway_that_starts_again_goes_on_with_the_same_observation() -> None:
    record = Record()
    record.observe(Would.BEGINS, "B6")
    record.observe(Would.BEGINS, "B6")
    assert len(read(record.entries).periods) == 1
    record.observe(Would.OVER, "B6")
    record.observe(Would.BEGINS, "B6")
    assert len(read(record.entries).periods) == 2


def test_an_observation_that_began_before_the_time_asked_for_is_named_and_one_that_was_over_is_not() -> None:
    record = Record()
    record.observe(Would.BEGINS, "B2", observation="0" * 12)
    record.observe(Would.OVER, "B2", observation="0" * 12)
    record.observe(Would.BEGINS, "B6")
    record.decide("dana", would(Would.REFER, "B6"))
    record.now += timedelta(days=1)
    since = at(record.now)
    record.decide("dana", would(Would.REFER, "B6"))
    record.now += timedelta(days=1)
    until = at(record.now)
    record.decide("dana", would(Would.REFER, "B6"))
    report = read_observed(record.entries, PEOPLE, begins_us=since, ends_us=until)
    assert [period.mode.clauses for period in report.periods] == [("B6",)]
    assert (report.decisions, report.totals["let in"]) == (1, 1)


def test_an_applications_session_counts_for_the_person_in_its_decision() -> None:
    record = Record()
    record.observe(Would.BEGINS, "B6")
    session = b"a" * 16
    record.add(Kind.CONNECT, session, (Field.LOGIN, b"some-application"), (Field.OUTCOME, b"authenticated"))
    mode = format_mode(would(Would.REFER, "B6"))
    record.add(Kind.DECISION, session, (Field.LOGIN, b"dana"), (Field.SCOPE, b"1"), (Field.MODE, mode))
    assert [group.role for group in read(record.entries).groups] == ["detective"]


def test_what_the_order_was_not_asked_is_no_decision() -> None:
    record = Record()
    record.add(Kind.DECISION, b"a" * 16, (Field.OUTCOME, b"not decided"))
    assert read(record.entries).decisions == 0


def test_what_was_decided_without_an_observation_counts_as_decided() -> None:
    record = Record()
    record.decide("dana", None)
    report = read(record.entries)
    assert (report.decisions, report.under_observation, list(as_rows(report))) == (1, 0, [])


def test_a_mode_of_another_version_is_counted_as_not_read() -> None:
    record = Record()
    record.add(Kind.DECISION, b"x" * 16, (Field.MODE, b"observe later: words"))
    assert read(record.entries).unreadable == 1


@given(st.lists(st.sampled_from(["dana", "cleo", "fred", "nobody"]), max_size=40), st.booleans())
def test_every_decision_is_counted_once_for_each_of_its_clauses(logins: list[str], let_in: bool) -> None:  # noqa: FBT001  # drawn
    record = Record()
    record.observe(Would.BEGINS, "B6", "C30b")
    for login in logins:
        record.decide(login, would(Would.REFER, "B6", "C30b"), let_in=let_in)
    report = read(record.entries)
    what = "let in" if let_in else "closed anyway"
    assert report.totals[what] == len(logins)
    for clause in ("B6", "C30b"):
        assert clause_lines(report)[clause].counts[what] == len(logins)
        assert sum(
            line.counts[what] for group, line in report.groups.items() if group.clause == clause
        ) == len(logins)


def many(count: int, *, decided: bool = True) -> Iterator[Entry]:
    """Yield a long record, an entry at a time."""
    logins, mode = itertools.cycle(PEOPLE), format_mode(would(Would.REFER, "B6"))
    fields = ((Field.SCOPE, b"1"), (Field.MODE, mode))
    for number in range(count):
        session = (number + 1).to_bytes(16)
        who = ((Field.LOGIN, next(logins).encode()), (Field.OUTCOME, b"authenticated"))
        yield Entry(Kind.CONNECT, 2 * number, at(START), session, 0, b"s" * 16, who)
        if decided:
            yield Entry(Kind.DECISION, 2 * number + 1, at(START), session, 0, b"s" * 16, fields)


def peak_of(count: int) -> int:
    tracemalloc.start()
    try:
        assert read(many(count)).totals["let in"] == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_long_record_takes_no_more_memory_than_a_short_one() -> None:
    peak_of(1_000)  # what is read or kept once a process is not counted
    assert peak_of(20_000) < peak_of(1_000) + 16 * 1024  # a byte kept of each would be more


def test_connections_without_a_decision_wait_in_a_bounded_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observed_report, "MAX_WAITING", 10)
    said = ((Field.MODE, format_mode(would(Would.DENY, "B6"))),)
    last = Entry(Kind.DECISION, 999, at(START), (100).to_bytes(16), 0, b"s" * 16, said)
    report = read(itertools.chain(many(100, decided=False), [last]))
    assert [group.agency for group in report.groups] == ["CPD"]
    early = replace(last, session=(1).to_bytes(16))
    report = read(itertools.chain(many(100, decided=False), [early]))
    assert [group.agency for group in report.groups] == [UNKNOWN]
