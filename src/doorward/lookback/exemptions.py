"""Exemptions of other states' public records laws, as they are written in place of a value. Pure.

California's and the federal act stand in `forms`. A citation is a whole cell, with or without brackets, and names a
section of a law on public records: a reason that mentions a section, or cites a criminal law, is none. Each has a mark
that is in every writing of it, so that an expression is asked only where the mark is found.
"""

import re
from dataclasses import dataclass
from typing import Final

_SUB: Final = r"(?:\s*\([0-9a-z]{1,4}\))*"  # (1)(d)(iv)
_SECTION: Final = r"(?:section|sec\.?|s\.|§+)"


@dataclass(frozen=True, slots=True)
class Law:
    """A law on public records.

    Args:
        name: Of the law.
        source: Where its exemptions stand.
        mark: A text that every writing of a citation holds.
        pattern: Of a citation, for `re` and RE2 alike.
    """

    name: str
    source: str
    mark: str
    pattern: str


LAWS: Final = (
    Law(
        "Oregon Public Records Law",
        "ORS 192.345 and 192.355 (conditional and absolute exemptions), 192.338 to 192.398",
        "192.3",
        rf"(?:oregon\s*)?o\.?\s?r\.?\s?s\.?\s*{_SECTION}?\s*192\.3(?:3[89]|[4-8]\d|9[0-8]){_SUB}",
    ),
    Law(
        "Washington Public Records Act",
        "RCW 42.56.210 to 42.56.480 (exemptions)",
        "42.56",
        rf"(?:wash(?:ington|\.)?\s*)?r\.?\s?c\.?\s?w\.?\s*{_SECTION}?\s*42\.56\.(?:2[1-9]\d|[34]\d\d){_SUB}",
    ),
    Law(
        "New York Freedom of Information Law",
        "Public Officers Law 87(2) and 89(2)",
        "(2)",
        rf"(?:n\.?y\.?\s*)?(?:foil|p\.?o\.?l\.?|pub(?:lic|\.)\s*off(?:icers?|\.)\s*law)\s*(?:exemption\s*)?{_SECTION}?\s*"
        rf"8[79]\s*\(2\){_SUB}",
    ),
    Law(
        "Texas Public Information Act",
        "Texas Government Code 552.101 to 552.163 (exceptions)",
        "552.1",
        rf"(?:tex(?:as|\.)?\s*)?(?:gov(?:ernment|.?t)?\.?\s*code(?:\s*ann\.?)?|t\.?g\.?c\.?)\s*{_SECTION}?\s*"
        rf"552\.1\d\d{_SUB}",
    ),
    Law(
        "Florida public records law",
        "section 119.071, Florida Statutes (general exemptions)",
        "119.071",
        rf"(?:(?:fla\.?|florida)\s*stat(?:utes?|s?\.)?\s*|f\.?\s?s\.?\s*)?{_SECTION}?\s*119\.071{_SUB}"
        r"(?:,?\s*(?:f\.?\s?s\.?|fla\.?\s*stat\.?|florida\s*statutes?))?",
    ),
    Law(
        "Illinois Freedom of Information Act",
        "5 ILCS 140/7 and 140/7.5",
        "140/7",
        rf"5\s*ilcs\s*{_SECTION}?\s*140/7(?:\.5)?{_SUB}",
    ),
)
CITATION: Final = r"(?i)\s*[\[(]?\s*(?:" + "|".join(law.pattern for law in LAWS) + r")\s*[\])]?\s*"
_CITATION: Final = re.compile(CITATION)


def is_citation(text: str) -> bool:
    """Return whether a cell is a citation of one of these laws and nothing else."""
    return any(law.mark in text for law in LAWS) and _CITATION.fullmatch(text) is not None
