"""The public table as those see it who make it: what is due, a quarter with its withheld numbers, the signature."""

from collections import Counter

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from doorward.desk.access import Actor, matters, sees_reports, visits
from doorward.desk.models import Publication
from doorward.desk.reporting import publications
from doorward.desk.reporting.gather import rules
from doorward.desk.roles import Act
from doorward.desk.transparency.publication import TOTAL
from doorward.desk.views.acts import NOT_RECORDED
from doorward.desk.views.reports import zip_files
from doorward.desk.views.signed_in import for_actor
from doorward.errors import ConfigError, LogError, StoreError

ROWS = 500  # of what was counted, on a page


@require_http_methods(["GET", "POST"])
@for_actor
def listing(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return the quarters that stand and the next one; sent, the next one is counted and made."""
    if not sees_reports(actor):
        return render(request, "desk/may_not.html", status=403)
    if request.method == "POST":
        try:
            made = publications.make_next(actor)
            messages.success(request, f"made: {made.quarter}. It is public once the auditor has signed it")
            return redirect("publication", quarter=made.quarter)
        except StoreError as error:
            messages.error(request, f"{error}; nothing was made")
        except ConfigError as error:
            messages.error(request, str(error))
        return redirect("publications")
    try:
        found = publications.standings(actor)
    except ConfigError as error:
        return render(request, "desk/publications.html", {"error": str(error)}, status=503)
    return render(
        request,
        "desk/publications.html",
        {"standings": found, "may_publish": actor.may(Act.PUBLISH), "today": rules().today(actor.now)},
    )


@require_http_methods(["GET", "POST"])
@for_actor
def publication(request: HttpRequest, actor: Actor, quarter: str) -> HttpResponse:
    """Return a quarter with every number, those that are withheld too; a signed note that is sent is taken in."""
    made = publications.publication_of(actor, quarter)
    if made is None:
        raise Http404
    if request.method == "POST":
        try:
            taken = publications.take_signature(actor, made, request.POST.get("note", ""), settings.DESK.data)
            messages.success(request, f"public now: signed by {taken.signer}")
        except StoreError:
            messages.error(request, NOT_RECORDED)
        except (ConfigError, LogError) as error:
            messages.error(request, str(error))
        return redirect("publication", quarter=quarter)
    return render(request, "desk/publication.html", _shown(actor, made))


@require_safe
@for_actor
def folder(request: HttpRequest, actor: Actor, quarter: str) -> HttpResponse:
    """Return what the auditor signs: the totals and the table that they name."""
    del request
    made = publications.publication_of(actor, quarter)
    if made is None:
        raise Http404
    files = {"table.csv": bytes(made.table), "totals.txt": bytes(made.totals)}
    headers = {"Content-Disposition": f'attachment; filename="totals-{quarter}.zip"'}
    return HttpResponse(zip_files(files), content_type="application/zip", headers=headers)


def _shown(actor: Actor, made: Publication) -> dict[str, object]:
    words = publications.counted()
    counts = Counter(made.counted.values_list("kind", "outcome"))
    stands = {(one.kind, one.outcome): one.value for one in publications.figures_of([made])[0].figures
              if one.period == made.quarter}  # fmt: skip
    kinds, outcomes = (*words.all_kinds, TOTAL), (*words.all_outcomes, TOTAL)
    table = [
        (
            words.words[kind],
            [(_sum(counts, kind, outcome), stands.get((kind, outcome)) is None) for outcome in outcomes],
        )
        for kind in kinds
    ]
    keys = [one.matter_id or one.visit_id for one in made.counted.all()[:ROWS]]
    return {
        "made": made,
        "signature": getattr(made, "signature", None),
        "table": table,
        "heads": [words.words[outcome] for outcome in outcomes],
        "totals": bytes(made.totals).decode(),
        "count": counts.total(),
        "matters": matters(actor).filter(pk__in=keys).order_by("number"),
        "visits": visits(actor).filter(pk__in=keys).order_by("number"),
        "may_publish": actor.may(Act.PUBLISH),
        "auditor": words.auditor,
    }


def _sum(counts: Counter[tuple[str, str]], kind: str, outcome: str) -> int:
    return sum(
        count for (one, other), count in counts.items() if kind in {one, TOTAL} and outcome in {other, TOTAL}
    )
