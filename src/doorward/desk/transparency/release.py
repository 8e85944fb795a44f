"""What a publication is as files: a table, its signed totals, a feed, the data of charts. Pure.

Each totals text names the digest of the one before it, so that a publication that was changed later is seen in the next
one. The text is signed by the auditor; its digest is what goes into the log.
"""

import csv
import io
import xml.etree.ElementTree as ET  # only written here; nothing is parsed
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from hashlib import sha256
from typing import Any, Final

from doorward.desk.csv_text import format_csv
from doorward.desk.deadlines.periods import Period
from doorward.desk.transparency.publication import TOTAL, Figure, Publication, Scheme
from doorward.errors import ConfigError, MalformedError, VerificationError
from doorward.notes.lines import format_lines, parse_lines

HEADER: Final = "doorward transparency totals v1"
ATOM: Final = "http://www.w3.org/2005/Atom"
WITHHELD: Final = "withheld"
FIELDS: Final = (
    "quarter", "published-on", "threshold", "delay-days", "scheme", "table", "withheld", "previous",
)  # fmt: skip
HEAD: Final = ("period", "kind", "outcome", "count")


def format_table(publication: Publication) -> bytes:
    """Return the figures of one publication as CSV; a withheld one says so."""
    return format_csv(
        HEAD,
        (
            (one.period, one.kind, one.outcome, WITHHELD if one.value is None else str(one.value))
            for one in publication.figures
        ),
    )


def parse_table(raw: bytes, quarter: Period, on: date, threshold: int) -> Publication:
    """Return the publication that a table is of; `format_table` of it gives the same bytes.

    Raises:
        MalformedError: It is no such table.
    """
    head, *rows = csv.reader(io.StringIO(raw.decode("utf-8", errors="replace"), newline=""))
    if tuple(head) != HEAD or not all(len(row) == len(HEAD) for row in rows):
        raise MalformedError("a table has the columns " + ", ".join(HEAD))
    try:
        figures = tuple(
            Figure(period, kind, outcome, None if value == WITHHELD else int(value))
            for period, kind, outcome, value in rows
        )
    except ValueError as error:
        raise MalformedError("a count is a number, or withheld") from error
    return Publication(quarter, on, threshold, figures)


def format_totals(publication: Publication, scheme: Scheme, previous: bytes | None) -> bytes:
    """Return what the auditor signs.

    Args:
        previous: The totals text of the quarter before, or None of the first.
    """
    words = "; ".join((", ".join(scheme.kinds), ", ".join(scheme.outcomes)))
    return format_lines(
        HEADER,
        [
            ("quarter", str(publication.quarter)),
            ("published-on", publication.on.isoformat()),
            ("threshold", str(publication.threshold)),
            ("delay-days", str(scheme.delay_days)),
            ("scheme", sha256(words.encode()).hexdigest()),
            ("table", sha256(format_table(publication)).hexdigest()),
            ("withheld", str(sum(one.value is None for one in publication.figures))),
            ("previous", "none" if previous is None else sha256(previous).hexdigest()),
        ],
    )


def check_table(totals: bytes, table: bytes) -> str:
    """Return the quarter of a totals text, where this is the table that it names.

    Args:
        totals: Of anybody; so is the table.

    Raises:
        MalformedError: It is no totals text.
        VerificationError: It names another table.
    """
    said = dict(zip(FIELDS, parse_lines(totals, HEADER, FIELDS), strict=True))
    if not said["table"]:
        raise MalformedError("the totals name no table")
    if sha256(table).hexdigest() != said["table"]:
        raise VerificationError("the table is not the one that the totals name")
    return said["quarter"]


def digest_totals(text: bytes) -> str:
    """Return the digest of a totals text, for the log: hexadecimal SHA-256."""
    return sha256(text).hexdigest()


def format_all_totals(publications: Sequence[Publication], scheme: Scheme) -> tuple[bytes, ...]:
    """Return the totals text of every publication, each with the digest of the one before."""
    found: list[bytes] = []
    for publication in publications:
        found.append(format_totals(publication, scheme, found[-1] if found else None))
    return tuple(found)


def chart_series(publications: Sequence[Publication]) -> dict[str, list[dict[str, Any]]]:
    """Return for each kind, and for all, its total by quarter; None where it is withheld. For JSON."""
    series: dict[str, list[dict[str, Any]]] = {}
    for publication in publications:
        for one in publication.figures:
            if one.outcome == TOTAL and one.period == str(publication.quarter):
                series.setdefault(one.kind, []).append({"quarter": one.period, "count": one.value})
    return series


def format_feed(
    publications: Sequence[Publication], *, authority: str, page: str, title: str, author: str
) -> bytes:
    """Return an Atom feed (RFC 4287) of the publications, newest first; the same ones give the same bytes.

    Args:
        authority: A domain of the city; ids are tags of it (RFC 4151) and never change.
        page: Absolute address of the public page, with a slash at its end.
        author: An office.

    Raises:
        ConfigError: The page is no address, or nothing was published yet.
    """
    if not page.startswith("https://") or not page.endswith("/"):
        raise ConfigError("the page of a feed is an https address that ends with `/`")
    if not publications:
        raise ConfigError("nothing was published yet", hint="a feed begins with its first quarter")
    first = publications[0].on.isoformat()
    feed = ET.Element("feed", {"xmlns": ATOM, "xml:lang": "en"})
    _add(feed, "id", f"tag:{authority},{first}:transparency")
    _add(feed, "title", title)
    _add(feed, "updated", _moment(publications[-1]))
    _add(ET.SubElement(feed, "author"), "name", author)
    ET.SubElement(feed, "link", {"rel": "self", "href": f"{page}feed.atom", "type": "application/atom+xml"})
    ET.SubElement(feed, "link", {"rel": "alternate", "href": page, "type": "text/html"})
    for one in reversed(publications):
        entry = ET.SubElement(feed, "entry")
        _add(entry, "id", f"tag:{authority},{first}:transparency/{one.quarter}")
        _add(entry, "title", f"Totals of {one.quarter}")
        _add(entry, "updated", _moment(one))
        ET.SubElement(
            entry, "link", {"rel": "alternate", "href": f"{page}{one.quarter}.csv", "type": "text/csv"}
        )
        _add(entry, "summary", _summary(one))
    text = ET.tostring(feed, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def _summary(publication: Publication) -> str:
    whole = next(
        one for one in publication.figures
        if (one.period, one.kind, one.outcome) == (str(publication.quarter), TOTAL, TOTAL)
    )  # fmt: skip
    gone = sum(one.value is None for one in publication.figures)
    said = "The total is withheld" if whole.value is None else f"{whole.value} in all"
    return f"{said}; {gone} of {len(publication.figures)} numbers are withheld, as small counts or to protect one."


def _moment(publication: Publication) -> str:
    # The day of the schedule: the moment at which somebody pressed a key would tell something.
    return datetime.combine(publication.on, time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _add(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = text
