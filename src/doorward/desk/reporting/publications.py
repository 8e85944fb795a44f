"""The public table from the desk's database: a quarter is counted once, signed by the auditor, and stands for ever.

1. A quarter is made on or after its day of the schedule, in order. What is counted in it is written down, one row for
   each matter and visit, and never again anywhere else: what is done to a matter later changes no number.
2. What is sealed on the day of the schedule is not counted then. It counts in the first quarter whose day comes after
   the seal, as what is recorded late counts late (ADR 46).
3. The desk makes all earlier quarters again from what was counted and compares the bytes; where they differ, nothing is
   made.
4. A quarter is public once a key of the auditor's office signed its totals, and only after the quarters before it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from hashlib import sha256
from pathlib import Path
from typing import Final

from django.db import transaction

from doorward.desk.access import Actor, reported, reported_visits, sees_reports
from doorward.desk.deadlines.periods import Period, parse_period
from doorward.desk.entries import office_entry
from doorward.desk.history import NotAllowedError
from doorward.desk.models import Publication, PublicationCount, PublicationSignature
from doorward.desk.order import order
from doorward.desk.recorder import recorder
from doorward.desk.reporting.gather import rules
from doorward.desk.reporting.reports import check_note
from doorward.desk.reporting.turns import take_turn
from doorward.desk.roles import MAY, Act
from doorward.desk.transparency.publication import Happening, Scheme, make_publications, publish_on
from doorward.desk.transparency.publication import Publication as Made
from doorward.desk.transparency.release import digest_totals, format_all_totals, format_table, parse_table
from doorward.errors import ConfigError, StoreError
from doorward.orders.load import load_transparency
from doorward.orders.transparency import Counted
from doorward.record.entry import Kind

MAX_COUNTED: Final = 2_000_000  # rows that are read for one table
NO_POSTURE: Final = "none"


@dataclass(frozen=True, slots=True)
class Standing:
    """A quarter as those who make it see it.

    Args:
        day: Of the schedule.
        made: What stands, or None.
        is_signed: Whether it is public.
    """

    quarter: Period
    day: date
    made: Publication | None
    is_signed: bool


def counted() -> Counted:
    """Return what the order in force counts for the public.

    Raises:
        ConfigError: The order has no public table.
    """
    return load_transparency(order().pack)


def scheme_of(words: Counted) -> Scheme:
    """Return the scheme of an order; raises ConfigError where it would publish too early or too small."""
    return Scheme(
        words.all_kinds, words.all_outcomes, parse_period(words.first), words.threshold, words.delay_days
    ).check()


def public() -> Sequence[Publication]:
    """Return the quarters that everybody may see, in order."""
    return list(
        Publication.objects.filter(signature__isnull=False).select_related("signature").order_by("quarter")
    )


def figures_of(publications: Sequence[Publication]) -> tuple[Made, ...]:
    """Return what the tables of these quarters say."""
    return tuple(map(_read, publications))


def standings(actor: Actor) -> list[Standing] | None:
    """Return the quarters that stand and the next one, the latest first, or None where this is not theirs to see.

    Raises:
        ConfigError: The order has no public table.
    """
    if not sees_reports(actor):
        return None
    scheme = scheme_of(counted())
    found = []
    quarter = scheme.first
    for made in Publication.objects.order_by("quarter").select_related("signature"):
        found.append(
            Standing(parse_period(made.quarter), made.day, made, is_signed=hasattr(made, "signature"))
        )
        quarter = parse_period(made.quarter).after
    found.append(Standing(quarter, publish_on(scheme, quarter), None, is_signed=False))
    return found[::-1]


def publication_of(actor: Actor, quarter: str) -> Publication | None:
    """Return a quarter that was made, or None where there is none for this person."""
    return Publication.objects.filter(quarter=quarter).first() if sees_reports(actor) else None


def make_next(actor: Actor) -> Publication:
    """Return the next quarter, counted and made; it is public once the auditor has signed it.

    Raises:
        NotAllowedError: They may not.
        ConfigError: Its day has not come, or the order counts something else than what stands.
        StoreError: It cannot be recorded, or what stands cannot be made again; nothing was made.
    """
    by = actor.assignment(MAY[Act.PUBLISH]) if actor.may(Act.PUBLISH) else None
    if by is None:
        raise NotAllowedError("as what you are signed in, this is not yours to do")
    words = counted()
    scheme = scheme_of(words)
    with transaction.atomic():
        take_turn("publication")
        before = list(Publication.objects.order_by("quarter"))
        _check_scheme(before, scheme, words)
        quarter = parse_period(before[-1].quarter).after if before else scheme.first
        day = publish_on(scheme, quarter)
        if rules().today(actor.now) < day:
            raise ConfigError(f"{quarter} is published on {day} and not before")
        mine = list(_uncounted(words, scheme, quarter, day))
        made, totals = _make(scheme, mine, quarter, day, before)
        table = format_table(made)
        fields = office_entry(
            None, Act.PUBLISH.value, what=f"totals {quarter}", login=actor.account.login, office=by.role,
            digest=sha256(table).hexdigest(), evidence=digest_totals(totals),
        )  # fmt: skip
        entry = recorder().record([(Kind.ACT, fields)], now=actor.now)
        found = Publication.objects.create(
            quarter=str(quarter), day=day, scheme=scheme_json(scheme, words.tenants), table=table, totals=totals,
            at=actor.now, by=actor.account, office=by.role, entry=entry,
        )  # fmt: skip
        for one in mine:
            one.publication = found
        PublicationCount.objects.bulk_create(mine, batch_size=2000)
        return found


def take_signature(actor: Actor, made: Publication, note: str, data: Path) -> PublicationSignature:
    """Return the auditor's signature of a quarter, which is public with it.

    Args:
        note: As `doorward transparency sign` made it; untrusted.
        data: The data folder, where the officials' public keys are.

    Raises:
        NotAllowedError: They may not.
        ConfigError: It is signed already, one before it is not, or the note is about something else.
        LogError: It is no note, or no key of the auditor's office on file signed it.
        StoreError: It cannot be recorded; nothing is public.
    """
    by = actor.assignment(MAY[Act.PUBLISH]) if actor.may(Act.PUBLISH) else None
    if by is None:
        raise NotAllowedError("as what you are signed in, this is not yours to do")
    raw, signer = check_note(note, bytes(made.totals), data, counted().auditor)
    with transaction.atomic():
        take_turn("publication")
        if PublicationSignature.objects.filter(publication=made).exists():
            raise ConfigError("it is signed already")
        open_ones = Publication.objects.filter(quarter__lt=made.quarter, signature__isnull=True)
        if open_ones.exists():
            raise ConfigError(
                "a quarter before it is not signed", hint="each names the digest of the one before"
            )
        fields = office_entry(
            None, Act.PUBLISH.value, what=f"signed totals {made.quarter}", login=actor.account.login, office=by.role,
            digest=sha256(raw).hexdigest(), evidence=digest_totals(bytes(made.totals)),
        )  # fmt: skip
        entry = recorder().record([(Kind.ACT, fields)], now=actor.now)
        return PublicationSignature.objects.create(
            publication=made,
            note=raw,
            signer=signer,
            at=actor.now,
            by=actor.account,
            office=by.role,
            entry=entry,
        )


def _uncounted(words: Counted, scheme: Scheme, quarter: Period, day: date) -> Iterator[PublicationCount]:
    """Yield what is counted in a quarter: recorded by its end, not counted before, not sealed on its day."""
    zone = rules().clocks.zone
    begins = datetime.combine(scheme.first.first, time(), zone)
    ends = datetime.combine(quarter.after.first, time(), zone)
    on = datetime.combine(day, time(), zone)
    already = PublicationCount.objects.filter(matter__isnull=False).values("matter_id")
    matters = (
        reported(on)
        .filter(tenant__in=words.tenants, filed__gte=begins, filed__lt=ends)
        .exclude(pk__in=already)
    )
    for key, kind, outcome in matters.order_by("entry").values_list("pk", "kind", "outcome")[:MAX_COUNTED]:
        yield PublicationCount(matter_id=key, kind=words.kind_of(kind), outcome=words.outcomes[outcome])
    filed = PublicationCount.objects.filter(visit__isnull=False).values("visit_id")
    visits = (
        reported_visits()
        .filter(place__tenant__in=words.tenants, received__gte=begins, received__lt=ends)
        .exclude(pk__in=filed)
    )
    for key, posture in visits.order_by("entry").values_list("pk", "posture")[:MAX_COUNTED]:
        outcome = words.postures.get(posture, words.postures[NO_POSTURE])
        yield PublicationCount(visit_id=key, kind=words.visits, outcome=outcome)


def _make(
    scheme: Scheme,
    mine: Sequence[PublicationCount],
    quarter: Period,
    day: date,
    before: Sequence[Publication],
) -> tuple[Made, bytes]:
    """Return a quarter with its totals; raises StoreError where what stands is not what was counted."""
    events = [Happening(quarter.last, one.kind, one.outcome) for one in mine]
    rows = PublicationCount.objects.values_list("publication__quarter", "kind", "outcome")
    events += [Happening(parse_period(name).last, kind, outcome) for name, kind, outcome in rows]
    every = make_publications(events, scheme, day)
    totals = format_all_totals(every, scheme)
    for stands, again, text in zip(before, every, totals, strict=False):
        if bytes(stands.table) != format_table(again) or bytes(stands.totals) != text:
            raise StoreError(
                f"the table of {stands.quarter} cannot be made again from what was counted",
                hint="nothing was made; somebody changed the database, or this version counts otherwise",
            )
    return every[-1], totals[-1]


def _check_scheme(before: Sequence[Publication], scheme: Scheme, words: Counted) -> None:
    if before and before[0].scheme != scheme_json(scheme, words.tenants):
        raise ConfigError(
            "the order counts something else than what stands",
            hint="another list would be a difference of two tables",
        )


def scheme_json(scheme: Scheme, tenants: Sequence[str]) -> dict[str, object]:
    """Return a scheme, and whose requests it counts, as it is kept beside each quarter."""
    return {
        "kinds": list(scheme.kinds), "outcomes": list(scheme.outcomes), "first": str(scheme.first),
        "threshold": scheme.threshold, "delay_days": scheme.delay_days, "tenants": list(tenants),
    }  # fmt: skip


def _read(one: Publication) -> Made:
    return parse_table(bytes(one.table), parse_period(one.quarter), one.day, int(one.scheme["threshold"]))
