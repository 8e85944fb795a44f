"""The check of a whole record: nothing false is found where nothing is, and each change is found and named."""

import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from doorward.errors import StoreError
from doorward.notes.note import Signer
from doorward.record import report as report_module
from doorward.record.checkpoint import Checkpoint, format_checkpoint
from doorward.record.edge import RightEdge
from doorward.record.entry import Draft, Field, Kind
from doorward.record.fsck import check_log
from doorward.record.log_files import LogFiles
from doorward.record.openings import MemoryDisclosures, StoredBlock, Totals
from doorward.record.replay import leaf_of
from doorward.record.report import Finding, Report
from doorward.record.segments import list_segments
from doorward.record.spool import SpoolLimits
from doorward.record.tiles import TileId, parse_bundle
from record.samples import (
    NOW,
    World,
    completion,
    connect,
    conversation,
    fill,
    flip,
    log_files,
    open_spool,
    query,
    session_id,
)

SMALL = SpoolLimits(segment_bytes=4_000)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Three levels of tiles' worth of leaves, some still in the spool, some not published yet; never changed."""
    folder = tmp_path_factory.mktemp("built")
    world = World(folder, Signer.make("doorward.example/test", bytes(32)), MemoryDisclosures())
    fill(world.spool_dir, range(130), limits=SMALL)
    world.publish()
    fill(world.spool_dir, range(130, 133), limits=SMALL)
    world.publish()
    fill(world.spool_dir, range(133, 135), limits=SMALL)
    assert world.found() == []
    return world


@pytest.fixture
def copied(built: World, tmp_path: Path) -> World:
    shutil.copytree(built.folder, tmp_path / "copied")
    assert isinstance(built.disclosures, MemoryDisclosures)
    disclosures = MemoryDisclosures()
    disclosures.blocks = dict(built.disclosures.blocks)
    disclosures.entries = dict(built.disclosures.entries)
    return World(tmp_path / "copied", built.signer, disclosures)


def test_a_whole_record_holds_and_everything_is_counted(built: World) -> None:
    report = built.check()
    assert report.holds
    assert report.notes == report.not_checked == report.could_not_tell == []
    size = report.counts["tree size"]
    assert size == 133 * 4
    assert report.counts["leaves"] == report.counts["leaves opened"] == size
    assert report.counts["bundles"] == 3
    assert report.counts["tiles"] == 4
    assert report.counts["entries"] == 135 * 9
    assert report.counts["requests"] == report.counts["requests ended"] == 135 * 3
    assert report.counts["spool blocks"] > 8


def test_a_public_copy_alone_holds_and_what_is_not_there_is_said(built: World) -> None:
    report = check_log(built.log_dir, built.signer.verifier)
    assert report.holds
    assert len(report.not_checked) == 2


def test_a_new_log_holds(world: World) -> None:
    world.publish()
    report = world.check()
    assert report.holds
    assert report.counts["tree size"] == 0


def test_a_record_at_work_holds(world: World) -> None:
    spool = open_spool(world.spool_dir)
    spool.append([*conversation(session_id(1)), connect(session_id(2)), query(session_id(2), 1)], now=NOW)
    world.publish()
    report = world.check()
    assert report.findings == []
    assert report.notes == ["1 sessions and 1 requests have no end yet"]
    spool.close(now=NOW)


