"""What the desk holds as a JSON file, read strictly: a key that is none refuses the file. Pure."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final, TypeVar

from doorward.desk.deadlines.calendar import is_moment
from doorward.desk.statutory.held import (
    MAX_HELD,
    CertificationRequest,
    CustodyEvent,
    CustodyWord,
    Held,
    HelpRequest,
    OemcNotice,
    Paper,
    PaperKind,
)
from doorward.errors import MalformedError

MAX_BYTES: Final = 128 * 1024 * 1024
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_WORD: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")
T = TypeVar("T")


def parse_held(text: str) -> Held:
    """Return what a file of the desk says.

    Args:
        text: A JSON object of `papers`, `notices`, `requests`, `certifications`, `custody`; each may be missing.

    Raises:
        MalformedError: It is none; names the list, the entry and the key, and quotes nothing.
    """
    if len(text) > MAX_BYTES:
        raise MalformedError(f"a file of events has at most {MAX_BYTES} characters")
    try:
        held = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedError("a file of events is a JSON object") from error
    if not isinstance(held, dict) or not set(held) <= set(_LISTS):
        raise MalformedError(f"a file of events is a JSON object of {', '.join(_LISTS)}")
    return Held(
        _read(held, "papers", _paper),
        _read(held, "notices", _notice),
        _read(held, "requests", _request),
        _read(held, "certifications", _certification),
        _read(held, "custody", _custody),
    )


class _Entry:
    """One object of a list."""

    def __init__(self, where: str, held: Any, keys: tuple[str, ...], may_be_missing: tuple[str, ...]) -> None:  # noqa: ANN401  # JSON
        self.where = where
        allowed = {*keys, *may_be_missing}
        if not isinstance(held, dict) or not set(keys) <= set(held) <= allowed:
            raise MalformedError(f"{where}: expected the keys {', '.join((*keys, *may_be_missing))}")
        self.held = held

    def text(self, key: str, form: re.Pattern[str] = _ID, *, default: str | None = None) -> str:
        value = self.held.get(key, default)
        if isinstance(value, str) and (form.fullmatch(value) or value == default):
            return value
        raise self._fault(key, "an id" if form is _ID else "a word")

    def day(self, key: str) -> date:
        found = self.may_be_day(key)
        if found is None:
            raise self._fault(key, "a day such as 2026-11-24")
        return found

    def may_be_day(self, key: str) -> date | None:
        value = self.held.get(key)
        if value is None:
            return None
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise self._fault(key, "a day such as 2026-11-24") from error

    def time(self, key: str) -> datetime:
        try:
            found = datetime.fromisoformat(self.held[key])
        except (TypeError, ValueError) as error:
            raise self._fault(key, "a time with its offset") from error
        if not is_moment(found):
            raise self._fault(key, "a time with its offset")
        return found

    def choice(self, key: str, words: Mapping[str, T]) -> T:
        value = self.held.get(key)
        if not isinstance(value, str) or value not in words:
            raise self._fault(key, f"one of {', '.join(words)}")
        return words[value]

    def truth(self, key: str) -> bool | None:
        value = self.held[key]
        if value is not None and not isinstance(value, bool):
            raise self._fault(key, "true, false or null")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.held[key]
        if not isinstance(value, list) or not all(
            isinstance(one, str) and _ID.fullmatch(one) for one in value
        ):
            raise self._fault(key, "a list of references")
        return tuple(value)

    def _fault(self, key: str, expected: str) -> MalformedError:
        return MalformedError(f"{self.where}: `{key}` must be {expected}")


def _read(held: Mapping[str, Any], name: str, read: Callable[[str, Any], T]) -> tuple[T, ...]:
    entries = held.get(name, [])
    if not isinstance(entries, list) or len(entries) > MAX_HELD:
        raise MalformedError(f"`{name}` is a list of at most {MAX_HELD}")
    found = tuple(read(f"`{name}`, entry {at}", entry) for at, entry in enumerate(entries, start=1))
    if len({one.id for one in found}) != len(found):  # type: ignore[attr-defined]  # each kind has one
        raise MalformedError(f"`{name}` has an id twice")
    return found


def _paper(where: str, held: Any) -> Paper:  # noqa: ANN401  # JSON
    one = _Entry(where, held, ("id", "kind", "received", "is_civil"), ())
    kind = one.choice("kind", {kind.value: kind for kind in PaperKind})
    return Paper(one.text("id"), kind, one.day("received"), one.truth("is_civil"))


def _notice(where: str, held: Any) -> OemcNotice:  # noqa: ANN401  # JSON
    one = _Entry(where, held, ("id", "on", "asked"), ())
    return OemcNotice(one.text("id"), one.day("on"), one.text("asked", _WORD))


def _request(where: str, held: Any) -> HelpRequest:  # noqa: ANN401  # JSON
    one = _Entry(where, held, ("id", "received", "component", "asked", "handled", "documents"), ())
    return HelpRequest(
        one.text("id"), one.day("received"), one.text("component"), one.text("asked", _WORD),
        one.text("handled", _WORD), one.texts("documents"),
    )  # fmt: skip


def _certification(where: str, held: Any) -> CertificationRequest:  # noqa: ANN401  # JSON
    one = _Entry(where, held, ("id", "received"), ("form_given", "reasons_given"))
    given, reasons = one.may_be_day("form_given"), one.may_be_day("reasons_given")
    received = one.day("received")
    if any(day is not None and day < received for day in (given, reasons)):
        raise MalformedError(f"{where}: answered before it was received")
    return CertificationRequest(one.text("id"), received, given, reasons)


def _custody(where: str, held: Any) -> CustodyEvent:  # noqa: ANN401  # JSON
    one = _Entry(where, held, ("id", "paper", "what", "at"), ("agency", "corrects"))
    word = one.choice("what", {word.value: word for word in CustodyWord})
    return CustodyEvent(
        one.text("id"), one.text("paper"), word, one.time("at"), one.text("agency", default=""),
        one.text("corrects", default=""),
    )  # fmt: skip


_LISTS: Final = ("papers", "notices", "requests", "certifications", "custody")
