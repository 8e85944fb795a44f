"""`doorward doctor` at a real installation, broken in each way, and put right again."""

import json
import shutil
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from doorward.embedded.owner import our_name
from doorward.record.disclosures import prepare_server
from tests_support.installation import Installation, installed, wait_for

pytestmark = pytest.mark.pg


@pytest.fixture(scope="module", name="place")
def place_fixture() -> Iterator[Installation]:
    with installed() as place:
        place.ask()
        yield place


def examine(
    place: Installation, *arguments: str, dba: bool = True
) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """Return the exit code, and the lines by the name of their check."""
    dsn = ("--dsn", place.dsn) if dba else ()
    done = place.doorward("doctor", "--json", *dsn, *arguments)
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert found["exit_code"] == done.returncode
    lines: dict[str, list[dict[str, Any]]] = {}
    for line in found["lines"]:
        lines.setdefault(line["check"], []).append(line)
    return done.returncode, lines


def states(lines: list[dict[str, Any]]) -> set[str]:
    return {line["state"] for line in lines}


def test_a_whole_installation_has_nothing_broken_and_everything_was_looked_at(place: Installation) -> None:
    assert wait_for(lambda: place.leaves() > 0)
    code, lines = examine(place)
    found = {line["state"] for some in lines.values() for line in some}
    assert (code, found) == (1, {"ok", "look"}), lines
    for check in ("keys", "files", "holes", "drift", "logins", "spool", "gateway", "publisher", "published"):
        assert states(lines[check]) == {"ok"}, lines[check]
    assert states(lines["record apart"]) == {"ok"}
    assert all(
        line["do"] and line["expected"] for some in lines.values() for line in some if line["state"] != "ok"
    )


def test_without_the_dba_it_says_what_it_could_not_look_at(place: Installation) -> None:
    code, lines = examine(place, dba=False)
    assert code == 1
    assert states(lines["drift"]) == states(lines["way in"]) == {"unknown"}
    assert "--dsn" in lines["way in"][0]["do"]


def test_it_prints_no_secret_and_no_row(place: Installation) -> None:
    done = place.doorward("doctor", "--dsn", place.dsn)
    people = place.folders.people.read_text()
    assert "SCRAM-SHA-256" in people
    assert "SCRAM-SHA-256$" not in done.stdout
    assert (place.folders.keys / "log.key").read_text().strip() not in done.stdout
    assert done.stdout.count("\n") > 15
    assert done.stdout.splitlines()[-1].startswith("coverage: ")


def test_a_hole_is_broken(place: Installation) -> None:
    with place.dba() as dba:
        dba.execute("CREATE TABLE public.notes (a integer); GRANT SELECT ON public.notes TO PUBLIC")
        code, lines = examine(place)
        dba.execute("DROP TABLE public.notes")
    assert (code, states(lines["holes"])) == (3, {"broken"})
    assert "table public.notes" in lines["holes"][0]["found"]


def test_what_was_declared_at_the_install_is_no_hole(place: Installation) -> None:
    with place.dba() as dba:
        dba.execute("CREATE TABLE public.notes (a integer); GRANT SELECT ON public.notes TO PUBLIC")
        _, lines = examine(place, "--accept", "table public.notes")
        dba.execute("DROP TABLE public.notes")
    assert states(lines["holes"]) == {"ok"}


def test_a_missing_keep_policy_is_broken(place: Installation) -> None:
    with place.dba() as dba:
        dba.execute("BEGIN")
        row = dba.execute(
            "SELECT string_agg(quote_ident(coalesce(rolname, 'public')), ', ') FROM pg_policy p,"
            " unnest(polroles) k LEFT JOIN pg_roles r ON r.oid = k"
            " WHERE polrelid = 'public.persons'::regclass AND polname = 'doorward_keep'"
        ).fetchone()
        dba.execute("DROP POLICY doorward_keep ON public.persons")
        dba.execute("COMMIT")
        code, lines = examine(place)
        assert row is not None
        dba.execute(
            f"CREATE POLICY doorward_keep ON public.persons TO {row[0]} USING (true) WITH CHECK (true)".encode()
        )
    assert (code, states(lines["drift"])) == (3, {"broken"})
    assert any("does not keep all of its rows" in line["found"] for line in lines["drift"])
    _, lines = examine(place)
    assert states(lines["drift"]) == {"ok"}, lines["drift"]


