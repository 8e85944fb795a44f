"""What the tests of the documents share: the pages, their code, and the command line that they speak of."""

import importlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import typer

CHECKOUT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"(?ms)^```\w*[^\n]*\n(.*?)^```$")
INLINE = re.compile(r"`([^`\n]+)`")


@pytest.fixture(scope="session")
def pages() -> dict[str, str]:
    """Every page of prose, by its path in the checkout."""
    files = [*sorted(CHECKOUT.glob("*.md")), *sorted((CHECKOUT / "docs").rglob("*.md"))]
    return {file.relative_to(CHECKOUT).as_posix(): file.read_text(encoding="utf-8") for file in files}


@pytest.fixture(scope="session")
def code_lines(pages: dict[str, str]) -> list[tuple[str, str]]:
    """Every line of code as (page, line), from fences and inline code, continuations joined."""
    found = []
    for page, text in pages.items():
        blocks = [code.replace("\\\n", " ") for code in FENCE.findall(text)]
        found += [(page, line) for block in blocks for line in block.splitlines()]
        found += [(page, code) for code in INLINE.findall(FENCE.sub("", text))]
    return found


@pytest.fixture(scope="session")
def commands() -> dict[str, Any]:
    """The commands of the command line that are not hidden, by their full name, groups included."""
    try:
        main = importlib.import_module("doorward.cli.main")
    except ImportError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"the command line cannot be imported yet: {error}")
    return dict(_walk("", typer.main.get_command(main.app)))


def _walk(prefix: str, command: Any) -> list[tuple[str, Any]]:
    children: Mapping[str, Any] = getattr(command, "commands", {})
    found = [(f"{prefix}{name}", child) for name, child in children.items() if not child.hidden]
    return [*found, *(pair for name, child in found for pair in _walk(f"{name} ", child))]
