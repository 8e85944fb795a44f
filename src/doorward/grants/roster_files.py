"""The forms in which a city's list of people comes: CSV, SCIM 2.0, or claims of its identity provider. Pure.

CSV: a header, then ``login,role,agency`` or ``ori``, ``unit`` and, if there, ``active`` and the three task-force
columns. A column that nobody knows is a fault: a list with a birthplace in it is not taken.

SCIM: a ListResponse or a list of Users. ``userName`` is the login, ``active`` as it says, the enterprise extension's
``department`` the unit and ``organization`` the agency, the one value of ``roles`` the role. Everything else that a
directory exports is left where it is and kept nowhere.

Claims: a list of OpenID Connect claim sets, as an identity provider exports them. ``preferred_username`` is the login,
``role`` or the one value of ``roles`` the role, ``agency`` or ``ori``, ``unit`` or ``department``, ``active`` as it
says. Everything else that a provider knows is left where it is.

Source: OpenID Connect Core 1.0, section 5.1; RFC 4180; RFC 7643, sections 4.1 and 4.3; RFC 7644, section 3.4.2.
"""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any, Final

from doorward.errors import ConfigError, Finding
from doorward.grants.roster import TASK_FORCE, Listed, TaskForce

MAX_PEOPLE: Final = 200_000
TEXTS: Final = ("login", "role", "agency", "ori", "unit")
REQUIRED: Final = ("login", "role", "unit")
OPTIONAL: Final = ("agency", "ori", "active", *TASK_FORCE)
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
LIST_RESPONSE: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_TRUE: Final = frozenset({"true", "yes", "1"})
_FALSE: Final = frozenset({"false", "no", "0", ""})


def parse_roster_csv(text: str) -> tuple[list[Listed], list[Finding]]:
    """Return the people of a CSV file and every line that is not as it must be.

    Raises:
        ConfigError: The header is not as it must be, or there are too many lines.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    columns = [name.strip() for name in reader.fieldnames or ()]
    unknown = [name for name in columns if name not in (*REQUIRED, *OPTIONAL)]
    missing = [name for name in REQUIRED if name not in columns]
    if unknown or missing or len(set(columns)) != len(columns):
        raise ConfigError(
            f"expected the columns {', '.join(REQUIRED)}, agency or ori, got {', '.join(columns)[:200] or 'none'}",
            hint=f"also taken: {', '.join(OPTIONAL)}; no other column is read",
        )
    reader.fieldnames = columns
    people: list[Listed] = []
    faults: list[Finding] = []
    try:
        for row in reader:
            if len(people) == MAX_PEOPLE:
                raise ConfigError(f"a list has at most {MAX_PEOPLE} people")
            if None in row or None in row.values():
                faults.append(Finding(f"line {reader.line_num}: expected {len(columns)} fields"))
                continue
            flags = {name: _flag(row[name]) for name in ("active", *TASK_FORCE) if name in row}
            bad = [name for name, value in flags.items() if value is None]
            if bad:
                faults.append(Finding(f"line {reader.line_num}: `{bad[0]}` is yes or no"))
                continue
            login, role, agency, ori, unit = ((row.get(name) or "").strip() for name in TEXTS)
            task_force = TaskForce(*(flags.get(name) for name in TASK_FORCE))
            active = flags.get("active") is not False
            people.append(Listed(reader.line_num, login, role, agency, ori, unit, active, task_force))
    except csv.Error as error:
        raise ConfigError(f"line {reader.line_num} is no CSV: {error}") from error
    return people, faults


def parse_roster_scim(text: str) -> tuple[list[Listed], list[Finding]]:
    """Return the people of a SCIM document and every user that is not as it must be.

    Raises:
        ConfigError: It is no SCIM list of users, or not the whole of one.
    """
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError("expected a SCIM list of users as JSON") from error
    schemas = found.get("schemas") if isinstance(found, dict) else None
    if isinstance(schemas, list) and LIST_RESPONSE in schemas:
        users = found.get("Resources", [])
        total = found.get("totalResults")
        if not isinstance(users, list) or total != len(users):
            raise ConfigError(
                f"the list says that it has {total} users and holds another number: export all pages"
            )
    else:
        users = found
    if not isinstance(users, list) or len(users) > MAX_PEOPLE:
        raise ConfigError(f"expected a SCIM list of at most {MAX_PEOPLE} users")
    people, faults = [], []
    for number, user in enumerate(users, start=1):
        made = _scim_user(number, user) if isinstance(user, dict) else "is no user"
        if isinstance(made, str):
            faults.append(Finding(f"line {number}: {made}"))
        else:
            people.append(made)
    return people, faults


def parse_roster_claims(text: str) -> tuple[list[Listed], list[Finding]]:
    """Return the people of a list of claim sets and every set that is not as it must be.

    Raises:
        ConfigError: It is no list of claim sets.
    """
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError("expected a list of claim sets as JSON") from error
    if not isinstance(found, list) or len(found) > MAX_PEOPLE:
        raise ConfigError(f"expected a list of at most {MAX_PEOPLE} claim sets")
    people, faults = [], []
    for number, claims in enumerate(found, start=1):
        made = _claim_set(number, claims) if isinstance(claims, dict) else "is no claim set"
        if isinstance(made, str):
            faults.append(Finding(f"line {number}: {made}"))
        else:
            people.append(made)
    return people, faults


def _claim_set(number: int, claims: Mapping[str, Any]) -> Listed | str:
    roles = claims.get("roles", [claims.get("role")])
    if not isinstance(roles, list) or len(roles) != 1 or not isinstance(roles[0], str):
        return "a person has one role: `role`, or one value in `roles`"
    unit = claims.get("unit", claims.get("department", ""))
    texts = [claims.get("preferred_username"), claims.get("agency", ""), claims.get("ori", ""), unit]
    active = claims.get("active", True)
    if not all(isinstance(text, str) for text in texts) or not isinstance(active, bool):
        return "`preferred_username`, `agency`, `ori`, `unit` are texts and `active` is true or false"
    login, agency, ori, unit = texts
    return Listed(number, login, roles[0], agency, ori, unit, active)


def _scim_user(number: int, user: Mapping[str, Any]) -> Listed | str:
    work, roles = user.get(ENTERPRISE, {}), user.get("roles", [])
    values = (
        [role.get("value") if isinstance(role, dict) else role for role in roles]
        if isinstance(roles, list)
        else []
    )
    if not isinstance(work, dict) or len(values) != 1 or not isinstance(values[0], str):
        return "a user has one role and the enterprise extension"
    login, unit, agency = user.get("userName"), work.get("department", ""), work.get("organization", "")
    active = user.get("active", True)
    if not all(isinstance(value, str) for value in (login, unit, agency)) or not isinstance(active, bool):
        return "`userName`, `department`, `organization` are texts and `active` is true or false"
    return Listed(number, str(login), values[0], agency, "", unit, active)


def _flag(value: str | None) -> bool | None:
    word = (value or "").strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None