class TestOneFlippedByte:
    def test_in_any_file_of_the_log_is_found_and_its_file_named(self, copied: World) -> None:
        source = random.Random(3)  # noqa: S311  # places, not secrets
        for name, data in log_files(copied.log_dir).items():
            if name == "vkey":
                continue
            file = copied.log_dir / name
            places = {0, len(data) - 1, *(source.randrange(len(data)) for _ in range(25))}
            for at in sorted(places):
                flip(file, at, 1 << source.randrange(8))
                found = check_log(copied.log_dir, copied.signer.verifier).findings
                assert found, f"{name} at {at}"
                assert {finding.place.split(",")[0] for finding in found} == {name}, (at, found)
                file.write_bytes(data)

    def test_in_a_small_log_is_found_at_every_byte(self, world: World) -> None:
        fill(world.spool_dir, range(2))
        world.publish()
        for name, data in log_files(world.log_dir).items():
            if name == "vkey":
                continue
            for at in range(len(data)):
                flip(world.log_dir / name, at)
                found = check_log(world.log_dir, world.signer.verifier).findings
                assert {finding.place.split(",")[0] for finding in found} == {name}, (at, found)
                (world.log_dir / name).write_bytes(data)

    def test_in_the_spool_is_found_and_its_file_and_offset_named(self, copied: World) -> None:
        source = random.Random(4)  # noqa: S311  # places, not secrets
        for segment in list_segments(copied.spool_dir):
            data = segment.path.read_bytes()
            for at in sorted({0, len(data) - 1, *(source.randrange(len(data)) for _ in range(40))}):
                flip(segment.path, at, 1 << source.randrange(8))
                assert f"`{segment.path.name}` at offset" in copied.found()[0]
                segment.path.write_bytes(data)

    @pytest.mark.parametrize("part", ["kind", "time_us", "session", "request", "salt", "body"])
    def test_in_a_disclosed_entry_is_found_and_the_entry_named(self, copied: World, part: str) -> None:
        store = memory_of(copied)
        for sequence in (0, 2, 700, 1_100):
            entry = store.entries[sequence]
            value: Any = getattr(entry, part)
            changed: Any = value[:-1] + bytes([value[-1] ^ 1]) if isinstance(value, bytes) else value ^ 2
            store.entries[sequence] = replace(entry, **{part: changed})
            found = [line for line in copied.found() if f"entry {sequence}:" in line]
            assert any("its commitment is another" in line for line in found)
            store.entries[sequence] = entry

    @pytest.mark.parametrize(
        ("part", "message"),
        [
            ("salt", "leaf 5: entries 10 to 10 and the block's salt do not open it"),
            ("root", "leaf 5: the root stored beside it is another"),
        ],
    )
    def test_in_a_disclosed_block_is_found_and_the_leaf_named(
        self, copied: World, part: str, message: str
    ) -> None:
        store = memory_of(copied)
        value = getattr(store.blocks[5], part)
        store.blocks[5] = replace(store.blocks[5], **{part: bytes([value[0] ^ 1]) + value[1:]})
        (found,) = copied.found()
        assert found.startswith(message)

    def test_in_a_stored_commitment_or_leaf_index_is_found(self, copied: World) -> None:
        store = memory_of(copied)
        store.entries[3] = replace(store.entries[3], commitment=bytes(32))
        store.entries[4] = replace(store.entries[4], leaf_index=9)
        first, second = sorted(copied.found())
        assert first.startswith("entry 3: the commitment stored beside it is another")
        assert second.startswith("entry 4: it names another leaf: expected 2, got 9")


def memory_of(world: World) -> MemoryDisclosures:
    assert isinstance(world.disclosures, MemoryDisclosures)
    return world.disclosures


