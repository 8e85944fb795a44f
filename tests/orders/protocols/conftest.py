"""The protocols of Chicago, as they are and with one text changed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from doorward.errors import Finding
from doorward.orders.load import Pack, load_pack
from doorward.orders.protocols.catalog import catalog_path, mark_reviewed
from doorward.orders.protocols.check import Report, check_protocols
from doorward.orders.protocols.model import Protocols
from doorward.orders.protocols.read import read_protocols
from tests_support.protocols import NOW

FOLDER = "protocols/"


@pytest.fixture(scope="session")
def chicago() -> Pack:
    return load_pack("chicago")


@pytest.fixture(scope="session")
def protocols(chicago: Pack) -> Protocols:
    return read_protocols(chicago.files, chicago.contacts)


@pytest.fixture(scope="session")
def report(chicago: Pack) -> Report:
    return check_protocols(chicago, now=NOW)


@pytest.fixture(scope="session")
def edited(chicago: Pack) -> Callable[..., Pack]:
    """Returns the pack with texts of one file replaced once each; every text must be there."""

    def edit(name: str, *changes: tuple[str, str]) -> Pack:
        text = chicago.files[name]
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        return replace(chicago, files={**chicago.files, name: text})

    return edit


@pytest.fixture(scope="session")
def faults(edited: Callable[..., Pack]) -> Callable[..., list[Finding]]:
    """Returns what the check finds in English with texts of one file replaced."""

    def find(name: str, *changes: tuple[str, str]) -> list[Finding]:
        return list(check_protocols(edited(FOLDER + name, *changes), now=NOW, languages=()).findings)

    return find


@pytest.fixture(scope="session")
def reviewed(chicago: Pack) -> Pack:
    """The pack with every translation reviewed by an office that does not exist."""
    files = dict(chicago.files)
    for language in ("es", "pl", "zh-Hans", "zh-Hant", "ar"):
        path = catalog_path(language)
        files[path], _ = mark_reviewed(
            language, files[path], only=None, who="sample reviewer", on=NOW.date(), path=path
        )
    return replace(chicago, files=files)
