"""The desk in a real browser, served as it is served: by keyboard, on a phone, with a session that ends."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from tests_support.ports import free_port

CODE = (
    "import sys\nfrom doorward.desk.configuration import current\nfrom doorward.desk.serve import prepare, serve\n"
    "prepare()\nserve(current(), addresses=[sys.argv[1]])\n"
)
CHROME = which("google-chrome") or which("chromium")
PAGES = (
    "/play/",
    "/",
    "/new/",
    "/new/detainer/",
    "/new/court-paper/",
    "/message/",
    "/matters/",
    "/queue/",
    "/overview/",
    "/account/login/",
)


@pytest.fixture(scope="module")
def address(desk: Any) -> Iterator[str]:
    """Where the desk of this process's database is served by a process of its own."""
    from doorward.desk.sample import make_players

    assert desk
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

    def __init__(self, browser: Any, address: str, **size: int) -> None:
        self.address = address
        viewport = {"width": 1100, "height": 900, **size}
        self.context = browser.new_context(viewport=viewport, reduced_motion="reduce")
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(f"{message.text} {message.location}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.hosts: set[str] = set()
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))

    def play(self, login: str) -> None:
        self.page.goto(f"{self.address}/play/")
        self.page.get_by_role("button", name=login).click()
        self.page.get_by_role("heading", name="Today").wait_for()

    def go(self, path: str) -> None:
        self.page.goto(self.address + path)


@pytest.fixture
def person(browser: Any, address: str) -> Iterator[Person]:
    found = Person(browser, address)
    yield found
    found.context.close()
    assert found.complaints == []
    assert found.hosts <= {address.removeprefix("http://")}


