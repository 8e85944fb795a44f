"""An authenticator app."""

import base64
import hmac
import struct
import time

HALF_MINUTE = 30


def code_of(letters: str, *, later: int = 0) -> str:
    """Return the six digits that an authenticator app shows (RFC 6238)."""
    key = base64.b32decode(letters)
    counter = struct.pack(">Q", int(time.time()) // HALF_MINUTE + later)  # noqa: TID251  # as the app does
    digest = hmac.digest(key, counter, "sha1")
    place = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[place : place + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"
