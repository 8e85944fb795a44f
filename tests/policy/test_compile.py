"""What the compiler refuses, and where it says that it stands; what it makes of small orders."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from doorward.errors import UnsupportedPolicyError
from doorward.orders.load import Pack
from doorward.policy.compile import compile_scopes
from doorward.policy.facts import CollectionRef, Fact, GrantParameters, Request
from doorward.policy.parse import parse_policies
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
        known = pack.model.vocabulary if words is None else Vocabulary(words, {}, {})
        return compile_scopes(replace(pack.model, policies=policies, vocabulary=known), max_shapes=most)

    return compile_text


def condition(text: str, *, effect: str = "forbid") -> str:
    return (
        f'{OPEN}\n@id("odd")\n@clauses("B3")\n{effect} (principal, action == Action::"query", resource)\n'
        f"when {{ {text} }};"
    )


@pytest.mark.parametrize(
    ("text", "construct", "reason", "column"),
    [
        ('context.purpose like "a*"', "like", "patterns", 24),
        ("context has purpose", "has", "`has` tells nothing", 16),
        ("resource is Record && resource.unit + 1 > 2", "+", "overflow", 44),
        ('["a"].containsAll(["b"])', "containsAll", "no exact form", 14),
        ('context.now < datetime("2026-01-01")', "datetime", "no exact form", 22),
        ("context.now == context.now", "now", "no fact that this door can compare", 16),
        ("[context.purpose].contains(context.channel)", "contains", "must be of literals", 26),
        ('context.task_force == {"member": true}', "{...}", "records", None),
        ('principal == Person::"ann"', "==", "only roles, agencies and collections", 18),
        ('resource is Record && resource == Record::"1"', "==", "by its attributes", 39),
        ("principal.agency in context.for_agency", "in", "must be named", 25),
        ("context.papers.detainer == context.papers.detainer", "detainer", "no fact that this door", 23),
    ],
)
def test_a_construct_that_has_no_exact_form_is_refused_with_its_place_and_reason(
    compiled: Compile, text: str, construct: str, reason: str, column: int | None
) -> None:
    with pytest.raises(UnsupportedPolicyError) as caught:
        compiled(condition(text))
    said = str(caught.value)
    assert f"`{construct}` in policy `odd`" in said
    assert reason in said
    assert caught.value.span is not None
    assert caught.value.span.file == "small.cedar"
    if column is not None:
        assert (caught.value.span.line, caught.value.span.column) == (5, column)


def test_the_second_of_two_equal_constructs_is_the_one_that_is_named(compiled: Compile) -> None:
    text = (
        'context.purpose == "a" || context.task_force.member ||\n  context.task_force == context.task_force'
    )
    with pytest.raises(UnsupportedPolicyError) as caught:
        compiled(condition(text))
    assert caught.value.span is not None
    assert (caught.value.span.line, caught.value.span.column) == (6, 11)


def test_a_fact_without_finite_words_is_refused(compiled: Compile) -> None:
    with pytest.raises(
        UnsupportedPolicyError, match=r"`context.requester.component`, which has no finite words"
    ):
        compiled(condition('context.requester.component == "ERO"'))


def test_a_column_class_that_would_differ_between_grants_is_refused(compiled: Compile) -> None:
    with pytest.raises(
        UnsupportedPolicyError, match=r"whether `clear` is open would depend on context.grant.case_no"
    ):
        compiled(condition('context.grant.case_no == "JH1"'))


def test_a_construct_of_another_action_is_not_this_doors_concern(compiled: Compile) -> None:
    scope = '(principal, action == Action::"disclose", resource)'
    other = f'@id("x") @clauses("B1") forbid {scope} when {{ context has now }};'
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
    context = detective.context
    changed = [
        replace(context, channel="vendor"),
        replace(context, emergency=True),
        replace(context, requester=replace(context.requester, agency="FBI", party="federal")),
        replace(context, requester=replace(context.requester, party="federal")),
        replace(
            context, papers=replace(context.papers, detainer=replace(context.papers.detainer, presented=True))
        ),
        replace(context, purpose="curiosity"),
        replace(context, for_agency="nobody"),
    ]
    for other in changed:
        assert book.find(replace(detective, context=other)) is None
    assert book.find(replace(detective, action="export")) is None
    assert book.find(replace(detective, resource=CollectionRef("alpr"))) is None
    assert (
        book.find(replace(detective, context=replace(context, grant=GrantParameters("A", "B", "C"))))
        is not None
    )
