"""The whole as a newcomer meets it: `doorward up`, the desk in it, a detainer, its entry in the record."""

import re
import subprocess
import sys
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener


class Browser:
    """A browser without scripts, with its cookies."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> str:
        with self.opener.open(self.address + path, timeout=30) as answer:
            return str(answer.read().decode())

    def post(self, path: str, **fields: str) -> str:
        token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', self.get(path))
        assert token is not None
        raw = urlencode({**fields, "csrfmiddlewaretoken": token[1]}).encode()
        headers = {"Origin": self.address, "Referer": self.address + path}
        with self.opener.open(Request(self.address + path, raw, headers), timeout=30) as answer:  # noqa: S310  # http
            return str(answer.read().decode())


def test_a_detainer_is_filed_answered_and_stands_in_the_record(desk_up: tuple[Any, str]) -> None:
    running, address = desk_up
    browser = Browser(address)
    assert "omar.example" in browser.post("/play/", login="omar.example")
    answers = {"of-custody": "hold", "who-asks": "ICE-ERO", "papers": "detainer", "file": "1"}
    page = browser.post("/new/detainer/", **answers)
    assert "nobody is held on an immigration detainer" in page
    assert "writer 15, entry 0" in page
    assert "<title>" in browser.get("/front/")
    command = [sys.executable, "-m", "doorward", "log", "verify", "--data", str(running.folders.data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "everything that was checked holds" in done.stdout
