"""What a client may state, and what it is told when it states something else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.grants.claims import UNKNOWN_AGENCY, ClaimRefusal, Claims, check_claims

PURPOSES = {"criminal-investigation", "records-service"}
AGENCIES = {"CPD", "FBI", "unknown", "none"}
PAGE = "docs/order.md"


def check(**stated: str) -> Claims | ClaimRefusal:
    options = {f"doorward.{name.rstrip('_')}": value for name, value in stated.items()}
    return check_claims(options, purposes=PURPOSES, agencies=AGENCIES, page=PAGE)


def test_words_of_the_order_pass_as_stated() -> None:
    assert check(purpose="criminal-investigation", case="JH123456", for_="CPD") == Claims(
        "criminal-investigation", "JH123456", "CPD"
    )


def test_a_beneficiary_that_is_not_stated_is_unknown_and_never_the_logins_own() -> None:
    claims = check(purpose="records-service")
    assert isinstance(claims, Claims)
    assert claims.for_agency == UNKNOWN_AGENCY


@pytest.mark.parametrize("purpose", ["", "   ", "curiosity", "CRIMINAL-INVESTIGATION"], ids=repr)
def test_a_purpose_that_is_no_word_names_the_option_and_the_page_and_proposes_none(purpose: str) -> None:
    refusal = check(purpose=purpose)
    assert isinstance(refusal, ClaimRefusal)
    assert "doorward.purpose" in refusal.sentence
    assert refusal.hint is not None
    assert PAGE in refusal.hint
    for word in PURPOSES:
        assert word not in refusal.sentence + refusal.hint


def test_an_agency_that_is_no_word_is_refused_and_none_is_proposed() -> None:
    refusal = check(purpose="records-service", for_="Mars")
    assert isinstance(refusal, ClaimRefusal)
    assert "CPD" not in refusal.sentence


def test_an_option_that_is_not_of_this_door_is_refused() -> None:
    refusal = check(purpose="records-service", standing="verified")
    assert isinstance(refusal, ClaimRefusal)
    assert "doorward.standing" in refusal.sentence


def test_a_long_case_number_is_refused() -> None:
    assert isinstance(check(purpose="records-service", case="9" * 41), ClaimRefusal)


@given(st.dictionaries(st.text(max_size=30), st.text(max_size=60), max_size=6))
def test_any_options_give_claims_or_a_refusal_of_one_line(options: dict[str, str]) -> None:
    found = check_claims(options, purposes=PURPOSES, agencies=AGENCIES, page=PAGE)
    if isinstance(found, ClaimRefusal):
        assert "\n" not in found.sentence
    else:
        assert found.purpose in PURPOSES
        assert found.for_agency in AGENCIES
