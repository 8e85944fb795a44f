"""Cases on paper: what a phrase sets, what is skipped, what is never passed over."""

from collections.abc import Callable
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import PolicyCheckError
from doorward.orders.load import Pack
from doorward.orders.scenarios import COLUMNS, Cases, read_cases, read_phrases, run_cases
from doorward.orders.toml import Toml

Run = Callable[..., Cases]
GOOD = {
    "id": "x", "requester": "none (own case)", "city_person": "CPD detective", "for_agency": "CPD",
    "purpose": "burglary, own open case", "paper": "none", "what": "name search", "where": "database",
    "outcome": "permit", "posture": "perform-in-scope", "to": "", "obligations": "", "clauses": "B1", "question": "",
}  # fmt: skip


@pytest.fixture(name="run")
def run_fixture(pack: Pack, now: datetime) -> Run:
    def run(**changed: str) -> Cases:
        row = ",".join(f'"{value}"' for value in (GOOD | changed).values())
        return run_cases(pack, file="c.csv", text=f"{','.join(COLUMNS)}\n{row}\n", now=now)

    return run


def test_a_case_that_holds_has_no_difference(run: Run) -> None:
    (result,) = run().decided
    assert (result.differences, result.beyond) == ((), ())


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("outcome", "deny", "expected outcome deny, got permit"),
        ("posture", "hold", "expected posture hold, got perform-in-scope"),
        ("to", "law", "expected to law, got none"),
        ("obligations", "count calendar", "expected obligations count calendar, got none"),
        ("clauses", "B1 B9", "expected clauses B1 B9, got B1"),
    ],
)
def test_a_difference_is_named_with_its_line(run: Run, column: str, value: str, said: str) -> None:
    (result,) = run(**{column: value}).decided
    assert [str(difference) for difference in result.differences] == [f"c.csv:2:1: case x: {said}"]


def test_a_clause_that_the_case_does_not_list_is_reported_and_no_difference(run: Run) -> None:
    (result,) = run(clauses="").decided
    assert (result.differences, result.beyond) == ((), ("B1",))


@pytest.mark.parametrize(
    ("column", "value"),
    [("for_agency", "zebra"), ("what", "zebra"), ("where", "zebra"), ("paper", "zebra warrant")],
)
def test_a_phrase_that_nobody_knows_is_a_fault_and_not_passed_over(run: Run, column: str, value: str) -> None:
    cases = run(**{column: value})
    assert cases.decided == ()
    (finding,) = cases.findings
    assert str(finding).startswith("c.csv:2:1: case x: ")


@pytest.mark.parametrize("column", ["purpose", "requester", "city_person"])
def test_a_purpose_or_a_person_that_nobody_knows_opens_nothing(run: Run, column: str) -> None:
    (result,) = run(**{column: "zebra"}).decided
    assert result.decision.outcome.value == "refer"


@pytest.mark.parametrize(
    ("paper", "outcome"),
    [
        ("court criminal AO 442, verified, in scope", "refer"),
        ("court criminal AO 442, not verified", "refer"),
        ("court order of a district court, verified", "refer"),
        ("agency subpoena I-138", "refer"),
        ("administrative I-200", "deny"),
        ("detainer I-247A", "deny"),
        ("none", "deny"),
    ],
)
def test_papers_are_read(run: Run, paper: str, outcome: str) -> None:
    asked = {"requester": "ICE ERO officer", "city_person": "records custodian", "for_agency": "ICE-ERO"}
    (result,) = run(**asked, purpose="civil removal", paper=paper).decided
    assert result.decision.outcome.value == outcome


@pytest.mark.parametrize(
    "text", ["", "id,what\n1,2\n", ",".join(COLUMNS) + "\n1,2\n", ",".join(COLUMNS) + '\n"1\n']
)
def test_what_is_no_list_of_cases_is_refused(text: str) -> None:
    with pytest.raises(PolicyCheckError):
        read_cases("c.csv", text)


@given(st.text(max_size=300))
def test_any_text_is_cases_or_refused(text: str) -> None:
    try:
        assert isinstance(read_cases("c.csv", ",".join(COLUMNS) + "\n" + text), list)
    except PolicyCheckError:
        return


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[rule]]\ncolumn = 'nose'\nmatch = 'x'\nsets = {}", "a rule needs"),
        ("[[rule]]\ncolumn = 'what'\nmatch = '('\nsets = {}", "is no pattern"),
        ("[[rule]]\ncolumn = 'what'\nmatch = 'x'", "a rule needs"),
        ("[[rules]]\n", "unknown key `rules`"),
        ("rule = 3", "`rule` must be a list"),
    ],
)
def test_a_faulty_phrase_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(PolicyCheckError) as caught:
        read_phrases(Toml("scenarios.toml", text))
    assert said in str(caught.value)
    assert str(caught.value).startswith("scenarios.toml:1:")
