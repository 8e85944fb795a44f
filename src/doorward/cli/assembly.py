"""Putting the parts of one installation together; the only place where all of them meet."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from typing import Any

import psycopg

from doorward.cli.folders import Folders
from doorward.errors import ConfigError
from doorward.gateway.door import Door
from doorward.gateway.logins import AdminConnections, Logins
from doorward.gateway.server import Server, ServerParts
from doorward.grants.people import load_directory
from doorward.grants.registers import PostgresCaseRegister
from doorward.install.names import ADMIN
from doorward.orders.load import Pack, load_pack
from doorward.policy.scopes import ScopeBook
from doorward.record.spool import Spool

DATABASE = "clear"
ORDER = "chicago"
DISCLOSURES = "disclosures"
RECORDER = "doorward_recorder"
SECRET_BYTES = 32


def load_order(folders: Folders, order: str) -> tuple[Pack, ScopeBook]:
    """Return the pack of this name or folder and its scopes, from the cache where the pack's digest is the same."""
    pack = load_pack(order)
    # By version too: another compiler may make other predicates of the same text.
    cache = folders.order / f"{pack.digest}-{version('doorward')}.json"
    if cache.exists():
        return pack, ScopeBook.from_json(cache.read_text(encoding="utf-8"))
    book = pack.scope_book()
    partial = cache.with_suffix(".partial")
    partial.write_text(book.to_json(), encoding="utf-8")
    partial.replace(cache)
    return pack, book


def scram_secret(folders: Folders) -> bytes:
    """Return the secret from which unknown logins get their salts; made once."""
    file = folders.keys / "scram.secret"
    if not file.exists():
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as sink:
            sink.write(os.urandom(SECRET_BYTES))
    secret = file.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise ConfigError("`keys/scram.secret` has the wrong length", hint="`doorward reset` makes a new one")
    return secret


def record_conninfo(folders: Folders) -> str:
    """Return how the publisher and `log verify` reach the disclosures on the record's own server."""
    record = read_run(folders, "record")
    return psycopg.conninfo.make_conninfo(
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


@contextmanager
def assemble_gateway(folders: Folders, *, order: str, now: datetime) -> Iterator[Server]:
    """Yield a gateway ready to listen; closes the spool and the connections at the end."""
    city = read_run(folders, "city")
    pack, book = load_order(folders, order)
    dsn = psycopg.conninfo.make_conninfo(
        host=city["socket_dir"], port=city["port"], user=ADMIN, dbname=DATABASE, application_name="doorward"
    )

    def connect() -> psycopg.Connection[Any]:
        connection = psycopg.connect(dsn, autocommit=True, connect_timeout=5)
        # A grant lost with the server's crash is as it should be; see foundation.sql.
        connection.execute("SET synchronous_commit = off; SET statement_timeout = '10s'")
        return connection

    # The spool first: its lock says that no other gateway stands here, and only then may `recover` end what an
    # earlier one left.
    spool = Spool.open(folders.spool, now=now)
    admin = AdminConnections(connect)
    try:
        logins = Logins(admin, random=os.urandom)
        logins.recover()
        door = Door(
            pack=pack,
            book=book,
            directory=load_directory(folders.people, folders.agreements),
            register=PostgresCaseRegister(admin),
            logins=logins,
            database=DATABASE,
        )
        yield Server(
            ServerParts(
                door=door,
                spool=spool,
                server_secret=scram_secret(folders),
                upstream_socket=f"{city['socket_dir']}/.s.PGSQL.{city['port']}",
                database=DATABASE,
            )
        )
    finally:
        spool.close(now=now)
        admin.close()
