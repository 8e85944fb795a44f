"""Custody events by CSV: every row accounted for, a second import changes nothing, corrections by id."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.desk.statutory.custody import COLUMNS, CustodyImport, RowState, import_custody
from doorward.desk.statutory.held import Paper, PaperKind, standing_events
from doorward.errors import MalformedError

HEAD = ",".join(COLUMNS) + "\n"
PAPERS = tuple(Paper(f"P{at}", PaperKind.DETAINER, date(2025, 1, 1), is_civil=True) for at in range(1, 5))
AGENCIES = frozenset({"FBI", "USMS"})
GOOD = HEAD + (
    "E1,P1,bail-posted,2025-01-02T10:00:00-06:00,,\n"
    "E2,P1,released,2025-01-02T12:00:00-06:00,,\n"
    "E3,P2,transferred,2025-01-03T12:00:00-06:00,FBI,\n"
)


def read(text: str, before: CustodyImport | None = None) -> CustodyImport:
    return import_custody(text, held=before.events if before else (), papers=PAPERS, agencies=AGENCIES)


def test_every_row_is_accounted_for() -> None:
    found = read(
        GOOD + "E4,P9,released,2025-01-02T12:00:00-06:00,,\nE2,P1,released,2025-01-02T12:00:00-06:00,,\n"
    )
    assert dict(found.account) == {
        RowState.NEW: 3, RowState.HELD: 1, RowState.CORRECTION: 0, RowState.REFUSED: 1,
    }  # fmt: skip
    assert [(row.line, row.why) for row in found.rows if row.why] == [
        (5, "`paper`: the desk has no paper of this number")
    ]


def test_a_second_import_of_a_file_changes_nothing() -> None:
    first = read(GOOD)
    second = read(GOOD, first)
    assert second.events == first.events
    assert {row.state for row in second.rows} == {RowState.HELD}


def test_a_correction_names_the_event_that_it_corrects() -> None:
    first = read(GOOD)
    second = read(HEAD + "E9,P2,released,2025-01-03T12:10:00-06:00,,E3\n", first)
    assert second.rows[0].state == RowState.CORRECTION
    assert [event.id for event in standing_events(second.events)] == ["E1", "E2", "E9"]
    assert [event.id for event in second.events] == ["E1", "E2", "E3", "E9"]  # nothing is lost
    assert read(HEAD + "E9,P2,released,2025-01-03T12:10:00-06:00,,E3\n", second).events == second.events


def test_what_did_not_happen_is_withdrawn() -> None:
    found = read(
        GOOD + "E9,P2,withdrawn,2025-01-04T12:00:00-06:00,,E3\nE10,P2,released,2025-01-05T09:00:00-06:00,,\n"
    )
    assert [event.id for event in standing_events(found.events)] == ["E1", "E2", "E10"]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("E2,P1,released,2025-01-02T13:00:00-06:00,,", "another event has this id"),
        ("E4,P1,transferred,2025-01-02T13:00:00-06:00,FBI,", "has an end already"),
        ("E4,P1,bail-posted,2025-01-02T13:00:00-06:00,,", "bail was posted already"),
        ("E4,P3,transferred,2025-01-02T13:00:00-06:00,,", "a transfer has one"),
        ("E4,P3,released,2025-01-02T13:00:00-06:00,FBI,", "nothing else has"),
        ("E4,P3,transferred,2025-01-02T13:00:00-06:00,ROE,", "none of the order's agencies"),
        ("E4,P3,released,2025-01-02T13:00:00,,", "no offset"),
        ("E4,P3,released,2 January,,", "no time"),
        ("E4,P3,released,0001-01-01T00:00:00+14:00,,", "can have seen"),
        ("E4,P3,released,9999-12-31T23:59:59-12:00,,", "can have seen"),
        ("E4,P3,escaped,2025-01-02T13:00:00-06:00,,", "none of bail-posted"),
        ("E4,P3,withdrawn,2025-01-02T13:00:00-06:00,,", "what is withdrawn is named"),
        ("E4,P3,released,2025-01-02T13:00:00-06:00,,E2", "no event of this paper"),
        ("E4,P3,released,2025-01-02T13:00:00-06:00,,E4", "no event of this paper"),
        ("E4,P3,released,2024-12-31T13:00:00-06:00,,", "before the paper was received"),
        ("Juanita Roe,P3,released,2025-01-02T13:00:00-06:00,,", "an id has"),
        ("E4,P3,released,2025-01-02T13:00:00-06:00,", "has 5 cells"),
    ],
)
def test_a_refused_row_says_why_and_quotes_nothing(row: str, why: str) -> None:
    found = read(GOOD + row + "\n")
    assert found.rows[-1].state == RowState.REFUSED
    assert why in found.rows[-1].why
    assert "oe" not in found.rows[-1].why.replace("does", "")
    assert found.events == read(GOOD).events


@pytest.mark.parametrize(
    "text",
    [
        "", "event\n", HEAD.replace("\n", ",name\n"), HEAD.replace("agency", "event"),
        HEAD + 'E1,"P1,bail', "event;paper;what;at;agency;corrects\n",
    ],
)  # fmt: skip
def test_a_file_of_other_columns_is_refused_whole(text: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read(text)
    assert "name" not in str(caught.value)


def test_columns_may_stand_in_any_order_behind_a_mark() -> None:
    text = "\ufeffcorrects,agency,at,what,paper,event\r\n,,2025-01-02T12:00:00-06:00,released,P1,E2\r\n\r\n"
    assert read(text).events == read(GOOD).events[1:2]


def test_a_correction_may_stand_before_what_it_corrects() -> None:
    found = read(
        HEAD + "E9,P1,released,2025-01-03T12:10:00Z,,E8\nE8,P1,transferred,2025-01-03T12:00:00Z,FBI,\n"
    )
    assert [row.state for row in found.rows] == [RowState.CORRECTION, RowState.NEW]
    assert [event.id for event in standing_events(found.events)] == ["E9"]


def test_rows_that_wait_for_each_other_without_end_are_refused_whole() -> None:
    chain = [f"E{at},P1,released,2025-01-03T12:00:00Z,,E{at - 1}\n" for at in range(100, 1, -1)]
    with pytest.raises(MalformedError, match="wait for each other"):
        read(HEAD + "".join(chain) + "E1,P1,released,2025-01-03T12:00:00Z,,\n")


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["E1", "E2", "E3", "E4", "E5", "E6"]),
        st.sampled_from(["P1", "P2", "P9"]),
        st.sampled_from(["bail-posted", "released", "transferred", "withdrawn"]),
        st.sampled_from(["", "FBI"]),
        st.sampled_from(["", "E1", "E2", "E3"]),
    ),
    max_size=14,
)


@given(ROWS, ROWS)
def test_imports_add_up_and_a_paper_has_one_end(
    one: list[tuple[str, ...]], two: list[tuple[str, ...]]
) -> None:
    def text(rows: list[tuple[str, ...]]) -> str:
        return HEAD + "".join(
            f"{event},{paper},{what},2025-02-01T10:00:00Z,{agency},{corrects}\n"
            for event, paper, what, agency, corrects in rows
        )

    first = read(text(one))
    both = read(text(two), first)
    assert sum(first.account.values()) == len(one)
    assert len(both.events) - len(first.events) == sum(
        row.state in {RowState.NEW, RowState.CORRECTION} for row in both.rows
    )
    for result, rows in ((first, one), (both, two)):
        assert read(text(rows), result).events == result.events
    standing = standing_events(both.events)
    for paper in ("P1", "P2"):
        ends = [
            event for event in standing if event.paper == paper and event.word in ("released", "transferred")
        ]
        assert len(ends) <= 1
