"""Filing by message: a file `.eml` is read within bounds and shown; a person chooses the kind and answers.

Nothing is decided from the message. It is shown as text; of its attachments there are names, sizes and digests.
"""

import threading
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from doorward.desk.access import Actor
from doorward.desk.bounded_upload import BoundedUpload, is_drained
from doorward.desk.filing import RECEIVED
from doorward.desk.ids import draw_id
from doorward.desk.limits import UPLOADS, wait_for
from doorward.desk.message_filing import Slip, filed_before
from doorward.desk.message_waiting import hold
from doorward.desk.messages import Message, read_answers_of, read_message, suggest_kind
from doorward.desk.messages.message import MAX_BYTES
from doorward.desk.order import order
from doorward.desk.roles import Act
from doorward.desk.views.signed_in import for_actor
from doorward.desk.views.too_many import too_many, wait_in
from doorward.errors import MalformedError

FIELD: Final = "message"
AT_ONCE: Final = 2  # messages that are read at the same time: each takes some times its size of memory
PATIENCE_SECONDS: Final = 20
MEGABYTES: Final = MAX_BYTES // 1024 // 1024
_turns: Final = threading.BoundedSemaphore(AT_ONCE)


@csrf_exempt  # the token is looked at below: before, the body would be read without its bound
@require_http_methods(["GET", "POST"])
@for_actor
def drop(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return the page for a file; sent, what the desk read of it."""
    if not actor.may(Act.FILE):
        return render(request, "desk/may_not.html", status=403)
    if request.method != "POST":
        return _page(request)
    wait = wait_for(UPLOADS, actor.account.pk, now=actor.now)
    if wait:
        return too_many(request, wait)
    if not is_drained(request.META.get("CONTENT_LENGTH") or "", MAX_BYTES):
        return _page(request, f"a message has at most {MEGABYTES} MB; ask for the papers one by one", 413)
    upload = BoundedUpload(FIELD, MAX_BYTES)
    request.upload_handlers = [upload]
    return _taken(request, actor, upload)


@csrf_protect
def _taken(request: HttpRequest, actor: Actor, upload: BoundedUpload) -> HttpResponse:
    _ = request.POST  # read here, where nobody has asked for it before
    if upload.is_too_large:
        return _page(request, f"a message has at most {MEGABYTES} MB; ask for the papers one by one", 413)
    raw = upload.content()
    if not raw:
        return _page(request, "choose the file of a message; its name ends in .eml", 422)
    if not _turns.acquire(timeout=PATIENCE_SECONDS):  # after the body: whoever sends slowly keeps nobody out
        busy = "other messages are being read; wait some seconds and drop it again"
        return wait_in(_page(request, busy, 503), PATIENCE_SECONDS)
    try:
        message = read_message(raw)
    except MalformedError as error:
        hint = f"; {error.hint}" if error.hint else ""
        return _page(request, f"{error}{hint}", 422)
    finally:
        _turns.release()
    read = read_answers_of(
        order().intake, message, received=RECEIVED, zone=ZoneInfo(settings.DESK.time_zone), now=actor.now
    )
    held = hold(raw, now=actor.now)
    slip = Slip.of_message(upload.digest, message.envelope.message_id, len(raw), held=held, read=read)
    return render(request, "desk/message_read.html", _shown(actor, message, slip))


def _shown(actor: Actor, message: Message, slip: Slip) -> dict[str, Any]:
    intake = order().intake
    suggestion = suggest_kind(intake, message)
    found = sorted(suggestion.words, key=lambda kind: (kind != suggestion.kind, -len(suggestion.words[kind])))
    same, alike = filed_before(actor, slip)
    return {
        "message": message,
        "envelope": message.envelope,
        "slip": slip,
        "slip_text": slip.format(actor),
        "token": draw_id(),
        "pairs": [(name, word) for name, words in slip.read.items() for word in words],
        "suggested": [(intake.kinds[kind], ", ".join(suggestion.words[kind])) for kind in found],
        "is_clear": suggestion.kind is not None,
        "others": [kind for kind in intake.kinds.values() if kind.id not in suggestion.words],
        "same": same,
        "alike": alike,
    }


def _page(request: HttpRequest, error: str = "", status: int = 200) -> HttpResponse:
    return render(request, "desk/message.html", {"error": error, "megabytes": MEGABYTES}, status=status)
