"""What the door says to a person whom it does not let in.

Two audiences. City staff read the clauses and the remedy. Outsiders read one public clause id and the law
department's contact, and never anything that a register said (law 8, DESIGN.md "gateway").
"""

from dataclasses import replace
from typing import Final

from doorward.gateway.answer import Refusal
from doorward.grants.lapse import Lapse
from doorward.grants.referrals import Referral
from doorward.orders.load import Pack
from doorward.policy.decision import Decision, Outcome
from doorward.policy.explain import Explanation


def refuse_staff(explained: Explanation, pack: Pack) -> Refusal:
    """Return the refusal for the order's own people, of a decision that did not permit."""
    decision = explained.decision
    return Refusal(
        message=f"{_word(decision)}: {decision.sentence}",
        detail=f"clauses {', '.join(decision.clauses) or 'none applies'}; see {pack.page}",
        hint="; or ".join(explained.remedies) or f"ask {_addressee(decision, pack)}",
        reason=decision.outcome.value,
    )


def refuse_outsider(decision: Decision, pack: Pack) -> Refusal:
    """Return the refusal for everybody else, of a decision that did not permit."""
    return Refusal(
        message=f"{_word(decision)}: {decision.public_sentence}",
        detail=f"clause {decision.clauses[0]}" if decision.clauses else None,
        hint=f"the law department answers: {pack.contacts.law_department}",
        reason=decision.outcome.value,
    )


REFERRED: Final = "referred, and closed until it is answered"
ON_FILE: Final = "this ask is on file"
NOT_APPROVED: Final = "this ask was answered, and not approved"
UNDECIDED: Final = "the door could not decide this request"


def with_referral(refusal: Refusal, referral: Referral | None, *, is_denied: bool = False) -> Refusal:
    """Return a refusal that also says that the ask waits, and how long an answer may take, or that it was answered.

    Neither the id of the ask nor a time of day: what is said for a case that is unknown, closed or somebody else's is
    the same to the letter. An official's denial is said: a person gave it, and whoever waits would wait in vain.

    Args:
        refusal: Of the order.
        referral: As it is kept, or None where no more asks of this login are kept.
        is_denied: Whether an official has denied it.
    """
    if referral is None:
        waits = "so many asks of this login wait that no more are kept"
    elif is_denied:
        waits = NOT_APPROVED
    else:
        minutes = round((referral.due - referral.asked).total_seconds() / 60)
        waits = f"{ON_FILE}, an answer is due within {minutes} minutes; connect again then"
    return replace(refusal, detail=f"{refusal.detail}; {waits}" if refusal.detail else waits)


def _word(decision: Decision) -> str:
    return "refused" if decision.outcome is Outcome.DENY else REFERRED


def _addressee(decision: Decision, pack: Pack) -> str:
    if decision.addressee is None or decision.addressee.value == "law":
        return f"the law department: {pack.contacts.law_department}"
    return f"the {decision.addressee.value}"


def refuse_empty_scope(pack: Pack) -> Refusal:
    """Return the refusal where the order permits the database and opens no table of it."""
    return Refusal(
        message="refused: the order opens no table of this database for this request",
        detail=None,
        hint=f"the law department answers: {pack.contacts.law_department}",
        reason="no table is open",
    )


def refuse_cut(pack: Pack) -> Refusal:
    """Return the refusal of a login, agency or purpose whose access an officer has ended; it names no reason."""
    return Refusal(
        message="refused: this access was ended by the security officer",
        detail=None,
        hint=f"the law department answers: {pack.contacts.law_department}",
        reason="cut",
    )


NO_ROOM: Final = "the disk of the record is nearly full, so only emergencies are let in"


def refuse_no_room(pack: Pack) -> Refusal:
    """Return the refusal of everything but an emergency while the record has little room."""
    return Refusal(
        message=f"refused: {NO_ROOM}",
        detail=None,
        hint=f"whoever runs the door makes room; the law department answers: {pack.contacts.law_department}",
        reason="no room for the record",
    )


UNPUBLISHED: Final = "the record has not been published for too long, so only emergencies are let in"


def refuse_unpublished(pack: Pack) -> Refusal:
    """Return the refusal of everything but an emergency while what is recorded does not get into the public log."""
    return Refusal(
        message=f"refused: {UNPUBLISHED}",
        detail="nothing is wrong with this request; it is let in again as soon as the record is published",
        hint=f"whoever runs the door sees to the publisher; the law department answers: {pack.contacts.law_department}",
        reason="the record is not published",
    )


def refuse_too_many_emergencies(sessions: int) -> Refusal:
    """Return the refusal of one person's next emergency session in a day; nobody else's is touched."""
    return Refusal(
        message=f"refused: this login has begun {sessions} emergency sessions within 24 hours",
        detail="a session that is open stays open; everybody else's emergency sessions are not touched",
        hint="a colleague present, or the supervisor, connects with their own login",
        reason="too many emergency sessions",
    )


def refuse_lapse(pack: Pack, lapse: Lapse, *, own_agency: bool) -> Refusal:
    """Return the refusal of a login that has lapsed by itself; an outsider is told to ask, and no reason."""
    said = {
        Lapse.UNUSED: "this login was not used for so long that it has lapsed",
        Lapse.NOT_ATTESTED: "nobody has attested for so long what this login may do that it has lapsed",
    }
    return Refusal(
        message=f"refused: {said[lapse] if own_agency else 'this login is closed'}",
        detail=None,
        hint="the security officer attests it again"
        if own_agency
        else f"the law department answers: {pack.contacts.law_department}",
        reason=f"lapsed: {lapse.value}",
    )


def refuse_second_factor(pack: Pack, *, own_agency: bool) -> Refusal:
    """Return the refusal of a login without a second factor where criminal justice information would be opened."""
    return Refusal(
        message="refused: this database holds criminal justice information, which takes a second factor to log in",
        detail=None,
        hint="log in through the city's identity provider, or with your card"
        if own_agency
        else f"the law department answers: {pack.contacts.law_department}",
        reason="no second factor",
    )


def refuse_other_order(pack: Pack) -> Refusal:
    """Return the refusal where the database holds another order than this gateway decides by."""
    return Refusal(
        message="refused: another order is in force at the database, and this door does not know it yet",
        detail=None,
        hint=f"connect again later; the law department answers: {pack.contacts.law_department}",
        reason="another order",
    )


def refuse_failure(pack: Pack | None) -> Refusal:
    """Return the refusal for a failure at the door: closed, whatever failed (law 1)."""
    contact = f"the law department answers: {pack.contacts.law_department}" if pack else None
    return Refusal(
        message=f"refused: {UNDECIDED}, so it stays closed",
        detail=None,
        hint=contact,
        reason="failure at the door",
    )
