"""A map file: how the columns of one's own log are read, in TOML; loaded strictly, and written by `audit detect`. Pure.

::

    log = "plate-reader"              # kind of log, as `[log.X]` of the order's reasons.toml
    owner = "example-pd"              # whose log it is
    timezone = "America/Chicago"      # of times that name none
    account-kind = "name"             # id | name
    columns = ["When", "Why", "Who"]  # only for a file without a header: its columns in order

    [constant]
    searcher = "Example PD"           # a cell that is the same in every row

    [column."When"]
    cell = "at"
    parser = "time"                   # text uuid time date clock count time-frame
    form = "%d.%m.%Y %H:%M"           # a form of times that doorward does not know
    [column."Why"]
    cell = "reason"
    masked = ["n/a"]                  # whole cells that stand for a mask here
    withheld = ["Sec. 12"]            # whole cells that cite an exemption here
"""

import json
import re
from typing import Final

from doorward.errors import ConfigError, PolicyCheckError
from doorward.lookback.cells import BY_NAME
from doorward.lookback.reading.forms import check_zone
from doorward.lookback.reading.layouts import PARSERS, Layout, Mapping, Use, fold
from doorward.orders.toml import Toml

KINDS: Final = ("id", "name")
_TOP = ("log", "owner", "timezone", "account-kind", "columns", "constant", "column")
_COLUMN = ("cell", "parser", "timezone", "form", "masked", "withheld")
_OF_TYPE: Final = {"BIGINT": ("count",), "TIMESTAMP": ("time", "date", "clock", "time-frame")}
_LOG = re.compile(r"[a-z][a-z0-9-]*")


def parse_map(file: str, text: str) -> Layout:
    """Return the layout of a map file.

    Args:
        file: Its name, for messages.
        text: Its whole text; trusted with nothing.

    Raises:
        PolicyCheckError: It has faults; every one is named with its line.
    """
    toml = Toml(file, text)
    toml.refuse_others(_TOP)
    log = toml.get(str, "log")
    if log and not _LOG.fullmatch(log):
        toml.note("`log` must be a word such as `plate-reader`", "log")
    kind = toml.get(str, "account-kind", default="name")
    if kind not in KINDS:
        toml.note("`account-kind` must be `id` or `name`", "account-kind")
    zone = _zone(toml, "timezone") or "UTC"
    owner = toml.get(str, "owner", default="") if "owner" in toml.data else ""
    positions = _texts(toml, "columns")
    constants = _constants(toml)
    columns = _columns(toml, positions)
    _check_cells(toml, columns, constants)
    if toml.findings:
        first = toml.findings[0]
        more = f" (and {len(toml.findings) - 1} more)" if len(toml.findings) > 1 else ""
        raise PolicyCheckError(f"{first}{more}", findings=toml.findings, hint=first.hint)
    return Layout(
        file, "a map file", log, kind, zone, ("at",), columns, constants, owner, tuple(positions), exact=True
    )  # fmt: skip


def _zone(toml: Toml, *path: str) -> str:
    at = toml.data
    for name in path[:-1]:
        at = at[name]
    if path[-1] not in at:
        return ""
    zone = toml.get(str, *path)
    try:
        return check_zone(zone, f"`{'.'.join(path)}`") if zone else ""
    except ConfigError as error:
        toml.note(str(error), *path, hint=error.hint)
        return ""


def _texts(toml: Toml, *path: str) -> tuple[str, ...]:
    found = toml.get(list, *path, default=[])
    if not all(isinstance(text, str) for text in found):
        toml.note(f"`{'.'.join(path)}` must be a list of texts", *path)
        return ()
    return tuple(found)


def _constants(toml: Toml) -> dict[str, str]:
    if "constant" not in toml.data:
        return {}
    made = {}
    for cell, value in toml.table("constant").items():
        if cell not in BY_NAME or BY_NAME[cell].type != "VARCHAR":
            toml.note(f"`{cell}` is no cell that takes a text", "constant", cell, hint=_cells())
        elif not isinstance(value, str) or not value.strip():
            toml.note(f"`constant.{cell}` must be a text", "constant", cell)
        else:
            made[cell] = value
    return made


