"""From the name of an organisation to an agency of a list: exact, near, or none with the candidates. Pure.

Never across states, and never without one: of 708 real names whose state was taken away and that the list then had in
one state only, three were agencies of another state that the list lacks. Where several agencies fit, none is taken:
the candidates are named, and a person decides in the file of matches. A near match is a proposal that is used and
shown as near; `MIN_SIMILARITY` and the guards beside it were chosen by taking each agency off the list in turn and
asking for it (docs/howto/audit-agencies.md).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from doorward.errors import ConfigError
from doorward.lookback.agencies.agency_words import Kind
from doorward.lookback.agencies.listed import AgencyList, Listed, core
from doorward.lookback.agencies.names import AgencyName, squash

if TYPE_CHECKING:
    from types import ModuleType

MIN_SIMILARITY: Final = 0.9  # a letter in ten: shorter names of one state differ by one and are two places
MIN_LEAD: Final = 0.05  # by which the best must be better than the next
MAX_CANDIDATES: Final = 6
EXACT, OTHER_FORM = 1.0, 0.9
MUNICIPAL: Final = frozenset({"", "city", "town", "village", "borough"})


@dataclass(frozen=True, slots=True)
class Found:
    """What the list says of a name.

    Args:
        listed: The agency, or None.
        how: exact, near, or none.
        score: 1 for exact; the similarity, or what the rule is worth, for near; 0 for none.
        candidates: Where none was taken, those that fit.
        note: In words, for the person who reviews it.
    """

    listed: Listed | None
    how: str
    score: float
    candidates: tuple[Listed, ...] = ()
    note: str = ""


NOTHING: Final = Found(None, "none", 0.0)


class ListMatcher:
    """Looks names up in a list.

    Args:
        agencies: The list.

    Raises:
        ConfigError: rapidfuzz is not installed.
    """

    def __init__(self, agencies: AgencyList) -> None:
        self.agencies = agencies
        self._rapidfuzz = _import_rapidfuzz()

    def find(self, name: AgencyName) -> Found:
        """Return the agency of the list that a name means."""
        if name.kind is Kind.FEDERAL or not (name.place or name.kind is Kind.STATE_POLICE):
            return NOTHING
        if not name.state:
            return self._find_anywhere(name)
        first = NOTHING
        for kind, county, worth, why in _readings(name):
            found = self._find_in(name, kind, county=county, worth=worth, why=why)
            if found.listed is not None:
                return found
            first = first if first.candidates else found
        return first if first.candidates else self._find_near(name)

    def _find_in(self, name: AgencyName, kind: Kind, *, county: bool, worth: float, why: str) -> Found:
        key = core(name)
        if kind is not name.kind and name.kind not in {Kind.UNKNOWN, Kind.MARSHAL}:
            key = name.key
        rows = [
            one
            for one in self.agencies.places(name.state, kind).get(key, ())
            if kind is not Kind.POLICE or one.parsed.county == county
        ]
        return _choose(rows, name, worth, why)

    def _find_near(self, name: AgencyName) -> Found:
        for variant, why in _variants(name):
            rows = self.agencies.places(name.state, name.kind).get(variant, [])
            rows = [one for one in rows if one.parsed.county == name.county and _same_form(name, one)]
            found = _choose(rows, name, OTHER_FORM, why)
            if found.listed is not None:
                return found
        if name.kind is Kind.POLICE and name.county:
            rows = self.agencies.places(name.state, Kind.SHERIFF).get(name.key, [])
            if rows:
                return Found(
                    None, "none", 0.0, _some(rows), "the list has no police of this county, and its sheriff"
                )
        campus = self._find_campus(name) if name.kind is Kind.CAMPUS else NOTHING
        if campus is not NOTHING:
            return campus
        key = core(name)
        if name.kind in {Kind.STATE_POLICE, Kind.UNKNOWN, Kind.STATE}:
            return NOTHING
        places = self.agencies.places(name.state, name.kind)
        best = self._rapidfuzz.process.extract(
            key, places.keys(), scorer=self._rapidfuzz.distance.OSA.normalized_similarity,
            score_cutoff=MIN_SIMILARITY - MIN_LEAD, limit=MAX_CANDIDATES,
        )  # fmt: skip
        near = [
            (score, one)
            for other, score, _ in best
            for one in places[other]
            if one.parsed.county == name.county and _same_form(name, one) and _alike(key, other)
        ]
        if not near:
            return NOTHING
        top = near[0][0]
        rivals = [one for score, one in near if top - score < MIN_LEAD]
        if top < MIN_SIMILARITY or len(rivals) > 1:
            return Found(None, "none", 0.0, tuple(rivals), "near, and not near enough or not alone")
        found = _choose(rivals, name, round(top, 3), "spelled nearly so")
        return found if found.how != "exact" else Found(rivals[0], "near", round(top, 3), (), found.note)

    def _find_campus(self, name: AgencyName) -> Found:
        """Return the campus of a university that the list has once for each, told by its county, or all of them."""
        places = self.agencies.places(name.state, Kind.CAMPUS)
        key = core(name)
        whole = max(
            (other for other in places if key.startswith(other) and len(places[other]) > 1),
            key=len,
            default="",
        )
        rows = places.get(whole, [])
        rest = key.removeprefix(whole)
        here = [one for one in rows if rest in {squash(county) for county in one.counties}]
        if len(here) == 1:
            return Found(
                here[0],
                "near",
                OTHER_FORM,
                (),
                "the list names no campus; it has one in the county of that name",
            )
        return (
            Found(None, "none", 0.0, _some(rows), "the list does not say which campus") if rows else NOTHING
        )

    def _find_anywhere(self, name: AgencyName) -> Found:
        kinds = {kind: county for kind, county, worth, _ in _readings(name) if worth == EXACT}
        rows = [
            one
            for kind, county in kinds.items()
            for one in self.agencies.anywhere(kind, core(name))
            if kind is not Kind.POLICE or one.parsed.county == county
        ]
        if not rows or name.kind is Kind.STATE_POLICE:
            return NOTHING
        note = "no state is written, and several states have the name"
        if len({one.state for one in rows}) == 1:
            note = "no state is written; the list has the name in one state only"
        return Found(None, "none", 0.0, _some(rows), note)


def _import_rapidfuzz() -> "ModuleType":
    try:
        import rapidfuzz
        import rapidfuzz.distance
        import rapidfuzz.process
    except ImportError as error:
        raise ConfigError(
            "matching agencies needs rapidfuzz", hint="pip install 'doorward[lookback]'"
        ) from error
    return rapidfuzz


def _readings(name: AgencyName) -> Iterable[tuple[Kind, bool, float, str]]:
    """Yield the kinds that a name can be of in the list, whether as a county's, what that is worth, and why."""
    yield name.kind, name.county, EXACT, ""
    if name.kind is Kind.MARSHAL and not name.county:
        yield Kind.POLICE, False, OTHER_FORM, "a town's marshal, whom the list has among the cities"
    if name.kind is Kind.UNKNOWN and name.form:
        yield Kind.POLICE, False, OTHER_FORM, "the name is the municipality's, not its police department's"
    if name.kind in {Kind.CAMPUS, Kind.PARK, Kind.SCHOOL, Kind.TRANSIT}:
        yield Kind.POLICE, False, OTHER_FORM, "the list has it among the cities"
    if name.kind in {Kind.TRANSIT, Kind.STATE, Kind.OTHER, Kind.UNKNOWN}:
        yield Kind.OTHER, name.county, OTHER_FORM, "the list has it among agencies of other kinds"


