"""The place of the fund's commands in the record: one writer of its own, one command after the other."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from doorward.cli.folders import Folders
from doorward.cli.host_logs import refuse_ended
from doorward.desk.recorder import Recorder
from doorward.errors import StoreError
from doorward.record.spool import Spool, SpoolInUseError
from doorward.record.workers import FUND, worker_folder

WAIT_SECONDS: Final = 20.0
_STEP_SECONDS: Final = 0.05


@contextmanager
def fund_recorder(
    folders: Folders, *, now: datetime, wait_seconds: float = WAIT_SECONDS
) -> Iterator[Recorder]:
    """Yield the recorder of what this command does with the fund.

    Args:
        wait_seconds: For so long another command of the fund, which writes in the same place, is waited for.

    Raises:
        StoreError: It writes still, or the disk refused.
        VerificationError: The log of this host has ended.
    """
    refuse_ended(folders)
    recorder = Recorder(_open(folders, now, wait_seconds))
    try:
        yield recorder
    finally:
        recorder.close(now=now)


def _open(folders: Folders, now: datetime, wait_seconds: float) -> Spool:
    until = time.monotonic() + wait_seconds
    while True:
        try:
            return Spool.open(worker_folder(folders.spool, FUND), now=now, worker=FUND)
        except SpoolInUseError as error:
            if time.monotonic() >= until:
                raise StoreError(
                    f"another command of the fund has been recording for {wait_seconds:g} seconds; nothing was done",
                    hint="run it again once that one has ended",
                ) from error
        time.sleep(_STEP_SECONDS)
