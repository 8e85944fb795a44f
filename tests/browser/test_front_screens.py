"""Every kind of screen: accessible by axe, whole at every size, its targets large enough to touch."""

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests_support.front_desk import Desk
from tests_support.front_phone import Phone, choose_library, enrol, file, more, press, to_record

AXE = Axe()
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
MIN_TARGET = 44
SIZES = {"phone": (390, 844), "narrow": (320, 640), "desktop": (1280, 900)}
Look = Callable[[Page, str], None]


def walk_every_screen(phone: Phone, look: Look, language: str = "en") -> None:
    """Show every kind of screen once, each with what may stand on it, and look at it."""
    page = phone.open()
    page.locator("#language").select_option(language)
    look(page, "places")
    page.locator("button.option").first.click()
    expect(page.locator("main.home")).to_be_visible()
    look(page, "home")
    page.locator("details.more > summary").click()
    look(page, "home, more")
    page.locator("details.more button").nth(2).click()
    look(page, "paper")
    page.go_back()
    page.locator("details.more > summary").click()
    page.locator("details.more button").nth(1).click()
    look(page, "shown")
    page.go_back()
    page.locator("main button.primary").click()
    page.locator("details.never summary").click()
    page.locator("details.sources summary").click()
    look(page, "decide")
    page.locator("button.option").first.click()
    page.locator("button.option").nth(2).click()
    expect(page.locator("main section.say")).to_be_visible()
    look(page, "do")
    page.locator("main .row button").nth(1).click()
    file_every_way(page, phone.desk, look)


def file_every_way(page: Page, desk: Desk, look: Look) -> None:
    """Go on from the record to its receipt and a drill."""
    expect(page.locator("main.record")).to_be_visible()
    look(page, "record")
    page.locator("#field-purpose").fill("born in Anytown")
    page.locator("form button[type=submit]").click()
    expect(page.locator("#faults")).to_be_visible()
    look(page, "record, faults")
    page.locator("#field-purpose").fill("They asked.")
    page.locator("#faults button").click()
    expect(page.locator("main.check")).to_be_visible()
    look(page, "check")
    desk.refuse = 503
    page.locator("main button.primary").click()
    expect(page.locator("main.kept")).to_be_visible()
    look(page, "kept")
    page.locator("main button.primary").click()
    expect(page.locator("main.enrol")).to_be_visible()
    page.locator("form button[type=submit]").click()
    expect(page.locator("#code-said")).not_to_be_empty()
    look(page, "enrol, unsent")
    desk.refuse = None
    page.locator("#code").fill("FR0NT001")
    page.locator("form button[type=submit]").click()
    expect(page.locator("main.home .entry")).to_be_visible()
    look(page, "home, receipt")
    page.locator("details.more > summary").click()
    page.locator("details.more button").first.click()
    expect(page.locator("body.drilling")).to_have_count(1)
    page.locator("button.option").first.click()
    page.locator("button.option").first.click()
    expect(page.locator("main.step")).to_be_visible()
    look(page, "end, drill")


def violations(page: Page, name: str) -> list[str]:
    results = AXE.run(page, options=RULES).response["violations"]
    return [f"{name}: {each['id']} {[node['html'][:120] for node in each['nodes']][:3]}" for each in results]


def open_phone(browser: Browser, desk: Desk, scheme: str = "light") -> Iterator[Phone]:
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        locale="en-US",
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        service_workers="block",
    )
    phone = Phone(desk, context, "block")
    yield phone
    context.close()
    assert phone.foreign == []


@pytest.fixture
def plain(browser: Browser, desk: Desk) -> Iterator[Phone]:
    """A phone at which axe may break a policy: it puts its own script into the page."""
    yield from open_phone(browser, desk)


@pytest.fixture
def dark(browser: Browser, desk: Desk) -> Iterator[Phone]:
    yield from open_phone(browser, desk, "dark")


def test_axe_finds_nothing_on_any_screen(plain: Phone) -> None:
    found: list[str] = []
    walk_every_screen(plain, lambda page, name: found.extend(violations(page, name)))
    assert found == []


@pytest.mark.long
def test_axe_finds_nothing_in_the_dark(dark: Phone) -> None:
    found: list[str] = []
    walk_every_screen(dark, lambda page, name: found.extend(violations(page, name)))
    assert found == []


@pytest.mark.long
@pytest.mark.parametrize("language", ["ar", "zh-Hans"])
def test_axe_finds_nothing_in_another_script(plain: Phone, language: str) -> None:
    found: list[str] = []
    walk_every_screen(plain, lambda page, name: found.extend(violations(page, name)), language)
    assert found == []


