"""The drill: an installation is copied while it works, lost, and restored; and what an older copy may not do."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from doorward.cli.folders import Folders
from doorward.embedded.launcher import Cluster
from tests_support.installation import Installation, free_port, installed, start_record, wait_for

pytestmark = pytest.mark.pg


@pytest.fixture(scope="module", name="place")
def place_fixture() -> Iterator[Installation]:
    """One installation for the tests that leave it as it is."""
    with at_work() as place:
        yield place


@pytest.fixture(name="own")
def own_fixture() -> Iterator[Installation]:
    """An installation for a test that breaks it; its gateway has two workers, each with a spool."""
    with at_work(workers=2) as place:
        yield place


@contextmanager
def at_work(workers: int = 1) -> Iterator[Installation]:
    with installed(workers) as place:
        place.ask(3)
        assert wait_for(lambda: place.leaves() > 0)
        yield place


@pytest.fixture(name="room")
def room_fixture() -> Iterator[Path]:
    """A folder that the servers' own user can pass through, with a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="dw-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(name="new_record")
def new_record_fixture(room: Path) -> Iterator[Cluster]:
    record = start_record(room / "r")
    yield record
    record.stop()


def new_config(place: Installation, record: Cluster, room: Path) -> tuple[Path, Folders]:
    config, folders = room / "new.toml", Folders(room / "new")
    place.write_config(config, data=folders.data, record=record, port=free_port())
    return config, folders


def stop_all(place: Installation) -> None:
    for name in ("gateway", "publisher"):
        assert place.stop(name) == (0, "")


def test_the_drill_a_copy_is_restored_verified_and_gone_on_with(
    own: Installation, new_record: Cluster, room: Path
) -> None:
    copy = room / "copy"
    with own.connect() as session:  # the door is open, and somebody is in
        session.execute("SELECT 1")
        done = own.doorward("backup", "--to", str(copy))
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        assert copy.stat().st_mode & 0o077 == 0
    stop_all(own)
    config, folders = new_config(own, new_record, room)

    done = own.doorward("restore", "--from", str(copy), "--nothing-newer", config=config)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "restored: " in done.stdout
    own.start("publisher", config)
    verified = own.doorward_at(folders, "log", "verify")
    assert (verified.returncode, verified.stderr) == (0, ""), verified.stdout
    assert "everything that was checked holds" in verified.stdout

    before = own.leaves(folders)
    own.start("gateway", config)
    own.port = int(config.read_text().split("port = ")[1].split()[0])
    own.ask()
    assert wait_for(lambda: own.leaves(folders) > before)
    verified = own.doorward_at(folders, "log", "verify")
    assert (verified.returncode, verified.stderr) == (0, ""), verified.stdout
    stop_all(own)


def test_a_copy_that_was_touched_is_not_restored(
    place: Installation, new_record: Cluster, room: Path
) -> None:
    copy = room / "copy"
    assert place.doorward("backup", "--to", str(copy)).returncode == 0
    config, folders = new_config(place, new_record, room)
    with (copy / "data" / "people.json").open("a") as file:
        file.write(" ")
    done = place.doorward("restore", "--from", str(copy), "--nothing-newer", config=config)
    assert (done.returncode, "1 files of the copy are not as they were made" in done.stderr) == (1, True)
    assert not folders.data.exists()


def test_a_copy_older_than_what_was_published_is_not_gone_on_with(
    place: Installation, new_record: Cluster, room: Path
) -> None:
    copy = room / "copy"
    assert place.doorward("backup", "--to", str(copy)).returncode == 0
    size = place.leaves()
    place.ask()
    assert wait_for(lambda: place.leaves() > size)
    newest = room / "newest"
    shutil.copy(place.folders.log / "checkpoint", newest)
    config, folders = new_config(place, new_record, room)
    done = place.doorward("restore", "--from", str(copy), "--newest", str(newest), config=config)
    assert (done.returncode, "begin a new log" in done.stderr) == (1, True)
    assert not folders.data.exists()


def test_a_checkpoint_that_was_published_before_the_copy_is_a_beginning_of_it(
    place: Installation, new_record: Cluster, room: Path
) -> None:
    public = room / "public"
    shutil.copy(place.folders.log / "checkpoint", public)
    size = place.leaves()
    place.ask()
    assert wait_for(lambda: place.leaves() > size)
    copy = room / "copy"
    assert place.doorward("backup", "--to", str(copy)).returncode == 0
    config, _ = new_config(place, new_record, room)
    done = place.doorward("restore", "--from", str(copy), "--newest", str(public), config=config)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_copy_that_is_put_in_place_by_hand_signs_nothing(own: Installation, room: Path) -> None:
    copy = room / "copy"
    assert own.doorward("backup", "--to", str(copy)).returncode == 0
    stop_all(own)
    shutil.move(own.folders.data, room / "lost")
    shutil.copytree(copy / "data", own.folders.data)
    own.start("publisher")
    assert ended(own, "publisher") == 1, "the key is bound to the folder that was lost"
    move(own)
    own.start("publisher")
    assert ended(own, "publisher") == 1, "a held checkpoint is none"
    assert not (own.folders.log / "checkpoint").exists()


