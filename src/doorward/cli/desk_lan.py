"""`doorward desk --lan`: the front desk for the phones of one building, over HTTPS, since phones need it."""

import ipaddress
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import typer

from doorward.cli.folders import Folders
from doorward.desk.configuration import DeskConfiguration
from doorward.desk.entrance.certificate import (
    Made,
    check_pair,
    ends,
    fingerprint,
    is_good,
    make_authority,
    make_leaf,
    may_speak,
)
from doorward.errors import ConfigError

PORT: Final = 8443
HERE: Final = ("127.0.0.1", "localhost")
CERTIFICATES: Final = "certificates"


@dataclass(frozen=True, slots=True)
class Lan:
    """What was asked for.

    Args:
        address: One address of this machine.
        names: Further names under which phones find it.
        certificate: With `key`; None where one is made.
        whole: The desk's pages are reachable too, not the front desk alone.
    """

    address: str
    port: int
    names: tuple[str, ...]
    certificate: Path | None
    key: Path | None
    whole: bool

    @property
    def hosts(self) -> tuple[str, ...]:
        """Everything that a browser may type."""
        return (self.address, *self.names, *HERE)

    @property
    def binds(self) -> tuple[str, ...]:
        """Where the desk listens: in the network, and on this machine."""
        return (f"{_bracketed(self.address)}:{self.port}", f"{HERE[0]}:{self.port}")


def read_lan(  # flags of a command
    *,
    lan: str,
    port: int,
    names: Sequence[str],
    certificate: Path | None,
    key: Path | None,
    make: bool,
    whole: bool,
) -> Lan:
    """Return what was asked for.

    Raises:
        ConfigError: No address of a network of one's own; a certificate without a key; neither or both ways to one.
    """
    try:
        address = ipaddress.ip_address(lan)
    except ValueError as error:
        raise ConfigError(
            "`--lan` takes one address of this machine", hint="such as --lan 192.168.1.20"
        ) from error
    if address.is_unspecified or address.is_multicast or address.is_loopback:
        raise ConfigError(f"`--lan {lan}` is no address in a network", hint="such as --lan 192.168.1.20")
    if address.is_global:
        raise ConfigError(
            f"`--lan {lan}` is an address of the internet, and a sample's desk is for one building",
            hint="a city's desk listens where [desk] of doorward.toml says",
        )
    if (certificate is None) != (key is None):
        raise ConfigError("`--certificate` and `--key` go together")
    if (certificate is not None) == make:
        raise ConfigError(
            "phones need HTTPS", hint="give --certificate and --key, or --make-certificate, and not both"
        )
    return Lan(str(address), port, tuple(one.lower() for one in names), certificate, key, whole)


def prepare_lan(lan: Lan, folders: Folders) -> tuple[str, str]:
    """Return the files of the certificate and its key, made or renewed where they are to be made; says what to do.

    Raises:
        ConfigError: A certificate that phones would refuse, or a key that others can read.
    """
    now = datetime.now(UTC)  # noqa: TID251  # the command line may read the clock
    if lan.certificate is not None and lan.key is not None:
        check_private(lan.key)
        check_pair(_read(lan.certificate), _read(lan.key), (lan.address, *lan.names), now=now)
        files = lan.certificate, lan.key
    else:
        files = _make(lan, folders, now=now)
    if lan.whole:
        typer.echo("the desk's pages are open to this network: in a sample, anybody there can play anybody")
    typer.echo(f"front desk: https://{_bracketed(lan.address)}:{lan.port}/front/")
    typer.echo(f"the certificate holds until {ends(_read(files[0])).date()}")
    return str(files[0]), str(files[1])


def configure_lan(lan: Lan, made: DeskConfiguration) -> DeskConfiguration:
    """Return a sample's configuration for a building: by HTTPS alone, under these names alone."""
    origins = tuple(f"https://{_bracketed(one)}:{lan.port}" for one in lan.hosts)
    return replace(made, origins=origins, front_only=not lan.whole, self_made=lan.certificate is None)


def check_private(key: Path, *, what: str = "key") -> None:
    """Refuse a key, or another secret, that anybody else on this machine can read.

    Raises:
        ConfigError: It is not there, or its rights are wider than its owner's.
    """
    try:
        mode = stat.S_IMODE(key.stat().st_mode)
    except OSError as error:
        raise ConfigError(f"the {what} `{key.name}` cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise ConfigError(
            f"the {what} `{key.name}` can be read by others ({mode:04o})", hint=f"chmod 600 {key}"
        )


def _make(lan: Lan, folders: Folders, *, now: datetime) -> tuple[Path, Path]:
    folder = folders.data / CERTIFICATES
    folder.mkdir(exist_ok=True)
    root, root_key = folder / "lan-authority.crt", folders.keys / "lan-authority.key"
    leaf, leaf_key = folder / "lan.crt", folders.keys / "lan.key"
    if root.exists() and root_key.exists() and may_speak(_read(root), lan.hosts, now=now):
        check_private(root_key)
        authority = Made(_read(root), _read(root_key))
    else:
        authority = make_authority(lan.hosts, now=now)
        _write(root_key, authority.key, mode=0o600)
        _write(root, authority.certificate, mode=0o644)
        typer.echo("made a new authority: every phone has to be given it once")
    if not (
        leaf.exists()
        and leaf_key.exists()
        and is_good(_read(leaf), authority.certificate, lan.hosts, now=now)
    ):
        made = make_leaf(authority, lan.hosts, now=now)
        _write(leaf_key, made.key, mode=0o600)
        _write(leaf, made.certificate, mode=0o644)
    check_private(leaf_key)
    typer.echo(f"give each phone this file: {root}")
    typer.echo(f"and compare its SHA-256 there: {fingerprint(authority.certificate)}")
    return leaf, leaf_key


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"`{file.name}` cannot be read: {error.strerror}") from error


def _write(file: Path, raw: bytes, *, mode: int) -> None:
    part = file.with_name(f".{file.name}.{os.getpid()}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as sink:
        sink.write(raw)
    part.replace(file)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
