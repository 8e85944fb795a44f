"""One change of the directory: read, added to by an office's key, written in one step, under a lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from doorward.cli.folders import Folders
from doorward.cli.host_logs import directory_offices, keep, read_listed
from doorward.cli.log_link import Person, identify
from doorward.cli.settings import Settings
from doorward.errors import ConfigError, StoreError
from doorward.notes.note import sign_note
from doorward.record.check_spool import is_being_written, is_held
from doorward.record.directory import Begun, Directory, Ended
from doorward.record.directory_file import hold_file, replace_file
from doorward.record.segments import PUBLISHER_LOCK
from doorward.record.workers import list_workers


@dataclass
class Change:
    """A directory that is held for one command.

    Args:
        directory: As it was read, and after `write` as it was written.
        raw: Its file's bytes.
        now: The time of statements, to the second.
    """

    settings: Settings
    folders: Folders
    person: Person
    directory: Directory
    raw: bytes
    now: datetime

    @property
    def host(self) -> str:
        """What this installation is called in the directory."""
        return self.settings.keeping.host

    def write(self, *statements: Begun | Ended) -> None:
        """Add statements and sign; a crash leaves the directory before or behind all of them.

        Raises:
            VerificationError: They do not agree with what stands there; nothing was written.
            MalformedError: One is none, or the directory is full.
            StoreError: The disk refused.
        """
        file = self.settings.keeping.directory
        assert file is not None
        directory = self.directory.add(*statements)
        raw = sign_note(directory.text, self.person.signer)
        replace_file(file, raw)
        self.directory, self.raw = directory, raw
        keep(self.folders, raw)


@contextmanager
def change_directory(settings: Settings, folders: Folders, key: Path, *, now: datetime) -> Iterator[Change]:
    """Yield the directory for a command of whoever holds this key.

    Raises:
        ConfigError: The settings name no directory, another command changes it, or the key cannot be read.
        VerificationError: The key's office may not, or the directory is not what it must be.
    """
    file = settings.keeping.directory
    if file is None:
        raise ConfigError(
            "the settings name no directory",
            hint="`directory` in [record] of doorward.toml, on another volume than the data folder",
        )
    person = identify(folders, key, directory_offices(settings), "sign the directory of the logs")
    with hold_file(file):
        found = read_listed(settings, folders)
        assert found is not None
        yield Change(settings, folders, person, *found, now.astimezone(UTC).replace(microsecond=0))


def refuse_running(folders: Folders) -> None:
    """Return where nobody writes to the record of this folder.

    Raises:
        StoreError: The publisher, a gateway, a desk or a command does.
    """
    if is_held(folders.spool / PUBLISHER_LOCK):
        raise StoreError("a publisher runs on this data folder", hint="stop it first")
    for worker, spool in list_workers(folders.spool).items():
        if is_being_written(spool):
            raise StoreError(
                f"writer {worker} of the record runs on this data folder",
                hint="stop gateway, desk and every command first: nothing is recorded behind a log's end",
            )
