"""The interface for programs as OpenAPI 3.1, made of the order's intake. Pure.

Source: OpenAPI 3.1.1; the schemas of answers are those of `make_schema`.
"""

from collections.abc import Sequence
from typing import Any, Final

from doorward.desk.api.problem import TYPE, Refusal
from doorward.orders.intake import Intake, Kind, make_schema

VERSION: Final = "1"
_ID: Final = {"type": "string", "format": "uuid"}
_MOMENT: Final = {"type": "string", "format": "date-time"}
_WORDS: Final = {"type": "array", "items": {"type": "string"}}
_TEXT: Final = {"type": "string"}
_ORDER: Final = {
    "type": "object",
    "properties": {"name": _TEXT, "digest": _TEXT},
    "required": ["name", "digest"],
}
_DECISION: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "outcome": {"enum": ["deny", "refer", "permit", "outside"]},
        "posture": _TEXT,
        "addressee": {"type": ["string", "null"]},
        "sentence": _TEXT,
        "clauses": _WORDS,
        "obligations": _WORDS,
    },
}
_MATTER: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "id": _ID,
        "number": {**_TEXT, "description": "for people"},
        "kind": _TEXT,
        "received": {**_MOMENT, "description": "by the City"},
        "filed": _MOMENT,
        "state": {"enum": ["decided", "waiting", "answered", "closed"]},
        "due": {"type": ["string", "null"], "format": "date-time"},
        "decision": {"$ref": "#/components/schemas/Decision"},
        "order": {"$ref": "#/components/schemas/Order"},
        "entry": {"type": "integer", "description": "of the record"},
    },
}
_PREVIEW: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "kind": _TEXT,
        "decision": {"$ref": "#/components/schemas/Decision"},
        "order": {"$ref": "#/components/schemas/Order"},
    },
}
_MATTERS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "matters": {"type": "array", "items": {"$ref": "#/components/schemas/Matter"}},
        "next": {"type": ["string", "null"], "description": "the cursor of the next page"},
    },
}
_KIND: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"id": _TEXT, "label": _TEXT, "says": _TEXT, "schema": _TEXT},
}
_KINDS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "order": {"$ref": "#/components/schemas/Order"},
        "kinds": {"type": "array", "items": {"$ref": "#/components/schemas/Kind"}},
    },
}
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457",
    "properties": {
        "type": {"enum": [one.type for one in Refusal]},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "detail": _TEXT,
                    "pointer": {**_TEXT, "description": "RFC 6901, as a fragment"},
                },
                "required": ["detail", "pointer"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
    "additionalProperties": False,
}
_PAGE: Final = [
    {"name": "cursor", "in": "query", "schema": _TEXT, "description": "`next` of the page before"},
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 100}},
]
_ALWAYS: Final = (Refusal.TOKEN, Refusal.OFTEN)


def make_openapi(intake: Intake, kinds: Sequence[Kind]) -> dict[str, Any]:
    """Return the description of the interface.

    Args:
        kinds: Those that are described: all of an order, or what a client may file.
    """
    return {
        "openapi": "3.1.1",
        "info": {
            "title": f"doorward desk: filing under the order {intake.order}",
            "version": VERSION,
            "description": "A program files by the questions of the order, and is told what the order answers.",
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(intake, kinds),
        },
    }


def _schemas(intake: Intake, kinds: Sequence[Kind]) -> dict[str, Any]:
    own = {
        "Order": _ORDER,
        "Decision": _whole(_DECISION),
        "Matter": _whole(_MATTER),
        "Preview": _whole(_PREVIEW),
        "Matters": _whole(_MATTERS),
        "Kind": _whole(_KIND),
        "Kinds": _whole(_KINDS),
        "Problem": _PROBLEM,
    }
    answers = {f"answers-{kind.id}": _answers(intake, kind) for kind in kinds}
    filing = {
        "oneOf": [
            {
                "type": "object",
                "title": kind.label,
                "properties": {
                    "kind": {"const": kind.id},
                    "answers": {"$ref": f"#/components/schemas/answers-{kind.id}"},
                },
                "required": ["kind", "answers"],
                "additionalProperties": False,
            }
            for kind in kinds
        ]
    }
    return {**own, "Filing": filing, **answers}


def _answers(intake: Intake, kind: Kind) -> dict[str, Any]:
    return {key: value for key, value in make_schema(intake, kind).items() if key not in {"$schema", "$id"}}


def _whole(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "required": list(schema["properties"]), "additionalProperties": False}


def _paths() -> dict[str, Any]:
    return {
        "/api/v1/kinds": {"get": _operation("kinds", "The kinds that the client may file", "Kinds")},
        "/api/v1/kinds/{kind}": {
            "parameters": [{"name": "kind", "in": "path", "required": True, "schema": _TEXT}],
            "get": {
                "operationId": "kind",
                "summary": "The JSON schema of the answers to a kind",
                "responses": {
                    "200": {
                        "description": "JSON Schema 2020-12",
                        "content": {"application/schema+json": {"schema": {"type": "object"}}},
                    },
                    **_problems(Refusal.NOT_FOUND),
                },
            },
        },
        "/api/v1/matters": {
            "get": {
                **_operation("matters", "What the client filed, the latest first", "Matters", Refusal.QUERY),
                "parameters": _PAGE,
            },
            "post": _filing(),
        },
        "/api/v1/matters/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": _ID}],
            "get": _operation("matter", "What the client filed, as it stands now", "Matter", Refusal.NOT_FOUND),
        },
    }  # fmt: skip


def _filing() -> dict[str, Any]:
    body = {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Filing"}}},
    }
    created = {
        **_gives("Matter", "filed, or what was filed under this key before"),
        "headers": {"Location": {"schema": _TEXT}},
    }
    once = [
        {
            "name": "Idempotency-Key", "in": "header", "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": 200},
            "description": "drawn by the client for each request; the same key and body get the same answer",
        },
        {
            "name": "preview", "in": "query", "schema": {"enum": ["0", "1"]},
            "description": "1: what the order would answer; recorded, and nothing is filed",
        },
    ]  # fmt: skip
    refused = (
        Refusal.BODY, Refusal.QUERY, Refusal.KEY, Refusal.LENGTH, Refusal.LARGE, Refusal.MEDIA, Refusal.ANSWERS,
        Refusal.REUSED, Refusal.RECORD,
    )  # fmt: skip
    answered = {"200": _gives("Preview", "what the order would answer"), "201": created}
    return {
        "operationId": "file",
        "summary": "File a matter",
        "parameters": once,
        "requestBody": body,
        "responses": {**answered, **_problems(*refused)},
    }


def _operation(name: str, summary: str, schema: str, *refusals: Refusal) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "responses": {"200": _gives(schema, summary), **_problems(*refusals)},
    }


def _gives(schema: str, says: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": says, "content": content}


def _problems(*refusals: Refusal) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for one in (*refusals, *_ALWAYS):
        by_status.setdefault(one.status, []).append(one.title)
    content = {TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        str(status): {"description": "; or ".join(titles), "content": content}
        for status, titles in sorted(by_status.items())
    }
