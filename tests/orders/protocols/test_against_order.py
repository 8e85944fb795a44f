"""What an end tells is what the order answers: the worked cases of a front desk, walked answer by answer."""

from collections.abc import Callable
from pathlib import Path

import pytest

from doorward.orders.load import Pack
from doorward.orders.protocols.against_order import facts_of
from doorward.orders.protocols.model import Protocols, Showing
from doorward.orders.protocols.read import read_protocols
from doorward.orders.scenarios import CaseResult, make_request, run_cases
from doorward.policy.decision import Decision, Posture
from tests_support.protocols import NOW, showing_of, way_of

PAST = "They want to go past the public part"
DHS = "Homeland Security, ICE, CBP, Immigration Court (I-200, I-205, I-247A, I-862)"
COURT = "A court, such as United States District Court"
CRIMINAL = "18 or 21 U.S.C., or 8 U.S.C. 1324 to 1326"
ASK = "They ask about a person, records or cameras"
# Case of chicago.csv whose City person stands at a front desk: place, answers, the end that they lead to.
CASES = {
    "23": ("library", ("No", PAST, "Yes", COURT, CRIMINAL, "No", "Anything else, or to wait"), "stand-aside"),
    "42": ("library", ("No", "They want a room", "No"), "room-none"),
    "43": ("library", ("No", "They stay in the public part"), "public-stay"),
    "44": ("library", ("No", PAST, "Yes", DHS, "No"), "waiting"),
    "47a": ("school", ("No", "They want to come in", "Yes", DHS, "No"), "waiting"),
    "48": ("senior-center", ("No", PAST, "No, they say that there is danger or a chase", "No"), "waiting"),
    "49": ("library", ("No", ASK, "No, or a letter"), "ask-none"),
    "51": ("lot", ("No", "They gather people, vehicles or equipment here", "No", "Yes"), "ask-leave"),
    "53": ("park", ("No", "They are in the park or on the street, like anybody"), "public-stay"),
    "75": ("library", ("No", PAST, "No", "No"), "waiting"),
    "A8": (
        "school",
        (
            "No",
            "They ask about a student, a parent or records",
            "A paper of Homeland Security or another agency",
        ),
        "ask-agency",
    ),
}


def answered(decision: Decision) -> tuple[object, ...]:
    return (
        decision.outcome,
        decision.posture,
        decision.addressee,
        set(decision.obligations),
        decision.clauses,
    )


def decisions_of(pack: Pack, protocols: Protocols, showing: Showing, *answers: str) -> list[Decision]:
    way = way_of(showing, *answers)
    return [
        pack.decide(make_request(pack, facts, now=NOW)) for facts in facts_of(way, showing, protocols.frame)
    ]


@pytest.fixture(scope="module")
def cases(chicago: Pack, shared: Path) -> dict[str, CaseResult]:
    text = (shared / "scenarios" / "chicago.csv").read_text(encoding="utf-8")
    found = run_cases(chicago, file="chicago.csv", text=text, now=NOW)
    return {result.case.name: result for result in found.decided}


@pytest.mark.shared
@pytest.mark.parametrize("case", CASES)
def test_a_worked_case_ends_where_the_order_answers_it(
    chicago: Pack, protocols: Protocols, cases: dict[str, CaseResult], case: str
) -> None:
    place, answers, end = CASES[case]
    showing, row = showing_of(protocols, place), cases[case]
    way = way_of(showing, *answers)
    assert way.end.id == end
    told = way.end.end
    assert told is not None
    assert row.differences == ()
    assert row.case.texts["outcome"] in told.outcomes
    assert row.case.texts["posture"] in told.postures
    assert set(row.case.texts["to"].split()) <= set(told.to)
    assert set(row.case.texts["obligations"].split()) <= set(told.obliges)
    decided = [answered(one) for one in decisions_of(chicago, protocols, showing, *answers)]
    assert answered(row.decision) in decided


@pytest.mark.shared
def test_a_school_that_has_not_adopted_the_rule_calls_its_own_office(
    edited: Callable[..., Pack], cases: dict[str, CaseResult]
) -> None:
    pack = edited(
        "protocols/school.yaml",
        (
            'adopted:\n  - {tenant: cps, by: sample, on: 2026-01-01, act: "Sample resolution of a school board"}\n',
            "",
        ),
    )
    protocols = read_protocols(pack.files, pack.contacts)
    showing = showing_of(protocols, "school")
    assert (showing.protocol.id, showing.adoption, showing.record.id) == ("own-office", None, "school")
    way = way_of(showing, "No", "Yes")
    assert (way.end.id, way.end.end and way.end.end.record) == ("own-wait", True)
    decided = [answered(one) for one in decisions_of(pack, protocols, showing, "No", "Yes")]
    assert answered(cases["47b"].decision) in decided


def test_every_end_but_public_parts_and_a_verified_warrant_keeps_staff_aside_or_waiting(
    protocols: Protocols,
) -> None:
    for showing in protocols.every_showing():
        for step in showing.protocol.steps.values():
            if step.end is not None and Posture.PERFORM_IN_SCOPE in step.end.postures:
                assert step.id == "escort"
            assert step.end is None or Posture.PERFORM not in step.end.postures


def test_a_warrant_that_the_attorney_has_not_verified_opens_nothing(
    chicago: Pack, protocols: Protocols
) -> None:
    """Whatever a person in charge reads off a paper, only the attorney's word changes what the order answers."""
    showing = showing_of(protocols, "library")
    for scope in ("Yes, both", "No", "I can't tell"):
        for said in ("Anything else, or to wait", "Nobody answers", "They go in without waiting"):
            answers = ("No", PAST, "Yes", COURT, CRIMINAL, scope, said)
            decided = decisions_of(chicago, protocols, showing, *answers)
            assert {d.posture for d in decided} == {Posture.STAND_ASIDE}
            assert {d.outcome.value for d in decided} == {"refer"}
    opened = decisions_of(
        chicago,
        protocols,
        showing,
        *(
            "No",
            PAST,
            "Yes",
            COURT,
            CRIMINAL,
            "Yes, both",
            "It is a verified criminal warrant for this place",
        ),
    )
    assert {d.outcome.value for d in opened} == {"permit"}


def test_a_warrant_signed_by_a_clerk_is_nowhere_told_to_be_none(protocols: Protocols) -> None:
    """Fed. R. Crim. P. 9(b)(1): no question asks who signed."""
    for showing in protocols.every_showing():
        for step in showing.protocol.steps.values():
            assert "sign" not in step.title.text.lower() or "City's sign" in step.title.text
