"""`doorward order observe`: two people of the law department let clauses be observed beside the access, until a day.

The first makes the note and signs it, the second signs the same note, anybody checks it. Each time the order is proved
again without what is observed, and what opens by it is printed with an example: nobody signs what they cannot see.

Exit codes: 0 signed by two, or the note holds; 1 a second signature is missing, or the note does not hold; 2 a clause,
file or key is not what it must be, or a promise of the order breaks.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from doorward.cli.order_sign import Moment, PackName, read_file, read_keys, write_file
from doorward.errors import ConfigError, LogError, MalformedError
from doorward.notes.key_files import load_key
from doorward.notes.note import Signer, cosign_note, parse_note, sign_note
from doorward.orders.load import find_pack, load_pack
from doorward.orders.observe import (
    NEEDED,
    NOTE,
    Observation,
    check_observation,
    format_observation,
    parse_observation,
    verify_observation,
)
from doorward.orders.observed import Observed, check_promises, find_observed
from doorward.orders.pack import Pack
from doorward.policy.decision import Outcome
from doorward.policy.request import Request

AsJson = Annotated[bool, typer.Option("--json", help="one JSON document")]


def observe(  # noqa: PLR0913, PLR0917  # flags of a command
    pack: PackName,
    clause: Annotated[
        list[str] | None, typer.Option(help="a clause that is to be observed and not enforced")
    ] = None,
    until: Moment = None,
    begins: Annotated[
        datetime | None,
        typer.Option(
            "--from", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"], help="UTC; now"
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="why, in one line; it stands in the record")] = None,
    key: Annotated[Path | None, typer.Option(help="the secret key of the one who signs")] = None,
    keys: Annotated[
        Path | None, typer.Option(help="check: the law department's public keys, one a line")
    ] = None,
    note: Annotated[
        Path | None, typer.Option(help="the note's file; signatures/observe.note of the pack")
    ] = None,
    collections: Annotated[
        Path | None, typer.Option(help="the city's own collections.toml; the order's own without it")
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Make, sign or check the note by which clauses decide and are recorded, and do not close, until an end."""
    file = note or find_pack(pack) / NOTE
    order = load_pack(pack, collections=collections)
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251  # the command line is where the clock is read
    stated = any(value is not None for value in (clause, until, begins, reason))
    if (key is None) == (keys is None):
        raise ConfigError("give `--key` to sign, or `--keys` to check")
    if keys is not None:
        if stated:
            raise ConfigError("what is checked is the note: `--keys` goes with `--note` alone")
        _check(read_file(file), keys, order, now, as_json=as_json)
        return
    assert key is not None
    signer = load_key(key)
    if file.exists():
        if stated:
            raise ConfigError(f"`{file}` exists, and its values are signed already", hint="sign it as it is")
        raw = read_file(file)
        observation = _read(raw, file, order)
        observed = _proved(order, observation)
        raw = _cosign(raw, file, signer)
    else:
        observation = _new(order, clause or (), begins or now, until, reason)
        observed = _proved(order, observation)
        raw = sign_note(format_observation(observation), signer)
    signed = [line.name for line in parse_note(raw).signatures]
    # Shown before it is kept: where it cannot be found out what opens, nothing is signed.
    shown = _found(order, observed, signed, verified=False)
    write_file(file, raw)
    _tell(shown, observation, order, as_json=as_json)
    if len(signed) < NEEDED:
        if not as_json:
            typer.echo(f"signed by one; a second runs: doorward order observe {pack} --note {file} --key …")
        raise typer.Exit(1)


def _new(
    order: Pack, clauses: Sequence[str], begins: datetime, until: datetime | None, reason: str | None
) -> Observation:
    if not clauses or until is None or reason is None:
        raise ConfigError(
            "an observation names its clauses, its end and why: `--clause`, `--until`, `--reason`"
        )
    made = Observation(
        order.name,
        order.digest,
        begins.replace(tzinfo=UTC),
        until.replace(tzinfo=UTC),
        tuple(clauses),
        reason,
    )
    try:
        return check_observation(made)
    except MalformedError as error:
        raise ConfigError(str(error)) from error


def _read(raw: bytes, file: Path, order: Pack) -> Observation:
    try:
        found = parse_observation(parse_note(raw).text)
    except MalformedError as error:
        raise ConfigError(f"`{file}`: {error}") from error
    if found.digest != order.digest:
        raise ConfigError(
            f"`{file}` is about another pack", hint="the pack or its collections changed after it was signed"
        )
    return found


def _cosign(raw: bytes, file: Path, signer: Signer) -> bytes:
    try:
        return cosign_note(raw, signer)
    except MalformedError as error:
        raise ConfigError(f"`{file}`: {error}") from error


def _proved(order: Pack, observation: Observation) -> Observed:
    observed = find_observed(order, observation.clauses)
    check_promises(order, observed)
    return observed


def _check(raw: bytes, keys: Path, order: Pack, now: datetime, *, as_json: bool) -> None:
    try:
        found = verify_observation(raw, read_keys(keys), digest=order.digest, now=now)
    except LogError as error:
        told = {"verified": False, "reason": str(error)}
        typer.echo(json.dumps(told, indent=1) if as_json else f"does not hold: {error}")
        raise typer.Exit(1) from error
    observed = _proved(order, found.observation)
    shown = _found(order, observed, found.signers, verified=True)
    _tell(shown, found.observation, order, as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a note does, found out."""

    observed: Observed
    opened: Sequence[tuple[Outcome, Request]]
    signed: Sequence[str]
    verified: bool


def _found(order: Pack, observed: Observed, signed: Sequence[str], *, verified: bool) -> _Found:
    from doorward.orders.opened import find_opened  # z3 is there: the order was proved with it

    return _Found(observed, find_opened(order, observed), signed, verified)


def _tell(found: _Found, observation: Observation, order: Pack, *, as_json: bool) -> None:
    if as_json:
        told = {
            "verified": found.verified, "id": observation.id, "order": order.name, "digest": order.digest,
            "from": observation.begins.isoformat(), "until": observation.until.isoformat(),
            "observed": list(observation.clauses), "policies": list(found.observed.policies),
            "reason": observation.reason, "signed": list(found.signed),
            "opens": [{"enforced": was.value, "facts": _facts(asked)} for was, asked in found.opened],
        }  # fmt: skip
        typer.echo(json.dumps(told, indent=1, ensure_ascii=False))
        return
    typer.echo(format_observation(observation).decode(), nl=False)
    for line in _lines(order, found):
        typer.echo(line)


def _lines(order: Pack, found: _Found) -> Iterator[str]:
    from doorward.policy.prover import describe_request  # needs z3, as above

    yield f"not enforced meanwhile, at the database: {', '.join(found.observed.policies)}"
    yield f"every promise of the order holds without them: {len(order.theorems.theorems)} theorems proved"
    if not found.opened:
        yield "nothing opens by it: what they close, no permit of the order opens"
    for was, asked in found.opened:
        yield f"enforced: {was}; observed: permitted; for example:"
        yield from (f"    {line}" for line in describe_request(asked, order.requests))
    yield from (f"signed by {name}{'' if found.verified else ', not verified here'}" for name in found.signed)


def _facts(asked: Request) -> dict[str, Any]:
    return {
        "login": asked.login,
        "resource": f"{asked.resource.type}::{asked.resource.id}",
        **{path: value for path, value in asked.facts.items() if isinstance(value, bool | int | str)},
    }
