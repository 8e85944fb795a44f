"""What the public is served grows with the clock alone: from its files nobody tells what happened, or when."""

import fcntl
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.test_settings import GOOD
from doorward.cli import log_release
from doorward.desk.recorder import Recorder
from doorward.errors import ConfigError, MalformedError, StoreError, VerificationError
from doorward.notes.note import Signer, Verifier
from doorward.record.binding import BOUND
from doorward.record.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint
from doorward.record.entry import Entry, Field, Kind
from doorward.record.fsck import check_log
from doorward.record.keeping import PADDING
from doorward.record.log_files import LogFiles
from doorward.record.openings import MemoryDisclosures
from doorward.record.release import log_size, read_schedule, release
from doorward.record.schedule import Schedule, first_schedule, parse_schedule
from doorward.record.segments import read_spool
from doorward.record.spool import Spool
from doorward.record.tiles import format_bundle
from doorward.record.workers import RELEASES, worker_folder
from record.place import Place, invoke
from record.samples import NOW, World, conversation, fill, session_id

HOUR, START = 3600, 1_900_000_800
SCHEDULE = Schedule(HOUR, 300, START)


def pad(world: World, count: int) -> None:
    spool = Spool.open(worker_folder(world.spool_dir, 12), now=NOW, worker=12)
    recorder = Recorder(spool)
    if count > 0:
        recorder.record([(Kind.KEEPING, PADDING)] * count, now=NOW)
    recorder.close(now=NOW)
    world.publish()


def run_slot(world: World, public: LogFiles, slot: int, signer: Signer, *, late: int = 0) -> None:
    now = START + slot * HOUR + late
    pad(world, SCHEDULE.size_at(now) - log_size(LogFiles(world.log_dir), signer.verifier))
    release(LogFiles(world.log_dir), public, signer, SCHEDULE, now=now)


def seen(folder: Path) -> dict[str, tuple[int, int]]:
    """All that a reader of the folder sees but for hashes: names, sizes, times; the checkpoint's size apart."""
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_size if path.is_file() else 0,
            path.stat().st_mtime_ns,
        )
        for path in (folder, *folder.rglob("*"))
    }


def world_of(folder: Path, signer: Signer) -> World:
    folder.mkdir()
    return World(folder, signer, MemoryDisclosures())


def test_two_cities_with_other_histories_look_the_same_from_outside(tmp_path: Path, signer: Signer) -> None:
    quiet, busy = world_of(tmp_path / "quiet", signer), world_of(tmp_path / "busy", signer)
    folders = tmp_path / "one", tmp_path / "other"
    fill(busy.spool_dir, range(90))  # 360 leaves: more than a slot takes
    busy.publish()
    quiet.publish()
    for slot in (1, 2, 3):
        for world, folder, late in ((quiet, folders[0], 7), (busy, folders[1], 1800)):
            if slot == 2 and world is quiet:
                fill(world.spool_dir, (1,))
            run_slot(world, LogFiles(folder), slot, signer, late=late)
        assert seen(folders[0]) == seen(folders[1])
        sizes = {parse_checkpoint((folder / "checkpoint").read_bytes()).tree_size for folder in folders}
        assert sizes == {slot * 300}
    # And each is a log that verifies, from the public files and with the disclosures.
    for world, folder in zip((quiet, busy), folders, strict=True):
        report = check_log(folder, signer.verifier)
        assert (report.findings, report.counts["tree size"]) == ([], 900)
        assert check_log(world.log_dir, signer.verifier, world.spool_dir, world.disclosures).findings == []


def test_no_file_has_a_time_but_that_of_a_slot(tmp_path: Path, world: World, signer: Signer) -> None:
    public = tmp_path / "public"
    world.publish()
    for slot in (1, 2):
        run_slot(world, LogFiles(public), slot, signer, late=1234)
    times = {path.stat().st_mtime for path in (public, *public.rglob("*"))}
    assert times <= {START + HOUR, START + 2 * HOUR}