def _variants(name: AgencyName) -> Iterable[tuple[str, str]]:
    """Yield other keys of the same place: with `City` and without."""
    if name.kind is Kind.POLICE and not name.county:
        if name.place.endswith(" city"):
            yield name.key.removesuffix("city"), "the list writes it without City"
        else:
            yield f"{name.key}city", "the list writes it with City"
        yield f"{name.key}metro", "the list writes it with Metro"
        yield f"{name.key}metropolitan", "the list writes it with Metropolitan"


def _choose(rows: Sequence[Listed], name: AgencyName, worth: float, why: str) -> Found:
    """Return the one row that fits, or none with those that would."""
    if not rows:
        return NOTHING
    left = list(rows)
    if name.within:
        left = [one for one in left if name.within in one.counties or name.within == one.parsed.within]
        if not left:
            return Found(None, "none", 0.0, _some(rows), "none of them lies in the county that is written")
    left = _narrow(left, name)
    if len(left) > 1:
        return Found(None, "none", 0.0, _some(left), "several agencies have the name")
    one = left[0]
    if not _same_form(name, one) and not name.within:
        worth, why = min(worth, OTHER_FORM), why or "the list has it as another form of municipality"
    return Found(one, "exact" if worth == EXACT else "near", worth, (), why)


def _narrow(rows: list[Listed], name: AgencyName) -> list[Listed]:
    tests = (
        lambda one: one.parsed.form == name.form,
        lambda one: _same_form(name, one),
        lambda one: name.kind is not Kind.STATE_POLICE or not one.counties,  # its headquarters, not a post
    )
    for test in tests:
        if len(rows) > 1:
            rows = [one for one in rows if test(one)] or rows
    latest = max(one.year for one in rows)
    newest = [one for one in rows if one.year == latest]
    return newest if len({(one.name, one.counties) for one in rows}) == 1 else rows


def _same_form(name: AgencyName, one: Listed) -> bool:
    if name.form == one.parsed.form:
        return True
    if {name.form, one.parsed.form} == {"town", "township"} and one.state == "WI":
        return True  # the list calls the towns of Wisconsin townships
    return "" in {name.form, one.parsed.form} and {name.form, one.parsed.form} <= MUNICIPAL


def _alike(key: str, other: str) -> bool:
    """Return whether two near keys begin alike and differ in no number: `District 1`, `District 2`."""
    digits = [letter for letter in key if letter.isdigit()]
    return key[0] == other[0] and digits == [letter for letter in other if letter.isdigit()]


def _some(rows: Sequence[Listed]) -> tuple[Listed, ...]:
    return tuple(sorted(rows, key=lambda one: (one.state, one.ori))[:MAX_CANDIDATES])
