"""`doorward fund terms|report|exception|review`: from terms to a claim and a review; a planted name leaves nothing."""

import json
import uuid
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from typer.testing import CliRunner

from doorward.cli.folders import Folders
from doorward.cli.fund_fill import prepare_fund
from doorward.cli.main import app
from doorward.embedded.launcher import Cluster
from doorward.fund.filings.acts import FileReport, parse_filing
from doorward.fund.filings.compare import compare_filings
from doorward.fund.filings.confined import read_confined
from doorward.fund.filings.entries import FILE
from doorward.fund.filings.rows import read_on_file
from doorward.fund.grantee.cells import MAX_BYTES
from doorward.fund.grantee.template import format_csv
from doorward.fund.sample import REPORTED
from doorward.grants.cut_files import load_officers
from doorward.notes.note import format_verifier
from doorward.orders.load import load_pack
from doorward.record.entry import Field
from doorward.record.keys import make_log_key
from doorward.record.log_files import VERIFIER_KEY
from doorward.record.replay import Block
from doorward.record.segments import SpoolReader
from doorward.record.workers import FUND, worker_folder
from fund.published import publish
from fund.test_fund_command import Run, a_year, must, run_fixture
from fund_reports import CLEAN, changed, rows_of, workbook

__all__ = ["run_fixture"]
MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNITS_TEXT = load_pack("chicago").files["fund_units.toml"]
NAME = "Wiktoria Przykladowska"
TERMS = """
agreement = "a-1"
first = 2026-01-01
last = 2026-12-31
[units]
kyr-session = 20
screening = 200
full-representation = 10
[price_cents]
kyr-session = 5_000
screening = 9_000
full-representation = 150_000
[budget_cents]
units = 900_000
interpretation = 50_000
[ledger]
kyr-session = "outreach:know-your-rights"
screening = "legal:screening"
full-representation = "legal:representation"
interpretation = "legal:screening"
"""


def records(**first: str) -> list[dict[str, str | int]]:
    period: dict[str, str | int] = {
        **CLEAN[0],
        "agreement": "a-1",
        "from": "2026-01-01",
        "to": "2026-01-31",
        **first,
    }
    return [period, *CLEAN[1:]]


@pytest.mark.pg
def test_from_terms_to_a_claim_and_a_planted_name_leaves_nothing(
    run: Run, tmp_path: Path, fund_cluster: Cluster
) -> None:
    a_year(run)
    terms, clean, planted = (tmp_path / name for name in ("terms.toml", "clean.xlsx", f"{NAME}.csv"))
    terms.write_text(TERMS, encoding="utf-8")
    set_ = must(run, "terms", "set", str(terms), "--by", "manager", "--json").json
    assert run("terms", "accept", str(set_["number"]), "--by", "manager").code == 1
    must(run, "terms", "accept", str(set_["number"]), "--by", "director")
    rows = rows_of(records())
    rows[2][16] = NAME
    planted.write_bytes(format_csv([[str(cell) for cell in row] for row in rows]))
    done = run("report", "file", str(planted), "--agreement", "a-1", "--by", "ana", "--json")
    assert done.code == 1
    (place,) = done.json["places"]
    assert (place["place"], place["kind"]) == ("Report, row 4, column Q", "name")
    refused = NAME.split()[1].lower().encode()
    assert refused not in done.out.lower().encode()
    for file in [one for one in tmp_path.rglob("*") if one.is_file() and one != planted]:
        assert refused not in file.read_bytes().lower(), file
    assert not found_in_database(fund_cluster, NAME.split()[1])
    clean.write_bytes(workbook(records()))
    filed = must(run, "report", "file", str(clean), "--agreement", "a-1", "--by", "ana", "--json").json
    assert filed["findings"] == []
    number = str(filed["number"])
    must(run, "report", "invoice", number, "7", "--year", "2026", "--by", "ana", "--json")
    (kept,) = must(run, "report", "list", "--agreement", "a-1", "--json").json
    assert (kept["status"], kept["invoices"]) == ("clear", [7])
    assert run("review", "draw", number, "--by", "manager").code == 2  # no log in this installation
    own = make_log_key(tmp_path / "own.key", origin="own.example/log").verifier
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / VERIFIER_KEY).write_text(format_verifier(own) + "\n", encoding="utf-8")
    drawn = run("review", "draw", number, "--by", "manager", "--log", str(tmp_path / "own"))
    assert drawn.code == 2
    assert "the installation's log has no verifier key" in drawn.out
    assert must(run, "verify", "--json").json["wrong"] == []
    assert "clear" in must(run, "report", "list", "--agreement", "a-1").out
    assert must(run, "exception", "list", "--agreement", "a-1", "--json").json == []
    assert run("report", "tables", "2026-q1").out.startswith("nothing")


