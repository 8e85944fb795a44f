"""A page that needs the fund's ledger: where there is none it is not there, and where it is away that is said."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from doorward.desk.access import Actor
from doorward.desk.fund.link import has_fund
from doorward.desk.history import NotAllowedError
from doorward.desk.views.signed_in import for_actor
from doorward.errors import UpstreamError

P = ParamSpec("P")


def with_fund(
    sees: Callable[[Actor], bool],
) -> Callable[
    [Callable[Concatenate[HttpRequest, Actor, P], HttpResponse]],
    Callable[Concatenate[HttpRequest, P], HttpResponseBase],
]:
    """Return what makes a page of one for whom `sees` is true; for others it is not there."""

    def made(
        view: Callable[Concatenate[HttpRequest, Actor, P], HttpResponse],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
        @wraps(view)
        def called(request: HttpRequest, actor: Actor, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not has_fund() or not sees(actor):
                raise Http404
            try:
                return view(request, actor, *args, **kwargs)
            except NotAllowedError:
                return render(request, "desk/may_not.html", status=403)
            except UpstreamError:
                return render(request, "desk/fund/away.html", status=503)

        return for_actor(called)

    return made
