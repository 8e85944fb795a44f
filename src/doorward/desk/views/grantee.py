"""A grantee's own pages: agreements, what is due and paid, a report by form or file, its invoice, tables of people.

What is refused is kept nowhere: not in the session, so the page is drawn at once; not by Django, which gets no file;
and of a file the text is read in a child (`fund.filings.confined`).
"""

from collections.abc import Mapping, Sequence
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from doorward.desk.access import Actor, grantee_of, is_grantee
from doorward.desk.bounded_upload import BoundedUpload, is_drained
from doorward.desk.fund import link
from doorward.desk.fund.filed import SAYS, file, invoices_of, owed, own_agreements, own_on_file, read_on_file
from doorward.desk.fund.grantee_form import Typed, column_of, field_of, read_form, show_form, where
from doorward.desk.fund.keys import key_of
from doorward.desk.fund.refusals import say
from doorward.desk.fund.turns import Turns
from doorward.desk.ids import draw_id
from doorward.desk.limits import UPLOADS, wait_for
from doorward.desk.order import fund_units
from doorward.desk.roles import Act
from doorward.desk.templatetags.dollars import dollars
from doorward.desk.views.reaching import with_fund
from doorward.desk.views.too_many import too_many
from doorward.errors import StoreError, UpstreamError
from doorward.fund.filings.acts import DeliverTable, FileReport, note_refusal
from doorward.fund.filings.confined import read_confined
from doorward.fund.filings.standing import OnFile
from doorward.fund.grantee.banded import WAYS, categories
from doorward.fund.grantee.cells import MAX_BYTES, Refusal
from doorward.fund.grantee.checks import RULES, check_report
from doorward.fund.grantee.report import Report, read_report
from doorward.fund.grantee.template import format_csv, format_workbook
from doorward.fund.ledger import refusal as ledger_refusal
from doorward.fund.ledger.state import APPROVED, PAID, WAITING, Claim

