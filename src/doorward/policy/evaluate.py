"""Which policies apply to a request, asked of Cedar's own engine through cedarpy: the oracle.

Cedar reports only the forbids where one applies, and skips a policy that errs. The outcome rule needs every policy
that applies, so each one is evaluated as a permit; what an applying forbid means is decided afterwards, and an
error is returned, not skipped.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import cedarpy

from doorward.cedar.est import read_json
from doorward.cedar.values import Uid
from doorward.errors import PolicyError
from doorward.policy.decider import Applied
from doorward.policy.objects import Objects, make_objects, to_json
from doorward.policy.parse import Policy
from doorward.policy.request import Request, RequestModel


class Evaluator:
    """One set of policies over one entity file.

    Args:
        policies: With unique ids.
        schema: Cedar schema text; every request is checked against it.
        entities: Cedar's JSON entities.
        model: What can be asked.

    Raises:
        PolicyError: cedarpy does not take the schema, the entities or the policies.
    """

    def __init__(
        self,
        policies: Sequence[Policy],
        *,
        schema: str,
        entities: Sequence[Mapping[str, Any]],
        model: RequestModel,
    ) -> None:
        self._policies = tuple(policies)
        self._model = model
        try:
            self._schema = cedarpy.Schema.from_str(schema)
            self._entities = cedarpy.Entities.from_json_str(json.dumps(list(entities)), self._schema)
            self._set = cedarpy.PolicySet.from_json_str(json.dumps(_as_permits(policies)))
        except ValueError as error:
            raise PolicyError(f"cedarpy does not take the order: {error}") from error

    def apply(self, request: Request) -> Applied:
        """Return what applies to a request; total: a request that cannot be evaluated gives errors."""
        faults = self._model.find_faults(request)
        if faults:
            return Applied((), faults)
        try:
            answer = cedarpy.is_authorized(*self.prepare(request))
        except ValueError as error:
            return Applied((), (f"the request could not be evaluated: {error}",))
        errors = tuple(str(error) for error in answer.diagnostics.errors)
        if answer.decision is cedarpy.Decision.NoDecision and not errors:
            errors = ("cedar gave no decision",)
        applying = frozenset(answer.diagnostics.reasons)
        return Applied(tuple(p for p in self._policies if p.id in applying), errors)

    def prepare(
        self, request: Request
    ) -> tuple[dict[str, Any], cedarpy.PolicySet, cedarpy.Entities, cedarpy.Schema]:
        """Return what cedarpy is asked with, everything parsed; raises ValueError where it does not take it."""
        made = make_objects(self._model, request)
        entities = self._entities.with_added_json_str(json.dumps(_own_entities(made)), self._schema)
        return _encode(made), self._set, entities, self._schema


def _as_permits(policies: Sequence[Policy]) -> dict[str, Any]:
    """Return the policies in Cedar's JSON form, each a permit under its own id."""
    texts = {policy.source.file: policy.source for policy in policies}
    raw = {name: read_json(source.text)["staticPolicies"] for name, source in texts.items()}
    return {
        "staticPolicies": {
            policy.id: raw[policy.source.file][policy.rule.id] | {"effect": "permit"} for policy in policies
        },
        "templates": {},
        "templateLinks": [],
    }


def _encode(made: Objects) -> dict[str, Any]:
    return {
        "principal": _uid(made.principal),
        "action": _uid(made.action),
        "resource": _uid(made.resource),
        "context": to_json(made.context),
    }


def _own_entities(made: Objects) -> list[dict[str, Any]]:
    return [
        {"uid": _uid(uid), "attrs": to_json(attributes), "parents": list(map(_uid, parents))}
        for uid, (attributes, parents) in made.own.items()
    ]


def _uid(uid: Uid) -> dict[str, str]:
    return {"type": uid.type, "id": uid.id}
