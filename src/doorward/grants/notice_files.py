"""The folder of notices: one JSON file a notice, which a pager may read, each written whole by rename."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from doorward.errors import DoorwardError, MalformedError, StoreError
from doorward.grants.notices import Notice, decode_notice, encode_notice
from doorward.grants.whole_file import read_whole, write_whole

MAX_FILE_BYTES: Final = 16 * 1024
KEPT: Final = timedelta(days=30)


class Notices:
    """The notices of one data folder.

    Args:
        folder: Made by the first notice.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def kept(self) -> dict[str, Notice]:
        """Return every notice by its name; a file that holds none is passed over, as a pager's own files are."""
        return {notice.name: notice for notice in self._read()}

    def keep(self, notice: Notice) -> None:
        """Keep a notice as it is now.

        Raises:
            StoreError: It cannot be written.
        """
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StoreError(f"`{self._folder.name}` cannot be made: {error.strerror}") from error
        write_whole(self._folder / f"{notice.name}.json", encode_notice(notice))

    def untold(self) -> list[tuple[str, str, datetime]]:
        """Return id, office and time of each notice that reached nobody, and not only because it is new."""
        return [
            (one.id, one.to, one.made) for one in self.kept().values() if not one.is_told and one.tries > 0
        ]

    def forget(self, now: datetime) -> None:
        """Remove what is older than a month; the record and the lists have what matters."""
        for notice in self._read():
            if now - notice.made > KEPT:
                (self._folder / f"{notice.name}.json").unlink(missing_ok=True)

    def _read(self) -> Iterator[Notice]:
        for file in sorted(self._folder.glob("*.json")):
            try:
                notice = decode_notice(read_whole(file, max_bytes=MAX_FILE_BYTES, absent=None))
            except (DoorwardError, MalformedError):
                continue
            if file.name == f"{notice.name}.json":
                yield notice
