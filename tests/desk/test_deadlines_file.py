"""deadlines.toml: what is wrong with it is said with its line, and nothing of it is used."""

import pytest

from doorward.orders.deadlines import read_deadlines

GOOD = """\
time_zone = "America/Chicago"
[calendar.city]
says = "offices"
holidays = "US-IL"
closures = [{ on = 2026-11-27, says = "the day after" }]
[clock.five]
says = "five days"
clause = "C1"
cite = "a statute"
evidence = "background"
standing = "needs-counsel"
unit = "business-days"
length = 5
calendar = "city"
[[clock.five.pause]]
reason = "asked"
says = "the requester was asked"
at_most = 1
[[clock.five.extension]]
clause = "3(e)"
says = "once"
by = 5
at_most = 1
[report.yearly]
says = "each year"
cite = "a statute"
evidence = "text"
standing = "confirmed"
period = "year"
due_month = 3
due_day = 1
calendar = "city"
[[use]]
kind = "records"
clock = "five"
"""


def test_a_good_file_is_read() -> None:
    found, findings = read_deadlines(GOOD, {"C1"})
    assert findings == []
    assert found is not None
    assert found.clocks["five"].extensions[0].by == 5
    assert found.reports["yearly"].due_month == 3


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("America/Chicago", "America/Chicagoo", 1, "no time zone"),
        ('holidays = "US-IL"', 'holidays = "Illinois"', 4, "no region"),
        ('says = "offices"', 'says = "offices"\nweekend = ["sunnday"]', 4, "no day of the week"),
        ("{ on = 2026-11-27,", '{ on = "2026-11-27",', 5, "a closure is"),
        ('clause = "C1"', 'clause = "C2"', 8, "no clause of the order"),
        ('standing = "needs-counsel"', 'standing = "confirmed"', 11, "confirms nothing"),
        ('unit = "business-days"', 'unit = "days"', 12, "none of business-days"),
        ("length = 5", "length = 0", 13, "from 1 to 1000"),
        ("length = 5", "length = true", 13, "from 1 to 1000"),
        ("length = 5", "long = 5", 13, "unknown key"),
        ('calendar = "city"\n[[clock', 'calendar = "town"\n[[clock', 14, "no calendar"),
        ('reason = "asked"', 'reason = "was asked"', 16, "lower-case"),
        ("at_most = 1\n[[clock", "at_most = 99\n[[clock", 18, "from 1 to 12"),
        ("by = 5", "by = 0", 22, "from 1 to"),
        ("due_month = 3", "due_month = 2\ndue_after_days = 5", 24, "due_after_days"),
        ("due_month = 3\ndue_day = 1", "due_month = 2\ndue_day = 29", 31, "no day 29"),
        ('clock = "five"', 'clock = "six"', 35, "no clock `six`"),
        ('unit = "business-days"', 'unit = "fixed"', 13, "from 0 to 0"),
    ],
)
def test_a_fault_is_said_with_its_line(old: str, new: str, line: int, says: str) -> None:
    assert GOOD.count(old) == 1
    found, findings = read_deadlines(GOOD.replace(old, new), {"C1"})
    assert found is None
    hits = [finding for finding in findings if says in finding.message]
    assert hits, findings
    assert hits[0].span is not None
    assert hits[0].span.line == line


@pytest.mark.parametrize(
    "text", ["", "clock = 3", "[clock]\nfive = 1", "use = 3", "[[clock.five]]", "[clock.five]"]
)
def test_a_file_of_another_shape_has_findings_and_no_crash(text: str) -> None:
    found, findings = read_deadlines(text, ())
    assert found is None
    assert findings
