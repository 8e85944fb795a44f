"""`doorward decide`: put a request to an order and read its answer; nothing is recorded or opened.

Exit codes: 0 permit or outside, 1 deny or refer (any of many), 2 a request that is no request.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from doorward.cli.requests import facts_of_flags, make_request, parse_fact, parse_line, read_lines
from doorward.errors import ConfigError
from doorward.orders.load import load_pack
from doorward.orders.pack import Pack
from doorward.policy.decision import Outcome
from doorward.policy.explain import Condition, Explanation, NearMiss, Reason, format_facts

OPEN = (Outcome.PERMIT, Outcome.OUTSIDE)


def decide(  # noqa: PLR0913, PLR0917  # flags of a command
    principal_role: Annotated[
        str | None, typer.Option(help="role of the person who would act or log in")
    ] = None,
    agency: Annotated[str | None, typer.Option(help="that person's agency")] = None,
    for_agency: Annotated[
        str | None, typer.Option("--for", help="who benefits; not stated is `unknown`")
    ] = None,
    purpose: Annotated[str | None, typer.Option(help="one of the order's purpose words")] = None,
    standing: Annotated[
        str | None, typer.Option(help="of the case: verified, attested or unverified")
    ] = None,
    action: Annotated[
        str | None, typer.Option(help="what is asked, one of the order's words; `query` where it is one")
    ] = None,
    resource: Annotated[
        str | None,
        typer.Option(
            help="a collection, `Type:id`, or a type such as `Place` with its attributes given by `--fact`"
        ),
    ] = None,
    requester: Annotated[
        str | None, typer.Option(help="agency that asks; the person's own where not stated")
    ] = None,
    task_force: Annotated[str, typer.Option(help="of that person: none, member or attested")] = "none",
    fact: Annotated[
        list[str] | None, typer.Option(help="any other fact, as path=value; may be repeated")
    ] = None,
    as_json: Annotated[
        str | None,
        typer.Option(
            "--json", help="read requests from FILE or -, one a line; what a line leaves out is unknown"
        ),
    ] = None,
    order: Annotated[str, typer.Option(help="a shipped order, or the folder of one")] = "chicago",
) -> None:
    """Decide one request from flags, or many from JSON lines, and print the order's answer."""
    pack = load_pack(order)
    now = datetime.now(UTC)  # noqa: TID251  # the command line is where the clock is read
    if as_json is not None:
        raise typer.Exit(_decide_lines(pack, as_json, now=now))
    given = {
        "principal.role": principal_role,
        "principal.agency": agency,
        "context.for_agency": for_agency,
        "context.purpose": purpose,
        "context.register.standing": standing,
        "context.requester.agency": requester,
    }
    facts = facts_of_flags(pack, given, task_force=task_force)
    facts |= dict(parse_fact(pack, text) for text in fact or ())
    explained = pack.explain(make_request(pack, facts, resource=resource, action=action, now=now))
    for line in _lines(pack, explained):
        typer.echo(line)
    if explained.decision.outcome not in OPEN:
        raise typer.Exit(1)


def _decide_lines(pack: Pack, source: str, *, now: datetime) -> int:
    """Print one answer a line and return the exit code: 2 where a line is no request, 1 where one is closed."""
    code = 0
    for number, line in read_lines(source):
        if not line.strip():
            continue
        try:
            request_id, request = parse_line(pack, line, now=now)
        except ConfigError as error:
            answer: dict[str, Any] = {"line": number, "error": str(error), "hint": error.hint}
            code = 2
        else:
            explained = pack.explain(request)
            answer = ({"id": request_id} if request_id is not None else {}) | _as_json(pack, explained)
            if explained.decision.outcome not in OPEN:
                code = max(code, 1)
        typer.echo(json.dumps(answer, ensure_ascii=False))
    return code


def _lines(pack: Pack, explained: Explanation) -> Iterator[str]:
    decision = explained.decision
    yield f"outcome      {decision.outcome}"
    yield f"posture      {decision.posture}"
    yield f"to           {decision.addressee or '-'}"
    yield f"obligations  {' '.join(decision.obligations) or '-'}"
    cited = [
        f"{clause}: {pack.clauses[clause].cite}: {pack.clauses[clause].says}" for clause in decision.clauses
    ]
    yield from _titled("clauses", cited or ["-"])
    for suspension in decision.suspended:
        yield f"suspended    {suspension.policy}, by {', '.join(suspension.by)}"
    yield f"sentence     {decision.sentence}"
    yield from _titled("because", [_reason(reason) for reason in explained.reasons])
    yield from _titled("not met", [line for miss in explained.near for line in _missed(miss)])
    yield from _titled("remedy", list(explained.remedies) or ["-"])
    for error in decision.errors:
        yield f"error        {error}"
    if pack.is_sample:
        yield f"order        {pack.name}, a sample that no office adopted"


def _titled(title: str, lines: Sequence[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield f"{'' if number else title:<12} {line}"


def _reason(reason: Reason) -> str:
    facts = dict(fact for condition in reason.met for fact in condition.facts)
    shown = format_facts(tuple(facts.items()))
    return f"{reason.policy.id} ({', '.join(reason.policy.clauses)})" + (f": {shown}" if shown else "")


def _missed(miss: NearMiss) -> Iterator[str]:
    yield f"{miss.policy.id} ({', '.join(miss.policy.clauses)})"
    for condition in miss.unmet:
        shown = format_facts(condition.facts)
        yield "  " + ": ".join(part for part in (condition.text, shown) if part)


def _as_json(pack: Pack, explained: Explanation) -> dict[str, Any]:
    decision = explained.decision
    return {
        "outcome": decision.outcome.value,
        "posture": decision.posture.value,
        "to": decision.addressee.value if decision.addressee else None,
        "obligations": list(decision.obligations),
        "clauses": [{"id": clause, "cite": pack.clauses[clause].cite} for clause in decision.clauses],
        "policies": list(decision.policies),
        "suspended": [{"policy": s.policy, "by": list(s.by)} for s in decision.suspended],
        "sentence": decision.sentence,
        "public_sentence": decision.public_sentence,
        "reasons": [{"policy": r.policy.id, "met": _conditions(r.met)} for r in explained.reasons],
        "not_met": [{"policy": m.policy.id, "unmet": _conditions(m.unmet)} for m in explained.near],
        "remedies": list(explained.remedies),
        "errors": list(decision.errors),
        "sample": pack.is_sample,
    }


def _conditions(conditions: Sequence[Condition]) -> list[dict[str, Any]]:
    return [
        {
            "condition": c.text or None,
            "facts": {path: value for path, value in c.facts if isinstance(value, bool | int | str)},
        }
        for c in conditions
    ]
