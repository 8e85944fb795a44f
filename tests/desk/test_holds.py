"""Holds and disposals at the desk: two people, every store, and what the database refuses whatever the desk says."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from doorward.desk.papers.disposal import find_reasons
from doorward.desk.papers.holds import Over, Scope, Thing, covers
from doorward.errors import StoreError
from doorward.orders.retention import Disposal, Item, Retention
from doorward.record.entry import Entry, Field

Recording = Callable[[], list[Entry]]
PDF = b"%PDF-1.7\n%%EOF\n"
ITEM = Item(
    "papers", "papers", "22:115-4", ("papers",), (), "matter-answered", 0, permanent=False, cite="cite",
    evidence="text", standing="adopted", adopted_by="law", adopted_on=date(2026, 1, 1),
)  # fmt: skip
SCHEDULE = Retention(Disposal("says", "number", "cite", "text", "confirmed"), {"papers": ITEM})
PROPOSAL = {"step": "propose-disposal", "item": "papers", "certificate": "22:115-2026/7"}


@pytest.fixture
def people(desk: Any) -> dict[str, Any]:
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    if not Account.objects.filter(login="h.filer.example").exists():
        desk.account("h.filer.example", Role.OFFICER, unit="h-1")
        desk.account("h.custodian.example", Role.CUSTODIAN, unit="h-1")
        desk.account("h.one.example", Role.LAW)
        desk.account("h.two.example", Role.LAW)
        desk.account("h.auditor.example", Role.AUDITOR)
    return {
        one.login.removeprefix("h.").removesuffix(".example"): one
        for one in Account.objects.filter(login__startswith="h.")
    }


@pytest.fixture
def clients(desk: Any, people: dict[str, Any], recording: Recording) -> dict[str, Any]:
    assert recording() is not None
    return {name: desk.client(account) for name, account in people.items()}


@pytest.fixture
def schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    """A schedule that an office adopted; the shipped one erases nothing."""
    for module in ("disposing", "views.disposal"):
        monkeypatch.setattr(f"doorward.desk.{module}.schedule", lambda: SCHEDULE)


@pytest.fixture(autouse=True)
def no_hold_of_another_test(desk: Any, people: dict[str, Any], recording: Recording) -> Iterator[None]:
    yield
    from doorward.desk.access import find_actor
    from doorward.desk.holding import all_standing, do_step
    from doorward.desk.models import Matter
    from doorward.desk.papers.holds import Step

    del desk, recording
    Matter.objects.filter(sealed_until__isnull=False).update(sealed_until=None)  # both have to see it
    now = datetime.now(UTC)  # noqa: TID251  # acts have the time of the day
    one, two = (find_actor(people[name], is_strong=True, now=now) for name in ("one", "two"))
    for hold in all_standing():
        if hold.proposed_by is not None:
            do_step(one, hold.first.hold, Step.KEEP, "test")
        do_step(one, hold.first.hold, Step.PROPOSE, "test")
        do_step(two, hold.first.hold, Step.LIFT, "test")


def file_matter(client: Any, kind: str = "detainer", **more: Any) -> Any:
    from doorward.desk.models import Matter

    detainer = {
        "of-custody": "hold",
        "who-asks": "ICE-ERO",
        "papers": ["detainer"],
        "custody-origin": "arrest",
    }
    sent = {**(more or detainer), "token": str(uuid.uuid4()), "file": "1"}  # noqa: TID251  # a form's
    answer = client.post(f"/new/{kind}/", sent)
    assert answer.status_code == 302, answer.content.decode()[:2000]
    return Matter.objects.get(pk=answer.headers["location"].split("/")[2])


def add(client: Any, matter: Any, standing: str = "evidence") -> Any:
    from doorward.desk.models import Paper

    form = {
        "paper_class": "detainer",
        "standing": standing,
        "whole": "1",
        "file": SimpleUploadedFile("a.pdf", PDF),
    }
    assert client.post(f"/matters/{matter.pk}/papers/", form).status_code == 302
    return Paper.objects.filter(matter=matter).latest("entry")


def answered(matter: Any, by: Any, entry: int = 1) -> None:
    """Make a matter one that was answered; the act itself has tests of its own."""
    from doorward.desk.models import Event

    now = datetime.now(UTC)  # noqa: TID251  # any time
    Event.objects.create(
        matter=matter, at=now - timedelta(days=3), by=by, office="law", act="answer", says={}, entry=entry
    )
    type(matter).objects.filter(pk=matter.pk).update(state="answered")
    from doorward.desk.models import Paper

    assert Paper.objects.filter(matter=matter).exists()


def done(answer: Any, client: Any) -> str:
    """Return what the page says after a form was sent."""
    assert answer.status_code == 302
    text: str = client.get(answer.headers["location"]).content.decode()
    return text


def place(client: Any, **more: str) -> str:
    return done(client.post("/holds/", {"step": "hold", "reason": "26 L 1", **more}), client)


def hold_id() -> str:
    from doorward.desk.holding import all_standing

    return str(all_standing()[-1].first.hold)


@pytest.fixture
def aged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look from the year after next: the terms of these tests are over."""
    from doorward.desk import disposing

    monkeypatch.setattr(disposing, "find_reasons", _reasons_from(find_reasons))
    monkeypatch.setattr(disposing, "_is_over", lambda paper, item, _now: item.covers_paper(paper.matter.kind))


