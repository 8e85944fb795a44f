"""The register of cases, asked the same one question for everybody.

Whether a case is unknown, closed or somebody else's is not told apart here: the register answers one bit, by
one query, with the same parameters in the same places, so that neither text nor plan differs (law 6, and the
main job's rule that the three refusals are one).
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import psycopg
from psycopg import sql

QUESTION = sql.SQL("""
SELECT EXISTS (
  SELECT FROM {table}
  WHERE {case} = %(case_no)s AND {status} = %(open)s AND {kind} = %(criminal)s AND {assigned_to} = %(login)s
)
""")


@dataclass(frozen=True, slots=True)
class RegisterTable:
    """Where a city keeps its cases: a table, four of its columns, and the city's words for an open criminal case.

    Args:
        table: ``schema.table``.
        assigned_to: The column that names a login of this door.
    """

    table: str
    case: str
    status: str
    kind: str
    assigned_to: str
    open: str = "open"
    criminal: str = "criminal"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (self.case, self.status, self.kind, self.assigned_to)


class Connections(Protocol):
    """Whatever lends connections to the register's database and turns their failures into UpstreamError."""

    def borrow(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        """Yield a connection in autocommit mode."""
        ...


class CaseRegister(Protocol):
    """Anything that can say whether a case is open and assigned to a person."""

    def is_open_and_assigned(self, *, case_no: str, login: str) -> bool:
        """Return True only where the register says so now.

        Raises:
            UpstreamError: The register did not answer; the fact stays unknown.
        """
        ...


class NoRegister:
    """No register: no case is found open, so no number stated by the City's own people counts as verified."""

    def is_open_and_assigned(self, *, case_no: str, login: str) -> bool:  # noqa: ARG002  # the protocol's
        """Return False."""
        return False


class PostgresCaseRegister:
    """The register as a table of the city's database, read over a connection borrowed for each question."""

    def __init__(self, connections: Connections, table: RegisterTable) -> None:
        self._connections = connections
        self._words = {"open": table.open, "criminal": table.criminal}
        self._question = QUESTION.format(
            table=sql.Identifier(*table.table.split(".", 1)),
            case=sql.Identifier(table.case),
            status=sql.Identifier(table.status),
            kind=sql.Identifier(table.kind),
            assigned_to=sql.Identifier(table.assigned_to),
        )

    def is_open_and_assigned(self, *, case_no: str, login: str) -> bool:
        """Return the register's one bit; see the protocol."""
        with self._connections.borrow() as connection:
            row = connection.execute(
                self._question, {"case_no": case_no, "login": login, **self._words}
            ).fetchone()
        return bool(row and row[0])
