"""Every fault of intake.toml is named with its line, and the order with it does not check."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from doorward.errors import Finding, PolicyCheckError
from doorward.orders.assemble import assemble_pack
from doorward.orders.check import check_pack
from doorward.orders.intake import INTAKE, check_intake, load_intake
from doorward.orders.load import Pack

Files = dict[str, bytes]
Find = Callable[..., tuple[Finding, ...]]
HEAD = """\
[answers]
"context.requester.agency" = "any"
"context.papers" = "shown"
"Custody.origin" = "any"
"Record.sealed" = [true]
[question.who]
type = "agency"
label = "Who asks?"
sets = ["context.requester.agency"]
[question.what]
type = "choice"
label = "What is asked?"
needed = true
option.hold = { label = "Keep", sets = { action = "hold", resource = "Custody" } }
option.tell = { label = "Tell", sets = { action = "disclose", resource = "Record" } }
[question.origin]
type = "choice"
label = "From where?"
option.arrest = { label = "Arrest", sets = { "resource.origin" = "arrest" } }
[kind.one]
label = "One"
says = "One kind."
offered_to = ["officer"]
asks = ["who", "what", { ask = "origin", when = { what = ["hold"] } }]
"""


@pytest.fixture(name="find")
def find_fixture(pack: Pack) -> Find:
    def find(old: str = "", new: str = "", *, text: str = HEAD) -> tuple[Finding, ...]:
        assert old in text
        return check_intake(replace(pack, files={**pack.files, INTAKE: text.replace(old, new, 1)}))

    return find


def test_a_small_intake_has_no_fault(find: Find) -> None:
    assert find() == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[answers]", "[answer]", "unknown key `answer`"),
        ('label = "Who asks?"', 'lebal = "Who asks?"', "8:1: unknown key `lebal` in `question.who`"),
        ('label = "Who asks?"', 'label = ""', "8:1: `question.who.label` is empty"),
        ('type = "agency"', 'type = "agencies"', "7:1: `agencies` is no type of question"),
        ('"context.requester.agency" = "any"', '"context.requester" = "some"', "says no values"),
        ('"Custody.origin" = "any"', '"Custody.birthplace" = "any"', "4:1: `Custody.birthplace` is no fact"),
        ('"Custody.origin" = "any"', '"Custody.origin" = ["moon"]', "4:1: `Custody.origin` says no values"),
        ('"Custody.origin" = "any"', '"Custody.origin" = ["DHS"]', "may not say this of `resource.origin`"),
        ('"Custody.origin" = "any"', "", "may not say this of `resource.origin`"),
        ('"Custody.origin"', '"principal.role" = "any"\n"Custody.origin"', "the person who is signed in"),
        ('"Custody.origin"', '"context.process" = "any"\n"Custody.origin"', "it is computed"),
        ('"Custody.origin"', '"context.now" = "any"\n"Custody.origin"', "the clock says it"),
        ('"Custody.origin"', '"context.declaration" = "any"\n"Custody.origin"', "a register says it"),
        ('"Custody.origin"', '"Place.adopted" = "any"\n"Custody.origin"', "a register says it"),
        ('"context.papers" = "shown"', '"context.papers" = "any"', "a named person says"),
        (
            '"context.papers" = "shown"',
            '"context.papers.detainer.verified" = [true]',
            "a named person says",
        ),
        ('"resource.origin" = "arrest"', '"resource.zebra" = "arrest"', "19:1: `resource.zebra` is no fact"),
        ('"resource.origin" = "arrest"', '"resource.origin" = "moon"', "19:1: `moon` is no word for"),
        (
            '"resource.origin" = "arrest"',
            '"principal.role" = "officer"',
            "may not say this of `principal.role`",
        ),
        ('"resource.origin" = "arrest"', '"context.process" = true', "may not say this of `context.process`"),
        ('"resource.origin" = "arrest"', '"context.papers.detainer.verified" = true', "may not say this"),
        ('"resource.origin" = "arrest"', '"context.papers.detainer.presented" = false', "may not say this"),
        (
            '"resource.origin" = "arrest"',
            '"resource.sealed" = false',
            "may not say this of `resource.sealed`",
        ),
        ('"resource.origin" = "arrest"', '"resource.sealed" = true', "a Custody has none in `one`"),
        ('"resource.origin" = "arrest"', '"context.purpose" = "@principal.agency"', "is not the agency of"),
        (', sets = { "resource.origin" = "arrest" }', "", "the answer `arrest` sets no fact and leads to no"),
        ('"Arrest", sets', '"Arrest", kept = true, sets', "19:1: `arrest` is kept and sets no fact"),
        (
            '"Arrest", sets',
            '"Arrest", mail = ["arrested"], sets',
            "19:1: words of a message fill in no more than that a paper was shown",
        ),
        ('"Arrest", sets', '"Arrest", mail = "arrested", sets', "mail` must be a list"),
        ('action = "hold"', 'action = "keep"', "14:1: `keep` is no action of the order"),
        ('resource = "Custody"', 'resource = "Custody:1"', "14:1: `Custody:1` is no resource"),
        ('resource = "Record"', 'resource = "Collection:moon"', "15:1: `Collection:moon` is no resource"),
        ('action = "hold", ', "", "gives no request: it has no action after what = hold"),
        ('resource = "Record"', 'resource = "Place"', "gives no request: it asks disclose of a Place"),
        (
            "needed = true",
            "needed = false",
            "gives no request: it has no action and no resource after no answer",
        ),
        ('asks = ["who"', 'asks = ["whom"', "24:1: there is no question `whom`"),
        ('asks = ["who"', 'asks = ["who", "who"', "1 to 25 questions, each once"),
        ('asks = ["who", ', "asks = [", "6:2: no kind asks `who`"),
        ('when = { what = ["hold"] }', 'when = { zebra = ["hold"] }', "depends on `zebra`"),
        ('when = { what = ["hold"] }', 'when = { what = ["hodl"] }', "depends on the answer `hodl`"),
        ('when = { what = ["hold"] }', 'when = { what = "hold" }', "each with a list of its answers"),
        (
            '{ ask = "origin", when = { what = ["hold"] } }',
            '"origin"',
            "sets `resource.origin`, and a Record",
        ),
        (
            '{ ask = "origin", when',
            '{ ask = "origin", needed = "yes", when',
            "`needed` must be true or false",
        ),
        ('{ ask = "origin", when', '{ question = "origin", when', "there is no question"),
        ('offered_to = ["officer"]', 'offered_to = ["sheriff"]', "23:1: `sheriff` is no role"),
        ('says = "One kind."', f'says = "{"x" * 301}"', "`says` than 300"),
        ('label = "Who asks?"', f'label = "{"x" * 121}"', "is longer than 120 characters"),
        ('label = "Who asks?"', 'label = "What is asked?"', "`who` and `what` ask in the same words"),
        ("[kind.one]", "[kind.One]", "20:2: `One` is no id"),
        ("[question.who]", "[question.what]", "this is no TOML"),
        ('sets = ["context.requester.agency"]', 'sets = ["context.purpose"]', "takes no agency of the order"),
        ('sets = ["context.requester.agency"]', 'sets = ["principal.agency"]', "may not say this"),
    ],
)
def test_a_fault_is_named_with_its_place(find: Find, old: str, new: str, said: str) -> None:
    found = [str(finding) for finding in find(old, new)]
    assert found
    assert any(said in line for line in found), found
    assert all(line.startswith("intake.toml:") for line in found)


def test_a_question_that_is_never_asked_is_named(find: Find) -> None:
    more = '[question.late]\ntype = "text"\nlabel = "Why?"\nwhen = { origin = ["arrest"], what = ["tell"] }\n[kind.one]'
    text = HEAD.replace("[kind.one]", more).replace('["hold"] } }]', '["hold"] } }, "late"]')
    assert any("`late` is never asked in `one`" in str(finding) for finding in find(text=text))


def test_two_questions_that_may_differ_on_a_fact_are_named(find: Find) -> None:
    more = '[question.book]\ntype = "choice"\nlabel = "The book says?"\n'
    more += 'option.lent = { label = "Lent", sets = { "resource.origin" = "DHS" } }\n[kind.one]'
    text = HEAD.replace("[kind.one]", more).replace(
        '["hold"] } }]', '["hold"] } }, { ask = "book", when = { what = ["hold"] } }]'
    )
    said = "`origin` and `book` may set `resource.origin` to two values in `one`"
    assert any(said in str(finding) for finding in find(text=text))


def test_two_answers_that_may_both_be_given_and_differ_are_named(find: Find) -> None:
    more = 'option.lent = { label = "Lent", sets = { "resource.origin" = "DHS" } }\n[kind.one]'
    text = HEAD.replace('type = "choice"\nlabel = "From', 'type = "several"\nlabel = "From')
    said = "`arrest` and `lent` may both be given and differ on `resource.origin`"
    assert any(said in str(finding) for finding in find(text=text.replace("[kind.one]", more)))


@pytest.mark.parametrize("label", ["Birthplace?", "What is their immigration status?", "Country of birth"])
def test_no_text_keeps_a_persons_status_or_birthplace(find: Find, label: str) -> None:
    more = f'[question.late]\ntype = "text"\nlabel = "{label}"\n[kind.one]'
    text = HEAD.replace("[kind.one]", more).replace('"what", {', '"what", "late", {')
    assert any("no field of a desk does" in str(finding) for finding in find(text=text))


def test_a_form_with_too_many_courses_is_refused_and_soon(find: Find) -> None:
    questions, asks = "", ""
    for number in range(20):
        when = f"when = {{ q{number - 1} = ['a'] }}\n" if number else ""
        questions += f'[question.q{number}]\ntype = "choice"\nlabel = "Q {number}"\n{when}'
        questions += 'option.a = { label = "A", kept = true }\noption.b = { label = "B", kept = true }\n'
        questions = questions.replace(when, "") if number else questions
        asks += f'"q{number}", '
    questions += '[question.last]\ntype = "text"\nlabel = "Last"\nwhen = { '
    questions += ", ".join(f"q{number} = ['a']" for number in range(20)) + " }\n"
    text = HEAD.replace("[kind.one]", f"{questions}[kind.one]").replace(
        '"what", {', f'"what", {asks}"last", {{'
    )
    assert any("more than 5000 ways" in str(finding) for finding in find(text=text))


def test_order_check_names_the_fault(files: Files, now: datetime) -> None:
    text = files[INTAKE].replace(b'action = "transfer"', b'action = "handover"')
    report = check_pack(files | {INTAKE: text}, cases={}, now=now)
    assert "intake.toml:" in str(report.findings[0])
    assert report.intake is None
    with pytest.raises(PolicyCheckError, match="has a fault"):
        load_intake(assemble_pack(files | {INTAKE: text}))


def test_order_check_lists_the_kinds(pack: Pack, files: Files, now: datetime) -> None:
    report = check_pack(files, cases={}, now=now)
    assert report.intake is not None
    assert report.intake.kinds.keys() == load_intake(pack).kinds.keys()
    assert len(report.intake.kinds) == 21
