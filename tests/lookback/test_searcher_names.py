"""The names of organisations, whatever the form of the log that they stand in."""

import json
from pathlib import Path
from typing import Any

import pytest

from doorward.errors import ConfigError
from doorward.lookback.agencies.searcher_names import count_searchers
from doorward.lookback.folder import AuditFolder
from tests_support.access_logs import AUDIT_13, PORTAL, audit_row, portal_row, write
from tests_support.prints import print_table
from tests_support.workbooks import Sheet, save_workbook

ROWS = [
    audit_row(1),
    audit_row(2, **{"Org Name": "Elmton Police Department (IL)"}),
    audit_row(3, **{"Org Name": "Elmton Police Department (IL)"}),
    audit_row(4, **{"Org Name": "***"}),
    audit_row(5, **{"Org Name": ""}),
]
EXPECTED = {"Sampleton PD": 1, "Elmton Police Department (IL)": 2}


def test_a_workbook_and_json_lines_are_read_as_an_audit_reads_them(tmp_path: Path) -> None:
    book = save_workbook(tmp_path / "a.xlsx", [Sheet("A", [AUDIT_13, *ROWS])])
    lines = tmp_path / "a.jsonl"
    lines.write_text("\n".join(json.dumps(dict(zip(AUDIT_13, row, strict=True))) for row in ROWS))
    for file in (book, lines):
        assert count_searchers(file, tmp_path / "engine") == EXPECTED


def test_the_folder_of_an_audit_has_them_already(tmp_path: Path, read: Any, folder: AuditFolder) -> None:
    read(write(tmp_path / "a.csv", [AUDIT_13, *ROWS]), write(tmp_path / "b.csv", [AUDIT_13, audit_row(9)]))
    assert count_searchers(folder.root, tmp_path / "spill") == EXPECTED | {"Sampleton PD": 2}
    assert count_searchers(folder.rows / "0000.parquet", tmp_path / "spill") == EXPECTED
    with pytest.raises(ConfigError, match="no audit is in"):
        count_searchers(tmp_path, tmp_path / "spill")


def test_a_log_without_organisations_says_so(tmp_path: Path) -> None:
    lines = tmp_path / "a.jsonl"
    lines.write_text(json.dumps(dict(zip(PORTAL, portal_row(1), strict=True))))
    printed = print_table(
        tmp_path / "a.pdf", [["00000001-0000-4000-8000-000000000001", "***", "1", "04/10/2026", "theft"]]
    )
    for file in (lines, printed):
        with pytest.raises(ConfigError, match="no column for the organisation"):
            count_searchers(file, tmp_path / "engine")
