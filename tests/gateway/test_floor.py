"""The floor without a database: what a stated emergency opens in an order, for whom, and until when."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from doorward.gateway.answer import Answer
from doorward.gateway.door import Door, Stated
from doorward.gateway.floor import Floor
from doorward.gateway.logins import AdminConnections, Logins
from doorward.gateway.proof import PASSWORD, Method, Proof
from doorward.grants.cuts import Cut, What
from doorward.grants.ends import Ends
from doorward.grants.lapse import LapseRules, Lapsing, LastSeen
from doorward.grants.people import Agreement, Directory, Person
from doorward.grants.registers import Word
from doorward.grants.review_files import Reviews
from doorward.grants.reviews import EmergencyRules
from doorward.orders.load import Pack, load_pack
from doorward.policy.scopes import ScopeBook

NOW = datetime(2026, 12, 1, 3, 12, tzinfo=UTC)
TODAY = NOW.date()
WORDS = "a child was taken"
DANGER = {"doorward.purpose": "safety", "doorward.for": "CPD", "doorward.emergency": WORDS}
OFFICER = Person("dana.example", "", "officer", "CPD", "area-1", attested_on="2026-11-30")
AGENT = Person("finn.example", "", "outside-agent", "FBI", "", attested_on="2026-11-30")
CRIMINAL = {"doorward.purpose": "criminal-investigation", "doorward.for": "FBI", "doorward.case": "FBI-1"}
RULES = EmergencyRules()
Answers = Callable[..., Answer | None]


def ask_door(
    door: Door, person: Person, options: Mapping[str, str], *, now: datetime, proof: Proof = PASSWORD
) -> Answer:
    """Ask where no register says anything."""
    return door.answer(Stated(person, options, proof), Word(None, now), now=now, session="")


@pytest.fixture(name="packs", scope="module")
def packs_fixture() -> dict[str, Pack]:
    return {name: load_pack(name) for name in ("chicago", "hospital-records")}


@pytest.fixture(name="books", scope="module")
def books_fixture(packs: dict[str, Pack]) -> dict[str, ScopeBook]:
    return {name: pack.scope_book() for name, pack in packs.items()}


@pytest.fixture(name="make")
def make_fixture(
    packs: dict[str, Pack], books: dict[str, ScopeBook], tmp_path: Path
) -> Callable[..., tuple[Door, Floor, Reviews]]:
    def make(
        order: str = "chicago", database: str = "clear", rules: EmergencyRules = RULES,
        *, agreements: dict[str, Agreement] | None = None,
    ) -> tuple[Door, Floor, Reviews]:  # fmt: skip
        pack = packs[order]
        door = Door(
            pack=pack, book=books[order], directory=Directory({}, agreements or {}),
            register=None,  # type: ignore[arg-type]  # the floor asks none
            logins=Logins(
                AdminConnections(lambda: pytest.fail("no database here")), order_digest="", random=bytes
            ),
            database=database, lapsing=Lapsing(LapseRules(90, 90), LastSeen(tmp_path / "seen.json")),
        )  # fmt: skip
        reviews = Reviews(tmp_path / "reviews.json", list)
        return door, Floor(door, rules, reviews), reviews

    return make


@pytest.fixture(name="ask")
def ask_fixture(make: Callable[..., tuple[Door, Floor, Reviews]]) -> Answers:
    _, floor, _ = make()

    def ask(
        person: Person = OFFICER, *, proof: Proof = PASSWORD, now: datetime = NOW, **changed: str
    ) -> Answer | None:
        options = DANGER | {f"doorward.{name.rstrip('_')}": value for name, value in changed.items()}
        return floor.answer(person, options, now=now, session=f"{now.timestamp():032.0f}", proof=proof)

    return ask


def test_an_officers_own_word_opens_for_an_hour_with_the_register_away(ask: Answers) -> None:
    found = ask()
    assert found is not None
    assert found.binding is not None
    assert (found.refusal, found.emergency, found.is_protected) == (None, WORDS, True)
    assert found.decision is not None
    assert found.decision.obligations == ("review-within-a-day",)
    assert (found.binding.end.at - NOW, found.binding.end.why) == (timedelta(hours=1), Ends.EMERGENCY)


@pytest.mark.parametrize(
    "changed",
    [
        {"purpose": "civil-immigration-enforcement"}, {"for_": "ICE-ERO"}, {"for_": "HSI"}, {"for_": "unknown"},
        {"purpose": "criminal-investigation", "case": "JH123456"}, {"emergency": ""},
    ],
)  # fmt: skip
def test_whatever_the_order_does_not_give_in_danger_is_asked_as_without(
    ask: Answers, changed: dict[str, str]
) -> None:
    assert ask(**changed) is None


@pytest.mark.parametrize(
    "person",
    [
        AGENT, replace(OFFICER, agency="ICE-ERO"), replace(OFFICER, agency="no such agency"),
        replace(OFFICER, role="records-clerk"), replace(OFFICER, task_force=True),
    ],
)  # fmt: skip
def test_nobody_else_sets_it(ask: Answers, person: Person) -> None:
    assert ask(person) is None


def test_ordinary_work_is_no_emergency(make: Callable[..., tuple[Door, Floor, Reviews]]) -> None:
    _, floor, reviews = make()
    clerk = replace(OFFICER, role="records-clerk")
    options = DANGER | {"doorward.purpose": "records-service"}
    assert floor.answer(clerk, options, now=NOW, session="0" * 32) is None
    assert reviews.known() == []


def test_it_owes_a_review_from_the_decision_on(make: Callable[..., tuple[Door, Floor, Reviews]]) -> None:
    _, floor, reviews = make()
    assert floor.answer(OFFICER, DANGER, now=NOW, session="7d" * 16) is not None
    (owed,) = reviews.known()
    assert (owed.session, owed.login, owed.stated, owed.office) == (
        "7d" * 16,
        "dana.example",
        WORDS,
        "supervisor",
    )
    assert owed.due == NOW + timedelta(days=1)


def test_another_order_has_a_floor_of_its_own(make: Callable[..., tuple[Door, Floor, Reviews]]) -> None:
    pack = load_pack("hospital-records")
    assert pack.model is not None
    _, floor, _ = make("hospital-records", pack.model.database)
    agency = next(name for name, one in pack.agencies.items() if one.party == pack.own_party)
    physician = Person("kim.example", "", "physician", agency, "ward-3", attested_on="2026-11-30")
    options = {
        "doorward.purpose": "emergency-care",
        "doorward.for": agency,
        "doorward.emergency": "patient in shock now",
    }
    found = floor.answer(physician, options, now=NOW, session="0" * 32)
    assert found is not None
    assert found.refusal is None
    del options["doorward.emergency"]
    assert floor.answer(physician, options, now=NOW, session="0" * 32) is None


def test_one_person_begins_so_many_a_day_and_the_colleague_has_their_own(
    make: Callable[..., tuple[Door, Floor, Reviews]],
) -> None:
    _, floor, _ = make(rules=EmergencyRules(0.5, 2))
    answers = [floor.answer(OFFICER, DANGER, now=NOW, session=f"{n:032x}") for n in range(3)]
    reasons = [one.refusal.reason if one is not None and one.refusal is not None else "" for one in answers]
    assert reasons == ["", "", "too many emergency sessions"]
    colleague = replace(OFFICER, login="erin.example")
    other = floor.answer(colleague, DANGER, now=NOW, session="f" * 32)
    assert other is not None
    assert other.refusal is None
    tomorrow = floor.answer(OFFICER, DANGER, now=NOW + timedelta(days=1), session="e" * 32)
    assert tomorrow is not None
    assert tomorrow.refusal is None


def test_a_desk_that_forgot_to_attest_keeps_nobody_out_and_a_login_that_nobody_uses_is_closed(
    make: Callable[..., tuple[Door, Floor, Reviews]], tmp_path: Path
) -> None:
    (tmp_path / "seen.json").write_text('{"dana.example": "2026-11-30"}', encoding="utf-8")
    door, floor, _ = make()
    forgotten = replace(OFFICER, attested_on="2026-01-01")
    assert ask_door(door, forgotten, DANGER, now=NOW).refusal is not None
    found = floor.answer(forgotten, DANGER, now=NOW, session="0" * 32)
    assert found is not None
    assert found.refusal is None
    unused = floor.answer(replace(forgotten, login="long.gone"), DANGER, now=NOW, session="1" * 32)
    assert unused is not None
    assert unused.refusal is not None
    assert unused.refusal.reason == "lapsed: unused"


def test_cuts_that_cannot_be_read_any_more_count_as_they_were(
    make: Callable[..., tuple[Door, Floor, Reviews]],
) -> None:
    door, floor, _ = make()
    door.cuts = None
    found = floor.answer(OFFICER, DANGER, now=NOW, session="0" * 32)
    assert found is not None
    assert found.refusal is None
    door.last_cuts = (Cut(What.PERSON, "dana.example", NOW, None, "stolen", ("anna",)),)
    cut = floor.answer(OFFICER, DANGER, now=NOW, session="1" * 32)
    assert cut is not None
    assert cut.refusal is not None
    assert cut.refusal.reason == "cut"


SOON = NOW + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("agreement", "attested", "proof", "why"),
    [
        (date(2027, 12, 31), "2026-11-30", PASSWORD, Ends.HOURS),
        (TODAY, "2026-11-30", PASSWORD, Ends.HOURS),  # midnight is later than twelve hours from here
        (date(2027, 12, 31), "2026-11-30", Proof(Method.CERTIFICATE, until=SOON), Ends.CERTIFICATE),
        (date(2027, 12, 31), "2026-11-30", Proof(Method.TOKEN, until=SOON), Ends.TOKEN),
    ],
)
def test_an_ordinary_session_ends_with_what_it_rests_on(
    make: Callable[..., tuple[Door, Floor, Reviews]], agreement: date, attested: str, proof: Proof, why: Ends
) -> None:
    door, _, _ = make(agreements={"FBI": Agreement("FBI", "agreement-1", agreement)})
    found = ask_door(door, replace(AGENT, attested_on=attested), CRIMINAL, now=NOW, proof=proof)
    assert found.binding is not None
    assert found.binding.end.why is why
    assert found.agreement is not None


@pytest.mark.parametrize(
    ("agreement", "attested", "why"),
    [
        (TODAY, "2026-11-30", Ends.AGREEMENT),
        (date(2027, 12, 31), str(TODAY - timedelta(days=90)), Ends.ATTESTATION),
    ],
)
def test_an_evening_session_ends_at_midnight_with_its_agreement_or_attestation(
    make: Callable[..., tuple[Door, Floor, Reviews]], agreement: date, attested: str, why: Ends
) -> None:
    evening = NOW.replace(hour=20)
    door, _, _ = make(agreements={"FBI": Agreement("FBI", "agreement-1", agreement)})
    found = ask_door(door, replace(AGENT, attested_on=attested), CRIMINAL, now=evening)
    assert found.binding is not None
    assert (found.binding.end.at, found.binding.end.why) == (datetime(2026, 12, 2, tzinfo=UTC), why)


def test_an_emergency_ends_with_the_certificate_that_opened_it(ask: Answers) -> None:
    found = ask(proof=Proof(Method.CERTIFICATE, until=SOON))
    assert found is not None
    assert found.binding is not None
    assert (found.binding.end.at, found.binding.end.why) == (SOON, Ends.CERTIFICATE)
