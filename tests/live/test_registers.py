"""Registers at a running door: a case that closes ends its session; a dead register opens nothing, and nobody waits."""

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.cli.sample import CASE, OTHERS, PEOPLE, SamplePerson, as_people
from doorward.embedded.clusters import city_spec
from doorward.embedded.launcher import Cluster
from doorward.embedded.sample import SampleSizes, create_sample
from doorward.gateway.control import ask_control
from doorward.grants.people import Agreement, save_agreements, save_people
from doorward.pgwire.scram import make_verifier
from doorward.record.entry import Entry, Field, Kind
from doorward.record.segments import read_spool
from tests_support.certificates import Authority
from tests_support.city import is_well
from tests_support.https_server import HttpsServer, answer, https_server, is_silent, says

pytestmark = pytest.mark.pg
FEW = SampleSizes(400, 400, 400, 400, 400, 200)
COLUMNS = 'case = "case_no"\nstatus = "status"\nkind = "kind"\nassigned_to = "assigned_to"\n'
DETECTIVE, CLERK, FBI, ATF = PEOPLE[0], PEOPLE[1], PEOPLE[2], OTHERS[0]
YES = says(answer(b'{"open": true, "assigned": true, "kind": "criminal"}'))
NO = says(answer(b'{"open": false, "assigned": true, "kind": "criminal"}'))
CHANGED = "the facts this access rests on have changed"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def doorward(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "doorward", *arguments],
        capture_output=True, text=True, check=False, timeout=120, env={**os.environ, "COLUMNS": "300"},
    )  # fmt: skip


@dataclass
class Gateway:
    """A gateway before the city's server, with a register of its own."""

    data: Path
    port: int

    def connect(self, person: SamplePerson = DETECTIVE, **stated: str) -> psycopg.Connection[Any]:
        person = dataclasses.replace(person, **stated)
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=person.login, password=person.password, dbname="clear",
            options=person.options(), sslmode="disable", autocommit=True, connect_timeout=20,
        )  # fmt: skip

    def refused(self, person: SamplePerson = DETECTIVE, **stated: str) -> str:
        with pytest.raises(psycopg.OperationalError) as said:
            self.connect(person, **stated)
        return str(said.value).split("FATAL:")[-1]

    def recheck(self) -> dict[str, Any]:
        return self.ask("register")

    def ask(self, question: str) -> dict[str, Any]:
        (socket_path,) = (self.data / "run").glob("control-*.sock")
        found = ask_control(socket_path, {"ask": question})
        assert found is not None
        return found

    def entries(self, kind: Kind) -> list[Entry]:
        """What the spool holds of a kind; no publisher takes anything away here."""
        found = []
        for block in read_spool(self.data / "spool"):
            found += [entry for entry in getattr(block, "entries", ()) if entry.kind is kind]
        return found


@pytest.fixture(scope="module", name="folder")
def folder_fixture() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="doorward-registers-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module", name="city")
def city_fixture(folder: Path) -> Iterator[Cluster]:
    city = Cluster(city_spec(folder / "city", free_port()))
    city.start()
    create_sample(city.dsn(user="postgres", dbname="postgres"), app_password="app", rows=FEW)
    register = "public.cases=case_no,status,kind,assigned_to"
    dsn = city.dsn(user="postgres", dbname="clear")
    installed = doorward("order", "install", "--neither", "records_app", "--register", register, "--dsn", dsn)
    assert installed.returncode == 0, installed.stderr
    with psycopg.connect(city.dsn(user="postgres", dbname="clear"), autocommit=True) as dba:
        dba.execute("CREATE DATABASE cms")
    with psycopg.connect(city.dsn(user="postgres", dbname="cms"), autocommit=True) as dba:
        dba.execute(
            "CREATE TABLE matter (case_no text, status text, kind text, assigned_to text);"
            "INSERT INTO matter VALUES ('CMS-1', 'open', 'criminal', 'detective')"
        )
    yield city
    city.stop()


@pytest.fixture(scope="module", name="authority")
def authority_fixture(folder: Path) -> Authority:
    return Authority(folder / "authority", "city")


@pytest.fixture(name="service")
def service_fixture(authority: Authority) -> Iterator[HttpsServer]:
    with https_server(authority.issue("register", hosts=("127.0.0.1",)), YES) as server:
        yield server


