"""Signed notes: a text, and lines below it that sign it. Ed25519 only.

A note is read in two steps: `parse_note` says what stands there, `verify_note` says that a key signed it and
returns the text. The rules of the format:

1. UTF-8 without control characters other than newline; the text ends in a newline, then an empty line.
2. A signature line is an em dash (U+2014), a space, the key's name, a space, and base64 of the key's id (four
   bytes) and the signature.
3. Signatures of unknown keys are ignored, and their number is bounded.
4. A signature that bears a known key's name and id and does not hold refuses the whole note.

Source: C2SP signed-note.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from doorward.errors import MalformedError, VerificationError
from doorward.notes.base64 import format_base64, parse_base64

MAX_NOTE_BYTES: Final = 128 * 1024  # 16 signatures of nearly 5 kB in base64, as the specification asks
MAX_SIGNATURES: Final = 64  # the specification asks for at least 16

_ED25519: Final = 1
_KEY_ID_BYTES: Final = 4
_SEED_BYTES: Final = 32
_SIGNATURE_PREFIX: Final = "\N{EM DASH} "
_PRIVATE_PREFIX: Final = "PRIVATE+KEY+"
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_VERIFIER_KEY: Final = re.compile(r"([^+]+)\+([0-9a-f]{8})\+(.+)", re.DOTALL)


def key_id(name: str, public_key: bytes) -> bytes:
    """Return the four bytes by which signature lines name a key."""
    return sha256(name.encode() + b"\n" + bytes((_ED25519,)) + public_key).digest()[:_KEY_ID_BYTES]


def check_name(name: str) -> str:
    """Return a key's name as it is.

    Raises:
        MalformedError: It is empty, or has spaces, a plus or control characters.
    """
    if not name or "+" in name or any(sign.isspace() for sign in name) or _CONTROL.search(name):
        raise MalformedError("a key's name is not empty and has no spaces, plus or control characters")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise MalformedError("a key's name is valid Unicode") from error
    return name


@dataclass(frozen=True, slots=True)
class Verifier:
    """The public key of one signer under its name."""

    name: str
    public_key: bytes

    @property
    def id(self) -> bytes:
        """The four bytes by which signature lines name this key."""
        return key_id(self.name, self.public_key)

    def verify(self, text: bytes, signature: bytes) -> None:
        """Check one signature over a text.

        Raises:
            VerificationError: It does not hold.
        """
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text)
        except (InvalidSignature, ValueError) as error:
            raise VerificationError(f"the signature of `{self.name}` does not hold") from error


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key under its name; never shown."""

    name: str
    seed: bytes = field(repr=False)

    @classmethod
    def make(cls, name: str, seed: bytes) -> Self:
        """Return a signer.

        Args:
            seed: 32 random bytes.

        Raises:
            MalformedError: The name is none, or the seed has another length.
        """
        if len(seed) != _SEED_BYTES:
            raise MalformedError(f"expected a seed of {_SEED_BYTES} bytes")
        return cls(check_name(name), seed)

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        return Verifier(self.name, key.public_key().public_bytes_raw())

    def sign(self, text: bytes) -> bytes:
        """Return the signature over a text."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(text)


def format_verifier(verifier: Verifier) -> str:
    """Return a verifier key as one line: name, id and key, joined by plus signs."""
    key = format_base64(bytes((_ED25519,)) + verifier.public_key)
    return f"{verifier.name}+{verifier.id.hex()}+{key}"


def parse_verifier_key(text: str) -> Verifier:
    """Return the verifier that one line describes.

    Raises:
        MalformedError: It is no verifier key, no Ed25519 key, or its id is not its own.
    """
    match = _VERIFIER_KEY.fullmatch(text)
    if match is None:
        raise MalformedError("expected a verifier key: a name, an id and a key, joined by `+`")
    name = check_name(match[1])
    public_key = _cut_key(parse_base64(match[3]))
    verifier = Verifier(name, public_key)
    if verifier.id.hex() != match[2]:
        raise MalformedError(f"the verifier key of `{name}` has an id that is not its own")
    return verifier


def format_signer(signer: Signer) -> str:
    """Return a signing key as one line; a secret."""
    key = format_base64(bytes((_ED25519,)) + signer.seed)
    return f"{_PRIVATE_PREFIX}{signer.name}+{signer.verifier.id.hex()}+{key}"


def parse_signer(text: str) -> Signer:
    """Return the signer that one line describes.

    Raises:
        MalformedError: It is no signing key, no Ed25519 key, or its id is not its own. Nothing of it is shown.
    """
    match = _VERIFIER_KEY.fullmatch(text.removeprefix(_PRIVATE_PREFIX))
    if not text.startswith(_PRIVATE_PREFIX) or match is None:
        raise MalformedError("expected a signing key: `PRIVATE+KEY`, a name, an id and a key, joined by `+`")
    signer = Signer.make(match[1], _cut_key(parse_base64(match[3])))
    if signer.verifier.id.hex() != match[2]:
        raise MalformedError("the signing key has an id that is not its own")
    return signer


def _cut_key(raw: bytes) -> bytes:
    if len(raw) != 1 + _SEED_BYTES or raw[0] != _ED25519:
        raise MalformedError("expected an Ed25519 key, type 1 with 32 bytes")
    return raw[1:]


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line; nothing of it is verified."""

    name: str
    id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class UnverifiedNote:
    """A note as it stands there."""

    text: bytes
    signatures: tuple[NoteSignature, ...]


