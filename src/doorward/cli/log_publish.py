"""`doorward log publish`: the public log as static files, for any web server or object storage."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.installation import Config, Data, find_installation
from doorward.record.log_files import LogFiles
from doorward.record.publish import publish as publish_log
from doorward.verifier.single_file import NAME, make_single_file

PAGE = "verify.html"


def publish(
    to: Annotated[
        Path, typer.Option(help="the folder that a web server serves, or that is copied to a storage")
    ],
    log: Annotated[Path | None, typer.Option(help="the log's folder; without it, the installation's")] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Bring a public copy of the log up to date: tiles, archives, checkpoint, and two verifiers beside them.

    Nothing that is there is overwritten with other bytes; the checkpoint comes last. A second run goes on where the
    first one stopped.
    """
    source = log if log is not None else find_installation(config, data).log
    page = (files("doorward.verifier") / PAGE).read_bytes()
    done = publish_log(LogFiles(source), LogFiles(to), {NAME: make_single_file().encode(), PAGE: page})
    typer.echo(
        f"published {done.tree_size:,} leaves: {done.files:,} files and {done.archives:,} archives are new"
    )
