"""One entry's chosen fields with everything that proves them, as one file that stands alone: writing it.

::

    doorward-exhibit@v1
    sum <base64 of 32 bytes>           SHA-256 over every byte behind this line
    field <name> <base64> <base64>     salt of 32 bytes and value; names ascend; an empty value is `-`
    digest <base64>                    of what is not shown, ascending; with the fields a multiple of 16
    left <base64> | right <base64>     siblings from the commitment to the block's root
    salt <base64>                      of the block, 16 bytes
    schema <number>                    of the public leaf
    <an empty line, then a file of C2SP tlog-proof: the leaf's place, its siblings, the signed checkpoint>

What is not shown cannot be guessed: each digest is under a salt of its own, and a field's salt tells nothing of
another's, nor of the entry's. How many fields there are is not told: decoys fill them up (`entry`). Where in the block
the entry stands is told, by the sides of its siblings, and how large the block is, to within a power of two.

`check_exhibit` reads such a file and shares no line with this module.
"""

import hmac
from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256
from typing import Final

from doorward.errors import ConfigError, VerificationError
from doorward.notes.base64 import format_base64
from doorward.record.entry import (
    SCHEMA_VERSION,
    Entry,
    digest_field,
    field_digests,
    named_fields,
)
from doorward.record.hashes import Hash, hash_leaf
from doorward.record.tree import root_of

HEADER: Final = "doorward-exhibit@v1"
MAX_BYTES: Final = 96 * 1024 * 1024  # the longest statement is 64 MiB, and base64 adds a third
ALWAYS: Final = ("kind", "sequence", "time")
"""What an exhibit for a court always shows: without them it would be about nothing."""


def format_exhibit(
    entry: Entry,
    names: Collection[str],
    *,
    commitments: Sequence[Hash],
    block_salt: bytes,
    proof: bytes,
    always: Collection[str] = ALWAYS,
) -> bytes:
    """Return the file that shows these fields of an entry; the same arguments give the same.

    Args:
        names: Of fields that the entry has.
        commitments: Of its block, in their order; the entry's own is among them.
        proof: The tlog-proof file of the block's leaf.
        always: Fields that are shown beside them.

    Raises:
        ConfigError: The entry has no such field, or the file would be too large.
        VerificationError: The entry's commitment is not among the block's.
    """
    fields = {name.decode(): value for name, value in named_fields(entry)}
    shown = sorted({*names, *always})
    missing = [name for name in shown if name not in fields]
    if missing:
        raise ConfigError(
            f"the entry has no field `{missing[0][:40]}`", hint=f"it has {', '.join(sorted(fields))}"
        )
    digests = field_digests(entry)
    hidden = set(digests) - {digest_field(entry.salt, name.encode(), fields[name]) for name in shown}
    commitment = sha256(b"".join(digests)).digest()
    if commitment not in commitments:
        raise VerificationError(
            "the block does not hold the entry: the disclosures were changed",
            hint="run `doorward log verify`",
        )
    lines = [
        *(
            f"field {name} {format_base64(_salt(entry, name))} {format_base64(fields[name]) or '-'}"
            for name in shown
        ),
        *(f"digest {format_base64(digest)}" for digest in sorted(hidden)),
        *(
            f"{side} {format_base64(node)}"
            for side, node in _path(commitments, commitments.index(commitment))
        ),
        f"salt {format_base64(block_salt)}",
        f"schema {SCHEMA_VERSION}",
    ]
    body = "".join(f"{line}\n" for line in lines).encode() + b"\n" + proof
    if len(body) > MAX_BYTES:
        raise ConfigError(f"an exhibit has at most {MAX_BYTES} bytes", hint="show fewer fields")
    return f"{HEADER}\nsum {format_base64(sha256(body).digest())}\n".encode() + body


def _salt(entry: Entry, name: str) -> bytes:
    return hmac.digest(entry.salt, name.encode(), "sha256")


def _path(commitments: Sequence[Hash], index: int) -> Iterable[tuple[str, Hash]]:
    """Return the siblings of a leaf of a small tree, from it to the root; RFC 6962 section 2.1.1."""
    hashes = [hash_leaf(one) for one in commitments]
    found: list[tuple[str, Hash]] = []
    start, end = 0, len(hashes)
    while end - start > 1:
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        if index < middle:
            found.append(("right", root_of(hashes[middle:end])))
            end = middle
        else:
            found.append(("left", root_of(hashes[start:middle])))
            start = middle
    return reversed(found)
