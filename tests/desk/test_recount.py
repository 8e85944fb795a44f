"""The auditor's recount from the record comes to the bytes that the desk made from its tables."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from doorward.desk.deadlines.periods import Period
from doorward.desk.entries import act_entry, matter_entry, office_entry, visit_entry
from doorward.desk.transparency.publication import Scheme
from doorward.desk.transparency.recount import recount
from doorward.orders.load import load_deadlines, load_pack, load_transparency
from doorward.policy.decision import Decision, Outcome, Posture
from doorward.record.entry import NO_SESSION, Entry, Fields, Kind
from tests_support.desk_year import at, empty_desk, put_matter, put_visit

OUTCOMES = (Outcome.DENY, Outcome.REFER, Outcome.PERMIT)
KINDS = ("detainer", "subpoena", "records-request", "assistance-call", "victim-certification")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture
def people(desk: Any, recording: Callable[[], list[Entry]]) -> Iterator[dict[str, Any]]:
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    assert recording() is not None
    empty_desk()
    yield {
        name: Account.objects.filter(login=f"{name}.recount.example").first()
        or desk.account(f"{name}.recount.example", role, unit=unit)
        for name, role, unit in (("law", Role.LAW, ""), ("officer", Role.OFFICER, "lock-up-1"))
    }
    empty_desk()


def entry_of(kind: Kind, fields: Fields, when: datetime) -> Entry:
    return Entry(kind, 0, (when - EPOCH) // timedelta(microseconds=1), NO_SESSION, 0, bytes(16), fields)


def fill(officer: Any, random: Random) -> list[Entry]:
    """Put requests and visits into two quarters, and return the entries that filing them leaves."""
    found = []
    for number in range(120):
        when = at("2026-10-01T00:00") + timedelta(minutes=random.randrange(-9000, 181 * 24 * 60))
        tenant, drill = random.choice(("city", "city", "city", "cps")), random.random() < 0.1
        if number % 5 == 0:
            posture = random.choice(("decline", "perform", "hold", ""))
            visit = put_visit(f"V-{number}", when.isoformat(), posture=posture, drill=drill)
            tenant = visit.place.tenant
            fields = visit_entry(
                visit.pk, "library", posture=posture, drill=drill, digest="0" * 64, tenant=tenant
            )
            found.append(entry_of(Kind.VISIT, fields, when))
            continue
        outcome, kind = random.choice(OUTCOMES), random.choice(KINDS)
        sealed = at("2027-03-01T00:00") if random.random() < 0.1 else None
        row = put_matter(
            officer, f"2026-{number:06d}", kind, when.isoformat(), outcome=outcome.value, tenant=tenant, drill=drill,
            sealed_until=sealed,
        )  # fmt: skip
        decision = Decision(outcome, Posture.DECLINE, None, (), (), (), (), "", "")
        fields = matter_entry(
            row.pk, kind, login="o", facts={}, decision=decision, digest="0" * 64, drill=drill, tenant=tenant
        )
        found.append(entry_of(Kind.MATTER, fields, when))
        if sealed:
            more = {"until": sealed.isoformat()}
            found.append(
                entry_of(Kind.ACT, act_entry(row.pk, "seal", login="l", office="law", more=more), when)
            )
    return sorted(found, key=lambda one: one.time_us)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_desk_and_the_record_come_to_the_same_bytes(people: dict[str, Any], seed: int) -> None:
    from doorward.desk.access import find_actor
    from doorward.desk.models import Assignment
    from doorward.desk.reporting.publications import make_next

    assignments = Assignment.objects.filter(account=people["law"])
    assignments.update(begins=at("2020-01-01T00:00"), until=at("2099-01-01T00:00"))
    entries = fill(people["officer"], Random(seed))  # noqa: S311  # the same in each run, on purpose
    made = []
    for quarter, day in (("2026-Q4", "2027-01-30"), ("2027-Q1", "2027-04-30")):
        now = at(f"{day}T00:00")
        made.append(make_next(find_actor(people["law"], is_strong=True, now=now)))
        assert made[-1].quarter == quarter
        entries.append(
            entry_of(
                Kind.ACT,
                office_entry(None, "publish", what=f"totals {quarter}", login="l", office="law"),
                now,
            )
        )
    pack = load_pack("chicago")
    words = load_transparency(pack)
    scheme = Scheme(words.all_kinds, words.all_outcomes, Period(2026, 4), words.threshold, words.delay_days)
    ordered = sorted(entries, key=lambda one: one.time_us)
    again = recount(ordered, words, scheme, load_deadlines(pack).zone)
    assert [one.table for one in again] == [bytes(one.table) for one in made]
    assert [one.totals for one in again] == [bytes(one.totals) for one in made]
    assert all(one.events > 20 for one in again)
