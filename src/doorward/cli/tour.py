"""`doorward tour`: the five people and the escapes, played with real clients, shown as a table.

Every line says what came, and where the record has it. Exit 1 where anything differs from the order, or where
a decision is not found in the record.
"""

import json
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from doorward.cli.folders import Folders, find_folders
from doorward.cli.running import read_run, record_conninfo
from doorward.cli.seals import disclosures_of
from doorward.cli.stops import Stop, Visitors
from doorward.record.disclosures import PostgresDisclosures
from doorward.record.entry import Entry, Field, Kind, decode_fields

RECORD_SECONDS = 15  # the publisher is about one second behind
BLOCKS_A_READ = 500
PICTURE_COLUMNS = 220


def tour(
    data: Annotated[Path | None, typer.Option(help="the data folder of a running `doorward up`")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document instead of a table")] = False,  # noqa: FBT002  # a command-line flag
    svg: Annotated[Path | None, typer.Option(help="also write the table as a picture")] = None,
) -> None:
    """Play the five people and the escapes against the running gateway; exit 1 if anything differs."""
    stops = play_tour(find_folders(data))
    if as_json:
        typer.echo(json.dumps([asdict(stop) | {"holds": stop.holds} for stop in stops], indent=1))
    else:
        console = Console(record=svg is not None, width=PICTURE_COLUMNS if svg else None)
        print_tour(console, stops)
        if svg is not None:
            # Without rich's web fonts: a picture of ours asks nobody for anything.
            picture = re.sub(
                r"@font-face \{.*?\}", "", console.export_svg(title="doorward tour"), flags=re.DOTALL
            )
            svg.write_text(picture, encoding="utf-8")
    if not all(stop.holds for stop in stops):
        raise typer.Exit(1)


def play_tour(folders: Folders) -> list[Stop]:
    """Return what came of each stop, played against the gateway that runs in this data folder.

    Raises:
        ConfigError: doorward is not up there.
        StoreError: The disclosures cannot be read.
    """
    port = int(read_run(folders, "gateway")["port"])
    with disclosures_of(folders, record_conninfo(folders)) as disclosures:
        first_leaf = disclosures.totals().blocks
        stops = list(Visitors(port, f"tour-{secrets.token_hex(4)}").visit())
        return _look_up(stops, disclosures, first_leaf)


def _look_up(stops: list[Stop], disclosures: PostgresDisclosures, first_leaf: int) -> list[Stop]:
    """Return the stops with the clauses and the number of their decision's entry, from the auditors' store."""
    wanted = {stop.name.encode() for stop in stops}
    sessions: dict[bytes, bytes] = {}  # session -> the stop's name
    found: dict[bytes, Entry] = {}  # the stop's name -> its decision, or its connect where there was none
    leaf, deadline = first_leaf, time.monotonic() + RECORD_SECONDS
    while time.monotonic() < deadline and not _complete(stops, found):
        blocks = disclosures.read(leaf, BLOCKS_A_READ)
        for block in blocks:
            for stored in block.entries:
                if stored.kind not in {Kind.CONNECT, Kind.DECISION}:
                    continue
                entry = Entry(
                    Kind(stored.kind), stored.sequence, stored.time_us, stored.session, stored.request, stored.salt,
                    decode_fields(stored.body),
                )  # fmt: skip
                name = entry.get(Field.APPLICATION) or sessions.get(entry.session)
                if name in wanted:
                    sessions[entry.session] = name
                    found[name] = entry
        leaf = blocks[-1].leaf_index + 1 if blocks else leaf
        if not blocks:
            time.sleep(0.1)
    return [_with_entry(stop, found.get(stop.name.encode())) for stop in stops]


def _complete(stops: list[Stop], found: dict[bytes, Entry]) -> bool:
    decided = [stop.name.encode() for stop in stops if stop.expected != "28P01"]
    return all(name in found and found[name].kind is Kind.DECISION for name in decided) and len(found) == len(
        stops
    )


def _with_entry(stop: Stop, entry: Entry | None) -> Stop:
    if entry is None:
        return stop
    return replace(stop, clauses=(entry.get(Field.CLAUSES) or b"").decode(), entry=entry.sequence)


def print_tour(console: Console, stops: Sequence[Stop]) -> None:
    """Print the tour as a table."""
    if not console.is_terminal:
        console.width = max(console.width, PICTURE_COLUMNS)  # a file or pipe has no edge
    wide = console.width >= PICTURE_COLUMNS
    table = Table(title="five people and the escapes", header_style="bold", box=SIMPLE, pad_edge=False)
    for column in ("who", "for", "purpose", "asked", "came", "rows", "clauses", "entry"):
        table.add_column(column, no_wrap=wide, justify="right" if column == "rows" else "left")
    table.add_column("what the door said", overflow="fold")
    for stop in stops:
        came = f"[green]{stop.came}[/green]" if stop.holds else f"[red]{stop.came}, not {stop.expected}[/red]"
        entry = "not found" if stop.entry is None else str(stop.entry)
        rows = "none" if stop.rows == "none" else f"{sum(int(count) for count in stop.rows.split()):,}"
        table.add_row(
            stop.who, stop.for_agency, stop.purpose, stop.asked, came, rows, stop.clauses, entry, stop.said
        )
    console.print(table)
    differing = sum(not stop.holds for stop in stops)
    console.print(f"{len(stops)} stops, {differing} differ from the order")
