import csv
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.lookback.cells import CELLS, State
from doorward.lookback.reading.schema_loss import (
    Alarm,
    Export,
    Kind,
    Thresholds,
    exports_of,
    find_losses,
    tracks_of,
)

HEADER = ("ID", "Name", "Org Name", "License Plate", "Reason", "Case #", "Search Time")
READ = ("id", "account", "searcher", "plate", "reason", "case_no", "at")


def states(rows: int = 100, **changed: Mapping[str, int]) -> dict[str, dict[str, int]]:
    found = {cell.name: {("value" if cell.name in READ else "not-exported"): rows} for cell in CELLS}
    return found | {name: dict(counts) for name, counts in changed.items()}


def export(month: int, file: int | None = None, **more: Any) -> Export:
    told: dict[str, Any] = {
        "file": month if file is None else file, "name": f"{month}.csv", "owner": "sampleton",
        "layout": "flock-audit-13",
        "first": date(2026, month, 1), "last": date(2026, month, 28), "header": HEADER, "states": states(),
        "distinct": {"reason": 40, "plate": 90, "case_no": 30, "account": 12},
    }  # fmt: skip
    return Export(**(told | more))


def kinds(alarms: list[Alarm]) -> list[tuple[str, str, int, int | None]]:
    return [(str(one.kind), one.column, one.file, one.previous) for one in alarms]


def test_exports_that_tell_the_same_raise_no_alarm() -> None:
    assert find_losses([export(month) for month in range(1, 7)]) == []


def test_a_column_that_vanished_is_named_once_by_cell_and_once_by_label() -> None:
    short = export(
        2,
        header=tuple(label for label in HEADER if label != "License Plate"),
        states=states(plate={"not-exported": 100}),
    )
    alarms = find_losses([export(1), short, export(3)])
    assert kinds(alarms) == [
        ("header", "", 2, 1), ("vanished", "plate", 2, 1), ("header", "", 3, 2), ("came", "plate", 3, 2),
    ]  # fmt: skip
    assert alarms[0].says == "the header changed: gone `License Plate`; new nothing"
    assert (alarms[0].before, alarms[0].after) == ("License Plate", "")


def test_a_label_that_is_written_otherwise_is_the_same_column() -> None:
    assert find_losses([export(1), export(2, header=tuple(label.upper() for label in HEADER))]) == []


@pytest.mark.parametrize(("masked", "alarm"), [(89, False), (90, True), (100, True)])
def test_a_column_goes_masked_at_nine_rows_of_ten(masked: int, alarm: bool) -> None:  # noqa: FBT001  # a case
    after = export(2, states=states(plate={"masked": masked, "value": 100 - masked}))
    assert kinds(find_losses([export(1), after])) == [("went-masked", "plate", 2, 1)] * alarm


def test_what_was_masked_for_the_most_part_before_is_no_alarm() -> None:
    before = export(1, states=states(plate={"masked": 51, "value": 49}))
    assert find_losses([before, export(2, states=states(plate={"masked": 100}))]) == []


def test_a_citation_in_place_of_reasons_is_withheld() -> None:
    after = export(2, states=states(reason={"withheld": 100}), distinct={})
    assert kinds(find_losses([export(1), after])) == [("went-withheld", "reason", 2, 1)]


def test_account_ids_that_turn_to_stars_have_an_alarm_of_their_own() -> None:
    (alarm,) = find_losses([export(1), export(2, states=states(account={"masked": 100}))])
    assert alarm.kind is Kind.ACCOUNTS
    assert "shared accounts and bursts of one account cannot be seen" in alarm.says


@pytest.mark.parametrize(
    ("was", "now", "alarm"),
    [(10, 34, False), (10, 35, True), (30, 55, False), (30, 60, True), (0, 24, False)],
)
def test_a_blank_rate_jumps_by_a_quarter_and_twice(was: int, now: int, alarm: bool) -> None:  # noqa: FBT001  # a case
    before, after = (
        export(month, states=states(case_no={"blank": blank, "value": 100 - blank}))
        for month, blank in ((1, was), (2, now))
    )
    assert kinds(find_losses([before, after])) == [("blank-rate-jumped", "case_no", 2, 1)] * alarm


def test_a_column_that_says_one_thing_in_every_row_is_no_evidence() -> None:
    one = {"reason": 1, "plate": 90, "case_no": 30, "account": 12}
    alarms = find_losses([export(1), export(2, distinct=one), export(3, distinct=one)])
    assert kinds(alarms) == [
        ("is-constant", "reason", 2, None), ("is-constant", "reason", 3, None), ("went-constant", "reason", 2, 1),
    ]  # fmt: skip


def test_a_column_that_is_constant_by_the_account_of_the_reading_is_one_too() -> None:
    alarms = find_losses([export(1, distinct={}), export(2, distinct={}, constant=frozenset({"reason"}))])
    assert [(one.kind, one.previous) for one in alarms] == [(Kind.IS_CONSTANT, None), (Kind.CONSTANT, 1)]
    assert "had more values than one before" in alarms[1].says


def test_a_drop_down_says_that_vague_reasons_fall_by_artefact() -> None:
    after = export(2, states=states(offense={"value": 60, "blank": 40}), vague=2)
    alarms = find_losses([export(1, vague=40), after])
    assert kinds(alarms) == [("came", "offense", 2, 1), ("drop-down-came", "offense", 2, 1)]
    assert "before 40.0 %, since 2.0 %" in alarms[1].says


