import hmac
from dataclasses import replace
from hashlib import sha256, shake_256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import MalformedError
from doorward.record.entry import (
    FIELD_NAMES,
    LEAF_BYTES,
    MAX_ENTRY_BYTES,
    Entry,
    Field,
    Fields,
    Kind,
    block_root,
    commit_entry,
    decode_entry,
    decode_fields,
    digest_field,
    encode_entry,
    encode_fields,
    named_fields,
    pack_header,
    public_leaf,
)
from record.samples import naive_root

ENTRY = Entry(
    Kind.REQUEST, 7, 1_934_000_000_123_456, b"S" * 16, 3, b"x" * 16,
    ((Field.MESSAGE, b"Query"), (Field.TEXT, b"SELECT 1")),
)  # fmt: skip


def sorted_fields(values: dict[Field, bytes]) -> Fields:
    return tuple(sorted(values.items()))


fields = st.dictionaries(st.sampled_from(Field), st.binary(max_size=40), max_size=len(Field)).map(
    sorted_fields
)
entries = st.builds(
    Entry,
    kind=st.sampled_from(Kind),
    sequence=st.integers(0, 2**64 - 1),
    time_us=st.integers(-(2**63), 2**63 - 1),
    session=st.binary(min_size=16, max_size=16),
    request=st.integers(0, 2**64 - 1),
    salt=st.binary(min_size=16, max_size=16),
    fields=fields,
)


@given(entries)
def test_an_entry_survives_its_bytes(entry: Entry) -> None:
    assert decode_entry(encode_entry(entry)) == entry


@given(st.one_of(st.binary(max_size=200), entries.map(encode_entry)), st.data())
def test_any_bytes_are_an_entry_in_its_one_encoding_or_malformed(raw: bytes, data: st.DataObject) -> None:
    if raw and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw = raw[:at] + data.draw(st.binary(max_size=3)) + raw[at + 1 :]
    try:
        entry = decode_entry(raw)
    except MalformedError:
        return
    assert encode_entry(entry) == raw


def test_fields_are_written_in_the_order_of_their_numbers() -> None:
    mixed = ((Field.REASON, b"r"), (Field.LOGIN, b"l"))
    assert encode_fields(mixed) == encode_fields(mixed[::-1])
    assert decode_fields(encode_fields(mixed)) == mixed[::-1]


@pytest.mark.parametrize(
    "twice",
    [
        ((Field.TEXT, b"a"), (Field.TEXT, b"b")),
        ((Field.REASON, b""), (Field.TEXT, b"a"), (Field.TEXT, b"b")),
    ],
)
def test_a_field_that_stands_twice_is_refused(twice: Fields) -> None:
    with pytest.raises(MalformedError, match="twice"):
        encode_fields(twice)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "at least 57 bytes"),
        (bytes(MAX_ENTRY_BYTES + 1), "at most"),
        (bytes(57), "kind number 0 is unknown"),
        (b"\x3f" + bytes(56), "kind number 63 is unknown"),
        (encode_entry(ENTRY) + b"\x0d", "cut short"),
        (encode_entry(ENTRY) + b"\xc8\0\0\0\0", "field number 200 is unknown"),
        (encode_entry(ENTRY) + b"\x0d\0\0\0\0", "must ascend"),
        (encode_entry(ENTRY) + b"\x14\0\0\0\x01", "longer than its entry"),
    ],
)
def test_each_fault_of_an_entrys_bytes_is_named(raw: bytes, message: str) -> None:
    with pytest.raises(MalformedError, match=message):
        decode_entry(raw)


@pytest.mark.parametrize(
    "changed", [{"session": b"short"}, {"salt": b"short"}, {"sequence": -1}, {"request": 2**64}]
)
def test_a_header_that_does_not_fit_is_refused(changed: dict[str, object]) -> None:
    parts: dict[str, object] = {"kind": 1, "sequence": 0, "time_us": 0, "session": bytes(16), "request": 0}
    with pytest.raises(MalformedError):
        pack_header(**({"salt": bytes(16)} | parts | changed))  # type: ignore[arg-type]  # wrong on purpose


def test_a_field_is_read_by_its_name() -> None:
    assert ENTRY.get(Field.TEXT) == b"SELECT 1"
    assert ENTRY.get(Field.LOGIN) is None


