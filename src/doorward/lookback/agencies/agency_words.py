"""The words that names of agencies are written with: states, kinds of agency, what stands in brackets. Data, pure.

Kept apart from the code that reads them, because this is what a reviewer from another state will want to add to.
Written after the lists in docs/howto/audit-agencies.md.
"""

import re
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What sort of agency a name says it is."""

    POLICE = "PD"
    SHERIFF = "SO"
    STATE_POLICE = "SP"
    PROSECUTOR = "DA"
    ATTORNEY_GENERAL = "AG"
    CAMPUS = "CAMPUS"
    TRIBAL = "TRIBAL"
    PARK = "PARK"
    AIRPORT = "AIRPORT"
    TRANSIT = "TRANSIT"
    SCHOOL = "SCHOOL"
    FIRE = "FIRE"
    DISPATCH = "DISPATCH"
    CORRECTIONS = "CORRECTIONS"
    CONSTABLE = "CONSTABLE"
    MARSHAL = "MARSHAL"
    FUSION = "FUSION"
    TASK_FORCE = "TASK-FORCE"
    STATE = "STATE"
    FEDERAL = "FEDERAL"
    OTHER = "OTHER"
    UNKNOWN = ""


STATE_OR_LOCAL: Final = "state-or-local"
# The level that a kind of agency has by itself; what is not here may be of any level, and is not guessed.
LEVELS: Final = {
    Kind.POLICE: "local", Kind.SHERIFF: "local", Kind.PROSECUTOR: "local", Kind.CONSTABLE: "local",
    Kind.MARSHAL: "local", Kind.SCHOOL: "local", Kind.STATE_POLICE: "state", Kind.ATTORNEY_GENERAL: "state",
    Kind.STATE: "state", Kind.TRIBAL: "tribal", Kind.FEDERAL: "federal",
    # Of a state or of a city; private ones that have police of their own have it by a state's law.
    Kind.CAMPUS: STATE_OR_LOCAL, Kind.PARK: STATE_OR_LOCAL, Kind.AIRPORT: STATE_OR_LOCAL, Kind.TRANSIT: STATE_OR_LOCAL,
    Kind.FIRE: STATE_OR_LOCAL, Kind.DISPATCH: STATE_OR_LOCAL, Kind.CORRECTIONS: STATE_OR_LOCAL,
}  # fmt: skip

FLAG_OF_KIND: Final = {
    Kind.PROSECUTOR: "prosecutor", Kind.CAMPUS: "campus", Kind.TRIBAL: "tribal", Kind.FUSION: "fusion-center",
    Kind.TASK_FORCE: "task-force", Kind.FEDERAL: "federal",
}  # fmt: skip

STATES: Final = {
    "alabama": "AL", "alaska": "AK", "arizona": "AZ", "arkansas": "AR", "california": "CA", "colorado": "CO",
    "connecticut": "CT", "delaware": "DE", "district of columbia": "DC", "florida": "FL", "georgia": "GA",
    "guam": "GU", "hawaii": "HI", "idaho": "ID", "illinois": "IL", "indiana": "IN", "iowa": "IA", "kansas": "KS",
    "kentucky": "KY", "louisiana": "LA", "maine": "ME", "maryland": "MD", "massachusetts": "MA", "michigan": "MI",
    "minnesota": "MN", "mississippi": "MS", "missouri": "MO", "montana": "MT", "nebraska": "NE", "nevada": "NV",
    "new hampshire": "NH", "new jersey": "NJ", "new mexico": "NM", "new york": "NY", "north carolina": "NC",
    "north dakota": "ND", "ohio": "OH", "oklahoma": "OK", "oregon": "OR", "pennsylvania": "PA",
    "puerto rico": "PR", "rhode island": "RI", "south carolina": "SC", "south dakota": "SD", "tennessee": "TN",
    "texas": "TX", "utah": "UT", "vermont": "VT", "virgin islands": "VI", "virginia": "VA", "washington": "WA",
    "west virginia": "WV", "wisconsin": "WI", "wyoming": "WY",
}  # fmt: skip
CODES: Final = frozenset(STATES.values())
# The FBI's list writes Nebraska and Guam as NCIC does.
STATE_OF_LIST: Final = {"NB": "NE", "GM": "GU"}
_NAMES: Final = "|".join(sorted((re.escape(name) for name in STATES), key=len, reverse=True))

# What may stand in a name and says nothing of which agency it is.
INACTIVE: Final = re.compile(
    r"\b(?:inactive|deactivated|decommissioned|duplicate|do not use|dnu|please delete|delete|closed|disabled|dead old)"
    r"(?: account)?\b"
)
TEST: Final = re.compile(r"\b(test|testing|demo|sandbox|training)\b")
# A state's name is a state, and no place, where one of these follows it.
STATE_AGENCY: Final = re.compile(
    rf"^(?:state of )?(?P<state>{_NAMES}) "
    r"(?:state police|(?:state )?(?:highway patrol|patrol|department of(?! police)|division|bureau|office of|"
    r"financial|attorney general|national guard|state|capitol|information|gaming|alcohol|law enforcement|"
    r"military|marine|commission|dps|hidta|fusion|doc\b|dnr\b))"
)
STATE_OF: Final = re.compile(rf"\battorney general of (?:the state of )?(?P<state>{_NAMES})\b")
STATE_SCHOOL: Final = re.compile(
    rf"\buniversity of (?:central |north |northern |south |southern |east |eastern |west |western )?(?P<a>{_NAMES})\b"
    rf"|^(?P<b>{_NAMES}) state university\b|^cal (?P<c>state|poly|maritime)\b"
)
STATE_AT_END: Final = re.compile(rf"^(?P<place>.*\S) (?P<state>{_NAMES})$")
# `Port Washington`, `West Virginia Beach`: what makes the name of a state part of a place's own name.
NOT_ALONE: Final = frozenset(
    ("port", "fort", "ft", "lake", "new", "mount", "mt", "north", "south", "east", "west", "upper", "lower",
     "point", "old", "central", "little", "big", "of", "the")
)  # fmt: skip

# Kinds are asked for in this order: `University Police`, a campus, before police.
_POLICE: Final = (
    r"(?:metropolitan |metro )?(?:department of police|division of police|bureau of police|police services department|"
    r"police services|police department|police departent|police agency|police force|police|pd)"
)
_SAFETY: Final = (
    r"(?:department of public safety|department of pub safety|division of public safety|public safety department|"
    r"public safety|dps)"
)
_ATTORNEYS: Final = "district attorneys?|states? attorneys?|commonwealths? attorneys?|county attorneys?"
_TOWNS: Final = (
    "park|station|place|city|heights|corner|springs|hill|grove|view"  # College Park, University City
)
# (kind, whether the words are no part of the place, the words)
KINDS: Final[tuple[tuple[Kind, bool, tuple[str, ...]], ...]] = (
    (Kind.FUSION, False, (
        "fusion center", "hidta", "intelligence center", "information (?:network|center|analysis center)",
        "crime analysis", "analysis center", r"\b(?:nespin|mocic|rmin|wsin|rocic|magloclen|ncric|jric)\b",
    )),
    (Kind.TASK_FORCE, False, (
        "task ?force", r"\bdtf\b", "strike force", "narcotics (?:team|unit)", "auto theft",
        "drug (?:unit|enforcement(?! administration))",
    )),
    (Kind.ATTORNEY_GENERAL, False, ("attorneys? general",)),
    (Kind.PROSECUTOR, True, (
        f"(?:office of the )?(?:{_ATTORNEYS}|prosecuting attorneys?|prosecutors?|das?)(?: offices?| department)?",
    )),
    (Kind.FIRE, False, (
        "fire (?:department|authority|marshals?|district|rescue|and rescue)", r"\bfd$", r"\barson\b", r"\bcal fire\b",
        "forestry and fire",
    )),
    (Kind.DISPATCH, False, (r"\b911\b", "communications? center", "dispatch")),
    (Kind.CORRECTIONS, False, (
        r"corrections?\b", "correctional", "detention", r"\bjail\b", "probation", "parole",
        "department of rehabilitation", r"\bdoc\b",
    )),
    (Kind.SCHOOL, False, (
        "school district", r"\bisd\b", r"\busd\b", "unified school", "public schools", "county schools", r"\bschools?$",
    )),
    (Kind.CAMPUS, False, (
        rf"(?:university|(?<!^state )college|campus)\b(?! (?:{_TOWNS})\b)",
        "^cal (?:state|poly|maritime)", r"^csu\b", r"^uc\b", "institute of technology", "polytechnic",
    )),
    (Kind.TRIBAL, False, (
        "tribal", r"\btribes?\b", r"\bnation\b", r"\bband of\b", r"\bband$", "rancheria", "pueblo of", r"\bindians\b",
        "indian (?:community|reservation|colony)",
    )),
    (Kind.PARK, False, (
        "parks? district", r"\bparks\b", "park rangers?", "forest preserve", "state parks?", "conservation district",
        "recreation",
    )),
    (Kind.AIRPORT, False, ("airport",)),
    (Kind.TRANSIT, False, (
        r"transit\b", "transportation authority", "railroad", "railway", r"\bmetra\b", "amtrak",
        r"\bport (?:police|authority)", "harbor police", "port of",
    )),
    (Kind.CONSTABLE, True, ("(?:state )?constables?(?: office)?",)),
    (Kind.STATE_POLICE, True, (
        "(?:division of )?(?:state )?highway patrol(?: headquarters)?", "state patrol(?: headquarters)?",
        "(?:department of )?state police(?: department)?",
    )),
    (Kind.SHERIFF, True, ("sheriffs?(?: offices?| department)?", "so", "sd$")),
    (Kind.MARSHAL, True, ("marshals?(?: office| department)?",)),
    (Kind.POLICE, True, (_SAFETY, _POLICE)),
    (Kind.STATE, False, (
        "department of", "division of", "bureau of", "commission", "national guard", "state guard",
        "secretary of state", "motor vehicles", "natural resources", "wildlife", r"\bdnr\b", r"\bdmv\b",
        "investigation",
    )),
)  # fmt: skip
KIND_WORDS: Final = tuple(
    (kind, cut, re.compile(rf"(?:^|(?<= ))(?:{'|'.join(words)})(?= |$)" if cut else "|".join(words)))
    for kind, cut, words in KINDS
)
PUBLIC_SAFETY: Final = re.compile(rf"\b{_SAFETY}\b")
POLICE_WORDS: Final = re.compile(rf"\b(?:{_SAFETY}|{_POLICE})(?= |$)")
# Written in capitals after a state's code, these name a kind: `Brawley CA PD`.
AFTER_CODE: Final = re.compile(
    r"(?:PD|SO|SD|DPS|FD|DA|DTF|HP|SP|911|Police|Sheriff|Department|Dept|Division|Prosecutor|District|Office|DAs|"
    r"POLICE|SHERIFF|DEPARTMENT|DEPT)",
)

# Short names of universities, each of which the list writes in full.
CAMPUSES: Final = (
    (re.compile(r"^(?:uc|university of ca)(?= |$)"), "university of california", "CA"),
    (re.compile(r"^(?:csu|cal state)(?= |$)"), "california state university", "CA"),
    (re.compile(r"^cal poly(?= |$)"), "california state polytechnic university", "CA"),
)
# Words of which one spelling is kept.
SAME_WORD: Final = {
    "saint": "st", "sainte": "ste", "fort": "ft", "mount": "mt", "twp": "township", "twsp": "township",
    "boro": "borough", "co": "county", "cnty": "county", "dept": "department", "univ": "university",
    "natl": "national", "intl": "international", "hts": "heights", "sherriff": "sheriff", "sherriffs": "sheriff",
    "sheriffs": "sheriff", "const": "constable", "pct": "precinct", "nys": "new york state",
    "kbi": "bureau of investigation", "gbi": "bureau of investigation", "tbi": "bureau of investigation",
}  # fmt: skip
