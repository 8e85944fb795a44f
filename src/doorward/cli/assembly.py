"""Putting the parts of one installation together; the only place where all of them meet."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg

from doorward.cli.folders import Folders
from doorward.cli.settings import IdentitySettings, Settings
from doorward.errors import ConfigError
from doorward.gateway.addresses import OnTwoAddresses
from doorward.gateway.alive import KEPT_ALIVE
from doorward.gateway.dial import Place, parse_place
from doorward.gateway.door import Door
from doorward.gateway.logins import AdminConnections, Logins
from doorward.gateway.presenting import IDLE_SECONDS, SESSION_MINUTES, Presenting
from doorward.gateway.server import Server, ServerParts
from doorward.grants.cut_files import load_cuts, load_officers
from doorward.grants.identity import IdentityProvider
from doorward.grants.identity_files import ProviderWatch, load_provider_keys
from doorward.grants.lapse import LapseRules, Lapsing, LastSeen
from doorward.grants.people import DirectoryWatch, load_directory
from doorward.grants.referral_files import Referrals
from doorward.grants.registers import NoRegister, PostgresCaseRegister, RegisterTable
from doorward.grants.used_tokens import UsedTokens
from doorward.install.names import ADMIN
from doorward.orders.load import Pack, load_pack
from doorward.policy.scopes import ScopeBook
from doorward.record.spool import Spool

DATABASE = "clear"
ORDER = "chicago"
DISCLOSURES = "disclosures"
RECORDER = "doorward_recorder"
SECRET_BYTES = 32
REGISTER = RegisterTable("public.cases", "case_no", "status", "kind", "assigned_to")  # the sample's


def load_order(
    folders: Folders, order: str, *, production: bool = False, collections: Path | None = None
) -> tuple[Pack, ScopeBook]:
    """Return the pack of this name or folder and its scopes, from the cache where the pack's digest is the same."""
    pack = load_pack(order, production=production, collections=collections)
    # By version too: another compiler may make other predicates of the same text.
    cache = folders.order / f"{pack.digest}-{version('doorward')}.json"
    if cache.exists():
        return pack, ScopeBook.from_json(cache.read_text(encoding="utf-8"))
    book = pack.scope_book()
    partial = cache.with_suffix(".partial")
    partial.write_text(book.to_json(), encoding="utf-8")
    partial.replace(cache)
    return pack, book


def scram_secret(folders: Folders) -> bytes:
    """Return the secret from which unknown logins get their salts; made once."""
    file = folders.keys / "scram.secret"
    if not file.exists():
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as sink:
            sink.write(os.urandom(SECRET_BYTES))
    secret = file.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise ConfigError("`keys/scram.secret` has the wrong length", hint="`doorward reset` makes a new one")
    return secret


def record_conninfo(folders: Folders) -> str:
    """Return how the publisher and `log verify` reach the disclosures on the record's own server."""
    record = read_run(folders, "record")
    return psycopg.conninfo.make_conninfo(
        host=record["socket_dir"],
        port=record["port"],
        user=RECORDER,
        dbname=DISCLOSURES,
        application_name="doorward",
    )


