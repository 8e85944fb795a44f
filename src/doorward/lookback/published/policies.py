"""An agency's own published words as an order: the files of a pack, made from one row. Pure; the words are not trusted.

The policies are doorward's, taken whole from templates by the names of the rules that knew a phrase. The agency's words
go into texts of order.toml and into the name of an entity, quoted, and nowhere else; a number of days is the one
thing that is written into a policy.

INVARIANT (no word decides): the text of every policy is a function of the rules that matched and of that number.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Template
from typing import Final

from doorward.lookback.published.partners import read_name
from doorward.lookback.published.portal_words import (
    DUTIES,
    USES,
    How,
    Phrase,
    Text,
    read_retention,
    read_words,
)
from doorward.lookback.published.rows import PolicyRow
from doorward.orders.scenarios import COLUMNS

TEMPLATES: Final = "portal"
SUFFIX: Final = ".template"
MAX_QUOTED: Final = 400
NO_LIMIT: Final = 99_999  # days, where the page says nothing of retention
LOG: Final = "plate-reader"
LOG_WITHOUT_TIME: Final = (
    "plate-reader-without-time"  # of a file without the column `since`: RETENTION is not audited
)
VOCABULARIES: Final = ("english-policing-1",)
VOCABULARIES_OF: Final[Mapping[str, tuple[str, ...]]] = {"CA": ("california-codes-1",)}
UNTOLD: Final = ("harassment", "commercial", "non-law-enforcement")  # no row of a log says it on its face
_KEYS = (*USES, *DUTIES)
_PART = re.compile(r"(?m)^(?://|#) ==== (?P<name>[a-z-]+)\n")
_CLAUSE = {
    "law-enforcement-only": "ONLY-law-enforcement",
    "reason": "DUTY-reason",
    "case": "DUTY-case",
    "case-or-type": "DUTY-case-or-type",
    "case-shown": "DUTY-case-shown",
    "retention": "RETENTION",
}


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of the pack.

    Args:
        key: The name of the rule that knew the phrases, or empty: it is not audited.
        decides: Whether it decides alone.
    """

    id: str
    key: str
    phrases: tuple[Phrase, ...]
    decides: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """What an agency's words were read as.

    Args:
        clauses: Those that policies rest on, in the order of the rules; then those that are not audited.
        days: After which a search looks beyond the retention that the words name; None where they name none.
    """

    row: PolicyRow
    clauses: tuple[Clause, ...]
    days: int | None

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of the rules that policies rest on."""
        return tuple(clause.key for clause in self.clauses if clause.key)

    @property
    def not_audited(self) -> tuple[Phrase, ...]:
        """Every phrase that no policy rests on."""
        return tuple(phrase for clause in self.clauses if not clause.key for phrase in clause.phrases)


def read_page(row: PolicyRow) -> Reading:
    """Return what a page's words are read as; nothing of them is dropped."""
    texts = (
        (Text.PROHIBITED, row.prohibited),
        (Text.ACCEPTABLE, row.acceptable),
        (Text.ACCESS, row.access),
        (Text.HOTLIST, row.hotlist),
        (Text.HOTLISTS, row.hotlists),
        (Text.SHARING, row.sharing_with),
        (Text.SHARING, row.sharing_restrictions),
    )
    phrases = [phrase for text, words in texts for phrase in read_words(text, words)]
    phrases += read_retention(row.retention_days)
    clauses = [clause for key in _KEYS if (clause := _clause(key, phrases)) is not None]
    used = {id(phrase) for clause in clauses for phrase in clause.phrases}
    left = [phrase for phrase in phrases if id(phrase) not in used]
    clauses += [
        Clause(f"NOT-{number}", "", (phrase,), decides=False) for number, phrase in enumerate(left, start=1)
    ]
    # Where two numbers are published the longer one accuses nobody whom the other would not.
    days = max((phrase.days for phrase in phrases if phrase.days is not None), default=None)
    return Reading(row, tuple(clauses), days)


def make_portal_pack(row: PolicyRow) -> dict[str, str]:
    """Return the text of each file of the pack that a row's words make, by its path; the same row, the same bytes."""
    return write_pack(read_page(row))


