"""The public page: no sign-in, no cookie, the same bytes for everybody, and nothing that depends on a clock.

What stands here is what the auditor signed. The answer is a function of the signed quarters alone, so it can be kept by
anybody between, and says nothing of who asked or when.
"""

from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Concatenate, Final, ParamSpec
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from doorward.desk.deadlines.periods import parse_period
from doorward.desk.models import Publication
from doorward.desk.order import order
from doorward.desk.reporting.publications import counted, figures_of, public, scheme_of
from doorward.desk.transparency.chart import Bar, draw_bars
from doorward.desk.transparency.publication import TOTAL, publish_on
from doorward.desk.transparency.publication import Publication as Made
from doorward.desk.transparency.release import chart_series, digest_totals, format_feed
from doorward.errors import ConfigError
from doorward.orders.transparency import Counted

P = ParamSpec("P")
KEPT_SECONDS: Final = 3600
SAMPLE_PAGE: Final = "https://desk.sample.invalid/open/"


def for_everybody(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Return a view whose answer everybody between may keep; who has it already is told so."""

    @wraps(view)
    def called(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        answer = view(request, *args, **kwargs)
        etag = f'"{sha256(answer.content).hexdigest()}"'
        answer.headers["ETag"] = etag
        answer.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}"
        if answer.status_code != 200:
            return answer
        return get_conditional_response(request, etag=etag, response=answer) or answer

    return require_safe(called)


@for_everybody
def page(request: HttpRequest) -> HttpResponse:
    """Return the public page: charts, tables, files and how to check them."""
    del request
    try:
        words = counted()
        scheme = scheme_of(words)
    except ConfigError:
        return _nothing()
    stand = public()
    made = figures_of(stand)
    following = parse_period(stand[-1].quarter).after if stand else scheme.first
    shown = {
        "sample": settings.DESK.sample,
        "order": order().pack.title,
        "office": words.office,
        "contact": order().pack.contacts.law_department,
        "words": words,
        "scheme": scheme,
        "charts": _charts(words, made),
        "tables": [_table(words, one) for one in reversed(made)],
        "files": [_files(one) for one in reversed(stand)],
        "next": following,
        "next_on": publish_on(scheme, following),
    }
    return HttpResponse(render_to_string("open/page.html", shown))


@for_everybody
def table(request: HttpRequest, quarter: str) -> HttpResponse:
    """Return the table of a quarter as CSV, the bytes whose digest is in the record and in the signed totals."""
    del request
    found = _of(quarter)
    if found is None:
        return _nothing()
    headers = {"Content-Disposition": f'attachment; filename="totals-{found.quarter}.csv"'}
    return HttpResponse(bytes(found.table), content_type="text/csv; charset=utf-8", headers=headers)


@for_everybody
def totals(request: HttpRequest, quarter: str) -> HttpResponse:
    """Return the totals of a quarter as the auditor signed them."""
    del request
    found = _of(quarter)
    if found is None:
        return _nothing()
    return HttpResponse(bytes(found.signature.note), content_type="text/plain; charset=utf-8")


@for_everybody
def feed(request: HttpRequest) -> HttpResponse:
    """Return the Atom feed of the quarters; its times are those of the schedule."""
    del request
    made = figures_of(public())
    if not made:
        return _nothing()
    address = page_address()
    raw = format_feed(
        made, authority=urlsplit(address).hostname or "", page=address, title=f"Totals: {order().pack.title}",
        author=counted().office,
    )  # fmt: skip
    return HttpResponse(raw, content_type="application/atom+xml; charset=utf-8")


def page_address() -> str:
    """Return where the public finds the page; of a sample without HTTPS an address that nobody reaches."""
    found = next((origin for origin in settings.DESK.origins if origin.startswith("https://")), None)
    return SAMPLE_PAGE if found is None else f"{found}/open/"


def _nothing() -> HttpResponse:
    return HttpResponse("nothing is published under this address\n", content_type="text/plain", status=404)


def _of(quarter: str) -> Publication | None:
    return next((one for one in public() if one.quarter == quarter), None)


def _charts(words: Counted, made: tuple[Made, ...]) -> list[dict[str, object]]:
    series = chart_series(made)
    found: list[dict[str, object]] = []
    for kind in (TOTAL, *words.all_kinds):
        bars = [Bar(str(one["quarter"]), one["count"]) for one in series.get(kind, ())]
        drawn = draw_bars(words.words[kind], bars)
        found.append({"title": words.words[kind], "svg": mark_safe(drawn), "bars": bars})  # noqa: S308  # made of escaped text and numbers
    return found


def _table(words: Counted, made: Made) -> dict[str, object]:
    values = {(one.period, one.kind, one.outcome): one.value for one in made.figures}
    periods = dict.fromkeys(one.period for one in made.figures)
    outcomes = (*words.all_outcomes, TOTAL)
    rows = [
        (
            period,
            [
                (words.words[kind], [values[period, kind, outcome] for outcome in outcomes])
                for kind in (*words.all_kinds, TOTAL)
            ],
        )
        for period in periods
    ]
    return {"quarter": made.quarter, "heads": [words.words[one] for one in outcomes], "periods": rows}


def _files(one: Publication) -> dict[str, object]:
    return {  # no place in the record: numbers of entries tell how much was recorded
        "quarter": one.quarter,
        "day": one.day,
        "table": sha256(bytes(one.table)).hexdigest(),
        "totals": digest_totals(bytes(one.totals)),
        "signer": one.signature.signer.split("/")[0],  # the office, and no person
    }
