"""From answers to a request: hostile input, what an answer never opens, what only an act says, the JSON schema."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no stubs

from doorward.errors import ConfigError
from doorward.orders.intake import (
    Act,
    Asked,
    Faults,
    Intake,
    Kind,
    Question,
    QuestionType,
    load_intake,
    make_schema,
    read_form,
    verify_paper,
    with_acts,
)
from doorward.orders.load import Pack, load_pack
from doorward.policy.decision import Outcome
from doorward.policy.request import Fact, Request

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OPEN = (Outcome.PERMIT, Outcome.OUTSIDE)
PAPER_QUESTIONS = ("papers", "papers-seen", "papers-forbid", "paper-number", "answer-by")
TRANSFER: Mapping[str, str | list[str]] = {"of-custody": "transfer", "who-asks": "ICE-ERO"}


@cache
def chicago() -> tuple[Pack, Intake]:
    pack = load_pack("chicago")
    return pack, load_intake(pack)


def read(kind: str, answers: object) -> Asked:
    asked = chicago()[1].read(kind, answers)
    assert isinstance(asked, Asked), asked
    return asked


def faults(kind: str, answers: object) -> Faults:
    found = chicago()[1].read(kind, answers)
    assert isinstance(found, Faults), found
    return found


def request(asked: Asked, *acts: Act, role: str = "lockup-keeper", agency: str = "CPD") -> Request:
    return asked.request(chicago()[0], principal_role=role, principal_agency=agency, acts=acts, now=NOW)


def criminal(**said: Any) -> Act:
    whole: dict[str, Any] = {"verified": True, "scope": "in", "current": True, "evidence": "paper 1"} | said
    return verify_paper("context.papers.court_criminal", resolver="desk", **whole)


# ---------------------------------------------------------------- answers


def test_what_was_answered_is_set_and_what_stayed_open_is_unknown() -> None:
    asked = read("detainer", TRANSFER)
    facts = request(asked).facts
    assert (asked.action, asked.resource.type) == ("transfer", "Custody")
    assert facts["context.requester.agency"] == "ICE-ERO"
    assert facts["context.for_agency"] == "unknown"
    assert facts["context.purpose"] == "unknown"
    assert facts["context.papers.detainer.verified"] is False
    assert facts["resource.origin"] == "unknown"


def test_who_acts_is_the_person_who_is_signed_in() -> None:
    asked = read("form", {"form-asks-status": "no", "for-whom": "none", "purpose": "public-service"})
    facts = request(asked, role="city-employee", agency="CHICAGO").facts
    assert (facts["principal.role"], facts["principal.agency"]) == ("city-employee", "CHICAGO")
    assert facts["context.requester.agency"] == "CHICAGO"


def test_texts_are_kept_and_are_no_facts() -> None:
    said = {"case": "JH 123456", "note": "  told by telephone  ", "received": "2026-03-01T09:30-06:00"}
    asked = read("records-request", said)
    assert asked.kept == {**said, "note": "told by telephone"}
    assert asked.facts == read("records-request", {}).facts
    assert request(asked).facts["context.register.standing"] == "unverified"


@pytest.mark.parametrize(
    ("answers", "question"),
    [
        ({}, "of-custody"),
        ({"of-custody": ""}, "of-custody"),
        ({"of-custody": "sell"}, "of-custody"),
        ({"of-custody": ["hold", "transfer"]}, "of-custody"),
        ({"of-custody": {"hold": True}}, "of-custody"),
        ({**TRANSFER, "who-asks": "unknown"}, "who-asks"),
        ({**TRANSFER, "who-asks": "nobody-of-this-name"}, "who-asks"),
        ({**TRANSFER, "papers": "detainer"}, "papers"),
        ({**TRANSFER, "papers": ["detainer", "zebra"]}, "papers"),
        ({**TRANSFER, "papers": ["detainer"] * 50}, "papers"),
        ({**TRANSFER, "papers": [["detainer"]]}, "papers"),
        ({**TRANSFER, "papers-seen": ["detainer"]}, "papers-seen"),
        ({**TRANSFER, "note": 3}, "note"),
        ({**TRANSFER, "note": "x" * 301}, "note"),
        ({**TRANSFER, "note": "x" * 10_000_000}, "note"),
        ({**TRANSFER, "note": "a\x00b"}, "note"),
        ({**TRANSFER, "note": "two\nlines"}, "note"),
        ({**TRANSFER, "note": "a\u202eb"}, "note"),
        ({**TRANSFER, "note": "a\ud800b"}, "note"),
        ({**TRANSFER, "custody-number": "1'; drop"}, "custody-number"),
        ({**TRANSFER, "custody-number": "<b>1</b>"}, "custody-number"),
        ({**TRANSFER, "received": "2026-02-30T09:30-06:00"}, "received"),
        ({**TRANSFER, "received": "2026-03-01T09:30"}, "received"),
        ({**TRANSFER, "received": "yesterday"}, "received"),
    ],
)
def test_a_faulty_answer_is_named_by_its_question_and_never_repeated(
    answers: dict[str, Any], question: str
) -> None:
    found = faults("detainer", answers)
    assert found.by_question.keys() == {question}
    (said,) = found.by_question[question]
    assert said == said.strip()
    assert len(said) < 100
    assert not any(text in said for text in ("zebra", "sell", "drop", "nobody-of", "yesterday", "\x00"))


@pytest.mark.parametrize(
    "answers",
    [None, [], "hold", 3, {"zebra": "1"}, {3: "x"}, {None: None}, {str(n): "x" for n in range(200)}],
)
def test_what_is_no_set_of_answers_is_a_fault_of_the_form(answers: object) -> None:
    assert faults("detainer", answers).form


def test_a_kind_that_the_desk_does_not_take_is_a_fault() -> None:
    assert faults("zebra", {}).form == ("this desk takes no request of this kind",)


def test_a_fault_above_hides_no_question_below_and_blames_none() -> None:
    answers = {"of-court": "zebra", "papers": ["no-paper"], "holding": "police", "sealed": "no"}
    found = faults("court-paper", answers)
    assert found.by_question.keys() == {"of-court"}


def test_all_faults_are_told_at_once() -> None:
    found = faults("detainer", {"of-custody": "x", "note": "\x00", "who-asks": "y", "zebra": ""})
    assert found.by_question.keys() == {"of-custody", "note", "who-asks"}
    assert found.form


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@given(st.data(), st.sampled_from(sorted(chicago()[1].kinds)))
def test_any_json_is_a_request_or_faults(data: st.DataObject, name: str) -> None:
    kind = chicago()[1].kinds[name]
    ids = st.sampled_from([question.id for question in kind.questions])
    words = [word for question in kind.questions for word in question.options] or ["x"]
    value = JUNK | st.sampled_from(words) | st.lists(st.sampled_from(words), max_size=3)
    answers = data.draw(st.dictionaries(ids | st.text(max_size=5), value, max_size=12) | JUNK)
    assert isinstance(chicago()[1].read(name, answers), Asked | Faults)


# ---------------------------------------------------------------- any answers


def draw_answer(question: Question) -> st.SearchStrategy[Any]:
    match question.type:
        case QuestionType.SEVERAL:
            return st.lists(st.sampled_from(list(question.options)), min_size=1, unique=True)
        case QuestionType.TEXT:
            return st.text("abc ÄŁ中", min_size=1, max_size=20).map(str.strip).filter(bool)
        case QuestionType.CASE_NUMBER:
            return st.from_regex(r"\A[A-Z][A-Z0-9-]{0,9}\Z")
        case QuestionType.DATE_TIME:
            return st.just("2026-03-01T09:30:00Z")
        case _:
            return st.sampled_from(list(question.options))


@st.composite
def answered(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A kind and answers to any of its questions that are asked; those that are needed among them."""
    kind: Kind = draw(st.sampled_from(list(chicago()[1].kinds.values())))
    answers: dict[str, Any] = {}
    words: dict[str, tuple[str, ...]] = {}
    for question in kind.questions:
        if question.is_asked(words) and (question.needed or draw(st.booleans())):
            answers[question.id] = answer = draw(draw_answer(question))
            words[question.id] = tuple(answer) if isinstance(answer, list) else (answer,)
    return kind.id, answers


