"""Whether a database is still what the install left: the link from the theorem to what PostgreSQL decides by.

The catalog is read in sections; each section's digest is kept at the install, so that a drift names what changed. What
may change lawfully is not in a digest and is asked instead: the roles of a keep-policy, and login roles.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import psycopg

from doorward.install.keepers import find_unkept
from doorward.install.names import OWN_POLICY, OWN_ROLE, OWN_SCHEMA
from doorward.install.public_rights import find_public_rights

SECTIONS: Final[Mapping[str, str]] = {
    "roles": """
SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconfig
FROM pg_catalog.pg_roles WHERE rolname ~ %(role)s AND NOT starts_with(rolname, 'dw_g_') ORDER BY rolname""",
    "memberships": """
SELECT g.rolname, m.rolname, a.admin_option, a.inherit_option, a.set_option
FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles g ON g.oid = a.roleid
JOIN pg_catalog.pg_roles m ON m.oid = a.member
WHERE (g.rolname ~ %(role)s OR m.rolname ~ %(role)s)
  AND NOT starts_with(m.rolname, 'dw_g_') AND NOT starts_with(g.rolname, 'dw_g_') ORDER BY 1, 2, 3, 4, 5""",
    "row security": """
SELECT v.name, c.relrowsecurity, c.relforcerowsecurity
FROM doorward.covered v LEFT JOIN pg_catalog.pg_class c ON c.oid = v.relation ORDER BY v.name""",
    "policies": """
SELECT v.name, p.polname, p.polpermissive, p.polcmd,
  CASE WHEN p.polname <> 'doorward_keep' THEN ARRAY(
    SELECT coalesce(r.rolname, 'PUBLIC') FROM unnest(p.polroles) k LEFT JOIN pg_catalog.pg_roles r ON r.oid = k
    ORDER BY 1) END,
  pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)
FROM doorward.covered v JOIN pg_catalog.pg_policy p ON p.polrelid = v.relation ORDER BY v.name, p.polname""",
    "views": """
SELECT n.nspname, c.relname, c.relkind, pg_catalog.pg_get_userbyid(c.relowner), c.reloptions,
  CASE WHEN c.relkind = 'v' THEN pg_catalog.pg_get_viewdef(c.oid) END, c.relacl::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname ~ %(schema)s AND c.relkind <> 'i' AND NOT starts_with(n.nspname, 'pg_toast') ORDER BY 1, 2""",
    "schemas": """
SELECT nspname, pg_catalog.pg_get_userbyid(nspowner), nspacl::text
FROM pg_catalog.pg_namespace WHERE nspname ~ %(schema)s ORDER BY 1""",
    "functions": """
SELECT p.proname, p.prosrc, p.prosecdef, p.proconfig, pg_catalog.pg_get_userbyid(p.proowner), p.proacl::text
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname ~ %(schema)s ORDER BY 1""",
    "event triggers": """
SELECT evtname, evtevent, evtenabled, evttags
FROM pg_catalog.pg_event_trigger WHERE evtname ~ '^doorward_' ORDER BY 1""",
    "rights of scopes": """
SELECT c.oid::regclass::text, g.rolname, a.privilege_type
FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
JOIN pg_catalog.pg_roles g ON g.oid = a.grantee JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ %(schema)s AND g.rolname ~ %(role)s AND g.rolname <> 'doorward_admin'
ORDER BY 1, 2, 3""",
}
INSTALLED: Final = "SELECT catalog_digest, mode FROM doorward.installation"
Connection = psycopg.Connection[Any]


def read_digests(connection: Connection) -> dict[str, str]:
    """Return the digest of each section of the catalog, as hexadecimal SHA-256."""
    asked = {"role": OWN_ROLE, "schema": OWN_SCHEMA, "policy": OWN_POLICY}
    digests = {}
    for section, query in SECTIONS.items():
        rows = connection.execute(query.encode(), asked).fetchall()
        text = json.dumps(rows, default=str, separators=(",", ":"))
        digests[section] = hashlib.sha256(text.encode()).hexdigest()
    return digests


def format_digests(digests: Mapping[str, str]) -> str:
    """Return the digests as the text that is kept with the installation."""
    return json.dumps(digests, sort_keys=True)


def digest_catalog(digests: Mapping[str, str]) -> str:
    """Return the one digest over all sections: what a certificate of an installation names."""
    return hashlib.sha256(format_digests(digests).encode()).hexdigest()


def find_drift(connection: Connection) -> list[str]:
    """Return what is no longer as the install left it, a sentence each; empty when nothing moved.

    Args:
        connection: A superuser's, to a database with an installation.
    """
    row = connection.execute(INSTALLED).fetchone()
    if row is None:
        return ["no order is in force: an install did not come to its end"]
    kept = json.loads(row[0]) if row[0] else {}
    now = read_digests(connection)
    drift = [
        f"{section} of the installation changed since the install"
        for section in SECTIONS
        if kept.get(section) != now[section]
    ]
    for name, there, had in connection.execute(
        "SELECT v.name, c.oid IS NOT NULL, v.had_row_security"
        " FROM doorward.covered v LEFT JOIN pg_catalog.pg_class c ON c.oid = v.relation"
        " ORDER BY 1"
    ).fetchall():
        if not there:
            drift.append(f"{name} was dropped, and what stands there now is not behind the door")
            continue
        if had:
            continue
        drift += [
            f"`{role}` reaches {name} and does not keep all of its rows"
            for role in find_unkept(connection, name)
        ]
    drift += [f"PUBLIC holds {right.granted} again" for right in find_public_rights(connection)]
    return drift
