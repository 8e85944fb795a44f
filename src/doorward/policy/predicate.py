"""A row predicate as SQL for PostgreSQL: a term over a table's columns, the session's grant, and the clock.

Columns are NOT NULL or carry a declared stand-in (`coalesce`), the grant's parameters are NOT NULL. Equality of text is
byte for byte under any deterministic collation.
"""

from collections.abc import Mapping

from doorward.cedar.dialects import POSTGRESQL
from doorward.cedar.sql import SqlWriter
from doorward.cedar.terms import Terms
from doorward.cedar.types import Type
from doorward.errors import PolicyError
from doorward.policy.request import GRANT, NOW
from doorward.policy.tables import SqlColumn

GRANT_VIEW = "doorward.my_grant"
RESOURCE = "resource."
# Milliseconds since 1970, towards the past, as Cedar's datetime has them; one moment for the whole statement.
CLOCK = "CAST(floor(extract(epoch FROM statement_timestamp()) * 1000) AS bigint)"
# Operators that PostgreSQL marks leakproof for the types of a predicate; with others an index cannot serve a condition
# of the session on the same table (pg_proc.proleakproof, PostgreSQL 17).
_NOT_LEAKPROOF = frozenset(("like", "add", "sub", "mul", "add!", "sub!", "mul!", "mod", "quotient"))


def format_predicate(terms: Terms, term: int, columns: Mapping[str, SqlColumn]) -> str:
    """Return the term as a boolean SQL expression.

    Args:
        terms: The table of the term.
        term: Reads only ``resource.<attribute>``, the grant's parameters and the time.
        columns: By attribute.

    Raises:
        PolicyError: The term reads something that has no column, or has no form in PostgreSQL.
    """

    def column(path: str, kind: Type) -> str:
        del kind
        if path == NOW:
            return CLOCK
        if path.startswith(GRANT):
            name = POSTGRESQL.identifier(path.rsplit(".", 1)[-1])
            return f"(SELECT {name} FROM {GRANT_VIEW})"  # noqa: S608  # names of our own, quoted
        found = columns.get(path.removeprefix(RESOURCE)) if path.startswith(RESOURCE) else None
        if found is None:
            raise PolicyError(f"`{path}` has no column")
        text = POSTGRESQL.identifier(found.name)
        return text if found.null_as is None else f"coalesce({text}, {POSTGRESQL.literal(found.null_as)})"

    return SqlWriter(terms, POSTGRESQL, column).write(term)


def find_leaks(terms: Terms, term: int, columns: Mapping[str, SqlColumn]) -> list[str]:
    """Return what in a predicate keeps an index on a column from serving it, in words; empty where nothing does.

    Args:
        terms: The table of the term.
        term: A row predicate.
        columns: By attribute.
    """
    found = set()
    seen, ends = set(), [term]
    while ends:
        number = ends.pop()
        if number in seen:
            continue
        seen.add(number)
        node = terms.nodes[number]
        ends.extend(node.parts)
        read = [c for path in terms.facts(number) if (c := columns.get(path.removeprefix(RESOURCE)))]
        if node.kind in _NOT_LEAKPROOF:
            found |= {
                f"`{c.name}` is read by an operator that is not leakproof ({node.kind.rstrip('!')})"
                for c in read
            }
        elif node.kind == "fact":
            found |= {
                f"`{c.name}` stands inside of coalesce, so no index on it serves"
                for c in read
                if c.null_as is not None
            }
    return sorted(found)
