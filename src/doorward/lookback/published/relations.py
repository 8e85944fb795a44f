"""Whether an owner shares with a searcher in particular (1:1), from its list of partners. Pure.

A list is of one day, and what it says is taken for the whole log: a partner that was added or dropped between is not
seen. Partners are matched as searchers are; who has no sure match on either side leaves it open.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from doorward.lookback.agencies.owners import is_own
from doorward.lookback.agencies.searchers import Searcher, SearcherMatcher
from doorward.lookback.cells import State
from doorward.lookback.published.sharing_files import SharingList

SURE = frozenset({"entity", "alias", "exact"})


@dataclass(frozen=True, slots=True)
class Partners:
    """With whom an owner shares.

    Args:
        names: As written.
        oris: Of those that a list of agencies has.
        agencies: Entities of the order that a name is of: no entity that stands for many.
        unsure: Entities that a name may be of; None among them is any.
    """

    names: frozenset[str] = field(default_factory=frozenset)
    oris: frozenset[str] = field(default_factory=frozenset)
    agencies: frozenset[str] = field(default_factory=frozenset)
    unsure: frozenset[str | None] = field(default_factory=frozenset)


def find_partners(matcher: SearcherMatcher, names: Iterable[str]) -> Partners:
    """Return the partners of a list as the order knows them."""
    given = frozenset(names)
    found = [matcher.match(name) for name in sorted(given)]
    return Partners(
        given,
        frozenset(one.ori for one in found if one.ori and one.how in SURE),
        frozenset(one.agency for one in found if one.agency and is_entity(matcher, one)),
        frozenset(_may_be(matcher, found)),
    )


def is_entity(matcher: SearcherMatcher, one: Searcher) -> bool:
    """Return whether a searcher was found to be an agency of the order, and no entity that stands for many."""
    if matcher.order is None or one.how not in SURE or one.agency is None:
        return False
    return one.agency not in {rule.id for rule in matcher.order.generic.rules}


def _may_be(matcher: SearcherMatcher, found: Iterable[Searcher]) -> Iterable[str | None]:
    for one in found:
        if is_entity(matcher, one) or (one.ori and one.how in SURE):
            continue
        if one.may_be:
            yield from one.may_be
        elif one.level in {"federal", ""}:
            yield None


def shares_with(matcher: SearcherMatcher, partners: Partners, one: Searcher) -> bool | None:
    """Return whether a searcher is among the partners; None where that cannot be told."""
    if one.searcher_state != State.VALUE or one.searcher is None:
        return None
    if one.searcher in partners.names or (one.ori and one.how in SURE and one.ori in partners.oris):
        return True
    if not is_entity(matcher, one):
        return False if one.ori and one.how in SURE and None not in partners.unsure else None
    if one.agency in partners.agencies:
        return True
    if any(_are_parts(matcher, one.agency, listed) for listed in partners.agencies):
        return None  # another part of the same department is on the list
    return None if partners.unsure & {None, one.agency} else False


def _are_parts(matcher: SearcherMatcher, one: str | None, other: str) -> bool:
    """Return whether two entities are of one department, by the order's own `[agencies.within]`."""
    if matcher.order is None or one is None:
        return False
    within = matcher.order.generic.within

    def whole(name: str) -> str:
        for _ in range(len(within)):  # a circle ends too
            if name not in within:
                break
            name = within[name]
        return name

    return whole(one) == whole(other)


def lists_of(matcher: SearcherMatcher, lists: Sequence[SharingList], owner: str) -> tuple[SharingList, ...]:
    """Return the lists of an owner: by ORI where both have one, else by name."""
    ori = matcher.match(owner).ori if owner else ""
    return tuple(
        one for one in lists
        if owner and (owner in {one.agency, one.name} or is_own(ori, owner, matcher.match(one.name).ori, one.name))
    )  # fmt: skip
