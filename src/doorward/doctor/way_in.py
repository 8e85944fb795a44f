"""Who can get in as a session's role or as the gateway's own, by the lines of pg_hba.conf and pg_ident.conf; pure.

The lines are read as PostgreSQL reads them, from the top. A line that lets one of these roles in by anything but the
gateway's certificate or user is a second way in. What is read here is the files; that they hold is proved by trying,
which `doorward order entry --gateway` does.

Source: PostgreSQL documentation, pg_hba_file_rules, pg_ident_file_mappings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from doorward.doctor.line import Line, broken, look, ok
from doorward.install.names import ADMIN, SESSIONS

CHECK: Final = "way in"
ROLES: Final = (ADMIN, f"+{SESSIONS}")
MAPPED: Final = frozenset({"cert", "peer"})
_MATCHING: Final = {
    ADMIN: frozenset({"all", ADMIN, f"+{SESSIONS}"}),
    f"+{SESSIONS}": frozenset({"all", f"+{SESSIONS}"}),
}
DO: Final = "put the lines of `doorward order entry` at the head of the file, then reload"


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of pg_hba.conf, as pg_hba_file_rules has it."""

    line: int
    kind: str
    databases: tuple[str, ...]
    users: tuple[str, ...]
    address: str
    method: str
    options: tuple[str, ...]

    @property
    def map(self) -> str | None:
        """The map that it names, or None."""
        return next((text[4:] for text in self.options if text.startswith("map=")), None)

    def may_match(self, role: str) -> bool:
        """Return True where it may be about this role; a pattern may be about every role.

        A line for replication is about neither: these roles have no REPLICATION, and ``all`` does not mean it.
        """
        return self.databases != ("replication",) and any(
            user in _MATCHING[role] or user.startswith("/") for user in self.users
        )

    def decides(self, role: str) -> bool:
        """Return True where nobody who comes in this way as this role reaches a later line."""
        whole = self.kind == "local" or (self.kind == "host" and self.address == "all")
        return whole and "all" in self.databases and bool(_MATCHING[role] & set(self.users))


@dataclass(frozen=True, slots=True)
class Mapping:
    """A line of pg_ident.conf, as pg_ident_file_mappings has it."""

    map: str
    system: str
    role: str


@dataclass(frozen=True, slots=True)
class WayInFacts:
    """What the server says of its two files.

    Args:
        faults: Lines that PostgreSQL cannot read: it goes on with what it had before.
        is_newer: Whether a file was changed after it was loaded.
    """

    rules: Sequence[Rule]
    mappings: Sequence[Mapping]
    faults: Sequence[str] = ()
    is_newer: bool = False


def check_way_in(facts: WayInFacts) -> list[Line]:
    """Return what is wrong with the way in; one line that it is ok where nothing is."""
    lines = [
        look(CHECK, fault, expected="lines that PostgreSQL can read", do="mend the line, then reload")
        for fault in facts.faults
    ]
    if facts.is_newer:
        lines.append(
            look(
                CHECK,
                "a file was changed after PostgreSQL read it",
                expected="what stands in the files to be in force",
                do="SELECT pg_reload_conf()",
            )
        )
    opened: set[str] = set()
    for role in ROLES:
        lines += _walk(facts.rules, role, opened)
    lines += _check_maps(facts, opened)
    if not lines:
        lines.append(ok(CHECK, f"only map {', '.join(sorted(opened))} lets sessions in: read, not tried"))
    return lines


def _walk(rules: Sequence[Rule], role: str, opened: set[str]) -> Iterator[Line]:
    closed: set[str] = set()
    entered = False
    for rule in rules:
        local = rule.kind == "local"
        if not rule.may_match(role) or ("local" if local else "host") in closed:
            continue
        if rule.decides(role):
            closed.add("local" if local else "host")
        if rule.method == "reject":
            continue
        if rule.method in MAPPED and rule.map is not None:
            opened.add(rule.map)
            entered = True
            continue
        where = "on this host" if local else f"from {rule.address or 'an address'}"
        yield broken(
            CHECK,
            f"line {rule.line} of pg_hba.conf lets `{role}` in {where} by {rule.method}",
            expected="the gateway's certificate or user, and nothing else",
            do=DO,
        )
    if not entered:
        yield broken(CHECK, f"no line lets `{role}` in", expected="a line for the gateway", do=DO)


def _check_maps(facts: WayInFacts, opened: set[str]) -> Iterator[Line]:
    for name in sorted(opened):
        lines = [mapping for mapping in facts.mappings if mapping.map == name]
        systems = {mapping.system for mapping in lines if mapping.role in {*ROLES, "all"}}
        others = sorted({mapping.role for mapping in lines if mapping.role not in ROLES})
        if any(system.startswith("/") or system == "all" for system in systems):
            yield broken(
                CHECK,
                f"map {name} takes a pattern of names",
                expected="the one name of the gateway",
                do="name the gateway alone in pg_ident.conf",
            )
        elif len(systems) != 1:
            yield look(
                CHECK,
                f"{len(systems)} names enter by map {name}",
                expected="the one name of the gateway",
                do="see which of them are gateways, in pg_ident.conf",
            )
        if others:
            yield look(
                CHECK,
                f"map {name} is also for {', '.join(others)}",
                expected="a map for the gateway's two roles alone",
                do="give the others a map of their own: the gateway's host could enter as them",
            )
