"""`doorward fund totals …`: the auditor recomputes the fund from the record, signs, and anybody verifies.

`sign` and `verify` need no installation and no network: the files, and a key. Exit codes: 0 done; 1 the ledger or
Beancount differs from the record, or it is not what was signed; 2 usage, or a file that is none; 3 something could not
be read.
"""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer

from doorward.cli.folders import Folders
from doorward.cli.fund_against import read_ledger, read_record
from doorward.cli.fund_link import AsJson, By, Config, Data, Database, Link, echo, read_clock
from doorward.cli.order_sign import read_keys
from doorward.cli.report_observe import SPOOL_ALONE, find_disclosures
from doorward.cli.seals import disclosures_of
from doorward.errors import ConfigError, MalformedError, StoreError, UpstreamError
from doorward.fund.filings.log_root import read_verifier
from doorward.fund.ledger.export import account_name, format_beancount
from doorward.fund.ledger.operations import LOGIN
from doorward.fund.ledger.state import Rules, State
from doorward.fund.opening import format_opening, need_digest, verify_opening
from doorward.fund.totals import (
    TOTALS,
    Recomputed,
    check_table,
    differences,
    digest_totals,
    format_table,
    format_totals,
    recompute,
    rows_of,
    totals_entry,
)
from doorward.notes.key_files import load_key
from doorward.notes.note import find_signers, parse_note, parse_verifier_key, sign_note, verify_note
from doorward.record.checkpoint import parse_checkpoint
from doorward.record.entry import Field, Kind
from doorward.record.log_files import CHECKPOINT, LogFiles
from doorward.record.openings import StoredBlock
from doorward.record.prove import prove_leaf
from doorward.record.replay import leaf_of
from doorward.record.sealing import sealed_unit

app = typer.Typer(no_args_is_help=True)
READ_BLOCKS: Final = 2_000
BEANCOUNT_SECONDS: Final = 600
ADD_UP: Final = """
import json, sys
from beancount import loader
from beancount.core import data
entries, errors, _ = loader.load_file(sys.argv[1])
sums = {}
for entry in data.filter_txns(entries):
    for posting in entry.postings:
        sums[posting.account] = sums.get(posting.account, 0) + posting.units.number * 100
print(json.dumps([len(errors), {name: int(cents) for name, cents in sums.items() if cents}]))
"""
TableFile = Annotated[Path, typer.Option(help="the table, a CSV file")]
Previous = Annotated[Path | None, typer.Option(help="the totals that were signed before, text or note")]
Keys = Annotated[
    Path, typer.Option(help="the auditors' public keys, one a line, from a place that you trust")
]


@app.callback()
def totals() -> None:
    """Recompute the fund's totals from the record, sign them, and verify what was signed."""


