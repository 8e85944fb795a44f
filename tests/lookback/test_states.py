"""What stands in a cell decides its state alike in Python and in SQL, and a row's fault does not hang on its types."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from doorward.lookback.reading.forms import is_exemption, is_mask
from doorward.lookback.reading.map_file import parse_map
from tests_support.access_logs import PORTAL, portal_row, write

AHEAD = ("", " ", "\t", "\n", " \n", "x")
BRACKETS = (("", ""), ("[", "]"), ("(", ")"), ("<", ">"), ("[ ", ""), ("[\n", "\n]"))
STANDS = (
    "", "*", "* *", "*\n*", "##", "█ ■", "REDACTED", "Masked", "redacted by",
    "7923.600 GC", "gc § 6254(f)", "Gov't Code 7923.600", "Cal. Gov Code 7923", "(b)(7)(E)", "foia exemption b(7)",
    "5 U.S.C. § 552a(b)", "exempt", "withheld per order 12", "459 PC", "6254", "warrant", "burglary", "§ 119.071",
    "ORS 192.355", "RCW 42.56.240", "FOIL 87(2)(b)", "TGC 552.130", "5 ILCS 140/7", "stolen (2)",
)  # fmt: skip
BEHIND = ("", " ", "\n", ".", " x")


def _state(text: str) -> str:
    if not text.strip(" \t\r\n"):
        return "blank"
    if is_mask(text):
        return "masked"
    return "withheld" if is_exemption(text) else "value"


def test_a_cell_has_one_state_in_python_and_in_sql(tmp_path: Path, read: Any, rows: Any) -> None:
    texts = [
        ahead + opened + stands + closed + behind
        for ahead, (opened, closed), stands, behind in product(AHEAD, BRACKETS, STANDS, BEHIND)
    ]
    made = [PORTAL, *(portal_row(number, reason=text) for number, text in enumerate(texts))]
    read(write(tmp_path / "a.csv", made))
    found = rows("reason_state, reason")
    assert len(found) == len(texts)
    for text, (state, value) in zip(texts, found, strict=True):
        expected = _state(text)
        assert (repr(text), state, value) == (repr(text), expected, text if expected == "value" else None)


MAP = """
log = "plate-reader"
[column."5"]
cell = "networks"
parser = "count"
[column."When"]
cell = "at"
[column."Why"]
cell = "reason"
"""


@pytest.mark.parametrize("again", [["5", "When", "Why"], [" 5", "WHEN ", "why"]])
def test_a_header_said_again_is_none_of_the_rows_though_a_name_of_it_is_a_number(
    again: list[str], tmp_path: Path, read: Any, rows: Any
) -> None:
    row = ["5", "2026-03-20 00:06:23", "stop"]
    path = write(tmp_path / "a.csv", [["5", "When", "Why"], row, again, ["", "", " "], row, ["", "", "Why"]])
    [report] = read(path, layout=parse_map("own.toml", MAP))
    assert (report.read, report.repeated_headers, report.blank, report.rejected) == (2, 1, 1, 1)
    assert rows("row, networks, reason") == [(2, 5, "stop"), (5, 5, "stop")]
