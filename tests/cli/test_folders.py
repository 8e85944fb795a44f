"""The data folder: ours is known by its mark, and nothing else is ever removed."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from doorward.cli.folders import Folders, find_folders
from doorward.desk.configuration import DeskConfiguration
from doorward.errors import ConfigError


def doorward(*arguments: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "doorward", *arguments],
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_making_a_folder_twice_changes_nothing(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "data")
    folders.make()
    folders.make()
    assert folders.mark.exists()
    assert folders.keys.stat().st_mode & 0o077 == 0


def test_a_folder_of_somebody_else_is_never_taken(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    with pytest.raises(ConfigError, match="not made by doorward"):
        Folders(tmp_path).make()


def test_one_folder_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "data")
    folders.make()
    with folders.lock(), pytest.raises(ConfigError, match="already up"), folders.lock():
        pass


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOORWARD_DATA", str(tmp_path))
    assert find_folders(None).data == tmp_path


def test_reset_asks_and_no_keeps_everything(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "data")
    folders.make()
    done = doorward("reset", "--data", str(folders.data), typed="n\n")
    assert done.returncode == 1
    assert folders.mark.exists()


def test_reset_wipes_after_yes(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "data")
    folders.make()
    done = doorward("reset", "--data", str(folders.data), typed="y\n")
    assert done.returncode == 0
    assert not folders.data.exists()


def test_reset_leaves_a_folder_that_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    done = doorward("reset", "--data", str(tmp_path), "--yes")
    assert done.returncode == 2
    assert (tmp_path / "precious").exists()


def test_reset_of_nothing_says_so(tmp_path: Path) -> None:
    done = doorward("reset", "--data", str(tmp_path / "none"))
    assert done.returncode == 0
    assert "nothing to remove" in done.stdout


def test_reset_while_it_runs_is_refused(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "data")
    folders.make()
    with folders.lock():
        done = doorward("reset", "--data", str(folders.data), "--yes")
    assert done.returncode == 2
    assert folders.mark.exists()


def test_production_is_refused_in_one_line_with_a_hint(tmp_path: Path) -> None:
    done = doorward("up", "--production", "--data", str(tmp_path / "data"))
    assert done.returncode == 2
    assert done.stderr.startswith("doorward: `--production` is refused")
    assert not (tmp_path / "data").exists()


def test_what_needs_a_running_doorward_says_how_to_start_it(tmp_path: Path) -> None:
    done = doorward("tour", "--data", str(tmp_path / "data"))
    assert done.returncode == 2
    assert "doorward up" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_command_is_a_usage_error() -> None:
    assert doorward("fly").returncode == 2


@pytest.mark.parametrize(
    ("configuration", "stays"), [(None, True), ("{", True), ("city", True), ("sample", False)]
)
def test_reset_removes_no_papers_that_were_served_to_a_city(
    tmp_path: Path, configuration: str | None, *, stays: bool
) -> None:
    folders = Folders(tmp_path / "data")
    folders.make()
    (folders.data / "papers").mkdir()
    (folders.data / "papers" / "1.paper").write_bytes(b"sealed")
    if configuration is not None:
        made = DeskConfiguration("", "chicago", folders.data, "x" * 48, ("https://desk.example",))
        made = replace(made, sample=configuration == "sample")
        (folders.run / "desk.json").write_text(
            "{" if configuration == "{" else made.format(), encoding="utf-8"
        )
    done = doorward("reset", "--yes", "--data", str(folders.data))
    assert (done.returncode, folders.data.exists()) == ((2, True) if stays else (0, False))
    assert not stays or "retention schedule" in done.stderr
