"""Synthetic logs for the tests of reading: obviously invented, counted by hand."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

AUDIT_13 = [
    "ID",
    "Name",
    "Org Name",
    "Total Networks Searched",
    "Time Frame",
    "License Plate",
    "Reason",
    "Case #",
    "Filters",
    "Search Time",
    "Search Type",
    "Text Prompt",
    "Moderation",
]
PORTAL = ["id", "userId", "searchDate", "networkCount", "reason"]


def uuid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def audit_row(number: int, **cells: str) -> list[str]:
    """A row of 13 cells; `cells` by name replace those of the pattern."""
    row = {
        "ID": uuid(number),
        "Name": "a. sample",
        "Org Name": "Sampleton PD",
        "Total Networks Searched": "1,103",
        "Time Frame": "04/01/2026, 12:00:00 AM UTC -\n04/10/2026, 11:59:59 PM UTC",
        "License Plate": "***",
        "Reason": f"sample reason {number}",
        "Case #": "",
        "Filters": "",
        "Search Time": f"04/10/2026, 05:{number // 60 % 60:02d}:{number % 60:02d} AM UTC",
        "Search Type": "search",
        "Text Prompt": "",
        "Moderation": "",
    }
    assert cells.keys() <= row.keys()
    return list((row | cells).values())


def portal_row(number: int, *, reason: str = "sample", at: str = "") -> list[str]:
    return [
        uuid(number),
        "***",
        at or f"2026-03-20T00:{number // 60 % 60:02d}:{number % 60:02d}.972Z",
        "304",
        reason,
    ]


def to_csv(rows: Sequence[Sequence[str]], **options: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n", **options).writerows(rows)  # type: ignore[arg-type]  # delimiter and the like
    return out.getvalue()


def write(path: Path, rows: Sequence[Sequence[str]], **options: str) -> Path:
    path.write_bytes(to_csv(rows, **options).encode())
    return path
