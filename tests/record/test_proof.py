import json
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import MalformedError, VerificationError
from doorward.record.proof import (
    MAX_PROOF_FILE_BYTES,
    ProofFile,
    ReadNode,
    format_proof,
    hash_range,
    make_consistency,
    make_inclusion,
    parse_proof,
    parse_proof_file,
    verify_consistency,
    verify_inclusion,
)
from doorward.record.tree import root_of
from record.samples import leaf_hashes, naive_root

HASHES = leaf_hashes(140)


def reader(hashes: Sequence[bytes]) -> ReadNode:
    """Reads whole nodes only, as tiles hold them."""

    def read(level: int, index: int) -> bytes:
        covered = hashes[index << level : (index + 1) << level]
        assert len(covered) == 1 << level, "only whole nodes have a name"
        return naive_root(covered)

    return read


def vector_files(shared: Path, kind: str) -> list[Path]:
    found = sorted((shared / "vectors/merkle/testdata" / kind).rglob("*.json"))
    assert len(found) == 98
    return found


@pytest.mark.shared
def test_every_inclusion_vector_passes_or_fails_as_its_file_says(shared: Path) -> None:
    for file in vector_files(shared, "inclusion"):
        case = json.loads(file.read_text(encoding="utf-8"))
        try:
            verify_inclusion(
                leaf_hash=b64decode(case["leafHash"]),
                leaf_index=case["leafIdx"],
                tree_size=case["treeSize"],
                root=b64decode(case["root"]),
                proof=[b64decode(one) for one in case["proof"] or []],
            )
            failed = False
        except VerificationError:
            failed = True
        assert failed is case["wantErr"], file


@pytest.mark.shared
def test_every_consistency_vector_passes_or_fails_as_its_file_says(shared: Path) -> None:
    for file in vector_files(shared, "consistency"):
        case = json.loads(file.read_text(encoding="utf-8"))
        try:
            verify_consistency(
                old_size=case["size1"],
                new_size=case["size2"],
                old_root=b64decode(case["root1"]),
                new_root=b64decode(case["root2"]),
                proof=[b64decode(one) for one in case["proof"] or []],
            )
            failed = False
        except VerificationError:
            failed = True
        assert failed is case["wantErr"], file


@pytest.mark.shared
def test_every_vector_of_inclusion_in_a_subtree_passes_or_fails_as_its_file_says(shared: Path) -> None:
    # Nothing here reads subtrees; their vectors are some more for the check that everything stands on.
    files = sorted((shared / "vectors/merkle/testdata/subtreeinclusion").rglob("*.json"))
    assert len(files) == 204
    for file in files:
        case = json.loads(file.read_text(encoding="utf-8"))
        start, size = case["start"], case["end"] - case["start"]
        try:
            # draft-ietf-plants-merkle-tree-certs: a subtree begins at a multiple of the power of two that holds it.
            is_subtree = start >= 0 and size > 0 and not start % (1 << (size - 1).bit_length())
            verify_inclusion(
                leaf_hash=b64decode(case["leafHash"]),
                leaf_index=case["leafIdx"] - start if is_subtree else -1,
                tree_size=size,
                root=b64decode(case["root"]),
                proof=[b64decode(one) for one in case["proof"] or []],
            )
            failed = False
        except VerificationError:
            failed = True
        assert failed is case["wantErr"], file


@pytest.mark.shared
def test_the_vectors_of_subtrees_that_begin_a_tree_pass_or_fail_as_their_files_say(shared: Path) -> None:
    # The other 27 are empty subtrees, and ranges that are none; nothing here has a name for them.
    tried = 0
    for file in sorted((shared / "vectors/merkle/testdata/subtreeconsistency").rglob("*.json")):
        case = json.loads(file.read_text(encoding="utf-8"))
        if case["start"] or not case["end"]:
            continue
        tried += 1
        try:
            verify_consistency(
                old_size=case["end"],
                new_size=case["size"],
                old_root=b64decode(case["root1"]),
                new_root=b64decode(case["root2"]),
                proof=[b64decode(one) for one in case["proof"] or []],
            )
            failed = False
        except VerificationError:
            failed = True
        assert failed is case["wantErr"], file
    assert tried == 91


