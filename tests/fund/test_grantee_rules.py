"""Findings, excuses, the reviewer's sample, banded tables, the map and the pack's file."""

import hashlib
import random
from dataclasses import replace
from datetime import date

import pytest

from doorward.errors import ConfigError
from doorward.fund.grantee.banded import Table, band_words, categories, read_banded, shuffle
from doorward.fund.grantee.cells import REPORT, Cell, Sheet
from doorward.fund.grantee.checks import RULES, Agreement, Excuse, check_report, open_findings
from doorward.fund.grantee.mapping import map_extract, read_map
from doorward.fund.grantee.report import Report, read_report
from doorward.fund.grantee.sample import count_answers, draw_places, draw_sample, seed_of
from doorward.orders.fund_units import read_fund_units
from doorward.orders.load import load_pack
from fund_reports import AGREEMENT, CLEAN, UNITS, sheet_of

AGREED = Agreement(
    AGREEMENT, date(2026, 1, 1), date(2026, 12, 31),
    units={"kyr-session": 20, "screening": 200, "full-representation": 10},
    prices={"full-representation": 150_000},
    budget={"units": 900_000, "interpretation": 50_000},
    used_units={"kyr-session": 8}, used_budget={"units": 450_000},
    left_open={("full-representation", "yes", "trial"): 10},
)  # fmt: skip


def report_of(changes: dict[int, dict[str, str | int]] | None = None) -> Report:
    records = [{**record, **(changes or {}).get(at, {})} for at, record in enumerate(CLEAN)]
    report, refusals = read_report((sheet_of(records),), UNITS, {AGREEMENT})
    assert refusals == ()
    assert report is not None
    return report


def test_a_report_that_fits_to_the_last_unit_and_cent_has_no_finding() -> None:
    assert check_report(report_of(), UNITS, AGREED) == ()


@pytest.mark.parametrize(
    ("changes", "agreed", "rule", "row"),
    [
        ({5: {"amount": "4500.01"}}, {}, "arithmetic", 7),
        ({3: {"units": 14}}, {}, "case-sum", 5),
        ({3: {"closed": 14}, 4: {"units": 14}}, {}, "closed-over", 5),
        ({4: {"units": 1}}, {}, "outcome-sum", 5),
        ({5: {"units": 14, "amount": "21000"}}, {}, "units-billed", 7),
        ({5: {"price": "1818.19", "amount": "5454.57"}}, {}, "cap-not-adopted", 7),
        ({5: {"price": "1400", "amount": "4200"}}, {}, "other-price", 7),
        ({6: {"line": "bond"}}, {}, "line-off", 8),
        ({6: {"line": "court-cost"}}, {}, "not-budgeted", 8),
        ({6: {"line": "indirect", "amount": "450.01", "note": ""}}, {}, "share-not-adopted", 8),
        ({6: {"amount": "500.01"}}, {}, "line-over", 8),
        ({1: {"units": 13}}, {}, "units-over", 3),
        ({}, {"invoices": frozenset({7})}, "duplicate-invoice", 7),
        ({}, {"periods": [(date(2026, 10, 31), date(2026, 11, 30))]}, "overlap", 0),
        ({}, {"last": date(2026, 10, 30)}, "outside-term", 0),
        ({}, {"units": {"kyr-session": 20, "screening": 200}}, "not-agreed", 5),
        ({3: {"carried": 9, "opened": 4}}, {}, "carried-other", 5),
    ],
)
def test_each_rule_finds_its_cell(
    changes: dict[int, dict[str, str | int]], agreed: dict[str, object], rule: str, row: int
) -> None:
    found = check_report(report_of(changes), UNITS, replace(AGREED, **agreed))  # type: ignore[arg-type]  # as the table says
    assert (row, rule) in [(one.row, one.rule) for one in found]


def test_periods_that_touch_do_not_overlap() -> None:
    agreed = replace(
        AGREED, periods=[(date(2026, 9, 1), date(2026, 9, 30)), (date(2026, 11, 1), date(2026, 11, 30))]
    )
    assert check_report(report_of(), UNITS, agreed) == ()


def test_an_excuse_needs_a_listed_reason_and_two_people() -> None:
    (finding,) = check_report(report_of({6: {"amount": "500.01"}}), UNITS, AGREED)
    good = Excuse(finding, "agreement-amended", "manager", "auditor")
    assert open_findings([finding], [good], UNITS) == ()
    for bad in (
        replace(good, reason="because"), replace(good, accepted_by=" Manager "), replace(good, accepted_by=""),
        replace(good, asked_by=" "), replace(good, finding=replace(finding, row=9)),
    ):  # fmt: skip
        assert open_findings([finding], [bad], UNITS) == (finding,)


def test_what_is_false_cannot_be_excused() -> None:
    (finding,) = check_report(report_of({5: {"amount": "4499.99"}}), UNITS, AGREED)
    assert not RULES[finding.rule][1]
    assert open_findings([finding], [Excuse(finding, "corrected-later", "manager", "auditor")], UNITS) == (
        finding,
    )


def test_the_sample_is_what_an_outsider_draws_from_the_written_rule() -> None:
    report, root = report_of(), hashlib.sha256(b"root").digest()
    seed = hashlib.sha256(b"doorward fund sample 1\n" + root + bytes.fromhex(report.digest)).digest()
    assert seed_of(root, bytes.fromhex(report.digest)) == seed
    total, places, number = 12 + 85 + 13, set[int](), 0
    while len(places) < 10:
        value = int(hashlib.sha256(seed + number.to_bytes(8, "big")).hexdigest(), 16)
        number += 1
        if value < 2**256 - 2**256 % total:
            places.add(value % total)
    assert draw_places(seed, total, 10) == tuple(sorted(places))
    assert len(draw_sample(report, root, 10)) == 10
    assert draw_sample(report, root, 10) != draw_sample(report, hashlib.sha256(b"other").digest(), 10)
    assert draw_places(seed, 3, 10) == (0, 1, 2)


