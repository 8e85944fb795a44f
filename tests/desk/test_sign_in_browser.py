"""Signing in with the real thing: Chromium with a virtual authenticator, codes of an app, a desk over HTTPS."""

import os
import re
from collections.abc import Callable, Iterator
from shutil import which
from typing import Any

import pytest

from tests_support.certificates import digest_of
from tests_support.desk_server import Served, beside, change_session, serving
from tests_support.totp import code_of

CHROME = which("google-chrome") or which("chromium")
PASSWORD = "a sentence that is easy to keep"


@pytest.fixture(scope="module")
def served(desk: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    assert desk
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture(scope="module")
def people(desk: Any, served: Served) -> dict[str, str]:
    """Local accounts by what they are, made before the browser's loop begins."""
    from doorward.desk.roles import Role

    assert served.port
    made = {}
    for name, role in (
        ("law", Role.LAW),
        ("law2", Role.LAW),
        ("law3", Role.LAW),
        ("law4", Role.LAW),
        ("law5", Role.LAW),
        ("staff", Role.STAFF),
    ):
        account = desk.account(f"{name}.signin.example", role, unit="branch-9")
        account.set_password(PASSWORD)
        account.save()
        made[name] = account.login
    return made


@pytest.fixture(scope="module")
def browser(served: Served, people: dict[str, str]) -> Iterator[Any]:
    assert people
    if CHROME is None:
        if os.environ.get("CI"):
            pytest.fail("there is no Chromium, and CI must have one")
        pytest.skip("there is no Chromium here")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Trust in the key of this one certificate; all else of TLS is as ever.
        known = f"--ignore-certificate-errors-spki-list={digest_of(served.certificate)}"
        found = playwright.chromium.launch(executable_path=CHROME, args=["--no-sandbox", known])
        yield found
        found.close()


class Person:
    """Somebody at a browser of their own, what it complained of, and their authenticator."""

    def __init__(self, browser: Any, url: str, **size: int) -> None:
        self.url = url
        self.context = browser.new_context(
            viewport={"width": 1100, "height": 900, **size}, reduced_motion="reduce"
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(f"{message.text} {message.location}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.devtools = self.context.new_cdp_session(self.page)
        self.authenticator = ""

    def hold_authenticator(self, *, verifies: bool = True) -> None:
        """Have a device that keeps passkeys and knows its owner."""
        self.devtools.send("WebAuthn.enable", {"enableUI": False})
        options = {
            "protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal", "hasResidentKey": True,
            "hasUserVerification": True, "isUserVerified": verifies, "automaticPresenceSimulation": True,
        }  # fmt: skip
        found = self.devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self.authenticator = found["authenticatorId"]

    def lose_authenticator(self) -> None:
        self.devtools.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.authenticator})

    def know_owner(self, *, known: bool) -> None:
        held = {"authenticatorId": self.authenticator, "isUserVerified": known}
        self.devtools.send("WebAuthn.setUserVerified", held)

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)

    def sign_in(self, login: str, password: str = PASSWORD, *, then: str = "") -> None:
        self.go(f"/account/login/{then}")
        self.page.get_by_label("Username").fill(login)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.wait_for_load_state()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()
        self.page.wait_for_load_state()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name, exact=True).first.click()
        self.page.wait_for_load_state()

    def heading(self) -> str:
        return str(self.page.get_by_role("heading", level=1).inner_text())

    def session(self) -> str:
        return str(next(one["value"] for one in self.context.cookies() if one["name"] == "__Host-desk"))


@pytest.fixture
def meet(browser: Any, served: Served) -> Iterator[Callable[..., Person]]:
    """Somebody new, as often as asked; at the end no browser has complained."""
    met: list[Person] = []

    def make(**size: int) -> Person:
        met.append(Person(browser, served.url, **size))
        return met[-1]

    yield make
    for one in met:
        one.context.close()
    assert [said for one in met for said in one.complaints] == []


