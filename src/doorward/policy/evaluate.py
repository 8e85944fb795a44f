"""Which policies apply to a request, asked of Cedar itself through cedarpy.

Cedar reports only the forbids where one applies, and skips a policy that errs. The outcome rule needs every policy
that applies, so each one is evaluated as a permit; what an applying forbid means is decided afterwards, and an
error is returned, not skipped.

INVARIANT (errors are never lost): whatever cedarpy could not evaluate stands in ``Applied.errors``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

import cedarpy
from cedarpy import pst

from doorward.errors import PolicyError
from doorward.policy.facts import CollectionRef, Context, RecordRef, Request
from doorward.policy.hierarchy import Hierarchy, Uid
from doorward.policy.parse import Policy

ROW = "row"  # the id of a request's own record; rows are known by their attributes


@dataclass(frozen=True, slots=True)
class Applied:
    """The policies whose conditions hold, in the order of the pack's text, and what could not be evaluated."""

    policies: tuple[Policy, ...]
    errors: tuple[str, ...]


class Evaluator:
    """One set of policies over one entity file.

    Args:
        policies: With unique ids.
        schema: Cedar schema text; every request is checked against it.
        entities: Cedar's JSON entities.
        hierarchy: The same entities, closed; tells which ids exist.

    Raises:
        PolicyError: cedarpy does not take the schema, the entities or the policies.
    """

    def __init__(
        self,
        policies: Sequence[Policy],
        *,
        schema: str,
        entities: Sequence[Mapping[str, Any]],
        hierarchy: Hierarchy,
    ) -> None:
        self._policies = tuple(policies)
        self._hierarchy = hierarchy
        permits = {p.id: replace(p.template, id=p.id, effect="permit") for p in policies}
        try:
            self._schema = cedarpy.Schema.from_str(schema)
            self._entities = cedarpy.Entities.from_json_str(json.dumps(list(entities)), self._schema)
            self._set = cedarpy.PolicySet.from_pst(
                pst.PolicySet(templates={}, static_policies=permits, template_links=())
            )
        except ValueError as error:
            raise PolicyError(f"cedarpy does not take the order: {error}") from error

    def apply(self, request: Request) -> Applied:
        """Return what applies to a request; total: a request that cannot be evaluated gives errors."""
        errors = self._check(request)
        if errors:
            return Applied((), errors)
        try:
            entities = self._entities.with_added_json_str(json.dumps(_own_entities(request)), self._schema)
            answer = cedarpy.is_authorized(_encode(request), self._set, entities, self._schema)
        except ValueError as error:
            return Applied((), (f"the request could not be evaluated: {error}",))
        errors = tuple(str(error) for error in answer.diagnostics.errors)
        if answer.decision is cedarpy.Decision.NoDecision and not errors:
            errors = ("cedar gave no decision",)
        applying = frozenset(answer.diagnostics.reasons)
        return Applied(tuple(p for p in self._policies if p.id in applying), errors)

    def action_groups(self, action: str) -> frozenset[str]:
        """Return the action and those groups named in the policies that it is in, asked of Cedar."""
        named = {
            uid.id for p in self._policies for uid in pst.entity_uids(p.template) if str(uid.type) == "Action"
        }
        resource = next(iter(self._hierarchy.ids("Collection")), "")
        request = {
            "principal": {"type": "Person", "id": "nobody"},
            "action": {"type": "Action", "id": action},
            "resource": {"type": "Collection", "id": resource},
            "context": {},
        }
        found = set()
        for group in sorted(named | {action}):
            literal = json.dumps(group)
            question = f"permit (principal, action in Action::{literal}, resource);"
            answer = cedarpy.is_authorized(request, question, self._entities)
            if answer.decision is cedarpy.Decision.Allow:
                found.add(group)
        return frozenset(found)

    def _check(self, request: Request) -> tuple[str, ...]:
        context = request.context
        named = [
            ("Role", request.principal.role),
            ("Agency", request.principal.agency),
            ("Agency", context.requester.agency),
            ("Agency", context.for_agency),
        ]
        resource = request.resource
        named.append(("Collection", resource.id if isinstance(resource, CollectionRef) else resource.table))
        errors = [
            f"{kind.lower()} `{name}` stands in no entity file"
            for kind, name in named
            if Uid(kind, name) not in self._hierarchy.above
        ]
        if context.now.tzinfo is None:
            errors.append("the time of the request has no time zone")
        return tuple(dict.fromkeys(errors))


def _encode(request: Request) -> dict[str, Any]:
    resource = request.resource
    return {
        "principal": {"type": "Person", "id": request.principal.id},
        "action": {"type": "Action", "id": request.action},
        "resource": {"type": "Collection", "id": resource.id}
        if isinstance(resource, CollectionRef)
        else {"type": "Record", "id": ROW},
        "context": _encode_context(request.context),
    }


def _encode_context(context: Context) -> dict[str, Any]:
    raw = asdict(context)
    raw["requester"]["agency"] = _entity("Agency", context.requester.agency)
    raw["for_agency"] = _entity("Agency", context.for_agency)
    raw["register"]["standing"] = str(context.register.standing)
    raw["now"] = {"__extn": {"fn": "datetime", "arg": _encode_time(context.now)}}
    raw["process"] = context.process
    return raw


def _encode_time(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"


def _own_entities(request: Request) -> list[dict[str, Any]]:
    role = {"type": "Role", "id": request.principal.role}
    agency = {"type": "Agency", "id": request.principal.agency}
    own: list[dict[str, Any]] = [
        {
            "uid": {"type": "Person", "id": request.principal.id},
            "attrs": {"role": {"__entity": role}, "agency": {"__entity": agency}},
            "parents": [role, agency],
        }
    ]
    row = request.resource
    if isinstance(row, RecordRef):
        attributes = {item.name: getattr(row, item.name) for item in fields(row) if item.name != "table"}
        table = {"type": "Collection", "id": row.table}
        own.append({"uid": {"type": "Record", "id": ROW}, "attrs": attributes, "parents": [table]})
    return own


def _entity(kind: str, name: str) -> dict[str, Any]:
    return {"__entity": {"type": kind, "id": name}}
