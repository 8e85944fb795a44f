"""Reports, custody events, public totals and records in a real browser: by keyboard, on a phone, without script."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from tests_support.desk_year import CIVIL, SEEN, empty_desk, put_matter, put_visit
from tests_support.fund_published import fourteen_months, put_months
from tests_support.ports import free_port

CODE = (
    "import sys\nfrom doorward.desk.configuration import current\nfrom doorward.desk.serve import prepare, serve\n"
    "prepare()\nserve(current(), addresses=[sys.argv[1]])\n"
)
CHROME = which("google-chrome") or which("chromium")
SHOTS = os.environ.get("DOORWARD_SHOTS")  # a folder: what the pages look like is looked at by a person
LAW_PAGES = (
    "/reports/", "/reports/quarterly/2024-Q4/", "/reports/voices/2024/", "/public/", "/public/2026-Q4/", "/custody/",
    "/records/", "/open/", "/open/fund/", "/open/fund/lines/",
)  # fmt: skip


@pytest.fixture(scope="module")
def address(desk: Any) -> Iterator[str]:
    """Where the desk is served, with a quarter of 2024 in its database and two quarters of the public table."""
    from doorward.desk.sample import make_players

    assert desk
    empty_desk()
    make_players(datetime.now(UTC))  # noqa: TID251  # assignments end by the real clock
    _fill()
    put_months(desk.folder / "fund-public", fourteen_months())
    where = f"127.0.0.1:{free_port()}"
    with subprocess.Popen(
        [sys.executable, "-c", CODE, where],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(os.environ),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield f"http://{where}"
        process.terminate()
        assert process.wait(30) == 0
    empty_desk()
    shutil.rmtree(desk.folder / "fund-public")


def _fill() -> None:
    from doorward.desk.models import Account, Publication, PublicationSignature
    from doorward.desk.reporting.publications import counted, scheme_json, scheme_of
    from doorward.desk.transparency.publication import Happening, make_publications
    from doorward.desk.transparency.release import format_all_totals, format_table

    omar, finn = (Account.objects.get(login=f"{name}.example") for name in ("omar", "finn"))
    civil = {**SEEN, "context.purpose": CIVIL}
    put_matter(omar, "2024-000001", "detainer", "2024-10-05T10:00", facts=civil)
    put_matter(omar, "2024-000002", "detainer", "2024-11-05T10:00", facts=SEEN)
    put_matter(
        omar, "2024-000003", "assistance-call", "2024-11-06T10:00", facts={"context.purpose": CIVIL},
        answers={"of-call": ["perimeter"]}, obligations=["oemc-notice"],
    )  # fmt: skip
    put_matter(
        omar, "2024-000004", "records-request", "2024-12-01T10:00", facts={"context.requester.agency": "none"}
    )
    put_visit(
        "V-2024-000001",
        "2024-10-07T10:00",
        values={"agency": "ICE", "leader": "A NAME"},
        sealed_fields=["leader"],
    )
    scheme = scheme_of(counted())
    events = [
        Happening(day, kind, "declined")
        for day, counts in ((date(2026, 11, 1), (14, 3, 22)), (date(2027, 2, 1), (31, 12, 0)))
        for kind, count in zip(scheme.kinds, counts, strict=False)
        for _ in range(count)
    ]
    every = make_publications(events, scheme, date(2027, 5, 1))
    done = {"at": "2027-05-01T00:00:00Z", "by": finn, "office": "law", "entry": 1}
    for made, totals in zip(every, format_all_totals(every, scheme), strict=True):
        stands = Publication.objects.create(
            quarter=str(made.quarter),
            day=made.on,
            scheme=scheme_json(scheme, ("city",)),
            table=format_table(made),
            totals=totals,
            **done,
        )
        PublicationSignature.objects.create(
            publication=stands, note=totals + b"\n", signer="auditor/irma.example", **done
        )


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[Any]:
    assert address  # first: within its loop, Django asks no database
    if CHROME is None:
        if os.environ.get("CI"):
            pytest.fail("there is no Chromium, and CI must have one")
        pytest.skip("there is no Chromium here")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROME, args=["--no-sandbox"])
        yield found
        found.close()


class Person:
    """Somebody at a browser, and what the browser complained of."""

    def __init__(self, browser: Any, address: str, width: int = 1100, *, script: bool = True) -> None:
        self.address = address
        viewport = {"width": width, "height": 900}
        self.context = browser.new_context(
            viewport=viewport, reduced_motion="reduce", java_script_enabled=script
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(f"{message.text} {message.location}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def play(self, login: str) -> None:
        self.page.goto(f"{self.address}/play/")
        self.page.get_by_role("button", name=login).click()
        self.page.get_by_role("heading", name="Today").wait_for()

    def go(self, path: str) -> None:
        self.page.goto(self.address + path)

    def shoot(self, name: str) -> None:
        if SHOTS:
            self.page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@pytest.fixture(params=[1100, 360], ids=["desktop", "phone"])
def width(request: pytest.FixtureRequest) -> int:
    found: int = request.param
    return found


def test_pages_fit_and_have_no_fault_that_a_machine_finds(browser: Any, address: str, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    person = Person(browser, address, width)
    person.play("finn.example")
    pages = list(LAW_PAGES)
    person.go("/reports/quarterly/2024-Q4/")
    pages.append(
        str(
            person.page.get_by_role(
                "link", name=re.compile("what is said of 2024-000002")
            ).first.get_attribute("href")
        )
    )
    person.go("/reports/voices/2024/")
    if person.page.get_by_role("button", name="Make the report").count():
        person.page.get_by_text("I have read what it certifies").click()
        person.page.get_by_role("button", name="Make the report").click()
    else:
        person.page.get_by_role("link", name="Version 1").click()
    person.page.get_by_role("heading", name="What is signed").wait_for()
    pages.append(person.page.url.removeprefix(address))
    found = {}
    for path in pages:
        person.go(path)
        wide = person.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        report = Axe().run(person.page)
        found[path] = (wide, [one["id"] for one in report.response["violations"]])
        person.shoot(f"{width}-{path.strip('/').replace('/', '-')[:40]}")
    person.context.close()
    assert found == dict.fromkeys(pages, (0, []))
    assert person.complaints == []


def test_a_custodian_imports_and_answers_without_script_and_by_keyboard(
    browser: Any, address: str, width: int, tmp_path: Path
) -> None:
    person = Person(browser, address, width, script=False)
    person.play("rita.example")
    page = person.page
    file = tmp_path / "events.csv"
    file.write_text(
        f"event,paper,what,at,agency,corrects\nE-{width},2024-00000{1 if width > 500 else 2},"
        "bail-posted,2024-12-05T10:00:00-06:00,,\nE-9,2031-000001,released,2024-12-05T10:00:00-06:00,,\n"
    )
    person.go("/custody/")
    page.get_by_label("CSV of the custody system").set_input_files(file)
    page.get_by_role("button", name="Look at it").press("Enter")
    page.get_by_text("1 new, 0 corrections, 0 held already, 1 refused").wait_for()
    person.shoot(f"{width}-custody-looked")
    page.get_by_role("button", name="Import the rows that are not refused").press("Enter")
    page.get_by_text("imported: 1 new").wait_for()
    person.go("/records/")
    page.get_by_role("link", name="begin an answer to 2024-000004").press("Enter")
    page.get_by_label("From which day?").fill("2024-10-01")
    page.get_by_label("To which day?").fill("2024-12-31")
    page.get_by_role("button", name="Begin").press("Enter")
    page.get_by_label("V-2024-000001").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="These respond").press("Enter")
    page.get_by_text("1 choices recorded").wait_for()
    page.get_by_role("link", name="visit record V-2024-000001").press("Enter")
    for number in range(page.get_by_label("Release").count()):
        page.get_by_label("Release").nth(number).focus()
        page.keyboard.press("Space")
    page.get_by_label("Redact, under").last.focus()
    page.keyboard.press("Space")
    page.get_by_label(re.compile("Code for leader")).select_option("7(1)(b)")
    person.shoot(f"{width}-records-record")
    page.get_by_role("button", name="Record these decisions").press("Enter")
    page.get_by_role("heading", name="As it would leave").wait_for()
    assert page.get_by_text("[redacted: 5 ILCS 140/7(1)(b)]").count() == 1
    person.shoot(f"{width}-records-answer")
    person.context.close()


def test_the_public_page_is_whole_without_script_and_sends_no_cookie(browser: Any, address: str) -> None:
    person = Person(browser, address, script=False)
    person.go("/open/")
    page = person.page
    assert page.get_by_role("img").count() == 7
    assert "withheld" in str(page.get_by_role("img").nth(2).get_attribute("aria-label"))
    assert person.context.cookies() == []
    with page.expect_download() as waiting:
        page.get_by_role("link", name="2026-Q4.csv").click()
    assert waiting.value.suggested_filename == "totals-2026-Q4.csv"
    person.context.close()
    assert person.complaints == []


def test_the_page_of_the_fund_is_whole_without_script_and_by_keyboard(browser: Any, address: str) -> None:
    person = Person(browser, address, 360, script=False)
    person.go("/open/fund/")
    page = person.page
    drawn = page.get_by_role("img", name="Legal screenings, by month")
    assert "2026-06 withheld" in str(drawn.locator("desc").text_content())
    assert page.get_by_role("img", name="Legal screenings, as sources say it").count() == 1
    summary = page.get_by_text("Legal screenings in numbers")
    summary.focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("row", name="2026-06 withheld").count() == 1
    page.get_by_text("Legal screenings, 2016 to 2023: figures").click()
    assert page.get_by_role("cell", name="not said").count() >= 4
    with page.expect_download() as waiting:
        page.get_by_role("link", name="served.csv").click()
    assert waiting.value.suggested_filename == "fund-2027-02-served.csv"
    page.get_by_role("link", name="Every line and agreement").first.click()
    page.get_by_role("heading", name="The fund: every line and every agreement").wait_for()
    assert person.context.cookies() == []
    person.context.close()
    assert person.complaints == []
