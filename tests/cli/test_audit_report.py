"""`doorward audit report` and `doorward audit diff` from the outside."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests_support.audit_folder import OWNERS, Sample


def run(*arguments: str | Path, code: int = 0) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "doorward", "audit", *map(str, arguments)],
        capture_output=True, text=True, check=False, env=os.environ,
    )  # fmt: skip
    assert ran.returncode == code, ran.stderr + ran.stdout
    return ran.stdout + ran.stderr


def test_a_report_is_made_anew_from_a_folder(tmp_path: Path) -> None:
    Sample().write(tmp_path / "out")
    said = run(
        "report", tmp_path / "out", "--agency", OWNERS[1], "--no-pdf", "--mark", "2026-01-20=names left"
    )
    assert "numbers with their questions in numbers.csv" in said
    assert [file.name for file in (tmp_path / "out/agencies").glob("*.html")] == ["birch-example-pd.html"]
    assert "names left" in (tmp_path / "out/report.html").read_text(encoding="utf-8")


def test_a_publication_is_masked_and_says_what_is_withheld(tmp_path: Path) -> None:
    Sample().write(tmp_path / "out")
    said = run(
        "report",
        tmp_path / "out",
        "--publish",
        tmp_path / "public",
        "--published-on",
        "2026-04-10",
        "--no-pdf",
    )
    assert "the second pass over the finished files found nothing" in said
    page = (tmp_path / "public/report.html").read_text(encoding="utf-8")
    assert "Published on 2026-04-10" in page
    assert "QZX4417" not in page


def test_wrong_arguments_are_said_in_one_line(tmp_path: Path) -> None:
    Sample().write(tmp_path / "out")
    assert "is no day" in run(
        "report", tmp_path / "out", "--publish", tmp_path / "p", "--published-on", "soon", code=2
    )
    assert "a mark is a day" in run("report", tmp_path / "out", "--mark", "names left", code=2)
    assert "no kind of data `face`" in run("report", tmp_path / "out", "--mask", "face", code=2)
    assert "`audit.json` is missing" in run("report", tmp_path / "nothing", code=2)


def test_two_audits_are_compared_as_text_as_json_and_in_the_page(tmp_path: Path) -> None:
    Sample(manifest={"alarms": []}).write(tmp_path / "old")
    Sample(manifest={"alarms": []}).write(tmp_path / "new")
    assert "no difference shown" in run("diff", tmp_path / "old", tmp_path / "new", "--html")
    assert "Compared with an earlier audit" in (tmp_path / "new/report.html").read_text(encoding="utf-8")
    found = json.loads(run("diff", tmp_path / "old", tmp_path / "new", "--json"))
    assert {rate["verdict"] for rate in found["rates"]} == {"no difference shown"}
    Sample().write(tmp_path / "new")
    assert "Log changed" in run("diff", tmp_path / "old", tmp_path / "new", code=1)
