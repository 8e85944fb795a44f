"""applications.json: the applications that may connect, kept by the security officer."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from doorward.errors import ConfigError
from doorward.grants.applications import Application, check_application
from doorward.grants.whole_file import alone, read_whole, write_whole

MAX_FILE_BYTES: Final = 4 * 1024 * 1024
MAX_APPLICATIONS: Final = 1000
_KINDS: Final = {
    "login": str, "certificate": str, "key": str, "agencies": list, "second_factor": str, "active": bool,
}  # fmt: skip


def load_applications(file: Path) -> tuple[Application, ...]:
    """Return the applications in their order; none where there is no file.

    Raises:
        ConfigError: The file is not what it must be.
    """
    rows = read_whole(file, max_bytes=MAX_FILE_BYTES, absent=[])
    if not isinstance(rows, list) or len(rows) > MAX_APPLICATIONS:
        raise ConfigError(f"`{file.name}` holds no list of at most {MAX_APPLICATIONS} applications")
    made = tuple(_make(row, file) for row in rows)
    if len({one.login for one in made}) != len(made):
        raise ConfigError(f"`{file.name}`: an application stands there twice")
    return made


def change_applications(file: Path, change: Callable[[Sequence[Application]], Sequence[Application]]) -> None:
    """Change the applications, alone and whole.

    Raises:
        ConfigError: The file is not what it must be.
        StoreError: It cannot be written.
    """
    with alone(file):
        write_whole(file, [asdict(one) for one in change(load_applications(file))])


def _make(row: Any, file: Path) -> Application:  # noqa: ANN401  # JSON is untyped until checked here
    if not isinstance(row, dict) or row.keys() != _KINDS.keys():
        raise ConfigError(f"`{file.name}`: an entry has other keys than {', '.join(_KINDS)}")
    for name, kind in _KINDS.items():
        if not isinstance(row[name], kind):
            raise ConfigError(f"`{file.name}`: `{name}` has the wrong type in an entry")
    if not all(isinstance(agency, str) for agency in row["agencies"]):
        raise ConfigError(f"`{file.name}`: `agencies` is a list of agency ids")
    return check_application(Application(**(row | {"agencies": tuple(row["agencies"])})))