def sign_note(text: bytes, signer: Signer) -> bytes:
    """Return a text with one signature below it.

    Raises:
        MalformedError: The text cannot be one of a note.
    """
    line = format_base64(signer.verifier.id + signer.sign(text))
    raw = text + f"\n{_SIGNATURE_PREFIX}{signer.name} {line}\n".encode()
    parse_note(raw)
    return raw


def cosign_note(raw: bytes, signer: Signer) -> bytes:
    """Return a note with one more signature below it; a second one of the same key is refused.

    Raises:
        MalformedError: It is no note, or it has a signature of this key.
    """
    note = parse_note(raw)
    if any((line.name, line.id) == (signer.name, signer.verifier.id) for line in note.signatures):
        raise MalformedError(f"`{signer.name}` has signed this already")
    line = format_base64(signer.verifier.id + signer.sign(note.text))
    raw += f"{_SIGNATURE_PREFIX}{signer.name} {line}\n".encode()
    parse_note(raw)
    return raw


def append_signature(text: bytes, raw: bytes, signature: NoteSignature) -> bytes:
    """Return a note over a text with one signature line more, which somebody made elsewhere; nothing is verified.

    Args:
        text: What is signed.
        raw: The note so far, or empty before the first signature.

    Raises:
        MalformedError: The text cannot be one of a note, or a note has no room for it.
    """
    line = f"{_SIGNATURE_PREFIX}{signature.name} {format_base64(signature.id + signature.signature)}\n"
    made = (raw or text + b"\n") + line.encode()
    parse_note(made)
    return made


def parse_note(raw: bytes) -> UnverifiedNote:
    """Return the text and the signature lines of a note.

    Raises:
        MalformedError: It is no note, or larger than a note may be.
    """
    if len(raw) > MAX_NOTE_BYTES:
        raise MalformedError(f"a note has at most {MAX_NOTE_BYTES} bytes, got {len(raw)}")
    try:
        whole = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError("a note is UTF-8") from error
    if _CONTROL.search(whole):
        raise MalformedError("a note has no control characters but newlines")
    # The last empty line: a text may have empty lines of its own, a signature none.
    text, separator, below = whole.rpartition("\n\n")
    if not separator or not below.endswith("\n"):
        raise MalformedError("a note has a text, an empty line and signature lines")
    lines = below[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedError(f"a note has at most {MAX_SIGNATURES} signatures, got {len(lines)}")
    return UnverifiedNote((text + "\n").encode(), tuple(map(_parse_signature, lines)))


def _parse_signature(line: str) -> NoteSignature:
    if not line.startswith(_SIGNATURE_PREFIX):
        raise MalformedError("a signature line begins with an em dash and a space")
    parts = line.removeprefix(_SIGNATURE_PREFIX).split(" ")
    if len(parts) != 2:
        raise MalformedError("a signature line has a name and a signature")
    raw = parse_base64(parts[1])
    if len(raw) <= _KEY_ID_BYTES:
        raise MalformedError("a signature line has a key id and a signature")
    return NoteSignature(check_name(parts[0]), raw[:_KEY_ID_BYTES], raw[_KEY_ID_BYTES:])


def verify_note(note: UnverifiedNote, verifiers: Sequence[Verifier]) -> bytes:
    """Return the text of a note that at least one of the keys signed.

    Raises:
        VerificationError: No known key signed it, or a known key's signature does not hold.
    """
    if not find_signers(note, verifiers):
        wanted = ", ".join(f"`{verifier.name}`" for verifier in verifiers) or "no key at all"
        raise VerificationError(f"expected a signature of {wanted}, got none that this key could have made")
    return note.text


def find_signers(note: UnverifiedNote, verifiers: Sequence[Verifier]) -> tuple[Verifier, ...]:
    """Return which of the keys signed a note, each once.

    Raises:
        VerificationError: A known key's signature does not hold.
    """
    known = {(verifier.name, verifier.id): verifier for verifier in verifiers}
    signed: dict[bytes, Verifier] = {}
    for signature in note.signatures:
        verifier = known.get((signature.name, signature.id))
        if verifier is not None:
            verifier.verify(note.text, signature.signature)
            signed[verifier.public_key] = verifier
    return tuple(signed.values())
