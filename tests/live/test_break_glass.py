"""Danger to life at a running door: in at once on one's own word, recorded, owed a review, and open to nothing else."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.cli.folders import MARK
from doorward.cli.sample import PEOPLE
from doorward.record.disclosures import PostgresDisclosures
from doorward.record.entry import Field, Kind, decode_fields
from doorward.record.reserve import free_bytes

pytestmark = pytest.mark.pg
DETECTIVE, CLERK, FBI = PEOPLE[0], PEOPLE[1], PEOPLE[2]
WORDS = "child-taken-from-63rd-and-Halsted"
DANGER = f"-c doorward.purpose=safety -c doorward.for=CPD -c doorward.emergency={WORDS}"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(name="doorward")
def doorward_fixture(up: Any) -> Iterator[Run]:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "doorward", *arguments, "--data", str(up.folders.data)],
            capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "COLUMNS": "200"},
        )  # fmt: skip

    yield run
    for file in (up.folders.reviews, up.folders.cuts, up.folders.officers, up.folders.officials):
        file.unlink(missing_ok=True)
    run("cut", "--person", "nobody.here", "--reason", "so that the gateway looks")
    up.folders.cuts.unlink(missing_ok=True)


def key(folder: Path, *names: str) -> tuple[dict[str, str], str]:
    found, lines = {}, []
    for number, name in enumerate(names):
        file = folder / f"{number}-{name.partition('/')[0]}.key"
        done = subprocess.run(
            [sys.executable, "-m", "doorward", "order", "key", name, "--out", str(file)],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        found[name] = str(file)
        lines.append(done.stdout)
    return found, "".join(lines)


def refused(up: Any, person: Any = DETECTIVE, **changed: Any) -> str:
    with pytest.raises(psycopg.OperationalError) as error:
        up.connect(person, **({"options": DANGER} | changed))
    return str(error.value)


def owed(doorward: Run, *flags: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(doorward("review", "list", "--json", *flags).stdout)
    return found


def recorded(up: Any, is_there: Callable[[list[Any]], bool]) -> list[Any]:
    deadline = time.monotonic() + 20
    while True:
        with PostgresDisclosures((up.folders.run / "record.dsn").read_text().strip()) as store:
            found: list[Any] = []
            leaf = 0
            while blocks := store.read(leaf, 1000):
                found += [(Kind(e.kind), dict(decode_fields(e.body))) for b in blocks for e in b.entries]
                leaf = blocks[-1].leaf_index + 1
        if is_there(found):
            return found
        assert time.monotonic() < deadline, "the record was not published in time"
        time.sleep(0.05)


def test_an_officer_looks_now_and_a_supervisor_reviews_it(up: Any, doorward: Run, tmp_path: Path) -> None:
    with up.connect(options=DANGER) as session:
        # More than the own case, and still no sealed or juvenile row and no status.
        assert session.execute("SELECT count(*) > 1 FROM persons").fetchone() == (True,)
        assert session.execute("SELECT count(*) FROM persons WHERE sealed OR juvenile").fetchone() == (0,)
        with pytest.raises(psycopg.errors.UndefinedColumn):
            session.execute("SELECT birthplace FROM persons")
        (row,) = owed(doorward)
        assert (row["login"], row["stated"], row["state"]) == ("detective", WORDS, "owed")
        (open_session,) = json.loads(doorward("sessions", "--json").stdout)
        assert (open_session["protected"], open_session["grant"]) == (True, row["session"])
    keys, lines = key(tmp_path, "supervisor/other.detective", "supervisor/detective", "fund-manager/finn")
    up.folders.officials.write_text(lines, encoding="utf-8")
    said = ("--finding", "proper", "--evidence", "dispatch 26-1201-0312", "--reason", "welfare check")
    for name, why in (("supervisor/detective", "nobody reviews their own"), ("fund-manager/finn", "office")):
        done = doorward("review", "close", row["id"], "--key", keys[name], *said)
        assert (done.returncode, why in done.stderr) == (1, True), done.stderr
    done = doorward("review", "close", row["id"], "--key", keys["supervisor/other.detective"], *said)
    assert (done.returncode, done.stderr) == (0, "")
    assert owed(doorward) == []
    assert owed(doorward, "--all")[0]["finding"] == "proper"
    assert (
        doorward("review", "close", row["id"], "--key", keys["supervisor/other.detective"], *said).returncode
        == 2
    )
    found = recorded(up, lambda entries: any(kind is Kind.REVIEW for kind, _ in entries))
    decided = [fields for kind, fields in found if kind is Kind.DECISION and Field.EVIDENCE in fields]
    assert decided[-1][Field.EVIDENCE] == WORDS.encode()
    assert (decided[-1][Field.REASON], decided[-1][Field.POLICIES]) == (b"break-glass", b"emergency-query")
    reviewed = [fields for kind, fields in found if kind is Kind.REVIEW]
    assert reviewed[-1][Field.LOGIN] == b"supervisor/other.detective"
    assert (reviewed[-1][Field.OUTCOME], reviewed[-1][Field.GRANT]) == (b"proper", row["session"].encode())


def test_the_officer_reads_how_long_it_is_open_and_that_it_is_reviewed(up: Any, doorward: Run) -> None:
    done = up.psql("-c", "SELECT 1", PGOPTIONS=DANGER)
    assert done.stdout.strip() == "1"
    assert "another person reviews it within a day" in done.stderr
    assert len(owed(doorward)) == 1


def test_what_the_order_prohibits_stays_prohibited_and_the_claim_is_on_record(up: Any, doorward: Run) -> None:
    civil = DANGER.replace("purpose=safety", "purpose=civil-immigration-enforcement")
    side_door = DANGER.replace("for=CPD", "for=ICE-ERO")
    nobody = DANGER.replace("-c doorward.for=CPD", "")
    for options in (civil, side_door, nobody):
        plain = options.replace(f" -c doorward.emergency={WORDS}", "")
        assert (
            refused(up, options=options).split("FATAL:")[1] == refused(up, options=plain).split("FATAL:")[1]
        )
    assert owed(doorward) == []
    found = recorded(
        up,
        lambda entries: (
            sum(
                kind is Kind.CONNECT and fields.get(Field.REASON) == WORDS.encode()
                for kind, fields in entries
            )
            >= 3
        ),
    )
    assert found


def test_an_outsider_who_states_an_emergency_is_answered_as_without(up: Any, doorward: Run) -> None:
    for agency in ("FBI", "CPD", "none"):
        options = DANGER.replace("for=CPD", f"for={agency}")
        said = refused(up, FBI, options=options)
        assert "the law department answers" in said
        plain = options.replace(f" -c doorward.emergency={WORDS}", "")
        assert said.split("FATAL:")[1] == refused(up, FBI, options=plain).split("FATAL:")[1]
    assert owed(doorward) == []


def test_ordinary_work_stays_ordinary_whatever_is_stated_beside_it(up: Any, doorward: Run) -> None:
    options = f"{CLERK.options()} -c doorward.emergency={WORDS}"
    with up.connect(CLERK, options=options):
        (session,) = json.loads(doorward("sessions", "--json").stdout)
        assert session["protected"] is False
    assert owed(doorward) == []


@pytest.mark.parametrize("words", ["", ".", "now", "help-me", "_._._", "a" * 201])
def test_a_danger_that_is_not_said_in_words_is_asked_for(up: Any, doorward: Run, words: str) -> None:
    options = DANGER.replace(WORDS, words)
    assert "says what the danger is" in refused(up, options=options)
    assert owed(doorward) == []


def test_cuts_of_everybody_leave_the_floor_and_a_cut_of_a_person_does_not(
    up: Any, doorward: Run, tmp_path: Path
) -> None:
    _, lines = key(tmp_path, "anna.sample.invalid", "ben.sample.invalid")
    up.folders.officers.write_text(lines, encoding="utf-8")
    note = tmp_path / "all.note"
    files = sorted(str(file) for file in tmp_path.glob("*.key"))
    doorward(
        "cut", "--all", "--reason", "a leak", "--until", "2099-01-01", "--note", str(note), "--key", files[0]
    )
    with up.connect(options=DANGER) as before:
        done = doorward("cut", "--note", str(note), "--key", files[1])
        assert (done.returncode, "0 sessions ended" in done.stdout) == (0, True), done.stderr
        before.execute("SELECT 1")
        assert "was ended by the security officer" in refused(up, options=DETECTIVE.options())
        with up.connect(options=DANGER) as after:
            after.execute("SELECT 1")
        # One login that was stolen is closed, danger or not.
        assert doorward("cut", "--person", "detective", "--reason", "stolen password").returncode == 0
        with pytest.raises(psycopg.OperationalError):
            before.execute("SELECT 1")
    assert "was ended by the security officer" in refused(up)


def test_it_needs_no_register_and_no_file_beside_the_record(own_up: Any) -> None:
    with own_up.city() as dba:
        dba.execute("ALTER TABLE cases RENAME TO cases_away")
    for name in ("reviews", "cuts", "asks", "answers", "seen"):
        getattr(own_up.folders, name).write_text("{", encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "doorward", "cut", "--person", "x", "--reason", "x", "--data", str(own_up.folders.data)],
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    # Another number than the one whose "yes" the door has heard a moment ago.
    assert "could not decide" in refused(own_up, options=DETECTIVE.options().replace("JH123456", "JH000001"))
    with own_up.connect(options=DANGER) as session:
        assert session.execute("SELECT count(*) > 1 FROM persons").fetchone() == (True,)
    # What could not be kept was held, and is kept once the file is put right.
    own_up.folders.reviews.unlink()
    deadline = time.monotonic() + 30
    while not own_up.folders.reviews.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (row,) = json.loads(own_up.folders.reviews.read_text())
    assert (row["login"], row["stated"]) == ("detective", WORDS)


@pytest.fixture(name="small_disk")
def small_disk_fixture(
    live_folder: Path, start: Callable[[Path], Any], place_city: Callable[[Path], Path]
) -> Iterator[Any]:
    """A doorward whose spool lies on a disk of its own, of 160 MiB."""
    data = live_folder / "small-disk"
    spool = data / "spool"
    spool.mkdir(parents=True)
    (data / "DOORWARD").write_text(MARK, encoding="utf-8")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=160m,mode=0700", "tmpfs", str(spool)], capture_output=True, check=False
    )  # fmt: skip
    if mounted.returncode != 0:
        pytest.skip("this user may not mount a disk")
    try:
        running = start(place_city(data))
        yield running
        running.stop()
    finally:
        subprocess.run(["umount", str(spool)], check=True)


def test_a_full_disk_of_the_record_lets_emergencies_in_and_everybody_else_once_there_is_room(
    small_disk: Any,
) -> None:
    spool = small_disk.folders.spool
    assert (spool / "reserve").exists()
    with (
        small_disk.connect(CLERK, options=CLERK.options()) as ordinary,
        small_disk.connect(options=DANGER) as danger,
    ):
        filler = spool / "filler"
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, free_bytes(spool) - 8 * 1024 * 1024)
        eventually(lambda: not (spool / "reserve").exists())
        with pytest.raises(psycopg.OperationalError, match="only emergencies are let in"):
            ordinary.execute("SELECT 1")
        assert "only emergencies are let in" in refused(small_disk, CLERK, options=CLERK.options())
        danger.execute("SELECT 1")
        # Something fills the rest of what is free; what was kept is still there.
        with (spool / "more").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, 8 * 1024 * 1024)
        with small_disk.connect(options=DANGER) as session:
            assert session.execute("SELECT count(*) > 1 FROM persons").fetchone() == (True,)
        for name in ("filler", "more"):
            (spool / name).unlink()
        eventually((spool / "reserve").exists)
        with small_disk.connect(CLERK, options=CLERK.options()) as session:
            session.execute("SELECT 1")
        danger.execute("SELECT 1")


def eventually(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)
