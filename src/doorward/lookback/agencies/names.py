"""What the written name of an organisation says: place, kind, state, flags. Pure, and total: any text gives a name.

A name says only what stands in it. Where the state is not written, `state` is empty: a reader that knows the
organisation might know better, this module does not guess. Codes of states count in capitals and only where names have
them, because `IN`, `OR`, `ME`, `CO`, `LA` and `DE` are words, too.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from doorward.lookback.agencies.agency_words import (
    AFTER_CODE,
    CAMPUSES,
    CODES,
    FLAG_OF_KIND,
    INACTIVE,
    KIND_WORDS,
    LEVELS,
    NOT_ALONE,
    POLICE_WORDS,
    PUBLIC_SAFETY,
    SAME_WORD,
    STATE_AGENCY,
    STATE_AT_END,
    STATE_OF,
    STATE_SCHOOL,
    STATES,
    TEST,
    Kind,
)

MAX_CHARACTERS: Final = 300  # of a name; what is longer is cut, so that no cell costs more than a name may
_BRACKETS: Final = re.compile(r"[\[(]([^\[\]()]*)[\])]")
_CODE: Final = re.compile(r"(?<![A-Za-z'&])([A-Z]{2})(?![A-Za-z'&])")
_APOSTROPHES: Final = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "`": "'"})
_DASHES: Final = re.compile("[\u2010-\u2015\u2212]")
_AMBIGUOUS_ALONE: Final = frozenset({"LA", "DE", "AL", "CO"})  # words at the head of a name, or `County`
_KINDS_OF_SLUGS: Final = frozenset({"pd", "so", "sd", "dps", "da", "das", "fd"})
_SMALL: Final = frozenset({"of", "the", "and", "for", "at"})  # no `in`, `or`, `de`, `la`: those are states
_CAL: Final = {"state": "CA", "poly": "CA", "maritime": "CA"}
_PARENT: Final = re.compile(
    r"^(?:the )?(?:charter )?(?P<form>city|town|village|township|borough) of (?:the )?(?P<place>.+)$"
)
_OLD_OR_NEW: Final = re.compile(r"\s+-\s*(?:new|old)\s*$", re.IGNORECASE)
_WITHIN: Final = re.compile(r"^(?P<county>.+) county$")
_LIST_WITHIN: Final = re.compile(r"^(?P<place>.+), (?P<county>[^,]+) County$")


@dataclass(frozen=True, slots=True)
class AgencyName:
    """What a written name says.

    Args:
        written: As it came, cut at `MAX_CHARACTERS`.
        place: What is left of it, in small letters: `butte`, `san jose state university`, or empty.
        state: Two letters, or empty where none is written.
        county: Whether it says County or Parish.
        form: city, town, village, township, borough, or empty where none is written.
        within: The county that it says it lies in: `Jackson Township OH PD (Stark County)`.
        acronyms: Short names in brackets or alone, in small letters.
        flags: What else it says: federal, inactive, test, public-safety, and what `FLAG_OF_KIND` holds.
    """

    written: str
    place: str = ""
    kind: Kind = Kind.UNKNOWN
    state: str = ""
    county: bool = False
    form: str = ""
    within: str = ""
    acronyms: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def level(self) -> str:
        """Return federal, state, local, state-or-local, tribal, or the empty text where the kind does not tell."""
        return LEVELS.get(self.kind, "")

    @property
    def key(self) -> str:
        """Return the place without spaces: `DuPage` and `Du Page` are one."""
        return squash(self.place)


def squash(place: str) -> str:
    """Return a place as it is compared: letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", place)


