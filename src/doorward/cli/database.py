"""Connections that the command line makes to a city's own server, as its DBA names it."""

from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from doorward.errors import ConfigError, UpstreamError

CONNECT_SECONDS: Final = 15


def check_conninfo(text: str) -> str:
    """Return a connection string that holds no secret, with our name in it.

    Raises:
        ConfigError: It is none, or has a password in it: other users of this host read argument lists.
    """
    try:
        parts = conninfo_to_dict(text)
    except psycopg.ProgrammingError as error:
        raise ConfigError(
            "that is no connection string", hint="such as `host=db.example user=dba dbname=clear`"
        ) from error
    if parts.get("password"):
        raise ConfigError(
            "a password does not belong into an argument, which others on this host can read",
            hint="leave it to PGPASSWORD, a password file or a certificate",
        )
    return make_conninfo(text, application_name="doorward", connect_timeout=CONNECT_SECONDS)


def open_database(text: str) -> psycopg.Connection[Any]:
    """Return a connection in autocommit mode.

    Raises:
        ConfigError: The connection string is none, or holds a password.
        UpstreamError: The server cannot be reached, or lets nobody in that way.
    """
    conninfo = check_conninfo(text)
    try:
        return psycopg.connect(conninfo, autocommit=True)
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines()
        raise UpstreamError(f"cannot connect: {said[-1].strip() if said else 'no answer'}") from error
