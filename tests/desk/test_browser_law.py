"""The law department in a real browser: a letter written, signed by two and sent; clocks; answers put right."""

import os
from pathlib import Path
from typing import Any

import pytest

from desk.test_browser import Person, address, browser  # noqa: F401  # fixtures of the desk in a browser
from doorward.desk.recorder import WORKER
from doorward.notes.note import Signer, cosign_note, format_verifier, sign_note
from doorward.record.entry import Field
from doorward.record.replay import Block
from doorward.record.segments import SpoolReader
from doorward.record.workers import worker_folder

FINN, NORA = (
    Signer.make(name, bytes([number]) * 32)
    for number, name in enumerate(("law/finn.example", "law/nora.example"), 1)
)
SHOTS = os.environ.get("DOORWARD_SCREENSHOTS")  # a folder, for whoever looks at the pages


def look(person: Person, name: str) -> list[str]:
    """Return what a machine finds wrong with a page, on a phone and at a desk."""
    from axe_playwright_python.sync_playwright import Axe

    found = []
    for size, width, height in (("desk", 1100, 900), ("phone", 360, 740)):
        person.page.set_viewport_size({"width": width, "height": height})
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        if person.page.evaluate(wide):
            found.append(f"{name} on a {size} is too wide")
        found += [f"{name} on a {size}: {one['id']}" for one in Axe().run(person.page).response["violations"]]
        if SHOTS:
            person.page.screenshot(path=f"{SHOTS}/{name}-{size}.png", full_page=True)
    return found


def file_detainer(person: Person) -> str:
    """File a detainer as an officer; return where it is."""
    person.play("omar.example")
    person.go("/new/detainer/")
    page = person.page
    page.get_by_text("That the person is kept, or stopped", exact=True).click()
    page.get_by_label("Which agency asks?").select_option("ICE-ERO")
    page.get_by_role("button", name="See what the order answers").click()
    page.get_by_role("button", name="File it").click()
    page.get_by_text("filed as 20").wait_for()
    return str(page.url.removeprefix(person.address))


@pytest.fixture
def person(browser: Any, address: str, desk: Any) -> Any:  # noqa: F811  # as pytest names fixtures
    keys = "\n".join(format_verifier(one.verifier) for one in (FINN, NORA))
    (desk.folder / "officials.keys").write_text(keys + "\n", encoding="utf-8")
    found = Person(browser, address)
    found.page.set_default_timeout(20_000)
    yield found
    found.context.close()
    assert found.complaints == []


def test_a_detainer_is_filed_and_its_letter_written_signed_by_two_sent_and_in_the_record(
    person: Person, desk: Any, tmp_path: Path
) -> None:
    where, page, faults = file_detainer(person), person.page, []
    person.play("finn.example")
    person.go(where)
    page.get_by_role("link", name="The letter that answers it").click()
    page.get_by_label("To", exact=True).fill("Sample Agency\nSample field office")
    page.get_by_label("Which paper came").select_option("detainer")
    page.get_by_label("The day that the paper bears").fill("2026-11-20")
    faults += look(person, "letter-form")
    page.get_by_role("button", name="Keep it, to be signed").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Release it").wait_for()
    faults += look(person, "letter-page")
    letter = page.url
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Its statement, to be signed").click()
    text = Path(waiting.value.path()).read_bytes()
    pdf = page.request.get(f"{letter}pdf/").body()
    assert pdf.startswith(b"%PDF-1.7")
    page.get_by_label("The signed note").fill(sign_note(text, FINN).decode())
    page.get_by_role("button", name="Hand in my signature").click()
    page.get_by_text("1 of 2 signed").wait_for()
    assert page.get_by_role("heading", name="Send it").count() == 0
    person.play("nora.example")
    person.go("/queue/")
    faults += look(person, "queue")
    page.goto(letter)
    note = tmp_path / "signed.note"
    note.write_bytes(cosign_note(page.request.get(f"{letter}note/").body(), NORA))
    page.get_by_label("Or the file").set_input_files(note)
    page.get_by_role("button", name="Hand in my signature").click()
    page.get_by_text("released: 2 of 2 signed").wait_for()
    faults += look(person, "letter-released")
    page.get_by_text("By post", exact=True).click()
    page.get_by_role("button", name="It is sent", exact=True).dblclick()
    page.get_by_text("sent by post").first.wait_for()
    person.play("omar.example")
    person.go(where)
    assert page.get_by_text("answered", exact=True).is_visible()
    page.get_by_role("link", name="declined-paper").click()
    page.get_by_role("link", name="The letter, PDF").wait_for()
    faults += look(person, "letter-sent")
    blocks = [one for one in SpoolReader(worker_folder(desk.spool, WORKER)).read() if isinstance(one, Block)]
    acts = [entry.get(Field.ACT) for one in blocks for entry in one.entries if entry.get(Field.ACT)]
    assert acts[-5:] == [b"write-letter", b"release", b"release", b"send-letter", b"answer"]
    assert faults == []


def test_a_clock_is_paused_by_keyboard_and_an_answer_put_right_and_determined(person: Person) -> None:
    person.play("omar.example")
    page, faults = person.page, []
    person.go("/new/status/")
    page.get_by_text("Telling an agency about somebody's status", exact=True).click()
    page.get_by_role("button", name="See what the order answers").click()
    page.get_by_role("button", name="File it").click()
    page.get_by_text("filed as 20").wait_for()
    where = page.url
    person.play("finn.example")
    page.goto(where)
    page.get_by_text("How it was counted").click()
    faults += look(person, "matter")
    page.get_by_role("button", name="See what pausing does").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Nothing has happened yet").wait_for()
    faults += look(person, "clock-preview")
    page.get_by_role("button", name="Let it stand still").click()
    page.get_by_text("stands still", exact=True).wait_for()
    page.get_by_role("button", name="See when it is over if it goes on").click()
    page.get_by_role("button", name="Let it go on").click()
    page.get_by_text("counted again").wait_for()
    page.get_by_role("link", name="Put an answer right").click()
    page.get_by_text("Yes, an agency or a person asked", exact=True).click()
    page.get_by_label("Which agency asks?").wait_for()  # the question that this answer asks for
    faults += look(person, "correct")
    page.get_by_role("button", name="See what the order answers").click()
    page.get_by_text("Nothing is changed yet").wait_for()
    faults += look(person, "correct-preview")
    page.get_by_role("button", name="Put it right").click()
    page.get_by_text("put right, and the order was asked again").wait_for()
    page.get_by_role("link", name="Determine", exact=True).click()
    page.get_by_label("What is determined?").fill("the writing is on file")
    page.get_by_label("Until which day?").fill("2027-12-01")
    page.get_by_label("What does it rest on?").fill("memo 2026-9")
    page.get_by_label("Why?").fill("read by counsel")
    page.get_by_role("button", name="Word it").click()
    text = page.get_by_label("The statement").text_content()
    assert text is not None
    faults += look(person, "determine")
    page.get_by_label("The signed note").fill(sign_note(text.encode(), FINN).decode())
    page.get_by_role("button", name="Put it on file").click()
    page.get_by_text("on file and linked").wait_for()
    page.get_by_text("Whoever asked took it back", exact=True).click()
    page.get_by_role("button", name="Close it").click()
    page.get_by_text("is never opened again").wait_for()
    faults += look(person, "matter-closed")
    assert faults == []
