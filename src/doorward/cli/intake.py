"""`doorward intake`: what a desk takes under an order, what it asks, and the JSON schema of a kind.

Exit codes: 0 done, 2 there is no such order or kind, or its intake has a fault.
"""

import json
from collections.abc import Iterator
from typing import Annotated

import typer

from doorward.errors import ConfigError
from doorward.orders.intake import Intake, Kind, Question, load_intake, make_schema
from doorward.orders.load import load_pack

app = typer.Typer(no_args_is_help=True)
Order = Annotated[str, typer.Option("--order", help="a shipped order, or the folder of one")]
KindId = Annotated[str, typer.Argument(metavar="KIND", help="a kind of request, as `intake list` names it")]
MAX_WORDS = 20  # of an agency or purpose question; the order's page has them all


@app.callback()
def intake() -> None:
    """See what a desk takes and asks under an order."""


@app.command(name="list")
def list_kinds(order: Order = "chicago") -> None:
    """List the kinds of request that a desk takes."""
    found = _load(order)
    width = max(map(len, found.kinds))
    for kind in found.kinds.values():
        typer.echo(f"{kind.id:{width}}  {kind.label}")


@app.command()
def show(kind: KindId, order: Order = "chicago") -> None:
    """Show what a kind asks, and which facts each answer sets."""
    for line in _lines(_find(_load(order), kind)):
        typer.echo(line)


@app.command()
def schema(kind: KindId, order: Order = "chicago") -> None:
    """Print the JSON schema of the answers to a kind."""
    found = _load(order)
    typer.echo(json.dumps(make_schema(found, _find(found, kind)), indent=1, ensure_ascii=False))


def _load(order: str) -> Intake:
    return load_intake(load_pack(order))


def _find(intake: Intake, name: str) -> Kind:
    found = intake.kinds.get(name)
    if found is None:
        raise ConfigError(f"`{name[:60]}` is no kind of request", hint=f"one of {', '.join(intake.kinds)}")
    return found


def _lines(kind: Kind) -> Iterator[str]:
    yield f"{kind.label}: {kind.says}"
    yield f"first offered to: {', '.join(kind.offered_to) or 'everybody'}"
    for path, value in kind.sets.items():
        yield f"  always {path} = {_said(value)}"
    for question in kind.questions:
        yield ""
        yield from _question(question)


def _question(question: Question) -> Iterator[str]:
    yield f"{question.label} ({question.id}, {question.type}{', needed' if question.needed else ''})"
    for name, words in question.when.items():
        yield f"  asked where {name} is {' or '.join(words)}"
    if question.is_kept:
        yield "  kept, and no fact"
    if question.register:
        yield f"  the desk asks {question.register}"
    for number, option in enumerate(question.options.values()):
        if number == MAX_WORDS:
            yield f"  and {len(question.options) - MAX_WORDS} more"
            break
        sets = ", ".join(f"{path} = {_said(value)}" for path, value in option.sets.items())
        yield f"  {option.word}: {option.label}{f' [{sets}]' if sets else ''}"


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
