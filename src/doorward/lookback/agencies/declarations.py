"""Written declarations of other agencies, by the days on which they were on file: 625 ILCS 5/2-130(c) and its like.

The file is kept by the office that collects them: `agency, ori, from, until, evidence`, one row a declaration.
`until` is the last day on which it holds, or empty. A row without an ORI is matched by the agency's name as names of
searchers are.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from doorward.errors import ConfigError
from doorward.lookback.agencies.listed import name_key
from doorward.lookback.agencies.match import ListMatcher
from doorward.lookback.agencies.match_file import ORI, raw_cell
from doorward.lookback.agencies.names import AgencyName, parse_agency_name

COLUMNS: Final = ("agency", "ori", "from", "until", "evidence")
MAX_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Declaration:
    """One declaration on file.

    Args:
        ori: Empty where neither the file nor the list tells.
        until: The last day on which it holds; None where it has no end.
        evidence: The number of the paper on file.
        line: Of the file, for messages.
    """

    agency: str
    ori: str
    since: date
    until: date | None
    evidence: str
    line: int

    def holds(self, at: date) -> bool:
        """Return whether it was on file on a day."""
        return self.since <= at and (self.until is None or at <= self.until)


class Declarations:
    """All that are on file.

    Args:
        declarations: Of `load_declarations`; those without an ORI hold for nobody.
    """

    def __init__(self, declarations: Iterable[Declaration]) -> None:
        self.all: tuple[Declaration, ...] = tuple(declarations)
        self._by_ori: dict[str, list[Declaration]] = {}
        self._by_name: dict[object, list[Declaration]] = {}
        for one in self.all:
            key = name_key(parse_agency_name(one.agency))
            if one.ori:
                self._by_ori.setdefault(one.ori, []).append(one)
            elif key is not None:
                self._by_name.setdefault(key, []).append(one)

    @property
    def unmatched(self) -> tuple[Declaration, ...]:
        """Those of which nobody can tell whose they are: to be said in the report, never dropped in silence."""
        named = {id(one) for found in self._by_name.values() for one in found}
        return tuple(one for one in self.all if not one.ori and id(one) not in named)

    def of(self, ori: str, name: AgencyName) -> Sequence[Declaration]:
        """Return the declarations of an agency: by its ORI, and by its name where a declaration has none."""
        by_name = self._by_name.get(name_key(name), []) if name_key(name) else []
        return [*(self._by_ori.get(ori, []) if ori else []), *by_name]

    def known(self, ori: str, name: AgencyName) -> bool | None:
        """Return whether an agency has any; None where nobody knows who it is, or whose some of them are."""
        if self.of(ori, name):
            return True
        return False if (ori or name_key(name)) and not self.unmatched else None


def declared_on(declarations: Declarations | None, ori: str, name: AgencyName, at: date) -> bool | None:
    """Return whether an agency had declared on a day; None where no file is given, or the agency is not known.

    A file that is given is taken for complete, but for rows whose agency nobody knows: where one of them holds on that
    day, an agency without a declaration of its own may be the one.
    """
    if declarations is None or not (ori or name_key(name)):
        return None
    if any(one.holds(at) for one in declarations.of(ori, name)):
        return True
    return None if any(one.holds(at) for one in declarations.unmatched) else False


def parse_declarations(text: str, *, name: str = "declarations.csv") -> tuple[Declaration, ...]:
    """Return the declarations of a file.

    Raises:
        ConfigError: A column is missing, or a row cannot be used; the message names the line.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    found = []
    try:
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise ConfigError(
                f"`{name}` has no column {', '.join(f'`{one}`' for one in missing)}",
                hint=f"its first line is {','.join(COLUMNS)}",
            )
        for row in reader:
            cells = {column: raw_cell((row[column] or "").strip()) for column in COLUMNS}
            if any(cells.values()):
                found.append(_make(cells, f"`{name}` line {reader.line_num}", reader.line_num))
    except csv.Error as error:
        raise ConfigError(f"`{name}` line {reader.line_num} is no CSV") from error
    return tuple(found)


def _make(cells: Mapping[str, str], where: str, line: int) -> Declaration:
    ori = cells["ori"].upper()
    if ori and not ORI.fullmatch(ori):
        raise ConfigError(f"{where}: `{ori[:20]}` is no ORI", hint="two letters and seven letters or digits")
    if not ori and not cells["agency"]:
        raise ConfigError(f"{where}: expected an agency or its ORI")
    if not cells["evidence"]:
        raise ConfigError(f"{where}: expected the number of the paper in `evidence`")
    since, until = _day(cells["from"], where, "from"), None
    if cells["until"]:
        until = _day(cells["until"], where, "until")
        if until < since:
            raise ConfigError(f"{where}: it ends on {until} before it begins on {since}")
    return Declaration(cells["agency"], ori, since, until, cells["evidence"], line)


def _day(text: str, where: str, column: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{where}: expected a day such as 2024-01-31 in `{column}`") from error


def load_declarations(file: Path, matcher: ListMatcher | None = None) -> Declarations:
    """Return the declarations of a file, with the ORIs of the list where the file has none.

    Only an exact match is taken: a declaration opens, and must not open for another agency.

    Raises:
        ConfigError: As `parse_declarations`, or it cannot be read or is too large.
    """
    try:
        if file.stat().st_size > MAX_BYTES:
            raise ConfigError(f"`{file.name}` is larger than {MAX_BYTES} bytes")
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"`{file.name}` cannot be read: expected CSV in UTF-8") from error
    return Declarations(_with_ori(one, matcher) for one in parse_declarations(text, name=file.name))


def _with_ori(one: Declaration, matcher: ListMatcher | None) -> Declaration:
    if one.ori or matcher is None:
        return one
    found = matcher.find(parse_agency_name(one.agency))
    return replace(one, ori=found.listed.ori) if found.listed is not None and found.how == "exact" else one
