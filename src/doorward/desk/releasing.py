"""Letters on their way out: kept as somebody wrote them, signed by the people whom the order names, sent, and recorded.

The desk signs nothing. Whoever releases a letter reads the PDF, signs its statement on their own machine and hands the
note in; what counts are signatures of known keys of the letter's office, judged again at each look, and never a row.

1. The account that hands a signature in and the login in the key's name are the same, of the letter's office now.
2. Nobody releases an answer to what they filed themselves.
3. An edit is another letter, without signatures. One that was released is not edited; an objection lets it be.
4. A letter rests on an answer of the order. Where that answer has changed since, it is not signed and not sent.
5. With `has_later_second`, a letter of two goes out with one signature; the second is owed by the order's clock. Who
   gives it may object instead: that is recorded and takes nothing back, since what has left has left.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from doorward.desk import clocks
from doorward.desk.access import OFFICE, Actor, letter_of, matters
from doorward.desk.actions import answer_locked
from doorward.desk.deadlines.clock import Clock
from doorward.desk.due import begin_clock
from doorward.desk.history import NotAllowedError, add_event, lock_matter
from doorward.desk.ids import draw_id
from doorward.desk.letters.answer import Answer
from doorward.desk.letters.answer import Letter as Written
from doorward.desk.letters.release import (
    Draft,
    Statement,
    format_statement,
    make_draft,
    parse_statement,
    resume_draft,
    take_signature,
)
from doorward.desk.models import Event, Letter, LetterStep, Matter, MatterClock, State
from doorward.desk.notices.outbox import tell_second
from doorward.desk.order import letters, order
from doorward.desk.roles import Act, Role
from doorward.desk.writing import day_of, determined_in_force, is_sealed
from doorward.errors import ConfigError
from doorward.grants.cut_files import load_officers
from doorward.notes.note import Verifier
from doorward.orders.letter_book import Act as Done

WAYS: Final[Mapping[str, str]] = {"post": "by post", "email": "by e-mail", "hand": "by hand"}
SECOND: Final = "second-signature"  # the kind of the order's clock for it
MAX_WHY: Final = 200
MAX_NOTE: Final = 16_384
MOST: Final = 40  # letters of a kind that a list looks at; it says where there are more


@dataclass(frozen=True, slots=True)
class Stand:
    """A letter as it stands now.

    Args:
        draft: With the signatures of known keys; a key that is gone counts no more.
        why_not: Why it is neither signed nor sent any more, or empty.
        second_due: Until when the second signature is owed, or None.
    """

    letter: Letter
    draft: Draft
    sent: LetterStep | None
    objection: LetterStep | None
    why_not: str
    second_due: datetime | None = None

    @property
    def statement(self) -> Statement:
        """What is signed."""
        return self.draft.statement

    @property
    def signers(self) -> tuple[str, ...]:
        """Names of the keys."""
        return self.draft.signers

    @property
    def is_owed(self) -> bool:
        """Whether it has left with one signature, and the second person has neither signed nor objected."""
        return self.sent is not None and not self.draft.is_released and self.objection is None

    @property
    def says(self) -> str:
        """How it stands, in words."""
        count = f"{len(self.signers)} of {self.statement.people} signed"
        if self.sent is not None:
            said = f"sent {WAYS.get(self.sent.says, self.sent.says)}"
            if self.objection is not None:
                return f"{said} with one signature; the second person objects"
            return f"{said} with one signature; the second is owed" if self.is_owed else said
        if self.objection is not None:
            return "objected to"
        return self.why_not or (f"released: {count}" if self.draft.is_released else count)


def look(letter: Letter, now: datetime, officials: Sequence[Verifier] | None = None) -> Stand:
    """Return how a letter stands.

    Args:
        officials: The office's public keys, where somebody has read them already.

    Raises:
        ConfigError: The office's public keys cannot be read.
        LogError: What is kept is no such letter, or a known key's signature does not hold.
    """
    steps = list(letter.steps.all())
    signed = [one for one in steps if one.step == LetterStep.SIGNED]
    pdf = bytes(letter.pdf)
    if signed:
        known = _officials() if officials is None else officials
        draft = resume_draft(pdf, signed[-1].note.encode(), known)
    else:
        draft = Draft(parse_statement(letter.statement.encode()), pdf)
    sent = next((one for one in steps if one.step == LetterStep.SENT), None)
    objection = next((one for one in steps if one.step == LetterStep.OBJECTED), None)
    clock = next((one for one in letter.clocks.all() if one.runs), None)
    why_not = "" if sent is not None else _why_not(letter, draft.statement, now)
    return Stand(letter, draft, sent, objection, why_not, None if clock is None else clock.due)


def keep(actor: Actor, matter: Matter, written: Written, answer: Answer, typed: Mapping[str, str]) -> Letter:
    """Return a letter that waits to be signed; the one of this form that was not sent is replaced by it.

    Args:
        typed: As it was typed, to be edited again.

    Raises:
        NotAllowedError: They may not, or the one before was released and is not edited.
        ConfigError: A field is not what it must be.
        StoreError: It cannot be recorded; nothing was kept.
    """
    draft = make_draft(written, answer, day=day_of(actor.now))
    text = format_statement(draft.statement).decode()
    with transaction.atomic():
        locked = lock_matter(actor, matter, Act.WRITE)
        before = _open_letter(locked, written.form.name)
        stand = None if before is None else look(before, actor.now)
        if stand is not None and stand.objection is None and not stand.why_not:
            if stand.letter.statement == text:
                return stand.letter  # sent twice, or nothing of it changed: its signatures hold
            if stand.draft.is_released:
                raise NotAllowedError(
                    "this letter was released and is not edited", hint="send it, or object to it first"
                )
        sha256 = draft.statement.pdf
        done = add_event(
            actor, locked, Act.WRITE, {"letter": written.form.name, "pdf": sha256}, document=sha256,
            more={"what": written.form.name},
        )  # fmt: skip
        return Letter.objects.create(
            id=draw_id(), matter=locked, form=written.form.name, act=written.facts.act.value, typed=dict(typed),
            basis=_basis(locked, actor.now), statement=text, pdf=draft.pdf, sha256=sha256, by=actor.account,
            at=actor.now, replaces=before, entry=done.entry,
        )  # fmt: skip


def sign(actor: Actor, matter: Matter, key: uuid.UUID, handed: str) -> Stand:
    """Return the letter with the signature that its releaser made elsewhere and hands in.

    Args:
        handed: The note; untrusted.

    Raises:
        NotAllowedError: They may not, or this letter is not signed any more.
        LogError: It is no note over this letter by this person's key.
        StoreError: It cannot be recorded; nothing was taken in.
    """
    raw = handed.replace("\r\n", "\n").strip().encode() + b"\n"
    if len(raw) > MAX_NOTE:
        raise ConfigError(f"expected a signed note of at most {MAX_NOTE} bytes")
    with transaction.atomic():
        locked, stand = _locked(actor, matter, key, Act.RELEASE)
        roles = _roles(actor, locked, stand)
        _refuse(stand)
        draft = take_signature(stand.draft, raw, _officials(), login=actor.account.login)
        done = _add(actor, locked, Act.RELEASE, stand, roles, key=draft.signers[-1])
        LetterStep.objects.create(
            letter=stand.letter, step=LetterStep.SIGNED, at=actor.now, by=actor.account, office=done.office,
            note=draft.note.decode(), entry=done.entry,
        )  # fmt: skip
        if stand.sent is not None and draft.is_released:
            clocks.meet(locked, by=actor.account, now=actor.now, entry=done.entry, letter=stand.letter)
    return look(stand.letter, actor.now)


def object_to(actor: Actor, matter: Matter, key: uuid.UUID, why: str) -> Stand:
    """Return the letter with the word of somebody of its office who does not let it go, or would not have.

    Raises:
        NotAllowedError: They may not, it was sent as it must be, with their word, or somebody objected already.
        ConfigError: They do not say why in a line.
        StoreError: It cannot be recorded; nothing was done.
    """
    if not 0 < len(why.strip()) <= MAX_WHY:
        raise ConfigError(f"say why in at most {MAX_WHY} characters")
    with transaction.atomic():
        locked, stand = _locked(actor, matter, key, Act.OBJECT)
        roles = _roles(actor, locked, stand)
        if stand.objection is not None:
            raise NotAllowedError("somebody objected to it already")
        if stand.why_not:
            raise NotAllowedError(f"nobody needs to object: {stand.why_not}")
        has_signed = f"{stand.statement.office}/{actor.account.login}" in stand.signers
        if stand.sent is not None and (not stand.is_owed or has_signed):
            raise NotAllowedError("it was sent with your word for it, or with all that it needs")
        done = _add(actor, locked, Act.OBJECT, stand, roles)
        LetterStep.objects.create(
            letter=stand.letter, step=LetterStep.OBJECTED, at=actor.now, by=actor.account, office=done.office,
            says=why.strip(), entry=done.entry,
        )  # fmt: skip
        clocks.meet(locked, by=actor.account, now=actor.now, entry=done.entry, letter=stand.letter)
    return look(stand.letter, actor.now)


def send(actor: Actor, matter: Matter, key: uuid.UUID, how: str) -> Stand:
    """Return the letter as sent; where it answers the matter, the matter is answered with its digest.

    Args:
        how: A word of `WAYS`.

    Raises:
        NotAllowedError: They may not, it lacks signatures, it was sent already, or the matter is answered already.
        ConfigError: No such way.
        StoreError: It cannot be recorded; nothing was done.
    """
    if how not in WAYS:
        raise ConfigError(f"expected one of {', '.join(WAYS)}")
    with transaction.atomic():
        locked, stand = _locked(actor, matter, key, Act.SEND)
        roles = _roles(actor, locked, stand)
        if stand.sent is not None:
            raise NotAllowedError("it is marked as sent already")
        _refuse(stand)
        second = None if stand.draft.is_released else _second_clock(stand, actor.now)
        does_answer = answers_matter(stand)
        if does_answer and locked.state == State.ANSWERED:
            raise NotAllowedError("the matter is answered already")
        done = _add(actor, locked, Act.SEND, stand, roles, how=how)
        LetterStep.objects.create(
            letter=stand.letter, step=LetterStep.SENT, at=actor.now, by=actor.account, office=done.office, says=how,
            entry=done.entry,
        )  # fmt: skip
        if does_answer:
            answer_locked(actor, locked, document=stand.letter.sha256, roles=roles)
        if second is not None:
            clocks.begin(locked, second, by=actor.account, entry=done.entry, letter=stand.letter)
            tell_second(locked, stand.statement.office, actor.now, occasion=done.entry)
    return look(stand.letter, actor.now)


def answers_matter(stand: Stand) -> bool:
    """Whether sending this letter answers the matter.

    One that one person releases acknowledges and decides nothing, an extension says that the answer comes later, and
    telling a person is beside the answer.
    """
    return stand.statement.people > 1 and stand.letter.act not in {Done.EXTENDED, Done.PERSON_TOLD}


def may_send_with_one(stand: Stand) -> bool:
    """Whether this desk lets the letter go with the signature that it has."""
    deadlines = order().deadlines
    has_clock = deadlines is not None and deadlines.choose(SECOND) is not None
    one_of_two = stand.statement.people == 2 and len(stand.signers) == 1
    return bool(settings.DESK.has_later_second) and has_clock and one_of_two


def roles_for(actor: Actor, office: str) -> frozenset[Role]:
    """Return by which of their roles somebody is of an office that releases letters."""
    return frozenset(role for role in actor.roles if OFFICE.get(role) == office)


def letters_waiting(actor: Actor) -> tuple[list[Stand], bool]:
    """Return the letters that wait for a word of this person, the oldest first, and whether there are more.

    They wait to be signed, to be sent, or for a second signature that is owed; those come first.
    """
    if not actor.may(Act.RELEASE):
        return [], False
    seen = Letter.objects.filter(matter__in=matters(actor), replaced_by=None).exclude(
        matter__state=State.CLOSED
    )
    sent = LetterStep.objects.filter(step=LetterStep.SENT).values("letter_id")
    seen = seen.select_related("matter", "replaced_by").prefetch_related(
        "steps", "clocks", "matter__determined"
    )
    owed, unsent = seen.filter(clocks__runs=True)[: MOST + 1], seen.exclude(pk__in=sent)[: MOST + 1]
    rows = [*owed[:MOST], *unsent[:MOST]]
    officials = _officials()
    stands = [look(one, actor.now, officials) for one in rows]
    mine = [one for one in stands if not one.why_not and roles_for(actor, one.statement.office)]
    return mine, len(owed) > MOST or len(unsent) > MOST


@dataclass(frozen=True, slots=True)
class Owed:
    """Second signatures, as far as somebody sees the matters."""

    owed: int
    late: int
    objected: int


def count_owed(actor: Actor) -> Owed:
    """Return how many second signatures are owed and late, and how many letters were objected to after they left."""
    rows = MatterClock.objects.filter(runs=True, letter__isnull=False, matter__in=matters(actor))
    objected = LetterStep.objects.filter(
        step=LetterStep.OBJECTED, letter__steps__step=LetterStep.SENT, letter__matter__in=matters(actor)
    ).exclude(letter__matter__state=State.CLOSED)
    return Owed(rows.count(), rows.filter(due__lte=actor.now).count(), objected.count())


def is_owed(matter: Matter) -> bool:
    """Whether a second signature on a letter of this matter is owed."""
    return bool(matter.clocks.filter(runs=True, letter__isnull=False).exists())


def _locked(actor: Actor, matter: Matter, key: uuid.UUID, act: Act) -> tuple[Matter, Stand]:
    locked = lock_matter(actor, matter, act)
    letter = letter_of(actor, locked, key)
    if letter is None:
        raise NotAllowedError("there is no such letter for you")
    return locked, look(letter, actor.now)


def _roles(actor: Actor, matter: Matter, stand: Stand) -> frozenset[Role]:
    roles = roles_for(actor, stand.statement.office)
    if not roles:
        raise NotAllowedError(f"this letter is of the office `{stand.statement.office}`, and you are not")
    if matter.filed_by_id == actor.account.pk:
        raise NotAllowedError("you filed it yourself; another person of the office does this")
    return roles


def _refuse(stand: Stand) -> None:
    if stand.objection is not None:
        raise NotAllowedError("somebody objected to it", hint="write it anew")
    if stand.why_not:
        raise NotAllowedError(stand.why_not, hint="write it anew")


def _second_clock(stand: Stand, now: datetime) -> Clock:
    if not may_send_with_one(stand):
        short = f"{len(stand.signers)} of {stand.statement.people} people of the office have signed it"
        raise NotAllowedError(f"it is not released: {short}")
    deadlines = order().deadlines
    rule = None if deadlines is None else deadlines.choose(SECOND)
    clock = None if deadlines is None or rule is None else begin_clock(deadlines, rule, begins=now)
    if clock is None:
        raise NotAllowedError("the order has no clock by which a second signature would be owed")
    return clock


def _add(actor: Actor, matter: Matter, act: Act, stand: Stand, roles: frozenset[Role], **says: str) -> Event:
    sha256 = stand.letter.sha256
    said = {"letter": stand.letter.form, "pdf": sha256, **says}
    more = {"what": stand.letter.form, "reason": says.get("how", "")}
    return add_event(actor, matter, act, said, document=sha256, more=more, roles=roles)


def _open_letter(matter: Matter, form: str) -> Letter | None:
    sent = LetterStep.objects.filter(step=LetterStep.SENT).values("letter_id")
    return matter.letters.filter(form=form, replaced_by=None).exclude(pk__in=sent).last()


def _why_not(letter: Letter, statement: Statement, now: datetime) -> str:
    if hasattr(letter, "replaced_by"):  # Django's word for the other end of a link that may not be there
        return "it was written anew"
    pack = order().pack
    if (statement.pack, statement.letters) != (pack.digest, letters().digest):
        return "the order changed since it was written"
    if letter.basis != _basis(letter.matter, now):
        return "the answer that it rests on changed since it was written"
    return ""


def _basis(matter: Matter, now: datetime) -> dict[str, Any]:
    return {
        "order": matter.order_digest, "outcome": matter.outcome, "posture": matter.posture,
        "clauses": list(matter.clauses), "sealed": is_sealed(matter, now),
        "determined": [one.record for one in determined_in_force(matter, now)],
    }  # fmt: skip


def _officials() -> list[Verifier]:
    return load_officers(settings.DESK.data / "officials.keys")
