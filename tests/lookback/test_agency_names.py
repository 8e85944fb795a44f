"""What the names of organisations say; shapes as logs have them, places invented or of no consequence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.lookback.agencies.agency_words import CODES, Kind
from doorward.lookback.agencies.names import MAX_CHARACTERS, parse_agency_name, parse_slug, plain

# name, place, kind, state
NAMES = [
    ("Quarry County CA SO", "quarry", "SO", "CA"),
    ("Quarry Hill CA PD", "quarry hill", "PD", "CA"),
    ("Quarry Hill PD ( CA)", "quarry hill", "PD", "CA"),
    ("Quarry Hill (CA) PD", "quarry hill", "PD", "CA"),
    ("Quarry Hill PD CA", "quarry hill", "PD", "CA"),
    ("Quarry Hill PD - OH", "quarry hill", "PD", "OH"),
    ("Quarry Hill, CA PD", "quarry hill", "PD", "CA"),
    ("CA - Quarry Hill PD", "quarry hill", "PD", "CA"),
    ("IN- Quarry County SO", "quarry", "SO", "IN"),
    ("Quarry County SO-CA", "quarry", "SO", "CA"),
    ("Windy- IL- PD", "windy", "PD", "IL"),
    ("QUARRY CO CA SO", "quarry", "SO", "CA"),
    ("Quarry California Police Department", "quarry", "PD", "CA"),
    ("Quarry County California Sheriffs Office", "quarry", "SO", "CA"),
    ("Quarry Parish LA SO", "quarry", "SO", "LA"),
    ("Quarry County County Sheriff's Office", "quarry", "SO", ""),
    ("Quarry Co. IL SO - New", "quarry", "SO", "IL"),
    ("MN - Quarry CO SO", "quarry", "SO", "MN"),
    ("Quarry County CA SD", "quarry", "SO", "CA"),
    ("Quarry SD PD", "quarry", "PD", "SD"),
    ("Quarry County CA DAs Office", "quarry", "DA", "CA"),
    ("Quarry County District Attorney's Office CA", "quarry", "DA", "CA"),
    ("Quarry MI DPS", "quarry", "PD", "MI"),
    ("Quarry Department of Public Safety (CA)", "quarry", "PD", "CA"),
    ("Quarry OH Division of Police", "quarry", "PD", "OH"),
    ("Quarry Metro Police Department - NV", "quarry", "PD", "NV"),
    ("Quarry Marshals Office (AZ)", "quarry", "MARSHAL", "AZ"),
    ("City of Quarry MO", "quarry", "", "MO"),
    ("(Dead/Old) Quarry IN PD", "quarry", "PD", "IN"),
    ("Quarry PD RI (DNU)", "quarry", "PD", "RI"),
    ("Quarry County MO SO - DO NOT USE DUPLICATE ACCOUNT", "quarry", "SO", "MO"),
    ("Quarry Co. IL Sheriff's Dept.", "quarry", "SO", "IL"),
    ("Quarry County Const TX Pct 8", "quarry county precinct 8", "CONSTABLE", "TX"),
    ("Saint Quarry MN PD", "st quarry", "PD", "MN"),
    ("St. Quarry MN PD", "st quarry", "PD", "MN"),
    ("San Qu\u00e1rry CA PD", "san quarry", "PD", "CA"),
    ("Quarry\u2019s Landing CA PD", "quarrys landing", "PD", "CA"),
    ("Arizona Department of Public Safety [Inactive]", "", "SP", "AZ"),
    ("California Highway Patrol", "", "SP", "CA"),
    ("Louisiana State Police (LA)", "", "SP", "LA"),
    ("Indiana State Police IN PD", "", "SP", "IN"),
    ("TX DPS", "", "SP", "TX"),
    ("West Virginia State Police", "", "SP", "WV"),
    ("Attorney General of Illinois - Fraud Division", "attorney general of illinois fraud division", "AG", "IL"),
    ("Iowa Department of Corrections", "department of corrections", "CORRECTIONS", "IA"),
    ("Quarry State University CA", "quarry state university", "CAMPUS", "CA"),
    ("University of Central Missouri PD", "university of central missouri", "CAMPUS", "MO"),
    ("UC Quarry PD (CA)", "university of california quarry", "CAMPUS", "CA"),
    ("Quarry Tribal PD MI", "quarry tribal", "TRIBAL", "MI"),
    ("CA Quarry Nation", "quarry nation", "TRIBAL", "CA"),
    ("Quarry Arson Task Force CA", "quarry arson task force", "TASK-FORCE", "CA"),
    ("NESPIN (New England fusion center)", "nespin", "FUSION", ""),
    ("[Federal] Federal Bureau of Investigation (FBI)", "federal bureau of investigation", "FEDERAL", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "place", "kind", "state"), NAMES)
def test_a_name_says_place_kind_and_state(text: str, place: str, kind: str, state: str) -> None:
    name = parse_agency_name(text)
    assert (name.place, str(name.kind), name.state) == (place, kind, state)


# Words that look like the names and codes of states and are none.
NO_STATE = [
    ("Kansas City Police Department", "kansas city"),
    ("Virginia Beach Police Department", "virginia beach"),
    ("Nevada County Sheriff's Office", "nevada"),
    ("Port Washington Police Department", "port washington"),
    ("Washington Police Department", "washington"),
    ("LA County Sheriff", "la"),
    ("EL PASO CO SO", "el paso"),
    ("Quarry County SD", "quarry"),
]


@pytest.mark.parametrize(("text", "place"), NO_STATE)
def test_a_state_that_is_not_written_is_not_guessed(text: str, place: str) -> None:
    name = parse_agency_name(text)
    assert (name.state, name.place) == ("", place)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("College Park GA PD", "college park"),
        ("State College PA PD", "state college"),
        ("University City MO PD", "university city"),
        ("Indian Creek Village FL PD", "indian creek"),
        ("Marshall MO PD", "marshall"),
        ("Warson Woods MO PD", "warson woods"),
        ("NM - Farmington PD", "farmington"),
        ("Park Forest IL PD", "park forest"),
        ("Nationville TN PD", "nationville"),
    ],
)
def test_a_town_whose_name_has_the_word_of_another_kind_stays_a_town(text: str, place: str) -> None:
    name = parse_agency_name(text)
    assert (name.kind, name.place) == (Kind.POLICE, place)


def test_brackets_are_flags_acronyms_and_counties() -> None:
    assert parse_agency_name("Quarry IL PD [Inactive]").flags == ("inactive",)
    assert parse_agency_name("Quarry IL PD (deactivated)").flags == ("inactive",)
    assert parse_agency_name("DNU - Quarry PD CA (Raven)").flags == ("inactive",)
    assert parse_agency_name("Test Demo 1234").flags == ("test",)
    assert parse_agency_name("[Federal] Bureau of Quarries (BQ)").flags == ("federal",)
    assert parse_agency_name("[Federal] Bureau of Quarries (BQ)").acronyms == ("bq",)
    assert parse_agency_name("Jackson Township OH PD (Quarry County)").within == "quarry"
    assert parse_agency_name("Quarry CA DPS").flags == ("public-safety",)
    assert parse_agency_name("Quarry Tribal PD WI").flags == ("tribal",)


def test_a_name_without_a_place_is_no_agency() -> None:
    for text in ("", "   ", "Delete", "DUPLICATE PLEASE DELETE", "Old", "[Inactive]", "()", "PD"):
        assert parse_agency_name(text).place == ""


@pytest.mark.parametrize(
    ("slug", "place", "kind", "state"),
    [
        ("quarry-ia-pd", "quarry", "PD", "IA"),
        ("quarry-beach-pd-ca", "quarry beach", "PD", "CA"),
        ("quarry-county-ca-das-office", "quarry", "DA", "CA"),
        ("quarry-county-ca-sd", "quarry", "SO", "CA"),
        ("city-of-quarry-ca", "quarry", "", "CA"),
        ("-el-quarry-pd-ca", "el quarry", "PD", "CA"),
        ("export", "export", "", ""),
    ],
)
def test_the_name_of_a_file_says_them_in_small_letters(slug: str, place: str, kind: str, state: str) -> None:
    name = parse_slug(slug)
    assert (name.place, str(name.kind), name.state) == (place, kind, state)


@given(st.text(max_size=400))
def test_any_text_gives_a_name(text: str) -> None:
    name = parse_agency_name(text)
    assert name.state in CODES | {""}
    assert len(name.written) <= MAX_CHARACTERS
    assert name.place == plain(name.place)
    assert parse_slug(text).state in CODES | {""}


@given(st.sampled_from([row[0] for row in NAMES]), st.sampled_from([" ", "  ", "\t"]))
def test_spaces_change_nothing(text: str, space: str) -> None:
    one, other = parse_agency_name(text), parse_agency_name(f"{space}{text.replace(' ', space)}{space}")
    assert (one.place, one.kind, one.state, one.flags) == (other.place, other.kind, other.state, other.flags)


def test_a_long_hostile_name_is_cut() -> None:
    for text in ("(" * 100_000, "a " * 100_000, "[" + "x" * 100_000 + "]", "County " * 50_000, "'" * 100_000):
        assert len(parse_agency_name(text).written) <= MAX_CHARACTERS
