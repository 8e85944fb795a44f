"""Several workers' spools in one log: each leaf once, in places that a killed publisher finds again."""

import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.errors import MalformedError, StoreError, VerificationError
from doorward.notes.note import Signer
from doorward.record import log as log_module
from doorward.record import places as places_module
from doorward.record.disclosures import PostgresDisclosures
from doorward.record.openings import MemoryDisclosures
from doorward.record.places import PLACES, LeafPlaces, Run
from doorward.record.segments import list_segments
from doorward.record.spool import Spool, SpoolLimits
from doorward.record.workers import first_sequence, list_workers, worker_folder, worker_of
from record.samples import NOW, World, blocks_of, conversation, fill, log_files, seeded, session_id
from tests_support.examples import examples

SMALL = SpoolLimits(segment_bytes=3_000)
STEPS = (
    "spool read", "spool synced", "places written", "disclosures committed", "tile written", "tiles synced",
    "checkpoint written", "segments removed",
)  # fmt: skip


@pytest.fixture(name="recorder")
def recorder_fixture(recorder_conninfo: str) -> Iterator[PostgresDisclosures]:
    with PostgresDisclosures(recorder_conninfo) as disclosures:
        yield disclosures


def open_worker(world: World, worker: int, limits: SpoolLimits = SMALL) -> Spool:
    folder = worker_folder(world.spool_dir, worker)
    return Spool.open(folder, now=NOW, random=seeded(worker), limits=limits, worker=worker)


def record(world: World, worker: int, sessions: Sequence[int]) -> None:
    spool = open_worker(world, worker)
    for number in sessions:
        spool.append(conversation(session_id(1000 * worker + number), 3), now=NOW)
    spool.close(now=NOW)


def leaves_in_all(world: World) -> int:
    found = 0
    for folder in list_workers(world.spool_dir).values():
        blocks = blocks_of(folder)
        found += blocks[-1].leaf_index + 1 if blocks else 0
    return found


def test_a_workers_entries_are_numbered_apart_and_say_whose_they_are(world: World) -> None:
    record(world, 3, [1])
    blocks = blocks_of(worker_folder(world.spool_dir, 3))
    assert blocks[0].first == first_sequence(3)
    assert {worker_of(block.last) for block in blocks} == {3}
    assert [block.leaf_index for block in blocks] == list(range(len(blocks)))


@pytest.mark.parametrize("worker", [0, 1, 15])
def test_the_largest_number_of_a_worker_fits_the_store(worker: int) -> None:
    assert first_sequence(worker + 1) - 1 < 2**63


def test_the_leaves_of_all_workers_are_in_one_log(world: World) -> None:
    for worker in (0, 1, 2):
        record(world, worker, range(20))
    assert world.publish() == leaves_in_all(world) > 200
    assert world.found() == []


def test_a_folder_of_one_worker_goes_on_with_two_and_with_one_again(world: World) -> None:
    fill(world.spool_dir, range(40), limits=SMALL)
    alone = world.publish()
    assert not (world.spool_dir / PLACES).exists()
    record(world, 1, range(5))
    record(world, 0, range(50, 55))
    both = world.publish()
    assert alone < both == leaves_in_all(world)
    record(world, 0, range(60, 65))
    assert both < world.publish() == leaves_in_all(world)
    assert world.found() == []


def test_without_a_second_worker_nothing_is_written_down(world: World) -> None:
    fill(world.spool_dir, range(10))
    steps: list[str] = []
    with closing(world.publisher()) as publisher:
        publisher.publish_once(steps.append)
    assert "places written" not in steps
    assert sorted(path.name for path in world.spool_dir.iterdir() if not path.name.startswith("seg-")) == [
        "publisher.lock",
        "writer.lock",
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(
    rounds=st.lists(st.lists(st.integers(0, 3), max_size=3), max_size=6),
    pass_blocks=st.integers(1, 30),
    stops=st.lists(st.sampled_from(STEPS), max_size=6),
)
def test_a_publisher_that_fails_anywhere_makes_the_same_log(
    rounds: Sequence[Sequence[int]],
    pass_blocks: int,
    stops: Sequence[str],
    tmp_path_factory: pytest.TempPathFactory,
    signer: Signer,
) -> None:
    folder = tmp_path_factory.mktemp("workers")
    world = World(folder, signer, MemoryDisclosures())
    waiting = list(stops)

    def fail_once(step: str) -> None:
        if waiting and step == waiting[0]:
            waiting.pop(0)
            raise StoreError("the test's failure")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_module, "MAX_PASS_BLOCKS", pass_blocks)
        patch.setattr(places_module, "COMPACT_BYTES", 100)
        for number, active in enumerate(rounds):
            for worker in active:
                record(world, worker, [number])
            with closing(world.publisher()) as publisher:
                for _ in range(3):
                    try:
                        publisher.publish_once(fail_once)
                    except StoreError:
                        continue
        waiting.clear()
        assert world.publish() == leaves_in_all(world)
    assert world.found() == []
    shutil.rmtree(folder)


def publish_and_die(world: World, conninfo: str, at: str) -> None:
    def die(step: str) -> None:
        if step == at:
            os.kill(os.getpid(), signal.SIGKILL)

    World(world.folder, world.signer, PostgresDisclosures(conninfo)).publisher().publish_once(die)
    os._exit(1)


@pytest.mark.pg
def test_killed_behind_any_step_the_places_are_the_same(
    world: World, recorder: PostgresDisclosures, recorder_conninfo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "MAX_PASS_BLOCKS", 30)
    world.disclosures = recorder
    for worker in (0, 1, 2):
        record(world, worker, range(6))
    for step in STEPS:
        pid = os.fork()
        if pid == 0:  # pragma: no cover  # the child is killed
            publish_and_die(world, recorder_conninfo, step)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL, step
        if (world.log_dir / "checkpoint").exists():
            assert world.found() == []
        record(world, 1, [STEPS.index(step) + 100])
    assert world.publish() == leaves_in_all(world)
    assert world.found() == []


