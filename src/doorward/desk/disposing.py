"""Disposal of papers as acts: one proposes, another does it; the key goes, then the file, and the row stays.

The key's deletion, the row and the entry are one transaction; the file is removed after it. A crash between the two
leaves a file whose key is gone.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from doorward.desk.access import Actor, matters, paper_of
from doorward.desk.filed_papers import add_event, erase, record, remove_file
from doorward.desk.history import NotAllowedError
from doorward.desk.holding import awaits_hold, holds_over, take_turn
from doorward.desk.models import DisposalStep, Matter, Paper, Standing, State
from doorward.desk.papers.disposal import Case, find_reasons
from doorward.desk.papers.kinds import group
from doorward.desk.roles import Act, Role
from doorward.desk.schedule import schedule
from doorward.orders.retention import Item
from doorward.record.entry import Field

PROPOSE: Final = "propose-disposal"
TAKE_BACK: Final = "keep-paper"
DISPOSE: Final = Act.DISPOSE.value
SEES: Final = frozenset({Role.LAW, Role.CUSTODIAN, Role.AUDITOR})
MAX_SHOWN: Final = 200
_ACTS_OF: Final = {"matter-answered": ("answer", "send-letter"), "matter-closed": ("close",)}
_DONE: Final = {"matter-answered": {State.ANSWERED, State.CLOSED}, "matter-closed": {State.CLOSED}}
_PLACEHOLDER: Final = "not-asked-yet"


@dataclass(frozen=True, slots=True)
class Due:
    """A paper on the page of disposals.

    Args:
        item: Under which its term is over, or None: under none.
        reasons: What keeps it beside the certificate; none where it may be proposed.
        proposal: What waits for a second person, or None.
    """

    paper: Paper
    item: Item | None
    reasons: tuple[str, ...]
    proposal: DisposalStep | None

    @property
    def digest(self) -> str:
        """The paper's, for people to compare."""
        return group(self.paper.file_sha256)


def list_due(actor: Actor) -> tuple[Due, ...] | None:
    """Return the papers whose term is over and those that are proposed, or None where somebody may see no such list.

    A paper of a sealed matter is on it for its counsel alone.
    """
    if not actor.roles & SEES:
        return None
    return tuple(islice(_find_due(actor), MAX_SHOWN))


def propose(actor: Actor, key: uuid.UUID, item: str, certificate: str) -> Paper | None:
    """Return a paper that waits for a second person now, or None where there is none for this person.

    Raises:
        NotAllowedError: They may not, or something keeps it; all that does is said.
        StoreError: It cannot be recorded.
    """
    return _step(actor, key, PROPOSE, item, certificate.strip())


def take_back(actor: Actor, key: uuid.UUID) -> Paper | None:
    """Return a paper whose disposal is proposed no more; anybody who may dispose can say so. Raises as `propose`."""
    return _step(actor, key, TAKE_BACK)


def dispose(actor: Actor, key: uuid.UUID) -> Paper | None:
    """Return a paper after its key and its file went, as another person proposed. Raises as `propose`."""
    paper = _step(actor, key, DISPOSE)
    if paper is not None:
        remove_file(paper.pk)
    return paper


