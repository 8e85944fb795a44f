"""One page for the whole: doors, what was decided today, what waits and is late, and how the record stands.

What cannot be read here is said as such, and never as "nothing": a missing file is no empty list. A door that this
host does not look at says where it is looked at.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from doorward.desk.access import Actor, matters, visits
from doorward.desk.fund.figures import count
from doorward.desk.fund.link import has_fund, read
from doorward.desk.fund.verified import read_verified, say_verified
from doorward.desk.hosts import Look, Unread, read_looks
from doorward.desk.models import Phone, Place, State
from doorward.desk.releasing import count_owed
from doorward.errors import DoorwardError
from doorward.grants.cut_files import load_officers
from doorward.grants.duties import find_duties
from doorward.grants.inventory import FILE, coverage_line
from doorward.grants.inventory_files import load_inventory
from doorward.grants.referral_files import Referrals
from doorward.grants.review_files import Reviews
from doorward.notes.note import Verifier, parse_verifier_key
from doorward.record.checkpoint import parse_checkpoint, verify_checkpoint
from doorward.record.log_files import CHECKPOINT, VERIFIER_KEY, LogFiles

STALE: Final = timedelta(minutes=5)
HOSTS: Final = "hosts"
UNREAD: Final = "cannot be read here"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing of the page.

    Args:
        is_well: False where somebody has to look.
    """

    name: str
    says: str
    is_well: bool = True


@dataclass(frozen=True, slots=True)
class Overview:
    """The page."""

    doors: tuple[Line, ...]
    today: Mapping[str, int]
    waiting: tuple[Line, ...]
    record: tuple[Line, ...]
    hosts: tuple["Host", ...]


@dataclass(frozen=True, slots=True)
class Host:
    """What a host said of itself, or why nothing is known of it.

    Args:
        says: When it looked, what is behind its door.
        lines: What is to be looked at there, and what is always said: drift, the order in force, the spool.
    """

    name: str
    says: str
    is_well: bool
    lines: tuple[Line, ...] = ()


