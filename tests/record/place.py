"""A data folder with a published record, people with keys, and the commands that look into the record."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from typer.testing import CliRunner

from doorward.cli.folders import Folders
from doorward.cli.log_link import WORKER
from doorward.cli.main import app, exit_code
from doorward.errors import DoorwardError
from doorward.notes.note import format_verifier
from doorward.record.disclosures import PostgresDisclosures
from doorward.record.entry import Entry
from doorward.record.keys import make_log_key
from doorward.record.segments import read_spool
from doorward.record.workers import worker_folder
from record.samples import World, fill

UNTIL_DAY = datetime.now(UTC) + timedelta(days=300)  # noqa: TID251  # the commands read the real clock
UNTIL = ("--until", f"{UNTIL_DAY:%Y-%m-%d}", "--evidence", "letter 7", "--reason", "the original was seen")


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def invoke(*arguments: str | Path) -> Done:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    if isinstance(result.exception, DoorwardError):
        return Done(exit_code(result.exception), result.stdout, str(result.exception))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


@dataclass
class Place:
    """A data folder with a published record, its disclosures at hand, and people with keys."""

    folders: Folders
    world: World

    def official(self, name: str) -> Path:
        file = self.folders.data.parent / f"{name.replace('/', '-')}.key"
        line = invoke("order", "key", name, "--out", file).stdout
        with self.folders.officials.open("a") as keys:
            keys.write(line)
        return file

    def paper(self, key: Path, what: str = "court_subpoena", *more: str) -> str:
        about = ("--class", what, "--matter", "M-1", "--verified-with", "the clerk of the court", *more)
        done = invoke("records", "paper", *about, "--key", key, *UNTIL, "--data", self.folders.data)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout.split(" ")[3].rstrip(",")

    def run(self, *arguments: str | Path) -> Done:
        return invoke("log", *arguments, "--data", self.folders.data)

    def kept(self) -> list[Entry]:
        folder = worker_folder(self.folders.spool, WORKER)
        return [one for one in read_spool(folder) if isinstance(one, Entry)] if folder.exists() else []

    @property
    def vkey(self) -> str:
        return format_verifier(self.world.signer.verifier)


@contextmanager
def make_place(tmp_path: Path, recorder_conninfo: str) -> Iterator[Place]:
    folders = Folders(tmp_path / "data")
    folders.make()
    with PostgresDisclosures(recorder_conninfo) as disclosures:
        world = World(folders.data, make_log_key(folders.keys / "log.key"), disclosures)
        fill(world.spool_dir, range(3))
        world.publish()
        (folders.run / "record.dsn").write_text(recorder_conninfo + "\n", encoding="utf-8")
        yield Place(folders, world)
