"""The desk's own store keeps the contract of the tests' store, on a real database, with its entries in the record."""

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from doorward.desk.front.store import Stored
from doorward.desk.front.visits import Visit, read_visit
from doorward.errors import StoreError
from doorward.record.entry import Entry, Field, Kind
from tests_support.desk_year import empty_desk
from tests_support.front_sample import make_body, make_compiled, to_bytes
from tests_support.front_store import CLINIC, CODE_LIFE, LIBRARY, NOW, StoreContract, digest

Recording = Callable[[], list[Entry]]


def empty(desk: Any) -> None:
    from doorward.desk.models import Account, EnrolmentCode, Phone, Place

    empty_desk()  # a visit that is no drill is deleted by nothing
    for model in (EnrolmentCode, Phone, Place):
        model.objects.all().delete()
    maker, _ = Account.objects.get_or_create(login="codes.example")
    for code, place in (("FR0NT001", LIBRARY), ("FR0NT002", CLINIC)):
        row = Place.objects.create(
            slug=place.id, kind=place.kind, name=place.name, contacts=dict(place.contacts), unit="front-1"
        )
        EnrolmentCode.objects.create(digest=digest(code), place=row, until=NOW + CODE_LIFE, made_by=maker)
    assert desk


@pytest.fixture
def body() -> bytes:
    return to_bytes(make_body(make_compiled()))


@pytest.fixture
def visit(body: bytes) -> Visit:
    visit = read_visit(body, make_compiled(), now=NOW)
    assert isinstance(visit, Visit)
    return visit


class TestVisitStore(StoreContract):
    @pytest.fixture
    def store(self, desk: Any, recording: Recording) -> Any:
        from doorward.desk.visit_store import VisitStore

        empty(desk)
        assert recording() is not None
        return VisitStore()

    @pytest.fixture
    def other_body(self) -> bytes:
        return to_bytes(make_body(make_compiled(), drill=True))


def test_a_visit_stands_in_the_record_without_what_was_written(
    desk: Any, recording: Recording, visit: Visit, body: bytes
) -> None:
    from doorward.desk.visit_store import VisitStore

    empty(desk)
    count = len(recording())
    store = VisitStore()
    first = store.put_once(visit, body, LIBRARY, NOW)
    assert store.put_once(visit, body, LIBRARY, NOW) == Stored(first.receipt, new=False)  # type: ignore[union-attr]
    (entry,) = recording()[count:]
    assert entry.kind is Kind.VISIT
    assert entry.get(Field.WHAT) == LIBRARY.kind.encode()
    assert entry.get(Field.DIGEST) == visit.digest.encode()
    assert entry.get(Field.LOGIN) is None
    held = b" ".join(value for _, value in entry.fields)
    for value in visit.values.values():
        assert str(value).encode() not in held


def test_what_cannot_be_recorded_is_not_put_and_uses_no_number(
    desk: Any, recording: Recording, visit: Visit, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from doorward.desk.models import Numbering
    from doorward.desk.models import Visit as Kept
    from doorward.desk.recorder import recorder
    from doorward.desk.visit_store import VisitStore

    empty(desk)
    assert recording() is not None
    before = list(Numbering.objects.values_list("year", "last"))

    def refuse(*_: object, **__: object) -> int:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(recorder(), "record", refuse)
        with pytest.raises(StoreError):
            VisitStore().put_once(visit, body, LIBRARY, NOW)
    assert not Kept.objects.exists()
    assert list(Numbering.objects.values_list("year", "last")) == before


def test_who_sees_a_visit_and_whose_names_are_shown(desk: Any, recording: Recording) -> None:
    from doorward.desk.models import Account
    from doorward.desk.roles import Role
    from doorward.desk.visit_store import VisitStore

    empty(desk)
    assert recording() is not None
    compiled = make_compiled()
    written = make_body(compiled)
    written["values"]["leader"] = "Agent Sample-Example"
    written["unknown"] = [name for name in written["unknown"] if name != "leader"]
    body = to_bytes(written)
    visit = read_visit(body, compiled, now=NOW)
    assert isinstance(visit, Visit), visit
    VisitStore().put_once(visit, body, LIBRARY, NOW)
    roles = {
        "same": (Role.STAFF, "front-1"), "other": (Role.STAFF, "front-2"), "law": (Role.LAW, ""),
        "auditor": (Role.AUDITOR, ""), "security": (Role.SECURITY, ""),
    }  # fmt: skip
    codes, shown = {}, {}
    named = [str(visit.values[name]) for name in visit.sealed if name in visit.values]
    assert named
    for name, (role, unit) in roles.items():
        login = f"visits.{name}.example"
        account = Account.objects.filter(login=login).first() or desk.account(login, role, unit=unit)
        answer = desk.client(account).get(f"/visits/{visit.id}/")
        codes[name] = answer.status_code
        shown[name] = named[0] in answer.content.decode()
    assert codes == {"same": 200, "other": 404, "law": 200, "auditor": 200, "security": 404}
    assert shown == {"same": True, "other": False, "law": True, "auditor": False, "security": False}


def test_a_phone_is_enrolled_by_a_code_made_at_the_desk_and_files(desk: Any, recording: Recording) -> None:
    from doorward.desk.models import Account
    from doorward.desk.models import Visit as Kept
    from doorward.desk.roles import Role
    from doorward.desk.wsgi import make_application

    empty(desk)
    assert recording() is not None
    login = "phones.example"
    account = Account.objects.filter(login=login).first() or desk.account(
        login, Role.ADMINISTRATOR, unit="front-1"
    )
    page = desk.client(account).post("/phones/", {"code": LIBRARY.id}).content.decode()
    code = page.split("Code ")[1].split("<")[0].strip()
    application = make_application()

    def call(method: str, path: str, body: bytes = b"") -> tuple[bytes, str]:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method, "PATH_INFO": path, "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": "application/json", "wsgi.input": BytesIO(body), "REMOTE_ADDR": "127.0.0.1",
        }  # fmt: skip
        setup_testing_defaults(environ)
        said: list[str] = []

        def begin(status: str, headers: list[tuple[str, str]], *_: object) -> Callable[[bytes], object]:
            assert headers
            said.append(status)
            return said.append  # type: ignore[return-value]  # nobody writes by it

        return b"".join(application(environ, begin)), said[0]

    assert call("GET", "/front/")[1] == "200 OK"
    raw = json.dumps({"format": 1, "code": code, "token": "t" * 43}).encode()
    answer, status = call("POST", "/front/enrol", raw)
    assert status == "200 OK", answer
    assert json.loads(answer)["place"] == LIBRARY.kind
    assert not Kept.objects.exists()
