"""Tokens that were used, kept until they have ended, for all gateway processes of a host.

INVARIANT (used once): a token is taken by making a file that did not exist. The kernel lets one process of the host
make it, and it stays when a process is killed.

What a crash of the host takes with it is not needed: a token lives for a minute, and a host takes longer to start.
"""

import os
from hashlib import sha256
from pathlib import Path
from typing import Final

from doorward.errors import StoreError

KEPT_SECONDS: Final = 300  # longer than a token may live, with the clock that the file system has
MAX_KEPT: Final = 200_000  # beyond it the door takes no more: 600 connections a second over KEPT_SECONDS
SWEEP_EVERY: Final = 1000


class UsedTokens:
    """The tokens of a host that were used.

    Args:
        folder: Where a file stands for each; made by the first.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken = 0

    def take(self, application: str, token: str) -> bool:
        """Return True for the first who asks for this token, on this host, and False for everybody after.

        Raises:
            StoreError: It cannot be noted; the token must not be taken as good.
        """
        name = sha256(f"{application}\n{token}".encode()).hexdigest()
        try:
            if self._taken % SWEEP_EVERY == 0:
                self._folder.mkdir(mode=0o700, exist_ok=True)
                self._sweep()
            self._taken += 1
            return _make(self._folder / name)
        except OSError as error:
            raise StoreError(f"a used token cannot be noted: {error.strerror}") from error

    def _sweep(self) -> None:
        # By the file system's own clock on both sides: the newest file is as old as the moment.
        probe = self._folder / f".sweep-{os.getpid()}"
        probe.touch(mode=0o600)
        oldest = probe.stat().st_mtime - KEPT_SECONDS
        kept = 0
        with os.scandir(self._folder) as found:
            for item in found:
                try:
                    if item.stat().st_mtime < oldest:
                        Path(item.path).unlink(missing_ok=True)
                    else:
                        kept += 1
                except FileNotFoundError:
                    continue  # another process swept it
        if kept > MAX_KEPT:
            raise StoreError(f"more than {MAX_KEPT} tokens were used in {KEPT_SECONDS} seconds")


def _make(file: Path) -> bool:
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    return True
