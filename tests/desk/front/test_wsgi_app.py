"""The endpoints: files, enrolment, a record put once. Each refusal, and that none of them changes anything."""

import gzip
import io
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from wsgiref.validate import validator

import pytest

from doorward.desk.front.build import build_app
from doorward.desk.front.wsgi_app import FrontApp, Limits
from tests_support.front_sample import make_body, make_compiled, to_bytes
from tests_support.front_store import CLINIC, LIBRARY, NOW, MemoryStore, digest, memory_store

__all__ = ["memory_store"]

COMPILED = make_compiled()
BUILT = build_app(COMPILED, "0.1.0")
TOKEN = "t" * 43
OTHER_TOKEN = "u" * 43


@dataclass
class Got:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """Asks the application as a server would, by the rules of PEP 3333."""

    store: MemoryStore
    limits: Limits = field(default_factory=Limits)
    now: datetime = NOW

    def ask(self, method: str, path: str, body: bytes = b"", **more: str) -> Got:
        app = validator(
            FrontApp(
                BUILT,
                {COMPILED["version"]: COMPILED}.get,
                self.store,
                now=lambda: self.now,
                limits=self.limits,
            )
        )
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "/front",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "desk.example",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.7",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **(
                {"CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": "application/json"}
                if method == "POST"
                else {}
            ),
            **more,
        }
        said: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], _error: object = None) -> Any:
            said.append((status, headers))
            return lambda _data: None

        answer = app(environ, start)
        content = b"".join(answer)
        answer.close()  # type: ignore[attr-defined]  # the validator's iterator has one
        return Got(int(said[0][0][:3]), dict(said[0][1]), content)

    def enrol(self, code: str = "FR0NT001", token: str = TOKEN, **more: str) -> Got:
        return self.ask("POST", "/enrol", to_bytes({"format": 1, "code": code, "token": token}), **more)

    def file(self, body: dict[str, Any] | bytes, token: str = TOKEN, **more: str) -> Got:
        raw = body if isinstance(body, bytes) else to_bytes(body)
        key = body["id"] if isinstance(body, dict) else ""
        headers = {"HTTP_AUTHORIZATION": f"Bearer {token}", "HTTP_IDEMPOTENCY_KEY": key, **more}
        return self.ask("POST", "/visits", raw, **headers)


@pytest.fixture
def client(memory_store: MemoryStore) -> Client:
    return Client(memory_store)


@pytest.fixture
def enrolled(client: Client) -> Client:
    assert client.enrol().status == 200
    return client


def test_the_page_and_the_worker_are_asked_for_again_and_the_rest_is_kept_for_ever(client: Client) -> None:
    for path in BUILT:
        got = client.ask("GET", f"/{path}")
        assert got.status == 200
        assert got.body == BUILT[path]
        wanted = "no-cache" if path in {"index.html", "sw.js"} else "public, max-age=31536000, immutable"
        assert got.headers["Cache-Control"] == wanted
    assert client.ask("GET", "/").body == BUILT["index.html"]
    assert client.ask("GET", "/sw.js").headers["Service-Worker-Allowed"] == "./"


def test_files_are_sent_compressed_and_as_not_modified(client: Client) -> None:
    plain = client.ask("GET", "/")
    packed = client.ask("GET", "/", HTTP_ACCEPT_ENCODING="br, gzip")
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["Vary"] == "Accept-Encoding"
    same = client.ask("GET", "/", HTTP_IF_NONE_MATCH=plain.headers["ETag"])
    assert (same.status, same.body) == (304, b"")
    head = client.ask("HEAD", "/")
    assert (head.status, head.body) == (200, b"")


@pytest.mark.parametrize("path", ["/", "/sw.js", "/nothing", "/visits", "/enrol"])
def test_every_answer_is_locked_down(client: Client, path: str) -> None:
    headers = client.ask("GET", path).headers
    policy = dict(each.strip().partition(" ")[::2] for each in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Permissions-Policy"].startswith("camera=(), microphone=()")
    assert "Set-Cookie" not in headers


def test_the_address_without_its_slash_leads_to_the_app(client: Client) -> None:
    got = client.ask("GET", "")
    assert (got.status, got.headers["Location"]) == (301, "/front/")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("GET", "/../sw.js", 404), ("GET", "//index.html", 404), ("POST", "/", 405),
     ("DELETE", "/visits", 405), ("GET", "/visits", 405), ("GET", "/enrol", 405)],
)  # fmt: skip
def test_nothing_else_stands_there(client: Client, method: str, path: str, status: int) -> None:
    assert client.ask(method, path).status == status


def test_a_code_gives_a_phone_its_place(client: Client) -> None:
    got = client.enrol("fr0nt-o01".replace("o", "O"))
    assert got.status == 200
    assert got.json == {"place": "library", "name": LIBRARY.name, "contacts": dict(LIBRARY.contacts)}
    assert client.enrol() == got
    assert client.enrol(token=OTHER_TOKEN).status == 403