def test_a_detainer_is_filed_by_keyboard_alone(person: Person) -> None:
    person.play("omar.example")
    page = person.page
    person.go("/new/detainer/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
    page.get_by_label("That the person is kept, or stopped").focus()
    page.keyboard.press("Space")
    page.get_by_label("Which agency asks?").focus()
    page.keyboard.type("Immigration and Customs Enforcement, Enf")
    page.get_by_label("A detainer, such as I-247A").focus()
    page.keyboard.press("Space")
    page.get_by_label("The detainer", exact=True).wait_for()  # the question that this answer asks for
    page.get_by_role("button", name="See what the order answers").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Decline.").wait_for()
    page.get_by_role("button", name="File it").focus()
    page.keyboard.press("Enter")
    page.get_by_text("filed as 20").wait_for()
    assert page.get_by_text("C20a1C").is_visible()


def test_what_is_answered_while_questions_are_on_their_way_is_kept(person: Person) -> None:
    person.play("omar.example")
    page = person.page
    person.go("/new/detainer/")

    def slow(route: Any) -> None:
        page.wait_for_timeout(700)
        route.continue_()

    page.route("**/new/detainer/", slow)
    page.get_by_text("That the person is handed over").click()
    page.get_by_text("A detainer, such as I-247A").click()
    page.get_by_label("Which booking number?").fill("BK-19")
    page.get_by_label("The detainer", exact=True).wait_for()
    page.wait_for_timeout(1500)
    assert page.get_by_label("Which booking number?").input_value() == "BK-19"
    assert page.get_by_label("A detainer, such as I-247A").is_checked()
    assert page.get_by_label("That the person is handed over").is_checked()


def test_a_session_that_ends_in_a_half_filled_form_costs_nothing(person: Person) -> None:
    person.play("omar.example")
    page = person.page
    person.go("/new/detainer/")
    page.get_by_text("That the person is handed over").click()
    page.get_by_label("Which booking number?").fill("BK-17")
    page.get_by_label("Which booking number?").blur()
    page.wait_for_load_state(
        "networkidle"
    )  # else the way to sign in comes twice: to the questions and to the form
    person.context.clear_cookies()
    page.get_by_role("button", name="See what the order answers").click()
    page.wait_for_load_state()
    person.complaints.clear()  # of the page that is left: it was refused, and asked for questions meanwhile
    person.play("omar.example")
    person.go("/new/detainer/")
    page.get_by_text("is here again").wait_for()
    assert page.get_by_label("Which booking number?").input_value() == "BK-17"
    assert page.get_by_label("That the person is handed over").is_checked()
    page.get_by_role("link", name="Begin anew").click()
    page.wait_for_load_state()
    assert page.get_by_label("Which booking number?").input_value() == ""


def test_nothing_is_kept_after_signing_out(person: Person) -> None:
    person.play("omar.example")
    page = person.page
    person.go("/new/detainer/")
    page.get_by_label("Which booking number?").fill("BK-18")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_load_state()
    assert page.evaluate("sessionStorage.length") == 0


MESSAGE = (
    b"""From: =?utf-8?q?An_officer?= <officer@field-office.example>
To: desk@city.invalid
Subject: Immigration detainer
Date: Sun, 01 Mar 2026 09:30:00 -0600
Message-ID: <browser@field-office.example>
Content-Type: multipart/mixed; boundary=b

--b

Form I-247A is attached. Case No. 26-117.
"""
    + b"A long line " * 60
    + b"""
--b
Content-Type: application/pdf; name="I-247A.pdf"

%PDF-1.7
--b
Content-Type: application/zip; name="papers.zip"

PK\x03\x04
--b--
"""
)


def test_a_message_is_read_and_filed_by_keyboard_on_a_phone(
    browser: Any, address: str, tmp_path: Path
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    person = Person(browser, address, width=360, height=740)
    page, found = person.page, {}

    def look(name: str) -> None:
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        found[name] = (wide, [one["id"] for one in Axe().run(page).response["violations"]])
        if os.environ.get("DOORWARD_PICTURES"):
            page.screenshot(path=f"{os.environ['DOORWARD_PICTURES']}/{name}.png", full_page=True)

    person.play("omar.example")
    person.go("/message/")
    look("message")
    (tmp_path / "a.eml").write_bytes(MESSAGE)
    page.get_by_label("The message, as a file").set_input_files(tmp_path / "a.eml")
    page.get_by_role("button", name="Read it").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="What stands in the message").wait_for()
    look("message-read")
    page.get_by_role("button", name="Detainer", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Detainer").wait_for()
    assert page.get_by_label("Which number stands on the paper?").input_value() == "26-117"
    page.get_by_label("That the person is kept, or stopped").focus()
    page.keyboard.press("Space")
    page.get_by_label("The detainer", exact=True).wait_for()
    page.wait_for_load_state("networkidle")
    look("message-form")
    page.get_by_role("button", name="See what the order answers").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Decline.").wait_for()
    assert page.get_by_text("read from the message").count() == 3
    look("message-preview")
    page.get_by_role("button", name="File it").focus()
    page.keyboard.press("Enter")
    page.get_by_text("filed as 20").wait_for()
    assert page.get_by_role("heading", name="The message").is_visible()
    look("message-filed")
    person.go("/message/")
    page.get_by_label("The message, as a file").set_input_files(tmp_path / "a.eml")
    page.get_by_role("button", name="Read it").click()
    page.get_by_text("This message was filed before").wait_for()
    look("message-again")
    person.context.close()
    assert found == dict.fromkeys(found, (0, []))
    assert person.complaints == []


def test_somebody_else_who_signs_in_after_a_session_has_ended_sees_nothing_of_it(person: Person) -> None:
    person.play("omar.example")
    page = person.page
    person.go("/new/detainer/")
    page.get_by_label("Which booking number?").fill("BK-20")
    page.get_by_label("Which booking number?").blur()
    page.wait_for_load_state("networkidle")
    person.context.clear_cookies()
    person.play("walt.example")
    person.go("/new/detainer/")
    assert page.get_by_label("Which booking number?").input_value() == ""
    assert "BK-20" not in page.evaluate("JSON.stringify(Object.entries(sessionStorage))")


def test_an_answer_that_comes_after_signing_out_keeps_nothing(person: Person) -> None:
    """A part of the page that is still on its way asks again, which would keep what was typed."""
    person.play("omar.example")
    page = person.page
    person.go("/new/detainer/")
    page.evaluate(
        """() => {
            const form = document.getElementById('questions')
            document.getElementById('sign-out').addEventListener('submit', (event) => event.preventDefault())
            document.querySelector('#sign-out button').click()
            form.dispatchEvent(new Event('change'))
        }"""
    )
    assert page.evaluate("Object.keys(sessionStorage).filter((one) => one.startsWith('draft ')).length") == 0


def test_pages_fit_a_phone_and_have_no_fault_that_a_machine_finds(browser: Any, address: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    person = Person(browser, address, width=360, height=740)
    person.play("finn.example")
    found = {}
    for path in PAGES:
        person.go(path)
        wide = person.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        report = Axe().run(person.page)
        found[path] = (wide, [one["id"] for one in report.response["violations"]])
    person.context.close()
    assert found == dict.fromkeys(PAGES, (0, []))
    assert person.complaints == []


def upload(person: Person, tmp_path: Path, raw: bytes) -> str:
    """File a detainer and add a paper to it, by keyboard; return the address of its papers."""
    page = person.page
    person.go("/new/detainer/")
    page.get_by_label("That the person is kept, or stopped").focus()
    page.keyboard.press("Space")
    page.get_by_label("Which agency asks?").focus()
    page.keyboard.type("Immigration and Customs Enforcement, Enf")
    page.get_by_label("A detainer, such as I-247A").focus()
    page.keyboard.press("Space")
    page.get_by_label("The detainer", exact=True).wait_for()
    page.get_by_role("button", name="See what the order answers").click()
    page.get_by_role("button", name="File it").click()
    page.get_by_role("link", name="Add a paper").focus()
    page.keyboard.press("Enter")
    (tmp_path / "served \u202ecop.pdf").write_bytes(raw)
    page.get_by_label("Which paper is it?").select_option("detainer")
    page.get_by_label("The file").set_input_files(tmp_path / "served \u202ecop.pdf")
    page.get_by_role("button", name="Add it").focus()
    page.keyboard.press("Enter")
    page.get_by_text("kept; SHA-256").wait_for()
    found: str = page.url
    return found


def test_a_paper_is_added_by_keyboard_and_comes_back_as_a_download(person: Person, tmp_path: Path) -> None:
    raw = b"%PDF-1.7\n" + os.urandom(400_000) + b"\n%%EOF\n"
    person.play("omar.example")
    upload(person, tmp_path, raw)
    digest = sha256(raw).hexdigest()
    assert digest[:8] in person.page.locator(".desk-digest").inner_text()
    with person.page.expect_download() as download:
        person.page.get_by_role("link", name="served cop.pdf").click()
    assert Path(download.value.path()).read_bytes() == raw
    assert download.value.suggested_filename.endswith(".pdf")
    person.page.reload()
    assert person.page.get_by_text("read-paper").count() == 0  # that stands on the request's own page
    person.page.get_by_role("heading", name="Papers of").get_by_role("link").click()
    person.page.get_by_text("read-paper").wait_for()


def test_pages_of_papers_fit_a_phone_and_a_hold_shows_on_them(
    browser: Any, address: str, tmp_path: Path
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    person = Person(browser, address, width=360, height=740)
    person.play("omar.example")
    papers = upload(person, tmp_path, b"%PDF-1.7\n<script>\n%%EOF\n").removeprefix(address)
    person.page.get_by_text("look out").wait_for()
    number = person.page.get_by_role("heading", name="Papers of").inner_text().split()[-1]
    person.page.get_by_role("button", name="Sign out").click()
    person.play("finn.example")
    person.go(f"/holds/?matter={number}")
    person.page.get_by_label("Why?").last.fill("26 L 0000, a drill")
    person.page.get_by_role("button", name="Place it").click()
    person.page.get_by_text("the hold stands").wait_for()
    person.page.get_by_label("Why?").first.fill("over")
    person.page.get_by_role("button", name="Say that it should be lifted").click()
    person.page.get_by_role("button", name="Keep it").wait_for()
    found = {}
    pages = (papers, papers.removesuffix("papers/"), "/holds/", "/disposal/")
    for path in pages:
        person.go(path)
        size = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        report = Axe().run(person.page)
        found[path] = (person.page.evaluate(size), [one["id"] for one in report.response["violations"]])
        shots = os.environ.get("DOORWARD_SHOTS")
        if shots:
            person.page.screenshot(path=f"{shots}/{path.strip('/').replace('/', '-')}.png", full_page=True)
    person.go(papers)
    person.page.get_by_text("A legal hold is on this request").wait_for()
    person.context.close()
    assert found == dict.fromkeys(pages, (0, []))
    assert person.complaints == []


def test_a_server_takes_no_upload_that_lies_about_its_length(
    person: Person, address: str, tmp_path: Path
) -> None:
    person.play("omar.example")
    papers = upload(person, tmp_path, b"%PDF-1.7\n%%EOF\n").removeprefix(address)
    cookies = "; ".join(f"{one['name']}={one['value']}" for one in person.context.cookies())
    token = person.page.locator("input[name=csrfmiddlewaretoken]").first.input_value()
    host = address.removeprefix("http://")
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in (
            ("csrfmiddlewaretoken", token),
            ("paper_class", "detainer"),
            ("standing", "evidence"),
        )
    )
    file = f'{parts}--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-1.7\n'

    def ask(length: str, body: bytes) -> bytes:
        with socket.create_connection((host.split(":")[0], int(host.split(":")[1])), 30) as line:
            head = (
                f"POST {papers} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookies}\r\nOrigin: {address}\r\n{length}\r\n"
                "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
            )
            line.sendall(head.encode() + body)
            line.shutdown(socket.SHUT_WR)
            return line.recv(12)

    assert ask("Content-Length: 10737418240", b"x" * 100) == b"HTTP/1.1 413"
    assert ask("Transfer-Encoding: chunked", b"5\r\nxxxxx\r\n0\r\n\r\n") == b"HTTP/1.1 411"
    assert ask("Content-Length: 900000", file.encode()) == b"HTTP/1.1 408"  # it ends before it said
    person.page.reload()
    assert person.page.locator(".desk-papers li").count() == 1


NEW_PAGES = (
    "/training/",
    "/paper/",
    "/queue/",
    "/overview/",
    "/phones/",
    "/new/?drill=1",
    "/new/entry/?drill=1",
)


@pytest.mark.parametrize("width", [1100, 390])
@pytest.mark.parametrize("path", NEW_PAGES)
def test_pages_of_training_paper_and_drills_pass_axe(
    browser: Any, address: str, path: str, width: int
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    found = Person(browser, address, width=width)
    found.play("finn.example")
    found.go(path)
    found.page.get_by_role("heading", level=1).wait_for()
    results = Axe().run(found.page)
    assert results.violations_count == 0, results.generate_report()
    shots = os.environ.get("DOORWARD_SHOTS")
    if shots:
        name = path.strip("/").replace("/", "-").replace("?", "-").replace("=", "") or "home"
        found.page.screenshot(path=f"{shots}/{name}-{width}.png", full_page=True)
    assert found.complaints == []
    found.context.close()


def test_a_queue_that_is_open_hears_of_a_referral_without_being_touched(browser: Any, address: str) -> None:
    counsel, keeper = Person(browser, address), Person(browser, address)
    counsel.play("finn.example")
    counsel.go("/queue/")
    keeper.play("omar.example")
    keeper.go("/new/court-paper/")
    page = keeper.page
    for label in ("Let somebody into a place", "A court's criminal warrant, such as AO 93 or AO 442"):
        page.get_by_label(label).focus()
        page.keyboard.press("Space")
        page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="See what the order answers").click()
    page.get_by_role("button", name="File it").click()
    page.get_by_text("filed as 20").wait_for()
    counsel.page.get_by_text("Something is new").wait_for(timeout=30_000)
    counsel.page.get_by_role("link", name="Show what waits").click()
    counsel.page.get_by_role("heading", name="Waiting for you").wait_for()
    shots = os.environ.get("DOORWARD_SHOTS")
    if shots:
        page.screenshot(path=f"{shots}/matter-1100.png", full_page=True)
    for one in (counsel, keeper):
        assert one.complaints == []
        one.context.close()
