"""What an approval changes, what it may not, and that the order's promises hold whatever an official answers."""

import pytest

from doorward.errors import ConfigError
from doorward.orders.answered import find_broken_promises, find_change, without_policies
from doorward.orders.load import Pack, load_pack


@pytest.fixture(name="chicago", scope="module")
def chicago_fixture() -> Pack:
    return load_pack("chicago")


@pytest.fixture(name="hospital", scope="module")
def hospital_fixture() -> Pack:
    return load_pack("hospital-records")


def test_a_register_that_did_not_speak_is_answered_by_the_fact_and_takes_nothing_out(chicago: Pack) -> None:
    change = find_change(chicago, ("case-not-verified",))
    assert change.facts == {"context.register.kind": "criminal", "context.register.standing": "verified"}
    assert change.policies == ()
    assert str(change) == "context.register.standing = verified; context.register.kind = criminal"
    assert find_broken_promises(chicago, change.policies) == []


def test_a_policy_without_a_fact_to_cure_is_taken_out(chicago: Pack) -> None:
    change = find_change(chicago, ("beneficiary-unknown-city", "task-force-not-attested"))
    assert change.policies == ("beneficiary-unknown-city",)
    assert set(change.facts) == {"context.task_force.civil_excluded", "context.task_force.attested"}
    rest = without_policies(chicago, change.policies)
    assert {p.id for p in chicago.policies} - {p.id for p in rest.policies} == {"beneficiary-unknown-city"}


@pytest.mark.parametrize("policies", [(), ("no-such-policy",), ("case-not-verified", "no-such-policy")])
def test_an_answer_to_nothing_is_refused(chicago: Pack, policies: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError):
        find_change(chicago, policies)


def test_a_permit_is_nothing_to_answer(chicago: Pack) -> None:
    permit = next(policy.id for policy in chicago.policies if policy.effect == "permit")
    with pytest.raises(ConfigError):
        find_change(chicago, (permit,))


@pytest.mark.parametrize(
    ("policy", "promise"),
    [
        ("disclose-closed-record", "sealed-and-juvenile-records-are-not-given-away"),
        ("disclose-status-record", "status-records-are-not-given-away"),
        ("enter-exigency", "nobody-is-let-in-on-an-agency-paper"),
    ],
)
def test_no_official_answers_away_what_the_order_promises_never_to_open(
    chicago: Pack, policy: str, promise: str
) -> None:
    assert promise in find_broken_promises(chicago, (policy,))


def test_another_order_keeps_its_own_promises(hospital: Pack) -> None:
    assert "therapy-notes-stay" in find_broken_promises(hospital, ("court-paper-and-a-search",))
