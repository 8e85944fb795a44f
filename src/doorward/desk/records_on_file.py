"""The signed records of a data folder, and how each stands."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

from doorward.grants.cut_files import load_officers
from doorward.grants.record_files import Records
from doorward.grants.records import Record, is_revoked

SOON: Final = timedelta(days=30)


@cache
def records_of(data: Path) -> Records:
    """Return the signed records of a data folder; one reader a process, which verifies again what has changed."""
    return Records(data / "records.json", lambda: load_officers(data / "officials.keys"))


def state_of(record: Record, kept: Sequence[Record], now: datetime) -> str:
    """Return how a record stands at a moment."""
    if is_revoked(record, kept, now=now):
        return "taken back"
    if not record.by:
        return "signer gone"
    if now < record.begins:
        return "begins"
    if now >= record.until:
        return "over"
    return "ends soon" if record.until - now <= SOON else "in force"
