"""An edition as files: a CSV for each table, the JSON of all, and the totals that name their digests. Pure.

Each totals text names the digest of the one before it; its own digest goes into the record. It is a text that an
official can sign as it stands.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final

from doorward.errors import MalformedError, VerificationError
from doorward.fund.ledger.export import format_dollars
from doorward.fund.published.edition import Edition, format_edition
from doorward.fund.published.settled import Count
from doorward.notes.lines import format_lines, parse_lines

HEADER: Final = "doorward fund totals v1"
WITHHELD: Final = "withheld"
NOT_COUNTED: Final = "not counted"
TOTALS: Final = "totals.txt"
DOCUMENT: Final = "fund.json"
TABLES: Final = (
    "lines.csv",
    "payments.csv",
    "agreements.csv",
    "served.csv",
    "outcomes.csv",
    "reports.csv",
    "costs.csv",
)
NAMES: Final = (*TABLES, DOCUMENT, TOTALS)
FIELDS: Final = (
    "month", "published-on", "threshold", "scheme", "through", "through-filing", "appropriated", "encumbered", "spent",
    "paid", "withheld", *TABLES, DOCUMENT, "previous",
)  # fmt: skip
NONE: Final = "none"


def format_files(edition: Edition, names: Mapping[str, str], previous: bytes | None) -> dict[str, bytes]:
    """Return the files of an edition by their names; the totals are the last.

    Args:
        names: The public name of a grantee by its id.
        previous: The totals of the month before, or None of the first edition.
    """
    files = {**format_tables(edition, names), DOCUMENT: format_edition(edition)}
    files[TOTALS] = format_totals(edition, files, previous)
    return files


def format_tables(edition: Edition, names: Mapping[str, str]) -> dict[str, bytes]:
    """Return the CSV files of an edition (RFC 4180, UTF-8).

    No cell is one that a spreadsheet runs: ids, words and names begin with a letter or digit, the rest are numbers.
    """
    return {
        "lines.csv": _table(
            ("fiscal_year", "line", "appropriated", "carried_in", "available", "pending", "encumbered", "spent",
             "lapsed", "carried_out", "paid", "advanced", "payable", "refunded"),
            (
                (str(one.year), one.line, *map(format_dollars, (
                    one.appropriated, one.carried_in, one.available, one.pending, one.encumbered, one.expended,
                    one.lapsed, one.carried_out, one.paid, one.advanced, one.payable, one.refunded)))
                for one in edition.lines
            ),
        ),
        "payments.csv": _table(
            ("fiscal_year", "grantee", "name", "paid", "returned"),
            (
                (str(one.year), one.grantee, names.get(one.grantee, one.grantee), format_dollars(one.paid),
                 format_dollars(one.returned))
                for one in edition.payments
            ),
        ),
        "agreements.csv": _table(
            ("fiscal_year", "line", "agreement", "grantee", "begins", "ends", "encumbered", "spent"),
            (
                (str(one.year), one.line, one.agreement, one.grantee, one.begins.isoformat(), one.ends.isoformat(),
                 format_dollars(one.encumbered), format_dollars(one.spent))
                for one in edition.holdings
            ),
        ),
        "served.csv": _counts("service", edition.served),
        "outcomes.csv": _counts("outcome", edition.ended),
        "reports.csv": _table(
            ("period", "reports"), ((one.period, str(one.reports)) for one in edition.came or ())
        ),
        "costs.csv": _table(
            ("fiscal_year", "service", "spent", "count", "cost"),
            (
                (str(one.year), one.code, format_dollars(one.spent),
                 NOT_COUNTED if one.count is None else str(one.count),
                 "" if one.each is None else format_dollars(one.each))
                for one in edition.costs
            ),
        ),
    }  # fmt: skip


def _counts(what: str, counts: Iterable[Count] | None) -> bytes:
    rows = ((one.period, one.code, WITHHELD if one.value is None else str(one.value)) for one in counts or ())
    return _table(("period", what, "count"), rows)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue().encode()


def format_totals(edition: Edition, files: Mapping[str, bytes], previous: bytes | None) -> bytes:
    """Return the text whose digest the record holds, and that an official signs.

    Args:
        files: Of this edition, by name.
        previous: The totals of the month before, or None.
    """
    sums = {
        "appropriated": sum(one.appropriated for one in edition.lines),
        "encumbered": sum(one.encumbered for one in edition.lines),
        "spent": sum(one.expended for one in edition.lines),
        "paid": sum(one.paid for one in edition.lines),
    }
    return format_lines(
        HEADER,
        [
            ("month", str(edition.month)),
            ("published-on", edition.on.isoformat()),
            ("threshold", str(edition.threshold)),
            ("scheme", edition.scheme),
            ("through", str(edition.through)),
            ("through-filing", str(edition.through_filing)),
            *((name, format_dollars(cents)) for name, cents in sums.items()),
            ("withheld", str(edition.withheld)),
            *((name, digest(files[name])) for name in (*TABLES, DOCUMENT)),
            ("previous", NONE if previous is None else digest(previous)),
        ],
    )


def digest(raw: bytes) -> str:
    """Return SHA-256 in hexadecimal digits, as `sha256sum` prints it."""
    return sha256(raw).hexdigest()


def parse_totals(raw: bytes) -> dict[str, str]:
    """Return the fields of a totals text.

    Args:
        raw: Of anybody.

    Raises:
        MalformedError: It is none.
    """
    return dict(zip(FIELDS, parse_lines(raw, HEADER, FIELDS), strict=True))


def check_file(totals: bytes, name: str, raw: bytes) -> str:
    """Return the month of a totals text, where this is the file that it names.

    Args:
        totals: Of anybody; so is the file.
        name: One of `TABLES`, or `DOCUMENT`.

    Raises:
        MalformedError: It is no totals text, or has no such file.
        VerificationError: It names another file.
    """
    said = parse_totals(totals)
    if name not in (*TABLES, DOCUMENT):
        raise MalformedError(f"the totals name no file `{name[:40]}`")
    if said[name] != digest(raw):
        raise VerificationError(f"`{name}` is not the one that the totals name")
    return said["month"]