def plain(text: str) -> str:
    """Return a text in small letters, without accents and signs, with the short forms of words spelled one way."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES))
    kept = "".join(letter for letter in decomposed if not unicodedata.combining(letter)).lower()
    kept = re.sub(r"(?<=[a-z])'(?=s\b)|(?<=s)'(?= |$)", "", kept)
    words = re.sub(r"[^a-z0-9]+", " ", kept.replace(".", "").replace("'", "").replace("&", " and ")).split()
    return " ".join(SAME_WORD.get(word, word) for word in words)


def parse_agency_name(text: str, *, state: str = "", kind: Kind = Kind.UNKNOWN) -> AgencyName:
    """Return what a name says.

    Args:
        text: Of a log, untrusted; any length.
        state: Where it is known otherwise, as in a list that has a column for it: no code is then looked for.
        kind: What the name is taken for where it does not say.
    """
    written = _DASHES.sub("-", text.translate(_APOSTROPHES)[:MAX_CHARACTERS]).strip()
    body, asides = _BRACKETS.sub(" ", written), [aside.strip() for aside in _BRACKETS.findall(written)]
    found = _Asides(asides)
    body = _OLD_OR_NEW.sub("", re.sub(r"\s+", " ", body)).strip(" -,")
    code, body = (state, body) if state else _take_code(body, found.state)
    words = plain(body)
    words, flags = _take_flags(words, found.flags)
    if not code:
        code, words = _take_state(words)
    named = _kind_of(words, found.others)
    place, county, form = _place_of(named.words)
    place = _without_state(place, named.kind or kind, code)
    for short, full, of in CAMPUSES if named.kind is Kind.CAMPUS else ():
        place = short.sub(full, place) if of == code else place
    if found.federal:
        named = _Named(Kind.FEDERAL, named.words, named.safety)
    flags = {*flags, *({FLAG_OF_KIND[named.kind]} if named.kind in FLAG_OF_KIND else ())}
    if named.safety:
        flags.add("public-safety")
    taken = named.kind or kind
    if taken is Kind.POLICE and not place and code:
        taken = Kind.STATE_POLICE  # `Arizona Department of Public Safety`, `TX DPS`
    return AgencyName(
        written, place, taken, code, county, form, found.within, tuple(found.acronyms), tuple(sorted(flags))
    )  # fmt: skip


def parse_slug(slug: str) -> AgencyName:
    """Return what the name of a file or page says: `kings-county-ca-das-office`, `newport-beach-pd-ca`.

    Codes of states have no capitals there: the last word is one, or the word before the kind.
    """
    words, at = _words_of(slug)
    return parse_agency_name(
        " ".join(word.upper() if word in _KINDS_OF_SLUGS or n == at else word for n, word in enumerate(words))
    )


def write_slug(slug: str) -> str:
    """Return the name of a file or page as a name: `city-of-pebble-ca` as `City of Pebble CA`."""
    words, at = _words_of(slug)
    return " ".join(_write_word(word, n, state=n == at) for n, word in enumerate(words))


def _write_word(word: str, number: int, *, state: bool) -> str:
    if word == "das":
        return "DA's"
    if state or word in _KINDS_OF_SLUGS:
        return word.upper()
    return word if number and word in _SMALL else word.capitalize()


def _words_of(slug: str) -> tuple[list[str], int | None]:
    """Return the words of a slug, and which of them is the code of its state."""
    words = [word for word in slug[:MAX_CHARACTERS].lower().split("-") if word]
    at = [number for number, word in enumerate(words) if word.upper() in CODES]
    before = [n for n in at if n and n + 1 < len(words) and words[n + 1] in _KINDS_OF_SLUGS]
    best = before or [n for n in at if n and n + 1 == len(words)] or at
    return words, best[0] if best else None


class _Asides:
    """What stands in brackets: a state, a flag, a county, an acronym, or something else."""

    def __init__(self, asides: list[str]) -> None:
        self.state, self.within, self.federal = "", "", False
        self.flags: set[str] = set()
        self.acronyms: list[str] = []
        self.others: list[str] = []
        for aside in asides:
            self._take(aside, plain(aside))

    def _take(self, aside: str, words: str) -> None:
        within = _WITHIN.match(words)
        if aside in CODES:
            self.state = self.state or aside
        elif words in STATES:
            self.state = self.state or STATES[words]
        elif words == "federal":
            self.federal = True
        elif INACTIVE.search(words):
            self.flags.add("inactive")
        elif within:
            self.within = within["county"]
        elif re.fullmatch(r"[A-Z][A-Z/&.-]{1,11}", aside):
            self.acronyms += [plain(part) for part in aside.split("/") if part]
        elif words:
            self.others.append(words)


def _take_code(body: str, beside: str) -> tuple[str, str]:
    """Return the code of a state and the name without it; brackets (`beside`) win over the text."""
    shouting = not any(letter.islower() for letter in body)
    scored = [
        (_weight(body, match, shouting=shouting), match)
        for match in _CODE.finditer(body)
        if match[1] in CODES
    ]
    if len(scored) > 1 and scored[-1][1][1] == "SD" and scored[-1][1].end() == len(body):
        scored.pop()  # `San Diego County CA SD` is a sheriff's department of California
    best = max((weight for weight, _ in scored), default=0)
    codes = {match[1] for weight, match in scored if weight == best}
    if best == 0 or len(codes) > 1:
        return beside, body
    code = codes.pop()
    if code == "SD" and re.search(r"\bcounty\b", body, re.IGNORECASE) and body.endswith("SD"):
        return beside, body  # South Dakota, or a sheriff's department
    if beside and code != beside:
        return beside, body
    at = next(match for weight, match in reversed(scored) if weight == best)
    return code, f"{body[: at.start()]} {body[at.end() :]}".strip(" -,")


def _weight(body: str, match: re.Match[str], *, shouting: bool) -> int:
    before, after = body[: match.start()].rstrip(), body[match.end() :].lstrip()
    if match[1] == "CO" and re.match(r"(SO|SHERIFF)", after) and (shouting or _CODE.search(before)):
        return 0  # `EL PASO CO SO`: a county, or Colorado; `MN - Isanti CO SO`
    if not before:
        if after.startswith("-") or re.match(r"(?:DPS|HP|SP|DOC|DNR)\b", after):
            return 3
        return 0 if shouting or match[1] in _AMBIGUOUS_ALONE else 1
    if not after or before.endswith((",", "-")) or AFTER_CODE.match(after.lstrip("-, ")):
        return 3
    return 0 if shouting else 1


def _take_flags(words: str, flags: set[str]) -> tuple[str, set[str]]:
    found = set(flags)
    for flag, pattern in (("inactive", INACTIVE), ("test", TEST)):
        if pattern.search(words):
            found.add(flag)
            words = pattern.sub(" ", words)
    if re.match(r"(?:old|new)$", words.strip()):
        return "", found | {"inactive"}
    return " ".join(words.split()), found


def _take_state(words: str) -> tuple[str, str]:
    """Return the state that the name spells out, and the name, without it where it is no part of the agency's own."""
    agency = STATE_AGENCY.match(words)
    if agency:
        return STATES[agency["state"]], words
    of = STATE_OF.search(words)
    if of:
        return STATES[of["state"]], words
    school = STATE_SCHOOL.search(words)
    if school:
        name = school["a"] or school["b"]
        return (STATES[name] if name else _CAL[school["c"]]), words
    for pattern in (POLICE_WORDS, re.compile(r"\bsheriff(?: office| department)?$")):
        starts = [found.start() for found in pattern.finditer(words)]
        end = STATE_AT_END.match(words[: starts[-1]].strip()) if starts else None
        if end and end["place"].split()[-1] not in NOT_ALONE:
            return STATES[end["state"]], f"{end['place']} {words[starts[-1] :]}"
    return "", words


