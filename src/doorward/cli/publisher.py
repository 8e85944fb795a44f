"""`doorward publisher`: from the spool to the public log, as a process; started by `doorward up`, not by hand.

It publishes at least once a second and prints nothing while all goes well. Where a disk or the disclosures' server
refuses, it says so in one line and tries again, ever more slowly: the record waits in the spool. Where a disk does not
confirm a sync it ends, because another try could be confirmed for bytes that are gone. Where spool, disclosures and log
do not agree, or the key is bound to another place, it ends, because nothing may be signed then. Where the settings name
witnesses, they are asked before anything is signed, and shown what is published. SIGTERM and SIGINT end it after a last
pass; kill -9 may come at any time.
"""

import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from psycopg.conninfo import make_conninfo

from doorward.cli.children import stop_with_parent
from doorward.cli.folders import Folders, find_folders
from doorward.cli.host_logs import Listing
from doorward.cli.log_acts import hold_to_place
from doorward.cli.neighbours import Neighbours
from doorward.cli.seals import disclosures_of
from doorward.cli.settings import Settings, read_settings
from doorward.cli.witnesses import Witnesses
from doorward.errors import ConfigError, StoreError, UnsyncedError
from doorward.gateway.logbook import Event, Form, Logbook
from doorward.notes.key_files import load_key
from doorward.notes.note import Signer
from doorward.record.disclosures import DATABASE, ROLE
from doorward.record.keys import make_log_key
from doorward.record.log import Publisher
from doorward.record.log_files import CHECKPOINT, LogFiles

PASS_SECONDS: Final = 0.5
MAX_BACKOFF_SECONDS: Final = 30.0
LAST_PASS_SECONDS: Final = 8.0  # `doorward up` insists after 15
_STOPS: Final = frozenset({signal.SIGTERM, signal.SIGINT})


def publisher(
    data: Annotated[Path | None, typer.Option(help="the sample's data folder (default ./.doorward)")] = None,
    config: Annotated[Path | None, typer.Option(help="doorward.toml, before a city's own server")] = None,
) -> None:
    """Publish the record in the foreground until it is told to stop."""
    settings = read_settings(config) if config is not None else None
    folders = find_folders(data) if settings is None else prepare_folders(settings)
    logbook = Logbook("publisher", settings.operation.log if settings is not None else Form.TEXT)
    # Blocked, and asked for between passes: no pass is torn by a signal, and none is lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    if settings is None:
        stop_with_parent()  # behind the mask, so that its thread blocks the signals too
    listing = Listing(settings, folders)
    listing.look()
    signer = find_signer(folders)
    if settings is not None:  # the sample's key proves nothing to anybody
        hold_to_place(folders, signer, logbook, now=datetime.now(UTC))  # noqa: TID251  # the command line may read the clock
    asked = _Asked(settings, folders, signer, logbook)
    if not asked.wait_until_known():
        return  # told to stop before
    with disclosures_of(folders, read_conninfo(folders)) as disclosures:
        log = Publisher.open(folders.log, folders.spool, signer, disclosures)
        if settings is not None:
            logbook.say(Event.STARTED, leaves=log.tree_size)
        neighbours = _neighbours(settings, folders, logbook)
        try:
            _publish_until_stopped(log, logbook, listing, asked, neighbours)
            _publish_the_rest(log, logbook, asked)
        finally:
            log.close()
            if neighbours is not None:
                neighbours.close()
    if settings is not None:
        logbook.say(Event.STOPPED)


def prepare_folders(settings: Settings) -> Folders:
    """Return the folders of a city, made where they are not, with where its disclosures are.

    Raises:
        ConfigError: They cannot be made.
    """
    # Where the disclosures are is written down once, for the check of the record as well.
    folders = Folders(settings.data)
    folders.make()
    conninfo = make_conninfo(settings.record, user=ROLE, dbname=DATABASE)
    (folders.run / "record.dsn").write_text(conninfo + "\n", encoding="utf-8")
    return folders


