"""The log of a host that runs is lost: doors stay closed, it ends in public, another begins, doors open again."""

import json
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.notes.key_files import load_key
from doorward.notes.note import format_verifier
from doorward.record.disclosures import prepare_server
from record.place import invoke
from tests_support.installation import Installation, installed, wait_for

pytestmark = [pytest.mark.pg, pytest.mark.long]


@pytest.fixture(name="place")
def place_fixture() -> Iterator[Installation]:
    """An installation at work, whose log is in no directory yet."""
    with installed() as place:
        place.ask(3)
        assert wait_for(lambda: place.leaves() > 0)
        yield place


def ok(place: Installation, *arguments: str) -> str:
    done = place.doorward(*arguments)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def refused(place: Installation, name: str, why: str) -> None:
    done = place.doorward(name)
    assert (done.returncode, why in done.stderr) == (1, True), done


def make_official(place: Installation) -> Path:
    key = place.folder / "law.key"
    assert invoke("order", "key", "law/first", "--out", key).returncode == 0
    place.folders.officials.write_text(format_verifier(load_key(key).verifier) + "\n")
    return key


def kill(place: Installation, name: str) -> None:
    process = place.processes.pop(name)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)


def is_let_in(place: Installation) -> bool:
    try:
        place.ask()
    except psycopg.Error:
        return False
    return True


def name_directory(place: Installation) -> Path:
    folder = place.folder / "other-volume"
    folder.mkdir()
    text = place.config.read_text()
    place.config.write_text(text.replace("[record]\n", f'[record]\ndirectory = "{folder / "directory"}"\n'))
    return folder / "directory"


def new_database(place: Installation) -> None:
    owner = place.record.dsn(user="postgres", dbname="postgres")
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("ALTER DATABASE disclosures RENAME TO disclosures_before_2")
    prepare_server(owner)


def show(place: Installation, folder: Path) -> None:
    done = invoke("log", "publish", place.folders.log, "--to", folder, "--unscheduled")
    assert (done.returncode, done.stderr) == (0, ""), done


def verify(public: Path, directory: Path, key: str) -> tuple[int, dict[str, Any]]:
    done = invoke("log", "verify", public, "--directory", directory, "--directory-key", key, "--json")
    return done.returncode, json.loads(done.stdout)


def test_a_lost_log_ends_in_public_and_the_door_opens_with_another(place: Installation) -> None:
    key, public = str(make_official(place)), place.folder / "public"
    office = format_verifier(load_key(Path(key)).verifier)
    assert place.stop("publisher") == (0, "")
    directory = name_directory(place)
    refused(place, "publisher", "is not in the directory")
    assert "listed: " in ok(place, "log", "begin", "--key", key)
    place.start("publisher")
    assert place.stop("gateway") == (0, "")
    place.start("gateway")
    place.ask()
    size = place.leaves()
    place.ask()
    assert wait_for(lambda: place.leaves() > size)
    show(place, public)
    shown = place.leaves()
    assert verify(public, directory, office)[0] == 0
    older = Path(tempfile.mkdtemp(prefix="dw-older-", dir=place.folder))
    shutil.copytree(place.folders.log, older / "log")
    shutil.copytree(place.folders.keys, older / "keys")

    kill(place, "publisher")
    shutil.rmtree(place.folders.log)
    assert wait_for(lambda: not is_let_in(place))  # by a gateway that stands open
    kill(place, "gateway")
    for lost in (place.folders.spool, place.folders.keys):
        shutil.rmtree(lost)
    refused(place, "gateway", "no log runs")
    refused(place, "publisher", "no log runs")
    assert place.doorward("log", "begin", "--key", key).returncode == 1

    why = ("--reason", "the volume failed", "--key", key, "--kept", str(public))
    assert f"at {shown} leaves, provable to {shown}" in ok(place, "log", "end", "lost", *why)
    refused(place, "gateway", "no other has begun")
    new_database(place)
    assert "begun: " in ok(place, "log", "begin", "--key", key)
    place.start("publisher")
    place.start("gateway")
    place.ask(2)
    assert wait_for(lambda: place.leaves() > 1)
    verified = place.doorward_at(place.folders, "log", "verify")
    assert (verified.returncode, "everything that was checked holds" in verified.stdout) == (0, True), (
        verified
    )
    show(place, public / "2")
    code, found = verify(public, directory, office)
    assert code == 0
    first, second = found["logs"]
    assert (first["standing"], first["verified"], second["standing"]) == ("ended", shown, "verified")

    for name in ("gateway", "publisher"):
        assert place.stop(name) == (0, "")
    for back in ("log", "keys"):  # the old volume is found again, and mounted
        shutil.rmtree(place.folders.data / back)
        shutil.copytree(older / back, place.folders.data / back)
    shutil.rmtree(place.folders.spool)
    for name in ("publisher", "gateway"):
        refused(place, name, "has ended (lost)")
