"""The letter that answers a matter: which one it is, what a form has to ask for it, and its page as a draft.

A draft is unsigned and is kept nowhere. What goes out is signed by those whom the letters of the order name
(`doorward.desk.letters`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings

from doorward.desk.letters.answer import Answer, Fault, Letter, NoLetter, check_answer, find_letter
from doorward.desk.letters.render import render
from doorward.desk.models import Matter
from doorward.desk.order import order
from doorward.orders.intake import Faults, read_form
from doorward.orders.letter_book import Facts, Field, FieldType
from doorward.orders.load import load_letters
from doorward.policy.decision import Outcome, Posture

PRESENTED: Final = ".presented"
PAPERS: Final = "context.papers."
MAX_TEXT: Final = 20_000


@dataclass(frozen=True, slots=True)
class Page:
    """A letter's page.

    Args:
        pdf: The draft, or None.
        faults: What keeps it from being written.
    """

    pdf: bytes | None
    faults: tuple[Fault, ...] = ()


def letter_for(matter: Matter, *, now: datetime) -> Letter | NoLetter:
    """Return the letter that answers a matter as the order answers it now, or why none is written."""
    pack = order().pack
    book = load_letters(pack)
    kind = order().intake.kinds.get(matter.kind)
    asked = Faults() if kind is None else order().intake.read(kind.id, read_form(kind, matter.answers))
    if isinstance(asked, Faults):
        return NoLetter("the order in force asks other questions than the one under which this was filed")
    papers = frozenset(
        path.split(".")[2]
        for path, value in matter.facts.items()
        if path.startswith(PAPERS) and path.endswith(PRESENTED) and value is True
    )
    found = book.find_kind(asked.action, papers)
    if found is None:
        return NoLetter("a person has to say which kind of letter this is")
    sealed = matter.sealed_until is not None and matter.sealed_until > now
    return find_letter(
        pack, book, Facts(found.name, Outcome(matter.outcome), Posture(matter.posture), is_sealed=sealed)
    )


def write_draft(letter: Letter, matter: Matter, sent: Mapping[str, str], *, now: datetime) -> Page:
    """Return the draft of a letter with what somebody typed, or what is wrong with it.

    Args:
        sent: A text for `to` and for each field of the letter; untrusted.
    """
    zone = ZoneInfo(settings.DESK.time_zone)
    fields = {
        one.name: _READ[one.type](one, sent.get(one.name, "")[:MAX_TEXT])
        for one in letter.form.fields
        if sent.get(one.name, "").strip()
    }
    answer = Answer(
        reference=matter.number,
        to=_lines(sent.get("to", "")[:MAX_TEXT]),
        received=matter.received.astimezone(zone).date(),
        clauses=tuple(matter.clauses),
        fields=fields,
    )
    day = now.astimezone(zone).date()
    faults = check_answer(letter, answer, day=day)
    return Page(None, faults) if faults else Page(render(letter, answer, day=day))


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _date(_: Field, text: str) -> object:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return text  # the letter's own check says what is wrong with it


def _count(_: Field, text: str) -> object:
    return int(text) if text.strip().isascii() and text.strip().isdigit() and len(text.strip()) <= 9 else text


_READ: Final[Mapping[FieldType, Callable[[Field, str], object]]] = {
    FieldType.LINE: lambda _, text: text.strip(),
    FieldType.TEXT: lambda _, text: text.replace("\r\n", "\n").strip(),
    FieldType.CHOICE: lambda _, text: text.strip(),
    FieldType.DATE: _date,
    FieldType.COUNT: _count,
    FieldType.LINES: lambda _, text: list(_lines(text)),
    FieldType.ROWS: lambda _, text: [[cell.strip() for cell in line.split("|")] for line in _lines(text)],
}
