"""`doorward records`: facts that a named official sets, each with its evidence and its end, signed with their own key.

At the database door agreements and declarations count. Determinations and papers are kept for the desk: no paper is
taken at the database in version 1, whoever verified it.

Exit codes: 0 done; 1 the signature or the office is not what it must be; 2 an argument is wrong.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from doorward.cli.folders import Folders
from doorward.cli.installation import Config, Data, Order, find_installation, load_installation
from doorward.cli.kept import make_records
from doorward.errors import ConfigError, MalformedError, VerificationError
from doorward.grants.adoptions import subject
from doorward.grants.places import words_of
from doorward.grants.records import (
    MORE,
    Record,
    RecordKind,
    check_record,
    format_record,
    is_revoked,
    parse_record,
)
from doorward.notes.key_files import load_key
from doorward.notes.note import sign_note

app = typer.Typer(no_args_is_help=True)
MIN_DIGITS: Final = 4
MAX_STATEMENT: Final = 8192
PAPERS: Final = (
    "court_criminal", "court_civil", "court_subpoena", "court_order", "agency_subpoena", "administrative",
    "detainer", "immigration_court",
)  # fmt: skip
FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
Key = Annotated[Path, typer.Option(help="the official's secret key")]
Evidence = Annotated[str, typer.Option(help="what it rests on: a document's id")]
Reason = Annotated[str, typer.Option(help="why, in one line; it stands in what is signed")]
Until = Annotated[datetime, typer.Option(formats=FORMATS, help="UTC; the first moment at which it is over")]
From = Annotated[datetime | None, typer.Option("--from", formats=FORMATS, help="UTC; without it, now")]
Agency = Annotated[str, typer.Option(help="an agency of the order")]
Id = Annotated[str, typer.Argument(help="the first digits of a record's id")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document")]
OwnKey = Annotated[
    Path | None, typer.Option("--key", help="your key: sealed papers that you signed are shown to you")
]


@app.callback()
def records() -> None:
    """Keep the facts that officials set."""


@app.command()
def declare(  # noqa: PLR0913, PLR0917  # flags of a command
    agency: Agency,
    key: Key,
    until: Until,
    evidence: Evidence,
    reason: Reason,
    begins: From = None,
    order: Order = "chicago",
    config: Config = None,
    data: Data = None,
) -> None:
    """Put an agency's written declaration on file."""
    folders = _folders_with_agency(config, data, order, agency)
    _add(folders, key, _make(RecordKind.DECLARATION, agency, begins, until, evidence, reason))


@app.command()
def agree(  # noqa: PLR0913, PLR0917  # flags of a command
    agency: Agency,
    key: Key,
    until: Until,
    evidence: Evidence,
    reason: Reason,
    begins: From = None,
    order: Order = "chicago",
    config: Config = None,
    data: Data = None,
) -> None:
    """Put an attestation agreement on file: case numbers that the agency's people state count as attested."""
    folders = _folders_with_agency(config, data, order, agency)
    _add(folders, key, _make(RecordKind.AGREEMENT, agency, begins, until, evidence, reason))


@app.command()
def adopt(  # noqa: PLR0913, PLR0917  # flags of a command
    tenant: Annotated[str, typer.Option(help="a tenant of the order: a sister agency, or `city`")],
    place: Annotated[str, typer.Option(help="the kind of place whose rule it adopted, such as `school`")],
    key: Key,
    until: Until,
    evidence: Evidence,
    reason: Reason,
    begins: From = None,
    order: Order = "chicago",
    config: Config = None,
    data: Data = None,
) -> None:
    """Put on file that a tenant has adopted the rule of a kind of place, by its own act; `revoke` takes it back."""
    folders, pack = load_installation(config, data, order)
    known = words_of(pack)
    for word, words in ((tenant, known.tenants), (place, known.kinds)):
        if word not in words:
            raise ConfigError(f"`{word[:40]}` is no word of the order", hint=f"one of {', '.join(words)}")
    about = subject(tenant, place)
    _add(folders, key, _make(RecordKind.ADOPTION, about, begins, until, evidence, reason))


