"""Whether two checkpoints of one log are of one history: what a split view is found by; pure.

1. Each is signed by the log's own key, or nothing is said.
2. Of one size they have one root. Two roots are a fork, and the two notes prove it to anybody.
3. Of two sizes, the log's files say: the smaller tree is a beginning of the larger one, or it is none. They say it by a
   proof that comes to the larger root (RFC 6962 section 2.1.2), else one side's tiles beside the other's would prove
   what is not so. Without files, or with files that prove nothing, nobody can tell.
"""

from dataclasses import dataclass
from enum import Enum

from doorward.errors import MalformedError, VerificationError
from doorward.record.checkpoint import UnverifiedCheckpoint
from doorward.record.hashes import Hash
from doorward.record.proof import ReadNode, hash_range, make_consistency, verify_consistency


class View(Enum):
    """How two checkpoints stand to each other."""

    SAME = "same"
    EXTENDS = "extends"
    FORK = "fork"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Compared:
    """What was found, and in one sentence why."""

    view: View
    why: str


def compare_checkpoints(
    one: UnverifiedCheckpoint, other: UnverifiedCheckpoint, read: ReadNode | None = None
) -> Compared:
    """Return how two checkpoints of one log stand to each other; steps 2 and 3.

    Args:
        one: Its signature holds, as the other's does.
        read: Reads the nodes of a log's files, which reach at least to the larger size; None where there are none.

    Raises:
        StoreError: A file of the log cannot be read.
    """
    smaller, larger = sorted((one, other), key=lambda checkpoint: checkpoint.tree_size)
    if smaller.tree_size == larger.tree_size:  # 2
        if smaller.root == larger.root:
            return Compared(View.SAME, "both say the same size and root")
        return Compared(View.FORK, f"two roots at size {one.tree_size}")
    if smaller.tree_size == 0:
        return Compared(View.EXTENDS, "the empty tree is a beginning of every other")
    if read is None:  # 3
        return Compared(View.UNKNOWN, "they have two sizes: give the files of the log that is larger")
    try:
        root = find_root(read, smaller.tree_size, larger.tree_size, larger.root)
    except (VerificationError, MalformedError) as error:
        return Compared(View.UNKNOWN, f"the files do not prove it: {error}")
    if root == smaller.root:
        return Compared(View.EXTENDS, "the smaller tree is a beginning of the larger one")
    return Compared(View.FORK, "the smaller tree is no beginning of the larger one")


def find_root(read: ReadNode, size: int, tree_size: int, root: Hash) -> Hash:
    """Return the root at a size that is proved under the root of a tree that is as large or larger.

    Args:
        read: Reads the nodes of files that nobody has to believe.
        size: At least 1.

    Raises:
        VerificationError: The files do not come to the root, or one is missing.
        MalformedError: One is none.
        StoreError: One cannot be read.

    Source: RFC 6962 section 2.1.2.
    """
    found = hash_range(read, 0, size)
    proof = make_consistency(read, size, tree_size)
    try:
        verify_consistency(old_size=size, new_size=tree_size, old_root=found, new_root=root, proof=proof)
    except VerificationError as error:
        raise VerificationError(f"they do not come to the root at size {tree_size}") from error
    return found
