"""The fund's public pages: what was published, byte for byte, the history with its gaps, and nothing else of it."""

import csv
import io
import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from doorward.desk.transparency.fund_chart import Bar, draw, short
from doorward.desk.transparency.fund_feed import format_fund_feed
from doorward.errors import ConfigError
from doorward.fund.archive import Archive
from doorward.fund.published.edition import Edition
from doorward.fund.published.files import NAMES, TOTALS
from tests_support.fund_published import edition, fourteen_months, put_months


@pytest.fixture(scope="module")
def months() -> list[Edition]:
    return fourteen_months()


@pytest.fixture
def folder(desk: Any) -> Iterator[Path]:
    """Where this desk's months are: none so far."""
    found: Path = desk.folder / "fund-public"
    shutil.rmtree(found, ignore_errors=True)
    yield found
    shutil.rmtree(found, ignore_errors=True)


class Tables(HTMLParser):
    """Every table of a page, by its caption, as rows of cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, list[list[str]]] = {}
        self._caption, self._rows, self._text = "", list[list[str]](), ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag == "table":
            self._rows = []
        elif tag == "tr":
            self._rows.append([])
        if tag in {"caption", "td", "th"}:
            self._text = ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "caption":
            self._caption = self._text
        elif tag in {"td", "th"}:
            self._rows[-1].append(self._text)
        elif tag == "table":
            self.found[self._caption] = self._rows


def get(desk: Any, address: str) -> Any:
    return desk.client().get(address)


def page_of(desk: Any, address: str = "/open/fund/") -> str:
    answer = get(desk, address)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_without_a_ledger_or_a_month_the_history_stands_and_the_next_day_is_said(
    desk: Any, folder: Path
) -> None:
    assert not folder.exists()
    said = page_of(desk)
    assert "Nothing of the fund is published yet." in said
    assert "2026-03-17" in said
    assert "$1,300,000" in said
    assert get(desk, "/open/fund/feed.atom").status_code == 404
    assert get(desk, "/open/fund/2026-01/served.csv").status_code == 404
    assert "Nothing of the fund is published yet." in page_of(desk, "/open/fund/lines/")


def test_an_empty_ledger_is_published_as_nought_and_no_reports_as_not_counted(
    desk: Any, folder: Path
) -> None:
    put_months(folder, [edition(0, None), edition(1, None)])
    said = page_of(desk)
    assert "Not counted here." in said
    assert "That is not nought." in said
    put_months(folder, [edition(2, ())])
    assert "No report counts in 2026-01, 2026-02, 2026-03" in page_of(desk)
    assert Tables(said).found["By fiscal year"][1:] == [["nothing yet"]]


def test_the_history_says_each_figure_with_its_source_and_each_gap(desk: Any, folder: Path) -> None:
    del folder
    said = page_of(desk)
    tables = Tables(said).found
    screenings = tables["Legal screenings, 2016 to 2023"]
    assert ["first 9 months of 2017", "1,560", "S116", "the source was read", ""] in screenings
    why = "The grantee names annual reports of these years; no copy of them was found"
    assert ["2018", "not said", "", "", why] in screenings
    assert [row[0] for row in screenings if row[1] == "not said"] == ["2016", "2018", "2019", "2021"]
    assert ["2017 to September 2023", "more than 9,500", "S118", "the source was read", ""] in screenings
    assert any(
        row[:3] == ["December 2016", "$1,300,000", "S114"]
        for row in tables["Money set aside by the City, 2016 to 2023"]
    )
    assert "How cases ended" in said
    assert "Money spent" in said
    assert "no copy of them was found" in said
    for source in ("S114", "S32", "S115", "S116", "S117", "S118"):
        assert f"<dt>{source}</dt>" in said
    # Nothing is added up: no number stands here that no source says.
    assert "3,888" not in said  # 1,560 and 750 and 968 and 850, less 240
    raw = get(desk, "/open/fund/history.csv").content
    rows = list(csv.DictReader(io.StringIO(raw.decode())))
    assert sum(row["how"] == "not said" for row in rows) > 60
    assert not any("total" in row["period"] or "sum" in row["period"] for row in rows)
    assert sha256(raw).hexdigest() in said


def test_the_page_is_what_the_files_say(desk: Any, folder: Path, months: list[Edition]) -> None:
    put_months(folder, months)
    tables = Tables(page_of(desk)).found
    files = {name: get(desk, f"/open/fund/2027-02/{name}").content for name in NAMES}
    assert files == dict(Archive(folder).read("2027-02").files)
    told = {
        (title, row[0]): row[1].replace(",", "")
        for title in (
            "Know-your-rights sessions",
            "Legal screenings",
            "Consultations",
            "New cases with a lawyer",
        )
        for row in tables[title][1:]
        if "-" in row[0] or row[0] in {"2026", "2027"}
    }
    titles = {
        "know-your-rights": "Know-your-rights sessions", "screening": "Legal screenings",
        "brief-advice": "Consultations", "representation": "New cases with a lawyer",
    }  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(files["served.csv"].decode())))
    assert rows
    assert {(titles[row["service"]], row["period"]): row["count"] for row in rows} == told
    assert told["Legal screenings", "2026-06"] == "withheld"
    paid = {row[0]: row[1:] for row in tables["Paid to grantees, less what came back"]}
    assert paid["grantee-of-south"] == ["$1,250.00"]
    assert paid["All grantees"] == ["$7,950.00"]
    assert ["2026", "$200,000.00", "$0.00", "$7,950.00", "$7,950.00"] in tables["By fiscal year"]
    costs = {row[1]: row[4] for row in tables["Cost per service, by closed year"][1:]}
    assert costs["Know-your-rights sessions"] == "$2.60"
    for name in NAMES:
        assert sha256(files[name]).hexdigest() in page_of(desk)


def test_the_councils_page_has_more_lines_and_no_other_count(
    desk: Any, folder: Path, months: list[Edition]
) -> None:
    put_months(folder, months[:3])
    said = page_of(desk, "/open/fund/lines/")
    tables = Tables(said).found
    assert tables["Every line"][1][:3] == [
        "2026",
        "Legal screening, advice and representation",
        "$100,000.00",
    ]
    assert any(row[2:4] == ["north", "Outreach and education"] for row in tables["Every agreement"])
    public = Tables(page_of(desk)).found
    assert tables["Paid to grantees, less what came back"] == public["Paid to grantees, less what came back"]
    assert "screening</td>" not in said.lower().replace("legal screening, advice and representation</td>", "")


def test_everybody_may_keep_it_and_nobody_gets_a_cookie(
    desk: Any, folder: Path, months: list[Edition]
) -> None:
    put_months(folder, months[:2])
    for address in (
        "/open/fund/",
        "/open/fund/lines/",
        "/open/fund/feed.atom",
        "/open/fund/history.csv",
        "/open/fund/2026-02/fund.json",
    ):
        first = get(desk, address)
        assert first.status_code == 200, address
        assert first.headers["Cache-Control"] == "public, max-age=3600"
        assert not first.cookies
        assert "Cookie" not in first.headers.get("Vary", "")
        assert "script-src 'self'" in first.headers["Content-Security-Policy"]
        again = desk.client().get(address, headers={"if-none-match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert desk.client().post(address).status_code == 405
    assert "style=" not in page_of(desk)
    assert "<script" not in page_of(desk)


def test_a_file_that_was_changed_is_not_given_out_and_the_page_says_so(
    desk: Any, folder: Path, months: list[Edition]
) -> None:
    put_months(folder, months[:6])
    file = folder / "2026-06" / "served.csv"
    file.write_bytes(file.read_bytes().replace(b"withheld", b"4"))
    assert get(desk, "/open/fund/2026-06/served.csv").status_code == 404
    assert get(desk, "/open/fund/2026-05/served.csv").status_code == 200
    said = page_of(desk)
    assert "The published months are not shown." in said
    assert "Legal screenings" in said  # the history
    assert "Paid to grantees" not in said
    file.unlink()
    assert "The published months are not shown." in page_of(desk)
    (folder / "2026-06" / TOTALS).unlink()
    assert get(desk, "/open/fund/feed.atom").status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "2026-01/secrets.csv", "2026-01/..%2F..%2Fdesk.json", "../desk.json", "2031-01/served.csv", "x/served.csv",
        ".staged-2026-09/served.csv", "2026-01/", "2026-01/served.csv/", "desk/desk.json",
    ],
)  # fmt: skip
def test_nothing_else_is_there(desk: Any, folder: Path, months: list[Edition], address: str) -> None:
    put_months(folder, months[:1])
    staged = folder / ".staged-2026-09"
    shutil.copytree(folder / "2026-01", staged)
    assert get(desk, f"/open/fund/{address}").status_code == 404


def test_the_feed_has_a_month_an_entry_on_the_day_of_the_schedule(
    desk: Any, folder: Path, months: list[Edition]
) -> None:
    put_months(folder, months[:3])
    feed = ET.fromstring(get(desk, "/open/fund/feed.atom").content)  # noqa: S314  # our own
    entries = feed.findall("{http://www.w3.org/2005/Atom}entry")
    assert [one.findtext("{http://www.w3.org/2005/Atom}updated") for one in entries] == [
        "2026-05-15T00:00:00Z", "2026-04-14T00:00:00Z", "2026-03-17T00:00:00Z",
    ]  # fmt: skip
    links = [one.find("{http://www.w3.org/2005/Atom}link") for one in entries]
    assert next(str(one.get("href")) for one in links if one is not None).endswith(
        "/open/fund/2026-03/totals.txt"
    )
    for page, count in (("http://x/", 1), ("https://x/", 0)):
        with pytest.raises(ConfigError):
            format_fund_feed([{}] * count, authority="x", page=page, title="t", author="a", first="2026-01")


def test_the_words_of_another_order_are_told_apart_from_the_months_that_stand(
    desk: Any, folder: Path, months: list[Edition]
) -> None:
    """A city that changed its words still shows what stands: codes without a title are shown as they are."""
    put_months(folder, [replace(months[0], lines=(replace(months[0].lines[0], line="old-line"),))])
    assert "old-line" in page_of(desk)


# Drawings


def test_a_drawing_has_a_title_a_description_and_no_style() -> None:
    drawn = draw(
        "x",
        "A & B",
        "one <two>",
        [Bar("2026-01", 5, "5"), Bar("2026-02", None, "withheld"), Bar("2026-03", 0, "0")],
    )
    root = ET.fromstring(drawn)  # noqa: S314  # our own
    svg = "{http://www.w3.org/2000/svg}"
    assert (root.findtext(f"{svg}title"), root.findtext(f"{svg}desc")) == ("A & B", "one <two>")
    assert root.get("aria-labelledby") == "x-title x-desc"
    assert "style" not in drawn
    heights = [int(str(one.get("height"))) for one in root.findall(f"{svg}rect")]
    assert heights == [120, 120, 0]
    empty = ET.fromstring(draw("y", "t", "d", []))  # noqa: S314  # our own
    assert empty.findall(f"{svg}rect") == []


def test_the_height_of_a_withheld_bar_is_that_of_its_frame_whatever_it_is_worth() -> None:
    for other in (3, 900):
        drawn = draw("x", "t", "d", [Bar("a", other, str(other)), Bar("b", None, "withheld")])
        assert re.findall(r'height="120" fill="none"', drawn)


@pytest.mark.parametrize(
    ("number", "says"),
    [(0, "0"), (99_999, "99,999"), (100_000, "100k"), (1_300_000, "1.30M"), (250_000, "250k")],
)
def test_a_number_on_a_bar_is_short(number: int, says: str) -> None:
    assert short(number) == says
