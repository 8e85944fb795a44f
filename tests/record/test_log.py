"""The publisher: the same leaves whatever happens, and nothing signed that does not agree."""

import os
import shutil
import signal
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.errors import LogError, MalformedError, StoreError, UnsyncedError, VerificationError
from doorward.notes.note import Signer, parse_verifier_key
from doorward.record import log as log_module
from doorward.record.check_spool import hold_segments
from doorward.record.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint, verify_checkpoint
from doorward.record.disclosures import PostgresDisclosures
from doorward.record.entry import LEAF_BYTES
from doorward.record.hashes import EMPTY_ROOT, hash_leaf
from doorward.record.log_files import LogFiles
from doorward.record.openings import MemoryDisclosures, StoredBlock
from doorward.record.replay import leaf_of
from doorward.record.segments import list_segments
from doorward.record.spool import SpoolLimits
from doorward.record.tiles import TileId, parse_bundle
from doorward.record.tree import root_of
from record.samples import (
    NOW,
    World,
    blocks_of,
    connect,
    conversation,
    fill,
    flip,
    log_files,
    open_spool,
    query,
    session_id,
)

SMALL = SpoolLimits(segment_bytes=3_000)


def checkpoint_of(world: World) -> Checkpoint:
    raw = (world.log_dir / "checkpoint").read_bytes()
    return verify_checkpoint(parse_checkpoint(raw), world.signer.verifier)


def leaves_of(world: World) -> list[bytes]:
    files, size = LogFiles(world.log_dir), checkpoint_of(world).tree_size
    leaves: list[bytes] = []
    while len(leaves) < size:
        width = min(256, size - len(leaves))
        raw = files.read_tile(TileId(None, len(leaves) // 256, width))
        assert raw is not None
        leaves += parse_bundle(raw, width)
    return leaves


def test_a_new_log_is_empty_signed_and_says_its_key(world: World) -> None:
    with closing(world.publisher()) as publisher:
        assert publisher.tree_size == 0
    assert checkpoint_of(world) == Checkpoint(world.signer.name, 0, EMPTY_ROOT)
    vkey = (world.log_dir / "vkey").read_text().strip()
    assert parse_verifier_key(vkey) == world.signer.verifier


def test_every_closed_block_becomes_its_leaf(world: World) -> None:
    fill(world.spool_dir, range(60))
    blocks = blocks_of(world.spool_dir)
    assert world.publish() == len(blocks) > 200
    leaves = leaves_of(world)
    assert leaves == [leaf_of(block.salt, block.root()) for block in blocks]
    assert {len(leaf) for leaf in leaves} == {LEAF_BYTES}
    assert checkpoint_of(world).root == root_of([hash_leaf(leaf) for leaf in leaves])
    assert world.found() == []


def test_an_open_block_waits(world: World) -> None:
    spool = open_spool(world.spool_dir)
    spool.append([connect(session_id(1)), query(session_id(1), 1)], now=NOW)
    assert world.publish() == 1
    spool.close(now=NOW)
    assert world.publish() == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(passes=st.lists(st.integers(0, 4), max_size=8), pass_blocks=st.integers(1, 40))
def test_however_it_is_cut_into_passes_the_log_is_the_same(
    passes: Sequence[int], pass_blocks: int, tmp_path_factory: pytest.TempPathFactory, signer: Signer
) -> None:
    folder = tmp_path_factory.mktemp("passes")
    pieces = World(folder / "pieces", signer, MemoryDisclosures())
    at_once = World(folder / "once", signer, MemoryDisclosures())
    spool = open_spool(pieces.spool_dir, limits=SMALL)
    with closing(pieces.publisher()) as publisher, pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_module, "MAX_PASS_BLOCKS", pass_blocks)
        for number, sessions in enumerate(passes):
            for session in range(sessions):
                spool.append(conversation(session_id(100 * number + session), 30), now=NOW)
            publisher.publish_once()
        spool.close(now=NOW)
        while publisher.publish_once():
            pass
    again = open_spool(at_once.spool_dir, limits=SMALL)
    for number, sessions in enumerate(passes):
        for session in range(sessions):
            again.append(conversation(session_id(100 * number + session), 30), now=NOW)
    again.close(now=NOW)
    at_once.publish()
    assert leaves_of(pieces) == leaves_of(at_once)
    assert checkpoint_of(pieces) == checkpoint_of(at_once)
    assert pieces.found() == at_once.found() == []
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("bound", "value"), [("MAX_PASS_BLOCKS", 1), ("MAX_PASS_ENTRIES", 1), ("MAX_PASS_BYTES", 1)]
)
def test_a_pass_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch, bound: str, value: int) -> None:
    fill(world.spool_dir, [1])
    monkeypatch.setattr(log_module, bound, value)
    with closing(world.publisher()) as publisher:
        assert [publisher.publish_once() for _ in range(5)] == [1, 1, 1, 1, 0]


