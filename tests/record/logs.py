"""Small logs in memory, honest and forked, as a witness is shown them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from doorward.notes.note import Signer
from doorward.record.checkpoint import Checkpoint, format_checkpoint
from doorward.record.proof import ReadNode, make_consistency
from doorward.record.tree import root_of
from doorward.record.witness import format_request
from record.samples import leaf_hashes, naive_root

SIGNER = Signer.make("city.example/log", bytes(range(32)))


def reader(hashes: Sequence[bytes]) -> ReadNode:
    def read(level: int, index: int) -> bytes:
        return naive_root(hashes[index << level : (index + 1) << level])

    return read


@dataclass
class SmallLog:
    """A log of some hashes; `forked_at` is the first leaf that is not the honest one."""

    signer: Signer = SIGNER
    forked_at: int = 10_000
    hashes: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        honest = leaf_hashes(200)
        self.hashes = [
            one if at < self.forked_at else bytes([one[0] ^ 1]) + one[1:] for at, one in enumerate(honest)
        ]

    def root(self, size: int) -> bytes:
        return root_of(self.hashes[:size])

    def checkpoint(self, size: int) -> bytes:
        return format_checkpoint(Checkpoint(self.signer.name, size, self.root(size)), self.signer)

    def proof(self, old: int, size: int) -> list[bytes]:
        return make_consistency(reader(self.hashes[:size]), old, size) if 0 < old <= size else []

    def request(self, old: int, size: int) -> bytes:
        return format_request(old, self.proof(old, size), self.checkpoint(size))
