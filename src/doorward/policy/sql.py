"""From a term over a row's columns and the grant's parameters to SQL for PostgreSQL.

The text has exactly two values where the grant's row is there: columns are NOT NULL or carry a declared stand-in
(`coalesce`), parameters are NOT NULL, and every operator used is total on such values. Equality of text is byte for
byte under any deterministic collation; order of text does not exist in Cedar, so no collation is ever asked for it.

The same term always gives the same text: parts are sorted by their own text.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from doorward.errors import PolicyError
from doorward.policy.facts import GRANT_PARAMETERS
from doorward.policy.hierarchy import Uid
from doorward.policy.terms import FALSE, TRUE, Node, Terms, Value

GRANT_VIEW = "doorward.my_grant"


@dataclass(frozen=True, slots=True)
class SqlColumn:
    """The column that an attribute of a row is read from.

    Args:
        name: As in the table, not quoted.
        null_as: What NULL stands for, or None where the column is NOT NULL.
    """

    name: str
    null_as: bool | int | str | None = None


def format_predicate(terms: Terms, term: int, columns: Mapping[str, SqlColumn]) -> str:
    """Return the term as a boolean SQL expression.

    Args:
        terms: The table of the term.
        term: Reads only ``resource.<attribute>`` and the grant's parameters.
        columns: By attribute.

    Raises:
        PolicyError: The term reads something that PostgreSQL has no column for; the compiler refuses it earlier.
    """
    return _Writer(terms, columns).write(term)


def quote_name(name: str) -> str:
    """Return an identifier in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def quote_value(value: Value) -> str:
    """Return a constant as a SQL literal.

    Raises:
        PolicyError: A text with NUL, which no column of PostgreSQL can equal.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if value >= 0 else f"({value})"
    if isinstance(value, Uid) or "\0" in value:
        raise PolicyError("a text with NUL has no form in PostgreSQL")
    quoted = "'" + value.replace("'", "''") + "'"
    # With a backslash the E form means the same whatever standard_conforming_strings says.
    return "E" + quoted.replace("\\", "\\\\") if "\\" in value else quoted


class _Writer:
    def __init__(self, terms: Terms, columns: Mapping[str, SqlColumn]) -> None:
        self._terms = terms
        self._columns = columns

    def write(self, term: int) -> str:
        if term in {FALSE, TRUE}:
            return "true" if term == TRUE else "false"
        node = self._terms.nodes[term]
        match node.kind:
            case "value":
                return quote_value(node.value)
            case "fact":
                return self._fact(node)
            case "not":
                return self._opposite(node.parts[0])
            case "and" | "or":
                parts = sorted((self._inner(part) for part in node.parts), key=lambda text: (len(text), text))
                return f" {node.kind.upper()} ".join(parts)
            case "same" | "less":
                left, right = self._pair(node)
                return f"{left} {'=' if node.kind == 'same' else '<'} {right}"
            case "member":
                wanted = ", ".join(sorted(quote_value(value) for value in node.targets))
                return f"{self.write(node.parts[0])} IN ({wanted})"
            case _:
                raise PolicyError("a condition on entities was left for a row to answer")

    def _opposite(self, term: int) -> str:
        node = self._terms.nodes[term]
        match node.kind:
            case "same":
                left, right = self._pair(node)
                return f"{left} <> {right}"
            case "less":
                left, right = self._pair(node)
                return f"{left} >= {right}"
            case _:
                return f"NOT {self._inner(term)}"

    def _pair(self, node: Node) -> tuple[str, str]:
        left, right = (self._operand(part) for part in node.parts)
        # Columns first, then parameters, then constants; `same` has no order of its own.
        if node.kind == "same" and _rank(left) > _rank(right):
            left, right = right, left
        return left, right

    def _inner(self, term: int) -> str:
        text = self.write(term)
        return (
            f"({text})" if self._terms.nodes[term].kind in {"and", "or", "same", "less", "member"} else text
        )

    def _operand(self, term: int) -> str:
        text = self.write(term)
        return text if self._terms.nodes[term].kind in {"fact", "value"} else f"({text})"

    def _fact(self, node: Node) -> str:
        if node.path in GRANT_PARAMETERS:
            name = quote_name(node.path.rsplit(".", 1)[-1])
            return f"(SELECT {name} FROM {GRANT_VIEW})"  # noqa: S608  # names of our own, quoted
        column = self._columns.get(node.path.removeprefix("resource."))
        if column is None or not node.path.startswith("resource."):
            raise PolicyError(f"`{node.path}` has no column")
        text = quote_name(column.name)
        return text if column.null_as is None else f"coalesce({text}, {quote_value(column.null_as)})"


def _rank(text: str) -> tuple[int, str]:
    return (0 if text[0] in '"c' else 1 if text[0] == "(" else 2), text
