"""The registers that every door reads: agreements, declarations, determinations, verified papers; each a signed note.

The desk shows them and takes in what an official has signed. It signs nothing itself: whose key signed is who decided,
and the desk's own people are no officials by being signed in. What is taken in is in force at every door within
seconds, so the entry is written before the register is.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from doorward.desk.access import Actor
from doorward.desk.history import NotAllowedError
from doorward.desk.recorder import recorder
from doorward.desk.records_on_file import records_of, state_of
from doorward.desk.roles import MAY, OVERSEES, Act
from doorward.errors import ConfigError
from doorward.grants.cut_files import load_officers
from doorward.grants.records import Record, RecordKind, verify_record
from doorward.record.entry import Field, Kind

MAX_NOTE: Final = 8192


@dataclass(frozen=True, slots=True)
class Row:
    """One record as it stands now.

    Args:
        state: `in force`, `ends soon`, `begins`, `over`, `taken back`, `signer gone`.
    """

    record: Record
    state: str


def list_rows(actor: Actor, data: Path) -> list[Row] | None:
    """Return the registers, the latest first, or None where they are not this person's to see.

    A sealed paper is listed to nobody: whom the desk knows and whose key signed are two things.

    Raises:
        ConfigError: A file is not what it must be.
    """
    if not actor.roles & OVERSEES:
        return None
    kept = records_of(data).all()
    shown = [one for one in kept if one.kind is not RecordKind.REVOCATION and not one.is_sealed]
    return [Row(one, state_of(one, kept, actor.now)) for one in reversed(shown)]


def take_in(actor: Actor, data: Path, note: str) -> Record:
    """Return a record that an official has signed, now on file; its entry stands in the record before it does.

    Args:
        note: As `doorward records` signs it; untrusted.

    Raises:
        NotAllowedError: They may not.
        ConfigError: It is there already, or takes back what is not there.
        LogError: It is no record, or its signature or office is not what it must be.
        StoreError: It cannot be recorded or written; nothing is in force.
    """
    by = actor.assignment(MAY[Act.REGISTER]) if actor.may(Act.REGISTER) else None
    if by is None:
        raise NotAllowedError("as what you are signed in, this is not yours to do")
    raw = note.replace("\r\n", "\n").strip().encode() + b"\n"
    if len(raw) > MAX_NOTE:
        raise ConfigError(f"expected a signed note of at most {MAX_NOTE} bytes")
    found = records_of(data)
    checked = verify_record(raw, load_officers(data / "officials.keys"))
    if any(one.id == checked.id for one in found.all()):
        raise ConfigError("this record is kept already")
    fields = {
        Field.LOGIN: actor.account.login,
        Field.AUTHENTICATION: by.role,
        Field.WHAT: checked.kind.value,
        Field.ACT: Act.REGISTER.value,
        Field.DIGEST: sha256(raw).hexdigest(),
    }
    entry = tuple((field, fields[field].encode()) for field in sorted(fields))
    recorder().record([(Kind.ACT, entry)], now=actor.now)
    return found.add(raw)
