"""The fund's public pages: what was published of it, and what others published before; no sign-in, the same for all.

The council's page is public as well: a page for some would be one whose numbers differ, and numbers that differ can be
taken from each other (ADR 74). Figures come from the folder of published months alone, each file held to the digest
that its totals name; nothing here can reach the ledger.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from doorward.desk.order import order
from doorward.desk.transparency import fund_page
from doorward.desk.transparency.fund_feed import MOST_ENTRIES, format_fund_feed
from doorward.desk.transparency.fund_page import Table
from doorward.desk.views.open import for_everybody, page_address
from doorward.errors import MalformedError, StoreError, VerificationError
from doorward.fund.archive import Archive
from doorward.fund.published.counted import publish_on
from doorward.fund.published.edition import Edition, parse_edition
from doorward.fund.published.files import DOCUMENT, NAMES, TABLES, TOTALS, check_file, digest, parse_totals
from doorward.fund.published.history import format_history
from doorward.fund.published.month import Month, parse_month
from doorward.orders.fund import FUND, FundWords
from doorward.orders.fund_history import HISTORY, History
from doorward.orders.fund_published import PUBLISHED, PublishedWords
from doorward.orders.load import load_fund, load_fund_history, load_fund_published, load_pack
from doorward.orders.pack import Pack

_pages: dict[str, tuple[object, str]] = {}
TYPES: Final = {"csv": "text/csv", "json": "application/json", "txt": "text/plain"}


@dataclass(frozen=True, slots=True)
class Words:
    """What the order says of the fund, of each file what there is."""

    published: PublishedWords | None
    fund: FundWords | None
    history: History | None


@dataclass(frozen=True, slots=True)
class Stand:
    """What stands.

    Args:
        edition: The newest, or None where none is published.
        files: Digest of each file of it, the totals too, by name.
        broken: A file of the newest month is not what its totals say; nothing of it is shown.
    """

    edition: Edition | None
    files: tuple[tuple[str, str], ...] = ()
    broken: bool = False


@for_everybody
def page(request: HttpRequest) -> HttpResponse:
    """Return the public page of the fund."""
    del request
    words, stand = _words(), _stand()
    if words.published is None and words.history is None:
        return _nothing()
    return HttpResponse(_rendered("open/fund.html", stand, lambda: _whole(words, stand)))


def _whole(words: Words, stand: Stand) -> dict[str, object]:
    shown = {**_common(words, stand), **_history(words.history)}
    if stand.edition is not None and words.published is not None and words.fund is not None:
        edition = stand.edition
        shown |= {
            "money": fund_page.money_tables(edition, words.fund),
            "payments": fund_page.payment_table(edition, words.published),
            "served": _counts(edition, words.published),
            "not_counted": edition.served is None,
            "no_report": [one.period for one in edition.came or () if not one.reports][
                -fund_page.SHOWN_MONTHS :
            ],
            "costs": fund_page.cost_table(edition, words.published),
        }
    return shown


@for_everybody
def lines(request: HttpRequest) -> HttpResponse:
    """Return the council's page: every line and every agreement."""
    del request
    words, stand = _words(), _stand()
    if words.published is None or words.fund is None:
        return _nothing()
    return HttpResponse(_rendered("open/fund_lines.html", stand, lambda: _lines(words, stand)))


def _lines(words: Words, stand: Stand) -> dict[str, object]:
    shown = _common(words, stand)
    if stand.edition is not None and words.published is not None and words.fund is not None:
        shown["tables"] = (
            fund_page.line_table(stand.edition, words.fund),
            fund_page.agreement_table(stand.edition, words.published, words.fund),
            fund_page.payment_table(stand.edition, words.published),
        )
    return shown


@for_everybody
def file(request: HttpRequest, month: str, name: str) -> HttpResponse:
    """Return a file of a month, as its totals name it; one that was changed is not there."""
    del request
    archive = Archive(settings.DESK.fund_public)
    try:
        if name not in NAMES or month not in archive.months():
            return _nothing()
        found = archive.read(month, name, TOTALS).files
        if name != TOTALS:
            check_file(found[TOTALS], name, found[name])
    except (KeyError, MalformedError, StoreError, VerificationError):
        return _nothing()
    kind = TYPES[name.rpartition(".")[2]]
    headers = {"Content-Disposition": f'attachment; filename="fund-{month}-{name}"'}
    return HttpResponse(found[name], content_type=f"{kind}; charset=utf-8", headers=headers)


