"""Each check of the doctor on facts that are given: what is ok, what to look at, what is broken."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from doorward.doctor.files import (
    CertificateFacts,
    FileFacts,
    check_believed,
    check_certificates,
    check_secrets,
)
from doorward.doctor.line import Line, State, broken, exit_code, look, ok, unknown
from doorward.doctor.people import LapseFacts, check_agreements, check_approvals, check_cuts, check_lapses
from doorward.doctor.record import SpoolFacts, check_backup, check_spool
from doorward.doctor.server import (
    BoundLogin,
    LoginFacts,
    ServerFacts,
    check_apart,
    check_findings,
    check_logins,
    check_order,
    check_server,
)
from doorward.doctor.versions import LOOKED_AT, NEWEST, check_version
from doorward.grants.cuts import Cut, What
from doorward.grants.lapse import LapseRules
from doorward.grants.people import Agreement, Person

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TODAY = NOW.date()
SPOOL = SpoolFacts(
    writable=True, free_bytes=50 * 1024**3, spool_bytes=2048, bound_bytes=8 * 1024**3, leaves=10, waiting=0,
    oldest=None, last=NOW, torn_bytes=0, gateway_runs=True, publisher_runs=True,
)  # fmt: skip
SERVER = ServerFacts(version=170_011, clock=NOW, now=NOW, system=1, place="this host")


def states(lines: list[Line]) -> list[str]:
    return [line.state.value for line in lines]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([], 0),
        ([ok("a", "b")], 0),
        ([ok("a", "b"), look("a", "b", expected="c", do="d")], 1),
        ([ok("a", "b"), unknown("a", "b")], 1),
        ([unknown("a", "b"), broken("a", "b", expected="c", do="d")], 3),
    ],
)
def test_the_exit_code_is_that_of_the_worst_and_unknown_is_never_ok(lines: list[Line], code: int) -> None:
    assert exit_code(lines) == code


def test_a_line_says_what_was_expected_found_and_what_to_do() -> None:
    said = str(broken("keys", "`log.key` has mode 644", expected="600", do="chmod 600 log.key"))
    assert said == "broken   keys: `log.key` has mode 644 | expected: 600 | do: chmod 600 log.key"


def test_a_name_that_holds_a_line_of_its_own_makes_none() -> None:
    said = str(look("drift", "`a\nok       drift: fine\x1b[2J` reaches", expected="e", do="d"))
    assert "\n" not in said
    assert "\x1b" not in said


@pytest.mark.parametrize(
    ("mode", "secret", "believed"),
    [
        (0o600, "ok", "ok"),
        (0o640, "broken", "ok"),
        (0o604, "broken", "ok"),
        (0o620, "broken", "broken"),
        (None, "unknown", "unknown"),
    ],
)
def test_modes(mode: int | None, secret: str, believed: str) -> None:
    files = [FileFacts("a", mode)]
    assert states(list(check_secrets(files))) == [secret]
    assert states(list(check_believed(files))) == [believed]


def test_a_key_that_is_not_there_is_broken() -> None:
    assert states(list(check_secrets([FileFacts("a", None, is_there=False)]))) == ["broken"]


@pytest.mark.parametrize(
    ("begins", "ends", "state"),
    [
        (-10, 31, "ok"),
        (-10, 30, "look"),
        (-10, 0, "broken"),
        (-10, -1, "broken"),
        (1, 100, "broken"),
        (None, None, "broken"),
    ],
)
def test_certificates(begins: int | None, ends: int | None, state: str) -> None:
    moments = [None if days is None else NOW + timedelta(days=days) for days in (begins, ends)]
    found = list(check_certificates([CertificateFacts("listener", "a.crt", *moments)], now=NOW))
    assert states(found) == [state]


@pytest.mark.parametrize(
    ("number", "today", "state", "said"),
    [
        (150_019, LOOKED_AT, "broken", "PostgreSQL 15.19"),
        (160_015, LOOKED_AT, "ok", "0 days old"),
        (170_010, LOOKED_AT, "look", "PostgreSQL 17.10"),
        (170_012, LOOKED_AT, "ok", "PostgreSQL 17.12"),
        (170_011, LOOKED_AT + timedelta(days=121), "look", "121 days old"),
        (190_001, LOOKED_AT, "look", "newer than this doorward knows"),
        (160_015, date(2028, 11, 10), "look", "nobody mends"),
    ],
)
def test_versions_say_how_old_the_table_is(number: int, today: date, state: str, said: str) -> None:
    (line,) = check_version("database version", number, today=today)
    assert (line.state.value, said in line.found) == (state, True), line


def test_the_table_of_versions_begins_where_the_door_does() -> None:
    from doorward.doctor.versions import MIN_MAJOR
    from doorward.install.stops import MIN_SERVER

    assert MIN_MAJOR * 10_000 == MIN_SERVER
    assert min(NEWEST) == MIN_MAJOR


@pytest.mark.parametrize(
    ("seconds", "state"), [(0, "ok"), (5, "ok"), (-5, "ok"), (6, "look"), (-3600, "look")]
)
def test_clocks(seconds: int, state: str) -> None:
    facts = replace(SERVER, clock=NOW + timedelta(seconds=seconds))
    assert states(list(check_server("database", facts)))[-1] == state


@pytest.mark.parametrize(
    ("system", "place", "production", "state"),
    [
        (1, "10.0.0.9", True, "broken"),
        (2, "10.0.0.9", True, "ok"),
        (2, "this host", True, "look"),
        (2, "this host", False, "ok"),
        (None, "10.0.0.9", True, "unknown"),
    ],
)
def test_the_record_is_apart(system: int | None, place: str, production: bool, state: str) -> None:  # noqa: FBT001  # a case
    record = replace(SERVER, system=system, place=place)
    assert check_apart(SERVER, record, production=production).state == state


def test_the_order_in_force_is_the_one_that_decides() -> None:
    assert check_order(name="a", digest="1" * 64, in_force=("a", "1" * 64)).state is State.OK
    assert check_order(name="a", digest="1" * 64, in_force=("a", "2" * 64)).state is State.BROKEN
    assert check_order(name="a", digest="1" * 64, in_force=None).state is State.BROKEN


def test_many_findings_are_bounded_and_none_is_ok() -> None:
    found = list(check_findings("drift", [str(n) for n in range(500)], fine="fine", expected="e", do="d"))
    assert len(found) == 21
    assert found[-1].found == "and 480 more"
    assert states(list(check_findings("drift", [], fine="fine", expected="e", do="d"))) == ["ok"]


@pytest.mark.parametrize(
    ("facts", "state", "said"),
    [
        (LoginFacts([], [], 3, 1), "ok", "0 in use, 3 free"),
        (LoginFacts([BoundLogin("dw_g_a", NOW + timedelta(hours=11), 1)], [], 0, 1), "ok", "1 in use"),
        (LoginFacts([BoundLogin("dw_g_a", NOW, 1)], [], 0, 1), "look", "ran out"),
        (LoginFacts([BoundLogin("dw_g_a", NOW + timedelta(hours=13), 1)], [], 0, 1), "look", "a grant until"),
        (LoginFacts([BoundLogin("dw_g_a", NOW + timedelta(hours=1), 0)], [], 0, 1), "look", "no session"),
        (LoginFacts([], ["dw_g_a"], 0, 1), "look", "a session and no grant"),
        (LoginFacts([], [], 3, 0), "look", "no gateway runs"),
    ],
)
def test_logins(facts: LoginFacts, state: str, said: str) -> None:
    (line,) = check_logins(facts, now=NOW)
    assert (line.state.value, said in line.found) == (state, True), line


def test_a_spool_that_is_as_it_must_be_is_ok() -> None:
    assert set(states(list(check_spool(SPOOL, now=NOW)))) == {"ok"}


@pytest.mark.parametrize(
    ("changed", "check", "state"),
    [
        ({"writable": False}, "spool", "broken"),
        ({"free_bytes": 1024}, "spool", "look"),
        ({"spool_bytes": 5 * 1024**3}, "spool", "look"),
        ({"gateway_runs": False}, "gateway", "look"),
        ({"publisher_runs": False}, "publisher", "broken"),
        ({"publisher_runs": False, "gateway_runs": False}, "publisher", "look"),
        ({"publisher_runs": False, "gateway_runs": False, "waiting": 2}, "publisher", "broken"),
        ({"leaves": None}, "published", "look"),
        ({"waiting": 3, "oldest": NOW - timedelta(seconds=10)}, "published", "ok"),
        ({"waiting": 3, "oldest": NOW - timedelta(seconds=90)}, "published", "broken"),
        ({"last": NOW + timedelta(hours=1)}, "spool clock", "look"),
        ({"last": None}, "spool clock", "ok"),
        ({"torn_bytes": 7}, "spool end", "look"),
    ],
)
def test_spools(changed: dict[str, object], check: str, state: str) -> None:
    lines = check_spool(replace(SPOOL, **changed), now=NOW)  # type: ignore[arg-type]  # one field of a case
    assert [line.state.value for line in lines if line.check == check] == [state]


@pytest.mark.parametrize(("days", "state"), [(None, "look"), (0, "ok"), (1, "ok"), (3, "look")])
def test_backups(days: int | None, state: str) -> None:
    done = None if days is None else NOW - timedelta(days=days)
    assert check_backup(done, now=NOW).state == state


def person(login: str, attested: str, *, active: bool = True) -> Person:
    return Person(login, "", "detective", "CPD", "area-1", attested_on=attested, active=active)


def test_who_lapses_within_two_weeks_is_named_and_who_left_is_not() -> None:
    rules = LapseRules(unused_days=30, attested_days=90)
    seen = {"used": TODAY, "unused": TODAY - timedelta(days=20), "due": TODAY, "old": TODAY}
    people = (
        person("used", (TODAY - timedelta(days=10)).isoformat()),
        person("unused", (TODAY - timedelta(days=25)).isoformat()),
        person("due", (TODAY - timedelta(days=85)).isoformat()),
        person("old", "2020-01-01"),
        person("left", "2020-01-01", active=False),
    )
    lines = list(check_lapses(LapseFacts(people, rules, seen.get), today=TODAY))
    said = {line.found for line in lines}
    assert said == {
        "`due` lapse within 14 days without an attestation",
        "`old` have lapsed and are not closed",
        "`unused` lapse within 14 days, because nobody uses them",
    }
    assert set(states(lines)) == {"look"}


def test_nobody_lapses_where_logins_do_not() -> None:
    facts = LapseFacts((person("old", ""),), LapseRules(), lambda _login: None)
    assert states(list(check_lapses(facts, today=TODAY))) == ["ok"]


@pytest.mark.parametrize(("days", "state"), [(31, "ok"), (30, "look"), (0, "look"), (-1, "look")])
def test_agreements(days: int, state: str) -> None:
    agreement = Agreement("FBI", "e-1", TODAY + timedelta(days=days))
    assert states(list(check_agreements([agreement], today=TODAY))) == [state]


def test_an_approval_that_does_not_hold_is_broken() -> None:
    assert states(list(check_approvals(["answer 1, signed by `a/b`: why"], kept=1))) == ["broken"]
    assert states(list(check_approvals([], kept=1))) == ["ok"]


@pytest.mark.parametrize(
    ("days", "ends", "state"), [(29, False, "ok"), (31, False, "look"), (31, True, "ok")]
)
def test_cuts_without_an_end(days: int, ends: bool, state: str) -> None:  # noqa: FBT001  # a case
    begins = NOW - timedelta(days=days)
    cut = Cut(What.PERSON, "dana", begins, NOW + timedelta(days=1) if ends else None, "review", ("root",))
    assert states(list(check_cuts([cut], now=NOW))) == [state]