class TestDropped:
    def test_a_disclosed_entry(self, copied: World) -> None:
        del memory_of(copied).entries[4]
        found = copied.found()
        assert "leaf 2, entry 4: the entry is missing: expected 6 entries, got 5" in found
        assert any(line.startswith("leaf 2: entries 2 to 7") for line in found)

    def test_all_entries_of_a_block(self, copied: World) -> None:
        del memory_of(copied).entries[1]
        assert any(line.startswith("leaf 1, entry 1: the entry is missing") for line in copied.found())

    @pytest.mark.parametrize("leaf", [0, 7, 531])
    def test_a_disclosed_block(self, copied: World, leaf: int) -> None:
        del memory_of(copied).blocks[leaf]
        assert any(line.startswith(f"leaf {leaf}: nothing opens it") for line in copied.found())

    def test_a_row_that_claims_a_range_that_is_not_its_own(self, copied: World) -> None:
        store = memory_of(copied)
        store.blocks[5] = replace(store.blocks[5], first=9)
        assert any(line.startswith("leaf 5: its entries begin elsewhere") for line in copied.found())
        store.blocks[5] = replace(store.blocks[5], first=10, last=2**62)
        assert any(line.startswith("leaf 5, entry") for line in copied.found())
        store.blocks[5] = replace(store.blocks[5], first=10, last=4)
        assert any(line.startswith("leaf 5, entry 10: the entry is missing") for line in copied.found())

    def test_a_record_of_the_spool(self, copied: World) -> None:
        file = list_segments(copied.spool_dir)[-1].path
        data = file.read_bytes()
        length = int.from_bytes(data[:4], "big") + 8
        second = int.from_bytes(data[length : length + 4], "big") + 8
        file.write_bytes(data[:length] + data[length + second :])
        (found,) = copied.found()
        assert f"`{file.name}` at offset {length}" in found

    def test_the_end_of_the_spool_up_to_a_whole_record(self, copied: World) -> None:
        segments = list_segments(copied.spool_dir)
        for segment in segments[1:]:
            segment.path.unlink()
        first = segments[0].path
        length = int.from_bytes(first.read_bytes()[:4], "big") + 8
        first.write_bytes(first.read_bytes()[:length])
        assert any("spool: it ends before the log does" in line for line in copied.found())

    def test_the_whole_spool(self, copied: World) -> None:
        for segment in list_segments(copied.spool_dir):
            segment.path.unlink()
        assert copied.found() == ["spool: there is none, and the log has 532 leaves"]

    @pytest.mark.parametrize("name", ["tile/0/000", "tile/0/002.p/20", "tile/entries/001", "tile/1/000.p/2"])
    def test_a_file_of_the_log(self, copied: World, name: str) -> None:
        (copied.log_dir / name).unlink()
        found = check_log(copied.log_dir, copied.signer.verifier).findings
        assert found == [Finding(name, "the file is missing")]

    def test_both_files_of_a_tile(self, copied: World) -> None:
        for name in ("tile/0/001", "tile/entries/001"):
            (copied.log_dir / name).unlink()
        found = check_log(copied.log_dir, copied.signer.verifier).findings
        assert {finding.place for finding in found} == {"tile/0/001", "tile/entries/001"} | {
            "tile/0/001 and tile/entries/001"
        } or {"tile/0/001", "tile/entries/001"} <= {finding.place for finding in found}

    def test_both_files_at_the_edge(self, copied: World) -> None:
        for name in ("tile/0/002.p/20", "tile/entries/002.p/20"):
            (copied.log_dir / name).unlink()
        places = {finding.place for finding in check_log(copied.log_dir, copied.signer.verifier).findings}
        assert {"tile/0/002.p/20", "tile/entries/002.p/20"} <= places

    def test_the_checkpoint(self, copied: World) -> None:
        (copied.log_dir / "checkpoint").unlink()
        report = copied.check()
        assert report.findings == [Finding("checkpoint", "the file is missing")]
        assert report.not_checked == ["everything else: there is no checkpoint to compare it with"]

    def test_disclosures_from_the_end(self, copied: World) -> None:
        store = memory_of(copied)
        for leaf in range(500, 532):
            del store.blocks[leaf]
        assert any(
            line.startswith("leaf 500: nothing opens it, nor any up to leaf 531") for line in copied.found()
        )

    def test_a_disclosed_block_at_the_end_with_another_beyond(self, copied: World) -> None:
        store = memory_of(copied)
        store.blocks[999] = replace(store.blocks.pop(531), leaf_index=999)
        assert "leaf 531: nothing opens it" in copied.found()

    def test_a_bundle_and_the_disclosure_of_its_leaves(self, copied: World) -> None:
        (copied.log_dir / "tile/entries/001").write_bytes(b"\0")
        places = {finding.place for finding in copied.check().findings}
        assert places == {"tile/entries/001"}

    def test_a_tile_of_the_second_level(self, copied: World) -> None:
        (copied.log_dir / "tile/1/000.p/2").write_bytes(b"\0")
        places = {finding.place for finding in copied.check().findings}
        assert places == {"tile/1/000.p/2"}

    def test_the_head_of_the_only_segment(self, world: World) -> None:
        fill(world.spool_dir, [1])
        world.publish()
        file = list_segments(world.spool_dir)[0].path
        file.write_bytes(file.read_bytes()[:20])
        (found,) = [line for line in world.found() if not line.startswith("disclosures")]
        assert "at offset 0: 20 bytes at the end are no whole record" in found


