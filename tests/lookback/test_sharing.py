"""With whom an agency shares, held against what is on file: one list counted by hand, and the real pages."""

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from doorward.errors import ConfigError
from doorward.lookback.published.rows import parse_rows
from doorward.lookback.published.sharing import Kind, OnFile, compare_days, compare_sharing, pair_days
from doorward.lookback.published.sharing_files import (
    Participant,
    Shared,
    SharingList,
    is_networks,
    list_of,
    parse_networks,
    parse_papers,
    read_participants,
)

DAY = date(2026, 4, 19)
NETWORKS = """Organization Name,Networks Shared With Me,Networks I\u2019m Sharing
Agreed IL PD,All,All
Lapsed IL PD,,Town Network
Coming IL PD,,1
Nobody IL PD,0,2
Only Inward IL PD,3,0
Declared WI PD,,1
Undeclared WI PD,,1
Overdue WI PD,,1
[Federal] Sample Bureau,,1
Quiet IL PD [Inactive],,1
Delete,,1
Sample County WI SO,,1
Stateless Fire,,1
"""
AGREEMENTS = """agency,kind,from,until,evidence,owner,days
"Agreed Police Department, IL",MOU,2025-01-01,,box 1,,
Lapsed IL PD,MOU,2024-01-01,2026-04-18,box 2,,
Coming IL PD,MOU,2026-04-20,,box 3,,
Declared WI PD,MOU,,,box 4,,
Undeclared WI PD,MOU,,,box 5,,
Overdue WI PD,MOU,,,box 6,,
[Federal] Sample Bureau,MOU,,,box 7,,
Quiet IL PD,MOU,,,box 8,,
Sample County WI SO,MOU,,,box 9,,
Stateless Fire,MOU,,,box 10,,
Gone IL PD,MOU,2025-01-01,,box 11,Hometown IL PD,
Gone elsewhere IL PD,MOU,2025-01-01,,box 12,Othertown IL PD,
"""
DECLARATIONS = """agency,kind,from,until,evidence
Declared WI PD,declaration,2025-06-01,2026-04-19,file 1
Overdue WI PD,declaration,2024-06-01,2025-06-01,file 2
Sample County WI SO,declaration,,,file 3
"""
PARTICIPANT = Participant("Sample County Sheriff's Office", "WI", "Task Force Model", date(2025, 3, 1))


def listed() -> SharingList:
    return parse_networks(NETWORKS, file="n.csv", owner="Hometown IL PD", on=DAY)


def held() -> OnFile:
    return OnFile(
        parse_papers(AGREEMENTS, file="a.csv"), parse_papers(DECLARATIONS, file="d.csv"), [PARTICIPANT],
        frozenset({"A130b", "A130c"}),
    )  # fmt: skip


def test_a_list_is_held_against_what_is_on_file_as_counted_by_hand() -> None:
    found = compare_sharing(listed(), held(), on=DAY)
    assert [(finding.kind, finding.partner) for finding in found.findings] == [
        (Kind.AGREEMENT_OVER, "Lapsed IL PD"),
        (Kind.AGREEMENT_OVER, "Coming IL PD"),
        (Kind.NO_AGREEMENT, "Nobody IL PD"),
        (Kind.NO_DECLARATION, "Undeclared WI PD"),
        (Kind.DECLARATION_OVER, "Overdue WI PD"),
        (Kind.FEDERAL, "[Federal] Sample Bureau"),
        (Kind.INACTIVE, "Quiet IL PD [Inactive]"),
        (Kind.NO_AGENCY, "Delete"),
        (Kind.PARTICIPATING, "Sample County WI SO"),
        (Kind.NOT_SHARED, "Gone IL PD"),
    ]
    assert (found.outward, found.unknown_state, found.not_compared) == (12, 1, ())


def test_a_finding_says_the_dates_and_where_the_paper_is() -> None:
    findings = {one.partner: one for one in compare_sharing(listed(), held(), on=DAY).findings}
    lapsed, coming = findings["Lapsed IL PD"], findings["Coming IL PD"]
    assert lapsed.says == "shared on 2026-04-19; the agreement (MOU) ended 2026-04-18"
    assert (lapsed.evidence, coming.says[-17:]) == ("box 2", "begins 2026-04-20")


