"""The letter of a matter: what it asks for, and its draft as a PDF."""

import uuid

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from doorward.desk.access import Actor, matter_of
from doorward.desk.letters.answer import NoLetter
from doorward.desk.roles import Act
from doorward.desk.views.signed_in import for_actor
from doorward.desk.writing import letter_for, write_draft


@require_http_methods(["GET", "POST"])
@for_actor
def letter(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Return the form of a matter's letter; sent, its draft, or the form again with what is wrong."""
    found = matter_of(actor, key)
    if found is None:
        raise Http404
    if not actor.may(Act.ANSWER):
        return render(request, "desk/may_not.html", status=403)
    written = letter_for(found, now=actor.now)
    if isinstance(written, NoLetter):
        return render(request, "desk/letter.html", {"matter": found, "why": written.why})
    sent = {name: request.POST.get(name, "") for name in ("to", *(one.name for one in written.form.fields))}
    page = write_draft(written, found, sent, now=actor.now) if request.method == "POST" else None
    if page is not None and page.pdf is not None:
        headers = {"Content-Disposition": f'inline; filename="{found.number}-draft.pdf"'}
        return HttpResponse(page.pdf, content_type="application/pdf", headers=headers)
    faults = {one.field: one.message for one in (page.faults if page is not None else ())}
    fields = [
        {"field": one, "value": sent[one.name], "fault": faults.pop(one.name, "")}
        for one in written.form.fields
    ]
    shown = {"matter": found, "letter": written, "fields": fields, "to": sent["to"], "faults": faults}
    return render(request, "desk/letter.html", shown, status=422 if page is not None else 200)
