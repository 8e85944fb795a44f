"""Looking at the servers: each question reads a catalog, and none changes anything."""

from collections.abc import Callable, Mapping
from datetime import datetime
from ipaddress import ip_address
from typing import Any, Final

import psycopg

from doorward.doctor.server import BoundLogin, LoginFacts, ServerFacts
from doorward.doctor.way_in import Mapping as MapLine
from doorward.doctor.way_in import Rule, WayInFacts
from doorward.install.names import LOGIN_PREFIX

SERVER: Final = """
SELECT pg_catalog.current_setting('server_version_num')::integer, pg_catalog.clock_timestamp(),
  pg_catalog.host(pg_catalog.inet_server_addr())
"""
BOUND: Final = """
SELECT g.login, g.until, pg_catalog.count(a.pid)
FROM doorward.session_grant g LEFT JOIN pg_catalog.pg_stat_activity a ON a.usename = g.login
GROUP BY g.login, g.until
"""
LOOSE: Final = """
SELECT DISTINCT a.usename::text FROM pg_catalog.pg_stat_activity a
WHERE pg_catalog.starts_with(a.usename, %(prefix)s)
  AND NOT EXISTS (SELECT FROM doorward.session_grant g WHERE g.login = a.usename)
"""
FREE: Final = """
SELECT pg_catalog.count(*) FROM pg_catalog.pg_roles r
WHERE pg_catalog.starts_with(r.rolname, %(prefix)s)
  AND NOT EXISTS (SELECT FROM doorward.session_grant g WHERE g.login = r.rolname)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.usename = r.rolname)
"""
RULES: Final = """
SELECT line_number, type, database, user_name, coalesce(address, ''), auth_method, coalesce(options, '{}'), error
FROM pg_catalog.pg_hba_file_rules ORDER BY rule_number NULLS LAST, line_number
"""
MAPPINGS: Final = """
SELECT line_number, map_name, sys_name, pg_username, error
FROM pg_catalog.pg_ident_file_mappings ORDER BY map_number NULLS LAST, line_number
"""
NEWER: Final = """
SELECT coalesce(bool_or((pg_catalog.pg_stat_file(pg_catalog.current_setting(name), true)).modification
                        > pg_catalog.pg_conf_load_time()), false)
FROM unnest(ARRAY['hba_file', 'ident_file']) AS name
"""
IN_FORCE: Final = "SELECT order_name, order_digest FROM doorward.installation"
INSTALLED: Final = "SELECT to_regclass('doorward.installation') IS NOT NULL"
HERE: Final = "this host"
Connection = psycopg.Connection[Any]


def look_at_server(connection: Connection, *, clock: Callable[[], datetime]) -> ServerFacts:
    """Return what a server says of itself; `clock` is this host's."""
    before = clock()
    row = connection.execute(SERVER).fetchone()
    now = before + (clock() - before) / 2
    assert row is not None
    version, there, address = row
    try:
        found = connection.execute("SELECT system_identifier FROM pg_catalog.pg_control_system()").fetchone()
    except psycopg.errors.InsufficientPrivilege:
        found = None
    near = address is None or ip_address(address).is_loopback
    return ServerFacts(version, there, now, found[0] if found else None, HERE if near else str(address))


def look_at_order(connection: Connection) -> tuple[str, str] | None:
    """Return name and digest of the order that the database holds, or None."""
    if connection.execute(INSTALLED).fetchone() != (True,):
        return None
    row = connection.execute(IN_FORCE).fetchone()
    return (str(row[0]), str(row[1])) if row is not None else None


class LoginLook:
    """The login roles of sessions, looked at twice: what is seen once may be a session that just begins or ends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._first = self._look()

    def facts(self, *, gateways: int) -> LoginFacts:
        """Return what was there both times."""
        before, loose_before, _ = self._first
        bound, loose, free = self._look()
        stayed = [one for login, one in bound.items() if one.backends or login in before]
        return LoginFacts(stayed, sorted(loose & loose_before), free, gateways)

    def _look(self) -> tuple[Mapping[str, BoundLogin], set[str], int]:
        asked = {"prefix": LOGIN_PREFIX}
        with self._connection.transaction():
            bound = {row[0]: BoundLogin(*row) for row in self._connection.execute(BOUND).fetchall()}
            loose = {row[0] for row in self._connection.execute(LOOSE, asked).fetchall()}
            free = self._connection.execute(FREE, asked).fetchone()
        return bound, loose, free[0] if free else 0


def look_at_way_in(connection: Connection) -> WayInFacts:
    """Return the lines of pg_hba.conf and pg_ident.conf as the server reads them; a superuser's connection."""
    rules, mappings, faults = [], [], []
    for line, kind, databases, users, address, method, options, error in connection.execute(RULES).fetchall():
        if error is not None:
            faults.append(f"line {line} of pg_hba.conf cannot be read")
            continue
        rules.append(Rule(line, kind, tuple(databases), tuple(users), address, method, tuple(options)))
    for line, name, system, role, error in connection.execute(MAPPINGS).fetchall():
        if error is not None:
            faults.append(f"line {line} of pg_ident.conf cannot be read")
            continue
        mappings.append(MapLine(name, system, role))
    newer = connection.execute(NEWER).fetchone()
    return WayInFacts(rules, mappings, faults, is_newer=bool(newer and newer[0]))
