"""The registry of stored fields, and the check that nothing is stored which is not in it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from doorward.errors import Finding
from doorward.orders.toml import Toml

DATA_MAP: Final = "stored.toml"
DOORS: Final = ("database", "request", "facility", "past", "fund", "all")
NEVER: Final = (
    "immigration_status",
    "citizenship",
    "nationality",
    "birthplace",
    "country_of_birth",
    "alien_number",
)
"""Names of fields that the product has in no store of its own (law 9)."""
_KEYS: Final = ("says", "door", "kept", "schedule", "readers", "compelled", "fields")


@dataclass(frozen=True, slots=True)
class StoredField:
    """One field.

    Args:
        store: Where it stands: a file, a folder or a table.
        why: What it is needed for.
        kept: How long, as the product does it.
        schedule: Item of the city's retention schedule, or empty: nobody has named one.
        readers: Who can read it.
        compelled: Who could compel it, words of the map.
    """

    store: str
    name: str
    why: str
    door: str
    kept: str
    schedule: str
    readers: str
    compelled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DataMap:
    """All of them.

    Args:
        compelled: What each word for who could compel it means.
        stores: What each store is, by name.
    """

    compelled: Mapping[str, str]
    stores: Mapping[str, str]
    fields: tuple[StoredField, ...]


def read_data_map(text: str) -> tuple[DataMap | None, list[Finding]]:
    """Return the map, or None and everything that is wrong with it, each with its line and column.

    Args:
        text: Of stored.toml.

    Raises:
        PolicyCheckError: The text is no TOML.
    """
    file = Toml(DATA_MAP, text)
    file.refuse_others(("compelled", "store"))
    words = {word: file.get(str, "compelled", word) for word in file.table("compelled")}
    stores, fields = {}, []
    for store in file.table("store"):
        path = ("store", store)
        file.refuse_others(_KEYS, *path)
        stores[store] = file.get(str, *path, "says")
        door = file.get(str, *path, "door")
        if door not in DOORS:
            file.note(f"`{door[:40]}` is none of {', '.join(DOORS)}", *path, "door")
        compelled = file.get(list, *path, "compelled", default=[])
        if not compelled or not all(isinstance(one, str) and one in words for one in compelled):
            file.note("`compelled` is a list of words of the table `compelled`", *path, "compelled")
            compelled = []
        kept, readers = file.get(str, *path, "kept"), file.get(str, *path, "readers")
        schedule = file.data["store"][store].get("schedule", "")
        if not isinstance(schedule, str):
            file.note("`schedule` must be a text", *path, "schedule")
            schedule = ""
        for name in file.table(*path, "fields"):
            if name in NEVER:
                file.note(f"`{name}` is in no store of the product", *path, "fields", name)
            why = file.get(str, *path, "fields", name)
            fields.append(StoredField(store, name, why, door, kept, schedule, readers, tuple(compelled)))
    return (None if file.findings else DataMap(words, stores, tuple(fields))), file.findings


def check_stored(data_map: DataMap, found: Mapping[str, Iterable[str]]) -> list[str]:
    """Return every difference between what is stored and what the map says, one line each; none where they agree.

    Args:
        found: Names of fields by store, as somebody found them: of a type, a file, a model. Stores of the map that are
            not in it are not looked at.
    """
    said: dict[str, set[str]] = {}
    for one in data_map.fields:
        said.setdefault(one.store, set()).add(one.name)
    lines = []
    for store, names in found.items():
        held = set(names)
        if store not in said:
            lines.append(f"`{store}` is stored and is not in the map")
            continue
        lines += [
            f"`{store}` stores `{name}`, and the map does not say why" for name in sorted(held - said[store])
        ]
        lines += [
            f"the map has `{name}` of `{store}`, which is not stored" for name in sorted(said[store] - held)
        ]
        lines += [
            f"`{store}` stores `{name}`, which the product never has" for name in sorted(held & set(NEVER))
        ]
    return lines
