"""What is looked for in the record, and whether an entry is that. Pure.

There is no term for the name or the badge of somebody who came to the City, and none for the text of a statement: the
record answers what the City's people and doors did, and is no register of whom they met.
"""

import json
from dataclasses import asdict, dataclass
from typing import Final

from doorward.record.entry import FIELD_NAMES, Entry, Field, Kind

SHOWN: Final = (
    Field.LOGIN, Field.OUTCOME, Field.ROWS, Field.PURPOSE, Field.CASE, Field.CLAUSES, Field.SCOPE, Field.GRANT,
    Field.MODE, Field.MATTER, Field.WHAT, Field.ACT,
)  # fmt: skip
"""What a search shows of an entry: no statement, no value, no address, no presenter."""
_IDS: Final = (Field.CASE, Field.GRANT, Field.MATTER)


@dataclass(frozen=True, slots=True)
class Terms:
    """What is looked for; None stands for anything.

    Args:
        begins_us: The first moment.
        ends_us: The first moment behind.
        door: A word for whose entries; where they stand is in ``writers``.
        writers: Numbers of the writers of that door.
        decision: What the order answered, or how something ended.
        clause: A clause of the order.
        case: The id of a case, a grant or a matter.
        login: A login of the City.
        session: 32 hexadecimal digits.
        after: Entries up to this sequence were seen already.
    """

    begins_us: int
    ends_us: int
    kind: str | None = None
    door: str | None = None
    writers: tuple[int, int] | None = None
    decision: str | None = None
    clause: str | None = None
    case: str | None = None
    login: str | None = None
    session: str | None = None
    after: int = -1

    def format(self) -> bytes:
        """Return the terms as one JSON document, for the entry that says what was looked for."""
        said = {
            name: value for name, value in asdict(self).items() if value is not None and name != "writers"
        }
        return json.dumps(said, sort_keys=True).encode()

    def match(self, entry: Entry) -> bool:
        """Return True where an entry is what is looked for."""
        if not self.begins_us <= entry.time_us < self.ends_us or entry.sequence <= self.after:
            return False
        if self.kind is not None and entry.kind.name.lower() != self.kind:
            return False
        if self.session is not None and entry.session.hex() != self.session:
            return False
        values = {field: value.decode("utf-8", errors="replace") for field, value in entry.fields}
        return (
            _is(self.decision, values.get(Field.OUTCOME))
            and _is(self.login, values.get(Field.LOGIN))
            and (self.clause is None or self.clause in values.get(Field.CLAUSES, "").split(" "))
            and (self.case is None or self.case in {values.get(field) for field in _IDS})
        )


def _is(wanted: str | None, got: str | None) -> bool:
    return wanted is None or wanted == got


def show_entry(entry: Entry) -> dict[str, str | int]:
    """Return what a search shows of an entry."""
    shown: dict[str, str | int] = {
        "entry": entry.sequence, "time_us": entry.time_us, "kind": Kind(entry.kind).name.lower(),
        "session": entry.session.hex() if any(entry.session) else "",
    }  # fmt: skip
    for field in SHOWN:
        value = entry.get(field)
        if value is not None:
            shown[FIELD_NAMES[field].decode()] = value.decode("utf-8", errors="backslashreplace")
    return shown
