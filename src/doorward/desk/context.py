"""What every page shows: whose desk it is, that a sample is one, and who is signed in as what."""

from django.conf import settings
from django.http import HttpRequest

from doorward.desk.access import Actor, is_outsider, sees_custody, sees_fund, sees_reports
from doorward.desk.disposing import SEES as SEES_DISPOSAL
from doorward.desk.entrance.sessions import OVER, Over
from doorward.desk.fund.link import has_fund
from doorward.desk.holding import SEES as SEES_HOLDS
from doorward.desk.roles import OVERSEES, Act, Role


def desk(request: HttpRequest) -> dict[str, object]:
    """Return the names that every template has."""
    actor: Actor | None = getattr(request, "actor", None)
    oversees = actor is not None and bool(actor.roles & OVERSEES)
    enrols = actor is not None and actor.may(Act.ENROL)
    files = actor is not None and actor.may(Act.FILE)
    reports = actor is not None and sees_reports(actor)
    collects = actor is not None and sees_custody(actor)
    funds = actor is not None and has_fund() and sees_fund(actor)
    roles = frozenset() if actor is None else actor.roles
    return {
        "sample": settings.DESK.sample, "actor": actor, "oversees": oversees, "enrols": enrols, "files": files,
        "reports": reports, "collects": collects, "funds": funds,
        "sees_holds": bool(roles & SEES_HOLDS), "sees_disposal": bool(roles & SEES_DISPOSAL),
        "is_outsider": actor is not None and is_outsider(actor), "is_grantee": Role.GRANTEE in roles,
        "over": Over.__members__.get(request.GET.get(OVER, "")),
    }  # fmt: skip
