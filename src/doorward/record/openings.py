"""What the leaves stand for, kept apart from the log: the disclosures, as rows.

Rows are only ever added. A commit may be repeated with the same blocks, and one that differs from what is there is
refused: the log's leaf and what opens it stay one pair for ever.

What is stored is read back as it is (`StoredBlock`), not as what it should be: whether it opens its leaf is for
the check to say.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from doorward.errors import VerificationError
from doorward.record.entry import (
    Entry,
    block_root,
    commit_entry,
    decode_entry,
    encode_fields,
    pack_header,
)
from doorward.record.hashes import Hash
from doorward.record.replay import Block
from doorward.record.workers import worker_of

MAX_READ_ENTRIES: Final = 50_000  # of one `read`: some 50 MB as objects


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """One row of an entry, unchecked.

    Args:
        kind: The number of the kind.
        body: The fields as `entry.encode_fields` writes them.
        commitment: What the entry's commitment was when it was stored.
    """

    sequence: int
    leaf_index: int
    kind: int
    time_us: int
    session: bytes
    request: int
    salt: bytes
    body: bytes
    commitment: Hash

    def decode(self) -> Entry:
        """Return the entry that the row holds.

        Raises:
            MalformedError: It holds none.
        """
        header = pack_header(
            self.kind, self.sequence, self.time_us, self.session, self.request, salt=self.salt
        )
        return decode_entry(header + self.body)


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """One row of a block with its entries' rows, unchecked."""

    leaf_index: int
    first: int
    last: int
    salt: bytes
    root: Hash
    entries: tuple[StoredEntry, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """How much is stored in all.

    Args:
        last_leaf: None where nothing is stored.
        sequences: The first and the last entry of each worker; a number below 0 is none's (worker -1).
    """

    blocks: int
    entries: int
    last_leaf: int | None
    sequences: Mapping[int, tuple[int, int]]


class Disclosures(Protocol):
    """Where disclosures are kept."""

    def commit(self, blocks: Sequence[StoredBlock]) -> None:
        """Store blocks, all or none; what is there already with the same content is left as it is.

        Raises:
            VerificationError: A block or an entry is there with other content.
            StoreError: The store refused or cannot be reached.
        """

    def read(self, first_leaf: int, max_blocks: int) -> list[StoredBlock]:
        """Return blocks from a leaf on, in the order of their leaves, at least one where there is one.

        Raises:
            StoreError: The store refused or cannot be reached.
        """

    def totals(self) -> Totals:
        """Return how much is stored.

        Raises:
            StoreError: The store refused or cannot be reached.
        """


def stored_block(block: Block) -> StoredBlock:
    """Return the rows for a block, with its commitments; costs some 20 µs an entry."""
    commitments = [commit_entry(entry) for entry in block.entries]
    entries = tuple(
        StoredEntry(
            entry.sequence,
            block.leaf_index,
            int(entry.kind),
            entry.time_us,
            entry.session,
            entry.request,
            entry.salt,
            encode_fields(entry.fields),
            commitment,
        )
        for entry, commitment in zip(block.entries, commitments, strict=True)
    )
    return StoredBlock(
        block.leaf_index, block.first, block.last, block.salt, block_root(commitments), entries
    )


class MemoryDisclosures:
    """Disclosures in memory: for tests, and for measuring without a server."""

    def __init__(self) -> None:
        self.blocks: dict[int, StoredBlock] = {}
        self.entries: dict[int, StoredEntry] = {}

    def commit(self, blocks: Sequence[StoredBlock]) -> None:
        """Store blocks, all or none; see `Disclosures`."""
        for block in blocks:
            present = self.blocks.get(block.leaf_index)
            if present is not None and not same_block(present, block):
                raise conflict("block of leaf", block.leaf_index)
            for entry in block.entries:
                if self.entries.get(entry.sequence, entry) != entry:
                    raise conflict("entry", entry.sequence)
        for block in blocks:
            self.blocks.setdefault(block.leaf_index, block)
            self.entries.update((entry.sequence, entry) for entry in block.entries)

    def read(self, first_leaf: int, max_blocks: int) -> list[StoredBlock]:
        """Return blocks from a leaf on; see `Disclosures`."""
        chosen = sorted(leaf for leaf in self.blocks if leaf >= first_leaf)[:max_blocks]
        heads = take_bounded([self.blocks[leaf] for leaf in chosen])
        return fill_blocks(heads, [entry for _, entry in sorted(self.entries.items())])

    def find(self, sequence: int) -> StoredBlock | None:
        """Return the block that says it holds an entry, with its entries, or None."""
        entry = self.entries.get(sequence)
        return None if entry is None else next(iter(self.read(entry.leaf_index, 1)), None)

    def totals(self) -> Totals:
        """Return how much is stored."""
        return Totals(
            len(self.blocks),
            len(self.entries),
            max(self.blocks, default=None),
            _bounds(self.entries),
        )


def _bounds(sequences: Iterable[int]) -> dict[int, tuple[int, int]]:
    found: dict[int, tuple[int, int]] = {}
    for sequence in sequences:
        first, last = found.get(worker_of(sequence), (sequence, sequence))
        found[worker_of(sequence)] = min(first, sequence), max(last, sequence)
    return found


def sequence_ranges(blocks: Iterable[StoredBlock]) -> list[tuple[int, int]]:
    """Return the first and the last sequence that blocks claim, for each worker on its own.

    Two workers' numbers lie far apart, and what stands between them belongs to other leaves.
    """
    found: dict[int, tuple[int, int]] = {}
    for block in blocks:
        first, last = found.get(worker_of(block.first), (block.first, block.last))
        found[worker_of(block.first)] = min(first, block.first), max(last, block.last)
    return sorted(found.values())


def same_block(one: StoredBlock, other: StoredBlock) -> bool:
    """Tell whether two blocks' own rows are equal; entries are compared on their own."""
    return (one.leaf_index, one.first, one.last, one.salt, one.root) == (
        other.leaf_index,
        other.first,
        other.last,
        other.salt,
        other.root,
    )


def conflict(what: str, number: int) -> VerificationError:
    """Return the error for content that differs from what is stored."""
    return VerificationError(
        f"the disclosures have another {what} {number} than the spool",
        hint="stop, keep a copy of the whole data folder, and run `doorward log verify`",
    )


def take_bounded(blocks: Sequence[StoredBlock]) -> list[StoredBlock]:
    """Return the first blocks that claim no more entries than one read may hold, at least one."""
    claimed = 0
    taken: list[StoredBlock] = []
    for block in blocks:
        claimed += max(0, block.last - block.first + 1)
        if taken and claimed > MAX_READ_ENTRIES:
            break
        taken.append(block)
    return taken


def fill_blocks(blocks: Sequence[StoredBlock], entries: Sequence[StoredEntry]) -> list[StoredBlock]:
    """Return blocks with the entries of their ranges; an entry belongs to a block by its sequence alone.

    Args:
        entries: Ascending by sequence.
    """
    numbers = [entry.sequence for entry in entries]
    return [
        replace(
            block,
            entries=tuple(entries[bisect_left(numbers, block.first) : bisect_right(numbers, block.last)]),
        )
        for block in blocks
    ]
