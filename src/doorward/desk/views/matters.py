"""Matters: one page each, all that somebody may see, and what waits for their office."""

import uuid
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from doorward.desk.access import OFFICE, Actor, answers, matter_of, matters, waiting_for
from doorward.desk.finding import find, read_wanted
from doorward.desk.message_filing import message_of
from doorward.desk.models import State
from doorward.desk.order import order, papers_of
from doorward.desk.resting import last_reading, list_shaken
from doorward.desk.roles import Act
from doorward.desk.told import tell
from doorward.desk.views.answers import stated
from doorward.desk.views.law import law_department, letters_of_office, look_at_clocks
from doorward.desk.views.live import polling
from doorward.desk.views.papers import papers_shown
from doorward.desk.views.signed_in import for_actor

PAGE = 25
SCOPES = (("in", "Yes, within its words"), ("out", "No"), ("unknown", "I cannot tell"))


@require_safe
@for_actor
def listing(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return all that somebody may see, or what of it they ask for, the latest first."""
    wanted = read_wanted(request.GET)
    found = find(matters(actor), wanted, zone=ZoneInfo(settings.DESK.time_zone))
    shown = {
        "page": Paginator(found, PAGE).get_page(request.GET.get("page")),
        "wanted": wanted,
        "kinds": order().intake.kinds.values(),
        "states": State.choices,
        "offices": sorted(set(OFFICE.values())),
    }
    return render(request, "desk/matters.html", shown)


@require_safe
@for_actor
def queue(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return what waits for an office of theirs, the most urgent first."""
    look_at_clocks(actor)
    pages = Paginator(waiting_for(actor), PAGE)
    shown = {
        "page": pages.get_page(request.GET.get("page")),
        "shaken": list_shaken(actor) if actor.may(Act.DETERMINE) else [],
        **polling(actor),
        **letters_of_office(actor),
    }
    return render(request, "desk/queue.html", shown)


@require_safe
@for_actor
def page(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Return a matter with what the order says of it, or 404: the same for one that is not there and not theirs."""
    found = matter_of(actor, key)
    if found is None:
        raise Http404
    pack = order().pack
    clauses = [pack.clauses[name] for name in found.clauses if name in pack.clauses]
    kind = order().intake.kinds.get(found.kind)
    shown = {
        **papers_shown(actor, found),
        "matter": found,
        "clauses": clauses,
        "kind": kind,
        "events": [(event, tell(event.says)) for event in found.events.all()],
        "stated": stated(kind, found.answers),
        "reading": last_reading(found),
        "message": message_of(actor, found),
        "contacts": pack.contacts,
        "papers": papers_of(pack),
        "scopes": SCOPES,
        "may_verify": actor.may(Act.VERIFY) and found.state != State.CLOSED,
        "may_answer": actor.may(Act.ANSWER) and answers(actor, found),
        **law_department(actor, found),
        "may_seal": actor.may(Act.SEAL) and found.state != State.CLOSED,
    }
    return render(request, "desk/matter.html", shown)
