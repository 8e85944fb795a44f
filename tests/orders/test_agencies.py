"""Agencies: their numbers are the FBI's, and an order with every agency listed loads, proves and decides."""

import csv
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from doorward.orders.assemble import assemble_pack
from doorward.orders.load import Pack, find_pack, read_files
from doorward.orders.prove import prove_pack
from doorward.policy.decision import Outcome
from doorward.policy.request import Resource

pytestmark = pytest.mark.shared
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(name="listed", scope="module")
def listed_fixture(shared: Path) -> list[dict[str, str]]:
    file = shared / "data" / "agencies" / "fbi-agencies-ori.csv"
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_numbers_of_illinois_agencies_are_those_of_the_list(
    pack: Pack, listed: list[dict[str, str]]
) -> None:
    names = {row["ori"]: row["pub_agency_name"] for row in listed}
    numbers = {
        a.id: a.attributes["ori"] for a in pack.agencies.values() if str(a.attributes["ori"]).startswith("IL")
    }
    assert {agency: names[str(ori)] for agency, ori in numbers.items()} == {
        "CPD": "Chicago",
        "ISP": "Illinois State Police",
    }


def test_each_agency_has_its_level_and_component(pack: Pack) -> None:
    for agency in pack.agencies.values():
        assert agency.attributes["level"] in {
            "local",
            "county",
            "state",
            "federal",
            "foreign",
            "private",
            "none",
            "unknown",
        }
    components = {
        name: pack.agencies[name].attributes["component"] for name in ("ICE-ERO", "HSI", "USBP", "CBP")
    }
    assert len(set(components.values())) == 4


@pytest.mark.long
def test_an_order_with_every_agency_of_the_country_loads_proves_and_decides(
    listed: list[dict[str, str]],
) -> None:
    files = read_files(find_pack("chicago"))
    entities = []
    for row in listed:
        group = "illinois" if row["state_abbr"] == "IL" else "out-of-state"
        attributes = {
            "name": row["pub_agency_name"] or row["ori"], "party": group, "level": "local", "component": "",
            "ori": row["ori"], "declaration": False,
        }  # fmt: skip
        uid = {"type": "Agency", "id": row["ori"]}
        entities.append({"uid": uid, "attrs": attributes, "parents": [{"type": "Group", "id": group}]})
    pack = assemble_pack(files | {"entities/listed.json": json.dumps(entities).encode()})
    assert len(pack.agencies) > 18_000
    assert prove_pack(pack, cpu=time.process_time).holds
    assert len(pack.scope_book().scopes) == 4
    other = next(row["ori"] for row in listed if row["state_abbr"] == "WI")
    request = pack.request(
        {
            "principal.role": "alpr-administrator", "principal.agency": "CPD", "context.requester.agency": other,
            "context.for_agency": other, "context.purpose": "criminal-investigation",
        },
        resource=Resource("Collection", "alpr"), now=NOW,
    )  # fmt: skip
    decision = pack.decide(request)
    assert (decision.outcome, decision.clauses) == (Outcome.DENY, ("A130c",))
    assert pack.answer(pack.evaluator.apply(request)) == decision
