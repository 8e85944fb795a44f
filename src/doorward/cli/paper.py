"""`doorward paper`: what papers are on file, whether each is whole, what a crash left, a new key.

No command reads a paper: that is an act at the desk, and is recorded there. Exit codes: 0 done and all is well, 1
something is missing or not whole, 2 an argument is wrong, 3 a database or file failed.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.desk import city_configuration, write_private
from doorward.cli.folders import find_folders
from doorward.cli.settings import read_settings
from doorward.desk.configuration import FILE, VARIABLE
from doorward.errors import ConfigError, StoreError

app = typer.Typer(no_args_is_help=True)
Config = Annotated[Path | None, typer.Option(help="doorward.toml of the installation; a sample needs none")]
Data = Annotated[Path | None, typer.Option(help="the data folder of a sample (default ./.doorward)")]
RemoveStrays = Annotated[
    bool, typer.Option("--remove-strays", help="remove files that no row names; they open for nobody")
]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document")]


@app.callback()
def paper() -> None:
    """Keep the papers of the desk."""


@app.command("list")
def list_papers(config: Config = None, data: Data = None, as_json: AsJson = False) -> None:  # noqa: FBT002  # a flag
    """List the papers on file; those of sealed matters are on no list."""
    _open(config, data)
    from doorward.desk.paper_upkeep import list_papers as rows

    found = rows(datetime.now(UTC))  # noqa: TID251  # the command line may read the clock
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    for row in found:
        state = "erased" if row["erased"] else f"{row['holds']} holds" if row["holds"] else row["standing"]
        typer.echo(f"{row['matter']}  {row['class']:<20} {row['bytes']:>10}  {row['sha256']}  {state}")


@app.command()
def check(config: Config = None, data: Data = None, as_json: AsJson = False) -> None:  # noqa: FBT002  # a flag
    """Read every paper through and compare it with its row; what is wrong is named by the paper's id."""
    _open(config, data)
    from doorward.desk.paper_upkeep import WHOLE, check_papers

    looked = list(check_papers())
    wrong = [one for one in looked if one.found != WHOLE]
    if as_json:
        said = {"papers": len(looked), "wrong": [{"id": one.paper, "found": one.found} for one in wrong]}
        typer.echo(json.dumps(said, indent=1))
    else:
        for one in wrong:
            typer.echo(f"{one.paper}: {one.found}")
        typer.echo(f"{len(looked)} papers, {len(wrong)} not whole")
    if wrong:
        raise typer.Exit(1)


@app.command()
def sweep(
    config: Config = None,
    data: Data = None,
    remove_strays: RemoveStrays = False,  # noqa: FBT002  # a flag
    as_json: AsJson = False,  # noqa: FBT002  # a flag
) -> None:
    """Remove what a crash left behind, and name files without a row and rows without a file."""
    _open(config, data)
    from doorward.desk.filed_papers import sweep_papers

    found = sweep_papers(datetime.now(UTC), remove_strays=remove_strays)  # noqa: TID251  # as above
    strays, missing = [str(one) for one in found.strays], [str(one) for one in found.missing]
    if as_json:
        said = {"drafts": found.drafts, "erased": found.erased, "strays": strays, "missing": missing}
        typer.echo(json.dumps({**said, "strays_removed": remove_strays}, indent=1))
    else:
        typer.echo(f"removed: {found.drafts} drafts, {found.erased} files of erased papers")
        word = "removed" if remove_strays else "left; is the database the newest? then --remove-strays"
        typer.echo(f"files without a row: {len(strays)} ({word})" if strays else "files without a row: 0")
        typer.echo(f"papers without a file: {len(missing)}")
        for one in missing:
            typer.echo(f"  {one}")
    if missing or (strays and not remove_strays):
        raise typer.Exit(1)


@app.command()
def rekey(config: Config = None, data: Data = None) -> None:
    """Wrap the keys of all papers with a new key of the desk, so that older copies open no erased paper."""
    _open(config, data)
    from doorward.desk.paper_upkeep import rekey as wrap_again

    count = wrap_again()
    typer.echo(
        f"{count} keys are wrapped anew and the old key is gone: copy the key file apart, and the database, now"
    )


def _open(config: Path | None, data: Path | None) -> None:
    from django.db import DatabaseError

    if config is None:
        file = find_folders(data).run / FILE
        if not file.exists():
            raise ConfigError("no desk has run here", hint="--config names the settings of a city's")
    else:
        configuration, file = city_configuration(read_settings(config))
        write_private(file, configuration.format())
    os.environ[VARIABLE] = str(file)
    from doorward.desk.serve import open_database

    try:
        open_database()
    except DatabaseError as error:
        raise StoreError("the desk's database cannot be reached or brought to this version") from error
