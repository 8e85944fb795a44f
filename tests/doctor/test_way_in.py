"""The lines of pg_hba.conf and pg_ident.conf: one way in, the gateway's, and whatever else would be a second."""

from dataclasses import replace

import pytest

from doorward.doctor.way_in import Mapping, Rule, WayInFacts, check_way_in

ADMIN, GROUP = "doorward_admin", "+dw_sessions"
ALL = ("all",)


def rule(kind: str, user: str, address: str, method: str, *options: str) -> Rule:
    return Rule(1, kind, ALL, (user,), address, method, options)


OURS = (
    rule("hostssl", ADMIN, "10.0.0.7", "cert", "map=doorward"),
    rule("hostssl", GROUP, "10.0.0.7", "cert", "map=doorward"),
    rule("host", ADMIN, "all", "reject"),
    rule("host", GROUP, "all", "reject"),
    rule("local", ADMIN, "", "reject"),
    rule("local", GROUP, "", "reject"),
)
PASSWORDS = (rule("host", "all", "all", "scram-sha-256"), rule("local", "all", "", "scram-sha-256"))
MAPS = (Mapping("doorward", "gateway", ADMIN), Mapping("doorward", "gateway", GROUP))
GOOD = WayInFacts((*OURS, *PASSWORDS), MAPS)


def found(facts: WayInFacts) -> list[tuple[str, str]]:
    return [(line.state.value, line.found) for line in check_way_in(facts)]


def test_the_printed_lines_at_the_head_are_the_one_way_in() -> None:
    assert found(GOOD) == [("ok", "only map doorward lets sessions in: read, not tried")]


def test_the_lines_for_the_same_host_are_too() -> None:
    local = (
        rule("local", ADMIN, "", "peer", "map=doorward"),
        rule("local", GROUP, "", "peer", "map=doorward"),
        rule("host", ADMIN, "all", "reject"),
        rule("host", GROUP, "all", "reject"),
    )
    assert [state for state, _ in found(WayInFacts((*local, *PASSWORDS), MAPS))] == ["ok"]


@pytest.mark.parametrize(
    "first",
    [
        rule("host", "all", "all", "scram-sha-256"),
        rule("local", "all", "", "trust"),
        rule("hostssl", GROUP, "10.0.0.0", "md5"),
        rule("host", "/^dw_", "all", "password"),
        rule("local", ADMIN, "", "peer"),
        rule("hostssl", GROUP, "all", "cert"),
    ],
)
def test_a_line_before_them_is_a_second_way_in(first: Rule) -> None:
    assert "broken" in {state for state, _ in found(replace(GOOD, rules=(first, *GOOD.rules)))}


@pytest.mark.parametrize(
    "first",
    [
        rule("host", "records_app", "all", "scram-sha-256"),
        rule("local", "postgres", "", "peer"),
        Rule(1, "host", ("replication",), ALL, "all", "scram-sha-256", ()),
    ],
)
def test_a_line_for_another_role_before_them_is_none(first: Rule) -> None:
    assert [state for state, _ in found(replace(GOOD, rules=(first, *GOOD.rules)))] == ["ok"]


def test_a_reject_of_one_database_or_one_address_closes_nothing() -> None:
    for narrow in (
        Rule(1, "host", ("clear",), ("all",), "all", "reject", ()),
        rule("host", "all", "10.0.0.0/8", "reject"),
    ):
        facts = WayInFacts((OURS[0], OURS[1], narrow, *PASSWORDS), MAPS)
        assert "broken" in {state for state, _ in found(facts)}


def test_no_line_for_the_gateway_is_broken() -> None:
    assert {state for state, _ in found(WayInFacts(OURS[2:], MAPS))} == {"broken"}


@pytest.mark.parametrize(
    ("mapping", "state"),
    [
        (Mapping("doorward", "somebody", GROUP), "look"),
        (Mapping("doorward", "/^gate", GROUP), "broken"),
        (Mapping("doorward", "gateway", "postgres"), "look"),
        (Mapping("others", "somebody", "postgres"), "ok"),
    ],
)
def test_a_map_is_for_one_name_and_two_roles(mapping: Mapping, state: str) -> None:
    assert {said for said, _ in found(replace(GOOD, mappings=(*MAPS, mapping)))} == {state}


def test_a_line_that_cannot_be_read_and_a_file_that_was_not_loaded_are_told() -> None:
    facts = replace(GOOD, faults=("line 3 of pg_hba.conf cannot be read",), is_newer=True)
    assert [state for state, _ in found(facts)] == ["look", "look"]
