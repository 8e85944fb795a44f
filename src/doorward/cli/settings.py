"""doorward.toml: one installation before a city's own server, read strictly.

Every key is checked, a key that nobody knows is a fault, and a path is relative to the file's folder. No secret stands
in it: keys are files, passwords are libpq's (``passfile``).
"""

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from doorward.cli.register_settings import KEYS, RegisterSettings, read_register
from doorward.cli.settings_desk import KEYS as DESK_KEYS
from doorward.cli.settings_desk import DeskSettings, read_desk
from doorward.cli.settings_fund import KEYS as FUND_KEYS
from doorward.cli.settings_fund import FundSettings, read_fund
from doorward.cli.settings_grants import read_emergency, read_notices
from doorward.cli.settings_record import RECORD_KEYS, RecordSettings, read_record
from doorward.cli.settings_witnesses import KEYS as WITNESS_KEYS
from doorward.cli.settings_witnesses import read_witnesses
from doorward.cli.tell import NoticeSettings
from doorward.cli.witnesses import WitnessSettings
from doorward.errors import ConfigError, PolicyCheckError
from doorward.gateway.health_address import HealthAddress
from doorward.gateway.limits import IDLE_SECONDS, SESSION_MINUTES, LimitRules, Limits
from doorward.gateway.logbook import Form
from doorward.grants.reviews import EmergencyRules
from doorward.orders.toml import Toml
from doorward.record.workers import DESK, MAX_WORKERS

SECTIONS: Final = {
    "": ("order", "collections", "production", "data"),
    "database": ("conninfo", "collection"),
    "listen": (
        "host",
        "port",
        "certificate",
        "key",
        "people_authority",
        "people_revoked",
        "plain",
        "workers",
    ),
    "operation": ("health", "log", "stalled_seconds", "stalled_closes_seconds"),
    "witnesses": WITNESS_KEYS,
    "record": ("conninfo", *RECORD_KEYS),
    "people": ("unused_days", "attested_days", "cards", "two_addresses"),
    "identity": ("host", "port", "issuer", "audience", "keys", "login_claim", "second_factor"),
    "desk": DESK_KEYS,
    "fund": FUND_KEYS,
    "workloads": (),
    "applications": ("idle_seconds", "session_minutes"),
    "emergency": ("hours", "sessions_a_day"),
    "notices": ("timeout_seconds", "smtp", "office", "person"),
    "register": KEYS,
    "limits": (*(limit.name for limit in fields(Limits)), "purpose"),
}
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
DAYS: Final = 90  # CJIS Security Policy: an account that nobody uses is disabled, access is reviewed
MAX_DAYS: Final = 366
MAX_IDLE_SECONDS: Final = 600
MAX_SESSION_MINUTES: Final = 720
MAX_PORT: Final = 65_535
STALLED_SECONDS: Final = 60
CLOSES_SECONDS: Final = 14_400
MAX_STALLED_SECONDS: Final = 86_400
MAX_LIMIT: Final = 2**53  # exact in every reader of TOML and JSON; nobody sends more


@dataclass(frozen=True, slots=True)
class ListenSettings:
    """Where clients come in; ``plain`` serves sessions without TLS, on the loopback address only."""

    host: str
    port: int
    certificate: Path | None
    key: Path | None
    people_authority: Path | None
    plain: bool
    workers: int = 1
    people_revoked: Path | None = None


@dataclass(frozen=True, slots=True)
class OperationSettings:
    """How the gateway is watched.

    Args:
        health: Where health is served, or None.
        log: How lines on standard error are written.
        stalled_seconds: For how long the publisher may be behind before that is an alarm.
        closes_seconds: And for how long before nobody but emergencies is let in.
    """

    health: HealthAddress | None = None
    log: Form = Form.JSON
    stalled_seconds: int = 60
    closes_seconds: int = 14_400


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """The listener where a token of the city's identity provider stands in the place of a password.

    Args:
        keys: The provider's published keys, a JSON Web Key Set kept up to date by the city.
        second_factor: Values of ``amr`` or ``acr`` that stand for a second factor.
    """

    host: str
    port: int
    issuer: str
    audience: str
    keys: Path
    login_claim: str
    second_factor: frozenset[str]


