"""`doorward up`: everything of the main job, started in order, shown in one panel, stopped together."""

import json
import os
import secrets
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from doorward.cli.children import Child, start_child, wait_for_end
from doorward.cli.folders import Folders, find_folders
from doorward.cli.observation import ENFORCED, load_observation, open_observing, scopes_to_install
from doorward.cli.order_book import load_book, load_order
from doorward.cli.panel import Ports, show_panel
from doorward.cli.running import DATABASE, ORDER, REGISTER, record_conninfo
from doorward.errors import ConfigError, DoorwardError
from doorward.orders.intake import INTAKE
from doorward.orders.load import Pack, load_pack

CITY_PORT = 6431
GATEWAY_PORT = 6432
DESK_PORT = 8000
WORKLOADS = ("records_app",)  # the sample's application; it uses neither COPY FROM nor pg_dump
SCRAM_ITERATIONS = 4096
READY_SECONDS = 30
HOST = "this-host.json"
LOOK_SECONDS = "300"


def up(  # noqa: PLR0917  # flags of a command
    data: Annotated[Path | None, typer.Option(help="the data folder (default ./.doorward)")] = None,
    port: Annotated[int, typer.Option(help="where the gateway listens, on 127.0.0.1")] = GATEWAY_PORT,
    city_port: Annotated[int, typer.Option(help="where the sample city's own server listens")] = CITY_PORT,
    desk_port: Annotated[int, typer.Option(help="where the desk is, on 127.0.0.1; 0 is no desk")] = DESK_PORT,
    order: Annotated[str, typer.Option(help="the order to put into force: a name or a folder")] = ORDER,
    production: Annotated[bool, typer.Option("--production", help="refused: this is a sample")] = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Start the sample city, the order, the record and the gateway; Ctrl-C stops all."""
    if production:
        raise ConfigError(
            "`--production` is refused: the servers are embedded and the order is adopted by `sample`",
            hint="an order for production is adopted by an office and installed on the city's own server",
        )
    console = Console()
    folders = find_folders(data)
    started = time.monotonic()
    folders.make()
    ports = Ports(gateway=port, city=city_port, desk=desk_port)
    observed = find_observed_line(folders, order)
    with folders.lock(), running(folders, ports, order=order, console=console) as (children, first):
        if first:
            _first_tour(folders, console)
        seconds = time.monotonic() - started
        show_panel(console, folders, ports, seconds=seconds, observed=observed)
        ended = wait_for_end(children)
        if ended is not None:
            raise DoorwardError(
                f"the {ended.name} ended by itself, so everything was stopped: {ended.last_words()}"
            )
        console.print("stopping")


def find_observed_line(folders: Folders, order: str) -> str:
    """Return what the panel says of clauses that are observed.

    Raises:
        ConfigError: A note lies in the data folder and does not hold; nothing was started.
    """
    if not folders.observe.exists():
        return ENFORCED
    now = datetime.now(UTC)  # noqa: TID251  # the command line may read the clock
    found = load_observation(folders, load_pack(order), now=now)
    return ENFORCED if found is None else found.says()


@contextmanager
def running(
    folders: Folders, ports: Ports, *, order: str, console: Console
) -> Iterator[tuple[list[Child], bool]]:
    """Yield the running gateway and publisher, and whether this was the first start; stops all at the end.

    Raises:
        DoorwardError: Something did not start; what had started is stopped again.
    """
    with ExitStack() as stack:
        pack, first = start_servers(folders, stack, city_port=ports.city, order=order, console=console)
        children: list[Child] = []
        starts: list[tuple[str, tuple[str, ...], float]] = [
            ("publisher", (), 0.0),
            ("gateway", ("--port", str(ports.gateway), "--order", order), READY_SECONDS),
        ]
        if ports.desk and INTAKE in pack.files:
            starts.append(("desk", ("--port", str(ports.desk), "--order", order), READY_SECONDS))
        for name, arguments, wait in starts:
            child = start_child(name, folders, *arguments, wait_seconds=wait)
            stack.callback(child.stop)
            children.append(child)
        if ports.desk:  # it looks by itself; that it ends is no reason to stop the door
            looks = ("--order", order, "--write", str(folders.hosts / HOST), "--every", LOOK_SECONDS)
            stack.callback(start_child("doctor", folders, *looks).stop)
        _write_run(folders, "gateway", {"port": ports.gateway, "pid": children[1].process.pid})
        yield children, first


def start_servers(
    folders: Folders, stack: ExitStack, *, city_port: int, order: str, console: Console
) -> tuple[Pack, bool]:
    """Start both servers with all that belongs into them; return the order, and whether this was the first start."""
    from doorward.embedded.clusters import city_spec, record_spec
    from doorward.embedded.launcher import Cluster

    city = Cluster(city_spec(folders.data, city_port))
    record = Cluster(record_spec(folders.data))
    with ThreadPoolExecutor(2) as threads:
        starts = [threads.submit(cluster.start) for cluster in (city, record)]
        stack.callback(record.stop)
        stack.callback(city.stop)
        for start in starts:
            start.result()
    record_socket = {"socket_dir": str(record.spec.socket_dir), "port": record.spec.port}
    _write_run(folders, "record", record_socket)
    _write_run(folders, "city", {"socket_dir": str(city.spec.socket_dir), "port": city.spec.port})
    stack.callback(_clear_run, folders)
    first = _prepare_city(folders, city.dsn(user="postgres", dbname="postgres"), console)
    pack = _prepare_order(folders, order, city.dsn(user="postgres", dbname=DATABASE), console)
    _prepare_record(folders, pack, record.dsn(user="postgres", dbname="postgres"))
    _prepare_people(folders)
    return pack, first


def _prepare_city(folders: Folders, dsn: str, console: Console) -> bool:
    from doorward.embedded.sample import create_sample

    with psycopg.connect(dsn, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            return False
    password_file = folders.keys / "records_app.password"
    if not password_file.exists():
        handle = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as sink:
            sink.write(secrets.token_urlsafe(18))
    columns = (TextColumn("  {task.description:<16}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def progress(table: str, done: int, total: int) -> None:
            if table not in tasks:
                tasks[table] = bar.add_task(table, total=total)
            bar.update(tasks[table], completed=done)

        create_sample(dsn, app_password=password_file.read_text(encoding="utf-8"), progress=progress)
    return True


def _prepare_order(folders: Folders, order: str, dsn: str, console: Console) -> Pack:
    from doorward.install.install import Terms, install, is_installed
    from doorward.install.stops import Declared

    pack, book = load_order(folders, order)
    now = datetime.now(UTC)  # noqa: TID251  # the command line may read the clock
    observed = load_observation(folders, pack, now=now)
    make = partial(load_book, folders)
    if observed is not None:
        open_observing(
            observed, pack, book, make
        )  # compiled and kept now: the gateway has to be ready in time
    book = scopes_to_install(observed, book, make)
    with psycopg.connect(dsn, autocommit=True) as connection:
        if is_installed(connection, order_digest=pack.digest, book=book):
            return pack
        done = install(
            connection,
            pack,
            book,
            Terms(
                declared=Declared(neither=WORKLOADS),
                registers={REGISTER.table: REGISTER.columns},
                counts=False,
            ),
            now=now,
        )
    console.print(f"  order {pack.name} in force: {done.scopes} scopes, {len(done.created)} new")
    return pack


def _prepare_record(folders: Folders, pack: Pack, dsn: str) -> None:
    from doorward.cli.fund_fill import prepare_fund
    from doorward.desk.database import make_database
    from doorward.record.disclosures import prepare_server

    prepare_server(dsn)
    make_database(dsn)
    now = datetime.now(UTC)  # noqa: TID251  # the command line may read the clock
    prepare_fund(folders, pack, dsn, now=now, key=uuid.uuid4())  # noqa: TID251  # an id is drawn here
    (folders.run / "record.dsn").write_text(record_conninfo(folders) + "\n", encoding="utf-8")


def _prepare_people(folders: Folders) -> None:
    from doorward.cli.sample import AGREEMENTS, OTHERS, PEOPLE, as_people
    from doorward.grants.people import save_agreements, save_people
    from doorward.pgwire.scram import make_verifier

    if not folders.people.exists():
        verifiers = {
            person.login: str(
                make_verifier(person.password, salt=secrets.token_bytes(16), iterations=SCRAM_ITERATIONS)
            )
            for person in (*PEOPLE, *OTHERS)
        }
        save_people(as_people(verifiers), folders.people)
    if not folders.agreements.exists():
        save_agreements(AGREEMENTS, folders.agreements)


def _first_tour(folders: Folders, console: Console) -> None:
    from doorward.cli.tour import play_tour, print_tour

    print_tour(console, play_tour(folders))


def _write_run(folders: Folders, name: str, value: dict[str, Any]) -> None:
    (folders.run / f"{name}.json").write_text(json.dumps(value) + "\n", encoding="utf-8")


def _clear_run(folders: Folders) -> None:
    for name in ("city.json", "record.json", "gateway.json", "record.dsn", "desk.json"):
        (folders.run / name).unlink(missing_ok=True)
