"""An exhibit checked, by code that shares nothing with what wrote it: only SHA-256 and Ed25519 come from elsewhere.

In this order, and everything that is false is named:

1. The form: bounded, one spelling for one content.
2. The sum in its second line is that of the bytes behind it.
3. The shown fields and the other digests give the commitment; the siblings lead from it to the block's root; root, salt
   and schema give the public leaf.
4. The leaf is in the tree of the checkpoint, at the place that is named.
5. The log's key signed the checkpoint, and its origin is that key's name.
6. Witnesses whose keys were given signed it too, at a time.

Source: docs/reference/record-format.md; RFC 6962 section 2.1.1; C2SP tlog-proof, tlog-checkpoint, signed-note and
tlog-cosignature.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LARGEST: Final = 96 * 1024 * 1024
_HEAD: Final = b"doorward-exhibit@v1\nsum "
_PROOF: Final = "c2sp.org/tlog-proof@v1"
_LOG_KEY, _WITNESS_KEY = 1, 4
_MOST_LINES: Final = 64 + 64 + 8
_MOST_SIGNATURES: Final = 64
_NAME: Final = re.compile(r"[a-z_]{1,64}")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A verifier key of C2SP: of a log (type 1) or of a witness (type 4)."""

    name: str
    id: bytes
    kind: int
    key: bytes


@dataclass(frozen=True, slots=True)
class Shown:
    """What an exhibit says, and whether it holds.

    Args:
        fields: Names and values as they were recorded, in the order of the file.
        hidden: How many digests stand for what is not shown; decoys are among them.
        leaf_index: Of the log.
        tree_size: Of the checkpoint.
        witnesses: Names and times, in seconds since 1970, of the cosignatures that hold.
        others: How many signatures are of keys that were not given.
        faults: What is false, one line each; where there is any, nothing above is proved.
    """

    fields: tuple[tuple[str, bytes], ...] = ()
    hidden: int = 0
    origin: str = ""
    leaf_index: int = 0
    tree_size: int = 0
    witnesses: tuple[tuple[str, int], ...] = ()
    others: int = 0
    faults: tuple[str, ...] = ()


class _BadError(Exception):
    pass


def read_public_key(text: str) -> PublicKey:
    """Return a verifier key.

    Raises:
        ValueError: It is none of an Ed25519 log or witness, or its id is not its own.
    """
    name, _, rest = text.strip().partition("+")
    number, _, encoded = rest.partition("+")
    try:
        raw = _base64(encoded)
    except _BadError as error:
        raise ValueError("a verifier key is a name, an id and a key, joined by `+`") from error
    if not name or len(raw) != 33 or raw[0] not in {_LOG_KEY, _WITNESS_KEY}:
        raise ValueError("expected the verifier key of an Ed25519 log or witness")
    own = sha256(name.encode() + b"\n" + raw).digest()[:4]
    if own.hex() != number:
        raise ValueError("the verifier key has an id that is not its own")
    return PublicKey(name, own, raw[0], raw[1:])


def check_exhibit(raw: bytes, key: PublicKey, witnesses: Sequence[PublicKey] = ()) -> Shown:
    """Return what a file says and everything that is false in it.

    Args:
        raw: Of anybody.
        key: The log's, got by a way that is trusted.
        witnesses: Of those whose cosignatures are to be counted.
    """
    faults: list[str] = []
    try:
        body = _check_sum(raw, faults)
        head, _, proof = body.partition(b"\n\n")
        fields, hidden, leaf = _open_leaf(_lines(head))
        index, path, note = _read_proof(proof)
        text, signatures = _read_note(note)
        origin, size, root = _read_checkpoint(text)
        if not _is_included(sha256(b"\0" + leaf).digest(), index, size, path, root):
            faults.append(
                "what is shown is not in the log: it does not lead to the root of the checkpoint, at that place"
            )
        if origin != key.name:
            faults.append(f"the checkpoint is of the log `{origin[:80]}`, and the key of `{key.name}`")
        seen, others = _check_signatures(text, signatures, key, witnesses, faults)
    except _BadError as error:
        return Shown(faults=(*faults, str(error)))
    return Shown(fields, hidden, origin, index, size, seen, others, tuple(faults))


def _check_sum(raw: bytes, faults: list[str]) -> bytes:
    if len(raw) > LARGEST:
        raise _BadError(f"an exhibit has at most {LARGEST} bytes")
    if not raw.startswith(_HEAD):
        raise _BadError("the file does not begin as an exhibit of version 1 does")
    said, _, body = raw[len(_HEAD) :].partition(b"\n")
    if _base64(_text(said)) != sha256(body).digest():
        faults.append("the file was changed after it was made: its sum is another")
    return body


def _lines(head: bytes) -> list[list[str]]:
    lines = _text(head).split("\n")
    if len(lines) > _MOST_LINES:
        raise _BadError("the exhibit has too many lines before its proof")
    return [line.split(" ") for line in lines]


