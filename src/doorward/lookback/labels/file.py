"""A label file on disk: lines that are only added, by one writer at a time, each on disk before it counts.

A line that a crash tore was never acknowledged: it is left out by readers and cut off by the next writer. Any other
line that is no act stops the reading, with its number: a file that somebody edited is not guessed at.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

from doorward.errors import ConfigError, MalformedError, StoreError
from doorward.lookback.labels.labels import MAX_LINE_BYTES, Act, LabelSet, format_act, merge, parse_act

MAX_FILE_BYTES: Final = 1 << 30  # a million labels; read whole into memory
HINT: Final = "a label file is written by `doorward audit label` alone; take the last good copy of it"


class LabelFile:
    """An open label file.

    Args:
        path: It is made where it is absent, readable by its owner only.

    Raises:
        ConfigError: It is no label file.
        StoreError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.labels = LabelSet()
        self._read_to = 0
        self._lines = 0
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"`{path.name}` cannot be opened: {error.strerror}") from error
        try:
            _check_regular(self._handle, path)
            self.refresh()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it; what was added is on disk already."""
        os.close(self._handle)

    def refresh(self) -> None:
        """Read what others have added since.

        Raises:
            ConfigError: A line is no act.
            StoreError: The disk does not answer.
        """
        with self._locked(fcntl.LOCK_SH):
            self._read()

    def append(self, make: Callable[[LabelSet, int], Act]) -> Act:
        """Return an act after it is on disk.

        Args:
            make: Given everything that the file now holds and the act's Lamport number.

        Raises:
            ConfigError: Somebody else added a line that is no act.
            StoreError: It could not be written; the file is as it was.
        """
        with self._locked(fcntl.LOCK_EX):
            self._read()
            act = make(self.labels, self.labels.next_number())
            line = f"{format_act(act)}\n"
            self._write(line.encode())
            act_id, act = parse_act(line)
            self.labels.add(act_id, act)
        return act

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        try:
            fcntl.flock(self._handle, how)
        except OSError as error:
            raise StoreError(f"`{self.path.name}` cannot be locked: {error.strerror}") from error
        try:
            yield
        finally:
            fcntl.flock(self._handle, fcntl.LOCK_UN)

    def _read(self) -> None:
        try:
            size = os.fstat(self._handle).st_size
            if size < self._read_to:
                raise ConfigError(f"`{self.path.name}` is shorter than it was: somebody cut it", hint=HINT)
            if size > MAX_FILE_BYTES:
                raise ConfigError(f"`{self.path.name}` is larger than {MAX_FILE_BYTES} bytes")
            raw = os.pread(self._handle, size - self._read_to, self._read_to)
        except OSError as error:
            raise StoreError(f"`{self.path.name}` cannot be read: {error.strerror}") from error
        whole, line_end, _ = raw.rpartition(b"\n")
        for line in whole.split(b"\n") if line_end else ():
            self._lines += 1
            self.labels.add(*_parse(line, self.path.name, self._lines))
        self._read_to += len(whole) + len(line_end)

    def _write(self, line: bytes) -> None:
        try:
            # What stands behind the last line end is a torn line, which nobody was told of.
            os.ftruncate(self._handle, self._read_to)
            _write_all(self._handle, line)
            os.fsync(self._handle)
        except OSError as error:
            try:
                os.ftruncate(self._handle, self._read_to)
            except OSError:
                raise StoreError(
                    f"`{self.path.name}` cannot be written: {error.strerror}", may_have_been_stored=None
                ) from error
            raise StoreError(
                f"`{self.path.name}` cannot be written: {error.strerror}", may_have_been_stored=False
            ) from error
        self._read_to += len(line)
        self._lines += 1


def _write_all(handle: int, raw: bytes) -> None:
    if os.write(handle, raw) != len(raw):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _check_regular(handle: int, path: Path) -> None:
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        raise ConfigError(f"`{path.name}` is no regular file")


def _parse(line: bytes, name: str, number: int) -> tuple[str, Act]:
    if len(line) > MAX_LINE_BYTES:
        raise ConfigError(f"line {number} of `{name}` is longer than {MAX_LINE_BYTES} bytes", hint=HINT)
    try:
        return parse_act(line.decode())
    except (MalformedError, UnicodeDecodeError) as error:
        says = str(error) if isinstance(error, MalformedError) else "this is no UTF-8"
        raise ConfigError(f"line {number} of `{name}`: {says}", hint=HINT) from error


def load_labels(files: Sequence[Path]) -> tuple[LabelSet, str]:
    """Return the union of label files, and the digest of its canonical form.

    Raises:
        ConfigError: A file is absent or no label file.
        StoreError: A file cannot be read.
    """
    sets = []
    for path in files:
        if not path.exists():
            raise ConfigError(
                f"there is no label file `{path.name}`", hint="`doorward audit label` begins one"
            )
        with LabelFile(path) as opened:
            sets.append(opened.labels)
    merged = merge(sets)
    return merged, sha256(format_labels(merged)).hexdigest()


def format_labels(labels: LabelSet) -> bytes:
    """Return a label file that holds these acts, in the order that every copy agrees on."""
    return "".join(f"{format_act(act)}\n" for _, act in labels.ordered()).encode()


def save_labels(labels: LabelSet, into: Path) -> None:
    """Write a new label file.

    Raises:
        ConfigError: There is one already: labels are never written over.
        StoreError: It cannot be written.
    """
    try:
        handle = os.open(into, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as sink:
            sink.write(format_labels(labels))
            sink.flush()
            os.fsync(sink.fileno())
    except FileExistsError as error:
        raise ConfigError(
            f"`{into.name}` is there already", hint="name a file that is not there yet"
        ) from error
    except OSError as error:
        raise StoreError(f"`{into.name}` cannot be written: {error.strerror}") from error
