"""`doorward order prove`: each theorem of an order proved, or a request that breaks it.

Exit codes: 0 everything is proved, 1 something is not, 2 there is no such order or z3 is not installed.
"""

import json
import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.console import Console

from doorward.errors import ConfigError, Finding
from doorward.orders.load import load_pack
from doorward.orders.pack import Pack


def prove(
    pack: Annotated[str, typer.Argument(help="a shipped order such as `chicago`, or the folder of one")],
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Prove each theorem of an order for every request, or print one that breaks it."""
    loaded = load_pack(pack)
    try:
        from doorward.orders.prove import prove_pack
    except ImportError as error:
        raise ConfigError("z3 is not installed", hint="pip install 'doorward[prove]'") from error
    console = Console(stderr=True)
    with console.status("proving") as status:
        result = prove_pack(
            loaded, cpu=time.process_time, progress=lambda asked: status.update(f"proving: {asked}")
        )
    if as_json:
        typer.echo(json.dumps(_as_json(result, loaded), indent=1, ensure_ascii=False))
    else:
        for line in _lines(result, loaded):
            typer.echo(line)
    if not result.holds:
        raise typer.Exit(1)


def _lines(result: Any, pack: Pack) -> Iterator[str]:  # noqa: ANN401  # its module needs z3
    from doorward.policy.prover import TRUST, describe_request

    sample = ", a sample that no office adopted" if pack.is_sample else ""
    yield f"order {pack.name}{sample}"
    yield f"digest of the order     {result.digest}"
    yield f"digest of its entities  {result.entities}"
    for proof in result.proofs:
        word = "proved" if proof.holds else "NOT PROVED"
        yield f"{word}  {proof.theorem.name} ({proof.environments} kinds of request, {proof.seconds:.2f} s CPU)"
        yield f"  {proof.theorem.says}"
        if proof.vacuous:
            yield "  it says nothing: no request meets its condition"
        for asked in proof.unknown:
            yield f"  z3 gave no answer in time for {asked}"
        if proof.counterexample is not None:
            found = proof.counterexample
            yield f"  a request that breaks it is answered `{found.outcome}`:"
            yield from (f"    {line}" for line in describe_request(found.request, pack.requests))
            if not found.replayed:
                yield "  Cedar's own engine answers it otherwise: the proof itself is wrong, please report it"
    for title, findings in (
        ("policies that never matter", result.idle),
        ("remedies that never help", result.useless),
        ("forbids that do not yield to court process", result.unyielding),
    ):
        yield f"{title}: {len(findings) or 'none'}"
        yield from (f"  {finding}" for finding in findings)
    yield "what these proofs rest on:"
    yield from (f"  {trusted}" for trusted in TRUST)
    proved = sum(proof.holds for proof in result.proofs)
    yield f"{pack.name}: {proved} of {len(result.proofs)} theorems proved"


def _as_json(result: Any, pack: Pack) -> dict[str, Any]:  # noqa: ANN401  # as above
    from doorward.policy.prover import TRUST

    return {
        "order": pack.name,
        "digest": result.digest,
        "entities": result.entities,
        "sample": pack.is_sample,
        "theorems": [
            {
                "name": proof.theorem.name,
                "kind": proof.theorem.kind.value,
                "says": proof.theorem.says,
                "proved": proof.holds,
                "environments": proof.environments,
                "cpu_seconds": round(proof.seconds, 4),
                "unknown": list(proof.unknown),
                "vacuous": proof.vacuous,
                "counterexample": _counterexample(proof.counterexample),
            }
            for proof in result.proofs
        ],
        "idle": [_finding(finding) for finding in result.idle],
        "useless_remedies": [_finding(finding) for finding in result.useless],
        "not_yielding_to_process": [_finding(finding) for finding in result.unyielding],
        "trust": list(TRUST),
    }


def _counterexample(found: Any) -> dict[str, Any] | None:  # noqa: ANN401  # as above
    if found is None:
        return None
    request = found.request
    return {
        "action": request.action,
        "resource": {"type": request.resource.type, "id": request.resource.id},
        "login": request.login,
        "facts": {
            path: value for path, value in request.facts.items() if isinstance(value, bool | int | str)
        },
        "outcome": found.outcome.value,
        "replayed": found.replayed,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {"place": str(finding.span) if finding.span else None, "message": finding.message}
