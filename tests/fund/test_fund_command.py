"""`doorward fund`, as a fund manager runs it: from an ordinance to a closed year; refusals and their exit codes."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from doorward.cli.folders import Folders
from doorward.cli.main import app, exit_code
from doorward.embedded.launcher import Cluster
from doorward.errors import ConfigError, DoorwardError
from doorward.fund.dollars import parse_dollars

pytestmark = pytest.mark.pg


@dataclass
class Done:
    code: int
    out: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture(name="run")
def run_fixture(tmp_path: Path, fund_cluster: Cluster) -> Run:
    folders = Folders(tmp_path / "data")
    folders.make()
    where = {"socket_dir": str(fund_cluster.spec.socket_dir), "port": fund_cluster.spec.port}
    (folders.run / "record.json").write_text(json.dumps(where), encoding="utf-8")
    with psycopg.connect(fund_cluster.dsn(user="postgres", dbname="postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS doorward_fund WITH (FORCE)")

    def run(*words: str, where: bool = True) -> Done:
        data = ("--data", str(folders.data)) if where else ()
        result = CliRunner().invoke(app, ["fund", *words, *data])
        if isinstance(result.exception, DoorwardError):
            return Done(exit_code(result.exception), str(result.exception))
        return Done(result.exit_code, result.stdout)

    return run


def must(run: Run, *words: str, where: bool = True) -> Done:
    done = run(*words, where=where)
    assert done.code == 0, done.out
    return done


def a_year(run: Run) -> None:
    assert "line bond: off" in must(run, "install").out
    on = ("--on", "2026-02-01")
    for year in ("2026", "2027"):
        must(run, "open-year", year, "--by", "manager", *on)
    source = ("--source", "ordinance", "--reference", "SO2016-1", "--by", "manager", *on)
    must(run, "appropriate", "--year", "2026", "--line", "legal", "--amount", "1300000", *source)
    days = ("--begins", "2026-01-01", "--ends", "2027-12-31")
    parts = ("--year", "2026", "--part", "legal=1000000")
    must(run, "agree", "a-1", "--grantee", "north-legal", *parts, *days, "--by", "manager", *on)
    assert run("post", "a-1", "--by", "manager", *on).code == 1
    must(run, "post", "a-1", "--by", "director", *on)


def bill(run: Run, name: str, amount: str) -> Done:
    days = ("--begins", "2026-01-01", "--ends", "2026-01-31")
    part = ("--year", "2026", "--part", f"legal:screening={amount}")
    return run(
        "invoice", name, "--agreement", "a-1", "--number", f"N-{name}", *part, *days, "--by", "clerk",
        "--on", "2026-02-01", "--json",
    )  # fmt: skip


def test_a_year_from_the_ordinance_to_its_close(run: Run, tmp_path: Path) -> None:
    a_year(run)
    assert bill(run, "c-1", "250000.50").code == 0
    on = ("--on", "2026-02-02")
    assert run("approve", "c-1", "--by", "clerk", *on).code == 1
    must(run, "approve", "c-1", "--by", "manager", *on)
    must(run, "approve", "c-1", "--by", "director", *on)
    key = ("--key", "00000000-0000-4000-8000-000000000001")
    first = must(run, "pay", "c-1", "--reference", "PV-1", "--by", "manager", *on, *key, "--json").json
    second = must(run, "pay", "c-1", "--reference", "PV-1", "--by", "manager", *on, *key, "--json").json
    assert (second["transaction"], second["again"]) == (first["transaction"], True)
    must(run, "close-year", "2026", "--carry", "a-1", "--by", "manager", "--on", "2027-01-15")
    (line,) = must(run, "statement", "--year", "2026", "--json").json
    assert (line["paid"], line["lapsed"], line["carried_out"]) == (250_000_50, 300_000_00, 749_999_50)
    assert line["closed"] is True
    pdf = tmp_path / "2026.pdf"
    assert (
        "the ledger is what the record says"
        in must(run, "statement", "--year", "2026", "--pdf", str(pdf)).out
    )
    first = pdf.read_bytes()
    must(run, "statement", "--year", "2026", "--pdf", str(pdf))
    assert pdf.read_bytes() == first
    assert must(run, "verify", "--json").json["wrong"] == []
    assert "2027-01-16 balance" in must(run, "export", "beancount").out
    assert must(run, "export", "csv").out.count("\n") > 10
    balances = must(run, "balance", "--json").json
    assert {
        "year": 2027,
        "line": "legal",
        "agreement": "a-1",
        "account": "encumbered",
        "cents": 749_999_50,
    } in balances
    must(run, "install")  # a second run changes nothing
    assert must(run, "balance", "--json").json == balances


def test_a_refusal_says_its_rule_and_ends_with_1(run: Run) -> None:
    a_year(run)
    done = bill(run, "c-1", "1000000.01")
    assert (done.code, done.json["refused"]) == (1, "encumbrance")
    source = ("--source", "ordinance", "--reference", "A123456789", "--by", "manager")
    done = run("appropriate", "--year", "2026", "--line", "legal", "--amount", "5", *source)
    assert done.code == 1
    assert "A123456789" not in done.out


def test_a_superusers_change_is_found_by_verify(run: Run, fund_cluster: Cluster, tmp_path: Path) -> None:
    a_year(run)
    with psycopg.connect(
        fund_cluster.dsn(user="postgres", dbname="doorward_fund"), autocommit=True
    ) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE fund.posting SET cents = cents * 10 WHERE transaction = 3")
    done = run("verify")
    assert done.code == 1
    assert "transaction 3: its postings are not what its text says" in done.out
    done = run("statement", "--year", "2026", "--pdf", str(tmp_path / "x.pdf"))
    assert done.code == 1
    assert "no statement was written" in done.out
    assert not (tmp_path / "x.pdf").exists()


def test_what_is_no_amount_no_part_and_no_form_is_a_usage_error(run: Run) -> None:
    must(run, "install")
    assert run("export", "xml").code == 2
    assert run("statement", "--year", "2031").code == 2
    days = ("--begins", "2026-01-01", "--ends", "2027-12-31")
    assert (
        run("agree", "a-1", "--grantee", "g", "--year", "2026", "--part", "legal", *days, "--by", "m").code
        == 2
    )


@pytest.mark.parametrize("said", ["1,000", "1.5", "1e3", "", "1.234", "٣", "$5", "9999999999999"])
def test_an_amount_is_dollars_with_two_digits_or_none(said: str) -> None:
    with pytest.raises(ConfigError):
        parse_dollars(said)


def test_amounts_are_whole_cents() -> None:
    assert [parse_dollars(said) for said in ("1300000", "12.50", "-0.01", "0")] == [130_000_000, 1250, -1, 0]
