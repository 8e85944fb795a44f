"""What one log keeps of another: each puts the other's last checkpoint into its own record, on a schedule.

A log that is put back, or signed in two versions, agrees with itself. It does not agree with what its neighbours kept:
their entries (kind 16) are in logs that its operators do not sign, with proofs of their own. Two hosts of a city, or
two cities, hold each other so without anybody in between; witnesses (`witnessing`) do it at the moment of signing,
where there are any.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum

from doorward.errors import LogError
from doorward.record.checkpoint import Checkpoint
from doorward.record.hashes import Hash
from doorward.record.report import Report


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
    root_at: Callable[[int], Hash], own: Checkpoint, kept: Sequence[tuple[str, Checkpoint]], report: Report
) -> None:
    """Add to the report where a log is not what its neighbours kept of it.

    Args:
        root_at: The root of the log's own tiles at a size up to its checkpoint's.
        own: The log's checkpoint.
        kept: Where each is kept, in words, and what; of this log, verified by its key.

    """
    try:
        if root_at(own.tree_size) != own.root:
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
            root = root_at(one.tree_size)
        except LogError as error:
            report.could_not_tell.append(f"the root at size {one.tree_size}: {error}")
            continue
        if root != one.root:
            report.find(
                "checkpoint",
                f"the log has two histories: {where} keeps another tree of {one.tree_size} leaves",
            )
