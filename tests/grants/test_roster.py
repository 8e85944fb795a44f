"""A city's list against the people that the door knows: who comes, moves, leaves, and what a list may not be."""

import csv
import io
import json
from datetime import date
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError
from doorward.grants.people import Person
from doorward.grants.roster import Changes, Listed, TaskForce, Words, compare_roster, has_too_many_leavers
from doorward.grants.roster_files import (
    ENTERPRISE,
    LIST_RESPONSE,
    parse_roster_claims,
    parse_roster_csv,
    parse_roster_scim,
)

TODAY = date(2026, 3, 1)
WORDS = Words(
    roles=("detective", "clerk", "outside-agent"),
    parties={"CPD": "city", "FBI": "federal", "ICE-ERO": "federal", "HSI": "federal"},
    agencies_by_ori={"ILCPD0000": ["CPD"], "DCICE0000": ["ICE-ERO", "HSI"]},
    own_party="city",
)
DANA = Person(
    "dana", "a verifier", "detective", "CPD", "area-1", certificate="Dana Card", attested_on="2026-01-01"
)
ERIN = Person("erin", "another", "clerk", "CPD", "records", attested_on="2026-01-01")


def row(login: str = "dana", **changed: Any) -> Listed:
    fields: dict[str, Any] = {
        "line": 2,
        "role": "detective",
        "agency": "CPD",
        "ori": "",
        "unit": "area-1",
    } | changed
    return Listed(login=login, **fields)


def compare(*listed: Listed, known: tuple[Person, ...] = (DANA, ERIN)) -> tuple[Changes, list[str]]:
    changes, faults = compare_roster(known, listed, WORDS, today=TODAY)
    return changes, [str(fault) for fault in faults]


def test_the_same_list_changes_nobody() -> None:
    changes, faults = compare(row(), row("erin", role="clerk", unit="records"))
    assert (changes.people, faults) == ((DANA, ERIN), [])
    assert (changes.joiners, changes.movers, changes.leavers, changes.back) == ((), (), (), ())


def test_somebody_new_has_no_way_in_yet_and_is_attested_today() -> None:
    changes, _ = compare(row(), row("erin", role="clerk", unit="records"), row("finn"))
    (finn,) = changes.joiners
    assert (finn.verifier, finn.certificate, finn.attested_on) == ("", "", "2026-03-01")


def test_who_moves_keeps_how_they_log_in_and_is_attested_anew() -> None:
    changes, _ = compare(row(unit="area-2"), row("erin", role="clerk", unit="records"))
    (moved,) = changes.movers
    assert moved.changed == ("unit",)
    assert (moved.after.verifier, moved.after.certificate) == (DANA.verifier, DANA.certificate)
    assert moved.after.attested_on == "2026-03-01"


@pytest.mark.parametrize(
    "listed", [(row(),), (row(), row("erin", role="clerk", unit="records", active=False))]
)
def test_who_is_not_there_any_more_has_left_and_may_come_back(listed: tuple[Listed, ...]) -> None:
    changes, _ = compare(*listed)
    (erin,) = changes.leavers
    assert (erin.login, erin.active) == ("erin", False)
    again, _ = compare(row(), row("erin", role="clerk", unit="records"), known=changes.people)
    assert [person.login for person in again.back] == ["erin"]


def test_a_list_that_was_cut_off_is_suspected() -> None:
    many = tuple(Person(f"p{number}", "", "clerk", "CPD", "") for number in range(100))
    rows = [row(person.login, role="clerk", unit="") for person in many]
    assert not has_too_many_leavers(compare(*rows[:80], known=many)[0])
    assert has_too_many_leavers(compare(*rows[:79], known=many)[0])
    assert not has_too_many_leavers(compare(row(), known=(DANA, ERIN))[0])
    assert has_too_many_leavers(compare(known=(DANA, ERIN))[0])


def test_a_list_that_is_silent_on_task_forces_changes_no_membership() -> None:
    member = Person("dana", "", "detective", "CPD", "area-1", task_force=True, task_force_attested=True)
    changes, _ = compare(row(), known=(member,))
    assert changes.people[0].task_force
    ended, _ = compare(
        row(task_force=TaskForce(member=False, civil_excluded=False, attested=False)), known=(member,)
    )
    assert ended.movers[0].changed == ("task_force", "task_force_attested")


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (row(agency="NOBODY"), "`NOBODY` is no agency of the order"),
        (row(agency=""), "neither an agency nor an ORI"),
        (row(agency="", ori="XX0000000"), "is the ORI of no agency"),
        (row(agency="", ori="DCICE0000"), "is of ICE-ERO, HSI: say which"),
        (row(ori="DCICE0000"), "is not the ORI of `CPD`"),
        (row(role="chief"), "`chief` is no role"),
        (row(""), "a login is one word"),
        (row("two words"), "a login is one word"),
        (row("x" * 64), "a login is one word"),
        (row(task_force=TaskForce(member=False, attested=True)), "no member of"),
    ],
)
def test_each_fault_is_named_with_its_line(listed: Listed, said: str) -> None:
    _, faults = compare(listed)
    assert len(faults) == 1
    assert faults[0].startswith("line 2: ")
    assert said in faults[0]


