"""What a cell of a log can look like: masks, exemptions, ids, counts, times. Pure; each form in Python and in SQL.

A pattern here is one text that both `re` and DuckDB's RE2 read alike: sampled cells are tested by the first, whole
files by the second. Times are written in no zone, in UTC, with an offset, or with an American abbreviation; the
abbreviation is taken at its word (PST is UTC-8 in June too).
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from doorward.errors import ConfigError
from doorward.lookback.exemptions import is_citation

# A whole cell in place of a value. `***`, `* * *`, `###`, REDACTED, [REDACTED], black boxes; one `*` or `#` too.
# Ahead of it stand spaces or tabs; a line break there makes it another cell's rest.
MASK: Final = (
    r"(?i)(?:[ \t]\s*)?(?:[*](?:\s*[*])*|#(?:\s*#)*|[█■▇](?:\s*[█■▇])*"
    r"|(?:[\[(<]\s*)?(?:redacted|masked)\s*[\])>]?)\s*"
)
MASK_HEADS: Final = "*#█■▇[(<RrMm \t"
# An exemption in place of a value (other states' stand in `exemptions`):
# California's Public Records Act by section, its predecessor, FOIA, or the word.
EXEMPTION: Final = (
    r"(?i)(?:[ \t]\s*)?(?:[\[(]\s*)?(?:"
    r"(?:ca(?:l|lif)?\.?\s*)?(?:gc|gov(?:ernment|t|'t)?\.?(?:\s*code)?)\s*(?:section|sec\.?|§+)?\s*(?:79(?:2\d|3[01])|62(?:5\d|[67]\d))(?:\.\d+)?(?:\s*\(\w{1,3}\))*"
    r"|(?:79(?:2\d|3[01])|62(?:5\d|[67]\d))(?:\.\d+)?(?:\s*\(\w{1,3}\))*\s*(?:gc|gov(?:ernment|t|'t)?\.?(?:\s*code)?)"
    r"|(?:foia\s*)?(?:exemption\s*)?\(?b\)?\s*\(\d\)(?:\s*\([a-f]\))?"
    r"|5\s*u\.?\s*s\.?\s*c\.?\s*(?:§+\s*)?552a?(?:\s*\(\w{1,2}\))*"
    r"|(?:exempt(?:ed)?|withheld)(?:\s+from\s+disclosure)?(?:\s+(?:per|under|by)\s[^\n]{0,40}[0-9][^\n]{0,20})?"
    r")\s*[\])]?\s*"
)
EXEMPTION_HEADS: Final = "[(cCgG67fFbB5eEwW \t"
UUID: Final = r"\s*[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\s*"
COUNT: Final = r"\s*[0-9]{1,3}(?:,[0-9]{3})+\s*|\s*[0-9]{1,15}(?:\.0+)?\s*"
_ZONE: Final = r"(?: ?(?:UTC|GMT|Z|[+-][0-9]{2}:?[0-9]{2}|[ECMPA][SD]T|AK[SD]T|HST))?"
DATE: Final = r"\s*(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}/[0-9]{1,2}/(?:[0-9]{4}|[0-9]{2}))\s*"
CLOCK: Final = rf"\s*[0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]{{1,9}})?)?(?: ?(?i:[AP]M))?{_ZONE}\s*"
TIME: Final = (
    r"\s*(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}/[0-9]{1,2}/(?:[0-9]{4}|[0-9]{2}))"
    rf"(?:(?:,? +|T)[0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]{{1,9}})?)?(?: ?(?i:[AP]M))?{_ZONE})?\s*"
)
TIME_FRAME: Final = rf"{TIME}(?:\s-|\sto\b|\n|\u2013)[\s\u2013-]*{TIME}"
PATTERNS: Final = {
    "uuid": UUID, "count": COUNT, "time": TIME, "date": DATE, "clock": CLOCK, "time-frame": TIME_FRAME,
}  # fmt: skip
EXPECTED: Final = {
    "uuid": "an id such as 403c3a8b-bd5a-4f5c-bbb3-dc130f2e23c8",
    "count": "a whole number such as 304",
    "time": "a time such as `04/10/2026, 05:01:33 AM UTC` or `2026-03-20T00:06:23.972Z`",
    "date": "a date such as 2026-03-20 or 3/20/2026",
    "clock": "a time of day such as 05:01:33",
    "time-frame": "two times with a dash or a line break between them",
}
ZONES: Final = {
    "UTC": 0, "GMT": 0, "Z": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8,
    "PDT": -7, "AST": -4, "ADT": -3, "AKST": -9, "AKDT": -8, "HST": -10,
}  # fmt: skip
STRPTIME: Final = (  # what is left when the zone is gone; the first one of a column is the one tried first
    "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M", "%m/%d/%Y, %I:%M:%S %p", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y, %I:%M %p", "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y, %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y, %H:%M", "%m/%d/%Y %H:%M", "%m/%d/%y %I:%M:%S %p",
    "%m/%d/%y %I:%M %p", "%m/%d/%y %H:%M:%S", "%m/%d/%y %H:%M", "%m/%d/%Y", "%m/%d/%y", "%Y-%m-%d",
)  # fmt: skip
_COMPILED: Final = {name: re.compile(pattern) for name, pattern in PATTERNS.items()}
_MASK, _EXEMPTION = re.compile(MASK), re.compile(EXEMPTION)
_LETTERS, _DIGITS = re.compile(r"[^\W\d_]"), re.compile(r"\d")


def is_mask(text: str) -> bool:
    """Return whether a mask stands in place of a value."""
    return text[:1] in MASK_HEADS and _MASK.fullmatch(text) is not None


def is_exemption(text: str) -> bool:
    """Return whether an exemption is cited in place of a value."""
    if text[:1] in EXEMPTION_HEADS and _EXEMPTION.fullmatch(text) is not None:
        return True
    return is_citation(text)


def is_hidden(text: str) -> bool:
    """Return whether a cell says nothing of its value: blank, masked or withheld."""
    return not text.strip() or is_mask(text) or is_exemption(text)


def fits(parser: str, text: str) -> bool:
    """Return whether a text has the form of a parser; every text is a `text`."""
    pattern = _COMPILED.get(parser)
    return pattern is None or pattern.fullmatch(text) is not None


def mask_shape(text: str) -> str:
    """Return what a text looks like without what it says: `9999-99-99`, `Aaa Aa`. At most 40 characters."""
    shape = _DIGITS.sub("9", _LETTERS.sub(lambda m: "A" if m.group().isupper() else "a", text[:200]))
    shape = re.sub(r"a{4,}", "aaa+", re.sub(r"A{4,}", "AAA+", shape))
    shape = re.sub(r"\s", " ", shape)
    return shape if len(shape) <= 40 else shape[:39] + "…"


def split_zone(text: str) -> tuple[str, str]:
    """Return a time without its zone, and the zone as written or the empty text."""
    stripped = text.strip()
    found = re.search(_ZONE + "$", stripped)
    zone = found.group().strip() if found else ""
    return (stripped[: len(stripped) - len(zone)].rstrip() if zone else stripped), zone


def find_time_form(samples: Iterable[str], given: str = "") -> tuple[str, str]:
    """Return the form and the zone that most of the samples have, as `strptime` writes it; empty texts for none.

    Args:
        samples: Cells of one column.
        given: A form of the user's own, tried before all others.
    """
    counts: dict[tuple[str, str], int] = {}
    for sample in samples:
        bare, zone = split_zone(sample)
        for form in (given, *STRPTIME) if given else STRPTIME:
            if _parses(bare, form):
                counts[form, zone] = counts.get((form, zone), 0) + 1
                break
    return max(counts, key=lambda pair: (counts[pair], pair)) if counts else ("", "")


def _parses(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)  # noqa: DTZ007  # only whether it parses
    except ValueError:
        return False
    return True


def check_zone(name: str, where: str) -> str:
    """Return the name of a time zone.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in available_timezones():
        raise ConfigError(
            f"{where} must be the name of a time zone, got `{name[:40]}`",
            hint="such as America/Chicago or UTC",
        )
    ZoneInfo(name)
    return name


