"""Write docs/reference/cli.md from the command line itself; with ``--check``, exit 1 where it has drifted."""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from doorward.cli.main import app

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "cli.md"
HEAD = """\
# Command line

<!-- Generated from the command line by `make docs`; edits here are lost. -->

Exit codes of every command: 0 yes or done, 1 no (refused, or a check failed), 2 wrong usage or settings,
3 could not tell (a file or server did not answer). A script must never read 3 as 1.
"""


def page() -> str:
    """Return the page's text."""
    return "\n".join([HEAD, *section(typer.main.get_command(app), "doorward", None)]).rstrip() + "\n"


def section(command: Any, path: str, parent: Any) -> Iterator[str]:  # typer's command types are private
    """Yield the lines of one command, then those of its subcommands; hidden ones are left out."""
    context = command.context_class(command, info_name=path.rsplit(" ", 1)[-1], parent=parent)
    if parent is not None:
        yield from (f"## `{path}`", "")
    yield from (inspect.cleandoc(command.help or "").replace("\b\n", ""), "")
    yield from ("```", " ".join([path, *command.collect_usage_pieces(context)]), "```", "")
    records = [record for parameter in command.params if (record := parameter.get_help_record(context))]
    if records:
        yield from ("| | |", "|---|---|")
        yield from (f"| `{cell(names)}` | {cell(text)} |" for names, text in records)
        yield ""
    children = getattr(command, "commands", {})
    for name in children:
        if not children[name].hidden:
            yield from section(children[name], f"{path} {name}", context)


def cell(text: str) -> str:
    """Return text for one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit(f"{PAGE.name} has drifted from the command line: run `make docs` and look at the difference")
