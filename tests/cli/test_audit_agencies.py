"""`doorward audit agencies`: proposals for a person, who decides once."""

import csv
import json
from pathlib import Path

import duckdb
import pytest
import typer
from typer.testing import CliRunner, Result

from doorward.cli.audit_agencies import agencies
from doorward.errors import ConfigError
from doorward.lookback.agencies.match_file import MatchRow, load_matches, save_matches
from tests_support.agency_rows import list_csv

APP = typer.Typer()
APP.command("agencies")(agencies)
LOG = """ID,Name,Org Name,Reason
1,***,Quarry CA PD,x
2,***,Quarry CA PD,"two
lines"
3,***,Limestone Gardns CA PD,x
ID,Name,Org Name,Reason
4,***,,x
5,***,=cmd PD,x
6,***,Slate Township PA PD,x
7,***,Slate Township PA PD,x
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "list.csv").write_text(list_csv())
    (tmp_path / "log.csv").write_text(LOG)
    return tmp_path


def run(folder: Path, *more: str) -> Result:
    options = ["--agencies", str(folder / "list.csv"), "--matches", str(folder / "matches.csv")]
    return CliRunner().invoke(APP, [str(folder / "log.csv"), *options, *more])


def test_each_organisation_is_proposed_once_and_the_open_ones_are_listed_first(folder: Path) -> None:
    done = run(folder)
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "        2  none  Slate Township PA PD"
    assert "candidates: PA0010100" in lines[1]
    assert not any("Quarry CA PD" in line for line in lines)
    assert lines[-1] == "4 names: 0 decided by a person, 3 need one; they stand in `matches.csv`"
    assert "exact  1 names, 2 accesses" in lines
    rows = {row.searcher: row for row in load_matches(folder / "matches.csv")}
    assert (rows["Quarry CA PD"].ori, rows["Quarry CA PD"].how) == ("CA0010100", "exact")
    assert rows["Limestone Gardns CA PD"].how == "near"
    assert rows["=cmd PD"].how == "none"


def test_no_cell_of_the_file_is_a_formula(folder: Path) -> None:
    run(folder)
    with (folder / "matches.csv").open(newline="") as lines:
        cells = [cell for row in csv.reader(lines) for cell in row]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))] == []


def test_what_a_person_has_decided_stays_and_asks_no_more(folder: Path) -> None:
    decided = [
        MatchRow(
            "Slate Township PA PD", "PA0020100", "", "alias", "1", "R. Sample", "2026-01-02", "asked them"
        ),
        MatchRow("=cmd PD", "", "", "none", "0", "R. Sample", "2026-01-02", "no agency"),
        MatchRow("Limestone Gardns CA PD", "CA0010300", "", "near", "0.9", "R. Sample", "2026-01-02"),
    ]
    save_matches(folder / "matches.csv", decided)
    done = run(folder, "--json")
    assert done.exit_code == 0
    found = {one["searcher"]: one for one in json.loads(done.stdout)["searchers"]}
    assert (found["Slate Township PA PD"]["ori"], found["Slate Township PA PD"]["how"]) == (
        "PA0020100",
        "alias",
    )
    kept = {row.searcher: row for row in load_matches(folder / "matches.csv")}
    assert all(kept[row.searcher] == row for row in decided)
    before = (folder / "matches.csv").read_bytes()
    run(folder)
    assert (folder / "matches.csv").read_bytes() == before


def test_rows_of_an_audit_and_lists_of_names_are_read_too(folder: Path) -> None:
    with duckdb.connect() as connection:
        connection.sql(
            "SELECT * FROM (VALUES ('Quarry CA PD', 'value'), ('Quarry CA PD', 'value'), (NULL, 'masked')) "
            "t(searcher, searcher_state)"
        ).write_parquet(str(folder / "0000.parquet"))
    (folder / "names.txt").write_text("Quarry CA PD\n\nStone County CA SO\n")
    options = ["--agencies", str(folder / "list.csv"), "--matches", str(folder / "m.csv"), "--json"]
    done = CliRunner().invoke(APP, [str(folder / "0000.parquet"), str(folder / "names.txt"), *options])
    found = {one["searcher"]: one["accesses"] for one in json.loads(done.stdout)["searchers"]}
    assert found == {"Quarry CA PD": 3, "Stone County CA SO": 1}
    assert done.exit_code == 0


def test_a_file_without_organisations_says_what_to_do(folder: Path) -> None:
    (folder / "log.csv").write_text("id,userId,searchDate\n1,***,2026-01-01\n")
    done = run(folder)
    assert isinstance(done.exception, ConfigError)
    assert "no column for the organisation" in str(done.exception)
    assert not (folder / "matches.csv").exists()
    (folder / "log.csv").write_text("")
    assert isinstance(run(folder).exception, ConfigError)


@pytest.mark.shared
def test_the_partners_of_the_portals_are_found(shared: Path, tmp_path: Path) -> None:
    csv.field_size_limit(1 << 20)
    names: set[str] = set()
    with (shared / "data/alpr-portals/policies.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            names.update(json.loads(row["sharing_outbound"] or "[]"))
    (tmp_path / "names.txt").write_text("\n".join(sorted(names)), encoding="utf-8")
    options = [
        "--agencies",
        str(shared / "data/agencies/fbi-agencies-ori.csv"),
        "--matches",
        str(tmp_path / "m.csv"),
    ]
    done = CliRunner().invoke(APP, [str(tmp_path / "names.txt"), *options, "--order", "chicago", "--json"])
    report = json.loads(done.stdout)
    assert len(report["searchers"]) == len(names)
    assert (report["ways"]["exact"]["names"] + report["ways"]["entity"]["names"]) / len(names) > 0.87
    states = {one["ori"][:2].replace("NB", "NE") == one["state"] for one in report["searchers"] if one["ori"]}
    assert states == {True}
    assert sum(one["how"] == "near" for one in report["searchers"]) < 30
