"""Putting the parts of one installation together; the only place where all of them meet."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256

import psycopg

from doorward.cli.enactment import load_statement
from doorward.cli.folders import Folders
from doorward.cli.host_logs import Running, hold_doors
from doorward.cli.kept import make_attested, make_records, make_referrals, make_reviews
from doorward.cli.observation import load_observation, open_observing
from doorward.cli.order_book import load_book, load_order
from doorward.cli.register_assembly import check_register_place, make_asking
from doorward.cli.register_settings import RegisterSettings
from doorward.cli.running import DATABASE, REGISTER, connect_admin, read_run
from doorward.cli.settings import IdentitySettings, Settings
from doorward.errors import ConfigError
from doorward.gateway.accounting import Accounting
from doorward.gateway.addresses import OnTwoAddresses
from doorward.gateway.allowances import Allowances
from doorward.gateway.asking import Asking
from doorward.gateway.dial import Place, parse_place
from doorward.gateway.door import Door
from doorward.gateway.floor import Floor
from doorward.gateway.health_address import HealthAddress
from doorward.gateway.limits import IDLE_SECONDS, SESSION_MINUTES
from doorward.gateway.logbook import Event, Form, Logbook
from doorward.gateway.logins import AdminConnections, Logins, Share
from doorward.gateway.observing import Observing
from doorward.gateway.presenting import Presenting
from doorward.gateway.server import Server, ServerParts
from doorward.gateway.upkeep import CLOSES_SECONDS, STALLED_SECONDS, Watched
from doorward.grants.cut_files import load_cuts, load_officers
from doorward.grants.identity import IdentityProvider
from doorward.grants.identity_files import ProviderWatch, load_provider_keys
from doorward.grants.lapse import LapseRules, Lapsing, LastSeen
from doorward.grants.people import DirectoryWatch, load_directory
from doorward.grants.reviews import EmergencyRules
from doorward.grants.used_tokens import UsedTokens
from doorward.install.install import digest_scopes
from doorward.install.names import ADMIN
from doorward.notes.key_files import SEED_BYTES, load_key, write_key
from doorward.notes.note import Signer, format_verifier, sign_note
from doorward.orders.load import Pack
from doorward.orders.observed import join_scopes
from doorward.orders.statement import Verified
from doorward.policy.scopes import ScopeBook
from doorward.record.reserve import Reserve
from doorward.record.spool import Recovered, Spool, SpoolLimits
from doorward.record.waiting import look_at_spool
from doorward.record.workers import worker_folder

SECRET_BYTES = 32


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
        share: Which worker this is, of how many.
        health: Where this process serves health itself, or None.
        form: How it says what happens.
        stalled_seconds: For how long the publisher may be behind before that is an alarm.
        closes_seconds: And for how long before nobody but emergencies is let in.
    """

    folders: Folders
    pack: Pack
    book: ScopeBook
    place: Place
    admin: str
    register: RegisterSettings | None
    collection: str
    database: str
    lapsing: LapseRules | None = None
    provider: ProviderWatch | None = None
    settings: Settings | None = None
    emergency: EmergencyRules = EmergencyRules()  # noqa: RUF009  # a value that never changes
    share: Share = Share()  # noqa: RUF009  # a value that never changes
    health: HealthAddress | None = None
    form: Form = Form.TEXT
    stalled_seconds: float = STALLED_SECONDS
    closes_seconds: float = CLOSES_SECONDS


def sample_gateway(folders: Folders, order: str) -> GatewayParts:
    """Return the parts of the sample's gateway, whose server `doorward up` started."""
    city = read_run(folders, "city")
    pack, book = load_order(folders, order)
    admin = psycopg.conninfo.make_conninfo(
        host=city["socket_dir"], port=city["port"], user=ADMIN, dbname=DATABASE, application_name="doorward"
    )
    place = Place(city["socket_dir"], city["port"], DATABASE, None)
    register = RegisterSettings(table=REGISTER)
    return GatewayParts(folders, pack, book, place, admin, register, DATABASE, DATABASE)