def test_the_order_of_rows_does_not_change_digest_or_sample() -> None:
    shuffled = [CLEAN[at] for at in (0, 3, 2, 1, 4, 6, 5)]
    report, _ = read_report((sheet_of(shuffled),), UNITS, {AGREEMENT})
    assert report is not None
    assert report.digest == report_of().digest
    assert draw_sample(report, bytes(32), 5) == draw_sample(report_of(), bytes(32), 5)


def test_a_reviewer_says_pass_or_fail_and_no_more() -> None:
    assert count_answers(["pass", "fail", "pass"], 3).passed == 2
    with pytest.raises(ConfigError) as error:
        count_answers(["pass", "fail: file of Jane Doe"], 2)
    assert "Jane" not in f"{error.value} {error.value.hint}"


def banded(bands: dict[str, str], people: str = "50+") -> Sheet:
    rows = [("quarter", "people", "category", "band")]
    rows += [
        ("2026-Q4" if at == 0 else "", people if at == 0 else "", *pair)
        for at, pair in enumerate(bands.items())
    ]
    return Sheet(
        REPORT,
        tuple(
            (n, {at: Cell(one) for at, one in enumerate(row) if one}) for n, row in enumerate(rows, start=1)
        ),
    )


def test_a_banded_table_is_kept_without_its_sender_and_the_delivery_without_the_table() -> None:
    bands = dict.fromkeys(categories("language", UNITS), "0-9") | {"spanish": "100-249"}
    found, refusals = read_banded((banded(bands),), "language", AGREEMENT, UNITS)
    assert refusals == ()
    assert found is not None
    table, delivery = found
    assert table == Table("language", "2026-q4", (100, 0, 0, 0, 0, 0, 0, 0))
    assert AGREEMENT not in repr(table)
    assert "100" not in repr(delivery)


@pytest.mark.parametrize(
    ("bands", "people", "kind"),
    [
        ({"spanish": "37"}, "50+", "band"),
        ({"spanish, ward 3": "10-24"}, "50+", "word"),
        ({"Jane Doe": "10-24"}, "50+", "name"),
        ({"spanish": "A12345678"}, "50+", "a-number"),
        ({}, "12", "too-few-people"),
    ],
)
def test_exact_numbers_crossed_ways_and_small_tables_are_refused(
    bands: dict[str, str], people: str, kind: str
) -> None:
    whole = dict.fromkeys(categories("language", UNITS), "0-9") | bands
    found, refusals = read_banded((banded(whole, people),), "language", AGREEMENT, UNITS)
    assert found is None
    assert kind in [one.kind for one in refusals]


def test_the_order_in_which_tables_came_is_lost() -> None:
    tables = [Table("ward", "2026-q4", (at, 0)) for at in range(9)]
    other = random.Random(3).sample(tables, len(tables))  # noqa: S311  # any order
    assert shuffle(tables, bytes(32)) == shuffle(other, bytes(32))


def test_none_and_few_people_are_one_band() -> None:
    assert band_words(UNITS)["0-9"] == 0


def test_an_extract_becomes_counts_and_other_columns_are_not_looked_at() -> None:
    text = 'counts_rows = true\n[columns]\nservice = "Type"\ndetained = "Held"\n[words.service]\n"Full rep" = "full-representation"\n"Screen" = "screening"\n'
    rows = [
        ("Client", "Type", "Held"),
        ("Jane Doe", "Screen", "yes"),
        ("A12345678", "Screen", "no"),
        ("Zofia", "Screen", "yes"),
    ]
    sheet = Sheet(
        REPORT,
        tuple((n, {at: Cell(one) for at, one in enumerate(row)}) for n, row in enumerate(rows, start=1)),
    )
    found, refusals = map_extract(sheet, read_map(text, UNITS), UNITS)
    assert refusals == ()
    assert [(row[4], row[5], row[11]) for row in found] == [
        ("screening", "no", "1"),
        ("screening", "yes", "2"),
    ]
    assert "Jane" not in repr(found)
    bad = Sheet(REPORT, (*sheet.rows, (5, {1: Cell("Jane Doe")})))
    found, refusals = map_extract(bad, read_map(text, UNITS), UNITS)
    assert found == []
    assert [(one.place.row, one.place.column) for one in refusals] == [(5, "B")]


def test_the_packs_file_is_read_with_line_and_column_of_each_fault() -> None:
    text = load_pack("chicago").files["fund_units.toml"]
    assert read_fund_units(text)[1] == []
    for old, new, said in (
        ("max_units = 1_899", "max_units = 1_000_000", "max_units"),
        ('counts = "events"', 'counts = "people"', "counts"),
        ("bands = [0,", "bands = [1,", "bands"),
        ('evidence = "S114"', 'evidence = "me"', "evidence"),
        ("people_floor = 50", "people_floor = 5", "people_floor"),
        ('"additional",', '"Jane Doe",', "note.words"),
        ("[line.bond]", "[line.Bond]", "Bond"),
    ):
        assert old in text
        found, findings = read_fund_units(text.replace(old, new, 1))
        assert found is None
        assert any(said in str(one) and one.span and one.span.line > 1 for one in findings)
