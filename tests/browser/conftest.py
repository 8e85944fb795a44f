"""A browser, a front desk behind a real socket, and a phone at it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from tests_support.front_desk import Desk, read_clock, running
from tests_support.front_phone import CODE, Phone, Workers
from tests_support.front_sample import make_compiled
from tests_support.front_store import LIBRARY

PHONE: Any = {"width": 390, "height": 844}
# As root, Chromium has no sandbox of its own.
LAUNCH: dict[str, Any] = {"args": ["--no-sandbox"] if os.geteuid() == 0 else []}
expect.set_options(timeout=10_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's executable."""
    found = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("there is no chromium or google-chrome, and CI must have one")
        pytest.skip("there is no chromium or google-chrome")
    return found


@pytest.fixture(scope="module")
def playwright(chromium: str) -> Iterator[Playwright]:
    """Per module: while it runs, this thread has an event loop, and no other test could start one."""
    assert chromium
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def launch() -> dict[str, Any]:
    """What every browser is started with."""
    return LAUNCH


@pytest.fixture(scope="module")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    launched = playwright.chromium.launch(executable_path=chromium, **LAUNCH)
    yield launched
    launched.close()


@pytest.fixture
def desk() -> Iterator[Desk]:
    """The sample city's front desk, with a code for its library."""
    made = Desk(make_compiled())
    made.store.add_code(CODE, LIBRARY, read_clock())
    with running(made):
        yield made


@pytest.fixture
def workers() -> Workers:
    """Whether service workers run: where a test is not about them, they only cost time."""
    return "block"


@pytest.fixture
def phone(browser: Browser, desk: Desk, workers: Workers) -> Iterator[Phone]:
    context = browser.new_context(viewport=PHONE, locale="en-US", has_touch=True, service_workers=workers)
    made = Phone(desk, context, workers)
    yield made
    context.close()
    made.clean()
