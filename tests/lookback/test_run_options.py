"""Options of the run: files that cannot be read, zones, marks, memory, the ranking."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from doorward.cli.audit import app
from doorward.errors import ConfigError
from doorward.lookback.agencies.listed import counties_of, make_listed
from doorward.lookback.engine import memory_of, open_engine
from doorward.lookback.leads.options import parse_marks, parse_zones
from doorward.lookback.leads.zones import find_zone
from doorward.lookback.reading.confined import LEAST_MEMORY, within
from doorward.lookback.reading.spreadsheet import LIMITS
from tests_support.access_logs import AUDIT_13, audit_row, write


def test_a_bad_file_is_listed_and_the_others_are_read(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.csv", tmp_path / "good.csv"
    bad.write_text("no,header,of,a,log\n1,2,3,4,5\n")
    write(good, [AUDIT_13, audit_row(1), audit_row(2, Reason="immigration violation")])
    out = tmp_path / "out"
    chosen = [str(bad), str(good), "--order", "chicago", "--out", str(out), "--no-report"]
    stopped = CliRunner().invoke(app, chosen)
    assert isinstance(stopped.exception, ConfigError)
    went = CliRunner().invoke(app, [*chosen, "--keep-going", "--memory", "800MB"])
    assert went.exit_code == 3, went.output
    assert "NOT READ bad.csv: no header was found" in went.stdout
    made = json.loads((out / "audit.json").read_text())
    assert [one["name"] for one in made["refused"]] == ["bad.csv"]
    assert [(one["file"], one["name"]) for one in made["files"]] == [(0, "good.csv")]
    assert sum(made["results"]["chicago"].values()) == 2
    # What no pattern caught is ranked by rarity, without labels.
    assert json.loads((out / "ranking.json").read_text())["method"] == "rarity"
    alone = CliRunner().invoke(app, [str(bad), *chosen[2:], "--keep-going"])
    assert "none of the files can be read" in str(alone.exception)


def test_zones_and_marks_are_read_and_refused_by_their_form() -> None:
    assert parse_zones(["tn=America/Chicago", "TN0010100=America/New_York"]) == {
        "TN": "America/Chicago",
        "TN0010100": "America/New_York",
    }
    (mark,) = parse_marks(["2025-12-17=a list of  offenses came"])
    assert (mark.at, mark.says, mark.owner) == (datetime(2025, 12, 17), "a list of offenses came", "")
    for wrong in ("TN", "=UTC", "TN=", "Tennessee=America/Chicago", "TN=Mars/Base"):
        with pytest.raises(ConfigError):
            parse_zones([wrong])
    for wrong in ("2025-12-17", "2025-12-17=", "17.12.2025=x", "2025-02-30=x", "2025-12-17=" + "x" * 300):
        with pytest.raises(ConfigError):
            parse_marks([wrong])


def test_counties_of_the_list_tell_the_zone_of_a_split_state() -> None:
    row = {"pub_agency_name": "La Porte", "state_abbr": "IN", "agency_type_name": "City"}
    listed = {
        one.ori: one
        for one in make_listed(
            [
                {**row, "ori": "IN0460100", "county_name": "LA PORTE"},
                {**row, "ori": "IN0490100", "county_name": "MARION"},
                {**row, "ori": "IN0000001", "county_name": "NOT SPECIFIED"},
            ]
        )
    }
    found = counties_of(listed)
    assert {ori: find_zone("IN", county) for ori, county in found.items()} == {
        "IN0460100": "America/Chicago",
        "IN0490100": "America/Indiana/Indianapolis",
    }


def test_memory_that_was_named_bounds_the_readers_too(tmp_path: Path) -> None:
    with open_engine(tmp_path / "engine", memory="2GB") as engine:
        assert 1_900_000_000 < memory_of(engine) <= 2_000_000_000  # as it shows it, to a tenth of a GiB
    assert within(LIMITS, 2_000_000_000).memory_bytes == 2_000_000_000
    assert within(LIMITS, 1).memory_bytes == LEAST_MEMORY
    assert within(LIMITS, 1).cpu_seconds == LIMITS.cpu_seconds
