"""The public table, attacked: by taking publications from each other, and by looking for when something happened."""

import json
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.desk.deadlines.periods import Period
from doorward.desk.transparency.publication import (
    TOTAL,
    Figure,
    Happening,
    Publication,
    Scheme,
    due_quarters,
    make_publications,
    publish_on,
)
from doorward.desk.transparency.release import (
    chart_series,
    digest_totals,
    format_all_totals,
    format_feed,
    format_table,
)
from doorward.errors import ConfigError
from tests_support.examples import examples

KINDS, OUTCOMES = ("detainer", "visit"), ("deny", "refer", "permit")
SCHEME = Scheme(KINDS, OUTCOMES, Period(2025, 1))
LATE = date(2027, 6, 1)


def happened(quarter: Period, counts: dict[tuple[str, str], int]) -> list[Happening]:
    return [
        Happening(quarter.first + timedelta(days=number % 90), kind, outcome)
        for (kind, outcome), count in counts.items()
        for number in range(count)
    ]


def values(publication: Publication) -> dict[str, int | None]:
    return {one.id: one.value for one in publication.figures}


# --- an attacker who knows algebra and nothing of how it is done


class Known:
    """Everything that is a combination of the rows so far, by fractions."""

    def __init__(self, rows: list[list[int]]) -> None:
        self.pivots: list[tuple[int, list[Fraction]]] = []
        for row in rows:
            left = self.reduce(row)
            pivot = next((at for at, value in enumerate(left) if value), None)
            if pivot is not None:
                self.pivots.append((pivot, [value / left[pivot] for value in left]))

    def reduce(self, row: list[int]) -> list[Fraction]:
        left = [Fraction(value) for value in row]
        for pivot, by in self.pivots:
            if factor := left[pivot]:
                left = [one - factor * other if other else one for one, other in zip(left, by, strict=True)]
        return left

    def holds(self, row: list[int]) -> bool:
        return not any(self.reduce(row))


def cells_of(figure: Figure) -> set[tuple[str, str, str]]:
    quarters = [figure.period] if "-" in figure.period else [f"{figure.period}-Q{at}" for at in range(1, 5)]
    kinds = KINDS if figure.kind == TOTAL else (figure.kind,)
    outcomes = OUTCOMES if figure.outcome == TOTAL else (figure.outcome,)
    return set(product(quarters, kinds, outcomes))


def worked_out(publications: Sequence[Publication]) -> list[str]:
    """Return every withheld number that is a combination of those that stand, in any of the files."""
    every = [figure for one in publications for figure in one.figures]
    columns = sorted({cell for figure in every for cell in cells_of(figure)})
    rows = {id(one): [int(cell in cells_of(one)) for cell in columns] for one in every}
    known = Known([rows[id(one)] for one in every if one.value is not None])
    return [one.id for one in every if one.value is None and known.holds(rows[id(one)])]


COUNTS = st.fixed_dictionaries(
    {(kind, outcome): st.integers(0, 25) for kind, outcome in product(KINDS, OUTCOMES)}
)


@settings(max_examples=examples(15, deep=200))
@given(st.lists(COUNTS, min_size=4, max_size=8))
def test_no_small_number_is_worked_out_from_all_publications_together(
    history: list[dict[tuple[str, str], int]],
) -> None:
    events, quarter = [], SCHEME.first
    truth: Counter[tuple[str, str, str]] = Counter()
    for counts in history:
        events += happened(quarter, counts)
        truth.update({(str(quarter), *cell): count for cell, count in counts.items()})
        quarter = quarter.after
    publications = make_publications(events, SCHEME, publish_on(SCHEME, quarter) - timedelta(days=1))
    assert len(publications) == len(history)
    every = {one.id: one for publication in publications for one in publication.figures}
    for one in every.values():
        real = sum(truth[cell] for cell in cells_of(one))
        assert one.value in {None, real}
        assert one.value is None or one.value == 0 or one.value >= SCHEME.threshold
    # Nought may stand in the table, so it may be worked out too.
    small = range(1, SCHEME.threshold)
    assert [
        name
        for name in worked_out(publications)
        if sum(truth[cell] for cell in cells_of(every[name])) in small
    ] == []