def _open_leaf(lines: list[list[str]]) -> tuple[tuple[tuple[str, bytes], ...], int, bytes]:
    """Return the fields, the number of other digests, and the public leaf."""
    fields: list[tuple[str, bytes]] = []
    digests: list[bytes] = []
    other: list[bytes] = []
    while lines and lines[0][0] == "field":
        name, salt, value = _parts(lines.pop(0), 3)
        if not _NAME.fullmatch(name) or (fields and name <= fields[-1][0]):
            raise _BadError("the exhibit's fields have names, each once, ascending")
        content = b"" if value == "-" else _base64(value)
        if not content and value != "-":
            raise _BadError("an empty value is written `-`")
        fields.append((name, content))
        digests.append(sha256(_hash(salt) + bytes((len(name),)) + name.encode() + content).digest())
    while lines and lines[0][0] == "digest":
        other.append(_hash(*_parts(lines.pop(0), 1)))
    every = sorted({*digests, *other})
    if (
        other != sorted(set(other))
        or len(every) != len(digests) + len(other)
        or len(every) not in {16, 32, 48, 64}
    ):
        raise _BadError("the exhibit has 16 digests or a multiple of them, each once, ascending")
    node = sha256(b"\0" + sha256(b"".join(every)).digest()).digest()
    while lines and lines[0][0] in {"left", "right"}:
        side = lines[0][0]
        sibling = _hash(*_parts(lines.pop(0), 1))
        node = sha256(b"\1" + (sibling + node if side == "left" else node + sibling)).digest()
    if [line[0] for line in lines] != ["salt", "schema"]:
        raise _BadError("the exhibit has other lines than fields, digests, siblings, a salt and a schema")
    block_salt = _base64(*_parts(lines[0], 1))
    if len(block_salt) != 16 or lines[1][1:] != ["1"]:
        raise _BadError("a block's salt has 16 bytes, and the schema is 1")
    return tuple(fields), len(other), b"\1" + sha256(block_salt + node).digest()


def _read_proof(proof: bytes) -> tuple[int, list[bytes], bytes]:
    head, mark, note = proof.partition(b"\n\n")
    lines = _text(head).split("\n")
    if not mark or len(lines) < 2 or lines[0] != _PROOF or len(lines) > 65:
        raise _BadError(f"the proof is no file of `{_PROOF}`")
    word, _, number = lines[1].partition(" ")
    if word != "index" or not _NUMBER.fullmatch(number):
        raise _BadError("the proof names no leaf")
    return int(number), [_hash(line) for line in lines[2:]], note


def _read_note(note: bytes) -> tuple[bytes, list[tuple[str, bytes, bytes]]]:
    text, mark, below = note.rpartition(b"\n\n")
    if not mark or not below.endswith(b"\n") or len(note) > 65_536:
        raise _BadError("the checkpoint is no signed note")
    signatures = []
    for line in _text(below[:-1], "utf-8").split("\n"):
        dash, name, encoded = _parts(["", *line.split(" ")], 3)
        raw = _base64(encoded)
        if dash != "\N{EM DASH}" or not name or len(raw) < 5:
            raise _BadError("a line below the checkpoint is no signature")
        signatures.append((name, raw[:4], raw[4:]))
    if len(signatures) > _MOST_SIGNATURES:
        raise _BadError(f"a checkpoint has at most {_MOST_SIGNATURES} signatures")
    return text + b"\n", signatures


def _read_checkpoint(text: bytes) -> tuple[str, int, bytes]:
    lines = _text(text, "utf-8").split("\n")
    if len(lines) != 4 or lines[3] or not lines[0] or not _NUMBER.fullmatch(lines[1]):
        raise _BadError("the checkpoint has an origin, a size and a root, and nothing else")
    return lines[0], int(lines[1]), _hash(lines[2])


def _is_included(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    """Climb as RFC 9162 section 2.1.3.2 says it, bit by bit."""
    if index >= size:
        return False
    node, at, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            node = sha256(b"\1" + sibling + node).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = sha256(b"\1" + node + sibling).digest()
        at, last = at >> 1, last >> 1
    return last == 0 and node == root


def _check_signatures(
    text: bytes,
    signatures: list[tuple[str, bytes, bytes]],
    key: PublicKey,
    witnesses: Sequence[PublicKey],
    faults: list[str],
) -> tuple[tuple[tuple[str, int], ...], int]:
    is_signed, others = False, 0
    seen: dict[tuple[str, bytes], int] = {}  # a name may have several keys, and a key may sign again
    known = {(one.name, one.id): one for one in witnesses}
    for name, number, signature in signatures:
        witness = known.get((name, number))
        if (name, number) == (key.name, key.id):
            if _holds(key, signature, text):
                is_signed = True
            else:
                faults.append("the signature of the log's key does not hold")
        elif witness is not None:
            moment = int.from_bytes(signature[:8], "big")
            signed = b"cosignature/v1\ntime %d\n" % moment + text
            if len(signature) == 72 and _holds(witness, signature[8:], signed):
                seen[name, number] = max(moment, seen.get((name, number), 0))
            else:
                faults.append(f"the cosignature of `{name[:80]}` does not hold")
        else:
            others += 1
    if not is_signed:
        faults.append(f"the key of `{key.name}` did not sign the checkpoint")
    missing = sorted(known.keys() - seen.keys())
    faults.extend(f"the witness `{name}` did not sign the checkpoint" for name, _ in missing)
    return tuple((name, moment) for (name, _), moment in seen.items()), others


def _holds(key: PublicKey, signature: bytes, text: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key.key).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def _parts(line: list[str], count: int) -> list[str]:
    if len(line) != count + 1:
        raise _BadError("a line of the exhibit has another number of parts than it must have")
    return line[1:]


def _hash(text: str) -> bytes:
    raw = _base64(text)
    if len(raw) != 32:
        raise _BadError("a hash or a field's salt has 32 bytes")
    return raw


def _base64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _BadError("the exhibit has something else where base64 belongs") from error
    if base64.b64encode(raw).decode() != text:
        raise _BadError("base64 has one spelling, and the exhibit another")
    return raw


def _text(raw: bytes, encoding: str = "ascii") -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise _BadError("the exhibit has bytes that are no text") from error
