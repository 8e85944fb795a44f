"""Requests to an order as the command line takes them: from flags, and from JSON lines."""

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from doorward.cedar.types import BOOL, LONG
from doorward.errors import ConfigError
from doorward.orders.assemble import ACTION
from doorward.orders.pack import Pack
from doorward.policy.compile import COLLECTION, RECORD
from doorward.policy.request import UNKNOWN, Fact, Request, Resource, flatten_facts

MAX_LINE = 1024 * 1024
TOP_KEYS = ("principal", "action", "resource", "context", "id")


def facts_of_flags(pack: Pack, given: Mapping[str, str | None], *, task_force: str) -> dict[str, Fact]:
    """Return the facts of the flags: who logs in asks for themselves, at the database, unless a flag says otherwise."""
    for option, path in (("--principal-role", "principal.role"), ("--agency", "principal.agency")):
        if given[path] is None:
            raise ConfigError(f"`{option}` is missing", hint=f"the words are in {pack.page}")
    standing = given["context.register.standing"]
    defaults: dict[str, Fact] = {
        "context.requester.agency": str(given["principal.agency"]),
        "context.initiative": "own-motion",
        "context.channel": "database",
        "context.register.kind": "criminal" if standing in {"verified", "attested"} else UNKNOWN,
        **_task_force(task_force),
    }
    specs = pack.requests.facts
    # What the order does not know, neither as a fact nor as a word of it, is no default.
    facts = {path: value for path, value in defaults.items() if path in specs and specs[path].allows(value)}
    return facts | {path: value for path, value in given.items() if value is not None}


def make_request(
    pack: Pack,
    facts: Mapping[str, Fact],
    *,
    resource: str | Mapping[str, Fact] | None,
    action: str | None,
    now: datetime,
    login: str = "somebody",
) -> Request:
    """Return the request; what is computed from other facts is, and nothing else is guessed."""
    actions = pack.requests.actions
    if action is None and ACTION not in actions:
        raise ConfigError("`action` is missing", hint=f"one of {', '.join(actions)}")
    asked, own = _resource(pack, resource)
    action = action or ACTION
    return pack.request({**own, **facts}, resource=asked, now=now, action=action, login=login)


def _resource(pack: Pack, raw: str | Mapping[str, Fact] | None) -> tuple[Resource, dict[str, Fact]]:
    """Return what is asked for and the facts of it: a collection's id, a type, or an object with its attributes."""
    resources = pack.requests.resources
    if raw is None and pack.model is None:
        raise ConfigError("`resource` is missing", hint=f"an order at no database has {', '.join(resources)}")
    if raw is None:
        return Resource(COLLECTION, pack.model.database if pack.model else ""), {}
    if isinstance(raw, str):
        kind, _, name = raw.partition(":")
        return Resource(kind, name) if kind in resources else Resource(COLLECTION, raw), {}
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


def parse_fact(pack: Pack, text: str) -> tuple[str, Fact]:
    """Return the path and the value of `path=value`; raises ConfigError where there is no `=`."""
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


def read_lines(source: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file, or of standard input for `-`, with their numbers.

    Raises:
        ConfigError: It cannot be read, or a line is longer than `MAX_LINE`.
    """
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


def parse_line(pack: Pack, line: str, *, now: datetime) -> tuple[Any, Request]:
    """Return the caller's id, None where there is none, and the request of a line of JSON; raises ConfigError."""
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
    action, resource = raw.get("action"), raw.get("resource")
    if not isinstance(action, (str, type(None))) or not isinstance(resource, (str, dict, type(None))):
        raise ConfigError(
            "`action` is a word, `resource` a collection's id, a type, or an object with its attributes"
        )
    if isinstance(resource, dict):
        resource = flatten_facts(resource)
    request = make_request(pack, facts, resource=resource, action=action, now=now, login=login)
    return raw.get("id"), request
