"""The outcome rule: by table, and against a plain restatement of it."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.policy.decision import Addressee, Outcome, Posture
from doorward.policy.outcome import apply_outcome_rule
from doorward.policy.parse import Policy, parse_policies

STANDING = {"S1": True, "S2": True, "N1": False, "N2": False}
ORDER = tuple(STANDING)


def parse(*annotated: str) -> tuple[Policy, ...]:
    policies, findings = parse_policies({"t.cedar": "\n".join(annotated)}, clauses=STANDING)
    assert findings == ()
    return policies


def write(name: str, kind: str, clauses: str, extra: str = "") -> str:
    effect = "permit" if kind in {"permit", "outside"} else "forbid"
    outcome = f'@outcome("{kind}")' if kind in {"refer", "outside"} else ""
    return f'@id("{name}") @clauses("{clauses}") {outcome} {extra} {effect} (principal, action, resource);'


def rule(policies: Sequence[Policy]) -> Any:
    return apply_outcome_rule(policies, clause_order=ORDER)


@pytest.mark.parametrize(
    ("kinds", "outcome"),
    [
        ((), Outcome.REFER),
        (("permit",), Outcome.PERMIT),
        (("outside",), Outcome.OUTSIDE),
        (("permit", "outside"), Outcome.PERMIT),
        (("refer", "permit", "outside"), Outcome.REFER),
        (("deny", "refer", "permit"), Outcome.DENY),
    ],
)
def test_deny_then_refer_then_permit_then_outside(kinds: tuple[str, ...], outcome: Outcome) -> None:
    assert rule(parse(*(write(f"p-{kind}", kind, "S1") for kind in kinds))).outcome is outcome


def test_nothing_that_applies_refers_to_the_law_department() -> None:
    verdict = rule(())
    assert (verdict.outcome, verdict.posture, verdict.addressee) == (
        Outcome.REFER,
        Posture.HOLD,
        Addressee.LAW,
    )
    assert (verdict.clauses, verdict.obligations, verdict.deciding) == ((), (), ())


def test_a_clause_that_needs_counsel_only_refers() -> None:
    assert rule(parse(write("d", "deny", "N1"))).outcome is Outcome.REFER
    assert rule(parse(write("p", "permit", "N1"))).outcome is Outcome.REFER
    assert rule(parse(write("p", "permit", "N1"))).addressee is Addressee.LAW


def test_one_clause_that_needs_counsel_makes_its_policy_refer() -> None:
    assert rule(parse(write("d", "deny", "S1 N1"))).outcome is Outcome.REFER


def test_a_permit_that_needs_counsel_never_lowers_a_confirmed_one() -> None:
    verdict = rule(parse(write("p", "permit", "N1"), write("q", "permit", "S1")))
    assert (verdict.outcome, [p.id for p in verdict.deciding]) == (Outcome.PERMIT, ["q"])


def test_a_suspended_forbid_refers_with_its_clauses_and_without_its_obligations() -> None:
    verdict = rule(
        parse(
            write("d", "deny", "S1", '@obliges("count")'),
            write("open", "refer", "S2", '@suspends("d") @obliges("calendar") @to("law")'),
        )
    )
    assert verdict.outcome is Outcome.REFER
    assert verdict.clauses == ("S1", "S2")
    assert verdict.obligations == ("calendar",)
    assert [(s.policy, s.by) for s in verdict.suspended] == [("d", ("open",))]


def test_a_suspension_leaves_other_forbids_alone() -> None:
    verdict = rule(
        parse(
            write("d", "deny", "S1"),
            write("e", "deny", "S2"),
            write("open", "refer", "S2", '@suspends("d")'),
        )
    )
    assert (verdict.outcome, [p.id for p in verdict.deciding]) == (Outcome.DENY, ["e"])


def test_posture_and_addressee_are_the_first_present_and_lists_are_unions() -> None:
    verdict = rule(
        parse(
            write("a", "refer", "S2", '@posture("tolerate") @to("supervisor") @obliges("count observe")'),
            write(
                "b", "refer", "S1", '@posture("stand-aside") @to("administrator") @obliges("observe sealed")'
            ),
        )
    )
    assert (verdict.posture, verdict.addressee) == (Posture.STAND_ASIDE, Addressee.ADMINISTRATOR)
    assert verdict.obligations == ("count", "observe", "sealed")
    assert verdict.clauses == ("S1", "S2")


POOL = parse(
    *(
        write(f"{kind}-{clauses.lower()}", kind, clauses)
        for kind, clauses in itertools.product(("deny", "permit", "outside"), ("S1", "N1"))
    ),
    write("refer-s1", "refer", "S1"),
    write("refer-n1", "refer", "N1"),
    write("open-1", "refer", "S2", '@suspends("deny-s1")'),
    write("open-2", "refer", "N2", '@suspends("deny-s1 deny-n1")'),
)


def restate(applying: Sequence[Policy]) -> tuple[str, set[str]]:
    """DESIGN.md's rule in its own words, with sets of ids and nothing else."""
    suspended = {name for p in applying for name in p.suspends}
    forbids = [p for p in applying if p.effect == "forbid"]
    permits = [p for p in applying if p.effect == "permit"]
    stated = {p.id: p.rule.annotations.get("outcome") for p in applying}
    decides = {p.id: all(STANDING[c] for c in p.rule.annotations["clauses"].split()) for p in applying}
    d = {p.id for p in forbids if decides[p.id] and stated[p.id] != "refer" and p.id not in suspended}
    r = {p.id for p in forbids if stated[p.id] == "refer" or not decides[p.id] or p.id in suspended}
    p_set = {p.id for p in permits if decides[p.id]}
    o = {name for name in p_set if stated[name] == "outside"}
    for outcome, deciding in (("deny", d), ("refer", r), ("permit", p_set - o), ("outside", o)):
        if deciding:
            return outcome, deciding
    return "refer", set()


@given(st.sets(st.sampled_from(POOL)))
def test_the_rule_is_its_restatement(chosen: set[Policy]) -> None:
    applying = [policy for policy in POOL if policy in chosen]
    verdict = rule(applying)
    assert (verdict.outcome.value, {p.id for p in verdict.deciding}) == restate(applying)


@given(st.sets(st.sampled_from(POOL)), st.sampled_from(POOL))
def test_adding_a_forbid_never_opens_and_adding_a_permit_never_closes(
    chosen: set[Policy], added: Policy
) -> None:
    before = rule([policy for policy in POOL if policy in chosen]).outcome
    after = rule([policy for policy in POOL if policy in chosen | {added}]).outcome
    opened = {Outcome.PERMIT, Outcome.OUTSIDE}
    if added.effect == "forbid":
        assert before in opened or after not in opened
    else:
        assert before not in opened or after in opened