def write_pack(reading: Reading) -> dict[str, str]:
    """Return the text of each file of the pack of a reading, by its path."""
    row, templates = reading.row, _templates()
    only = "law-enforcement-only" in reading.keys
    parts = [*reading.keys, *([] if only else ["no-words-on-use"]), "always"]
    days = reading.days if reading.days is not None else NO_LIMIT
    page = f"the published page of {row.name}, as it was on {row.snapshot}"
    given = {
        "name": _quoted(row.agency.strip("-") or "agency"),
        "title": _quoted(f"{row.name}: its own published words on plate readers"),
        "page": _quoted(page),
        "snapshot": row.snapshot.isoformat(),
        "vocabularies": ", ".join(_quoted(name) for name in _vocabularies(row)),
        "agency_json": json.dumps(row.name, ensure_ascii=True),
        "days": str(days),
        "over": str(days + 1),
    }

    def fill(name: str) -> str:
        return Template(_chosen(templates[name], parts)).substitute(given)

    clauses = "\n".join(_clause_table(clause, row) for clause in (*reading.clauses, *_extra(reading)))
    return {
        "order.toml": fill("order.toml") + clauses,
        "portal.cedarschema": fill("order.cedarschema"),
        "portal.cedar": fill("policies.cedar"),
        "entities/agencies.json": fill("entities.json"),
        "resolvers.toml": fill("resolvers.toml"),
        "reasons.toml": Template(_reasons(templates["reasons.toml"], reading.keys)).substitute(given),
        "theorems.toml": fill("theorems.toml"),
        "scenarios.toml": fill("scenarios.toml"),
        "scenarios.csv": _scenarios(reading),
    }


def _vocabularies(row: PolicyRow) -> tuple[str, ...]:
    """Return the vocabularies of the lexicon: of police logs, and of the codes of the agency's own State."""
    state = read_name(row.name).state or read_name(row.agency.replace("-", " ").upper()).state
    return VOCABULARIES if state is None else (*VOCABULARIES, *VOCABULARIES_OF.get(state, ()))


def _reasons(template: str, keys: Sequence[str]) -> str:
    """Return reasons.toml: the same facts for a log with the time that a search looked at, and for one without."""
    outside = "for-agency" if "outside-agencies" in keys else "no-for-agency"
    case = "case-fact" if {"case", "case-or-type", "case-shown"} & set(keys) else "no-case-fact"
    head, *rest = _PART.split(template)
    parts = dict(zip(rest[::2], rest[1::2], strict=True))
    facts = parts["facts"] + parts[outside] + parts[case]
    return head + parts["with-time"] + facts + parts["without-time"] + facts


def _clause(key: str, phrases: Sequence[Phrase]) -> Clause | None:
    """Return the clause of a rule: of what it knew word for word, else of what it knew in part."""
    for how in (How.DECIDES, How.COUNSEL):
        found = tuple(phrase for phrase in phrases if key in phrase.keys and phrase.how is how)
        if found:
            return Clause(_CLAUSE.get(key, f"USE-{key}"), key, found, decides=how is How.DECIDES)
    return None


def _extra(reading: Reading) -> Iterator[Clause]:
    if "law-enforcement-only" not in reading.keys:
        yield Clause("N0", "no-words-on-use", (), decides=True)


def _clause_table(clause: Clause, row: PolicyRow) -> str:
    where = (
        ", ".join(dict.fromkeys(phrase.text.value for phrase in clause.phrases))
        or "what it does not speak of"
    )
    words = "; ".join(dict.fromkeys(f"\u201c{_short(phrase.words)}\u201d" for phrase in clause.phrases))
    if not clause.phrases:
        says = "The page has no words on what the system may be used for"
    elif clause.key:
        says = words + (
            "" if clause.key not in UNTOLD else ": not audited, no row of a log says it on its face"
        )
    else:
        why = clause.phrases[0].why or "no rule of doorward's reads these words"
        says = f"{words}: not audited, {why}"
    return (
        f"[clause.{clause.id}]\n"
        f"cite = {_quoted(f'{where}, published page of {row.snapshot}')}\n"
        f"says = {_quoted(says)}\n"
        'evidence = "text"\n'
        f'standing = "{"confirmed" if clause.decides else "needs-counsel"}"\n'
    )


def _short(words: str) -> str:
    return words if len(words) <= MAX_QUOTED else f"{words[:MAX_QUOTED]}\u2026"


def _quoted(words: str) -> str:
    """Return words as a basic string of TOML: JSON's escapes are a part of TOML's where all else can be printed."""
    return json.dumps("".join(c if c.isprintable() else " " for c in words), ensure_ascii=False)


