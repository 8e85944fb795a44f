"""An answer to a request for public records: what responds, what leaves of it, the law department's word, the export.

The custodian chooses and decides; the law department reviews. What is exported is exactly what was reviewed: a review
bears the digest of the files, and anything that changes afterwards needs another. Nobody reviews what they decided.

What is sealed today is in no list, field, number or message, whatever was chosen or decided about it before.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from hashlib import sha256
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from doorward.desk.access import Actor, answers_to_records, records_requests, reported, responsive
from doorward.desk.entries import office_entry
from doorward.desk.foia.export import WHOLE, Answer, Decision, SourceRecord, files_of, make_answer
from doorward.desk.foia.export import Act as Do
from doorward.desk.history import NotAllowedError
from doorward.desk.ids import draw_id
from doorward.desk.models import Matter, RecordsAnswer, RecordsChoice, RecordsDecision, RecordsReview, Visit
from doorward.desk.order import order
from doorward.desk.recorder import recorder
from doorward.desk.reporting.gather import rules
from doorward.desk.reporting.turns import take_turn
from doorward.desk.roles import MAY, Act
from doorward.errors import ConfigError
from doorward.orders.exemptions import Exemptions
from doorward.orders.load import load_exemptions
from doorward.record.entry import Kind

MAX_DAYS: Final = 3660
MAX_RESPONSIVE: Final = 2000
MATTER, VISIT = "request", "visit record"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record as the custodian sees it.

    Args:
        names: Whether it names a person, by the record's own mark.
    """

    name: str
    text: str
    names: bool


@dataclass(frozen=True, slots=True)
class Review:
    """How an answer stands with the law department.

    Args:
        is_agreed: The law department agrees with exactly what it is now.
    """

    digest: str
    is_agreed: bool
    last: RecordsReview | None


@cache
def exemptions() -> Exemptions:
    """Return the codes of the order in force; raises ConfigError where it has none."""
    return load_exemptions(order().pack)


def open_requests(actor: Actor) -> QuerySet[Matter]:
    """Return the requests for records that somebody may see, the latest first."""
    return records_requests(actor, exemptions().requests).order_by("-filed")


def answers_of(actor: Actor) -> QuerySet[RecordsAnswer]:
    """Return the answers that somebody may see."""
    return answers_to_records(actor, exemptions().requests).select_related("matter")


def answer_of(actor: Actor, key: uuid.UUID) -> RecordsAnswer | None:
    """Return an answer, or None where there is none for this person."""
    return answers_of(actor).filter(pk=key).first()


def request_of(actor: Actor, key: uuid.UUID) -> Matter | None:
    """Return a request for records, or None where there is none for this person."""
    return open_requests(actor).filter(pk=key).first()


def begin(actor: Actor, matter: Matter, first: date, last: date) -> RecordsAnswer:
    """Return a new answer to a request, over what was received from one day to another.

    Raises:
        NotAllowedError: They may not, or there is no such request for them.
        ConfigError: The period is none.
        StoreError: It cannot be recorded; nothing was begun.
    """
    office = _office(actor, Act.COLLECT)
    if request_of(actor, matter.pk) is None:
        raise NotAllowedError("there is no such request for you")
    if not first <= last or (last - first).days > MAX_DAYS:
        raise ConfigError(f"expected a first and a last day, at most {MAX_DAYS} days apart")
    with transaction.atomic():
        key = draw_id()
        entry = _record(actor, key, Act.COLLECT, "begun")
        return RecordsAnswer.objects.create(
            id=key,
            matter=matter,
            first=first,
            last=last,
            at=actor.now,
            by=actor.account,
            office=office,
            entry=entry,
        )


def candidates(answer: RecordsAnswer, now: datetime) -> tuple[Sequence[Matter], Sequence[Visit]]:
    """Return what was received in the period of an answer and may respond, without the request itself."""
    zone = rules().clocks.zone
    begins = datetime.combine(answer.first, time(), zone)
    ends = datetime.combine(answer.last + timedelta(days=1), time(), zone)
    some, others = responsive(answer, now)
    some = some.filter(received__gte=begins, received__lt=ends).exclude(pk=answer.matter_id)
    others = others.filter(opened__gte=begins, opened__lt=ends).select_related("place")
    return list(some.order_by("number")[:MAX_RESPONSIVE]), list(others.order_by("number")[:MAX_RESPONSIVE])


