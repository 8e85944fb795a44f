"""`doorward audit policies` and `doorward audit sharing`, as a person runs them, over invented pages."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from doorward.cli.audit import app
from doorward.errors import ConfigError
from doorward.lookback.published.rows import COLUMNS
from doorward.orders.load import load_pack

PAGE = {
    "agency": "sample-town-il-pd",
    "snapshot": "2026-04-19",
    "crawled_name": "Sample Town IL PD",
    "acceptable_use_policy": "Data is used for law enforcement purposes only.",
    "prohibited_uses": "Immigration enforcement, traffic enforcement, walking on the grass.",
    "access_policy": "All system access requires a valid reason.",
    "data_retention_days": "30",
    "sharing_outbound": '["Agreed IL PD", "Undeclared WI PD"]',
}
OLDER = PAGE | {"snapshot": "2026-03-01", "data_retention_days": "21", "sharing_outbound": '["Agreed IL PD"]'}
OTHER = PAGE | {"agency": "other-mn-so", "crawled_name": "Other MN SO"}


def write(folder: Path, *rows: dict[str, str], name: str = "pages.csv") -> Path:
    file = folder / name
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return file


def run(*arguments: str | Path) -> Result:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()
    }


def test_each_agency_gets_an_order_that_loads(tmp_path: Path) -> None:
    done = run("policies", write(tmp_path, OLDER, PAGE, OTHER), "--out", tmp_path / "orders")
    assert done.exit_code == 0
    packs = [load_pack(folder, production=True) for folder in sorted((tmp_path / "orders").iterdir())]
    assert [(pack.name, pack.effective) for pack in packs] == [
        ("other-mn-so", "2026-04-19"),
        ("sample-town-il-pd", "2026-04-19"),
    ]
    assert "sample-town-il-pd: 5 clauses of 2026-04-19; 1 phrases not audited" in done.stdout
    assert "prohibited uses: decides 4, unread 2" in done.stdout


def test_the_page_of_a_day_is_taken(tmp_path: Path) -> None:
    run("policies", write(tmp_path, OLDER, PAGE), "--out", tmp_path / "orders", "--on", "2026-04-01")
    assert load_pack(tmp_path / "orders/sample-town-il-pd").effective == "2026-03-01"


def test_a_second_run_changes_nothing_and_another_page_is_not_written_over(tmp_path: Path) -> None:
    file, out = write(tmp_path, PAGE), tmp_path / "orders"
    run("policies", file, "--out", out)
    first = bytes_of(out)
    assert run("policies", file, "--out", out).exit_code == 0
    assert bytes_of(out) == first
    with pytest.raises(ConfigError, match="holds something else"):
        run("policies", write(tmp_path, OLDER), "--out", out)
    assert bytes_of(out) == first


def test_one_agency_can_be_asked_for_and_must_be_there(tmp_path: Path) -> None:
    file = write(tmp_path, PAGE, OTHER)
    run("policies", file, "--out", tmp_path / "orders", "--agency", "other-mn-so")
    assert [folder.name for folder in (tmp_path / "orders").iterdir()] == ["other-mn-so"]
    with pytest.raises(ConfigError, match="no row of an agency `nobody`"):
        run("policies", file, "--out", tmp_path / "more", "--agency", "nobody")


def test_json_lists_what_decides_and_what_is_not_audited(tmp_path: Path) -> None:
    done = run("policies", write(tmp_path, PAGE), "--out", tmp_path / "orders", "--json")
    (said,) = json.loads(done.stdout)
    assert [clause["id"] for clause in said["clauses"]] == [
        "USE-immigration-enforcement", "USE-traffic-enforcement", "ONLY-law-enforcement", "DUTY-reason", "RETENTION",
    ]  # fmt: skip
    assert said["not_audited"] == [
        {"text": "prohibited uses", "words": "walking on the grass", "why": "no rule reads these words"}
    ]


def test_a_file_that_is_not_there_or_no_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes(b"agency\xff")
    for name in ("nothing.csv", "latin.csv"):
        with pytest.raises(ConfigError, match=name):
            run("policies", tmp_path / name, "--out", tmp_path / "orders")


def test_sharing_is_compared_with_what_is_on_file_and_with_the_page_before(tmp_path: Path) -> None:
    pages = write(tmp_path, OLDER, PAGE)
    (tmp_path / "a.csv").write_text(
        "agency,kind,from,until,evidence\nAgreed IL PD,MOU,,,box 1\n", encoding="utf-8"
    )
    (tmp_path / "d.csv").write_text("agency,kind,from,until,evidence\n", encoding="utf-8")
    options = ("--agreements", tmp_path / "a.csv", "--declarations", tmp_path / "d.csv", "--order", "chicago")
    done = run("sharing", "--policies", pages, *options)
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert "  out of state, no declaration on file: 1, clause A130c" in lines
    assert "  no agreement on file: 1" in lines
    assert "  not compared, no file was given: 287(g) agreements" in lines
    assert "  added: Undeclared WI PD" in lines
    assert "  setting data retention days: 21 -> 30" in lines
    said = json.loads(run("sharing", "--policies", pages, *options, "--json").stdout)
    assert said["counts"] == {"out of state, no declaration on file": 1, "no agreement on file": 1}
    assert said["changes"][0]["added"] == ["Undeclared WI PD"]


def test_an_export_of_networks_is_compared_with_yesterdays(tmp_path: Path) -> None:
    head = "Organization Name,Networks Shared With Me,Networks I'm Sharing\n"
    today, before = tmp_path / "sample-il-pd__2026-04-20.csv", tmp_path / "sample-il-pd__2026-04-19.csv"
    today.write_text(f"{head}A IL PD,,1\nB IL PD,,1\n", encoding="utf-8")
    before.write_text(f"{head}A IL PD,,1\nC IL PD,,1\n", encoding="utf-8")
    done = run("sharing", today, "--before", before)
    assert done.exit_code == 1
    assert "sample-il-pd, from 2026-04-19 to 2026-04-20:" in done.stdout
    assert "  added: B IL PD\n  gone: C IL PD\n" in done.stdout
    assert run("sharing", today, "--before", today).exit_code == 0


def test_a_list_that_does_not_say_whose_it_is_needs_an_owner(tmp_path: Path) -> None:
    file = tmp_path / "SharedNetworks.csv"
    file.write_text(
        "Organization Name,Networks Shared With Me,Networks I'm Sharing\nA IL PD,,1\n", encoding="utf-8"
    )
    with pytest.raises(ConfigError, match="does not say whose list"):
        run("sharing", file)
    assert run("sharing", file, "--owner", "Sample IL PD", "--on", "2026-04-19").exit_code == 0
    with pytest.raises(ConfigError, match="no list to look at"):
        run("sharing")


def test_a_list_of_participants_that_is_no_workbook_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "p.xlsx").write_bytes(b"PK no")
    for name in ("p.xlsx", "nothing.xlsx"):
        with pytest.raises(ConfigError, match=name):
            run("sharing", "--policies", write(tmp_path, PAGE), "--participating", tmp_path / name)