def literal(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def full_match(column: str, pattern: str) -> str:
    """Return the condition that a whole cell has a pattern."""
    return f"regexp_full_match({column}, {literal(pattern)})"


def time_sql(text: str, form: str, zone: str, timezone: str) -> str:
    """Return SQL that gives the UTC time of a text, or NULL.

    The form that most cells have is tried first and costs one parse; the rest goes through every form. Whether
    the year can be one of a log is checked by who uses it.

    Args:
        text: SQL of the text.
        form: As `find_time_form` gives it, or empty.
        zone: Likewise.
        timezone: For a text that names none.
    """
    first = "NULL::TIMESTAMP"
    if form and (zone in ZONES or not zone):
        suffix = f" {zone}" if zone and zone != "Z" else zone
        first = f"try_strptime({text}, {literal(form + suffix)})"
        if form.startswith("%Y-%m-%d") and zone in {"", "Z"}:  # a cast reads 0 to 6 digits of a second
            length = len("2026-03-20T00:06:23") if "%S" in form else 0
            body = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?" + zone
            if length:
                first = f"CASE WHEN {full_match(text, body)} THEN try_cast({text} AS TIMESTAMP) END"
        first = _to_utc(first, zone, timezone)
    trimmed = f"trim({text}, ' \t\r\n')"
    bare = f"rtrim(regexp_replace({trimmed}, {literal(_TAIL)}, ''))"
    long, short = (
        ", ".join(literal(one) for one in STRPTIME if ("%y" in one) == two) for two in (False, True)
    )
    naive = (  # DuckDB's %Y takes two digits too, and gives the year 25
        f"CASE WHEN regexp_matches({bare}, '/[0-9]{{2}}(?:[ ,]|$)') THEN try_strptime({bare}, [{short}])"
        f" ELSE try_strptime({bare}, [{long}]) END"
    )
    tail = f"trim(regexp_extract({trimmed}, {literal(_TAIL)}))"
    # The naive time stands once or twice, not once a zone: planning what is written out costs more than a small file.
    cases = " ".join(f"WHEN {literal(name)} THEN {hours * 60}" for name, hours in ZONES.items())
    offset = (
        f"CASE WHEN {tail}[1] IN ('+', '-') THEN (CASE WHEN {tail}[1] = '-' THEN -1 ELSE 1 END)"
        f" * (try_cast({tail}[2:3] AS INTEGER) * 60 + try_cast({tail}[-2:] AS INTEGER)) END"
    )
    ahead = f"CASE {tail} WHEN '' THEN 0 {cases} ELSE {offset} END"
    utc = f"({naive}) - ({ahead}) * INTERVAL 1 MINUTE"
    if timezone != "UTC":
        utc = f"CASE WHEN {tail} = '' THEN {_to_utc(naive, '', timezone)} ELSE {utc} END"
    rest = f"CASE WHEN {text} IS NOT NULL AND {full_match(text, TIME)} THEN {utc} END"
    return f"coalesce({first}, {rest})"


# The zone at the end of a time of day; after a bare date nothing is a zone.
_TAIL: Final = r"(?:UTC|GMT|Z| ?[ECMPA][SD]T| ?AK[SD]T| ?HST)$|[+-][0-9]{2}:?[0-9]{2}$"


def _to_utc(naive: str, zone: str, timezone: str) -> str:
    if zone:
        hours = ZONES[zone]
        return naive if hours == 0 else f"({naive}) - INTERVAL '{hours}' HOUR"
    return naive if timezone == "UTC" else f"timezone('UTC', timezone({literal(timezone)}, {naive}))"


def zone_names(samples: Sequence[str]) -> tuple[str, ...]:
    """Return the zones that samples name, in order; the empty text for none."""
    return tuple(sorted({split_zone(sample)[1] for sample in samples}))
