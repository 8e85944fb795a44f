"""What a pack's protocols are: places, tenants, contacts, records, and the steps of each protocol. Values only."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from doorward.errors import Span
from doorward.orders.protocols.section import Facts, Said

FOLDER: Final = "protocols"
OWN_OFFICE: Final = "own-office"  # the protocol of a place whose tenant adopted none
SOURCE_LANGUAGE: Final = "en"
BEGUN: Final = "begun"  # the record's field that says what opened it
BEGINNINGS: Final = ("request", "act")
SPEAKERS: Final = ("front-desk", "person-in-charge")
STAFF, PUBLIC = "staff", "public"
POSTER, CARD, VISITORS = SHEETS = ("poster", "card", "visitors")  # what paper.typ can set


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom a button calls.

    Args:
        phone: A number that is the same everywhere, such as that of the emergency services, or None.
        site: The number belongs to the building; the pack has none.
    """

    id: str
    label: Said
    phone: str | None
    site: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Answering:
    """A tenant's own words for a contact: who it is, its number, and for which addressees of the order it answers."""

    detail: str
    phone: str | None
    answers: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Guidance:
    """A published source that is no clause of the order."""

    id: str
    title: str
    url: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a field."""

    id: str
    label: Said


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a visit record; see docs/reference/protocol-json.md."""

    id: str
    kind: str
    label: Said
    help: Said | None
    need: str
    choices: tuple[Choice, ...]
    identifies: str | None
    handwritten: bool
    cite: tuple[str, ...]
    guidance: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class RecordForm:
    """The fields that a place's rule asks for."""

    id: str
    title: Said
    cite: tuple[str, ...]
    guidance: tuple[str, ...]
    fields: tuple[Field, ...]
    span: Span

    def field(self, name: str) -> Field | None:
        """Return a field by its id."""
        return next((field for field in self.fields if field.id == name), None)


