"""Keys that sign checkpoints, whosever, and cosignatures: that somebody else saw a log at a size and a time.

1. A cosignature is a note signature whose bytes are a time, u64 in seconds since 1970, and a signature.
2. Type 4 is Ed25519 over `cosignature/v1`, the time and the note's whole text.
3. Type 6 is ML-DSA-44 over a structure of the cosigner's name, the time, the log's origin, its size and its root.
   Extension lines are not in it, so nothing is known about them.
4. A signature of an unknown key is ignored; one that bears a known key's name and id and does not hold refuses the
   whole note.

Where the cryptography library has no ML-DSA, such a key checks nothing: it counts as one that has not signed.

Source: C2SP tlog-cosignature, signed-note.
"""

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from doorward.errors import ConfigError, MalformedError, VerificationError
from doorward.notes.base64 import format_base64, parse_base64
from doorward.notes.note import NoteSignature, UnverifiedNote, check_name
from doorward.record.checkpoint import UnverifiedCheckpoint

SEED_BYTES: Final = 32
MAX_TIMESTAMP: Final = 2**63 - 1
MAX_COSIGNED_NAME_BYTES: Final = 255  # ML-DSA: a name and an origin each have a length of one byte

_PRIVATE_PREFIX: Final = "PRIVATE+KEY+"
_KEY: Final = re.compile(r"([^+]+)\+([0-9a-f]{8})\+(.+)", re.DOTALL)
_TIME: Final = struct.Struct(">Q")
_RANGE: Final = struct.Struct(">QQ")
_LABEL: Final = b"subtree/v1\n\0"


class Algorithm(IntEnum):
    """The signature types of a checkpoint's lines that are read here."""

    ED25519 = 1
    COSIGNATURE_ED25519 = 4
    COSIGNATURE_ML_DSA_44 = 6

    @property
    def has_time(self) -> bool:
        """True for cosignatures."""
        return self is not Algorithm.ED25519


_KEY_BYTES: Final = {
    Algorithm.ED25519: 32,
    Algorithm.COSIGNATURE_ED25519: 32,
    Algorithm.COSIGNATURE_ML_DSA_44: 1312,
}
COSIGNING: Final = (Algorithm.COSIGNATURE_ED25519, Algorithm.COSIGNATURE_ML_DSA_44)


@cache
def has_ml_dsa() -> bool:
    """Return True where the cryptography library at hand makes and checks ML-DSA-44."""
    try:
        MLDSA44PrivateKey.from_seed_bytes(bytes(SEED_BYTES))
    except UnsupportedAlgorithm:
        return False
    return True


@dataclass(frozen=True, slots=True)
class CheckpointKey:
    """The public key of a log or a witness under its name."""

    name: str
    algorithm: Algorithm
    public_key: bytes

    @property
    def id(self) -> bytes:
        """The four bytes by which signature lines name this key."""
        return sha256(self.name.encode() + b"\n" + bytes((self.algorithm,)) + self.public_key).digest()[:4]

    @property
    def can_check(self) -> bool:
        """True where the library at hand checks signatures of this key."""
        return self.algorithm is not Algorithm.COSIGNATURE_ML_DSA_44 or has_ml_dsa()

    def verify(self, checkpoint: UnverifiedCheckpoint, signature: bytes) -> int:
        """Return the time that a signature states, or 0 where its type states none.

        Raises:
            VerificationError: It does not hold.
        """
        time, signed = 0, signature
        if self.algorithm.has_time:
            if len(signature) <= _TIME.size:
                raise VerificationError(f"the cosignature of `{self.name}` is too short for a time")
            (time,) = _TIME.unpack_from(signature)
            signed = signature[_TIME.size :]
            if time > MAX_TIMESTAMP:
                raise VerificationError(f"the cosignature of `{self.name}` states an impossible time")
        try:
            message = _message(self, checkpoint, time)
            if self.algorithm is Algorithm.COSIGNATURE_ML_DSA_44:
                MLDSA44PublicKey.from_public_bytes(self.public_key).verify(signed, message)
            else:
                Ed25519PublicKey.from_public_bytes(self.public_key).verify(signed, message)
        except (InvalidSignature, ValueError, MalformedError) as error:
            raise VerificationError(f"the signature of `{self.name}` does not hold") from error
        return time


@dataclass(frozen=True, slots=True)
class Cosigner:
    """A witness's private key under its name; never shown."""

    name: str
    algorithm: Algorithm
    seed: bytes = field(repr=False)

    @classmethod
    def make(cls, name: str, seed: bytes, algorithm: Algorithm = Algorithm.COSIGNATURE_ED25519) -> Self:
        """Return a cosigner.

        Args:
            seed: 32 random bytes.

        Raises:
            MalformedError: The name is none, the seed has another length, or the type is no cosignature.
            ConfigError: The library at hand has no ML-DSA.
        """
        if len(seed) != SEED_BYTES or algorithm not in COSIGNING:
            raise MalformedError(f"expected a seed of {SEED_BYTES} bytes for a key that cosigns")
        if len(check_name(name).encode()) > MAX_COSIGNED_NAME_BYTES:
            raise MalformedError(f"a witness's name has at most {MAX_COSIGNED_NAME_BYTES} bytes")
        if algorithm is Algorithm.COSIGNATURE_ML_DSA_44 and not has_ml_dsa():
            raise ConfigError(
                "the cryptography library here has no ML-DSA-44",
                hint="install one that has, or use an Ed25519 key",
            )
        return cls(name, algorithm, seed)

    @property
    def key(self) -> CheckpointKey:
        """The public half."""
        if self.algorithm is Algorithm.COSIGNATURE_ML_DSA_44:
            public_key = MLDSA44PrivateKey.from_seed_bytes(self.seed).public_key().public_bytes_raw()
        else:
            public_key = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return CheckpointKey(self.name, self.algorithm, public_key)

    def cosign(self, checkpoint: UnverifiedCheckpoint, time: int) -> NoteSignature:
        """Return the cosignature of a checkpoint; that it may be signed is the caller's to know.

        Args:
            time: Seconds since 1970.

        Raises:
            MalformedError: The time is none, or the origin is longer than ML-DSA's message holds.
        """
        if not 0 < time <= MAX_TIMESTAMP:
            raise MalformedError("a cosignature's time is after 1970, in 63 bits")
        key = self.key
        message = _message(key, checkpoint, time)
        if self.algorithm is Algorithm.COSIGNATURE_ML_DSA_44:
            signature = MLDSA44PrivateKey.from_seed_bytes(self.seed).sign(message)
        else:
            signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)
        return NoteSignature(self.name, key.id, _TIME.pack(time) + signature)


