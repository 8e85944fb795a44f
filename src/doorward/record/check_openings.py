"""Checking that disclosures open every leaf, and that they are whole.

1. One block a leaf, from leaf 0 on; one range of sequences of a worker after the other, from its first entry on.
2. Each block has every entry of its range, and each entry says that it belongs to that leaf.
3. The entries' commitments, computed again, and the block's salt give the public leaf of the log.
4. What was stored beside them (commitments, root) is the same.
5. Sessions and requests balance (`account`).
6. What was erased keeps its place and its commitment, and says under which certificate it went. Where it has a session,
   it went with that, or with its month. What an erased row says of its session is proved by nothing, since nothing
   opens it: `check_erasures` holds them against what entries say was erased, and each of those against its leaf.
"""

from collections.abc import Sequence

from doorward.errors import MalformedError
from doorward.record.account import Account
from doorward.record.check_erasures import Erasures
from doorward.record.entry import LEAF_BYTES, SCHEMA_VERSION, Entry, block_root, commit_entry
from doorward.record.hashes import Hash, format_hash
from doorward.record.log_files import LogFiles
from doorward.record.openings import Disclosures, StoredBlock, StoredEntry
from doorward.record.replay import leaf_of
from doorward.record.report import Report
from doorward.record.sealing import may_be_sealed_under, sealed_unit
from doorward.record.tiles import TILE_WIDTH, TileId, parse_bundle
from doorward.record.workers import WRITERS, first_sequence, worker_of

READ_BLOCKS = 2_000


class LeafReader:
    """Reads the entries of a log's bundles, keeping the last bundle."""

    def __init__(self, files: LogFiles, tree_size: int) -> None:
        self._files = files
        self.tree_size = tree_size
        self._index = -1
        self._entries: list[bytes] = []

    def read(self, leaf_index: int) -> bytes | None:
        """Return a leaf's entry, or None where its bundle is missing or malformed; `check_tree` says so.

        Raises:
            StoreError: The bundle cannot be read.
        """
        index, at = divmod(leaf_index, TILE_WIDTH)
        if index != self._index:
            width = min(TILE_WIDTH, self.tree_size - index * TILE_WIDTH)
            try:
                raw = self._files.read_tile(TileId(None, index, width))
                self._entries = parse_bundle(raw, width) if raw is not None else []
            except MalformedError:
                self._entries = []
            self._index = index
        return self._entries[at] if at < len(self._entries) else None


def check_openings(
    disclosures: Disclosures,
    leaves: LeafReader,
    report: Report,
    account: Account,
    erasures: Erasures,
) -> dict[int, int]:
    """Add to a report what is false in the disclosures, and return the sequence behind each worker's last entry.

    Args:
        erasures: Knows which units were erased, and is told of every row that was and of every entry that is one of
            its leaf's.

    Raises:
        StoreError: The store refused or cannot be reached, or a bundle cannot be read.
    """
    expected_leaf = 0
    next_sequences: dict[int, int] = {}
    while expected_leaf < leaves.tree_size and not report.is_full:
        blocks = disclosures.read(expected_leaf, min(READ_BLOCKS, leaves.tree_size - expected_leaf))
        if not blocks:
            erasures.is_partial = True
            report.find(
                f"leaf {expected_leaf}", f"nothing opens it, nor any up to leaf {leaves.tree_size - 1}"
            )
            break
        for block in blocks:
            if block.leaf_index >= leaves.tree_size:
                erasures.is_partial = True
                report.find(f"leaf {expected_leaf}", "nothing opens it")
                return next_sequences
            worker = worker_of(block.first)
            next_sequence = next_sequences.get(worker, first_sequence(worker) if 0 <= worker < WRITERS else 0)
            if block.leaf_index != expected_leaf:  # 1
                erasures.is_partial = True
                report.find(f"leaf {expected_leaf}", f"nothing opens it, nor any before {block.leaf_index}")
            elif block.first != next_sequence:
                report.find(
                    f"leaf {block.leaf_index}", "its entries begin elsewhere", next_sequence, block.first
                )
            _check_block(block, leaves.read(block.leaf_index), report, account, erasures)
            expected_leaf = block.leaf_index + 1
            next_sequences[worker] = block.last + 1
    return next_sequences