def test_another_order_than_the_one_in_force_is_broken(place: Installation) -> None:
    other = place.folder / "other.toml"
    other.write_text(place.config.read_text().replace('"chicago"', '"hospital-records"'))
    done = place.doorward("doctor", config=other)
    assert done.returncode == 3
    assert "broken   order" in done.stdout


@pytest.mark.parametrize(("ends", "state"), [(timedelta(hours=-1), "broken"), (timedelta(days=9), "look")])
def test_a_certificate_that_ended_or_ends_soon(place: Installation, ends: timedelta, state: str) -> None:
    listener = place.folder / "authority" / "listener.crt"
    kept = listener.read_bytes()
    pair = place.authority.issue("short", hosts=("localhost",), ends=ends)
    shutil.copy(pair.certificate, listener)
    _, lines = examine(place)
    listener.write_bytes(kept)
    assert states(lines["certificate of the listener"]) == {state}


def test_a_key_that_others_read_is_broken(place: Installation) -> None:
    key = place.folders.keys / "log.key"
    key.chmod(0o640)
    code, lines = examine(place)
    key.chmod(0o600)
    assert (code, states(lines["keys"])) == (3, {"broken"})
    assert "keys/log.key" in lines["keys"][0]["found"]
    assert "chmod" in lines["keys"][0]["do"]


def test_a_stopped_publisher_is_broken_and_what_waits_is_counted(place: Installation) -> None:
    assert place.stop("publisher") == (0, "")
    place.ask()
    code, lines = examine(place)
    place.start("publisher")
    assert (code, states(lines["publisher"])) == (3, {"broken"})
    assert " 0 blocks wait" not in lines["publisher"][0]["found"]
    assert wait_for(lambda: states(examine(place)[1]["publisher"]) == {"ok"})


def test_login_roles_that_nothing_holds_are_named(place: Installation) -> None:
    login = "dw_g_00000000000000aa"
    with place.dba() as dba:
        dba.execute(
            "INSERT INTO doorward.session_grant VALUES (%s, 'x', '', '', '', now() - interval '1 hour')",
            [login],
        )
        code, lines = examine(place)
        dba.execute("DELETE FROM doorward.session_grant WHERE login = %s", [login])
    assert (code, states(lines["logins"])) == (1, {"look"})
    assert f"`{login}` has a grant that ran out" in lines["logins"][0]["found"]


def test_what_a_killed_gateway_left_is_named_until_it_is_back(place: Installation) -> None:
    with place.connect() as session:
        session.execute("SELECT 1")
        gateway = place.processes.pop("gateway")
        gateway.send_signal(signal.SIGKILL)
        gateway.communicate(timeout=30)
        assert wait_for(lambda: states(examine(place)[1]["logins"]) == {"look"})
        _, lines = examine(place)
        assert states(lines["gateway"]) == {"look"}
    place.start("gateway")
    assert wait_for(lambda: states(examine(place)[1]["logins"]) == {"ok"})


def test_a_way_in_by_password_is_broken(place: Installation) -> None:
    with place.dba() as dba:
        row = dba.execute("SHOW hba_file").fetchone()
        assert row is not None

        file = Path(row[0])
        kept = file.read_text()
        file.write_text("host all all 127.0.0.1/32 scram-sha-256\n" + kept)
        code, lines = examine(place)
        file.write_text(kept)
    assert code == 3
    assert any(
        line["state"] == "broken" and "by scram-sha-256" in line["found"] for line in lines["way in"]
    ), lines["way in"]