def find_signer(folders: Folders) -> Signer:
    """Return the log's key, made where there is no log yet.

    Raises:
        ConfigError: There is a log and its key is not at hand.
    """
    path = folders.keys / "log.key"
    if path.exists():
        return load_key(path)
    if (folders.log / CHECKPOINT).exists():
        raise ConfigError(
            f"the log `{folders.log}` is there and its key `{path}` is not",
            hint="put the key back; a log without it can be verified and never be added to",
        )
    return make_log_key(path)


def read_conninfo(folders: Folders) -> str:
    """Return where the disclosures' server is, as `doorward up` wrote it.

    Raises:
        ConfigError: doorward is not up in this folder.
    """
    try:
        return (folders.run / "record.dsn").read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(
            f"doorward is not up in `{folders.data}`", hint="start it with `doorward up`"
        ) from error


class _Asked:
    """The witnesses of the settings, or nobody; says once what is missing.

    INVARIANT (asked-first): where there are witnesses, nothing is signed before their quorum said that it knows nothing
    newer. The log's own files cannot know: after a restore they are whole, and old.
    """

    def __init__(self, settings: Settings | None, folders: Folders, signer: Signer, logbook: Logbook) -> None:
        found = settings.witnesses if settings is not None else None
        self._witnesses = Witnesses(found, LogFiles(folders.log), signer) if found is not None else None
        self._logbook = logbook
        self._said = ""

    def wait_until_known(self) -> bool:
        """Return True once something may be signed, or False where the process is told to stop before.

        Raises:
            VerificationError: A witness holds a larger or another tree of this log.
        """
        wait = PASS_SECONDS
        while self._witnesses is not None:
            missing = self._witnesses.check()
            self._say(missing)
            if not missing:
                break
            if signal.sigtimedwait(_STOPS, wait) is not None:
                return False
            wait = min(MAX_BACKOFF_SECONDS, wait * 2)
        return True

    def show(self, *, at_once: bool = False) -> None:
        """Show what is published to the witnesses, where it is time for it; a released copy `log release` shows.

        Raises:
            VerificationError: As `wait_until_known`.
            StoreError: The log cannot be read or written.
        """
        if self._witnesses is not None and self._witnesses.settings.public is None:
            missing = self._witnesses.show(time.monotonic(), at_once=at_once)
            if missing is not None:
                self._say(missing)

    def _say(self, missing: str) -> None:
        if missing != self._said:
            if missing:
                self._logbook.say(Event.WITNESSES_MISSING, error=missing)
            else:
                self._logbook.say(Event.WITNESSES_BACK)
            self._said = missing


def _neighbours(settings: Settings | None, folders: Folders, logbook: Logbook) -> Neighbours | None:
    if settings is None or not settings.keeping.neighbours:
        return None
    return Neighbours(settings.keeping, folders, logbook, lambda: datetime.now(UTC))  # noqa: TID251  # as above


def _publish_until_stopped(
    log: Publisher, logbook: Logbook, listing: Listing, asked: _Asked, neighbours: Neighbours | None
) -> None:
    wait, said = PASS_SECONDS, ""
    while signal.sigtimedwait(_STOPS, wait) is None:
        try:
            listing.look()
            # A pass is bounded; where it was full, the next one follows at once.
            wait = 0.0 if log.publish_once() else PASS_SECONDS
            asked.show()
            if neighbours is not None:
                neighbours.look(time.monotonic())
            said = ""
        except UnsyncedError:
            raise
        except StoreError as error:
            wait = min(MAX_BACKOFF_SECONDS, max(PASS_SECONDS, wait) * 2)
            said = _say_once(logbook, error, said)


def _publish_the_rest(log: Publisher, logbook: Logbook, asked: _Asked) -> None:
    deadline = time.monotonic() + LAST_PASS_SECONDS
    try:
        while log.publish_once() and time.monotonic() < deadline:
            pass
        asked.show(at_once=True)
    except UnsyncedError:
        raise
    except StoreError as error:
        _say_once(logbook, error, "")


def _say_once(logbook: Logbook, error: StoreError, said: str) -> str:
    if str(error) != said:
        logbook.fail(Event.PUBLISHING_FAILED, error)
    return str(error)
