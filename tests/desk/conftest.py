"""A desk on a real PostgreSQL, with its own spool: one server a worker, a database of its own for each file."""

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from doorward.desk.configuration import VARIABLE, DeskConfiguration, FundPlace
from doorward.desk.database import DATABASE, ROLE, make_database
from doorward.desk.recorder import WORKER, Recorder, hold
from doorward.embedded.clusters import record_spec
from doorward.embedded.launcher import Cluster
from doorward.fund import database as fund_database
from doorward.fund import place as fund_place
from doorward.fund.rules import make_rules
from doorward.orders.load import load_fund, load_fund_units, load_pack
from doorward.record.entry import Entry
from doorward.record.replay import Block
from doorward.record.segments import SpoolReader
from doorward.record.spool import Spool
from doorward.record.workers import worker_folder
from tests_support.clocks import city, deadlines, pack, start  # noqa: F401  # fixtures of the tests of clocks
from tests_support.clusters import never_syncing

if TYPE_CHECKING:
    from django.test import Client

    from doorward.desk.models import Account
    from doorward.desk.roles import Role


@dataclass
class Desk:
    """A desk that is set up in this process; Django's settings are made once."""

    folder: Path
    spool: Path
    cluster: Cluster
    reader: SpoolReader
    entries: list[Entry] = field(default_factory=list)

    def read_record(self) -> list[Entry]:
        """Return every entry of the spool; what was read before is not read again."""
        for one in self.reader.read():
            if isinstance(one, Block):
                self.entries += one.entries
        return list(self.entries)

    def account(self, login: str, role: "Role", *, unit: str = "", **more: str) -> "Account":
        """Return an account with one assignment, that began a day ago."""
        from doorward.desk.models import Account, Assignment

        now = datetime.now(UTC)  # noqa: TID251  # assignments end by the real clock
        begins = now - timedelta(days=1)
        account, _ = Account.objects.get_or_create(login=login)
        held = {"order_role": "officer", "agency": "CPD", "tenant": "city", **more}
        Assignment.objects.create(
            account=account, role=role.value, unit=unit, begins=begins, until=Assignment.latest_end(begins),
            given_by="test", **held,
        )  # fmt: skip
        return account

    def client(self, account: "Account | None" = None, *, strong: bool = True) -> "Client":
        """Return a browser without scripts, signed in as an account, with a second factor."""
        from django.test import Client

        client = Client(enforce_csrf_checks=False, headers={"host": "127.0.0.1"})
        if account is not None:
            client.force_login(account)
            if strong:
                session = client.session
                session["played"] = True
                session.save()
        return client


@pytest.fixture(scope="session")
def desk() -> Iterator[Desk]:
    """The desk of this process."""
    with tempfile.TemporaryDirectory(prefix="doorward-desk-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        cluster = Cluster(never_syncing(record_spec(folder)))
        cluster.start()
        try:
            with pytest.MonkeyPatch.context() as patch:
                made = _set_up(folder, cluster)
                _hash_quickly(patch)
                yield made
        finally:
            _let_go()
            cluster.stop()


def _hash_quickly(patch: pytest.MonkeyPatch) -> None:
    """Let the hash of a password cost a thousandth: a test does not pay the quarter second that an attacker pays."""
    from django.contrib.auth import hashers

    found: Any = hashers.get_hasher()
    assert type(found) is hashers.ScryptPasswordHasher  # type: ignore[attr-defined]  # the stubs lack it
    least = {"work_factor": 2**14, "block_size": 8, "parallelism": 5}  # what the desk has
    assert all(getattr(found, name) >= value for name, value in least.items())
    for name, value in (("work_factor", 2**6), ("parallelism", 1)):
        patch.setattr(type(found), name, value)


def _set_up(folder: Path, cluster: Cluster) -> Desk:
    import django
    from django.core.management import call_command

    make_database(cluster.dsn(user="postgres", dbname="postgres"))
    spec = cluster.spec
    conninfo = make_conninfo(host=str(spec.socket_dir), port=spec.port, user=ROLE, dbname=DATABASE)
    origins = ("http://127.0.0.1:8000",)
    fund = FundPlace(make_conninfo(conninfo, user=fund_place.ROLE, dbname=fund_place.DATABASE), "chicago")
    made = DeskConfiguration(
        conninfo, "chicago", folder, secrets.token_urlsafe(48), origins, sample=True, fund=fund
    )
    file = folder / "desk.json"
    file.write_text(made.format(), encoding="utf-8")
    os.environ[VARIABLE], os.environ["DJANGO_SETTINGS_MODULE"] = str(file), "doorward.desk.settings"
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)
    return Desk(folder, made.spool, cluster, SpoolReader(worker_folder(made.spool, WORKER)))


def _let_go() -> None:
    from django.db import connections

    connections.close_all()
    del os.environ[VARIABLE], os.environ["DJANGO_SETTINGS_MODULE"]


def make_ledger(desk: Desk) -> None:
    """Make the ledger of the fund that the desk reaches anew, without a year."""
    superuser = desk.cluster.dsn(user="postgres", dbname="postgres")
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS doorward_fund WITH (FORCE)")
        found = connection.execute("SELECT FROM pg_database WHERE datname = 'fund_template'").fetchone()
        if found is not None:
            connection.execute("CREATE DATABASE doorward_fund TEMPLATE fund_template")
        fund_database.make_database(superuser)
        if found is None:
            pack = load_pack("chicago")
            rules, reasons = make_rules(load_fund(pack)), load_fund_units(pack).reasons
            with psycopg.connect(make_conninfo(superuser, dbname="doorward_fund"), autocommit=True) as fresh:
                assert fund_database.install(fresh, rules, reasons=reasons).made
            connection.execute("CREATE DATABASE fund_template TEMPLATE doorward_fund")


@pytest.fixture
def ledger(desk: Desk) -> Iterator[None]:
    """The ledger of the fund that the desk reaches, without a year; made anew for each test that asks."""
    from doorward.desk.fund.link import let_go

    make_ledger(desk)
    yield
    let_go()


@pytest.fixture(scope="module")
def record(desk: Desk) -> Iterator[Recorder]:
    """The desk's recorder; opening a spool reads all of it, so a file of tests does that once."""
    now = datetime.now(UTC)  # noqa: TID251  # a spool has the time of the day
    made = Recorder(Spool.open(worker_folder(desk.spool, WORKER), now=now, worker=WORKER))
    yield made
    made.close(now=now)


@pytest.fixture
def recording(desk: Desk, record: Recorder) -> Iterator[Callable[[], list[Entry]]]:
    """The desk's recorder, and what stands in its spool, entry by entry."""
    from doorward.desk.limits import limiter

    limiter().forget()  # each test begins with none
    hold(record)
    yield desk.read_record
    hold(None)
