"""Logins by tokens of an identity provider, what takes a second factor, and one login at two addresses."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from doorward.cli.sample import PEOPLE
from tests_support.city import City, free_port, from_address, start_city

pytestmark = pytest.mark.pg
ISSUER = "https://login.city.example"
KEY = rsa.generate_private_key(65537, 2048)
DETECTIVE = PEOPLE[0]


@pytest.fixture(scope="module", name="city")
def city_fixture() -> Iterator[City]:
    with start_city(cji=("clear.persons",)) as city:
        row = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key())) | {"kid": "k1", "use": "sig"}
        (city.folder / "jwks.json").write_text(json.dumps({"keys": [row]}), encoding="utf-8")
        city.token_port = free_port()
        with city.config.open("a", encoding="utf-8") as settings:
            settings.write(
                f"""
[identity]
port = {city.token_port}
issuer = "{ISSUER}"
audience = "doorward"
keys = "jwks.json"

[people]
cards = true
two_addresses = "cut"
"""
            )
        city.start_gateway()
        yield city
        assert city.stop_gateway() == (0, "", "")


def token(**changed: Any) -> str:
    now = int(time.time())  # noqa: TID251  # a token is for now
    claims = {
        "iss": ISSUER, "aud": "doorward", "iat": now, "exp": now + 600, "preferred_username": DETECTIVE.login,
        "amr": ["pwd", "mfa"],
    }  # fmt: skip
    return jwt.encode(claims | changed, KEY, "RS256", headers={"kid": "k1"})


def refused(city: City, **changed: Any) -> str:
    with pytest.raises(psycopg.OperationalError) as error:
        city.connect(**changed)
    return str(error.value)


def test_a_token_is_a_login_and_its_second_factor_opens_what_takes_one(city: City) -> None:
    with city.connect(port=city.token_port, password=token()) as session:
        assert session.execute("SELECT count(*) > 0 FROM persons").fetchone() == (True,)


def test_a_password_alone_does_not_open_criminal_justice_information(city: City) -> None:
    assert "takes a second factor to log in" in refused(city)
    assert "takes a second factor to log in" in refused(
        city, port=city.token_port, password=token(amr=["pwd"])
    )


def test_a_card_is_two_factors_where_the_city_says_so(city: City) -> None:
    card = city.people.issue("Carol Card")
    shown = {"sslcert": str(card.certificate), "sslkey": str(card.key), "password": "none"}
    with city.connect(user="carol.card", **shown, options=PEOPLE[1].options()) as session:
        assert session.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize(
    "changed",
    [
        {"user": "clerk"}, {"user": "nobody.example"}, {"password": DETECTIVE.password}, {"password": "x.y.z"},
        {"password": token(exp=1)}, {"password": token(aud="another")}, {"password": token(iss=ISSUER + "/")},
    ],
)  # fmt: skip
def test_what_is_no_token_of_this_login_is_told_like_a_wrong_password(
    city: City, changed: dict[str, Any]
) -> None:
    said = refused(city, **({"port": city.token_port, "password": token()} | changed))
    assert "password authentication failed for user" in said
    assert "token" not in said


def test_the_listener_for_passwords_takes_no_token_and_asks_for_none_in_plain_text(city: City) -> None:
    assert "password authentication failed" in refused(city, password=token())
    said = refused(city, port=city.token_port, password=token(), sslmode="disable", sslrootcert=None)
    assert "entered with TLS only" in said


def test_a_token_that_ends_ends_the_session(city: City) -> None:
    ends = int(time.time()) + 3  # noqa: TID251  # as above
    with city.connect(port=city.token_port, password=token(exp=ends)) as session:
        with pytest.raises(psycopg.OperationalError):
            _ask_for_a_while(session)
        assert time.time() >= ends  # noqa: TID251  # as above


def test_the_token_is_in_no_record_and_how_somebody_came_in_is(city: City) -> None:
    given = token()
    with city.connect(port=city.token_port, password=given):
        spool = b"".join(file.read_bytes() for file in sorted((city.folder / "doorward" / "spool").iterdir()))
    assert b"token, second factor" in spool
    assert given.encode() not in spool
    assert given.rpartition(".")[2].encode() not in spool


def test_one_login_at_two_addresses_is_on_record_and_ends_both_where_the_city_wants_it(city: City) -> None:
    here = city.connect(port=city.token_port, password=token())
    beside = city.connect(port=city.token_port, password=token())
    assert (here.execute("SELECT 1").fetchone(), beside.execute("SELECT 1").fetchone()) == ((1,), (1,))
    with from_address("127.0.0.2", city.token_port) as port, suppress(psycopg.OperationalError):
        city.connect(port=port, password=token()).close()
    for session in (here, beside):
        with pytest.raises(psycopg.OperationalError):
            _ask_for_a_while(session)
        session.close()
    spool = b"".join(file.read_bytes() for file in sorted((city.folder / "doorward" / "spool").iterdir()))
    assert b"one login at two addresses at once" in spool


def _ask_for_a_while(session: psycopg.Connection[Any]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        session.execute("SELECT 1")
        time.sleep(0.05)


def test_new_keys_of_the_provider_are_taken_without_a_restart(city: City) -> None:
    file = city.folder / "jwks.json"
    before = file.read_text(encoding="utf-8")
    fresh = rsa.generate_private_key(65537, 2048)
    row = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(fresh.public_key())) | {"kid": "k2", "use": "sig"}
    claims = jwt.decode(token(), options={"verify_signature": False})
    signed = jwt.encode(claims, fresh, "RS256", headers={"kid": "k2"})
    assert "password authentication failed" in refused(city, port=city.token_port, password=signed)
    replace_file(file, json.dumps({"keys": [*json.loads(before)["keys"], row]}))
    _come_in(city, signed)
    with city.connect(port=city.token_port, password=token()) as session:
        assert session.execute("SELECT 1").fetchone() == (1,)
    replace_file(file, before)


def _come_in(city: City, password: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            city.connect(port=city.token_port, password=password).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


def replace_file(file: Path, text: str) -> None:
    fresh = file.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)


def test_the_settings_are_checked(city: City) -> None:
    done = city.doorward("config", "check", str(city.config))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"tokens of {ISSUER}" in done.stdout
    spoilt = city.folder / "spoilt.toml"
    text = city.config.read_text(encoding="utf-8")
    for old, new, said in (
        (ISSUER, "http://login.city.example", "begins with `https://`"),
        ("jwks.json", "nothing.json", "is no file"),
        ('two_addresses = "cut"', 'two_addresses = "shrug"', "`lead` or `cut`"),
        ("cards = true", 'cards = "yes"', "cards"),
        (f"port = {city.token_port}", "port = 0", "whole number"),
    ):
        spoilt.write_text(text.replace(old, new), encoding="utf-8")
        refusal = city.doorward("config", "check", str(spoilt))
        assert (refusal.returncode, said in refusal.stderr) == (2, True), refusal.stderr