@pytest.mark.parametrize("at", range(8))
def test_a_run_that_dies_leaves_no_time_but_that_of_a_slot(
    tmp_path: Path, world: World, signer: Signer, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    public = tmp_path / "public"
    world.publish()
    run_slot(world, LogFiles(public), 1, signer)
    calls, whole = [], os.utime

    def dies(*given: Any) -> None:
        calls.append(given)
        if len(calls) == at + 1:
            raise KeyboardInterrupt
        whole(*given)

    def syncs(self: LogFiles) -> None:
        dies(self.folder, (START + 2 * HOUR,) * 2)

    pad(world, SCHEDULE.size_at(START + 2 * HOUR) - log_size(LogFiles(world.log_dir), signer.verifier))
    with monkeypatch.context() as patch:
        patch.setattr(os, "utime", dies)
        patch.setattr(LogFiles, "sync", syncs)
        with pytest.raises(KeyboardInterrupt):
            release(LogFiles(world.log_dir), LogFiles(public), signer, SCHEDULE, now=START + 2 * HOUR + 60)
    if (public / "checkpoint").stat().st_mtime != START + HOUR:  # it is what is told by, whatever comes after
        assert {path.stat().st_mtime for path in public.rglob("*") if path.is_file()} <= {
            START + HOUR,
            START + 2 * HOUR,
        }
    assert (
        release(LogFiles(world.log_dir), LogFiles(public), signer, SCHEDULE, now=START + 2 * HOUR + 90) == 600
    )
    times = {path.stat().st_mtime for path in (public, *public.rglob("*"))}
    assert times <= {START + HOUR, START + 2 * HOUR}, "and the next run ends it"


def test_nothing_is_added_within_a_slot(tmp_path: Path, world: World, signer: Signer) -> None:
    public = tmp_path / "public"
    world.publish()
    run_slot(world, LogFiles(public), 1, signer)
    before = {path: path.read_bytes() for path in public.rglob("*") if path.is_file()}
    spool = Spool.open(world.spool_dir, now=NOW)
    spool.append(conversation(session_id(7)), now=NOW)
    spool.close(now=NOW)
    world.publish()
    run_slot(world, LogFiles(public), 1, signer, late=HOUR - 1)
    assert before == {path: path.read_bytes() for path in public.rglob("*") if path.is_file()}


def test_a_release_never_has_two_histories(tmp_path: Path, world: World, signer: Signer) -> None:
    public = tmp_path / "public"
    world.publish()
    run_slot(world, LogFiles(public), 2, signer)
    kept = (public / "checkpoint").read_bytes()
    with pytest.raises(VerificationError, match="the clock went back"):
        release(LogFiles(world.log_dir), LogFiles(public), signer, SCHEDULE, now=START + HOUR)
    with pytest.raises(VerificationError, match="asks for 900 leaves and the log has 600"):
        release(LogFiles(world.log_dir), LogFiles(public), signer, SCHEDULE, now=START + 3 * HOUR)
    other = world_of(tmp_path / "other", signer)
    fill(other.spool_dir, (5,))
    other.publish()
    with pytest.raises(VerificationError, match="does not begin with what was released"):
        run_slot(other, LogFiles(public), 3, signer)
    assert (public / "checkpoint").read_bytes() == kept


def replaced(file: Path, raw: bytes) -> Callable[[], int]:
    """Put other bytes into a file, and return what puts its own back."""
    own = file.read_bytes()
    assert own != raw
    file.write_bytes(raw)
    return lambda: file.write_bytes(own)


def test_nothing_is_signed_but_what_the_publisher_signed(
    tmp_path: Path, world: World, signer: Signer
) -> None:
    public = tmp_path / "public"
    pad(world, 900)
    files = LogFiles(world.log_dir)
    release(files, LogFiles(public), signer, SCHEDULE, now=START + HOUR)
    kept = (public / "checkpoint").read_bytes()
    have = log_size(files, signer.verifier)
    edge = f"{have % 256:d}"
    other = format_checkpoint(Checkpoint(signer.name, have, bytes(32)), signer)
    for path, raw in (
        ("checkpoint", other),  # signed, and of other tiles
        ("tile/0/001", bytes(256 * 32)),  # whole, below what the roots are made of
        (f"tile/0/003.p/{edge}", bytes(32 * int(edge))),  # behind the released size
        ("tile/1/000.p/3", bytes(96)),
        ("tile/entries/001", format_bundle([b"x"] * 256)),
        ("tile/entries/002", format_bundle([b"x"] * 256)),  # of which the public copy has a part
    ):
        put_back = replaced(world.log_dir / path, raw)
        with pytest.raises(VerificationError, match=r"of the log|begin with what was released"):
            release(files, LogFiles(public), signer, SCHEDULE, now=START + 2 * HOUR)
        assert (public / "checkpoint").read_bytes() == kept, path
        put_back()
    release(files, LogFiles(public), signer, SCHEDULE, now=START + 2 * HOUR)
    assert check_log(public, signer.verifier).findings == []


@given(st.integers(60, 10**6), st.integers(1, 10**6), st.integers(10**9, 10**10), st.integers(0, 10**8))
def test_the_size_is_a_function_of_the_clock(every: int, leaves: int, now: int, later: int) -> None:
    schedule = first_schedule(every, leaves, now)
    assert parse_schedule(schedule.format()) == schedule
    assert schedule.size_at(now) == 0
    whole, rest = divmod(schedule.size_at(now + later), leaves)
    assert (rest, whole) == (0, (now + later - schedule.start) // every)
    assert schedule.slot_end(now + later) <= now + later < schedule.slot_end(now + later) + every


@pytest.mark.parametrize("raw", [b"", b"doorward schedule v1\nevery: 60\nleaves: 0\nstart: 60\n", b"\xff"])
def test_what_is_no_schedule_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_schedule(raw)
    with pytest.raises(ConfigError):
        first_schedule(59, 1, 1000)
    with pytest.raises(ConfigError):
        first_schedule(0, 1, 1000)


def test_the_command_pads_waits_for_the_publisher_and_keeps_its_schedule(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = tmp_path / "public"
    assert "has no schedule yet" in place.run("release", public).stderr
    monkeypatch.setattr(log_release, "_wait", lambda *_: place.world.publish())
    assert place.run("release", public, "--every", "60", "--leaves", "40").stderr == ""
    kept = read_schedule(LogFiles(public))
    assert kept is not None
    assert abs(kept.start - datetime.now(UTC).timestamp()) < 120  # noqa: TID251  # the command reads the real clock
    earlier = Schedule(60, 40, kept.start - 120)
    (public / "schedule").write_bytes(earlier.format())
    (public / "checkpoint").unlink()
    done = place.run("release", public)
    assert (done.returncode, done.stderr) == (0, "")
    assert "wait for the next slots" in done.stdout
    folder = worker_folder(place.folders.spool, RELEASES)
    pads = [one for one in read_spool(folder) if isinstance(one, Entry)]
    assert len(pads) in {80 - 12, 120 - 12}  # of a minute more, where one went by
    assert {one.fields for one in pads} == {((Field.ACT, b"pad"),)}
    assert check_log(public, place.world.signer.verifier).findings == []
    assert "and stays" in place.run("release", public, "--leaves", "41").stderr


def test_one_release_at_a_time_and_only_where_the_key_is_bound(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public, config = tmp_path / "public", tmp_path / "doorward.toml"
    first = ("release", public, "--every", "60", "--leaves", "40")
    public.mkdir()
    held = os.open(public, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    done = place.run(*first)
    os.close(held)
    assert (done.returncode, "another `log release` runs" in done.stderr) == (2, True)
    assert list(public.iterdir()) == []
    asked: list[Path] = []

    def refuse(file: Path, _verifier: Verifier) -> None:
        asked.append(file)
        raise VerificationError("the key is bound to where it was")

    monkeypatch.setattr(log_release, "verify_bound", refuse)
    config.write_text(GOOD.replace('data = "data"', f'data = "{place.folders.data}"'), encoding="utf-8")
    done = invoke("log", *first, "--config", config)
    assert (done.returncode, "bound to where it was" in done.stderr) == (1, True), done
    assert asked == [place.folders.keys / BOUND]
    assert list(public.iterdir()) == []


def test_without_a_publisher_nothing_is_released(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = tmp_path / "public"
    public.mkdir()
    now = int(datetime.now(UTC).timestamp()) - 60  # noqa: TID251  # as above
    (public / "schedule").write_bytes(first_schedule(60, 500, now).format())
    monkeypatch.setattr(log_release, "WAIT_SECONDS", 0.0)
    for _ in range(2):  # a second slot's run records no second padding for what waits already
        assert "the publisher does not take in" in place.run("release", public).stderr
    kept = parse_schedule((public / "schedule").read_bytes())
    pads = [
        one
        for one in read_spool(worker_folder(place.folders.spool, RELEASES))
        if isinstance(one, Entry) and one.fields == PADDING
    ]
    asked = kept.size_at(int(datetime.now(UTC).timestamp()))  # noqa: TID251  # as above
    assert len(pads) in {asked - 12, asked - 512}, "a minute may have gone by"
    assert not (public / "checkpoint").exists()


def test_a_release_that_a_full_disk_stopped_anywhere_is_done_again_with_the_same_bytes(
    tmp_path: Path, world: World, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pad(world, 600)
    files, whole = LogFiles(world.log_dir), tmp_path / "whole"
    release(files, LogFiles(whole), signer, SCHEDULE, now=START + HOUR)
    release(files, LogFiles(whole), signer, SCHEDULE, now=START + 2 * HOUR)
    writes = []
    real = LogFiles.replace

    def replace(self: LogFiles, path: str, data: bytes, *, moment: int | None = None) -> None:
        writes.append(path)
        if len(writes) == stop:
            raise StoreError("no space left")
        real(self, path, data, moment=moment)

    monkeypatch.setattr(LogFiles, "replace", replace)
    stop, stops = 1, 0
    while True:
        public = LogFiles(tmp_path / f"stopped-{stop}")
        writes.clear()
        try:
            release(files, public, signer, SCHEDULE, now=START + HOUR)
            release(files, public, signer, SCHEDULE, now=START + 2 * HOUR)
        except StoreError:
            stops += 1
            for slot in (1, 2):
                if log_size_or_none(public, signer) != 600:
                    release(files, public, signer, SCHEDULE, now=START + slot * HOUR)
        assert seen(public.folder) == seen(whole)
        if len(writes) < stop:
            break
        stop += 1
    assert stops >= 10


def log_size_or_none(files: LogFiles, signer: Signer) -> int | None:
    return log_size(files, signer.verifier) if (files.folder / "checkpoint").exists() else None
