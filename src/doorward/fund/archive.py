"""The published months on disk: a folder a month, written once, recorded, then shown, and never written again.

The steps of `publish`, and what a crash behind each leaves:

1. The files are written beside the months, flushed, and the folder gets its name `.staged-MONTH` in one step. Nothing
   that anybody sees; the next run takes these very bytes and goes on from here.
2. The entry with the digest of the totals is recorded (law 4: record before release). An entry of a month that is not
   shown yet; the next run records it once more, with the same digest, and shows it.
3. The folder gets the name of its month in one step.

The desk's public page reads this folder and has no way to the ledger: what was not published it cannot show (ADR 74).
"""

import os
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from doorward.errors import StoreError
from doorward.fund.entries import Recorder, publish_entry
from doorward.fund.published.check import Kept
from doorward.fund.published.files import NAMES, TOTALS
from doorward.fund.published.month import Month
from doorward.record.entry import Kind

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
MAX_MONTHS: Final = 1_200
_MONTH: Final = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")
Files = Mapping[str, bytes]
Step = Callable[[str], None]


class Archive:
    """The folder of the published months.

    Args:
        folder: Made where it is missing, once something is published.
    """

    def __init__(self, folder: Path, *, step: Step = lambda _: None) -> None:
        self.folder = folder
        self._step = step

    def months(self) -> tuple[str, ...]:
        """Return the names of the months that are published, in order.

        Raises:
            StoreError: The folder cannot be read.
        """
        try:
            found = sorted(one.name for one in self.folder.iterdir() if _MONTH.fullmatch(one.name))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise StoreError(f"the published months cannot be read: {error.strerror}") from error
        return tuple(found[:MAX_MONTHS])

    def read(self, month: str, *names: str) -> Kept:
        """Return a month, or of it these files; what is missing is missing.

        Args:
            month: As `months` returned it.

        Raises:
            StoreError: A file is too large, or cannot be read.
        """
        return Kept(month, _read(self.folder / month, names or NAMES))

    def read_all(self) -> tuple[Kept, ...]:
        """Return every month; raises as `read`."""
        return tuple(self.read(month) for month in self.months())

    def publish(  # the parts of a publication, each by its name
        self,
        month: Month,
        make: Callable[[bytes | None], Files],
        recorder: Recorder,
        *,
        by: str,
        now: datetime,
    ) -> Files:
        """Return the files of a month that is recorded, and then shown.

        Args:
            month: The one behind the last that is published.
            make: Returns the files, given the totals of the month before.
            by: The login of the City person who publishes it.

        Raises:
            StoreError: The disk refused, or nothing can be recorded; the month is not shown.
        """
        try:
            staged = self.folder / f".staged-{month}"
            if not staged.is_dir():
                earlier = [one for one in self.months() if one < str(month)]
                previous = self.read(earlier[-1], TOTALS).files[TOTALS] if earlier else None
                self._stage(staged, make(previous))
            self._step("staged")
            files = _read(staged, NAMES)
            recorder.record([(Kind.FUND, publish_entry(str(month), files[TOTALS], by))], now=now)
            self._step("recorded")
            staged.rename(self.folder / str(month))
            _flush(self.folder)
        except OSError as error:
            raise StoreError(f"the month {month} cannot be written: {error.strerror}") from error
        self._step("shown")
        return files

    def _stage(self, staged: Path, files: Files) -> None:
        making = self.folder / f".making-{staged.name}"
        with suppress(FileNotFoundError):
            shutil.rmtree(making)  # of a run that died before its folder had its name
        making.mkdir(parents=True)
        making.chmod(0o755)
        for name, raw in files.items():
            with (making / name).open("xb") as sink:
                sink.write(raw)
                sink.flush()
                os.fsync(sink.fileno())
            (making / name).chmod(0o644)
        _flush(making)
        making.rename(staged)
        _flush(self.folder)


def _read(folder: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    found = {}
    for name in names:
        try:
            with (folder / name).open("rb") as stream:
                raw = stream.read(MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StoreError(f"`{name}` of {folder.name} cannot be read: {error.strerror}") from error
        if len(raw) > MAX_FILE_BYTES:
            raise StoreError(f"`{name}` of {folder.name} is larger than {MAX_FILE_BYTES} bytes")
        found[name] = raw
    return found


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
