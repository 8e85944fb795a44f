"""The parts of doorward.toml that are about emergencies and notices."""

from collections.abc import Mapping
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Final

from doorward.errors import ConfigError
from doorward.grants.mail_relay import Relay
from doorward.grants.notice_settings import NoticeSettings
from doorward.grants.notices import MAX_OFFICES, OnCall, Webhook
from doorward.grants.reviews import EmergencyRules
from doorward.grants.webhook import parse_webhook
from doorward.orders.toml import Toml

MAX_HOURS: Final = 12
MAX_SESSIONS: Final = 1000
MAX_TIMEOUT_SECONDS: Final = 300
MAX_PORT: Final = 65_535
MAX_PEOPLE: Final = 500
SUBMISSION: Final = 587  # RFC 6409
SMTP: Final = ("host", "port", "from", "authority", "user", "password_file")
OFFICE: Final = (
    "command", "mail", "then", "spool", "webhook", "webhook_secret_file", "webhook_authority", "webhook_private",
)  # fmt: skip
PERSON: Final = tuple(key for key in OFFICE if key not in {"command", "then", "spool"})


def read_emergency(toml: Toml) -> EmergencyRules:
    """Return `[emergency]`; there is no setting that closes the floor."""
    default = EmergencyRules()
    found = toml.data.get("emergency", {})
    if not isinstance(found, dict):
        return default  # noted by whoever looks at the sections
    hours, sessions = found.get("hours", default.hours), found.get("sessions_a_day", default.sessions_a_day)
    if type(hours) not in {int, float} or not 0 < hours <= MAX_HOURS:
        toml.note(f"`emergency.hours` is more than 0 and at most {MAX_HOURS}", "emergency", "hours")
        hours = default.hours
    if type(sessions) is not int or not 1 <= sessions <= MAX_SESSIONS:
        toml.note(f"`emergency.sessions_a_day` is from 1 to {MAX_SESSIONS}", "emergency", "sessions_a_day")
        sessions = default.sessions_a_day
    return EmergencyRules(float(hours), sessions)


def read_notices(toml: Toml, base: Path) -> NoticeSettings:
    """Return `[notices]`: how each office is told; without it nobody is, and the notices lie in their folder."""
    found = toml.data.get("notices", {})
    if not isinstance(found, dict):
        return NoticeSettings()
    seconds = found.get("timeout_seconds", NoticeSettings().timeout_seconds)
    if type(seconds) not in {int, float} or not 0 < seconds <= MAX_TIMEOUT_SECONDS:
        said = f"`notices.timeout_seconds` is more than 0 and at most {MAX_TIMEOUT_SECONDS}"
        toml.note(said, "notices", "timeout_seconds")
        seconds = NoticeSettings().timeout_seconds
    offices = _offices(toml, base, found.get("office", {}))
    people = _people(toml, base, found.get("person", {}))
    relay = _relay(toml, base, found["smtp"]) if "smtp" in found else None
    if relay is None and any(one.mail for one in (*offices.values(), *people.values())):
        toml.note("mail is sent through a relay: `notices.smtp`", "notices", "office")
    return NoticeSettings(offices, relay, float(seconds), people)


def _people(toml: Toml, base: Path, tables: object) -> Mapping[str, OnCall]:
    if not isinstance(tables, dict) or len(tables) > MAX_PEOPLE:
        toml.note(f"`notices.person` is a table for each of at most {MAX_PEOPLE} logins", "notices", "person")
        return {}
    return {
        name: _office(toml, base, table, ("notices", "person", name), PERSON)
        for name, table in tables.items()
    }


def _offices(toml: Toml, base: Path, tables: object) -> Mapping[str, OnCall]:
    if not isinstance(tables, dict) or len(tables) > MAX_OFFICES:
        toml.note(
            f"`notices.office` is a table for each of at most {MAX_OFFICES} offices", "notices", "office"
        )
        return {}
    offices = {
        name: _office(toml, base, table, ("notices", "office", name), OFFICE)
        for name, table in tables.items()
    }
    for name, office in offices.items():
        if office.then and office.then not in offices:
            toml.note(
                f"`notices.office.{name}.then` names no office of `notices.office`", "notices", "office", name
            )
    return offices


