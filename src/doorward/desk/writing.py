"""The letter that answers a matter: which one it is, what a form has to ask for it, and its page as a draft.

What is shown to read is kept nowhere; `releasing` keeps a draft, which goes out when those have signed it whom the
letters of the order name (`doorward.desk.letters`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings

from doorward.desk.actions import decide_again, words_of
from doorward.desk.letters.answer import (
    Answer,
    Fault,
    Letter,
    NoLetter,
    check_answer,
    find_letter,
    shown_remedies,
)
from doorward.desk.letters.render import render
from doorward.desk.models import Determined, Matter
from doorward.desk.order import letters, order
from doorward.desk.records_on_file import records_of, state_of
from doorward.orders.intake import Faults, read_form
from doorward.orders.letter_book import Facts, Field, FieldType
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


def letters_for(matter: Matter, *, now: datetime) -> tuple[Letter, ...] | NoLetter:
    """Return the letters that a matter may have as the order answers it now, the answer first, or why there is none.

    Where the order refers and a determination in force is about the matter, those of what was determined are among
    them: the law department has said what the order left to it.
    """
    pack = order().pack
    if matter.order_digest != pack.digest:
        return NoLetter("the order changed since it answered this: ask it again first")
    book = letters()
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
    tried = [
        find_letter(pack, book, Facts(found.name, outcome, posture, act, is_sealed(matter, now)))
        for outcome, posture in _answers(matter, now)
        for act in found.acts
    ]
    written: dict[str, Letter] = {}
    for one in tried:
        if isinstance(one, Letter):
            written.setdefault(one.form.name, one)
    first = tried[0]
    if isinstance(first, NoLetter) and not written:
        return first
    return tuple(written.values())


def is_sealed(matter: Matter, now: datetime) -> bool:
    """Whether a matter is sealed at a moment."""
    return matter.sealed_until is not None and matter.sealed_until > now


def _answers(matter: Matter, now: datetime) -> list[tuple[Outcome, Posture]]:
    said = [(Outcome(matter.outcome), Posture(matter.posture))]
    if matter.outcome == Outcome.REFER and determined_in_force(matter, now):
        said += [(Outcome.DENY, Posture.DECLINE), (Outcome.PERMIT, Posture.PERFORM_IN_SCOPE)]
    return said


def determined_in_force(matter: Matter, now: datetime) -> list[Determined]:
    """Return the determinations about a matter that are in force: neither over nor taken back, their signer known."""
    linked = list(matter.determined.all())
    kept = records_of(settings.DESK.data).all() if linked else ()
    states = {one.id: state_of(one, kept, now) for one in kept}
    return [one for one in linked if states.get(one.record) in {"in force", "ends soon"}]


def remedies_of(letter: Letter, matter: Matter, *, now: datetime) -> tuple[str, ...]:
    """Return what a letter may name that would change its answer; none where its form names none."""
    if not letter.form.may_remedy:
        return ()
    decided = decide_again(matter, words_of(matter), now=now)
    explained = letter.pack.explain(decided.request)
    return shown_remedies(letter.pack, explained.remedies)


def fill(
    letter: Letter, matter: Matter, sent: Mapping[str, str], *, now: datetime, remedies: tuple[str, ...] = ()
) -> Answer:
    """Return what stands in a letter, of what somebody typed; unchecked.

    Args:
        sent: A text for `to` and for each field of the letter; untrusted.
        remedies: Those that counsel switched on, of `remedies_of`; none are shown otherwise.
    """
    fields = {
        one.name: _READ[one.type](one, sent.get(one.name, "")[:MAX_TEXT])
        for one in letter.form.fields
        if sent.get(one.name, "").strip()
    }
    clauses = [*matter.clauses, *(one.clause for one in determined_in_force(matter, now))]
    return Answer(
        reference=matter.number,
        to=_lines(sent.get("to", "")[:MAX_TEXT]),
        received=matter.received.astimezone(_zone()).date(),
        clauses=tuple(dict.fromkeys(clauses)),
        fields=fields,
        remedies=remedies,
        remedy=bool(remedies),
    )


def write_draft(letter: Letter, answer: Answer, *, now: datetime) -> Page:
    """Return the page of a letter, or what is wrong with what was typed."""
    day = day_of(now)
    faults = check_answer(letter, answer, day=day)
    return Page(None, faults) if faults else Page(render(letter, answer, day=day))


def day_of(now: datetime) -> date:
    """Return the day in the city."""
    return now.astimezone(_zone()).date()


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.DESK.time_zone)


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
