"""Accepted reports, read from where the fund's database keeps what grantees file.

A report is accepted by its own filing, or by the exception with which a second person excused the last finding that
stopped it; the first exception of a finding counts, since no later one changes it. One that is still stopped is not
accepted. A fund whose database has no place for reports has none, and that is not nought.
"""

from collections import Counter
from typing import Any, Final

import psycopg

from doorward.fund.published.counted import Accepted

_HEADS: Final = """
SELECT r.agreement, r.begins, r.ends, greatest(f.day, s.excused), b.day, greatest(r.filing, s.by),
    coalesce(b.number, 0), r.filing
FROM fund.report r
JOIN fund.filing f ON f.number = r.filing
LEFT JOIN fund.filing b ON b.act = 'return-report' AND b.about = r.filing
CROSS JOIN LATERAL (
    SELECT max(g.day) AS excused, max(g.number) AS by, count(*) FILTER (WHERE g.day IS NULL) AS open
    FROM fund.finding n
    JOIN fund.check_rule c ON c.code = n.rule AND NOT c.refers
    LEFT JOIN LATERAL (
        SELECT o.day, o.number FROM fund.exception e
        JOIN fund.filing o ON o.act = 'grant-exception' AND o.about = e.filing
        WHERE (e.report, e.place, e.heading, e.rule) = (n.report, n.place, n.heading, n.rule)
        ORDER BY o.number LIMIT 1
    ) g ON true
    WHERE n.report = r.filing
) s
WHERE s.open = 0
ORDER BY r.filing
"""


def read_accepted(connection: psycopg.Connection[Any]) -> list[Accepted] | None:
    """Return every report that was accepted, those that were taken back too; None where the database keeps none.

    Args:
        connection: Of the role that reads the fund, at one moment.

    Raises:
        psycopg.Error: The database did not answer.
    """
    if connection.execute("SELECT to_regclass('fund.report')").fetchone() == (None,):
        return None
    units: dict[int, Counter[str]] = {}
    opened: dict[int, Counter[str]] = {}
    for number, service, many, new in connection.execute(
        "SELECT report, service, sum(units), sum(opened) FROM fund.report_units GROUP BY report, service"
    ):
        units.setdefault(number, Counter())[service] = int(many)
        opened.setdefault(number, Counter())[service] = int(new)
    outcomes: dict[int, Counter[str]] = {}
    for number, outcome, cases in connection.execute(
        "SELECT report, outcome, sum(cases) FROM fund.report_outcome GROUP BY report, outcome"
    ):
        outcomes.setdefault(number, Counter())[outcome] = int(cases)
    return [
        Accepted(
            ends, accepted, dict(units.get(number, {})), dict(opened.get(number, {})),
            dict(outcomes.get(number, {})), returned, (agreement, begins), by, returned_by,
        )
        for agreement, begins, ends, accepted, returned, by, returned_by, number in connection.execute(_HEADS)
    ]  # fmt: skip


def read_last_filing(connection: psycopg.Connection[Any]) -> int:
    """Return the number of the last filing, 0 where there is none; numbers are given in the writers' turn, in order.

    Args:
        connection: As of `read_accepted`, at the same moment.

    Raises:
        psycopg.Error: The database did not answer, or keeps no reports.
    """
    found = connection.execute("SELECT coalesce(max(number), 0) FROM fund.filing").fetchone()
    assert found is not None  # an aggregate has a row
    return int(found[0])