@settings(max_examples=examples(15, deep=200))
@given(st.lists(COUNTS, min_size=4, max_size=4))
def test_a_year_less_its_published_quarters_leaves_nothing_small(
    history: list[dict[tuple[str, str], int]],
) -> None:
    events, quarter = [], SCHEME.first
    for counts in history:
        events += happened(quarter, counts)
        quarter = quarter.after
    every = {
        one.id: one
        for one in (f for p in make_publications(events, SCHEME, date(2026, 2, 1)) for f in p.figures)
    }
    for kind, outcome in product((*KINDS, TOTAL), (*OUTCOMES, TOTAL)):
        year = every[f"2025 {kind} {outcome}"].value
        parts = [every[f"2025-Q{at} {kind} {outcome}"].value for at in range(1, 5)]
        if year is not None and None in parts:
            left = year - sum(part or 0 for part in parts)
            assert left == 0 or left >= SCHEME.threshold  # nought may stand


def test_the_attack_finds_what_a_careless_table_would_give_away() -> None:
    """The attacker of these tests is no straw man: one total too many, and it has the number."""
    counts = dict.fromkeys(product(KINDS, OUTCOMES), 20) | {("visit", "deny"): 3}
    (good,) = make_publications(happened(SCHEME.first, counts), SCHEME, date(2025, 6, 1))
    assert values(good)["2025-Q1 visit deny"] is None
    careless = tuple(
        Figure(one.period, one.kind, one.outcome, 23 if one.id == "2025-Q1 visit all" else one.value or 20)
        if one.id != "2025-Q1 visit deny" else one
        for one in good.figures
    )  # fmt: skip
    assert worked_out([Publication(good.quarter, good.on, 10, careless)]) == ["2025-Q1 visit deny"]


# --- when


def test_a_quarter_is_published_thirty_days_after_its_end_and_not_a_day_before() -> None:
    events = [Happening(date(2025, 3, 31), "visit", "permit")] * 12
    assert make_publications(events, SCHEME, date(2025, 4, 29)) == ()
    (only,) = make_publications(events, SCHEME, date(2025, 4, 30))
    assert only.on == date(2025, 4, 30)
    assert (only.on - date(2025, 3, 31)).days == 30
    assert values(only)["2025-Q1 visit permit"] == 12


def test_a_publication_stands_whether_anything_happened_or_not() -> None:
    publications = make_publications([], SCHEME, LATE)
    assert [str(one.quarter) for one in publications[:2]] == ["2025-Q1", "2025-Q2"]
    assert len(publications) == len(due_quarters(SCHEME, LATE)) == 9
    assert all(one.value == 0 for publication in publications for one in publication.figures)


@given(st.dates(date(2025, 1, 1), date(2027, 3, 31)), st.dates(date(2025, 1, 1), date(2027, 6, 1)))
def test_no_file_of_a_day_tells_anything_of_the_thirty_days_before_it(recorded: date, today: date) -> None:
    """Two worlds that differ in what was recorded within 30 days have the same public files, byte by byte."""
    more = [Happening(recorded, kind, outcome) for kind, outcome in product(KINDS, OUTCOMES)] * 15
    if recorded > today - timedelta(days=30):
        assert files(make_publications([], SCHEME, today)) == files(make_publications(more, SCHEME, today))