@cache
def opened_by_paper() -> frozenset[str]:
    """The permits whose text asks for a verified paper."""
    texts = "".join(text for name, text in chicago()[0].files.items() if name.endswith(".cedar"))
    policies = re.findall(r'@id\("([^"]+)"\)(.*?)\n(permit|forbid) (.*?\});', texts, re.DOTALL)
    return frozenset(
        name for name, _, effect, body in policies if effect == "permit" and ".verified &&" in body
    )


def test_there_are_policies_that_only_a_paper_opens() -> None:
    assert len(opened_by_paper()) > 8
    assert opened_by_paper() <= {policy.id for policy in chicago()[0].policies}


SIGNED_IN = st.sampled_from(chicago()[0].roles), st.sampled_from(["CPD", "CHICAGO", "CHICAGO-LAW"])


@given(answered(), *SIGNED_IN)
def test_any_answers_make_a_request_that_both_engines_decide_alike(
    said: tuple[str, dict[str, Any]], role: str, agency: str
) -> None:
    pack = chicago()[0]
    asked = request(read(*said), role=role, agency=agency)
    applied, oracle = pack.decider.apply(asked), pack.evaluator.apply(asked)
    assert (applied.policies, applied.errors) == (oracle.policies, oracle.errors)
    assert applied.errors == ()
    assert pack.requests.find_faults(asked) == ()


