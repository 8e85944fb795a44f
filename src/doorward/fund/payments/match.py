"""Lines of payment files held against the ledger's claims: what each line is, and what a person may confirm. Pure.

Nothing here posts. What it returns is a function of the set of lines, of the ledger and of what was confirmed: neither
the order of lines nor the files in which they stood matter. Numbered as they are looked at:

1. Two lines of one identity (payment, its line, vouchers, payee) that differ contradict each other: neither is matched.
2. A line of a match that was confirmed is that match's, posted or begun; where the ledger has its claim paid under
   another number, it contradicts the ledger.
3. A line whose payment a person posted by hand, by its number, is posted; a reversal, where the refunds by hand come to
   what all lines of its number have yet to bring back.
4. A reversal of a payment that is not posted takes it away, and both are done; of one that is posted, refunds are
   proposed.
5. Exact: its vouchers name approved claims of the payee and nobody else's do, and the cents are what is owed, by one
   line or by all lines of those vouchers together. Less is a part, and waits for the rest: a claim is paid whole.
6. Whatever is left gets candidates, ranked, each with its reasons; those whose payee and cents fit may be confirmed.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import combinations, islice
from typing import Final

from doorward.fund.ledger.operations import Pay, Refund, Submission
from doorward.fund.ledger.state import APPROVED, PAID, WITHDRAWN, Claim, State
from doorward.fund.payments.back import Returning, returning_of
from doorward.fund.payments.lines import REVERSED, PaymentLine

MAX_TOGETHER: Final = 3  # claims that one candidate pays; more are named by their vouchers
MAX_LOOKED: Final = 4_000  # sets of a grantee's claims whose sums are looked at
MAX_SAME: Final = 40  # of those, with one sum
MAX_CANDIDATES: Final = 8
_KEYS: Final = uuid.UUID("6b8f8f0e-5d0c-4b57-9f0a-7d1d6b1f3c55")
WEIGHTS: Final = {"voucher": 4, "amount": 2, "payee": 1}


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a person confirmed."""

    id: str
    by: str
    lines: tuple[str, ...]
    claims: tuple[str, ...]
    returning: tuple[Returning, ...] = ()


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the matching knows of the ledger.

    Args:
        paid: By claim: the reference under which it was paid.
        refunds: By the key of its submission.
    """

    state: State
    paid: Mapping[str, str] = field(default_factory=dict)
    refunds: Mapping[uuid.UUID, Refund] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Lines that may have paid claims, or may be money that came back for them.

    Args:
        why: Of `WEIGHTS`: what fits, the strongest first; then what does not, with a reason.
        fits: Payee and cents fit, so that a person may confirm it.
        exact: Vouchers, payee and cents fit, and no other line or claim does.
        returning: Of a reversal: the refunds that it would post.
    """

    lines: tuple[str, ...]
    claims: tuple[str, ...]
    cents: int
    why: tuple[str, ...]
    fits: bool
    exact: bool = False
    returning: tuple[Returning, ...] = ()

    @property
    def id(self) -> str:
        """The same for the same lines and claims, whenever and wherever."""
        return match_id(self.lines, self.claims)

    @property
    def rank(self) -> tuple[int, int, tuple[str, ...]]:
        """The higher before the lower, as a key for sorting."""
        return -sum(WEIGHTS.get(one, 0) for one in self.why), len(self.claims), self.claims


@dataclass(frozen=True, slots=True)
class Standing:
    """What a line is now.

    Args:
        says: One of contradicted, posted, begun, reversed, exact, part, candidates, paid-before, unmatched.
        proposals: Those that the line is of, best first.
    """

    line: PaymentLine
    says: str
    proposals: tuple[Proposal, ...] = ()
    note: str = ""


def match_id(lines: Iterable[str], claims: Iterable[str]) -> str:
    """Return the id of a match of these lines and claims, in whatever order."""
    held = f"{','.join(sorted(lines))}|{','.join(sorted(claims))}"
    return sha256(held.encode()).hexdigest()[:32]


def key_of(match: str, part: int | str) -> uuid.UUID:
    """Return the key of what a match posts: for a claim of it, or for the place of a refund among its refunds."""
    return uuid.uuid5(_KEYS, f"{match}/{part}")


def unposted(match: Confirmed, ledger: Ledger) -> tuple[tuple[uuid.UUID, Returning], ...]:
    """Return the refunds of a match that it has yet to post, with their keys."""
    keyed = ((key_of(match.id, place), one) for place, one in enumerate(match.returning))
    return tuple((key, one) for key, one in keyed if key not in ledger.refunds)


