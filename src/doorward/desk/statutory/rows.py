"""From what the desk filed to the rows of the reports: each row knows its source, and nothing is left out unsaid. Pure.

1. A paper is received where somebody of the City looked at it. One that was only said to exist is a gap to look at.
2. What a requester says against itself (that it is for civil enforcement) is taken. That it was for something else, a
   named person says; until then a report that asks for it is not made (law 6).
3. What became of a request is the order's own answer where it denied it or where it still waits; for everything else
   somebody says it. The same for days of notices and certifications.
4. Every matter that could be in a report is a row, a gap or among the left out with the reason: they add up.
5. What is sealed is not handed in here, and so is nowhere; neither is a drill.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from doorward.desk.deadlines.periods import Period
from doorward.desk.statutory.held import (
    CertificationRequest,
    CustodyEvent,
    Held,
    HelpRequest,
    OemcNotice,
    Paper,
    PaperKind,
)
from doorward.desk.statutory.report import Gap
from doorward.orders.statutory import DeskRules

NONE: Final = "none"
KEYS: Final = (
    "civil",
    "asked",
    "handled",
    "documents",
    "notified",
    "form_given",
    "reasons_given",
    "component",
)
UNSEEN: Final = "a paper was said to exist and nobody looked at it; it is in no table"
NO_CIVIL: Final = "nobody has determined whether a request relates to civil enforcement"
NO_HANDLED: Final = "nobody has said how a request was handled"
NO_NOTICE: Final = "the order asks for a notice to OEMC, and nobody has said whether and when it was made"
OTHER_AGENCY: Final = "not of an agency that the report is about"
NOT_CIVIL: Final = "somebody determined that it does not relate to civil enforcement"
NO_NOTICE_MADE: Final = "somebody said that no notice was made"
NOT_DHS: Final = "asked by an agency that is none of the Department of Homeland Security, and with no paper"
WHO: Final = "a request for civil enforcement came from somebody whom nobody named; it is in no table"
NOBODY: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Brought:
    """A matter as the reports look at it.

    Args:
        number: The desk's, for people.
        agency: Of whoever filed it, an id of the order.
        requester: Who asks, an id of the order.
        for_agency: For whom it is, an id of the order.
        action: Of the order.
        seen: Classes of papers that somebody looked at.
        presented: Classes that were shown or said to exist.
        answer: ``deny`` or ``waiting``, where the order's own answer says how it was handled; else empty.
        says: What was said of it for the reports, by key; the last word on each.
    """

    number: str
    kind: str
    agency: str
    received: date
    requester: str
    for_agency: str
    action: str
    purpose: str
    seen: frozenset[str]
    presented: frozenset[str]
    obligations: frozenset[str]
    answer: str
    says: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A matter that is in no table, and why."""

    number: str
    received: date
    why: str


@dataclass(frozen=True, slots=True)
class OpenGap:
    """A gap of one report before its period is known.

    Args:
        on: The day by which it belongs to a period.
    """

    report: str
    on: date
    says: str
    number: str
    blocks: bool


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the desk has for the reports.

    Args:
        sources: The number of the matter behind each id of `held`, but for custody events.
    """

    held: Held
    gaps: tuple[OpenGap, ...]
    left_out: tuple[LeftOut, ...]
    sources: Mapping[str, str]

    def gaps_of(self, report: str, period: Period) -> tuple[Gap, ...]:
        """Return the gaps of a report on a period, each kind once with all rows behind it."""
        found: dict[tuple[str, bool], list[str]] = {}
        for one in self.gaps:
            if one.report == report and one.on in period:
                found.setdefault((one.says, one.blocks), []).append(one.number)
        return tuple(Gap(says, tuple(sorted(numbers)), blocks) for (says, blocks), numbers in found.items())

    def left_out_of(self, period: Period) -> tuple[LeftOut, ...]:
        """Return what was received in a period and is in no table."""
        return tuple(one for one in self.left_out if one.received in period)


def make_rows(
    brought: Iterable[Brought],
    custody: Iterable[CustodyEvent],
    rules: DeskRules,
    extra: Iterable[HelpRequest] = (),
) -> Gathered:
    """Return the rows of what was brought.

    Args:
        brought: Nothing that is sealed today, and no drill.
        custody: What was imported.
        extra: Requests that a person counts by their own word, such as one that a visit was.
    """
    rows = _Rows(rules)
    for one in sorted(brought, key=lambda one: (one.received, one.number)):
        rows.take(one)
    more = tuple(extra)
    held = Held(
        tuple(rows.papers),
        tuple(rows.notices),
        (*rows.requests, *more),
        tuple(rows.certifications),
        tuple(custody),
    )
    sources = {**rows.sources, **{one.id: one.id for one in more}}
    return Gathered(held, tuple(rows.gaps), tuple(rows.left_out), sources)


def paper_ids(brought: Brought, rules: DeskRules) -> dict[str, str]:
    """Return the id of each paper of a matter by its class: the matter's number, with its class where it has two."""
    seen = [name for name in rules.papers if name in brought.seen]
    return {name: brought.number if len(seen) == 1 else f"{brought.number}.{name[:16]}" for name in seen}


