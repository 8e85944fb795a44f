"""What a client states in its startup options, checked against the order's words and nothing more.

A claim is not a fact (law 6): this module says only whether the words are words of the order. Whether a case
is open, or an agency's number attested, is for `doorward.grants.facts`.

No message here proposes a purpose or a beneficiary: a remedy coaches nobody (law 8).
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

UNKNOWN_AGENCY = "unknown"
MAX_CASE_CHARACTERS = 40  # the longest number seen in the released logs has 27
PREFIX = "doorward."
EMERGENCY_OPTION: Final = "doorward.emergency"
OPTIONS = ("doorward.purpose", "doorward.case", "doorward.for", EMERGENCY_OPTION)
MIN_EMERGENCY_WORDS: Final = 3  # one is a password, two are a habit; which words is the person's own matter
MAX_EMERGENCY_CHARACTERS: Final = 200
_WORD: Final = re.compile(
    r"[^\W_]+"
)  # in any script; what stands between may be `-`, because options have no quotes


@dataclass(frozen=True, slots=True)
class Claims:
    """What was stated: words of the order, or ``unknown`` where nothing was stated.

    Args:
        emergency: The danger in the person's own words, or empty where no emergency is stated.
    """

    purpose: str
    case_no: str
    for_agency: str
    emergency: str = ""


@dataclass(frozen=True, slots=True)
class ClaimRefusal:
    """Why the claims cannot be put to the order: a short reason for the record and a sentence for the person."""

    reason: str
    sentence: str
    hint: str | None = None


def check_claims(
    options: Mapping[str, str], *, purposes: Collection[str], agencies: Collection[str], page: str
) -> Claims | ClaimRefusal:
    """Return the claims, or the refusal that names the option to set and the page that defines the words.

    Args:
        options: Startup options with lower-case names; only those that begin with ``doorward.`` are read.
        purposes: The order's purpose words.
        agencies: The order's agency ids; ``unknown`` and ``none`` are among them.
        page: Where the order defines its words; printed, never opened.
    """
    strange = sorted(name for name in options if name.startswith(PREFIX) and name not in OPTIONS)
    if strange:
        return ClaimRefusal(
            "unknown option",
            f"`{strange[0][:60]}` is no option of this door; it takes {', '.join(f'`{name}`' for name in OPTIONS)}",
        )
    purpose = options.get("doorward.purpose", "").strip()
    if not purpose:
        return ClaimRefusal(
            "no purpose",
            "state the purpose of this connection with the option `doorward.purpose`",
            f"the words are defined in {page}",
        )
    if purpose not in purposes:
        return ClaimRefusal(
            "purpose is no word of the order",
            "the purpose stated with the option `doorward.purpose` is no word of the order",
            f"the words are defined in {page}",
        )
    case_no = options.get("doorward.case", "").strip()
    if len(case_no) > MAX_CASE_CHARACTERS or not case_no.isprintable():
        return ClaimRefusal(
            "case number is malformed",
            f"`doorward.case` takes at most {MAX_CASE_CHARACTERS} printable characters",
        )
    for_agency = options.get("doorward.for", "").strip() or UNKNOWN_AGENCY
    if for_agency not in agencies:
        return ClaimRefusal(
            "agency is no word of the order",
            "the agency stated with the option `doorward.for` is no word of the order",
            f"the words are defined in {page}",
        )
    emergency = options.get(EMERGENCY_OPTION, "").strip()
    if EMERGENCY_OPTION in options and not says_something(emergency):
        return ClaimRefusal(
            "an emergency without words",
            f"`{EMERGENCY_OPTION}` says what the danger is, in {MIN_EMERGENCY_WORDS} words or more",
            f"at most {MAX_EMERGENCY_CHARACTERS} printable characters; words may be joined by `-`",
        )
    return Claims(purpose=purpose, case_no=case_no, for_agency=for_agency, emergency=emergency)


def says_something(words: str) -> bool:
    """Return True where a text is a danger said in words; which words is for the reviewer to judge."""
    found = _WORD.findall(words)
    return (
        len(words) <= MAX_EMERGENCY_CHARACTERS and words.isprintable() and len(found) >= MIN_EMERGENCY_WORDS
    )
