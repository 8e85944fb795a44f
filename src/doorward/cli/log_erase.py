"""`doorward log seal` and `log erase`: disclosures under keys that can be destroyed, and destroying them by two people.

Exit codes: 0 done, 1 something keeps it, 2 usage, 3 a database or file failed.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import psycopg
import typer
from psycopg.conninfo import make_conninfo
from psycopg.rows import args_row

from doorward.cli.database import check_conninfo
from doorward.cli.desk_files import open_desk
from doorward.cli.folders import Folders
from doorward.cli.installation import Config, Data, Order, find_installation, load_installation
from doorward.cli.log_link import Person, identify, open_disclosures, record_entry, write_new
from doorward.cli.seals import RULE, find_seals, master_file, seals_folder
from doorward.cli.settings import read_settings
from doorward.desk.configuration import FILE as DESK_FILE
from doorward.errors import ConfigError, LogError, MalformedError, StoreError, VerificationError
from doorward.notes.note import cosign_note, find_signers, parse_note, sign_note
from doorward.orders.load import load_record_rules, load_retention
from doorward.orders.pack import Pack
from doorward.record.disclosures import DATABASE
from doorward.record.entry import Entry, Field, Fields, commit_entry
from doorward.record.erasing import (
    CopyRule,
    Erasure,
    RowsGone,
    digest_units,
    find_reasons,
    parse_erasure,
    parse_rule,
)
from doorward.record.keeping import (
    ERASE,
    PROPOSE_ERASURE,
    SaidErasure,
    carry_erasures,
    erasure_entry,
    erasures_said,
)
from doorward.record.log_files import sync_file, sync_folder
from doorward.record.openings import StoredEntry
from doorward.record.seal_keys import SealKeys, make_master
from doorward.record.sealing import MARK, month_unit, seal_row

PORTION: Final = 1000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_IDS: Final = (Field.CASE, Field.GRANT, Field.MATTER)
_PLAIN: Final = """
    SELECT sequence, leaf_index, kind, time_us, session, request, salt, body, commitment FROM record.entries
    WHERE sequence > %b AND substring(body from 1 for 1) IS DISTINCT FROM %b ORDER BY sequence LIMIT %b"""
_SEAL: Final = """
    UPDATE record.entries AS e SET salt = n.salt, body = n.body
    FROM unnest(%b::bigint[], %b::bytea[], %b::bytea[], %b::bytea[]) AS n(sequence, old, salt, body)
    WHERE e.sequence = n.sequence AND e.body = n.old"""


def seal(
    dsn: Annotated[str, typer.Option(help="the connection string of the owner of the record's server")],
    record_copies_days: Annotated[
        int, typer.Option(min=0, help="for how long its base backups and WAL are kept")
    ],
    key_copies_days: Annotated[
        int, typer.Option(min=0, help="for how long copies of the folder `seals` are kept")
    ],
    config: Config = None,
    data: Data = None,
) -> None:
    """Seal what was recorded under keys that can be destroyed, in place; it may be stopped and run again.

    The first run makes the keys: start the publisher anew after it, then run it again until nothing is left.
    """
    folders = find_installation(config, data)
    folder = seals_folder(folders)
    is_new = not (folder / RULE).exists()
    if not master_file(folders).exists() and not (folder.exists() and any(folder.iterdir())):
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)
        make_master(master_file(folders))
    keys = find_seals(folders)
    assert keys is not None
    since = _rule(folder).sealed_since if (folder / RULE).exists() else None
    # Where this is stopped, not all is sealed: the next run writes the table's files anew.
    _write_rule(folder, CopyRule(None, record_copies_days, key_copies_days))
    conninfo = make_conninfo(check_conninfo(dsn), dbname=DATABASE)
    try:
        with closing(psycopg.connect(conninfo, autocommit=True)) as connection:
            done = sum(_seal_portions(connection, keys))
            if done or since is None:  # older versions of the rows are in its files otherwise
                connection.execute("VACUUM FULL record.entries")
                since = datetime.now(UTC).date()  # noqa: TID251  # the command line is where the clock is read
    except psycopg.Error as error:
        raise StoreError(f"the record's server refused: SQLSTATE {error.sqlstate or 'none'}") from error
    if not is_new:  # a publisher that runs knows of no new keys, so rows may still come that are not sealed
        _write_rule(folder, CopyRule(since, record_copies_days, key_copies_days))
    typer.echo(f"{done} rows sealed; keys of {len(list(folder.glob('*.keys')))} months in `{folder}`")
    typer.echo("copy that folder apart from every backup of the record's server, and keep its copies apart")
    if is_new:
        typer.echo("start the publisher anew now, then run this again: rows may have come meanwhile")


def erase(  # noqa: PLR0913, PLR0917  # flags of a command
    key: Annotated[Path, typer.Option(help="your secret key, named by office and login")],
    note: Annotated[
        Path, typer.Option(help="the proposal: written by the first person, read from the second")
    ],
    case: Annotated[str | None, typer.Option(help="propose: the id of a case, a grant or a matter")] = None,
    month: Annotated[str | None, typer.Option(help="propose: a month such as 2026-11")] = None,
    item: Annotated[str | None, typer.Option(help="propose: of the order's retention schedule")] = None,
    certificate: Annotated[
        str | None, typer.Option(help="propose: the number of the disposal certificate")
    ] = None,
    desk: Annotated[
        Path | None,
        typer.Option(help="a desk's configuration, where the installation has no desk: there holds are kept"),
    ] = None,
    order: Order = "chicago",
    config: Config = None,
    data: Data = None,
) -> None:
    """Erase what was recorded, by two people: the first proposes into a note, the second runs it with that note.

    The keys go; leaves, paths and counts stay and verify. Nothing goes under a legal hold.
    """
    now = datetime.now(UTC)  # noqa: TID251  # the command line is where the clock is read
    folders, pack = load_installation(config, data, order)
    person = identify(folders, key, load_record_rules(pack).dispose, "erase")
    keys = find_seals(folders)
    if keys is None:
        raise ConfigError("the disclosures are not sealed: nothing is erased", hint="doorward log seal")
    is_proposal = case is not None or month is not None
    raw = b""
    if is_proposal:
        if (case is None) == (month is None) or item is None or certificate is None:
            raise ConfigError("a proposal has --case or --month, --item and --certificate")
        asked = Erasure(
            f"case {case}" if case else f"month {month}", item, certificate, 0, "", 0, "", now.date()
        )
    else:
        raw, asked = _read_proposal(note, person)
    # Nobody places a hold meanwhile, and nobody stores anything under a key that goes.
    with _holds(_desk_file(folders, config, desk)) as holds, keys.turn():
        rule = _believed(_rule(keys.folder), folders, config)
        look = _look(folders, config, keys, asked, ends=not is_proposal)
        found = look.erasure
        _refuse(found, pack, rule, holds, now.date(), is_used=look.is_used)
        act = PROPOSE_ERASURE if is_proposal else ERASE
        fields = _entry_of(look, act, person)
        if is_proposal:
            _propose(folders, found, person, note, fields, now=now)
            return
        if found != asked:
            raise VerificationError("it covers other entries than were proposed", hint="propose it anew")
        with _signed(note, cosign_note(raw, person.signer)):  # refuses a second signature of the same key
            record_entry(folders, fields, now=now)
            gone = keys.erase(look.units, found.certificate)
    typer.echo(
        f"erased: {found.what}, {gone} keys, {found.rows} entries, certificate {found.certificate}; "
        "`doorward log verify` holds"
    )
    typer.echo(f"no copy that keeps its term restores it from {rule.gone_from(now.date())} on")


def _desk_file(folders: Folders, config: Path | None, named: Path | None) -> Path:
    """Return the configuration of the installation's own desk; another is taken where it has none.

    Raises:
        ConfigError: It has one, and another was named or it was never started.
    """
    own = folders.run / DESK_FILE
    has_own = own.exists() or (config is not None and read_settings(config).desk is not None)
    if named is not None and has_own and named.resolve() != own.resolve():
        raise ConfigError(
            f"the installation has a desk of its own, and its holds count: `{own}`",
            hint="leave out --desk; where the file is missing, start the desk",
        )
    return named or own


@contextmanager
def _signed(note: Path, signed: bytes) -> Iterator[None]:
    """Write a note beside the one that it follows before something is done, and put it in its place after.

    Raises:
        ConfigError: It cannot be written.
    """
    draft = note.with_name(f"{note.name}.new")
    try:
        draft.unlink(missing_ok=True)
        write_new(draft, signed)
    except OSError as error:
        raise ConfigError(f"`{draft}` cannot be written: {error.strerror}") from error
    try:
        yield
    except BaseException:
        draft.unlink(missing_ok=True)  # it says that two people did it
        raise
    try:
        draft.replace(note)
    except OSError as error:
        raise StoreError(
            f"it is erased, and the note with both signatures is at `{draft}`: {error.strerror}"
        ) from error


def _believed(rule: CopyRule, folders: Folders, config: Path | None) -> CopyRule:
    """Return a rule that says that not every row is sealed where one is not, whatever it said."""
    with open_disclosures(folders, config) as disclosures:
        return replace(rule, sealed_since=None) if disclosures.has_plain() else rule


def _propose(  # what a proposal is made of
    folders: Folders, found: Erasure, person: Person, note: Path, fields: Fields, *, now: datetime
) -> None:
    parse_erasure(found.format())
    signed = sign_note(found.format(), person.signer)
    write_new(note, signed, before=lambda: _keep(record_entry(folders, fields, now=now)))
    typer.echo(
        f"proposed: {found.what}, {found.count} keys, {found.rows} entries, newest entry of {found.last_day}"
    )
    typer.echo(f"a second person runs it with --note {note}")


def _keep(_entry: int) -> None:
    return


def _read_proposal(note: Path, person: Person) -> tuple[bytes, Erasure]:
    try:
        raw = note.read_bytes()
        parsed = parse_note(raw)
        signers = find_signers(parsed, person.office_keys)
        if not signers:
            raise VerificationError("nobody of the offices that erase has proposed it")
        logins = {one.name.partition("/")[2].casefold() for one in signers}
        if person.login.casefold() in logins:  # a person may have keys of two offices, and a newer one
            raise VerificationError(
                f"`{person.login}` has signed this already, with this key or another",
                hint="two people erase: another login runs it",
            )
        return raw, parse_erasure(parsed.text)
    except OSError as error:
        raise ConfigError(f"cannot read `{note}`: {error.strerror}") from error
    except MalformedError as error:
        raise ConfigError(f"`{note.name}`: {error}") from error


def _units(folders: Folders, config: Path | None, keys: SealKeys, what: str) -> frozenset[bytes]:
    """Return the units whose keys go."""
    kind, _, about = what.partition(" ")
    if kind == "month":
        return keys.units_of(about)
    found: set[bytes] = set()
    with open_disclosures(folders, config) as disclosures:
        for _, entry, unit in disclosures.sealed():
            if entry is not None and about.encode() in {entry.get(field) for field in _IDS}:
                if unit == month_unit(f"{_EPOCH + timedelta(microseconds=entry.time_us):%Y-%m}"):
                    raise VerificationError(
                        f"entry {entry.sequence} of the case belongs to no session or matter: it goes with its month"
                    )
                found.add(unit)
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class _Look:
    """An erasure as the record has it.

    Args:
        is_used: Whether its certificate is another erasure's already.
        before: The entries of earlier erasures that go with it.
    """

    erasure: Erasure
    units: frozenset[bytes]
    is_used: bool
    before: tuple[Entry, ...]


def _entry_of(look: _Look, act: str, person: Person) -> Fields:
    """Return the fields of an entry of an erasure: a case went or is to go, and which one stays unsaid."""
    fields = erasure_entry(look.erasure, act=act, login=person.login, office=person.office)
    return carry_erasures(fields, look.before) if act == ERASE else fields


def _look(  # what is asked, as the record has it
    folders: Folders, config: Path | None, keys: SealKeys, asked: Erasure, *, ends: bool
) -> _Look:
    """Return an erasure as the record has it.

    Args:
        ends: Whether one that was stopped is ended: what went already is part of it, so that it is one.
    """
    units = _units(folders, config, keys, asked.what)
    gone = frozenset(unit for unit, number in keys.erased.items() if number == asked.certificate)
    is_rest = ends and bool(units and gone)
    units |= gone if is_rest else frozenset()
    newest, rows, before, said = 0, RowsGone(), [], set[SaidErasure]()
    with open_disclosures(folders, config) as disclosures:
        for stored, entry, unit in disclosures.sealed():
            erasures = erasures_said(entry) if entry is not None else []
            said.update(one for one in erasures if one.certificate == asked.certificate)
            if unit not in units:
                continue
            if entry is not None:
                newest = max(newest, entry.time_us)
                before += [entry] if erasures else []
                rows.add(entry.sequence, commit_entry(entry))
            else:
                # Its key went when the run was stopped, and nothing proves what it says of itself. But the digest that
                # comes of it is held against the one that was signed when it still opened.
                rows.add(stored.sequence, stored.commitment)
    last = (_EPOCH + timedelta(microseconds=newest)).date()
    found = Erasure(
        asked.what, asked.item, asked.certificate, len(units), digest_units(units), rows.count, rows.digest(),
        max(last, asked.last_day) if is_rest else last,
    )  # fmt: skip
    is_used = (bool(gone) and not ends) or any(
        (one.keys, one.rows, one.rows_digest) != (found.keys, found.rows, found.rows_digest) for one in said
    )
    return _Look(found, units, is_used, tuple(before))


def _refuse(  # everything that may keep it
    erasure: Erasure, pack: Pack, rule: CopyRule, holds: int, today: date, *, is_used: bool
) -> None:
    item = load_retention(pack).items.get(erasure.item)
    keeps, due = "", None
    if item is None:
        keeps = "the order's retention schedule has no such item"
    elif "record" not in item.covers:
        keeps = f"item `{item.id}` does not cover the record"
    elif item.needs_counsel:
        keeps = f"item `{item.id}` is adopted by no office: it needs counsel"
    elif item.permanent or item.years is None:
        keeps = f"item `{item.id}` keeps it for ever"
    else:
        due = item.due_on(erasure.last_day)
    reasons = find_reasons(
        erasure, due=due, keeps=keeps, holds=holds, is_sealed=rule.sealed_since is not None, today=today,
        is_used=is_used,
    )  # fmt: skip
    if reasons:
        raise VerificationError("it stays: " + "; ".join(reasons))


@contextmanager
def _holds(configuration: Path) -> Iterator[int]:
    """Yield how many legal holds stand at the desk; none is placed until this ends (ADR 58)."""
    if not configuration.exists():
        raise ConfigError(
            "whether a legal hold stands is not known: no desk is at hand",
            hint="--desk names its configuration",
        )
    open_desk(configuration)
    from django.db import DatabaseError, transaction

    from doorward.desk.holding import all_standing, take_turn

    try:
        with transaction.atomic():
            take_turn()
            yield len(all_standing())
    except DatabaseError as error:
        raise StoreError("the desk's database cannot be asked for legal holds") from error


def _seal_portions(connection: psycopg.Connection[Any], keys: SealKeys) -> Iterator[int]:
    after = -1
    while True:
        with connection.cursor(binary=True, row_factory=args_row(StoredEntry)) as cursor:
            rows = cursor.execute(_PLAIN, (after, MARK, PORTION)).fetchall()
        if not rows:
            return
        with keys.turn():
            sealed = [seal_row(row, keys.choose) for row in rows]
            keys.sync()
            columns = (
                [row.sequence for row in rows], [row.body for row in rows],
                [row.salt for row in sealed], [row.body for row in sealed],
            )  # fmt: skip
            yield connection.execute(_SEAL, columns).rowcount
        after = rows[-1].sequence


def _rule(folder: Path) -> CopyRule:
    try:
        return parse_rule((folder / RULE).read_bytes())
    except (OSError, LogError) as error:
        raise ConfigError(f"`{folder / RULE}` does not say how long copies are kept") from error


def _write_rule(folder: Path, rule: CopyRule) -> None:
    draft = folder / f"{RULE}.new"
    try:
        with draft.open("wb") as sink:
            sink.write(rule.format())
            sink.flush()
            sync_file(sink.fileno(), draft.name)
        draft.replace(folder / RULE)
    except OSError as error:
        raise StoreError(f"`{folder / RULE}` cannot be written: {error.strerror}") from error
    sync_folder(folder)
