"""The file of a sealed paper: what was sealed opens, and nothing else does."""

import io
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.desk.papers.seal import (
    CHUNK_BYTES,
    MAGIC,
    TAG_BYTES,
    Binding,
    Sealer,
    open_chunks,
    sealed_bytes,
    unwrap_key,
    wrap_key,
)
from doorward.errors import VerificationError

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
MINE = Binding(uuid.UUID(int=1), uuid.UUID(int=2))
SEALED = CHUNK_BYTES + TAG_BYTES
SIZES = (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7)


def seal(paper: bytes, *, key: bytes = KEY, binding: Binding = MINE, cuts: tuple[int, ...] = ()) -> bytes:
    sealer, at, made = Sealer(key, binding), 0, b""
    for cut in sorted(cuts):
        made, at = made + sealer.feed(paper[at:cut]), max(at, cut)
    return made + sealer.feed(paper[at:]) + sealer.finish()


def unseal(raw: bytes, *, key: bytes = KEY, binding: Binding = MINE) -> bytes:
    return b"".join(open_chunks(io.BytesIO(raw).read, key, binding))


def paper_of(size: int) -> bytes:
    return bytes((number * 7 + number // 251) % 256 for number in range(size))


@pytest.mark.parametrize("size", SIZES)
def test_what_was_sealed_opens_and_is_as_long_as_was_said(size: int) -> None:
    raw = seal(paper_of(size))
    assert unseal(raw) == paper_of(size)
    assert len(raw) == sealed_bytes(size)


@given(st.binary(max_size=3000), st.lists(st.integers(0, 3000), max_size=5))
def test_any_pieces_make_the_same_file(paper: bytes, cuts: list[int]) -> None:
    assert seal(paper, cuts=tuple(min(cut, len(paper)) for cut in cuts)) == seal(paper)


@given(st.integers(1, 2 * CHUNK_BYTES), st.integers(1, 200_000))
def test_pieces_around_the_border_of_a_chunk_make_the_same_file(cut: int, size: int) -> None:
    assert seal(paper_of(size), cuts=(min(cut, size),)) == seal(paper_of(size))


@given(st.integers(1, 5), st.integers(0, 10**9))
def test_a_reader_that_gives_less_than_it_is_asked_for_changes_nothing(step: int, seed: int) -> None:
    paper = paper_of(CHUNK_BYTES + seed % 50)
    file = io.BytesIO(seal(paper))
    assert b"".join(open_chunks(lambda size: file.read(min(size, step * 9000)), KEY, MINE)) == paper


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cut", [1, TAG_BYTES, SEALED, SEALED + 1])
def test_a_file_that_is_cut_short_is_found(size: int, cut: int) -> None:
    raw = seal(paper_of(size))
    with pytest.raises(VerificationError):
        unseal(raw[: max(0, len(raw) - cut)])


def test_no_chunk_of_a_cut_file_is_given_out_as_the_last() -> None:
    raw = seal(paper_of(3 * CHUNK_BYTES))
    given_out: list[bytes] = []
    with pytest.raises(VerificationError):
        given_out.extend(open_chunks(io.BytesIO(raw[: len(MAGIC) + 2 * SEALED]).read, KEY, MINE))
    with pytest.raises(VerificationError, match="chunk 1 "):
        list(open_chunks(io.BytesIO(raw[: len(MAGIC) + 2 * SEALED]).read, KEY, MINE))


def test_chunks_in_another_order_are_found() -> None:
    raw = seal(paper_of(3 * CHUNK_BYTES + 5))
    head, rest = raw[: len(MAGIC)], raw[len(MAGIC) :]
    chunks = [rest[at : at + SEALED] for at in range(0, len(rest), SEALED)]
    for order in ((1, 0, 2, 3), (0, 2, 1, 3), (0, 0, 2, 3), (0, 1, 2), (3, 1, 2, 0), (0, 1, 2, 3, 3)):
        with pytest.raises(VerificationError):
            unseal(head + b"".join(chunks[number] for number in order))


@given(st.data())
def test_a_changed_bit_is_found(data: Any) -> None:
    raw = bytearray(seal(paper_of(data.draw(st.sampled_from((0, 1, 500))))))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(VerificationError):
        unseal(bytes(raw))


@given(st.binary(max_size=200))
def test_any_bytes_open_or_are_refused(raw: bytes) -> None:
    with pytest.raises(VerificationError):
        unseal(raw)
    with pytest.raises(VerificationError):
        unseal(MAGIC + raw)


@given(st.binary(min_size=1, max_size=40))
def test_what_is_written_behind_the_end_is_found(more: bytes) -> None:
    for size in (0, 5, CHUNK_BYTES):
        with pytest.raises(VerificationError):
            unseal(seal(paper_of(size)) + more)


@pytest.mark.parametrize(
    "other",
    [
        Binding(uuid.UUID(int=9), MINE.matter),
        Binding(MINE.paper, uuid.UUID(int=9)),
        Binding(MINE.matter, MINE.paper),
    ],
)
def test_a_file_opens_as_no_other_paper_and_in_no_other_matter(other: Binding) -> None:
    with pytest.raises(VerificationError):
        unseal(seal(b"a warrant"), binding=other)
    with pytest.raises(VerificationError):
        unseal(seal(b"a warrant"), key=OTHER_KEY)


def test_an_empty_last_chunk_behind_a_whole_one_is_refused() -> None:
    """One paper has one file: the empty chunk would be a second way to write it."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from doorward.desk.papers import seal as module

    paper = paper_of(CHUNK_BYTES)
    cipher = AESGCM(KEY)
    first = cipher.encrypt(module._nonce(0, last=False), paper, module._place(MINE, 0, last=False))
    empty = cipher.encrypt(module._nonce(1, last=True), b"", module._place(MINE, 1, last=True))
    with pytest.raises(VerificationError, match="longer"):
        unseal(MAGIC + first + empty)


def test_a_wrapped_key_is_of_one_paper_one_matter_and_one_key_of_the_desk() -> None:
    wrapped = wrap_key(OTHER_KEY, MINE, by=KEY, name="a1", nonce=bytes(12))
    assert unwrap_key(wrapped, MINE, by=KEY, name="a1") == OTHER_KEY
    for binding, by, name in (
        (Binding(MINE.matter, MINE.paper), KEY, "a1"), (MINE, OTHER_KEY, "a1"), (MINE, KEY, "a2"),
    ):  # fmt: skip
        with pytest.raises(VerificationError):
            unwrap_key(wrapped, binding, by=by, name=name)


@given(st.binary(max_size=100))
def test_any_bytes_as_a_wrapped_key_are_refused(raw: bytes) -> None:
    with pytest.raises(VerificationError):
        unwrap_key(raw, MINE, by=KEY, name="a1")


def test_the_file_is_the_one_that_was_written_down() -> None:
    """A golden file: whoever changes the format gives it another magic."""
    from hashlib import sha256

    assert sha256(seal(paper_of(CHUNK_BYTES + 3))).hexdigest() == GOLDEN


GOLDEN = "40aeb68d19fddf3224cd7c57d9aed79e5010a7171ba0e22f8ab69bb359d45f14"
