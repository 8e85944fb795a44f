"""The first page, and in a sample the page on which one plays an invented person."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from doorward.desk.access import Actor, matters, waiting_for
from doorward.desk.notices.outbox import send_again
from doorward.desk.notices.overview import TRY_AGAIN, look_at_notices
from doorward.desk.overview import look
from doorward.desk.roles import OVERSEES
from doorward.desk.sample import find_player, players
from doorward.desk.views.signed_in import for_actor

RECENT = 10
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@require_safe
@for_actor
def home(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return what waits for this person, and what they filed last."""
    return render(
        request,
        "desk/home.html",
        {
            "waiting": waiting_for(actor)[:RECENT],
            "waiting_count": waiting_for(actor).count(),
            "recent": matters(actor).order_by("-filed")[:RECENT],
        },
    )


@require_safe
@for_actor
def overview(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return how everything stands, for those who oversee it."""
    if not actor.roles & OVERSEES:
        return render(request, "desk/may_not.html", status=403)
    seen = look(actor, settings.DESK.data, time_zone=settings.DESK.time_zone)
    shown = {"seen": seen, "notices": look_at_notices(actor)}
    return render(request, "desk/overview.html", shown)


@require_POST
@for_actor
def try_notices(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Try again to send the notices that were given up."""
    if not actor.roles & TRY_AGAIN:
        return render(request, "desk/may_not.html", status=403)
    messages.success(request, f"{send_again(actor.now)} notices are tried again")
    return redirect("overview")


@require_safe
def icon(_request: HttpRequest) -> HttpResponse:
    """Return nothing: browsers ask for an icon by themselves."""
    return HttpResponse(status=204)


@require_http_methods(["GET", "POST"])
def play(request: HttpRequest) -> HttpResponse:
    """Return the invented people of a sample; one who is chosen is signed in. Elsewhere there is no such page."""
    if not settings.DESK.sample:
        raise Http404
    if request.method == "POST":
        account = find_player(request.POST.get("login", ""))
        if account is not None:
            login(request, account, backend=BACKEND)
            request.session["played"] = True
            return redirect("home")
    return render(request, "desk/play.html", {"players": players()})
