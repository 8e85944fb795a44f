"""Putting a register together from its settings."""

import math
from functools import partial
from typing import Any

import psycopg

from doorward.cli.register_settings import RegisterSettings
from doorward.errors import ConfigError, UpstreamError
from doorward.gateway.asking import Asking
from doorward.gateway.dial import parse_place
from doorward.gateway.logins import AdminConnections
from doorward.grants.careful import RegisterRules
from doorward.grants.register_https import HttpsCaseRegister
from doorward.grants.registers import CaseRegister, NoRegister, PostgresCaseRegister, Question

WHERE = "address, authority, token and columns stand in `[register]`; docs/howto/registers.md"
LEAST_CONNECT_SECONDS = 2  # libpq's own


def make_asking(settings: RegisterSettings | None, admin: str) -> Asking:
    """Return the register as the door asks it; without one no case is found open.

    Args:
        settings: Of the register.
        admin: Conninfo of the gateway's own role, which reads a table behind the door.

    Raises:
        ConfigError: A certificate, key or token of it cannot be used.
    """
    if settings is None:
        return Asking(NoRegister(), RegisterRules())
    return Asking(make_register(settings, admin), settings.rules)


def make_register(settings: RegisterSettings, admin: str) -> CaseRegister:
    """Return the register; nothing is connected yet.

    Raises:
        ConfigError: As `make_asking`.
    """
    seconds = settings.rules.timeout_seconds
    if settings.https is not None:
        return HttpsCaseRegister(settings.https, seconds=seconds, criminal=settings.criminal)
    if settings.table is None:
        return NoRegister()
    connect = partial(connect_register, settings.conninfo or admin, seconds)
    # Connections of its own: a register that does not answer takes none of those that bind and end sessions.
    return PostgresCaseRegister(AdminConnections(connect), settings.table, seconds=seconds)


def check_register(settings: RegisterSettings, admin: str) -> None:
    """Check that the register answers, and that it finds no case where no number is stated.

    Raises:
        ConfigError: It says yes to everything, or a certificate, key or token of it cannot be used.
        UpstreamError: It does not answer.
        MalformedError: It answers something else than the protocol has.
    """
    register = make_register(settings, admin)
    try:
        if register.is_open_and_assigned(Question("", "")):
            raise ConfigError("the register says yes where no number is stated", hint=WHERE)
    except UpstreamError as error:
        raise UpstreamError(
            "the register does not answer, or does not let the door in", hint=WHERE
        ) from error
    finally:
        register.close()


def check_register_place(settings: RegisterSettings, *, production: bool) -> None:
    """Check that the way to a register's own server is verified.

    Raises:
        ConfigError: It trusts whoever answers, or is plain text in production.
    """
    if not settings.conninfo:
        return
    try:
        place = parse_place(settings.conninfo)
    except ConfigError as error:
        raise ConfigError(f"`register.conninfo`: {error}", hint=error.hint) from error
    if production and not place.is_local and place.tls is None:
        raise ConfigError("`sslmode=disable` towards the register is refused with `production = true`")


def connect_register(conninfo: str, seconds: float) -> psycopg.Connection[Any]:
    """Return a connection that can only read and on which no statement takes longer than this.

    Raises:
        psycopg.Error: The server does not answer, or does not let this role in.
    """
    milliseconds = max(1, int(seconds * 1000))
    return psycopg.connect(
        conninfo,
        autocommit=True,
        connect_timeout=max(LEAST_CONNECT_SECONDS, math.ceil(seconds)),
        tcp_user_timeout=milliseconds,
        options=f"-c default_transaction_read_only=on -c statement_timeout={milliseconds}",
    )