def test_a_passkey_is_enrolled_signs_in_alone_and_is_the_second_factor(
    meet: Callable[..., Person], people: dict[str, str]
) -> None:
    person = meet()
    person.hold_authenticator()
    person.sign_in(people["law"])
    assert person.heading() == "Your sign-in"
    assert person.page.get_by_text("What you are needs a second factor").is_visible()
    person.go("/queue/")
    assert person.heading() == "Your sign-in"  # a role with power opens nothing else
    before = person.session()
    person.follow("Add a passkey")
    assert person.heading() == "Add a passkey"  # the password was typed a moment ago
    person.page.get_by_label("A name for it").fill("this laptop")
    person.page.get_by_role("button", name="Add it").click()
    person.page.get_by_role("heading", name="Your recovery codes").wait_for()
    assert person.page.locator("code.code").count() == 10
    assert person.session() != before
    person.go("/queue/")
    assert person.heading() == "Waiting for you"

    person.press("Sign out")
    person.go("/account/login/?next=/queue/")
    person.page.get_by_role("button", name="Sign in with a passkey").click()
    person.page.get_by_role("heading", name="Waiting for you").wait_for()

    person.press("Sign out")
    person.sign_in(people["law"], then="?next=/matters/")
    assert person.heading() == "Your second factor"
    person.go("/queue/")
    assert person.heading() == "Your second factor"  # half signed in is not signed in
    person.press("Use a passkey")
    person.page.get_by_role("heading", name="Requests").wait_for()


def test_a_passkey_whose_owner_the_device_does_not_know_signs_in_nobody(
    meet: Callable[..., Person], people: dict[str, str]
) -> None:
    person = meet()
    person.hold_authenticator()
    person.sign_in(people["law2"])
    person.follow("Add a passkey")
    person.page.get_by_role("button", name="Add it").click()
    person.page.get_by_role("heading", name="Your recovery codes").wait_for()
    person.press("Sign out")
    person.know_owner(known=False)
    person.page.get_by_role("button", name="Sign in with a passkey").click()
    person.page.get_by_text("Nothing was done").wait_for()
    assert person.heading() == "Sign in"


def test_a_passkey_alone_signs_in_nobody_whom_the_provider_signs_in(
    meet: Callable[..., Person], people: dict[str, str]
) -> None:
    from doorward.desk.models import Account

    person = meet()
    person.hold_authenticator()
    person.sign_in(people["law4"])
    person.follow("Add a passkey")
    person.page.get_by_role("button", name="Add it").click()
    person.page.get_by_role("heading", name="Your recovery codes").wait_for()
    person.press("Sign out")

    def make_federated() -> None:
        account = Account.objects.get(login=people["law4"])
        account.set_unusable_password()
        account.save()

    beside(make_federated)
    person.page.get_by_role("button", name="Sign in with a passkey").click()
    person.page.get_by_text("this account signs in by the city's sign-in").wait_for()
    person.go("/queue/")
    assert person.heading() == "Sign in"


def test_what_is_lost_is_replaced_by_a_recovery_code_that_works_once(
    meet: Callable[..., Person], people: dict[str, str]
) -> None:
    person = meet()
    person.hold_authenticator()
    person.sign_in(people["law3"])
    person.follow("Add a passkey")
    person.page.get_by_role("button", name="Add it").click()
    person.page.get_by_role("heading", name="Your recovery codes").wait_for()
    code = person.page.locator("code.code").first.inner_text()
    person.press("Sign out")
    person.lose_authenticator()

    person.sign_in(people["law3"])
    person.page.get_by_label("Code").fill(code)
    person.press("Go on")
    assert person.heading() == "Today"
    person.go("/account/factor/")
    assert "9 left" in person.page.get_by_role("main").inner_text()
    person.follow("Add an authenticator app")
    letters = person.page.locator("#letters").inner_text()
    first = code_of(letters)
    person.page.get_by_label("Authenticator code").fill(first)
    person.press("Add it")
    assert person.page.get_by_text("In use: six digits").is_visible()

    # The passkey that is lost is removed, and what was used is used.
    person.follow("See, add or remove")
    person.follow("Remove Passkey 1")
    person.press("Remove it")
    assert person.page.get_by_text("None yet.").is_visible()
    person.press("Sign out")
    person.sign_in(people["law3"])
    for used in (code, first):
        person.page.get_by_label("Code").fill(used)
        person.press("Go on")
        assert person.heading() == "Your second factor"
    person.page.get_by_label("Code").fill(code_of(letters, later=1))
    person.press("Go on")
    assert person.heading() == "Today"


