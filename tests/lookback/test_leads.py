"""Every rule of the leads, counted by hand, with what lies just inside and just outside of it."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from doorward.errors import ConfigError
from doorward.lookback.folder import AuditFolder
from doorward.lookback.leads.find_leads import ROWS, SUMMARY
from doorward.lookback.leads.kinds import KINDS, LeadNumbers
from doorward.lookback.leads.tables import LeadInputs, Mark, Source
from lead_logs import CASED, EXPLICIT, OPEN, STATED, VAGUE, Log, counted, look, of_kind

NOON = datetime(2025, 6, 2, 12, 0)
SMALL = LeadNumbers(least=10, peers=4)


def spread(log: Log, unit: int, n: int, *, over: timedelta, **more: Any) -> None:
    """Add n searches whose first and last are `over` apart."""
    for at in range(n):
        log.search(unit, NOON + over * at / (n - 1), **more)


@pytest.mark.parametrize(
    ("n", "over", "bursts"),
    [
        (30, timedelta(minutes=10), 1),
        (29, timedelta(minutes=10), 0),
        (30, timedelta(minutes=10, microseconds=29), 0),
        (30, timedelta(0), 1),
        (60, timedelta(minutes=10), 1),
    ],
)
def test_a_burst_is_thirty_searches_in_ten_minutes_both_ends_included(
    tmp_path: Path, n: int, over: timedelta, bursts: int
) -> None:
    log = Log()
    spread(log, log.searcher("Elm PD"), n, over=over, account="a-1")
    assert of_kind(log.look(tmp_path), "burst")["found"] == bursts


def test_a_burst_across_the_edge_of_a_clock_hour_is_found_with_all_of_its_rows(tmp_path: Path) -> None:
    log = Log()
    elm = log.searcher("Elm PD")
    rows = [
        log.search(elm, datetime(2025, 6, 2, 12, 55) + timedelta(seconds=20 * n), account="a-1")
        for n in range(30)
    ]
    log.search(elm, "2025-06-02 18:00", account="a-1")
    report = log.look(tmp_path)
    (lead,) = report.leads
    assert (lead.kind, lead.n, lead.rows_n) == ("burst", 1, 30)
    assert lead.rows == ", ".join(f"0::{row}" for row in rows)


def test_two_bursts_apart_are_two_and_two_accounts_do_not_make_one(tmp_path: Path) -> None:
    log = Log()
    elm = log.searcher("Elm PD")
    for begin in ("2025-06-02 12:00", "2025-06-02 15:00"):
        for n in range(30):
            log.search(elm, datetime.fromisoformat(begin) + timedelta(seconds=n), account="a-1")
    for n in range(30):
        log.search(elm, datetime(2025, 6, 3, 12, 0) + timedelta(seconds=n), account=f"b-{n % 2}")
    assert counted(log.look(tmp_path), "burst") == {"Elm PD": 2}


def test_display_names_make_no_account_and_their_unit_is_held_against_its_own_rate(tmp_path: Path) -> None:
    log = Log(sources=[Source(0, "Sample City PD", "name")])
    elm, oak = log.searcher("Elm PD"), log.searcher("Oak PD")
    for unit in (elm, oak):
        spread(log, unit, 30, over=timedelta(minutes=5), account="J. Sample")
    # Oak makes 15 every ten minutes of that hour, on twenty days: three times that is more than thirty.
    for day in range(1, 20):
        for n in range(90):
            log.search(oak, NOON + timedelta(days=day, seconds=40 * n), account="J. Sample")
    report = log.look(tmp_path)
    assert of_kind(report, "burst")["looked_at"] == 0
    assert of_kind(report, "burst")["not_looked_at"] == {
        "the account is a display name, and those collide": 60 + 19 * 90
    }
    assert counted(report, "unit-burst") == {"Elm PD": 1}
    assert counted(report, "shared-account") == {}


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (timedelta(0), 0),  # at the same moment: the log does not say which was first
        (timedelta(microseconds=1), 1),
        (timedelta(minutes=60), 1),
        (timedelta(minutes=60, microseconds=1), 0),
        (timedelta(seconds=-1), 0),
    ],
)
def test_a_local_search_follows_a_federal_one_of_the_same_plate_within_an_hour(
    tmp_path: Path, after: timedelta, found: int
) -> None:
    log = Log()
    federal, elm = log.searcher("[Federal] Sample Agency", flags=["federal"]), log.searcher("Elm PD")
    log.search(federal, NOON, plate="ABC 123")
    log.search(elm, NOON + after, plate="abc-123")
    log.search(elm, NOON + timedelta(minutes=1), plate="OTHER1")
    assert of_kind(log.look(tmp_path), "after-federal")["found"] == found


def test_an_explicit_search_is_followed_by_another_unit_and_not_by_its_own(tmp_path: Path) -> None:
    log = Log()
    elm, oak = log.searcher("Elm PD"), log.searcher("Oak PD")
    log.search(elm, NOON, plate="ABC123", phrase=EXPLICIT)
    log.search(elm, NOON + timedelta(minutes=5), plate="ABC123", phrase=EXPLICIT)
    row = log.search(oak, NOON + timedelta(minutes=10), plate="ABC123")
    log.search(oak, NOON + timedelta(minutes=10))
    report = log.look(tmp_path)
    (lead,) = (lead for lead in report.leads if lead.kind == "after-federal")
    assert (lead.unit, lead.n, lead.rows) == ("Oak PD", 1, f"0::{row}")
    assert of_kind(report, "after-federal")["not_looked_at"] == {"the plate is masked or not exported": 1}


def test_a_federal_search_follows_nothing(tmp_path: Path) -> None:
    log = Log()
    one, other = (log.searcher(f"[Federal] {name}", flags=["federal"]) for name in ("A", "B"))
    log.search(one, NOON, plate="ABC123")
    log.search(other, NOON + timedelta(minutes=5), plate="ABC123")
    assert of_kind(log.look(tmp_path), "after-federal")["found"] == 0


def test_units_of_287g_are_counted_from_the_date_on_beside_their_even_share(tmp_path: Path) -> None:
    log = Log()
    elm = log.searcher("Elm SO", participating=True, participating_since=date(2025, 6, 3))
    oak, ash = log.searcher("Oak PD"), log.searcher("Ash SO", participating=True)
    federal = log.searcher(
        "[Federal] A", flags=["federal"], participating=True, participating_since=date(2020, 1, 1)
    )
    log.search(elm, "2025-06-02 12:00")
    log.search(elm, "2025-06-03 09:59")  # still the second in Hawaii
    inside = log.search(elm, "2025-06-03 10:00")
    for _ in range(5):
        log.search(oak, "2025-06-04 12:00")
    log.search(ash, "2025-06-04 12:00")
    log.search(federal, "2025-06-04 12:00")
    report = log.look(tmp_path)
    (lead,) = report.leads
    # From the third on there are 7 searches of units that are not federal, of 3 such units.
    assert (lead.unit, lead.n, lead.expected, lead.rows) == ("Elm SO", 1, 2.333, f"0::{inside}")
    assert of_kind(report, "287g")["not_looked_at"] == {
        "it is not known since when the unit takes part": 1,
        "the unit is federal": 1,
    }


def rated(log: Log, mark: str) -> None:
    """Add six peers: five with 2 of 20 marked, one with 18 of 20."""
    for unit in range(6):
        number = log.searcher(f"Unit {unit}", state="IL")
        for n in range(20):
            marked = n < (18 if unit == 5 else 2)
            if mark == "vague":
                log.search(number, NOON + timedelta(hours=n), phrase=VAGUE if marked else STATED)
            else:  # Chicago is five hours behind in June
                log.search(number, datetime(2025, 6, 2 + n, 7 if marked else 18, 0))


@pytest.mark.parametrize(("mark", "kind"), [("vague", "vague-rate"), ("night", "off-hours")])
def test_a_month_that_stands_out_from_its_peers_is_named_with_both_rates(
    tmp_path: Path, mark: str, kind: str
) -> None:
    log = Log()
    rated(log, mark)
    report = log.look(tmp_path, SMALL)
    (lead,) = (lead for lead in report.leads if lead.kind == kind)
    # The mean of the five peers, 0.1, and of all as a sixth, 28 of 120: (0.5 + 28/120) / 6 of 20.
    assert (lead.unit, lead.n, lead.expected) == ("Unit 5", 18, round(20 * (0.5 + 28 / 120) / 6, 3))
    assert "18 of 20" in lead.says
    assert "its 5 peers 12.2%" in lead.says
    assert of_kind(report, kind)["found"] == 1


def test_a_month_with_too_few_searches_or_peers_is_not_looked_at_and_said(tmp_path: Path) -> None:
    log = Log()
    rated(log, "vague")
    report = log.look(tmp_path / "a", replace(SMALL, least=21))
    assert of_kind(report, "vague-rate")["not_looked_at"] == {
        "a month with too few searches, or too few peers": 120
    }
    report = log.look(tmp_path / "b", replace(SMALL, peers=6))
    assert of_kind(report, "vague-rate")["looked_at"] == 0


@pytest.mark.parametrize(
    ("at", "night"),
    [
        ("2025-11-02 05:59", 0),  # 00:59 CDT
        ("2025-11-02 06:00", 1),  # 01:00 CDT
        ("2025-11-02 07:30", 1),  # 01:30 CST, the hour that comes twice
        ("2025-11-02 10:59", 1),  # 04:59 CST
        ("2025-11-02 11:00", 0),
        ("2025-03-09 07:59", 1),  # 01:59 CST
        ("2025-03-09 08:00", 1),  # 03:00 CDT, after the hour that is left out
        ("2025-03-09 09:59", 1),
        ("2025-03-09 10:00", 0),  # 05:00 CDT
    ],
)
def test_the_hours_from_one_to_five_are_those_of_the_unit_also_when_clocks_change(
    tmp_path: Path, at: str, night: int
) -> None:
    log = Log()
    log.search(log.searcher("Elm PD"), at)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        from doorward.lookback.leads.tables import make_tables

        make_tables(connection, log.write(tmp_path), LeadInputs(log.sources), LeadNumbers())
        assert connection.execute("SELECT night FROM searches").fetchall() == [(night,)]


def test_a_state_of_two_zones_is_looked_at_by_county_or_as_told_and_else_not(tmp_path: Path) -> None:
    log = Log()
    for number, (name, state) in enumerate(
        [("Gary", "IN"), ("Marion", "IN"), ("Cut", "SD"), ("Unknown", "TX")]
    ):
        unit = log.searcher(name, state=state, ori=f"{state}000000{number}")
        log.search(unit, NOON)
    counties = {"IN0000000": "LAKE", "IN0000001": "MARION", "SD0000002": "STANLEY"}
    report = log.look(tmp_path / "a", counties=counties)
    assert (
        report.summary["kinds"][4]["not_looked_at"][
            "the time zone is not known: a state of two zones without a county, or no state"
        ]
        == 2
    )  # a key of the summary
    zones = {"TX": "America/Chicago", "SD0000002": "America/Denver"}
    report = log.look(tmp_path / "b", counties=counties, zones=zones)
    assert len(report.summary["kinds"][4]["not_looked_at"]) == 1
    with pytest.raises(ConfigError, match="`TX=Texas` names no time zone"):
        log.look(tmp_path / "c", zones={"TX": "Texas"})


@pytest.mark.parametrize(
    ("last", "accounts"), [(timedelta(minutes=30), 1), (timedelta(minutes=30, microseconds=1), 0)]
)
def test_an_account_in_three_units_within_half_an_hour_is_shared(
    tmp_path: Path, last: timedelta, accounts: int
) -> None:
    log = Log()
    elm, oak, ash = (log.searcher(f"{name} PD") for name in ("Elm", "Oak", "Ash"))
    log.search(elm, NOON, account="a-1")
    log.search(oak, NOON + timedelta(minutes=15), account="a-1")
    log.search(oak, NOON + timedelta(minutes=20), account="a-1")
    log.search(ash, NOON + last, account="a-1")
    log.search(ash, NOON + timedelta(days=1), account="a-1")
    report = log.look(tmp_path)
    assert counted(report, "shared-account") == dict.fromkeys(
        ["Elm PD", "Oak PD", "Ash PD"][: 3 * accounts], 1
    )
    assert sum(lead.rows_n for lead in report.leads if lead.kind == "shared-account") == 4 * accounts


@pytest.mark.parametrize(("state", "accounts"), [("IL", 0), ("WI", 1), (None, 0)])
def test_an_account_in_two_units_is_shared_only_where_they_are_in_two_states(
    tmp_path: Path, state: str | None, accounts: int
) -> None:
    log = Log()
    elm, oak = log.searcher("Elm PD"), log.searcher("Oak PD", state=state)
    log.search(elm, NOON, account="a-1")
    log.search(oak, NOON, account="a-1")  # a tie in time
    assert len(counted(log.look(tmp_path), "shared-account")) == 2 * accounts


@pytest.mark.parametrize(
    ("days", "more", "pairs"),
    [
        ((0, 7, 14), {}, 1),
        ((0, 14), {}, 0),
        ((0, 7, 13.9999), {}, 0),
        ((0, 7, 14), {"case_state": "value"}, 0),
        ((0, 7, 14), {"phrase": CASED}, 0),
        ((0, 7, 14), {"case_state": "masked"}, 0),
        ((0, 7, 14), {"phrase": OPEN}, 0),  # a number may stand in the reason that is masked
        ((0, 7, 14), {"account": None}, 0),
    ],
)
def test_a_plate_is_tracked_where_one_account_searches_it_three_times_over_fourteen_days_without_a_case(
    tmp_path: Path, days: tuple[float, ...], more: dict[str, Any], pairs: int
) -> None:
    log = Log()
    elm = log.searcher("Elm PD")
    for day in days:
        log.search(elm, NOON + timedelta(days=day), **({"account": "a-1", "plate": "ABC123"} | more))
    log.search(elm, NOON, account="a-1", plate="ABC123", case_state="value")
    assert counted(log.look(tmp_path), "repeated-plate") == ({"Elm PD": 1} if pairs else {})


def test_lookups_that_repeat_within_a_day_are_left_out_and_counted(tmp_path: Path) -> None:
    log = Log()
    elm = log.searcher("Elm PD")
    for n in range(96):  # a hot list that looks up by itself, every six hours for twenty-four days
        log.search(elm, NOON + timedelta(hours=6 * n), account="a-1", plate="HOT123", kind="Lookup")
    for day in (0, 7, 14):  # a person who looks up once a week
        log.search(elm, NOON + timedelta(days=day), account="a-2", plate="ABC123", kind="lookup")
    report = log.look(tmp_path)
    assert report.summary["left_out"]["lookups that repeat the one before"] == 95
    assert report.summary["searches"] == 4
    assert counted(report, "repeated-plate") == {"Elm PD": 1}


def weeks(log: Log, unit: int, before: int, after: int) -> None:
    """Add eight weeks of 20 searches on each side of the second of June, so many of them vague, give or take one."""
    for week in range(-8, 8):
        vague = (before if week < 0 else after) + (
            week % 2 if 0 < (before if week < 0 else after) < 20 else 0
        )
        for n in range(20):
            log.search(unit, NOON + timedelta(weeks=week, hours=n), phrase=VAGUE if n < vague else STATED)


def test_a_rate_that_jumps_at_a_mark_is_a_change_and_one_that_stays_is_none(tmp_path: Path) -> None:
    log = Log()
    elm, oak, ash = (log.searcher(f"{name} PD") for name in ("Elm", "Oak", "Ash"))
    weeks(log, elm, 2, 15)
    weeks(log, oak, 4, 4)
    weeks(log, ash, 10, 0)  # a list of reasons came, and nothing is vague any more
    report = log.look(tmp_path, marks=[Mark(NOON, "a list of reasons came into the export")])
    drift = {lead.unit: lead for lead in report.leads if lead.kind == "vague-drift"}
    # Before: eight weeks of 2 or 3 of 20, four of each: 20 of 160. After: 15 or 16, 124 of 160.
    assert drift.keys() == {"Elm PD", "Ash PD"}
    assert (drift["Elm PD"].n, drift["Elm PD"].expected) == (124, 20.0)
    assert (drift["Ash PD"].n, drift["Ash PD"].expected, drift["Ash PD"].rows_n) == (0, 84.0, 0)
    assert drift["Elm PD"].says == (
        "vague reasons: 20 of 160 before and 124 of 160 after 2025-06-02, a list of reasons came into the export"
    )
    assert of_kind(report, "vague-drift")["compared"] == 3


def test_a_mark_of_an_owner_is_about_the_searches_of_its_data_alone(tmp_path: Path) -> None:
    log = Log(sources=[Source(0, "Sample City PD", "id"), Source(1, "Other City PD", "id")])
    weeks(log, log.searcher("Elm PD"), 2, 15)
    for owner, found in (("Other City PD", 0), ("Sample City PD", 1), ("Nobody PD", 0)):
        report = log.look(tmp_path / owner, marks=[Mark(NOON, "a column came", owner)])
        assert of_kind(report, "vague-drift")["found"] == found


def test_spellings_of_one_agency_are_one_unit_and_a_masked_searcher_is_none(tmp_path: Path) -> None:
    log = Log()
    one = log.searcher("Elm PD", ori="IL0000001")
    other = log.searcher("Elm Police Dept [Inactive]", name="Elm PD", ori="IL0000001")
    masked = log.searcher("", searcher=None, searcher_state="masked", name=None, state=None)
    test = log.searcher("Vendor Test PD", flags=["test"])
    for n in range(15):
        log.search(one, NOON + timedelta(seconds=n), account="a-1")
        log.search(other, NOON + timedelta(seconds=n), account="a-1")
        log.search(masked, NOON + timedelta(seconds=n), account="a-2")
    log.search(test, NOON, account="a-3")
    report = log.look(tmp_path)
    assert counted(report, "burst") == {"Elm PD": 1}
    assert report.summary["left_out"]["searcher not known, so no unit that a lead could name"] == 15
    assert report.summary["left_out"]["searchers of the vendor's own tests"] == 1


def test_two_agencies_of_one_name_are_told_apart(tmp_path: Path) -> None:
    log = Log()
    for ori in ("IL0000001", "TN0000001"):
        unit = log.searcher("Washington SO", ori=ori, state=ori[:2])
        spread(log, unit, 30, over=timedelta(minutes=9), account=ori)
    assert set(counted(log.look(tmp_path), "burst")) == {
        "Washington SO (IL0000001)",
        "Washington SO (TN0000001)",
    }


def everything(root: Path) -> Log:
    """Write an audit with a lead of most kinds."""
    log = Log(sources=[Source(0, "Sample City PD", "id"), Source(1, "Other City PD", "id")])
    rated(log, "vague")
    federal = log.searcher("[Federal] Sample Agency", flags=["federal"])
    elm = log.searcher("Elm SO", participating=True, participating_since=date(2025, 1, 1))
    for n in range(60):
        log.search(elm, NOON + timedelta(seconds=n), account="secret-account", plate=f"SECRET{n}", file=n % 2)
    log.search(federal, NOON, plate="SECRET1")
    for day in (0, 7, 15):
        log.search(elm, NOON + timedelta(days=day), account="secret-account", plate="SECRET99")
    log.look(root, SMALL)
    return log


def test_neither_an_account_nor_a_plate_stands_in_what_is_written(tmp_path: Path) -> None:
    everything(tmp_path)
    folder = AuditFolder(tmp_path)
    with duckdb.connect() as connection:
        rows = connection.execute(f"SELECT * FROM '{folder.leads}'").fetchall()
        cited = connection.execute(f"SELECT * FROM '{tmp_path / ROWS}'").fetchall()
    written = repr(rows) + repr(cited) + (tmp_path / SUMMARY).read_text()
    assert {row[1] for row in rows} >= {"burst", "after-federal", "287g", "vague-rate", "repeated-plate"}
    assert "secret" not in written.lower()
    assert not (tmp_path / "data/.scratch").exists()


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        everything(tmp_path / name)
    for file in ("leads.parquet", SUMMARY, ROWS):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_a_second_run_replaces_the_first(tmp_path: Path) -> None:
    log = everything(tmp_path)
    before = (tmp_path / SUMMARY).read_bytes()
    log.look(tmp_path, SMALL)
    assert (tmp_path / SUMMARY).read_bytes() == before
    assert list(tmp_path.rglob("*.new")) == []


def test_a_lead_names_at_most_fifty_rows_and_counts_all(tmp_path: Path) -> None:
    log = Log()
    spread(log, log.searcher("Elm PD"), 80, over=timedelta(minutes=9), account="a-1")
    (lead,) = log.look(tmp_path).leads
    assert (len(lead.rows.split(", ")), lead.rows_n) == (50, 80)
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT COUNT(*) FROM '{tmp_path / ROWS}'").fetchone() == (80,)


def test_an_audit_without_a_row_has_every_kind_and_no_lead(tmp_path: Path) -> None:
    report = Log().look(tmp_path)
    assert report.leads == ()
    summary = json.loads((tmp_path / SUMMARY).read_text())
    assert [kind["kind"] for kind in summary["kinds"]] == [kind.name for kind in KINDS]
    assert {kind["found"] for kind in summary["kinds"]} == {0}
    assert all(kind["caveat"] and kind["model"] and kind["rule"] for kind in summary["kinds"])


def test_rows_without_a_time_are_counted_and_looked_at_by_nothing(tmp_path: Path) -> None:
    log = Log()
    elm = log.searcher("Elm PD")
    for _ in range(30):
        log.search(elm, NOON, account="a-1")
        log.accesses[-1]["at"] = None
    report = log.look(tmp_path)
    assert report.summary["left_out"]["without a time"] == 30
    assert report.leads == ()


def test_an_audit_that_has_read_nothing_says_what_comes_first(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no accesses"):
        look(AuditFolder(tmp_path), LeadInputs(()))


def test_a_folder_and_an_agency_with_signs_of_sql_in_their_names_are_only_names(tmp_path: Path) -> None:
    log = Log(sources=[Source(0, "O'Fallon; DROP TABLE leads --", "id")])
    spread(log, log.searcher("St. John's [PD] '; DROP"), 30, over=timedelta(minutes=9), account="a'1")
    (lead,) = log.look(tmp_path / "it's [a] folder*").leads
    assert (lead.unit, lead.owner) == ("St. John's [PD] '; DROP", "O'Fallon; DROP TABLE leads --")


def test_an_expected_number_is_said_as_a_person_reads_it(tmp_path: Path) -> None:
    log = Log()
    federal, elm = log.searcher("[Federal] A", flags=["federal"]), log.searcher("Elm PD")
    spread(log, elm, 30, over=timedelta(minutes=9), account="a-1", plate="OTHER1")
    log.search(federal, NOON + timedelta(days=1), plate="ABC123")
    log.search(elm, NOON + timedelta(days=1, minutes=1), plate="ABC123")
    burst, follow = log.look(tmp_path).leads
    assert burst.says == (
        "1 burst of 30 searches or more of one account within 10 minutes; fewer than 0.001 expected by chance"
    )
    assert burst.expected == 0
    assert follow.says.startswith(
        "1 search at most 1 hour after a federal or explicit search of the same plate; "
    )
