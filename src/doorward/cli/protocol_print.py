"""`doorward protocol print`: posters, wallet cards, the visitors' notice, the paper form of a visit record.

Exit codes: 0 written, 1 the protocols have a fault, 2 a text is not reviewed, or there is no such place or language.
"""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.protocol_check import ORDER_HELP, load_protocol_pack
from doorward.cli.protocol_show import LANGUAGE_HELP, TENANT_HELP, find_catalog, find_showing
from doorward.errors import ConfigError
from doorward.orders.protocols.compile import compile_protocols
from doorward.orders.protocols.model import SOURCE_LANGUAGE
from doorward.orders.protocols.paper import Print, print_sheet, sheet_names
from doorward.orders.protocols.read import read_protocols


def print_sheets(  # noqa: PLR0913, PLR0917  # flags of a command
    place: Annotated[str, typer.Option(help="a place of `doorward protocol list`")],
    site: Annotated[str, typer.Option(help="where the app is: https and a host")],
    out: Annotated[Path, typer.Option(help="the folder that the files go to")],
    lang: Annotated[str, typer.Option(help=LANGUAGE_HELP)] = SOURCE_LANGUAGE,
    sheet: Annotated[
        list[str] | None, typer.Option(help="poster, card, visitors or form; all without it")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help=TENANT_HELP)] = None,
    fonts: Annotated[
        Path | None, typer.Option(help="a folder with Noto fonts, for Chinese and Arabic")
    ] = None,
    day: Annotated[
        str | None, typer.Option(help="the date that is printed, 2026-01-31; today without it")
    ] = None,
    order: Annotated[str, typer.Option(help=ORDER_HELP)] = "chicago",
) -> None:
    """Write PDFs for paper; a text that no person has reviewed is never printed."""
    pack = load_protocol_pack(order)
    protocols = read_protocols(pack.files, pack.contacts)
    showing = find_showing(protocols, place, tenant)
    catalog = None if lang == SOURCE_LANGUAGE else find_catalog(protocols, lang, pack.files)
    training = compile_protocols(pack, showing.tenant.id)["training"]
    run = Print(site, training, _day(day), fonts)
    sheets = {
        name: print_sheet(pack, protocols, showing, name, catalog=catalog, run=run)
        for name in sheet or sheet_names(protocols.frame)
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, raw in sheets.items():
            file = out / f"{showing.tenant.id}-{place}-{name}-{lang}.pdf"
            file.write_bytes(raw)
            typer.echo(f"wrote {file}")
    except OSError as error:
        raise ConfigError(f"cannot write to `{out}`: {error.strerror}") from error


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).date()  # noqa: TID251  # the command line is where the clock is read
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"`{text[:40]}` is no date", hint="written 2026-01-31") from error