@dataclass(frozen=True, slots=True)
class Place:
    """A kind of place."""

    id: str
    name: Said
    facts: Facts
    record: str
    span: Span


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose places they are."""

    id: str
    name: str
    facts: Facts
    places: tuple[str, ...]
    contacts: Mapping[str, Answering]
    span: Span


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is printed: a poster or a card."""

    id: str
    audience: str
    title: Said
    lines: tuple[Said, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Language:
    """A language that staff may choose; the name is in the language itself."""

    code: str
    name: str
    direction: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What every protocol of a pack shares.

    Args:
        facts: Of every request with which a way is compared.
        visitors: Whom each way is decided for, one alternative of facts each.
        words: Labels of the app and of what is printed.
    """

    facts: Facts
    visitors: tuple[Facts, ...]
    contacts: Mapping[str, Contact]
    guidance: Mapping[str, Guidance]
    places: Mapping[str, Place]
    tenants: Mapping[str, Tenant]
    records: Mapping[str, RecordForm]
    sheets: Mapping[str, Sheet]
    words: Mapping[str, Said]
    languages: Mapping[str, Language]
    span: Span


@dataclass(frozen=True, slots=True)
class Option:
    """One answer of a decision.

    Args:
        facts: Alternatives; where there is more than one, any of them may be so.
        fills: What the answer puts into the record.
    """

    label: Said
    next: str
    facts: tuple[Facts, ...]
    fills: Mapping[str, str]
    span: Span


@dataclass(frozen=True, slots=True)
class End:
    """How a way ends: what the order answers on it, as the author has it. `against_order` holds it to that.

    Args:
        outcomes: That occur on some way.
        postures: Likewise; staff do what all of them have in common.
        to: Addressees of the order that occur.
        obliges: Obligations of the order that occur, each of them seen to by a step or by who is told.
        record: Whether a visit record is opened.
    """

    outcomes: tuple[str, ...]
    postures: tuple[str, ...]
    to: tuple[str, ...]
    obliges: tuple[str, ...]
    record: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One screen: it goes on, asks, or ends.

    Args:
        home: The protocol or fragment that it stands in.
    """

    id: str
    home: str
    by: str
    title: Said
    do: tuple[Said, ...]
    say: tuple[Said, ...]
    never: tuple[Said, ...]
    call: tuple[str, ...]
    cite: tuple[str, ...]
    guidance: tuple[str, ...]
    next: str | None
    options: tuple[Option, ...]
    end: End | None
    span: Span

    @property
    def kind(self) -> str:
        """``do``, ``decide`` or ``end``."""
        if self.end is not None:
            return "end"
        return "decide" if self.options else "do"

    @property
    def targets(self) -> tuple[str, ...]:
        """The ids of the steps that may follow."""
        return (self.next,) if self.next is not None else tuple(option.next for option in self.options)


@dataclass(frozen=True, slots=True)
class First:
    """The first screen."""

    sentence: Said
    wait: Said
    call: tuple[str, ...]
    next: str


@dataclass(frozen=True, slots=True)
class Adoption:
    """By what act a tenant took a protocol over."""

    tenant: str
    by: str
    on: date
    act: str
    span: Span


@dataclass(frozen=True, slots=True)
class Protocol:
    """What staff of one kind of place do; `steps` has those of its fragments too, its own in their place.

    Args:
        place: None for `OWN_OFFICE`, which stands for any.
    """

    id: str
    place: str | None
    adoptions: Mapping[str, Adoption]
    facts: Facts
    first: First
    never: tuple[Said, ...]
    steps: Mapping[str, Step]
    span: Span


@dataclass(frozen=True, slots=True)
class Ban:
    """Words that no text of a language may have.

    Args:
        roles: Of the texts that they are banned from.
        parts: Found anywhere in a word, for scripts that write no spaces or join words.
    """

    language: str
    words: tuple[str, ...]
    roles: tuple[str, ...]
    parts: bool
    because: str


@dataclass(frozen=True, slots=True)
class Showing:
    """One place of a tenant and the protocol that its staff see; `adoption` is None with `OWN_OFFICE` alone."""

    tenant: Tenant
    place: Place
    protocol: Protocol
    adoption: Adoption | None
    record: RecordForm

    @property
    def facts(self) -> Facts:
        """What holds on each of its ways."""
        return {**self.tenant.facts, **self.place.facts, **self.protocol.facts}


@dataclass(frozen=True, slots=True)
class Protocols:
    """All protocols of a pack, without a fault of form."""

    frame: Frame
    protocols: Mapping[str, Protocol]
    fragments: Mapping[str, Mapping[str, Step]]
    bans: tuple[Ban, ...]

    def showings(self, tenant: str) -> tuple[Showing, ...]:
        """Return what the staff of a tenant see at each of its places; nothing that it has not adopted."""
        found = self.frame.tenants[tenant]
        return tuple(self._showing(found, self.frame.places[place]) for place in found.places)

    def without(self, withheld: Collection[tuple[str, str]]) -> "Protocols":
        """Return the protocols as if some tenants had not adopted the rule of some places: they see `OWN_OFFICE`.

        Args:
            withheld: Tenant and place.
        """
        left = {
            name: replace(one, adoptions={
                tenant: act for tenant, act in one.adoptions.items() if (tenant, one.place) not in withheld
            })
            for name, one in self.protocols.items()
        }  # fmt: skip
        return replace(self, protocols=left)

    def every_showing(self) -> Iterator[Showing]:
        """Yield what is seen anywhere."""
        for tenant in self.frame.tenants:
            yield from self.showings(tenant)

    def _showing(self, tenant: Tenant, place: Place) -> Showing:
        record = self.frame.records[place.record]
        for protocol in self.protocols.values():
            if protocol.place == place.id and tenant.id in protocol.adoptions:
                return Showing(tenant, place, protocol, protocol.adoptions[tenant.id], record)
        return Showing(tenant, place, self.protocols[OWN_OFFICE], None, record)
