"""A visit record as the phone files it: read strictly, or every fault of it. Pure.

1. Bounded before it is read: 64 KiB, no nesting beyond what a record has, no number that is not small.
2. Nothing unknown, nothing twice, no sign that changes how the rest is read.
3. The answers are a way through the protocol of that version, and one of them opened the record: a request to staff
   or an act in a part that is not public. Presence alone opens none.
4. What no record may hold (screening.toml) is refused by its code; neither a message nor a log has the words.

A fault names a field and a code, so that the phone gives the record back to the person with what to look at again.

Source: docs/reference/visit-json.md; docs/reference/protocol-json.md.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, TypeGuard

from doorward.desk.front.screening import find_forbidden, load_patterns

FORMAT: Final = 1
MAX_BODY_BYTES: Final = 65_536
MAX_STEPS: Final = 200
MAX_NUMBER: Final = 9_999
MAX_CHARACTERS: Final[Mapping[str, int]] = {"text": 200, "lines": 2_000}
SKEW: Final = timedelta(minutes=10)
OLDEST: Final = timedelta(days=366)
BEGUN: Final = "begun"
_KEYS: Final = frozenset(
    [
        "format",
        "id",
        "version",
        "training",
        "place",
        "language",
        "drill",
        "trained",
        "opened",
        "filed",
        "clock_offset",
        "walk",
        "values",
        "unknown",
    ]
)
_UUID4: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_DIRECTIONS: Final = frozenset("\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

Value = str | int | datetime | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to look at again.

    Args:
        field: Of the record, or a key of the document, or empty.
        code: See docs/reference/visit-json.md.
        message: For a developer; never holds what was sent.
    """

    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Faults:
    """Why a body is no visit record; never empty."""

    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Visit:
    """A record without a fault.

    Args:
        version: Of the compiled protocols; `training` of what a person learns in them.
        opened: When the first answer opened it, by the phone's clock less what it was found to be ahead.
        walk: Steps and the option that was taken, None where a step only goes on.
        values: By field; times are aware, in UTC.
        unknown: Fields that are asked for and that the person marked as not known.
        sealed: Fields whose value names a person: in no list, notice, push text or count.
        to: Addressees of the end that was reached; empty where the way was left before its end.
        posture: Of that end, or None.
        digest: SHA-256 of the body, hexadecimal.
    """

    id: str
    version: str
    training: str
    place: str
    language: str
    drill: bool
    trained: bool
    opened: datetime
    filed: datetime
    clock_offset: timedelta
    walk: tuple[tuple[str, int | None], ...]
    values: Mapping[str, Value]
    unknown: tuple[str, ...]
    sealed: frozenset[str]
    to: tuple[str, ...]
    posture: str | None
    digest: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the phone gets for a record, the same for each repeat.

    Args:
        id: Of the visit.
        entry: By which the desk and the record find it; what the person writes down.
        received: Aware, when it was put.
        digest: SHA-256 of the body that was put; the phone deletes its copy only if it is its own.
    """

    id: str
    entry: str
    received: datetime
    digest: str


def format_receipt(receipt: Receipt) -> bytes:
    """Return a receipt as the phone reads it."""
    received = receipt.received.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    body = {
        "format": FORMAT,
        "id": receipt.id,
        "entry": receipt.entry,
        "received": received,
        "digest": receipt.digest,
    }
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode("ascii")


class _NotStrictError(ValueError):
    pass


def read_document(body: bytes) -> dict[str, Any] | None:
    """Return a JSON object, or None: too long, no UTF-8, a key twice, a fraction, a number out of bounds."""
    if len(body) > MAX_BODY_BYTES:
        return None
    try:
        found = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_pairs,
            parse_float=_refuse,
            parse_constant=_refuse,
            parse_int=_small,
        )
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _NotStrictError
    return found


def _refuse(_text: str) -> None:
    raise _NotStrictError


def _small(text: str) -> int:
    if len(text) > 10:
        raise _NotStrictError
    return int(text)


def version_of(body: bytes) -> str | None:
    """Return which version of the protocols a body says it is of, so that the right one is held against it."""
    document = read_document(body)
    version = document.get("version") if document else None
    return version if isinstance(version, str) and re.fullmatch("[0-9a-f]{64}", version) else None


def read_visit(body: bytes, compiled: Mapping[str, Any], *, now: datetime) -> Visit | Faults:
    """Return the visit of a body, or all that is wrong with it.

    Args:
        body: As it came; anything.
        compiled: The protocols of the very version that the body names; trusted.
        now: Aware; the desk's clock.
    """
    document = read_document(body)
    if document is None:
        return Faults((Fault("", "form", "expected a JSON object of bounded size, each key once"),))
    return _Reader(document, compiled, now).read(sha256(body).hexdigest())


class _Reader:
    """Reads one document and collects its faults; after any, what is missing has a harmless value."""

    def __init__(self, document: Mapping[str, Any], compiled: Mapping[str, Any], now: datetime) -> None:
        self.document, self.compiled, self.now = document, compiled, now
        self.faults: list[Fault] = []

    def note(self, field: str, code: str, message: str) -> None:
        self.faults.append(Fault(field, code, message))

    def read(self, digest: str) -> Visit | Faults:
        for key in sorted(_KEYS - self.document.keys()):
            self.note(key, "missing", "expected exactly the keys of the format")
        if self.document.keys() - _KEYS:  # which ones is not said again: they are the sender's words
            self.note("", "unknown-key", "expected exactly the keys of the format")
        place = next(
            (each for each in self.compiled["places"] if each["id"] == self.document.get("place")), None
        )
        if place is None:
            self.note("place", "value", "expected a place of this version")
        if self.faults:
            return Faults(tuple(self.faults))
        assert place is not None, "a fault otherwise"
        self.heads()
        opened, filed = self.times()
        walk = self.walk(place)
        values, unknown = self.record(place["record"], filed)
        if self.faults:
            return Faults(tuple(self.faults))
        end = _end(place, walk)
        return Visit(
            id=self.document["id"],
            version=self.document["version"],
            training=self.document["training"],
            place=self.document["place"],
            language=self.document["language"],
            drill=self.document["drill"],
            trained=self.document["trained"],
            opened=opened,
            filed=filed,
            clock_offset=timedelta(seconds=self.document["clock_offset"]),
            walk=walk,
            values=values,
            unknown=unknown,
            sealed=frozenset(field["id"] for field in place["record"]["fields"] if field["identifies"]),
            to=tuple(end["to"]) if end else (),
            posture=_posture(end),
            digest=digest,
        )

    def heads(self) -> None:
        """Note what is wrong with the keys that say what this is."""
        document = self.document
        expected: dict[str, object] = {
            "format": FORMAT,
            "version": self.compiled["version"],
            "training": self.compiled["training"],
        }
        for key, value in expected.items():
            if document[key] != value or isinstance(document[key], bool):
                self.note(key, "version", "expected that of the protocols it names")
        if not isinstance(document["id"], str) or not _UUID4.fullmatch(document["id"]):
            self.note("id", "value", "expected a random UUID in lower case")
        if document["language"] not in [each["code"] for each in self.compiled["languages"]]:
            self.note("language", "value", "expected a language of this version")
        for key in ("drill", "trained"):
            if not isinstance(document[key], bool):
                self.note(key, "value", "expected true or false")
        if document["trained"] is True and document["drill"] is not True:
            self.note("trained", "value", "expected training to be acknowledged with a drill")

    def times(self) -> tuple[datetime, datetime]:
        """Return when the record was opened and filed, by the phone's clock."""
        offset = self.document["clock_offset"]
        if not _is_integer(offset) or abs(offset) > OLDEST.total_seconds():
            self.note("clock_offset", "value", "expected seconds, a year at most")
        moments = []
        for key in ("opened", "filed"):
            moment = _moment(self.document[key])
            if moment is None:
                self.note(key, "value", "expected a moment with its offset from UTC")
            elif not self.now - OLDEST <= moment <= self.now + SKEW:
                self.note(key, "clock", "expected a moment of the last year: the phone's clock is wrong")
            moments.append(moment or self.now)
        opened, filed = moments
        if opened > filed + SKEW:
            self.note("opened", "clock", "expected a record to be opened before it is filed")
        return opened, filed

    def walk(self, place: Mapping[str, Any]) -> tuple[tuple[str, int | None], ...]:
        """Return the answers, each at the step to which the one before led, one of which opened the record."""
        answers = self.document["walk"]
        step, begun, taken = place["first"]["next"], False, []
        if not isinstance(answers, list) or len(answers) > MAX_STEPS:
            self.note("walk", "walk", f"expected a list of {MAX_STEPS} answers at most")
            return ()
        for answer in answers:
            body = place["steps"][step]
            option = _option(answer, step, body)
            if option is None:
                self.note("walk", "walk", "expected each answer to lead to the next step")
                return ()
            chosen = body["options"][option] if option >= 0 else None
            begun = begun or (chosen is not None and BEGUN in chosen["fills"])
            taken.append((step, option if option >= 0 else None))
            step = chosen["next"] if chosen else body["next"]
        if not begun:
            self.note("walk", "begun", "expected an answer that opens a record; presence opens none")
        return tuple(taken)

    def record(self, form: Mapping[str, Any], filed: datetime) -> tuple[dict[str, Value], tuple[str, ...]]:
        """Return the values of the fields and which of them are not known."""
        given, unknown = self.document["values"], self.document["unknown"]
        fields = {field["id"]: field for field in form["fields"]}
        if not isinstance(given, dict) or not given.keys() <= fields.keys():
            self.note("values", "unknown-key", "expected fields of the record of this place")
            return {}, ()
        asked = [name for name, field in fields.items() if field["need"] == "asked"]
        if not _are_texts(unknown) or not set(unknown) <= set(asked) - given.keys() or BEGUN in unknown:
            self.note("unknown", "value", "expected fields that are asked for and have no value")
            return {}, ()
        for name in asked:
            if name not in given and name not in unknown:
                self.note(name, "missing", "expected an answer, or that it is not known")
        values = {
            name: value
            for name, raw in given.items()
            if (value := self.value(fields[name], raw, filed)) is not None
        }
        return values, tuple(unknown)

    def value(self, field: Mapping[str, Any], raw: object, filed: datetime) -> Value | None:
        """Return the value of a field, or None with a fault noted."""
        name, kind = field["id"], field["kind"]
        known = {choice["id"] for choice in field["choices"]}
        if kind == "time":
            return self.time(name, raw, filed)
        if kind in MAX_CHARACTERS:
            return self.text(field, raw)
        if kind == "number" and _is_integer(raw) and 0 <= raw <= MAX_NUMBER:
            return raw
        if kind == "choice" and isinstance(raw, str) and raw in known:
            return raw
        if kind == "choices" and _are_texts(raw) and raw and known.issuperset(raw):
            return tuple(raw)
        self.note(name, "value", f"expected a {kind} of this field")
        return None

    def time(self, name: str, raw: object, filed: datetime) -> datetime | None:
        moment = _moment(raw)
        if moment is None:
            self.note(name, "value", "expected a moment with its offset from UTC")
        elif moment > min(self.now, filed) + SKEW:
            self.note(name, "future", "expected a moment that was")
        elif moment < self.now - OLDEST:
            self.note(name, "value", "expected a moment of the last year")
        else:
            return moment
        return None

    def text(self, field: Mapping[str, Any], raw: object) -> str | None:
        name, kind = field["id"], field["kind"]
        if not isinstance(raw, str) or not raw.strip():
            self.note(name, "value", "expected a text that is not empty")
        elif len(raw) > MAX_CHARACTERS[kind]:
            self.note(name, "too-long", f"expected {MAX_CHARACTERS[kind]} characters at most")
        elif any(_is_refused(character, lines=kind == "lines") for character in raw):
            self.note(name, "character", "expected no control characters")
        else:
            code = find_forbidden(raw, identifies=field["identifies"], patterns=load_patterns())
            if code is None:
                return raw
            self.note(name, code, "expected nothing that a record may not hold")
        return None


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return (
        isinstance(value, list)
        and all(isinstance(each, str) for each in value)
        and len(set(value)) == len(value)
    )