def test_a_log_of_three_levels_holds_and_a_change_in_its_middle_is_named(tmp_path: Path) -> None:
    log_dir, signer = tmp_path / "log", Signer.make("doorward.example/test", bytes(32))
    files, edge = LogFiles(log_dir), RightEdge()
    for number in range(65_536 + 300):
        edge.append(b"\x01" + number.to_bytes(32, "big"))
    for tile, data in edge.take_tiles():
        (log_dir / tile.path).parent.mkdir(parents=True, exist_ok=True)
        (log_dir / tile.path).write_bytes(data)
    checkpoint = Checkpoint(signer.name, edge.size, edge.root())
    files.replace("checkpoint", format_checkpoint(checkpoint, signer))
    report = check_log(log_dir, signer.verifier)
    assert report.findings == []
    assert report.counts["tiles"] == 257 + 1 + 2 + 1
    for name in ("tile/2/000.p/1", "tile/1/000", "tile/0/100", "tile/entries/100"):
        flip(log_dir / name, 5)
        (finding,) = check_log(log_dir, signer.verifier).findings
        assert finding.place.startswith(f"{name}, ")
        flip(log_dir / name, 5)


class TestForged:
    def test_a_checkpoint_that_another_key_signed(self, copied: World) -> None:
        forger = Signer.make(copied.signer.name, b"f" * 32)
        checkpoint = Checkpoint(copied.signer.name, 532, bytes(32))
        (copied.log_dir / "checkpoint").write_bytes(format_checkpoint(checkpoint, forger))
        (found,) = copied.found()
        assert found.startswith("checkpoint: expected a signature of `doorward.example/test`")

    def test_a_checkpoint_that_the_right_key_signed_over_another_root(self, copied: World) -> None:
        checkpoint = Checkpoint(copied.signer.name, 532, bytes(32))
        (copied.log_dir / "checkpoint").write_bytes(format_checkpoint(checkpoint, copied.signer))
        (found,) = [line for line in copied.found() if line.startswith("checkpoint")]
        assert "the files do not come to its root at size 532" in found

    def test_a_leaf_replaced_in_its_bundle_and_tile(self, copied: World) -> None:
        rewrite_leaf(copied, 300, levels=1)
        found = check_log(copied.log_dir, copied.signer.verifier).findings
        assert [finding.place for finding in found] == ["tile/entries/001 and tile/0/001"]

    def test_a_leaf_replaced_in_all_tiles(self, copied: World) -> None:
        rewrite_leaf(copied, 300, levels=3)
        found = check_log(copied.log_dir, copied.signer.verifier).findings
        assert [finding.place for finding in found] == ["checkpoint"]

    def test_a_leaf_replaced_under_a_new_signature_is_opened_by_nothing(self, copied: World) -> None:
        root = rewrite_leaf(copied, 300, levels=3)
        checkpoint = Checkpoint(copied.signer.name, 532, root)
        (copied.log_dir / "checkpoint").write_bytes(format_checkpoint(checkpoint, copied.signer))
        (found,) = copied.found()
        assert found.startswith("leaf 300")

    def test_a_leaf_of_another_schema(self, copied: World) -> None:
        root = rewrite_leaf(copied, 300, levels=3, leaf=b"\x02" + bytes(32))
        checkpoint = Checkpoint(copied.signer.name, 532, root)
        (copied.log_dir / "checkpoint").write_bytes(format_checkpoint(checkpoint, copied.signer))
        assert copied.found() == [
            "leaf 300: it has a schema that this version does not know: expected 1, got 02"
        ]

    def test_two_bundles_and_tiles_that_fit_nothing(self, copied: World) -> None:
        flip(copied.log_dir / "tile/0/000", 40)
        flip(copied.log_dir / "tile/entries/000", 41)
        flip(copied.log_dir / "tile/0/002.p/20", 40)
        flip(copied.log_dir / "tile/entries/002.p/20", 41)
        places = {finding.place for finding in check_log(copied.log_dir, copied.signer.verifier).findings}
        assert any(place.startswith("tile/entries/000 and tile/0/000, entry 1") for place in places)
        assert any(place.startswith("tile/entries/002.p/20 and tile/0/002.p/20, entry 1") for place in places)

    def test_a_spool_that_gives_other_leaves(self, copied: World) -> None:
        other = World(copied.folder / "other", copied.signer, MemoryDisclosures())
        spool = open_spool(other.spool_dir, seed=77)
        spool.append([draft for number in range(140) for draft in conversation(session_id(number))], now=NOW)
        spool.close(now=NOW)
        report = check_log(copied.log_dir, copied.signer.verifier, other.spool_dir, copied.disclosures)
        assert str(report.findings[0]).startswith("spool, entries 0 to 0: they do not give leaf 0 of the log")

    def test_disclosures_that_were_never_recorded(self, copied: World) -> None:
        store = memory_of(copied)
        entry = store.entries[0]
        store.entries[10**6] = replace(entry, sequence=10**6)
        store.entries[-5] = replace(entry, sequence=-5)
        store.blocks[10**6] = replace(store.blocks[0], leaf_index=10**6)
        assert copied.found() == [
            "disclosures: they open leaf 1000000, which was never recorded",
            "disclosures: they have an entry -5",
            "disclosures: they have an entry 1000000, which was never recorded",
        ]

    def test_a_disclosed_row_that_is_no_entry(self, copied: World) -> None:
        store = memory_of(copied)
        store.entries[10] = replace(store.entries[10], body=b"\xff")
        assert any(line.startswith("entry 10: a field's header is cut short") for line in copied.found())


