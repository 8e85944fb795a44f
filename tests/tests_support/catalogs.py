"""Everything that a catalog holds and that an install could leave a trace in, row by row."""

from typing import Any

import psycopg

# What PostgreSQL itself changes by and by is left out: statistics, sizes, files, transaction ids.
EVERYTHING = {
    "pg_class": "oid, relname, relnamespace, relowner, relkind, relacl::text, reloptions, relrowsecurity,"
    " relforcerowsecurity, relhasrules, relhastriggers",
    "pg_attribute": "attrelid, attname, attnum, attacl::text, attoptions, attisdropped",
    "pg_proc": "oid, proname, proowner, proacl::text, prosecdef, proconfig",
    "pg_language": "oid, lanname, lanacl::text",
    "pg_namespace": "oid, nspname, nspowner, nspacl::text",
    "pg_database": "oid, datname, datdba, datacl::text",
    "pg_authid": "oid, rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication,"
    " rolbypassrls, rolconnlimit, rolpassword",
    "pg_auth_members": "roleid, member, grantor, admin_option, inherit_option, set_option",
    "pg_db_role_setting": "setdatabase, setrole, setconfig",
    "pg_default_acl": "defaclrole, defaclnamespace, defaclobjtype, defaclacl::text",
    "pg_policy": "polname, polrelid, polcmd, polpermissive, polroles::text",
    "pg_event_trigger": "evtname, evtenabled",
    "pg_shdepend": "dbid, classid, objid, objsubid, refclassid, refobjid, deptype",
    "pg_depend": "classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype",
    "pg_description": "objoid, classoid, objsubid, description",
    "pg_shdescription": "objoid, classoid, description",
    "pg_init_privs": "objoid, classoid, objsubid, privtype, initprivs::text",
}


def read_everything(connection: psycopg.Connection[Any]) -> dict[str, set[tuple[Any, ...]]]:
    """Return the rows of every catalog above."""
    found = {}
    for catalog, columns in EVERYTHING.items():
        rows = connection.execute(
            f"SELECT {columns} FROM pg_catalog.{catalog}".encode()
        ).fetchall()  # constants
        found[catalog] = {tuple(str(value) for value in row) for row in rows}
    return found


def differences(before: dict[str, set[tuple[Any, ...]]], after: dict[str, set[tuple[Any, ...]]]) -> list[str]:
    """Return each row that came or went."""
    return [
        f"{sign} {catalog} {row}"
        for catalog in before
        for sign, rows in (("-", before[catalog] - after[catalog]), ("+", after[catalog] - before[catalog]))
        for row in sorted(rows)
    ]
