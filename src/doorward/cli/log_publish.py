"""`doorward log publish`: a public log as static files, for any web server or object storage."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from doorward.record.log_files import LogFiles
from doorward.record.publish import publish as publish_log
from doorward.verifier.single_file import NAME, make_single_file

PAGE = "verify.html"


def publish(
    log: Annotated[Path, typer.Argument(metavar="PATH", help="a public log, as `log release` keeps one")],
    to: Annotated[
        Path, typer.Option(help="the folder that a web server serves, or that is copied to a storage")
    ],
    unscheduled: Annotated[bool, typer.Option("--unscheduled", help="all may see when it grew")] = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Keep a copy of a public log for a web server: tiles, archives, checkpoint, and two verifiers beside them.

    Nothing that is there is overwritten with other bytes; the checkpoint comes last. A second run goes on where the
    first one stopped.
    """
    page = (files("doorward.verifier") / PAGE).read_bytes()
    extras = {NAME: make_single_file().encode(), PAGE: page}
    done = publish_log(LogFiles(log), LogFiles(to), extras, needs_schedule=not unscheduled)
    typer.echo(
        f"published {done.tree_size:,} leaves: {done.files:,} files and {done.archives:,} archives are new"
    )
