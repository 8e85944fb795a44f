"""What runs in a data folder that `doorward up` started, and how to reach it."""

import json
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo

from doorward.cli.folders import Folders
from doorward.errors import ConfigError
from doorward.gateway.alive import KEPT_ALIVE
from doorward.grants.registers import RegisterTable

DATABASE: Final = "clear"
ORDER: Final = "chicago"
DISCLOSURES: Final = "disclosures"
RECORDER: Final = "doorward_recorder"
REGISTER: Final = RegisterTable("public.cases", "case_no", "status", "kind", "assigned_to")  # the sample's


def record_conninfo(folders: Folders) -> str:
    """Return how the publisher and `log verify` reach the disclosures on the record's own server."""
    record = read_run(folders, "record")
    return make_conninfo(
        host=record["socket_dir"],
        port=record["port"],
        user=RECORDER,
        dbname=DISCLOSURES,
        application_name="doorward",
    )


def read_run(folders: Folders, name: str) -> dict[str, Any]:
    """Return what `doorward up` wrote on a running server.

    Raises:
        ConfigError: doorward is not up in this folder.
    """
    try:
        found: dict[str, Any] = json.loads((folders.run / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"doorward is not up in `{folders.data}`", hint="start it with `doorward up`"
        ) from error
    return found


def connect_admin(conninfo: str) -> psycopg.Connection[Any]:
    """Return a connection of the gateway's own role."""
    connection = psycopg.connect(make_conninfo(conninfo, **KEPT_ALIVE), autocommit=True, connect_timeout=5)
    # A grant lost with the server's crash is as it should be; see foundation.sql.
    connection.execute("SET synchronous_commit = off; SET statement_timeout = '10s'")
    return connection
