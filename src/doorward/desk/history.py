"""How every act on a matter begins and ends: the matter locked for whoever may, the act added to its history."""

from collections.abc import Mapping
from typing import Final

from doorward.desk.access import Actor, matter_of
from doorward.desk.deciding import Decided
from doorward.desk.entries import act_entry, evidence_of
from doorward.desk.models import Event, Matter, State
from doorward.desk.recorder import recorder
from doorward.desk.resting import keep_reading
from doorward.desk.roles import MAY, Act, Role
from doorward.errors import ConfigError
from doorward.record.entry import Kind

_NOTHING: Final[Mapping[str, str]] = {}


class NotAllowedError(ConfigError):
    """Somebody may not do this, or it cannot be done with this matter now."""


def lock_matter(actor: Actor, matter: Matter, act: Act) -> Matter:
    """Return the matter as it is now, locked until the transaction ends, if this person may do this with it.

    Whoever comes second waits here, and then sees what the first has done.

    Raises:
        NotAllowedError: They may not, there is no such matter for them, or it is closed.
    """
    if not actor.may(act):
        raise NotAllowedError("as what you are signed in, this is not yours to do")
    if matter_of(actor, matter.pk) is None:
        raise NotAllowedError("there is no such matter for you")
    locked = Matter.objects.select_for_update().get(pk=matter.pk)
    # Looked at again under the lock: it may have been sealed while this waited.
    if matter_of(actor, matter.pk) is None:
        raise NotAllowedError("there is no such matter for you")
    if locked.state == State.CLOSED:
        raise NotAllowedError("it is closed", hint="file a new one that names it")
    return locked


def add_event(  # noqa: PLR0913  # every part of an entry by its name
    actor: Actor,
    matter: Matter,
    act: Act,
    says: Mapping[str, object],
    *,
    outcome: str = "",
    document: str = "",
    more: Mapping[str, str] = _NOTHING,
    roles: frozenset[Role] | None = None,
    decided: Decided | None = None,
) -> Event:
    """Return the act as it stands in the history, recorded first.

    Args:
        says: How; stays at the desk.
        outcome: What the order answers after it, where it was asked again.
        document: SHA-256 of the document that it is about.
        more: What of it the record has beside, as of `act_entry`.
        roles: By which of them it is done, where not by any that may.
        decided: Where the order was asked again; what it rests on is kept.

    Raises:
        StoreError: It cannot be recorded; the caller's transaction is rolled back.
    """
    by = actor.assignment(MAY[act] if roles is None else roles)
    assert by is not None
    fields = act_entry(
        matter.pk, act.value, login=actor.account.login, office=by.role, document=document,
        outcome=outcome if decided is None else decided.decision.outcome.value,
        evidence="" if decided is None else evidence_of(decided.consulted.sources),
        more={name: text for name, text in more.items() if text},
    )  # fmt: skip
    entry = recorder().record([(Kind.ACT, fields)], now=actor.now)
    if decided is not None:
        keep_reading(matter, decided, at=actor.now, entry=entry)
    return Event.objects.create(
        matter=matter,
        at=actor.now,
        by=actor.account,
        office=by.role,
        act=act.value,
        says=dict(says),
        entry=entry,
    )
