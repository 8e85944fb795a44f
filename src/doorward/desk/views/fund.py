"""The fund's pages for those who keep it, approve or audit: years, agreements, claims, and the acts as forms."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_http_methods, require_safe

from doorward.desk.access import Actor, sees_fund
from doorward.desk.fund import shown as pages
from doorward.desk.fund.figures import look, look_at
from doorward.desk.fund.forms import FORMS, Choices, Form
from doorward.desk.fund.link import has_fund, read, submit
from doorward.desk.fund.refusals import explain
from doorward.desk.ids import draw_id
from doorward.desk.order import fund_words
from doorward.desk.recorder import place_of
from doorward.desk.roles import Act
from doorward.desk.views.signed_in import for_actor
from doorward.errors import ConfigError, StoreError, UpstreamError
from doorward.fund.ledger.operations import NAMES, Operation
from doorward.fund.ledger.refusal import Refusal
from doorward.fund.ledger.state import State
from doorward.fund.rows import read_open
from doorward.fund.store import Receipt
from doorward.orders.fund import FundWords

P = ParamSpec("P")
UNKNOWN: Final = (
    "It is not known whether this was posted: the ledger or the record did not answer. Send this same form again; it "
    "is posted once, and the second time finds the first."
)


def for_fund(
    view: Callable[Concatenate[HttpRequest, Actor, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Return a view for those who see the fund; for others it is not there, and where there is none for nobody."""

    @wraps(view)
    def called(request: HttpRequest, actor: Actor, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not has_fund() or not sees_fund(actor):
            raise Http404
        try:
            return view(request, actor, *args, **kwargs)
        except UpstreamError:
            return render(request, "desk/fund/away.html", status=503)

    return for_actor(called)


@require_safe
@for_fund
def fund(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return the fund at a glance: its years, the claims that wait, the agreements."""
    moment = read(look)
    shown = pages.show_fund(moment, _today(actor))
    return render(request, "desk/fund/fund.html", {**shown, "may": _may(actor), "words": _words()})


@require_safe
@for_fund
def year(request: HttpRequest, actor: Actor, number: int) -> HttpResponse:
    """Return a fiscal year: lines, what was spent by month, what will be, what is held for whom."""
    moment = read(look)
    if number not in moment.state.years:
        raise Http404
    shown = pages.show_year(moment, number, _today(actor), _words())
    shown["chart"] = mark_safe(shown["chart"])  # noqa: S308  # drawn here, with every text escaped
    return render(request, "desk/fund/year.html", {**shown, "may": _may(actor)})


@require_safe
@for_fund
def agreement(request: HttpRequest, actor: Actor, name: str) -> HttpResponse:
    """Return an agreement: what it holds, its claims, everything that was done with it."""
    state, done = read(lambda connection: look_at(connection, "agreement", name))
    if name not in state.agreements:
        raise Http404
    shown = pages.show_agreement(state, name, done, _today(actor), _words())
    return render(
        request,
        "desk/fund/agreement.html",
        {**shown, "may": _may(actor), "checks": actor.may(Act.FUND_CHECK)},
    )


@require_safe
@for_fund
def claim(request: HttpRequest, actor: Actor, name: str) -> HttpResponse:
    """Return a claim: what it asks for, who filed and approved it, and what it waits for."""
    state, done = read(lambda connection: look_at(connection, "claim", name))
    if name not in state.claims:
        raise Http404
    shown = pages.show_claim(state, name, done, _words())
    return render(request, "desk/fund/claim.html", {**shown, "may": _may(actor)})


@require_http_methods(["GET", "POST"])
@for_fund
def act(request: HttpRequest, actor: Actor, word: str, about: str = "") -> HttpResponse:
    """Return the form of an act; sent, it is posted once, and the page of what it is about follows."""
    form = FORMS.get(word)
    if form is None:
        raise Http404
    claim = about if form.about == "claim" else None
    state = read(lambda connection: read_open(connection, claim=claim))
    if not _is_there(form, about, state):
        raise Http404
    if not actor.may(form.act):
        return render(request, "desk/may_not.html", status=403)
    words = _words()
    choices = pages.choices_of(state, words, about if form.about == "agreement" else "", _today(actor))
    page = Page(request, form, about, choices, pages.facts_of(state, form.about, about, words))
    if request.method == "POST":
        return _send(page, actor)
    return page.show(request.GET, draw_id())


def _send(page: "Page", actor: Actor) -> HttpResponse:
    sent, form = _flat(page.request.POST), page.form
    try:
        key = uuid.UUID(sent.get("key", ""))
    except ValueError:
        return page.show(sent, draw_id(), "The form was not whole. Send it again.")
    try:
        operation = form.build(page.about, sent, page.choices)
        answer = submit(actor, operation, key=key, act=form.act)
    except ConfigError as error:
        return page.show(sent, key, f"{error}{f'; {error.hint}' if error.hint else ''}")
    except (UpstreamError, StoreError):
        return page.show(sent, key, UNKNOWN, status=503)
    if isinstance(answer, Refusal):
        return page.show(sent, draw_id() if answer.code == "key" else key, refusal=answer)
    messages.success(page.request, _said(answer, operation))
    return redirect(*_page_of(form, page.about, operation))


def _said(receipt: Receipt, operation: Operation) -> str:
    word = NAMES[type(operation)]
    if receipt.again:
        return f"This was posted before, as transaction {receipt.number}; it was not posted twice."
    return f"Done: {word}, transaction {receipt.number}; in the record as {place_of(receipt.entry)}."


def _page_of(form: Form, about: str, operation: Operation) -> tuple[Any, ...]:
    """Return where whoever sent a form goes: to what it made, or to what it is about."""
    made = getattr(operation, "claim", "") or getattr(operation, "agreement", "")
    if getattr(operation, "claim", ""):
        return "fund-claim", made
    if made:
        return "fund-agreement", made
    return ("fund-year", getattr(operation, "year", about)) if form.about in {"fund", "year"} else ("fund",)


@dataclass(frozen=True)
class Page:
    """A form as it is shown.

    Args:
        facts: What stands above it.
    """

    request: HttpRequest
    form: Form
    about: str
    choices: Choices
    facts: Mapping[str, Any]

    def show(
        self,
        typed: Mapping[str, str],
        key: uuid.UUID,
        fault: str = "",
        *,
        refusal: Refusal | None = None,
        status: int | None = None,
    ) -> HttpResponse:
        """Return the page.

        Args:
            typed: What stands in its fields; where there is nothing, the year is this one.
            key: Under which it is posted once.
            fault: Why what was sent is no operation.
            refusal: Why the ledger refused it.
        """
        values = {"year": self.choices.year or "", "of_year": self.choices.year or ""}
        fields = [
            {"asked": one, "value": str(typed.get(one.name) or values.get(one.name, ""))}
            for one in self.form.asks(self.choices)
        ]
        shown = {
            "form": self.form, "about": self.about, "fields": fields, "key": key, "fault": fault, "refusal": refusal,
            "means": "" if refusal is None else explain(refusal), **self.facts,
        }  # fmt: skip
        refused = 409 if fault or refusal else 200
        return render(self.request, "desk/fund/act.html", shown, status=status or refused)


def _flat(sent: QueryDict) -> dict[str, str]:
    return {name: " ".join(sent.getlist(name)) for name in sent}


def _is_there(form: Form, about: str, state: State) -> bool:
    """Whether the form is of something that is there."""
    if form.about == "fund":
        return not about
    held = {"year": map(str, state.years), "agreement": state.agreements, "claim": state.claims}
    return about in set(held[form.about])


def _may(actor: Actor) -> dict[str, bool]:
    """Return the acts that somebody may, as templates ask for them."""
    return {word.replace("-", "_"): actor.may(form.act) for word, form in FORMS.items()}


def _words() -> FundWords:
    words = fund_words()
    assert words is not None
    return words


def _today(actor: Actor) -> date:
    return actor.now.astimezone(ZoneInfo(settings.DESK.time_zone)).date()
