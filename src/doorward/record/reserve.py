"""Room on the spool's disk that only emergencies may use (law 7: a reserved local spool).

A file of real blocks lies in the spool's folder. Where the disk has less than `LOW_BYTES` free, or the spool is that
near to its own bound, the file goes and only emergencies are let in: what they write fits into the room that it leaves.
Once there is room again it is made anew, and everybody is let in.

It helps against a disk that fills. It does not help against one that is broken, against a process that fills the room
that was given back, or where more is written between two looks than is free: then nothing is written, and nothing is
released (law 4).
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

MIB: Final = 1024 * 1024
LOW_BYTES: Final = 32 * MIB
RESERVE_BYTES: Final = 32 * MIB
NAME: Final = "reserve"


def free_bytes(folder: Path) -> int:
    """Return how much the user of this process may still write there.

    Raises:
        OSError: The folder cannot be looked at.
    """
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


class Reserve:
    """The reserve of one spool folder.

    Args:
        folder: The spool's; made by whoever opens the spool.
        free: Says how much is free there.

    Attributes:
        is_low: True while only emergencies may be let in.
    """

    def __init__(self, folder: Path, free: Callable[[Path], int] = free_bytes) -> None:
        self._folder = folder
        self._file = folder / NAME
        self._free = free
        self._is_held: bool | None = None
        self.is_low = False

    def look(self, room: int | None = None) -> bool:
        """Return True where only emergencies may be let in, and keep or give back the reserve.

        Args:
            room: How far the spool is from its own bound, or None where it is not open.
        """
        try:
            free = self._free(self._folder)
        except OSError:
            return self.is_low  # the spool itself will say what is wrong with its folder
        bound = LOW_BYTES * 2 if self.is_low else LOW_BYTES  # so that it does not go back and forth
        if room is not None and room < bound:
            self.is_low = True
        elif self.is_low or not self._is_there():
            # Back, or here for the first time: only with room for the reserve and for everybody behind it.
            needs = bound if self._is_there() else bound + RESERVE_BYTES
            self.is_low = free < needs or not self._make()
        elif free < LOW_BYTES:
            self.is_low = True
        if self.is_low and free < LOW_BYTES:
            self._give_back()
        return self.is_low

    def _is_there(self) -> bool:
        if self._is_held is None:
            try:
                self._is_held = self._file.stat().st_blocks * 512 >= RESERVE_BYTES
            except OSError:
                self._is_held = False
        return self._is_held

    def _make(self) -> bool:
        if self._is_there():
            return True
        try:
            file = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(file, 0, RESERVE_BYTES)
            finally:
                os.close(file)
        except OSError:
            self._give_back()  # half a reserve is none, and takes room
            return False
        self._is_held = True
        return True

    def _give_back(self) -> None:
        with suppress(OSError):
            self._file.unlink()
        self._is_held = False
