"""A table of texts as accesses: the SQL that gives each cell its value and its state. Pure.

One pass: texts are parsed, then each cell gets a state, then rows that are no accesses are told apart by their fault.
INVARIANT (nothing is lost): a row of the table has a fault, or stands in the result.
"""

import re
from typing import Final

from doorward.lookback.cells import CELLS, Cell, State
from doorward.lookback.exemptions import CITATION
from doorward.lookback.reading import forms
from doorward.lookback.reading.layouts import Column, Mapping, Use

BLANK, HEADER, SHIFTED = "blank", "header", "shifted"
SHIFTED_SAYS: Final = "shifted: no id, time or number stands where its columns are"
# States are written as an enumeration: a sixth of the time of texts, and the Parquet reads as text all the same.
_ENUM: Final = f"ENUM({', '.join(forms.literal(state) for state in State)})"
_IS: Final = {state: f"{forms.literal(state)}::{_ENUM}" for state in State}
_SPACES: Final = " \t\r\n\u00a0\ufeff"
_FIRST, _LAST = "TIMESTAMP '1990-01-01'", "TIMESTAMP '2100-01-01'"
_TYPED: Final = frozenset({"count", "time", "date", "time-frame"})
_NAME: Final = re.compile(r"\D+")  # of a column: without a digit it is no number and no time
# Whatever stands in place of a value, in one expression: it fails at the first or second sign of nearly every cell.
_HIDDEN: Final = "|".join(
    (
        f"[{_SPACES}]*",
        *(f"(?i:{one.removeprefix('(?i)')})" for one in (forms.MASK, forms.EXEMPTION, CITATION)),
    )
)


def write_accesses(mapping: Mapping, header: tuple[str, ...], table: str, file: int, row: str = "row") -> str:
    """Return the query for the accesses of a table, with the columns of `row_columns()`.

    Args:
        mapping: Of the table.
        header: The names of its columns as written.
        table: What is selected from, as SQL: columns `c0` ... `cN`, `sheet`, `row`.
        file: The number of the source.
        row: SQL of the number of a record: its column, or made from `nth`, which counts the rows of `table` from 1.
    """
    chosen = [f"{file}::INTEGER AS file", "sheet", f"({row})::BIGINT AS row"]
    for cell in CELLS:
        value, state = _result(mapping, cell)
        chosen += [f"{value} AS {cell.name}", f"{state} AS {cell.state}"]
    return (
        f"SELECT {', '.join(chosen)} FROM ({_stated(mapping, header, table)}) AS stated WHERE fault IS NULL"  # noqa: S608  # names of our own, texts quoted
    )


def write_faults(mapping: Mapping, header: tuple[str, ...], table: str, row: str = "row") -> str:
    """Return the query for the rows that are no accesses: `sheet`, `row`, `fault`."""
    stated = _stated(mapping, header, table)
    return f"SELECT sheet, ({row})::BIGINT AS row, fault FROM ({stated}) AS stated WHERE fault IS NOT NULL"  # noqa: S608  # as above


def write_shifted(mapping: Mapping, header: tuple[str, ...], table: str, limit: int) -> str:
    """Return the query for the texts of rows that are shifted: one of them may be the header of another export."""
    columns = ", ".join(f"c{number}" for number in range(len(header)))
    stated = _stated(mapping, header, table)
    return f"SELECT {columns} FROM ({stated}) AS stated WHERE fault = '{SHIFTED}' LIMIT {limit}"  # noqa: S608  # as above


def _result(mapping: Mapping, cell: Cell) -> tuple[str, str]:
    constant = mapping.layout.constants.get(cell.name)
    if constant is not None:
        return f"{forms.literal(constant)}::{cell.type}", _IS[State.VALUE]
    if not _column_of(mapping, cell.name):
        return f"NULL::{cell.type}", _IS[State.NOT_EXPORTED]
    kept = f"CASE WHEN s_{cell.name} = {_IS[State.VALUE]} THEN v_{cell.name} END"
    return kept, f"s_{cell.name}"


