"""A witness that is not ours cosigns our log, and its tools check ours: aics-witness and aics-tlog.

They need Python 3.12, so they are no part of the locks: `DOORWARD_AICS` names the folder of an environment's programs.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from doorward.cli.settings_witnesses import load_policy
from doorward.cli.witnesses import Witnesses, WitnessSettings
from doorward.errors import VerificationError
from doorward.notes.note import Signer, append_signature, format_verifier
from doorward.record.checkpoint import parse_checkpoint
from doorward.record.cosignature import Cosigner, format_key
from doorward.record.log_files import LogFiles
from doorward.record.openings import MemoryDisclosures
from doorward.record.trust_policy import verify_by_policy
from record.samples import NOW, SECOND, World, conversation, fill, open_spool, session_id

PROGRAMS = os.environ.get("DOORWARD_AICS", "")
SIGNER = Signer.make("city.example/log", bytes(range(32)))

pytestmark = pytest.mark.skipif(
    shutil.which("aics-witness", path=PROGRAMS or "/nonexistent") is None,
    reason="DOORWARD_AICS names no folder with aics-witness and aics-tlog",
)


def run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(PROGRAMS) / program), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(name="world")
def world_fixture(tmp_path: Path) -> World:
    world = World(tmp_path, SIGNER, MemoryDisclosures())
    fill(world.spool_dir)
    world.publish()
    return world


@contextmanager
def serving(folder: Path, vkey: str) -> Iterator[tuple[str, int]]:
    folder.mkdir()
    config = folder / "witness.json"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    made = run(
        "aics-witness", "init", "-c", config, "--name", "oracle.example/w", "--listen", f"127.0.0.1:{port}"
    )
    assert made.returncode == 0, made.stderr
    added = run("aics-witness", "add-log", "-c", config, "--origin", SIGNER.name, "--vkey", vkey)
    assert added.returncode == 0, added.stderr
    key = next(word for word in made.stdout.split() if word.startswith("oracle.example/w+"))
    process = subprocess.Popen(
        [str(Path(PROGRAMS) / "aics-witness"), "serve", "-c", str(config)], stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield key, port
    finally:
        process.terminate()
        process.wait(10)


def asks(folder: Path, log: Path, key: str, port: int) -> Witnesses:
    file = folder / "policy"
    file.write_text(
        f"log {format_verifier(SIGNER.verifier)}\nwitness w {key} http://127.0.0.1:{port}\nquorum w\n"
    )
    return Witnesses(
        WitnessSettings(load_policy(file), every_seconds=1, timeout_seconds=10), LogFiles(log), SIGNER
    )


def test_it_cosigns_our_log_as_it_grows_and_refuses_an_older_copy_and_a_fork(
    world: World, tmp_path: Path
) -> None:
    with serving(tmp_path / "theirs", format_verifier(SIGNER.verifier)) as (key, port):
        first = asks(tmp_path, world.log_dir, key, port)
        assert first.check() == ""
        assert first.show(0.0) == ""
        shutil.copytree(world.log_dir, tmp_path / "old")
        spool = open_spool(world.spool_dir)
        spool.append(conversation(session_id(50)), now=NOW + 50 * SECOND)
        spool.close(now=NOW + 60 * SECOND)
        size = world.publish()
        assert first.show(2.0) == ""
        raw = (world.log_dir / "witnessed").read_bytes()
        assert verify_by_policy(parse_checkpoint(raw), first.settings.policy).tree_size == size
        (tmp_path / "old" / "witnessed").unlink()
        with pytest.raises(VerificationError, match=f"cosigned size {size} of this log"):
            asks(tmp_path, tmp_path / "old", key, port).check()
        forked = World(tmp_path / "fork", SIGNER, MemoryDisclosures())
        fill(forked.spool_dir, range(90, 99))
        forked.publish()
        with pytest.raises(VerificationError, match="is no beginning of this log"):
            asks(tmp_path, forked.log_dir, key, port).check()


def test_its_tools_check_our_log_and_the_cosignature_of_our_witness(world: World, tmp_path: Path) -> None:
    cosigner = Cosigner.make("witness.example/w", bytes(32))
    raw = (world.log_dir / "checkpoint").read_bytes()
    checkpoint = parse_checkpoint(raw)
    note = tmp_path / "note"
    note.write_bytes(append_signature(checkpoint.note.text, raw, cosigner.cosign(checkpoint, 1_700_000_000)))
    with_key = ("--log-key", format_verifier(SIGNER.verifier), "--origin", SIGNER.name)
    quorum = ("--witness-key", format_key(cosigner.key), "--quorum", "1")
    done = run("aics-tlog", "verify-checkpoint", "--note", note, *with_key, *quorum)
    assert done.returncode == 0, done.stderr
    (world.log_dir / "checkpoint").write_bytes(note.read_bytes())
    done = run("aics-tlog", "verify-inclusion", "--tiles", world.log_dir, *with_key, *quorum, "--index", "3")
    assert done.returncode == 0, done.stderr
    note.write_bytes(raw)
    assert run("aics-tlog", "verify-checkpoint", "--note", note, *with_key, *quorum).returncode != 0
