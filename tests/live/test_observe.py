"""Clauses observed at a real door: who gets in on it, what the record and the report say, and how it ends."""

import csv
import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.cli.folders import MARK, Folders
from doorward.cli.sample import AGREEMENTS, OTHERS, PEOPLE, as_people
from doorward.grants.people import save_agreements, save_people
from doorward.notes.note import Signer, cosign_note, format_verifier, sign_note
from doorward.orders.load import load_pack
from doorward.orders.observe import Observation, format_observation
from doorward.orders.observed import Would, parse_mode
from doorward.pgwire.scram import make_verifier
from doorward.record.entry import NO_SESSION, Entry, Field, Kind

pytestmark = pytest.mark.pg
DETECTIVE, CLERK, FBI, ERO, SIDE_DOOR = PEOPLE
LAW = [Signer.make(f"law/{name}", sha256(name.encode()).digest()) for name in ("a", "b")]
CIVIL = ("C30b", "T15h5", "C20a0", "T15h1", "T15h4")
SECONDS = 60


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251  # a note has a beginning and an end


def make_folder(data: Path, *, clauses: tuple[str, ...], until: datetime, signers: int = 2) -> Folders:
    """Make a data folder as the security officer leaves it before the door starts."""
    folders = Folders(data)
    data.mkdir(mode=0o755)
    folders.mark.write_text(MARK)
    salt = b"0123456789abcdef"
    verifiers = {
        p.login: str(make_verifier(p.password, salt=salt, iterations=4096)) for p in (*PEOPLE, *OTHERS)
    }
    people = as_people(verifiers)
    # The sample's case belongs to the detective: the one who is of a task force here.
    people = [replace(p, task_force=True) if p.login == DETECTIVE.login else p for p in people]
    save_people(people, folders.people)
    save_agreements(AGREEMENTS, folders.agreements)
    folders.law.write_text("".join(f"{format_verifier(signer.verifier)}\n" for signer in LAW))
    write_note(folders, clauses=clauses, until=until, signers=signers)
    return folders


def write_note(folders: Folders, *, clauses: tuple[str, ...], until: datetime, signers: int = 2) -> None:
    made = Observation(
        "chicago",
        load_pack("chicago").digest,
        now() - timedelta(minutes=1),
        until,
        clauses,
        "beside what exists",
    )
    raw = sign_note(format_observation(made), LAW[0])
    for signer in LAW[1:signers]:
        raw = cosign_note(raw, signer)
    folders.observe.write_bytes(raw)


def recorded(folders: Folders) -> list[Entry]:
    """Return every decision that is in the record, published or not."""
    from doorward.cli.report_observe import find_disclosures, read_entries

    found = read_entries(
        folders,
        find_disclosures(folders, ""),
        begins=datetime(2020, 1, 1, tzinfo=UTC),
        ends=now() + timedelta(days=1),
    )
    return [entry for entry in found if entry.kind is Kind.DECISION]


def last_mode(folders: Folders) -> tuple[Any, Entry]:
    entry = [entry for entry in recorded(folders) if entry.session != NO_SESSION][-1]
    raw = entry.get(Field.MODE)
    return (parse_mode(raw) if raw is not None else None), entry


def doorward(folders: Folders, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_alone(*arguments, "--data", str(folders.data))


def run_alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "doorward", *arguments],
        capture_output=True, text=True, check=False, timeout=120, env={**os.environ, "COLUMNS": "300"},
    )  # fmt: skip


def wait_until_ended(session: psycopg.Connection[Any]) -> str:
    """Wait for the door to end a session that asks nothing, and return what it said."""
    readable, _, _ = select.select([session], [], [], SECONDS)
    if not readable:
        pytest.fail("the session was not ended")
    with pytest.raises(psycopg.OperationalError) as ended:
        session.execute("SELECT 1")
    return str(ended.value)


@pytest.fixture(name="observed", scope="module")
def observed_fixture(
    live_folder: Path, start: Callable[[Path], Any], place_city: Callable[[Path], Path]
) -> Iterator[Any]:
    folders = make_folder(
        live_folder / "observed", clauses=("B2", "B6", *CIVIL), until=now() + timedelta(days=7)
    )
    up = start(place_city(folders.data))
    yield up
    up.stop()


