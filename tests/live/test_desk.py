"""The whole as a newcomer meets it: `doorward up`, the desk in it, a detainer, its entry in the record."""

import re
import subprocess
import sys
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

from doorward.notes.note import format_verifier
from doorward.record.keys import make_log_key


class Browser:
    """A browser without scripts, with its cookies."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> str:
        with self.opener.open(self.address + path, timeout=30) as answer:
            return str(answer.read().decode())

    def fetch(self, path: str) -> bytes:
        with self.opener.open(self.address + path, timeout=30) as answer:
            return bytes(answer.read())

    def post(self, path: str, **fields: str) -> str:
        return self.send(path, path, **fields)

    def send(self, page: str, path: str, **fields: str) -> str:
        """Send a form of a page to where it goes."""
        token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', self.get(page))
        assert token is not None
        raw = urlencode({**fields, "csrfmiddlewaretoken": token[1]}).encode()
        headers = {"Origin": self.address, "Referer": self.address + path}
        with self.opener.open(Request(self.address + path, raw, headers), timeout=30) as answer:  # noqa: S310  # http
            return str(answer.read().decode())


def run(*arguments: object) -> tuple[int, str]:
    """Run a command; return its exit code and what it said."""
    command = [sys.executable, "-m", "doorward", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_detainer_is_filed_answered_and_stands_in_the_record(desk_up: tuple[Any, str]) -> None:
    running, address = desk_up
    browser = Browser(address)
    assert "omar.example" in browser.post("/play/", login="omar.example")
    answers = {"of-custody": "hold", "who-asks": "ICE-ERO", "papers": "detainer", "file": "1"}
    page = browser.post("/new/detainer/", **answers)
    assert "nobody is held on an immigration detainer" in page
    assert re.search(r"writer 15, entry \d+", page)
    assert "<title>" in browser.get("/front/")
    command = [sys.executable, "-m", "doorward", "log", "verify", "--data", str(running.folders.data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "everything that was checked holds" in done.stdout


def test_a_letter_leaves_after_two_signed_it_on_their_machines_and_stands_in_the_record(
    desk_up: tuple[Any, str], tmp_path: Path
) -> None:
    running, address = desk_up
    keys = []
    for login in ("finn.example", "nora.example"):
        made = make_log_key(tmp_path / f"{login}.key", origin=f"law/{login}")
        keys.append(format_verifier(made.verifier))
    (running.folders.data / "officials.keys").write_text("\n".join(keys) + "\n", encoding="utf-8")
    (tmp_path / "law.keys").write_text("\n".join(keys) + "\n", encoding="utf-8")
    people = {name: Browser(address) for name in ("omar.example", "finn.example", "nora.example")}
    for name, browser in people.items():
        browser.post("/play/", login=name)
    answers = {"of-custody": "hold", "who-asks": "ICE-ERO", "papers": "detainer", "file": "1"}
    page = people["omar.example"].post("/new/detainer/", **answers)
    matter = re.findall(r"filed as (20\d\d-\d+)", page)[0]
    where = re.findall(rf'href="(/matters/[0-9a-f-]+/)">{matter}<', people["finn.example"].get("/matters/"))[
        0
    ]
    typed = {"to": "Sample Agency", "paper": "detainer", "paper-day": "2026-11-20", "keep": "1"}
    kept = people["finn.example"].post(f"{where}letter/", **typed)
    letter = where + re.findall(r'href="/matters/[^/]+/(letters/[0-9a-f-]+/)pdf/"', kept)[0]
    pdf, note = tmp_path / "letter.pdf", tmp_path / "letter.note"
    for login in ("finn.example", "nora.example"):
        pdf.write_bytes(people[login].fetch(f"{letter}pdf/"))
        note.write_bytes(people[login].fetch(f"{letter}note/"))
        sign = ("letter", "sign", pdf, "--note", note, "--key", tmp_path / f"{login}.key", "--out", note)
        assert run(*sign)[0] == 0
        people[login].send(letter, f"{letter}sign/", note=note.read_text(encoding="utf-8"))
    page = people["nora.example"].send(letter, f"{letter}send/", how="email")
    assert "sent by e-mail" in page
    note.write_bytes(people["omar.example"].fetch(f"{letter}note/"))
    code, out = run("letter", "verify", pdf, "--note", note, "--keys", tmp_path / "law.keys")
    assert (code, f"reference {matter}" in out) == (0, True)
    code, out = run("log", "verify", "--data", running.folders.data)
    assert (code, "everything that was checked holds" in out) == (0, True)
    code, out = run("deadlines", "desk", "--data", running.folders.data)
    assert (code, "0 are late" in out) == (0, True)


def test_the_samples_fund_is_at_the_desk_and_is_what_the_record_says(desk_up: tuple[Any, str]) -> None:
    running, address = desk_up
    browser = Browser(address)
    browser.post("/play/", login="fay.example")
    page = browser.get("/fund/")
    assert "river-legal-example" in page
    code, said = run("fund", "verify", "--data", running.folders.data)
    assert (code, "0 differences from the record" in said) == (0, True), said
    browser.post("/play/", login="irma.example")
    assert "held against the record" in browser.get("/overview/")
