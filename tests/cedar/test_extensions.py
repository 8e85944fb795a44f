"""Extension values: every text is taken or refused as Cedar's engine takes or refuses it, and means the same."""

import ipaddress

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.cedar import extensions
from doorward.cedar.values import Decimal, Duration, Ip

DIGITS = st.text("0123456789", min_size=1, max_size=20)
SIGN = st.sampled_from(("", "-", "+"))
HOSTS = ("127.0.0.0/8", "::1", "224.0.0.0/4", "0.0.0.0/0", "::/0", "ff00::/8", "10.0.0.0/8")
OCTET = st.sampled_from(("0", "1", "127", "224", "255", "256", "01")) | st.integers(0, 255).map(str)
V6 = st.sampled_from(
    ("::", "::1", "ff00::1", "1:2:3:4:5:6:7:8", "1::8", "fe80::0001", "::00001", "::ffff:1.2.3.4", "1::2::3")
)
PREFIX = st.sampled_from(
    ("", "", "/8", "/0", "/32", "/33", "/128", "/129", "/08", "/-1", "/", "/+3", "/4", "/999")
)
CLOCK = st.builds(
    "T{}:{}:{}{}{}".format,
    st.sampled_from(("00", "12", "23", "24")),
    st.sampled_from(("00", "59", "60")),
    st.sampled_from(("00", "59", "60")),
    st.sampled_from(("", ".000", ".999", ".99", ".1234")),
    st.sampled_from(("Z", "", "+0000", "-0000", "+2359", "-2359", "+2400", "-0060", "z", "+01:00")),
)


def ask(expression: str) -> bool | None:
    """Return what the engine says of a condition; None where it failed."""
    request = {"principal": 'U::"u"', "action": 'Action::"a"', "resource": 'U::"u"', "context": {}}
    answer = cedarpy.is_authorized(
        request, f"permit (principal, action, resource) when {{ {expression} }};", "[]"
    )
    return None if answer.diagnostics.errors else answer.decision is cedarpy.Decision.Allow


@given(text=st.builds("{}{}.{}".format, SIGN, DIGITS, st.text("0123456789", max_size=6)))
def test_decimals_mean_what_the_engine_says(text: str) -> None:
    try:
        scaled = extensions.parse_decimal(text).scaled
    except ValueError:
        assert ask(f'decimal("{text}") == decimal("0.0")') is None
        return
    written = f"{'-' if scaled < 0 else ''}{abs(scaled) // 10_000}.{abs(scaled) % 10_000:04d}"
    assert ask(f'decimal("{text}") == decimal("{written}")') is True


@given(
    address=st.builds("{}.{}.{}.{}".format, OCTET, OCTET, OCTET, OCTET) | V6,
    prefix=PREFIX,
    host=st.sampled_from(HOSTS),
)
def test_addresses_mean_what_the_engine_says(address: str, prefix: str, host: str) -> None:
    text = f"{address}{prefix}"
    try:
        found = extensions.parse_ip(text)
    except ValueError:
        assert ask(f'ip("{text}").isIpv4()') is None
        return
    network = extensions.parse_ip(host)
    expected = {
        "isIpv6()": found.v6,
        f'isInRange(ip("{host}"))': extensions.is_in_range(found, network),
        "isLoopback()": extensions.is_loopback(found),
        "isMulticast()": extensions.is_multicast(found),
    }
    assert {call: ask(f'ip("{text}").{call}') for call in expected} == expected
    plain = ipaddress.ip_network(text, strict=False)
    assert (found.low, found.high) == (int(plain.network_address), int(plain.broadcast_address))


@given(
    year=st.sampled_from((0, 1, 4, 1969, 1970, 1900, 2000, 9999)) | st.integers(0, 9999),
    month=st.integers(0, 13),
    day=st.integers(0, 32),
    clock=CLOCK | st.just(""),
)
def test_moments_mean_what_the_engine_says(year: int, month: int, day: int, clock: str) -> None:
    text = f"{year:04d}-{month:02d}-{day:02d}{clock}"
    try:
        moment = extensions.parse_datetime(text)
    except ValueError:
        assert ask(f'datetime("{text}") == datetime("{text}")') is None
        return
    since = f'datetime("{text}").durationSince(datetime("1970-01-01")).toMilliseconds()'
    assert ask(f"{since} == {moment.ms}") is True
    day_start = extensions.to_date(moment).ms
    assert ask(
        f'datetime("{text}").toDate().durationSince(datetime("1970-01-01")).toMilliseconds() == {day_start}'
    )
    assert ask(f'datetime("{text}").toTime().toMilliseconds() == {extensions.to_time(moment).ms}')


@given(
    sign=SIGN,
    parts=st.tuples(*(st.none() | st.integers(0, 99) | DIGITS for _ in range(5))),
)
def test_lengths_mean_what_the_engine_says(sign: str, parts: tuple[int | str | None, ...]) -> None:
    units = ("d", "h", "m", "s", "ms")
    text = sign + "".join(
        f"{part}{unit}" for part, unit in zip(parts, units, strict=True) if part is not None
    )
    try:
        length = extensions.parse_duration(text)
    except ValueError:
        assert ask(f'duration("{text}") == duration("0ms")') is None
        return
    assert ask(f'duration("{text}") == duration("{length.ms}ms")') is True
    for name, unit in (
        ("toSeconds", 1_000),
        ("toMinutes", 60_000),
        ("toHours", 3_600_000),
        ("toDays", 86_400_000),
    ):
        assert ask(f'duration("{text}").{name}() == {extensions.to_unit(length, unit)}') is True


@pytest.mark.parametrize(
    "text", ["", "-", "1.23456", "0x1.0", "\u0661.0", "1.0 ", "datetime", "2024-1-1", "1h1d", "1d1d"]
)
@pytest.mark.parametrize("name", sorted(extensions.PARSERS))
def test_no_parser_takes_what_the_engine_refuses(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        extensions.PARSERS[name](text)
    assert ask(f'{name}("{text}") == {name}("{text}")') is None


@given(text=st.text(max_size=50))
def test_parsers_give_a_value_or_a_value_error(text: str) -> None:
    for parse in extensions.PARSERS.values():
        try:
            value = parse(text)
        except ValueError:
            continue
        assert isinstance(value, (Decimal, Duration, Ip)) or value is not None
