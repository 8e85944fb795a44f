"""The pages of those who keep the fund, as what their templates are given, of a moment of the ledger. Pure."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from doorward.desk.fund.chart import MonthBar, draw_months
from doorward.desk.fund.figures import (
    NEAR_DAYS,
    Done,
    Moment,
    appropriations,
    cents_of,
    holdings,
    line_sums,
    months_of,
    near_end,
    open_claims,
    outlook,
    sums_by_agreement,
    total,
)
from doorward.desk.fund.forms import Choices
from doorward.fund.forecast import METHOD, Forecast, Month, months_between, whole_months
from doorward.fund.ledger.accounts import Account
from doorward.fund.ledger.operations import NAMES, File
from doorward.fund.ledger.state import WAITING, Claim, State
from doorward.orders.fund import FundWords

SHOWN_MONTHS = 12


def choices_of(state: State, words: FundWords, about: str, today: date) -> Choices:
    """Return what a form may say now.

    Args:
        about: Id of the agreement, where it is of one.
    """
    years = [one for one in state.years.values() if not one.closed]
    held = [one.year for one in years if one.begins <= today <= one.ends] or [one.year for one in years]
    return Choices(
        words,
        [one.year for one in years],
        sorted(one.id for one in state.agreements.values() if not one.closed),
        max(held, default=None),
        has_advance=any(one.advanced for one in holdings(state, about)),
    )


def facts_of(state: State, kind: str, about: str, words: FundWords) -> dict[str, Any]:
    """Return what is shown above a form, so that whoever sends it sees what it is about.

    Args:
        kind: `fund`, `year`, `agreement` or `claim`; what is of it is there.
    """
    if kind == "claim":
        claim = state.claims[about]
        return {"row": _claim_row(claim, state), "advanced": _advanced(state, claim)}
    if kind == "agreement":
        held = [{"title": _title(words, one.line), "sums": one} for one in holdings(state, about)]
        return {"agreement": state.agreements[about], "held": held}
    return {}


def show_fund(moment: Moment, today: date) -> dict[str, Any]:
    """Return the first page of the fund."""
    state = moment.state
    near, left = near_end(state, today), sums_by_agreement(state, Account.ENCUMBERED)
    pending = sums_by_agreement(state, Account.PENDING)
    return {
        "years": [
            {"year": year, "sums": total(line_sums(state, year.year))}
            for year in sorted(state.years.values(), key=lambda one: -one.year)
        ],
        "claims": [_claim_row(one, state) for one in open_claims(state)],
        "near": [
            {"agreement": one, "left": left.get(one.id, 0), "days": (one.ends - today).days} for one in near
        ],
        "near_days": NEAR_DAYS,
        "agreements": [
            {"agreement": one, "left": left.get(one.id, 0), "pending": pending.get(one.id, 0)}
            for one in sorted(state.agreements.values(), key=lambda one: (one.closed, one.id))
        ],
        "approvals": state.rules.approvals,
    }


def show_year(moment: Moment, number: int, today: date, words: FundWords) -> dict[str, Any]:
    """Return the page of a fiscal year that was opened."""
    state, year = moment.state, moment.state.years[number]
    lines = line_sums(state, number)
    months = months_of(moment.spent)
    whole = outlook(total(lines), moment.spent, year, today)
    outlooks = [("All lines", whole)]
    if len(lines) > 1:
        outlooks += [(_title(words, one.line), outlook(one, moment.spent, year, today)) for one in lines]
    table = [(_name(month), cents) for month, cents in whole_months(months, today)][-SHOWN_MONTHS:]
    bars = [MonthBar(name, cents) for name, cents in table]
    if isinstance(whole.said, Forecast):
        each = whole.said.to_come // whole.said.months_ahead
        begins = max(today, year.begins)
        ahead = months_between((begins.year, begins.month), _after(year.ends))
        bars += [MonthBar(_name(month), each, is_forecast=True) for month in ahead]
    return {
        "year": year,
        "lines": [{"title": _title(words, one.line), "sums": one} for one in lines],
        "total": total(lines),
        "outlooks": outlooks,
        "method": METHOD,
        "months": table,
        "this_month": months.get((today.year, today.month), 0),
        "chart": draw_months("Spent by month", bars),
        "given": [
            {"done": one, "line": _title(words, given.line), "cents": given.cents, "reference": given.reference,
             "source": words.sources.get(given.source, given.source)}
            for one, given in appropriations(moment, number)
        ],
        "held": _held_in(state, number, words),
        "is_over": today > year.ends,
    }  # fmt: skip


def show_agreement(
    state: State, name: str, done: Iterable[Done], today: date, words: FundWords
) -> dict[str, Any]:
    """Return the page of an agreement that is there."""
    held = holdings(state, name)
    return {
        "agreement": state.agreements[name],
        "days": (state.agreements[name].ends - today).days,
        "held": [{"title": _title(words, one.line), "sums": one} for one in held],
        "is_pending": any(one.pending for one in held),
        "is_held": any(one.pending or one.encumbered for one in held),
        "claims": [_claim_row(one, state) for one in state.claims.values() if one.agreement == name],
        "done": _history(done),
    }


def show_claim(state: State, name: str, done: Iterable[Done], words: FundWords) -> dict[str, Any]:
    """Return the page of a claim that is there."""
    held, history = state.claims[name], list(done)
    filed = next(one.submission.operation for one in history if isinstance(one.submission.operation, File))
    return {
        **_claim_row(held, state),
        "begins": filed.begins,
        "ends": filed.ends,
        "parts": [
            {
                "part": part, "line": _title(words, part.line),
                "service": words.services[part.service].title if part.service in words.services else part.service,
            }
            for part in held.parts
        ],
        "done": _history(history),
        "approvals": state.rules.approvals,
        "advanced": _advanced(state, held),
    }  # fmt: skip


def _advanced(state: State, claim: Claim) -> int:
    """Return what its grantee has of advances on the agreement that no invoice has taken off yet, in cents."""
    return sums_by_agreement(state, Account.ADVANCE).get(claim.agreement, 0)


def _claim_row(claim: Claim, state: State) -> dict[str, Any]:
    cents, owed = cents_of(claim)
    wants = state.rules.approvals - len(claim.approvers) if claim.status == WAITING else 0
    return {
        "claim": claim, "cents": cents, "owed": owed, "wants": wants,
        "grantee": state.agreements[claim.agreement].grantee,
    }  # fmt: skip


def _history(done: Iterable[Done]) -> list[dict[str, Any]]:
    return [
        {
            "done": one,
            "what": NAMES[type(one.submission.operation)],
            "by": one.submission.by,
            "day": one.submission.day,
        }
        for one in done
    ]


def _held_in(state: State, year: int, words: FundWords) -> list[dict[str, Any]]:
    found = sorted(holdings(state, year=year), key=lambda one: (one.agreement, one.line))
    return [
        {"agreement": state.agreements[one.agreement], "title": _title(words, one.line), "sums": one}
        for one in found
    ]


def _title(words: FundWords, line: str) -> str:
    """Return how the order words a line; one that it dropped has its code."""
    return words.lines[line].title if line in words.lines else line


def _name(month: Month) -> str:
    return f"{month[0]}-{month[1]:02}"


def _after(day: date) -> Month:
    return (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
