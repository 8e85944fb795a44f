"""Sessions that were let in on a number which an outside agency attests, and a later look at some of them: pure.

The city cannot look such a number up. It takes the agency's word, and asks afterwards: of a period that is over, a
share of the sessions is drawn, the agency shows the case behind each, and an official signs what was found.

1. Nobody chooses. The sessions are put into the order of HMAC-SHA-256 over their ids, under a seed that is stated, and
   the first ones are taken: whoever has the list and the seed draws the same.
2. Nobody draws until they like it. Each draw stays on file with its seed, and what was drawn once is asked about.
3. A session's id comes from the door's random source, so an agency cannot make one that is not drawn.

A session is named by its id, agency, login and the agency's own case number. There is nothing of a resident in it.

An answer::

    doorward attested answer v1
    session: 5d0c1b8e77aa0f3c5d0c1b8e77aa0f3c
    answer: confirmed
    at: 2026-12-02T00:00:00Z
    evidence: FBI letter 2026-88

Source: RFC 2104; C2SP signed-note.
"""

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from doorward.errors import MalformedError, VerificationError
from doorward.notes.lines import format_lines, is_line, parse_lines
from doorward.notes.note import Verifier, find_signers, parse_note

HEADER: Final = "doorward attested answer v1"
CONFIRMED, NOT_FOUND = "confirmed", "not-found"
MAX_TEXT: Final = 200
FAILING_PERCENT: Final = 5  # of those answered; above it an agency's word is a finding
_ID: Final = re.compile(r"[0-9a-f]{32}")
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
_FIELDS: Final = ("session", "answer", "at", "evidence")


@dataclass(frozen=True, slots=True)
class Admitted:
    """One session that was let in on an attested number.

    Args:
        id: Of the session, in hexadecimal, as in the record.
        at: Aware.
        agreement: The evidence of the agreement by which the number counted.
    """

    id: str
    at: datetime
    agency: str
    login: str
    case_no: str
    agreement: str


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw, as it stays on file.

    Args:
        begins: The period's first moment; aware.
        until: The first moment after it.
        seed: Stated by whoever drew.
        drawn: The ids.
    """

    agency: str
    begins: datetime
    until: datetime
    percent: int
    seed: str
    at: datetime
    by: str
    drawn: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What an official found of one session; ``by`` and ``note`` as it was signed."""

    id: str
    is_confirmed: bool
    at: datetime
    evidence: str
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """One agency's sessions on attested numbers, and what was found of those that were drawn."""

    agency: str
    admitted: int
    sampled: int
    confirmed: int
    not_found: int

    @property
    def open(self) -> int:
        """How many were drawn and nobody has answered for."""
        return self.sampled - self.confirmed - self.not_found

    @property
    def failing_percent(self) -> float:
        """How many of a hundred answered ones had no case behind them."""
        answered = self.confirmed + self.not_found
        return 100 * self.not_found / answered if answered else 0.0


