"""Where nothing but chance is at work, the leads find about as many as they say that chance gives.

Every log here is drawn with a fixed seed, so a run comes out as it did before. The bounds are those of four standard
errors: drawn anew, such a test would fail by itself once in some sixteen thousand times (two-sided normal).
"""

import math
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.lookback.leads.chance import Rated, Spread, draw_months, fit_spread, incomplete_beta, tail_of_t
from doorward.lookback.leads.kinds import LeadNumbers
from doorward.lookback.leads.tables import Mark
from lead_logs import STATED, VAGUE, Log, of_kind

BEGIN = datetime(2025, 6, 1)
ERRORS = 4


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311  # a log that must come out again, no secret


def close(found: float, expected: float, *, variance: float | None = None) -> bool:
    """Return True where a count is within four standard errors; a Poisson's where no variance is given."""
    return abs(found - expected) <= ERRORS * math.sqrt(
        variance if variance is not None else max(expected, 1.0)
    )


def times(random: Random, n: int, days: int, hours: tuple[int, int] = (0, 24)) -> Iterator[datetime]:
    """Yield moments of so many days, evenly over some hours of the day."""
    for _ in range(n):
        yield BEGIN + timedelta(days=random.randrange(days), hours=random.uniform(*hours))


@pytest.mark.parametrize("hours", [(0, 24), (8, 16)])
def test_bursts_of_independent_searches_are_as_many_as_expected(
    tmp_path: Path, hours: tuple[int, int]
) -> None:
    random, log = seeded(1), Log()
    for name in ("Elm", "Oak"):
        unit = log.searcher(f"{name} PD")
        for account in range(20):
            for at in times(random, 400, 30, hours):
                log.search(unit, at, account=f"{name}-{account}")
    least = 3 if hours == (0, 24) else 4
    bursts = of_kind(log.look(tmp_path, LeadNumbers(burst_searches=least)), "burst")
    assert bursts["expected"] > 15
    assert close(bursts["found"], bursts["expected"])


def test_bursts_of_units_are_as_many_as_expected(tmp_path: Path) -> None:
    random, log = seeded(2), Log()
    for number in range(30):
        unit = log.searcher(f"Unit {number}")
        for at in times(random, 600, 30):
            log.search(unit, at)
    bursts = of_kind(log.look(tmp_path, LeadNumbers(burst_searches=3, burst_times=1)), "unit-burst")
    assert bursts["expected"] > 15
    assert close(bursts["found"], bursts["expected"])


def test_searches_after_a_federal_one_are_as_many_as_expected(tmp_path: Path) -> None:
    random, log = seeded(3), Log()
    federal = log.searcher("[Federal] A", flags=["federal"])
    units = [federal, *(log.searcher(f"Unit {number}") for number in range(8))]
    for unit in units:
        # Office hours, so that two searches are nearer to each other than over a whole day.
        for at in times(random, 600, 28, (8, 18)):
            log.search(unit, at, plate=f"P{int(random.paretovariate(0.7)) % 300}")
    report = of_kind(log.look(tmp_path), "after-federal")
    assert report["expected"] > 50
    # Searches that follow one federal search come together, so they vary by more than a Poisson number.
    assert close(report["found"], report["expected"], variance=3 * report["expected"])


def test_accounts_of_several_units_meet_as_often_as_expected(tmp_path: Path) -> None:
    random, log = seeded(4), Log()
    units = [
        log.searcher(f"Unit {number}", state=state) for number, state in enumerate(["IL", "WI", "IA"] * 3)
    ]
    for account in range(200):
        for unit in random.sample(units, 2):
            for at in times(random, 8, 30):
                log.search(unit, at, account=f"a-{account}")
    report = of_kind(log.look(tmp_path), "shared-account")
    assert report["expected"] > 15
    # An account counts in both of its units.
    assert close(report["found"], report["expected"], variance=2.2 * report["expected"])


def test_plates_that_are_drawn_from_those_of_the_unit_come_again_as_often_as_expected(tmp_path: Path) -> None:
    random, log = seeded(5), Log()
    for number in range(4):
        unit = log.searcher(f"Unit {number}")
        for account in range(25):
            for at in times(random, 60, 60):
                plate = f"{number}-{int(random.paretovariate(0.6)) % 2000}"
                log.search(unit, at, account=f"{number}-{account}", plate=plate)
    report = of_kind(log.look(tmp_path), "repeated-plate")
    assert report["expected"] > 50
    assert close(report["found"], report["expected"])


