"""`doorward fund totals`: recompute, sign, record, open, verify; and what a change of the ledger comes to."""

import shutil
from pathlib import Path

import psycopg
import pytest

from doorward.embedded.launcher import Cluster
from doorward.notes.key_files import write_key
from doorward.notes.note import Signer, format_verifier
from fund.published import publish
from fund.test_export import ENGINES
from fund.test_fund_command import Run, a_year, must, run_fixture

__all__ = ["run_fixture"]  # the fixture `run`
pytestmark = pytest.mark.pg
AUDITOR = Signer.make("auditor.test.invalid/one", b"\x09" * 32)


def test_the_auditor_signs_what_the_record_says_and_anybody_verifies_it(
    run: Run, tmp_path: Path, fund_cluster: Cluster
) -> None:
    a_year(run)
    log_key = publish(fund_cluster, tmp_path / "data", fresh=True)
    table, text, note, keys, key, opening = (
        str(tmp_path / name) for name in ("t.csv", "totals.txt", "totals.note", "keys", "key", "opening.json")
    )
    write_key(Path(key), AUDITOR)
    Path(keys).write_text(format_verifier(AUDITOR.verifier) + "\n", encoding="utf-8")
    out = ("--table", table, "--out", text)
    beans = ("--beancount", str(ENGINES / "python")) if (ENGINES / "bean-check").exists() else ()
    told = must(run, "totals", "recompute", *out, *beans, "--json").json
    assert (told["wrong"], told["posted"], told["disclosures"]) == ([], 5, True)
    assert "2026,legal,north-legal,a-1,encumbered,100000000" in Path(table).read_text(encoding="utf-8")
    signed = must(run, "totals", "sign", text, "--table", table, "--key", key, where=False).out
    Path(note).write_text(signed[signed.index("doorward fund totals") :], encoding="utf-8")
    of = ("--table", table, "--keys", keys)
    assert "not looked up" in must(run, "totals", "verify", note, *of, where=False).out
    must(run, "totals", "record", note, *of, "--by", "auditor")
    assert run("totals", "open", note, "--out", opening).code == 3  # not published yet
    publish(fund_cluster, tmp_path / "data")
    must(run, "totals", "open", note, "--out", opening)
    proof = ("--opening", opening, "--log-key", log_key)
    told = must(run, "totals", "verify", note, *of, *proof, "--json", where=False).json
    assert (told["in_log"]["log"], told["signed_by"]) == ("log.test.invalid", AUDITOR.name)
    assert must(run, "verify", "--json").json["wrong"] == []  # an entry of totals is no transaction

    other = str(tmp_path / "other.csv")
    shutil.copy(table, other)
    Path(other).write_text(Path(table).read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert run("totals", "verify", note, "--table", other, "--keys", keys, where=False).code == 1
    assert run("totals", "sign", text, "--table", other, "--key", key, where=False).code == 1
    Path(keys).write_text(format_verifier(Signer.make(AUDITOR.name, b"\x0a" * 32).verifier), encoding="utf-8")
    assert run("totals", "verify", note, *of, where=False).code == 1
    assert run("totals", "record", note, *of, "--by", "auditor").code == 1
    assert run("totals", "verify", text, *of, where=False).code == 2

    with psycopg.connect(
        fund_cluster.dsn(user="postgres", dbname="doorward_fund"), autocommit=True
    ) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE fund.standing SET treasury = treasury - 1")
    done = run("totals", "recompute", *out, "--previous", note)
    assert done.code == 1
    assert "`treasury` of 2026 legal is -1 by the ledger, and 0 by the record" in done.out
