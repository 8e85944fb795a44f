"""Short transactions on tables that others use: a lock that is not had soon is given back, and asked for again.

While a statement of ours waits for a table, everybody who comes after it waits too. So it waits a fifth of a second at
most, then steps back for longer and longer, until the time that the DBA gave is over.
"""

import time
from collections.abc import Callable
from typing import Any, Final

import psycopg
from psycopg import sql

from doorward.errors import InstallError

LOCK_TIMEOUT: Final = "200ms"  # what the people behind us wait at most
FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 3.0
HOLDERS: Final = """
SELECT DISTINCT a.pid, a.usename, a.state, date_trunc('second', clock_timestamp() - a.xact_start)::text
FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.relation = to_regclass(%s) AND l.granted AND a.pid <> pg_catalog.pg_backend_pid()
ORDER BY 1 LIMIT 5
"""
Connection = psycopg.Connection[Any]
Say = Callable[[str, int, int], None]  # a step, how much of it is done, of how much


def say_nothing(_step: str, _done: int, _total: int) -> None:
    """Take no notice."""


def in_short_transaction(
    connection: Connection, work: Callable[[], None], *, table: str | None, seconds: float
) -> float:
    """Run the work in one transaction, again where a lock was not to be had, and return how many seconds it took.

    Args:
        connection: In autocommit mode.
        work: Executes on the connection; may be run several times.
        table: Which table it is about, for the message; None for the catalog.
        seconds: How long to go on trying.

    Raises:
        InstallError: The lock was not to be had in that time; nothing of the work is done.
    """
    deadline = time.monotonic() + seconds
    pause = FIRST_PAUSE_SECONDS
    while True:
        started = time.monotonic()
        try:
            with connection.transaction():
                connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(LOCK_TIMEOUT)))
                work()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
            if time.monotonic() + pause > deadline:
                what = table or "the catalog"
                raise InstallError(
                    f"{what} stayed locked for {seconds:g} s{_holders(connection, table)}",
                    hint="end that transaction, then run the same command again: what is done is not done twice",
                ) from error
        else:
            return time.monotonic() - started
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)


def _holders(connection: Connection, table: str | None) -> str:
    if table is None:
        return ""
    rows = connection.execute(HOLDERS, [table]).fetchall()
    if not rows:
        return ""
    return ": held by " + ", ".join(
        f"pid {pid} of `{user}` ({state}, open for {age})" for pid, user, state, age in rows
    )
