"""From organisations to agencies of the order, and the table that later stages join."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from doorward.lookback.agencies.declarations import Declarations, parse_declarations
from doorward.lookback.agencies.match_file import MatchRow
from doorward.lookback.agencies.participation import Agreement, Participation
from doorward.lookback.agencies.searchers import (
    COLUMNS,
    SearcherMatcher,
    declared_intervals,
    distinct_searchers,
    make_order,
    match_all,
    write_declarations,
    write_searchers,
)
from doorward.lookback.engine import open_engine
from doorward.orders.load import load_pack
from tests_support.agency_rows import make_matcher
from tests_support.agency_sections import chicago_with

ORDER = make_order(chicago_with())
LISTS = make_matcher()
PAPERS = "agency,ori,from,until,evidence\nQuarry CA PD,CA0010100,2025-01-01,2025-06-30,D-1\n"
DECLARED = Declarations(parse_declarations(PAPERS))
MATCHER = SearcherMatcher(LISTS, ORDER, declarations=DECLARED)


@pytest.mark.parametrize(
    ("text", "agency", "how"),
    [
        ("Chicago IL PD", "CPD", "entity"),
        ("[Federal] Federal Bureau of Investigation (FBI)", "FBI", "entity"),
        ("[Federal] Homeland Security Investigations (HSI)", "HSI", "entity"),
        ("[Federal] ICE Homeland Security Investigations", "HSI", "entity"),
        ("[Federal] ICE ERO Quarry", "ICE-ERO", "alias"),
        ("[Federal] Immigration and Customs Enforcement", "ICE", "entity"),
        ("[Federal] DHS - ICE - Enforcement and Removal Operations", "ICE-ERO", "alias"),
        ("[Federal] US Customs and Border Protection - Border Patrol", "USBP", "entity"),
        ("[Federal] U.S. Border Patrol Quarry Sector", "USBP", "entity"),
        ("US Marshals Quarry", "USMS", "alias"),
        ("Drug Enforcement Administration Quarry Division", "DEA", "entity"),
        ("HSI Quarry", "HSI", "alias"),
        ("[Federal] Bureau of Alcohol, Tobacco, Firearms and Explosives", "ATF", "entity"),
        ("[Federal] Department of Quarries", "FEDERAL", "rule"),
        ("Quarry IL PD", "IL-PD", "exact"),
        ("Rock County IL SO", "IL-SO", "exact"),
        ("Rock County IL States Attorney", "STATES-ATTORNEY", "rule"),
        ("Illinois Department of Quarries", "IL-STATE", "rule"),
        ("Quarry CA PD", "OUT-OF-STATE", "exact"),
        ("Stone County CA SO", "OUT-OF-STATE", "exact"),
        ("Limestone Gardns CA PD", "OUT-OF-STATE", "near"),
        ("Pebble OH PD", "OUT-OF-STATE", "rule"),
        ("Pebble IL Fusion Center", None, "none"),
        ("Quarry PD", None, "none"),
        ("Delete", None, "none"),
        ("Federal Way WA PD", "OUT-OF-STATE", "rule"),
        ("Ice House CA PD", "OUT-OF-STATE", "rule"),
        ("HSI Task Force Quarry IL PD", None, "none"),
        ("[Federal] DEA and FBI", None, "none"),
        ("VA Police Quarry IL", "FEDERAL", "rule"),
        ("Federal Reserve Police IL", "FEDERAL", "rule"),
        ("Quarry Naval Station IL", "FEDERAL", "rule"),
        ("Illinois Department of Veterans Affairs", "IL-STATE", "rule"),
        ("[Federal] Fort Quarry VA US Army", "FEDERAL", "rule"),
        ("[Federal] ATF Quarry KY [inactive]", "ATF", "alias"),
        ("DEA Quarry IL PD", "IL-PD", "rule"),
    ],
)
def test_an_organisation_is_an_entity_of_the_order(text: str, agency: str | None, how: str) -> None:
    found = MATCHER.match(text)
    assert (found.agency, found.how) == (agency, how)


def test_a_federal_agency_is_of_no_state_and_two_of_them_are_either() -> None:
    found = MATCHER.match("[Federal] Federal Bureau of Investigation (FBI)")
    assert (found.level, found.state, found.component, found.ori) == ("federal", "", "FBI", "")
    assert "federal" in found.flags
    assert MATCHER.match("[Federal] DEA and FBI").may_be == ("DEA", "FBI")


def test_a_declaration_changes_the_entity_only_where_it_is_on_file() -> None:
    quarry, stone = MATCHER.match("Quarry CA PD"), MATCHER.match("Stone County CA SO")
    assert (quarry.agency, quarry.agency_declared) == ("OUT-OF-STATE", "OUT-OF-STATE-DECLARED")
    assert declared_intervals([stone, quarry], DECLARED) == [
        (1, date(2025, 1, 1), date(2025, 7, 1), "D-1", "OUT-OF-STATE-DECLARED")
    ]


def test_without_a_file_of_declarations_nobody_can_tell_which() -> None:
    found = SearcherMatcher(LISTS, ORDER).match("Quarry CA PD")
    assert (found.agency, found.agency_declared) == (None, None)
    assert found.may_be == ("OUT-OF-STATE-DECLARED", "OUT-OF-STATE")
    assert SearcherMatcher(LISTS, ORDER).match("Quarry IL PD").agency == "IL-PD"


def test_a_declaration_of_nobody_knows_whom_leaves_every_agency_open() -> None:
    papers = Declarations(parse_declarations("agency,ori,from,until,evidence\nQuarry PD,,2025-01-01,,D-2\n"))
    assert [one.evidence for one in papers.unmatched] == ["D-2"]
    assert SearcherMatcher(LISTS, ORDER, declarations=papers).match("Stone County CA SO").agency is None


def test_what_a_person_has_decided_comes_first() -> None:
    decided = {
        "Quarry PD": MatchRow("Quarry PD", "CA0010100", "", "alias", "1", "R. Sample", "2026-01-02"),
        "Quarry IL PD": MatchRow("Quarry IL PD", "", "ISP", "alias", "1", "R. Sample", "2026-01-02"),
        "Stone CA SO": MatchRow("Stone CA SO", "", "", "none", "0", "R. Sample", "2026-01-02"),
        "Gone PD": MatchRow("Gone PD", "OH0990100", "", "alias", "1", "R. Sample", "2026-01-02"),
    }
    matcher = SearcherMatcher(LISTS, ORDER, decided, declarations=DECLARED)
    quarry = matcher.match("Quarry PD")
    assert (quarry.ori, quarry.state, quarry.agency, quarry.how) == (
        "CA0010100",
        "CA",
        "OUT-OF-STATE",
        "alias",
    )
    assert matcher.match("Quarry IL PD").agency == "ISP"
    assert (matcher.match("Stone CA SO").agency, matcher.match("Stone CA SO").how) == (None, "none")
    assert (matcher.match("Gone PD").ori, matcher.match("Gone PD").agency) == ("OH0990100", "OUT-OF-STATE")


def test_without_an_order_or_a_list_a_name_still_says_what_it_says() -> None:
    bare = SearcherMatcher().match("Quarry CA PD")
    assert (bare.ori, bare.agency, bare.state, bare.level, bare.how) == ("", None, "CA", "local", "none")
    alone = SearcherMatcher(order=ORDER)
    assert alone.match("Quarry IL PD").agency == "IL-PD"
    assert alone.match("Chicago IL PD").agency == "CPD"
    assert alone.match("Chicago PD").agency is None  # of Illinois, or not


def test_a_cell_without_a_name_is_its_state() -> None:
    for state in ("blank", "masked", "withheld", "not-exported"):
        found = MATCHER.match(None, state)
        assert (found.agency, found.how, found.searcher_state) == (None, "none", state)
        assert found.note


def test_the_table_is_typed_sorted_and_the_same_each_time(tmp_path: Path) -> None:
    pairs = [
        ("Quarry CA PD", "value"),
        (None, "masked"),
        ("Chicago IL PD", "value"),
        ("Quarry CA PD", "value"),
        ("=1+1", "value"),
    ]
    signed = [
        Agreement("Quarry Police Department", "CA", "Task Force Model", date(2025, 3, 1), "CA0010100", 2)
    ]
    matcher = SearcherMatcher(
        LISTS, ORDER, participation=Participation(signed, as_of=date(2025, 7, 18)), declarations=DECLARED
    )
    written = []
    for name in ("one", "two"):
        with open_engine(tmp_path / "scratch") as connection:
            searchers = match_all(matcher, pairs if name == "one" else reversed(pairs))
            write_searchers(connection, searchers, tmp_path / f"{name}.parquet", as_of=date(2025, 7, 18))
            write_declarations(connection, searchers, DECLARED, tmp_path / f"{name}-declared.parquet")
        written.append((tmp_path / f"{name}.parquet").read_bytes())
    assert written[0] == written[1]
    with duckdb.connect() as connection:
        table = connection.read_parquet(str(tmp_path / "one.parquet"))
        assert list(zip(table.columns, map(str, table.types), strict=True)) == list(COLUMNS)
        rows = table.project(
            "searcher_no, searcher, searcher_state, agency, ori, how, participating, participating_since"
        ).fetchall()
        declared = connection.read_parquet(str(tmp_path / "one-declared.parquet")).fetchall()
    assert rows == [
        (0, "=1+1", "value", None, None, "none", None, None),
        (1, "Chicago IL PD", "value", "CPD", "ILCPD0000", "entity", False, None),
        (2, "Quarry CA PD", "value", "OUT-OF-STATE", "CA0010100", "exact", True, date(2025, 3, 1)),
        (3, None, "masked", None, None, "none", None, None),
    ]
    assert declared == [(2, date(2025, 1, 1), date(2025, 7, 1), "D-1", "OUT-OF-STATE-DECLARED")]


def test_the_pairs_are_those_of_all_tables(tmp_path: Path) -> None:
    with open_engine(tmp_path / "scratch") as connection:
        for number, values in enumerate(
            ("('Quarry CA PD', 'value'), (NULL, 'blank')", "('Quarry CA PD', 'value')")
        ):
            connection.sql(f"SELECT * FROM (VALUES {values}) t(searcher, searcher_state)").write_parquet(
                str(tmp_path / f"{number}.parquet")
            )
        pairs = distinct_searchers(connection, [tmp_path / "0.parquet", tmp_path / "1.parquet"])
        assert sorted(pairs, key=str) == [("Quarry CA PD", "value"), (None, "blank")]
        assert distinct_searchers(connection, []) == []


def test_what_could_not_be_used_is_told() -> None:
    signed = [Agreement("Quarry Police Department", "CA", "Task Force Model", None, "CA0010100", 9)]
    papers = Declarations(parse_declarations("agency,ori,from,until,evidence\nQuarry PD,,2025-01-01,,D-2\n"))
    assert SearcherMatcher(LISTS, ORDER, {}, Participation(signed), papers).notes() == [
        "287(g): row 9, Quarry Police Department, CA: the day of signing is no date",
        "declaration D-2 of Quarry PD: nobody can tell which agency that is",
    ]
    assert SearcherMatcher().notes() == []


def test_no_searchers_at_all_is_an_empty_table(tmp_path: Path) -> None:
    with open_engine(tmp_path / "scratch") as connection:
        write_searchers(connection, [], tmp_path / "none.parquet")
        assert connection.read_parquet(str(tmp_path / "none.parquet")).fetchall() == []


def test_an_order_whose_agencies_have_no_level_is_read_by_party() -> None:
    section = """
[agencies]
generic = [
  { level = "federal", id = "FEDERAL" },
  { state = "OR", kind = "SO", id = "COUNTY-SHERIFF" },
  { state = "OR", id = "unknown" },
  { level = ["local", "state", "tribal"], id = "OTHER-STATE-POLICE" },
]
[agencies.within]
ICE-ERO = "DHS"
"""
    pack = load_pack("oregon")
    matcher = SearcherMatcher(LISTS, make_order(replace(pack, files={**pack.files, "reasons.toml": section})))
    names = (
        "[Federal] ICE ERO",
        "[Federal] Bureau of Quarries",
        "Stone County OR SO",
        "Quarry CA PD",
        "Quarry OR PD",
    )
    assert [matcher.match(name).agency for name in names] == [
        "ICE-ERO", "FEDERAL", "COUNTY-SHERIFF", "OTHER-STATE-POLICE", None,
    ]  # fmt: skip
