"""The commands of a DBA, run as a DBA runs them: a plan, an install, the drift, an uninstall."""

import json
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.embedded.launcher import Cluster
from doorward.install.uninstall import uninstall
from tests_support.catalogs import differences, read_everything
from tests_support.police import POLICE, edit, load

pytestmark = pytest.mark.pg
Connection = psycopg.Connection[Any]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(name="doorward")
def doorward_fixture(cluster: Cluster) -> Run:
    def run(*arguments: str, dbname: str = "clear", dsn: bool = True) -> subprocess.CompletedProcess[str]:
        place = ["--dsn", cluster.dsn(user="postgres", dbname=dbname)] if dsn else []
        return subprocess.run(
            [sys.executable, "-m", "doorward", *arguments, *place],
            capture_output=True, text=True, check=False, timeout=120, env={"COLUMNS": "300", "HOME": "/nonexistent"},
        )  # fmt: skip

    return run


def test_a_dry_run_says_what_stops_it_and_changes_nothing(doorward: Run, city: Connection) -> None:
    uninstall(city)
    before = read_everything(city)
    done = doorward("order", "install", "--dry-run")
    assert done.returncode == 1, done.stderr
    assert "public.persons: a keep-policy for analyst_ro, clear_owner," in done.stdout
    assert "STOP  role `records_app` inserts into public.arrests, public.cases" in done.stdout
    assert "SAMPLE" in done.stdout
    planned = doorward("order", "install", "--dry-run", "--neither", "records_app", "--json")
    plan = json.loads(planned.stdout)
    assert (planned.returncode, plan["stops"], plan["sample"]) == (0, [], True)
    assert plan["created"]
    assert differences(before, read_everything(city)) == []


def test_an_install_its_drift_and_its_uninstall(doorward: Run, city: Connection) -> None:
    uninstall(city)
    before = read_everything(city)
    stopped = doorward("order", "install")
    assert (stopped.returncode, stopped.stdout) == (1, "")
    assert stopped.stderr.splitlines()[0] == "doorward: the install stopped"
    assert "  - role `records_app`" in stopped.stderr
    done = doorward("order", "install", "--neither", "records_app")
    assert (done.returncode, done.stderr) == (0, "")
    assert "the roles that were there: rights, plans and counts are equal" in done.stdout
    again = doorward("order", "install", "--neither", "records_app", "--json")
    assert json.loads(again.stdout)["created"] == []
    assert doorward("order", "drift").returncode == 0
    city.execute("ALTER TABLE persons DISABLE ROW LEVEL SECURITY")
    drifted = doorward("order", "drift")
    assert (drifted.returncode, "row security of the installation changed" in drifted.stderr) == (1, True)
    city.execute("ALTER TABLE persons ENABLE ROW LEVEL SECURITY")
    gone = doorward("order", "uninstall")
    assert (gone.returncode, gone.stderr) == (0, "")
    assert differences(before, read_everything(city)) == []
    assert doorward("order", "drift").returncode == 1


def test_views_alone_print_what_they_cost(doorward: Run, city: Connection) -> None:
    uninstall(city)
    done = doorward("order", "install", "--views")
    assert (done.returncode, done.stderr) == (0, "")
    assert "public.persons, a page in the order of its key: by hand" in done.stdout


def test_a_production_install_refuses_the_sample(doorward: Run) -> None:
    done = doorward("order", "install", "--production")
    assert done.returncode == 2
    assert "is a sample and no order for production" in done.stderr


@pytest.mark.parametrize(
    ("dsn", "code", "said"),
    [
        ("host=127.0.0.1 password=secret-word", 2, "a password does not belong into an argument"),
        ("postgresql://u:secret-word@127.0.0.1/x", 2, "a password does not belong into an argument"),
        ("nonsense here", 2, "that is no connection string"),
        ("host=/nonexistent user=postgres", 3, "cannot connect"),
    ],
)
def test_a_connection_string_is_checked_before_it_is_used(
    doorward: Run, dsn: str, code: int, said: str
) -> None:
    done = doorward("order", "drift", "--dsn", dsn, dsn=False)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "secret-word" not in done.stderr
    assert "Traceback" not in done.stderr


