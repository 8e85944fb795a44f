"""The register of cases, asked the same one question for everybody.

Whether a case is unknown, closed or somebody else's is not told apart here: the register answers one bit, by
one query, with the same parameters in the same places, so that neither text nor plan differs (law 6, and the
main job's rule that the three refusals are one).
"""

from contextlib import AbstractContextManager
from typing import Any, Protocol

import psycopg

QUESTION = """
SELECT EXISTS (
  SELECT FROM public.cases
  WHERE case_no = %(case_no)s AND status = 'open' AND kind = 'criminal' AND assigned_to = %(login)s
)
"""


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


class PostgresCaseRegister:
    """The register as a table of the city's database, read over a connection borrowed for each question."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def is_open_and_assigned(self, *, case_no: str, login: str) -> bool:
        """Return the register's one bit; see the protocol."""
        with self._connections.borrow() as connection:
            row = connection.execute(QUESTION, {"case_no": case_no, "login": login}).fetchone()
        return bool(row and row[0])
