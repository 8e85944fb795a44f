"""A city's collections.toml, proposed from its catalog: what a DBA edits, not what anybody installs unread.

A class is proposed by a column's name alone, by the patterns that the pack keeps (`[scaffold.class]`); no row is read.
What no pattern finds stands there as a comment and is never shown. Attributes of a row that no column bears get the
pack's closed values (`[scaffold.row]`). So an unread proposal shows too little, not too much.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

import psycopg

from doorward.cedar.types import Type
from doorward.errors import InstallError
from doorward.install.names import OWN_SCHEMA
from doorward.orders.pack import Pack
from doorward.policy.tables import COLUMN_TYPES

COLLECTIONS: Final = "collections.toml"
TABLES: Final = """
SELECT n.nspname, c.relname, a.attname, pg_catalog.format_type(a.atttypid, NULL), a.attnotnull
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND n.nspname !~ %(own)s AND (%(schemas)s::text[] = '{}' OR n.nspname = ANY (%(schemas)s))
ORDER BY 1, 2, a.attnum
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the catalog has it."""

    name: str
    type: str
    not_null: bool


def propose_collections(connection: psycopg.Connection[Any], pack: Pack, schemas: Sequence[str]) -> str:
    """Return the text of a collections.toml for the tables of these schemas, or of all.

    Raises:
        InstallError: There is no such table, or the order stands at no database.
    """
    tables: dict[tuple[str, str], list[Column]] = {}
    asked = {"own": OWN_SCHEMA, "schemas": list(schemas)}
    for schema, table, name, kind, not_null in connection.execute(TABLES, asked):
        tables.setdefault((schema, table), []).append(Column(name, kind, not_null))
    if not tables:
        raise InstallError("there is no table to propose anything for", hint="name another --schema")
    if COLLECTIONS not in pack.files:
        raise InstallError(f"the order {pack.name} stands at no database: it has no {COLLECTIONS}")
    return format_collections(tables, tomllib.loads(pack.files[COLLECTIONS]), pack.row_types)


def format_collections(
    tables: Mapping[tuple[str, str], Sequence[Column]], given: Mapping[str, Any], types: Mapping[str, Type]
) -> str:
    """Return the text of a collections.toml; pure.

    Args:
        tables: Columns by schema and table.
        given: The pack's collections.toml, parsed.
        types: Of the attributes of a row.
    """
    lines = [
        "# Proposed from the catalog by the names of columns alone. Read every line: a column without a class is never",
        "# shown, and a row is what [table.….row] says of it. Then: doorward order install --dry-run --collections …",
        "",
        f"database = {_quote(given['database'])}",
        "",
    ]
    for section in ("collection", "class"):
        lines += [
            f"[{section}]",
            *(f"{_key(name)} = {_quote(says)}" for name, says in given[section].items()),
            "",
        ]
    for (schema, table), columns in tables.items():
        lines += [*_table(schema, table, columns, given, types), ""]
    return "\n".join(lines)


def _table(
    schema: str, table: str, columns: Sequence[Column], given: Mapping[str, Any], types: Mapping[str, Type]
) -> Iterator[str]:
    database = given["database"]
    name = table if schema == "public" else f"{schema}.{table}"
    header = f"table.{_quote(f'{database}.{name}')}"
    yield f"[{header}]"
    yield f"table = {_quote(f'{schema}.{table}')}"
    yield f"within = [{_quote(database)}]"
    yield f"[{header}.columns]"
    scaffold = given.get("scaffold", {})
    named: dict[str, Column] = {}
    for column in columns:
        found = _find_class(column.name, scaffold.get("class", {}))
        line = f"{_key(column.name)} = {_quote(found or '')}"
        yield line if found else f"# {line}   # no class: never shown"
        if found:
            named[column.name] = column
    yield f"[{header}.row]"
    for attribute, kind in types.items():
        yield _attribute(attribute, kind, named.get(attribute), scaffold.get("row", {}))


def _attribute(attribute: str, kind: Type, column: Column | None, values: Mapping[str, Any]) -> str:
    if column is not None and column.type in COLUMN_TYPES.get(kind, ()) and column.not_null:
        return f"{attribute} = {{ column = {_quote(column.name)} }}"
    why = ""
    if column is not None:
        why = (
            f"   # the column is {column.type}{'' if column.not_null else ' and may be NULL: say `null_as`'}"
        )
    if attribute not in values:
        return f"# {attribute} = {{ value = … }}   # the order needs it: say a column or one value"
    return f"{attribute} = {{ value = {_quote(values[attribute])} }}{why}"


def _find_class(column: str, patterns: Mapping[str, Sequence[str]]) -> str | None:
    lower = column.lower()
    for name, words in patterns.items():
        if any(fnmatchcase(lower, word) for word in words):
            return name
    return None


def _quote(value: str | bool | int) -> str:  # noqa: FBT001  # a value of a TOML file
    return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    bare = name.replace("_", "").replace("-", "")
    return name if bare.isascii() and bare.isalnum() else _quote(name)
