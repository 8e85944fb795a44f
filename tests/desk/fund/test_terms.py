"""Terms of an agreement as a form: what is typed is what is put on file, and somebody else accepts it."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.fund.test_grantee import people, text
from doorward.desk.fund.terms_form import build_terms, places_of, rows_of, typed_of
from doorward.errors import ConfigError
from doorward.fund.filings.acts import Bought, Budgeted, Charged, SetTerms
from fund_reports import UNITS
from tests_support.desk_fund import TERMS, key
from tests_support.fund_published import fund_words

__all__ = ["people"]
PAGE = "/fund/agreements/north-1/terms/"
ON = [word for word, line in UNITS.lines.items() if not line.is_off]
PLACES = [value for value, _ in places_of(fund_words())]


@st.composite
def terms_of(draw: st.DrawFn) -> SetTerms:
    """Return any terms that a form can say."""
    services = draw(st.lists(st.sampled_from(sorted(UNITS.services)), min_size=1, unique=True))
    lines = draw(st.lists(st.sampled_from(ON), unique=True))
    charged = [*services, *(line for line in lines if not UNITS.lines[line].priced)]
    return SetTerms(
        "north-1",
        tuple(Bought(one, draw(st.integers(0, 9_999_999)), draw(st.integers(1, 10**9))) for one in sorted(services)),
        tuple(Budgeted(one, draw(st.integers(1, 10**12))) for one in sorted(lines)),
        tuple(
            Charged(one, *draw(st.sampled_from(PLACES)).split(":"))
            for one in sorted(charged)
        ),
    )  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(terms_of())
def test_terms_and_what_is_typed_for_them_are_the_same(terms: SetTerms) -> None:
    assert build_terms("north-1", typed_of(terms), UNITS) == terms


def test_every_service_and_every_line_that_is_on_has_its_row() -> None:
    rows = rows_of(UNITS, {})
    assert [one.word for one in rows] == [*UNITS.services, *ON]
    assert {one.word for one in rows if not one.is_charged} == {"units"}
    assert "bond:bond-payment" not in PLACES


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"units-screening": "many"}, "how many units"),
        ({"units-screening": "1.5"}, "how many units"),
        ({"units-screening": "9" * 30}, "how many units"),
        ({"units-screening": "٣"}, "how many units"),
        ({"units-screening": ""}, "how many units"),
        ({"price-screening": ""}, "price of a unit"),
        ({"price-screening": "12.345"}, "price of a unit"),
        ({"dollars-interpretation": "some"}, "budget"),
        ({"dollars-interpretation": ""}, "charged somewhere"),
    ],
)
def test_what_is_half_said_is_said_back(change: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        build_terms("north-1", {**typed_of(TERMS), **change}, UNITS)


@pytest.mark.pg
@pytest.mark.usefixtures("ledger")
def test_a_manager_sets_terms_and_the_director_accepts_them(people: dict[str, Any]) -> None:  # the fixture
    page = text(people["manager"].get(PAGE))
    assert 'value="200"' in page  # what stands
    wanted = replace(
        TERMS,
        bought=(Bought("screening", 300, 9_500), *TERMS.bought[:1]),
        charged=TERMS.charged[:2] + TERMS.charged[3:],
    )
    sent = {**typed_of(wanted), "key": str(key())}
    wrong = people["manager"].post(PAGE, {**sent, "price-screening": "much"})
    assert wrong.status_code == 422
    assert "Not put on file: Legal screening: say the price of a unit" in text(wrong)
    assert 'value="much"' in text(wrong)  # nothing that was typed is lost
    missing = people["manager"].post(PAGE, {**sent, "at-screening": ""})
    assert (missing.status_code, "do not say where" in text(missing)) == (422, True)
    assert people["manager"].post(PAGE, sent).status_code == 302
    assert people["manager"].post(PAGE, sent).status_code == 302  # sent twice
    waits = text(people["manager"].get("/fund/reports/"))
    (number,) = re.findall(r"Terms (\d+) wait for another person", waits)
    assert "300 screening at $95.00" in waits
    assert f"Accept terms {number}" not in waits
    assert f"Accept terms {number}" in text(people["director"].get("/fund/reports/"))
    people["director"].post("/fund/reports/", {"key": str(key()), "terms": number})
    assert 'value="300"' in text(people["director"].get(PAGE))
    assert "wait for another person" not in text(people["director"].get("/fund/reports/"))


@pytest.mark.pg
@pytest.mark.usefixtures("ledger")
def test_who_does_not_keep_the_fund_has_no_such_page(people: dict[str, Any]) -> None:  # the fixture
    for name, status in (
        ("north", 404),
        ("reviewer", 404),
        ("officer", 404),
        ("auditor", 403),
        ("director", 200),
    ):
        assert people[name].get(PAGE).status_code == status, name
        if status != 200:
            assert people[name].post(PAGE, {**typed_of(TERMS), "key": str(key())}).status_code == status, name
    assert people["manager"].get("/fund/agreements/none-1/terms/").status_code == 404
