"""The verifier's own trees, held to the public vectors and to a tree that is written word for word from the RFC."""

import json
from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.verifier.merkle import (
    EMPTY_ROOT,
    extends,
    fold,
    hash_entries,
    leads_to,
    make_extension,
    root_of,
)
from record.samples import leaf_hashes, naive_root

HASHES = leaf_hashes(70)


def vectors(shared: Path, kind: str) -> list[dict[str, object]]:
    files = sorted((shared / "vectors/merkle/testdata" / kind).rglob("*.json"))
    assert len(files) == 98
    return [json.loads(file.read_text()) for file in files]


def proof_of(vector: dict[str, object]) -> list[bytes]:
    hashes = vector["proof"] or []
    assert isinstance(hashes, list)
    return [b64decode(value) for value in hashes]


@pytest.mark.shared
def test_every_public_vector_of_an_inclusion(shared: Path) -> None:
    for vector in vectors(shared, "inclusion"):
        leaf, root = b64decode(str(vector["leafHash"])), b64decode(str(vector["root"]))
        index, size = int(str(vector["leafIdx"])), int(str(vector["treeSize"]))
        assert leads_to(leaf, index, size, proof_of(vector), root) is not vector["wantErr"], vector["desc"]


@pytest.mark.shared
def test_every_public_vector_of_a_consistency(shared: Path) -> None:
    for vector in vectors(shared, "consistency"):
        old, new = int(str(vector["size1"])), int(str(vector["size2"]))
        roots = b64decode(str(vector["root1"])), b64decode(str(vector["root2"]))
        got = extends(old, roots[0], new, roots[1], proof_of(vector))
        assert got is not vector["wantErr"], vector["desc"]


def test_a_fold_is_the_tree_of_the_rfc_at_every_size() -> None:
    for size in range(70):
        assert fold(HASHES[:size]) == naive_root(HASHES[:size])
    assert fold([]) == EMPTY_ROOT


@given(st.integers(), st.integers(), st.lists(st.binary(min_size=31, max_size=33), max_size=70), st.binary())
def test_no_proof_of_anybody_is_a_failure(index: int, size: int, proof: list[bytes], root: bytes) -> None:
    leads_to(bytes(32), index, size, proof, root)
    extends(index, root, size, root, proof)


def test_an_extension_is_proved_at_every_size_and_no_other_tree_is() -> None:
    leaves = hash_entries([bytes([number]) for number in range(40)])

    def read(level: int, index: int) -> bytes:
        return fold(leaves[index << level : (index + 1) << level])

    for size in range(1, 41):
        for old_size in range(1, size + 1):
            proof = make_extension(read, old_size, size)
            old_root = root_of(read, 0, old_size)
            assert old_root == fold(leaves[:old_size])
            assert extends(old_size, old_root, size, fold(leaves[:size]), proof)
            assert not extends(old_size, EMPTY_ROOT, size, fold(leaves[:size]), proof)
    assert root_of(read, 0, 0) == EMPTY_ROOT
