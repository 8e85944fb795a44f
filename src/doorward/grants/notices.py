"""What those on call are told, when, and whom next; pure.

A notice says which ask or session it is about, whose duty it is, until when, and what kind of work it is. It says no
case number, no person's name, no words that anybody stated and nothing of a resident: a mail is read on screens and
kept on servers that no order reaches. Whoever is told looks with `doorward grant show` or `doorward review show`.

The first notice goes to the office that the order asks. Where nobody answers, the next goes to whom that office names
with `then`: for criminal work at half the time and when it is due, for everything else when it is due.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from doorward.errors import MalformedError
from doorward.grants.duties import is_answered
from doorward.grants.referrals import URGENT, Answered, Referral
from doorward.grants.reviews import Owed

FORGOTTEN: Final = timedelta(days=7)  # after it was due nobody is told anew; the lists still show it
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(hours=1)
GIVEN_UP: Final = timedelta(days=1)
MAX_OFFICES: Final = 32
MAX_FAILURE: Final = 200


class Stage(StrEnum):
    """How far the time has run; the number of the addressee in the row of offices."""

    ASKED = "asked"
    HALF = "half"
    DUE = "due"

    @property
    def step(self) -> int:
        """How many offices further this goes."""
        return (Stage.ASKED, Stage.HALF, Stage.DUE).index(self)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a notice is posted; `doorward.grants.webhook` does it.

    Args:
        url: `https://`, a host, a path; no user, `?` or `#`.
        secret_file: Holds the secret that its notices are signed with; read for each notice.
        authority: PEM of who signs the server's certificate, or None for the system's authorities.
        private: Whether the address may lie in a range that is not public.
    """

    url: str
    secret_file: Path
    authority: Path | None = None
    private: bool = False


@dataclass(frozen=True, slots=True)
class OnCall:
    """How an office is told.

    Args:
        command: A program with its arguments, given the notice as JSON on standard input.
        mail: Addresses.
        then: The next office, where this one does not answer.
        spool: Whether another program reads the folder of notices, so that lying there is being told.
        webhook: Where it is posted, or None.
    """

    command: tuple[str, ...] = ()
    mail: tuple[str, ...] = ()
    then: str = ""
    spool: bool = False
    webhook: Webhook | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice, and what came of it.

    Args:
        about: ``answer`` or ``review``.
        id: Of the ask, or of the session.
        office: Whose duty it is.
        to: The office that is told.
        due: When the answer or review is due; aware.
        work: What kind of work it is, in the words of `_work`.
        made: When the notice was made; aware.
        is_told: Whether somebody was reached.
        tries: How often that was tried.
        again: When it is tried again; aware.
        failed: Why the last try failed, without anything that was said.
    """

    about: str
    id: str
    office: str
    to: str
    stage: Stage
    due: datetime
    work: str
    made: datetime
    again: datetime
    is_told: bool = False
    tries: int = 0
    failed: str = ""

    @property
    def name(self) -> str:
        """The name under which it is kept: one notice a stage."""
        return f"{self.about}-{self.id}-{self.stage}"

    @property
    def text(self) -> str:
        """What a person reads."""
        what = "an answer" if self.about == "answer" else "the review of an emergency session"
        state = {Stage.ASKED: "is asked for", Stage.HALF: "still waits", Stage.DUE: "is overdue"}[self.stage]
        return f"{what} {state}: {self.id}, {self.work}; the office `{self.office}` until {self.due:%Y-%m-%d %H:%M} UTC"


def find_notices(
    *,
    asks: Sequence[Referral],
    answers: Sequence[Answered],
    reviews: Sequence[Owed],
    on_call: Mapping[str, OnCall],
    now: datetime,
) -> list[Notice]:
    """Return the notice of each open duty at the stage that it has reached; whether it was given is not known here."""
    return [*_of_asks(asks, answers, on_call, now), *_of_reviews(reviews, on_call, now)]


def retry(notice: Notice, failed: str, now: datetime) -> dict[str, Any]:
    """Return the fields of a notice that reached nobody this time: it waits twice as long as before."""
    wait = min(FIRST_WAIT * 2**notice.tries, LONGEST_WAIT)
    return {"tries": notice.tries + 1, "again": now + wait, "failed": failed[:MAX_FAILURE]}


def is_to_be_told(notice: Notice, now: datetime) -> bool:
    """Return True where it is time to try."""
    return not notice.is_told and notice.again <= now <= max(notice.due, notice.made) + GIVEN_UP


def addressee(office: str, stage: Stage, on_call: Mapping[str, OnCall]) -> str:
    """Return the office that is told at a stage: the row of `then` as far as it goes, never round in a circle."""
    seen = [office]
    for _ in range(stage.step):
        found = on_call.get(seen[-1], OnCall()).then
        if not found or found in seen:
            break
        seen.append(found)
    return seen[-1]


def encode_notice(notice: Notice) -> dict[str, Any]:
    """Return a notice as it is kept, and as a program is given it."""
    times = {name: getattr(notice, name).isoformat() for name in ("due", "made", "again")}
    return {**asdict(notice), **times, "stage": notice.stage.value, "text": notice.text}


def decode_notice(row: object) -> Notice:
    """Return the notice that is kept.

    Raises:
        MalformedError: It is none.
    """
    names = Notice.__dataclass_fields__
    if not isinstance(row, Mapping) or row.keys() != {*names, "text"}:
        raise MalformedError("a notice that is kept is none")
    texts = ("about", "id", "office", "to", "work", "failed")
    if not all(isinstance(row[name], str) for name in texts) or not isinstance(row["is_told"], bool):
        raise MalformedError("a notice that is kept is none")
    try:
        due, made, again = (datetime.fromisoformat(row[name]) for name in ("due", "made", "again"))
        found = {name: row[name] for name in texts}
        notice = Notice(
            **found, stage=Stage(row["stage"]), due=due, made=made, again=again,
            is_told=row["is_told"], tries=int(row["tries"]),
        )  # fmt: skip
    except (TypeError, ValueError) as error:
        raise MalformedError("a notice that is kept is none") from error
    if None in {due.tzinfo, made.tzinfo, again.tzinfo}:
        raise MalformedError("a notice that is kept has a time without a zone")
    return notice


def _of_asks(
    asks: Sequence[Referral], answers: Sequence[Answered], on_call: Mapping[str, OnCall], now: datetime
) -> Iterator[Notice]:
    for ask in asks:
        if is_answered(ask, answers) or now > ask.due + FORGOTTEN:
            continue
        urgent = ask.ask.purpose in URGENT
        stage = _stage(ask.asked, ask.due, now, halves=urgent)
        work = "criminal work" if urgent else "other work"
        to = addressee(ask.office, stage, on_call)
        yield Notice("answer", ask.ask.id, ask.office, to, stage, ask.due, work, now, now)


def _of_reviews(reviews: Sequence[Owed], on_call: Mapping[str, OnCall], now: datetime) -> Iterator[Notice]:
    for owed in reviews:
        if owed.note or now > owed.due + FORGOTTEN:
            continue
        stage = _stage(owed.began, owed.due, now, halves=False)
        to = addressee(owed.office, stage, on_call)
        yield Notice("review", owed.id, owed.office, to, stage, owed.due, "danger to life", now, now)


def _stage(begins: datetime, due: datetime, now: datetime, *, halves: bool) -> Stage:
    if now >= due:
        return Stage.DUE
    return Stage.HALF if halves and now >= begins + (due - begins) / 2 else Stage.ASKED
