"""An implementation that is not ours reads our log: tlog-scales, from our files alone."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tlog import ConsistencyProof, InclusionProof

from doorward.notes.note import Signer, format_verifier
from doorward.record.checkpoint import parse_checkpoint, verify_checkpoint
from doorward.record.hashes import hash_leaf
from doorward.record.log_files import LogFiles
from doorward.record.openings import MemoryDisclosures
from doorward.record.proof import (
    format_proof,
    make_consistency,
    make_inclusion,
    parse_proof,
    verify_consistency,
    verify_inclusion,
)
from doorward.record.tiles import TileId, parse_tile, read_node
from doorward.record.tree import root_of
from record.samples import World, fill

SIZES = (1, 2, 255, 256, 257, 511, 512, 1_000)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(
        tmp_path_factory.mktemp("oracle"),
        Signer.make("doorward.example/test", bytes(32)),
        MemoryDisclosures(),
    )
    fill(world.spool_dir, range(257), statements=1)
    world.publish()
    return world


@pytest.fixture(scope="module")
def oracle(world: World) -> TilesReader:
    return TilesReader(LocalBackend(world.log_dir))


def size_of(world: World) -> int:
    return parse_checkpoint((world.log_dir / "checkpoint").read_bytes()).tree_size


def our_node(world: World, level: int, index: int) -> bytes:
    files, size = LogFiles(world.log_dir), size_of(world)

    def read_tile(tile_level: int, tile_index: int) -> list[bytes]:
        width = min(256, (size >> (8 * tile_level)) - tile_index * 256)
        raw = files.read_tile(TileId(tile_level, tile_index, width))
        assert raw is not None
        return parse_tile(raw, width)

    return read_node(read_tile, level, index)


def our_leaf_hashes(world: World, size: int) -> list[bytes]:
    return [our_node(world, 0, index) for index in range(size)]


def test_it_finds_the_checkpoints_signature_and_root_right(world: World, oracle: TilesReader) -> None:
    checkpoint = oracle.get_checkpoint()
    checkpoint.verify(Vkey.from_string(format_verifier(world.signer.verifier)))
    assert checkpoint.size == size_of(world) == 1_028
    assert oracle.calculate_root_hash() == checkpoint.root_hash


def test_it_reads_every_leaf_and_our_proof_of_it_holds_there(world: World, oracle: TilesReader) -> None:
    checkpoint = oracle.get_checkpoint()
    for index in (*range(0, 1_028, 37), 1_027):
        leaf = oracle.get_entry(index)
        proof = make_inclusion(lambda level, at: our_node(world, level, at), index, checkpoint.size)
        InclusionProof(index, checkpoint.size, proof).check(hash_leaf(leaf), checkpoint.root_hash)
        theirs = oracle.get_inclusion_proof(index, checkpoint.size)
        assert theirs.node_hashes == proof
        verify_inclusion(
            leaf_hash=hash_leaf(leaf),
            leaf_index=index,
            tree_size=checkpoint.size,
            root=checkpoint.root_hash,
            proof=theirs.node_hashes,
        )


def test_consistency_proofs_hold_in_both_directions(world: World, oracle: TilesReader) -> None:
    oracle.get_checkpoint()
    hashes = our_leaf_hashes(world, 1_000)
    for new_size in SIZES:
        new_root = root_of(hashes[:new_size])
        for old_size in (size for size in SIZES if size <= new_size):
            old_root = root_of(hashes[:old_size])
            ours = make_consistency(lambda level, at: our_node(world, level, at), old_size, new_size)
            ConsistencyProof(old_size, new_size, ours).check(old_root, new_root)
            theirs = oracle.get_consistency_proof(old_size, new_size).node_hashes
            assert theirs == ours
            verify_consistency(
                old_size=old_size, new_size=new_size, old_root=old_root, new_root=new_root, proof=theirs
            )


def test_its_command_line_writes_the_same_proof_file_as_we_do(world: World) -> None:
    program = shutil.which("tlog-tiles", path=str(Path(sys.executable).parent))
    assert program is not None
    for index in (0, 300, 1_027):
        done = subprocess.run(
            [program, "gen-proof", str(world.log_dir), str(index)],
            capture_output=True,
            check=True,
            timeout=60,
        )
        raw = (world.log_dir / "checkpoint").read_bytes()
        checkpoint = verify_checkpoint(parse_checkpoint(raw), world.signer.verifier)
        proof = make_inclusion(lambda level, at: our_node(world, level, at), index, checkpoint.tree_size)
        assert done.stdout == format_proof(leaf_index=index, proof=proof, signed_checkpoint=raw)
        assert parse_proof(done.stdout) == (index, proof, raw)