def test_covered_segments_are_removed_and_the_one_being_written_stays(world: World) -> None:
    fill(world.spool_dir, range(30), limits=SMALL)
    before = list_segments(world.spool_dir)
    assert len(before) > 3
    world.publish()
    assert list_segments(world.spool_dir) == before[-1:]
    fill(world.spool_dir, range(30, 60), limits=SMALL)
    world.publish()
    assert len(list_segments(world.spool_dir)) == 1
    assert world.found() == []


def test_segments_stay_while_somebody_reads_them(world: World) -> None:
    fill(world.spool_dir, range(10), limits=SMALL)
    before = list_segments(world.spool_dir)
    with closing(world.publisher()) as publisher:
        (world.spool_dir / "readers.lock").touch()
        with hold_segments(world.spool_dir):
            publisher.publish_once()
            assert list_segments(world.spool_dir) == before
        publisher.publish_once()
    assert list_segments(world.spool_dir) == before[-1:]


def test_partial_tiles_go_when_the_full_one_is_published(world: World) -> None:
    for number in range(70):
        spool = open_spool(world.spool_dir, seed=number)
        spool.append(conversation(session_id(number)), now=NOW)
        spool.close(now=NOW)
        world.publish()
    names = set(log_files(world.log_dir))
    assert "tile/0/000" in names
    assert "tile/entries/000" in names
    assert not [name for name in names if name.startswith(("tile/0/000.p", "tile/entries/000.p"))]
    assert world.found() == []


