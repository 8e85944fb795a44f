"""Training by version, sheets of paper, and drills: who must again, what is printed, and that a drill counts not."""

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from doorward.record.entry import Entry, Field, Kind
from tests_support.desk_forms import file, matter_at
from tests_support.desk_year import put_visit
from tests_support.front_sample import make_body, make_compiled, to_bytes
from tests_support.front_store import LIBRARY

pytestmark = pytest.mark.pg
Recording = Callable[[], list[Entry]]
WARRANT = {"of-court": "enter", "who-asks": "FBI", "for-whom": "FBI", "purpose": "criminal-investigation",
           "papers": ["court_criminal"]}  # fmt: skip


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  # assignments end by the real clock


@pytest.fixture
def people(desk: Any) -> dict[str, Any]:
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    held = {
        "librarian": (Role.STAFF, "branch-7", "city"), "clerk": (Role.STAFF, "school-7", "cps"),
        "chief": (Role.SUPERVISOR, "branch-7", "city"), "principal": (Role.ADMINISTRATOR, "school-7", "cps"),
        "counsel": (Role.LAW, "", "city"), "keeper": (Role.SECURITY, "", "city"),
    }  # fmt: skip
    found = {}
    for name, (role, unit, tenant) in held.items():
        login = f"training.{name}.example"
        one = Account.objects.filter(login=login).first()
        found[name] = one or desk.account(login, role, unit=unit, tenant=tenant, order_role="clerk")
    return found


def version(desk: Any, account: Any) -> str:
    page = desk.client(account).get("/training/").content.decode()
    found: str = page.partition('name="version" value="')[2].partition('"')[0]
    return found


def rows(desk: Any, account: Any) -> dict[str, list[str]]:
    text = desk.client(account).get("/training/list.csv").content.decode()
    return {line.split(",")[0]: line.split(",") for line in text.splitlines()[1:]}


@pytest.fixture(autouse=True)
def none_before(desk: Any) -> Iterator[None]:
    from django.db import connection

    assert desk
    yield
    with connection.cursor() as cursor:  # the tests' own rows; a desk cannot
        cursor.execute("ALTER TABLE training DISABLE TRIGGER only_added; DELETE FROM training;"
                       "ALTER TABLE training ENABLE TRIGGER only_added")  # fmt: skip


def test_a_person_acknowledges_a_version_once_and_it_stands_in_the_record(
    desk: Any, people: dict[str, Any], recording: Recording
) -> None:
    from doorward.desk.models import Training

    browser, mark = desk.client(people["librarian"]), version(desk, people["librarian"])
    count = len(recording())
    sent = {"tenant": "city", "version": mark}
    assert (
        "recorded: you have worked through it"
        in browser.post("/training/", sent, follow=True).content.decode()
    )
    browser.post("/training/", sent)
    (entry,) = recording()[count:]
    assert (entry.kind, entry.get(Field.ACT), entry.get(Field.WHAT)) == (Kind.ACT, b"train", b"city")
    assert entry.get(Field.DIGEST) == mark.encode()
    assert Training.objects.filter(account=people["librarian"]).count() == 1
    assert "You worked through this version" in browser.get("/training/").content.decode()
    for wrong in ({"tenant": "cps", "version": mark}, {"tenant": "city", "version": "0" * 64}, {}):
        assert "usa-alert--error" in browser.post("/training/", wrong, follow=True).content.decode()
    assert len(recording()) == count + 1


