"""`doorward notifier`: tells those on call what waits for them, as a process beside the gateway.

It reads what the door and the officials wrote, and writes the folder of notices; nothing that it does or fails to do
keeps anybody in or out. Each notice is a file first, then somebody is told, and what reached nobody is tried again,
ever more slowly. A second one for the same folder does not start.
"""

import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from doorward.cli.folders import Folders
from doorward.cli.installation import Config, Data, find_installation
from doorward.cli.kept import make_referrals, make_reviews
from doorward.cli.settings import read_settings
from doorward.cli.tell import NoticeSettings, tell
from doorward.errors import ConfigError, DoorwardError
from doorward.grants.notice_files import Notices
from doorward.grants.notices import Notice, OnCall, find_notices, is_to_be_told, retry

PASS_SECONDS: Final = 2.0
_STOPS: Final = frozenset({signal.SIGTERM, signal.SIGINT})


def notifier(config: Config = None, data: Data = None) -> None:
    """Tell those on call what waits for them, in the foreground until it is told to stop."""
    folders = find_installation(config, data)
    settings = read_settings(config).notices if config is not None else NoticeSettings()
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    with _alone(folders):
        said = ""
        while signal.sigtimedwait(_STOPS, PASS_SECONDS) is None:
            try:
                tell_once(folders, settings, now=_now())
                said = ""
            except DoorwardError as error:
                if str(error) != said:
                    said = str(error)
                    sys.stderr.write(f"doorward notifier: {said}\n")
                    sys.stderr.flush()


def tell_once(folders: Folders, settings: NoticeSettings, *, now: datetime) -> int:
    """Make the notices that are due, tell those that wait, and return how many somebody was told.

    Raises:
        DoorwardError: What waits cannot be read, or the folder of notices cannot be written.
    """
    notices, referrals = Notices(folders.notices), make_referrals(folders)
    kept = notices.kept()
    open_ones = {
        notice.name: notice
        for notice in find_notices(
            asks=referrals.asks(), answers=referrals.answers(), reviews=make_reviews(folders).known(),
            on_call=settings.offices, now=now,
        )
    }  # fmt: skip
    for name, notice in open_ones.items():
        if name not in kept:
            notices.keep(notice)  # before anybody is told: a crash here tells twice and never not at all
            kept[name] = notice
    told = 0
    for name, notice in kept.items():
        # What was answered meanwhile, or went on to the next office, is nobody's any more.
        if name in open_ones and is_to_be_told(notice, now):
            told += _tell(notice, notices, settings, now)
    notices.forget(now)
    return told


def _tell(notice: Notice, notices: Notices, settings: NoticeSettings, now: datetime) -> bool:
    on_call = settings.offices.get(notice.to, OnCall())
    failed = tell(notice, on_call, settings.relay, timeout_seconds=settings.timeout_seconds)
    changed = (
        retry(notice, failed, now) if failed else {"is_told": True, "tries": notice.tries + 1, "failed": ""}
    )
    notices.keep(replace(notice, **changed))
    return not failed


@contextmanager
def _alone(folders: Folders) -> Iterator[None]:
    lock = _open(folders.run / "notifier.lock")
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError("a notifier runs for this folder already") from error
        yield
    finally:
        os.close(lock)


def _open(file: Path) -> int:
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(
            f"`{file.parent}` is no folder of an installation", hint="the gateway makes it"
        ) from error


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  # the command line may read the clock
