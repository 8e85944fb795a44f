"""Real rows behind the door: released reports of Chicago's police, read through the gateway by psycopg.

    python examples/chicago-trr/run.py --data /var/tmp/doorward-trr

Starts a doorward of its own in that folder, loads the files (`load.py`), puts an order into force that is the
Chicago order with this folder's `collections.toml` added to its tables, and reads as four people. The counts must
equal those of the files, counted here again without the loader; the refused must see nothing; the columns that
stand in no class must be absent. Prints a table; exit status 1 where anything differs.
"""

import argparse
import csv
import gzip
import importlib.util
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from doorward.cli.folders import Folders
from doorward.cli.panel import Ports
from doorward.cli.sample import PEOPLE, SamplePerson
from doorward.cli.up import running
from doorward.embedded.launcher import running_dsn
from doorward.errors import DoorwardError

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent.parent.parent / "shared" / "data" / "chicago-police"
PERMITTED, REFUSED = PEOPLE[:3], PEOPLE[3:]
CLOSED = {"trr_reports": {"rd_no"}, "trr_subjects": {"subject_cb_no"}, "complaints": set[str]()}
FILES = {"trr_reports": "TRR-main_*", "trr_subjects": "TRR-subjects_*", "complaints": "complaints-*"}
ADULT_AFTER = 19  # a year of birth alone: born 19 calendar years before is an adult for certain
CONNECT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One person and one table: what the files say should be seen, and what was."""

    who: str
    table: str
    expected: str
    seen: str

    @property
    def holds(self) -> bool:
        """True where the two are the same."""
        return self.expected == self.seen


def count_file(source: Path, table: str) -> int:
    """Return how many rows of a file a person may see who is permitted, by the file alone."""
    (path,) = source.glob(FILES[table])
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    if table != "trr_subjects":
        return len(rows)
    # A subject who may have been a juvenile is withheld: the year of birth is missing or leaves it open.
    return sum(
        bool(row["birth_year"]) and _year(row) - float(row["birth_year"]) >= ADULT_AFTER for row in rows
    )


def _year(row: dict[str, Any]) -> int:
    return int(row["trr_id"][:4])


def merged_order(folder: Path) -> Path:
    """Return a copy of the Chicago pack whose collections also hold this example's tables."""
    shutil.rmtree(folder, ignore_errors=True)
    with resources.as_file(resources.files("doorward.orders").joinpath("chicago")) as pack:
        shutil.copytree(pack, folder)
    added = (HERE / "collections.toml").read_text(encoding="utf-8")
    with (folder / "collections.toml").open("a", encoding="utf-8") as collections:
        collections.write("\n" + added[added.index('[table."trr.reports"]') :])
    return folder


def read_all(port: int, source: Path) -> Iterator[Line]:
    """Yield what each person sees of each table through the gateway, beside what the files say."""
    for person in PERMITTED:
        with _connect(person, port) as session:
            for table in FILES:
                counted = session.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()  # noqa: S608  # our own list
                described = session.execute(f"SELECT * FROM {table} LIMIT 0".encode()).description or []  # noqa: S608  # as above
                shown = {column.name for column in described} & CLOSED[table]
                seen = f"{counted[0] if counted else 0}" + (f" and {sorted(shown)}" if shown else "")
                yield Line(person.says, table, str(count_file(source, table)), seen)
    for person in REFUSED:
        try:
            _connect(person, port).close()
            seen = "let in"
        except psycopg.OperationalError as error:
            seen = "refused" if "refused:" in str(error) else "?"
        yield Line(person.says, "all", "refused", seen)


def _connect(person: SamplePerson, port: int) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(
        host="127.0.0.1",
        port=port,
        user=person.login,
        password=person.password,
        dbname="clear",
        options=person.options(),
        connect_timeout=CONNECT_SECONDS,
        sslmode="disable",
        autocommit=True,
    )


def _loader() -> ModuleType:
    spec = importlib.util.spec_from_file_location("chicago_trr_load", HERE / "load.py")
    if spec is None or spec.loader is None:
        raise DoorwardError("load.py does not stand beside run.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


def play(folders: Folders, source: Path, ports: Ports, console: Console) -> list[Line]:
    """Return every line, after loading the files and putting the wider order into force.

    Raises:
        DoorwardError: Something did not start, or the files cannot be loaded.
    """
    folders.make()
    with folders.lock():
        with running(folders, ports, order="chicago", console=console):
            _loader().load_all(running_dsn(folders.data / "city", user="postgres", dbname="clear"), source)
        order = merged_order(folders.data / "order" / "chicago-trr")
        with running(folders, ports, order=str(order), console=console):
            return list(read_all(ports.gateway, source))


def main(arguments: list[str] | None = None) -> int:
    """Run the example and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("/var/tmp/doorward-trr"))  # noqa: S108  # refused if not ours
    parser.add_argument("--source", type=Path, default=SOURCE)
    parser.add_argument("--port", type=int, default=6442)
    parser.add_argument("--city-port", type=int, default=6441)
    given = parser.parse_args(arguments)
    console = Console()
    try:
        lines = play(
            Folders(given.data.absolute()), given.source, Ports(given.port, given.city_port), console
        )
    except DoorwardError as error:
        sys.stderr.write(f"{error}\n" + (f"  hint: {error.hint}\n" if error.hint else ""))
        return 3
    table = Table(
        "who", "table", "by the files", "through the gateway", title="released rows behind the door"
    )
    for line in lines:
        colour = "green" if line.holds else "red"
        table.add_row(line.who, line.table, line.expected, f"[{colour}]{line.seen}[/{colour}]")
    console.print(table)
    return 0 if all(line.holds for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
