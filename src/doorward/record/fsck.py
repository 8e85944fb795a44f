"""The check of a whole record, from nothing but its files and disclosures.

1. The checkpoint is signed by the key.
2. The files of the log come to its root (`check_tree`).
3. The disclosures open every leaf (`check_openings`), where they are at hand.
4. The spool goes on where the log ends (`check_spool`), where it is at hand.
5. What is erased is what entries say was erased (`check_erasures`), where the disclosures are at hand.

Without a checkpoint that holds there is nothing to compare the rest with, so nothing else is checked then.
The record may be at work meanwhile: the checkpoint is read once, and what comes later is not looked at.
"""

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

from doorward.errors import LogError, StoreError
from doorward.notes.note import Verifier
from doorward.record.account import Account
from doorward.record.check_erasures import NOTHING_ERASED, Erasures
from doorward.record.check_openings import READ_BLOCKS, LeafReader, check_openings
from doorward.record.check_spool import check_spools, hold_segments
from doorward.record.check_tree import check_tree
from doorward.record.checkpoint import Checkpoint, parse_checkpoint, verify_checkpoint
from doorward.record.log_files import CHECKPOINT, LogFiles
from doorward.record.openings import Disclosures, Totals
from doorward.record.report import Finding, Report
from doorward.record.sealing import sealed_unit

__all__ = ["Finding", "Report", "check_log"]


def check_log(
    log_dir: Path,
    verifier: Verifier,
    spool_dir: Path | None = None,
    disclosures: Disclosures | None = None,
    erased: Mapping[bytes, str] = NOTHING_ERASED,
) -> Report:
    """Return everything that is false in a record, and what was checked.

    Args:
        log_dir: The public files; a copy will do.
        verifier: The key that the log must be signed with.
        spool_dir: The spool of the same log; None leaves it out.
        disclosures: What opens the leaves; None leaves it out.
        erased: The certificates under which units of sealed disclosures were erased.
    """
    report = Report()
    with hold_segments(spool_dir) if spool_dir is not None else nullcontext():
        try:
            _check(report, LogFiles(log_dir), verifier, spool_dir, disclosures, erased)
        except StoreError as error:
            report.could_not_tell.append(str(error))
    return report


def _check(  # noqa: PLR0917  # the parts of a record
    report: Report,
    files: LogFiles,
    verifier: Verifier,
    spool_dir: Path | None,
    disclosures: Disclosures | None,
    erased: Mapping[bytes, str],
) -> None:
    checkpoint = _read_checkpoint(files, verifier, report)  # 1
    if checkpoint is None:
        report.not_checked.append("everything else: there is no checkpoint to compare it with")
        return
    report.counts["tree size"] = checkpoint.tree_size
    check_tree(files, checkpoint, report)  # 2
    leaves = LeafReader(files, checkpoint.tree_size)
    erasures = Erasures(erased)
    account = Account(report, is_whole=True)
    next_sequences: dict[int, int] | None = None
    totals: Totals | None = None
    if disclosures is None:
        report.not_checked.append("disclosures: not at hand, so the leaves were not opened")
    else:
        try:
            next_sequences = check_openings(disclosures, leaves, report, account, erasures)  # 3
            _note_beyond(disclosures, leaves.tree_size, erasures)
            totals = disclosures.totals()
        except StoreError as error:
            report.could_not_tell.append(f"disclosures: {error}")
            next_sequences = None
    if spool_dir is None:
        report.not_checked.append("spool: not at hand, so what was not published yet was not looked at")
    else:
        if next_sequences is None:
            account = Account(report, is_whole=False)
        check_spools(spool_dir, leaves, report, account, next_sequences, totals, erasures)  # 4
    if next_sequences is not None and not report.is_full:
        erasures.check(report, has_spool=spool_dir is not None)  # 5
    if account.open_requests or account.open_sessions:
        report.notes.append(
            f"{account.open_sessions} sessions and {account.open_requests} requests have no end yet"
        )


def _note_beyond(disclosures: Disclosures, tree_size: int, erasures: Erasures) -> None:
    """Count the erased rows of blocks that are stored and whose leaves the log has not yet."""
    while blocks := disclosures.read(tree_size, READ_BLOCKS):
        for stored in (entry for block in blocks for entry in block.entries):
            certificate = erasures.erased.get(sealed_unit(stored) or b"")
            if certificate is not None:
                erasures.note_row(stored, certificate)
        tree_size = blocks[-1].leaf_index + 1


def _read_checkpoint(files: LogFiles, verifier: Verifier, report: Report) -> Checkpoint | None:
    raw = files.read(CHECKPOINT)
    if raw is None:
        report.find(CHECKPOINT, "the file is missing")
        return None
    try:
        checkpoint = verify_checkpoint(parse_checkpoint(raw), verifier)
    except LogError as error:
        report.find(CHECKPOINT, str(error))
        return None
    report.count("checkpoints")
    return checkpoint
