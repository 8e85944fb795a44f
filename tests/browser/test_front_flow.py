"""What people do at a front desk with the app: walk a protocol, write it down, file it, go back, drill."""

import json

import pytest
from playwright.sync_api import Page, expect

from doorward.desk.front.screening import find_forbidden, load_patterns
from tests_support.front_desk import Desk
from tests_support.front_phone import (
    Phone,
    choose_library,
    file,
    more,
    press,
    stored_rows,
    to_record,
    to_summary,
)


def focused(page: Page) -> str:
    text: str = page.evaluate("document.activeElement.innerText || document.activeElement.id")
    return text


def press_key_to(page: Page, name: str) -> None:
    """Go on by Tab until the control of that name has the focus, then press Enter."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText?.trim()") == name:
            page.keyboard.press("Enter")
            return
    pytest.fail(f"no control `{name}` is reached by Tab")


def test_the_first_screen_is_one_sentence_where_to_wait_one_call_and_begin(phone: Phone) -> None:
    page = phone.open()
    choose_library(page)
    expect(page.locator("h1")).to_have_text(phone.desk.sentence())
    expect(page.locator(".wait")).to_contain_text("Agents wait in the reading room")
    calls = page.locator("main a[href^='tel:']:visible")
    expect(calls).to_have_count(1)
    expect(calls).to_have_attribute("href", "tel:+13125550100")
    buttons = page.locator("main button:visible")
    assert buttons.all_inner_texts() == ["Begin"]
    assert page.url == phone.desk.url


def test_the_whole_flow_by_keyboard(phone: Phone) -> None:
    page = phone.enrolled()
    press_key_to(page, "Begin")
    expect(page.locator("h1")).to_be_focused()
    expect(page.locator("#said")).to_contain_text("Step 1 of at most")
    press_key_to(page, "No")
    expect(page.locator("h1")).to_be_focused()
    assert focused(page) == "What do they do, or ask for?"
    press_key_to(page, "They want to go past the public part")
    expect(page.locator("h1")).to_have_text("Get the person in charge")
    press_key_to(page, "Write the record")
    expect(page.locator("main.record h1")).to_be_focused()
    page.locator("#field-purpose").focus()
    page.keyboard.type("They asked for the office.")
    press_key_to(page, "Look it over before you file")
    expect(page.locator("#faults")).to_be_focused()
    press_key_to(page, "I don't know any of those not answered")
    expect(page.locator("main.check h1")).to_be_focused()
    press_key_to(page, "File the record")
    expect(page.locator("main.sent h1")).to_be_focused()
    expect(page.locator(".entry")).to_have_text("V-000001")
    ((visit, body, _, _),) = phone.desk.store.visits.values()
    assert visit.values["purpose"] == "They asked for the office."
    assert visit.values["asked-for"] == ("enter",)
    assert visit.values["begun"] == "request"
    assert not json.loads(body)["drill"]


def test_the_record_leaves_the_phone_and_a_new_person_begins_with_nothing_of_the_last(phone: Phone) -> None:
    page = phone.enrolled()
    to_record(page)
    press(page, "Write the record")
    page.get_by_label("Agency and unit").fill("Sample Agency, unit 7")
    press(page, "Look it over before you file", "I don't know any of those not answered")
    expect(page.locator("main.check")).to_contain_text("Sample Agency, unit 7")
    file(page)
    expect(page.locator("main.sent")).to_contain_text("It was deleted from this phone.")
    assert {row["kind"] for row in stored_rows(page)} == {"site", "place", "receipt"}
    press(page, "I wrote the number down")
    assert {row["kind"] for row in stored_rows(page)} == {"site", "place"}
    to_record(page)
    press(page, "Write the record")
    expect(page.get_by_label("Agency and unit")).to_have_value("")
    page.go_back()
    page.go_back()
    page.go_back()
    page.go_back()
    expect(page.locator("body")).not_to_contain_text("Sample Agency")


def test_what_the_phone_keeps_can_not_be_read_beside_the_app(phone: Phone) -> None:
    page = phone.ready()
    choose_library(page)
    to_record(page)
    press(page, "Write the record")
    page.get_by_label("Agency and unit").fill("Sample Agency, unit 7")
    page.wait_for_timeout(500)
    (row,) = [row for row in stored_rows(page) if row["kind"] == "draft"]
    assert row["keys"] == ["data", "id", "iv", "kind"]
    assert "Sample" not in row["text"]
    assert "library" not in row["text"]
    exported = page.evaluate(
        """async () => {
          const open = indexedDB.open("front");
          const db = await new Promise((done) => { open.onsuccess = () => done(open.result); });
          const get = db.transaction("keys").objectStore("keys").get("rows");
          const { key } = await new Promise((done) => { get.onsuccess = () => done(get.result); });
          db.close();
          return crypto.subtle.exportKey("raw", key).then(() => "exported", (error) => error.name);
        }"""
    )
    assert exported == "InvalidAccessError"
    kept = page.evaluate("[Object.keys(localStorage), Object.keys(sessionStorage), document.cookie]")
    assert kept == [[], [], ""]


def test_back_loses_nothing_and_takes_abandoned_answers_out(phone: Phone) -> None:
    page = phone.ready()
    choose_library(page)
    to_record(page)
    press(page, "Write the record")
    page.get_by_label("Why they came").fill("They asked.")
    expect(page.get_by_label("To go past the public part")).to_be_checked()
    page.wait_for_timeout(400)
    press(page, "Back")
    press(page, "Back")
    expect(page.locator("h1")).to_have_text("What do they do, or ask for?")
    expect(page.get_by_role("button", name="Write the record")).to_have_count(0)
    page.go_forward()
    expect(page.locator("h1")).to_have_text("Get the person in charge")
    page.go_back()
    press(page, "They want a room")
    press(page, "Write the record")
    expect(page.get_by_label("Why they came")).to_have_value("They asked.")
    expect(page.get_by_label("A room", exact=True)).to_be_checked()
    expect(page.get_by_label("To go past the public part")).not_to_be_checked()


def test_a_reload_in_mid_protocol_comes_back_to_the_same_step(phone: Phone) -> None:
    page = phone.ready()
    choose_library(page)
    to_record(page)
    press(page, "Write the record")
    page.get_by_label("Agency and unit").fill("Sample Agency")
    page.wait_for_timeout(400)
    page.reload()
    expect(page.locator("main.record")).to_be_visible()
    expect(page.get_by_label("Agency and unit")).to_have_value("Sample Agency")
    press(page, "Back")
    expect(page.locator("h1")).to_have_text("Get the person in charge")
    press(page, "Back")
    expect(page.locator("h1")).to_have_text("What do they do, or ask for?")


def test_presence_alone_writes_nothing_down(phone: Phone) -> None:
    page = phone.enrolled()
    press(page, "Begin", "No", "They stay in the public part")
    expect(page.get_by_role("button", name="Write the record")).to_have_count(0)
    expect(page.locator("main")).to_contain_text("No visit record")
    press(page, "Done")
    expect(page.locator("main.home")).to_be_visible()
    assert {row["kind"] for row in stored_rows(page)} == {"site", "place"}
    assert phone.desk.posts() == ["/front/enrol"]


def test_a_record_that_was_begun_is_not_thrown_away(phone: Phone) -> None:
    page = phone.ready()
    choose_library(page)
    to_record(page)
    page.get_by_role("button", name="Put away, keep the record").click()
    expect(page.locator("main.home .notice.warning")).to_contain_text("is not filed yet")
    expect(page.get_by_role("button", name="Throw away")).to_have_count(0)
    press(page, "Go on with it")
    expect(page.locator("h1")).to_have_text("Get the person in charge")


def test_a_drill_is_marked_calls_nobody_and_is_filed_as_a_drill(phone: Phone) -> None:
    page = phone.enrolled()
    more(page, "Begin a drill")
    expect(page.locator(".bar .drill")).to_have_text("DRILL")
    expect(page.locator("body.drilling")).to_have_count(1)
    press(page, "No", "They want to go past the public part")
    expect(page.locator("a[href^='tel:']")).to_have_count(0)
    expect(page.locator("main")).to_contain_text("Drill, don't call:")
    press(page, "Write the record")
    page.get_by_label("I have read this version").check()
    press(page, "Look it over before you file", "I don't know any of those not answered")
    file(page)
    expect(page.locator("main.sent .drill")).to_have_text("DRILL")
    ((visit, *_),) = phone.desk.store.visits.values()
    assert (visit.drill, visit.trained) == (True, True)
    assert visit.training == phone.desk.compiled["training"]
    press(page, "I wrote the number down")
    page.locator("details.more > summary").click()
    expect(page.get_by_text("Nobody has trained with this version")).to_have_count(0)


@pytest.mark.long
def test_a_drill_may_be_thrown_away(phone: Phone) -> None:
    page = phone.ready()
    choose_library(page)
    more(page, "Begin a drill")
    press(page, "No", "They want to go past the public part")
    page.get_by_role("button", name="Put away, keep the record").click()
    press(page, "Throw away")
    expect(page.get_by_role("button", name="Go on with it")).to_have_count(0)
    assert {row["kind"] for row in stored_rows(page)} == {"place"}


def test_what_no_record_may_hold_is_found_before_it_is_filed(phone: Phone) -> None:
    page = phone.enrolled()
    to_record(page)
    press(page, "Write the record")
    page.get_by_label("Why they came").fill("They said that he is undocumented.")
    press(page, "Look it over before you file")
    expect(page.locator("#field-purpose-fault")).to_contain_text(
        "Leave out what somebody's immigration status is"
    )
    expect(page.get_by_label("Why they came")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Why they came").fill("They asked for somebody.")
    press(page, "Look it over before you file", "I don't know any of those not answered")
    file(page)
    expect(page.locator("main.sent")).to_be_visible()


def test_the_phone_finds_exactly_what_the_desk_finds(phone: Phone) -> None:
    page = phone.open()
    patterns = load_patterns()
    texts = [text for pattern in patterns for text in (*pattern.hits, *pattern.misses)]
    base = page.evaluate("document.documentElement.dataset.base")
    found = page.evaluate(
        """async ([base, texts]) => {
          const { screened } = await import(new URL(`${base}/form.js`, location.href));
          const { screening } = await (await fetch(`${base}/protocol.json`)).json();
          const kinds = [null, "agent"];
          return texts.flatMap((text) => kinds.map((identifies) => screened(screening, { identifies }, text)));
        }""",
        [base, texts],
    )
    wanted = [
        find_forbidden(text, identifies=identifies, patterns=patterns)
        for text in texts
        for identifies in (None, "agent")
    ]
    assert found == wanted


def test_every_language_shows_its_tag_to_staff_and_none_to_the_public(phone: Phone) -> None:
    page = phone.ready()
    choose_library(page)
    for code in ("es", "pl", "zh-Hans", "zh-Hant", "ar"):
        page.locator("#language").select_option(code)
        expect(page.locator("html")).to_have_attribute("lang", code)
        expect(page.locator("html")).to_have_attribute("dir", "rtl" if code == "ar" else "ltr")
        expect(page.locator("#language")).to_be_focused()
        expect(page.locator(".bar .unreviewed")).to_be_visible()
        expect(page.locator("h1 + .tag")).to_be_visible()
        page.locator("details.more > summary").click()
        page.locator("details.more button").nth(1).click()
        shown = page.locator("main.shown")
        title = shown.locator("h1 span")
        expect(title).to_have_attribute("lang", "es" if code == "es" else "en")
        for line in shown.locator("p[lang]").all():
            expect(line).to_have_attribute("lang", "en")
        expect(page.locator(".tag, .unreviewed, .bar")).to_have_count(0)
        page.go_back()


def test_paper_has_reviewed_text_alone(phone: Phone) -> None:
    page = phone.ready()
    choose_library(page)
    page.locator("#language").select_option("ar")
    page.emulate_media(media="print")
    expect(page.locator("h1")).to_have_text(phone.desk.sentence(), use_inner_text=True)
    text = page.evaluate("document.body.innerText")
    assert "نص" not in text
    assert "Agents wait in the reading room" in text


def test_the_form_on_paper_has_the_fields_of_the_record(phone: Phone) -> None:
    page = phone.ready()
    choose_library(page)
    more(page, "The form on paper")
    expect(page.locator("section.blank").first).to_be_visible()
    compiled = phone.desk.compiled
    form = next(place for place in compiled["places"] if place["id"] == "library")["record"]
    headings = page.locator("section.blank h2").all_inner_texts()
    labels = [compiled["texts"]["en"][field["label"]] for field in form["fields"]]
    assert [heading.startswith(label) for heading, label in zip(headings, labels, strict=True)] == [
        True
    ] * len(labels)


def test_nothing_offers_to_remember_what_was_typed(phone: Phone) -> None:
    page = phone.ready()
    choose_library(page)
    to_record(page)
    press(page, "Write the record")
    for field in page.locator("main input[type=text], main textarea").all():
        expect(field).to_have_attribute("autocomplete", "off")
        expect(field).to_have_attribute("spellcheck", "false")
    expect(page.locator("html")).to_have_attribute("translate", "no")
    expect(page.locator("input[type=file], video, audio, canvas")).to_have_count(0)


@pytest.mark.long
def test_a_wrong_code_is_said(phone: Phone, desk: Desk) -> None:
    page = phone.ready()
    choose_library(page)
    more(page, "Give this phone its place")
    page.get_by_label("Code").fill("WR0NG0")
    press(page, "Enter the code")
    expect(page.get_by_role("alert")).to_contain_text("does not take this code")
    page.get_by_label("Code").fill("fr0nt-001")
    press(page, "Enter the code")
    expect(page.locator(".bar .where")).to_have_text("Sample Library, main desk")
    assert desk.posts() == ["/front/enrol", "/front/enrol"]


@pytest.mark.long
def test_numbers_of_the_building_come_from_the_desk(phone: Phone) -> None:
    page = phone.enrolled()
    expect(page.locator("main a.call")).to_have_attribute("href", "tel:+13125550199")
    expect(page.locator("main a.call")).to_contain_text("Call the person in charge")
    page.locator("details.others summary").click()
    expect(page.locator("details.others a")).to_have_attribute("href", "tel:+13125550100")


def test_the_summary_is_what_is_filed(phone: Phone) -> None:
    page = phone.enrolled()
    to_record(page)
    press(page, "Write the record")
    page.get_by_role("button", name="Now: When they came").click()
    page.get_by_label("How many people").fill("0")
    page.get_by_label("Rooms that they went in").fill("Hall\nOffice")
    press(page, "Back")
    to_summary(page)
    expect(page.locator("main.check")).to_contain_text("Hall")
    file(page)
    expect(page.locator("main.sent")).to_be_visible()
    ((visit, *_),) = phone.desk.store.visits.values()
    assert visit.values["people-taken"] == 0
    assert visit.values["went-in"] == "Hall\nOffice"
    assert "came" in visit.values
    assert "came" not in visit.unknown


def test_two_presses_on_an_answer_are_one(phone: Phone) -> None:
    page = phone.open()
    choose_library(page)
    twice = """(names) => {
      for (const name of names)
        [...document.querySelectorAll("main button")].find((each) => each.innerText === name).click();
    }"""
    page.evaluate(twice, ["Begin", "Begin"])
    expect(page.locator("main.step")).to_be_visible()
    page.evaluate(twice, ["No", "No", "Yes"])
    expect(page.locator("h1")).to_have_text("What do they do, or ask for?")
    expect(page.locator(".progress")).to_contain_text("Step 2")
    page.get_by_role("button", name="They want a room").dblclick()
    expect(page.locator("h1")).to_have_text("Do they show a court's paper for the room?")
    expect(page.locator(".progress")).to_contain_text("Step 3")
    page.wait_for_timeout(300)
    assert [row["kind"] for row in stored_rows(page)].count("draft") == 1
    expect(page.locator("h1")).to_have_text("Do they show a court's paper for the room?")


def test_back_may_be_pressed_faster_than_screens_change(phone: Phone) -> None:
    page = phone.open()
    choose_library(page)
    for _ in range(3):
        to_record(page)
        press(page, "Write the record")
        page.evaluate(
            "async () => { for (let n = 0; n < 4; n += 1) {"
            " history.back(); await new Promise((done) => setTimeout(done, 20)); } }"
        )
        expect(page.locator("main.home")).to_be_visible()
        expect(page.locator("main.home")).to_contain_text("was left open")
        press(page, "Throw away")


def test_a_browser_that_keeps_nothing_says_so_and_still_files(phone: Phone) -> None:
    phone.context.add_init_script("Object.defineProperty(window, 'indexedDB', { value: undefined })")
    page = phone.enrolled()
    expect(page.locator(".notice.warning")).to_have_text(
        "This phone keeps nothing. Write the record on paper."
    )
    to_record(page)
    to_summary(page)
    file(page)
    expect(page.locator("main.sent .entry")).to_have_text("V-000001")


def test_a_record_that_can_not_be_read_is_said_and_left_where_it_is(phone: Phone) -> None:
    page = phone.open()
    choose_library(page)
    to_record(page)
    page.get_by_role("button", name="Put away, keep the record").click()
    expect(page.locator("main.home")).to_be_visible()
    page.evaluate(
        """async () => {
          const open = indexedDB.open("front");
          const db = await new Promise((done) => { open.onsuccess = () => done(open.result); });
          const store = db.transaction("rows", "readwrite").objectStore("rows");
          const all = store.getAll();
          const rows = await new Promise((done) => { all.onsuccess = () => done(all.result); });
          const draft = rows.find((row) => row.kind === "draft");
          new Uint8Array(draft.data)[0] ^= 1;
          const put = store.put(draft);
          await new Promise((done) => { put.onsuccess = done; });
          db.close();
        }"""
    )
    page.reload()
    expect(page.locator(".notice.warning")).to_contain_text("A record on this phone can't be read any more.")
    assert [row["kind"] for row in stored_rows(page)].count("draft") == 1


def test_a_policy_that_is_broken_would_be_counted(phone: Phone) -> None:
    page = phone.open()
    page.evaluate("document.body.setAttribute('style', 'color: red')")
    page.evaluate(
        "() => { try { document.body.innerHTML = '<p>x</p>'; } catch { /* refused, and counted */ } }"
    )
    page.evaluate("new Image().src = 'https://elsewhere.invalid/x.png'")
    page.wait_for_timeout(200)
    broken = {fault.split(" ")[1] for fault in phone.faults if fault.startswith("CSP ")}
    assert broken == {"style-src-attr", "require-trusted-types-for", "img-src"}
    assert phone.foreign == ["https://elsewhere.invalid/x.png"]  # asked for, and not let out
    phone.faults.clear()
    phone.foreign.clear()