@app.command()
def determine(  # noqa: PLR0913, PLR0917  # flags of a command
    clause: Annotated[str, typer.Option(help="a clause of the order")],
    matter: Annotated[str, typer.Option(help="which request or case it is about")],
    says: Annotated[str, typer.Option(help="what is determined, in one line")],
    key: Key,
    until: Until,
    evidence: Evidence,
    reason: Reason,
    begins: From = None,
    order: Order = "chicago",
    config: Config = None,
    data: Data = None,
) -> None:
    """Put a determination under a clause on file, for the desk."""
    folders, pack = load_installation(config, data, order)
    if clause not in pack.clauses:
        raise ConfigError(f"`{clause[:40]}` is no clause of the order", hint=f"they are in {pack.page}")
    made = _make(RecordKind.DETERMINATION, clause, begins, until, evidence, reason, matter=matter, says=says)
    _add(folders, key, made)


@app.command()
def paper(  # noqa: PLR0913, PLR0917  # flags of a command
    kind: Annotated[str, typer.Option("--class", help=", ".join(PAPERS))],
    matter: Annotated[str, typer.Option(help="which request or case it is about")],
    verified_with: Annotated[str, typer.Option(help="the original, or who of the issuer said so")],
    key: Key,
    until: Until,
    evidence: Evidence,
    reason: Reason,
    scope: Annotated[str, typer.Option(help="what is asked for is in or out of its scope")] = "in",
    sealed: Annotated[bool, typer.Option("--sealed", help="shown to nobody but its signer")] = False,  # noqa: FBT002  # a command-line flag
    begins: From = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Put a verified paper on file, for the desk; at the database door papers are not taken."""
    if kind not in PAPERS:
        raise ConfigError(f"`{kind[:40]}` is no class of paper", hint=f"one of {', '.join(PAPERS)}")
    more = {
        "matter": matter,
        "verified-with": verified_with,
        "scope": scope,
        "sealed": "yes" if sealed else "no",
    }
    made = _make(RecordKind.PAPER, kind, begins, until, evidence, reason, **more)
    _add(find_installation(config, data), key, made)


@app.command()
def revoke(  # noqa: PLR0917  # flags of a command
    record: Id,
    key: Key,
    evidence: Evidence,
    reason: Reason,
    config: Config = None,
    data: Data = None,
) -> None:
    """Take a record back: what rests on it ends within a second."""
    folders = find_installation(config, data)
    known = [one for one in make_records(folders).all() if one.kind is not RecordKind.REVOCATION]
    now = _now()
    _add(folders, key, _make(RecordKind.REVOCATION, _find(known, record).id, now, now, evidence, reason))


@app.command()
def sign(
    statement: Annotated[Path, typer.Argument(help="a record as the desk words it, unsigned")],
    key: Key,
    out: Annotated[Path, typer.Option(help="the signed note to write; the desk takes it in")],
) -> None:
    """Sign a record that the desk has worded; it is on file only when somebody hands it in there."""
    if not statement.is_file():
        raise ConfigError(
            f"there is no file `{statement.name}`", hint="save what the desk words, and name it"
        )
    with statement.open("rb") as source:
        made = parse_record(source.read(MAX_STATEMENT + 1))
    signed = sign_note(format_record(made), load_key(key))
    try:
        out.write_bytes(signed)
    except OSError as error:
        raise ConfigError(f"`{out}` cannot be written: {error.strerror}") from error
    typer.echo(f"signed: {made.kind} about {made.about}, until {made.until:%Y-%m-%d}; {made.reason}")


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="those that are over or taken back too")] = False,  # noqa: FBT002  # a command-line flag
    as_json: AsJson = False,  # noqa: FBT002  # as above
    key: OwnKey = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """List the records in force; a sealed paper is listed to nobody but its signer."""
    kept, now = make_records(find_installation(config, data)).all(), _now()
    rows = [
        _as_json(one, kept, now)
        for one in _open_to(kept, key)
        if one.kind is not RecordKind.REVOCATION
        and (everything or _state(one, kept, now) in {"in force", "begins"})
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    for row in rows:
        typer.echo(
            f"{row['record']}  {row['state']:<9} {row['kind']:<13} {row['about']}  until {row['until'][:16]}"
            f"  by {row['by'] or 'a key that is gone'}  ({row['evidence']})"
        )
    typer.echo(f"{len(rows)} records")


@app.command()
def show(
    record: Id,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
    key: OwnKey = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Show one record, with who signed it and what took it back."""
    kept = make_records(find_installation(config, data)).all()
    row = _as_json(_find(_open_to(kept, key), record), kept, _now())
    if as_json:
        typer.echo(json.dumps(row, indent=1, ensure_ascii=False))
        return
    for name, value in row.items():
        typer.echo(f"{name:<14} {value}")


def _folders_with_agency(config: Path | None, data: Path | None, order: str, agency: str) -> Folders:
    folders, pack = load_installation(config, data, order)
    if agency not in pack.agencies:
        raise ConfigError(f"`{agency[:40]}` is no agency of the order", hint=f"they are in {pack.page}")
    return folders


def _make(  # noqa: PLR0917  # parts of one record
    kind: RecordKind,
    about: str,
    begins: datetime | None,
    until: datetime,
    evidence: str,
    reason: str,
    **more: str,
) -> Record:
    begins = (begins or _now()).replace(tzinfo=UTC, microsecond=0)
    pairs = tuple((name, more[name]) for name in MORE[kind])
    try:
        return check_record(
            Record(kind, about, begins, until.replace(tzinfo=UTC, microsecond=0), evidence, reason, pairs)
        )
    except MalformedError as error:
        raise ConfigError(str(error)) from error


def _add(folders: Folders, key: Path, made: Record) -> None:
    try:
        kept = make_records(folders).add(sign_note(format_record(made), load_key(key)))
    except VerificationError as error:
        raise VerificationError(
            str(error), hint=f"the officials' public keys stand in `{folders.officials}`"
        ) from error
    typer.echo(f"on file: {kept.kind} {kept.id}, about {kept.about}, by {kept.by}")


def _open_to(kept: Sequence[Record], key: Path | None) -> list[Record]:
    """Return the records that whoever holds this key may see; without one, those that are not sealed."""
    name = load_key(key).verifier.name if key is not None else None
    return [one for one in kept if not one.is_sealed or (name is not None and one.by == name)]


def _find(kept: Sequence[Record], digits: str) -> Record:
    found = [one for one in kept if len(digits) >= MIN_DIGITS and one.id.startswith(digits)]
    if len(found) != 1:
        raise ConfigError(
            f"`{digits[:20]}` names {len(found)} records, expected one", hint="doorward records list --all"
        )
    return found[0]


def _state(record: Record, kept: Sequence[Record], now: datetime) -> str:
    if is_revoked(record, kept, now=now):
        return "taken back"
    if not record.by:
        return "signer gone"
    if now < record.begins:
        return "begins"
    return "in force" if now < record.until else "over"


def _as_json(record: Record, kept: Sequence[Record], now: datetime) -> dict[str, Any]:
    return dict(_pairs(record, kept, now))


def _pairs(record: Record, kept: Sequence[Record], now: datetime) -> Iterator[tuple[str, str]]:
    yield "record", record.id
    yield "state", _state(record, kept, now)
    yield "kind", record.kind.value
    yield "about", record.about
    yield "from", record.begins.isoformat()
    yield "until", record.until.isoformat()
    yield from record.more
    yield "evidence", record.evidence
    yield "reason", record.reason
    yield "by", record.by
    for other in kept:
        if other.kind is RecordKind.REVOCATION and other.about == record.id:
            yield "taken_back", f"{other.begins.isoformat()} by {other.by}: {other.reason} ({other.evidence})"


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  # the command line may read the clock
