"""`doorward doctor`: one look at an installation; changes nothing, and goes on after what it finds.

Exit codes: 0 all is ok; 1 there is something to look at, or something could not be looked at; 2 an argument is wrong;
3 something is broken.
"""

import json
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from psycopg.conninfo import conninfo_to_dict

from doorward.cli.children import stop_with_parent
from doorward.cli.installation import Config, Data, Order
from doorward.cli.kept import make_referrals
from doorward.cli.site import Site, find_site
from doorward.doctor.files import check_believed, check_certificates, check_secrets
from doorward.doctor.line import Line, broken, exit_code, look, ok, unknown
from doorward.doctor.look_files import find_answer_faults, look_at_certificates, look_at_files
from doorward.doctor.look_server import LoginLook, look_at_order, look_at_server, look_at_way_in
from doorward.doctor.look_spool import look_at_spool
from doorward.doctor.people import (
    LapseFacts,
    check_agreements,
    check_approvals,
    check_cuts,
    check_lapses,
    check_referrals,
)
from doorward.doctor.record import check_backup, check_spool
from doorward.doctor.server import (
    ServerFacts,
    check_apart,
    check_findings,
    check_logins,
    check_order,
    check_server,
)
from doorward.doctor.way_in import check_way_in
from doorward.doctor.witnesses import WitnessFacts, check_witnesses
from doorward.errors import ConfigError, DoorwardError, MalformedError
from doorward.grants.cut_files import load_cuts, load_officers
from doorward.grants.identity_files import load_provider_keys
from doorward.grants.inventory import Around, coverage_line
from doorward.grants.inventory_files import load_inventory
from doorward.grants.lapse import LastSeen
from doorward.grants.people import load_directory
from doorward.install.around import look_around
from doorward.install.drift import find_drift
from doorward.install.reach import find_holes
from doorward.orders.pack import Pack
from doorward.policy.scopes import ScopeBook
from doorward.record.check_spool import is_being_written
from doorward.record.checkpoint import parse_checkpoint
from doorward.record.log_files import CHECKPOINT, WITNESSED, LogFiles
from doorward.record.spool import SpoolLimits
from doorward.record.workers import list_workers

OWN_FILES = frozenset(
    {"people", "referrals", "spool", "inventory"}
)  # sections where a fault is in a file of ours
DBA = "give the DBA's connection string with --dsn"


