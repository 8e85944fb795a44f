"""The JSON schema of a kind: what an HTTP interface takes, the same answers that the form takes. Pure."""

from typing import Any, Final

from doorward.orders.intake.intake import Intake
from doorward.orders.intake.questions import Kind, Question, QuestionType
from doorward.orders.intake.wording import CASE_NUMBER, DATE_TIME

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
PRINTABLE: Final = r"^[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*$"


def make_schema(intake: Intake, kind: Kind) -> dict[str, Any]:
    """Return the schema of the answers to one kind, JSON Schema 2020-12.

    It takes what `Intake.read` takes, but for days that are in no calendar: the pattern of a time cannot know them.
    """
    schema: dict[str, Any] = {
        "$schema": DIALECT,
        "$id": f"urn:doorward:{intake.order}:intake:{kind.id}",
        "title": kind.label,
        "description": kind.says,
        "type": "object",
        "properties": {question.id: _answer(question) for question in kind.questions},
        "additionalProperties": False,
        "required": [question.id for question in kind.questions if question.needed and not question.when],
    }
    conditions = [_condition(kind, question) for question in kind.questions if question.when]
    return {**schema, "allOf": conditions} if conditions else schema


def _answer(question: Question) -> dict[str, Any]:
    said: dict[str, Any] = {"title": question.label}
    if question.help:
        said["description"] = question.help
    words = list(question.options)
    if question.takes_several:
        least = {"minItems": 1} if question.needed else {}
        return {**said, "type": "array", "items": {"enum": words}, "uniqueItems": True, **least}
    if question.type is QuestionType.DATE_TIME:
        return {**said, "type": "string", "pattern": f"^{DATE_TIME.pattern}$", "maxLength": DATE_TIME.longest}
    if question.type is QuestionType.CASE_NUMBER:
        return {
            **said,
            "type": "string",
            "pattern": f"^{CASE_NUMBER.pattern}$",
            "maxLength": question.longest,
        }
    if question.type is QuestionType.TEXT:
        return {**said, "type": "string", "pattern": PRINTABLE, "maxLength": question.longest}
    return {**said, "enum": words}


def _condition(kind: Kind, question: Question) -> dict[str, Any]:
    """Return that a question is answered only where it is asked, and is answered there where it must be."""
    given = {}
    for name, words in question.when.items():
        earlier = kind.question(name)
        several = earlier is not None and earlier.takes_several
        given[name] = {"contains": {"enum": list(words)}} if several else {"enum": list(words)}
    asked: dict[str, Any] = {"properties": given, "required": list(given)}
    then = {"then": {"required": [question.id]}} if question.needed else {}
    return {"if": asked, **then, "else": {"properties": {question.id: False}}}
