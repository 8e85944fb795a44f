"""The parts of a report: the overview of agencies, words for names, contrast, and tables that must agree."""

import csv
import json
import re
from dataclasses import replace
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import duckdb
import pypdfium2
import pytest

from doorward.errors import ConfigError
from doorward.lookback.folder import AuditFolder
from doorward.lookback.reading.database_log import OTHER
from doorward.lookback.report import html
from doorward.lookback.report.content import Exhibit, Options
from doorward.lookback.report.measured import lead_kinds, measured
from doorward.lookback.report.numbers import Number, own_test, own_words, rate
from doorward.lookback.report.scope import as_numbers, hidden_cells
from doorward.lookback.report.words import clauses_of, possible_of, way_of
from doorward.lookback.report.write import publish_report, write_report
from doorward.lookback.rules import NO_PAPER
from tests_support.audit_folder import CLAUSES, ORDER, OWN, OWNERS, Access, Sample, ordinary

STILL = Options(pdf=False, interactive=False)
CSS = Path(html.__file__).with_name("page.css").read_text(encoding="utf-8")
ALDER, BIRCH, CEDAR = OWNERS


def own_of(number: int, **more: Any) -> dict[str, Any]:
    return {"name": f"own-{number}", "title": f"{OWNERS[number]}: its own published words", "digest": "ef" * 32,
            "clauses": CLAUSES, "own_words": True, "files": [number], **more}  # fmt: skip


def three() -> Sample:
    """Return three agencies under their own words: 2 of 100, 9 of 900 and none of 50 are inconsistent."""
    traffic = {"tier": "other", "result": "inconsistent", "clauses": "P1"}
    accesses = [
        Access(ALDER, 0, rules="own-0", times=891),
        Access(ALDER, 5, "Traffic Infraction", rules="own-0", times=9, **traffic),  # type: ignore[arg-type]
        Access(BIRCH, 0, rules="own-1", times=98),
        Access(BIRCH, 5, "Traffic Infraction", rules="own-1", times=2, **traffic),  # type: ignore[arg-type]
        Access(CEDAR, 0, "investigation", "vague", "referred", "C31", rules="own-2", times=50),
    ]
    return Sample(accesses, {"rules": [own_of(0), own_of(1), own_of(2)], "alarms": []})


def report_of(root: Path, sample: Sample, options: Options = STILL) -> Any:
    with duckdb.connect() as connection:
        write_report(connection, sample.write(root), options)
    return json.loads((root / "report.json").read_text(encoding="utf-8"))


def figures(table: Any) -> list[list[Any]]:
    return [
        [row["head"], *(c["value"] if isinstance(c, dict) else c for c in row["cells"])]
        for row in table["rows"]
    ]


def test_the_page_of_all_opens_with_one_row_an_agency_the_highest_rate_first(tmp_path: Path) -> None:
    report = report_of(tmp_path, three())
    assert report["rules"] == []
    assert figures(report["overview"]["agencies"]) == [
        [BIRCH, 100, 2, "20.0", 0, "0", 0, "0", 98, "980.0"],
        [ALDER, 900, 9, "10.0", 0, "0", 0, "0", 891, "990.0"],
        [CEDAR, 50, 0, "0", 50, "1,000.0", 0, "0", 0, "0"],
    ]
    assert [row["small"] for row in report["overview"]["agencies"]["rows"]] == [False, False, True]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert '<a href="agencies/birch-example-pd.html">Birch Example PD</a>' in page
    assert page.count("<h2") == 6


def test_a_clause_that_many_agencies_publish_is_counted_over_them(tmp_path: Path) -> None:
    report = report_of(tmp_path, three())
    assert figures(report["overview"]["clauses"]) == [
        ["C31", "An access for an outside agency is referred.", 1, 0, 50],
        ["P1", "Traffic enforcement is a prohibited use.", 2, 11, 0],
    ]


