"""A visit record is read strictly: every fault by field and code, and no fault says what was sent."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.desk.front.visits import (
    MAX_BODY_BYTES,
    Faults,
    Receipt,
    Visit,
    format_receipt,
    read_visit,
    version_of,
)
from tests_support.front_sample import make_body, make_compiled, to_bytes, walk_to_record
from tests_support.front_store import NOW

COMPILED = make_compiled()


def read(**changes: Any) -> Visit | Faults:
    return read_visit(to_bytes(make_body(COMPILED, **changes)), COMPILED, now=NOW)


def codes(found: Visit | Faults) -> set[tuple[str, str]]:
    assert isinstance(found, Faults), "expected faults"
    return {(fault.field, fault.code) for fault in found.faults}


def values(**more: Any) -> dict[str, Any]:
    return {**make_body(COMPILED)["values"], **more}


def test_reads_a_record() -> None:
    body = to_bytes(make_body(COMPILED))
    visit = read_visit(body, COMPILED, now=NOW)
    assert isinstance(visit, Visit)
    assert visit.values == {
        "begun": "request",
        "came": datetime(2026, 11, 26, 16, 1, tzinfo=UTC),
        "purpose": "They asked for a room.",
    }
    assert visit.opened == datetime(2026, 11, 26, 16, 5, 0, 123000, tzinfo=UTC)
    assert "leader" in visit.sealed
    assert visit.to == ("law",)
    assert visit.posture
    assert visit.digest == sha256(body).hexdigest()
    assert version_of(body) == COMPILED["version"]


def test_reads_a_record_of_a_way_that_was_left_before_its_end() -> None:
    visit = read(walk=walk_to_record(COMPILED)[:3])
    assert isinstance(visit, Visit)
    assert (visit.to, visit.posture) == ((), None)


def test_presence_opens_no_record() -> None:
    assert ("walk", "begun") in codes(read(walk=walk_to_record(COMPILED)[:1]))
    assert ("walk", "begun") in codes(read(walk=[]))


@pytest.mark.parametrize(
    "walk",
    [
        [["nowhere", None]],
        [["danger", 9]],
        [["danger", -1]],
        [["danger", True]],
        [["danger", None]],
        [["danger"]],
        [["danger", 0, 0]],
        ["danger"],
        {"danger": 0},
        [["want", 0], ["danger", 0]],
        [["danger", 0]] * 201,
        None,
    ],
)
def test_answers_are_a_way_through_the_protocol(walk: Any) -> None:
    assert ("walk", "walk") in codes(read(walk=walk))


def test_refuses_an_answer_after_the_end() -> None:
    walk = walk_to_record(COMPILED)
    assert ("walk", "walk") in codes(read(walk=[*walk, walk[-1]]))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"format": 2}, ("format", "version")),
        ({"format": True}, ("format", "version")),
        ({"version": "0" * 64}, ("version", "version")),
        ({"training": "0" * 64}, ("training", "version")),
        ({"id": "0F0E8A3C-5D5C-4A8E-9D2F-0123456789AB"}, ("id", "value")),
        ({"id": "0f0e8a3c-5d5c-1a8e-9d2f-0123456789ab"}, ("id", "value")),
        ({"id": 1}, ("id", "value")),
        ({"place": "palace"}, ("place", "value")),
        ({"place": ["library"]}, ("place", "value")),
        ({"language": "xx"}, ("language", "value")),
        ({"drill": 1}, ("drill", "value")),
        ({"trained": True}, ("trained", "value")),
        ({"clock_offset": "0"}, ("clock_offset", "value")),
        ({"clock_offset": 10**9}, ("clock_offset", "value")),
        ({"opened": "2026-11-26 16:05"}, ("opened", "value")),
        ({"opened": "2026-11-26T16:05:00"}, ("opened", "value")),
        ({"opened": "2026-13-26T16:05:00Z"}, ("opened", "value")),
        ({"opened": "0001-01-01T00:00:00+14:00"}, ("opened", "value")),
        ({"opened": "\u0662026-11-26T16:05:00Z"}, ("opened", "value")),
        ({"filed": "2026-11-26T16:45:00Z"}, ("filed", "clock")),
        ({"filed": "2024-11-26T16:45:00Z"}, ("filed", "clock")),
        ({"filed": "2026-11-26T15:00:00Z"}, ("opened", "clock")),
        ({"values": []}, ("values", "unknown-key")),
        ({"values": {"status": "x"}}, ("values", "unknown-key")),
        ({"unknown": ["nothing"]}, ("unknown", "value")),
        ({"unknown": "came"}, ("unknown", "value")),
        ({"unknown": [{}]}, ("unknown", "value")),
        ({"unknown": []}, ("paper", "missing")),
        ({"more": 1}, ("", "unknown-key")),
    ],
)
def test_refuses_what_the_format_does_not_have(changes: dict[str, Any], code: tuple[str, str]) -> None:
    assert code in codes(read(**changes))


@pytest.mark.parametrize("key", sorted(make_body(COMPILED)))
def test_refuses_a_record_without_one_of_its_keys(key: str) -> None:
    body = make_body(COMPILED)
    del body[key]
    assert (key, "missing") in codes(read_visit(to_bytes(body), COMPILED, now=NOW))


@pytest.mark.parametrize(
    ("field", "raw", "code"),
    [
        ("came", "2026-11-26T16:45:00Z", "future"),
        ("came", "2020-11-26T16:45:00Z", "value"),
        ("came", 5, "value"),
        ("begun", "presence", "value"),
        ("begun", ["request"], "value"),
        ("asked-for", "enter", "value"),
        ("asked-for", [], "value"),
        ("asked-for", ["enter", "enter"], "value"),
        ("asked-for", ["enter", "other"], "value"),
        ("asked-for", [["enter"]], "value"),
        ("people-taken", -1, "value"),
        ("people-taken", 10_000, "value"),
        ("people-taken", True, "value"),
        ("people-taken", "2", "value"),
        ("agency", "", "value"),
        ("agency", " \u3000", "value"),
        ("agency", "x" * 201, "too-long"),
        ("purpose", "x" * 2001, "too-long"),
        ("agency", "two\nlines", "character"),
        ("purpose", "bell\x07", "character"),
        ("purpose", "turned\u202eround", "character"),
        ("purpose", "isolated\u2066", "character"),
        ("purpose", "half \ud800", "character"),
        ("purpose", "They said that he is undocumented", "status"),
        ("purpose", "file A123 456 789", "identity-number"),
        ("purpose", "born in Anytown", "birth-date"),
        ("purpose", "Country of origin: none said", "birthplace"),
    ],
)
def test_refuses_a_value_that_a_field_does_not_take(field: str, raw: Any, code: str) -> None:
    unknown = [name for name in make_body(COMPILED)["unknown"] if name != field]
    body = json.dumps(make_body(COMPILED, values=values(**{field: raw}), unknown=unknown)).encode()
    found = read_visit(body, COMPILED, now=NOW)
    assert (field, code) in codes(found)
    assert isinstance(found, Faults)
    if isinstance(raw, str) and raw.strip():
        assert raw not in repr(found)


def test_a_badge_number_may_look_like_any_number() -> None:
    visit = read(values=values(leader="Agent Sample, A 123 456 789"))
    assert isinstance(visit, Visit)


def test_lines_may_have_lines_in_any_script() -> None:
    text = "They waited.\nEsperaron. Czekali. 他们在等候。\nكانوا ينتظرون"  # noqa: RUF001  # Arabic on purpose
    visit = read(values=values(purpose=text))
    assert isinstance(visit, Visit)
    assert visit.values["purpose"] == text


def test_a_phone_whose_clock_was_ahead_says_by_how_much() -> None:
    visit = read(clock_offset=7200)
    assert isinstance(visit, Visit)
    assert visit.clock_offset == timedelta(hours=2)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"a":1,"a":1}',
        b'{"a":1.5}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":' + b"9" * 5000 + b"}",
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"a":"' + b"x" * MAX_BODY_BYTES + b'"}',
    ],
)
def test_refuses_what_is_no_bounded_object(body: bytes) -> None:
    assert codes(read_visit(body, COMPILED, now=NOW)) == {("", "form")}
    assert version_of(body) is None


@given(st.binary(max_size=400))
def test_any_bytes_are_a_visit_or_faults(body: bytes) -> None:
    assert isinstance(read_visit(body, COMPILED, now=NOW), Faults)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.text(max_size=8)
    | st.sampled_from(["library", "request", "en"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(key=st.sampled_from(sorted(make_body(COMPILED))), value=JSON)
def test_any_value_under_any_key_is_a_visit_or_faults(key: str, value: Any) -> None:
    body = json.dumps({**make_body(COMPILED), key: value}).encode()
    assert isinstance(read_visit(body, COMPILED, now=NOW), Visit | Faults)


@given(field=st.sampled_from(sorted(f["id"] for f in COMPILED["places"][0]["record"]["fields"])), value=JSON)
def test_any_value_of_any_field_is_a_visit_or_faults(field: str, value: Any) -> None:
    body = json.dumps(make_body(COMPILED, values=values(**{field: value}))).encode()
    assert isinstance(read_visit(body, COMPILED, now=NOW), Visit | Faults)


def each_place(check: Callable[[str], None]) -> None:
    for place in COMPILED["places"]:
        check(place["id"])


def test_a_record_of_every_place_reads() -> None:
    def check(place: str) -> None:
        form = next(each for each in COMPILED["places"] if each["id"] == place)["record"]
        asked = [
            field["id"] for field in form["fields"] if field["need"] == "asked" and field["id"] != "begun"
        ]
        found = read(
            place=place, walk=walk_to_record(COMPILED, place), values={"begun": "act"}, unknown=asked
        )
        assert isinstance(found, Visit), (place, found)

    each_place(check)


def test_no_record_has_a_field_for_what_no_record_may_hold() -> None:
    forbidden = ("status", "birth", "nation", "citizen", "plate", "photo", "audio")

    def check(place: str) -> None:
        form = next(each for each in COMPILED["places"] if each["id"] == place)["record"]
        assert [
            field["id"] for field in form["fields"] if any(word in field["id"] for word in forbidden)
        ] == []

    each_place(check)


def test_a_receipt_has_one_form() -> None:
    receipt = Receipt("0f0e8a3c-5d5c-4a8e-9d2f-0123456789ab", "V-1", NOW, "ab" * 32)
    assert json.loads(format_receipt(receipt)) == {
        "format": 1,
        "id": receipt.id,
        "entry": "V-1",
        "received": "2026-11-26T16:30:00Z",
        "digest": "ab" * 32,
    }
    assert format_receipt(receipt) == format_receipt(receipt)
