"""record.toml of a pack: who may look into the record, and what of it leaves the city. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from doorward.errors import Finding
from doorward.orders.deadlines import STANDINGS
from doorward.orders.toml import Toml

RECORD: Final = "record.toml"


@dataclass(frozen=True, slots=True)
class RecordRules:
    """What a pack says about its record.

    Args:
        disclose: Offices whose people may show a field to somebody outside.
        search: Offices whose people may search; what they look for is sealed to all people of these offices.
        dispose: Offices of which two people may erase.
        process: Classes of paper that are a court's process.
        sealed: Fields that no exhibit shows, each with the reason.
        court: Fields that an exhibit shows only under a court's process, each with the reason.
        standing: ``confirmed``, ``adopted`` or ``needs-counsel``.
        directory: Offices whose people sign the directory of the logs; nobody where the pack does not say.
    """

    disclose: tuple[str, ...]
    search: tuple[str, ...]
    dispose: tuple[str, ...]
    process: tuple[str, ...]
    sealed: Mapping[str, str]
    court: Mapping[str, str]
    standing: str
    directory: tuple[str, ...] = ()

    def refusal(self, field: str, paper: str) -> str | None:
        """Return why an exhibit under a class of paper does not show a field, or None where it may."""
        if field in self.sealed:
            return self.sealed[field]
        if field in self.court and paper not in self.process:
            return self.court[field]
        return None


def read_record_rules(text: str) -> tuple[RecordRules | None, list[Finding]]:
    """Return what the file says, or None and everything that is wrong with it, each with its line and column.

    Args:
        text: Of record.toml.

    Raises:
        PolicyCheckError: The text is no TOML.
    """
    file = Toml(RECORD, text)
    file.refuse_others(
        ("standing", "disclose", "search", "dispose", "process", "sealed", "court", "directory")
    )
    found = RecordRules(
        _words(file, "disclose"),
        _words(file, "search"),
        _words(file, "dispose"),
        _words(file, "process"),
        {field: file.get(str, "sealed", field) for field in file.table("sealed")},
        {field: file.get(str, "court", field) for field in file.table("court")},
        file.get(str, "standing"),
        _words(file, "directory") if "directory" in file.data else (),
    )
    if found.standing not in STANDINGS:
        file.note(f"`{found.standing[:40]}` is none of {', '.join(STANDINGS)}", "standing")
    if set(found.disclose) & set(found.search):
        file.note("an office that shows what was recorded does not search it as an auditor too", "search")
    for field in set(found.sealed) & set(found.court):
        file.note(f"`{field[:40]}` is in no exhibit, and is shown to a court", "court", field)
    return (None if file.findings else found), file.findings


def _words(file: Toml, name: str) -> tuple[str, ...]:
    held = file.get(list, name, default=[])
    if not held or not all(isinstance(one, str) and one for one in held):
        file.note(f"`{name}` must be a list of words, one at least", name)
        return ()
    return tuple(held)