def doctor(  # noqa: PLR0917  # flags of a command
    config: Config = None,
    data: Data = None,
    order: Order = "chicago",
    dsn: Annotated[
        str | None,
        typer.Option(help="the DBA's connection string, without a password: drift and the way in need it"),
    ] = None,
    accept: Annotated[
        list[str] | None, typer.Option(help="what PUBLIC may go on reaching, as `order install` took it")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a command-line flag
    write: Annotated[
        Path | None,
        typer.Option(help="leave the look in this file as JSON, for the desk's page of the whole"),
    ] = None,
    every: Annotated[
        int | None,
        typer.Option(min=60, help="with --write: look again after so many seconds, until told to stop"),
    ] = None,
) -> None:
    """Look once at everything that an installation needs: a line a check, and what to do about it."""
    if config is not None and data is not None:
        raise ConfigError("--config and --data name two installations", hint="name one")
    if every is not None and write is None:
        raise ConfigError(
            "--every looks again and again, and leaves each look in a file", hint="give --write FILE"
        )
    if every is not None and stat.S_ISFIFO(os.fstat(0).st_mode):  # `doorward up` holds the other end
        stop_with_parent()
    while True:
        looked = _look(config, data, order, dsn, tuple(accept or ()))
        if write is not None:
            write_look(write, looked)
        if every is None:
            break
        time.sleep(every)
    if as_json:
        typer.echo(looked.as_json())
    else:
        for line in looked.lines:
            typer.echo(str(line))
        typer.echo(looked.coverage)
    raise typer.Exit(exit_code(looked.lines))


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look found."""

    at: datetime
    lines: Sequence[Line]
    coverage: str

    def as_json(self) -> str:
        """Return it as a document."""
        lines = [
            {
                "check": line.check, "state": line.state.value, "found": line.found, "expected": line.expected,
                "do": line.do,
            }
            for line in self.lines
        ]  # fmt: skip
        document = {
            "looked_at": self.at.isoformat(), "exit_code": exit_code(self.lines), "coverage": self.coverage,
            "lines": lines,
        }  # fmt: skip
        return json.dumps(document, indent=1, ensure_ascii=False)


def write_look(file: Path, looked: Looked) -> None:
    """Leave a look in a file, whole or not at all; it holds names, numbers and times, and anybody here may read it.

    Raises:
        ConfigError: It cannot be written.
    """
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(looked.as_json() + "\n", encoding="utf-8")
        beside.chmod(0o644)
        beside.replace(file)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise ConfigError(f"the look cannot be written to `{file.name}`: {error.strerror}") from error


def _look(
    config: Path | None, data: Path | None, order: str, dsn: str | None, accepted: tuple[str, ...]
) -> Looked:
    now = _clock()
    lines: list[Line] = []
    coverage = coverage_line((), is_written=False, is_looked_at=False)
    try:
        site = find_site(config, data, order)
    except ConfigError as error:
        lines.append(
            broken("settings", str(error), expected="settings that can be read", do=error.hint or "mend them")
        )
        lines.append(
            unknown("everything else", "not looked at: the settings say where", do="mend the settings")
        )
    else:
        examination = Examination(site, dsn, accepted, now)
        lines += examination.run()
        coverage = examination.coverage
    return Looked(now, lines, coverage)


class Examination:
    """One look at one installation.

    Args:
        site: Which.
        dsn: The DBA's connection string, or None.
        accepted: What PUBLIC may reach, as declared at the install.
        now: The time of the look.
    """

    def __init__(self, site: Site, dsn: str | None, accepted: tuple[str, ...], now: datetime) -> None:
        self._site = site
        self._folders = site.folders
        self._dsn = dsn
        self._accepted = accepted
        self._now = now
        self._order: tuple[Pack, ScopeBook] | None = None
        self._watched: ServerFacts | None = None
        self._around: Around | None = None
        self.coverage = coverage_line((), is_written=False, is_looked_at=False)

    def run(self) -> list[Line]:
        """Return the line of every check, in an order in which a reader mends them."""
        sections: tuple[tuple[str, Callable[[], Iterable[Line]]], ...] = (
            ("settings", self._settings), ("keys", self._secrets), ("files", self._believed),
            ("certificates", self._certificates), ("order", self._load_order), ("database", self._database),
            ("way in", self._dba), ("record", self._record), ("spool", self._spool),
            ("witnesses", self._witnesses), ("people", self._people),
            ("referrals", self._referrals), ("cuts", self._cuts), ("backup", self._backup),
            ("inventory", self._inventory),
        )  # fmt: skip
        return [line for name, section in sections for line in _guarded(name, section)]

    def _settings(self) -> Iterator[Line]:
        settings = self._site.settings
        if settings is None:
            yield ok("settings", "the sample's, on one machine: not for production")
        elif not settings.production:
            yield look(
                "settings",
                "production = false",
                expected="production = true, where real rows are behind the door",
                do="nothing for a trial; else set it, and see what refuses",
            )
        else:
            yield ok("settings", "production = true, every key is known")

    def _secrets(self) -> Iterator[Line]:
        folders, settings = self._folders, self._site.settings
        files = [folders.keys, *sorted(folders.keys.iterdir()), folders.spool]
        private = (folders.people, folders.asks, folders.answers, folders.cuts, folders.seen)
        files += [file for file in private if file.exists()]
        if settings is not None:
            files += [settings.listen.key] if settings.listen.key is not None else []
            for conninfo in (settings.database, settings.record):
                parts = conninfo_to_dict(conninfo)
                files += [Path(str(parts[key])) for key in ("sslkey", "passfile") if parts.get(key)]
        yield from check_secrets(look_at_files(files, base=folders.data))

    def _believed(self) -> Iterator[Line]:
        folders, settings = self._folders, self._site.settings
        files = [folders.data, folders.agreements, folders.applications, folders.officers, folders.officials]
        files += [folders.law, folders.statement, folders.places]
        files += [folders.log, self._site.inventory]
        if settings is not None:
            files += [settings.file, *([settings.collections] if settings.collections is not None else [])]
            files += [settings.identity.keys] if settings.identity is not None else []
        there = [file for file in files if file.exists()]
        yield from check_believed(look_at_files(there, base=folders.data))

    def _certificates(self) -> Iterator[Line]:
        settings = self._site.settings
        if settings is None:
            return
        files: list[tuple[str, Path]] = []
        if settings.listen.certificate is not None:
            files.append(("listener", settings.listen.certificate))
        if settings.listen.people_authority is not None:
            files.append(("people's authority", settings.listen.people_authority))
        for conninfo, own, authority in (
            (settings.database, "gateway", "database's authority"),
            (settings.record, "recorder", "record's authority"),
        ):
            parts = conninfo_to_dict(conninfo)
            for key, use in (("sslcert", own), ("sslrootcert", authority)):
                if parts.get(key) and parts[key] != "system":
                    files.append((use, Path(str(parts[key]))))
        yield from check_certificates(look_at_certificates(files), now=self._now)

    def _load_order(self) -> Iterator[Line]:
        try:
            self._order = self._site.load_order()
        except DoorwardError as error:
            yield broken(
                "order",
                str(error),
                expected="an order that can be loaded",
                do=error.hint or "doorward order check",
            )
            return
        pack = self._order[0]
        if pack.is_sample:
            yield look(
                "order",
                f"`{pack.name}` is a SAMPLE that no office adopted",
                expected="an order that a law department signed",
                do="nothing for a trial; docs/howto/write-an-order.md",
            )

    def _database(self) -> Iterator[Line]:
        with self._site.open_admin() as connection:
            logins = LoginLook(connection)
            self._watched = look_at_server(connection, clock=_clock)
            yield from check_server("database", self._watched)
            in_force = look_at_order(connection)
            if self._order is None:
                yield unknown("order in force", "the order could not be loaded, so nothing can be compared")
            else:
                pack, book = self._order
                covered = {table.table for scope in book.scopes.values() for table in scope.tables}
                self._around = look_around(connection, covered)
                yield check_order(name=pack.name, digest=pack.digest, in_force=in_force)
                yield from _guarded("holes", lambda: self._holes(connection, book))
            gateways = sum(is_being_written(folder) for folder in list_workers(self._folders.spool).values())
            yield from check_logins(logins.facts(gateways=gateways), now=self._now)

    def _holes(self, connection: psycopg.Connection[Any], book: ScopeBook) -> Iterator[Line]:
        yield from check_findings(
            "holes",
            [
                f"a session reaches {hole}"
                for hole in find_holes(connection, book.scopes, accepted=self._accepted)
            ],
            fine=f"{len(book.scopes)} scopes reach nothing outside their own views",
            expected="scopes that reach nothing outside their own views",
            do="REVOKE it from PUBLIC, or declare it with --accept at the install and here",
        )

    def _dba(self) -> Iterator[Line]:
        with self._site.open_dba(self._dsn) as connection:
            if connection is None:
                yield unknown("drift", "only a superuser of the database can see it", do=DBA)
                yield unknown("way in", "not provable from here", do=DBA)
                return
            if look_at_order(connection) is None:
                yield unknown("drift", "no order is in force to compare with", do="doorward order install")
            else:
                yield from check_findings(
                    "drift",
                    find_drift(connection),
                    fine="roles, rights, policies, views and triggers are as the install left them",
                    expected="what the install left",
                    do="see who changed it, then doorward order install",
                )
            yield from check_way_in(look_at_way_in(connection))

    def _record(self) -> Iterator[Line]:
        with self._site.open_record() as connection:
            record = look_at_server(connection, clock=_clock)
        yield from check_server("record", record)
        if self._watched is None:
            yield unknown("record apart", "the database could not be asked")
        else:
            yield check_apart(self._watched, record, production=self._site.production)

    def _spool(self) -> Iterator[Line]:
        bound = SpoolLimits().total_bytes
        facts = look_at_spool(self._folders.spool, self._folders.log, bound_bytes=bound)
        yield from check_spool(facts, now=self._now)

    def _witnesses(self) -> Iterator[Line]:
        settings = self._site.settings
        facts = None
        if settings is not None and settings.witnesses is not None:
            files = LogFiles(settings.witnesses.public or self._folders.log)
            published = files.read(CHECKPOINT)
            size = parse_checkpoint(published).tree_size if published is not None else None
            facts = WitnessFacts(settings.witnesses.policy, files.read(WITNESSED), size)
        yield check_witnesses(facts, now=self._now)

    def _people(self) -> Iterator[Line]:
        folders, today = self._folders, self._now.date()
        directory = load_directory(folders.people, folders.agreements, folders.applications)
        people = tuple(directory.people.values())
        seen = LastSeen(folders.seen)
        yield from check_lapses(LapseFacts(people, self._site.rules, seen.day), today=today)
        yield from check_agreements(tuple(directory.agreements.values()), today=today)
        yield ok("applications", f"{sum(one.active for one in directory.applications.values())} may connect")
        identity = self._site.settings.identity if self._site.settings is not None else None
        if identity is not None:
            keys = load_provider_keys(identity.keys)
            yield ok("identity provider", f"{len(keys)} keys of `{identity.issuer}`")

    def _referrals(self) -> Iterator[Line]:
        folders = self._folders
        faults, kept = find_answer_faults(folders.answers, load_officers(folders.officials))
        yield from check_approvals(faults, kept=kept)
        referrals = make_referrals(folders)
        answered = referrals.answers() if not faults else None
        yield from check_referrals(referrals.asks(), answered, now=self._now)

    def _cuts(self) -> Iterator[Line]:
        folders = self._folders
        try:
            cuts = load_cuts(folders.cuts, load_officers(folders.officers))
        except ConfigError as error:
            yield broken(
                "cuts", str(error), expected="a file of cuts: as it is, nobody is let in", do="mend the file"
            )
            return
        yield from check_cuts(cuts, now=self._now)

    def _backup(self) -> Iterator[Line]:
        try:
            text = self._folders.backup.read_text(encoding="ascii").strip()
            done = datetime.fromisoformat(text)
        except FileNotFoundError:
            done = None
        except ValueError:
            yield unknown(
                "backup", f"`{self._folders.backup.name}` holds no time", do="doorward backup --to …"
            )
            return
        yield check_backup(done, now=self._now)

    def _inventory(self) -> Iterator[Line]:
        stores = load_inventory(self._site.inventory)
        if stores is None:
            yield look(
                "inventory",
                "none is on file",
                expected="every store, account and vendor of the agency, with its state",
                do="doorward inventory add; docs/howto/inventory.md",
            )
        else:
            yield ok("inventory", f"{len(stores)} entries; `doorward inventory check` compares them")
        self.coverage = self._site.coverage(self._around, today=self._now.date())


def _guarded(name: str, section: Callable[[], Iterable[Line]]) -> list[Line]:
    """Return a section's lines; where it could not look, those that it had and one that says so."""
    lines: list[Line] = []
    try:
        for line in section():
            lines.append(line)  # noqa: PERF402  # what came before a failure is kept
    except (ConfigError, MalformedError) as error:
        if name in OWN_FILES:
            do = error.hint or "put the file back from a copy, or mend it"
            lines.append(broken(name, str(error), expected="a file that doorward can read", do=do))
        else:
            lines.append(unknown(name, str(error), do=error.hint or ""))
    except DoorwardError as error:
        lines.append(unknown(name, str(error), do=error.hint or ""))
    except psycopg.Error as error:
        state = f"SQLSTATE {error.sqlstate}" if error.sqlstate else "the connection was lost"
        lines.append(unknown(name, f"the server refused the question: {state}"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        lines.append(unknown(name, f"a file cannot be read: {why}", do="run it as the gateway's user"))
    return lines


def _clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  # the command line may read the clock
