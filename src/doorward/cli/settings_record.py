"""How the record is kept, as doorward.toml says it beside where its server is."""

from dataclasses import dataclass
from typing import Final

from doorward.orders.toml import Toml
from doorward.record.entry import Kind

RECORD_KEYS: Final = ("durable_kinds", "durable_purposes")
_KINDS: Final = {kind.name.lower(): kind for kind in Kind}


@dataclass(frozen=True, slots=True)
class RecordSettings:
    """What is on the disk before it is acknowledged; nothing where nothing is said (ADR 6, ADR 79).

    Args:
        kinds: Entries of these kinds.
        purposes: Everything of a session for one of these purposes.
    """

    kinds: frozenset[Kind] = frozenset()
    purposes: frozenset[str] = frozenset()

    @property
    def durable(self) -> frozenset[Kind] | None:
        """What `Spool.open` is told."""
        return self.kinds if self.kinds or self.purposes else None


def read_record(toml: Toml) -> RecordSettings:
    """Return what `[record]` says of keeping; what is wrong is noted."""
    kinds = _words(toml, "durable_kinds")
    for word in sorted(kinds - _KINDS.keys()):
        toml.note(
            f"`record.durable_kinds` has `{word}`, which is no kind of entry",
            "record",
            "durable_kinds",
            hint=f"one of {', '.join(_KINDS)}",
        )
    return RecordSettings(
        frozenset(_KINDS[word] for word in kinds & _KINDS.keys()), _words(toml, "durable_purposes")
    )


def _words(toml: Toml, key: str) -> frozenset[str]:
    found = toml.get(list, "record", key, default=[])
    if not all(isinstance(word, str) for word in found):
        toml.note(f"`record.{key}` is a list of words", "record", key)
        return frozenset()
    return frozenset(found)
