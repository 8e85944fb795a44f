"""statutory.toml of a pack: how a city words the reports that statutes ask of it. Pure.

The fields of a report are the statute's and stand in `doorward.desk.statutory`; the file says how they are called. Its
words, with the names of the order's agencies, are all that a report may hold besides days, hours and counts.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from doorward.errors import Finding
from doorward.orders.toml import Toml

STATUTORY: Final = "statutory.toml"
KINDS: Final = ("detainer", "administrative-warrant")
OUTCOMES: Final = ("released", "transferred", "none")
REPORTS: Final = ("quarterly", "trust", "voices")
DECIDED: Final = ("deny", "waiting")
HEADS: Final[Mapping[str, int]] = {
    "oemc-notices": 3,
    "papers": 5,
    "requests": 6,
    "detainers": 7,
    "certifications": 4,
}
_PREFIX: Final = re.compile(r"[A-Z]{2,6}")
_WORD: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")
_SECTIONS: Final = (
    "documents", "federal_parties", "other_parties", "kind", "asked", "handled", "outcome", "report", "table", "desk",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TableWords:
    """How a table is called.

    Args:
        head: One for each column, in the statute's order.
        none: What is certified where there is no row.
    """

    caption: str
    head: tuple[str, ...]
    none: str


@dataclass(frozen=True, slots=True)
class ReportWords:
    """How a report is called, who gets it, and the clauses of the order that it rests on."""

    title: str
    to: str
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeskRules:
    """How what the desk files becomes rows of the reports.

    Args:
        agencies: Of which the reports are, by `principal.agency` of what was filed.
        components: Agencies of the order that are the Department of Homeland Security.
        civil: Purposes that say by themselves that a request is for civil enforcement.
        papers_only: Kinds of the intake that are reported as a paper, and not as a request besides.
        certifications: Kinds of the intake that ask for a certification.
        notice: The obligation by which the order asks for a notice to OEMC.
        papers: The kind of paper, by its class in `context.papers`.
        asked: The word for what was asked, by the order's action.
        other: The word for every other action.
        handled: The word for what became of a request, where the order denied it (`deny`), or while it waits for an
            office (`waiting`); for everything else somebody says it.
    """

    agencies: tuple[str, ...]
    components: tuple[str, ...]
    civil: tuple[str, ...]
    papers_only: tuple[str, ...]
    certifications: tuple[str, ...]
    notice: str
    papers: Mapping[str, str]
    asked: Mapping[str, str]
    other: str
    handled: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StatutoryWords:
    """What a pack's statutory.toml says.

    Args:
        documents: What a document's reference begins with.
        federal_parties: Parties of the order whose custody is that of a federal agency.
        other_parties: Parties to whose custody somebody may be transferred besides.
        kind: Of papers.
        asked: For what help the Department of Homeland Security may ask; any words of the city's.
        handled: What may have become of a request; any words of the city's.
        outcome: Of custody.
        desk: How the desk's own matters become rows, or None: then reports are made of files alone.
    """

    documents: tuple[str, ...]
    federal_parties: tuple[str, ...]
    other_parties: tuple[str, ...]
    kind: Mapping[str, str]
    asked: Mapping[str, str]
    handled: Mapping[str, str]
    outcome: Mapping[str, str]
    reports: Mapping[str, ReportWords]
    tables: Mapping[str, TableWords]
    desk: DeskRules | None = None

    def texts(self) -> Iterable[str]:
        """Yield every text of the file that a report may hold."""
        for words in (self.kind, self.asked, self.handled, self.outcome):
            yield from words.values()
        for report in self.reports.values():
            yield from (report.title, report.to)
        for table in self.tables.values():
            yield from (table.caption, *table.head, table.none)


def read_statutory(text: str, clauses: Collection[str]) -> tuple[StatutoryWords | None, list[Finding]]:
    """Return what the file says, or None and everything that is wrong with it, each with its line and column.

    Args:
        text: Of statutory.toml.
        clauses: Clause ids of the order.

    Raises:
        PolicyCheckError: The text is no TOML.
    """
    file = Toml(STATUTORY, text)
    file.refuse_others(_SECTIONS)
    documents = _texts(file, "documents")
    for prefix in documents:
        if not _PREFIX.fullmatch(prefix):
            file.note(f"`{prefix[:20]}` is no beginning of a reference: 2 to 6 capitals", "documents")
    found = StatutoryWords(
        documents,
        _texts(file, "federal_parties"),
        _texts(file, "other_parties"),
        _words(file, "kind", KINDS),
        _words(file, "asked"),
        _words(file, "handled"),
        _words(file, "outcome", OUTCOMES),
        {name: _report(file, name, clauses) for name in _tables(file, "report", REPORTS)},
        {name: _table(file, name) for name in _tables(file, "table", tuple(HEADS))},
        _desk(file) if "desk" in file.data else None,
    )
    return (None if file.findings else found), file.findings


def _words(file: Toml, section: str, needed: tuple[str, ...] = ()) -> dict[str, str]:
    found = {}
    for word in file.table(section):
        if not _WORD.fullmatch(word):
            file.note(f"`{word[:60]}` is no word of lower-case letters, digits and `-`", section, word)
        found[word] = file.get(str, section, word)
    for word in needed:
        if word not in found:
            file.note(f"`{section}` has no `{word}`", section)
    if needed:
        file.refuse_others(needed, section)
    return found


def _tables(file: Toml, section: str, needed: tuple[str, ...]) -> tuple[str, ...]:
    held = file.table(section)
    file.refuse_others(needed, section)
    for name in needed:
        if not isinstance(held.get(name), dict):
            file.note(f"`{section}.{name}` must be a table; it is missing", section)
    return tuple(name for name in needed if isinstance(held.get(name), dict))


def _report(file: Toml, name: str, clauses: Collection[str]) -> ReportWords:
    path = ("report", name)
    file.refuse_others(("title", "to", "clauses"), *path)
    cited = _texts(file, *path, "clauses")
    for clause in cited:
        if clause not in clauses:
            file.note(f"`{clause[:60]}` is no clause of the order", *path, "clauses")
    return ReportWords(file.get(str, *path, "title"), file.get(str, *path, "to"), cited)


def _table(file: Toml, name: str) -> TableWords:
    path = ("table", name)
    file.refuse_others(("caption", "head", "none"), *path)
    head = _texts(file, *path, "head")
    if len(head) != HEADS[name] or len(set(head)) != len(head):
        file.note(
            f"`head` has {HEADS[name]} different texts, one for each field of the statute", *path, "head"
        )
    return TableWords(file.get(str, *path, "caption"), head, file.get(str, *path, "none"))


def _desk(file: Toml) -> DeskRules:
    keys = (
        "agencies", "components", "civil", "papers_only", "certifications", "notice", "other", "papers", "asked",
        "handled",
    )  # fmt: skip
    file.refuse_others(keys, "desk")
    file.refuse_others(DECIDED, "desk", "handled")
    asked, handled = file.table("asked"), file.table("handled")
    other = file.get(str, "desk", "other")
    if other and other not in asked:
        file.note(f"`{other[:60]}` is no word of `asked`", "desk", "other")
    return DeskRules(
        agencies=_texts(file, "desk", "agencies"),
        components=_texts(file, "desk", "components"),
        civil=_texts(file, "desk", "civil"),
        papers_only=_texts(file, "desk", "papers_only"),
        certifications=_texts(file, "desk", "certifications"),
        notice=file.get(str, "desk", "notice"),
        papers=_pairs(file, "papers", KINDS),
        asked=_pairs(file, "asked", asked),
        other=other,
        handled=_pairs(file, "handled", handled),
    )


def _pairs(file: Toml, name: str, words: Collection[str]) -> dict[str, str]:
    found = {}
    for key in file.table("desk", name):
        found[key] = file.get(str, "desk", name, key)
        if found[key] and found[key] not in words:
            file.note(f"`{found[key][:60]}` is no word of `{name}`", "desk", name, key)
    return found


def _texts(file: Toml, *path: str) -> tuple[str, ...]:
    held = file.get(list, *path)
    if not held or not all(isinstance(one, str) and one for one in held):
        file.note(f"`{'.'.join(path)}` must be a list of texts", *path)
        return ()
    return tuple(held)
