"""What an operation does to a fund: its postings, or the one line that says why not. Pure and total.

Numbered as they are checked; the database checks 2 to 8 again, without this code (`fund/ledger.sql`):

1. Form: ids, sums, days (`operations.faults_of`).
2. Every year that is posted into is open.
3. Every line is in the order, enabled, and may buy the service.
4. Nothing beyond what is appropriated to its line (`available` is never below nought).
5. Nothing beyond what is encumbered for its agreement; an advance that is out is covered by what is encumbered.
6. Who sets aside does not post; who files does not approve or pay; approvals are of different people.
7. A claim is approved once and paid once; a refund is no more than what was paid, in that year.
8. Debits are credits in each book, year and line; an operation posts only where it may (`MAY_POST`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from doorward.fund.ledger import close, spend
from doorward.fund.ledger.accounts import Account, Posting
from doorward.fund.ledger.operations import (
    NAMES,
    Agree,
    Amend,
    Appropriate,
    Approve,
    CloseOut,
    CloseYear,
    File,
    Opening,
    OpenYear,
    Operation,
    Part,
    Pay,
    Post,
    Refund,
    Submission,
    Void,
    Withdraw,
    faults_of,
)
from doorward.fund.ledger.refusal import Refusal, RefusedError, refuse, refused
from doorward.fund.ledger.state import Agreement, State, Year

_A = Account


@dataclass(frozen=True, slots=True)
class Posted:
    """What an operation does: its postings (none, where it only files something), and the state after it."""

    postings: tuple[Posting, ...]
    state: State


def decide(state: State, submission: Submission) -> Posted | Refusal:
    """Return what a submission posts and the state after it, or why it is refused.

    Args:
        state: The whole fund, or of it all years, all accounts of lines, and what the operation names.
        submission: From anybody; the login is the caller's to prove.
    """
    faults = faults_of(submission)
    if faults:
        return refuse("form", "; ".join(faults))
    operation = submission.operation
    try:
        after, postings = _DECIDERS[type(operation)](state, submission, operation)
    except RefusedError as refused:
        return refused.refusal
    postings = tuple(one for one in postings if one.cents)
    if not isinstance(operation, Opening):
        after = replace(after, begun=after.begun | {(one.year, one.line) for one in postings})
    return Posted(postings, after.post(postings))


Decider = Callable[[State, Submission, Any], tuple[State, tuple[Posting, ...]]]


def _open_year(
    state: State, submission: Submission, operation: OpenYear
) -> tuple[State, tuple[Posting, ...]]:
    del submission
    if operation.year in state.years:
        raise refused("year", f"the year {operation.year} was opened before")
    if operation.ends <= operation.begins:
        raise refused("form", "a year ends after it begins")
    for other in state.years.values():
        if operation.begins <= other.ends and other.begins <= operation.ends:
            raise refused("year", f"the year {operation.year} would overlap {other.year}")
    made = Year(operation.year, operation.begins, operation.ends)
    return replace(state, years={**state.years, operation.year: made}), ()


def _appropriate(
    state: State, submission: Submission, operation: Appropriate
) -> tuple[State, tuple[Posting, ...]]:
    spend.need_year(state, operation.year, submission.day)
    spend.need_line(state, operation.line)
    if operation.source not in state.rules.sources:
        raise refused("source", f"`{operation.source}` is no source of the order's fund.toml")
    if not operation.cents:
        raise refused("form", "nothing would be appropriated")
    year, line, cents = operation.year, operation.line, operation.cents
    if cents < 0:
        spend.need(state, _A.AVAILABLE, Part(year, line, -cents), "", "is available of the appropriation")
    return state, _pair(year, line, (_A.AVAILABLE, ""), (_A.APPROPRIATED, ""), cents)


def _agree(state: State, submission: Submission, operation: Agree) -> tuple[State, tuple[Posting, ...]]:
    if operation.agreement in state.agreements:
        raise refused("agreement", f"the agreement `{operation.agreement}` is there already")
    if operation.ends < operation.begins:
        raise refused("form", "an agreement ends after it begins")
    made = Agreement(operation.agreement, operation.grantee, operation.begins, operation.ends, submission.by)
    postings: tuple[Posting, ...] = ()
    for (year, line), cents in spend.sums(operation.parts).items():
        postings += _set_aside(state, submission, operation.agreement, Part(year, line, cents))
    return replace(state, agreements={**state.agreements, made.id: made}), postings


def _set_aside(state: State, submission: Submission, agreement: str, part: Part) -> tuple[Posting, ...]:
    spend.need_year(state, part.year, submission.day)
    spend.need_line(state, part.line)
    spend.need(state, _A.AVAILABLE, part, "", "is available of the appropriation")
    return _pair(part.year, part.line, (_A.PENDING, agreement), (_A.AVAILABLE, ""), part.cents)


def _amend(state: State, submission: Submission, operation: Amend) -> tuple[State, tuple[Posting, ...]]:
    agreement = spend.need_agreement(state, operation.agreement)
    part = Part(operation.year, operation.line, abs(operation.cents))
    if not operation.cents:
        raise refused("form", "nothing would be amended")
    if operation.cents > 0:
        after = replace(
            state, agreements={**state.agreements, agreement.id: replace(agreement, author=submission.by)}
        )
        return after, _set_aside(state, submission, agreement.id, part)
    spend.need_year(state, part.year, submission.day)
    spend.need_line(state, part.line)
    free = spend.free(state, part.year, part.line, agreement.id)
    if part.cents > free:
        raise refused("encumbrance", spend.beyond(part, free, "is encumbered, unspent and not advanced"))
    return state, _pair(part.year, part.line, (_A.AVAILABLE, ""), (_A.ENCUMBERED, agreement.id), part.cents)


def _post(state: State, submission: Submission, operation: Post) -> tuple[State, tuple[Posting, ...]]:
    agreement = spend.need_agreement(state, operation.agreement)
    if submission.by == agreement.author:
        raise refused("second-person", "who set the money aside does not post it: another person does")
    postings: tuple[Posting, ...] = ()
    for year, line, of in state.holdings(agreement=agreement.id):
        cents = state.at(_A.PENDING, year, line, of)
        if cents:
            spend.need_year(state, year, submission.day)
            postings += _pair(year, line, (_A.ENCUMBERED, of), (_A.PENDING, of), cents)
    if not postings:
        raise refused("agreement", f"nothing is pending for the agreement `{agreement.id}`")
    return state, postings


def _void(state: State, submission: Submission, operation: Void) -> tuple[State, tuple[Posting, ...]]:
    agreement = spend.need_agreement(state, operation.agreement)
    postings: tuple[Posting, ...] = ()
    for year, line, of in state.holdings(agreement=agreement.id):
        if not state.is_open(year):
            continue
        pending, free = state.at(_A.PENDING, year, line, of), spend.free(state, year, line, of)
        if pending or free:
            spend.need_year(state, year, submission.day)
            postings += (
                Posting(_A.PENDING, year, line, of, -pending),
                Posting(_A.ENCUMBERED, year, line, of, -free),
                Posting(_A.AVAILABLE, year, line, "", pending + free),
            )
    if not postings:
        raise refused("agreement", f"the agreement `{agreement.id}` holds nothing that could be voided")
    return state, postings


def _opening(state: State, submission: Submission, operation: Opening) -> tuple[State, tuple[Posting, ...]]:
    year, line = operation.year, operation.line
    spend.need_year(state, year, submission.day)
    spend.need_line(state, line)
    if (
        year,
        line,
    ) in state.begun:  # or one person could make an agreement, and spend on it, without a second
        raise refused(
            "opening", f"the line `{line}` of {year} runs already: openings come before everything else"
        )
    agreement, held = operation.agreement, operation.encumbered + operation.expended
    if min(operation.encumbered, operation.expended) < 0 or operation.cents <= 0 or held > operation.cents:
        raise refused("form", "an opening has authority, and its agreement holds no more than that")
    if bool(agreement) != bool(held):
        raise refused("form", "what is encumbered or expended is of an agreement, and the reverse")
    if agreement:
        known = state.agreements.get(agreement)
        if known is None:
            if not operation.grantee or operation.begins is None or operation.ends is None:
                raise refused("form", "a new agreement has a grantee, a beginning and an end")
            known = Agreement(agreement, operation.grantee, operation.begins, operation.ends, submission.by)
        if known.closed or known.grantee != (operation.grantee or known.grantee):
            raise refused("agreement", f"the agreement `{agreement}` is closed, or another grantee's")
        if any(of == agreement and (at, of_line) == (year, line) for at, of_line, of in state.holdings()):
            raise refused("agreement", f"the agreement `{agreement}` was taken over in this line before")
        state = replace(state, agreements={**state.agreements, agreement: known})
    return state, (
        Posting(_A.APPROPRIATED, year, line, "", -operation.cents),
        Posting(_A.AVAILABLE, year, line, "", operation.cents - held),
        Posting(_A.ENCUMBERED, year, line, agreement, operation.encumbered),
        Posting(_A.EXPENDED, year, line, agreement, operation.expended),
        Posting(_A.EXPENSE, year, line, agreement, operation.expended),
        Posting(_A.TREASURY, year, line, "", -operation.expended),
    )


def _pair(
    year: int, line: str, debit: tuple[Account, str], credit: tuple[Account, str], cents: int
) -> tuple[Posting, ...]:
    return (
        Posting(debit[0], year, line, debit[1], cents),
        Posting(credit[0], year, line, credit[1], -cents),
    )


_DECIDERS: Final[Mapping[type[Operation], Decider]] = {
    OpenYear: _open_year, Appropriate: _appropriate, Agree: _agree, Amend: _amend, Post: _post, Void: _void,
    Opening: _opening, File: spend.file, Withdraw: spend.withdraw, Approve: spend.approve, Pay: spend.pay,
    Refund: spend.refund, CloseOut: close.close_out, CloseYear: close.close_year,
}  # fmt: skip
assert _DECIDERS.keys() == NAMES.keys()
