"""Write the pages on layouts and vocabularies from what is shipped; with ``--check``, exit 1 where one has drifted."""

import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from doorward.lookback.cells import CELLS
from doorward.lookback.reading.layouts import PARSERS

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
LAYOUTS = """\
# Layouts and map files

<!-- Generated from lookback/layouts.toml and the cells by `make docs`; edits here are lost. -->

A layout says which column of a log feeds which cell. It is found by the names of the columns, compared without case,
spaces, punctuation and byte order mark, and by what sampled cells look like; the place of a column says nothing.
`doorward audit detect FILE` says which one a file has. Where none fits, a [map file](#map-file) does the same for one's
own log.

## Cells

Each is a value and a state: value, blank, masked, withheld, not-exported, unreadable
([what they mean](../concepts/looking-back.md)).
"""
MAP = """\
## Map file

A TOML file for `--map`; `doorward audit detect FILE` proposes one. What is not listed here is refused with its line.

| key | what it says |
|---|---|
| `log` | the kind of log, as in the order's [reasons.toml](reasons-toml.md): `plate-reader`, `database` |
| `owner` | whose log it is, where it is one owner's |
| `timezone` | of times that name none, such as `America/Chicago`; `UTC` without it |
| `account-kind` | `id`, or `name` (the default) for a display name; display names are never compared |
| `columns` | only for a file without a header: the names of its columns, in order |
| `[constant]` | a cell of text that is the same in every row: `searcher = "Example PD"` |
| `[column."NAME"]` | one for each column that is read |
| `cell` | the cell that it feeds; one column must feed `at` |
| `parser` | one of {parsers}; without it as the cell's type has it |
| `form` | of times that doorward does not know, as `%d.%m.%Y %H:%M` |
| `timezone` | of this column, where it is another |
| `masked`, `withheld` | whole cells that stand for a mask, or cite an exemption, besides the usual ones |

A column of dates (`date`) and one of times of day (`clock`) may feed one cell. `time-frame` feeds `since`, and `until`
with it. Two other columns of one cell are refused.
"""
WORDS = """\
# Vocabularies

<!-- Generated from orders/vocabulary by `make docs`; edits here are lost. -->

The patterns that orders include by `include = ["NAME"]` in their [reasons.toml](reasons-toml.md). A meaning or an
agency counts where the order has a word for it (`[means]`, `[names]`); tags may be asked for by an agency's own words.
The expressions stand in the file; `doorward audit words "REASON"` shows which of them hit. How right they are, and on
what that was measured: [what words in a log say](../concepts/lexicon.md).
"""


def pages() -> dict[str, str]:
    """Return each page's text by its name."""
    return {
        "audit-layouts.md": "\n".join(layouts()).rstrip() + "\n",
        "vocabularies.md": "\n".join(vocabularies()).rstrip() + "\n",
    }


def layouts() -> Iterator[str]:
    """Yield the lines of the page on layouts."""
    data = tomllib.loads((files("doorward.lookback") / "layouts.toml").read_text(encoding="utf-8"))
    yield LAYOUTS
    yield from ("| cell | type | what it holds |", "|---|---|---|")
    yield from (f"| `{one.name}` | {one.type} | {cell(one.says)} |" for one in CELLS)
    yield from ("", MAP.format(parsers=", ".join(f"`{name}`" for name in PARSERS)))
    yield from (f"## Shipped layouts, version {data['version']}", "")
    for name, layout in data["layout"].items():
        accounts = "ids" if layout["account-kind"] == "id" else "display names"
        yield from (f"### {name}", "", f"{layout['says'][0].upper()}{layout['says'][1:]}.", "")
        needs = ", ".join(f"`{one}`" for one in layout["needs"])
        yield (
            f"Kind of log `{layout['log']}`; accounts are {accounts}; times that name no zone are "
            f"{layout['timezone']}; needs {needs}. Source: {layout['source']}."
        )
        yield from ("", "| column | cell | parser |", "|---|---|---|")
        for column, fed in layout["columns"].items():
            to, _, parser = fed.partition(":")
            used = (f"`{to}`", parser or "text") if to != "-" else ("not used", "")
            yield f"| {cell(column)} | {' | '.join(used)} |"
        yield ""


def vocabularies() -> Iterator[str]:
    """Yield the lines of the page on vocabularies."""
    yield WORDS
    folder = files("doorward.orders") / "vocabulary"
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if not file.name.endswith(".toml"):
            continue
        data = tomllib.loads(file.read_text(encoding="utf-8"))
        yield from (f"## {file.name.removesuffix('.toml')}", "")
        yield f"{len(data['pattern'])} patterns, in the order of precedence."
        yield from (
            "",
            "| pattern | tier | means | for | tags | what it says | source |",
            "|---|---|---|---|---|---|---|",
        )
        for name, pattern in data["pattern"].items():
            yield (
                f"| `{name}` | {pattern['tier']} | {listed(pattern, 'means')} | {listed(pattern, 'agency')} "
                f"| {listed(pattern, 'tags')} | {cell(pattern['says'])} | {cell(pattern['source'])} |"
            )
        yield ""


def listed(table: Mapping[str, Any], key: str) -> str:
    """Return the texts of a key, one or a list, for one cell of a table."""
    found = table.get(key, [])
    return ", ".join(f"`{one}`" for one in ([found] if isinstance(found, str) else found))


def cell(text: str) -> str:
    """Return text for one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    for name, text in pages().items():
        page = REFERENCE / name
        if "--check" not in sys.argv[1:]:
            page.write_text(text, encoding="utf-8")
        elif not page.is_file() or page.read_text(encoding="utf-8") != text:
            sys.exit(f"{name} has drifted from what is shipped: run `make docs` and look at the difference")
