"""The app without a network, with half a network, in two windows, and over a restart: a record arrives exactly once."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests_support.front_desk import Desk, read_clock
from tests_support.front_phone import (
    Phone,
    Workers,
    choose_library,
    enrol,
    file,
    more,
    press,
    stored_rows,
    to_record,
    to_summary,
)
from tests_support.front_sample import make_compiled


@pytest.fixture
def workers() -> Workers:
    return "allow"


def arrived(desk: Desk) -> list[str]:
    return [receipt.entry for *_, receipt in desk.store.visits.values()]


def hurry(page: Page) -> None:
    """Let the app try again without waiting out its delay."""
    page.evaluate("dispatchEvent(new Event('online'))")


def test_a_protocol_goes_on_without_a_network_and_its_record_goes_when_it_is_back(phone: Phone) -> None:
    page = phone.enrolled()
    press(page, "Begin", "No")
    phone.context.set_offline(True)
    expect(page.locator(".chip.offline")).to_be_visible()
    press(page, "They want to go past the public part")
    to_summary(page)
    file(page)
    expect(page.locator("main.filed h1")).to_have_text("The record waits on this phone")
    press(page, "Done")
    expect(page.locator(".unsent")).to_contain_text("A record waits on this phone")
    assert arrived(phone.desk) == []
    phone.context.set_offline(False)
    expect(page.locator("main.home .entry")).to_have_text("V-000001")
    expect(page.locator(".unsent")).to_have_count(0)
    assert arrived(phone.desk) == ["V-000001"]


def test_what_was_unfolded_stays_so_when_the_screen_is_brought_up_to_date(phone: Phone) -> None:
    page = phone.ready()
    choose_library(page)
    page.locator("details.more > summary").click()
    phone.context.set_offline(True)
    expect(page.locator(".chip.offline")).to_be_visible()
    expect(page.get_by_role("button", name="Give this phone its place", exact=True)).to_be_visible()
    phone.context.set_offline(False)


def test_the_app_opens_without_a_network(phone: Phone) -> None:
    page = phone.ready()
    choose_library(page)
    page.close()
    phone.context.set_offline(True)
    page = phone.open()
    expect(page.locator("h1")).to_have_text(phone.desk.sentence())
    expect(page.locator(".chip.offline")).to_be_visible()
    page.locator("#language").select_option("ar")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    press_first_option(page)
    page.reload()
    expect(page.locator("main.step")).to_be_visible()
    phone.context.set_offline(False)


def press_first_option(page: Page) -> None:
    page.locator("main button.primary").click()
    page.locator("main button.option").first.click()


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_connection_that_is_cut_while_filing_files_once(phone: Phone, cut: str) -> None:
    page = phone.enrolled()
    to_record(page)
    to_summary(page)
    phone.desk.cut = cut
    file(page)
    expect(page.locator("main.filed")).to_contain_text("The desk has not answered.")
    assert len(phone.desk.store.visits) == (1 if cut == "after" else 0)
    phone.desk.cut = None
    hurry(page)
    expect(page.locator(".entry")).to_have_text("V-000001")
    assert len(phone.desk.store.visits) == 1
    assert {row["kind"] for row in stored_rows(page)} == {"site", "place", "receipt"}


def test_it_is_tried_again_by_itself(phone: Phone) -> None:
    page = phone.enrolled()
    to_record(page)
    to_summary(page)
    phone.desk.refuse = 503
    file(page)
    expect(page.locator("main.filed")).to_contain_text("The desk has not answered.")
    phone.desk.refuse = None
    expect(page.locator(".entry")).to_have_text("V-000001")
    assert phone.desk.posts().count("/front/visits") >= 2


def test_a_double_press_files_once(phone: Phone) -> None:
    page = phone.enrolled()
    to_record(page)
    to_summary(page)
    page.evaluate(
        "() => { const file = [...document.querySelectorAll('main button')]"
        ".find((each) => each.innerText === 'File the record'); file.click(); file.click(); file.click(); }"
    )
    expect(page.locator(".entry")).to_have_text("V-000001")
    assert phone.desk.posts() == ["/front/enrol", "/front/visits"]


def test_one_visit_is_open_in_one_window(phone: Phone) -> None:
    first = phone.enrolled()
    to_record(first)
    second = phone.open()
    press(second, "Go on with it")
    expect(second.locator(".said")).to_have_text("It is open in another window of this phone.")
    expect(second.locator("main.home")).to_be_visible()
    first.close()
    press(second, "Go on with it")
    expect(second.locator("h1")).to_have_text("Get the person in charge")


def test_two_windows_send_a_record_once_and_both_know(phone: Phone) -> None:
    first = phone.enrolled()
    second = phone.open()
    phone.context.set_offline(True)
    first.bring_to_front()
    to_record(first)
    to_summary(first)
    file(first)
    expect(second.locator(".unsent")).to_be_visible()
    phone.context.set_offline(False)
    expect(first.locator(".entry")).to_have_text("V-000001")
    expect(second.locator(".entry")).to_have_text("V-000001")
    expect(second.locator(".unsent")).to_have_count(0)
    assert arrived(phone.desk) == ["V-000001"]


@pytest.mark.long
def test_two_windows_write_two_records(phone: Phone) -> None:
    first = phone.enrolled()
    second = phone.open()
    for page in (first, second):
        page.bring_to_front()
        to_record(page)
    for page in (second, first):
        page.bring_to_front()
        to_summary(page)
        file(page)
        expect(page.locator("main.sent")).to_be_visible()
    assert arrived(phone.desk) == ["V-000001", "V-000002"]


def test_a_restart_keeps_a_record_that_waits(
    playwright: Playwright, chromium: str, desk: Desk, tmp_path: Path, launch: dict[str, Any]
) -> None:
    def start() -> Phone:
        context = playwright.chromium.launch_persistent_context(
            tmp_path,
            executable_path=chromium,
            viewport={"width": 390, "height": 844},
            locale="en-US",
            **launch,
        )
        return Phone(desk, context)

    phone = start()
    page = phone.enrolled()
    to_record(page)
    to_summary(page)
    phone.context.set_offline(True)
    file(page)
    expect(page.locator("main.filed h1")).to_have_text("The record waits on this phone")
    press(page, "Done")
    to_record(page)  # and another one is left half-way
    page.wait_for_timeout(400)
    phone.context.close()
    phone = start()
    page = phone.open()
    expect(page.locator("main.home .entry")).to_have_text("V-000001")
    expect(page.locator("main.home")).to_contain_text("is not filed yet")
    press(page, "Go on with it")
    expect(page.locator("h1")).to_have_text("Get the person in charge")
    phone.context.close()
    phone.clean()
    assert arrived(desk) == ["V-000001"]


def test_a_new_version_waits_for_the_end_of_a_protocol(phone: Phone) -> None:
    first = phone.enrolled()
    second = phone.open()
    to_record(first)
    phone.desk.publish(make_compiled(changed="Breathe."))
    second.evaluate("navigator.serviceWorker.getRegistration().then((found) => found.update())")
    expect(second.locator("main.home")).to_contain_text("A new version is here.")
    press(second, "Open the new version")
    expect(second.locator(".said")).to_contain_text("It opens after this visit.")
    expect(second.locator("h1")).not_to_contain_text("Breathe.")
    first.bring_to_front()
    first.get_by_role("button", name="Put away, keep the record").click()
    second.bring_to_front()
    press(second, "Open the new version")
    expect(second.locator("h1")).to_contain_text("Breathe.")
    assert names(second) == 2  # this version's files, and the texts that the open record needs

    phone.context.set_offline(True)
    press(second, "Go on with it")  # begun under the version before, and filed as that
    expect(second.locator("h1")).to_have_text("Get the person in charge")
    phone.context.set_offline(False)
    to_summary(second)
    file(second)
    expect(second.locator("main.sent")).to_be_visible()
    ((visit, *_),) = phone.desk.store.visits.values()
    assert visit.version != phone.desk.compiled["version"]
    press(second, "I wrote the number down")
    expect(second.locator("h1")).to_contain_text("Breathe.")


def names(page: Page) -> int:
    count: int = page.evaluate("caches.keys().then((names) => names.length)")
    return count


def test_a_version_with_one_wrong_file_does_not_install(phone: Phone) -> None:
    page = phone.enrolled()
    phone.desk.publish(make_compiled(changed="Breathe."))
    path = next(each for each in phone.desk.built if each.endswith("style.css"))
    phone.desk.replace(path, b"body { display: none }")
    failed = page.evaluate(
        """async () => {
          const registration = await navigator.serviceWorker.getRegistration();
          const found = new Promise((done) => registration.addEventListener("updatefound", () =>
            registration.installing.addEventListener("statechange", (event) => done(event.target.state))));
          registration.update();
          return found;
        }"""
    )
    assert failed == "redundant"
    page.reload()
    expect(page.locator("h1")).not_to_contain_text("Breathe.")
    assert names(page) == 1


def test_what_the_desk_gives_back_is_looked_at_again(phone: Phone) -> None:
    page = phone.enrolled()
    to_record(page)
    to_summary(page)
    phone.desk.faults = [{"field": "purpose", "code": "status"}]
    file(page)
    expect(page.locator("main.filed h1")).to_have_text("Look at these again")
    phone.desk.faults = None
    press(page, "Go on with it")
    expect(page.locator("#field-purpose-fault")).to_be_visible()
    page.get_by_label("Why they came").fill("They asked for a room.")
    press(page, "Look it over before you file")
    file(page)
    expect(page.locator(".entry")).to_have_text("V-000001")


@pytest.mark.parametrize(
    "status", [409, pytest.param(400, marks=pytest.mark.long), pytest.param(413, marks=pytest.mark.long)]
)
def test_a_record_that_the_desk_does_not_take_stays(phone: Phone, status: int) -> None:
    page = phone.enrolled()
    to_record(page)
    to_summary(page)
    phone.desk.refuse = status
    file(page)
    expect(page.locator("main.filed")).to_contain_text("The desk did not take it.")
    phone.desk.refuse = None
    press(page, "Try now")
    expect(page.locator(".entry")).to_have_text("V-000001")


@pytest.mark.long
def test_a_phone_whose_place_was_taken_back_keeps_the_record_until_it_has_one(phone: Phone) -> None:
    page = phone.enrolled()
    to_record(page)
    to_summary(page)
    phone.desk.store.tokens.clear()
    phone.desk.store.used.clear()
    file(page)
    expect(page.locator("main.filed")).to_contain_text("The desk does not know this phone yet.")
    press(page, "Done")
    enrol(page)
    expect(page.locator("main.home .entry")).to_have_text("V-000001")


@pytest.mark.long
def test_a_phone_without_a_place_keeps_the_record_until_it_has_one(phone: Phone) -> None:
    page = phone.ready()
    choose_library(page)
    to_record(page)
    to_summary(page)
    file(page)
    expect(page.locator("main.filed")).to_contain_text("Ask for a code and enter it.")
    press(page, "Done")
    expect(page.locator(".unsent")).to_be_visible()
    enrol(page)
    expect(page.locator("main.home .entry")).to_have_text("V-000001")


@pytest.mark.long
def test_a_receipt_for_other_bytes_deletes_nothing(phone: Phone) -> None:
    page = phone.enrolled()
    to_record(page)
    to_summary(page)
    phone.desk.wrong_receipt = True
    file(page)
    expect(page.locator("main.filed")).to_contain_text("The desk did not take it.")
    assert "unsent" in {row["kind"] for row in stored_rows(page)}


@pytest.mark.long
def test_an_enrolment_whose_answer_was_lost_is_asked_for_again(phone: Phone) -> None:
    page = phone.ready()
    choose_library(page)
    phone.desk.cut = "after"
    more(page, "Give this phone its place")
    page.get_by_label("Code").fill("FR0NT001")
    press(page, "Enter the code")
    expect(page.get_by_role("alert")).to_contain_text("The desk does not answer.")
    phone.desk.cut = None
    press(page, "Enter the code")
    expect(page.locator(".bar .where")).to_have_text("Sample Library, main desk")


def test_a_wrong_clock_is_found_and_the_record_says_by_how_much(phone: Phone) -> None:
    page = phone.page()
    page.clock.install(time=read_clock() + timedelta(hours=3))
    page.goto(phone.desk.url)
    choose_library(page)
    enrol(page)
    to_record(page)
    to_summary(page)
    file(page)
    expect(page.locator("main.filed h1")).to_have_text("Look at these again")
    press(page, "Go on with it")
    expect(page.locator("#faults")).to_contain_text("The clock of this phone is wrong.")
    page.clock.set_system_time(read_clock())
    press(page, "Look it over before you file")
    file(page)
    expect(page.locator(".entry")).to_have_text("V-000001")
    ((visit, *_),) = phone.desk.store.visits.values()
    assert timedelta(hours=2, minutes=59) < visit.clock_offset < timedelta(hours=3, minutes=1)
    assert abs(visit.opened - read_clock()) < timedelta(minutes=5)


def test_a_phone_that_lay_dark_shows_nothing_of_the_record(phone: Phone) -> None:
    page = phone.page()
    page.clock.install()
    page.goto(phone.desk.url)
    choose_library(page)
    to_record(page)
    press(page, "Write the record")
    page.get_by_label("Agency and unit").fill("Sample Agency")

    def turn(state: str) -> None:
        page.evaluate(
            "(state) => { Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });"
            " document.dispatchEvent(new Event('visibilitychange')); }",
            state,
        )

    turn("hidden")
    page.clock.fast_forward("04:00")
    turn("visible")
    expect(page.get_by_label("Agency and unit")).to_have_value("Sample Agency")
    turn("hidden")
    page.clock.fast_forward("06:00")
    turn("visible")
    expect(page.locator("main.home .notice.warning")).to_contain_text("is not filed yet")
    expect(page.locator("body")).not_to_contain_text("Sample Agency")
    press(page, "Go on with it", "Write the record")
    expect(page.get_by_label("Agency and unit")).to_have_value("Sample Agency")