FIELD: Final = "file"
AT_ONCE: Final = 2  # files that are read at the same time, each in a child of up to 768 MiB
PATIENCE_SECONDS: Final = 20
MEGABYTES: Final = MAX_BYTES // 1024 // 1024
NOT_REACHED: Final = "the fund's ledger does not answer now; send it again in a minute: it is filed once"
CLOSED: Final = "the agreement is closed out"
IS_READ: Final = "another file is being read; send it again"
_turns: Final = Turns(AT_ONCE, patience=PATIENCE_SECONDS)
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_safe
@with_fund(is_grantee)
def own(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return a grantee's agreements, what is due and what was paid."""
    state = link.read_state()
    shown = []
    for agreement in own_agreements(actor, state):
        held = read_on_file(agreement.id)
        claims = [one for one in state.claims.values() if one.agreement == agreement.id]
        shown.append(
            {
                "agreement": agreement,
                "held": held,
                "reports": [(kept, invoices_of(held, kept, state)) for kept in reversed(held.standing)],
                "due": _sum(claims, APPROVED),
                "paid": _sum(claims, PAID),
                "waiting": _sum(claims, WAITING),
                "other": [
                    (one, f"${dollars(sum(part.cents for part in one.parts))}", SAYS[one.status])
                    for one in claims
                    if not one.id.startswith("report-")
                ],
            }
        )
    return render(request, "desk/fund/grantee.html", {"agreements": shown, "grantee": grantee_of(actor)})


def _sum(claims: list[Claim], status: str) -> str:
    return f"${dollars(sum(owed(one) for one in claims if one.status == status))}"


def _held(actor: Actor, agreement: str) -> OnFile:
    held = own_on_file(actor, agreement)
    if held is None:
        raise Http404
    return held


def _is_closed(held: OnFile) -> bool:
    return held.agreement is not None and held.agreement.closed


@csrf_exempt  # the token is looked at below: before, the body would be read without its bound
@require_http_methods(["GET", "POST"])
@with_fund(is_grantee)
def report(request: HttpRequest, actor: Actor, agreement: str) -> HttpResponse:
    """Return the form and the place for a file; sent, the report on file or what is wrong, cell by cell."""
    held = _held(actor, agreement)
    if request.method != "POST":
        return _report_page(request, held)
    refused = _refuse_early(request, actor)
    if refused is not None:
        return refused
    if _is_closed(held):
        return _report_page(request, held, error=CLOSED, status=422)
    upload = BoundedUpload(FIELD, MAX_BYTES)
    request.upload_handlers = [upload]
    return _take_report(request, actor, held, upload)


@csrf_protect
def _take_report(request: HttpRequest, actor: Actor, held: OnFile, upload: BoundedUpload) -> HttpResponse:
    assert held.agreement is not None
    of, units = held.agreement.id, fund_units()[0]
    typed = None
    if "upload" in request.POST:
        raw = b"" if upload.is_too_large else upload.content()
        if not raw:
            return _report_page(request, held, error=_no_file(upload), status=422)
        with _turns.take(actor.account.login) as is_theirs:
            if not is_theirs:
                return _report_page(request, held, error=IS_READ, status=503)
            read = read_confined(raw, fund_units()[1], {of})
        found, refusals = read.report, read.refusals
    else:
        typed = read_form(request.POST, of)
        found, refusals = read_report((typed.sheet,), units, {of})
    try:
        if found is None:
            noted = file(actor, note_refusal(of, refusals), key=draw_id(), may=Act.FUND_REPORT)
            if isinstance(noted, ledger_refusal.Refusal):  # such as: closed out since the page was sent
                return _report_page(request, held, error=say(noted), status=422)
            return _refused_page(request, held, refusals, typed)
        return _file_report(request, actor, held, found, typed)
    except (UpstreamError, StoreError):
        return _report_page(request, held, error=NOT_REACHED, status=503)


def _file_report(
    request: HttpRequest, actor: Actor, held: OnFile, found: Report, typed: Typed | None
) -> HttpResponse:
    key = key_of(request)
    answer = file(actor, FileReport(found), key=key, may=Act.FUND_REPORT)
    if not isinstance(answer, ledger_refusal.Refusal):
        return redirect("grantee-filed", agreement=found.agreement, number=answer.number)
    stops = []
    if answer.code == "finding":
        findings = check_report(found, fund_units()[0], held.terms_for_checks(found.first))
        stops = [
            (where(typed, one.row, one.column) if typed else str(one).partition(":")[0], one.says)
            for one in findings
            if not RULES[one.rule][1] and not one.refers
        ]
    return _report_page(
        request, held, error="" if stops else say(answer), stops=stops, typed=typed, status=422
    )


def _refused_page(
    request: HttpRequest, held: OnFile, refusals: tuple[Refusal, ...], typed: Typed | None
) -> HttpResponse:
    told = [
        {
            "where": where(typed, one.place.row, column_of(one.place)) if typed else str(one.place),
            "field": field_of(typed, one.place) if typed else "",
            "says": one.says,
            "hint": one.hint,
        }
        for one in refusals
    ]
    return _report_page(request, held, refused=told, wrong=refusals, typed=typed, status=422)


def _report_page(  # every part of a page by its name
    request: HttpRequest,
    held: OnFile,
    *,
    error: str = "",
    refused: Sequence[Mapping[str, object]] = (),
    wrong: tuple[Refusal, ...] = (),
    stops: list[tuple[str, str]] | None = None,
    typed: Typed | None = None,
    status: int = 200,
) -> HttpResponse:
    sent = {name: str(value) for name, value in request.POST.items()} if typed else {}
    shown = {
        "held": held,
        "agreement": held.agreement,
        "has_terms": held.agreed is not None,
        "sections": show_form(fund_units()[0], sent, wrong, typed),
        "error": error,
        "refused": refused,
        "stops": stops or [],
        "is_form": typed is not None,
        "key": draw_id,  # called by each form of the page, which has a key of its own
        "megabytes": MEGABYTES,
    }
    return render(request, "desk/fund/grantee_report.html", shown, status=status)


@csrf_exempt  # as `report`
@require_http_methods(["GET", "POST"])
@with_fund(is_grantee)
def table(request: HttpRequest, actor: Actor, agreement: str) -> HttpResponse:
    """Return the place for a table of people in bands; sent, that it is added, or what is wrong."""
    held = _held(actor, agreement)
    if request.method != "POST":
        return _table_page(request, held)
    refused = _refuse_early(request, actor)
    if refused is not None:
        return refused
    if _is_closed(held):
        return _table_page(request, held, error=CLOSED)
    upload = BoundedUpload(FIELD, MAX_BYTES)
    request.upload_handlers = [upload]
    return _take_table(request, actor, held, upload)


@csrf_protect
def _take_table(request: HttpRequest, actor: Actor, held: OnFile, upload: BoundedUpload) -> HttpResponse:
    assert held.agreement is not None
    of, way = held.agreement.id, request.POST.get("way", "")
    raw = b"" if upload.is_too_large else upload.content()
    if way not in WAYS or not raw:
        return _table_page(request, held, error=_no_file(upload) if way in WAYS else "choose which table")
    with _turns.take(actor.account.login) as is_theirs:
        if not is_theirs:
            return _table_page(request, held, error=IS_READ, status=503)
        read = read_confined(raw, fund_units()[1], {of}, way=way, agreement=of)
    try:
        if read.people is None:
            noted = file(actor, note_refusal(of, read.refusals), key=draw_id(), may=Act.FUND_REPORT)
            if isinstance(noted, ledger_refusal.Refusal):
                return _table_page(request, held, error=say(noted))
            told = [{"where": str(one.place), "says": one.says, "hint": one.hint} for one in read.refusals]
            return _table_page(request, held, refused=told)
        act = DeliverTable(of, way, read.quarter)
        answer = file(actor, act, key=key_of(request), may=Act.FUND_REPORT, people=read.people)
    except (UpstreamError, StoreError):
        return _table_page(request, held, error=NOT_REACHED, status=503)
    if isinstance(answer, ledger_refusal.Refusal):
        return _table_page(request, held, error=say(answer))
    return redirect("grantee-table", agreement=of)


def _table_page(
    request: HttpRequest,
    held: OnFile,
    *,
    error: str = "",
    refused: Sequence[Mapping[str, object]] = (),
    status: int = 422,
) -> HttpResponse:
    shown = {
        "agreement": held.agreement,
        "ways": WAYS,
        "delivered": sorted(held.delivered, key=lambda one: (one[1], one[0]), reverse=True),
        "error": error,
        "refused": refused,
        "key": draw_id(),
        "megabytes": MEGABYTES,
        "floor": fund_units()[0].people_floor,
    }
    is_wrong = bool(error or refused)
    return render(request, "desk/fund/grantee_table.html", shown, status=status if is_wrong else 200)


@require_safe
@with_fund(is_grantee)
def template(request: HttpRequest, actor: Actor, agreement: str, name: str) -> HttpResponse:
    """Return an empty template, as a file."""
    del request
    _held(actor, agreement)
    units = fund_units()[0]
    way = name.removesuffix(".csv")
    if name == "report.xlsx":
        answer = HttpResponse(format_workbook(units), content_type=_XLSX)
    elif name == "report.csv":
        answer = HttpResponse(format_csv(), content_type="text/csv; charset=utf-8")
    elif way in WAYS and name.endswith(".csv"):
        lines = ["quarter,people,category,band", *(f",,{one}," for one in categories(way, units))]
        answer = HttpResponse("\r\n".join(lines) + "\r\n", content_type="text/csv; charset=utf-8")
    else:
        raise Http404
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _refuse_early(request: HttpRequest, actor: Actor) -> HttpResponse | None:
    """Return why a body is not read at all, or None."""
    wait = wait_for(UPLOADS, actor.account.pk, now=actor.now)
    if wait:
        return too_many(request, wait)
    if not is_drained(request.META.get("CONTENT_LENGTH") or "", MAX_BYTES):
        return HttpResponse(f"a file has at most {MEGABYTES} MB", status=413, content_type="text/plain")
    return None


def _no_file(upload: BoundedUpload) -> str:
    return f"a file has at most {MEGABYTES} MB" if upload.is_too_large else "choose a file"
