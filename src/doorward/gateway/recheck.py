"""Live sessions whose facts may change: a register is asked about them again, and what is on file is looked at.

Every so many minutes the register is asked about each, outside of the door's threads and a few at a time, so that
people who come in are not behind them. One question is put once, however many sessions rest on it.

===================  ========================================================================================
the register says    the session
===================  ========================================================================================
yes                  stays, and is asked about again later
no                   ends at once: the case was closed, or is somebody else's now
nothing              stays while the last "yes" is not older than the setting says, then ends (ADR 18)
===================  ========================================================================================

What rests on a record or an agreement ends within a second of its being taken back or over. A session that rests on
neither is never looked at: no register closes the safety floor (law 7).
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

from doorward.errors import UpstreamError
from doorward.gateway.answer import Sources
from doorward.gateway.session import Phase
from doorward.grants.careful import RegisterRules
from doorward.grants.registers import Question, Word
from doorward.record.entry import Draft, Field, Kind

if TYPE_CHECKING:
    from doorward.gateway.server import Server
    from doorward.gateway.sides import ClientSide

BATCH: Final = 2  # a quarter of the threads that ask; the others are for people at the door
RETRY: Final = timedelta(minutes=1)  # after a silence; the register's own rests are shorter
TOLD: Final = "the facts this access rests on have changed; connect again"
EVERY: Final = timedelta(seconds=1)  # how late a record that was taken back, or has ended, ends a session


class Next(Enum):
    """What becomes of a session after a word."""

    STAYS = auto()
    ENDS = auto()


@dataclass(frozen=True, slots=True)
class Resting:
    """One session's last "yes", and when it is asked about again."""

    question: Question
    heard: datetime
    due: datetime


def begin(question: Question, heard: datetime, rules: RegisterRules) -> Resting:
    """Return how a session begins: its word counts from when it was said, which may be before it came in."""
    return Resting(question, heard, heard + rules.recheck)


def judge(resting: Resting, word: Word, rules: RegisterRules, *, now: datetime) -> tuple[Next, Resting]:
    """Return what becomes of a session after the register's word: pure.

    Args:
        resting: Its last "yes".
        word: What the register said now, or that it said nothing.
        rules: The settings.
        now: When the word came.
    """
    if word.says is True:
        return Next.STAYS, begin(resting.question, word.at, rules)
    if word.says is False or now >= resting.heard + rules.oldest:
        return Next.ENDS, resting
    return Next.STAYS, replace(resting, due=min(now + RETRY, resting.heard + rules.oldest))


class Recheck:
    """The sessions of one gateway process that rest on the register, looked at from its tick."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._resting: dict[ClientSide, Resting] = {}
        self._is_running = False
        self._look_at_files: datetime | None = None  # when next

    def look(self, now: datetime) -> None:
        """Begin to ask about the sessions that are due, unless that still goes on; waits for nothing."""
        self._take(now)
        due = [side for side, resting in self._resting.items() if resting.due <= now]
        if due and not self._is_running:
            self._is_running = True
            self._server.spawn(self._run(due))
        if self._look_at_files is None or not now < self._look_at_files <= now + EVERY:
            self._look_at_files = now + EVERY
            resting = [side for side in self._server.sessions if _lives(side) and _on_file(side)]
            if resting:
                self._server.spawn(self._end_what_is_not_on_file(resting, now))

    async def look_at_all(self) -> dict[str, Any]:
        """Ask about every session now, and return how many were asked about, ended, and left unanswered."""
        self._take(self._server.now())
        return await self._ask(list(self._resting))

    async def _end_what_is_not_on_file(self, sides: Sequence["ClientSide"], now: datetime) -> None:
        loop, door = asyncio.get_running_loop(), self._server.parts.door
        sources = [side.answer.sources if side.answer is not None else Sources() for side in sides]
        # In the door's threads: the signatures of a file that changed are looked at again.
        stand = await loop.run_in_executor(
            self._server.threads, lambda: [door.stands_on_file(one, now) for one in sources]
        )
        gone = [side for side, stands in zip(sides, stand, strict=True) if not stands]
        await self._end(
            [(side, "what it rests on is no longer on file", b"record") for side in gone if _lives(side)]
        )

    def _take(self, now: datetime) -> None:
        """Take in who came and let go of who went."""
        rules, before = self._server.parts.door.register.rules, self._resting
        self._resting = {}
        for side in self._server.sessions:
            sources = side.answer.sources if side.answer is not None else None
            if sources is None or sources.question is None or not _lives(side):
                continue
            found = before.get(side) or begin(sources.question, sources.heard or now, rules)
            # A clock that was set back does not make a word last longer.
            self._resting[side] = found if found.heard <= now else begin(found.question, now, rules)

    async def _run(self, due: Sequence["ClientSide"]) -> None:
        try:
            await self._ask(due)
        finally:
            self._is_running = False

    async def _ask(self, sides: Sequence["ClientSide"]) -> dict[str, Any]:
        asked: dict[Question, list[ClientSide]] = defaultdict(list)
        for side in sides:
            if (resting := self._resting.get(side)) is not None:  # it may have gone meanwhile
                asked[resting.question].append(side)
        questions, words = list(asked), dict[Question, Word]()
        for at in range(0, len(questions), BATCH):
            if self._server.stopped.is_set():
                break
            batch = questions[at : at + BATCH]
            register, now = self._server.parts.door.register, self._server.now()
            found = await asyncio.gather(*(register.ask(one, now=now, is_recheck=True) for one in batch))
            words |= zip(batch, found, strict=True)
            # At once, batch by batch: the first closed case does not wait for the last answer.
            await self._carry_out([side for one in batch for side in asked[one]], words)
        silent = sum(len(asked[one]) for one, word in words.items() if word.says is None)
        ended = sum(side not in self._resting for side in sides)
        return {"asked": len(sides), "ended": ended, "unanswered": silent}

    async def _carry_out(self, sides: Sequence["ClientSide"], words: dict[Question, Word]) -> None:
        now, rules = self._server.now(), self._server.parts.door.register.rules
        ending = []
        for side in sides:
            resting = self._resting.get(side)
            if resting is None or side not in self._server.sessions:
                self._resting.pop(side, None)
                continue
            word = words[resting.question]
            becomes, after = judge(resting, word, rules, now=now)
            self._resting[side] = after
            if becomes is Next.ENDS:
                del self._resting[side]
                said = "the case is not found open and assigned" if word.says is False else "no answer"
                ending.append((side, said, b"register"))
        await self._end(ending)

    async def _end(self, ending: Sequence[tuple["ClientSide", str, bytes]]) -> None:
        if not ending:
            return
        # The reason is in the record before anything ends.
        self._server.append([_draft(*one) for one in ending], self._server.now())
        with suppress(UpstreamError):  # the clients are closed; their backends end with them
            await self._server.cutting.end([side for side, _, _ in ending], TOLD)


def _lives(side: "ClientSide") -> bool:
    return side.session is not None and side.session.phase in {Phase.CONNECTING, Phase.RELAY}


def _on_file(side: "ClientSide") -> bool:
    return side.answer is not None and bool(side.answer.sources.on_file)


def _draft(side: "ClientSide", outcome: str, reason: bytes) -> Draft:
    subject = side.subject()
    fields = (
        (Field.LOGIN, subject.login.encode() if subject is not None else b""),
        (Field.OUTCOME, outcome.encode()),
        (Field.REASON, reason),
    )
    return Draft(Kind.CUT, side.session_id, 0, fields)
