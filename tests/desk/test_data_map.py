"""The map of stored fields against the types whose values are stored: a new field without a reason is red here."""

from dataclasses import fields

import pytest

from doorward.desk.datamap.registry import NEVER, check_stored, read_data_map
from doorward.desk.deadlines.clock import Event
from doorward.desk.paper_keys import DeskKey
from doorward.desk.papers.seal import Binding
from doorward.desk.statutory.held import CertificationRequest, CustodyEvent, HelpRequest, OemcNotice, Paper
from doorward.desk.stored import load_data_map
from doorward.grants.applications import Application
from doorward.grants.attested import Admitted, Draw, Found
from doorward.grants.cuts import Cut
from doorward.grants.notices import Notice
from doorward.grants.people import Agreement, Person
from doorward.grants.places import Place
from doorward.grants.records import Record
from doorward.grants.referrals import Answered, Ask, Referral
from doorward.grants.reviews import Owed
from doorward.orders.load import load_pack, load_retention
from doorward.record.entry import Field

TYPES: dict[str, tuple[type, ...]] = {
    "people.json": (Person,),
    "agencies.json": (Agreement,),
    "applications.json": (Application,),
    "records.json": (Record,),
    "places.toml": (Place,),
    "asks.json": (Ask, Referral),
    "answers.json": (Answered,),
    "reviews.json": (Owed,),
    "attested": (Admitted,),
    "attested/draws.json": (Draw,),
    "attested/answers.json": (Found,),
    "cuts.json": (Cut,),
    "notices": (Notice,),
    "desk papers": (Paper,),
    "desk notices": (OemcNotice,),
    "desk requests": (HelpRequest,),
    "desk certifications": (CertificationRequest,),
    "desk custody": (CustodyEvent,),
    "desk clocks": (Event,),
}


OF_THE_FRAMEWORK = {
    "auth_permission",
    "auth_group",
    "django_content_type",
}  # names of models and rights, no data


def stored() -> dict[str, set[str]]:
    found = {store: {one.name for kind in kinds for one in fields(kind)} for store, kinds in TYPES.items()}
    found["asks.json"] -= {"ask"}  # its fields stand beside the others
    found |= {
        "papers.key": {one.name for one in fields(DeskKey)},
        "paper files": {*Binding.__slots__, "content"},
        "run/messages": {"message"},
    }
    return found | {"record": {field.name.lower() for field in Field}, "seen.json": {"login", "day"}}


def test_everything_that_is_stored_is_in_the_map_and_nothing_else() -> None:
    data_map = load_data_map()
    assert check_stored(data_map, stored()) == []
    assert {name for name in data_map.stores if not name.startswith("table ")} == set(stored())


@pytest.mark.pg
def test_every_table_of_the_desk_is_in_the_map(desk: object) -> None:
    """Walks Django's own list of models; a table or column that nobody explained is red."""
    assert desk
    from django.apps import apps

    tables = {
        f"table {model._meta.db_table}": {
            one.name for one in (*model._meta.local_concrete_fields, *model._meta.local_many_to_many)
        }
        for model in apps.get_models()
        if model._meta.db_table not in OF_THE_FRAMEWORK
    }
    data_map = load_data_map()
    assert check_stored(data_map, tables) == []
    assert {name for name in data_map.stores if name.startswith("table ")} == set(tables)


def test_each_schedule_item_that_is_named_is_in_the_order_of_chicago() -> None:
    schedule = load_retention(load_pack("chicago"))
    named = {one.schedule for one in load_data_map().fields} - {""}
    assert named == set(schedule.items)


def test_what_is_kept_under_the_schedule_names_its_item() -> None:
    unnamed = {one.store for one in load_data_map().fields if "schedule" in one.kept and not one.schedule}
    assert unnamed == set()


def test_a_field_that_nobody_wrote_down_is_found() -> None:
    data_map = load_data_map()
    assert check_stored(data_map, {"people.json": {*stored()["people.json"], "badge"}}) == [
        "`people.json` stores `badge`, and the map does not say why"
    ]
    assert check_stored(data_map, {"agencies.json": {"agency", "until"}}) == [
        "the map has `evidence` of `agencies.json`, which is not stored"
    ]
    assert check_stored(data_map, {"visits": ()}) == ["`visits` is stored and is not in the map"]


@pytest.mark.parametrize("name", NEVER)
def test_no_store_has_a_field_for_immigration_status_or_birthplace(name: str) -> None:
    assert name not in {field for names in stored().values() for field in names}
    assert any("never has" in line for line in check_stored(load_data_map(), {"people.json": {name}}))


GOOD = """\
[compelled]
court = "a court"
[store.x]
says = "a file"
door = "request"
kept = "for ever"
readers = "nobody"
compelled = ["court"]
[store.x.fields]
a = "needed"
"""


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('door = "request"', 'door = "back"', 5),
        ('compelled = ["court"]', 'compelled = ["judge"]', 8),
        ('compelled = ["court"]', "compelled = []", 8),
        ('a = "needed"', 'a = ""', 10),
        ('a = "needed"', 'birthplace = "needed"', 10),
        ('kept = "for ever"', 'kepd = "for ever"', 6),
    ],
)
def test_a_fault_of_the_map_is_said_with_its_line(old: str, new: str, line: int) -> None:
    assert read_data_map(GOOD)[0] is not None
    found, findings = read_data_map(GOOD.replace(old, new))
    assert found is None
    assert line in {finding.span.line for finding in findings if finding.span}
