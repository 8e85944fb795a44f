"""The inventory: every store, account and vendor of the agency, and which of them are behind the door; pure.

A door governs who passes through it. The inventory says what else there is, so that no report reads as if the door were
everything. What the database's own catalog shows (`install.around`) is added to what people wrote.

inventory.toml::

    [[store]]
    name = "plate reads at the vendor"
    kind = "vendor-cloud"
    state = "log-audited"
    owner = "technical services"
    evidence = "monthly export of the vendor's access log"
    looked_at = 2026-11-02

``database`` and ``table`` name what a store of kind ``database`` is, ``account`` what an account of any kind is.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

from doorward.errors import ConfigError, PolicyCheckError
from doorward.orders.toml import Toml

FILE: Final = "inventory.toml"
MAX_AGE: Final = timedelta(days=365)
MAX_STORES: Final = 10_000
REQUIRED: Final = ("name", "kind", "state", "owner", "looked_at")
OPTIONAL: Final = ("note", "evidence", "database", "table", "account")


class Kind(StrEnum):
    """What a store or account is."""

    DATABASE = "database"
    VENDOR_CLOUD = "vendor-cloud"
    STATE_NETWORK = "state-network"
    PAPER = "paper"
    SPREADSHEET = "spreadsheet"
    SERVICE_ACCOUNT = "service-account"
    WORKLOAD = "workload"

    @property
    def is_account(self) -> bool:
        """Whether it is somebody or something that logs in."""
        return self in {Kind.SERVICE_ACCOUNT, Kind.WORKLOAD}


class Coverage(StrEnum):
    """How far the order reaches it."""

    BEHIND = "behind-the-door"
    AUDITED = "log-audited"
    UNCOVERED = "uncovered"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Store:
    """One entry.

    Args:
        owner: The office that answers for it.
        evidence: What the state rests on; required where it is behind the door or audited.
        looked_at: When somebody last looked.
        database: Of a store of kind ``database``, its name; else empty.
        table: ``schema.table`` of that database, or empty for all of it.
        account: A login of the door, or a role of the database; else empty.
        is_found: Whether the catalog says it and nobody wrote it down.
    """

    name: str
    kind: Kind
    state: Coverage
    owner: str
    looked_at: date
    note: str = ""
    evidence: str = ""
    database: str = ""
    table: str = ""
    account: str = ""
    is_found: bool = False


@dataclass(frozen=True, slots=True)
class Around:
    """What a database's catalog shows beside the door.

    Args:
        database: Its name.
        covered: Tables that the order speaks of, as ``schema.table``.
        uncovered: Tables with rows that it does not.
        roles: Login roles that reach rows without the door, each with how.
    """

    database: str
    covered: frozenset[str]
    uncovered: tuple[str, ...]
    roles: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Behind:
    """What this installation holds.

    Args:
        database: The one that its door stands before.
        logins: The active ones, of people and of applications.
    """

    database: str
    logins: frozenset[str]


def parse_inventory(text: str, *, name: str = FILE) -> list[Store]:
    """Return the stores of an inventory.

    Raises:
        ConfigError: Something in it is not what it must be; all of it is named.
    """
    try:
        toml = Toml(name, text)
    except PolicyCheckError as error:
        raise ConfigError(str(error)) from error
    toml.refuse_others(("store",))
    rows = toml.get(list, "store", default=[])
    if len(rows) > MAX_STORES:
        raise ConfigError(f"`{name}` has more than {MAX_STORES} stores")
    stores = [_parse_store(toml, number, row) for number, row in enumerate(rows)]
    seen: set[str] = set()
    for number, store in enumerate(stores):
        if store is not None and store.name in seen:
            toml.note(f"`{store.name}` stands there twice", "store", str(number), "name")
        seen.add(store.name if store is not None else "")
    if toml.findings:
        raise ConfigError("; ".join(str(finding) for finding in toml.findings))
    return [store for store in stores if store is not None]


def _parse_store(toml: Toml, number: int, row: object) -> Store | None:
    at = ("store", str(number))
    if not isinstance(row, dict):
        toml.note("a store is a table: `[[store]]`", *at)
        return None
    before = len(toml.findings)
    for key in row:
        if key not in (*REQUIRED, *OPTIONAL):
            hint = f"one of {', '.join((*REQUIRED, *OPTIONAL))}"
            toml.note(f"unknown key `{key}` in a store", *at, key, hint=hint)
    texts = {key: _text(toml, at, row, key) for key in (*REQUIRED[:4], *OPTIONAL)}
    looked_at = row.get("looked_at")
    if type(looked_at) is not date:
        toml.note("`looked_at` must be a date such as 2026-11-02", *at, "looked_at")
    for key, words in (("kind", Kind), ("state", Coverage)):
        if texts[key] and texts[key] not in set(words):
            toml.note(f"`{texts[key][:40]}` is no {key}", *at, key, hint=f"one of {', '.join(words)}")
    if texts["state"] in {Coverage.BEHIND, Coverage.AUDITED} and not texts["evidence"]:
        toml.note(f"`{texts['state']}` needs `evidence`: what it rests on", *at, "state")
    if len(toml.findings) > before or type(looked_at) is not date:
        return None
    kind, state = Kind(texts["kind"]), Coverage(texts["state"])
    store = Store(
        texts["name"], kind, state, texts["owner"], looked_at, note=texts["note"], evidence=texts["evidence"],
        database=texts["database"], table=texts["table"], account=texts["account"],
    )  # fmt: skip
    if (store.database or store.table) and kind is not Kind.DATABASE:
        toml.note("`database` and `table` are of a store of kind `database`", *at, "kind")
    if store.table and not store.database:
        toml.note("`table` needs `database`", *at, "table")
    if kind is Kind.DATABASE and state is Coverage.BEHIND and not store.database:
        toml.note("a database behind the door is named by `database`", *at, "state")
    if store.account and not kind.is_account:
        toml.note("`account` is of a service account or a workload", *at, "kind")
    return store


def _text(toml: Toml, at: tuple[str, str], row: dict[str, Any], key: str) -> str:
    value = row.get(key, "" if key in OPTIONAL else None)
    if not isinstance(value, str) or (key in REQUIRED and not value.strip()):
        toml.note(f"`{key}` must be a text{'' if key in row else '; it is missing'}", *at, key)
        return ""
    if not value.isprintable():
        toml.note(f"`{key}` must be one line of printable signs", *at, key)
    return value


def format_store(store: Store) -> str:
    """Return a store as it stands in inventory.toml."""
    values = {
        "name": store.name, "kind": store.kind.value, "state": store.state.value, "owner": store.owner,
        "note": store.note, "evidence": store.evidence, "database": store.database, "table": store.table,
        "account": store.account,
    }  # fmt: skip
    lines = [f"{key} = {json.dumps(text, ensure_ascii=False)}" for key, text in values.items() if text]
    return "\n".join(("[[store]]", *lines, f"looked_at = {store.looked_at.isoformat()}", ""))


def with_found(
    stores: Sequence[Store], around: Around | None, *, declared: Mapping[str, str], today: date
) -> list[Store]:
    """Return the stores, and behind them what the catalog shows and nobody wrote down; that is uncovered.

    Args:
        declared: Roles that the settings name as workloads, each with what it is; to be known is not to be covered.
    """
    if around is None:
        return list(stores)
    tables = {(store.database, store.table) for store in stores}
    accounts = {store.account for store in stores if store.account}
    found = [
        Store(
            f"{around.database}: {table}", Kind.DATABASE, Coverage.UNCOVERED, "nobody named", today,
            note="no collection of the order covers it", database=around.database, table=table, is_found=True,
        )
        for table in around.uncovered
        if (around.database, table) not in tables
    ]  # fmt: skip
    found += [
        Store(
            f"{around.database}: role {role}", Kind.SERVICE_ACCOUNT, Coverage.UNCOVERED, "nobody named", today,
            note=f"{how}; declared: {declared[role]}" if role in declared else how, account=role, is_found=True,
        )
        for role, how in around.roles
        if role not in accounts
    ]  # fmt: skip
    return [*stores, *found]


def check_inventory(
    stores: Sequence[Store], behind: Behind, around: Around | None, *, today: date
) -> list[str]:
    """Return what is said in an inventory and is not so, a sentence each.

    Args:
        behind: What this installation holds.
        around: What the catalog shows, or None where it could not be looked at.
    """
    found = []
    for store in stores:
        if store.state is Coverage.BEHIND:
            found += [
                f"`{store.name}` is said to be behind the door, and {why}"
                for why in _why_not(store, behind, around)
            ]
        if store.looked_at > today:
            found.append(f"`{store.name}` was looked at on {store.looked_at.isoformat()}, which is to come")
        elif today - store.looked_at > MAX_AGE:
            found.append(f"`{store.name}` was last looked at on {store.looked_at.isoformat()}: look again")
    return found


def _why_not(store: Store, behind: Behind, around: Around | None) -> Iterable[str]:
    if store.kind.is_account:
        around_it = dict(around.roles) if around is not None else {}
        if store.account in around_it:
            yield f"role `{store.account}` {around_it[store.account]}"
        elif store.account not in behind.logins:
            yield f"no active login of the door is named `{store.account}`"
    elif store.kind is not Kind.DATABASE:
        yield f"this door stands before a database, not a {store.kind.value}"
    elif store.database != behind.database:
        yield f"this door stands before `{behind.database}`"
    elif around is not None and store.table and store.table not in around.covered:
        yield f"no collection of the order covers `{store.table}`"


def coverage_line(stores: Iterable[Store], *, is_written: bool, is_looked_at: bool = True) -> str:
    """Return the line that every report prints: how much is behind the door, and how much is not.

    Args:
        stores: With what the catalog shows, as `with_found` gives them.
        is_written: Whether there is an inventory at all.
        is_looked_at: Whether the catalog was; without it nobody knows what lies beside the door.
    """
    counts = dict.fromkeys(Coverage, 0)
    for store in stores:
        counts[store.state] += 1
    line = (
        f"coverage: {counts[Coverage.BEHIND]} behind the door, {counts[Coverage.AUDITED]} audited, "
        f"{counts[Coverage.UNCOVERED]} uncovered, {counts[Coverage.UNKNOWN]} unknown"
    )
    if not is_looked_at:
        line += "; the database's catalog was not looked at, as `doorward doctor` does"
    return line if is_written else f"{line}; no inventory is on file, so nobody has said what else there is"
