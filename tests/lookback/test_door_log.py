"""Our own record as a source of an audit: purpose and beneficiary are words of the order, and nobody's pattern."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from doorward.errors import ConfigError
from doorward.grants.people import Person
from doorward.lookback.audit import Audit, Plan, audit
from doorward.lookback.draft import try_draft
from doorward.lookback.engine import open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.reading.own_record import read_own_record
from doorward.lookback.reading.supplied import Supplied
from doorward.orders.load import load_lexicon, load_pack
from doorward.record.entry import Entry, Field, Fields, Kind

START = 1_775_797_293_000_000  # 2026-04-10 05:01:33 UTC
PEOPLE = {
    login: Person(login, "", "records-clerk", agency, "records")
    for login, agency in (("clerk", "CPD"), ("agent", "ICE-ERO"), ("fed", "FBI"))
}


def silent(stage: str, done: int, total: int) -> None:
    """Take no note."""
    del stage, done, total


def entry(kind: Kind, number: int, session: int, **fields: str) -> Entry:
    made: Fields = tuple(sorted((Field[name.upper()], value.encode()) for name, value in fields.items()))
    return Entry(kind, number, START + number, bytes([session]) * 16, 0, bytes(16), made)


def session(
    number: int, login: str, purpose: str, *, agency: str = "", case: str = "", danger: str = ""
) -> list[Entry]:
    told = {
        "login": login,
        "outcome": "authenticated",
        "purpose": purpose,
        "case": case,
        "for_agency": agency,
    }
    return [
        entry(Kind.CONNECT, 2 * number, number, **told, **({"reason": danger} if danger else {})),
        entry(Kind.DECISION, 2 * number + 1, number, outcome="permit", scope="s1"),
    ]


RECORD = [
    *session(1, "clerk", "records-service", agency="CPD"),
    *session(2, "clerk", "civil-immigration-enforcement", agency="CPD"),
    *session(3, "agent", "criminal-investigation", agency="ICE-ERO", case="JH1"),
    *session(4, "clerk", "criminal-investigation", agency="CPD", danger="ICE raid: people are in danger"),
    *session(5, "stranger", "immigration enforcement", agency="NOBODY"),
    entry(Kind.CONNECT, 12, 6, login="clerk", outcome="wrong password"),
]


def supplied(engine: Any, entries: Sequence[Entry] = RECORD) -> Supplied:
    def make(scratch: Path) -> Any:
        return read_own_record(engine, entries, PEOPLE, scratch / "record.parquet")

    return Supplied("the door's own record", "record", make)


@dataclass(frozen=True)
class Ran:
    """One audit of the record for all who read it, with its engine still open."""

    told: dict[str, Any]
    engine: duckdb.DuckDBPyConnection
    folder: AuditFolder


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder = AuditFolder(tmp_path_factory.mktemp("record") / "out")
    with open_engine(folder.scratch, threads=1) as engine:
        plan = Plan(orders=[load_pack("chicago")], supplied=[supplied(engine)])
        yield Ran(audit(Audit(engine, folder, plan, silent), []), engine, folder)


def findings(ran: Ran, columns: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = ran.engine.execute(
        f"SELECT {columns} FROM read_parquet('{ran.folder.findings}') ORDER BY row"
    ).fetchall()
    return found


def test_each_session_is_put_to_the_order_in_its_own_words(ran: Ran) -> None:
    (file,) = ran.told["files"]
    assert (file["form"], file["layout"], file["log"]) == ("record", "doorward-record", "door")
    assert file["accounting"]["read"] == 5
    assert file["accounting"]["other_lines"] == 1
    assert file["accounting"]["rejected"] == 0
    found = findings(ran, "row, result, tier, reason, patterns")
    by_row = {row[0]: row[1:] for row in found}
    # Session 2 states the prohibited purpose; session 3 is of an agent of that enforcement with another one, 4 and 5
    # have no open case and no word of the order: somebody has to decide those.
    assert by_row == {
        3: ("inconsistent", "explicit", "civil-immigration-enforcement", []),
        4: ("referred", "other", "criminal-investigation", []),
        5: ("referred", "other", "criminal-investigation", []),
        6: ("referred", "other", "immigration enforcement", []),
    }
    assert ran.told["results"]["chicago"] == {"inconsistent": 1, "referred": 3, "cannot-tell": 1}
    assert ran.told["tiers"]["chicago"] == {"explicit": 1, "other": 4}


def test_a_searcher_is_the_entity_that_the_door_knew(ran: Ran) -> None:
    rows = findings(ran, "row, searcher, agency")
    assert rows == [
        (3, "CPD (at the door)", "CPD"),
        (4, "ICE-ERO (at the door)", "ICE-ERO"),
        (5, "CPD (at the door)", "CPD"),
        (6, None, None),
    ]


def test_prose_in_the_place_of_a_word_is_unknown_and_no_pattern_reads_it(ran: Ran) -> None:
    path = ran.folder.scratch / "0000-door/literal.parquet"
    told = ran.engine.execute(
        f"SELECT reason, purposes, for_agencies, said FROM read_parquet('{path}') ORDER BY reason, prompt NULLS FIRST"
    ).fetchall()
    assert told == [
        ("civil-immigration-enforcement", ["civil-immigration-enforcement"], ["CPD"], "stated"),
        ("criminal-investigation", ["criminal-investigation"], ["ICE-ERO"], "stated"),
        ("criminal-investigation", ["criminal-investigation"], ["CPD"], "stated"),
        ("immigration enforcement", ["unknown"], ["unknown"], "stated"),
        ("records-service", ["records-service"], ["CPD"], "stated"),
    ]  # fmt: skip


def test_a_draft_is_tried_on_the_record(ran: Ran, tmp_path: Path) -> None:
    folder = ran.folder
    before = folder.findings.read_bytes()
    with open_engine(tmp_path / "draft", threads=1) as another:
        drafted = try_draft(another, folder, Plan(orders=[load_pack("chicago")]), silent)
    assert drafted.accesses == 5
    assert sum(row.newly_refused for row in drafted.refused) == 0
    assert drafted.results == {"inconsistent": 1, "referred": 3, "cannot-tell": 1}
    assert folder.findings.read_bytes() == before


def test_the_same_record_gives_the_same_bytes_and_another_one_another_digest(
    ran: Ran, tmp_path: Path
) -> None:
    made = []
    for number, entries in enumerate((RECORD, RECORD[:2])):
        other = AuditFolder(tmp_path / f"other{number}")
        with open_engine(other.scratch, threads=1) as another:
            plan = Plan(orders=[load_pack("chicago")], supplied=[supplied(another, entries)])
            made.append(audit(Audit(another, other, plan, silent), []))
    assert made[0] == ran.told
    assert (tmp_path / "other0/audit.json").read_bytes() == ran.folder.manifest.read_bytes()
    assert made[1]["files"][0]["sha256"] != ran.told["files"][0]["sha256"]


def test_files_come_first_and_the_record_beside_them(
    engine: Any, folder: AuditFolder, tmp_path: Path
) -> None:
    log = tmp_path / "example-il-pd__2026-04-19.csv"
    log.write_text(
        "id,userId,searchDate,networkCount,reason\n"
        '"403c3a8b-bd5a-4f5c-bbb3-dc130f2e23c8","u","2026-03-20T00:06:23.972Z","1","records-service"\n'
    )
    plan = Plan(orders=[load_pack("chicago")], supplied=[supplied(engine)])
    made = audit(Audit(engine, folder, plan, silent), [log])
    assert [(file["file"], file["log"]) for file in made["files"]] == [(0, "plate-reader"), (1, "door")]
    assert sum(made["results"]["chicago"].values()) == 6
    assert json.loads(folder.manifest.read_text()) == made


def test_the_hospitals_order_reads_its_own_record_too(engine: Any, folder: AuditFolder) -> None:
    plan = Plan(orders=[load_pack("hospital-records")], supplied=[supplied(engine, RECORD[:2])])
    made = audit(Audit(engine, folder, plan, silent), [])
    assert sum(made["results"]["hospital-records"].values()) == 1


def test_which_purposes_are_explicit_is_what_explicit_patterns_alone_mean() -> None:
    lexicon = load_lexicon(load_pack("chicago"))
    assert lexicon.logs["door"].literal
    assert not lexicon.logs["plate-reader"].literal


def test_an_order_without_a_lexicon_says_so(engine: Any, folder: AuditFolder) -> None:
    from doorward.orders.assemble import assemble_pack

    pack = load_pack("hospital-records")
    files = {name: text.encode() for name, text in pack.files.items() if name != "reasons.toml"}
    with pytest.raises(ConfigError, match="cannot be audited"):
        audit(
            Audit(engine, folder, Plan(orders=[assemble_pack(files)], supplied=[supplied(engine)]), silent),
            [],
        )
