"""The ledger held against the record: what somebody changed around doorward shows here. Pure.

Who is a superuser of the fund's database can take triggers away and write what they like. They cannot write the record,
which is not in that database and of which the public log holds the leaves. Compared are, transaction by transaction:
its entry, its text, its postings, and then the balances with their sum.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from doorward.errors import MalformedError
from doorward.fund.entries import POST, POSTED, RULES, WITHDRAWN
from doorward.fund.evidence import has_false_signature
from doorward.fund.ledger.accounts import Posting, unbalanced
from doorward.fund.ledger.operations import format_submission, parse_transaction
from doorward.fund.ledger.state import Place
from doorward.notes.note import Verifier
from doorward.record.entry import Entry, Field, Kind


@dataclass(frozen=True, slots=True)
class Told:
    """A transaction as the ledger tells it: its number, the entry that it names, its text, its rows of postings."""

    number: int
    entry: int
    text: str
    postings: tuple[Posting, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of it.

    Args:
        wrong: Each is false, whoever did it.
        open: Each may be a crash: an entry without its end, with no transaction.
    """

    transactions: int
    wrong: tuple[str, ...]
    open: tuple[str, ...]


def compare(
    told: Sequence[Told],
    entries: Iterable[Entry],
    balances: Mapping[Place, int],
    returned: Mapping[tuple[int, str, str], int] | None = None,
    *,
    rules: str | None = None,
    keys: Sequence[Verifier] = (),
) -> Comparison:
    """Return how a ledger and its record differ.

    Args:
        told: Everything that the ledger holds.
        entries: The whole record, or of it the kind `fund`.
        balances: As the ledger holds them.
        returned: As `balances`: what came back for closed years.
        rules: As `balances`: the text of `format_rules`.
        keys: Those on file; what one of them signed is verified.
    """
    posts, ends, ruled = _read(entries)
    wrong = []
    for one in told:
        wrong += _check(one, posts)
        wrong += _check_signature(one, posts.get(one.entry), keys)
    named = {one.entry for one in told}
    open_ = []
    for sequence in sorted(posts.keys() - named):
        key = (posts[sequence].get(Field.MATTER) or b"").decode("ascii", "replace")
        end = ends.get(sequence)
        if end == POSTED:
            wrong.append(f"entry {sequence} (key {key}) was posted, and the ledger does not have it")
        elif end is None:
            open_.append(f"entry {sequence} (key {key}) has no end, and the ledger does not have it")
    wrong += [
        f"transaction {one.number}: the record says that entry {one.entry} was withdrawn"
        for one in told
        if ends.get(one.entry) == WITHDRAWN
    ]
    if rules is not None:
        wrong += _check_rules(ruled, ends, rules)
    return Comparison(len(told), (*wrong, *_check_sums(told, balances, returned)), tuple(open_))


def _check_rules(ruled: Iterable[Entry], ends: Mapping[int, bytes], rules: str) -> list[str]:
    """Return whether the rules are those of the last entry that puts some in; a ledger from before has none."""
    held = [one for one in ruled if ends.get(one.sequence) != WITHDRAWN]
    last = max(held, key=lambda one: (one.time_us, one.sequence), default=None)
    if last is None or last.get(Field.TEXT) == rules.encode():
        return []
    crashed = [one for one in held if one is not last and one.get(Field.TEXT) == rules.encode()]
    if last.sequence not in ends and crashed:
        return []  # it was recorded, and perhaps never came into force
    return [f"the rules are not what entry {last.sequence} put in"]


def _read(entries: Iterable[Entry]) -> tuple[dict[int, Entry], dict[int, bytes], list[Entry]]:
    posts, ends, ruled = {}, {}, []
    for entry in entries:
        if entry.kind is not Kind.FUND:
            continue
        act, last = entry.get(Field.ACT), entry.get(Field.LAST)
        if act == POST:
            posts[entry.sequence] = entry
        elif act == RULES:
            ruled.append(entry)
        elif act is not None and last is not None and last.isdigit():
            ends[int(last)] = act
    return posts, ends, ruled


def _check(one: Told, posts: Mapping[int, Entry]) -> list[str]:
    name = f"transaction {one.number}"
    entry = posts.get(one.entry)
    if entry is None:
        return [f"{name}: the record has no entry {one.entry} of it"]
    found = []
    digest = sha256(one.text.encode()).hexdigest().encode()
    if entry.get(Field.DIGEST) != digest or entry.get(Field.TEXT) != one.text.encode():
        found.append(f"{name}: its text is not what entry {one.entry} holds")
    try:
        _, postings = parse_transaction(one.text)
    except MalformedError:
        return [*found, f"{name}: its text is none of a transaction"]
    if postings != one.postings:
        found.append(f"{name}: its postings are not what its text says")
    found += [
        f"{name}: debits are not credits in `{line}` of {year}" for _, year, line in unbalanced(one.postings)
    ]
    return found


def _check_signature(one: Told, entry: Entry | None, keys: Sequence[Verifier]) -> list[str]:
    try:
        submission, _ = parse_transaction(one.text)
    except MalformedError:
        return []  # its text is not what the record holds, which is told beside this
    if has_false_signature(format_submission(submission).encode(), submission.by, entry, keys):
        return [f"transaction {one.number}: the signature in entry {one.entry} does not hold"]
    return []


def _check_sums(
    told: Sequence[Told],
    balances: Mapping[Place, int],
    returned: Mapping[tuple[int, str, str], int] | None,
) -> list[str]:
    sums: dict[Place, int] = {}
    back: dict[tuple[int, str, str], int] = {}
    for one in told:
        for posting in one.postings:
            sums[posting.place] = sums.get(posting.place, 0) + posting.cents
            if posting.origin:
                place = (posting.origin, posting.line, posting.agreement)
                back[place] = back.get(place, 0) - posting.cents
    wrong = [
        f"`{place[0].value}` of {place[1]} {place[2]} {place[3]}".rstrip()
        + f" is {balances.get(place, 0)}, and its postings add to {sums.get(place, 0)}"
        for place in sorted(sums.keys() | balances.keys())
        if sums.get(place, 0) != balances.get(place, 0)
    ]
    if returned is not None:
        wrong += [
            f"what came back of {year} {line} {agreement} is not what its refunds add to"
            for year, line, agreement in sorted(back.keys() | returned.keys())
            if back.get((year, line, agreement), 0) != returned.get((year, line, agreement), 0)
        ]
    return wrong
