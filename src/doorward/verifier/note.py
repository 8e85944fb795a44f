"""Signed notes and checkpoints for somebody who only checks; pure.

1. A note is UTF-8 without control characters other than newline: a text, an empty line, signature lines.
2. A line of a known key (its name and its id) must hold, and each one of them; one that does not refuses the note.
3. Lines of other keys are ignored, and their number is bounded.
4. A checkpoint has three lines: the log's name, which is its key's, its size and its root. Extension lines are refused,
   as some kinds of cosignature do not cover them.
5. A cosignature of ML-DSA-44 is checked where the cryptography library has it. Where it has not, it counts for nothing,
   and that is said of each that was asked for. One that was not asked for is told by its length.

Source: C2SP signed-note, tlog-checkpoint, tlog-cosignature.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from doorward.errors import MalformedError
from doorward.verifier.findings import Kind
from doorward.verifier.merkle import EMPTY_ROOT, HASH_BYTES, MAX_SIZE

MAX_NOTE_BYTES: Final = 128 * 1024  # 16 signatures of ML-DSA in base64
MAX_SIGNATURES: Final = 64
PROOF_HEADER: Final = "c2sp.org/tlog-proof@v1"
MAX_PROOF_HASHES: Final = 63

_ED25519: Final = 1
_COSIGNATURE: Final = 4
ML_DSA_44: Final = 6
_KEY_BYTES: Final = {_ED25519: 32, _COSIGNATURE: 32, ML_DSA_44: 1312}
_ML_DSA_LABEL: Final = b"subtree/v1\n\0"
_ML_DSA_LINE_BYTES: Final = 8 + 2420
_MAX_COSIGNED_NAME_BYTES: Final = 255
_ID_BYTES: Final = 4
_SIGNATURE_BYTES: Final = 64
_TIME_BYTES: Final = 8
_DASH: Final = "\N{EM DASH} "
_KEY_TEXT: Final = re.compile(r"([^+\s\x00-\x1f\x7f]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class FalseNoteError(Exception):
    """A note that is not what it must be.

    Args:
        kind: What it fails in.
        what: One line.
    """

    def __init__(self, kind: Kind, what: str) -> None:
        super().__init__(what)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Key:
    """A public key under its name, of a log or of a cosigner."""

    name: str
    algorithm: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes by which signature lines name this key."""
        return sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public).digest()[:_ID_BYTES]


