"""`doorward log`: verify the record, and look into it."""

import json
from pathlib import Path
from typing import Annotated, Any, ClassVar, NoReturn

import typer

from doorward.cli.database import check_conninfo
from doorward.cli.deferred import Deferred, DeferredGroup
from doorward.cli.folders import Folders
from doorward.cli.installation import Config, Data, find_installation
from doorward.cli.log_chain import Asked, Chain, ChainKey, ChainSince, verify_chain
from doorward.cli.log_outside import verify_outside
from doorward.cli.report_observe import find_disclosures
from doorward.cli.seals import find_seals
from doorward.cli.settings import read_settings
from doorward.errors import ConfigError, MalformedError
from doorward.notes.note import Verifier, parse_verifier_key
from doorward.record.disclosures import PostgresDisclosures, prepare_server
from doorward.record.fsck import check_log
from doorward.record.log_files import CHECKPOINT, TILES, VERIFIER_KEY, LogFiles
from doorward.record.report import Report
from doorward.verifier.findings import Verdict
from doorward.verifier.note import Key

HOLDS, FALSE, COULD_NOT_TELL = 0, 1, 3


class _Log(DeferredGroup):
    deferred: ClassVar = {
        "compare": Deferred("log_compare:compare"),
        "quorum": Deferred("log_compare:quorum"),
        "publish": Deferred("log_publish:publish"),
        "disclose": Deferred("log_disclose:disclose"),
        "check-exhibit": Deferred("log_disclose:check"),
        "search": Deferred("log_search:search"),
        "searches": Deferred("log_search:searches"),
        "release": Deferred("log_release:release_log"),
        "seal": Deferred("log_erase:seal"),
        "erase": Deferred("log_erase:erase"),
        "audit": Deferred("log_audit:audit"),
        "audit-proof": Deferred("log_audit:audit_proof"),
        "move": Deferred("log_acts:move"),
        "hold": Deferred("neighbours:hold"),
        "begin": Deferred("log_begin:begin"),
        "end": Deferred("log_end:end"),
        "directory": Deferred("log_directory:show_directory"),
        "witness": Deferred("log_witness:app", help="Run a witness for other people's logs."),
    }


app = typer.Typer(cls=_Log, no_args_is_help=True, add_completion=False)


@app.callback()
def log() -> None:
    """Verify the record, show a part of it, search it."""


@app.command("prepare")
def prepare(
    dsn: Annotated[str, typer.Option(help="a superuser's connection string to the record's own server")],
) -> None:
    """Make the database and the role of the disclosures, on a server that is not the one behind the door."""
    prepare_server(check_conninfo(dsn))
    typer.echo(
        "prepared: let the role `doorward_recorder` in from this host, then start `doorward publisher`"
    )


@app.command("verify")
def verify(  # noqa: PLR0913, PLR0917  # flags of a command
    place: Annotated[
        str | None,
        typer.Argument(
            metavar="PATH|URL",
            help="a public log: a folder, a tar or an address; without it, the installation's",
        ),
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="VKEY", help="the log's verifier key, got by a way that you trust")
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option(metavar="CHECKPOINT", help="a checkpoint that you kept; the log must go on from it"),
    ] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option(metavar="VKEY", help="a witness that must have cosigned; again for each"),
    ] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="how many processes share a public log")] = 1,
    directory: Chain = None,
    directory_key: ChainKey = None,
    directory_since: ChainSince = None,
    progress: Annotated[bool, typer.Option("--progress", help="say how far it is, even to a file")] = False,  # noqa: FBT002  # a command-line flag
    as_json: Annotated[bool, typer.Option("--json", help="print the report for a machine")] = False,  # noqa: FBT002  # a command-line flag
    config: Config = None,
    data: Data = None,
) -> None:
    """Recompute the record and say what was checked; exit code 0 holds, 1 false, 2 usage, 3 could not tell.

    With PATH or URL the public files there are checked, by code that shares nothing with what writes them; without it,
    the spool and the disclosures of the installation too. With --directory each log that it lists is checked.
    """
    if directory is not None or directory_key or directory_since is not None:
        verify_chain(
            place,
            Asked(
                directory, directory_key or (), directory_since, key, since, witness or (), processes,
                progress=progress, as_json=as_json,
            ),
        )  # fmt: skip
    if place is not None:
        found, outside = verify_outside(
            place, key=key, since=since, witnesses=witness or (), processes=processes, progress=progress
        )
        _finish(outside, found, key_given=key is not None, as_json=as_json)
    if since is not None or witness:
        raise ConfigError(
            "`--since` and `--witness` go with a PATH or URL", hint="name the log's public folder"
        )
    _verify_own(find_installation(config, data), config, key, as_json=as_json)


