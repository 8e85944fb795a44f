"""What stops an install before anything is changed, each with the way out.

PostgreSQL itself cannot keep some things for an existing role once a table has row security (law 3): COPY FROM and
pg_dump by a role that is neither the owner nor has BYPASSRLS. And some things that are there would open every scope:
a right or a policy of PUBLIC. Both stop the install; nothing is repaired behind anybody's back.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import psycopg

from doorward.install.names import OWN_POLICY, OWN_ROLE, ROLE_MARK

MIN_SERVER: Final = 160_000  # GRANT ... WITH INHERIT, SET and groups in pg_ident.conf
SERVER: Final = """
SELECT current_setting('server_version_num')::integer, current_setting('server_version'),
  (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user),
  to_regnamespace('doorward') IS NULL AND EXISTS (
    SELECT FROM pg_catalog.pg_roles r WHERE r.rolname IN ('doorward_admin', 'dw_sessions')
      AND pg_catalog.shobj_description(r.oid, 'pg_authid') IS DISTINCT FROM %(mark)s)
"""
ELSEWHERE: Final = """
SELECT DISTINCT d.datname
FROM pg_catalog.pg_shdepend s JOIN pg_catalog.pg_database d ON d.oid = s.dbid
JOIN pg_catalog.pg_roles r ON r.oid = s.refobjid AND s.refclassid = 'pg_catalog.pg_authid'::regclass
WHERE r.rolname ~ %s AND d.datname <> current_database()
"""
PUBLIC_ACL: Final = """
SELECT a.privilege_type, NULL
FROM pg_catalog.pg_class c, LATERAL pg_catalog.aclexplode(c.relacl) a
WHERE c.oid = %(table)s::regclass AND a.grantee = 0
UNION
SELECT a.privilege_type, quote_ident(t.attname)
FROM pg_catalog.pg_attribute t, LATERAL pg_catalog.aclexplode(t.attacl) a
WHERE t.attrelid = %(table)s::regclass AND a.grantee = 0
ORDER BY 1, 2
"""
THROUGH_PUBLIC: Final = """
SELECT coalesce(string_agg(quote_ident(r.rolname), ', ' ORDER BY r.rolname), '(each role that needs it)')
FROM pg_catalog.pg_roles r
WHERE r.rolcanlogin AND NOT r.rolsuper AND r.rolname !~ '^pg_' AND r.rolname !~ %(own)s
"""
POLICIES: Final = """
SELECT p.polname, p.polpermissive, 0 = ANY (p.polroles)
FROM pg_catalog.pg_policy p
WHERE p.polrelid = %(table)s::regclass AND p.polname !~ %(own_policy)s
ORDER BY 1
"""
OUR_POLICIES: Final = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = %(table)s::regclass AND p.polname ~ %(own_policy)s)
"""
NOT_BOUND: Final = """(r.rolsuper OR r.rolbypassrls OR pg_catalog.pg_has_role(
    r.oid, (SELECT relowner FROM pg_catalog.pg_class WHERE oid = %(table)s::regclass), 'USAGE'))"""
COPYING: Final = f"""
SELECT r.rolname
FROM pg_catalog.pg_roles r
WHERE NOT {NOT_BOUND} AND r.rolcanlogin AND r.rolname !~ '^pg_' AND r.rolname !~ %(own)s
  AND (pg_catalog.has_table_privilege(r.oid, %(table)s::regclass, 'INSERT')
       OR pg_catalog.has_any_column_privilege(r.oid, %(table)s::regclass, 'INSERT'))
  AND NOT r.rolname = ANY (%(neither)s)
ORDER BY 1
"""  # noqa: S608  # constants of this module
DUMPING: Final = f"""
SELECT r.rolname
FROM pg_catalog.pg_roles r
WHERE NOT {NOT_BOUND} AND r.rolname = ANY (%(dumps)s)
  AND pg_catalog.has_table_privilege(r.oid, %(table)s::regclass, 'SELECT')
ORDER BY 1
"""  # noqa: S608  # constants of this module
BOUND_ELSEWHERE: Final = """
SELECT c.oid::regclass::text
FROM pg_catalog.pg_class c, pg_catalog.pg_roles r
WHERE r.rolname = %(role)s AND c.relrowsecurity AND NOT c.oid::regclass::text = ANY (%(ours)s)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid AND p.polname ~ %(own_policy)s)
  AND NOT pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE')
  AND pg_catalog.has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE')
ORDER BY 1 LIMIT 1
"""
SUBSCRIBED: Final = """
SELECT s.subname, r.rolname
FROM pg_catalog.pg_subscription_rel t JOIN pg_catalog.pg_subscription s ON s.oid = t.srsubid
JOIN pg_catalog.pg_roles r ON r.oid = s.subowner
WHERE t.srrelid = %(table)s::regclass AND NOT r.rolsuper AND NOT r.rolbypassrls
"""
UNKNOWN_ROLES: Final = (
    "SELECT w FROM unnest(%s::text[]) w WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = w)"
)
Connection = psycopg.Connection[Any]


class Mode(StrEnum):
    """How a scope holds its rows: by row security on the base tables, or in the views alone."""

    ROWS = "rows"
    VIEWS = "views"


@dataclass(frozen=True, slots=True)
class Declared:
    """What the DBA declares of the city's roles and objects.

    Args:
        neither: Roles that insert and use neither COPY FROM nor pg_dump.
        dumps: Roles that run pg_dump.
        accepted: Names as the install prints them of what PUBLIC reaches and may go on reaching.
    """

    neither: Collection[str] = field(default=())
    dumps: Collection[str] = field(default=())
    accepted: Collection[str] = field(default=())


