"""The fund as a new user tries it, from the appropriation to the closed year; ledger, Beancount and record say the same.

Each step is a function of `Walk`, so that whoever has a page for a step asks the page beside it. What a page shows of
money is a figure of `Walk.figures`.
"""

import csv
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.embedded.launcher import Cluster
from doorward.fund.grantee.report import COLUMNS
from doorward.fund.grantee.template import format_csv
from fund.published import publish
from fund.test_export import ADD_UP, ENGINES
from fund.test_fund_command import Done, Run, must, run_fixture
from tests_support.payments import FORM_TEXT, file_of, row

__all__ = ["run_fixture"]  # the fixture `run`
pytestmark = [pytest.mark.pg, pytest.mark.long]
CLIENT = "Zofia Przykładowska"  # nobody; planted, and never to be found again
AGREEMENT = "ldf-2026-01"


def report(note: str) -> bytes:
    def cells(**said: str) -> list[str]:
        return [said.get(name.replace("from", "from_"), said.get(name, "")) for name in COLUMNS]

    return format_csv(
        [
            cells(record="period", agreement=AGREEMENT, from_="2026-01-01", to="2026-03-31"),
            cells(record="service", service="screening", units="40", detained="no", note=note),
            cells(record="cost", line="units", invoice="1", service="screening", units="40", price="90.00", amount="3600.00"),
        ]
    )  # fmt: skip


@dataclass
class Walk:
    """One fund, step by step."""

    run: Run
    folder: Path
    cluster: Cluster

    def must(self, *words: str) -> Done:
        return must(self.run, *words)

    def appropriate(self) -> None:
        self.must("install")
        for year in ("2026", "2027"):
            self.must("open-year", year, "--by", "manager", "--on", "2026-01-02")
        for amount, act in (("1300000", "SO2016-1"), ("250000", "SO2019-7")):
            self.must(
                "appropriate", "--year", "2026", "--line", "legal", "--amount", amount, "--source", "ordinance",
                "--reference", act, "--by", "manager", "--on", "2026-01-02",
            )  # fmt: skip

    def sign_an_agreement(self) -> None:
        days = ("--begins", "2026-01-01", "--ends", "2027-12-31", "--on", "2026-01-05")
        part = ("--year", "2026", "--part", "legal=1000000")
        self.must("agree", AGREEMENT, "--grantee", "north-legal", *part, *days, "--by", "manager")
        done = self.run("post", AGREEMENT, "--by", "manager", "--on", "2026-01-05")
        assert (done.code, "second-person" in done.out) == (1, True)
        self.must("post", AGREEMENT, "--by", "director", "--on", "2026-01-05")

    def hand_in_a_report(self) -> Any:
        file = self.folder / "report.csv"
        file.write_bytes(report(CLIENT))
        done = self.run("report", "check", str(file), "--agreement", AGREEMENT, where=False)
        assert done.code == 1
        assert "row 3, column Q" in done.out  # the cell is named
        assert not any(part in done.out for part in CLIENT.split())
        file.write_bytes(report(""))
        done = self.run("report", "check", str(file), "--agreement", AGREEMENT, "--json", where=False)
        assert done.code == 0, done.out
        file.unlink()
        return done.json

    def invoice(self) -> None:
        days = ("--begins", "2026-01-01", "--ends", "2026-03-31", "--on", "2026-04-02")
        part = ("--year", "2026", "--part", "legal:screening=3600.00")
        words = ("--agreement", AGREEMENT, "--number", "1", *part, *days)
        self.must("invoice", "c-1", *words, "--by", "clerk")
        assert self.run("invoice", "c-2", *words, "--by", "clerk").code == 1  # the same number again
        assert self.run("approve", "c-1", "--by", "clerk", "--on", "2026-04-02").code == 1
        for by in ("manager", "director"):
            self.must("approve", "c-1", "--by", by, "--on", "2026-04-02")

    def pay(self) -> None:
        form, file = self.folder / "form.toml", self.folder / "payments.csv"
        form.write_text(FORM_TEXT.replace("grantee-of-north", "north-legal"), encoding="utf-8")
        file.write_bytes(file_of(row("PV-1", "c-1", "3,600.00", day="2026-04-20", name=CLIENT)))
        for _ in range(2):
            self.must("payments", "import", str(file), "--form", str(form), "--by", "clerk")
        assert self.must("payments", "list", "--json").json["counts"] == {"exact": 1}
        for _ in range(2):
            self.must("payments", "confirm", "--exact", "--by", "manager")
        form.unlink()
        file.unlink()

    def close_the_year(self) -> None:
        assert self.run("close-year", "2026", "--by", "manager", "--on", "2026-12-31").code == 1
        self.must("close-year", "2026", "--carry", AGREEMENT, "--by", "manager", "--on", "2027-01-15")
        back = (
            "--year",
            "2027",
            "--of-year",
            "2026",
            "--line",
            "legal",
            "--amount",
            "100",
            "--reference",
            "RF-1",
        )
        self.must("refund", AGREEMENT, *back, "--by", "manager", "--on", "2027-02-01")
        done = self.run("refund", AGREEMENT, *back[:6], "--amount", "999999", *back[8:], "--by", "manager",
                        "--on", "2027-02-01")  # fmt: skip
        assert (done.code, "(refund)" in done.out) == (1, True)

    def ledger(self) -> dict[str, int]:
        return {
            f"{one['year']} {one['line']} {one['agreement']} {one['account']}": one["cents"]
            for one in self.must("balance", "--json").json
        }

    def beancount(self) -> dict[str, int]:
        file = self.folder / "fund.beancount"
        file.write_text(self.must("export", "beancount").out, encoding="utf-8")
        subprocess.run([ENGINES / "bean-check", file], check=True)
        added = subprocess.run(
            [ENGINES / "python", "-c", ADD_UP, file], capture_output=True, text=True, check=True
        )
        errors, sums = json.loads(added.stdout)
        assert errors == 0
        return {name: cents for name, cents in sums.items() if cents}

    def figures(self) -> dict[tuple[str, ...], int]:
        """Return what the record says and nothing else: year, line, grantee, agreement, measure, and cents."""
        table = self.folder / "totals.csv"
        beans = ("--beancount", str(ENGINES / "python")) if (ENGINES / "bean-check").exists() else ()
        words = ("--table", str(table), "--out", str(self.folder / "totals.txt"), *beans)
        told = self.must("totals", "recompute", *words, "--json").json
        assert (told["wrong"], told["unended"], told["disclosures"]) == ([], [], True)
        with table.open(encoding="utf-8", newline="") as stream:
            head, *rows = csv.reader(stream)
        assert head[-1] == "cents"
        return {tuple(cells[:-1]): int(cells[-1]) for cells in rows}

    def find(self, text: str) -> list[str]:
        """Return where a text is kept: in a file of the installation, or in a table of the fund or the record."""
        raw = text.encode()
        found = [str(one) for one in self.folder.rglob("*") if one.is_file() and raw in one.read_bytes()]
        for database in ("doorward_fund", "disclosures"):
            with psycopg.connect(self.cluster.dsn(user="postgres", dbname=database)) as connection:
                tables = connection.execute(
                    "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
                    "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
                ).fetchall()
                for (table,) in tables:
                    said = f"SELECT count(*) FROM {table} t WHERE t::text LIKE %s OR t::text LIKE %s"  # names of the catalog
                    both = [f"%{text}%", f"%{raw.hex()}%"]
                    if connection.execute(said.encode(), both).fetchone() != (0,):
                        found.append(f"{database} {table}")
        return found