def look(actor: Actor, data: Path, *, time_zone: str) -> Overview:
    """Return how everything stands, as far as this person may see it.

    Args:
        data: The data folder of this host.
        time_zone: Of the city; today begins there.
    """
    begins = actor.now.astimezone(ZoneInfo(time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    today = matters(actor).filter(filed__gte=begins, drill=False).values_list("outcome", flat=True)
    return Overview(
        doors=tuple(_doors(actor, data, begins)),
        today=dict(sorted(Counter(today).items())),
        waiting=tuple(_waiting(actor, data)),
        record=tuple(_record(data, actor.now)),
        hosts=tuple(_hosts(data / HOSTS, actor.now)),
    )


def _doors(actor: Actor, data: Path, begins: datetime) -> list[Line]:
    coverage = _try(lambda: load_inventory(data / FILE))
    if isinstance(coverage, Failed):
        said = coverage.says
    else:
        said = coverage_line(coverage or (), is_written=coverage is not None, is_looked_at=False)
    return [
        Line("database", f"{said}; `doorward sessions` says who is in", coverage is not None),
        Line("desk", "this page is served by it"),
        Line("front desks", _front_desks(actor, begins)),
        Line("past logs", "`doorward audit` looks back over logs that systems elsewhere leave"),
        _fund(actor, data),
    ]


def _fund(actor: Actor, data: Path) -> Line:
    """Return how the ledger stands by its own word, and by the last time that it was held against the record."""
    if not has_fund():
        return Line("fund", "this desk reaches none: doorward.toml has no section `[fund]`")
    found = _try(lambda: (read(count), read_verified(data)))
    if isinstance(found, Failed):
        return Line("fund", found.says, is_well=False)
    held, verified = found
    said, is_well = say_verified(verified, held.transactions, actor.now)
    counts = f"{held.open_years} years open, {held.waiting} claims wait, {held.transactions} transactions"
    return Line("fund", f"{counts}; {said}", is_well)


def _front_desks(actor: Actor, begins: datetime) -> str:
    today = visits(actor).filter(received__gte=begins, drill=False).count()
    phones = Phone.objects.filter(taken_back=None).count()
    return f"{Place.objects.count()} places, {phones} phones, {today} visits filed today"


def _waiting(actor: Actor, data: Path) -> list[Line]:
    lines = []
    desk = matters(actor).filter(state=State.WAITING, drill=False)
    late = desk.filter(due__lt=actor.now).count()
    lines.append(Line("at the desk", f"{desk.count()} wait, {late} are late", not late))
    second = count_owed(actor)
    said = f"{second.owed} owed, {second.late} overdue; {second.objected} letters objected to after they left"
    lines.append(Line("second signatures", said, not (second.late or second.objected)))
    owed = _try(lambda: _owed(data, actor.now))
    if isinstance(owed, Failed):
        lines.append(Line("at the database", owed.says, is_well=False))
        return lines
    waiting, duties = owed
    lines.append(Line("at the database", f"{waiting} asks wait for an office", is_well=True))
    counts = Counter(str(one) for one in duties)
    lines += [Line(f"owed: {duty}", str(count), is_well=False) for duty, count in sorted(counts.items())]
    return lines


def _owed(data: Path, now: datetime) -> tuple[int, list[str]]:
    def officials() -> list[Verifier]:
        return load_officers(data / "officials.keys")

    referrals = Referrals(data / "asks.json", data / "answers.json", officials)
    reviews = Reviews(data / "reviews.json", officials)
    asks, answers = referrals.asks(), referrals.answers()
    duties = find_duties(asks=asks, answers=answers, reviews=reviews.known(), now=now)
    answered = {one.ask.id for one in answers}
    return sum(one.ask.id not in answered for one in asks), [one.duty.value for one in duties]


def _record(data: Path, now: datetime) -> list[Line]:
    found = _try(lambda: _checkpoint(data / "log"))
    if isinstance(found, Failed):
        return [Line("checkpoint", found.says, is_well=False)]
    size, signed = found
    age = now - signed
    late = age > STALE
    said = (
        f"{size:,} leaves, signed {max(int(age.total_seconds() // 60), 0)} minutes ago and verified just now"
    )
    return [
        Line("checkpoint", said, not late),
        Line("whole record", "`doorward log verify` checks all of it"),
    ]


def _hosts(folder: Path, now: datetime) -> list[Host]:
    found = _try(lambda: read_looks(folder))
    if isinstance(found, Failed):
        return [Host("every host", found.says, is_well=False)]
    return [_host(one, now) for one in found]


def _host(look: Look | Unread, now: datetime) -> Host:
    if isinstance(look, Unread):
        return Host(look.host, f"its look {UNREAD}: {look.why}", is_well=False)
    minutes = int(abs((now - look.at).total_seconds()) // 60)
    when = f"looked {minutes} min ago" if look.at <= now else f"its clock is {minutes} min ahead"
    old = ": too old to go by" if look.is_stale(now) else ""
    well = sum(one.is_well for one in look.checks)
    says = f"{when}{old}; {well} of {len(look.checks)} checks are well; {look.coverage}"
    lines = (Line(one.name, _said(one.found, one.do), one.is_well) for one in look.shown)
    return Host(look.host, says, look.is_well(now), tuple(lines))


def _said(found: str, do: str) -> str:
    return f"{found}; {do}" if do else found


def _checkpoint(log: Path) -> tuple[int, datetime]:
    files = LogFiles(log)
    raw, key = files.read(CHECKPOINT), files.read(VERIFIER_KEY)
    if raw is None or key is None:
        raise FileNotFoundError
    checkpoint = verify_checkpoint(parse_checkpoint(raw), parse_verifier_key(key.decode().strip()))
    return checkpoint.tree_size, datetime.fromtimestamp((log / CHECKPOINT).stat().st_mtime, tz=UTC)


@dataclass(frozen=True, slots=True)
class Failed:
    """Why something could not be read, in a line."""

    says: str


def _try(read: Callable[[], T]) -> T | Failed:
    try:
        return read()
    except DoorwardError as error:
        return Failed(f"{UNREAD}: {error}")
    except (OSError, ValueError):
        return Failed(UNREAD)
