"""What a person fills into a letter, and everything that is wrong with it. Pure.

A letter names papers, offices and clauses. It holds no number of a person, no name, nothing that a register said, and
no remedy but one that the order itself words for a paper (DESIGN.md, laws 8 and 9).
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from doorward.orders.letter_book import Facts, Field, FieldType, LetterBook, LetterForm
from doorward.orders.pack import Pack

MAX_TO: Final = 6
MAX_TO_LINE: Final = 120
MAX_CLAUSES: Final = 40
_REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]{0,39}")
_BREAK: Final = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
PAPER: Final = "paper"


@dataclass(frozen=True, slots=True)
class Letter:
    """The letter that answers a request: of which order, which form, and on what it was chosen."""

    pack: Pack
    book: LetterBook
    form: LetterForm
    facts: Facts


@dataclass(frozen=True, slots=True)
class NoLetter:
    """No letter is written, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What stands in one letter beside its form.

    Args:
        reference: Of the desk, for the reader to cite.
        to: Office and agency, in lines; the address of a person stays on the envelope.
        received: When the request came in.
        clauses: On which the answer rests, by id: those of the decision.
        fields: By name, as the form asks for them.
        remedies: What would change the answer, as `Pack.explain` gave it.
        remedy: Whether counsel lets the letter say so. False shows none of them.
    """

    reference: str
    to: tuple[str, ...]
    received: date
    clauses: tuple[str, ...] = ()
    fields: Mapping[str, object] = field(default_factory=dict)
    remedies: tuple[str, ...] = ()
    remedy: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, at a field of the form or at `reference`, `to`, `received`, `clauses`, `remedy`."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"`{self.field}` {self.message}"


def find_letter(pack: Pack, book: LetterBook, facts: Facts) -> Letter | NoLetter:
    """Return the letter of the first rule that holds, or why none is written.

    Args:
        pack: The order.
        book: Its letters, checked: every combination of a known kind has a rule.
        facts: Of the request and of what was done.
    """
    if facts.kind not in book.kinds or facts.act not in book.kinds[facts.kind].acts:
        return NoLetter(f"the order has no letter for `{facts.kind}`, {facts.act}")
    rule = book.find_rule(facts)
    if rule is None or rule.letter is None:
        return NoLetter(rule.why if rule is not None else "no rule says which letter")
    return Letter(pack, book, book.forms[rule.letter], facts)


def check_answer(letter: Letter, answer: Answer, *, day: date) -> tuple[Fault, ...]:
    """Return everything that keeps a letter from being written; empty where it can be.

    Args:
        letter: Of `find_letter`.
        answer: Typed by people; nothing of it is trusted.
        day: Of the letter.
    """
    return (
        *_check_head(letter, answer, day),
        *_check_fields(letter.form, answer),
        *_check_never(letter, answer),
    )


def shown_remedies(pack: Pack, remedies: Sequence[str]) -> tuple[str, ...]:
    """Return those remedies that a letter may name: the order's own words for a paper; no register, no approval."""
    allowed = {
        policy.remedy.text for policy in pack.policies if policy.remedy and policy.remedy.kind == PAPER
    }
    return tuple(dict.fromkeys(remedy for remedy in remedies if remedy in allowed))


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text; whatever ends a line ends one."""
    return [line.strip() for line in _BREAK.split(text.replace("\r\n", "\n")) if line.strip()]


def _check_head(letter: Letter, answer: Answer, day: date) -> Iterator[Fault]:
    if not _REFERENCE.fullmatch(answer.reference):
        yield Fault("reference", "must be 1 to 40 letters, figures, points, slashes or hyphens")
    if not 1 <= len(answer.to) <= MAX_TO:
        yield Fault("to", f"must be 1 to {MAX_TO} lines, got {len(answer.to)}")
    for line in answer.to:
        yield from _check_line("to", line, MAX_TO_LINE)
    if answer.received > day:
        yield Fault("received", "must not be after the day of the letter")
    unknown = [clause for clause in answer.clauses if clause not in letter.pack.clauses]
    if unknown:
        yield Fault("clauses", f"must be clauses of the order; {len(unknown)} of them are none")
    if letter.form.cites and not answer.clauses:
        yield Fault("clauses", "must not be empty: no answer without the clause that it rests on")
    if len(answer.clauses) > MAX_CLAUSES or len(set(answer.clauses)) != len(answer.clauses):
        yield Fault("clauses", f"must be at most {MAX_CLAUSES}, each once")
    if answer.remedy and not letter.form.may_remedy:
        yield Fault(
            "remedy", f"must be off: the letter `{letter.form.name}` says of no answer what would change it"
        )
    elif answer.remedy and not shown_remedies(letter.pack, answer.remedies):
        yield Fault("remedy", "must be off: nothing that a letter may name would change this answer")


def _check_fields(form: LetterForm, answer: Answer) -> Iterator[Fault]:
    known = {field.name for field in form.fields}
    for name in answer.fields:
        if name not in known:
            yield Fault(name[:60], f"is no field of the letter `{form.name}`")
    for one in form.fields:
        value = answer.fields.get(one.name)
        if value is None:
            if one.required:
                yield Fault(one.name, f"is missing: {one.says}")
        else:
            yield from _check_value(one, value)


def _check_value(one: Field, value: object) -> Iterator[Fault]:
    if one.type is FieldType.DATE:
        if type(value) is not date:
            yield Fault(one.name, "must be a day")
    elif one.type is FieldType.COUNT:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= one.most:
            yield Fault(one.name, f"must be a number from 0 to {one.most}")
    elif one.type is FieldType.CHOICE:
        if not isinstance(value, str) or value not in one.choices:
            yield Fault(one.name, f"must be one of {', '.join(one.choices)}")
    elif one.type is FieldType.LINE:
        yield from _check_line(one.name, value, one.most)
    elif one.type is FieldType.TEXT:
        if not isinstance(value, str) or not paragraphs(value):
            yield Fault(one.name, "must be a text that is not empty")
        elif len(value) > one.most:
            yield Fault(one.name, f"must have at most {one.most} characters, got {len(value)}")
    elif one.type is FieldType.LINES:
        yield from _check_lines(one, value)
    else:
        yield from _check_rows(one, value)


def _check_line(name: str, value: object, most: int) -> Iterator[Fault]:
    if not isinstance(value, str) or not value.strip():
        yield Fault(name, "must be a line that is not empty")
    elif len(value) > most:
        yield Fault(name, f"must have at most {most} characters, got {len(value)}")
    elif _BREAK.search(value):
        yield Fault(name, "must be one line")


def _check_lines(one: Field, value: object) -> Iterator[Fault]:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= one.items:
        yield Fault(one.name, f"must be 1 to {one.items} lines")
        return
    for line in value:
        yield from _check_line(one.name, line, one.most)


def _check_rows(one: Field, value: object) -> Iterator[Fault]:
    width = len(one.columns)
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= one.items:
        yield Fault(one.name, f"must be 1 to {one.items} rows")
        return
    for row in value:
        if not isinstance(row, list | tuple) or len(row) != width:
            yield Fault(one.name, f"must have {width} cells in each row")
            return
        for cell in row:
            yield from _check_line(one.name, cell, one.most)


def _check_never(letter: Letter, answer: Answer) -> Iterator[Fault]:
    given = {"reference": answer.reference, "to": list(answer.to), **answer.fields}
    for name, value in given.items():
        for text in _texts(value):
            plain = unicodedata.normalize("NFKC", text)
            for never in letter.book.never:
                if never.pattern.search(plain):
                    yield Fault(name, f"holds what no letter holds: {never.says}")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
