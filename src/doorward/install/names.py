"""The names of what doorward creates in a database; nothing else there belongs to it.

Scope roles and schemas carry the digest of their shape, login roles carry random digits: role names are readable by
every session. The patterns are exact, because `dw_` alone also begins the names of many a data warehouse.
"""

import re

SCHEMA = "doorward"
ADMIN = "doorward_admin"
SESSIONS = "dw_sessions"
LOGIN_PREFIX = "dw_g_"
KEEP_POLICY = "doorward_keep"
REGISTER_POLICY = "doorward_register"
GUARD_TRIGGER = "doorward_refuse_ddl"
KEEP_TRIGGER = "doorward_keep_rows"
ROLE_MARK = "made by doorward; `doorward order uninstall` drops it"  # the comment on the two roles above
OWN_ROLE = "^(doorward_admin|dw_sessions|dw_[or]_[0-9a-f]{12}|dw_g_[0-9a-f]{16})$"  # PostgreSQL reads it too
OWN_SCHEMA = "^(doorward|dw_[0-9a-f]{12})$"
OWN_POLICY = "^(doorward_keep|doorward_register|dw_[0-9a-f]{12})$"


_BARE = re.compile(r"^[a-z_][a-z0-9_]*$")


def spell_table(table: str) -> str:
    """Return ``schema.table`` as PostgreSQL reads a relation's name in a text: quoted where it must be."""
    return ".".join(
        part if _BARE.match(part) else '"' + part.replace('"', '""') + '"' for part in table.split(".", 1)
    )


def owner_role(scope_id: str) -> str:
    """Return the NOLOGIN role that owns a scope's views and that no session inherits."""
    return f"dw_o_{scope_id}"


def reader_role(scope_id: str) -> str:
    """Return the NOLOGIN role that a scope's sessions inherit; it owns nothing."""
    return f"dw_r_{scope_id}"


def scope_schema(scope_id: str) -> str:
    """Return the schema of a scope's views; also the name of its row policies."""
    return f"dw_{scope_id}"
