"""Which layout a table of texts has: by the names of its columns and what sampled cells look like. Pure.

Never by the place of a column. A layout is chosen by how many columns it explains, then by how few of its own are
missing; a column whose cells are not of its kind is refused with what was expected and what came. What is decided here
is a `Mapping`: which column feeds which cell, and how it is read.
"""

import re
import tomllib
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Final

from doorward.errors import ConfigError
from doorward.lookback.cells import BY_NAME
from doorward.lookback.reading import forms

MIN_EXPLAINED: Final = 3  # fewer columns than these make no layout
MIN_FIT, MIN_FIT_OF_FEW, FEW = 0.9, 0.5, 30  # of the sampled cells of a typed column
SAMPLE: Final = 2000
PARSERS: Final = ("text", *forms.PATTERNS)
DETECT_HINT: Final = "`doorward audit detect FILE` proposes a map file for it"
_FOLD = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Use:
    """How one column is read.

    Args:
        cell: The cell that it feeds; empty for a column that is known and not used.
        parser: One of `PARSERS`.
        timezone: Of times that name none; empty for the table's.
        form: A form of times of the user's own, as `strptime` writes it.
        masked: Whole cells that stand for a mask in this column, besides the usual ones.
        withheld: Whole cells that cite an exemption, likewise.
    """

    cell: str
    parser: str = "text"
    timezone: str = ""
    form: str = ""
    masked: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """One way in which logs are written.

    Args:
        columns: How each column is read, by its folded name.
        needs: Cells without which a table is not of this layout.
        constants: Cells that are the same in every row, such as the searcher of an agency's own log.
        positions: Names for the columns of a file without a header, in order.
        by_reader: Only a reader of ours names it: no file is taken for it by its columns.
    """

    name: str
    says: str
    log: str
    account_kind: str
    timezone: str
    needs: tuple[str, ...]
    columns: MappingOf[str, Use]
    constants: MappingOf[str, str] = field(default_factory=dict)
    owner: str = ""
    positions: tuple[str, ...] = ()
    exact: bool = False
    by_reader: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, bound to a cell.

    Args:
        number: Of `c0` ... `cN`.
        name: As written.
        form: Of most of its times; see `find_time_form`.
        zone: Likewise.
    """

    number: int
    name: str
    use: Use
    form: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Mapping:
    """A layout bound to one table."""

    layout: Layout
    columns: tuple[Column, ...]
    unused: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def feeding(self, cell: str) -> tuple[Column, ...]:
        """Return the columns of a cell, in their order; a time may be split over two."""
        return tuple(column for column in self.columns if column.use.cell == cell)


def fold(name: str) -> str:
    """Return a name of a column without case, spaces, punctuation and byte order mark."""
    return _FOLD.sub("", name.casefold().replace("\ufeff", "")) or ("#" if name.strip() == "#" else "")


@cache
def load_layouts() -> tuple[int, tuple[Layout, ...]]:
    """Return the version of the shipped layouts, and the layouts in the order of their file."""
    data = tomllib.loads((files("doorward.lookback") / "layouts.toml").read_text(encoding="utf-8"))
    made = []
    for name, table in data["layout"].items():
        columns = {}
        for column, written in table["columns"].items():
            cell, _, parser = written.partition(":")
            columns[fold(column)] = Use("" if cell == "-" else cell, parser or "text")
        needs = tuple(table["needs"])
        kind, zone = table["account-kind"], table["timezone"]
        by_reader = table.get("by-reader", False)
        made.append(
            Layout(name, table["says"], table["log"], kind, zone, needs, columns, by_reader=by_reader)
        )
    return int(data["version"]), tuple(made)


@cache
def known_labels() -> frozenset[str]:
    """Return the folded names of all columns that some layout knows."""
    return frozenset(name for layout in load_layouts()[1] if not layout.by_reader for name in layout.columns)


def find_mapping(
    header: Sequence[str],
    samples: Sequence[Sequence[str | None]],
    where: str,
    *,
    own: Layout | None = None,
    only: str = "",
    timezone: str = "",
) -> Mapping:
    """Return how a table is read.

    Args:
        header: The names of its columns as written.
        samples: Some of its rows.
        where: The file, for messages.
        own: The layout of a map file; no other is looked at.
        only: The name of a layout that the form of the file leaves no choice about.
        timezone: Of times that name none, instead of the layout's.

    Raises:
        ConfigError: No layout explains the columns, two do equally and differ, or cells are not of their kind.
    """
    if own is not None:
        return _bind(own, header, samples, where, timezone)
    layouts = [one for one in load_layouts()[1] if (one.name == only if only else not one.by_reader)]
    if not layouts:
        raise ConfigError(f"{where}: there is no layout `{only}`")
    ranked = sorted(
        (rank, number) for number, layout in enumerate(layouts) if (rank := _rank(layout, header))
    )
    faults: list[ConfigError] = []
    best: tuple[tuple[int, int], Mapping] | None = None
    for rank, number in ranked:
        if best is not None and rank > best[0]:
            break
        try:
            bound = _bind(layouts[number], header, samples, where, timezone)
        except ConfigError as fault:
            faults.append(fault)
            continue
        if best is not None and not _same(best[1], bound):
            raise ConfigError(
                f"{where}: the columns are those of `{best[1].layout.name}` and of `{bound.layout.name}` alike",
                hint=DETECT_HINT,
            )
        best = best or (rank, bound)
    if best is not None:
        return best[1]
    if faults:
        raise faults[0]
    seen = sum(1 for name in header if fold(name) in known_labels())
    raise ConfigError(
        f"{where}: no layout explains its {len(header)} columns; {seen} have names that a layout knows",
        hint=DETECT_HINT,
    )


def _rank(layout: Layout, header: Sequence[str]) -> tuple[int, int] | None:
    """Return what to sort by, best first: columns explained, then columns missing; None where it is not this one."""
    names = {fold(name) for name in header}
    uses = [layout.columns[name] for name in names if name in layout.columns]
    cells = {use.cell for use in uses if use.cell}
    if len(cells) < MIN_EXPLAINED or any(need not in cells for need in layout.needs):
        return None
    if len({use.parser for use in uses if use.cell == "at"} & {"date", "clock"}) == 1:
        return None  # half of a split time
    all_cells = {use.cell for use in layout.columns.values() if use.cell}
    return -len(uses), len(all_cells - cells)


def _same(one: Mapping, other: Mapping) -> bool:
    return (
        [(c.number, c.use.cell, c.use.parser) for c in one.columns]
        == [(c.number, c.use.cell, c.use.parser) for c in other.columns]
        and (one.layout.log, one.layout.account_kind, one.layout.timezone)
        == (other.layout.log, other.layout.account_kind, other.layout.timezone)
    )  # fmt: skip


def _bind(
    layout: Layout, header: Sequence[str], samples: Sequence[Sequence[str | None]], where: str, timezone: str
) -> Mapping:
    columns: list[Column] = []
    unused: list[str] = []
    notes: list[str] = []
    taken: set[tuple[str, str]] = set()
    for number, name in enumerate(header):
        use = layout.columns.get(fold(name))
        if use is None or not use.cell:
            unused.append(name.strip() or f"(column {number + 1}, without a name)")
            continue
        part = (use.cell, use.parser if use.parser in {"date", "clock"} else "")
        if part in taken:
            unused.append(name.strip())
            notes.append(f"two columns could be `{use.cell}`; `{name.strip()}` is the second and is not used")
            continue
        taken.add(part)
        cells = [
            text for row in samples if number < len(row) and (text := row[number]) and not _hidden(use, text)
        ]
        _check_kind(use, name, cells, where)
        zone = timezone or use.timezone or layout.timezone
        form, written = ("", "")
        if use.parser == "time":
            form, written = forms.find_time_form(cells[:500], use.form)
        elif use.parser == "time-frame":
            form, written = forms.find_time_form([_first_time(text) for text in cells[:500]])
        settled = Use(use.cell, use.parser, zone, use.form, use.masked, use.withheld)
        columns.append(Column(number, name.strip(), settled, form, written))
    columns = _join_split(columns, samples)
    _check_missing(layout, header, columns, where)
    return Mapping(layout, tuple(columns), tuple(unused), tuple(notes))


def _join_split(columns: list[Column], samples: Sequence[Sequence[str | None]]) -> list[Column]:
    """Return the columns, where a time is split the date's with the form of both together."""
    date = next((column for column in columns if column.use.parser == "date"), None)
    clock = next((column for column in columns if column.use.parser == "clock"), None)
    if date is None or clock is None:
        return columns
    width = max(date.number, clock.number)
    both = [(row[date.number], row[clock.number]) for row in samples[:500] if len(row) > width]
    form, zone = forms.find_time_form(f"{day.strip()} {hour.strip()}" for day, hour in both if day and hour)
    return [replace(column, form=form, zone=zone) if column is date else column for column in columns]