@given(st.dates(date(2025, 1, 1), date(2026, 12, 31)), st.integers(0, 29), st.sampled_from([1, -1]))
def test_no_files_tell_two_days_apart_that_lie_in_one_quarter(recorded: date, days: int, sign: int) -> None:
    other = recorded + timedelta(days=days * sign)
    quarter = Period(recorded.year, (recorded.month - 1) // 3 + 1)
    assert (quarter.last - quarter.first).days >= 89  # the window of a reader
    if other in quarter:
        one, two = ([Happening(day, "visit", "deny")] * 40 for day in (recorded, other))
        assert files(make_publications(one, SCHEME, LATE)) == files(make_publications(two, SCHEME, LATE))


@settings(max_examples=examples(8, deep=60))
@given(st.lists(COUNTS, min_size=3, max_size=5), COUNTS)
def test_what_is_recorded_later_changes_nothing_that_stands(
    history: list[dict[tuple[str, str], int]], more: dict[tuple[str, str], int]
) -> None:
    events, quarter = [], SCHEME.first
    for counts in history:
        events += happened(quarter, counts)
        quarter = quarter.after
    before = make_publications(events, SCHEME, LATE)[: len(history)]
    after = make_publications([*events, *happened(quarter, more)], SCHEME, LATE)[: len(history)]
    assert before == after
    early = make_publications(events, SCHEME, publish_on(SCHEME, Period(2025, 2)))
    assert early == before[:2]


def files(publications: Sequence[Publication]) -> list[bytes]:
    feed = (
        [
            format_feed(
                publications, authority="city.example", page="https://city.example/t/", title="t", author="a"
            )
        ]
        if publications
        else []
    )
    charts = json.dumps(chart_series(publications)).encode()
    return [*map(format_table, publications), *format_all_totals(publications, SCHEME), charts, *feed]


# --- files


def test_a_small_number_and_its_complement_are_withheld_and_said_so() -> None:
    counts = dict.fromkeys(product(KINDS, OUTCOMES), 20) | {("visit", "deny"): 3}
    (only,) = make_publications(happened(SCHEME.first, counts), SCHEME, date(2025, 6, 1))
    text = format_table(only).decode()
    assert text.startswith("period,kind,outcome,count\r\n2025-Q1,detainer,deny,")
    assert "2025-Q1,visit,deny,withheld\r\n" in text
    assert text.count("withheld") >= 3
    assert "2025-Q1,all,all,103\r\n" in text


def test_each_totals_text_names_the_one_before() -> None:
    texts = format_all_totals(make_publications([], SCHEME, LATE), SCHEME)
    assert b"previous: none\n" in texts[0]
    for before, after in pairwise(texts):
        assert f"previous: {digest_totals(before)}\n".encode() in after


def test_the_feed_is_atom_with_ids_that_stay() -> None:
    short, long = (make_publications([], SCHEME, day) for day in (date(2025, 8, 1), LATE))
    said = {
        "authority": "city.example",
        "page": "https://city.example/t/",
        "title": "a <b> & c",
        "author": "an office",
    }
    one, two = (ET.fromstring(format_feed(held, **said)) for held in (short, long))  # noqa: S314  # made here
    space = {"a": "http://www.w3.org/2005/Atom"}
    assert one.findtext("a:title", namespaces=space) == "a <b> & c"
    for feed in (one, two):
        for tag in ("id", "title", "updated", "author/a:name"):
            assert feed.findtext(f"a:{tag}", namespaces=space)
        entries = feed.findall("a:entry", space)
        for entry in entries:
            for tag in ("id", "title", "updated", "summary"):
                assert entry.findtext(f"a:{tag}", namespaces=space)
    ids = [
        [entry.findtext("a:id", namespaces=space) for entry in feed.findall("a:entry", space)]
        for feed in (one, two)
    ]
    assert ids[0] == ids[1][-2:]
    assert len(set(ids[1])) == 9
    assert one.findtext("a:id", namespaces=space) == two.findtext("a:id", namespaces=space)


def test_a_chart_shows_a_withheld_quarter_as_none() -> None:
    events = happened(SCHEME.first, {("visit", "deny"): 3, ("detainer", "deny"): 30})
    series = chart_series(make_publications(events, SCHEME, date(2025, 6, 1)))
    assert set(series) == {"detainer", "visit", "all"}
    assert series["visit"] == [{"quarter": "2025-Q1", "count": None}]


@pytest.mark.parametrize(
    "scheme",
    [
        Scheme(KINDS, OUTCOMES, Period(2025, 1), delay_days=29),
        Scheme(KINDS, OUTCOMES, Period(2025, 1), threshold=4),
        Scheme((), OUTCOMES, Period(2025, 1)),
        Scheme(("all",), OUTCOMES, Period(2025, 1)),
        Scheme(KINDS, OUTCOMES, Period(2025)),
        Scheme(("two words",), OUTCOMES, Period(2025, 1)),
    ],
)
def test_a_scheme_that_would_publish_too_much_is_none(scheme: Scheme) -> None:
    with pytest.raises(ConfigError):
        make_publications([], scheme, LATE)


def test_an_event_of_another_kind_stops_the_publication() -> None:
    with pytest.raises(ConfigError, match="does not count"):
        make_publications([Happening(date(2025, 1, 1), "plate", "deny")], SCHEME, LATE)


def test_a_feed_needs_an_address_and_something_to_say() -> None:
    for page in ("http://city.example/", "https://city.example"):
        with pytest.raises(ConfigError):
            format_feed(make_publications([], SCHEME, LATE), authority="c", page=page, title="t", author="a")
    with pytest.raises(ConfigError, match="nothing was published"):
        format_feed((), authority="c", page="https://city.example/", title="t", author="a")
