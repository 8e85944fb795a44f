"""`doorward decide`: put a request to an order and read its answer; nothing is recorded or opened.

Exit codes: 0 permit or outside, 1 deny or refer (any of many), 2 a request that is no request.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from doorward.cedar.types import BOOL, LONG
from doorward.errors import ConfigError
from doorward.orders.load import load_pack
from doorward.orders.pack import Pack
from doorward.policy.compile import COLLECTION, RECORD
from doorward.policy.decision import Outcome
from doorward.policy.explain import Condition, Explanation, NearMiss, Reason, format_facts
from doorward.policy.request import Fact, Request, Resource, flatten_facts

MAX_LINE = 1024 * 1024
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
    action: Annotated[str, typer.Option(help="what is asked, one of the order's words")] = "query",
    resource: Annotated[
        str | None,
        typer.Option(help="a collection, or a type such as `Place` whose attributes are given with `--fact`"),
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
    facts = _facts(pack, given, task_force=task_force) | dict(_parse_fact(pack, text) for text in fact or ())
    explained = pack.explain(_make(pack, facts, resource=resource, action=action, now=now))
    for line in _lines(pack, explained):
        typer.echo(line)
    if explained.decision.outcome not in OPEN:
        raise typer.Exit(1)


def _facts(pack: Pack, given: Mapping[str, str | None], *, task_force: str) -> dict[str, Fact]:
    """Return the facts of the flags: who logs in asks for themselves, at the database, unless a flag says otherwise."""
    for option, path in (("--principal-role", "principal.role"), ("--agency", "principal.agency")):
        if given[path] is None:
            raise ConfigError(f"`{option}` is missing", hint=f"the words are in {pack.page}")
    standing = given["context.register.standing"]
    defaults: dict[str, Fact] = {
        "context.requester.agency": str(given["principal.agency"]),
        "context.initiative": "own-motion",
        "context.channel": "database",
        "context.register.kind": "criminal" if standing in {"verified", "attested"} else "unknown",
        **_task_force(task_force),
    }
    facts = {path: value for path, value in defaults.items() if path in pack.requests.facts}
    return facts | {path: value for path, value in given.items() if value is not None}


def _make(
    pack: Pack,
    facts: Mapping[str, Fact],
    *,
    resource: str | Mapping[str, Fact] | None,
    action: str,
    now: datetime,
    login: str = "somebody",
) -> Request:
    """Return the request; what is computed from other facts is, and nothing else is guessed."""
    asked, own = _resource(pack, resource)
    return pack.request({**own, **facts}, resource=asked, now=now, action=action, login=login)


def _resource(pack: Pack, raw: str | Mapping[str, Fact] | None) -> tuple[Resource, dict[str, Fact]]:
    """Return what is asked for and the facts of it: a collection's id, a type, or an object with its attributes."""
    if raw is None:
        return Resource(COLLECTION, pack.model.database if pack.model else ""), {}
    if isinstance(raw, str):
        in_file = pack.requests.resources.get(raw)
        return Resource(raw) if in_file and not in_file.in_file else Resource(COLLECTION, raw), {}
    kind = str(raw.get("type", RECORD))
    facts = {f"resource.{name}": value for name, value in raw.items() if name not in {"type", "table"}}
    if "table" in raw:
        facts["resource.collection"] = raw["table"]
    if kind not in pack.requests.resources:
        known = ", ".join(pack.requests.resources)
        raise ConfigError(f"`{kind[:60]}` is no type of resource of the order", hint=f"one of {known}")
    wanted = pack.requests.resources[kind].facts
    missing = [path for path in wanted if path not in facts]
    if missing and kind == RECORD and "table" in raw:
        raise ConfigError(f"a row needs every attribute; `{missing[0]}` is missing")
    return Resource(kind), facts


def _task_force(word: str) -> dict[str, Fact]:
    if word not in {"none", "member", "attested"}:
        raise ConfigError(f"`--task-force {word[:40]}` must be none, member or attested")
    attested = word == "attested"
    return {
        "context.task_force.member": word != "none",
        "context.task_force.civil_excluded": attested,
        "context.task_force.attested": attested,
    }


def _parse_fact(pack: Pack, text: str) -> tuple[str, Fact]:
    path, sign, value = text.partition("=")
    if not sign:
        raise ConfigError(f"`--fact {text[:80]}` must be path=value, as in context.task_force.member=true")
    kinds = {
        found.type
        for facts in (pack.requests.facts, *(r.facts for r in pack.requests.resources.values()))
        for name, found in facts.items()
        if name == path
    }
    if kinds == {BOOL}:
        return path, {"true": True, "false": False}.get(value, value)
    if kinds == {LONG} and value.removeprefix("-").isdecimal():
        return path, int(value)
    return path, value


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
            explained = pack.explain(request)
            answer = ({"id": request_id} if request_id is not None else {}) | _as_json(pack, explained)
            if explained.decision.outcome not in OPEN:
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
            "`action` is a word, `resource` a collection's id, a type, or an object with its attributes"
        )
    if isinstance(resource, dict):
        resource = flatten_facts(resource)
    request = _make(pack, facts, resource=resource, action=action, now=now, login=login)
    return raw.get("id"), request


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
