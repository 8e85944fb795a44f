"""Whether two checkpoints of one log are of one history: what a split view is found by; pure.

1. Each is signed by the log's own key, or nothing is said.
2. Of one size they have one root. Two roots are a fork, and the two notes prove it to anybody.
3. Of two sizes, the log's files say: the smaller tree is a beginning of the larger one, or it is none. Without files
   nobody can tell; with files that come to neither checkpoint, neither.
"""

from dataclasses import dataclass
from enum import Enum

from doorward.record.checkpoint import UnverifiedCheckpoint
from doorward.record.proof import ReadNode, hash_range


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
        VerificationError: A file of the log is missing.
        StoreError: It cannot be read.
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
    found = hash_range(read, 0, larger.tree_size)
    if found != larger.root:
        return Compared(View.UNKNOWN, "the files come to another root than the larger checkpoint")
    if hash_range(read, 0, smaller.tree_size) == smaller.root:
        return Compared(View.EXTENDS, "the smaller tree is a beginning of the larger one")
    return Compared(View.FORK, "the smaller tree is no beginning of the larger one")
