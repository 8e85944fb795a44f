"""What the law department does with a matter's answer: asked again, put right, determined, closed."""

import uuid

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from doorward.desk import again
from doorward.desk.access import Actor, matter_of
from doorward.desk.again import Wording
from doorward.desk.models import State
from doorward.desk.order import order
from doorward.desk.resting import shown_reading
from doorward.desk.roles import Act
from doorward.desk.views.acts import do_act, read_day, tell
from doorward.desk.views.answers import read_answers
from doorward.desk.views.signed_in import for_actor

CHANGE, DO, SEEN = "change", "do", "seen"
TEXTS = ("clause", "says", "until", "evidence", "reason")


@require_POST
@for_actor
def ask_again(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Ask the order in force again."""
    return do_act(request, actor, key, "the order was asked again", lambda it: again.ask_again(actor, it))


@require_POST
@for_actor
def close(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Close a matter."""
    return do_act(
        request, actor, key, "closed", lambda it: again.close(actor, it, request.POST.get("why", ""))
    )


@require_http_methods(["GET", "POST"])
@for_actor
def correct(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Return the answers to put right; sent, what the order would answer; sent with `do`, it is done."""
    found = matter_of(actor, key)
    if found is None:
        raise Http404
    kind = order().intake.kinds.get(found.kind)
    if found.state not in {State.WAITING, State.DECIDED}:
        messages.error(request, f"it is {found.get_state_display()}; file a new one that names it")
        return redirect("matter", key=key)
    if kind is None or not again.may_correct(actor, found):
        return render(request, "desk/may_not.html", status=403)
    sent = request.POST if request.method == "POST" else _as_sent(found.answers)
    answers = read_answers(order().intake, kind.id, sent)
    seen = request.POST.get(SEEN, "") or str(again.last_entry(found))
    shown: dict[str, object] = {"matter": found, "kind": kind, "answers": answers, "seen": seen}
    is_form = request.method != "POST" or CHANGE in request.POST
    asked = answers.asked
    if is_form or asked is None:
        return render(request, "desk/correct.html", shown, status=200 if is_form else 422)
    if DO in request.POST:
        number = int(seen) if seen.isascii() and seen.isdigit() else -1
        return do_act(
            request, actor, key, "put right, and the order was asked again",
            lambda it: again.correct(actor, it, asked, seen=number),
        )  # fmt: skip

    def preview() -> None:
        decided = again.preview_correction(actor, found, asked)
        shown["decision"] = decided.decision
        shown["reading"] = shown_reading(decided.consulted, decided.may)

    if not tell(request, "", preview):
        return redirect("matter", key=key)
    return render(request, "desk/correct_preview.html", shown)


@require_http_methods(["GET", "POST"])
@for_actor
def determine(request: HttpRequest, actor: Actor, key: uuid.UUID) -> HttpResponse:
    """Return the form of a determination; sent, its statement to sign; sent with a note, it is linked."""
    found = matter_of(actor, key)
    if found is None:
        raise Http404
    if not actor.may(Act.DETERMINE):
        return render(request, "desk/may_not.html", status=403)
    note = request.POST.get("note", "")
    if note:
        return do_act(
            request, actor, key, "on file and linked, and the order was asked again",
            lambda it: again.determine(actor, it, settings.DESK.data, note),
        )  # fmt: skip
    sent = {name: request.POST.get(name, "") for name in TEXTS}
    shown: dict[str, object] = {
        "matter": found, "sent": sent, "clauses": _clauses(found.clauses), "statement": "",
    }  # fmt: skip
    if request.method == "POST":

        def word() -> None:
            wording = Wording(
                sent["clause"], sent["says"], read_day(sent["until"]), sent["evidence"], sent["reason"]
            )
            shown["statement"] = again.word_determination(found, wording, now=actor.now)

        is_worded = tell(request, "", word)
        if is_worded and "download" in request.POST:
            headers = {"Content-Disposition": f'attachment; filename="{found.number}-determination.txt"'}
            return HttpResponse(
                str(shown["statement"]), content_type="text/plain; charset=utf-8", headers=headers
            )
    return render(request, "desk/determine.html", shown)


def _clauses(first: list[str]) -> list[tuple[str, str]]:
    """Return the clauses of the order, those that this matter rests on first."""
    known = order().pack.clauses
    names = [name for name in first if name in known]
    return [(name, known[name].cite) for name in [*names, *(one for one in known if one not in names)]]


def _as_sent(answers: dict[str, list[str]]) -> QueryDict:
    sent = QueryDict(mutable=True)
    for name, words in answers.items():
        sent.setlist(name, list(words))
    return sent
