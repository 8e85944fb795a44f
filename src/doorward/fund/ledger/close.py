"""Ending an agreement, and closing a year. Pure; see `decide`.

After a close-out an agreement holds nothing; after the close of a year nothing of it can be spent: available, pending,
encumbered, advance and payable are nought, and what was appropriated is expended, lapsed or carried.
"""

from dataclasses import replace

from doorward.fund.ledger.accounts import Account, Posting
from doorward.fund.ledger.operations import CloseOut, CloseYear, Submission
from doorward.fund.ledger.refusal import refused
from doorward.fund.ledger.spend import need_agreement, need_year
from doorward.fund.ledger.state import APPROVED, WAITING, Place, State

_A = Account


def close_out(state: State, submission: Submission, operation: CloseOut) -> tuple[State, tuple[Posting, ...]]:
    """Return the state with an agreement closed out and what it had not spent released."""
    agreement = need_agreement(state, operation.agreement)
    if any(
        one.agreement == agreement.id and one.status in {WAITING, APPROVED} for one in state.claims.values()
    ):
        raise refused("waiting", f"a claim of the agreement `{agreement.id}` is neither paid nor withdrawn")
    postings: tuple[Posting, ...] = ()
    for year, line, of in state.holdings(agreement=agreement.id):
        if state.at(_A.PENDING, year, line, of):
            raise refused("waiting", f"the agreement `{of}` has money pending: post or void it")
        if state.at(_A.ADVANCE, year, line, of):
            raise refused("waiting", f"an advance of the agreement `{of}` is neither recouped nor returned")
        cents = state.at(_A.ENCUMBERED, year, line, of)
        if cents:
            need_year(state, year, submission.day)
            postings += (
                Posting(_A.AVAILABLE, year, line, "", cents),
                Posting(_A.ENCUMBERED, year, line, of, -cents),
            )
    closed = {**state.agreements, agreement.id: replace(agreement, closed=True)}
    return replace(state, agreements=closed), postings


def close_year(
    state: State, submission: Submission, operation: CloseYear
) -> tuple[State, tuple[Posting, ...]]:
    """Return the state with a year closed: nothing of it can be spent, or posted to, any more."""
    year = operation.year
    need_year(state, year, submission.day)
    if submission.day <= state.years[year].ends:
        raise refused("day", f"the year {year} ends on {state.years[year].ends}")
    earlier = [one.year for one in state.years.values() if one.year < year and not one.closed]
    if earlier:
        raise refused("year", f"the year {min(earlier)} is closed before {year}")
    for claim in state.claims.values():
        if claim.status in {WAITING, APPROVED} and any(part.year == year for part in claim.parts):
            raise refused("waiting", f"the claim `{claim.id}` is neither paid nor withdrawn")
    for name in operation.carry:
        need_agreement(state, name)
    postings, released = _close_holdings(state, operation)
    for line in _lines_of(state, year):
        left = state.at(_A.AVAILABLE, year, line) + released.get(line, 0)
        rule = state.rules.lines.get(line)
        if left and rule is not None and rule.carries and rule.enabled:
            postings += _carry(state, (_A.AVAILABLE, year, line, ""), left)
        else:
            postings += (
                Posting(_A.AVAILABLE, year, line, "", -left),
                Posting(_A.LAPSED, year, line, "", left),
            )
    closed = {**state.years, year: replace(state.years[year], closed=True)}
    return replace(state, years=closed), postings


def _lines_of(state: State, year: int) -> list[str]:
    return sorted({line for (_, at_year, line, _) in state.balances if at_year == year})


def _close_holdings(state: State, operation: CloseYear) -> tuple[tuple[Posting, ...], dict[str, int]]:
    year = operation.year
    postings: tuple[Posting, ...] = ()
    released: dict[str, int] = {}
    for _, line, of in state.holdings(year=year):
        pending, encumbered = state.at(_A.PENDING, year, line, of), state.at(_A.ENCUMBERED, year, line, of)
        advance = state.at(_A.ADVANCE, year, line, of)
        if of in operation.carry:
            postings += _carry(state, (_A.ENCUMBERED, year, line, of), encumbered)
            postings += _carry(state, (_A.ADVANCE, year, line, of), advance)
            encumbered = 0
        elif advance:
            raise refused(
                "waiting", f"an advance of the agreement `{of}` is neither recouped, returned nor carried"
            )
        postings += (
            Posting(_A.PENDING, year, line, of, -pending),
            Posting(_A.ENCUMBERED, year, line, of, -encumbered),
            Posting(_A.AVAILABLE, year, line, "", pending + encumbered),
        )
        released[line] = released.get(line, 0) + pending + encumbered
    return postings, released


def _carry(state: State, place: Place, cents: int) -> tuple[Posting, ...]:
    account, year, line, agreement = place
    if not cents:
        return ()
    if not state.is_open(year + 1):
        raise refused("year", f"the year {year + 1} is not open, and something would be carried into it")
    between = _A.MOVED if account is _A.ADVANCE else _A.CARRIED
    return (
        Posting(between, year, line, "", cents),
        Posting(account, year, line, agreement, -cents),
        Posting(account, year + 1, line, agreement, cents),
        Posting(between, year + 1, line, "", -cents),
    )