@contextmanager
def gateway(folder: Path, city: Cluster, register: str) -> Iterator[Gateway]:
    """Run a gateway with this register, and let it stop in peace."""
    place = Path(tempfile.mkdtemp(dir=folder))
    place.chmod(0o755)
    at, data = Gateway(place / "data", free_port()), place / "data"
    data.mkdir()
    (data / "DOORWARD").write_text("this folder belongs to doorward; `doorward reset` removes it\n")
    salt = b"0123456789abcdef"
    sample = (*PEOPLE, *OTHERS)
    verifiers = {one.login: str(make_verifier(one.password, salt=salt, iterations=4096)) for one in sample}
    today = date.today().isoformat()  # noqa: DTZ011  # a login lapses by the day
    save_people(
        [dataclasses.replace(one, attested_on=today) for one in as_people(verifiers)], data / "people.json"
    )
    save_agreements([Agreement("FBI", "sample-agreement-1", date(2030, 1, 1))], data / "agencies.json")
    token = place / "token"
    token.touch(mode=0o600)
    token.write_text("a-secret-word")
    config = place / "doorward.toml"
    reached = psycopg.conninfo.conninfo_to_dict(city.dsn(user="postgres", dbname="clear"))
    config.write_text(
        f"""
order = "chicago"
production = false
data = "data"
[database]
conninfo = "host={reached["host"]} port={reached["port"]} dbname=clear"
[listen]
host = "127.0.0.1"
port = {at.port}
plain = true
[record]
conninfo = "host=localhost dbname=disclosures"
[register]
{register}
"""
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "doorward", "gateway", "--config", str(config)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate(timeout=30)
        yield at
    finally:
        process.send_signal(signal.SIGTERM)
        said, errors = process.communicate(timeout=60)
    faults = [line for line in errors.splitlines() if not is_well(line)]
    assert (process.returncode, said, faults) == (0, "", [])


def https(service: HttpsServer, authority: Authority, more: str = "") -> str:
    return (
        f'source = "https"\nurl = "https://127.0.0.1:{service.port}/cases"\nauthority = "{authority.root}"\n'
        f'token_file = "token"\n{more}'
    )


def is_over(session: psycopg.Connection[Any]) -> str:
    with pytest.raises(psycopg.OperationalError) as said:
        session.execute("SELECT 1")
    return str(said.value)


def test_a_case_that_is_closed_in_the_citys_own_table_ends_its_session(folder: Path, city: Cluster) -> None:
    dsn = city.dsn(user="postgres", dbname="clear")
    with gateway(folder, city, f'table = "public.cases"\n{COLUMNS}') as door:
        with door.connect() as detective, door.connect() as second, door.connect(CLERK) as clerk:
            assert door.recheck() == {"asked": 2, "ended": 0, "unanswered": 0}
            with psycopg.connect(dsn, autocommit=True) as dba:
                dba.execute(
                    "UPDATE cases SET status = 'closed', closed_at = now() WHERE case_no = %s", [CASE]
                )
            assert door.recheck() == {"asked": 2, "ended": 2, "unanswered": 0}
            assert CHANGED in is_over(detective)
            assert CHANGED in is_over(second)
            assert clerk.execute("SELECT 1").fetchone() == (1,)
            said = door.refused()
            with psycopg.connect(dsn, autocommit=True) as dba:
                dba.execute("UPDATE cases SET status = 'open', closed_at = NULL WHERE case_no = %s", [CASE])
        assert said == door.refused(case_no="JH999999")
        cuts = door.entries(Kind.CUT)
        assert [entry.get(Field.REASON) for entry in cuts] == [b"register", b"register"]
        assert [entry.get(Field.LOGIN) for entry in cuts] == [b"detective", b"detective"]
        door.connect().close()


def test_a_register_on_a_server_of_its_own_is_read_and_never_written(folder: Path, city: Cluster) -> None:
    reached = psycopg.conninfo.conninfo_to_dict(city.dsn(user="postgres", dbname="cms"))
    conninfo = f"host={reached['host']} port={reached['port']} dbname=cms user=postgres"
    query = f'source = "query"\nconninfo = "{conninfo}"\ntable = "public.matter"\n{COLUMNS}'
    with gateway(folder, city, query) as door:
        with door.connect(case_no="CMS-1") as session:
            assert session.execute("SELECT 1").fetchone() == (1,)
            with psycopg.connect(city.dsn(user="postgres", dbname="cms"), autocommit=True) as dba:
                # Whatever stands behind the name runs in a connection that can only read.
                dba.execute(
                    "CREATE FUNCTION spend() RETURNS text LANGUAGE plpgsql AS"
                    " $$ BEGIN INSERT INTO matter VALUES ('spent', '', '', ''); RETURN 'open'; END $$;"
                    "ALTER TABLE matter RENAME TO kept;"
                    "CREATE VIEW matter AS SELECT case_no, spend() AS status, kind, assigned_to FROM kept"
                )
            assert door.recheck() == {"asked": 1, "ended": 0, "unanswered": 1}
            with psycopg.connect(city.dsn(user="postgres", dbname="cms"), autocommit=True) as dba:
                assert dba.execute("SELECT count(*) FROM kept").fetchone() == (1,)
                dba.execute("DROP VIEW matter; ALTER TABLE kept RENAME TO matter; DROP FUNCTION spend")
        assert door.refused() == door.refused(case_no="CMS-2")  # the sample's case is not in this register


def test_a_case_that_a_service_closes_ends_its_session(
    folder: Path, city: Cluster, authority: Authority, service: HttpsServer
) -> None:
    with gateway(folder, city, https(service, authority)) as door, door.connect(case_no="ANY-1") as session:
        assert door.recheck() == {"asked": 1, "ended": 0, "unanswered": 0}
        service.behaviour = NO
        assert door.recheck() == {"asked": 1, "ended": 1, "unanswered": 0}
        assert CHANGED in is_over(session)
        head, _, body = service.asked[-1].partition(b"\r\n\r\n")
        assert b"ANY-1" not in head
        assert b"ANY-1" in body


def test_a_register_that_dies_keeps_its_sessions_for_the_grace_and_lets_nobody_new_in(
    folder: Path, city: Cluster, authority: Authority, service: HttpsServer
) -> None:
    quick = "timeout_seconds = 0.5\ncache_seconds = 0\n"
    with gateway(folder, city, https(service, authority, quick)) as door, door.connect() as session:
        known = door.refused(case_no="")
        service.behaviour = is_silent
        unknown = {door.refused() for _ in range(4)}
        assert door.recheck() == {"asked": 1, "ended": 0, "unanswered": 1}
        assert session.execute("SELECT 1").fetchone() == (1,)
        # Nobody else waits: a clerk's access does not rest on it.
        with door.connect(CLERK) as clerk:
            assert clerk.execute("SELECT 1").fetchone() == (1,)
        where = ("--data", str(door.data))
        status = doorward("register", "status", "--json", *where)
        (figures,) = json.loads(status.stdout)
        assert status.returncode == 1
        said = doorward("register", "recheck", *where)
        assert (said.returncode, said.stdout) == (1, "1 sessions asked about, 0 ended, 1 unanswered\n")
        reasons = [entry.get(Field.REASON) or b"" for entry in door.entries(Kind.DECISION)]
    assert (figures["yes"], figures["left_alone"]) == (2, 1)  # one yes is for no number, and opened nothing
    assert figures["late"] >= 3
    assert unknown == {known}  # refers, in the same words as a case that is not there
    assert b"refer; the register did not answer: late" in reasons
    assert b"refer; the register did not answer: resting" in reasons
    assert reasons[-1] == b"the register did not answer: resting"
    assert not any(CASE.encode() in reason for reason in reasons)


def test_the_settings_are_checked_to_the_register(
    folder: Path, city: Cluster, authority: Authority, service: HttpsServer
) -> None:
    service.behaviour = NO
    with gateway(folder, city, https(service, authority, "timeout_seconds = 0.5\n")) as door:
        config = str(door.data.parent / "doorward.toml")
        done = doorward("config", "check", config)
        assert (done.returncode, "register: answers" in done.stdout) == (0, True), done.stderr
        service.behaviour = is_silent
        done = doorward("config", "check", config)
        assert (done.returncode, "the register does not answer" in done.stderr) == (3, True)
        service.behaviour = YES
        done = doorward("config", "check", config)
        assert (done.returncode, "says yes where no number is stated" in done.stderr) == (2, True)


@pytest.mark.long
def test_without_a_grace_a_silence_ends_the_session(
    folder: Path, city: Cluster, authority: Authority, service: HttpsServer
) -> None:
    none = "timeout_seconds = 0.5\ncache_seconds = 0\nrecheck_minutes = 1\nrecheck_grace_minutes = 0\n"
    with gateway(folder, city, https(service, authority, none)) as door, door.connect() as session:
        service.behaviour = is_silent
        # A word of a moment ago is not yet old enough; the door asks by itself a minute after it.
        assert door.recheck() == {"asked": 1, "ended": 0, "unanswered": 1}
        deadline = time.monotonic() + 90
        while not door.entries(Kind.CUT):
            assert time.monotonic() < deadline
            time.sleep(0.5)
        assert CHANGED in is_over(session)
        assert door.entries(Kind.CUT)[0].get(Field.OUTCOME) is not None


def official(door: Gateway, name: str) -> Path:
    """Make an official's key, and let it count at this door."""
    file = door.data.parent / f"{name.replace('/', '-')}.key"
    done = doorward("order", "key", name, "--out", str(file))
    assert done.returncode == 0, done.stderr
    with (door.data / "officials.keys").open("a") as officials:
        officials.write(done.stdout)
    return file


def records(door: Gateway, *arguments: str) -> str:
    done = doorward("records", *arguments, "--data", str(door.data))
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_an_agreement_on_record_lets_an_agency_in_and_its_revocation_ends_its_session(
    folder: Path, city: Cluster
) -> None:
    until = ("--until", "2027-06-01", "--evidence", "sample-agreement-2", "--reason", "signed by both")
    with gateway(folder, city, f'table = "public.cases"\n{COLUMNS}') as door:
        law = official(door, "law/finn.example")
        assert "referred" in door.refused(ATF)
        made = records(door, "agree", "--agency", "ATF", "--key", str(law), *until).split()[3].rstrip(",")
        with door.connect(ATF) as atf, door.connect(FBI) as fbi, door.connect() as detective:
            evidence = [entry.get(Field.EVIDENCE) or b"" for entry in door.entries(Kind.DECISION)[-3:]]
            assert evidence[0] == f"agreement: {made} by law/finn.example (sample-agreement-2)".encode()
            assert evidence[1:] == [b"agreement: sample-agreement-1", b""]
            why = ("--evidence", "memo 4", "--reason", "withdrawn")
            records(door, "revoke", made, "--key", str(law), *why)
            deadline = time.monotonic() + 20
            while not door.entries(Kind.CUT):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert CHANGED in is_over(atf)
            assert fbi.execute("SELECT 1").fetchone() == (1,)
            assert detective.execute("SELECT 1").fetchone() == (1,)
        assert "referred" in door.refused(ATF)
        assert [entry.get(Field.REASON) for entry in door.entries(Kind.CUT)] == [b"record"]
        # What cannot be read sets nothing, and an older word does not come back.
        (door.data / "records.json").write_text("nonsense")
        assert "referred" in door.refused(FBI)
        assert door.entries(Kind.DECISION)[-1].get(Field.REASON) == b"refer; the records cannot be read"
        (door.data / "records.json").write_text("[]")
        door.connect(FBI).close()


def test_a_session_on_an_attested_number_is_drawn_answered_and_counted(folder: Path, city: Cluster) -> None:
    with gateway(folder, city, f'table = "public.cases"\n{COLUMNS}') as door:
        law, where = official(door, "law/finn.example"), ("--data", str(door.data))
        with door.connect(FBI), door.connect():
            (entry,) = [one for one in door.entries(Kind.DECISION) if one.get(Field.EVIDENCE)]
        now = datetime.now(UTC)  # noqa: TID251  # of the session that was just opened
        begins, until = (f"{now + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}" for seconds in (-3600, 1))
        period = ("--agency", "FBI", "--from", begins, "--percent", "5", "--seed", "lottery 7-13-21")
        early = doorward("attest", "sample", *period, "--to", "2099-01-01", *where)
        assert (early.returncode, "a period that is over" in early.stderr) == (2, True)
        while datetime.now(UTC) < now + timedelta(seconds=1):  # noqa: TID251  # the period is over then
            time.sleep(0.05)
        drawn = doorward("attest", "sample", *period, "--to", until, "--json", *where)
        (one,) = json.loads(drawn.stdout)
        assert (one["id"], one["case_no"]) == (entry.session.hex(), FBI.case_no)
        assert json.loads(doorward("attest", "open", "--json", *where).stdout) == [one]
        said = ("--not-found", "--evidence", "FBI letter 2026-88", "--key", str(law))
        assert doorward("attest", "answer", one["id"][:12], *said, *where).returncode == 0
        counted = doorward("attest", "report", "--json", *where)
        found = json.loads(counted.stdout)
        assert (counted.returncode, found["agencies"]) == (
            1,
            [{"agency": "FBI", "admitted": 1, "sampled": 1, "confirmed": 0, "not_found": 1, "open": 0}],
        )
        assert FBI.case_no not in counted.stdout
        # Where it cannot be put on file, nobody is let in on it.
        (door.data / "attested").rename(door.data / "elsewhere")
        (door.data / "attested").write_text("a file")
        assert "could not decide" in door.refused(FBI)
        door.connect().close()
