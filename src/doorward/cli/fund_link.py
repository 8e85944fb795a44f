"""How the fund's commands reach its database and the record, and how they say what came of it."""

import json
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer
from psycopg.conninfo import make_conninfo

from doorward.cli.folders import Folders, find_folders
from doorward.cli.fund_record import fund_recorder
from doorward.cli.running import ORDER, read_run
from doorward.cli.settings import read_settings
from doorward.cli.settings_fund import FundSettings
from doorward.errors import ConfigError
from doorward.fund.place import DATABASE, ROLE
from doorward.fund.store import Store

DEFAULT_ZONE: Final = "America/Chicago"
By = Annotated[
    str, typer.Option(help="the login of the City person who does it; it is recorded as it is said")
]
Config = Annotated[Path | None, typer.Option(help="doorward.toml of the installation")]
Data = Annotated[Path | None, typer.Option(help="the sample's data folder (default ./.doorward)")]
Database = Annotated[
    str | None, typer.Option(help="conninfo of the fund's database as `doorward_fund`; the sample's")
]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document")]
Year = Annotated[int, typer.Option(help="the fiscal year")]


class Silent:
    """Stands where nothing is submitted."""

    def record(self, drafts: object, *, now: datetime) -> int:
        """Raise: nothing is recorded by a look."""
        del drafts, now
        raise AssertionError("nothing is recorded by a look")


class Link:
    """Where the fund of an installation is.

    Args:
        database: A conninfo of the fund's database, or None: the sample's.
    """

    def __init__(self, config: Path | None, data: Path | None, database: str | None) -> None:
        self.settings = None if config is None else read_settings(config)
        self.folders = find_folders(data) if self.settings is None else Folders(self.settings.data)
        self._database = database

    def conninfo(self, user: str = ROLE) -> str:
        """Return how the fund's database is reached; raises ConfigError where the sample is not up."""
        if self._database is not None:
            return self._database
        if self.settings is not None:
            return self._settings().conninfo
        record = read_run(self.folders, "record")
        return make_conninfo(host=record["socket_dir"], port=record["port"], user=user, dbname=DATABASE)

    @property
    def order(self) -> str:
        """The order whose `fund.toml` words this fund; raises ConfigError where a city's settings have no fund."""
        return ORDER if self.settings is None else self._settings().order

    @property
    def zone(self) -> ZoneInfo:
        """The city's time zone, by which a day begins: that of section `desk`, or the default."""
        desk = None if self.settings is None else self.settings.desk
        return ZoneInfo(DEFAULT_ZONE if desk is None else desk.time_zone)

    def day(self, on: datetime | None, now: datetime) -> date:
        """Return the day that was asked for, else today in the city, as at the desk."""
        return on.date() if on else now.astimezone(self.zone).date()

    def _settings(self) -> FundSettings:
        if self.settings is None or self.settings.fund is None:
            raise ConfigError("doorward.toml has no section `[fund]`", hint="see the page on settings")
        return self.settings.fund

    @contextmanager
    def open(self, now: datetime) -> Iterator[Store]:
        """Yield the store with the one recorder of this host's fund.

        Raises:
            StoreError: Another command of the fund writes and does not end, or the disk refused.
        """
        conninfo = self.conninfo()
        with fund_recorder(self.folders, now=now) as recorder, closing(Store(conninfo, recorder)) as store:
            yield store


def read_clock() -> datetime:
    """Return the moment; the command line is where the clock is read."""
    return datetime.now(UTC)  # noqa: TID251  # as it says


def echo(document: Any) -> None:  # noqa: ANN401  # anything that JSON can say
    """Print one JSON document."""
    typer.echo(json.dumps(document, indent=1, ensure_ascii=False))


def draw_key() -> uuid.UUID:
    """Return a fresh key."""
    return uuid.uuid4()  # noqa: TID251  # ids are made here


def day(said: datetime) -> date:
    """Return the day of an option."""
    return said.date()
