"""Who may log in, and which agencies have an attestation agreement on file.

Files of the data folder hold them: ``people.json``, ``agencies.json`` and ``applications.json``. Passwords are there
only as SCRAM verifiers. Reading is strict: an unknown key, a missing one or a wrong type refuses the whole file.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from doorward.errors import ConfigError
from doorward.grants.application_files import load_applications
from doorward.grants.applications import Application
from doorward.grants.whole_file import alone, write_whole

T = TypeVar("T")

_ABSENT = (0, 0, 0)
MAX_FILE_BYTES = 64 * 1024 * 1024  # a city of 50,000 accounts needs about 20 MB


@dataclass(frozen=True, slots=True)
class Person:
    """One login: a person, never shared.

    Args:
        verifier: Of the password, or empty where there is none.
        agency: An id of the order's entity file.
        certificate: The common name of the person's certificate, or empty; with it no password is asked for.
        attested_on: The day on which somebody last attested agency, role and unit, as an ISO date, or empty.
    """

    login: str
    verifier: str
    role: str
    agency: str
    unit: str
    task_force: bool = False
    task_force_civil_excluded: bool = False
    task_force_attested: bool = False
    active: bool = True
    certificate: str = ""
    attested_on: str = ""


def who_is(person: Person) -> tuple[str | bool, ...]:
    """Return what a grant rests on: agency, role, unit and task force, and not how the login proves itself."""
    return (
        person.role, person.agency, person.unit,
        person.task_force, person.task_force_civil_excluded, person.task_force_attested,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Agreement:
    """An attestation agreement on file: its agency's stated case numbers count as attested until ``until``."""

    agency: str
    evidence: str
    until: date


@dataclass(frozen=True, slots=True)
class Directory:
    """The people, agreements and applications that the door knows."""

    people: Mapping[str, Person]
    agreements: Mapping[str, Agreement]
    applications: Mapping[str, Application] = field(default_factory=dict)

    def find(self, login: str) -> Person | None:
        """Return the active person with this login, or None."""
        person = self.people.get(login)
        return person if person is not None and person.active else None

    def find_application(self, login: str) -> Application | None:
        """Return the active application with this login, or None."""
        found = self.applications.get(login)
        return found if found is not None and found.active else None

    def agreement(self, agency: str, *, today: date) -> Agreement | None:
        """Return the agency's agreement if it is on file and has not run out, or None."""
        found = self.agreements.get(agency)
        return found if found is not None and found.until >= today else None


def load_directory(
    people_file: Path, agreements_file: Path, applications_file: Path | None = None
) -> Directory:
    """Return the directory from its files; where there is no file yet, there is nobody.

    Raises:
        ConfigError: A file is too large, no JSON, or an entry is not exactly what it must be.
    """
    people = [_make(Person, row, people_file) for row in _rows(people_file)]
    agreements = [_make_agreement(row, agreements_file) for row in _rows(agreements_file)]
    applications = load_applications(applications_file) if applications_file is not None else ()
    both = sorted({one.login for one in applications} & {person.login for person in people})
    if both:
        raise ConfigError(f"`{both[0]}` is the login of a person and of an application")
    return Directory(
        people=_by_key(((person.login, person) for person in people), people_file),
        agreements=_by_key(((a.agency, a) for a in agreements), agreements_file),
        applications={one.login: one for one in applications},
    )


def load_people(file: Path) -> list[Person]:
    """Return everybody in the people file, those who left too; nobody where there is no file.

    Raises:
        ConfigError: The file is no list of people.
    """
    return [_make(Person, row, file) for row in _rows(file)] if file.exists() else []


def change_people(file: Path, change: Callable[[Sequence[Person]], Sequence[Person]]) -> None:
    """Change the people file, alone and whole.

    Raises:
        ConfigError: The file is no list of people.
    """
    with alone(file):
        save_people(change(load_people(file)), file)


class DirectoryWatch:
    """The files of a directory, read again when one of them was replaced."""

    def __init__(self, people_file: Path, agreements_file: Path, applications_file: Path) -> None:
        self._files = (people_file, agreements_file, applications_file)
        self._marks = self._look()

    def poll(self) -> Directory | None:
        """Return the directory if a file changed since the last look, or None.

        Raises:
            ConfigError: A file changed and is not what it must be; it is told once.
        """
        marks, before = self._look(), self._marks
        if marks == before:
            return None
        self._marks = marks
        gone = [
            file.name
            for file, was, now in zip(self._files, before, marks, strict=True)
            if was > now == _ABSENT
        ]
        if gone:
            raise ConfigError(f"`{gone[0]}` was removed", hint="put it back; nobody is taken out by that")
        return load_directory(*self._files)

    def _look(self) -> tuple[tuple[int, int, int], ...]:
        found = []
        for file in self._files:
            try:
                state = file.stat()
            except OSError:
                found.append(_ABSENT)
                continue
            found.append((state.st_ino, state.st_mtime_ns, state.st_size))
        return tuple(found)


def save_people(people: Iterable[Person], file: Path) -> None:
    """Write the people file whole, readable by its owner only, by rename."""
    write_whole(file, [asdict(person) for person in people])


def save_agreements(agreements: Iterable[Agreement], file: Path) -> None:
    """Write the agreements file whole, by rename."""
    write_whole(file, [{**asdict(a), "until": a.until.isoformat()} for a in agreements])


def _rows(file: Path) -> list[Any]:
    if not file.exists():
        return []
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"`{file.name}` is larger than {MAX_FILE_BYTES} bytes")
        rows = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"cannot read `{file.name}`: expected a list of entries as JSON",
            hint="put it back from the last copy, or make it anew with `doorward people import`",
        ) from error
    if not isinstance(rows, list):
        raise ConfigError(f"`{file.name}` holds no list of entries")
    return rows


def _make(kind: type[Person], row: Any, file: Path) -> Person:  # noqa: ANN401  # JSON is untyped until checked here
    wanted = kind.__dataclass_fields__
    if not isinstance(row, dict) or not row.keys() <= wanted.keys():
        raise ConfigError(f"`{file.name}`: an entry has other keys than {', '.join(wanted)}")
    for name, wants in wanted.items():
        value = row.get(name, wants.default)
        if not isinstance(value, bool if wants.type is bool else str):
            raise ConfigError(f"`{file.name}`: `{name}` is missing or has the wrong type in an entry")
    if not row["login"]:
        raise ConfigError(f"`{file.name}`: an entry has an empty `login`")
    try:
        if row.get("attested_on"):
            date.fromisoformat(row["attested_on"])
    except ValueError as error:
        raise ConfigError(f"`{file.name}`: `attested_on` must be a date such as 2027-06-30") from error
    return kind(**row)


def _make_agreement(row: Any, file: Path) -> Agreement:  # noqa: ANN401  # as above
    if not isinstance(row, dict) or row.keys() != {"agency", "evidence", "until"}:
        raise ConfigError(f"`{file.name}`: an entry has other keys than agency, evidence, until")
    try:
        return Agreement(str(row["agency"]), str(row["evidence"]), date.fromisoformat(row["until"]))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"`{file.name}`: `until` must be a date such as 2027-06-30") from error


def _by_key(pairs: Iterable[tuple[str, T]], file: Path) -> dict[str, T]:
    found: dict[str, T] = {}
    for key, value in pairs:
        if key in found:
            raise ConfigError(f"`{file.name}`: `{key}` stands there twice")
        found[key] = value
    return found
