"""entities/*.json: agencies with their groups, roles with their duties, in Cedar's own JSON form."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from doorward.errors import Finding, Span
from doorward.orders.pack import Agency
from doorward.policy.request import UNKNOWN

NO_AGENCY = "none"  # nobody but the order's own people, or the person concerned
AGENCY_ATTRIBUTES: Mapping[str, type] = {"name": str, "party": str}  # of every order; its schema adds others
MAX_ENTITIES = 100_000


def read_entities(files: Mapping[str, str]) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Return the entities of all files in Cedar's JSON form, and what is wrong with their shape.

    Args:
        files: Text by file name.
    """
    entities: list[dict[str, Any]] = []
    findings: list[Finding] = []
    for file, text in files.items():
        try:
            rows = json.loads(text)
        except (ValueError, RecursionError) as error:
            line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
            findings.append(Finding(f"this is no JSON: {error}".split(": line")[0], Span(file, line, column)))
            continue
        if not isinstance(rows, list) or len(rows) > MAX_ENTITIES:
            findings.append(Finding("expected a list of entities", Span(file, 1, 1)))
            continue
        for number, row in enumerate(rows, start=1):
            if _is_entity(row):
                entities.append(row)
            else:
                findings.append(
                    Finding(f"entry {number} is no entity with `uid`, `attrs`, `parents`", Span(file, 1, 1))
                )
    return entities, findings


def find_agencies(
    entities: Sequence[Mapping[str, Any]], file: str
) -> tuple[dict[str, Agency], list[Finding]]:
    """Return the agencies by id in the order of the files, and what is wrong with them."""
    agencies: dict[str, Agency] = {}
    findings: list[Finding] = []
    for entity in entities:
        if entity["uid"]["type"] != "Agency":
            continue
        name, attributes = entity["uid"]["id"], entity["attrs"]
        wrong = [key for key, kind in AGENCY_ATTRIBUTES.items() if not isinstance(attributes.get(key), kind)]
        if wrong:
            findings.append(Finding(f"agency `{name}` needs {', '.join(wrong)}", Span(file, 1, 1)))
            continue
        parents = tuple(parent["id"] for parent in entity["parents"])
        agencies[name] = Agency(name, attributes["name"], parents, attributes["party"], attributes)
    findings.extend(
        Finding(f"the entity files need the agency `{needed}`", Span(file, 1, 1))
        for needed in (UNKNOWN, NO_AGENCY)
        if needed not in agencies
    )
    return agencies, findings


def _is_entity(row: object) -> bool:
    if not isinstance(row, dict) or row.keys() != {"uid", "attrs", "parents"}:
        return False
    if not isinstance(row["attrs"], dict) or not isinstance(row["parents"], list):
        return False
    return all(
        isinstance(uid, dict)
        and uid.keys() == {"type", "id"}
        and all(isinstance(value, str) for value in uid.values())
        for uid in (row["uid"], *row["parents"])
    )
