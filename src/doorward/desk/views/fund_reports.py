"""The City's pages of grantees' reports: what stops each, terms and exceptions by two, what is sent back."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from doorward.desk.access import Actor, sees_fund
from doorward.desk.fund import link
from doorward.desk.fund.filed import file, invoices_of, seen_on_file, seen_report
from doorward.desk.fund.findings import finding_of, show_counts, show_findings
from doorward.desk.fund.keys import key_of
from doorward.desk.fund.refusals import say
from doorward.desk.ids import draw_id
from doorward.desk.order import fund_units
from doorward.desk.recorder import place_of
from doorward.desk.roles import Act
from doorward.desk.views.reaching import with_fund
from doorward.errors import StoreError, UpstreamError
from doorward.fund.filings import acts
from doorward.fund.filings.standing import Kept
from doorward.fund.filings.store import Filed
from doorward.fund.ledger.refusal import Refusal, refuse

MAX_DIGITS = 19  # a bigint of PostgreSQL has 19: no number of a filing is as long
NO_ANSWER = "the fund's ledger does not answer now; press it again in a minute: it is done once"


@require_http_methods(["GET", "POST"])
@with_fund(sees_fund)
def reports(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return the reports of every agreement; sent, terms that another person set are accepted."""
    if request.method == "POST":
        if not actor.may(Act.FUND_CHECK):
            return render(request, "desk/may_not.html", status=403)
        number = request.POST.get("terms", "")
        is_number = number.isascii() and number.isdecimal() and len(number) < MAX_DIGITS
        accepted = acts.AcceptTerms(int(number) if is_number else 0)
        _tell(request, lambda: file(actor, accepted, key=key_of(request), may=Act.FUND_CHECK))
        return redirect("fund-reports")
    closed = request.GET.get("closed") == "yes"
    held = seen_on_file(actor, closed=closed)
    shown = [
        {
            "agreement": one.agreement,
            "reports": sorted(one.reports.values(), key=lambda kept: -kept.number),
            "waits": [terms for terms in one.terms if not terms.accepted_by and terms is one.terms[-1]],
            "has_terms": one.agreed is not None,
        }
        for one in held
    ]
    may = actor.may(Act.FUND_CHECK)
    return render(
        request,
        "desk/fund/reports.html",
        {"agreements": shown, "may": may, "key": draw_id, "login": link.login_of(actor), "closed": closed},
    )


@require_http_methods(["GET", "POST"])
@with_fund(sees_fund)
def report(request: HttpRequest, actor: Actor, number: int) -> HttpResponse:
    """Return a report with its findings; sent, what a button of the page says is done once."""
    found = seen_report(actor, number)
    if found is None:
        raise Http404
    held, kept = found
    if request.method == "POST":
        if not actor.may(Act.FUND_CHECK):
            return render(request, "desk/may_not.html", status=403)
        _tell(request, lambda: _act(request, actor, kept))
        return redirect("fund-report", number=number)
    state = link.read_state()
    login = link.login_of(actor)
    findings = show_findings(kept, fund_units()[0].reasons)
    grants = {
        one.waiting.number
        for one in findings
        if one.waiting is not None and login not in {one.waiting.asked_by, kept.by}
    }
    shown = {
        "agreement": held.agreement,
        "kept": kept,
        "place": place_of(kept.entry),
        "shown": show_counts(kept),
        "passed": kept.review.answers.count("pass") if kept.review else 0,
        "findings": findings,
        "grants": grants,
        "invoices": invoices_of(held, kept, state),
        "may": actor.may(Act.FUND_CHECK),
        "can_return": kept.stands and number not in held.waiting,
        "reasons": fund_units()[0].reasons,
        "key": draw_id,  # called by each form of the page, which has a key of its own
    }
    return render(request, "desk/fund/report.html", shown)


def _act(request: HttpRequest, actor: Actor, kept: Kept) -> Filed | Refusal:
    key, what, number = key_of(request), request.POST.get("do", ""), request.POST.get("exception", "")
    if what == "return":
        return file(actor, acts.ReturnReport(kept.number), key=key, may=Act.FUND_CHECK)
    if what == "ask":
        found = finding_of(kept, request.POST.get("finding", ""))
        if found is None:
            return refuse("finding", "choose the finding")
        asked = acts.AskException(
            kept.number, found.row, found.column, found.rule, request.POST.get("reason", "")
        )
        return file(actor, asked, key=key, may=Act.FUND_CHECK)
    if what == "grant" and any(str(one.number) == number for one in kept.exceptions):
        return file(actor, acts.GrantException(int(number)), key=key, may=Act.FUND_CHECK)
    return refuse("form", "choose what to do")


def _tell(request: HttpRequest, do: Callable[[], Filed | Refusal]) -> None:
    try:
        answer = do()
    except (UpstreamError, StoreError):
        messages.error(request, NO_ANSWER)
        return
    if isinstance(answer, Refusal):
        messages.error(request, say(answer))
    else:
        messages.success(request, "done, and recorded")
