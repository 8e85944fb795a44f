"""A phone at a front desk for tests: a browser's context that notes whatever should not happen, and what people do."""

from dataclasses import dataclass, field
from typing import Any, Literal

from playwright.sync_api import BrowserContext, Page, expect

from tests_support.front_desk import Desk
from tests_support.front_store import LIBRARY

CODE = "FR0NT001"
Workers = Literal["allow", "block"]


@dataclass
class Phone:
    """A browser's context at a desk, and what went wrong in it."""

    desk: Desk
    context: BrowserContext
    workers: Workers = "allow"
    faults: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.on("request", self._requested)
        self.context.on("page", self._follow)
        self.context.add_init_script(
            "addEventListener('securitypolicyviolation', (event) =>"
            " console.error('CSP ' + event.violatedDirective + ' ' + event.blockedURI))"
        )

    def _requested(self, request: Any) -> None:
        if not request.url.startswith(self.desk.url):
            self.foreign.append(request.url)

    def _follow(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda said: self.faults.append(said.text) if "CSP " in said.text else None)

    def page(self) -> Page:
        return self.context.new_page()

    def open(self) -> Page:
        page = self.page()
        page.goto(self.desk.url)
        expect(page.locator("h1")).to_be_visible()
        return page

    def ready(self) -> Page:
        """Open the app and, where there is a worker, wait until it works without a network."""
        page = self.open()
        if self.workers == "allow":
            expect(page.locator(".version")).to_contain_text("works without a network")
        return page

    def enrolled(self) -> Page:
        page = self.ready()
        choose_library(page)
        enrol(page)
        return page

    def clean(self) -> None:
        """Nothing was asked of anybody else, no policy was broken, no script failed."""
        assert self.foreign == []
        assert self.faults == []


def choose_library(page: Page) -> None:
    page.get_by_role("button", name="Library").click()
    expect(page.locator("main.home")).to_be_visible()


def more(page: Page, name: str) -> None:
    page.locator("details.more > summary").click()
    page.get_by_role("button", name=name, exact=True).click()


def enrol(page: Page, code: str = CODE) -> None:
    more(page, "Give this phone its place")
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Enter the code").click()
    expect(page.locator(".bar .where")).to_have_text(LIBRARY.name)


def press(page: Page, *names: str) -> None:
    for name in names:
        page.locator("main").get_by_role("button", name=name, exact=True).click()


def to_record(page: Page) -> None:
    """Walk from the first screen to a step at which a record is open."""
    press(page, "Begin", "No", "They want to go past the public part")
    expect(page.locator("h1")).to_have_text("Get the person in charge")


def to_summary(page: Page) -> None:
    press(page, "Write the record")
    press(page, "Look it over before you file", "I don't know any of those not answered")
    expect(page.locator("main.check")).to_be_visible()


def file(page: Page) -> None:
    press(page, "File the record")


def stored_rows(page: Page) -> list[dict[str, Any]]:
    """Return what stands in the browser's store, as it stands there."""
    rows: list[dict[str, Any]] = page.evaluate(
        """async () => {
          const open = indexedDB.open("front");
          const db = await new Promise((done) => { open.onsuccess = () => done(open.result); });
          const all = db.transaction("rows").objectStore("rows").getAll();
          const rows = await new Promise((done) => { all.onsuccess = () => done(all.result); });
          db.close();
          return rows.map((row) => ({ id: row.id, kind: row.kind,
            keys: Object.keys(row).sort(), text: new TextDecoder().decode(row.data) }));
        }"""
    )
    return rows
