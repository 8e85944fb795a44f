"""The letters of a matter: written, read, signed elsewhere and handed in, objected to, sent."""

import uuid
from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from doorward.desk import releasing
from doorward.desk.access import Actor, letter_of, matter_of
from doorward.desk.letters.answer import Letter as Written
from doorward.desk.letters.answer import NoLetter
from doorward.desk.letters.release import format_statement
from doorward.desk.models import Letter, Matter
from doorward.desk.roles import Act, Role
from doorward.desk.views.acts import tell
from doorward.desk.views.signed_in import for_actor
from doorward.desk.writing import fill, letters_for, remedies_of, write_draft
from doorward.errors import ConfigError, LogError

WHICH, FROM, KEEP, REMEDY = "which", "from", "keep", "remedy"


@require_http_methods(["GET", "POST"])
@for_actor
def letter(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Return the form of a matter's letter; sent, its draft to read; sent with `keep`, the letter that waits."""
    found = matter_of(actor, key)
    if found is None:
        raise Http404
    if not actor.may(Act.WRITE):
        return render(request, "desk/may_not.html", status=403)
    written = letters_for(found, now=actor.now)
    if isinstance(written, NoLetter):
        return render(request, "desk/letter.html", {"matter": found, "why": written.why})
    before = _letter(actor, found, request.GET.get(FROM, ""))
    which = request.POST.get(WHICH) or request.GET.get(WHICH) or (before.form if before else "")
    chosen = next((one for one in written if one.form.name == which), written[0])
    typed = request.POST if request.method == "POST" else before.typed if before is not None else {}
    sent = {name: str(typed.get(name, "")) for name in ("to", *(one.name for one in chosen.form.fields))}
    # Counsel alone switches on what would change an answer.
    offered = remedies_of(chosen, found, now=actor.now) if Role.LAW in actor.roles else ()
    switched = bool(offered) and typed.get(REMEDY) == "yes"
    answer = fill(chosen, found, sent, now=actor.now, remedies=offered if switched else ())
    page = write_draft(chosen, answer, now=actor.now) if request.method == "POST" else None
    if page is not None and page.pdf is not None:
        if KEEP not in request.POST:
            return _pdf(page.pdf, f"{found.number}-draft.pdf")
        kept: list[Letter] = []
        typed_now = {**sent, REMEDY: "yes"} if switched else sent
        done = "kept; it goes out when it is signed"
        if tell(request, done, lambda: kept.append(releasing.keep(actor, found, chosen, answer, typed_now))):
            return redirect("letter-page", key=key, letter=kept[0].pk)
    faults = {one.field: one.message for one in (page.faults if page is not None else ())}
    fields = [
        {"field": one, "value": sent[one.name], "fault": faults.pop(one.name, "")}
        for one in chosen.form.fields
    ]
    shown = {
        "matter": found, "letter": chosen, "letters": written, "fields": fields, "to": sent["to"], "faults": faults,
        "offered": offered, "switched": switched,
    }  # fmt: skip
    return render(
        request, "desk/letter.html", shown, status=422 if faults or (page and not page.pdf) else 200
    )


@require_safe
@for_actor
def page(request: HttpRequest, actor: Actor, key: uuid.UUID, letter: uuid.UUID) -> HttpResponse:
    """Return how a letter stands, and what this person can do with it."""
    matter, found = _found(actor, key, letter)
    try:
        stand = releasing.look(found, actor.now)
    except (ConfigError, LogError):  # the request's page says why
        return redirect("matter", key=key)
    is_office = bool(releasing.roles_for(actor, stand.statement.office))
    has_signed = f"{stand.statement.office}/{actor.account.login}" in stand.signers
    is_open = not (stand.why_not or stand.objection or matter.state == "closed")
    is_other = is_office and matter.filed_by_id != actor.account.pk and is_open
    waits = stand.sent is None or stand.is_owed
    shown = {
        "matter": matter,
        "stand": stand,
        "form": _form(matter, found, actor),
        "signatures": [one for one in found.steps.all() if one.step == one.SIGNED],
        "own_key": f"{stand.statement.office}/{actor.account.login}",
        "may_sign": is_other and waits and not stand.draft.is_released and not has_signed,
        "may_object": is_other and waits and not (stand.sent and has_signed),
        "may_send": is_other and stand.sent is None and stand.draft.is_released,
        "may_send_with_one": is_other and stand.sent is None and releasing.may_send_with_one(stand),
        "may_edit": actor.may(Act.WRITE) and stand.sent is None and not (is_open and stand.draft.is_released),
        "answers": releasing.answers_matter(stand),
        "ways": releasing.WAYS,
    }
    return render(request, "desk/letter_page.html", shown)


@require_safe
@for_actor
def pdf(_request: HttpRequest, actor: Actor, key: uuid.UUID, letter: uuid.UUID) -> HttpResponse:
    """Return a letter as it is signed, byte for byte."""
    matter, found = _found(actor, key, letter)
    return _pdf(bytes(found.pdf), f"{matter.number}-{found.form}.pdf")


@require_safe
@for_actor
def note(_request: HttpRequest, actor: Actor, key: uuid.UUID, letter: uuid.UUID) -> HttpResponse:
    """Return a letter's note with the signatures so far, or the bare statement before the first."""
    matter, found = _found(actor, key, letter)
    try:
        draft = releasing.look(found, actor.now).draft
    except (ConfigError, LogError):  # as above
        return redirect("matter", key=key)
    raw = draft.note or format_statement(draft.statement)
    headers = {"Content-Disposition": f'attachment; filename="{matter.number}-{found.form}.note"'}
    return HttpResponse(raw, content_type="text/plain; charset=utf-8", headers=headers)


@require_POST
@for_actor
def sign(request: HttpRequest, actor: Actor, key: uuid.UUID, letter: uuid.UUID) -> HttpResponse:
    """Take in the signature that somebody made on their own machine."""
    handed = request.POST.get("note", "")
    file = request.FILES.get("file")
    if file is not None and not handed.strip():
        handed = file.read(releasing.MAX_NOTE + 1).decode("utf-8", errors="replace")
    return _do(
        request,
        actor,
        (key, letter),
        "your signature is taken in",
        lambda it: releasing.sign(actor, it, letter, handed),
    )


@require_POST
@for_actor
def object_to(request: HttpRequest, actor: Actor, key: uuid.UUID, letter: uuid.UUID) -> HttpResponse:
    """Record that somebody of the office objects."""
    why = request.POST.get("why", "")
    return _do(
        request, actor, (key, letter), "recorded", lambda it: releasing.object_to(actor, it, letter, why)
    )


@require_POST
@for_actor
def send(request: HttpRequest, actor: Actor, key: uuid.UUID, letter: uuid.UUID) -> HttpResponse:
    """Record that a letter was sent, and how."""
    how = request.POST.get("how", "")
    return _do(
        request, actor, (key, letter), "recorded as sent", lambda it: releasing.send(actor, it, letter, how)
    )


def _do(
    request: HttpRequest,
    actor: Actor,
    keys: tuple[uuid.UUID, uuid.UUID],
    done: str,
    act: Callable[[Matter], object],
) -> HttpResponse:
    matter, found = _found(actor, *keys)
    tell(request, done, lambda: act(matter))
    return redirect("letter-page", key=matter.pk, letter=found.pk)


def _found(actor: Actor, key: uuid.UUID, letter: uuid.UUID) -> tuple[Matter, Letter]:
    matter = matter_of(actor, key)
    found = None if matter is None else letter_of(actor, matter, letter)
    if matter is None or found is None:
        raise Http404
    return matter, found


def _letter(actor: Actor, matter: Matter, text: str) -> Letter | None:
    try:
        return letter_of(actor, matter, uuid.UUID(text)) if text else None
    except ValueError:
        return None


def _form(matter: Matter, letter: Letter, actor: Actor) -> Written | None:
    written = letters_for(matter, now=actor.now)
    known = () if isinstance(written, NoLetter) else written
    return next((one for one in known if one.form.name == letter.form), None)


def _pdf(raw: bytes, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    return HttpResponse(raw, content_type="application/pdf", headers=headers)
