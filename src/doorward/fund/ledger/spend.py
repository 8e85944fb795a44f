"""Claims from filing to payment, refunds, and what all operations need. Pure; see `decide`."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from doorward.fund.ledger.accounts import Account, Posting
from doorward.fund.ledger.export import format_dollars
from doorward.fund.ledger.operations import Approve, File, Part, Pay, Refund, Submission, Withdraw
from doorward.fund.ledger.refusal import refused
from doorward.fund.ledger.state import APPROVED, PAID, WAITING, WITHDRAWN, Agreement, Claim, State

_A = Account
KINDS = ("invoice", "advance")


def sums(parts: Iterable[Part]) -> dict[tuple[int, str], int]:
    """Return the cents of parts by year and line, in order."""
    found: dict[tuple[int, str], int] = {}
    for part in parts:
        found[part.year, part.line] = found.get((part.year, part.line), 0) + part.cents
    return dict(sorted(found.items()))


def _recoups(parts: Iterable[Part]) -> dict[tuple[int, str], int]:
    return sums(replace(part, cents=part.recoup) for part in parts)


def need_year(state: State, year: int, day: date) -> None:
    """Refuse a year that is not open, and a day before it begins: bills of a year come after it too."""
    if year not in state.years:
        raise refused("year", f"the year {year} is not opened")
    if state.years[year].closed:
        raise refused("closed-year", f"the year {year} is closed")
    if day < state.years[year].begins:
        raise refused("day", f"the year {year} begins on {state.years[year].begins}")


def need_line(state: State, line: str) -> None:
    """Refuse a line that the order does not have or has switched off."""
    if line not in state.rules.lines:
        raise refused("line", f"`{line}` is no line of the order's fund.toml")
    if not state.rules.lines[line].enabled:
        raise refused("line-off", f"the line `{line}` is off")


def need_agreement(state: State, agreement: str, *, closed_too: bool = False) -> Agreement:
    """Return an agreement, or refuse one that is not there or is closed out."""
    if agreement not in state.agreements:
        raise refused("agreement", f"there is no agreement `{agreement}`")
    found = state.agreements[agreement]
    if found.closed and not closed_too:
        raise refused("closed-agreement", f"the agreement `{agreement}` is closed out")
    return found


def need(state: State, account: Account, part: Part, agreement: str, held: str) -> None:
    """Refuse more than what an account holds."""
    there = state.at(account, part.year, part.line, agreement)
    if part.cents > there:
        code = "appropriation" if account is _A.AVAILABLE else "encumbrance"
        raise refused(code, beyond(part, there, held))


def beyond(part: Part, there: int, held: str) -> str:
    """Return the line for a sum that is too large."""
    return f"{format_dollars(part.cents)} dollars in `{part.line}` of {part.year}: only {format_dollars(there)} {held}"


def free(state: State, year: int, line: str, agreement: str) -> int:
    """Return what is encumbered and no advance rests on."""
    return state.at(_A.ENCUMBERED, year, line, agreement) - state.at(_A.ADVANCE, year, line, agreement)


def _need_claim(state: State, claim: str, status: str) -> Claim:
    if claim not in state.claims:
        raise refused("claim", f"there is no claim `{claim}`")
    found = state.claims[claim]
    if found.status != status:
        raise refused("claim-status", f"the claim `{claim}` is {found.status}, not {status}")
    return found


def _keep(state: State, claim: Claim) -> State:
    return replace(state, claims={**state.claims, claim.id: claim})


def file(state: State, submission: Submission, operation: File) -> tuple[State, tuple[Posting, ...]]:
    """Return the state with a claim that waits; nothing is posted yet."""
    agreement = need_agreement(state, operation.agreement)
    if operation.claim in state.claims:
        raise refused("claim", f"the claim `{operation.claim}` is there already")
    if operation.kind not in KINDS:
        raise refused("form", f"a claim is one of {', '.join(KINDS)}")
    others = (one for one in state.claims.values() if one.agreement == agreement.id)
    if any(one.number == operation.number and one.status != WITHDRAWN for one in others):
        raise refused("duplicate", f"`{operation.number}` of this agreement was filed before")
    if not agreement.begins <= operation.begins <= operation.ends <= agreement.ends:
        raise refused("period", f"the agreement runs from {agreement.begins} to {agreement.ends}")
    for part in operation.parts:
        _check_part(state, submission.day, operation.kind, part)
    made = Claim(
        operation.claim, agreement.id, operation.kind, operation.number, submission.by, operation.parts
    )
    _settle(state, made)  # what could not be approved today is not taken in
    return _keep(state, made), ()


def _check_part(state: State, day: date, kind: str, part: Part) -> None:
    need_year(state, part.year, day)
    need_line(state, part.line)
    if kind == "advance":
        if part.service or part.recoup:
            raise refused("form", "an advance names no service and recoups nothing")
    elif part.service not in state.rules.lines[part.line].services:
        raise refused("service", f"the line `{part.line}` does not buy `{part.service}`")
    if part.recoup > part.cents:
        raise refused("form", "a part recoups no more than its cents")


def withdraw(state: State, submission: Submission, operation: Withdraw) -> tuple[State, tuple[Posting, ...]]:
    """Return the state without a claim that waits."""
    del submission
    return _keep(state, replace(_need_claim(state, operation.claim, WAITING), status=WITHDRAWN)), ()


def approve(state: State, submission: Submission, operation: Approve) -> tuple[State, tuple[Posting, ...]]:
    """Return the state with one approval more; the last one posts."""
    claim = _need_claim(state, operation.claim, WAITING)
    if submission.by == claim.author:
        raise refused("second-person", "who filed a claim does not approve it")
    if submission.by in claim.approvers:
        raise refused("second-person", "who approved a claim does not approve it again")
    claim = replace(claim, approvers=(*claim.approvers, submission.by))
    if len(claim.approvers) < state.rules.approvals:
        return _keep(state, claim), ()
    for part in claim.parts:
        need_year(state, part.year, submission.day)
        need_line(state, part.line)
    need_agreement(state, claim.agreement)
    owed = sum(part.cents - part.recoup for part in claim.parts)
    claim = replace(claim, status=APPROVED if owed else PAID)
    return _keep(state, claim), _settle(state, claim)


def _settle(state: State, claim: Claim) -> tuple[Posting, ...]:
    recoups, of = _recoups(claim.parts), claim.agreement
    postings: tuple[Posting, ...] = ()
    for (year, line), cents in sums(claim.parts).items():
        recoup = recoups[year, line]
        advanced = state.at(_A.ADVANCE, year, line, of)
        if recoup > advanced:
            says = beyond(Part(year, line, recoup), advanced, "is advanced and not recouped")
            raise refused("advance", says)
        left = free(state, year, line, of) + recoup
        if cents > left:
            says = beyond(Part(year, line, cents), left, "is encumbered and no advance rests on")
            raise refused("encumbrance", says)
        if claim.kind == "advance":
            postings += (
                Posting(_A.ADVANCE, year, line, of, cents),
                Posting(_A.PAYABLE, year, line, of, -cents),
            )
        else:
            postings += (
                Posting(_A.EXPENDED, year, line, of, cents),
                Posting(_A.ENCUMBERED, year, line, of, -cents),
                Posting(_A.EXPENSE, year, line, of, cents),
                Posting(_A.PAYABLE, year, line, of, -cents),
                Posting(_A.PAYABLE, year, line, of, recoup),
                Posting(_A.ADVANCE, year, line, of, -recoup),
            )
    return postings


def pay(state: State, submission: Submission, operation: Pay) -> tuple[State, tuple[Posting, ...]]:
    """Return the state with a claim paid, whole."""
    claim = _need_claim(state, operation.claim, APPROVED)
    if submission.by == claim.author:
        raise refused("second-person", "who filed a claim does not pay it")
    recoups = _recoups(claim.parts)
    postings: tuple[Posting, ...] = ()
    for (year, line), cents in sums(claim.parts).items():
        need_year(state, year, submission.day)
        owed = cents - recoups[year, line]
        postings += (
            Posting(_A.PAYABLE, year, line, claim.agreement, owed),
            Posting(_A.TREASURY, year, line, "", -owed),
        )
    return _keep(state, replace(claim, status=PAID)), postings


def refund(state: State, submission: Submission, operation: Refund) -> tuple[State, tuple[Posting, ...]]:
    """Return the state after money came back; of a closed year it gives no authority to this one."""
    agreement = need_agreement(state, operation.agreement, closed_too=True)
    year, line, of, cents = operation.year, operation.line, agreement.id, operation.cents
    need_year(state, year, submission.day)
    need_line(state, line)
    if cents <= 0:
        raise refused("form", "a refund has more than nought cents")
    if operation.of_year != year:
        return state, _refund_across(state, operation, of)
    paid = paid_out(state, year, line, of)
    account = _A.ADVANCE if operation.advance else _A.EXPENSE
    there = min(paid, state.at(account, year, line, of))
    if cents > there:
        says = beyond(Part(year, line, cents), there, f"was paid as {account.value} and not returned")
        raise refused("refund", says)
    treasury = Posting(_A.TREASURY, year, line, "", cents)
    if operation.advance:
        return state, (treasury, Posting(_A.ADVANCE, year, line, of, -cents))
    restored = (_A.AVAILABLE, "") if agreement.closed else (_A.ENCUMBERED, of)
    return state, (
        treasury,
        Posting(_A.EXPENSE, year, line, of, -cents),
        Posting(restored[0], year, line, restored[1], cents),
        Posting(_A.EXPENDED, year, line, of, -cents),
    )


def paid_out(state: State, year: int, line: str, agreement: str) -> int:
    """Return what was paid, advances included, and is not returned."""
    return sum(state.at(one, year, line, agreement) for one in (_A.EXPENSE, _A.ADVANCE, _A.PAYABLE))


def _refund_across(state: State, operation: Refund, agreement: str) -> tuple[Posting, ...]:
    year, line, of_year, cents = operation.year, operation.line, operation.of_year, operation.cents
    if of_year not in state.years or not state.years[of_year].closed or of_year > year or operation.advance:
        raise refused(
            "refund", "a refund is of its own year, or of what was spent in an earlier one that is closed"
        )
    spent = state.at(_A.EXPENSE, of_year, line, agreement)
    there = spent - state.returned.get((of_year, line, agreement), 0)
    if cents > there:
        says = beyond(Part(of_year, line, cents), there, "was spent and not returned")
        raise refused("refund", says)
    return (
        Posting(_A.TREASURY, year, line, "", cents),
        Posting(_A.REFUND, year, line, agreement, -cents, of_year),
    )
