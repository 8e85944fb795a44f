"""The root that draws a sample: one number for each leaf, whatever checkpoint is looked at, and of a signed log alone."""

from pathlib import Path

import pytest

from doorward.errors import ConfigError, VerificationError
from doorward.fund.filings.log_root import read_root, read_verifier
from doorward.notes.note import Signer, format_verifier
from doorward.record.keys import make_log_key
from doorward.record.openings import MemoryDisclosures
from doorward.record.spool import Spool
from record.samples import NOW, World, connect, session_id


def grown(world: World, many: int) -> int:
    """Add leaves, one a connection, and return how many there are."""
    with_spool = Spool.open(world.spool_dir, now=NOW)
    for number in range(many):
        with_spool.append([connect(session_id(number))], now=NOW, durable=True)
    with_spool.close(now=NOW)
    return world.publish()


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return make_log_key(tmp_path / "log.key", origin="doorward.example/test")


def test_a_root_of_a_leaf_stays_whatever_comes_after(tmp_path: Path, signer: Signer) -> None:
    world = World(tmp_path, signer, MemoryDisclosures())
    size = grown(world, 3)
    verifier = read_verifier(world.log_dir, None)
    before = [read_root(world.log_dir, verifier, leaf) for leaf in range(size)]
    assert grown(world, 5) > size
    assert [read_root(world.log_dir, verifier, leaf) for leaf in range(size)] == before
    assert len(set(before)) == size


def test_no_other_key_than_the_installations_draws(tmp_path: Path, signer: Signer) -> None:
    world = World(tmp_path, signer, MemoryDisclosures())
    grown(world, 1)
    verifier = read_verifier(world.log_dir, None)
    assert read_verifier(world.log_dir, format_verifier(signer.verifier)) == verifier
    other = make_log_key(tmp_path / "other.key", origin="doorward.example/test")
    with pytest.raises(VerificationError, match="another key"):
        read_verifier(world.log_dir, format_verifier(other.verifier))
    with pytest.raises(ConfigError, match="no verifier key"):
        read_verifier(tmp_path, format_verifier(other.verifier))


def test_a_leaf_that_is_not_there_another_key_and_a_changed_tile_are_refused(
    tmp_path: Path, signer: Signer
) -> None:
    world = World(tmp_path, signer, MemoryDisclosures())
    size = grown(world, 3)
    verifier = read_verifier(world.log_dir, None)
    with pytest.raises(VerificationError, match="not yet leaf"):
        read_root(world.log_dir, verifier, size)
    other = make_log_key(tmp_path / "other.key", origin="doorward.example/test").verifier
    with pytest.raises(VerificationError):
        read_root(world.log_dir, other, 0)
    (tile,) = [one for one in world.log_dir.rglob("*") if one.is_file() and "tile/0" in one.as_posix()]
    raw = tile.read_bytes()
    tile.chmod(0o644)
    tile.write_bytes(bytes([raw[0] ^ 1]) + raw[1:])
    with pytest.raises(VerificationError):
        read_root(world.log_dir, verifier, 1)
