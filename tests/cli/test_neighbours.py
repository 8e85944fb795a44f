"""Logs that keep each other's checkpoints: what was put back or signed twice is named by the neighbour."""

import shutil
import socket
import tarfile
import threading
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import wait
from datetime import datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.test_settings import GOOD
from doorward.cli import neighbours
from doorward.cli.folders import Folders
from doorward.cli.main import app, exit_code
from doorward.cli.neighbours import Neighbours
from doorward.cli.settings_record import Neighbour, RecordSettings
from doorward.errors import DoorwardError
from doorward.gateway.logbook import Event, Logbook
from doorward.notes.note import Signer, format_verifier
from doorward.record.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from doorward.record.entry import Entry, Field, Kind
from doorward.record.log_entries import Happened, draft_of, record_of_log
from doorward.record.neighbours import Seen, compare
from doorward.record.openings import MemoryDisclosures
from doorward.record.workers import LOG_WRITER, worker_folder
from doorward.verifier import http_source
from record.samples import NOW, World, conversation, entries_of, open_spool, session_id

SIGNER = Signer.make("doorward.example/neighbour", bytes(range(32)))


def grow(world: World, number: int) -> int:
    spool = open_spool(world.spool_dir, seed=number)
    spool.append(conversation(session_id(number)), now=NOW)
    spool.close(now=NOW)
    return world.publish()


class Said(Logbook):
    def __init__(self) -> None:
        super().__init__("publisher")
        object.__setattr__(self, "events", [])

    def say(self, event: Event, **facts: str | int) -> None:
        self.events.append((event, facts.get("log")))  # type: ignore[attr-defined]  # a frozen dataclass's


class Pair:
    """A log, and one that keeps its checkpoints."""

    def __init__(self, folder: Path) -> None:
        self.other = World(folder / "other", SIGNER, MemoryDisclosures())
        self.folders = Folders(folder / "own")
        self.folders.make()
        self.said = Said()
        settings = RecordSettings(
            neighbours=(Neighbour(SIGNER.verifier, str(self.other.log_dir)),), neighbours_seconds=10
        )
        self.neighbours = Neighbours(settings, self.folders, self.said, self.clock)
        self.now = 0.0
        self.dsn = ""  # the spool alone

    def clock(self) -> datetime:
        return NOW

    def look(self) -> None:
        """Look, wait for what was asked, and take it."""
        self.now += 10
        self.neighbours.look(self.now)
        wait([reading for _, reading in self.neighbours._reading])
        self.neighbours.look(self.now + 1)

    def kept(self) -> list[tuple[str, int]]:
        entries = entries_of(worker_folder(self.folders.spool, LOG_WRITER))
        assert {entry.kind for entry in entries} <= {Kind.LOG}
        return [
            (
                (entry.get(Field.WHAT) or b"").decode(),
                parse_checkpoint(_first(entry.get(Field.TEXT))).tree_size,
            )
            for entry in entries
        ]

    def hold(self, config: Path, place: str = "") -> tuple[int, str]:
        config.write_text(GOOD.replace('data = "data"', f'data = "{self.folders.data}"'), encoding="utf-8")
        (self.folders.run / "record.dsn").write_text(self.dsn, encoding="utf-8")
        key = format_verifier(SIGNER.verifier)
        arguments = ["log", "hold", place or str(self.other.log_dir), "--key", key, "--config", str(config)]
        done = CliRunner().invoke(app, arguments)
        if isinstance(done.exception, DoorwardError):
            return exit_code(done.exception), str(done.exception)
        return done.exit_code, done.output


def _first(text: bytes | None) -> bytes:
    head, _, tail = (text or b"").partition(b"\n\n")
    return head + b"\n\n" + tail.split(b"\n\n")[0].split(b"\n")[0] + b"\n"


def _cosigned(raw: bytes) -> bytes:
    """The same checkpoint with a signature line more, which nobody here can check."""
    return raw + b"\xe2\x80\x94 w.example/w " + b64encode(bytes(76)) + b"\n"


