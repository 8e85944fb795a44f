"""A SCRAM-SHA-256 client of a few lines, to play the other side of the handshake in tests."""

import base64
import hashlib
import hmac
from struct import pack

from doorward.pgwire.messages import format_frame

NONCE = b"clientclient"


def client_first() -> bytes:
    """Return the client's first message."""
    data = b"n,,n=,r=" + NONCE
    return format_frame(b"p", b"SCRAM-SHA-256\0" + pack(">I", len(data)) + data)


def client_final(server_first: bytes, password: str) -> bytes:
    """Return the client's last message, with the proof of this password."""
    fields = dict(part.split(b"=", 1) for part in server_first.split(b","))
    salted = hashlib.pbkdf2_hmac(
        "sha256", password.encode(), base64.b64decode(fields[b"s"]), int(fields[b"i"])
    )
    key = hmac.digest(salted, b"Client Key", "sha256")
    bare = b"c=biws,r=" + fields[b"r"]
    signed = b"n=,r=" + NONCE + b"," + server_first + b"," + bare
    signature = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
    proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
    return format_frame(b"p", bare + b",p=" + base64.b64encode(proof))
