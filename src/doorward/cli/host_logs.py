"""Whether the log of this installation may run: the directory's word, asked before anything is signed or recorded.

The directory (`[record] directory`) lies on another volume than the data folder, so that what is put back with the
folder does not put back the directory too. What was read last is kept in the folder: `directory.kept`.

INVARIANT (listed-first): where a directory is named, or one was kept, nothing is signed under a name that it does not
list, or lists as ended; and no door opens. Without either it is as it was before there were directories.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from doorward.cli.folders import Folders
from doorward.cli.settings import Settings
from doorward.errors import ConfigError, DoorwardError, LogError, VerificationError
from doorward.grants.cut_files import load_officers
from doorward.notes.key_files import load_key
from doorward.notes.note import Verifier, parse_note, parse_verifier_key
from doorward.orders.load import load_pack, load_record_rules
from doorward.record.binding import BOUND
from doorward.record.directory import (
    EMPTY,
    Directory,
    parse_directory,
    verify_added,
    verify_directory,
    verify_may_sign,
)
from doorward.record.directory_file import read_note, replace_file
from doorward.record.log_files import VERIFIER_KEY, LogFiles

KEPT: Final = "directory.kept"
MARK: Final = "log.ended"
KEY: Final = "log.key"


def read_listed(settings: Settings, folders: Folders) -> tuple[Directory, bytes] | None:
    """Return the directory and its file's bytes; the empty one before its first statement, None where none is named.

    Raises:
        ConfigError: One was kept, and the settings name none.
        VerificationError: It is older than what was kept, another one, missing, or signed by nobody who may.
        MalformedError: It is none.
        StoreError: It cannot be read.
    """
    file, kept = settings.keeping.directory, read_note(folders.data / KEPT)
    if file is None:
        if kept is None:
            return None
        raise ConfigError(
            "the log of this data folder is listed in a directory, and the settings name none",
            hint="`directory` in [record] of doorward.toml",
        )
    before = b"" if kept is None else parse_note(kept).text
    raw = read_note(file)
    if raw is None:
        if kept is None:
            return EMPTY, b""
        raise VerificationError(
            f"there is no directory at `{file}`, and there was one",
            hint="put the newest one back, from a public copy",
        )
    text = parse_note(raw).text
    if text == before:  # read before, under keys that were known then: people come and go
        return parse_directory(text), raw
    return verify_added(before, verify_directory(raw, office_keys(settings, folders))), raw


def office_keys(settings: Settings, folders: Folders) -> tuple[Verifier, ...]:
    """Return the keys of everybody who may sign the directory.

    Raises:
        ConfigError: The keys or the order cannot be read.
    """
    offices = directory_offices(settings)
    return tuple(key for key in load_officers(folders.officials) if key.name.partition("/")[0] in offices)


def directory_offices(settings: Settings) -> tuple[str, ...]:
    """Return the offices whose people may sign the directory, as the order has them."""
    pack = load_pack(settings.order, production=settings.production, collections=settings.collections)
    return load_record_rules(pack).directory


def keep(folders: Folders, raw: bytes) -> None:
    """Keep a directory that was read and found right: none that lacks something of it will be taken.

    Raises:
        StoreError: The disk refused.
    """
    if read_note(folders.data / KEPT) != raw:
        replace_file(folders.data / KEPT, raw)


def refuse_ended(folders: Folders) -> None:
    """Return where nobody ended the log of this folder.

    Raises:
        VerificationError: Somebody did, and nothing is recorded behind a log's end.
    """
    if (folders.data / MARK).exists():
        raise VerificationError(
            f"the log of `{folders.data}` has ended, and no other has begun: nothing is recorded",
            hint="doorward log begin (docs/howto/lost-volume.md)",
        )


def refuse_key(settings: Settings, folders: Folders, key: Verifier) -> None:
    """Return where a key may be put to work at another place: it is not that of a log that ended.

    Raises:
        VerificationError: It is.
        ConfigError, LogError: The directory cannot be read.
    """
    listed = read_listed(settings, folders)
    found = listed[0].of_key(key) if listed is not None else None
    if listed is not None and found is not None and found.ended is not None:
        verify_may_sign(listed[0], key)


def hold_doors(settings: Settings, folders: Folders) -> None:
    """Return where a log runs here, so that a door may open.

    Raises:
        VerificationError: None does: it ended, was lost, or did not begin to its end.
        ConfigError, LogError: The directory cannot be read; then no door opens either.
    """
    refuse_ended(folders)
    listed = read_listed(settings, folders)
    if listed is None:
        return
    raw = LogFiles(folders.log).read(VERIFIER_KEY)
    if raw is None or not (folders.keys / BOUND).exists():
        raise VerificationError(
            f"no log runs in `{folders.data}`, so no door opens",
            hint="a lost one is ended first: doorward log end, then doorward log begin",
        )
    try:
        key = parse_verifier_key(raw.decode().strip())
    except (LogError, UnicodeDecodeError) as error:
        raise VerificationError(f"`{VERIFIER_KEY}` of the log is none") from error
    verify_may_sign(listed[0], key)


@dataclass
class Running:
    """The log of this host as a gateway looks at it while it stands open."""

    settings: Settings | None
    folders: Folders
    _seen: tuple[tuple[int, ...], ...] = field(default=(), init=False)
    _runs: bool = field(default=True, init=False)

    def look(self) -> bool:
        """Return False where the log ended or is gone.

        A directory that cannot be read now says neither: the publisher signs nothing then, and is a stalled one.
        """
        if self.settings is None:
            return True
        file = self.settings.keeping.directory
        asked = (self.folders.data / MARK, self.folders.log / VERIFIER_KEY, self.folders.keys / BOUND, file)
        seen = tuple(_stamp(one) for one in asked if one is not None)
        if seen == self._seen:
            return self._runs
        try:
            hold_doors(self.settings, self.folders)
        except VerificationError:
            self._runs = False
        except DoorwardError:
            return self._runs
        else:
            self._runs = True
        self._seen = seen
        return self._runs


@dataclass
class Listing:
    """The directory as the publisher looks at it: before it signs, and again whenever the file is another one."""

    settings: Settings | None
    folders: Folders
    _seen: tuple[int, ...] = field(default=(), init=False)

    def look(self) -> None:
        """Return where the log's key may sign.

        Raises:
            VerificationError: The log has ended, is not listed, or no log began here.
            ConfigError, LogError: The directory cannot be read; nothing is signed then.
        """
        refuse_ended(self.folders)
        if self.settings is None:  # the sample's key proves nothing to anybody
            if (self.folders.data / KEPT).exists():
                raise ConfigError("the log of this data folder is a city's", hint="name it with --config")
            return
        file = self.settings.keeping.directory
        seen = _stamp(file) if file is not None else ()
        if seen and seen == self._seen:
            return
        listed = read_listed(self.settings, self.folders)
        if listed is None:
            return
        if not (self.folders.keys / KEY).exists():
            raise VerificationError(
                f"no log runs in `{self.folders.data}`; no key is made where a directory is named",
                hint="doorward log begin (docs/howto/lost-volume.md)",
            )
        verify_may_sign(listed[0], load_key(self.folders.keys / KEY).verifier)
        keep(self.folders, listed[1])
        self._seen = seen


def _stamp(file: Path) -> tuple[int, ...]:
    try:
        found = file.stat()
    except OSError:
        return ()  # reading it will say what is wrong
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size