@pytest.mark.parametrize(
    ("code", "token"),
    [("", TOKEN), ("X" * 17, TOKEN), ("FR0NT001", "short"), ("FR0NT001", ""), ("N0THING", TOKEN)],
)
def test_every_wrong_code_is_refused_alike(client: Client, code: str, token: str) -> None:
    got = client.enrol(code, token)
    assert (got.status, got.json) == (403, {"error": "expected a code that the desk shows"})
    assert client.store.tokens == {}


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"x",
        b'{"format":1,"code":"A","token":"B","more":1}',
        b'{"format":2,"code":"A","token":"B"}',
    ],
)
def test_another_form_of_enrolment_is_refused(client: Client, body: bytes) -> None:
    assert client.ask("POST", "/enrol", body).status == 400


def test_codes_can_not_be_tried_without_end(client: Client) -> None:
    assert [client.enrol("WR0NG00").status for _ in range(10)] == [403] * 10
    got = client.enrol()
    assert got.status == 429
    assert 0 < int(got.headers["Retry-After"]) <= 600
    assert client.enrol(REMOTE_ADDR="192.0.2.8").status == 200
    client.now += timedelta(seconds=601)
    assert client.enrol("WR0NG00").status == 403


def test_codes_can_not_be_tried_from_everywhere(memory_store: MemoryStore) -> None:
    client = Client(memory_store, Limits(all_codes=(3, 600)))
    assert [client.enrol("WR0NG00", REMOTE_ADDR=f"192.0.2.{each}").status for each in range(4)] == [
        403,
        403,
        403,
        429,
    ]


def test_a_record_is_put_once_and_answered_alike(enrolled: Client) -> None:
    body = make_body(COMPILED)
    first = enrolled.file(body)
    enrolled.now += timedelta(minutes=5)
    again = enrolled.file(body)
    assert (first.status, again.status) == (201, 200)
    assert first.body == again.body
    assert first.json["digest"] == digest(to_bytes(body).decode()).hex()
    assert first.json["entry"] == "V-000001"
    assert len(enrolled.store.visits) == 1


def test_other_bytes_under_the_same_id_are_a_conflict(enrolled: Client) -> None:
    enrolled.file(make_body(COMPILED))
    assert enrolled.file(make_body(COMPILED, drill=True)).status == 409
    assert len(enrolled.store.visits) == 1


def test_another_place_gets_no_receipt(enrolled: Client) -> None:
    enrolled.store.tokens[digest(OTHER_TOKEN)] = CLINIC
    enrolled.file(make_body(COMPILED))
    assert enrolled.file(make_body(COMPILED), token=OTHER_TOKEN).status == 409


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {OTHER_TOKEN}", f"Bearer {TOKEN} "]
)
def test_no_token_no_record(enrolled: Client, header: str) -> None:
    got = enrolled.file(make_body(COMPILED), HTTP_AUTHORIZATION=header)
    assert (got.status, got.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert enrolled.store.visits == {}


def test_a_token_that_was_taken_back_is_none(enrolled: Client) -> None:
    enrolled.store.take_back(digest(TOKEN))
    assert enrolled.file(make_body(COMPILED)).status == 401


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"CONTENT_TYPE": "text/plain"}, 415),
        ({"CONTENT_TYPE": "application/x-www-form-urlencoded"}, 415),
        ({"CONTENT_LENGTH": ""}, 411),
        ({"CONTENT_LENGTH": "65537"}, 413),
        ({"CONTENT_LENGTH": "9999"}, 400),
        ({"HTTP_SEC_FETCH_SITE": "cross-site"}, 403),
        ({"HTTP_SEC_FETCH_SITE": "same-site"}, 403),
        ({"HTTP_IDEMPOTENCY_KEY": ""}, 400),
        ({"HTTP_IDEMPOTENCY_KEY": "another"}, 400),
    ],
)
def test_a_request_of_another_form_is_refused(enrolled: Client, more: dict[str, str], status: int) -> None:
    assert enrolled.file(make_body(COMPILED), **more).status == status
    assert enrolled.store.visits == {}


def test_a_record_with_faults_is_given_back_by_field_and_code(enrolled: Client) -> None:
    secret = "born in Anytown"
    got = enrolled.file(
        make_body(
            COMPILED, values={"begun": "request", "came": "2026-11-26T10:01:00-06:00", "purpose": secret}
        )
    )
    assert got.status == 422
    assert got.json == {"faults": [{"field": "purpose", "code": "birth-date"}], "now": "2026-11-26T16:30:00Z"}
    assert secret.encode() not in got.body
    assert enrolled.store.visits == {}


def test_a_record_of_a_version_that_the_desk_does_not_have_is_refused(enrolled: Client) -> None:
    assert enrolled.file(make_body(COMPILED, version="0" * 64)).status == 409
    assert enrolled.file(make_body(COMPILED, version="latest")).status == 400
    assert enrolled.file(b"no record").status == 400


def test_records_have_a_limit_and_it_ends(memory_store: MemoryStore) -> None:
    client = Client(memory_store, Limits(visits=(2, 60), strangers=(1, 60)))
    client.enrol()
    assert [client.file(make_body(COMPILED)).status for _ in range(3)] == [201, 200, 429]
    assert [client.file(make_body(COMPILED), token=OTHER_TOKEN).status for _ in range(2)] == [401, 429]
    client.now += timedelta(seconds=61)
    assert client.file(make_body(COMPILED)).status == 200