def _reasons_from(find: Callable[..., tuple[str, ...]]) -> Callable[..., tuple[str, ...]]:
    def found(case: Any, item: Any, certificate: str, *, today: date) -> tuple[str, ...]:
        return find(case, item, certificate, today=today + timedelta(days=800))

    return found


def test_a_hold_is_placed_by_counsel_and_recorded_without_its_reason(
    clients: dict[str, Any], recording: Recording
) -> None:
    matter = file_matter(clients["filer"])
    assert "the hold stands" in place(
        clients["one"], scope="matter", number=matter.number, reason="26 L 4711"
    )
    entry = recording()[-1]
    assert (entry.get(Field.ACT), entry.get(Field.WHAT)) == (b"hold", b"matter")
    assert b"4711" not in b"".join(value for _, value in entry.fields)
    assert (
        "A legal hold is on this request" in clients["filer"].get(f"/matters/{matter.pk}/").content.decode()
    )
    assert "26 L 4711" not in clients["filer"].get(f"/matters/{matter.pk}/").content.decode()
    page = clients["auditor"].get("/holds/").content.decode()
    assert "26 L 4711" in page
    assert "Place it" not in page


@pytest.mark.parametrize("who", ["filer", "custodian", "auditor"])
def test_nobody_but_counsel_places_a_hold(clients: dict[str, Any], recording: Recording, who: str) -> None:
    matter = file_matter(clients["filer"])
    count = len(recording())
    sent = {"step": "hold", "scope": "matter", "number": matter.number, "reason": "x"}
    answer = clients[who].post("/holds/", sent)
    assert answer.status_code == 403 or "not yours to do" in done(answer, clients[who])
    assert len(recording()) == count


def test_a_hold_is_lifted_by_two_people(clients: dict[str, Any]) -> None:
    matter = file_matter(clients["filer"])
    place(clients["one"], scope="matter", number=matter.number)
    hold = hold_id()

    def step(who: str, what: str) -> str:
        return done(
            clients[who].post("/holds/", {"hold": hold, "step": what, "reason": "over"}), clients[who]
        )

    assert "two people" in step("one", "lift")
    assert "another of the law department" in step("one", "propose-lift")
    assert "said so yourself" in step("one", "lift")
    assert "the hold stands" in step("two", "keep")
    assert "two people" in step("two", "lift")
    step("two", "propose-lift")
    assert "the hold is lifted" in step("one", "lift")
    assert "no such hold" in step("one", "propose-lift")
    assert "legal hold" not in clients["filer"].get(f"/matters/{matter.pk}/").content.decode()


