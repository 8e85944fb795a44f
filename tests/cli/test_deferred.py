"""A command imports what it needs and no more, and every place of a deferred command holds one."""

import subprocess
import sys
from typing import Any

import pytest
import typer

from doorward.cli.deferred import DeferredGroup
from doorward.cli.main import app

HEAVY = ("duckdb", "psycopg", "jinja2", "doorward.lookback", "doorward.gateway")


def groups(group: Any, path: str) -> list[tuple[str, DeferredGroup]]:
    found = [(path, group)] if isinstance(group, DeferredGroup) else []
    for name, command in getattr(group, "commands", {}).items():
        found += groups(command, f"{path} {name}")
    return found


def test_every_place_holds_a_command_that_says_what_it_does() -> None:
    found = groups(typer.main.get_command(app), "doorward")
    assert {"doorward", "doorward order", "doorward audit", "doorward grant"} <= {path for path, _ in found}
    for path, group in found:
        for name in group.deferred:
            assert group.commands[name].name == name, path
            assert group.commands[name].help, f"{path} {name}"


@pytest.mark.parametrize("arguments", [["decide"], ["nothing"]])
def test_a_command_does_not_import_what_another_needs(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom doorward.cli.main import app\n"
        f"try:\n    app({[*arguments, '--help']!r})\nexcept SystemExit:\n    pass\n"
        f"sys.stderr.write(' '.join(name for name in {HEAVY!r} if name in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert "Usage:" in done.stdout or "No such command" in done.stderr
    assert not set(HEAVY) & set(done.stderr.split())
