"""The reserve goes when the disk fills, and comes back when there is room; in between only emergencies are let in."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.record.reserve import LOW_BYTES, MIB, NAME, RESERVE_BYTES, Reserve, free_bytes

PLENTY = 10 * (LOW_BYTES + RESERVE_BYTES)


class Disk:
    """A disk whose free bytes are said, less what the reserve takes."""

    def __init__(self, size: int) -> None:
        self.size = size

    def free(self, folder: Path) -> int:
        file = folder / NAME
        return max(self.size - (RESERVE_BYTES if file.exists() else 0), 0)


@pytest.fixture(name="disk")
def disk_fixture() -> Disk:
    return Disk(PLENTY)


@pytest.fixture(name="reserve")
def reserve_fixture(tmp_path: Path, disk: Disk) -> Reserve:
    return Reserve(tmp_path, disk.free)


def test_with_room_it_is_made_of_real_blocks_and_everybody_is_let_in(tmp_path: Path) -> None:
    if free_bytes(tmp_path) < PLENTY:
        pytest.skip("the disk of the tests is nearly full")
    reserve = Reserve(tmp_path)
    before = free_bytes(tmp_path)
    assert reserve.look() is False
    assert (tmp_path / NAME).stat().st_blocks * 512 >= RESERVE_BYTES
    assert free_bytes(tmp_path) <= before - RESERVE_BYTES // 2
    assert reserve.look() is False


def test_a_disk_that_fills_gives_the_reserve_to_emergencies(
    tmp_path: Path, disk: Disk, reserve: Reserve
) -> None:
    reserve.look()
    disk.size = RESERVE_BYTES + LOW_BYTES - 1
    assert reserve.look() is True
    assert not (tmp_path / NAME).exists()
    assert disk.free(tmp_path) >= RESERVE_BYTES
    # Room for the reserve alone is not enough: everybody would be out again at once.
    disk.size = RESERVE_BYTES + LOW_BYTES
    assert reserve.look() is True
    disk.size = RESERVE_BYTES + 2 * LOW_BYTES
    assert reserve.look() is False
    assert (tmp_path / NAME).exists()


def test_a_gateway_that_starts_on_a_full_disk_finds_the_room_that_was_kept(
    tmp_path: Path, disk: Disk
) -> None:
    Reserve(tmp_path, disk.free).look()
    disk.size = RESERVE_BYTES
    assert Reserve(tmp_path, disk.free).look() is True
    assert disk.free(tmp_path) == RESERVE_BYTES


def test_a_spool_near_its_bound_lets_only_emergencies_in_too(tmp_path: Path, reserve: Reserve) -> None:
    assert reserve.look(LOW_BYTES) is False
    assert reserve.look(LOW_BYTES - 1) is True
    assert (tmp_path / NAME).exists()  # the disk itself has room
    assert reserve.look(2 * LOW_BYTES - 1) is True
    assert reserve.look(2 * LOW_BYTES) is False


def test_a_folder_that_cannot_be_looked_at_changes_nothing(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "nowhere")
    assert reserve.look() is False


@given(st.lists(st.integers(0, 40), min_size=1, max_size=30))
def test_whenever_it_is_low_there_is_no_reserve_that_takes_the_room(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    disk = Disk(PLENTY)
    reserve = Reserve(folder, disk.free)
    for size in sizes:
        disk.size = size * 8 * MIB
        low = reserve.look()
        if low and disk.size < LOW_BYTES + RESERVE_BYTES:
            assert not (folder / NAME).exists()
        if not low:
            # Everybody is let in only with the reserve in place and room beside it.
            assert (folder / NAME).exists()
            assert disk.free(folder) >= LOW_BYTES
