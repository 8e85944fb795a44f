"""What a spool's records say when they are read in order: the state that its writer had, and the blocks.

Every reader goes through here: recovery, the publisher, the check. So what the writer may write and what a
reader accepts is one set of rules:

1. Sequences ascend by one, over segments too. Times never fall.
2. Blocks follow each other without a gap; leaf indices ascend by one.
3. An entry that is no request or completion is alone in its block.
4. A segment begins at a block's end, and its head says what the records before it say.
"""

from dataclasses import dataclass, field

from doorward.errors import MalformedError
from doorward.record.entry import (
    JOINED,
    SCHEMA_VERSION,
    Entry,
    block_root,
    commit_entry,
    public_leaf,
)
from doorward.record.frame import BlockClose, SegmentHead, SpoolRecord, Synced
from doorward.record.hashes import Hash
from doorward.record.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Block:
    """A closed block with everything that opens its leaf."""

    leaf_index: int
    salt: bytes
    entries: tuple[Entry, ...]

    @property
    def first(self) -> int:
        """The sequence of the first entry."""
        return self.entries[0].sequence

    @property
    def last(self) -> int:
        """The sequence of the last entry."""
        return self.entries[-1].sequence

    def root(self) -> Hash:
        """Return the root over the entries' commitments; costs some 20 µs an entry."""
        return block_root([commit_entry(entry) for entry in self.entries])


def leaf_of(salt: bytes, root: Hash) -> bytes:
    """Return the public leaf of a block in this version's schema."""
    return public_leaf(SCHEMA_VERSION, salt, root)


@dataclass(slots=True)
class Replay:
    """The state after the records noted so far; a fresh one waits for a segment's head."""

    next_sequence: int = 0
    next_leaf: int = 0
    time_us: int = 0
    ledger: Ledger = field(default_factory=Ledger)
    has_begun: bool = False
    open_entries: list[Entry] = field(default_factory=list)

    def note(self, record: SpoolRecord) -> Block | None:
        """Account for the next record, and return the block that it closes, if it closes one.

        Raises:
            MalformedError: The record cannot follow the ones before it.
        """
        if isinstance(record, Entry):
            self._note_entry(record)
            return None
        if isinstance(record, BlockClose):
            return self._note_close(record)
        if isinstance(record, Synced):
            behind = self.next_sequence - record.next_sequence
            if not self.has_begun or behind < 0 or (behind and record.size is None):
                raise MalformedError(
                    f"entries up to {record.next_sequence} are called synced at the wrong place"
                )
            return None
        self._note_head(record)
        return None

    def _note_entry(self, entry: Entry) -> None:
        if not self.has_begun:
            raise MalformedError("an entry stands before the segment's head")
        if entry.sequence != self.next_sequence:
            raise MalformedError(f"expected entry {self.next_sequence}, got entry {entry.sequence}")
        if entry.time_us < self.time_us:
            raise MalformedError(f"entry {entry.sequence} is older than the entry before it")
        if self.open_entries and not (entry.kind in JOINED and self.open_entries[-1].kind in JOINED):
            raise MalformedError(f"entry {entry.sequence} shares a block that it cannot share")
        self.next_sequence += 1
        self.time_us = entry.time_us
        self.open_entries.append(entry)
        self.ledger.note(entry.kind, entry.session, entry.request, entry.fields)

    def _note_close(self, close: BlockClose) -> Block:
        if not self.open_entries:
            raise MalformedError("a block closes, and none is open")
        first = self.open_entries[0].sequence
        if (close.first, close.next_sequence) != (first, self.next_sequence):
            raise MalformedError(
                f"expected the close of entries {first} up to {self.next_sequence}, "
                f"got {close.first} up to {close.next_sequence}"
            )
        if close.leaf_index != self.next_leaf:
            raise MalformedError(f"expected leaf {self.next_leaf}, got leaf {close.leaf_index}")
        block = Block(close.leaf_index, close.salt, tuple(self.open_entries))
        self.next_leaf += 1
        self.open_entries = []
        return block

    def _note_head(self, head: SegmentHead) -> None:
        if not self.has_begun:
            self.has_begun = True
            self.next_sequence, self.next_leaf, self.time_us = (
                head.next_sequence,
                head.next_leaf,
                head.time_us,
            )
            self.ledger = Ledger(dict.fromkeys(head.sessions), dict.fromkeys(head.requests))
            return
        if self.open_entries:
            raise MalformedError("a segment begins inside a block")
        expected = (self.next_sequence, self.next_leaf)
        got = (head.next_sequence, head.next_leaf)
        if got != expected:
            raise MalformedError(
                f"expected a segment from entry {expected[0]}, leaf {expected[1]}, "
                f"got one from entry {got[0]}, leaf {got[1]}"
            )
        if head.sessions != tuple(self.ledger.sessions) or head.requests != tuple(self.ledger.requests):
            raise MalformedError("the segment's head names other open sessions or requests than the records")
