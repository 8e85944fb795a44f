"""The tables behind a door as the order sees them: which column is of which class, which column is which fact.

A column that stands in no class is never shown. `check_catalog` compares with a real database.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from doorward.cedar.types import BOOL, LONG, STRING, Type
from doorward.errors import Finding

COLUMN_TYPES: Mapping[Type, frozenset[str]] = {
    BOOL: frozenset(("boolean",)),
    LONG: frozenset(("smallint", "integer", "bigint")),
    # Not character(n): its comparison ignores trailing spaces, Cedar's does not. Not citext.
    STRING: frozenset(("text", "character varying")),
}
Fixed = bool | int | str


@dataclass(frozen=True, slots=True)
class SqlColumn:
    """The column that an attribute of a row is read from.

    Args:
        name: As in the table, not quoted.
        null_as: What NULL stands for, or None where the column is NOT NULL.
    """

    name: str
    null_as: Fixed | None = None


@dataclass(frozen=True, slots=True)
class Mask:
    """What is shown of a column where the column itself is closed and the mask's class is open.

    Args:
        column_class: The mask's own class.
        sql: An expression over the table's columns.
        shows: What a person sees, for the notice: ``the year only``.
    """

    column_class: str
    sql: str
    shows: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Args:
        id: Its collection, such as ``clear.persons``.
        table: ``schema.table`` in the database.
        within: The collections that it is in.
        columns: Class by column name, in the table's order.
        masks: By column name.
        attributes: Where each attribute of a row comes from: a column, or one value for all rows.
        is_cji: Whether it holds criminal justice information, which is opened to logins with a second factor only.
    """

    id: str
    table: str
    within: tuple[str, ...]
    columns: Mapping[str, str]
    masks: Mapping[str, Mask]
    attributes: Mapping[str, SqlColumn | Fixed]
    is_cji: bool = False

    @property
    def classes(self) -> tuple[str, ...]:
        """Every class of the table, masks' classes last."""
        own = dict.fromkeys(self.columns.values())
        return tuple(own | dict.fromkeys(mask.column_class for mask in self.masks.values()))

    def class_id(self, column_class: str) -> str:
        """Return the collection that stands for one class of this table's columns."""
        return f"{self.id}.{column_class}"


@dataclass(frozen=True, slots=True)
class CatalogColumn:
    """A column as PostgreSQL has it; ``type`` is `format_type`'s without a length."""

    type: str
    not_null: bool
    deterministic: bool = True


def check_catalog(
    tables: Mapping[str, Table], catalog: Mapping[str, Mapping[str, CatalogColumn]], types: Mapping[str, Type]
) -> list[Finding]:
    """Return where a real database differs from what the order says of it, so that a predicate could be inexact.

    Args:
        tables: The order's tables.
        catalog: Columns by name, by ``schema.table``.
        types: Type of each attribute of a row.
    """
    findings = []
    for table in tables.values():
        found = catalog.get(table.table)
        if found is None:
            findings.append(Finding(f"the database has no table `{table.table}`"))
            continue
        findings.extend(
            Finding(f"the database has no column `{name}` in `{table.table}`")
            for name in table.columns
            if name not in found
        )
        findings.extend(_check_attributes(table, found, types))
    return findings


def _check_attributes(
    table: Table, found: Mapping[str, CatalogColumn], types: Mapping[str, Type]
) -> Iterator[Finding]:
    for attribute, source in table.attributes.items():
        if not isinstance(source, SqlColumn):
            continue
        where = f"`{table.table}.{source.name}`, which is `resource.{attribute}`,"
        column = found.get(source.name)
        if column is None:
            yield Finding(f"{where} is no column of the database")
            continue
        wanted = types[attribute]
        if column.type not in COLUMN_TYPES[wanted]:
            yield Finding(
                f"{where} has type {column.type}; expected {', '.join(sorted(COLUMN_TYPES[wanted]))}"
            )
        if not column.not_null and source.null_as is None:
            yield Finding(
                f"{where} may be NULL, and a row predicate has no third value",
                hint="make the column NOT NULL, or say in collections.toml what NULL stands for: `null_as`",
            )
        if not column.deterministic:
            yield Finding(f"{where} has a nondeterministic collation; Cedar compares byte for byte")
