"""`doorward log end`, `log begin` and `log directory`: a log ends, another begins, and outsiders can follow."""

import json
import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import psycopg
import pytest

from doorward.cli import host_logs, log_begin, log_end
from doorward.cli.directory_change import Change
from doorward.cli.host_logs import KEPT, KEY, MARK, Running, hold_doors, refuse_ended
from doorward.errors import ConfigError, LogError, StoreError, VerificationError
from doorward.notes.key_files import load_key
from doorward.notes.note import format_verifier
from doorward.orders.load import load_pack
from doorward.record.binding import BOUND, bind
from doorward.record.checkpoint import Checkpoint, format_checkpoint
from doorward.record.directory_file import hold_file
from doorward.record.entry import Entry, Field, Kind
from doorward.record.segments import SpoolReader
from doorward.record.spool import Spool
from doorward.record.workers import LOG_WRITER, worker_folder
from record.hosts import Host
from record.place import invoke
from record.samples import NOW
from record.test_witnesses import WitnessProcess


@pytest.fixture(autouse=True)
def _one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order is read once for all commands of these tests."""
    monkeypatch.setattr(host_logs, "load_pack", _load_once)


_load_once = cache(load_pack)


@pytest.fixture
def host(tmp_path: Path, owner_conninfo: str) -> Host:
    """A host whose log runs and is in no directory yet."""
    made = Host(tmp_path, owner_conninfo)
    made.write_config(directory=False)
    made.folders.make()
    made.official()
    made.record(1)
    made.publish()
    made.write_config()
    return made


@pytest.fixture
def listed(host: Host) -> Host:
    done = host.begin()
    assert (done.returncode, done.stderr) == (0, ""), done
    host.publish()
    return host


def ok(done: object) -> str:
    assert (done.returncode, done.stderr) == (0, ""), done  # type: ignore[attr-defined]  # a Done
    return str(done.stdout)  # type: ignore[attr-defined]  # as above


def origin(host: Host) -> str:
    return load_key(host.folders.keys / KEY).name


def last_entry(host: Host) -> Entry:
    """The last entry that the writer of the log itself made."""
    reader = SpoolReader(worker_folder(host.folders.spool, LOG_WRITER))
    return [one for one in reader.read() if isinstance(one, Entry)][-1]


class TestListing:
    def test_a_log_that_runs_is_listed_and_its_record_names_the_directory(self, host: Host) -> None:
        with pytest.raises(VerificationError, match="is not in the directory"):
            host.publish()
        with pytest.raises(VerificationError, match="is not in the directory"):
            hold_doors(host.settings, host.folders)
        assert "listed: " in ok(host.begin())
        entry = last_entry(host)
        digest = json.loads(ok(host.run("directory", "--json")))["digest"]
        assert entry.kind is Kind.LOG
        assert (entry.get(Field.TEXT) or b"").decode().splitlines()[1] == f"directory: {digest}"
        hold_doors(host.settings, host.folders)
        host.publish()
        host.show_public()
        found = host.verified()
        assert [one["standing"] for one in found["logs"]] == ["verified"]
        assert (found["exit_code"], found["logs"][0]["verified"]) == (0, host.size)

    def test_a_second_run_changes_nothing(self, listed: Host) -> None:
        before = listed.directory.read_bytes()
        assert "nothing was changed" in ok(listed.begin())
        assert listed.directory.read_bytes() == before

    def test_an_office_that_may_not_and_a_key_that_nobody_knows(self, host: Host) -> None:
        done = host.run("begin", "--key", host.official("auditor/third"))
        assert (done.returncode, "expected a key of law or records-custodian" in done.stderr) == (1, True)
        stranger = host.official("law/stranger")
        lines = host.folders.officials.read_text().splitlines()
        host.folders.officials.write_text("".join(f"{one}\n" for one in lines if "stranger" not in one))
        done = host.run("begin", "--key", stranger)
        assert (done.returncode, "is not among the officials' keys" in done.stderr) == (1, True)
        assert not host.directory.exists()

    def test_settings_without_a_directory_are_as_before_until_one_was_kept(self, host: Host) -> None:
        host.write_config(directory=False)
        host.publish()
        hold_doors(host.settings, host.folders)
        host.write_config()
        ok(host.begin())
        host.write_config(directory=False)
        with pytest.raises(ConfigError, match="the settings name none"):
            host.publish()

    def test_it_may_not_lie_in_the_data_folder(self, host: Host) -> None:
        text = host.config.read_text()
        host.config.write_text(text.replace(str(host.directory), str(host.folders.data / "directory")))
        with pytest.raises(ConfigError, match="lies in the data folder"):
            host.publish()


class TestRetired:
    def test_it_ends_with_an_entry_and_a_new_one_follows(self, listed: Host) -> None:
        old, size = origin(listed), listed.size
        said = ok(listed.end("retired"))
        assert (
            f"ended (retired): `{old}` at {size + 1} leaves, provable to {size + 1}; `{old}/2` follows"
            in said
        )
        entry = last_entry(listed)
        assert entry.get(Field.WHAT) == b"ended"
        assert (
            entry.get(Field.TEXT) or b""
        ).decode() == f"doorward-ended@v1\nhow: retired\nsuccessor: {old}/2\n"
        assert not (listed.folders.keys / KEY).exists()
        listed.show_public()
        for refused in (listed.publish, lambda: hold_doors(listed.settings, listed.folders)):
            with pytest.raises(VerificationError, match="has ended"):
                refused()
        with pytest.raises(VerificationError, match="has ended"):
            refuse_ended(listed.folders)
        assert "nothing was changed" in ok(listed.end("retired"))

        done = listed.begin()
        assert (
            done.returncode,
            "hold 9 entries" in done.stderr or "entries of the log before" in done.stderr,
        ) == (1, True)
        listed.new_disclosures()
        assert f"begun: `{old}/2`, public files in `2`" in ok(listed.begin())
        assert "nothing was changed" in ok(listed.begin())
        assert origin(listed) == f"{old}/2"
        assert listed.size == 1  # its first entry, before any door opened
        text = (last_entry(listed).get(Field.TEXT) or b"").decode().splitlines()
        assert text[:4] == [
            "doorward-begun@v1",
            f"directory: {json.loads(ok(listed.run('directory', '--json')))['digest']}",
            f"follows: {old}",
            f"size: {size + 1}",
        ]
        listed.start(2)
        listed.show_public("2")
        first, second = listed.verified()["logs"]
        assert (first["standing"], first["verified"], first["ended"]["how"]) == ("ended", size + 1, "retired")
        assert (second["standing"], second["follows"], second["verified"]) == ("verified", old, listed.size)
        assert (listed.folders.data / "ended" / "before-2" / "log" / "checkpoint").exists()

    def test_no_log_follows(self, listed: Host) -> None:
        assert "no log follows" in ok(listed.end("retired", "--last"))
        listed.new_disclosures()
        assert "begun: `city.example/new`" in ok(listed.begin("--origin", "city.example/new"))
        assert json.loads(ok(listed.run("directory", "--json")))["logs"][1]["follows"] is None

    def test_while_somebody_writes_it_does_not_end(self, listed: Host) -> None:
        spool = Spool.open(worker_folder(listed.folders.spool, 3), now=NOW, worker=3)
        try:
            done = listed.end("retired")
        finally:
            spool.close(now=NOW)
        assert (done.returncode, "writer 3 of the record runs" in done.stderr) == (3, True)
        assert not (listed.folders.data / MARK).exists()
        listed.publish()

    def test_its_released_copy_is_named_or_said_to_be_none(self, listed: Host) -> None:
        done = listed.run("end", "retired", "--key", listed.official(), "--reason", "x")
        assert (done.returncode, "or say that it has none" in done.stderr) == (2, True)
        assert listed.end("retired", "--public", listed.folder / "none").returncode == 2
        listed.publish()

    def test_the_public_copy_comes_to_the_last_leaf(self, listed: Host, tmp_path: Path) -> None:
        copy = tmp_path / "released"
        ok(listed.run("release", copy, "--every", "86400", "--leaves", "8"))
        ok(listed.end("retired", "--public", copy))
        size = listed.size
        assert size % 8 == 0
        assert int((copy / "checkpoint").read_text().splitlines()[1]) == size
        assert last_entry(listed).get(Field.WHAT) == b"ended"
        listed.public.mkdir()
        shutil.copytree(copy, listed.public, dirs_exist_ok=True)
        assert listed.verified()["logs"][0]["verified"] == size

    @pytest.mark.long  # it starts a witness twice
    def test_witnesses_are_asked_before_and_cosign_the_end(self, listed: Host) -> None:
        folder = listed.folder / "witness"
        witness = WitnessProcess(
            folder, ok(invoke("log", "witness", "new", folder, "--name", "w.example/w")).strip()
        )
        key = format_verifier(load_key(listed.folders.keys / KEY).verifier)
        (folder / "logs").write_text(f"{key}\n")
        witness.start()
        policy = f"log {key}\nwitness w {witness.vkey} http://127.0.0.1:{witness.port}\nquorum w\n"
        (listed.folder / "policy").write_text(policy)
        listed.write_config(more='[witnesses]\npolicy = "policy"\ntimeout_seconds = 2\n')
        try:
            witness.kill()
            done = listed.end("retired")
            assert (done.returncode, "has not said that it knows nothing newer" in done.stderr) == (3, True)
            assert not (listed.folders.data / MARK).exists()
            witness.start()
            ok(listed.end("retired"))
        finally:
            if witness.process is not None:
                witness.kill()
        assert (listed.folders.log / "witnessed").read_text().splitlines()[1] == str(listed.size)


class TestLost:
    def test_a_lost_volume_and_what_outsiders_see_of_both_logs(self, listed: Host) -> None:
        copy = listed.show_public()
        old, shown = origin(listed), listed.size
        listed.record(5)
        listed.publish()
        kept = listed.folder / "kept-by-a-neighbour"
        shutil.copy(listed.folders.log / "checkpoint", kept)
        known = listed.size
        listed.lose()
        for refused in (listed.publish, lambda: hold_doors(listed.settings, listed.folders)):
            with pytest.raises(LogError, match="no log runs"):
                refused()
        done = listed.begin()
        assert (done.returncode, "runs on this host, and its key is not here" in done.stderr) == (1, True)
        said = ok(listed.end("lost", "--kept", copy, "--kept", kept))
        assert f"ended (lost): `{old}` at {known} leaves, provable to {shown}; `{old}/2` follows" in said
        listed.new_disclosures()
        ok(listed.begin())
        hold_doors(listed.settings, listed.folders)
        listed.start(2)
        listed.show_public("2")
        first, second = listed.verified()["logs"]
        assert (first["standing"], first["verified"], first["ended"]["size"]) == ("ended", shown, known)
        assert (second["standing"], second["verified"]) == ("verified", listed.size)
        text = listed.verify().stdout
        assert (
            f"provable to {shown} leaves; {known} were signed, as far as is known; what came after is not"
            in text
        )
        assert listed.verify().returncode == 0

    def test_one_that_was_in_no_directory_and_of_which_nothing_is_kept(self, host: Host) -> None:
        key = format_verifier(load_key(host.folders.keys / KEY).verifier)
        host.lose()
        done = host.end("lost", "--nothing-kept")
        assert (done.returncode, "no log of this host is listed" in done.stderr) == (2, True)
        assert "at 0 leaves, provable to 0" in ok(host.end("lost", "--nothing-kept", "--vkey", key))
        before = host.directory.read_bytes()
        assert "nothing was changed" in ok(host.end("lost", "--nothing-kept"))
        assert host.directory.read_bytes() == before
        host.new_disclosures()
        ok(host.begin())
        host.show_public("2")
        found = host.verified()
        assert [one["standing"] for one in found["logs"]] == ["missing", "verified"]
        assert found["exit_code"] == 0

    def test_what_is_kept_must_hold_together(self, listed: Host) -> None:
        copy, signer = listed.show_public(), load_key(listed.folders.keys / KEY)
        fork = listed.folder / "fork"
        fork.write_bytes(format_checkpoint(Checkpoint(signer.name, listed.size, bytes(32)), signer))
        smaller = listed.folder / "smaller"
        smaller.write_bytes(format_checkpoint(Checkpoint(signer.name, 3, bytes(32)), signer))
        other = listed.folder / "other"
        other.write_bytes(format_checkpoint(Checkpoint("x", 3, bytes(32)), type(signer)("x", signer.seed)))
        listed.lose()
        before = listed.directory.read_bytes()
        for place, why in ((fork, "two histories"), (smaller, "[fork]"), (other, "is nothing of the log")):
            done = listed.end("lost", "--kept", copy, "--kept", place)
            assert (done.returncode, why in done.stderr) == (1, True), done
        tile = next(path for path in (copy / "tile").rglob("*") if path.is_file())
        tile.write_bytes(b"x" + tile.read_bytes()[1:])
        done = listed.end("lost", "--kept", copy)
        assert (done.returncode, "is false" in done.stderr) == (1, True), done
        assert listed.directory.read_bytes() == before

    def test_what_is_left_of_it_counts_too(self, listed: Host) -> None:
        copy, shown = listed.show_public(), listed.size
        listed.record(5)
        listed.publish()
        known = listed.size
        shutil.rmtree(listed.folders.log / "tile")
        assert f"at {known} leaves, provable to {shown}" in ok(listed.end("lost", "--kept", copy))
        assert not (listed.folders.keys / KEY).exists()


class TestPutBack:
    def test_an_older_copy_of_the_folder_signs_nothing_after_the_end(self, listed: Host) -> None:
        older = listed.folder / "older"
        shutil.copytree(listed.folders.data, older)
        shutil.copytree(
            listed.public if listed.public.exists() else listed.show_public(), listed.folder / "seen"
        )
        ok(listed.end("retired"))
        checkpoint = (listed.folders.log / "checkpoint").read_bytes()
        shutil.rmtree(listed.folders.data)
        shutil.copytree(older, listed.folders.data)
        assert (listed.folders.keys / KEY).exists()
        assert not (listed.folders.data / MARK).exists()
        for refused in (listed.publish, lambda: hold_doors(listed.settings, listed.folders)):
            with pytest.raises(VerificationError, match=r"has ended \(retired\)"):
                refused()
        done = listed.run("move", "--by", "x", "--reason", "y")
        assert (done.returncode, "has ended" in done.stderr) == (1, True)
        done = listed.run("release", listed.folder / "released", "--every", "60", "--leaves", "1")
        assert (done.returncode, "has ended" in done.stderr) == (1, True)
        assert (
            listed.folders.log / "checkpoint"
        ).read_bytes() != checkpoint  # it is the old one, and stays so
        assert "nothing was changed" in ok(listed.end("retired"))
        assert not (listed.folders.keys / KEY).exists()

    def test_an_older_directory_is_noticed_and_so_is_none(self, listed: Host) -> None:
        older = listed.directory.read_bytes()
        ok(listed.end("retired"))
        listed.new_disclosures()
        ok(listed.begin())
        newest = listed.directory.read_bytes()
        listed.directory.write_bytes(older)
        with pytest.raises(VerificationError, match="an older directory was put here"):
            listed.publish()
        assert listed.begin().returncode == 1
        listed.directory.unlink()
        with pytest.raises(VerificationError, match="there was one"):
            hold_doors(listed.settings, listed.folders)
        assert listed.begin().returncode == 1
        listed.directory.write_bytes(newest)
        listed.publish()

    def test_somebody_who_signs_on_is_seen_by_outsiders(self, listed: Host) -> None:
        older = listed.folder / "older"
        shutil.copytree(listed.folders.data, older)
        ok(listed.end("retired"))
        listed.show_public()
        shutil.rmtree(listed.folders.data)
        shutil.copytree(older, listed.folders.data)
        listed.new_disclosures()
        listed.write_config(directory=False)  # whoever has the key and means harm asks no directory
        (listed.folders.data / KEPT).unlink()
        for number in (7, 8):
            listed.record(number)
        listed.publish()
        listed.write_config()
        shutil.rmtree(listed.public)
        listed.show_public()
        done = listed.verify()
        assert (done.returncode, "[after-end]" in done.stdout, "[fork]" in done.stdout) == (1, True, True)


class TestOutside:
    def test_what_the_directory_lists_and_is_not_there(self, listed: Host) -> None:
        listed.public.mkdir()
        found = listed.verified()
        assert (found["exit_code"], found["logs"][0]["standing"]) == (1, "missing")

    def test_leaves_that_are_withheld(self, listed: Host) -> None:
        copy = listed.show_public()
        older = listed.folder / "older"
        shutil.copytree(copy, older)
        listed.record(4)
        listed.publish()
        listed.show_public()
        ok(listed.end("retired"))
        shutil.rmtree(copy)
        shutil.copytree(older, copy)
        done = listed.verify()
        assert (done.returncode, "[rollback]" in done.stdout) == (1, True)

    def test_what_a_reader_kept(self, listed: Host) -> None:
        listed.show_public()
        kept, checkpoint = listed.folder / "kept-directory", listed.folder / "kept-checkpoint"
        shutil.copy(listed.directory, kept)
        shutil.copy(listed.folders.log / "checkpoint", checkpoint)
        key = format_verifier(load_key(listed.folders.keys / KEY).verifier)
        given = ("--directory-since", kept, "--since", checkpoint, "--key", key)
        ok(listed.verify(*given))
        ok(listed.end("retired"))
        listed.show_public()
        ok(listed.verify(*given))
        other = Host(listed.folder / "elsewhere", listed.owner)
        other.folder.mkdir()
        other.write_config(directory=False)
        other.folders.make()
        shutil.copy(listed.official(), other.folder / "law-first.key")
        other.official()
        listed.new_disclosures()
        other.publish()
        other.write_config()
        ok(other.begin())
        other.show_public()
        done = other.verify("--directory-since", kept)
        assert (done.returncode, "two histories" in done.stdout or "[fork]" in done.stdout) == (1, True)
        done = other.verify("--key", key, "--since", checkpoint)
        assert (done.returncode, done.stdout.count("[log-unlisted]")) == (1, 2)

    def test_it_needs_the_offices_key_and_the_right_one(self, listed: Host) -> None:
        listed.show_public()
        done = listed.verify("--directory-key", listed.office_key.replace("+", "x+", 1))
        assert done.returncode == 2
        wrong = ("verify", listed.public, "--directory", listed.directory)
        assert invoke("log", *wrong).returncode == 2
        stranger = format_verifier(load_key(listed.official("law/other")).verifier)
        done = invoke("log", *wrong, "--directory-key", stranger)
        assert (done.returncode, "[signature-missing]" in done.stdout) == (1, True)

    def test_somebody_else_signs_it_before_the_first_one_leaves(self, listed: Host) -> None:
        second = listed.official("records-custodian/second")
        assert ok(listed.run("directory", "--sign", second)).count("law/first, records-custodian/second") == 1
        assert listed.run("directory", "--sign", second).returncode == 2
        listed.folders.officials.write_text(format_verifier(load_key(second).verifier) + "\n")
        listed.publish()
        assert "signed by records-custodian/second" in ok(listed.run("directory"))

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda raw: raw[:0],
            lambda raw: raw[:-20],
            lambda raw: raw.replace(b"folder: .", b"folder: tile"),
            lambda raw: b"\xff" + raw,
            lambda raw: raw * 400,
        ],
        ids=["empty", "cut", "changed", "no text", "large"],
    )
    def test_a_file_that_somebody_spoiled(self, listed: Host, spoil: Callable[[bytes], bytes]) -> None:
        listed.show_public()
        listed.directory.write_bytes(spoil(listed.directory.read_bytes()))
        done = listed.verify()
        assert (done.returncode, "FALSE: directory" in done.stdout) == (1, True), done
        with pytest.raises(LogError):
            listed.publish()
        with pytest.raises(LogError):
            hold_doors(listed.settings, listed.folders)

    def test_a_pipe_and_a_link(self, listed: Host) -> None:
        listed.show_public()
        raw = listed.directory.read_bytes()
        listed.directory.unlink()
        os.mkfifo(listed.directory)
        assert listed.verify().returncode == 1
        with pytest.raises(StoreError, match="no regular file"):
            listed.publish()
        listed.directory.unlink()
        (listed.folder / "moved").write_bytes(raw)
        listed.directory.symlink_to(listed.folder / "moved")
        assert listed.verify().returncode == 1  # a copy for outsiders has no links
        listed.publish()


DONE_TO_THE_DISK = ("fsync", "fdatasync", "rename", "replace", "unlink", "mkdir", "link")


class TestOpenDoor:
    def test_a_gateway_that_stands_open_sees_that_its_log_is_gone_or_ended(self, listed: Host) -> None:
        running = Running(listed.settings, listed.folders)
        assert running.look()
        raw = listed.directory.read_bytes()
        listed.directory.unlink()
        listed.directory.mkdir()
        assert running.look()  # it cannot be read, which says nothing
        listed.directory.rmdir()
        listed.directory.write_bytes(raw)
        assert running.look()
        shutil.copytree(listed.folders.log, listed.folder / "log")
        shutil.rmtree(listed.folders.log)
        assert not running.look()
        shutil.copytree(listed.folder / "log", listed.folders.log)
        assert running.look()
        ok(listed.end("retired"))
        assert not running.look()
        listed.new_disclosures()
        ok(listed.begin())
        assert running.look()


class TestTwoHosts:
    def test_a_log_moves_and_each_host_has_one_that_runs(self, listed: Host) -> None:
        old, new = origin(listed), Host(listed.folder, listed.owner, "other")
        new.write_config()
        new.folders.make()
        new.official()
        done = listed.end("moved", "--successor", "city.example/moved")
        assert "`city.example/moved` follows" in ok(done)
        listed.show_public()
        listed.new_disclosures()
        done = listed.begin("--origin", "city.example/mine")  # who was named begins first
        assert (done.returncode, "named `city.example/moved` as what follows" in done.stderr) == (2, True)
        assert "begun: `city.example/moved`" in ok(new.begin("--origin", "city.example/moved"))
        new.show_public("2")
        listed.new_disclosures()
        assert "begun: `city.example/mine`" in ok(listed.begin("--origin", "city.example/mine"))
        listed.show_public("3")
        logs = listed.verified()["logs"]
        assert [(one["host"], one["follows"], one["standing"]) for one in logs] == [
            ("main", None, "ended"),
            ("other", old, "verified"),
            ("main", None, "verified"),
        ]

    def test_one_command_at_a_time(self, listed: Host) -> None:
        before = listed.directory.read_bytes()
        with hold_file(listed.directory):
            done = listed.end("retired")
        assert (done.returncode, "another command writes" in done.stderr) == (2, True)
        assert listed.directory.read_bytes() == before


class _StoppedError(Exception):
    """Stands for the end of the process."""


def _stop(*_: object) -> None:
    raise _StoppedError


class TestInterrupted:
    """Each write of the commands fails, before it and behind it, one after the other; then they come to their end."""

    @pytest.mark.parametrize("behind", [False, True])
    @pytest.mark.parametrize("how", ["retired", "lost"])
    def test_an_end_and_the_log_that_follows(
        self, listed: Host, monkeypatch: pytest.MonkeyPatch, how: str, *, behind: bool
    ) -> None:
        size, copy = listed.size, listed.show_public()
        more = ("--kept", copy) if how == "lost" else ()
        if how == "lost":
            listed.lose()
        fail = _Failing(monkeypatch, behind=behind)
        assert fail.each(lambda: listed.end(how, *more)) > 3
        assert "nothing was changed" in ok(listed.end(how, *more))
        assert not (listed.folders.keys / KEY).exists()
        if how == "retired":
            size += 1  # one last entry, however often it was begun
            listed.show_public()
        listed.new_disclosures()
        assert fail.each(listed.begin) > 6
        assert "nothing was changed" in ok(listed.begin())
        assert listed.size == 1
        listed.start(3)
        listed.show_public("2")
        first, second = listed.verified()["logs"]
        assert (first["standing"], first["verified"], second["standing"]) == ("ended", size, "verified")

    def test_a_second_run_says_what_the_last_entry_said(
        self, listed: Host, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(Change, "write", _stop)
            with pytest.raises(_StoppedError):
                listed.end("retired", "--successor", "city.example/next")
        done = listed.end("retired", "--successor", "city.example/other")
        assert (done.returncode, "`city.example/next` follows" in done.stderr) == (2, True)
        assert listed.end("moved").returncode == 2
        assert "`city.example/next` follows" in ok(listed.end("retired"))

    @pytest.mark.long
    @pytest.mark.parametrize("behind", [False, True])
    @pytest.mark.parametrize("command", ["end", "begin"])
    def test_each_point_on_its_own(
        self, listed: Host, monkeypatch: pytest.MonkeyPatch, command: str, *, behind: bool
    ) -> None:
        fail = _Failing(monkeypatch, behind=behind)
        before = listed.folder.with_name(f"{listed.folder.name}-before")
        size = 1 if command == "begin" else listed.size + 1
        if command == "begin":
            listed.end("retired")
        rows = _rows(listed) if command == "end" else []
        shutil.copytree(listed.folder, before)

        def run() -> object:
            return listed.end("retired") if command == "end" else listed.begin()

        for at in range(200):
            shutil.rmtree(listed.folder)
            shutil.copytree(before, listed.folder)
            _put_rows(listed, rows)
            if command == "end":
                bind(listed.folders.keys / BOUND, load_key(listed.folders.keys / KEY))
            if fail.at(at, run):
                break
            ok(run())
            assert (listed.size, (listed.folders.keys / KEY).exists()) == (size, command == "begin")
            ended = [one["ended"] for one in json.loads(ok(listed.run("directory", "--json")))["logs"]]
            assert len(ended) == (1 if command == "end" else 2)
            assert ended[-1] is None if command == "begin" else ended[-1]["size"] == size
            if command == "begin":
                hold_doors(listed.settings, listed.folders)
        assert at > 20


TABLES = ("record.blocks", "record.entries")


def _rows(host: Host) -> list[list[bytes]]:
    found = []
    with psycopg.connect(host.owner) as connection:
        for table in TABLES:
            with connection.cursor().copy(f"COPY {table} TO STDOUT") as copy:
                found.append([bytes(line) for line in copy])
    return found


def _put_rows(host: Host, rows: list[list[bytes]]) -> None:
    host.new_disclosures()
    with psycopg.connect(host.owner) as connection:
        for table, lines in zip(TABLES, rows, strict=False):
            with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                for line in lines:
                    copy.write(line)


class _Failing:
    """Stops a command at the n-th thing that it does to the disk."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, behind: bool) -> None:
        self.monkeypatch, self.behind = monkeypatch, behind

    def each(self, run: Callable[[], object]) -> int:
        """Return at how many points the command was stopped before it came to its end."""
        return next(at for at in range(200) if self.at(at, run))

    def at(self, number: int, run: Callable[[], object]) -> bool:
        """Return whether the command came to its end before."""
        count = 0

        def wrapped(real: Callable[..., object]) -> Callable[..., object]:
            def call(*arguments: object, **named: object) -> object:
                nonlocal count
                own, count = count, count + 1
                if own == number and not self.behind:
                    raise _StoppedError
                try:
                    return real(*arguments, **named)
                finally:
                    if own == number:
                        raise _StoppedError

            return call

        with self.monkeypatch.context() as patch:
            owners: list[tuple[object, str]] = [(os, name) for name in DONE_TO_THE_DISK]
            for owner, name in (*owners, (log_end, "record_of_log"), (log_begin, "record_of_log")):
                patch.setattr(owner, name, wrapped(getattr(owner, name)))
            try:
                done = run()
            except _StoppedError:
                return False
        ok(done)
        return True