def test_the_exhibits_of_all_are_those_that_are_inconsistent_or_name_an_agency(tmp_path: Path) -> None:
    report = report_of(tmp_path, three())
    (group,) = report["overview"]["exhibits"]
    assert group["title"] == "Inconsistent on its face, under P1: says something else"
    assert group["total"]["value"] == len(group["shown"]) == 11
    (own,) = json.loads((tmp_path / "agencies/cedar-example-so.json").read_text(encoding="utf-8"))["rules"]
    assert [group["title"] for group in own["exhibits"]] == [
        "Referred to a person, under C31: says no purpose"
    ]
    assert figures(own["exhibits"][0]["often"]) == [["investigation", 50]]


def test_an_order_and_own_words_stand_beside_each_other_and_are_never_added(tmp_path: Path) -> None:
    report = report_of(tmp_path, Sample())
    assert [rules["name"] for rules in report["rules"]] == [ORDER]
    assert figures(report["overview"]["agencies"]) == [[ALDER, 500, 9, "18.0", 0, "0", 0, "0", 491, "982.0"]]
    alder = json.loads((tmp_path / "agencies/alder-example-pd.json").read_text(encoding="utf-8"))
    assert [rules["name"] for rules in alder["rules"]] == [ORDER, OWN]
    numbers = (tmp_path / "numbers.csv").read_text(encoding="utf-8")
    assert f"rules NOT IN ('{ORDER}')" in numbers


def test_a_file_without_published_words_is_named(tmp_path: Path) -> None:
    sample = three()
    report = report_of(tmp_path, replace(sample, manifest={**sample.manifest, "rules": [own_of(0), own_of(1)]},
                                         accesses=sample.accesses[:-1]))  # fmt: skip
    assert report["overview"]["sentences"][1] == [
        "No published words of the owner were at hand for file 2 (Cedar Example SO): not in this part."
    ]


def test_findings_that_are_not_as_many_as_their_counts_make_no_report(tmp_path: Path) -> None:
    folder = Sample().write(tmp_path)
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM '{folder.findings}' WHERE finding > 1) TO '{folder.findings}' (FORMAT parquet)"
        )
        with pytest.raises(
            ConfigError, match="under `sample-order`, inconsistent and explicit: findings"
        ) as raised:
            write_report(connection, folder, STILL)
    assert "has 14, data/counts.parquet 15" in str(raised.value)
    assert not (tmp_path / "report.html").exists()


def test_a_manifest_that_says_another_result_makes_no_report(tmp_path: Path) -> None:
    said = {
        ORDER: {"inconsistent": 15, "referred": 10, "cannot-tell": 20, "consistent": 888},
        OWN: {"inconsistent": 8},
    }
    folder = Sample(manifest={"results": said}).write(tmp_path)
    with (
        duckdb.connect() as connection,
        pytest.raises(ConfigError, match=r"audit\.json has 0, data/counts\.parquet 491"),
    ):
        write_report(connection, folder, STILL)


def test_nothing_to_draw_is_said_in_words(tmp_path: Path) -> None:
    report_of(tmp_path, Sample([Access(owner, 0, times=200) for owner in OWNERS], {"alarms": []}))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<figure" not in page
    assert "None for any agency: Inconsistent on its face, Referred to a person, Cannot be told." in page
    assert "In no week: Inconsistent on its face, Referred to a person, Cannot be told, explicit" in page


def test_a_sample_order_is_marked_on_every_page(tmp_path: Path) -> None:
    sample = three()
    report_of(
        tmp_path,
        replace(sample, manifest={"rules": [own_of(n, sample=True) for n in range(3)], "alarms": []}),
    )
    for file in (tmp_path / "report.html", *(tmp_path / "agencies").glob("*.html")):
        assert '<span class="sample">SAMPLE</span>' in file.read_text(encoding="utf-8")