def test_the_lines_of_the_way_in_need_no_database(doorward: Run) -> None:
    done = doorward("order", "entry", "--address", "10.0.0.5", "--name", "gateway", dsn=False)
    assert done.returncode == 0
    assert "hostssl all +dw_sessions 10.0.0.5/32 cert map=doorward" in done.stdout


@pytest.mark.shared
class TestRealData:
    """Chicago's released use-of-force and complaint data on a server of its own goes behind the door and out again."""

    @pytest.fixture(name="police")
    def police_fixture(self, cluster: Cluster, shared: Path) -> Iterator[Connection]:
        with psycopg.connect(cluster.dsn(user="postgres", dbname="postgres"), autocommit=True) as dba:
            dba.execute("DROP DATABASE IF EXISTS police WITH (FORCE)")
            dba.execute("CREATE DATABASE police")
            dba.execute("CREATE ROLE trr_app LOGIN; CREATE ROLE trr_owner")
            with psycopg.connect(cluster.dsn(user="postgres", dbname="police"), autocommit=True) as police:
                for table, name in POLICE.items():
                    load(police, table, shared / "data" / "chicago-police" / name)
                uninstall(police)  # roles are the server's: another test may have left some
                yield police
                uninstall(police)
            dba.execute("DROP DATABASE police WITH (FORCE)")
            dba.execute("DROP ROLE trr_app; DROP ROLE trr_owner")

    def test_it_goes_behind_the_door_while_a_writer_runs_and_comes_out_as_it_was(
        self, doorward: Run, cluster: Cluster, police: Connection, tmp_path: Path
    ) -> None:
        proposed = doorward("order", "scaffold", dbname="police")
        assert proposed.returncode == 0, proposed.stderr
        file = tmp_path / "collections.toml"
        file.write_text(proposed.stdout, encoding="utf-8")
        unread = doorward("order", "install", "--dry-run", "--collections", str(file), dbname="police")
        assert "the order opens no row of any table" in unread.stdout
        file.write_text(edit(proposed.stdout), encoding="utf-8")
        before, stop, failures = read_everything(police), threading.Event(), []

        def write() -> None:
            with psycopg.connect(cluster.dsn(user="postgres", dbname="police"), autocommit=True) as app:
                app.execute("SET SESSION AUTHORIZATION trr_app")
                while not stop.is_set():
                    try:
                        app.execute("UPDATE trr_main SET street = street WHERE row_id = '7'")
                    except psycopg.Error as error:
                        failures.append(str(error))

        writer = threading.Thread(target=write)
        writer.start()
        try:
            done = doorward(
                "order", "install", "--collections", str(file), "--neither", "trr_app", dbname="police"
            )
            assert (done.returncode, done.stderr) == (0, "")
            assert doorward("order", "drift", dbname="police").returncode == 0
            out = doorward("order", "uninstall", dbname="police")
            assert (out.returncode, out.stderr) == (0, "")
        finally:
            stop.set()
            writer.join(30)
        assert failures == []
        assert differences(before, read_everything(police)) == []

    def test_what_names_a_person_is_proposed_closed(self, doorward: Run, police: Connection) -> None:
        police.execute(
            'CREATE TABLE "Odd ""name" (birthplace text, us_citizen text, dob date, ssn text, "Last_Name" text,'
            " phone text)"
        )
        proposed = tomllib.loads(doorward("order", "scaffold", dbname="police").stdout)
        columns = proposed["table"]['clear.Odd "name']["columns"]
        assert columns == {
            "birthplace": "status", "us_citizen": "status", "dob": "birth", "Last_Name": "identity", "phone": "contact",
        }  # fmt: skip

    def test_an_empty_database_and_an_order_without_a_database_are_told(
        self, doorward: Run, police: Connection
    ) -> None:
        police.execute("DROP TABLE trr_main, trr_subjects, complaints")
        done = doorward("order", "scaffold", dbname="police")
        assert (done.returncode, "there is no table" in done.stderr) == (1, True)
