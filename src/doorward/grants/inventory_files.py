"""Where the inventory is kept: inventory.toml, beside doorward.toml or in the sample's data folder."""

import os
from pathlib import Path
from typing import Final

from doorward.errors import ConfigError, StoreError
from doorward.grants.inventory import Store, format_store, parse_inventory
from doorward.grants.whole_file import alone

MAX_FILE_BYTES: Final = 4 * 1024 * 1024


def load_inventory(file: Path) -> list[Store] | None:
    """Return the stores of an inventory, or None where there is no file.

    Raises:
        ConfigError: The file is not what it must be.
    """
    text = _read(file)
    return None if text is None else parse_inventory(text, name=file.name)


def add_store(file: Path, store: Store) -> None:
    """Add a store at the end of an inventory, which is made where there is none; comments stay.

    Raises:
        ConfigError: The inventory is not what it must be, or would not be with this store: then it is as it was.
        StoreError: It cannot be written.
    """
    with alone(file):
        before = _read(file) or ""
        if before and not before.endswith("\n"):
            before += "\n"
        text = before + ("\n" if before else "") + format_store(store)
        parse_inventory(text, name=file.name)
        partial = file.with_suffix(".partial")
        try:
            with partial.open("w", encoding="utf-8") as sink:
                sink.write(text)
                sink.flush()
                os.fsync(sink.fileno())
            partial.replace(file)
        except OSError as error:
            raise StoreError(f"`{file.name}` cannot be written: {error.strerror}") from error


def _read(file: Path) -> str | None:
    try:
        if not file.exists():
            return None
        if file.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"`{file.name}` is larger than {MAX_FILE_BYTES} bytes")
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"`{file.name}` cannot be read as text") from error