def test_many_agencies_make_a_short_document(tmp_path: Path) -> None:
    rules = [own_of(0, name=f"own-{n}", title=f"Agency {n}: its own published words") for n in range(38)]
    accesses = [
        Access(ALDER, n, "Traffic Infraction", "other", "inconsistent", "P1", rules=f"own-{n}", times=40)
        for n in range(38)
    ]
    report_of(tmp_path, Sample(accesses, {"rules": rules, "alarms": []}), Options(interactive=False))
    document = pypdfium2.PdfDocument((tmp_path / "report.pdf").read_bytes())
    assert len(document) <= 15
    document.close()


def test_a_publication_of_agencies_tells_no_small_number_of_any(tmp_path: Path) -> None:
    folder = three().write(tmp_path / "audit")
    options = Options(publish_on=date(2026, 6, 1), pdf=False, interactive=False)
    with duckdb.connect() as connection:
        publish_report(connection, folder, tmp_path / "public", options)
    overview = json.loads((tmp_path / "public/report.json").read_text(encoding="utf-8"))["overview"]
    rows = {row[0]: row[1:] for row in figures(overview["agencies"])}
    assert rows[BIRCH][1] is None
    total = next(s[1]["value"] for s in overview["sentences"] if s[0] == "At least ")
    assert total is None or rows[ALDER][1] is None  # 11 less 9 would be 2
    assert "Agencies" not in overview["clauses"]["columns"]


def exhibit(**more: Any) -> Exhibit:
    made = Exhibit(1, 0, "", 2, "", "", "", "other", "", "value", (), ("C20", "C31"), ("deny",), "", "own")
    return replace(made, **more)


def test_what_an_exhibit_falls_under_is_said_in_words() -> None:
    assert clauses_of(exhibit()) == "clauses C20, C31"
    assert clauses_of(exhibit(certain=False)) == "one of these clauses: C20, C31"
    assert clauses_of(exhibit(clauses=(), certain=False)) == "which clause cannot be told"
    assert clauses_of(exhibit(clauses=())) == ""
    assert possible_of(exhibit(possible=("deny", "refer"))) == "denied or referred"
    assert possible_of(exhibit()) == ""


def test_the_way_is_said_where_it_matters() -> None:
    assert way_of(exhibit()) == way_of(exhibit(path="cannot-tell")) == ""
    assert way_of(exhibit(path="side")) == "side door: another agency's user for it"
    assert way_of(exhibit(tier="explicit")) == "its own user"
    assert way_of(exhibit(tier="agency-named", path="cannot-tell")) == "way cannot be told"


def test_rates_have_one_place_and_nought_is_nought() -> None:
    assert [rate(Number(part, ""), Number(1000, "")) for part in (0, 1, 15)] == ["0", "1.0", "15.0"]
    assert rate(Number(1, ""), Number(100_000, "")) == "under 0.1"
    assert rate(Number(0, ""), Number(0, "")) == "-"
    assert rate(Number(None, ""), Number(9, "")) == "withheld"


def test_the_rules_that_are_no_orders_are_asked_for_as_such() -> None:
    assert own_test(own_words(())) == ""
    assert own_test(own_words(("a", "b"))) == "rules NOT IN ('a', 'b')"


def test_a_kind_of_lead_that_could_not_be_looked_for_finds_not_nought() -> None:
    kinds = [
        {
            "kind": "burst",
            "looked_at": 0,
            "found": 0,
            "expected": 0.0,
            "not_looked_at": {"the account is masked": 7},
        },
        {"kind": "off-hours", "looked_at": 9, "found": 2, "counted": "months of units", "expected": 0.31},
    ]
    told = [
        {row.head: row.cells[0] for row in one.tables[0].rows}
        for one in lead_kinds({"leads": {"kinds": kinds}})
    ]
    assert (told[0]["Found"], told[0]["Expected by chance"]) == ("not looked for", "-")
    assert told[0]["Not looked at, and why"] == "7: the account is masked"
    assert (told[1]["Found"], told[1]["Expected by chance"]) == ("2 months of units", "0.3")


