"""How far the publisher is behind: growing while it stands still, and not while it goes on."""

from pathlib import Path

import pytest

from doorward.record import waiting
from doorward.record.spool import Spool
from doorward.record.waiting import Backlog, SpoolLook, count_published, look_at_spool
from doorward.record.workers import worker_folder
from record.samples import NOW, World, conversation, fill, seeded, session_id


def test_what_is_published_is_counted_from_the_log(world: World) -> None:
    fill(world.spool_dir, range(5))
    assert look_at_spool(world.log_dir, world.spool_dir, 0).published == 0
    size = world.publish()
    assert count_published(world.log_dir, world.spool_dir, 0) == size == 20
    assert count_published(world.log_dir, world.spool_dir, 1) == 0
    assert look_at_spool(world.log_dir, world.spool_dir, 0).spool_bytes > 1000


@pytest.mark.parametrize("newest", [1, 2, 3, 1000])
def test_the_end_of_the_places_is_enough_or_all_of_them_are_read(
    world: World, monkeypatch: pytest.MonkeyPatch, newest: int
) -> None:
    monkeypatch.setattr(waiting, "NEWEST_RUNS", newest)
    for number, worker in enumerate((1, 0, 2, 0, 2, 0)):
        folder = worker_folder(world.spool_dir, worker)
        spool = Spool.open(folder, now=NOW, random=seeded(number), worker=worker)
        spool.append(conversation(session_id(number)), now=NOW)
        spool.close(now=NOW)
        world.publish()
    counted = [count_published(world.log_dir, world.spool_dir, worker) for worker in range(4)]
    assert counted == [12, 4, 8, 0]


def test_a_log_that_cannot_be_read_tells_nothing(world: World) -> None:
    fill(world.spool_dir, range(2))
    world.publish()
    (world.log_dir / "checkpoint").write_bytes(b"nonsense")
    assert look_at_spool(world.log_dir, world.spool_dir, 0).published is None


def test_where_nothing_is_nothing_waits(tmp_path: Path) -> None:
    assert look_at_spool(tmp_path / "log", tmp_path / "spool", 0) == SpoolLook(0, 0)


def test_a_publisher_that_goes_on_is_never_far_behind() -> None:
    backlog = Backlog()
    waits = [
        backlog.look(closed=10 * second + 10, published=10 * second, now=float(second))
        for second in range(1000)
    ]
    assert max(waits) <= 1.0


@pytest.mark.parametrize("published", [5, None])
def test_one_that_stands_still_falls_behind_by_the_second(published: int | None) -> None:
    backlog = Backlog()
    assert backlog.look(closed=5, published=5, now=0.0) == 0.0
    waits = [backlog.look(closed=6 + second, published=published, now=10.0 + second) for second in range(5)]
    assert waits == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert backlog.look(closed=10, published=10, now=20.0) == 0.0
