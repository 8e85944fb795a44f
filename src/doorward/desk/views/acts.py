"""What officials do, each a form of one matter's page: sent, done and recorded, or refused in a line."""

import uuid
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from doorward.desk import actions
from doorward.desk.access import Actor, matter_of
from doorward.desk.actions import PaperSeen
from doorward.desk.drills import delete_drill
from doorward.desk.models import Matter
from doorward.desk.views.signed_in import for_actor
from doorward.errors import ConfigError, LogError, StoreError

NOT_RECORDED = (
    "it could not be recorded, so nothing was done; try again, and call the security officer if it stays so"
)


@require_POST
@for_actor
def verify(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Record what a named person found of a paper; the order is asked again."""
    sent = request.POST
    seen = PaperSeen(
        sent.get("paper", ""), sent.get("verified") == "yes", sent.get("scope", "unknown"),
        sent.get("current") == "yes", sent.get("evidence", "").strip(),
    )  # fmt: skip
    return do_act(
        request,
        actor,
        key,
        "recorded, and the order was asked again",
        lambda it: actions.verify(actor, it, seen),
    )


@require_POST
@for_actor
def answer(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Record that a matter is answered."""
    return do_act(request, actor, key, "recorded as answered", lambda it: actions.answer(actor, it))


@require_POST
@for_actor
def seal(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Seal a matter until a day; its named counsel alone sees it then."""

    def act(it: Matter) -> Matter:
        until = read_day(request.POST.get("until", ""))
        counsel = tuple(login for login in request.POST.get("counsel", "").split() if login)
        return actions.seal(actor, it, until=until, counsel=counsel)

    return do_act(request, actor, key, "sealed", act)


@require_POST
@for_actor
def remove_drill(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Delete a drill; of a matter that is none, nothing is deleted."""
    found = matter_of(actor, key)
    if found is None:
        raise Http404
    try:
        messages.success(request, f"deleted: {delete_drill(actor, found)}")
    except ConfigError as error:
        messages.error(request, str(error))
        return redirect("matter", key=key)
    except StoreError:
        messages.error(request, NOT_RECORDED)
        return redirect("matter", key=key)
    return redirect("matters")


def do_act(
    request: HttpRequest, actor: Actor, key: uuid.UUID, done: str, act: Callable[[Matter], object]
) -> HttpResponse:
    """Return the way back to the matter, with a line of what was done or why not; 404 where they do not see it."""
    found = matter_of(actor, key)
    if found is None:
        raise Http404
    tell(request, done, lambda: act(found))
    return redirect("matter", key=key)


def tell(request: HttpRequest, done: str, act: Callable[[], object]) -> bool:
    """Return whether an act was done; what was done, or why not, stands on the next page in a line.

    Args:
        done: Empty where the page says it itself.
    """
    try:
        act()
    except StoreError:
        messages.error(request, NOT_RECORDED)
        return False
    except (ConfigError, LogError) as error:
        messages.error(request, f"{error}; {error.hint}" if error.hint else str(error))
        return False
    if done:
        messages.success(request, done)
    return True


def read_day(text: str) -> datetime:
    """Return the beginning of a day in the city.

    Raises:
        ConfigError: It is none.
    """
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=ZoneInfo(settings.DESK.time_zone))
    except ValueError as error:
        raise ConfigError("expected a day such as 2027-01-31") from error