def _check_block(
    block: StoredBlock, leaf: bytes | None, report: Report, account: Account, erasures: Erasures
) -> None:
    report.count("leaves opened")
    place = f"leaf {block.leaf_index}"
    if block.last - block.first + 1 != len(block.entries) or not block.entries:  # 2
        have = {entry.sequence for entry in block.entries}
        end = min(block.last + 1, block.first + 2 * len(block.entries) + 2)
        missing = next((number for number in range(block.first, end) if number not in have), block.first)
        report.find(
            f"{place}, entry {missing}",
            "the entry is missing",
            f"{block.last - block.first + 1} entries",
            len(block.entries),
        )
    opened = []
    for stored in block.entries:
        if stored.leaf_index != block.leaf_index:
            report.find(
                f"entry {stored.sequence}", "it names another leaf", block.leaf_index, stored.leaf_index
            )
        opened.append(_open(stored, report, account, erasures))
    commitments = [commitment for commitment, _ in opened]
    root = block_root(commitments)  # 3
    _note_held(block, leaf, root, opened, erasures)  # 6
    if leaf is None:
        return
    if len(leaf) != LEAF_BYTES or leaf[0] != SCHEMA_VERSION:
        report.find(place, "it has a schema that this version does not know", SCHEMA_VERSION, leaf[:1].hex())
    elif leaf_of(block.salt, root) != leaf:
        _blame_entries(block, commitments, report)
    else:
        _check_beside(block, commitments, root, report)


def _note_held(
    block: StoredBlock,
    leaf: bytes | None,
    root: Hash,
    opened: Sequence[tuple[Hash, Entry | None]],
    erasures: Erasures,
) -> None:
    """Tell the erasures of each entry whose commitment is one of those that open the leaf."""
    is_whole = leaf == leaf_of(block.salt, root)
    as_stored = is_whole or leaf == leaf_of(block.salt, block_root([one.commitment for one in block.entries]))
    erasures.is_partial |= not is_whole
    for stored, (commitment, entry) in zip(block.entries, opened, strict=True):
        if entry is not None and (is_whole or (as_stored and commitment == stored.commitment)):
            erasures.note(entry)


def _open(
    stored: StoredEntry, report: Report, account: Account, erasures: Erasures
) -> tuple[Hash, Entry | None]:
    """Return an entry's commitment and the entry; where nothing opens it, the commitment that was kept."""
    unit = sealed_unit(stored)
    if (
        unit is not None
    ):  # it could not be opened; the leaf holds or does not hold with the commitment that was kept
        certificate = erasures.erased.get(unit)
        if certificate is None:
            erasures.is_partial = True
            report.find(
                f"entry {stored.sequence}",
                "it is sealed and does not open: it was changed or its key is gone, and nobody erased it",
            )
        elif not may_be_sealed_under(stored, unit, erasures.erased):
            erasures.is_partial = True
            report.find(
                f"entry {stored.sequence}",
                "it is sealed as part of something else that was erased: it was changed",
            )
        else:
            report.count("entries erased")
            erasures.note_row(stored, certificate)
            report.note_once(f"entries were erased under certificate {certificate}; their leaves hold")
        return stored.commitment, None
    try:
        entry = stored.decode()
    except MalformedError as error:
        erasures.is_partial = True
        report.find(f"entry {stored.sequence}", str(error))
        return stored.commitment, None
    account.note(entry)
    return commit_entry(entry), entry


def _blame_entries(block: StoredBlock, commitments: list[Hash], report: Report) -> None:
    false = [
        (stored, commitment)
        for stored, commitment in zip(block.entries, commitments, strict=True)
        if stored.commitment != commitment
    ]
    for stored, commitment in false:
        report.find(
            f"leaf {block.leaf_index}, entry {stored.sequence}",
            "the entry is not the one that was recorded: its commitment is another",
            format_hash(stored.commitment),
            format_hash(commitment),
        )
    if not false:
        report.find(
            f"leaf {block.leaf_index}",
            f"entries {block.first} to {block.last} and the block's salt do not open it",
        )


def _check_beside(block: StoredBlock, commitments: list[Hash], root: Hash, report: Report) -> None:
    if block.root != root:  # 4
        report.find(
            f"leaf {block.leaf_index}",
            "the root stored beside it is another",
            format_hash(root),
            format_hash(block.root),
        )
    for stored, commitment in zip(block.entries, commitments, strict=True):
        if stored.commitment != commitment:
            report.find(
                f"entry {stored.sequence}",
                "the commitment stored beside it is another",
                format_hash(commitment),
                format_hash(stored.commitment),
            )