@pytest.mark.parametrize(
    "sent",
    [
        {}, {"step": "hold"}, {"step": "hold", "scope": "all"}, {"step": "hold", "scope": "tenant"},
        {"step": "hold", "scope": "tenant", "tenant": "no-such"}, {"step": "hold", "scope": "kind"},
        {"step": "hold", "scope": "kind", "kind": "no-such"}, {"step": "hold", "scope": "kind", "begins": "soon"},
        {"step": "hold", "scope": "kind", "begins": "2027-01-02", "ends": "2027-01-01"},
        {"step": "hold", "scope": "matter", "number": "1999-000001"}, {"step": "lift", "hold": "x"},
        {"step": "lift", "hold": str(uuid.UUID(int=5))},
        {"step": "hold", "scope": "kind", "kind": "visit", "reason": " "},
        {"step": "hold", "scope": "kind", "kind": "visit", "reason": "x" * 501},
    ],
)  # fmt: skip
def test_a_hold_that_says_nothing_is_refused_in_a_line(
    clients: dict[str, Any], recording: Recording, sent: dict[str, str]
) -> None:
    count = len(recording())
    page = done(clients["one"].post("/holds/", {"reason": "x", **sent}), clients["one"])
    assert "usa-alert--error" in page
    assert len(recording()) == count


