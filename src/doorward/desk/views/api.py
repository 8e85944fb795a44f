"""Filing by programs: JSON by the same questions as the form, a token and no cookie, every refusal in one line.

What a client did not file does not exist for it, and no more do kinds that it may not file.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import wraps
from hashlib import sha256
from typing import Any, Final

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from doorward.desk.access import own_matters
from doorward.desk.api.body import MAX_BODY_BYTES, Body, StrictError, read_body, read_key
from doorward.desk.api.clients import Caller, find_caller
from doorward.desk.api.filings import Reused, file_once
from doorward.desk.api.openapi import make_openapi
from doorward.desk.api.problem import TYPE, Fault, Refusal, faults_of, make_problem, pointer_of
from doorward.desk.api.shown import format_cursor, read_cursor, show_matter, show_preview
from doorward.desk.filing import RECEIVED, FutureError, preview
from doorward.desk.limits import API_CALLS, API_FILINGS, API_REFUSED, address_of, wait_for
from doorward.desk.order import order
from doorward.errors import ConfigError, StoreError
from doorward.orders.intake import Asked, Faults, make_schema

PAGE: Final = 50
MAX_PAGE: Final = 100
Method = Callable[..., HttpResponse]


class RefusedError(Exception):
    """A request is refused; the endpoint answers with the problem."""

    def __init__(
        self, refusal: Refusal, detail: str = "", *, faults: tuple[Fault, ...] = (), **headers: str
    ) -> None:
        super().__init__(detail)
        self.refusal, self.detail, self.faults = refusal, detail, faults
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def endpoint(*, get: Method | None = None, post: Method | None = None) -> Callable[..., HttpResponse]:
    """Return a view of these methods, each called with the client that asks; others get a problem."""
    methods = {"GET": get, "HEAD": get, "POST": post}

    @csrf_exempt
    def view(request: HttpRequest, **named: Any) -> HttpResponse:  # noqa: ANN401  # parts of an address
        try:
            method = _method(request, methods)
            return method(request, _caller(request), **named)
        except RefusedError as refused:
            return _problem(refused)
        except (StoreError, DatabaseError):
            return _problem(
                RefusedError(Refusal.RECORD, "expected to be sent again as it is", Retry_After="60")
            )

    return view


def _problem(refused: RefusedError) -> HttpResponse:
    made = make_problem(refused.refusal, refused.detail, faults=refused.faults)
    return _json(made, refused.refusal.status, TYPE, refused.headers)


def limited(method: Method) -> Method:
    """Return a method that a client calls less often than others: what it does is recorded."""

    @wraps(method)
    def called(request: HttpRequest, caller: Caller, **named: Any) -> HttpResponse:  # noqa: ANN401  # as above
        _wait(wait_for(API_FILINGS, caller.client.pk, now=caller.actor.now))
        return method(request, caller, **named)

    return called


def kinds(_request: HttpRequest, caller: Caller) -> HttpResponse:
    """Return the kinds that the client may file."""
    found = [
        {"id": kind.id, "label": kind.label, "says": kind.says, "schema": reverse("api-kind", args=[kind.id])}
        for kind in order().intake.kinds.values()
        if kind.id in caller.client.kinds
    ]
    pack = order().pack
    return _json({"order": {"name": pack.name, "digest": pack.digest}, "kinds": found})


def kind_schema(_request: HttpRequest, caller: Caller, kind: str) -> HttpResponse:
    """Return the schema of the answers to a kind."""
    found = order().intake.kinds.get(kind)
    if found is None or kind not in caller.client.kinds:
        raise RefusedError(Refusal.NOT_FOUND)
    return _json(make_schema(order().intake, found), media="application/schema+json")


def description(_request: HttpRequest, caller: Caller) -> HttpResponse:
    """Return the interface as a program reads it, with the kinds that the client may file."""
    found = [kind for kind in order().intake.kinds.values() if kind.id in caller.client.kinds]
    return _json(make_openapi(order().intake, found), media="application/vnd.oai.openapi+json;version=3.1")


def listing(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Return what the client filed, the latest first, a page at a time."""
    size = request.GET.get("limit", str(PAGE))
    if not (size.isascii() and size.isdigit() and len(size) < 4 and 1 <= int(size) <= MAX_PAGE):
        raise RefusedError(Refusal.QUERY, f"expected `limit` as a whole number from 1 to {MAX_PAGE}")
    found = own_matters(caller.actor).order_by("-entry")
    if "cursor" in request.GET:
        entry = read_cursor(request.GET["cursor"])
        if entry is None:
            raise RefusedError(Refusal.QUERY, "expected `cursor` as an earlier page gave it in `next`")
        found = found.filter(entry__lt=entry)
    rows = list(found[: int(size) + 1])
    more = format_cursor(rows[int(size) - 1].entry) if len(rows) > int(size) else None
    return _json({"matters": [show_matter(row) for row in rows[: int(size)]], "next": more})