def _office(toml: Toml, base: Path, table: object, at: tuple[str, str, str], keys: tuple[str, ...]) -> OnCall:
    if not isinstance(table, dict):
        toml.note(f"`{'.'.join(at)}` is a table", *at)
        return OnCall()
    toml.refuse_others(keys, *at)
    command, mail = (_texts(toml, table, key, at) for key in ("command", "mail"))
    if command and not command[0].startswith("/"):
        toml.note("a program is named by its whole path, because no shell looks for it", *at, "command")
    if not all(_is_address(address) for address in mail):
        toml.note(f"`{'.'.join(at)}.mail` is a list of mail addresses", *at, "mail")
    then, spool = table.get("then", ""), table.get("spool", False)
    if not isinstance(then, str) or not isinstance(spool, bool):
        toml.note(f"`{'.'.join(at)}`: `then` is an office, `spool` is true or false", *at)
        return OnCall(command, mail)
    return OnCall(command, mail, then, spool, _webhook(toml, base, table, at))


def _webhook(toml: Toml, base: Path, table: Mapping[str, Any], at: tuple[str, str, str]) -> Webhook | None:
    url = table.get("webhook")
    if url is None:
        if any(key.startswith("webhook_") for key in table):
            toml.note(f"`{'.'.join(at)}` has parts of a webhook and no `webhook`", *at)
        return None
    try:
        parse_webhook(url if isinstance(url, str) else "")
    except ConfigError as error:
        toml.note(str(error), *at, "webhook")
    secret = _file(toml, base, table, "webhook_secret_file", at)
    if secret is None:
        toml.note("a webhook's notices are signed: `webhook_secret_file`", *at, "webhook")
    private = table.get("webhook_private", False)
    if not isinstance(private, bool):
        toml.note("`webhook_private` is true or false", *at, "webhook_private")
    authority = _file(toml, base, table, "webhook_authority", at)
    return Webhook(str(url), secret or base, authority, private is True)


def _texts(toml: Toml, table: Mapping[str, Any], key: str, at: tuple[str, ...]) -> tuple[str, ...]:
    found = table.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, str) and "\0" not in one for one in found):
        toml.note(f"`{'.'.join((*at, key))}` is a list of texts", *at, key)
        return ()
    return tuple(found)


def _is_address(text: str) -> bool:
    # What a header would take as another line or another address is none.
    return text.isprintable() and "," not in text and "@" in text and parseaddr(text)[1] == text


def _relay(toml: Toml, base: Path, table: object) -> Relay | None:
    at = ("notices", "smtp")
    if not isinstance(table, dict):
        toml.note("`notices.smtp` is a table", *at)
        return None
    toml.refuse_others(SMTP, *at)
    host, sender = toml.get(str, *at, "host"), toml.get(str, *at, "from")
    port, user = table.get("port", SUBMISSION), table.get("user", "")
    if type(port) is not int or not 0 < port <= MAX_PORT:
        toml.note(f"`notices.smtp.port` must be a port from 1 to {MAX_PORT}", *at, "port")
        port = SUBMISSION
    if not _is_address(sender):
        toml.note("`notices.smtp.from` is a mail address", *at, "from")
    if not isinstance(user, str) or bool(user) != ("password_file" in table):
        toml.note("`notices.smtp.user` and `notices.smtp.password_file` are given together", *at)
        user = ""
    authority, password = (_file(toml, base, table, key, at) for key in ("authority", "password_file"))
    return Relay(host, port, sender, authority, user, password)


def _file(toml: Toml, base: Path, table: Mapping[str, Any], key: str, at: tuple[str, ...]) -> Path | None:
    found = table.get(key)
    if found is None:
        return None
    file = base / str(found)
    if not file.is_file():
        toml.note(f"`{found}` is no file", *at, key)
    return file
