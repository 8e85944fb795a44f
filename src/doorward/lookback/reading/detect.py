"""What a file looks like, before it is audited: its form, its layout, each column with masked shapes, a map file.

Nothing of a value is shown: a sample is its shape, `9999-99-99` or `aaa+ aa`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any, Final

from doorward.errors import ConfigError
from doorward.lookback.cells import BY_NAME
from doorward.lookback.reading import forms
from doorward.lookback.reading.layouts import Column, Layout, Use, find_mapping, fold, load_layouts
from doorward.lookback.reading.layouts import Mapping as Bound
from doorward.lookback.reading.map_file import format_map
from doorward.lookback.reading.opening import Opener, Part, Reader, ReadOptions, find_sources

if TYPE_CHECKING:
    import duckdb

SHAPES: Final = 3
_WORDS: Final = (  # a cell, and parts of a name that point to it; the first that is in the name
    ("at", "searchtime timestamp datetime date when time"),
    ("offense", "offense offence"),
    ("case_no", "casenumber caseno case incident"),
    ("reason", "reason purpose justification why"),
    ("plate", "plate tag"),
    ("searcher", "agency organization orgname department"),
    ("account", "user officer account login"),
    ("networks", "network"),
    ("devices", "device camera cams"),
    ("filters", "filter"),
    ("prompt", "prompt query"),
    ("kind", "type"),
    ("object", "object table"),
    ("command", "command action"),
    ("id", "guid uuid recordid"),
)


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column seems to be.

    Args:
        cell: The cell that it would feed, or empty.
        confidence: The share of sampled cells that have the form of the parser, times 1 for a name of a layout and
            0.5 for a likely one.
        shapes: At most three, masked.
    """

    name: str
    cell: str
    parser: str
    confidence: float
    shapes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Detected:
    """A table of a file.

    Args:
        layout: The name of the shipped layout that reads it; empty for none.
        problem: Why none does.
        map_file: A proposal, as TOML; empty where not even a time was recognised.
    """

    sheet: str
    form: str
    layout: str
    problem: str
    columns: tuple[Guess, ...]
    map_file: str

    def as_json(self) -> dict[str, Any]:
        """Return what a script reads."""
        columns = [asdict(one) for one in self.columns]
        return {
            "sheet": self.sheet, "form": self.form, "layout": self.layout, "problem": self.problem, "columns": columns,
            "map": self.map_file,
        }  # fmt: skip


def detect(
    connection: "duckdb.DuckDBPyConnection",
    path: Path,
    scratch: Path,
    options: ReadOptions | None = None,
    readers: Mapping[str, Reader] | None = None,
) -> list[Detected]:
    """Return what each table of a file looks like.

    Args:
        connection: Of `open_engine`.
        path: Any file.
        scratch: A folder of its own; it is removed.
        options: Of the reading; a map file names the columns of a file without a header.
        readers: As `read_sources` takes them.

    Raises:
        ConfigError: The file cannot be read as a table at all.
    """
    options = options or ReadOptions()
    try:
        ((source, *_), _twice) = find_sources([path])
        scratch.mkdir(parents=True, exist_ok=True)
        opener = Opener(connection, options, readers or {})
        form, looked = opener.look(source, scratch, lambda _count: None)
        parts = opener.parts(form, source, looked, scratch, guess=True)
        return [_detect(form, part, options) for part in parts]
    finally:
        rmtree(scratch, ignore_errors=True)


def _detect(form: str, part: Part, options: ReadOptions) -> Detected:
    header, samples, sheet = part.raw.header, part.samples, part.raw.sheet
    layout, problem = "", ""
    try:
        bound = find_mapping(
            header,
            samples,
            sheet or "the file",
            own=options.layout,
            only=part.raw.layout,
            timezone=options.timezone,
        )
        layout = bound.layout.name
    except ConfigError as error:
        problem = str(error)
        bound = _guess(header, samples, options.timezone or "UTC")
    guesses = tuple(
        _column(bound, number, name, samples, known=bool(layout)) for number, name in enumerate(header)
    )
    proposal = format_map(bound, header) if bound.feeding("at") else ""
    return Detected(sheet, form, layout, problem, guesses, proposal)


def _column(
    bound: Bound, number: int, name: str, samples: Sequence[Sequence[str | None]], *, known: bool
) -> Guess:
    cells = [text for row in samples if number < len(row) and (text := row[number]) and text.strip()]
    shapes: dict[str, int] = {}
    for text in cells:
        shape = forms.mask_shape(text)
        shapes[shape] = shapes.get(shape, 0) + 1
    common = sorted(shapes, key=lambda shape: (-shapes[shape], shape))[:SHAPES]
    column = next((one for one in bound.columns if one.number == number), None)
    if column is None:
        return Guess(name, "", "", 0.0, tuple(common))
    told = [text for text in cells if not forms.is_hidden(text)]
    share = sum(1 for text in told if forms.fits(column.use.parser, text)) / len(told) if told else 1.0
    return Guess(
        name, column.use.cell, column.use.parser, round(share * (1.0 if known else 0.5), 2), tuple(common)
    )  # fmt: skip


def _guess(header: tuple[str, ...], samples: Sequence[Sequence[str | None]], timezone: str) -> Bound:
    """Return a likely reading of columns that no layout knows: by known names, then by parts of them."""
    uses: dict[int, Use] = {}
    taken: set[str] = set()
    known = {
        name: use
        for layout in reversed(load_layouts()[1])
        for name, use in layout.columns.items()
        if use.cell
    }
    folded = [fold(name) for name in header]
    for strict in (True, False):
        for number, name in enumerate(folded):
            if number in uses or not name or folded.count(name) > 1:
                continue
            use = known.get(name) if strict else _likely(name)
            if (
                use is None
                or use.cell in taken
                or use.parser in {"date", "clock"}
                or not _fits(use, number, samples)
            ):
                continue
            uses[number] = use
            taken.add(use.cell)
    columns = tuple(Column(number, header[number].strip(), uses[number]) for number in sorted(uses))
    unused = tuple(name for number, name in enumerate(header) if number not in uses)
    layout = Layout("", "a guess", "plate-reader", "name", timezone, ("at",), {})
    return Bound(layout, columns, unused)


def _likely(name: str) -> Use | None:
    found = (cell for cell, words in _WORDS if any(word in name for word in words.split()))
    return next(map(_use, found), None)


def _use(cell: str) -> Use:
    return Use(cell, {"BIGINT": "count", "TIMESTAMP": "time"}.get(BY_NAME[cell].type, "text"))


def _fits(use: Use, number: int, samples: Sequence[Sequence[str | None]]) -> bool:
    cells = [
        text for row in samples if number < len(row) and (text := row[number]) and not forms.is_hidden(text)
    ]
    return not cells or sum(forms.fits(use.parser, text) for text in cells) >= 0.9 * len(cells)
