"""What the open queue asks every few seconds: has something changed? Most answers are empty."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from doorward.desk.access import Actor, visits, waiting_for
from doorward.desk.views.signed_in import for_actor

SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page has shown: how many wait and how many visits there are, and a mark over it."""

    waiting: int
    visits: int
    mark: str


def look(actor: Actor) -> Seen:
    """Return what there is for somebody now; two queries, and only of what they may see."""
    queue = waiting_for(actor).order_by().aggregate(n=Count("pk"), last=Max("entry"))
    filed = visits(actor).filter(drill=False).order_by().aggregate(n=Count("pk"), last=Max("entry"))
    told = f"{actor.account.pk} {queue} {filed}"
    return Seen(queue["n"], filed["n"], sha256(told.encode()).hexdigest()[:16])


def polling(actor: Actor) -> dict[str, object]:
    """Return what a page needs to ask whether something changed since it was made."""
    return {"seen": look(actor), "every": SECONDS}


@require_safe
@for_actor
def live(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return nothing where nothing changed since the mark that the page has; else a line that says so."""
    now, mark = look(actor), request.GET.get("seen", "")
    etag = f'"{now.mark}"'
    if request.headers.get("if-none-match") == etag:
        answer = HttpResponse(status=304)
    elif mark == now.mark:
        answer = HttpResponse(status=204)
    else:
        answer = render(request, "desk/parts/live.html", {"seen": now, "changed": True, "every": SECONDS})
    answer["ETag"], answer["Cache-Control"] = etag, "private, no-cache"
    return answer
