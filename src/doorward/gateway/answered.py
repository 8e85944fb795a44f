"""The order as it stands for asks that an official approved: proved once for each set of policies, then kept.

Slow the first time that a policy is taken out (a proof and a compilation, about a second), so it runs in the door's
threads, one at a time.
"""

import threading
from dataclasses import dataclass
from typing import Final

from doorward.errors import DoorwardError
from doorward.orders.answered import Change, find_broken_promises, find_change, without_policies
from doorward.orders.pack import Pack
from doorward.policy.decision import Decision, Outcome
from doorward.policy.request import Request
from doorward.policy.scopes import Scope, ScopeBook

MAX_KEPT: Final = 64  # sets of policies; an order refers for a dozen reasons


@dataclass(frozen=True, slots=True)
class _Order:
    pack: Pack
    book: ScopeBook | None  # None where the proof does not hold: it opens nothing


class AnsweredOrders:
    """One order with referrals answered."""

    def __init__(self, pack: Pack, book: ScopeBook) -> None:
        self._pack = pack
        self._book = book
        self._orders: dict[tuple[str, ...], _Order] = {}
        self._packs: dict[tuple[str, ...], Pack] = {}
        self._lock = threading.Lock()

    def change(self, policies: tuple[str, ...]) -> Change | None:
        """Return what an approval of these policies' referral changes, or None where none can stand for it."""
        try:
            return find_change(self._pack, policies)
        except DoorwardError:
            return None

    def permits(self, change: Change, request: Request) -> bool:
        """Return True where the order would permit a changed request; nothing is proved by that."""
        with self._lock:
            return self._without(change.policies).decide(request).outcome is Outcome.PERMIT

    def open(self, change: Change, request: Request) -> tuple[Decision, Scope] | None:
        """Return the decision and the scope of a changed request, or None where the approval opens nothing."""
        with self._lock:
            order = self._order(change.policies)
        if order.book is None:
            return None
        decision, scope = order.pack.decide(request), order.book.find(request)
        # A scope that is not installed has no views to be read through.
        if decision.outcome is not Outcome.PERMIT or scope is None or scope.id not in self._book.scopes:
            return None
        return decision, scope

    def _without(self, policies: tuple[str, ...]) -> Pack:
        if policies not in self._packs:
            if len(self._packs) >= MAX_KEPT:
                self._packs.clear()
            self._packs[policies] = without_policies(self._pack, policies)
        return self._packs[policies]

    def _order(self, policies: tuple[str, ...]) -> _Order:
        if not policies:
            return _Order(self._pack, self._book)
        if policies not in self._orders:
            if len(self._orders) >= MAX_KEPT:
                self._orders.clear()
            self._orders[policies] = self._make(policies)
        return self._orders[policies]

    def _make(self, policies: tuple[str, ...]) -> _Order:
        pack = self._without(policies)
        try:
            proved = not find_broken_promises(self._pack, policies)
            return _Order(pack, pack.scope_book() if proved else None)
        except DoorwardError:
            return _Order(pack, None)  # what cannot be proved or compiled opens nothing
