"""collections.toml: tables, classes of columns, row attributes and masks; and the collections as Cedar entities."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from doorward.cedar.types import BOOL, LONG, STRING, Type
from doorward.orders.toml import Toml
from doorward.policy.tables import Fixed, Mask, SqlColumn, Table

CLASS_PREFIX = "class:"
_PYTHON: Mapping[Type, type] = {BOOL: bool, LONG: int, STRING: str}


@dataclass(frozen=True, slots=True)
class Collections:
    """What collections.toml says.

    Args:
        database: The collection that a session asks for at connect.
        groups: What each collection of tables is, by id.
        classes: What each class of columns is, by name.
        tables: By collection id, in the order of the file.
    """

    database: str
    groups: dict[str, str]
    classes: dict[str, str]
    tables: dict[str, Table]

    def entities(self) -> list[dict[str, Any]]:
        """Return the collections as Cedar JSON entities: tables in databases, classes in tables and across them."""
        found = [_entity(name) for name in self.groups]
        found += [_entity(CLASS_PREFIX + name) for name in self.classes]
        for table in self.tables.values():
            found.append(_entity(table.id, *table.within))
            found += [_entity(table.class_id(name), table.id, CLASS_PREFIX + name) for name in table.classes]
        return found


def read_collections(file: Toml, attributes: Mapping[str, Type]) -> Collections:
    """Return what collections.toml says; faults are noted in it.

    Args:
        file: collections.toml.
        attributes: Of a row, with their types, as the schema has them.
    """
    file.refuse_others(("database", "collection", "class", "table", "scaffold"))
    groups = {name: file.get(str, "collection", name) for name in file.table("collection")}
    classes = {name: file.get(str, "class", name) for name in file.table("class")}
    database = file.get(str, "database")
    if database not in groups:
        file.note(f"`{database}` is no collection of this file", "database")
    tables = {name: _table(file, name, (groups, classes), attributes) for name in file.table("table")}
    for name in (*tables, *(table.class_id(c) for table in tables.values() for c in table.classes)):
        if name in groups or name.startswith(CLASS_PREFIX):
            file.note(f"`{name}` is already the id of another collection", "table", name)
    _check_scaffold(file, classes, attributes)
    return Collections(database, groups, classes, tables)


def _check_scaffold(file: Toml, classes: Mapping[str, str], attributes: Mapping[str, Type]) -> None:
    # What `doorward order scaffold` proposes for a city's own tables: a class by a column's name, a value of a row.
    given = file.get(dict, "scaffold", default={})
    file.refuse_others(("class", "row"), "scaffold")
    for name, patterns in given.get("class", {}).items():
        if name not in classes:
            file.note(f"`{name}` is no class of this file", "scaffold", "class", name)
        if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
            file.note(f"`{name}` needs a list of patterns of column names", "scaffold", "class", name)
    for name, value in given.get("row", {}).items():
        if name not in attributes or type(value) is not _PYTHON.get(attributes[name]):
            file.note(f"`{name}` is no attribute of a row with such a value", "scaffold", "row", name)


def _table(
    file: Toml, name: str, known: tuple[Mapping[str, str], Mapping[str, str]], attributes: Mapping[str, Type]
) -> Table:
    groups, classes = known
    at = ("table", name)
    file.refuse_others(("table", "within", "cji", "columns", "masks", "row"), *at)
    columns = {column: file.get(str, *at, "columns", column) for column in file.table(*at, "columns")}
    for column, column_class in columns.items():
        if column_class not in classes:
            file.note(f"`{column_class}` is no class of this file", *at, "columns", column)
    within = tuple(str(group) for group in file.get(list, *at, "within"))
    for group in within:
        if group not in groups:
            file.note(f"`{group}` is no collection of this file", *at, "within")
    place = file.get(str, *at, "table")
    if place.count(".") != 1:
        file.note(f"`{place}` must be `schema.table`", *at, "table")
    masks = {
        column: _mask(file, (*at, "masks", column), columns, classes)
        for column in file.get(dict, *at, "masks", default={})
    }
    is_cji = file.get(bool, *at, "cji", default=False)
    return Table(
        name, place, within, columns, masks, _attributes(file, (*at, "row"), columns, attributes), is_cji
    )


def _mask(file: Toml, at: tuple[str, ...], columns: Mapping[str, str], classes: Mapping[str, str]) -> Mask:
    file.refuse_others(("class", "sql", "shows"), *at)
    mask = Mask(file.get(str, *at, "class"), file.get(str, *at, "sql"), file.get(str, *at, "shows"))
    if at[-1] not in columns:
        file.note(f"`{at[-1]}` is masked and is no column of the table", *at)
    elif mask.column_class not in classes:
        file.note(f"`{mask.column_class}` is no class of this file", *at)
    elif mask.column_class == columns[at[-1]]:
        file.note("a mask needs another class than the column that it masks", *at)
    return mask


def _attributes(
    file: Toml, at: tuple[str, ...], columns: Mapping[str, str], attributes: Mapping[str, Type]
) -> dict[str, SqlColumn | Fixed]:
    found: dict[str, SqlColumn | Fixed] = {}
    given = file.table(*at)
    file.refuse_others(tuple(attributes), *at)
    for name, kind in attributes.items():
        raw: dict[str, Any] | None = given.get(name) if isinstance(given.get(name), dict) else None
        if raw is None:
            file.note(f"the row has no `{name}`: a fact without a source does not load", *at, name)
            continue
        file.refuse_others(("column", "null_as") if "column" in raw else ("value",), *at, name)
        stated = raw.get("null_as") if "column" in raw else raw.get("value")
        if type(stated) is not _PYTHON.get(kind) and not ("column" in raw and stated is None):
            file.note(f"`{name}` of a row is of type {kind}", *at, name)
        elif "column" not in raw:
            found[name] = raw["value"]
        elif raw["column"] not in columns:
            file.note(f"`{raw['column']}` is no column of the table", *at, name)
        else:
            found[name] = SqlColumn(str(raw["column"]), raw.get("null_as"))
    return found


def _entity(name: str, *parents: str) -> dict[str, Any]:
    return {
        "uid": {"type": "Collection", "id": name},
        "attrs": {},
        "parents": [{"type": "Collection", "id": parent} for parent in parents],
    }
