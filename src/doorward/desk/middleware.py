"""Who is asking: every request gets its actor; a role with power reaches nothing before its second factor."""

from collections.abc import Callable
from datetime import UTC, datetime

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from doorward.desk.access import Actor, find_actor
from doorward.desk.models import Account

_FREE = ("/account/", "/static/", "/front/")


class ActorMiddleware:
    """Sets `request.actor`: an `Actor`, or None where nobody is signed in."""

    def __init__(self, respond: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the answer of the page, or the way to a second factor."""
        actor = actor_of(request)
        request.actor = actor  # type: ignore[attr-defined]  # as Django's own middleware does
        if actor is not None and actor.lacks_factor and not request.path.startswith(_FREE):
            return redirect("mfa_index")
        return self.respond(request)


def actor_of(request: HttpRequest) -> Actor | None:
    """Return who is signed in, as what they are now."""
    if not isinstance(request.user, Account):
        return None
    strong = any(record.get("method") == "mfa" for record in get_authentication_records(request))
    now = datetime.now(UTC)  # noqa: TID251  # the shell may read the clock
    return find_actor(
        request.user,
        is_strong=strong or (settings.DESK.sample and bool(request.session.get("played"))),
        now=now,
    )