def _hidden(use: Use, text: str) -> bool:
    return forms.is_hidden(text) or text.strip() in use.masked or text.strip() in use.withheld


def _first_time(text: str) -> str:
    return re.split(r"\s-|\sto\b|\n|\u2013", text, maxsplit=1)[0].rstrip(" -\u2013")


def _check_kind(use: Use, name: str, cells: Sequence[str], where: str) -> None:
    if use.parser == "text" or not cells:
        return
    if use.form:
        bad = [text for text in cells if not forms.find_time_form([text], use.form)[0]]
    else:
        bad = [text for text in cells if not forms.fits(use.parser, text)]
    if len(bad) > (1 - (MIN_FIT if len(cells) >= FEW else MIN_FIT_OF_FEW)) * len(cells):
        raise ConfigError(
            f"{where}: column `{name.strip()[:60]}` must hold {forms.EXPECTED[use.parser]};"
            f" {len(bad)} of {len(cells)} sampled cells do not, they look like `{forms.mask_shape(bad[0])}`",
            hint=DETECT_HINT,
        )


def _check_missing(layout: Layout, header: Sequence[str], columns: Sequence[Column], where: str) -> None:
    if layout.exact:
        names = {fold(name) for name in header}
        missing = [name for name in layout.columns if name not in names]
        if missing:
            raise ConfigError(f"{where}: the map file names a column `{missing[0]}` that it does not have")
    fed = {column.use.cell for column in columns} | set(layout.constants)
    for need in layout.needs:
        if need not in fed:
            raise ConfigError(f"{where}: no column feeds `{need}`: {BY_NAME[need].says}", hint=DETECT_HINT)
