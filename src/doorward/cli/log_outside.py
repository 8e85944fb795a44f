"""The part of `doorward log verify` that an outsider uses: a public log at an address or in a copy."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from doorward.errors import ConfigError, MalformedError, StoreError
from doorward.verifier.check import KEY_FILE, Progress, Task, check, find_key, open_source
from doorward.verifier.findings import Kind, Verdict
from doorward.verifier.note import MAX_NOTE_BYTES, ML_DSA_44, Key, parse_key

_TERMINAL_SECONDS: Final = 0.2
_LINE_SECONDS: Final = 5.0


def verify_outside(
    place: str,
    *,
    key: str | None,
    since: Path | None,
    witnesses: Sequence[str],
    processes: int,
    progress: bool,
) -> tuple[Key | None, Verdict]:
    """Return the key that was used, if there is one, and what is false in a public log.

    Raises:
        ConfigError: There is no log, no key, or the kept checkpoint is none.
    """
    kept = read_kept(since)
    cosigners = tuple(parse_option(text, "--witness") for text in witnesses)
    verdict = Verdict()
    try:
        found = _parse_own(key) if key is not None else _find_key(place, verdict)
    except StoreError as error:
        verdict.could_not_tell.append(str(error))
        return None, verdict
    if found is None:
        return None, verdict
    tell = show_progress(is_terminal=sys.stderr.isatty(), is_wanted=progress)
    verdict = check(Task(place, found, kept, cosigners, processes), tell)
    verdict.not_checked.append("spool and disclosures: they are not public")
    return found, verdict


def read_kept(since: Path | None) -> bytes | None:
    """Return what the caller kept, if anything.

    Raises:
        ConfigError: It cannot be read.
    """
    if since is None:
        return None
    try:
        with since.open("rb") as file:
            return file.read(MAX_NOTE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"what was kept, `{since}`, cannot be read: {error.strerror}") from error


def parse_option(text: str, option: str) -> Key:
    """Return the key that an option gives.

    Raises:
        ConfigError: It is none.
    """
    try:
        return parse_key(text.strip())
    except MalformedError as error:
        raise ConfigError(f"`{option}` is no verifier key: {error}") from error


def _parse_own(text: str) -> Key:
    found = parse_option(text, "--key")
    if found.algorithm == ML_DSA_44:
        raise ConfigError("`--key` is the key of a cosigner of type 6 (ML-DSA-44), and a log's is Ed25519")
    return found


def _find_key(place: str, verdict: Verdict) -> Key | None:
    try:
        source = open_source(place)
        try:
            return find_key(source)
        finally:
            source.close()
    except MalformedError as error:
        verdict.find(Kind.FILE_MALFORMED, KEY_FILE, f"it is no verifier key: {error}")
        return None


def show_progress(
    *,
    is_terminal: bool,
    is_wanted: bool,
    clock: Callable[[], float] = time.monotonic,
    write: Callable[[str], object] = sys.stderr.write,
) -> Progress:
    """Return what tells whoever waits how far it is and how fast; on a terminal one line, else a line now and then."""
    if not (is_terminal or is_wanted):
        return lambda _done, _all: None
    began = last = clock()

    def tell(done: int, whole: int) -> None:
        nonlocal last
        now = clock()
        if done < whole and now - last < (_TERMINAL_SECONDS if is_terminal else _LINE_SECONDS):
            return
        last = now
        rate = done / max(now - began, 1e-6)
        line = f"{done:,} of {whole:,} leaves, {rate:,.0f} a second"
        write(f"\r{line:<70}" + ("\n" if done >= whole else "") if is_terminal else f"{line}\n")

    return tell
