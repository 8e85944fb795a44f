"""Small logs of any entries, made without a spool, and what an attacker who has the key would write."""

from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
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


def exhibit(*, change: Callable[[str], str] = lambda head: head, of: int = 300, at: int = 77) -> bytes:
    """An exhibit (docs/reference/record-format.md), written by hand, of the third entry in a block of four.

    Args:
        change: What somebody does to its head, who puts the right sum there.
    """
    fields = [("kind", b"request"), ("sequence", b"12"), ("text", b"SELECT 1"), ("time", b"1900000000000000")]
    salts = [sha256(name.encode()).digest() for name, _ in fields]
    digests = [
        sha256(salt + bytes([len(name)]) + name.encode() + value).digest()
        for salt, (name, value) in zip(salts, fields, strict=True)
    ]
    hidden = sorted(sha256(b"hidden %d" % number).digest() for number in range(12))
    node = sha256(b"\x00" + sha256(b"".join(sorted([*digests, *hidden]))).digest()).digest()
    right, left = sha256(b"right").digest(), sha256(b"left").digest()
    node = sha256(b"\x01" + node + right).digest()
    node = sha256(b"\x01" + left + node).digest()
    salt = b"s" * 16
    entries = [leaf(number) for number in range(of)]
    entries[at] = b"\x01" + sha256(salt + node).digest()
    lines = [
        *(
            f"field {name} {text64(one)} {text64(value)}"
            for one, (name, value) in zip(salts, fields, strict=True)
        ),
        *(f"digest {text64(one)}" for one in hidden),
        f"right {text64(right)}",
        f"left {text64(left)}",
        f"salt {text64(salt)}",
        "schema 1",
    ]
    body = change("\n".join(lines)).encode() + b"\n\n" + make_log(entries).proof(at)
    return b"doorward-exhibit@v1\nsum " + b64encode(sha256(body).digest()) + b"\n" + body


def text64(raw: bytes) -> str:
    return b64encode(raw).decode()
