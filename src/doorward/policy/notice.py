"""The sentence that says what may be withheld, and under which clause: never how many (law 8)."""

from collections.abc import Sequence

from doorward.policy.tables import Table


def describe_withheld(
    table: Table,
    row_clauses: Sequence[str],
    closed: Sequence[tuple[str, tuple[str, ...]]],
    masked: Sequence[str],
) -> str | None:
    """Return one sentence for a person about a table, or None where nothing of it can be withheld.

    Args:
        table: Gives the names and what its masks show.
        row_clauses: Under which a row may be withheld; empty where every row is visible.
        closed: Columns that are not shown as they are, each with its clauses.
        masked: Those of them that are shown masked.
    """
    parts = []
    if row_clauses:
        parts.append(f"rows may be withheld under {_join(row_clauses)}")
    by_clauses: dict[tuple[str, ...], list[str]] = {}
    for column, clauses in closed:
        if column not in masked:
            by_clauses.setdefault(clauses, []).append(column)
    for clauses, columns in by_clauses.items():
        verb = "is" if len(columns) == 1 else "are"
        parts.append(f"{_join(columns)} {verb} closed{_under(clauses)}")
    by_column = dict(closed)
    parts.extend(
        f"{column} shows {table.masks[column].shows}{_under(by_column[column])}" for column in masked
    )
    if not parts:
        return None
    return f"{table.table.rsplit('.', 1)[-1]}: {'; '.join(parts)}."


def _under(clauses: Sequence[str]) -> str:
    return f" under {_join(clauses)}" if clauses else ", since no clause opens it"


def _join(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
