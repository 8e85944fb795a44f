"""Who reached the tables behind the door without going through it, from the server's own audit: pure.

A superuser, the owner, an application with rights of its own, a backup: the door does not stand before them.
What is counted is statements, once each, however many tables they name.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from doorward.install.names import LOGIN_PREFIX
from doorward.lookback.reading.pgaudit import RELATIONS, AuditLine

OWN: Final = ("doorward_admin", "doorward_recorder")


class Way(StrEnum):
    """How a role reaches a table."""

    THROUGH = "through the door"
    DOORWARD = "doorward itself"
    WORKLOAD = "declared workload"
    ADMINISTRATOR = "administrator"
    AROUND = "around the door"


@dataclass
class Bypass:
    """What one role did on tables behind the door."""

    role: str
    way: Way
    says: str
    statements: set[tuple[str, int]] = field(default_factory=set)
    sessions: set[str] = field(default_factory=set)
    tables: dict[str, int] = field(default_factory=dict)
    writes: int = 0
    first: datetime | None = None
    last: datetime | None = None
    addresses: set[str] = field(default_factory=set)

    def note(self, line: AuditLine) -> None:
        """Count one line."""
        key = (line.session, line.statement)
        if key not in self.statements:
            self.statements.add(key)
            self.writes += line.audit_class == "WRITE"
        self.sessions.add(line.session)
        self.tables[line.object_name] = self.tables.get(line.object_name, 0) + 1
        self.addresses.add(line.address or "[local]")
        self.first = line.time if self.first is None else min(self.first, line.time)
        self.last = line.time if self.last is None else max(self.last, line.time)

    def as_json(self) -> dict[str, Any]:
        """Return what a script reads."""
        return {
            "role": self.role, "way": str(self.way), "says": self.says, "statements": len(self.statements),
            "writes": self.writes, "sessions": len(self.sessions), "tables": dict(sorted(self.tables.items())),
            "addresses": sorted(self.addresses),
            "first": self.first.isoformat() if self.first else "", "last": self.last.isoformat() if self.last else "",
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """What an installation knows of roles and tables.

    Args:
        database: The database behind the door, or empty: every database of the log.
        tables: ``schema.table`` behind the door, unquoted.
        workloads: What each declared workload is, by role.
        administrators: Superusers and roles with BYPASSRLS.
    """

    tables: Collection[str]
    workloads: Mapping[str, str] = field(default_factory=dict)
    administrators: Collection[str] = ()
    database: str = ""


def find_bypasses(lines: Iterable[AuditLine], known: Known) -> list[Bypass]:
    """Return what each role did on tables behind the door, those around it first."""
    found: dict[str, Bypass] = {}
    for line in lines:
        if line.object_type not in RELATIONS or line.object_name not in known.tables:
            continue
        if known.database and line.database != known.database:
            continue
        role = "sessions of the door" if line.user.startswith(LOGIN_PREFIX) else line.user
        if role not in found:
            found[role] = Bypass(role, *_way(line.user, known))
        found[role].note(line)
    order = [Way.AROUND, Way.ADMINISTRATOR, Way.WORKLOAD, Way.DOORWARD, Way.THROUGH]
    return sorted(found.values(), key=lambda one: (order.index(one.way), -len(one.statements), one.role))


def _way(user: str, known: Known) -> tuple[Way, str]:
    if user.startswith(LOGIN_PREFIX):
        return Way.THROUGH, "recorded by the door, statement by statement"
    if user in OWN:
        return Way.DOORWARD, "the gateway's own role"
    if user in known.workloads:
        return Way.WORKLOAD, known.workloads[user]
    if user in known.administrators:
        return Way.ADMINISTRATOR, "row security does not bind it"
    return Way.AROUND, "reaches the table by rights of its own"
