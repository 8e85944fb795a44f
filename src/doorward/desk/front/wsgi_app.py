"""The front desk's endpoints as a WSGI application: the app's files, a phone's enrolment, a visit record put once.

    GET  /               the app, and its files below
    POST /enrol          {"format": 1, "code": "…", "token": "…"}  ->  {"place": kind, "name": …, "contacts": {…}}
    POST /visits         a visit record, `Idempotency-Key`, `Authorization: Bearer …`  ->  a receipt

No cookies, so nothing of another site's can act with them; a token stands for a place, not for a person. A repeat of a
record is answered with the receipt of the first, byte for byte: 201 the first time, 200 after. Nothing is logged here.

The rules of a record are in visits.py, those of the store in store.py; the clock and both are handed in.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIEnvironment

from doorward.desk.front.pages import SECURITY_HEADERS, Page, make_pages
from doorward.desk.front.store import Conflict, Store
from doorward.desk.front.visits import (
    MAX_BODY_BYTES,
    Faults,
    format_receipt,
    read_document,
    read_visit,
    version_of,
)

_CODE: Final = re.compile("[0-9A-Z]{6,16}")
_TOKEN: Final = re.compile("[A-Za-z0-9_-]{43}")
_STATUS: Final = {
    200: "200 OK",
    201: "201 Created",
    301: "301 Moved Permanently",
    304: "304 Not Modified",
    400: "400 Bad Request",
    401: "401 Unauthorized",
    403: "403 Forbidden",
    404: "404 Not Found",
    405: "405 Method Not Allowed",
    409: "409 Conflict",
    411: "411 Length Required",
    413: "413 Content Too Large",
    415: "415 Unsupported Media Type",
    422: "422 Unprocessable Content",
    429: "429 Too Many Requests",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How often, within how many seconds.

    Args:
        codes: Tries of enrolment codes from one address.
        all_codes: From everywhere together: a code has 40 bits and holds for minutes.
        visits: Records of one phone, repeats too.
        strangers: Records with no known token from one address.
    """

    codes: tuple[int, int] = (10, 600)
    all_codes: tuple[int, int] = (100, 600)
    visits: tuple[int, int] = (60, 60)
    strangers: tuple[int, int] = (30, 600)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and headers of an answer."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class FrontApp:
    """The application.

    Args:
        built: What `build_app` built.
        compiled_of: The compiled protocols of a version, or None. It must know each version that a phone may still
            hold: a record is of the version under which it was begun.
        store: See `doorward.desk.front.store`.
        now: The desk's clock, aware.
        limits: Of tries and records.
    """

    def __init__(
        self,
        built: Mapping[str, bytes],
        compiled_of: Callable[[str], Mapping[str, Any] | None],
        store: Store,
        *,
        now: Callable[[], datetime],
        limits: Limits | None = None,
    ) -> None:
        self._pages = make_pages(built)
        self._compiled_of, self._store, self._now = compiled_of, store, now
        self._limits = limits or Limits()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        answer = self._answer(environ)
        headers = [*SECURITY_HEADERS, *answer.headers]
        if answer.status != 304:
            headers.append(("Content-Length", str(len(answer.body))))
        start_response(_STATUS[answer.status], headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        if path == "":
            return _refused(
                301, "the app stands at the address with a slash", ("Location", f"{environ['SCRIPT_NAME']}/")
            )
        posts = {"/enrol": self._enrol, "/visits": self._file}
        if path in posts:
            return (
                posts[path](environ)
                if method == "POST"
                else _refused(405, "expected POST", ("Allow", "POST"))
            )
        page = self._pages.get(path[1:])
        if page is None:
            return _refused(404, "nothing stands here")
        if method not in {"GET", "HEAD"}:
            return _refused(405, "expected GET", ("Allow", "GET, HEAD"))
        return _sent(page, environ)

    def _enrol(self, environ: WSGIEnvironment) -> Answer:
        """Bind the phone's token to the place of a code."""
        now = self._now()
        address = environ.get("REMOTE_ADDR", "")
        for key, bound in ((f"code {address}", self._limits.codes), ("code", self._limits.all_codes)):
            wait = self._count(key, bound, now)
            if wait:
                return _wait(wait)
        body = _read_body(environ)
        if isinstance(body, Answer):
            return body
        document = read_document(body)
        if document is None or document.keys() != {"format", "code", "token"} or document["format"] != 1:
            return _refused(400, "expected format, code and token")
        code, token = document["code"], document["token"]
        code = _canonical_code(code) if isinstance(code, str) else ""
        if not _CODE.fullmatch(code) or not isinstance(token, str) or not _TOKEN.fullmatch(token):
            return _refused(403, "expected a code that the desk shows")
        place = self._store.redeem(_digest(code), _digest(token), now)
        if place is None:
            return _refused(403, "expected a code that the desk shows")
        return _json(200, {"place": place.kind, "name": place.name, "contacts": dict(place.contacts)})

    def _file(self, environ: WSGIEnvironment) -> Answer:
        """Put a record once."""
        now = self._now()
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        digest = _digest(token)
        place = self._store.place_of(digest) if scheme == "Bearer" and _TOKEN.fullmatch(token) else None
        if place is None:
            wait = self._count(f"stranger {environ.get('REMOTE_ADDR', '')}", self._limits.strangers, now)
            return (
                _wait(wait)
                if wait
                else _refused(401, "expected the token of a place", ("WWW-Authenticate", "Bearer"))
            )
        wait = self._count(f"visits {digest.hex()}", self._limits.visits, now)
        if wait:
            return _wait(wait)
        body = _read_body(environ)
        if isinstance(body, Answer):
            return body
        version = version_of(body)
        if version is None:
            return _refused(400, "expected a visit record")
        compiled = self._compiled_of(version)
        if compiled is None:
            return _refused(409, "expected a version of the protocols that this desk has")
        visit = read_visit(body, compiled, now=now)
        if isinstance(visit, Faults):
            return _json(
                422,
                {"faults": [_shown(fault.field, fault.code) for fault in visit.faults], "now": _text(now)},
            )
        if environ.get("HTTP_IDEMPOTENCY_KEY") != visit.id:
            return _refused(400, "expected the record's id as Idempotency-Key")
        stored = self._store.put_once(visit, body, place, now)
        if isinstance(stored, Conflict):
            return _refused(409, "another record stands under this id")
        return Answer(201 if stored.new else 200, format_receipt(stored.receipt), _JSON_HEADERS)

    def _count(self, key: str, bound: tuple[int, int], now: datetime) -> int:
        return self._store.count(key, limit=bound[0], window_seconds=bound[1], now=now)


_JSON_HEADERS: Final = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))