@dataclass(frozen=True, slots=True)
class Line:
    """One signature line; nothing of it is verified."""

    name: str
    id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note as it stands there; nothing of it is verified."""

    text: bytes
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Signed:
    """What a log's key signed.

    Args:
        witnesses: The cosigners among those that were asked for, with the second since 1970 at which each signed.
        unknown: Those of which a line is there that nothing here can check; they count for nothing.
        unasked: Whose lines of ML-DSA-44, by their length, nobody asked for; not checked.
    """

    origin: str
    size: int
    root: bytes
    witnesses: tuple[tuple[str, int], ...] = ()
    unknown: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()


def decode_base64(text: str) -> bytes:
    """Return the bytes of canonical standard base64.

    Raises:
        MalformedError: It is something else.
    """
    try:
        value = b64decode(text.encode("ascii"), validate=True)
    except (ValueError, UnicodeEncodeError) as error:
        raise MalformedError("expected standard base64, and this is none") from error
    if b64encode(value).decode() != text:
        raise MalformedError("expected canonical base64, and this is another spelling of it")
    return value


def parse_key(text: str) -> Key:
    """Return the key that one line describes.

    Args:
        text: A verifier key of a log or of a cosigner, as C2SP writes it.

    Raises:
        MalformedError: It is none, of a kind that this version does not check, or its id is not its own.
    """
    match = _KEY_TEXT.fullmatch(text)
    if match is None or any(sign.isspace() for sign in match[1]):
        raise MalformedError("expected a verifier key: a name, an id and a key, joined by `+`")
    raw = decode_base64(match[3])
    if not raw or len(raw) - 1 != _KEY_BYTES.get(raw[0]):
        raise MalformedError(
            "expected a key of type 1 or 4, which are Ed25519, or of type 6, which is ML-DSA-44"
        )
    key = Key(match[1], raw[0], raw[1:])
    if key.id.hex() != match[2]:
        raise MalformedError(f"the verifier key of `{key.name}` has an id that is not its own")
    return key


def parse_note(raw: bytes) -> Note:
    """Return the text and signature lines of a note.

    Args:
        raw: Of anybody.

    Raises:
        MalformedError: It is none, or larger than one may be.
    """
    if len(raw) > MAX_NOTE_BYTES:
        raise MalformedError(f"a note has at most {MAX_NOTE_BYTES} bytes")
    try:
        whole = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError("a note is UTF-8") from error
    if any((sign < " " and sign != "\n") or sign == "\x7f" for sign in whole):
        raise MalformedError("a note has no control characters but newlines")
    cut = whole.rfind("\n\n")
    below = whole[cut + 2 :]
    if cut < 0 or not below.endswith("\n"):
        raise MalformedError("a note has a text, an empty line and signature lines")
    lines = below[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedError(f"a note has at most {MAX_SIGNATURES} signatures, got {len(lines)}")
    return Note(whole[: cut + 1].encode(), tuple(_parse_line(line) for line in lines))


def _parse_line(line: str) -> Line:
    name, space, text = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not name or "+" in name or any(map(str.isspace, name)):
        raise MalformedError("a signature line is an em dash, a name and a signature, with a space between")
    raw = decode_base64(text)
    if len(raw) <= _ID_BYTES:
        raise MalformedError("a signature line has a key id and a signature")
    return Line(name, raw[:_ID_BYTES], raw[_ID_BYTES:])


def read_checkpoint(raw: bytes, key: Key, witnesses: Sequence[Key] = ()) -> Signed:
    """Return what a log's key signed.

    Args:
        raw: Of anybody.
        key: The log's.
        witnesses: Cosigners that must have signed it too, each of them.

    Raises:
        FalseNoteError: It is no checkpoint of this log, or one of these keys did not sign it; a key of ML-DSA-44 is a
            cosigner's and no log's.
    """
    if key.algorithm == ML_DSA_44:
        raise FalseNoteError(
            Kind.SIGNATURE_MISSING,
            f"`{key.name}` is the key of a cosigner (ML-DSA-44), and a log's is Ed25519",
        )
    try:
        note = parse_note(raw)
        origin, size, root = _parse_claims(note.text)
    except MalformedError as error:
        raise FalseNoteError(Kind.CHECKPOINT_MALFORMED, str(error)) from error
    if origin != key.name:
        raise FalseNoteError(Kind.CHECKPOINT_ORIGIN, f"expected one of `{key.name}`, got one of `{origin!a}`")
    verify_lines(note, key)
    if size == 0 and root != EMPTY_ROOT:
        raise FalseNoteError(Kind.CHECKPOINT_ROOT, "expected the empty root at size 0, got another")
    unknown = [one for one in witnesses if _is_unknown(note, one)]
    return Signed(
        origin,
        size,
        root,
        tuple((one.name, verify_lines(note, one)) for one in witnesses if one not in unknown),
        tuple(one.name for one in unknown),
        tuple(_unasked(note, (key, *witnesses))),
    )


def _is_unknown(note: Note, key: Key) -> bool:
    """Tell whether a key's line is there and the library at hand cannot check it."""
    if key.algorithm != ML_DSA_44 or not any(
        (line.name, line.id) == (key.name, key.id) for line in note.lines
    ):
        return False
    try:
        MLDSA44PublicKey.from_public_bytes(key.public)
    except UnsupportedAlgorithm:
        return True
    except ValueError:
        return False  # no key: its line does not hold
    return False


def _unasked(note: Note, keys: Sequence[Key]) -> list[str]:
    known = {(key.name, key.id) for key in keys}
    return [
        line.name
        for line in note.lines
        if len(line.signature) == _ML_DSA_LINE_BYTES and (line.name, line.id) not in known
    ]


