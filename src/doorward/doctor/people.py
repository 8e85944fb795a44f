"""People and what people decided: logins that lapse, agreements that end, asks, approvals, cuts; pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from doorward.doctor.line import Line, broken, look, ok
from doorward.grants.cuts import Cut, What
from doorward.grants.lapse import Lapse, LapseRules, find_lapse
from doorward.grants.people import Agreement, Person
from doorward.grants.referrals import Answered, Referral

SOON: Final = timedelta(days=14)
AGREEMENT: Final = timedelta(days=30)
CUT: Final = timedelta(days=30)
MAX_NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class LapseFacts:
    """Who may log in, and by which rules a login lapses; None of rules is never."""

    people: Sequence[Person]
    rules: LapseRules
    last_seen: Callable[[str], date | None]


def check_lapses(facts: LapseFacts, *, today: date) -> Iterator[Line]:
    """Yield which logins have lapsed, which will within `SOON`, and whose attestation is due."""
    active = [person for person in facts.people if person.active]
    lapsed: list[str] = []
    soon: dict[Lapse, list[str]] = {lapse: [] for lapse in Lapse}
    for person in active:
        seen = facts.last_seen(person.login)
        if find_lapse(person, facts.rules, last_seen=seen, today=today) is not None:
            lapsed.append(person.login)
            continue
        lapse = find_lapse(person, facts.rules, last_seen=seen, today=today + SOON)
        if lapse is not None:
            soon[lapse].append(person.login)
    days = f"within {SOON.days} days"
    if soon[Lapse.UNUSED]:
        yield look(
            "people",
            f"{_named(soon[Lapse.UNUSED])} lapse {days}, because nobody uses them",
            expected="logins that are used",
            do="nothing if they are not needed, or `doorward people close`",
        )
    if soon[Lapse.NOT_ATTESTED]:
        yield look(
            "people",
            f"{_named(soon[Lapse.NOT_ATTESTED])} lapse {days} without an attestation",
            expected="an attestation before that",
            do="doorward people attest",
        )
    if lapsed:
        yield look(
            "people",
            f"{_named(lapsed)} have lapsed and are not closed",
            expected="logins that somebody attests, or that are closed",
            do="doorward people attest, or doorward people close",
        )
    if not lapsed and not any(soon.values()):
        yield ok("people", f"{len(active)} logins, none lapses {days}")


def check_agreements(agreements: Sequence[Agreement], *, today: date) -> Iterator[Line]:
    """Yield which attestation agreements have ended or end within `AGREEMENT`."""
    near = [one for one in agreements if one.until <= today + AGREEMENT]
    for one in near:
        said = "ended" if one.until < today else "ends"
        yield look(
            "agreements",
            f"that of `{one.agency}` {said} on {one.until.isoformat()}",
            expected=f"more than {AGREEMENT.days} days to its end",
            do="renew it or take it out; after its end that agency's case numbers no longer count",
        )
    if not near:
        yield ok("agreements", f"{len(agreements)} on file")


def check_referrals(
    asks: Sequence[Referral], answered: Sequence[Answered] | None, *, now: datetime
) -> Iterator[Line]:
    """Yield which asks nobody answered in time.

    Args:
        answered: The answers that count, or None where the file cannot be believed: then no ask counts as answered.
    """
    done = {answer.ask for answer in answered or ()}
    late = [one for one in asks if one.due < now and one.ask not in done]
    if late:
        oldest = min(one.due for one in late)
        yield look(
            "referrals",
            f"{len(late)} wait beyond their clock, the first since {oldest:%Y-%m-%d %H:%M} UTC",
            expected="an answer within the clock",
            do="doorward grant list; the office that the order asks answers",
        )
    else:
        yield ok("referrals", f"{len(asks)} on file, none beyond its clock")


def check_approvals(faults: Sequence[str], *, kept: int) -> Iterator[Line]:
    """Yield which kept answers do not hold.

    Args:
        faults: Why, by answer: as long as there is one, no answer counts.
    """
    for fault in faults[:MAX_NAMED]:
        yield broken(
            "approvals",
            f"an answer does not hold: {fault}",
            expected="answers of officials whose keys are in officials.keys; until then none counts",
            do="put the official's key back, or take the answer out of answers.json",
        )
    if not faults:
        yield ok("approvals", f"{kept} answers on file, all signed by known officials")


def check_cuts(cuts: Sequence[Cut], *, now: datetime) -> Iterator[Line]:
    """Yield which cuts without an end have stood for longer than `CUT`."""
    in_force = [cut for cut in cuts if cut.is_in_force(now) and cut.what is not What.LIFT]
    old = [cut for cut in in_force if cut.until is None and now - cut.begins > CUT]
    if old:
        yield look(
            "cuts",
            f"{len(old)} without an end are older than {CUT.days} days: {', '.join(cut.id for cut in old[:MAX_NAMED])}",
            expected="an end, or a login that is closed",
            do="doorward cuts; lift it, or close the login with `doorward people close`",
        )
    else:
        yield ok("cuts", f"{len(in_force)} in force")


def _named(logins: Sequence[str]) -> str:
    shown = ", ".join(f"`{login}`" for login in logins[:MAX_NAMED])
    return shown if len(logins) <= MAX_NAMED else f"{shown} and {len(logins) - MAX_NAMED} more"