@pytest.mark.pg
def test_a_key_on_file_proves_who_files_and_a_false_signature_is_found(run: Run, tmp_path: Path) -> None:
    a_year(run)
    folders, made = Folders(tmp_path / "data"), {}
    for name in (
        "fund-manager/fay.example",
        "fund-director/dora.example",
        "grantee/ana.example",
        "fund-reviewer/rex.example",
    ):
        made[name] = tmp_path / f"{name.replace('/', '-')}.key"
        done = CliRunner().invoke(app, ["order", "key", name, "--out", str(made[name])])
        with folders.officials.open("a") as sink:
            sink.write(done.stdout.strip().splitlines()[-1] + "\n")
    fay, dora, ana, rex = (("--sign-with", str(one)) for one in made.values())
    terms, clean = tmp_path / "terms.toml", tmp_path / "clean.xlsx"
    terms.write_text(TERMS, encoding="utf-8")
    clean.write_bytes(workbook(records()))
    refused = run("terms", "set", str(terms), *ana, "--json")
    assert (refused.code, "a key of fund-director or fund-manager may" in refused.out) == (2, True)
    assert run("terms", "set", str(terms)).code == 2  # nobody is named
    set_ = must(run, "terms", "set", str(terms), *fay, "--json").json
    must(run, "terms", "accept", str(set_["number"]), *dora)
    filed = must(run, "report", "file", str(clean), "--agreement", "a-1", *ana, "--json").json
    assert run("report", "invoice", str(filed["number"]), "7", "--year", "2026", *rex).code == 2
    must(run, "report", "invoice", str(filed["number"]), "7", "--year", "2026", *ana)
    assert must(run, "verify", "--json").json["wrong"] == []
    # The record's entry is put to another key of the same name, as if that person had signed.
    keys = folders.officials.read_text(encoding="utf-8").splitlines()
    assert len(keys) == len(made)
    found = SpoolReader(worker_folder(folders.spool, FUND)).read()
    told_of = (entry for one in found if isinstance(one, Block) for entry in one.entries)
    entries = [entry for entry in told_of if entry.get(Field.ACT) == FILE]
    assert [one.get(Field.AUTHENTICATION) for one in entries] == [
        b"key fund-manager",
        b"key fund-director",
        b"key grantee",
    ]
    told = [(at, one.sequence, (one.get(Field.TEXT) or b"").decode()) for at, one in enumerate(entries, 1)]
    known = load_officers(folders.officials)
    report = parse_filing(told[2][2]).act
    assert isinstance(report, FileReport)
    reports = {3: report.report}
    assert compare_filings(told, reports, entries, known).wrong == ()
    forged = [replace(one, fields=tuple(
        (name, b64encode(b64decode(value)[:4] + bytes(64)) if name is Field.EVIDENCE else value) for name, value in one.fields
    )) for one in entries]  # fmt: skip
    assert compare_filings(told, reports, forged, known).wrong == tuple(
        f"filing {at}: the signature in entry {one.sequence} does not hold"
        for at, one in enumerate(entries, 1)
    )