def matter(_request: HttpRequest, caller: Caller, key: uuid.UUID) -> HttpResponse:
    """Return a matter that the client filed, as it stands now."""
    found = own_matters(caller.actor).filter(pk=key).first()
    if found is None:
        raise RefusedError(Refusal.NOT_FOUND)
    return _json(show_matter(found))


@limited
def file(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Return the matter that the client files, or with `?preview=1` what the order would answer."""
    asks = request.GET.get("preview", "0")
    if asks not in {"0", "1"}:
        raise RefusedError(Refusal.QUERY, "expected `preview` as 0 or 1")
    key = read_key(request.headers.get("Idempotency-Key", ""))
    if key is None:
        raise RefusedError(
            Refusal.KEY, "expected a header `Idempotency-Key` of 1 to 200 visible ASCII characters"
        )
    body = _body(request)
    asked = _asked(caller, body)
    token = uuid.UUID(bytes=sha256(key.encode("ascii")).digest()[:16])
    try:
        if asks == "1":
            decided = preview(caller.actor, asked, token)
            return _json(show_preview(asked.kind, decided.decision, order().pack))
        answer = file_once(caller.actor, asked, token=token, body_sha256=body.digest)
    except ConfigError as error:
        raise _refused(error) from error
    if isinstance(answer, Reused):
        raise RefusedError(Refusal.REUSED, "expected another `Idempotency-Key` for another request")
    return _json(answer, 201, headers={"Location": reverse("api-matter", args=[answer["id"]])})


def nothing(_request: HttpRequest, _caller: Caller, rest: str) -> HttpResponse:
    """Return that nothing stands here."""
    del rest
    raise RefusedError(Refusal.NOT_FOUND)


def _method(request: HttpRequest, methods: Mapping[str, Method | None]) -> Method:
    method = methods.get(request.method or "")
    if method is None:
        allowed = ", ".join(name for name, held in methods.items() if held is not None)
        raise RefusedError(Refusal.METHOD, f"expected {allowed}", Allow=allowed)
    return method


def _caller(request: HttpRequest) -> Caller:
    """Return who asks. A token that holds is never kept out by what others at its address do."""
    now = datetime.now(UTC)  # noqa: TID251  # the shell may read the clock
    caller = find_caller(request.headers.get("Authorization", ""), now=now)
    if caller is None:
        _wait(wait_for(API_REFUSED, address_of(request), now=now))
        raise RefusedError(
            Refusal.TOKEN,
            "expected `Authorization: Bearer` and a token that holds",
            WWW_Authenticate="Bearer",
        )
    _wait(wait_for(API_CALLS, caller.client.pk, now=now))
    return caller


def _wait(seconds: int) -> None:
    if seconds:
        raise RefusedError(
            Refusal.OFTEN, f"expected to be asked again in {seconds} s", Retry_After=str(seconds)
        )


def _body(request: HttpRequest) -> Body:
    if request.content_type != "application/json":
        raise RefusedError(Refusal.MEDIA, "expected Content-Type application/json")
    length = request.META.get("CONTENT_LENGTH") or ""
    if not (length.isascii() and length.isdigit()):
        raise RefusedError(Refusal.LENGTH, "expected a header `Content-Length`")
    if len(length) > 10 or int(length) > MAX_BODY_BYTES:
        raise RefusedError(Refusal.LARGE, f"expected at most {MAX_BODY_BYTES} bytes")
    try:
        return read_body(request.body)
    except UnreadablePostError as error:
        raise RefusedError(Refusal.BODY, "expected a whole body") from error
    except StrictError as error:
        raise RefusedError(Refusal.BODY, str(error), faults=(Fault(str(error), "#"),)) from error


def _asked(caller: Caller, body: Body) -> Asked:
    if body.kind not in caller.client.kinds:
        fault = Fault("expected a kind that this client files", pointer_of("kind"))
        raise RefusedError(Refusal.ANSWERS, fault.detail, faults=(fault,))
    read = order().intake.read(body.kind, body.answers)
    if isinstance(read, Faults):
        faults = faults_of(read)
        raise RefusedError(Refusal.ANSWERS, faults[0].detail, faults=faults)
    return read


def _refused(error: ConfigError) -> RefusedError:
    """Return why answers that can be read file nothing: they came from the future, or nobody may file as this."""
    at = pointer_of("answers", RECEIVED) if isinstance(error, FutureError) else pointer_of("answers")
    fault = Fault(str(error), at)
    return RefusedError(Refusal.ANSWERS, str(error), faults=(fault,))


def _json(
    value: object, status: int = 200, media: str = "application/json", headers: dict[str, str] | None = None
) -> HttpResponse:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)
    return HttpResponse(
        text.encode("utf-8"),
        status=status,
        content_type=media,
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})},
    )
