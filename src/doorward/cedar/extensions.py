"""Cedar's extension types: their texts, and the functions on them. Pure and total but for `ValueError`.

Source: Cedar language reference, "Extension functions"; the corners (leading zeros, overflow, embedded IPv4) are held
to cedarpy by tests/cedar/test_extensions.py.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from doorward.cedar.values import MAX_LONG, MIN_LONG, Datetime, Decimal, Duration, Ip

DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1).toordinal()
_DAYS_BEFORE_YEAR_ONE = 366  # Cedar has a year 0, a leap year; Python's calendar begins with the year 1
_MAX_IP_TEXT = 43  # the longest IPv6 address with its prefix

_DECIMAL = re.compile(r"(-?[0-9]+)\.([0-9]+)")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_CLOCK = re.compile(r"T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{3}))?(?:Z|([+-])([0-9]{2})([0-9]{2}))")
_DURATION = re.compile(
    r"(-?)(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?", re.ASCII
)
_UNITS = (DAY_MS, 3_600_000, 60_000, 1_000, 1)
_PREFIX = re.compile(r"0|[1-9][0-9]*", re.ASCII)


def parse_decimal(text: str) -> Decimal:
    """Return the decimal of a text such as ``-0.5``.

    Raises:
        ValueError: The text is none, or does not fit.
    """
    found = _DECIMAL.fullmatch(text)
    if found is None or len(found.group(2)) > 4:
        raise ValueError("this is no decimal with one to four places")
    whole, places = found.groups()
    scaled = int(whole) * 10_000
    part = int(places.ljust(4, "0"))
    # As Cedar 4.12 does it: `-0.5` is below zero.
    return Decimal(_long(scaled - part if whole.startswith("-") else scaled + part))


def parse_ip(text: str) -> Ip:
    """Return the address or range of a text such as ``10.0.0.1/8``.

    Raises:
        ValueError: The text is none; IPv4 inside of IPv6 is none.
    """
    if len(text) > _MAX_IP_TEXT or "%" in text:
        raise ValueError("this is no IP address")
    address, slash, prefix = text.partition("/")
    v6 = ":" in address
    if v6 and "." in address:
        raise ValueError("an IPv4 address inside of an IPv6 address is not taken")
    try:
        number = int(IPv6Address(address) if v6 else IPv4Address(address))
    except AddressValueError as error:
        raise ValueError("this is no IP address") from error
    bits = 128 if v6 else 32
    if slash and not (_PREFIX.fullmatch(prefix) and int(prefix) <= bits):
        raise ValueError("this is no prefix of an IP address")
    return Ip(v6, number, int(prefix) if slash else bits)


def parse_datetime(text: str) -> Datetime:
    """Return the moment of ``2026-07-01`` or ``2026-07-01T10:00:00.000+0200``.

    Raises:
        ValueError: The text is none, or no such day or time exists.
    """
    found = _DATE.match(text)
    if found is None:
        raise ValueError("this is no date")
    year, month, day = map(int, found.groups())
    # A leap year stands in for the year 0.
    ordinal = (date(year, month, day) if year else date(4, month, day)).toordinal()
    days = (
        ordinal - _EPOCH if year else date(4, month, day).timetuple().tm_yday - _DAYS_BEFORE_YEAR_ONE - _EPOCH
    )
    rest = text[found.end() :]
    return Datetime(days * DAY_MS + (_clock_ms(rest) if rest else 0))


def parse_duration(text: str) -> Duration:
    """Return the length of ``1d2h3m4s5ms``, with each part at most once.

    Raises:
        ValueError: The text is none, or does not fit.
    """
    found = _DURATION.fullmatch(text)
    if found is None or text in {"", "-"}:
        raise ValueError("this is no duration")
    sign = -1 if found.group(1) else 1
    total = 0
    for count, unit in zip(found.groups()[1:], _UNITS, strict=True):
        # Each step has to fit: Cedar checks as it adds.
        total = _long(total + _long(sign * _long(int(count or 0)) * unit))
    return Duration(total)


def is_in_range(address: Ip, network: Ip) -> bool:
    """Return whether every address of one range is in the other."""
    return address.v6 == network.v6 and network.low <= address.low and address.high <= network.high


def is_loopback(address: Ip) -> bool:
    """Return whether every address of the range is a loopback address."""
    if address.v6:
        return address.address == 1 and address.prefix == 128
    return address.address >> 24 == 127 and address.prefix >= 8


def is_multicast(address: Ip) -> bool:
    """Return whether every address of the range is a multicast address."""
    if address.v6:
        return address.address >> 120 == 0xFF and address.prefix >= 8
    return address.address >> 28 == 0xE and address.prefix >= 4


def offset(moment: Datetime, by: Duration) -> Datetime:
    """Return a moment moved; raises ValueError where it does not fit."""
    return Datetime(_long(moment.ms + by.ms))


def duration_since(moment: Datetime, earlier: Datetime) -> Duration:
    """Return the time between two moments; raises ValueError where it does not fit."""
    return Duration(_long(moment.ms - earlier.ms))


def to_date(moment: Datetime) -> Datetime:
    """Return midnight UTC before a moment; raises ValueError where it does not fit."""
    return Datetime(_long(moment.ms - moment.ms % DAY_MS))


def to_time(moment: Datetime) -> Duration:
    """Return the time since midnight UTC."""
    return Duration(moment.ms % DAY_MS)


def to_unit(length: Duration, unit_ms: int) -> int:
    """Return whole units of a duration, towards zero."""
    return length.ms // unit_ms if length.ms >= 0 else -(-length.ms // unit_ms)


PARSERS: Mapping[str, Callable[[str], "Decimal | Ip | Datetime | Duration"]] = {
    "decimal": parse_decimal,
    "ip": parse_ip,
    "datetime": parse_datetime,
    "duration": parse_duration,
}


def _clock_ms(text: str) -> int:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValueError("this is no time of day with `Z` or an offset")
    hour, minute, second = (int(part) for part in found.groups()[:3])
    ms, sign, off_hour, off_minute = found.groups()[3:]
    if hour > 23 or minute > 59 or second > 59 or int(off_hour or 0) > 23 or int(off_minute or 0) > 59:
        raise ValueError("there is no such time of day or offset")
    away = (int(off_hour or 0) * 60 + int(off_minute or 0)) * 60_000
    here = ((hour * 60 + minute) * 60 + second) * 1_000 + int(ms or 0)
    return here + away if sign == "-" else here - away


def _long(number: int) -> int:
    if not MIN_LONG <= number <= MAX_LONG:
        raise ValueError("the result does not fit into 64 bits")
    return number
