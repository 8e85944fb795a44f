"""An extract of a grantee's own ledger as rows of the template, by a map of columns and words. Pure.

It runs at the grantee. Columns that the map does not name are not looked at, and nothing but counts of the map's own
words comes out: the extract itself never goes to the City.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from doorward.errors import ConfigError
from doorward.fund.grantee.cells import Cell, Place, Refusal, Sheet, bounded, column_name
from doorward.fund.grantee.report import COLUMNS, YES_NO
from doorward.orders.fund_units import FundUnits

KEYS: Final = ("service", "detained", "stage")
COUNTS: Final = ("opened", "carried", "closed", "units")
MAX_SUM: Final = 99_999


@dataclass(frozen=True, slots=True)
class LedgerMap:
    """How an extract is read.

    Args:
        columns: The heading of the extract by column of the template.
        words: For a column, the order's word by the extract's word.
        constant: Words that stand in no column.
        counts_rows: Each row is one unit; otherwise ``units`` is a column.
    """

    columns: Mapping[str, str]
    words: Mapping[str, Mapping[str, str]]
    constant: Mapping[str, str]
    counts_rows: bool


def read_map(text: str, units: FundUnits) -> LedgerMap:
    """Return the map.

    Args:
        text: TOML with ``counts_rows``, ``[columns]``, ``[words.service]``, ``[constant]``.
        units: The order's words; each word of the map must lead to one of them.

    Raises:
        ConfigError: It is no such map; the message has no text of it but names of template columns.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError("the map is no TOML", hint=str(error)[:80]) from error
    columns, words, constant = (data.get(key, {}) for key in ("columns", "words", "constant"))
    if set(data) - {"columns", "words", "constant", "counts_rows"} or not all(
        isinstance(one, dict) for one in (columns, words, constant)
    ):
        raise ConfigError("a map has counts_rows, columns, words and constant, and nothing else")
    known = _known(units)
    if set(columns) - {*KEYS, *COUNTS} or not all(isinstance(one, str) for one in columns.values()):
        raise ConfigError(f"`columns` of a map may name {', '.join((*KEYS, *COUNTS))}, each with a heading")
    for key, table in (*words.items(), *((key, {"": word}) for key, word in constant.items())):
        if key not in KEYS or not isinstance(table, dict):
            raise ConfigError(f"`words` and `constant` of a map may name {', '.join(KEYS)}")
        if not all(isinstance(one, str) and one in known[key] for one in table.values()):
            raise ConfigError(
                f"a word for `{key}` is not on the order's list", hint="doorward fund report words"
            )
    if "service" not in {*columns, *constant}:
        raise ConfigError("the map does not say where `service` is")
    return LedgerMap(columns, words, constant, counts_rows=data.get("counts_rows") is True)


def _known(units: FundUnits) -> dict[str, Sequence[str]]:
    return {"service": tuple(units.services), "detained": YES_NO, "stage": tuple(units.stages)}


def map_extract(
    sheet: Sheet, ledger_map: LedgerMap, units: FundUnits
) -> tuple[list[list[str]], tuple[Refusal, ...]]:
    """Return rows of the template, `service` rows by service, detention and stage; or none and what does not fit.

    Args:
        sheet: Of the extract, its headings in the first row.
        ledger_map: How to read it.
        units: The order's words.
    """
    if not sheet.rows:
        return [], (Refusal(Place(sheet.name), "missing"),)
    (number, head), *rows = sheet.rows
    headings = {cell.text.strip(): column for column, cell in head.items()}
    places = {name: headings.get(heading) for name, heading in ledger_map.columns.items()}
    if None in places.values():
        return [], (Refusal(Place(sheet.name, number), "mapping"),)
    at = {name: column for name, column in places.items() if column is not None}
    sums: dict[tuple[str, ...], dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTS, 0))
    found: list[Refusal] = []
    for row, cells in rows:
        key = tuple(_word(name, cells, at, ledger_map, units) for name in KEYS)
        counts = {name: _count(cells.get(at[name], Cell("0"))) for name in COUNTS if name in at}
        wrong = [name for name, word in zip(KEYS, key, strict=True) if word is None]
        wrong += [name for name, value in counts.items() if value is None]
        found += [
            Refusal(Place(sheet.name, row, column_name(at[name]) if name in at else ""), "mapping")
            for name in wrong
        ]
        if not wrong:
            group = sums[tuple(word or "" for word in key)]
            group["units"] += ledger_map.counts_rows
            for name, value in counts.items():
                group[name] += value or 0
    if found or any(value > MAX_SUM for group in sums.values() for value in group.values()):
        return [], bounded(found or [Refusal(Place(sheet.name), "mapping")])
    return [_row(key, group, units) for key, group in sorted(sums.items())], ()


def _word(
    name: str, cells: Mapping[int, Cell], at: Mapping[str, int], ledger_map: LedgerMap, units: FundUnits
) -> str | None:
    if name in ledger_map.constant:
        return ledger_map.constant[name]
    if name not in at:
        return ""
    said = cells.get(at[name], Cell("")).text.strip()
    if not said and name != "service":
        return ""
    word = ledger_map.words.get(name, {}).get(said, said.lower())
    return word if word in _known(units)[name] else None


def _count(cell: Cell) -> int | None:
    text = cell.text.strip() or "0"
    return int(text) if re.fullmatch(r"[0-9]{1,5}", text) and text.isascii() else None


def _row(key: tuple[str, ...], group: Mapping[str, int], units: FundUnits) -> list[str]:
    service = units.services[key[0]]
    counts = {name: str(group[name]) for name in (COUNTS if service.counts == "cases" else COUNTS[3:])}
    said = {"record": "service", **dict(zip(KEYS, key, strict=True)), **counts}
    if not service.detained:
        said["detained"] = ""
    if not service.staged:
        said["stage"] = ""
    return [said.get(name, "") for name in COLUMNS]
