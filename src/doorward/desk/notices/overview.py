"""What the page of the whole says of notices: how they leave, what waits, and what was given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from doorward.desk.access import Actor, matters, visits
from doorward.desk.models import Matter, OutgoingNotice, Waits
from doorward.desk.notices.outbox import MATTER, SECOND, VISIT
from doorward.desk.roles import Role

MAX_SHOWN: Final = 50
TRY_AGAIN: Final = frozenset({Role.LAW, Role.SECURITY})


@dataclass(frozen=True, slots=True)
class NoticesSeen:
    """Notices as somebody may see them.

    Args:
        dead: Given up, the latest first: of what this person may see, and of visits for whoever keeps the door.
        hidden: How many more were given up, of matters that are not this person's to see.
    """

    says: str
    is_well: bool
    dead: Sequence[OutgoingNotice]
    hidden: int
    may_try: bool


def look_at_notices(actor: Actor) -> NoticesSeen:
    """Return how notices stand.

    A sealed matter's notice is in no count here but for its named counsel.
    """
    may_try = bool(actor.roles & TRY_AGAIN)
    if settings.DESK.notices.names_nobody:
        says = "nobody is told but by these pages: no office is in the settings"
        return NoticesSeen(says, is_well=False, dead=(), hidden=0, may_try=may_try)
    seen = OutgoingNotice.objects.filter(about__in=(MATTER, SECOND), subject__in=matters(actor).values("pk"))
    seen |= OutgoingNotice.objects.filter(about=VISIT, subject__in=visits(actor).values("pk"))
    failing = seen.filter(state=Waits.WAITING, tries__gt=0).exclude(failed="").count()
    dead = list(seen.filter(state=Waits.DEAD).order_by("-made")[:MAX_SHOWN])
    hidden = 0
    if Role.SECURITY in actor.roles:
        others = OutgoingNotice.objects.filter(state=Waits.DEAD).exclude(addressee__startswith="@")
        sealed = Matter.objects.filter(sealed_until__gt=actor.now).values("pk")
        hidden = others.exclude(pk__in=seen.values("pk")).exclude(subject__in=sealed).count()
    last = seen.filter(state=Waits.SENT).order_by("-sent").first()
    left = (
        f"the last left at {last.sent:%Y-%m-%d %H:%M} UTC"
        if last is not None and last.sent
        else "none left yet"
    )
    says = f"{failing} wait after a failed try, {len(dead) + hidden} were given up; {left}"
    return NoticesSeen(says, not (failing or dead or hidden), dead, hidden, may_try)
