"""`doorward order new`: a folder with a first draft of an order, which checks and proves as it is.

Exit codes: 0 it is written, 2 the name is none or the folder exists.
"""

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from doorward.errors import ConfigError
from doorward.orders.load import read_templates
from doorward.orders.scaffold import make_draft


def new(
    name: Annotated[str, typer.Argument(help="of the order: small letters, digits and hyphens")],
    folder: Annotated[Path, typer.Option(help="where its folder is made")] = Path(),
) -> None:
    """Write a first draft of an order into a new folder of its name; nothing that exists is touched."""
    today = datetime.now(UTC).date()  # noqa: TID251  # the command line is where the clock is read
    files = make_draft(name, read_templates(), today=today)
    home = folder / name
    if home.exists():
        raise ConfigError(f"`{home}` exists already", hint="name another, or remove it")
    try:
        _write(home, files)
    except OSError as error:
        raise ConfigError(f"cannot write `{home}`: {error.strerror}") from error
    for path in sorted(files):
        typer.echo(f"wrote {home / path}")
    typer.echo(f"next: doorward order check {home} && doorward order prove {home}")
    typer.echo("its clauses are adopted by the office `sample`, which --production refuses: write your own")


def _write(home: Path, files: Mapping[str, str]) -> None:
    """Write a folder that is there whole or not at all."""
    with tempfile.TemporaryDirectory(dir=home.parent, prefix=".new-order-") as kept:
        draft = Path(kept) / home.name
        draft.mkdir()
        for path, text in files.items():
            (draft / path).parent.mkdir(exist_ok=True)
            (draft / path).write_text(text, encoding="utf-8")
        draft.rename(home)