@dataclass(frozen=True, slots=True)
class _Named:
    kind: Kind
    words: str
    safety: bool


def _kind_of(words: str, others: list[str]) -> _Named:
    for kind, cut, pattern in KIND_WORDS:
        found = pattern.search(words)
        if found is None:
            continue
        rest = f"{words[: found.start()]} {words[found.end() :]}" if cut else words
        if kind is not Kind.POLICE:
            rest = POLICE_WORDS.sub(" ", rest)  # `Indiana State Police IN PD`
        return _Named(kind, " ".join(rest.split()), kind is Kind.POLICE and bool(PUBLIC_SAFETY.search(words)))
    for aside in others:
        for kind, _, pattern in KIND_WORDS:
            if pattern.search(aside):
                return _Named(kind, words, safety=False)
    return _Named(Kind.UNKNOWN, words, safety=False)


def _place_of(words: str) -> tuple[str, bool, str]:
    """Return the place, whether it is a county, and the form of a municipality."""
    words = re.sub(r"^the ", "", words)
    parent = _PARENT.match(words)
    if parent:
        return parent["place"], False, parent["form"]
    county = re.match(r"^(?:county of (?P<b>.+)|(?P<a>.+?)(?: county| parish)+)$", words)
    if county:
        return county["a"] or county["b"], True, ""
    last = re.match(r"^(?P<place>.+) (?P<form>town and village|township|village|town|borough)$", words)
    if last:
        return last["place"], False, "village" if last["form"] == "town and village" else last["form"]
    return words, False, ""


def _without_state(place: str, kind: Kind, state: str) -> str:
    """Return the place of a state's own agency without the state: `california state parks`, `state parks`."""
    if kind in {Kind.POLICE, Kind.SHERIFF, Kind.CAMPUS, Kind.TRIBAL} and place not in STATES:
        return place
    for name, code in STATES.items():
        if code == state and (place == name or place.startswith(f"{name} ")):
            return place[len(name) :].strip()
    return place


def parse_listed_name(text: str, *, state: str, kind: Kind) -> AgencyName:
    """Return what the name of a list says, which has columns of its own for state and type.

    The FBI's list writes `Butler Township, Butler County`, and `University of California:` for each campus.
    """
    within = _LIST_WITHIN.match(text.strip())
    name = parse_agency_name(within["place"] if within else text, state=state, kind=kind)
    if within is None:
        return name
    return AgencyName(
        text, name.place, name.kind, name.state, name.county, name.form, plain(within["county"]), name.acronyms,
        name.flags,
    )  # fmt: skip