def rewrite_leaf(world: World, leaf_index: int, *, levels: int, leaf: bytes = b"\x01" + bytes(32)) -> bytes:
    """Replace a leaf in its bundle and so many levels of tiles, and return the root that this gives."""
    edge = RightEdge()
    files = LogFiles(world.log_dir)
    size = 532
    for index in range(3):
        width = min(256, size - index * 256)
        raw = files.read_tile(TileId(None, index, width))
        assert raw is not None
        for at, entry in enumerate(parse_bundle(raw, width)):
            edge.append(leaf if index * 256 + at == leaf_index else entry)
    for tile, data in edge.take_tiles():
        if tile.level is None or tile.level < levels:
            (world.log_dir / tile.path).write_bytes(data)
    return edge.root()


class TestOtherFiles:
    def test_a_file_that_no_log_has_is_named(self, copied: World) -> None:
        (copied.log_dir / "tile/0/readme.txt").write_text("hello")
        assert copied.found() == ["tile/0/readme.txt: no file of a log has this name"]

    def test_partial_tiles_of_earlier_sizes_are_welcome_and_checked(self, copied: World) -> None:
        tile = (copied.log_dir / "tile/0/001").read_bytes()
        partial = copied.log_dir / "tile/0/001.p/7"
        partial.parent.mkdir()
        partial.write_bytes(tile[: 7 * 32])
        assert copied.found() == []
        partial.write_bytes(tile[: 6 * 32] + bytes(32))
        assert copied.found() == ["tile/0/001.p/7: it does not agree with tile/0/001"]
        partial.write_bytes(tile[: 6 * 32])
        (found,) = copied.found()
        assert found.startswith("tile/0/001.p/7: ")

    def test_leaves_beyond_the_checkpoint_are_said_and_must_agree(self, copied: World) -> None:
        bundle = (copied.log_dir / "tile/entries/002.p/20").read_bytes()
        beyond = copied.log_dir / "tile/entries/002.p/21"
        beyond.write_bytes(bundle + b"\0\1x")
        (copied.log_dir / "tile/0/003.p").mkdir()
        (copied.log_dir / "tile/0/003.p/1").write_bytes(bytes(32))
        report = copied.check()
        assert report.findings == []
        assert report.notes == [
            "2 files hold leaves beyond the checkpoint: a publisher was stopped before it signed"
        ]
        beyond.write_bytes(b"\0\1x" + bundle)
        assert copied.found() == ["tile/entries/002.p/21: it does not agree with tile/entries/002.p/20"]

    def test_a_full_tile_that_stands_for_a_partial_one_will_do(self, copied: World) -> None:
        # What a publisher leaves that was stopped before it signed, with its partial tiles gone.
        partial = copied.log_dir / "tile/0/002.p/20"
        (copied.log_dir / "tile/0/002").write_bytes(partial.read_bytes() + bytes(32 * 236))
        partial.unlink()
        assert copied.found() == []
        (copied.log_dir / "tile/0/002").write_bytes(b"short")
        places = {finding.place for finding in copied.check().findings}
        assert "tile/0/002.p/20" in places


