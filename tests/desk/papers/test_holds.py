"""Holds: what stands, what each covers, and that two people lift one."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.desk.papers.holds import (
    Over,
    Row,
    Scope,
    Step,
    Thing,
    check_step,
    covers,
    proposed_by,
    standing,
)
from doorward.errors import ConfigError

M, N, H, K = (uuid.UUID(int=number) for number in range(1, 5))
MARCH, APRIL, MAY = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4, 5))
SECOND = timedelta(seconds=1)


def thing(first: datetime = MARCH, last: datetime = MARCH, **more: object) -> Thing:
    return Thing(**{"tenant": "city", "kind": "detainer", "first": first, "last": last, "matter": M, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("over", "what", "held"),
    [
        (Over(Scope.MATTER, M), thing(), True),
        (Over(Scope.MATTER, N), thing(), False),
        (Over(Scope.MATTER, M), thing(matter=None), False),
        (Over(Scope.TENANT, tenant="city"), thing(), True),
        (Over(Scope.TENANT, tenant="parks"), thing(), False),
        (Over(Scope.KIND, kind="detainer"), thing(), True),
        (Over(Scope.KIND, kind="visit"), thing(), False),
        (Over(Scope.KIND, tenant="parks", kind="detainer"), thing(), False),
        (Over(Scope.KIND, begins=APRIL), thing(), False),
        (Over(Scope.KIND, begins=APRIL), thing(last=APRIL), True),
        (Over(Scope.KIND, begins=APRIL), thing(last=APRIL - SECOND), False),
        (Over(Scope.KIND, ends=MARCH), thing(), False),
        (Over(Scope.KIND, ends=MARCH + SECOND), thing(), True),
        (Over(Scope.KIND, begins=APRIL, ends=MAY), thing(last=MAY), True),
        (Over(Scope.KIND, begins=APRIL, ends=MAY), thing(first=MAY, last=MAY), False),
    ],
)
def test_what_a_hold_covers(over: Over, what: Thing, *, held: bool) -> None:
    assert covers(over, what) is held


@pytest.mark.parametrize(
    "over",
    [
        Over(Scope.MATTER), Over(Scope.TENANT), Over(Scope.KIND), Over(Scope.KIND, tenant="city"),
        Over(Scope.KIND, begins=MAY, ends=MAY), Over(Scope.KIND, kind="visit", begins=MAY, ends=APRIL),
    ],
)  # fmt: skip
def test_a_hold_over_nothing_is_refused(over: Over) -> None:
    with pytest.raises(ConfigError):
        over.check()


def test_two_people_lift_a_hold_and_one_who_says_keep_begins_it_anew() -> None:
    rows = [Row(H, Step.PLACE, 1)]
    with pytest.raises(ConfigError, match="two people"):
        check_step(rows, H, Step.LIFT, by=2)
    check_step(rows, H, Step.PROPOSE, by=1)
    rows.append(Row(H, Step.PROPOSE, 1))
    with pytest.raises(ConfigError, match="yourself"):
        check_step(rows, H, Step.LIFT, by=1)
    with pytest.raises(ConfigError, match="said already"):
        check_step(rows, H, Step.PROPOSE, by=2)
    rows.append(Row(H, Step.KEEP, 3))
    with pytest.raises(ConfigError, match="two people"):
        check_step(rows, H, Step.LIFT, by=2)
    rows.append(Row(H, Step.PROPOSE, 2))
    check_step(rows, H, Step.LIFT, by=1)
    rows.append(Row(H, Step.LIFT, 1))
    assert standing(rows) == ()
    with pytest.raises(ConfigError, match="no such hold"):
        check_step(rows, H, Step.PROPOSE, by=1)


def test_overlapping_holds_end_one_by_one() -> None:
    rows = [Row(H, Step.PLACE, 1), Row(K, Step.PLACE, 1), Row(H, Step.PROPOSE, 1), Row(H, Step.LIFT, 2)]
    assert standing(rows) == (K,)


ROWS = st.lists(
    st.builds(Row, st.sampled_from((H, K)), st.sampled_from(tuple(Step)), st.integers(1, 3)), max_size=12
)


@given(ROWS)
def test_no_hold_ends_by_one_person(tried: list[Row]) -> None:
    """Whatever is tried, in whatever order: what a lift needed is there."""
    done: list[Row] = []
    for row in tried:
        if row.step is Step.PLACE:
            if row.hold not in {one.hold for one in done}:
                done.append(row)
            continue
        before = proposed_by(done, row.hold)
        try:
            check_step(done, row.hold, row.step, by=row.by)
        except ConfigError:
            continue
        if row.step is Step.LIFT:
            assert before not in {None, row.by}
        done.append(row)
    placed = {row.hold for row in done if row.step is Step.PLACE}
    lifted = {row.hold for row in done if row.step is Step.LIFT}
    assert set(standing(done)) == placed - lifted
