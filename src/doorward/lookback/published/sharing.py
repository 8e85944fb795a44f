"""With whom an agency shares, held against what is on file; and what has changed since another day. Pure.

A finding is a difference between two papers, in words: it is no breach of a law. A law is cited where an order has the
clause (`LAWS`), and nowhere else. What could not be compared, for want of a file or because a name does not say its
State, is counted and said.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from doorward.lookback.published.partners import Named, name_words, read_name
from doorward.lookback.published.portal_words import Text, read_words
from doorward.lookback.published.sharing_files import Paper, Participant, Shared, SharingList


class Kind(StrEnum):
    """What was found of a partner or of a setting."""

    FEDERAL = "a federal partner"
    PARTICIPATING = "a partner with a 287(g) agreement"
    NO_DECLARATION = "out of state, no declaration on file"
    DECLARATION_OVER = "out of state, declaration not in force"
    NO_AGREEMENT = "no agreement on file"
    AGREEMENT_OVER = "agreement not in force"
    INACTIVE = "a partner marked as not at work"
    NO_AGENCY = "the name of no agency"
    RETENTION = "kept longer than the words say"
    NOT_SHARED = "an agreement on file, and nothing shared"


# Which clause of an order speaks of a finding, by the owner's State: facts of law stand in orders, not here.
LAWS: Final[Mapping[str, Mapping[Kind, tuple[str, ...]]]] = {
    "IL": {Kind.NO_DECLARATION: ("A130c",), Kind.DECLARATION_OVER: ("A130c",)},
}


@dataclass(frozen=True, slots=True)
class OnFile:
    """What lists are held against; None is not given, and is then not compared.

    Args:
        clauses: Ids of the order that may be cited.
    """

    agreements: Sequence[Paper] | None = None
    declarations: Sequence[Paper] | None = None
    participants: Sequence[Participant] | None = None
    clauses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SharingFinding:
    """One difference.

    Args:
        partner: The name as the list has it; empty where it is about a setting.
        says: In words, with the dates.
        evidence: Where the paper is kept that it was held against.
    """

    agency: str
    kind: Kind
    partner: str
    says: str
    evidence: str = ""
    clauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """What was found of one list.

    Args:
        outward: How many partners the agency's data is open to.
        unknown_state: How many of them are of a State that their name does not say.
        not_compared: What no file was given for.
    """

    list: SharingList
    on: date
    findings: tuple[SharingFinding, ...]
    outward: int
    unknown_state: int
    not_compared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different on the later of two days.

    Args:
        renamed: Partners whose names differ in a mark or in spelling only: before, after.
        settings: Name, before, after.
    """

    agency: str
    before: date | None
    after: date | None
    added: tuple[str, ...]
    gone: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str, str], ...]

    @property
    def any(self) -> bool:
        """Whether something is different."""
        return bool(self.added or self.gone or self.renamed or self.settings)


def compare_sharing(listed: SharingList, held: OnFile, *, on: date) -> Compared:
    """Return what of a list differs from what is on file on a day.

    Args:
        on: The day of the list; papers and 287(g) agreements count if they are in force then.
    """
    home = _home(listed)
    comparison = _Comparison(listed, held, on, home)
    findings = [finding for shared in listed.partners for finding in comparison.partner(shared)]
    findings += comparison.settings()
    findings += comparison.idle_agreements()
    outward = [read_name(shared.name) for shared in listed.partners if shared.outward]
    unknown = sum(named.state is None and not named.federal and named.agency for named in outward)
    missing = [
        what
        for what, given in (
            ("agreements", held.agreements),
            ("declarations", held.declarations if home is not None else None),
            ("287(g) agreements", held.participants),
        )
        if given is None
    ]
    return Compared(listed, on, tuple(findings), len(outward), unknown, tuple(missing))


