"""Where reviews that are owed are kept: one file of the data folder, written whole by rename.

INVARIANT (the floor stays open): nothing here keeps anybody from an emergency session. What cannot be written, or not
within a moment because somebody else holds the file, is held and tried again; the decision itself is in the record,
with the words that were stated.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from doorward.errors import ConfigError, DoorwardError, LogError
from doorward.grants.reviews import Owed, Review, decode_owed, encode_owed, find_review, verify_review
from doorward.grants.whole_file import alone, read_whole, write_whole
from doorward.notes.note import Verifier

KEPT_SECONDS: Final = 2.0  # how long somebody in an emergency waits for a file at most
MAX_KEPT: Final = 10_000  # then the oldest that are closed go; they are in the record
MAX_FILE_BYTES: Final = 64 * 1024 * 1024


class Reviews:
    """The break-glass sessions that were opened, each once, and their reviews.

    Args:
        file: Where they are kept.
        officials: Gives the keys of those who may review.
    """

    def __init__(self, file: Path, officials: Callable[[], Sequence[Verifier]]) -> None:
        self._file = file
        self._officials = officials
        self._held: list[Owed] = []
        self._lock = threading.Lock()  # of what is held; never while a file is waited for
        self._writing = threading.Lock()

    def owe(self, owed: Owed) -> None:
        """Keep a review that is owed; where it cannot be kept at once it is held, and `flush` tries again."""
        with self._lock:
            self._held.append(owed)
        # In a thread of its own: a file's lock may be held for ever.
        writer = threading.Thread(target=self.flush, daemon=True, name="reviews")
        writer.start()
        writer.join(KEPT_SECONDS)

    def flush(self) -> bool:
        """Write what is held, and return True where nothing is left."""
        if not self._writing.acquire(blocking=False):
            return False  # somebody waits for the file already
        try:
            while held := self._take():
                self._add(held)
                with self._lock:
                    self._held = [one for one in self._held if one not in held]
        except DoorwardError:
            return False
        finally:
            self._writing.release()
        return True

    def _take(self) -> list[Owed]:
        with self._lock:
            return list(self._held)

    def known(self) -> list[Owed]:
        """Return every review that is kept or held.

        Raises:
            ConfigError: The file is not what it must be.
        """
        held = self._take()  # first: what is written meanwhile is in the file
        kept = self._read()
        seen = {one.session for one in kept}
        return [*kept, *(one for one in held if one.session not in seen)]

    def find(self, owed: Owed) -> Review | None:
        """Return the review of a session where its note holds, or None."""
        return find_review(owed, self._officials())

    def close(self, owed: Owed, raw: bytes) -> Review:
        """Keep a signed review.

        Raises:
            ConfigError: No such session is kept here, or it is reviewed already.
            VerificationError: The signature, the office, or who signed is not what it must be.
            StoreError: It cannot be written.
        """
        with alone(self._file):
            kept = self._read()
            number = next((n for n, one in enumerate(kept) if one.session == owed.session), None)
            if number is None:
                raise ConfigError("the review is about a session that is not kept here")
            officials = self._officials()
            if find_review(kept[number], officials) is not None:
                raise ConfigError(f"session {owed.id} is reviewed already")
            review = verify_review(raw, officials, owed=kept[number])
            kept[number] = decode_owed(encode_owed(kept[number]) | {"note": review.note})
            write_whole(self._file, [encode_owed(one) for one in kept])
        return review

    def _add(self, fresh: Sequence[Owed]) -> None:
        with alone(self._file):
            kept = self._read()
            seen = {one.session for one in kept}
            rows = [*kept, *(one for one in fresh if one.session not in seen)]
            spare = len(rows) - MAX_KEPT
            if spare > 0:
                closed = {one.session for one in [one for one in rows if one.note][:spare]}
                rows = [one for one in rows if one.session not in closed]
            write_whole(self._file, [encode_owed(one) for one in rows])

    def _read(self) -> list[Owed]:
        rows: Any = read_whole(self._file, max_bytes=MAX_FILE_BYTES, absent=[])
        if not isinstance(rows, list):
            raise ConfigError(f"`{self._file.name}` holds no list")
        try:
            return [decode_owed(row) for row in rows]
        except LogError as error:
            raise ConfigError(f"`{self._file.name}`: {error}") from error
