"""`doorward log witness`: cosign the checkpoints of other people's logs, so that none can show two histories.

One folder is one witness: its keys, what it cosigned last of each log, and the evidence it was shown. `run` serves in
the foreground and writes a line for each answer; SIGTERM ends it, kill -9 may come at any time.
"""

import asyncio
import json
import os
import signal
import ssl
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from doorward.errors import ConfigError, MalformedError
from doorward.record.cosignature import format_key
from doorward.record.witness import KnownLog, log_id, parse_logs
from doorward.record.witness_server import Answer, Witness, WitnessServer
from doorward.record.witness_state import EVIDENCE, WitnessState, make_witness

app = typer.Typer(no_args_is_help=True, add_completion=False)

LOGS: Final = "logs"
_MAX_LOGS_BYTES: Final = 4 * 1024 * 1024

Folder = Annotated[Path, typer.Argument(help="the witness's folder")]
Json = Annotated[bool, typer.Option("--json", help="print JSON for a machine")]


@app.callback()
def witness() -> None:
    """Run a witness for other people's logs."""


@app.command("new")
def new(
    folder: Folder,
    name: Annotated[
        str,
        typer.Option(help="its name for ever, such as `witness.city.example/w1`; without a space or a plus"),
    ],
    ml_dsa: Annotated[bool, typer.Option("--ml-dsa", help="a second key, of ML-DSA-44")] = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Make a witness: its keys and its empty memory. Prints the verifier keys that others put into their policy."""
    try:
        cosigners = make_witness(folder, name, ml_dsa=ml_dsa, random=os.urandom(64))
    except MalformedError as error:
        raise ConfigError(f"`--name` is no name of a witness: {error}") from error
    for cosigner in cosigners:
        typer.echo(format_key(cosigner.key))


@app.command("run")
def run(  # noqa: PLR0917  # flags of a command
    folder: Folder,
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="the port; 0 takes a free one")] = 6490,
    logs: Annotated[
        Path | None,
        typer.Option(help="the logs that it cosigns for, a verifier key a line (default FOLDER/logs)"),
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="PEM, to serve TLS itself")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM of the certificate's key")] = None,
    as_json: Json = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Answer logs until told to stop. A log that is added to the list is known after the next start."""
    context = _make_context(certificate, key)
    known = read_logs(logs or folder / LOGS)
    state = WitnessState.open(folder)
    try:
        asyncio.run(_serve(Witness(state, known, _clock), host, port, context, as_json=as_json))
    finally:
        state.close()


@app.command("status")
def status(folder: Folder, as_json: Json = False) -> None:  # noqa: FBT002  # a command-line flag
    """Print what a witness remembers and what evidence it holds; exit code 1 where it was shown a fork or a rollback.

    The witness must not be running: the folder is locked.
    """
    state = WitnessState.open(folder)
    try:
        evidence = sorted(file.name for file in (folder / EVIDENCE).iterdir())
        document = {
            "keys": [format_key(cosigner.key) for cosigner in state.cosigners],
            "logs": {
                origin: {
                    "id": log_id(origin),
                    "size": last.tree_size,
                    "root": last.root.hex(),
                    "time": last.time,
                }
                for origin, last in state.remembered.items()
            },
            "evidence": evidence,
            "rolled_back": sorted(state.rolled_back),
        }
    finally:
        state.close()
    if as_json:
        typer.echo(json.dumps(document, indent=1, ensure_ascii=False))
    else:
        for line in document["keys"]:
            typer.echo(f"key {line}")
        for origin, last in state.remembered.items():
            typer.echo(f"log {origin}: size {last.tree_size:,}, cosigned {moment(last.time)}")
        for name in evidence:
            typer.echo(f"evidence: {name}")
        for name in sorted(state.rolled_back):
            typer.echo(f"NOT SIGNING: its memory of the log {name} was put back to an older state")
    is_bad = bool(state.rolled_back) or any("-fork-" in name for name in evidence)
    raise typer.Exit(1 if is_bad else 0)


def read_logs(file: Path) -> dict[str, KnownLog]:
    """Return the logs that a file lists.

    Raises:
        ConfigError: It cannot be read, or a line is no verifier key.
    """
    try:
        with file.open("rb") as source:
            return parse_logs(source.read(_MAX_LOGS_BYTES).decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the list of logs `{file}` cannot be read as text",
            hint="a verifier key a line; or none, for no log",
        ) from error
    except MalformedError as error:
        raise ConfigError(f"`{file}`: {error}") from error


def _make_context(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise ConfigError("`--certificate` and `--key` are given together")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError("the certificate or its key cannot be used") from error
    return context


async def _serve(
    served: Witness, host: str, port: int, context: ssl.SSLContext | None, *, as_json: bool
) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)

    def told(answer: Answer) -> None:
        _say(_facts(answer), as_json=as_json)

    server = await WitnessServer(served, told).serve(host, port, context)
    bound = server.sockets[0].getsockname()
    _say(
        {"event": "listening", "host": bound[0], "port": bound[1], "logs": len(served.logs)}, as_json=as_json
    )
    await stop.wait()
    server.close()


def _facts(answer: Answer) -> dict[str, str | int]:
    """Return what an operator's line says; of a log that is not known it says nothing."""
    facts: dict[str, str | int] = {"event": "answered", "status": answer.status}
    if answer.origin:
        facts["log"] = answer.origin
    if answer.tree_size:
        facts["size"] = answer.tree_size
    if answer.evidence:
        facts["evidence"] = answer.evidence
    return facts


def _say(facts: Mapping[str, str | int], *, as_json: bool) -> None:
    facts = {"time": moment(_clock()), **facts}
    line = (
        json.dumps(facts, ensure_ascii=False)
        if as_json
        else " ".join(f"{key}={value}" for key, value in facts.items())
    )
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _clock() -> int:
    return int(time.time())  # noqa: TID251  # a cosignature says when


def moment(seconds: int) -> str:
    """Return seconds since 1970 as people and machines read them."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
