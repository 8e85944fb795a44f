"""One field of a letter as letters.toml describes it: its type, its bounds, a sample. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

from doorward.orders.letter_book import Field, FieldType
from doorward.orders.toml import Toml

MOST: Final[Mapping[FieldType, int]] = {
    FieldType.LINE: 200, FieldType.TEXT: 3_000, FieldType.DATE: 0, FieldType.COUNT: 10**9,
    FieldType.CHOICE: 0, FieldType.LINES: 300, FieldType.ROWS: 300,
}  # fmt: skip
HIGHEST: Final = 10**9  # of a count
LONGEST: Final = 10_000
ITEMS: Final = 60
MOST_ITEMS: Final = 1_000
MAX_COLUMNS: Final = 5
_KEYS: Final = ("type", "says", "required", "most", "items", "choices", "columns", "sample")
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,40}")
# No letter has a field for it, whatever a pack would like (DESIGN.md, law 9).
_NO_FIELD: Final = re.compile(r"status|birth|citizen|nationalit|alien|origin-country|country-of|badge|plate")


def read_field(file: Toml, letter: str, name: str) -> Field:
    """Return one field; faults are noted in the file."""
    at = ("letter", letter, "field", name)
    file.refuse_others(_KEYS, *at)
    if not _NAME.fullmatch(name):
        file.note(f"`{name}` is no name of a field: small letters, digits and hyphens", *at)
    if _NO_FIELD.search(name):
        file.note(
            f"no letter has a field such as `{name}`",
            *at,
            hint="a letter names papers, places and clauses, no attributes of a person",
        )
    word = file.get(str, *at, "type")
    kind = FieldType(word) if word in set(FieldType) else FieldType.LINE
    if word != kind:
        file.note(f"`{word}` is no type", *at, "type", hint=f"one of {', '.join(FieldType)}")
    raw = file.table(*at)
    choices = file.get(dict, *at, "choices", default={})
    columns = file.get(list, *at, "columns", default=[])
    if bool(choices) != (kind is FieldType.CHOICE) or not all(
        isinstance(text, str) for text in choices.values()
    ):
        file.note("`choices` belongs to a choice, each a word and what the letter says", *at)
    if (1 <= len(columns) <= MAX_COLUMNS) != (kind is FieldType.ROWS):
        file.note(f"`columns` belongs to rows, 1 to {MAX_COLUMNS} heads", *at)
    return Field(
        name=name,
        type=kind,
        says=file.get(str, *at, "says"),
        required=file.get(bool, *at, "required", default=True),
        most=_bound(file, at, "most", MOST[kind], HIGHEST if kind is FieldType.COUNT else LONGEST),
        items=_bound(file, at, "items", ITEMS, MOST_ITEMS),
        choices={str(key): str(text) for key, text in choices.items()},
        columns=tuple(map(str, columns)),
        sample=_sample(file, at, raw),
    )


def _bound(file: Toml, at: tuple[str, ...], key: str, default: int, highest: int) -> int:
    value = file.table(*at).get(key, default)
    if (
        not isinstance(value, int)
        or isinstance(value, bool)
        or not (0 < value <= highest or value == default)
    ):
        file.note(f"`{key}` must be a number from 1 to {highest}", *at, key)
        return default
    return value


def _sample(file: Toml, at: tuple[str, ...], raw: Mapping[str, Any]) -> object:
    if "sample" not in raw:
        file.note("a field has a `sample`, which `doorward letter show` writes", *at)
    return raw.get("sample")
