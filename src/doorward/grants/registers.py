"""The registers of cases, each asked the same one question for everybody.

Whether a case is unknown, closed or somebody else's is not told apart here: a register answers one bit, to one
question, with the same parameters in the same places, so that neither text nor plan differs (law 6, and the
main job's rule that the three refusals are one). One that does not answer makes the fact unknown, never true.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import psycopg
from psycopg import sql

from doorward.grants.cut_off import CutOff

QUESTION = sql.SQL("""
SELECT EXISTS (
  SELECT FROM {table}
  WHERE {case} = %(case_no)s AND {status} = %(open)s AND {kind} = %(criminal)s AND {assigned_to} = %(login)s
)
""")


@dataclass(frozen=True, slots=True)
class Question:
    """What a register is asked: is this case open, criminal, and assigned to this login?"""

    case_no: str
    login: str


class Silence(StrEnum):
    """Why a register said nothing that counts; for the record and the operator, never for the client."""

    LATE = "late"
    FAILED = "failed"
    MALFORMED = "malformed"
    RESTING = "resting"


@dataclass(frozen=True, slots=True)
class Word:
    """What a register said, and when; ``says`` is None where it did not answer, and the fact is unknown.

    Args:
        says: True only where the case was found open, criminal and assigned.
        at: When it said so; earlier than the question where it was kept.
        silence: Why nothing was said, or None, also where it was not asked.
    """

    says: bool | None
    at: datetime
    silence: Silence | None = None


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

    def close(self) -> None:
        """Close what is idle."""
        ...


class CaseRegister(Protocol):
    """Anything that can say whether a case is open and assigned to a person; called in several threads."""

    def is_open_and_assigned(self, question: Question) -> bool:
        """Return True only where the register says so now; it takes no longer than it was made for.

        Raises:
            UpstreamError: The register did not answer; the fact stays unknown.
            MalformedError: It answered something else than the protocol has; the fact stays unknown.
        """
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


class NoRegister:
    """No register: no case is found open, so no number stated by the City's own people counts as verified."""

    def is_open_and_assigned(self, question: Question) -> bool:  # noqa: ARG002  # the protocol's
        """Return False."""
        return False

    def close(self) -> None:
        """Hold nothing."""


class PostgresCaseRegister:
    """The register as a table of a PostgreSQL server, read over a connection borrowed for each question.

    Args:
        connections: To that server, as a role that may read these columns.
        seconds: After which the connection is cut; a server that stopped in the middle does not hold a thread.
    """

    def __init__(self, connections: Connections, table: RegisterTable, *, seconds: float) -> None:
        self._connections = connections
        self._seconds = seconds
        self._words = {"open": table.open, "criminal": table.criminal}
        self._question = QUESTION.format(
            table=sql.Identifier(*table.table.split(".", 1)),
            case=sql.Identifier(table.case),
            status=sql.Identifier(table.status),
            kind=sql.Identifier(table.kind),
            assigned_to=sql.Identifier(table.assigned_to),
        )

    def is_open_and_assigned(self, question: Question) -> bool:
        """Return the register's one bit; see the protocol."""
        asked = {"case_no": question.case_no, "login": question.login, **self._words}
        with self._connections.borrow() as connection, CutOff(self._seconds) as cut_off:
            cut_off.watch(connection.fileno())
            row = connection.execute(self._question, asked).fetchone()
        return bool(row and row[0])

    def close(self) -> None:
        """Close the idle connections."""
        self._connections.close()
