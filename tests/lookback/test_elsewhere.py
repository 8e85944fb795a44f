"""A search that stands in the logs of several owners: each owner's report has it, over all logs it counts once."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from doorward.lookback.audit import Audit, Plan, audit
from doorward.lookback.engine import open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.published.rows import COLUMNS, parse_rows
from doorward.orders.load import load_pack
from tests_support.access_logs import AUDIT_13, audit_row, to_csv

NO_TRAFFIC = "Immigration enforcement, traffic enforcement, harassment or intimidation, personal use."
OWNERS = ("alder-ca-pd", "birch-ca-pd")


def silent(stage: str, done: int, total: int) -> None:
    """Take no note."""
    del stage, done, total


def pages() -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {"agency": owner, "snapshot": "2026-04-01", "prohibited_uses": NO_TRAFFIC} for owner in OWNERS
    )
    return out.getvalue()


def log(folder: Path, name: str, numbers: Sequence[int]) -> Path:
    """Searches by number; number 2 is of immigration, in words."""
    rows = [
        audit_row(number, Reason="immigration violation" if number == 2 else "stolen vehicle")
        for number in numbers
    ]
    path = folder / name
    path.write_text(to_csv([AUDIT_13, *rows]))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> AuditFolder:
    return AuditFolder(tmp_path_factory.mktemp("elsewhere") / "out")


@pytest.fixture(scope="module")
def engine(folder: AuditFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine(folder.scratch, threads=1) as connection:
        yield connection


@pytest.fixture(scope="module")
def made(engine: duckdb.DuckDBPyConnection, folder: AuditFolder) -> dict[str, Any]:
    """One audit for all: the tests read it and leave it as it is."""
    home = folder.root.parent
    # By hand: alder has 1 2 3; birch has 2 3 4, its second export 4 again and 5, and there 5 twice.
    files = [
        log(home, "alder-ca-pd__2026-04-19.csv", [1, 2, 3]),
        log(home, "birch-ca-pd__2026-04-19.csv", [2, 3, 4]),
        log(home, "birch-ca-pd__2026-04-20.csv", [4, 5, 5]),
    ]
    plan = Plan(orders=[load_pack("chicago")], policies=parse_rows(pages()))
    return audit(Audit(engine, folder, plan, silent), files)


def test_an_order_over_all_logs_counts_each_search_once(made: Any) -> None:
    assert sum(made["results"]["chicago"].values()) == 5
    assert made["tiers"]["chicago"]["explicit"] == 1


def test_each_owners_own_report_has_all_of_its_searches(made: Any, engine: Any, folder: AuditFolder) -> None:
    own = [rules["name"] for rules in made["rules"] if rules["own_words"]]
    assert len(own) == 2
    counted = engine.execute(
        "SELECT owner, elsewhere, CAST(sum(n) AS BIGINT) "
        f"FROM read_parquet('{folder.counts}') WHERE rules <> 'chicago' GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    owners = sorted({owner for owner, _, _ in counted})
    assert [(owners.index(owner), elsewhere, n) for owner, elsewhere, n in counted] == [
        (0, False, 3),
        (1, False, 2),
        (1, True, 2),
    ]
    assert {name: sum(made["results"][name].values()) for name in own} == dict.fromkeys(own, 0) | {
        own[0]: 3,
        own[1]: 4,
    }


def test_findings_say_which_stand_elsewhere(made: Any, engine: Any, folder: AuditFolder) -> None:
    del made
    found = engine.execute(
        "SELECT rules = 'chicago' AS named, file, row, elsewhere "
        f"FROM read_parquet('{folder.findings}') WHERE tier = 'explicit' ORDER BY ALL"
    ).fetchall()
    assert found == [(False, 0, 3, False), (False, 1, 2, True), (True, 0, 3, False)]


def test_the_accounts_say_both(made: Any) -> None:
    accounts = [file["accounting"] for file in made["files"]]
    assert [(one["read"], one["kept"], one["kept_of_owner"]) for one in accounts] == [
        (3, 3, 3),
        (3, 1, 3),
        (3, 1, 1),
    ]
    assert (made["totals"]["kept"], made["totals"]["kept_of_owner"]) == (5, 7)
    assert made["totals"]["duplicates"] == {"same file": 1, "same owner": 1, "another owner": 2}


def test_leads_and_the_queue_of_labels_count_each_search_once(
    made: Any, engine: Any, folder: AuditFolder
) -> None:
    from doorward.lookback.labels.wordings import open_wordings

    del made, engine
    with open_wordings(folder) as wordings:
        assert wordings.execute("SELECT CAST(sum(n) AS BIGINT) FROM uses").fetchall() == [(5,)]
