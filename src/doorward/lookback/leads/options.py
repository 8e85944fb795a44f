"""What whoever audits says of time zones and of days on which something changed: `KEY=VALUE`. Pure."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

from doorward.errors import ConfigError
from doorward.lookback.leads.tables import Mark
from doorward.lookback.reading.forms import check_zone

_KEY: Final = re.compile(r"[A-Z]{2}|(?=[A-Z]*[0-9])[A-Z]{2}[A-Z0-9]{5,7}")
MAX_SAID: Final = 200


def parse_zones(given: Iterable[str]) -> dict[str, str]:
    """Return zones by ORI or state.

    Raises:
        ConfigError: One is no `ORI=ZONE` or `STATE=ZONE`, or its zone is none.
    """
    found = {}
    for text in given:
        key, _, zone = text.partition("=")
        key, zone = key.strip().upper(), zone.strip()
        if not _KEY.fullmatch(key) or not zone:
            raise ConfigError(
                f"expected `--zone STATE=ZONE` or `ORI=ZONE`, got `{text[:60]}`",
                hint="--zone TN=America/Chicago",
            )
        check_zone(zone, f"`--zone {key}`")
        found[key] = zone
    return found


def parse_marks(given: Iterable[str]) -> tuple[Mark, ...]:
    """Return the days on which something changed, as they were given.

    Raises:
        ConfigError: One is no `YYYY-MM-DD=what changed`.
    """
    found = []
    for text in given:
        day, _, says = text.partition("=")
        says = " ".join(says.split())
        try:
            at: date | None = date.fromisoformat(day.strip())
        except ValueError:
            at = None
        if at is None or not says or len(says) > MAX_SAID:
            raise ConfigError(
                f"expected `--mark DAY=what changed`, got `{text[:60]}`",
                hint="--mark '2025-12-17=a list of offenses came'",
            )
        found.append(Mark(datetime(at.year, at.month, at.day), says))  # noqa: DTZ001  # UTC, as a Mark has it
    return tuple(found)
