"""What a partner's name says: invented names in the shapes that real lists have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.lookback.published.partners import name_words, read_name


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("Sampleton CA PD", "CA"),
        ("Sampleton PD - OH", "OH"),
        ("Sampleton PD (WA)", "WA"),
        ("MI - Village of Sampleton", "MI"),
        ("Sample County SO-CA", "CA"),
        ("Sample County CA SD", "CA"),
        ("MN - Sample CO SO", "MN"),
        ("SMP CO ARSON TF CA PD", "CA"),
        ("Rapid Sample SD PD", "SD"),
        ("Sample County SD", None),  # a sheriff's department, or South Dakota
        ("Sample CO SO", None),  # a county, or Colorado
        ("Sample County CO SO", "CO"),
        ("Sample Co. IL SO - New", "IL"),
        ("Indiana PA PD", "PA"),
        ("California Highway Patrol", "CA"),
        ("Colorado State Patrol", "CO"),
        ("Nevada County Sheriff", None),
        ("Texas City Police", None),
        ("Sample Fire", None),
        ("Sampleton CA NV Task Force", None),
        ("Sampleton, Ca", None),
    ],
)
def test_a_state_is_known_where_the_name_says_one(name: str, state: str | None) -> None:
    assert read_name(name).state == state


@pytest.mark.parametrize(
    ("name", "federal"),
    [
        ("[Federal] Sample Bureau", True),
        ("FBI Sampleton", True),
        ("US Border Patrol Sample Sector", True),
        ("U.S. Marshals Service", True),
        ("HSI Sampleton", True),
        ("Police Sampleton CA", False),
        ("Iowa DHS", False),
        ("Ice Harbor WA PD", False),
        ("Federal Way WA PD", False),
        ("Federal Heights CO PD", False),
    ],
)
def test_a_name_is_federal_where_it_says_so(name: str, federal: bool) -> None:  # noqa: FBT001  # a table
    assert read_name(name).federal == federal


@pytest.mark.parametrize(
    ("name", "inactive", "agency"),
    [
        ("Sampleton AZ PD [Inactive]", True, True),
        ("Sampleton MO PD (deactivated)", True, True),
        ("Sample Network AZ [DEACTIVATED]", True, True),
        ("DNU - Sampleton PD CA", True, True),
        ("Decommissioned Org", True, False),
        ("Test Demo 1234", False, False),
        ("Delete", False, False),
        ("Old", False, False),
        ("Old Sampleton CA PD", False, True),
        ("Sampleton CA PD", False, True),
    ],
)
def test_marks_are_read(name: str, inactive: bool, agency: bool) -> None:  # noqa: FBT001  # a table
    named = read_name(name)
    assert (named.inactive, named.agency) == (inactive, agency)


def test_spellings_of_one_agency_have_the_same_words() -> None:
    spellings = (
        "Sampleton CA PD",
        "Sampleton PD, CA",
        "The Sampleton Police Department (CA)",
        "sampleton police ca",
    )
    assert len({name_words(name) for name in spellings}) == 1
    assert name_words("Sample County Sheriff's Office CA") == name_words("Sample County CA SO")
    assert name_words("Sampleton CA PD") != name_words("Sampleton NV PD")
    assert read_name("Sampleton CA PD [Inactive]").words == name_words("Sampleton CA PD")


@given(st.text(max_size=80))
def test_any_name_is_read(name: str) -> None:
    assert read_name(name).name == " ".join(name.split())
