"""Which letter answers each of the order's own cases: decided, and compared with what counsel would expect."""

from datetime import UTC, datetime

import pytest

from doorward.desk.letters.answer import Letter, NoLetter, find_letter
from doorward.orders.letter_book import Act, Facts, LetterBook
from doorward.orders.pack import Pack
from doorward.orders.scenarios import CaseResult, run_cases
from doorward.policy.decision import Outcome, Posture

NOW = datetime(2026, 12, 1, tzinfo=UTC)
PAPERS = (
    "court_criminal", "court_civil", "court_subpoena", "court_order", "agency_subpoena", "administrative",
    "detainer", "immigration_court",
)  # fmt: skip
# By hand, from the texts of the cases; a dash is no letter.
EXPECTED = {
    "h1": "declined-paper",
    "h2": "declined-paper",
    "h4": "declined",
    "h5": "produced",
    "h6": "declined-paper",
    "h7": "referred",
    "h9": "declined",
    "h11": "declined-paper",
    "h13": "referred",
    "h14": "referred",
    "h17": "allowed",
    "h18": "-",
    "h19": "-",
    "r1": "declined-paper",
    "r2": "declined-records",
    "r3": "declined-records",
    "r5": "declined-records",
    "r9": "referred",
    "r10": "referred",
    "r11": "referred",
    "r12": "referred",
    "r14": "referred",
    "r21": "produced",
    "r23": "produced",
    "r26": "allowed",
    "r27": "-",
    "r28": "-",
    "r29": "-",
    "a1": "declined-agreement",
    "a2": "declined-agreement",
    "a3": "referred",
    "a8": "-",
    "a9": "-",
    "f3": "declined-records",
    "f7": "referred",
    "f10": "referred",
    "p1": "declined",
    "p9": "produced",
    "p16": "declined",
    "p20": "-",
    "t1": "declined",
    "t3": "referred",
    "t6": "allowed",
    "i2": "referred",
    "i4": "-",
    "v5": "certification-received",
    "v7": "certification-received",
    "v8": "declined",
    "v10": "referred",
}


@pytest.fixture(scope="module")
def cases(pack: Pack) -> dict[str, CaseResult]:
    found = run_cases(pack, file="scenarios.csv", text=pack.files["scenarios.csv"], now=NOW)
    return {result.case.name: result for result in found.decided}


def facts_of(result: CaseResult, book: LetterBook) -> Facts:
    request = result.request
    papers = frozenset(
        name for name in PAPERS if request.facts.get(f"context.papers.{name}.presented") is True
    )
    kind = book.find_kind(request.action, papers)
    assert kind is not None
    return Facts(kind.name, result.decision.outcome, result.decision.posture)


def test_each_case_of_the_order_has_a_letter_or_a_reason_for_none(
    cases: dict[str, CaseResult], pack: Pack, book: LetterBook
) -> None:
    assert len(cases) > 150
    for result in cases.values():
        found = find_letter(pack, book, facts_of(result, book))
        assert isinstance(found, Letter) or found.why


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_case_is_answered_with_the_letter_that_counsel_expects(
    name: str, cases: dict[str, CaseResult], pack: Pack, book: LetterBook
) -> None:
    found = find_letter(pack, book, facts_of(cases[name], book))
    assert (found.form.name if isinstance(found, Letter) else "-") == EXPECTED[name]


def test_an_act_that_the_kind_does_not_know_and_an_unknown_kind_have_no_letter(
    pack: Pack, book: LetterBook
) -> None:
    for facts in (
        Facts("detainer", Outcome.DENY, Posture.DECLINE, Act.GIVEN),
        Facts("parking", Outcome.DENY, Posture.DECLINE),
    ):
        assert isinstance(find_letter(pack, book, facts), NoLetter)
