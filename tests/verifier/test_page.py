"""The page that checks a proof, opened from the disk in a real browser: what it says, and that it asks nobody."""

import os
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import as_file, files
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from doorward.notes.note import Signer, format_verifier
from doorward.record.checkpoint import parse_checkpoint
from doorward.record.cosignature import format_key
from doorward.record.witnessing import add_lines
from verifier import test_ml_dsa as ml_dsa
from verifier.attacks import cosignature, cosigner_key
from verifier.logs import KEY_TEXT, exhibit, leaf, log_of

CHROME = which("google-chrome") or which("chromium")
SOURCES = Path(__file__).resolve().parents[2] / "assets/verify"
NO_ED25519 = """
const real = crypto.subtle.importKey.bind(crypto.subtle);
crypto.subtle.importKey = (form, key, how, ...rest) =>
  how === "Ed25519" ? Promise.reject(new DOMException("no", "NotSupportedError")) : real(form, key, how, ...rest);
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROME is None:
        if os.environ.get("CI"):
            pytest.fail("there is no Chromium, and CI must have one")
        pytest.skip("there is no Chromium here")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROME, args=["--no-sandbox"])
        yield found
        found.close()


class Reader:
    """Somebody with the page open from the disk."""

    def __init__(self, browser: Any, address: str, *, width: int = 1000, script: str = "") -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900})
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        if script:
            self.page.add_init_script(script)
        self.page.goto(address)

    def give(self, raw: bytes, *, key: str = KEY_TEXT, leaf: bytes = b"", witnesses: str = "") -> None:
        """Choose a file and ask; `said` waits for the answer."""
        self.page.get_by_label("The proof").set_input_files(
            {"name": "proof", "mimeType": "application/octet-stream", "buffer": raw}
        )
        self.page.get_by_label("The log’s key").fill(key)  # noqa: RUF001  # as the page has it
        if leaf or witnesses:
            if not self.page.get_by_label("The entry, in hex").is_visible():
                self.page.get_by_text("A plain proof, or witnesses").click()
            self.page.get_by_label("The entry, in hex").fill(leaf.hex())
            self.page.get_by_label("Keys of witnesses").fill(witnesses)
        self.page.evaluate("document.getElementById('result').hidden = true")
        self.page.get_by_role("button", name="Check").click()

    def said(self) -> tuple[str, str]:
        self.page.locator("#result:not([hidden])").wait_for()
        return self.page.locator("#verdict").inner_text(), self.page.locator("#reasons").inner_text()

    def asks(self, raw: bytes, **given: Any) -> tuple[str, str]:
        self.give(raw, **given)
        return self.said()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with as_file(files("doorward.verifier") / "verify.html") as file:
        yield file.as_uri()


@pytest.fixture(scope="module")
def reader(browser: Any, address: str) -> Iterator[Reader]:
    found = Reader(browser, address)
    yield found
    found.context.close()
    assert found.complaints == []
    assert set(found.asked) == {address}


def test_it_is_made_from_these_parts() -> None:
    page = (files("doorward.verifier") / "verify.html").read_text(encoding="utf-8")
    parts = ("page.html", "page.css", "page.js", "package-lock.json")
    made_from = sha256(b"".join((SOURCES / name).read_bytes() for name in parts)).hexdigest()
    assert f"<!-- {made_from} -->" in page, "run assets/verify/build"
    script = page.partition('<script type="module">')[2].rpartition("</script>")[0]
    digest = b64encode(sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", page)


def test_an_exhibit_holds_and_what_it_shows_is_read(reader: Reader) -> None:
    verdict, reasons = reader.asks(exhibit())
    assert verdict == "It holds."
    assert "The log doorward.example/test signed that it has 300 leaves." in reasons
    assert "The entry is leaf 77 of them" in reasons
    assert "12 digests stand for what is not shown" in reasons
    rows = reader.page.locator("#rows tr").all_inner_texts()
    assert rows[2] == "text\tSELECT 1"
    assert rows[3] == "time\t2030-03-17 17:46:40.000 UTC (1900000000000000)"


def test_a_plain_proof_holds_with_its_entry(reader: Reader) -> None:
    proof = log_of(700).proof(300)
    assert reader.asks(proof, leaf=leaf(300))[0] == "It holds."
    assert not reader.page.locator("#fields").is_visible()
    verdict, reasons = reader.asks(proof, leaf=leaf(301))
    assert verdict == "It does not hold."
    assert reasons == "The entry is not in the log at the place that is named."


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b64encode(b"SELECT 1").decode(), b64encode(b"SELECT 2").decode(), "not in the log"),
        ("right", "left", "not in the log"),
        ("field text", "field aaaa", "at another place"),
        ("digest ", "digest  ", "other parts"),
        ("schema 1", "schema 2", "does not know"),
        ("salt ", "salt x", "base64|length"),
        ("schema 1", "schema 1\nschema 1", "another order"),
    ],
)
def test_what_was_changed_in_an_exhibit_is_said(reader: Reader, old: str, new: str, why: str) -> None:
    verdict, reasons = reader.asks(exhibit(change=lambda head: head.replace(old, new, 1)))
    assert verdict == "It does not hold."
    assert re.search(why, reasons), reasons


def test_bytes_that_were_changed_without_a_new_sum_are_said(reader: Reader) -> None:
    raw = bytearray(exhibit())
    raw[-9] ^= 1
    assert "its sum is another" in reader.asks(bytes(raw))[1]


def test_another_key_and_another_log_are_said_and_a_mistyped_key_is_no_verdict(reader: Reader) -> None:
    other = format_verifier(Signer.make("doorward.example/test", bytes(31) + b"x").verifier)
    assert reader.asks(exhibit(), key=other) == (
        "It does not hold.",
        "doorward.example/test did not sign the checkpoint with this key.",
    )
    lookalike = format_verifier(
        Signer.make("d\N{CYRILLIC SMALL LETTER O}orward.example/test", bytes(32)).verifier
    )
    assert "the key of d\\u{43e}orward.example/test" in reader.asks(exhibit(), key=lookalike)[1]
    for key in ("", "nonsense", KEY_TEXT[:-3] + "abc"):
        assert reader.asks(exhibit(), key=key)[0] == "Nothing was checked."


@pytest.mark.parametrize(
    "raw", [b"", b"\xff" * 99, b"c2sp.org/tlog-proof@v1\n", b"doorward-exhibit@v1\nsum "]
)
def test_anything_else_is_no_proof(reader: Reader, raw: bytes) -> None:
    assert reader.asks(raw, leaf=b"x")[0] == "It does not hold."


def test_a_cosignature_of_ml_dsa_is_said_not_to_be_checked_and_counts_for_nothing(reader: Reader) -> None:
    log, signer = log_of(300), ml_dsa.cosigner(1)
    raw = log.files["checkpoint"]
    log.files["checkpoint"] = add_lines(raw, [signer.cosign(parse_checkpoint(raw), 1_900_000_000)])
    proof = log.proof(3)
    given: dict[str, Any] = {"leaf": leaf(3), "witnesses": format_key(signer.key)}
    verdict, reasons = reader.asks(proof, **given)
    assert verdict == "Nobody can tell."
    assert "The entry is leaf 3 of them" in reasons
    assert "Whether witness.example/w1 signed the same: its line is there, of ML-DSA-44" in reasons
    given["witnesses"] = format_key(ml_dsa.cosigner(2).key)
    verdict, reasons = reader.asks(proof, **given)
    assert (verdict, "did not sign the checkpoint" in reasons) == ("It does not hold.", True)
    verdict, reasons = reader.asks(proof, leaf=leaf(3), witnesses="")
    assert verdict == "It holds."
    assert "1 of them are as long as a cosignature of ML-DSA-44, which this page does not check." in reasons


def test_a_witness_is_asked_for_and_its_time_is_said(reader: Reader) -> None:
    witness = Signer.make("witness.example/w", b"w" * 32)
    proof = log_of(20).proof(3)
    text = proof.split(b"\n\n")[1] + b"\n"
    given: dict[str, Any] = {"leaf": leaf(3), "witnesses": cosigner_key(witness)}
    verdict, reasons = reader.asks(proof + cosignature(text), **given)
    assert verdict == "It holds."
    assert "witness.example/w signed the same, at 2030-03-17 17:46:40 UTC." in reasons
    assert reader.asks(proof, **given)[0] == "It does not hold."
    assert "does not hold" in reader.asks(proof + cosignature(text, said=5), **given)[1]
    verdict, reasons = reader.asks(proof + cosignature(text), leaf=leaf(3))
    assert verdict == "It holds."
    assert "1 more signatures are of keys that were not given here" in reasons


def test_a_browser_without_ed25519_comes_to_the_same(browser: Any, address: str) -> None:
    reader = Reader(browser, address, script=NO_ED25519)
    proof = log_of(20).proof(3)
    assert reader.asks(proof, leaf=leaf(3))[0] == "It holds."
    line = proof.rsplit(b" ", 1)[1].strip()
    signature = bytearray(b64decode(line))
    signature[40] ^= 1
    changed = proof.replace(line, b64encode(signature))
    assert reader.asks(changed, leaf=leaf(3)) == (
        "It does not hold.",
        "The signature of doorward.example/test does not hold.",
    )
    reader.context.close()
    assert reader.complaints == []


def test_a_file_is_dropped_and_a_value_cannot_be_markup(reader: Reader) -> None:
    reader.page.get_by_label("The log’s key").fill(KEY_TEXT)  # noqa: RUF001  # as the page has it
    reader.page.evaluate("document.getElementById('result').hidden = true")
    reader.page.evaluate(
        """raw => {
          const files = new DataTransfer();
          const bytes = Uint8Array.from(atob(raw), sign => sign.charCodeAt(0));
          files.items.add(new File([bytes], "<b>exhibit</b>"));
          document.dispatchEvent(new DragEvent("drop", { dataTransfer: files, cancelable: true }));
        }""",
        b64encode(exhibit()).decode(),
    )
    assert reader.said()[0] == "It holds."
    assert reader.page.locator("#file-hint").inner_text() == "Dropped: <b>exhibit</b>"


def test_by_keyboard_alone_on_a_phone_and_axe_finds_nothing(browser: Any, address: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    reader = Reader(browser, address, width=340)
    page = reader.page
    page.get_by_label("The proof").set_input_files({"name": "p", "mimeType": "a/b", "buffer": exhibit()})
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "key"
    page.keyboard.type(KEY_TEXT)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # opens what is below
    page.get_by_label("The entry, in hex").wait_for()
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert reader.said()[0] == "It holds."
    assert page.evaluate("document.activeElement.id") == "result"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(page)
    assert [one["id"] for one in found.response["violations"]] == []
    if os.environ.get("DOORWARD_SCREENSHOTS"):
        page.screenshot(path=Path(os.environ["DOORWARD_SCREENSHOTS"]) / "verify-phone.png", full_page=True)
    reader.context.close()
    assert reader.complaints == []