def test_estimates_are_said_in_their_own_sentences_with_intervals_in_tables() -> None:
    share = {"share": 0.9, "low": 0.81, "high": 0.95}
    cell = {
        "patterns": "explicit",
        "reviewers": "cannot-tell",
        "accesses": 1200,
        "error": 1.0,
        "low": 900,
        "high": 1500,
    }
    (one,) = measured(
        {"estimates": {"says": ["Forty were drawn."], "precision": {"explicit": share}, "cells": [cell]}}
    )
    assert one.says == ("Forty were drawn.",)
    assert one.tables[0].rows[0].cells == ("90.0 per cent (81.0 to 95.0)",)
    assert one.tables[1].rows[0].cells == ("cannot tell", "1,200", "900 to 1,500")


def test_what_a_file_does_not_show_is_said_cell_by_cell() -> None:
    states = {"plate": {"not-exported": 9}, "account": {"masked": 3, "value": 6}, "reason": {"value": 9}}
    found = hidden_cells({"accounting": {"read": 9}, "states": states})
    assert (found["not-exported"], found["masked"]) == ("plate", "account in 3 of 9")
    assert as_numbers([5, 0, 1, 2, 9]) == "0-2, 5, 9"


def account_of(page: str) -> list[list[str]]:
    """Return the table of files of a page: its head and its rows, as texts."""
    (table,) = re.findall(r'<caption id="files-caption">.*?</table>', page, re.DOTALL)
    cells = [
        re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL)
    ]
    return [[unescape(re.sub("<[^>]+>", " ", cell)).strip() for cell in row] for row in cells]


HEADS = ["Read", "Left out", "Blank", "Header again", "Duplicates", "Counted"]


def test_an_account_shows_what_some_file_has(tmp_path: Path) -> None:
    folder = Sample().write(tmp_path)
    with duckdb.connect() as connection:
        write_report(connection, folder, STILL)
        assert account_of((tmp_path / "report.html").read_text(encoding="utf-8"))[0][4:] == HEADS
        told = json.loads(folder.manifest.read_text(encoding="utf-8"))
        duplicates = {"same file": 1, "same owner": 0, "another owner": 20}
        told["files"][1]["accounting"] |= {
            "duplicates": duplicates,
            "kept": 480,
            "kept_of_owner": 500,
            "other_lines": 7,
        }
        folder.manifest.write_text(json.dumps(told), encoding="utf-8")
        write_report(connection, folder, STILL)
    head, first, second, _ = account_of((tmp_path / "report.html").read_text(encoding="utf-8"))
    other, of_owner = "Tell of no access", "With those in another owner's log"
    assert head[4:] == ["Read", "Left out", other, "Blank", "Header again", "Duplicates", "Counted", of_owner]
    assert first[4:] == ["503", "1", "0", "0", "1", "1 in the same file", "500", "500"]
    duplicates_said = "1 in the same file, 20 in another owner's log"
    assert second[4:] == ["503", "1", "7", "0", "1", duplicates_said, "480", "500"]


def test_what_an_order_was_told_of_every_access_is_said(tmp_path: Path) -> None:
    folder = Sample().write(tmp_path)
    told = json.loads(folder.manifest.read_text(encoding="utf-8"))
    for rules in told["rules"]:
        rules["notes"] = [NO_PAPER]
    folder.manifest.write_text(json.dumps(told), encoding="utf-8")
    with duckdb.connect() as connection:
        write_report(connection, folder, Options(interactive=False))
    said = f"Sample Order: {NO_PAPER}"
    assert (tmp_path / "report.html").read_text(encoding="utf-8").count(f"<p>{said}</p>") == 1
    document = pypdfium2.PdfDocument((tmp_path / "report.pdf").read_bytes())
    text = " ".join(" ".join(page.get_textpage().get_text_range() for page in document).split())
    document.close()
    assert said in text


