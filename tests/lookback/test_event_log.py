import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import MalformedError
from doorward.lookback.published.shared_networks import is_shared_networks, read_shared_networks
from doorward.lookback.reading.event_log import (
    as_table,
    format_details,
    is_event_log,
    parse_details,
    read_events,
)

HEADER = ["Timestamp", "User", "Event Type", "Entity Type", "Entity Details", "Event Id"]
NETWORKS = ["Organization Name", "Networks Shared With Me", "Networks I'm Sharing"]


def test_details_are_labels_and_values_and_a_value_may_have_lines() -> None:
    text = "License Plate: ABC123\nReason: stolen\nseen at 5:30 near the mill\nCase Number:\nNotes: a: b"
    assert parse_details(text) == {
        "License Plate": "ABC123",
        "Reason": "stolen\nseen at 5:30 near the mill",
        "Case Number": "",
        "Notes": "a: b",
    }


def test_a_text_without_labels_and_a_label_said_twice_lose_nothing() -> None:
    assert parse_details("removed by the clerk") == {"": "removed by the clerk"}
    assert parse_details("Plate: A1\nPlate: B2") == {"Plate": "A1\nB2"}


labels = st.from_regex(r"[A-Za-z][A-Za-z0-9 ]{0,20}[A-Za-z0-9]", fullmatch=True)
values = st.from_regex(r"[0-9a-z][0-9a-z, -]{0,30}[0-9a-z]", fullmatch=True)


@given(st.dictionaries(labels, values, max_size=8))
def test_details_come_back_from_what_an_export_writes(details: dict[str, str]) -> None:
    assert parse_details(format_details(details)) == details


@given(st.text(max_size=200))
def test_reading_details_is_total_and_keeps_every_word(text: str) -> None:
    found = parse_details(text)
    said = " ".join([*found, *found.values()])
    assert all(word.strip(":") in said for word in text.split())


def test_an_event_log_is_a_table_with_a_column_for_each_label() -> None:
    rows: list[tuple[int, list[str | None]]] = [
        (
            2,
            ["2026-04-10 05:01:33", "u1", "create", "Hotlist", "License Plate: ABC123\nReason: stolen", "e1"],
        ),
        (3, ["2026-04-11 05:01:33", "u2", "delete", "Hotlist", "License Plate: ABC123", "e2"]),
        (4, ["2026-04-12 05:01:33", None, "update", "Network"]),
    ]
    events = list(read_events(HEADER, rows))
    header, table = as_table(events)
    assert header == ["Timestamp", "User", "Event Type", "Entity Type", "Event Id", "License Plate", "Reason"]
    assert table[1] == ["2026-04-11 05:01:33", "u2", "delete", "Hotlist", "e2", "ABC123", ""]
    assert [event.row for event in events] == [2, 3, 4]
    assert is_event_log(HEADER)
    with pytest.raises(MalformedError, match="Entity Details"):
        list(read_events(["ID"], []))


def test_a_list_of_shared_networks_is_read_with_every_record_accounted_for() -> None:
    rows: list[tuple[int, list[str | None]]] = [
        (2, ["Otherville CA PD", "Otherville North, Otherville South", None]),
        (3, ["Harbor County CA SO", "", "Sampleton CA PD"]),
        (4, [None, None, None]),
        (5, list(NETWORKS)),
        (6, ["***", "Somewhere", None]),
        (7, ["Otherville CA PD", "Otherville South", "Sampleton CA PD"]),
    ]
    found = read_shared_networks(NETWORKS, rows)
    assert [(p.row, p.name, p.shares_with_me, p.i_share) for p in found.partners] == [
        (2, "Otherville CA PD", ("Otherville North", "Otherville South"), ("Sampleton CA PD",)),
        (3, "Harbor County CA SO", (), ("Sampleton CA PD",)),
    ]
    assert (found.read, found.blank, found.repeated_headers, found.unnamed, found.merged) == (6, 1, 1, 1, 1)


def test_columns_are_found_by_their_labels_and_one_direction_is_enough() -> None:
    header = ["Page", "Networks I'm Sharing", "Organization Name"]
    found = read_shared_networks(header, [(2, ["1", "Sampleton\nSampleton East", " Otherville PD "])])
    assert found.partners[0].name == "Otherville PD"
    assert found.partners[0].i_share == ("Sampleton", "Sampleton East")
    assert is_shared_networks(header)
    assert not is_shared_networks(["Organization Name", "Reason"])
    with pytest.raises(MalformedError, match="Organization Name"):
        read_shared_networks(["a"], [])


cells = st.one_of(st.none(), st.text(max_size=20), st.sampled_from([*NETWORKS, "***", "A, B"]))


@given(st.lists(st.lists(cells, max_size=4), max_size=20))
def test_any_list_is_read_and_its_records_add_up(rows: list[list[str | None]]) -> None:
    found = read_shared_networks(NETWORKS, enumerate(rows, 2))
    parts = found.blank + found.repeated_headers + found.unnamed + found.merged + len(found.partners)
    assert found.read == len(rows) == parts
