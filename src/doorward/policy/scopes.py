"""Scopes: what a session may read, as SQL texts, and the book that finds the scope of a request.

A scope is a shape: tables, columns or masks, a row predicate over the base table. It does not know who reads;
the session's own case, unit and place are atoms that PostgreSQL reads from the session's grant row.

The book is a small decision diagram over the facts that the order reads at this door, so it is found again from
its own text, without the pack (`ScopeBook.to_json`). What stands in no branch has no scope: closed.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from doorward.errors import Finding, MalformedError
from doorward.policy.request import Fact, Request, Resource

SCOPE_ID_DIGITS = 12
BOOK_FORMAT = 1
CLOSED = -1  # an absent branch


@dataclass(frozen=True, slots=True)
class ScopeColumn:
    """A column that is shown; ``expression`` is the SQL of its mask, None where it is the column itself."""

    name: str
    expression: str | None = None


@dataclass(frozen=True, slots=True)
class ScopeTable:
    """One table of a scope.

    Args:
        table: ``schema.table``.
        columns: In the table's own order.
        predicate: SQL over the base table; true exactly where the order permits the row.
        withheld: One sentence for a person, or None where nothing can be withheld. Never how many (law 8).
        closed: Columns that are not shown as they are, each with the clauses that close it.
    """

    table: str
    columns: tuple[ScopeColumn, ...]
    predicate: str
    withheld: str | None = None
    closed: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """A shape under the first 12 hexadecimal digits of its digest.

    Args:
        id: Lower-case hexadecimal.
        tables: Those that have an open column and may have a visible row, in the pack's order.
        closed_tables: The others, each with the clauses that close it.
    """

    id: str
    tables: tuple[ScopeTable, ...]
    closed_tables: tuple[tuple[str, tuple[str, ...]], ...] = ()


def make_scope(
    tables: Iterable[ScopeTable], *, closed_tables: Iterable[tuple[str, tuple[str, ...]]] = ()
) -> Scope:
    """Return the scope of a shape, with its id."""
    shape = Scope("", tuple(tables), tuple(closed_tables))
    text = json.dumps(_encode_scope(shape), sort_keys=True, separators=(",", ":"))
    return Scope(
        hashlib.sha256(text.encode()).hexdigest()[:SCOPE_ID_DIGITS], shape.tables, shape.closed_tables
    )


@dataclass(frozen=True, slots=True)
class Branch:
    """One question of the diagram: which fact, and where each of its values leads; absent values are closed."""

    fact: str
    to: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ScopeBook:
    """Every scope that the order can open at this door, and the way from a request to its scope.

    Args:
        scopes: By id.
        database: The collection that a session asks for at connect.
        action: The action that it asks.
        constants: Facts that have one value at this door; a request with another value has no scope here.
        derived: Facts that follow from another one, by that one's value.
        branches: The diagram; the last is the first to be asked.
        leaves: Scope ids; a branch leads to leaf ``n`` as ``-2 - n``.
        root: Where to begin; CLOSED where the order opens nothing here.
        warnings: What makes a scope slow; not kept in its text.
    """

    scopes: Mapping[str, Scope]
    database: str = ""
    action: str = "query"
    constants: Mapping[str, Fact] = field(default_factory=dict)
    derived: Mapping[str, tuple[str, Mapping[str, Fact]]] = field(default_factory=dict)
    branches: tuple[Branch, ...] = ()
    leaves: tuple[str, ...] = ()
    root: int = CLOSED
    warnings: tuple[Finding, ...] = ()

    def find(self, request: Request) -> Scope | None:
        """Return the scope of a request as decided at connect, or None where it opens nothing.

        A request that this door cannot have (a paper presented, another door's channel, a requester who is not
        the one who logs in) has no scope: its rows were never compiled, so they stay closed.
        """
        if request.resource != Resource("Collection", self.database) or request.action != self.action:
            return None
        facts = request.facts
        if any(facts[path] != value for path, value in self.constants.items()):
            return None
        for path, (source, values) in self.derived.items():
            if values.get(str(facts[source])) != facts[path]:
                return None
        at = self.root
        while at >= 0:
            branch = self.branches[at]
            at = branch.to.get(_key(facts[branch.fact]), CLOSED)
        return None if at == CLOSED else self.scopes[self.leaves[-2 - at]]

    def to_json(self) -> str:
        """Return the book as canonical JSON text."""
        return json.dumps(
            {
                "format": BOOK_FORMAT,
                "database": self.database,
                "action": self.action,
                "constants": dict(self.constants),
                "derived": {path: [source, dict(to)] for path, (source, to) in self.derived.items()},
                "branches": [[branch.fact, dict(branch.to)] for branch in self.branches],
                "leaves": list(self.leaves),
                "root": self.root,
                "scopes": {scope_id: _encode_scope(scope) for scope_id, scope in self.scopes.items()},
            },
            sort_keys=True,
            indent=1,
        )

    @classmethod
    def from_json(cls, text: str) -> "ScopeBook":
        """Return the book that `to_json` wrote.

        Raises:
            MalformedError: The text is no such book, or a scope's id is not the digest of its shape.
        """
        try:
            return _decode_book(json.loads(text))
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
            raise MalformedError(
                "the cached scopes are no book of scopes",
                hint="remove the file; it is made again from the order",
            ) from error


def _key(value: Fact) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _encode_scope(scope: Scope) -> dict[str, Any]:
    return {
        "tables": [
            {
                "table": table.table,
                "columns": [[column.name, column.expression] for column in table.columns],
                "predicate": table.predicate,
                "withheld": table.withheld,
                "closed": [[name, list(clauses)] for name, clauses in table.closed],
            }
            for table in scope.tables
        ],
        "closed_tables": [[name, list(clauses)] for name, clauses in scope.closed_tables],
    }


def _decode_book(raw: Any) -> ScopeBook:  # noqa: ANN401  # JSON is untyped until checked here
    if raw["format"] != BOOK_FORMAT:
        raise ValueError
    scopes = {str(scope_id): _decode_scope(str(scope_id), scope) for scope_id, scope in raw["scopes"].items()}
    branches = tuple(
        Branch(str(fact), {str(value): int(at) for value, at in to.items()}) for fact, to in raw["branches"]
    )
    leaves = tuple(str(leaf) for leaf in raw["leaves"])
    root = int(raw["root"])
    if not set(leaves) <= scopes.keys():
        raise KeyError
    # Each branch leads only to earlier ones, so a walk ends whatever the file says.
    for number, branch in enumerate((*branches, Branch("", {"": root}))):
        if any(not -2 - len(leaves) < at < number for at in branch.to.values()):
            raise IndexError
    constants = {str(path): _decode_fact(value) for path, value in raw["constants"].items()}
    derived = {
        str(path): (str(source), {str(value): _decode_fact(follows) for value, follows in to.items()})
        for path, (source, to) in raw["derived"].items()
    }
    return ScopeBook(
        scopes=scopes,
        database=str(raw["database"]),
        action=str(raw["action"]),
        constants=constants,
        derived=derived,
        branches=branches,
        leaves=leaves,
        root=root,
    )


def _decode_fact(value: Any) -> Fact:  # noqa: ANN401  # as above
    if isinstance(value, (bool, int, str)):
        return value
    raise TypeError


def _decode_scope(scope_id: str, raw: Any) -> Scope:  # noqa: ANN401  # as above
    scope = make_scope(
        (
            ScopeTable(
                table=str(table["table"]),
                columns=tuple(
                    ScopeColumn(str(name), None if mask is None else str(mask))
                    for name, mask in table["columns"]
                ),
                predicate=str(table["predicate"]),
                withheld=None if table["withheld"] is None else str(table["withheld"]),
                closed=_decode_closed(table["closed"]),
            )
            for table in raw["tables"]
        ),
        closed_tables=_decode_closed(raw["closed_tables"]),
    )
    if scope.id != scope_id:
        raise ValueError
    return scope


def _decode_closed(raw: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:  # noqa: ANN401  # as above
    return tuple((str(name), tuple(str(clause) for clause in clauses)) for name, clauses in raw)