def test_a_clause_that_may_decide_is_named_as_such_and_in_no_count(tmp_path: Path) -> None:
    open_one = Access(OWNERS[0], 12, "on the open one", "vague", "referred", perhaps="C20 C31")
    many = Access(
        OWNERS[0], 13, "on many", "vague", "referred", perhaps=" ".join(f"C{n}" for n in range(20, 34))
    )
    sure = Access(OWNERS[0], 14, "on a sure one", "vague", "referred", "C31")
    folder = Sample([*ordinary(), open_one, many, sure]).write(tmp_path)
    with duckdb.connect() as connection:
        write_report(connection, folder, STILL)
    page = (tmp_path / "agencies/alder-example-pd.html").read_text(encoding="utf-8")
    rows = {text: row for row in re.findall(r"<tr id=.*?</tr>", page, re.DOTALL)
            for text in ("on the open one", "on many", "on a sure one") if text in row}  # fmt: skip
    assert "<td>which clause cannot be told: perhaps C20, C31</td>" in rows["on the open one"]
    assert "C30, C31 or one of 2 more</td>" in rows["on many"]
    assert "<td>clause C31</td>" in rows["on a sure one"]
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    (under,) = (rules for rules in report["rules"] if rules["name"] == ORDER)
    counted = {
        clause["id"]: [number["value"] for _, number in clause["counts"]] for clause in under["clauses"]
    }
    assert counted == {"C20": [15, 0], "C31": [0, 11]}
    with (tmp_path / "findings.csv").open(encoding="utf-8", newline="") as lines:
        found = {row["reason"]: (row["clauses"], row["clauses_perhaps"]) for row in csv.DictReader(lines)}
    assert found["on the open one"] == ("", "C20; C31")
    assert found["on a sure one"] == ("C31", "")


def test_ordinary_lines_of_a_server_log_are_no_errors(tmp_path: Path) -> None:
    sample = Sample()
    folder = sample.write(tmp_path)
    manifest = json.loads(folder.manifest.read_text(encoding="utf-8"))
    manifest["files"][0] |= {"other_by": {OTHER: 4000}, "rejects": [], "constant": ["reason"]}
    manifest["files"][0]["accounting"]["other_lines"] = 4000
    folder.manifest.write_text(json.dumps(manifest), encoding="utf-8")
    with duckdb.connect() as connection:
        write_report(connection, AuditFolder(tmp_path), STILL)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert (
        "4,000 that tell of no access, which is ordinary in such a log: another line of the server&#39;s log"
        in page
    )
    assert account_of(page)[1][5:7] == ["1", "4,000"]
    assert "a constant column is not evidence" in page


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_colours_of_a_page_have_contrast_enough() -> None:
    """WCAG 2.2, 1.4.3 for text and 1.4.11 for what is no text."""
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", CSS))
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    for text in ("ink", "link", "warn"):
        for ground in ("paper", "soft"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    assert contrast(colours["rule"], colours["paper"]) >= 3
    for text, ground in re.findall(r"background: (#[0-9a-f]{6}|#[0-9a-f]{3}); color: (#[0-9a-f]{6})", CSS):
        assert contrast(text, ground) >= 4.5
    drawn = Path(html.__file__).with_name("charts.py").read_text(encoding="utf-8")
    for bar in re.findall(r'"(#[0-9a-f]{6})"', drawn):
        if bar != "#ffffff":
            assert contrast(bar, "#ffffff") >= 3


def test_print_repeats_headers_and_cuts_no_row() -> None:
    paper = CSS[CSS.index("@media print") :]
    assert "thead { display: table-header-group; }" in paper
    assert re.search(r"tr, figure[^{]*\{ break-inside: avoid; \}", paper)
    assert ":focus-visible" in CSS
    assert ".skip:focus" in CSS


def test_the_sample_is_what_the_other_tests_count() -> None:
    assert sum(one.times for one in ordinary() if one.rules == ORDER) == 933