@app.command(name="recompute")
def recompute_(  # noqa: PLR0917  # flags of a command
    table: Annotated[Path, typer.Option(help="where the table goes, a CSV file")],
    out: Annotated[Path, typer.Option(help="where the totals text goes, which you sign")],
    previous: Previous = None,
    beancount: Annotated[
        Path | None, typer.Option(help="a Python that has beancount: it adds the export up by itself")
    ] = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Add the fund up from the record's disclosures, hold the ledger and Beancount against that; write what to sign."""
    link = Link(config, data, database)
    entries, published = read_record(link)
    found = recompute(entries)
    ledger = read_ledger(link).state
    wrong = (*found.wrong, *differences(found, ledger.balances, "the ledger"))
    if beancount is not None:
        wrong = (*wrong, *_beancount(found, beancount))
    made = format_table(rows_of(found))
    text = format_totals(found, made, _text_of(previous) if previous else None)
    _write(table, made)
    _write(out, text)
    told = {
        "wrong": list(wrong), "posted": len(found.written), "unended": list(found.unended),
        "withdrawn": found.withdrawn, "digest": digest_totals(text), "disclosures": published,
        "beancount": beancount is not None,
    }  # fmt: skip
    if as_json:
        echo(told)
    else:
        for line in wrong:
            typer.echo(line)
        for entry in found.unended:
            typer.echo(f"entry {entry} has no end: perhaps a crash")
        typer.echo(f"{len(found.written)} transactions of the record, {len(wrong)} differences")
        typer.echo(f"totals {told['digest']}; `doorward log verify` says whether the record is the log's")
        if not published:
            typer.echo(SPOOL_ALONE)
        if beancount is None:
            typer.echo("not compared with Beancount: --beancount names a Python that has it")
    if wrong:
        raise typer.Exit(1)


def _beancount(found: Recomputed, python: Path) -> tuple[str, ...]:
    """Return how Beancount differs, which runs in a process of its own: it is GPL and is never imported."""
    balances = found.balances
    with TemporaryDirectory(prefix="doorward-") as folder:
        file = Path(folder) / "fund.beancount"
        held = State(Rules({}, frozenset()), balances=balances)
        file.write_text(format_beancount(found.written, held), encoding="utf-8")
        try:
            done = subprocess.run(  # noqa: S603  # a program that the auditor names, without a shell
                [python, "-c", ADD_UP, file],
                capture_output=True, text=True, check=False, timeout=BEANCOUNT_SECONDS,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ConfigError(f"`{python.name}` cannot be run as a Python") from error
    if done.returncode:
        raise ConfigError(f"`{python.name}` has no beancount, or it failed", hint="a Python with beancount 3")
    errors, sums = json.loads(done.stdout)
    names = {account_name(place): cents for place, cents in balances.items()}
    wrong = [f"beancount finds {errors} errors"] if errors else []
    wrong += [
        f"`{name}` is {sums.get(name, 0)} by beancount, and {names.get(name, 0)} by the record"
        for name in sorted(names.keys() | sums.keys())
        if names.get(name, 0) != sums.get(name, 0)
    ]
    return tuple(wrong)


@app.command()
def sign(
    text: Annotated[Path, typer.Argument(help="the totals text, as `recompute` wrote it")],
    table: TableFile,
    key: Annotated[Path, typer.Option(help="the auditor's secret key")],
    previous: Previous = None,
) -> None:
    """Sign the totals of a table on your own machine; prints the note."""
    raw = _read(text)
    _check(text, raw, _read(table), _text_of(previous) if previous else None)
    typer.echo("the table is the one that the totals name", err=True)
    typer.echo(sign_note(raw, load_key(key)).decode(), nl=False)


@app.command()
def record(  # noqa: PLR0917  # flags of a command
    note: Annotated[Path, typer.Argument(help="the signed totals")],
    table: TableFile,
    keys: Keys,
    by: By,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Put the digest of signed totals into the record, and so into the log."""
    if not LOGIN.fullmatch(by):
        raise ConfigError("`--by` is a login of lower-case letters, digits, `.`, `_` and `-`")
    text, signer = _verified(note, keys)
    _check(note, text, _read(table))
    now = read_clock()
    with Link(config, data, database).open(now) as store:
        entry = store.recorder.record([(Kind.FUND, totals_entry(text, signer, by))], now=now)
    digest = digest_totals(text)
    if as_json:
        echo({"entry": entry, "digest": digest})
    else:
        typer.echo(f"entry {entry} holds the digest {digest}")


@app.command(name="open")
def open_(
    note: Annotated[Path, typer.Argument(help="the signed totals, recorded and published")],
    out: Annotated[Path, typer.Option(help="where the opening goes: anybody may have it")],
    config: Config = None,
    data: Data = None,
) -> None:
    """Write the file by which anybody sees, with the log's public key alone, that the digest is in the log."""
    link = Link(config, data, None)
    digest = digest_totals(_text_of(note)).encode()
    disclosures = find_disclosures(link.folders, "" if link.settings is None else link.settings.record)
    if not disclosures:
        raise StoreError("it is not known where the disclosures are", hint="is doorward up?")
    files, verifier = LogFiles(link.folders.log), read_verifier(link.folders.log, None)
    signed = files.read(CHECKPOINT)
    if signed is None:
        raise StoreError("the log has no checkpoint yet")
    size = parse_checkpoint(signed).tree_size
    block = _find_block(link.folders, disclosures, digest, size)
    proof = prove_leaf(files, verifier, block.leaf_index, leaf_of(block.salt, block.root))
    opening = format_opening(block, proof)
    need_digest(
        verify_opening(opening, verifier), TOTALS, digest.decode()
    )  # nothing is written that does not hold
    _write(out, opening)
    typer.echo(f"{out.name}: leaf {block.leaf_index} of {size}")


def _find_block(folders: Folders, disclosures: str, digest: bytes, size: int) -> StoredBlock:
    with disclosures_of(folders, disclosures) as kept:
        leaf = 0
        while blocks := kept.read(leaf, READ_BLOCKS) if leaf < size else []:
            for block in blocks:
                for stored in block.entries:
                    is_erased = sealed_unit(stored) is not None
                    if stored.kind == Kind.FUND and block.leaf_index < size and not is_erased:
                        entry = stored.decode()
                        if (entry.get(Field.ACT), entry.get(Field.DIGEST)) == (TOTALS, digest):
                            return block
            leaf = blocks[-1].leaf_index + 1
    raise StoreError(
        "the log does not hold these totals yet",
        hint="`doorward fund totals record`, then wait for the publisher",
    )


@app.command()
def verify(  # noqa: PLR0917  # flags of a command
    note: Annotated[Path, typer.Argument(help="the signed totals")],
    table: TableFile,
    keys: Keys,
    opening: Annotated[Path | None, typer.Option(help="the file that `open` wrote")] = None,
    log_key: Annotated[
        str | None, typer.Option(help="the log's public key, from a place that you trust")
    ] = None,
    previous: Previous = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Say whether a known auditor signed these totals, this is their table, and their digest is in the log."""
    text, signer = _verified(note, keys)
    said = _check(note, text, _read(table), _text_of(previous) if previous else None)
    told: dict[str, object] = {"signed_by": signer, **said, "digest": digest_totals(text), "in_log": None}
    if (opening is None) != (log_key is None):
        raise ConfigError("`--opening` and `--log-key` come together")
    if opening is not None and log_key is not None:
        try:
            log = parse_verifier_key(log_key.strip())
            opened = verify_opening(_read(opening), log)
        except MalformedError as error:
            raise ConfigError(f"`{opening.name}` or `--log-key`: {error}") from error
        need_digest(opened, TOTALS, digest_totals(text))
        told["in_log"] = {
            "log": log.name, "leaf": opened.leaf_index, "tree_size": opened.checkpoint.tree_size,
            "recorded": datetime.fromtimestamp(opened.entry.time_us / 1e6, UTC).isoformat(),
        }  # fmt: skip
    if as_json:
        echo(told)
        return
    typer.echo(f"signed by {signer}, and the table is the one that was signed: {said['posted']} transactions")
    if said["unended"] != "0":
        typer.echo(f"{said['unended']} entries had no end when it was signed")
    typer.echo("not looked up in the log" if told["in_log"] is None else f"in the log: {told['in_log']}")


def _verified(note: Path, keys: Path) -> tuple[bytes, str]:
    known = tuple(read_keys(keys))
    try:
        parsed = parse_note(_read(note))
        text = verify_note(parsed, known)
    except MalformedError as error:
        raise ConfigError(f"`{note.name}`: {error}") from error
    return text, find_signers(parsed, known)[0].name


def _check(file: Path, text: bytes, table: bytes, previous: bytes | None = None) -> dict[str, str]:
    try:
        return check_table(text, table, previous)
    except MalformedError as error:
        raise ConfigError(f"`{file.name}`: {error}") from error


def _text_of(file: Path) -> bytes:
    """Return the totals text of a file that holds it, signed or not; nothing of it is verified."""
    raw = _read(file)
    try:
        return parse_note(raw).text
    except MalformedError:
        return raw


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read `{file.name}`: {error.strerror}") from error


def _write(file: Path, raw: bytes) -> None:
    try:
        file.write_bytes(raw)
    except OSError as error:
        raise UpstreamError(f"`{file.name}` cannot be written: {error.strerror}") from error
