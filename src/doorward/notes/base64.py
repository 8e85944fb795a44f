"""Base64 as notes write it: standard, padded, and one spelling for one value."""

import binascii

from doorward.errors import MalformedError


def format_base64(value: bytes) -> str:
    """Return bytes in standard base64."""
    return binascii.b2a_base64(value, newline=False).decode("ascii")


def parse_base64(text: str) -> bytes:
    """Return the bytes of canonical, padded, standard base64.

    Raises:
        MalformedError: It is something else, or another spelling of the same bytes.
    """
    try:
        value = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise MalformedError("expected standard base64, and this is none") from error
    if format_base64(value) != text:
        raise MalformedError("expected canonical base64, and this is another spelling of it")
    return value
