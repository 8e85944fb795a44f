"""A certified OpenID provider, `oidc-provider` of npm, as a process, and somebody who goes through it by forms."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import requests

from tests_support.certificates import Authority
from tests_support.ports import free_port

HERE = Path(__file__).parent.parent / "provider"
CLIENT = "doorward-desk"
SECRET = "a secret of tests and of nothing else"  # of a provider that lives for a test
TWO = "urn:example:two-factors"


@dataclass(frozen=True)
class Running:
    """A provider that runs."""

    issuer: str
    root: Path

    def set(self, **state: Any) -> None:
        """Change its people, its clock, its keys; or have it answer nothing."""
        done = requests.post(f"{self.issuer}/test", data=json.dumps(state), verify=str(self.root), timeout=10)
        done.raise_for_status()


def install() -> None:
    """Install what is locked, once; skip where there is no node or nothing can be fetched."""
    missing = shutil.which("node") is None or shutil.which("npm") is None
    if not missing and not (HERE / "node_modules").exists():
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        missing = subprocess.run(command, cwd=HERE, check=False, timeout=300).returncode != 0
    if missing:
        if os.environ.get("CI"):
            pytest.fail("the OpenID provider cannot be installed, and CI must have it")
        pytest.skip("no node, or npm fetches nothing here")


@contextmanager
def running_provider(folder: Path, desk: str) -> Iterator[Running]:
    """Run the provider for a desk at this address."""
    install()
    authority = Authority(folder / "provider", "authority of tests")
    pair = authority.issue("provider", hosts=("localhost",))
    port = free_port()
    errors = folder / "provider.err"
    with errors.open("wb") as sink, subprocess.Popen(
        ["node", "server.js", str(port), str(pair.certificate), str(pair.key), desk],
        cwd=HERE, stdout=subprocess.PIPE, stderr=sink,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", errors.read_text()
        try:
            yield Running(f"https://localhost:{port}", authority.root)
        finally:
            process.terminate()
            process.wait(30)


class Walker:
    """Somebody with cookies and no scripts, at the desk and at the provider."""

    def __init__(self, desk: str, desk_root: Path, provider: Running, folder: Path) -> None:
        self.desk, self.provider = desk, provider
        bundle = folder / "both.crt"
        bundle.write_bytes(desk_root.read_bytes() + provider.root.read_bytes())
        self.session = requests.Session()
        self.session.verify = str(bundle)
        self.session.trust_env = False

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.session.get(path if "://" in path else self.desk + path, timeout=30, **more)

    def post(self, path: str, **form: str) -> requests.Response:
        """Send a form of the desk."""
        token = self.session.cookies.get("__Host-desk-form") or ""
        sent = {"csrfmiddlewaretoken": token, **form}
        headers = {"Referer": self.desk + path}
        return self.session.post(self.desk + path, data=sent, headers=headers, timeout=30)

    def begin(self, *, query: str = "", following: str = "") -> str:
        """Return the provider's address that the desk sends somebody to."""
        self.get("/account/login/")
        page = self.post(f"/account/oidc/city/login/{query}", next=following)
        found = re.search(r'<a class="usa-button" href="([^"]+)"', page.text)
        assert found, (page.status_code, page.text)
        return unescape(found[1])

    def answer(self, way: str, who: str, *, go: str = "yes") -> str:
        """Return the desk's address that the provider sends somebody back to."""
        page = self.get(way)
        done = self.session.post(page.url, data={"who": who, "go": go}, timeout=30, allow_redirects=False)
        while not done.headers["location"].startswith(self.desk):
            done = self.get(done.headers["location"], allow_redirects=False)
        return str(done.headers["location"])

    def sign_in(self, who: str, *, following: str = "") -> requests.Response:
        """Return where somebody ends who signs in by the provider."""
        return self.get(self.answer(self.begin(following=following), who))

    def heading(self, answer: requests.Response) -> str:
        found = re.search(r"<h1>(.*?)</h1>", answer.text)
        return unescape(found[1]) if found else ""
