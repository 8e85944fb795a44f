"""What the compiler refuses, and where it says that it stands; what it makes of small orders."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from doorward.errors import UnsupportedPolicyError
from doorward.orders.load import Pack
from doorward.policy.compile import compile_scopes
from doorward.policy.parse import parse_policies
from doorward.policy.request import Fact, Request, Resource
from doorward.policy.scopes import ScopeBook
from doorward.policy.vocabulary import Vocabulary

Compile = Callable[..., ScopeBook]
OPEN = '@id("open") @clauses("B1") permit (principal, action == Action::"query", resource);'


@pytest.fixture(name="compiled")
def compile_fixture(pack: Pack) -> Compile:
    """Compiles a text against Chicago's entities and tables, with one word a fact where none is given."""

    def compile_text(
        text: str, *, words: Mapping[str, tuple[Fact, ...]] | None = None, most: int = 500
    ) -> ScopeBook:
        standing = {clause.id: clause.decides for clause in pack.clauses.values()}
        policies, findings = parse_policies({"small.cedar": text}, clauses=standing)
        assert findings == ()
        assert pack.model is not None
        own = pack.model.vocabulary
        known = own if words is None else Vocabulary(words, {}, {}, own.parameters)
        return compile_scopes(replace(pack.model, policies=policies, vocabulary=known), max_shapes=most)

    return compile_text


def condition(text: str, *, effect: str = "forbid") -> str:
    return (
        f'{OPEN}\n@id("odd")\n@clauses("B3")\n{effect} (principal, action == Action::"query", resource)\n'
        f"when {{ {text} }};"
    )


@pytest.mark.parametrize(
    ("text", "reason", "column"),
    [
        ("resource is Record && resource.case_no == context.grant.case_no && 1 + 1 > 2", None, None),
        ("context.now.offset(duration(resource.case_no)) > context.now", "may fail", None),
        ('decimal(context.channel) == decimal("1.0")', "`decimal` of a text that is not constant", 8),
        ('principal == Person::"ann"', "it names one person or row", None),
        ('resource is Record && resource == Record::"1"', "it names one person or row", None),
        (
            "resource is Record && resource.case_no == context.requester.identified",
            "`context.requester.identified`",
            None,
        ),
        ('context.now < datetime("2026-01-01")', "would depend on context.now", None),
        ('resource is Record && resource.case_no == "a\\0b"', "a text with NUL has no exact form", None),
    ],
)
def test_what_has_no_exact_form_is_refused_with_its_place_and_reason(
    compiled: Compile, text: str, reason: str | None, column: int | None
) -> None:
    if reason is None:
        assert len(compiled(condition(text)).scopes) == 1
        return
    with pytest.raises(UnsupportedPolicyError) as caught:
        compiled(condition(text))
    assert "policy `odd` cannot be compiled" in str(caught.value)
    assert reason in str(caught.value)
    assert caught.value.span is not None
    assert caught.value.span.file == "small.cedar"
    assert caught.value.span.line == (5 if column else 2)


@pytest.mark.parametrize(
    ("text", "predicate"),
    [
        ('resource.case_no like "JH*"', "\"case_no\" LIKE 'JH%' ESCAPE '!'"),
        ('context.now < datetime("2026-03-01")', "statement_timestamp()"),
        ('["a", "b"].containsAny([resource.unit])', "\"unit\" IN ('a', 'b')"),
        ("context.grant.unit == resource.unit", '"unit" <> (SELECT "unit" FROM doorward.my_grant)'),
        ("context has purpose && resource.sealed", 'NOT "sealed"'),
    ],
)
def test_a_condition_on_rows_becomes_a_predicate(compiled: Compile, text: str, predicate: str) -> None:
    head = '@id("odd") @clauses("B3") forbid (principal, action == Action::"query", resource is Record)'
    book = compiled(f"{OPEN}\n{head} when {{ {text} }};")
    (scope,) = book.scopes.values()
    persons = next(table for table in scope.tables if table.table == "public.persons")
    assert predicate in persons.predicate


