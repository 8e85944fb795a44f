"""The city's server and the record's: version, clock, order in force, drift, holes, what sessions left; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from doorward.doctor.line import Line, broken, look, ok, unknown
from doorward.doctor.versions import check_version

CLOCK: Final = timedelta(seconds=5)
GRANT: Final = timedelta(hours=12)  # the gateway's own bound
MAX_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server says of itself.

    Args:
        version: ``server_version_num``.
        clock: Its time, as `now` was here.
        now: The time here, in the middle of the question.
        system: Its system identifier, or None where it may not be asked.
        place: Host and data folder as far as they are known, for telling two servers on one host.
    """

    version: int
    clock: datetime
    now: datetime
    system: int | None
    place: str


@dataclass(frozen=True, slots=True)
class BoundLogin:
    """A login role that stands for a grant.

    Args:
        until: When the grant ends.
        backends: How many backends it has.
    """

    login: str
    until: datetime
    backends: int


@dataclass(frozen=True, slots=True)
class LoginFacts:
    """The login roles of sessions.

    Args:
        bound: Those with a grant that were seen twice.
        loose: Backends of a login role that has no grant, seen twice.
        free: How many wait without a grant and without a backend.
        gateways: How many gateways run on this data folder.
    """

    bound: Sequence[BoundLogin]
    loose: Sequence[str]
    free: int
    gateways: int


def check_server(name: str, facts: ServerFacts) -> Iterator[Line]:
    """Yield what to say of a server's version and clock."""
    yield from check_version(f"{name} version", facts.version, today=facts.now.date())
    behind = facts.now - facts.clock
    if abs(behind) > CLOCK:
        side = "behind" if behind > timedelta(0) else "ahead of"
        seconds = abs(behind).total_seconds()
        yield look(
            f"{name} clock",
            f"it is {seconds:.0f} s {side} this host's",
            expected=f"at most {CLOCK.seconds} s apart: grants end by the server's clock",
            do="let both hosts take their time from one source",
        )
    else:
        yield ok(f"{name} clock", f"within {CLOCK.seconds} s of this host's")


def check_apart(watched: ServerFacts, record: ServerFacts, *, production: bool) -> Line:
    """Return whether the record's store is apart from the server that it is a record of."""
    check, expected = "record apart", "a server of its own on a host of its own"
    if watched.system is None or record.system is None:
        return unknown(check, "a server does not say which cluster it is")
    if watched.system == record.system:
        return broken(
            check,
            "the record is on the server that it is a record of",
            expected=expected,
            do="move the disclosures: whoever is superuser there can change both",
        )
    if watched.place == record.place:
        if production:
            return look(
                check,
                "another cluster on the same host",
                expected=expected,
                do="move the disclosures: whoever is root there can change both",
            )
        return ok(check, "another cluster on the same host")
    return ok(check, "another cluster on another host")


def check_order(*, name: str, digest: str, in_force: tuple[str, str] | None) -> Line:
    """Return whether the order that the gateway would decide by is the one that the database holds.

    Args:
        in_force: Name and digest in the database, or None where none is installed.
    """
    expected = f"`{name}`, digest {digest[:16]}"
    if in_force is None:
        return broken(
            "order", "none is in force in the database", expected=expected, do="doorward order install"
        )
    if in_force[1] != digest:
        return broken(
            "order",
            f"`{in_force[0][:60]}`, digest {in_force[1][:16]}, is in force",
            expected=expected,
            do="doorward order install, with the same order and the same --collections",
        )
    return ok("order", f"{expected}, is in force")


def check_findings(check: str, found: Sequence[str], *, fine: str, expected: str, do: str) -> Iterator[Line]:
    """Yield a broken line for each finding, up to a bound, or one ok line where there is none."""
    for finding in found[:MAX_SHOWN]:
        yield broken(check, finding, expected=expected, do=do)
    if len(found) > MAX_SHOWN:
        yield broken(check, f"and {len(found) - MAX_SHOWN} more", expected=expected, do=do)
    if not found:
        yield ok(check, fine)


def check_logins(facts: LoginFacts, *, now: datetime) -> Iterator[Line]:
    """Yield what sessions left behind in the database."""
    check, do = "logins", "restart the gateway: it clears what an earlier one left"
    lines: list[Line] = []
    for one in facts.bound:
        if one.until <= now:
            lines.append(
                _leftover(f"`{one.login}` has a grant that ran out at {one.until:%Y-%m-%d %H:%M} UTC", do)
            )
        elif one.until > now + GRANT + CLOCK:
            lines.append(_leftover(f"`{one.login}` has a grant until {one.until:%Y-%m-%d %H:%M} UTC", do))
        elif not one.backends:
            lines.append(_leftover(f"`{one.login}` has a grant and no session", do))
    lines += [_leftover(f"`{login}` has a session and no grant", do) for login in facts.loose]
    if not facts.gateways and facts.free:
        lines.append(
            look(
                check,
                f"{facts.free} login roles wait, and no gateway runs on this data folder",
                expected="a gateway that holds them",
                do="start the gateway, or `doorward order uninstall`",
            )
        )
    yield from lines[:MAX_SHOWN]
    if not lines:
        yield ok(check, f"{len(facts.bound)} in use, {facts.free} free, none left over")


def _leftover(found: str, do: str) -> Line:
    return look(
        "logins",
        found,
        expected=f"a grant, a session and a gateway for at most {GRANT.seconds // 3600} h",
        do=do,
    )
