"""`doorward desk`: requests that people bring, in a browser; started by `doorward up`, or alone.

The first start makes the desk's secret and brings its database to this version. SIGTERM and SIGINT end it in order.
"""

import os
import secrets
import socket
import stat
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from psycopg.conninfo import make_conninfo

from doorward.cli.children import stop_with_parent
from doorward.cli.desk_lan import PORT as LAN_PORT
from doorward.cli.desk_lan import Lan, check_private, configure_lan, prepare_lan, read_lan
from doorward.cli.folders import Folders, find_folders
from doorward.cli.host_logs import hold_doors
from doorward.cli.running import ORDER, read_run
from doorward.cli.settings import Settings, read_settings
from doorward.desk.configuration import FILE, VARIABLE, DeskConfiguration, FundPlace, Provider
from doorward.desk.database import DATABASE, ROLE
from doorward.errors import ConfigError
from doorward.fund.place import DATABASE as FUND_DATABASE
from doorward.fund.place import ROLE as FUND_ROLE
from doorward.orders.fund import FUND
from doorward.orders.load import load_pack

PORT: Final = 8000
HOST: Final = "127.0.0.1"
SAMPLE_PLACES: Final = "sample_places.toml"
SECRET: Final = "desk.secret"  # noqa: S105  # the name of a file


Port = Annotated[
    int | None,
    typer.Option(
        min=1, max=65535, help="where browsers find it (default 8000 on 127.0.0.1, 8443 with --lan)"
    ),
]
LanAddress = Annotated[
    str | None, typer.Option(help="an address of this machine, for the phones of its building, over HTTPS")
]
Certificate = Annotated[Path | None, typer.Option(help="with --lan: a certificate that the phones trust")]
Key = Annotated[Path | None, typer.Option(help="of the certificate; nobody else may read it")]
MakeCertificate = Annotated[
    bool, typer.Option("--make-certificate", help="with --lan: make or renew one of its own")
]
Names = Annotated[list[str] | None, typer.Option(help="with --lan: a name that phones type; more than once")]
LanDesk = Annotated[
    bool, typer.Option("--lan-desk", help="with --lan: the desk's pages too, not the front desk alone")
]


def desk(  # noqa: PLR0913, PLR0917  # flags of a command
    data: Annotated[Path | None, typer.Option(help="the data folder (default ./.doorward)")] = None,
    port: Port = None,
    order: Annotated[str, typer.Option(help="the order that is asked: a name or a folder")] = ORDER,
    config: Annotated[
        Path | None, typer.Option(help="doorward.toml with a section `desk`, for a city")
    ] = None,
    lan: LanAddress = None,
    certificate: Certificate = None,
    key: Key = None,
    make_certificate: MakeCertificate = False,  # noqa: FBT002  # a command-line flag
    name: Names = None,
    lan_desk: LanDesk = False,  # noqa: FBT002  # as above
) -> None:
    """Serve the desk in the foreground until it is told to stop; a sample's needs a running `doorward up`."""
    pair: tuple[str, str] | None = None
    asked = _asked_lan(
        lan,
        port=port,
        names=name or [],
        certificate=certificate,
        key=key,
        make=make_certificate,
        whole=lan_desk,
    )
    if asked is not None and config is not None:
        raise ConfigError(
            "`--lan` is for a sample", hint="a city's desk listens where [desk] of doorward.toml says"
        )
    addresses = (f"{HOST}:{port or PORT}",) if asked is None else asked.binds
    if config is None:
        folders = find_folders(data)
        configuration, file = (
            sample_configuration(folders, port=port or PORT, order=order),
            folders.run / FILE,
        )
        if asked is not None:
            configuration, pair = configure_lan(asked, configuration), prepare_lan(asked, folders)
    else:
        settings = read_settings(config)
        configuration, file = city_configuration(settings)
        hold_doors(settings, Folders(settings.data))
        assert settings.desk is not None
        addresses = (f"{settings.desk.host}:{settings.desk.port}",)
        if settings.desk.certificate is not None and settings.desk.key is not None:
            check_private(settings.desk.key)
            pair = (str(settings.desk.certificate), str(settings.desk.key))
    configuration.check()
    for address in addresses:
        check_free(address)
    write_private(file, configuration.format())
    os.environ[VARIABLE] = str(file)
    from doorward.desk.serve import prepare, serve

    prepare()
    if stat.S_ISFIFO(os.fstat(0).st_mode):  # `doorward up` holds the other end
        stop_with_parent()
    serve(configuration, addresses=addresses, certificate=pair)


