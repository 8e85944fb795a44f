"""`doorward log search`: who may, what is found, what is not searchable, and what the searched do not read."""

import json
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from cli.test_settings import GOOD
from doorward.notes.key_files import load_key
from doorward.record.entry import Field, Kind
from doorward.record.sealed_box import open_sealed
from record.place import Place, invoke
from record.samples import session_id

WHEN = ("--from", "2031-05-06", "--until", "2031-05-07")


def found(place: Place, *more: str, key: Any) -> dict[str, Any]:
    done = place.run("search", "--key", key, *WHEN, "--json", *more)
    assert (done.returncode, done.stderr) == (0, ""), done
    return dict(json.loads(done.stdout))


def test_entries_are_found_by_what_they_are_and_statements_are_not_shown(place: Place) -> None:
    key = place.official("auditor/ada.example")
    every = found(place, key=key)
    assert (len(every["entries"]), every["next"]) == (27, None)  # three sessions of nine entries
    assert {one["kind"] for one in every["entries"]} == {
        "connect",
        "decision",
        "request",
        "completion",
        "end",
    }
    assert "SELECT 2" not in json.dumps(every)
    hidden = {"text", "parameters", "address", "presenter", "token"}
    assert not hidden & {name for one in every["entries"] for name in one}
    counts = {
        ("--kind", "decision"): 3, ("--decision", "permit"): 3, ("--clause", "B1"): 3, ("--clause", "B"): 0,
        ("--login", "j.doe"): 3, ("--login", "j"): 0, ("--door", "database"): 27, ("--door", "desk"): 0,
        ("--session", session_id(1).hex()): 9, ("--case", "HX1"): 0, ("--kind", "request", "--login", "j.doe"): 0,
    }  # fmt: skip
    assert {terms: len(found(place, *terms, key=key)["entries"]) for terms in counts} == counts


def test_a_citys_record_is_read_as_the_recorder_whatever_role_and_database_its_settings_name(
    place: Place, owner_conninfo: str, tmp_path: Path
) -> None:
    key, config = place.official("auditor/ada.example"), tmp_path / "doorward.toml"
    server = make_conninfo(owner_conninfo, dbname="postgres", user="nobody_here")
    text = GOOD.replace('data = "data"', f'data = "{place.folders.data}"')
    config.write_text(text.replace("host=record.city.example", server), encoding="utf-8")
    (place.folders.run / "record.dsn").unlink()
    done = invoke("log", "search", "--key", key, *WHEN, "--config", config)
    assert (done.returncode, "27 entries" in done.stdout) == (0, True), done
    done = invoke("log", "verify", "--config", config)
    assert (done.returncode, "checked: 12 leaves opened" in done.stdout) == (0, True), done


def test_pages_follow_each_other_without_a_gap(place: Place) -> None:
    key = place.official("auditor/ada.example")
    seen: list[int] = []
    after = -1
    while True:
        page = found(place, "--limit", "10", "--after", str(after), key=key)
        seen += [one["entry"] for one in page["entries"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert seen == list(range(27))


def test_a_search_is_recorded_before_it_is_answered_and_only_auditors_read_what_for(place: Place) -> None:
    ada, ben = place.official("auditor/ada.example"), place.official("auditor/ben.example")
    law = place.official("law/finn.example")
    found(place, "--login", "j.doe", key=ada)
    found(place, "--clause", "C20a3", key=ada)
    one, other = place.kept()
    assert {one.kind, other.kind} == {Kind.KEEPING}
    for entry in (one, other):
        assert [field for field, _ in entry.fields] == [
            Field.LOGIN,
            Field.PRESENTER,
            Field.PARAMETERS,
            Field.ACT,
        ]
        sealed = entry.get(Field.PARAMETERS) or b""
        assert b"j.doe" not in sealed
        assert b"C20a3" not in sealed
    assert len(one.get(Field.PARAMETERS) or b"") == len(other.get(Field.PARAMETERS) or b"")
    assert json.loads(open_sealed(one.get(Field.PARAMETERS) or b"", load_key(ben)))["login"] == "j.doe"
    place.world.publish()
    rows = json.loads(place.run("searches", "--key", ben, "--json").stdout)
    assert [row["terms"].get("clause") for row in rows] == [None, "C20a3"]
    assert "expected a key of auditor" in place.run("searches", "--key", law).stderr
    today = ("--from", "2026-01-01", "--until", "2031-01-01", "--json", "--key", ada)
    for door in ((), ("--door", "record")):  # a search finds the searches too, whoever wrote them
        kinds = [one["kind"] for one in json.loads(place.run("search", *today, *door).stdout)["entries"]]
        assert kinds == ["keeping", "keeping"]


@pytest.mark.parametrize("term", ["--agent", "--badge"])
def test_nothing_is_found_by_an_agents_name_or_badge(place: Place, term: str) -> None:
    key = place.official("auditor/ada.example")
    done = place.run("search", "--key", key, *WHEN, term, "4711")
    assert done.returncode == 2
    assert "is no register of agents" in done.stderr
    assert place.kept() == []


def test_who_is_no_auditor_finds_nothing_and_what_is_no_term_is_usage(place: Place) -> None:
    law, auditor = place.official("law/finn.example"), place.official("auditor/ada.example")
    refused = place.run("search", "--key", law, *WHEN)
    assert (refused.returncode, refused.stdout) == (1, "")
    cases = {
        ("--kind", "nonsense"): "no kind", ("--door", "back"): "no door", ("--session", "x"): "32 hexadecimal",
        ("--login", "a b"): "one word", ("--until", "2031-05-05"): "is before",
    }  # fmt: skip
    for terms, said in cases.items():
        done = place.run("search", "--key", auditor, *WHEN, *terms)
        assert (done.returncode, said in done.stderr) == (2, True), done
    assert place.kept() == []
    assert (
        "0 entries"
        in place.run("search", "--key", auditor, "--from", "2020-01-01", "--until", "2020-01-02").stdout
    )
