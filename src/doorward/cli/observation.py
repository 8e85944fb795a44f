"""The observation of one installation: its note read, verified and proved, and the scopes that it takes.

The note lies in the data folder, or is named to `doorward order install --observe`; the law department's public keys
lie beside it. A note that does not hold stops what reads it: nobody should believe that a clause is only observed, or
that it is enforced, and be wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from doorward.cli.folders import Folders
from doorward.errors import ConfigError, LogError
from doorward.gateway.observing import Observing, make_deciding
from doorward.grants.cut_files import load_officers
from doorward.notes.note import MAX_NOTE_BYTES, Verifier
from doorward.orders.observe import VerifiedObservation, verify_observation
from doorward.orders.observed import Observed, check_promises, enforcing_again, find_observed, join_scopes
from doorward.orders.pack import Pack
from doorward.policy.scopes import ScopeBook

ENFORCED: Final = "every clause is enforced, none is only observed"
MakeBook = Callable[[Pack], ScopeBook]


@dataclass(frozen=True, slots=True)
class FoundObservation:
    """A note that holds, and what it takes out of the order.

    Args:
        raw: The note as it was verified.
        file: Where it lies.
    """

    raw: bytes
    file: Path
    verified: VerifiedObservation
    observed: Observed

    def says(self) -> str:
        """Return one line for every screen: what is not enforced, until when, by whose signatures."""
        observation = self.verified.observation
        return (
            f"NOT ENFORCED, only observed until {observation.until:%Y-%m-%d %H:%M} UTC: "
            f"{', '.join(observation.clauses)} (signed by {', '.join(self.verified.signers)}); "
            "every other clause is enforced"
        )


def read_observation(file: Path, keys: list[Verifier], pack: Pack, *, now: datetime) -> FoundObservation:
    """Return the observation of a file, with everything checked that it rests on.

    Raises:
        ConfigError: It cannot be read, its signatures, digest or time do not hold, or a promise of the order breaks.
    """
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_NOTE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read `{file}`: {error.strerror}") from error
    try:
        verified = verify_observation(raw, keys, digest=pack.digest, now=now)
    except LogError as error:
        raise ConfigError(
            f"`{file.name}` does not hold: {error}",
            hint="take it away, and every clause is enforced; or `doorward order observe` makes a new one",
        ) from error
    observed = find_observed(pack, verified.observation.clauses)
    check_promises(pack, observed)
    return FoundObservation(raw, file, verified, observed)


def load_observation(folders: Folders, pack: Pack, *, now: datetime) -> FoundObservation | None:
    """Return the observation of a data folder, or None where no note lies there.

    Raises:
        ConfigError: A note lies there and does not hold.
    """
    if not folders.observe.exists():
        return None
    return read_observation(folders.observe, load_officers(folders.law), pack, now=now)


def scopes_to_install(found: FoundObservation | None, book: ScopeBook, make: MakeBook) -> ScopeBook:
    """Return the scopes of the order in full, and those that it has while clauses are observed."""
    return book if found is None else join_scopes(book, make(found.observed.pack))


def open_observing(found: FoundObservation, pack: Pack, book: ScopeBook, make: MakeBook) -> Observing:
    """Return an observation ready for the door."""
    observed = found.observed
    return Observing(
        make_deciding(pack, book),
        found.verified,
        observed,
        make(observed.pack),
        enforcing={clause: make(enforcing_again(pack, observed, clause)) for clause in observed.clauses},
        file=found.file,
        raw=found.raw,
    )
