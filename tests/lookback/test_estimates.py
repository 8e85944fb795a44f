"""Samples and estimates: against every sample that could have been drawn, and against reading everything."""

from collections import Counter
from hashlib import sha256
from itertools import combinations, product
from statistics import fmean, pvariance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.lookback.labels.draws import (
    LEAST,
    Sample,
    Stratum,
    Unit,
    allocate,
    draw_numbers,
    draw_sample,
    parse_sample,
    population_of,
)
from doorward.lookback.labels.estimates import estimate, estimate_total
from doorward.lookback.labels.labels import TIERS, Settled, Wording
from tests_support.wordings import label_of, label_set


def units(*given: tuple[str, str, int]) -> list[Unit]:
    return [Unit(Wording(reason).digest, tier, "", n) for reason, tier, n in given]


def said(reason: str, tier: str | None, via: str = "sample:0123456789abcdef") -> Settled:
    wording = Wording(reason)
    return Settled(wording.digest, wording, "one", tier or "cannot-tell", tier, frozenset({via}), 1)


@given(
    st.integers(1, 300).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))), st.text(max_size=9)
)
def test_numbers_differ_and_lie_in_range_and_the_seed_determines_them(
    pair: tuple[int, int], seed: str
) -> None:
    numbers = draw_numbers(*pair, seed)
    assert len(numbers) == pair[0]
    assert all(0 <= number < pair[1] for number in numbers)
    assert numbers == draw_numbers(*pair, seed)


def test_every_set_of_numbers_is_as_likely_as_any_other() -> None:
    counts = Counter(frozenset(draw_numbers(2, 5, f"seed {number}")) for number in range(5_000))
    assert len(counts) == 10
    # 500 expected of each; the sum of squares over the expectation is above 33.7 once in ten thousand.
    assert sum((n - 500) ** 2 / 500 for n in counts.values()) < 33.7


def test_a_draw_is_pinned_so_that_an_old_sample_can_be_drawn_again() -> None:
    assert sorted(draw_numbers(5, 1_000_000, "hearing")) == [151025, 235208, 479753, 508675, 553842]


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(TIERS), st.sampled_from(["", "x"])), st.integers(1, 10**7), min_size=1
    ),
    st.integers(1, 5_000),
)
def test_an_allocation_takes_what_was_asked_or_the_least_or_everything(
    accesses: dict[tuple[str, str], int], size: int
) -> None:
    sizes = allocate(accesses, size)
    least = sum(min(LEAST, total) for total in accesses.values())
    assert sum(sizes.values()) == max(least, min(size, sum(accesses.values())))
    assert all(min(LEAST, accesses[key]) <= n <= accesses[key] for key, n in sizes.items())


@given(
    st.lists(st.tuples(st.text(max_size=3), st.sampled_from(TIERS), st.integers(1, 40)), min_size=1),
)
def test_a_sample_does_not_depend_on_the_order_and_is_read_as_it_was_kept(
    given_units: list[tuple[str, str, int]],
) -> None:
    once = units(*{one[0]: one for one in given_units}.values())
    mixed = sorted(once, key=lambda unit: sha256(unit.wording.encode()).hexdigest())
    one, two = draw_sample(once, size=20, seed="s"), draw_sample(mixed, size=20, seed="s")
    assert one == two
    assert parse_sample(one.as_json()) == one
    by_wording = {unit.wording: unit for unit in once}
    for stratum in one.strata:
        assert all(0 < n <= by_wording[wording].accesses for wording, n in stratum.drawn.items())
        assert all(by_wording[wording].tier == stratum.tier for wording in stratum.drawn)


def test_another_number_of_accesses_or_tier_is_another_population_and_a_band_is_not() -> None:
    base = population_of([Unit("a", "other", "", 3)])
    assert base == population_of([Unit("a", "other", "first", 3)])
    assert base != population_of([Unit("a", "other", "", 4)])
    assert base != population_of([Unit("a", "vague", "", 3)])


def test_over_every_sample_that_could_be_drawn_the_mean_is_the_truth_and_the_error_is_the_spread() -> None:
    # Two strata of 5 and 4 accesses: wordings of 2, 2, 1 and of 3, 1 accesses; of 3 and of 2 the answer is yes.
    first, second = ["a", "a", "b", "b", "c"], ["d", "d", "d", "e"]
    yes = {"a", "c", "e"}
    truth = 3 + 1
    estimates, variances, held = [], [], 0
    for one, two in product(combinations(first, 3), combinations(second, 2)):
        strata = [Stratum("other", "x", 5, 3, Counter(one)), Stratum("other", "y", 4, 2, Counter(two))]
        found = estimate_total(strata, yes.__contains__)
        estimates.append(found.accesses)
        variances.append(found.error**2)
        held += found.low <= truth <= found.high
    assert len(estimates) == 10 * 6
    assert fmean(estimates) == pytest.approx(truth)
    assert fmean(variances) == pytest.approx(pvariance(estimates))
    assert held / len(estimates) >= 0.95


