"""Requests that an order can be asked, drawn from its own words."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from doorward.cedar.types import BOOL, DATETIME, LONG
from doorward.cedar.values import Datetime
from doorward.orders.pack import Pack
from doorward.policy.request import NOW, Fact, FactSpec, Request, Resource

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEXTS = st.sampled_from(["", "JH123456", "FBI-2026-0042", "é", "%", "_'"])
MOMENTS = st.timedeltas(timedelta(days=-400), timedelta(days=400)).map(lambda ahead: NOON + ahead)


def facts(spec: FactSpec) -> st.SearchStrategy[Fact]:
    """Values of one fact: its words, or a few of its type."""
    if spec.words is not None:
        return st.sampled_from(spec.words)
    if spec.type == BOOL:
        return st.booleans()
    if spec.type == LONG:
        return st.sampled_from([-(2**63), -1, 0, 1, 2**63 - 1])
    if spec.type == DATETIME:
        return MOMENTS.map(lambda at: Datetime(int(at.timestamp() * 1000)))
    return TEXTS


@st.composite
def requests(draw: st.DrawFn, pack: Pack, actions: tuple[str, ...] = ()) -> Request:
    """Any request, or one of some actions: often with a few facts known, sometimes with all of them."""
    model = pack.requests
    action = draw(st.sampled_from(actions or tuple(model.actions)))
    kind = draw(st.sampled_from(model.actions[action]))
    name = draw(st.sampled_from(model.ids(kind))) if model.resources[kind].in_file else ""
    specs = {
        path: spec for path, spec in model.specs(kind).items() if spec.definition is None and path != NOW
    }
    stated = specs if draw(st.booleans()) else draw(st.sets(st.sampled_from(sorted(specs)), max_size=12))
    given = {path: draw(facts(specs[path])) for path in stated}
    return pack.request(given, resource=Resource(kind, name), now=draw(MOMENTS), action=action)
