"""Sister agencies at the front desk: what they adopted, while it holds; a phone of one is a stranger to the others."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults
from zoneinfo import ZoneInfo

import pytest

from doorward.grants.consulting import Registers
from doorward.grants.records import Record, RecordKind
from doorward.record.entry import Entry

pytestmark = pytest.mark.pg
Recording = Callable[[], list[Entry]]
NOW = datetime(2026, 11, 26, 18, 0, tzinfo=ZoneInfo("America/Chicago"))


def record(kind: RecordKind, about: str, *, begins: datetime = NOW - timedelta(days=1)) -> Record:
    until = begins if kind is RecordKind.REVOCATION else begins + timedelta(days=30)
    return Record(kind, about, begins.astimezone(UTC), until, "letter", "read", (), "law/finn.example")


def ask(
    app: Any, path: str, *, method: str = "GET", token: str = "", host: str = "desk.example"
) -> tuple[int, bytes]:
    environ: dict[str, Any] = {
        "PATH_INFO": path,
        "REQUEST_METHOD": method,
        "HTTP_AUTHORIZATION": f"Bearer {token}",
    }
    setup_testing_defaults(environ)
    environ |= {
        "HTTP_HOST": host,
        "wsgi.input": BytesIO(b"{}"),
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": "2",
    }
    got: list[str] = []
    body = b"".join(app(environ, lambda status, _: got.append(status)))
    return int(got[0].split()[0]), body


def test_an_adoption_that_is_taken_back_is_withheld_and_a_later_one_too(desk: Any) -> None:
    from doorward.desk.front_mount import find_withheld

    assert desk
    assert find_withheld(Registers([], None, None), NOW, before=None) == frozenset()
    back = record(RecordKind.ADOPTION, "cps.school")
    gone = [back, record(RecordKind.REVOCATION, back.id)]
    assert find_withheld(Registers(gone, None, None), NOW, before=None) == {("cps", "school")}
    later = [record(RecordKind.ADOPTION, "park-district.park", begins=NOW + timedelta(days=1))]
    assert find_withheld(Registers(later, None, None), NOW, before=None) == {("park-district", "park")}
    before_all = NOW.replace(year=2025)
    withheld = find_withheld(Registers([], None, None), before_all, before=None)
    assert ("cps", "school") in withheld
    assert ("city", "library") in withheld


def test_without_records_what_held_holds_on_and_a_start_shows_the_citys_own(desk: Any) -> None:
    from doorward.desk.front_mount import find_withheld

    assert desk
    dead = Registers(None, None, None)
    assert find_withheld(dead, NOW, before=None) == {("cps", "school"), ("park-district", "park")}
    for before in (frozenset[tuple[str, str]](), frozenset({("cps", "school")})):
        assert find_withheld(dead, NOW, before=before) == before


def test_before_adoption_the_app_of_a_school_says_to_call_its_own_office(desk: Any) -> None:
    from doorward.desk.front_mount import compiled_for, make_front
    from doorward.desk.models import CompiledProtocols
    from doorward.desk.visit_store import VisitStore

    assert desk
    none, school = frozenset[tuple[str, str]](), frozenset({("cps", "school")})
    for withheld, protocol in ((none, "school"), (school, "own-office")):
        compiled = compiled_for("cps", withheld)
        (place,) = compiled["places"]
        assert (place["protocol"], place["adopted"] is None) == (protocol, protocol == "own-office")
        said = compiled["texts"]["en"][place["first"]["sentence"]]
        assert ("call your own office" in said) is (protocol == "own-office")
        make_front("cps", withheld, VisitStore(tenant="cps"))
        assert CompiledProtocols.objects.filter(version=compiled["version"]).count() == 1
    assert compiled_for("cps", none)["version"] != compiled_for("cps", school)["version"]


def test_each_tenant_has_its_own_address_and_its_phones_are_strangers_elsewhere(
    desk: Any, recording: Recording
) -> None:
    from doorward.desk.front_mount import Fronts, mount
    from doorward.desk.models import Phone, Place

    assert desk
    assert recording() is not None
    place, _ = Place.objects.get_or_create(
        slug="school-tenant", defaults={"kind": "school", "name": "School", "unit": "s", "tenant": "cps"}
    )
    token = "t" * 43
    Phone.objects.get_or_create(
        digest=sha256(token.encode()).digest(), defaults={"place": place, "enrolled": NOW}
    )

    def site(_environ: Any, start: Any) -> list[bytes]:
        start("418 the site", [])
        return [b"the site"]

    app = mount(Fronts(), site)
    assert ask(app, "/front/")[0] == 200
    assert ask(app, "/at/cps/")[0] == 200
    assert ask(app, "/at/cps")[0] == 301
    for path in ("/", "/at/", "/at/nobody/", "/at/city/", "/atcps/", "/frontal", "/at/../front/"):
        assert ask(app, path)[0] == 418
    assert ask(app, "/front/visits", method="POST", token=token)[0] == 401
    assert ask(app, "/at/cps/visits", method="POST", token=token)[0] == 400  # known, and this is no record
    assert ask(app, "/at/park-district/visits", method="POST", token=token)[0] == 401
    Phone.objects.all().delete()
    own = mount(Fronts(), site, {"front.cps.example": "cps"})
    for host, path, status in (
        ("front.cps.example", "/", 200), ("FRONT.cps.example", "/sw.js", 200),
        ("front.cps.example", "/matters/", 404), ("other.example", "/", 418), ("front.cps.example.evil", "/", 418),
    ):  # fmt: skip
        assert ask(own, path, host=host)[0] == status, (host, path)


def test_a_place_of_the_register_is_taken_as_it_stands_there(desk: Any, recording: Recording) -> None:
    from doorward.desk.models import Account, Place
    from doorward.desk.roles import Role

    assert recording() is not None
    (desk.folder / "places.toml").write_text(
        '[place.school-12]\nname = "Sample school 12"\nkind = "school"\ntenant = "cps"\nunit = "school-12"\n'
        "city_controlled = false\n"
    )
    login = "tenants.law.example"
    law = desk.client(Account.objects.filter(login=login).first() or desk.account(login, Role.LAW))
    sent = {"slug": "school-12", "kind": "library", "name": "Another", "unit": "mine", "tenant": "city"}
    assert "Sample school 12" in law.post("/phones/", sent, follow=True).content.decode()
    made = Place.objects.get(slug="school-12")
    assert (made.kind, made.tenant, made.unit) == ("school", "cps", "school-12")
    refused = law.post(
        "/phones/", {**sent, "slug": "other-12", "kind": "school"}, follow=True
    ).content.decode()
    assert "has no protocols for" in refused
    (desk.folder / "places.toml").unlink()
