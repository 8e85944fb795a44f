"""The report: every number asked again, nothing hostile runs, bounded, accessible, the same bytes twice."""

import csv
import html
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pypdfium2
import pytest

from doorward.errors import ConfigError
from doorward.lookback.folder import AuditFolder
from doorward.lookback.report.content import Mark, Options
from doorward.lookback.report.tables import as_cell
from doorward.lookback.report.write import make_slugs, write_report
from tests_support.audit_folder import ORDER, OWNERS, Access, Sample, ordinary

HOSTILE = (
    "<script>document.title='owned'</script>",
    "</script><script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "<svg/onload=document.title='owned'>",
    "{{ 7*7 }}{% for x in () %}",
    "]]><!--<script>",
    "javascript:document.title='owned'",
    "\u202egnp.exe \u2066\u200b",
    "&lt;script&gt; &amp;",
    '#eval(read("/etc/passwd")) *bold* _it_ $x$ @ref <label>',
    '=HYPERLINK("https://example.test")',
    "\u0000\u001b[31mred",
    "\U0001f600 \u05d0\u05d1 \u4f60",
)
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def hostile() -> Sample:
    named = [
        Access(
            OWNERS[0],
            12,
            text,
            "explicit",
            "inconsistent",
            "C20",
            ("p<i>",),
            (text[:6],),
            case_no=text,
            searcher=text,
        )
        for text in HOSTILE
    ]
    alarm = {"owner": OWNERS[0], "at": "2026-02-09", "says": HOSTILE[1]}
    return Sample(ordinary() + named, {"alarms": [alarm], "notes": list(HOSTILE)})


def write(root: Path, sample: Sample | None = None, options: Options | None = None) -> AuditFolder:
    folder = (sample or Sample()).write(root)
    with duckdb.connect() as connection:
        write_report(connection, folder, options or Options(pdf=False, interactive=False))
    return folder


