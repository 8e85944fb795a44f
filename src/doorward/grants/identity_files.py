"""The identity provider's published keys, read again when their file was replaced: providers change keys."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from doorward.errors import ConfigError
from doorward.grants.identity import IdentityProvider, ProviderKey, parse_provider_keys

MAX_FILE_BYTES: Final = 1024 * 1024


def load_provider_keys(file: Path) -> tuple[ProviderKey, ...]:
    """Return the keys of a file that holds a JSON Web Key Set.

    Raises:
        ConfigError: It cannot be read, or is no key set with a key that is taken.
    """
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"`{file.name}` is larger than {MAX_FILE_BYTES} bytes")
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"`{file.name}` cannot be read") from error
    return parse_provider_keys(text)


class ProviderWatch:
    """An identity provider whose keys follow their file.

    Args:
        provider: As the settings have it, with the keys of the file.
        file: A JSON Web Key Set.
    """

    def __init__(self, provider: IdentityProvider, file: Path) -> None:
        self.provider = provider
        self._file = file
        self._mark = self._look()

    def poll(self) -> bool:
        """Take new keys where the file was replaced, and return whether it was.

        Raises:
            ConfigError: The file was replaced by what is no key set; the keys stay as they were. It is told once.
        """
        mark = self._look()
        if mark == self._mark:
            return False
        self._mark = mark
        self.provider = replace(self.provider, keys=load_provider_keys(self._file))
        return True

    def _look(self) -> tuple[int, int, int]:
        try:
            state = self._file.stat()
        except OSError:
            return (0, 0, 0)
        return (state.st_ino, state.st_mtime_ns, state.st_size)
