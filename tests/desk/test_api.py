"""Filing by programs: a token, the same questions, once; what was not filed by a client does not exist for it."""

import json
import re
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it has no stubs
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from doorward.errors import StoreError
from doorward.record.entry import Entry, Field, Kind

Recording = Callable[[], list[Entry]]
DETAINER = {"of-custody": "hold", "who-asks": "ICE-ERO", "papers": ["detainer"], "custody-origin": "arrest"}
WARRANT = {"of-court": "enter", "who-asks": "FBI", "papers": ["court_criminal"]}


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  # tokens end by the real clock


class Program:
    """A client of the API, as a program of the city has it."""

    def __init__(self, desk: Any, token: str) -> None:
        from django.test import Client

        assert desk
        self.token = token
        self.http = Client(enforce_csrf_checks=True, headers={"host": "127.0.0.1"})

    def headers(self, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", **more}

    def get(self, path: str, **more: str) -> Any:
        return self.http.get(f"/api/v1/{path}", headers=self.headers(**more))

    def post(self, body: object, *, key: str = "", query: str = "", **more: str) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = self.headers(**{"Idempotency-Key": key or str(uuid.uuid4()), **more})  # noqa: TID251  # a client's
        return self.http.post(
            f"/api/v1/matters{query}", raw, content_type="application/json", headers=headers
        )

    def file(self, kind: str = "detainer", answers: object = None, **more: Any) -> Any:
        return self.post({"kind": kind, "answers": DETAINER if answers is None else answers}, **more)


@pytest.fixture
def make(desk: Any) -> Callable[..., Program]:
    """Makes a client of a fresh name."""

    def made(*kinds: str, unit: str = "lock-up-1", days: int = 30, begun: datetime | None = None) -> Program:
        from doorward.desk.api.clients import FilesAs, add_client

        name = f"c{uuid.uuid4().hex[:12]}"  # noqa: TID251  # a fresh name
        as_what = FilesAs("lockup-keeper", "CPD", "city", unit)
        token = add_client(
            name,
            as_what,
            kinds or ("detainer", "court-paper"),
            days=days,
            by="chief.example",
            now=begun or now(),
        )
        program = Program(desk, token)
        program.name = name  # type: ignore[attr-defined]  # for the tests that end it
        return program

    return made


@pytest.fixture
def program(make: Callable[..., Program], recording: Recording) -> Program:
    assert recording() is not None
    return make()


def problem(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == answer.status_code
    assert "\n" not in answer.content.decode()
    assert found["detail"]
    return answer.status_code, found["type"].removeprefix("urn:doorward:problem:")


def pointers(answer: Any) -> list[str]:
    return [one["pointer"] for one in answer.json()["errors"]]


# ---------------------------------------------------------------- filing


def test_a_program_files_and_is_told_what_the_order_answers(program: Program, recording: Recording) -> None:
    from doorward.desk.models import Matter

    answer = program.file()
    assert answer.status_code == 201
    found = answer.json()
    assert (found["decision"]["outcome"], found["decision"]["posture"]) == ("deny", "decline")
    assert {"C20a1C", "T15a"} <= set(found["decision"]["clauses"])
    matter = Matter.objects.get(pk=found["id"])
    assert (matter.channel, matter.unit, matter.number) == ("api", "lock-up-1", found["number"])
    entry = recording()[-1]
    assert (entry.kind, entry.sequence, entry.get(Field.WHAT)) == (Kind.MATTER, found["entry"], b"detainer")
    assert entry.get(Field.LOGIN) == matter.filed_by.login.encode()
    assert matter.filed_by.login.startswith("client:")
    location = answer.headers["location"]
    assert location == f"/api/v1/matters/{matter.pk}"
    assert program.get(location.removeprefix("/api/v1/")).json() == found


def test_a_preview_is_recorded_and_files_nothing(program: Program, recording: Recording) -> None:
    from doorward.desk.models import Matter

    count, entries = Matter.objects.count(), len(recording())
    answer = program.file(query="?preview=1", key="one")
    assert (answer.status_code, answer.json()["decision"]["outcome"]) == (200, "deny")
    assert Matter.objects.count() == count
    (entry,) = recording()[entries:]
    assert (entry.kind, entry.get(Field.ACT), entry.get(Field.OUTCOME)) == (Kind.ACT, b"preview", b"deny")
    assert program.file(key="one").status_code == 201


def test_the_same_request_again_gets_the_same_answer_and_files_nothing(
    program: Program, recording: Recording
) -> None:
    from doorward.desk.models import Matter

    first = program.file("court-paper", WARRANT, key="again")
    Matter.objects.filter(pk=first.json()["id"]).update(state="answered", outcome="permit")
    count = len(recording())
    spaced = json.dumps(
        {"answers": dict(reversed(WARRANT.items())), "kind": "court-paper"}, indent=3
    ).encode()
    for answer in (program.file("court-paper", WARRANT, key="again"), program.post(spaced, key='"again"')):
        assert (answer.status_code, answer.content) == (201, first.content)
    assert len(recording()) == count
    now_stands = program.get(f"matters/{first.json()['id']}").json()
    assert now_stands["state"] == "answered"


def test_a_key_with_another_body_is_refused_and_files_nothing(program: Program, recording: Recording) -> None:
    program.file(key="other")
    count = len(recording())
    answer = program.file(answers={**DETAINER, "of-custody": "transfer"}, key="other")
    assert problem(answer) == (422, "reused")
    assert len(recording()) == count


def test_the_key_of_another_client_files_ones_own(program: Program, make: Callable[..., Program]) -> None:
    first, second = program.file(key="shared").json(), make().file(key="shared").json()
    assert first["id"] != second["id"]


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "a b", "ключ", '"', 'a"b"'])
def test_without_a_key_nothing_is_filed(program: Program, recording: Recording, key: str) -> None:
    count = len(recording())
    body = json.dumps({"kind": "detainer", "answers": DETAINER})
    headers = program.headers(**({"Idempotency-Key": key} if key else {}))
    answer = program.http.post("/api/v1/matters", body, content_type="application/json", headers=headers)
    assert problem(answer) == (400, "key")
    assert len(recording()) == count


