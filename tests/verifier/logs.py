"""Small logs of any entries, made without a spool, and what an attacker who has the key would write."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from doorward.notes.note import Signer, format_verifier
from doorward.record.checkpoint import Checkpoint, format_checkpoint
from doorward.record.edge import RightEdge
from doorward.record.proof import format_proof, make_inclusion
from doorward.record.tiles import parse_tile, read_node
from doorward.verifier.note import Key, parse_key

SIGNER = Signer.make("doorward.example/test", bytes(32))
OTHER = Signer.make("doorward.example/test", bytes(31) + b"\x01")
KEY_TEXT = format_verifier(SIGNER.verifier)
KEY = parse_key(KEY_TEXT)


def leaf(number: int, salt: bytes = b"") -> bytes:
    """An entry of a record's length."""
    return (b"\x01" + number.to_bytes(8, "big") + salt).ljust(33, b".")


@dataclass
class Log:
    """The files of a log by path."""

    files: dict[str, bytes]
    signer: Signer
    size: int

    @property
    def key(self) -> Key:
        return parse_key(format_verifier(self.signer.verifier))

    def write(self, folder: Path) -> Path:
        for path, data in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        return folder

    def proof(self, index: int) -> bytes:
        def read_tile(level: int, at: int) -> Sequence[bytes]:
            width = min(256, (self.size >> (8 * level)) - at * 256)
            stem = f"tile/{level}/{at:03}"
            return parse_tile(self.files[stem if width == 256 else f"{stem}.p/{width}"], width)

        hashes = make_inclusion(lambda level, at: read_node(read_tile, level, at), index, self.size)
        return format_proof(leaf_index=index, proof=hashes, signed_checkpoint=self.files["checkpoint"])


def make_log(
    entries: Iterable[bytes], signer: Signer = SIGNER, *, stops: Sequence[int] = (), origin: str | None = None
) -> Log:
    """Return a log of entries.

    Args:
        stops: Sizes at which it was signed before, whose partial tiles are still there.
        origin: The checkpoint's, where it is not the key's name.
    """
    edge = RightEdge()
    files: dict[str, bytes] = {"vkey": format_verifier(signer.verifier).encode() + b"\n"}
    for number, entry in enumerate(entries):
        if number in stops:
            files |= {tile.path: data for tile, data in edge.take_tiles()}
        edge.append(entry)
    files |= {tile.path: data for tile, data in edge.take_tiles()}
    named = Signer(origin, signer.seed) if origin else signer
    files["checkpoint"] = format_checkpoint(Checkpoint(named.name, edge.size, edge.root()), named)
    return Log(files, signer, edge.size)


def log_of(size: int, *, stops: Sequence[int] = (), salt: bytes = b"") -> Log:
    return make_log(map(leaf, range(size), [salt] * size), stops=stops)


Change = Callable[[dict[str, bytes]], None]
