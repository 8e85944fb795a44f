"""A letter leaves when the people who must have released it, each on their own. Pure.

A release is a signed note over the letter's digest. Whoever has the letter, the note and the office's keys can tell
that this letter was released, and by how many; the note names no recipient and nothing of what the letter says.

1. A letter's form says how many people release it, and which office they hold. The name of a key says office and
   login: ``law/ann.example``.
2. Two are two logins with two keys. One login with two keys is one person.
3. The digest is that of the PDF. A letter that is edited is another PDF: signatures over the one before are void.

A note::

    doorward letter v1
    order: chicago
    pack: 6d18be80...
    letters: 8a59f854...
    letter: declined-paper
    reference: D-2026-0117
    language: en
    day: 2026-12-01
    remedy: no
    office: law
    people: 2
    pdf: 3c01b2e9...

Source: C2SP signed-note; DESIGN.md, "machines prepare, people decide".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from typing import Final

from doorward.desk.letters.answer import Answer, Letter
from doorward.desk.letters.render import ENGLISH, render
from doorward.errors import MalformedError, VerificationError
from doorward.notes.lines import format_lines, parse_lines
from doorward.notes.note import (
    Signer,
    UnverifiedNote,
    Verifier,
    append_signature,
    cosign_note,
    find_signers,
    parse_note,
    sign_note,
)
from doorward.orders.letter_book import LetterBook

HEADER: Final = "doorward letter v1"
_FIELDS: Final = (
    "order", "pack", "letters", "letter", "reference", "language", "day", "remedy", "office", "people", "pdf",
)  # fmt: skip
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]{0,62}")
YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class Statement:
    """What is signed.

    Args:
        pack: Digest of the order under which the letter was written.
        letters: Digest of its letters.
        has_remedy: Whether counsel let the letter say what would change the answer.
        people: How many release it.
        pdf: SHA-256 of the letter, hexadecimal.
    """

    order: str
    pack: str
    letters: str
    letter: str
    reference: str
    language: str
    day: date
    has_remedy: bool
    office: str
    people: int
    pdf: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A letter on its way out.

    Args:
        pdf: The letter.
        note: The statement with the signatures so far; empty before the first.
        signers: Names of the keys that signed it here.
    """

    statement: Statement
    pdf: bytes
    note: bytes = b""
    signers: tuple[str, ...] = ()

    @property
    def is_released(self) -> bool:
        """True where as many people signed it as its form asks for."""
        return len(self.signers) >= self.statement.people


@dataclass(frozen=True, slots=True)
class Released:
    """A letter that was released.

    Args:
        signers: Names of the keys, each of another person.
        is_current: Whether the letters of the order are still those under which it was written.
    """

    statement: Statement
    signers: tuple[str, ...]
    is_current: bool


def make_draft(letter: Letter, answer: Answer, *, day: date, language: str = ENGLISH) -> Draft:
    """Return a draft that nobody has signed.

    Raises:
        ConfigError: As `render`; a preview is never drafted.
    """
    pdf = render(letter, answer, day=day, language=language)
    form = letter.form
    return Draft(
        Statement(
            order=letter.pack.name,
            pack=letter.pack.digest,
            letters=letter.book.digest,
            letter=form.name,
            reference=answer.reference,
            language=language,
            day=day,
            has_remedy=answer.remedy,
            office=form.office,
            people=form.people,
            pdf=sha256(pdf).hexdigest(),
        ),
        pdf,
    )


def redraft(draft: Draft, letter: Letter, answer: Answer, *, day: date, language: str = ENGLISH) -> Draft:
    """Return the draft of an edited letter: without signatures, unless nothing of it changed.

    Raises:
        ConfigError: As `render`.
        VerificationError: The letter was released already; what has left is answered by another letter.
    """
    if draft.is_released:
        raise VerificationError(f"the letter `{draft.statement.reference}` was released and is not edited")
    edited = make_draft(letter, answer, day=day, language=language)
    return draft if edited.statement == draft.statement else edited


def sign_draft(draft: Draft, signer: Signer) -> Draft:
    """Return the draft with one person's signature more.

    Args:
        draft: As that person read it.
        signer: Named by office and login.

    Raises:
        VerificationError: The person holds another office, has signed it already, or it was released.
    """
    wanted = draft.statement.office
    office, _, login = signer.name.partition("/")
    if office != wanted or not login:
        raise VerificationError(
            f"this letter is released by the office `{wanted}`, and `{signer.name}` is not of it"
        )
    if draft.is_released:
        raise VerificationError("the letter was released already")
    if any(name == signer.name for name in draft.signers):
        raise VerificationError(
            f"`{signer.name}` has signed this letter; another person does",
            hint="two people, each on their own",
        )
    text = format_statement(draft.statement)
    note = cosign_note(draft.note, signer) if draft.note else sign_note(text, signer)
    return replace(draft, note=note, signers=(*draft.signers, signer.name))


def resume_draft(pdf: bytes, note: bytes, officials: Sequence[Verifier]) -> Draft:
    """Return the draft that was put away with its signatures; only those of known keys of its office count.

    Args:
        pdf: As it was put away.
        note: As it was put away, with at least one signature.
        officials: The office's public keys.

    Raises:
        MalformedError: It is no note, or no release.
        VerificationError: The letter was edited since it was signed, or a known key's signature does not hold.
    """
    read = parse_note(note)
    statement = parse_statement(read.text)
    _check_same(pdf, statement)
    return Draft(statement, pdf, note, _find_people(read, officials, statement.office))


