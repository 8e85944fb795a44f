"""The record of a running door as accesses."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from doorward.cli.audit import app
from doorward.cli.audit_record import read_record
from doorward.cli.sample import PEOPLE
from doorward.lookback.engine import open_engine
from doorward.lookback.reading.own_record import HEADER, REFUSED

pytestmark = pytest.mark.pg
DETECTIVE, CLERK, FBI, ERO, _ = PEOPLE


def test_sessions_that_the_door_opened_are_accesses_and_refusals_are_not(own_up: Any, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    begin = datetime.now(UTC)  # noqa: TID251  # `doorward up` has tried its own door before
    for person in (DETECTIVE, CLERK, FBI):
        with own_up.connect(person) as session:
            session.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        own_up.connect(ERO)
    names = ", ".join(f"c{number}" for number in range(len(HEADER)))
    deadline = time.monotonic() + 30
    while True:
        with open_engine(tmp_path / "spill", threads=1) as engine:
            table = read_record(
                engine, tmp_path / "r.parquet", config=None, data=own_up.folders.data, since=begin
            )
            found = engine.execute(
                f"SELECT {names} FROM read_parquet(?) ORDER BY c3", [str(table.path)]
            ).fetchall()
        if (len(found) == 3 and table.other_by.get(REFUSED)) or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    rows = [dict(zip(HEADER, row, strict=True)) for row in found]
    told = [(row["account"], row["searcher"], row["reason"], row["case_no"], row["filters"]) for row in rows]
    assert told == [
        (p.login, p.agency, p.purpose, p.case_no or None, f"for {p.for_agency}" if p.for_agency else None)
        for p in (DETECTIVE, CLERK, FBI)
    ]
    assert dict(table.other_by) == {REFUSED: 1}
    assert all(row["object"] and row["command"] == "CONNECT" for row in rows)
    assert not any(note.startswith("INCOMPLETE") for note in table.notes)
    with open_engine(tmp_path / "spill", threads=1) as engine:
        before = read_record(
            engine, tmp_path / "none.parquet", config=None, data=own_up.folders.data,
            until=datetime(2020, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        assert engine.execute("SELECT count(*) FROM read_parquet(?)", [str(before.path)]).fetchall() == [(0,)]


def test_an_audit_puts_the_record_of_a_running_door_to_its_order(own_up: Any, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    for person in (DETECTIVE, FBI):
        with own_up.connect(person) as session:
            session.execute("SELECT 1")
    out = tmp_path / "out"
    chosen = ["--order", "chicago", "--no-report"]
    ran = CliRunner().invoke(
        app, ["--record", str(own_up.folders.data), *chosen, "--out", str(out), "--json"]
    )
    assert ran.exit_code == 0, ran.output
    made = json.loads(ran.stdout)
    (file,) = made["files"]
    assert (file["form"], file["layout"], file["log"], file["accounting"]["rejected"]) == (
        "record", "doorward-record", "door", 0,
    )  # fmt: skip
    assert file["accounting"]["read"] == sum(made["results"]["chicago"].values()) >= 2
    with open_engine(tmp_path / "spill", threads=1) as engine:
        named = engine.execute(
            f"SELECT DISTINCT searcher, agency FROM read_parquet('{out}/data/searchers.parquet')"
        ).fetchall()
    assert {(f"{person.agency} (at the door)", person.agency) for person in (DETECTIVE, FBI)} <= set(named)
    drafted = CliRunner().invoke(app, ["draft", str(out), "--order", "chicago", "--json"])
    assert drafted.exit_code == 0, drafted.output
    assert json.loads(drafted.stdout)["accesses"] == file["accounting"]["read"]