@pytest.mark.pg
def test_a_sample_is_drawn_from_the_published_log_and_answered_once(
    run: Run, tmp_path: Path, fund_cluster: Cluster
) -> None:
    a_year(run)
    terms, clean = tmp_path / "terms.toml", tmp_path / "clean.xlsx"
    terms.write_text(TERMS, encoding="utf-8")
    clean.write_bytes(workbook(records()))
    must(run, "terms", "set", str(terms), "--by", "manager")
    must(run, "terms", "accept", "1", "--by", "director")
    number = str(
        must(run, "report", "file", str(clean), "--agreement", "a-1", "--by", "ana", "--json").json["number"]
    )
    publish(fund_cluster, tmp_path / "data", fresh=True)
    drawn = must(run, "review", "draw", number, "--by", "manager", "--units", "3", "--json").json
    assert len(drawn["drawn"]) == 3
    assert drawn["answers"] is None
    # Anybody draws the same from the report's digest and the root; nobody draws a second time.
    assert run("review", "draw", number, "--by", "manager", "--units", "9").code == 1
    assert run("review", "enter", number, "--answers", "pass,fail,pass", "--by", "manager").code == 1
    assert run("review", "enter", number, "--answers", "pass,fail", "--by", "rex").code == 1
    must(run, "review", "enter", number, "--answers", "pass,fail,pass", "--by", "rex")
    (told,) = must(run, "review", "list", "--agreement", "a-1", "--json").json
    assert told == {**drawn, "answers": ["pass", "fail", "pass"]}
    assert must(run, "verify", "--json").json["wrong"] == []


@pytest.mark.pg
def test_the_samples_grantee_may_file_at_once_and_a_second_up_changes_nothing(
    tmp_path: Path, fund_cluster: Cluster
) -> None:
    superuser = fund_cluster.dsn(user="postgres", dbname="postgres")
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS doorward_fund WITH (FORCE)")
    folders = Folders(tmp_path / "data")
    folders.make()
    for number in (1, 2):
        prepare_fund(folders, load_pack("chicago"), superuser, now=MOMENT, key=uuid.UUID(int=number))
    with psycopg.connect(make_conninfo(superuser, dbname="doorward_fund")) as connection:
        held = read_on_file(connection, REPORTED)
    assert held.agreed is not None
    assert len(held.terms) == 1


def found_in_database(cluster: Cluster, word: str) -> list[str]:
    """Return the tables of the fund's database that hold a word in whichever column."""
    found = []
    with psycopg.connect(cluster.dsn(user="postgres", dbname="doorward_fund"), autocommit=True) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'fund'"
        ).fetchall()
        for (table,) in tables:
            asked = f"SELECT count(*) FROM {table} AS one WHERE one::text ILIKE %s"  # of the catalog
            if connection.execute(asked, [f"%{word}%"]).fetchone() != (0,):
                found.append(table)
    return found


def test_a_child_reads_what_the_reader_reads() -> None:
    read = read_confined(workbook(records()), UNITS_TEXT, {"a-1"})
    assert read.report is not None
    assert (read.report.agreement, len(read.report.costs), read.refusals) == ("a-1", 2, ())
    refused = read_confined(
        changed("xl/workbook.xml", "<sheets>", "<definedNames/><sheets>"), UNITS_TEXT, {"a-1"}
    )
    assert refused.report is None
    assert refused.refusals


@pytest.mark.parametrize("raw", [b"", b"\x00" * 100, b"PK\x03\x04" + b"\xff" * 5000, b"a" * (MAX_BYTES + 1)])
def test_a_hostile_file_is_refused_with_a_kind(raw: bytes) -> None:
    read = read_confined(raw, UNITS_TEXT, {"a-1"})
    assert read.report is None
    assert read.refusals
    assert json.dumps([str(one) for one in read.refusals])
