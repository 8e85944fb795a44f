"""A host with a log, a directory on another volume, people who sign it, and outsiders who keep what they saw."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from cli.test_settings import GOOD
from doorward.cli.folders import Folders
from doorward.cli.host_logs import Listing, hold_doors
from doorward.cli.publisher import find_signer, prepare_folders
from doorward.cli.settings import Settings, read_settings
from doorward.notes.key_files import load_key
from doorward.notes.note import format_verifier
from doorward.record.binding import BOUND, bind
from doorward.record.disclosures import DATABASE, ROLE, PostgresDisclosures
from doorward.record.log import Publisher
from record.place import Done, invoke
from record.samples import NOW, conversation, open_spool, session_id

REASON = ("--reason", "the volume is gone")


@dataclass
class Host:
    """One host; `owner` is the conninfo of its disclosures' owner."""

    folder: Path
    owner: str
    name: str = "main"

    @property
    def config(self) -> Path:
        return self.folder / f"{self.name}.toml"

    @property
    def folders(self) -> Folders:
        return Folders(self.folder / f"data-{self.name}")

    @property
    def directory(self) -> Path:
        return self.folder / "other-volume" / "directory"

    @property
    def public(self) -> Path:
        """Where outsiders find the logs."""
        return self.folder / "public"

    @property
    def settings(self) -> Settings:
        return read_settings(self.config)

    def write_config(self, *, directory: bool = True, more: str = "") -> None:
        parts = conninfo_to_dict(self.owner)
        place = make_conninfo("", host=parts["host"], port=parts["port"])
        text = GOOD.replace('data = "data"', f'data = "{self.folders.data}"')
        text = text.replace("host=record.city.example", place)
        listed = f'directory = "{self.directory}"\nhost = "{self.name}"\n' if directory else ""
        self.config.write_text(text + listed + more, encoding="utf-8")
        self.directory.parent.mkdir(exist_ok=True)

    def official(self, name: str = "law/first") -> Path:
        file = self.folder / f"{name.replace('/', '-')}.key"
        if not file.exists():
            assert invoke("order", "key", name, "--out", file).returncode == 0
        line = format_verifier(load_key(file).verifier)
        kept = self.folders.officials
        if not kept.exists() or line not in kept.read_text():
            with kept.open("a") as keys:
                keys.write(line + "\n")
        return file

    @property
    def office_key(self) -> str:
        return format_verifier(load_key(self.official()).verifier)

    def start(self, number: int = 1) -> Path:
        """Record and publish something, as publisher and gateway do; return a copy of the data folder as it is then."""
        settings = self.settings
        hold_doors(settings, self.folders)
        self.record(number)
        self.publish()
        return self.folders.log

    def record(self, number: int) -> None:
        spool = open_spool(self.folders.spool, seed=number)
        spool.append(conversation(session_id(number)), now=NOW)
        spool.close(now=NOW)

    def publish(self) -> int:
        prepare_folders(self.settings)
        Listing(self.settings, self.folders).look()
        signer = find_signer(self.folders)
        if not (self.folders.keys / BOUND).exists():
            bind(self.folders.keys / BOUND, signer)
        with PostgresDisclosures(make_conninfo(self.owner, user=ROLE)) as disclosures:
            log = Publisher.open(self.folders.log, self.folders.spool, signer, disclosures)
            try:
                while log.publish_once():
                    pass
                return log.tree_size
            finally:
                log.close()

    def run(self, *arguments: str | Path) -> Done:
        return invoke("log", *arguments, "--config", self.config)

    def begin(self, *more: str | Path) -> Done:
        return self.run("begin", "--key", self.official(), *more)

    def end(self, how: str, *more: str | Path) -> Done:
        own = () if how == "lost" or "--public" in more else ("--unreleased",)
        return self.run("end", how, "--key", self.official(), *REASON, *own, *more)

    def lose(self) -> None:
        """The volume is gone; what came from elsewhere is put back."""
        shutil.rmtree(self.folders.data)
        self.folders.make()
        self.official()

    def new_disclosures(self) -> None:
        """An empty database, as `log prepare` makes one."""
        with psycopg.connect(make_conninfo(self.owner, dbname=DATABASE), autocommit=True) as connection:
            connection.execute("TRUNCATE record.blocks, record.entries")

    def show_public(self, folder: str = ".") -> Path:
        """Publish the log as it is, below the directory's address; return where."""
        to = self.public / folder
        done = invoke("log", "publish", self.folders.log, "--to", to, "--unscheduled")
        assert (done.returncode, done.stderr) == (0, ""), done
        return to

    def verify(self, *more: str | Path) -> Done:
        given = ("--directory", self.directory, "--directory-key", self.office_key, *more)
        return invoke("log", "verify", self.public, *given)

    def verified(self, *more: str | Path) -> dict[str, Any]:
        return dict(json.loads(self.verify("--json", *more).stdout))

    @property
    def size(self) -> int:
        return int((self.folders.log / "checkpoint").read_text().splitlines()[1])