@given(answered(), *SIGNED_IN)
def test_no_answers_set_what_only_a_register_or_an_act_says(
    said: tuple[str, dict[str, Any]], role: str, agency: str
) -> None:
    asked = request(read(*said), role=role, agency=agency)
    specs = chicago()[0].requests.specs(asked.resource.type)
    for path, spec in specs.items():
        acted = spec.remedy is not None and path.rpartition(".")[2] not in {"presented", "seen", "sealed"}
        if acted or spec.resolver in {"official-act", "law-department", "fund", "register-of-places"}:
            assert asked.facts[path] == spec.unknown, path
    assert asked.facts["context.process"] is False


@given(answered(), *SIGNED_IN)
def test_no_answers_about_papers_open_anything(
    said: tuple[str, dict[str, Any]], role: str, agency: str
) -> None:
    name, answers = said
    decide = chicago()[0].decide
    without = {question: answer for question, answer in answers.items() if question not in PAPER_QUESTIONS}
    opened = decide(request(read(name, answers), role=role, agency=agency)).outcome in OPEN
    assert not opened or decide(request(read(name, without), role=role, agency=agency)).outcome in OPEN


@given(answered(), *SIGNED_IN)
def test_no_answers_open_by_a_policy_that_asks_for_a_verified_paper(
    said: tuple[str, dict[str, Any]], role: str, agency: str
) -> None:
    decision = chicago()[0].decide(request(read(*said), role=role, agency=agency))
    if decision.outcome in OPEN:
        assert opened_by_paper().isdisjoint(decision.policies)


@given(answered())
def test_a_form_and_json_give_the_same(said: tuple[str, dict[str, Any]]) -> None:
    name, answers = said
    kind = chicago()[1].kinds[name]
    blank = {question.id: [""] for question in kind.questions if not question.takes_several}
    fields = blank | {key: value if isinstance(value, list) else [value] for key, value in answers.items()}
    assert read(name, read_form(kind, fields)) == read(name, json.loads(json.dumps(answers)))


@given(answered())
def test_what_was_given_reads_as_the_same_again(said: tuple[str, dict[str, Any]]) -> None:
    name, answers = said
    asked = read(name, answers)
    kind = chicago()[1].kinds[name]
    again = {
        question.id: list(asked.given[question.id]) if question.takes_several else asked.given[question.id][0]
        for question in kind.questions
        if question.id in asked.given
    }
    assert read(name, again) == asked


def test_a_form_field_with_two_values_is_a_fault_of_its_question() -> None:
    kind = chicago()[1].kinds["detainer"]
    fields = {"of-custody": ["hold", "transfer"]}
    assert faults("detainer", read_form(kind, fields)).by_question.keys() == {"of-custody"}


# ---------------------------------------------------------------- the JSON schema


@pytest.mark.parametrize("name", sorted(chicago()[1].kinds))
def test_a_schema_is_a_schema(name: str) -> None:
    intake = chicago()[1]
    Draft202012Validator.check_schema(make_schema(intake, intake.kinds[name]))


