"""Erasing sealed disclosures by two people: what is proposed, what keeps it, from when no copy brings it back. Pure.

The proposal is a note that one person signs and another signs too. It names the units whose keys go by a digest, and
by another one the entries that are sealed under them, so that the second person approves what the first one saw, and
nothing that came in between.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from typing import Any, Final

from doorward.errors import MalformedError
from doorward.notes.lines import format_lines, parse_lines
from doorward.record.hashes import Hash
from doorward.record.workers import worker_of

HEADER: Final = "doorward erasure v1"
FIELDS: Final = (
    "what",
    "item",
    "certificate",
    "sessions-and-matters",
    "keys",
    "entries",
    "entries-digest",
    "last-day",
)
RULE_HEADER: Final = "doorward seals v1"
RULE_FIELDS: Final = ("sealed-since", "record-copies-days", "key-copies-days")
MAX_DAYS: Final = 36_600
CERTIFICATE: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z ./:-]{2,39}")
DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_WHAT: Final = re.compile(r"month [0-9]{4}-(?:0[1-9]|1[0-2])|case [!-~]{1,100}")
_DAYS: Final = re.compile(r"0|[1-9][0-9]{0,4}")


@dataclass(frozen=True, slots=True)
class Erasure:
    """What two people erase.

    Args:
        what: ``month 2026-11``, or ``case`` and the id of a case, grant or matter.
        item: Of the order's retention schedule.
        certificate: The number of the disposal certificate.
        count: How many keys go.
        keys: SHA-256 over the units, sorted; hexadecimal.
        rows: How many entries are sealed under them.
        rows_digest: Which ones, by `RowsGone`.
        last_day: Of the newest entry that goes; the item counts from it.
    """

    what: str
    item: str
    certificate: str
    count: int
    keys: str
    rows: int
    rows_digest: str
    last_day: date

    def format(self) -> bytes:
        """Return the text that two people sign."""
        values = (
            self.what,
            self.item,
            self.certificate,
            str(self.count),
            self.keys,
            str(self.rows),
            self.rows_digest,
            self.last_day.isoformat(),
        )
        return format_lines(HEADER, zip(FIELDS, values, strict=True))


def digest_units(units: Iterable[bytes]) -> str:
    """Return the digest of the units whose keys go."""
    return sha256(b"".join(sorted(units))).hexdigest()


class RowsGone:
    """Which entries go with an erasure, by their sequences and commitments, as they are read.

    The digest is SHA-256 over worker, number of entries and SHA-256 over their sequences and commitments, of each
    worker that has some. Integers are u64, big-endian.

    Attributes:
        count: How many there are.
    """

    def __init__(self) -> None:
        self.count = 0
        self._workers: dict[int, tuple[int, Any]] = {}

    def add(self, sequence: int, commitment: Hash) -> None:
        """Take an entry in; those of one worker come in their order, or the digest is another."""
        number, state = self._workers.get(worker_of(sequence), (0, None))
        state = state or sha256()
        state.update((sequence % 2**64).to_bytes(8, "big") + commitment)
        self._workers[worker_of(sequence)] = number + 1, state
        self.count += 1

    def digest(self) -> str:
        """Return the digest of what was taken in so far, in hexadecimal digits."""
        whole = sha256()
        for worker, (number, state) in sorted(self._workers.items()):
            whole.update((worker % 2**64).to_bytes(8, "big") + number.to_bytes(8, "big") + state.digest())
        return whole.hexdigest()


def parse_erasure(text: bytes) -> Erasure:
    """Return the erasure of a text; the same text comes of it again.

    Raises:
        MalformedError: It is none.
    """
    what, item, certificate, count, keys, rows, rows_digest, last_day = parse_lines(text, HEADER, FIELDS)
    try:
        day = date.fromisoformat(last_day)
        found = Erasure(what, item, certificate, int(count), keys, int(rows), rows_digest, day)
    except ValueError as error:
        raise MalformedError("an erasure has two counts and a day") from error
    digests = DIGEST.fullmatch(keys) and DIGEST.fullmatch(rows_digest)
    is_one = _WHAT.fullmatch(what) and CERTIFICATE.fullmatch(certificate) and digests
    if not is_one or found.format() != text:
        raise MalformedError("the erasure is written otherwise than doorward writes it")
    return found


def find_reasons(  # everything that may keep it
    erasure: Erasure,
    *,
    due: date | None,
    keeps: str,
    holds: int,
    is_sealed: bool,
    today: date,
    is_used: bool = False,
) -> tuple[str, ...]:
    """Return every reason for which disclosures stay; none where they may go.

    Args:
        due: The first day on which the item lets them go, or None.
        keeps: Why the item lets nothing go, or empty.
        holds: Legal holds that stand at the desk. The record does not tell which entries one is over.
        is_sealed: Whether every row is sealed.
        is_used: Whether something was erased under the certificate already: what went with each is named.
    """
    found = []
    if not erasure.count:
        found.append("there is nothing to erase")
    if not CERTIFICATE.fullmatch(erasure.certificate):
        found.append("the number of a disposal certificate is missing, or is none")
    if is_used:
        found.append(
            f"certificate {erasure.certificate} was used already, and each erasure has one of its own"
        )
    if holds:
        found.append(f"{holds} legal hold{'s' if holds > 1 else ''} at the desk, and each may be over it")
    if not is_sealed:
        found.append("not every row is sealed yet: a copy of the others would bring them back")
    if keeps:
        found.append(keeps)
    elif due is None or due > today:
        found.append(
            f"item `{erasure.item}` keeps it until {due}" if due else f"item `{erasure.item}` keeps it"
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class CopyRule:
    """How long copies are kept, as whoever keeps them said when the rows were sealed.

    Args:
        sealed_since: The day on which the last row was sealed, or None: not all are.
        record_days: For how many days a base backup or WAL of the disclosures' server is kept.
        key_days: For how many days a copy of the folder of keys is.
    """

    sealed_since: date | None
    record_days: int
    key_days: int

    def gone_from(self, erased: date) -> date:
        """Return the first day from which no copy that keeps the rule restores what was erased on a day.

        A copy of the keys brings it back with any copy of the rows; one of rows before they were sealed does alone.
        """
        days = [erased + timedelta(days=self.key_days + 1)]
        if self.sealed_since is not None:
            days.append(self.sealed_since + timedelta(days=self.record_days + 1))
        return max(days)

    def format(self) -> bytes:
        """Return the file of the rule."""
        since = self.sealed_since.isoformat() if self.sealed_since else "not yet"
        return format_lines(
            RULE_HEADER, zip(RULE_FIELDS, (since, str(self.record_days), str(self.key_days)), strict=True)
        )


def parse_rule(raw: bytes) -> CopyRule:
    """Return the rule of a file.

    Raises:
        MalformedError: It is none.
    """
    since, *days = parse_lines(raw, RULE_HEADER, RULE_FIELDS)
    if not all(map(_DAYS.fullmatch, days)):
        raise MalformedError("how long copies are kept is a number of days")
    try:
        sealed = None if since == "not yet" else date.fromisoformat(since)
    except ValueError as error:
        raise MalformedError("since when rows are sealed is a day") from error
    return CopyRule(sealed, *map(int, days))