def test_a_clause_is_cited_for_illinois_where_the_order_has_it_and_nowhere_else() -> None:
    found = compare_sharing(listed(), held(), on=DAY)
    cited = {one.partner: one.clauses for one in found.findings if one.clauses}
    assert cited == {"Undeclared WI PD": ("A130c",), "Overdue WI PD": ("A130c",)}
    without = compare_sharing(listed(), replace(held(), clauses=frozenset()), on=DAY)
    assert not any(one.clauses for one in without.findings)
    elsewhere = replace(listed(), name="Hometown MN PD", agency="hometown-mn-pd")
    assert not any(one.clauses for one in compare_sharing(elsewhere, held(), on=DAY).findings)


def test_what_no_file_was_given_for_is_said_and_finds_nothing() -> None:
    found = compare_sharing(listed(), OnFile(), on=DAY)
    assert {one.kind for one in found.findings} == {Kind.FEDERAL, Kind.INACTIVE, Kind.NO_AGENCY}
    assert found.not_compared == ("agreements", "declarations", "287(g) agreements")


def test_an_agreement_that_was_signed_later_is_no_finding_of_that_day() -> None:
    later = replace(PARTICIPANT, signed=date(2026, 5, 1))
    found = compare_sharing(listed(), OnFile(participants=[later]), on=DAY)
    assert Kind.PARTICIPATING not in {one.kind for one in found.findings}


def test_an_owner_whose_state_is_not_known_has_no_partner_out_of_state() -> None:
    nowhere = replace(listed(), name="Hometown", agency="hometown")
    found = compare_sharing(nowhere, held(), on=DAY)
    assert not {Kind.NO_DECLARATION, Kind.DECLARATION_OVER} & {one.kind for one in found.findings}
    assert found.not_compared == ("declarations",)


@pytest.mark.parametrize(
    ("setting", "found"), [("365", 2), ("46", 2), ("45", 1), ("31", 1), ("30", 0), ("", 0)]
)
def test_data_that_is_kept_longer_than_written_is_found(setting: str, found: int) -> None:
    settings = {"data retention days": setting, "access policy": "Flock data is only retained for 45 days."}
    row = "Hometown IL PD,retention,,,ordinance 7,,30\n"
    papers = parse_papers(AGREEMENTS.splitlines(keepends=True)[0] + row, file="a.csv")
    compared = compare_sharing(
        replace(listed(), settings=settings, partners=()), OnFile(agreements=papers), on=DAY
    )
    assert [one.kind for one in compared.findings] == [Kind.RETENTION] * found


def test_two_days_are_compared() -> None:
    before = listed()
    after = replace(
        before,
        on=date(2026, 4, 20),
        partners=(*before.partners[1:-1], Shared("Stateless Fire [Inactive]"), Shared("New IL PD")),
        settings={"data retention days": "365", "new": "x"},
    )
    changes = compare_days(replace(before, settings={"data retention days": "30"}), after)
    assert (changes.added, changes.gone) == (("New IL PD",), ("Agreed IL PD",))
    assert changes.renamed == (("Stateless Fire", "Stateless Fire [Inactive]"),)
    assert changes.settings == (("data retention days", "30", "365"),)
    assert changes.any
    assert not compare_days(before, before).any


