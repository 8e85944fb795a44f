"""`doorward order sql`: the order as one query over a table of requests, a row each.

Exit codes: 0 printed, 2 there is no such order, action or fact, or the dialect has no form for a condition.
"""

from typing import Annotated

import typer

from doorward.cedar.dialects import DIALECTS
from doorward.cedar.hierarchy import Hierarchy
from doorward.cli.requests import parse_fact
from doorward.errors import ConfigError
from doorward.orders.load import load_pack
from doorward.policy.bulk import Sources, write_query, write_unsure_query
from doorward.policy.symbolic import Symbolic


def sql(  # noqa: PLR0913, PLR0917  # flags of a command
    pack: Annotated[str, typer.Argument(help="a shipped order such as `chicago`, or the folder of one")],
    action: Annotated[str, typer.Option(help="what every row asks")],
    resource: Annotated[str, typer.Option(help="the type of resource that every row is about")],
    table: Annotated[str, typer.Option(help="what is selected from, as SQL")] = "requests",
    dialect: Annotated[str, typer.Option(help=f"one of {', '.join(DIALECTS)}")] = "duckdb",
    column: Annotated[
        list[str] | None,
        typer.Option(help="path=SQL of a fact's column; without it, a column of the path's own name"),
    ] = None,
    value: Annotated[
        list[str] | None, typer.Option(help="path=value of a fact that is the same in every row")
    ] = None,
    keep: Annotated[list[str] | None, typer.Option(help="a column that is passed on, as SQL")] = None,
    unsure: Annotated[bool, typer.Option("--unsure", help="rows where NULL means not known")] = False,  # noqa: FBT002  # a command-line flag
    policies: Annotated[bool, typer.Option(help="the deciding policies as well")] = True,  # noqa: FBT002  # as above
) -> None:
    """Print a query that gives each row's outcome, and the policies that decide it."""
    loaded = load_pack(pack)
    if dialect not in DIALECTS:
        raise ConfigError(f"`{dialect[:40]}` is no dialect", hint=f"one of {', '.join(DIALECTS)}")
    if resource not in loaded.requests.actions.get(action, ()):
        asked = ", ".join(f"{a} of {kind}" for a, kinds in loaded.requests.actions.items() for kind in kinds)
        raise ConfigError(
            f"`{action[:40]}` is not asked of a `{resource[:40]}`", hint=f"the order has {asked}"
        )
    written = DIALECTS[dialect]
    constants = dict(parse_fact(loaded, text) for text in value or ())
    specs = loaded.requests.specs(resource)
    own = [path for path, spec in specs.items() if spec.definition is None and path not in constants]
    columns = {path: written.identifier(path) for path in (*own, "principal", "resource")}
    for text in column or ():
        path, sign, name = text.partition("=")
        if not sign:
            raise ConfigError(f"`--column {text[:80]}` must be path=SQL")
        columns[path] = name
    hierarchy = Hierarchy({uid: found.above | {uid} for uid, found in loaded.requests.entities.items()})
    order = Symbolic(loaded.policies, loaded.requests, hierarchy).order(action, resource)
    sources = Sources(table, columns, constants, keep or ())
    if unsure:
        typer.echo(write_unsure_query(order, loaded.requests, written, sources))
    else:
        typer.echo(write_query(order, loaded.requests, written, sources, policies=policies))
