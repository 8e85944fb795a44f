"""The registers as resolvers of the desk: what a form cannot say they say, and a dead one says nothing."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from doorward.grants.records import MORE, Record, RecordKind, format_record
from doorward.notes.note import Signer, format_verifier, sign_note
from doorward.orders.intake import Asked, read_form
from doorward.record.entry import Entry, Field
from tests_support.desk_forms import file, matter_at

pytestmark = pytest.mark.pg
Recording = Callable[[], list[Entry]]
PLACES = """
[place.branch-1]
name = "Sample branch library"
kind = "library"
tenant = "city"
unit = "branch-1"
city_controlled = true

[place.branch-1.area.reading-room]
name = "Reading room"
open = ["always"]

[place.branch-1.area.staff-office]
name = "Staff office"
open = []

[place.school-9]
name = "Sample school"
kind = "school"
tenant = "cps"
unit = "school-9"
city_controlled = false

[place.school-9.area.corridor]
name = "Corridor"
open = []

[place.office-3]
name = "Sample housing office"
kind = "office"
tenant = "cha"
unit = "office-3"
city_controlled = false

[place.office-3.area.back-room]
name = "Back room"
open = []
"""
ENTRY = {"of-entry": "enter", "who-asks": "ICE-ERO", "how-known": "claimed", "for-whom": "ICE-ERO",
         "purpose": "civil-immigration-enforcement", "papers": ["administrative"]}  # fmt: skip
RECORDS_REQUEST = {"who-asks": "FBI", "how-known": "claimed", "for-whom": "FBI",
                   "purpose": "criminal-investigation", "holding": "police", "about": "other", "sealed": "no",
                   "juvenile": "no", "on-public-site": "no", "case": "JH123456"}  # fmt: skip


@pytest.fixture
def signer(desk: Any) -> Iterator[Signer]:
    made = Signer.make("law/finn.example", b"r" * 32)
    (desk.folder / "officials.keys").write_text(format_verifier(made.verifier) + "\n", encoding="utf-8")
    files = [desk.folder / name for name in ("records.json", "places.toml", "people.json", "agencies.json")]
    for one in files:
        one.unlink(missing_ok=True)
    _forget()
    yield made
    for one in files:
        one.unlink(missing_ok=True)
    _forget()


def _forget() -> None:
    from doorward.desk import registers_read

    registers_read._directory.cache_clear()
    registers_read._places.cache_clear()


@pytest.fixture
def clerk(desk: Any) -> Any:
    return _account(desk, "reading.clerk.example", "FILES", order_role="records-custodian")


@pytest.fixture
def librarian(desk: Any) -> Any:
    return _account(desk, "reading.librarian.example", "STAFF", order_role="librarian", agency="CHICAGO")


@pytest.fixture
def counsel(desk: Any) -> Any:
    return _account(desk, "reading.law.example", "LAW", order_role="law-department", agency="CHICAGO-LAW")


def _account(desk: Any, login: str, role: str, **more: str) -> Any:
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    held = Role.CUSTODIAN if role == "FILES" else Role[role]
    return Account.objects.filter(login=login).first() or desk.account(login, held, unit="reading", **more)


def put(desk: Any, signer: Signer, kind: RecordKind, about: str, *, days: int = 300, **more: str) -> Record:
    begins = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)  # noqa: TID251  # it is in force now
    until = begins if kind is RecordKind.REVOCATION else begins + timedelta(days=days)
    pairs = tuple((name, more[name.replace("-", "_")]) for name in MORE[kind])
    record = Record(kind, about, begins, until, "resolution 26-117", "read by counsel", pairs)
    held = desk.folder / "records.json"
    notes = json.loads(held.read_text()) if held.exists() else []
    held.write_text(json.dumps([*notes, sign_note(format_record(record), signer).decode()]))
    return record


def reading(matter: Any) -> Any:
    from doorward.desk.resting import last_reading

    found = last_reading(matter)
    assert found is not None
    return found


def write_places(desk: Any, text: str = PLACES) -> None:
    (desk.folder / "places.toml").write_text(text, encoding="utf-8")


def test_without_a_register_of_places_an_entry_is_referred_and_the_page_says_why(
    desk: Any, signer: Signer, librarian: Any, recording: Recording
) -> None:
    assert signer.name
    assert recording() is not None
    matter = matter_at(file(desk, librarian, "entry", {**ENTRY, "place": "branch-1/staff-office"}))
    assert matter.outcome == "refer"
    page = desk.client(librarian).get(f"/matters/{matter.pk}/").content.decode()
    assert "there is no register of places" in page
    assert "Once it is known, the answer could be" in page
    assert "deny" in reading(matter).may


def test_a_place_of_the_register_is_decided_by_what_it_says_and_not_by_who_asks(
    desk: Any, signer: Signer, librarian: Any, recording: Recording
) -> None:
    assert signer.name
    write_places(desk)
    matter = matter_at(file(desk, librarian, "entry", {**ENTRY, "place": "branch-1/staff-office"}))
    assert (matter.outcome, matter.posture) == ("deny", "stand-aside")
    assert matter.facts["resource.tenant"] == "city"
    found = reading(matter)
    assert found.place.startswith("place branch-1 ")
    assert {one["register"] for one in found.silent} == {"directory"}  # there is no people.json
    public = matter_at(file(desk, librarian, "entry", {**ENTRY, "place": "branch-1/reading-room"}))
    assert public.facts["resource.public"] is True
    assert recording()[-1].get(Field.EVIDENCE) is None  # a place's entry names a place


@pytest.mark.parametrize("said", ["branch-2", "branch-1/cellar", "Branch-1/../x", "'; --", "branch-1"])
def test_a_part_that_the_register_has_not_is_never_public(
    desk: Any, signer: Signer, librarian: Any, recording: Recording, said: str
) -> None:
    assert signer.name
    assert recording() is not None
    write_places(desk)
    matter = matter_at(file(desk, librarian, "entry", {**ENTRY, "place": said}))
    assert matter.facts["resource.public"] is False


@pytest.mark.parametrize(
    "broken", ["[place.x]\nkind = 1", "not toml [", "[place.x]\nopen = true", "\xff" * 3]
)
def test_a_register_with_a_fault_says_nothing_at_all(
    desk: Any, signer: Signer, librarian: Any, recording: Recording, broken: str
) -> None:
    assert signer.name
    assert recording() is not None
    write_places(desk, PLACES + broken)
    matter = matter_at(file(desk, librarian, "entry", {**ENTRY, "place": "branch-1/staff-office"}))
    assert (matter.outcome, matter.facts["resource.tenant"]) == ("refer", "unknown")
    assert reading(matter).unread


def test_a_sister_agency_has_what_it_adopted_and_nothing_before_or_after(
    desk: Any, signer: Signer, librarian: Any, counsel: Any, recording: Recording
) -> None:
    from doorward.desk.access import find_actor
    from doorward.desk.resting import list_shaken, rests_on

    assert recording() is not None
    write_places(desk)
    asked = {**ENTRY, "place": "office-3/back-room"}
    before = matter_at(file(desk, librarian, "entry", asked))
    assert (before.outcome, before.addressee) == ("refer", "administrator")
    adopted = put(desk, signer, RecordKind.ADOPTION, "cha.office")
    after = matter_at(file(desk, librarian, "entry", asked))
    assert (after.outcome, after.facts["resource.adopted"]) == ("deny", True)
    assert adopted.id in reading(after).sources
    assert recording()[-1].get(Field.EVIDENCE) == adopted.id.encode()
    assert rests_on(adopted.id) == [after]
    now = datetime.now(UTC)  # noqa: TID251  # assignments end by the real clock
    assert after not in [one.matter for one in list_shaken(find_actor(counsel, is_strong=True, now=now))]
    put(desk, signer, RecordKind.REVOCATION, adopted.id)
    gone = matter_at(file(desk, librarian, "entry", asked))
    assert gone.facts["resource.adopted"] is False
    shaken = list_shaken(find_actor(counsel, is_strong=True, now=now))
    assert [one.why for one in shaken if one.matter == after] == [(f"record {adopted.id}: taken back",)]
    queue = desk.client(counsel).get("/queue/").content.decode()
    assert after.number in queue
    assert "What they rest on has changed" in queue
    assert "What they rest on has changed" not in desk.client(librarian).get("/queue/").content.decode()


def test_a_word_of_the_order_falls_where_a_record_takes_it_back(
    desk: Any, signer: Signer, librarian: Any, recording: Recording
) -> None:
    assert recording() is not None
    write_places(desk)
    asked = {**ENTRY, "place": "school-9/corridor"}
    assert matter_at(file(desk, librarian, "entry", asked)).facts["resource.adopted"] is True
    record = put(desk, signer, RecordKind.ADOPTION, "cps.school")
    put(desk, signer, RecordKind.REVOCATION, record.id)
    assert matter_at(file(desk, librarian, "entry", asked)).facts["resource.adopted"] is False


def test_a_declaration_on_file_is_said_and_a_dead_register_is_no_declaration(
    desk: Any, signer: Signer, clerk: Any, recording: Recording
) -> None:
    assert recording() is not None
    asked = {"of-system": "query", "system": "alpr", "way": "direct", "who-asks": "WI-PD", "for-whom": "WI-PD",
             "purpose": "criminal-investigation"}  # fmt: skip
    before = matter_at(file(desk, clerk, "system-access", asked))
    assert before.facts["context.declaration"] is False
    record = put(desk, signer, RecordKind.DECLARATION, "WI-PD")
    matter = matter_at(file(desk, clerk, "system-access", asked))
    assert matter.facts["context.declaration"] is True
    assert record.id in reading(matter).sources
    (desk.folder / "records.json").write_text("{}")
    dead = matter_at(file(desk, clerk, "system-access", asked))
    assert dead.facts["context.declaration"] is False
    found = reading(dead)
    assert found.unread
    page = desk.client(clerk).get(f"/matters/{dead.pk}/").content.decode()
    assert "holds no list of notes" in page


def test_an_agreement_attests_no_number_of_somebody_who_only_says_who_they_are(
    desk: Any, signer: Signer, clerk: Any, recording: Recording
) -> None:
    assert recording() is not None
    (desk.folder / "people.json").write_text("[]")
    put(desk, signer, RecordKind.AGREEMENT, "FBI")
    matter = matter_at(file(desk, clerk, "records-request", RECORDS_REQUEST))
    assert matter.facts["context.register.standing"] == "unverified"
    assert any("was not identified" in one["says"] for one in reading(matter).said)


def test_a_member_of_a_task_force_is_who_the_directory_says(
    desk: Any, signer: Signer, clerk: Any, recording: Recording
) -> None:
    assert signer.name
    assert recording() is not None
    unknown = matter_at(file(desk, clerk, "records-request", RECORDS_REQUEST))
    assert unknown.facts["context.task_force.member"] is True
    row = {"login": clerk.login, "verifier": "", "role": "records-custodian", "agency": "CPD", "unit": ""}
    (desk.folder / "people.json").write_text(json.dumps([row]))
    known = matter_at(file(desk, clerk, "records-request", RECORDS_REQUEST))
    assert known.facts["context.task_force.member"] is False
    (desk.folder / "people.json").unlink()
    gone = matter_at(file(desk, clerk, "records-request", RECORDS_REQUEST))
    assert gone.facts["context.task_force.member"] is True
    assert "`people.json` was removed" in str(reading(gone).silent)


def test_a_determination_closes_a_purpose_and_never_opens_one(
    desk: Any, signer: Signer, clerk: Any, counsel: Any, recording: Recording
) -> None:
    from doorward.desk.actions import decide_again

    assert recording() is not None
    asked = {"who-asks": "HSI", "for-whom": "HSI", "purpose": "criminal-investigation", "direct-access": "yes",
             "passed-on": "no"}  # fmt: skip
    matter = matter_at(file(desk, clerk, "agreement", asked))
    assert matter.outcome == "refer"
    now = datetime.now(UTC)  # noqa: TID251  # records are in force by the real clock
    says = "context.purpose = civil-immigration-enforcement"
    put(desk, signer, RecordKind.DETERMINATION, "C30b", matter=matter.number, says=says)
    assert decide_again(matter, (), now=now).decision.outcome == "deny"
    civil = matter_at(file(desk, clerk, "agreement", {**asked, "purpose": "civil-immigration-enforcement"}))
    assert civil.outcome == "deny"
    says = "context.purpose = criminal-investigation"
    put(desk, signer, RecordKind.DETERMINATION, "C30b", matter=civil.number, says=says)
    assert decide_again(civil, (), now=now).decision.outcome == "deny"
    assert counsel


def test_a_signed_paper_counts_and_the_latest_word_on_it_holds(
    desk: Any, signer: Signer, librarian: Any, counsel: Any, recording: Recording
) -> None:
    from doorward.desk.actions import decide_again, words_of

    assert recording() is not None
    asked = {"of-court": "enter", "who-asks": "FBI", "for-whom": "FBI", "purpose": "criminal-investigation",
             "papers": ["court_criminal"], "papers-seen": ["court_criminal"]}  # fmt: skip
    matter = matter_at(file(desk, librarian, "court-paper", asked))
    now = datetime.now(UTC) + timedelta(minutes=5)  # noqa: TID251  # as above
    record = put(
        desk, signer, RecordKind.PAPER, "court_criminal", matter=matter.number, scope="in", sealed="no",
        verified_with="clerk of the court",
    )  # fmt: skip
    decided = decide_again(matter, words_of(matter), now=now)
    assert decided.decision.outcome == "permit"
    assert record.id in decided.consulted.sources
    assert record.id not in json.dumps([one.says for one in decided.consulted.read])
    said = {
        "paper": "court_criminal",
        "verified": "no",
        "scope": "unknown",
        "evidence": "the clerk knows none",
    }
    desk.client(counsel).post(f"/matters/{matter.pk}/verify/", said)
    assert decide_again(matter, words_of(matter), now=now).decision.outcome == "refer"


def test_a_sealed_paper_is_found_by_what_rests_on_it_and_shown_to_nobody(
    desk: Any, signer: Signer, librarian: Any, counsel: Any, recording: Recording
) -> None:
    from doorward.desk.resting import rests_on

    assert recording() is not None
    asked = {"of-court": "enter", "who-asks": "FBI", "for-whom": "FBI", "purpose": "criminal-investigation",
             "papers": ["court_criminal", "court_order"], "papers-seen": ["court_criminal"]}  # fmt: skip
    matter = matter_at(file(desk, librarian, "court-paper", asked))
    record = put(
        desk, signer, RecordKind.PAPER, "court_order", matter=matter.number, scope="in", sealed="yes",
        verified_with="clerk of the court",
    )  # fmt: skip
    said = {"paper": "court_criminal", "verified": "no", "scope": "unknown", "evidence": "the clerk looks"}
    desk.client(counsel).post(f"/matters/{matter.pk}/verify/", said)
    assert rests_on(record.id) == [matter]
    page = desk.client(librarian).get(f"/matters/{matter.pk}/").content.decode()
    assert record.id not in page
    assert "a paper that a named official has read" not in page
    put(desk, signer, RecordKind.REVOCATION, record.id)
    queue = desk.client(counsel).get("/queue/").content.decode()
    assert "a record: taken back" in queue
    assert record.id not in queue


def test_what_ended_and_a_place_that_changed_are_listed_while_a_matter_is_open(
    desk: Any, signer: Signer, librarian: Any, counsel: Any, recording: Recording
) -> None:
    from doorward.desk.access import find_actor
    from doorward.desk.models import Matter
    from doorward.desk.resting import list_shaken

    assert recording() is not None
    Matter.objects.update(state="closed")
    write_places(desk)
    record = put(desk, signer, RecordKind.ADOPTION, "cha.office", days=30)
    matter = matter_at(file(desk, librarian, "entry", {**ENTRY, "place": "office-3/back-room"}))
    other = matter_at(file(desk, librarian, "entry", {**ENTRY, "place": "branch-1/staff-office"}))
    now = datetime.now(UTC)  # noqa: TID251  # assignments end by the real clock

    def why(days: int = 0) -> dict[str, tuple[str, ...]]:
        actor = find_actor(counsel, is_strong=True, now=now + timedelta(days=days))
        return {one.matter.number: one.why for one in list_shaken(actor)}

    assert why() == {}
    assert why(days=40) == {matter.number: (f"record {record.id}: over",)}
    write_places(desk, PLACES.replace("Back room", "Rear room"))
    assert why() == {matter.number: ("the place's entry has changed",)}
    Matter.objects.filter(pk=matter.pk).update(state="answered")
    assert why(days=40) == {}
    (desk.folder / "places.toml").write_text("broken [")
    unread = matter_at(file(desk, librarian, "entry", {**ENTRY, "place": "branch-1/staff-office"}))
    assert why() == {}
    write_places(desk)
    assert why() == {unread.number: ("a register that could not be read then can be read now",)}
    assert other.number not in why()
    stranger = find_actor(librarian, is_strong=True, now=now)
    assert {one.matter for one in list_shaken(stranger)} <= {matter, other, unread}


def test_what_could_be_answered_is_what_some_word_of_the_register_gives(
    desk: Any, signer: Signer, librarian: Any, clerk: Any, recording: Recording
) -> None:
    """By trial: every word of every fact that nobody could say."""
    from itertools import product

    from doorward.desk.order import order

    assert signer.name
    assert recording() is not None
    matters = [
        matter_at(file(desk, librarian, "entry", ENTRY)),
        matter_at(file(desk, clerk, "records-request", RECORDS_REQUEST)),
        matter_at(file(desk, librarian, "entry", {**ENTRY, "papers": ["court_criminal"]})),
    ]
    for matter in matters:
        found, pack = reading(matter), order().pack
        kind = order().intake.kinds[matter.kind]
        asked = order().intake.read(matter.kind, read_form(kind, matter.answers))
        assert isinstance(asked, Asked)
        specs = pack.requests.specs(asked.resource.type)
        silent = sorted({path for one in found.silent for path in one["facts"]})
        choices = [specs[path].words or (False, True) for path in silent]
        request = asked.request(pack, principal_role=str(matter.facts["principal.role"]),
                                principal_agency=str(matter.facts["principal.agency"]), now=matter.filed)  # fmt: skip
        outcomes = {
            pack.decide(pack.requests.change(request, dict(zip(silent, values, strict=True)))).outcome.value
            for values in product(*choices)
        }
        assert set(found.may) == outcomes - {matter.outcome}, matter.kind


def test_the_page_of_registers_shows_places_and_what_cannot_be_read(
    desk: Any, signer: Signer, counsel: Any, recording: Recording
) -> None:
    assert signer.name
    assert recording() is not None
    page = desk.client(counsel).get("/registers/").content.decode()
    assert "there is no register of places" in page
    write_places(desk)
    page = desk.client(counsel).get("/registers/").content.decode()
    assert "Sample branch library (branch-1)" in page


def test_a_reading_is_only_added_to(desk: Any, signer: Signer, librarian: Any, recording: Recording) -> None:
    from django.db import DatabaseError, connection

    assert recording() is not None
    assert signer.name
    matter_at(file(desk, librarian, "entry", ENTRY))
    for statement in ("UPDATE reading SET unread = true", "DELETE FROM reading", "TRUNCATE reading"):
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute(statement)


def test_what_the_preview_shows_names_the_registers(
    desk: Any, signer: Signer, librarian: Any, recording: Recording
) -> None:
    assert signer.name
    assert recording() is not None
    write_places(desk)
    shown = desk.client(librarian).post(
        "/new/entry/", {**ENTRY, "place": "branch-1/staff-office", "token": "x"}
    )
    page = shown.content.decode()
    assert "What the registers say" in page
    assert "a part that is not open to everybody" in page
    form = desk.client(librarian).get("/new/entry/").content.decode()
    assert "<datalist" in form
    assert Path(desk.folder / "places.toml").exists()