def read_draft(pdf: bytes, raw: bytes) -> Draft:
    """Return the draft that somebody is about to sign: its statement, or the note with the signatures so far.

    The signatures that stand there are taken by their names and not verified: whoever releases the letter does.

    Args:
        pdf: As it was downloaded.
        raw: The statement, or a note over it.

    Raises:
        MalformedError: It is no statement and no note over one.
        VerificationError: The letter is another one than the statement is about.
    """
    text, note = raw, b""
    names: tuple[str, ...] = ()
    if b"\n\n" in raw:
        read = parse_note(raw)
        text, note, names = read.text, raw, tuple(line.name for line in read.signatures)
    statement = parse_statement(text)
    _check_same(pdf, statement)
    return Draft(statement, pdf, note, names)


def take_signature(draft: Draft, handed: bytes, officials: Sequence[Verifier], *, login: str) -> Draft:
    """Return the draft with the signature that one person made elsewhere and hands in.

    Only that person's own signature is taken of what is handed in. So two people who sign the bare statement at the
    same time are both counted, and nobody hands in another's word.

    Args:
        draft: As it was put away, with the signatures so far.
        handed: A note, of anybody.
        officials: The office's public keys.
        login: Of the account that hands it in.

    Raises:
        MalformedError: It is no note.
        VerificationError: It is over another letter, no known key of this office and login signed it, a signature does
            not hold, the person has signed already, or it was released.
    """
    read = parse_note(handed)
    if read.text != format_statement(draft.statement):
        raise VerificationError(
            "what was signed is another letter than this one",
            hint="download the letter and its statement again",
        )
    wanted = f"{draft.statement.office}/{login}"
    signers = [one for one in find_signers(read, officials) if one.name == wanted]
    if not signers:
        raise VerificationError(f"expected the signature of a known key `{wanted}`, got none")
    if wanted in draft.signers:
        raise VerificationError(
            f"`{wanted}` has signed this letter; another person does", hint="two people, each on their own"
        )
    if draft.is_released:
        raise VerificationError("the letter was released already")
    line = next(one for one in read.signatures if (one.name, one.id) == (signers[0].name, signers[0].id))
    note = append_signature(read.text, draft.note, line)
    return replace(draft, note=note, signers=(*draft.signers, wanted))


def format_statement(statement: Statement) -> bytes:
    """Return the text of a statement, as it is signed."""
    values = (
        statement.order, statement.pack, statement.letters, statement.letter, statement.reference,
        statement.language, statement.day.isoformat(), YES if statement.has_remedy else NO, statement.office,
        str(statement.people), statement.pdf,
    )  # fmt: skip
    return format_lines(HEADER, zip(_FIELDS, values, strict=True))


def parse_statement(text: bytes) -> Statement:
    """Return the statement of a text.

    Args:
        text: Of anybody.

    Raises:
        MalformedError: It is none, or written otherwise than `format_statement` writes it.
    """
    order, pack, letters, letter, reference, language, day, remedy, office, people, pdf = parse_lines(
        text, HEADER, _FIELDS
    )
    if not all(_DIGEST.fullmatch(digest) for digest in (pack, letters, pdf)):
        raise MalformedError("the release note has a digest that is none")
    if not all(_WORD.fullmatch(word) for word in (order, letter, reference, language, office)):
        raise MalformedError("the release note has a word that is none")
    try:
        statement = Statement(
            order, pack, letters, letter, reference, language, date.fromisoformat(day), remedy == YES, office,
            int(people), pdf,
        )  # fmt: skip
    except ValueError as error:
        raise MalformedError("the release note has a day or a number that is none") from error
    if format_statement(statement) != text:
        raise MalformedError("the release note is written otherwise than doorward writes it")
    return statement


def verify_letter(pdf: bytes, note: bytes, officials: Sequence[Verifier], book: LetterBook) -> Released:
    """Return what is released, for somebody who got a letter and its note.

    Args:
        pdf: The letter, of anybody.
        note: Its release note, of anybody.
        officials: The office's public keys, from a place that the reader trusts.
        book: The letters of the order, which say who releases what. A note's own word on that is not enough.

    Raises:
        MalformedError: It is no note, or no release.
        VerificationError: The letter is another one, the order has no such letter, or too few people released it.
    """
    read = parse_note(note)
    statement = parse_statement(read.text)
    if sha256(pdf).hexdigest() != statement.pdf:
        raise VerificationError(
            "this letter is not the one that the note is about: it was changed, or is another"
        )
    form = book.forms.get(statement.letter)
    if form is None:
        raise VerificationError(f"the order has no letter `{statement.letter}`")
    people = _find_people(read, officials, form.office)
    needed = max(form.people, statement.people)
    if len(people) < needed or statement.office != form.office:
        raise VerificationError(
            f"expected {needed} of the office `{form.office}`, got {len(people)} whose keys are known"
        )
    return Released(statement, people, statement.letters == book.digest)


def _check_same(pdf: bytes, statement: Statement) -> None:
    if sha256(pdf).hexdigest() != statement.pdf:
        raise VerificationError(
            "this letter is not the one that the note is about: it was changed, or is another"
        )


def _find_people(read: UnverifiedNote, officials: Sequence[Verifier], wanted: str) -> tuple[str, ...]:
    """Return the names of the keys that signed for an office, one a login."""
    people: dict[str, str] = {}
    for signer in find_signers(read, officials):
        office, _, login = signer.name.partition("/")
        if office == wanted and login:
            people.setdefault(login, signer.name)
    return tuple(people.values())
