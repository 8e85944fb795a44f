"""The words of a report for what the tables of an audit call by short names. Pure."""

from typing import Final

from doorward.lookback.report.content import Exhibit

RESULT_WORDS: Final = {
    "inconsistent": "Inconsistent on its face",
    "referred": "Referred to a person",
    "cannot-tell": "Cannot be told",
    "consistent": "Consistent",
}
RESULT_SAYS: Final = {
    "inconsistent": "the order denies it, whatever stood in the cells that are not shown",
    "referred": "the order does not open it by itself, and no decision of a person is in the log",
    "cannot-tell": "the answer hangs on a cell that is masked, withheld or not exported: neither cleared nor accused",
    "consistent": "the order permits it or does not speak of it, whatever stood in those cells",
}
TIER_WORDS: Final = {
    "explicit": "says civil immigration enforcement",
    "agency-named": "names an agency and no purpose",
    "vague": "says no purpose",
    "other": "says something else",
}
TIER_SAYS: Final = {
    "explicit": "explicit: the words themselves say civil immigration enforcement",
    "agency-named": "agency-named: an agency is named, and the name alone is no purpose",
    "vague": "vague: the words say no purpose",
    "other": "other: none of these",
}
OUTCOME_WORDS: Final = {
    "permit": "permitted", "deny": "denied", "refer": "referred", "outside": "outside the order",
}  # fmt: skip
WAY_WORDS: Final = {
    "own": "its own user",
    "front": "front door: an immigration agency that the owner shares with in particular",
    "back": "back door: an immigration agency through a network that many share",
    "side": "side door: another agency's user for it",
    "cannot-tell": "way cannot be told",
    "other": "another agency's user",
}
CELL_WORDS: Final = {
    "id": "id", "searcher": "organisation that searched", "owner": "organisation searched", "account": "account",
    "at": "time", "networks": "number of networks", "devices": "number of devices",
    "since": "begin of the time looked at", "until": "end of the time looked at", "plate": "plate",
    "reason": "reason", "case_no": "case number",
    "offense": "offense", "filters": "filters", "kind": "type of search", "prompt": "free text searched for",
    "moderation": "the vendor's own filter", "object": "table", "command": "command",
}  # fmt: skip
LEAD_WORDS: Final = {
    "burst": "Burst of one account", "unit-burst": "Burst of one unit",
    "after-federal": "A plate that a federal unit searched shortly before", "287g": "Units that take part in 287(g)",
    "off-hours": "Rate at night", "shared-account": "Account of several units", "vague-rate": "Rate of vague reasons",
    "repeated-plate": "Plate searched again and again by one account",
    "vague-drift": "Rate of vague reasons after a change",
}  # fmt: skip
ALL_WORDS: Final = tuple(
    text for words in (RESULT_WORDS, RESULT_SAYS, TIER_WORDS, TIER_SAYS, WAY_WORDS, CELL_WORDS, LEAD_WORDS)
    for text in words.values()
)  # fmt: skip
MAX_PERHAPS: Final = 12  # clauses of one exhibit; all of them are in findings.csv
NAMING: Final = ("explicit", "agency-named")


def as_words(name: str) -> str:
    """Return a short name with spaces for its hyphens and low lines."""
    return name.replace("-", " ").replace("_", " ")


def lead_word(kind: str) -> str:
    """Return the heading of a kind of lead."""
    return LEAD_WORDS.get(kind) or as_words(kind).capitalize()


def way_of(exhibit: Exhibit) -> str:
    """Return by which way an access came, where that matters: it names an agency, or came for one."""
    if exhibit.path in {"front", "back", "side"} or exhibit.tier in NAMING:
        return WAY_WORDS.get(exhibit.path, "")
    return ""


def clauses_of(exhibit: Exhibit) -> str:
    """Return the clauses that an access falls under, and whether that is sure."""
    if not exhibit.clauses:
        return "" if exhibit.certain else _perhaps(exhibit.perhaps)
    named = ", ".join(exhibit.clauses)
    if exhibit.certain:
        return ("clause " if len(exhibit.clauses) == 1 else "clauses ") + named
    return f"perhaps clause {named}" if len(exhibit.clauses) == 1 else f"one of these clauses: {named}"


def _perhaps(clauses: tuple[str, ...]) -> str:
    said = "which clause cannot be told"
    if not clauses:
        return said
    left = len(clauses) - MAX_PERHAPS
    return f"{said}: perhaps {', '.join(clauses[:MAX_PERHAPS])}" + (
        f" or one of {left} more" if left > 0 else ""
    )


def possible_of(exhibit: Exhibit) -> str:
    """Return what the order may say of an access, where that is more than one answer."""
    if len(exhibit.possible) < 2:
        return ""
    return " or ".join(OUTCOME_WORDS.get(one, one) for one in exhibit.possible)


def group_title(result: str, tier: str, clause: str) -> str:
    """Return the heading of exhibits that stand together."""
    under = f", under {clause}" if clause else ""
    return f"{RESULT_WORDS.get(result, result)}{under}: {TIER_WORDS.get(tier, tier)}"
