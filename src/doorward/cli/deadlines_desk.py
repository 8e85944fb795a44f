"""`doorward deadlines desk`: the clocks that run at a desk, for a timer that tells somebody what is late.

It reads the desk's database and writes nothing: that a clock was missed is noted by the desk itself, which alone writes
the desk's record, when somebody looks at its queue. A sealed matter is in no list. Exit codes: 0 nothing is late, 1
something is, 2 there is no desk, 3 its database failed.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from doorward.cli.folders import Folders, find_folders
from doorward.cli.settings import read_settings
from doorward.desk.configuration import FILE, VARIABLE
from doorward.errors import ConfigError, StoreError


def desk(
    data: Annotated[Path | None, typer.Option(help="the data folder (default ./.doorward)")] = None,
    config: Annotated[Path | None, typer.Option(help="doorward.toml of the installation")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a flag
) -> None:
    """List the clocks that run at the desk, the first that is over first; exit 1 where one is late."""
    folders = find_folders(data) if config is None else Folders(read_settings(config).data)
    file = folders.run / FILE
    if not file.exists():
        raise ConfigError("no desk was started on this data folder", hint="doorward desk, or doorward up")
    os.environ[VARIABLE] = str(file)
    rows = _rows(datetime.now(UTC))  # noqa: TID251  # the command line may read the clock
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
    else:
        for row in rows:
            late = "late  " if row["is_late"] else ""
            typer.echo(
                f"{row['due'] or 'stands still':<25} {row['matter']}  {late}{row['clock']}  {row['office']}"
            )
        typer.echo(f"{len(rows)} clocks run, {sum(row['is_late'] for row in rows)} are late")
    if any(row["is_late"] for row in rows):
        raise typer.Exit(1)


def _rows(now: datetime) -> list[dict[str, Any]]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "doorward.desk.settings")
    import django
    from django.db import DatabaseError

    django.setup()
    from doorward.desk.models import MatterClock

    running = MatterClock.objects.filter(runs=True).exclude(matter__sealed_until__gt=now)
    try:
        found = list(running.select_related("matter").order_by("due", "id"))
    except DatabaseError as error:
        raise StoreError("the desk's database cannot be read", hint="does it run?") from error
    return [
        {
            "matter": one.matter.number, "clock": one.rule, "office": one.matter.addressee or "law",
            "due": one.due.isoformat(timespec="minutes") if one.due else None,
            "is_late": one.due is not None and one.due <= now, "noted": one.missed,
        }
        for one in found
    ]  # fmt: skip
