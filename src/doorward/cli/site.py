"""One installation as a command that only looks finds it: nothing is made, what is missing is said when asked for."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from doorward.cli.database import open_database
from doorward.cli.folders import Folders, find_folders
from doorward.cli.running import DATABASE, connect_admin, read_run
from doorward.cli.settings import Settings, read_settings
from doorward.errors import ConfigError, UpstreamError
from doorward.grants.inventory import FILE, Around, coverage_line, with_found
from doorward.grants.inventory_files import load_inventory
from doorward.grants.lapse import LapseRules
from doorward.install.names import ADMIN
from doorward.orders.load import load_pack
from doorward.orders.pack import Pack
from doorward.policy.scopes import ScopeBook
from doorward.record.disclosures import DATABASE as DISCLOSURES
from doorward.record.disclosures import ROLE

CONNECT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Site:
    """A city's installation, by its doorward.toml, or the sample's, by its data folder.

    Args:
        settings: What doorward.toml says, or None for the sample's.
        order: The order's name or folder.
    """

    folders: Folders
    settings: Settings | None
    order: str

    @property
    def inventory(self) -> Path:
        """Where the inventory lies."""
        return (self.folders.data if self.settings is None else self.settings.file.parent) / FILE

    @property
    def production(self) -> bool:
        """Whether samples and ways without encryption are refused."""
        return self.settings is not None and self.settings.production

    @property
    def database(self) -> str:
        """The database behind the door."""
        if self.settings is None:
            return DATABASE
        return str(conninfo_to_dict(self.settings.database).get("dbname") or "")

    @property
    def rules(self) -> LapseRules:
        """When a login lapses; the sample's do not."""
        if self.settings is None:
            return LapseRules()
        return LapseRules(self.settings.unused_days, self.settings.attested_days)

    @property
    def workloads(self) -> Mapping[str, str]:
        """Roles that reach the database around the door and are declared, each with what it is."""
        return self.settings.workloads if self.settings is not None else {}

    def coverage(self, around: Around | None = None, *, today: date) -> str:
        """Return the line that every report prints: how much of the agency is behind the door.

        Args:
            around: What the catalog shows, where it was looked at.

        Raises:
            ConfigError: The inventory is not what it must be.
        """
        stores = load_inventory(self.inventory)
        shown = with_found(stores or (), around, declared=self.workloads, today=today)
        return coverage_line(shown, is_written=stores is not None, is_looked_at=around is not None)

    def load_order(self) -> tuple[Pack, ScopeBook]:
        """Return the order and its scopes; nothing is kept.

        Raises:
            ConfigError: There is no such order.
            PolicyError: It must not be installed.
        """
        collections = self.settings.collections if self.settings is not None else None
        pack = load_pack(self.order, production=self.production, collections=collections)
        cache = self.folders.order / f"{pack.digest}-{version('doorward')}.json"
        if cache.exists():
            return pack, ScopeBook.from_json(cache.read_text(encoding="utf-8"))
        return pack, pack.scope_book()

    def record_conninfo(self) -> str:
        """Return how the disclosures are reached; raises ConfigError where the sample is not up."""
        if self.settings is not None:
            return make_conninfo(self.settings.record, user=ROLE, dbname=DISCLOSURES)
        record = read_run(self.folders, "record")
        return make_conninfo(host=record["socket_dir"], port=record["port"], user=ROLE, dbname=DISCLOSURES)

    @contextmanager
    def open_admin(self) -> Iterator[psycopg.Connection[Any]]:
        """Yield a connection of the gateway's own role, made the gateway's way.

        Raises:
            ConfigError: The sample is not up.
            UpstreamError: The database cannot be reached or lets the gateway not in.
        """
        if self.settings is not None:
            conninfo = make_conninfo(self.settings.database, user=ADMIN)
        else:
            city = read_run(self.folders, "city")
            conninfo = make_conninfo(host=city["socket_dir"], port=city["port"], user=ADMIN, dbname=DATABASE)
        with _opened(
            lambda: connect_admin(conninfo), "the database does not let the gateway's role in"
        ) as found:
            yield found

    @contextmanager
    def open_record(self) -> Iterator[psycopg.Connection[Any]]:
        """Yield a connection of the recorder's role.

        Raises:
            ConfigError: The sample is not up.
            UpstreamError: The record's server cannot be reached or lets the recorder not in.
        """
        conninfo = make_conninfo(self.record_conninfo(), connect_timeout=CONNECT_SECONDS)
        with _opened(
            lambda: psycopg.connect(conninfo, autocommit=True),
            "the record's server does not let the recorder in",
        ) as found:
            yield found

    @contextmanager
    def open_dba(self, dsn: str | None) -> Iterator[psycopg.Connection[Any] | None]:
        """Yield a superuser's connection to the database: by the DBA's string, or the sample's; else None.

        Raises:
            ConfigError: The string is none, or holds a password.
            UpstreamError: Nobody gets in that way.
        """
        if dsn is None and self.settings is None:
            city = read_run(self.folders, "city")
            dsn = make_conninfo(host=city["socket_dir"], port=city["port"], user="postgres", dbname=DATABASE)
        if dsn is None:
            yield None
            return
        with open_database(dsn) as connection:
            yield connection


def find_site(config: Path | None, data: Path | None, order: str) -> Site:
    """Return the installation that a command is about.

    Raises:
        ConfigError: Both are named, doorward.toml is not what it must be, or there is no data folder.
    """
    if config is not None and data is not None:
        raise ConfigError("--config and --data name two installations", hint="name one")
    settings = read_settings(config) if config is not None else None
    folders = find_folders(data) if settings is None else Folders(settings.data)
    if not folders.mark.exists():
        raise ConfigError(
            f"`{folders.data}` is no data folder of doorward",
            hint="name it with --data, or the installation with --config",
        )
    return Site(folders, settings, settings.order if settings is not None else order)


@contextmanager
def _opened(connect: Callable[[], psycopg.Connection[Any]], failed: str) -> Iterator[psycopg.Connection[Any]]:
    try:
        connection = connect()
    except psycopg.Error as error:
        # Not the server's own words: they may name more than a reader of this should see.
        raise UpstreamError(
            f"{failed}: {f'SQLSTATE {error.sqlstate}' if error.sqlstate else 'no answer, or refused'}"
        ) from error
    with connection:
        yield connection
