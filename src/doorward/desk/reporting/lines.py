"""What the law department says of a matter or a visit for the reports: words of the order, days and references.

Nobody's own words are taken: a report holds none (ADR 47). What was said before stays; the last word on each counts.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db import transaction

from doorward.desk.access import Actor, matter_of, reported, reported_visits, sees_reports, visit_of
from doorward.desk.entries import office_entry
from doorward.desk.history import NotAllowedError
from doorward.desk.models import Matter, ReportLine, Visit
from doorward.desk.order import order
from doorward.desk.recorder import recorder
from doorward.desk.reporting.gather import REQUEST, rules, said_of
from doorward.desk.reporting.turns import take_turn
from doorward.desk.roles import MAY, Act
from doorward.desk.statutory.rows import NONE
from doorward.errors import ConfigError
from doorward.record.entry import Kind

CIVIL: Final = ("yes", "no")
MAX_DOCUMENTS: Final = 20
_REFERENCE: Final = re.compile(r"([A-Z]{2,6})-[0-9]{4}-[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing that can be said.

    Args:
        words: Word and label; empty where it is a day or references.
        value: What stands now.
    """

    key: str
    label: str
    help: str
    words: tuple[tuple[str, str], ...]
    value: str
    is_day: bool = False


def source_of(actor: Actor, key: uuid.UUID) -> Matter | Visit | None:
    """Return the matter or visit of this id, or None where there is none for this person or for any report."""
    if not sees_reports(actor):
        return None
    found = matter_of(actor, key)
    if found is not None:
        return found if reported(actor.now).filter(pk=key).exists() else None
    return visit_of(actor, key) if reported_visits().filter(pk=key).exists() else None


def questions(source: Matter | Visit) -> list[Asked]:
    """Return what can be said of a matter or a visit, with what stands now."""
    by, now = rules(), said_of(source)
    agencies = order().pack.agencies
    components = tuple((name, agencies[name].name) for name in by.desk.components)
    asked, handled = tuple(by.words.asked.items()), tuple(by.words.handled.items())
    every = {
        "civil": ("Does it relate to civil immigration enforcement?", "", (("yes", "Yes"), ("no", "No"))),
        "component": ("Which component of Homeland Security asked?", "", components),
        "asked": ("What help was asked for?", "Left open, as the request was filed.", asked),
        "handled": ("How was it handled?", "Left open, as the order decided it.", handled),
        "documents": (
            "Documents on how it was handled",
            "References such as DOC-2026-0017, a space between two.",
            (),
        ),
        "notified": (
            "When was OEMC told?",
            f"A day such as 2026-11-26, or `{NONE}`: no notice was made.",
            (),
        ),
        "form_given": ("When was the completed form given?", "", ()),
        "reasons_given": ("When were written reasons given instead?", "", ()),
        "counts": (
            "Is this visit a request for help to a reporting agency?",
            "A visit is in no report unless you say so.",
            ((REQUEST, "Yes"), (NONE, "No")),
        ),
    }
    if isinstance(source, Visit):
        keys = ["counts", "component", "asked", "handled", "documents"]
    elif source.kind in by.desk.certifications:
        keys = ["form_given", "reasons_given"]
    else:
        keys = ["civil", "component", "asked", "handled", "documents"]
        keys += ["notified"] if by.desk.notice in source.obligations else []
    days = {"form_given", "reasons_given"}
    return [Asked(key, *every[key], now.get(key, ""), key in days) for key in keys]


def say(actor: Actor, source: Matter | Visit, sent: Mapping[str, str]) -> ReportLine:
    """Return what was said, added to what stands; its entry is in the record before it counts.

    Args:
        sent: By key; of anybody. An empty text takes back what was said of it.

    Raises:
        NotAllowedError: They may not, or there is no such matter for them.
        ConfigError: A word is none of the order's, a day is none, or nothing is new.
        StoreError: It cannot be recorded; nothing was said.
    """
    by = actor.assignment(MAY[Act.LINE]) if actor.may(Act.LINE) else None
    if by is None:
        raise NotAllowedError("as what you are signed in, this is not yours to do")
    with transaction.atomic():
        take_turn(str(source.pk))
        found = source_of(actor, source.pk)
        if found is None:
            raise NotAllowedError("there is no such matter for you")
        today = rules().today(actor.now)
        says = {
            one.key: _check(one, sent[one.key].strip(), found, today)
            for one in questions(found)
            if one.key in sent
        }
        _check_whole(found, {**said_of(found), **says})
        says = {key: word for key, word in says.items() if said_of(found).get(key, "") != word}
        if not says:
            raise ConfigError("this was said already", hint="nothing is changed")
        fields = office_entry(
            found.pk, Act.LINE.value, what=" ".join(sorted(says)), login=actor.account.login, office=by.role
        )
        entry = recorder().record([(Kind.ACT, fields)], now=actor.now)
        of = {"visit": found} if isinstance(found, Visit) else {"matter": found}
        return ReportLine.objects.create(
            **of, says=says, at=actor.now, by=actor.account, office=by.role, entry=entry
        )


def _check(asked: Asked, text: str, source: Matter | Visit, today: date) -> str:
    """Return a word, a day or references as they are kept."""
    if not text:
        return ""
    if asked.words:
        if text not in dict(asked.words):
            raise ConfigError(f"`{asked.key}` takes one of {', '.join(dict(asked.words))}")
        return text
    if asked.key == "documents":
        return _references(text)
    if asked.key == "notified" and text == NONE:
        return text
    return _day(asked.key, text, source, today)


def _references(text: str) -> str:
    found = text.replace(";", " ").replace(",", " ").split()
    starts = rules().words.documents
    if len(found) > MAX_DOCUMENTS:
        raise ConfigError(f"at most {MAX_DOCUMENTS} documents are named")
    for one in found:
        match = _REFERENCE.fullmatch(one)
        if match is None or match[1] not in starts:
            raise ConfigError(f"a reference is such as {starts[0]}-2026-0017, and one of these is none")
    return " ".join(found)


def _day(key: str, text: str, source: Matter | Visit, today: date) -> str:
    by = rules()
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"`{key}` takes a day such as 2026-11-26") from error
    first = source.received.astimezone(by.clocks.zone).date()
    if day < first:
        raise ConfigError(f"`{key}` is before it was received")
    if day > today:
        raise ConfigError(f"`{key}` is in the future")
    return day.isoformat()


def _check_whole(source: Matter | Visit, says: Mapping[str, str]) -> None:
    if says.get("form_given") and says.get("reasons_given"):
        raise ConfigError("the form was given, or reasons were; the statute asks for one of the two")
    if isinstance(source, Visit) and says.get("counts") == REQUEST:
        missing = [key for key in ("component", "asked", "handled") if not says.get(key)]
        if missing:
            raise ConfigError(f"a visit that counts as a request needs `{missing[0]}`")