@pytest.mark.pg
def test_what_is_in_the_disclosures_is_compared_for_each_worker(
    world: World, recorder: PostgresDisclosures
) -> None:
    world.disclosures = recorder
    for worker in (0, 1):
        record(world, worker, range(3))
    world.publish()
    for file in (world.log_dir / "tile").rglob("*"):
        if file.is_file():
            file.unlink()
    shutil.rmtree(world.log_dir)
    (world.spool_dir / PLACES).unlink()
    assert world.publish() == leaves_in_all(world)  # committed again, found equal
    assert world.disclosures.totals().sequences.keys() == {0, 1}
    assert world.found() == []


def test_segments_of_every_worker_are_removed_and_places_of_what_is_gone_are_forgotten(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places_module, "COMPACT_BYTES", 200)
    for number in range(30):
        for worker in (0, 1):
            record(world, worker, [number])
        world.publish()
    assert [len(list_segments(folder)) for folder in list_workers(world.spool_dir).values()] == [1, 1]
    assert (world.spool_dir / PLACES).stat().st_size < 1500 < 34 * 60
    assert world.found() == []


def test_a_torn_place_at_the_end_placed_nothing(world: World) -> None:
    for worker in (0, 1):
        record(world, worker, range(3))
    world.publish()
    with (world.spool_dir / PLACES).open("ab") as file:
        file.write(b"\0" * 20)
    record(world, 1, [10])
    assert world.found() == []
    assert world.publish() == leaves_in_all(world)
    assert (world.spool_dir / PLACES).stat().st_size % 34 == 0
    assert world.found() == []


def test_a_damaged_place_in_the_middle_is_refused(world: World) -> None:
    for number in range(3):
        for worker in (0, 1):
            record(world, worker, [number])
        world.publish()
    file = world.spool_dir / PLACES
    data = bytearray(file.read_bytes())
    data[40] ^= 1
    file.write_bytes(data)
    with pytest.raises(MalformedError, match="at offset 34"):
        world.publisher()
    assert any("at offset 34" in line for line in world.found())


def test_places_that_were_put_back_sign_nothing(world: World) -> None:
    for worker in (0, 1):
        record(world, worker, range(3))
    world.publish()
    old = (world.spool_dir / PLACES).read_bytes()
    record(world, 1, [5])
    world.publish()
    before = log_files(world.log_dir)
    (world.spool_dir / PLACES).write_bytes(old)
    with pytest.raises(VerificationError, match="knows the places of"):
        world.publish()
    assert log_files(world.log_dir) == before
    assert any("knows the places of" in line for line in world.found())


def test_a_worker_whose_spool_is_gone_stops_the_log(world: World) -> None:
    for worker in (0, 1):
        record(world, worker, range(3))
    world.publish()
    shutil.rmtree(worker_folder(world.spool_dir, 1))
    with pytest.raises(VerificationError, match="the spool of worker 1 is gone"):
        world.publish()
    assert any("spool of worker 1: there is none" in line for line in world.found())


def test_a_spool_in_another_workers_folder_is_not_written_to_and_not_published(world: World) -> None:
    record(world, 0, range(3))
    record(world, 1, range(3))
    own, other = worker_folder(world.spool_dir, 1), worker_folder(world.spool_dir, 2)
    shutil.copytree(own, other)
    with pytest.raises(MalformedError, match="a segment of worker 1, not of worker 2"):
        open_worker(world, 2)
    with pytest.raises(VerificationError, match="which is one of worker 1"):
        world.publish()
    assert any("it is another worker's" in line for line in world.found())


def test_an_entry_changed_in_a_workers_spool_is_found(world: World) -> None:
    for worker in (0, 1):
        record(world, worker, range(3))
    world.publish()
    spool = worker_folder(world.spool_dir, 1)
    shutil.rmtree(spool)
    changed = Spool.open(spool, now=NOW, random=seeded(99), limits=SMALL, worker=1)
    for number in range(3):
        changed.append(conversation(session_id(1000 + number), 3), now=NOW)
    changed.close(now=NOW)
    assert any("they do not give leaf" in line for line in world.found())
    with pytest.raises(VerificationError, match="is not the one that the spool gives"):
        world.publish()


@settings(max_examples=examples(20, deep=200), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    runs=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5)), max_size=12),
    size=st.integers(0, 60),
    torn=st.integers(0, 40),
)
def test_places_are_what_was_added_up_to_the_last_whole_run(
    runs: Sequence[tuple[int, int]], size: int, torn: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder: Path = tmp_path_factory.mktemp("places")
    places = LeafPlaces.load(folder, 0)
    order: list[tuple[int, int]] = []
    own: dict[int, int] = {}
    for worker, count in runs:
        begins = own.get(worker, 0)
        places.add([Run(len(order), worker, begins, count)])
        order += [(worker, begins + at) for at in range(count)]
        own[worker] = begins + count
    if any(worker for worker, _ in runs):
        with (folder / PLACES).open("ab") as file:
            file.write(b"\0" * torn)
    for known in (places, LeafPlaces.load(folder, len(order))):
        assert known.end == len(order)
        assert [known.find(*leaf) for leaf in order] == list(range(len(order)))
        at = min(size, len(order))
        assert [known.count(worker, at) for worker in range(5)] == [
            sum(owner == worker for owner, _ in order[:at]) for worker in range(5)
        ]
        pending = [(run.worker, run.begins + step) for run in known.pending(at) for step in range(run.count)]
        assert pending == order[at:]
    shutil.rmtree(folder)