def _verify_own(folders: Folders, config: Path | None, key: str | None, *, as_json: bool) -> NoReturn:
    files = LogFiles(folders.log)
    if not (folders.log / CHECKPOINT).exists() and not (folders.log / TILES).exists():
        raise ConfigError(
            f"there is no log at `{folders.log}`",
            hint="name its folder, or the installation with --config or --data",
        )
    report = Report()
    verifier = _find_verifier(files, key, report)
    if verifier is not None:
        report = _check(verifier, folders, read_settings(config).record if config is not None else "")
    _finish(report, verifier, key_given=key is not None, as_json=as_json)


def _finish(
    report: Report | Verdict, verifier: Verifier | Key | None, *, key_given: bool, as_json: bool
) -> NoReturn:
    code = FALSE if report.findings else COULD_NOT_TELL if report.could_not_tell else HOLDS
    if as_json:
        typer.echo(json.dumps(_as_json(report, verifier, key_given=key_given, code=code), indent=2))
    else:
        _print(report, verifier, key_given=key_given)
    raise typer.Exit(code)


def _find_verifier(files: LogFiles, key: str | None, report: Report) -> Verifier | None:
    if key is not None:
        try:
            return parse_verifier_key(key.strip())
        except MalformedError as error:
            raise ConfigError(f"`--key` is no verifier key: {error}") from error
    raw = files.read(VERIFIER_KEY)
    if raw is None:
        raise ConfigError(f"the log `{files.folder}` has no `{VERIFIER_KEY}`", hint="give the key with --key")
    try:
        return parse_verifier_key(raw.decode("utf-8").strip())
    except (MalformedError, UnicodeDecodeError) as error:
        report.find(VERIFIER_KEY, f"it is no verifier key: {error}")
        return None


def _check(verifier: Verifier, folders: Folders, record: str) -> Report:
    conninfo = find_disclosures(folders, record)
    if not conninfo:
        return check_log(folders.log, verifier, folders.spool)
    keys = find_seals(folders)
    with PostgresDisclosures(conninfo, keys) as disclosures:
        return check_log(folders.log, verifier, folders.spool, disclosures, keys.erased if keys else {})


def _as_json(
    report: Report | Verdict, verifier: Verifier | Key | None, *, key_given: bool, code: int
) -> dict[str, Any]:
    return {
        "log": verifier.name if verifier else None,
        "key_from": "the caller" if key_given else "the log itself",
        "exit_code": code,
        **report.as_json(),
    }


def _print(report: Report | Verdict, verifier: Verifier | Key | None, *, key_given: bool) -> None:
    if verifier is not None:
        typer.echo(f"log {verifier.name}")
        typer.echo(
            "key: as given"
            if key_given
            else "key: from the log itself (trust on first use); give one that you trust with --key"
        )
    for what, number in report.counts.items():
        typer.echo(f"checked: {number:,} {what}" if what != "tree size" else f"size: {number:,} leaves")
    for note in report.notes:
        typer.echo(f"note: {note}")
    for what in report.not_checked:
        typer.echo(f"not checked: {what}")
    for what in report.could_not_tell:
        typer.echo(f"could not tell: {what}")
    for finding in report.findings:
        typer.echo(f"FALSE: {finding}")
    if report.left_out:
        typer.echo(f"FALSE: and {report.left_out:,} more")
    if report.findings:
        typer.echo(f"{len(report.findings) + report.left_out:,} found false")
    elif report.could_not_tell:
        typer.echo("could not tell: not everything could be read; what was checked holds")
    else:
        typer.echo("everything that was checked holds")
