"""What the commands that look into the record share: who somebody is, the disclosures, and the entry that says it."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from doorward.cli.folders import Folders
from doorward.cli.host_logs import refuse_ended
from doorward.cli.report_observe import find_disclosures
from doorward.cli.seals import disclosures_of
from doorward.cli.settings import read_settings
from doorward.desk.recorder import Recorder
from doorward.errors import ConfigError, MalformedError, VerificationError
from doorward.grants.cut_files import load_officers
from doorward.notes.key_files import load_key
from doorward.notes.note import Signer, Verifier, parse_verifier_key
from doorward.record.disclosures import PostgresDisclosures
from doorward.record.entry import Fields, Kind
from doorward.record.log_files import VERIFIER_KEY, LogFiles
from doorward.record.spool import Spool
from doorward.record.workers import LOOKS, SEQUENCE_BITS, WRITERS, first_sequence, worker_folder

WORKER: Final = LOOKS
"""The number of these commands among the writers of a host."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever holds a key that is known here.

    Args:
        office: Of the key's name, before the slash.
        login: Behind it.
        office_keys: The public keys of everybody of the offices that may do this.
    """

    signer: Signer
    office: str
    login: str
    office_keys: tuple[Verifier, ...]


def identify(folders: Folders, key: Path, offices: tuple[str, ...], what: str) -> Person:
    """Return who holds a key, where it is one of an office that may do this: shown by the key and never typed.

    Raises:
        ConfigError: The key cannot be read.
        VerificationError: It is not among the officials' keys, or its office may not.
    """
    signer = load_key(key)
    known = load_officers(folders.officials)
    if signer.verifier not in known:
        raise VerificationError(
            f"the key of `{signer.name}` is not among the officials' keys",
            hint=f"their public keys stand in `{folders.officials}`",
        )
    office, slash, login = signer.name.partition("/")
    if not slash or office not in offices:
        raise VerificationError(
            f"expected a key of {' or '.join(offices)} to {what}, got one of `{office}`",
            hint="record.toml of the order says who may",
        )
    same = tuple(one for one in known if one.name.partition("/")[0] in offices)
    return Person(signer, office, login, same)


def open_disclosures(folders: Folders, config: Path | None) -> PostgresDisclosures:
    """Return the disclosures of an installation; nothing is connected yet.

    Raises:
        ConfigError: It is not known where they are.
    """
    conninfo = find_disclosures(folders, read_settings(config).record if config is not None else "")
    if not conninfo:
        raise ConfigError(
            "the disclosures are not at hand", hint="name the installation with --config, or start the sample"
        )
    return disclosures_of(folders, conninfo)


def record_entry(folders: Folders, fields: Fields, *, now: datetime) -> int:
    """Return the sequence of an entry that says what was done with the record; it is in the spool.

    Raises:
        StoreError: The disk refused, or another such command writes right now.
        VerificationError: The log has ended.
    """
    refuse_ended(folders)
    folder = worker_folder(folders.spool, WORKER)
    recorder = Recorder(Spool.open(folder, now=now, worker=WORKER))
    try:
        return recorder.record([(Kind.KEEPING, fields)], now=now)
    finally:
        recorder.close(now=now)


def read_log_key(folders: Folders) -> tuple[LogFiles, Verifier, str]:
    """Return the log of an installation, its verifier, and its verifier key as a line.

    Raises:
        ConfigError: There is no log, or its key is none.
    """
    files = LogFiles(folders.log)
    raw = files.read(VERIFIER_KEY)
    try:
        line = "" if raw is None else raw.decode().strip()
        return files, parse_verifier_key(line), line
    except (MalformedError, UnicodeDecodeError) as error:
        raise ConfigError(f"the log `{folders.log}` has no `{VERIFIER_KEY}` that is one") from error


def parse_entry(said: str) -> int:
    """Return the sequence of an entry, said as a number, or as a writer, a colon and the writer's own number.

    Raises:
        ConfigError: It is none.
    """
    writer, colon, number = said.rpartition(":")
    parts = [writer, number] if colon else [number]
    if not all(part.isascii() and part.isdecimal() and len(part) < 20 for part in parts):
        raise ConfigError(f"`{said[:40]}` is no entry", hint="its sequence, or WRITER:NUMBER such as 15:3")
    sequence = first_sequence(int(writer or 0)) + int(number)
    if int(writer or 0) >= WRITERS or sequence >= WRITERS << SEQUENCE_BITS:
        raise ConfigError(f"`{said[:40]}` is no entry: a host has at most {WRITERS} writers")
    return sequence


def write_new(file: Path, raw: bytes, *, before: Callable[[], None] | None = None) -> None:
    """Write a file that must not exist yet, readable for its owner alone from the first; whole, or not there.

    Args:
        before: Called when the file can be written and before it is.

    Raises:
        ConfigError: It exists, or cannot be written.
    """
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise ConfigError(f"`{file}` is there already", hint="name another file") from error
    except OSError as error:
        raise ConfigError(f"`{file}` cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as sink:
            if before is not None:
                before()
            sink.write(raw)
    except BaseException as error:
        with suppress(OSError):
            file.unlink()
        if isinstance(error, OSError):
            raise ConfigError(f"`{file}` cannot be written: {error.strerror}") from error
        raise