def draw_sample(admitted: Iterable[Admitted], *, percent: int, seed: str) -> list[Admitted]:
    """Return so many of a hundred sessions, at least one where there is any; the same for the same list and seed."""
    order = sorted({one.id: one for one in admitted}.values(), key=lambda one: _rank(seed, one.id))
    return order[: -(-len(order) * percent // 100)]


def check_draw(draw: Draw) -> Draw:
    """Return a draw that is one.

    Raises:
        MalformedError: The share, the seed or the period is not what it must be.
    """
    if not 1 <= draw.percent <= 100:
        raise MalformedError("a draw takes from 1 to 100 of a hundred")
    if not is_line(draw.seed, MAX_TEXT):
        raise MalformedError(f"a seed is one line of at most {MAX_TEXT} characters")
    if not draw.begins < draw.until <= draw.at:
        raise MalformedError("a draw is of a period that is over: what comes later would change it")
    return draw


def format_found(found: Found) -> bytes:
    """Return the text of an answer, as it is signed."""
    at = found.at.astimezone(UTC).strftime(_TIME)
    values = (found.id, CONFIRMED if found.is_confirmed else NOT_FOUND, at, found.evidence)
    return format_lines(HEADER, zip(_FIELDS, values, strict=True))


def parse_found(text: bytes, *, by: str = "", note: str = "") -> Found:
    """Return the answer of a text.

    Raises:
        MalformedError: It is none, or written otherwise than `format_found` writes it.
    """
    session, said, at, evidence = parse_lines(text, HEADER, _FIELDS)
    try:
        moment = datetime.strptime(at, _TIME).replace(tzinfo=UTC)
    except ValueError as error:
        raise MalformedError("the answer has a time that is none") from error
    found = Found(session, said == CONFIRMED, moment, evidence, by, note)
    if not _ID.fullmatch(session) or format_found(check_found(found)) != text:
        raise MalformedError("the answer is written otherwise than doorward writes it")
    return found


def check_found(found: Found) -> Found:
    """Return an answer that is one.

    Raises:
        MalformedError: It has no evidence of one line.
    """
    text = found.evidence
    if not is_line(text, MAX_TEXT):
        raise MalformedError(f"an answer has its evidence in one line of at most {MAX_TEXT} characters")
    return found


def verify_found(raw: bytes, officials: Sequence[Verifier]) -> Found:
    """Return the answer of a note that an official signed.

    Raises:
        MalformedError: It is no note or no answer.
        VerificationError: No known key signed it, or several.
    """
    note = parse_note(raw)
    signers = find_signers(note, officials)
    if len(signers) != 1:
        raise VerificationError(f"expected the signature of one official, got that of {len(signers)}")
    return parse_found(note.text, by=signers[0].name, note=raw.decode("utf-8"))


def tally(admitted: Iterable[Admitted], draws: Iterable[Draw], found: Iterable[Found]) -> list[Tally]:
    """Return one line an agency, in their order; of several answers about a session the last counts."""
    drawn = {one for draw in draws for one in draw.drawn}
    said = {one.id: one.is_confirmed for one in found}
    agencies: dict[str, dict[str, Admitted]] = {}
    for one in admitted:
        agencies.setdefault(one.agency, {})[one.id] = one
    return [
        Tally(
            agency,
            len(sessions),
            len(drawn & sessions.keys()),
            sum(said.get(one) is True for one in drawn & sessions.keys()),
            sum(said.get(one) is False for one in drawn & sessions.keys()),
        )
        for agency, sessions in sorted(agencies.items())
    ]


def find_failing(tallies: Iterable[Tally], *, percent: float = FAILING_PERCENT) -> list[str]:
    """Return one finding for each agency whose attested numbers had no case behind them too often."""
    return [
        f"{one.agency}: {one.not_found} of {one.confirmed + one.not_found} attested numbers that were looked at had no "
        f"case behind them; the agreement allows {percent:g} of a hundred"
        for one in tallies
        if one.failing_percent > percent
    ]


def encode_admitted(one: Admitted) -> dict[str, str]:
    """Return a session as it is kept."""
    return asdict(one) | {"at": one.at.astimezone(UTC).isoformat()}


def decode_admitted(row: object) -> Admitted:
    """Return the session that is kept.

    Raises:
        MalformedError: It is none.
    """
    names = set(Admitted.__dataclass_fields__)
    if (
        not isinstance(row, Mapping)
        or row.keys() != names
        or not all(isinstance(v, str) for v in row.values())
    ):
        raise MalformedError(f"a session on an attested number has {', '.join(sorted(names))}, each a text")
    return Admitted(**{**row, "at": _moment(row["at"])})


def encode_draw(draw: Draw) -> dict[str, Any]:
    """Return a draw as it is kept."""
    times = {name: getattr(draw, name).astimezone(UTC).isoformat() for name in ("begins", "until", "at")}
    return asdict(draw) | times | {"drawn": list(draw.drawn)}


def decode_draw(row: object) -> Draw:
    """Return the draw that is kept.

    Raises:
        MalformedError: It is none.
    """
    if not isinstance(row, Mapping) or row.keys() != set(Draw.__dataclass_fields__):
        raise MalformedError("a draw that is kept is none")
    times = {name: _moment(row[name]) for name in ("begins", "until", "at")}
    drawn = row["drawn"]
    if not isinstance(drawn, list) or not all(isinstance(one, str) for one in drawn):
        raise MalformedError("a draw that is kept has no ids")
    return check_draw(Draw(**{**row, **times, "drawn": tuple(drawn)}))


def _moment(text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise MalformedError("what is kept of attested numbers has a time that is none") from error
    if moment.tzinfo is None:
        raise MalformedError("what is kept of attested numbers has a time without a zone")
    return moment


def _rank(seed: str, session: str) -> bytes:
    return hmac.digest(seed.encode(), session.encode(), "sha256")
