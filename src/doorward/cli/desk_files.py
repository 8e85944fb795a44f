"""Files that the desk's commands read and folders that they write."""

import importlib
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import TypeVar

from doorward.desk.configuration import VARIABLE, DeskConfiguration
from doorward.errors import ConfigError, MalformedError

MAX_BYTES = 256 * 1024 * 1024
LETTERS = "doorward.desk.letters.tables"
T = TypeVar("T")


def open_desk(configuration: Path) -> None:
    """Set this process up to read a desk's database; nothing is brought to another version.

    Args:
        configuration: The file that the desk was started with; `doorward desk` writes it.

    Raises:
        ConfigError: It is no such file.
    """
    DeskConfiguration.load(configuration)
    os.environ[VARIABLE] = str(configuration)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "doorward.desk.settings")
    import django

    django.setup()


def read_file(file: Path, parse: Callable[[str], T]) -> T:
    """Return what a parser makes of a file.

    Raises:
        ConfigError: It cannot be read, is no UTF-8, or the parser refuses it; names the file.
    """
    try:
        if file.stat().st_size > MAX_BYTES:
            raise ConfigError(f"`{file.name}` is larger than {MAX_BYTES} bytes")
        return parse(file.read_bytes().decode("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read `{file}`: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"`{file.name}` is no UTF-8 text at byte {error.start}") from error
    except MalformedError as error:
        raise ConfigError(f"`{file.name}`: {error}", hint=error.hint) from error


def day_of(on: datetime | None, now: datetime, zone: tzinfo) -> date:
    """Return the day that was asked for, else today in the city: in the evening it is tomorrow in UTC already."""
    return on.date() if on else now.astimezone(zone).date()


def save_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder that is there whole or not at all; one that holds the same already is left as it is.

    Raises:
        ConfigError: It holds something else, or cannot be written.
    """
    try:
        if folder.exists():
            if {path.name: path.read_bytes() for path in folder.iterdir()} != dict(files):
                raise ConfigError(
                    f"`{folder}` is there and holds something else",
                    hint="name another --out, or move it away",
                )
            return
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as kept:
            draft = Path(kept) / "folder"
            draft.mkdir()
            for name, raw in files.items():
                (draft / name).write_bytes(raw)
            draft.rename(folder)
    except OSError as error:
        raise ConfigError(f"cannot write `{folder}`: {error.strerror}") from error


def make_document(  # every part of a page
    title: str,
    tables: Iterable[tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...], str]],
    *,
    day: date,
    office: str,
    facts: Sequence[tuple[str, str]],
    is_sample: bool,
) -> bytes | None:
    """Return a report as PDF, or None where the renderer of letters is not installed.

    Args:
        tables: Caption, head, rows, and what stands there without a row.

    Raises:
        ConfigError: There is more than a document holds.
    """
    try:
        letters = importlib.import_module(LETTERS)
    except ModuleNotFoundError as error:
        if error.name is None or not (LETTERS.startswith(error.name) or error.name == "typst"):
            raise
        return None
    printed = [letters.Table(caption, head, rows, empty=none) for caption, head, rows, none in tables]
    raw: bytes = letters.render_table_report(
        title, (), printed, (), day=day, office=office, facts=facts, is_sample=is_sample
    )
    return raw