def _column_of(mapping: Mapping, cell: str) -> Column | None:
    found = mapping.feeding(cell)
    if not found and cell == "until":
        found = tuple(one for one in mapping.feeding("since") if one.use.parser == "time-frame")
    return next((one for one in found if one.use.parser != "clock"), None)


def _stated(mapping: Mapping, header: tuple[str, ...], table: str) -> str:
    constants = mapping.layout.constants
    cells = [cell for cell in CELLS if _column_of(mapping, cell.name) and cell.name not in constants]
    values = ", ".join(f"{_value(mapping, cell)} AS v_{cell.name}" for cell in cells)
    parsed = f"SELECT *, {values} FROM {table} AS texts"  # noqa: S608  # as above
    states = ", ".join(f"{_state(mapping, cell)} AS s_{cell.name}" for cell in cells)
    stated = f"SELECT *, {states} FROM ({parsed}) AS parsed"  # noqa: S608  # as above
    # A filter is not pushed below a window: without one, every cell would be parsed for the filter and once more.
    return (
        f"SELECT *, {_fault(mapping, header)} AS fault, row_number() OVER () AS nth FROM ({stated}) AS cells"  # noqa: S608  # as above
    )


def _value(mapping: Mapping, cell: Cell) -> str:
    column = _column_of(mapping, cell.name)
    assert column is not None
    text = f"c{column.number}"
    use = column.use
    if use.parser == "count":
        bare = f"replace(trim(regexp_replace({text}, '[.]0+\\s*$', '')), ',', '')"
        return (
            f"CASE WHEN regexp_full_match({text}, '[0-9]{{1,15}}') THEN try_cast({text} AS BIGINT)"
            f" WHEN {forms.full_match(text, forms.COUNT)} THEN try_cast({bare} AS BIGINT) END"
        )
    if use.parser == "time":
        return forms.time_sql(text, column.form, column.zone, use.timezone)
    if use.parser == "date":
        clock = next(one for one in mapping.feeding(cell.name) if one.use.parser == "clock")
        joined = f"(trim({text}) || ' ' || trim(c{clock.number}))"
        return forms.time_sql(joined, column.form, column.zone, use.timezone)
    if use.parser == "time-frame":
        part = 1 if cell.name == "since" else 2
        halves = f"regexp_replace({text}, '\\s*(?:\\s-|\\sto\\b|\\x{{2013}})[\\s\\x{{2013}}-]*', chr(31))"
        half = (  # a line break is the usual one, and cheaper than a pattern
            f"CASE WHEN contains({text}, chr(10)) THEN trim(split_part({text}, chr(10), {part}), ' -\t\r')"
            f" ELSE split_part({halves}, chr(31), {part}) END"
        )
        # Written once, read in ten places: planning what is written out costs more than a small file.
        read = forms.time_sql("half", column.form, column.zone, use.timezone)
        sql = f"list_transform([{half}], lambda half: {read})[1]"
        if (
            column.form and column.zone == "UTC"
        ):  # as the vendor writes it: `... UTC -`, a line break, `... UTC`
            line = f"split_part({text}, chr(10), {part})"
            written = forms.literal(f"{column.form} UTC{' -' if part == 1 else ''}")
            # What stands in a CASE is not computed for every row ahead of it as a common part.
            return f"coalesce(try_strptime({line}, {written}), CASE WHEN {text} IS NOT NULL THEN {sql} END)"
        return sql
    return text