def test_who_is_refused_by_an_observed_clause_gets_in_is_told_and_stands_in_the_record(observed: Any) -> None:
    notices: list[str] = []
    with observed.connect() as session:
        session.add_notice_handler(lambda notice: notices.append(notice.message_primary))
        assert session.execute("SELECT count(*) > 0 FROM persons").fetchone() == (True,)
    said = observed.psql("-c", "SELECT 1")
    assert "NOTICE:  observed and not enforced until" in said.stderr
    assert "clause B6, which would refuse this session" in said.stderr
    mode, entry = last_mode(observed.folders)
    assert (mode.would, mode.clauses, mode.policies) == (Would.REFER, ("B6",), ("task-force-not-attested",))
    assert entry.get(Field.OUTCOME) == b"permit"
    assert entry.get(Field.SCOPE)


def test_the_officer_sees_who_is_in_on_an_observation(observed: Any) -> None:
    with observed.connect(), observed.connect(FBI):
        listed = doorward(observed.folders, "sessions").stdout
    assert [line.split()[1] for line in listed.splitlines() if "only observed" in line] == ["detective"]


def test_columns_that_would_be_withheld_are_shown_and_recorded(observed: Any) -> None:
    with observed.connect(CLERK) as session:
        names = {column.name for column in session.execute("SELECT * FROM persons LIMIT 0").description or ()}
        assert {"street_address", "phone", "email"} <= names
        assert "birthplace" not in names  # of a clause that is enforced
        born = session.execute("SELECT birth_date FROM persons LIMIT 1").fetchone()
        assert isinstance(born and born[0], date)  # and not its year alone
    mode, entry = last_mode(observed.folders)
    assert (mode.would, mode.clauses) == (Would.WITHHOLD, ("B2",))
    assert entry.get(Field.OUTCOME) == b"permit"


def test_who_no_observed_clause_is_about_is_as_enforced(observed: Any) -> None:
    said = observed.psql("-c", "SELECT 1", person=FBI)
    assert "observed and not enforced" not in said.stderr
    mode, entry = last_mode(observed.folders)
    assert (mode.would, mode.clauses, entry.get(Field.OUTCOME)) == (Would.SAME, (), b"permit")


@pytest.mark.parametrize("person", [ERO, replace(ERO, purpose="criminal-investigation"), SIDE_DOOR])
def test_nobody_gets_in_for_civil_enforcement_by_observing_its_clauses(observed: Any, person: Any) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"refused|referred"):
        observed.connect(person)
    mode, entry = last_mode(observed.folders)
    assert mode.would in {Would.DENY, Would.REFER}
    assert entry.get(Field.SCOPE) is None


def test_the_record_says_first_what_is_observed_and_by_whom(observed: Any) -> None:
    entry = recorded(observed.folders)[0]
    assert entry.session == NO_SESSION
    mode = parse_mode(entry.get(Field.MODE) or b"")
    assert (mode.would, mode.clauses) == (Would.BEGINS, ("B2", "B6", *CIVIL))
    assert (entry.get(Field.LOGIN) or b"").startswith(b"law/a+")


def test_every_screen_says_what_is_not_enforced(observed: Any) -> None:
    panel = observed.folders.data.with_name(f"{observed.folders.data.name}.out").read_text()
    assert "NOT ENFORCED, only observed until" in " ".join(panel.split())


def test_the_database_holds_the_scopes_of_both_orders(
    observed: Any,
) -> None:
    city = json.loads((observed.folders.run / "city.json").read_text())
    dsn = f"host={city['socket_dir']} port={city['port']} user=postgres dbname=clear"
    install = ("order", "install", "chicago", "--dsn", dsn, "--neither", "records_app", "--dry-run")
    note = ("--observe", str(observed.folders.observe), "--law-keys", str(observed.folders.law))
    told = [run_alone(*install, *arguments) for arguments in ((*note, "--json"), ("--json",), note, note[:2])]
    both, full = (json.loads(done.stdout) for done in told[:2])
    assert (both["created"], both["dropped"], both["observed"]) == ([], [], ["B2", "B6", *CIVIL])
    # What these clauses observed open at chicago's database has the shape of a scope that the order has anyway.
    assert (full["created"], full["dropped"], full["observed"]) == ([], [], [])
    assert "NOT ENFORCED, only observed until" in told[2].stdout
    assert (told[3].returncode, "are given together" in told[3].stderr) == (2, True)


