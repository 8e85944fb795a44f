"""The rules as a reader would count them row by row, over small logs full of ties, and the statements beside them."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.lookback.engine import open_engine
from doorward.lookback.leads.kinds import LeadNumbers
from doorward.lookback.leads.tables import LeadInputs, fill_sql, make_tables
from lead_logs import EXPLICIT, STATED, Log, of_kind

BEGIN = datetime(2025, 6, 2)
NUMBERS = LeadNumbers(burst_searches=3)
# Few moments, plates and accounts, on the very edges of the windows, so that everything collides.
MOMENTS = st.sampled_from([0, 1, 5, 10, 11, 15, 25, 30, 31, 45, 60, 61, 20160, 20161, 30240])
ROWS = st.lists(
    st.tuples(
        st.integers(0, 4),
        MOMENTS,
        st.sampled_from(["a", "b", None]),
        st.sampled_from(["P1", "P2", None]),
        st.booleans(),
    ),
    max_size=40,
)
STATES = ("IL", "IL", "IL", "WI")


def write(rows: list[Any]) -> Log:
    log = Log()
    units = [log.searcher(f"Unit {number}", state=state) for number, state in enumerate(STATES)]
    units.append(log.searcher("[Federal] A", state="IL", flags=["federal"]))
    for unit, minute, account, plate, explicit in rows:
        log.search(
            units[unit], BEGIN + timedelta(minutes=minute), account=account, plate=plate,
            phrase=EXPLICIT if explicit else STATED,
        )  # fmt: skip
    return log


def follow(rows: list[Any]) -> int:
    return sum(
        unit != 4
        and plate is not None
        and any(
            other != unit and (other == 4 or explicit) and same == plate and 0 < minute - at <= 60
            for other, at, _, same, explicit in rows
        )
        for unit, minute, _, plate, _ in rows
    )


def bursts(rows: list[Any]) -> int:
    by_account = defaultdict(list)
    for unit, minute, account, _, _ in rows:
        if account is not None:
            by_account[unit, account].append(minute)
    found = 0
    for minutes in by_account.values():
        last = None
        for end in sorted(set(minutes)):
            if sum(end - 10 <= minute <= end for minute in minutes) >= 3:
                found += last is None or end - last > 10
                last = end
    return found


def shared(rows: list[Any]) -> int:
    found = set()
    for account in ("a", "b"):
        own = [(minute, unit) for unit, minute, one, _, _ in rows if one == account]
        for end, _ in own:
            units = {unit for minute, unit in own if end - 30 <= minute <= end}
            states = {"IL" if unit == 4 else STATES[unit] for unit in units}
            if len(units) >= 3 or len(states) >= 2:
                found |= {(account, unit) for unit in units}
    return len(found)


def repeated(rows: list[Any]) -> int:
    times = defaultdict(list)
    for unit, minute, account, plate, _ in rows:
        if account is not None and plate is not None:
            times[unit, account, plate].append(minute)
    return sum(len(minutes) >= 3 and max(minutes) - min(minutes) >= 20160 for minutes in times.values())


@settings(max_examples=25)
@given(ROWS)
def test_the_statements_find_what_a_reader_counts(rows: list[Any]) -> None:
    with TemporaryDirectory() as folder:
        report = write(rows).look(Path(folder), NUMBERS)
    assert of_kind(report, "after-federal")["found"] == follow(rows)
    assert of_kind(report, "burst")["found"] == bursts(rows)
    assert of_kind(report, "shared-account")["found"] == shared(rows)
    assert of_kind(report, "repeated-plate")["found"] == repeated(rows)


@settings(max_examples=25)
@given(ROWS)
def test_the_window_form_of_a_search_after_a_federal_one_is_the_asof_join(rows: list[Any]) -> None:
    # ASOF gives the last first one before a search; one of each unit is asked for, because its own does not count.
    asof = (
        "SELECT DISTINCT s.file, s.sheet, s.line FROM searches s CROSS JOIN units u ASOF JOIN "
        "(SELECT unit_no, plate, at_us FROM searches WHERE first_one = 1 AND plate IS NOT NULL) f "
        "ON f.unit_no = u.unit_no AND f.plate = s.plate AND s.at_us > f.at_us "
        "WHERE s.federal = 0 AND f.unit_no <> s.unit_no AND s.at_us - f.at_us <= 3600000000"
    )
    with TemporaryDirectory() as folder, open_engine(Path(folder) / "engine", threads=1) as connection:
        log = write(rows)
        make_tables(connection, log.write(Path(folder)), LeadInputs(log.sources), NUMBERS)
        window = fill_sql("lead_follow", searches="searches", window_us=3_600_000_000)
        found = Counter(connection.execute(f"SELECT file, sheet, line FROM ({window})").fetchall())
        assert found == Counter(connection.execute(asof).fetchall())
