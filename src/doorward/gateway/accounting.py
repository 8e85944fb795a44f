"""What officials did and did not do, put into the record: reviews, and answers and reviews that are overdue.

The command line writes files; only the gateway writes the record. So it looks at the files when it is told, and by
itself every few seconds. What is recorded is kept in a file of its own, written after the record: a crash between the
two records a thing twice and nothing not at all.
"""

import asyncio
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from doorward.errors import ConfigError, DoorwardError
from doorward.gateway.logbook import Event
from doorward.grants.duties import Duty, Owes, find_duties
from doorward.grants.referral_files import Referrals
from doorward.grants.review_files import Reviews
from doorward.grants.reviews import Owed, Review
from doorward.grants.whole_file import alone, read_whole, write_whole
from doorward.record.entry import NO_SESSION, Draft, Field, Kind

if TYPE_CHECKING:
    from doorward.gateway.server import Server

LOOK_SECONDS: Final = 5.0
MAX_FILE_BYTES: Final = 8 * 1024 * 1024
OVERDUE: Final = b"overdue"
_RECORDED: Final = frozenset({Duty.ANSWER, Duty.REVIEW})


class Accounting:
    """The duties of one data folder, and what of them is in the record.

    Args:
        reviews: The break-glass sessions and their reviews.
        referrals: The asks and their answers.
        recorded: The file that says what is in the record.
        worker: Of several on a host the first records; the others only write what a file did not take before.
    """

    def __init__(self, reviews: Reviews, referrals: Referrals, recorded: Path, *, worker: int = 0) -> None:
        self._worker = worker
        self._reviews = reviews
        self._referrals = referrals
        self._recorded = recorded
        self._looking = asyncio.Lock()

    async def run(self, server: "Server") -> None:
        """Look every few seconds, until cancelled; what fails is told once."""
        said = ""
        while True:
            failed = str((await self.look(server)).get("failed", ""))
            if failed and failed != said:
                server.parts.logbook.say(Event.REVIEWS_WAIT, error=failed)
            said = failed
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self, server: "Server") -> dict[str, Any]:
        """Record what is new, and return how much it was, or what failed."""
        loop = asyncio.get_running_loop()
        now = server.now()
        async with self._looking:
            try:
                fresh, keys = await loop.run_in_executor(server.floor_threads, self._find, now)
                if fresh:
                    if not server.append(fresh, now):
                        return {"failed": "the record cannot be written"}
                    await loop.run_in_executor(server.floor_threads, self._keep, keys)
            except DoorwardError as error:
                return {"failed": str(error)}
        return {"recorded": len(fresh)}

    def _find(self, now: datetime) -> tuple[list[Draft], list[str]]:
        self._reviews.flush()
        if self._worker:
            return [], []
        kept, before = self._reviews.known(), self._read()
        seen = set(before)
        drafts: dict[str, Draft | None] = dict(self._closed(kept, seen))
        duties = find_duties(
            asks=self._referrals.asks(), answers=self._referrals.answers(), reviews=kept, now=now
        )
        drafts |= {f"{one.duty} {one.id}": _overdue(one) for one in duties if one.duty in _RECORDED}
        fresh = {key: draft for key, draft in drafts.items() if draft is not None and key not in seen}
        # What is no duty any more is forgotten: only an answer that comes late ends that, and it comes once.
        return list(fresh.values()), [*(key for key in before if key in drafts), *fresh]

    def _closed(self, kept: Sequence[Owed], seen: AbstractSet[str]) -> Iterator[tuple[str, Draft | None]]:
        for owed in kept:
            key = f"review {owed.session}"
            # What is recorded once stays so: its signature is not looked at every few seconds.
            review = self._reviews.find(owed) if key not in seen else None
            if key in seen or review is not None:
                yield key, _reviewed(owed, review) if review is not None else None

    def _read(self) -> list[str]:
        rows = read_whole(self._recorded, max_bytes=MAX_FILE_BYTES, absent=[])
        if not isinstance(rows, list):
            raise ConfigError(f"`{self._recorded.name}` holds no list")
        return [str(row) for row in rows]

    def _keep(self, keys: Sequence[str]) -> None:
        with alone(self._recorded):
            write_whole(self._recorded, list(keys))


def _reviewed(owed: Owed, review: Review) -> Draft:
    fields = (
        (Field.LOGIN, review.by.encode()),
        (Field.OUTCOME, review.finding.value.encode()),
        (Field.GRANT, owed.session.encode()),
        (Field.REASON, review.reason.encode()),
        (Field.EVIDENCE, review.evidence.encode()),
    )
    return Draft(Kind.REVIEW, NO_SESSION, 0, fields)


def _overdue(owes: Owes) -> Draft:
    fields = (
        (Field.LOGIN, owes.office.encode()),
        (Field.OUTCOME, OVERDUE),
        (Field.UNTIL, owes.when.isoformat().encode()),
        (Field.REASON, f"{owes.duty} {owes.id}".encode()),
    )
    return Draft(Kind.REVIEW, NO_SESSION, 0, fields)