def test_a_factor_is_removed_only_by_somebody_who_proves_it_again(
    meet: Callable[..., Person], people: dict[str, str], stale: Callable[[str], None]
) -> None:
    person = meet()
    person.sign_in(people["staff"])
    assert person.heading() == "Today"  # no power, no factor asked
    person.go("/account/factor/")
    person.follow("Add an authenticator app")
    letters = person.page.locator("#letters").inner_text()
    person.page.get_by_label("Authenticator code").fill(code_of(letters))
    person.press("Add it")
    person.page.get_by_role("heading", name="Your recovery codes").wait_for()
    stale(person.session())
    person.go("/account/factor/totp/deactivate/")
    assert person.heading() == "Is it still you?"
    person.page.get_by_label("Password").fill("not the password at all")
    person.press("Go on")
    assert person.heading() == "Is it still you?"
    person.page.get_by_label("Password").fill(PASSWORD)
    person.press("Go on")
    person.press("Remove it")
    assert person.page.get_by_text("Not in use.").is_visible()


@pytest.fixture
def stale() -> Callable[[str], None]:
    """Make what was proved in a session an hour old: tests wait for nothing."""

    def age(held: dict[str, Any]) -> None:
        for one in held["account_authentication_methods"]:
            one["at"] -= 3600

    return lambda key: change_session(key, age)


# Whatever a page has of its own that is no data: scripts without an address, styles and handlers in an element.
INLINE = """[...document.querySelectorAll('*')].filter((one) =>
    (one.tagName === 'SCRIPT' && !one.src && one.type !== 'application/json') || one.tagName === 'STYLE'
    || [...one.attributes].some((held) => held.name === 'style' || held.name.startsWith('on'))
).map((one) => one.outerHTML)"""
ENTRANCE = (
    "/account/factor/",
    "/account/factor/webauthn/",
    "/account/factor/webauthn/add/",
    "/account/factor/totp/activate/",
    "/account/factor/recovery-codes/generate/",
    "/account/password/",
    "/account/logout/",
)


def look(person: Person, name: str) -> tuple[int, bool, list[str]]:
    """Return by how much a page is too wide, whether it is ours, and its faults that a machine finds."""
    from axe_playwright_python.sync_playwright import Axe

    page = person.page
    page.wait_for_load_state()  # a click returns when a new document has begun, which may have no element yet
    page.locator(".desk-head").wait_for()
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    styled = page.evaluate("getComputedStyle(document.querySelector('.desk-head')).backgroundColor")
    assert page.evaluate(INLINE) == []
    report = Axe().run(page)
    shots = os.environ.get("DOORWARD_SCREENSHOTS")
    if shots:
        width = page.viewport_size["width"]
        page.screenshot(path=f"{shots}/{re.sub('[^a-z]+', '-', name)}-{width}.png", full_page=True)
    return wide, styled != "rgba(0, 0, 0, 0)", [one["id"] for one in report.response["violations"]]


@pytest.mark.parametrize("width", [1100, 360])
def test_every_page_for_signing_in_is_ours_fits_and_has_no_fault_that_a_machine_finds(
    meet: Callable[..., Person], people: dict[str, str], width: int
) -> None:
    person = meet(width=width, height=740)
    found = {}
    person.go("/account/login/?over=IDLE")
    found["login"] = look(person, "login")
    person.sign_in(people["staff"], "wrong and wrong again")
    found["refused"] = look(person, "refused")
    person.sign_in(people["staff"])
    for path in ENTRANCE:
        person.go(path)
        found[path] = look(person, path)
    assert found == dict.fromkeys(found, (0, True, []))


