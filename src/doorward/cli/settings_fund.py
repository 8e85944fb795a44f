"""The section `[fund]` of doorward.toml: where the fund's database is, how its role gets in, whose order words it."""

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from doorward.fund.place import DATABASE, ROLE
from doorward.orders.toml import Toml

KEYS: Final = ("conninfo", "passfile", "order")
DEFAULT_PORT: Final = "5432"


@dataclass(frozen=True, slots=True)
class FundSettings:
    """The fund of a city.

    Args:
        conninfo: Of the role `doorward_fund` to the fund's database, on a server that is not behind the door.
        order: Whose `fund.toml` words it: a name or a folder; the installation's own where nothing is said.
    """

    conninfo: str
    order: str


def read_fund(toml: Toml, base: Path, *, order: str, database: str) -> FundSettings | None:
    """Return what a file says of the fund, or None where it says nothing; faults are noted.

    Args:
        base: The folder that paths are relative to.
        order: Of the installation.
        database: Conninfo of the server behind the door; the fund is on another.
    """
    if "fund" not in toml.data:
        return None
    conninfo = _conninfo(toml, database)
    if toml.table("fund").get("passfile") is not None:
        passfile = base / toml.get(str, "fund", "passfile")
        if not passfile.is_file():
            toml.note(f"`{passfile.name}` is no file", "fund", "passfile")
        elif passfile.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            toml.note("others may read this file, so libpq passes it over: chmod 600", "fund", "passfile")
        elif conninfo:
            conninfo = make_conninfo(conninfo, passfile=str(passfile.absolute()))
    named = toml.get(str, "fund", "order", default=order)
    folder = base / named
    return FundSettings(conninfo, str(folder) if folder.is_dir() else named)


def _conninfo(toml: Toml, database: str) -> str:
    text = toml.get(str, "fund", "conninfo")
    if not text:
        return ""
    try:
        given = {key: str(value) for key, value in conninfo_to_dict(text).items() if value is not None}
    except ProgrammingError:
        toml.note("`fund.conninfo` is none that libpq reads", "fund", "conninfo")
        return ""
    if "password" in given:
        toml.note("`fund.conninfo` holds no password: name a file with `passfile`", "fund", "conninfo")
        return ""
    behind = conninfo_to_dict(database) if database else {}
    if database and _server(given) == _server(behind):
        toml.note(
            "this is the server behind the door, and the fund is on another", "fund", "conninfo",
            hint="the record's server",
        )  # fmt: skip
    return make_conninfo(**{"dbname": DATABASE, "user": ROLE, "application_name": "doorward fund"} | given)


def _server(given: dict[str, str] | dict[str, str | int | None]) -> tuple[str, str]:
    return str(given.get("host") or given.get("hostaddr") or ""), str(given.get("port") or DEFAULT_PORT)
