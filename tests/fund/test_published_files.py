"""Editions as values and as files: what counts when, the money, one text, digests, the chain, what a reader can check."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.errors import ConfigError, MalformedError, VerificationError
from doorward.fund.entries import publish_entry
from doorward.fund.grantee.report import Outcome, Report, Units
from doorward.fund.ledger.accounts import Account
from doorward.fund.ledger.operations import Agree, Opening, Part, Post, Refund
from doorward.fund.published.check import Kept, check_editions, check_recorded, check_remade, check_sums
from doorward.fund.published.counted import (
    Accepted,
    Reports,
    count_reports,
    month_of,
    newest_due,
    publish_on,
    take_report,
)
from doorward.fund.published.edition import Edition, format_edition, parse_edition
from doorward.fund.published.files import (
    DOCUMENT,
    NAMES,
    TABLES,
    TOTALS,
    check_file,
    format_files,
    format_tables,
    parse_totals,
)
from doorward.fund.published.money import take_money
from doorward.fund.published.month import Month, fiscal_year_of, parse_month
from doorward.record.entry import NO_SESSION, Entry, Fields, Kind
from tests_support.examples import examples
from tests_support.fund import open_year
from tests_support.fund_published import Ledger, edition, fund_words, month_at, report, words

NAMES_OF = {"grantee-of-north": "North Legal Example"}


def kept(made: list[Edition]) -> list[Kept]:
    found: list[Kept] = []
    for one in made:
        previous = found[-1].files[TOTALS] if found else None
        found.append(Kept(str(one.month), format_files(one, NAMES_OF, previous)))
    return found


def small_ledger() -> Ledger:
    ledger = Ledger()
    ledger.begin(2026, "north", "south")
    ledger.buy(
        "c-1",
        "north",
        date(2026, 1, 28),
        ("legal", "screening", 270_000),
        ("legal", "representation", 400_000),
    )
    ledger.buy("c-2", "south", date(2026, 2, 25), ("outreach", "know-your-rights", 125_000))
    ledger.do(Refund("north", 2026, "legal", 70_000, 2026, "RF-1"), day=date(2026, 3, 3))
    return ledger


@pytest.fixture(scope="module")
def months() -> list[Edition]:
    """Fourteen months with money, counts, one small month, a closed year."""
    ledger = small_ledger()
    reports = [report(at, [40, 4 if at == 5 else 30, 20, 50], [20, 15, 12]) for at in range(14)]
    early = [edition(at, reports, ledger) for at in range(12)]
    ledger.do(open_year(2027), day=date(2027, 1, 2))
    ledger.close(2026)
    return [*early, *(edition(at, reports, ledger) for at in (12, 13))]


# When a report counts


@pytest.mark.parametrize(
    ("last", "accepted", "month"),
    [
        (date(2026, 3, 31), date(2026, 4, 2), "2026-03"),
        (date(2026, 3, 15), date(2026, 3, 20), "2026-03"),
        (date(2026, 3, 31), date(2026, 5, 14), "2026-03"),
        (date(2026, 3, 31), date(2026, 5, 15), "2026-04"),  # the day on which March is published
        (date(2026, 3, 31), date(2027, 9, 1), "2027-07"),
        (date(2025, 6, 30), date(2026, 1, 9), "2026-01"),  # before the first month
        (date(2026, 9, 30), date(2026, 5, 1), "2026-09"),
    ],
)
def test_a_report_counts_in_its_month_or_in_the_first_that_is_published_after_it(
    last: date, accepted: date, month: str
) -> None:
    assert str(month_of(Accepted(last, accepted), words())) == month


@settings(max_examples=examples(15, deep=200), deadline=None)
@given(st.dates(date(2026, 1, 1), date(2029, 1, 1)), st.integers(0, 900))
def test_no_report_counts_in_a_month_that_was_published_when_it_came(last: date, late: int) -> None:
    one = Accepted(last, last + timedelta(days=late))
    assert publish_on(month_of(one, words()), words()) > one.accepted


def test_the_newest_month_that_is_due() -> None:
    assert newest_due(words(), date(2026, 3, 16)) is None
    assert str(newest_due(words(), date(2026, 3, 17))) == "2026-01"
    assert str(newest_due(words(), date(2027, 1, 31))) == "2026-11"


def test_of_a_report_only_what_is_counted_is_taken() -> None:
    made = Report(
        "ldf-1", date(2026, 3, 1), date(2026, 3, 31),
        (Units(2, "full-representation", "yes", "bond", 3, 40, 1, 43), Units(3, "full-representation", "no", "none", 2, 0, 0, 2),
         Units(4, "screening", "no", "", 0, 0, 0, 12)),
        (Outcome(5, "full-representation", "stay-granted", 1), Outcome(6, "limited-representation", "other", 2)),
        (),
    )  # fmt: skip
    taken = take_report(made, date(2026, 4, 2))
    counts = count_reports([taken, taken], words())
    assert counts.served == {Month(2026, 3): (0, 24, 0, 10)}  # opened, and not those carried on
    assert counts.ended == {Month(2026, 3): (2, 0, 4)}
    assert "bond" not in repr(taken)


def test_a_word_that_the_public_tables_do_not_count_is_an_error_and_no_silence() -> None:
    with pytest.raises(MalformedError, match="do not"):
        count_reports([Accepted(date(2026, 3, 1), date(2026, 3, 2), {"massage": 3})], words())
    with pytest.raises(MalformedError, match="do not"):
        count_reports([Accepted(date(2026, 3, 1), date(2026, 3, 2), outcomes={"won": 3})], words())


def dated(day: date, count: int, returned: date | None = None, agreement: str = "a-1") -> Accepted:
    return Accepted(
        date(2026, 3, 31), day, {"screening": count}, returned=returned, of=(agreement, date(2026, 3, 1))
    )


MARCH, APRIL = Month(2026, 3), Month(2026, 4)  # published on 15 May and on 14 June


@pytest.mark.parametrize(
    ("reports", "counts"),
    [
        ([dated(date(2026, 4, 2), 12)], {MARCH: 12}),
        ([dated(date(2026, 4, 2), 12, date(2026, 4, 9)), dated(date(2026, 4, 10), 15)], {MARCH: 15}),
        ([dated(date(2026, 4, 2), 12, date(2026, 5, 14)), dated(date(2026, 5, 20), 15)], {APRIL: 15}),
        # Taken back on the day of the publication, or after it: what was published stands, and is not counted twice.
        ([dated(date(2026, 4, 2), 12, date(2026, 5, 15)), dated(date(2026, 5, 20), 15)], {MARCH: 12}),
        ([dated(date(2026, 4, 2), 12, date(2026, 9, 1)), dated(date(2026, 9, 2), 15), dated(date(2026, 9, 2), 4, agreement="a-2")],
         {MARCH: 12, Month(2026, 7): 4}),
    ],
    ids=["stands", "corrected in time", "corrected late", "corrected after", "of another agreement"],
)  # fmt: skip
def test_a_report_that_was_taken_back(reports: list[Accepted], counts: dict[Month, int]) -> None:
    for held in (reports, reports[::-1]):
        found = count_reports(held, words())
        assert {month: served[1] for month, served in found.served.items() if any(served)} == counts


def filed(day: date, count: int, filing: int, **more: Any) -> Accepted:
    return replace(dated(day, count), filing=filing, **more)


@pytest.mark.parametrize(
    ("late", "counts"),
    [
        (
            [filed(date(2026, 4, 2), 7, 6)],
            {MARCH: 12, APRIL: 7},
        ),  # its day is set back to before the publication
        ([filed(date(2026, 4, 2), 7, 5)], {MARCH: 19}),
        ([filed(date(2026, 4, 2), 7, 4, returned=date(2026, 4, 3), returned_by=5)], {MARCH: 12}),
        ([filed(date(2026, 4, 2), 7, 4, returned=date(2026, 4, 3), returned_by=6)], {MARCH: 19}),
    ],
    ids=["filed after", "filed before", "taken back before", "taken back after"],
)
def test_a_day_that_was_set_back_changes_no_month_that_is_published(
    late: list[Accepted], counts: dict[Month, int]
) -> None:
    held = [replace(one, of=("a-2", date(2026, 3, 1))) for one in late]
    found = count_reports([filed(date(2026, 4, 2), 12, 3), *held], words(), {MARCH: 5})
    assert {month: served[1] for month, served in found.served.items() if any(served)} == counts


DAYS = st.dates(date(2026, 1, 20), date(2026, 9, 1))
ACTS = st.one_of(
    st.tuples(st.just("report"), DAYS, st.integers(0, 7), st.integers(0, 2)),
    st.tuples(st.just("return"), DAYS, st.integers(0, 30), st.just(0)),
    st.tuples(st.just("publish"), DAYS, st.just(0), st.just(0)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTS, min_size=4, max_size=25))
def test_whatever_is_filed_under_whatever_day_no_month_that_is_published_changes(acts: list[Any]) -> None:
    reports: list[Accepted] = []
    known: dict[Month, int] = {}
    published: list[Edition] = []

    def make(at: int) -> Edition:
        return edition(at, reports, known={month: known[month] for month in map(month_at, range(at + 1))})

    for number, (act, day, at, agreement) in enumerate(acts, 1):
        if act == "publish":
            known[month_at(len(published))] = number
            published.append(make(len(published)))
        elif act == "report":
            of = (f"a-{agreement}", month_at(at).last.replace(day=1))
            reports.append(replace(report(at, [number, 0, 0, 0]), accepted=day, of=of, filing=number))
        elif reports and reports[at % len(reports)].returned is None:
            one = reports[at % len(reports)]
            reports[at % len(reports)] = replace(one, returned=day, returned_by=number)
        assert [make(place) for place in range(len(published))] == published


class Listed:
    """The least that keeps reports."""

    def __init__(self, *held: Accepted) -> None:
        self.held = held

    def accepted(self) -> tuple[Accepted, ...]:
        return self.held


def test_a_list_is_where_reports_are_kept() -> None:
    source: Reports = Listed(report(0, [1, 2, 3, 4]))
    assert len(list(source.accepted())) == 1


# Months and years


def test_months_and_fiscal_years() -> None:
    july = replace(fund_words(), begins=(7, 1))
    assert fiscal_year_of(Month(2026, 6), july) == 2026
    assert fiscal_year_of(Month(2026, 7), july) == 2027
    assert fiscal_year_of(Month(2026, 7), fund_words()) == 2026
    assert str(Month(2026, 12).after) == "2027-01"
    assert Month(2028, 2).last == date(2028, 2, 29)
    with pytest.raises(ConfigError, match="begins within one"):
        fiscal_year_of(Month(2026, 7), replace(fund_words(), begins=(7, 15)))
    for text in ("2026-13", "2026", "1999-01", "2026-1", ""):
        with pytest.raises(MalformedError):
            parse_month(text)


# Money


def test_the_money_of_a_month_is_what_was_booked_by_its_end(months: list[Edition]) -> None:
    january, march = months[0], months[2]
    assert {(one.line, one.appropriated, one.expended, one.paid) for one in january.lines} == {
        ("legal", 10_000_000, 670_000, 670_000), ("outreach", 10_000_000, 0, 0),
    }  # fmt: skip
    assert [(one.grantee, one.paid, one.returned) for one in march.payments] == [
        ("grantee-of-north", 670_000, 70_000), ("grantee-of-south", 125_000, 0),
    ]  # fmt: skip
    assert {(one.line, one.expended, one.paid) for one in march.lines} == {
        ("legal", 600_000, 600_000), ("outreach", 125_000, 125_000),
    }  # fmt: skip


def test_what_is_pending_is_of_no_grantee_yet() -> None:
    ledger = small_ledger()
    ledger.do(
        Agree(
            "east", "grantee-of-east", date(2026, 1, 1), date(2026, 12, 31), (Part(2026, "legal", 100_000),)
        )
    )
    made = edition(0, None, ledger)
    assert "east" not in format_edition(made).decode()
    assert next(one for one in made.lines if one.line == "legal").pending == 100_000


def test_what_is_booked_back_into_a_published_month_shows_in_the_next_and_changes_nothing() -> None:
    ledger = small_ledger()
    january, through = edition(0, None, ledger), len(ledger.written)
    ledger.buy("c-9", "north", date(2026, 1, 30), ("legal", "screening", 90_000))
    again = take_money(ledger.written, month_at(0).last, through)
    assert (again.lines, again.payments, again.holdings) == (
        january.lines,
        january.payments,
        january.holdings,
    )
    assert edition(1, None, ledger).payments[0].paid == 760_000


def test_a_payment_may_be_booked_before_the_day_of_its_agreement() -> None:
    ledger, march = Ledger(), date(2026, 3, 9)
    ledger.begin(2026)
    parts = (Part(2026, "legal", 500_000),)
    ledger.do(Agree("late", "late-grantee", date(2026, 1, 1), date(2026, 12, 31), parts), day=march)
    ledger.do(Post("late"), "director", march)
    ledger.buy("c-1", "late", date(2026, 1, 20), ("legal", "screening", 9_000))
    assert [(one.grantee, one.paid) for one in edition(0, None, ledger).payments] == [("late-grantee", 9_000)]


def test_an_agreement_that_is_taken_over_in_two_lines_may_be_described_in_the_first_alone() -> None:
    ledger, begins, ends = Ledger(), date(2026, 1, 1), date(2026, 12, 31)
    ledger.do(open_year(2026))
    ledger.do(Opening(2026, "legal", 90_000, "AUDIT-1", "old", "old-grantee", begins, ends, 40_000, 30_000))
    ledger.do(Opening(2026, "outreach", 20_000, "AUDIT-1", "old", encumbered=20_000))
    made = edition(0, None, ledger)
    assert [(one.grantee, one.paid) for one in made.payments] == [("old-grantee", 30_000)]
    assert [(one.line, one.grantee, one.begins, one.ends) for one in made.holdings] == [
        ("legal", "old-grantee", begins, ends), ("outreach", "old-grantee", begins, ends),
    ]  # fmt: skip


def test_public_totals_ledger_and_csv_are_the_same_sums(months: list[Edition]) -> None:
    made, ledger = months[11], small_ledger()
    assert check_sums(made) == []
    balances = Counter[Account]()
    for (account, _, _, _), cents in ledger.state.balances.items():
        balances[account] += cents
    said = parse_totals(kept([made])[0].files[TOTALS])
    for name, account in (
        ("appropriated", Account.APPROPRIATED),
        ("spent", Account.EXPENDED),
        ("encumbered", Account.ENCUMBERED),
        ("paid", Account.TREASURY),
    ):
        assert round(float(said[name]) * 100) == abs(balances[account])
    tables = format_tables(made, NAMES_OF)
    for name, column in (("lines.csv", "paid"), ("payments.csv", "paid")):
        rows = list(csv.DictReader(io.StringIO(tables[name].decode())))
        returned = sum(round(float(row.get("returned", 0)) * 100) for row in rows)
        assert sum(round(float(row[column]) * 100) for row in rows) - returned == 725_000


# One text, and files


def test_the_json_of_an_edition_is_its_one_text(months: list[Edition]) -> None:
    for made in (months[0], months[-1], edition(0, None), edition(0, ())):
        raw = format_edition(made)
        assert parse_edition(raw) == made
        assert format_edition(parse_edition(raw)) == raw
        assert json.loads(raw)["month"] == str(made.month)


CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "cut short": lambda raw: raw[:-1],
    "a line more": lambda raw: raw + b"\n",
    "nothing": lambda raw: raw[:0],
    "a list": lambda raw: b"[]" + raw[:0],
    "no field": lambda raw: b"{}" + raw[:0],
    "another version": lambda raw: raw.replace(b'"version": 1', b'"version": 2'),
    "no month": lambda raw: raw.replace(b'"month": "2026-01"', b'"month": "x"'),
    "a text for a number": lambda raw: raw.replace(b'"threshold": 10', b'"threshold": "10"'),
    "a fraction": lambda raw: raw.replace(b'"threshold": 10', b'"threshold": 10.0'),
    "a line without its fields": lambda raw: raw.replace(b'"lines": [', b'"lines": [\n  {"year": 1},'),
    "another name": lambda raw: raw.replace(b'"served"', b'"Served"'),
    "very deep": lambda raw: b"[" * 100_000 + raw,
    "no text": lambda raw: b"\xff" + raw,
    "a blank more": lambda raw: raw.replace(b" ", b"  ", 1),
    "a field more": lambda raw: raw.replace(b'"month"', b'"client": "x",\n "month"'),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_text_is_no_edition(change: str, months: list[Edition]) -> None:
    with pytest.raises(MalformedError):
        parse_edition(CHANGES[change](format_edition(months[0])))


@settings(max_examples=examples(25, deep=300), deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_an_edition_or_the_documented_error(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_edition(raw)


def test_no_reports_is_not_nought() -> None:
    without, empty = edition(2, None), edition(2, ())
    assert without.served is None
    assert [one.value for one in empty.served or ()] == [0] * 12
    assert format_tables(without, {})["served.csv"] == b"period,service,count\r\n"


def test_a_month_without_a_report_is_told_from_one_in_which_nothing_was_done() -> None:
    made = edition(2, [report(0, [40, 0, 20, 50]), report(2, [0, 0, 0, 0])])
    assert [(one.period, one.reports) for one in made.came or ()] == [
        ("2026-01", 1),
        ("2026-02", 0),
        ("2026-03", 1),
    ]
    assert (
        format_tables(made, {})["reports.csv"] == b"period,reports\r\n2026-01,1\r\n2026-02,0\r\n2026-03,1\r\n"
    )


def test_the_csv_of_counts_says_withheld_and_names_the_year(months: list[Edition]) -> None:
    rows = list(csv.reader(io.StringIO(format_tables(months[11], NAMES_OF)["served.csv"].decode())))
    assert rows[0] == ["period", "service", "count"]
    assert ["2026-06", "screening", "withheld"] in rows
    assert ["2026", "representation", "600"] in rows
    assert not any(row[1] == "all" for row in rows)
    outcomes = format_tables(months[11], NAMES_OF)["outcomes.csv"].decode()
    assert "2026-01,all,47\r\n" in outcomes


def test_no_cell_of_a_csv_is_one_that_a_spreadsheet_runs(months: list[Edition]) -> None:
    for raw in format_tables(months[-1], NAMES_OF).values():
        for row in csv.reader(io.StringIO(raw.decode())):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row)


def test_digests_are_those_of_sha256sum_and_name_each_file(months: list[Edition]) -> None:
    one = kept([months[0]])[0]
    said = parse_totals(one.files[TOTALS])
    for name in (*TABLES, DOCUMENT):
        assert said[name] == sha256(one.files[name]).hexdigest()
        assert check_file(one.files[TOTALS], name, one.files[name]) == "2026-01"
        with pytest.raises(VerificationError):
            check_file(one.files[TOTALS], name, one.files[name] + b"x")
    with pytest.raises(MalformedError):
        check_file(one.files[TOTALS], "secrets.csv", b"")
    assert tuple(one.files) == NAMES


def test_the_same_arguments_give_the_same_bytes() -> None:
    """But for the keys of transactions, which the tests draw anew and which stand in no file."""
    first, second = (
        kept([edition(at, [report(0, [40, 3, 20, 50])], small_ledger()) for at in range(2)]) for _ in range(2)
    )
    assert first == second


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(), st.text(max_size=3), st.just([]), st.just({})
)


@settings(max_examples=examples(15, deep=200), deadline=None)
@given(st.data(), VALUES)
def test_a_stranger_s_file_is_checked_and_never_breaks_the_check(data: st.DataObject, value: object) -> None:
    made = edition(1, [report(0, [40, 3, 20, 50], [12, 3, 0])], small_ledger())
    document = json.loads(format_edition(made))
    at = document
    while True:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if not at[key] or not isinstance(at[key], (dict, list)) or data.draw(st.booleans()):
            at[key] = value
            break
        at = at[key]
    parts = [
        f' "{name}": ' + (json.dumps(rows, sort_keys=True) if not isinstance(rows, list) or not rows else
        "[\n  " + ",\n  ".join(json.dumps(row, sort_keys=True) for row in rows) + "\n ]")
        for name, rows in document.items()
    ]  # fmt: skip
    files = {**kept([made])[0].files, DOCUMENT: ("{\n" + ",\n".join(parts) + "\n}\n").encode()}
    assert check_editions([Kept("2026-02", files)]) or json.loads(format_edition(made)) == document


# What a reader can check


def test_months_that_hold(months: list[Edition]) -> None:
    assert check_editions(kept(months)) == ()
    assert check_editions([]) == ()


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_byte_in_any_file_is_seen(name: str, months: list[Edition]) -> None:
    made = kept(months[:3])
    files = dict(made[1].files)
    files[name] = files[name][:-3] + b"9" + files[name][-2:]
    wrong = check_editions([made[0], Kept(made[1].month, files), made[2]])
    assert any(one.startswith("2026-02") for one in wrong), wrong


def test_a_whole_month_that_was_written_anew_is_seen_in_the_next(months: list[Edition]) -> None:
    made = kept(months[:3])
    other = replace(months[1], threshold=9)
    forged = Kept("2026-02", format_files(other, NAMES_OF, made[0].files[TOTALS]))
    wrong = check_editions([made[0], forged, made[2]])
    assert any("2026-03: the totals are not those" in one for one in wrong)


def test_a_month_that_is_left_out_or_lacks_a_file_is_seen(months: list[Edition]) -> None:
    made = kept(months[:3])
    assert any("the month before it is 2026-01" in one for one in check_editions([made[0], made[2]]))
    short = Kept(made[1].month, {name: raw for name, raw in made[1].files.items() if name != "costs.csv"})
    assert "2026-02: costs.csv missing" in check_editions([made[0], short, made[2]])
    more = Kept(made[2].month, {**made[2].files, "clients.csv": b""})
    assert "2026-03: `clients.csv` is no file of a month" in check_editions([*made[:2], more])


def test_tables_that_do_not_add_up_are_seen(months: list[Edition]) -> None:
    made = months[12]
    line, payment, holding = made.lines[0], made.payments[0], made.holdings[0]
    cost = made.costs[0] if made.costs else None
    assert cost is not None
    for forged, says in (
        (
            replace(made, lines=(replace(line, expended=line.expended + 1), *made.lines[1:])),
            "does not add up",
        ),
        (
            replace(made, payments=(replace(payment, paid=payment.paid + 1), *made.payments[1:])),
            "what grantees were paid of 2026",
        ),
        (
            replace(made, holdings=(replace(holding, spent=holding.spent + 1), *made.holdings[1:])),
            "what is spent of",
        ),
        (replace(made, costs=(replace(cost, count=11), *made.costs[1:])), "rests on another count"),
    ):
        assert any(says in one for one in check_sums(forged)), says


def entry(fields: Fields, at: int = 1) -> Entry:
    return Entry(Kind.FUND, at, 0, NO_SESSION, 0, bytes(16), fields)


def test_the_record_bears_each_month_and_no_other(months: list[Edition]) -> None:
    made = kept(months[:3])
    entries = [
        entry(publish_entry(one.month, one.files[TOTALS], "manager"), at) for at, one in enumerate(made)
    ]
    assert check_recorded(made, entries) == ()
    assert check_recorded(made, [*entries, entries[2]]) == ()  # recorded again after a crash
    assert check_recorded(made, entries[1:]) == ("2026-01: the record has no entry of these totals",)
    assert check_recorded(made[:2], entries) == (
        "2026-03: the record says that it was published, and it is not here",
    )
    other = entry(publish_entry("2026-02", b"something else", "manager"), 9)
    assert check_recorded(made, [*entries, other]) == (
        "2026-02: the record has an entry of other totals as well",
    )


def test_what_is_made_again_is_compared_byte_by_byte(months: list[Edition]) -> None:
    made = kept(months[:2])
    again = {one.month: one.files for one in made}
    assert check_remade(made, again) == ()
    changed = {**again, "2026-02": {**again["2026-02"], "lines.csv": b""}}
    assert check_remade(made, changed) == (
        "2026-02: `lines.csv` is not what the ledger and the reports give",
    )


def test_no_word_of_a_report_or_an_invoice_leaves_but_counts_and_money(months: list[Edition]) -> None:
    told = b"".join(kept([months[12]])[0].files.values()).decode()
    for word in (
        "c-1",
        "INV-c-1",
        "PV-c-1",
        "clerk",
        "director",
        "SO2026-1",
        "RF-1",
        "yes",
        "detained",
        "bond",
    ):
        assert word not in told, word
