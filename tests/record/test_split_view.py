"""Two checkpoints of one log beside files of anybody: one history, two, or nothing that can be told."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from doorward.cli.log import app
from doorward.cli.main import exit_code
from doorward.errors import DoorwardError
from doorward.record.checkpoint import Checkpoint, UnverifiedCheckpoint, parse_checkpoint, verify_checkpoint
from doorward.record.log_files import LogFiles
from doorward.record.neighbours import check_kept
from doorward.record.nodes import node_reader
from doorward.record.report import Report
from doorward.record.split_view import View, compare_checkpoints
from verifier.logs import KEY_TEXT, OTHER, SIGNER, Log, leaf, log_of, make_log

OLD = [1, 256, 300, 512]
TILES = ("tile/0/000", "tile/0/001", "tile/1/000.p/2")


def signed(log: Log) -> UnverifiedCheckpoint:
    return parse_checkpoint(log.files["checkpoint"])


def verified(log: Log) -> Checkpoint:
    return verify_checkpoint(signed(log), SIGNER.verifier)


def view(kept: Log, now: Log, folder: Path) -> View:
    read = node_reader(LogFiles(folder), now.size)
    return compare_checkpoints(signed(kept), signed(now), read).view


def held(kept: Log, now: Log, folder: Path) -> Report:
    report = Report()
    read = node_reader(LogFiles(folder), now.size)
    check_kept(read, verified(now), [("entry 1", verified(kept))], report)
    return report


def findings(report: Report) -> str:
    return "\n".join(map(str, report.findings))


@pytest.mark.parametrize("old", OLD)
def test_files_of_one_log_tell_one_history_from_two(old: int, tmp_path: Path) -> None:
    now = log_of(600)
    folder = now.write(tmp_path)
    for salt, expected in ((b"", View.EXTENDS), (b"x", View.FORK)):
        kept = log_of(old, salt=salt)
        assert view(kept, now, folder) is expected
        report = held(kept, now, folder)
        assert ("two histories" in findings(report)) is (expected is View.FORK)
        assert report.could_not_tell == []


@pytest.mark.parametrize("old", OLD)
def test_tiles_of_one_history_beside_those_of_another_prove_nothing(old: int, tmp_path: Path) -> None:
    # Its own operator leaves the old lower tiles, and puts the new upper ones beside them.
    kept, now = log_of(old), log_of(600, salt=b"x")
    folder = now.write(tmp_path)
    for path in ("tile/0/000", "tile/0/001"):
        (folder / path).write_bytes(log_of(600).files[path])
    assert view(kept, now, folder) is not View.EXTENDS
    report = held(kept, now, folder)
    assert report.findings or report.could_not_tell
    (folder / "tile/1/000.p/2").write_bytes(log_of(600).files["tile/1/000.p/2"])
    assert view(kept, now, folder) is not View.EXTENDS


@pytest.mark.parametrize("path", TILES)
def test_a_rotten_tile_accuses_nobody(path: str, tmp_path: Path) -> None:
    now = log_of(600)
    folder = now.write(tmp_path)
    for at in (0, -1):
        data = bytearray(now.files[path])
        data[at] ^= 1
        (folder / path).write_bytes(data)
        for old in OLD:
            assert view(log_of(old), now, folder) is not View.FORK
            assert "two histories" not in findings(held(log_of(old), now, folder))


@pytest.mark.parametrize("data", [None, b"nonsense"])
def test_a_tile_that_is_missing_or_none_is_could_not_tell(data: bytes | None, tmp_path: Path) -> None:
    now = log_of(600)
    folder = now.write(tmp_path)
    (folder / "tile/0/001").unlink()
    if data is not None:
        (folder / "tile/0/001").write_bytes(data)
    assert view(log_of(300), now, folder) is View.UNKNOWN
    assert held(log_of(300), now, folder).could_not_tell


def compare(one: Path, other: Path, log: Path | None = None) -> tuple[int, str]:
    """The exit code, and what is said."""
    arguments = ["compare", str(one), str(other), "--key", KEY_TEXT, *(["--log", str(log)] if log else [])]
    done = CliRunner().invoke(app, arguments)
    if isinstance(done.exception, DoorwardError):
        return exit_code(done.exception), str(done.exception)
    return done.exit_code, done.output


def test_the_command_says_a_fork_only_of_a_fork(tmp_path: Path) -> None:
    now = log_of(600)
    folder = now.write(tmp_path / "log")
    for name, log in {
        "kept": log_of(300),
        "fork": log_of(300, salt=b"x"),
        "another": make_log(map(leaf, range(300)), OTHER),
    }.items():
        (tmp_path / name).write_bytes(log.files["checkpoint"])
    (tmp_path / "garbage").write_bytes(b"nonsense")
    shown = folder / "checkpoint"
    assert compare(tmp_path / "kept", shown, folder)[0] == 0
    assert compare(tmp_path / "fork", shown, folder)[0] == 1
    assert compare(tmp_path / "kept", tmp_path / "fork")[0] == 1
    code, said = compare(tmp_path / "another", shown, folder)
    assert (code, "is not signed by the key" in said) == (2, True)
    code, said = compare(tmp_path / "garbage", shown, folder)
    assert (code, "is no checkpoint" in said) == (2, True)
    (folder / "tile/0/001").unlink()
    code, said = compare(tmp_path / "kept", shown, folder)
    assert (code, "could not tell" in said) == (3, True)
