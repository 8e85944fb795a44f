"""Where records are kept: one file of the data folder, written whole by rename, beside the officials' keys."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from doorward.errors import ConfigError, LogError, StoreError
from doorward.grants.records import Record, RecordKind, is_revoked, read_kept, verify_record
from doorward.grants.whole_file import alone, read_whole, write_whole
from doorward.notes.note import Verifier

MAX_FILE_BYTES: Final = 32 * 1024 * 1024
MAX_KEPT: Final = 10_000


class Records:
    """The signed records of one installation.

    Args:
        file: Holds the notes.
        officials: Gives the keys of those who may sign; a key that is no longer there takes its records' facts away.
    """

    def __init__(self, file: Path, officials: Callable[[], Sequence[Verifier]]) -> None:
        self._file = file
        self._officials = officials
        # Read again only when the file was replaced or the officials are others: each connection asks.
        self._seen: tuple[object, tuple[Record, ...]] = (None, ())

    def all(self) -> tuple[Record, ...]:
        """Return every record that is kept, in the order in which they came; see `read_kept`.

        Raises:
            ConfigError: The file is not what it must be: then no fact that a record would set is known.
        """
        officials = self._officials()
        mark = (self._mark(), tuple(officials))
        seen, kept = self._seen
        if mark != seen:
            try:
                kept = tuple(read_kept(note.encode(), officials) for note in self._notes())
            except LogError as error:
                raise ConfigError(f"`{self._file.name}`: {error}") from error
            self._seen = (mark, kept)
        return kept

    def add(self, raw: bytes) -> Record:
        """Keep a signed record.

        Raises:
            ConfigError: It is there already, takes back what is not there, or the file is not what it must be.
            LogError: It is no record, or its signature or office is not what it must be.
            StoreError: It cannot be written, or too many are kept.
        """
        record = verify_record(raw, self._officials())
        with alone(self._file):
            kept = self.all()
            if any(one.id == record.id for one in kept):
                raise ConfigError("this record is kept already")
            if record.kind is RecordKind.REVOCATION:
                self._check_revocation(record, kept)
            if len(kept) >= MAX_KEPT:
                raise StoreError(f"{MAX_KEPT} records are kept already")
            write_whole(self._file, [*(one.note for one in kept), record.note])
        return record

    @staticmethod
    def _check_revocation(record: Record, kept: Sequence[Record]) -> None:
        known = next((one for one in kept if one.id == record.about), None)
        if known is None or known.kind is RecordKind.REVOCATION:
            raise ConfigError(f"`{record.about}` is no record that is kept and can be taken back")
        if not is_revoked(known, [*kept, record], now=record.begins):
            raise ConfigError(f"the office `{record.office}` cannot take back a {known.kind}")

    def _notes(self) -> list[str]:
        rows = read_whole(self._file, max_bytes=MAX_FILE_BYTES, absent=[])
        if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
            raise ConfigError(f"`{self._file.name}` holds no list of notes")
        return rows

    def _mark(self) -> tuple[int, int, int] | None:
        # Before the file is read: one that is replaced meanwhile is read once more the next time.
        try:
            found = self._file.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"`{self._file.name}` cannot be read") from error
        return found.st_ino, found.st_mtime_ns, found.st_size
