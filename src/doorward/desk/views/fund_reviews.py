"""The independent reviewer's pages: the units that were drawn, and pass or fail of each."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from doorward.desk.access import Actor, is_reviewer
from doorward.desk.fund.filed import file, seen_on_file, seen_report
from doorward.desk.fund.keys import key_of
from doorward.desk.ids import draw_id
from doorward.desk.roles import Act
from doorward.desk.views.reaching import with_fund
from doorward.errors import StoreError, UpstreamError
from doorward.fund.filings.acts import EnterReview
from doorward.fund.grantee.sample import ANSWERS, draw_sample, seed_of
from doorward.fund.ledger.refusal import Refusal


@require_safe
@with_fund(is_reviewer)
def reviews(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return the reports of which a sample was drawn."""
    found = [
        (held.agreement, kept)
        for held in (*seen_on_file(actor), *seen_on_file(actor, closed=True))
        for kept in held.standing
        if kept.sample is not None
    ]
    waits = [one for one in found if one[1].review is None]
    done = [one for one in found if one[1].review is not None]
    return render(request, "desk/fund/reviews.html", {"waits": waits, "done": done})


@require_http_methods(["GET", "POST"])
@with_fund(is_reviewer)
def review(request: HttpRequest, actor: Actor, number: int) -> HttpResponse:
    """Return the drawn units of a report; sent, an answer for each is entered once."""
    found = seen_report(actor, number)
    if found is None or found[1].sample is None:
        raise Http404
    held, kept = found
    assert kept.sample is not None
    root = bytes.fromhex(kept.sample.root)
    drawn = draw_sample(kept.report, root, kept.sample.wanted)
    shown = {
        "agreement": held.agreement,
        "kept": kept,
        "drawn": [(one, request.POST.get(f"unit-{at}", "")) for at, one in enumerate(drawn)],
        "answers": list(zip(drawn, kept.review.answers, strict=True)) if kept.review else [],
        "words": ANSWERS,
        "seed": seed_of(root, bytes.fromhex(kept.report.digest)).hex(),
        "key": draw_id(),
    }
    if request.method != "POST":
        return render(request, "desk/fund/review.html", shown)
    given = tuple(request.POST.get(f"unit-{at}", "") for at in range(len(drawn)))
    if any(one not in ANSWERS for one in given):
        shown["error"] = "say pass or fail of each unit"
        return render(request, "desk/fund/review.html", shown, status=422)
    try:
        answer = file(actor, EnterReview(number, given), key=key_of(request), may=Act.FUND_REVIEW)
    except (UpstreamError, StoreError):
        shown["error"] = (
            "the fund's ledger does not answer now; send it again in a minute: it is entered once"
        )
        return render(request, "desk/fund/review.html", shown, status=503)
    if isinstance(answer, Refusal):
        return render(request, "desk/fund/review.html", {**shown, "error": answer.says}, status=422)
    messages.success(request, "entered, and recorded")
    return redirect("fund-review", number=number)
