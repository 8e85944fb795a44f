"""What the pages say of commands, options, targets and tests exists, and what exists is on a page."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
CLI_PAGE = "docs/reference/cli.md"


def test_the_page_of_the_command_line_has_not_drifted(commands: dict[str, Any]) -> None:
    assert commands
    script = Path(__file__).with_name("cli_page.py")
    done = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_command_and_option_is_on_the_page(commands: dict[str, Any], pages: dict[str, str]) -> None:
    sections = dict(re.findall(r"(?ms)^## `doorward ([a-z -]+)`\n(.*?)(?=^## |\Z)", pages[CLI_PAGE]))
    assert sections.keys() == commands.keys()
    for name, command in commands.items():
        options = [
            option
            for parameter in command.params
            if not getattr(parameter, "hidden", False)  # there to be refused with a sentence
            for option in parameter.opts
            if option.startswith("--")
        ]
        assert [option for option in options if option not in sections[name]] == []


def test_every_command_that_a_page_names_exists(
    commands: dict[str, Any], code_lines: list[tuple[str, str]]
) -> None:
    named = [
        (page, rest)
        for page, line in code_lines
        for rest in re.findall(r"^(?:\$ )?(?:\S*/)?doorward ((?:[a-z]|--)[^#|;&]*)", line)
    ]
    assert named
    wrong = []
    for page, rest in named:
        words = rest.split()
        longest = (" ".join(words[:count]) for count in (3, 2, 1))
        name = next((one for one in longest if one in commands), words[0])
        if name not in commands:
            wrong.append((page, rest))
            continue
        name = "audit run" if name == "audit" else name  # `doorward audit FILE…` is that
        known = {
            option
            for parameter in commands[name].params
            for option in (*parameter.opts, *parameter.secondary_opts)
        }
        options = [word.split("=")[0] for word in words if word.startswith("--")]
        wrong += [(page, f"{name} {option}") for option in options if option not in known | {"--help"}]
    assert wrong == []


def test_every_make_target_that_a_page_names_exists(code_lines: list[tuple[str, str]]) -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", (CHECKOUT / "Makefile").read_text(encoding="utf-8")))
    named = {
        (page, word) for page, line in code_lines for word in re.findall(r"^(?:\$ )?make ([a-z-]+)", line)
    }
    assert named
    assert {(page, word) for page, word in named if word not in targets} == set()


def test_every_test_that_a_page_names_exists(pages: dict[str, str]) -> None:
    named = {
        pair for text in pages.values() for pair in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
    }
    assert named
    missing = []
    for file, test in sorted(named):
        path = CHECKOUT / file
        tree = ast.parse(path.read_text(encoding="utf-8")) if path.exists() else ast.Module([], [])
        functions = {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        if not path.exists() or (test and test not in functions):
            missing.append(f"{file}::{test}")
    assert missing == []


def test_every_relative_link_of_the_pages_at_the_root_leads_to_a_file(pages: dict[str, str]) -> None:
    links = [
        (page, link.split("#")[0])
        for page, text in pages.items()
        if "/" not in page
        for link in re.findall(r"\]\(([^)\s]+)\)", text)
        if not re.match(r"[a-z]+:", link)
    ]
    assert links
    assert [(page, link) for page, link in links if link and not (CHECKOUT / link).exists()] == []


@pytest.mark.parametrize(
    "target", ["install", "up", "test", "test-long", "check", "lint", "fix", "docs", "bench"]
)
def test_the_makefile_has_the_targets_that_people_expect(target: str) -> None:
    assert re.search(rf"^{target}:", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
