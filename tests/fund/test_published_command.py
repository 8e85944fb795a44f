"""`doorward fund publish` and `published verify`, as a fund manager, an auditor and a reporter run them."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from doorward.cli import fund_published
from doorward.cli.folders import Folders
from doorward.cli.main import app, exit_code
from doorward.embedded.launcher import Cluster
from doorward.errors import DoorwardError, MalformedError
from doorward.fund.published.counted import Accepted
from doorward.fund.published.reports_file import format_reports, parse_reports
from tests_support.fund_published import report

pytestmark = pytest.mark.pg
Run = Callable[..., tuple[int, str]]
REPORTS = [report(at, [40, 4 if at == 1 else 30, 20, 50], [20, 15, 12]) for at in range(3)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, fund_cluster: Cluster) -> Folders:
    """An installation whose fund has a year, an agreement and a payment, and reports in a file."""
    folders = Folders(tmp_path_factory.mktemp("fund") / "data")
    folders.make()
    where = {"socket_dir": str(fund_cluster.spec.socket_dir), "port": fund_cluster.spec.port}
    (folders.run / "record.json").write_text(json.dumps(where), encoding="utf-8")
    with psycopg.connect(fund_cluster.dsn(user="postgres", dbname="postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS doorward_fund WITH (FORCE)")
    on = ("--on", "2026-01-20")
    days = ("--begins", "2026-01-01", "--ends", "2026-12-31")
    for words in (
        ("install",),
        ("open-year", "2026", "--by", "manager", *on),
        (
            "appropriate",
            "--year",
            "2026",
            "--line",
            "legal",
            "--amount",
            "1300000",
            "--source",
            "ordinance",
            "--reference",
            "SO1",
            "--by",
            "manager",
            *on,
        ),
        (
            "agree",
            "a-1",
            "--grantee",
            "north-legal",
            "--year",
            "2026",
            "--part",
            "legal=900000",
            *days,
            "--by",
            "manager",
            *on,
        ),
        ("post", "a-1", "--by", "director", *on),
        (
            "invoice",
            "c-1",
            "--agreement",
            "a-1",
            "--number",
            "N-1",
            "--year",
            "2026",
            "--part",
            "legal:screening=2700",
            *days,
            "--by",
            "clerk",
            *on,
        ),
        ("approve", "c-1", "--by", "manager", *on),
        ("approve", "c-1", "--by", "director", *on),
        ("pay", "c-1", "--reference", "PV-1", "--by", "manager", *on),
    ):
        assert ask(folders, *words)[0] == 0, words
    (folders.data.parent / "reports.json").write_bytes(format_reports(REPORTS))
    return folders


def ask(folders: Folders, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["fund", *words, "--data", str(folders.data)])
    if isinstance(result.exception, DoorwardError):
        return exit_code(result.exception), str(result.exception)
    return result.exit_code, result.stdout


def read(done: tuple[int, str]) -> Any:
    assert done[0] == 0, done[1]
    return json.loads(done[1])


@pytest.fixture(name="at")
def at_fixture(monkeypatch: pytest.MonkeyPatch) -> Callable[[date], None]:
    def set_clock(day: date) -> None:
        moment = datetime(day.year, day.month, day.day, 18, tzinfo=UTC)
        monkeypatch.setattr(fund_published, "read_clock", lambda: moment)

    return set_clock


def test_from_the_ledger_to_a_reporter_who_checks(
    place: Folders, at: Callable[[date], None], tmp_path: Path
) -> None:
    reports = ("--reports", str(place.data.parent / "reports.json"))
    at(date(2026, 3, 16))
    assert read(ask(place, "publish", "--by", "manager", *reports, "--json")) == {
        "published": {}, "next": "2026-01", "on": "2026-03-17",
    }  # fmt: skip
    at(date(2026, 4, 15))
    first = read(ask(place, "publish", "--by", "manager", *reports, "--json"))
    assert list(first["published"]) == ["2026-01", "2026-02"]
    assert read(ask(place, "publish", "--by", "manager", *reports, "--json"))["published"] == {}
    shown = read(ask(place, "published", "show", "--json"))
    assert [one["totals"] for one in shown] == list(first["published"].values())
    assert {one["paid"] for one in shown} == {"2700.00"}
    assert read(ask(place, "published", "verify", "--ledger", *reports, "--json")) == {
        "months": 2, "against": ["files", "record", "ledger"], "wrong": [],
    }  # fmt: skip

    assert (
        ask(place, "verify")[0] == 0
    )  # the ledger and its record are not disturbed by the entries of months

    # A reporter downloads the months, or some files of one, and has neither the order nor the record.
    copy = tmp_path / "copy"
    shutil.copytree(place.fund_public, copy)
    offline = CliRunner().invoke(app, ["fund", "published", "verify", str(copy), "--json"])
    assert json.loads(offline.stdout) == {"months": 2, "against": ["files"], "wrong": []}
    some = tmp_path / "some"
    some.mkdir()
    for name in ("served.csv", "totals.txt"):
        shutil.copy(copy / "2026-02" / name, some / name)
    assert CliRunner().invoke(app, ["fund", "published", "verify", str(some)]).exit_code == 0
    (some / "served.csv").write_bytes((some / "served.csv").read_bytes().replace(b"withheld", b"4"))
    changed = CliRunner().invoke(app, ["fund", "published", "verify", str(some)])
    assert changed.exit_code == 1
    assert "`served.csv` is not the one that the totals name" in changed.stdout

    # Who changes a published file is found by the record, and by whoever publishes next.
    file = place.fund_public / "2026-02" / "served.csv"
    before = file.read_bytes()
    file.chmod(0o644)
    file.write_bytes(before.replace(b"withheld", b"4"))
    code, said = ask(place, "published", "verify")
    assert code == 1
    assert "2026-02: `served.csv` does not say what `fund.json` says" in said
    at(date(2026, 5, 15))
    code, said = ask(place, "publish", "--by", "manager", *reports)
    assert (code, "nothing was published" in said) == (1, True)
    file.write_bytes(before)

    # Who changes a report afterwards is found too: the month that stands is not what it gives.
    other = tmp_path / "other.json"
    other.write_bytes(format_reports([report(0, [41, 30, 20, 50]), *REPORTS[1:]]))
    code, said = ask(place, "publish", "--by", "manager", "--reports", str(other))
    assert (code, "nothing was published" in said) == (1, True)
    code, said = ask(place, "published", "verify", "--ledger", "--reports", str(other))
    assert code == 1
    assert "2026-01: `served.csv` is not what the ledger and the reports give" in said
    assert read(ask(place, "publish", "--by", "manager", *reports, "--json"))["published"].keys() == {
        "2026-03"
    }


def test_without_a_ledger_and_without_reports(at: Callable[[date], None], tmp_path: Path) -> None:
    folders = Folders(tmp_path / "data")
    folders.make()
    at(date(2026, 3, 20))
    assert read(ask(folders, "published", "show", "--json")) == []
    assert list(read(ask(folders, "publish", "--by", "manager", "--no-ledger", "--json"))["published"]) == [
        "2026-01"
    ]
    month = folders.fund_public / "2026-01"
    assert (month / "served.csv").read_text() == "period,service,count\n"
    assert json.loads((month / "fund.json").read_text())["served"] is None
    code, said = ask(folders, "published", "verify")
    assert code == 0, said


def test_the_history_is_the_same_as_rows_and_as_csv(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "data")
    rows = read(ask(folders, "history", "--json"))
    code, said = ask(folders, "history")
    assert code == 0
    lines = said.splitlines()
    assert len(lines) == len(rows) + 1
    assert "Legal screenings,screening,first 9 months of 2017,exactly,1560,S116,text," in lines
    assert sum(row["how"] == "not said" for row in rows) > 60


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("publish", "--by", "manager", "--zone", "Moon/Base"), 2),
        (("publish", "--by", "manager", "--reports", "/nowhere.json", "--no-ledger"), 3),
        (("published", "verify", "/nowhere"), 2),
        (("publish", "--by", "manager", "--order", "oregon"), 2),
    ],
)
def test_what_cannot_be_done_has_its_exit_code(
    words: tuple[str, ...], code: int, at: Callable[[date], None], tmp_path: Path
) -> None:
    folders = Folders(tmp_path / "data")
    folders.make()
    at(date(2026, 4, 20))
    assert ask(folders, *words)[0] == code


def test_a_folder_without_months_is_no_pass(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["fund", "published", "verify", str(tmp_path)])
    assert isinstance(result.exception, DoorwardError)
    assert "no published month" in str(result.exception)
    (tmp_path / "totals.txt").write_bytes(b"doorward fund totals v1\n")
    result = CliRunner().invoke(app, ["fund", "published", "verify", str(tmp_path)])
    assert isinstance(result.exception, DoorwardError)


def test_a_file_of_reports_is_what_was_counted_and_nothing_else() -> None:
    assert sorted(parse_reports(format_reports(REPORTS)), key=lambda one: one.last) == REPORTS
    row = json.loads(format_reports(REPORTS[:1]))[0]
    for changed in (
        {**row, "client": "Jane Example"},
        {**row, "units": {"Jane Example": 1}},
        {**row, "units": {"screening": -1}},
        {**row, "units": {"screening": True}},
        {**row, "accepted": "yesterday"},
        {key: row[key] for key in row if key != "opened"},
    ):
        with pytest.raises(MalformedError) as caught:
            parse_reports(json.dumps([changed]).encode())
        assert "Jane" not in str(caught.value)
        assert caught.value.__context__ is None
    for raw in (b"", b"{}", b"[3]", b"[" * 100_000, b"\xff"):
        with pytest.raises(MalformedError):
            parse_reports(raw)
    assert parse_reports(b"[]") == ()
    assert Accepted(date(2026, 1, 1), date(2026, 1, 2)).units == {}
