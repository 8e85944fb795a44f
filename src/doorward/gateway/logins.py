"""Login roles: made ahead for a scope, bound to one grant at a time, reset before the next.

INVARIANT (one grant a login): a login role is in `doorward.session_grant` for one grant or for none. It becomes
free again only after its last backend is gone and it owns nothing, has no setting and no default privileges;
a role that cannot be cleaned is locked and dropped.

The names are random because every session can read them. They are entered by the gateway's peer map alone. The first
digit says which worker's a login is, so that each worker has a pool of its own and, after a kill, its successor cleans
that and nothing of its siblings.
"""

import select
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from doorward.errors import UpstreamError
from doorward.gateway.answer import GrantBinding
from doorward.install.names import LOGIN_PREFIX
from doorward.install.scopes import create_login

CONNECTIONS_PER_LOGIN = 1  # a new connection is a new decision and a new grant
GONE_MILLISECONDS = 5_000  # how long a terminated backend may take to leave
IDLE_ADMIN_CONNECTIONS = 4  # as many as the gateway has threads for them
MEMBERS = """
SELECT l.rolname, substr(r.rolname, 6)
FROM pg_catalog.pg_auth_members m
JOIN pg_catalog.pg_roles r ON r.oid = m.roleid JOIN pg_catalog.pg_roles l ON l.oid = m.member
WHERE r.rolname ~ '^dw_r_' AND starts_with(l.rolname, 'dw_g_')
"""
SOILED = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_shdepend
               WHERE refclassid = 'pg_authid'::regclass AND refobjid = r.oid AND deptype = 'o')
    OR EXISTS (SELECT FROM pg_catalog.pg_default_acl WHERE defaclrole = r.oid) AS owns,
  EXISTS (SELECT FROM pg_catalog.pg_db_role_setting WHERE setrole = r.oid) AS has_settings
FROM pg_catalog.pg_roles r WHERE r.rolname = %s
"""
Connection = psycopg.Connection[Any]


class AdminConnections:
    """A few connections of the gateway's own role, handed to one thread at a time."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._idle: list[Connection] = []
        self._lock = threading.Lock()

    @contextmanager
    def borrow(self) -> Iterator[Connection]:
        """Yield a connection in autocommit mode; one that failed is closed and not used again.

        Raises:
            UpstreamError: PostgreSQL cannot be reached, or refused a statement.
        """
        connection = self._take()
        try:
            connection = connection or self._connect()
            yield connection
        except psycopg.Error as error:
            if connection is not None:
                connection.close()
            raise UpstreamError("the database behind the door does not answer as it must") from error
        except BaseException:
            if connection is not None:
                connection.close()
            raise
        with self._lock:
            if len(self._idle) < IDLE_ADMIN_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()

    def _take(self) -> Connection | None:
        # One that PostgreSQL ended while it was idle has something to read: its end. Nothing else is sent unasked.
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if not connection.closed and not _has_word(connection):
                return connection
            connection.close()

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


@dataclass(frozen=True, slots=True)
class Share:
    """Which login roles are a worker's: those whose first digit gives its number, counted round.

    With another number of workers each digit is still one worker's, so nothing of an earlier gateway is left over.
    """

    worker: int = 0
    workers: int = 1

    def has(self, login: str) -> bool:
        """Return True for a login role of this worker."""
        return int(login[len(LOGIN_PREFIX)], 16) % self.workers == self.worker

    def name(self, digits: str) -> str:
        """Return the name of a login role of this worker.

        Args:
            digits: Sixteen random hexadecimal ones.
        """
        first = int(digits[0], 16)
        fitting = [digit for digit in range(16) if digit % self.workers == self.worker]
        return f"{LOGIN_PREFIX}{fitting[first % len(fitting)]:x}{digits[1:]}"