def chosen(answer: RecordsAnswer) -> set[uuid.UUID]:
    """Return the ids of what responds: the last word on each."""
    last = {one.matter_id or one.visit_id: one.responds for one in answer.choices.all()}
    return {key for key, responds in last.items() if responds and key is not None}


def choose(
    actor: Actor, answer: RecordsAnswer, keys: Collection[uuid.UUID], among: Collection[uuid.UUID]
) -> int:
    """Say what of some candidates responds, and return how many words were new; the rest stands as it was.

    Args:
        keys: What responds; of a form.
        among: What was asked about, such as one page of the list.

    Raises:
        NotAllowedError: They may not.
        StoreError: It cannot be recorded; nothing was said.
    """
    office = _office(actor, Act.COLLECT)
    with transaction.atomic():
        take_turn(str(answer.pk))
        before = chosen(answer)
        matters, visits = candidates(answer, actor.now)
        asked = [one for one in (*matters, *visits) if one.pk in among]
        changed = [one for one in asked if (one.pk in keys) != (one.pk in before)]
        if not changed:
            return 0
        said = "\n".join(f"{one.pk} {one.pk in keys}" for one in changed)
        entry = _record(actor, answer, Act.COLLECT, "chosen", said=said)
        RecordsChoice.objects.bulk_create(
            RecordsChoice(
                answer=answer, matter=one if isinstance(one, Matter) else None,
                visit=one if isinstance(one, Visit) else None, responds=one.pk in keys, at=actor.now, by=actor.account,
                office=office, entry=entry,
            )
            for one in changed
        )  # fmt: skip
        return len(changed)


def records_of(answer: RecordsAnswer, now: datetime) -> tuple[SourceRecord, ...]:
    """Return what responds, in order of its numbers; nothing that is sealed now."""
    keys = chosen(answer)
    matters, visits = responsive(answer, now)
    found: list[Matter | Visit] = [*matters.filter(pk__in=keys).order_by("number")]
    found += visits.filter(pk__in=keys).order_by("number")
    return tuple(
        SourceRecord(
            one.number, MATTER if isinstance(one, Matter) else VISIT,
            tuple((field.name, field.text) for field in fields_of(one)),
        )
        for one in found
    )  # fmt: skip


def record_of(answer: RecordsAnswer, number: str, now: datetime) -> Matter | Visit | None:
    """Return what responds under a number, or None."""
    keys = chosen(answer)
    for rows in responsive(answer, now):
        found: Matter | Visit | None = rows.filter(pk__in=keys, number=number).first()
        if found is not None:
            return found
    return None


def fields_of(one: Matter | Visit) -> list[Field]:
    """Return the fields of a record as text; a field without content is none."""
    zone = rules().clocks.zone

    def moment(at: datetime) -> str:
        return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")

    if isinstance(one, Visit):
        named = set(one.sealed_fields)
        found = [Field("number", one.number, names=False), Field("place", one.place.name, names=False)]
        found += [Field("begun-at", moment(one.opened), names=False)]
        found += [Field("filed-at", moment(one.received), names=False)]
        found += [Field(name, _text(value), name in named) for name, value in one.values.items()]
        found.append(Field("not-known", ", ".join(one.unknown), names=False))
        return _unique(found)
    kind = order().intake.kinds.get(one.kind)
    found = [
        Field("number", one.number, names=False), Field("kind", kind.label if kind else one.kind, names=False),
        Field("received-at", moment(one.received), names=False), Field("order-answers", one.outcome, names=False),
        Field("sentence", one.sentence, names=False), Field("clauses", " ".join(one.clauses), names=False),
    ]  # fmt: skip
    for name, words in one.answers.items():
        question = kind.question(name) if kind else None
        labels = [
            question.options[word].label if question and word in question.options else word for word in words
        ]
        found.append(Field(name, "; ".join(labels), names=question is None or question.is_kept))
    history = "; ".join(f"{moment(event.at)} {event.office} {event.act}" for event in one.events.all())
    found.append(Field("history", history, names=False))
    return _unique(found)