def test_the_pages_of_somebody_who_gets_and_uses_a_factor_are_ours_too(
    meet: Callable[..., Person], people: dict[str, str], stale: Callable[[str], None], invited: str
) -> None:
    person = meet(width=360, height=740)
    person.hold_authenticator()
    found = {}
    person.go(invited)
    found["first"] = look(person, "first")
    person.sign_in(people["law5"])
    found["needs"] = look(person, "needs")
    person.follow("Add a passkey")
    person.page.get_by_role("button", name="Add it").click()
    person.page.get_by_role("heading", name="Your recovery codes").wait_for()
    found["codes"] = look(person, "codes")
    person.go("/account/factor/webauthn/")
    found["list"] = look(person, "list")
    person.follow("Rename Passkey 1")
    found["rename"] = look(person, "rename")
    person.go("/account/factor/webauthn/")
    person.follow("Remove Passkey 1")
    found["remove"] = look(person, "remove")
    stale(person.session())
    person.go("/account/factor/totp/activate/")
    found["again"] = look(person, "again")
    person.follow("Use a passkey")
    found["again by passkey"] = look(person, "again by passkey")
    person.go("/account/logout/")
    person.page.locator("main").get_by_role("button", name="Sign out").click()
    person.sign_in(people["law5"])
    found["second"] = look(person, "second")
    assert found == dict.fromkeys(found, (0, True, []))


@pytest.fixture
def invited() -> str:
    """The path of an invitation of somebody."""
    from doorward.desk.entrance.first import invite
    from doorward.desk.models import Account

    paths: list[str] = []

    def make() -> None:
        account, _ = Account.objects.get_or_create(login="first.signin.example")
        paths.append(invite(account))

    beside(make)
    return paths[0]


def test_it_is_done_by_keyboard_alone(meet: Callable[..., Person], people: dict[str, str]) -> None:
    person = meet()
    person.go("/account/login/")
    keys = person.page.keyboard
    keys.press("Tab")
    assert person.page.evaluate("document.activeElement.textContent") == "Skip to the page"
    keys.press("Tab")
    keys.type(people["staff"])
    keys.press("Tab")
    keys.type(PASSWORD)
    keys.press("Tab")
    keys.press("Enter")
    person.page.get_by_role("heading", name="Today").wait_for()


def test_an_hour_of_rest_in_a_half_filled_form_costs_nothing(
    meet: Callable[..., Person], people: dict[str, str], rested: Callable[[str], None]
) -> None:
    person = meet()
    person.sign_in(people["staff"])
    person.go("/new/detainer/")
    page = person.page
    page.get_by_text("That the person is handed over").click()
    page.get_by_label("Which booking number?").wait_for()
    page.wait_for_load_state("networkidle")
    page.get_by_label("Which booking number?").fill("BK-41")
    rested(person.session())
    page.get_by_text("A detainer, such as I-247A").click()  # asks for its questions, and is told to sign in
    page.get_by_role("heading", name="Sign in").wait_for()
    assert page.get_by_text("you were signed out after thirty minutes without a page").is_visible()
    page.get_by_label("Username").fill(people["staff"])
    page.get_by_label("Password").fill(PASSWORD)
    person.press("Sign in")
    page.get_by_text("is here again").wait_for()
    assert page.url.endswith("/new/detainer/")
    assert page.get_by_label("Which booking number?").input_value() == "BK-41"
    assert page.get_by_label("That the person is handed over").is_checked()
    assert page.get_by_label("A detainer, such as I-247A").is_checked()


def test_the_way_back_after_signing_out_shows_nothing(
    meet: Callable[..., Person], people: dict[str, str]
) -> None:
    person = meet()
    person.sign_in(people["staff"])
    person.go("/matters/")
    person.press("Sign out")
    for _ in range(3):
        person.page.go_back()
        assert person.heading() == "Sign in"
        assert people["staff"] not in person.page.get_by_role("main").inner_text()


@pytest.fixture
def rested() -> Callable[[str], None]:
    """Let a session rest for an hour: tests wait for nothing."""
    return lambda key: change_session(key, lambda held: held.update({"seen": held["seen"] - 3600}))
