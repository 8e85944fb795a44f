"""`doorward protocol list`, `show` and `compile`: what the staff of a place see, as text and as the app's JSON.

Exit codes: 0 done, 1 the protocols have a fault, 2 there is no such order, place, tenant or language.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.protocol_check import ORDER_HELP, load_protocol_pack
from doorward.errors import ConfigError, PolicyCheckError
from doorward.orders.protocols.catalog import Catalog, read_catalog
from doorward.orders.protocols.compile import compile_protocols, format_compiled
from doorward.orders.protocols.messages import collect_messages
from doorward.orders.protocols.model import SOURCE_LANGUAGE, Protocols, Showing
from doorward.orders.protocols.read import read_protocols
from doorward.orders.protocols.tree import draw_protocol
from doorward.orders.protocols.ways import find_shape_faults

TENANT_HELP = "whose place it is, where several have such a place"
LANGUAGE_HELP = "a language of the pack, such as `es`"


def list_protocols(order: Annotated[str, typer.Option(help=ORDER_HELP)] = "chicago") -> None:
    """List every tenant's places, the protocol that staff see there, and by what act."""
    pack = load_protocol_pack(order)
    for showing in read_protocols(pack.files, pack.contacts).every_showing():
        adopted = showing.adoption
        act = f"adopted by {adopted.by} on {adopted.on}: {adopted.act}" if adopted else "nothing adopted"
        typer.echo(f"{showing.tenant.id}\t{showing.place.id}\t{showing.protocol.id}\t{act}")


def show(
    place: Annotated[str, typer.Argument(help="a place of `doorward protocol list`, such as `library`")],
    lang: Annotated[str, typer.Option(help=LANGUAGE_HELP)] = SOURCE_LANGUAGE,
    tenant: Annotated[str | None, typer.Option(help=TENANT_HELP)] = None,
    order: Annotated[str, typer.Option(help=ORDER_HELP)] = "chicago",
) -> None:
    """Draw a protocol in the terminal: first screen, decisions, what to say, whom to call, what it rests on."""
    pack = load_protocol_pack(order)
    protocols = read_protocols(pack.files, pack.contacts)
    showing = find_showing(protocols, place, tenant)
    faults = find_shape_faults(showing.protocol)
    if faults:
        raise PolicyCheckError(
            str(faults[0]), findings=faults, hint="`doorward protocol check` lists every fault"
        )
    catalog = None
    if lang != SOURCE_LANGUAGE:
        catalog = find_catalog(protocols, lang, pack.files)
    for line in draw_protocol(protocols, showing, catalog):
        typer.echo(line)


def compile_tenant(
    tenant: Annotated[str, typer.Argument(help="a tenant of `doorward protocol list`, such as `city`")],
    out: Annotated[Path, typer.Option(help="the file that is written")],
    lang: Annotated[
        list[str] | None, typer.Option(help="a language besides English; may be repeated")
    ] = None,
    order: Annotated[str, typer.Option(help=ORDER_HELP)] = "chicago",
) -> None:
    """Write the JSON that the offline app reads; the same pack, tenant and languages give the same bytes."""
    pack = load_protocol_pack(order)
    document = compile_protocols(pack, tenant, lang or ())
    raw = format_compiled(document)
    try:
        out.write_bytes(raw)
    except OSError as error:
        raise ConfigError(f"cannot write `{out}`: {error.strerror}") from error
    typer.echo(f"wrote {out}: version {document['version'][:16]}, {len(raw)} bytes")


def find_showing(protocols: Protocols, place: str, tenant: str | None) -> Showing:
    """Return what staff see at a place.

    Raises:
        ConfigError: No tenant, or more than one, has it.
    """
    found = [
        showing
        for showing in protocols.every_showing()
        if showing.place.id == place and tenant in {None, showing.tenant.id}
    ]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(showing.tenant.id for showing in found)
        raise ConfigError(f"more than one tenant has a place `{place}`", hint=f"--tenant, one of {names}")
    places = sorted({showing.place.id for showing in protocols.every_showing()})
    raise ConfigError(f"there is no place `{place[:80]}`", hint=f"one of {', '.join(places)}")


def find_catalog(protocols: Protocols, language: str, files: Mapping[str, str]) -> Catalog:
    """Return the texts of a language.

    Raises:
        ConfigError: The pack has no such language.
    """
    known = protocols.frame.languages
    if language not in known:
        names = ", ".join((SOURCE_LANGUAGE, *known))
        raise ConfigError(f"the protocols have no language `{language[:80]}`", hint=f"one of {names}")
    return read_catalog(language, collect_messages(protocols), files)