def test_a_server_that_does_not_answer_is_unknown_and_the_rest_is_looked_at(place: Installation) -> None:
    other = place.folder / "gone.toml"
    other.write_text(place.config.read_text().replace(f"port={place.city.spec.port}", "port=1"))
    done = place.doorward("doctor", config=other)
    assert "unknown  database" in done.stdout
    assert "ok       people" in done.stdout
    assert done.returncode == 1, done.stdout


def test_a_record_on_the_watched_server_is_broken(place: Installation) -> None:
    prepare_server(place.city.dsn(user="postgres", dbname="postgres"))
    with place.dba() as dba:
        files = [
            Path(row[0])
            for row in (dba.execute(f"SHOW {name}_file").fetchone() for name in ("hba", "ident"))
            if row
        ]
        kept = [file.read_text() for file in files]
        added = (
            "local all doorward_recorder peer map=recorder\n",
            f'recorder "{our_name()}" doorward_recorder\n',
        )
        for file, line, text in zip(files, added, kept, strict=True):
            file.write_text(line + text)
        dba.execute("SELECT pg_reload_conf()")
        spec, other = place.city.spec, place.folder / "same.toml"
        record = f"host={place.record.spec.socket_dir} port={place.record.spec.port}"
        other.write_text(place.config.read_text().replace(record, f"host={spec.socket_dir} port={spec.port}"))
        said = "the record is on the server that it is a record of"
        assert wait_for(lambda: said in place.doorward("doctor", config=other).stdout)
        done = place.doorward("doctor", config=other)
        for file, text in zip(files, kept, strict=True):
            file.write_text(text)
        dba.execute("SELECT pg_reload_conf()")
    assert done.returncode == 3


def test_a_backup_makes_its_line_ok(place: Installation) -> None:
    assert states(examine(place)[1]["backup"]) == {"look"}
    done = place.doorward("backup", "--to", str(place.folder / "copy"))
    assert (done.returncode, done.stderr) == (0, "")
    assert states(examine(place)[1]["backup"]) == {"ok"}


def test_the_inventory_lists_by_itself_what_goes_around_the_door(place: Installation) -> None:
    with place.dba() as dba:
        dba.execute("CREATE TABLE public.tow_log (a integer); CREATE ROLE night_copy LOGIN BYPASSRLS")
        added = place.doorward(
            "inventory", "add", "records", "--kind", "database", "--state", "behind-the-door", "--database", "clear",
            "--owner", "records", "--evidence", "doorward drift",
        )  # fmt: skip
        assert (added.returncode, added.stderr) == (0, "")
        listed = json.loads(place.doorward("inventory", "list", "--json").stdout)
        checked = place.doorward("inventory", "check")
        claimed = place.doorward(
            "inventory", "add", "tow log", "--kind", "database", "--state", "behind-the-door", "--database", "clear",
            "--table", "public.tow_log", "--owner", "records", "--evidence", "none",
        )  # fmt: skip
        assert claimed.returncode == 0
        wrong = place.doorward("inventory", "check")
        (place.folder / "inventory.toml").unlink()
        dba.execute("DROP TABLE public.tow_log; DROP ROLE night_copy")
    found = {store["name"]: store["note"] for store in listed["stores"] if store["found"]}
    assert found["clear: public.tow_log"] == "no collection of the order covers it"
    assert found["clear: role night_copy"] == "has BYPASSRLS"
    assert found["clear: role postgres"] == "is a superuser"
    assert found["clear: role records_app"] == "reads tables of the order with rights of its own"
    assert listed["coverage"] == "coverage: 1 behind the door, 0 audited, 4 uncovered, 0 unknown"
    assert (checked.returncode, "clear: role night_copy" in checked.stdout) == (0, True)
    assert (wrong.returncode, "no collection of the order covers `public.tow_log`" in wrong.stdout) == (
        1,
        True,
    )