class TestCannotTell:
    def test_disclosures_that_cannot_be_reached(self, built: World) -> None:
        class Down(MemoryDisclosures):
            def read(self, first_leaf: int, max_blocks: int) -> list[StoredBlock]:  # noqa: ARG002  # a protocol's
                raise StoreError("the disclosures' server: it cannot be reached")

        report = check_log(built.log_dir, built.signer.verifier, built.spool_dir, Down())
        assert report.findings == []
        assert report.could_not_tell == ["disclosures: the disclosures' server: it cannot be reached"]

    def test_disclosures_that_are_lost_in_the_middle(self, built: World) -> None:
        class Lost(MemoryDisclosures):
            def totals(self) -> Totals:
                raise StoreError("the disclosures' server: it cannot be reached")

        lost = Lost()
        assert isinstance(built.disclosures, MemoryDisclosures)
        lost.blocks, lost.entries = built.disclosures.blocks, built.disclosures.entries
        report = check_log(built.log_dir, built.signer.verifier, built.spool_dir, lost)
        assert report.findings == []
        assert len(report.could_not_tell) == 1

    def test_a_spool_folder_that_is_missing(self, built: World, tmp_path: Path) -> None:
        report = check_log(built.log_dir, built.signer.verifier, tmp_path / "missing", built.disclosures)
        assert report.findings == []
        assert len(report.could_not_tell) == 1

    def test_a_file_that_cannot_be_read(self, copied: World) -> None:
        (copied.log_dir / "tile/0/000").unlink()
        (copied.log_dir / "tile/0/000").mkdir()
        report = check_log(copied.log_dir, copied.signer.verifier)
        assert report.could_not_tell == ["`tile/0/000` of the log cannot be read: Is a directory"]

    def test_a_file_that_is_too_large_to_be_one(self, copied: World) -> None:
        (copied.log_dir / "checkpoint").write_bytes(bytes(200_000))
        report = check_log(copied.log_dir, copied.signer.verifier)
        assert report.could_not_tell == ["`checkpoint` of the log has more than 131072 bytes"]


def without_its_last_byte(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def test_a_torn_end_is_false_unless_somebody_is_writing(copied: World) -> None:
    file = list_segments(copied.spool_dir)[-1].path
    without_its_last_byte(file)
    (found,) = copied.found()
    assert "are no whole record" in found
    (copied.spool_dir / "writer.lock").unlink()
    assert len(copied.found()) == 1
    with (copied.spool_dir / "writer.lock").open("w") as lock:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX)
        assert copied.found() == []


@pytest.mark.parametrize(
    ("drafts", "message"),
    [
        (
            [connect(session_id(1)), query(session_id(1), 1), Draft(Kind.END, session_id(1), 0, ())],
            "the session ends and its request 1 has no completion",
        ),
        (
            [Draft(Kind.COMPLETION, session_id(1), 4, ((Field.LAST, b"1"),))],
            "it ends a request that was not recorded",
        ),
    ],
)
@pytest.mark.parametrize("published", [True, False])
def test_requests_and_completions_that_do_not_balance_are_named(
    world: World, drafts: list[Draft], message: str, *, published: bool
) -> None:
    world.publish()
    spool = open_spool(world.spool_dir)
    spool.append(drafts, now=NOW)
    spool.close(now=NOW)
    if published:
        world.publish()
    (found,) = world.found()
    assert message in found


def test_a_spool_without_disclosures_balances_from_what_was_open_before(world: World) -> None:
    spool = open_spool(world.spool_dir, limits=SpoolLimits(segment_bytes=200))
    one = session_id(1)
    spool.append([connect(one), query(one, 1)], now=NOW)
    spool.append([query(one, 2)], now=NOW)
    world.publish()
    spool.append([completion(one, 1), completion(one, 2), *conversation(session_id(2))], now=NOW)
    spool.close(now=NOW)
    report = check_log(world.log_dir, world.signer.verifier, world.spool_dir)
    assert [str(finding) for finding in report.findings] == []


