"""What a matter's page shows of the law department's work: clocks, letters, determinations, how it is closed."""

from dataclasses import dataclass

from django.conf import settings

from doorward.desk import again, clocks, releasing
from doorward.desk.access import Actor, sees_drafts
from doorward.desk.clocks import date_rule
from doorward.desk.models import Determined, Event, Matter, State
from doorward.desk.order import order
from doorward.desk.records_on_file import records_of, state_of
from doorward.desk.releasing import Stand, look
from doorward.desk.roles import Act
from doorward.desk.views.clocks import shown_clocks
from doorward.errors import ConfigError, LogError, StoreError
from doorward.grants.records import Record


def law_department(actor: Actor, matter: Matter) -> dict[str, object]:
    """Return what the page of a matter has beside; nothing is offered that this person may not do."""
    is_open = matter.state in {State.WAITING, State.DECIDED}
    return {
        "clocks": shown_clocks(actor, matter),
        "date_rule": date_rule(matter) if actor.may(Act.SET_DATE) else None,
        **_letters(actor, matter),
        "may_write": actor.may(Act.WRITE) and matter.state != State.CLOSED,
        "determined": _determined(actor, matter),
        "put_right": _put_right(matter),
        "may_correct": again.may_correct(actor, matter),
        "may_ask_again": actor.may(Act.ASK_AGAIN) and is_open,
        "may_determine": actor.may(Act.DETERMINE) and is_open,
        "closings": again.reasons_to_close(matter)
        if actor.may(Act.CLOSE) and not releasing.is_owed(matter)
        else {},
    }


def look_at_clocks(actor: Actor) -> None:
    """Note the clocks that are over; what cannot be recorded is noted at a later look, and is shown as late anyway."""
    try:
        clocks.note_missed(actor.now)
    except StoreError:
        return


def letters_of_office(actor: Actor) -> dict[str, object]:
    """Return the letters that wait for this person, or in a line why nobody can tell how they stand."""
    try:
        waiting, has_more = releasing.letters_waiting(actor)
    except (ConfigError, LogError) as error:
        return {"letters_unread": str(error)}
    return {"letters_waiting": waiting, "has_more_letters": has_more}


def _letters(actor: Actor, matter: Matter) -> dict[str, object]:
    rows = matter.letters.select_related("matter", "replaced_by").prefetch_related("steps", "clocks")
    try:
        stands: list[Stand] = [look(one, actor.now) for one in rows]
    except (ConfigError, LogError) as error:
        return {"letters_unread": str(error)}
    return {"letters": [one for one in stands if one.sent is not None or sees_drafts(actor)]}


def _determined(actor: Actor, matter: Matter) -> list[tuple[Determined, dict[str, object], str]]:
    linked = list(matter.determined.all())
    kept = records_of(settings.DESK.data).all() if linked else ()
    by_id = {one.id: one for one in kept}
    return [
        (one, _shown(by_id[one.record]), state_of(by_id[one.record], kept, actor.now))
        for one in linked
        if one.record in by_id
    ]


@dataclass(frozen=True, slots=True)
class PutRight:
    """One answer that was put right, as a page shows it."""

    label: str
    before: str
    after: str


def _put_right(matter: Matter) -> list[tuple[Event, list[PutRight]]]:
    kind = order().intake.kinds.get(matter.kind)
    questions = {} if kind is None else {one.id: one for one in kind.questions}

    def say(name: str, words: list[str]) -> str:
        options = questions[name].options if name in questions else {}
        return ", ".join(options[word].label if word in options else word for word in words)

    found = []
    for event in matter.events.filter(act=Act.CORRECT.value):
        before, after = event.says["before"], event.says["after"]
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        lines = [
            PutRight(
                questions[name].label if name in questions else name,
                say(name, before.get(name, [])),
                say(name, after.get(name, [])),
            )
            for name in names
        ]
        found.append((event, lines))
    return found


def _shown(record: Record) -> dict[str, object]:
    return {
        "says": dict(record.more)["says"], "begins": record.begins, "until": record.until, "reason": record.reason,
        "office": record.office or "a key that is gone",
    }  # fmt: skip
