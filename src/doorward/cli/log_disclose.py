"""`doorward log disclose` and `check-exhibit`: fields of one entry with their proof, and the check of such a file."""

import json
import re
from collections.abc import Collection
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

import typer

from doorward.cli.folders import Folders
from doorward.cli.installation import Config, Data, Order, load_installation
from doorward.cli.kept import make_records
from doorward.cli.log_link import (
    identify,
    open_disclosures,
    parse_entry,
    read_log_key,
    record_entry,
    write_new,
)
from doorward.errors import ConfigError, VerificationError
from doorward.grants.records import Record, RecordKind, is_revoked
from doorward.orders.load import load_record_rules
from doorward.orders.record_rules import RecordRules
from doorward.record.check_exhibit import PublicKey, Shown, check_exhibit, read_public_key
from doorward.record.entry import Entry
from doorward.record.exhibit import ALWAYS, MAX_BYTES, format_exhibit
from doorward.record.keeping import disclosure_entry
from doorward.record.log_files import LogFiles
from doorward.record.openings import StoredBlock
from doorward.record.prove import prove_leaf
from doorward.record.replay import leaf_of
from doorward.record.sealing import sealed_unit

HOLDS, FALSE = 0, 1
MAX_PRINTED: Final = 200
_WORD: Final = re.compile(r"[a-z][a-z0-9-]{1,39}")
Public = Annotated[
    Path | None,
    typer.Option(help="the released copy of the log: the proof is to its checkpoint, a cosigned one first"),
]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON document")]


def disclose(  # noqa: PLR0913, PLR0917  # flags of a command
    entry: Annotated[str, typer.Argument(help="its sequence, or WRITER:NUMBER such as 15:3")],
    key: Annotated[Path, typer.Option(help="your secret key, named by office and login")],
    process: Annotated[
        str, typer.Option(help="the id of the paper on file that asks for it (`doorward records`)")
    ],
    receiver: Annotated[str, typer.Option("--for", help="for whom, one word such as `court`")],
    field: Annotated[list[str] | None, typer.Option(help="a field to show; again for more")] = None,
    to: Annotated[Path | None, typer.Option(help="the new file (default exhibit-ENTRY.txt)")] = None,
    pdf: Annotated[Path | None, typer.Option(help="also the page that explains it")] = None,
    public: Public = None,
    order: Order = "chicago",
    config: Config = None,
    data: Data = None,
) -> None:
    """Write fields of one entry with everything that proves them, in one file; that it was done is recorded first."""
    if not _WORD.fullmatch(receiver):
        raise ConfigError("`--for` is one word of lower-case letters, digits and `-`, such as `court`")
    now = datetime.now(UTC)  # noqa: TID251  # the command line is where the clock is read
    sequence = parse_entry(entry)
    folders, pack = load_installation(config, data, order)
    rules = load_record_rules(pack)
    person = identify(folders, key, rules.disclose, "show a field outside")
    paper = _find_paper(folders, process, now=now)
    _check_fields(rules, field or [], paper)
    raw, shown, line = make_exhibit(folders, config, sequence, field or [], public=public)
    said = sha256(raw).hexdigest()
    target = to or Path(f"exhibit-{sequence}.txt")
    page = None
    if pdf is not None:
        from doorward.desk.exhibit_page import render_exhibit

        page = render_exhibit(
            shown, digest=said, key=line, receiver=receiver, process=paper.id, office=person.office,
            day=now.date(), is_sample=pack.is_sample,
        )  # fmt: skip
    fields = disclosure_entry(
        sequence, [name for name, _ in shown.fields], login=person.login, office=person.office,
        receiver=receiver, process=paper.id, digest=said,
    )  # fmt: skip
    made: list[int] = []
    write_new(target, raw, before=lambda: made.append(record_entry(folders, fields, now=now)))
    if pdf is not None and page is not None:
        write_new(pdf, page)
    typer.echo(
        f"{target}: {', '.join(name for name, _ in shown.fields)} of entry {sequence}, {shown.hidden} digests"
    )
    typer.echo(f"recorded as entry {made[0]}; leaf {shown.leaf_index} of {shown.tree_size}")


