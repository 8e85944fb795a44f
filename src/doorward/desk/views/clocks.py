"""The clocks of a matter: what the rule offers, how it would stand, and the act."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from doorward.desk import clocks
from doorward.desk.access import Actor, matter_of
from doorward.desk.clocks import Kept, Offer
from doorward.desk.deadlines.calendar import FIRST_YEAR, LAST_EVENT_YEAR
from doorward.desk.deadlines.clock import Clock, Event, Happened, Standing, end_of_fixed_day
from doorward.desk.deadlines.count import CountedDay, Span
from doorward.desk.models import ClockEvent, Matter, State
from doorward.desk.models.matters import say_due
from doorward.desk.roles import Act
from doorward.desk.views.acts import do_act, tell
from doorward.desk.views.signed_in import for_actor
from doorward.errors import ConfigError
from doorward.orders.deadlines import Unit

ACTS = {"pause": Happened.PAUSED, "resume": Happened.RESUMED, "extend": Happened.EXTENDED}


@dataclass(frozen=True, slots=True)
class ShownClock:
    """A clock as a page shows it.

    Args:
        offer: What its rule allows now, where this person may; else None.
    """

    kept: Kept
    clock: Clock | None
    standing: Standing | None
    offer: Offer | None
    history: tuple[ClockEvent, ...]
    days: tuple[CountedDay, ...]

    @property
    def due_says(self) -> str:
        """When it is over, for people."""
        return "" if self.standing is None else say_due(self.standing.due)

    @property
    def is_fixed(self) -> bool:
        """Whether a paper says itself when."""
        return self.clock is not None and self.clock.rule.unit == Unit.FIXED


def shown_clocks(actor: Actor, matter: Matter) -> list[ShownClock]:
    """Return the clocks of a matter for its page."""
    may = actor.may(Act.EXTEND) and matter.state in {State.WAITING, State.DECIDED}
    found = []
    for kept in clocks.clocks_of(matter):
        clock = kept.clock
        can = may and clock is not None and kept.row.runs and kept.row.letter_id is None
        found.append(
            ShownClock(
                kept,
                clock,
                None if clock is None else clock.standing(actor.now),
                clocks.offers(clock, actor.now) if can and clock is not None else None,
                tuple(kept.row.events.all()),
                () if clock is None else clock.days(actor.now),
            )
        )
    return found


@require_POST
@for_actor
def clock(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Return how a clock would stand after what is asked; sent with `do`, it happens."""
    found = matter_of(actor, key)
    if found is None:
        raise Http404
    if not actor.may(Act.EXTEND):
        return render(request, "desk/may_not.html", status=403)
    sent = request.POST
    if "do" in sent:
        return do_act(
            request, actor, key, "recorded, and the clock was counted again",
            lambda it: clocks.change(
                actor, it, _number(sent, "clock"), _event(sent, actor.now), seen=_number(sent, "seen")
            ),
        )  # fmt: skip
    shown: dict[str, object] = {"matter": found, "sent": [(name, sent.get(name, "")) for name in _NAMES]}

    def preview() -> None:
        event = _event(sent, actor.now)
        row = _number(sent, "clock")
        shown["after_says"] = say_due(clocks.preview(found, row, event).due)
        shown["kept"] = next(one for one in shown_clocks(actor, found) if one.kept.row.pk == row)
        shown["act"] = sent.get("act")

    if not tell(request, "", preview):
        return redirect("matter", key=key)
    return render(request, "desk/clock_preview.html", shown)


@require_POST
@for_actor
def set_date(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Record the date that a paper names."""
    sent = request.POST
    return do_act(
        request, actor, key, "the date is kept",
        lambda it: clocks.set_date(actor, it, _moment(sent), seen=_number(sent, "seen")),
    )  # fmt: skip


_NAMES = ("act", "clock", "seen", "reason", "clause", "by", "day", "hour")


def _event(sent: Mapping[str, str], now: datetime) -> Event:
    kind = ACTS.get(sent.get("act", ""))
    if kind is None:
        raise ConfigError(f"expected one of {', '.join(ACTS)}")
    if kind is Happened.PAUSED:
        return Event(kind, now, reason=sent.get("reason", ""))
    if kind is Happened.RESUMED:
        return Event(kind, now)
    until = _moment(sent) if sent.get("day") else None
    return Event(
        kind, now, clause=sent.get("clause", ""), by=0 if until else _number(sent, "by"), until=until
    )


def _number(sent: Mapping[str, str], name: str) -> int:
    text = sent.get(name, "").strip()
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise ConfigError(f"expected a number for `{name}`")
    return int(text)


def _moment(sent: Mapping[str, str]) -> datetime:
    """Return a day of a form, at its hour or, without one, when the day is over."""
    zone = ZoneInfo(settings.DESK.time_zone)
    try:
        day = date.fromisoformat(sent.get("day", ""))
        hour = time.fromisoformat(sent["hour"]) if sent.get("hour") else None
        if not FIRST_YEAR <= day.year <= LAST_EVENT_YEAR:
            raise ValueError  # noqa: TRY301  # a mistyped year, told as any other day that is none
    except ValueError as error:
        raise ConfigError("expected a day such as 2027-01-31, and an hour such as 09:30 or none") from error
    if hour is None:
        return end_of_fixed_day(day, Span(datetime.combine(day, time(), zone), zone))
    return datetime.combine(day, hour.replace(tzinfo=None), zone)