def test_an_operator_that_is_not_leakproof_is_warned_of(compiled: Compile) -> None:
    head = '@id("odd") @clauses("B3") forbid (principal, action == Action::"query", resource is Record)'
    book = compiled(f'{OPEN}\n{head} when {{ resource.case_no like "JH*" }};')
    assert any("not leakproof" in warning.message for warning in book.warnings)
    assert compiled(OPEN).warnings == ()


def test_a_fact_without_finite_words_is_refused(compiled: Compile) -> None:
    with pytest.raises(
        UnsupportedPolicyError, match=r"`context.requester.identified`, which has no finite words"
    ):
        compiled(condition('context.requester.identified == "verified"'))


def test_a_column_class_that_would_differ_between_grants_is_refused(compiled: Compile) -> None:
    with pytest.raises(
        UnsupportedPolicyError, match=r"whether `clear` is open would depend on context.grant.case_no"
    ):
        compiled(condition('context.grant.case_no == "JH1"'))


def test_a_construct_of_another_action_is_not_this_doors_concern(compiled: Compile) -> None:
    scope = '(principal, action == Action::"disclose", resource)'
    other = f'@id("x") @clauses("B1") forbid {scope} when {{ 1 + 1 > 5 }};'
    assert len(compiled(f"{OPEN}\n{other}").scopes) == 1


def test_more_shapes_than_a_database_can_carry_is_an_error_that_names_the_clauses(compiled: Compile) -> None:
    # A row's unit against each of the beneficiaries: one shape an agency and purpose.
    rows = " || ".join(
        f'(context.for_agency == Agency::"{agency}" && context.purpose == "{purpose}" && resource.unit == "{n}")'
        for n, (agency, purpose) in enumerate(
            (a, p) for a in ("FBI", "DEA", "ATF", "USMS") for p in ("audit", "task-force", "court-process")
        )
    )
    text = f'{OPEN}\n@id("many") @clauses("B4") forbid (principal, action, resource is Record) when {{ {rows} }};'
    words: dict[str, tuple[Fact, ...]] = {
        "context.for_agency": ("FBI", "DEA", "ATF", "USMS"),
        "context.purpose": ("audit", "task-force", "court-process"),
    }
    assert len(compiled(text, words=words).scopes) == 12
    with pytest.raises(UnsupportedPolicyError, match=r"more than 11 scopes .* most forms are B4"):
        compiled(text, words=words, most=11)


def test_equal_shapes_are_one_scope(compiled: Compile) -> None:
    second = (
        '@id("x") @clauses("B1") permit (principal, action, resource) when { context.purpose == "audit" };'
    )
    book = compiled(f"{OPEN}\n{second}", words={"context.purpose": ("audit", "task-force")})
    assert len(book.scopes) == 1


def test_compiling_twice_gives_the_same_text(pack: Pack) -> None:
    assert pack.scope_book().to_json() == pack.scope_book().to_json()


def test_a_request_that_the_door_cannot_have_finds_no_scope(pack: Pack, detective: Request) -> None:
    book = pack.scope_book()
    assert book.find(detective) is not None
    changed: list[dict[str, Fact]] = [
        {"context.channel": "vendor"},
        {"context.requester.agency": "FBI"},
        {"context.papers.detainer.presented": True},
        {"context.purpose": "audit"},
        {"context.for_agency": "none"},
    ]
    for change in changed:
        assert book.find(pack.requests.change(detective, change)) is None
    lying = {**detective.facts, "context.requester.party": "federal"}
    assert book.find(replace(detective, facts=lying)) is None
    assert book.find(replace(detective, action="export")) is None
    assert book.find(replace(detective, resource=Resource("Collection", "alpr"))) is None
    other_grant: dict[str, Fact] = {"context.grant.case_no": "A", "context.grant.unit": "B"}
    assert book.find(pack.requests.change(detective, other_grant)) is not None
