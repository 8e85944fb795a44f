"""Legal holds: what stands, a form to place one, and the steps by which two people lift one."""

import uuid
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from doorward.desk.access import Actor, matters
from doorward.desk.holding import Hold, do_step, holds_seen, place, steps_of, tenants
from doorward.desk.order import order
from doorward.desk.papers.holds import Over, Scope, Step
from doorward.desk.roles import Act
from doorward.desk.views.acts import NOT_RECORDED
from doorward.desk.views.signed_in import for_actor
from doorward.errors import ConfigError, StoreError

VISIT: Final = "visit"
_SAID: Final = {
    Step.PLACE: "the hold stands",
    Step.PROPOSE: "recorded: another of the law department lifts it, or says to keep it",
    Step.KEEP: "recorded: the hold stands",
    Step.LIFT: "the hold is lifted",
}


@require_http_methods(["GET", "POST"])
@for_actor
def holds(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return the holds that stand; one is placed, or a step of one is done."""
    seen = holds_seen(actor)
    if seen is None:
        return render(request, "desk/may_not.html", status=403)
    if request.method == "POST":
        try:
            messages.success(request, _SAID[_do(actor, request.POST)])
        except ConfigError as error:
            messages.error(request, str(error))
        except StoreError:
            messages.error(request, NOT_RECORDED)
        return redirect("holds")
    shown = {
        "holds": [_shown(one) for one in seen],
        "may_hold": actor.may(Act.HOLD),
        "number": request.GET.get("matter", "")[:16],
        "kinds": [
            *((kind.id, kind.label) for kind in order().intake.kinds.values()),
            (VISIT, "Visits at front desks"),
        ],
        "tenants": tenants(),
    }
    return render(request, "desk/holds.html", shown)


def _do(actor: Actor, sent: QueryDict) -> Step:
    try:
        step = Step(sent.get("step", ""))
    except ValueError as error:
        raise ConfigError("say what to do") from error
    reason = sent.get("reason", "")
    if step is Step.PLACE:
        place(actor, _over(actor, sent), reason)
        return step
    try:
        hold = uuid.UUID(sent.get("hold", ""))
    except ValueError as error:
        raise ConfigError("no such hold stands for you") from error
    do_step(actor, hold, step, reason)
    return step


def _over(actor: Actor, sent: QueryDict) -> Over:
    try:
        scope = Scope(sent.get("scope", ""))
    except ValueError as error:
        raise ConfigError("say over what the hold is") from error
    if scope is Scope.MATTER:
        found = matters(actor).filter(number=sent.get("number", "").strip()[:16]).first()
        if found is None:
            raise ConfigError("there is no request of this number for you")
        return Over(scope, found.pk)
    tenant = sent.get("tenant", "")
    if tenant and tenant not in tenants():
        raise ConfigError("there is no such agency")
    if scope is Scope.TENANT:
        return Over(scope, tenant=tenant)
    kind = sent.get("kind", "")
    if kind not in {"", VISIT, *order().intake.kinds}:
        raise ConfigError("the order takes no such kind of request")
    ends = _day(sent.get("ends", ""))
    return Over(
        scope,
        None,
        tenant,
        kind,
        _day(sent.get("begins", "")),
        None if ends is None else ends + timedelta(days=1),
    )


def _day(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  # a day, put into the city's zone below
    except ValueError as error:
        raise ConfigError("expected a day such as 2027-01-31") from error
    return datetime.combine(found, time(), ZoneInfo(settings.DESK.time_zone))


def _shown(hold: Hold) -> dict[str, object]:
    steps = steps_of(hold.first.hold)
    over = hold.over
    if over.scope is Scope.MATTER:
        assert hold.first.matter is not None
        what = f"Request {hold.first.matter.number}"
    elif over.scope is Scope.TENANT:
        what = f"Everything of {over.tenant}"
    else:
        kinds = order().intake.kinds
        label = (
            "Visits" if over.kind == VISIT else kinds[over.kind].label if over.kind in kinds else over.kind
        )
        what = " ".join(
            part
            for part in (label or "Every kind", f"of {over.tenant}" if over.tenant else "", _period(over))
            if part
        )
    return {
        "hold": hold, "what": what, "place": hold.place,
        "proposal": steps[-1] if hold.proposed_by is not None else None,
    }  # fmt: skip


def _period(over: Over) -> str:
    zone = ZoneInfo(settings.DESK.time_zone)
    begins = f"from {over.begins.astimezone(zone).date()}" if over.begins else ""
    last = over.ends.astimezone(zone) - timedelta(days=1) if over.ends else None
    return " ".join(part for part in (begins, f"through {last.date()}" if last else "") if part)
