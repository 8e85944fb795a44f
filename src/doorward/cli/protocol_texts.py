"""`doorward protocol extract` and `reviewed`: the catalogs of translations, and a person's word that one is right.

Exit codes: 0 done, 1 a file cannot be read as what it should be, 2 there is no such order, language or text.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.protocol_check import ORDER_HELP, load_protocol_pack
from doorward.errors import ConfigError
from doorward.orders.load import find_pack
from doorward.orders.protocols.catalog import TEMPLATE, catalog_path, mark_reviewed, merge_catalog
from doorward.orders.protocols.messages import collect_messages
from doorward.orders.protocols.read import read_protocols


def extract(
    order: Annotated[str, typer.Option(help=ORDER_HELP)] = "chicago",
    check: Annotated[bool, typer.Option("--check", help="write nothing; 1 if one would change")] = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Write every text into the template and the catalog of each language; translations are kept."""
    pack = load_protocol_pack(order)
    protocols = read_protocols(pack.files, pack.contacts)
    messages = collect_messages(protocols)
    languages = {TEMPLATE: "", **{catalog_path(code): code for code in protocols.frame.languages}}
    home, changed = find_pack(order), 0
    for path, code in languages.items():
        old = None if code == "" else pack.files.get(path)
        text = merge_catalog(code, messages, old, path=path)
        if text == pack.files.get(path):
            continue
        changed += 1
        if check:
            typer.echo(f"{path} is out of date")
        else:
            _write(home / path, text)
            typer.echo(f"wrote {home / path}")
    typer.echo(f"{len(messages)} texts, {len(languages) - 1} languages, {changed} files changed")
    if check and changed:
        raise typer.Exit(1)


def reviewed(
    lang: Annotated[str, typer.Option(help="the language that was reviewed")],
    by: Annotated[str, typer.Option(help="the office or role of the person; at most 80 signs")],
    text: Annotated[
        list[str] | None, typer.Option(help="an English text, word for word; may be repeated")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="every text that is translated and not fuzzy")] = False,  # noqa: FBT002  # a command-line flag
    order: Annotated[str, typer.Option(help="the folder of an order")] = "chicago",
) -> None:
    """Write down that a person has read translations against the English and found them right.

    The line is bound to both texts: a later change of either takes it away again.
    """
    pack = load_protocol_pack(order)
    path = catalog_path(lang)
    if path not in pack.files:
        raise ConfigError(f"the order has no `{path}`", hint="`doorward protocol extract` writes it")
    if bool(text) == every:
        raise ConfigError("say which texts were reviewed", hint="--text, one or more, or --all")
    today = datetime.now(UTC).date()  # noqa: TID251  # the command line is where the clock is read
    marked, done = mark_reviewed(lang, pack.files[path], only=text or None, who=by, on=today, path=path)
    _write(find_pack(order) / path, marked)
    typer.echo(f"{done} texts of `{lang}` reviewed by {by}")


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write `{file}`: {error.strerror}") from error