def _columns(toml: Toml, positions: tuple[str, ...]) -> dict[str, Use]:
    made: dict[str, Use] = {}
    for name, table in toml.table("column").items():
        path = ("column", name)
        if not isinstance(table, dict):
            toml.note(f"`column.{name}` must be a table", *path)
            continue
        toml.refuse_others(_COLUMN, *path)
        cell = toml.get(str, *path, "cell")
        if cell and cell not in BY_NAME:
            toml.note(f"`{cell}` is no cell", *path, "cell", hint=_cells())
            continue
        parser = toml.get(str, *path, "parser", default=_default(cell))
        _check_parser(toml, path, cell, parser)
        form = toml.get(str, *path, "form", default="") if "form" in table else ""
        if form and (parser != "time" or "%" not in form):
            toml.note("`form` is for times, and written as `%d.%m.%Y %H:%M`", *path, "form")
        if positions and name not in positions:
            toml.note(f"`{name}` is not among `columns`", *path)
        if not fold(name):
            toml.note("the name of a column must have a letter or a digit", *path)
        elif fold(name) in made:
            toml.note(f"two columns are named `{name}`, but for case and punctuation", *path)
        zone, masked, withheld = (
            _zone(toml, *path, "timezone"),
            *(_texts(toml, *path, k) for k in _COLUMN[4:]),
        )
        made[fold(name)] = Use(cell, parser, zone, form, masked, withheld)
    return made


def _default(cell: str) -> str:
    kind = BY_NAME[cell].type if cell in BY_NAME else ""
    return {"BIGINT": "count", "TIMESTAMP": "time"}.get(kind, "text")


def _check_parser(toml: Toml, path: tuple[str, ...], cell: str, parser: str) -> None:
    if parser not in PARSERS:
        toml.note(f"`{parser}` is no parser", *path, "parser", hint=f"one of {', '.join(PARSERS)}")
        return
    allowed = _OF_TYPE.get(BY_NAME[cell].type, ("text", "uuid")) if cell else PARSERS
    if parser not in allowed:
        toml.note(f"`{cell}` is read by {' or '.join(allowed)}, not by {parser}", *path, "parser")
    if parser == "time-frame" and cell != "since":
        toml.note("a time frame feeds `since`, and `until` with it", *path, "cell")


def _check_cells(toml: Toml, columns: dict[str, Use], constants: dict[str, str]) -> None:
    fed: dict[str, list[str]] = {}
    for use in columns.values():
        fed.setdefault(use.cell, []).append(use.parser)
    for cell, parsers in fed.items():
        if len(parsers) > 1 and sorted(parsers) != ["clock", "date"]:
            toml.note(f"two columns feed `{cell}`", "column")
        elif sorted(parsers) in (["clock"], ["date"]):
            toml.note(
                f"`{cell}` needs a column of dates and one of times of day",
                "column",
                hint="`date` and `clock`",
            )
        if cell in constants:
            toml.note(f"`{cell}` has a constant and a column", "constant", cell)
    if "at" not in fed:
        toml.note("no column feeds `at`: when the access was", "column", hint='`cell = "at"`')


def _cells() -> str:
    return f"one of {', '.join(BY_NAME)}"


def format_map(mapping: Mapping, header: tuple[str, ...], owner: str = "") -> str:
    """Return the text of a map file that reads a table as a mapping does; `parse_map` reads it again.

    Args:
        mapping: What is proposed.
        header: Names that stand twice or hold nothing are left out with the columns that are not used.
        owner: Whose log it is, or empty.
    """
    layout = mapping.layout
    lines = [f"log = {_quote(layout.log)}"]
    if owner:
        lines.append(f"owner = {_quote(owner)}")
    lines += [f"timezone = {_quote(layout.timezone)}", f"account-kind = {_quote(layout.account_kind)}"]
    if all(
        re.fullmatch(r"column \d+", name) for name in header
    ):  # it has no header: names were made for them
        lines.append(f"columns = {_listed(header)}")
    if layout.constants:
        lines += ["", "[constant]", *(f"{cell} = {_quote(text)}" for cell, text in layout.constants.items())]
    for column in mapping.columns:
        use = column.use
        lines += ["", f"[column.{_quote(column.name)}]", f"cell = {_quote(use.cell)}"]
        lines.append(f"parser = {_quote(use.parser)}")
        lines += [f"form = {_quote(use.form)}"] if use.form else []
        lines += [f"masked = {_listed(use.masked)}"] if use.masked else []
        lines += [f"withheld = {_listed(use.withheld)}"] if use.withheld else []
    unused = [name for name in mapping.unused if name.strip() in {one.strip() for one in header}]
    lines += (
        ["", *(f"# not used: {json.dumps(name, ensure_ascii=True)}" for name in unused)] if unused else []
    )
    return "\n".join(lines) + "\n"


def _quote(text: str) -> str:
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(char: str) -> str:
    if char in {'"', "\\"}:
        return "\\" + char
    return char if char.isprintable() else f"\\U{ord(char):08x}"


def _listed(texts: tuple[str, ...]) -> str:
    return f"[{', '.join(map(_quote, texts))}]"