@for_everybody
def history(request: HttpRequest) -> HttpResponse:
    """Return what others published of the fund, as CSV."""
    del request
    words = _words()
    if words.history is None:
        return _nothing()
    headers = {"Content-Disposition": 'attachment; filename="fund-history.csv"'}
    return HttpResponse(
        format_history(words.history), content_type="text/csv; charset=utf-8", headers=headers
    )


@for_everybody
def feed(request: HttpRequest) -> HttpResponse:
    """Return the Atom feed of the months; its times are those of the schedule."""
    del request
    words, archive = _words(), Archive(settings.DESK.fund_public)
    try:
        said = [
            parse_totals(archive.read(one, TOTALS).files[TOTALS]) for one in archive.months()[-MOST_ENTRIES:]
        ]
    except (KeyError, MalformedError, StoreError):
        return _nothing()
    if not said or words.published is None:
        return _nothing()
    address = page_address() + "fund/"
    raw = format_fund_feed(
        said, authority=urlsplit(address).hostname or "", page=address, first=words.published.first,
        title=f"Legal defense fund: {order().pack.title}", author=words.published.office,
    )  # fmt: skip
    return HttpResponse(raw, content_type="application/atom+xml; charset=utf-8")


@cache
def _words() -> Words:
    place = settings.DESK.fund
    pack: Pack = order().pack if place is None else load_pack(place.order)
    return Words(
        load_fund_published(pack) if PUBLISHED in pack.files else None,
        load_fund(pack) if FUND in pack.files else None,
        load_fund_history(pack) if HISTORY in pack.files else None,
    )


def _stand() -> Stand:
    archive = Archive(settings.DESK.fund_public)
    try:
        months = archive.months()
        if not months:
            return Stand(None)
        found = archive.read(months[-1]).files
        totals, document = found[TOTALS], found[DOCUMENT]
        for name in (*TABLES, DOCUMENT):
            check_file(totals, name, found[name])
    except (KeyError, MalformedError, StoreError, VerificationError):
        return Stand(None, broken=True)
    return Stand(_parse(document), tuple((name, digest(found[name])) for name in NAMES))


def _rendered(template: str, stand: Stand, shown: Callable[[], dict[str, object]]) -> str:
    """Return a page, made once for what stands: it is a function of the files, which are never written again."""
    key = (stand.files, stand.broken)
    held = _pages.get(template)
    if held is None or held[0] != key:
        held = _pages[template] = (key, render_to_string(template, shown()))
    return held[1]


@lru_cache(maxsize=2)
def _parse(document: bytes) -> Edition:
    return parse_edition(document)


def _common(words: Words, stand: Stand) -> dict[str, object]:
    published = words.published
    following: Month | None = None
    if published is not None and not stand.broken:
        following = parse_month(published.first) if stand.edition is None else stand.edition.month.after
    return {
        "sample": settings.DESK.sample,
        "order": order().pack.title,
        "contact": order().pack.contacts.law_department,
        "words": published,
        "stand": stand,
        "next": following,
        "next_on": None if following is None or published is None else publish_on(following, published),
        "most_withheld": None if stand.edition is None else stand.edition.threshold - 1,
    }


def _history(found: History | None) -> dict[str, object]:
    if found is None:
        return {}
    return {
        "history": fund_page.history_tables(found),
        "gaps": fund_page.gaps(found),
        "differs": fund_page.contradictions(found),
        "sources": found.sources.values(),
        "history_digest": digest(format_history(found)),
        "history_years": (found.first_year, found.last_year),
    }


def _counts(edition: Edition, words: PublishedWords) -> tuple[Table, ...]:
    return (
        *fund_page.count_tables(edition.served or (), fund_page.served_titles(words), "served"),
        *fund_page.count_tables(edition.ended or (), fund_page.outcome_titles(words), "outcome"),
    )


def _nothing() -> HttpResponse:
    return HttpResponse("nothing is published under this address\n", content_type="text/plain", status=404)
