"""Who came, who moved, who left: a city's own list of people against the one that the door knows; pure.

The city's list says who somebody is: agency, unit, role, task-force membership. It never says how a login proves
itself: passwords and certificates stay as they are, and somebody new has none yet. A person of another agency gets no
password here at all, because only that agency knows on which day its people leave.

Whoever is not in the list leaves. A list that is cut off would make everybody leave, so more than `MAX_LEAVERS` of a
hundred is refused unless it is said to be meant.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from doorward.errors import Finding
from doorward.grants.people import Person

MAX_LEAVERS: Final = 20  # of a hundred; a shift change of a department of 12,000 is far below
TASK_FORCE: Final = ("task_force", "task_force_civil_excluded", "task_force_attested")


_NOBODY: Final = Person("", "", "", "", "")


@dataclass(frozen=True, slots=True)
class TaskForce:
    """A membership of a task force as a list has it; None where the list does not speak of it, and nothing changes."""

    member: bool | None = None
    civil_excluded: bool | None = None
    attested: bool | None = None

    def over(self, old: Person | None) -> tuple[bool, bool, bool]:
        """Return member, civil excluded and attested, where the list is silent as they were."""
        was = old or _NOBODY
        return (
            was.task_force if self.member is None else self.member,
            was.task_force_civil_excluded if self.civil_excluded is None else self.civil_excluded,
            was.task_force_attested if self.attested is None else self.attested,
        )


@dataclass(frozen=True, slots=True)
class Listed:
    """One person as the city's list has them.

    Args:
        line: Where it stands in the list, for messages.
        agency: An agency id of the order, or empty where `ori` says it.
        ori: The nine characters of the FBI's number, or empty.
        active: Whether the list itself says that the person is there.
    """

    line: int
    login: str
    role: str
    agency: str
    ori: str
    unit: str
    active: bool = True
    task_force: TaskForce = TaskForce()


@dataclass(frozen=True, slots=True)
class Words:
    """The order's words that a list may use.

    Args:
        roles: All of them.
        parties: Party by agency id.
        agencies_by_ori: Agency ids by ORI; more than one where components share a number.
        own_party: The City's.
    """

    roles: Collection[str]
    parties: Mapping[str, str]
    agencies_by_ori: Mapping[str, Sequence[str]]
    own_party: str

    def is_own(self, agency: str) -> bool:
        """Return True where the agency is the City's own."""
        return self.parties.get(agency) == self.own_party


@dataclass(frozen=True, slots=True)
class Moved:
    """One person before and after, and what is different."""

    before: Person
    after: Person

    @property
    def changed(self) -> tuple[str, ...]:
        """The names of the fields that differ."""
        names = ("role", "agency", "unit", *TASK_FORCE)
        return tuple(name for name in names if getattr(self.before, name) != getattr(self.after, name))


@dataclass(frozen=True, slots=True)
class Changes:
    """What a list changes.

    Args:
        people: Everybody afterwards, leavers with ``active`` False.
        back: Logins that had left and are in the list again.
    """

    people: tuple[Person, ...]
    joiners: tuple[Person, ...]
    movers: tuple[Moved, ...]
    leavers: tuple[Person, ...]
    back: tuple[Person, ...]


def compare_roster(
    known: Iterable[Person], listed: Sequence[Listed], words: Words, *, today: date
) -> tuple[Changes, list[Finding]]:
    """Return what a list changes, and everything in it that is not as it must be.

    Args:
        known: Everybody whom the door knows, leavers too.
        listed: The city's list; nobody is trusted.
        words: Of the order.
        today: Kept with joiners and movers as the day on which somebody attested who they are.
    """
    faults: list[Finding] = []
    before = {person.login: person for person in known}
    after: dict[str, Person] = {}
    joiners, movers, back = [], [], []
    for row in listed:
        agency = _agency(row, words, faults)
        if agency is None or not _is_fit(row, words, after, faults):
            continue
        old = before.get(row.login)
        member, civil_excluded, attested = row.task_force.over(old)
        made = replace(
            old or Person(row.login, "", row.role, agency, row.unit),
            role=row.role, agency=agency, unit=row.unit, active=row.active,
            task_force=member, task_force_civil_excluded=civil_excluded, task_force_attested=attested,
        )  # fmt: skip
        if old is None or not old.active or Moved(old, made).changed:
            made = replace(made, attested_on=today.isoformat())
        after[row.login] = made
        if old is None and made.active:
            joiners.append(made)
        elif old is not None and made.active and not old.active:
            back.append(made)
        elif old is not None and made.active and Moved(old, made).changed:
            movers.append(Moved(old, made))
    gone = [replace(person, active=False) for login, person in before.items() if login not in after]
    people = tuple(sorted([*after.values(), *gone], key=lambda person: person.login))
    leavers = tuple(p for p in people if not p.active and p.login in before and before[p.login].active)
    return Changes(people, tuple(joiners), tuple(movers), leavers, tuple(back)), faults


def has_too_many_leavers(changes: Changes) -> bool:
    """Return True where so many leave that the list is more likely cut off than right."""
    were = sum(person.active for person in changes.people) + len(changes.leavers) - len(changes.joiners)
    return len(changes.leavers) * 100 > MAX_LEAVERS * max(were, 1) and len(changes.leavers) > 1


def _agency(row: Listed, words: Words, faults: list[Finding]) -> str | None:
    if row.agency and row.agency not in words.parties:
        faults.append(Finding(f"line {row.line}: `{row.agency[:40]}` is no agency of the order"))
        return None
    if not row.ori:
        if not row.agency:
            faults.append(Finding(f"line {row.line}: `{row.login[:40]}` has neither an agency nor an ORI"))
        return row.agency or None
    found = words.agencies_by_ori.get(row.ori, ())
    if row.agency:
        if row.agency in found:
            return row.agency
        faults.append(Finding(f"line {row.line}: `{row.ori[:20]}` is not the ORI of `{row.agency}`"))
    elif len(found) == 1:
        return found[0]
    elif found:
        faults.append(
            Finding(f"line {row.line}: `{row.ori[:20]}` is of {', '.join(found)}: say which in `agency`")
        )
    else:
        faults.append(Finding(f"line {row.line}: `{row.ori[:20]}` is the ORI of no agency of the order"))
    return None


def _is_fit(row: Listed, words: Words, after: Mapping[str, Person], faults: list[Finding]) -> bool:
    said = []
    if not row.login or len(row.login) > 63 or not row.login.isprintable() or " " in row.login:  # NAMEDATALEN
        said.append("a login is one word of at most 63 characters")
    if row.login in after:
        said.append(f"`{row.login[:40]}` stands there twice")
    if row.role not in words.roles:
        said.append(f"`{row.role[:40]}` is no role of the order")
    if (row.task_force.civil_excluded or row.task_force.attested) and row.task_force.member is False:
        said.append("a membership is attested of a task force that the person is no member of")
    faults.extend(Finding(f"line {row.line}: {fault}") for fault in said)
    return not said
