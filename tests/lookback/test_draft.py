"""What a draft would have refused, counted by hand by month and clause, beside what is refused already."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from doorward.errors import ConfigError
from doorward.lookback.audit import Plan
from doorward.lookback.draft import Refused, try_draft
from doorward.lookback.engine import open_engine
from doorward.lookback.folder import AuditFolder
from doorward.orders.load import load_pack
from tests_support.access_logs import write
from tests_support.agency_rows import list_csv
from tests_support.audits import Given, page, run_audit, silent, write_pages

ORGANIZATION = [
    "Name", "Total Networks Searched", "Time Frame", "License Plate", "Case #", "Filters", "Reason", "Offense Type",
    "Search Date/Time",
]  # fmt: skip
PAGE = {
    "crawled_name": "Quarry IL PD",
    "prohibited_uses": "Immigration enforcement, traffic enforcement.",
    "acceptable_use_policy": "Data is used for law enforcement purposes only.",
}


def row(number: int, reason: str, month: int) -> list[str]:
    return [
        "a. sample",
        "12",
        "",
        "***",
        "",
        "",
        reason,
        "",
        f"{month:02d}/03/2026, 05:00:{number:02d} AM UTC",
    ]


ROWS = [
    row(1, "immigration enforcement", 4),  # T15h1 and A130b; refused by the page too
    row(2, "immigration enforcement", 4),
    row(2, "immigration enforcement", 4),  # says row 2 again
    row(3, "burglary", 4),  # the draft cannot tell
    row(4, "traffic infraction", 4),  # refused by the page, and not by the draft
    row(5, "assist ICE", 5),  # T15h1 and A130b; the page does not speak of it
    row(6, "assist HSI", 5),  # T15h5 and T15hx: referred
    row(7, "investigation", 5),  # referred, by no clause in every case
]


@pytest.fixture(scope="module", name="audited")
def audited_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An audit of a log that does not say whose it is: `--owner` does."""
    folder = tmp_path_factory.mktemp("audited")
    (folder / "agencies.csv").write_text(list_csv(), encoding="utf-8")
    given = Given(
        policies=write_pages(folder / "policies.csv", page("quarry-il-pd", **PAGE)), owner="Quarry IL PD"
    )
    run_audit(folder / "out", [write(folder / "export.csv", [ORGANIZATION, *ROWS])], given)
    return folder / "out"


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_a_draft_is_counted_by_month_and_clause_and_changes_nothing(audited: Path) -> None:
    before = contents(audited)
    words = ["--order", "chicago", "--agencies", str(audited.parent / "agencies.csv"), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "doorward", "audit", "draft", str(audited), *words],
        check=False, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["accesses"] == 7
    assert found["results"] == {"cannot-tell": 2, "inconsistent": 3, "referred": 2}
    assert [Refused(**one) for one in found["refused"]] == [
        Refused("2026-04", "A130b", 2, 0, 0),
        Refused("2026-04", "T15h1", 2, 0, 0),
        Refused("2026-05", "A130b", 1, 1, 0),
        Refused("2026-05", "T15h1", 1, 1, 0),
        Refused("2026-05", "T15h5", 0, 0, 1),
        Refused("2026-05", "T15hx", 0, 0, 1),
    ]
    assert contents(audited) == before


def test_there_is_nothing_to_try_a_draft_on(tmp_path: Path, audited: Path) -> None:
    def attempt(folder: Path) -> None:
        with open_engine(tmp_path / "engine", threads=1) as connection:
            try_draft(connection, AuditFolder(folder), Plan(orders=[load_pack("chicago")]), silent)

    with pytest.raises(ConfigError, match="no finished audit"):
        attempt(tmp_path)
    kept = (audited / "audit.json").read_bytes()
    (audited / "audit.json").unlink()  # an audit that was interrupted has none
    try:
        with pytest.raises(ConfigError, match="no finished audit"):
            attempt(audited)
    finally:
        (audited / "audit.json").write_bytes(kept)
