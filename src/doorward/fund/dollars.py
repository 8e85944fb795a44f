"""Dollars that somebody typed, as whole cents. Pure."""

import re
from typing import Final

from doorward.errors import ConfigError

_AMOUNT: Final = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{2}))?")


def parse_dollars(said: str) -> int:
    """Return the cents of an amount in dollars, such as `1300000` or `12.50`.

    Raises:
        ConfigError: It is none; cents are two digits, and there is no comma.
    """
    found = _AMOUNT.fullmatch(said)
    if found is None:
        raise ConfigError(f"`{said[:40]}` is no amount", hint="dollars, or dollars and two digits: 12.50")
    sign, dollars, cents = found.groups()
    return (-1 if sign else 1) * (int(dollars) * 100 + int(cents or 0))
