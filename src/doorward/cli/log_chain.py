"""The part of `doorward log verify` that checks every log which a city's directory lists, for an outsider.

Exit codes: 0 all hold; 1 something is false; 2 an argument is wrong; 3 could not tell.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer

from doorward.cli.log_outside import parse_option, read_kept, show_progress
from doorward.errors import ConfigError, MalformedError, StoreError
from doorward.verifier.chain import Link, Standing, check_chain, check_known, place_of
from doorward.verifier.check import open_source
from doorward.verifier.directory import NAME, Listed, LogDirectory, kept_text, read_directory
from doorward.verifier.findings import Kind, Verdict
from doorward.verifier.note import MAX_NOTE_BYTES, FalseNoteError, Key

HOLDS, FALSE, COULD_NOT_TELL = 0, 1, 3
ED25519: Final = 1
Chain = Annotated[
    str | None,
    typer.Option(metavar="FILE|URL", help="the directory of the logs below PATH: each is checked"),
]
ChainKey = Annotated[
    list[str] | None,
    typer.Option(metavar="VKEY", help="of the office that signs the directory; again for more"),
]
ChainSince = Annotated[
    Path | None, typer.Option(metavar="FILE", help="a directory that you kept; this one must only add to it")
]
_HIDDEN: Final = 5  # findings of a log beyond these are counted


def load_directory(place: str, keys: Sequence[Key], since: Path | None, *, as_json: bool) -> LogDirectory:
    """Return a directory that holds; ends the command where it does not.

    Raises:
        ConfigError: There is none, or what was kept is none.
    """
    if any(one.algorithm != ED25519 for one in keys):
        raise ConfigError("an office's key is Ed25519 (type 1), and this is a cosigner's")
    kept = read_kept(since)
    try:
        before = kept_text(kept) if kept is not None else None
    except MalformedError as error:
        raise ConfigError(f"what was kept is no directory: {error}") from error
    try:
        return read_directory(_read(place), keys, before)
    except FalseNoteError as error:
        _stop(FALSE, str(error), error.kind, as_json=as_json)
    except MalformedError as error:
        _stop(FALSE, str(error), Kind.DIRECTORY_MALFORMED, as_json=as_json)
    except StoreError as error:
        _stop(COULD_NOT_TELL, str(error), None, as_json=as_json)


def _stop(code: int, what: str, kind: Kind | None, *, as_json: bool) -> NoReturn:
    if as_json:
        finding = {"place": NAME, "what": what, "kind": kind}
        typer.echo(json.dumps({"exit_code": code, "directory": None, "finding": finding}, indent=2))
    else:
        typer.echo(f"could not tell: {what}" if kind is None else f"FALSE: {NAME}: {what} [{kind}]")
    raise typer.Exit(code)


def _read(place: str) -> bytes:
    folder, slash, name = place.rpartition("/")
    root = folder if "://" in place else str(Path(place).parent)
    if "://" in place and (not slash or folder.endswith(("/", ":")) or not name):
        raise ConfigError(
            f"`{place}` is no address of a directory", hint="such as https://log.city.example/directory"
        )
    source = open_source(root)
    try:
        raw = source.read(name if "://" in place else Path(place).name, MAX_NOTE_BYTES)
    finally:
        source.close()
    if raw is None:
        raise ConfigError(f"there is no directory at `{place}`")
    return raw


# all logs of a directory


@dataclass(frozen=True, slots=True)
class Asked:
    """What `log verify --directory` was given beside the place of the logs."""

    directory: str | None
    keys: Sequence[str]
    kept_directory: Path | None
    key: str | None
    since: Path | None
    witnesses: Sequence[str]
    processes: int
    progress: bool
    as_json: bool


def verify_chain(root: str | None, asked: Asked) -> NoReturn:
    """Check every log that a directory lists, below a folder or address, and end with the exit code.

    Raises:
        ConfigError: An argument is wrong.
    """
    if root is None or asked.directory is None:
        raise ConfigError("`--directory` goes with a PATH or URL, below which the logs lie")
    if not asked.keys:
        raise ConfigError(
            "`--directory` needs the key of the office that signs it",
            hint="--directory-key, got by a way that you trust",
        )
    keys = tuple(parse_option(one, "--directory-key") for one in asked.keys)
    found = load_directory(asked.directory, keys, asked.kept_directory, as_json=asked.as_json)
    kept = read_kept(asked.since)
    unlisted = check_known(found, parse_option(asked.key, "--key") if asked.key is not None else None, kept)
    links = check_chain(
        found,
        root,
        since=kept,
        witnesses=tuple(parse_option(one, "--witness") for one in asked.witnesses),
        processes=asked.processes,
        progress=show_progress(is_terminal=sys.stderr.isatty(), is_wanted=asked.progress),
    )
    code = _code(links, unlisted)
    if asked.as_json:
        typer.echo(json.dumps(_chain_json(found, root, links, unlisted, code), indent=2))
    else:
        _print_chain(found, root, links, unlisted, code)
    raise typer.Exit(code)


def _code(links: Sequence[Link], unlisted: Sequence[str]) -> int:
    if unlisted or any(one.verdict.findings for one in links):
        return FALSE
    return COULD_NOT_TELL if any(one.standing is Standing.UNKNOWN for one in links) else HOLDS


def _print_chain(
    found: LogDirectory, root: str, links: Sequence[Link], unlisted: Sequence[str], code: int
) -> None:
    print_head(found)
    for link in links:
        typer.echo(f"log {link.log.key.name} at {place_of(root, link.log)}: {link.words}")
        _print_verdict(link.verdict)
    for line in unlisted:
        typer.echo(f"FALSE: {line} [{Kind.LOG_UNLISTED}]")
    typer.echo(
        {HOLDS: "everything that was checked holds", FALSE: "something is false"}.get(
            code, "could not tell: not everything could be read; what was checked holds"
        )
    )


def _print_verdict(verdict: Verdict) -> None:
    for note in verdict.notes:
        typer.echo(f"  note: {note}")
    for what in verdict.not_checked:
        typer.echo(f"  not checked: {what}")
    for what in verdict.could_not_tell:
        typer.echo(f"  could not tell: {what}")
    for finding in verdict.findings[:_HIDDEN]:
        typer.echo(f"  FALSE: {finding}")
    more = len(verdict.findings) - _HIDDEN + verdict.left_out
    if more > 0:
        typer.echo(f"  FALSE: and {more:,} more")


def print_head(found: LogDirectory) -> None:
    """Print which version of a directory it is, and who signed it."""
    typer.echo(f"directory {found.digest}, signed by {', '.join(found.signers)}; {len(found.logs)} logs")


def directory_json(found: LogDirectory) -> dict[str, Any]:
    """Return the version of a directory and who signed it, for a machine."""
    return {"digest": found.digest, "signed_by": list(found.signers)}


def log_json(log: Listed) -> dict[str, Any]:
    """Return what a directory says of one log, for a machine."""
    ends = None
    if log.ends is not None:
        ends = {
            "at": log.ended_at, "how": log.how, "size": log.ends[0], "root": log.ends[1].hex(),
            "provable": log.provable, "successor": log.successor or None, "reason": log.reason,
        }  # fmt: skip
    return {
        "origin": log.key.name, "key": log.key.public.hex(), "host": log.host, "folder": log.folder,
        "listed": {"at": log.begun_at, "size": log.begins[0], "root": log.begins[1].hex()},
        "follows": log.follows or None, "ended": ends,
    }  # fmt: skip


def _chain_json(
    found: LogDirectory, root: str, links: Sequence[Link], unlisted: Sequence[str], code: int
) -> dict[str, Any]:
    return {
        "exit_code": code,
        "directory": directory_json(found),
        "unlisted": list(unlisted),
        "logs": [
            log_json(one.log)
            | {"place": place_of(root, one.log), "standing": one.standing.value, "verified": one.provable}
            | dict(one.verdict.as_json())
            for one in links
        ],
    }