@given(
    st.lists(
        st.tuples(st.sampled_from(TIERS), st.sampled_from([*TIERS, None]), st.integers(1, 9)),
        min_size=1,
        max_size=12,
    )
)
def test_reading_everything_gives_the_truth_and_no_interval(
    given_ones: list[tuple[str, str | None, int]],
) -> None:
    named = [(f"reason {number}", *one) for number, one in enumerate(given_ones)]
    sample = draw_sample(units(*((reason, tier, n) for reason, tier, _, n in named)), size=1_000, seed="s")
    found = estimate(sample, {Wording(reason).digest: said(reason, label) for reason, _, label, _ in named})
    for (tier, label), total in found.cells.items():
        truth = sum(n for _, t, told, n in named if t == tier and (told or "cannot-tell") == label)
        assert (round(total.accesses), total.error, total.low, total.high) == (truth, 0, truth, truth)
    for tier, recall in found.recall.items():
        all_of = sum(n for _, _, told, n in named if told == tier)
        if all_of:
            caught = sum(n for _, t, told, n in named if t == told == tier)
            assert recall.low == pytest.approx(caught / all_of) == recall.high == recall.share


def test_precision_and_recall_by_hand() -> None:
    # 20 accesses were called explicit and 10 of them read: 8 are. 1,000 other ones, 10 read: 1 is explicit.
    strata = (
        Stratum("explicit", "", 20, 2, {Wording("yes").digest: 8, Wording("no").digest: 2}),
        Stratum("other", "", 1_000, 2, {Wording("missed").digest: 1, Wording("fine").digest: 9}),
    )
    settled = {
        Wording(reason).digest: said(reason, tier)
        for reason, tier in (("yes", "explicit"), ("no", "other"), ("missed", "explicit"), ("fine", None))
    }
    found = estimate(Sample("s", 20, "p", strata), settled)
    assert found.cells["explicit", "explicit"].accesses == pytest.approx(16)
    assert found.cells["other", "explicit"].accesses == pytest.approx(100)
    assert found.precision["explicit"].share == pytest.approx(0.8)
    assert found.recall["explicit"].share == pytest.approx(16 / 116)
    assert found.untold["other"].share == pytest.approx(0.9)
    assert found.recall["explicit"].low is not None
    assert found.recall["explicit"].low < 0.05
    assert "call explicit, reviewers call 80.0% (" in " ".join(found.as_json()["says"])


def test_a_sample_without_a_miss_does_not_claim_that_nothing_is_missed() -> None:
    strata = (
        Stratum("explicit", "", 10, 1, {Wording("a").digest: 10}),
        Stratum("other", "", 10_000, 1, {Wording("b").digest: 50}),
    )
    settled = {Wording("a").digest: said("a", "explicit"), Wording("b").digest: said("b", "other")}
    recall = estimate(Sample("s", 60, "p", strata), settled).recall["explicit"]
    assert recall.share == 1
    assert recall.low is not None
    assert recall.low < 0.02  # up to some 800 of the 10,000 could be explicit, beside 10 that were found


def test_there_is_no_estimate_while_one_wording_is_missing_or_in_dispute() -> None:
    sample = draw_sample(units(("a", "other", 5), ("b", "other", 5)), size=10, seed="s")
    one = label_set(label_of("a", "vague")).settle()
    found = estimate(sample, one)
    assert found.unfinished == "1 of 2 wordings of the sample are still to be labelled"
    assert found.cells == {}
    assert found.sighted == 0
    both = label_set(
        label_of("a", "vague"), label_of("b", "vague"), label_of("b", "other-purpose", by="CD")
    ).settle()
    assert estimate(sample, both).unfinished == "1 are in dispute and to be adjudicated"
    assert "no estimate yet" in estimate(sample, both).as_json()["says"][1]


def test_a_label_that_was_given_in_sight_of_the_patterns_is_counted_and_said() -> None:
    sample = draw_sample(units(("a", "other", 5), ("b", "other", 5)), size=10, seed="s")
    blind = estimate(sample, {Wording(reason).digest: said(reason, "other") for reason in "ab"})
    assert blind.sighted == 0
    assert not any("may have led" in line for line in blind.as_json()["says"])
    seen = {Wording("a").digest: said("a", "other", via="count"), Wording("b").digest: said("b", "other")}
    assert estimate(sample, seen).sighted == 1
    assert any("1 of these wordings" in line for line in estimate(sample, seen).as_json()["says"])
