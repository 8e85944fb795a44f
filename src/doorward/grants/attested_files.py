"""Where sessions on attested numbers are kept: a file a month of JSON lines, and the draws and answers beside them.

A line is on disk before the session is let in. A crash in the middle leaves half a line of a session that was not let
in; the next writer takes it away.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from doorward.errors import ConfigError, LogError, StoreError
from doorward.grants.attested import (
    Admitted,
    Draw,
    Found,
    check_draw,
    decode_admitted,
    decode_draw,
    encode_admitted,
    encode_draw,
    verify_found,
)
from doorward.grants.whole_file import alone, read_whole, write_whole
from doorward.notes.note import Verifier

MAX_FILE_BYTES: Final = 256 * 1024 * 1024  # a month of a million sessions
TAIL_BYTES: Final = 4096  # more than a line has


class AttestedFiles:
    """The folder of attested numbers.

    Args:
        folder: Made at the first session.
        officials: Gives the keys of those who may sign what was found.
    """

    def __init__(self, folder: Path, officials: Callable[[], Sequence[Verifier]]) -> None:
        self._folder = folder
        self._officials = officials

    def note(self, one: Admitted) -> None:
        """Put a session on file; it is on disk when this returns.

        Raises:
            StoreError: It cannot be written: then the session is not let in.
        """
        line = json.dumps(encode_admitted(one), ensure_ascii=False).encode() + b"\n"
        file = self._folder / f"{one.at:%Y-%m}.jsonl"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with alone(file):
                handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
                with os.fdopen(handle, "r+b") as sink:
                    sink.seek(_whole_lines(sink))
                    sink.truncate()
                    sink.write(line)
                    sink.flush()
                    os.fsync(sink.fileno())
        except OSError as error:
            raise StoreError(f"`{file.name}` cannot be written: {error.strerror}") from error

    def admitted(self, begins: datetime, until: datetime, *, agency: str | None = None) -> list[Admitted]:
        """Return the sessions of a period, in the order in which they came.

        Raises:
            ConfigError: A file is not what it must be.
        """
        found: list[Admitted] = []
        for file in sorted(self._folder.glob("[0-9]*-[0-9]*.jsonl")):
            if f"{begins:%Y-%m}" <= file.stem <= f"{until:%Y-%m}":
                found += self._read(file)
        return [one for one in found if begins <= one.at < until and agency in {None, one.agency}]

    def draws(self) -> list[Draw]:
        """Return every draw.

        Raises:
            ConfigError: The file is not what it must be.
        """
        try:
            return [decode_draw(row) for row in _list(self._folder / "draws.json")]
        except LogError as error:
            raise ConfigError(f"`draws.json`: {error}") from error

    def add_draw(self, draw: Draw) -> None:
        """Keep a draw.

        Raises:
            ConfigError: The file is not what it must be, or there are no sessions at all.
            MalformedError: It is no draw.
            StoreError: It cannot be written.
        """
        if not self._folder.is_dir():
            raise ConfigError("no session was let in on an attested number yet")
        file = self._folder / "draws.json"
        with alone(file):
            write_whole(file, [encode_draw(one) for one in (*self.draws(), check_draw(draw))])

    def answers(self) -> list[Found]:
        """Return every answer whose signature holds, in the order in which they came.

        Raises:
            ConfigError: The file is not what it must be, or a signature does not hold.
        """
        officials = self._officials()
        try:
            return [
                verify_found(str(note).encode(), officials) for note in _list(self._folder / "answers.json")
            ]
        except LogError as error:
            raise ConfigError(f"`answers.json`: {error}") from error

    def answer(self, raw: bytes) -> Found:
        """Keep a signed answer about a session that was drawn.

        Raises:
            ConfigError: It was not drawn, or the file is not what it must be.
            LogError: It is no answer, or its signature does not hold.
            StoreError: It cannot be written.
        """
        found = verify_found(raw, self._officials())
        if not any(found.id in draw.drawn for draw in self.draws()):
            raise ConfigError(f"the session `{found.id}` was not drawn", hint="doorward attest sample")
        file = self._folder / "answers.json"
        with alone(file):
            write_whole(file, [*(one.note for one in self.answers()), found.note])
        return found

    @staticmethod
    def _read(file: Path) -> Iterator[Admitted]:
        try:
            if file.stat().st_size > MAX_FILE_BYTES:
                raise ConfigError(f"`{file.name}` is larger than {MAX_FILE_BYTES} bytes")
            *lines, _torn = file.read_bytes().split(
                b"\n"
            )  # behind the last newline stands nothing, or half a line
            for line in lines:
                yield decode_admitted(json.loads(line))
        except (OSError, ValueError, RecursionError, LogError) as error:
            raise ConfigError(f"`{file.name}` does not hold a session a line") from error


def _whole_lines(stream: Any) -> int:  # noqa: ANN401  # a buffered file, opened for both
    size = int(stream.seek(0, os.SEEK_END))
    start = max(0, size - TAIL_BYTES)
    stream.seek(start)
    return start + int(stream.read().rfind(b"\n")) + 1


def _list(file: Path) -> list[Any]:
    rows = read_whole(file, max_bytes=MAX_FILE_BYTES, absent=[])
    if not isinstance(rows, list):
        raise ConfigError(f"`{file.name}` holds no list")
    return rows
