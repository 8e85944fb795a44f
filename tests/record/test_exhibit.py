"""An exhibit shows what was chosen and nothing else, and not a byte of it can be changed."""

import ast
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

import doorward.record.check_exhibit as check_module
from doorward.errors import ConfigError, VerificationError
from doorward.notes.note import Signer, format_verifier
from doorward.record.check_exhibit import check_exhibit, read_public_key
from doorward.record.checkpoint import Checkpoint, format_checkpoint
from doorward.record.entry import Entry, Field, Kind, block_root, commit_entry, named_fields, public_leaf
from doorward.record.exhibit import ALWAYS, format_exhibit
from doorward.record.hashes import hash_leaf
from doorward.record.proof import format_proof, hash_range, make_inclusion
from record.samples import naive_root
from tests_support.examples import examples

SIGNER = Signer.make("doorward.example/test", b"k" * 32)
KEY = read_public_key(format_verifier(SIGNER.verifier))
SALT = b"b" * 16
LEAVES = 11


def entry(number: int, text: bytes = b"SELECT 1") -> Entry:
    fields = ((Field.MESSAGE, b"Query"), (Field.TEXT, text), (Field.PARAMETERS, b""))
    return Entry(
        Kind.REQUEST, number, 1_900_000_000_000_000, b"S" * 16, number + 1, bytes([number]) * 16, fields
    )


def make(
    names: tuple[str, ...] = ("text",), *, at: int = 2, of: int = 5, leaf: int = 6, cosign: bytes = b""
) -> bytes:
    entries = [entry(number) for number in range(of)]
    commitments = [commit_entry(one) for one in entries]
    hashes = [hash_leaf(bytes([number]) * 33) for number in range(LEAVES)]
    hashes[leaf] = hash_leaf(public_leaf(1, SALT, block_root(commitments)))

    def read(level: int, index: int) -> bytes:
        return naive_root(hashes[index << level : (index + 1) << level])

    note = format_checkpoint(Checkpoint(SIGNER.name, LEAVES, hash_range(read, 0, LEAVES)), SIGNER) + cosign
    proof = format_proof(leaf_index=leaf, proof=make_inclusion(read, leaf, LEAVES), signed_checkpoint=note)
    return format_exhibit(entries[at], names, commitments=commitments, block_salt=SALT, proof=proof)


def summed(raw: bytes) -> bytes:
    """The file with the sum that whoever changed it would put there."""
    head, _, rest = raw.partition(b"\n")
    body = rest.partition(b"\n")[2]
    return head + b"\nsum " + b64encode(sha256(body).digest()) + b"\n" + body


@pytest.mark.parametrize("of", [1, 2, 3, 5, 8])
def test_what_was_chosen_is_shown_and_holds_at_each_place(of: int) -> None:
    for at in range(of):
        for leaf in (0, 6, LEAVES - 1):
            shown = check_exhibit(make(at=at, of=of, leaf=leaf), KEY)
            assert shown.faults == ()
            assert dict(shown.fields) == {
                "kind": b"request", "sequence": b"%d" % at, "time": b"1900000000000000", "text": b"SELECT 1",
            }  # fmt: skip
            assert (shown.leaf_index, shown.tree_size, shown.hidden) == (leaf, LEAVES, 12)
            assert (shown.origin, shown.others) == (SIGNER.name, 0)


def test_the_tail_is_a_tlog_proof_and_the_head_is_as_it_is_documented() -> None:
    raw = make(of=1, at=0)
    head, _, proof = raw.partition(b"\n\n")
    words = [line.split(b" ")[0] for line in head.split(b"\n")]
    assert words == [b"doorward-exhibit@v1", b"sum", *[b"field"] * 4, *[b"digest"] * 12, b"salt", b"schema"]
    assert proof.startswith(b"c2sp.org/tlog-proof@v1\nindex 6\n")
    assert summed(raw) == raw


def test_how_many_fields_there_are_and_what_they_hold_is_not_told() -> None:
    long = make(())
    assert b"message" not in long
    assert b64encode(b"Query") not in long
    assert long.count(b"\ndigest ") == 13  # the entry has 8 fields, of which 3 are shown
    # What is not shown cannot be tried out: no salt of another field, nor the entry's, stands in the file.
    whole = entry(2)
    digests = {line.split(b" ")[1] for line in long.split(b"\n") if line.startswith(b"digest ")}
    salts = [b64decode(line.split(b" ")[2]) for line in long.split(b"\n") if line.startswith(b"field ")]
    for salt in (*salts, SALT, b"", whole.salt):
        for name, value in named_fields(whole)[5:]:
            tried = sha256(salt + bytes([len(name)]) + name + value).digest()
            assert b64encode(tried) not in digests
    assert b64encode(whole.salt)[:20] not in long


def test_an_empty_value_is_shown_as_one() -> None:
    shown = check_exhibit(make(("parameters",)), KEY)
    assert shown.faults == ()
    assert dict(shown.fields)["parameters"] == b""


def test_a_field_that_the_entry_has_not_and_a_block_without_it_are_refused() -> None:
    with pytest.raises(ConfigError, match="has no field `login`"):
        make(("login",))
    with pytest.raises(VerificationError, match="the block does not hold the entry"):
        format_exhibit(entry(9), (), commitments=[commit_entry(entry(1))], block_salt=SALT, proof=b"")


@settings(max_examples=examples(40, deep=600))
@given(st.data())
def test_every_byte_that_is_changed_is_named(data: st.DataObject) -> None:
    raw = bytearray(make())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    assert check_exhibit(bytes(raw), KEY).faults