def _asked_lan(lan: str | None, *, port: int | None, names: list[str], make: bool, **more: Any) -> Lan | None:  # noqa: ANN401  # flags of a command
    if lan is None:
        if names or make or any(more.values()):
            raise ConfigError(
                "these flags go with `--lan`", hint="such as --lan 192.168.1.20 --make-certificate"
            )
        return None
    return read_lan(lan=lan, port=port or LAN_PORT, names=names, make=make, **more)


def check_free(address: str) -> None:
    """Refuse an address that another program listens on, before anything is prepared.

    Raises:
        ConfigError: It is taken, or none of this machine.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.create_server((host, int(port)), family=family):
            return
    except OSError as error:
        raise ConfigError(
            f"the desk cannot listen on {address}: {error.strerror}; another port is `up --desk-port`, `desk --port`"
        ) from error


def city_configuration(settings: Settings) -> tuple[DeskConfiguration, Path]:
    """Return the configuration of a city's desk, and the file that its processes read it from.

    Raises:
        ConfigError: The settings have no section `[desk]`, or a secret cannot be read.
    """
    desk = settings.desk
    if desk is None:
        raise ConfigError("doorward.toml has no section `[desk]`", hint="see the page on settings")
    folders = Folders(settings.data)
    folders.make()
    provider = None
    if desk.issuer and desk.client_secret is not None:
        check_private(desk.client_secret, what="client secret")
        secret = _read_secret(desk.client_secret)
        provider = Provider(
            desk.issuer, desk.client, secret, desk.login_claim, desk.second_factor, desk.ask_factor
        )
    made = DeskConfiguration(
        desk.conninfo, settings.order, folders.data.absolute(), find_secret(folders), desk.origins,
        sample=False, time_zone=desk.time_zone, provider=provider, proxies=desk.proxies,
        notices=settings.notices, paper_key=desk.paper_key, front=desk.front,
        has_later_second=desk.second_signature_later,
        fund=None if settings.fund is None else FundPlace(settings.fund.conninfo, settings.fund.order),
        durable=tuple(sorted(kind.name.lower() for kind in settings.keeping.kinds)),
    )  # fmt: skip
    return made, folders.run / FILE


def _read_secret(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"`{file.name}` cannot be read") from error


def sample_configuration(folders: Folders, *, port: int, order: str) -> DeskConfiguration:
    """Return the configuration of a sample's desk.

    Raises:
        ConfigError: `doorward up` does not run.
    """
    record = read_run(folders, "record")
    conninfo = make_conninfo(
        host=record["socket_dir"], port=record["port"], user=ROLE, dbname=DATABASE, application_name="desk"
    )
    origins = (f"http://{HOST}:{port}", f"http://localhost:{port}")
    if not folders.places.exists() and order == ORDER:
        text = resources.files("doorward.desk").joinpath(SAMPLE_PLACES).read_text(encoding="utf-8")
        write_private(folders.places, text)
    fund = None
    if FUND in load_pack(order).files:
        fund = FundPlace(make_conninfo(conninfo, user=FUND_ROLE, dbname=FUND_DATABASE), order)
    made = DeskConfiguration(conninfo, order, folders.data.absolute(), "", origins, sample=True, fund=fund)
    return replace(made, secret=find_secret(folders))


def find_secret(folders: Folders) -> str:
    """Return what the desk's sessions are signed with; made at the first start.

    Raises:
        ConfigError: The file cannot be read.
    """
    file = folders.keys / SECRET
    try:
        if not file.exists():
            write_private(file, secrets.token_urlsafe(48))
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"the desk's secret `{file.name}` cannot be read: {error.strerror}") from error


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner reads, whole."""
    part = file.with_name(f".{file.name}.{os.getpid()}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as sink:
        sink.write(text)
    part.replace(file)