def ledger_of(state: State, submissions: Iterable[Submission]) -> Ledger:
    """Return the ledger as the matching needs it, from its state and everything that was submitted to it."""
    paid: dict[str, str] = {}
    refunds: dict[uuid.UUID, Refund] = {}
    for one in submissions:
        if isinstance(one.operation, Pay):
            paid[one.operation.claim] = one.operation.reference
        elif isinstance(one.operation, Refund):
            refunds[one.key] = one.operation
    return Ledger(state, paid, refunds)


def owed(claim: Claim) -> int:
    """Return the cents that the City pays for a claim."""
    return sum(part.cents - part.recoup for part in claim.parts)


def match(
    lines: Iterable[PaymentLine], ledger: Ledger, confirmed: Iterable[Confirmed] = ()
) -> tuple[Standing, ...]:
    """Return what each line is, in the order of their ids.

    Args:
        lines: Of all files that were imported.
        confirmed: Everything that anybody confirmed, posted to its end or not.
    """
    return _Matching({one.id: one for one in lines}, ledger, tuple(confirmed)).run()


Payment = tuple[str, str, tuple[str, ...]]


def payment_of(line: PaymentLine) -> Payment:
    """Return which payment a line is of, or takes back: its number, its payee, its vouchers."""
    return line.reverses or line.number, line.grantee, line.vouchers


