"""A letter leaves when two people of its office released that very letter."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.letters.conftest import Made
from doorward.desk.letters.release import (
    Draft,
    Statement,
    format_statement,
    make_draft,
    parse_statement,
    read_draft,
    redraft,
    resume_draft,
    sign_draft,
    take_signature,
    verify_letter,
)
from doorward.desk.letters.sample import DAY
from doorward.errors import MalformedError, VerificationError
from doorward.notes.note import Signer, cosign_note, sign_note
from doorward.orders.letter_book import LetterBook

ANN, BEN, EVE, OLD = (
    Signer.make(name, bytes([number]) * 32)
    for number, name in enumerate(
        ("law/ann.example", "law/ben.example", "supervisor/eve.example", "law/old.example"), 1
    )
)
ANN_AGAIN = Signer.make("law/ann.example", b"9" * 32)
KEYS = [one.verifier for one in (ANN, BEN, EVE, ANN_AGAIN)]


@pytest.fixture
def draft(made: Made) -> Draft:
    return make_draft(*made("declined-paper"), day=DAY)


def test_two_people_release_a_letter_and_an_outsider_verifies_it(draft: Draft, book: LetterBook) -> None:
    first = sign_draft(draft, ANN)
    assert (draft.is_released, first.is_released) == (False, False)
    with pytest.raises(VerificationError, match="expected 2 of the office `law`, got 1"):
        verify_letter(first.pdf, first.note, KEYS, book)
    both = sign_draft(first, BEN)
    assert both.is_released
    found = verify_letter(both.pdf, both.note, KEYS, book)
    assert found.signers == ("law/ann.example", "law/ben.example")
    assert (found.statement.letter, found.statement.reference, found.is_current) == (
        "declined-paper",
        "D-2026-0117",
        True,
    )


def test_one_person_is_not_two_with_either_key(draft: Draft, book: LetterBook) -> None:
    first = sign_draft(draft, ANN)
    for again in (ANN, ANN_AGAIN):
        with pytest.raises(VerificationError, match="has signed this letter"):
            sign_draft(first, again)
    forged = cosign_note(first.note, ANN_AGAIN)
    with pytest.raises(VerificationError, match="got 1 whose keys are known"):
        verify_letter(draft.pdf, forged, KEYS, book)
    twice = Signer.make("law/ben.example", ANN.seed)
    with pytest.raises(VerificationError, match="got 1"):
        verify_letter(draft.pdf, cosign_note(first.note, twice), [ANN.verifier, twice.verifier], book)


def test_another_office_and_a_key_without_a_login_release_nothing(draft: Draft, book: LetterBook) -> None:
    for stranger in (
        EVE,
        Signer.make("law", b"8" * 32),
        Signer.make("law/", b"8" * 32),
        Signer.make("lawyer/x", b"8" * 32),
    ):
        with pytest.raises(VerificationError, match="released by the office `law`"):
            sign_draft(draft, stranger)
    note = cosign_note(sign_note(format_statement(draft.statement), ANN), EVE)
    with pytest.raises(VerificationError, match="got 1"):
        verify_letter(draft.pdf, note, KEYS, book)


def test_an_unknown_key_counts_for_nobody(draft: Draft, book: LetterBook) -> None:
    both = sign_draft(sign_draft(draft, ANN), OLD)
    with pytest.raises(VerificationError, match="got 1"):
        verify_letter(both.pdf, both.note, KEYS, book)
    assert resume_draft(both.pdf, both.note, KEYS).signers == ("law/ann.example",)


def test_an_edit_after_the_first_signature_voids_it(draft: Draft, made: Made, book: LetterBook) -> None:
    first = sign_draft(draft, ANN)
    letter, answer = made("declined-paper")
    assert redraft(first, letter, answer, day=DAY) is first
    edited = redraft(first, letter, replace(answer, fields={**answer.fields, "paper": "arrest"}), day=DAY)
    assert (edited.signers, edited.note) == ((), b"")
    assert edited.statement.pdf != first.statement.pdf
    with pytest.raises(VerificationError, match="changed, or is another"):
        resume_draft(edited.pdf, first.note, KEYS)
    both = sign_draft(first, BEN)
    with pytest.raises(VerificationError, match="changed, or is another"):
        verify_letter(edited.pdf, both.note, KEYS, book)


def test_a_remedy_switched_on_is_an_edit_and_stands_in_the_note(draft: Draft, made: Made) -> None:
    letter, answer = made("declined-paper")
    remedy = next(
        one.remedy.text for one in letter.pack.policies if one.remedy and one.remedy.kind == "paper"
    )
    edited = redraft(
        sign_draft(draft, ANN), letter, replace(answer, remedies=(remedy,), remedy=True), day=DAY
    )
    assert edited.signers == ()
    assert b"\nremedy: yes\n" in format_statement(edited.statement)
    assert b"\nremedy: no\n" in format_statement(draft.statement)


def test_a_released_letter_is_neither_signed_nor_edited_again(draft: Draft, made: Made) -> None:
    both = sign_draft(sign_draft(draft, ANN), BEN)
    with pytest.raises(VerificationError, match="released already"):
        sign_draft(both, Signer.make("law/cleo.example", b"7" * 32))
    with pytest.raises(VerificationError, match="is not edited"):
        redraft(both, *made("declined-paper"), day=DAY)


def test_a_letter_that_one_person_releases_says_so_and_a_note_cannot_lower_it(
    made: Made, book: LetterBook
) -> None:
    one = sign_draft(make_draft(*made("referred"), day=DAY), ANN)
    assert one.is_released
    assert verify_letter(one.pdf, one.note, KEYS, book).signers == ("law/ann.example",)
    draft = make_draft(*made("declined-paper"), day=DAY)
    lowered = sign_note(format_statement(replace(draft.statement, people=1)), ANN)
    with pytest.raises(VerificationError, match="expected 2"):
        verify_letter(draft.pdf, lowered, KEYS, book)
    other = sign_note(format_statement(replace(draft.statement, letter="referred")), ANN)
    with pytest.raises(VerificationError, match="expected 2"):
        verify_letter(draft.pdf, other, KEYS, book)
    unknown = sign_note(format_statement(replace(draft.statement, letter="pardon")), ANN)
    with pytest.raises(VerificationError, match="no letter `pardon`"):
        verify_letter(draft.pdf, unknown, KEYS, book)


def test_one_person_who_names_a_lesser_letter_releases_only_that(made: Made, book: LetterBook) -> None:
    # One person of the office can sign anything under the name of a letter that one person releases. So what is
    # verified names the letter, and the command says that such a letter decides nothing.
    draft = make_draft(*made("declined-paper"), day=DAY)
    lesser = sign_note(format_statement(replace(draft.statement, letter="referred", people=1)), ANN)
    assert verify_letter(draft.pdf, lesser, KEYS, book).statement.letter == "referred"


def test_a_letter_under_other_letters_of_the_order_is_said(draft: Draft, book: LetterBook) -> None:
    both = sign_draft(sign_draft(draft, ANN), BEN)
    later = replace(book, digest="0" * 64)
    assert not verify_letter(both.pdf, both.note, KEYS, later).is_current


def test_a_broken_note_is_no_release(draft: Draft, book: LetterBook) -> None:
    both = sign_draft(sign_draft(draft, ANN), BEN)
    for note in (b"", b"x", both.note[:-3], both.note + b"x", b"\xff" + both.note, draft.pdf):
        with pytest.raises((MalformedError, VerificationError)):
            verify_letter(both.pdf, note, KEYS, book)
    with pytest.raises(VerificationError, match="does not hold"):
        verify_letter(
            both.pdf, both.note.replace(b"reference: D-2026-0117", b"reference: D-2026-0118"), KEYS, book
        )


WORDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9./-]{0,20}", fullmatch=True)
DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
STATEMENTS = st.builds(
    Statement, order=WORDS, pack=DIGESTS, letters=DIGESTS, letter=WORDS, reference=WORDS, language=WORDS,
    day=st.dates(), has_remedy=st.booleans(), office=WORDS, people=st.integers(0, 10**6), pdf=DIGESTS,
)  # fmt: skip


@given(STATEMENTS)
def test_a_statement_is_read_as_it_was_written(statement: Statement) -> None:
    assert parse_statement(format_statement(statement)) == statement


@given(STATEMENTS, st.data())
def test_a_statement_written_otherwise_is_refused_or_means_what_it_says(
    statement: Statement, data: st.DataObject
) -> None:
    text = bytearray(format_statement(statement))
    text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = parse_statement(bytes(text))
    except MalformedError:
        return
    assert format_statement(found) == bytes(text)


def test_a_day_of_a_letter_is_a_day(draft: Draft) -> None:
    text = format_statement(replace(draft.statement, day=date(2026, 12, 1))).replace(
        b"2026-12-01", b"20261201"
    )
    with pytest.raises(MalformedError):
        parse_statement(text)


def test_two_who_sign_the_bare_statement_at_the_same_time_are_both_counted(
    draft: Draft, book: LetterBook
) -> None:
    text = format_statement(draft.statement)
    first = take_signature(draft, sign_note(text, ANN), KEYS, login="ann.example")
    both = take_signature(first, sign_note(text, BEN), KEYS, login="ben.example")
    assert both.is_released
    assert verify_letter(both.pdf, both.note, KEYS, book).signers == ("law/ann.example", "law/ben.example")
    assert resume_draft(both.pdf, both.note, KEYS) == both


def test_nobody_hands_in_the_word_of_another(draft: Draft) -> None:
    text = format_statement(draft.statement)
    of_ann = sign_note(text, ANN)
    with pytest.raises(VerificationError, match=r"known key `law/ben[.]example`, got none"):
        take_signature(draft, of_ann, KEYS, login="ben.example")
    first = take_signature(draft, cosign_note(of_ann, BEN), KEYS, login="ann.example")
    assert first.signers == ("law/ann.example",)
    assert b"ben.example" not in first.note
    with pytest.raises(VerificationError, match="has signed this letter"):
        take_signature(first, of_ann, KEYS, login="ann.example")


def test_what_is_handed_in_over_another_letter_or_by_another_office_is_refused(
    draft: Draft, made: Made
) -> None:
    other = make_draft(*made("declined"), day=DAY)
    with pytest.raises(VerificationError, match="another letter"):
        take_signature(draft, sign_note(format_statement(other.statement), ANN), KEYS, login="ann.example")
    text = format_statement(draft.statement)
    with pytest.raises(VerificationError, match="got none"):
        take_signature(draft, sign_note(text, EVE), KEYS, login="eve.example")
    with pytest.raises(VerificationError, match="got none"):
        take_signature(draft, sign_note(text, OLD), KEYS, login="old.example")
    for raw in (b"", b"x", text, text + b"\n"):
        with pytest.raises(MalformedError):
            take_signature(draft, raw, KEYS, login="ann.example")


def test_a_third_signature_is_refused_once_two_have_released_it(draft: Draft) -> None:
    text = format_statement(draft.statement)
    both = sign_draft(sign_draft(draft, ANN), BEN)
    third = Signer.make("law/cid.example", b"7" * 32)
    with pytest.raises(VerificationError, match="released already"):
        take_signature(both, sign_note(text, third), [*KEYS, third.verifier], login="cid.example")


def test_a_statement_and_a_note_over_it_are_read_for_signing(draft: Draft) -> None:
    text = format_statement(draft.statement)
    assert read_draft(draft.pdf, text) == draft
    first = sign_draft(draft, ANN)
    assert read_draft(first.pdf, first.note) == first
    with pytest.raises(VerificationError, match="not the one that the note is about"):
        read_draft(draft.pdf + b" ", text)
    for raw in (b"", b"\n\n", text[:-1], b"x\n\n\xe2\x80\x94 a b\n"):
        with pytest.raises(MalformedError):
            read_draft(draft.pdf, raw)
