"""Two audits beside each other: figures held against published examples, alarms first, orders that differ refused."""

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from doorward.errors import ConfigError
from doorward.lookback.labels.intervals import wilson
from doorward.lookback.report.compare import Comparison, compare_audits, load_side
from doorward.lookback.report.two_rates import difference, holm, p_value
from tests_support.audit_folder import ORDER, OWNERS, Access, Sample, ordinary


def compare(old: Sample, new: Sample, root: Path, *, anyway: bool = False) -> Comparison:
    with duckdb.connect() as connection:
        sides = []
        for name, sample in (("old", old), ("new", new)):
            folder = sample.write(root / name)
            sides.append(
                load_side(connection, folder, json.loads(folder.manifest.read_text(encoding="utf-8")))
            )
    return compare_audits(*sides, anyway=anyway)


QUIET = Sample(manifest={"alarms": []})


def test_an_audit_beside_itself_shows_no_difference(tmp_path: Path) -> None:
    found = compare(QUIET, QUIET, tmp_path)
    assert {rate.verdict for rate in found.rates} == {"no difference shown"}
    assert not found.alarms
    assert not found.gone
    assert not found.fresh


def test_a_rise_is_shown_where_the_numbers_carry_it_and_not_where_they_do_not(tmp_path: Path) -> None:
    more = [replace(one, times=90) if one.times == 12 else one for one in ordinary()]
    found = compare(QUIET, replace(QUIET, accesses=more), tmp_path)
    rates = {(r.owner, r.value): r for r in found.rates if r.rules == ORDER}
    assert rates[OWNERS[0], "explicit"].verdict == "rose"
    assert rates[OWNERS[0], "explicit"].old == (13, 500)
    assert rates[OWNERS[0], "explicit"].new == (91, 578)
    assert rates[OWNERS[1], "explicit"].verdict == "no difference shown"


def test_a_column_that_vanished_comes_first_and_no_rate_of_its_agency_is_said_to_fall(tmp_path: Path) -> None:
    fewer = [one for one in ordinary() if one.tier != "explicit"]
    old = Sample(manifest={"alarms": []})
    new = replace(old, accesses=fewer)
    manifest = json.loads(new.write(tmp_path / "m").manifest.read_text(encoding="utf-8"))
    manifest["files"][0]["states"]["reason"] = {"masked": 500}
    found = compare(old, replace(new, manifest={"alarms": [], "files": manifest["files"]}), tmp_path)
    assert found.lines()[1].startswith("Log changed: Alder Example PD: the logs lost the cell reason")
    assert {r.verdict for r in found.rates if r.owner in {OWNERS[0], ""}} == {"not comparable"}
    assert {r.verdict for r in found.rates if r.owner == OWNERS[1]} == {"no difference shown"}


def test_agencies_that_are_gone_or_new_are_named_and_in_no_sum(tmp_path: Path) -> None:
    fewer = [one for one in ordinary() if one.owner != OWNERS[2]]
    found = compare(QUIET, replace(QUIET, accesses=fewer), tmp_path)
    assert found.gone == (OWNERS[2],)
    assert next(r.old for r in found.rates if r.owner == "" and r.rules == ORDER)[1] == 900


@pytest.mark.parametrize("key", ["digest", "lexicon"])
def test_audits_under_different_orders_are_not_compared_unless_asked_for(tmp_path: Path, key: str) -> None:
    base = json.loads(QUIET.write(tmp_path / "m").manifest.read_text(encoding="utf-8"))
    base["rules"][0][key] = "ee" * 32
    other = replace(QUIET, manifest={"alarms": [], "rules": base["rules"]})
    with pytest.raises(ConfigError, match="not the same in both"):
        compare(QUIET, other, tmp_path)
    assert "not the same in both" in compare(QUIET, other, tmp_path, anyway=True).lines()[2]


def test_audits_without_a_common_order_are_not_compared(tmp_path: Path) -> None:
    other = replace(QUIET, manifest={"alarms": [], "rules": [{"name": "z", "digest": "", "clauses": {}}]})
    with pytest.raises(ConfigError, match="no order in common"):
        compare(QUIET, other, tmp_path)


def test_an_owner_without_accesses_on_one_side_breaks_nothing(tmp_path: Path) -> None:
    found = compare(QUIET, replace(QUIET, accesses=[Access(OWNERS[0], times=3)]), tmp_path)
    assert found.lines()


def test_intervals_are_those_of_the_papers() -> None:
    found = wilson(81, 263).as_json()
    assert (found["low"], found["high"]) == (0.2553, 0.3662)  # Newcombe 1998 (a), table I, method 3
    d, low, high = difference((48, 80), (56, 70))
    assert (round(d, 4), round(low, 4), round(high, 4)) == (
        0.2,
        0.0524,
        0.3339,
    )  # Newcombe 1998 (b), table II, method 10


@pytest.mark.parametrize(
    ("old", "new"), [((3, 40), (9, 35)), ((0, 10), (4, 9)), ((1, 1000), (2, 900)), ((50, 80), (40, 90))]
)
def test_the_test_is_fishers(old: tuple[int, int], new: tuple[int, int]) -> None:
    from scipy import stats

    tables = [[old[0], old[1] - old[0]], [new[0], new[1] - new[0]]]
    assert p_value(old, new) == pytest.approx(stats.fisher_exact(tables).pvalue, rel=1e-6)


def test_many_comparisons_are_adjusted_in_their_order() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([]) == []
