"""Logins that lapse by themselves: not used for so long, or not attested for so long; and where that is kept.

The CJIS Security Policy disables an account that nobody uses and asks that access be reviewed; a grant that nobody
takes back is how agencies kept access for years. Both run out here without anybody doing anything.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path

from doorward.errors import ConfigError
from doorward.grants.people import MAX_FILE_BYTES, Person
from doorward.grants.whole_file import alone, read_whole, write_whole


class Lapse(StrEnum):
    """Why a login is closed although its person is there."""

    UNUSED = "unused"
    NOT_ATTESTED = "not attested"


@dataclass(frozen=True, slots=True)
class LapseRules:
    """After how many days without use, and without an attestation, a login lapses; None is never."""

    unused_days: int | None = None
    attested_days: int | None = None


def find_lapse(person: Person, rules: LapseRules, *, last_seen: date | None, today: date) -> Lapse | None:
    """Return why a login has lapsed, or None.

    Somebody who was never seen is counted from the attestation; somebody whom nobody attested has lapsed where
    attestations are asked for.
    """
    attested = date.fromisoformat(person.attested_on) if person.attested_on else None
    if rules.attested_days is not None and (
        attested is None or today > attested + timedelta(days=rules.attested_days)
    ):
        return Lapse.NOT_ATTESTED
    begins = max((day for day in (last_seen, attested) if day is not None), default=None)
    if rules.unused_days is not None and (
        begins is None or today > begins + timedelta(days=rules.unused_days)
    ):
        return Lapse.UNUSED
    return None


class LastSeen:
    """On which day each login was last in: one file, written once a login a day."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._days: dict[str, str] = _read(file)

    def day(self, login: str) -> date | None:
        """Return the last day, or None."""
        found = self._days.get(login)
        return date.fromisoformat(found) if found else None

    def mark(self, login: str, today: date) -> None:
        """Note that a login was in today.

        Raises:
            StoreError: It cannot be written.
        """
        text = today.isoformat()
        if self._days.get(login, "") >= text:
            return
        with alone(self._file):
            # Another worker may have written since: its days count too.
            self._days = {**self._days, **_read(self._file), login: text}
            write_whole(self._file, self._days)


class Lapsing:
    """The rules over the days: who may still come in, and that they did."""

    def __init__(self, rules: LapseRules, seen: LastSeen) -> None:
        self._rules = rules
        self._seen = seen

    def enter_in_emergency(self, person: Person, today: date) -> Lapse | None:
        """Return why nobody is let in with this login even in an emergency, or None.

        A login that nobody uses is closed. One that a desk forgot to attest is not: the floor depends on no desk. The
        day is not kept: the floor waits for no file.
        """
        rules = replace(self._rules, attested_days=None)
        return find_lapse(person, rules, last_seen=self._seen.day(person.login), today=today)

    def attested_until(self, person: Person) -> date | None:
        """Return the last day on which the login's attestation holds, or None where it does not run out."""
        days = self._rules.attested_days
        if days is None or not person.attested_on:
            return None
        return date.fromisoformat(person.attested_on) + timedelta(days=days)

    def enter(self, person: Person, today: date) -> Lapse | None:
        """Return why this login has lapsed, or None, and then it was in today.

        Raises:
            StoreError: The day cannot be written.
        """
        lapse = find_lapse(person, self._rules, last_seen=self._seen.day(person.login), today=today)
        if lapse is None:
            self._seen.mark(person.login, today)
        return lapse


def _read(file: Path) -> dict[str, str]:
    found = read_whole(file, max_bytes=MAX_FILE_BYTES, absent={})
    try:
        return {str(login): date.fromisoformat(day).isoformat() for login, day in found.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise ConfigError(f"`{file.name}` must hold a day for each login") from error
