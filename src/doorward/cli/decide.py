"""`doorward decide`: put a request to an order and read its answer; nothing is recorded or opened.

Exit codes: 0 permit or outside, 1 deny or refer (any of many), 2 a request that is no request.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from doorward.errors import ConfigError
from doorward.orders.load import load_pack
from doorward.orders.pack import Pack
from doorward.policy.build import build_request, build_resource, flatten_facts
from doorward.policy.decision import Decision, Outcome
from doorward.policy.facts import UNKNOWN_AGENCY, Fact, RecordRef, Request

MAX_LINE = 1024 * 1024
ACTIONS = ("query", "export", "disclose", "open-account")
TOP_KEYS = ("principal", "action", "resource", "context", "id")
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
    action: Annotated[str, typer.Option(help=f"one of {', '.join(ACTIONS)}")] = "query",
    resource: Annotated[str | None, typer.Option(help="a collection; the database where not stated")] = None,
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
    given: dict[str, str | None] = {
        "principal.role": principal_role,
        "principal.agency": agency,
        "context.for_agency": for_agency,
        "context.purpose": purpose,
        "context.register.standing": standing,
        "context.requester.agency": requester,
    }
    for option, path in (("--principal-role", "principal.role"), ("--agency", "principal.agency")):
        if given[path] is None:
            raise ConfigError(f"`{option}` is missing", hint=f"the words are in {pack.page}")
    facts: dict[str, Fact] = {
        "context.requester.agency": str(agency),
        "context.initiative": "own-motion",
        "context.channel": "database",
        "context.register.kind": "criminal" if standing in {"verified", "attested"} else "unknown",
    }
    facts |= _task_force(task_force)
    facts |= {path: value for path, value in given.items() if value is not None}
    facts |= dict(_parse_fact(text) for text in fact or ())
    decision = pack.decide(_make(pack, facts, resource=resource, action=action, now=now))
    for line in _lines(pack, decision):
        typer.echo(line)
    if decision.outcome not in OPEN:
        raise typer.Exit(1)


def _make(
    pack: Pack,
    facts: Mapping[str, Fact],
    *,
    resource: str | Mapping[str, Fact] | None,
    action: str,
    now: datetime,
    login: str = "somebody",
) -> Request:
    """Return the request; party and component follow from the agency that asks, and nothing else is guessed."""
    _check_words(pack, facts, action)
    asking = pack.agencies[str(facts.get("context.requester.agency", UNKNOWN_AGENCY))]
    full = {"context.requester.party": asking.party, "context.requester.component": asking.component, **facts}
    wanted = build_resource(pack.model.database if resource is None else resource)
    name = wanted.table if isinstance(wanted, RecordRef) else wanted.id
    if name not in pack.collections:
        raise ConfigError(f"`{name[:80]}` is no collection of the order; they are in {pack.page}")
    return build_request(full, resource=wanted, now=now, action=action, login=login)


def _task_force(word: str) -> dict[str, Fact]:
    if word not in {"none", "member", "attested"}:
        raise ConfigError(f"`--task-force {word[:40]}` must be none, member or attested")
    attested = word == "attested"
    return {
        "context.task_force.member": word != "none",
        "context.task_force.civil_excluded": attested,
        "context.task_force.attested": attested,
    }


def _check_words(pack: Pack, facts: Mapping[str, Fact], action: str) -> None:
    words = {
        "principal.role": ("role", pack.roles),
        "principal.agency": ("agency", tuple(pack.agencies)),
        "context.requester.agency": ("agency", tuple(pack.agencies)),
        "context.for_agency": ("agency", tuple(pack.agencies)),
        "context.purpose": ("purpose", tuple(pack.purposes)),
    }
    for path, (kind, known) in words.items():
        if path in facts and facts[path] not in known:
            raise ConfigError(
                f"`{str(facts[path])[:80]}` is no {kind} of the order; the words are in {pack.page}"
            )
    if action not in ACTIONS:
        raise ConfigError(f"`{action[:80]}` is no action of this door; it knows {', '.join(ACTIONS)}")


def _parse_fact(text: str) -> tuple[str, Fact]:
    path, sign, value = text.partition("=")
    if not sign:
        raise ConfigError(f"`--fact {text[:80]}` must be path=value, as in context.task_force.member=true")
    return path, {"true": True, "false": False}.get(value, value)


def _decide_lines(pack: Pack, source: str, *, now: datetime) -> int:
    """Print one answer a line and return the exit code: 2 where a line is no request, 1 where one is closed."""
    code = 0
    for number, line in _read_lines(source):
        if not line.strip():
            continue
        try:
            request_id, request = _parse_line(pack, line, now=now)
        except ConfigError as error:
            answer: dict[str, Any] = {"line": number, "error": str(error), "hint": error.hint}
            code = 2
        else:
            decision = pack.decide(request)
            answer = ({"id": request_id} if request_id is not None else {}) | _as_json(pack, decision)
            if decision.outcome not in OPEN:
                code = max(code, 1)
        typer.echo(json.dumps(answer, ensure_ascii=False))
    return code


def _read_lines(source: str) -> Iterator[tuple[int, str]]:
    try:
        if source == "-":
            yield from _bounded(sys.stdin)
        else:
            with Path(source).open(encoding="utf-8") as stream:
                yield from _bounded(stream)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read `{source[:200]}`: expected JSON lines in UTF-8") from error


def _bounded(stream: TextIO) -> Iterator[tuple[int, str]]:
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise ConfigError(f"line {number} is longer than {MAX_LINE} characters")
        yield number, line


def _parse_line(pack: Pack, line: str, *, now: datetime) -> tuple[Any, Request]:
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ConfigError("the line is no JSON object") from error
    if not isinstance(raw, dict) or not raw.keys() <= set(TOP_KEYS):
        raise ConfigError(f"a request is a JSON object with {', '.join(TOP_KEYS)} and nothing else")
    facts: dict[str, Fact] = {}
    for name in ("principal", "context"):
        part = raw.get(name, {})
        if not isinstance(part, dict):
            raise ConfigError(f"`{name}` of a request is an object")
        facts |= flatten_facts(part, prefix=name)
    login = str(facts.pop("principal.id", "somebody"))
    for path in ("principal.role", "principal.agency"):
        if path not in facts:
            raise ConfigError(f"`{path}` is missing", hint=f"the words are in {pack.page}")
    action, resource = raw.get("action", "query"), raw.get("resource")
    if not isinstance(action, str) or not isinstance(resource, (str, dict, type(None))):
        raise ConfigError(
            "`action` is a word, `resource` a collection's id or a row's `table` and attributes"
        )
    if isinstance(resource, dict):
        resource = flatten_facts(resource)
    request = _make(pack, facts, resource=resource, action=action, now=now, login=login)
    return raw.get("id"), request


def _lines(pack: Pack, decision: Decision) -> Iterator[str]:
    yield f"outcome      {decision.outcome}"
    yield f"posture      {decision.posture}"
    yield f"to           {decision.addressee or '-'}"
    yield f"obligations  {' '.join(decision.obligations) or '-'}"
    for number, clause in enumerate(decision.clauses):
        cited = pack.clauses[clause]
        yield f"{'clauses' if number == 0 else '':<12} {clause}: {cited.cite}: {cited.says}"
    if not decision.clauses:
        yield "clauses      -"
    for suspension in decision.suspended:
        yield f"suspended    {suspension.policy}, by {', '.join(suspension.by)}"
    yield f"sentence     {decision.sentence}"
    yield f"remedy       {decision.remedy or '-'}"
    for error in decision.errors:
        yield f"error        {error}"


def _as_json(pack: Pack, decision: Decision) -> dict[str, Any]:
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
        "remedy": decision.remedy,
        "errors": list(decision.errors),
    }
