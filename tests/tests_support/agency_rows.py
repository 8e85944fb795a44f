"""A small list of invented agencies in the FBI's columns, for the tests of matching."""

from doorward.lookback.agencies.listed import AgencyList, make_listed
from doorward.lookback.agencies.match import ListMatcher

HEAD = ("ori", "data_year", "pub_agency_name", "state_abbr", "county_name", "agency_type_name")
ROWS = (
    ("CA0010100", "2025", "Quarry", "CA", "STONE", "City"),
    ("CA0010000", "2025", "Stone", "CA", "STONE", "County"),
    ("CA0010200", "2025", "De Marble", "CA", "STONE", "City"),
    ("CA0010300", "2025", "Limestone Gardens", "CA", "STONE", "City"),
    ("CA0010400", "2025", "Limestone Garden Grove", "CA", "STONE", "City"),
    ("CA0010500", "2025", "Twin", "CA", "STONE", "City"),
    ("CA001050X", "2019", "Twin", "CA", "STONE", "City"),
    ("CA0020000", "2025", "Gravel", "CA", "GRAVEL", "County"),
    ("CA0020200", "2025", "Gravel County Police Department", "CA", "GRAVEL", "County"),
    ("CA0030000", "2025", "Flint", "CA", "FLINT", "County"),
    ("CAHWY0000", "2025", "Highway Patrol:", "CA", "NOT SPECIFIED", "State Police"),
    ("CA0010900", "2025", "University of California:", "CA", "STONE", "University or College"),
    ("CA0020900", "2025", "University of California:", "CA", "GRAVEL", "University or College"),
    ("CA0020800", "2025", "Pumice College", "CA", "GRAVEL", "University or College"),
    ("CADI00100", "2025", "Obsidian Tribal", "CA", "NOT SPECIFIED", "Tribal"),
    ("IL0010100", "2025", "Quarry", "IL", "ROCK", "City"),
    ("IL0010000", "2025", "Rock", "IL", "ROCK", "County"),
    ("IL0010700", "2025", "Rock County Forest Preserve", "IL", "ROCK", "Other"),
    ("ILCPD0000", "2025", "Chicago", "IL", "COOK", "City"),
    ("MI0010000", "2025", "State Police:", "MI", "ALPHA", "State Police"),
    ("MI0020000", "2025", "State Police:", "MI", "BETA", "State Police"),
    ("NB0010100", "2025", "Basalt", "NB", "LAVA", "City"),
    ("NJ0010P00", "2025", "Prosecutor:", "NJ", "SLATE", "Other"),
    ("NJ0020P00", "2025", "Prosecutor:", "NJ", "SHALE", "Other"),
    ("OH0010100", "2025", "Chalk", "OH", "CHALK", "City"),
    ("OH0010200", "2025", "Chalk Township", "OH", "CHALK", "City"),
    ("PA0010100", "2025", "Slate Township, Alpha County", "PA", "ALPHA", "City"),
    ("PA0020100", "2025", "Slate Township, Beta County", "PA", "BETA", "City"),
    ("PA0030100", "2025", "Shale Township", "PA", "GAMMA", "City"),
    ("UT0010100", "2025", "Granite", "UT", "GRANITE", "City"),
    ("WI0010100", "2025", "Mica Township", "WI", "MICA", "City"),
    ("DCFBIWA01", "2025", "Federal Bureau of Investigation", "FS", "NOT SPECIFIED", "Federal"),
)


def make_matcher() -> ListMatcher:
    return ListMatcher(AgencyList(make_listed(dict(zip(HEAD, row, strict=True)) for row in ROWS)))


def list_csv() -> str:
    lines = [",".join(HEAD), *(",".join(f'"{cell}"' for cell in row) for row in ROWS)]
    return "\n".join(lines) + "\n"