class TestRefusals:
    def test_one_publisher_at_a_time(self, world: World) -> None:
        with closing(world.publisher()), pytest.raises(StoreError, match="another publisher runs"):
            world.publisher()
        again = world.publisher()
        again.close()
        again.close()

    def test_another_keys_log_is_not_signed(self, world: World) -> None:
        world.publish()
        before = log_files(world.log_dir)
        world.signer = Signer.make(world.signer.name, bytes(32))
        with pytest.raises(VerificationError, match="not one of this key"):
            world.publisher()
        world.signer = Signer.make("doorward.example/other", bytes(32))
        with pytest.raises(VerificationError, match="not one of this key"):
            world.publisher()
        assert log_files(world.log_dir) == before

    def test_a_half_made_log_of_another_key_is_not_taken_over(self, world: World) -> None:
        world.publish()
        (world.log_dir / "checkpoint").unlink()
        world.signer = Signer.make(world.signer.name, bytes(32))
        with pytest.raises(VerificationError, match="`vkey` of the log is there with other bytes"):
            world.publisher()

    def test_a_log_with_tiles_and_no_checkpoint_is_not_signed(self, world: World) -> None:
        fill(world.spool_dir, [1])
        world.publish()
        (world.log_dir / "checkpoint").unlink()
        with pytest.raises(VerificationError, match="has tiles and no checkpoint"):
            world.publisher()

    def test_a_checkpoint_that_vanishes_is_not_replaced(self, world: World) -> None:
        fill(world.spool_dir, [1])
        with closing(world.publisher()) as publisher:
            publisher.publish_once()
            publisher._progress = None  # as after a failure
            (world.log_dir / "checkpoint").unlink()
            with pytest.raises(VerificationError, match="has lost its checkpoint"):
                publisher.publish_once()

    def test_tiles_that_do_not_come_to_the_root_are_not_added_to(self, world: World) -> None:
        fill(world.spool_dir, [1])
        world.publish()
        flip(next((world.log_dir / "tile/0").rglob("000.p/*")), 0)
        with pytest.raises(VerificationError, match="the log's tiles have the root"):
            world.publisher()

    def test_a_missing_tile_is_named(self, world: World) -> None:
        fill(world.spool_dir, [1])
        world.publish()
        next((world.log_dir / "tile/0").rglob("000.p/*")).unlink()
        with pytest.raises(VerificationError, match=r"`tile/0/000\.p/4` of the log is missing"):
            world.publisher()

    def test_a_tile_that_is_there_with_other_bytes_stays_and_nothing_is_signed(self, world: World) -> None:
        fill(world.spool_dir, [1])
        world.publish()
        before = checkpoint_of(world)
        fill(world.spool_dir, [2])
        intruder = world.log_dir / "tile/entries/000.p/8"
        intruder.write_bytes(b"other")
        with pytest.raises(VerificationError, match="is there with other bytes"):
            world.publish()
        assert intruder.read_bytes() == b"other"
        assert checkpoint_of(world) == before

    def test_an_older_copy_of_the_log_behind_a_gap_is_not_signed_on(self, world: World) -> None:
        fill(world.spool_dir, range(5), limits=SMALL)
        world.publish()
        shutil.copytree(world.log_dir, world.folder / "older")
        fill(world.spool_dir, range(5, 30), limits=SMALL)
        world.publish()
        shutil.rmtree(world.log_dir)
        (world.folder / "older").rename(world.log_dir)
        before = checkpoint_of(world)
        fill(world.spool_dir, [31], limits=SMALL)
        with pytest.raises(VerificationError, match="the log waits for leaf"):
            world.publish()
        assert checkpoint_of(world) == before

    def test_an_older_copy_of_the_log_gets_the_same_leaves_again_while_the_spool_has_them(
        self, world: World
    ) -> None:
        fill(world.spool_dir, [1])
        world.publish()
        shutil.copytree(world.log_dir, world.folder / "older")
        fill(world.spool_dir, [2])
        world.publish()
        newer = log_files(world.log_dir)
        shutil.rmtree(world.log_dir)
        (world.folder / "older").rename(world.log_dir)
        world.publish()
        assert log_files(world.log_dir) == newer

    def test_a_lost_spool_is_not_signed_on(self, world: World) -> None:
        fill(world.spool_dir, [1])
        world.publish()
        shutil.rmtree(world.spool_dir)
        with pytest.raises(VerificationError, match="the spool ends before leaf 0"):
            world.publish()

    def test_another_spool_is_not_signed_on(self, world: World) -> None:
        fill(world.spool_dir, [1])
        world.publish()
        before = checkpoint_of(world)
        shutil.rmtree(world.spool_dir)
        spool = open_spool(world.spool_dir, seed=99)
        spool.append(conversation(session_id(1), 10), now=NOW)
        spool.close(now=NOW)
        with pytest.raises(VerificationError, match="leaf 0 of the log is not the one that the spool gives"):
            world.publish()
        assert checkpoint_of(world) == before

    def test_disclosures_that_differ_are_not_signed_on(self, world: World) -> None:
        other = World(world.folder / "other", world.signer, world.disclosures)
        fill(other.spool_dir, [7])
        other.publish()
        fill(world.spool_dir, [1])
        with pytest.raises(VerificationError, match="the disclosures have another"):
            world.publish()
        assert checkpoint_of(world).tree_size == 0

    def test_a_damaged_spool_is_named_and_not_signed_on(self, world: World) -> None:
        fill(world.spool_dir, [1])
        flip(list_segments(world.spool_dir)[0].path, 100)
        with pytest.raises(MalformedError, match="at offset"):
            world.publish()
        assert checkpoint_of(world).tree_size == 0

    def test_a_folder_that_cannot_be_made_is_said(self, world: World) -> None:
        world.log_dir.write_text("in the way")
        with pytest.raises(StoreError, match="cannot be made"):
            world.publisher()

    def test_a_spool_that_cannot_be_made_is_said(self, world: World) -> None:
        world.spool_dir.write_text("in the way")
        with pytest.raises(StoreError, match="cannot be opened"):
            world.publisher()

    @pytest.mark.parametrize("blocked", ["checkpoint", "tile"])
    def test_a_disk_that_refuses_is_said_and_the_next_pass_begins_again(
        self, world: World, blocked: str
    ) -> None:
        fill(world.spool_dir, [1])
        with closing(world.publisher()) as publisher:
            in_the_way = world.log_dir / ".new"

            def step(name: str) -> None:
                wanted = "disclosures committed" if blocked == "tile" else "tiles synced"
                if name == wanted and not in_the_way.exists():
                    in_the_way.mkdir()

            with pytest.raises(StoreError, match="could not be written: Is a directory"):
                publisher.publish_once(step)
            assert checkpoint_of(world).tree_size == 0
            in_the_way.rmdir()
            assert publisher.publish_once() == 4
        assert world.found() == []