class Logins:
    """A worker's pool of login roles of one database."""

    def __init__(
        self,
        admin: AdminConnections,
        *,
        order_digest: str,
        random: Callable[[int], bytes],
        share: Share = Share(),
    ) -> None:
        self._order_digest = order_digest
        self._admin = admin
        self._random = random
        self._share = share
        self._free: dict[str, list[str]] = defaultdict(list)
        self._left: list[tuple[str, str]] = []  # login and scope of what could not be cleaned
        self._lock = threading.Lock()

    def recover(self) -> int:
        """End what this worker's predecessor left, make its login roles free, and return how many there are."""
        with self._admin.borrow() as connection:
            members = [row for row in connection.execute(MEMBERS).fetchall() if self._share.has(row[0])]
            for login, scope_id in members:
                if self._clean(connection, login):
                    self._free[scope_id].append(login)
        return len(members)

    def bind(self, binding: GrantBinding) -> str:
        """Return a login role that now stands for this grant.

        Raises:
            UpstreamError: PostgreSQL refused, or holds another order; nothing is bound.
        """
        with self._lock:
            free = self._free[binding.scope_id]
            login = free.pop() if free else None
            left = self._left.pop() if self._left else None
        if left is not None:
            self.release(*left)  # PostgreSQL was away when its time came
        is_new, login = login is None, login or self._share.name(self._random(8).hex())
        try:
            with self._admin.borrow() as connection:
                self._bind(connection, login, binding, is_new=is_new)
        except UpstreamError:
            self._leave(login, binding.scope_id)
            raise
        return login

    def _bind(self, connection: Connection, login: str, binding: GrantBinding, *, is_new: bool) -> None:
        if is_new:
            with connection.transaction():
                for statement in create_login(login, binding.scope_id, connections=CONNECTIONS_PER_LOGIN):
                    connection.execute(statement)
        # By the order that decided, or not at all: another one may have been installed a moment ago.
        done = connection.execute(
            "INSERT INTO doorward.session_grant (login, scope, case_no, unit, place, until)"
            " SELECT %s, %s, %s, %s, %s, %s FROM doorward.installation WHERE order_digest = %s",
            [
                login, binding.scope_id, binding.case_no, binding.unit, binding.place, binding.until,
                self._order_digest,
            ],
        )  # fmt: skip
        if done.rowcount != 1:
            raise UpstreamError("the database holds another order than the one that decided")

    def _leave(self, login: str, scope_id: str) -> None:
        with self._lock:
            self._left.append((login, scope_id))

    def release(self, login: str, scope_id: str) -> None:
        """End the login's sessions, take its grant away and make it free, or drop it if it is not clean.

        Raises:
            UpstreamError: PostgreSQL refused or is away; the login stays out of use, and a later `bind` tries again.
        """
        try:
            with self._admin.borrow() as connection:
                clean = self._clean(connection, login)
        except UpstreamError:
            self._leave(login, scope_id)
            raise
        if clean:
            with self._lock:
                self._free[scope_id].append(login)

    def end(self, logins: Collection[str]) -> None:
        """Take the grants of these logins and end their backends, all in one statement; they are cleaned later.

        Raises:
            UpstreamError: PostgreSQL refused or does not answer.
        """
        if not logins:
            return
        named = list(logins)
        with self._admin.borrow() as connection:
            connection.execute(
                "WITH taken AS (DELETE FROM doorward.session_grant WHERE login = ANY (%(named)s))"
                " SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity"
                " WHERE usename = ANY (%(named)s)",
                {"named": named},
            )

    def _clean(self, connection: Connection, login: str) -> bool:
        # The grant goes first: from here on the login reads nothing, even while its backend still runs.
        connection.execute("DELETE FROM doorward.session_grant WHERE login = %s", [login])
        gone = connection.execute(
            "SELECT pg_catalog.pg_terminate_backend(pid, %s) FROM pg_catalog.pg_stat_activity WHERE usename = %s",
            [GONE_MILLISECONDS, login],
        ).fetchall()
        if not all(row[0] for row in gone):
            return False  # a backend that does not leave keeps its login out of use
        row = connection.execute(SOILED, [login]).fetchone()
        if row is None:
            return False
        owns, has_settings = row
        if owns:
            _drop(connection, login)
            return False
        if has_settings:
            role = sql.Identifier(login)
            connection.execute(sql.SQL("ALTER ROLE {} RESET ALL").format(role))
            for (database,) in connection.execute("SELECT datname FROM pg_catalog.pg_database").fetchall():
                connection.execute(
                    sql.SQL("ALTER ROLE {} IN DATABASE {} RESET ALL").format(role, sql.Identifier(database))
                )
        return True


def _has_word(connection: Connection) -> bool:
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _drop(connection: Connection, login: str) -> None:
    role = sql.Identifier(login)
    with connection.transaction():
        connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(role))
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER WITH INHERIT TRUE").format(role))
        connection.execute(sql.SQL("DROP OWNED BY {}").format(role))
        connection.execute(sql.SQL("DROP ROLE {}").format(role))
