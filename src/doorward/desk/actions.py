"""What officials do with a matter: each act is one transaction, recorded before anybody is told of it.

An act is allowed by `access` and `roles`; what it says is added to the matter's history, which is never changed.
After an act that the order reads, the order is asked again, and its answer is the matter's.

INVARIANT (nobody seals from the law): sealing names counsel, and whoever seals is one of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from doorward.desk import clocks
from doorward.desk.access import Actor, answers
from doorward.desk.deciding import Decided, Whose, decide
from doorward.desk.history import NotAllowedError, add_event, lock_matter
from doorward.desk.models import Account, Event, Matter, State
from doorward.desk.notices.outbox import tell_matter
from doorward.desk.order import order
from doorward.desk.roles import Act, Role
from doorward.errors import ConfigError
from doorward.grants.consulting import PaperWord
from doorward.orders.intake import Act as Said
from doorward.orders.intake import Faults, read_form, verify_paper
from doorward.policy.decision import Decision, Outcome

RESOLVER: Final = "desk"
MAX_EVIDENCE: Final = 120


@dataclass(frozen=True, slots=True)
class PaperSeen:
    """What a named person found of a paper.

    Args:
        paper: Its class, such as `court_criminal`.
        verified: On the original, or with the issuer.
        scope: `in`, `out` or `unknown`: whether it covers what is asked.
        evidence: With whom or what it was verified; an id, a docket number, an office.
    """

    paper: str
    verified: bool
    scope: str
    current: bool
    evidence: str

    def as_json(self) -> dict[str, str | bool]:
        """Return it as it is kept in the history."""
        return {
            "paper": self.paper, "verified": self.verified, "scope": self.scope, "current": self.current,
            "evidence": self.evidence,
        }  # fmt: skip


def verify(actor: Actor, matter: Matter, seen: PaperSeen) -> Matter:
    """Return the matter after a named person said what a paper is; the order is asked again.

    Raises:
        NotAllowedError: They may not, or the matter is closed.
        ConfigError: The order knows no such paper, or the evidence is missing.
        StoreError: It cannot be recorded; nothing was done.
    """
    if not 0 < len(seen.evidence.strip()) <= MAX_EVIDENCE or not seen.evidence.isprintable():
        raise ConfigError(
            f"say with whom or what it was verified, in one line of at most {MAX_EVIDENCE} characters"
        )
    with transaction.atomic():
        locked = lock_matter(actor, matter, Act.VERIFY)
        decided = decide_again(locked, words_of(locked, seen, now=actor.now), now=actor.now)
        waited = (locked.state, locked.addressee)
        done = add_event(actor, locked, Act.VERIFY, seen.as_json(), decided=decided)
        take_decision(locked, decided.decision)
        locked.save()
        clocks.follow(locked, by=actor.account, now=actor.now, entry=done.entry)
        if (locked.state, locked.addressee) != waited:
            tell_matter(locked, actor.now, occasion=done.entry)
    return locked


def seal(actor: Actor, matter: Matter, *, until: datetime, counsel: tuple[str, ...]) -> Matter:
    """Return the matter, seen by its named counsel alone until a date.

    Args:
        counsel: Logins of the law department; whoever seals is one of them by the act.

    Raises:
        NotAllowedError: They may not, or a login is none of the law department.
        ConfigError: The date is past.
        StoreError: It cannot be recorded; nothing was done.
    """
    if until <= actor.now:
        raise ConfigError("a seal ends in the future")
    with transaction.atomic():
        locked = lock_matter(actor, matter, Act.SEAL)
        named = _counsel(counsel, actor)
        said = until.isoformat()
        add_event(actor, locked, Act.SEAL, {"until": said, "counsel": len(named)}, more={"until": said})
        locked.sealed_until = until
        locked.save(update_fields=["sealed_until"])
        locked.counsel.set(named)
    return locked


def answer(actor: Actor, matter: Matter, *, document: str = "") -> Matter:
    """Return the matter as answered; who may is whom it waits for.

    Args:
        document: SHA-256 of the letter, where one went out.

    Raises:
        NotAllowedError: They may not, or it does not wait for an office of theirs.
        StoreError: It cannot be recorded; nothing was done.
    """
    with transaction.atomic():
        locked = lock_matter(actor, matter, Act.ANSWER)
        if not answers(actor, locked):
            raise NotAllowedError("it does not wait for an office of yours, or you filed it yourself")
        answer_locked(actor, locked, document=document)
    return locked


def answer_locked(
    actor: Actor, locked: Matter, *, document: str = "", roles: frozenset[Role] | None = None
) -> None:
    """Record that a matter is answered, within the transaction of an act that answers it.

    Args:
        roles: By which of them, where not by any that may answer.
    """
    done = add_event(
        actor,
        locked,
        Act.ANSWER,
        {"document": document},
        outcome=locked.outcome,
        document=document,
        roles=roles,
    )
    locked.state = State.ANSWERED
    locked.save(update_fields=["state"])
    clocks.meet(locked, by=actor.account, now=actor.now, entry=done.entry)


def decide_again(matter: Matter, words: tuple[PaperWord, ...], *, now: datetime) -> Decided:
    """Return what the order in force answers to a matter, with what the registers say now.

    Args:
        words: What named persons said of its papers, as `words_of` gives it.

    Raises:
        ConfigError: The order in force takes no such matter any more, or an act says what is not its to say.
    """
    kind = order().intake.kinds.get(matter.kind)
    asked = Faults() if kind is None else order().intake.read(kind.id, read_form(kind, matter.answers))
    if isinstance(asked, Faults):
        raise ConfigError(
            "the order in force asks other questions than the one under which this was filed",
            hint="file it again under the order in force",
        )
    whose = whose_of(matter)
    corrected = _corrected(matter)
    return decide(
        asked, whose, happened=matter.received, now=now, number=matter.number, words=words,
        since=None if corrected is None else corrected.at,
    )  # fmt: skip


def whose_of(matter: Matter) -> Whose:
    """Return the City person who would act, as they were when the matter was filed."""
    facts = matter.facts
    return Whose(matter.filed_by.login, str(facts["principal.role"]), str(facts["principal.agency"]))


def words_of(
    matter: Matter, now_said: PaperSeen | None = None, *, now: datetime | None = None
) -> tuple[PaperWord, ...]:
    """Return what named persons said of a matter's papers at this desk, in the order in which they said it.

    A paper has one word, the last, of these and of the signed records: an earlier one beside it would keep open what
    somebody has just taken back. What was said before an answer was put right is said anew: that a paper covers what is
    asked was said of what was asked then.

    Args:
        now_said: What is being said of one of them, and stands in no history yet.
        now: When it is said.
    """
    corrected = _corrected(matter)
    said = matter.events.filter(act=Act.VERIFY.value, entry__gt=-1 if corrected is None else corrected.entry)
    found = [(one.at, one.says) for one in said]
    if now_said is not None and now is not None:
        found.append((now, now_said.as_json()))
    return tuple(PaperWord(str(says["paper"]), at, _said(matter, says)) for at, says in found)


def _corrected(matter: Matter) -> Event | None:
    return matter.events.filter(act=Act.CORRECT.value).last()


def _said(matter: Matter, says: Mapping[str, object]) -> Said:
    return verify_paper(
        f"context.papers.{says['paper']}",
        resolver=RESOLVER,
        evidence=f"{matter.number} {says['evidence']}",
        verified=says["verified"] is True,
        scope=str(says["scope"]),
        current=says["current"] is True,
    )


def take_decision(matter: Matter, decision: Decision) -> None:
    """Take what the order answers for the matter's; the caller saves it."""
    pack = order().pack
    matter.order_name, matter.order_digest = pack.name, pack.digest
    matter.outcome, matter.posture = decision.outcome.value, decision.posture.value
    matter.addressee = decision.addressee.value if decision.addressee else ""
    matter.sentence = decision.sentence
    matter.clauses, matter.policies = list(decision.clauses), list(decision.policies)
    matter.obligations = list(decision.obligations)
    if matter.state in {State.DECIDED, State.WAITING}:
        matter.state = State.WAITING if decision.outcome is Outcome.REFER else State.DECIDED


def _counsel(logins: tuple[str, ...], actor: Actor) -> list[Account]:
    usable = [login for login in logins if login.isprintable()]  # the database takes no NUL
    held = {"assignments__role": Role.LAW.value, "assignments__until__gt": actor.now}
    found = {one.login: one for one in Account.objects.filter(login__in=usable, is_active=True, **held)}
    missing = [login for login in logins if login not in found]
    if missing:
        raise NotAllowedError(f"{len(missing)} of the named are not of the law department")
    return list({actor.account.login: actor.account, **found}.values())
