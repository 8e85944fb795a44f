"""Ed25519, trees, notes and keys, written with nothing but Python 3.8: the first part of `verify_log.py`.

Sources: RFC 8032, RFC 6962, C2SP signed-note, tlog-checkpoint, tlog-cosignature.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import List, Optional, Sequence, Tuple

MAX_SIZE = 2**63 - 1
MAX_NOTE = 128 * 1024

Hash = bytes
Row = Sequence[Optional[Hash]]
Key = Tuple[str, int, bytes]  # name, type (1 a log's, 4 a cosigner's, 6 a cosigner's of ML-DSA-44), bytes
ML_DSA = 6
ML_DSA_LINE = 8 + 2420  # a time and a signature of ML-DSA-44


class UsageError(Exception):
    """Used wrongly: exit code 2."""


class UnknownError(Exception):
    """Could not be read: exit code 3."""


class FalseError(Exception):
    """Not what it must be: exit code 1; the first argument is the kind."""

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(what)
        self.kind = kind


# Ed25519, RFC 8032 section 5.1; slow, and only to verify, so nothing secret passes here

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
Point = Tuple[int, int, int, int]


def add_points(a: Point, b: Point) -> Point:
    """Return a sum, section 5.1.4."""
    m, n = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    k, z = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = n - m, z - k, z + k, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply_point(scalar: int, point: Point) -> Point:
    """Return a multiple."""
    total: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = add_points(total, point)
        point = add_points(point, point)
        scalar >>= 1
    return total


def find_x(y: int, sign: int) -> int | None:
    """Return a point's other coordinate, section 5.1.3, or None."""
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = find_x(BASE_Y, 0) or 0
BASE: Point = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def ed25519_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return True where a signature holds, section 5.1.7, without the cofactor."""
    if len(public) != 32 or len(signature) != 64:
        return False
    number = int.from_bytes(public, "little")
    y = number & ((1 << 255) - 1)
    x = find_x(y, number >> 255)
    scalar = int.from_bytes(signature[32:], "little")
    if x is None or scalar >= ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    challenge = int.from_bytes(digest, "little") % ORDER
    minus: Point = (P - x, y, 1, (P - x) * y % P)
    got = add_points(multiply_point(scalar, BASE), multiply_point(challenge, minus))
    inverse = pow(got[2], P - 2, P)
    encoded = (got[1] * inverse % P) | ((got[0] * inverse % P & 1) << 255)
    return encoded.to_bytes(32, "little") == signature[:32]


# trees, RFC 6962 and RFC 9162


def sha(data: bytes) -> Hash:
    """Return SHA-256."""
    return hashlib.sha256(data).digest()


def fold(row: Sequence[Hash]) -> Hash:
    """Return the root over a row of hashes, split as RFC 6962 section 2.1 says it."""
    if len(row) < 2:
        return row[0] if row else sha(b"")
    half = 1 << ((len(row) - 1).bit_length() - 1)
    return sha(b"\x01" + fold(row[:half]) + fold(row[half:]))


def is_included(leaf: Hash, index: int, size: int, proof: Sequence[Hash], root: Hash) -> bool:
    """Return True where a proof leads from a leaf's hash to a root; RFC 6962 section 2.1.1, from the root down."""

    def climb(at: int, count: int, rest: Sequence[Hash]) -> Hash | None:
        if count == 1:
            return None if rest else leaf
        if not rest:
            return None
        half = 1 << ((count - 1).bit_length() - 1)
        node = climb(at, half, rest[:-1]) if at < half else climb(at - half, count - half, rest[:-1])
        if node is None:
            return None
        return sha(b"\x01" + (node + rest[-1] if at < half else rest[-1] + node))

    is_form = (
        0 <= index < size <= MAX_SIZE and len(proof) < 64 and {len(one) for one in (leaf, *proof)} == {32}
    )
    return is_form and climb(index, size, proof) == root


# notes and keys