def compare_days(before: SharingList, after: SharingList) -> Changes:
    """Return what is different between two lists of one agency; a setting that one of them lacks is not compared."""
    old = {shared.name: shared for shared in before.partners if shared.outward}
    new = {shared.name: shared for shared in after.partners if shared.outward}
    gone, added = ([name for name in one if name not in other] for one, other in ((old, new), (new, old)))
    by_words: dict[tuple[str, ...], list[str]] = {}
    for name in added:
        by_words.setdefault(read_name(name).words, []).append(name)
    renamed = []
    for name in list(gone):
        same = by_words.get(read_name(name).words, [])
        if same:
            renamed.append((name, same.pop(0)))
            gone.remove(name)
            added.remove(renamed[-1][1])
    settings = tuple(
        (name, before.settings[name], text)
        for name, text in after.settings.items()
        if name in before.settings and before.settings[name] != text
    )
    return Changes(
        after.agency, before.on, after.on, tuple(sorted(added)), tuple(sorted(gone)), tuple(sorted(renamed)), settings
    )  # fmt: skip


def pair_days(
    lists: Iterable[SharingList], earlier: Iterable[SharingList]
) -> Iterator[tuple[SharingList, SharingList]]:
    """Yield each agency's newest list with the one before it: of `earlier` where it is given there, else of its own."""
    by_agency: dict[str, list[SharingList]] = {}
    for listed in lists:
        by_agency.setdefault(listed.agency, []).append(listed)
    others: dict[str, list[SharingList]] = {}
    for listed in earlier:
        others.setdefault(listed.agency, []).append(listed)
    for agency in sorted(by_agency):
        own = sorted(by_agency[agency], key=_when)
        before = sorted(others.get(agency, []), key=_when) or own[:-1]
        if before:
            yield before[-1], own[-1]


def count_kinds(compared: Iterable[Compared]) -> dict[Kind, int]:
    """Return how many findings there are of each kind, in the order of the kinds."""
    counts = Counter(finding.kind for one in compared for finding in one.findings)
    return {kind: counts[kind] for kind in Kind if counts[kind]}


def _when(listed: SharingList) -> date:
    return listed.on or date.min


def _home(listed: SharingList) -> str | None:
    named = read_name(listed.name)
    return named.state or read_name(listed.agency.replace("-", " ").upper()).state


