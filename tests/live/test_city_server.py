"""A gateway before a city's own server: TLS on both sides, certificates, and a way in that nobody else has."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from struct import pack
from typing import Any

import psycopg
import pytest

from doorward.cli.sample import PEOPLE, as_people
from doorward.embedded.clusters import city_spec
from doorward.embedded.launcher import Cluster
from doorward.embedded.owner import server_owner
from doorward.embedded.sample import SampleSizes, create_sample
from doorward.grants.people import Agreement, Person, save_agreements, save_people
from doorward.install.entry import Entry, entry_lines
from doorward.pgwire.opening import StartupMessage, format_startup
from doorward.pgwire.scram import make_verifier
from tests_support.certificates import Authority, Pair

pytestmark = pytest.mark.pg
FEW = SampleSizes(400, 400, 400, 400, 400, 200)
GATEWAY = "doorward-gateway"
REGISTER = "public.cases=case_no,status,kind,assigned_to"
DETECTIVE = PEOPLE[0]


@dataclass
class City:
    """The city's server, its certificates, and a gateway before it."""

    folder: Path
    server: Cluster
    authority: Authority
    people: Authority
    config: Path
    port: int
    gateway: subprocess.Popen[str] | None = None

    def doorward(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "doorward", *arguments],
            capture_output=True, text=True, check=False, timeout=120, env={**os.environ, "COLUMNS": "300"},
        )  # fmt: skip

    def upstream(self, pair: Pair) -> str:
        return psycopg.conninfo.make_conninfo(
            host="localhost", port=self.server.spec.port, dbname="clear", sslmode="verify-full",
            sslrootcert=str(self.authority.root), sslcert=str(pair.certificate), sslkey=str(pair.key),
        )  # fmt: skip

    def connect(self, **changed: Any) -> psycopg.Connection[Any]:
        parameters: dict[str, Any] = {
            "host": "localhost", "port": self.port, "user": DETECTIVE.login, "password": DETECTIVE.password,
            "dbname": "clear", "options": DETECTIVE.options(), "sslmode": "verify-full",
            "sslrootcert": str(self.authority.root), "autocommit": True, "connect_timeout": 20,
        }  # fmt: skip
        return psycopg.connect(**(parameters | changed))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(folder: Path, pair: Pair, root: Path) -> Cluster:
    """Start a server with TLS, entered by the printed lines."""
    owner = server_owner()
    place = folder / "server-tls"
    place.mkdir()
    place.chmod(0o755)
    for source, name in ((pair.certificate, "server.crt"), (pair.key, "server.key"), (root, "root.crt")):
        shutil.copy(source, place / name)
        os.chown(place / name, owner.uid, owner.gid)
        (place / name).chmod(0o600)
    spec = city_spec(folder / "data", free_port())
    lines = entry_lines(Entry("127.0.0.1", GATEWAY))
    tls = {
        "ssl": "on", "ssl_cert_file": str(place / "server.crt"), "ssl_key_file": str(place / "server.key"),
        "ssl_ca_file": str(place / "root.crt"),
    }  # fmt: skip
    kept = tuple(line for line in spec.hba if "+dw_sessions" not in line and "doorward_admin" not in line)
    cluster = Cluster(
        replace(
            spec,
            hba=(*lines.hba, *kept),
            ident=(*lines.ident, *spec.ident),
            settings={**spec.settings, **tls},
        )
    )
    cluster.start()
    return cluster