def test_who_must_again_is_listed_for_whoever_oversees_and_for_nobody_else(
    desk: Any, people: dict[str, Any], recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    from doorward.desk import training

    assert recording() is not None
    mark = version(desk, people["librarian"])
    desk.client(people["librarian"]).post("/training/", {"tenant": "city", "version": mark})
    seen = rows(desk, people["chief"])
    assert seen["training.librarian.example"][4] == "has worked through it"
    assert "training.clerk.example" not in seen  # another tenant's
    assert rows(desk, people["principal"])["training.clerk.example"][4] == "has not yet"
    assert {"training.librarian.example", "training.clerk.example"} <= rows(desk, people["counsel"]).keys()
    for name in ("librarian", "keeper"):
        assert desk.client(people[name]).get("/training/list.csv").status_code == 403
        assert "Who has, and who must" not in desk.client(people[name]).get("/training/").content.decode()
    monkeypatch.setattr(training, "version_of", lambda *_: "f" * 64)
    assert rows(desk, people["chief"])["training.librarian.example"][4] == "must again: it is a newer version"


def test_a_drill_on_a_phone_is_its_places_acknowledgement(
    desk: Any, people: dict[str, Any], recording: Recording
) -> None:
    from doorward.desk.front.visits import Visit, read_visit
    from doorward.desk.models import Phone, Place, Training
    from doorward.desk.visit_store import VisitStore

    assert recording() is not None
    place, _ = Place.objects.get_or_create(
        slug=LIBRARY.id, defaults={"kind": LIBRARY.kind, "name": LIBRARY.name, "unit": "front-1"}
    )
    Phone.objects.get_or_create(digest=b"p" * 32, defaults={"place": place, "enrolled": now()})
    body = make_body(make_compiled(), id=str(uuid.uuid4()), drill=True)  # noqa: TID251  # a phone's
    body |= {"trained": True}
    moment = datetime.fromisoformat(body["filed"]) + timedelta(minutes=1)
    raw = to_bytes(body)
    visit = read_visit(raw, make_compiled(), now=moment)
    assert isinstance(visit, Visit)
    VisitStore().put_once(visit, raw, LIBRARY, moment)
    VisitStore().put_once(visit, raw, LIBRARY, moment)
    (one,) = Training.objects.filter(place=place)
    assert one.version == visit.training
    assert LIBRARY.id in rows(desk, people["counsel"])


def test_a_drill_of_a_front_desk_is_deleted_and_a_visit_never(
    desk: Any, people: dict[str, Any], recording: Recording
) -> None:
    from django.db import DatabaseError, connection

    from doorward.desk.models import Visit

    drill, real = (put_visit(f"T-{number}", "2026-03-02T10:00", drill=number == 1) for number in (1, 2))
    counsel = desk.client(people["counsel"])
    assert "Delete the drill" in counsel.get(f"/visits/{drill.pk}/").content.decode()
    assert "Delete the drill" not in counsel.get(f"/visits/{real.pk}/").content.decode()
    assert desk.client(people["librarian"]).post(f"/visits/{drill.pk}/delete/").status_code == 404
    page = counsel.post(f"/visits/{real.pk}/delete/", follow=True).content.decode()
    assert "no visit is deleted here" in page
    count = len(recording())
    assert "deleted: T-1" in counsel.post(f"/visits/{drill.pk}/delete/", follow=True).content.decode()
    assert not Visit.objects.filter(pk=drill.pk).exists()
    (entry,) = recording()[count:]
    assert (entry.get(Field.ACT), entry.get(Field.MATTER)) == (b"delete-drill", drill.pk.hex.encode())
    assert counsel.post(f"/visits/{drill.pk}/delete/").status_code == 404
    for statement in ("UPDATE visit SET drill = true", "UPDATE visit SET body = ''", "DELETE FROM visit"):
        with pytest.raises(DatabaseError, match="visit"), connection.cursor() as cursor:
            cursor.execute(f"{statement} WHERE id = '{real.pk}'")


def test_an_acknowledgement_is_only_added_to(desk: Any, people: dict[str, Any], recording: Recording) -> None:
    from django.db import DatabaseError, connection

    assert recording() is not None
    mark = version(desk, people["librarian"])
    desk.client(people["librarian"]).post("/training/", {"tenant": "city", "version": mark})
    for statement in ("UPDATE training SET version = 'x'", "DELETE FROM training", "TRUNCATE training"):
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.mark.parametrize("path", [
    "city/library/poster/xx", "city/library/poster/es", "city/castle/poster/en", "nobody/library/poster/en",
    "city/library/nothing/en", "city/school/poster/en", "cps/library/poster/en", "city/library/poster/ar",
])  # fmt: skip
def test_what_is_not_reviewed_or_not_there_is_not_printed(
    desk: Any, people: dict[str, Any], path: str
) -> None:
    assert desk.client(people["librarian"]).get(f"/paper/{path}/").status_code == 404


def test_a_sheet_is_a_pdf_and_the_page_offers_only_reviewed_languages(
    desk: Any, people: dict[str, Any]
) -> None:
    browser = desk.client(people["librarian"])
    page = browser.get("/paper/").content.decode()
    assert "/paper/city/library/poster/en/" in page
    assert "/poster/ar/" not in page
    made = browser.get("/paper/city/library/card/en/")
    assert (made.headers["Content-Type"], made.content[:5]) == ("application/pdf", b"%PDF-")


def test_a_drill_has_a_number_of_its_own_is_marked_and_counted_nowhere(
    desk: Any, people: dict[str, Any], recording: Recording
) -> None:
    from doorward.desk.access import find_actor
    from doorward.desk.models import OutgoingNotice
    from doorward.desk.overview import look

    actor = find_actor(people["counsel"], is_strong=True, now=now())
    before = look(actor, desk.folder, time_zone="America/Chicago")
    drill = matter_at(file(desk, people["librarian"], "court-paper", {**WARRANT, "drill": "1"}))
    real = matter_at(file(desk, people["librarian"], "court-paper", WARRANT))
    again = matter_at(file(desk, people["librarian"], "court-paper", {**WARRANT, "drill": "1"}))
    assert (drill.drill, real.drill) == (True, False)
    assert drill.number.startswith("D-2")
    assert int(again.number.rpartition("-")[2]) == int(drill.number.rpartition("-")[2]) + 1
    entry = next(one for one in recording() if one.sequence == drill.entry)
    assert entry.get(Field.MODE) == b"drill"
    for path in (f"/matters/{drill.pk}/", "/matters/", "/"):
        assert "drill" in desk.client(people["librarian"]).get(path).content.decode().lower()
    assert "Drill." not in desk.client(people["librarian"]).get(f"/matters/{real.pk}/").content.decode()
    after = look(
        find_actor(people["counsel"], is_strong=True, now=now()), desk.folder, time_zone="America/Chicago"
    )
    assert sum(after.today.values()) == sum(before.today.values()) + 1
    assert OutgoingNotice.objects.filter(subject=drill.pk).count() == 0


def test_a_drill_is_deleted_with_all_that_was_done_and_a_matter_never(
    desk: Any, people: dict[str, Any], recording: Recording
) -> None:
    from django.db import DatabaseError, connection

    from doorward.desk.models import Event, Matter, MatterClock, Reading

    drill = matter_at(file(desk, people["librarian"], "court-paper", {**WARRANT, "drill": "1"}))
    real = matter_at(file(desk, people["librarian"], "court-paper", WARRANT))
    said = {
        "paper": "court_criminal",
        "verified": "yes",
        "scope": "in",
        "current": "yes",
        "evidence": "clerk",
    }
    for one in (drill, real):
        desk.client(people["counsel"]).post(f"/matters/{one.pk}/verify/", said)
        assert Event.objects.filter(matter=one).count() == 1
    assert desk.client(people["clerk"]).post(f"/matters/{drill.pk}/delete/").status_code == 404
    page = desk.client(people["librarian"]).post(f"/matters/{real.pk}/delete/", follow=True).content.decode()
    assert "no matter is deleted here" in page
    page = desk.client(people["librarian"]).post(f"/matters/{drill.pk}/delete/", follow=True).content.decode()
    assert f"deleted: {drill.number}" in page
    assert not Matter.objects.filter(pk=drill.pk).exists()
    assert (
        Event.objects.filter(matter_id=drill.pk).count()
        == Reading.objects.filter(matter_id=drill.pk).count()
        == 0
    )
    assert Event.objects.filter(matter=real).count() == 1
    assert MatterClock.objects.filter(matter=real).exists()
    assert not MatterClock.objects.filter(matter_id=drill.pk).exists()
    assert recording()[-1].get(Field.ACT) == b"delete-drill"
    of_the_real = f"matter_id = '{real.pk}'"
    for statement in (
        "UPDATE matter SET drill = true",
        f"DELETE FROM matter WHERE id = '{real.pk}'",
        f"DELETE FROM event WHERE {of_the_real}",
        f"DELETE FROM reading WHERE {of_the_real}",
        f"DELETE FROM clock_event USING matter_clock WHERE clock_id = matter_clock.id AND {of_the_real}",
        "TRUNCATE clock_event",
        "UPDATE letter SET form = 'x'",
        "TRUNCATE determined",
    ):
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute(statement)
    assert json.dumps(real.number)


def test_the_form_of_a_drill_says_so_until_it_is_filed(
    desk: Any, people: dict[str, Any], recording: Recording
) -> None:
    assert recording() is not None
    browser = desk.client(people["librarian"])
    assert "/new/court-paper/?drill=1" in browser.get("/new/?drill=1").content.decode()
    form = browser.get("/new/court-paper/?drill=1").content.decode()
    assert 'name="drill" value="1"' in form
    shown = browser.post("/new/court-paper/", {**WARRANT, "drill": "1", "token": "x"}).content.decode()
    assert "Drill." in shown
    assert 'name="drill" value="1"' in shown
    assert 'name="drill"' not in browser.get("/new/court-paper/").content.decode()
