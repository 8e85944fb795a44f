"""Where everything of one installation lies, and the marks by which doorward knows its own folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from doorward.errors import ConfigError

MARK = "this folder belongs to doorward; `doorward reset` removes it\n"
DEFAULT = ".doorward"


@dataclass(frozen=True, slots=True)
class Folders:
    """The data folder and its parts; see docs/reference/data-folder.md."""

    data: Path

    @property
    def mark(self) -> Path:
        """The file that says whose folder this is."""
        return self.data / "DOORWARD"

    @property
    def log(self) -> Path:
        """The public log: checkpoint, tiles and verifier key."""
        return self.data / "log"

    @property
    def spool(self) -> Path:
        """The gateway's spool."""
        return self.data / "spool"

    @property
    def keys(self) -> Path:
        """Secrets: the log's signing key and the secret behind unknown logins' salts."""
        return self.data / "keys"

    @property
    def hosts(self) -> Path:
        """What each host last said of itself; see `doctor --write`."""
        return self.data / "hosts"

    @property
    def run(self) -> Path:
        """What is true only while doorward runs: connection strings, locks."""
        return self.data / "run"

    @property
    def order(self) -> Path:
        """The compiled scopes of the order in force."""
        return self.data / "order"

    @property
    def people(self) -> Path:
        """The people who may log in."""
        return self.data / "people.json"

    @property
    def agreements(self) -> Path:
        """The attestation agreements on file."""
        return self.data / "agencies.json"

    @property
    def directory(self) -> tuple[Path, Path, Path]:
        """The files of people, agreements and applications, as `grants.people` reads them together."""
        return self.people, self.agreements, self.applications

    @property
    def applications(self) -> Path:
        """The applications that may ask for people."""
        return self.data / "applications.json"

    @property
    def used_tokens(self) -> Path:
        """A file for each token of the last minutes that was used."""
        return self.data / "used-tokens"

    @property
    def cuts(self) -> Path:
        """The cuts in force and over."""
        return self.data / "cuts.json"

    @property
    def officers(self) -> Path:
        """The public keys of the officers who may cut widely, two together."""
        return self.data / "officers.keys"

    @property
    def observe(self) -> Path:
        """The note by which clauses are observed and not enforced, while there is one."""
        return self.data / "observe.note"

    @property
    def statement(self) -> Path:
        """The statement by which the order is in force here."""
        return self.data / "statement.note"

    @property
    def law(self) -> Path:
        """The public keys of the law department, two of which sign these notes."""
        return self.data / "law.keys"

    @property
    def seen(self) -> Path:
        """On which day each login was last in."""
        return self.data / "seen.json"

    @property
    def asks(self) -> Path:
        """What the order referred, each ask once."""
        return self.data / "asks.json"

    @property
    def answers(self) -> Path:
        """What officials answered, each answer as it was signed."""
        return self.data / "answers.json"

    @property
    def records(self) -> Path:
        """Facts that officials set, each as it was signed."""
        return self.data / "records.json"

    @property
    def places(self) -> Path:
        """The register of places, which a city keeps by hand."""
        return self.data / "places.toml"

    @property
    def attested(self) -> Path:
        """Sessions that were let in on an attested number, and what became of those that were sampled."""
        return self.data / "attested"

    @property
    def officials(self) -> Path:
        """The public keys of those who answer what the order refers, named by office and login."""
        return self.data / "officials.keys"

    @property
    def backup(self) -> Path:
        """When the last backup was made."""
        return self.data / "backup.done"

    @property
    def export_key(self) -> Path:
        """The key by which the gateway signs what left in an export."""
        return self.keys / "export.key"

    @property
    def export_verifier(self) -> Path:
        """The public half of it, beside the public log."""
        return self.data / "export.vkey"

    @property
    def reviews(self) -> Path:
        """The break-glass sessions and their reviews."""
        return self.data / "reviews.json"

    @property
    def recorded(self) -> Path:
        """Which reviews and overdue answers the gateway has put into the record."""
        return self.data / "recorded.json"

    @property
    def notices(self) -> Path:
        """What those on call are told, one file a notice."""
        return self.data / "notices"

    @property
    def fund_public(self) -> Path:
        """The fund's published months, one folder each; everybody may read them."""
        return self.data / "fund-public"

    def make(self) -> None:
        """Make the folder and its parts; a second call changes nothing.

        Raises:
            ConfigError: The folder exists, is not empty and is not ours, or cannot be made.
        """
        try:
            if self.data.exists() and not self.mark.exists() and any(self.data.iterdir()):
                raise ConfigError(
                    f"`{self.data}` is not empty and was not made by doorward",
                    hint="choose another folder with --data",
                )
            self.data.mkdir(parents=True, exist_ok=True)
            # The servers may run as another user and must be able to pass through, not to list.
            self.data.chmod(0o711)
            if not self.mark.exists():
                self.mark.write_text(MARK, encoding="utf-8")
            for private in (self.keys, self.spool):
                private.mkdir(mode=0o700, exist_ok=True)
            for public in (self.run, self.order):
                public.mkdir(mode=0o755, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot make `{self.data}`: {error.strerror}") from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for one `doorward up` at a time.

        Raises:
            ConfigError: Another one holds it.
        """
        file = os.open(self.data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ConfigError(
                    f"doorward is already up in `{self.data}`", hint="stop it first, or choose another --data"
                ) from error
            yield
        finally:
            os.close(file)


def find_folders(data: Path | None) -> Folders:
    """Return the folders from --data, the environment's DOORWARD_DATA, or the default beside the caller."""
    return Folders((data or Path(os.environ.get("DOORWARD_DATA") or DEFAULT)).absolute())