@pytest.mark.long
def test_every_byte_of_a_file_and_every_cut_is_named() -> None:
    raw = make()
    for at in range(len(raw)):
        assert check_exhibit(raw[:at], KEY).faults
        for bit in range(8):
            changed = bytearray(raw)
            changed[at] ^= 1 << bit
            assert check_exhibit(bytes(changed), KEY).faults


@settings(max_examples=examples(40, deep=600))
@given(st.data())
def test_a_change_with_a_sum_that_fits_is_named_too(data: st.DataObject) -> None:
    raw = bytearray(make())
    start = raw.index(b"field ")
    at = data.draw(st.integers(start, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    assert check_exhibit(summed(bytes(raw)), KEY).faults


@given(st.binary(max_size=400))
def test_anything_else_is_no_exhibit(raw: bytes) -> None:
    assert check_exhibit(raw, KEY).faults
    assert check_exhibit(summed(b"doorward-exhibit@v1\nsum x\n" + raw), KEY).faults


def changed(old: bytes, new: bytes) -> bytes:
    raw = make()
    assert old in raw
    return summed(raw.replace(old, new, 1))


def test_what_an_attacker_would_try_is_named() -> None:
    cases = {
        changed(b64encode(b"SELECT 1"), b64encode(b"SELECT 2")): "not in the log",
        changed(b"field text ", b"field tag "): "not in the log",
        changed(b"field text ", b"field zzzz "): "ascending",
        changed(b"index 6", b"index 5"): "not in the log",
        changed(b"index 6", b"index 12"): "not in the log",
        changed(b"\n11\n", b"\n12\n"): "does not hold",
        changed(b"\nright ", b"\nleft "): "not in the log",
        changed(b"schema 1", b"schema 2"): "the schema is 1",
        changed(b"index 6", b"index 06"): "names no leaf",
    }
    for raw, said in cases.items():
        faults = check_exhibit(raw, KEY).faults
        assert any(said in one for one in faults), (said, faults)


def test_another_logs_key_and_an_old_one_do_not_do() -> None:
    other = read_public_key(format_verifier(Signer.make("doorward.example/other", b"k" * 32).verifier))
    assert any("is of the log" in one for one in check_exhibit(make(), other).faults)
    old = read_public_key(format_verifier(Signer.make(SIGNER.name, b"o" * 32).verifier))
    assert any("did not sign" in one for one in check_exhibit(make(), old).faults)
    with pytest.raises(ValueError, match="id that is not its own"):
        read_public_key(format_verifier(SIGNER.verifier).replace("test+", "tent+"))


def test_a_witness_is_counted_where_its_key_was_given_and_missed_where_it_did_not_sign() -> None:
    raw = make()
    text = raw.partition(b"\n\n")[2].partition(b"\n\n")[2].partition(b"\n\n")[0] + b"\n"
    secret = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
    public = b"\x04" + secret.public_key().public_bytes_raw()
    number = sha256(b"witness.example\n" + public).digest()[:4]
    witness = read_public_key(f"witness.example+{number.hex()}+{b64encode(public).decode()}")
    signature = secret.sign(b"cosignature/v1\ntime 1900000001\n" + text)
    line = b64encode(number + (1900000001).to_bytes(8, "big") + signature).decode()
    cosigned = make(cosign=f"\N{EM DASH} witness.example {line}\n".encode())
    assert check_exhibit(cosigned, KEY).others == 1
    shown = check_exhibit(cosigned, KEY, [witness])
    assert (shown.faults, shown.witnesses, shown.others) == ((), (("witness.example", 1900000001),), 0)
    assert check_exhibit(raw, KEY, [witness]).faults == (
        "the witness `witness.example` did not sign the checkpoint",
    )
    later = line[:8] + ("A" if line[8] != "A" else "B") + line[9:]
    bad = make(cosign=f"\N{EM DASH} witness.example {later}\n".encode())
    assert "the cosignature of `witness.example` does not hold" in check_exhibit(bad, KEY, [witness]).faults


def test_one_witness_is_not_two_of_its_name_and_counts_once() -> None:
    text = make().partition(b"\n\n")[2].partition(b"\n\n")[2].partition(b"\n\n")[0] + b"\n"
    keys, lines = [], []
    for secret in (Ed25519PrivateKey.from_private_bytes(seed * 32) for seed in (b"v", b"w")):
        public = b"\x04" + secret.public_key().public_bytes_raw()
        number = sha256(b"witness.example\n" + public).digest()[:4]
        keys.append(read_public_key(f"witness.example+{number.hex()}+{b64encode(public).decode()}"))
        for time in (1_900_000_002, 1_900_000_001):
            signature = secret.sign(b"cosignature/v1\ntime %d\n" % time + text)
            line = b64encode(number + time.to_bytes(8, "big") + signature).decode()
            lines.append(f"\N{EM DASH} witness.example {line}\n".encode())
    alone = check_exhibit(make(cosign=b"".join(lines[:2])), KEY, keys)
    assert alone.faults == ("the witness `witness.example` did not sign the checkpoint",)
    assert alone.witnesses == (("witness.example", 1_900_000_002),)
    both = check_exhibit(make(cosign=b"".join(lines)), KEY, keys)
    assert (both.faults, both.witnesses) == ((), (("witness.example", 1_900_000_002),) * 2)


def test_an_exhibit_is_the_same_bytes_whoever_makes_it() -> None:
    assert make(("text", "message")) == make(("message", "text", *ALWAYS))
    assert replace(entry(1)) == entry(1)


def test_the_check_shares_no_code_with_what_wrote_the_exhibit() -> None:
    tree = ast.parse(Path(check_module.__file__).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)} | {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    }
    assert not {name for name in imported if name is None or name.startswith("doorward")}