@pytest.mark.parametrize("broken", ["os.fdatasync", "os.fsync"])
def test_a_sync_that_was_not_confirmed_is_never_tried_again_by_the_same_publisher(
    world: World, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    fill(world.spool_dir, range(20), limits=SMALL)
    calls = 0

    def refuse(*_arguments: object) -> None:
        nonlocal calls
        calls += 1
        raise OSError(5, os.strerror(5))

    with closing(world.publisher()) as publisher:
        with monkeypatch.context() as patch:
            patch.setattr(broken, refuse)
            with pytest.raises(UnsyncedError, match="could not be synced: Input/output error"):
                publisher.publish_once()
        assert checkpoint_of(world).tree_size == 0
        with pytest.raises(UnsyncedError, match="could not be synced"):
            publisher.publish_once()
    assert (calls, checkpoint_of(world).tree_size) == (1, 0)
    assert world.publish() == 80
    assert world.found() == []


@pytest.mark.parametrize(
    ("broken", "message"),
    [("pathlib.Path.unlink", "a published segment could not be removed: Input/output error")],
)
def test_a_spool_on_a_disk_that_refuses_is_said_and_the_next_pass_begins_again(
    world: World, monkeypatch: pytest.MonkeyPatch, broken: str, message: str
) -> None:
    fill(world.spool_dir, range(20), limits=SMALL)

    def refuse(*_arguments: object) -> None:
        raise OSError(5, os.strerror(5))

    with closing(world.publisher()) as publisher:
        with monkeypatch.context() as patch:
            patch.setattr(broken, refuse)
            with pytest.raises(StoreError, match=message):
                publisher.publish_once()
        while publisher.publish_once():
            pass
        assert publisher.tree_size == 80
    assert world.found() == []


class DownFor(MemoryDisclosures):
    """Disclosures that refuse so many times; with `stored`, after they stored."""

    def __init__(self, times: int, *, stored: bool) -> None:
        super().__init__()
        self.times = times
        self.stored = stored

    def commit(self, blocks: Sequence[StoredBlock]) -> None:
        self.times -= 1
        if self.times < 0 or self.stored:
            super().commit(blocks)
        if self.times >= 0:
            raise StoreError("the disclosures' server: it cannot be reached")


@pytest.mark.parametrize("stored", [False, True])
def test_while_the_disclosures_refuse_nothing_is_signed(world: World, *, stored: bool) -> None:
    world.disclosures = DownFor(3, stored=stored)
    fill(world.spool_dir, [1])
    with closing(world.publisher()) as publisher:
        for _ in range(3):
            with pytest.raises(StoreError, match="cannot be reached"):
                publisher.publish_once()
            assert checkpoint_of(world).tree_size == 0
        assert publisher.publish_once() == 4
    assert world.found() == []


class Stopped(Exception):  # noqa: N818  # a test's own way out, no failure
    """Raised in a step, to leave there."""


def test_a_failure_behind_any_step_is_repaired_by_the_next_pass(
    tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "MAX_PASS_BLOCKS", 150)
    undisturbed = World(tmp_path / "undisturbed", signer, MemoryDisclosures())
    fill(undisturbed.spool_dir, range(80), limits=SMALL)
    shutil.copytree(undisturbed.spool_dir, tmp_path / "kept")
    undisturbed.publish()
    stop_at = steps = 0
    while steps >= stop_at:
        stop_at, steps = stop_at + 1, 0
        world = World(tmp_path / f"stop-{stop_at}", signer, MemoryDisclosures())
        shutil.copytree(tmp_path / "kept", world.spool_dir)

        def step(_name: str, stop_at: int = stop_at) -> None:
            nonlocal steps
            steps += 1
            if steps == stop_at:
                raise Stopped

        with closing(world.publisher()) as publisher:
            while True:
                try:
                    if not publisher.publish_once(step):
                        break
                except Stopped:
                    assert world.found() == []
        assert leaves_of(world) == leaves_of(undisturbed)
        assert checkpoint_of(world) == checkpoint_of(undisturbed)
        assert world.found() == []
        shutil.rmtree(world.folder)
    assert stop_at > 20


@pytest.mark.pg
def test_killed_behind_any_step_the_leaves_are_the_same_and_each_can_be_opened(
    tmp_path: Path, signer: Signer, owner_conninfo: str, recorder_conninfo: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    import psycopg

    monkeypatch.setattr(log_module, "MAX_PASS_BLOCKS", 150)
    undisturbed = World(tmp_path / "undisturbed", signer, MemoryDisclosures())
    fill(undisturbed.spool_dir, range(80), limits=SMALL)
    shutil.copytree(undisturbed.spool_dir, tmp_path / "kept")
    undisturbed.publish()
    kill_at = 0
    was_killed = True
    while was_killed:
        kill_at += 1
        with psycopg.connect(owner_conninfo) as owner:
            owner.execute("TRUNCATE record.blocks, record.entries")
        folder = tmp_path / f"kill-{kill_at}"
        shutil.copytree(tmp_path / "kept", folder / "spool")
        was_killed = publish_and_die(folder, signer, recorder_conninfo, kill_at)
        with PostgresDisclosures(recorder_conninfo) as disclosures:
            world = World(folder, signer, disclosures)
            if (world.log_dir / "checkpoint").exists():
                assert world.found() == []
            world.publish()
            assert leaves_of(world) == leaves_of(undisturbed)
            assert checkpoint_of(world) == checkpoint_of(undisturbed)
            report = world.check()
            assert report.findings == []
            assert report.counts["leaves opened"] == report.counts["tree size"] > 300
        shutil.rmtree(folder)
    assert kill_at > 20


def publish_and_die(folder: Path, signer: Signer, conninfo: str, kill_at: int) -> bool:
    """Publish in a process of its own, which kills itself behind a step; False where it came to its end."""
    child = os.fork()
    if child == 0:
        steps = 0

        def step(_name: str) -> None:
            nonlocal steps
            steps += 1
            if steps == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            publisher = World(folder, signer, PostgresDisclosures(conninfo)).publisher()
            while publisher.publish_once(step):
                pass
        except LogError as error:
            os.write(2, f"{error}\n".encode())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def test_a_checkpoint_is_never_shorter_than_the_last(world: World) -> None:
    fill(world.spool_dir, [1])
    world.publish()
    shorter = format_checkpoint(Checkpoint(world.signer.name, 2, bytes(32)), world.signer)
    (world.log_dir / "checkpoint").write_bytes(shorter)
    with pytest.raises(VerificationError):
        world.publisher()
    assert (world.log_dir / "checkpoint").read_bytes() == shorter