@dataclass(frozen=True, slots=True)
class Settings:
    """What doorward.toml says.

    Args:
        order: A shipped order's name or a folder.
        collections: The city's own collections.toml, or None.
        production: Whether a sample order and an unencrypted way are refused.
        data: The folder of the record, the keys and the people.
        register: Where the city keeps its cases, or None.
        database: Conninfo of the server behind the door, without a user.
        collection: The collection that stands for that database, or empty for the order's own.
        record: Conninfo of the disclosures' server.
        unused_days: After how many days without use a login lapses.
        attested_days: After how many days without an attestation it does.
        cards: Whether people's certificates are on cards that ask for a PIN: two factors.
        two_addresses: What follows where a login is in use at two addresses: ``lead`` or ``cut``.
        identity: The listener for tokens of an identity provider, or None.
        idle_seconds: After how long an application's connection that nobody uses is over.
        session_minutes: How long an application's connection may stand for one person.
        workloads: What each role is that reads around the door by declaration: a backup, replication, monitoring.
        limits: How much may leave for one grant in a day.
        desk: Where the request desk is, or None.
        fund: Where the fund's ledger is, or None.
        witnesses: Who cosigns the log, or None.
        keeping: How the record is kept.
    """

    file: Path
    order: str
    collections: Path | None
    production: bool
    data: Path
    database: str
    collection: str
    listen: ListenSettings
    record: str
    register: RegisterSettings | None = None
    unused_days: int = 90
    attested_days: int = 90
    cards: bool = False
    two_addresses: str = "lead"
    identity: IdentitySettings | None = None
    idle_seconds: int = IDLE_SECONDS
    session_minutes: int = SESSION_MINUTES
    workloads: dict[str, str] = field(default_factory=dict)
    operation: OperationSettings = OperationSettings()  # a value that never changes
    limits: LimitRules = field(default_factory=lambda: LimitRules(Limits()))
    emergency: EmergencyRules = EmergencyRules()  # noqa: RUF009  # a value that never changes
    notices: NoticeSettings = field(default_factory=NoticeSettings)
    desk: DeskSettings | None = None
    fund: FundSettings | None = None
    witnesses: WitnessSettings | None = None
    keeping: RecordSettings = RecordSettings()  # noqa: RUF009  # a value that never changes


