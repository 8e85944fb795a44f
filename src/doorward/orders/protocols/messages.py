"""Every text of the protocols that people read, once, with where it stands and how long it may be. Pure.

A text is its English words: two screens with the same sentence share one text and one translation. Its id is where it
stands first.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from doorward.errors import Span
from doorward.orders.protocols.model import PUBLIC, STAFF, Protocols, RecordForm, Step
from doorward.orders.protocols.section import Said

# In columns of a phone 360 px wide, where a line of the body takes 38 and a button two lines.
LIMITS: Final[Mapping[str, int]] = {
    "title": 70,
    "do": 120,
    "say": 120,
    "never": 90,
    "label": 90,
    "first": 100,
    "field": 110,
    "sheet": 100,
    "word": 80,
}


@dataclass(frozen=True, slots=True)
class Use:
    """One place where a text stands."""

    where: str
    role: str
    audience: str
    span: Span


@dataclass(frozen=True, slots=True)
class Message:
    """A text and all its uses; the first gives the id."""

    text: str
    uses: tuple[Use, ...]

    @property
    def id(self) -> str:
        """Where it stands first."""
        return self.uses[0].where

    @property
    def roles(self) -> frozenset[str]:
        """What it is used as."""
        return frozenset(use.role for use in self.uses)

    @property
    def is_public(self) -> bool:
        """Whether visitors may see it."""
        return any(use.audience == PUBLIC for use in self.uses)

    @property
    def limit(self) -> int:
        """How many columns it may take in any language."""
        return min(LIMITS[role] for role in self.roles)


def collect_messages(protocols: Protocols) -> tuple[Message, ...]:
    """Return every text, in the order of the files."""
    uses: dict[str, list[Use]] = {}
    for where, role, audience, said in _texts(protocols):
        uses.setdefault(said.text, []).append(Use(where, role, audience, said.span))
    return tuple(Message(text, tuple(found)) for text, found in uses.items())


def _texts(protocols: Protocols) -> Iterator[tuple[str, str, str, Said]]:
    frame = protocols.frame
    for name, said in frame.words.items():
        yield f"words.{name}", "word", STAFF, said
    for contact in frame.contacts.values():
        yield f"contacts.{contact.id}", "label", STAFF, contact.label
    for place in frame.places.values():
        yield f"places.{place.id}", "label", STAFF, place.name
    for record in frame.records.values():
        yield from _record(record)
    for sheet in frame.sheets.values():
        yield f"sheets.{sheet.id}.title", "sheet", sheet.audience, sheet.title
        yield from _numbered(f"sheets.{sheet.id}", "sheet", sheet.lines, sheet.audience)
    for name, steps in protocols.fragments.items():
        for step in steps.values():
            yield from _step(name, step)
    for protocol in protocols.protocols.values():
        yield f"{protocol.id}.first.sentence", "first", STAFF, protocol.first.sentence
        yield f"{protocol.id}.first.wait", "first", STAFF, protocol.first.wait
        yield from _numbered(f"{protocol.id}.never", "never", protocol.never)
        for step in protocol.steps.values():
            if step.home == protocol.id:
                yield from _step(protocol.id, step)


def _record(record: RecordForm) -> Iterator[tuple[str, str, str, Said]]:
    yield f"records.{record.id}.title", "field", STAFF, record.title
    for field in record.fields:
        at = f"records.{record.id}.{field.id}"
        yield f"{at}.label", "field", STAFF, field.label
        if field.help is not None:
            yield f"{at}.help", "field", STAFF, field.help
        for choice in field.choices:
            yield f"{at}.{choice.id}", "field", STAFF, choice.label


def _step(home: str, step: Step) -> Iterator[tuple[str, str, str, Said]]:
    at = f"{home}.{step.id}"
    yield f"{at}.title", "title", STAFF, step.title
    for role, texts in (("do", step.do), ("say", step.say), ("never", step.never)):
        yield from _numbered(f"{at}.{role}", role, texts)
    for number, option in enumerate(step.options, start=1):
        yield f"{at}.option.{number}", "label", STAFF, option.label


def _numbered(
    at: str, role: str, texts: tuple[Said, ...], audience: str = STAFF
) -> Iterator[tuple[str, str, str, Said]]:
    for number, said in enumerate(texts, start=1):
        yield f"{at}.{number}", role, audience, said
