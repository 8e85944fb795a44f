"""Statutory reports: what is due, a report with the rows behind it, making it, its versions and their signature."""

import io
import uuid
import zipfile

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from doorward.desk.access import Actor, sees_reports
from doorward.desk.deadlines.periods import Period, parse_period
from doorward.desk.models import FiledReport, ReportSignature
from doorward.desk.order import order
from doorward.desk.reporting import lines, preview, reports
from doorward.desk.reporting.gather import rules
from doorward.desk.roles import Act
from doorward.desk.statutory.report import STATEMENT
from doorward.desk.views.acts import NOT_RECORDED
from doorward.desk.views.signed_in import for_actor
from doorward.errors import ConfigError, LogError, StoreError
from doorward.orders.statutory import REPORTS
from doorward.record.workers import first_sequence, worker_of

_TYPES = {"csv": "text/csv; charset=utf-8", "txt": "text/plain; charset=utf-8", "pdf": "application/pdf"}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # a folder is the same whenever it is fetched


@require_safe
@for_actor
def listing(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return the reports that statutes ask for, with their periods and last days."""
    try:
        due = reports.list_due(actor)
    except ConfigError as error:
        return render(request, "desk/reports.html", {"error": str(error), "hint": error.hint}, status=503)
    if due is None:
        return render(request, "desk/may_not.html", status=403)
    return render(request, "desk/reports.html", {"due": due})


@require_http_methods(["GET", "POST"])
@for_actor
def report(request: HttpRequest, actor: Actor, name: str, period: str) -> HttpResponse:
    """Return a report as it would be made now; sent, it is made and its version shown."""
    if not sees_reports(actor):
        raise Http404
    when = _period(name, period)
    if request.method == "POST":
        try:
            made = reports.make_report(actor, name, when, certifies=request.POST.get("certifies") == "yes")
            messages.success(request, f"made: version {made.version}. Nobody has signed it yet")
            return redirect("filed-report", key=made.pk)
        except ConfigError as error:
            messages.error(request, str(error))
        except StoreError:
            messages.error(request, NOT_RECORDED)
        return redirect("report", name=name, period=period)
    page = max(int(text), 1) if (text := request.GET.get("page", "1")).isdecimal() and len(text) < 6 else 1
    shown, found = preview.show(actor, name, when, page)
    versions = reports.versions(actor, name, when)
    clauses = [order().pack.clauses[one] for one in shown.clauses if one in order().pack.clauses]
    return render(
        request,
        "desk/report.html",
        {
            "shown": shown, "page": page, "name": name, "period": when, "versions": versions, "clauses": clauses,
            "may_make": actor.may(Act.REPORT), "may_say": actor.may(Act.LINE),
            "changed": preview.changed_since(found, versions[0])[: preview.LINES] if versions else (),
        },
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@for_actor
def filed(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Return a version of a report with its statement; a signed note that is sent is checked and kept."""
    found = _filed(actor, key)
    if request.method == "POST":
        try:
            taken = reports.take_signature(actor, found, request.POST.get("note", ""), settings.DESK.data)
            messages.success(request, f"on file: signed by {taken.signer}")
        except StoreError:
            messages.error(request, NOT_RECORDED)
        except (ConfigError, LogError) as error:
            messages.error(request, str(error))
        return redirect("filed-report", key=key)
    writer = worker_of(found.entry)
    shown = {
        "filed": found,
        "files": found.files.defer("body"),
        "statement": bytes(found.statement).decode(),
        "signature": _signature(found),
        "replaced": FiledReport.objects.filter(replaces=found).first(),
        "may_sign": actor.may(Act.SIGNED),
        "is_sample": order().pack.is_sample,
        "place": f"writer {writer}, entry {found.entry - first_sequence(writer)}",
    }
    return render(request, "desk/report_filed.html", shown)


@require_safe
@for_actor
def file(request: HttpRequest, actor: Actor, key: uuid.UUID, name: str) -> HttpResponse:
    """Return a file of a version, or 404."""
    del request
    held = _filed(actor, key).files.filter(name=name).first()
    if held is None:
        raise Http404
    return _download(bytes(held.body), name, _TYPES.get(name.rpartition(".")[2], "application/octet-stream"))


@require_safe
@for_actor
def folder(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Return a version as one folder: its files, the statement, and the note where it is signed."""
    del request
    found = _filed(actor, key)
    files = {one.name: bytes(one.body) for one in found.files.all()} | {STATEMENT: bytes(found.statement)}
    signature = _signature(found)
    if signature is not None:
        files[f"{found.report}-{found.period}.note"] = bytes(signature.note)
    name = f"{found.report}-{found.period}-{found.version}.zip"
    return _download(zip_files(files), name, "application/zip")


@require_http_methods(["GET", "POST"])
@for_actor
def line(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Return what can be said of a matter or a visit for the reports; sent, it is recorded and counts."""
    source = lines.source_of(actor, key)
    if source is None:
        raise Http404
    asked = lines.questions(source)
    if request.method == "POST":
        try:
            lines.say(actor, source, {one.key: request.POST.get(one.key, "") for one in asked})
            messages.success(request, f"recorded for the reports: {source.number}")
        except StoreError:
            messages.error(request, NOT_RECORDED)
        except ConfigError as error:
            messages.error(request, str(error))
        return redirect("report-line", key=key)
    history = source.report_lines.all()
    shown = {"source": source, "asked": asked, "history": history, "may_say": actor.may(Act.LINE)}
    return render(request, "desk/report_line.html", shown)


def zip_files(files: dict[str, bytes]) -> bytes:
    """Return files as a ZIP; the same files give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as whole:
        for name in sorted(files):
            whole.writestr(zipfile.ZipInfo(name, _EPOCH), files[name], zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _period(name: str, text: str) -> Period:
    try:
        found = parse_period(text)
    except ConfigError as error:
        raise Http404 from error
    rule = rules().clocks.reports.get(name) if name in REPORTS else None
    if rule is None or rule.period != found.kind:
        raise Http404
    return found


def _filed(actor: Actor, key: uuid.UUID) -> FiledReport:
    found = reports.filed_report(actor, key)
    if found is None:
        raise Http404
    return found


def _signature(found: FiledReport) -> ReportSignature | None:
    return ReportSignature.objects.filter(report=found).first()


def _download(raw: bytes, name: str, kind: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(raw, content_type=kind, headers=headers)