def test_small_exports_raise_no_alarm_of_shares_and_still_one_of_columns() -> None:
    small = export(2, states=states(20, account={"masked": 20}, plate={"not-exported": 20}))
    assert kinds(find_losses([export(1), small])) == [("vanished", "plate", 2, 1)]


def test_the_order_is_that_of_periods_and_not_of_files() -> None:
    lost = export(1, file=9, states=states(plate={"masked": 100}))
    assert kinds(find_losses([lost, export(2, file=1)])) == []
    assert kinds(
        find_losses([export(2, file=1, states=states(plate={"masked": 100})), export(1, file=9)])
    ) == [("went-masked", "plate", 1, 9)]


def test_two_owners_are_never_compared_and_no_owner_with_nobody() -> None:
    lost = states(plate={"not-exported": 100})
    assert find_losses([export(1), export(2, owner="otherville", states=lost)]) == []
    assert find_losses([export(1, owner=""), export(2, owner="", states=lost)]) == []


def test_a_portal_and_an_audit_of_the_same_month_are_two_series() -> None:
    portal = [
        export(m, file=10 + m, layout="flock-portal", states=states(plate={"not-exported": 100}))
        for m in (1, 2)
    ]
    assert find_losses([export(1), export(2), *portal]) == []
    assert [[one.file for one in track] for track in tracks_of([export(1), export(2), *portal])] == [
        [1, 2],
        [11, 12],
    ]


def test_a_series_that_changes_its_layout_is_one_series() -> None:
    later = export(2, layout="flock-audit-14", states=states(plate={"not-exported": 100}))
    assert kinds(find_losses([export(1), later])) == [("vanished", "plate", 2, 1)]


def test_the_thresholds_are_those_of_the_caller() -> None:
    after = export(2, states=states(plate={"masked": 70, "value": 30}))
    assert find_losses([export(1), after]) == []
    assert len(find_losses([export(1), after], Thresholds(hidden_after=0.7))) == 1


def test_a_manifest_is_read_and_files_without_a_period_are_passed_over() -> None:
    told = {
        "file": 0, "name": "a.csv", "owner": "sampleton", "layout": "x",
        "period": ["2026-01-01T00:00:00", "2026-01-31"],
        "states": states(), "header": list(HEADER),
    }  # fmt: skip
    (found,) = exports_of([told, told | {"period": [None, None]}, told | {"states": {}}])
    assert (found.first, found.last, found.rows) == (date(2026, 1, 1), date(2026, 1, 31), 100)
    assert find_losses([found]) == []
    accounted = {k: v for k, v in told.items() if k != "header"} | {
        "used": {"at": "Search Time"},
        "unused": ["Hits"],
    }
    assert exports_of([accounted])[0].header == ("Search Time", "Hits")


counts = st.dictionaries(st.sampled_from([str(state) for state in State]), st.integers(0, 500), max_size=6)


@given(
    st.lists(st.dictionaries(st.sampled_from([cell.name for cell in CELLS]), counts), min_size=1, max_size=5)
)
def test_any_accounting_is_compared_without_an_error_and_itself_without_an_alarm(found: list[Any]) -> None:
    series = [export(month, states=told, distinct={}) for month, told in enumerate(found, 1)]
    for alarm in find_losses(series):
        assert alarm.as_json()["says"]
    assert find_losses([series[0], export(12, file=12, states=found[0], distinct={})]) == []


def state_of(text: str | None) -> str:
    if text is None:
        return "not-exported"
    if not text.strip():
        return "blank"
    return "masked" if set(text) == {"*"} else "value"


@pytest.mark.shared
def test_the_forty_published_exports_raise_no_alarm_against_each_other(shared: Path) -> None:
    cells = {"id": "id", "userId": "account", "searchDate": "at", "networkCount": "networks", "reason": "reason",
             "caseNumber": "case_no", "offenseType": "offense"}  # fmt: skip
    exports = []
    for number, file in enumerate(sorted((shared / "data/alpr-portals/logs").glob("*.csv"))):
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            rows = list(reader)
        counted: dict[str, dict[str, int]] = {}
        distinct = {}
        for label, cell in cells.items():
            texts = [row.get(label) for row in rows]
            state = [state_of(text) for text in texts]
            counted[cell] = {one: state.count(one) for one in set(state)}
            distinct[cell] = len({t for t, s in zip(texts, state, strict=True) if s == "value"})
        owner, _, day = file.stem.partition("__")
        exports.append(
            Export(number, file.name, owner, "flock-portal", date.fromisoformat(day), date.fromisoformat(day),
                   tuple(reader.fieldnames or ()), counted, distinct)
        )  # fmt: skip
    assert len(exports) == 40
    alarms = find_losses(exports)
    assert [one for one in alarms if one.previous is not None] == []
    assert {one.kind for one in alarms} <= {Kind.IS_CONSTANT}
    first, second = exports[0], exports[1]
    renamed = Export(99, second.name, first.owner, second.layout, second.first, second.last, second.header,
                     {**second.states, "reason": {"not-exported": second.rows}}, second.distinct)  # fmt: skip
    assert ("vanished", "reason") in {(str(a.kind), a.column) for a in find_losses([first, renamed])}
