"""A publisher that does not get on: an alarm, then a closed door, then an open one without a restart."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest

from doorward.gateway import upkeep as module
from doorward.gateway.logbook import Event, Logbook
from doorward.gateway.server import Server
from doorward.gateway.upkeep import Upkeep, Watched
from doorward.gateway.verdict import UNPUBLISHED
from doorward.record.waiting import SpoolLook


def side(*, protected: bool | None) -> SimpleNamespace:
    return SimpleNamespace(answer=None if protected is None else SimpleNamespace(is_protected=protected))


@dataclass
class Door:
    """What `Upkeep` sees of a server."""

    sessions: list[SimpleNamespace]
    ended: list[tuple[SimpleNamespace, str]] = field(default_factory=list)
    closed_leaves: int = 7

    def __post_init__(self) -> None:
        self.watchers = ThreadPoolExecutor(1)
        self.parts = SimpleNamespace(spool=self)

    async def end_quietly(self, sides: list[SimpleNamespace], told: str) -> None:
        self.ended += [(one, told) for one in sides]

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, asyncio.get_running_loop())


class Said(Logbook):
    events: ClassVar[list[Event]] = []

    def say(self, event: Event, **facts: str | int) -> None:
        self.events.append(event)
        assert set(facts) <= {"seconds"}


@pytest.mark.parametrize("published", [3, None])
def test_a_publisher_that_stands_still_alarms_then_closes_and_opens_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch, published: int | None
) -> None:
    clock, looks = [0.0], [SpoolLook(published, 0)]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    ordinary, paper, unanswered = side(protected=False), side(protected=True), side(protected=None)
    door, said = Door([ordinary, paper, unanswered]), Said("gateway")
    said.events.clear()
    watched = Watched(spool=lambda: looks[0], stalled_seconds=60, closes_seconds=600)
    upkeep = Upkeep(cast("Server", door), watched, said)

    async def look(at: float) -> str:
        clock[0] = at
        await upkeep._look_at_log()
        await asyncio.sleep(0)
        return upkeep.checks["publisher"]

    async def run() -> list[Any]:
        return [(await look(at), upkeep.is_unpublished) for at in (0, 59, 60, 599, 600, 900)]

    assert asyncio.run(run()) == [
        ("ok", False), ("ok", False), ("stalled", False), ("stalled", False), ("closed", True), ("closed", True),
    ]  # fmt: skip
    assert door.ended == [(ordinary, UNPUBLISHED), (unanswered, UNPUBLISHED)], "once, and nobody protected"
    looks[0] = SpoolLook(7, 0)
    assert asyncio.run(look(902)) == "ok"
    assert not upkeep.is_unpublished
    assert said.events == [Event.PUBLISHER_STALLED, Event.UNPUBLISHED, Event.PUBLISHER_BACK]
    looks[0] = SpoolLook(7, 0, runs=False)
    assert asyncio.run(look(903)) == "closed", "at once, where no log runs"
    assert said.events[3:] == [Event.NO_LOG]
    assert len(door.ended) == 4
    door.watchers.shutdown()


def test_a_disk_that_does_not_answer_is_said_once_and_so_is_its_return() -> None:
    said = Said("gateway")
    said.events.clear()
    upkeep = Upkeep(cast("Server", Door([])), Watched(), said)
    for standing in (0.0, 9.9, 10.0, 12.0, 0.0):
        upkeep.look_at_disk(standing)
    assert said.events == [Event.DISK_WAITS, Event.DISK_BACK]
    upkeep.checks["spool"] = "failed"
    upkeep.look_at_disk(0.0)
    assert upkeep.state()["checks"]["spool"] == "failed"