@pytest.fixture(name="pair")
def pair_fixture(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_what_a_checkpoint_is_beside_the_kept_one() -> None:
    root, other = bytes(32), bytes(31) + b"x"
    kept = Checkpoint("a", 5, root)
    assert compare(None, kept) is Seen.NEW
    assert compare(kept, Checkpoint("a", 6, other)) is Seen.NEW
    assert compare(kept, kept) is Seen.SAME
    assert compare(kept, Checkpoint("a", 4, root)) is Seen.BEHIND
    assert compare(kept, Checkpoint("a", 5, other)) is Seen.FORK


def test_each_new_checkpoint_is_kept_once_on_the_schedule(pair: Pair, tmp_path: Path) -> None:
    grow(pair.other, 1)
    pair.look()
    pair.look()
    grow(pair.other, 2)
    pair.neighbours.look(pair.now + 5)
    assert pair.neighbours._reading == [], "not before it is time"
    pair.look()
    assert pair.kept() == [("checkpoint", 4), ("checkpoint", 8)]
    assert pair.said.events == []  # type: ignore[attr-defined]  # as above
    code, said = pair.hold(tmp_path / "doorward.toml")
    assert (code, "it is what was kept of it" in said, "2 checkpoints of it" in said) == (0, True, True), said


def test_a_log_that_was_put_back_is_named_at_once_and_by_whoever_asks_later(
    pair: Pair, tmp_path: Path
) -> None:
    grow(pair.other, 1)
    shutil.copytree(pair.other.log_dir, tmp_path / "older")
    grow(pair.other, 2)
    pair.look()
    shutil.rmtree(pair.other.log_dir)
    shutil.copytree(tmp_path / "older", pair.other.log_dir)
    pair.look()
    pair.look()
    (pair.other.log_dir / "checkpoint").write_bytes(
        _cosigned((pair.other.log_dir / "checkpoint").read_bytes())
    )
    pair.look()
    assert pair.said.events == [(Event.NEIGHBOUR_BEHIND, SIGNER.name)]  # type: ignore[attr-defined]  # as above
    assert pair.kept() == [("checkpoint", 8), ("behind", 8)], "once, with both, whoever cosigned it since"
    code, said = pair.hold(tmp_path / "doorward.toml")
    assert code == 1
    assert "FALSE: checkpoint: the log was put back: entry" in said


def test_a_log_with_two_histories_is_named(pair: Pair, tmp_path: Path) -> None:
    grow(pair.other, 1)
    pair.look()
    shutil.rmtree(pair.other.folder)
    pair.other.disclosures = MemoryDisclosures()
    grow(pair.other, 7)
    pair.look()
    assert pair.kept() == [("checkpoint", 4), ("fork", 4)]
    assert pair.said.events == [(Event.NEIGHBOUR_FALSE, SIGNER.name)]  # type: ignore[attr-defined]  # as above
    grow(pair.other, 8)  # a longer one hides it from the next look, not from the record
    pair.look()
    code, said = pair.hold(tmp_path / "doorward.toml")
    assert (code, "the log has two histories: entry" in said) == (1, True), said


def test_a_neighbour_that_cannot_be_read_or_is_anothers_is_said_once_and_nothing_is_kept(pair: Pair) -> None:
    pair.look()
    pair.look()
    pair.other.log_dir.mkdir(parents=True)
    forged = Signer.make(SIGNER.name, bytes(32))
    raw = format_checkpoint(Checkpoint(SIGNER.name, 9, bytes(32)), forged)
    (pair.other.log_dir / "checkpoint").write_bytes(raw)
    pair.look()
    assert [event for event, _ in pair.said.events] == [Event.NEIGHBOUR_UNREAD] * 2  # type: ignore[attr-defined]
    assert not worker_folder(pair.folders.spool, LOG_WRITER).exists()


class Broken:
    """A neighbour whose answer breaks the reading in a way that nobody thought of."""

    def read(self, _path: str, _max_bytes: int) -> bytes:
        raise RecursionError("what a stranger sent")

    def close(self) -> None:
        return


def test_no_answer_of_a_neighbour_ends_the_look(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    grow(pair.other, 1)
    with monkeypatch.context() as patch:
        patch.setattr(neighbours, "open_source", lambda _place: Broken())
        pair.look()
        pair.look()
    assert pair.said.events == [(Event.NEIGHBOUR_UNREAD, SIGNER.name)]  # type: ignore[attr-defined]  # as above
    pair.look()
    assert pair.kept() == [("checkpoint", 4)]


@pytest.mark.parametrize("damaged", [b"\xff", b"no checkpoint\n"])
def test_a_damaged_file_of_what_was_kept_is_said_and_ends_nothing(pair: Pair, damaged: bytes) -> None:
    grow(pair.other, 1)
    pair.look()
    (file,) = (pair.folders.data / neighbours.KEPT).iterdir()
    file.write_bytes(damaged)
    pair.look()
    pair.look()
    assert pair.said.events == [(Event.NEIGHBOUR_UNREAD, SIGNER.name)]  # type: ignore[attr-defined]  # as above
    assert pair.kept() == [("checkpoint", 4)], "what it now shows is kept again once a person has looked"


@pytest.fixture(name="address")
def address_fixture(pair: Pair) -> Iterator[str]:
    """Where a web server serves the other log."""
    handler = partial(Quiet, directory=str(pair.other.log_dir))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


class Quiet(SimpleHTTPRequestHandler):
    """A web server that writes no log."""

    def log_message(self, *_: object) -> None:
        return


def test_a_log_at_an_address_or_in_a_tar_is_held_to_what_was_kept_as_one_in_a_folder(
    pair: Pair, tmp_path: Path, address: str
) -> None:
    config, tar = tmp_path / "doorward.toml", tmp_path / "log.tar"
    for number in (1, 2):
        grow(pair.other, number)
        pair.look()
    with tarfile.open(tar, "w") as file:
        file.add(pair.other.log_dir, ".")
    for place in (address, str(tar)):
        code, said = pair.hold(config, place)
        assert (code, "2 checkpoints of it are kept here\nit is what was kept of it" in said) == (0, True), (
            said
        )
    code, said = pair.hold(config, f"{address}nowhere/")
    assert (code, "2 checkpoints of it are kept here" in said) == (3, True), said
    shutil.rmtree(pair.other.folder)
    pair.other.disclosures = MemoryDisclosures()
    for number in (7, 8, 9):
        grow(pair.other, number)
    code, said = pair.hold(config, address)
    assert (code, "the log has two histories: entry" in said) == (1, True), said
    for tiles in pair.other.log_dir.glob("tile/0"):
        shutil.rmtree(tiles)
    code, said = pair.hold(config, address)
    assert (code, "could not tell: whether the log goes on" in said) == (3, True), said
    (pair.other.log_dir / "checkpoint").write_bytes(b"another page\n")
    code, said = pair.hold(config, address)
    assert (code, "FALSE: checkpoint" in said) == (1, True), said


def test_a_log_that_was_taken_off_could_not_be_told_and_what_is_kept_of_it_is_said(
    pair: Pair, tmp_path: Path, address: str
) -> None:
    config = tmp_path / "doorward.toml"
    grow(pair.other, 1)
    pair.look()
    (pair.other.log_dir / "checkpoint").unlink()
    code, said = pair.hold(config, address)
    assert (code, "it is what was kept" in said) == (3, False), said
    assert (
        f"could not tell: there is no checkpoint at `{address}`: the log was taken off, or is elsewhere"
        in said
    )
    assert "1 checkpoints of it are kept here, the largest of 4 leaves" in said
    code, said = pair.hold(config, str(pair.other.log_dir))  # a folder is an argument that is wrong
    assert (code, "there is no log at" in said) == (2, True), said


def test_where_nobody_answers_at_an_address_it_could_not_tell(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_source, "PAUSE_SECONDS", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    code, said = pair.hold(tmp_path / "doorward.toml", f"http://127.0.0.1:{port}/")
    assert (code, "could not tell: `checkpoint` could not be fetched" in said) == (3, True), said


def test_where_nothing_is_kept_of_a_log_the_command_could_not_tell(pair: Pair, tmp_path: Path) -> None:
    grow(pair.other, 1)
    code, said = pair.hold(tmp_path / "doorward.toml")
    assert (code, "nothing of it is kept here" in said, "it is what was kept" in said) == (3, True, False), (
        said
    )
    forged = Signer.make(SIGNER.name, bytes(32))
    raw = format_checkpoint(Checkpoint(SIGNER.name, 9, bytes(32)), forged)
    record_of_log(pair.folders.spool, [draft_of(Happened.CHECKPOINT, text=raw)], now=NOW)
    code, said = pair.hold(tmp_path / "doorward.toml")
    assert (code, "another key signed: entry" in said) == (3, True), said
    pair.look()
    code, said = pair.hold(tmp_path / "doorward.toml")
    assert (code, "another key signed: entry" in said) == (3, True), said


def test_what_was_kept_and_cannot_be_read_could_not_be_told(pair: Pair, tmp_path: Path) -> None:
    grow(pair.other, 1)
    pair.look()
    pair.dsn = f"host={tmp_path}/nobody"
    code, said = pair.hold(tmp_path / "doorward.toml")
    assert (code, "could not tell: what is kept here" in said, "it is what" in said) == (3, True, False), said


def test_the_disclosures_are_those_of_the_settings_where_no_publisher_ran(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []

    def read(_folders: Folders, conninfo: str, **_more: object) -> list[Entry]:
        asked.append(conninfo)
        return []

    monkeypatch.setattr(neighbours, "read_entries", read)
    grow(pair.other, 1)
    config = tmp_path / "doorward.toml"
    pair.hold(config)
    (pair.folders.run / "record.dsn").unlink()
    arguments = ["log", "hold", str(pair.other.log_dir), "--key", format_verifier(SIGNER.verifier)]
    assert CliRunner().invoke(app, [*arguments, "--config", str(config)]).exit_code == 3
    assert asked[0] == ""
    assert "host=record.city.example" in asked[1]