@pytest.fixture(scope="module", name="city")
def city_fixture() -> Iterator[City]:
    with tempfile.TemporaryDirectory(prefix="doorward-city-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        authority, people = Authority(folder / "authority", "city"), Authority(folder / "people", "people")
        server = serve(folder, authority.issue("server", hosts=("localhost", "127.0.0.1")), authority.root)
        create_sample(server.dsn(user="postgres", dbname="postgres"), app_password="app", rows=FEW)
        listener = authority.issue("listener", hosts=("localhost", "127.0.0.1"))
        city = City(folder, server, authority, people, folder / "doorward.toml", free_port())
        data = folder / "doorward"
        city.config.write_text(
            f"""
order = "chicago"
production = false
data = "{data}"

[database]
conninfo = "{city.upstream(authority.issue(GATEWAY))}"

[listen]
host = "127.0.0.1"
port = {city.port}
certificate = "{listener.certificate}"
key = "{listener.key}"
people_authority = "{people.root}"

[record]
conninfo = "host=localhost dbname=disclosures"

[register]
table = "public.cases"
case = "case_no"
status = "status"
kind = "kind"
assigned_to = "assigned_to"
""",
            encoding="utf-8",
        )
        done = city.doorward(
            "order", "install", "--neither", "records_app", "--register", REGISTER,
            "--dsn", server.dsn(user="postgres", dbname="clear"),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        write_people(data)
        yield city
        server.stop()


@pytest.fixture(scope="module", name="up_city")
def up_city_fixture(city: City) -> Iterator[City]:
    city.gateway = subprocess.Popen(
        [sys.executable, "-m", "doorward", "gateway", "--config", str(city.config)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert city.gateway.stdout is not None
    assert city.gateway.stdout.readline() == "ready\n"
    yield city
    city.gateway.send_signal(signal.SIGTERM)
    said, errors = city.gateway.communicate(timeout=30)
    assert (city.gateway.returncode, said, errors) == (0, "", "")


def write_people(data: Path) -> None:
    data.mkdir(exist_ok=True)
    (data / "DOORWARD").write_text("this folder belongs to doorward; `doorward reset` removes it\n")
    salt = b"0123456789abcdef"
    verifiers = {p.login: str(make_verifier(p.password, salt=salt, iterations=4096)) for p in PEOPLE}
    verifiers |= dict.fromkeys(("atf.agent", "other.detective"), verifiers["detective"])
    people = as_people(verifiers)
    people.append(Person("carol.card", "", "records-clerk", "CPD", "records", certificate="Carol Card"))
    today = datetime.now(UTC).date().isoformat()  # noqa: TID251  # a login lapses by the day
    people = [replace(person, attested_on=today) for person in people]
    people.append(replace(people[0], login="lapsed.lee", attested_on="2020-01-01"))
    save_people(people, data / "people.json")
    save_agreements([Agreement("FBI", "sample-agreement-1", date(2030, 1, 1))], data / "agencies.json")


def test_the_way_in_is_proved_over_tls(city: City) -> None:
    gateway = city.upstream(
        Pair(city.folder / f"authority/{GATEWAY}.crt", city.folder / f"authority/{GATEWAY}.key")
    )
    dsn = city.server.dsn(user="postgres", dbname="clear")
    done = city.doorward("order", "entry", "--dsn", dsn, "--gateway", gateway)
    assert (done.returncode, done.stderr) == (0, "")
    assert "proved" in done.stdout


def test_another_certificate_of_the_same_authority_does_not_get_in(city: City) -> None:
    gateway = city.upstream(city.authority.issue("somebody-else"))
    dsn = city.server.dsn(user="postgres", dbname="clear")
    done = city.doorward("order", "entry", "--dsn", dsn, "--gateway", gateway)
    assert (done.returncode, "the gateway does not get in" in done.stderr) == (1, True)


def test_the_settings_are_checked_to_the_end(city: City) -> None:
    done = city.doorward("config", "check", str(city.config))
    assert (done.returncode, done.stderr) == (0, "")
    assert "127.0.0.1:" in done.stdout
    assert "TLS only" in done.stdout
    assert "a SAMPLE that no office adopted" in done.stdout
    assert "database: lets the gateway in, and holds this order" in done.stdout


@pytest.mark.parametrize("binding", ["require", "prefer", "disable"])
def test_a_password_is_bound_to_the_channel_or_not_as_the_client_asks(up_city: City, binding: str) -> None:
    with up_city.connect(channel_binding=binding) as session:
        assert session.execute("SELECT count(*) > 0 FROM persons").fetchone() == (True,)


def test_tls_begun_at_once_is_taken(up_city: City) -> None:
    with up_city.connect(sslnegotiation="direct") as session:
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_tls_begun_at_once_for_another_protocol_is_cut(up_city: City) -> None:
    context = ssl.create_default_context(cafile=str(up_city.authority.root))
    context.set_alpn_protocols(["http/1.1"])
    answer = b""
    with (
        socket.create_connection(("localhost", up_city.port), timeout=10) as plain,
        suppress(ssl.SSLError, ConnectionError),
        context.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        tls.sendall(format_startup(StartupMessage(3 << 16, (("user", "detective"), ("database", "clear")))))
        answer = tls.recv(100)
    assert answer == b""


def test_psql_comes_in_over_tls_with_its_own_options(up_city: City) -> None:
    done = subprocess.run(
        ["psql", "-XAtc", "SELECT count(*) > 0 FROM persons", "-h", "localhost", "-p", str(up_city.port),
         "-U", DETECTIVE.login, "-d", "clear"],
        env={**os.environ, "PGPASSWORD": DETECTIVE.password, "PGOPTIONS": DETECTIVE.options(),
             "PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(up_city.authority.root), "PGCHANNELBINDING": "require"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "t\n"), done.stderr


def test_plain_text_is_refused_before_anything_else(up_city: City) -> None:
    with pytest.raises(psycopg.OperationalError, match="entered with TLS only"):
        up_city.connect(sslmode="disable", sslrootcert=None)


def test_bytes_behind_the_request_for_tls_are_never_read(up_city: City) -> None:
    with socket.create_connection(("127.0.0.1", up_city.port), timeout=30) as raw:
        raw.sendall(pack(">II", 8, 80877103) + b"Q" + pack(">I", 13) + b"SELECT 1\0")
        answer = b""
        try:
            while chunk := raw.recv(4096):
                answer += chunk
        except ConnectionResetError:
            pass
    assert answer in {b"", b"S"}


def test_a_persons_certificate_is_a_login_and_only_theirs(up_city: City) -> None:
    card = up_city.people.issue("Carol Card")
    shown = {"sslcert": str(card.certificate), "sslkey": str(card.key), "password": "none"}
    with up_city.connect(user="carol.card", **shown, options=PEOPLE[1].options()) as session:
        assert session.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        up_city.connect(**shown)
    other = up_city.people.issue("Mallory")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        up_city.connect(
            user="carol.card", sslcert=str(other.certificate), sslkey=str(other.key), password="none"
        )


def test_a_login_that_nobody_attests_has_lapsed_until_somebody_does(up_city: City) -> None:
    with pytest.raises(psycopg.OperationalError, match="nobody has attested"):
        up_city.connect(user="lapsed.lee")
    due = up_city.doorward("people", "list", "--due", "1", "--config", str(up_city.config))
    assert "lapsed.lee  CPD  detective  area-1  never in  not attested" in due.stdout
    done = up_city.doorward("people", "attest", "lapsed.lee", "--config", str(up_city.config))
    assert (done.returncode, done.stderr) == (0, "")
    time.sleep(1)
    with pytest.raises(psycopg.OperationalError, match="no open case"):
        up_city.connect(user="lapsed.lee")


def test_a_certificate_of_another_authority_is_none(up_city: City) -> None:
    stranger = Authority(up_city.folder / "stranger", "people").issue("Carol Card")
    with pytest.raises(psycopg.OperationalError):
        up_city.connect(
            user="carol.card", sslcert=str(stranger.certificate), sslkey=str(stranger.key), password="none"
        )


def test_a_cancel_request_is_passed_on_encrypted_and_not(up_city: City) -> None:
    for safe in (True, False):
        with up_city.connect() as session:
            cancel = session.cancel_safe if safe else session.cancel
            timer = threading.Timer(0.5, cancel)
            timer.start()
            with pytest.raises(psycopg.errors.QueryCanceled):
                session.execute("SELECT count(*) FROM generate_series(1, 2000000000)")
            timer.join()


def test_a_gateway_with_another_order_does_not_start(city: City, tmp_path: Path) -> None:
    other = tmp_path / "doorward.toml"
    text = city.config.read_text(encoding="utf-8").replace(
        str(city.folder / "doorward"), str(tmp_path / "data")
    )
    other.write_text(text.replace('order = "chicago"', 'order = "hospital-records"'), encoding="utf-8")
    write_people(tmp_path / "data")
    done = city.doorward("gateway", "--config", str(other))
    assert done.returncode == 2
    assert "the database holds another order" in done.stderr


def test_a_server_that_is_not_the_citys_is_not_spoken_to(city: City, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "stranger", "city")
    text = city.config.read_text(encoding="utf-8").replace(str(city.authority.root), str(stranger.root), 1)
    other = tmp_path / "doorward.toml"
    other.write_text(text.replace(str(city.folder / "doorward"), str(tmp_path / "data")), encoding="utf-8")
    write_people(tmp_path / "data")
    done = city.doorward("config", "check", str(other))
    assert done.returncode == 3
    assert "does not answer as it must" in done.stderr
