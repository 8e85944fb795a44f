"""What `doorward audit run` takes: one name an option, with its help."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from doorward.lookback.engine import MEMORY

Out = Annotated[Path, typer.Option(help="the folder of the audit; a second run goes on in it")]
Files = Annotated[
    list[Path] | None,
    typer.Argument(
        help="logs: CSV, JSON, Parquet, XLSX, PDF, a database's own log; texts in .gz and .zst too"
    ),
]
Record = Annotated[
    Path | None, typer.Option(help="our own record as a log: the data folder of a `doorward up`")
]
Config = Annotated[
    Path | None, typer.Option(help="our own record as a log: doorward.toml of the installation")
]
Form = Annotated[
    str, typer.Option(help="the form of every file, where its bytes do not tell: pgaudit, oracle ...")
]
Orders = Annotated[
    list[str] | None, typer.Option(help="an order that the logs are put to: a shipped one, or a folder")
]
Policies = Annotated[
    Path | None, typer.Option(help="a CSV of agencies' published words: each export is put to its owner's")
]
MapFile = Annotated[
    Path | None, typer.Option("--map", help="a map of columns, as `doorward audit detect` proposes it")
]
Owner = Annotated[str, typer.Option(help="whose log the files are, where they do not say")]
Agencies = Annotated[Path | None, typer.Option(help="a list of agencies with ORI, a CSV")]
Matches = Annotated[Path | None, typer.Option(help="reviewed matches, of `doorward audit agencies`")]
Participating = Annotated[Path | None, typer.Option(help="the list of 287(g) agencies, XLSX")]
Pending = Annotated[Path | None, typer.Option(help="the list of pending 287(g) agencies, XLSX")]
Declarations = Annotated[Path | None, typer.Option(help="written declarations on file, a CSV")]
Shared = Annotated[
    list[Path] | None,
    typer.Option(help="exports of shared networks, CSV, by owner: town-pd__2026-04-19.csv, or --owner"),
]
Timezone = Annotated[str, typer.Option(help="of times that name none, such as America/Chicago")]
Memory = Annotated[
    str,
    typer.Option(
        help="what the engine may take before it spills to disk, and the reader of a workbook or print at all; "
        f"without it {MEMORY}, 3 GiB for a workbook and 1 GiB for a print"
    ),
]
Threads = Annotated[int | None, typer.Option(help="at most so many; one a core without it")]
Engine = Annotated[str, typer.Option(help="duckdb, or spark for what grows with the log")]
Labels = Annotated[
    list[Path] | None,
    typer.Option(help="a label file, which the ranking learns from; may be given more than once"),
]
Zone = Annotated[
    list[str] | None,
    typer.Option(help="ORI=America/Chicago or STATE=America/Chicago; may be given more than once"),
]
MarkDay = Annotated[
    list[str] | None, typer.Option(help="2025-12-17=what changed on that day; may be given more than once")
]
KeepGoing = Annotated[
    bool, typer.Option("--keep-going", help="read the other files where one cannot be read; exit code 3")
]
Report = Annotated[bool, typer.Option(help="write the reports as well")]
Anew = Annotated[bool, typer.Option("--anew", help="read every file again")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document")]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of one run, as they were given."""

    out: Path
    files: tuple[Path, ...]
    record: Path | None
    config: Path | None
    form: str
    orders: tuple[str, ...]
    policies: Path | None
    map_file: Path | None
    owner: str
    agencies: Path | None
    matches: Path | None
    participating: Path | None
    pending: Path | None
    declarations: Path | None
    shared: tuple[Path, ...]
    timezone: str
    memory: str
    threads: int | None
    engine: str
    labels: tuple[Path, ...]
    zones: tuple[str, ...]
    marks: tuple[str, ...]
    keep_going: bool
    report: bool
    anew: bool
    as_json: bool
