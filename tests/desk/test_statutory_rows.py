"""From what was brought to rows: everything that could be in a report is a row, a gap or left out with its reason."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.desk.deadlines.periods import Period
from doorward.desk.statutory.redaction import Form, make_gate
from doorward.desk.statutory.report import Report, Row, Table, carry_lines
from doorward.desk.statutory.rows import Brought, make_rows, paper_ids
from doorward.orders.load import load_statutory
from doorward.orders.pack import Pack
from doorward.orders.statutory import DeskRules

ONE = Brought(
    number="2026-000001", kind="assistance-call", agency="CPD", received=date(2026, 10, 1), requester="ICE",
    for_agency="", action="perimeter", purpose="unknown", seen=frozenset(), presented=frozenset(),
    obligations=frozenset(), answer="deny",
)  # fmt: skip


@pytest.fixture(scope="session")
def rules(pack: Pack) -> DeskRules:
    found = load_statutory(pack).desk
    assert found is not None
    return found


CLASSES = st.frozensets(st.sampled_from(["detainer", "administrative", "court_criminal"]))
BROUGHT = st.builds(
    Brought,
    number=st.just(""),
    kind=st.sampled_from(
        ["detainer", "administrative-paper", "assistance-call", "victim-certification", "interview"]
    ),
    agency=st.sampled_from(["CPD", "CPD", "CHICAGO", "CPS"]),
    received=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    requester=st.sampled_from(["ICE", "HSI", "FBI", "unknown", "none", "IL-PD"]),
    for_agency=st.sampled_from(["ICE", "CPD", "unknown"]),
    action=st.sampled_from(["hold", "perimeter", "remain", ""]),
    purpose=st.sampled_from(["civil-immigration-enforcement", "criminal-investigation", "unknown"]),
    seen=CLASSES,
    presented=CLASSES,
    obligations=st.frozensets(st.sampled_from(["oemc-notice", "count"])),
    answer=st.sampled_from(["deny", "waiting", ""]),
    says=st.dictionaries(
        st.sampled_from(["civil", "handled", "notified", "component", "form_given"]),
        st.sampled_from(["", "yes", "no", "none", "2026-12-31", "declined", "ICE"]),
    ),
)


def sensible(one: Brought, number: int) -> Brought:
    """Return it as the desk would hand it in: a seen paper was presented, and each key has words of its own."""
    words = {
        "civil": {"", "yes", "no"}, "handled": {"", "declined"}, "notified": {"", "none", "2026-12-31"},
        "component": {"", "ICE"}, "form_given": {"", "2026-12-31"},
    }  # fmt: skip
    says = {key: word for key, word in one.says.items() if word in words[key]}
    return replace(one, number=f"2026-{number:06d}", presented=one.presented | one.seen, says=says)


@given(st.lists(BROUGHT, max_size=30))
def test_everything_is_accounted_for(rules: DeskRules, brought: list[Brought]) -> None:
    every = [sensible(one, number) for number, one in enumerate(brought)]
    found = make_rows(every, (), rules)
    in_rows = {
        found.sources[one.id]
        for rows in (found.held.papers, found.held.requests, found.held.notices, found.held.certifications)
        for one in rows
    }
    in_gaps = {gap.number for gap in found.gaps}
    left_out = {one.number for one in found.left_out}
    assert not left_out & (in_rows | in_gaps)
    for one in every:
        could = (
            one.kind == "victim-certification" or "oemc-notice" in one.obligations
            or one.presented & {"detainer", "administrative"} or {one.requester, one.for_agency} & {"ICE", "HSI"}
            or one.purpose == "civil-immigration-enforcement" or one.says.get("civil") == "yes"
            or one.says.get("component") == "ICE"
        )  # fmt: skip
        assert bool(could) == (one.number in in_rows | in_gaps | left_out)
        if one.agency != "CPD":
            assert one.number not in in_rows | in_gaps
    assert make_rows(reversed(every), (), rules) == found


@given(BROUGHT)
def test_a_claim_takes_nothing_out_of_a_report(rules: DeskRules, brought: Brought) -> None:
    """Only a named person's word makes a request something else than civil enforcement (law 6)."""
    one = replace(sensible(brought, 1), agency="CPD", requester="ICE", kind="interview", says={})
    found = make_rows([one], (), rules)
    blocks = {gap.says for gap in found.gaps if gap.blocks and gap.report == "trust"}
    assert (
        found.held.requests
        or "nobody has determined whether a request relates to civil enforcement" in blocks
    )


def test_a_matter_with_two_papers_has_two_rows_with_ids_of_their_own(rules: DeskRules) -> None:
    both = frozenset({"detainer", "administrative"})
    one = replace(ONE, kind="detainer", seen=both, presented=both)
    assert paper_ids(one, rules) == {
        "detainer": "2026-000001.detainer", "administrative": "2026-000001.administrative",
    }  # fmt: skip
    found = make_rows([one], (), rules)
    assert {paper.id: found.sources[paper.id] for paper in found.held.papers} == {
        "2026-000001.detainer": "2026-000001", "2026-000001.administrative": "2026-000001",
    }  # fmt: skip


def test_a_request_by_somebody_whom_nobody_named_is_said_and_not_counted(rules: DeskRules) -> None:
    one = replace(ONE, requester="unknown", purpose="civil-immigration-enforcement")
    found = make_rows([one], (), rules)
    assert found.held.requests == ()
    assert [(gap.says[:30], gap.blocks) for gap in found.gaps] == [("a request for civil enforcemen", False)]
    assert found.gaps_of("trust", Period(2026))[0].behind == ("2026-000001",)
    assert found.gaps_of("trust", Period(2025)) == ()


def test_lines_that_are_carried_stand_in_their_order() -> None:
    table = Table(
        "papers", "c", ("number", "kind", "day"), (Form.NUMBER, Form.WORDS, Form.DAY),
        (Row(("1", "b", "2026-10-02"), ("B",)), Row(("2", "d", "2026-10-04"), ("D",))), "none",
    )  # fmt: skip
    gate = make_gate(("b",), ("DOC",), date(2026, 10, 1))
    report = Report("quarterly", "t", "to", (), Period(2026, 4), (table,), (), gate)
    carried = carry_lines(
        report, [("papers", ("7", "c", "2026-10-03"), ("C",)), ("papers", ("1", "a", "2026-10-01"), ("A",))]
    )
    assert [row.cells for row in carried.tables[0].rows] == [
        ("1", "a", "2026-10-01"), ("2", "b", "2026-10-02"), ("3", "c", "2026-10-03"), ("4", "d", "2026-10-04"),
    ]  # fmt: skip
    assert carry_lines(report, []) == report