def test_an_old_copy_of_the_log_behind_the_spool_is_found(copied: World, tmp_path: Path) -> None:
    fresh = World(tmp_path / "fresh", copied.signer, MemoryDisclosures())
    fresh.publish()
    report = check_log(fresh.log_dir, copied.signer.verifier, copied.spool_dir)
    assert any("it begins behind the log's end" in str(finding) for finding in report.findings)


@pytest.mark.parametrize("limits", [SpoolLimits(), SMALL], ids=["in one segment", "in a later segment"])
def test_a_spool_that_does_not_go_on_behind_the_disclosures_is_found(
    world: World, limits: SpoolLimits
) -> None:
    fill(world.spool_dir, range(20), limits=limits)
    world.publish()
    fill(world.spool_dir, range(20, 40), limits=limits)
    store = memory_of(world)
    store.blocks[79] = replace(store.blocks[79], last=store.blocks[79].last + 1)
    assert any("spool: it does not go on where the log ends" in line for line in world.found())


def test_a_spool_that_begins_elsewhere_than_the_disclosures_end_is_found(world: World) -> None:
    spool = open_spool(world.spool_dir, limits=SpoolLimits(segment_bytes=1))
    for number in range(3):
        spool.append(conversation(session_id(number)), now=NOW)
    spool.close(now=NOW)
    store = memory_of(world)
    world.publish()
    last = len(store.blocks) - 1
    first_left = list_segments(world.spool_dir)[-1].first
    published = World(world.folder / "earlier", world.signer, MemoryDisclosures())
    shutil.copytree(world.spool_dir, published.spool_dir)
    edge = RightEdge()
    for leaf in range(last - 3):
        edge.append(leaf_of(store.blocks[leaf].salt, store.blocks[leaf].root))
    for tile, data in edge.take_tiles():
        LogFiles(published.log_dir).replace(tile.path, data)
    checkpoint = Checkpoint(world.signer.name, edge.size, edge.root())
    LogFiles(published.log_dir).replace("checkpoint", format_checkpoint(checkpoint, world.signer))
    published.disclosures = store
    for leaf in range(edge.size, last + 1):
        store.blocks.pop(leaf, None)
    assert published.found() == []
    tail = store.blocks[edge.size - 1]
    store.blocks[edge.size - 1] = replace(tail, last=tail.last + 1)
    assert f"expected {first_left + 1}, got {first_left}" in published.found()[-1]


def test_findings_are_bounded_and_the_rest_is_counted(
    copied: World, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[World], None]
) -> None:
    spoil(copied)
    monkeypatch.setattr(report_module, "MAX_FINDINGS", 2)
    report = copied.check()
    assert len(report.findings) == 2
    assert report.is_full
    assert report.as_json()["findings_left_out"] == report.left_out


@pytest.fixture(params=["files", "entries", "leaves"])
def spoil(request: pytest.FixtureRequest) -> Callable[[World], None]:
    def files(world: World) -> None:
        for name in ("tile/0/000", "tile/0/001", "tile/entries/000", "tile/entries/001"):
            (world.log_dir / name).write_bytes(b"x")

    def entries(world: World) -> None:
        store = memory_of(world)
        for sequence, entry in store.entries.items():
            store.entries[sequence] = replace(entry, salt=bytes(16))

    def leaves(world: World) -> None:
        memory_of(world).blocks.clear()
        flip(world.log_dir / "tile/1/000.p/2", 3)
        flip(world.log_dir / "tile/0/000", 3)

    chosen: Callable[[World], None] = {"files": files, "entries": entries, "leaves": leaves}[request.param]
    return chosen


def test_a_report_is_readable_by_machines() -> None:
    report = Report()
    report.find("tile/0/000, hash 3", "it is false", "a", "b")
    report.count("leaves", 5)
    report.notes.append("a note")
    assert report.as_json() == {
        "holds": False,
        "findings": [{"place": "tile/0/000, hash 3", "what": "it is false", "expected": "a", "got": "b"}],
        "findings_left_out": 0,
        "counts": {"leaves": 5},
        "notes": ["a note"],
        "not_checked": [],
        "could_not_tell": [],
    }
    assert str(report.findings[0]) == "tile/0/000, hash 3: it is false: expected a, got b"
