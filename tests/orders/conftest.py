"""The pack of Chicago, as it is and with one file changed."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from doorward.errors import Finding, PolicyCheckError
from doorward.orders.assemble import assemble_pack
from doorward.orders.load import Pack, find_pack, load_pack, read_files

Files = dict[str, bytes]


@pytest.fixture(scope="session")
def now() -> datetime:
    return datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def pack() -> Pack:
    return load_pack("chicago")


@pytest.fixture(scope="session")
def files() -> Files:
    return read_files(find_pack("chicago"))


@pytest.fixture
def changed(files: Files) -> Callable[..., Files]:
    """Returns the pack's files with one text of one file replaced once; the text must be there."""

    def change(name: str, old: str, new: str) -> Files:
        text = files[name].decode()
        assert old in text
        return files | {name: text.replace(old, new, 1).encode()}

    return change


@pytest.fixture
def faults(changed: Callable[..., Files]) -> Callable[..., tuple[Finding, ...]]:
    """Returns every fault of the pack with one text of one file replaced."""

    def find(name: str, old: str, new: str) -> tuple[Finding, ...]:
        with pytest.raises(PolicyCheckError) as caught:
            assemble_pack(changed(name, old, new))
        return caught.value.findings

    return find


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Files], Path]:
    """Writes files as a pack's folder and returns it."""

    def write(files: Files) -> Path:
        for name, content in files.items():
            path = tmp_path / "pack" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return tmp_path / "pack"

    return write
