"""What a lead is: the kinds, each with its rule in numbers, what chance is taken to be, and what it cannot say. Pure.

A lead is no finding. It names a unit, and says how often something occurred beside how often it would by chance;
whoever reads it decides whether it is worth a look.
"""

from dataclasses import dataclass
from typing import Final

MINUTE_US: Final = 60_000_000
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US


@dataclass(frozen=True, slots=True)
class LeadNumbers:
    """The numbers of the rules. Whoever changes one says so: they stand in what is written.

    Args:
        repeat_us: A lookup of a plate so soon after the last one is taken for a repeat of a hot list.
        burst_searches: So many of one account within `burst_us` are a burst.
        burst_times: Where accounts are not known: at least so many times what the unit's busiest hour brings.
        least: A rate of fewer searches is not looked at.
        peers: Nor one with fewer peers.
        z: How far a rate stands out from its peers.
        drift_t: How far a rate is from what it was before a mark, by the spread of its weeks.
        draws: How often chance is drawn, for what has no formula.
        max_draws: At most so many drawn rows; then fewer draws.
        seed: Of every draw.
        rows: How many rows a lead names.
    """

    repeat_us: int = DAY_US
    burst_searches: int = 30
    burst_us: int = 10 * MINUTE_US
    burst_times: int = 3
    follow_us: int = HOUR_US
    shared_units: int = 3
    shared_us: int = 30 * MINUTE_US
    repeated_us: int = 14 * DAY_US
    least: int = 50
    peers: int = 20
    z: float = 4.0
    drift_t: float = 6.0
    drift_weeks: int = 8
    drift_least_weeks: int = 4
    draws: int = 20
    max_draws: int = 4_000_000
    seed: int = 2024
    rows: int = 50


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of lead.

    Args:
        looks_at: Which searches.
        rule: In words, with names of numbers in braces.
        numbers: Those numbers, by name.
        counted: What is counted, one and several.
        model: What chance is taken to be.
        caveat: What it cannot say.
    """

    name: str
    looks_at: str
    rule: str
    numbers: tuple[str, ...]
    counted: tuple[str, str]
    model: str
    caveat: str


BURST: Final = Kind(
    "burst",
    "searches whose account is known by an id",
    "{burst_searches} searches or more of one account within {burst_us}, both ends included",
    ("burst_searches", "burst_us"),
    ("burst", "bursts"),
    "each account keeps how many searches it made and over how many days; they fall independently of each other, at "
    "the rate that its unit has in that hour of the day (Poisson)",
    "people search in sessions, so searches are not independent: a burst says that many were made at once, not why",
)
UNIT_BURST: Final = Kind(
    "unit-burst",
    "searches whose account is not known by an id, by unit",
    "{burst_searches} searches or more of one unit within {burst_us}, and {burst_times} times or more what "
    "the busiest hour of its day brings in that time",
    ("burst_searches", "burst_us", "burst_times"),
    ("burst", "bursts"),
    "the unit's searches fall independently of each other, at its own rate in that hour of the day (Poisson)",
    "several people may have made them; one event that many work on looks the same",
)
FOLLOW: Final = Kind(
    "after-federal",
    "searches whose plate is exported",
    "a search of a unit that is not federal, of a plate that another unit searched at most {follow_us} "
    "before it in a search that is federal or explicit",
    ("follow_us",),
    ("search", "searches"),
    "each search of such a plate gets another time of its own unit's searches of that month ({draws} draws)",
    "two agencies that look for one wanted car, or get one alert, look the same",
)
PARTICIPATING: Final = Kind(
    "287g",
    "searches of units that are not federal",
    "a search of a unit that took part in 287(g) on that date; a date counts once it has begun in Hawaii",
    (),
    ("search", "searches"),
    "taking part has nothing to do with how often a unit searches: each has an even share of all searches from its "
    "date on",
    "units differ in size; that a unit takes part says nothing about one of its searches",
)
NIGHT: Final = Kind(
    "off-hours",
    "searches of units whose time zone is known",
    "a month of a unit with {least} searches or more, of which so many are from 1 to 5 in its own time that it is {z} "
    "standard deviations above its peers of that month ({peers} or more of the same level)",
    ("least", "peers", "z"),
    ("month of a unit", "months of units"),
    "each unit's rate is drawn from the spread of its peers' rates of that month, beta-binomial ({draws} draws)",
    "cannot be told from night shifts",
)
SHARED: Final = Kind(
    "shared-account",
    "searches whose account is known by an id; never by display names, which collide",
    "one account that is active in {shared_units} units or more within {shared_us}, or in two units of "
    "different states",
    ("shared_units", "shared_us"),
    ("account", "accounts"),
    "accounts that are active in several units keep them; each search gets another time of its own unit's searches "
    "of that month ({draws} draws)",
    "a person who works for a task force, or an account of a program, looks the same",
)
VAGUE: Final = Kind(
    "vague-rate",
    "searches whose reason is exported and not blank",
    "a month of a unit with {least} searches or more, of which so many have a vague reason that it is {z} standard "
    "deviations above its peers of that month ({peers} or more of the same level)",
    ("least", "peers", "z"),
    ("month of a unit", "months of units"),
    "each unit's rate is drawn from the spread of its peers' rates of that month, beta-binomial ({draws} draws)",
    "a form that offers a list of reasons changes the rate by itself; a vague reason is no wrong one",
)
REPEATED: Final = Kind(
    "repeated-plate",
    "searches whose account (by an id), plate and case number are exported, of which none has a case number",
    "one plate searched three times or more by one account of a unit, the first and the last {repeated_us} "
    "apart or more, without a case number",
    ("repeated_us",),
    ("account and plate", "accounts and plates"),
    "searches keep their plates, and whoever makes them is drawn from the unit's accounts, at times spread evenly over "
    "the account's own period (binomial)",
    "a plate in a long investigation is searched again and again; lookups of a hot list are left out only where they "
    "follow each other within a day",
)
DRIFT: Final = Kind(
    "vague-drift",
    "searches whose reason is exported and not blank, up to {drift_weeks} weeks before and after a mark",
    "the rate of vague reasons after a mark is {drift_t} standard errors or more from that before it, with {least} "
    "searches and {drift_least_weeks} weeks or more on each side",
    ("drift_weeks", "drift_least_weeks", "least", "drift_t"),
    ("change", "changes"),
    "weeks are independent and their rate is the same before and after (Welch's t)",
    "a new form of the export or of the screen changes the words of everybody: a mark says when, not why",
)
KINDS: Final = (BURST, UNIT_BURST, FOLLOW, PARTICIPATING, NIGHT, SHARED, VAGUE, REPEATED, DRIFT)


def say_time(microseconds: int) -> str:
    """Return a length of time in words: `10 minutes`."""
    for size, word in ((DAY_US, "day"), (HOUR_US, "hour"), (MINUTE_US, "minute")):
        if microseconds % size == 0:
            n = microseconds // size
            return f"{n} {word}{'s' * (n != 1)}"
    return f"{microseconds} microseconds"


def say_rule(text: str, numbers: LeadNumbers) -> str:
    """Return a text of a kind with its numbers."""
    shown = {
        name: say_time(getattr(numbers, name)) if name.endswith("_us") else f"{getattr(numbers, name):g}"
        for name in LeadNumbers.__dataclass_fields__
    }
    return text.format(**shown)
