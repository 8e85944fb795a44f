"""matches.csv: what a person has decided stays, what was proposed is made anew, and no cell is a formula."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError, StoreError
from doorward.lookback.agencies.match_file import (
    MatchRow,
    decided_rows,
    format_matches,
    load_matches,
    merge_matches,
    parse_matches,
    raw_cell,
    safe_cell,
    save_matches,
)

HEAD = "searcher,ori,entity,how,score,decided_by,on,note\n"
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).map(str.strip)


@given(
    st.lists(
        st.builds(MatchRow, WORDS.filter(bool), note=WORDS), unique_by=lambda row: row.searcher, max_size=8
    )
)
def test_a_file_is_read_as_it_was_written(rows: list[MatchRow]) -> None:
    text = format_matches(rows)
    assert sorted(parse_matches(text), key=lambda row: row.searcher) == sorted(
        rows, key=lambda row: row.searcher
    )
    assert format_matches(parse_matches(text)) == text


@given(st.text(max_size=12))
def test_a_cell_is_never_a_formula_and_comes_back(text: str) -> None:
    assert safe_cell(text)[:1] not in set("=+-@\t\r\uff1d\uff0b\uff0d\uff20")
    assert raw_cell(safe_cell(text)) == text


def test_a_formula_in_a_name_stands_behind_an_apostrophe() -> None:
    text = format_matches([MatchRow("=HYPERLINK(1)"), MatchRow("-1 PD"), MatchRow("'=x")])
    assert "\n=" not in text
    assert "\n-" not in text
    assert {row.searcher for row in parse_matches(text)} == {"=HYPERLINK(1)", "-1 PD", "'=x"}


def test_a_decided_row_is_never_overwritten() -> None:
    kept = [
        MatchRow("A PD", "CA0010100", "X", "near", "0.9", "R. Sample", "2026-01-02", "seen"),
        MatchRow("B PD", "CA0010100", "", "near", "0.9"),
        MatchRow("C PD", "", "", "none", "0"),
    ]
    proposed = [
        MatchRow("A PD", "CA0090900", "Y"),
        MatchRow("B PD", "CA0010200", "", "exact", "1"),
        MatchRow("D PD"),
    ]
    merged = {row.searcher: row for row in merge_matches(kept, proposed)}
    assert merged == {"A PD": kept[0], "B PD": proposed[1], "C PD": kept[2], "D PD": proposed[2]}
    assert decided_rows(merged.values()) == {"A PD": kept[0]}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("A PD,CA01,,,,R. Sample,2026-01-02,", "is no ORI"),
        ("A PD,ca0010100,,,,R. Sample,2026-01-02,", "is no ORI"),
        ("A PD,,NASA,,,R. Sample,2026-01-02,", "no agency `NASA`"),
        ("A PD,,,,,R. Sample,,", "needs the day"),
        ("A PD,,,,,R. Sample,1/2/2026,", "needs the day"),
        ("A PD,,CPD,,,R. Sample,2026-01-02,\nA PD,,,,,T. Sample,2026-01-02,", "decided twice"),
        ('A PD,"x', "is no CSV"),
    ],
)
def test_a_decided_row_that_cannot_be_used_is_an_error_with_its_line(row: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        parse_matches(HEAD + row + "\n", entities=["CPD"])
    assert "line " in str(caught.value)


def test_a_proposal_is_not_checked_and_a_blank_line_is_passed_over() -> None:
    rows = parse_matches(f"\ufeff{HEAD}A PD,??,NASA,,,,,\n,,,,,,,\nB PD\n", entities=["CPD"])
    assert [row.searcher for row in rows] == ["A PD", "B PD"]


def test_other_columns_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "matches.csv"
    assert load_matches(file) == []
    file.write_text("name,ori\n")
    with pytest.raises(ConfigError, match="no column `searcher`, `entity`"):
        load_matches(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_matches(file)
    with pytest.raises(ConfigError, match="no column"):
        parse_matches("")


def test_it_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "matches.csv"
    save_matches(file, [MatchRow("A PD")])
    before = file.read_bytes()
    (tmp_path / "matches.csv.partial").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        save_matches(file, [MatchRow("B PD")])
    assert file.read_bytes() == before
