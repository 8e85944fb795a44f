"""What registers say of a request, without a desk: properties, hand-made registers, hostile answers."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import PolicyCheckError
from doorward.grants.adoptions import OrderAdoption, find_adoption
from doorward.grants.consulting import Asking, OrderWord, PaperWord, Registers, consult, latest_papers
from doorward.grants.people import Directory, Person
from doorward.grants.places import Place, Words, find_place, read_places
from doorward.grants.records import Record, RecordKind
from doorward.orders.intake import Act, verify_paper
from doorward.orders.intake.acts import with_acts
from doorward.orders.load import load_pack
from doorward.policy.request import FactSpec

ZONE = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 26, 18, 0, tzinfo=UTC)  # a Thursday, noon in the city
WORDS = Words(("library", "school", "office"), ("city", "cps", "cha"))
TEXT = """
[place.branch-1]
name = "Sample branch"
kind = "library"
tenant = "city"
unit = "branch-1"
city_controlled = true
sign_posted = 2026-11-25
[place.branch-1.area.hall]
name = "Hall"
open = ["mon-thu 10:00-20:00", "fri-sat 09:00-17:00"]
[place.branch-1.area.office]
name = "Office"
open = []
"""
NAMES = (
    st.sampled_from(["", "branch-1", "branch-1/hall", "branch-1/office", "x/y", "branch-1/", "/"]) | st.text()
)
AGENCIES = st.sampled_from(["none", "unknown", "FBI", "WI-PD", "CPD", "ICE-ERO", ""]) | st.text(max_size=20)


@cache
def specs(resource: str) -> dict[str, FactSpec]:
    return load_pack("chicago").requests.specs(resource)


def record(
    kind: RecordKind, about: str, *, by: str = "law/finn.example", days: int = 30, **more: str
) -> Record:
    begins = NOW - timedelta(days=1)
    until = begins if kind is RecordKind.REVOCATION else begins + timedelta(days=days)
    pairs = tuple((name.replace("_", "-"), word) for name, word in more.items())
    return Record(kind, about, begins, until, "letter 1", "read", pairs, by)


def person(login: str = "omar.example", *, member: bool = False) -> Person:
    return Person(login, "", "officer", "CPD", "", task_force=member)


def registers(*records: Record, **more: object) -> Registers:
    held = {
        "records": list(records), "directory": Directory({"omar.example": person()}, {}),
        "places": read_places(TEXT, WORDS), "order": OrderWord(own=frozenset({"CPD"})), **more,
    }  # fmt: skip
    return Registers(**held)  # type: ignore[arg-type]  # by name


def asking(resource: str = "Place", **more: object) -> Asking:
    held = {
        "login": "omar.example", "specs": specs(resource), "facts": {}, "named": {}, "happened": NOW.astimezone(ZONE),
        "now": NOW, **more,
    }  # fmt: skip
    return Asking(**held)  # type: ignore[arg-type]  # by name


@given(
    agency=AGENCIES, place=NAMES, case=st.text(max_size=40), identified=st.sampled_from(["none", "claimed"])
)
def test_whatever_a_form_holds_it_sets_no_fact_of_an_agency(
    agency: str, place: str, case: str, identified: str
) -> None:
    facts = {"context.requester.agency": agency, "context.requester.identified": identified}
    named = {"register-of-cases": case, "register-of-places": place}
    everybody = [
        record(RecordKind.AGREEMENT, "FBI"), record(RecordKind.DECLARATION, "none"),
        record(RecordKind.DECLARATION, "unknown"),
    ]  # fmt: skip
    found = consult(asking("Record", facts=facts, named=named), registers(*everybody))
    told = with_acts({}, found.acts, specs=specs("Record"))
    assert told.get("context.declaration") in {None, False}
    assert told.get("context.register.standing") in {None, "unverified"}


@given(agency=AGENCIES, place=NAMES, case=st.text(max_size=40), number=st.text(max_size=12))
def test_dead_registers_set_nothing_and_are_named(agency: str, place: str, case: str, number: str) -> None:
    facts = {"context.requester.agency": agency, "context.requester.identified": "verified"}
    named = {"register-of-cases": case, "register-of-places": place}
    dead = Registers(None, None, None, why={"records": "it is gone"})
    for resource in ("Record", "Place", "Agreement", "Custody", "Form", "Collection"):
        found = consult(asking(resource, facts=facts, named=named, number=number), dead)
        assert (found.acts, found.read, found.sources, found.papers) == ((), (), (), ())
        assert {"directory"} <= {one.register.value for one in found.silent}


@given(place=NAMES, hours=st.integers(0, 24 * 60))
def test_only_a_part_of_the_register_in_its_hours_is_public(place: str, hours: int) -> None:
    moment = (NOW + timedelta(minutes=hours)).astimezone(ZONE)
    found = consult(asking(named={"register-of-places": place}, happened=moment), registers())
    told = with_acts({}, found.acts, specs=specs("Place"))
    is_hall = tuple(part.strip() for part in place.partition("/")) == ("branch-1", "/", "hall")
    is_open = (moment.weekday() < 4 and 10 <= moment.hour < 20) or (
        moment.weekday() in {4, 5} and 9 <= moment.hour < 17
    )
    assert (told.get("resource.public") is True) == (is_hall and is_open)


def test_a_number_of_an_identified_agency_under_an_agreement_is_attested() -> None:
    facts = {"context.requester.agency": "FBI", "context.requester.identified": "verified"}
    one = record(RecordKind.AGREEMENT, "FBI")
    asked = asking("Record", facts=facts, named={"register-of-cases": "26-1"})
    told = with_acts({}, consult(asked, registers(one)).acts, specs=specs("Record"))
    assert (told["context.register.standing"], told["context.register.kind"]) == ("attested", "criminal")
    gone = [one, record(RecordKind.REVOCATION, one.id)]
    assert "context.register.standing" not in with_acts(
        {}, consult(asked, registers(*gone)).acts, specs=specs("Record")
    )
    none = asking("Record", facts=facts)
    assert not [one for one in consult(none, registers(one)).read if one.register == "register-of-cases"]


@pytest.mark.parametrize(("number", "by", "sets"), [
    ("2026-000001", "law/finn.example", True), ("2026-000002", "law/finn.example", False),
    ("2026-000001", "", False), ("2026-000001", "supervisor/walt.example", False),
])  # fmt: skip
def test_a_determination_is_of_its_matter_and_the_law_departments(number: str, by: str, sets: bool) -> None:  # noqa: FBT001  # a row of a table
    one = record(
        RecordKind.DETERMINATION,
        "C30a2",
        by=by,
        matter="2026-000001",
        says="resource.federally_required = true",
    )
    found = consult(asking("Form", number=number), registers(one))
    told = with_acts({}, found.acts, specs=specs("Form"))
    assert told.get("resource.federally_required", False) is sets


@pytest.mark.parametrize("says", [
    "context.emergency = true", "resource.asks_status = false", "principal.role = law-department", "it is fine",
    "context.process = true", "context.papers.court_order.verified = true", "=", "context.purpose = ", "x" * 200,
    "resource.federally_required = yes", "context.now = 0",
])  # fmt: skip
def test_a_determination_of_what_is_not_the_law_departments_sets_nothing(says: str) -> None:
    one = record(RecordKind.DETERMINATION, "C30a2", matter="2026-000001", says=says)
    found = consult(asking("Form", number="2026-000001"), registers(one))
    assert [one.register for one in found.read if one.facts] == ["directory"]
    assert {act.resolver for act in found.acts} == {"directory"}
    assert found.purpose is None


def test_the_latest_word_on_a_paper_counts_and_a_record_taken_back_is_a_word() -> None:
    one = record(
        RecordKind.PAPER,
        "court_criminal",
        matter="2026-000001",
        verified_with="clerk",
        scope="in",
        sealed="no",
    )
    asked = asking(number="2026-000001")
    (word,) = consult(asked, registers(one)).papers
    assert word.act.facts["context.papers.court_criminal.verified"] is True
    back = Record(RecordKind.REVOCATION, one.id, NOW, NOW, "letter 2", "wrong", (), "law/finn.example")
    (word,) = consult(asked, registers(one, back)).papers
    assert (word.at, word.act.facts["context.papers.court_criminal.verified"]) == (NOW, False)
    earlier = verify_paper(
        "context.papers.court_criminal",
        resolver="desk",
        evidence="x",
        verified=True,
        scope="in",
        current=True,
    )
    desk = PaperWord("court_criminal", NOW - timedelta(hours=1), earlier)
    assert latest_papers([desk, word]) == (word.act,)
    assert latest_papers([PaperWord("court_criminal", NOW + timedelta(hours=1), earlier), word]) == (earlier,)
    assert isinstance(word.act, Act)


def test_an_adoption_is_of_its_day_and_a_record_decides_where_there_is_one() -> None:
    by_order = {("cps", "school"): OrderAdoption("board", date(2026, 11, 26), "resolution")}
    day = datetime(2026, 11, 26, tzinfo=ZONE)
    before = find_adoption("cps", "school", [], by_order=by_order, moment=day - timedelta(seconds=1))
    assert before is None
    assert find_adoption("cps", "school", [], by_order=by_order, moment=day) is not None
    one = record(RecordKind.ADOPTION, "cps.school")
    gone = [one, record(RecordKind.REVOCATION, one.id)]
    assert find_adoption("cps", "school", gone, by_order=by_order, moment=NOW) is None
    found = find_adoption("cps", "school", [one], by_order={}, moment=NOW)
    assert found is not None
    assert found.source == one.id
    assert find_adoption("cps", "library", [one], by_order={}, moment=NOW) is None
    stranger = record(RecordKind.ADOPTION, "cps.school", by="supervisor/walt.example")
    assert find_adoption("cps", "school", [stranger], by_order={}, moment=NOW) is None


def test_a_sign_counts_from_the_day_after_it_was_posted() -> None:
    place, area = find_place(read_places(TEXT, WORDS), "branch-1/hall")
    assert place is not None
    assert area is not None
    assert not place.has_sign(datetime(2026, 11, 25, 23, 59, tzinfo=ZONE))
    assert place.has_sign(datetime(2026, 11, 26, 0, 0, tzinfo=ZONE))


@pytest.mark.parametrize(("text", "says"), [
    (TEXT.replace('kind = "library"', 'kind = "castle"'), "no word of the order"),
    (TEXT.replace('tenant = "city"', 'tenant = "moon"'), "no word of the order"),
    (TEXT.replace("sign_posted = 2026-11-25", "sign_posted = 2026-11-25T10:00:00"), "a day such as"),
    (TEXT.replace("open = []", 'open = ["all day"]'), "lists hours"),
    (TEXT.replace("open = []", 'open = ["fri-mon 10:00-11:00"]'), "lists hours"),
    (TEXT.replace("open = []", 'open = ["mon 11:00-10:00"]'), "lists hours"),
    (TEXT.replace("open = []", 'open = ["mon 11:00-29:00"]'), "lists hours"),
    (TEXT.replace("open = []", "public = true"), "unknown key"),
    (TEXT.replace("place.branch-1", "place.Branch_1"), "small letters"),
    (TEXT.replace("city_controlled = true", "city_controlled = 1"), "true or false"),
    (TEXT + "\n[agent]\nname = 'x'", "unknown key"),
    ("[place", "no TOML"),
])  # fmt: skip
def test_a_register_with_a_fault_is_refused_whole(text: str, says: str) -> None:
    with pytest.raises(PolicyCheckError) as caught:
        read_places(text, WORDS)
    assert any(says in one.message for one in caught.value.findings)


@given(st.text(max_size=300))
def test_any_text_is_a_register_or_is_refused(text: str) -> None:
    with suppress(PolicyCheckError):
        assert all(isinstance(place, Place) for place in read_places(text, WORDS).values())


def test_another_wording_of_an_entry_is_another_evidence() -> None:
    one = read_places(TEXT, WORDS)["branch-1"]
    other = read_places(TEXT.replace("10:00", "11:00"), WORDS)["branch-1"]
    assert one.evidence == read_places(TEXT + "\n# a remark\n", WORDS)["branch-1"].evidence
    assert one.evidence != other.evidence