class Page(HTMLParser):
    """What a test wants to know of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.headings: list[int] = []
        self.scripts: list[str] = []
        self._in = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self._in = tag
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "script":
            self.scripts.append(dict(attrs).get("type") or "")

    def handle_endtag(self, _tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in not in {"script", "style"}:
            self.text += data

    def values(self, name: str) -> list[str]:
        return [value for _, attribute, value in self.attributes if attribute == name]


def test_each_number_is_got_again_by_its_question(tmp_path: Path) -> None:
    folder = write(tmp_path)
    with (folder.root / "numbers.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) > 150
    with duckdb.connect() as connection:
        connection.execute(f"SET file_search_path = '{folder.root}'")
        for row in rows:
            answer = connection.execute(row["sql"]).fetchone()
            assert answer is not None
            assert str(answer[0]) == row["value"], row["sql"]


def test_each_number_of_a_page_has_an_anchor_that_numbers_csv_knows(tmp_path: Path) -> None:
    folder = write(tmp_path)
    with (folder.root / "numbers.csv").open(encoding="utf-8", newline="") as lines:
        values = {row["number"]: row["value"] for row in csv.DictReader(lines)}
    for file in (folder.root / "report.html", *(folder.root / "agencies").glob("*.html")):
        anchors = re.findall(r'<span id="(n-[0-9a-f]{12})">([\d,]+)</span>', file.read_text(encoding="utf-8"))
        assert anchors
        for anchor, shown in anchors:
            assert values[anchor] == shown.replace(",", "")


def test_the_hand_counted_figures_stand_in_the_overall_report(tmp_path: Path) -> None:
    report = json.loads((write(tmp_path).root / "report.json").read_text(encoding="utf-8"))
    under = {rules["name"]: rules for rules in report["rules"]}[ORDER]
    rows = {
        row["head"]: [cell["value"] if isinstance(cell, dict) else cell for cell in row["cells"]]
        for row in under["results"]["rows"]
    }
    assert rows[OWNERS[0]] == [500, 13, "26.0", 7, "14.0", 20, "40.0", 460, "920.0"]
    assert rows[OWNERS[2]] == [33, 0, "0", 3, "90.9", 0, "0", 30, "909.1"]
    assert rows["All"] == [933, 15, "16.1", 10, "10.7", 20, "21.4", 888, "951.8"]
    tiers = {row["head"]: [cell["value"] for cell in row["cells"][1::2]] for row in under["tiers"]["rows"]}
    assert tiers["All"] == [15, 10, 80, 828]
    assert [(c["id"], [n["value"] for _, n in c["counts"]]) for c in under["clauses"]] == [
        ("C20", [15, 0]),
        ("C31", [0, 10]),
    ]


def test_a_page_says_what_it_rests_on(tmp_path: Path) -> None:
    mark = Mark("2026-01-20", "names left the exports", "policy")
    folder = write(tmp_path, options=Options(marks=(mark,), pdf=False, interactive=False))
    text = " ".join(Page((folder.root / "report.html").read_text(encoding="utf-8")).text.split())
    for said in (
        "at least so many in the logs supplied. Absence is not evidence", "0" * 63 + "1", "alder-search-audit.csv",
        "four cells, the header has five", "the column caseNumber vanished", "names left the exports", "cd" * 32,
        "Expected by chance", "44 searches within ten minutes", "files 0-2", "Not exported",
            "first of them at line 7",
        "Sample Order, section 2(a)", "No access for civil immigration enforcement.", "one file has no header",
        "so the error of the patterns is not measured",
    ):  # fmt: skip
        assert said in text, said


def test_hostile_text_is_text_in_every_page(tmp_path: Path) -> None:
    folder = write(tmp_path, hostile(), Options(pdf=False))
    for file in (folder.root / "report.html", folder.root / "agencies/alder-example-pd.html"):
        source = file.read_text(encoding="utf-8")
        page = Page(source)
        scripts = {"", "application/json"} if file.name == "report.html" else set()
        assert set(page.scripts) == scripts
        assert page.scripts.count("") == len(scripts) // 2
        assert page.tags["img"] == 0
        assert not [name for _, name, _ in page.attributes if name.startswith("on")]
        assert "\u202e" not in source
        assert "\u200b" not in source
        assert "U+202E" in page.text
        assert "\x00" not in source
        assert HOSTILE[0] in page.text
        assert html.escape(HOSTILE[1]) in source.replace("&#39;", "&#x27;").replace("&#34;", "&quot;")


def test_nothing_comes_from_elsewhere(tmp_path: Path) -> None:
    folder = write(tmp_path, options=Options(pdf=False))
    page = Page((folder.root / "report.html").read_text(encoding="utf-8"))
    assert page.values("src") == []
    assert all(value.startswith(("#", "agencies/")) for value in page.values("href") if "linear" not in value)
    policy = next(value for value in page.values("content") if "default-src" in value)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy


def test_a_page_keeps_the_rules_of_accessible_documents(tmp_path: Path) -> None:
    folder = write(tmp_path, options=Options(pdf=False))
    for file in (folder.root / "report.html", folder.root / "agencies/birch-example-pd.html"):
        source = file.read_text(encoding="utf-8")
        page = Page(source)
        ids = page.values("id")
        assert [one for one, n in Counter(ids).items() if n > 1] == []
        assert set(page.values("aria-labelledby")) <= set(ids)
        assert {value[1:] for value in page.values("href") if value.startswith("#")} <= set(ids)
        assert page.headings[0] == 1
        assert page.headings.count(1) == 1
        assert all(below - above <= 1 for above, below in zip(page.headings, page.headings[1:], strict=False))
        assert page.tags["table"] == page.tags["caption"]
        assert all(value in {"col", "row"} for value in page.values("scope"))
        assert page.tags["th"] == len(page.values("scope"))
        assert [value for tag, name, value in page.attributes if tag == "html" and name == "lang"] == ["en"]
        assert [page.tags[one] for one in ("main", "header", "footer", "nav", "title")] == [1, 1, 1, 1, 1]
        assert page.tags["figure"] == len([value for value in page.values("role") if value == "img"])
        assert "prefers-reduced-motion" in source
        assert "size: letter" in source


def test_ten_thousand_findings_make_a_bounded_page(tmp_path: Path) -> None:
    many = Access(
        OWNERS[0],
        3,
        "immigration violation",
        "explicit",
        "inconsistent",
        "C20",
        ("p",),
        ("immigration",),
        times=10_000,
    )
    folder = write(tmp_path, Sample([many]))
    source = (folder.root / "report.html").read_text(encoding="utf-8")
    assert source.count("<mark>") == 500
    assert "500 of <span" in source
    assert "The others are in findings.csv and findings.parquet" in source
    with (folder.root / "findings.csv").open(encoding="utf-8", newline="") as lines:
        assert sum(1 for _ in csv.reader(lines)) == 10_001


def test_a_spreadsheet_runs_nothing_of_findings_csv(tmp_path: Path) -> None:
    assert [as_cell(v) for v in ("=1+1", "+1", "-1", "@x", "\tx", "\rx", "x=1", -1, None)] == [
        "'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "x=1", "-1", "",
    ]  # fmt: skip
    folder = write(tmp_path, hostile())
    raw = (folder.root / "findings.csv").read_bytes()
    with (folder.root / "findings.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert any(row["reason"].startswith("'=HYPERLINK") for row in rows)
    assert raw.count(b"\r\n") >= len(rows) + 1


def test_explicit_agency_named_and_vague_stand_in_no_table_of_exhibits_together(tmp_path: Path) -> None:
    report = json.loads((write(tmp_path).root / "report.json").read_text(encoding="utf-8"))
    for rules in report["rules"]:
        for group in rules["exhibits"]:
            assert len({one["tier"] for one in group["shown"]}) <= 1


def test_the_document_is_tagged_titled_and_says_its_language(tmp_path: Path) -> None:
    folder = write(tmp_path, hostile(), Options(interactive=False))
    raw = (folder.root / "report.pdf").read_bytes()
    document = pypdfium2.PdfDocument(raw)
    assert document.get_metadata_dict()["Title"] == "All agencies: audit of recorded accesses"
    assert document.is_tagged()
    assert b"/Lang" in raw
    text = " ".join(page.get_textpage().get_text_range() for page in document)
    assert "#eval(read(" in text
    assert "U+202E" in text
    document.close()


def test_an_agency_that_the_audit_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no agency `Nowhere PD`"):
        write(tmp_path, options=Options(agencies=("Nowhere PD",)))


def test_a_folder_without_an_audit_is_refused(tmp_path: Path) -> None:
    with duckdb.connect() as connection, pytest.raises(ConfigError, match=r"`audit\.json` is missing"):
        write_report(connection, AuditFolder(tmp_path))


def test_an_audit_that_found_nothing_makes_a_report_too(tmp_path: Path) -> None:
    folder = write(tmp_path, Sample([], leads=()), Options(interactive=False))
    assert (folder.root / "report.pdf").stat().st_size > 0


def test_file_names_of_agencies_are_safe_and_apart() -> None:
    slugs = make_slugs(("A/B PD", "a b pd", "../../etc", "\u4f60", "", "x" * 300))
    assert len(set(slugs.values())) == 6
    assert all(re.fullmatch(r"[a-z0-9-]{1,64}", slug) for slug in slugs.values())


WRITE = """
import sys, duckdb
from pathlib import Path
from doorward.lookback.folder import AuditFolder
from doorward.lookback.report.write import write_report
write_report(duckdb.connect(), AuditFolder(Path(sys.argv[1])))
"""


def test_the_same_audit_gives_the_same_bytes_whatever_the_machine_says(tmp_path: Path) -> None:
    made = []
    for name, seed, zone, language in (
        ("a", "1", "UTC", "C.UTF-8"),
        ("b", "77", "Pacific/Kiritimati", "de_DE.UTF-8"),
    ):
        root = tmp_path / name
        hostile().write(root)
        settings = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LANG": language, "LC_ALL": language}
        subprocess.run([sys.executable, "-c", WRITE, str(root)], env=settings, check=True)
        files = [
            file for file in sorted(root.rglob("*")) if file.suffix in {".html", ".json", ".csv", ".pdf"}
        ]
        made.append({file.relative_to(root).as_posix(): file.read_bytes() for file in files})
    assert len(made[0]) == 15
    assert [name for name in made[0] if made[0][name] != made[1][name]] == []


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [320, 1200])
def test_in_a_browser_without_network_charts_are_drawn_and_nothing_hostile_runs(
    tmp_path: Path, width: int
) -> None:
    folder = write(tmp_path, hostile(), Options(pdf=False))
    page = folder.root / "report.html"
    probe = page.read_text(encoding="utf-8")
    assert CHROMIUM is not None
    ran = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
         "--proxy-server=127.0.0.1:9",
         f"--user-data-dir={tmp_path / 'browser'}", f"--window-size={width},900", "--virtual-time-budget=15000",
         "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert probe
    assert "<title>All agencies: audit of recorded accesses</title>" in ran.stdout
    assert ran.stdout.count('class="drawn"') == Page(probe).tags["figure"]
    assert "CONSOLE" not in ran.stderr
    assert "Content Security Policy" not in ran.stderr
