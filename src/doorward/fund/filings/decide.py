"""What comes of a filing: what is put on file, or why it is not. Pure.

1. Terms count once another person accepted them; a report is filed under terms that count.
2. A finding that no exception may pass refuses the report; the others are kept with it and stop it.
3. An exception has a reason of the order's list. Who asked it, and who filed the report, do not grant it.
4. A report with a claim that waits or is paid is not returned.
5. A sample is drawn once, of a report that stands. Who did anything else with the agreement does not review it, and who
   reviewed it does nothing else with it.
6. A table of a quarter comes once, after the quarter, and none comes once it is closed.

`reports.sql` says the same to PostgreSQL; a test runs both (ADR 66).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from doorward.fund.filings.acts import (
    NAMES,
    AcceptTerms,
    Act,
    AskException,
    CloseQuarter,
    DeliverTable,
    DrawSample,
    EnterReview,
    FileReport,
    Filing,
    GrantException,
    NoteRefusal,
    ReturnReport,
    SetTerms,
)
from doorward.fund.filings.standing import Exception_, Kept, OnFile
from doorward.fund.grantee.banded import WAYS
from doorward.fund.grantee.checks import RULES, Finding, check_report
from doorward.fund.grantee.sample import ANSWERS, MAX_DRAWN
from doorward.fund.ledger.operations import LOGIN
from doorward.fund.ledger.refusal import Refusal, RefusedError, refuse, refused
from doorward.orders.fund_units import FundUnits

MAX_WORDS: Final = 60


@dataclass(frozen=True, slots=True)
class Taken:
    """What is put on file, beside the filing itself.

    Args:
        findings: Of a report.
    """

    findings: tuple[Finding, ...] = ()


def decide_filing(held: OnFile, units: FundUnits, filing: Filing) -> Taken | Refusal:
    """Return what a filing puts on file, or why it is refused.

    Args:
        held: Everything of the agreement that it is of.
        units: The order's words.
        filing: From anybody; the login is the caller's to prove.
    """
    if not LOGIN.fullmatch(filing.by):
        return refuse("form", "a login is of lower-case letters, digits, `.`, `_` and `-`")
    try:
        _need_outsider(held, filing)
        return _DECIDERS[type(filing.act)](held, units, filing, filing.act)
    except RefusedError as error:
        return error.refusal


def _need_outsider(held: OnFile, filing: Filing) -> None:
    if isinstance(filing.act, EnterReview):
        if filing.by in held.parties:
            raise refused("independent", "who took part in the agreement does not review its reports")
    elif not isinstance(filing.act, (DrawSample, CloseQuarter)) and filing.by in held.reviewers:
        raise refused("independent", "who reviewed a report of the agreement does nothing else with it")


def _need_agreement(held: OnFile) -> None:
    if held.agreement is None:
        raise refused("agreement", "there is no such agreement")
    if held.agreement.closed:
        raise refused("closed-agreement", f"the agreement `{held.agreement.id}` is closed out")


def need_report(held: OnFile, number: int) -> Kept:
    """Return a report that stands, or refuse."""
    if number not in held.reports:
        raise refused("report", f"there is no report {number}")
    found = held.reports[number]
    if not found.stands:
        raise refused("report-status", f"the report {number} was returned")
    return found


def _set_terms(held: OnFile, units: FundUnits, filing: Filing, act: SetTerms) -> Taken:
    del filing
    _need_agreement(held)
    services = [one.service for one in act.bought]
    lines = [one.line for one in act.budget]
    words = [one.word for one in act.charged]
    if not all(1 <= len(one) <= MAX_WORDS for one in (services, lines, words)):
        raise refused("form", "terms name a service, a line of the budget and where each is charged")
    if any(len(set(one)) != len(one) for one in (services, lines, words)):
        raise refused("form", "terms name each service and line once")
    if set(services) - units.services.keys() or set(lines) - units.lines.keys():
        raise refused("form", "a service or line of the terms is not in the order's fund_units.toml")
    if any(units.lines[line].is_off for line in lines):
        raise refused("line-off", "a line of the terms is off")
    if not all(0 <= one.units <= 10_000_000 for one in act.bought):
        raise refused("form", "units of terms are whole numbers up to 10,000,000")
    if not all(0 < one.price_cents <= units.max_cents for one in act.bought):
        raise refused("form", "a price has more than nought cents, within the order's bound")
    if not all(0 < one.cents <= 100_000_000_000_000 for one in act.budget):
        raise refused("form", "a budget has more than nought cents")
    priced = any(units.lines[line].priced for line in lines)
    needed = {*(services if priced else ()), *(line for line in lines if not units.lines[line].priced)}
    if needed - set(words):
        raise refused("charged", "the terms do not say where a service or line is charged in the ledger")
    for one in act.charged:
        if one.word not in {*units.services, *units.lines}:
            raise refused("form", "the terms charge a word that is no service or line of the order")
        line = held.rules.lines.get(one.line)
        if line is None or not line.enabled or one.service not in line.services:
            raise refused(
                "charged", f"the ledger's line `{one.line[:40]}` is off, or does not buy that service"
            )
    return Taken()


def _accept_terms(held: OnFile, units: FundUnits, filing: Filing, act: AcceptTerms) -> Taken:
    del units
    _need_agreement(held)
    found = next((one for one in held.terms if one.number == act.terms), None)
    if found is None:
        raise refused("terms", f"there are no terms {act.terms}")
    if found.accepted_by:
        raise refused("terms", f"the terms {act.terms} were accepted before")
    if any(one.number > act.terms and one.accepted_by for one in held.terms):
        raise refused("terms", "newer terms were accepted")
    if found.by == filing.by:
        raise refused("second-person", "who set the terms does not accept them: another person does")
    return Taken()


def _file_report(held: OnFile, units: FundUnits, filing: Filing, act: FileReport) -> Taken:
    del filing
    _need_agreement(held)
    terms = held.terms_for_checks(act.report.first)
    if terms is None:
        raise refused("terms", "no terms of the agreement are accepted, so nothing can be held against them")
    findings = check_report(act.report, units, terms)
    stops = [one for one in findings if not RULES[one.rule][1] and not one.refers]
    if stops:
        raise refused("finding", "; ".join(str(one) for one in stops[:20]))
    return Taken(findings)


def _return_report(held: OnFile, units: FundUnits, filing: Filing, act: ReturnReport) -> Taken:
    del units, filing
    need_report(held, act.report)
    if act.report in held.waiting:
        raise refused("claimed", "an invoice of the report is filed: withdraw that first")
    return Taken()


def _note_refusal(held: OnFile, units: FundUnits, filing: Filing, act: NoteRefusal) -> Taken:
    del units, filing
    _need_agreement(held)
    if not act.places:
        raise refused("form", "a refusal has a place")
    return Taken()


def _ask_exception(held: OnFile, units: FundUnits, filing: Filing, act: AskException) -> Taken:
    del filing
    kept = need_report(held, act.report)
    finding = Finding(act.row, act.column, act.rule)
    if finding not in kept.findings:
        raise refused("finding", f"the report {act.report} has no such finding")
    if not RULES[act.rule][1]:
        raise refused("finding", "no exception passes this rule")
    if act.reason not in units.reasons:
        raise refused("reason", "the reason is not on the order's list")
    if _exceptions(kept, finding, granted=True):
        raise refused("finding", "an exception is granted for it already")
    return Taken()


def _exceptions(kept: Kept, finding: Finding, *, granted: bool) -> list[Exception_]:
    return [one for one in kept.exceptions if one.finding == finding and bool(one.granted_by) == granted]


def _grant_exception(held: OnFile, units: FundUnits, filing: Filing, act: GrantException) -> Taken:
    del units
    for kept in held.reports.values():
        for one in kept.exceptions:
            if one.number == act.exception:
                need_report(held, kept.number)
                if one.granted_by or _exceptions(kept, one.finding, granted=True):
                    raise refused("exception", "an exception is granted for it already")
                if filing.by in {one.asked_by, kept.by}:
                    raise refused("second-person", "who asked it, or filed the report, does not grant it")
                return Taken()
    raise refused("exception", f"there is no exception {act.exception}")


def _draw(held: OnFile, units: FundUnits, filing: Filing, act: DrawSample) -> Taken:
    del units, filing
    kept = need_report(held, act.report)
    if kept.sample is not None:
        raise refused("drawn", f"a sample of the report {act.report} was drawn before")
    if not 1 <= act.wanted <= MAX_DRAWN or act.leaf < 0 or len(act.root) != 64:
        raise refused("form", f"a sample has 1 to {MAX_DRAWN} units, a leaf and a root")
    if not any(row.units for row in kept.report.units):
        raise refused("drawn", "the report has no unit to look at")
    return Taken()


def drawn_units(kept: Kept) -> int:
    """Return how many units were drawn of a report."""
    if kept.sample is None:
        return 0
    return min(kept.sample.wanted, sum(row.units for row in kept.report.units))


def _review(held: OnFile, units: FundUnits, filing: Filing, act: EnterReview) -> Taken:
    del units, filing
    kept = need_report(held, act.report)
    if kept.sample is None:
        raise refused("drawn", f"no sample of the report {act.report} was drawn")
    if kept.review is not None:
        raise refused("reviewed", f"the report {act.report} was reviewed before")
    if len(act.answers) != drawn_units(kept):
        raise refused("form", f"expected {drawn_units(kept)} answers, got {len(act.answers)}")
    if any(one not in ANSWERS for one in act.answers):
        raise refused("form", "an answer is `pass` or `fail`, and nothing else")
    return Taken()


def _deliver(held: OnFile, units: FundUnits, filing: Filing, act: DeliverTable) -> Taken:
    del units
    _need_agreement(held)
    if act.way not in WAYS:
        raise refused("form", f"a table is one of {', '.join(WAYS)}")
    if act.quarter in held.closed:
        raise refused("quarter", f"the quarter {act.quarter} takes no more tables")
    if (act.way, act.quarter) in held.delivered:
        raise refused("quarter", f"the agreement's table of {act.way} of {act.quarter} came before")
    if filing.day <= quarter_end(act.quarter):
        raise refused("quarter", f"the quarter {act.quarter} is not over")
    return Taken()


def _close_quarter(held: OnFile, units: FundUnits, filing: Filing, act: CloseQuarter) -> Taken:
    del units
    if act.quarter in held.closed:
        raise refused("quarter", f"the quarter {act.quarter} was closed before")
    if filing.day <= quarter_end(act.quarter):
        raise refused("quarter", f"the quarter {act.quarter} is not over")
    return Taken()


def quarter_end(quarter: str) -> date:
    """Return the last day of a quarter such as ``2026-q4``; raises what `decide_filing` makes a refusal of."""
    year, _, number = quarter.partition("-q")
    if len(year) != 4 or not year.isdecimal() or not year.isascii() or number not in {"1", "2", "3", "4"}:
        raise refused("form", "a quarter is such as 2026-q4")
    ends = {"1": (3, 31), "2": (6, 30), "3": (9, 30), "4": (12, 31)}[number]
    try:
        return date(int(year), *ends)
    except ValueError:
        raise refused("form", "a quarter is such as 2026-q4") from None


_DECIDERS: Final[Mapping[type[Act], Callable[[OnFile, FundUnits, Filing, Any], Taken]]] = {
    SetTerms: _set_terms, AcceptTerms: _accept_terms, FileReport: _file_report, ReturnReport: _return_report,
    NoteRefusal: _note_refusal, AskException: _ask_exception, GrantException: _grant_exception, DrawSample: _draw,
    EnterReview: _review, DeliverTable: _deliver, CloseQuarter: _close_quarter,
}  # fmt: skip
assert _DECIDERS.keys() == NAMES.keys()
