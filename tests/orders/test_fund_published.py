"""fund_published.toml: what Chicago's says, that it leaves nothing out, and every fault with its place."""

import pytest

from doorward.orders.fund import read_fund
from doorward.orders.fund_published import check_published, read_fund_published
from doorward.orders.fund_units import read_fund_units
from doorward.orders.load import SHIPPED, load_fund_published, load_pack

FOLDER = SHIPPED / "chicago"
TEXT = (FOLDER / "fund_published.toml").read_text(encoding="utf-8")
WORDS, _ = read_fund((FOLDER / "fund.toml").read_text(encoding="utf-8"))
UNITS, _ = read_fund_units((FOLDER / "fund_units.toml").read_text(encoding="utf-8"))


def test_the_sample_leaves_no_service_and_no_outcome_out() -> None:
    found = load_fund_published(load_pack("chicago"))
    assert WORDS is not None
    assert UNITS is not None
    assert {one for served in found.served.values() for one in served.bought} == set(WORDS.services)
    assert {one for served in found.served.values() for one in served.reported} == set(UNITS.services)
    assert {one for ended in found.outcomes.values() for one in ended.reported} == set(UNITS.outcomes)
    assert found.served["representation"].counts == "opened"
    assert [one.code for one in found.counted] == [
        "know-your-rights",
        "screening",
        "brief-advice",
        "representation",
    ]
    assert found.delay_days >= 30


def test_names_and_titles_are_not_what_is_counted() -> None:
    first, _ = read_fund_published(TEXT)
    other, _ = read_fund_published(
        TEXT.replace("Legal screenings", "Screenings") + '\n[grantee.north]\nname = "North"\n'
    )
    changed, _ = read_fund_published(TEXT.replace("delay_days = 45", "delay_days = 46"))
    assert first is not None
    assert other is not None
    assert changed is not None
    assert first.digest == other.digest != changed.digest


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('first = "2026-01"', 'first = "2026"', "is no month"),
        ("delay_days = 45", "delay_days = 29", "from 30 to 366"),
        ("delay_days = 45", "delay_days = true", "from 30 to 366"),
        ("cases_before = true", 'cases_before = "yes"', "true or false"),
        ('counts = "opened"', 'counts = "closed"', "must be `units` or `opened`"),
        ("[served.screening]", "[served.all]", "is no word"),
        ("[served.screening]", '[served."Legal Screening"]', "is no word"),
        ('bought = ["orientation"]', "bought = []", "neither reported nor bought"),
        ('reported = ["screening"]', "reported = [3]", "must be a list of texts"),
        ('unit = "screening"\n', "", "it is missing"),
        ("[outcome.stay]", "[outcome.stay]\nother = 1", "unknown key `other`"),
        ("[outcome.stay]", '[grantee.x]\nname = "=SUM(A1)"\n\n[outcome.stay]', "begins with a letter"),
    ],
)
def test_a_fault_has_its_place(before: str, after: str, says: str) -> None:
    assert before in TEXT
    found, findings = read_fund_published(TEXT.replace(before, after, 1))
    assert found is None
    (first, *_) = [one for one in findings if says in one.message]
    assert first.span is not None
    assert first.span.line > 1


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('reported = ["screening"]', 'reported = ["sreening"]', "`sreening` is none that the fund has"),
        ('reported = ["screening"]', "reported = []", "`screening` stands in no `reported`"),
        ('bought = ["screening"]', 'bought = ["brief-advice"]', "would be counted twice"),
        ('reported = ["not-granted"]', 'reported = ["stay-granted"]', "would be counted twice"),
        ('reported = ["withdrawn", "other"]', 'reported = ["other"]', "`withdrawn` stands in no `reported`"),
        ('counts = "opened"', 'counts = "units"', "cases are counted as they are opened"),
    ],
)
def test_what_the_fund_has_stands_once(before: str, after: str, says: str) -> None:
    assert before in TEXT
    assert check_published(TEXT, WORDS, UNITS) == []
    findings = check_published(TEXT.replace(before, after, 1), WORDS, UNITS)
    assert any(says in one.message for one in findings), findings
