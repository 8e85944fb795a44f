"""The registers of this host as the desk reads them for one decision; what cannot be read is None, with why.

Files are read again when one of them was replaced. A file that was there and is gone cannot be read: nobody is taken
out, and nothing is opened, by removing one.
"""

import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, Generic, TypeVar

from django.conf import settings

from doorward.desk.access import Actor
from doorward.desk.order import order
from doorward.desk.records_on_file import records_of
from doorward.errors import ConfigError, DoorwardError
from doorward.grants.adoptions import OrderAdoption
from doorward.grants.consulting import OrderWord, Registers
from doorward.grants.people import Directory, load_directory
from doorward.grants.places import FILE, SEPARATOR, Place, Words, read_places, words_of
from doorward.orders.protocols import has_protocols, read_protocols

MAX_BYTES: Final = 8 * 1024 * 1024
MAX_OFFERED: Final = 300
KIND: Final = "resource.kind"
T = TypeVar("T")
Marks = tuple[tuple[int, int, int] | None, ...]


class Watched(Generic[T]):
    """What some files say, read once for each state that they are in; threads take turns.

    Args:
        files: Whose change is looked for.
        read: Reads them; its failure is kept too, until a file changes.
    """

    def __init__(self, files: tuple[Path, ...], read: Callable[[], T]) -> None:
        self._files, self._read = files, read
        self._turn = threading.Lock()
        self._seen: Marks | None = None
        self._there = frozenset[Path]()
        self._found: T | DoorwardError = ConfigError("it was not read yet")

    def get(self) -> T:
        """Return what the files say now.

        Raises:
            DoorwardError: They cannot be read, or one of them was removed.
        """
        with self._turn:
            marks = tuple(map(_mark, self._files))
            if marks != self._seen:
                self._seen, self._found = marks, self._again(marks)
            if isinstance(self._found, DoorwardError):
                raise self._found
            return self._found

    def _again(self, marks: Marks) -> T | DoorwardError:
        there = {file for file, mark in zip(self._files, marks, strict=True) if mark is not None}
        gone = sorted(file.name for file in self._there - there)
        self._there |= there
        if gone:
            return ConfigError(f"`{gone[0]}` was removed")
        try:
            return self._read()
        except DoorwardError as error:
            return error


def read_registers() -> Registers:
    """Return the registers as they stand now."""
    why: dict[str, str] = {}
    data = settings.DESK.data
    records = _try("records", why, lambda: records_of(data).all())
    directory = _try("people", why, _directory(data).get)
    places = _try("places", why, _places(data).get)
    return Registers(records, directory, places, order_word(), why)


@cache
def order_word() -> OrderWord:
    """Return what the order itself says where no record does."""
    pack = order().pack
    agencies = pack.agencies.items()
    adopted = {}
    if has_protocols(pack.files):
        for showing in read_protocols(pack.files, pack.contacts).every_showing():
            one, kind = showing.adoption, showing.facts.get(KIND)
            if one is not None and isinstance(kind, str):
                adopted[showing.tenant.id, kind] = OrderAdoption(one.by, one.on, one.act)
    return OrderWord(
        frozenset(name for name, one in agencies if one.attributes.get("declaration") is True),
        frozenset(name for name, one in agencies if one.attributes.get("party") == "city"),
        adopted,
    )


def load_places(file: Path, words: Words) -> dict[str, Place]:
    """Return the places of a file.

    Raises:
        ConfigError: There is no such file, or it cannot be read.
        PolicyCheckError: It has a fault.
    """
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise ConfigError(f"`{file.name}` is larger than {MAX_BYTES} bytes")
        return read_places(raw.decode("utf-8"), words, file=file.name)
    except FileNotFoundError as error:
        raise ConfigError(
            f"there is no register of places: no `{file.name}` in the data folder",
            hint="`doorward places check` says what is wrong with one",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"`{file.name}` cannot be read") from error


def place_choices(actor: Actor) -> list[tuple[str, str]]:
    """Return what a form offers: ids and names of the places of somebody's units, else of their tenants, at most some.

    Nothing where the register cannot be read: then the page of the answer says so.
    """
    places = read_registers().places or {}
    units = {one.unit for one in actor.assignments if one.unit}
    tenants = {one.tenant for one in actor.assignments}
    mine = [place for place in places.values() if place.unit in units] or [
        place for place in places.values() if place.tenant in tenants
    ]
    found = [
        (f"{place.id}{SEPARATOR}{area.id}", f"{place.name}: {area.name}")
        for place in mine
        for area in place.areas.values()
    ]
    return found[:MAX_OFFERED]


@cache
def _directory(data: Path) -> Watched[Directory]:
    people, agencies = data / "people.json", data / "agencies.json"
    return Watched((people, agencies), lambda: _load_directory(people, agencies))


def _load_directory(people: Path, agencies: Path) -> Directory:
    if not people.exists():
        raise ConfigError("there is no directory of people: no `people.json` in the data folder")
    return load_directory(people, agencies)


@cache
def _places(data: Path) -> Watched[dict[str, Place]]:
    file = data / FILE
    return Watched((file,), lambda: load_places(file, words_of(order().pack)))


def _try(part: str, why: dict[str, str], read: Callable[[], T]) -> T | None:
    try:
        return read()
    except DoorwardError as error:
        why[part] = str(error)
        return None


def _mark(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    except OSError:
        return (0, 0, 0)
    return found.st_ino, found.st_mtime_ns, found.st_size