def read_settings(file: Path) -> Settings:
    """Return what a doorward.toml says.

    Raises:
        ConfigError: It cannot be read, or something in it is not what it must be; all of it is named.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"`{file}` cannot be read as text") from error
    try:
        toml = Toml(file.name, text)
    except PolicyCheckError as error:
        raise ConfigError(str(error)) from error
    settings = _read(toml, file.absolute())
    if toml.findings:
        raise ConfigError("; ".join(str(finding) for finding in toml.findings))
    return settings


def _read(toml: Toml, file: Path) -> Settings:
    toml.refuse_others((*SECTIONS[""], *(name for name in SECTIONS if name)))
    for section, keys in SECTIONS.items():
        if section and section != "workloads":
            toml.refuse_others(keys, section)
    base = file.parent
    order = toml.get(str, "order")
    folder = base / order
    order = str(folder) if folder.is_dir() else order
    database = _conninfo(toml, "database")
    settings = Settings(
        file=file,
        order=order,
        collections=_path(toml, base, "collections"),
        production=toml.get(bool, "production", default=True),
        data=base / toml.get(str, "data"),
        database=database,
        collection=_optional(toml, "database", "collection"),
        listen=_listen(toml, base),
        record=_conninfo(toml, "record"),
        unused_days=_days(toml, "unused_days"),
        attested_days=_days(toml, "attested_days"),
        register=read_register(toml, base, conninfo=_register_conninfo(toml)),
        cards=toml.get(bool, "people", "cards", default=False),
        two_addresses=toml.get(str, "people", "two_addresses", default="lead"),
        identity=_identity(toml, base),
        idle_seconds=_whole(toml, "applications", "idle_seconds", IDLE_SECONDS, MAX_IDLE_SECONDS),
        session_minutes=_whole(toml, "applications", "session_minutes", SESSION_MINUTES, MAX_SESSION_MINUTES),
        workloads={
            role: toml.get(str, "workloads", role) for role in toml.get(dict, "workloads", default={})
        },
        operation=_operation(toml, base),
        limits=_limit_rules(toml),
        emergency=read_emergency(toml),
        notices=read_notices(toml, base),
        desk=read_desk(toml, base),
        fund=read_fund(toml, base, order=order, database=database),
        witnesses=read_witnesses(toml, base),
        keeping=read_record(toml, base),
    )
    if settings.desk is not None and settings.listen.workers > DESK:
        toml.note(
            f"`listen.workers` is at most {DESK} where `[desk]` is: the desk is a writer too",
            "listen",
            "workers",
        )
    if settings.two_addresses not in {"lead", "cut"}:
        toml.note("`people.two_addresses` is `lead` or `cut`", "people", "two_addresses")
    return settings


def _identity(toml: Toml, base: Path) -> IdentitySettings | None:
    if "identity" not in toml.data:
        return None
    port = _whole(toml, "identity", "port", 0, MAX_PORT)
    issuer, audience = toml.get(str, "identity", "issuer"), toml.get(str, "identity", "audience")
    keys = _path(toml, base, "identity", "keys")
    factors = toml.get(list, "identity", "second_factor", default=["mfa"])
    if not factors or not all(isinstance(one, str) for one in factors):
        toml.note(
            "`identity.second_factor` is a list of values of `amr` or `acr`", "identity", "second_factor"
        )
        factors = []
    if not issuer.startswith("https://"):
        toml.note(
            "`identity.issuer` begins with `https://`, as it stands in its tokens", "identity", "issuer"
        )
    if not _optional(toml, "listen", "certificate"):
        toml.note("`identity` needs the certificate of `listen`: a token is taken over TLS only", "identity")
    if keys is None or not audience:
        toml.note(
            "`identity` needs `keys`, a file with the provider's published keys, and `audience`", "identity"
        )
        return None
    host = _optional(toml, "identity", "host") or toml.get(str, "listen", "host")
    claim = _optional(toml, "identity", "login_claim") or "preferred_username"
    return IdentitySettings(host, port, issuer, audience, keys, claim, frozenset(factors))


def _whole(toml: Toml, section: str, key: str, default: int, most: int) -> int:
    table = toml.data.get(section, {})
    found = table.get(key, default) if isinstance(table, dict) else default
    if type(found) is not int or not 1 <= found <= most:
        toml.note(f"`{section}.{key}` is a whole number from 1 to {most}", section, key)
        return max(default, 1)
    return found


def _days(toml: Toml, key: str) -> int:
    return _whole(toml, "people", key, DAYS, MAX_DAYS)


def _operation(toml: Toml, base: Path) -> OperationSettings:
    log = _optional(toml, "operation", "log") or Form.JSON
    if log not in set(Form):
        toml.note("`operation.log` is `json` or `text`", "operation", "log")
        log = Form.JSON
    stalled = _whole(toml, "operation", "stalled_seconds", STALLED_SECONDS, MAX_STALLED_SECONDS)
    closes = _whole(toml, "operation", "stalled_closes_seconds", CLOSES_SECONDS, MAX_STALLED_SECONDS)
    if closes <= stalled:
        toml.note(
            "`operation.stalled_closes_seconds` is more than `stalled_seconds`: the alarm comes first",
            "operation",
        )
    return OperationSettings(_health(toml, base), Form(log), stalled, closes)


def _health(toml: Toml, base: Path) -> HealthAddress | None:
    text = _optional(toml, "operation", "health")
    if not text:
        return None
    if "/" in text:
        return HealthAddress(path=base / text)
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if host not in LOOPBACK or not port.isascii() or not port.isdigit() or not 0 < int(port) <= MAX_PORT:
        toml.note(
            "`operation.health` is a port of the loopback address or a socket's path",
            "operation",
            "health",
            hint='"127.0.0.1:6480" or "run/health.sock"',
        )
        return None
    return HealthAddress(host, int(port))


def _limit_rules(toml: Toml) -> LimitRules:
    default = _limits(toml, Limits(), "limits")
    section = toml.get(dict, "limits", default={})
    purposes = section.get("purpose", {})
    if not isinstance(purposes, dict):
        toml.note("`limits.purpose` has a table for each purpose", "limits", "purpose")
        return LimitRules(default)
    for word in purposes:
        toml.refuse_others(tuple(limit.name for limit in fields(Limits)), "limits", "purpose", word)
    return LimitRules(default, {word: _limits(toml, default, "limits", "purpose", word) for word in purposes})


def _limits(toml: Toml, default: Limits, *path: str) -> Limits:
    at: Any = toml.data
    for name in path:
        at = at.get(name, {}) if isinstance(at, dict) else {}
    if not isinstance(at, dict):
        return default
    given = {limit.name: at[limit.name] for limit in fields(Limits) if limit.name in at}
    for name, value in given.items():
        if type(value) is not int or not 0 <= value <= MAX_LIMIT:
            toml.note(f"`{'.'.join(path)}.{name}` is from 0, for none, to {MAX_LIMIT}", *path, name)
            return default
    return replace(default, **given)


def _listen(toml: Toml, base: Path) -> ListenSettings:
    host = toml.get(str, "listen", "host")
    port: Any = toml.data.get("listen", {}).get("port") if isinstance(toml.data.get("listen"), dict) else None
    if type(port) is not int or not 0 < port <= MAX_PORT:
        toml.note(f"`listen.port` must be a port from 1 to {MAX_PORT}", "listen", "port")
        port = 1
    listen = ListenSettings(
        host,
        port,
        _path(toml, base, "listen", "certificate"),
        _path(toml, base, "listen", "key"),
        _path(toml, base, "listen", "people_authority"),
        plain=toml.get(bool, "listen", "plain", default=False),
        workers=_whole(toml, "listen", "workers", 1, MAX_WORKERS),
        people_revoked=_path(toml, base, "listen", "people_revoked"),
    )
    if listen.people_revoked is not None and listen.people_authority is None:
        toml.note("`listen.people_revoked` needs `listen.people_authority`", "listen", "people_revoked")
    if (listen.certificate is None) != (listen.key is None):
        toml.note("`listen.certificate` and `listen.key` are given together", "listen")
    if listen.certificate is None and not listen.plain:
        toml.note("`listen` needs a certificate and a key", "listen", hint="or `plain = true` on 127.0.0.1")
    if listen.plain and host not in LOOPBACK:
        toml.note("`listen.plain` is taken on the loopback address only", "listen", "plain")
    if listen.plain and toml.get(bool, "production", default=True):
        toml.note("`listen.plain` is refused with `production = true`", "listen", "plain")
    return listen


def _conninfo(toml: Toml, section: str) -> str:
    text = toml.get(str, section, "conninfo")
    if not text:
        return ""
    try:
        parts = conninfo_to_dict(text)
    except psycopg.ProgrammingError:
        toml.note("this is no connection string", section, "conninfo")
        return ""
    if parts.get("password"):
        toml.note(
            "a password stands in this file; others may read it", section, "conninfo", hint="use `passfile`"
        )
    if section == "database" and parts.get("user"):
        toml.note("the gateway chooses the user of each session: leave `user` out", section, "conninfo")
    return make_conninfo(text, application_name="doorward")


def _register_conninfo(toml: Toml) -> str:
    return _conninfo(toml, "register") if _optional(toml, "register", "conninfo") else ""


def _path(toml: Toml, base: Path, *path: str) -> Path | None:
    found = _optional(toml, *path)
    if not found:
        return None
    file = base / found
    if not file.is_file():
        toml.note(f"`{found}` is no file", *path)
    return file


def _optional(toml: Toml, *path: str) -> str:
    *tables, key = path
    at: Any = toml.data
    for name in tables:
        at = at.get(name, {}) if isinstance(at, dict) else {}
    return toml.get(str, *path) if isinstance(at, dict) and key in at else ""