@given(st.integers(1, 140), st.data())
def test_an_inclusion_proof_that_was_made_holds_and_no_other_does(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    hashes = HASHES[:size]
    root = root_of(hashes)
    proof = make_inclusion(reader(hashes), index, size)
    verify_inclusion(leaf_hash=hashes[index], leaf_index=index, tree_size=size, root=root, proof=proof)
    broken = break_proof(proof, data)
    with pytest.raises(VerificationError):
        verify_inclusion(leaf_hash=hashes[index], leaf_index=index, tree_size=size, root=root, proof=broken)
    other = data.draw(st.integers(0, size - 1))
    if other != index:
        with pytest.raises(VerificationError):
            verify_inclusion(
                leaf_hash=hashes[index], leaf_index=other, tree_size=size, root=root, proof=proof
            )


@given(st.integers(1, 140), st.data())
def test_a_consistency_proof_that_was_made_holds_and_no_other_does(size: int, data: st.DataObject) -> None:
    old_size = data.draw(st.integers(1, size))
    old_root, new_root = root_of(HASHES[:old_size]), root_of(HASHES[:size])
    proof = make_consistency(reader(HASHES[:size]), old_size, size)
    roots = {"old_root": old_root, "new_root": new_root}
    verify_consistency(old_size=old_size, new_size=size, proof=proof, **roots)
    with pytest.raises(VerificationError):
        verify_consistency(old_size=old_size, new_size=size, proof=break_proof(proof, data), **roots)
    forked = root_of([b"\0" * 32, *HASHES[1:size]])
    with pytest.raises(VerificationError):
        verify_consistency(old_size=old_size, new_size=size, old_root=old_root, new_root=forked, proof=proof)


def break_proof(proof: list[bytes], data: st.DataObject) -> list[bytes]:
    how = data.draw(st.sampled_from(["longer", "shorter", "changed", "cut"] if proof else ["longer"]))
    at = data.draw(st.integers(0, max(0, len(proof) - 1)))
    if how == "longer":
        return [*proof[:at], bytes(32), *proof[at:]]
    if how == "shorter":
        return proof[:at] + proof[at + 1 :]
    changed = bytes([proof[at][0] ^ 1]) + proof[at][1:] if how == "changed" else proof[at][:31]
    return [*proof[:at], changed, *proof[at + 1 :]]


def test_a_range_at_the_right_edge_has_the_root_of_its_leaves() -> None:
    for size in range(1, 70):
        assert hash_range(reader(HASHES[:size]), 0, size) == naive_root(HASHES[:size])
    assert hash_range(reader(HASHES), 64, 101) == naive_root(HASHES[64:101])
    assert hash_range(reader([]), 0, 0) == naive_root([])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_a_leaf_that_is_not_there_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(VerificationError, match="there is no leaf"):
        make_inclusion(reader(HASHES), index, size)


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3), (-1, 3)])
def test_an_empty_or_longer_tree_has_no_consistency_proof(old: int, new: int) -> None:
    with pytest.raises(VerificationError, match="cannot be shown"):
        make_consistency(reader(HASHES), old, new)


@given(st.integers(0, 2**62), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.binary())
def test_a_proof_file_survives_its_bytes(index: int, proof: list[bytes], checkpoint: bytes) -> None:
    raw = format_proof(leaf_index=index, proof=proof, signed_checkpoint=checkpoint)
    assert parse_proof(raw) == (index, proof, checkpoint)


@given(st.one_of(st.binary(), st.binary().map(lambda rest: b"c2sp.org/tlog-proof@v1\nindex 7\n" + rest)))
def test_any_bytes_are_a_proof_file_or_malformed(raw: bytes) -> None:
    try:
        index, proof, checkpoint = parse_proof(raw)
    except MalformedError:
        return
    assert format_proof(leaf_index=index, proof=proof, signed_checkpoint=checkpoint) == raw


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"c2sp.org/tlog-proof@v1\n\ncheckpoint",
        b"c2sp.org/tlog-proof@v2\nindex 1\n\ncheckpoint",
        b"c2sp.org/tlog-proof@v1\nindex 01\n\ncheckpoint",
        b"c2sp.org/tlog-proof@v1\nindex -1\n\ncheckpoint",
        b"c2sp.org/tlog-proof@v1\n1\n\ncheckpoint",
        b"c2sp.org/tlog-proof@v1\nindex 99999999999999999999\n\ncheckpoint",
        b"c2sp.org/tlog-proof@v1\nindex \xc3\xa4\n\ncheckpoint",
        b"c2sp.org/tlog-proof@v1\nindex 1\nextra AAAA\n\ncheckpoint",
        b"c2sp.org/tlog-proof@v1\nindex 1\n" + (b"A" * 43 + b"=\n") * 64 + b"\ncheckpoint",
    ],
)
def test_a_proof_file_with_a_fault_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_proof(raw)


@given(
    st.integers(0, 2**62),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63),
    st.binary(max_size=200),
    st.one_of(st.none(), st.binary(max_size=200)),
)
def test_a_proof_file_survives_its_bytes_with_what_an_application_put_there(
    index: int, proof: list[bytes], checkpoint: bytes, extra: bytes | None
) -> None:
    file = ProofFile(index, tuple(proof), checkpoint, extra)
    raw = format_proof(leaf_index=index, proof=proof, signed_checkpoint=checkpoint, extra=extra)
    assert parse_proof_file(raw) == file
    if extra is not None:
        with pytest.raises(MalformedError, match="no `extra` line"):
            parse_proof(raw)


# The example of C2SP tlog-proof. There `extra` is cut short, so that it is no base64, and the signatures too.
EXAMPLE = b"""c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

"""


def test_the_specifications_example_of_a_proof_file_is_read_and_written_again() -> None:
    file = parse_proof_file(EXAMPLE)
    assert (file.leaf_index, len(file.proof)) == (73_894, 5)
    assert file.extra == b"age-v1.2.1-darwin-arm64.tar.gz"
    assert file.signed_checkpoint.startswith(b"example.com/fancylog\n109482\n")
    again = format_proof(
        leaf_index=file.leaf_index,
        proof=file.proof,
        signed_checkpoint=file.signed_checkpoint,
        extra=file.extra,
    )
    assert again == EXAMPLE


@pytest.mark.parametrize(
    "raw",
    [
        b"c2sp.org/tlog-proof@v1\nextra AAAA\n\ncheckpoint",
        b"c2sp.org/tlog-proof@v1\nextra AAA\nindex 1\n\ncheckpoint",
        b"c2sp.org/tlog-proof@v1\nextra AAAA\nextra AAAA\nindex 1\n\ncheckpoint",
        b"c2sp.org/tlog-proof@v1\nextra  AAAA\nindex 1\n\ncheckpoint",
        b"c2sp.org/tlog-proof@v1\nindex 1\nindex 1\n\ncheckpoint",
        b"c2sp.org/tlog-proof@v1\r\nindex 1\r\n\r\ncheckpoint",
        b"c2sp.org/tlog-proof@v1\nindex 1\n\n" + b"x" * MAX_PROOF_FILE_BYTES,
    ],
)
def test_another_fault_of_a_proof_file_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_proof_file(raw)
