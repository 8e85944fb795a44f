r"""The independent reviewer's sample: which units are looked at, on site, and nobody can steer it. Pure.

The seed is SHA-256 over the root of a checkpoint that was signed after the report was recorded, and the digest of the
report. Who hands a report in cannot know that root, who signs the log cannot change the report. Anybody repeats it:

    seed  = SHA-256("doorward fund sample 1\n" + root (32 bytes) + report digest (32 bytes))
    place = for n = 0, 1, 2 …: SHA-256(seed + n as 8 bytes, big-endian), read as a number; those at or above the largest
            multiple of N below 2^256 are left out; the rest modulo N, the first k that differ

Places count the units of the report's rows in the order of `Report.told`, from 0. The k-th unit of a row is the k-th
file by the grantee's own list, which never leaves the grantee. The reviewer answers pass or fail, with no word more.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from doorward.errors import ConfigError
from doorward.fund.grantee.report import Report

DOMAIN: Final = b"doorward fund sample 1\n"
ANSWERS: Final = ("pass", "fail")
MAX_DRAWN: Final = 200


@dataclass(frozen=True, slots=True)
class Drawn:
    """One unit to look at: the n-th of its kind in the report, from 1."""

    service: str
    detained: str
    stage: str
    number: int


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What is published of a review: how many passed of how many drawn."""

    drawn: int
    passed: int


def seed_of(root: bytes, report_digest: bytes) -> bytes:
    """Return the seed.

    Args:
        root: Of a verified checkpoint whose tree holds the report's entry.
        report_digest: `Report.digest`, as bytes.

    Raises:
        ConfigError: One of them has not 32 bytes.
    """
    if len(root) != 32 or len(report_digest) != 32:
        raise ConfigError(f"a root and a digest have 32 bytes each, got {len(root)} and {len(report_digest)}")
    return hashlib.sha256(DOMAIN + root + report_digest).digest()


def draw_places(seed: bytes, total: int, wanted: int) -> tuple[int, ...]:
    """Return the drawn places below ``total``, rising; all of them where there are no more than wanted.

    Raises:
        ConfigError: More are wanted than a reviewer looks at, or fewer than one.
    """
    if not 1 <= wanted <= MAX_DRAWN:
        raise ConfigError(f"a sample has 1 to {MAX_DRAWN} units, got {wanted}")
    if total <= wanted:
        return tuple(range(total))
    bound = (1 << 256) // total * total
    places: set[int] = set()
    number = 0
    while len(places) < wanted:
        value = int.from_bytes(hashlib.sha256(seed + number.to_bytes(8, "big")).digest(), "big")
        number += 1
        if value < bound:
            places.add(value % total)
    return tuple(sorted(places))


def draw_sample(report: Report, root: bytes, wanted: int) -> tuple[Drawn, ...]:
    """Return the units to look at; raises as `seed_of` and `draw_places`."""
    rows = report.told()["units"]
    places = draw_places(
        seed_of(root, bytes.fromhex(report.digest)), sum(row["units"] for row in rows), wanted
    )
    drawn = []
    for place in places:
        left = place
        for row in rows:
            if left < row["units"]:
                drawn.append(Drawn(row["service"], row["detained"], row["stage"], left + 1))
                break
            left -= row["units"]
    return tuple(drawn)


def count_answers(answers: Iterable[str], drawn: int) -> Reviewed:
    """Return what is kept of a review.

    Raises:
        ConfigError: An answer is neither pass nor fail, or they are not as many as were drawn. It is not repeated:
            a reviewer may have typed more than the word.
    """
    given = list(answers)
    if len(given) != drawn:
        raise ConfigError(f"expected {drawn} answers, got {len(given)}")
    if any(answer not in ANSWERS for answer in given):
        raise ConfigError("an answer is `pass` or `fail`, and nothing else", hint="no answer is kept")
    return Reviewed(drawn, given.count("pass"))
