"""Filing a matter: the kind, its questions, what the order would answer, and the act."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from doorward.desk.access import Actor
from doorward.desk.filing import Filing, file_matter, preview
from doorward.desk.ids import draw_id
from doorward.desk.limits import FILINGS, PREVIEWS, QUESTIONS, wait_for
from doorward.desk.message_filing import Slip, file_message, read_slip
from doorward.desk.models import Matter
from doorward.desk.order import order
from doorward.desk.registers_read import place_choices
from doorward.desk.resting import shown_reading
from doorward.desk.roles import Act
from doorward.desk.views.answers import Answers, read_answers, without_faults
from doorward.desk.views.signed_in import for_actor
from doorward.desk.views.too_many import says, wait_in
from doorward.errors import ConfigError, StoreError
from doorward.orders.intake import Asked

OVER = (
    "the message was read too long ago, or by somebody else: drop it again, or send this again to file without it; "
    "your answers are below"
)

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
    slip_text = request.POST.get("slip", "")
    slip = read_slip(slip_text, actor) if slip_text else None
    answers = read_answers(order().intake, kind, request.POST, read=slip.read if slip else None)
    if "begin" in request.POST:
        answers = without_faults(answers)
    shown = {
        "kind": order().intake.kinds[kind],
        "answers": answers,
        "token": token,
        "fresh": request.method != "POST",
        "restored": "restored" in request.POST,
        "places": place_choices(actor),
        "drill": not slip_text and (DRILL in request.POST or DRILL in request.GET),  # a message is never one
        "slip": slip,
        "slip_text": slip_text if slip else "",
    }
    if slip_text and slip is None:
        return render(request, "desk/new_kind.html", {**shown, "error": OVER}, status=422)
    wait = _wait(request, actor)
    if wait:
        shown |= {"error": says(wait)}
        return wait_in(render(request, "desk/new_kind.html", shown, status=429), wait)
    if request.method != "POST" or answers.asked is None or "change" in request.POST:
        status = 422 if request.method == "POST" and answers.faults and "change" not in request.POST else 200
        return render(request, "desk/new_kind.html", shown, status=status)
    try:
        if "file" not in request.POST:
            decided = preview(actor, answers.asked, token)
            reading = shown_reading(decided.consulted, decided.may)
            more = {"decision": decided.decision, "reading": reading}
            return render(request, "desk/new_preview.html", {**shown, **more})
        matter = _file(actor, answers.asked, token, slip, drill=bool(shown["drill"]))
    except ConfigError as error:
        return render(request, "desk/new_kind.html", {**shown, "error": str(error)}, status=422)
    except StoreError:
        return _not_recorded(request, shown)
    messages.success(request, f"filed as {matter.number}")
    return redirect("matter", key=matter.pk)


def _file(actor: Actor, asked: Asked, token: uuid.UUID, slip: Slip | None, *, drill: bool) -> Matter:
    if slip is not None:
        return file_message(actor, asked, token=token, slip=slip)
    return file_matter(actor, Filing.of_form(asked, key=draw_id(), token=token, now=actor.now, drill=drill))


def _wait(request: HttpRequest, actor: Actor) -> int:
    """Return how long to wait: filings and previews, which are recorded, are fewer than questions."""
    rate = QUESTIONS
    if request.method == "POST" and "change" not in request.POST:
        rate = FILINGS if "file" in request.POST else PREVIEWS
    return wait_for(rate, actor.account.pk, now=actor.now)


def _token(sent: QueryDict) -> uuid.UUID:
    try:
        return uuid.UUID(sent.get("token", ""))
    except ValueError:
        return draw_id()


def _not_recorded(request: HttpRequest, shown: dict[str, object]) -> HttpResponse:
    said = "it could not be recorded, so nothing was filed; send it again, and call the security officer if it stays so"
    return render(request, "desk/new_kind.html", {**shown, "error": said}, status=503)


__all__ = ["Answers", "choose", "form"]
