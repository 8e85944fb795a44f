"""Public-records answers: the custodian chooses and decides, the law department reviews, then it is exported."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from doorward.desk.access import Actor, sees_custody
from doorward.desk.foia.export import WHOLE
from doorward.desk.foia.export import Act as Do
from doorward.desk.models import Matter, RecordsAnswer, Visit
from doorward.desk.reporting import records
from doorward.desk.roles import Act
from doorward.desk.views.acts import NOT_RECORDED
from doorward.desk.views.reports import zip_files
from doorward.desk.views.signed_in import for_actor
from doorward.errors import ConfigError, StoreError

RECENT = 50
PAGE = 80  # of a list that is sent back: two fields a row
FIELD = "field:"
CODE = "code:"


@require_safe
@for_actor
def listing(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return the requests for records with their answers."""
    if not sees_custody(actor):
        return render(request, "desk/may_not.html", status=403)
    shown = {
        "requests": records.open_requests(actor)[:RECENT],
        "answers": records.answers_of(actor)[:RECENT],
        "may_collect": actor.may(Act.COLLECT),
    }
    return render(request, "desk/records.html", shown)


@require_http_methods(["GET", "POST"])
@for_actor
def begin(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Return the form that begins an answer to a request; sent, the answer."""
    matter = records.request_of(actor, key)
    if matter is None:
        raise Http404
    if not actor.may(Act.COLLECT):
        return render(request, "desk/may_not.html", status=403)
    if request.method == "POST":
        try:
            made = records.begin(actor, matter, _day(request.POST, "first"), _day(request.POST, "last"))
            return redirect("records-answer", key=made.pk)
        except StoreError:
            messages.error(request, NOT_RECORDED)
        except ConfigError as error:
            messages.error(request, str(error))
        return redirect("records-begin", key=key)
    return render(request, "desk/records_begin.html", {"matter": matter})


@require_http_methods(["GET", "POST"])
@for_actor
def answer(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Return an answer: what may respond, what leaves, and the law department's word; sent, one of them is changed."""
    found = _answer(actor, key)
    if request.method == "POST":
        try:
            messages.success(request, _do(request.POST, actor, found))
        except StoreError:
            messages.error(request, NOT_RECORDED)
        except ConfigError as error:
            messages.error(request, str(error))
        return redirect("records-answer", key=key)
    return render(request, "desk/records_answer.html", _shown(actor, found, request.GET.get("page")))


@require_http_methods(["GET", "POST"])
@for_actor
def record(request: HttpRequest, actor: Actor, key: uuid.UUID, number: str) -> HttpResponse:
    """Return a record that responds, field by field; sent, what was decided of each."""
    found = _answer(actor, key)
    one = records.record_of(found, number, actor.now)
    if one is None:
        raise Http404
    if request.method == "POST":
        try:
            count = records.decide(actor, found, number, _said(request.POST))
            messages.success(request, f"{number}: {count} decisions recorded")
            return redirect("records-answer", key=key)
        except StoreError:
            messages.error(request, NOT_RECORDED)
        except ConfigError as error:
            messages.error(request, str(error))
        return redirect("records-record", key=key, number=number)
    decided = {one.field: one for one in records.decisions_of(found) if one.record == number}
    shown = {
        "answer": found,
        "number": number,
        "fields": [(field, decided.get(field.name)) for field in records.fields_of(one)],
        "whole": decided.get(WHOLE),
        "codes": records.exemptions(),
        "may_collect": actor.may(Act.COLLECT),
    }
    return render(request, "desk/records_record.html", shown)


@require_POST
@for_actor
def export(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Return the files that leave as one folder; that they did is recorded first."""
    found = _answer(actor, key)
    try:
        raw = zip_files(records.export(actor, found))
    except StoreError:
        messages.error(request, NOT_RECORDED)
        return redirect("records-answer", key=key)
    except ConfigError as error:
        messages.error(request, str(error))
        return redirect("records-answer", key=key)
    headers = {"Content-Disposition": f'attachment; filename="records-{found.matter.number}.zip"'}
    return HttpResponse(raw, content_type="application/zip", headers=headers)


def _answer(actor: Actor, key: uuid.UUID) -> RecordsAnswer:
    found = records.answer_of(actor, key)
    if found is None:
        raise Http404
    return found


def _do(sent: QueryDict, actor: Actor, found: RecordsAnswer) -> str:
    if "review" in sent:
        word = records.review(actor, found, sent.get("digest", ""), agrees=sent["review"] == "agree")
        return "recorded: it may leave as it is" if word.agrees else "recorded: it goes back to the custodian"
    keys, among = (
        {key for text in sent.getlist(name) if (key := _key(text))} for name in ("responds", "asked")
    )
    return f"{records.choose(actor, found, keys, among)} choices recorded"


def _key(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _said(sent: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return what a form says of each field; a code beside a field that is released is none."""
    if sent.get("whole") == Do.WITHHOLD.value:
        return {WHOLE: (Do.WITHHOLD.value, sent.get(f"{CODE}{WHOLE}", ""))}
    said = {}
    for name, do in sent.items():
        if name.startswith(FIELD):
            field = name.removeprefix(FIELD)
            said[field] = (do, sent.get(f"{CODE}{field}", "") if do == Do.REDACT.value else "")
    return {WHOLE: ("", ""), **said}


def _shown(actor: Actor, found: RecordsAnswer, page: str | None) -> dict[str, object]:
    matters, visits = records.candidates(found, actor.now)
    keys = records.chosen(found)
    rows: list[tuple[Matter | Visit, bool, datetime]] = [
        (one, one.pk in keys, one.received) for one in matters
    ]
    rows += [(one, one.pk in keys, one.opened) for one in visits]
    shown: dict[str, object] = {
        "answer": found, "page": Paginator(rows, PAGE).get_page(page), "chosen": records.records_of(found, actor.now),
        "may_collect": actor.may(Act.COLLECT), "may_review": actor.may(Act.REVIEW),
    }  # fmt: skip
    try:
        shown |= {"made": records.made(found, actor.now), "review": records.review_of(found, actor.now)}
    except ConfigError as error:
        shown["waits"] = str(error)
    return shown


def _day(sent: Mapping[str, str], name: str) -> date:
    try:
        return date.fromisoformat(sent.get(name, ""))
    except ValueError as error:
        raise ConfigError("expected a first and a last day such as 2026-11-26") from error
