"""The files of a log where the disk does not do its part."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from doorward.errors import StoreError
from doorward.record.log_files import LogFiles, sync_folder
from doorward.record.tiles import TileId, format_bundle, format_tile


@pytest.fixture
def files(log_dir: Path) -> LogFiles:
    files = LogFiles(log_dir)
    files.make()
    return files


def failing(*_arguments: object, **_named: object) -> Any:
    raise OSError(5, os.strerror(5))


def test_a_file_is_written_whole_and_its_folders_are_synced(
    files: LogFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.replace("tile/0/x001/x234/067", b"tile")
    assert files.read("tile/0/x001/x234/067") == b"tile"
    synced: list[Path] = []
    monkeypatch.setattr("doorward.record.log_files.sync_folder", synced.append)
    files.sync()
    below = ["", "tile", "tile/0", "tile/0/x001", "tile/0/x001/x234"]
    assert {path.resolve() for path in synced} == {(files.folder / name).resolve() for name in below}
    synced.clear()
    files.sync()
    assert synced == []


def test_everybody_may_read_a_log(files: LogFiles) -> None:
    umask = os.umask(0o022)
    try:
        files.replace("tile/0/000", b"tile")
    finally:
        os.umask(umask)
    assert (files.folder / "tile/0/000").stat().st_mode & 0o777 == 0o644


def test_a_short_write_is_gone_on_with(files: LogFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr("os.write", lambda file, data: write(file, bytes(data[:3])))
    files.replace("tile/0/000", b"a longer tile")
    assert files.read("tile/0/000") == b"a longer tile"


def test_a_partial_tile_is_cut_from_the_full_one(files: LogFiles) -> None:
    hashes = [bytes([number]) * 32 for number in range(256)]
    files.replace("tile/0/000", format_tile(hashes))
    files.replace("tile/entries/000", format_bundle(hashes))
    assert files.read_tile(TileId(0, 0, 7)) == format_tile(hashes[:7])
    assert files.read_tile(TileId(None, 0, 7)) == format_bundle(hashes[:7])
    assert files.read_tile(TileId(0, 1, 7)) is None


def test_no_tiles_are_no_paths(files: LogFiles) -> None:
    assert list(files.list_tile_paths()) == []


@pytest.mark.parametrize(
    ("broken", "call", "message"),
    [
        pytest.param(
            "os.fsync",
            lambda files: files.replace("vkey", b"key"),
            "could not be synced: Input/output",
            id="a file's sync",
        ),
        ("os.fsync", lambda files: sync_folder(files.folder), "could not be synced: Input/output"),
        ("os.scandir", lambda files: list(files.list_tile_paths()), "cannot be listed: Input/output"),
        ("pathlib.Path.rmdir", lambda files: files.remove_partials(TileId(0, 0)), "could not be removed"),
    ],
)
def test_a_disk_that_refuses_is_a_store_error(
    files: LogFiles,
    monkeypatch: pytest.MonkeyPatch,
    broken: str,
    call: Callable[[LogFiles], object],
    message: str,
) -> None:
    files.replace("tile/0/000.p/1", b"tile")
    monkeypatch.setattr(broken, failing)
    with pytest.raises(StoreError, match=message):
        call(files)
