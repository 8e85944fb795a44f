"""Posters, cards and forms: what can be printed, and each as PDF."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from doorward.desk.access import Actor
from doorward.desk.sheets import list_sheets, make_sheet
from doorward.desk.views.signed_in import for_actor
from doorward.errors import ConfigError


@require_safe
@for_actor
def sheets(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return what can be printed for each kind of place."""
    return render(request, "desk/sheets.html", {"sheets": list_sheets(actor.now)})


@require_safe
@for_actor
def sheet(  # noqa: PLR0917  # the parts of the address
    request: HttpRequest, actor: Actor, tenant: str, place: str, name: str, language: str
) -> HttpResponse:
    """Return a sheet as PDF, or 404: not there, not adopted, or not reviewed by a person."""
    try:
        made = make_sheet(tenant, place, name, language, actor.now)
    except ConfigError as error:
        messages.error(request, str(error))
        return redirect("sheets")
    if made is None:
        raise Http404
    headers = {"Content-Disposition": f'inline; filename="{tenant}-{place}-{name}-{language}.pdf"'}
    return HttpResponse(made, content_type="application/pdf", headers=headers)
