import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import MalformedError
from doorward.notes.base64 import parse_base64
from doorward.record.hashes import format_hash, parse_hash


@given(st.binary(min_size=32, max_size=32))
def test_a_hash_survives_its_text(value: bytes) -> None:
    assert parse_hash(format_hash(value)) == value


@given(st.one_of(st.text(max_size=50), st.text("AZaz09+/=", max_size=50)))
def test_any_text_is_canonical_base64_or_malformed(text: str) -> None:
    try:
        value = parse_base64(text)
    except MalformedError:
        return
    assert format_hash(value) == text


@pytest.mark.parametrize("text", ["AA", "AB==", "A===", "AAAA\n", " AAAA", "AA==AA==", "ÄÄÄÄ", "AA-_"])
def test_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_base64(text)


def test_a_hash_of_another_length_is_refused() -> None:
    with pytest.raises(MalformedError, match="expected a hash of 32 bytes, got 3"):
        parse_hash("AAAA")
