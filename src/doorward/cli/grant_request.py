"""`doorward grant request`: ask the door without a database client.

It is a client like any other: it connects through the gateway with the person's own login, states the words, and says
what came of it. Who asks, what is decided and what is recorded is the door's; this command knows nothing of its own.
Where the order refers, the ask is on file afterwards.

A password is libpq's: PGPASSWORD, PGPASSFILE, or asked for at a terminal. It is never an argument.

Exit codes: 0 permitted; 1 refused; 2 an argument is wrong; 3 no answer; 4 referred, and on file.
"""

import json
import re
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import psycopg
import typer
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from doorward.cli.folders import find_folders
from doorward.cli.installation import Config, Data
from doorward.cli.running import DATABASE, read_run
from doorward.cli.settings import ListenSettings, read_settings
from doorward.errors import ConfigError
from doorward.gateway.dial import parse_place
from doorward.gateway.verdict import ON_FILE, REFERRED, UNDECIDED

POLL_SECONDS: Final = 5.0
CONNECT_SECONDS: Final = 30
MAX_WAIT_MINUTES: Final = 24 * 60
NO_PASSWORD: Final = "no password supplied"  # noqa: S105  # libpq's words
EXIT: Final = {"permitted": 0, "refused": 1, "no answer": 3, "referred": 4}
_FATAL: Final = re.compile(r"FATAL:\s+(?P<message>.*?)(?=\n[A-Z]+:|\Z)", re.DOTALL)
_MORE: Final = re.compile(r"^(?P<name>DETAIL|HINT):\s+(?P<text>.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the door said.

    Args:
        answer: ``permitted``, ``referred``, ``refused`` or ``no answer``.
        is_final: False where asking again may bring another answer.
    """

    answer: str
    message: str
    detail: str = ""
    hint: str = ""
    is_final: bool = True


def request(  # noqa: PLR0913, PLR0917  # flags of a command
    purpose: Annotated[str, typer.Option(help="the purpose, a word of the order")],
    case: Annotated[str, typer.Option(help="the case number that it rests on")] = "",
    for_: Annotated[str, typer.Option("--for", help="the agency that benefits, a word of the order")] = "",
    user: Annotated[str | None, typer.Option(help="your login (default libpq's)")] = None,
    conninfo: Annotated[
        str | None, typer.Option(help="where the door is, as psql takes it; without a password")
    ] = None,
    wait: Annotated[
        int, typer.Option(min=0, max=MAX_WAIT_MINUTES, help="minutes to wait for an official's answer")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a command-line flag
    config: Config = None,
    data: Data = None,
) -> None:
    """Ask the door for access, and say what it answers; what the order refers is on file then."""
    stated = {"purpose": purpose, "case": case, "for": for_}
    options = " ".join(f"-c doorward.{name}={_escape(value)}" for name, value in stated.items() if value)
    parameters: dict[str, Any] = {**_where(conninfo, config, data), "options": options}
    if user is not None:
        parameters["user"] = user
    heard = _ask_until(parameters, time.monotonic() + wait * 60)
    if as_json:
        typer.echo(json.dumps({name: value for name, value in asdict(heard).items() if name != "is_final"}))
    else:
        for line in (heard.message, heard.detail, f"hint: {heard.hint}" if heard.hint else ""):
            if line:
                typer.echo(line)
    raise typer.Exit(EXIT[heard.answer])


def read_refusal(text: str) -> Heard:
    """Return what a failed connection says, as libpq prints it; the last server that was tried counts."""
    found = list(_FATAL.finditer(text))
    if not found:
        last = text.strip().splitlines()[-1][:300] if text.strip() else "no connection"
        return Heard("no answer", f"no answer: {last}", is_final=False)
    message = " ".join(found[-1]["message"].split())
    more = {each["name"]: each["text"].strip() for each in _MORE.finditer(text, found[-1].end())}
    detail, hint = more.get("DETAIL", ""), more.get("HINT", "")
    if UNDECIDED in message:
        return Heard("no answer", message, detail, hint, is_final=False)
    if message.startswith(REFERRED) and ON_FILE in detail:
        return Heard("referred", message, detail, hint, is_final=False)
    return Heard("refused", message, detail, hint)


def _ask_until(parameters: dict[str, Any], deadline: float) -> Heard:
    heard = _ask(parameters)
    while not heard.is_final and time.monotonic() < deadline:
        time.sleep(min(POLL_SECONDS, max(deadline - time.monotonic(), 0)))
        heard = _ask(parameters)
    return heard


def _ask(parameters: dict[str, Any]) -> Heard:
    try:
        psycopg.connect(**parameters).close()
    except psycopg.OperationalError as error:
        if NO_PASSWORD in str(error) and "password" not in parameters and sys.stdin.isatty():
            parameters["password"] = typer.prompt("password", hide_input=True, err=True)
            return _ask(parameters)
        return read_refusal(str(error))
    except psycopg.Error as error:
        return Heard("no answer", f"no answer: {str(error).strip().splitlines()[0][:300]}", is_final=False)
    return Heard("permitted", "permitted: connect with the same words")


def _where(conninfo: str | None, config: Path | None, data: Path | None) -> dict[str, Any]:
    if conninfo is not None:
        return {"connect_timeout": CONNECT_SECONDS, **_read_conninfo(conninfo)}
    if config is not None:
        settings = read_settings(config)
        place = {**_listening(settings.listen), "dbname": parse_place(settings.database).database}
    else:
        port = read_run(find_folders(data), "gateway")["port"]
        place = {"host": "127.0.0.1", "port": port, "dbname": DATABASE, "sslmode": "disable"}
    return {"connect_timeout": CONNECT_SECONDS, **place}


def _read_conninfo(text: str) -> dict[str, Any]:
    try:
        found = conninfo_to_dict(text)
    except psycopg.ProgrammingError as error:
        raise ConfigError("--conninfo is no connection string") from error
    for name in ("password", "options"):
        if name in found:
            hint = (
                "use PGPASSFILE, or wait to be asked"
                if name == "password"
                else "state the words as arguments"
            )
            raise ConfigError(f"--conninfo takes no `{name}`", hint=hint)
    return dict(conninfo_to_dict(make_conninfo(text)))


def _listening(listen: ListenSettings) -> dict[str, Any]:
    host = "localhost" if listen.host in {"0.0.0.0", "::"} else listen.host  # noqa: S104  # where it listens
    if listen.plain:
        return {"host": host, "port": listen.port, "sslmode": "disable"}
    # No root is at hand for the door's certificate here; a password that is bound to the channel needs none.
    return {"host": host, "port": listen.port, "sslmode": "require", "channel_binding": "require"}


def _escape(value: str) -> str:
    # As PostgreSQL splits `options`: a backslash takes the next character as it is (pg_split_opts).
    return re.sub(r"([\\\s])", r"\\\1", value)