def test_numbers_of_kinds_and_fields_are_for_ever() -> None:
    kinds = {kind.name.lower(): int(kind) for kind in Kind}
    assert kinds == {
        "connect": 1, "decision": 2, "grant": 3, "request": 4, "completion": 5, "cut": 6, "end": 7,
        "export": 8, "recovery": 9, "lead": 10, "review": 11, "matter": 12, "act": 13, "visit": 14, "fund": 15,
            "log": 16, "keeping": 17,
    }  # fmt: skip
    assert {name.decode(): int(field) for field, name in FIELD_NAMES.items()} == {
        "login": 1, "address": 2, "application": 3, "agency": 4, "presenter": 5, "token": 6, "authentication": 8,
        "message": 10, "statement": 11, "portal": 12, "text": 13, "parameters": 14, "max_rows": 15,
        "outcome": 20, "rows": 21, "bytes": 22, "tag": 23, "sqlstate": 24, "last": 25,
        "manifest": 26, "limit": 27,
        "purpose": 30, "case": 31, "for_agency": 32,
        "clauses": 40, "policies": 41, "scope": 42, "grant": 43, "until": 44, "order_digest": 45, "mode": 46,
        "reason": 50, "evidence": 51, "matter": 52, "what": 53, "act": 54, "digest": 55, "clock_stepped_back": 60,
    }  # fmt: skip


def test_a_commitment_is_what_the_modules_head_says() -> None:
    named = {
        b"kind": b"request", b"sequence": b"7", b"time": b"1934000000123456", b"session": b"S" * 16,
        b"request": b"3", b"message": b"Query", b"text": b"SELECT 1",
    }  # fmt: skip
    digests = []
    for name, value in named.items():
        salt = hmac.new(ENTRY.salt, name, "sha256").digest()
        digests.append(sha256(salt + bytes([len(name)]) + name + value).digest())
    decoys = shake_256(b"doorward decoys" + ENTRY.salt).digest(9 * 32)
    digests += [decoys[at : at + 32] for at in range(0, 9 * 32, 32)]
    assert commit_entry(ENTRY) == sha256(b"".join(sorted(digests))).digest()
    # Fixed for ever: old leaves are opened with this version.
    assert commit_entry(ENTRY).hex() == "89c3aafac254d020e62b0c4e3f8c93ce2b1059060c482643902f9cd74f54dd41"


@given(entries)
def test_a_commitment_is_over_the_digests_of_its_fields(entry: Entry) -> None:
    digests = [digest_field(entry.salt, name, value) for name, value in named_fields(entry)]
    decoys = shake_256(b"doorward decoys" + entry.salt).digest(-len(digests) % 16 * 32)
    digests += [decoys[at : at + 32] for at in range(0, len(decoys), 32)]
    assert len(digests) % 16 == 0
    assert commit_entry(entry) == sha256(b"".join(sorted(digests))).digest()


@given(entries, st.data())
def test_a_commitment_changes_with_every_part(entry: Entry, data: st.DataObject) -> None:
    other = data.draw(entries)
    part = data.draw(st.sampled_from(["kind", "sequence", "time_us", "session", "request", "salt", "fields"]))
    changed = replace(entry, **{part: getattr(other, part)})
    assert (commit_entry(changed) == commit_entry(entry)) == (changed == entry)


def test_an_entry_whose_fields_fill_a_multiple_of_digests_has_no_decoy() -> None:
    full = replace(ENTRY, fields=tuple((field, b"v") for field in list(Field)[:27]))
    assert len(named_fields(full)) == 2 * 16
    assert commit_entry(full) != commit_entry(replace(full, salt=b"y" * 16))


def test_a_public_leaf_has_one_size_and_tells_only_the_schema() -> None:
    root = block_root([commit_entry(ENTRY)])
    leaf = public_leaf(1, b"b" * 16, root)
    assert len(leaf) == LEAF_BYTES == 33
    assert leaf == b"\x01" + sha256(b"b" * 16 + root).digest()
    assert public_leaf(1, b"c" * 16, root) != leaf


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=20))
def test_a_block_root_is_rfc_6962_over_the_commitments(commitments: list[bytes]) -> None:
    assert block_root(commitments) == naive_root([sha256(b"\0" + one).digest() for one in commitments])
