"""The section `[desk]` of doorward.toml: where browsers find the desk, its database, its identity provider."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from doorward.orders.toml import Toml

KEYS: Final = (
    "conninfo", "host", "port", "origins", "certificate", "key", "time_zone",
    "issuer", "client", "client_secret", "login_claim", "second_factor", "ask_factor", "proxies", "paper_key",
    "front", "second_signature_later",
)  # fmt: skip
PORT: Final = 8443
MAX_PORT: Final = 65_535


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """The desk of a city.

    Args:
        conninfo: Of the desk's own database, on the record's server or another that is not behind the door.
        origins: What browsers call it; each begins with `https://`.
        certificate: With `key`, for HTTPS without a server before it; None where such a server speaks HTTPS.
        issuer: Of the OpenID provider, or empty where there are local accounts alone.
        client_secret: A file that only the desk's user reads.
        second_factor: Values of `amr` or `acr` that stand for a second factor.
        ask_factor: Values of `acr` that the provider is asked for, the best first.
        proxies: Addresses of servers before the desk.
        paper_key: The file of the keys that papers are sealed with, on a disk that is copied apart from the papers.
        front: What phones call the front desk's app, by tenant; each a host of its own.
        second_signature_later: In a small office, a letter of two may go out with one signature.
    """

    conninfo: str
    host: str
    port: int
    origins: tuple[str, ...]
    certificate: Path | None
    key: Path | None
    time_zone: str
    issuer: str = ""
    client: str = ""
    client_secret: Path | None = None
    login_claim: str = "preferred_username"
    second_factor: tuple[str, ...] = ("mfa",)
    ask_factor: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    paper_key: Path | None = None
    front: Mapping[str, str] = field(default_factory=dict)
    second_signature_later: bool = False


def read_desk(toml: Toml, base: Path) -> DeskSettings | None:
    """Return what a file says of the desk, or None where it says nothing; faults are noted.

    Args:
        base: The folder that paths are relative to.
    """
    if "desk" not in toml.data:
        return None
    made = DeskSettings(
        conninfo=_conninfo(toml),
        host=toml.get(str, "desk", "host", default="127.0.0.1"),
        port=_port(toml),
        origins=_texts(toml, "origins", ()),
        certificate=_file(toml, base, "certificate"),
        key=_file(toml, base, "key"),
        time_zone=_zone(toml),
        issuer=toml.get(str, "desk", "issuer", default=""),
        client=toml.get(str, "desk", "client", default=""),
        client_secret=_file(toml, base, "client_secret"),
        login_claim=toml.get(str, "desk", "login_claim", default="preferred_username"),
        second_factor=_texts(toml, "second_factor", ("mfa",)),
        ask_factor=_texts(toml, "ask_factor", ()),
        proxies=_texts(toml, "proxies", ()),
        paper_key=_file(toml, base, "paper_key"),
        front=_front(toml),
        second_signature_later=toml.get(bool, "desk", "second_signature_later", default=False),
    )
    if not made.origins or not all(_is_origin(one) for one in made.origins):
        toml.note("`desk.origins` lists what browsers call it, each `https://` and a name", "desk", "origins")
    if not all(_is_address(one) for one in made.proxies):
        toml.note("`desk.proxies` lists addresses such as 10.0.0.5, no names", "desk", "proxies")
    if (made.certificate is None) != (made.key is None):
        toml.note("`desk.certificate` and `desk.key` go together", "desk")
    if made.issuer and not (made.issuer.startswith("https://") and made.client and made.client_secret):
        toml.note(
            "`desk.issuer` begins with `https://` and needs `client` and `client_secret`", "desk", "issuer"
        )
    return made


def _front(toml: Toml) -> dict[str, str]:
    found = toml.get(dict, "desk", "front", default={})
    sites = {
        str(tenant): site for tenant, site in found.items() if isinstance(site, str) and _is_origin(site)
    }
    if len(sites) != len(found) or len(set(sites.values())) != len(sites):
        toml.note(
            "`desk.front` has for each tenant what its phones call the app, `https://` and a host of its own",
            "desk", "front",
        )  # fmt: skip
    return sites


def _is_origin(text: str) -> bool:
    found = urlsplit(text)
    return (
        found.scheme == "https" and bool(found.hostname) and not (found.path or found.query or found.fragment)
    )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _conninfo(toml: Toml) -> str:
    text = toml.get(str, "desk", "conninfo")
    try:
        given = conninfo_to_dict(text)
    except ProgrammingError:
        toml.note("`desk.conninfo` is none that libpq reads", "desk", "conninfo")
        return ""
    if "password" in given:
        toml.note("`desk.conninfo` holds no password: libpq reads `passfile`", "desk", "conninfo")
    return text


def _port(toml: Toml) -> int:
    found = toml.get(int, "desk", "port", default=PORT)
    if not 1 <= found <= MAX_PORT:
        toml.note(f"`desk.port` is a whole number from 1 to {MAX_PORT}", "desk", "port")
    return found


def _texts(toml: Toml, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    found = toml.get(list, "desk", key, default=list(default))
    if not all(isinstance(one, str) and one for one in found):
        toml.note(f"`desk.{key}` is a list of texts", "desk", key)
        return default
    return tuple(found)


def _file(toml: Toml, base: Path, key: str) -> Path | None:
    text = toml.get(str, "desk", key, default="")
    return base / text if text else None


def _zone(toml: Toml) -> str:
    text = toml.get(str, "desk", "time_zone", default="America/Chicago")
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError):
        toml.note(f"`desk.time_zone` is no zone of the IANA database: `{text[:40]}`", "desk", "time_zone")
        return "UTC"
    return text
