from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from doorward.record.hashes import EMPTY_ROOT, hash_leaf, hash_node
from doorward.record.tree import Frontier, root_of
from record.samples import leaf_hashes, naive_root


def test_the_root_is_rfc_6962s_for_every_small_size() -> None:
    hashes = leaf_hashes(300)
    for size in range(301):
        assert root_of(hashes[:size]) == naive_root(hashes[:size]), size


def test_a_growing_frontier_has_the_root_of_the_whole_tree_at_each_size() -> None:
    hashes = leaf_hashes(300)
    frontier = Frontier()
    for size, leaf in enumerate(hashes):
        assert frontier.root() == root_of(hashes[:size])
        assert len(frontier.peaks) == size.bit_count()
        frontier.append(leaf)
    assert frontier.size == 300


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_frontier_goes_on_from_its_peaks(size: int, more: int) -> None:
    hashes = leaf_hashes(size + more)
    first = Frontier()
    for leaf in hashes[:size]:
        first.append(leaf)
    second = Frontier(size, first.peaks)
    for leaf in hashes[size:]:
        second.append(leaf)
    assert second.root() == root_of(hashes)


def test_the_worked_hashes_of_rfc_6962_hold() -> None:
    # The empty tree and the leaf without bytes, as other implementations state them.
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    empty_leaf = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert hash_leaf(b"").hex() == empty_leaf
    assert hash_leaf(b"") != hash_node(b"", b"")


def test_roots_of_neighbouring_sizes_differ() -> None:
    hashes = leaf_hashes(65)
    assert all(root_of(hashes[:one]) != root_of(hashes[:other]) for one, other in pairwise(range(66)))