def test_the_fund_as_a_new_user_tries_it(run: Run, tmp_path: Path, fund_cluster: Cluster) -> None:
    walk = Walk(run, tmp_path, fund_cluster)
    walk.appropriate()
    walk.sign_an_agreement()
    assert walk.hand_in_a_report()["enters"] is True
    walk.invoice()
    walk.pay()
    walk.close_the_year()
    publish(fund_cluster, tmp_path / "data", fresh=True)

    figures = walk.figures()
    line, north = ("2026", "legal", "", ""), ("2026", "legal", "north-legal", AGREEMENT)
    assert figures[*line, "appropriated"] == 1_550_000_00
    assert figures[*north, "spent"] == figures[*north, "paid"] == figures[*line, "paid"] == 3_600_00
    assert figures[*line, "carried out"] == 996_400_00
    assert figures[*line, "lapsed"] == 550_000_00
    assert figures["2027", "legal", "north-legal", AGREEMENT, "returned of closed years"] == 100_00

    assert walk.must("verify", "--json").json["wrong"] == []
    (statement,) = walk.must("statement", "--year", "2026", "--json").json
    of_statement = {
        name: statement[name] for name in ("appropriated", "lapsed", "carried_out", "paid", "expended")
    }
    assert of_statement == {
        "appropriated": figures[*line, "appropriated"], "lapsed": figures[*line, "lapsed"],
        "carried_out": figures[*line, "carried out"], "paid": figures[*line, "paid"],
        "expended": figures[*north, "spent"],
    }  # fmt: skip
    ledger = walk.ledger()
    assert -ledger["2026 legal  treasury"] == figures[*line, "paid"]
    if (ENGINES / "bean-check").exists():
        beans = walk.beancount()
        assert len(beans) == len(ledger)
        assert sorted(beans.values()) == sorted(ledger.values())
        assert -beans["Assets:Treasury:Y2026:L-legal"] == figures[*line, "paid"]
    walk.must("statement", "--year", "2026", "--pdf", str(tmp_path / "2026.pdf"))
    for part in (CLIENT, *CLIENT.split()):
        assert walk.find(part) == []
    assert walk.find("north-legal") != []  # what is looked for would be found
