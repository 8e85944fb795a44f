"""How far a stated case number goes: never further than its one source says."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from doorward.grants.claims import Claims
from doorward.grants.facts import Standing, standing_of
from doorward.grants.people import Agreement, Person

FBI = Agreement("FBI", "sample-agreement-1", date(2030, 1, 1))


def standing(
    agency: str, case_no: str, *, register_says: bool, agreement: Agreement | None, city_agency: bool
) -> Standing:
    person = Person("dana", "", "detective", agency, "area-1")
    claims = Claims("criminal-investigation", case_no, agency)
    return standing_of(
        person, claims, register_says=register_says, agreement=agreement, city_agency=city_agency
    )


def test_a_yes_of_the_register_to_no_number_is_no_fact() -> None:
    found = standing("CPD", "", register_says=True, agreement=None, city_agency=True)
    assert found is Standing.UNVERIFIED


@given(
    st.sampled_from(["CPD", "FBI", "ATF"]), st.sampled_from(["", "JH1"]), st.sampled_from([None, FBI]),
    st.tuples(st.booleans(), st.booleans()),
)  # fmt: skip
def test_each_standing_has_its_one_source(
    agency: str, case_no: str, agreement: Agreement | None, known: tuple[bool, bool]
) -> None:
    says, is_city = known
    found = standing(agency, case_no, register_says=says, agreement=agreement, city_agency=is_city)
    assert (found is Standing.VERIFIED) == (says and is_city and case_no != "")
    assert (found is Standing.ATTESTED) == (
        agreement is FBI and agency == "FBI" and not is_city and case_no != ""
    )
