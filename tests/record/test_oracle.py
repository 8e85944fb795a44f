"""An implementation that is not ours reads our log: tlog-scales, from our files alone."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import MLDSA44CosignatureSigner, PlainEd25519Signer, Vkey
from tlog_scales.tlog import ConsistencyProof, InclusionProof
from tlog_scales.writer import TilesWriter

from doorward.notes.note import Signer, format_verifier, parse_verifier_key
from doorward.record.checkpoint import parse_checkpoint, verify_checkpoint
from doorward.record.fsck import check_log
from doorward.record.hashes import hash_leaf
from doorward.record.log_files import LogFiles
from doorward.record.nodes import node_reader
from doorward.record.openings import MemoryDisclosures
from doorward.record.proof import (
    format_proof,
    make_consistency,
    make_inclusion,
    parse_proof,
    verify_consistency,
    verify_inclusion,
)
from doorward.record.tiles import TileId, parse_bundle
from doorward.record.tree import root_of
from doorward.record.trust_policy import parse_policy, verify_by_policy
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
    return node_reader(LogFiles(world.log_dir), size_of(world))(level, index)


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


def test_its_log_with_entries_of_every_length_is_read_by_us(tmp_path: Path) -> None:
    log, size = tmp_path / "log", 515
    signer = PlainEd25519Signer("other.example/log", bytes(32))
    post_quantum = MLDSA44CosignatureSigner("other.example/log", bytes(32))
    writer = TilesWriter.create(log, "other.example/log")
    entries = [b"x" * length for length in (0, 1, 65_535)] + [b"%d" % at for at in range(size - 3)]
    for at, entry in enumerate(entries):
        writer.add_leaf(entry)
        if at in {0, 299}:  # partial tiles of earlier sizes
            writer.commit([signer], gc=False)
    writer.commit([signer, post_quantum], gc=False)

    raw = (log / "checkpoint").read_bytes()
    vkeys = [str(one.vkey.serialize()) for one in (signer, post_quantum)]  # type: ignore[no-untyped-call]  # theirs
    for vkey in vkeys:
        policy = parse_policy(f"log {vkey}\nquorum none\n".encode())
        assert verify_by_policy(parse_checkpoint(raw), policy).tree_size == size
    checkpoint = parse_checkpoint(raw)
    files = LogFiles(log)
    bundle = files.read_tile(TileId(None, 0))
    assert bundle is not None
    assert parse_bundle(bundle, 256) == entries[:256]
    read = node_reader(files, size)
    for index in (0, 2, 255, 256, 514):
        proof = make_inclusion(read, index, size)
        leaf = hash_leaf(entries[index])
        verify_inclusion(leaf_hash=leaf, leaf_index=index, tree_size=size, root=checkpoint.root, proof=proof)
    verifier = parse_verifier_key(vkeys[0])
    assert [str(finding) for finding in check_log(log, verifier).findings] == []
