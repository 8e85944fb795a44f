"""The section `[register]` of doorward.toml: where the city keeps its cases, and how it is asked."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from psycopg.conninfo import conninfo_to_dict

from doorward.errors import ConfigError
from doorward.grants.careful import RegisterRules
from doorward.grants.register_https import HttpsPlace, parse_address
from doorward.grants.registers import RegisterTable
from doorward.orders.toml import Toml

SECTION: Final = "register"
NEEDED: Final = ("table", "case", "status", "kind", "assigned_to")
TABLE: Final = (*NEEDED, "open", "criminal")
HTTPS: Final = ("url", "authority", "certificate", "key", "token_file", "criminal")
BOUNDS: Final = {
    "timeout_seconds": (0.1, 30),  # the longest that a person waits at the door for a dead register
    "cache_seconds": (0, 300),
    "recheck_minutes": (1, 240),
    "recheck_grace_minutes": (0, 240),
}
SOURCES: Final = {
    "table": ("source", *TABLE, *BOUNDS),
    "query": ("source", "conninfo", *TABLE, *BOUNDS),
    "https": ("source", *HTTPS, *BOUNDS),
}
KEYS: Final = tuple(dict.fromkeys(key for keys in SOURCES.values() for key in keys))


@dataclass(frozen=True, slots=True)
class RegisterSettings:
    """One register and its rules: a table behind the door, the same elsewhere, or a service over HTTPS.

    Args:
        table: The table, or None with `https`.
        conninfo: Of the register's own server, or empty: the table is in the database behind the door.
        https: The service, or None.
        criminal: The city's word for a criminal case, of a service.
    """

    rules: RegisterRules = RegisterRules()  # noqa: RUF009  # a value that never changes
    table: RegisterTable | None = None
    conninfo: str = ""
    https: HttpsPlace | None = None
    criminal: str = "criminal"


def read_register(toml: Toml, base: Path, *, conninfo: str) -> RegisterSettings | None:
    """Return what `[register]` says, or None where there is none; faults are noted in the file.

    Args:
        toml: The file.
        base: The folder that its paths are relative to.
        conninfo: Of the register's own server, checked already, or empty.
    """
    if SECTION not in toml.data:
        return None
    found = toml.table(SECTION)
    source = str(found.get("source", "table"))
    if source not in SOURCES:
        toml.note(f"`register.source` is one of {', '.join(SOURCES)}", SECTION, "source")
        return None
    toml.refuse_others(SOURCES[source], SECTION)
    rules = _rules(toml, found)
    if source == "https":
        place = _https(toml, base, found)
        return RegisterSettings(rules, https=place, criminal=str(found.get("criminal", "criminal")))
    if not set(NEEDED) <= found.keys():
        toml.note(f"`register` needs {', '.join(NEEDED)}", SECTION)
        return None
    words = {key: toml.get(str, SECTION, key) for key in TABLE if key in found}
    if source == "query" and not conninfo:
        toml.note("`register.conninfo` is missing: the register's own server", SECTION)
    elif source == "query" and not conninfo_to_dict(conninfo).get("user"):
        toml.note(
            "`register.conninfo` names no `user`",
            SECTION,
            "conninfo",
            hint="a role that may read these columns",
        )
    return RegisterSettings(rules, RegisterTable(**words), conninfo if source == "query" else "")


def _rules(toml: Toml, found: dict[str, Any]) -> RegisterRules:
    stated: dict[str, Any] = {}
    for key, (least, most) in BOUNDS.items():
        value = found.get(key, getattr(RegisterRules(), key))
        whole = key != "timeout_seconds"
        if type(value) is not int and (whole or type(value) is not float):
            toml.note(f"`register.{key}` must be a {'whole ' if whole else ''}number", SECTION, key)
        elif not least <= value <= most:
            toml.note(f"`register.{key}` is from {least} to {most}", SECTION, key)
        else:
            stated[key] = value
    rules = RegisterRules(**stated)
    if rules.cache_seconds > rules.recheck_minutes * 60:
        toml.note(
            "`register.cache_seconds` is longer than `recheck_minutes`", SECTION, "cache_seconds",
            hint="what is kept must not outlive the next question",
        )  # fmt: skip
    return rules


def _https(toml: Toml, base: Path, found: dict[str, Any]) -> HttpsPlace | None:
    files = {
        name: _file(toml, base, found, name) for name in ("authority", "certificate", "key", "token_file")
    }
    authority, certificate, key, token = files.values()
    if (certificate is None) != (key is None):
        toml.note("`register.certificate` and `register.key` are given together", SECTION)
    if authority is None:
        toml.note("`register.authority` is missing: who signed the service's certificate", SECTION)
    if certificate is None and token is None:
        toml.note(
            "`register` needs `certificate` and `key`, or `token_file`", SECTION,
            hint="a service that answers everybody tells everybody which cases exist",
        )  # fmt: skip
    try:
        host, port, path = parse_address(toml.get(str, SECTION, "url"))
    except ConfigError as error:
        toml.note(str(error), SECTION, "url", hint=error.hint)
        return None
    return HttpsPlace(host, port, path, authority, certificate, key, token) if authority else None


def _file(toml: Toml, base: Path, found: dict[str, Any], name: str) -> Path | None:
    if name not in found:
        return None
    file = base / toml.get(str, SECTION, name)
    if not file.is_file():
        toml.note(f"`{found[name]}` is no file", SECTION, name)
        return None
    return file
