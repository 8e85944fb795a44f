"""Where the keys of sealed disclosures are, and the disclosures with them at hand."""

from pathlib import Path
from typing import Final

from doorward.cli.folders import Folders
from doorward.errors import StoreError
from doorward.record.disclosures import PostgresDisclosures
from doorward.record.seal_keys import SealKeys, read_master

RULE: Final = "rule"


def seals_folder(folders: Folders) -> Path:
    """Return the folder of the keys; in no backup of doorward, and copied apart."""
    return folders.data / "seals"


def master_file(folders: Folders) -> Path:
    """Return the file of the key that wraps them."""
    return folders.keys / "seal.key"


def find_seals(folders: Folders) -> SealKeys | None:
    """Return the keys under which disclosures are sealed here, or None where they are not.

    Raises:
        StoreError: They are sealed, and the keys are not at hand.
        ConfigError: The master key cannot be read.
        LogError: A file of keys is none.
    """
    folder, master = seals_folder(folders), master_file(folders)
    if not master.exists() and not folder.exists():
        return None
    if not master.exists() or not folder.exists():
        raise StoreError(
            f"the disclosures are sealed, and `{folder.name}` or `keys/{master.name}` is not there",
            hint="put their own copies back; nothing is stored or read without them",
        )
    return SealKeys.open(folder, read_master(master))


def disclosures_of(folders: Folders, conninfo: str) -> PostgresDisclosures:
    """Return the disclosures of an installation, with what they are sealed under. Raises as `find_seals`."""
    return PostgresDisclosures(conninfo, find_seals(folders))