def _read_body(environ: WSGIEnvironment) -> bytes | Answer:
    """Return the body of a request of our own app, or what to answer in its place."""
    if environ.get("HTTP_SEC_FETCH_SITE", "same-origin") not in {"same-origin", "none"}:
        return _refused(403, "expected a request of this site")
    if environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != "application/json":
        return _refused(415, "expected application/json")
    length = environ.get("CONTENT_LENGTH", "")
    if not re.fullmatch("[0-9]{1,10}", length):
        return _refused(411, "expected a length")
    if int(length) > MAX_BODY_BYTES:
        return _refused(413, f"expected {MAX_BODY_BYTES} bytes at most")
    body: bytes = environ["wsgi.input"].read(int(length))
    return body if len(body) == int(length) else _refused(400, "expected a whole body")


def _sent(page: Page, environ: WSGIEnvironment) -> Answer:
    if page.etag in environ.get("HTTP_IF_NONE_MATCH", ""):
        return Answer(304, headers=tuple(header for header in page.headers if header[0] != "Content-Type"))
    if page.compressed is not None and "gzip" in environ.get("HTTP_ACCEPT_ENCODING", ""):
        return Answer(200, page.compressed, (*page.headers, ("Content-Encoding", "gzip")))
    return Answer(200, page.content, page.headers)


def _canonical_code(code: str) -> str:
    """Return a code as the desk made it: people type small letters, spaces, and O for 0 (Crockford's base 32)."""
    return re.sub(r"[\s-]", "", code).upper().translate(str.maketrans("OIL", "011"))


def _shown(field: str, code: str) -> dict[str, str]:
    return {"field": field, "code": code}


def _json(status: int, value: object) -> Answer:
    return Answer(
        status, json.dumps(value, ensure_ascii=False, sort_keys=True).encode("utf-8"), _JSON_HEADERS
    )


def _refused(status: int, message: str, *headers: tuple[str, str]) -> Answer:
    answer = _json(status, {"error": message})
    return Answer(status, answer.body, (*answer.headers, *headers))


def _wait(seconds: int) -> Answer:
    return _refused(429, "too many; wait", ("Retry-After", str(seconds)))


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogateescape")).digest()
