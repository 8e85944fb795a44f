"""A page for those who are signed in."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from doorward.desk.access import Actor
from doorward.desk.entrance.sessions import OVER, Over

P = ParamSpec("P")
SAFE = ("GET", "HEAD")


def for_actor(
    view: Callable[Concatenate[HttpRequest, Actor, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Return a view that is called with who is asking; others are sent to sign in."""

    @wraps(view)
    def called(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        actor: Actor | None = getattr(request, "actor", None)
        if actor is None:
            return send_to_sign_in(request)
        return view(request, actor, *args, **kwargs)

    return called


def send_to_sign_in(request: HttpRequest) -> HttpResponse:
    """Return the way to sign in and back: to the page itself, or to the one whose form was sent.

    A part of a page that htmx asks for must not become the page for signing in: the whole page goes there.
    """
    page = request.get_full_path() if request.method in SAFE else _page_of_form(request)
    answer = redirect_to_login(page)
    if request.headers.get("HX-Request") != "true":
        return answer
    whole = HttpResponse(status=204)
    over: Over | None = getattr(request, "over", None)
    said = "" if over is None else f"&{OVER}={over.name}"
    whole.headers["HX-Redirect"] = redirect_to_login(_page_of_form(request)).headers["location"] + said
    return whole


def _page_of_form(request: HttpRequest) -> str:
    """Return the page of this site that a form or a part belongs to, by the browser's word; else the first page."""
    said = urlsplit(request.headers.get("Referer", ""))
    return said.path if said.netloc == request.get_host() and said.path.startswith("/") else "/"
