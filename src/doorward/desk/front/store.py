"""What the front desk's endpoints need of a store: places by token, codes that work once, records put once, counts.

The desk's own store and the one of the tests are held to one contract, tests/tests_support/front_store.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from doorward.desk.front.visits import Receipt, Visit


@dataclass(frozen=True, slots=True)
class PhonePlace:
    """Where an enrolled phone stands.

    Args:
        id: Of the building or desk in the store, not of the phone.
        kind: Of the compiled protocols: ``library``.
        name: As staff know it.
        contacts: The building's own numbers by contact: ``{"person-in-charge": "+13125550100"}``.
    """

    id: str
    kind: str
    name: str
    contacts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """A record stands in the store; `new` says whether this call put it there. Both times the receipt is the same."""

    receipt: Receipt
    new: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another record stands under this id: other bytes, or of another place. Nothing was changed."""


class Store(Protocol):
    """Each method is one transaction; none raises for what a client sent.

    Tokens and codes come as SHA-256, so that the store holds none.
    """

    def place_of(self, token_digest: bytes) -> PhonePlace | None:
        """Return the place of an enrolled phone, or None: never enrolled, or taken back."""
        ...

    def redeem(self, code_digest: bytes, token_digest: bytes, now: datetime) -> PhonePlace | None:
        """Bind a token to the place of a code that is neither used nor over; the same pair again is the same answer."""
        ...

    def put_once(self, visit: Visit, body: bytes, place: PhonePlace, now: datetime) -> Stored | Conflict:
        """Put a record and its receipt, durably, or find those of the same id, bytes and place."""
        ...

    def count(self, key: str, *, limit: int, window_seconds: int, now: datetime) -> int:
        """Count one more under a key; return 0 if that is within the limit, else the seconds until it is again."""
        ...
