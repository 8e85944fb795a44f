"""Disposal of papers: what is due, and the steps by which two people erase one."""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from doorward.desk.access import Actor, paper_of
from doorward.desk.disposing import DISPOSE, PROPOSE, TAKE_BACK, dispose, list_due, propose, take_back
from doorward.desk.roles import Act
from doorward.desk.schedule import schedule
from doorward.desk.views.acts import NOT_RECORDED
from doorward.desk.views.signed_in import for_actor
from doorward.errors import ConfigError, StoreError


@require_safe
@for_actor
def listing(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return the schedule, and the papers whose term is over or that are proposed."""
    due = list_due(actor)
    if due is None:
        return render(request, "desk/may_not.html", status=403)
    held = schedule()
    shown = {
        "schedule": held,
        "items": () if held is None else held.items.values(),
        "due": due,
        "may_dispose": actor.may(Act.DISPOSE),
    }
    return render(request, "desk/disposal.html", shown)


@require_POST
@for_actor
def step(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Propose a disposal, take it back, or do it as the second person."""
    if paper_of(actor, key) is None:
        raise Http404
    try:
        messages.success(request, _do(actor, key, request.POST))
    except ConfigError as error:
        messages.error(request, str(error))
    except StoreError as error:
        messages.error(request, str(error) if error.hint else NOT_RECORDED)
    return redirect("disposal")


def _do(actor: Actor, key: uuid.UUID, sent: QueryDict) -> str:
    step = sent.get("step")
    if step == PROPOSE:
        propose(actor, key, sent.get("item", ""), sent.get("certificate", ""))
        return "proposed: another of these offices does it"
    if step == DISPOSE:
        dispose(actor, key)
        return "erased: its key and its file are gone"
    if step == TAKE_BACK:
        take_back(actor, key)
        return "the proposal is taken back"
    raise ConfigError("say what to do")
