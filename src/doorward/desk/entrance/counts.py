"""Counts of failures and used codes: what is counted stands in the database as a digest under the desk's secret."""

import hmac
from hashlib import sha256

from django.conf import settings


def make_key(key: str, prefix: str, version: int) -> str:
    """Return the name under which something is counted: no address and no login can be read from it."""
    said = f"{prefix} {version} {key}".encode()
    return hmac.digest(settings.SECRET_KEY.encode(), said, sha256).hex()