def test_an_older_spool_is_recognised_and_nothing_is_signed(own: Installation) -> None:
    old = plain_copy(own)
    ask_and_publish(own)
    stop_all(own)
    shutil.rmtree(own.folders.spool)
    shutil.copytree(old / "spool", own.folders.spool)
    before = (own.folders.log / "checkpoint").read_bytes()
    own.start("publisher")
    assert ended(own, "publisher") == 1
    assert (own.folders.log / "checkpoint").read_bytes() == before


@pytest.mark.long
def test_an_older_log_before_its_own_spool_gets_the_same_leaves_again(own: Installation) -> None:
    old = plain_copy(own)
    ask_and_publish(own)
    stop_all(own)
    newest = (own.folders.log / "checkpoint").read_bytes()
    shutil.rmtree(own.folders.log)
    shutil.copytree(old / "log", own.folders.log)
    own.start("publisher")
    assert wait_for(lambda: (own.folders.log / "checkpoint").read_bytes() == newest)
    assert own.stop("publisher") == (0, "")


def test_an_older_copy_of_the_whole_folder_is_recognised_by_the_disclosures(own: Installation) -> None:
    old = plain_copy(own)
    ask_and_publish(own)
    stop_all(own)
    shutil.rmtree(own.folders.data)
    shutil.copytree(old, own.folders.data)
    before = (own.folders.log / "checkpoint").read_bytes()
    own.start("publisher")
    assert ended(own, "publisher") == 1, "a copy, also in the place of the first"
    move(own)
    own.start("gateway")
    own.ask()  # recorded, and never published: the disclosures have other entries at these places
    own.start("publisher")
    assert ended(own, "publisher") == 1
    assert (own.folders.log / "checkpoint").read_bytes() == before
    assert own.stop("gateway") == (0, "")


def test_a_key_signs_where_it_is_bound_and_a_move_that_is_meant_is_in_the_record(
    own: Installation, room: Path
) -> None:
    stop_all(own)
    moved, config = Folders(room / "moved"), room / "moved.toml"
    shutil.copytree(own.folders.data, moved.data, ignore=shutil.ignore_patterns("*.sock"))
    own.write_config(config, data=moved.data, record=own.record, port=own.port)
    key = (own.folders.log / "vkey").read_text().strip()
    neighbour = f'[record]\nneighbours = [{{ key = "{key}", place = "{own.folders.log}" }}]\n'
    config.write_text(config.read_text().replace("[record]\n", neighbour))
    before = (moved.log / "checkpoint").read_bytes()
    own.start("publisher", config)
    said = own.processes["publisher"].communicate(timeout=30)[1]
    assert own.processes.pop("publisher").returncode == 1
    assert "and this is a copy of the folder; nothing was signed" in said
    assert (moved.log / "checkpoint").read_bytes() == before
    assert own.doorward("log", "move", "--by", " ", "--reason", "x", config=config).returncode == 2
    done = own.doorward(
        "log", "move", "--by", "security officer", "--reason", "the host is new", config=config
    )
    assert (done.returncode, "signs here now" in done.stdout) == (0, True), done.stderr
    again = own.doorward("log", "move", "--by", "security officer", "--reason", "again", config=config)
    assert (again.returncode, "bound to this place already" in again.stdout) == (0, True)
    size = own.leaves(moved)
    own.start("publisher", config)
    assert wait_for(lambda: own.leaves(moved) == size + 2), "the move itself, and what a neighbour showed"
    assert own.doorward("log", "move", "--by", "a", "--reason", "b", config=config).returncode == 3, "it runs"
    assert own.stop("publisher") == (0, "")
    with psycopg.connect(own.record.dsn(user="postgres", dbname="disclosures")) as owner:
        bodies = [row[0] for row in owner.execute("SELECT body FROM record.entries WHERE kind = 16")]
    assert len(bodies) == 2
    assert sum(b"checkpoint" in body and before in body and b"moved" not in body for body in bodies) == 1
    moves = [body for body in bodies if b"moved" in body]
    assert all(words in moves[0] for words in (b"security officer", b"the host is new", before))
    assert own.doorward_at(moved, "log", "verify").returncode == 0


