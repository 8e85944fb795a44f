"""A group of commands whose modules are imported when they are called, so that none waits for what another needs."""

import importlib
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeAlias

import typer
from typer.core import TyperGroup
from typer.main import get_group

Command: TypeAlias = Any  # typer's command types are private
_PACKAGE: Final = "doorward.cli."


@dataclass(frozen=True)
class Deferred:
    """Where a command is to be found: `module:name` below `doorward.cli`, a function or a group of commands.

    Attributes:
        place: `module:name`; a name of this package, never of a caller.
        help: A group's own line; a command's is its docstring.
        hidden: Not shown in help.
    """

    place: str
    help: str | None = None
    hidden: bool = False

    def load(self, name: str) -> Command:
        """Return the command, imported now, under this name."""
        module, attribute = self.place.split(":")
        found = getattr(importlib.import_module(_PACKAGE + module), attribute)
        app = typer.Typer()
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name, help=self.help, hidden=self.hidden)
        else:
            app.command(name, help=self.help, hidden=self.hidden)(found)
        return get_group(app).commands[name]


class _Commands(MutableMapping[str, Command]):
    """The commands of a group by name; each is loaded when it is first asked for."""

    def __init__(self, held: Mapping[str, Command]) -> None:
        self._held = dict(held)

    def __getitem__(self, name: str) -> Command:
        found = self._held[name]
        if isinstance(found, Deferred):
            found = self._held[name] = found.load(name)
        return found

    def __setitem__(self, name: str, command: Command) -> None:
        self._held[name] = command

    def __delitem__(self, name: str) -> None:
        del self._held[name]

    def __contains__(self, name: object) -> bool:
        return name in self._held

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)


class DeferredGroup(TyperGroup):
    """A group with the commands of `deferred`, before those that are registered with its application."""

    deferred: ClassVar[Mapping[str, Deferred]] = {}

    def __init__(self, **options: object) -> None:
        """Return the group as typer makes it; see `typer.core.TyperGroup`."""
        super().__init__(**options)  # type: ignore[arg-type]  # typer's own names and values
        self.commands = _Commands({**self.deferred, **self.commands})
