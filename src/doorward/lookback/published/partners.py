"""What the name of a partner in a sharing list says of it: its State, whether federal, whether at work. Pure.

A name says what it says and no more: where two States stand in it, or none, the State is not known, and nothing is
found against it that rests on the State. Nothing is told by likeness.
"""

import re
from dataclasses import dataclass
from typing import Final

STATES: Final = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California",
    "CO": "Colorado", "CT": "Connecticut", "DE": "Delaware", "DC": "District of Columbia",
    "FL": "Florida", "GA": "Georgia", "HI": "Hawaii", "ID": "Idaho", "IL": "Illinois",
    "IN": "Indiana", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky", "LA": "Louisiana",
    "ME": "Maine", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan", "MN": "Minnesota",
    "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska", "NV": "Nevada",
    "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico", "NY": "New York",
    "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio", "OK": "Oklahoma", "OR": "Oregon",  # codespell:ignore nd
    "PA": "Pennsylvania", "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota",
    "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont", "VA": "Virginia",
    "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
    "PR": "Puerto Rico", "GU": "Guam",
}  # fmt: skip
CODES: Final = {name.upper(): code for code, name in STATES.items()}

_TAG = re.compile(
    r"[\[(]\s*(?:inactive|deactivated|decommissioned|disabled|closed)\s*[\])]|^(?:DNU|do not use)\s*-\s*",
    re.IGNORECASE,
)
_NO_AGENCY = re.compile(
    r"decommissioned org|delete|duplicate please delete|old|test|demo|test demo(?: \d+)?|.* training",
    re.IGNORECASE,
)
_FEDERAL_PREFIX = re.compile(r"^\s*\[\s*federal\s*\]", re.IGNORECASE)
# Acronyms as they are written; DHS alone is also many a State's human services, so it is not among them.
_FEDERAL = re.compile(
    r"\b(?:ICE|HSI|CBP|USBP|FBI|DEA|ATF|USMS|USSS|USPIS|NCIS|USCIS|TSA|FPS)\b"
    r"|\bU\.?S\.? (?:Border Patrol|Marshals?|Secret Service|Postal|Customs|Immigration|Attorney)\b"
    r"|\bU\.?S\.? (?:Park|Forest|Army|Navy)\b"
    r"|\b(?:Border Patrol|Immigration and Customs Enforcement|Homeland Security Investigations)\b|\bSecret Service\b"
    r"|\b(?:Customs and Border Protection|Federal Bureau of Investigation|Drug Enforcement Administration)\b"
    r"|\bFederal (?:Protective Service|Reserve)\b"
)
_CODE = re.compile(r"(?<![A-Za-z'.&])([A-Z]{2})(?![A-Za-z'&.])")
# `SD` is a sheriff's department too, and `CO` a county: beside another State's letters, or where a county ends in them.
_AMBIGUOUS: Final = frozenset({"SD", "CO"})
_UNSURE = re.compile(
    r"\b(?:County|Parish|Borough) SD$|^(?!.*\bCounty\b).*\bCO (?:SO|SD|Sheriff)", re.IGNORECASE
)
_LEADS = re.compile(
    rf"^({'|'.join(map(re.escape, sorted(STATES.values(), key=len, reverse=True)))})\s+"
    r"(?:State|Highway|Department|Dept|Bureau|Division|Attorney General|Information|Financial|HIDTA|National Guard)\b"
)
_SAME = {"so": "sheriff", "sd": "sheriff", "sheriffs": "sheriff", "pd": "police"}
_DROPPED = frozenset({"the", "department", "dept", "office"})


@dataclass(frozen=True, slots=True)
class Named:
    """What a name says.

    Args:
        words: The same for two spellings of one agency; compared whole.
        state: Two letters, or None where it does not say one State.
        federal: It says that it is federal; a name that does not say so may still be.
        inactive: It is marked as no longer at work.
        agency: False where it is the name of no agency: `Delete`, `Test Demo`.
    """

    name: str
    words: tuple[str, ...]
    state: str | None
    federal: bool
    inactive: bool
    agency: bool


def read_name(name: str) -> Named:
    """Return what a name says; total."""
    plain = " ".join(name.split())
    bare = _FEDERAL_PREFIX.sub("", _TAG.sub("", plain)).strip()
    federal = _FEDERAL_PREFIX.search(plain) is not None or _FEDERAL.search(bare) is not None
    return Named(
        name=plain,
        words=name_words(bare),
        state=None if federal else _state(bare),
        federal=federal,
        inactive=_TAG.search(plain) is not None or bare.lower() == "decommissioned org",
        agency=_NO_AGENCY.fullmatch(bare) is None,
    )


def name_words(name: str) -> tuple[str, ...]:
    """Return the words of a name in the order of the alphabet, the same for `A CA PD`, `A PD, CA`, `A Police (CA)`."""
    words = re.findall(r"[a-z0-9]+", name.lower().replace("'", "").replace("\u2019", ""))
    return tuple(sorted(_SAME.get(word, word) for word in words if word not in _DROPPED))


def _state(name: str) -> str | None:
    codes = {code for code in _CODE.findall(name) if code in STATES}
    if len(codes) > 1:
        codes -= _AMBIGUOUS
    if len(codes) == 1:
        code = codes.pop()
        return None if code in _AMBIGUOUS and _UNSURE.search(name) else code
    leads = _LEADS.match(name)
    return CODES[leads[1].upper()] if not codes and leads else None
