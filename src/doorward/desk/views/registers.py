"""The registers: what is on file, and the form that takes in what an official has signed."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from doorward.desk.access import Actor
from doorward.desk.registers import list_rows, take_in
from doorward.desk.registers_read import read_registers
from doorward.desk.roles import Act
from doorward.desk.views.acts import NOT_RECORDED
from doorward.desk.views.signed_in import for_actor
from doorward.errors import ConfigError, LogError, StoreError

MAX_SHOWN = 500


@require_http_methods(["GET", "POST"])
@for_actor
def registers(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return the registers; a signed note that is sent is checked, recorded and on file."""
    data = settings.DESK.data
    if request.method == "POST":
        try:
            kept = take_in(actor, data, request.POST.get("note", ""))
            messages.success(request, f"on file: {kept.kind} about {kept.about}, by {kept.by}")
        except StoreError:
            messages.error(request, NOT_RECORDED)
        except (ConfigError, LogError) as error:
            messages.error(request, str(error))
        return redirect("registers")
    try:
        rows = list_rows(actor, data)
    except ConfigError as error:
        return render(request, "desk/registers.html", {"error": str(error), "rows": []}, status=503)
    if rows is None:
        return render(request, "desk/may_not.html", status=403)
    read = read_registers()
    shown = {
        "rows": rows,
        "may_add": actor.may(Act.REGISTER),
        "places": list((read.places or {}).values())[:MAX_SHOWN],
        "unread": sorted(read.why.items()),
    }
    return render(request, "desk/registers.html", shown)
