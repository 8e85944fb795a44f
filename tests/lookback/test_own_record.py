from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from doorward.grants.people import Person
from doorward.lookback.engine import open_engine
from doorward.lookback.reading.own_record import HEADER, accesses_of, read_own_record
from doorward.record.entry import NO_SESSION, Entry, Field, Fields, Kind

PEOPLE = {
    "clerk": Person("clerk", "", "records-clerk", "CPD", "records"),
    "desk.app": Person("desk.app", "", "application", "CPD", "records"),
}
START = 1_775_797_293_000_000  # 2026-04-10 05:01:33 UTC


def entry(sequence: int, kind: Kind, session: int, **fields: str) -> Entry:
    made: Fields = tuple(sorted((Field[name.upper()], value.encode()) for name, value in fields.items()))
    return Entry(kind, sequence, START + sequence, bytes([session]) * 16, 0, bytes(16), made)


def connect(sequence: int, session: int, **changed: str) -> Entry:
    told = {
        "login": "clerk",
        "outcome": "authenticated",
        "purpose": "records-service",
        "case": "",
        "for_agency": "CPD",
    }
    return entry(sequence, Kind.CONNECT, session, **(told | changed))


def decide(sequence: int, session: int, **changed: str) -> Entry:
    return entry(sequence, Kind.DECISION, session, **({"outcome": "permit", "scope": "s1"} | changed))


def read(*entries: Entry, begins_us: int = 0) -> tuple[list[dict[str, Any]], dict[str, int]]:
    left: Counter[str] = Counter()
    rows = list(accesses_of(entries, PEOPLE, left, begins_us=begins_us))
    named = [{"row": row, **dict(zip(HEADER, cells, strict=True))} for _, row, cells in rows]
    return named, {reason: count for reason, count in left.items() if count}


def test_a_session_that_was_opened_is_an_access_with_what_was_stated() -> None:
    (row,), left = read(connect(1, 7), decide(2, 7))
    assert row == {
        "row": 2, "id": "07" * 16, "searcher": "CPD", "account": "clerk", "at": "2026-04-10T05:01:33.000002Z",
        "reason": "records-service", "case_no": "", "filters": "for CPD", "kind": "connect", "prompt": "",
        "object": "s1", "command": "CONNECT",
    }  # fmt: skip
    assert left == {}


def test_what_the_door_refused_is_no_access_and_is_counted() -> None:
    refused = entry(2, Kind.DECISION, 7, outcome="deny")
    rows, left = read(connect(1, 7), refused, connect(3, 8, outcome="wrong password"), connect(4, 9))
    assert rows == []
    assert left == {
        "refused by the door: nobody was let in": 1,
        "a login that failed: nobody was let in": 1,
        "ended before it was decided": 1,
    }


def test_sessions_that_cross_keep_their_own_numbers() -> None:
    rows, _ = read(connect(1, 7), connect(2, 8, login="stranger"), decide(3, 8), decide(4, 7))
    assert [(row["row"], row["account"], row["searcher"]) for row in rows] == [
        (3, "stranger", None),
        (2, "clerk", "CPD"),
    ]


def test_an_application_asks_for_a_person_whose_claims_stand_in_the_decision() -> None:
    on_behalf = decide(2, 7, login="clerk", presenter="desk.app", token="t", purpose="criminal-investigation",
                       case="JH1", for_agency="")  # fmt: skip
    (row,), _ = read(connect(1, 7, login="desk.app", purpose="", for_agency=""), on_behalf)
    assert (row["account"], row["reason"], row["case_no"], row["filters"]) == (
        "clerk",
        "criminal-investigation",
        "JH1",
        "",
    )


def test_an_emergency_is_a_kind_of_its_own_with_its_words() -> None:
    (row,), _ = read(connect(1, 7, reason="a child is missing"), decide(2, 7))
    assert (row["kind"], row["prompt"]) == ("emergency", "a child is missing")


def test_observations_grants_and_statements_are_passed_over() -> None:
    observation = Entry(Kind.DECISION, 0, START, NO_SESSION, 0, bytes(16), ())
    grant = entry(3, Kind.GRANT, 7, grant="g")
    rows, left = read(observation, connect(1, 7), decide(2, 7), grant)
    assert (len(rows), left) == (1, {})


def test_decisions_before_the_time_asked_for_are_none_of_it() -> None:
    rows, left = read(
        connect(1, 7), decide(2, 7), connect(3, 8), decide(4, 8), decide(5, 9), begins_us=START + 3
    )
    assert [row["row"] for row in rows] == [3]
    assert left == {"a decision whose connection stands before the time asked for": 1}


def test_the_table_has_a_layout_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    with open_engine(tmp_path / "spill", threads=1) as engine:
        table = read_own_record(engine, [connect(1, 7), decide(2, 7)], PEOPLE, tmp_path / "record.parquet")
        assert engine.execute("SELECT c1, c4 FROM read_parquet(?)", [str(table.path)]).fetchall() == [
            ("CPD", "records-service")
        ]
    assert (table.layout, table.header) == ("doorward-record", HEADER)
