"""The three reports, field by field, each with the statute that asks for it. Pure.

=========  =============================  ==========================================================================
report     statute                        fields
=========  =============================  ==========================================================================
quarterly  MCC 2-173-069 (LAW 1.2)        each notice to OEMC; each detainer or administrative warrant that relates to
                                          civil enforcement: day received, transferred to a federal agency, which
trust      5 ILCS 805/25 (LAW 2.3)        each request of DHS and how it was handled; each detainer or civil warrant:
                                          day received, bail, released or transferred, when, to which agency
voices     5 ILCS 825/20 (LAW 1.5)        each certification request: day received, day the form was given or the day
                                          written reasons were
=========  =============================  ==========================================================================

A table without rows is a certification that there were none, in the pack's words.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Final

from doorward.desk.deadlines.periods import Period
from doorward.desk.statutory.held import ENDS, CustodyEvent, CustodyWord, Held, Paper, standing_events
from doorward.desk.statutory.redaction import Form, make_gate
from doorward.desk.statutory.report import Gap, Report, Row, Table
from doorward.errors import ConfigError
from doorward.orders.deadlines import PeriodKind
from doorward.orders.pack import Agency
from doorward.orders.statutory import StatutoryWords

YES, NO, UNDETERMINED = "yes", "no", "not known"
_OWN: Final = (YES, NO, UNDETERMINED)
_FORMS: Final[Mapping[str, tuple[Form, ...]]] = {
    "oemc-notices": (Form.NUMBER, Form.DAY, Form.WORDS),
    "papers": (Form.NUMBER, Form.WORDS, Form.DAY, Form.WORDS, Form.WORDS),
    "requests": (Form.NUMBER, Form.DAY, Form.WORDS, Form.WORDS, Form.WORDS, Form.REFERENCES),
    "detainers": (Form.NUMBER, Form.WORDS, Form.DAY, Form.HOUR, Form.WORDS, Form.HOUR, Form.WORDS),
    "certifications": (Form.NUMBER, Form.DAY, Form.DAY, Form.DAY),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """What a report is made with.

    Args:
        agencies: The order's, by id.
        zone: The city's, in which an hour is shown and a day is counted.
        today: A report on a period that is not over is a preview.
    """

    words: StatutoryWords
    agencies: Mapping[str, Agency]
    zone: tzinfo
    today: date


def make_quarterly(held: Held, period: Period, setting: Setting) -> Report:
    """Return the quarterly report (MCC 2-173-069); raises ConfigError where the period is no quarter."""
    _check(period, PeriodKind.QUARTER)
    words, custody = setting.words, _by_paper(held.custody)
    notices = sorted((one for one in held.notices if one.on in period), key=lambda one: (one.on, one.id))
    rows = [((one.on.isoformat(), _word(words.asked, one.asked)), (one.id,)) for one in notices]
    papers = [one for one in _received(held.papers, period) if one.is_civil]
    return _report(
        "quarterly", period, setting,
        (
            _table("oemc-notices", words, rows),
            _table("papers", words, [_federal_row(paper, custody.get(paper.id, ()), setting) for paper in papers]),
        ),
        (*_undetermined(held.papers, period), *_custody_gaps(papers, custody, setting)),
    )  # fmt: skip


def make_trust(held: Held, period: Period, setting: Setting) -> Report:
    """Return the annual TRUST report (5 ILCS 805/25); raises ConfigError where the period is no year."""
    _check(period, PeriodKind.YEAR)
    words, custody = setting.words, _by_paper(held.custody)
    requests = sorted(
        (one for one in held.requests if one.received in period), key=lambda one: (one.received, one.id)
    )
    asked = [
        (
            (
                one.received.isoformat(), _agency(setting, one.component), _word(words.asked, one.asked),
                _word(words.handled, one.handled), "; ".join(one.documents),
            ),
            (one.id,),
        )
        for one in requests
    ]  # fmt: skip
    papers = _received(held.papers, period)  # every one: the statute does not ask whether it is civil
    bare = tuple(one.id for one in requests if not one.documents)
    no_papers = (Gap("a request has no document on how it was handled", bare, blocks=False),) if bare else ()
    return _report(
        "trust", period, setting,
        (
            _table("requests", words, asked),
            _table("detainers", words, [_custody_row(paper, custody.get(paper.id, ()), setting) for paper in papers]),
        ),
        (*no_papers, *_custody_gaps(papers, custody, setting)),
    )  # fmt: skip


def make_voices(held: Held, period: Period, setting: Setting) -> Report:
    """Return the annual VOICES report (5 ILCS 825/20); raises ConfigError where the period is no year.

    A request is in the report on the year in which it was received, and again in that of its answer.
    """
    _check(period, PeriodKind.YEAR)
    mine = [
        one for one in held.certifications
        if any(day is not None and day in period for day in (one.received, one.form_given, one.reasons_given))
    ]  # fmt: skip
    rows, gaps = [], []
    for one in sorted(mine, key=lambda one: (one.received, one.id)):
        # What came after the period is the next report's.
        given = [day if day and day <= period.last else None for day in (one.form_given, one.reasons_given)]
        rows.append(
            ((one.received.isoformat(), *(day.isoformat() if day else "" for day in given)), (one.id,))
        )
        if given == [None, None]:
            gaps.append(one.id)
    open_ones = (Gap("a request has neither a form nor written reasons yet", tuple(gaps), blocks=False),)
    return _report(
        "voices", period, setting, (_table("certifications", setting.words, rows),), open_ones if gaps else ()
    )


def transfer_agencies(words: StatutoryWords, agencies: Mapping[str, Agency]) -> frozenset[str]:
    """Return the ids of the agencies to which a person may have been transferred."""
    parties = {*words.federal_parties, *words.other_parties}
    return frozenset(one.id for one in agencies.values() if one.party in parties)


MAKERS: Final[Mapping[str, Callable[[Held, Period, Setting], Report]]] = {
    "quarterly": make_quarterly,
    "trust": make_trust,
    "voices": make_voices,
}


def _report(
    name: str, period: Period, setting: Setting, tables: tuple[Table, ...], gaps: tuple[Gap, ...]
) -> Report:
    words = setting.words.reports[name]
    if setting.today <= period.last:
        gaps = (Gap(f"the period is not over before {period.after.first}", (), blocks=True), *gaps)
    texts = (*setting.words.texts(), *(agency.name for agency in setting.agencies.values()), *_OWN)
    gate = make_gate(texts, setting.words.documents, period.first)
    return Report(name, words.title, words.to, words.clauses, period, tables, gaps, gate)


def _table(
    name: str, words: StatutoryWords, rows: Iterable[tuple[tuple[str, ...], tuple[str, ...]]]
) -> Table:
    said = words.tables[name]
    numbered = (Row((str(at), *cells), behind) for at, (cells, behind) in enumerate(rows, start=1))
    return Table(name, said.caption, said.head, _FORMS[name], tuple(numbered), said.none)


def _check(period: Period, kind: PeriodKind) -> None:
    if period.kind != kind:
        raise ConfigError(f"the report is on a {kind.value}, and `{period}` is none")


def _received(papers: Iterable[Paper], period: Period) -> list[Paper]:
    return sorted((one for one in papers if one.received in period), key=lambda one: (one.received, one.id))


def _undetermined(papers: Iterable[Paper], period: Period) -> tuple[Gap, ...]:
    open_ones = tuple(one.id for one in papers if one.received in period and one.is_civil is None)
    says = "nobody has determined whether a paper relates to civil enforcement"
    return (Gap(says, open_ones, blocks=True),) if open_ones else ()


def _custody_gaps(
    papers: Iterable[Paper], custody: Mapping[str, tuple[CustodyEvent, ...]], setting: Setting
) -> tuple[Gap, ...]:
    every = list(papers)
    open_ones = tuple(one.id for one in every if _end(custody.get(one.id, ())) is None)
    doubled = tuple(
        one.id for one in every if sum(event.word in ENDS for event in custody.get(one.id, ())) > 1
    )
    strange = tuple(
        event.id for one in every for event in custody.get(one.id, ())
        if event.agency and event.agency not in transfer_agencies(setting.words, setting.agencies)
    )  # fmt: skip
    found = (
        Gap("no custody event says whether the person was released or transferred", open_ones, blocks=False),
        Gap("two custody events say how it ended", doubled, blocks=True),
        Gap("a transfer names nobody to whom a person can be transferred", strange, blocks=True),
    )
    return tuple(gap for gap in found if gap.behind)


def _by_paper(events: tuple[CustodyEvent, ...]) -> dict[str, tuple[CustodyEvent, ...]]:
    found: dict[str, tuple[CustodyEvent, ...]] = {}
    for event in sorted(standing_events(events), key=lambda one: (one.at, one.id)):
        found[event.paper] = (*found.get(event.paper, ()), event)
    return found


def _end(events: tuple[CustodyEvent, ...]) -> CustodyEvent | None:
    return next((event for event in events if event.word in ENDS), None)


def _federal_row(
    paper: Paper, events: tuple[CustodyEvent, ...], setting: Setting
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    end = _end(events)
    agency = setting.agencies.get(end.agency) if end is not None else None
    is_federal = agency is not None and agency.party in setting.words.federal_parties
    said = UNDETERMINED if end is None else YES if is_federal else NO
    cells = (
        setting.words.kind[paper.kind.value], paper.received.isoformat(), said,
        _agency(setting, end.agency) if end is not None and is_federal else "",
    )  # fmt: skip
    return cells, (paper.id, *(() if end is None else (end.id,)))


def _custody_row(
    paper: Paper, events: tuple[CustodyEvent, ...], setting: Setting
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    words, end = setting.words, _end(events)
    bail = next((event for event in events if event.word == CustodyWord.BAIL), None)
    cells = (
        words.kind[paper.kind.value],
        paper.received.isoformat(),
        _hour(bail.at, setting) if bail else "",
        words.outcome["none" if end is None else end.word.value],
        _hour(end.at, setting) if end else "",
        _agency(setting, end.agency) if end and end.agency else "",
    )
    return cells, (paper.id, *(event.id for event in (bail, end) if event is not None))


def _hour(at: datetime, setting: Setting) -> str:
    return at.astimezone(setting.zone).strftime("%Y-%m-%d %H:%M")


def _agency(setting: Setting, name: str) -> str:
    agency = setting.agencies.get(name)
    return name if agency is None else agency.name  # an id that is no agency does not pass the gate


def _word(words: Mapping[str, str], word: str) -> str:
    return words.get(word, word)  # a word that is none of the pack's does not pass the gate