def city_gateway(settings: Settings, worker: int = 0) -> GatewayParts:
    """Return the parts of a gateway before a city's own server, as doorward.toml has them.

    Args:
        worker: Its number among the workers of this gateway.

    Raises:
        ConfigError: Something that the file names is not what it must be.
        LogError: No log runs here, so no door opens.
    """
    folders = Folders(settings.data)
    folders.make()
    hold_doors(settings, folders)
    pack, book = load_order(
        folders, settings.order, production=settings.production, collections=settings.collections
    )
    if pack.model is None:
        raise ConfigError(f"the order {pack.name} stands at no database")
    place = parse_place(settings.database)
    if settings.production and not place.is_local and place.tls is None:
        raise ConfigError("`sslmode=disable` towards the database is refused with `production = true`")
    admin = psycopg.conninfo.make_conninfo(settings.database, user=ADMIN)
    if settings.register is not None:
        check_register_place(settings.register, production=settings.production)
    collection = settings.collection or pack.model.database
    lapsing = LapseRules(settings.unused_days, settings.attested_days)
    named = [f"limits.purpose.{purpose}" for purpose in settings.limits.purposes]
    named += [f"record.durable_purposes.{purpose}" for purpose in sorted(settings.keeping.purposes)]
    for name in named:
        if name.rpartition(".")[2] not in pack.purposes:
            raise ConfigError(
                f"`{name}` is no purpose of the order",
                hint=f"one of {', '.join(pack.purposes)}",
            )
    return GatewayParts(
        folders, pack, book, place, admin, settings.register, collection, place.database, lapsing,
        read_provider(settings.identity), settings,
        share=Share(worker, settings.listen.workers),
        # Where there are several workers their parent answers for all of them.
        health=settings.operation.health if settings.listen.workers == 1 else None,
        form=settings.operation.log,
        stalled_seconds=settings.operation.stalled_seconds,
        closes_seconds=settings.operation.closes_seconds,
        emergency=settings.emergency,
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


@contextmanager
def assemble_gateway(parts: GatewayParts, *, now: datetime) -> Iterator[Server]:
    """Yield a gateway ready to listen; closes the spool and the connections at the end."""
    folders, worker = parts.folders, parts.share.worker
    # The spool first: its lock says that this worker stands nowhere else, and only then may `recover` end what an
    # earlier one left.
    reserve = Reserve(worker_folder(folders.spool, worker))
    reserve.look()  # on a full disk it is what there is to open the spool with
    spool = open_spool(parts, now)
    logbook = Logbook("gateway", parts.form, worker if parts.share.workers > 1 else None)
    say_recovered(logbook, spool.recovered)
    admin = AdminConnections(partial(connect_admin, parts.admin))
    register = make_asking(parts.register, parts.admin)
    try:
        observing = find_observing(parts, now=now)
        check_stated(parts, now=now)
        check_in_force(admin, parts, observing)
        logins = Logins(admin, order_digest=parts.pack.digest, random=os.urandom, share=parts.share)
        logins.recover()
        settings = parts.settings
        running = Running(settings, folders)
        watched = Watched(
            holds_order=lambda: is_stated(parts) and holds_order(admin, parts.pack.digest),
            spool=lambda: look_at_spool(folders.log, folders.spool, worker, runs=running.look()),
            people=DirectoryWatch(*folders.directory),
            stalled_seconds=parts.stalled_seconds,
            closes_seconds=parts.closes_seconds,
        )
        door = make_door(parts, register, logins)
        door.observing = observing
        reviews = make_reviews(folders)
        yield Server(
            ServerParts(
                door=door,
                spool=spool,
                server_secret=scram_secret(folders),
                place=parts.place,
                database=parts.database,
                load_cuts=lambda: load_cuts(folders.cuts, load_officers(folders.officers)),
                run_folder=folders.run,
                provider=parts.provider,
                cards=settings is not None and settings.cards,
                idle=timedelta(seconds=settings.idle_seconds if settings is not None else IDLE_SECONDS),
                on_two_addresses=OnTwoAddresses(settings.two_addresses if settings is not None else "lead"),
                watched=watched,
                worker=worker,
                workers=parts.share.workers,
                health=parts.health,
                logbook=logbook,
                allowances=make_allowances(parts, now=now),
                sign_export=partial(sign_note, signer=export_signer(folders)),
                floor=Floor(door, parts.emergency, reviews),
                reserve=reserve,
                durable_purposes=settings.keeping.purposes if settings is not None else frozenset(),
                accounting=Accounting(reviews, make_referrals(folders), folders.recorded, worker=worker),
            )
        )
    finally:
        spool.close(now=now)
        register.close()
        admin.close()


def make_door(parts: GatewayParts, register: Asking, logins: Logins) -> Door:
    """Return the door of an installation, with everything enforced.

    Raises:
        ConfigError: A file of people, agreements or applications is not what it must be.
    """
    folders, settings = parts.folders, parts.settings
    door = Door(
        pack=parts.pack,
        book=parts.book,
        directory=load_directory(*folders.directory),
        register=register,
        logins=logins,
        database=parts.collection,
        referrals=make_referrals(folders),
        records=make_records(folders),
        attested=make_attested(folders),
        lapsing=Lapsing(parts.lapsing, LastSeen(folders.seen)) if parts.lapsing is not None else None,
    )
    minutes = settings.session_minutes if settings is not None else SESSION_MINUTES
    door.presenting = Presenting(UsedTokens(folders.used_tokens), parts.database, session_minutes=minutes)
    return door


def say_recovered(logbook: Logbook, found: Recovered) -> None:
    """Say what an earlier process left unfinished; the record has each of it as an entry."""
    if found != Recovered():
        logbook.say(
            Event.RECOVERED,
            cut_bytes=found.cut_bytes,
            requests=len(found.requests),
            sessions=len(found.sessions),
        )


def open_spool(parts: GatewayParts, now: datetime) -> Spool:
    """Return the spool of this gateway's worker; all workers together have the bound of one.

    Raises:
        MalformedError: It is damaged.
        StoreError: Another process writes to it, or the disk refused.
    """
    limits = SpoolLimits()
    share = replace(limits, total_bytes=limits.total_bytes // parts.share.workers)
    folder = worker_folder(parts.folders.spool, parts.share.worker)
    durable = parts.settings.keeping.durable if parts.settings is not None else None
    return Spool.open(folder, now=now, limits=share, worker=parts.share.worker, durable=durable)


def make_allowances(parts: GatewayParts, *, now: datetime) -> Allowances | None:
    """Return the counts of the day as this worker sees them, or None where nothing is limited, as in the sample.

    Raises:
        StoreError: The day's file is none, or cannot be made.
    """
    if parts.settings is None or not parts.settings.limits.limits_anything:
        return None
    return Allowances(
        parts.folders.run,
        scram_secret(parts.folders),
        rules=parts.settings.limits,
        now=now,
        worker=parts.share.worker,
        workers=parts.share.workers,
    )


def export_signer(folders: Folders) -> Signer:
    """Return the signer of exports, made once; its public half stands beside the log.

    Raises:
        ConfigError: The key is none, or others may read it.
    """
    if not folders.export_key.exists():
        seed = os.urandom(SEED_BYTES)
        public = Signer.make("unnamed", seed).verifier.public_key
        name = f"doorward.example/export/{sha256(public).hexdigest()[:8]}"
        with suppress(ConfigError):  # another worker was first
            write_key(folders.export_key, Signer.make(name, seed))
    signer = load_key(folders.export_key)
    line = format_verifier(signer.verifier) + "\n"
    if not folders.export_verifier.exists() or folders.export_verifier.read_text(encoding="utf-8") != line:
        folders.export_verifier.write_text(line, encoding="utf-8")
    return signer


def find_observing(parts: GatewayParts, *, now: datetime) -> Observing | None:
    """Return the observation of an installation, or None where every clause is enforced.

    Raises:
        ConfigError: A note lies in the data folder and does not hold.
    """
    found = load_observation(parts.folders, parts.pack, now=now)
    make = partial(load_book, parts.folders)
    return None if found is None else open_observing(found, parts.pack, parts.book, make)


def check_in_force(admin: AdminConnections, parts: GatewayParts, observing: Observing | None = None) -> None:
    """Check that the order which this gateway decides by is the one that the database holds.

    Raises:
        ConfigError: Another order, or none, is installed there; or the scopes of what is observed are not.
        UpstreamError: The database does not let the gateway's own role in.
    """
    found = find_order(admin)
    if found is None:
        raise ConfigError("no order is in force in the database", hint="doorward order install")
    digest, scopes = found
    if digest != parts.pack.digest:
        raise ConfigError(
            f"the database holds another order than `{parts.pack.name}` with these collections",
            hint="doorward order install, with the same order and the same --collections",
        )
    if observing is not None and scopes != digest_scopes(join_scopes(parts.book, observing.book)):
        raise ConfigError(
            f"the database does not hold the scopes of `{parts.folders.observe.name}`",
            hint="doorward order install --observe, with the same note",
        )


def check_stated(parts: GatewayParts, *, now: datetime) -> Verified | None:
    """Return the statement by which the order is in force here, or None where this is a trial.

    Raises:
        ConfigError: With `production = true` there is none; or it does not hold now.
    """
    needed = parts.settings is not None and parts.settings.production
    return load_statement(parts.folders, parts.pack, now=now, needed=needed)


def is_stated(parts: GatewayParts) -> bool:
    """Return True while the order is in force by its statement, or by none where this is a trial; reads the clock."""
    try:
        check_stated(parts, now=datetime.now(UTC))  # noqa: TID251  # asked for as long as the gateway runs
    except ConfigError:
        return False
    return True


def holds_order(admin: AdminConnections, digest: str) -> bool:
    """Return True where the database holds this order still.

    Raises:
        UpstreamError: The database does not answer as it must.
    """
    found = find_order(admin)
    return found is not None and found[0] == digest


def find_order(admin: AdminConnections) -> tuple[str, str] | None:
    """Return the digests of the order and of its scopes that the database holds, or None where none is installed.

    Raises:
        UpstreamError: The database does not answer as it must.
    """
    with admin.borrow() as connection:
        present = connection.execute("SELECT to_regclass('doorward.installation') IS NOT NULL").fetchone()
        row = (
            connection.execute("SELECT order_digest, scopes_digest FROM doorward.installation").fetchone()
            if present == (True,)
            else None
        )
    return (str(row[0]), str(row[1])) if row is not None else None
