"""Filing a matter: the order is asked, the answer recorded, and only then is anybody told.

One transaction: what cannot be recorded is not filed, and a form that is sent twice files once. Were the transaction
to fail after the entry is written, the record has an entry without a matter; nobody was told of its answer.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction

from doorward.desk.access import Actor
from doorward.desk.clocks import begin
from doorward.desk.deadlines.clock import Clock
from doorward.desk.deciding import Decided, Whose, decide
from doorward.desk.due import ANSWER_BY, find_clock
from doorward.desk.entries import add_act, evidence_of, matter_entry
from doorward.desk.models import Matter, Numbering, State
from doorward.desk.notices.outbox import tell_matter
from doorward.desk.order import order
from doorward.desk.recorder import recorder
from doorward.desk.resting import keep_reading
from doorward.desk.roles import MAY, Act
from doorward.errors import ConfigError
from doorward.orders.intake import Asked
from doorward.policy.decision import Decision, Outcome
from doorward.policy.request import Fact
from doorward.record.entry import Kind

FORM: Final = "form"
MESSAGE: Final = "message"
API: Final = "api"
PREVIEW: Final = "preview"
DRILLS: Final = "D-"  # the series of their numbers
RECEIVED: Final = "received"  # the question for when it came
_SKIPPED: Final = ("context.now",)


class FutureError(ConfigError):
    """Something is said to have come after now."""


@dataclass(frozen=True, slots=True)
class Filing:
    """What is filed.

    Args:
        asked: As intake has read it.
        key: What the matter will be known by; drawn by the caller.
        token: Of the form; a second submit of it files nothing.
        received: When the City got it: as whoever files it says, or else when it is filed.
        channel: `form`, `message` or `api`.
        drill: To practise: it has a number of its own series, tells nobody and is counted nowhere.
    """

    asked: Asked
    key: uuid.UUID
    token: uuid.UUID
    received: datetime
    channel: str = FORM
    drill: bool = False

    @classmethod
    def of_form(
        cls,
        asked: Asked,
        *,
        key: uuid.UUID,
        token: uuid.UUID,
        now: datetime,
        channel: str = FORM,
        drill: bool = False,
    ) -> Self:
        """Return what a form files, or a message or a program by the same questions.

        Raises:
            FutureError: It is said to have come after now.
        """
        return cls(asked, key, token, received_of(asked, now), channel, drill)


def received_of(asked: Asked, now: datetime) -> datetime:
    """Return when the City got it: as the answers say, or else now.

    Raises:
        FutureError: It is said to have come after now.
    """
    said = asked.given.get(RECEIVED, ())
    received = datetime.fromisoformat(said[0]) if said else now
    if received > now:
        raise FutureError("it is said to have come in the future", hint="leave it open for now")
    return received


def preview(actor: Actor, asked: Asked, token: uuid.UUID) -> Decided:
    """Return what the order would answer; nothing is filed, and that it was asked is recorded first (law 4).

    Args:
        token: Of the form, under which the entry stands.

    Raises:
        ConfigError: Nobody may file as what this person is, or the answers make no request.
        StoreError: It cannot be recorded; nothing is shown.
    """
    decided = _decide(actor, asked, received_of(asked, actor.now))
    fields = matter_entry(
        token, asked.kind, login=actor.account.login, facts=decided.request.facts, decision=decided.decision,
        digest=order().pack.digest, evidence=evidence_of(decided.consulted.sources),
    )  # fmt: skip
    recorder().record([(Kind.ACT, add_act(fields, PREVIEW))], now=actor.now)
    return decided


def file_matter(actor: Actor, filing: Filing, also: Callable[[Matter], None] | None = None) -> Matter:
    """Return the matter that was filed, or that this form had filed before.

    Of two that come at once with one token, the second waits for its turn and then finds what the first has filed.

    Args:
        also: What is kept beside it, inside of the transaction that files it: where it fails, nothing is filed.

    Raises:
        ConfigError: As `preview`.
        StoreError: It cannot be recorded; nothing was filed.
    """
    before = _filed_before(actor, filing)
    if before is not None:
        return before
    decided = _decide(actor, filing.asked, filing.received)
    try:
        with transaction.atomic():
            matter = _file(actor, filing, decided)
            if also is not None:
                also(matter)
            return matter
    except _FiledBeforeError as found:
        return found.matter
    except IntegrityError:  # at the turn of a year the two took different turns
        before = _filed_before(actor, filing)
        if before is None:
            raise
        return before


class _FiledBeforeError(Exception):
    """Another one was first: nothing is recorded, and no number is taken."""

    def __init__(self, matter: Matter) -> None:
        super().__init__()
        self.matter = matter


def _filed_before(actor: Actor, filing: Filing) -> Matter | None:
    return Matter.objects.filter(token=filing.token, filed_by=actor.account).first()


def _decide(actor: Actor, asked: Asked, received: datetime) -> Decided:
    by = actor.assignment(MAY[Act.FILE])
    if by is None:
        raise ConfigError("as what you are signed in nothing can be filed")
    whose = Whose(actor.account.login, by.order_role, by.agency)
    return decide(asked, whose, happened=received, now=actor.now)


def _file(actor: Actor, filing: Filing, decided: Decided) -> Matter:
    by = actor.assignment(MAY[Act.FILE])
    assert by is not None
    key, pack = filing.key, order().pack
    decision, request = decided.decision, decided.request
    number = next_number(actor.now, DRILLS if filing.drill else "")  # takes its turn
    before = _filed_before(actor, filing)
    if before is not None:
        raise _FiledBeforeError(before)
    facts = stored_facts(request.facts)
    fields = matter_entry(
        key,
        filing.asked.kind,
        login=actor.account.login,
        facts=request.facts,
        decision=decision,
        digest=pack.digest,
        evidence=evidence_of(decided.consulted.sources),
        drill=filing.drill,
        tenant=by.tenant,
    )
    entry = recorder().record([(Kind.MATTER, fields)], now=actor.now)
    matter = Matter.objects.create(
        id=key,
        number=number,
        token=filing.token,
        tenant=by.tenant,
        unit=by.unit,
        kind=filing.asked.kind,
        channel=filing.channel,
        answers={name: list(words) for name, words in filing.asked.given.items()},
        facts=facts,
        received=filing.received,
        filed=actor.now,
        filed_by=actor.account,
        order_name=pack.name,
        order_digest=pack.digest,
        outcome=decision.outcome.value,
        posture=decision.posture.value,
        addressee=decision.addressee.value if decision.addressee else "",
        sentence=decision.sentence,
        clauses=list(decision.clauses),
        obligations=list(decision.obligations),
        policies=list(decision.policies),
        state=State.WAITING if decision.outcome is Outcome.REFER else State.DECIDED,
        drill=filing.drill,
        entry=entry,
    )
    clock = _clock_of(filing, decision)
    if clock is not None:
        begin(matter, clock, by=actor.account, entry=entry)
    keep_reading(matter, decided, at=actor.now, entry=entry)
    tell_matter(matter, actor.now, occasion=entry)
    return matter


def _clock_of(filing: Filing, decision: Decision) -> Clock | None:
    deadlines = order().deadlines
    if deadlines is None:
        return None
    said = filing.asked.given.get(ANSWER_BY, ())
    until = datetime.fromisoformat(said[0]) if said else None
    return find_clock(
        deadlines, filing.asked.kind, filing.asked.given, received=filing.received,
        is_referred=decision.outcome is Outcome.REFER, until=until,
    )  # fmt: skip


def next_number(now: datetime, series: str = "") -> str:
    """Return the next number of the city's year, such as `2026-000123`; within a transaction, which it holds up.

    Args:
        series: What stands before the year; each series has numbers of its own.
    """
    year = f"{series}{now.astimezone(ZoneInfo(settings.DESK.time_zone)).year}"
    Numbering.objects.get_or_create(year=year)
    row = Numbering.objects.select_for_update().get(year=year)
    row.last += 1
    row.save(update_fields=["last"])
    return f"{year}-{row.last:06d}"


def stored_facts(facts: Mapping[str, Fact]) -> dict[str, bool | int | str]:
    """Return the facts as they are kept: without the clock, whose time is the matter's own."""
    return {
        path: value if isinstance(value, bool | int) else str(value)
        for path, value in facts.items()
        if path not in _SKIPPED
    }