def _moment(raw: object) -> datetime | None:
    if not isinstance(raw, str) or not _MOMENT.fullmatch(raw):
        return None
    try:
        return datetime.fromisoformat(raw).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _is_refused(character: str, *, lines: bool) -> bool:
    if character == "\n":
        return not lines
    return character in _DIRECTIONS or unicodedata.category(character) in {"Cc", "Cs"}


def _option(answer: object, step: str, body: Mapping[str, Any]) -> int | None:
    """Return which option an answer takes, -1 where the step only goes on, None where it is no answer to this step."""
    if not isinstance(answer, list) or len(answer) != 2 or answer[0] != step:
        return None
    option = answer[1]
    if body["kind"] == "do" and option is None:
        return -1
    if body["kind"] == "decide" and _is_integer(option) and 0 <= option < len(body["options"]):
        return int(option)
    return None


def _end(place: Mapping[str, Any], walk: Sequence[tuple[str, int | None]]) -> Mapping[str, Any] | None:
    """Return the end that a way reached, or None where it was left before."""
    step = place["first"]["next"]
    for name, option in walk:
        body = place["steps"][name]
        step = body["next"] if option is None else body["options"][option]["next"]
    body = place["steps"][step]
    return body if body["kind"] == "end" else None


def _posture(end: Mapping[str, Any] | None) -> str | None:
    """Return what staff do at an end: one posture, or the first of several."""
    if end is None:
        return None
    return end["posture"] if isinstance(end["posture"], str) else next(iter(end["posture"]), None)
