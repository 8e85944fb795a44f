"""A short text sealed to people by the public keys that they sign with, so that nobody else reads it. Pure.

::

    doorward-sealed@v1
    to <key id, 8 hex digits> <base64: 32 bytes ephemeral key> <base64: 48 bytes wrapped key>     one a person
    <base64: sealed text>

1. A person's Ed25519 key is used as the X25519 key that belongs to it: the public one by ``u = (1 + y) / (1 - y)``, the
   secret one is the first half of SHA-512 over the seed. So nobody keeps a second key.
2. For each person a fresh X25519 key; the wrapping key is HKDF-SHA256 over what the two share, salt both public keys.
3. ChaCha20-Poly1305 with a key that is used once and a nonce of zeros, both for the wrapped key and for the text; the
   lines above the text are authenticated with it.
4. INVARIANT (one-size): the text is padded to `SIZE`, so that its length tells nothing.

Source: RFC 7748 sections 4.1 and 5, RFC 8032 section 5.1.5, RFC 5869, RFC 8439; the same construction as age has for
SSH keys.
"""

from collections.abc import Callable, Sequence
from hashlib import sha512
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from doorward.errors import MalformedError, VerificationError
from doorward.notes.base64 import format_base64, parse_base64
from doorward.notes.note import Signer, Verifier

HEADER: Final = "doorward-sealed@v1"
SIZE: Final = 1024
MAX_TEXT: Final = SIZE - 2
MAX_PEOPLE: Final = 64
_INFO: Final = b"doorward sealed box v1"
_PRIME: Final = 2**255 - 19
_NONCE: Final = bytes(12)
_KEY_BYTES: Final = 32


def seal(text: bytes, people: Sequence[Verifier], random: Callable[[int], bytes]) -> bytes:
    """Return a text that each of these people can open with their own key, and nobody else.

    Args:
        text: At most `MAX_TEXT` bytes.
        random: Gives so many secret bytes.

    Raises:
        MalformedError: The text is too long, there is nobody, or a key is no point that can be sealed to.
    """
    if len(text) > MAX_TEXT:
        raise MalformedError(f"what is sealed has at most {MAX_TEXT} bytes, got {len(text)}")
    if not 0 < len(people) <= MAX_PEOPLE:
        raise MalformedError(f"it is sealed to 1 to {MAX_PEOPLE} people, got {len(people)}")
    key = random(_KEY_BYTES)
    head = f"{HEADER}\n" + "".join(_wrap(key, person, random) for person in people)
    padded = len(text).to_bytes(2, "big") + text.ljust(MAX_TEXT, b"\0")
    sealed = ChaCha20Poly1305(key).encrypt(_NONCE, padded, head.encode())
    return f"{head}{format_base64(sealed)}\n".encode()


def open_sealed(raw: bytes, person: Signer) -> bytes:
    """Return the text that was sealed to somebody.

    Args:
        raw: Of anybody.

    Raises:
        MalformedError: It is nothing sealed.
        VerificationError: It was not sealed to this person, or was changed.
    """
    try:
        lines = raw.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise MalformedError("expected a sealed text") from error
    if len(lines) < 4 or lines[0] != HEADER or lines[-1] or len(lines) > MAX_PEOPLE + 3:
        raise MalformedError(f"expected a sealed text that begins with `{HEADER}`")
    verifier = person.verifier
    wrapped = [line.split(" ") for line in lines[1:-2]]
    mine = [parts for parts in wrapped if len(parts) == 4 and parts[:2] == ["to", verifier.id.hex()]]
    if not mine:
        raise VerificationError(f"it was not sealed to `{verifier.name}`")
    head = "\n".join(lines[:-2]) + "\n"
    ephemeral, locked = parse_base64(mine[0][2]), parse_base64(mine[0][3])
    try:
        shared = _secret_of(person).exchange(X25519PublicKey.from_public_bytes(ephemeral))
        wrapping = _derive(shared, ephemeral + _public_of(verifier))
        key = ChaCha20Poly1305(wrapping).decrypt(_NONCE, locked, None)
        padded = ChaCha20Poly1305(key).decrypt(_NONCE, parse_base64(lines[-2]), head.encode())
    except (InvalidTag, ValueError) as error:
        raise VerificationError("what was sealed was changed, or the key is another") from error
    length = int.from_bytes(padded[:2], "big")
    if len(padded) != SIZE or length > MAX_TEXT or padded[2 + length :].strip(b"\0"):
        raise MalformedError("the sealed text has another form than it must have")
    return padded[2 : 2 + length]


def _wrap(key: bytes, person: Verifier, random: Callable[[int], bytes]) -> str:
    public = _public_of(person)
    secret = X25519PrivateKey.from_private_bytes(random(_KEY_BYTES))
    ephemeral = secret.public_key().public_bytes_raw()
    try:
        shared = secret.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:  # a point of low order: everybody would know what is shared
        raise MalformedError(f"nothing can be sealed to the key of `{person.name}`") from error
    wrapped = ChaCha20Poly1305(_derive(shared, ephemeral + public)).encrypt(_NONCE, key, None)
    return f"to {person.id.hex()} {format_base64(ephemeral)} {format_base64(wrapped)}\n"


def _derive(shared: bytes, salt: bytes) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, salt, _INFO).derive(shared)


def _public_of(verifier: Verifier) -> bytes:
    y = int.from_bytes(verifier.public_key, "little") & (2**255 - 1)
    return ((1 + y) * pow(1 - y, -1, _PRIME) % _PRIME).to_bytes(32, "little") if y != 1 else bytes(32)


def _secret_of(signer: Signer) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(sha512(signer.seed).digest()[:32])
