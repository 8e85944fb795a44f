"""Reads the desk's matters as the reports look at them: a few facts of each, taken out by the database."""

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, time
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.db.models.fields.json import KT

from doorward.desk.deadlines.periods import Period
from doorward.desk.models import Matter, ReportLine, State
from doorward.desk.order import order
from doorward.desk.statutory.rows import Brought
from doorward.orders.deadlines import Deadlines
from doorward.orders.statutory import DeskRules

_FACTS: Final = {
    "by_agency": "principal.agency", "asks": "context.requester.agency", "for_whom": "context.for_agency",
    "why": "context.purpose",
}  # fmt: skip
_STATES: Final = ("presented", "seen")
TRUE: Final = "true"


def read_brought(
    seen: QuerySet[Matter], rules: DeskRules, clocks: Deadlines, period: Period | None
) -> Iterator[Brought]:
    """Yield the matters of which one could be in a report; `make_rows` looks at each.

    Args:
        seen: Nothing that is sealed.
        period: What was received in it, or what somebody said of another matter that may belong to it; None: all.
    """
    said: dict[uuid.UUID, dict[str, str]] = {}
    for key, says in (
        ReportLine.objects.filter(matter__in=seen).order_by("entry").values_list("matter_id", "says")
    ):
        said.setdefault(key, {}).update(says)
    papers = {
        f"{name}_{state}": f"context.papers.{name}.{state}" for name in rules.papers for state in _STATES
    }
    facts = {name: _fact(path) for name, path in (_FACTS | papers).items()}
    columns = ("pk", "number", "kind", "received", "answers", "outcome", "state", "obligations", *facts)
    rows = seen.filter(_near(period, clocks, rules, said)).annotate(**facts).filter(_concerned(rules, said))
    for row in rows.values(*columns).iterator(chunk_size=2000):
        yield _brought(row, rules, clocks, said.get(row["pk"], {}))


def _fact(path: str) -> Any:  # noqa: ANN401  # an expression of Django
    return KT(f"facts__{path}")


def _near(
    period: Period | None, clocks: Deadlines, rules: DeskRules, said: Mapping[uuid.UUID, Mapping[str, str]]
) -> Q:
    if period is None:
        return Q()
    begins = datetime.combine(period.first, time(), clocks.zone)
    ends = datetime.combine(period.after.first, time(), clocks.zone)
    other = [key for key, says in said.items() if "notified" in says]
    return Q(received__gte=begins, received__lt=ends) | Q(kind__in=rules.certifications) | Q(pk__in=other)


def _concerned(rules: DeskRules, said: Mapping[uuid.UUID, object]) -> Q:
    wanted = Q(kind__in=rules.certifications) | Q(obligations__contains=[rules.notice]) | Q(pk__in=list(said))
    for name in rules.papers:
        wanted |= Q(**{f"{name}_presented": TRUE})
    return wanted | Q(asks__in=rules.components) | Q(for_whom__in=rules.components) | Q(why__in=rules.civil)


def _brought(row: Mapping[str, Any], rules: DeskRules, clocks: Deadlines, said: Mapping[str, str]) -> Brought:
    presented, seen = (
        frozenset(name for name in rules.papers if row[f"{name}_{state}"] == TRUE) for state in _STATES
    )
    waits = "waiting" if row["state"] == State.WAITING else ""
    return Brought(
        number=row["number"],
        kind=row["kind"],
        agency=row["by_agency"] or "",
        received=row["received"].astimezone(clocks.zone).date(),
        requester=row["asks"] or "",
        for_agency=row["for_whom"] or "",
        action=_action(row["kind"], row["answers"]),
        purpose=row["why"] or "",
        seen=seen,
        presented=presented,
        obligations=frozenset(row["obligations"]),
        answer="deny" if row["outcome"] == "deny" else waits,
        says=said,
    )


def _action(name: str, answers: Mapping[str, list[str]]) -> str:
    """Return what was asked, as intake reads the answers: of the kind, or of the answer that says it."""
    kind = order().intake.kinds.get(name)
    if kind is None:
        return ""
    found = str(kind.sets.get("action", ""))
    for question in kind.questions:
        for word in answers.get(question.id, ()):
            option = question.options.get(word)
            found = str(option.sets.get("action", found)) if option is not None else found
    return found
