"""The examples for applications, run as their heads say, before a real gateway."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from psycopg.conninfo import make_conninfo

from tests_support.city import City, start_city

pytestmark = pytest.mark.pg
EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples" / "application"


@pytest.fixture(scope="module", name="reached")
def reached_fixture() -> Iterator[tuple[str, ...]]:
    with start_city() as city:
        key = ed25519.Ed25519PrivateKey.generate()
        public, private = city.folder / "portal.pub", city.folder / "portal.key"
        public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        done = city.doorward(
            "application", "add", "crime-portal", "--certificate", "portal", "--key", str(public),
            "--agency", "CPD", "--config", str(city.config),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        city.start_gateway()
        yield ("--conninfo", conninfo(city), "--key", str(private))
        assert city.stop_gateway() == (0, "", "")


def conninfo(city: City) -> str:
    pair = city.people.issue("portal")
    return make_conninfo(
        host="localhost", port=city.port, dbname="clear", sslmode="verify-full",
        sslrootcert=str(city.authority.root), sslcert=str(pair.certificate), sslkey=str(pair.key),
    )  # fmt: skip


def run(example: str, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / example), *arguments],
        capture_output=True, text=True, check=False, timeout=120, cwd=EXAMPLES,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.splitlines()


def test_sqlalchemy_reads_the_tables_of_each_persons_own_scope(reached: tuple[str, ...]) -> None:
    case = ("--purpose", "criminal-investigation", "--case", "JH123456", "--for", "CPD")
    count, columns = run("with_sqlalchemy.py", *reached, "--person", "detective", *case)
    assert int(count) > 0
    assert "birthplace" not in columns
    other, fewer = run(
        "with_sqlalchemy.py", *reached, "--person", "clerk", "--purpose", "records-service", "--for", "CPD"
    )
    assert (other, fewer) != (count, columns)


def test_django_makes_each_page_for_the_person_whom_the_web_server_names(reached: tuple[str, ...]) -> None:
    users = ("--user", "detective", "--user", "detective", "--user", "clerk", "--user", "nobody.example")
    first, again, clerk, nobody = run("with_django.py", *reached, *users, "/persons?case=JH123456")
    found = [json.loads(line.partition(" ")[2]) for line in (first, again)]
    assert found[0]["count"] == found[1]["count"] > 0
    assert found[0]["backend"] != found[1]["backend"]
    assert clerk.startswith("403 refer")
    assert nobody == "403 refused: the token names nobody for whom this application may ask"
