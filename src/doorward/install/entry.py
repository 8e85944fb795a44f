"""How the gateway gets in, and that nobody else does: the lines for PostgreSQL's files, and the proof by trying.

A session's role has no password that opens anything: pg_hba.conf lets its members in for the gateway's certificate (or
for its user on the same host) and rejects them from everywhere else. The order of lines decides: these stand first.
`doorward_admin` administers `dw_sessions` and so is its member; its own line stands before the group's.

pg_hba.conf and pg_ident.conf are not replicated: a standby that may be promoted needs the same lines.
"""

import ipaddress
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from doorward.errors import ConfigError, InstallError
from doorward.install.names import ADMIN, LOGIN_PREFIX, SESSIONS, scope_schema
from doorward.install.reach import HOLES
from doorward.install.scopes import create_login

MAP: Final = "doorward"
CONNECT_SECONDS: Final = 10
Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """How the gateway comes in: by certificate from an address, or as a user of the database's own host.

    Args:
        address: Of the gateway's host, or None for the same host.
        name: The common name of its certificate, or the name of its user.
    """

    address: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines for the head of each file."""

    hba: tuple[str, ...]
    ident: tuple[str, ...]


def entry_lines(entry: Entry) -> Lines:
    """Return the lines that let the gateway in and nobody else.

    Raises:
        ConfigError: The address is none, or the name has a sign that the file would take for its own.
    """
    if not entry.name or any(sign in entry.name for sign in '"\n\r'):
        raise ConfigError("the gateway's name must be the common name of its certificate, or its user's name")
    rejected = tuple(
        f"{kind:<7} all {who} {where}reject"
        for kind, where in (("host", "all "), ("local", ""))
        for who in (ADMIN, f"+{SESSIONS}")
    )
    if entry.address is None:
        opened = tuple(f"local   all {who} peer map={MAP}" for who in (ADMIN, f"+{SESSIONS}"))
        rejected = tuple(line for line in rejected if line.startswith("host"))
    else:
        try:
            network = ipaddress.ip_network(entry.address)
        except ValueError as error:
            raise ConfigError(f"`{entry.address[:60]}` is no address of a host or network") from error
        opened = tuple(f"hostssl all {who} {network} cert map={MAP}" for who in (ADMIN, f"+{SESSIONS}"))
    ident = tuple(f'{MAP} "{entry.name}" {who}' for who in (ADMIN, f"+{SESSIONS}"))
    return Lines((*opened, *rejected), ident)


def prove_entry(
    connection: Connection, *, gateway: str, random: Callable[[int], bytes], accepted: Collection[str] = ()
) -> list[str]:
    """Return what is wrong with the way in, a sentence each, by trying to get in; empty is the proof.

    1. A probe, a role of one scope without a grant, gets in the gateway's way.
    2. Inside, it reaches nothing but the scope's views, and they hold no row.
    3. The probe's password, which the DBA just set, gets in nowhere else: not locally, not where the DBA came from.
    4. The gateway's way lets no superuser in.

    Args:
        connection: A superuser's, in autocommit mode, to a database with an installation.
        gateway: The gateway's connection string, without a user.
        random: Bytes for the probe's name and password.
        accepted: What PUBLIC may reach, as declared.

    Raises:
        InstallError: No order is in force here.
    """
    row = connection.execute(
        r"SELECT substr(nspname, 4) FROM pg_catalog.pg_namespace WHERE nspname ~ '^dw_[0-9a-f]{12}$' ORDER BY 1 LIMIT 1"
    ).fetchone()
    if row is None:
        raise InstallError("no order is in force in this database", hint="doorward order install")
    probe, password = LOGIN_PREFIX + random(8).hex(), random(24).hex()
    with connection.transaction():
        for statement in create_login(probe, row[0], connections=2):
            connection.execute(statement)
        connection.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(probe), sql.Literal(password))
        )
    try:
        return [
            *_try_inside(gateway, probe, row[0], accepted),
            *_try_password(connection, gateway, probe, password),
            *_try_superuser(connection, gateway),
        ]
    finally:
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(probe)))


def _try_inside(gateway: str, probe: str, scope_id: str, accepted: Collection[str]) -> list[str]:
    schema = scope_schema(scope_id)
    try:
        with psycopg.connect(gateway, user=probe, autocommit=True, connect_timeout=CONNECT_SECONDS) as inside:
            wrong = [
                f"inside, a session reaches {row[0]}"
                for row in inside.execute(HOLES, {"role": probe, "schema": schema}).fetchall()
                if row[0] not in accepted
            ]
            views = inside.execute(
                "SELECT relname FROM pg_catalog.pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'v'",
                [schema],
            ).fetchall()
            for (view,) in views:
                query = sql.SQL("SELECT EXISTS (SELECT FROM {}.{})").format(
                    sql.Identifier(schema), sql.Identifier(view)
                )
                if inside.execute(query).fetchone() != (False,):
                    wrong.append(f"a session without a grant reads rows of {view}")
            return wrong
    except psycopg.OperationalError as error:
        return [f"the gateway does not get in: {_last_line(error)}"]


def _try_password(connection: Connection, gateway: str, probe: str, password: str) -> list[str]:
    tried = []
    info = connection.info
    ways = {"localhost": "localhost", "the address of this connection": info.host or ""}
    for says, host in ways.items():
        # The gateway's own way asks for no password, so one proves nothing there.
        if host == conninfo_to_dict(gateway).get("host"):
            continue
        try:
            psycopg.connect(
                host=host, port=info.port, dbname=info.dbname, user=probe, password=password,
                connect_timeout=CONNECT_SECONDS,
            ).close()  # fmt: skip
        except psycopg.OperationalError:
            continue
        tried.append(f"a session's role gets in with a password through {says}: the lines do not stand first")
    return tried


def _try_superuser(connection: Connection, gateway: str) -> list[str]:
    supers = connection.execute(
        "SELECT rolname FROM pg_catalog.pg_roles WHERE rolsuper AND rolcanlogin ORDER BY 1"
    ).fetchall()
    wrong = []
    for (name,) in supers:
        try:
            psycopg.connect(gateway, user=name, connect_timeout=CONNECT_SECONDS).close()
        except psycopg.OperationalError:
            continue
        wrong.append(f"the gateway's way also lets the superuser `{name}` in")
    return wrong


def _last_line(error: psycopg.Error) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else "no answer"
