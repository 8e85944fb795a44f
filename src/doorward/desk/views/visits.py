"""Visits that front desks filed, and the phones that file them."""

import uuid

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from doorward.desk.access import Actor, sees_names, visit_of, visits
from doorward.desk.drills import delete_drill_visit
from doorward.desk.front_mount import MAIN, app_address, place_kinds, protocols_tenants
from doorward.desk.history import NotAllowedError
from doorward.desk.phones import add_place, list_places, make_code, take_back
from doorward.desk.registers_read import MAX_OFFERED, read_registers
from doorward.desk.roles import Act
from doorward.desk.views.acts import NOT_RECORDED
from doorward.desk.views.signed_in import for_actor
from doorward.errors import ConfigError, StoreError

PAGE = 25
WITHHELD = "names a person; not shown here"


@require_safe
@for_actor
def listing(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return the visits that somebody may see, the latest first."""
    found = visits(actor).select_related("place").order_by("-received")
    return render(
        request, "desk/visits.html", {"page": Paginator(found, PAGE).get_page(request.GET.get("page"))}
    )


@require_safe
@for_actor
def page(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Return a visit, or 404: the same for one that is not there and not theirs."""
    found = visit_of(actor, key)
    if found is None:
        raise Http404
    hidden = set() if sees_names(actor) else set(found.sealed_fields)
    values = [(name, WITHHELD if name in hidden else value) for name, value in found.values.items()]
    may_delete = found.drill and actor.may(Act.FILE)
    return render(request, "desk/visit.html", {"visit": found, "values": values, "may_delete": may_delete})


@require_POST
@for_actor
def remove_drill(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Delete a drill; of a visit that is none, nothing is deleted."""
    found = visit_of(actor, key)
    if found is None:
        raise Http404
    try:
        messages.success(request, f"deleted: {delete_drill_visit(actor, found)}")
    except ConfigError as error:
        messages.error(request, str(error))
        return redirect("visit", key=key)
    except StoreError:
        messages.error(request, NOT_RECORDED)
        return redirect("visit", key=key)
    return redirect("visits")


@require_http_methods(["GET", "POST"])
@for_actor
def phones(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return the places and their phones; a place is added, a code is made, phones are taken back."""
    try:
        if request.method == "POST":
            return _do(request, actor)
        return render(request, "desk/phones.html", _shown(actor))
    except NotAllowedError:
        return render(request, "desk/may_not.html", status=403)
    except ConfigError as error:
        messages.error(request, str(error))
        return redirect("phones")


def _shown(actor: Actor) -> dict[str, object]:
    known = read_registers().places or {}
    return {
        "places": [(place, app_address(place.tenant)) for place in list_places(actor)],
        "kinds": place_kinds(),
        "tenants": protocols_tenants(),
        "known": list(known.values())[:MAX_OFFERED],
    }


def _do(request: HttpRequest, actor: Actor) -> HttpResponse:
    sent = request.POST
    if "code" in sent:
        shown = {"code": make_code(actor, sent["code"]), **_shown(actor)}
        return render(request, "desk/phones.html", shown)
    if "take_back" in sent:
        messages.success(request, f"{take_back(actor, sent['take_back'])} phones are enrolled no more")
    else:
        place = add_place(
            actor, slug=sent.get("slug", ""), kind=sent.get("kind", ""), name=sent.get("name", ""),
            unit=sent.get("unit", ""), tenant=sent.get("tenant", MAIN),
        )  # fmt: skip
        messages.success(request, f"added: {place.name}")
    return redirect("phones")
