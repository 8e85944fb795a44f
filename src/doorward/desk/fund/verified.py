"""When the ledger was last held against the record, and what came of it: a file that `doorward fund verify` leaves."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from doorward.errors import ConfigError
from doorward.grants.whole_file import read_whole, write_whole

FILE: Final = "fund-verified.json"
OLD: Final = timedelta(days=1)
MAX_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of it.

    Args:
        at: When, in ISO 8601 with its offset.
        wrong: Differences from the record.
        open: Entries without an end and without a transaction, as a crash leaves them.
        is_whole: The whole record was read, and not only what is not published yet.
    """

    at: str
    transactions: int
    wrong: int
    open: int
    is_whole: bool


def write_verified(data: Path, found: Verified) -> None:
    """Leave it for the desk's page of the whole; raises StoreError."""
    write_whole(data / FILE, asdict(found))


def read_verified(data: Path) -> Verified | None:
    """Return the last one, or None where there was none.

    Raises:
        ConfigError: The file is none of these.
    """
    read = read_whole(data / FILE, max_bytes=MAX_BYTES, absent=None)
    if read is None:
        return None
    try:
        found = Verified(**read)
        is_aware = datetime.fromisoformat(found.at).tzinfo is not None
    except (TypeError, ValueError) as error:
        raise ConfigError(f"`{FILE}` is none of `doorward fund verify`") from error
    if not is_aware or not all(type(one) is int for one in (found.transactions, found.wrong, found.open)):
        raise ConfigError(f"`{FILE}` is none of `doorward fund verify`")
    return found


def say_verified(found: Verified | None, transactions: int, now: datetime) -> tuple[str, bool]:
    """Return what is to be said of a ledger, and whether nobody has to look.

    Args:
        transactions: How many it has now.
    """
    if found is None:
        return "never held against the record here: `doorward fund verify` does it", False
    age = now - datetime.fromisoformat(found.at)
    since = transactions - found.transactions
    if since < 0:
        return f"it had {found.transactions} transactions {_ago(age)}: some are gone", False
    when = f"held against the record {_ago(age)}{f', {since} transactions ago' if since else ''}"
    part = "" if found.is_whole else ", of which only what is not published yet was read"
    said = f"{found.wrong} differences" if found.wrong else "no difference"
    left = f", {found.open} entries without an end" if found.open else ""
    is_well = not (found.wrong or found.open) and found.is_whole and timedelta(0) <= age <= OLD
    return f"{when}{part}: {said}{left}", is_well


def _ago(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes < 0:
        return "by a clock that is ahead"
    return f"{minutes} min ago" if minutes < 120 else f"{minutes // 60} h ago"