def test_a_login_that_stands_there_twice_is_a_fault() -> None:
    assert "stands there twice" in compare(row(), row())[1][0]


def test_an_ori_says_the_agency() -> None:
    changes, faults = compare(row("gus", agency="", ori="ILCPD0000"))
    assert (faults, changes.joiners[0].agency) == ([], "CPD")


class TestCsv:
    def test_columns_are_read_by_their_names(self) -> None:
        people, faults = parse_roster_csv(
            "\ufeffunit,login,ori,role,active,task_force\r\narea-1,dana,ILCPD0000,detective,yes,no\r\n"
        )
        assert faults == []
        assert people == [row(agency="", ori="ILCPD0000", task_force=TaskForce(member=False))]

    @pytest.mark.parametrize(
        "text",
        ["", "login,role\n", "login,role,unit,birthplace\n", "login,role,unit,unit\n", 'login,role,unit\n"a'],
    )
    def test_a_header_that_is_not_as_it_must_be_refuses_the_whole_list(self, text: str) -> None:
        with pytest.raises(ConfigError):
            parse_roster_csv(text)

    @pytest.mark.parametrize(
        "line", ["dana,detective", "dana,detective,area-1,yes,more", "dana,detective,area-1,perhaps"]
    )
    def test_a_line_that_is_not_as_it_must_be_is_named(self, line: str) -> None:
        people, faults = parse_roster_csv(f"login,role,unit,active\n{line}\n")
        assert (people, len(faults)) == ([], 1)
        assert str(faults[0]).startswith("line 2")

    @given(
        st.lists(
            st.tuples(*[st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)] * 3), max_size=5
        )
    )
    def test_what_is_written_as_csv_is_read_as_it_was(self, rows: list[tuple[str, str, str]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows([("login", "role", "unit"), *rows])
        people, faults = parse_roster_csv(text.getvalue())
        assert faults == []
        wanted = [tuple(value.strip() for value in values) for values in rows]
        assert [(person.login, person.role, person.unit) for person in people] == wanted


class TestScim:
    USER: ClassVar[dict[str, Any]] = {
        "userName": "dana", "active": True, "roles": [{"value": "detective"}], "displayName": "is not kept",
        ENTERPRISE: {"department": "area-1", "organization": "CPD", "employeeNumber": "is not kept"},
    }  # fmt: skip

    def test_a_list_response_is_read(self) -> None:
        document = {"schemas": [LIST_RESPONSE], "totalResults": 1, "Resources": [self.USER]}
        people, faults = parse_roster_scim(json.dumps(document))
        assert (people, faults) == ([row(line=1)], [])
        assert parse_roster_scim(json.dumps([self.USER]))[0] == people

    def test_one_page_of_several_is_refused(self) -> None:
        document = {"schemas": [LIST_RESPONSE], "totalResults": 2, "Resources": [self.USER]}
        with pytest.raises(ConfigError, match="export all pages"):
            parse_roster_scim(json.dumps(document))

    @pytest.mark.parametrize("text", ["", "{}", '"x"', "[" * 5000, '{"schemas": 5}'])
    def test_anything_else_is_refused(self, text: str) -> None:
        with pytest.raises(ConfigError):
            parse_roster_scim(text)

    @pytest.mark.parametrize(
        "change",
        [
            {"roles": []},
            {"roles": [{"value": "a"}, {"value": "b"}]},
            {"userName": 5},
            {"active": "yes"},
            {ENTERPRISE: "x"},
        ],
    )
    def test_a_user_that_is_not_as_it_must_be_is_named(self, change: dict[str, Any]) -> None:
        people, faults = parse_roster_scim(json.dumps([self.USER | change]))
        assert (people, len(faults)) == ([], 1)


def test_claim_sets_of_an_identity_provider_are_read() -> None:
    dana = {
        "sub": "8f1",
        "preferred_username": "dana",
        "role": "detective",
        "agency": "CPD",
        "unit": "area-1",
    }
    erin = {"preferred_username": "erin", "roles": ["clerk"], "ori": "ILCPD0000", "department": "records"}
    gone = dana | {"preferred_username": "gone", "active": False, "email": "gone@city.example"}
    people, faults = parse_roster_claims(json.dumps([dana, erin, gone]))
    assert faults == []
    assert people == [
        Listed(1, "dana", "detective", "CPD", "", "area-1"),
        Listed(2, "erin", "clerk", "", "ILCPD0000", "records"),
        Listed(3, "gone", "detective", "CPD", "", "area-1", active=False),
    ]


@pytest.mark.parametrize(
    "changed",
    [
        {"role": None}, {"roles": []}, {"roles": ["a", "b"]}, {"roles": "detective"}, {"unit": 3},
        {"preferred_username": None}, {"active": "yes"}, {"agency": ["CPD"]},
    ],
)  # fmt: skip
def test_a_claim_set_that_is_not_as_it_must_be_is_named(changed: dict[str, Any]) -> None:
    claims = {"preferred_username": "dana", "role": "detective", "agency": "CPD", "unit": "area-1"} | changed
    people, faults = parse_roster_claims(json.dumps([claims]))
    assert (people, len(faults)) == ([], 1)


@pytest.mark.parametrize("text", ["", "{}", "3", "[" * 100_000])
def test_a_text_without_claim_sets_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_roster_claims(text)
