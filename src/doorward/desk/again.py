"""The order asked again, an answer put right, what the law department determines, and how a matter is closed.

Each is one act: what stood before stays in the history, and after it the order's answer is the matter's. A matter that
was answered is not asked again, and one that is closed is never opened: a new one names it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from django.db import transaction

from doorward.desk import clocks
from doorward.desk.access import Actor, matter_of, waits_for
from doorward.desk.actions import decide_again, take_decision, whose_of, words_of
from doorward.desk.deciding import Decided, decide
from doorward.desk.due import ANSWER_BY
from doorward.desk.entries import add_act, evidence_of, matter_entry
from doorward.desk.filing import PREVIEW, RECEIVED, stored_facts
from doorward.desk.history import NotAllowedError, add_event, lock_matter
from doorward.desk.models import Determined, Event, Matter, State
from doorward.desk.notices.outbox import tell_matter
from doorward.desk.order import order
from doorward.desk.recorder import recorder
from doorward.desk.records_on_file import records_of
from doorward.desk.registers import MAX_NOTE, take_in
from doorward.desk.releasing import is_owed
from doorward.desk.roles import Act, Role
from doorward.errors import ConfigError, MalformedError
from doorward.grants.cut_files import load_officers
from doorward.grants.records import Record, RecordKind, check_record, format_record, verify_record
from doorward.orders.intake import Asked
from doorward.record.entry import Kind

WHYS: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "answered": ("It was answered, and nothing is left to do", frozenset({State.ANSWERED})),
    "done": ("The order decided it, and nothing is left to do", frozenset({State.DECIDED})),
    "withdrawn": ("Whoever asked took it back", frozenset({State.DECIDED, State.WAITING})),
    "filed-twice": ("It was filed twice", frozenset({State.DECIDED, State.WAITING})),
    "filed-in-error": ("It was filed by mistake", frozenset({State.DECIDED, State.WAITING})),
}
"""Words of why a matter is closed, what each says, and in which state it may be said."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What a determination says, before anybody signs it.

    Args:
        clause: Of the order, under which it is determined.
        says: What, in one line.
        until: The first moment at which it is over.
        evidence: A document's id.
        reason: Why, in one line.
    """

    clause: str
    says: str
    until: datetime
    evidence: str
    reason: str


def ask_again(actor: Actor, matter: Matter) -> Matter:
    """Return the matter with what the order in force answers now, to the same facts and papers.

    Raises:
        NotAllowedError: They may not, or it is answered or closed.
        ConfigError: The order in force takes no such matter any more.
        StoreError: It cannot be recorded; nothing was done.
    """
    with transaction.atomic():
        locked = lock_matter(actor, matter, Act.ASK_AGAIN)
        _refuse_answered(locked)
        decided = decide_again(locked, words_of(locked), now=actor.now)
        _take(actor, locked, Act.ASK_AGAIN, decided, {})
    return locked


def may_correct(actor: Actor, matter: Matter) -> bool:
    """Whether somebody may put an answer right: whoever filed it, the law department, an office that it waits for."""
    if not actor.may(Act.CORRECT) or matter.state not in {State.DECIDED, State.WAITING}:
        return False
    return matter.filed_by_id == actor.account.pk or Role.LAW in actor.roles or waits_for(actor, matter)


def preview_correction(actor: Actor, matter: Matter, asked: Asked) -> Decided:
    """Return what the order would answer to other answers; nothing changes, and that it was asked is recorded first.

    Raises:
        NotAllowedError: They may not.
        ConfigError: The answers make no request.
        StoreError: It cannot be recorded; nothing is shown.
    """
    if matter_of(actor, matter.pk) is None or not may_correct(actor, matter):
        raise NotAllowedError("as what you are signed in, this is not yours to do")
    decided = _decide(matter, asked, actor.now)
    fields = matter_entry(
        matter.pk, matter.kind, login=actor.account.login, facts=decided.request.facts, decision=decided.decision,
        digest=order().pack.digest, evidence=evidence_of(decided.consulted.sources),
    )  # fmt: skip
    recorder().record([(Kind.ACT, add_act(fields, PREVIEW))], now=actor.now)
    return decided


def correct(actor: Actor, matter: Matter, asked: Asked, *, seen: int) -> Matter:
    """Return the matter with answers put right, and what the order answers to them; those before stay in its history.

    What somebody said of a paper was said of what was asked then, and is said anew.

    Args:
        asked: As intake has read it.
        seen: The last entry that the page showed; where something happened since, nothing is done.

    Raises:
        NotAllowedError: They may not, it is answered, or the page was too old.
        ConfigError: The answers make no request, none of them is another one, or they move a date that stands.
        StoreError: It cannot be recorded; nothing was done.
    """
    with transaction.atomic():
        locked = lock_matter(actor, matter, Act.CORRECT)
        _refuse_answered(locked)
        if not may_correct(actor, locked):
            raise NotAllowedError("whoever filed it puts it right, or an office that it waits for")
        if last_entry(locked) != seen:
            raise NotAllowedError(
                "something happened to it since the page was made", hint="look at how it stands"
            )
        after = {name: list(words) for name, words in asked.given.items()}
        _check_dates(locked, after)
        if after == locked.answers:
            raise ConfigError("no answer is another one than before")
        decided = _decide(locked, asked, actor.now)
        says = {"before": locked.answers, "after": after}
        locked.answers, locked.facts = after, stored_facts(decided.request.facts)
        done = _take(actor, locked, Act.CORRECT, decided, says, follow=False)
        said = after.get(ANSWER_BY)
        until = datetime.fromisoformat(said[0]) if said else None
        clocks.rechoose(locked, until, by=actor.account, now=actor.now, entry=done.entry)
    return locked


def last_entry(matter: Matter) -> int:
    """Return the entry of the last thing that happened to a matter."""
    last = matter.events.last()
    return matter.entry if last is None else last.entry


def word_determination(matter: Matter, wording: Wording, *, now: datetime) -> str:
    """Return the statement of a determination about a matter, for an official to sign on their own machine.

    Raises:
        ConfigError: The order has no such clause, or a line of it is not what it must be.
    """
    if wording.clause not in order().pack.clauses:
        raise ConfigError("expected a clause of the order")
    record = Record(
        RecordKind.DETERMINATION, wording.clause, now.astimezone(UTC).replace(microsecond=0),
        wording.until.astimezone(UTC).replace(microsecond=0), wording.evidence.strip(), wording.reason.strip(),
        (("matter", matter.number), ("says", wording.says.strip())),
    )  # fmt: skip
    try:
        return format_record(check_record(record)).decode()
    except MalformedError as error:
        raise ConfigError(str(error)) from error


def determine(actor: Actor, matter: Matter, data: Path, note: str) -> Matter:
    """Return the matter to which a signed determination is linked, with what the order answers now.

    Whoever signed it decided it; the note goes into the registers as any does (`registers`), and one that is there
    already is linked. So where the process ends between both, the same note is handed in once more.

    Args:
        note: As `doorward records sign` signed it; untrusted.

    Raises:
        NotAllowedError: They may not, it is answered, or this determination is linked already.
        ConfigError: It is no determination, is about another matter, or names no clause of the order.
        LogError: It is no record, or its signature or office is not what it must be.
        StoreError: It cannot be recorded or written.
    """
    raw = note.replace("\r\n", "\n").strip().encode() + b"\n"
    if len(raw) > MAX_NOTE:
        raise ConfigError(f"expected a signed note of at most {MAX_NOTE} bytes")
    with transaction.atomic():
        locked = lock_matter(actor, matter, Act.DETERMINE)
        _refuse_answered(locked)
        record = verify_record(raw, load_officers(data / "officials.keys"))
        if record.kind is not RecordKind.DETERMINATION or dict(record.more)["matter"] != locked.number:
            raise ConfigError(f"expected a determination about the matter {locked.number}")
        if record.about not in order().pack.clauses:
            raise ConfigError("expected a determination under a clause of the order")
        if locked.determined.filter(record=record.id).exists():
            raise NotAllowedError("this determination is linked to it already")
        if all(one.id != record.id for one in records_of(data).all()):
            take_in(actor, data, note)
        decided = decide_again(locked, words_of(locked), now=actor.now)
        says = {"record": record.id, "clause": record.about, "until": record.until.isoformat()}
        done = _take(actor, locked, Act.DETERMINE, decided, says, document=sha256(raw).hexdigest())
        Determined.objects.create(
            matter=locked,
            record=record.id,
            clause=record.about,
            by=actor.account,
            at=actor.now,
            entry=done.entry,
        )
    return locked


def close(actor: Actor, matter: Matter, why: str) -> Matter:
    """Return the matter as closed; it is never opened again.

    Args:
        why: A word of `WHYS`.

    Raises:
        NotAllowedError: They may not, it is closed already, or a second signature on a letter of it is owed.
        ConfigError: No such word, or it does not fit how the matter stands.
        StoreError: It cannot be recorded; nothing was done.
    """
    with transaction.atomic():
        locked = lock_matter(actor, matter, Act.CLOSE)
        if why not in reasons_to_close(locked):
            raise ConfigError("expected a word of why that fits how the matter stands")
        if is_owed(locked):
            raise NotAllowedError("a second signature on a letter of it is owed")
        done = add_event(actor, locked, Act.CLOSE, {"why": why}, outcome=locked.outcome, more={"reason": why})
        locked.state = State.CLOSED
        locked.save(update_fields=["state"])
        clocks.put_aside(locked, why, by=actor.account, now=actor.now, entry=done.entry)
    return locked


def reasons_to_close(matter: Matter) -> dict[str, str]:
    """Return the words of why a matter can be closed as it stands, with what each says."""
    return {word: says for word, (says, states) in WHYS.items() if matter.state in states}


def _refuse_answered(matter: Matter) -> None:
    if matter.state == State.ANSWERED:
        raise NotAllowedError(
            "it is answered, and what was answered stands", hint="file a new one that names it"
        )


def _check_dates(matter: Matter, after: Mapping[str, Any]) -> None:
    before = matter.answers
    if after.get(RECEIVED) != before.get(RECEIVED):
        raise ConfigError("when it came is not put right here: its clocks began then", hint="file it anew")
    if after.get(ANSWER_BY) != before.get(ANSWER_BY) and before.get(ANSWER_BY) is not None:
        raise ConfigError("the date of the paper is moved under its clock", hint="extend it there")


def _decide(matter: Matter, asked: Asked, now: datetime) -> Decided:
    """Return what the order answers to other answers: what was said of papers was said of those before."""
    return decide(asked, whose_of(matter), happened=matter.received, now=now, number=matter.number, since=now)


def _take(
    actor: Actor,
    locked: Matter,
    act: Act,
    decided: Decided,
    says: Mapping[str, object],
    *,
    document: str = "",
    follow: bool = True,
) -> Event:
    """Record what the order answers now and take it for the matter's; what it answered before stays in the history."""
    was = {
        "order": locked.order_digest, "outcome": locked.outcome, "posture": locked.posture,
        "clauses": list(locked.clauses),
    }  # fmt: skip
    decision, waited = decided.decision, (locked.state, locked.addressee)
    more = {
        "clauses": " ".join(decision.clauses), "policies": " ".join(decision.policies),
        "order_digest": order().pack.digest, "what": str(says.get("clause", "")),
    }  # fmt: skip
    done = add_event(actor, locked, act, {**says, "was": was}, document=document, more=more, decided=decided)
    take_decision(locked, decision)
    locked.save()
    if follow:
        clocks.follow(locked, by=actor.account, now=actor.now, entry=done.entry)
    if (locked.state, locked.addressee) != waited:
        tell_matter(locked, actor.now, occasion=done.entry)
    return done
