"""fund_history.toml: the figures of Chicago's fund as their sources have them, and every fault with its place."""

import re
from itertools import combinations
from pathlib import Path

import pytest

from doorward.orders.fund_history import DOLLAR, History, Period, read_fund_history
from doorward.orders.load import SHIPPED, load_fund_history, load_pack

TEXT = (SHIPPED / "chicago" / "fund_history.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def shipped() -> History:
    return load_fund_history(load_pack("chicago"))


@pytest.mark.parametrize(
    "one",
    [
        ("screening", 2017, 1_560, "exactly", 9, "S116"),
        ("case", 2017, 766, "exactly", 9, "S116"),
        ("session", 2017, 600, "more-than", 9, "S116"),
        ("attended", 2017, 20_985, "exactly", 9, "S116"),
        ("screening", 2020, 750, "more-than", 9, "S117"),
        ("case", 2020, 1_660, "more-than", 9, "S117"),
        ("new-case", 2020, 300, "more-than", 9, "S117"),
        ("session", 2020, 850, "more-than", 9, "S117"),
        ("attended", 2020, 35_950, "more-than", 9, "S117"),
        ("screening", 2022, 968, "more-than", 10, "S115"),
        ("case", 2022, 1_570, "exactly", 10, "S115"),
        ("new-case", 2022, 443, "more-than", 10, "S115"),
        ("attended", 2022, 25_319, "more-than", 10, "S115"),
        ("screening", 2023, 850, "more-than", 9, "S118"),
        ("case", 2023, 450, "about", 9, "S118"),
    ],
)
def test_each_count_stands_with_its_months_and_its_source(
    shipped: History, one: tuple[str, int, int, str, int, str]
) -> None:
    measure, year, value, how, months, source = one
    found = [one for one in shipped.figures_of(measure, year) if one.source == source]
    assert [(one.value, one.how, one.period.months, one.evidence) for one in found] == [
        (value, how, months, "text")
    ]


def test_the_money_is_what_the_sources_say_and_nothing_is_made_of_it(shipped: History) -> None:
    money = {
        (one.value, one.period.year, one.period.month, one.source)
        for one in shipped.figures
        if one.measure == "set-aside"
    }
    assert money == {(1_300_000, 2016, 12, "S114"), (1_340_000, 2016, 12, "S116"), (250_000, 2019, 7, "S32")}
    assert 0.19 < 250_000 / 1_300_000 < 0.2  # "nearly 20 %": the source's own word for the second figure
    for measure in ("spent", "encumbered"):
        assert shipped.measures[measure].unit == DOLLAR
        assert all(shipped.unsaid_of(measure, year) for year in shipped.years)
    assert not [
        one
        for one in shipped.figures
        if one.measure in {"spent", "encumbered", "outcome", "unit-price", "bond"}
    ]


def test_sums_since_2017_are_of_no_year(shipped: History) -> None:
    sums = {(one.value, one.source) for one in shipped.sums_of("screening")}
    assert {(9_500, "S118"), (9_198, "X5"), (7_100, "X4")} == sums
    assert shipped.unsaid_of("screening", 2021) is not None
    assert {(110, "S118"), (131, "S115"), (100, "X5")} == {
        (one.value, one.source) for one in shipped.sums_of("country")
    }


def test_every_measure_has_in_every_year_a_figure_or_is_said_to_have_none(shipped: History) -> None:
    for measure in shipped.measures:
        for year in shipped.years:
            assert bool(shipped.figures_of(measure, year)) != bool(shipped.unsaid_of(measure, year))


def test_sources_that_contradict_each_other_are_said_to(shipped: History) -> None:
    """Exact figures of one measure whose months are the same, or of which the shorter time has more."""
    told = {(one.measure, source) for one in shipped.differs for source in one.sources}
    for one, other in combinations(shipped.figures, 2):
        same = one.measure == other.measure and one.period.year == other.period.year
        if same and one.period.since == other.period.since and not one.period.since:
            longer, shorter = sorted((one, other), key=lambda figure: -figure.period.months)
            if longer.value < shorter.value or (one.period == other.period and one.value != other.value):
                assert {(one.measure, one.source), (one.measure, other.source)} <= told, (one, other)


def test_periods_that_share_a_month_overlap() -> None:
    nine, year, since = Period(2017, 9, "first"), Period(2017, 12, "whole"), Period(2023, 9, "first", 0, 2017)
    assert nine.overlaps(year)
    assert since.overlaps(nine)
    assert not nine.overlaps(Period(2020, 9, "first"))
    assert not Period(2016, 1, "unknown", 12).overlaps(Period(2019, 1, "unknown", 7))
    assert not Period(2019, 1, "unknown", 12).overlaps(Period(2019, 1, "unknown", 7))


def test_the_sources_are_those_of_the_facts(shared: Path, shipped: History) -> None:
    law = (shared / "facts" / "LAW.md").read_text(encoding="utf-8")
    known = dict(re.findall(r"\b(S[0-9]{1,3}) (https?://\S+)", law))
    for name, source in shipped.sources.items():
        if name in known:
            assert source.address == known[name]
        else:
            assert name.startswith("X") or source.address in law


def test_the_file_says_nothing_of_a_person() -> None:
    assert not re.search(r"(?i)\bA-?[0-9]{8,9}\b|birth|nationalit|status", TEXT)


FAULTS = [
    ('source = "S114"\n', "", "`source` must be a text; it is missing"),
    ('source = "S114"\n', 'source = "S999"\n', "is no source of this file"),
    ('evidence = "text"\n', "", "`evidence` must be one of"),
    ('evidence = "text"\n', 'evidence = "background"\n', "`evidence` must be one of"),
    ('evidence = "text"\n', 'evidence = "sample"\n', "`evidence` must be one of"),
    ('how = "more-than"\n', 'how = "roughly"\n', "`how` must be one of"),
    ("value = 1_300_000", 'value = "1.3 million"', "must be a whole number"),
    ("value = 1_300_000", "value = -1", "must be a whole number"),
    ("value = 1_300_000", "value = true", "must be a whole number"),
    ('measure = "screening"\n', 'measure = "sreening"\n', "is no measure of this file"),
    ("months = 9\n", "months = 13\n", "must be a whole number from 1 to 12"),
    ("months = 9\n", "months = 12\n", "a whole year has 12 months"),
    ("months = 9\n", "", "must be a whole number from 1 to 12"),
    ("month = 12\n", "month = 12\nmonths = 1\n", "a figure has a `month`"),
    ("since = 2017\n", "since = 2030\n", "`since` is after its year"),
    ("year = 2022\n", "year = 2031\n", "does not cover"),
    ("first_year = 2016", "first_year = 2015", "has no figure, and is not said to have none"),
    ("last_year = 2023", "last_year = 2024", "has no figure, and is not said to have none"),
    (
        'measures = ["outcome"]\nfirst = 2017',
        'measures = ["outcome"]\nfirst = 2018',
        "`outcome` of 2017 has no figure",
    ),
    ('measures = ["reached"]\nfirst = 2019', 'measures = ["reached"]\nfirst = 2018', "is said to have none"),
    ('measures = ["bond"]\nfirst = 2016', 'measures = ["bond", "outcome"]\nfirst = 2016', "said twice"),
    ('sources = ["S114", "S116"]', 'sources = ["S114", "X5"]', "has no figure of `set-aside`"),
    ('sources = ["S114", "S116"]', 'sources = ["S114"]', "it takes two sources"),
    ('address = "https://chicago.gov/city', 'address = "chicago.gov/city', "must be a web address"),
    ("[source.X5]", '[source."X 5"]', "is no id of a source"),
    ('unit = "dollar"', 'unit = "US dollar"', "one word"),
    ('says = "No source that was read says so"\n', "", "`says` must be a text"),
    ("[measure.bond]", "[measure.bond]\nsum = 1", "unknown key `sum`"),
    ('how = "nearly"', 'how = "nearly"\ntotal = 5', "unknown key `total`"),
]


@pytest.mark.parametrize(("before", "after", "says"), FAULTS)
def test_a_fault_has_its_place(before: str, after: str, says: str) -> None:
    assert before in TEXT
    history, findings = read_fund_history(TEXT.replace(before, after, 1))
    assert history is None
    found = [one for one in findings if says in one.message]
    assert found, [one.message for one in findings]
    assert found[0].span is not None
    assert found[0].span.line > 1


def test_the_place_of_a_figures_fault_is_its_line() -> None:
    lines = TEXT.splitlines()
    line = next(at for at, text in enumerate(lines) if text == "value = 1_340_000")
    changed = TEXT.replace("value = 1_340_000", 'value = "much"')
    _, (finding, *_) = read_fund_history(changed)
    assert finding.span is not None
    assert (finding.span.line, finding.span.column) == (line + 1, 1)


def test_a_source_without_a_figure_and_a_figure_that_stands_twice_do_not_load() -> None:
    figure = TEXT[TEXT.index("[[figure]]") : TEXT.index("[[figure]]", TEXT.index("[[figure]]") + 1)]
    _, findings = read_fund_history(TEXT + "\n" + figure)
    assert [one.message for one in findings] == ["this figure stands twice"]
    extra = '\n[source.X9]\npublisher = "a"\ntitle = "b"\naddress = "https://a.invalid/"\n'
    _, findings = read_fund_history(TEXT + extra)
    assert [one.message for one in findings] == ["no figure rests on `X9`"]


@pytest.mark.parametrize("section", ["figure", "unsaid", "differs"])
def test_a_section_of_another_form_is_a_fault(section: str) -> None:
    head = TEXT[: TEXT.index("[[figure]]")]
    _, findings = read_fund_history(f"{section} = 3\n" + head)
    assert any("must be tables" in one.message for one in findings)
