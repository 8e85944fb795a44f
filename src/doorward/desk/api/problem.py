"""What a program gets where a request is refused: one object, one line, and where it is about a field, a pointer. Pure.

INVARIANT (no echo): a problem says what was expected, and never repeats what came.

Source: RFC 9457; the pointers are RFC 6901 as fragments.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from doorward.orders.intake import Faults

TYPE: Final = "application/problem+json"


class Refusal(Enum):
    """Why a request is refused: the end of its type, its status, and its title."""

    BODY = "body", 400, "the body is not as it is taken here"
    QUERY = "query", 400, "a parameter is not as it is taken here"
    KEY = "key", 400, "the request has no key under which it is done once"
    TOKEN = "token", 401, "there is no token that holds"
    NOT_FOUND = "not-found", 404, "there is nothing here for you"
    METHOD = "method", 405, "this is not done here"
    LENGTH = "length", 411, "the request has no length"
    LARGE = "large", 413, "the body is too long"
    MEDIA = "media", 415, "the body is of another type"
    ANSWERS = "answers", 422, "the answers make no request"
    REUSED = "reused", 422, "the key was used for another request"
    OFTEN = "often", 429, "too many in too short a time"
    RECORD = "record", 503, "the record or the database did not answer"

    @property
    def type(self) -> str:
        """What a program goes by."""
        return f"urn:doorward:problem:{self.value[0]}"

    @property
    def status(self) -> int:
        """Of the answer."""
        return self.value[1]

    @property
    def title(self) -> str:
        """In one line, the same for each of its kind."""
        return self.value[2]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one part of the body.

    Args:
        pointer: Where, such as `#/answers/who-asks`.
    """

    detail: str
    pointer: str

    def as_json(self) -> dict[str, str]:
        """Return it as RFC 9457, section 3, has it."""
        return {"detail": self.detail, "pointer": self.pointer}


def make_problem(refusal: Refusal, detail: str = "", *, faults: tuple[Fault, ...] = ()) -> dict[str, Any]:
    """Return the object of an answer.

    Args:
        detail: In one line what would have been taken; the title where it is empty.
    """
    made: dict[str, Any] = {
        "type": refusal.type,
        "title": refusal.title,
        "status": refusal.status,
        "detail": detail or refusal.title,
    }
    return made | ({"errors": [fault.as_json() for fault in faults]} if faults else {})


def faults_of(faults: Faults) -> tuple[Fault, ...]:
    """Return what is wrong with answers, each with its pointer; what is wrong with all of them points at all."""
    found: Mapping[str, tuple[str, ...]] = faults.by_question
    own = [Fault(text, pointer_of("answers", name)) for name, texts in found.items() for text in texts]
    return (*own, *(Fault(text, pointer_of("answers")) for text in faults.form))


def pointer_of(*parts: str) -> str:
    """Return the pointer to a part of the body; ids have no sign that a pointer escapes."""
    return "#/" + "/".join(parts)
