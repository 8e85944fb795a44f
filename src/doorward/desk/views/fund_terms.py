"""What an agreement buys, as a page: one person says it, another accepts it on the page of reports."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from doorward.desk.access import Actor, sees_fund
from doorward.desk.fund.filed import file, read_on_file
from doorward.desk.fund.forms import Sent
from doorward.desk.fund.keys import key_of
from doorward.desk.fund.refusals import say
from doorward.desk.fund.terms_form import build_terms, places_of, rows_of, typed_of
from doorward.desk.ids import draw_id
from doorward.desk.order import fund_units, fund_words
from doorward.desk.roles import Act
from doorward.desk.views.reaching import with_fund
from doorward.errors import ConfigError, StoreError, UpstreamError
from doorward.fund.filings.standing import OnFile
from doorward.fund.ledger.refusal import Refusal

AWAY = "the fund's ledger does not answer now; send it again in a minute: it is put on file once"


@require_http_methods(["GET", "POST"])
@with_fund(sees_fund)
def terms(request: HttpRequest, actor: Actor, name: str) -> HttpResponse:
    """Return the form of an agreement's terms, with the last ones in it; sent, they wait for another person."""
    held = read_on_file(name)
    if held.agreement is None:
        raise Http404
    if not actor.may(Act.FUND_CHECK):
        return render(request, "desk/may_not.html", status=403)
    if request.method == "GET":
        last = held.terms[-1].terms if held.terms else None
        return _show(request, held, typed_of(last))
    sent = {name: request.POST[name] for name in request.POST}
    try:
        asked = build_terms(name, sent, fund_units()[0])
        answer = file(actor, asked, key=key_of(request), may=Act.FUND_CHECK)
    except ConfigError as error:
        return _show(request, held, sent, fault=str(error), status=422)
    except (UpstreamError, StoreError):
        return _show(request, held, sent, fault=AWAY, status=503)
    if isinstance(answer, Refusal):
        return _show(request, held, sent, fault=say(answer), status=422)
    messages.success(request, "on file, and recorded: another person accepts these terms")
    return redirect("fund-reports")


def _show(
    request: HttpRequest, held: OnFile, sent: Sent, *, fault: str = "", status: int = 200
) -> HttpResponse:
    words = fund_words()
    assert words is not None  # a desk that reaches a fund has its words
    rows = rows_of(fund_units()[0], sent)
    shown = {
        "agreement": held.agreement,
        "services": [one for one in rows if one.is_service],
        "lines": [one for one in rows if not one.is_service],
        "places": places_of(words),
        "stands": held.agreed is not None,
        "fault": fault,
        "key": sent.get("key") if status == 503 else draw_id(),  # the same one is sent again
    }
    return render(request, "desk/fund/terms.html", shown, status=status)