@dataclass(slots=True)
class _Comparison:
    """One list, held against what is on file."""

    listed: SharingList
    held: OnFile
    on: date
    home: str | None
    agreements: Mapping[tuple[str, ...], list[Paper]] = field(init=False)
    declarations: Mapping[tuple[str, ...], list[Paper]] = field(init=False)
    participants: Mapping[tuple[str, ...], list[Participant]] = field(init=False)

    def __post_init__(self) -> None:
        self.agreements = self._own(self.held.agreements)
        self.declarations = self._own(self.held.declarations)
        self.participants = {}
        for one in self.held.participants or ():
            held = self.participants.setdefault((one.state, *_without(name_words(one.name), one.state)), [])
            held.append(one)

    def partner(self, shared: Shared) -> Iterator[SharingFinding]:
        if not shared.outward:
            return
        named = read_name(shared.name)
        if not named.agency:
            yield self._found(Kind.NO_AGENCY, shared, "the list is open to a name that is no agency's")
            return
        if named.inactive:
            yield self._found(
                Kind.INACTIVE, shared, "the name says that the organisation is not at work; it is shared with"
            )
        if named.federal:
            yield self._found(Kind.FEDERAL, shared, "the name says that the organisation is federal")
        yield from self._participating(shared, named)
        yield from self._declared(shared, named)
        if self.held.agreements is not None:
            yield from self._paper(
                shared, named, self.agreements, Kind.NO_AGREEMENT, Kind.AGREEMENT_OVER, "agreement"
            )

    def settings(self) -> Iterator[SharingFinding]:
        stated = self.listed.settings.get("data retention days", "")
        if not stated:
            return
        written = [
            (phrase.days, "the published words")
            for text, name in ((Text.ACCESS, "access policy"), (Text.PROHIBITED, "prohibited uses"))
            for phrase in read_words(text, self.listed.settings.get(name, ""))
            if phrase.days is not None
        ]
        written += [
            (paper.days, paper.evidence)
            for papers in self.agreements.values()
            for paper in papers
            if paper.days is not None and paper.holds(self.on)
        ]
        for days, evidence in written:
            if days < int(stated):
                says = f"the setting keeps data {stated} days; {days} days are written"
                yield SharingFinding(self.listed.agency, Kind.RETENTION, "", says, evidence)

    def idle_agreements(self) -> Iterator[SharingFinding]:
        shared = {read_name(one.name).words for one in self.listed.partners}
        for words, papers in self.agreements.items():
            current = [
                paper for paper in papers if paper.holds(self.on) and paper.owner and paper.days is None
            ]
            if current and words not in shared:
                says = f"the agreement ({current[0].kind}) is in force on {self.on}, and the list has no such partner"
                yield SharingFinding(
                    self.listed.agency, Kind.NOT_SHARED, current[0].agency, says, current[0].evidence
                )

    def _participating(self, shared: Shared, named: Named) -> Iterator[SharingFinding]:
        if named.state is None:
            return
        for one in self.participants.get((named.state, *_without(named.words, named.state)), [])[:1]:
            if one.signed is None or one.signed <= self.on:
                when = f", signed {one.signed}" if one.signed else ", date of signing not in the list"
                says = f"the federal list has {one.name}, {one.state}: {one.support}{when}"
                yield self._found(Kind.PARTICIPATING, shared, says)

    def _declared(self, shared: Shared, named: Named) -> Iterator[SharingFinding]:
        abroad = self.home is not None and named.state is not None and named.state != self.home
        if abroad and self.held.declarations is not None:
            yield from self._paper(
                shared, named, self.declarations, Kind.NO_DECLARATION, Kind.DECLARATION_OVER, "declaration"
            )

    def _paper(  # noqa: PLR0917  # two kinds and a word of one rule
        self,
        shared: Shared,
        named: Named,
        papers: Mapping[tuple[str, ...], list[Paper]],
        none: Kind,
        over: Kind,
        what: str,
    ) -> Iterator[SharingFinding]:
        found = [paper for paper in papers.get(named.words, []) if paper.days is None]
        if not found:
            yield self._found(none, shared, f"shared on {self.on}; no {what} on file is of this name")
        elif not any(paper.holds(self.on) for paper in found):
            last = max(found, key=lambda paper: paper.until or date.max)
            when = (
                f"begins {last.since}"
                if last.since is not None and last.since > self.on
                else f"ended {last.until}"
            )
            yield self._found(
                over, shared, f"shared on {self.on}; the {what} ({last.kind}) {when}", last.evidence
            )

    def _found(self, kind: Kind, shared: Shared, says: str, evidence: str = "") -> SharingFinding:
        laws = LAWS.get(self.home or "", {}).get(kind, ())
        cited = tuple(clause for clause in laws if clause in self.held.clauses)
        return SharingFinding(self.listed.agency, kind, shared.name, says, evidence, cited)

    def _own(self, papers: Sequence[Paper] | None) -> dict[tuple[str, ...], list[Paper]]:
        """Return the papers that are this agency's or anybody's, by the words of the partner's name."""
        mine = {name_words(self.listed.name), name_words(self.listed.agency)}
        found: dict[tuple[str, ...], list[Paper]] = {}
        for paper in papers or ():
            if not paper.owner or name_words(paper.owner) in mine:
                found.setdefault(read_name(paper.agency).words, []).append(paper)
        return found


def _without(words: tuple[str, ...], state: str) -> tuple[str, ...]:
    return tuple(word for word in words if word != state.lower())
