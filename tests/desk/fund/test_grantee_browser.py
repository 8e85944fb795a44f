"""A grantee, a manager and a reviewer in a real browser: without script, by keyboard, on a phone, looked at by axe."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from desk.conftest import Desk, make_ledger
from fund_reports import workbook
from tests_support.desk_fund import DAY, fill_fund, key, records
from tests_support.ports import free_port

pytestmark = pytest.mark.pg
CODE = (
    "import sys\nfrom doorward.desk.configuration import current\nfrom doorward.desk.serve import prepare, serve\n"
    "prepare()\nserve(current(), addresses=[sys.argv[1]])\n"
)
CHROME = which("google-chrome") or which("chromium")
SHOTS = os.environ.get("DOORWARD_SHOTS")  # a folder: what the pages look like is looked at by a person
NAME = "Wiktoria Przykladowska"


@pytest.fixture(scope="module")
def address(desk: Desk) -> Iterator[str]:
    """Where the desk is served, with a fund whose first grantee is the sample's."""
    from doorward.desk.fund.link import let_go
    from doorward.desk.sample import make_players

    make_ledger(desk)
    fill_fund("river-legal-example")
    make_players(datetime.now(UTC))  # noqa: TID251  # assignments end by the real clock
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
    let_go()


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[Any]:
    assert address
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
    """Somebody at a browser without script, and what axe and the width say of each page they look at."""

    def __init__(self, browser: Any, address: str, login: str, heading: str) -> None:
        self.address = address
        self.context = browser.new_context(viewport={"width": 1100, "height": 900}, java_script_enabled=False)
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.page.goto(f"{address}/play/")
        self.page.get_by_role("button", name=login).click()
        self.page.get_by_role("heading", name=heading, level=1).wait_for()

    def go(self, path: str) -> None:
        self.page.goto(self.address + path)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name).first.click()


class Looker:
    """The pages as a machine looks at them, with the cookies of somebody who has no script."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser

    def look(self, person: Person, name: str, body: str | None = None) -> None:
        """Assert that a page fits a phone and a desk and has no fault; `body` is one that was an answer to a form."""
        from axe_playwright_python.sync_playwright import Axe

        for width in (1100, 360):
            context = self.browser.new_context(
                viewport={"width": width, "height": 900}, storage_state=person.context.storage_state()
            )
            page = context.new_page()
            page.goto(person.page.url)
            if body is not None:
                page.route("**/*", lambda route: route.continue_())
                page.set_content(body.replace('href="/static', f'href="{person.address}/static'))
            if SHOTS:
                page.screenshot(path=Path(SHOTS) / f"{name}-{width}.png", full_page=True)
            wide = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert wide <= 0, (name, width, wide)
            found = Axe().run(page)
            assert found.violations_count == 0, (name, width, found.generate_report())
            context.close()


def test_from_a_planted_name_to_a_filed_invoice_and_a_review(
    browser: Any, address: str, tmp_path: Path
) -> None:
    looker = Looker(browser)
    gail = Person(browser, address, "gail.example", "Your agreements")
    looker.look(gail, "own-empty")
    gail.page.get_by_role("link", name="File a report").click()
    looker.look(gail, "report-form")
    planted, clean = tmp_path / "planted.xlsx", tmp_path / "clean.xlsx"
    told = records()
    planted.write_bytes(workbook([*told[:2], {**told[2], "note": NAME}, *told[3:]]))
    gail.page.get_by_label("Your report, XLSX or CSV").set_input_files(planted)
    gail.press("Check and file it")
    gail.page.get_by_role("heading", name="It was not taken in, and nothing of it is kept").wait_for()
    assert gail.page.get_by_role("rowheader", name="Report, row 4, column Q").count() == 1
    looker.look(gail, "report-refused", gail.page.content())
    clean.write_bytes(workbook([*told[:2], {**told[2], "units": 201}, *told[3:]]))
    gail.page.get_by_label("Your report, XLSX or CSV").set_input_files(clean)
    gail.press("Check and file it")
    gail.page.get_by_role("heading", name="Findings").wait_for()
    number = gail.page.url.rstrip("/").rsplit("/", 1)[1]
    gail.page.get_by_label("Reason for an exception").select_option("agreement-amended")
    gail.press("Ask for the exception")
    looker.look(gail, "filed-stopped")
    fay = Person(browser, address, "fay.example", "Today")
    fay.go("/fund/reports/")
    looker.look(fay, "city-reports")
    fay.page.get_by_role("link", name=f"Report {number}").click()
    looker.look(fay, "city-report")
    fay.page.get_by_role("button", name="Grant exception").focus()
    fay.page.keyboard.press("Enter")
    fay.page.get_by_text("done, and recorded").wait_for()
    gail.page.reload()
    gail.press("File invoice 7 as reported")
    gail.page.get_by_text("Filed, waits for approval").wait_for()
    looker.look(gail, "filed-invoiced")
    gail.go("/fund/own/")
    looker.look(gail, "own")
    gail.go("/fund/own/north-1/table/")
    looker.look(gail, "table")
    draw(int(number))
    rex = Person(browser, address, "rex.example", "Samples to review")
    rex.page.get_by_role("link", name=f"Report {number}").click()
    looker.look(rex, "review")
    for at, word in enumerate(("pass", "fail", "pass")):
        rex.page.locator(f"label[for=unit-{at}-{word}]").click()
    rex.press("Enter these answers, once")
    rex.page.get_by_role("heading", name="What was found").wait_for()
    looker.look(rex, "review-done")


def test_a_form_is_filled_by_keyboard(browser: Any, address: str) -> None:
    gail = Person(browser, address, "gail.example", "Your agreements")
    gail.go("/fund/own/north-1/report/")
    page = gail.page
    page.get_by_label("Period: From").fill("2026-03-01")
    page.get_by_label("Period: To").fill("2026-03-31")
    page.get_by_label("Services, row 1: Type of service").select_option("screening")
    page.get_by_label("Services, row 1: Units").fill(NAME)
    page.get_by_label("Services, row 1: Units").press("Enter")
    page.get_by_role("heading", name="It was not taken in, and nothing of it is kept").wait_for()
    assert NAME not in page.content()
    Looker(browser).look(gail, "form-refused", page.content())
    page.get_by_role("link", name="Services, row 1, Units").click()
    assert page.url.endswith("#service-0-units")
    page.get_by_label("Services, row 1: Detained").select_option("no")
    page.get_by_label("Services, row 1: Units").fill("5")
    page.get_by_label("Services, row 1: Units").press("Enter")
    page.get_by_role("heading", name="What it reports").wait_for()


def draw(number: int) -> None:
    """Draw a sample of a report, as `doorward fund review draw` does."""
    from contextlib import closing

    from desk.fund.test_grantee import NumberedRecord
    from doorward.desk.configuration import current
    from doorward.fund.filings.acts import DrawSample, Filing
    from doorward.fund.filings.store import Filed, Filings
    from doorward.fund.store import Store
    from fund.conftest import NOW
    from fund_reports import UNITS

    place = current().fund
    assert place is not None
    with closing(Store(place.conninfo, NumberedRecord(20_000))) as store:
        drawn = Filing(key(), "fund.manager", DAY, DrawSample(number, 4, "ab" * 32, 3))
        assert isinstance(Filings(store, UNITS).file(drawn, now=NOW), Filed)
