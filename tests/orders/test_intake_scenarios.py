"""Every worked case with a person at a desk, entered as answers; and why the desk does not take the others."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest

from doorward.orders.intake import Asked, Intake, load_intake
from doorward.orders.load import Pack
from doorward.orders.scenarios import Case, compare, read_cases
from tests_support.desk_cases import NOT_OF_A_TASK_FORCE, OWN_ROWS, ROWS, Row

# Logins at the database: the person who acts is the one who logs in, and no one at a desk is asked.
LOGINS = {
    "6": "the agent searches by the agent's own account",
    "7": "somebody searches by an officer's password",
    "9": "an officer searches for a case of the officer's own",
    "A1": "the agent searches by the agent's own account",
}


@pytest.fixture(scope="module")
def intake(pack: Pack) -> Intake:
    return load_intake(pack)


@pytest.fixture(scope="module")
def cases(shared: Path) -> dict[str, Case]:
    file = shared / "scenarios" / "chicago.csv"
    return {case.name: case for case in read_cases(file.name, file.read_text(encoding="utf-8"))}


@pytest.mark.shared
def test_each_case_is_at_a_desk_or_a_login(cases: Mapping[str, Case]) -> None:
    assert ROWS.keys() | LOGINS.keys() == cases.keys()
    assert ROWS.keys().isdisjoint(LOGINS)
    for name in LOGINS:
        assert "(log-in)" in cases[name].texts["city_person"] or "none" in cases[name].texts["requester"]


def differences(row: Row, case: Case, pack: Pack, intake: Intake, now: datetime) -> list[str]:
    asked = intake.read(row.kind, row.answers)
    assert isinstance(asked, Asked), asked
    request = asked.request(
        pack,
        principal_role=row.role,
        principal_agency=row.agency,
        acts=(NOT_OF_A_TASK_FORCE, *row.acts),
        now=now,
    )
    return [str(found) for found in compare(case, pack.decide(request), request).differences]


@pytest.mark.shared
@pytest.mark.parametrize("name", ROWS)
def test_a_case_entered_at_the_desk_has_its_answer(
    name: str, pack: Pack, intake: Intake, cases: Mapping[str, Case], now: datetime
) -> None:
    assert differences(ROWS[name], cases[name], pack, intake, now) == []


@pytest.mark.parametrize("name", OWN_ROWS)
def test_a_case_of_the_pack_entered_at_the_desk_has_its_answer(
    name: str, pack: Pack, intake: Intake, now: datetime
) -> None:
    own = {case.name: case for case in read_cases("scenarios.csv", pack.files["scenarios.csv"])}
    assert differences(OWN_ROWS[name], own[name], pack, intake, now) == []


def test_each_kind_has_a_case(intake: Intake) -> None:
    assert intake.kinds.keys() == {row.kind for row in (*ROWS.values(), *OWN_ROWS.values())}
