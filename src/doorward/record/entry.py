"""What the record is made of: drafts, entries, their bytes, and the hashes that commit to them.

An entry's bytes (the payload of a frame in the spool), integers big-endian::

    u8 kind | u64 sequence | i64 time in us | 16 session | u64 request | 16 salt | fields
    field: u8 id | u32 length | bytes              ids ascending, each at most once

Commitments, from the inside out:

1. field salt   = HMAC-SHA256(entry's salt, name)
2. field digest = SHA-256(field salt | u8 length of the name | name | value). Kind, sequence, time, session and
   request are fields too, so every one of them can be shown or kept back alone.
3. commitment   = SHA-256 over the sorted field digests. Decoys fill them up to a multiple of 16, so that the
   number of fields is not told where one field is shown (SD-JWT, RFC 9901 section 4.2.5).
4. block root   = RFC 6962 root over the commitments of the block's entries.
5. public leaf  = schema version | SHA-256(block salt | block root).

INVARIANT (one encoding): `encode_entry(decode_entry(raw)) == raw` for all bytes that decode.

Numbers of kinds and fields are for ever: an old spool and an old leaf are read with the table below.
"""

import hmac
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256, shake_256
from typing import Final

from doorward.errors import MalformedError
from doorward.record.hashes import HASH_BYTES, Hash, hash_leaf
from doorward.record.tree import root_of

SCHEMA_VERSION: Final = 1
SALT_BYTES: Final = 16
SESSION_BYTES: Final = 16
LEAF_BYTES: Final = 1 + HASH_BYTES
MAX_BODY_BYTES: Final = 65 * 1024 * 1024  # a client's largest message (64 MiB) and what stands around it
MAX_ENTRY_BYTES: Final = MAX_BODY_BYTES + 1024
NO_SESSION: Final = bytes(SESSION_BYTES)
DIGESTS_MULTIPLE: Final = 16  # the longest kind has 12 fields of its own and 5 of the header


class Kind(IntEnum):
    """What an entry is about; below 64, so that framing has numbers of its own."""

    CONNECT = 1
    DECISION = 2
    GRANT = 3
    REQUEST = 4
    COMPLETION = 5
    CUT = 6
    END = 7
    EXPORT = 8
    RECOVERY = 9
    LEAD = 10
    REVIEW = 11
    MATTER = 12
    ACT = 13
    VISIT = 14
    FUND = 15
    LOG = 16
    KEEPING = 17


JOINED: Final = frozenset({Kind.REQUEST, Kind.COMPLETION})
"""The kinds that share a block; every other entry is a block of one."""


class Field(IntEnum):
    """The fields of an entry; their numbers ascend in the order in which the gateway writes them."""

    LOGIN = 1
    ADDRESS = 2
    APPLICATION = 3
    AGENCY = 4
    PRESENTER = 5
    TOKEN = 6
    AUTHENTICATION = 8
    MESSAGE = 10
    STATEMENT = 11
    PORTAL = 12
    TEXT = 13
    PARAMETERS = 14
    MAX_ROWS = 15
    OUTCOME = 20
    ROWS = 21
    BYTES = 22
    TAG = 23
    SQLSTATE = 24
    LAST = 25
    MANIFEST = 26
    LIMIT = 27
    PURPOSE = 30
    CASE = 31
    FOR_AGENCY = 32
    CLAUSES = 40
    POLICIES = 41
    SCOPE = 42
    GRANT = 43
    UNTIL = 44
    ORDER_DIGEST = 45
    MODE = 46
    REASON = 50
    EVIDENCE = 51
    MATTER = 52
    WHAT = 53
    ACT = 54
    DIGEST = 55
    CLOCK_STEPPED_BACK = 60


FIELD_NAMES: Final[Mapping[Field, bytes]] = {field: field.name.lower().encode() for field in Field}
"""The name of each field as it is hashed."""

_KINDS: Final = {int(kind): kind for kind in Kind}
_FIELDS: Final = {int(field): field for field in Field}
_KIND_NAMES: Final = {kind: kind.name.lower().encode() for kind in Kind}
_HEADER_NAMES: Final = (b"kind", b"sequence", b"time", b"session", b"request")
_LENGTHS: Final = {name: bytes((len(name),)) for name in (*_HEADER_NAMES, *FIELD_NAMES.values())}
_HMAC_BLOCK_BYTES: Final = 64
_HMAC_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_HMAC_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))
_FIELD: Final = struct.Struct(">BI")
_HEADER: Final = struct.Struct(">BQq16sQ16s")

