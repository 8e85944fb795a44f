"""What one log keeps of another: each puts the other's last checkpoint into its own record, on a schedule.

A log that is put back, or signed in two versions, agrees with itself. It does not agree with what its neighbours kept:
their entries (kind 16) are in logs that its operators do not sign, with proofs of their own. Two hosts of a city, or
two cities, hold each other so without anybody in between; witnesses (`witnessing`) do it at the moment of signing,
where there are any.
"""

from collections.abc import Sequence
from enum import StrEnum

from doorward.errors import LogError
from doorward.record.checkpoint import Checkpoint
from doorward.record.hashes import EMPTY_ROOT, Hash
from doorward.record.proof import ReadNode, hash_range
from doorward.record.report import Report
from doorward.record.split_view import find_root


class Seen(StrEnum):
    """What a neighbour's checkpoint is beside the one that was kept last."""

    NEW = "new"
    SAME = "same"
    BEHIND = "behind"
    FORK = "fork"


def compare(kept: Checkpoint | None, seen: Checkpoint) -> Seen:
    """Return what a checkpoint is beside the last one of the same log; both were verified.

    A larger one is new. That the kept one is a beginning of it is for `check_kept`, which has the neighbour's tiles.
    """
    if kept is None or seen.tree_size > kept.tree_size:
        return Seen.NEW
    if seen.tree_size < kept.tree_size:
        return Seen.BEHIND
    return Seen.SAME if seen.root == kept.root else Seen.FORK


def check_kept(
    read: ReadNode, own: Checkpoint, kept: Sequence[tuple[str, Checkpoint]], report: Report
) -> None:
    """Add to the report where a log is not what its neighbours kept of it.

    Two histories are said where they are proved: by two roots of one size, or by files that come to the checkpoint's
    root and hold another tree below it. Files that do not come to it prove nothing about what was kept.

    Args:
        read: Reads the nodes of the log's own tiles.
        own: The log's checkpoint.
        kept: Where each is kept, in words, and what; of this log, verified by its key.

    """
    try:
        if hash_range(read, 0, own.tree_size) != own.root:
            report.find("checkpoint", f"the files do not come to its root at size {own.tree_size}")
    except LogError as error:
        report.could_not_tell.append(f"the root at size {own.tree_size}: {error}")
    for where, one in kept:
        report.count("checkpoints that neighbours kept")
        if one.tree_size > own.tree_size:
            report.find(
                "checkpoint",
                f"the log was put back: {where} keeps a later one of it",
                f"at least {one.tree_size} leaves",
                f"{own.tree_size} leaves",
            )
            continue
        try:
            root = _root_at(read, one.tree_size, own)
        except LogError as error:
            report.could_not_tell.append(f"whether the log goes on from what {where} keeps: {error}")
            continue
        if root != one.root:
            report.find(
                "checkpoint",
                f"the log has two histories: {where} keeps another tree of {one.tree_size} leaves",
            )


def _root_at(read: ReadNode, size: int, own: Checkpoint) -> Hash:
    if size == 0:
        return EMPTY_ROOT
    return own.root if size == own.tree_size else find_root(read, size, own.tree_size, own.root)
