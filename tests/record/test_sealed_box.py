"""What is sealed to people by their signing keys opens for each of them and for nobody else, and has one size."""

import os
from hashlib import sha512

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.errors import LogError, MalformedError, VerificationError
from doorward.notes.note import Signer, Verifier
from doorward.record.sealed_box import MAX_TEXT, _public_of, open_sealed, seal
from tests_support.examples import examples

ADA, BEN, EVE = (
    Signer.make(f"auditor/{name}.example", name.encode().ljust(32, b".")) for name in ("ada", "ben", "eve")
)


@given(st.binary(min_size=32, max_size=32))
def test_a_signing_keys_point_is_that_of_its_secret(seed: bytes) -> None:
    secret = X25519PrivateKey.from_private_bytes(sha512(seed).digest()[:32])
    assert _public_of(Signer.make("a", seed).verifier) == secret.public_key().public_bytes_raw()


@settings(max_examples=20)
@given(st.binary(max_size=MAX_TEXT))
def test_everybody_it_is_sealed_to_opens_it_and_nobody_else(text: bytes) -> None:
    sealed = seal(text, [ADA.verifier, BEN.verifier], os.urandom)
    assert open_sealed(sealed, ADA) == open_sealed(sealed, BEN) == text
    assert len(sealed) == len(seal(b"", [ADA.verifier, BEN.verifier], os.urandom))
    with pytest.raises(VerificationError, match="was not sealed to"):
        open_sealed(sealed, EVE)


def test_the_same_text_is_sealed_to_other_bytes_each_time() -> None:
    assert seal(b"x", [ADA.verifier], os.urandom) != seal(b"x", [ADA.verifier], os.urandom)


@settings(max_examples=examples(25, deep=300))
@given(st.data())
def test_every_byte_that_is_changed_is_refused(data: st.DataObject) -> None:
    raw = bytearray(seal(b"what was looked for", [BEN.verifier, ADA.verifier], os.urandom))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(LogError):
        open_sealed(bytes(raw), ADA)


def test_what_cannot_be_sealed_is_refused() -> None:
    with pytest.raises(MalformedError, match="at most"):
        seal(bytes(MAX_TEXT + 1), [ADA.verifier], os.urandom)
    with pytest.raises(MalformedError, match="1 to 64 people"):
        seal(b"", [], os.urandom)
    with pytest.raises(MalformedError, match="nothing can be sealed to"):
        seal(b"", [Verifier("low", (1).to_bytes(32, "little"))], os.urandom)


@given(st.binary(max_size=200))
def test_anything_else_is_nothing_sealed(raw: bytes) -> None:
    with pytest.raises(LogError):
        open_sealed(raw, ADA)