def _step(actor: Actor, key: uuid.UUID, step: str, item: str = "", certificate: str = "") -> Paper | None:
    if paper_of(actor, key) is None:
        return None
    if not actor.may(Act.DISPOSE):
        raise NotAllowedError("as what you are signed in, this is not yours to do")
    with transaction.atomic():
        take_turn()
        paper = Paper.objects.select_for_update().get(pk=key)
        if paper_of(actor, key) is None:  # sealed meanwhile
            return None
        matter = Matter.objects.get(pk=paper.matter_id)
        before = _proposal(paper)
        if step == PROPOSE and before is not None:
            raise NotAllowedError("it is proposed already", hint="another of these offices disposes of it")
        if step != PROPOSE:
            if before is None:
                raise NotAllowedError("nobody proposed it: a paper is disposed of by two people")
            item, certificate = before.item, before.certificate
        if step == DISPOSE and before is not None and before.by_id == actor.account.pk:
            raise NotAllowedError("a paper is disposed of by two people, and you proposed it yourself")
        if step != TAKE_BACK:
            _check(paper, matter, item, certificate, now=actor.now)
        entry, office = record(
            actor, matter, Act.DISPOSE, word=step, digest=paper.file_sha256,
            more={Field.EVIDENCE: f"{item} {certificate}"},
        )  # fmt: skip
        DisposalStep.objects.create(
            paper=paper, step=step, at=actor.now, by=actor.account, office=office, item=item, certificate=certificate,
            entry=entry,
        )  # fmt: skip
        add_event(actor, matter, step, office=office, entry=entry, paper=paper)
        if step == DISPOSE:
            erase(paper, now=actor.now)
    return paper


def _check(paper: Paper, matter: Matter, item: str, certificate: str, *, now: datetime) -> None:
    found = _item(item)
    reasons = find_reasons(_case(paper, matter, found), found, certificate, today=_day(now))
    if reasons:
        raise NotAllowedError("it stays: " + "; ".join(reasons))


def _item(name: str) -> Item | None:
    held = schedule()
    return None if held is None else held.items.get(name)


def _case(paper: Paper, matter: Matter, item: Item | None) -> Case:
    since = None if item is None else _since(paper, matter, item.counts_from)
    return Case(
        kind=matter.kind,
        since=since,
        is_evidence=paper.standing == Standing.EVIDENCE,
        is_erased=paper.erased is not None or not paper.file_sha256,
        holds=len(holds_over(matter)),
        awaits_hold=awaits_hold(matter),
    )


def _since(paper: Paper, matter: Matter, counts_from: str) -> date | None:
    if counts_from == "paper-added":
        return _day(paper.presented)
    if counts_from == "matter-filed":
        return _day(max(matter.filed, matter.received))
    acts = _ACTS_OF.get(counts_from)
    if acts is None or matter.state not in _DONE[counts_from]:
        return None
    last = matter.events.filter(act__in=acts).order_by("-entry").first()
    return None if last is None else _day(max(last.at, paper.presented))


def _proposal(paper: Paper) -> DisposalStep | None:
    last = DisposalStep.objects.filter(paper=paper).select_related("by").order_by("-entry").first()
    return last if last is not None and last.step == PROPOSE else None


def _find_due(actor: Actor) -> Iterator[Due]:
    held = schedule()
    items = () if held is None else tuple(one for one in held.items.values() if "papers" in one.covers)
    papers = Paper.objects.filter(matter__in=matters(actor), erased=None, standing=Standing.EVIDENCE)
    old = Q(disposals__step=PROPOSE)
    terms = [one.years for one in items if one.years is not None]
    if terms:  # nothing younger than the shortest term can be due
        old |= Q(presented__lt=actor.now - timedelta(days=365 * min(terms)))
    papers = papers.filter(old).exclude(file_sha256="").distinct()
    for paper in papers.select_related("matter").order_by("entry").iterator():
        proposal = _proposal(paper)
        item = next((one for one in items if _is_over(paper, one, actor.now)), None)
        if proposal is None and item is None:
            continue
        item = _item(proposal.item) if proposal is not None else item
        certificate = proposal.certificate if proposal is not None else _PLACEHOLDER
        case = _case(paper, paper.matter, item)
        yield Due(paper, item, find_reasons(case, item, certificate, today=_day(actor.now)), proposal)


def _is_over(paper: Paper, item: Item, now: datetime) -> bool:
    if not item.covers_paper(paper.matter.kind):
        return False
    since = _since(paper, paper.matter, item.counts_from)
    due = None if since is None else item.due_on(since)
    return due is not None and due <= _day(now)


def _day(at: datetime) -> date:
    return at.astimezone(ZoneInfo(settings.DESK.time_zone)).date()
