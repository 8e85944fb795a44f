"""An application before a city's own server: one token, one person, one backend, and nothing that carries over."""

import json
import select
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from doorward.cli.sample import PEOPLE
from doorward.client import Application, OverError
from doorward.grants.people import change_people
from tests_support.city import City, start_city

pytestmark = pytest.mark.pg
CASE = {"purpose": "criminal-investigation", "case": "JH123456", "for_agency": "CPD"}
CLERK = {"purpose": "records-service", "for_agency": "CPD"}
WHO = "SELECT session_user, pg_backend_pid(), count(*), count(DISTINCT case_no) FROM persons"


@pytest.fixture(scope="module", name="city")
def city_fixture() -> Iterator[City]:
    with start_city() as city:
        settings = city.config.read_text(encoding="utf-8")
        city.config.write_text(settings + "\n[applications]\nidle_seconds = 2\n", encoding="utf-8")
        yield city


@pytest.fixture(scope="module", name="portal")
def portal_fixture(city: City) -> Iterator[Application]:
    key = ed25519.Ed25519PrivateKey.generate()
    public = city.folder / "portal.pub"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    private = city.folder / "portal.key"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    pair = city.people.issue("crime-portal.city.example")
    done = city.doorward(
        "application", "add", "crime-portal", "--certificate", "crime-portal.city.example", "--key", str(public),
        "--agency", "CPD", "--config", str(city.config),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    conninfo = psycopg.conninfo.make_conninfo(
        host="localhost", port=city.port, dbname="clear", sslmode="verify-full",
        sslrootcert=str(city.authority.root), sslcert=str(pair.certificate), sslkey=str(pair.key), connect_timeout=20,
    )  # fmt: skip
    city.start_gateway()
    yield Application("crime-portal", key=private, conninfo=conninfo)
    assert city.stop_gateway() == (0, "", "")


def refused(**changed: Any) -> str:
    with pytest.raises(psycopg.OperationalError) as error, psycopg.connect(**changed):
        pass
    return str(error.value)


def test_each_turn_is_one_person_on_a_backend_of_its_own(portal: Application) -> None:
    with portal.checkout("detective", **CASE) as first:
        seen = first.execute(WHO).fetchone()
        assert seen is not None
        rows = first.execute("SELECT count(*) FROM persons WHERE case_no = 'JH123456'").fetchone()
        assert rows is not None
        assert rows[0] > 0
        assert seen[2] > 0
    with portal.checkout("clerk", **CLERK) as second:
        other = second.execute(WHO).fetchone()
        assert other is not None
        assert (other[0] != seen[0], other[1] != seen[1]) == (True, True)


def test_without_a_token_and_with_anything_beside_it_no_row_leaves(portal: Application) -> None:
    parameters = portal.parameters("detective", **CASE)
    for options in (
        "", "-c doorward.purpose=criminal-investigation -c doorward.case=JH123456 -c doorward.for=CPD",
        f"{parameters['options']} -c doorward.for=FBI", "-c doorward.token=a.b.c", "-c doorward.token=",
    ):  # fmt: skip
        assert "refused" in refused(**(parameters | {"options": options}))
    # None of these used the token: what stood beside it was refused before it was looked at.
    with psycopg.connect(**parameters) as session:
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_a_token_opens_once_and_only_at_this_door_for_this_application(portal: Application) -> None:
    parameters = portal.parameters("detective", **CASE)
    with psycopg.connect(**parameters):
        assert "was used before" in refused(**parameters)
    assert "was used before" in refused(**parameters)
    stranger = Application(
        "crime-portal", key=pem(ed25519.Ed25519PrivateKey.generate()), conninfo=portal._conninfo
    )
    assert "signature does not hold" in refused(**stranger.parameters("detective", **CASE))
    other = Application("other", key=pem(portal._key), conninfo=portal._conninfo)
    token = other.parameters("detective", **CASE)["options"]
    assert "another application" in refused(**(parameters | {"options": token}))


def pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def test_the_order_decides_about_the_person_and_not_about_the_application(portal: Application) -> None:
    for_ice = portal.parameters("detective", **(CASE | {"for_agency": "ICE-ERO"}))
    assert "refused:" in refused(**for_ice)
    # Of another agency than those that it may ask for, closed, and nobody at all: one sentence.
    said = {
        refused(**portal.parameters(login, **CASE)).partition("FATAL:")[2]
        for login in ("fbi.agent", "nobody.example", "crime-portal")
    }
    assert len(said) == 1


def test_the_application_has_no_password_and_a_person_no_token(portal: Application) -> None:
    parameters = portal.parameters("detective", **CASE)
    without = {name: value for name, value in parameters.items() if name not in {"sslcert", "sslkey"}}
    assert "password authentication failed" in refused(**without, password="x")
    as_person = without | {"user": "detective", "password": PEOPLE[0].password}
    assert "is no option of this door" in refused(**as_person)


def test_a_handle_that_outlives_its_turn_is_dead(portal: Application) -> None:
    # porsager/postgres 1216: a stale handle ran under the next person's identity.
    with portal.checkout("detective", **CASE) as first:
        kept, raw = first, first.connection
        cursor = raw.cursor()
    with portal.checkout("clerk", **CLERK) as second:
        with pytest.raises(OverError):
            kept.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            cursor.execute("SELECT 1")
        assert raw.closed
        assert second.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize(
    "statement",
    [
        "RESET ALL", "RESET ROLE", "RESET SESSION AUTHORIZATION", "SET ROLE NONE", "COMMIT", "ROLLBACK",
        "BEGIN; SET LOCAL statement_timeout = 0; COMMIT", "DEALLOCATE ALL", "CLOSE ALL",
    ],
)  # fmt: skip
def test_what_a_pool_resets_changes_nobodys_identity(portal: Application, statement: str) -> None:
    # pgdog 1341: RESET ALL left the role of the person before; mavedb-api 808: SET LOCAL died with a COMMIT.
    with portal.checkout("detective", **CASE) as turn:
        before = turn.execute(WHO).fetchone()
        turn.execute(statement)
        assert turn.execute(WHO).fetchone() == before


def test_discard_all_ends_the_turn_because_a_pool_hands_the_connection_on(portal: Application) -> None:
    with portal.checkout("detective", **CASE) as turn:
        with pytest.raises(psycopg.OperationalError):
            _until_ended(lambda: turn.execute("DISCARD ALL"))
        assert turn.connection.broken or turn.connection.closed


def test_a_setting_of_ones_own_moves_nobody(portal: Application) -> None:
    with portal.checkout("detective", **CASE) as turn:
        before = turn.execute(WHO).fetchone()
        for name in ("doorward.token", "doorward.purpose", "doorward.case", "app.user_id", "role"):
            try:
                turn.execute(f"SET {name} = 'JH000001'")
            except psycopg.Error:
                continue
        assert turn.execute(WHO).fetchone() == before
    with portal.checkout("clerk", **CLERK) as turn:
        assert turn.execute("SELECT current_setting('app.user_id', true)").fetchone() in {(None,), ("",)}
        for nothing in ("pg_prepared_statements", "pg_cursors"):
            assert turn.execute(f"SELECT count(*) FROM {nothing}").fetchone() == (0,)


@pytest.mark.long
def test_a_connection_that_a_pool_keeps_is_over_before_long(portal: Application) -> None:
    with portal.checkout("detective", **CASE) as turn:
        turn.execute("BEGIN")
        deadline = time.monotonic() + 30
        while not _has_news(turn.connection) and time.monotonic() < deadline:
            time.sleep(0.2)
        with pytest.raises(psycopg.OperationalError, match=r"one person's and is over|terminat|closed"):
            turn.execute("SELECT 1")


def _has_news(connection: Any) -> bool:
    return bool(select.select([connection.fileno()], [], [], 0)[0])


def test_a_long_statement_is_no_idle_connection(portal: Application) -> None:
    with portal.checkout("detective", **CASE) as turn:
        done = turn.execute("SELECT count(*) FROM generate_series(1, 30000000)").fetchone()
        assert done == (30_000_000,)


def test_used_tokens_stay_used_when_the_gateway_is_killed(portal: Application, city: City) -> None:
    parameters = portal.parameters("detective", **CASE)
    with psycopg.connect(**parameters):
        assert city.gateway is not None
        city.gateway.kill()
        city.gateway.communicate(timeout=30)
    city.start_gateway()
    assert "was used before" in refused(**parameters)


def test_who_is_closed_loses_the_turn(portal: Application, city: City) -> None:
    with portal.checkout("clerk", **CLERK) as turn:
        people = city.folder / "doorward" / "people.json"
        before: list[Any] = []

        def close(known: Any) -> Any:
            before.extend(known)
            return [replace(one, active=False) if one.login == "clerk" else one for one in known]

        change_people(people, close)
        with pytest.raises(psycopg.OperationalError):
            _until_ended(lambda: turn.execute("SELECT 1"))
        change_people(people, lambda _: before)
        _wait_for_entry(portal)


def _wait_for_entry(portal: Application) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with portal.checkout("clerk", **CLERK):
                return
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def _until_ended(ask: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        ask()
        time.sleep(0.1)


def test_a_cut_of_the_application_ends_all_its_turns_and_says_so(portal: Application, city: City) -> None:
    with portal.checkout("clerk", **CLERK) as turn:
        done = city.doorward(
            "cut", "--person", "crime-portal", "--reason", "key lost", "--config", str(city.config)
        )
        assert done.returncode == 0, done.stderr
        with pytest.raises(psycopg.OperationalError):
            _until_ended(lambda: turn.execute("SELECT 1"))
    assert "ended by the security officer" in refused(**portal.parameters("clerk", **CLERK))
    (cut,) = json.loads(city.doorward("cuts", "--json", "--config", str(city.config)).stdout)
    assert city.doorward("cuts", "--lift", cut["id"], "--config", str(city.config)).returncode == 0
    with portal.checkout("clerk", **CLERK):
        pass


def test_the_record_names_the_person_the_application_and_the_token(portal: Application, city: City) -> None:
    parameters = portal.parameters("detective", **CASE)
    token = jwt.decode(parameters["options"].partition("=")[2], options={"verify_signature": False})
    with psycopg.connect(**parameters):
        spool = b"".join(file.read_bytes() for file in sorted((city.folder / "doorward" / "spool").iterdir()))
    assert str(token["jti"]).encode() in spool
    assert parameters["options"].partition("=")[2].encode() not in spool
    assert b"crime-portal" in spool


def test_the_gateway_says_who_has_which_turn(portal: Application, city: City) -> None:
    with portal.checkout("detective", **CASE):
        found = city.doorward("sessions", "--json", "--config", str(city.config))
        assert '"application": "crime-portal"' in found.stdout
        assert '"login": "detective"' in found.stdout