def read_run(folders: Folders, name: str) -> dict[str, Any]:
    """Return what `doorward up` wrote on a running server.

    Raises:
        ConfigError: doorward is not up in this folder.
    """
    try:
        found: dict[str, Any] = json.loads((folders.run / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"doorward is not up in `{folders.data}`", hint="start it with `doorward up`"
        ) from error
    return found


@dataclass(frozen=True, slots=True)
class GatewayParts:
    """What differs between the sample's gateway and a city's.

    Args:
        folders: Of the record, the keys and the people.
        pack: The order.
        book: Its compiled scopes.
        place: Where PostgreSQL is.
        admin: Conninfo of the gateway's own role there.
        register: Where the city keeps its cases, or None.
        collection: What stands for the database in the order.
        database: The name that clients connect to.
        lapsing: When logins lapse, or None: the sample's do not.
        provider: Whose tokens stand in the place of passwords on a listener of their own, or None.
        settings: The city's doorward.toml, or None for the sample.
    """

    folders: Folders
    pack: Pack
    book: ScopeBook
    place: Place
    admin: str
    register: RegisterTable | None
    collection: str
    database: str
    lapsing: LapseRules | None = None
    provider: ProviderWatch | None = None
    settings: Settings | None = None


def sample_gateway(folders: Folders, order: str) -> GatewayParts:
    """Return the parts of the sample's gateway, whose server `doorward up` started."""
    city = read_run(folders, "city")
    pack, book = load_order(folders, order)
    admin = psycopg.conninfo.make_conninfo(
        host=city["socket_dir"], port=city["port"], user=ADMIN, dbname=DATABASE, application_name="doorward"
    )
    place = Place(city["socket_dir"], city["port"], DATABASE, None)
    return GatewayParts(folders, pack, book, place, admin, REGISTER, DATABASE, DATABASE)


def city_gateway(settings: Settings) -> GatewayParts:
    """Return the parts of a gateway before a city's own server, as doorward.toml has them.

    Raises:
        ConfigError: Something that the file names is not what it must be.
    """
    folders = Folders(settings.data)
    folders.make()
    pack, book = load_order(
        folders, settings.order, production=settings.production, collections=settings.collections
    )
    if pack.model is None:
        raise ConfigError(f"the order {pack.name} stands at no database")
    place = parse_place(settings.database)
    if settings.production and not place.is_local and place.tls is None:
        raise ConfigError("`sslmode=disable` towards the database is refused with `production = true`")
    admin = psycopg.conninfo.make_conninfo(settings.database, user=ADMIN)
    register = RegisterTable(**settings.register) if settings.register else None
    collection = settings.collection or pack.model.database
    lapsing = LapseRules(settings.unused_days, settings.attested_days)
    return GatewayParts(
        folders, pack, book, place, admin, register, collection, place.database, lapsing,
        read_provider(settings.identity), settings,
    )  # fmt: skip


def read_provider(identity: IdentitySettings | None) -> ProviderWatch | None:
    """Return the identity provider with its keys, or None where the city has none.

    Raises:
        ConfigError: The file of its keys is no key set.
    """
    if identity is None:
        return None
    keys = load_provider_keys(identity.keys)
    provider = IdentityProvider(
        identity.issuer, identity.audience, keys, identity.login_claim, identity.second_factor
    )
    return ProviderWatch(provider, identity.keys)


def connect_admin(conninfo: str) -> psycopg.Connection[Any]:
    """Return a connection of the gateway's own role."""
    connection = psycopg.connect(
        psycopg.conninfo.make_conninfo(conninfo, **KEPT_ALIVE), autocommit=True, connect_timeout=5
    )
    # A grant lost with the server's crash is as it should be; see foundation.sql.
    connection.execute("SET synchronous_commit = off; SET statement_timeout = '10s'")
    return connection


@contextmanager
def assemble_gateway(parts: GatewayParts, *, now: datetime) -> Iterator[Server]:
    """Yield a gateway ready to listen; closes the spool and the connections at the end."""
    folders = parts.folders
    # The spool first: its lock says that no other gateway stands here, and only then may `recover` end what an
    # earlier one left.
    spool = Spool.open(folders.spool, now=now)
    admin = AdminConnections(partial(connect_admin, parts.admin))
    try:
        check_in_force(admin, parts)
        logins = Logins(admin, random=os.urandom)
        logins.recover()
        directory_files = (folders.people, folders.agreements, folders.applications)
        watch = DirectoryWatch(*directory_files)
        settings = parts.settings
        minutes = settings.session_minutes if settings is not None else SESSION_MINUTES
        door = Door(
            pack=parts.pack,
            book=parts.book,
            directory=load_directory(*directory_files),
            register=PostgresCaseRegister(admin, parts.register) if parts.register else NoRegister(),
            logins=logins,
            database=parts.collection,
            referrals=make_referrals(folders),
            lapsing=Lapsing(parts.lapsing, LastSeen(folders.seen)) if parts.lapsing is not None else None,
        )
        door.presenting = Presenting(UsedTokens(folders.used_tokens), parts.database, session_minutes=minutes)
        yield Server(
            ServerParts(
                door=door,
                spool=spool,
                server_secret=scram_secret(folders),
                place=parts.place,
                database=parts.database,
                load_cuts=lambda: load_cuts(folders.cuts, load_officers(folders.officers)),
                run_folder=folders.run,
                watch=watch,
                provider=parts.provider,
                cards=settings is not None and settings.cards,
                idle=timedelta(seconds=settings.idle_seconds if settings is not None else IDLE_SECONDS),
                on_two_addresses=OnTwoAddresses(settings.two_addresses if settings is not None else "lead"),
            )
        )
    finally:
        spool.close(now=now)
        admin.close()


def make_referrals(folders: Folders) -> Referrals:
    """Return the asks and answers of a data folder."""
    return Referrals(folders.asks, folders.answers, lambda: load_officers(folders.officials))


def check_in_force(admin: AdminConnections, parts: GatewayParts) -> None:
    """Check that the order which this gateway decides by is the one that the database holds.

    Raises:
        ConfigError: Another order, or none, is installed there.
        UpstreamError: The database does not let the gateway's own role in.
    """
    with admin.borrow() as connection:
        present = connection.execute("SELECT to_regclass('doorward.installation') IS NOT NULL").fetchone()
        row = (
            connection.execute("SELECT order_digest FROM doorward.installation").fetchone()
            if present == (True,)
            else None
        )
    if row is None:
        raise ConfigError("no order is in force in the database", hint="doorward order install")
    if row[0] != parts.pack.digest:
        raise ConfigError(
            f"the database holds another order than `{parts.pack.name}` with these collections",
            hint="doorward order install, with the same order and the same --collections",
        )
