"""Where asks that wait and their answers are kept: two files of the data folder, each written whole by rename."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from doorward.errors import ConfigError, LogError, StoreError
from doorward.grants.referrals import (
    MAX_KEPT,
    Answered,
    Referral,
    decode_referral,
    encode_referral,
    verify_answer,
)
from doorward.grants.whole_file import alone, read_whole, write_whole
from doorward.notes.note import Verifier

MAX_OF_ONE_LOGIN: Final = 100
MAX_FILE_BYTES: Final = 32 * 1024 * 1024


class Referrals:
    """The asks that were referred, each once, and the answers to them.

    Args:
        asks: The file of the asks.
        answers: The file of the signed answers.
        officials: Gives the keys of those who may answer.
    """

    def __init__(self, asks: Path, answers: Path, officials: Callable[[], Sequence[Verifier]]) -> None:
        self._asks = asks
        self._answers = answers
        self._officials = officials
        # Read again only when a file was replaced or the officials are others: each referral at the door asks.
        self._seen_asks: tuple[object, list[Referral]] = (None, [])
        self._seen_answers: tuple[object, list[Answered]] = (None, [])

    def note(self, referral: Referral) -> Referral | None:
        """Keep an ask if it is new, and return it as it is kept: the clock of the first time runs.

        Of one login so many are kept and no more, and then None is returned: whoever tries numbers does not fill the
        list for others.

        Raises:
            StoreError: It cannot be written, or too many wait.
        """
        with alone(self._asks):
            kept = self.asks()
            found = next((one for one in kept if one.ask == referral.ask), None)
            if found is not None:
                return found
            if sum(one.ask.login == referral.ask.login for one in kept) >= MAX_OF_ONE_LOGIN:
                return None
            if len(kept) >= MAX_KEPT:
                raise StoreError(f"{MAX_KEPT} asks are kept; `doorward grant list` shows those that wait")
            write_whole(self._asks, [encode_referral(one) for one in (*kept, referral)])
        return referral

    def asks(self) -> list[Referral]:
        """Return every ask that is kept.

        Raises:
            ConfigError: The file is not what it must be.
        """
        mark, (seen, kept) = _mark(self._asks), self._seen_asks
        if mark != seen:
            try:
                kept = [decode_referral(row) for row in _read(self._asks)]
            except LogError as error:
                raise ConfigError(f"`{self._asks.name}`: {error}") from error
            self._seen_asks = (mark, kept)
        return list(kept)

    def answers(self) -> list[Answered]:
        """Return every answer whose signature holds, in the order in which they came.

        Raises:
            ConfigError: The file is not what it must be, or a signature does not hold: then no answer counts.
        """
        officials = self._officials()
        mark, (seen, kept) = (_mark(self._answers), tuple(officials)), self._seen_answers
        if mark != seen:
            try:
                kept = [verify_answer(str(note).encode(), officials) for note in _read(self._answers)]
            except LogError as error:
                raise ConfigError(f"`{self._answers.name}`: {error}") from error
            self._seen_answers = (mark, kept)
        return list(kept)

    def answer(self, raw: bytes) -> Answered:
        """Keep a signed answer to an ask that is kept.

        Raises:
            ConfigError: There is no such ask, or the file is not what it must be.
            VerificationError: The signature, the office, the ask or the end is not what it must be.
            StoreError: It cannot be written.
        """
        unchecked = verify_answer(raw, self._officials())
        referral = next((one for one in self.asks() if one.ask == unchecked.ask), None)
        if referral is None:
            raise ConfigError("the answer is about an ask that is not kept here")
        answer = verify_answer(raw, self._officials(), referral=referral)
        with alone(self._answers):
            write_whole(self._answers, [*(kept.note for kept in self.answers()), answer.note])
        return answer


def _mark(file: Path) -> tuple[int, int, int] | None:
    # Before the file is read: one that is replaced meanwhile is read once more the next time.
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"`{file.name}` cannot be read") from error
    return found.st_ino, found.st_mtime_ns, found.st_size


def _read(file: Path) -> list[Any]:
    rows = read_whole(file, max_bytes=MAX_FILE_BYTES, absent=[])
    if not isinstance(rows, list):
        raise ConfigError(f"`{file.name}` holds no list")
    return rows