def test_where_everything_is_put_back_whoever_kept_a_checkpoint_sees_it(
    own: Installation, new_record: Cluster, room: Path
) -> None:
    # Folder, key and disclosures put back together by other means than `doorward restore`: nothing on this host knows
    # better, and the log goes on. What is promised today is that the newer checkpoint, wherever it was kept, proves it.
    copy = room / "copy"
    assert own.doorward("backup", "--to", str(copy)).returncode == 0
    size = own.leaves()
    own.ask()
    assert wait_for(lambda: own.leaves() > size)
    kept = room / "kept"
    shutil.copy(own.folders.log / "checkpoint", kept)
    stop_all(own)
    config, folders = new_config(own, new_record, room)
    done = own.doorward("restore", "--from", str(copy), "--nothing-newer", config=config)  # which is not so
    assert done.returncode == 0
    own.start("publisher", config)
    own.start("gateway", config)
    own.port = int(config.read_text().split("port = ")[1].split()[0])
    wanted = int(kept.read_text().splitlines()[1])
    own.ask(3)
    assert wait_for(lambda: own.leaves(folders) >= wanted)
    second = room / "second"
    assert own.doorward("backup", "--to", str(second), config=config).returncode == 0
    third = room / "third.toml"
    own.write_config(third, data=room / "third", record=new_record)
    done = own.doorward("restore", "--from", str(second), "--newest", str(kept), config=third)
    assert (done.returncode, "is not a beginning of this copy" in done.stderr) == (1, True), done.stderr
    stop_all(own)


@pytest.mark.long
def test_where_everything_is_put_back_a_witness_knows_and_nothing_is_signed(
    own: Installation, new_record: Cluster, room: Path
) -> None:
    # As above, and the log has a witness in another city: the publisher asks before it signs.
    vkey = (own.folders.log / "vkey").read_text()
    witness = room / "witness"
    made = subprocess.run(
        [sys.executable, "-m", "doorward", "log", "witness", "new", str(witness), "--name", "witness.example/w1"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    (witness / "logs").write_text(vkey)
    served = subprocess.Popen(
        [sys.executable, "-m", "doorward", "log", "witness", "run", str(witness), "--port", "0", "--json"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert served.stdout is not None
        port = json.loads(served.stdout.readline())["port"]
        policy = room / "policy"
        policy.write_text(f"witness w1 {made.stdout.strip()} http://127.0.0.1:{port}\nquorum w1\n")
        asked = own.folder / "asked.toml"
        asked.write_text(own.config.read_text() + f'\n[witnesses]\npolicy = "{policy}"\nevery_seconds = 1\n')
        assert own.stop("publisher") == (0, "")
        own.start("publisher", asked)
        copy = room / "copy"
        assert own.doorward("backup", "--to", str(copy)).returncode == 0
        size = own.leaves()
        own.ask()
        witnessed = own.folders.log / "witnessed"
        assert wait_for(lambda: witnessed.exists() and int(witnessed.read_text().splitlines()[1]) > size)
        said = own.doorward("doctor", config=asked).stdout
        assert "witnesses" in said
        assert "1 of 1 cosigned" in said
        stop_all(own)
        config, folders = new_config(own, new_record, room)
        config.write_text(config.read_text() + f'\n[witnesses]\npolicy = "{policy}"\n')
        done = own.doorward(
            "restore", "--from", str(copy), "--nothing-newer", config=config
        )  # which is not so
        assert done.returncode == 0
        before = (folders.log / "checkpoint").read_bytes()
        own.start("publisher", config)
        assert ended(own, "publisher") == 1
        assert (folders.log / "checkpoint").read_bytes() == before
    finally:
        served.terminate()
        served.communicate(timeout=10)


def plain_copy(place: Installation) -> Path:
    """Stop, copy the data folder as any tool does, and start again."""
    stop_all(place)
    old = place.folder / "old"
    shutil.copytree(place.folders.data, old, ignore=shutil.ignore_patterns("*.sock"))
    place.start("publisher")
    place.start("gateway")
    return old


def move(place: Installation) -> None:
    done = place.doorward("log", "move", "--by", "security officer", "--reason", "the disk broke")
    assert done.returncode == 0, done.stderr


def ask_and_publish(place: Installation) -> None:
    size = place.leaves()
    place.ask()
    assert wait_for(lambda: place.leaves() > size)


def ended(place: Installation, name: str) -> int:
    """Wait until a process ends by itself, and return its exit code."""
    process = place.processes.pop(name)
    try:
        process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        raise
    return process.returncode