def unbase64(text: str, kind: str, size: int = 0) -> bytes:
    """Return the bytes of canonical base64, of that many bytes."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError as error:
        raise FalseError(kind, "expected base64") from error
    if base64.b64encode(raw).decode() != text or (size and len(raw) != size):
        raise FalseError(kind, "expected canonical base64 of %s bytes" % (size or "some"))  # short
    return raw


def key_id(key: Key) -> bytes:
    """Return the four bytes by which signature lines name a key."""
    return sha(key[0].encode() + b"\n" + bytes([key[1]]) + key[2])[:4]


def read_key(text: str) -> Key:
    """Return the key of a line `name+id+base64`."""
    match = re.fullmatch(r"([^+\s\x00-\x1f\x7f]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)", text.strip())
    if not match:
        raise FalseError("file-malformed", "expected a verifier key: a name, an id and a key, joined by `+`")
    raw = unbase64(match.group(3), "file-malformed")
    key = (match.group(1), raw[0], raw[1:])
    if len(key[2]) != {1: 32, 4: 32, ML_DSA: 1312}.get(raw[0]) or key_id(key).hex() != match.group(2):
        raise FalseError("file-malformed", "expected a key of type 1, 4 or 6 with its own id")
    return key


def split_note(raw: bytes) -> tuple[bytes, list[tuple[str, bytes, bytes]]]:
    """Return a note's text and its lines: name, key id, signature."""
    kind = "checkpoint-malformed"
    try:
        whole = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FalseError(kind, "a note is UTF-8") from error
    text, mark, below = whole.rpartition("\n\n")
    if len(raw) > MAX_NOTE or re.search(r"[\x00-\x09\x0b-\x1f\x7f]", whole) or not mark or below[-1:] != "\n":
        raise FalseError(kind, "a note has a text, an empty line, signature lines and no control characters")
    lines: List[Tuple[str, bytes, bytes]] = []
    for line in below[:-1].split("\n"):
        match = re.fullmatch(r"\u2014 ([^+\s]+) ([A-Za-z0-9+/=]+)", line)
        signature = unbase64(match.group(2), kind) if match else b""
        if not match or len(signature) < 5 or len(lines) == 64:
            raise FalseError(kind, "a note has at most 64 signature lines, with a name and a signature")
        lines.append((match.group(1), signature[:4], signature[4:]))
    return (text + "\n").encode(), lines


def signed_at(text: bytes, lines: Sequence[tuple[str, bytes, bytes]], key: Key) -> int:
    """Return when a key signed, 0 for a log's; each line of the key must hold."""
    times = []
    for name, number, signature in lines:
        if (name, number) == (key[0], key_id(key)):
            moment, message = 0, text
            if key[1] == 4:
                moment, signature = int.from_bytes(signature[:8], "big"), signature[8:]  # noqa: PLW2901  # the rest
                message = b"cosignature/v1\ntime %d\n" % moment + text
            if not ed25519_holds(key[2], message, signature):
                raise FalseError("signature-false", f"the signature of `{key[0]}` does not hold")
            times.append(moment)
    if not times:
        raise FalseError(
            "signature-missing", f"expected a signature of `{key[0]}`, got none that it could have made"
        )
    return max(times)


def read_checkpoint(raw: bytes, key: Key, witnesses: Sequence[Key]) -> tuple[int, Hash, list[str], list[str]]:
    """Return size and root of a checkpoint that the key, and each witness, signed; notes; and what nobody could tell.

    ML-DSA-44 is not checked here: such a cosignature counts for nothing, and that is said of each.
    """
    text, lines = split_note(raw)
    claims = text.decode().split("\n")
    if len(claims) != 4 or not claims[0] or not re.fullmatch(r"0|[1-9][0-9]{0,18}", claims[1]):
        raise FalseError(
            "checkpoint-malformed", "a checkpoint has an origin, a size and a root, nothing else"
        )
    size, root = int(claims[1]), unbase64(claims[2], "checkpoint-malformed", 32)
    if size > MAX_SIZE:
        raise FalseError("checkpoint-malformed", "the size is too large")
    if claims[0] != key[0]:
        raise FalseError("checkpoint-origin", f"expected one of `{key[0]}`, got one of `{claims[0]!a}`")
    signed_at(text, lines, key)
    if size == 0 and root != sha(b""):
        raise FalseError("checkpoint-root", "an empty tree has the empty root")
    said, unknown = [], []
    for one in witnesses:
        if one[1] == ML_DSA and any((name, number) == (one[0], key_id(one)) for name, number, _ in lines):
            unknown.append(
                f"whether {one[0]} cosigned: its line is there, of ML-DSA-44, which this file does not check; "
                "`doorward log verify` does"
            )
            continue
        moment = signed_at(text, lines, one)
        said.append(f"cosigned by {one[0]}" + (f", {moment} s after 1970-01-01 UTC" if moment else ""))
    known = {(one[0], key_id(one)) for one in (key, *witnesses)}
    for name, number, signature in lines:
        if len(signature) == ML_DSA_LINE and (name, number) not in known:
            said.append(f"not checked: a line of {name!a}, as long as a cosignature of ML-DSA-44")
    return size, root, said, unknown