def _parse_claims(text: bytes) -> tuple[str, int, bytes]:
    lines = text.decode().split("\n")
    if len(lines) != 4:
        raise MalformedError(
            f"a checkpoint has an origin, a size and a root and no extension lines, got {len(lines) - 1} lines"
        )
    if not lines[0]:
        raise MalformedError("a checkpoint names its log")
    if not _NUMBER.fullmatch(lines[1]) or int(lines[1]) > MAX_SIZE:
        raise MalformedError(f"a checkpoint's size is a decimal number of at most {MAX_SIZE}")
    root = decode_base64(lines[2])
    if len(root) != HASH_BYTES:
        raise MalformedError(f"a checkpoint's root has {HASH_BYTES} bytes, got {len(root)}")
    return lines[0], int(lines[1]), root


def verify_lines(note: Note, key: Key) -> int:
    """Return the time at which a key signed, 0 for a log's; every line of this key must hold."""
    times = [
        _check_line(note, line, key) for line in note.lines if (line.name, line.id) == (key.name, key.id)
    ]
    if not times:
        raise FalseNoteError(
            Kind.SIGNATURE_MISSING,
            f"expected a signature of `{key.name}`, got none that this key could have made",
        )
    return max(times)


def _check_line(note: Note, line: Line, key: Key) -> int:
    if key.algorithm == ML_DSA_44:
        return _check_ml_dsa(note, line, key)
    time, text, signature = 0, note.text, line.signature
    if key.algorithm == _COSIGNATURE:
        if len(signature) == _TIME_BYTES + _SIGNATURE_BYTES:
            time = int.from_bytes(signature[:_TIME_BYTES], "big")
        text = b"cosignature/v1\ntime %d\n" % time + text
        signature = signature[_TIME_BYTES:]
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text)
    except (InvalidSignature, ValueError) as error:
        raise FalseNoteError(Kind.SIGNATURE_FALSE, f"the signature of `{key.name}` does not hold") from error
    return time


def _check_ml_dsa(note: Note, line: Line, key: Key) -> int:
    """Return when a key of ML-DSA-44 signed: the cosigner's name, the time, the log's name, its size and its root."""
    origin, size, root = _parse_claims(note.text)
    names = [key.name.encode(), origin.encode()]
    stated, signature = line.signature[:_TIME_BYTES], line.signature[_TIME_BYTES:]
    if max(map(len, names)) <= _MAX_COSIGNED_NAME_BYTES:
        cosigner, log = (bytes([len(name)]) + name for name in names)
        message = _ML_DSA_LABEL + cosigner + stated + log + bytes(8) + size.to_bytes(8, "big") + root
        try:
            MLDSA44PublicKey.from_public_bytes(key.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            pass
        else:
            return int.from_bytes(stated, "big")
    raise FalseNoteError(Kind.SIGNATURE_FALSE, f"the cosignature of `{key.name}` does not hold")


@dataclass(frozen=True, slots=True)
class ProofFile:
    """A tlog-proof as it stands there; nothing of it is verified.

    Args:
        extra: What the file's maker put beside it, or None.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


def parse_proof(raw: bytes) -> ProofFile:
    """Return a proof file's parts.

    Args:
        raw: Of anybody.

    Raises:
        MalformedError: It is none.

    Source: C2SP tlog-proof.
    """
    head, separator, checkpoint = raw.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise MalformedError("a proof has only ASCII before its checkpoint") from error
    if not separator or len(head) > MAX_NOTE_BYTES or len(lines) < 2 or lines[0] != PROOF_HEADER:
        raise MalformedError(f"expected a file that begins with `{PROOF_HEADER}`")
    extra = decode_base64(lines.pop(1)[6:]) if lines[1].startswith("extra ") else None
    number = lines[1][6:] if len(lines) > 1 and lines[1].startswith("index ") else ""
    if not _NUMBER.fullmatch(number) or int(number) > MAX_SIZE:
        raise MalformedError("expected a line `index` with a decimal number")
    hashes = tuple(decode_base64(line) for line in lines[2:])
    if len(hashes) > MAX_PROOF_HASHES or any(len(value) != HASH_BYTES for value in hashes):
        raise MalformedError(f"a proof has at most {MAX_PROOF_HASHES} hashes of {HASH_BYTES} bytes")
    return ProofFile(int(number), hashes, checkpoint, extra)
