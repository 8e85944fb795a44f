"""The fund's own database: on the record's server, never on one behind the door; installed by a superuser."""

import re
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any, Final

import psycopg
from psycopg import sql

from doorward.fund import rows
from doorward.fund.entries import POSTED, WITHDRAWN, Recorder, end_entry, rules_entry
from doorward.fund.grantee.checks import REFERS, RULES
from doorward.fund.ledger.accounts import MAY_POST
from doorward.fund.ledger.state import Rules
from doorward.fund.place import DATABASE, OWNER, ROLE
from doorward.fund.rules import format_rules, with_dropped
from doorward.record.entry import Kind

_BRING_UP: Final = """
ALTER TABLE fund.transaction DROP CONSTRAINT transaction_login_check,
    ADD CONSTRAINT transaction_login_check CHECK (login ~ '^[a-z0-9][a-z0-9._@+-]{0,99}$')
"""  # what `ledger.sql` says now, for a ledger that an earlier version made
_FILES: Final = {
    "ledger.sql": "fund.transaction",
    "reports.sql": "fund.filing",
    "payments.sql": "fund.payment_file",
}
"""Each with a table that it makes."""
_FUNCTION: Final = re.compile(rb"^CREATE FUNCTION (.*?\$\$;)$", re.MULTILINE | re.DOTALL)


def make_database(conninfo: str) -> None:
    """Make the fund's roles and database where they are missing; its tables are for `install`.

    Args:
        conninfo: Of a superuser, to any database of the server.

    Raises:
        psycopg.Error: The server refused or cannot be reached.
    """
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for role, login in ((OWNER, "NOLOGIN"), (ROLE, "LOGIN")):
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
                make = sql.SQL("CREATE ROLE {} " + login)
                connection.execute(make.format(sql.Identifier(role)))
        name = sql.Identifier(DATABASE)
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(name))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, sql.Identifier(ROLE)))


@dataclass(frozen=True, slots=True)
class Installer:
    """Who puts rules into a ledger, and where that is recorded.

    Args:
        key: Of this run.
        by: The login, as `proof` says that it is known.
    """

    key: uuid.UUID
    recorder: Recorder
    by: str
    proof: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Installed:
    """What came of it.

    Args:
        made: The tables were made.
        changed: The rules are others than they were.
    """

    made: bool
    changed: bool


def install(
    connection: psycopg.Connection[Any],
    rules: Rules,
    installer: Installer | None = None,
    *,
    reasons: Collection[str] = (),
) -> Installed:
    """Make the fund's tables where they are missing, and put the order's rules in, recorded before they are in force.

    A second run with the same rules changes nothing and records nothing. A line that the order dropped is switched
    off, since postings name it.

    Args:
        connection: Of a superuser, to the fund's database, in no transaction.
        installer: None records nothing: for tests, and for a ledger that is not in use.
        reasons: Of the order's fund_units.toml: why an exception may be granted. None is taken away, since exceptions
            name them; the core asks the order.

    Raises:
        psycopg.Error: The server refused; nothing of it stays.
        StoreError: It cannot be recorded, so the rules are as they were.
    """
    entry: int | None = None
    try:
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('doorward fund install'))")
            made = connection.execute("SELECT to_regnamespace('fund') IS NULL").fetchone() == (True,)
            owner = sql.Identifier(OWNER)
            if made:
                connection.execute(sql.SQL("CREATE SCHEMA fund AUTHORIZATION {}").format(owner))
            connection.execute(sql.SQL("SET LOCAL ROLE {}").format(owner))
            _make_tables(connection)
            if made:
                _fill_accounts(connection)
            _fill_checks(connection, reasons)
            connection.execute(_read("pieces.sql"))
            connection.execute(_read("comments.sql"))
            before = None if made else rows.read_rules(connection)
            after = rules if before is None else with_dropped(before, rules)
            if before == after:
                return Installed(made=False, changed=False)
            _fill_rules(connection, rules)
            if installer is not None:
                fields = rules_entry(installer.key, installer.by, installer.proof, format_rules(after))
                entry = installer.recorder.record([(Kind.FUND, fields)], now=installer.now)
    except psycopg.Error:
        _end(installer, entry, WITHDRAWN)
        raise
    _end(installer, entry, POSTED)
    return Installed(made=made, changed=True)


def _end(installer: Installer | None, entry: int | None, act: bytes) -> None:
    if installer is not None and entry is not None:
        installer.recorder.record([(Kind.FUND, end_entry(installer.key, entry, act))], now=installer.now)


def _read(name: str) -> bytes:
    return resources.files("doorward.fund").joinpath(name).read_bytes()


def _make_tables(connection: psycopg.Connection[Any]) -> None:
    """Run the files whose tables are missing, and put in the functions of the others as they are today."""
    for name, table in _FILES.items():
        text = _read(name)
        if connection.execute("SELECT to_regclass(%s) IS NULL", [table]).fetchone() == (True,):
            connection.execute(text)
            continue
        if name == "ledger.sql":
            connection.execute(_BRING_UP)
        for function in _FUNCTION.findall(text):
            connection.execute(b"CREATE OR REPLACE FUNCTION " + function)


def _fill_accounts(connection: psycopg.Connection[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO fund.operation VALUES (%s)", [[name] for name in MAY_POST])
        cursor.executemany(
            "INSERT INTO fund.may_post VALUES (%s, %s, %s)",
            [
                [name, word[1:], 1 if word[0] == "+" else -1]
                for name, words in MAY_POST.items()
                for word in words.split()
            ],
        )


def _fill_rules(connection: psycopg.Connection[Any], rules: Rules) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE fund.line SET enabled = false WHERE NOT code = ANY (%s)", [list(rules.lines)])
        cursor.execute("DELETE FROM fund.line_service")
        cursor.executemany(
            "INSERT INTO fund.line VALUES (%s, %s, %s) "
            "ON CONFLICT (code) DO UPDATE SET enabled = excluded.enabled, carries = excluded.carries",
            [[line.code, line.enabled, line.carries] for line in rules.lines.values()],
        )
        cursor.executemany(
            "INSERT INTO fund.line_service VALUES (%s, %s)",
            [[line.code, service] for line in rules.lines.values() for service in sorted(line.services)],
        )
        cursor.execute("DELETE FROM fund.source")
        cursor.executemany("INSERT INTO fund.source VALUES (%s)", [[code] for code in sorted(rules.sources)])
        cursor.execute(
            "INSERT INTO fund.rule (approvals) VALUES (%s) "
            "ON CONFLICT (one) DO UPDATE SET approvals = excluded.approvals",
            [rules.approvals],
        )


def _fill_checks(connection: psycopg.Connection[Any], reasons: Collection[str]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO fund.check_rule VALUES (%s, %s, %s) "
            "ON CONFLICT (code) DO UPDATE SET excusable = excluded.excusable, refers = excluded.refers",
            [[code, excusable, code in REFERS] for code, (_, excusable) in RULES.items()],
        )
        cursor.executemany(
            "INSERT INTO fund.reason VALUES (%s) ON CONFLICT DO NOTHING", [[code] for code in sorted(reasons)]
        )
