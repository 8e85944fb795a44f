"""A report of a grantee on file: what stops it, its invoices from filed to paid, and what the grantee does with it."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from doorward.desk.access import Actor, is_grantee
from doorward.desk.fund import link
from doorward.desk.fund.filed import bill, file, invoices_of, own_on_file, year_of
from doorward.desk.fund.findings import finding_of, show_counts, show_findings
from doorward.desk.fund.keys import key_of
from doorward.desk.fund.refusals import say
from doorward.desk.ids import draw_id
from doorward.desk.order import fund_units
from doorward.desk.recorder import place_of
from doorward.desk.roles import Act
from doorward.desk.views.reaching import with_fund
from doorward.errors import StoreError, UpstreamError
from doorward.fund.filings.acts import AskException, ReturnReport
from doorward.fund.filings.standing import Kept, OnFile
from doorward.fund.filings.store import Filed
from doorward.fund.ledger.operations import Withdraw
from doorward.fund.ledger.refusal import Refusal, refuse
from doorward.fund.store import Receipt


def _find(actor: Actor, agreement: str, number: int) -> tuple[OnFile, Kept]:
    held = own_on_file(actor, agreement)
    if held is None or number not in held.reports:
        raise Http404
    return held, held.reports[number]


@require_safe
@with_fund(is_grantee)
def filed(request: HttpRequest, actor: Actor, agreement: str, number: int) -> HttpResponse:
    """Return a report of the grantee, with what stops it and how far its invoices are."""
    held, kept = _find(actor, agreement, number)
    state = link.read_state()
    shown = {
        "agreement": held.agreement,
        "kept": kept,
        "place": place_of(kept.entry),
        "shown": show_counts(kept),
        "findings": show_findings(kept, fund_units()[0].reasons),
        "invoices": invoices_of(held, kept, state),
        "approvals": state.rules.approvals,
        "can_bill": kept.status == "clear" and year_of(state, kept) is not None,
        "can_return": kept.stands and number not in held.waiting,
        "reasons": fund_units()[0].reasons,
        "key": draw_id,  # called by each form of the page, which has a key of its own
    }
    return render(request, "desk/fund/grantee_filed.html", shown)


@require_POST
@with_fund(is_grantee)
def act(request: HttpRequest, actor: Actor, agreement: str, number: int) -> HttpResponse:
    """Do what a button of the page says, once, and return to the page."""
    held, kept = _find(actor, agreement, number)
    try:
        answer = _act(request, actor, held, kept)
    except (UpstreamError, StoreError):
        messages.error(
            request, "the fund's ledger does not answer now; press it again in a minute: it is done once"
        )
        return redirect("grantee-filed", agreement=agreement, number=number)
    if isinstance(answer, Refusal):
        messages.error(request, say(answer))
    else:
        messages.success(request, "done, and recorded")
    return redirect("grantee-filed", agreement=agreement, number=number)


def _act(request: HttpRequest, actor: Actor, held: OnFile, kept: Kept) -> Filed | Receipt | Refusal:
    key, what = key_of(request), request.POST.get("do", "")
    if what == "return":
        return file(actor, ReturnReport(kept.number), key=key, may=Act.FUND_REPORT)
    if what == "ask":
        found = finding_of(kept, request.POST.get("finding", ""))
        if found is None:
            return refuse("finding", "choose the finding")
        asked = AskException(kept.number, found.row, found.column, found.rule, request.POST.get("reason", ""))
        return file(actor, asked, key=key, may=Act.FUND_REPORT)
    state = link.read_state()
    number = request.POST.get("invoice", "")
    chosen = next((one for one in invoices_of(held, kept, state) if str(one.number) == number), None)
    if chosen is None:
        return refuse("invoice", "the report has no such invoice")
    if what == "invoice":
        year = year_of(state, kept)
        if year is None:
            return refuse("year", "no fiscal year is open for the report's period: ask the fund manager")
        return bill(actor, kept, chosen.number, year=year, key=key)
    if what == "withdraw" and chosen.standing is not None:
        return link.submit(actor, Withdraw(chosen.standing.id), key=key, act=Act.FUND_REPORT)
    return refuse("form", "choose what to do")