def check(
    file: Annotated[Path, typer.Argument(help="the exhibit")],
    key: Annotated[
        str, typer.Option(metavar="VKEY", help="the log's verifier key, got by a way that you trust")
    ],
    witness: Annotated[
        list[str] | None, typer.Option(metavar="VKEY", help="a witness that must have signed; again for more")
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002  # a flag
) -> None:
    """Say what an exhibit shows and whether it holds; needs no network. Exit code 0 holds, 1 false, 2 usage."""
    log_key, witnesses = _public_key(key, "--key"), [_public_key(one, "--witness") for one in witness or []]
    try:
        with file.open("rb") as source:
            raw = source.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read `{file}`: {error.strerror}") from error
    shown = check_exhibit(raw, log_key, witnesses)
    if as_json:
        typer.echo(json.dumps(_as_json(shown, raw), indent=1))
    else:
        _print(shown, raw)
    raise typer.Exit(FALSE if shown.faults else HOLDS)


def _find_paper(folders: Folders, process: str, *, now: datetime) -> Record:
    kept = make_records(folders).all()
    paper = next((one for one in kept if one.id == process), None)
    if paper is None or paper.kind is not RecordKind.PAPER:
        raise ConfigError(
            f"there is no paper on file as `{process[:20]}`",
            hint="doorward records paper, by who verified it",
        )
    if not paper.by or dict(paper.more)["scope"] != "in":
        raise VerificationError("the paper was not found to ask for this, by an official whose key is known")
    if not paper.begins <= now < paper.until or is_revoked(paper, kept, now=now):
        raise VerificationError("the paper is not in force")
    return paper


def _check_fields(rules: RecordRules, names: list[str], paper: Record) -> None:
    for name in sorted(set(names) - set(ALWAYS)):
        why = rules.refusal(name, paper.about)
        if why is not None:
            raise VerificationError(f"`{name}` is not shown under a paper of `{paper.about}`: {why}")


def make_exhibit(
    folders: Folders,
    config: Path | None,
    sequence: int,
    names: Collection[str],
    *,
    always: Collection[str] = ALWAYS,
    public: Path | None = None,
) -> tuple[bytes, Shown, str]:
    """Return an exhibit, what its check says, and the log's key as a line.

    Args:
        names: Of the fields that are shown.
        always: Fields that are shown beside them.
        public: A released copy of the log, whose checkpoint the proof is to; without it, the publisher's own.

    Raises:
        ConfigError: There is no such entry, or it has no such field.
        VerificationError: The disclosures, the log and its key do not agree.
        StoreError: The store refused or cannot be reached.
    """
    files, verifier, line = read_log_key(folders)
    with open_disclosures(folders, config) as disclosures:
        block = disclosures.find(sequence)
    if block is None:
        raise ConfigError(
            f"there is no entry {sequence} in the disclosures", hint="it may not be published yet"
        )
    entry, commitments = _open(block, sequence)
    proof = prove_leaf(
        files if public is None else LogFiles(public),
        verifier,
        block.leaf_index,
        leaf_of(block.salt, block.root),
    )
    raw = format_exhibit(
        entry, names, commitments=commitments, block_salt=block.salt, proof=proof, always=always
    )
    shown = check_exhibit(raw, read_public_key(line))
    if shown.faults:
        raise VerificationError(
            f"the disclosures do not open leaf {block.leaf_index}: {shown.faults[0]}",
            hint="run `doorward log verify`; nothing was written",
        )
    return raw, shown, line


def _open(block: StoredBlock, sequence: int) -> tuple[Entry, list[bytes]]:
    found = next((one for one in block.entries if one.sequence == sequence), None)
    if found is None:
        raise VerificationError(
            f"leaf {block.leaf_index} does not hold entry {sequence}", hint="run `doorward log verify`"
        )
    if sealed_unit(found) is not None:
        raise VerificationError(
            f"entry {sequence} was erased, or its key is not there: only its leaf is left"
        )
    return found.decode(), [one.commitment for one in block.entries]


def _public_key(text: str, option: str) -> PublicKey:
    try:
        return read_public_key(text)
    except ValueError as error:
        raise ConfigError(f"`{option}`: {error}") from error


def _as_json(shown: Shown, raw: bytes) -> dict[str, object]:
    holds = not shown.faults
    return {
        "holds": holds, "faults": list(shown.faults), "sha256": sha256(raw).hexdigest(), "log": shown.origin,
        "leaf": shown.leaf_index, "tree_size": shown.tree_size, "not_shown": shown.hidden,
        "witnesses": [{"name": name, "time": at} for name, at in shown.witnesses],
        "signatures_not_checked": shown.others,
        "fields": {
            name: value.hex() if name == "session" else value.decode("utf-8", errors="backslashreplace")
            for name, value in shown.fields
        },
    }  # fmt: skip


def _print(shown: Shown, raw: bytes) -> None:
    typer.echo(f"file {sha256(raw).hexdigest()}")
    for name, value in shown.fields:
        typer.echo(f"  {name:<14} {_line(name, value)}")
    for name, at in shown.witnesses:
        typer.echo(f"witness {name}: signed at {at}")
    if shown.others:
        typer.echo(f"not checked: {shown.others} signatures of keys that were not given (--witness)")
    for fault in shown.faults:
        typer.echo(f"FALSE: {fault}")
    if shown.faults:
        typer.echo(f"{len(shown.faults)} found false: nothing above is proved")
    else:
        typer.echo(f"it holds: leaf {shown.leaf_index} of {shown.tree_size} in the log {shown.origin}")


def _line(name: str, value: bytes) -> str:
    text = ascii(value.decode("utf-8", errors="backslashreplace"))[1:-1]
    if name == "session":
        return value.hex()
    if name == "time" and value.isdigit() and len(value) < 18:
        return f"{text} ({_day(int(value))})"
    return (
        text if len(text) <= MAX_PRINTED else f"{text[:MAX_PRINTED]}... ({len(value)} bytes; --json has all)"
    )


def _day(time_us: int) -> date | str:
    try:
        return f"{datetime.fromtimestamp(time_us // 1_000_000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return "no time"
