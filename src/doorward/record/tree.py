"""The append-only tree of RFC 6962: roots, and the frontier that grows with one hash a leaf.

Sizes are counts of leaves. A node is named by its level (0 for leaves) and its index in that level, and covers
leaves `index << level` to `(index + 1) << level`; only nodes that are whole have a name.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import islice

from doorward.record.hashes import EMPTY_ROOT, Hash, hash_node


def root_of(leaf_hashes: Sequence[Hash]) -> Hash:
    """Return the root over leaf hashes.

    Pairing from the left and carrying an odd last hash up unchanged gives RFC 6962's split at the largest power
    of two.

    Source: RFC 6962 section 2.1.
    """
    if not leaf_hashes:
        return EMPTY_ROOT
    level = list(leaf_hashes)
    while len(level) > 1:
        left, right = islice(level, 0, None, 2), islice(level, 1, None, 2)
        paired = [sha256(b"\x01" + a + b).digest() for a, b in zip(left, right, strict=False)]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0]


class Frontier:
    """A tree of which only the peaks are kept: what its root and its next leaf need.

    INVARIANT (peaks): one peak for each bit of `size`, the largest first, each a whole subtree.
    """

    def __init__(self, size: int = 0, peaks: Iterable[Hash] = ()) -> None:
        self.size = size
        self._peaks = list(peaks)
        assert len(self._peaks) == size.bit_count(), "one peak a bit"

    def append(self, leaf_hash: Hash) -> None:
        """Add one leaf at the right."""
        node = leaf_hash
        size = self.size
        while size & 1:
            node = hash_node(self._peaks.pop(), node)
            size >>= 1
        self._peaks.append(node)
        self.size += 1

    @property
    def peaks(self) -> tuple[Hash, ...]:
        """The roots of the whole subtrees, the largest first."""
        return tuple(self._peaks)

    def root(self) -> Hash:
        """Return the root of the tree as it is now."""
        if not self._peaks:
            return EMPTY_ROOT
        node = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            node = hash_node(peak, node)
        return node