def _message(key: CheckpointKey, checkpoint: UnverifiedCheckpoint, time: int) -> bytes:
    if key.algorithm is Algorithm.ED25519:
        return checkpoint.note.text
    if key.algorithm is Algorithm.COSIGNATURE_ED25519:  # 2
        return b"cosignature/v1\ntime %d\n" % time + checkpoint.note.text
    end = _RANGE.pack(0, checkpoint.tree_size) + checkpoint.root  # 3
    return _LABEL + _vector(key.name) + _TIME.pack(time) + _vector(checkpoint.origin) + end


def _vector(text: str) -> bytes:
    raw = text.encode()
    if not 0 < len(raw) <= MAX_COSIGNED_NAME_BYTES:
        raise MalformedError(f"ML-DSA cosigns names of at most {MAX_COSIGNED_NAME_BYTES} bytes")
    return bytes((len(raw),)) + raw


def find_cosignatures(
    checkpoint: UnverifiedCheckpoint, keys: Iterable[CheckpointKey]
) -> dict[CheckpointKey, int]:
    """Return which of the keys signed a checkpoint, and when; 0 stands for a type without a time.

    Raises:
        VerificationError: A known key's signature does not hold.
    """
    known = {(key.name, key.id): key for key in keys if key.can_check}
    found: dict[CheckpointKey, int] = {}
    for line in checkpoint.note.signatures:
        key = known.get((line.name, line.id))
        if key is not None:  # 4
            found[key] = max(found.get(key, 0), key.verify(checkpoint, line.signature))
    return found


def format_key(key: CheckpointKey) -> str:
    """Return a key as a verifier key in one line: name, id and key, joined by plus signs."""
    return f"{key.name}+{key.id.hex()}+{format_base64(bytes((key.algorithm,)) + key.public_key)}"


def parse_key(text: str) -> CheckpointKey:
    """Return the key that a verifier key describes.

    Raises:
        MalformedError: It is no verifier key, of a type that is not read here, or its id is not its own.
    """
    match = _KEY.fullmatch(text)
    if match is None:
        raise MalformedError("expected a verifier key: a name, an id and a key, joined by `+`")
    name, (algorithm, public_key) = check_name(match[1]), _cut_key(match[3])
    if len(public_key) != _KEY_BYTES[algorithm]:
        raise MalformedError(
            f"the verifier key of `{name}` has {len(public_key)} bytes, expected {_KEY_BYTES[algorithm]}"
        )
    key = CheckpointKey(name, algorithm, public_key)
    if key.id.hex() != match[2]:
        raise MalformedError(f"the verifier key of `{name}` has an id that is not its own")
    return key


def format_cosigner(cosigner: Cosigner) -> str:
    """Return a cosigner's key as one line; a secret."""
    key = format_base64(bytes((cosigner.algorithm,)) + cosigner.seed)
    return f"{_PRIVATE_PREFIX}{cosigner.name}+{cosigner.key.id.hex()}+{key}"


def parse_cosigner(text: str) -> Cosigner:
    """Return the cosigner that one line describes.

    Raises:
        MalformedError: It is no cosigner's key, or its id is not its own. Nothing of it is shown.
        ConfigError: The library at hand has no ML-DSA.
    """
    match = _KEY.fullmatch(text.removeprefix(_PRIVATE_PREFIX))
    if not text.startswith(_PRIVATE_PREFIX) or match is None:
        raise MalformedError("expected a signing key: `PRIVATE+KEY`, a name, an id and a key, joined by `+`")
    algorithm, seed = _cut_key(match[3])
    cosigner = Cosigner.make(match[1], seed, algorithm)
    if cosigner.key.id.hex() != match[2]:
        raise MalformedError("the signing key has an id that is not its own")
    return cosigner


def _cut_key(text: str) -> tuple[Algorithm, bytes]:
    raw = parse_base64(text)
    if not raw or raw[0] not in _KEY_BYTES:
        raise MalformedError("expected a key of type 1, 4 or 6")
    return Algorithm(raw[0]), raw[1:]


def key_of_line(note: UnverifiedNote, key: CheckpointKey) -> NoteSignature | None:
    """Return the line of a note that bears a key's name and id, or None; it is not verified."""
    return next((line for line in note.signatures if (line.name, line.id) == (key.name, key.id)), None)
