"""The body of a request, read strictly: one JSON object, small, flat, no key twice. Pure; total over any bytes."""

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

MAX_BODY_BYTES: Final = 65_536  # forty times the longest form
MAX_DEPTH: Final = 4  # the object, its answers, a list of words; and one to spare
MAX_DIGITS: Final = 10  # no answer is a number, so none is read far
MAX_KEY: Final = 200
KIND: Final = "kind"
ANSWERS: Final = "answers"
_STRING: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_KEY: Final = re.compile(r'"([!#-\[\]-~]{1,198})"|([!#-~]{1,200})', re.ASCII)


class StrictError(ValueError):
    """A text is no JSON as it is taken here; it says what was expected, and nothing of what came."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a request files.

    Args:
        kind: Untrusted.
        answers: Untrusted: whatever a JSON text may hold.
        digest: SHA-256 of what it says, hexadecimal: the same for the same answers, however they are spaced or ordered.
    """

    kind: str
    answers: object
    digest: str


def read_body(raw: bytes) -> Body:
    """Return what a body files.

    Args:
        raw: Untrusted.

    Raises:
        StrictError: It is too long or too deep, no UTF-8, no JSON (RFC 8259), has a key twice or a number that is none,
            or is not `{"kind": …, "answers": …}`.
    """
    if len(raw) > MAX_BODY_BYTES:
        raise StrictError(f"expected at most {MAX_BODY_BYTES} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StrictError("expected UTF-8") from error
    _check_depth(text)
    try:
        found = json.loads(
            text, object_pairs_hook=_pairs, parse_float=_refuse, parse_constant=_refuse, parse_int=_small
        )
    except StrictError:
        raise
    except (ValueError, RecursionError) as error:
        raise StrictError("expected one JSON object") from error
    if not isinstance(found, dict) or found.keys() != {KIND, ANSWERS}:
        raise StrictError(f"expected an object of `{KIND}` and `{ANSWERS}`")
    if not isinstance(found[KIND], str):
        raise StrictError(f"expected `{KIND}` as a text")
    canonical = json.dumps(found, sort_keys=True, separators=(",", ":"))
    return Body(found[KIND], found[ANSWERS], sha256(canonical.encode("ascii")).hexdigest())


def read_key(header: str) -> str | None:
    """Return an idempotency key, or None: 1 to 200 visible ASCII characters, bare or as a text in quotes.

    Args:
        header: Untrusted.

    Source: draft-ietf-httpapi-idempotency-key-header, section 2.1.
    """
    found = _KEY.fullmatch(header)
    return None if found is None else found[1] or found[2]


def _check_depth(text: str) -> None:
    depth = 0
    for char in _STRING.sub("", text):
        depth += (char in "[{") - (char in "]}")
        if depth > MAX_DEPTH:
            raise StrictError(f"expected objects and lists at most {MAX_DEPTH} deep")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise StrictError("expected each key once")
    return found


def _refuse(_text: str) -> None:
    raise StrictError("expected no number with a fraction, and no NaN")


def _small(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise StrictError(f"expected numbers of at most {MAX_DIGITS} digits")
    return int(text)