@given(answered(), st.data())
def test_the_schema_takes_what_the_form_takes_and_nothing_else(
    said: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    name, answers = said
    intake = chicago()[1]
    kind = intake.kinds[name]
    schema = Draft202012Validator(make_schema(intake, kind))
    assert list(schema.iter_errors(answers)) == []
    ids = [question.id for question in kind.questions]
    dropped = data.draw(st.sets(st.sampled_from(ids), max_size=2))
    strange = data.draw(st.dictionaries(st.sampled_from([*ids, "zebra"]), JUNK, max_size=1))
    changed = {key: value for key, value in answers.items() if key not in dropped}
    changed |= {key: value for key, value in strange.items() if not isinstance(value, str)}
    taken = isinstance(intake.read(name, changed), Asked)
    assert taken == schema.is_valid(changed)


# ---------------------------------------------------------------- acts


def test_a_verified_paper_opens_what_it_names() -> None:
    asked = read("court-paper", {"of-court": "transfer", "who-asks": "USMS", "papers": ["court_criminal"]})
    decide = chicago()[0].decide
    assert decide(request(asked)).outcome is Outcome.REFER
    assert decide(request(asked, criminal())).outcome is Outcome.PERMIT
    assert decide(request(asked, criminal(scope="out"))).outcome is Outcome.REFER
    assert decide(request(asked, criminal(current=False))).outcome is Outcome.REFER
    assert decide(request(asked, criminal(verified=False))).outcome is Outcome.REFER


def test_of_two_papers_of_a_class_one_is_taken_whole() -> None:
    asked = read("court-paper", {"of-court": "transfer", "papers": ["court_criminal"]})
    acts = (criminal(scope="out"), criminal(verified=False, evidence="paper 2"))
    facts = request(asked, *acts).facts
    assert facts["context.papers.court_criminal.verified"] is True
    assert facts["context.papers.court_criminal.scope"] == "out"
    assert facts["context.process"] is False
    assert request(asked, *reversed(acts)).facts == facts


def test_of_equal_papers_the_latest_act_is_taken() -> None:
    asked = read("court-paper", {"of-court": "transfer", "papers": ["court_criminal"]})
    earlier = criminal(verified=False, scope="unknown", current=False)
    later = criminal(verified=False, scope="out", current=False, evidence="paper 2")
    assert request(asked, earlier, later).facts["context.papers.court_criminal.scope"] == "out"
    assert request(asked, later, earlier).facts["context.papers.court_criminal.scope"] == "unknown"


@pytest.mark.parametrize("kind", ["court-paper", "subpoena"])
def test_a_paper_that_was_served_is_named(kind: str) -> None:
    answers = {"of-court": "transfer"} if kind == "court-paper" else {"of-subpoena": "disclose"}
    assert faults(kind, answers).by_question == {"papers": ("this needs an answer",)}
    assert faults(kind, {**answers, "papers": []}).by_question.keys() == {"papers"}


def test_a_court_paper_that_nobody_can_tell_is_referred_and_not_denied() -> None:
    asked = read("court-paper", {"of-court": "transfer", "who-asks": "ICE-ERO", "papers": ["court_order"]})
    assert chicago()[0].decide(request(asked)).outcome is Outcome.REFER


def test_a_paper_that_forbids_telling_stays_so_whoever_says_it() -> None:
    asked = read(
        "court-paper",
        {"of-court": "disclose", "papers": ["court_criminal"], "papers-forbid": ["court_criminal"]},
    )
    assert request(asked, criminal()).facts["context.papers.court_criminal.sealed"] is True


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (Act("desk", " ", {}), "no evidence"),
        (Act("desk", "1", {"principal.role": "detective"}), "no fact that an act may set"),
        (Act("clock", "1", {"context.now": 3}), "no fact that an act may set"),
        (Act("computed", "1", {"context.process": True}), "no fact that an act may set"),
        (Act("claim", "1", {"context.purpose": "safety"}), "is not for `claim`"),
        (Act("directory", "1", {"context.emergency": True}), "is not for `directory`"),
        (Act("official-act", "1", {"context.emergency": "yes"}), "no word of the order"),
        (Act("register-of-cases", "1", {"context.register.kind": "zebra"}), "no word of the order"),
        (Act("register-of-places", "1", {"resource.public": True}), "no fact that an act may set"),
        (Act("desk", "1", {"context.papers.court_criminal.verified": True}), "a paper|says verified"),
        (
            Act(
                "desk",
                "1",
                {f"context.papers.detainer.{name}": name == "verified" for name in (
                    "presented", "seen", "verified", "current", "sealed"
                )} | {"context.papers.detainer.scope": "in"},
            ),
            "nobody saw",
        ),
    ],
)  # fmt: skip
def test_an_act_that_is_not_its_resolvers_is_refused(act: Act, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        request(read("detainer", TRANSFER), act)


def test_two_acts_that_differ_are_refused() -> None:
    yes, no = (Act("official-act", "1", {"context.emergency": word}) for word in (True, False))
    with pytest.raises(ConfigError, match="two acts differ"):
        request(read("detainer", TRANSFER), yes, no)
    assert request(read("detainer", TRANSFER), yes, yes).facts["context.emergency"] is True


def test_acts_change_nothing_else() -> None:
    facts: dict[str, Fact] = {"context.purpose": "visit"}
    specs = chicago()[0].requests.specs("Custody")
    assert with_acts(facts, (), specs=specs) == facts
    act = Act("official-act", "1", {"context.emergency": True})
    assert with_acts(facts, (act,), specs=specs) == facts | {"context.emergency": True}


@pytest.mark.parametrize("order", ["oregon", "hospital-records"])
def test_an_order_without_an_intake_stands_at_no_desk(order: str) -> None:
    with pytest.raises(ConfigError, match="stands at no desk"):
        load_intake(load_pack(order))
