"""The Atom feed of the fund's published months. Pure."""

import xml.etree.ElementTree as ET  # only written here; nothing is parsed
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Final

from doorward.errors import ConfigError

ATOM: Final = "http://www.w3.org/2005/Atom"
MOST_ENTRIES: Final = 24


def format_fund_feed(
    months: Sequence[Mapping[str, str]], *, authority: str, page: str, title: str, author: str, first: str
) -> bytes:
    """Return an Atom feed (RFC 4287) of the last months, newest first; the same ones give the same bytes.

    Args:
        months: Fields of the totals of each, in order.
        authority: A domain of the city; ids are tags of it (RFC 4151) and never change.
        page: Absolute address of the public page, with a slash at its end.
        author: An office.
        first: The first month of the series.

    Raises:
        ConfigError: The page is no address, or nothing was published yet.
    """
    if not page.startswith("https://") or not page.endswith("/"):
        raise ConfigError("the page of a feed is an https address that ends with `/`")
    if not months:
        raise ConfigError("nothing was published yet", hint="a feed begins with its first month")
    tag = f"tag:{authority},{first}-01:fund"
    feed = ET.Element("feed", {"xmlns": ATOM, "xml:lang": "en"})
    _add(feed, "id", tag)
    _add(feed, "title", title)
    _add(feed, "updated", _moment(months[-1]["published-on"]))
    _add(ET.SubElement(feed, "author"), "name", author)
    ET.SubElement(feed, "link", {"rel": "self", "href": f"{page}feed.atom", "type": "application/atom+xml"})
    ET.SubElement(feed, "link", {"rel": "alternate", "href": page, "type": "text/html"})
    for one in reversed(months[-MOST_ENTRIES:]):
        entry = ET.SubElement(feed, "entry")
        _add(entry, "id", f"{tag}/{one['month']}")
        _add(entry, "title", f"The fund, {one['month']}")
        _add(entry, "updated", _moment(one["published-on"]))
        address = f"{page}{one['month']}/totals.txt"
        ET.SubElement(entry, "link", {"rel": "alternate", "href": address, "type": "text/plain"})
        _add(
            entry, "summary",
            f"Appropriated {one['appropriated']}, bound {one['encumbered']}, spent {one['spent']}, paid {one['paid']} "
            f"dollars in all fiscal years; {one['withheld']} counts are withheld, as small or to protect one.",
        )  # fmt: skip
    text = ET.tostring(feed, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def _moment(day: str) -> str:
    # The day of the schedule: the moment at which somebody pressed a key would tell something.
    return datetime.combine(date.fromisoformat(day), time()).strftime("%Y-%m-%dT%H:%M:%SZ")


def _add(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = text