def beyond(page: Page) -> list[str]:
    """Return what sticks out at the side."""
    out: list[str] = page.evaluate(
        """() => {
          const wide = document.documentElement.clientWidth;
          const out = [...document.querySelectorAll("body *")].filter((each) => {
            const box = each.getBoundingClientRect();
            return box.width > 1 && !each.closest(".unseen, .skip") && (box.right > wide + 1 || box.left < -1);
          }).map((each) => each.outerHTML.slice(0, 90));
          const scrolls = document.documentElement.scrollWidth;
          if (scrolls > wide) out.push(`scrolls to ${scrolls}`);
          return out;
        }"""
    )
    return out


def small(page: Page) -> list[str]:
    """Return the targets that are smaller than a finger; links in running text are none (WCAG 2.5.8, inline)."""
    out: list[str] = page.evaluate(
        """(least) => [...document.querySelectorAll("button, a.button, select, summary, label.tick, textarea,"
          + " main input[type=text], input[type=datetime-local]")]
          .filter((each) => each.checkVisibility())
          .map((each) => [each, each.getBoundingClientRect()])
          .filter(([, box]) => box.height < least || box.width < least)
          .map(([each, box]) => `${each.outerHTML.slice(0, 80)} ${box.width}x${box.height}`)""",
        MIN_TARGET,
    )
    return out


@pytest.mark.parametrize(
    ("language", "size"),
    [
        ("ar", "narrow"),
        pytest.param("en", "phone", marks=pytest.mark.long),
        pytest.param("pl", "desktop", marks=pytest.mark.long),
    ],
)
def test_every_screen_fits_and_its_targets_are_large(plain: Phone, language: str, size: str) -> None:
    width, height = SIZES[size]
    found: list[str] = []

    def look(page: Page, name: str) -> None:
        found.extend(f"{name}: {each}" for each in [*beyond(page), *small(page)])

    plain.context.on("page", lambda page: page.set_viewport_size({"width": width, "height": height}))
    walk_every_screen(plain, look, language)
    assert found == []


def test_every_screen_fits_a_narrow_phone_with_text_twice_as_large(plain: Phone) -> None:
    found: list[str] = []

    def look(page: Page, name: str) -> None:
        page.evaluate("document.documentElement.style.fontSize = '36px'")
        found.extend(f"{name}: {each}" for each in beyond(page))

    plain.context.on("page", lambda page: page.set_viewport_size({"width": 320, "height": 640}))
    walk_every_screen(plain, look)
    assert found == []


def test_a_screen_is_read_in_the_order_in_which_it_stands(phone: Phone) -> None:
    page = phone.open()
    choose_library(page)
    enrol(page)
    to_record(page)
    read = page.locator("main").aria_snapshot()
    order = [
        *(
            "Step 3 of at most",
            "Get the person in charge",
            "Do",
            "Say the sentence",
            "Say",
            "I'm not authorized",
        ),
        *("Call the person in charge", "Next", "Back", "Write the record", "Never", "Where this comes from"),
    ]
    at = 0
    for each in order:
        at = read.index(each, at)
    assert page.locator("[tabindex]:not([tabindex='-1'])").count() == 0
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    for role in ("banner", "main", "contentinfo"):
        expect(page.get_by_role(role)).to_have_count(1)


def test_a_fault_is_named_beside_its_field(phone: Phone) -> None:
    page = phone.open()
    choose_library(page)
    to_record(page)
    press(page, "Write the record", "Look it over before you file")
    purpose = page.get_by_role("textbox", name="Why they came")
    expect(purpose).to_have_accessible_description(
        "Answer it, or mark “I don't know”. Write nothing about anybody's immigration status or birthplace."
    )
    page.locator("#faults").get_by_role("link", name="Why they came").click()
    expect(purpose).to_be_focused()


def test_a_drill_looks_like_none_of_the_rest(phone: Phone) -> None:
    page = phone.open()
    choose_library(page)
    more(page, "Begin a drill")
    expect(page.locator("body.drilling")).to_have_count(1)
    edge = page.evaluate("getComputedStyle(document.body).borderInlineStartWidth")
    assert float(edge.removesuffix("px")) >= 6
    expect(page.locator(".notice.drill")).to_contain_text("This is a drill.")


def test_a_filed_record_is_said_to_whoever_listens(phone: Phone) -> None:
    page = phone.open()
    choose_library(page)
    enrol(page)
    to_record(page)
    press(page, "Write the record", "Look it over before you file", "I don't know any of those not answered")
    file(page)
    expect(page.locator("main.sent h1")).to_be_focused()
    expect(page.locator("h1")).to_have_text("The desk has the record.")