@cache
def _templates() -> Mapping[str, str]:
    folder = resources.files("doorward.lookback").joinpath(TEMPLATES)
    found = {item.name: item.read_text(encoding="utf-8") for item in folder.iterdir()}
    return {name.removesuffix(SUFFIX): text for name, text in found.items() if name.endswith(SUFFIX)}


def _chosen(text: str, parts: Iterable[str]) -> str:
    """Return a template without the parts that are not chosen, in its own order."""
    wanted = set(parts)
    head, *rest = _PART.split(text)
    named = zip(rest[::2], rest[1::2], strict=True)
    return head + "".join(part for name, part in named if name in wanted)


_CASES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {  # of a rule: what the case says, and its outcome
    "immigration-enforcement": (("immigration enforcement", "deny"),),
    "traffic-enforcement": (("traffic infraction", "deny"), ("traffic investigation", "refer")),
    "harassment": (("harassment", "deny"),),
    "protected-class": (("protected class", "refer"),),
    "personal-use": (("personal use", "deny"),),
    "reproductive-care": (("reproductive care", "deny"),),
    "first-amendment": (("protest", "refer"),),
    "commercial": (("commercial", "deny"),),
    "non-law-enforcement": (("no law enforcement", "deny"),),
    "outside-agencies": (("for HSI", "deny"), ("for OUT-OF-STATE", "deny")),
    "law-enforcement-only": (("no law enforcement", "deny"), ("test of the system", "refer")),
    "reason": (("reason blank", "deny"), ("reason vague", "refer")),
    "case": (("no case number", "deny"), ("case number not known", "refer")),
    "case-or-type": (("no case number", "deny"), ("case number not known", "refer")),
    "case-shown": (("no case number", "refer"),),
    "retention": (("one day beyond retention", "refer"),),
}
_DENY_TOO = ("law-enforcement-only", "non-law-enforcement")
_NO_LAW_ENFORCEMENT = frozenset({"personal use", "commercial", "no law enforcement"})
_BY_SUPERVISOR = frozenset(
    {
        "traffic investigation",
        "protected class",
        "protest",
        "test of the system",
        "reason vague",
        "case number not known",
        "one day beyond retention",
    }
)


def _scenarios(reading: Reading) -> str:
    """Return the cases: one for each policy, and what is allowed beside it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    held = {clause.key: clause for clause in reading.clauses if clause.key}
    opened = "permit" if "law-enforcement-only" in held else "outside"
    opens = "ONLY-law-enforcement" if "law-enforcement-only" in held else "N0"
    cases = [("a crime", opened, "", opens), ("hit and run", opened, "", opens)]
    if "reason" in held:
        cases.append(("reason blank, type of offense chosen", opened, "", opens))
    if "retention" in held:
        cases.append(("last day of retention", opened, "", opens))
    for key, clause in held.items():
        for says, outcome in _CASES[key]:
            if key == "non-law-enforcement" and "law-enforcement-only" in held:
                continue  # the same case stands under the words that allow law enforcement only
            cases.append(_expected(clause, says, outcome, held))
    for number, (says, outcome, to, clauses) in enumerate(cases, start=1):
        posture = {"permit": "perform-in-scope", "outside": "tolerate", "deny": "decline", "refer": "hold"}
        whom = says.removeprefix("for ") if says.startswith("for ") else "none"
        row = (
            "own user",
            "user",
            whom,
            says,
            "none",
            "search",
            "plate reader",
            outcome,
            posture[outcome],
            to,
        )
        writer.writerow((number, *row, "", clauses, ""))
    return out.getvalue()


def _expected(
    clause: Clause, says: str, outcome: str, held: Mapping[str, Clause]
) -> tuple[str, str, str, str]:
    """Return a case: what it says, outcome, addressee, clause; another clause may deny what this one only refers."""
    if outcome == "deny" and not clause.decides:
        others = _DENY_TOO if says in _NO_LAW_ENFORCEMENT else ()
        denying = next((held[key] for key in others if key in held and held[key].decides), None)
        if denying is not None:
            return says, "deny", "", denying.id
        outcome = "refer"
    supervised = says in _BY_SUPERVISOR or clause.key == "case-shown"
    return says, outcome, "supervisor" if outcome == "refer" and supervised else "", clause.id