def find_server_stops(connection: Connection, declared: Declared) -> list[str]:
    """Return why this server or this database cannot be installed into at all."""
    stops = []
    row = connection.execute(SERVER, {"mark": ROLE_MARK}).fetchone()
    number, version, is_superuser, taken = row or (0, "?", False, False)
    if number < MIN_SERVER:
        stops.append(f"this server is PostgreSQL {version}; doorward needs 16 or later")
    if not is_superuser:
        stops.append(
            "the role that installs is no superuser, and event triggers and other roles' tables ask for one"
        )
    if taken:
        stops.append(
            "a role `doorward_admin` or `dw_sessions` is there that no install of doorward made: rename it"
        )
    for (database,) in connection.execute(ELSEWHERE, [OWN_ROLE]).fetchall():
        stops.append(
            f"database `{database}` of this server stands behind a door already: one a server in this version"
        )
    named = [*declared.neither, *declared.dumps]
    for (role,) in connection.execute(UNKNOWN_ROLES, [named]).fetchall():
        stops.append(f"role `{role}` was declared and does not exist on this server")
    return stops


def find_table_stops(
    connection: Connection, tables: Collection[str], *, declared: Declared, mode: Mode
) -> list[str]:
    """Return every reason not to touch these tables, each with the way out; empty when there is none."""
    stops = []
    for table in tables:
        stops += [*_public(connection, table), *_policies(connection, table, mode)]
    if mode is Mode.ROWS:
        stops += _copies(connection, tables, declared)
    return stops


def _public(connection: Connection, table: str) -> Iterator[str]:
    for right, column in connection.execute(PUBLIC_ACL, {"table": table}).fetchall():
        row = connection.execute(THROUGH_PUBLIC, {"own": OWN_ROLE}).fetchone()
        what = f"{right} ({column})" if column else right
        yield (
            f"PUBLIC holds {what} on {table}, so every grant session would:"
            f" GRANT {what} ON {table} TO {row[0] if row else ''}; REVOKE {what} ON {table} FROM PUBLIC"
        )


def _policies(connection: Connection, table: str, mode: Mode) -> Iterator[str]:
    row = connection.execute(
        "SELECT relkind, relrowsecurity FROM pg_catalog.pg_class WHERE oid = %s::regclass", [table]
    ).fetchone()
    kind, has_row_security = row or ("", False)
    if mode is Mode.ROWS and kind not in {"r", "p"}:
        yield f"{table} is no table, and row security holds on tables only: install with --views, or name its table"
        return
    asked = {"table": table, "own_policy": OWN_POLICY}
    policies = connection.execute(POLICIES, asked).fetchall()
    for name, permissive, to_public in policies:
        if to_public:
            yield f"policy `{name}` on {table} is open to PUBLIC and would reach every scope: name its roles"
        elif not permissive and not has_row_security:
            yield f"policy `{name}` on {table} restricts and sleeps; row security would wake it: drop it"
    ours = connection.execute(OUR_POLICIES, {"table": table, "own_policy": OWN_POLICY}).fetchone() == (True,)
    if mode is Mode.VIEWS and ours:
        yield f"{table} carries row policies of an earlier install: uninstall, then install with --views"
    elif mode is Mode.VIEWS and has_row_security:
        yield f"{table} has row security of its own, which would empty the scopes' views: install without --views"
    for subscription, owner in connection.execute(SUBSCRIBED, {"table": table}).fetchall():
        if not has_row_security and mode is Mode.ROWS:
            yield (
                f"subscription `{subscription}` of `{owner}` writes into {table}, and PostgreSQL stops that under row"
                f" security: give `{owner}` BYPASSRLS"
            )


def _copies(connection: Connection, tables: Collection[str], declared: Declared) -> Iterator[str]:
    copying: dict[str, list[str]] = {}
    dumping: dict[str, list[str]] = {}
    for table in tables:
        asked = {
            "table": table, "own": OWN_ROLE, "neither": list(declared.neither), "dumps": list(declared.dumps),
        }  # fmt: skip
        for query, found in ((COPYING, copying), (DUMPING, dumping)):
            for (role,) in connection.execute(query, asked).fetchall():
                found.setdefault(role, []).append(table)
    for role, inserted in copying.items():
        way = "declare with --neither that it uses neither COPY FROM nor pg_dump"
        yield (
            f"role `{role}` inserts into {', '.join(inserted)} and PostgreSQL refuses it COPY FROM under row security:"
            f" {way}, or {_bypass(connection, role, tables)}"
        )
    for role, dumped in dumping.items():
        yield (
            f"role `{role}` dumps {', '.join(dumped)} and PostgreSQL refuses it pg_dump under row security:"
            f" {_bypass(connection, role, tables)}"
        )


def _bypass(connection: Connection, role: str, tables: Collection[str]) -> str:
    asked = {"role": role, "ours": list(tables), "own_policy": OWN_POLICY}
    bound = connection.execute(BOUND_ELSEWHERE, asked).fetchone()
    if bound:
        lifted = f"BYPASSRLS would also lift the row security of {bound[0]}, which binds it"
        return f"install with --views: {lifted}"
    return f"have the DBA run ALTER ROLE {role} BYPASSRLS"
