"""The names of what doorward creates in a database; nothing else there belongs to it.

Everything starts with ``dw_`` or stands in the schema ``doorward``. Scope roles and schemas carry the digest of
their shape, login roles carry random digits: role names are readable by every session.
"""

import re

SCHEMA = "doorward"
ADMIN = "doorward_admin"
SESSIONS = "dw_sessions"
LOGIN_PREFIX = "dw_g_"
KEEP_POLICY = "doorward_keep"
REGISTER_POLICY = "doorward_register"
EVENT_TRIGGER = "doorward_refuse_ddl"
OWN_ROLE = re.compile(r"^(dw_|doorward_)")


def owner_role(scope_id: str) -> str:
    """Return the NOLOGIN role that owns a scope's views and that no session inherits."""
    return f"dw_o_{scope_id}"


def reader_role(scope_id: str) -> str:
    """Return the NOLOGIN role that a scope's sessions inherit; it owns nothing."""
    return f"dw_r_{scope_id}"


def scope_schema(scope_id: str) -> str:
    """Return the schema of a scope's views; also the name of its row policies."""
    return f"dw_{scope_id}"
