"""The book of scopes: found again from its own text, and never from a text that is not its own."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import MalformedError
from doorward.orders.load import Pack
from doorward.policy.request import Request
from doorward.policy.scopes import ScopeBook, ScopeColumn, ScopeTable, make_scope


@pytest.fixture(scope="module")
def book(pack: Pack) -> ScopeBook:
    return pack.scope_book()


def test_the_book_survives_its_own_text(book: ScopeBook) -> None:
    again = ScopeBook.from_json(book.to_json())
    assert replace(again, warnings=book.warnings) == book
    assert again.to_json() == book.to_json()


def test_the_book_read_from_its_text_finds_the_same_scopes(
    pack: Pack, book: ScopeBook, detective: Request
) -> None:
    again = ScopeBook.from_json(book.to_json())
    for purpose in ("criminal-investigation", "records-service", "audit"):
        request = pack.requests.change(detective, {"context.purpose": purpose})
        assert again.find(request) == book.find(request)


def test_a_scope_is_named_by_its_shape() -> None:
    table = ScopeTable("public.t", (ScopeColumn("a"),), "true", "t: rows may be withheld under B3.", ())
    scope = make_scope([table])
    assert scope.id == make_scope([table]).id
    assert len(scope.id) == 12
    assert int(scope.id, 16) >= 0
    for changed in (
        replace(table, predicate="false"),
        replace(table, columns=(ScopeColumn("a", "b"),)),
        replace(table, withheld=None),
    ):
        assert make_scope([changed]).id != scope.id


def test_a_text_whose_scope_was_changed_is_refused(book: ScopeBook) -> None:
    raw = json.loads(book.to_json())
    next(iter(raw["scopes"].values()))["tables"][0]["predicate"] = "true"
    with pytest.raises(MalformedError, match="no book of scopes"):
        ScopeBook.from_json(json.dumps(raw))


def test_a_text_whose_branches_go_in_a_circle_is_refused(book: ScopeBook) -> None:
    raw = json.loads(book.to_json())
    raw["branches"][0][1] = {"x": raw["root"]}
    with pytest.raises(MalformedError):
        ScopeBook.from_json(json.dumps(raw))


def test_a_text_that_leads_to_no_leaf_is_refused(book: ScopeBook) -> None:
    raw = json.loads(book.to_json())
    raw["root"] = -2 - len(raw["leaves"])
    with pytest.raises(MalformedError):
        ScopeBook.from_json(json.dumps(raw))


@given(st.data())
def test_a_mutated_text_is_a_book_or_malformed(book: ScopeBook, data: st.DataObject) -> None:
    text = book.to_json()
    at = data.draw(st.integers(0, len(text)))
    mutated = text[:at] + data.draw(st.text(max_size=4)) + text[at + data.draw(st.integers(0, 40)) :]
    try:
        found = ScopeBook.from_json(mutated)
    except MalformedError:
        return
    assert all(
        make_scope(s.tables, closed_tables=s.closed_tables).id == name for name, s in found.scopes.items()
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@given(
    json_values, st.sampled_from(["scopes", "branches", "leaves", "root", "constants", "derived", "format"])
)
def test_any_json_in_place_of_a_part_is_a_book_or_malformed(
    book: ScopeBook, value: object, part: str
) -> None:
    raw = json.loads(book.to_json())
    raw[part] = value
    try:
        ScopeBook.from_json(json.dumps(raw))
    except MalformedError:
        return
