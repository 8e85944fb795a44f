"""`doorward log verify` and `doorward publisher`, as the processes that they are."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from doorward.cli.folders import Folders
from doorward.cli.log import app
from doorward.cli.publisher import find_signer, publisher, read_conninfo
from doorward.errors import ConfigError
from doorward.notes.note import Signer, format_verifier
from doorward.record.disclosures import PostgresDisclosures
from doorward.record.keys import make_log_key
from doorward.record.openings import MemoryDisclosures
from doorward.record.segments import list_segments
from record.samples import NOW, World, connect, conversation, fill, flip, open_spool, query, session_id

DEADLINE_SECONDS = 30.0


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    folders = Folders(tmp_path / "data")
    folders.make()
    return folders


@pytest.fixture
def data(folders: Folders) -> World:
    """A data folder with a published record; its disclosures are not at hand."""
    world = World(folders.data, make_log_key(folders.keys / "log.key"), MemoryDisclosures())
    fill(world.spool_dir, range(5))
    world.publish()
    return world


def verify(*arguments: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["verify", *map(str, arguments)])
    if isinstance(done.exception, ConfigError):
        return 2, str(done.exception)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


class TestVerify:
    def test_a_data_folder_that_holds(self, data: World) -> None:
        code, output = verify("--data", data.folder)
        assert code == 0
        assert "everything that was checked holds" in output
        assert "key: from the log itself (trust on first use)" in output
        assert "not checked: disclosures" in output
        assert "size: 20 leaves" in output

    def test_a_public_copy_that_holds_under_a_key_that_was_given(self, data: World, tmp_path: Path) -> None:
        shutil.copytree(data.log_dir, tmp_path / "copy")
        code, output = verify(tmp_path / "copy", "--key", format_verifier(data.signer.verifier))
        assert code == 0
        assert "key: as given" in output
        assert "not checked: spool" in output

    def test_a_copy_under_another_key(self, data: World) -> None:
        other = Signer.make(data.signer.name, bytes(32))
        code, output = verify(data.log_dir, "--key", format_verifier(other.verifier))
        assert code == 1
        assert "FALSE: checkpoint" in output

    def test_a_flipped_byte_in_a_tile_and_in_the_spool(self, data: World) -> None:
        flip(data.log_dir / "tile/0/000.p/20", 7)
        code, output = verify("--data", data.folder)
        assert code == 1
        assert "FALSE: tile/0/000.p/20, entry 0" in output
        flip(data.log_dir / "tile/0/000.p/20", 7)
        flip(list_segments(data.spool_dir)[0].path, 300)
        code, output = verify("--data", data.folder)
        assert code == 1
        assert "FALSE: spool: `seg-" in output
        assert "1 found false" in output

    def test_as_json(self, data: World) -> None:
        code, output = verify("--data", data.folder, "--json")
        report = json.loads(output)
        assert code == report["exit_code"] == 0
        assert report["log"] == data.signer.name
        assert report["key_from"] == "the log itself"
        assert report["holds"] is True
        flip(data.log_dir / "checkpoint", 0)
        code, output = verify("--data", data.folder, "--json")
        assert code == json.loads(output)["exit_code"] == 1

    def test_a_broken_verifier_key_of_the_log_is_false(self, data: World) -> None:
        (data.log_dir / "vkey").write_bytes(b"\xff")
        code, output = verify("--data", data.folder)
        assert code == 1
        assert "FALSE: vkey" in output
        code, output = verify("--data", data.folder, "--json")
        assert json.loads(output)["log"] is None

    @pytest.mark.parametrize("make", ["nothing", "no key", "bad key"])
    def test_what_cannot_be_checked_for_lack_of_a_log_or_key_is_usage(
        self, data: World, tmp_path: Path, make: str
    ) -> None:
        if make == "nothing":
            code, output = verify(tmp_path / "nowhere")
            assert "there is no log at" in output
        elif make == "no key":
            (data.log_dir / "vkey").unlink()
            code, output = verify(data.log_dir)
            assert "has no `vkey`" in output
        else:
            code, output = verify(data.log_dir, "--key", "nonsense")
            assert "`--key` is no verifier key" in output
        assert code == 2

    def test_a_disclosures_server_that_does_not_answer_is_not_taken_for_no(
        self, data: World, folders: Folders
    ) -> None:
        (folders.run / "record.dsn").write_text(f"host={folders.run} user=nobody\n")
        code, output = verify("--data", data.folder)
        assert code == 3
        assert "could not tell: disclosures" in output
        assert "what was checked holds" in output

    def test_more_findings_than_are_listed_are_counted(
        self, data: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("doorward.record.report.MAX_FINDINGS", 1)
        flip(data.log_dir / "tile/0/000.p/20", 7)
        flip(list_segments(data.spool_dir)[0].path, 300)
        code, output = verify("--data", data.folder)
        assert code == 1
        assert "FALSE: and 1 more" in output
        assert "2 found false" in output

    def test_what_is_still_open_is_a_note(self, data: World) -> None:
        spool = open_spool(data.spool_dir, seed=1)
        spool.append([connect(session_id(9)), query(session_id(9), 1)], now=NOW)
        code, output = verify("--data", data.folder)
        assert code == 0
        assert "note: 1 sessions and 1 requests have no end yet" in output
        spool.close(now=NOW)

    @pytest.mark.pg
    def test_with_the_disclosures_at_hand_every_leaf_is_opened(
        self, folders: Folders, recorder_conninfo: str
    ) -> None:
        (folders.run / "record.dsn").write_text(recorder_conninfo + "\n")
        with PostgresDisclosures(recorder_conninfo) as disclosures:
            world = World(folders.data, make_log_key(folders.keys / "log.key"), disclosures)
            fill(world.spool_dir, range(5))
            world.publish()
        code, output = verify("--data", folders.data)
        assert code == 0
        assert "checked: 20 leaves opened" in output
        assert "not checked" not in output


class TestSigner:
    def test_a_key_is_made_with_the_first_log_and_found_again(self, folders: Folders) -> None:
        signer = find_signer(folders)
        assert find_signer(folders) == signer

    def test_a_log_whose_key_is_gone_gets_no_other(self, data: World, folders: Folders) -> None:
        (folders.keys / "log.key").unlink()
        with pytest.raises(ConfigError, match=r"log\.key` is not"):
            find_signer(folders)
        assert not (folders.keys / "log.key").exists()
        assert data.log_dir.exists()

    def test_without_a_running_doorward_there_is_no_server_to_publish_to(self, folders: Folders) -> None:
        with pytest.raises(ConfigError, match="doorward is not up"):
            read_conninfo(folders)


PROGRAM = """
import sys
from pathlib import Path
import typer
from doorward.cli.publisher import publisher
from doorward.errors import DoorwardError
try:
    publisher(Path(sys.argv[1]))
