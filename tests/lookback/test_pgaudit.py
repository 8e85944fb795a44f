"""pgaudit's csvlog, as a real server wrote it, and what is none."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.lookback.bypass import Known, Way, find_bypasses
from doorward.lookback.reading.pgaudit import AuditLine, Read, read_pgaudit

LOG = Path(__file__).with_name(
    "pgaudit15.csv"
)  # PostgreSQL 15.18 with pgaudit 1.7; people and cases are invented
ODD = 'public.odd, "name"'


def read(text: str) -> tuple[list[AuditLine], Read]:
    account = Read()
    return list(read_pgaudit(iter(text.splitlines(keepends=True)), account)), account


@pytest.fixture(name="log")
def log_fixture() -> str:
    return LOG.read_text(encoding="utf-8")


def test_every_line_is_accounted_for(log: str) -> None:
    lines, account = read(log)
    assert (len(lines), account.audit, account.other, account.rejected) == (18, 18, 13, [])


def test_names_are_read_without_their_quotes_and_over_line_ends(log: str) -> None:
    lines, _ = read(log)
    assert {line.object_name for line in lines} == {"", "public.persons", ODD}
    assert [line.command for line in lines if line.user == "dba_dana"] == [
        "SELECT",
        "SELECT",
        "SET",
        "SELECT",
        "SELECT",
    ]
    assert not any("Example" in str(line) or "JH1" in str(line) for line in lines)


def test_whoever_logged_in_is_named_behind_set_role_too(log: str) -> None:
    lines, _ = read(log)
    known = Known(
        {"public.persons", ODD}, {"backup_agent": "backup, nightly"}, {"postgres", "dba_dana"}, "postgres"
    )
    found = {one.role: one for one in find_bypasses(lines, known)}
    assert [(role, one.way) for role, one in found.items()] == [
        ("records_app", Way.AROUND), ("dba_dana", Way.ADMINISTRATOR), ("postgres", Way.ADMINISTRATOR),
        ("backup_agent", Way.WORKLOAD), ("sessions of the door", Way.THROUGH),
    ]  # fmt: skip
    dana = found["dba_dana"]
    assert (len(dana.statements), dana.writes, len(dana.sessions), dana.tables) == (
        3, 0, 1, {"public.persons": 3, ODD: 1},
    )  # fmt: skip
    assert found["postgres"].writes == 1
    assert found["records_app"].as_json()["first"] == "2026-11-25T21:45:29.227000+00:00"


def test_another_database_and_another_table_are_not_counted(log: str) -> None:
    lines, _ = read(log)
    assert find_bypasses(lines, Known({"public.persons"}, database="another")) == []
    assert find_bypasses(lines, Known({"public.cases"})) == []


def test_what_is_no_line_is_rejected_with_its_place_and_nothing_of_it(log: str) -> None:
    lines = log.splitlines(keepends=True)
    audit = next(line for line in lines if "persons where" in line)
    for spoilt, reason in (
        ("a,b,c\n", "got 3 columns"),
        (audit.replace("AUDIT: SESSION,1,1", "AUDIT: SESSION,x,1"), "pgaudit's fields"),
        (audit.replace(",READ,", ",PEEK,"), "a class"),
        (audit.replace(" UTC", " CST", 1), "log_timezone"),
    ):
        found, account = read(lines[0] + spoilt + audit)
        assert (len(found), account.audit, account.other, len(account.rejected)) == (1, 1, 1, 1)
        assert (account.rejected[0].line, reason in account.rejected[0].reason) == (2, True)
        assert "JH1" not in str(account.rejected)


def test_a_file_that_was_cut_off_says_so(log: str) -> None:
    found, account = read(log[: log.index("with") + 6])
    assert len(account.rejected) == 1
    assert account.lines == len(found) + account.other + 1


def test_a_statement_of_a_megabyte_is_read() -> None:
    audit = next(line for line in LOG.read_text(encoding="utf-8").splitlines() if "persons where" in line)
    found, _ = read(audit.replace("select last_name", "select /*" + "x" * 1_000_000 + "*/ last_name") + "\n")
    assert len(found) == 1


@given(st.lists(st.text(max_size=60), max_size=8))
def test_any_lines_are_counted_and_none_fails(texts: list[str]) -> None:
    account = Read()

    def lines() -> Iterator[str]:
        yield from (f"{text}\n" for text in texts)

    found = list(read_pgaudit(lines(), account))
    assert account.audit == len(found)