class _Matching:
    def __init__(
        self, lines: Mapping[str, PaymentLine], ledger: Ledger, confirmed: tuple[Confirmed, ...]
    ) -> None:
        self.lines = dict(sorted(lines.items()))
        self.ledger = ledger
        self.found: dict[str, Standing] = {}
        self.sums: dict[str, dict[int, list[tuple[str, ...]]]] = {}
        self.confirmed = {line: one for one in confirmed for line in one.lines}
        own = {key_of(one.id, place) for one in confirmed for place in range(len(one.returning))}
        self.by_hand: dict[str, list[Refund]] = {}
        for key, refund in ledger.refunds.items():
            if key not in own:
                self.by_hand.setdefault(refund.reference, []).append(refund)
        self.by_number: dict[tuple[str, str], set[str]] = {}
        self.payable: dict[str, list[Claim]] = {}
        for claim in sorted(ledger.state.claims.values(), key=lambda one: one.id):
            if claim.status != WITHDRAWN:
                self.by_number.setdefault((self._payee(claim), claim.number), set()).add(claim.id)
            if claim.status == APPROVED:
                self.payable.setdefault(self._payee(claim), []).append(claim)
        self.payments: dict[Payment, list[PaymentLine]] = {}
        self.reversals: dict[Payment, list[PaymentLine]] = {}
        self.backs: dict[str, list[PaymentLine]] = {}
        for line in self.lines.values():
            kept = self.reversals if line.kind == REVERSED else self.payments
            kept.setdefault(payment_of(line), []).append(line)
            if line.kind == REVERSED:
                self.backs.setdefault(line.number, []).append(line)
        self.taken = {
            claim
            for one in confirmed
            for claim in one.claims
            if any(line in lines and lines[line].kind != REVERSED for line in one.lines)
        }

    def run(self) -> tuple[Standing, ...]:
        self._contradicted()
        self._settled()
        self._reversed()
        self._exact()
        self._rest()
        return tuple(self.found[one] for one in self.lines)

    def _say(self, line: PaymentLine, says: str, proposals: Sequence[Proposal] = (), note: str = "") -> None:
        self.found[line.id] = Standing(line, says, tuple(proposals), note)

    def _open(self, kind: str | None = None) -> list[PaymentLine]:
        return [one for one in self.lines.values() if one.id not in self.found and kind in {None, one.kind}]

    def _contradicted(self) -> None:
        same: dict[tuple[str, ...], list[PaymentLine]] = {}
        for line in self.lines.values():
            same.setdefault(line.identity, []).append(line)
        for of in same.values():
            for line in of:
                if len(of) > 1 and line.id not in self.confirmed:
                    self._say(line, "contradicted", note="the same line of a payment says something else")

    def _settled(self) -> None:
        for line in self._open():
            held = self.confirmed.get(line.id)
            if held is not None:
                self._settled_match(line, held)
            elif line.kind == REVERSED:
                self._settled_back(line)
            else:
                self._settled_paid(line)

    def _settled_match(self, line: PaymentLine, held: Confirmed) -> None:
        claims = self.ledger.state.claims
        if line.kind == REVERSED:
            left = unposted(held, self.ledger)
            if not (left and self._settled_by_hand(line, {one.agreement for _, one in left})):
                self._say(line, "begun" if left else "posted", note=held.id)
            return
        own = {self.lines[one].number for one in held.lines if one in self.lines}
        for one in held.claims:
            number = self.ledger.paid.get(one)
            if number is not None and number not in own:
                paid = f"`{one}` is paid under `{number}`"
                note = f"{paid}, and this payment was confirmed for it: was it paid twice?"
                self._say(line, "contradicted", note=note)
                return
        is_posted = all(one in claims and claims[one].status == PAID for one in held.claims)
        self._say(line, "posted" if is_posted else "begun", note=held.id)

    def _settled_by_hand(self, line: PaymentLine, agreements: set[str]) -> bool:
        """Return whether refunds of a reversal's number were posted by hand, and say what that makes of the line.

        They name the number alone, so that they are held against all lines of it that have refunds yet to be posted.
        """
        back = sum(one.cents for one in self.by_hand.get(line.number, ()) if one.agreement in agreements)
        if not back:
            return False
        due = sum(self._unposted(one, agreements) for one in self.backs[line.number])
        if back == due:
            self._say(line, "posted", note="refunds of its number were posted by hand")
        else:
            note = f"refunds of its number by hand come to {back} cents, and {due} were to come"
            self._say(line, "contradicted", note=note)
        return True

    def _unposted(self, line: PaymentLine, agreements: set[str]) -> int:
        held = self.confirmed.get(line.id)
        if held is not None:
            return sum(one.cents for _, one in unposted(held, self.ledger) if one.agreement in agreements)
        return line.cents if agreements & {one.agreement for one in self._named(line)} else 0

    def _settled_back(self, line: PaymentLine) -> None:
        self._settled_by_hand(line, {claim.agreement for claim in self._named(line)})

    def _settled_paid(self, line: PaymentLine) -> None:
        claims = self._named(line)
        if not claims or any(self.ledger.paid.get(one.id) != line.number for one in claims):
            return
        came = sum(one.cents for one in self.payments[payment_of(line)])
        due = sum(owed(one) for one in claims)
        if came != due or any(self._payee(one) != line.grantee for one in claims):
            self._say(
                line,
                "contradicted",
                note=f"{due} cents were posted by hand under its number, for its vouchers",
            )
        else:
            self._say(line, "posted", note="a payment of its number was posted by hand")

    def _named(self, line: PaymentLine) -> list[Claim]:
        """Return the claims that a line's vouchers name, each by its id or by the grantee's number; none if not all."""
        claims = self.ledger.state.claims
        found: set[str] = set()
        for voucher in line.vouchers:
            named = set(self.by_number.get((line.grantee, voucher), ()))
            if voucher.lower() in claims and claims[voucher.lower()].status != WITHDRAWN:
                named.add(voucher.lower())
            if len(named) != 1:
                return []
            found |= named
        return [claims[one] for one in sorted(found)]

    def _payee(self, claim: Claim) -> str:
        return self.ledger.state.agreements[claim.agreement].grantee

    def _reversed(self) -> None:
        for back in self._open(REVERSED):
            if back.id in self.found:  # the payment's other reversals said so
                continue
            paid = self.payments.get(payment_of(back), [])
            waiting = [one for one in paid if one.id not in self.found]
            fits = [one for one in waiting if one.cents == back.cents]
            posted = [one for one in paid if one.id in self.found and self.found[one.id].says == "posted"]
            named = self._named(back)
            if fits:
                self._say(fits[0], "reversed", note="it was reversed before it was posted")
                self._say(back, "reversed", note="it takes a payment back that was not posted")
            elif posted or (named and all(self.ledger.paid.get(one.id) == back.reverses for one in named)):
                self._propose_back(back, posted)
            elif waiting:
                for one in (back, *waiting):
                    self._say(
                        one, "contradicted", note="another sum was taken back than was paid: post by hand"
                    )
            elif any(self.found[one.id].says == "begun" for one in paid):
                self._say(back, "unmatched", note="what it takes back is confirmed and not posted to its end")
            elif any(self.found[one.id].says == "contradicted" for one in paid):
                self._say(back, "unmatched", note="what it takes back is contradicted: post by hand")
            else:
                self._say(back, "unmatched", note="no line of the payment that it takes back has come")

    def _propose_back(self, back: PaymentLine, posted: Sequence[PaymentLine]) -> None:
        names = self.confirmed[posted[0].id].claims if posted and posted[0].id in self.confirmed else None
        claims = self.ledger.state.claims
        held = [claims[one] for one in names if one in claims] if names else self._named(back)
        every = sum(one.cents for one in self.reversals[payment_of(back)] if not self._is_annulled(one))
        if every > sum(owed(one) for one in held):
            self._say(back, "contradicted", note="more is taken back than was paid")
            return
        returning, note = returning_of(self.ledger.state, held, back.cents)
        if not returning:
            self._say(back, "candidates", note=note)
            return
        ids = tuple(sorted(one.id for one in held))
        proposal = Proposal(
            (back.id,), ids, back.cents, ("voucher", "amount", "payee"), fits=True, returning=returning
        )
        self._say(back, "candidates", [proposal], note="money came back: refunds are proposed")

    def _is_annulled(self, line: PaymentLine) -> bool:
        return line.id in self.found and self.found[line.id].says == "reversed"

    def _payable(self, grantee: str) -> list[Claim]:
        return [one for one in self.payable.get(grantee, ()) if one.id not in self.taken]

    def _exact(self) -> None:
        groups: dict[tuple[str, tuple[str, ...]], list[PaymentLine]] = {}
        for line in self._open():
            claims = self._named(line)
            if claims and all(one.status == APPROVED and one.id not in self.taken for one in claims):
                groups.setdefault((line.grantee, tuple(one.id for one in claims)), []).append(line)
        uses: dict[str, int] = {}
        for _, names in groups:
            for name in names:
                uses[name] = uses.get(name, 0) + 1
        for (grantee, names), lines in groups.items():
            held = [self.ledger.state.claims[one] for one in names]
            if any(uses[one] > 1 for one in names) or any(self._payee(one) != grantee for one in held):
                continue
            due, came = sum(owed(one) for one in held), sum(one.cents for one in lines)
            if came < due:
                for line in lines:
                    self._say(line, "part", note=f"{came} of {due} cents came; a claim is paid whole")
            elif came == due:
                ids = tuple(sorted(one.id for one in lines))
                made = Proposal(ids, names, due, ("voucher", "amount", "payee"), fits=True, exact=True)
                for line in lines:
                    self._say(line, "exact", [made])

    def _rest(self) -> None:
        promised = {
            claim.id
            for one in self.found.values()
            if one.says in {"exact", "part"}
            for claim in self._named(one.line)
        }
        for line in self._open():
            named = self._named(line)
            before = [one.id for one in named if one.status == PAID]
            found = self._candidates(line, named, promised)
            if before:
                note = f"`{before[0]}` is paid under another number: was it paid twice?"
                self._say(line, "paid-before", found, note)
            elif found:
                self._say(line, "candidates", found)
            else:
                self._say(line, "unmatched", note="no approved claim of the payee fits")

    def _sums(self, grantee: str, promised: set[str]) -> Mapping[int, list[tuple[str, ...]]]:
        """Return claims that may be paid together, by their cents; the first `MAX_LOOKED` sets of them."""
        if grantee not in self.sums:
            payable = [one for one in self._payable(grantee) if one.id not in promised]
            sets = (held for count in range(1, MAX_TOGETHER + 1) for held in combinations(payable, count))
            made: dict[int, list[tuple[str, ...]]] = {}
            for held in islice(sets, MAX_LOOKED):
                same = made.setdefault(sum(owed(one) for one in held), [])
                if len(same) < MAX_SAME:
                    same.append(tuple(one.id for one in held))
            self.sums[grantee] = made
        return self.sums[grantee]

    def _candidates(self, line: PaymentLine, named: Sequence[Claim], promised: set[str]) -> list[Proposal]:
        names = {one.id for one in named}
        found: dict[str, Proposal] = {}
        for ids in self._sums(line.grantee, promised).get(line.cents, ()):
            why = ("voucher", "amount", "payee") if names & set(ids) else ("amount", "payee")
            made = Proposal((line.id,), ids, line.cents, why, fits=True)
            found[made.id] = made
        for one in named:
            if one.status == APPROVED and one.id not in self.taken:
                is_theirs = self._payee(one) == line.grantee
                fit: tuple[str, ...] = (
                    "voucher",
                    *(["payee"] if is_theirs else []),
                    *(["amount"] if owed(one) == line.cents else []),
                )
                off = "" if owed(one) == line.cents else f"{owed(one)} cents are owed"
                reasons = [*([] if is_theirs else ["the payee is another"]), *([off] if off else [])]
                made = Proposal((line.id,), (one.id,), line.cents, (*fit, *reasons), fits=False)
                found.setdefault(made.id, made)
        return sorted(found.values(), key=lambda one: (not one.fits, *one.rank))[:MAX_CANDIDATES]


def proposals_of(standings: Iterable[Standing]) -> dict[str, Proposal]:
    """Return every proposal that may be confirmed, by its id."""
    return {one.id: one for found in standings for one in found.proposals if one.fits}