except DoorwardError as error:
    sys.exit(f"doorward: {error}")
"""


class Process:
    """A running publisher; the command itself is one line around the same function."""

    def __init__(self, folders: Folders) -> None:
        self.errors = folders.run / "publisher.err"
        with self.errors.open("wb") as sink:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(folders.data)],
                stdin=subprocess.PIPE,  # held open, as `doorward up` does as long as it lives
                stdout=subprocess.PIPE,
                stderr=sink,
            )

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        code = self.process.wait(DEADLINE_SECONDS)
        assert self.process.stdout is not None
        assert self.process.stdout.read() == b""
        self.close()
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()

    def said(self) -> str:
        return self.errors.read_text()


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def server(folders: Folders, recorder_conninfo: str) -> Folders:
    """A data folder whose disclosures' server runs."""
    (folders.run / "record.dsn").write_text(recorder_conninfo + "\n")
    return folders


@pytest.fixture
def start(server: Folders) -> Iterator[Callable[[], Process]]:
    """Starts publishers; none outlives the test."""
    started: list[Process] = []

    def start_one() -> Process:
        started.append(Process(server))
        return started[-1]

    yield start_one
    for process in started:
        process.close()


@pytest.mark.pg
class TestPublisher:
    def test_it_publishes_what_is_closed_within_a_second_and_stops_after_a_last_pass(
        self, server: Folders, start: Callable[[], Process], recorder_conninfo: str
    ) -> None:
        spool = open_spool(server.spool)
        process = start()
        spool.append(conversation(session_id(1)), now=NOW)
        wait_for((server.log / "tile/entries/000.p/4").exists)
        spool.append(conversation(session_id(2)), now=NOW)
        spool.close(now=NOW)
        assert process.stop() == 0
        assert process.said() == ""
        with PostgresDisclosures(recorder_conninfo) as disclosures:
            world = World(server.data, find_signer(server), disclosures)
            report = world.check()
        assert report.findings == []
        assert report.counts["tree size"] == report.counts["leaves opened"] == 8

    def test_interrupted_it_stops_as_well(self, server: Folders, start: Callable[[], Process]) -> None:
        process = start()
        wait_for((server.log / "checkpoint").exists)
        assert process.stop(signal.SIGINT) == 0

    def test_it_stops_when_doorward_up_is_gone(self, server: Folders, start: Callable[[], Process]) -> None:
        process = start()
        wait_for((server.log / "checkpoint").exists)
        assert process.process.stdin is not None
        process.process.stdin.close()
        assert process.ended() == 0

    def test_while_the_server_is_away_it_says_so_once_and_waits(
        self, server: Folders, start: Callable[[], Process], recorder_conninfo: str, tmp_path: Path
    ) -> None:
        away = tmp_path / "away"
        away.mkdir()
        (server.run / "record.dsn").write_text(f"host={away} user=doorward_recorder dbname=disclosures\n")
        fill(server.spool, [1])
        process = start()
        wait_for(lambda: "cannot be reached" in process.said())
        from psycopg.conninfo import conninfo_to_dict

        parts = conninfo_to_dict(recorder_conninfo)
        socket = f".s.PGSQL.{parts['port']}"
        (away / ".s.PGSQL.5432").symlink_to(Path(str(parts["host"])) / socket)
        wait_for((server.log / "tile/entries/000.p/4").exists)
        assert process.stop() == 0
        assert process.said().count("\n") == 1

    def test_with_the_server_away_it_still_stops(
        self, server: Folders, start: Callable[[], Process], tmp_path: Path
    ) -> None:
        (server.run / "record.dsn").write_text(f"host={tmp_path} user=nobody\n")
        fill(server.spool, [1])
        process = start()
        wait_for(lambda: "cannot be reached" in process.said())
        assert process.stop() == 0

    def test_where_the_record_does_not_agree_it_ends_and_says_why(
        self, server: Folders, start: Callable[[], Process]
    ) -> None:
        fill(server.spool, [1])
        process = start()
        wait_for((server.log / "tile/entries/000.p/4").exists)
        assert process.stop() == 0
        shutil.rmtree(server.spool)
        server.spool.mkdir()
        process = start()
        assert process.ended() == 1
        assert "the spool ends before leaf 0" in process.said()

    def test_killed_while_it_publishes_it_goes_on_with_the_same_leaves(
        self, server: Folders, start: Callable[[], Process], recorder_conninfo: str
    ) -> None:
        spool = open_spool(server.spool)
        for round_ in range(3):
            process = start()
            for number in range(40):
                spool.append(conversation(session_id(100 * round_ + number)), now=NOW)
            size = 4 * (40 * round_ + 1)
            wait_for(lambda: tree_size(server) >= size)  # noqa: B023  # asked at once
            assert process.stop(signal.SIGKILL) == -signal.SIGKILL
        spool.append(conversation(session_id(999)), now=NOW)
        spool.close(now=NOW)
        process = start()
        wait_for(lambda: tree_size(server) == 484)
        assert process.stop() == 0
        with PostgresDisclosures(recorder_conninfo) as disclosures:
            assert World(server.data, find_signer(server), disclosures).found() == []


def tree_size(folders: Folders) -> int:
    try:
        return int((folders.log / "checkpoint").read_text().split("\n")[1])
    except FileNotFoundError:
        return 0


def test_the_command_takes_the_data_folder_by_name() -> None:
    command = typer.Typer()
    command.command()(publisher)
    done = CliRunner().invoke(command, ["--help"])
    assert done.exit_code == 0
    assert "--data" in done.output
