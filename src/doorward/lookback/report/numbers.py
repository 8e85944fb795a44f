"""Numbers that can be asked again: each is a question to the tables of the audit, with its answer. Pure.

INVARIANT (asked-again): no number stands in a report without a question, written so that a person with the folder of
the audit and DuckDB gets it again; the number's id is made of the question, so the same number has one id everywhere.
A number under one order is never added to a number under another. A number of `own_words` is over agencies: each
access counts once, under its own agency's published words.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final

COUNTS: Final = "data/counts.parquet"
CLAUSE: Final = "clause"
OWN: Final = "own_words"
NO_ORDER: Final = "-"
COLUMNS: Final = (
    "rules", OWN, "owner", "searcher", "month", "week", "result", "tier", "said", "path", CLAUSE
)  # fmt: skip

Where = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a report.

    Args:
        value: None where it is withheld from publication.
        sql: The question, over the tables of the audit's folder.
        where: What is counted, where it is a count of accesses; else nothing.
    """

    value: int | None
    sql: str
    where: Where = ()

    @property
    def id(self) -> str:
        """Its anchor: made of the question."""
        return "n-" + sha256(self.sql.encode()).hexdigest()[:12]

    def __str__(self) -> str:
        return WITHHELD if self.value is None else f"{self.value:,}"


WITHHELD: Final = "withheld"


def literal(value: str) -> str:
    """Return a text as SQL writes it: the one way in which text of a log reaches a question that is printed."""
    return "'" + value.replace("'", "''") + "'"


def count_sql(where: Where, until: str = "") -> str:
    """Return the question for how many accesses there are with these values.

    Args:
        where: Columns of `data/counts.parquet` and their values; `clause` asks for one of the clauses.
        until: Months before this one only, as `2026-03-01`; empty is every month.
    """
    tests = [test for column, value in where if (test := _test(column, value))]
    if until:
        tests.append(f"month < DATE {literal(until)}")
    # Texts of a log stand in it through `literal` only, columns are of COLUMNS.
    counted = f"SELECT coalesce(sum(n), 0)::BIGINT FROM '{COUNTS}'"  # noqa: S608  # as above
    return f"{counted} WHERE {' AND '.join(tests)}" if tests else counted


def own_words(named: Iterable[str]) -> str:
    """Return the value of `own_words` where these orders were named, and all other rules are agencies' own."""
    return " ".join(named) or NO_ORDER


def own_test(value: str) -> str:
    """Return the test for accesses under their own agency's words; the empty text where no order was named."""
    return "" if value == NO_ORDER else f"rules NOT IN ({', '.join(map(literal, value.split()))})"


def _test(column: str, value: str) -> str:
    if column not in COLUMNS:
        raise ValueError(column)
    if column == OWN:
        return own_test(value)
    if column == CLAUSE:
        return f"list_contains(string_split(clauses, ' '), {literal(value)})"
    if column in {"month", "week"}:
        return f"{column} = DATE {literal(value)}"
    if column == "searcher":
        return f"coalesce(agency, '') = {literal(value)}"
    return f"{column} = {literal(value)}"


@dataclass(frozen=True, slots=True)
class Atom:
    """Accesses that no number of a report tells apart: their values, and how many they are."""

    values: Mapping[str, str]
    clauses: tuple[str, ...]
    n: int

    def keys(self, shape: tuple[str, ...]) -> Iterable[Where]:
        """Yield what these accesses count as, under numbers that ask for these columns."""
        if CLAUSE not in shape:
            yield tuple((column, self.values[column]) for column in shape)
            return
        for clause in self.clauses:
            yield tuple((c, clause if c == CLAUSE else self.values[c]) for c in shape)


@dataclass
class Numbers:
    """Every number that a report has asked for.

    Args:
        atoms: The table of counts.
        until: Months before this one only.
    """

    atoms: tuple[Atom, ...]
    until: str = ""
    asked: dict[str, Number] = field(default_factory=dict)
    withheld: frozenset[str] = frozenset()
    _shapes: dict[tuple[str, ...], dict[Where, int]] = field(default_factory=dict)
    _values: dict[tuple[str, tuple[str, ...]], dict[Where, set[str]]] = field(default_factory=dict)

    def count(self, **where: str) -> Number:
        """Return how many accesses have these values, none where no access has them."""
        shape = tuple(column for column in COLUMNS if column in where)
        if shape not in self._shapes:
            sums: dict[Where, int] = {}
            for atom in self.atoms:
                for counted in atom.keys(shape):
                    sums[counted] = sums.get(counted, 0) + atom.n
            self._shapes[shape] = sums
        key: Where = tuple((column, where[column]) for column in shape)
        return self.keep(Number(self._shapes[shape].get(key, 0), count_sql(key, self.until), key))

    def keep(self, number: Number) -> Number:
        """Return a number after it is noted, without its value where that is withheld."""
        if number.id in self.withheld:
            number = replace(number, value=None)
        self.asked[number.id] = number
        return number

    def values(self, column: str, **where: str) -> list[str]:
        """Return the values of a column among accesses with these values, sorted; a clause is a value of `clause`."""
        shape = tuple(name for name in COLUMNS if name in where)
        known = self._values.get((column, shape))
        if known is None:
            known = self._values[column, shape] = {}
            for atom in self.atoms:
                for key in atom.keys(shape):
                    known.setdefault(key, set()).update(
                        atom.clauses if column == CLAUSE else (atom.values[column],)
                    )
        return sorted(known.get(tuple((name, where[name]) for name in shape), ()))

    def rows(self) -> list[tuple[str, str, str]]:
        """Return id, value and question of each number, by id."""
        return [(n.id, "" if n.value is None else str(n.value), n.sql) for _, n in sorted(self.asked.items())]


def rate(part: Number, whole: Number) -> str:
    """Return how many of a thousand, to one place; `withheld` where either is, `-` of nothing."""
    if part.value is None or whole.value is None:
        return WITHHELD
    if not whole.value:
        return "-"
    found = 1000 * part.value / whole.value
    return ("0" if not found else "under 0.1") if found < 0.05 else f"{found:,.1f}"


def as_text(value: Any) -> str:  # noqa: ANN401  # a value of a table
    """Return a value of a table as text, a NULL as the empty text."""
    return "" if value is None else str(value)
