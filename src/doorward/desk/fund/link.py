"""The fund's ledger as the desk reaches it: whoever is signed in is who posts, and the desk's recorder records.

The order of things is that of `fund.store`: recorded before the commit, confirmed after it, and only then told. The
ledger's connections are apart from Django's: no act of the desk's own database is in one transaction with the fund.

INVARIANT (no name is typed): a submission's login is the account's; how it was proven stands in the record.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import psycopg
from django.conf import settings

from doorward.desk.access import Actor
from doorward.desk.history import NotAllowedError
from doorward.desk.models import Account
from doorward.desk.recorder import recorder
from doorward.desk.roles import MAY, Act
from doorward.errors import ConfigError, UpstreamError
from doorward.fund import rows
from doorward.fund.entries import Proof
from doorward.fund.ledger.operations import Operation, Submission
from doorward.fund.ledger.refusal import Refusal
from doorward.fund.ledger.state import State
from doorward.fund.store import Receipt, Store
from doorward.record.entry import Fields, Kind

T = TypeVar("T")
_NONE: Final = "this desk reaches no fund"
_idle: SimpleQueue[Store] = SimpleQueue()


class _DeskRecorder:
    """The recorder that the process holds when something is recorded, and not the one at the start."""

    def record(self, drafts: Sequence[tuple[Kind, Fields]], *, now: datetime) -> int:
        return recorder().record(drafts, now=now)


def has_fund() -> bool:
    """Return whether this desk reaches the ledger of a fund."""
    return settings.DESK.fund is not None


def submit(actor: Actor, operation: Operation, *, key: uuid.UUID, act: Act) -> Receipt | Refusal:
    """Return what was posted, or why nothing was; the same key a second time finds what the first did.

    Args:
        actor: Whoever is signed in; their login in small letters is the submission's, and today in the city its day.
        key: Of the form that was sent; a form that is sent twice posts once, on the same day.
        act: By which they may; nothing here says that it is the right one for this operation.

    Raises:
        NotAllowedError: They may not; or their login and another account's differ in capitals alone.
        ConfigError: This desk reaches no fund.
        UpstreamError: The ledger did not answer; the same key finds whether it was posted.
        StoreError: It cannot be recorded; as above.
    """
    by = actor.assignment(MAY[act])
    if by is None:
        raise NotAllowedError("as what you are signed in, this is not yours to do")
    day = actor.now.astimezone(ZoneInfo(settings.DESK.time_zone)).date()
    submission = Submission(key, login_of(actor), day, operation)
    with borrow() as store:
        return store.submit(submission, now=actor.now, proof=Proof(f"desk {by.role}"))


def login_of(actor: Actor) -> str:
    """Return the login as the ledger has it, without capitals: two that differ in them alone would be one person.

    Raises:
        NotAllowedError: Another account differs in capitals alone; or the login is not of ASCII, of which other signs
            become letters of it in small letters (the sign for kelvin, U+212A, a k).
    """
    login = actor.account.login
    if not login.isascii():
        raise NotAllowedError("in the ledger a login is of ASCII, so that no two persons look alike")
    if Account.objects.filter(login__iexact=login).exclude(pk=actor.account.pk).exists():
        raise NotAllowedError(
            "another account has this login in other capitals, so the ledger would take both for one person"
        )
    return login.lower()


def read(look: Callable[[psycopg.Connection[Any]], T]) -> T:
    """Return what `look` finds at one moment of the ledger, which it cannot write to.

    Args:
        look: Called a second time where the connection had been lost.

    Raises:
        ConfigError: This desk reaches no fund.
        UpstreamError: The ledger did not answer.
    """
    with borrow() as store:
        try:
            with store.reading() as connection:
                return look(connection)
        except UpstreamError:  # it may have been idle since before the server was started again
            with store.reading() as connection:
                return look(connection)


def read_state() -> State:
    """Return the whole fund at one moment; raises as `read`."""
    return read(rows.read_state)


def let_go() -> None:
    """Close the connections that nobody uses."""
    while True:
        try:
            _idle.get_nowait().close()
        except Empty:
            return


@contextmanager
def borrow() -> Iterator[Store]:
    """Yield a store that nobody else uses; raises ConfigError where this desk reaches no fund."""
    place = settings.DESK.fund
    if place is None:
        raise ConfigError(_NONE)
    try:
        store = _idle.get_nowait()
    except Empty:
        store = Store(place.conninfo, _DeskRecorder())
    try:
        yield store
    except BaseException:
        store.close()
        raise
    _idle.put(store)