def decisions_of(answer: RecordsAnswer) -> tuple[Decision, ...]:
    """Return what is decided: the last word on each field."""
    last = {(one.record, one.field): one for one in answer.decisions.all()}
    return tuple(Decision(one.record, one.field, Do(one.do), one.code) for one in last.values() if one.do)


def decide(actor: Actor, answer: RecordsAnswer, number: str, said: Mapping[str, tuple[str, str]]) -> int:
    """Take what the custodian decided of the fields of one record, or of it whole, and return how many words were new.

    Args:
        said: What is done and by which code, by field; a field with an empty word is not decided any more.

    Raises:
        NotAllowedError: They may not, or nothing responds under this number.
        ConfigError: A word, a code or a field is none.
        StoreError: It cannot be recorded; nothing was decided.
    """
    office = _office(actor, Act.COLLECT)
    with transaction.atomic():
        take_turn(str(answer.pk))
        found = record_of(answer, number, actor.now)
        if found is None:
            raise NotAllowedError("there is no such record in this answer for you")
        known = {field.name for field in fields_of(found)} | {WHOLE}
        for field, (do, code) in said.items():
            _check(field, do, code, known)
        before = {
            one.field: (one.act.value, one.code) for one in decisions_of(answer) if one.record == number
        }
        new = {field: word for field, word in said.items() if before.get(field, ("", "")) != word}
        if not new:
            return 0
        text = "\n".join(f"{number} {field} {do} {code}" for field, (do, code) in sorted(new.items()))
        entry = _record(actor, answer, Act.COLLECT, "decided", said=text)
        RecordsDecision.objects.bulk_create(
            RecordsDecision(
                answer=answer, record=number, field=field, do=do, code=code, at=actor.now, by=actor.account,
                office=office, entry=entry,
            )
            for field, (do, code) in new.items()
        )  # fmt: skip
        return len(new)


def made(answer: RecordsAnswer, now: datetime) -> Answer:
    """Return what leaves, as it is decided now.

    Raises:
        ConfigError: A field is not decided; names records by number and fields by name.
    """
    records = records_of(answer, now)
    names = {one.id: {name for name, _ in one.fields} | {WHOLE} for one in records}
    mine = [one for one in decisions_of(answer) if one.field in names.get(one.record, ())]
    whole = {one.record for one in mine if one.field == WHOLE}
    counted = [one for one in mine if one.field == WHOLE or one.record not in whole]
    return make_answer(records, counted, exemptions(), rules().today(now))


def files(answer: RecordsAnswer, now: datetime) -> dict[str, bytes]:
    """Return the files of an answer; raises as `made`."""
    return files_of(made(answer, now), exemptions())


def overview(now: datetime) -> list[dict[str, Any]]:
    """Return the answers of the desk to requests that are not sealed, each with what it waits for; no content."""
    found = []
    for answer in (
        RecordsAnswer.objects.filter(matter__in=reported(now)).select_related("matter").order_by("entry")
    ):
        one: dict[str, Any] = {
            "id": str(answer.pk), "request": answer.matter.number, "first": answer.first.isoformat(),
            "last": answer.last.isoformat(), "records": len(records_of(answer, now)), "by_code": {},
        }  # fmt: skip
        try:
            one["by_code"] = dict(made(answer, now).by_code)
            state = review_of(answer, now)
            one["state"] = "may leave" if state.is_agreed else "waits for the law department"
            one["digest"] = state.digest
        except ConfigError as error:
            one["state"] = str(error)
        found.append(one)
    return found


def review_of(answer: RecordsAnswer, now: datetime) -> Review:
    """Return how an answer stands with the law department; raises as `made`."""
    digest = _digest(files(answer, now))
    last = answer.reviews.order_by("entry").last()
    return Review(digest, last is not None and last.agrees and last.digest == digest, last)


