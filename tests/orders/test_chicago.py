"""The order of Chicago: the worked cases of every door, and who gets what at the database."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest

from doorward.orders.load import Pack, load_pack
from doorward.orders.scenarios import Cases, run_cases
from doorward.policy.decision import Addressee, Outcome, Posture
from doorward.policy.request import Fact, Request, Resource
from doorward.policy.scopes import Scope, ScopeBook, ScopeTable

ALL_TABLES = {"persons", "incidents", "arrests", "field_contacts", "plate_reads", "cases"}
CONTACT = {"street_address", "phone", "email"}
CUSTODY = {"booking_no", "released_at", "bond_cents"}
PLATES = {"plate", "plate_state", "camera", "latitude", "longitude", "hit"}


@pytest.fixture(scope="module")
def book(pack: Pack) -> ScopeBook:
    return pack.scope_book()


@pytest.fixture(scope="module")
def shared_cases(pack: Pack, shared: Path, now: datetime) -> Cases:
    file = shared / "scenarios" / "chicago.csv"
    return run_cases(pack, file=file.name, text=file.read_text(encoding="utf-8"), now=now)


@pytest.mark.shared
def test_the_worked_cases_hold_exactly(shared_cases: Cases) -> None:
    assert len(shared_cases.decided) == 57
    assert shared_cases.findings == ()
    for result in shared_cases.decided:
        assert [str(difference) for difference in result.differences] == []


@pytest.mark.shared
def test_what_the_worked_cases_do_not_list_is_cited_beside_and_never_against_them(
    shared_cases: Cases, pack: Pack
) -> None:
    beyond = {result.case.name: result.beyond for result in shared_cases.decided if result.beyond}
    assert len(beyond) <= 10
    for result in shared_cases.decided:
        assert set(result.beyond) <= pack.clauses.keys()


def test_the_packs_own_cases_hold_exactly(pack: Pack, now: datetime) -> None:
    cases = run_cases(pack, file="scenarios.csv", text=pack.files["scenarios.csv"], now=now)
    assert len(cases.decided) >= 15
    assert cases.findings == ()
    assert [str(d) for result in cases.decided for d in result.differences] == []
    assert [result.case.name for result in cases.decided if result.beyond] == []


@cache
def chicago() -> Pack:
    return load_pack("chicago")


def request(now: datetime, role: str, agency: str, purpose: str, /, **other: Fact) -> Request:
    """A login of the database door for its own agency; in names, two underscores are the dot of a path."""
    facts: dict[str, Fact] = {
        "principal.role": role,
        "principal.agency": agency,
        "context.requester.agency": agency,
        "context.for_agency": agency,
        "context.purpose": purpose,
        "context.task_force.member": False,
        "context.channel": "database",
        "context.register.kind": "criminal",
    }
    facts |= {f"context.{name.replace('__', '.')}": value for name, value in other.items()}
    return chicago().request(facts, resource=Resource("Collection", "clear"), now=now)


def of(asked: Request, collection: str) -> Request:
    """The same request about another collection."""
    return replace(asked, resource=Resource("Collection", collection))


def of_row(asked: Request, row: Mapping[str, Fact]) -> Request:
    """The same request about a row."""
    return replace(asked, resource=Resource("Record"), facts={**asked.facts, **row})


def detective(now: datetime, **other: Fact) -> Request:
    given: dict[str, Fact] = {"register__standing": "verified", "grant__case_no": "JH123456"}
    return request(now, "detective", "CPD", "criminal-investigation", **(given | other))


def clerk(now: datetime, **other: Fact) -> Request:
    return request(now, "records-clerk", "CPD", "records-service", **other)


def agent(
    now: datetime, agency: str = "FBI", purpose: str = "criminal-investigation", /, **other: Fact
) -> Request:
    given: dict[str, Fact] = {"register__standing": "attested", "grant__case_no": "FBI-2026-0042"}
    return request(now, "outside-agent", agency, purpose, **(given | other))


def scope_of(book: ScopeBook, asked: Request) -> Scope:
    found = book.find(asked)
    assert found is not None
    return found


def columns(scope: Scope) -> dict[str, set[str]]:
    return {table.table.removeprefix("public."): {c.name for c in table.columns} for table in scope.tables}


def table_of(scope: Scope, name: str) -> ScopeTable:
    return next(table for table in scope.tables if table.table == f"public.{name}")


def hidden(scope: Scope, names: Iterable[str]) -> bool:
    return not {name for shown in columns(scope).values() for name in shown} & set(names)


def outcome(pack: Pack, asked: Request) -> tuple[Outcome, tuple[str, ...]]:
    decision = pack.decide(asked)
    assert decision.errors == ()
    return decision.outcome, decision.clauses


def test_a_detective_with_an_own_case_sees_all_but_birthplaces(
    pack: Pack, book: ScopeBook, now: datetime
) -> None:
    assert outcome(pack, detective(now)) == (Outcome.PERMIT, ("B1",))
    scope = scope_of(book, detective(now))
    assert columns(scope).keys() == ALL_TABLES
    assert columns(scope)["persons"] >= CONTACT | {"birth_date"}
    assert all(column.expression is None for table in scope.tables for column in table.columns)
    assert hidden(scope, ["birthplace"])
    persons = table_of(scope, "persons")
    assert persons.closed == (("birthplace", ("C30a1", "T15e")),)
    assert persons.withheld == (
        "persons: rows may be withheld under B3 and B4; birthplace is closed under C30a1 and T15e."
    )


def row(case_no: str, *, sealed: bool = False, juvenile: bool = False) -> dict[str, Fact]:
    return {
        "resource.collection": "clear.persons",
        "resource.kind": "person",
        "resource.holder": "CPD",
        "resource.public_source": False,
        "resource.sealed": sealed,
        "resource.juvenile": juvenile,
        "resource.case_no": case_no,
        "resource.unit": "",
    }


@pytest.mark.parametrize("closed", ["sealed", "juvenile"])
def test_sealed_and_juvenile_rows_are_open_in_the_own_case_only(
    pack: Pack, now: datetime, closed: str
) -> None:
    own, other = row("JH123456", **{closed: True}), row("JH999999", **{closed: True})
    asked = detective(now)
    assert outcome(pack, of_row(asked, own))[0] is Outcome.PERMIT
    assert outcome(pack, of_row(asked, other))[0] is Outcome.DENY
    assert outcome(pack, of_row(asked, row("JH999999")))[0] is Outcome.PERMIT


@pytest.mark.parametrize("closed", ["sealed", "juvenile"])
def test_a_row_without_a_case_is_not_the_own_case_of_a_session_without_one(
    pack: Pack, now: datetime, closed: str
) -> None:
    asked = detective(now, grant__case_no="")
    assert outcome(pack, of_row(asked, row("", **{closed: True})))[0] is Outcome.DENY


def test_an_agents_own_number_opens_no_sealed_row_of_that_number(pack: Pack, now: datetime) -> None:
    sealed = row("FBI-2026-0042", sealed=True)
    assert outcome(pack, of_row(agent(now), sealed)) == (Outcome.DENY, ("B3",))


def test_a_clerk_sees_fewer_columns_and_the_year_of_a_birth(
    pack: Pack, book: ScopeBook, now: datetime
) -> None:
    assert outcome(pack, clerk(now)) == (Outcome.PERMIT, ("B2",))
    assert outcome(pack, clerk(now, for_agency="none")) == (Outcome.PERMIT, ("B2",))
    scope = scope_of(book, clerk(now))
    assert hidden(scope, CONTACT | CUSTODY | PLATES | {"narrative", "birthplace"})
    masks = {c.name: c.expression for table in scope.tables for c in table.columns if c.expression}
    assert masks == {"birth_date": 'extract(year FROM "birth_date")::integer'}
    assert table_of(scope, "persons").predicate == 'NOT "sealed" AND NOT "juvenile"'
    assert "birth_date shows its year only under B2" in str(table_of(scope, "persons").withheld)


def test_a_clerk_who_investigates_is_referred(pack: Pack, now: datetime) -> None:
    asked = request(now, "records-clerk", "CPD", "criminal-investigation")
    assert outcome(pack, asked) == (Outcome.REFER, ())


def test_an_attested_federal_agent_sees_what_the_order_leaves_open(
    pack: Pack, book: ScopeBook, now: datetime
) -> None:
    assert outcome(pack, agent(now)) == (Outcome.PERMIT, ("T15hx",))
    scope = scope_of(book, agent(now))
    assert columns(scope).keys() == ALL_TABLES
    assert hidden(scope, CONTACT | CUSTODY | {"birthplace"})
    assert columns(scope)["incidents"] >= {"narrative"}
    assert table_of(scope, "persons").predicate == 'NOT "sealed" AND NOT "juvenile"'
    closed = dict(table_of(scope, "arrests").closed)
    assert closed["released_at"] == ("T15h6", "T15h7")


def test_without_an_attestation_agreement_an_agent_is_referred_to_law(pack: Pack, now: datetime) -> None:
    decision = pack.decide(agent(now, "ATF", register__standing="unverified"))
    assert (decision.outcome, decision.addressee) == (Outcome.REFER, Addressee.LAW)
    assert decision.clauses == ("T15hx",)


@pytest.mark.parametrize("agency", ["ICE-ERO", "ICE", "CBP", "USBP", "DHS-IA"])
def test_civil_enforcement_is_refused_at_connect(
    pack: Pack, book: ScopeBook, now: datetime, agency: str
) -> None:
    asked = agent(now, agency, "civil-immigration-enforcement", register__standing="unverified")
    decision = pack.decide(asked)
    assert (decision.outcome, decision.posture) == (Outcome.DENY, Posture.DECLINE)
    assert decision.clauses == ("C30b", "T15h4", "T15h5")
    assert decision.obligations == ("count",)
    assert book.find(asked) is None


@pytest.mark.parametrize("agency", ["ICE-ERO", "CBP", "DHS-IA"])
@pytest.mark.parametrize("purpose", ["criminal-investigation", "audit", "missing-person", "records-service"])
def test_an_enforcement_agency_with_another_purpose_is_referred(
    pack: Pack, now: datetime, agency: str, purpose: str
) -> None:
    assert outcome(pack, agent(now, agency, purpose)) == (Outcome.REFER, ("C30b", "T15h5"))


@pytest.mark.parametrize("agency", ["HSI", "DHS", "USCIS"])
def test_a_mixed_agency_is_referred(pack: Pack, now: datetime, agency: str) -> None:
    assert outcome(pack, agent(now, agency)) == (Outcome.REFER, ("T15h5", "T15hx"))
    assert outcome(pack, detective(now, for_agency=agency)) == (Outcome.REFER, ("T15h5", "T15hx"))


@pytest.mark.parametrize("beneficiary", ["ICE-ERO", "ICE", "CBP", "USBP", "DHS-IA"])
@pytest.mark.parametrize(
    "purpose", ["criminal-investigation", "agency-assistance", "audit", "border-security"]
)
def test_the_side_door_is_refused_whoever_opens_it(
    pack: Pack, now: datetime, beneficiary: str, purpose: str
) -> None:
    for asked in (
        detective(now, for_agency=beneficiary, purpose=purpose),
        clerk(now, for_agency=beneficiary, purpose=purpose),
        agent(now, "FBI", purpose, for_agency=beneficiary),
        agent(now, "IL-PD", purpose, for_agency=beneficiary),
        request(now, "application", "CPD", purpose, for_agency=beneficiary),
        request(now, "records-custodian", "CPD", purpose, for_agency=beneficiary, requester__agency="FBI"),
    ):
        decision = pack.decide(asked)
        assert decision.outcome is Outcome.DENY
        assert "C20a0" in decision.clauses


def test_a_beneficiary_that_nobody_stated_is_referred(pack: Pack, now: datetime) -> None:
    city, other = (
        pack.decide(detective(now, for_agency="unknown")),
        pack.decide(agent(now, for_agency="unknown")),
    )
    assert (city.outcome, city.addressee, city.clauses) == (Outcome.REFER, Addressee.SUPERVISOR, ("B5",))
    assert (other.outcome, other.addressee, other.clauses) == (Outcome.REFER, Addressee.LAW, ("B5",))


@pytest.mark.parametrize("said", [(), ("civil_excluded",), ("attested",)])
def test_a_task_force_member_is_referred_until_attested(
    pack: Pack, now: datetime, said: tuple[str, ...]
) -> None:
    flags: dict[str, Fact] = {f"task_force__{name}": True for name in ("member", *said)}
    for asked in (detective(now, **flags), agent(now, **flags)):
        assert outcome(pack, asked) == (Outcome.REFER, ("B6",))


def test_an_attested_task_force_member_is_as_any_other(pack: Pack, now: datetime) -> None:
    flags: dict[str, Fact] = {
        "task_force__member": True, "task_force__civil_excluded": True, "task_force__attested": True
    }  # fmt: skip
    assert outcome(pack, detective(now, **flags))[0] is Outcome.PERMIT
    assert outcome(pack, agent(now, **flags))[0] is Outcome.PERMIT


COURT = ("court_criminal", "court_civil", "court_subpoena", "court_order")


def paper(name: str, **fields: Fact) -> dict[str, Fact]:
    return {f"papers__{name}__{field}": value for field, value in fields.items()}


def everybody(now: datetime, **other: Fact) -> list[Request]:
    civil: dict[str, Fact] = {"purpose": "civil-immigration-enforcement"}
    return [
        detective(now, **other),
        detective(now, **(civil | other)),
        clerk(now, **other),
        agent(now, "FBI", **other),
        agent(now, "ICE-ERO", "civil-immigration-enforcement", **other),
        agent(now, "WI-PD", "civil-immigration-enforcement", **other),
        detective(now, for_agency="ICE-ERO", **other),
    ]


@pytest.mark.parametrize("name", COURT)
def test_a_court_paper_that_is_shown_is_never_denied(pack: Pack, now: datetime, name: str) -> None:
    for asked in everybody(now, **paper(name, presented=True, seen=True)):
        about = [of(asked, name) for name in ("clear", "alpr", "clear.persons.status")]
        for one in (*about, of_row(asked, row("", sealed=True))):
            decision = pack.decide(one)
            assert decision.outcome is Outcome.REFER
            assert "verify-issuer" in decision.obligations


@pytest.mark.parametrize("name", COURT)
def test_court_process_is_referred_with_a_calendar(pack: Pack, now: datetime, name: str) -> None:
    verified = paper(name, presented=True, seen=True, verified=True, scope="in", current=True)
    for asked in everybody(now, **verified):
        decision = pack.decide(asked)
        assert (decision.outcome, decision.addressee) == (Outcome.REFER, Addressee.LAW)
        assert "calendar" in decision.obligations


def test_papers_of_an_agency_open_nothing(pack: Pack, now: datetime) -> None:
    for name in ("administrative", "detainer", "immigration_court"):
        shown = paper(name, presented=True, seen=True, verified=True, scope="in", current=True)
        asked = agent(now, "ICE-ERO", "civil-immigration-enforcement", **shown)
        assert outcome(pack, asked)[0] is Outcome.DENY


def test_status_columns_are_open_to_nobody(pack: Pack, now: datetime) -> None:
    for asked in everybody(now):
        assert pack.decide(of(asked, "clear.persons.status")).outcome is not Outcome.PERMIT


def test_the_unknown_closed_and_foreign_case_have_one_answer(pack: Pack, now: datetime) -> None:
    explained = pack.explain(detective(now, register__standing="unverified", grant__case_no=""))
    decision = explained.decision
    assert (decision.outcome, decision.addressee) == (Outcome.REFER, Addressee.SUPERVISOR)
    assert decision.clauses == ("local-policy",)
    assert explained.remedies == ("the case is open in the register of cases and assigned to this login",)


def test_no_remedy_is_given_to_the_side_door(pack: Pack, now: datetime) -> None:
    explained = pack.explain(detective(now, for_agency="ICE-ERO"))
    assert explained.remedies == ()
    assert explained.decision.public_sentence == pack.sentences.deny


def test_only_four_shapes_are_open_at_the_door_one_of_them_by_break_glass(book: ScopeBook) -> None:
    assert len(book.scopes) == 4