Fields = tuple[tuple[Field, bytes], ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """What the gateway hands over, before the spool gives it sequence, time and salt.

    Args:
        session: 16 bytes that all entries of a session share.
        request: The number of the request in its session, from 1; 0 where there is none.
        fields: In any order, each field at most once.
    """

    kind: Kind
    session: bytes
    request: int
    fields: Fields


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded fact.

    Args:
        sequence: From 0, without a gap.
        time_us: Microseconds since 1970 in UTC; never less than the entry before.
        fields: Ascending by number.
    """

    kind: Kind
    sequence: int
    time_us: int
    session: bytes
    request: int
    salt: bytes
    fields: Fields

    def get(self, field: Field) -> bytes | None:
        """Return a field's value, or None where the entry does not have it."""
        for name, value in self.fields:
            if name is field:
                return value
        return None


def encode_fields(fields: Fields) -> bytes:
    """Return the bytes of fields, sorted by number.

    Raises:
        MalformedError: A field stands twice.
    """
    last = 0
    parts = []
    for field, value in fields:
        if field <= last:
            return _encode_unsorted(fields)
        last = field
        parts.append(_FIELD.pack(field, len(value)) + value)
    return b"".join(parts)


def _encode_unsorted(fields: Fields) -> bytes:
    ordered = tuple(sorted(fields, key=lambda pair: pair[0]))
    if len({field for field, _ in ordered}) != len(ordered):
        raise MalformedError("a field stands twice in one entry")
    return encode_fields(ordered)


def decode_fields(body: bytes) -> Fields:
    """Return the fields that bytes hold.

    Raises:
        MalformedError: They are no fields: a length beyond the end, an unknown number, a wrong order.
    """
    fields = []
    offset, last, size = 0, 0, len(body)
    while offset < size:
        start = offset + _FIELD.size
        if start > size:
            raise MalformedError("a field's header is cut short")
        number, length = _FIELD.unpack_from(body, offset)
        field = _FIELDS.get(number)
        if field is None:
            raise MalformedError(f"field number {number} is unknown to this version")
        if number <= last:
            raise MalformedError(f"field number {number} stands behind {last}, and they must ascend")
        offset = start + length
        if offset > size:
            raise MalformedError(f"field `{field.name.lower()}` is longer than its entry")
        fields.append((field, body[start:offset]))
        last = number
    return tuple(fields)


def pack_header(
    kind: int,
    sequence: int,
    time_us: int,
    session: bytes,
    request: int,
    *,
    salt: bytes,
) -> bytes:
    """Return the bytes of an entry before its fields.

    Raises:
        MalformedError: A part has another length or range than it must have.
    """
    if len(session) != SESSION_BYTES or len(salt) != SALT_BYTES:
        # struct would pad or cut in silence.
        raise MalformedError(f"expected a session and a salt of {SALT_BYTES} bytes each")
    try:
        return _HEADER.pack(kind, sequence, time_us, session, request, salt)
    except struct.error as error:
        raise MalformedError("an entry's kind, sequence, time or request is out of its range") from error


def encode_entry(entry: Entry) -> bytes:
    """Return an entry's bytes.

    Raises:
        MalformedError: A field stands twice, or a part has another length than it must have.
    """
    header = pack_header(
        entry.kind, entry.sequence, entry.time_us, entry.session, entry.request, salt=entry.salt
    )
    return header + encode_fields(entry.fields)


def decode_entry(raw: bytes) -> Entry:
    """Return the entry that bytes hold.

    Raises:
        MalformedError: They hold none.
    """
    if len(raw) < _HEADER.size:
        raise MalformedError(f"an entry has at least {_HEADER.size} bytes, got {len(raw)}")
    if len(raw) > MAX_ENTRY_BYTES:
        raise MalformedError(f"an entry has at most {MAX_ENTRY_BYTES} bytes, got {len(raw)}")
    number, sequence, time_us, session, request, salt = _HEADER.unpack_from(raw)
    kind = _KINDS.get(number)
    if kind is None:
        raise MalformedError(f"kind number {number} is unknown to this version")
    return Entry(kind, sequence, time_us, session, request, salt, decode_fields(raw[_HEADER.size :]))


def digest_field(salt: bytes, name: bytes, value: bytes) -> Hash:
    """Return the digest of one field under its entry's salt; steps 1 and 2 of the module's head."""
    return sha256(hmac.digest(salt, name, "sha256") + bytes((len(name),)) + name + value).digest()


def named_fields(entry: Entry) -> list[tuple[bytes, bytes]]:
    """Return every field of an entry as it is hashed, name and value, the header's five first."""
    return [
        (b"kind", _KIND_NAMES[entry.kind]),
        (b"sequence", b"%d" % entry.sequence),
        (b"time", b"%d" % entry.time_us),
        (b"session", entry.session),
        (b"request", b"%d" % entry.request),
        *[(FIELD_NAMES[field], value) for field, value in entry.fields],
    ]


def field_digests(entry: Entry) -> list[Hash]:
    """Return the sorted digests of an entry's fields and its decoys; what step 3 of the module's head hashes.

    Field by field the same as `digest_field`. HMAC is written out, as RFC 2104 defines it for a key shorter than
    a block: the publisher and the check spend most of their time here, and two hashes cost half of one call.
    """
    salt = entry.salt
    block = salt.ljust(_HMAC_BLOCK_BYTES, b"\0")
    inner, outer = block.translate(_HMAC_INNER), block.translate(_HMAC_OUTER)
    digests = [
        sha256(
            sha256(outer + sha256(inner + name).digest()).digest() + _LENGTHS[name] + name + value
        ).digest()
        for name, value in named_fields(entry)
    ]
    missing = -len(digests) % DIGESTS_MULTIPLE
    if missing:
        decoys = shake_256(b"doorward decoys" + salt).digest(missing * HASH_BYTES)
        digests += [decoys[at : at + HASH_BYTES] for at in range(0, len(decoys), HASH_BYTES)]
    digests.sort()
    return digests


def commit_entry(entry: Entry) -> Hash:
    """Return the commitment to an entry; step 3 of the module's head."""
    return sha256(b"".join(field_digests(entry))).digest()


def block_root(commitments: Sequence[Hash]) -> Hash:
    """Return the root over the commitments of a block's entries, in their order; step 4."""
    return root_of([hash_leaf(commitment) for commitment in commitments])


def public_leaf(schema_version: int, block_salt: bytes, root: Hash) -> bytes:
    """Return the public leaf of a block, always of the same size; step 5."""
    return bytes((schema_version,)) + sha256(block_salt + root).digest()