def test_each_list_is_paired_with_the_day_before_it() -> None:
    one, two, three = (replace(listed(), on=date(2026, 4, day)) for day in (1, 2, 3))
    other = replace(one, agency="other")
    assert [(a.on, b.on) for a, b in pair_days([three, one, two, other], [])] == [(two.on, three.on)]
    assert [(a.on, b.on) for a, b in pair_days([three], [two, one])] == [(two.on, three.on)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column `agency`"),
        ("agency,kind,from,until\n", "no column `evidence`"),
        ("agency,kind,from,until,evidence\n,MOU,,,x\n", "row 2 of `a.csv` names no agency"),
        ("agency,kind,from,until,evidence\nA,MOU,,,\n", "names no evidence"),
        ("agency,kind,from,until,evidence\nA,MOU,soon,,x\n", "`from` is no date"),
        ("agency,kind,from,until,evidence\nA,MOU,2026-02-01,2026-01-01,x\n", "ends before it begins"),
        ("agency,kind,from,until,evidence,days\nA,MOU,,,x,-3\n", "no number of days"),
        ("agency,kind,from,until,evidence\nA,MOU,,\n", "row 2 of `a.csv` has not 5 cells"),
        ('agency,kind,from,until,evidence\n"A', "is no CSV"),
    ],
)
def test_a_register_with_a_fault_is_refused_by_its_row(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_papers(text, file="a.csv")


def test_an_export_of_networks_is_known_by_its_header_in_any_order() -> None:
    assert is_networks("\ufeffNetworks I'm Sharing,ORGANIZATION NAME,Networks Shared with Me\n")
    assert not is_networks("agency,snapshot\n")
    assert not is_networks("")


@given(st.text(max_size=200))
def test_any_text_is_a_register_and_a_list_or_one_error(text: str) -> None:
    is_networks(text)
    for head in ("", "agency,kind,from,until,evidence\n"):
        with suppress(ConfigError):
            parse_papers(head + text, file="a.csv")
    with suppress(ConfigError):
        read = parse_networks(
            NETWORKS.splitlines(keepends=True)[0] + text, file="n.csv", owner="X IL PD", on=DAY
        )
        compare_sharing(read, held(), on=DAY)


def test_a_list_of_participants_without_a_column_or_a_state_is_refused() -> None:
    header = ["STATE", "LAW ENFORCEMENT AGENCY", "SUPPORT TYPE", "SIGNED"]
    with pytest.raises(ConfigError, match="no column `STATE`"):
        read_participants([], file="p.xlsx")
    with pytest.raises(ConfigError, match=r"row 2 of `p\.xlsx` names no State"):
        read_participants([header, ["ATLANTIS", "Sample County SO", "Jail", ""]], file="p.xlsx")
    rows = [header, ["WISCONSIN", "Sample County SO"], ["", "", "", ""]]
    assert read_participants(rows, file="p.xlsx") == (Participant("Sample County SO", "WI", "", None),)


# ---------------------------------------------------------------- what agencies publish


def real_lists(shared: Path) -> list[SharingList]:
    file = shared / "data/alpr-portals/policies.csv"
    return [list_of(row, file.name) for row in parse_rows(file.read_text(encoding="utf-8"))]


@pytest.mark.shared
def test_real_lists_are_compared(shared: Path) -> None:
    book = CalamineWorkbook.from_path(shared / "data/agencies/participatingAgencies07182025pm.xlsx")
    participants = read_participants(book.get_sheet_by_index(0).to_python(), file="p.xlsx")
    assert len(participants) == 832
    held = OnFile(declarations=(), participants=participants)
    compared = [compare_sharing(one, held, on=one.on or DAY) for one in real_lists(shared)]
    assert len(compared) == 141
    counts = Counter(finding.kind for one in compared for finding in one.findings)
    # Every name with a mark, and every name of no agency, was read off the 1,478 distinct names by hand.
    assert counts[Kind.INACTIVE] == 77
    assert counts[Kind.NO_AGENCY] == 21
    assert counts[Kind.FEDERAL] == 0
    abroad = {one.list.agency: n for one in compared
              if (n := sum(f.kind is Kind.NO_DECLARATION for f in one.findings))}  # fmt: skip
    assert set(abroad) == {"-el-cajon-pd-ca", "anoka-county-mn-so", "seaside-ca-pd", "westminster-ca-pd"}


@pytest.mark.shared
def test_the_real_file_has_one_day_an_agency_and_a_day_equals_itself(shared: Path) -> None:
    lists = real_lists(shared)
    assert list(pair_days(lists, [])) == []  # no agency has two days in this file
    pairs = list(pair_days(lists, lists))
    assert len(pairs) == 141
    assert not any(compare_days(*pair).any for pair in pairs)