def test_two_at_once_with_one_key_file_one_and_record_one(
    desk: Any, program: Program, recording: Recording
) -> None:
    """Both have looked before either has filed: the second waits for its turn, and looks again."""
    from django.db import connection, transaction

    from doorward.desk.filing import next_number
    from doorward.desk.models import Matter

    assert desk
    count, matters = len(recording()), Matter.objects.count()
    answers: list[Any] = []

    def file() -> None:
        try:
            answers.append(program.file(key="race"))
        finally:
            connection.close()

    threads = [threading.Thread(target=file) for _ in range(2)]
    with transaction.atomic():
        next_number(now())
        for thread in threads:
            thread.start()
        waiting = 0
        while waiting < 2:
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                (waiting,) = cursor.fetchone() or (0,)
        transaction.set_rollback(True)
    for thread in threads:
        thread.join(60)
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert (len(recording()) - count, Matter.objects.count() - matters) == (1, 1)


def test_what_cannot_be_recorded_is_not_filed(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from doorward.desk.models import Matter
    from doorward.desk.recorder import recorder

    def refuse(*_: object, **__: object) -> int:
        raise StoreError("the disk is full")

    count = Matter.objects.count()
    with monkeypatch.context() as patched:
        patched.setattr(recorder(), "record", refuse)
        for query in ("", "?preview=1"):
            answer = program.file(key="disk", query=query)
            assert problem(answer) == (503, "record")
            assert answer.headers["retry-after"] == "60"
    assert Matter.objects.count() == count
    assert program.file(key="disk").status_code == 201


def test_a_database_that_does_not_answer_is_a_problem_too(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("connection refused by db.internal")

    with monkeypatch.context() as patched:
        patched.setattr("doorward.desk.views.api.find_caller", refuse)
        answer = program.file(key="down")
    assert problem(answer) == (503, "record")
    assert "db.internal" not in answer.content.decode()
    assert program.file(key="down").status_code == 201


def test_what_a_program_filed_is_never_changed(program: Program) -> None:
    from django.db import DatabaseError, connection

    assert program.file().status_code == 201
    for statement in (
        "UPDATE api_filing SET body_sha256 = ''",
        "DELETE FROM api_filing",
        "TRUNCATE api_filing",
    ):
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute(statement)


# ---------------------------------------------------------------- bodies


@pytest.mark.parametrize(
    ("raw", "status", "word"),
    [
        (b" ", 400, "body"),
        (b"[]", 400, "body"),
        (b"null", 400, "body"),
        (b'{"kind": "detainer"}', 400, "body"),
        (b'{"kind": "detainer", "answers": {}, "more": 1}', 400, "body"),
        (b'{"kind": 1, "answers": {}}', 400, "body"),
        (b'{"kind": "detainer", "kind": "detainer", "answers": {}}', 400, "body"),
        (b'{"kind": "detainer", "answers": {"note": "a", "note": "b"}}', 400, "body"),
        (b'{"kind": "detainer", "answers": {"note": NaN}}', 400, "body"),
        (b'{"kind": "detainer", "answers": {"note": Infinity}}', 400, "body"),
        (b'{"kind": "detainer", "answers": {"note": 1e999}}', 400, "body"),
        (b'{"kind": "detainer", "answers": {"note": ' + b"1" * 5000 + b"}}", 400, "body"),
        (b'{"kind": "detainer", "answers": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", 400, "body"),
        (b'{"a":' * 9_000 + b"1" + b"}" * 9_000, 400, "body"),
        (b'{"kind": "detainer", "answers": {}} {}', 400, "body"),
        (b'{"kind": "detainer", "answers": {}', 400, "body"),
        (b"\xff\xfe{}", 400, "body"),
        (b"\xef\xbb\xbf{}", 400, "body"),
        (b'{"kind": "detainer", "answers": {"note": "' + b"x" * 65_536 + b'"}}', 413, "large"),
    ],
)
def test_a_body_that_is_none_is_refused_in_a_line(
    program: Program, recording: Recording, raw: bytes, status: int, word: str
) -> None:
    count = len(recording())
    assert problem(program.post(raw)) == (status, word)
    assert len(recording()) == count


@pytest.mark.parametrize(
    ("kind", "answers", "at"),
    [
        ("subpoena", {}, ["#/kind"]),
        ("no-such-kind", {}, ["#/kind"]),
        ("\ud800", {}, ["#/kind"]),
        ("detainer", {}, ["#/answers/of-custody"]),
        ("detainer", {**DETAINER, "who-asks": "MOON"}, ["#/answers/who-asks"]),
        ("detainer", {**DETAINER, "papers": "detainer"}, ["#/answers/papers"]),
        ("detainer", {**DETAINER, "note": 7}, ["#/answers/note"]),
        ("detainer", {**DETAINER, "note": {"a": []}}, ["#/answers/note"]),
        ("detainer", {**DETAINER, "note": "a\u202eb"}, ["#/answers/note"]),
        ("detainer", {**DETAINER, "note": "\ud800"}, ["#/answers/note"]),
        ("detainer", {**DETAINER, "note": "a\r\nX: y"}, ["#/answers/note"]),
        ("detainer", {**DETAINER, "verified": "yes"}, ["#/answers"]),
        ("detainer", {**DETAINER, "received": "2999-01-05T09:30-06:00"}, ["#/answers/received"]),
        ("detainer", {**DETAINER, "received": "2026-01-05T09:30"}, ["#/answers/received"]),
        ("court-paper", {**WARRANT, "holding": "police"}, ["#/answers/holding"]),
        ("detainer", [], ["#/answers"]),
        ("detainer", None, ["#/answers"]),
        ("detainer", {str(number): "x" for number in range(200)}, ["#/answers"]),
    ],
)
def test_answers_that_make_no_request_are_refused_with_a_pointer_and_without_an_echo(
    program: Program, recording: Recording, kind: str, answers: object, at: list[str]
) -> None:
    count = len(recording())
    answer = program.post({"kind": kind, "answers": answers})
    assert problem(answer) == (422, "answers")
    assert pointers(answer) == at
    for word in ("MOON", "no-such-kind", "2999", "X: y"):
        assert word not in answer.content.decode()
    assert len(recording()) == count


def test_text_is_written_down_as_the_form_writes_it(program: Program) -> None:
    from doorward.desk.models import Matter

    found = program.file(answers={**DETAINER, "note": "  Officina\u0300 sergeant "}).json()
    assert Matter.objects.get(pk=found["id"]).answers["note"] == ["Officin\u00e0 sergeant"]


@pytest.mark.parametrize(
    ("more", "status", "word"),
    [
        ({"content_type": "text/plain"}, 415, "media"),
        ({"content_type": "multipart/form-data; boundary=x"}, 415, "media"),
        ({"CONTENT_LENGTH": ""}, 411, "length"),
        ({"CONTENT_LENGTH": "-1"}, 411, "length"),
        ({"CONTENT_LENGTH": "9" * 30}, 413, "large"),
    ],
)
def test_a_request_of_another_shape_is_refused(
    program: Program, more: dict[str, str], status: int, word: str
) -> None:
    headers = program.headers(**{"Idempotency-Key": "x"})
    said: dict[str, Any] = {"content_type": "application/json", "headers": headers, **more}
    assert problem(program.http.post("/api/v1/matters", b"{}", **said)) == (status, word)


# ---------------------------------------------------------------- who


def test_a_client_never_sees_what_it_did_not_file(
    desk: Any, program: Program, make: Callable[..., Program]
) -> None:
    """Of the same unit and kind, and yet: by another client, by a person, sealed, or never there."""
    from doorward.desk.models import Account, Matter
    from doorward.desk.roles import Role

    own, theirs = program.file().json()["id"], make().file().json()["id"]
    login = "api.officer.example"
    officer = Account.objects.filter(login=login).first() or desk.account(
        login, Role.OFFICER, unit="lock-up-1"
    )
    token = str(uuid.uuid4())  # noqa: TID251  # a form's
    sent = {"of-custody": "hold", "token": token, "file": "1"}
    by_form = desk.client(officer).post("/new/detainer/", sent).headers["location"].split("/")[2]
    sealed = program.file().json()["id"]
    Matter.objects.filter(pk=sealed).update(sealed_until=now() + timedelta(days=9))
    assert program.get(f"matters/{own}").status_code == 200
    missing = program.get("matters/00000000-0000-4000-8000-000000000000")
    for other in (theirs, by_form, sealed):
        answer = program.get(f"matters/{other}")
        assert problem(answer) == (404, "not-found")
        assert answer.content == missing.content
    assert [one["id"] for one in program.get("matters").json()["matters"]] == [own]
    assert (
        desk.client(officer).get(f"/matters/{own}/").status_code == 200
    )  # the unit's people see what it filed


def test_pages_follow_each_other_while_more_is_filed(program: Program) -> None:
    filed = [program.file().json()["id"] for _ in range(5)]
    first = program.get("matters?limit=2").json()
    program.file()
    second = program.get(f"matters?limit=2&cursor={first['next']}").json()
    third = program.get(f"matters?limit=2&cursor={second['next']}").json()
    seen = [one["id"] for page in (first, second, third) for one in page["matters"]]
    assert seen == filed[::-1]
    assert third["next"] is None


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "limit=", "limit=\u0663", "cursor=", "cursor=AAAA", "cursor=!"],
)
def test_a_page_that_is_none_is_refused(program: Program, query: str) -> None:
    assert problem(program.get(f"matters?{query}")) == (400, "query")


def test_kinds_are_those_that_it_may_file(program: Program) -> None:
    found = program.get("kinds").json()
    assert [one["id"] for one in found["kinds"]] == ["detainer", "court-paper"]
    schema = program.get(found["kinds"][0]["schema"].removeprefix("/api/v1/"))
    assert schema.headers["content-type"] == "application/schema+json"
    Draft202012Validator(schema.json()).validate(DETAINER)
    assert problem(program.get("kinds/subpoena")) == (404, "not-found")
    assert problem(program.get("kinds/nothing")) == (404, "not-found")
    assert problem(program.get("anything/else")) == (404, "not-found")


def test_every_token_that_does_not_hold_is_answered_alike(
    desk: Any, make: Callable[..., Program], recording: Recording, django_queries: Any
) -> None:
    from doorward.desk.api.clients import end_client
    from doorward.desk.api.token import format_token

    assert recording() is not None
    ended, expired, good = make(), make(days=1, begun=now() - timedelta(days=2)), make()
    end_client(ended.name, now=now())  # type: ignore[attr-defined]  # as the fixture sets it
    other = format_token(bytes.fromhex(good.token.split("_")[1]), bytes(32))
    unknown = Program(desk, format_token(bytes(8), bytes(32)))
    answers, queries = [], []
    for one in (ended, expired, Program(desk, other), unknown):
        with django_queries() as asked:
            answers.append(one.get("kinds"))
        queries.append(len(asked))
    assert {problem(answer) for answer in answers} == {(401, "token")}
    assert {(answer.content, tuple(sorted(answer.headers.items()))) for answer in answers} == {
        (answers[0].content, tuple(sorted(answers[0].headers.items())))
    }
    assert queries == [1, 1, 1, 1]
    assert answers[0].headers["www-authenticate"] == "Bearer"
    for header in (
        "",
        "Bearer",
        "Bearer x",
        f"Basic {good.token}",
        f"Bearer {good.token}=",
        f"Bearer {good.token} x",
    ):
        answer = good.http.get("/api/v1/kinds", headers={"Authorization": header})
        assert answer.content == answers[0].content
    assert good.get("kinds").status_code == 200


@pytest.fixture
def django_queries(desk: Any) -> Any:
    assert desk
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    return lambda: CaptureQueriesContext(connection)


def test_no_session_opens_it_and_no_answer_is_for_another_site(desk: Any, program: Program) -> None:
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    login = "api.law.example"
    law = desk.client(Account.objects.filter(login=login).first() or desk.account(login, Role.LAW))
    assert problem(law.get("/api/v1/matters")) == (401, "token")
    answer = program.get("kinds", Origin="https://evil.example", Cookie="sessionid=x")
    assert answer.cookies == {}
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert "cookie" not in answer.headers.get("vary", "").lower()
    asked = program.http.options("/api/v1/matters", headers={"Origin": "https://evil.example"})
    assert problem(asked) == (405, "method")
    assert asked.headers["allow"] == "GET, HEAD, POST"
    assert program.http.head("/api/v1/kinds", headers=program.headers()).status_code == 200
    for method in ("put", "delete", "patch", "trace"):
        assert getattr(program.http, method)("/api/v1/matters").status_code == 405


def test_nobody_signs_in_as_a_program(desk: Any, program: Program) -> None:
    from django.contrib.auth import authenticate

    from doorward.desk.models import Account

    account = Account.objects.get(login=f"client:{program.name}")  # type: ignore[attr-defined]  # as above
    assert not account.is_active
    account.set_password("a password that somebody set")
    account.save()
    assert authenticate(None, username=account.login, password="a password that somebody set") is None
    assert desk.client(account).get("/queue/").status_code == 302


def test_a_rotated_token_overlaps_as_long_as_said(program: Program, desk: Any) -> None:
    from doorward.desk.api.clients import rotate_client
    from doorward.desk.models import Assignment

    name = program.name  # type: ignore[attr-defined]  # as above
    own = program.file().json()["id"]
    second = Program(
        desk, rotate_client(name, days=90, overlap=timedelta(hours=1), by="chief.example", now=now())
    )
    assert (program.get("kinds").status_code, second.get("kinds").status_code) == (200, 200)
    third = Program(desk, rotate_client(name, days=90, overlap=timedelta(0), by="chief.example", now=now()))
    assert [one.get("kinds").status_code for one in (program, second, third)] == [401, 401, 200]
    assert third.get(f"matters/{own}").status_code == 200
    held = Assignment.objects.filter(account__login=f"client:{name}", until__gt=now())
    assert [one.given_by for one in held] == ["chief.example"]


def test_a_client_whose_assignment_has_ended_files_nothing(program: Program, recording: Recording) -> None:
    from doorward.desk.models import Assignment

    count = len(recording())
    name = program.name  # type: ignore[attr-defined]  # as above
    held = Assignment.objects.get(account__login=f"client:{name}")
    Assignment.objects.filter(pk=held.pk).update(begins=held.begins - timedelta(days=1), until=held.begins)
    assert problem(program.file()) == (401, "token")
    assert len(recording()) == count


def test_no_secret_is_kept(program: Program) -> None:
    from doorward.desk.models import ApiToken

    _, token_id, secret = program.token.split("_", 2)
    held = ApiToken.objects.get(pk=token_id)
    assert len(held.digest) == 32
    assert secret.encode() not in bytes(held.digest)
    assert re.fullmatch("dwc_[0-9a-f]{16}_[A-Za-z0-9_-]{43}", program.token)


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize("name", ["API_CALLS", "API_FILINGS"])
def test_a_client_that_asks_too_often_waits_and_others_do_not(
    program: Program, make: Callable[..., Program], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from doorward.desk.limits import Rate

    monkeypatch.setattr(f"doorward.desk.views.api.{name}", Rate(name, 2, 86_400))
    assert [program.file().status_code for _ in range(2)] == [201, 201]
    answer = program.file()
    assert problem(answer) == (429, "often")
    assert int(answer.headers["retry-after"]) > 0
    assert make().file().status_code == 201


def test_an_address_that_guesses_waits_and_a_token_that_holds_is_let_in(
    program: Program, desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from doorward.desk.limits import Rate

    monkeypatch.setattr("doorward.desk.views.api.API_REFUSED", Rate("refused", 2, 86_400))
    guesser = Program(desk, "dwc_0123456789abcdef_" + "A" * 43)
    assert [guesser.get("kinds").status_code for _ in range(4)] == [401, 401, 429, 429]
    assert program.get("kinds").status_code == 200


# ---------------------------------------------------------------- the description


def test_every_answer_is_as_the_description_says(program: Program) -> None:
    described = program.get("openapi.json").json()
    schemas = described["components"]["schemas"]
    registry = Registry().with_resource("urn:api", DRAFT202012.create_resource(described))

    def check(name: str, value: object) -> None:
        schema = {"$ref": f"urn:api#/components/schemas/{name}"}
        Draft202012Validator(schema, registry=registry).validate(value)

    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    filed = program.file("court-paper", WARRANT)
    check("Matter", filed.json())
    check("Filing", {"kind": "court-paper", "answers": WARRANT})
    check("Preview", program.file(query="?preview=1").json())
    check("Matters", program.get("matters?limit=1").json())
    check("Kinds", program.get("kinds").json())
    for refused in (program.post(b" "), program.post({"kind": "x", "answers": {}}), program.get("x")):
        check("Problem", refused.json())
    assert [name for name in schemas if name.startswith("answers-")] == [
        "answers-court-paper",
        "answers-detainer",
    ]
