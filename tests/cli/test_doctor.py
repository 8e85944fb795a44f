"""`doorward doctor` where there is little to look at: it says so, and goes on."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from doorward.cli.folders import Folders
from doorward.cli.main import app
from doorward.grants.people import save_agreements, save_people

RUNNER = CliRunner()


def test_settings_that_cannot_be_read_are_broken_and_the_rest_is_unknown(tmp_path: Path) -> None:
    file = tmp_path / "doorward.toml"
    file.write_text('order = "chicago"\nsecret_word = 1\n')
    done = RUNNER.invoke(app, ["doctor", "--config", str(file)])
    assert done.exit_code == 3
    first, second, last = done.stdout.splitlines()
    assert first.startswith("broken   settings: ")
    assert second.startswith("unknown  everything else: ")
    assert "no inventory is on file" in last


def test_a_folder_that_is_none_of_ours_is_not_looked_at(tmp_path: Path) -> None:
    done = RUNNER.invoke(app, ["doctor", "--data", str(tmp_path)])
    assert (done.exit_code, "is no data folder of doorward" in done.stdout) == (3, True)


def test_a_data_folder_that_is_down_is_looked_at_as_far_as_it_goes(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "data")
    folders.make()
    save_people([], folders.people)
    save_agreements([], folders.agreements)
    done = RUNNER.invoke(app, ["doctor", "--json", "--data", str(folders.data)])
    found = json.loads(done.stdout)
    lines = {line["check"]: line["state"] for line in found["lines"]}
    assert done.exit_code == found["exit_code"]
    assert lines["people"] == lines["agreements"] == lines["keys"] == "ok"
    assert lines["database"] == lines["record"] == lines["way in"] == "unknown"
    assert lines["gateway"] == "look"


@pytest.mark.parametrize(
    ("file", "text", "check", "state"),
    [
        ("people.json", "{", "people", "broken"),
        ("cuts.json", "{}", "cuts", "broken"),
        ("answers.json", '["no note"]', "approvals", "broken"),
        ("asks.json", "[1]", "referrals", "broken"),
        ("seen.json", "[]", "people", "broken"),
        ("backup.done", "yesterday", "backup", "unknown"),
        ("inventory.toml", "[store", "inventory", "broken"),
        ("log/checkpoint", "no note", "spool", "broken"),
    ],
)
def test_a_damaged_file_is_one_line_and_no_end(
    tmp_path: Path, file: str, text: str, check: str, state: str
) -> None:
    folders = Folders(tmp_path / "data")
    folders.make()
    save_people([], folders.people)
    save_agreements([], folders.agreements)
    (folders.data / file).parent.mkdir(exist_ok=True)
    (folders.data / file).write_text(text)
    found = json.loads(RUNNER.invoke(app, ["doctor", "--json", "--data", str(folders.data)]).stdout)
    assert state in {line["state"] for line in found["lines"] if line["check"] == check}
    assert {line["check"] for line in found["lines"]} >= {"settings", "way in", "record"}


def test_a_look_is_left_whole_in_a_file_for_the_desk(tmp_path: Path) -> None:
    from doorward.desk.hosts import Look, read_looks

    folders = Folders(tmp_path / "data")
    folders.make()
    written = tmp_path / "hosts" / "gate-1.json"
    done = RUNNER.invoke(app, ["doctor", "--json", "--data", str(folders.data), "--write", str(written)])
    assert json.loads(written.read_text()) == json.loads(done.stdout)
    assert [file.name for file in written.parent.iterdir()] == ["gate-1.json"]
    (look,) = read_looks(written.parent)
    assert isinstance(look, Look)
    assert (look.host, len(look.checks)) == ("gate-1", len(json.loads(done.stdout)["lines"]))
    assert not look.is_well(look.at)


@pytest.mark.parametrize("arguments", [["--every", "60"], ["--every", "1", "--write", "x.json"]])
def test_looking_again_needs_a_file_and_a_pause(tmp_path: Path, arguments: list[str]) -> None:
    done = RUNNER.invoke(app, ["doctor", "--data", str(tmp_path), *arguments])
    assert done.exit_code != 0
    assert not list(tmp_path.iterdir())


def test_a_look_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    asked = ["doctor", "--data", str(tmp_path), "--write", str(tmp_path / "file" / "gate-1.json")]
    done = RUNNER.invoke(app, asked)
    assert done.exit_code != 0
    assert "the look cannot be written to `gate-1.json`" in str(done.exception)
