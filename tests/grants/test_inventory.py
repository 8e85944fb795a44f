"""The inventory is read strictly, and nothing is behind the door because somebody says so."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError
from doorward.grants.inventory import (
    Around,
    Behind,
    Coverage,
    Kind,
    Store,
    check_inventory,
    coverage_line,
    format_store,
    parse_inventory,
    with_found,
)
from doorward.grants.inventory_files import add_store, load_inventory

TODAY = date(2026, 11, 25)
BEHIND = Behind("clear", frozenset({"dana.example"}))
AROUND = Around(
    "clear",
    frozenset({"public.persons"}),
    ("public.tow_log",),
    (("postgres", "is a superuser"), ("night_copy", "has BYPASSRLS")),
)
GOOD = """
[[store]]
name = "records"
kind = "database"
state = "behind-the-door"
owner = "records"
evidence = "doorward drift, every night"
database = "clear"
looked_at = 2026-11-02

[[store]]
name = "plate reads at the vendor"
kind = "vendor-cloud"
state = "log-audited"
owner = "technical services"
evidence = "monthly export of the vendor's access log"
looked_at = 2026-11-02
"""


def store(**changed: object) -> Store:
    values: dict[str, object] = {
        "name": "a", "kind": Kind.PAPER, "state": Coverage.UNCOVERED, "owner": "records", "looked_at": TODAY,
    }  # fmt: skip
    return Store(**(values | changed))  # type: ignore[arg-type]  # fields of a case


def test_it_is_read_and_counted() -> None:
    stores = parse_inventory(GOOD)
    assert [one.kind for one in stores] == [Kind.DATABASE, Kind.VENDOR_CLOUD]
    assert (
        coverage_line(stores, is_written=True)
        == "coverage: 1 behind the door, 1 audited, 0 uncovered, 0 unknown"
    )
    assert "nobody has said what else there is" in coverage_line((), is_written=False)
    assert "the database's catalog was not looked at" in coverage_line(
        stores, is_written=True, is_looked_at=False
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('kind = "vendor-cloud"', 'kind = "cloud"', "`cloud` is no kind"),
        ('state = "log-audited"', 'state = "fine"', "`fine` is no state"),
        ('owner = "records"', "", "`owner` must be a text; it is missing"),
        ('owner = "records"', 'owner = " "', "`owner` must be a text"),
        ("looked_at = 2026-11-02\n\n", 'looked_at = "2026-11-02"\n\n', "must be a date"),
        ("looked_at = 2026-11-02\n\n", "looked_at = 2026-11-02T10:00:00\n\n", "must be a date"),
        ('evidence = "doorward drift, every night"', "", "needs `evidence`"),
        ('database = "clear"', "", "is named by `database`"),
        (
            'kind = "vendor-cloud"',
            'kind = "vendor-cloud"\ntable = "a.b"',
            "are of a store of kind `database`",
        ),
        (
            'kind = "vendor-cloud"',
            'kind = "vendor-cloud"\naccount = "a"',
            "`account` is of a service account",
        ),
        ('kind = "vendor-cloud"', 'kind = "vendor-cloud"\nbirthplace = "a"', "unknown key `birthplace`"),
        ('name = "plate reads at the vendor"', 'name = "records"', "stands there twice"),
        ("[[store]]", "[[stores]]", "unknown key `stores`"),
        ('owner = "records"', 'owner = "a\\nb"', "one line"),
        ("[[store]]", "[store", "this is no TOML"),
    ],
)
def test_each_fault_is_named(old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_inventory(GOOD.replace(old, new, 1))
    assert said in str(refused.value)


TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=30)


@given(name=TEXT, owner=TEXT, note=TEXT, kind=st.sampled_from(Kind), state=st.sampled_from(Coverage))
def test_a_store_is_read_as_it_was_written(
    name: str, owner: str, note: str, kind: Kind, state: Coverage
) -> None:
    database = "clear" if kind is Kind.DATABASE else ""
    one = Store(name, kind, state, owner, TODAY, note, "e", database)
    assert parse_inventory(format_store(one)) == [one]


@given(st.text(max_size=200))
def test_any_text_is_an_inventory_or_refused(text: str) -> None:
    try:
        parse_inventory(text)
    except ConfigError:
        return


def test_what_the_catalog_shows_is_uncovered_by_itself() -> None:
    shown = with_found(parse_inventory(GOOD), AROUND, declared={}, today=TODAY)
    assert [one.name for one in shown if one.is_found] == [
        "clear: public.tow_log", "clear: role postgres", "clear: role night_copy",
    ]  # fmt: skip
    assert (
        coverage_line(shown, is_written=True)
        == "coverage: 1 behind the door, 1 audited, 3 uncovered, 0 unknown"
    )


def test_what_somebody_wrote_down_is_not_listed_twice() -> None:
    written = [
        store(kind=Kind.DATABASE, database="clear", table="public.tow_log"),
        store(name="b", kind=Kind.SERVICE_ACCOUNT, account="night_copy"),
    ]
    shown = with_found(written, AROUND, declared={"postgres": "the DBA"}, today=TODAY)
    assert [(one.account, one.note) for one in shown if one.is_found] == [
        ("postgres", "is a superuser; declared: the DBA")
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"kind": Kind.DATABASE, "database": "clear"}, None),
        ({"kind": Kind.DATABASE, "database": "clear", "table": "public.persons"}, None),
        ({"kind": Kind.SERVICE_ACCOUNT, "account": "dana.example"}, None),
        ({"kind": Kind.DATABASE, "database": "jail"}, "this door stands before `clear`"),
        (
            {"kind": Kind.DATABASE, "database": "clear", "table": "public.tow_log"},
            "no collection of the order",
        ),
        ({"kind": Kind.VENDOR_CLOUD}, "not a vendor-cloud"),
        ({"kind": Kind.STATE_NETWORK}, "not a state-network"),
        ({"kind": Kind.WORKLOAD, "account": "night_copy"}, "has BYPASSRLS"),
        ({"kind": Kind.WORKLOAD, "account": "nobody.example"}, "no active login"),
        ({"kind": Kind.WORKLOAD}, "no active login"),
    ],
)
def test_behind_the_door_is_what_this_door_holds(changed: dict[str, object], said: str | None) -> None:
    found = check_inventory([store(state=Coverage.BEHIND, **changed)], BEHIND, AROUND, today=TODAY)
    assert [text for text in found if said is None or said not in text] == []
    assert bool(found) is (said is not None)


@pytest.mark.parametrize(("day", "found"), [(TODAY, 0), (date(2025, 11, 24), 1), (date(2026, 11, 26), 1)])
def test_a_look_grows_old_and_is_not_to_come(day: date, found: int) -> None:
    assert len(check_inventory([store(looked_at=day)], BEHIND, None, today=TODAY)) == found


def test_a_store_is_added_behind_what_stands_there_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "inventory.toml"
    assert load_inventory(file) is None
    file.write_text("# ours\n" + GOOD.rstrip("\n"), encoding="utf-8")
    add_store(file, store())
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# ours\n")
    assert [one.name for one in load_inventory(file) or ()][-1] == "a"
    for bad in (store(), store(name="z", state=Coverage.BEHIND), store(name="b\nc")):
        with pytest.raises(ConfigError):
            add_store(file, bad)
    assert file.read_text(encoding="utf-8") == text