def test_the_record_verifies_with_what_is_observed_in_it(observed: Any) -> None:
    done = doorward(observed.folders, "log", "verify")
    assert done.returncode == 0, done.stdout


def test_the_report_counts_by_clause_and_names_nobody_unless_asked(observed: Any) -> None:
    observed.psql("-c", "SELECT 1")
    done = doorward(observed.folders, "report", "observe", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert "observed and NOT ENFORCED: B2, B6" in told["says"][1]
    assert told["clauses"]["B6"]["let_in"] >= 1
    (row,) = [row for row in told["rows"] if row["clause"] == "B6"]
    assert (row["agency"], row["role"], row["unit"], row["login"]) == ("CPD", "detective", "area-1", "")
    assert "detective," not in done.stdout.replace('"role": "detective",', "")
    with_people = doorward(observed.folders, "report", "observe", "--csv", "--people")
    rows = [line for line in with_people.stdout.splitlines() if not line.startswith("#")]
    assert {row["login"] for row in csv.DictReader(rows) if row["clause"] == "B6"} == {"detective"}
    table = doorward(observed.folders, "report", "observe").stdout
    assert table.startswith("enforced: every clause of the order but those that are named here")
    assert "let in, and refused when enforced:" in table


def test_the_note_is_taken_away_and_who_rests_on_it_is_out_at_once(
    live_folder: Path, start: Callable[[Path], Any], place_city: Callable[[Path], Path]
) -> None:
    folders = make_folder(live_folder / "ends", clauses=("B6",), until=now() + timedelta(days=7))
    up = start(place_city(folders.data))
    try:
        with up.connect(FBI) as fbi, up.connect() as resting:
            folders.observe.unlink()
            assert "the observation of this clause has ended" in wait_until_ended(resting)
            assert fbi.execute("SELECT 1").fetchone() == (1,)  # rests on nothing that was observed
        with pytest.raises(psycopg.OperationalError, match="task-force membership is not attested"):
            up.connect()
        mode, _ = last_mode(folders)
        assert mode is None
        told = json.loads(doorward(folders, "report", "observe", "--json").stdout)
        assert (told["complete"], told["observations"][0]["over"] is not None) == (True, True)
        over = [entry for entry in recorded(folders) if entry.session == NO_SESSION][-1]
        assert parse_mode(over.get(Field.MODE) or b"").would is Would.OVER
        assert b"changed or taken away" in (over.get(Field.REASON) or b"")
    finally:
        up.stop()
    assert "INCOMPLETE" in doorward(folders, "report", "observe").stdout  # the disclosures' server is down
    assert "every clause is enforced" in doorward_up_again(folders, start)


def doorward_up_again(folders: Folders, start: Callable[[Path], Any]) -> str:
    up = start(folders.data)
    try:
        with pytest.raises(psycopg.OperationalError, match="task-force membership is not attested"):
            up.connect()
    finally:
        up.stop()
    return " ".join(folders.data.with_name(f"{folders.data.name}.out").read_text().split())


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda f: f.observe.write_bytes(f.observe.read_bytes().replace(b"B6", b"B5")), "does not hold"),
        (lambda f: write_note(f, clauses=("B6",), until=now() + timedelta(days=7), signers=1), "expected 2 signatures"),
        (lambda f: write_note(f, clauses=("B6",), until=now() - timedelta(seconds=1)), "nothing is observed since"),
        (lambda f: write_note(f, clauses=("CO1",), until=now() + timedelta(days=7)), "court-process-goes-through"),
        (lambda f: f.law.unlink(), "got that of nobody that is known"),
    ],
    ids=["changed", "one signature", "over", "breaks a promise", "no keys"],
)  # fmt: skip
def test_a_note_that_does_not_hold_starts_no_door(spoil: Callable[[Folders], None], says: str) -> None:
    with tempfile.TemporaryDirectory(prefix="doorward-live-") as name:
        folders = make_folder(Path(name) / "data", clauses=("B6",), until=now() + timedelta(days=7))
        spoil(folders)
        done = doorward(folders, "up", "--port", "1", "--city-port", "1")
        assert (done.returncode, says in done.stderr) == (2, True), done.stderr
        assert not (folders.data / "city").exists()
