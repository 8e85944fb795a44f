"""Messages that wait between being read and being filed: an hour at most, in a folder that only the desk reads.

A page that somebody fills in cannot carry a message along, and whoever takes the papers in as evidence needs it when
it is filed (`message_filing.keep_message`). A file is gone when its message is filed, minutes after its hour is over,
and when the desk starts. Where there is no room, or the hour is over, a message is filed by its digest.
"""

import os
import re
import secrets
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings

HELD: Final = timedelta(hours=1)
SWEPT_SECONDS: Final = 300
MAX_BYTES: Final = 200 * 1024 * 1024  # eight of the largest
_KEY: Final = re.compile("[0-9a-f]{32}")
_sweeper: Final = threading.Semaphore(1)  # one waits, or none


def hold(raw: bytes, *, now: datetime) -> str:
    """Return the key of a message that waits, or "" where there is no room or the disk refuses."""
    try:
        _folder().mkdir(parents=True, exist_ok=True)
        _folder().chmod(0o700)
        held = sweep(now)
        if held + len(raw) > MAX_BYTES:
            return ""
        key = secrets.token_hex(16)
        handle = os.open(_folder() / key, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
    except OSError:
        return ""
    _sweep_later()
    return key


def held_path(key: str) -> Path | None:
    """Return where a message waits, or None: it does not any more.

    Args:
        key: Of a slip; as `hold` gave it.
    """
    path = _folder() / key
    return path if _KEY.fullmatch(key) and path.is_file() else None


def let_go(key: str) -> None:
    """Remove a message that waits, if it does."""
    path = held_path(key)
    if path is not None:
        path.unlink(missing_ok=True)


def sweep(now: datetime, *, older: timedelta = HELD) -> int:
    """Remove what waits longer than its time, and return how many bytes still wait."""
    folder, total = _folder(), 0
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            found = path.lstat()
        except FileNotFoundError:  # it was filed just now
            continue
        if now.timestamp() - found.st_mtime >= older.total_seconds():
            path.unlink(missing_ok=True)
        else:
            total += found.st_size
    return total


def _sweep_later() -> None:
    """Have what waits too long removed, also where nobody comes any more; one thread of the process does it."""
    if not _sweeper.acquire(blocking=False):
        return

    def swept() -> None:
        _sweeper.release()
        if sweep(datetime.now(UTC)):  # noqa: TID251  # files have the time of the day
            _sweep_later()

    timer = threading.Timer(SWEPT_SECONDS, swept)
    timer.daemon = True
    timer.start()


def _folder() -> Path:
    return Path(settings.DESK.data) / "run" / "messages"
