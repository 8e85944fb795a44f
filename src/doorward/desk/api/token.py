"""The token of a client: an id that finds it, and 32 random bytes of which only the SHA-256 is kept. Pure.

`dwc_` and 16 hexadecimal digits, `_`, 43 characters of base64url. The beginning is fixed, so that a scanner of source
text finds one that was left there.
"""

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

SECRET_BYTES: Final = 32
ID_BYTES: Final = 8
SCHEME: Final = "bearer"
_TOKEN: Final = re.compile(r"dwc_([0-9a-f]{16})_([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says that a token is: nothing of it is checked.

    Args:
        digest: SHA-256 of the secret.
    """

    id: str
    digest: bytes


def format_token(token_id: bytes, secret: bytes) -> str:
    """Return a token as its client gets it, once.

    Args:
        token_id: 8 bytes; it finds the token and opens nothing.
        secret: 32 random bytes.
    """
    assert len(token_id) == ID_BYTES
    assert len(secret) == SECRET_BYTES
    return f"dwc_{token_id.hex()}_{urlsafe_b64encode(secret).rstrip(b'=').decode()}"


def digest_of(secret: bytes) -> bytes:
    """Return what is kept of a secret: it has 256 random bits, so that a digest without salt or stretching does."""
    return sha256(secret).digest()


def read_authorization(header: str) -> Said | None:
    """Return what a header `Authorization` says, or None where it holds no token (RFC 6750, 2.1).

    Args:
        header: Untrusted.
    """
    scheme, _, text = header.partition(" ")
    found = _TOKEN.fullmatch(text)
    if scheme.lower() != SCHEME or found is None:
        return None
    try:
        secret = urlsafe_b64decode(f"{found[2]}=")
    except binascii.Error:
        return None
    # 43 characters hold 258 bits: of the four texts for one secret one is the token.
    if urlsafe_b64encode(secret).rstrip(b"=").decode() != found[2]:
        return None
    return Said(found[1], digest_of(secret))
