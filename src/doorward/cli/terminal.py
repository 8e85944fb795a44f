r"""A terminal that gives one key at a time and is as it was afterwards, however the process ends.

The screen is the terminal's second one, so that no reason stays in its scroll-back. Input is unbuffered and silent;
Ctrl-C, Ctrl-Z and Ctrl-\\ stay signals. What changes the terminal back: leaving the context, a signal that ends the
process, and, where the process is killed without a chance to do anything, a shell that waits for its end.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

RESIZED: Final = "resized"
GONE: Final = "gone"  # the terminal went away, or its input is at an end
OTHER: Final = "other"  # arrows, pasted text, anything that is no plain key
ESCAPE_SECONDS: Final = 0.05  # the rest of an arrow key follows its first byte at once
ENTER: Final = "\x1b[?1049h\x1b[?2004h\x1b[?25l"  # second screen, pasted text is marked, no cursor
LEAVE: Final = "\x1b[?2004l\x1b[?25h\x1b[?1049l"
PASTE: Final = b"\x1b[200~"
PASTE_ENDS: Final = b"\x1b[201~"
# It reads until the process ends; a line says that all is well. `$1` is what `stty -g` said, its output the terminal.
GUARD: Final = (
    "trap '' INT TERM HUP QUIT TTOU TSTP; read -r done || { stty \"$1\" <&1; "
    "printf '\\033[?2004l\\033[?25h\\033[?1049l'; }"
)
ENDING: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Terminal:
    """A terminal in use; made by `open_terminal`."""

    def __init__(self, handle: int, wakes: int) -> None:
        self._handle = handle
        self._wakes = wakes
        self._pending = b""

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines and nothing else; they are written as they are."""
        _write(self._handle, "\x1b[H\x1b[2J" + "\r\n".join(lines))

    def size(self) -> tuple[int, int]:
        """Return width and height in cells."""
        with suppress(OSError):
            width, height = os.get_terminal_size(self._handle)
            if width > 0 and height > 0:
                return width, height
        return 80, 24

    def read_key(self) -> str:
        """Return a character, or one of `RESIZED`, `GONE` and `OTHER`."""
        while not self._pending:
            ready, _, _ = select.select([self._handle, self._wakes], [], [])
            if self._wakes in ready:
                os.read(self._wakes, 4096)
                return RESIZED
            if not self._more():
                return GONE
        if self._pending[:1] == b"\x1b":
            self._swallow_sequence()
            return OTHER
        return self._character()

    def _more(self) -> bool:
        try:
            read = os.read(self._handle, 4096)
        except OSError:  # the other side hung up
            return False
        self._pending += read
        return bool(read)

    def _character(self) -> str:
        first = self._pending[0]
        length = 1 if first < 0xC0 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
        while len(self._pending) < length and self._follows():
            pass
        raw, self._pending = self._pending[:length], self._pending[length:]
        text = raw.decode("utf-8", "replace")
        return text if len(text) == 1 and text.isprintable() else OTHER

    def _swallow_sequence(self) -> None:
        """Take an escape sequence whole, and pasted text to its end: a hundred pasted keys are no hundred labels."""
        while self._follows():
            if len(self._pending) > 64 and not self._pending.startswith(PASTE):
                break
        if not self._pending.startswith(PASTE):
            self._pending = b""
            return
        while PASTE_ENDS not in self._pending:
            self._pending = PASTE + self._pending[-len(PASTE_ENDS) :]
            if not self._more():
                break
        self._pending = self._pending.partition(PASTE_ENDS)[2]

    def _follows(self) -> bool:
        ready, _, _ = select.select([self._handle], [], [], ESCAPE_SECONDS)
        return bool(ready) and self._more()


@contextmanager
def open_terminal() -> Iterator[Terminal]:
    """Yield the terminal of standard input in its own mode, and put it back at the end.

    A signal that ends the process becomes `SystemExit` with the code that a shell gives it, so that everything that
    is open is closed; Ctrl-C stays `KeyboardInterrupt`.
    """
    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)
    wakes, woken = os.pipe()
    os.set_blocking(wakes, False)
    os.set_blocking(woken, False)
    handlers = {number: signal.getsignal(number) for number in (*ENDING, signal.SIGWINCH, signal.SIGTSTP)}
    earlier = signal.set_wakeup_fd(woken, warn_on_full_buffer=False)

    def stop(number: int, frame: FrameType | None) -> None:
        """Ctrl-Z: the shell gets its terminal back, and we get ours when we go on."""
        del number, frame
        _leave(handle, before)
        os.kill(os.getpid(), signal.SIGSTOP)
        _enter(handle)

    with _guarded(handle):
        try:
            for number in ENDING:
                signal.signal(number, _end)
            signal.signal(signal.SIGWINCH, _nothing)
            signal.signal(signal.SIGTSTP, stop)
            _enter(handle)
            yield Terminal(handle, wakes)
        finally:
            _leave(handle, before)
            for number, handler in handlers.items():
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)
            signal.set_wakeup_fd(earlier)
            os.close(wakes)
            os.close(woken)


def _end(number: int, frame: FrameType | None) -> None:
    del frame
    raise SystemExit(128 + number)


def _nothing(number: int, frame: FrameType | None) -> None:
    """A handler must be there for the wake-up pipe to get a byte."""
    del number, frame


def _enter(handle: int) -> None:
    tty.setcbreak(handle, termios.TCSADRAIN)
    _write(handle, ENTER)


def _leave(handle: int, before: list[int | list[bytes | int]]) -> None:
    with suppress(OSError, termios.error):  # a terminal that hung up needs nothing back
        _write(handle, LEAVE)
        termios.tcsetattr(handle, termios.TCSADRAIN, before)


def _write(handle: int, text: str) -> None:
    raw = text.encode("utf-8", "replace")
    with suppress(OSError):  # as above: the next read says that it is gone
        while raw:
            raw = raw[os.write(handle, raw) :]


@contextmanager
def _guarded(handle: int) -> Iterator[None]:
    """Keep a shell that puts the terminal back where this process is killed; without `stty` there is none."""
    stty, shell = shutil.which("stty"), shutil.which("sh")
    said = _ask(stty, handle) if stty else None
    if said is None or said.returncode or shell is None:
        yield
        return
    reading, writing = os.pipe()
    with subprocess.Popen(  # noqa: S603  # as above
        [shell, "-c", GUARD, "sh", said.stdout.strip()],
        stdin=reading, stdout=handle, stderr=subprocess.DEVNULL, start_new_session=True,
    ) as guard:  # fmt: skip
        os.close(reading)
        try:
            yield
        finally:
            with suppress(OSError):
                os.write(writing, b"well\n")
            os.close(writing)
            guard.wait()


def _ask(stty: str, handle: int) -> subprocess.CompletedProcess[str]:
    """Return how the terminal is set, in stty's own words."""
    return subprocess.run([stty, "-g"], stdin=handle, capture_output=True, text=True, check=False)  # noqa: S603  # a program of the path, no user's text
