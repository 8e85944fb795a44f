"""`doorward log compare` and `doorward log quorum`: whether two people were shown one history, and who saw it."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from doorward.cli.log_witness import moment
from doorward.cli.settings_witnesses import load_policy
from doorward.errors import ConfigError, LogError, MalformedError, VerificationError
from doorward.notes.note import MAX_NOTE_BYTES
from doorward.record.checkpoint import UnverifiedCheckpoint, parse_checkpoint
from doorward.record.cosignature import CheckpointKey, find_cosignatures, parse_key
from doorward.record.hashes import format_hash
from doorward.record.log_files import WITNESSED, LogFiles
from doorward.record.nodes import node_reader
from doorward.record.split_view import Compared, View, compare_checkpoints
from doorward.record.trust_policy import verify_by_policy

CODES: Final = {View.SAME: 0, View.EXTENDS: 0, View.FORK: 1, View.UNKNOWN: 3}
FALSE: Final = 1

Json = Annotated[bool, typer.Option("--json", help="print JSON for a machine")]


def compare(
    one: Annotated[Path, typer.Argument(help="a signed checkpoint that somebody was shown")],
    other: Annotated[Path, typer.Argument(help="one that somebody else was shown")],
    key: Annotated[
        str, typer.Option(metavar="VKEY", help="the log's verifier key, got by a way that you trust")
    ],
    log: Annotated[
        Path | None, typer.Option(help="the public files of the larger log: needed where the sizes differ")
    ] = None,
    as_json: Json = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Say whether two checkpoints are of one history; exit code 0 they are, 1 a fork, 2 usage, 3 could not tell.

    What a witness cosigned last is at `https://WITNESS/ID/checkpoint`, where ID is the SHA-256 of the log's origin.
    """
    try:
        verifier = parse_key(key.strip())
    except MalformedError as error:
        raise ConfigError(f"`--key` is no verifier key: {error}") from error
    views = [_load(file, verifier) for file in (one, other)]
    read = None
    if log is not None:
        read = node_reader(LogFiles(log), max(view.tree_size for view in views))
    compared = compare_checkpoints(views[0], views[1], read)
    files = (one, other)
    if as_json:
        shown = [_as_json(file, view) for file, view in zip(files, views, strict=True)]
        document = {
            "log": verifier.name,
            "result": compared.view.value,
            "why": compared.why,
            "checkpoints": shown,
        }
        typer.echo(json.dumps(document, indent=1, ensure_ascii=False))
    else:
        _print(verifier, compared, list(zip(files, views, strict=True)))
    raise typer.Exit(CODES[compared.view])


def _load(file: Path, key: CheckpointKey) -> UnverifiedCheckpoint:
    """Return a checkpoint that the log's key signed; any other file says nothing about the log, false or true."""
    hint = "name two checkpoints of the log, and its own key"
    try:
        checkpoint = _read(file)
        is_signed = bool(find_cosignatures(checkpoint, [key]))
    except LogError as error:
        raise ConfigError(str(error), hint=hint) from error
    if not is_signed:
        raise ConfigError(
            f"`{file}` is not signed by the key of `{key.name}`, so it says nothing about the log", hint=hint
        )
    return checkpoint


def _read(file: Path) -> UnverifiedCheckpoint:
    try:
        with file.open("rb") as source:
            return parse_checkpoint(source.read(MAX_NOTE_BYTES + 1), with_extensions=True)
    except OSError as error:
        raise ConfigError(f"`{file}` cannot be read: {error.strerror}") from error
    except MalformedError as error:
        raise VerificationError(f"`{file}` is no checkpoint: {error}") from error


def _print(key: CheckpointKey, compared: Compared, views: list[tuple[Path, UnverifiedCheckpoint]]) -> None:
    typer.echo(f"log {key.name}")
    for file, view in views:
        typer.echo(f"{file}: size {view.tree_size:,}, root {format_hash(view.root)}")
        for line in view.note.signatures:
            if (line.name, line.id) != (key.name, key.id):
                typer.echo(f"  bears a line of {line.name} (not checked: `doorward log quorum` does)")
    if compared.view is View.FORK:
        typer.echo(f"FORK: {compared.why}; both are signed by the log's key, so it showed two histories")
        typer.echo("keep both files: together they prove it to anybody")
    elif compared.view is View.UNKNOWN:
        typer.echo(f"could not tell: {compared.why}")
    else:
        typer.echo(f"one history: {compared.why}")


def _as_json(file: Path, view: UnverifiedCheckpoint) -> dict[str, Any]:
    return {
        "file": str(file), "origin": view.origin, "size": view.tree_size, "root": format_hash(view.root),
        "lines_of": [line.name for line in view.note.signatures],
    }  # fmt: skip


def quorum(
    path: Annotated[Path, typer.Argument(help="a signed checkpoint, or a log's folder: its `witnessed`")],
    policy: Annotated[Path, typer.Option(help="whom you trust: a policy in C2SP's form")],
    as_json: Json = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Say whether a checkpoint is signed by a log and cosigned by the quorum of a policy; exit code 0 it is, 1 not."""
    trusted = load_policy(policy)
    if path.is_dir():
        path /= WITNESSED
        if not path.exists():
            raise VerificationError(f"`{path}` is not there: no quorum ever cosigned this log")
    checkpoint = _read(path)
    try:
        found = verify_by_policy(checkpoint, trusted)
    except LogError as error:
        if as_json:
            typer.echo(json.dumps({"met": False, "why": str(error)}, indent=1, ensure_ascii=False))
        else:
            typer.echo(f"NOT MET: {error}")
        raise typer.Exit(FALSE) from error
    if as_json:
        document = {
            "met": True, "log": found.log.name, "size": found.tree_size, "root": format_hash(found.root),
            "witnesses": dict(found.witnesses),
        }  # fmt: skip
        typer.echo(json.dumps(document, indent=1, ensure_ascii=False))
        return
    typer.echo(f"log {found.log.name}: size {found.tree_size:,}, root {format_hash(found.root)}")
    for name, time in found.witnesses.items():
        typer.echo(f"cosigned by `{name}` at {moment(time)}")
    typer.echo(f"the quorum `{trusted.quorum}` is met")
