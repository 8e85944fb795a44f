"""Filing a matter: the kind, its questions, what the order would answer, and the act."""

import uuid
from datetime import UTC, datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from doorward.desk.access import Actor
from doorward.desk.filing import Filing, file_matter, preview
from doorward.desk.ids import draw_id
from doorward.desk.order import order
from doorward.desk.registers_read import place_choices
from doorward.desk.resting import shown_reading
from doorward.desk.roles import Act
from doorward.desk.views.answers import Answers, read_answers
from doorward.desk.views.signed_in import for_actor
from doorward.errors import ConfigError, StoreError

DRILL = "drill"


@require_safe
@for_actor
def choose(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return the kinds of matters that can be filed."""
    if not actor.may(Act.FILE):
        return render(request, "desk/may_not.html", status=403)
    kinds, roles = order().intake.kinds.values(), {one.order_role for one in actor.assignments}
    mine = [kind for kind in kinds if roles & set(kind.offered_to)]
    return render(
        request,
        "desk/new.html",
        {"mine": mine, "others": [kind for kind in kinds if kind not in mine], "drill": DRILL in request.GET},
    )


@require_http_methods(["GET", "POST"])
@for_actor
def form(request: HttpRequest, actor: Actor, kind: str) -> HttpResponse:
    """Return the questions of a kind; sent, what the order would answer; sent with `file`, the matter."""
    if not actor.may(Act.FILE):
        return render(request, "desk/may_not.html", status=403)
    if kind not in order().intake.kinds:
        raise Http404
    token = _token(request.POST)
    answers = read_answers(order().intake, kind, request.POST)
    shown = {
        "kind": order().intake.kinds[kind],
        "answers": answers,
        "token": token,
        "fresh": request.method != "POST",
        "restored": "restored" in request.POST,
        "places": place_choices(actor),
        "drill": DRILL in request.POST or DRILL in request.GET,
    }
    if request.method != "POST" or answers.asked is None or "change" in request.POST:
        status = 422 if request.method == "POST" and answers.faults and "change" not in request.POST else 200
        return render(request, "desk/new_kind.html", shown, status=status)
    try:
        if "file" not in request.POST:
            decided = preview(actor, answers.asked, token)
            reading = shown_reading(decided.consulted, decided.may)
            more = {"decision": decided.decision, "reading": reading}
            return render(request, "desk/new_preview.html", {**shown, **more})
        now = datetime.now(UTC)  # noqa: TID251  # the shell may read the clock
        matter = file_matter(
            actor,
            Filing.of_form(answers.asked, key=draw_id(), token=token, now=now, drill=DRILL in request.POST),
        )
    except ConfigError as error:
        return render(request, "desk/new_kind.html", {**shown, "error": str(error)}, status=422)
    except StoreError:
        return _not_recorded(request, shown)
    messages.success(request, f"filed as {matter.number}")
    return redirect("matter", key=matter.pk)


def _token(sent: QueryDict) -> uuid.UUID:
    try:
        return uuid.UUID(sent.get("token", ""))
    except ValueError:
        return draw_id()


def _not_recorded(request: HttpRequest, shown: dict[str, object]) -> HttpResponse:
    said = "it could not be recorded, so nothing was filed; send it again, and call the security officer if it stays so"
    return render(request, "desk/new_kind.html", {**shown, "error": said}, status=503)


__all__ = ["Answers", "choose", "form"]
