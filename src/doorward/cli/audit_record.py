"""Our own record as a source of `doorward audit`: sessions that the door opened, for another order to be run over them.

Read as `doorward report observe` reads it: from the disclosures, and from the spool what they do not hold yet.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from doorward.cli.installation import find_installation
from doorward.cli.report_observe import OPENING, SPOOL_ALONE, find_disclosures, read_entries
from doorward.cli.settings import read_settings
from doorward.errors import ConfigError
from doorward.grants.people import load_people
from doorward.lookback.reading.own_record import read_own_record
from doorward.lookback.reading.raw import RawTable

if TYPE_CHECKING:
    import duckdb


def read_record(
    connection: "duckdb.DuckDBPyConnection",
    path: Path,
    *,
    config: Path | None,
    data: Path | None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> RawTable:
    """Return the accesses of an installation's record.

    Args:
        connection: Of the engine; nothing is left in it.
        path: Of the Parquet file that is written.
        config: doorward.toml of the installation, or None for the sample's.
        data: The sample's data folder, or None for the usual one.
        since: In UTC, or None: from the beginning.
        until: In UTC, not included, or None: to the end.

    Raises:
        ConfigError: The installation cannot be found, or `until` is not after `since`.
        StoreError: The record cannot be read.
        MalformedError: An entry of it is none.
    """
    folders = find_installation(config, data)
    begins = since or datetime(1970, 1, 1, tzinfo=UTC) + OPENING
    ends = until or datetime.now(UTC) + timedelta(days=1)  # noqa: TID251  # the command line may read the clock
    if ends <= begins:
        raise ConfigError("`--to` must be after `--from`")
    record = read_settings(config).record if config is not None else ""
    disclosures = find_disclosures(folders, record)
    people = {person.login: person for person in load_people(folders.people)}
    entries = (
        entry
        for entry in read_entries(folders, disclosures, begins=begins - OPENING, ends=ends)
        if entry.time_us < int(ends.timestamp() * 1_000_000)
    )
    table = read_own_record(connection, entries, people, path, begins_us=int(begins.timestamp() * 1_000_000))
    return table if disclosures else replace(table, notes=(SPOOL_ALONE, *table.notes))