def review(actor: Actor, answer: RecordsAnswer, digest: str, *, agrees: bool) -> RecordsReview:
    """Return the law department's word on exactly what it read.

    Args:
        digest: Of what was read; of a form.

    Raises:
        NotAllowedError: They may not, or they chose or decided something of it.
        ConfigError: It is another than what was read, or a field is not decided.
        StoreError: It cannot be recorded; nothing was said.
    """
    office = _office(actor, Act.REVIEW)
    with transaction.atomic():
        take_turn(str(answer.pk))
        mine = (rows.filter(by=actor.account).exists() for rows in (answer.choices, answer.decisions))
        if answer.by_id == actor.account.pk or any(mine):
            raise NotAllowedError("nobody reviews what they decided")
        now = review_of(answer, actor.now)
        if now.digest != digest:
            raise ConfigError("it has changed since you read it", hint="read it again")
        word = "agreed" if agrees else "returned"
        entry = _record(actor, answer, Act.REVIEW, word, digest=digest)
        return RecordsReview.objects.create(
            answer=answer,
            digest=digest,
            agrees=agrees,
            at=actor.now,
            by=actor.account,
            office=office,
            entry=entry,
        )


def export(actor: Actor, answer: RecordsAnswer) -> dict[str, bytes]:
    """Return the files that leave; that they did stands in the record first.

    Raises:
        NotAllowedError: They may not, or the law department has not agreed with what it is now.
        ConfigError: A field is not decided.
        StoreError: It cannot be recorded; nothing leaves.
    """
    _office(actor, Act.COLLECT)
    with transaction.atomic():
        take_turn(str(answer.pk))
        if not review_of(answer, actor.now).is_agreed:
            raise NotAllowedError("the law department has not agreed with what it is now")
        found = files(answer, actor.now)
        _record(actor, answer, Act.COLLECT, "exported", digest=_digest(found))
        return found


def _office(actor: Actor, act: Act) -> str:
    by = actor.assignment(MAY[act]) if actor.may(act) else None
    if by is None:
        raise NotAllowedError("as what you are signed in, this is not yours to do")
    return by.role


def _record(
    actor: Actor, answer: RecordsAnswer | uuid.UUID, act: Act, what: str, *, said: str = "", digest: str = ""
) -> int:
    key = answer if isinstance(answer, uuid.UUID) else answer.pk
    fields = office_entry(
        key, act.value, what=f"records {what}", login=actor.account.login, office=_office(actor, act),
        digest=digest or (sha256(said.encode()).hexdigest() if said else ""),
    )  # fmt: skip
    return recorder().record([(Kind.ACT, fields)], now=actor.now)


def _check(field: str, do: str, code: str, known: Collection[str]) -> None:
    if field not in known:
        raise ConfigError(f"the record has no field `{field[:60]}`")
    words = {"", Do.WITHHOLD.value} if field == WHOLE else {"", Do.RELEASE.value, Do.REDACT.value}
    if do not in words:
        raise ConfigError(f"`{field[:60]}`: a field is released or redacted, a whole record is withheld")
    if do in {Do.REDACT.value, Do.WITHHOLD.value} and code not in exemptions().codes:
        raise ConfigError(f"`{field[:60]}` needs a code", hint=", ".join(exemptions().codes))
    if do in {"", Do.RELEASE.value} and code:
        raise ConfigError(f"`{field[:60]}` is not withheld and has no code")


def _digest(found: Mapping[str, bytes]) -> str:
    whole = b"".join(sha256(name.encode()).digest() + sha256(found[name]).digest() for name in sorted(found))
    return sha256(whole).hexdigest()


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _unique(fields: Iterable[Field]) -> list[Field]:
    """Return the fields that hold something, each name once: the desk's own before those that were asked."""
    found: dict[str, Field] = {}
    for field in fields:
        name = field.name[:78] if field.name not in found else f"{field.name[:76]}-2"
        if field.text:
            found[name] = Field(name, field.text, field.names)
    return list(found.values())
