"""Custody events: the form that takes a CSV of the custody system, looked at before it is imported."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from doorward.desk.access import Actor, sees_custody
from doorward.desk.history import NotAllowedError
from doorward.desk.reporting import custody
from doorward.desk.roles import Act
from doorward.desk.statutory.custody import COLUMNS
from doorward.desk.views.acts import NOT_RECORDED
from doorward.desk.views.signed_in import for_actor
from doorward.errors import ConfigError, StoreError

SHOWN = 200  # refused rows of a page


@require_http_methods(["GET", "POST"])
@for_actor
def imports(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return the form with the last imports; a file that is sent is looked at, and sent again with `import` taken."""
    if not sees_custody(actor):
        return render(request, "desk/may_not.html", status=403)
    shown: dict[str, object] = {
        "uploads": custody.uploads(actor), "may_import": actor.may(Act.CUSTODY), "columns": COLUMNS,
    }  # fmt: skip
    if request.method != "POST":
        return render(request, "desk/custody.html", shown)
    try:
        text = _text(request)
        if "import" in request.POST:
            return _import(request, actor, text)
        looked = custody.look(actor, text)
    except (ConfigError, NotAllowedError) as error:
        shown |= {"error": str(error), "hint": error.hint}
        return render(request, "desk/custody.html", shown, status=422)
    except StoreError:
        return render(request, "desk/custody.html", {**shown, "error": NOT_RECORDED}, status=503)
    shown |= {"looked": looked, "text": text, "refused": looked.refused[:SHOWN]}
    return render(request, "desk/custody.html", shown)


def _import(request: HttpRequest, actor: Actor, text: str) -> HttpResponse:
    made, looked = custody.import_file(actor, text)
    if made is None:
        messages.info(request, "every event of this file is held already; nothing was changed")
    else:
        said = f"{made.new} new, {made.corrections} corrections, {made.held} held already, {made.refused} refused"
        messages.success(request, f"imported: {said}")
    if looked.refused:
        messages.warning(request, f"{len(looked.refused)} rows were refused and are not held")
    return redirect("custody")


def _text(request: HttpRequest) -> str:
    """Return the text of the file that was sent, or that was looked at before.

    Raises:
        ConfigError: There is none, it is too large, or no UTF-8.
    """
    sent = request.FILES.get("file")
    if sent is None:
        text: str = request.POST.get("text", "")
        if not text:
            raise ConfigError("choose a file")
        return _lines(text)
    if (sent.size or 0) > custody.MAX_BYTES:
        raise ConfigError(
            f"a file has at most {custody.MAX_BYTES} bytes here", hint="send its rows in several files"
        )
    try:
        return _lines(sent.read().decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"the file is no UTF-8 text at byte {error.start}") from error


def _lines(text: str) -> str:
    """Return a text with one kind of line end: a form changes them, and the digest is to find the file again."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
