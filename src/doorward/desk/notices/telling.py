"""What a notice says, when, and to whom. Pure.

A notice says that something waits, its number and where the desk is. It names no person, no agency, no place and no
paper, and not what kind of matter it is: a mail is read on screens and kept on servers that no order reaches. Whoever
is told signs in at the desk and looks.

INVARIANT (words of ours): every text is made of a number that the desk gave, a stage and the desk's address.

Source: `doorward.grants.notices`, whose stages and chain of offices these are.
"""

import json
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from doorward.errors import ConfigError
from doorward.grants.notice_settings import NoticeSettings
from doorward.grants.notices import OnCall, Stage, addressee

LAW: Final = "law"
MAIL, WEBHOOK, NO_WAY = "mail", "webhook", "none"
PERSON: Final = "@"
SOON: Final = timedelta(hours=24)
FIRST_WAIT: Final = timedelta(seconds=5)
LONGEST_WAIT: Final = timedelta(hours=1)
GIVEN_UP: Final = timedelta(days=1)
_NUMBER: Final = re.compile(r"(?:[A-Z]-)?\d{4}-\d{6,9}")
_SAYS: Final = {
    Stage.ASKED: "waits", Stage.HALF: "still waits, and its time is about to end",
    Stage.DUE: "still waits, and its time is over",
}  # fmt: skip


def subject_of(number: str, stage: Stage) -> str:
    """Return the subject of a mail.

    Raises:
        ConfigError: It is no number of the desk.
    """
    if not _NUMBER.fullmatch(number):
        raise ConfigError("a notice is about a number of the desk")
    return f"doorward: {number} {_SAYS[stage]}"


def text_of(number: str, stage: Stage, origin: str) -> str:
    """Return what a person reads; raises as `subject_of`.

    Args:
        origin: Where browsers find the desk; of the settings.
    """
    return f"{subject_of(number, stage).removeprefix('doorward: ')}. Sign in at {origin}/"


def body_of(key: str, number: str, stage: Stage, origin: str) -> bytes:
    """Return what a webhook is posted; raises as `subject_of`.

    Args:
        key: Of the notice; the same at each try, so that a receiver takes it once.
    """
    told = {
        "format": 1,
        "id": key,
        "number": number,
        "stage": stage.value,
        "text": text_of(number, stage, origin),
    }
    return json.dumps(told, sort_keys=True).encode()


def soon_at(filed: datetime, due: datetime) -> datetime:
    """Return from when a clock is about to end: a day before, or at half of a time that is shorter than two."""
    return due - min(SOON, max(due - filed, timedelta()) / 2)


def stage_at(filed: datetime, due: datetime, now: datetime) -> Stage | None:
    """Return how far a clock has run, or None where nothing more is to be told yet."""
    if now >= due:
        return Stage.DUE
    return Stage.HALF if now >= soon_at(filed, due) else None


def wait_after(tries: int) -> timedelta:
    """Return how long a notice waits that so many tries have not brought out."""
    times: int = 2 ** min(max(tries - 1, 0), 20)
    return min(FIRST_WAIT * times, LONGEST_WAIT)


def ways_of(on_call: OnCall | None) -> tuple[str, ...]:
    """Return the channels by which the desk reaches somebody."""
    if on_call is None:
        return ()
    return (*((MAIL,) if on_call.mail else ()), *((WEBHOOK,) if on_call.webhook is not None else ()))


def find_on_call(name: str, settings: NoticeSettings) -> OnCall | None:
    """Return how an addressee is reached, an office or a named person, or None."""
    if name.startswith(PERSON):
        return settings.people.get(name.removeprefix(PERSON))
    return settings.offices.get(name)


def find_addressees(
    offices: Iterable[str], stage: Stage, settings: NoticeSettings
) -> tuple[tuple[str, str], ...]:
    """Return whom a notice goes to, and by which channel; once each.

    An office without a way is told by the law department's; where that has none, the notice goes nowhere and is kept
    as such, so that somebody sees it.
    """
    found: dict[tuple[str, str], None] = {}
    for office in offices:
        named = addressee(office, stage, settings.offices)
        to = named if ways_of(settings.offices.get(named)) else LAW
        ways = ways_of(settings.offices.get(to)) or (NO_WAY,)
        found |= dict.fromkeys((to, way) for way in ways)
    return tuple(found)


def find_counsel(logins: Iterable[str], settings: NoticeSettings) -> tuple[tuple[str, str], ...]:
    """Return by which channels named counsel of a sealed matter are told; nobody else is, and no office."""
    return tuple(
        (f"{PERSON}{login}", way)
        for login in sorted(set(logins))
        for way in ways_of(settings.people.get(login))
    )