def test_units_that_take_part_by_lot_have_their_even_share(tmp_path: Path) -> None:
    random, log = seeded(6), Log()
    sizes = [int(random.lognormvariate(3, 1)) + 1 for _ in range(120)]
    chosen = set(random.sample(range(120), 30))
    for number, size in enumerate(sizes):
        since = date(2020, 1, 1) if number in chosen else None
        unit = log.searcher(f"Unit {number}", participating=number in chosen, participating_since=since)
        for at in times(random, size, 30):
            log.search(unit, at)
    report = of_kind(log.look(tmp_path), "287g")
    mean = sum(sizes) / 120
    variance = sum((size - mean) ** 2 for size in sizes) / 119 * 30 * (1 - 30 / 120)  # 30 of 120 drawn by lot
    assert report["expected"] == pytest.approx(30 * mean, rel=1e-3)
    assert close(report["found"], report["expected"], variance=variance)


@pytest.mark.parametrize("rho", [0.0, 0.05])
def test_months_that_stand_out_are_as_many_as_expected_whatever_peers_differ_by(
    tmp_path: Path, rho: float
) -> None:
    random, log = seeded(7), Log()
    mean = 0.3
    for number in range(250):
        unit = log.searcher(f"Unit {number}")
        rate = random.betavariate(mean * (1 / rho - 1), (1 - mean) * (1 / rho - 1)) if rho else mean
        for at in times(random, random.randrange(50, 120), 30):
            log.search(unit, at, phrase=VAGUE if random.random() < rate else STATED)
    report = of_kind(log.look(tmp_path, LeadNumbers(z=1.8)), "vague-rate")
    assert report["compared"] == 250
    assert report["expected"] > 5
    assert close(report["found"], report["expected"])


def test_changes_at_a_mark_are_as_many_as_expected(tmp_path: Path) -> None:
    random, log = seeded(8), Log()
    for number in range(150):
        unit = log.searcher(f"Unit {number}")
        for week in range(-8, 8):
            rate = random.betavariate(6, 14)  # weeks differ, as weeks do
            for _ in range(20):
                at = BEGIN + timedelta(weeks=week, hours=random.uniform(0, 168))
                log.search(unit, at, phrase=VAGUE if random.random() < rate else STATED)
    report = of_kind(
        log.look(tmp_path, LeadNumbers(drift_t=1.8), marks=[Mark(BEGIN, "a mark")]), "vague-drift"
    )
    assert report["compared"] == 150
    assert report["expected"] > 5
    assert close(report["found"], report["expected"])


def test_students_tail_is_that_of_the_tables() -> None:
    # Abramowitz and Stegun, table 26.10, two-sided.
    for t, df, chance in (
        (12.706, 1, 0.05),
        (2.571, 5, 0.05),
        (2.086, 20, 0.05),
        (3.499, 7, 0.01),
        (1.96, 1e6, 0.05),
    ):
        assert tail_of_t(t, df) == pytest.approx(chance, rel=2e-3)
    assert tail_of_t(math.inf, 5) == 0
    assert (incomplete_beta(0, 2, 3), incomplete_beta(1, 2, 3)) == (0, 1)


@given(st.floats(0.5, 50), st.floats(0.5, 50), st.floats(0.001, 0.999))
def test_the_incomplete_beta_function_and_its_complement_are_one(a: float, b: float, x: float) -> None:
    assert incomplete_beta(x, a, b) + incomplete_beta(1 - x, b, a) == pytest.approx(1, abs=1e-10)


@given(st.integers(0, 2**32), st.floats(0.02, 0.98), st.floats(0.0, 0.5))
def test_drawn_months_keep_their_sizes_and_are_the_same_for_the_same_seed(
    seed: int, mean: float, rho: float
) -> None:
    rated = [Rated(unit, "city", 1, 50 + unit, round((50 + unit) * mean)) for unit in range(20)]
    drawn = list(draw_months(rated, draws=2, seed=seed))
    assert drawn == list(draw_months(rated, draws=2, seed=seed))
    assert [one.n for one in drawn] == [one.n for one in rated] * 2
    assert all(0 <= one.x <= one.n for one in drawn)
    assert rho >= 0


def test_a_spread_is_found_again_in_what_was_drawn_from_it() -> None:
    first = [Rated(unit, "city", 1, 400, 40 if unit % 2 else 200) for unit in range(2000)]
    spread = fit_spread(first)
    again = fit_spread(list(draw_months(first, draws=1, seed=1)))
    assert again.mean == pytest.approx(spread.mean, abs=0.02)
    assert again.rho == pytest.approx(spread.rho, abs=0.02)
    assert fit_spread([Rated(1, "city", 1, 50, 0), Rated(2, "city", 1, 50, 0)]) == Spread(0.0, 0.0)
