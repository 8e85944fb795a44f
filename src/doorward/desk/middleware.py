"""Who is asking: every request gets its actor; a role with power reaches nothing before its second factor."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from doorward.desk.access import Actor, find_actor, is_outsider
from doorward.desk.entrance.factors import has_factor, proves
from doorward.desk.entrance.sessions import OVER, Over, find_end, touch
from doorward.desk.limits import STRANGERS, address_of, wait_for
from doorward.desk.models import Account
from doorward.desk.roles import Role
from doorward.desk.views.too_many import too_many

_FREE = ("/account/", "/static/", "/front/")
API = "/api/"
_OF_ANYBODY: Final = ("/account/", "/static/", "/front/", "/open/", "/play/", "/favicon.ico")
_OF_OUTSIDERS: Final = {Role.GRANTEE: "/fund/own/", Role.REVIEWER: "/fund/review/"}
HOME_OF: Final = {Role.GRANTEE: "grantee", Role.REVIEWER: "fund-reviews"}
_OPEN = "/open/"  # the same for everybody: nobody is looked for, so no answer depends on a cookie


class CookielessMiddleware:
    """Takes the cookies off what is asked of the public page and of the interface for programs, before anybody looks.

    The page answers everybody alike. Programs come by a token, and by no session.
    """

    def __init__(self, respond: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the answer of somebody who sent no cookie, where none counts."""
        if request.path.startswith((API, _OPEN)):
            request.META.pop("HTTP_COOKIE", None)
        return self.respond(request)


class ActorMiddleware:
    """Sets `request.actor`: an `Actor`, or None where nobody is signed in."""

    def __init__(self, respond: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the answer of the page, or the way to a second factor; no browser and no proxy keeps either.

        Programs come by a token, and by no session. The public page knows nobody, and may be kept.
        """
        if request.path.startswith(_OPEN):
            return self.respond(request)
        now = datetime.now(UTC)  # noqa: TID251  # the shell may read the clock
        actor = None if request.path.startswith(API) else actor_of(request, now)
        request.actor = actor  # type: ignore[attr-defined]  # as Django's own middleware does
        if actor is not None and actor.lacks_factor and not request.path.startswith(_FREE):
            answer: HttpResponseBase = redirect("mfa_index")
        elif actor is not None and is_outsider(actor) and not request.path.startswith(pages_of(actor)):
            if request.path != "/":
                raise Http404  # as for a page that there never was
            answer = redirect(HOME_OF[next(iter(actor.roles))])
        else:
            answer = self.respond(request)
        answer.headers.setdefault("Cache-Control", "no-store")
        if "no-store" not in answer.headers["Cache-Control"]:
            answer.headers["Cache-Control"] += ", no-store"
        return answer


class StrangerMiddleware:
    """Counts what somebody who is not signed in asks, by the address; programs are counted where they come in."""

    def __init__(self, respond: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the answer of the page, or how long to wait."""
        if getattr(request, "actor", None) is None and not request.path.startswith(API):
            now = datetime.now(UTC)  # noqa: TID251  # the shell may read the clock
            wait = wait_for(STRANGERS, address_of(request), now=now)
            if wait:
                return too_many(request, wait)
        return self.respond(request)


def pages_of(actor: Actor) -> tuple[str, ...]:
    """Return where the addresses begin that exist for a grantee or a reviewer of the fund."""
    return (*_OF_ANYBODY, *(_OF_OUTSIDERS[role] for role in actor.roles if role in _OF_OUTSIDERS))


def actor_of(request: HttpRequest, now: datetime) -> Actor | None:
    """Return who is signed in, as what they are now; a session that is over ends here."""
    if not isinstance(request.user, Account):
        return None
    played = settings.DESK.sample and bool(request.session.get("played"))
    strong = played or proves(get_authentication_records(request, request.user), request.user)
    over = find_end(request.session, now)
    if over is None and not strong and has_factor(request.user):
        over = Over.FACTOR
    if over is not None:
        _end(request, over)
        return None
    touch(request.session, now)
    return find_actor(request.user, is_strong=strong, now=now)


def _end(request: HttpRequest, over: Over) -> None:
    """End a session, and say why on the page that comes next.

    A part of a page only sees nobody, and is answered with the way to the page for signing in, and why in its address:
    two parts that are asked for at once would else take the word from each other.
    """
    if request.headers.get("HX-Request") == "true":
        request.user = AnonymousUser()
        request.over = over  # type: ignore[attr-defined]  # as `actor`
        return
    logout(request)
    if OVER not in request.GET:
        messages.warning(request, over.value)