def _state(mapping: Mapping, cell: Cell) -> str:
    column = _column_of(mapping, cell.name)
    assert column is not None
    text, use = f"c{column.number}", column.use
    blank = f"WHEN {_is_blank(text)} THEN {_IS[State.BLANK]}"
    plain = f"WHEN NOT {forms.full_match(text, _HIDDEN)} THEN"
    masked = f"WHEN {forms.full_match(text, forms.MASK)} THEN {_IS[State.MASKED]} ELSE {_IS[State.WITHHELD]}"
    own = ""
    if use.masked:
        own += f" WHEN trim({text}) IN ({_listed(use.masked)}) THEN {_IS[State.MASKED]}"
    if use.withheld:
        own += f" WHEN trim({text}) IN ({_listed(use.withheld)}) THEN {_IS[State.WITHHELD]}"
    if use.parser not in _TYPED:
        first, second = (plain, blank) if not own else (f"{blank}{own} {plain}", "")
        return f"CASE {first} {_IS[State.VALUE]} {second} {masked} END"
    good = f"v_{cell.name} IS NOT NULL"
    if cell.type == "TIMESTAMP":
        good = f"v_{cell.name} >= {_FIRST} AND v_{cell.name} < {_LAST}"
    return (
        f"CASE WHEN {good} THEN {_IS[State.VALUE]} {blank}{own} {plain} {_IS[State.UNREADABLE]} {masked} END"
    )


def _listed(texts: tuple[str, ...]) -> str:
    return ", ".join(forms.literal(text) for text in texts)


def _is_blank(text: str) -> str:
    return f"({text} IS NULL OR trim({text}, {forms.literal(_SPACES)}) = '')"


def _fault(mapping: Mapping, header: tuple[str, ...]) -> str:
    """Return SQL of what is wrong with a row, or NULL.

    A cell with its type in it settles most rows at once: such a row is not blank, not shifted, and says no header where
    the column's name could not be of that type.
    """
    stated = {column.number: column for column in mapping.columns if _is_stated(mapping, column)}
    typed = [column for column in mapping.columns if column.use.parser in {*_TYPED, "uuid"}]
    typed.sort(key=lambda column: column.use.parser == "uuid")  # the dearest one comes last
    numbers = range(len(header))
    settled = [
        f"s_{column.use.cell} = {_IS[State.VALUE]}"
        for column in typed
        if column.number in stated
        and column.use.parser != "uuid"
        and _NAME.fullmatch(_shown(header, column.number))
    ]
    blank = " AND ".join(
        f"s_{stated[number].use.cell} = {_IS[State.BLANK]}" if number in stated else _is_blank(f"c{number}")
        for number in sorted(numbers, key=lambda number: number not in stated)
    )
    named = [number for number in numbers if header[number].strip()]
    again = " AND ".join(_says_header(f"c{number}", _shown(header, number)) for number in named)
    cases = f"WHEN {' OR '.join(settled)} THEN NULL " if settled else ""
    cases += f"WHEN {blank} THEN '{BLANK}' WHEN {again} THEN '{HEADER}'"
    if len(typed) >= 2:
        cases += f" WHEN {' AND '.join(_is_nothing(column) for column in typed)} THEN '{SHIFTED}'"
    return f"CASE {cases} END"


def _is_stated(mapping: Mapping, column: Column) -> bool:
    """Return whether the state of a column's cell tells of this column."""
    return column.use.cell not in mapping.layout.constants and _column_of(mapping, column.use.cell) is column


def _shown(header: tuple[str, ...], number: int) -> str:
    return header[number].replace("\ufeff", "").strip()


def _says_header(text: str, shown: str) -> str:
    return f"lower(trim({text}, {forms.literal(_SPACES)})) = lower({forms.literal(shown)})"


def _is_nothing(column: Column) -> str:
    """Return the condition that a typed cell neither holds its type nor hides it."""
    use: Use = column.use
    if use.parser == "uuid":
        is_id = forms.full_match(f"c{column.number}", forms.UUID)
        told = f"s_{use.cell} IN ({_IS[State.VALUE]}, {_IS[State.BLANK]})"
        return f"({told} AND NOT coalesce({is_id}, false))"
    return f"s_{use.cell} IN ({_IS[State.BLANK]}, {_IS[State.UNREADABLE]})"
