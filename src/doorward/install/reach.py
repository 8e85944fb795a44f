"""What a role reaches in a database: everything a grant session could touch beside its own views is a hole.

Read from the catalog of the database that will decide, not from what the install meant to do. Asked for PUBLIC before
an install, because a grant session is PUBLIC and its scope's reader and nothing else, and for each reader after it.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

import psycopg

from doorward.install.names import reader_role, scope_schema
from doorward.policy.scopes import Scope

HOLES: Final = """
SELECT format('%%s %%I.%%I',
    CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' WHEN 'f' THEN 'foreign table'
      WHEN 'm' THEN 'materialized view' ELSE 'sequence' END, n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p', 'S')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', %(schema)s) AND n.nspname !~ '^pg_toast'
  AND CASE WHEN c.relkind = 'S'
        THEN pg_catalog.has_sequence_privilege(%(role)s, c.oid, 'USAGE, SELECT, UPDATE')
        ELSE pg_catalog.has_table_privilege(
            %(role)s, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
          OR pg_catalog.has_any_column_privilege(%(role)s, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES') END
UNION ALL
-- A function that runs as its owner, or in a language that is not trusted, or that opens connections of its own.
SELECT 'function ' || p.oid::regprocedure::text
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND (p.prosecdef OR NOT (l.lanpltrusted OR l.lanname IN ('internal', 'c'))
       OR EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
                  WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
                    AND e.extname IN ('dblink', 'adminpack', 'file_fdw')))
  AND pg_catalog.has_schema_privilege(%(role)s, n.oid, 'USAGE')
  AND pg_catalog.has_function_privilege(%(role)s, p.oid, 'EXECUTE')
UNION ALL
SELECT 'creation in schema ' || n.nspname FROM pg_catalog.pg_namespace n
WHERE n.nspname !~ '^pg_' AND pg_catalog.has_schema_privilege(%(role)s, n.oid, 'CREATE')
UNION ALL
SELECT 'foreign server ' || s.srvname FROM pg_catalog.pg_foreign_server s
WHERE pg_catalog.has_server_privilege(%(role)s, s.oid, 'USAGE')
UNION ALL
SELECT 'foreign-data wrapper ' || w.fdwname FROM pg_catalog.pg_foreign_data_wrapper w
WHERE pg_catalog.has_foreign_data_wrapper_privilege(%(role)s, w.oid, 'USAGE')
UNION ALL
SELECT 'tablespace ' || t.spcname FROM pg_catalog.pg_tablespace t
WHERE pg_catalog.has_tablespace_privilege(%(role)s, t.oid, 'CREATE')
UNION ALL
SELECT 'creation in database ' || current_database()
WHERE pg_catalog.has_database_privilege(%(role)s, current_database(), 'CREATE')
UNION ALL
SELECT 'parameter ' || a.parname FROM pg_catalog.pg_parameter_acl a
WHERE pg_catalog.has_parameter_privilege(%(role)s, a.parname, 'SET, ALTER SYSTEM')
UNION ALL
SELECT format('large object %%s', m.oid)
FROM pg_catalog.pg_largeobject_metadata m, LATERAL pg_catalog.aclexplode(m.lomacl) a
WHERE a.grantee = 0 OR (%(role)s <> 'public' AND a.grantee = to_regrole(%(role)s))
ORDER BY 1
"""
WRITES: Final = """
SELECT format('writing to %%I.%%I', n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'v', 'm', 'f', 'p')
  AND pg_catalog.has_table_privilege(%(role)s, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
"""
PUBLIC: Final = "public"  # PostgreSQL's functions take it for PUBLIC
Connection = psycopg.Connection[Any]


def find_public_reach(connection: Connection) -> list[str]:
    """Return everything that PUBLIC reaches, and so every grant session would; empty when it reaches nothing."""
    return [row[0] for row in connection.execute(HOLES, {"role": PUBLIC, "schema": ""})]


def find_holes(
    connection: Connection, scopes: Mapping[str, Scope], *, accepted: Collection[str]
) -> list[str]:
    """Return everything that a scope's readers reach outside their own views; empty when they reach nothing.

    Args:
        connection: To the database.
        scopes: By id.
        accepted: What was declared as harmless, as `find_public_reach` names it.
    """
    holes: dict[str, None] = {}
    for scope_id in scopes:
        parameters = {"role": reader_role(scope_id), "schema": scope_schema(scope_id)}
        for query in (HOLES, WRITES):
            holes |= dict.fromkeys(row[0] for row in connection.execute(query, parameters))
    return [hole for hole in holes if hole not in accepted]
