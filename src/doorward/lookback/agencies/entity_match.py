"""From the name of an organisation to an agency of the order's entity file. Pure.

By ORI, by name, and for federal agencies by the names and acronyms that the text holds: the most particular one is
meant (`ICE Homeland Security Investigations` is HSI), and where two stand side by side nobody can tell.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from doorward.lookback.agencies.agency_words import Kind
from doorward.lookback.agencies.names import AgencyName, plain
from doorward.orders.generic_agencies import GenericAgencies
from doorward.orders.pack import Agency

FEDERAL: Final = "federal"
_NOT_KNOWN: Final = re.compile(r",? component not known$")
# Beginnings that no agency of a state or city has. Names of agencies come from the entity file, not from here.
FEDERAL_WORDS: Final = re.compile(
    r"^(?:us (?!\d|highway|route)|united states |u s |national park service|naval criminal|coast guard|"
    r"internal revenue|veterans affairs|va (?:police|medical|hospital)|"
    r"department of (?:homeland security|veterans affairs|defense|war|the interior|state$)|"
    r"transportation security administration|homeland security investigations|immigration and customs|"
    r"customs and border|border patrol|enforcement and removal|drug enforcement administration|secret service|"
    r"(?:bureau of )?alcohol tobacco firearms)"
    r"|^federal (?:bureau|protective|air marshal|reserve|law enforcement)"
)
# What stands in the names of places of theirs: `Langley VA Air Force Base`.
FEDERAL_PLACES: Final = re.compile(
    r"\b(?:air force|us army|marine corps|naval (?:station|base|air)|veterans affairs|coast guard)\b"
)
# In capitals only: `Ice` and `Dea` are words.
FEDERAL_ACRONYM: Final = re.compile(
    r"^(?:FBI|DEA|ATF|USMS|USPIS|USSS|HSI|ICE|ERO|CBP|USBP|DHS|TSA|NCIS|IRS)\b"
)
MIXED: Final = frozenset({Kind.TASK_FORCE, Kind.FUSION})
LOCAL: Final = frozenset({Kind.POLICE, Kind.SHERIFF, Kind.PROSECUTOR, Kind.STATE_POLICE})
MIN_ACRONYM: Final = 3


@dataclass(frozen=True, slots=True)
class _Form:
    words: str
    id: str


@dataclass
class EntityMatcher:
    """Finds agencies of an entity file.

    Args:
        agencies: Of the pack, by id.
        generic: Its `within` and `also` are used here.
    """

    agencies: Mapping[str, Agency]
    generic: GenericAgencies
    by_ori: dict[str, str] = field(init=False, default_factory=dict)
    _whole: dict[str, str] = field(init=False, default_factory=dict)
    _federal: list[_Form] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        stand_ins = {rule.id for rule in self.generic.rules}
        for agency in self.agencies.values():
            ori = str(agency.attributes.get("ori", ""))
            if ori:
                self.by_ori[ori] = agency.id
            forms = set(_forms(agency, self.generic.also.get(agency.id, ())))
            if _is_federal(agency) and agency.id not in stand_ins:
                self._federal += [_Form(form, agency.id) for form in sorted(forms)]
            elif agency.id not in stand_ins:
                self._whole.update(dict.fromkeys(forms, agency.id))

    def is_federal(self, name: AgencyName) -> bool:
        """Return whether the name says that this is a federal agency: by its mark, or by its words."""
        if FEDERAL in name.flags or name.kind is Kind.FEDERAL:
            return True
        words = plain(name.written)
        if name.kind in MIXED:
            return False  # `HSI Task Force`: whose user it is cannot be told
        if FEDERAL_WORDS.search(words) or (name.kind is not Kind.STATE and FEDERAL_PLACES.search(words)):
            return True
        return bool(FEDERAL_ACRONYM.match(name.written)) and not (name.state and name.kind in LOCAL)

    def find(self, name: AgencyName, ori: str) -> tuple[str | None, str, tuple[str, ...]]:
        """Return the id, how it was found (entity, alias, none), and what else it may be."""
        if ori in self.by_ori:
            return self.by_ori[ori], "entity", ()
        if self.is_federal(name):
            return self._find_federal(name)
        whole = self._whole.get(plain(name.written))
        return (whole, "entity", ()) if whole else (None, "none", ())

    def _find_federal(self, name: AgencyName) -> tuple[str | None, str, tuple[str, ...]]:
        text = f" {plain(name.written)} "
        named = {form.id for form in self._federal if f" {form.words} " in text}
        for part in tuple(named):
            named -= self._wholes(part)
        if len(named) == 1:
            found = named.pop()
            full = plain(_NOT_KNOWN.sub("", self.agencies[found].name))
            return found, "entity" if f" {full} " in text else "alias", ()
        return None, "none", tuple(sorted(named))

    def _wholes(self, part: str) -> set[str]:
        """Return everything that an agency is a part of."""
        found: set[str] = set()
        at = self.generic.within.get(part)
        while at is not None and at not in found:
            found.add(at)
            at = self.generic.within.get(at)
        return found


def _is_federal(agency: Agency) -> bool:
    # Every order has `party`; `level` is an attribute that only some schemas have.
    return FEDERAL in {agency.attributes.get("level"), agency.party}


def _forms(agency: Agency, also: Iterable[str]) -> Iterable[str]:
    yield plain(_NOT_KNOWN.sub("", agency.name))
    for other in also:
        yield plain(other)
    for short in (agency.id, str(agency.attributes.get("component", ""))):
        if len(short) >= MIN_ACRONYM and _is_federal(agency):
            yield plain(short)
    head, _, tail = _NOT_KNOWN.sub("", agency.name).partition(", ")
    if tail and _is_federal(agency) and len(plain(tail).split()) > 2 and head:
        yield plain(tail)  # `Enforcement and Removal Operations`
