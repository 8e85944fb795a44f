"""Papers of a matter: the list with a form to add one, a paper as bytes, a copy that is deleted."""

import uuid
from typing import Final

from django.contrib import messages
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from doorward.desk.access import Actor, matter_of
from doorward.desk.filed_papers import Said, add, begin, classes, delete_copy, read
from doorward.desk.history import NotAllowedError
from doorward.desk.holding import awaits_hold, holds_over
from doorward.desk.models import Matter, Paper, Standing, State
from doorward.desk.papers.kinds import FLAGS, group
from doorward.desk.roles import Act
from doorward.desk.upload import END, PaperUpload, RefusedError, check_length, limit_stalls, room
from doorward.desk.views.acts import NOT_RECORDED
from doorward.desk.views.signed_in import for_actor
from doorward.errors import ConfigError, LogError, MalformedError, StoreError

_NOTHING: Final = "nothing was kept"
HEADERS: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""With them a browser neither shows a paper nor guesses what it is."""
_ENDS: Final = {
    "application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg", "image/tiff": "tif", "message/rfc822": "eml",
}  # fmt: skip


def papers_shown(actor: Actor, matter: Matter) -> dict[str, object]:
    """Return what a page shows of a matter's papers and holds; the matter is one that this person may see."""
    return {
        "filed_papers": [
            {
                "paper": one,
                "flags": [FLAGS.get(flag, flag) for flag in one.file_flags],
                "digest": group(one.file_sha256),
            }
            for one in matter.papers.exclude(file_sha256="").order_by("entry")
        ],
        "holds": len(holds_over(matter)),
        "awaits_hold": awaits_hold(matter),
        "may_add_paper": actor.may(Act.ADD_PAPER) and matter.state != State.CLOSED,
        "may_hold": actor.may(Act.HOLD),
    }


@csrf_exempt  # the token is asked for by `_receive`, after the way in which the file is read was set
@require_http_methods(["GET", "POST"])
@for_actor
def papers(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Return a matter's papers with a form to add one; a file that is sent is sealed as it comes."""
    found = matter_of(actor, key)
    if found is None:
        raise Http404
    if request.method != "POST":
        return _page(request, actor, found)
    try:
        check_length(request)
        with room(request):
            return _receive(request, actor, found)
    except RefusedError as error:
        return _page(request, actor, found, error=_line(error), status=error.status)
    except MalformedError as error:
        return _page(request, actor, found, error=f"{_line(error)}; {_NOTHING}", status=422)
    except ConfigError as error:
        return _page(request, actor, found, error=_line(error), status=409)
    except StoreError as error:
        return _page(request, actor, found, error=_line(error), status=507)
    except (OSError, MultiPartParserError, SuspiciousOperation):
        return _page(request, actor, found, error=f"the upload broke off; {_NOTHING}", status=408)


def _receive(request: HttpRequest, actor: Actor, matter: Matter) -> HttpResponse:
    draft = begin(actor, matter)
    try:
        handler = PaperUpload(request, draft)
        request.upload_handlers = [handler]
        _ = (
            request.POST
        )  # reads the file; what looks for the token would take a line that stalled for a missing token

        @csrf_protect
        def take(request: HttpRequest) -> HttpResponse:
            return _take(request, actor, matter, handler)

        answer: HttpResponse = take(request)
        return answer
    finally:
        draft.let_go()


def _take(request: HttpRequest, actor: Actor, matter: Matter, handler: PaperUpload) -> HttpResponse:
    sent = request.POST
    if handler.name is None:
        return _page(request, actor, matter, error=f"no file came; {_NOTHING}", status=422)
    if END not in sent:
        raise RefusedError(f"the upload broke off; {_NOTHING}", status=408)
    paper = add(
        actor, matter, handler.draft,
        Said(sent.get("paper_class", ""), sent.get("standing", ""), handler.name),
    )  # fmt: skip
    messages.success(request, f"kept; SHA-256 {group(paper.file_sha256)}")
    return redirect("papers", key=matter.pk)


@require_GET  # a HEAD would be recorded as a reading, and is none
@for_actor
def paper(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponseBase:
    """Return a paper as bytes that no browser opens by itself; that it is read is recorded first."""
    try:
        found = read(actor, key)
    except (ConfigError, LogError) as error:
        status = 403 if isinstance(error, NotAllowedError) else 503
        return render(request, "desk/paper_not.html", {"error": _line(error)}, status=status)
    if found is None:
        raise Http404
    kept, opened = found
    limit_stalls(request)
    answer = StreamingHttpResponse(opened, content_type="application/octet-stream", headers=HEADERS)
    answer["Content-Length"] = str(opened.size)
    answer["Content-Disposition"] = f'attachment; filename="{name_of(kept)}"'
    return answer


@require_POST
@for_actor
def delete(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Delete a copy that is no evidence; whoever added it may."""
    try:
        found = delete_copy(actor, key)
    except ConfigError as error:
        return render(request, "desk/paper_not.html", {"error": _line(error)}, status=409)
    except StoreError:
        return render(request, "desk/paper_not.html", {"error": NOT_RECORDED}, status=503)
    if found is None:
        raise Http404
    messages.success(request, "the copy is deleted; that it was there stays on file")
    return redirect("papers", key=found.matter_id)


def name_of(paper: Paper) -> str:
    """Return what a paper is called when it leaves: the matter's number and what it is by its bytes.

    One that is two things at once ends in `.bin`, so that no program opens it by itself.
    """
    ending = "bin" if paper.file_flags else _ENDS.get(paper.file_type, "bin")
    return f"{paper.matter.number}-{paper.paper_class}-{paper.pk.hex[:8]}.{ending}"


def _page(
    request: HttpRequest, actor: Actor, matter: Matter, *, error: str = "", status: int = 200
) -> HttpResponse:
    shown = {
        "matter": matter, "error": error, "classes": classes(), "standings": Standing.choices,
        **papers_shown(actor, matter),
    }  # fmt: skip
    return render(request, "desk/papers.html", shown, status=status)


def _line(error: ConfigError | LogError) -> str:
    return f"{error}: {error.hint}" if error.hint else str(error)