def test_under_a_hold_nothing_goes_whatever_the_desk_says(desk: Any, clients: dict[str, Any]) -> None:
    """The database's own word, for every store."""
    from django.db import DatabaseError, connection, transaction

    from doorward.desk.models import Matter, Paper, PaperKey, Phone, Place, Visit

    matter = file_matter(clients["filer"])
    copy = add(clients["filer"], matter, "scratch")
    unit = Place.objects.create(slug=f"h-{copy.pk.hex[:8]}", kind="library", name="x", unit="h-1")
    now = datetime.now(UTC)  # noqa: TID251  # any time
    phone = Phone.objects.create(digest=copy.pk.bytes * 2, place=unit, enrolled=now)
    visit = Visit.objects.create(
        id=uuid.UUID(int=copy.pk.int ^ 1), number=copy.pk.hex[:16], place=unit, version="1", language="en", drill=True,
        opened=now, received=now, walk=[], values={}, sealed_fields=[], unknown=[], addressees=[], body=b"x",
        digest="", entry=1,
    )  # fmt: skip
    place(clients["one"], scope="tenant", tenant="city")
    for rows in (
        Matter.objects.filter(pk=matter.pk), PaperKey.objects.filter(paper=copy), Visit.objects.filter(pk=visit.pk),
        Phone.objects.filter(pk=phone.pk), Paper.objects.filter(pk=copy.pk),
    ):  # fmt: skip
        with pytest.raises(DatabaseError, match=r"legal hold|stays"), transaction.atomic():
            rows._raw_delete(using="default")
    for table in ("matter", "visit", "phone", "paper_key", "hold_step", "disposal_step"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {table} CASCADE")
    answer = clients["filer"].post(f"/papers/{copy.pk}/delete/")
    assert answer.status_code == 409
    assert "legal hold" in answer.content.decode()
    assert desk


@pytest.mark.parametrize(("table", "step"), [("hold_step", "reason"), ("disposal_step", "certificate")])
def test_steps_are_only_added(clients: dict[str, Any], table: str, step: str) -> None:
    from django.db import DatabaseError, connection, transaction

    place(clients["one"], scope="kind", kind="visit")
    for statement in (f"UPDATE {table} SET {step} = 'x'", f"DELETE FROM {table}"):
        with (
            pytest.raises(DatabaseError, match="only added to"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_the_database_lets_no_one_person_lift_or_dispose(
    clients: dict[str, Any], people: dict[str, Any]
) -> None:
    from django.db import DatabaseError, transaction

    from doorward.desk.models import DisposalStep, HoldStep

    paper = add(clients["filer"], file_matter(clients["filer"]))
    place(clients["one"], scope="kind", kind="visit")
    hold, now = uuid.UUID(hold_id()), datetime.now(UTC)  # noqa: TID251  # any time
    alone = {"at": now, "by": people["one"], "office": "law"}
    with pytest.raises(DatabaseError, match="two people"), transaction.atomic():
        HoldStep.objects.create(hold=hold, step="lift", reason="x", entry=2**40, **alone)
    with transaction.atomic():
        HoldStep.objects.create(hold=hold, step="propose-lift", reason="x", entry=2**40, **alone)
    with pytest.raises(DatabaseError, match="two people"), transaction.atomic():
        HoldStep.objects.create(hold=hold, step="lift", reason="x", entry=2**40 + 1, **alone)
    terms = {"paper": paper, "item": "papers", "certificate": "x", **alone}
    with transaction.atomic():
        DisposalStep.objects.create(step="propose-disposal", entry=2**40, **terms)
    with pytest.raises(DatabaseError, match="two people"), transaction.atomic():
        DisposalStep.objects.create(step="dispose", entry=2**40 + 1, **terms)


DAY = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize("scope", list(Scope))
def test_the_rule_of_the_database_is_the_rule_of_the_desk(clients: dict[str, Any], scope: Scope) -> None:
    """Each combination of a hold with a thing, asked of both."""
    from django.db import connection

    from doorward.desk.models import Matter

    del clients
    matter, other = uuid.UUID(int=7), uuid.UUID(int=8)
    overs = [
        Over(scope, matter if scope is Scope.MATTER else None, tenant, kind, begins, ends)
        for tenant in ("", "city", "parks")
        for kind in ("", "detainer", "visit")
        for begins in (None, DAY)
        for ends in (None, DAY + timedelta(days=1))
    ]
    things = [
        Thing(tenant, kind, first, first + timedelta(hours=hours), of)
        for tenant in ("city", "parks")
        for kind in ("detainer", "visit")
        for first in (DAY - timedelta(days=1), DAY, DAY + timedelta(days=1))
        for hours in (0, 24)
        for of in (None, matter, other)
    ]
    assert Matter.objects.filter(pk=matter).count() == 0
    for number, over in enumerate(overs):
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
            cursor.execute(
                "INSERT INTO hold_step (hold, step, at, by_id, office, scope, matter_id, tenant, kind, begins, ends, "
                "reason, entry) VALUES (%s, 'hold', now(), 1, 'law', %s, %s, %s, %s, %s, %s, 'x', 1)",
                [
                    uuid.UUID(int=100 + number),
                    over.scope.value,
                    over.matter,
                    over.tenant,
                    over.kind,
                    over.begins,
                    over.ends,
                ],
            )
            cursor.execute(
                "SELECT desk_held(t, k, m, f, l) FROM unnest(%s::text[], %s::text[], %s::uuid[], %s::timestamptz[],"
                " %s::timestamptz[]) AS x (t, k, m, f, l)",
                [
                    [getattr(one, name) for one in things]
                    for name in ("tenant", "kind", "matter", "first", "last")
                ],
            )
            found = [row[0] for row in cursor.fetchall()]
            cursor.execute("ROLLBACK")
        assert found == [covers(over, one) for one in things], over


@pytest.mark.usefixtures("schedule", "aged")
def test_a_paper_goes_by_two_people_and_its_row_and_entries_stay(
    desk: Any, clients: dict[str, Any], people: dict[str, Any], recording: Recording
) -> None:
    from doorward.desk.models import PaperKey

    matter = file_matter(clients["filer"])
    paper = add(clients["filer"], matter)
    answered(matter, people["one"])
    file = desk.folder / "papers" / f"{paper.pk.hex}.paper"
    address = f"/papers/{paper.pk}/disposal/"

    def step(who: str, **sent: str) -> str:
        return done(clients[who].post(address, sent), clients[who])

    assert "nobody proposed it" in step("one", step="dispose")
    assert "Propose to erase it" in clients["one"].get("/disposal/").content.decode()
    assert "proposed: another" in step("custodian", **PROPOSAL)
    assert "proposed already" in step("one", **PROPOSAL)
    assert "you proposed it yourself" in step("custodian", step="dispose")
    assert "taken back" in step("one", step="keep-paper")
    step("one", **PROPOSAL)
    assert file.exists()
    assert "its key and its file are gone" in step("custodian", step="dispose")
    assert not file.exists()
    assert not PaperKey.objects.filter(paper=paper).exists()
    digest = paper.file_sha256
    paper.refresh_from_db()
    assert (paper.file_sha256, paper.file_name, paper.file_bytes) == (digest, "", len(PDF))
    entry = recording()[-1]
    assert (entry.get(Field.ACT), entry.get(Field.DIGEST)) == (b"dispose", digest.encode())
    assert entry.get(Field.EVIDENCE) == b"papers 22:115-2026/7"
    assert [one.step for one in paper.disposals.all()] == [
        "propose-disposal",
        "keep-paper",
        "propose-disposal",
        "dispose",
    ]
    assert "erased" in clients["filer"].get(f"/matters/{matter.pk}/").content.decode()
    assert "it is erased already" in step("one", **PROPOSAL)


@pytest.mark.usefixtures("schedule", "aged")
@pytest.mark.parametrize("scope", ["matter", "kind", "tenant"])
def test_a_hold_that_comes_while_an_erasure_waits_stops_it(
    desk: Any, clients: dict[str, Any], people: dict[str, Any], scope: str
) -> None:
    matter = file_matter(clients["filer"])
    paper = add(clients["filer"], matter)
    answered(matter, people["one"])
    clients["one"].post(f"/papers/{paper.pk}/disposal/", PROPOSAL)
    over = {"matter": {"number": matter.number}, "kind": {"kind": "detainer"}, "tenant": {"tenant": "city"}}[
        scope
    ]
    place(clients["one"], scope=scope, **over)
    answer = clients["two"].post(f"/papers/{paper.pk}/disposal/", {"step": "dispose"})
    assert "1 legal hold on it" in done(answer, clients["two"])
    assert (desk.folder / "papers" / f"{paper.pk.hex}.paper").exists()
    clients["one"].post("/holds/", {"step": "propose-lift", "hold": hold_id(), "reason": "over"})
    clients["two"].post("/holds/", {"step": "lift", "hold": hold_id(), "reason": "over"})
    answer = clients["two"].post(f"/papers/{paper.pk}/disposal/", {"step": "dispose"})
    assert "are gone" in done(answer, clients["two"])


@pytest.mark.usefixtures("schedule", "aged")
@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({**PROPOSAL, "item": "no-such"}, "no such item"), ({**PROPOSAL, "certificate": ""}, "certificate is missing"),
        ({"step": "burn"}, "say what to do"), ({}, "say what to do"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said(
    clients: dict[str, Any], people: dict[str, Any], sent: dict[str, str], says: str
) -> None:
    matter = file_matter(clients["filer"])
    paper = add(clients["filer"], matter)
    answered(matter, people["one"])
    assert says in done(clients["one"].post(f"/papers/{paper.pk}/disposal/", sent), clients["one"])


@pytest.mark.usefixtures("schedule")
def test_a_paper_whose_term_is_not_over_stays(clients: dict[str, Any], people: dict[str, Any]) -> None:
    matter = file_matter(clients["filer"])
    paper = add(clients["filer"], matter)
    address = f"/papers/{paper.pk}/disposal/"
    assert "has not happened" in done(clients["one"].post(address, PROPOSAL), clients["one"])
    answered(matter, people["one"])
    assert "keeps it until" in done(clients["one"].post(address, PROPOSAL), clients["one"])


@pytest.mark.usefixtures("aged")
def test_under_the_shipped_schedule_nothing_goes(clients: dict[str, Any], people: dict[str, Any]) -> None:
    matter = file_matter(clients["filer"])
    paper = add(clients["filer"], matter)
    answered(matter, people["one"])
    sent = {**PROPOSAL, "item": "papers-served"}
    assert "needs counsel" in done(clients["one"].post(f"/papers/{paper.pk}/disposal/", sent), clients["one"])
    assert "disposes of nothing" in clients["one"].get("/disposal/").content.decode()


@pytest.mark.usefixtures("schedule", "aged")
@pytest.mark.parametrize("who", ["filer", "auditor"])
def test_other_offices_dispose_of_nothing(
    clients: dict[str, Any], people: dict[str, Any], recording: Recording, who: str
) -> None:
    matter = file_matter(clients["filer"])
    paper = add(clients["filer"], matter)
    answered(matter, people["one"])
    count = len(recording())
    for sent in (PROPOSAL, {"step": "dispose"}, {"step": "keep-paper"}):
        answer = clients[who].post(f"/papers/{paper.pk}/disposal/", sent)
        assert answer.status_code == 302
    assert len(recording()) == count
    assert not paper.disposals.exists()


@pytest.mark.usefixtures("schedule", "aged")
def test_what_cannot_be_recorded_is_not_erased(
    desk: Any, clients: dict[str, Any], people: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from doorward.desk.models import PaperKey
    from doorward.desk.recorder import recorder

    matter = file_matter(clients["filer"])
    paper = add(clients["filer"], matter)
    answered(matter, people["one"])
    clients["one"].post(f"/papers/{paper.pk}/disposal/", PROPOSAL)
    with monkeypatch.context() as patch:
        patch.setattr(recorder(), "record", _refuse)
        clients["two"].post(f"/papers/{paper.pk}/disposal/", {"step": "dispose"})
    assert PaperKey.objects.filter(paper=paper).exists()
    assert (desk.folder / "papers" / f"{paper.pk.hex}.paper").exists()


def _refuse(*_: object, **__: object) -> int:
    raise StoreError("the disk is full")


@pytest.mark.usefixtures("schedule", "aged")
def test_sealed_papers_and_holds_are_on_no_page_but_their_counsels(
    clients: dict[str, Any], people: dict[str, Any]
) -> None:
    matter = file_matter(clients["filer"])
    add(clients["filer"], matter)
    answered(matter, people["one"])
    place(clients["one"], scope="matter", number=matter.number, reason="sealed-case")
    hold = hold_id()
    assert clients["one"].post(f"/matters/{matter.pk}/seal/", {"until": "2999-01-01"}).status_code == 302
    assert "sealed-case" in clients["one"].get("/holds/").content.decode()
    assert matter.number in clients["one"].get("/disposal/").content.decode()
    for who in ("two", "auditor", "custodian"):
        assert "sealed-case" not in clients[who].get("/holds/").content.decode()
        assert matter.number not in clients[who].get("/disposal/").content.decode()
    page = done(
        clients["two"].post("/holds/", {"step": "propose-lift", "hold": hold, "reason": "x"}), clients["two"]
    )
    assert "no such hold" in page


def test_a_request_for_which_the_order_asks_a_hold_is_kept_until_somebody_decides(
    clients: dict[str, Any], people: dict[str, Any], schedule: None, aged: None
) -> None:
    del schedule, aged
    matter = file_matter(clients["filer"])
    paper = add(clients["filer"], matter)
    answered(matter, people["one"])
    type(matter).objects.filter(pk=matter.pk).update(obligations=["legal-hold"])
    assert "asks for a legal hold" in clients["filer"].get(f"/matters/{matter.pk}/").content.decode()
    address = f"/papers/{paper.pk}/disposal/"
    assert "has not placed one" in done(clients["one"].post(address, PROPOSAL), clients["one"])


def test_an_order_without_a_schedule_erases_nothing(
    clients: dict[str, Any], people: dict[str, Any], monkeypatch: pytest.MonkeyPatch, aged: None
) -> None:
    del aged
    for module in ("disposing", "views.disposal"):
        monkeypatch.setattr(f"doorward.desk.{module}.schedule", lambda: None)
    matter = file_matter(clients["filer"])
    paper = add(clients["filer"], matter)
    answered(matter, people["one"])
    page = done(clients["one"].post(f"/papers/{paper.pk}/disposal/", PROPOSAL), clients["one"])
    assert "no such item" in page
    assert "nothing is erased" in page


def test_an_item_is_changed_by_an_office_alone() -> None:
    assert replace(ITEM, standing="needs-counsel").needs_counsel


def drill_of(matter: Any) -> Any:
    """Return another matter, that was a drill from its beginning."""
    from doorward.desk.models import Matter

    found = Matter.objects.get(pk=matter.pk)
    found.pk, found.token = uuid.UUID(int=matter.pk.int ^ 1), uuid.UUID(int=matter.token.int ^ 1)
    found.number, found.drill = f"D-{matter.number}", True
    found.save(force_insert=True)
    return found


def test_a_drill_goes_with_its_papers_and_not_under_a_hold(desk: Any, clients: dict[str, Any]) -> None:
    from django.db import DatabaseError, transaction

    from doorward.desk.filed_papers import drop_drill, remove_file
    from doorward.desk.history import NotAllowedError
    from doorward.desk.models import Event, Paper

    matter = file_matter(clients["filer"])
    with pytest.raises(NotAllowedError, match="no drill"), transaction.atomic():
        drop_drill(matter)
    drill = drill_of(matter)
    paper = add(clients["filer"], drill)
    place(clients["one"], scope="kind", kind="detainer")
    with pytest.raises(NotAllowedError, match="legal hold"), transaction.atomic():
        drop_drill(drill)
    with pytest.raises(DatabaseError), transaction.atomic():
        Paper.objects.filter(pk=paper.pk)._raw_delete(using="default")
    clients["one"].post("/holds/", {"step": "propose-lift", "hold": hold_id(), "reason": "over"})
    clients["two"].post("/holds/", {"step": "lift", "hold": hold_id(), "reason": "over"})
    with transaction.atomic():
        gone = drop_drill(drill)
        Event.objects.filter(matter=drill).delete()
        Paper.objects.filter(matter=drill).delete()
        drill.delete()
    for one in gone:
        remove_file(one)
    assert gone == (paper.pk,)
    assert not (desk.folder / "papers" / f"{paper.pk.hex}.paper").exists()


def test_the_message_that_a_request_came_in_is_kept_as_a_paper(
    clients: dict[str, Any], people: dict[str, Any]
) -> None:
    from doorward.desk.access import find_actor
    from doorward.desk.filed_papers import MESSAGE_CLASS, Said, add_pieces
    from doorward.desk.history import NotAllowedError
    from doorward.errors import MalformedError

    matter = file_matter(clients["filer"])
    now = datetime.now(UTC)  # noqa: TID251  # acts have the time of the day
    actor = find_actor(people["filer"], is_strong=True, now=now)
    said = Said(MESSAGE_CLASS, "evidence", "paper.eml")
    raw = b"From: a@x.example\r\nSubject: a detainer\r\n\r\nsee attached\r\n"
    paper = add_pieces(actor, matter, (raw[:10], raw[10:]), said)
    assert (paper.file_type, paper.file_name, paper.file_bytes) == ("message/rfc822", "paper.eml", len(raw))
    got = clients["filer"].get(f"/papers/{paper.pk}/")
    assert got["Content-Disposition"].endswith('.eml"')
    assert b"".join(got.streaming_content) == raw
    with pytest.raises(MalformedError):
        add_pieces(actor, matter, (b"no message",), said)
    auditor = find_actor(people["auditor"], is_strong=True, now=now)
    with pytest.raises(NotAllowedError):
        add_pieces(auditor, matter, (raw,), said)


def test_an_erasure_of_the_record_knows_every_hold_and_waits_for_its_turn(
    desk: Any, clients: dict[str, Any]
) -> None:
    from django.db import connection

    from doorward.cli.log_erase import (
        _holds,  # what the command asks; the command itself is tried in tests/record
    )

    file = desk.folder / "desk.json"
    with _holds(file) as before:
        assert before == 0
    place(clients["one"], scope="tenant", tenant="city")
    with _holds(file) as standing, connection.cursor() as cursor:
        assert standing == 1
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()"
        )
        assert cursor.fetchone() == (1,)