class _Rows:
    def __init__(self, rules: DeskRules) -> None:
        self.rules = rules
        self.papers: list[Paper] = []
        self.notices: list[OemcNotice] = []
        self.requests: list[HelpRequest] = []
        self.certifications: list[CertificationRequest] = []
        self.gaps: list[OpenGap] = []
        self.left_out: list[LeftOut] = []
        self.sources: dict[str, str] = {}

    def take(self, one: Brought) -> None:
        concerns = self._concerns(one)
        if not concerns:
            return
        if one.agency not in self.rules.agencies:
            self._leave(one, OTHER_AGENCY)
            return
        before = (
            len(self.papers),
            len(self.requests),
            len(self.notices),
            len(self.certifications),
            len(self.gaps),
        )
        self._take_papers(one)
        self._take_request(one)
        self._take_notice(one)
        self._take_certification(one)
        after = (
            len(self.papers),
            len(self.requests),
            len(self.notices),
            len(self.certifications),
            len(self.gaps),
        )
        if before == after:
            self._leave(one, self._why(one))
        self.sources[one.number] = one.number

    def _why(self, one: Brought) -> str:
        if self._component(one) not in self.rules.components:
            return NO_NOTICE_MADE if one.says.get("notified") == NONE else NOT_DHS
        return NOT_CIVIL

    def _component(self, one: Brought) -> str:
        return one.says.get("component") or one.requester

    def _concerns(self, one: Brought) -> bool:
        classes = self.rules.papers.keys()
        return bool(
            classes & one.presented
            or self._component(one) in self.rules.components
            or one.for_agency in self.rules.components
            or self._civil(one) is True
            or self.rules.notice in one.obligations
            or one.kind in self.rules.certifications
        )

    def _civil(self, one: Brought) -> bool | None:
        said = one.says.get("civil")
        if said in {"yes", "no"}:
            return said == "yes"
        return True if one.purpose in self.rules.civil else None

    def _take_papers(self, one: Brought) -> None:
        ids = paper_ids(one, self.rules)
        for name, number in ids.items():
            self.papers.append(
                Paper(number, PaperKind(self.rules.papers[name]), one.received, self._civil(one))
            )
            self.sources[number] = one.number
        if self.rules.papers.keys() & one.presented - one.seen:
            for report in ("quarterly", "trust"):
                self._gap(report, one, UNSEEN, blocks=False)

    def _take_request(self, one: Brought) -> None:
        if one.kind in (*self.rules.papers_only, *self.rules.certifications):
            return
        component, civil = self._component(one), self._civil(one)
        if component not in self.rules.components:
            if component == NOBODY and civil:
                self._gap("trust", one, WHO, blocks=False)
            return
        if civil is None:
            self._gap("trust", one, NO_CIVIL, blocks=True)
        if not civil:
            return
        handled = one.says.get("handled") or self.rules.handled.get(one.answer, "")
        if not handled:
            self._gap("trust", one, NO_HANDLED, blocks=True)
        asked = one.says.get("asked") or self._asked(one)
        documents = tuple(one.says.get("documents", "").split())
        self.requests.append(HelpRequest(one.number, one.received, component, asked, handled, documents))

    def _take_notice(self, one: Brought) -> None:
        if self.rules.notice not in one.obligations:
            return
        said = one.says.get("notified", "")
        if not said:
            self._gap("quarterly", one, NO_NOTICE, blocks=True)
        elif said != NONE:
            asked = one.says.get("asked") or self._asked(one)
            self.notices.append(OemcNotice(one.number, date.fromisoformat(said), asked))

    def _take_certification(self, one: Brought) -> None:
        if one.kind in self.rules.certifications:
            given, reasons = (
                date.fromisoformat(said) if (said := one.says.get(key, "")) else None
                for key in ("form_given", "reasons_given")
            )
            self.certifications.append(CertificationRequest(one.number, one.received, given, reasons))

    def _asked(self, one: Brought) -> str:
        return self.rules.asked.get(one.action, self.rules.other)

    def _gap(self, report: str, one: Brought, says: str, *, blocks: bool) -> None:
        self.gaps.append(OpenGap(report, one.received, says, one.number, blocks))

    def _leave(self, one: Brought, why: str) -> None:
        self.left_out.append(LeftOut(one.number, one.received, why))
