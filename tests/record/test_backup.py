"""A record is copied while it is at work, and the copy is one that a crash could have left."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.errors import LogError, MalformedError, VerificationError
from doorward.notes.note import Signer
from doorward.record.backup import (
    HELD,
    CopiedSpool,
    check_copy,
    check_newest,
    copy_log,
    copy_spool,
    hold_spool,
    release,
)
from doorward.record.checkpoint import Checkpoint, format_checkpoint
from doorward.record.entry import NO_SESSION, Draft, Field, Kind
from doorward.record.fsck import check_log
from doorward.record.log import Publisher
from doorward.record.openings import MemoryDisclosures
from doorward.record.places import PLACES, LeafPlaces
from doorward.record.segments import Torn
from doorward.record.spool import Spool, SpoolLimits
from doorward.record.workers import worker_folder
from verifier.logs import leaf, log_of, make_log

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SMALL = SpoolLimits(segment_bytes=2000)
SIGNER = Signer.make("doorward.example/test", bytes(32))


class Record:
    """A spool, a publisher and disclosures at work in a folder."""

    def __init__(self, folder: Path, workers: int = 1) -> None:
        self.spool_dir, self.log_dir = folder / "spool", folder / "log"
        self.spools = [
            Spool.open(worker_folder(self.spool_dir, worker), now=NOW, limits=SMALL, worker=worker)
            for worker in range(workers)
        ]
        self.disclosures = MemoryDisclosures()
        self.publisher = Publisher.open(self.log_dir, self.spool_dir, SIGNER, self.disclosures)
        self.count = 0

    def write(self, entries: int) -> None:
        for _ in range(entries):
            self.count += 1
            draft = Draft(Kind.RECOVERY, NO_SESSION, 0, ((Field.REASON, b"%d" % self.count),))
            spool = self.spools[self.count % len(self.spools)]
            spool.append([draft], now=NOW + timedelta(seconds=self.count))

    def publish(self) -> None:
        while self.publisher.publish_once():
            pass

    def end(self) -> None:
        self.publisher.close()
        for spool in self.spools:
            spool.close(now=NOW)


def copied(record: Record, to: Path, between: tuple[int, int]) -> tuple[Checkpoint, MemoryDisclosures]:
    """Copy as `doorward backup` does, with so much going on between its steps."""
    with hold_spool(record.spool_dir):
        checkpoint = copy_log(record.log_dir, to / "log")
        record.write(between[0])
        record.publish()
        disclosures = MemoryDisclosures()
        disclosures.blocks, disclosures.entries = (
            dict(record.disclosures.blocks),
            dict(record.disclosures.entries),
        )
        record.write(between[1])
        record.publish()
        spool = copy_spool(record.spool_dir, to / "spool", checkpoint.tree_size)
    check_copy(checkpoint, spool, disclosures.totals().last_leaf)
    return checkpoint, disclosures


@settings(max_examples=8, deadline=None)  # each waits for the disk some hundred times
@given(
    workers=st.sampled_from([1, 1, 3]),
    before=st.integers(0, 300),
    waiting=st.integers(0, 30),
    between=st.tuples(st.integers(0, 300), st.integers(0, 40)),
)
def test_a_copy_is_gone_on_with_whatever_went_on_meanwhile(
    tmp_path_factory: pytest.TempPathFactory,
    workers: int,
    before: int,
    waiting: int,
    between: tuple[int, int],
) -> None:
    folder = tmp_path_factory.mktemp("record")
    record = Record(folder, workers)
    record.write(before)
    record.publish()
    record.write(waiting)
    to = folder / "copy"
    to.mkdir()
    checkpoint, disclosures = copied(record, to, between)
    assert checkpoint.tree_size == before
    record.end()

    with pytest.raises(VerificationError) if before else nothing():
        Publisher.open(to / "log", to / "spool", SIGNER, disclosures).close()
    assert check_newest(to / "log", (to / "log" / HELD).read_bytes()) == checkpoint
    release(to / "log")
    report = check_log(to / "log", SIGNER.verifier, to / "spool", disclosures)
    assert (report.findings, report.could_not_tell) == ([], [])
    publisher = Publisher.open(to / "log", to / "spool", SIGNER, disclosures)
    while publisher.publish_once():
        pass
    assert publisher.tree_size == before + waiting + sum(between)
    publisher.close()
    assert (to / "log" / "checkpoint").read_bytes() == (record.log_dir / "checkpoint").read_bytes()
    shutil.rmtree(folder)


class nothing:  # noqa: N801  # stands where `pytest.raises` does
    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        return


def test_without_the_hold_a_gap_is_seen(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.write(50)
    record.publish()
    checkpoint = copy_log(record.log_dir, tmp_path / "copy" / "log")
    record.write(200)
    record.publish()  # removes segments that the copied log does not have
    spool = copy_spool(record.spool_dir, tmp_path / "copy" / "spool", checkpoint.tree_size)
    record.end()
    with pytest.raises(VerificationError, match="the log ends at leaf 50, and the spool goes from"):
        check_copy(checkpoint, spool, 249)


@pytest.mark.parametrize("last_opened", [None, 8, 10, 99])
def test_disclosures_of_another_moment_are_seen(tmp_path: Path, last_opened: int | None) -> None:
    spool = CopiedSpool({0: (0, 10)}, LeafPlaces.load(tmp_path, 10))
    with pytest.raises(VerificationError, match="the disclosures open leaves up to"):
        check_copy(Checkpoint("a", 10, bytes(32)), spool, last_opened)


def test_a_record_of_nothing_is_copied(tmp_path: Path) -> None:
    record = Record(tmp_path)
    (tmp_path / "copy").mkdir()
    checkpoint, _ = copied(record, tmp_path / "copy", (0, 0))
    record.end()
    assert checkpoint.tree_size == 0


def test_a_torn_end_is_not_copied_and_the_copy_says_so(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.write(3)
    record.publish()
    record.end()
    (segment,) = record.spool_dir.glob("seg-*")
    whole = segment.read_bytes()
    assert copy_spool(record.spool_dir, tmp_path / "whole", 3).cut == ()
    segment.write_bytes(whole + b"\x00\x00\x00\x05\x01")
    copy = copy_spool(record.spool_dir, tmp_path / "copied", 3)
    assert copy.reach == {0: (0, 3)}
    assert copy.cut == (Torn(segment.name, len(whole), 5),)
    assert (tmp_path / "copied" / segment.name).read_bytes() == whole


def test_blocks_that_were_allocated_before_are_no_torn_end(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    spool = Spool.open(tmp_path / "spool", now=NOW, durable=frozenset({Kind.RECOVERY}))
    spool.append([Draft(Kind.RECOVERY, NO_SESSION, 0, ((Field.REASON, b"once"),))], now=NOW)
    copy = copy_spool(tmp_path / "spool", tmp_path / "copied", 0)
    assert (copy.reach, copy.cut) == ({0: (0, 1)}, ())
    (copied,) = (tmp_path / "copied").glob("seg-*")
    assert 0 < copied.stat().st_size < 1000
    spool.close(now=NOW)


def test_damage_in_the_middle_of_a_last_segment_is_refused_and_not_cut(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.write(9)
    (segment,) = record.spool_dir.glob("seg-*")
    raw = bytearray(segment.read_bytes())
    raw[len(raw) // 2] ^= 1
    segment.write_bytes(raw)
    with pytest.raises(
        MalformedError, match=f"`{segment.name}` at offset [1-9][0-9]*: expected a whole record"
    ):
        copy_spool(record.spool_dir, tmp_path / "copied", 0)


def test_damage_in_the_middle_of_the_places_is_refused_and_not_cut(tmp_path: Path) -> None:
    record = Record(tmp_path, 2)
    for _ in range(4):
        record.write(4)
        record.publish()
    record.end()
    places = record.spool_dir / PLACES
    raw = places.read_bytes()
    places.write_bytes(raw + b"\x00\x00")
    assert copy_spool(record.spool_dir, tmp_path / "torn", 16).places.end == 16
    places.write_bytes(raw[:50] + bytes([raw[50] ^ 1]) + raw[51:])
    with pytest.raises(MalformedError, match="`places` of the spool at offset"):
        copy_spool(record.spool_dir, tmp_path / "copied", 16)


def test_what_was_published_later_or_otherwise_is_refused(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.write(300)
    record.publish()
    early = (record.log_dir / "checkpoint").read_bytes()
    record.write(70)
    record.publish()
    held = copy_log(record.log_dir, tmp_path / "copy")
    record.write(1)
    record.publish()
    later = (record.log_dir / "checkpoint").read_bytes()
    record.end()
    assert check_newest(tmp_path / "copy", early) == held
    with pytest.raises(VerificationError, match="371 leaves were published, and this copy has 370"):
        check_newest(tmp_path / "copy", later)
    for size in (1, 256, 300, 370):
        forked = format_checkpoint(Checkpoint(SIGNER.name, size, b"\x01" * 32), SIGNER)
        with pytest.raises(VerificationError, match="is not a beginning of this copy"):
            check_newest(tmp_path / "copy", forked)
    stranger = Signer.make("doorward.example/test", b"\x01" * 32)
    with pytest.raises(LogError):
        check_newest(tmp_path / "copy", format_checkpoint(Checkpoint(stranger.name, 1, bytes(32)), stranger))


def test_a_log_whose_files_do_not_come_to_its_checkpoint_is_not_copied(tmp_path: Path) -> None:
    log = log_of(700)
    for path in ("tile/0/001", "tile/1/000.p/2", "tile/entries/001", "tile/entries/002.p/188"):
        folder = log.write(tmp_path / "log")
        (folder / path).write_bytes(log_of(700, salt=b"x").files[path])
        with pytest.raises(VerificationError, match="of the log"):
            copy_log(folder, tmp_path / path.replace("/", "-"))
        assert not (tmp_path / path.replace("/", "-") / HELD).exists()


def test_tiles_of_a_fork_do_not_make_it_a_beginning_of_the_copy(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy_log(log_of(700).write(tmp_path / "log"), copy)
    forked = [make_log([leaf(at, b"x" if at > 255 else b"") for at in range(size)]) for size in (300, 700)]
    (copy / "tile/0/001").write_bytes(forked[1].files["tile/0/001"])
    with pytest.raises(VerificationError):
        check_newest(copy, forked[0].files["checkpoint"])


@given(st.binary(max_size=200))
def test_any_bytes_are_the_newest_checkpoint_or_refused(raw: bytes) -> None:
    with pytest.raises(LogError):
        check_newest(Path("/nonexistent"), raw)
